//! One pure function from facts, policy and a moment to what is to be done about an account.
//!
//! Live runs, dry runs, `why`, as-of and `what-if` are all this function. It never opens the vault,
//! so it gives the same answer after an erasure.
//!
//! The order is: an account that is gone stays out of it; a departed person comes first; then the
//! first policy in the set's order whose trigger holds. What matches is then held against
//! everything that can block it (`blocks`), and only what nothing blocks warns or acts.

use std::collections::BTreeSet;

use crate::domain::account::AccountState;
use crate::domain::account::Do;
use crate::domain::activity::ActivityState;
use crate::domain::activity::Silence;
use crate::domain::blocks;
use crate::domain::code::Code;
use crate::domain::departure::Departure;
use crate::domain::departure::departure;
use crate::domain::departure::stated_of;
use crate::domain::id::Seq;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::lost::LostHold;
use crate::domain::person::Strength;
use crate::domain::policy::Capabilities;
use crate::domain::policy::Policy;
use crate::domain::policy::PolicySet;
use crate::domain::policy::seconds;
use crate::domain::rows::AccountRow;
use crate::domain::rows::ActivityRow;
use crate::domain::rows::Class;
use crate::domain::rows::CommandRow;
use crate::domain::rows::Decision;
use crate::domain::rows::DecisionRow;
use crate::domain::rows::HoldRow;
use crate::domain::rows::KeptMark;
use crate::domain::rows::LinkRow;
use crate::domain::rows::NoticeRow;
use crate::domain::rows::OrphanRow;
use crate::domain::rows::PersonRow;
use crate::domain::rows::Ruling;
use crate::domain::rows::SourceRow;
use crate::domain::rows::Sum;
use crate::domain::rows::TaskRow;
use crate::domain::rows::When;
use crate::domain::time::DAY_SECONDS;
use crate::domain::time::Time;
use crate::domain::trigger;
use crate::domain::trigger::Match;
use crate::domain::trigger::Trigger;

/// The version of the rules: it changes whenever [`decide`] can answer differently for the same
/// facts, so that a replay can tell a changed world from changed rules.
pub const RULES: u64 = 5;

/// Everything that a decision about one account may rest on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The account.
    pub account: AccountRow,
    /// The reads of its tenant.
    pub tenant: SourceRow,
    /// Its newest successes, if any were ever seen.
    pub activity: Option<ActivityRow>,
    /// One for every configured directory, linked or not.
    pub links: Vec<LinkFacts>,
    /// Every command for this account.
    pub commands: Vec<CommandRow>,
    /// Its warnings, by policy.
    pub notices: Vec<NoticeRow>,
    /// What reviewers have said who left it out of plans.
    pub kept: Vec<KeptMark>,
    /// The holds over it and over everybody to whom it belongs or could belong, ended ones too.
    pub holds: Vec<HoldRow>,
    /// The newest task about it, for a person to see to.
    pub task: Option<TaskRow>,
    /// The holds over those whose values are lost that could be about it.
    pub lost_holds: Vec<LostHold>,
    /// The newest decision about it.
    pub previous: Option<DecisionRow>,
    /// What somebody has said about it as an account without a person.
    pub orphan: Option<OrphanRow>,
    /// What its tenant can do.
    pub can: Capabilities,
    /// The policy that was called by name (`plan --policy`): only then, or from its date on, does
    /// one for everyone match, and then before all others.
    pub called: Option<String>,
}

/// What one directory says about an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkFacts {
    /// The directory.
    pub directory: SourceName,
    /// Its reads; absent if it was never read.
    pub source: Option<SourceRow>,
    /// Whether its word on who is employed counts (else it is a scope list).
    pub authoritative: bool,
    /// Whether everybody stands in it; if not, it is a list of leavers.
    pub lists_everybody: bool,
    /// To whom the account belongs there.
    pub link: Option<LinkRow>,
    /// The person of a link that is certain.
    pub person: Option<PersonRow>,
    /// The persons who come into question where it is not.
    pub candidates: Vec<PersonRow>,
}

