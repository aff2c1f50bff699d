//! The parsers, without a network: whatever a server may invent.

use proptest::prelude::*;
use serde_json::Value;
use serde_json::json;

use crate::domain::account::Do;
use crate::provider::AnswerVerdict;
use crate::provider::alteryx::answer;
use crate::provider::alteryx::people;
use crate::provider::alteryx::people::Admins;
use crate::provider::alteryx::people::Next;
use crate::provider::alteryx::people::Walk;
use crate::provider::alteryx::tests::person;
use crate::provider::http::Payload;
use crate::provider::http::Sent;

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z0-9:TZ.@ -]{0,24}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        let names = prop::sample::select(vec![
            "data",
            "count",
            "id",
            "email",
            "state",
            "status",
            "isDisabled",
            "lastLoginTime",
            "createdAt",
            "name",
            "exception",
            "fault",
            "detail",
            "kind",
            "message",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(names.prop_map(str::to_owned), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_document_makes_a_parser_panic(body in any_json(), status in 100_u16..600) {
        let _ = Walk::default().take(&body);
        let _ = Admins::read(&body);
        let _ = people::record(&body);
        let _ = people::alone(&body);
        let payload = Payload::Json(body);
        let _ = answer::voice(&payload);
        let _ = answer::failure(status, &payload, "http://x", "people", "listing");
    }

    /// One field of one person is changed to anything: the list is void, or has that person with an
    /// id, and never more people than rows.
    #[test]
    fn a_changed_field_is_an_error_or_the_person(
        field in prop::sample::select(vec!["id", "email", "state", "status", "isDisabled",
            "lastLoginTime", "createdAt"]),
        value in any_json(),
    ) {
        let mut rows = vec![person(1), person(2)];
        rows[1][field] = value;
        let mut walk = Walk::default();
        let taken = walk.take(&json!({"data": rows, "count": 3}));
        if taken.is_ok() {
            prop_assert_eq!(taken, Ok(Next::More(2)));
            prop_assert!(walk.listing.distinct() <= 2);
            for id in walk.listing.accounts.keys() {
                prop_assert!(people::valid_id(id));
            }
        }
    }

    /// Below 200 and above 299, no body makes anything done; and only two answers mean "gone".
    #[test]
    fn no_body_makes_a_success_of_a_failure(body in any_json(), status in 300_u16..600) {
        for does in [Do::Disable, Do::Transfer, Do::Remove, Do::Restore] {
            let sent = Sent::Answered {
                status,
                payload: Payload::Json(body.clone()),
                request_id: None, evidence: String::new(),
            };
            let answer = answer::judge(does, sent);
            prop_assert_ne!(answer.verdict, AnswerVerdict::Done);
            if answer.verdict == AnswerVerdict::Already {
                prop_assert!(status == 404 || status == 410);
                prop_assert!(matches!(does, Do::Disable | Do::Remove));
            }
        }
    }
}

#[test]
fn a_service_that_names_no_exception_is_heard_without_its_words() {
    let long = "x".repeat(5000);
    let body = json!({"exception": {"name": long, "message": "secret"}});
    let payload = Payload::Json(body);
    assert_eq!(answer::voice(&payload), answer::Voice::Exception("no name"));
    let error = answer::failure(400, &payload, "http://x", "people", "listing people");
    assert!(error.to_string().len() < 200);
    assert!(!error.to_string().contains("secret"));
}
