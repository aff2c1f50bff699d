//! What the adapter reads of a domain, whatever the domain is like.

use std::collections::BTreeSet;

use exeunt::domain::account::AccountState;
use exeunt::domain::account::Protection;
use exeunt::domain::account::Signal;
use exeunt::provider::ProbeState;
use exeunt::provider::Provider as _;
use exeunt::sandbox::huwise::ADMIN;
use exeunt::sandbox::huwise::ForeignKeys;
use exeunt::sandbox::huwise::HuwiseHandle;
use exeunt::sandbox::huwise::NoPermissions;
use exeunt::sandbox::huwise::Quota;
use exeunt::sandbox::huwise::Reset;
use exeunt::sandbox::huwise::Settings;
use exeunt::sandbox::huwise::Several;
use exeunt::sandbox::huwise::Shape;
use exeunt::sandbox::huwise::Total;
use exeunt::sandbox::population::Population;
use exeunt::sandbox::tenant::Fault;
use exeunt::sandbox::tenant::FaultRule;
use exeunt::sandbox::tenant::Matcher;

use crate::provider::huwise::CLEO;
use crate::provider::huwise::accounts;
use crate::provider::huwise::adapter;
use crate::provider::huwise::id;
use crate::provider::huwise::keys_shown;
use crate::provider::huwise::people;
use crate::provider::huwise::quiet;
use crate::provider::huwise::tenant;
use crate::provider::huwise::time;
use crate::provider::huwise::void;

/// Holds everything that was read against the domain itself.
async fn agrees(tenant: &HuwiseHandle) {
    let read = accounts(tenant).await;
    tenant.control().with(|domain| {
        assert_eq!(read.len(), domain.users().count());
        for account in &read {
            let (name, _) = account.id.rsplit_once('#').unwrap();
            let user = domain.user(name).unwrap();
            assert_eq!(account.email.as_deref(), Some(user.email.as_str()));
            for (signal, at) in [
                (Signal::Login, user.last_login),
                (Signal::Seen, user.last_seen),
            ] {
                let shown = account.seen.get(&signal).map(|at| at.micros() / 1_000_000);
                assert_eq!(shown, at.map(|at| at.timestamp()), "{name} {signal:?}");
            }
            let protected = &account.facts.protected;
            if domain.holds(name, ADMIN) {
                assert!(protected.contains(&Protection::Admin), "{name}");
            }
            let works = |k: &&_| is_working(k, name);
            let holds = domain.keys().filter(works).count() > 0;
            assert_eq!(protected.contains(&Protection::KeyOwner), holds, "{name}");
            let never = user.last_login.is_none() && user.last_seen.is_none();
            assert_eq!(
                account.facts.state == AccountState::Invited,
                never,
                "{name}"
            );
            assert!(account.facts.created_at.is_some());
        }
    });
    let cleo = read.iter().find(|a| a.id == id(tenant, CLEO)).unwrap();
    assert!(cleo.facts.protected.is_empty(), "{cleo:?}");
}

fn is_working(key: &exeunt::sandbox::huwise::ApiKey, owner: &str) -> bool {
    key.owner == owner && key.revoked.is_none()
}

#[tokio::test]
async fn every_domain_is_read_as_it_is() {
    let with = |change: fn(&mut Settings)| {
        let mut settings = keys_shown();
        change(&mut settings);
        settings
    };
    for settings in [
        with(|_| {}),
        with(|s| s.total = Total::Number),
        with(|s| s.page_cap = Some(7)),
        with(|s| s.no_next = true),
        with(|s| s.next_origin = Some("https://elsewhere.example".to_owned())),
        with(|s| s.refuse_over_limit = true),
        with(|s| s.several = Several::Any),
        with(|s| s.offset_minutes = 330),
        with(|s| s.fraction = Some(9)),
        with(|s| s.no_route_html = true),
    ] {
        agrees(&tenant(people(), settings)).await;
    }
}

