//! Nobody who is held is touched; a hold ends, and then everything begins anew.

use crate::domain::account::Do;
use crate::domain::decide::decide;
use crate::domain::decide::tests::*;
use crate::domain::hold::HoldKind;
use crate::domain::rows::HoldRow;
use crate::domain::rows::Ruling;
use crate::domain::rows::When;

/// A hold as entry 70, placed ten days ago for ten days more; a legal one is to be reviewed then.
pub(super) fn hold(kind: HoldKind) -> HoldRow {
    let legal = kind == HoldKind::Legal;
    HoldRow {
        hold: EntryId::new("hold"),
        seq: 70,
        subject: Subject::new("s_account"),
        person: None,
        kind,
        at: ago(10),
        until: (!legal).then(|| ago(-10)),
        review: legal.then(|| ago(-10)),
        by: None,
        proof: "os-user".to_owned(),
        lifted: None,
    }
}

/// An account that would be disabled now because it is silent.
fn due() -> Facts {
    let mut facts = facts();
    logged_in(&mut facts, ago(200));
    warned(&mut facts, &[(60, 30, "accepted"), (37, 7, "accepted")]);
    assert_eq!(ruled(&facts, When::Inactive).verdict, Ruling::Act);
    facts
}

#[test]
fn every_kind_keeps_every_step_from_whoever_is_silent() {
    for kind in HoldKind::ALL {
        let mut facts = due();
        facts.holds = vec![hold(*kind)];
        let decision = ruled(&facts, When::Inactive);
        assert_eq!(decision.verdict, Ruling::Withhold);
        assert_eq!(blocked(&decision), [kind.code()]);
        assert!(decision.evidence.contains(&70));
    }
}

#[test]
fn a_leaver_is_disabled_under_a_legal_hold_and_under_no_other() {
    for kind in HoldKind::ALL {
        let mut facts = leaver_facts();
        facts.holds = vec![hold(*kind)];
        let decision = ruled(&facts, When::Departed);
        assert!(decision.leaver_still_in);
        match kind {
            HoldKind::Legal => assert_eq!(decision.verdict, Ruling::Act),
            _ => {
                assert_eq!(decision.verdict, Ruling::Withhold);
                assert_eq!(blocked(&decision), [kind.code()]);
            }
        }
    }
    // without a policy, what keeps a leaver in is told as well
    let mut facts = leaver_facts();
    facts.holds = vec![hold(HoldKind::Manual)];
    let decision = decide(&facts, &set(&[]), now());
    assert_eq!(blocked(&decision), ["block.hold-manual", "block.no-policy"]);
}

#[test]
fn nothing_is_removed_under_a_legal_hold_however_it_comes_about() {
    let mut facts = leaver_facts();
    facts.links[0].person.as_mut().unwrap().facts.leave_at = Some(ago(100));
    disabled_at(&mut facts, ago(60));
    let decision = ruled(&facts, When::Departed);
    assert_eq!(
        (decision.verdict, decision.does),
        (Ruling::Act, Some(Do::Remove))
    );
    facts.holds = vec![hold(HoldKind::Legal)];
    let decision = ruled(&facts, When::Departed);
    assert_eq!(blocked(&decision), ["block.hold-legal"]);
    // a disabling for which the policy names a removal as substitute is a removal
    let mut facts = leaver_facts();
    facts.links[0].person.as_mut().unwrap().facts.leave_at = Some(ago(100));
    facts.can.can = BTreeSet::from([Do::Remove]);
    let mut rule = policy(When::Departed);
    rule.steps[0].substitute = Some(Do::Remove);
    let plain = decide(&facts, &set(&[rule.clone()]), now());
    assert_eq!((plain.verdict, plain.does), (Ruling::Act, Some(Do::Remove)));
    facts.holds = vec![hold(HoldKind::Legal)];
    let decision = decide(&facts, &set(&[rule]), now());
    assert_eq!(blocked(&decision), ["block.hold-legal"]);
}

#[test]
fn after_its_end_the_whole_notice_is_given_anew() {
    let mut facts = due();
    let mut ended = hold(HoldKind::LeaveOfAbsence);
    ended.until = Some(now());
    facts.holds = vec![ended.clone()];
    let decision = ruled(&facts, When::Inactive);
    assert_eq!(decision.verdict, Ruling::Warn, "a second before, it held");
    assert_eq!(decision.due, Some(ago(-30)));
    assert!(decision.evidence.contains(&70));
    // lifted before its end
    let mut lifted = hold(HoldKind::Manual);
    lifted.lifted = Some(Mark {
        seq: 75,
        since: ago(5),
    });
    facts.holds = vec![lifted];
    let decision = ruled(&facts, When::Inactive);
    assert_eq!(decision.verdict, Ruling::Warn);
    assert!(decision.evidence.contains(&75));
    // a warning from after it counts
    warned(&mut facts, &[(60, 30, "accepted"), (1, 30, "accepted")]);
    let decision = ruled(&facts, When::Inactive);
    assert_eq!(decision.verdict, Ruling::Wait);
    assert_eq!(decision.due, Some(ago(-29)));
    // one hold that ended does not take another one away
    facts.holds.push(hold(HoldKind::Service));
    let decision = ruled(&facts, When::Inactive);
    assert_eq!(blocked(&decision), ["block.hold-service"]);
}

#[test]
fn a_review_date_ends_nothing() {
    let mut facts = due();
    let mut overdue = hold(HoldKind::Legal);
    overdue.review = Some(ago(1));
    assert!(overdue.is_overdue(now()) && overdue.stands(now()));
    facts.holds = vec![overdue];
    let decision = ruled(&facts, When::Inactive);
    assert_eq!(blocked(&decision), ["block.hold-legal"]);
}

#[test]
fn giving_back_is_never_forbidden() {
    for kind in HoldKind::ALL {
        assert!(!hold(*kind).forbids(Some(Do::Restore), false, now()));
        assert!(hold(*kind).forbids(Some(Do::Transfer), true, now()));
        assert!(hold(*kind).forbids(None, true, now()));
    }
}
