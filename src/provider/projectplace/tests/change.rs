//! The one change: what is sent for whom, what is withheld, and what an answer means.

use serde_json::Value;
use serde_json::json;

use crate::domain::account::Do;
use crate::provider::AnswerVerdict;
use crate::provider::Next;
use crate::provider::Order;
use crate::provider::Provider as _;
use crate::provider::Settled;
use crate::provider::Successor;
use crate::provider::Target;
use crate::provider::http::Body;
use crate::provider::http::scripted::Reply;
use crate::provider::http::scripted::Server;
use crate::provider::projectplace::tests::Place;
use crate::provider::projectplace::tests::projectplace;
use crate::provider::projectplace::tests::someone;
use crate::provider::projectplace::tests::target;
use crate::provider::trial;

async fn order(server: &Server, target: &Target) -> Order {
    trial::order(&projectplace(&server.url), target, Do::Remove).await
}

fn body(order: &Order) -> Value {
    let Body::Json(text) = &order.request.body else {
        return Value::Null;
    };
    serde_json::from_str(text).unwrap()
}

async fn withheld(server: &Server, target: &Target) -> &'static str {
    match projectplace(&server.url).prepare(target, Do::Remove).await {
        Ok(Next::Withhold(code)) => code,
        other => unreachable!("{other:?}"),
    }
}

#[tokio::test]
async fn a_member_is_deleted_and_everything_handed_over_in_the_same_call() {
    let server = Place::owning().serve().await;
    let order = order(&server, &target(1001)).await;
    assert_eq!((order.does, order.call), (Do::Remove, "delete-account"));
    assert_eq!(order.template, "/1/account/people/{id}");
    assert_eq!(order.request.path, "1/account/people/1001");
    // 42 came as an integer in the list of members, and goes as one
    let maps = json!({"workspaces": {"9001": 42}, "portfolios": {"77": 42},
        "templates": {"5": 42}, "teams": {}});
    let expected = json!({"action": "delete_account_user", "params": [{"1001": maps}]});
    assert_eq!(body(&order), expected);
    let checked = ["checked.account", "checked.ownerships", "checked.successor"];
    assert_eq!(order.checked, checked);
    let counts: Vec<_> = order.owned.iter().map(|(k, n)| (k.as_str(), *n)).collect();
    assert_eq!(
        counts,
        [("portfolio", 1), ("template", 1), ("workspace", 1)]
    );
    let image: Value = serde_json::from_str(order.image.as_ref().unwrap()).unwrap();
    assert_eq!(image["account"]["member"]["email"], "p1001@example.com");
    assert_eq!(image["account"]["search"]["userid"], "1001");
    assert_eq!(image["owned"]["1001"]["templates_owner"][0]["id"], 5);
}

#[tokio::test]
async fn an_external_member_is_removed_and_not_deleted() {
    let server = Place::new().serve().await;
    let order = order(&server, &target(1002)).await;
    assert_eq!(order.call, "remove-external");
    let maps = json!({"workspaces": {}, "portfolios": {}, "templates": {}, "teams": {}});
    let expected = json!({"action": "remove_account_user", "params": [{"1002": maps}]});
    assert_eq!(body(&order), expected);
}

#[tokio::test]
async fn the_successor_is_sent_in_the_type_in_which_it_came() {
    let place = Place::owning();
    let mut rows: Vec<_> = place.people.iter().filter(|p| p.member).collect();
    rows.retain(|p| p.id != 42);
    let mut members: Vec<_> = rows.iter().map(|p| p.member_row()).collect();
    members.push(json!({"id": "42", "email": "p42@example.com",
        "account_role": "account_role_member"}));
    let server = place
        .except("GET /1/account/people ", Reply::json(200, &json!(members)))
        .await;
    let order = order(&server, &target(1001)).await;
    let maps = &body(&order)["params"][0]["1001"];
    assert_eq!(maps["workspaces"], json!({"9001": "42"}));
}

