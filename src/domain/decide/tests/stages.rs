//! Warn, disable, wait, remove; and what sets it back.

use crate::domain::account::AccountState;
use crate::domain::account::Do;
use crate::domain::account::Signal;
use crate::domain::decide::Facts;
use crate::domain::decide::decide;
use crate::domain::decide::tests::*;
use crate::domain::id::EntryId;
use crate::domain::rows::Class;
use crate::domain::rows::KeptMark;
use crate::domain::rows::ProceedMark;
use crate::domain::rows::Ruling;
use crate::domain::rows::When;

/// Silent since so many days and the hour of the log's precision.
fn silent(days: i64) -> Facts {
    let mut facts = facts();
    logged_in(&mut facts, ago(days).plus_seconds(-3601));
    facts
}

#[test]
fn the_silent_are_warned_before_and_never_disabled_without_the_whole_notice() {
    let mut facts = silent(59);
    assert_eq!(ruled(&facts, When::Inactive).verdict, Ruling::Keep);

    facts = silent(60);
    let decision = ruled(&facts, When::Inactive);
    assert_eq!(decision.verdict, Ruling::Warn);
    assert_eq!(decision.due, Some(ago(-30)), "the whole notice from now on");
    let rule = policy(When::Inactive);
    assert_eq!(rule.warning_days(decision.due.unwrap(), now()), 30);

    // first seen when silent for long: the notice is still whole
    facts = silent(300);
    assert_eq!(ruled(&facts, When::Inactive).verdict, Ruling::Warn);
    warned(&mut facts, &[(29, 30, "accepted"), (6, 7, "accepted")]);
    let decision = ruled(&facts, When::Inactive);
    assert_eq!(decision.verdict, Ruling::Wait);
    assert_eq!(decision.due, Some(ago(-1)));
    warned(&mut facts, &[(30, 30, "accepted"), (7, 7, "written")]);
    let decision = ruled(&facts, When::Inactive);
    assert_eq!(decision.verdict, Ruling::Act);
    assert_eq!(decision.does, Some(Do::Disable));
    assert!(decision.evidence.contains(&50) && decision.evidence.contains(&20));
}

#[test]
fn the_reminder_comes_in_its_time() {
    let mut facts = silent(75);
    warned(&mut facts, &[(15, 30, "accepted")]);
    assert_eq!(ruled(&facts, When::Inactive).verdict, Ruling::Wait);
    facts = silent(84);
    warned(&mut facts, &[(24, 30, "accepted")]);
    let decision = ruled(&facts, When::Inactive);
    assert_eq!(decision.verdict, Ruling::Warn);
    let rule = policy(When::Inactive);
    assert_eq!(rule.warning_days(decision.due.unwrap(), now()), 7);
    warned(&mut facts, &[(24, 30, "accepted"), (0, 7, "accepted")]);
    assert_eq!(ruled(&facts, When::Inactive).verdict, Ruling::Wait);
}

#[test]
fn a_warning_that_came_back_does_not_count() {
    let mut facts = silent(200);
    warned(&mut facts, &[(40, 30, "bounced")]);
    let decision = ruled(&facts, When::Inactive);
    assert_eq!(decision.verdict, Ruling::Withhold);
    assert_eq!(blocked(&decision), ["block.notice-undelivered"]);
}

#[test]
fn a_reminder_that_came_back_blocks_although_the_first_warning_counted() {
    let mut facts = silent(200);
    warned(&mut facts, &[(40, 30, "accepted"), (15, 7, "bounced")]);
    assert_eq!(
        blocked(&ruled(&facts, When::Inactive)),
        ["block.notice-undelivered"]
    );
}

#[test]
fn an_approver_says_how_it_goes_on_after_a_warning_that_came_back() {
    let mut facts = silent(200);
    warned(&mut facts, &[(40, 30, "bounced")]);
    let said = |seq, days_ago, again| {
        Some(ProceedMark {
            seq,
            at: ago(days_ago),
            again,
        })
    };
    facts.notices[0].proceeded = said(60, 1, false);
    let decision = ruled(&facts, When::Inactive);
    assert_eq!(decision.verdict, Ruling::Act);
    assert!(decision.evidence.contains(&60) && decision.evidence.contains(&51));
    // a word from before the bounce says nothing about it
    facts.notices[0].proceeded = said(40, 39, false);
    assert_eq!(ruled(&facts, When::Inactive).verdict, Ruling::Withhold);
    // nothing more is sent to a dead address, and the day that was named is kept to
    warned(&mut facts, &[(25, 30, "bounced")]);
    facts.notices[0].proceeded = said(60, 1, false);
    let decision = ruled(&facts, When::Inactive);
    assert_eq!(decision.verdict, Ruling::Wait);
    assert_eq!(decision.due, Some(ago(-5)));
    // warned anew: the full notice begins again
    facts.notices[0].proceeded = said(60, 1, true);
    let decision = ruled(&facts, When::Inactive);
    assert_eq!(decision.verdict, Ruling::Warn);
    assert_eq!(decision.due, Some(ago(0).plus_days(30)));
}

