//! The adapter of Port against the sandbox organisation.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use exeunt::clock::SystemClock;
use exeunt::domain::account::AccountRecord;
use exeunt::domain::account::Do;
use exeunt::domain::time::Time;
use exeunt::provider::AccountsRead;
use exeunt::provider::Next;
use exeunt::provider::Order;
use exeunt::provider::Provider as _;
use exeunt::provider::Target;
use exeunt::provider::http::Limits;
use exeunt::provider::http::Secret;
use exeunt::provider::port::Port as Adapter;
use exeunt::provider::port::PortSettings;
use exeunt::sandbox::population::Population;
use exeunt::sandbox::port::Control;
use exeunt::sandbox::port::Entity;
use exeunt::sandbox::port::Port;
use exeunt::sandbox::port::PortHandle;
use exeunt::sandbox::port::PortOptions;
use exeunt::sandbox::port::Relation;
use exeunt::sandbox::port::Settings;
use exeunt::sandbox::port::User;

mod change;
mod read;
mod settings;
mod tasks;
mod way;

const LEAVER: &str = "lena+old@house.test";

fn start(population: Population, settings: Settings) -> PortHandle {
    Port::start(PortOptions {
        population,
        settings,
        ..PortOptions::default()
    })
    .unwrap()
}

fn adapter(tenant: &PortHandle) -> Adapter {
    let (id, secret) = tenant.credentials();
    let mut settings = PortSettings::new(
        tenant.url(),
        Secret::new(id),
        Secret::new(secret),
        14 * 86_400,
        Arc::new(SystemClock::default()),
    );
    settings.http = Limits {
        read: Duration::from_secs(10),
        change: Duration::from_secs(2),
        waiting: Duration::from_secs(5),
        first_backoff: Duration::from_millis(5),
        longest_backoff: Duration::from_millis(20),
        ..Limits::default()
    };
    settings.follows = Duration::from_millis(150);
    Adapter::new(settings).unwrap()
}

/// An organisation in which somebody was active two hundred days ago.
fn house(settings: Settings) -> PortHandle {
    let tenant = start(Population::of(4, 0), settings);
    let control = tenant.control();
    let now = control.now();
    let mut lena = User::new(LEAVER, "Lena", "House", now - TimeDelta::days(400));
    lena.last_login = Some(now - TimeDelta::days(200));
    control.add_user(lena);
    for blueprint in ["service", "page"] {
        let relation = Relation {
            target: "_user".to_owned(),
            required: false,
            many: false,
        };
        control.set_relation(blueprint, "keeper", relation);
    }
    tenant
}

/// Adds an entity that points at somebody.
fn pointing(control: &Control, blueprint: &str, identifier: &str, at: &str) {
    let entity = Entity::new(blueprint, identifier, "auth0|nobody", control.now());
    control.add_entity(entity.pointing("keeper", at));
}

fn quiet(_: u64) {}

async fn read(adapter: &Adapter) -> AccountsRead {
    adapter.accounts(&quiet).await.unwrap()
}

async fn of(adapter: &Adapter, email: &str) -> AccountRecord {
    let read = read(adapter).await;
    let mut all = read.accounts.into_iter();
    all.find(|a| a.email.as_deref() == Some(email)).unwrap()
}

async fn target(adapter: &Adapter, email: &str) -> Target {
    let record = of(adapter, email).await;
    Target {
        id: record.id,
        facts: Some(record.facts),
        successor: None,
        done: Vec::new(),
        released: std::collections::BTreeSet::new(),
    }
}

async fn prepared(adapter: &Adapter, target: &Target, wanted: Do) -> Order {
    match adapter.prepare(target, wanted).await.unwrap() {
        Next::Send(order) => *order,
        other => panic!("no request: {other:?}"),
    }
}

fn time(at: chrono::DateTime<chrono::Utc>) -> Time {
    Time::from_micros(at.timestamp_micros())
}
