//! What must not be repeated of the vendor's published example, by the number of each of its faults.

use serde_json::json;

use crate::domain::account::AccountState;
use crate::domain::account::Do;
use crate::domain::account::Protection;
use crate::domain::account::Signal;
use crate::domain::time::Time;
use crate::provider::AnswerVerdict;
use crate::provider::Next;
use crate::provider::Provider as _;
use crate::provider::Undo;
use crate::provider::http::Secret;
use crate::provider::http::scripted::Reply;
use crate::provider::port::KIND;
use crate::provider::port::Port;
use crate::provider::port::tests::Org;
use crate::provider::port::tests::SECRET;
use crate::provider::port::tests::id;
use crate::provider::port::tests::listed;
use crate::provider::port::tests::port;
use crate::provider::port::tests::quiet;
use crate::provider::port::tests::refusal;
use crate::provider::port::tests::settings;
use crate::provider::reusable;
use crate::provider::trial::attempt;
use crate::provider::trial::order;
use crate::provider::trial::target;

/// 1: admins and service accounts were deleted alike.
#[tokio::test]
async fn port_8_1_a_disabled_administrator_that_is_a_service_account_is_protected() {
    let mut org = Org::new(2);
    org.entities[1]["properties"] =
        json!({"status": "Disabled", "port_role": "Admin", "port_type": "Service Account"});
    let server = org.serve().await;
    let port = port(&server.url);
    let read = port.accounts(&quiet).await.unwrap();
    let protected = &read.accounts[1].facts.protected;
    assert!(protected.contains(&Protection::Admin) && protected.contains(&Protection::Service));
    let next = port.prepare(&target(&id(1)), Do::Remove).await.unwrap();
    assert_eq!(next, Next::Withhold("block.protected-admin"));
    assert!(server.requests().iter().all(|r| r.method != "DELETE"));
}

/// 2: an administrator's edit counted as activity, a login did not.
#[tokio::test]
async fn port_8_2_an_edited_entity_is_no_activity_and_a_login_is() {
    let mut org = Org::new(2);
    org.entities[1]["updatedAt"] = json!("2026-11-22T09:00:00.000Z");
    org.entities[1]["updatedBy"] = json!("auth0|somebody");
    org.users[1]["updatedAt"] = json!("2026-11-22T09:00:00.000Z");
    let read = listed(org).await;
    let login = Time::parse("2026-03-01T10:00:00Z").unwrap();
    assert_eq!(read[1].seen, [(Signal::Login, login)].into());
    // an active account that nobody uses is among those that can be found
    assert_eq!(read[1].facts.state, AccountState::Active);
}

/// 3: a date that could not be read, or was missing, led to deletion.
#[tokio::test]
async fn port_8_3_a_date_that_cannot_be_read_is_unknown() {
    for value in [
        json!("31.12.2025"),
        json!(null),
        json!("not a date"),
        json!(1_700_000_000),
    ] {
        let mut org = Org::new(2);
        org.users[1]["orgMembers"][1]["lastLoginAt"] = value;
        let read = listed(org).await;
        assert!(read[1].facts.hidden.contains(&Signal::Login) && read[1].seen.is_empty());
    }
}

/// 4: offsets were dropped.
#[tokio::test]
async fn port_8_4_every_offset_and_fraction_is_the_same_moment() {
    let login = Time::parse("2026-03-01T10:00:00Z").unwrap();
    for text in [
        "2026-03-01T12:00:00+02:00",
        "2026-03-01T10:00:00.000000000Z",
        "2026-02-28T22:00:00-12:00",
    ] {
        let mut org = Org::new(2);
        org.users[1]["orgMembers"][1]["lastLoginAt"] = json!(text);
        assert_eq!(listed(org).await[1].seen[&Signal::Login], login, "{text}");
    }
}

/// 5: the step that cannot be undone came first, and alone.
#[tokio::test]
async fn port_8_5_the_step_that_can_be_undone_comes_first() {
    let steps: Vec<_> = KIND
        .steps
        .iter()
        .map(|s| (s.does, s.reversible()))
        .collect();
    assert_eq!(steps, [(Do::Disable, true), (Do::Remove, false)]);
    assert!(matches!(KIND.steps[1].undo, Undo::Never(_)) && KIND.restore.is_some());
}