/// A departed person behind an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaver {
    /// The strongest departure.
    pub departure: Departure,
    /// The persons who have departed.
    pub persons: Vec<Subject>,
    /// The directories that say so.
    pub directories: Vec<SourceName>,
    /// From when on a removal may rest on what they say.
    pub removal_from: Option<Time>,
    /// Whether the account certainly belongs to them (or to one of several who have all departed).
    pub certain: bool,
    /// Enabled or not confirmed as gone in another authoritative directory: why that blocks.
    pub elsewhere: Option<Code>,
    /// The entries that it rests on.
    pub evidence: Vec<Seq>,
}

/// Decides about one account at `now`: total, deterministic, and free of side effects.
///
/// The caller adds the policy's version to the evidence. Two decisions are compared with
/// [`differs`], since arithmetic changes with the clock.
pub fn decide(facts: &Facts, set: &PolicySet, now: Time) -> Decision {
    let case = Case::new(facts, set, now);
    let decision = case.rule();
    finish(&case, decision)
}

/// What one policy says about an account, as if it were the only one; `None` if it is not about the
/// account or its trigger does not hold. For the question why an account is not removed: what an
/// earlier finding comes to is no part of it.
pub fn under(facts: &Facts, set: &PolicySet, policy: &Policy, now: Time) -> Option<Decision> {
    let case = Case::new(facts, set, now);
    let mut decision = match case.over() {
        Some(over) => over,
        None => match trigger::of(&case, policy) {
            Trigger::Matches(found) => case.settle(&found),
            Trigger::Unknown(said) | Trigger::Keeps(said) => *said,
            Trigger::No => return None,
        },
    };
    with_reads(&case, &mut decision);
    Some(decision)
}

/// Whether a new decision says something else than the last one, so that it is worth an entry.
///
/// A first `keep` says nothing, nor does one `keep` after another.
pub fn differs(last: Option<&Decision>, new: &Decision) -> bool {
    let Some(last) = last else {
        return new.verdict != Ruling::Keep || new.leaver_still_in;
    };
    let both_keep = last.verdict == Ruling::Keep && new.verdict == Ruling::Keep;
    if both_keep && last.leaver_still_in == new.leaver_still_in {
        return false;
    }
    let key = |d: &Decision| {
        (
            d.verdict,
            d.policy.clone(),
            d.when,
            d.does,
            d.class,
            d.because.clone(),
            d.blocked.clone(),
            d.since,
            d.leaver_still_in,
            d.persons.clone(),
            d.directories.clone(),
        )
    };
    key(last) != key(new)
}

/// What can be said about an account's activity for so many days.
pub fn silence(facts: &Facts, set: &PolicySet, threshold_days: u64, now: Time) -> ActivityState {
    silence_of(facts, set, threshold_days).judge(now)
}

/// Whether an account that can be used is proved silent for so many days.
pub fn is_inactive(facts: &Facts, set: &PolicySet, threshold_days: u64, now: Time) -> bool {
    facts.account.gone.is_none()
        && facts.account.facts.state == AccountState::Active
        && matches!(
            silence(facts, set, threshold_days, now),
            ActivityState::NoneSince { .. }
        )
}

/// The departed person behind an account, if there is one for certain, or if one of those who come
/// into question has departed. What a named person said about the account itself is certain.
pub fn leaver(facts: &Facts, now: Time) -> Option<Leaver> {
    let authoritative = || facts.links.iter().filter(|l| l.authoritative);
    let mut found = Found::default();
    let stated = stated_of(&facts.account, now);
    // what was said about the account itself, nobody's being employed speaks against
    let itself = stated.is_some();
    found.stated(stated);
    for link in &facts.links {
        let Some(person) = link.linked_person() else {
            continue;
        };
        if link.counts(person, now) {
            found.take(link, person, now);
        }
    }
    if let Some(leaver) = found.leaver() {
        return Some(leaver.held_against(authoritative(), itself, now));
    }
    let mut all_departed = true;
    for link in authoritative().filter(|l| l.doubt().is_some()) {
        for person in &link.candidates {
            all_departed &= found.take(link, person, now);
        }
    }
    let mut leaver = found.leaver()?.held_against(authoritative(), itself, now);
    leaver.certain = all_departed;
    Some(leaver)
}

/// Whether a named person said that somebody has left: that stands whatever becomes of the directory
/// that has them.
fn named(person: &PersonRow, now: Time) -> bool {
    let left = departure(person, false, now);
    left.is_some_and(|left| left.strength == Strength::Named)
}

