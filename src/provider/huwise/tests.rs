//! The adapter against a scripted domain that answers as the specification says.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use crate::clock::SystemClock;
use crate::domain::account::AccountFacts;
use crate::domain::account::AccountRecord;
use crate::domain::account::AccountState;
use crate::domain::account::Do;
use crate::domain::account::Protection;
use crate::domain::account::Signal;
use crate::domain::time::Time;
use crate::provider::Provider as _;
use crate::provider::ProviderError;
use crate::provider::http::Limits;
use crate::provider::http::Secret;
use crate::provider::http::scripted::Reply;
use crate::provider::huwise::Huwise;
use crate::provider::huwise::HuwiseSettings;
use crate::provider::huwise::tests::domain::Domain;

mod change;
mod domain;
mod example;
mod parse;
mod reads;

const KEY: &str = "own-key-never-to-be-seen";
const OTHER_KEY: &str = "foreign-key-never-to-be-seen";

fn now() -> Time {
    Time::parse("2026-11-22T10:00:00Z").unwrap()
}

fn quiet(_: u64) {}

/// A user who looks at restricted datasets, and logged in a year and a half ago.
fn user(name: &str) -> Value {
    json!({
        "username": name, "display_name": name, "first_name": "Given", "last_name": "Name",
        "email": format!("{}@mail.test", name.replace(['@', '/', ' '], "-")),
        "is_active": true, "is_ods": false, "account_type": "global",
        "permissions": ["explore_restricted_dataset"],
        "joined_at": "2022-08-19T11:43:58+00:00",
        "last_seen_at": "2025-04-24T12:16:34.099404+00:00",
        "last_login_at": "2025-04-23T08:00:00+00:00", "expires_at": null,
        "explore_limits": {"api_calls": {"limit": 2000, "unit": "day"}},
        "management_limits": {}, "gravatar_url": "//x", "groups": [],
        "identity_providers": [{"uid": "opendatasoft"}],
    })
}

fn with(mut value: Value, field: &str, to: Value) -> Value {
    value[field] = to;
    value
}

fn key(uid: &str, owner: &str, key: &str) -> Value {
    json!({
        "uid": uid, "label": "nightly upload", "key": key, "permissions": ["edit_dataset"],
        "created_at": "2023-01-01T00:00:00+00:00", "user": {"username": owner},
        "revocation_status": null, "is_revoked": false,
    })
}

fn revoked(mut key: Value) -> Value {
    key["is_revoked"] = json!(true);
    key["revocation_status"] =
        json!({"revoked_at": "2024-01-01T00:00:00Z", "revocation_reason": "x"});
    key
}

fn not_found() -> Reply {
    Reply::json(
        404,
        &json!({"error_code": "not_found", "message": "Not found."}),
    )
}

fn refusal(status: u16, code: &str) -> Reply {
    Reply::json(
        status,
        &json!({"error_code": code, "message": "No.", "trace_id": "t-1"}),
    )
}

fn huwise(url: &str) -> Huwise {
    huwise_waiting(url, Duration::from_millis(600))
}

fn huwise_waiting(url: &str, read: Duration) -> Huwise {
    let clock = Arc::new(SystemClock::showing(now()));
    let mut settings = HuwiseSettings::new(url, Secret::new(KEY), clock);
    settings.http = Limits {
        connect: Duration::from_millis(300),
        read,
        change: Duration::from_millis(600),
        attempts: 2,
        waiting: Duration::from_millis(300),
        first_backoff: Duration::from_millis(5),
        longest_backoff: Duration::from_millis(10),
        ..Limits::default()
    };
    Huwise::new(settings).unwrap()
}

/// The id of somebody who joined when [`user`] says.
fn id(name: &str) -> String {
    format!("{name}#2022-08-19T11:43:58Z")
}

async fn accounts(domain: Domain) -> Result<Vec<AccountRecord>, ProviderError> {
    let server = domain.serve().await;
    let read = huwise(&server.url).accounts(&quiet).await?;
    Ok(read.accounts)
}

async fn listed(domain: Domain, name: &str) -> AccountRecord {
    let all = accounts(domain).await.unwrap();
    let prefix = format!("{name}#");
    all.into_iter().find(|a| a.id.starts_with(&prefix)).unwrap()
}

async fn facts(domain: Domain, name: &str) -> AccountFacts {
    listed(domain, name).await.facts
}

fn fault(error: &ProviderError) -> &'static str {
    error.fault()
}

