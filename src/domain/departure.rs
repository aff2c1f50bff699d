//! Whether a person has left, and how strongly that is known.
//!
//! Everything that says so is a fact of its own, with three times: when it took effect, when the
//! source recorded it, and when we first saw it. A departure is the set of the facts that are in
//! force; it is withdrawn when none is left.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::code::Code;
use crate::domain::id::Seq;
use crate::domain::person::PersonFacts;
use crate::domain::person::Strength;
use crate::domain::rows::AccountRow;
use crate::domain::rows::PersonRow;
use crate::domain::rows::Sign;
use crate::domain::rows::Stated;
use crate::domain::time::Time;

/// Days for which somebody must have been disabled or expired before a removal may rest on it.
pub const DISABLED_DAYS_FOR_REMOVAL: i64 = 90;

/// One fact that says that a person has left.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct DepartureFact {
    /// How strong it is.
    pub strength: Strength,
    /// When it took effect: as the source says, else when it recorded it, else when we saw it.
    pub effective: Time,
    /// When the source recorded it, where it says so.
    pub recorded: Option<Time>,
    /// When we first saw it, without a break (our clock).
    pub seen: Time,
    /// The entry by which it was first seen.
    pub seq: Seq,
}

/// A person has left one directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Departure {
    /// The strongest fact.
    pub strength: Strength,
    /// Since when that fact holds.
    pub since: Time,
    /// Its code: `leaver.leave-date`, `leaver.disabled`, `leaver.absent`.
    pub because: Code,
    /// Whether somebody said so, rather than that nothing was seen.
    pub explicit: bool,
    /// From when on a removal may rest on it; `None` if never as it stands.
    pub removal_from: Option<Time>,
    /// Every fact that says so, the strongest first.
    pub facts: Vec<DepartureFact>,
    /// The entries that it rests on, sorted.
    pub evidence: Vec<Seq>,
}

impl Departure {
    /// Makes the departure that some facts come to; none without facts.
    fn of(mut facts: Vec<DepartureFact>, mut evidence: Vec<Seq>) -> Option<Self> {
        facts.sort();
        evidence.extend(facts.iter().map(|fact| fact.seq));
        evidence.sort_unstable();
        evidence.dedup();
        let (strength, since) = facts.first().map(|f| (f.strength, f.effective))?;
        Some(Self {
            strength,
            since,
            because: Code::new(code(strength)),
            explicit: facts.iter().any(|f| f.strength != Strength::Absent),
            removal_from: facts.iter().filter_map(removal_from).min(),
            facts,
            evidence,
        })
    }

    /// When its strongest fact was first seen.
    pub fn seen(&self) -> Time {
        self.facts.first().map_or(self.since, |fact| fact.seen)
    }
}

/// Judges one person of one directory at `now`; dates in the future are not departures, and a
/// lock after wrong passwords never is.
///
/// In a directory that lists only leavers (`lists_everybody` false), whoever is not there has not
/// left: absence says nothing, and what was said before it is withdrawn. What a named person said
/// stands all the same.
pub fn departure(person: &PersonRow, lists_everybody: bool, now: Time) -> Option<Departure> {
    let mut facts: Vec<_> = said(person.named.as_ref(), now).into_iter().collect();
    let mut evidence = vec![person.seq];
    let taken_off = !lists_everybody && (person.missed.is_some() || person.absent.is_some());
    if !taken_off {
        let sign = |strength: Strength| sign_of(person, strength);
        facts.extend(in_force(&person.facts, sign, person.seq, now));
        if let Some(mark) = person.absent.as_ref().filter(|mark| mark.since <= now) {
            evidence.extend(person.missed.as_ref().map(|missed| missed.seq));
            facts.push(DepartureFact {
                strength: Strength::Absent,
                effective: mark.since,
                recorded: None,
                seen: mark.since,
                seq: mark.seq,
            });
        }
    }
    Departure::of(facts, evidence)
}

/// The departure that a named person stated about an account itself, where no directory has its
/// person.
pub fn stated_of(account: &AccountRow, now: Time) -> Option<Departure> {
    let fact = said(account.named.as_ref(), now)?;
    Departure::of(vec![fact], vec![account.seq])
}

/// Whether a person stands in a directory and nothing says that they have left.
pub fn is_there(person: &PersonRow, lists_everybody: bool, now: Time) -> bool {
    person.stands() && departure(person, lists_everybody, now).is_none()
}

/// The times at which what is known of a person says that they left or will leave, of whatever
/// strength; for the question whether something is younger than that.
pub fn times_of_leaving(person: &PersonRow) -> Vec<Time> {
    let named = person.named.as_ref().map(|stated| stated.at);
    let absent = person.absent.as_ref().map(|mark| mark.since);
    let signs = signs(&person.facts).into_iter();
    signs
        .filter_map(|sign| match sign_of(person, sign.0) {
            Some(mark) => Some(fact(sign, mark).effective),
            None => sign.1,
        })
        .chain(named)
        .chain(absent)
        .collect()
}

/// What facts of a directory say that a person has left or will leave: each sign with the date
/// that the source gives for it.
pub fn signs(facts: &PersonFacts) -> Vec<(Strength, Option<Time>)> {
    let mut signs = Vec::new();
    let mut sign = |there: bool, strength: Strength, date: Option<Time>| {
        if there {
            signs.push((strength, date));
        }
    };
    sign(
        facts.leave_at.is_some(),
        Strength::LeaveDate,
        facts.leave_at,
    );
    sign(
        facts.disabled_by.is_some(),
        Strength::Disabled,
        facts.disabled_at,
    );
    sign(
        facts.expires_at.is_some(),
        Strength::Expired,
        facts.expires_at,
    );
    sign(facts.left_by.is_some(), Strength::Attribute, None);
    sign(
        facts.deleted_by.is_some(),
        Strength::Tombstone,
        facts.deleted_at,
    );
    sign(facts.in_leavers_unit, Strength::LeaversUnit, None);
    sign(facts.outside_group, Strength::LostGroup, None);
    signs
}

