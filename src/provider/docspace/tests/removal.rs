//! A removal on its way: disabled, handed over, deleted, and what stops it.

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
use crate::provider::docspace::tests::Portal;
use crate::provider::docspace::tests::docspace;
use crate::provider::docspace::tests::ok;
use crate::provider::docspace::tests::person;
use crate::provider::docspace::tests::refusal;
use crate::provider::docspace::tests::uuid;
use crate::provider::http::Body;
use crate::provider::http::scripted::Reply;
use crate::provider::trial::order;
use crate::provider::trial::target;

/// A portal where person 1 is disabled and person 2 administers rooms.
fn portal() -> Portal {
    let mut portal = Portal::new();
    portal.people[1]["status"] = json!(2);
    portal.people[2]["isVisitor"] = json!(false);
    portal.people[2]["isRoomAdmin"] = json!(true);
    portal.rooms = true;
    portal
}

fn task(status: u64, percentage: u64, ended: bool) -> Value {
    json!({"id": format!("1_{}_ReassignProgressItem", uuid(1)),
        "percentage": percentage, "isCompleted": ended, "status": status})
}

/// Person 1 with person 2 as successor, after so many reassignments.
fn meant(starts: usize) -> Target {
    Target {
        successor: Some(Successor {
            id: uuid(2),
            email: None,
        }),
        done: vec![Do::Transfer; starts],
        ..target(&uuid(1))
    }
}

async fn next(portal: Portal, target: &Target) -> Next {
    let server = portal.serve().await;
    let next = docspace(&server.url).prepare(target, Do::Remove).await;
    let requests = server.requests();
    assert!(requests.iter().all(|r| r.method == "GET"), "it only reads");
    next.unwrap()
}

async fn request(portal: Portal, target: &Target) -> Order {
    match next(portal, target).await {
        Next::Send(order) => *order,
        other => panic!("no request: {other:?}"),
    }
}

fn wire(order: &Order) -> String {
    order.request.text()
}

#[tokio::test]
async fn whoever_is_not_disabled_is_disabled_first() {
    for status in [1, 4] {
        let mut portal = portal();
        portal.people[1]["status"] = json!(status);
        let order = request(portal, &meant(0)).await;
        assert_eq!((order.does, order.call), (Do::Disable, "disable"));
        assert!(wire(&order).starts_with("PUT /api/2.0/people/status/2\n"));
    }
}

#[tokio::test]
async fn what_there_is_to_hand_over_goes_to_the_successor() {
    let order = request(portal(), &meant(0)).await;
    assert_eq!((order.does, order.call), (Do::Transfer, "reassign"));
    assert_eq!(order.template, "/api/2.0/people/reassign/start");
    assert_eq!(order.request.method, "POST");
    let Body::Json(body) = &order.request.body else {
        panic!("no JSON");
    };
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(
        body,
        json!({"fromUserId": uuid(1), "toUserId": uuid(2), "deleteProfile": false})
    );
    let checked = ["checked.account", "checked.ownerships", "checked.successor"];
    assert_eq!(order.checked, checked);
    let image: Value = serde_json::from_str(&order.image.unwrap()).unwrap();
    assert_eq!(image["person"]["id"], uuid(1));
    assert_eq!(image["reassignNecessary"], true);
}

#[tokio::test]
async fn a_reassignment_is_waited_for_whoever_began_it() {
    for (status, ended) in [(0, false), (1, false), (2, false), (1, true)] {
        for starts in [0, 1] {
            let mut portal = portal();
            portal.task = task(status, 40, ended);
            // what is left to hand over does not matter while it runs
            portal.rooms = starts == 0;
            assert_eq!(next(portal, &meant(starts)).await, Next::Wait(Some(40)));
        }
    }
    let mut portal = portal();
    portal.task = task(1, 0, false);
    portal.task["percentage"] = json!(39.6);
    assert_eq!(next(portal.clone(), &meant(1)).await, Next::Wait(Some(40)));
    portal.task["percentage"] = json!("much");
    assert_eq!(next(portal, &meant(1)).await, Next::Wait(None));
}

