//! What must hold for whatever comes in.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::domain::account::AccountKind;
use crate::domain::account::AccountState;
use crate::domain::account::Do;
use crate::domain::account::Protection;
use crate::domain::account::Signal;
use crate::domain::activity::ActivityState;
use crate::domain::decide::Facts;
use crate::domain::decide::decide;
use crate::domain::decide::silence;
use crate::domain::decide::tests::holds::hold;
use crate::domain::decide::tests::*;
use crate::domain::hold::HoldKind;
use crate::domain::policy::Ring;
use crate::domain::rows::Missed;
use crate::domain::rows::PersonRow;
use crate::domain::rows::Ruling;
use crate::domain::rows::When;
use crate::domain::source::SignalProof;
use crate::domain::source::Verdict;

fn any_when() -> impl Strategy<Value = When> {
    prop_oneof![
        Just(When::Departed),
        Just(When::Inactive),
        Just(When::NeverActivated),
        Just(When::Disabled),
        Just(When::Orphaned),
        Just(When::Everyone),
    ]
}

fn any_verdict() -> impl Strategy<Value = Verdict> {
    prop_oneof![
        6 => Just(Verdict::Complete),
        1 => Just(Verdict::Partial),
        1 => Just(Verdict::Failed),
        1 => Just(Verdict::Suspect),
    ]
}

fn any_proof(signal: Signal) -> impl Strategy<Value = SignalProof> {
    (
        prop::bool::weighted(0.8),
        option::weighted(0.9, 0_i64..400),
        option::weighted(0.9, 0_i64..30),
        option::weighted(0.7, 0_u64..200_000),
    )
        .prop_map(move |(complete, horizon, until_hours, precision)| {
            let mut proof = proof(signal, now(), precision);
            proof.complete = complete;
            proof.horizon = horizon.map(ago);
            proof.until = until_hours.map(|h| now().plus_seconds(-3600 * h));
            proof
        })
}

fn any_person(directory: &'static str) -> impl Strategy<Value = PersonRow> {
    (
        option::of(-50_i64..200),
        option::of(-50_i64..200),
        option::of(-50_i64..200),
        any::<bool>(),
        0..4_u8,
        prop::bits::u8::masked(0b1111),
    )
        .prop_map(move |(leave, expires, disabled, locked, absence, signs)| {
            let mut row = person(&format!("s_{directory}"), directory);
            row.facts.leave_at = leave.map(ago);
            row.facts.expires_at = expires.map(ago);
            row.facts.locked_for_a_while = locked;
            // each of the rarer signs in a quarter of the people or fewer
            row.facts.in_leavers_unit = signs & 0b11 == 0b11;
            row.facts.outside_group = signs & 0b101 == 0b101;
            row.facts.deleted_by = (signs == 0b1111).then(|| "isDeleted".to_owned());
            row.facts.left_by = (signs & 0b1010 == 0b1010).then(|| "employeeType".to_owned());
            if let Some(days) = disabled {
                row.facts.disabled_by = Some("lock".to_owned());
                row.disabled = Some(Mark {
                    seq: 32,
                    since: ago(days),
                });
            }
            row.missed = (absence > 1).then(|| Missed {
                seq: 33,
                since: ago(3),
                reads: 2,
            });
            row.absent = (absence > 2).then(|| Mark {
                seq: 34,
                since: ago(2),
            });
            row
        })
}

fn any_link(directory: &'static str) -> impl Strategy<Value = LinkFacts> {
    (
        any_person(directory),
        0..4_u8,
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.8),
        any_verdict(),
        0_i64..30,
    )
        .prop_map(
            move |(person, kind, authoritative, everybody, verdict, h)| {
                let mut link = match kind {
                    0 => unlinked(directory),
                    1 => doubtful("block.ambiguous-identity", vec![person]),
                    _ => linked(person),
                };
                link.directory = name(directory);
                link.authoritative = authoritative;
                link.lists_everybody = everybody;
                if let Some(source) = &mut link.source {
                    source.last.verdict = verdict;
                    source.last.rec = now().plus_seconds(-3600 * h);
                }
                link
            },
        )
}