pub(crate) fn silence_of<'a>(facts: &'a Facts, set: &PolicySet, days: u64) -> Silence<'a> {
    Silence {
        account: &facts.account,
        seen: facts.activity.as_ref(),
        proofs: &facts.tenant.activity,
        threshold_days: days,
        max_age_s: set.read_max_age_s(),
    }
}

/// Gathers the departures of several persons.
#[derive(Default)]
struct Found {
    departures: Vec<Departure>,
    persons: BTreeSet<Subject>,
    directories: BTreeSet<SourceName>,
    evidence: BTreeSet<Seq>,
}

impl Found {
    fn stated(&mut self, departure: Option<Departure>) {
        let Some(departure) = departure else { return };
        self.evidence.extend(&departure.evidence);
        self.departures.push(departure);
    }

    fn take(&mut self, link: &LinkFacts, person: &PersonRow, now: Time) -> bool {
        let Some(departure) = departure(person, link.lists_everybody, now) else {
            return false;
        };
        self.evidence.extend(&departure.evidence);
        self.evidence.extend(link.link.as_ref().map(|l| l.seq));
        self.persons.insert(person.subject.clone());
        // what a named person said rests on no directory
        if departure.strength != Strength::Named {
            self.directories.insert(link.directory.clone());
        }
        self.departures.push(departure);
        true
    }

    fn leaver(&self) -> Option<Leaver> {
        let strongest = self
            .departures
            .iter()
            .min_by_key(|d| (d.strength, d.since))?;
        let directories = match strongest.strength {
            Strength::Named => Vec::new(),
            _ => self.directories.iter().cloned().collect(),
        };
        Some(Leaver {
            departure: strongest.clone(),
            persons: self.persons.iter().cloned().collect(),
            directories,
            removal_from: self.departures.iter().filter_map(|d| d.removal_from).min(),
            certain: true,
            elsewhere: None,
            evidence: self.evidence.iter().copied().collect(),
        })
    }
}

impl Leaver {
    /// The class that the brakes count it under.
    pub fn class(&self) -> Class {
        match self.departure.strength {
            Strength::Named => Class::Named,
            Strength::Absent => Class::Absent,
            _ => Class::Explicit,
        }
    }

    /// Whether a named person said so: then no directory has to agree.
    pub fn is_named(&self) -> bool {
        self.departure.strength == Strength::Named
    }

    /// Notes the first directory that speaks against the departure. A named person's word is for the
    /// time before the directories know: nobody speaks against it but somebody who is employed, to
    /// whom the account belongs as well, and about whom it was not said.
    fn held_against<'l>(
        mut self,
        links: impl Iterator<Item = &'l LinkFacts>,
        itself: bool,
        now: Time,
    ) -> Self {
        let named = self.is_named();
        if named && itself {
            return self;
        }
        let enabled = |code: &Code| code.as_str() == "block.enabled-elsewhere";
        let against = links.filter_map(|l| l.contradicts(now).map(|code| (l, code)));
        let against = against.filter(|(_, code)| !named || enabled(code));
        // enabled weighs more than not confirmed as gone
        let gravest = against.max_by_key(|(_, code)| enabled(code));
        if let Some((link, code)) = gravest {
            self.evidence.extend(link.evidence());
            self.elsewhere = Some(code);
        }
        self
    }
}

impl LinkFacts {
    /// The person of a certain link.
    pub fn linked_person(&self) -> Option<&PersonRow> {
        let linked = self.link.as_ref()?.person.as_ref()?;
        self.person.as_ref().filter(|p| p.subject == *linked)
    }

    /// Whether it counts that this directory's person has left: always where its word does, else
    /// where a named person has said so.
    pub fn counts(&self, person: &PersonRow, now: Time) -> bool {
        self.authoritative || named(person, now)
    }

    /// Why it is not certain to whom the account belongs here.
    pub fn doubt(&self) -> Option<&Code> {
        let link = self.link.as_ref()?;
        link.because.as_ref().filter(|_| link.person.is_none())
    }

    /// Why this directory speaks against a departure that another one states.
    fn contradicts(&self, now: Time) -> Option<Code> {
        let person = self.linked_person()?;
        if departure(person, self.lists_everybody, now).is_some() {
            return None;
        }
        if person.stands() {
            return Some(Code::new("block.enabled-elsewhere"));
        }
        // taken off a list of leavers says nothing about being employed
        self.lists_everybody
            .then(|| Code::new("block.absence-unconfirmed"))
    }
}

