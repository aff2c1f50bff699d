//! Who has left, on whose word, and what may rest on it.

use crate::domain::account::Do;
use crate::domain::account::Protection;
use crate::domain::decide::Facts;
use crate::domain::decide::decide;
use crate::domain::decide::tests::*;
use crate::domain::rows::Class;
use crate::domain::rows::Missed;
use crate::domain::rows::PersonRow;
use crate::domain::rows::Ruling;
use crate::domain::rows::When;
use crate::domain::source::Verdict;

fn with(person: PersonRow) -> Facts {
    let mut facts = facts();
    logged_in(&mut facts, ago(2));
    facts.links = vec![linked(person)];
    facts
}

fn missed(mut row: PersonRow) -> PersonRow {
    row.missed = Some(Missed {
        seq: 33,
        since: ago(3),
        reads: 2,
    });
    row
}

fn absent(row: PersonRow) -> PersonRow {
    let mut row = missed(row);
    row.absent = Some(Mark {
        seq: 34,
        since: ago(2),
    });
    row
}

fn leaving(at: Time) -> PersonRow {
    let mut row = person("s_1", "corp");
    row.facts.leave_at = Some(at);
    row
}

fn expired(at: Time) -> PersonRow {
    let mut row = person("s_1", "corp");
    row.facts.expires_at = Some(at);
    row
}

#[test]
fn each_kind_of_evidence_disables_and_names_itself() {
    let cases = [
        (leaving(ago(1)), "leaver.leave-date", Class::Explicit),
        (
            disabled_person("corp", ago(1)),
            "leaver.disabled",
            Class::Explicit,
        ),
        (expired(ago(1)), "leaver.expired", Class::Explicit),
        (
            absent(person("s_1", "corp")),
            "leaver.absent",
            Class::Absent,
        ),
    ];
    for (person, because, class) in cases {
        let subject = person.subject.clone();
        let decision = ruled(&with(person), When::Departed);
        assert_eq!(decision.verdict, Ruling::Act, "{because}");
        assert_eq!(decision.does, Some(Do::Disable));
        assert_eq!(decision.because.as_str(), because);
        assert_eq!(decision.class, Some(class));
        assert_eq!(decision.persons, [subject]);
        assert_eq!(decision.directories, [name("corp")]);
        assert!(decision.leaver_still_in, "until it is done");
        assert!(decision.evidence.contains(&31) && decision.evidence.contains(&40));
    }
}

#[test]
fn the_future_and_a_lock_for_a_while_are_no_departure() {
    let mut row = leaving(ago(-1));
    row.facts.expires_at = Some(ago(-1));
    row.facts.disabled_by = Some("endDate".to_owned());
    row.facts.disabled_at = Some(ago(-1));
    row.facts.locked_for_a_while = true;
    let decision = ruled(&with(row.clone()), When::Departed);
    assert_eq!(decision.verdict, Ruling::Keep);
    assert!(!decision.leaver_still_in);
    assert_eq!(
        ruled(&with(missed(row)), When::Departed).verdict,
        Ruling::Keep
    );
}

#[test]
fn the_strongest_fact_names_the_departure() {
    let mut row = absent(disabled_person("corp", ago(200)));
    let decision = ruled(&with(row.clone()), When::Departed);
    assert_eq!(decision.because.as_str(), "leaver.disabled");
    row.facts.leave_at = Some(ago(1));
    let decision = ruled(&with(row), When::Departed);
    assert_eq!(decision.because.as_str(), "leaver.leave-date");
    assert_eq!(decision.since, Some(ago(1)));
    for seq in [31, 32, 33, 34, 40] {
        assert!(decision.evidence.contains(&seq), "all are listed: {seq}");
    }
}

