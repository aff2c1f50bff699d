//! The parsers, without a network: order of events, entities, and whatever a server may invent.

use proptest::prelude::*;
use serde_json::Value;
use serde_json::json;

use crate::domain::account::Do;
use crate::domain::account::Signal;
use crate::domain::time::Time;
use crate::provider::docspace::answer;
use crate::provider::docspace::events;
use crate::provider::docspace::events::Next;
use crate::provider::docspace::events::Walk;
use crate::provider::docspace::people;
use crate::provider::docspace::reassign;
use crate::provider::docspace::reassign::Progress;
use crate::provider::http::Payload;
use crate::provider::http::Sent;
use crate::provider::listing::Listing;

use crate::provider::docspace::tests::event;
use crate::provider::docspace::tests::now;
use crate::provider::docspace::tests::ok;
use crate::provider::docspace::tests::people_page;
use crate::provider::docspace::tests::person;
use crate::provider::docspace::tests::uuid;
use crate::provider::spoil::any_json;
use crate::provider::spoil::mutate;

fn walk() -> Walk {
    Walk::new(Signal::Login, None, None, now())
}

#[test]
fn names_are_decoded_and_nothing_else_is_touched() {
    for (wire, name) in [
        ("O&#39;Neil &amp; S&ouml;hne", "O'Neil & S&ouml;hne"),
        ("&lt;b&gt; &quot;x&quot; &#x41;", "<b> \"x\" A"),
        (
            "A & B; &; &#; &#x; &#99999999; &",
            "A & B; &; &#; &#x; &#99999999; &",
        ),
        ("&amp;lt;", "&lt;"),
        ("&#+65;", "&#+65;"),
    ] {
        assert_eq!(people::unescape(wire), name);
    }
}

#[test]
fn new_events_push_old_ones_down_and_that_is_no_fault() {
    let page = |top: u64, count: u64| {
        let events: Vec<_> = (0..count)
            .map(|n| event(top - n, 1, 1029, "2026-11-20T10:00:00Z"))
            .collect();
        ok(&json!(events))
    };
    let mut walk = walk();
    assert_eq!(walk.take(&page(1000, 100)), Ok(Next::More));
    // three logins came meanwhile: three of the page before come again
    assert_eq!(walk.take(&page(903, 100)), Ok(Next::More));
    assert_eq!(walk.events(), 197);
    // the same page again and again: the offset is ignored
    for _ in 0..3 {
        assert_eq!(walk.take(&page(903, 100)), Ok(Next::More));
    }
    assert_eq!(walk.take(&page(903, 100)), Err("activity.stuck"));
    assert_eq!(walk.events(), 197);
}

#[test]
fn events_out_of_order_end_the_walk() {
    let take = |events: &[Value]| walk().take(&ok(&json!(events)));
    let swapped = [
        event(9, 1, 1029, "2026-11-20T10:00:05Z"),
        event(10, 1, 1029, "2026-11-20T10:00:04Z"),
    ];
    assert_eq!(take(&swapped), Ok(Next::Done), "two servers, two clocks");
    let rising = [
        event(9, 1, 1029, "2026-11-20T10:00:00Z"),
        event(10, 1, 1029, "2026-11-19T10:00:00Z"),
    ];
    assert_eq!(take(&rising), Err("activity.disordered"));
    let oldest_first = [
        event(10, 1, 1029, "2026-11-19T10:00:00Z"),
        event(9, 1, 1029, "2026-11-20T10:00:00Z"),
    ];
    assert_eq!(take(&oldest_first), Err("activity.disordered"));
}

#[test]
fn an_unknown_kind_of_login_may_be_a_success() {
    let page = ok(&json!([event(9, 1, 1030, "2026-11-20T10:00:00Z")]));
    assert_eq!(walk().take(&page), Err("activity.unknown-action"));
}

#[test]
fn a_missing_field_ends_the_walk() {
    for field in ["id", "date", "actionId", "userId"] {
        let mut bad = event(9, 1, 1029, "2026-11-20T10:00:00Z");
        bad.as_object_mut().unwrap().remove(field);
        let page = ok(&json!([bad]));
        assert_eq!(walk().take(&page), Err("activity.unreadable"), "{field}");
    }
}