/// One account with what follows from its facts.
pub(crate) struct Case<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) set: &'a PolicySet,
    pub(crate) now: Time,
    pub(crate) leaver: Option<Leaver>,
    /// Since when it is disabled, as a read shows or a command of ours has done since.
    pub(crate) disabled: Option<(Seq, Time)>,
}

impl<'a> Case<'a> {
    pub(crate) fn new(facts: &'a Facts, set: &'a PolicySet, now: Time) -> Self {
        Self {
            facts,
            set,
            now,
            leaver: leaver(facts, now),
            disabled: disabled_since(facts, now),
        }
    }

    /// Whether the account can be used, as far as is known.
    pub(crate) fn usable(&self) -> bool {
        self.facts.account.gone.is_none() && self.disabled.is_none() && !self.removed()
    }

    /// Whether a removal of ours took effect and no complete read has come since.
    fn removed(&self) -> bool {
        unseen(self.facts, Do::Remove).is_some()
    }

    /// The account is not there any more, so that nothing is left to decide.
    fn over(&self) -> Option<Decision> {
        if let Some(mark) = &self.facts.account.gone {
            let mut keep = plain(Ruling::Keep, "keep.gone");
            keep.since = Some(mark.since);
            keep.evidence.push(mark.seq);
            return Some(keep);
        }
        let command = unseen(self.facts, Do::Remove)?;
        let mut keep = plain(Ruling::Keep, "keep.removed");
        keep.evidence.push(command.seq);
        Some(keep)
    }

    fn rule(&self) -> Decision {
        if let Some(over) = self.over() {
            return over;
        }
        let mut doubt = None;
        let mut keep = None;
        for policy in self.in_order() {
            match trigger::of(self, policy) {
                Trigger::Matches(found) => return self.settle(&found),
                Trigger::Unknown(found) => doubt = doubt.or(Some(found)),
                Trigger::Keeps(found) => keep = keep.or(Some(found)),
                Trigger::No => {}
            }
        }
        if let Some(leaver) = &self.leaver {
            return self.leaver_without_policy(leaver);
        }
        doubt
            .map(|found| *found)
            .or_else(|| keep.map(|found| *found))
            .unwrap_or_else(|| plain(Ruling::Keep, "keep.no-rule"))
    }