#[tokio::test]
async fn deleted_is_only_who_has_nothing_left() {
    let nothing = |task: Value, shares: bool| Portal {
        task,
        rooms: false,
        shares,
        ..portal()
    };
    let ended = || task(2, 100, true);
    let cases = [
        // nothing to hand over, and nobody needed to take it
        (nothing(Value::Null, false), target(&uuid(1)), false),
        (nothing(ended(), false), target(&uuid(1)), false),
        (nothing(task(4, 9, true), false), target(&uuid(1)), false),
        // handed over; files shared from the personal section are never handed over
        (nothing(ended(), true), meant(1), true),
        (nothing(Value::Null, false), meant(1), true),
        (nothing(Value::Null, true), meant(2), true),
    ];
    for (n, (portal, target, handed)) in cases.into_iter().enumerate() {
        let order = request(portal, &target).await;
        assert_eq!((order.does, order.call), (Do::Remove, "delete"), "case {n}");
        assert_eq!(
            wire(&order),
            format!("DELETE /api/2.0/people/{}\n", uuid(1))
        );
        assert_eq!(order.template, "/api/2.0/people/{id}");
        let transferred = order.checked.contains(&"checked.transferred");
        assert_eq!(transferred, handed, "case {n}");
        assert!(order.checked.contains(&"checked.ownerships"));
    }
}

#[tokio::test]
async fn what_is_left_to_hand_over_forbids_the_deletion() {
    let with = |task: Value, rooms: bool, shares: bool| Portal {
        task,
        rooms,
        shares,
        ..portal()
    };
    let mut wrong = task(2, 100, true);
    wrong["error"] = json!("quota");
    let failed = "block.transfer-failed";
    let cases = [
        (
            with(Value::Null, true, false),
            target(&uuid(1)),
            "block.no-successor",
        ),
        (
            with(Value::Null, false, true),
            target(&uuid(1)),
            "block.no-successor",
        ),
        (
            with(task(2, 100, true), true, false),
            target(&uuid(1)),
            "block.no-successor",
        ),
        (with(task(4, 50, true), true, false), meant(1), failed),
        (with(task(4, 50, true), false, false), meant(1), failed),
        (with(task(3, 50, true), true, false), meant(1), failed),
        (with(wrong, false, false), meant(1), failed),
        (with(task(2, 100, true), true, false), meant(1), failed),
        (with(Value::Null, true, false), meant(2), failed),
    ];
    for (n, (portal, target, code)) in cases.into_iter().enumerate() {
        assert_eq!(
            next(portal, &target).await,
            Next::Withhold(code),
            "case {n}"
        );
    }
}

#[tokio::test]
async fn a_reassignment_that_is_lost_or_failed_before_us_is_begun_again() {
    for (task, starts) in [
        (Value::Null, 1),
        (task(4, 50, true), 0),
        (task(3, 50, true), 0),
        (task(2, 100, true), 0),
    ] {
        let order = request(Portal { task, ..portal() }, &meant(starts)).await;
        assert_eq!(order.does, Do::Transfer);
    }
}

#[tokio::test]
async fn whether_anything_is_to_be_handed_over_is_asked_in_the_form_that_the_server_takes() {
    for typed in [None, Some(true), Some(false)] {
        for (rooms, does) in [(true, Do::Transfer), (false, Do::Remove)] {
            let portal = Portal {
                typed,
                rooms,
                ..portal()
            };
            assert_eq!(request(portal, &meant(0)).await.does, does);
        }
        let handed = Portal {
            typed,
            rooms: false,
            task: task(2, 100, true),
            ..portal()
        };
        assert_eq!(request(handed, &meant(1)).await.does, Do::Remove);
    }
}