#[test]
fn dates_of_every_documented_form_are_read() {
    for date in [
        "2026-01-02T10:00:00.0000000+01:00",
        "2026-01-02T09:00:00.0000000Z",
        "2026-01-02T09:00:00Z",
        "2026-01-02T09:00:00.000000000Z",
    ] {
        let mut p = person(1);
        p["registrationDate"] = json!(date);
        let record = people::record(&p, None).unwrap();
        assert_eq!(record.facts.created_at, Time::parse("2026-01-02T09:00:00Z"));
    }
    let mut p = person(1);
    p["registrationDate"] = json!("0001-01-01T00:00:00.0000000Z");
    let record = people::record(&p, None).unwrap();
    assert_eq!(
        record.facts.created_at, None,
        "a date that was never set is no age"
    );
}

#[test]
fn a_missing_flag_protects() {
    for flag in [
        "isOwner",
        "isAdmin",
        "isRoomAdmin",
        "isVisitor",
        "isCollaborator",
        "isLDAP",
    ] {
        for value in [Value::Null, json!("true"), json!(1)] {
            let mut p = person(1);
            p[flag] = value;
            let record = people::record(&p, None).unwrap();
            assert!(!record.facts.protected.is_empty(), "{flag}");
        }
    }
}

proptest! {
    #[test]
    fn no_document_makes_the_parsers_panic_or_believe_too_much(
        at in 0usize..60,
        with in prop::option::of(any_json()),
        action in 0u64..2000,
    ) {
        let mut list = people_page(&[person(0), person(1)], 2);
        mutate(&mut list, &mut at.clone(), with.as_ref());
        let mut listing = Listing::default();
        if people::take(&mut listing, &list, &uuid(0)) == Ok(people::Next::Done) {
            prop_assert_eq!(listing.total(), Some(listing.accounts.len() as u64));
        }
        let mut own = ok(&person(0));
        mutate(&mut own, &mut at.clone(), with.as_ref());
        let _ = people::own(&own);

        let mut page = ok(&json!([
            event(9, 1, action, "2026-11-20T10:00:00Z"),
            event(8, 2, 1000, "2026-11-19T10:00:00Z"),
        ]));
        mutate(&mut page, &mut at.clone(), with.as_ref());
        let _ = events::probe(&page);
        let mut walk = walk();
        let outcome = walk.take(&page).map(drop).map_err(str::to_owned);
        let (proof, _) = walk.finish(outcome, None, None, None, now());
        prop_assert!(!proof.complete, "no retention, no proof");

        let mut settings = ok(&json!({"loginHistoryLifeTime": 9, "lifeTime": 5, "enabled": true}));
        mutate(&mut settings, &mut at.clone(), with.as_ref());
        if let Some(retention) = events::retention(Signal::Login, &settings) {
            prop_assert!((1..=180).contains(&retention.days));
        }
        let _ = events::session_seconds(&settings);

        let mut task = ok(&json!({"id": format!("1_{}_ReassignProgressItem", uuid(1)),
            "percentage": 40, "isCompleted": false, "status": 1}));
        mutate(&mut task, &mut at.clone(), with.as_ref());
        let _ = reassign::progress(&task, &uuid(2)).map(|found| {
            // nothing but an answer without a task may pass for nobody's
            assert_eq!(found, Progress::Unknown);
        });
        if reassign::progress(&task, &uuid(1)) == Ok(Progress::Completed) {
            prop_assert_eq!(&task["response"]["status"], &json!(2));
            prop_assert_eq!(&task["response"]["isCompleted"], &json!(true));
        }
    }

    #[test]
    fn no_body_makes_a_refusal_or_error_pass_for_done(
        body in any_json(),
        status in 0u16..600,
    ) {
        let sent = Sent::Answered {
            status,
            payload: Payload::Json(ok(&body)),
            request_id: None, evidence: String::new(),
        };
        for does in [Do::Disable, Do::Restore, Do::Transfer] {
            let answer = answer::judge(&uuid(1), does, sent.clone());
            prop_assert_ne!(answer.verdict, crate::provider::AnswerVerdict::Done);
        }
        let answer = answer::judge(&uuid(1), Do::Remove, sent);
        if answer.verdict == crate::provider::AnswerVerdict::Done {
            // a deletion is confirmed by reading back; the answer must not be about somebody else
            prop_assert!(status == 200 && body.get("id").is_none());
        }
    }

    #[test]
    fn entities_never_panic(text in ".{0,40}", tail in "(&[#a-z0-9;]{0,8}){0,4}") {
        let _ = people::unescape(&format!("{text}{tail}"));
    }
}

#[test]
fn deep_nesting_and_broken_text_are_no_documents() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for bytes in [deep.as_bytes(), b"\xff\xff", b"{\"a\":1e99999}", b"{\"a\":"] {
        assert!(serde_json::from_slice::<Value>(bytes).is_err());
    }
}