#[tokio::test]
async fn an_account_read_alone_is_the_one_of_the_list() {
    let tenant = tenant(people(), keys_shown());
    let adapter = adapter(&tenant);
    for account in adapter.accounts(&quiet).await.unwrap().accounts {
        let alone = adapter.account(&account.id).await.unwrap();
        assert_eq!(alone.as_ref(), Some(&account));
    }
}

#[tokio::test]
async fn five_thousand_accounts_take_no_request_more_than_they_must() {
    let tenant = tenant(Population::of(4999, 0), keys_shown());
    tenant.control().clear_requests();
    assert_eq!(accounts(&tenant).await.len(), 5000);
    let requests = tenant.control().requests();
    let of = |path: &str| requests.iter().filter(|r| r.path.contains(path)).count();
    // five pages of users, one of administrators; groups; as many pages of keys as there are
    let keys = tenant.control().with(|domain| domain.keys().count());
    assert_eq!((of("/users/"), of("/groups/")), (6, 1));
    assert_eq!(of("/apikeys/"), keys.div_ceil(100));
}

#[tokio::test]
async fn a_list_that_cannot_be_proven_whole_is_void() {
    for (total, shift, fault) in [
        (Total::Null, 0, "read.no-total"),
        (Total::Text, 1, "read.short"),
        (Total::Number, -1, "read.moved"),
    ] {
        let settings = Settings {
            total,
            total_shift: shift,
            ..keys_shown()
        };
        assert_eq!(void(&tenant(people(), settings)).await, fault);
    }
}

#[tokio::test]
async fn what_is_not_said_protects() {
    let settings = |change: fn(&mut Settings)| {
        let mut settings = keys_shown();
        change(&mut settings);
        settings
    };
    let hide = |field: &str| Settings {
        hidden_fields: [field.to_owned()].into(),
        ..keys_shown()
    };
    for (settings, protection) in [
        // a filter that is not understood finds everybody
        (
            settings(|s| s.permission_filters = false),
            Protection::Admin,
        ),
        (
            settings(|s| s.no_permissions = NoPermissions::NullForAll),
            Protection::UnknownRole,
        ),
        (hide("permissions"), Protection::UnknownRole),
        (hide("groups"), Protection::UnknownRole),
        (hide("is_ods"), Protection::UnknownRole),
        (hide("is_active"), Protection::UnknownRole),
        (hide("joined_at"), Protection::UnclearIdentity),
    ] {
        let read = accounts(&tenant(people(), settings)).await;
        let all = read.iter().all(|a| a.facts.protected.contains(&protection));
        assert!(all, "{protection:?}");
    }
    for field in ["last_seen_at", "last_login_at"] {
        let read = accounts(&tenant(people(), hide(field))).await;
        let hidden = |a: &_| is_hidden(a);
        assert!(read.iter().all(hidden), "{field}");
    }
}

fn is_hidden(account: &exeunt::domain::account::AccountRecord) -> bool {
    account.facts.hidden.contains(&Signal::Login)
}

#[tokio::test]
async fn keys_that_are_not_shown_keep_everybody_who_was_ever_there() {
    for foreign_keys in [ForeignKeys::Own, ForeignKeys::Forbidden] {
        let settings = Settings {
            foreign_keys,
            ..Settings::default()
        };
        for account in accounts(&tenant(people(), settings)).await {
            let kept = account.facts.protected.contains(&Protection::KeysUnseen);
            assert_eq!(kept, account.facts.state != AccountState::Invited);
        }
    }
}

#[tokio::test]
async fn the_own_user_is_known_by_its_key() {
    for foreign_keys in [ForeignKeys::Own, ForeignKeys::Visible] {
        let settings = Settings {
            foreign_keys,
            ..Settings::default()
        };
        let tenant = tenant(people(), settings);
        let own = tenant.control().with(|domain| {
            let mut keys = domain.keys();
            keys.find(|k| k.key == tenant.key()).unwrap().owner.clone()
        });
        let read = accounts(&tenant).await;
        let own_of = |a: &&_| is_own(a);
        let found: BTreeSet<_> = read.iter().filter(own_of).map(|a| a.id.clone()).collect();
        assert_eq!(found, [id(&tenant, &own)].into());
    }
}