#[tokio::test]
async fn everybody_is_read_with_what_stands_in_the_account() {
    let server = Domain::new().serve().await;
    let read = huwise(&server.url).accounts(&quiet).await.unwrap();
    let ids: Vec<_> = read.accounts.iter().map(|a| a.id.as_str()).collect();
    let all = ["ada", "ben", "cleo", "dora@work.test", "robot"].map(id);
    assert_eq!(ids, all);
    let cleo = &read.accounts[2];
    assert_eq!(cleo.email.as_deref(), Some("cleo@mail.test"));
    assert_eq!(cleo.name.as_deref(), Some("Given Name"));
    assert_eq!(cleo.facts.state, AccountState::Active);
    assert!(cleo.facts.protected.is_empty() && cleo.facts.hidden.is_empty());
    assert_eq!(
        cleo.seen[&Signal::Login],
        Time::parse("2025-04-23T08:00:00Z").unwrap()
    );
    let seen = Time::parse("2025-04-24T12:16:34.099404Z").unwrap();
    assert_eq!(cleo.seen[&Signal::Seen], seen);
    assert_eq!((read.proof.count, read.proof.stated_total), (5, Some(5)));
    for signal in [Signal::Login, Signal::Seen] {
        let proof = read.signals.iter().find(|s| s.signal == signal).unwrap();
        assert!(proof.complete);
        assert_eq!(proof.horizon, Some(Time::from_seconds(0)));
        assert_eq!(proof.precision_s, Some(86_400));
        assert!(proof.until.unwrap().seconds_since(now()) < 5);
    }
    // users, administrators, groups, keys: one page each
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn who_is_protected_says_why() {
    let protected = async |domain: Domain, name: &str| facts(domain, name).await.protected;
    let none = protected(Domain::new(), "cleo").await;
    assert!(none.is_empty(), "{none:?}");
    let ada = protected(Domain::new(), "ada").await;
    assert!(ada.contains(&Protection::Admin) && ada.contains(&Protection::OwnCredential));
    let ben = protected(Domain::new(), "ben").await;
    assert!(ben.contains(&Protection::Admin), "by a group");
    assert!(!ben.contains(&Protection::LastAdmin), "there are two");
    let robot = protected(Domain::new(), "robot").await;
    assert_eq!(robot, [Protection::KeyOwner].into());
    let staff = Domain::new().and(with(user("vendor"), "is_ods", json!(true)));
    assert_eq!(protected(staff, "vendor").await, [Protection::Staff].into());
    let mut lonely = Domain::new();
    lonely.users.remove(1);
    assert!(
        protected(lonely, "ada")
            .await
            .contains(&Protection::LastAdmin)
    );
}

#[tokio::test]
async fn the_last_administrator_is_one_whom_nobody_could_stand_in_for() {
    for (field, value) in [
        ("is_active", json!(false)),
        ("is_ods", json!(true)),
        ("expires_at", json!("2026-12-31T00:00:00Z")),
    ] {
        let mut domain = Domain::new();
        domain.users[1][field] = value;
        let ada = facts(domain, "ada").await.protected;
        assert!(ada.contains(&Protection::LastAdmin), "{field}");
    }
}

#[tokio::test]
async fn where_keys_of_others_cannot_be_seen_everybody_is_kept() {
    let refused = [
        Reply::json(403, &json!({"error_code": "forbidden", "message": "No."})),
        Reply::new(403, &[], ""),
        not_found(),
    ];
    for reply in refused {
        let server = Domain::new().except("apikeys", reply).await;
        let read = huwise(&server.url).accounts(&quiet).await.unwrap();
        let all = read.accounts.iter();
        assert!(all.clone().count() == 5);
        assert!(
            all.clone()
                .all(|a| a.facts.protected.contains(&Protection::KeysUnseen))
        );
    }
    let mut own_only = Domain::new();
    own_only.keys.truncate(1);
    let mut none = Domain::new();
    none.keys.clear();
    let mut nameless = Domain::new();
    nameless
        .keys
        .push(with(key("k3", "x", "y"), "user", Value::Null));
    for domain in [own_only, none, nameless] {
        let cleo = facts(domain, "cleo").await.protected;
        assert_eq!(cleo, [Protection::KeysUnseen].into());
    }
    // whoever was never here has made no key
    let mut unseen = Domain::new();
    unseen.keys.clear();
    let mut never = with(user("never"), "last_seen_at", Value::Null);
    never["last_login_at"] = Value::Null;
    let never = facts(unseen.clone().and(never), "never").await;
    assert!(never.protected.is_empty());
    // somebody has named the accounts that machines use
    let server = unseen.serve().await;
    let mut told = huwise(&server.url);
    told.machines_named = true;
    let read = told.accounts(&quiet).await.unwrap();
    assert!(read.accounts[2].facts.protected.is_empty());
    // a key of somebody else that no longer works shows as well that others' keys are seen
    let mut old = Domain::new();
    old.keys[1] = revoked(key("k2", "robot", OTHER_KEY));
    assert!(facts(old.clone(), "cleo").await.protected.is_empty());
    assert!(facts(old, "robot").await.protected.is_empty());
}

#[tokio::test]
async fn an_account_read_alone_looks_as_it_does_in_the_list() {
    let server = Domain::new()
        .and(with(user("a/b ?#%"), "last_seen_at", Value::Null))
        .serve()
        .await;
    let huwise = huwise(&server.url);
    let read = huwise.accounts(&quiet).await.unwrap();
    assert_eq!(read.accounts.len(), 6);
    for account in read.accounts {
        let alone = huwise.account(&account.id).await.unwrap();
        assert_eq!(alone, Some(account));
    }
    let targets: Vec<_> = server.requests().into_iter().map(|r| r.target).collect();
    assert!(
        targets
            .iter()
            .any(|t| t.contains("users/a%2Fb%20%3F%23%25/?expand=groups"))
    );
    assert_eq!(targets.len(), 4 + 6, "who is protected was read just now");
}

#[tokio::test]
async fn gone_is_only_what_the_domain_says_twice() {
    let server = Domain::new().serve().await;
    let all = huwise(&server.url);
    assert_eq!(all.account(&id("nobody")).await.unwrap(), None);
    // the name was given to somebody else
    let other = "cleo#2020-01-01T00:00:00Z";
    assert_eq!(all.account(other).await.unwrap(), None);
    assert_eq!(all.account("cleo#unknown").await.unwrap(), None);
    assert!(all.account("cleo").await.is_err(), "no id of ours");

    for reply in [
        Reply::new(404, &[], "<html>"),
        Reply::new(404, &[], ""),
        Reply::json(404, &json!({"detail": "Not found."})),
        refusal(404, "unknown_route"),
        refusal(403, "forbidden"),
        Reply::new(410, &[], ""),
        Reply::new(301, &["location: https://elsewhere.test/"], ""),
        Reply::new(200, &[], ""),
        Reply::json(200, &json!([])),
        Reply::json(200, &user("somebody-else")),
        Reply::Silence,
    ] {
        let server = Domain::new().except("users/cleo", reply.clone()).await;
        let read = huwise(&server.url).account(&id("cleo")).await;
        assert!(read.is_err(), "{reply:?}: {read:?}");
    }
    // its own address says no and the list says yes
    let server = Domain::new().except("users/cleo", not_found()).await;
    assert!(huwise(&server.url).account(&id("cleo")).await.is_err());
}

#[tokio::test]
async fn no_secret_shows_anywhere() {
    let server = Domain::new().serve().await;
    let huwise = huwise(&server.url);
    let read = huwise.accounts(&quiet).await.unwrap();
    let target = crate::provider::trial::target(&id("cleo"));
    let order = crate::provider::trial::order(&huwise, &target, Do::Remove).await;
    let probes = huwise.check().await;
    let owned = huwise.owned(&id("robot")).await.unwrap();
    let text = format!("{huwise:?} {read:?} {order:?} {probes:?} {owned:?}");
    assert!(!text.contains("never-to-be-seen"), "{text}");
    assert!(
        server
            .requests()
            .iter()
            .all(|r| !r.target.contains("never-to-be-seen"))
    );
}

#[test]
fn the_url_is_the_domain_alone() {
    let made = |url: &str| {
        let clock = Arc::new(SystemClock::default());
        Huwise::new(HuwiseSettings::new(url, Secret::new(KEY), clock))
    };
    assert!(made("https://api.example.com").is_ok());
    for url in [
        "https://x.huwise.com/api/automation/v1.0",
        "http://x.huwise.com",
        "x.huwise.com",
    ] {
        let error = made(url).unwrap_err();
        assert!(
            matches!(error, ProviderError::Configuration { .. }),
            "{url}"
        );
    }
}