/// 6: the backup had the entity alone, under the raw identifier, and was thrown away on failure.
#[tokio::test]
async fn port_8_6_the_image_is_there_before_the_call_and_holds_what_is_left_behind() {
    let mut org = Org::new(2);
    org.related = vec![
        json!({"identifier": "cart", "blueprint": "service", "relations": {"owner": "p1@v.test"}}),
    ];
    org.change = Reply::new(500, &[], "");
    let server = org.serve().await;
    let port = port(&server.url);
    let order = order(&port, &target(&id(1)), Do::Remove).await;
    let image = order.image.clone().unwrap();
    for part in ["p1@v.test", "auth0|", "cart", "lastLoginAt"] {
        assert!(image.contains(part), "{part}");
    }
    assert!(
        !order.template.contains("p1"),
        "no identifier in what is recorded in the open"
    );
    let answer = port.execute(&target(&id(1)), &order).await;
    assert_eq!(answer.verdict, AnswerVerdict::Unknown);
    assert_eq!(order.image, Some(image));
}

/// 7: a time-out counted as failed, nothing was reconciled, waited for, renewed or paged.
#[tokio::test]
async fn port_8_7_a_lost_answer_is_in_doubt_and_settled_by_reading_back() {
    let mut org = Org::new(2);
    org.change = Reply::Silence;
    let server = org.clone().serve().await;
    let port_ = port(&server.url);
    let answer = attempt(&port_, &id(1), Do::Remove).await;
    assert_eq!(
        (answer.verdict, answer.code),
        (AnswerVerdict::Unknown, "call.lost")
    );
    let settled = port_.settle(&target(&id(1)), Do::Remove).await.unwrap();
    assert_eq!(settled, crate::provider::Settled::DidNot);
    org.entities.truncate(1);
    org.users.truncate(1);
    let server = org.serve().await;
    let settled = port(&server.url)
        .settle(&target(&id(1)), Do::Remove)
        .await
        .unwrap();
    assert_eq!(settled, crate::provider::Settled::TookEffect);
}

/// 8: titles instead of identifiers, and the beginning of the client id, were printed.
#[tokio::test]
async fn port_8_8_accounts_are_known_by_identifier_and_nothing_of_the_credential_is_shown() {
    let mut org = Org::new(3);
    org.entities[2]["title"] = org.entities[1]["title"].clone();
    let read = listed(org).await;
    assert_ne!(read[1].id, read[2].id);
    assert_eq!(reusable::name(&read[1].id), Some("p1@v.test"));
    let mut settings = settings("http://127.0.0.1:1");
    settings.client_id = Secret::new("VeryOwnClient");
    let shown = format!("{settings:?} {:?}", Port::new(settings.clone()).unwrap());
    assert!(!shown.contains("VeryOwn") && !shown.contains(SECRET));
    // nor in the body that is kept as evidence
    let echo = refusal("invalid_request", &format!("{SECRET} {}", super::CLIENT));
    let mut org = Org::new(2);
    org.change = Reply::json(422, &echo);
    let server = org.serve().await;
    let answer = attempt(&port(&server.url), &id(1), Do::Disable).await;
    assert!(answer.body.contains("invalid_request"));
    assert!(!answer.body.contains(SECRET) && !answer.body.contains(super::CLIENT));
}

/// 9: the user's id was used where the service takes the address.
#[tokio::test]
async fn port_8_9_calls_name_the_address_and_never_the_user_id() {
    let server = Org::new(2).serve().await;
    let port = port(&server.url);
    port.accounts(&quiet).await.unwrap();
    port.account(&id(1)).await.unwrap();
    attempt(&port, &id(1), Do::Disable).await;
    attempt(&port, &id(1), Do::Remove).await;
    for request in server.requests() {
        assert!(!request.target.contains("auth0"), "{}", request.target);
        assert!(!request.target.contains("%23"), "{}", request.target);
    }
}
