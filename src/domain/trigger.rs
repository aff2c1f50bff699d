//! What triggers a policy for one account, and since when.

use crate::domain::account::AHEAD_S;
use crate::domain::account::AccountKind;
use crate::domain::account::AccountState;
use crate::domain::account::Do;
use crate::domain::activity::ActivityState;
use crate::domain::code::Code;
use crate::domain::decide::Case;
use crate::domain::decide::Facts;
use crate::domain::decide::LinkFacts;
use crate::domain::decide::plain;
use crate::domain::decide::silence_of;
use crate::domain::id::Seq;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::policy::Policy;
use crate::domain::policy::seconds;
use crate::domain::rows::Class;
use crate::domain::rows::CommandRow;
use crate::domain::rows::Decision;
use crate::domain::rows::OrphanRow;
use crate::domain::rows::OrphanWord;
use crate::domain::rows::Ruling;
use crate::domain::rows::Sum;
use crate::domain::rows::When;
use crate::domain::time::DAY_SECONDS;
use crate::domain::time::Time;

/// What a policy has to say about an account.
pub(crate) enum Trigger<'a> {
    /// Its trigger holds.
    Matches(Box<Match<'a>>),
    /// It cannot be told whether it holds: a finding that is withheld if nothing else matches.
    Unknown(Box<Decision>),
    /// It does not hold, and there is something to say about why.
    Keeps(Box<Decision>),
    /// It is not about this account.
    No,
}

/// A trigger that holds.
pub(crate) struct Match<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) class: Class,
    pub(crate) because: Code,
    /// Since when the finding holds.
    pub(crate) since: Option<Time>,
    /// When the first step is due, warnings apart.
    pub(crate) due: Time,
    /// Whether it holds for the first step; before that, only warnings come.
    pub(crate) ready: bool,
    /// Warnings from before this do not count.
    pub(crate) episode: Time,
    pub(crate) horizon: Option<Time>,
    pub(crate) persons: Vec<Subject>,
    pub(crate) directories: Vec<SourceName>,
    pub(crate) evidence: Vec<Seq>,
    pub(crate) arithmetic: Vec<Sum>,
}

impl<'a> Match<'a> {
    fn new(case: &Case<'_>, policy: &'a Policy, because: &str, since: Time) -> Self {
        let wait_s = seconds(policy.first_step_days(), DAY_SECONDS);
        let scope = scope_of(case, policy);
        Self {
            policy,
            class: Class::Inactive,
            because: Code::new(because),
            since: Some(since),
            due: since.plus_seconds(wait_s),
            ready: true,
            episode: since,
            horizon: None,
            persons: Vec::new(),
            directories: scope.map(|l| l.directory.clone()).into_iter().collect(),
            evidence: scope.map(LinkFacts::evidence).unwrap_or_default(),
            arithmetic: Vec::new(),
        }
    }

    /// Starts the decision that this leads to.
    pub(crate) fn decision(&self) -> Decision {
        let mut decision = plain(Ruling::Wait, "");
        decision.policy = Some(self.policy.name.clone());
        decision.when = Some(self.policy.when);
        decision.class = Some(self.class);
        decision.because = self.because.clone();
        decision.since = self.since;
        decision.horizon = self.horizon;
        decision.persons = self.persons.clone();
        decision.directories = self.directories.clone();
        decision.evidence = self.evidence.clone();
        decision.arithmetic = self.arithmetic.clone();
        decision
    }
}

impl LinkFacts {
    /// The entries on which a link and its person rest.
    pub(crate) fn evidence(&self) -> Vec<Seq> {
        let link = self.link.as_ref().map(|l| l.seq);
        let person = self.linked_person().map(|p| p.seq);
        link.into_iter().chain(person).collect()
    }
}

/// Holds one policy against an account.
pub(crate) fn of<'a>(case: &Case<'_>, policy: &'a Policy) -> Trigger<'a> {
    if !covers(case, policy) {
        return Trigger::No;
    }
    match policy.when {
        When::Departed => departed(case, policy),
        When::Inactive => inactive(case, policy),
        When::NeverActivated => never_activated(case, policy),
        When::Disabled => disabled(case, policy),
        When::Orphaned => orphaned(case, policy),
        When::Everyone => everyone(case, policy),
    }
}