#[tokio::test]
async fn an_answer_that_is_not_understood_deletes_nobody() {
    let mut other = task(2, 100, true);
    other["id"] = json!(format!("1_{}_ReassignProgressItem", uuid(2)));
    let quiet = || Portal {
        rooms: false,
        ..portal()
    };
    let cases = [
        ("reassign/necessary", Reply::json(200, &ok(&Value::Null))),
        ("reassign/necessary", Reply::json(200, &ok(&json!("false")))),
        ("reassign/necessary", Reply::json(200, &ok(&json!(0)))),
        ("reassign/necessary", Reply::json(400, &refusal(400))),
        ("reassign/necessary", Reply::json(403, &refusal(403))),
        ("reassign/necessary", Reply::json(404, &refusal(404))),
        ("reassign/necessary", Reply::new(404, &[], "")),
        ("reassign/necessary", Reply::new(500, &[], "")),
        ("reassign/progress", Reply::json(200, &ok(&other))),
        (
            "reassign/progress",
            Reply::json(200, &ok(&task(7, 100, true))),
        ),
        ("reassign/progress", Reply::json(200, &ok(&json!([])))),
        ("reassign/progress", Reply::json(200, &ok(&json!({})))),
        ("reassign/progress", Reply::json(200, &refusal(403))),
        ("reassign/progress", Reply::new(404, &[], "")),
        ("reassign/progress", Reply::new(200, &[], "<html>")),
        ("reassign/progress", Reply::new(502, &[], "")),
    ];
    for (n, (path, reply)) in cases.into_iter().enumerate() {
        let server = quiet().except(path, reply).await;
        let next = docspace(&server.url).prepare(&meant(0), Do::Remove).await;
        assert!(next.is_err(), "case {n}: {next:?}");
    }
    // nulls are left out of answers
    let none = json!({"status": 0, "statusCode": 200, "count": 0});
    let server = quiet()
        .except("reassign/progress", Reply::json(200, &none))
        .await;
    let order = order(&docspace(&server.url), &meant(0), Do::Remove).await;
    assert_eq!(order.does, Do::Remove);
}

#[tokio::test]
async fn a_successor_who_cannot_take_over_gets_nothing() {
    let with = |field: &str, value: Value| {
        let mut portal = portal();
        portal.people[2][field] = value;
        portal
    };
    let mut user = portal();
    user.people[2]["isRoomAdmin"] = json!(false);
    user.people[2]["isCollaborator"] = json!(true);
    let cases = [
        (with("status", json!(2)), "block.successor-unfit"),
        (with("status", json!(4)), "block.successor-unfit"),
        (with("isVisitor", json!(true)), "block.successor-unfit"),
        (with("isRoomAdmin", json!(null)), "block.successor-unfit"),
        (with("isAnonim", json!(true)), "block.successor-unfit"),
        (with("id", json!(uuid(7))), "block.successor-unknown"),
        (user, "block.successor-unfit"),
    ];
    for (n, (portal, code)) in cases.into_iter().enumerate() {
        assert_eq!(
            next(portal, &meant(0)).await,
            Next::Withhold(code),
            "case {n}"
        );
    }
    let mut own = meant(0);
    own.successor = own.successor.map(|s| Successor { id: uuid(1), ..s });
    assert_eq!(
        next(portal(), &own).await,
        Next::Withhold("block.successor-unfit")
    );
    for role in ["isAdmin", "isOwner"] {
        let mut portal = with(role, json!(true));
        portal.people[2]["isRoomAdmin"] = json!(false);
        assert_eq!(
            request(portal, &meant(0)).await.does,
            Do::Transfer,
            "{role}"
        );
    }
}

