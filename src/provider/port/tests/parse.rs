//! The parsers, without a network, against whatever a server may invent.

use proptest::prelude::*;
use serde_json::json;

use crate::domain::account::AccountState;
use crate::domain::account::Do;
use crate::domain::account::Protection;
use crate::domain::account::Signal;
use crate::provider::AnswerVerdict;
use crate::provider::http::Payload;
use crate::provider::http::Secret;
use crate::provider::http::Sent;
use crate::provider::port::answer;
use crate::provider::port::audit::Walk;
use crate::provider::port::behind;
use crate::provider::port::behind::Behind;
use crate::provider::port::people;
use crate::provider::port::people::Ids;
use crate::provider::port::people::Own;
use crate::provider::port::tests::CLIENT;
use crate::provider::port::tests::ORG;
use crate::provider::port::tests::entity;
use crate::provider::port::tests::event;
use crate::provider::port::tests::id;
use crate::provider::port::tests::now;
use crate::provider::port::tests::user;
use crate::provider::spoil::any_json;
use crate::provider::spoil::mutate;

proptest! {
    #[test]
    fn no_document_makes_the_parsers_panic_or_believe_too_much(
        at in 0usize..40,
        with in prop::option::of(any_json()),
    ) {
        let own = Own::new(Secret::new(CLIENT));
        let (mut changed, mut whom) = (entity(0), user(0));
        changed["properties"]["status"] = json!("Disabled");
        mutate(&mut changed, &mut at.clone(), with.as_ref());
        let user_before = people::user(&whom, ORG).unwrap();
        if let Ok(read) = people::entity(&changed) {
            if let Ok(record) = people::record(Some(&read), &[user_before], &own) {
                // the user still says that they administer
                prop_assert!(record.facts.protected.contains(&Protection::Admin));
                prop_assert!(record.facts.state != AccountState::Active
                    || changed["properties"]["status"] != json!("Disabled"));
            }
            if let Ok(record) = people::record(Some(&read), &[], &own) {
                prop_assert!(record.seen.is_empty() && record.facts.hidden.contains(&Signal::Login));
                let known = changed["properties"]["port_role"].as_str().is_some_and(|r|
                    r.to_lowercase().trim().ends_with("moderator") || r.trim().eq_ignore_ascii_case("member"));
                prop_assert!(known || !record.facts.protected.is_empty());
                prop_assert!(record.facts.created_at.is_some()
                    || record.facts.protected.contains(&Protection::UnclearIdentity));
            }
        }
        mutate(&mut whom, &mut at.clone(), with.as_ref());
        if let Ok(read) = people::user(&whom, ORG) {
            let whole = people::entity(&entity(0)).unwrap();
            let record = people::record(Some(&whole), &[read], &own).unwrap();
            prop_assert!(record.facts.protected.contains(&Protection::Admin));
            prop_assert_eq!(record.seen.is_empty(), record.facts.hidden.contains(&Signal::Login));
        }
        let mut members = json!({"ok": true, "users": [user(1), user(2)]});
        mutate(&mut members, &mut at.clone(), with.as_ref());
        let _ = people::managed_by_scim(&members);
        let _ = people::organization(&members);
    }

    #[test]
    fn no_log_makes_the_walk_panic_or_prove_what_it_did_not_see(
        at in 0usize..60,
        with in prop::option::of(any_json()),
    ) {
        let ids = Ids::from([(format!("auth0|{:024}", 1), id(1))]);
        let mut page = json!({"ok": true, "audits": [
            event(9, 1, "2026-11-20T10:00:00Z"), event(8, 2, "2026-11-19T10:00:00Z"),
        ]});
        mutate(&mut page, &mut at.clone(), with.as_ref());
        let mut walk = Walk::new(&ids, None, now());
        let outcome = walk.take(&page).map(drop).map_err(str::to_owned);
        let failed = outcome.is_err();
        let (proof, seen) = walk.finish(outcome, None);
        prop_assert_eq!(proof.complete, !failed);
        prop_assert!(seen.keys().all(|account| *account == id(1)));
    }

    #[test]
    fn no_answer_makes_a_search_panic_or_a_failure_pass_for_done(
        body in any_json(),
        at in 0usize..30,
        status in 0u16..600,
        remove in any::<bool>(),
    ) {
        let mut found = json!({"ok": true, "failedBlueprints": [], "entities": [
            {"identifier": "cart", "blueprint": "service", "relations": {"owner": "p1@v.test"}},
        ]});
        mutate(&mut found, &mut at.clone(), Some(&body));
        let mut left = Behind::default();
        let _ = behind::pointing(&mut left, &found, "p1@v.test");
        let _ = behind::made(&mut left, &found, "auth0|1");
        let _ = (left.counts(), left.owned(), left.image());

        let does = if remove { Do::Remove } else { Do::Disable };
        let sent = Sent::Answered { status, payload: Payload::Json(body), request_id: None, evidence: String::new() };
        prop_assert_ne!(answer::judge(&id(1), does, sent).verdict, AnswerVerdict::Done);
    }
}