#[test]
fn a_removal_needs_stronger_evidence_than_a_disabling() {
    let removal = |person: PersonRow| {
        let mut facts = with(person);
        disabled_at(&mut facts, ago(31));
        ruled(&facts, When::Departed)
    };
    let strong = [
        leaving(ago(31)),
        absent(person("s_1", "corp")),
        disabled_person("corp", ago(90)),
    ];
    for person in strong {
        let decision = removal(person);
        assert_eq!(decision.verdict, Ruling::Act);
        assert_eq!(decision.does, Some(Do::Remove));
        assert!(!decision.leaver_still_in, "it cannot sign in");
    }
    for person in [disabled_person("corp", ago(89)), expired(ago(89))] {
        let decision = removal(person);
        assert_eq!(decision.verdict, Ruling::Withhold);
        assert_eq!(blocked(&decision), ["block.evidence-too-weak"]);
        assert_eq!(decision.due, Some(ago(-1)), "when it will be enough");
    }
}

#[test]
fn enabled_in_another_authoritative_directory_withholds() {
    let mut facts = leaver_facts();
    facts.links.push(linked(person("s_2", "hr")));
    let decision = ruled(&facts, When::Departed);
    assert_eq!(decision.verdict, Ruling::Withhold);
    assert_eq!(blocked(&decision), ["block.enabled-elsewhere"]);
    assert!(!decision.leaver_still_in, "they have not left the house");

    let scope = facts.links.last_mut().unwrap();
    scope.authoritative = false;
    assert_eq!(ruled(&facts, When::Departed).verdict, Ruling::Act);
}

#[test]
fn missed_and_not_confirmed_elsewhere_withholds_and_stays_in() {
    let mut facts = leaver_facts();
    facts.links.push(linked(missed(person("s_2", "hr"))));
    let decision = ruled(&facts, When::Departed);
    assert_eq!(blocked(&decision), ["block.absence-unconfirmed"]);
    assert!(decision.leaver_still_in);
}

#[test]
fn a_list_of_leavers_says_nothing_by_leaving_somebody_out() {
    let mut row = absent(person("s_1", "leavers"));
    row.facts.leave_at = Some(ago(5));
    let mut facts = with(row);
    let link = facts.links.first_mut().unwrap();
    link.lists_everybody = false;
    let decision = ruled(&facts, When::Departed);
    assert_eq!(decision.verdict, Ruling::Keep, "taken off the list again");

    let link = facts.links.first_mut().unwrap();
    let listed = link.person.as_mut().unwrap();
    (listed.missed, listed.absent) = (None, None);
    assert_eq!(ruled(&facts, When::Departed).verdict, Ruling::Act);
}

#[test]
fn old_or_broken_reads_of_the_directory_withhold() {
    let cases = [
        (Verdict::Complete, ago(2), "block.source-stale"),
        (Verdict::Partial, ago(0), "block.source-partial"),
        (Verdict::Failed, ago(0), "block.source-failed"),
        (Verdict::Suspect, ago(0), "block.source-suspect"),
    ];
    for (verdict, rec, code) in cases {
        let mut facts = leaver_facts();
        let link = facts.links.first_mut().unwrap();
        let source = link.source.as_mut().unwrap();
        source.last.verdict = verdict;
        source.last.rec = rec;
        let decision = ruled(&facts, When::Departed);
        assert_eq!(decision.verdict, Ruling::Withhold);
        assert_eq!(blocked(&decision), [code]);
        assert!(decision.leaver_still_in);
    }
}

