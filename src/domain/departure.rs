//! Whether a person has left, and how strongly that is known.

use crate::domain::code::Code;
use crate::domain::id::Seq;
use crate::domain::person::Strength;
use crate::domain::rows::PersonRow;
use crate::domain::time::Time;

/// Days for which somebody must have been disabled or expired before a removal may rest on it.
pub const DISABLED_DAYS_FOR_REMOVAL: i64 = 90;

/// A person has left one directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Departure {
    /// The strongest fact.
    pub strength: Strength,
    /// Since when that fact holds.
    pub since: Time,
    /// Its code: `leaver.leave-date`, `leaver.disabled`, `leaver.expired`, `leaver.absent`.
    pub because: Code,
    /// Whether somebody said so, rather than that nothing was seen.
    pub explicit: bool,
    /// From when on a removal may rest on it; `None` if never as it stands.
    pub removal_from: Option<Time>,
    /// Every fact that says so, the strongest first.
    pub facts: Vec<(Strength, Time)>,
    /// The entries that it rests on, sorted.
    pub evidence: Vec<Seq>,
}

/// Judges one person of one directory at `now`; dates in the future are not departures, and a
/// lock after wrong passwords never is.
///
/// In a directory that lists only leavers (`lists_everybody` false), whoever is not there has not
/// left: absence says nothing, and what was said before it is withdrawn.
pub fn departure(person: &PersonRow, lists_everybody: bool, now: Time) -> Option<Departure> {
    if !lists_everybody && (person.missed.is_some() || person.absent.is_some()) {
        return None;
    }
    let mut facts = Vec::new();
    let mut evidence = vec![person.seq];
    let stated = &person.facts;
    if let Some(at) = stated.leave_at.filter(|at| *at <= now) {
        facts.push((Strength::LeaveDate, at));
    }
    if stated.disabled_by.is_some() && stated.disabled_at.is_none_or(|at| at <= now) {
        let seen = person.disabled.as_ref();
        // without any date, nothing has been waited for yet
        let since = stated
            .disabled_at
            .or(seen.map(|mark| mark.since))
            .unwrap_or(now)
            .min(now);
        evidence.extend(seen.map(|mark| mark.seq));
        facts.push((Strength::Disabled, since));
    }
    if let Some(at) = stated.expires_at.filter(|at| *at <= now) {
        facts.push((Strength::Expired, at));
    }
    if let Some(mark) = person.absent.as_ref().filter(|mark| mark.since <= now) {
        evidence.push(mark.seq);
        evidence.extend(person.missed.as_ref().map(|missed| missed.seq));
        facts.push((Strength::Absent, mark.since));
    }
    facts.sort();
    evidence.sort_unstable();
    evidence.dedup();
    let (strength, since) = *facts.first()?;
    Some(Departure {
        strength,
        since,
        because: Code::new(code(strength)),
        explicit: facts.iter().any(|(s, _)| *s != Strength::Absent),
        removal_from: facts.iter().filter_map(|fact| removal_from(*fact)).min(),
        facts,
        evidence,
    })
}

/// Whether a person stands in a directory and nothing says that they have left.
pub fn is_there(person: &PersonRow, lists_everybody: bool, now: Time) -> bool {
    person.missed.is_none()
        && person.absent.is_none()
        && departure(person, lists_everybody, now).is_none()
}

const fn code(strength: Strength) -> &'static str {
    match strength {
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

const fn removal_from((strength, since): (Strength, Time)) -> Option<Time> {
    match strength {
        Strength::LeaveDate | Strength::Tombstone | Strength::Absent => Some(since),
        Strength::Disabled | Strength::Expired | Strength::Attribute => {
            Some(since.plus_days(DISABLED_DAYS_FOR_REMOVAL))
        }
        Strength::LeaversUnit | Strength::LostGroup => None,
    }
}
