//! Lists and single accounts.

use serde_json::Value;
use serde_json::json;

use crate::domain::account::AccountKind;
use crate::domain::account::AccountState;
use crate::domain::account::Do;
use crate::domain::account::Protection;
use crate::domain::account::Signal;
use crate::domain::time::Time;
use crate::provider::Next;
use crate::provider::Provider as _;
use crate::provider::ProviderError;
use crate::provider::http::Secret;
use crate::provider::http::scripted::Reply;
use crate::provider::http::scripted::Server;
use crate::provider::port::Port;
use crate::provider::port::tests::CLIENT;
use crate::provider::port::tests::ORG;
use crate::provider::port::tests::Org;
use crate::provider::port::tests::facts;
use crate::provider::port::tests::id;
use crate::provider::port::tests::listed;
use crate::provider::port::tests::listing_error;
use crate::provider::port::tests::mail;
use crate::provider::port::tests::now;
use crate::provider::port::tests::port;
use crate::provider::port::tests::quiet;
use crate::provider::port::tests::refusal;
use crate::provider::port::tests::settings;
use crate::provider::trial::target;

fn set(value: &mut Value, field: &str, to: Value) {
    value["properties"][field] = to;
}

#[tokio::test]
async fn everybody_is_listed_with_what_decisions_need() {
    let mut org = Org::new(250);
    org.page = 100;
    org.entities[3]["identifier"] = json!("P3@V.test");
    let server = org.serve().await;
    let seen = std::sync::atomic::AtomicU64::new(0);
    let progress = |n: u64| seen.store(n, std::sync::atomic::Ordering::Relaxed);
    let read = port(&server.url).accounts(&progress).await.unwrap();
    assert_eq!(seen.into_inner(), 250);
    assert_eq!(read.accounts.len(), 250);
    assert_eq!(
        (read.proof.count, read.proof.stated_total),
        (250, Some(250))
    );
    assert_eq!(read.proof.about["organization"], ORG);
    let of = |mail: &str| {
        let same = |a: &&crate::domain::account::AccountRecord| a.email.as_deref() == Some(mail);
        read.accounts.iter().find(same).unwrap()
    };
    let one = of(&mail(1));
    assert_eq!(one.id, id(1));
    assert_eq!(one.name.as_deref(), Some("Person 1"));
    assert_eq!(
        one.seen[&Signal::Login],
        Time::parse("2026-03-01T10:00:00Z").unwrap()
    );
    assert!(one.facts.protected.is_empty() && one.facts.hidden.is_empty());
    assert!(one.facts.address_verified);
    assert_eq!(
        one.facts.created_at,
        Time::parse("2024-09-21T08:56:38.062Z")
    );
    // joined without regard to case, and known by the identifier as it is written
    let three = of(&mail(3));
    assert_eq!(three.id, "P3@V.test#2024-09-21T08:56:38Z");
    assert!(three.seen.contains_key(&Signal::Login));
    let login = &read.signals[0];
    assert_eq!((login.signal, login.complete), (Signal::Login, true));
    assert_eq!(
        (login.horizon, login.until),
        (Some(Time::from_seconds(0)), Some(now()))
    );
    assert_eq!(login.precision_s, Some(14 * 86_400));
    let bodies: Vec<_> = server
        .requests()
        .into_iter()
        .filter(|r| r.target.ends_with("/search"))
        .collect();
    assert_eq!(bodies.len(), 3);
    assert!(bodies.iter().all(|r| r.body.contains("\"limit\":1000")));
    assert!(bodies[1].body.contains("\"from\":\"opaque100\""));
}