    /// The policies in the order in which they are tried.
    fn in_order(&self) -> Vec<&'a Policy> {
        let rank = |policy: &Policy| match policy.when {
            When::Everyone => 0,
            When::Departed => 1,
            _ => 2,
        };
        let mut policies: Vec<_> = self.set.policies.iter().collect();
        policies.sort_by_key(|p| rank(p));
        policies
    }

    fn leaver_without_policy(&self, leaver: &Leaver) -> Decision {
        let mut decision = plain(Ruling::Withhold, "");
        decision.because = leaver.departure.because.clone();
        decision.when = Some(When::Departed);
        decision.class = Some(leaver.class());
        decision.since = Some(leaver.departure.since);
        decision.persons = leaver.persons.clone();
        decision.directories = leaver.directories.clone();
        decision.evidence = leaver.evidence.clone();
        decision.blocked = blocks::of_leaver(self, leaver);
        let held = blocks::held(self, Some(Do::Disable), true);
        decision.evidence.extend(held.map(|hold| hold.seq));
        decision.blocked.push(Code::new("block.no-policy"));
        decision
    }

    /// Goes from what matches to what is to be done.
    fn settle(&self, found: &Match<'_>) -> Decision {
        let mut decision = found.decision();
        let Some(next) = self.next_step(found) else {
            decision.verdict = Ruling::Keep;
            decision.because = Code::new("keep.steps-done");
            return decision;
        };
        decision.does = next.does;
        let mut due = found.due;
        if let Some((seq, since)) = self.disabled {
            decision.evidence.push(seq);
            let days = next.wait_days.unwrap_or(0);
            if next.wait_days.is_some() {
                decision
                    .arithmetic
                    .push(self.sum("sum.wait", since, seconds(days, DAY_SECONDS)));
                due = due.max(since.plus_seconds(seconds(days, DAY_SECONDS)));
            }
        }
        let warning = self.warn(found, due, &mut decision);
        due = warning.acts_at;
        decision.due = Some(due);

        decision.blocked = blocks::lasting(self, found, next.does);
        let said = blocks::said(self, found, next.does);
        decision.evidence.extend(said);
        // what may be otherwise tomorrow is only asked when something would be done today
        if due <= self.now || warning.is_due {
            blocks::passing(self, found, next.does, &mut decision);
        }
        decision.blocked.extend(warning.missing.map(Code::new));
        decision.verdict = if !decision.blocked.is_empty() {
            Ruling::Withhold
        } else if warning.is_due {
            Ruling::Warn
        } else if due > self.now || !found.ready {
            Ruling::Wait
        } else {
            Ruling::Act
        };
        decision
    }

    fn next_step(&self, found: &Match<'_>) -> Option<Next> {
        for (i, step) in found.policy.steps.iter().enumerate() {
            let possible = step.possible(&self.facts.can);
            let already = self.disabled.is_some() && possible.unwrap_or(step.does) == Do::Disable;
            if already {
                continue;
            }
            return Some(Next {
                does: possible,
                // the first step's days are part of when the trigger is due
                wait_days: (i > 0).then_some(step.after_days),
            });
        }
        None
    }

    /// Finds out which warning is due, and when the step comes at the earliest because of them.
    fn warn(&self, found: &Match<'_>, due: Time, decision: &mut Decision) -> Warning {
        let mut warning = Warning {
            acts_at: due,
            is_due: false,
            missing: None,
        };
        let Some(longest) = found.policy.longest_notice() else {
            return warning;
        };
        let longest_s = seconds(longest, DAY_SECONDS);
        let begun = self.warned_from(found, decision);
        let given: Vec<_> = self
            .facts
            .notices
            .iter()
            .filter(|n| n.policy == found.policy.name)
            .flat_map(|n| n.sent.iter().map(move |mark| (n, mark)))
            .filter(|(_, mark)| mark.at > begun && mark.at <= self.now)
            .collect();
        let counted: Vec<_> = given
            .iter()
            .filter(|(n, mark)| n.counts(mark))
            .map(|(_, mark)| mark)
            .collect();
        for (row, mark) in &given {
            let said = row.proceeded.as_ref().map(|p| p.seq);
            decision.evidence.push(mark.seq);
            decision.evidence.extend(mark.bounced);
            decision
                .evidence
                .extend(said.filter(|_| mark.bounced.is_some()));
        }
        if given.iter().any(|(n, mark)| n.is_undelivered(mark)) {
            warning.missing = Some("block.notice-undelivered");
        }
        let Some(first) = counted.iter().min_by_key(|m| m.at) else {
            warning.acts_at = due.max(self.now.plus_seconds(longest_s));
            let warn_at = due.plus_seconds(longest_s.saturating_neg());
            let lost = (!given.is_empty()).then_some("block.notice-not-given");
            warning.missing = warning.missing.or(lost);
            warning.is_due = warn_at <= self.now && warning.missing.is_none();
            if warn_at > self.now {
                warning.acts_at = due;
            }
            return warning;
        };
        decision
            .arithmetic
            .push(self.sum("sum.notice", first.at, longest_s));
        let promised = counted.iter().map(|m| m.acts_at).max().unwrap_or(due);
        warning.acts_at = due.max(first.at.plus_seconds(longest_s)).max(promised);
        let next = found.policy.warning_days(warning.acts_at, self.now);
        let reminded = counted.iter().any(|m| m.days <= next);
        // once disabled, the warnings before the first step are over
        let before_first = self.disabled.is_none() && warning.acts_at > self.now;
        // nor is anything more sent to an address that is known to be dead
        let dead = given.iter().any(|(_, mark)| mark.bounced.is_some());
        warning.is_due = before_first && !reminded && !dead;
        warning
    }

    /// From when on warnings count: whoever was held has been told that nothing comes, and is warned
    /// anew; so is whoever an approver wants to be, after warnings that did not arrive.
    fn warned_from(&self, found: &Match<'_>, decision: &mut Decision) -> Time {
        let mut begun = found.episode;
        if let Some((hold, ended)) = self.last_held() {
            begun = begun.max(ended);
            decision.evidence.push(hold.seq);
            let lifted = hold.lifted.as_ref().map(|mark| mark.seq);
            decision.evidence.extend(lifted);
        }
        let rows = self.facts.notices.iter();
        let of_policy = rows.filter(|n| n.policy == found.policy.name);
        let again = of_policy.filter_map(|n| n.proceeded.as_ref().filter(|p| p.again));
        for said in again {
            begun = begun.max(said.at);
            decision.evidence.push(said.seq);
        }
        begun
    }

    /// The hold over the account that ended last, and when.
    fn last_held(&self) -> Option<(&'a HoldRow, Time)> {
        let holds = self.facts.holds.iter();
        let ended = holds.filter_map(|hold| Some((hold, hold.ended(self.now)?)));
        ended.max_by_key(|(_, at)| *at)
    }

    pub(crate) fn sum(&self, about: &str, from: Time, needs_s: i64) -> Sum {
        Sum {
            about: Code::new(about),
            from,
            needs_s,
            has_s: self.now.seconds_since(from),
        }
    }
}

