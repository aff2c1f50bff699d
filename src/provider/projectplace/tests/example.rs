//! What our adapter must not repeat: one test for each line of that section of the reference.

use serde_json::json;

use crate::domain::account::Do;
use crate::domain::account::Signal;
use crate::provider::AnswerVerdict;
use crate::provider::Next;
use crate::provider::Provider as _;
use crate::provider::ProviderError;
use crate::provider::http::scripted::Reply;
use crate::provider::http::scripted::Server;
use crate::provider::projectplace::tests::Place;
use crate::provider::projectplace::tests::SECRET;
use crate::provider::projectplace::tests::accounts;
use crate::provider::projectplace::tests::facts;
use crate::provider::projectplace::tests::listing_error;
use crate::provider::projectplace::tests::projectplace;
use crate::provider::projectplace::tests::quiet;
use crate::provider::projectplace::tests::someone;
use crate::provider::projectplace::tests::target;
use crate::provider::trial;

#[tokio::test]
async fn projectplace_9_1_more_than_the_first_40_are_seen() {
    let mut place = Place::new();
    let many = (5000..5235).map(|id| someone(id, "account_role_member"));
    place.people.extend(many);
    place.clamp = 40;
    assert_eq!(accounts(&place.serve().await).await.len(), 241);
}

#[tokio::test]
async fn projectplace_9_2_no_range_of_days_leaves_anybody_out() {
    let mut place = Place::new();
    // 2019, and never
    place.person(1001).login = json!(1_560_000_000_000u64);
    place.person(1003).login = json!(null);
    let server = place.serve().await;
    let found = accounts(&server).await;
    assert!(facts(&found, 1001).hidden.is_empty());
    assert!(facts(&found, 1003).hidden.contains(&Signal::Login));
    let searches = server.requests().into_iter().filter(|r| r.method == "POST");
    for search in searches {
        assert!(!search.body.contains("last_logged_in"), "{}", search.body);
        let roles = ["account_pending_member", "external_member", "unregistered"];
        assert!(roles.iter().all(|role| search.body.contains(role)));
    }
}

#[tokio::test]
async fn projectplace_9_3_an_error_is_no_list_of_users() {
    let error = json!({"error": {"code": 401, "message": "no"}});
    for path in [
        "GET /1/account ",
        "POST /1/account/people ",
        "GET /1/account/people ",
    ] {
        let refused = Place::new().except(path, Reply::json(401, &error)).await;
        let e = listing_error(&refused).await;
        assert!(matches!(e, ProviderError::Credentials { .. }), "{path} {e}");
        for reply in [
            Reply::json(200, &error),
            Reply::json(404, &error),
            Reply::new(200, &[], "<html>"),
            Reply::new(204, &[], ""),
            Reply::new(200, &[], "[{"),
        ] {
            let server = Place::new().except(path, reply).await;
            let e = listing_error(&server).await;
            assert!(matches!(e, ProviderError::Unreadable { .. }), "{path} {e}");
        }
    }
}

#[tokio::test]
async fn projectplace_9_4_a_refusal_within_200_is_a_refusal() {
    let place = Place {
        done: json!({"succeeded": [], "failed": {"1001": "The user is head administrator"}}),
        ..Place::new()
    };
    let server = place.serve().await;
    let adapter = projectplace(&server.url);
    let order = trial::order(&adapter, &target(1001), Do::Remove).await;
    let answer = adapter.execute(&target(1001), &order).await;
    assert_eq!(answer.verdict, AnswerVerdict::Refused);
    // the whole body is kept as evidence
    assert!(answer.body.contains("head administrator"));
}

#[tokio::test]
async fn projectplace_9_5_each_user_is_a_call_with_an_outcome_of_its_own() {
    let place = Place {
        done: json!({"succeeded": ["1003"], "failed": []}),
        ..Place::new()
    };
    let server = place
        .except(
            "POST /1/account/people/1001",
            Reply::json(409, &json!({"e": 1})),
        )
        .await;
    let adapter = projectplace(&server.url);
    let one = trial::attempt(&adapter, "1001", Do::Remove).await;
    let two = trial::attempt(&adapter, "1003", Do::Remove).await;
    assert_eq!(one.verdict, AnswerVerdict::Refused);
    assert_eq!(two.verdict, AnswerVerdict::Done);
}