fn any_account() -> impl Strategy<Value = Facts> {
    let state = prop_oneof![
        4 => Just(AccountState::Active),
        2 => Just(AccountState::Disabled),
        1 => Just(AccountState::Invited),
    ];
    let kind = prop_oneof![
        6 => Just(AccountKind::Human),
        1 => Just(AccountKind::Guest),
        1 => Just(AccountKind::Service),
    ];
    let protected = prop_oneof![
        5 => Just(None),
        1 => Just(Some(Protection::Owner)),
        1 => Just(Some(Protection::Listed)),
    ];
    (
        state,
        kind,
        protected,
        option::of(0_i64..500),
        0_i64..500,
        option::of(0_i64..400),
        any::<bool>(),
    )
        .prop_map(
            |(state, kind, protected, created, seen, disabled, called)| {
                let mut facts = facts();
                facts.account.facts.state = state;
                facts.account.facts.kind = kind;
                facts.account.facts.protected = protected.into_iter().collect();
                facts.account.facts.created_at = created.map(ago);
                facts.account.first_seen = ago(seen);
                if let (AccountState::Disabled, Some(days)) = (state, disabled) {
                    disabled_at(&mut facts, ago(days));
                }
                facts.called = called.then(|| "rule".to_owned());
                facts
            },
        )
}

fn any_command() -> impl Strategy<Value = CommandRow> {
    let result = prop_oneof![
        Just(CommandResult::Done),
        Just(CommandResult::Already),
        Just(CommandResult::Refused),
        Just(CommandResult::Failed),
        Just(CommandResult::Unknown),
    ];
    (
        60_u64..100,
        any::<bool>(),
        0_i64..60,
        option::weighted(0.9, result),
        any::<bool>(),
    )
        .prop_map(|(seq, removes, days, result, confirmed)| {
            let does = if removes { Do::Remove } else { Do::Disable };
            let mut command = command(seq, does, ago(days), result);
            command.confirmed = confirmed.then_some(seq + 2);
            command
        })
}

fn any_facts() -> impl Strategy<Value = Facts> {
    let proofs = (
        option::weighted(0.9, any_proof(Signal::Login)),
        option::of(any_proof(Signal::Audit)),
    );
    let logins = (option::of(0_i64..400), option::of(0_i64..400));
    let links = (option::of(any_link("corp")), option::of(any_link("hr")));
    let days = prop_oneof![Just(30_u64), Just(7)];
    let notices = vec((0_i64..120, days, Just("written")), 0..4);
    let commands = vec(any_command(), 0..3);
    (
        any_account(),
        proofs,
        logins,
        links,
        notices,
        commands,
        any_verdict(),
    )
        .prop_map(
            |(mut facts, proofs, logins, links, notices, commands, verdict)| {
                facts.tenant.activity = [proofs.0, proofs.1].into_iter().flatten().collect();
                facts.tenant.last.verdict = verdict;
                if let Some(days) = logins.0 {
                    seen(&mut facts, Signal::Login, ago(days));
                }
                if let Some(days) = logins.1 {
                    seen(&mut facts, Signal::Audit, ago(days));
                }
                facts.links = [links.0, links.1].into_iter().flatten().collect();
                warned(&mut facts, &notices);
                facts.commands = commands;
                facts
            },
        )
}

/// Adds a success, unless a newer one is known.
fn seen(facts: &mut Facts, signal: Signal, at: Time) {
    let subject = facts.account.subject.clone();
    let row = facts.activity.get_or_insert_with(|| ActivityRow {
        subject,
        newest: BTreeMap::new(),
    });
    let mark = Mark { seq: 20, since: at };
    let newest = row.newest.entry(signal).or_insert(mark);
    newest.since = newest.since.max(at);
}

fn acts(facts: &Facts, when: When) -> bool {
    ruled(facts, when).verdict == Ruling::Act
}

