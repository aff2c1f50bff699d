//! Nothing is ever sent to another address than the configured one.

use std::io::Read;
use std::io::Write;
use std::net::Ipv4Addr;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use exeunt::provider::AnswerVerdict;
use exeunt::sandbox::tenant::Fault;
use exeunt::sandbox::tenant::FaultRule;
use exeunt::sandbox::tenant::Matcher;
use serde_json::Value;

use crate::provider::conformance::changes::Staff;
use crate::provider::conformance::changes::go;
use crate::provider::conformance::changes::wanted;
use crate::provider::conformance::house::One;
use crate::provider::conformance::house::Plan;
use crate::provider::conformance::house::cases;
use crate::provider::conformance::house::people;
use crate::provider::conformance::truth;

/// A server that nobody must come to.
struct Abroad {
    url: String,
    visits: Arc<AtomicUsize>,
}

impl Abroad {
    fn open() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let visits = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&visits);
        // Ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                count.fetch_add(1, Ordering::SeqCst);
                let Ok(mut stream) = stream else { continue };
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
            }
        });
        Self { url, visits }
    }

    fn visits(&self) -> usize {
        self.visits.load(Ordering::SeqCst)
    }
}

#[test]
fn a_visit_is_counted() {
    let abroad = Abroad::open();
    let address = abroad.url.trim_start_matches("http://");
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let _ = stream.read(&mut [0; 64]);
    assert_eq!(abroad.visits(), 1);
}

async fn ask_everything(one: &One, id: &str) {
    let _ = one.adapter.clock().await;
    let read = one.read().await;
    assert!(read.is_err(), "{}: a redirect is no list", one.name());
    let walk = one.adapter.activity(&[], one.now(), &|_| {}).await;
    let whole = walk.signals.iter().filter(|s| s.complete && s.pages > 0);
    assert_eq!(whole.count(), 0, "{}: a redirect is no walk", one.name());
    let single = one.adapter.account(id).await;
    assert!(single.is_err(), "{}: {single:?}", one.name());
    let _ = one.adapter.owned(id).await;
    let _ = one.adapter.check().await;
}

#[tokio::test]
async fn redirects_of_reads_and_of_token_requests_are_not_followed() {
    let abroad = Abroad::open();
    for (name, start) in cases() {
        let mut one = Plan::new(start, people(30)).hasty().open();
        let id = one.listed().await[0].id.clone();
        for status in [302, 307, 308] {
            // `renew`: with a token in hand, then without one.
            for warm in [true, false] {
                one.rehearsal.control.clear_faults();
                one.renew();
                if warm {
                    one.listed().await;
                }
                let location = format!("{}/there", abroad.url);
                let fault = Fault::Redirect { status, location };
                one.rehearsal
                    .control
                    .add_fault(FaultRule::always(Matcher::default(), fault));
                ask_everything(&one, &id).await;
            }
        }
        assert_eq!(abroad.visits(), 0, "{name}");
    }
}

#[tokio::test]
async fn redirects_of_changes_are_not_followed_and_leave_them_in_doubt() {
    let abroad = Abroad::open();
    for (name, start) in cases() {
        let one = Plan::new(start, people(200)).hasty().open();
        let mut staff = Staff::of(&one).await;
        for does in wanted(&one) {
            for status in [301, 302, 303, 307, 308] {
                let account = staff.next(&one, does).await;
                let (target, order, _) = go(&one, &account, &staff.heir, does, Some(0)).await;
                let location = format!("{}/there", abroad.url);
                let fault = Fault::Redirect { status, location };
                let control = &one.rehearsal.control;
                control.add_fault(FaultRule::always(Matcher::default(), fault));
                let answer = one.adapter.execute(&target, &order.unwrap()).await;
                control.clear_faults();
                let doubt = matches!(
                    answer.verdict,
                    AnswerVerdict::Unknown | AnswerVerdict::Failed
                );
                assert!(doubt, "{name}: {does:?}: {answer:?}");
            }
        }
        assert_eq!(abroad.visits(), 0, "{name}");
    }
}

/// Lets every link, and every place of a next page, point abroad.
fn lead_astray(value: &mut Value, own: &str, abroad: &str) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|v| lead_astray(v, own, abroad)),
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                let place = [
                    "next",
                    "href",
                    "nexturl",
                    "link",
                    "location",
                    "meta.location",
                ];
                let named = place.contains(&name.to_lowercase().as_str());
                match value {
                    Value::String(text) if named || text.starts_with(own) => {
                        *text = format!("{abroad}/page?from=17");
                    }
                    other => lead_astray(other, own, abroad),
                }
            }
            let link = Value::from(format!("{abroad}/more"));
            fields.entry("next").or_insert(link);
        }
        _ => {}
    }
}

#[tokio::test]
async fn links_to_other_addresses_are_not_followed() {
    let abroad = Abroad::open();
    for (name, start) in cases() {
        let one = Plan::new(start, people(250)).proxied().hasty().open();
        let id = one.listed().await[0].id.clone();
        let proxy = one.proxy.as_ref().unwrap();
        let (own, there) = (proxy.url.clone(), abroad.url.clone());
        proxy.set_hook(move |told| {
            if let Ok(mut body) = serde_json::from_slice(&told.body) {
                lead_astray(&mut body, &own, &there);
                told.body = body.to_string().into_bytes();
            }
        });
        if let Ok(read) = one.read().await {
            let robots = read.accounts.iter().filter_map(|a| a.email.as_deref());
            let robots = robots.filter(|e| truth::is_robot(name, e)).count();
            assert_eq!(read.accounts.len() - robots, 250, "{name}");
        }
        one.adapter.activity(&[], one.now(), &|_| {}).await;
        let _ = one.adapter.account(&id).await;
        let _ = one.adapter.owned(&id).await;
        one.adapter.check().await;
        assert_eq!(abroad.visits(), 0, "{name}");
    }
}
