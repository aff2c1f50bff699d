//! Changing: disable, give back, remove, and what may come of each.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use exeunt::domain::account::AccountState;
use exeunt::domain::account::Do;
use exeunt::provider::AnswerVerdict;
use exeunt::provider::Next;
use exeunt::provider::Provider as _;
use exeunt::provider::Settled;
use exeunt::sandbox::port::Relation;
use exeunt::sandbox::port::Role;
use exeunt::sandbox::port::Settings;
use exeunt::sandbox::port::Status;
use exeunt::sandbox::port::User;
use exeunt::sandbox::tenant::Fault;
use exeunt::sandbox::tenant::FaultRule;
use exeunt::sandbox::tenant::Matcher;
use serde_json::Value;

use crate::provider::port::LEAVER;
use crate::provider::port::adapter;
use crate::provider::port::house;
use crate::provider::port::of;
use crate::provider::port::pointing;
use crate::provider::port::prepared;
use crate::provider::port::target;

const ENTITY: &str = "/v1/blueprints/_user/entities/";

#[tokio::test]
async fn disabling_and_giving_back_show_in_the_account() {
    let tenant = house(Settings::default());
    let adapter = adapter(&tenant);
    let target = target(&adapter, LEAVER).await;
    for (wanted, status, state) in [
        (Do::Disable, Status::Disabled, AccountState::Disabled),
        (Do::Restore, Status::Active, AccountState::Active),
    ] {
        let order = prepared(&adapter, &target, wanted).await;
        let answer = adapter.execute(&target, &order).await;
        assert_eq!(
            (answer.verdict, answer.code),
            (AnswerVerdict::Done, "call.done")
        );
        assert_eq!(tenant.control().user(LEAVER).unwrap().status, status);
        let back = adapter.account(&target.id).await.unwrap().unwrap();
        assert_eq!(back.facts.state, state);
        assert!(adapter.shows(Some(&back.facts), wanted));
        assert!(adapter.owned(&target.id).await.unwrap().is_empty());
    }
    assert_eq!(tenant.control().status_changes(LEAVER), 2);
}

/// Somebody who was never invited, disabled by us: it must be seen as done, and stay so.
#[tokio::test]
async fn whoever_never_logged_in_and_is_disabled_by_us_is_certainly_disabled() {
    let tenant = house(Settings::default());
    let control = tenant.control();
    control.add_uninvited(User::new("new@house.test", "New", "", control.now()));
    let adapter = adapter(&tenant);
    let target = target(&adapter, "new@house.test").await;
    assert_eq!(target.facts.as_ref().unwrap().state, AccountState::Invited);
    control.advance(3_600);
    let order = prepared(&adapter, &target, Do::Disable).await;
    assert_eq!(
        adapter.execute(&target, &order).await.verdict,
        AnswerVerdict::Done
    );
    let back = of(&adapter, "new@house.test").await;
    assert_eq!(back.facts.state, AccountState::Disabled);
    assert!(back.facts.protected.is_empty(), "{:?}", back.facts);
    assert!(matches!(
        adapter.prepare(&target, Do::Restore).await,
        Ok(Next::Send(_))
    ));
}

/// In an old organisation the same status says nothing.
#[tokio::test]
async fn whoever_was_disabled_from_the_start_is_never_touched() {
    let tenant = house(Settings {
        old_organization: true,
        ..Settings::default()
    });
    let control = tenant.control();
    control.add_uninvited(User::new("new@house.test", "New", "", control.now()));
    let adapter = adapter(&tenant);
    let target = target(&adapter, "new@house.test").await;
    assert_eq!(target.facts.as_ref().unwrap().state, AccountState::Disabled);
    for wanted in [Do::Disable, Do::Remove, Do::Restore] {
        let next = adapter.prepare(&target, wanted).await.unwrap();
        assert!(
            matches!(next, Next::Withhold("block.unclear-status")),
            "{next:?}"
        );
    }
}

