//! What was lost with the vault, as rows: those who have no values any more are nobody who is known,
//! so that no read can miss them.

use crate::domain::event;
use crate::domain::event::Entry;
use crate::domain::fold::Change;
use crate::domain::fold::ReadRows;
use crate::domain::fold::pair_key;
use crate::domain::fold::row;
use crate::domain::fold::set;
use crate::domain::id::Subject;
use crate::domain::lost::LostKind;
use crate::domain::rows::AccountRow;
use crate::domain::rows::CommandRow;
use crate::domain::rows::Kind;
use crate::domain::rows::LostRow;
use crate::domain::rows::PersonRow;
use crate::domain::rows::Stated;

/// The rows that speak of one account alone.
const OF_ACCOUNT: &[Kind] = &[
    Kind::Account,
    Kind::Activity,
    Kind::Decision,
    Kind::Kept,
    Kind::Orphan,
    Kind::Task,
];

pub(super) fn lost<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
    let Some(lost) = entry.payload::<event::SubjectsLost>() else {
        return Ok(Vec::new());
    };
    let mut changes = Vec::new();
    for sub in &lost.subjects {
        let body = LostRow {
            subject: sub.clone(),
            kind: lost.kind,
            source: lost.source.clone(),
            seq: entry.seq,
            named: named(lost.kind, sub, rows)?,
        };
        changes.push(set(Kind::Lost, sub.as_str(), &body));
        let kinds = match lost.kind {
            LostKind::Person => &[Kind::Person][..],
            LostKind::Account => OF_ACCOUNT,
            LostKind::Operator => &[Kind::Operator][..],
        };
        changes.extend(kinds.iter().map(|kind| gone(*kind, sub.as_str())));
        for directory in &lost.directories {
            let key = pair_key(sub, directory.as_str());
            changes.push(gone(Kind::Link, &key));
            changes.push(gone(Kind::Stated, &key));
        }
    }
    for intent in &lost.in_doubt {
        if let Some(mut body) = row::<CommandRow, R>(rows, Kind::Command, intent.as_str())? {
            body.lost = Some(entry.seq);
            changes.push(set(Kind::Command, intent.as_str(), &body));
        }
    }
    Ok(changes)
}

/// What a named person had said about them.
fn named<R: ReadRows>(kind: LostKind, sub: &Subject, rows: &R) -> Result<Option<Stated>, R::Error> {
    Ok(match kind {
        LostKind::Person => {
            let person = row::<PersonRow, R>(rows, Kind::Person, sub.as_str())?;
            person.and_then(|person| person.named)
        }
        LostKind::Account => {
            let account = row::<AccountRow, R>(rows, Kind::Account, sub.as_str())?;
            account.and_then(|account| account.named)
        }
        LostKind::Operator => None,
    })
}

fn gone(kind: Kind, key: &str) -> Change {
    Change {
        kind,
        key: key.to_owned(),
        body: None,
    }
}
