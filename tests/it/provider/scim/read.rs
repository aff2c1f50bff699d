//! Lists, discovery and credentials, in all the ways that servers have.

use exeunt::domain::account::AccountState;
use exeunt::domain::account::Protection;
use exeunt::domain::account::Signal;
use exeunt::provider::ProbeState;
use exeunt::provider::Provider as _;
use exeunt::provider::http::Secret;
use exeunt::provider::scim::Scim as Adapter;
use exeunt::provider::scim::ScimAccess;
use exeunt::sandbox::population::Population;
use exeunt::sandbox::scim::ActiveForm;
use exeunt::sandbox::scim::AdminForm;
use exeunt::sandbox::scim::ClientAuth;
use exeunt::sandbox::scim::DateForm;
use exeunt::sandbox::scim::IndexRefused;
use exeunt::sandbox::scim::Login;
use exeunt::sandbox::scim::Never;
use exeunt::sandbox::scim::Paging;
use exeunt::sandbox::scim::RetryAfter;
use exeunt::sandbox::scim::Settings;

use crate::provider::scim::LEAVER;
use crate::provider::scim::adapter;
use crate::provider::scim::fault;
use crate::provider::scim::house;
use crate::provider::scim::of;
use crate::provider::scim::quiet;
use crate::provider::scim::read;
use crate::provider::scim::settings;
use crate::provider::scim::start;
use crate::provider::scim::with_login;

async fn count(people: usize, settings: Settings) -> Result<usize, &'static str> {
    let tenant = start(Population::of(people, 0), settings);
    let read = adapter(&tenant).accounts(&quiet).await;
    read.map(|r| r.accounts.len()).map_err(|e| e.fault())
}

