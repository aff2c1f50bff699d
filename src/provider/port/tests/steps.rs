//! What is read before a change, the change, and what its answer means.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::json;

use crate::domain::account::Do;
use crate::provider::Answer;
use crate::provider::AnswerVerdict;
use crate::provider::Next;
use crate::provider::Order;
use crate::provider::Provider as _;
use crate::provider::ProviderError;
use crate::provider::http::scripted::Reply;
use crate::provider::port::Port;
use crate::provider::port::tests::Org;
use crate::provider::port::tests::id;
use crate::provider::port::tests::mail;
use crate::provider::port::tests::port;
use crate::provider::port::tests::quiet;
use crate::provider::port::tests::refusal;
use crate::provider::trial::attempt;
use crate::provider::trial::order;
use crate::provider::trial::target;

fn thing(blueprint: &str, identifier: &str, relations: Value) -> Value {
    json!({
        "identifier": identifier, "title": format!("The {identifier}"), "blueprint": blueprint,
        "relations": relations, "createdBy": "auth0|somebody",
    })
}

async fn next(org: Org, n: u64, wanted: Do) -> Result<Next, ProviderError> {
    let server = org.serve().await;
    port(&server.url).prepare(&target(&id(n)), wanted).await
}

async fn withheld(org: Org, n: u64, wanted: Do) -> &'static str {
    match next(org, n, wanted).await.unwrap() {
        Next::Withhold(code) => code,
        other => panic!("{other:?}"),
    }
}

async fn answer(change: Reply, wanted: Do) -> Answer {
    let mut org = Org::new(2);
    org.change = change;
    let server = org.serve().await;
    attempt(&port(&server.url), &id(1), wanted).await
}

#[tokio::test]
async fn disabling_sets_the_status_and_nothing_else() {
    let server = Org::new(2).serve().await;
    let port = port(&server.url);
    let order = order(&port, &target(&id(1)), Do::Disable).await;
    assert_eq!((order.does, order.call), (Do::Disable, "disable"));
    assert_eq!(order.template, "/v1/blueprints/_user/entities/{id}");
    let text = order.request.text();
    assert_eq!(
        text,
        "PATCH /v1/blueprints/_user/entities/p1%40v.test\n{\"properties\":{\"status\":\"Disabled\"}}"
    );
    assert_eq!(order.checked, ["checked.account", "checked.workspace"]);
    let image: Value = serde_json::from_str(order.image.as_ref().unwrap()).unwrap();
    assert_eq!(image["entity"]["properties"]["status"], "Active");
    assert_eq!(image["user"]["id"], format!("auth0|{:024}", 1));
    let answer = port.execute(&target(&id(1)), &order).await;
    assert_eq!(answer.verdict, AnswerVerdict::Done);
    let last = server.requests().pop().unwrap();
    assert_eq!(last.method, "PATCH");
    assert!(
        !server
            .requests()
            .iter()
            .any(|r| r.target.contains("/v1/entities/search"))
    );
}

#[tokio::test]
async fn giving_back_sets_the_status_active_also_for_the_protected() {
    let mut org = Org::new(2);
    org.entities[0]["properties"]["status"] = json!("Disabled");
    let server = org.serve().await;
    let order = order(&port(&server.url), &target(&id(0)), Do::Restore).await;
    assert_eq!((order.does, order.call), (Do::Restore, "enable"));
    assert!(
        order
            .request
            .text()
            .ends_with("{\"properties\":{\"status\":\"Active\"}}")
    );
}