fn proved(facts: &Facts, days: u64, at: Time) -> bool {
    matches!(
        silence(facts, &set(&[]), days, at),
        ActivityState::NoneSince { .. }
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_same_facts_give_the_same_answer(facts in any_facts(), when in any_when()) {
        prop_assert_eq!(ruled(&facts, when), ruled(&facts.clone(), when));
    }

    #[test]
    fn unknown_activity_never_acts_for_inactivity(facts in any_facts()) {
        if !proved(&facts, 90, now()) {
            prop_assert!(!acts(&facts, When::Inactive));
        }
    }

    #[test]
    fn the_protected_are_never_touched(mut facts in any_facts(), when in any_when()) {
        facts.account.facts.protected.insert(Protection::Admin);
        let verdict = ruled(&facts, when).verdict;
        prop_assert!(verdict != Ruling::Act && verdict != Ruling::Warn);
    }

    #[test]
    fn the_held_are_never_touched(
        mut facts in any_facts(),
        when in any_when(),
        kind in select(HoldKind::ALL),
    ) {
        facts.holds.push(hold(kind));
        let decision = ruled(&facts, when);
        let disables = (decision.when, decision.does) == (Some(When::Departed), Some(Do::Disable));
        if kind != HoldKind::Legal || !disables {
            prop_assert!(decision.verdict != Ruling::Act && decision.verdict != Ruling::Warn);
        }
    }

    #[test]
    fn nothing_acts_or_warns_in_the_outer_rings(facts in any_facts(), when in any_when()) {
        for ring in [Ring::Observe, Ring::Report] {
            let mut rule = policy(when);
            rule.ring = ring;
            let verdict = decide(&facts, &set(&[rule]), now()).verdict;
            prop_assert!(verdict != Ruling::Act && verdict != Ruling::Warn);
        }
    }

    #[test]
    fn enabled_elsewhere_never_acts_as_departed(mut facts in any_facts()) {
        facts.links.retain(|l| l.directory.as_str() != "hr");
        facts.links.push(linked(person("s_hr", "hr")));
        prop_assert!(!acts(&facts, When::Departed));
    }

    #[test]
    fn nothing_acts_on_a_read_that_is_not_whole(mut facts in any_facts(), when in any_when()) {
        facts.tenant.last.verdict = Verdict::Failed;
        prop_assert!(!acts(&facts, when));
    }

    #[test]
    fn nothing_acts_while_a_call_is_in_doubt(mut facts in any_facts(), when in any_when()) {
        let open = command(99, Do::Disable, ago(0), Some(CommandResult::Unknown));
        facts.commands.push(open);
        prop_assert!(!acts(&facts, when));
    }

    #[test]
    fn more_activity_never_makes_a_step(facts in any_facts(), days in 0_i64..400) {
        let mut facts = facts;
        // Without a date of creation a login also says that the account was there by then; that it
        // was is known in both cases.
        let account = &mut facts.account;
        account.first_seen = account.first_seen.min(ago(days));
        let mut more = facts.clone();
        seen(&mut more, Signal::Login, ago(days));
        if !acts(&facts, When::Inactive) {
            prop_assert!(!acts(&more, When::Inactive));
        }
    }

    #[test]
    fn silence_for_long_is_silence_for_less(
        facts in any_facts(),
        long in 1_u64..300,
        less in 0_u64..300,
    ) {
        if proved(&facts, long, now()) {
            prop_assert!(proved(&facts, long.min(less), now()));
        }
    }

    #[test]
    fn silence_only_grows_while_nothing_happens(facts in any_facts(), hours in 0_i64..1000) {
        if proved(&facts, 90, now()) {
            let mut later = facts.clone();
            for proof in &mut later.tenant.activity {
                // every walk since then was whole and saw nothing
                proof.until = proof.until.map(|until| until.plus_seconds(3600 * hours));
            }
            prop_assert!(proved(&later, 90, now().plus_seconds(3600 * hours)));
        }
    }

    #[test]
    fn a_leaver_who_can_sign_in_is_always_told_of(mut facts in any_facts(), when in any_when()) {
        let mut left = person("s_corp", "corp");
        left.facts.leave_at = Some(ago(1));
        facts.links = vec![linked(left)];
        facts.account.facts.state = AccountState::Active;
        facts.commands.clear();
        prop_assert!(ruled(&facts, when).leaver_still_in);
    }

    #[test]
    fn what_acts_has_every_field_that_a_step_needs(facts in any_facts(), when in any_when()) {
        let decision = ruled(&facts, when);
        if decision.verdict == Ruling::Act {
            prop_assert!(decision.policy.is_some() && decision.does.is_some());
            prop_assert!(decision.class.is_some() && decision.blocked.is_empty());
            prop_assert!(decision.due.is_some_and(|due| due <= now()));
        } else if decision.verdict == Ruling::Withhold {
            prop_assert!(!decision.blocked.is_empty());
        }
    }
}
