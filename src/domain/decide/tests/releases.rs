//! What two approvers have released: one disabling of somebody who has left, and nothing else.

use crate::domain::account::Protection;
use crate::domain::decide::tests::*;
use crate::domain::rows::Ruling;
use crate::domain::rows::TaskRelease;
use crate::domain::rows::TaskRow;
use crate::domain::task;

/// An administrator who has left, with an open task (entry 60).
fn admin() -> Facts {
    let mut facts = leaver_facts();
    facts.account.facts.protected = BTreeSet::from([Protection::Admin]);
    facts.task = Some(TaskRow {
        task: EntryId::new("task"),
        seq: 60,
        account: facts.account.subject.clone(),
        tenant: name("portal"),
        because: vec![Code::new("block.protected-admin")],
        at: ago(1),
        taken: None,
        releases: Vec::new(),
        closed: None,
    });
    facts
}

/// Adds somebody's signature, as an entry, under what the account is now.
fn signed(facts: &mut Facts, by: &str, seq: Seq, digest: &str) {
    let set = set(&[policy(When::Departed)]);
    let bound = task::bound(facts, &set, 4, now()).unwrap();
    let release = TaskRelease {
        seq,
        at: now(),
        by: Subject::new(by),
        digest: digest.to_owned(),
        bound,
    };
    facts.task.as_mut().unwrap().releases.push(release);
}

fn released() -> Facts {
    let mut facts = admin();
    signed(&mut facts, "s_ada", 61, "d");
    signed(&mut facts, "s_bert", 62, "d");
    facts
}

#[track_caller]
fn is_blocked(facts: &Facts) {
    let decision = ruled(facts, When::Departed);
    assert_eq!(decision.verdict, Ruling::Withhold, "{decision:?}");
    assert!(decision.leaver_still_in);
}

#[test]
fn two_signatures_over_the_same_let_the_step_pass() {
    let decision = ruled(&released(), When::Departed);
    assert_eq!(
        (decision.verdict, decision.does),
        (Ruling::Act, Some(Do::Disable))
    );
    assert!(decision.evidence.contains(&61) && decision.evidence.contains(&62));
}

#[test]
fn one_signature_the_same_twice_and_two_over_something_else_do_not() {
    is_blocked(&admin());
    let mut one = admin();
    signed(&mut one, "s_ada", 61, "d");
    is_blocked(&one);
    signed(&mut one, "s_ada", 62, "d");
    is_blocked(&one);
    signed(&mut one, "s_bert", 63, "e");
    is_blocked(&one);
}

#[test]
fn it_is_for_the_departure_and_not_for_silence() {
    let mut facts = released();
    logged_in(&mut facts, ago(200));
    warned(&mut facts, &[(60, 30, "accepted"), (37, 7, "accepted")]);
    let decision = ruled(&facts, When::Inactive);
    assert_eq!(decision.verdict, Ruling::Withhold, "{decision:?}");
    assert_eq!(blocked(&decision), ["block.protected-admin"]);
}

#[test]
fn it_is_for_the_disabling_and_not_for_the_removal() {
    let mut facts = released();
    disabled_at(&mut facts, ago(100));
    let decision = ruled(&facts, When::Departed);
    assert_eq!(decision.does, Some(Do::Remove));
    assert!(
        blocked(&decision).contains(&"block.protected-admin"),
        "{decision:?}"
    );
}

#[test]
fn it_ends_with_the_departure_the_rights_the_step_and_the_task() {
    let mut other = released();
    other.account.facts.protected.insert(Protection::KeyOwner);
    is_blocked(&other);

    let mut withdrawn = released();
    let person = withdrawn
        .links
        .first_mut()
        .unwrap()
        .person
        .as_mut()
        .unwrap();
    person.withdrawn = Some(Mark {
        seq: 63,
        since: now(),
    });
    is_blocked(&withdrawn);

    let mut used = released();
    used.commands = vec![command(64, Do::Disable, ago(0), Some(CommandResult::Done))];
    used.account.seq = 90;
    is_blocked(&used);

    let mut closed = released();
    let task = closed.task.as_mut().unwrap();
    task.closed = Some(crate::domain::rows::TaskClosing {
        seq: 65,
        at: now(),
        because: Code::new("task.disabled"),
        read: Some(64),
    });
    is_blocked(&closed);
}

/// An owner has to hand over first, and nobody signs that away.
#[test]
fn what_can_never_be_released_stays_whoever_signs() {
    for never in [
        Protection::Owner,
        Protection::LastAdmin,
        Protection::OwnCredential,
    ] {
        let mut facts = admin();
        facts.account.facts.protected.insert(never);
        signed(&mut facts, "s_ada", 61, "d");
        signed(&mut facts, "s_bert", 62, "d");
        is_blocked(&facts);
    }
}

#[test]
fn a_doubt_about_whose_the_account_is_comes_alone() {
    let mut facts = admin();
    let gone = disabled_person("corp", ago(1));
    let mut stays = person("s_other", "corp");
    stays.seq = 33;
    facts.links = vec![doubtful("block.ambiguous-identity", vec![gone, stays])];
    let rules = set(&[policy(When::Departed)]);
    let decision = ruled(&facts, When::Departed);
    let reasons = task::wanted(&facts, &rules, &decision, now());
    let reasons: Vec<_> = reasons.iter().map(Code::as_str).collect();
    assert_eq!(reasons, ["block.ambiguous-identity"]);
}