#[tokio::test]
async fn removing_keeps_what_the_user_leaves_behind() {
    let mut org = Org::new(2);
    org.related = vec![
        thing("Service", "cart", json!({"owner": mail(1), "team": "core"})),
        thing(
            "service",
            "till",
            json!({"on_call": ["x@v.test", "P1@V.test"], "owner": null}),
        ),
        // on the way only: it points at the service, not at the person
        thing("deployment", "cart-1", json!({"service": "cart"})),
    ];
    org.made = vec![
        json!({"identifier": "runbook", "blueprint": "page", "createdBy": format!("auth0|{:024}", 1)}),
        thing("page", "of-somebody-else", json!({})),
        json!({"identifier": "cart", "blueprint": "Service", "createdBy": format!("auth0|{:024}", 1)}),
    ];
    org.users[1]["apiKey"] = json!("hush");
    let server = org.serve().await;
    let port = port(&server.url);
    let order = order(&port, &target(&id(1)), Do::Remove).await;
    assert_eq!((order.does, order.call), (Do::Remove, "delete-user"));
    assert_eq!(
        order.request.text(),
        "DELETE /v1/blueprints/_user/entities/p1%40v.test?delete_dependents=false\n"
    );
    let counts = BTreeMap::from([("page".to_owned(), 1), ("service".to_owned(), 2)]);
    assert_eq!(order.owned, counts);
    assert_eq!(
        order.checked,
        ["checked.account", "checked.workspace", "checked.ownerships"]
    );
    let image: Value = serde_json::from_str(order.image.as_ref().unwrap()).unwrap();
    assert!(!image.to_string().contains("hush"));
    let left = image["left_behind"].as_array().unwrap();
    assert_eq!(left.len(), 3);
    assert_eq!(left[0]["points_by"], json!(["owner"]));
    assert_eq!(left[0]["made"], true);
    assert_eq!(left[1]["points_by"], json!(["on_call"]));
    assert_eq!(image["shows_what_it_made"], true);
    let owned = port.owned(&id(1)).await.unwrap();
    assert_eq!(owned.len(), 3);
    assert_eq!(
        (owned[0].kind.as_str(), owned[0].id.as_str()),
        ("service", "cart")
    );
    assert_eq!(owned[0].name.as_deref(), Some("The cart"));
}

#[tokio::test]
async fn a_removal_waits_until_what_points_at_the_user_is_known() {
    for reply in [
        Reply::json(
            200,
            &json!({"ok": true, "entities": [], "failedBlueprints": ["service"]}),
        ),
        Reply::json(200, &json!({"ok": true})),
        Reply::json(422, &refusal("invalid_request", "no")),
        Reply::new(500, &[], ""),
    ] {
        let server = Org::new(2).except("/v1/entities/search", reply).await;
        let port = port(&server.url);
        assert!(port.prepare(&target(&id(1)), Do::Remove).await.is_err());
        assert!(port.prepare(&target(&id(1)), Do::Disable).await.is_ok());
    }
}

#[tokio::test]
async fn what_somebody_made_is_told_where_port_takes_the_question() {
    let org = Org::new(2);
    let server = crate::provider::http::scripted::Server::start(move |request, _| {
        match request.body.contains("$createdBy") {
            true => Reply::json(422, &refusal("invalid_request", "no such rule")),
            false => org.answer(request),
        }
    })
    .await;
    let order = order(&port(&server.url), &target(&id(1)), Do::Remove).await;
    assert!(
        order
            .image
            .unwrap()
            .contains("\"shows_what_it_made\":false")
    );
}

