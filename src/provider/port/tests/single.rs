//! Single accounts.

use serde_json::Value;
use serde_json::json;

use crate::domain::account::Do;
use crate::domain::account::Signal;
use crate::provider::Provider as _;
use crate::provider::http::scripted::Reply;
use crate::provider::http::scripted::Server;
use crate::provider::port::tests::Org;
use crate::provider::port::tests::entity;
use crate::provider::port::tests::id;
use crate::provider::port::tests::path;
use crate::provider::port::tests::port;
use crate::provider::port::tests::refusal;
use crate::provider::port::tests::user;

#[tokio::test]
async fn gone_is_only_what_port_says_twice() {
    let server = Org::new(2).serve().await;
    let port_ = port(&server.url);
    assert_eq!(
        port_
            .account("x@v.test#2024-01-01T00:00:00Z")
            .await
            .unwrap(),
        None
    );
    // the name is there, and it is another account
    assert_eq!(
        port_
            .account("p1@v.test#2020-01-01T00:00:00Z")
            .await
            .unwrap(),
        None
    );
    for (status, body) in [
        (404, Value::Null),
        (404, json!({"message": "Cannot GET"})),
        (
            404,
            json!({"ok": false, "error": "not_found", "resource": "Blueprint", "message": "no"}),
        ),
        (404, refusal("route_not_found", "no")),
        (403, refusal("forbidden", "no")),
        (401, refusal("unauthorized", "no")),
        (500, Value::Null),
        (302, Value::Null),
    ] {
        let reply = match &body {
            Value::Null => Reply::new(status, &["location: /elsewhere"], ""),
            body => Reply::json(status, body),
        };
        let server = Org::new(2).except("entities/", reply).await;
        assert!(
            port(&server.url).account(&id(1)).await.is_err(),
            "{status} {body}"
        );
    }
    // the blueprint itself is gone: no word about anybody
    let gone = refusal(
        "not_found",
        "Blueprint with identifier \"_user\" was not found",
    );
    let mut org = Org::new(2);
    org.users.clear();
    let server = org.except("_user", Reply::json(404, &gone)).await;
    assert!(port(&server.url).account(&id(1)).await.is_err());
}

#[tokio::test]
async fn a_user_who_outlives_the_entity_is_still_in() {
    let mut org = Org::new(2);
    org.entities.truncate(1);
    let server = org.clone().serve().await;
    let record = port(&server.url).account(&id(1)).await.unwrap().unwrap();
    assert_eq!(record.id, id(1));
    assert!(!port(&server.url).shows(Some(&record.facts), Do::Remove));
    // and one who only follows a moment later is gone
    let asked = std::sync::atomic::AtomicU64::new(0);
    let server = Server::start(move |request, _| {
        let gone = path(request) == "/v1/users/p1@v.test"
            && asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) > 1;
        match gone {
            true => super::absent(),
            false => org.answer(request),
        }
    })
    .await;
    assert_eq!(port(&server.url).account(&id(1)).await.unwrap(), None);
}

#[tokio::test]
async fn a_single_user_without_members_is_looked_up_in_the_list() {
    let org = Org::new(2);
    let mut plain = user(1);
    plain.as_object_mut().unwrap().remove("orgMembers");
    let reply = Reply::json(200, &json!({"ok": true, "user": plain}));
    let server = org.except("/v1/users/", reply).await;
    let record = port(&server.url).account(&id(1)).await.unwrap().unwrap();
    assert!(record.seen.contains_key(&Signal::Login) && record.facts.hidden.is_empty());
}

#[tokio::test]
async fn identifiers_are_one_segment_of_the_path_whatever_they_hold() {
    let mut org = Org::new(1);
    let name = r"o/l\d+1:x=y@v.test";
    let mut strange = entity(1);
    strange["identifier"] = json!(name);
    org.entities.push(strange);
    let server = org.serve().await;
    let port = port(&server.url);
    let id = format!("{name}#2024-09-21T08:56:38Z");
    assert!(port.account(&id).await.unwrap().is_some());
    let wire = "/v1/blueprints/_user/entities/o%2Fl%5Cd%2B1%3Ax%3Dy%40v.test";
    assert!(server.requests().iter().any(|r| r.target == wire));
    for bad in [".#unknown", "..#unknown", "p1@v.test", "a\nb#unknown", ""] {
        assert!(port.account(bad).await.is_err(), "{bad:?}");
    }
}