/// Says which earlier finding a `keep` puts an end to.
pub(crate) fn cancel(case: &Case<'_>, decision: &mut Decision) {
    let newest = silence_of(case.facts, case.set, 0).newest();
    let Some(previous) = case.facts.previous.as_ref().map(|row| &row.decision) else {
        return;
    };
    let settled = matches!(
        decision.because.as_str(),
        "keep.gone" | "keep.removed" | "keep.steps-done"
    );
    if previous.verdict == Ruling::Keep || settled {
        return;
    }
    let active = decision.because.as_str() == "keep.active";
    let because = match previous.when {
        Some(When::Departed) if case.leaver.is_none() => "cancel.return",
        Some(When::Inactive) if active && is_later(newest.map(|(at, _)| at), previous.since) => {
            "cancel.login"
        }
        Some(When::NeverActivated) if case.facts.account.facts.state == AccountState::Active => {
            "cancel.activated"
        }
        Some(When::Disabled) if case.facts.account.facts.state == AccountState::Active => {
            "cancel.enabled"
        }
        Some(When::Orphaned) if has_somebody(case) => "cancel.person-found",
        _ => return,
    };
    decision.because = Code::new(because);
}

/// Whether somebody was active after a finding's silence began; an unknown has no such moment.
fn is_later(newest: Option<Time>, since: Option<Time>) -> bool {
    newest
        .zip(since)
        .is_some_and(|(newest, since)| newest > since)
}

fn covers(case: &Case<'_>, policy: &Policy) -> bool {
    let account = &case.facts.account;
    let among = &policy.among;
    // no source reads groups, so a policy that asks for one is about nobody
    among.covers_tenant(&account.tenant)
        && among.covers_kind(account.facts.kind)
        && among.groups.is_empty()
        && (among.directory.is_none() || scope_of(case, policy).is_some())
}

/// The directory that a policy is narrowed to, if the account's person stands in it.
///
/// For a departure it is enough that they stood there: whoever has left is often taken off it.
pub(crate) fn scope_of<'c>(case: &'c Case<'_>, policy: &Policy) -> Option<&'c LinkFacts> {
    let name = policy.among.directory.as_ref()?;
    let link = case.facts.links.iter().find(|l| l.directory == *name)?;
    let person = link.linked_person()?;
    (person.stands() || policy.when == When::Departed).then_some(link)
}

fn departed<'a>(case: &Case<'_>, policy: &'a Policy) -> Trigger<'a> {
    let Some(leaver) = &case.leaver else {
        return Trigger::No;
    };
    let since = leaver.departure.since;
    let mut found = Match::new(case, policy, leaver.departure.because.as_str(), since);
    found.class = leaver.class();
    found.persons = leaver.persons.clone();
    found.directories = leaver.directories.clone();
    found.evidence.extend(&leaver.evidence);
    let mut needs_s = seconds(policy.first_step_days(), DAY_SECONDS);
    if leaver.is_named() {
        // whoever is named leaves at that moment, whatever days the policy gives others
        (needs_s, found.due) = (0, since);
    }
    found
        .arithmetic
        .push(case.sum("sum.departed", since, needs_s));
    Trigger::Matches(Box::new(found))
}

fn inactive<'a>(case: &Case<'_>, policy: &'a Policy) -> Trigger<'a> {
    let account = &case.facts.account;
    if account.facts.state == AccountState::Invited {
        return Trigger::No;
    }
    if let Some(keep) = returned(case) {
        return keep;
    }
    let days = policy.first_step_days();
    let warn_days = days.saturating_sub(policy.longest_notice().unwrap_or(0));
    let silence = silence_of(case.facts, case.set, warn_days);
    let marks = |decision: &mut Decision| {
        let seen = case.facts.activity.iter().flat_map(|a| a.newest.values());
        decision.evidence.extend(seen.map(|mark| mark.seq));
    };
    let (last, horizon, precision_s, because) = match silence.judge(case.now) {
        ActivityState::NoneSince {
            last,
            horizon,
            precision_s,
            because,
        } => (last, horizon, precision_s, because),
        ActivityState::ActiveAt { at, .. } => {
            let mut keep = plain(Ruling::Keep, "keep.active");
            keep.since = Some(at);
            marks(&mut keep);
            return Trigger::Keeps(Box::new(keep));
        }
        ActivityState::TooNew { since } => {
            let mut keep = plain(Ruling::Keep, "keep.too-new");
            keep.since = Some(since);
            return Trigger::Keeps(Box::new(keep));
        }
        ActivityState::Unknown {
            because,
            provable_from,
        } => {
            let mut unknown = unknown(policy, because.as_str());
            unknown.due = provable_from;
            marks(&mut unknown);
            return Trigger::Unknown(Box::new(unknown));
        }
    };
    let needs_s = seconds(days, DAY_SECONDS).saturating_add(seconds(precision_s, 1));
    let enabled_again = enabled_again(case);
    if let Some(command) = enabled_again
        && case.now.seconds_since(command.at) < needs_s
    {
        let mut keep = plain(Ruling::Keep, "keep.enabled-again");
        keep.since = Some(command.at);
        keep.evidence.push(command.seq);
        return Trigger::Keeps(Box::new(keep));
    }
    let born = silence.born();
    let since = last.unwrap_or(born);
    let mut found = Match::new(case, policy, because.as_str(), since);
    found.horizon = Some(horizon);
    found.episode = enabled_again.map_or(since, |command| since.max(command.at));
    found.due = since.max(born).max(horizon).plus_seconds(needs_s);
    found.ready = matches!(
        silence_of(case.facts, case.set, days).judge(case.now),
        ActivityState::NoneSince { .. }
    );
    let seen = case.facts.activity.iter().flat_map(|a| a.newest.values());
    found.evidence.extend(seen.map(|mark| mark.seq));
    found.arithmetic = vec![
        case.sum("sum.silence", since, needs_s),
        case.sum("sum.horizon", horizon, needs_s),
        case.sum("sum.age", born, needs_s),
    ];
    Trigger::Matches(Box::new(found))
}

