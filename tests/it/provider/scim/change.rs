//! Changes, in all the forms that servers take.

use exeunt::domain::account::AccountState;
use exeunt::domain::account::Do;
use exeunt::provider::AnswerVerdict;
use exeunt::provider::Provider as _;
use exeunt::provider::Settled;
use exeunt::sandbox::scim::ActiveForm;
use exeunt::sandbox::scim::ActiveValue;
use exeunt::sandbox::scim::Delete;
use exeunt::sandbox::scim::Disliked;
use exeunt::sandbox::scim::Etag;
use exeunt::sandbox::scim::OpCase;
use exeunt::sandbox::scim::PatchPath;
use exeunt::sandbox::scim::Patches;
use exeunt::sandbox::scim::PutAbsent;
use exeunt::sandbox::scim::Settings;
use exeunt::sandbox::scim::User;

use crate::provider::scim::LEAVER;
use crate::provider::scim::adapter;
use crate::provider::scim::house;
use crate::provider::scim::of;
use crate::provider::scim::prepared;
use crate::provider::scim::target;
use crate::provider::scim::wanted;
use crate::provider::scim::with_login;

fn user(tenant: &exeunt::sandbox::scim::ScimHandle) -> User {
    tenant
        .control()
        .with(|scim| scim.user(LEAVER).cloned())
        .unwrap()
}

#[tokio::test]
async fn every_form_of_patch_is_found() {
    for path in [PatchPath::Either, PatchPath::Required, PatchPath::Refused] {
        for op in [OpCase::Any, OpCase::Small, OpCase::Capital] {
            for active in [ActiveValue::Any, ActiveValue::Boolean, ActiveValue::Text] {
                for body in [true, false] {
                    let tenant = house(Settings {
                        patch: Patches {
                            path,
                            op,
                            active,
                            body,
                            ..Patches::default()
                        },
                        ..Settings::default()
                    });
                    let adapter = adapter(&tenant);
                    let shown = format!("{path:?} {op:?} {active:?} {body}");
                    for (does, is) in [(Do::Disable, false), (Do::Restore, true)] {
                        let answer = wanted(&adapter, LEAVER, does).await;
                        assert_eq!(answer.verdict, AnswerVerdict::Done, "{shown}");
                        assert_eq!(user(&tenant).active, is, "{shown}");
                        let facts = of(&adapter, LEAVER).await.facts;
                        assert!(adapter.shows(Some(&facts), does));
                    }
                    let requests = tenant.control().requests();
                    let puts = requests.iter().filter(|r| r.method == "PUT").count();
                    assert_eq!(puts, 0, "{shown}");
                }
            }
        }
    }
}

