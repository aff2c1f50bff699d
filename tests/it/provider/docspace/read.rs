//! Reading several pages at once, and how long it takes.

use std::time::Duration;
use std::time::Instant;

use exeunt::domain::account::Signal;
use exeunt::provider::Provider as _;
use exeunt::provider::http::Client;
use exeunt::provider::http::Limits;
use exeunt::provider::http::Secret;
use exeunt::sandbox::docspace::Fault;
use exeunt::sandbox::docspace::FaultRule;
use exeunt::sandbox::docspace::GateAt;
use exeunt::sandbox::docspace::Matcher;
use exeunt::sandbox::docspace::RateLimit;
use exeunt::sandbox::docspace::Settings;
use exeunt::sandbox::population::Population;
use futures_util::StreamExt as _;
use futures_util::stream;

use crate::provider::docspace::adapter;
use crate::provider::docspace::start;

#[tokio::test]
async fn reading_side_by_side_gives_what_reading_in_turn_gives() {
    let tenant = start(Population::mixed(1_050, 3_000), Settings::default());
    let control = tenant.control();
    for (n, start) in [(1, 100), (2, 300), (3, 700)] {
        let matcher = Matcher::new("GET", "/api/2.0/people/filter");
        let matcher = matcher.with_query(&format!("startIndex={start}"));
        control.add_fault(FaultRule::once(matcher, Fault::Delay { ms: 300 / n }));
    }
    let side_by_side = adapter(&tenant, 16).accounts(&|_| ()).await.unwrap();
    control.clear_faults();
    let in_turn = adapter(&tenant, 1).accounts(&|_| ()).await.unwrap();
    assert_eq!(side_by_side, in_turn);
    let now = exeunt::domain::time::Time::from_seconds(control.now().timestamp());
    let mut reads = Vec::new();
    for at_once in [1, 3, 16] {
        let mut read = adapter(&tenant, at_once).activity(&[], now, &|_| ()).await;
        assert!(
            read.signals.iter().all(|s| s.complete),
            "{:?}",
            read.signals
        );
        read.signals.sort_by_key(|s| s.signal);
        reads.push(read);
    }
    assert_eq!(reads[0], reads[1]);
    assert_eq!(reads[0], reads[2]);
}

#[tokio::test]
async fn a_log_that_grows_while_it_is_walked_lacks_nobody() {
    let tenant = start(Population::of(300, 4_000), Settings::default());
    let control = tenant.control();
    let before = control.logins();
    let busy = control.key_user();
    let writer = control.clone();
    let grow = move |_: u64| {
        for _ in 0..7 {
            writer.add_login(busy, writer.now(), 1029);
        }
    };
    let now = exeunt::domain::time::Time::from_seconds(control.now().timestamp());
    let read = adapter(&tenant, 16).activity(&[], now, &grow).await;
    assert!(read.signals[0].complete, "{:?}", read.signals[0]);
    let seen = &read.seen[&Signal::Login];
    for event in before.iter().filter(|e| [1000, 1029].contains(&e.action)) {
        let newest = seen.get(&event.user.to_string()).and_then(|s| s.newest);
        let newest = newest.map(exeunt::domain::time::Time::micros);
        assert!(newest >= Some(event.at.timestamp_micros()), "{event:?}");
    }
    let counted: u64 = seen.values().flat_map(|s| s.days.values()).sum();
    let successes = before.iter().filter(|e| [1000, 1029].contains(&e.action));
    assert!(counted >= u64::try_from(successes.count()).unwrap());
}

