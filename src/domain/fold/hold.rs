//! Holds as rows.

use crate::domain::event;
use crate::domain::event::Entry;
use crate::domain::fold::Change;
use crate::domain::fold::ReadRows;
use crate::domain::fold::pair_key;
use crate::domain::fold::row;
use crate::domain::fold::set;
use crate::domain::rows::HoldRow;
use crate::domain::rows::Kind;
use crate::domain::rows::Mark;

pub(super) fn placed(entry: &Entry) -> Vec<Change> {
    let (Some(placed), Some(sub)) = (entry.payload::<event::HoldPlaced>(), &entry.sub) else {
        return Vec::new();
    };
    let key = pair_key(sub, placed.hold.as_str());
    let body = HoldRow {
        hold: placed.hold,
        seq: entry.seq,
        subject: sub.clone(),
        person: placed.person,
        kind: placed.kind,
        at: entry.rec,
        until: placed.until,
        review: placed.review,
        by: entry.actor.sub.clone(),
        proof: placed.proof,
        lifted: None,
    };
    vec![set(Kind::Hold, key, &body)]
}

/// A hold that was lifted stays known: warnings from before its end do not count.
pub(super) fn lifted<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
    let (Some(lifted), Some(sub)) = (entry.payload::<event::HoldLifted>(), &entry.sub) else {
        return Ok(Vec::new());
    };
    let key = pair_key(sub, lifted.hold.as_str());
    let Some(mut body) = row::<HoldRow, R>(rows, Kind::Hold, &key)? else {
        return Ok(Vec::new());
    };
    body.lifted.get_or_insert(Mark {
        seq: entry.seq,
        since: entry.rec,
    });
    Ok(vec![set(Kind::Hold, key, &body)])
}