#[tokio::test]
async fn where_there_is_no_patch_whole_users_are_written_and_nothing_is_lost() {
    for (claimed, discovery) in [(None, true), (Some(true), true), (None, false)] {
        for unsupported in [501, 405, 400] {
            for active in [ActiveValue::Boolean, ActiveValue::Text] {
                // who claims to have PATCH and answers 400 means the change, not PATCH
                if claimed == Some(true) && unsupported == 400 {
                    continue;
                }
                let tenant = house(Settings {
                    patch: Patches {
                        supported: false,
                        claimed,
                        active,
                        ..Patches::default()
                    },
                    discovery,
                    unsupported,
                    put_absent: PutAbsent::Clears,
                    ..with_login()
                });
                let before = user(&tenant);
                let adapter = adapter(&tenant);
                let answer = wanted(&adapter, LEAVER, Do::Disable).await;
                let shown = format!("{claimed:?} {discovery} {unsupported} {active:?}");
                assert_eq!(answer.verdict, AnswerVerdict::Done, "{shown}: {answer:?}");
                let after = user(&tenant);
                assert!(!after.active, "{shown}");
                let kept = User {
                    active: true,
                    version: before.version,
                    modified: before.modified,
                    ..after
                };
                assert_eq!(kept, before, "{shown}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_answered_as_done_and_was_not_is_not_taken_for_done() {
    let tenant = house(Settings {
        patch: Patches {
            path: PatchPath::Refused,
            disliked: Disliked::Ignored,
            ..Patches::default()
        },
        ..Settings::default()
    });
    let adapter = adapter(&tenant);
    let answer = wanted(&adapter, LEAVER, Do::Disable).await;
    assert_eq!(answer.verdict, AnswerVerdict::Done, "so the server says");
    let facts = of(&adapter, LEAVER).await.facts;
    assert!(!adapter.shows(Some(&facts), Do::Disable), "and it is not");
    let settled = adapter.settle(&target(LEAVER), Do::Disable).await.unwrap();
    assert_eq!(settled, Settled::DidNot);
    wanted(&adapter, LEAVER, Do::Disable).await;
    assert!(!user(&tenant).active, "the next time in another form");
    let settled = adapter.settle(&target(LEAVER), Do::Disable).await.unwrap();
    assert_eq!(settled, Settled::TookEffect);
}

#[tokio::test]
async fn a_server_that_does_not_show_active_confirms_nothing() {
    for (active, is) in [(ActiveForm::Hidden, false), (ActiveForm::Unknown, true)] {
        let tenant = house(Settings {
            active,
            ..Settings::default()
        });
        let adapter = adapter(&tenant);
        wanted(&adapter, LEAVER, Do::Disable).await;
        assert_eq!(user(&tenant).active, is);
        let facts = of(&adapter, LEAVER).await.facts;
        assert!(!adapter.shows(Some(&facts), Do::Disable), "{active:?}");
        let settled = adapter.settle(&target(LEAVER), Do::Disable).await.unwrap();
        assert_eq!(settled, Settled::Repeatable, "{active:?}");
    }
}

#[tokio::test]
async fn who_is_inactive_may_be_missing_in_lists_and_is_still_found() {
    let tenant = house(Settings {
        lists_inactive: false,
        ..Settings::default()
    });
    let adapter = adapter(&tenant);
    wanted(&adapter, LEAVER, Do::Disable).await;
    let read = crate::provider::scim::read(&adapter).await;
    assert!(read.accounts.iter().all(|a| a.id != LEAVER));
    let facts = of(&adapter, LEAVER).await.facts;
    assert!(adapter.shows(Some(&facts), Do::Disable));
}

#[tokio::test]
async fn deleting_removes_hides_deactivates_or_is_refused() {
    for (delete, verdict, settled) in [
        (Delete::Removes, AnswerVerdict::Done, Settled::TookEffect),
        (Delete::Hides, AnswerVerdict::Done, Settled::TookEffect),
        (Delete::Deactivates, AnswerVerdict::Done, Settled::DidNot),
        (Delete::Unsupported, AnswerVerdict::Refused, Settled::DidNot),
    ] {
        let tenant = house(Settings {
            delete,
            ..Settings::default()
        });
        let adapter = adapter(&tenant);
        let answer = wanted(&adapter, LEAVER, Do::Remove).await;
        assert_eq!(answer.verdict, verdict, "{delete:?}");
        let record = adapter.account(LEAVER).await.unwrap();
        let gone = adapter.shows(record.as_ref().map(|r| &r.facts), Do::Remove);
        assert_eq!(gone, settled == Settled::TookEffect, "{delete:?}");
        let found = adapter.settle(&target(LEAVER), Do::Remove).await.unwrap();
        assert_eq!(found, settled, "{delete:?}");
        if delete == Delete::Deactivates {
            assert_eq!(record.unwrap().facts.state, AccountState::Disabled);
        }
    }
}

#[tokio::test]
async fn a_user_who_changed_meanwhile_is_left_alone() {
    for etag in [Etag::Weak, Etag::Required] {
        for does in [Do::Disable, Do::Remove] {
            let tenant = house(Settings {
                etag,
                ..Settings::default()
            });
            let control = tenant.control();
            let adapter = adapter(&tenant);
            let order = prepared(&adapter, LEAVER, does).await;
            let promote = |user: &mut User| user.admin = true;
            control.with(|scim| scim.change(LEAVER, control.now(), promote));
            let answer = adapter.execute(&target(LEAVER), &order).await;
            let expected = (AnswerVerdict::Failed, "call.changed-meanwhile");
            assert_eq!((answer.verdict, answer.code), expected, "{etag:?}");
            assert!(user(&tenant).active);
        }
    }
}

#[tokio::test]
async fn versions_are_named_where_that_is_demanded_and_not_told() {
    for does in [Do::Disable, Do::Remove] {
        let tenant = house(Settings {
            etag: Etag::Required,
            discovery: false,
            ..Settings::default()
        });
        let answer = wanted(&adapter(&tenant), LEAVER, does).await;
        assert_eq!(answer.verdict, AnswerVerdict::Done, "{answer:?}");
    }
}

#[tokio::test]
async fn a_refusal_is_a_refusal_and_a_success_without_effect_none() {
    let tenant = house(Settings::default());
    let control = tenant.control();
    let insert = |scim: &mut exeunt::sandbox::scim::Scim| {
        scim.settings().refused.insert(LEAVER.to_owned());
    };
    control.with(insert);
    let adapter = adapter(&tenant);
    for does in [Do::Disable, Do::Remove] {
        let answer = wanted(&adapter, LEAVER, does).await;
        assert_eq!(
            (answer.verdict, answer.code),
            (AnswerVerdict::Refused, "call.refused")
        );
    }
    control.with(|scim| {
        scim.settings().refused.clear();
        scim.settings().deaf.insert(LEAVER.to_owned());
    });
    for does in [Do::Disable, Do::Remove] {
        wanted(&adapter, LEAVER, does).await;
        let facts = of(&adapter, LEAVER).await.facts;
        assert!(!adapter.shows(Some(&facts), does));
    }
}

#[tokio::test]
async fn who_is_told_to_be_quiet_has_changed_nothing() {
    let tenant = house(Settings::default());
    let adapter = adapter(&tenant);
    let order = prepared(&adapter, LEAVER, Do::Disable).await;
    tenant.control().with(|scim| scim.throttle(1, 1));
    let answer = adapter.execute(&target(LEAVER), &order).await;
    assert_eq!(
        (answer.verdict, answer.code),
        (AnswerVerdict::Failed, "call.rate-limited")
    );
    assert_eq!(
        wanted(&adapter, LEAVER, Do::Disable).await.verdict,
        AnswerVerdict::Done
    );
}