#[tokio::test]
async fn removing_deletes_the_user_and_nothing_else() {
    let tenant = house(Settings::default());
    let control = tenant.control();
    pointing(&control, "service", "cart", LEAVER);
    pointing(&control, "page", "runbook", LEAVER);
    pointing(&control, "page", "other", "somebody@house.test");
    let adapter = adapter(&tenant);
    let target = target(&adapter, LEAVER).await;
    let order = prepared(&adapter, &target, Do::Remove).await;
    let counts = BTreeMap::from([("page".to_owned(), 1), ("service".to_owned(), 1)]);
    assert_eq!(order.owned, counts);
    let image: Value = serde_json::from_str(order.image.as_ref().unwrap()).unwrap();
    assert_eq!(image["entity"]["identifier"], LEAVER);
    assert_eq!(image["user"]["email"], LEAVER);
    assert_eq!(image["left_behind"].as_array().unwrap().len(), 2);
    assert_eq!(image["left_behind"][0]["points_by"][0], "keeper");
    let before = control.users().len();
    let answer = adapter.execute(&target, &order).await;
    assert_eq!(
        (answer.verdict, answer.code),
        (AnswerVerdict::Done, "call.done")
    );
    assert_eq!(control.users().len(), before - 1);
    assert!(
        control.entity("service", "cart").is_some() && control.entity("page", "runbook").is_some()
    );
    assert_eq!(adapter.account(&target.id).await.unwrap(), None);
    // once more: there is nothing left to do
    let again = adapter.execute(&target, &order).await;
    assert_eq!(
        (again.verdict, again.code),
        (AnswerVerdict::Already, "call.already")
    );
}

#[tokio::test]
async fn what_a_user_made_is_left_behind_too() {
    let tenant = house(Settings::default());
    let control = tenant.control();
    let id = control.user(LEAVER).unwrap().id;
    control.add_entity(exeunt::sandbox::port::Entity::new(
        "service",
        "made",
        &id,
        control.now(),
    ));
    let adapter = adapter(&tenant);
    let target = target(&adapter, LEAVER).await;
    let order = prepared(&adapter, &target, Do::Remove).await;
    assert_eq!(order.owned, BTreeMap::from([("service".to_owned(), 1)]));
    let image: Value = serde_json::from_str(order.image.as_ref().unwrap()).unwrap();
    assert_eq!(image["left_behind"][0]["made"], true);
}

#[tokio::test]
async fn a_required_relation_makes_the_organisation_refuse() {
    let tenant = house(Settings::default());
    let control = tenant.control();
    let required = Relation {
        target: "_user".to_owned(),
        required: true,
        many: false,
    };
    control.set_relation("service", "keeper", required);
    pointing(&control, "service", "cart", LEAVER);
    let adapter = adapter(&tenant);
    let target = target(&adapter, LEAVER).await;
    let order = prepared(&adapter, &target, Do::Remove).await;
    assert_eq!(order.owned["service"], 1, "who looks at the plan sees it");
    let answer = adapter.execute(&target, &order).await;
    assert_eq!(
        (answer.verdict, answer.code),
        (AnswerVerdict::Refused, "call.dependents")
    );
    assert!(control.user(LEAVER).is_some() && control.entity("service", "cart").is_some());
}

#[tokio::test]
async fn a_search_that_leaves_blueprints_out_is_no_ground_for_a_removal() {
    let tenant = house(Settings::default());
    let adapter = adapter(&tenant);
    let target = target(&adapter, LEAVER).await;
    tenant
        .control()
        .change_settings(|s| s.failed_blueprints = vec!["service".to_owned()]);
    assert!(adapter.prepare(&target, Do::Remove).await.is_err());
    assert!(adapter.owned(&target.id).await.is_err());
    assert!(matches!(
        adapter.prepare(&target, Do::Disable).await,
        Ok(Next::Send(_))
    ));
}

