//! Huwise's adapter against the sandbox's domain.

mod change;
mod read;
mod settings;
mod tasks;
mod way;

use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use chrono::TimeDelta;
use chrono::Utc;
use exeunt::clock::SystemClock;
use exeunt::domain::account::AccountRecord;
use exeunt::domain::time::Time;
use exeunt::provider::Provider as _;
use exeunt::provider::Target;
use exeunt::provider::http::Limits;
use exeunt::provider::http::Secret;
use exeunt::provider::huwise::Huwise;
use exeunt::provider::huwise::HuwiseSettings;
use exeunt::sandbox::huwise as sandbox;
use exeunt::sandbox::huwise::ForeignKeys;
use exeunt::sandbox::huwise::HuwiseHandle;
use exeunt::sandbox::huwise::HuwiseOptions;
use exeunt::sandbox::huwise::Settings;
use exeunt::sandbox::huwise::User;
use exeunt::sandbox::population::Population;

/// Who is silent for 500 days and nothing else.
const CLEO: &str = "cleo";

/// A domain with the people of a population, and [`CLEO`].
fn tenant(population: Population, settings: Settings) -> HuwiseHandle {
    let handle = sandbox::Huwise::start(HuwiseOptions {
        population,
        settings,
        ..HuwiseOptions::default()
    })
    .unwrap();
    let control = handle.control();
    let cleo = silent(CLEO, control.now(), 500);
    control.with(|domain| domain.add_user(cleo));
    handle
}

/// A user who looks at datasets, and did so for the last time so many days ago.
fn silent(name: &str, now: DateTime<Utc>, days: i64) -> User {
    let joined = now - TimeDelta::days(900);
    let mut user = User::new(name, &format!("{name}@example.com"), joined);
    user.last_login = Some(now - TimeDelta::days(days) - TimeDelta::hours(2));
    user.last_seen = Some(now - TimeDelta::days(days));
    user.with("explore_restricted_dataset")
}

/// Settings in which the list of keys has everybody's.
fn keys_shown() -> Settings {
    Settings {
        foreign_keys: ForeignKeys::Visible,
        ..Settings::default()
    }
}

/// Sixty people of every part.
fn people() -> Population {
    Population {
        accounts: 60,
        admins: 2,
        guests: 3,
        ldap_managed: 3,
        sso: 3,
        pending: 4,
        terminated: 3,
        events: 300,
        ..Population::default()
    }
}

fn adapter(tenant: &HuwiseHandle) -> Huwise {
    let clock = SystemClock::showing(time(tenant.control().now()));
    let key = Secret::new(tenant.key());
    let mut settings = HuwiseSettings::new(tenant.url(), key, Arc::new(clock));
    settings.http = Limits {
        change: Duration::from_millis(800),
        attempts: 2,
        first_backoff: Duration::from_millis(2),
        longest_backoff: Duration::from_millis(4),
        ..Limits::default()
    };
    Huwise::new(settings).unwrap()
}

fn time(at: DateTime<Utc>) -> Time {
    Time::from_micros(at.timestamp_micros())
}

fn quiet(_: u64) {}

async fn accounts(tenant: &HuwiseHandle) -> Vec<AccountRecord> {
    adapter(tenant).accounts(&quiet).await.unwrap().accounts
}

/// The fault of a read that is void.
async fn void(tenant: &HuwiseHandle) -> &'static str {
    adapter(tenant).accounts(&quiet).await.unwrap_err().fault()
}

/// The id of a user as the adapter makes it.
fn id(tenant: &HuwiseHandle, name: &str) -> String {
    let joined = tenant
        .control()
        .with(|domain| domain.user(name).unwrap().joined);
    format!("{name}#{}", time(joined).to_seconds_text())
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
