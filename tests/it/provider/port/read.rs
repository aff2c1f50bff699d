//! Reading: whole lists, who is who, activity.

use std::collections::BTreeMap;
use std::time::Duration;

use exeunt::domain::account::AccountKind;
use exeunt::domain::account::AccountState;
use exeunt::domain::account::Protection;
use exeunt::domain::account::Signal;
use exeunt::provider::Provider as _;
use exeunt::sandbox::population::Population;
use exeunt::sandbox::port::OtherOrg;
use exeunt::sandbox::port::Role;
use exeunt::sandbox::port::Settings;
use exeunt::sandbox::port::Status;
use exeunt::sandbox::port::User;
use exeunt::sandbox::tenant::Fault;
use exeunt::sandbox::tenant::FaultRule;
use exeunt::sandbox::tenant::Matcher;

use crate::provider::port::LEAVER;
use crate::provider::port::adapter;
use crate::provider::port::house;
use crate::provider::port::of;
use crate::provider::port::quiet;
use crate::provider::port::read;
use crate::provider::port::start;
use crate::provider::port::time;

#[tokio::test]
async fn a_generated_organisation_is_read_as_it_is() {
    let tenant = start(Population::mixed(2_300, 4_000), Settings::default());
    let adapter = adapter(&tenant);
    let read = read(&adapter).await;
    let users = tenant.control().users();
    assert_eq!(read.accounts.len(), users.len());
    assert_eq!(read.proof.stated_total, Some(users.len() as u64));
    let accounts: BTreeMap<_, _> = read
        .accounts
        .iter()
        .map(|a| (a.email.clone().unwrap(), a))
        .collect();
    let own = tenant.control().own_user();
    for user in &users {
        let account = accounts[&user.email];
        let facts = &account.facts;
        let login = user.last_login.map(|at| time(at).to_seconds_text());
        let seen = account
            .seen
            .get(&Signal::Login)
            .map(|at| at.to_seconds_text());
        assert_eq!(seen, login, "{user:?}");
        assert_eq!(facts.hidden.contains(&Signal::Login), login.is_none());
        let state = match user.status {
            Status::Active => AccountState::Active,
            Status::Staged | Status::Invited => AccountState::Invited,
            Status::Disabled => AccountState::Disabled,
        };
        assert_eq!(facts.state, state, "{user:?}");
        let has = |p| facts.protected.contains(&p);
        let unclear = user.status == Status::Disabled && login.is_none();
        assert_eq!(has(Protection::UnclearStatus), unclear, "{user:?}");
        assert_eq!(has(Protection::Admin), user.role == Role::Admin);
        assert_eq!(has(Protection::Service), user.service_account);
        assert_eq!(facts.kind == AccountKind::Service, user.service_account);
        assert_eq!(
            has(Protection::OwnCredential),
            own.as_ref() == Some(&user.email)
        );
        assert!(!has(Protection::UnknownRole), "{user:?}");
        assert_eq!(facts.managed_by.is_some(), user.managed_by_scim, "{user:?}");
    }
    // one account after the other says what the list says
    for account in read.accounts.iter().step_by(97) {
        let alone = adapter.account(&account.id).await.unwrap().unwrap();
        assert_eq!(&alone, account);
    }
}

#[tokio::test]
async fn five_thousand_accounts_take_as_few_calls_as_there_can_be() {
    let tenant = start(Population::mixed(5_000, 0), Settings::default());
    tenant
        .control()
        .set_latency(Some(Duration::from_millis(50)));
    let adapter = adapter(&tenant);
    let read = read(&adapter).await;
    assert_eq!(read.accounts.len(), 5_001);
    // token, organisation, users twice, count, and six pages of a thousand
    assert_eq!(tenant.control().requests().len(), 11);
}

#[tokio::test]
async fn the_audit_log_shows_who_did_something_whatever_the_size_of_its_pages() {
    for (most, included) in [(1_000, false), (64, false), (64, true)] {
        let tenant = start(
            Population::mixed(60, 900),
            Settings {
                audit_max_limit: most,
                audit_to_included: included,
                ..Settings::default()
            },
        );
        let adapter = adapter(&tenant);
        let accounts = read(&adapter).await.accounts;
        let now = time(tenant.control().now());
        let activity = adapter.activity(&[], now, &quiet).await;
        let proof = &activity.signals[0];
        assert!(proof.complete && proof.fault.is_none(), "{proof:?}");
        let events = tenant.control().audits();
        assert_eq!(proof.events, events.len() as u64, "{most} {included}");
        let seen = &activity.seen[&Signal::Audit];
        for account in &accounts {
            let user = tenant
                .control()
                .user(account.email.as_ref().unwrap())
                .unwrap();
            let own: Vec<_> = events.iter().filter(|e| e.user_id == user.id).collect();
            let days = seen.get(&account.id).map(|s| s.days.values().sum::<u64>());
            assert_eq!(days.unwrap_or(0), own.len() as u64, "{user:?}");
        }
        let again = adapter.activity(&activity.signals, now, &quiet).await;
        assert!(again.signals[0].complete && again.signals[0].pages <= proof.pages);
        assert_eq!(again.signals[0].horizon, proof.horizon);
        assert!(
            again.seen[&Signal::Audit]
                .values()
                .all(|s| s.days.is_empty())
        );
    }
}

