//! What is seen of people and said about them, as rows.

use crate::domain::departure::departure;
use crate::domain::departure::marked;
use crate::domain::event;
use crate::domain::event::Entry;
use crate::domain::fold::Change;
use crate::domain::fold::ReadRows;
use crate::domain::fold::row;
use crate::domain::fold::set;
use crate::domain::rows::AccountRow;
use crate::domain::rows::FellAway;
use crate::domain::rows::Kind;
use crate::domain::rows::Mark;
use crate::domain::rows::Missed;
use crate::domain::rows::PersonRow;
use crate::domain::rows::Stated;

pub(super) fn person_observed<R: ReadRows>(
    entry: &Entry,
    rows: &R,
) -> Result<Vec<Change>, R::Error> {
    let (Some(seen), Some(sub)) = (entry.payload::<event::PersonObserved>(), &entry.sub) else {
        return Ok(Vec::new());
    };
    let before = row::<PersonRow, R>(rows, Kind::Person, sub.as_str())?;
    let disabled = seen.facts.disabled_by.as_ref().map(|_| {
        let earlier = before.as_ref().and_then(|p| p.disabled.clone());
        let new = Mark {
            seq: entry.seq,
            since: seen.facts.disabled_at.unwrap_or(entry.rec),
        };
        earlier.unwrap_or(new)
    });
    let mut body = PersonRow {
        subject: sub.clone(),
        directory: seen.directory,
        first: before.as_ref().map_or(entry.seq, |p| p.first),
        first_seen: before.as_ref().map_or(entry.rec, |p| p.first_seen),
        seq: entry.seq,
        signs: marked(&seen.facts, before.as_ref(), entry.seq, entry.rec),
        named: before.as_ref().and_then(|p| p.named.clone()),
        fell_away: None,
        withdrawn: before.as_ref().and_then(|p| p.withdrawn.clone()),
        facts: seen.facts,
        disabled,
        missed: None,
        absent: None,
    };
    body.fell_away = before.and_then(|before| fell_away(entry, before, &body));
    Ok(vec![set(Kind::Person, sub.as_str(), &body)])
}

/// What an entry takes away of a departure, if it leaves nothing of it.
fn fell_away(entry: &Entry, before: PersonRow, after: &PersonRow) -> Option<FellAway> {
    if departure(after, true, entry.rec).is_some() {
        return None;
    }
    let Some(left) = departure(&before, true, entry.rec) else {
        return before.fell_away;
    };
    Some(FellAway {
        seq: entry.seq,
        facts: left.facts.iter().map(|fact| fact.strength).collect(),
    })
}

pub(super) fn departure_withdrawn<R: ReadRows>(
    entry: &Entry,
    rows: &R,
) -> Result<Vec<Change>, R::Error> {
    with_person(entry, rows, |person| {
        person.fell_away = None;
        person.withdrawn = Some(Mark {
            seq: entry.seq,
            since: entry.rec,
        });
    })
}

/// What a named person says about a person, or about an account.
pub(super) fn leave<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
    let stated = entry.payload::<event::LeaveStated>().map(|said| Stated {
        seq: entry.seq,
        at: said.at,
        said: entry.rec,
    });
    let Some(sub) = &entry.sub else {
        return Ok(Vec::new());
    };
    if let Some(mut account) = row::<AccountRow, R>(rows, Kind::Account, sub.as_str())? {
        account.named = stated;
        return Ok(vec![set(Kind::Account, sub.as_str(), &account)]);
    }
    with_person(entry, rows, |person| {
        if stated.is_none() {
            person.withdrawn = Some(Mark {
                seq: entry.seq,
                since: entry.rec,
            });
        }
        person.named = stated;
    })
}

pub(super) fn person_missed<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
    let missed = entry.payload::<event::PersonMissed>();
    let anew = missed.is_some_and(|missed| missed.anew);
    with_person(entry, rows, |person| {
        person.missed = Some(match person.missed.take().filter(|_| !anew) {
            Some(missed) => Missed {
                reads: missed.reads + 1,
                ..missed
            },
            None => Missed {
                seq: entry.seq,
                since: entry.rec,
                reads: 1,
            },
        });
    })
}

pub(super) fn person_absent<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
    with_person(entry, rows, |person| {
        let since = person
            .missed
            .as_ref()
            .map_or(entry.rec, |missed| missed.since);
        person.absent = Some(Mark {
            seq: entry.seq,
            since,
        });
    })
}

fn with_person<R: ReadRows>(
    entry: &Entry,
    rows: &R,
    change: impl FnOnce(&mut PersonRow),
) -> Result<Vec<Change>, R::Error> {
    let Some(sub) = &entry.sub else {
        return Ok(Vec::new());
    };
    let Some(mut person) = row::<PersonRow, R>(rows, Kind::Person, sub.as_str())? else {
        return Ok(Vec::new());
    };
    change(&mut person);
    person.seq = entry.seq;
    Ok(vec![set(Kind::Person, sub.as_str(), &person)])
}
