//! What can stand between a finding and a step.

use std::collections::BTreeSet;

use crate::domain::account::Do;
use crate::domain::account::Protection;
use crate::domain::attempts::Failures;
use crate::domain::attempts::RETRY_LATER;
use crate::domain::attempts::SET_ASIDE;
use crate::domain::code::Code;
use crate::domain::decide::Case;
use crate::domain::decide::Leaver;
use crate::domain::decide::LinkFacts;
use crate::domain::departure::DISABLED_DAYS_FOR_REMOVAL;
use crate::domain::departure::stated_of;
use crate::domain::id::Seq;
use crate::domain::lost::LostHold;
use crate::domain::policy::Policy;
use crate::domain::policy::Ring;
use crate::domain::policy::seconds;
use crate::domain::rows::Decision;
use crate::domain::rows::HoldRow;
use crate::domain::rows::KeptMark;
use crate::domain::rows::SourceRow;
use crate::domain::rows::When;
use crate::domain::rows::hold_codes;
use crate::domain::source::Verdict;
use crate::domain::task;
use crate::domain::time::DAY_SECONDS;
use crate::domain::time::Time;
use crate::domain::trigger;
use crate::domain::trigger::Match;

/// What blocks a finding until somebody changes something, the gravest first.
pub(crate) fn lasting(case: &Case<'_>, found: &Match<'_>, does: Option<Do>) -> Vec<Code> {
    let leaves = found.policy.when == When::Departed;
    let mut blocked = hold_codes(held(case, does, leaves));
    unresolved(case, does, leaves, &mut blocked);
    in_doubt(case, &mut blocked);
    if let Some(leaver) = departed(case, found.policy) {
        blocked.extend(leaver.elsewhere.clone());
    }
    identity(case, found.policy.when, &mut blocked);
    // what two approvers have released is released for whoever has left, and for nobody else
    let released = match leaves {
        true => task::permitted(case, does),
        false => BTreeSet::new(),
    };
    untouchable(case, &released, &mut blocked);
    // what a named person says counts from when they said it, and not before it holds
    let said = departed(case, found.policy).filter(|leaver| leaver.is_named());
    let begun = said.map_or(found.since, |leaver| {
        Some(leaver.departure.seen().max(leaver.departure.since))
    });
    if trigger::restored_since(case, found.policy.when, begun) {
        blocked.push(Code::new("block.restored"));
    }
    if kept(case, found).is_some() {
        blocked.push(Code::new("block.kept-by-reviewer"));
    }
    if does.is_none() {
        blocked.push(Code::new("block.step-impossible"));
    }
    blocked.extend(ring(case, found.policy));
    dedup(blocked)
}

/// Adds what blocks a step now and may be otherwise after the next read or with time.
pub(crate) fn passing(
    case: &Case<'_>,
    found: &Match<'_>,
    does: Option<Do>,
    decision: &mut Decision,
) {
    let mut blocked = Vec::new();
    let leaver = departed(case, found.policy);
    blocked.extend(distrust(case, Some(&case.facts.tenant)));
    for link in &case.facts.links {
        let rests_on = found.directories.contains(&link.directory);
        let linked = link.authoritative && link.linked_person().is_some();
        // Whoever has left one directory may stand in another: each that could know them must have
        // been asked lately, whether it has shown a person behind this account or not.
        let asked = link.authoritative && link.lists_everybody;
        // a named person's word needs no directory, until something is done that lasts
        let named = leaver.is_some_and(Leaver::is_named) && does != Some(Do::Remove);
        if rests_on || (leaver.is_some() && (linked || asked) && !named) {
            blocked.extend(distrust(case, link.source.as_ref()));
            let read = link.source.as_ref().map(|s| s.last.seq);
            decision.evidence.extend(read);
        }
    }
    if let Some(leaver) = leaver.filter(|_| does == Some(Do::Remove)) {
        let needs_s = DISABLED_DAYS_FOR_REMOVAL.saturating_mul(DAY_SECONDS);
        match leaver.removal_from {
            Some(from) if from <= case.now => {}
            Some(from) => {
                let since = from.plus_seconds(needs_s.saturating_neg());
                decision
                    .arithmetic
                    .push(case.sum("sum.evidence", since, needs_s));
                decision.due = decision.due.max(Some(from));
                blocked.push(Code::new("block.evidence-too-weak"));
            }
            None => blocked.push(Code::new("block.evidence-too-weak")),
        }
    }
    blocked.extend(failed_before(case, does, decision));
    blocked.append(&mut decision.blocked);
    decision.blocked = dedup(blocked);
}