#[test]
fn a_step_asks_every_directory_that_could_know_better() {
    let mut read = source("hr", SourceKind::Directory);
    (read.last.seq, read.last.rec) = (91, ago(2));
    let mut failed = read.clone();
    (failed.last.verdict, failed.last.rec) = (Verdict::Failed, ago(0));
    let cases = [
        (None, "block.source-never-read"),
        (Some(read), "block.source-stale"),
        (Some(failed), "block.source-failed"),
    ];
    for (source, code) in cases {
        let mut facts = with(leaving(ago(31)));
        let cited = source.as_ref().map(|source| source.last.seq);
        let mut other = unlinked("hr");
        other.source = source;
        facts.links.push(other);
        let decision = ruled(&facts, When::Departed);
        assert_eq!(blocked(&decision), [code], "before a disabling");
        assert!(decision.leaver_still_in);
        assert!(
            cited.is_none_or(|seq| decision.evidence.contains(&seq)),
            "the read is evidence, so that it can be decided again"
        );
        // a list of leavers knows nobody who stays, and a scope list has no say
        facts.links.last_mut().unwrap().lists_everybody = false;
        assert_eq!(ruled(&facts, When::Departed).verdict, Ruling::Act);
        let other = facts.links.last_mut().unwrap();
        (other.lists_everybody, other.authoritative) = (true, false);
        assert_eq!(ruled(&facts, When::Departed).verdict, Ruling::Act);
        // what a named person says waits for no directory
        facts.links.last_mut().unwrap().authoritative = true;
        let person = facts.links.first_mut().unwrap().person.as_mut();
        person.unwrap().named = Some(stated(ago(1)));
        assert_eq!(ruled(&facts, When::Departed).verdict, Ruling::Act);
        // only what lasts does
        disabled_at(&mut facts, ago(31));
        assert_eq!(blocked(&ruled(&facts, When::Departed)), [code]);
    }
}

#[test]
fn a_word_outlives_the_say_of_the_directory_that_has_its_person() {
    let mut row = disabled_person("hr", ago(3));
    let mut facts = with(row.clone());
    facts.links.first_mut().unwrap().authoritative = false;
    assert_eq!(ruled(&facts, When::Departed).verdict, Ruling::Keep);
    row.named = Some(stated(ago(1)));
    facts.links.first_mut().unwrap().person = Some(row);
    let decision = ruled(&facts, When::Departed);
    assert_eq!(decision.because.as_str(), "leaver.named");
    assert_eq!(decision.verdict, Ruling::Act);
    assert!(decision.leaver_still_in);
}

#[test]
fn a_doubtful_leaver_is_withheld_and_still_in_only_if_all_have_left() {
    let mut facts = facts();
    logged_in(&mut facts, ago(2));
    let left = disabled_person("corp", ago(1));
    let both = vec![left.clone(), person("s_2", "corp")];
    facts.links = vec![doubtful("block.ambiguous-identity", both)];
    let decision = ruled(&facts, When::Departed);
    assert_eq!(decision.verdict, Ruling::Withhold);
    assert_eq!(blocked(&decision), ["block.ambiguous-identity"]);
    assert!(!decision.leaver_still_in);

    facts.links = vec![doubtful("block.recycled-address", vec![left])];
    let decision = ruled(&facts, When::Departed);
    assert_eq!(blocked(&decision), ["block.recycled-address"]);
    assert!(decision.leaver_still_in);
}

#[test]
fn a_leaver_without_any_policy_is_told_of_with_all_that_stands_in_the_way() {
    let mut facts = leaver_facts();
    facts.account.facts.protected.insert(Protection::Admin);
    let decision = decide(&facts, &set(&[]), now());
    assert_eq!(decision.verdict, Ruling::Withhold);
    assert_eq!(
        blocked(&decision),
        ["block.protected-admin", "block.no-policy"]
    );
    assert!(decision.leaver_still_in);
}

#[test]
fn days_after_the_departure_are_waited_for() {
    let mut rule = policy(When::Departed);
    rule.after_days = 3;
    let decision = decide(&leaver_facts(), &set(&[rule]), now());
    assert_eq!(decision.verdict, Ruling::Wait);
    assert_eq!(decision.due, Some(ago(-2)));
    assert!(decision.leaver_still_in);
    let sum = decision.arithmetic.first().unwrap();
    assert_eq!((sum.has_s, sum.needs_s), (86_400, 3 * 86_400));
}

#[test]
fn a_return_cancels() {
    let mut facts = leaver_facts();
    let act = ruled(&facts, When::Departed);
    before(&mut facts, act);
    facts.links = vec![linked(person("s_person", "corp"))];
    let decision = ruled(&facts, When::Departed);
    assert_eq!(decision.verdict, Ruling::Keep);
    assert_eq!(decision.because.as_str(), "cancel.return");
}

