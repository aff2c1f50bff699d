//! ProjectPlace's adapter against the sandbox's account.

mod change;
mod heir;
mod read;
mod settings;
mod succession;
mod way;

use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use chrono::Utc;
use exeunt::clock::SystemClock;
use exeunt::domain::account::Do;
use exeunt::domain::time::Time;
use exeunt::provider::Order;
use exeunt::provider::Provider as _;
use exeunt::provider::Successor;
use exeunt::provider::Target;
use exeunt::provider::http::Limits;
use exeunt::provider::http::Secret;
use exeunt::provider::projectplace::Credential;
use exeunt::provider::projectplace::OAuth1Keys;
use exeunt::provider::projectplace::ProjectPlace;
use exeunt::provider::projectplace::ProjectPlaceSettings;
use exeunt::sandbox::population::Population;
use exeunt::sandbox::projectplace as sandbox;
use exeunt::sandbox::projectplace::ProjectPlaceHandle;
use exeunt::sandbox::projectplace::ProjectPlaceOptions;
use exeunt::sandbox::projectplace::Role;
use exeunt::sandbox::projectplace::Settings;
use exeunt::sandbox::projectplace::User;

use crate::common::workspace::Workspace;

/// The member who takes over.
const HEIR: u64 = 42;

/// An account with the people of a population, and a member who takes over.
fn tenant(population: Population, settings: Settings) -> ProjectPlaceHandle {
    let handle = sandbox::ProjectPlace::start(ProjectPlaceOptions {
        population,
        settings,
        ..ProjectPlaceOptions::default()
    })
    .unwrap();
    let now = handle.control().now();
    handle.control().with(|account| {
        let heir = User::new(HEIR, "Hanna Heir", "heir@example.com", Role::Member);
        account.add_user(heir).unwrap();
        account.set_last_login(HEIR, Some(now));
    });
    handle
}

/// The section of a tenant called `place`, which the robot's credentials open, with further keys.
fn section(ws: &Workspace, tenant: &ProjectPlaceHandle, keys: &str) -> String {
    ws.write("robot.secret", &tenant.credentials().client_secret);
    ws.write("robot.id", &tenant.credentials().client_id);
    format!(
        "[[tenant]]\nname = \"place\"\nprovider = \"projectplace\"\nurl = \"{}\"\n\
         client_id = {{ file = \"robot.id\" }}\nclient_secret = {{ file = \"robot.secret\" }}\n\
         request_limit_s = 5\nattempts = 1\n{keys}",
        tenant.url()
    )
}

/// Thirty people of every part.
fn people() -> Population {
    Population {
        accounts: 30,
        admins: 2,
        guests: 3,
        pending: 2,
        terminated: 2,
        events: 300,
        ..Population::default()
    }
}

fn credential(tenant: &ProjectPlaceHandle, oauth1: bool) -> Credential {
    let keys = tenant.credentials();
    match oauth1 {
        true => Credential::OAuth1(OAuth1Keys {
            application_key: Secret::new(keys.application_key.as_str()),
            application_secret: Secret::new(keys.application_secret.as_str()),
            token_key: Secret::new(keys.token_key.as_str()),
            token_secret: Secret::new(keys.token_secret.as_str()),
        }),
        false => Credential::OAuth2 {
            id: Secret::new(keys.client_id.as_str()),
            secret: Secret::new(keys.client_secret.as_str()),
        },
    }
}

fn adapter_with(tenant: &ProjectPlaceHandle, credential: Credential) -> ProjectPlace {
    let now = time(tenant.control().now());
    let clock = Arc::new(SystemClock::showing(now));
    let mut settings = ProjectPlaceSettings::new(tenant.url(), credential, clock, 86_400);
    settings.http = Limits {
        read: Duration::from_secs(2),
        change: Duration::from_secs(2),
        attempts: 2,
        first_backoff: Duration::from_millis(2),
        longest_backoff: Duration::from_millis(4),
        ..Limits::default()
    };
    ProjectPlace::new(settings).unwrap()
}

fn adapter(tenant: &ProjectPlaceHandle) -> ProjectPlace {
    adapter_with(tenant, credential(tenant, false))
}

fn time(at: DateTime<Utc>) -> Time {
    Time::from_micros(at.timestamp_micros())
}

fn quiet(_: u64) {}

/// A target with the heir as its successor.
fn target(id: u64) -> Target {
    Target {
        id: id.to_string(),
        facts: None,
        successor: Some(Successor {
            id: HEIR.to_string(),
            email: None,
        }),
        done: Vec::new(),
        released: std::collections::BTreeSet::new(),
    }
}

async fn order(adapter: &ProjectPlace, id: u64) -> Order {
    match adapter.prepare(&target(id), Do::Remove).await.unwrap() {
        exeunt::provider::Next::Send(order) => *order,
        other => panic!("no request: {other:?}"),
    }
}
