//! Disabling and giving back, judged by their answers.

use serde_json::Value;
use serde_json::json;

use crate::domain::account::AccountFacts;
use crate::domain::account::AccountState;
use crate::domain::account::Do;
use crate::domain::time::Time;
use crate::provider::Answer;
use crate::provider::AnswerVerdict;
use crate::provider::Next;
use crate::provider::Provider as _;
use crate::provider::ProviderError;
use crate::provider::docspace::tests::Portal;
use crate::provider::docspace::tests::docspace;
use crate::provider::docspace::tests::ok;
use crate::provider::docspace::tests::person;
use crate::provider::docspace::tests::refusal;
use crate::provider::docspace::tests::uuid;
use crate::provider::http::scripted::Reply;
use crate::provider::trial::attempt;
use crate::provider::trial::order;
use crate::provider::trial::target;

async fn change(person: Value, wanted: Do, reply: Reply) -> Answer {
    let mut portal = Portal::new();
    portal.people[1] = person;
    let server = portal.except("people/status", reply).await;
    let answer = attempt(&docspace(&server.url), &uuid(1), wanted).await;
    let requests = server.requests();
    let mut changes = requests.iter().filter(|r| r.method != "GET");
    let sent = changes.next().unwrap();
    assert!(changes.next().is_none(), "a change is one request");
    assert_eq!(sent.method, "PUT");
    let state = if wanted == Do::Disable { 2 } else { 1 };
    assert_eq!(sent.target, format!("/api/2.0/people/status/{state}"));
    let body: Value = serde_json::from_str(&sent.body).unwrap();
    assert_eq!(body, json!({"userIds": [uuid(1)], "resendAll": false}));
    assert!(!answer.body.contains("ASC.Secret"));
    answer
}

async fn disable(reply: Reply) -> Answer {
    change(person(1), Do::Disable, reply).await
}

fn in_state(n: u64, status: u64) -> Value {
    let mut p = person(n);
    p["status"] = json!(status);
    p
}