/// Whether the tenant has refused this step before, so that it waits or is set aside.
fn failed_before(case: &Case<'_>, does: Option<Do>, decision: &mut Decision) -> Option<Code> {
    let facts = case.facts;
    let failures = Failures::of(&facts.commands, does?, facts.account.cleared)?;
    decision.evidence.push(failures.seq);
    if failures.are_set_aside() {
        return Some(Code::new(SET_ASIDE));
    }
    let next = failures.next(decision.class);
    if next <= case.now {
        return None;
    }
    decision.due = decision.due.max(Some(next));
    Some(Code::new(RETRY_LATER))
}

/// What blocks a leaver's account whatever the policy says.
pub(crate) fn of_leaver(case: &Case<'_>, leaver: &Leaver) -> Vec<Code> {
    let mut blocked = hold_codes(held(case, Some(Do::Disable), true));
    unresolved(case, Some(Do::Disable), true, &mut blocked);
    in_doubt(case, &mut blocked);
    blocked.extend(leaver.elsewhere.clone());
    identity(case, When::Departed, &mut blocked);
    untouchable(case, &BTreeSet::new(), &mut blocked);
    dedup(blocked)
}

/// What stands between an account and any step of a policy, whatever the policy finds.
pub(crate) fn standing(case: &Case<'_>, policy: &Policy) -> Vec<Code> {
    let leaves = policy.when == When::Departed;
    let mut blocked = hold_codes(held(case, None, leaves));
    unresolved(case, None, leaves, &mut blocked);
    untouchable(case, &BTreeSet::new(), &mut blocked);
    blocked.extend(ring(case, policy));
    dedup(blocked)
}

/// The holds that forbid a step, for which somebody has left or not.
pub(crate) fn held<'c>(
    case: &'c Case<'_>,
    does: Option<Do>,
    leaves: bool,
) -> impl Iterator<Item = &'c HoldRow> {
    let forbids = move |hold: &&HoldRow| hold.forbids(does, leaves, case.now);
    case.facts.holds.iter().filter(forbids)
}

/// The holds of which nobody knows any more over whom they are, and which forbid a step if they are
/// over this account.
fn lost_holds<'c>(
    case: &'c Case<'_>,
    does: Option<Do>,
    leaves: bool,
) -> impl Iterator<Item = &'c LostHold> {
    let forbids = move |lost: &&LostHold| lost.hold.forbids(does, leaves, case.now);
    case.facts.lost_holds.iter().filter(forbids)
}

/// Somebody is held who could be behind the account: nobody knows until an approver has looked.
fn unresolved(case: &Case<'_>, does: Option<Do>, leaves: bool, blocked: &mut Vec<Code>) {
    if lost_holds(case, does, leaves).next().is_some() {
        blocked.push(Code::new("block.hold-unresolved"));
    }
}

/// The entries by which people keep a step from an account or let it go on: holds, a reviewer's word,
/// and releases.
pub(crate) fn said(case: &Case<'_>, found: &Match<'_>, does: Option<Do>) -> Vec<Seq> {
    let leaves = found.policy.when == When::Departed;
    let holds = held(case, does, leaves).map(|hold| hold.seq);
    let lost = lost_holds(case, does, leaves).flat_map(|lost| [lost.hold.seq, lost.over.seq]);
    let kept = kept(case, found).map(|mark| mark.seq);
    let released = task::released(case).into_iter().map(|mark| mark.seq);
    let released = released.filter(|_| leaves);
    holds.chain(lost).chain(kept).chain(released).collect()
}

