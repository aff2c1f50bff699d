//! The adapter of SCIM against the sandbox server.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use exeunt::clock::SystemClock;
use exeunt::domain::account::AccountRecord;
use exeunt::domain::account::Do;
use exeunt::provider::AccountsRead;
use exeunt::provider::Answer;
use exeunt::provider::Next;
use exeunt::provider::Order;
use exeunt::provider::Provider as _;
use exeunt::provider::Target;
use exeunt::provider::http::Limits;
use exeunt::provider::http::Secret;
use exeunt::provider::scim::Scim as Adapter;
use exeunt::provider::scim::ScimAccess;
use exeunt::provider::scim::ScimSettings;
use exeunt::sandbox::population::Population;
use exeunt::sandbox::scim::Activity;
use exeunt::sandbox::scim::Scim;
use exeunt::sandbox::scim::ScimHandle;
use exeunt::sandbox::scim::ScimOptions;
use exeunt::sandbox::scim::Settings;
use exeunt::sandbox::scim::User;

mod change;
mod read;
mod way;

const LEAVER: &str = "leaver-1";
const LOGIN: &str = "urn:example:params:scim:schemas:extension:activity:2.0:User:lastLogin";

fn start(population: Population, settings: Settings) -> ScimHandle {
    Scim::start(ScimOptions {
        population,
        settings,
        ..ScimOptions::default()
    })
    .unwrap()
}

/// A server with a few people, and with somebody who was active two hundred days ago.
fn house(settings: Settings) -> ScimHandle {
    let tenant = start(Population::of(4, 0), settings);
    let control = tenant.control();
    let now = control.now();
    let mut lena = User::new("lena@house.test", now - TimeDelta::days(400));
    lena.id = LEAVER.to_owned();
    lena.given_name = "Lena".to_owned();
    lena.family_name = "House".to_owned();
    lena.email = Some("lena@house.test".to_owned());
    lena.external_id = Some("E-77".to_owned());
    lena.employee_number = Some("77".to_owned());
    lena.manager = Some("42".to_owned());
    lena.last_login = Some(now - TimeDelta::days(200));
    lena.extra.insert("title".to_owned(), "Engineer".into());
    control.with(|scim| scim.add_user(lena));
    tenant
}

/// With the attribute of the examples for the last login.
fn with_login() -> Settings {
    Settings {
        activity: Some(Activity::example()),
        ..Settings::default()
    }
}

fn settings(tenant: &ScimHandle) -> ScimSettings {
    ScimSettings {
        url: tenant.base_url(),
        access: ScimAccess::Token(Secret::new(&tenant.credentials().bearer)),
        ca_file: None,
        http: Limits {
            read: Duration::from_secs(10),
            change: Duration::from_secs(2),
            waiting: Duration::from_secs(5),
            first_backoff: Duration::from_millis(5),
            longest_backoff: Duration::from_millis(20),
            ..Limits::default()
        },
        max_pages: 500,
        session_s: 14 * 86_400,
        last_login: Some(LOGIN.to_owned()),
        admin_values: Vec::new(),
        clock: Arc::new(SystemClock::default()),
    }
}

fn adapter(tenant: &ScimHandle) -> Adapter {
    Adapter::new(settings(tenant)).unwrap()
}

fn quiet(_: u64) {}

async fn read(adapter: &Adapter) -> AccountsRead {
    adapter.accounts(&quiet).await.unwrap()
}

async fn fault(adapter: &Adapter) -> &'static str {
    adapter.accounts(&quiet).await.unwrap_err().fault()
}

async fn of(adapter: &Adapter, id: &str) -> AccountRecord {
    adapter.account(id).await.unwrap().unwrap()
}

fn target(id: &str) -> Target {
    Target {
        id: id.to_owned(),
        facts: None,
        successor: None,
        done: Vec::new(),
        released: std::collections::BTreeSet::new(),
    }
}

async fn prepared(adapter: &Adapter, id: &str, wanted: Do) -> Order {
    match adapter.prepare(&target(id), wanted).await.unwrap() {
        Next::Send(order) => *order,
        other => panic!("no request: {other:?}"),
    }
}

/// Prepares and sends as the engine does: again in another form as long as that is said.
async fn wanted(adapter: &Adapter, id: &str, does: Do) -> Answer {
    for _ in 0..7 {
        let order = prepared(adapter, id, does).await;
        let answer = adapter.execute(&target(id), &order).await;
        if answer.code != "call.other-form" {
            return answer;
        }
    }
    panic!("the engine does not ask so often");
}