#[tokio::test]
async fn what_changes_between_reading_and_calling_is_found_just_before_or_refused() {
    let tenant = house(Settings::default());
    let control = tenant.control();
    let adapter = adapter(&tenant);
    let target = target(&adapter, LEAVER).await;
    let order = prepared(&adapter, &target, Do::Disable).await;
    let withheld = async |code: &str| {
        let next = adapter.prepare(&target, Do::Disable).await.unwrap();
        assert!(
            matches!(next, Next::Withhold(found) if found == code),
            "{next:?}"
        );
    };
    control.change_user(LEAVER, |user| user.managed_by_scim = true);
    withheld("block.provider-managed").await;
    let answer = adapter.execute(&target, &order).await;
    assert_eq!(
        (answer.verdict, answer.code),
        (AnswerVerdict::Refused, "call.managed-elsewhere")
    );
    control.change_user(LEAVER, |user| {
        user.managed_by_scim = false;
        user.role = Role::Admin;
    });
    withheld("block.protected-admin").await;
    control.change_user(LEAVER, |user| user.created += TimeDelta::days(1));
    withheld("block.identity-changed").await;
    assert_eq!(control.status_changes(LEAVER), 0);
}

#[tokio::test]
async fn an_answer_that_does_not_show_the_change_is_in_doubt() {
    let tenant = house(Settings {
        status_ignored: true,
        ..Settings::default()
    });
    let adapter = adapter(&tenant);
    let target = target(&adapter, LEAVER).await;
    let order = prepared(&adapter, &target, Do::Disable).await;
    let answer = adapter.execute(&target, &order).await;
    assert_eq!(
        (answer.verdict, answer.code),
        (AnswerVerdict::Unknown, "call.not-confirmed")
    );
    let settled = adapter.settle(&target, Do::Disable).await.unwrap();
    assert_eq!(settled, Settled::DidNot);
}

#[tokio::test]
async fn a_lost_answer_is_settled_by_reading_back() {
    for (fault, verdict, settled) in [
        (
            Fault::LostAnswer,
            AnswerVerdict::Unknown,
            Settled::TookEffect,
        ),
        (
            Fault::HangAfter,
            AnswerVerdict::Unknown,
            Settled::TookEffect,
        ),
        (Fault::Hang, AnswerVerdict::Unknown, Settled::DidNot),
        (
            Fault::Truncated,
            AnswerVerdict::Unknown,
            Settled::TookEffect,
        ),
        (
            Fault::Html { status: 502 },
            AnswerVerdict::Unknown,
            Settled::DidNot,
        ),
        (
            Fault::TooMany {
                retry_after: Some(1),
            },
            AnswerVerdict::Failed,
            Settled::DidNot,
        ),
    ] {
        for (method, wanted) in [("PATCH", Do::Disable), ("DELETE", Do::Remove)] {
            let tenant = house(Settings::default());
            let adapter = adapter(&tenant);
            let target = target(&adapter, LEAVER).await;
            let order = prepared(&adapter, &target, wanted).await;
            let rule = FaultRule::once(Matcher::new(method, ENTITY), fault.clone());
            tenant.control().add_fault(rule);
            let answer = adapter.execute(&target, &order).await;
            assert_eq!(answer.verdict, verdict, "{fault:?} {method}");
            let found = adapter.settle(&target, wanted).await.unwrap();
            assert_eq!(found, settled, "{fault:?} {method}");
            let sent = tenant.control().requests();
            assert_eq!(sent.iter().filter(|r| r.method == method).count(), 1);
        }
    }
}

#[tokio::test]
async fn a_user_who_lingers_is_still_in_until_the_synchronisation_is_through() {
    let tenant = house(Settings {
        sync_seconds: 600,
        ..Settings::default()
    });
    let adapter = adapter(&tenant);
    let target = target(&adapter, LEAVER).await;
    let order = prepared(&adapter, &target, Do::Remove).await;
    assert_eq!(
        adapter.execute(&target, &order).await.verdict,
        AnswerVerdict::Done
    );
    let back = adapter.account(&target.id).await.unwrap().unwrap();
    assert!(!adapter.shows(Some(&back.facts), Do::Remove));
    assert_eq!(
        adapter.settle(&target, Do::Remove).await.unwrap(),
        Settled::DidNot
    );
    tenant.control().advance(601);
    assert_eq!(
        adapter.settle(&target, Do::Remove).await.unwrap(),
        Settled::TookEffect
    );
}