#[tokio::test]
async fn who_is_protected_and_who_is_what() {
    let mut org = Org::new(9);
    set(&mut org.entities[2], "port_role", json!("Moderator"));
    org.users[2]["roles"] = json!([{"name": "service-moderator"}]);
    set(&mut org.entities[3], "port_role", json!("Supreme"));
    set(&mut org.entities[4], "port_type", json!("Service Account"));
    set(&mut org.entities[5], "port_type", json!("Robot"));
    org.users[6]["roles"] = json!([{"name": "Member", "isAdmin": true}]);
    org.users[7]["isInvisible"] = json!(true);
    org.users[8]["id"] = json!(format!("{CLIENT}@clients"));
    let read = listed(org).await;
    let of = |n: usize| read[n].facts.protected.iter().copied().collect::<Vec<_>>();
    assert_eq!(of(0), [Protection::Admin]);
    assert_eq!(of(1), []);
    assert_eq!(of(2), []);
    assert_eq!(of(3), [Protection::UnknownRole]);
    assert_eq!(of(4), [Protection::Service]);
    assert_eq!(read[4].facts.kind, AccountKind::Service);
    assert_eq!(of(5), [Protection::UnknownRole]);
    assert_eq!(of(6), [Protection::Admin]);
    assert_eq!(of(7), [Protection::Staff]);
    assert_eq!(of(8), [Protection::OwnCredential, Protection::Service]);
}

#[tokio::test]
async fn the_last_administrator_is_known_also_when_read_alone() {
    let mut org = Org::new(3);
    set(&mut org.entities[2], "port_role", json!("Admin"));
    set(&mut org.entities[2], "status", json!("Disabled"));
    let server = org.serve().await;
    let port = port(&server.url);
    let read = port.accounts(&quiet).await.unwrap();
    assert!(
        read.accounts[0]
            .facts
            .protected
            .contains(&Protection::LastAdmin)
    );
    assert!(
        !read.accounts[2]
            .facts
            .protected
            .contains(&Protection::LastAdmin)
    );
    let alone = port.account(&id(0)).await.unwrap().unwrap();
    assert_eq!(alone, read.accounts[0]);
    let other = port.account(&id(2)).await.unwrap().unwrap();
    assert_eq!(other, read.accounts[2]);
}

#[tokio::test]
async fn a_login_that_is_not_shown_is_unknown_and_never_never() {
    for value in [
        None,
        Some(Value::Null),
        Some(json!("")),
        Some(json!("1970-01-01T00:00:00.000Z")),
        Some(json!("yesterday")),
        Some(json!(0)),
        Some(json!({})),
    ] {
        let mut org = Org::new(2);
        let member = org.users[1]["orgMembers"][1].as_object_mut().unwrap();
        member.remove("lastLoginAt");
        if let Some(value) = &value {
            member.insert("lastLoginAt".to_owned(), value.clone());
        }
        let read = listed(org).await;
        assert!(read[1].facts.hidden.contains(&Signal::Login), "{value:?}");
        assert!(read[1].seen.is_empty(), "{value:?}");
        assert_eq!(read[1].facts.state, AccountState::Active);
        assert!(read[0].facts.hidden.is_empty());
    }
    // what another organisation saw is no login here
    let mut org = Org::new(2);
    org.users[1]["orgMembers"].as_array_mut().unwrap().pop();
    assert!(facts(org, 1).await.hidden.contains(&Signal::Login));
}

#[tokio::test]
async fn staged_and_invited_were_never_activated_and_need_no_user() {
    for (status, with_user) in [("Staged", false), ("Invited", true), ("Invited", false)] {
        let mut org = Org::new(2);
        set(&mut org.entities[1], "status", json!(status));
        if with_user {
            org.users[1]["status"] = json!("INVITED");
            org.users[1]["orgMembers"] = json!([]);
        } else {
            org.users.truncate(1);
        }
        let facts = facts(org, 1).await;
        assert_eq!(facts.state, AccountState::Invited, "{status}");
        assert!(!facts.address_verified && facts.hidden.contains(&Signal::Login));
        assert!(facts.protected.is_empty() && facts.managed_by.is_none());
    }
    let mut org = Org::new(2);
    set(&mut org.entities[1], "status", json!("Invited"));
    assert_eq!(
        facts(org, 1).await.state,
        AccountState::Active,
        "they have logged in"
    );
}

