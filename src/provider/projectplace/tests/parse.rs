//! The parsers, without a network: whatever a server may invent.

use proptest::prelude::*;
use serde_json::Value;
use serde_json::json;

use crate::domain::account::Signal;
use crate::provider::AnswerVerdict;
use crate::provider::http::Payload;
use crate::provider::http::Sent;
use crate::provider::projectplace::answer;
use crate::provider::projectplace::owned;
use crate::provider::projectplace::people;
use crate::provider::projectplace::tests::LOGIN;
use crate::provider::projectplace::tests::Place;
use crate::provider::projectplace::tests::Someone;
use crate::provider::spoil::any_json_or;
use crate::provider::spoil::mutate;

const SEARCH: [&str; 2] = ["userid", "id"];
const MEMBERS: [&str; 2] = ["id", "userid"];

fn searched() -> Value {
    let people = Place::new().people;
    let rows = people.iter().filter(|p| p.searched);
    rows.map(Someone::search_row).collect()
}

fn members() -> Value {
    let people = Place::new().people;
    let rows = people.iter().filter(|p| p.member);
    rows.map(Someone::member_row).collect()
}

proptest! {
    #[test]
    fn no_list_makes_the_parsers_panic_or_believe_too_much(
        at in 0usize..40,
        first in any::<bool>(),
        with in prop::option::of(any_json_or(&["1001", "account_role_member", "account_role_external"])),
    ) {
        let (mut search, mut list) = (searched(), members());
        let changed = if first { &mut search } else { &mut list };
        mutate(changed, &mut at.clone(), with.as_ref());
        let rows = people::rows(&search, SEARCH);
        let other = people::rows(&list, MEMBERS);
        if let (Ok(rows), Ok(other)) = (rows, other)
            && let Ok(everybody) = people::join(rows, other)
        {
            for (id, person) in &everybody {
                let record = person.record(id);
                let (seen, hidden) = (record.seen.len(), record.facts.hidden.len());
                prop_assert_eq!(seen + hidden, 1, "a login is known or it is hidden");
                let owner = id == "1" && person.member.is_some();
                let named = list.to_string().contains("account_role_owner");
                prop_assert!(!owner || !named || !record.facts.protected.is_empty());
            }
            // one change never makes a whole list one person shorter without a word, but for
            // those who need not stand in both
            let sure = ["2", "42", "1001", "1003"];
            prop_assert!(sure.iter().all(|id| everybody.contains_key(*id)));
        }
        let mut account = json!({"managers": [{"id": 1}, {"id": "2"}]});
        mutate(&mut account, &mut at.clone(), with.as_ref());
        let _ = people::managers(&account);
        let _ = people::addresses(&account);
    }

    #[test]
    fn what_is_owned_is_read_or_an_error(
        at in 0usize..24,
        with in prop::option::of(any_json_or(&["1001", "account_role_member", "account_role_external"])),
    ) {
        let mut body = json!({"1001": {
            "projects_data": {"projects_owner": [{"id": 9001, "name": "A"}]},
            "portfolios_owner": [{"id": 77, "name": "B"}],
            "teams_owner": [{"id": 12, "name": "C"}],
            "templates_owner": [{"id": 5, "name": "D"}]}});
        mutate(&mut body, &mut at.clone(), with.as_ref());
        if let Ok(holdings) = owned::read(&body, "1001") {
            let maps = holdings.handed_to(&json!(42));
            prop_assert_eq!(maps.as_object().map(serde_json::Map::len), Some(4));
            let sent: usize = maps.as_object().into_iter().flatten()
                .filter_map(|(_, map)| map.as_object()).map(serde_json::Map::len).sum();
            prop_assert_eq!(sent, holdings.owned.len());
        }
    }

    #[test]
    fn no_other_body_passes_for_done(body in any_json_or(&["1001", "account_role_member", "account_role_external"]), status in 0u16..600) {
        let sent = Sent::Answered {
            status,
            payload: Payload::Json(body),
            request_id: None, evidence: String::new(),
        };
        let answer = answer::judge("1001", sent);
        prop_assert_ne!(answer.verdict, AnswerVerdict::Done);
    }

    #[test]
    fn every_login_of_the_service_is_read_to_the_millisecond(millis in 883_612_800_000u64..4_000_000_000_000) {
        for login in [json!(millis), json!(millis.to_string())] {
            let row = json!([{"userid": "1", "account_role": "account_role_member",
                "last_login": login}]);
            let rows = people::rows(&row, SEARCH).unwrap();
            let micros = rows[0].last_login.unwrap().micros();
            prop_assert_eq!(u64::try_from(micros).unwrap(), millis * 1000);
        }
    }
}

#[test]
fn a_row_that_came_twice_keeps_the_newer_login() {
    let mut twice = searched();
    let mut again = twice[1].clone();
    again["last_login"] = json!(LOGIN + 999_999);
    twice.as_array_mut().unwrap().push(again);
    let rows = people::rows(&twice, SEARCH).unwrap();
    let everybody = people::join(rows, people::rows(&members(), MEMBERS).unwrap()).unwrap();
    let seen = everybody["42"].record("42").seen[&Signal::Login];
    assert_eq!(
        seen.micros() / 1000,
        i64::try_from(LOGIN + 999_999).unwrap()
    );
}

#[test]
fn a_row_that_came_twice_and_differs_voids_the_list() {
    let mut twice = searched();
    let mut again = twice[1].clone();
    again["account_role"] = json!("account_role_admin");
    twice.as_array_mut().unwrap().push(again);
    let rows = people::rows(&twice, SEARCH).unwrap();
    assert!(people::join(rows, people::rows(&members(), MEMBERS).unwrap()).is_err());
}
