//! The faults of the vendor's published clean-up script, one test a line of the reference's list
//! (section 11); those of the whole program are in the integration tests.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use crate::domain::account::Do;
use crate::domain::account::Protection;
use crate::domain::account::Signal;
use crate::provider::AnswerVerdict;
use crate::provider::Next;
use crate::provider::Provider as _;
use crate::provider::ProviderError;
use crate::provider::Successor;
use crate::provider::Target;
use crate::provider::alteryx::tests::Count;
use crate::provider::alteryx::tests::Space;
use crate::provider::alteryx::tests::alteryx;
use crate::provider::alteryx::tests::but;
use crate::provider::alteryx::tests::exception;
use crate::provider::alteryx::tests::parts;
use crate::provider::alteryx::tests::quiet;
use crate::provider::http::scripted::Reply;
use crate::provider::http::scripted::Request;
use crate::provider::trial::attempt;
use crate::provider::trial::order;
use crate::provider::trial::target;

fn is_change(request: &Request) -> bool {
    request.method != "GET"
}

fn removal() -> Target {
    Target {
        successor: Some(Successor {
            id: "4".to_owned(),
            email: None,
        }),
        done: vec![Do::Transfer],
        ..target("3")
    }
}

/// 1: it never worked: the list that the vendor documents is read, and its members acted on.
#[tokio::test]
async fn the_documented_list_is_read_and_acted_on() {
    let server = Space::new(3).start().await;
    let adapter = alteryx(&server);
    let read = adapter.accounts(&quiet).await.unwrap();
    let last = read.accounts.last().unwrap();
    let answer = attempt(&adapter, &last.id, Do::Disable).await;
    assert_eq!(answer.verdict, AnswerVerdict::Done);
}

/// 2: an empty 204, `[]`, `[1]` and an object are the same success, none of them parsed for it.
#[tokio::test]
async fn the_body_of_a_success_does_not_matter() {
    for (status, body) in [
        (204, ""),
        (200, "[]"),
        (200, "[1]"),
        (201, "{\"id\":3}"),
        (202, ""),
        (200, "OK"),
        (200, "{broken"),
    ] {
        let server = but(Space::new(5), is_change, Reply::new(status, &[], body)).await;
        let adapter = alteryx(&server);
        let order = order(&adapter, &removal(), Do::Remove).await;
        let answer = adapter.execute(&removal(), &order).await;
        assert_eq!(answer.verdict, AnswerVerdict::Done, "{status} {body}");
        assert_eq!(answer.code, "call.done");
    }
}

/// 3: with 30 people, all 30 come although the server gives 25.
#[tokio::test]
async fn a_page_of_25_is_not_everybody() {
    let space = Space {
        most: 25,
        count: Count::Absent,
        ..Space::new(30)
    };
    let server = space.start().await;
    let read = alteryx(&server).accounts(&quiet).await.unwrap();
    assert_eq!(read.accounts.len(), 30);
}

/// 4: a 403 is an end with a name, of a read as of a change.
#[tokio::test]
async fn a_refusal_is_never_a_success() {
    let denied = exception(403, "AccessControlException");
    let server = but(Space::new(5), is_change, denied.clone()).await;
    let answer = attempt(&alteryx(&server), "3", Do::Disable).await;
    assert_eq!(answer.verdict, AnswerVerdict::Refused);
    assert!(answer.body.contains("AccessControlException"));
    let list = |r: &Request| parts(r).0 == "/v4/people";
    let server = but(Space::new(5), list, denied).await;
    let error = alteryx(&server).accounts(&quiet).await.unwrap_err();
    assert!(matches!(error, ProviderError::Rights { .. }));
}

/// 5: itself, administrators and those who are invited are known for what they are, and somebody
/// without an address is no reason to stop.
#[tokio::test]
async fn protection_does_not_hang_on_a_list_of_addresses() {
    let mut space = Space::new(5);
    space.people[3]["status"] = json!("invited");
    space.people[4]["email"] = json!(null);
    let server = space.start().await;
    let adapter = alteryx(&server);
    let read = adapter.accounts(&quiet).await.unwrap();
    let own = &read.accounts[0].facts.protected;
    assert!(own.contains(&Protection::OwnCredential));
    assert!(
        read.accounts[1]
            .facts
            .protected
            .contains(&Protection::Admin)
    );
    for id in ["1", "2"] {
        let next = adapter.prepare(&target(id), Do::Disable).await.unwrap();
        assert!(matches!(next, Next::Withhold(_)), "{id}");
    }
}

