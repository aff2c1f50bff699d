//! The adapter of DocSpace against the sandbox tenant.

mod example;
mod half;
mod heir;
mod keys;
mod read;
mod way;

use std::time::Duration;

use exeunt::domain::account::Do;
use exeunt::provider::AnswerVerdict;
use exeunt::provider::Next;
use exeunt::provider::Order;
use exeunt::provider::Provider as _;
use exeunt::provider::Successor;
use exeunt::provider::Target;
use exeunt::provider::docspace::DocSpace as Adapter;
use exeunt::provider::docspace::DocSpaceSettings;
use exeunt::provider::http::Limits;
use exeunt::provider::http::Secret;
use exeunt::sandbox::docspace::Control;
use exeunt::sandbox::docspace::DocSpace;
use exeunt::sandbox::docspace::DocSpaceHandle;
use exeunt::sandbox::docspace::DocSpaceOptions;
use exeunt::sandbox::docspace::Holdings;
use exeunt::sandbox::docspace::Kind;
use exeunt::sandbox::docspace::Settings;
use exeunt::sandbox::docspace::TaskSettings;
use exeunt::sandbox::docspace::User;
use exeunt::sandbox::population::Population;
use uuid::Uuid;

const LEAVER: Uuid = Uuid::from_u128(0xacc0_0001);
const HEIR: Uuid = Uuid::from_u128(0xacc0_0002);

fn start(population: Population, settings: Settings) -> DocSpaceHandle {
    DocSpace::start(DocSpaceOptions {
        population,
        settings,
        ..DocSpaceOptions::default()
    })
    .unwrap()
}

fn adapter(tenant: &DocSpaceHandle, reads: usize) -> Adapter {
    let mut settings = DocSpaceSettings::new(tenant.url(), Secret::new(tenant.token()));
    settings.reads = reads;
    settings.http = Limits {
        change: Duration::from_millis(800),
        ..Limits::default()
    };
    Adapter::new(settings).unwrap()
}

/// A tenant with somebody who leaves and owns much, and somebody who can take over.
fn house(tasks: TaskSettings) -> DocSpaceHandle {
    let settings = Settings {
        tasks,
        ..Settings::default()
    };
    let tenant = start(Population::of(4, 0), settings);
    let control = tenant.control();
    let made = control.now() - chrono::TimeDelta::days(300);
    let add = |id, name: &str, kind| {
        let mail = format!("{name}@house.test");
        control.add_user(User::new(id, name, "House", &mail, kind, made));
    };
    add(LEAVER, "lena", Kind::User);
    add(HEIR, "hugo", Kind::RoomAdmin);
    let owned = Holdings {
        rooms: vec!["Plans".to_owned(), "Bills".to_owned(), "Staff".to_owned()],
        shared_files: 7,
        my_documents: 12,
    };
    control.set_holdings(LEAVER, owned);
    tenant
}

fn target(id: Uuid, successor: Option<Uuid>) -> Target {
    Target {
        id: id.to_string(),
        facts: None,
        successor: successor.map(|id| Successor {
            id: id.to_string(),
            email: None,
        }),
        done: Vec::new(),
        released: std::collections::BTreeSet::new(),
    }
}

/// How a way ended.
#[derive(Debug, Clone, PartialEq, Eq)]
enum End {
    Reached,
    Withheld(&'static str),
    Judged(&'static str),
    StillWaiting,
}

/// Goes the whole way as the engine does: request by request, each taking effect before the next.
async fn go(adapter: &Adapter, target: &mut Target, wanted: Do) -> (Vec<&'static str>, End) {
    let mut calls = Vec::new();
    for _ in 0..40 {
        let order = match adapter.prepare(target, wanted).await.unwrap() {
            Next::Send(order) => order,
            Next::Withhold(code) => return (calls, End::Withheld(code)),
            Next::Wait(_) => continue,
        };
        calls.push(order.call);
        let answer = adapter.execute(target, &order).await;
        if answer.verdict != AnswerVerdict::Done {
            return (calls, End::Judged(answer.code));
        }
        if order.does != Do::Transfer {
            let back = adapter.account(&target.id).await.unwrap();
            let facts = back.as_ref().map(|r| &r.facts);
            assert!(adapter.shows(facts, order.does), "{order:?}");
        }
        target.done.push(order.does);
        if order.does == wanted {
            return (calls, End::Reached);
        }
    }
    (calls, End::StillWaiting)
}

async fn prepared(adapter: &Adapter, target: &Target, wanted: Do) -> Order {
    match adapter.prepare(target, wanted).await.unwrap() {
        Next::Send(order) => *order,
        other => panic!("no request: {other:?}"),
    }
}

/// Nothing was ever asked for that must never be.
fn is_decent(control: &Control) {
    for request in control.requests() {
        let body = request.body.unwrap_or_default();
        assert_ne!(body["deleteProfile"], true);
        let forbidden = ["people/delete", "people/guests", "reassign/terminate"];
        assert!(!forbidden.iter().any(|f| request.path.contains(f)));
    }
}
