//! When what the rules say about an account can change although nothing happens.
//!
//! Every moment that [`crate::domain::decide::decide`] compares with `now` is a moment of the facts,
//! or lies some days of a policy after one. More moments than needed are named here; none may be
//! missing, since whoever looks ahead looks at these moments only.

use crate::domain::account::AHEAD_S;
use crate::domain::account::Signal;
use crate::domain::decide::Facts;
use crate::domain::departure::DISABLED_DAYS_FOR_REMOVAL;
use crate::domain::departure::times_of_leaving;
use crate::domain::policy::Policy;
use crate::domain::policy::seconds;
use crate::domain::rows::PersonRow;
use crate::domain::rows::SourceRow;
use crate::domain::source::Verdict;
use crate::domain::time::DAY_SECONDS;
use crate::domain::time::Time;

/// The first moment after `after` at which any of some policies can say something else, if all
/// sources are read as well as they were and nothing else happens.
pub(crate) fn next_turn<'p>(
    facts: &Facts,
    policies: impl Iterator<Item = &'p Policy>,
    after: Time,
) -> Option<Time> {
    let bases = bases(facts);
    let mut next = None;
    let mut offer = |at: Time| {
        // a limit may hold up to a moment or from it on
        for at in [at, Time::from_micros(at.micros().saturating_add(1))] {
            if at > after && next.is_none_or(|known| at < known) {
                next = Some(at);
            }
        }
    };
    let mut offsets = vec![0, AHEAD_S.saturating_neg()];
    for policy in policies {
        offsets.extend(offsets_of(policy, precision_s(facts)));
        policy.on.into_iter().for_each(&mut offer);
    }
    offsets.sort_unstable();
    offsets.dedup();
    for base in &bases {
        for offset in &offsets {
            offer(base.plus_seconds(*offset));
        }
    }
    next
}

/// Makes the facts those of a moment until which every source went on being read as its newest read
/// was, and showed nothing new.
pub(crate) fn read_until(facts: &mut Facts, at: Time) {
    read_again(&mut facts.tenant, at);
    for link in &mut facts.links {
        if let Some(source) = &mut link.source {
            read_again(source, at);
        }
    }
}

fn read_again(source: &mut SourceRow, at: Time) {
    if source.last.verdict == Verdict::Complete {
        source.last.rec = source.last.rec.max(at);
    }
    for proof in source.activity.iter_mut().filter(|proof| proof.complete) {
        proof.until = proof.until.map(|until| until.max(at));
    }
}

/// What is added to a silence, as the judgement of activity does it.
fn precision_s(facts: &Facts) -> i64 {
    let login = facts.tenant.activity.iter();
    let login = login
        .filter(|proof| proof.signal == Signal::Login)
        .find_map(|proof| proof.precision_s);
    login.map_or(DAY_SECONDS, |s| seconds(s, 1))
}

fn offsets_of(policy: &Policy, precision_s: i64) -> Vec<i64> {
    let first = policy.first_step_days();
    let notice = policy.longest_notice().unwrap_or(0);
    let days = [first, first.saturating_sub(notice), notice];
    let steps = policy.steps.iter().map(|step| step.after_days);
    let after = days
        .into_iter()
        .chain(steps)
        .map(|days| seconds(days, DAY_SECONDS));
    let evidence = DISABLED_DAYS_FOR_REMOVAL.saturating_mul(DAY_SECONDS);
    let mut offsets = vec![precision_s, evidence];
    for offset in after {
        offsets.push(offset);
        offsets.push(offset.saturating_add(precision_s));
    }
    // reminders come so many days before a step
    let before = policy.notice_days.iter().chain([&notice]);
    offsets.extend(before.map(|days| seconds(*days, DAY_SECONDS).saturating_neg()));
    offsets
}

fn bases(facts: &Facts) -> Vec<Time> {
    let account = &facts.account;
    let mut bases = vec![account.first_seen];
    bases.extend(account.facts.created_at);
    bases.extend(account.disabled.as_ref().map(|mark| mark.since));
    bases.extend(account.named.as_ref().map(|stated| stated.at));
    let seen = facts.activity.iter().flat_map(|a| a.newest.values());
    bases.extend(seen.map(|mark| mark.since));
    bases.extend(facts.tenant.activity.iter().filter_map(|p| p.horizon));
    for link in &facts.links {
        for person in link.person.iter().chain(&link.candidates) {
            bases.extend(of_person(person));
        }
    }
    bases.extend(facts.commands.iter().map(|command| command.at));
    for mark in facts.notices.iter().flat_map(|notice| &notice.sent) {
        bases.extend([mark.at, mark.acts_at]);
    }
    for mark in &facts.kept {
        bases.extend([mark.at, mark.until]);
    }
    for hold in &facts.holds {
        bases.push(hold.at);
        bases.extend(hold.until);
        bases.extend(hold.lifted.as_ref().map(|mark| mark.since));
    }
    bases.extend(facts.orphan.as_ref().map(|said| said.until));
    let previous = facts.previous.iter().map(|row| &row.decision);
    bases.extend(previous.flat_map(|d| [d.since, d.due]).flatten());
    bases.sort_unstable();
    bases.dedup();
    bases
}

fn of_person(person: &PersonRow) -> Vec<Time> {
    let mut times = times_of_leaving(person);
    times.push(person.first_seen);
    times.extend(person.named.as_ref().map(|stated| stated.said));
    times.extend(person.disabled.as_ref().map(|mark| mark.since));
    times.extend(person.facts.disabled_at);
    times.extend(person.facts.deleted_at);
    times.extend(person.signs.values().map(|sign| sign.seen));
    times
}