#[test]
fn somebody_who_is_back_is_not_taken_further_because_we_had_disabled_them() {
    let mut facts = with(person("s_person", "corp"));
    disabled_at(&mut facts, ago(200));
    logged_in(&mut facts, ago(300));
    let mut ours = command(70, Do::Disable, ago(200), Some(CommandResult::Done));
    ours.class = Class::Explicit;
    facts.commands = vec![ours];
    for when in [When::Inactive, When::Disabled] {
        let decision = ruled(&facts, when);
        assert_eq!(decision.because.as_str(), "keep.returned", "{when:?}");
    }
}

fn stated(at: Time) -> crate::domain::rows::Stated {
    crate::domain::rows::Stated {
        seq: 35,
        at,
        said: ago(1),
    }
}

#[test]
fn a_named_leaver_leaves_at_once_though_every_directory_has_them() {
    let mut row = person("s_1", "hr");
    row.named = Some(stated(ago(1)));
    let mut facts = with(row);
    let mut other = person("s_2", "corp");
    other.named = Some(stated(ago(1)));
    facts.links.push(linked(other));
    for link in &mut facts.links {
        link.source.as_mut().unwrap().last.verdict = Verdict::Failed;
    }
    let mut rule = policy(When::Departed);
    rule.after_days = 14;
    let decision = decide(&facts, &set(&[rule]), now());
    assert_eq!(decision.verdict, Ruling::Act, "{:?}", decision.blocked);
    assert_eq!(decision.because.as_str(), "leaver.named");
    assert_eq!(decision.class, Some(Class::Named));
    assert_eq!(decision.directories, [], "it rests on no directory");
    assert!(decision.evidence.contains(&35) && decision.leaver_still_in);

    let mut protected = facts.clone();
    protected.account.facts.protected.insert(Protection::Owner);
    let decision = ruled(&protected, When::Departed);
    assert_eq!(blocked(&decision), ["block.protected-owner"]);
    assert!(decision.leaver_still_in);

    // somebody of another directory, about whom it was not said, could share the address
    let mut shared = facts.clone();
    let last = shared.links.last_mut().unwrap();
    last.person.as_mut().unwrap().named = None;
    let decision = ruled(&shared, When::Departed);
    assert_eq!(blocked(&decision), ["block.enabled-elsewhere"]);
    assert!(decision.leaver_still_in);

    for link in &mut facts.links {
        link.person.as_mut().unwrap().named = Some(stated(ago(-1)));
    }
    assert_eq!(
        ruled(&facts, When::Departed).verdict,
        Ruling::Keep,
        "not yet"
    );
}

#[test]
fn a_removal_of_a_named_leaver_asks_the_directories_first() {
    let mut row = person("s_1", "hr");
    row.named = Some(stated(ago(40)));
    let mut facts = with(row);
    disabled_at(&mut facts, ago(31));
    assert_eq!(ruled(&facts, When::Departed).does, Some(Do::Remove));
    assert_eq!(ruled(&facts, When::Departed).verdict, Ruling::Act);
    let link = facts.links.first_mut().unwrap();
    link.source.as_mut().unwrap().last.verdict = Verdict::Suspect;
    let decision = ruled(&facts, When::Departed);
    assert_eq!(blocked(&decision), ["block.source-suspect"]);
}

#[test]
fn an_account_that_was_named_itself_needs_no_person() {
    let mut facts = facts();
    logged_in(&mut facts, ago(2));
    facts.account.named = Some(stated(ago(1)));
    facts.links = vec![doubtful(
        "block.address-not-verified",
        vec![person("s_2", "corp")],
    )];
    let decision = ruled(&facts, When::Departed);
    assert_eq!(decision.verdict, Ruling::Act, "{:?}", decision.blocked);
    assert!(decision.persons.is_empty());
    before(&mut facts, decision);
    facts.account.named = None;
    let decision = ruled(&facts, When::Departed);
    assert_eq!(decision.because.as_str(), "cancel.return");
}

