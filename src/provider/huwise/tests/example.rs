//! What must not be repeated of the vendor's published example, by the number of each of its
//! faults; and what `exeunt check` says.

use serde_json::Value;
use serde_json::json;

use crate::domain::account::AccountState;
use crate::domain::account::Protection;
use crate::domain::account::Signal;
use crate::domain::time::Time;
use crate::provider::Probe;
use crate::provider::ProbeState;
use crate::provider::Provider as _;
use crate::provider::http::scripted::Reply;
use crate::provider::huwise::tests::accounts;
use crate::provider::huwise::tests::domain::Domain;
use crate::provider::huwise::tests::facts;
use crate::provider::huwise::tests::huwise;
use crate::provider::huwise::tests::listed;
use crate::provider::huwise::tests::refusal;
use crate::provider::huwise::tests::user;
use crate::provider::huwise::tests::with;

#[tokio::test]
async fn huwise_9_1_permissions_that_do_not_exist_are_not_asked_and_groups_count() {
    // every permission of the specification with which something is changed, directly or by a
    // group of any name
    for permission in [
        "edit_domain",
        "create_page",
        "edit_page",
        "manage_page",
        "create_dataset",
        "edit_dataset",
        "publish_dataset",
        "manage_dataset",
        "edit_reuse",
        "manage_subdomains",
        "edit_theme",
        "edit_form",
    ] {
        let direct = with(user("x"), "permissions", json!([permission]));
        let mut domain = Domain::new().and(direct);
        let member = with(user("y"), "groups", json!([{"uid": "redaktion-ü 7"}]));
        domain = domain.and(member);
        domain
            .groups
            .push(json!({"uid": "redaktion-ü 7", "permissions": [permission]}));
        for name in ["x", "y"] {
            let protected = facts(domain.clone(), name).await.protected;
            assert_eq!(protected, [Protection::Admin].into(), "{permission} {name}");
        }
    }
    for permission in [
        "explore_restricted_page",
        "explore_restricted_dataset",
        "explore_monitoring",
        "submit_private_form",
    ] {
        let domain = Domain::new().and(with(user("x"), "permissions", json!([permission])));
        assert!(
            facts(domain, "x").await.protected.is_empty(),
            "{permission}"
        );
    }
    let server = Domain::new().serve().await;
    huwise(&server.url).accounts(&|_| {}).await.unwrap();
    let asked = server.requests().into_iter().map(|r| r.target);
    let asked: Vec<_> = asked.filter(|t| t.contains("permissions")).collect();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].contains("all_permissions=edit_domain"));
}

#[tokio::test]
async fn huwise_9_1_a_group_that_is_not_known_protects() {
    let strange = with(user("x"), "groups", json!([{"uid": "nobody-knows"}]));
    for user in [
        strange,
        with(user("x"), "groups", Value::Null),
        with(user("x"), "groups", json!("readers")),
        with(user("x"), "groups", json!([{}])),
        with(user("x"), "groups", json!(["readers"])),
    ] {
        let protected = facts(Domain::new().and(user), "x").await.protected;
        assert_eq!(protected, [Protection::UnknownRole].into());
    }
}

#[tokio::test]
async fn huwise_9_2_accounts_that_programs_use_are_protected() {
    let robot = facts(Domain::new(), "robot").await.protected;
    assert_eq!(robot, [Protection::KeyOwner].into());
}

#[tokio::test]
async fn huwise_9_3_both_moments_count_and_null_is_a_class_of_its_own() {
    let late = json!("2026-11-20T10:00:00.5+01:00");
    let at = Time::parse("2026-11-20T09:00:00.5Z").unwrap();
    let seen_only = with(
        with(user("x"), "last_seen_at", late.clone()),
        "last_login_at",
        Value::Null,
    );
    let x = listed(Domain::new().and(seen_only), "x").await;
    assert_eq!(x.seen.get(&Signal::Seen), Some(&at));
    assert_eq!(
        (x.seen.get(&Signal::Login), x.facts.state),
        (None, AccountState::Active)
    );
    assert!(x.facts.hidden.is_empty() && x.facts.address_verified);

    let never = with(
        with(user("x"), "last_seen_at", Value::Null),
        "last_login_at",
        Value::Null,
    );
    for active in [true, false] {
        let never = with(never.clone(), "is_active", json!(active));
        let x = listed(Domain::new().and(never), "x").await;
        assert_eq!(x.facts.state, AccountState::Invited);
        assert_eq!(x.facts.created_at, Time::parse("2022-08-19T11:43:58Z"));
        assert!(x.seen.is_empty() && !x.facts.address_verified);
    }
    let off = with(user("x"), "is_active", json!(false));
    let x = facts(Domain::new().and(off), "x").await;
    assert_eq!(x.state, AccountState::Disabled);
}

#[tokio::test]
async fn huwise_9_3_a_moment_that_is_not_shown_is_not_never() {
    for missing in ["last_login_at", "last_seen_at"] {
        let mut hidden = with(
            with(user("x"), "last_seen_at", Value::Null),
            "last_login_at",
            Value::Null,
        );
        hidden.as_object_mut().unwrap().remove(missing);
        let x = facts(Domain::new().and(hidden), "x").await;
        assert!(x.hidden.contains(&Signal::Login), "{missing}");
        assert_eq!(x.state, AccountState::Active, "no invitation for certain");
    }
}