#[tokio::test]
async fn a_reassignment_is_begun_when_the_answer_names_its_task() {
    use AnswerVerdict::Done;
    use AnswerVerdict::Refused;
    use AnswerVerdict::Unknown;
    let mut other = task(0, 0, false);
    other["id"] = json!(format!("1_{}_ReassignProgressItem", uuid(2)));
    let cases = [
        (
            Reply::json(200, &ok(&task(0, 0, false))),
            Done,
            "call.accepted",
        ),
        (
            Reply::json(200, &ok(&task(1, 30, false))),
            Done,
            "call.accepted",
        ),
        (Reply::json(200, &ok(&other)), Unknown, "call.not-confirmed"),
        (
            Reply::json(200, &ok(&Value::Null)),
            Unknown,
            "call.not-confirmed",
        ),
        (Reply::json(200, &refusal(500)), Unknown, "call.unclear"),
        (Reply::json(400, &refusal(400)), Refused, "call.refused"),
        (Reply::json(403, &refusal(403)), Refused, "call.refused"),
        (
            Reply::json(500, &refusal(500)),
            Unknown,
            "call.server-error",
        ),
        (Reply::Silence, Unknown, "call.lost"),
    ];
    for (n, (reply, verdict, code)) in cases.into_iter().enumerate() {
        let server = portal().except("reassign/start", reply).await;
        let docspace = docspace(&server.url);
        let order = order(&docspace, &meant(0), Do::Remove).await;
        let answer = docspace.execute(&meant(0), &order).await;
        assert_eq!((answer.verdict, answer.code), (verdict, code), "case {n}");
        let begun = docspace.settle(&meant(0), Do::Transfer).await.unwrap();
        assert_eq!(begun, Settled::Repeatable, "twice is one task");
    }
}

#[tokio::test]
async fn a_deletion_is_judged_by_its_answer_and_by_reading_back() {
    use AnswerVerdict::Already;
    use AnswerVerdict::Done;
    use AnswerVerdict::Refused;
    use AnswerVerdict::Unknown;
    let cases = [
        (Reply::json(200, &ok(&person(1))), Done, "call.done"),
        (
            Reply::json(200, &json!({"status": 0, "statusCode": 200})),
            Done,
            "call.done",
        ),
        (
            Reply::json(200, &ok(&person(2))),
            Unknown,
            "call.not-confirmed",
        ),
        (Reply::json(200, &refusal(500)), Unknown, "call.unclear"),
        (Reply::new(200, &[], ""), Unknown, "call.unclear"),
        (Reply::new(204, &[], ""), Unknown, "call.unclear"),
        (Reply::json(404, &refusal(404)), Already, "call.already"),
        (
            Reply::new(404, &[], ""),
            Refused,
            "call.tenant-not-in-order",
        ),
        (Reply::json(403, &refusal(403)), Refused, "call.refused"),
        // still handing over: 409 by the documents, 500 by the source
        (Reply::json(409, &refusal(409)), Refused, "call.refused"),
        (Reply::new(409, &[], "<html>"), Unknown, "call.unclear"),
        (
            Reply::json(500, &refusal(500)),
            Unknown,
            "call.server-error",
        ),
    ];
    for (n, (reply, verdict, code)) in cases.into_iter().enumerate() {
        let mut ready = portal();
        ready.rooms = false;
        let server = ready.serve().await;
        let order = order(&docspace(&server.url), &meant(0), Do::Remove).await;
        let server = portal().except("/people/0000", reply).await;
        let answer = docspace(&server.url).execute(&meant(0), &order).await;
        assert_eq!((answer.verdict, answer.code), (verdict, code), "case {n}");
        let sent = server.requests();
        assert_eq!((sent.len(), sent[0].method.as_str()), (1, "DELETE"));
    }
    let still = portal().serve().await;
    let settled = docspace(&still.url)
        .settle(&target(&uuid(1)), Do::Remove)
        .await;
    assert_eq!(settled.unwrap(), Settled::DidNot);
    let settled = docspace(&still.url)
        .settle(&target(&uuid(9)), Do::Remove)
        .await;
    assert_eq!(settled.unwrap(), Settled::TookEffect);
}

#[tokio::test]
async fn guests_are_removed_like_everybody() {
    let mut portal = portal();
    portal.people[1] = person(1);
    portal.people[1]["status"] = json!(2);
    portal.rooms = false;
    let order = request(portal, &target(&uuid(1))).await;
    assert_eq!(
        wire(&order),
        format!("DELETE /api/2.0/people/{}\n", uuid(1))
    );
}
