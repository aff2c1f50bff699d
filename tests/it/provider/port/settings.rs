//! Both readings of what is not known of the service.

use exeunt::domain::account::AccountState;
use exeunt::domain::account::Do;
use exeunt::domain::account::Protection;
use exeunt::domain::account::Signal;
use exeunt::provider::ProbeState;
use exeunt::provider::Provider as _;
use exeunt::sandbox::population::Population;
use exeunt::sandbox::port::AuditShape;
use exeunt::sandbox::port::Holder;
use exeunt::sandbox::port::LastPage;
use exeunt::sandbox::port::NeverLogin;
use exeunt::sandbox::port::Port;
use exeunt::sandbox::port::PortOptions;
use exeunt::sandbox::port::RateLimit;
use exeunt::sandbox::port::ResetForm;
use exeunt::sandbox::port::Role;
use exeunt::sandbox::port::Settings;
use exeunt::sandbox::port::Status;
use exeunt::sandbox::port::TopStatus;

use crate::provider::port::LEAVER;
use crate::provider::port::adapter;
use crate::provider::port::house;
use crate::provider::port::of;
use crate::provider::port::quiet;
use crate::provider::port::read;
use crate::provider::port::start;
use crate::provider::port::time;

#[tokio::test]
async fn a_login_that_never_was_is_hidden_in_all_its_forms() {
    for never_login in [NeverLogin::Absent, NeverLogin::Null, NeverLogin::Epoch] {
        for uninvited_in_users in [false, true] {
            let tenant = house(Settings {
                never_login,
                uninvited_in_users,
                ..Settings::default()
            });
            tenant
                .control()
                .change_user(LEAVER, |user| user.last_login = None);
            let facts = of(&adapter(&tenant), LEAVER).await.facts;
            assert!(facts.hidden.contains(&Signal::Login), "{never_login:?}");
        }
    }
}

#[tokio::test]
async fn the_last_page_may_look_any_way_but_endless() {
    for last_page in [LastPage::Absent, LastPage::Null, LastPage::EmptyPage] {
        for page_clamp in [None, Some(7)] {
            let settings = Settings {
                last_page,
                page_clamp,
                ..Settings::default()
            };
            let tenant = start(Population::of(27, 0), settings);
            assert_eq!(read(&adapter(&tenant)).await.accounts.len(), 28);
        }
    }
    let settings = Settings {
        last_page: LastPage::Endless,
        ..Settings::default()
    };
    let tenant = start(Population::of(27, 0), settings);
    let e = adapter(&tenant).accounts(&quiet).await.unwrap_err();
    assert_eq!(e.fault(), "read.paging-ignored");
}

#[tokio::test]
async fn a_log_of_another_shape_proves_nothing_and_harms_nothing() {
    for audit_shape in [
        AuditShape::Data,
        AuditShape::Nested,
        AuditShape::Bare,
        AuditShape::NoTrigger,
    ] {
        let settings = Settings {
            audit_shape,
            ..Settings::default()
        };
        let tenant = start(Population::mixed(30, 300), settings);
        let adapter = adapter(&tenant);
        let read = read(&adapter).await;
        assert!(read.signals[0].complete, "logins are another matter");
        let now = time(tenant.control().now());
        let activity = adapter.activity(&[], now, &quiet).await;
        assert!(!activity.signals[0].complete && activity.signals[0].fault.is_some());
        assert!(activity.seen[&Signal::Audit].is_empty());
        let probes = adapter.check().await;
        let probe = probes.iter().find(|p| p.what == "audit log").unwrap();
        let readable = audit_shape == AuditShape::NoTrigger;
        assert_eq!(probe.state == ProbeState::Good, readable, "{audit_shape:?}");
    }
}

#[tokio::test]
async fn in_an_old_organisation_disabled_is_no_proof() {
    for top_status in [TopStatus::Account, TopStatus::Organization] {
        let settings = Settings {
            old_organization: true,
            top_status,
            ..Settings::default()
        };
        let tenant = start(Population::mixed(1_000, 2_000), settings);
        let read = read(&adapter(&tenant)).await;
        let mut certain = 0;
        for account in &read.accounts {
            let user = tenant
                .control()
                .user(account.email.as_ref().unwrap())
                .unwrap();
            let facts = &account.facts;
            assert_eq!(
                facts.state == AccountState::Disabled,
                user.status == Status::Disabled
            );
            if facts.state != AccountState::Disabled {
                continue;
            }
            if facts.protected.contains(&Protection::UnclearStatus) {
                assert!(user.last_login.is_none(), "{user:?}");
            } else {
                assert!(user.invited && user.last_login.is_some(), "{user:?}");
                certain += 1;
            }
        }
        assert!(certain > 5);
    }
}