#[test]
fn a_warning_from_before_the_last_login_does_not_count() {
    let mut facts = silent(100);
    warned(&mut facts, &[(140, 30, "accepted"), (115, 7, "accepted")]);
    assert_eq!(ruled(&facts, When::Inactive).verdict, Ruling::Warn);
}

#[test]
fn nothing_is_done_before_the_day_that_a_warning_names() {
    let mut facts = silent(200);
    warned(&mut facts, &[(40, 30, "accepted"), (0, 7, "accepted")]);
    let decision = ruled(&facts, When::Inactive);
    assert_eq!(decision.due, Some(ago(-7)));
    assert_eq!(decision.verdict, Ruling::Wait);
}

#[test]
fn a_step_waits_for_the_last_second_of_the_silence() {
    let mut facts = facts();
    logged_in(&mut facts, ago(90).plus_seconds(-3600));
    warned(&mut facts, &[(30, 30, "accepted"), (7, 7, "accepted")]);
    assert_eq!(ruled(&facts, When::Inactive).verdict, Ruling::Wait);
    logged_in(&mut facts, ago(90).plus_seconds(-3601));
    assert_eq!(ruled(&facts, When::Inactive).verdict, Ruling::Act);
}

#[test]
fn a_step_waits_until_the_records_reach_back_far_enough() {
    let mut facts = silent(200);
    warned(&mut facts, &[(60, 30, "accepted"), (37, 7, "accepted")]);
    facts.tenant.activity = vec![proof(Signal::Login, ago(70), Some(3600))];
    let decision = ruled(&facts, When::Inactive);
    assert_eq!(decision.verdict, Ruling::Wait);
    assert_eq!(decision.due, Some(ago(-20).plus_seconds(3600)));
    assert_eq!(decision.horizon, Some(ago(70)));
}

#[test]
fn a_login_after_the_warning_cancels() {
    let mut facts = silent(80);
    let warn = ruled(&facts, When::Inactive);
    before(&mut facts, warn);
    warned(&mut facts, &[(2, 30, "accepted")]);
    logged_in(&mut facts, ago(1));
    let decision = ruled(&facts, When::Inactive);
    assert_eq!(decision.verdict, Ruling::Keep);
    assert_eq!(decision.because.as_str(), "cancel.login");
}

#[test]
fn what_was_only_unknown_is_not_cancelled() {
    let mut facts = silent(80);
    facts.tenant.activity.clear();
    let unknown = ruled(&facts, When::Inactive);
    before(&mut facts, unknown);
    logged_in(&mut facts, ago(1));
    let decision = ruled(&facts, When::Inactive);
    assert_eq!(decision.because.as_str(), "keep.active");
}

#[test]
fn removal_waits_from_when_it_was_seen_disabled_or_we_disabled_it() {
    let mut facts = silent(200);
    warned(&mut facts, &[(60, 30, "accepted"), (37, 7, "accepted")]);
    disabled_at(&mut facts, ago(29));
    let decision = ruled(&facts, When::Inactive);
    assert_eq!(decision.verdict, Ruling::Wait);
    assert_eq!(decision.due, Some(ago(-1)));
    let about_wait = |s: &&crate::domain::rows::Sum| s.about.as_str() == "sum.wait";
    assert_eq!(decision.arithmetic.iter().filter(about_wait).count(), 1);
    disabled_at(&mut facts, ago(30));
    let decision = ruled(&facts, When::Inactive);
    assert_eq!(decision.verdict, Ruling::Act);
    assert_eq!(decision.does, Some(Do::Remove));
    // our own disabling came later than what the read shows
    facts.commands = vec![command(70, Do::Disable, ago(10), Some(CommandResult::Done))];
    assert_eq!(ruled(&facts, When::Inactive).due, Some(ago(-20)));
}

#[test]
fn a_disabling_of_ours_counts_before_the_next_read_and_not_against_it() {
    let mut facts = leaver_facts();
    facts.commands = vec![command(91, Do::Disable, ago(0), Some(CommandResult::Done))];
    let decision = ruled(&facts, When::Departed);
    assert_eq!(decision.verdict, Ruling::Wait);
    assert_eq!(decision.does, Some(Do::Remove));
    assert!(!decision.leaver_still_in);
    // the account was looked up after it and can be used
    facts.account.seq = 95;
    assert_eq!(ruled(&facts, When::Departed).does, Some(Do::Disable));
    // a whole read came after it and shows the account enabled
    facts.account.seq = 11;
    facts.commands = vec![command(80, Do::Disable, ago(0), Some(CommandResult::Done))];
    let decision = ruled(&facts, When::Departed);
    assert_eq!(decision.verdict, Ruling::Act);
    assert_eq!(decision.does, Some(Do::Disable));
}