#[tokio::test]
async fn disabled_without_a_login_may_be_a_person_whom_nobody_invited() {
    let mut org = Org::new(4);
    for n in 1..4 {
        set(&mut org.entities[n], "status", json!("Disabled"));
    }
    // 1 has logged in; 2 and 3 have not, and 3 was changed last by our own credential
    org.users.truncate(2);
    org.entities[2]["updatedAt"] = json!("2026-01-01T00:00:00.000Z");
    org.entities[2]["updatedBy"] = json!("auth0|somebody");
    org.entities[3]["updatedAt"] = json!("2026-01-01T00:00:00.000Z");
    org.entities[3]["updatedBy"] = json!(CLIENT);
    let server = org.serve().await;
    let port = port(&server.url);
    let read = port.accounts(&quiet).await.unwrap();
    let facts = |n: usize| &read.accounts[n].facts;
    let unclear = |n: usize| facts(n).protected.contains(&Protection::UnclearStatus);
    assert!(!unclear(1) && unclear(2) && !unclear(3));
    for n in 1..4 {
        assert_eq!(facts(n).state, AccountState::Disabled);
        assert!(port.shows(Some(facts(n)), Do::Disable), "{n}");
        assert!(!port.shows(Some(facts(n)), Do::Restore), "{n}");
    }
    assert!(!port.shows(Some(facts(0)), Do::Disable));
    for wanted in [Do::Disable, Do::Remove, Do::Restore] {
        let next = port.prepare(&target(&id(2)), wanted).await.unwrap();
        assert_eq!(next, Next::Withhold("block.unclear-status"));
    }
    assert!(port.shows(None, Do::Remove) && !port.shows(Some(facts(1)), Do::Remove));
}

#[tokio::test]
async fn whom_scim_manages_is_not_ours_to_change() {
    let mut org = Org::new(5);
    org.entities[1]["properties"]["managedByScim"] = json!(true);
    org.users[2]["managedByScim"] = json!(true);
    org.users[3]["providers"] = json!(["SCIM", "okta"]);
    org.users[4]["providers"] = json!(["okta"]);
    let read = listed(org).await;
    for account in &read[1..4] {
        assert_eq!(
            account.facts.managed_by.as_deref(),
            Some("scim"),
            "{}",
            account.id
        );
    }
    assert_eq!(
        read[4].facts.managed_by, None,
        "Port itself says no where it must"
    );
}

#[tokio::test]
async fn a_user_without_an_entity_is_listed_and_cannot_be_changed() {
    let mut org = Org::new(3);
    org.entities.truncate(2);
    let server = org.serve().await;
    let port = port(&server.url);
    let read = port.accounts(&quiet).await.unwrap();
    let lone = &read.accounts[2];
    assert_eq!(lone.id, "p2@v.test#2024-09-21T09:00:00Z");
    assert_eq!(lone.facts.managed_by.as_deref(), Some("user"));
    assert_eq!((read.proof.count, read.proof.stated_total), (3, Some(2)));
    assert_eq!(port.account(&lone.id).await.unwrap().as_ref(), Some(lone));
}

#[tokio::test]
async fn without_a_date_of_creation_the_identity_is_unclear() {
    let mut org = Org::new(2);
    org.entities[1]["createdAt"] = Value::Null;
    let read = listed(org).await;
    assert_eq!(read[1].id, "p1@v.test#unknown");
    assert!(
        read[1]
            .facts
            .protected
            .contains(&Protection::UnclearIdentity)
    );
    let mut org = Org::new(2);
    org.entities[1]["createdAt"] = json!("some day");
    let e = listing_error(&org.serve().await).await;
    assert!(matches!(e, ProviderError::Unreadable { .. }), "{e}");
}