#[tokio::test]
async fn projectplace_9_6_an_external_member_is_never_deleted() {
    let server = Place::owning().serve().await;
    let next = projectplace(&server.url)
        .prepare(&target(1002), Do::Remove)
        .await;
    let code = "block.protected-unknown-role";
    assert_eq!(next.unwrap(), Next::Withhold(code));
    let free = Place::new().serve().await;
    let order = trial::order(&projectplace(&free.url), &target(1002), Do::Remove).await;
    assert!(!order.request.text().contains("delete_account_user"));
}

#[tokio::test]
async fn projectplace_9_7_ownerships_are_read_just_before_each_call() {
    let place = Place::owning();
    let server = Server::start(move |request, n| {
        // what is owned is there only after the first preparation
        match request.target.ends_with("owned-artifacts") && n < 8 {
            true => Place::new().answer(request),
            false => place.answer(request),
        }
    })
    .await;
    let adapter = projectplace(&server.url);
    let before = trial::order(&adapter, &target(1001), Do::Remove).await;
    let after = trial::order(&adapter, &target(1001), Do::Remove).await;
    assert!(before.owned.is_empty());
    assert_eq!(after.owned.len(), 3);
}

#[tokio::test]
async fn projectplace_9_8_null_does_not_end_the_program() {
    let mut place = Place::new();
    for person in &mut place.people {
        person.login = json!(null);
    }
    let found = accounts(&place.serve().await).await;
    assert!(
        found
            .iter()
            .all(|a| a.facts.hidden.contains(&Signal::Login))
    );
}

#[tokio::test]
async fn projectplace_9_9_ids_are_compared_as_text_whatever_their_type() {
    let place = Place::owning();
    let server = Server::start(move |request, _| {
        if request.method == "POST" && request.target == "/1/account/people" {
            let mut rows = place.page(&request.body);
            for row in rows.as_array_mut().unwrap() {
                row["userid"] = json!(row["userid"].as_str().unwrap().parse::<u64>().unwrap());
            }
            return Reply::json(200, &rows);
        }
        place.answer(request)
    })
    .await;
    let order = trial::order(&projectplace(&server.url), &target(1001), Do::Remove).await;
    // 9001 came as an integer and 77 as a text; keys are texts in any case
    let text = order.request.text();
    assert!(text.contains("\"1001\":{") && text.contains("\"9001\":42"));
    assert!(text.contains("\"77\":42"));
}

#[tokio::test]
async fn projectplace_9_10_reads_are_tried_again_and_secrets_are_never_shown() {
    let place = Place::new();
    let server = Server::start(move |request, n| match n % 2 {
        0 => Reply::new(503, &[], ""),
        _ => place.answer(request),
    })
    .await;
    assert_eq!(accounts(&server).await.len(), 6);
    assert!(!format!("{:?}", projectplace(&server.url)).contains(SECRET));
    let down = Place::new().except("GET /1/account ", Reply::Silence).await;
    let e = listing_error(&down).await;
    assert!(matches!(e, ProviderError::Unreachable { .. }), "{e}");
}

#[tokio::test]
async fn projectplace_9_11_the_successor_must_still_be_there_and_no_robot() {
    let mut place = Place::owning();
    place.person(42).role = "account_role_robot";
    let robot = place.clone().serve().await;
    let next = projectplace(&robot.url)
        .prepare(&target(1001), Do::Remove)
        .await;
    assert_eq!(next.unwrap(), Next::Withhold("block.successor-unfit"));
    place.people.retain(|p| p.id != 42);
    let gone = place.serve().await;
    let next = projectplace(&gone.url)
        .prepare(&target(1001), Do::Remove)
        .await;
    assert_eq!(next.unwrap(), Next::Withhold("block.successor-unknown"));
}

#[tokio::test]
async fn projectplace_9_12_nobody_who_owns_nothing_needs_a_successor() {
    let server = Place::new().serve().await;
    let adapter = projectplace(&server.url);
    let order = trial::order(&adapter, &trial::target("1001"), Do::Remove).await;
    assert_eq!(order.checked, ["checked.account", "checked.ownerships"]);
    // and an empty tenant is an error, not a success with nothing to do
    let empty = Place {
        people: Vec::new(),
        ..Place::new()
    };
    let empty = empty.serve().await;
    assert!(projectplace(&empty.url).accounts(&quiet).await.is_err());
}
