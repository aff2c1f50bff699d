//! The parsers, without a network, with whatever a server may invent.

use proptest::prelude::*;
use serde_json::Value;
use serde_json::json;

use crate::domain::account::Protection;
use crate::domain::account::Signal;
use crate::provider::AnswerVerdict;
use crate::provider::http::Payload;
use crate::provider::http::Secret;
use crate::provider::http::Sent;
use crate::provider::huwise::answer;
use crate::provider::huwise::keys;
use crate::provider::huwise::keys::Keys;
use crate::provider::huwise::people;
use crate::provider::huwise::people::Guards;
use crate::provider::huwise::tests::KEY;
use crate::provider::huwise::tests::OTHER_KEY;
use crate::provider::huwise::tests::key;
use crate::provider::huwise::tests::user;
use crate::provider::huwise::walk::Next;
use crate::provider::huwise::walk::Walk;
use crate::provider::spoil::any_json;
use crate::provider::spoil::mutate;

fn all_keys(items: &[Value]) -> Keys {
    let own = Secret::new(KEY);
    let read = items.iter().map(|item| keys::read(item, &own).unwrap());
    Keys::of(read.collect())
}

fn guards() -> Guards {
    Guards {
        keys: all_keys(&[key("1", "ada", KEY), key("2", "robot", OTHER_KEY)]),
        ..Guards::default()
    }
}

#[test]
fn a_key_is_ours_only_if_it_is_the_same() {
    assert_eq!(guards().keys.own.as_deref(), Some("ada"));
    for shown in ["", "own-key", "own-key-never-to-be-seeN", "********"] {
        let keys = all_keys(&[key("1", "ada", shown), key("2", "robot", OTHER_KEY)]);
        assert_eq!(keys.own, None, "{shown}");
        assert!(keys.show_everybody());
    }
    let kept = format!("{:?}", guards());
    assert!(!kept.contains("never-to-be-seen"), "{kept}");
}

#[test]
fn a_key_that_may_work_counts_as_one_that_does() {
    for flag in [Value::Null, json!("true"), json!(1), json!(false)] {
        let mut one = key("2", "robot", OTHER_KEY);
        one["is_revoked"] = flag.clone();
        assert!(all_keys(&[one]).holders.contains("robot"), "{flag}");
    }
}

#[test]
fn the_sample_of_the_specification_is_read() {
    let mut louise = user("louise.data");
    louise["permissions"] = json!(["explore_restricted_dataset", "edit_domain"]);
    louise["groups"] = json!([{"uid": "admins"}]);
    louise["last_login_at"] = Value::Null;
    let record = people::record(&louise, &guards()).unwrap();
    assert_eq!(record.id, "louise.data#2022-08-19T11:43:58Z");
    assert!(record.seen.contains_key(&Signal::Seen));
    assert!(record.facts.protected.contains(&Protection::Admin));
}

proptest! {
    #[test]
    fn no_document_makes_the_parsers_panic_or_believe_too_much(
        at in 0usize..70,
        with in prop::option::of(any_json()),
    ) {
        let page = |items: &[Value]| json!({"total_count": items.len(), "next": null, "results": items});
        let mut list = page(&[user("a"), user("b")]);
        mutate(&mut list, &mut at.clone(), with.as_ref());
        let mut walk = Walk::default();
        let read = |item: &Value| Ok((people::username(item)?, people::record(item, &guards())?));
        if walk.take(&list, read) == Ok(Next::Done) {
            prop_assert_eq!(walk.total, Some(walk.items.len() as u64));
        }

        let mut one = user("a");
        one["permissions"] = json!(["edit_domain"]);
        mutate(&mut one, &mut at.clone(), with.as_ref());
        if let Ok(record) = people::record(&one, &guards()) {
            let none = one["permissions"] == json!([]);
            prop_assert!(none || !record.facts.protected.is_empty(), "an administrator");
        }

        let mut list = page(&[key("1", "ada", KEY), key("2", "robot", OTHER_KEY)]);
        mutate(&mut list, &mut at.clone(), with.as_ref());
        let own = Secret::new(KEY);
        let mut walk = Walk::default();
        if walk.take(&list, |item| keys::read(item, &own)) == Ok(Next::Done) {
            let keys = Keys::of(walk.items);
            let text = format!("{keys:?}");
            prop_assert!(!text.contains(OTHER_KEY), "{}", text);
        }

        let mut list = page(&[json!({"uid": "g", "permissions": ["edit_domain"]})]);
        mutate(&mut list, &mut at.clone(), with.as_ref());
        let mut walk = Walk::default();
        if walk.take(&list, people::group) == Ok(Next::Done) {
            for rights in walk.items.values() {
                prop_assert!(rights.edits || rights.unclear || with.is_some());
            }
        }
        let _ = people::admin(&one);
    }

    #[test]
    fn no_body_makes_anything_but_204_pass_for_done(body in any_json(), status in 100u16..600) {
        let sent = Sent::Answered {
            status,
            payload: Payload::Json(body),
            request_id: None, evidence: String::new(),
        };
        let answer = answer::judge(sent);
        prop_assert_eq!(answer.verdict == AnswerVerdict::Done, status == 204);
        if answer.verdict == AnswerVerdict::Already {
            prop_assert_eq!(status, 404);
        }
    }
}