#[tokio::test]
async fn the_protected_are_withheld_by_the_fresh_read() {
    let mut place = Place::new();
    place.people.push(someone(50, "account_role_co_owner"));
    place
        .people
        .push(someone(51, "account_role_pending_member"));
    place.people.push(someone(53, "account_role_robot"));
    let server = place.serve().await;
    for (id, code) in [
        (1, "block.protected-owner"),
        (2, "block.protected-admin"),
        (50, "block.protected-owner"),
        (51, "block.protected-unknown-role"),
        (53, "block.protected-service"),
        (9, "block.unknown-account"),
    ] {
        assert_eq!(withheld(&server, &target(id)).await, code);
    }
}

#[tokio::test]
async fn nothing_but_a_removal_is_possible() {
    let server = Place::new().serve().await;
    for wanted in [Do::Disable, Do::Restore, Do::Transfer] {
        let next = projectplace(&server.url)
            .prepare(&target(1001), wanted)
            .await;
        assert_eq!(next.unwrap(), Next::Withhold("block.step-impossible"));
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn an_account_that_changed_just_before_is_not_touched() {
    let server = Place::new().serve().await;
    let adapter = projectplace(&server.url);
    let facts = adapter.account("1002").await.unwrap().map(|r| r.facts);
    let mut promoted = Place::new();
    promoted.person(1002).role = "account_role_member";
    promoted.person(1002).member = true;
    let promoted = promoted.serve().await;
    let target = Target {
        facts,
        ..target(1002)
    };
    let next = projectplace(&promoted.url)
        .prepare(&target, Do::Remove)
        .await;
    assert_eq!(next.unwrap_err().fault(), "read.moved");
}

#[tokio::test]
async fn nobody_takes_over_is_withheld_where_something_is_owned() {
    let server = Place::owning().serve().await;
    let alone = Target {
        successor: None,
        ..target(1001)
    };
    assert_eq!(withheld(&server, &alone).await, "block.no-successor");
    let free = Place::new().serve().await;
    assert_eq!(order(&free, &alone).await.checked.len(), 2);
}

#[tokio::test]
async fn who_cannot_take_over_does_not() {
    let mut place = Place::owning();
    place
        .people
        .push(someone(51, "account_role_pending_member"));
    place.people.push(someone(53, "account_role_robot"));
    let server = place.serve().await;
    for (id, code) in [
        (1001, "block.successor-leaving"),
        (1002, "block.successor-unfit"),
        (51, "block.successor-unfit"),
        (53, "block.successor-unfit"),
        (9, "block.successor-unknown"),
    ] {
        let target = Target {
            successor: Some(Successor {
                id: id.to_string(),
                email: None,
            }),
            ..trial::target("1001")
        };
        assert_eq!(withheld(&server, &target).await, code, "{id}");
    }
}

#[tokio::test]
async fn ownerships_that_cannot_be_read_stop_it() {
    for answer in [
        json!({}),
        json!([]),
        json!({"1002": {"projects_data": {}}}),
        json!({"1001": {"error": "busy"}}),
        json!({"1001": {"projects_data": {"projects_owner": "9001"}}}),
        json!({"1001": {"projects_data": {"projects_owner": [{"name": "no id"}]}}}),
        json!({"1001": {"projects_data": {}, "boards_owner": [{"id": 1}]}}),
    ] {
        let server = Place::new()
            .except("GET /1/account/people/1001/", Reply::json(200, &answer))
            .await;
        let next = projectplace(&server.url)
            .prepare(&target(1001), Do::Remove)
            .await;
        assert!(next.is_err(), "{answer}");
    }
}

#[tokio::test]
async fn an_answer_is_judged_by_whom_it_names() {
    use AnswerVerdict::Done;
    use AnswerVerdict::Failed;
    use AnswerVerdict::Refused;
    use AnswerVerdict::Unknown;
    let ok = |body: &str| Reply::new(200, &[], body);
    for (reply, verdict, code) in [
        (
            ok(r#"{"succeeded":["1001"],"failed":[]}"#),
            Done,
            "call.done",
        ),
        (
            ok(r#"{"succeeded":["1001"],"failed":{}}"#),
            Done,
            "call.done",
        ),
        (
            ok(r#"{"succeeded":[],"failed":["1001"]}"#),
            Refused,
            "call.refused",
        ),
        (
            ok(r#"{"succeeded":[],"failed":[1001]}"#),
            Refused,
            "call.refused",
        ),
        (
            ok(r#"{"succeeded":[],"failed":{"1001":"x"}}"#),
            Refused,
            "call.refused",
        ),
        (ok(r#"{"failed":[{"id":1001}]}"#), Refused, "call.refused"),
        (
            ok(r#"{"succeeded":["1001"],"failed":["1001"]}"#),
            Unknown,
            "call.unclear",
        ),
        (
            ok(r#"{"succeeded":["10012"],"failed":[]}"#),
            Unknown,
            "call.not-confirmed",
        ),
        (
            ok(r#"{"succeeded":{"1001":0}}"#),
            Unknown,
            "call.not-confirmed",
        ),
        (ok("[]"), Unknown, "call.not-confirmed"),
        (ok(""), Unknown, "call.unclear"),
        (ok("<html>"), Unknown, "call.unclear"),
        (
            Reply::new(202, &[], r#"{"succeeded":["1001"]}"#),
            Unknown,
            "call.unclear",
        ),
        (
            Reply::new(302, &["location: /x"], ""),
            Unknown,
            "call.redirected",
        ),
        (
            Reply::json(400, &json!({"error": "x"})),
            Refused,
            "call.refused",
        ),
        (
            Reply::json(403, &json!({"error": "x"})),
            Refused,
            "call.refused",
        ),
        (
            Reply::json(404, &json!({"error": "x"})),
            Refused,
            "call.not-found",
        ),
        (
            Reply::json(409, &json!({"error": "x"})),
            Refused,
            "call.refused",
        ),
        (
            Reply::json(408, &json!({"error": "x"})),
            Unknown,
            "call.unclear",
        ),
        (Reply::new(403, &[], "<html>"), Unknown, "call.unclear"),
        (Reply::new(401, &[], ""), Refused, "call.credentials"),
        (Reply::new(429, &[], ""), Failed, "call.rate-limited"),
        (Reply::new(500, &[], ""), Unknown, "call.server-error"),
        (Reply::Silence, Unknown, "call.lost"),
    ] {
        let server = Place::new().except("POST /1/account/people/", reply).await;
        let order = order(&server, &target(1001)).await;
        let answer = projectplace(&server.url)
            .execute(&target(1001), &order)
            .await;
        assert_eq!(
            (answer.verdict, answer.code),
            (verdict, code),
            "{}",
            answer.body
        );
        let sent = server.requests().into_iter();
        let sent = sent.filter(|r| r.target == "/1/account/people/1001");
        assert_eq!(sent.count(), 1, "{code}");
    }
}

#[tokio::test]
async fn a_call_in_doubt_is_settled_by_whole_lists_only() {
    let there = Place::new().serve().await;
    let settled = projectplace(&there.url)
        .settle(&target(1001), Do::Remove)
        .await;
    assert_eq!(settled.unwrap(), Settled::DidNot);
    let mut gone = Place::new();
    gone.people.retain(|p| p.id != 1001);
    let server = gone.clone().serve().await;
    let settled = projectplace(&server.url)
        .settle(&target(1001), Do::Remove)
        .await;
    assert_eq!(settled.unwrap(), Settled::TookEffect);
    // the search has lost somebody else as well: that list proves nothing
    gone.person(1003).searched = false;
    let server = gone.serve().await;
    let settled = projectplace(&server.url)
        .settle(&target(1001), Do::Remove)
        .await;
    assert_eq!(settled.unwrap_err().fault(), "read.short");
}