/// 6: what somebody owns is handed over before, and without a successor nothing is removed.
#[tokio::test]
async fn assets_are_handed_over_before_the_removal() {
    let server = Space::new(5).start().await;
    let adapter = alteryx(&server);
    let mut target = removal();
    target.done.clear();
    let first = order(&adapter, &target, Do::Remove).await;
    assert_eq!(first.does, Do::Transfer);
    assert!(first.checked.contains(&"checked.successor"));
    target.done.push(Do::Transfer);
    let second = order(&adapter, &target, Do::Remove).await;
    assert_eq!(second.does, Do::Remove);
    assert!(second.checked.contains(&"checked.transferred"));
    target.done.clear();
    target.successor = None;
    let next = adapter.prepare(&target, Do::Remove).await.unwrap();
    assert_eq!(next, Next::Withhold("block.no-successor"));
}

/// 7: the last login is read; one that is not shown is unknown, and not "never".
#[tokio::test]
async fn the_last_login_counts() {
    let mut space = Space::new(3);
    space.people[2]["lastLoginTime"] = json!(null);
    let server = space.start().await;
    let read = alteryx(&server).accounts(&quiet).await.unwrap();
    assert!(read.accounts[1].seen.contains_key(&Signal::Login));
    assert!(read.accounts[1].facts.hidden.is_empty());
    assert!(read.accounts[2].facts.hidden.contains(&Signal::Login));
    assert!(read.signals[0].complete);
}

// 8, the token that ends half-way: `tokens.rs`.

/// 9: no answer ends in time and stays in doubt; 429 is waited for by reads, in the vendor's own
/// header, and turns a change away.
#[tokio::test]
async fn time_and_quotas_are_heeded() {
    let server = but(Space::new(5), is_change, Reply::Silence).await;
    let began = Instant::now();
    let answer = attempt(&alteryx(&server), "3", Do::Disable).await;
    assert_eq!(answer.verdict, AnswerVerdict::Unknown);
    assert!(began.elapsed() < Duration::from_secs(5));
    let sent = server.requests().into_iter().filter(is_change).count();
    assert_eq!(sent, 1, "a change is never sent again");

    let body = json!({"exception": {"name": "TooManyRequestsException", "message": "m",
        "details": "API quota reached"}});
    let busy = Reply::new(429, &["x-retry-after: 1"], body.to_string());
    let space = Space::new(5);
    let reply = busy.clone();
    let server = crate::provider::http::scripted::Server::start(move |request, n| match n {
        0 => reply.clone(),
        _ => space.answer(request),
    })
    .await;
    let began = Instant::now();
    let read = alteryx(&server).accounts(&quiet).await.unwrap();
    assert_eq!(read.accounts.len(), 5);
    assert!(began.elapsed() >= Duration::from_secs(1));

    let server = but(Space::new(5), is_change, busy).await;
    let answer = attempt(&alteryx(&server), "3", Do::Disable).await;
    assert_eq!(answer.verdict, AnswerVerdict::Failed);
    assert_eq!(answer.code, "call.rate-limited");
}

/// 10: without the right workspace, in order, nothing is read and nothing is done.
#[tokio::test]
async fn the_workspace_is_the_one_that_is_configured_or_nothing_happens() {
    let workspace = |r: &Request| parts(r).0 == "/v4/workspaces/current";
    for (body, fault) in [
        (
            json!({"id": 31430, "state": "active"}),
            "read.configuration",
        ),
        (
            json!({"id": "31429", "state": "hidden"}),
            "read.tenant-not-in-order",
        ),
        (
            json!({"id": 31429, "state": "pending_purge"}),
            "read.tenant-not-in-order",
        ),
        (json!({"id": 31429}), "read.unreadable"),
        (json!({"state": "active"}), "read.unreadable"),
        (json!([]), "read.unreadable"),
    ] {
        let server = but(Space::new(5), workspace, Reply::json(200, &body)).await;
        let adapter = alteryx(&server);
        let error = adapter.accounts(&quiet).await.unwrap_err();
        assert_eq!(error.fault(), fault, "{error}");
        assert!(adapter.prepare(&removal(), Do::Remove).await.is_err());
        assert!(adapter.account("3").await.is_err());
    }
    for status in [401, 403, 404, 500] {
        let server = but(Space::new(5), workspace, Reply::new(status, &[], "")).await;
        assert!(alteryx(&server).accounts(&quiet).await.is_err());
    }
}