#[test]
fn what_is_said_after_a_restore_counts_although_it_is_about_an_earlier_day() {
    let mut row = person("s_1", "hr");
    row.named = Some(stated(ago(30)));
    let mut facts = with(row);
    let mut back = command(70, Do::Restore, ago(10), Some(CommandResult::Done));
    back.class = Class::Named;
    facts.commands = vec![back.clone()];
    assert_eq!(ruled(&facts, When::Departed).verdict, Ruling::Act);
    back.at = ago(0);
    facts.commands = vec![back];
    let decision = ruled(&facts, When::Departed);
    assert_eq!(blocked(&decision), ["block.restored"]);
}

#[test]
fn a_word_about_a_later_day_is_not_held_up_by_a_restore_in_between() {
    let mut row = person("s_1", "hr");
    // said 30 days ago, for yesterday; the account was given back 10 days ago
    row.named = Some(crate::domain::rows::Stated {
        said: ago(30),
        ..stated(ago(1))
    });
    let mut facts = with(row);
    let mut back = command(70, Do::Restore, ago(10), Some(CommandResult::Done));
    back.class = Class::Named;
    facts.commands = vec![back];
    let decision = ruled(&facts, When::Departed);
    assert_eq!(decision.verdict, Ruling::Act, "{:?}", decision.blocked);
}

#[test]
fn a_tombstone_is_nobody_who_stays_and_lets_things_be_removed() {
    let mut row = person("s_1", "corp");
    row.facts.deleted_by = Some("isDeleted".to_owned());
    row.facts.deleted_at = Some(ago(31));
    let mut facts = with(row);
    let decision = ruled(&facts, When::Departed);
    assert_eq!(decision.verdict, Ruling::Act);
    assert_eq!(decision.class, Some(Class::Explicit));
    disabled_at(&mut facts, ago(31));
    assert_eq!(ruled(&facts, When::Departed).does, Some(Do::Remove));
    facts.links.push(linked(person("s_2", "hr")));
    let decision = ruled(&facts, When::Departed);
    assert_eq!(blocked(&decision), ["block.enabled-elsewhere"]);
}

#[test]
fn directories_that_disagree_are_a_finding_and_a_scope_list_never_is_evidence() {
    use crate::domain::contradiction::contradictions;
    let mut facts = leaver_facts();
    facts.links.push(linked(person("s_2", "hr")));
    let mut listed = linked(person("s_3", "scope"));
    listed.authoritative = false;
    facts.links.push(listed);
    let found = contradictions([&facts, &facts], now());
    assert_eq!(found.len(), 1, "{found:?}");
    let finding = found.first().unwrap();
    assert_eq!(finding.kind.as_str(), "finding.directories-disagree");
    assert_eq!(finding.subject.as_str(), "s_person");
    assert_eq!(finding.directory, Some(name("corp")));
    let others: Vec<_> = finding.others.iter().map(|o| o.as_str()).collect();
    assert_eq!(
        others,
        ["s_2", "s_account"],
        "not the one of the scope list"
    );
    assert_eq!(finding.since, ago(1));
    for seq in [31, 32, 40] {
        assert!(finding.evidence.contains(&seq), "{seq}");
    }

    let mut gone = facts.clone();
    gone.links.get_mut(1).unwrap().authoritative = false;
    assert_eq!(contradictions([&gone], now()), [], "one voice");
    let mut leavers = facts.clone();
    leavers.links.get_mut(1).unwrap().lists_everybody = false;
    assert_eq!(
        contradictions([&leavers], now()),
        [],
        "a list of leavers only names leavers"
    );
    let mut said = facts;
    said.links.remove(0);
    said.links.push(linked(person("s_9", "corp")));
    let first = said.links.first_mut().unwrap();
    first.person.as_mut().unwrap().named = Some(stated(ago(1)));
    assert_eq!(contradictions([&said], now()), [], "no directory says so");
}