/// As long as one page is held back, no more than sixteen are under way, and none is asked for twice.
#[tokio::test]
async fn as_many_pages_as_may_be_are_under_way_and_no_more() {
    let tenant = start(Population::of(5_000, 0), Settings::default());
    let control = tenant.control();
    let path = "/api/2.0/people/filter";
    let second = Matcher::new("GET", path).with_query("startIndex=100");
    let gate = control.pause(second, GateAt::Before);
    let adapter = adapter(&tenant, 16);
    let reading = tokio::spawn(async move { adapter.accounts(&|_| ()).await });
    let pages = || {
        let requests = control.requests().into_iter();
        requests.filter(|r| r.path.starts_with(path)).count()
    };
    for _ in 0..600 {
        if pages() >= 17 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(pages(), 17, "the first page, and sixteen more");
    control.release(gate);
    let read = reading.await.unwrap().unwrap();
    assert_eq!((read.accounts.len(), pages()), (5_000, 50));
}

/// The calls that there is no way around, with the same client: the key's user and the first page,
/// then the other pages, so many at once.
async fn necessary(client: &Client, pages: usize, at_once: usize) -> Duration {
    let begun = Instant::now();
    let page = |n: usize| {
        let start = (n * 100).to_string();
        async move {
            let query = [
                ("employeeStatus", "7"),
                ("sortBy", "email"),
                ("sortOrder", "ascending"),
                ("count", "100"),
                ("startIndex", start.as_str()),
            ];
            client.get("api/2.0/people/filter", &query).await.unwrap()
        }
    };
    let own = client.get("api/2.0/people/@self", &[]);
    let (own, _) = tokio::join!(own, page(0));
    assert_eq!(own.unwrap().status, 200);
    let rest: Vec<_> = (1..pages).map(page).collect();
    let rest = stream::iter(rest).buffered(at_once).collect::<Vec<_>>();
    assert!(rest.await.iter().all(|page| page.status == 200));
    begun.elapsed()
}

/// Figures for docs/PERFORMANCE.md. They are held to their bounds only where `EXEUNT_TIMES` is set,
/// since another load on the machine can double either side.
#[tokio::test]
#[expect(
    clippy::print_stdout,
    reason = "the figures are for docs/PERFORMANCE.md"
)]
async fn a_full_read_takes_little_longer_than_the_necessary_calls() {
    let settings = Settings {
        rate_limit: Some(RateLimit::default()),
        ..Settings::default()
    };
    let tenant = start(Population::mixed(5_000, 9_500), settings);
    let control = tenant.control();
    control.set_latency(Some(Duration::from_millis(50)));
    let client = Client::new(&tenant.url(), None, Limits::default()).unwrap();
    let token = Secret::new(tenant.token());
    let client = client
        .with_credential("authorization", "Bearer ", token)
        .unwrap();
    let (adapter, slow) = (adapter(&tenant, 16), adapter(&tenant, 1));
    // the shortest of five of each, by turns: what else the machine does only ever adds
    let (mut ours, mut plain) = (Duration::MAX, Duration::MAX);
    for _ in 0..5 {
        let least = necessary(&client, 50, 16).await;
        control.clear_requests();
        let begun = Instant::now();
        let read = adapter.accounts(&|_| ()).await.unwrap();
        let took = begun.elapsed();
        assert_eq!(read.accounts.len(), 5_000);
        let requests = control.requests();
        assert_eq!(requests.len(), 52);
        assert!(requests.iter().all(|r| r.status == Some(200)), "no 429");
        println!("accounts: {took:?}, necessary calls: {least:?}");
        (ours, plain) = (ours.min(took), plain.min(least));
    }
    let ratio = ours.as_secs_f64() / plain.as_secs_f64();
    println!("accounts: {ours:?}, necessary calls: {plain:?}, ratio {ratio:.2}");
    let strict = std::env::var_os("EXEUNT_TIMES").is_some();
    assert!(!strict || ratio <= 1.2, "{ratio:.2}");
    let now = exeunt::domain::time::Time::from_seconds(control.now().timestamp());
    let mut times = Vec::new();
    for adapter in [&slow, &adapter] {
        control.clear_requests();
        let begun = Instant::now();
        let read = adapter.activity(&[], now, &|_| ()).await;
        times.push(begun.elapsed());
        assert!(read.signals.iter().all(|s| s.complete));
        let calls = control.requests().len();
        println!("activity: {:?} for {calls} calls", times.last());
    }
    assert!(!strict || times[1] < times[0] / 2, "{times:?}");
}