/// A finding that is withheld because it is not known whether the account is used.
fn unknown(policy: &Policy, because: &str) -> Decision {
    let mut unknown = plain(Ruling::Withhold, because);
    unknown.policy = Some(policy.name.clone());
    unknown.when = Some(policy.when);
    unknown.class = Some(Class::Inactive);
    unknown.blocked.push(Code::new("block.unknown-activity"));
    unknown
}

fn never_activated<'a>(case: &Case<'_>, policy: &'a Policy) -> Trigger<'a> {
    let silence = silence_of(case.facts, case.set, 0);
    if case.facts.account.facts.state != AccountState::Invited || silence.newest().is_some() {
        return Trigger::No;
    }
    if silence.has_future(case.now.plus_seconds(AHEAD_S)) {
        let unknown = unknown(policy, "unknown.future-date");
        return Trigger::Unknown(Box::new(unknown));
    }
    waited(
        case,
        policy,
        "inactive.never-activated",
        silence.born(),
        "sum.invited",
    )
}

fn disabled<'a>(case: &Case<'_>, policy: &'a Policy) -> Trigger<'a> {
    let Some((seq, since)) = case.disabled else {
        return Trigger::No;
    };
    if let Some(keep) = returned(case) {
        return keep;
    }
    let mut trigger = waited(case, policy, "inactive.disabled", since, "sum.disabled");
    if let Trigger::Matches(found) = &mut trigger {
        found.evidence.push(seq);
    }
    trigger
}

fn orphaned<'a>(case: &Case<'_>, policy: &'a Policy) -> Trigger<'a> {
    if !is_orphan(case.facts) {
        return Trigger::No;
    }
    if let Some(said) = answered_for(case.facts, case.now) {
        let mut keep = plain(
            Ruling::Keep,
            match said.word {
                OrphanWord::Claimed => "keep.orphan-claimed",
                OrphanWord::Accepted => "keep.orphan-accepted",
            },
        );
        keep.since = Some(said.at);
        keep.due = Some(said.until);
        keep.evidence.push(said.seq);
        return Trigger::Keeps(Box::new(keep));
    }
    let everybody = |l: &&LinkFacts| l.lists_everybody;
    let directories: Vec<_> = case.facts.links.iter().filter(everybody).collect();
    // Since when is known only from the first time that it was found so.
    let since = case
        .facts
        .previous
        .as_ref()
        .map(|row| &row.decision)
        .filter(|d| d.when == Some(When::Orphaned) && d.verdict != Ruling::Keep)
        .and_then(|d| d.since)
        .map_or(case.now, |since| since.min(case.now));
    let mut trigger = waited(case, policy, "inactive.orphaned", since, "sum.orphaned");
    if let Trigger::Matches(found) = &mut trigger {
        let links = directories.iter().filter_map(|l| l.link.as_ref());
        found.evidence.extend(links.map(|l| l.seq));
        let sources = directories.iter().filter_map(|l| l.source.as_ref());
        let reads = sources.filter_map(|s| s.complete.as_ref());
        found.evidence.extend(reads.map(|read| read.seq));
        found
            .directories
            .extend(directories.iter().map(|l| l.directory.clone()));
        found.directories.sort();
        found.directories.dedup();
    }
    trigger
}