#[tokio::test]
async fn nothing_is_sent_for_another_or_a_protected_account() {
    for wanted in [Do::Disable, Do::Remove] {
        assert_eq!(
            withheld(Org::new(2), 0, wanted).await,
            "block.protected-admin"
        );
        let mut machine = Org::new(2);
        machine.entities[1]["properties"]["port_type"] = json!("Service Account");
        assert_eq!(
            withheld(machine, 1, wanted).await,
            "block.protected-service"
        );
        let mut scim = Org::new(2);
        scim.users[1]["managedByScim"] = json!(true);
        assert_eq!(withheld(scim, 1, wanted).await, "block.provider-managed");
        let mut again = Org::new(2);
        again.entities[1]["createdAt"] = json!("2026-11-20T10:00:00.000Z");
        assert_eq!(withheld(again, 1, wanted).await, "block.identity-changed");
        let mut lone = Org::new(2);
        lone.entities.truncate(1);
        lone.users[1]["createdAt"] = json!("2024-09-21T08:56:38.000Z");
        assert_eq!(withheld(lone, 1, wanted).await, "block.provider-managed");
    }
    assert_eq!(
        withheld(Org::new(2), 1, Do::Transfer).await,
        "block.step-impossible"
    );
    let server = Org::new(2)
        .except("/v1/organization", Reply::new(500, &[], ""))
        .await;
    assert!(
        port(&server.url)
            .prepare(&target(&id(1)), Do::Disable)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn done_is_only_what_says_so() {
    let shows = |status: &str| {
        let mut entity = super::entity(1);
        entity["properties"]["status"] = json!(status);
        json!({"ok": true, "entity": entity})
    };
    let done = answer(Reply::json(200, &shows("Disabled")), Do::Disable).await;
    assert_eq!(
        (done.verdict, done.code),
        (AnswerVerdict::Done, "call.done")
    );
    let done = answer(Reply::json(200, &json!({"ok": true})), Do::Remove).await;
    assert_eq!(
        (done.verdict, done.code),
        (AnswerVerdict::Done, "call.done")
    );
    let kept = answer(Reply::json(200, &shows("Active")), Do::Disable).await;
    assert_eq!(
        (kept.verdict, kept.code),
        (AnswerVerdict::Unknown, "call.not-confirmed")
    );
    let mut other = shows("Disabled");
    other["entity"]["identifier"] = json!("p0@v.test");
    let other = answer(Reply::json(200, &other), Do::Disable).await;
    assert_eq!(other.verdict, AnswerVerdict::Unknown);
    for reply in [
        Reply::json(200, &json!({})),
        Reply::json(200, &json!({"ok": "true"})),
        Reply::json(200, &json!({"ok": false})),
        Reply::json(201, &json!({"ok": true})),
        Reply::new(200, &[], ""),
        Reply::new(200, &[], "<html>"),
        Reply::new(204, &[], ""),
        Reply::new(302, &["location: https://elsewhere.test/"], ""),
        Reply::new(403, &[], "<html>"),
        Reply::new(404, &[], ""),
        Reply::json(404, &json!({"message": "Cannot DELETE"})),
        Reply::new(409, &[], ""),
        Reply::new(500, &[], ""),
        Reply::Silence,
    ] {
        for wanted in [Do::Disable, Do::Remove] {
            let answer = answer(reply.clone(), wanted).await;
            assert_eq!(answer.verdict, AnswerVerdict::Unknown, "{reply:?}");
        }
    }
}

#[tokio::test]
async fn a_refusal_says_why() {
    use AnswerVerdict::Already;
    use AnswerVerdict::Failed;
    use AnswerVerdict::Refused;
    let gone = refusal("not_found", "Entity with identifier \"x\" was not found");
    let blueprint =
        json!({"ok": false, "error": "not_found", "resource": "Blueprint", "message": "x"});
    let scim = refusal("SCIM_CONFLICT", "The user is managed");
    let bound = refusal(
        "has_dependents",
        "Entity has dependents by a required relation",
    );
    for (status, body, wanted, verdict, code) in [
        (404, &gone, Do::Remove, Already, "call.already"),
        (404, &gone, Do::Disable, Refused, "call.not-found"),
        (404, &blueprint, Do::Remove, Refused, "call.refused"),
        (409, &scim, Do::Disable, Refused, "call.managed-elsewhere"),
        (409, &scim, Do::Remove, Refused, "call.managed-elsewhere"),
        (422, &bound, Do::Remove, Refused, "call.dependents"),
        (422, &bound, Do::Disable, Refused, "call.refused"),
        (
            409,
            &refusal("conflict", "busy"),
            Do::Remove,
            Refused,
            "call.refused",
        ),
        (
            422,
            &refusal("invalid_request", "no"),
            Do::Remove,
            Refused,
            "call.refused",
        ),
        (
            403,
            &refusal("forbidden", "own status"),
            Do::Disable,
            Refused,
            "call.refused",
        ),
        (
            413,
            &refusal("payload_too_large", "x"),
            Do::Disable,
            Refused,
            "call.refused",
        ),
        (
            401,
            &refusal("unauthorized", "x"),
            Do::Disable,
            Refused,
            "call.credentials",
        ),
        (
            429,
            &refusal("too_many_requests", "x"),
            Do::Remove,
            Failed,
            "call.rate-limited",
        ),
    ] {
        let answer = answer(Reply::json(status, body), wanted).await;
        assert_eq!(
            (answer.verdict, answer.code),
            (verdict, code),
            "{status} {body}"
        );
    }
}

#[tokio::test]
async fn a_change_is_sent_once_whatever_comes_back() {
    for reply in [
        Reply::new(500, &[], ""),
        Reply::Silence,
        Reply::json(401, &refusal("x", "x")),
    ] {
        let mut org = Org::new(2);
        org.change = reply;
        let server = org.serve().await;
        attempt(&port(&server.url), &id(1), Do::Remove).await;
        let sent = server
            .requests()
            .into_iter()
            .filter(|r| r.method == "DELETE")
            .count();
        assert_eq!(sent, 1);
    }
}

#[tokio::test]
async fn an_order_for_an_account_that_is_gone_meanwhile_is_already_done() {
    let server = Org::new(2).serve().await;
    let port: Port = port(&server.url);
    port.accounts(&quiet).await.unwrap();
    let order: Order = order(&port, &target(&id(1)), Do::Remove).await;
    let gone = Org::new(1)
        .except("/v1/blueprints/_user/entities/", super::absent())
        .await;
    let answer = super::port(&gone.url)
        .execute(&target(&id(1)), &order)
        .await;
    assert_eq!(answer.verdict, AnswerVerdict::Already);
}