#[test]
fn somebody_enabled_the_account_again_and_its_silence_begins_anew() {
    let mut facts = silent(200);
    warned(&mut facts, &[(60, 30, "accepted"), (37, 7, "accepted")]);
    let mut ours = command(80, Do::Disable, ago(20), Some(CommandResult::Done));
    ours.confirmed = Some(85);
    facts.commands = vec![ours];
    let decision = ruled(&facts, When::Inactive);
    assert_eq!(decision.because.as_str(), "keep.enabled-again");
    // long after, it is warned of anew
    facts.commands.first_mut().unwrap().at = ago(100);
    warned(&mut facts, &[(140, 30, "accepted"), (117, 7, "accepted")]);
    assert_eq!(ruled(&facts, When::Inactive).verdict, Ruling::Warn);
}

#[test]
fn somebody_enabled_the_account_again_before_a_read_confirmed_that_it_was_disabled() {
    let mut facts = silent(200);
    warned(&mut facts, &[(60, 30, "accepted"), (37, 7, "accepted")]);
    facts.commands = vec![command(80, Do::Disable, ago(1), Some(CommandResult::Done))];
    let decision = ruled(&facts, When::Inactive);
    assert_eq!(decision.because.as_str(), "keep.enabled-again");
}

#[test]
fn when_every_step_has_been_done_it_is_left_as_it_is() {
    let mut facts = leaver_facts();
    disabled_at(&mut facts, ago(1));
    let mut rule = policy(When::Departed);
    rule.steps.truncate(1);
    let decision = decide(&facts, &set(&[rule]), now());
    assert_eq!(decision.verdict, Ruling::Keep);
    assert_eq!(decision.because.as_str(), "keep.steps-done");
}

#[test]
fn a_substitute_is_taken_where_the_policy_names_it() {
    let mut leave = person("s_1", "corp");
    leave.facts.leave_at = Some(ago(1));
    let mut facts = leaver_facts();
    facts.links = vec![linked(leave)];
    facts.can.can.remove(&Do::Disable);
    let decision = ruled(&facts, When::Departed);
    assert_eq!(blocked(&decision), ["block.step-impossible"]);
    let mut rule = policy(When::Departed);
    rule.steps.first_mut().unwrap().substitute = Some(Do::Remove);
    let decision = decide(&facts, &set(&[rule]), now());
    assert_eq!(decision.verdict, Ruling::Act);
    assert_eq!(decision.does, Some(Do::Remove));
}

#[test]
fn an_invitation_is_not_silence() {
    let mut facts = facts();
    facts.account.facts.state = AccountState::Invited;
    assert_eq!(ruled(&facts, When::Inactive).verdict, Ruling::Keep);
    let mut rule = policy(When::NeverActivated);
    rule.after_days = 30;
    facts.account.facts.created_at = Some(ago(29));
    let rules = set(&[rule]);
    assert_eq!(decide(&facts, &rules, now()).verdict, Ruling::Wait);
    facts.account.facts.created_at = Some(ago(30));
    assert_eq!(decide(&facts, &rules, now()).verdict, Ruling::Act);
    logged_in(&mut facts, ago(400));
    assert_eq!(decide(&facts, &rules, now()).verdict, Ruling::Keep);
}

#[test]
fn only_blocks_that_last_are_told_of_before_a_step_is_due() {
    let mut facts = silent(75);
    warned(&mut facts, &[(15, 30, "accepted")]);
    facts.tenant.last.rec = ago(3);
    assert_eq!(ruled(&facts, When::Inactive).verdict, Ruling::Wait);
    facts.account.facts.managed_by = Some("ldap".to_owned());
    let decision = ruled(&facts, When::Inactive);
    assert_eq!(blocked(&decision), ["block.provider-managed"]);
}

/// Whom a reviewer left out stays until the review date, for what the reviewer has seen.
#[test]
fn the_word_of_a_reviewer_holds_until_its_date_and_for_its_finding() {
    let mut facts = silent(300);
    warned(&mut facts, &[(30, 30, "accepted"), (7, 7, "written")]);
    assert_eq!(ruled(&facts, When::Inactive).verdict, Ruling::Act);
    let mark = KeptMark {
        seq: 70,
        at: ago(10),
        by: None,
        plan: EntryId::new("plan"),
        step: 0,
        does: Do::Disable,
        when: When::Inactive,
        class: Class::Inactive,
        until: ago(-80),
    };
    let with = |change: fn(&mut KeptMark)| {
        let (mut facts, mut mark) = (facts.clone(), mark.clone());
        change(&mut mark);
        facts.kept = vec![mark];
        ruled(&facts, When::Inactive)
    };
    let kept = with(|_| {});
    assert_eq!(kept.verdict, Ruling::Withhold);
    assert_eq!(
        kept.blocked.first().map(Code::as_str),
        Some("block.kept-by-reviewer")
    );
    assert!(kept.evidence.contains(&70));
    assert_eq!(
        with(|m| m.until = now()).verdict,
        Ruling::Act,
        "the date has come"
    );
    let other = with(|m| (m.when, m.class) = (When::Departed, Class::Explicit));
    assert_eq!(other.verdict, Ruling::Act, "another finding");
    let anew = with(|m| m.at = ago(400));
    assert_eq!(anew.verdict, Ruling::Act, "silent anew since then");
}