#[tokio::test]
async fn limits_are_kept_in_both_forms_of_the_reset() {
    for reset in [ResetForm::Epoch, ResetForm::SecondsLeft] {
        let rate_limit = RateLimit {
            requests: 6,
            window_ms: 1_000,
            reset,
            retry_after: false,
        };
        let settings = Settings {
            rate_limit: Some(rate_limit),
            ..Settings::default()
        };
        let tenant = start(Population::of(5, 0), settings);
        let adapter = adapter(&tenant);
        for _ in 0..3 {
            read(&adapter).await;
        }
    }
}

#[tokio::test]
async fn tokens_are_renewed_when_they_end_or_are_taken_back() {
    let tenant = house(Settings {
        token_seconds: 20,
        ..Settings::default()
    });
    let adapter = adapter(&tenant);
    read(&adapter).await;
    tenant.control().advance(21);
    read(&adapter).await;
    tenant.control().revoke_token();
    read(&adapter).await;
    tenant
        .control()
        .change_settings(|s| s.token_seconds = 10_800);
    tenant.control().revoke_token();
    read(&adapter).await;
    tenant.control().revoke_token();
    read(&adapter).await;
    tenant.control().set_secret("another one");
    let e = adapter.accounts(&quiet).await.unwrap_err();
    assert_eq!(e.fault(), "read.credentials");
}

#[tokio::test]
async fn without_the_blueprint_nobody_is_gone() {
    let tenant = house(Settings::default());
    let adapter = adapter(&tenant);
    let lena = of(&adapter, LEAVER).await;
    let control = tenant.control();
    control.change_user(LEAVER, |user| user.invited = false);
    control.change_settings(|s| s.no_user_blueprint = true);
    assert!(adapter.account(&lena.id).await.is_err());
    assert!(adapter.accounts(&quiet).await.is_err());
    assert!(
        adapter
            .prepare(
                &crate::provider::port::Target {
                    id: lena.id.clone(),
                    facts: None,
                    successor: None,
                    done: Vec::new(),
                    released: std::collections::BTreeSet::new(),
                },
                Do::Remove
            )
            .await
            .is_err()
    );
}

#[tokio::test]
async fn an_address_that_is_not_allowed_is_told_apart_from_rights() {
    for refused_at_token in [false, true] {
        let settings = Settings {
            refused_address: Some("203.0.113.9".to_owned()),
            refused_at_token,
            ..Settings::default()
        };
        let tenant = house(settings);
        let e = adapter(&tenant).accounts(&quiet).await.unwrap_err();
        let expected = if refused_at_token {
            "read.credentials"
        } else {
            "read.rights"
        };
        assert_eq!(e.fault(), expected);
        let probes = adapter(&tenant).check().await;
        assert_eq!(probes[0].state, ProbeState::Bad);
        assert!(!format!("{probes:?}").contains("203.0.113.9"));
        assert!(
            probes[0].hint.as_ref().unwrap().contains("allow-list"),
            "{probes:?}"
        );
    }
}

#[tokio::test]
async fn whose_the_credentials_are_shows_and_is_never_touched() {
    for holder in [
        Holder::ServiceAccount,
        Holder::Organization,
        Holder::Personal,
    ] {
        let tenant = Port::start(PortOptions {
            population: Population::mixed(40, 100),
            holder,
            ..PortOptions::default()
        })
        .unwrap();
        let adapter = adapter(&tenant);
        let read = read(&adapter).await;
        let own: Vec<_> = read
            .accounts
            .iter()
            .filter(|a| a.facts.protected.contains(&Protection::OwnCredential))
            .filter_map(|a| a.email.clone())
            .collect();
        assert_eq!(
            own.first(),
            tenant.control().own_user().as_ref(),
            "{holder:?}"
        );
        let probes = adapter.check().await;
        let personal = probes[0].says.contains("personal");
        assert_eq!(personal, holder == Holder::Personal);
        assert!(
            probes.iter().all(|p| p.state != ProbeState::Bad),
            "{probes:?}"
        );
    }
}

#[tokio::test]
async fn an_administrator_who_is_alone_is_the_last_one() {
    let tenant = start(Population::of(4, 0), Settings::default());
    let control = tenant.control();
    for user in control.users() {
        let admin = user.email == control.own_user().unwrap();
        let role = if admin { Role::Admin } else { Role::Member };
        control.change_user(&user.email, |user| user.role = role);
    }
    let read = read(&adapter(&tenant)).await;
    let last = |a: &&exeunt::domain::account::AccountRecord| {
        a.facts.protected.contains(&Protection::LastAdmin)
    };
    let last: Vec<_> = read.accounts.iter().filter(last).collect();
    assert_eq!(last.len(), 1);
    assert_eq!(last[0].email, control.own_user());
}