#[tokio::test]
async fn everybody_comes_by_every_way_of_paging() {
    for paging in [Paging::Index, Paging::Cursor, Paging::Both] {
        for index_refused in [
            IndexRefused::NotImplemented,
            IndexRefused::BadRequest,
            IndexRefused::Ignored,
        ] {
            for discovery in [true, false] {
                for cursor_total in [true, false] {
                    let settings = Settings {
                        paging,
                        index_refused,
                        discovery,
                        cursor_total,
                        max_page: 20,
                        ..Settings::default()
                    };
                    let shown = format!("{paging:?} {index_refused:?} {discovery} {cursor_total}");
                    assert_eq!(count(61, settings).await, Ok(61), "{shown}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_full_last_page_and_bare_pages_are_no_obstacle() {
    for (people, bare_pages) in [(60, false), (60, true), (20, true), (1, false)] {
        let settings = Settings {
            bare_pages,
            max_page: 20,
            ..Settings::default()
        };
        assert_eq!(count(people, settings).await, Ok(people));
    }
    let empty = Settings::default();
    assert_eq!(count(0, empty).await, Ok(0), "the engine judges that");
}

#[tokio::test]
async fn a_wrong_total_is_never_believed() {
    for (total_shift, total_of_page, fault) in [
        (-1, false, "read.moved"),
        (1, false, "read.short"),
        (-40, false, "read.moved"),
        (0, true, "read.moved"),
    ] {
        let settings = Settings {
            total_shift,
            total_of_page,
            max_page: 20,
            ..Settings::default()
        };
        assert_eq!(count(60, settings).await, Err(fault), "{total_shift}");
    }
}

#[tokio::test]
async fn positions_from_zero_skip_nobody() {
    for bare_pages in [true, false] {
        let settings = Settings {
            zero_based: true,
            bare_pages,
            max_page: 20,
            ..Settings::default()
        };
        assert_eq!(count(61, settings).await, Ok(61));
    }
}

#[tokio::test]
async fn who_is_changed_between_pages_is_not_lost() {
    let settings = Settings {
        max_page: 20,
        ..Settings::default()
    };
    let tenant = start(Population::of(60, 0), settings);
    let control = tenant.control();
    let first = control.with(|scim| scim.users().next().unwrap().id.clone());
    let changed = std::sync::atomic::AtomicBool::new(false);
    let change = |came: u64| {
        if came == 20 && !changed.swap(true, std::sync::atomic::Ordering::SeqCst) {
            let now = control.now();
            control.with(|scim| scim.change(&first, now, |user| user.version += 1));
        }
    };
    let read = adapter(&tenant).accounts(&change).await.unwrap();
    assert_eq!(read.accounts.len(), 60);
    assert!(changed.into_inner());
    let pages = control.requests();
    let pages = pages.iter().filter(|r| r.path.contains("/Users?")).count();
    assert!(pages > 4, "read again, since one was skipped");
}

#[tokio::test]
async fn a_read_takes_one_request_more_than_its_pages() {
    let tenant = start(Population::of(1_000, 0), Settings::default());
    read(&adapter(&tenant)).await;
    let requests = tenant.control().requests().len();
    assert_eq!(requests, 10 + 1 + 2, "pages, the end, discovery and Me");
}

#[tokio::test]
async fn active_in_every_writing() {
    for (active, state) in [
        (ActiveForm::Boolean, AccountState::Disabled),
        (ActiveForm::Text, AccountState::Disabled),
        (ActiveForm::LowerText, AccountState::Disabled),
        (ActiveForm::Hidden, AccountState::Active),
    ] {
        let tenant = house(Settings {
            active,
            ..Settings::default()
        });
        let now = tenant.control().now();
        let off = |user: &mut exeunt::sandbox::scim::User| user.active = false;
        tenant.control().with(|scim| scim.change(LEAVER, now, off));
        let adapter = adapter(&tenant);
        assert_eq!(of(&adapter, LEAVER).await.facts.state, state, "{active:?}");
        let probes = adapter.check().await;
        let changes = probes.iter().find(|p| p.what == "changes").unwrap();
        let hidden = active == ActiveForm::Hidden;
        assert_eq!(changes.says.contains("does not show"), hidden);
    }
}

#[tokio::test]
async fn logins_and_never_in_every_writing() {
    for dates in [
        DateForm::Seconds,
        DateForm::Millis,
        DateForm::SevenDigits,
        DateForm::Offset,
    ] {
        for never in [Never::Absent, Never::Null, Never::Empty] {
            let settings = Settings {
                dates,
                never,
                ..with_login()
            };
            let tenant = house(settings);
            let adapter = adapter(&tenant);
            let seen = of(&adapter, LEAVER).await.seen[&Signal::Login];
            let control = tenant.control();
            let days = (control.now().timestamp() - seen.chrono().timestamp()) / 86_400;
            assert_eq!(days, 200);
            control.with(|scim| scim.set_last_login(LEAVER, None));
            let record = of(&adapter, LEAVER).await;
            assert!(record.facts.hidden.contains(&Signal::Login) && record.seen.is_empty());
            let read = read(&adapter).await;
            assert!(read.signals[0].complete && read.signals[0].horizon.is_some());
        }
    }
}

#[tokio::test]
async fn without_an_attribute_nobody_can_be_found_silent() {
    let tenant = house(Settings::default());
    let mut settings = settings(&tenant);
    settings.last_login = None;
    let read = read(&Adapter::new(settings).unwrap()).await;
    let proof = &read.signals[0];
    assert!(!proof.complete && proof.horizon.is_none());
    assert_eq!(proof.fault.as_deref(), Some("activity.not-offered"));
}

#[tokio::test]
async fn administrators_are_protected_wherever_it_stands() {
    for (admin, shown) in [
        (AdminForm::Roles, true),
        (AdminForm::RoleTexts, true),
        (AdminForm::Entitlements, true),
        (AdminForm::UserType, true),
        (AdminForm::Nowhere, false),
    ] {
        let tenant = house(Settings {
            admin,
            ..Settings::default()
        });
        let now = tenant.control().now();
        let promote = |user: &mut exeunt::sandbox::scim::User| user.admin = true;
        tenant
            .control()
            .with(|scim| scim.change(LEAVER, now, promote));
        let adapter = adapter(&tenant);
        let facts = of(&adapter, LEAVER).await.facts;
        assert_eq!(
            facts.protected.contains(&Protection::Admin),
            shown,
            "{admin:?}"
        );
        let probes = adapter.check().await;
        let users = probes.iter().find(|p| p.what == "users").unwrap();
        assert_eq!(users.state == ProbeState::Limited, !shown, "{users:?}");
    }
}

#[tokio::test]
async fn discovery_may_be_open_closed_or_missing() {
    for (discovery, open_discovery) in [(true, true), (true, false), (false, false)] {
        let tenant = house(Settings {
            discovery,
            open_discovery,
            ..Settings::default()
        });
        assert_eq!(read(&adapter(&tenant)).await.accounts.len(), 5);
    }
}

#[tokio::test]
async fn tokens_by_basic_and_by_form() {
    for client_auth in [ClientAuth::Any, ClientAuth::Basic, ClientAuth::Form] {
        let tenant = house(Settings {
            login: Login::ClientCredentials,
            client_auth,
            ..Settings::default()
        });
        assert_eq!(fault(&adapter(&tenant)).await, "read.credentials");
        let mut settings = settings(&tenant);
        let credentials = tenant.credentials();
        settings.access = ScimAccess::Client {
            id: Secret::new(&credentials.client_id),
            secret: Secret::new(&credentials.client_secret),
            token_url: tenant.token_url(),
        };
        let adapter = Adapter::new(settings).unwrap();
        assert_eq!(read(&adapter).await.accounts.len(), 5);
        tenant.control().with(|scim| scim.revoke_tokens());
        assert_eq!(read(&adapter).await.accounts.len(), 5, "a fresh token");
    }
}

#[tokio::test]
async fn quiet_is_kept_as_long_as_is_asked() {
    for retry_after in [RetryAfter::Seconds, RetryAfter::Absent] {
        let tenant = house(Settings {
            retry_after,
            ..Settings::default()
        });
        tenant.control().with(|scim| scim.throttle(2, 1));
        assert_eq!(read(&adapter(&tenant)).await.accounts.len(), 5);
    }
    let tenant = house(Settings::default());
    tenant.control().with(|scim| scim.throttle(1, 600));
    assert_eq!(fault(&adapter(&tenant)).await, "read.rate-limited");
}

#[tokio::test]
async fn plain_json_is_read_as_well() {
    let tenant = house(Settings {
        plain_json: true,
        omit_empty: false,
        selection: false,
        ..Settings::default()
    });
    assert_eq!(read(&adapter(&tenant)).await.accounts.len(), 5);
}