#[tokio::test]
async fn what_somebody_does_in_another_organisation_is_nothing_here() {
    let tenant = house(Settings::default());
    let control = tenant.control();
    let now = control.now();
    control.change_user(LEAVER, |user| {
        user.other_orgs.push(OtherOrg {
            org_id: "org_elsewhere".to_owned(),
            status: Status::Active,
            last_login: Some(now),
        });
    });
    let account = of(&adapter(&tenant), LEAVER).await;
    let login = account.seen[&Signal::Login];
    assert_eq!(time(now).days_since(login), 200);
    // nor is an edit of the entity
    control.touch(LEAVER);
    assert_eq!(
        of(&adapter(&tenant), LEAVER).await.seen[&Signal::Login],
        login
    );
}

#[tokio::test]
async fn a_name_that_is_invited_again_is_another_account() {
    let tenant = house(Settings::default());
    let adapter = adapter(&tenant);
    let before = of(&adapter, LEAVER).await;
    tenant.control().remove_user(LEAVER);
    assert_eq!(adapter.account(&before.id).await.unwrap(), None);
    tenant.control().advance(3_600);
    tenant.control().invite(LEAVER, Role::Member);
    let after = of(&adapter, LEAVER).await;
    assert_ne!(before.id, after.id);
    assert_eq!(adapter.account(&before.id).await.unwrap(), None);
    assert_eq!(adapter.account(&after.id).await.unwrap(), Some(after));
}

#[tokio::test]
async fn addresses_that_are_written_in_two_ways_are_one_account() {
    let tenant = house(Settings::default());
    let control = tenant.control();
    let mut user = User::new("MiXed@House.test", "Mi", "Xed", control.now());
    user.last_login = Some(control.now());
    control.add_user(user);
    let adapter = adapter(&tenant);
    let account = of(&adapter, "MiXed@House.test").await;
    assert_eq!(adapter.account(&account.id).await.unwrap(), Some(account));
}

#[tokio::test]
async fn whatever_goes_wrong_on_the_way_is_no_list() {
    let (users, pages) = ("/v1/users", "/v1/blueprints/_user/entities/search");
    let field = |field: &str| Fault::MissingField {
        field: field.to_owned(),
    };
    for (method, path, fault) in [
        ("GET", users, Fault::Truncated),
        ("GET", users, Fault::MalformedJson),
        ("GET", users, Fault::Html { status: 200 }),
        ("GET", users, Fault::EmptyBody),
        ("GET", users, Fault::ErrorInside),
        ("GET", users, field("email")),
        ("POST", pages, Fault::ShortPage { by: 1 }),
        ("POST", pages, Fault::MalformedJson),
        ("POST", pages, Fault::Drop),
        ("POST", pages, field("identifier")),
        ("POST", pages, field("properties")),
        ("POST", pages, Fault::BadDate),
        (
            "GET",
            "/v1/blueprints/_user/entities-count",
            Fault::TotalTooHigh { by: 1 },
        ),
        (
            "GET",
            "/v1/organization",
            Fault::Status {
                status: 403,
                body: None,
            },
        ),
        (
            "GET",
            "/v1/organization",
            Fault::Redirect {
                status: 302,
                location: "http://127.0.0.1:1/".to_owned(),
            },
        ),
    ] {
        let tenant = house(Settings::default());
        let rule = FaultRule::always(Matcher::new(method, path), fault.clone());
        tenant.control().add_fault(rule);
        let outcome = adapter(&tenant).accounts(&quiet).await;
        assert!(outcome.is_err(), "{method} {path} {fault:?}");
        tenant.control().clear_faults();
        assert!(adapter(&tenant).accounts(&quiet).await.is_ok());
    }
}

#[tokio::test]
async fn a_date_of_a_login_that_nobody_can_read_is_unknown() {
    let tenant = house(Settings::default());
    for raw in ["gestern", "2026-13-45T00:00:00Z", "0"] {
        tenant.control().change_user(LEAVER, |user| {
            user.raw_last_login = Some(raw.into());
        });
        let account = of(&adapter(&tenant), LEAVER).await;
        assert!(account.facts.hidden.contains(&Signal::Login) && account.seen.is_empty());
    }
}

#[tokio::test]
async fn somebody_who_comes_while_the_list_is_read_does_not_spoil_it() {
    let tenant = house(Settings::default());
    let control = tenant.control();
    let once = FaultRule::once(
        Matcher::new("POST", "/v1/blueprints/_user/entities/search"),
        Fault::ShortPage { by: 1 },
    );
    control.add_fault(once);
    let read = read(&adapter(&tenant)).await;
    assert_eq!(read.accounts.len(), control.users().len());
}