/// The word of a reviewer who left the account out of a plan, while it holds: until its review date,
/// and for the finding that they saw. What is found otherwise, or has begun since (they came back
/// and left again, logged in and fell silent anew), they have not seen.
pub(crate) fn kept<'c>(case: &'c Case<'_>, found: &Match<'_>) -> Option<&'c KeptMark> {
    let holds = |mark: &&KeptMark| {
        let seen = match found.policy.when {
            // a clear-out rests on nothing that could be new
            When::Everyone => true,
            _ => found.since.is_none_or(|since| since <= mark.at),
        };
        case.now < mark.until && mark.when == found.policy.when && mark.class == found.class && seen
    };
    case.facts.kept.iter().find(holds)
}

fn departed<'c>(case: &'c Case<'_>, policy: &Policy) -> Option<&'c Leaver> {
    case.leaver
        .as_ref()
        .filter(|_| policy.when == When::Departed)
}

fn in_doubt(case: &Case<'_>, blocked: &mut Vec<Code>) {
    if case.facts.commands.iter().any(|c| c.is_open()) {
        blocked.push(Code::new("block.in-doubt"));
    }
}

/// To whom the account belongs is not certain.
fn identity(case: &Case<'_>, when: When, blocked: &mut Vec<Code>) {
    if when == When::Departed && stated_of(&case.facts.account, case.now).is_some() {
        // the account itself was named
        return;
    }
    let doubts = |link: &&LinkFacts| match when {
        // a clear-out asks nobody who they are
        When::Everyone => false,
        When::Departed => link.authoritative,
        // an address that was never confirmed is what an unused account looks like
        _ => link.doubt().is_some_and(|code| {
            !matches!(
                code.as_str(),
                "block.address-not-verified" | "block.rule-not-used"
            )
        }),
    };
    let links = case.facts.links.iter().filter(doubts);
    blocked.extend(links.filter_map(|l| l.doubt().cloned()));
}

/// The account is protected, or not ours to change.
fn untouchable(case: &Case<'_>, released: &BTreeSet<Protection>, blocked: &mut Vec<Code>) {
    let facts = &case.facts.account.facts;
    for protection in facts.protected.difference(released) {
        blocked.push(Code::new(protection.code()));
    }
    if trigger::is_machine(case) && !released.contains(&Protection::Service) {
        blocked.push(Code::new("block.protected-service"));
    }
    if facts.managed_by.is_some() {
        blocked.push(Code::new("block.provider-managed"));
    }
}

fn ring(case: &Case<'_>, policy: &Policy) -> Option<Code> {
    let code = match policy.ring {
        Ring::Observe => "block.ring-observe",
        Ring::Report => "block.ring-report",
        Ring::Pilot if !policy.in_pilot(&case.facts.account.subject) => "block.ring-pilot",
        Ring::Pilot | Ring::Enforce => return None,
    };
    Some(Code::new(code))
}

/// Why nothing may rest on a source now.
fn distrust(case: &Case<'_>, source: Option<&SourceRow>) -> Option<Code> {
    let Some(source) = source else {
        return Some(Code::new("block.source-never-read"));
    };
    let code = match source.last.verdict {
        Verdict::Suspect => "block.source-suspect",
        Verdict::Failed => "block.source-failed",
        Verdict::Partial => "block.source-partial",
        Verdict::Complete if is_old(source.last.rec, case) => "block.source-stale",
        Verdict::Complete => return None,
    };
    Some(Code::new(code))
}

fn is_old(read: Time, case: &Case<'_>) -> bool {
    let oldest_s = seconds(case.set.limits.read_max_age_hours, 3600);
    case.now.seconds_since(read) > oldest_s
}

fn dedup(codes: Vec<Code>) -> Vec<Code> {
    let mut unique: Vec<Code> = Vec::new();
    for code in codes {
        if !unique.contains(&code) {
            unique.push(code);
        }
    }
    unique
}