#[tokio::test]
async fn disabling_is_judged_by_what_the_answer_names() {
    use AnswerVerdict::Done;
    use AnswerVerdict::Failed;
    use AnswerVerdict::Refused;
    use AnswerVerdict::Unknown;
    let with = |n: u64, status: u64| Reply::json(200, &ok(&json!([in_state(n, status)])));
    let stray = "location: http://127.0.0.1:9/";
    let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{".to_vec();
    let cases = [
        (with(1, 2), Done, "call.done"),
        (with(1, 1), Unknown, "call.not-confirmed"),
        (with(2, 2), Unknown, "call.not-confirmed"),
        (Reply::json(200, &refusal(403)), Unknown, "call.unclear"),
        (Reply::new(200, &[], "<html>"), Unknown, "call.unclear"),
        (Reply::new(200, &[], ""), Unknown, "call.unclear"),
        (Reply::new(204, &[], ""), Unknown, "call.unclear"),
        (Reply::json(400, &refusal(400)), Refused, "call.refused"),
        (Reply::json(403, &refusal(403)), Refused, "call.refused"),
        (Reply::new(403, &[], "<html>"), Unknown, "call.unclear"),
        (
            Reply::new(403, &[], ""),
            Refused,
            "call.tenant-not-in-order",
        ),
        (
            Reply::new(402, &[], ""),
            Refused,
            "call.tenant-not-in-order",
        ),
        (
            Reply::new(404, &[], ""),
            Refused,
            "call.tenant-not-in-order",
        ),
        (Reply::json(404, &refusal(404)), Refused, "call.not-found"),
        (Reply::new(401, &[], ""), Refused, "call.credentials"),
        (
            Reply::new(429, &["retry-after: 1"], ""),
            Failed,
            "call.rate-limited",
        ),
        (Reply::new(500, &[], "x"), Unknown, "call.server-error"),
        (
            Reply::new(503, &["retry-after: 0"], ""),
            Unknown,
            "call.server-error",
        ),
        (Reply::new(307, &[stray], ""), Unknown, "call.redirected"),
        (Reply::Bytes(cut), Unknown, "call.lost"),
        (Reply::Silence, Unknown, "call.lost"),
    ];
    for (n, (reply, verdict, code)) in cases.into_iter().enumerate() {
        let answer = disable(reply).await;
        assert_eq!((answer.verdict, answer.code), (verdict, code), "case {n}");
    }
    let server = Portal::new().serve().await;
    let meant = target(&uuid(1));
    let order = order(&docspace(&server.url), &meant, Do::Disable).await;
    let nobody = docspace("http://127.0.0.1:1");
    let answer = nobody.execute(&meant, &order).await;
    assert_eq!((answer.verdict, answer.code), (Failed, "call.not-sent"));
}

#[tokio::test]
async fn what_cannot_be_done_is_not_sent() {
    let server = Portal::new().serve().await;
    let docspace = docspace(&server.url);
    let next = docspace.prepare(&target("a/../b"), Do::Disable).await;
    assert!(matches!(next, Err(ProviderError::Unreadable { .. })));
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn what_is_read_back_shows_whether_it_came_true() {
    let server = Portal::new().except(
        "people/0000",
        Reply::json(
            200,
            &ok(&{
                let mut p = person(1);
                p["status"] = json!(2);
                p
            }),
        ),
    );
    let server = server.await;
    let docspace = docspace(&server.url);
    let facts = docspace.account(&uuid(1)).await.unwrap().unwrap().facts;
    assert!(docspace.shows(Some(&facts), Do::Disable));
    assert!(!docspace.shows(Some(&facts), Do::Remove));
    assert!(docspace.shows(None, Do::Disable) && docspace.shows(None, Do::Remove));
    let active = AccountFacts {
        state: AccountState::Active,
        ..facts
    };
    assert!(!docspace.shows(Some(&active), Do::Disable));
    let invited = AccountFacts {
        state: AccountState::Invited,
        ..active.clone()
    };
    assert!(docspace.shows(Some(&active), Do::Restore));
    assert!(docspace.shows(Some(&invited), Do::Restore));
    assert!(!docspace.shows(None, Do::Restore));
    assert!(docspace.is_loopback());
    let clock = docspace.clock().await.unwrap();
    assert_eq!(clock, Time::parse("2026-11-22T10:00:00Z"));
}

#[tokio::test]
async fn giving_back_is_judged_by_what_the_answer_names() {
    use AnswerVerdict::Done;
    use AnswerVerdict::Refused;
    use AnswerVerdict::Unknown;
    let with = |status: u64| Reply::json(200, &ok(&json!([in_state(1, status)])));
    let cases = [
        (with(1), Done, "call.done"),
        // whoever never gave a name is invited again
        (with(4), Done, "call.done"),
        (with(2), Unknown, "call.not-confirmed"),
        (Reply::json(402, &refusal(402)), Refused, "call.no-seat"),
        (
            Reply::new(402, &[], ""),
            Refused,
            "call.tenant-not-in-order",
        ),
        (Reply::json(403, &refusal(403)), Refused, "call.refused"),
        (
            Reply::json(500, &refusal(500)),
            Unknown,
            "call.server-error",
        ),
    ];
    for (n, (reply, verdict, code)) in cases.into_iter().enumerate() {
        let answer = change(in_state(1, 2), Do::Restore, reply).await;
        assert_eq!((answer.verdict, answer.code), (verdict, code), "case {n}");
    }
}

#[tokio::test]
async fn what_the_fresh_profile_forbids_is_withheld() {
    let with = |field: &str, value: Value| {
        let mut p = person(1);
        p[field] = value;
        p
    };
    let cases = [
        (with("isOwner", json!(true)), "block.protected-owner"),
        (with("isAdmin", json!(true)), "block.protected-admin"),
        (
            with("isVisitor", json!(false)),
            "block.protected-unknown-role",
        ),
        (with("isLDAP", json!(true)), "block.provider-managed"),
        (
            with("registrationDate", json!("2026-11-20T10:00:00Z")),
            "block.identity-changed",
        ),
    ];
    for (person, code) in cases {
        let usual = Portal::new().serve().await;
        let record = docspace(&usual.url)
            .account(&uuid(1))
            .await
            .unwrap()
            .unwrap();
        let mut meant = target(&uuid(1));
        meant.facts = Some(record.facts);
        let mut portal = Portal::new();
        portal.people[1] = person;
        let server = portal.serve().await;
        for wanted in [Do::Disable, Do::Remove] {
            let next = docspace(&server.url).prepare(&meant, wanted).await.unwrap();
            assert_eq!(next, Next::Withhold(code));
        }
    }
    let server = Portal::new().serve().await;
    let docspace = docspace(&server.url);
    for (id, wanted, code) in [
        (uuid(0), Do::Disable, "block.protected-admin"),
        (uuid(9), Do::Remove, "block.unknown-account"),
        (uuid(1), Do::Restore, "block.not-disabled"),
        (uuid(1), Do::Transfer, "block.step-impossible"),
    ] {
        let next = docspace.prepare(&target(&id), wanted).await.unwrap();
        assert_eq!(next, Next::Withhold(code));
    }
}

#[tokio::test]
async fn the_key_s_own_user_is_never_changed() {
    let mut portal = Portal::new();
    portal.people[0]["isVisitor"] = json!(true);
    portal.people[0]["isAdmin"] = json!(false);
    let server = portal.serve().await;
    for wanted in [Do::Disable, Do::Remove] {
        let next = docspace(&server.url)
            .prepare(&target(&uuid(0)), wanted)
            .await;
        assert_eq!(
            next.unwrap(),
            Next::Withhold("block.protected-own-credential")
        );
    }
}

#[tokio::test]
async fn the_profile_is_kept_as_it_was() {
    let server = Portal::new().serve().await;
    let order = order(&docspace(&server.url), &target(&uuid(1)), Do::Disable).await;
    let image: Value = serde_json::from_str(&order.image.unwrap()).unwrap();
    assert_eq!(image, json!({"person": person(1)}));
    assert_eq!(order.checked, ["checked.account"]);
    assert_eq!((order.does, order.call), (Do::Disable, "disable"));
}