#[tokio::test]
async fn only_a_proven_list_counts() {
    let fault = async |server: Server| listing_error(&server).await.fault();
    let count = |n: u64| Reply::json(200, &json!({"ok": true, "count": n}));
    assert_eq!(
        fault(Org::new(3).except("entities-count", count(4)).await).await,
        "read.short"
    );
    assert_eq!(
        fault(Org::new(3).except("entities-count", count(2)).await).await,
        "read.moved"
    );
    let none = Reply::json(200, &json!({"ok": true}));
    assert_eq!(
        fault(Org::new(3).except("entities-count", none).await).await,
        "read.no-total"
    );
    let mut nobody = Org::new(3);
    nobody.users.clear();
    assert_eq!(fault(nobody.serve().await).await, "read.empty");
    let mut nameless = Org::new(3);
    nameless.entities[1]["identifier"] = json!("");
    assert_eq!(fault(nameless.serve().await).await, "read.without-key");
    let mut strange = Org::new(3);
    set(&mut strange.entities[1], "status", json!("Resting"));
    assert_eq!(fault(strange.serve().await).await, "read.unreadable");
    let mut bare = Org::new(3);
    bare.entities[1]["properties"] = json!([]);
    assert_eq!(fault(bare.serve().await).await, "read.unreadable");
    let endless = json!({"ok": true, "entities": [], "next": "again"});
    let server = Org::new(3)
        .except("entities/search", Reply::json(200, &endless))
        .await;
    assert_eq!(fault(server).await, "read.paging-ignored");
    for (part, status, body, fault_is) in [
        (
            "/v1/users",
            200,
            json!({"ok": false, "users": []}),
            "read.unreadable",
        ),
        ("/v1/users", 200, json!({"users": []}), "read.unreadable"),
        (
            "/v1/users",
            200,
            json!({"ok": "true", "users": []}),
            "read.unreadable",
        ),
        ("/v1/users", 403, refusal("forbidden", "no"), "read.rights"),
        (
            "/v1/users",
            404,
            refusal("not_found", "no"),
            "read.unreadable",
        ),
        (
            "entities/search",
            404,
            refusal("not_found", "no"),
            "read.unreadable",
        ),
        (
            "entities/search",
            401,
            refusal("unauthorized", "no"),
            "read.credentials",
        ),
        (
            "/v1/organization",
            200,
            json!({"ok": true, "organization": {}}),
            "read.unreadable",
        ),
        ("/v1/organization", 500, Value::Null, "read.unreachable"),
    ] {
        let server = Org::new(3).except(part, Reply::json(status, &body)).await;
        assert_eq!(fault(server).await, fault_is, "{part} {status}");
    }
    let html = Org::new(3)
        .except("/v1/users", Reply::new(200, &[], "<html>"))
        .await;
    assert_eq!(fault(html).await, "read.unreadable");
    let silent = Org::new(3).except("/v1/users", Reply::Silence).await;
    assert_eq!(fault(silent).await, "read.unreachable");
}

#[tokio::test]
async fn a_list_that_moves_is_read_once_more_from_the_start() {
    let org = Org::new(3);
    let counted = std::sync::atomic::AtomicU64::new(0);
    let server = Server::start(move |request, _| {
        let first = request.target.contains("entities-count")
            && counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0;
        match first {
            true => Reply::json(200, &json!({"ok": true, "count": 4})),
            false => org.answer(request),
        }
    })
    .await;
    let read = port(&server.url).accounts(&quiet).await.unwrap();
    assert_eq!(read.accounts.len(), 3);
}

#[tokio::test]
async fn another_organisation_than_the_pinned_one_is_fatal() {
    let server = Org::new(2).serve().await;
    let mut settings = settings(&server.url);
    settings.organization = Some("org_other".to_owned());
    let port = Port::new(settings.clone()).unwrap();
    let e = port.accounts(&quiet).await.unwrap_err();
    assert!(matches!(e, ProviderError::Configuration { .. }), "{e}");
    assert!(e.to_string().contains("org_ours") && e.to_string().contains("org_other"));
    assert!(port.account(&id(1)).await.is_err());
    settings.organization = Some(ORG.to_owned());
    assert!(Port::new(settings).unwrap().accounts(&quiet).await.is_ok());
}

#[tokio::test]
async fn personal_credentials_must_find_their_own_user_and_never_touch_it() {
    let server = Org::new(3).serve().await;
    let mut settings = settings(&server.url);
    settings.client_id = Secret::new("P1@v.test");
    let read = Port::new(settings.clone())
        .unwrap()
        .accounts(&quiet)
        .await
        .unwrap();
    assert!(
        read.accounts[1]
            .facts
            .protected
            .contains(&Protection::OwnCredential)
    );
    settings.client_id = Secret::new("nobody@v.test");
    let e = Port::new(settings)
        .unwrap()
        .accounts(&quiet)
        .await
        .unwrap_err();
    assert_eq!(e.fault(), "read.own-missing");
}