struct Next {
    /// What it comes to at the tenant; `None` if nothing.
    does: Option<Do>,
    /// Days to wait after the step before; `None` for the first step.
    wait_days: Option<u64>,
}

struct Warning {
    acts_at: Time,
    is_due: bool,
    /// Why what was given does not count, as a code.
    missing: Option<&'static str>,
}

/// A decision that says nothing but a verdict and a reason.
pub(crate) fn plain(verdict: Ruling, because: &str) -> Decision {
    Decision {
        verdict,
        policy: None,
        when: None,
        does: None,
        class: None,
        because: Code::new(because),
        blocked: Vec::new(),
        since: None,
        horizon: None,
        due: None,
        leaver_still_in: false,
        persons: Vec::new(),
        directories: Vec::new(),
        evidence: Vec::new(),
        arithmetic: Vec::new(),
    }
}

/// A command of ours that took effect and after which nobody has looked at the account.
fn unseen(facts: &Facts, does: Do) -> Option<&CommandRow> {
    let read = facts.tenant.complete.as_ref().map_or(0, |read| read.seq);
    let seen = read.max(facts.account.seq);
    facts
        .commands
        .iter()
        .filter(|c| c.does == does && c.took_effect() && c.confirmed.is_none())
        .filter(|c| c.ended().is_some_and(|seq| seq > seen))
        .max_by_key(|c| c.seq)
}

fn disabled_since(facts: &Facts, now: Time) -> Option<(Seq, Time)> {
    let command = facts
        .commands
        .iter()
        .filter(|c| c.does == Do::Disable && c.took_effect())
        .max_by_key(|c| c.seq);
    if facts.account.facts.state == AccountState::Disabled {
        let mark = facts.account.disabled.as_ref();
        // without a mark, nothing has been waited for yet
        let seen = mark.map_or((facts.account.seq, now), |m| (m.seq, m.since));
        let ours = command.map(|c| c.at).filter(|at| *at > seen.1);
        return Some((seen.0, ours.unwrap_or(seen.1)));
    }
    unseen(facts, Do::Disable).map(|c| (c.seq, c.at))
}

/// Adds what every decision says: cancellations, leavers still in, and the entries behind it.
fn finish(case: &Case<'_>, mut decision: Decision) -> Decision {
    if decision.verdict == Ruling::Keep {
        trigger::cancel(case, &mut decision);
    }
    if let Some(leaver) = &case.leaver {
        let enabled = leaver
            .elsewhere
            .as_ref()
            .is_some_and(|code| code.as_str() == "block.enabled-elsewhere");
        // a named person's word is told even where somebody else keeps the account
        let told = !enabled || leaver.is_named();
        decision.leaver_still_in = case.usable() && leaver.certain && told;
        if decision.leaver_still_in {
            decision.evidence.extend(&leaver.evidence);
        }
    }
    with_reads(case, &mut decision);
    decision
}

/// Adds the entries that every decision rests on.
fn with_reads(case: &Case<'_>, decision: &mut Decision) {
    decision.evidence.push(case.facts.account.seq);
    decision.evidence.push(case.facts.tenant.last.seq);
    decision
        .evidence
        .extend(case.facts.tenant.complete.as_ref().map(|read| read.seq));
    decision.evidence.sort_unstable();
    decision.evidence.dedup();
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests;