fn is_own(account: &exeunt::domain::account::AccountRecord) -> bool {
    let protected = &account.facts.protected;
    protected.contains(&Protection::OwnCredential)
}

#[tokio::test]
async fn a_refused_key_is_not_an_empty_domain() {
    for shape in [Shape::Default, Shape::Detail, Shape::Html, Shape::Empty] {
        let settings = Settings {
            unauthorized_shape: shape,
            forbidden_shape: shape,
            ..keys_shown()
        };
        let tenant = tenant(people(), settings);
        tenant.control().with(|domain| {
            let owner = |k: &&exeunt::sandbox::huwise::ApiKey| k.key == tenant.key();
            let own = domain.keys().find(owner).unwrap().owner.clone();
            domain.change(&own, |user| user.permissions.clear());
        });
        assert_eq!(void(&tenant).await, "read.rights");
        let probes = adapter(&tenant).check().await;
        assert_eq!(probes[0].state, ProbeState::Bad);
        tenant.control().with(|domain| {
            let now = chrono::Utc::now();
            let names: Vec<_> = domain.users().map(|u| u.username.clone()).collect();
            for name in names {
                assert!(domain.remove_user(&name, now));
            }
        });
        assert_eq!(void(&tenant).await, "read.credentials");
    }
}

#[tokio::test]
async fn a_quota_that_is_used_up_says_until_when() {
    for reset in [Reset::EpochSeconds, Reset::EpochMillis, Reset::SecondsLeft] {
        let quota = Some(Quota { calls: 3, reset });
        let settings = Settings {
            quota,
            ..keys_shown()
        };
        assert_eq!(void(&tenant(people(), settings)).await, "read.rate-limited");
    }
}

#[tokio::test]
async fn a_domain_in_order_is_found_so() {
    let tenant = tenant(people(), keys_shown());
    let probes = adapter(&tenant).check().await;
    let good = probes.iter().all(|p| p.state == ProbeState::Good);
    assert!(good, "{probes:#?}");
    let date = adapter(&tenant).clock().await.unwrap().unwrap();
    let apart = date.seconds_since(time(tenant.control().now()));
    assert!(apart.abs() <= 2, "{apart}");
}

#[tokio::test]
async fn no_fault_of_any_list_makes_a_read_say_less_than_there_is() {
    let set = |field: &str, value| Fault::SetField {
        field: field.to_owned(),
        value,
    };
    let missing = |field: &str| Fault::MissingField {
        field: field.to_owned(),
    };
    let tenant = tenant(people(), keys_shown());
    let control = tenant.control();
    let truth = accounts(&tenant).await;
    for fault in [
        Fault::Html { status: 200 },
        Fault::Truncated,
        Fault::MalformedJson,
        Fault::WrongTypes,
        Fault::BadDate,
        missing("username"),
        missing("uid"),
        set("username", serde_json::json!(7)),
        Fault::TotalTooHigh { by: 3 },
        Fault::ShortPage { by: 1 },
        Fault::EmptyBody,
        Fault::ErrorInside,
    ] {
        for list in ["users", "groups", "apikeys"] {
            control.clear_faults();
            let matcher = Matcher::new("GET", &format!("/api/automation/v1.0/{list}/"));
            control.add_fault(FaultRule::always(matcher, fault.clone()));
            let Ok(read) = adapter(&tenant).accounts(&quiet).await else {
                continue;
            };
            assert_eq!(read.accounts.len(), truth.len(), "{fault:?} {list}");
            for (now, before) in read.accounts.iter().zip(&truth) {
                assert_eq!(now.id, before.id, "{fault:?} {list}");
                let less = before.facts.protected.difference(&now.facts.protected);
                assert_eq!(less.count(), 0, "{fault:?} {list}: {now:?}");
            }
        }
    }
}