#[tokio::test]
async fn huwise_9_4_everybody_is_read_and_not_the_first_twenty() {
    for most in [20, 7, 1000] {
        let mut domain = Domain::new();
        domain.users.extend((0..60).map(|n| user(&format!("u{n}"))));
        domain.most = most;
        assert_eq!(accounts(domain).await.unwrap().len(), 65, "pages of {most}");
    }
}

#[tokio::test]
async fn huwise_9_4_next_is_never_followed() {
    let mut domain = Domain::new();
    domain.users.extend((0..60).map(|n| user(&format!("u{n}"))));
    domain.most = 20;
    let server = domain.serve().await;
    // each page names an address elsewhere
    let read = huwise(&server.url).accounts(&|_| {}).await.unwrap();
    assert_eq!(read.accounts.len(), 65);
}

#[tokio::test]
async fn huwise_9_5_permissions_that_are_null_or_new_protect() {
    for permissions in [
        Value::Null,
        json!("edit_domain"),
        json!({}),
        json!([null]),
        json!(["manage_users"]),
        json!(["Explore_Restricted_Dataset"]),
        json!(["explore_restricted_dataset", "new_permission"]),
    ] {
        let strange = with(user("x"), "permissions", permissions.clone());
        let protected = facts(Domain::new().and(strange), "x").await.protected;
        assert_eq!(protected, [Protection::UnknownRole].into(), "{permissions}");

        let mut domain = Domain::new().and(with(user("x"), "groups", json!([{"uid": "g"}])));
        domain
            .groups
            .push(json!({"uid": "g", "permissions": permissions}));
        let protected = facts(domain, "x").await.protected;
        assert_eq!(protected, [Protection::UnknownRole].into(), "by a group");
    }
    for field in ["permissions", "groups", "is_ods", "is_active"] {
        let mut without = user("x");
        without.as_object_mut().unwrap().remove(field);
        let protected = facts(Domain::new().and(without), "x").await.protected;
        assert_eq!(protected, [Protection::UnknownRole].into(), "{field}");
    }
}

fn state(probes: &[Probe], what: &str) -> ProbeState {
    probes.iter().find(|p| p.what == what).unwrap().state
}

async fn checked(domain: Domain) -> Vec<Probe> {
    let server = domain.serve().await;
    let probes = huwise(&server.url).check().await;
    assert!(server.requests().iter().all(|r| r.method == "GET"));
    probes
}

#[tokio::test]
async fn a_check_of_a_domain_in_order_is_good() {
    let probes = checked(Domain::new()).await;
    assert_eq!(probes.len(), 6);
    assert!(
        probes.iter().all(|p| p.state == ProbeState::Good),
        "{probes:?}"
    );
}

#[tokio::test]
async fn a_check_says_what_stands_in_the_way() {
    let mut own_only = Domain::new();
    own_only.keys.truncate(1);
    let probes = checked(own_only).await;
    assert_eq!(state(&probes, "API keys"), ProbeState::Limited);
    assert!(probes.iter().any(|p| {
        p.hint
            .as_ref()
            .is_some_and(|h| h.contains("service_accounts"))
    }));

    let mut masked = Domain::new();
    masked.keys[0]["key"] = json!("own-key-…");
    assert_eq!(
        state(&checked(masked).await, "own user"),
        ProbeState::Limited
    );

    let mut lonely = Domain::new();
    lonely.users.remove(1);
    let probes = checked(lonely).await;
    assert_eq!(state(&probes, "administrators"), ProbeState::Limited);

    let mut dateless = Domain::new();
    dateless.users[4]
        .as_object_mut()
        .unwrap()
        .remove("last_seen_at");
    assert_eq!(
        state(&checked(dateless).await, "last login"),
        ProbeState::Limited
    );

    let mut chiefs = Domain::new();
    for user in &mut chiefs.users {
        user["permissions"] = json!(["edit_domain"]);
    }
    assert_eq!(
        state(&checked(chiefs).await, "administrators"),
        ProbeState::Limited
    );
}

#[tokio::test]
async fn a_check_of_a_domain_that_does_not_answer_is_bad() {
    for (part, reply, what, expected) in [
        (
            "users/",
            Reply::new(401, &[], ""),
            "credential",
            ProbeState::Bad,
        ),
        (
            "users/",
            refusal(403, "forbidden"),
            "rights",
            ProbeState::Bad,
        ),
        (
            "users/",
            Reply::new(404, &[], "<html>"),
            "rights",
            ProbeState::Bad,
        ),
        ("users/", Reply::Silence, "credential", ProbeState::Bad),
        (
            "groups/",
            refusal(403, "forbidden"),
            "protection",
            ProbeState::Bad,
        ),
        (
            "apikeys/",
            refusal(403, "forbidden"),
            "API keys",
            ProbeState::Limited,
        ),
    ] {
        let server = Domain::new().except(part, reply).await;
        let probes = huwise(&server.url).check().await;
        assert_eq!(state(&probes, what), expected, "{part}");
    }
}