/// Whether a person had a sign before that new facts have as well. A date that was moved is another
/// sign; a disabling stays the same one, whatever date it is given.
pub fn same_sign(before: &PersonRow, facts: &PersonFacts, strength: Strength) -> bool {
    let date = |facts: &PersonFacts| signs(facts).into_iter().find(|(s, _)| *s == strength);
    let (Some((_, old)), Some((_, new))) = (date(&before.facts), date(facts)) else {
        return false;
    };
    let dated = matches!(strength, Strength::LeaveDate | Strength::Expired);
    !dated || old == new
}

/// The signs of a person after an entry at `rec`: each keeps its mark as long as it is there
/// without a break.
pub fn marked(
    facts: &PersonFacts,
    before: Option<&PersonRow>,
    seq: Seq,
    rec: Time,
) -> BTreeMap<Strength, Sign> {
    let kept = |strength: Strength| {
        let before = before.filter(|b| same_sign(b, facts, strength))?;
        sign_of(before, strength)
    };
    let new = || Sign {
        seq,
        seen: rec,
        recorded: facts.recorded_at,
    };
    let signs = signs(facts).into_iter();
    signs
        .map(|(strength, _)| (strength, kept(strength).unwrap_or_else(new)))
        .collect()
}

/// Since when the strongest of some facts is in force at `now`, as if they were recorded now.
pub fn since(facts: &PersonFacts, before: Option<&PersonRow>, now: Time) -> Option<Time> {
    let marks = marked(facts, before, Seq::MAX, now);
    let sign = |strength: Strength| marks.get(&strength).cloned();
    let strongest = in_force(facts, sign, Seq::MAX, now).into_iter().min();
    strongest.map(|fact| fact.effective)
}

/// The facts of a directory that are in force, each with the mark that `sign` gives; without one, it
/// was first seen now, by the entry `seq`.
fn in_force(
    facts: &PersonFacts,
    sign: impl Fn(Strength) -> Option<Sign>,
    seq: Seq,
    now: Time,
) -> Vec<DepartureFact> {
    let signs = signs(facts).into_iter();
    signs
        .filter_map(|(strength, date)| {
            // without any mark, nothing has been waited for yet
            let new = || Sign {
                seq,
                seen: now,
                recorded: None,
            };
            let mut fact = fact((strength, date), sign(strength).unwrap_or_else(new));
            if date.is_none() || strength == Strength::Tombstone {
                // what is there has happened, even where another clock is ahead of ours
                fact.effective = fact.effective.min(now);
            }
            Some(fact).filter(|fact| fact.effective <= now)
        })
        .collect()
}

/// The mark of a person's sign, if it has one.
fn sign_of(person: &PersonRow, strength: Strength) -> Option<Sign> {
    // rows of an earlier version have the mark of a disabling only, with the time it is since
    let old = person.disabled.as_ref();
    let old = old.filter(|_| strength == Strength::Disabled);
    let sign = person.signs.get(&strength).cloned();
    sign.or_else(|| {
        old.map(|mark| Sign {
            seq: mark.seq,
            seen: mark.since,
            recorded: None,
        })
    })
}

/// One sign with its mark.
fn fact((strength, date): (Strength, Option<Time>), sign: Sign) -> DepartureFact {
    DepartureFact {
        strength,
        effective: effective(strength, date, sign.recorded, sign.seen),
        recorded: sign.recorded,
        seen: sign.seen,
        seq: sign.seq,
    }
}

/// When a sign took effect. A source records a disabling or an attribute together with other
/// changes, so that a time between the two is only known for what the source does itself.
fn effective(strength: Strength, date: Option<Time>, recorded: Option<Time>, seen: Time) -> Time {
    match strength {
        Strength::Tombstone | Strength::LeaversUnit | Strength::LostGroup => {
            date.or(recorded).unwrap_or(seen)
        }
        _ => date.unwrap_or(seen),
    }
}

/// What a named person said, once it is in force.
fn said(stated: Option<&Stated>, now: Time) -> Option<DepartureFact> {
    let stated = stated.filter(|stated| stated.at <= now)?;
    Some(DepartureFact {
        strength: Strength::Named,
        effective: stated.at,
        recorded: None,
        seen: stated.said,
        seq: stated.seq,
    })
}

/// The code of a departure of some strength.
pub const fn code(strength: Strength) -> &'static str {
    match strength {
        Strength::Named => "leaver.named",
        Strength::LeaveDate => "leaver.leave-date",
        Strength::Disabled => "leaver.disabled",
        Strength::Expired => "leaver.expired",
        Strength::Attribute => "leaver.attribute",
        Strength::Tombstone => "leaver.tombstone",
        Strength::LeaversUnit => "leaver.leavers-unit",
        Strength::LostGroup => "leaver.lost-group",
        Strength::Absent => "leaver.absent",
    }
}

fn removal_from(fact: &DepartureFact) -> Option<Time> {
    match fact.strength {
        Strength::Named | Strength::LeaveDate | Strength::Tombstone | Strength::Absent => {
            Some(fact.effective)
        }
        Strength::Disabled | Strength::Expired | Strength::Attribute => {
            Some(fact.effective.plus_days(DISABLED_DAYS_FOR_REMOVAL))
        }
        Strength::LeaversUnit | Strength::LostGroup => None,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