fn everyone<'a>(case: &Case<'_>, policy: &'a Policy) -> Trigger<'a> {
    let called = case.facts.called.as_deref() == Some(policy.name.as_str());
    let due = policy.on.is_some_and(|on| on <= case.now);
    if !called && !due {
        return Trigger::No;
    }
    let since = policy.on.filter(|on| *on <= case.now).unwrap_or(case.now);
    let mut found = Match::new(case, policy, "everyone.cleared-out", since);
    found.class = Class::Everyone;
    found.since = policy.on.filter(|_| due);
    found.due = since;
    Trigger::Matches(Box::new(found))
}

/// A trigger that has held since a moment and is due after the policy's days.
fn waited<'a>(
    case: &Case<'_>,
    policy: &'a Policy,
    because: &str,
    since: Time,
    sum: &str,
) -> Trigger<'a> {
    let mut found = Match::new(case, policy, because, since);
    let needs_s = seconds(policy.first_step_days(), DAY_SECONDS);
    found.arithmetic.push(case.sum(sum, since, needs_s));
    Trigger::Matches(Box::new(found))
}

/// Whether nobody stands behind the account in any directory that lists everybody. Whoever stands
/// in a directory that was not read yet is no orphan because of that.
pub(crate) fn is_orphan(facts: &Facts) -> bool {
    let everybody = |l: &&LinkFacts| l.lists_everybody;
    let directories: Vec<_> = facts.links.iter().filter(everybody).collect();
    let known = directories.iter().any(|l| l.authoritative) && directories.iter().all(was_read);
    known && !anybody(facts)
}

/// What somebody has said about an account without a person, if it holds still.
pub(crate) fn answered_for(facts: &Facts, now: Time) -> Option<&OrphanRow> {
    facts.orphan.as_ref().filter(|said| said.until > now)
}

fn has_somebody(case: &Case<'_>) -> bool {
    anybody(case.facts)
}

/// Whether a person, or somebody who comes into question, stands behind the account anywhere.
pub(crate) fn anybody(facts: &Facts) -> bool {
    facts.links.iter().any(|l| {
        l.doubt().is_some()
            || !l.candidates.is_empty()
            || l.link.as_ref().is_some_and(|link| link.person.is_some())
    })
}

fn was_read(link: &&LinkFacts) -> bool {
    link.source.as_ref().is_some_and(|s| s.complete.is_some())
}

/// The account was disabled because its person had left, and the person is back: it is not silent
/// or disabled on its own account, so no such rule may take it further.
fn returned<'a>(case: &Case<'_>) -> Option<Trigger<'a>> {
    case.disabled?;
    let command = newest_disable(case)?;
    let left = matches!(
        command.class,
        Class::Named | Class::Explicit | Class::Absent
    );
    // a named person needs no directory to say that somebody leaves, nor that they stay
    let known = has_somebody(case) || command.class == Class::Named;
    let back = case.leaver.is_none() && known;
    (left && back).then(|| {
        let mut keep = plain(Ruling::Keep, "keep.returned");
        keep.evidence.push(command.seq);
        Trigger::Keeps(Box::new(keep))
    })
}

/// We disabled the account and it was seen usable since: somebody wants it. That may come before
/// any read has confirmed the disabling; where it never took effect after all, an account that is
/// only unused stays a while longer.
fn enabled_again<'c>(case: &'c Case<'_>) -> Option<&'c CommandRow> {
    if case.disabled.is_some() {
        return None;
    }
    newest_disable(case)
}

fn newest_disable<'c>(case: &'c Case<'_>) -> Option<&'c CommandRow> {
    case.facts
        .commands
        .iter()
        .filter(|c| c.does == Do::Disable && c.took_effect())
        .max_by_key(|c| c.seq)
}

/// Whether somebody restored the account after what a finding rests on had begun. Silence has days
/// of its own after that; a departure or a missing person has not, and is then for people to settle.
pub(crate) fn restored_since(case: &Case<'_>, when: When, since: Option<Time>) -> bool {
    if !matches!(when, When::Departed | When::Orphaned) {
        return false;
    }
    let commands = case.facts.commands.iter().filter(|c| c.took_effect());
    let newest = commands.max_by_key(|c| c.seq);
    newest.is_some_and(|c| c.does == Do::Restore && since.is_none_or(|since| since <= c.at))
}

/// Whether a machine uses the account.
pub(crate) fn is_machine(case: &Case<'_>) -> bool {
    case.facts.account.facts.kind == AccountKind::Service
}
