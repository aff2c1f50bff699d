//! Tasks by hand as rows.

use crate::domain::event;
use crate::domain::event::Entry;
use crate::domain::fold::Change;
use crate::domain::fold::ReadRows;
use crate::domain::fold::row;
use crate::domain::fold::set;
use crate::domain::id::EntryId;
use crate::domain::rows::Kind;
use crate::domain::rows::TaskClosing;
use crate::domain::rows::TaskRelease;
use crate::domain::rows::TaskRow;
use crate::domain::rows::TaskTaken;

pub(super) fn opened(entry: &Entry) -> Vec<Change> {
    let (Some(opened), Some(sub)) = (entry.payload::<event::TaskOpened>(), &entry.sub) else {
        return Vec::new();
    };
    let body = TaskRow {
        task: entry.id.clone(),
        seq: entry.seq,
        account: sub.clone(),
        tenant: opened.tenant,
        because: opened.because,
        at: entry.rec,
        taken: None,
        releases: Vec::new(),
        closed: None,
    };
    vec![set(Kind::Task, sub.as_str(), &body)]
}

/// What is said about a task that was opened, and its end. What is about an older one changes nothing.
pub(super) fn went_on<R: ReadRows>(entry: &Entry, rows: &R) -> Result<Vec<Change>, R::Error> {
    let Some(sub) = &entry.sub else {
        return Ok(Vec::new());
    };
    let body = row::<TaskRow, R>(rows, Kind::Task, sub.as_str())?;
    let Some(mut body) = body.filter(|body| body.closed.is_none()) else {
        return Ok(Vec::new());
    };
    let about = |task: &EntryId| *task == body.task;
    if let Some(taken) = entry.payload::<event::TaskTaken>() {
        if about(&taken.task) {
            body.taken = Some(TaskTaken {
                seq: entry.seq,
                at: entry.rec,
            });
        }
    } else if let Some(released) = entry.payload::<event::TaskReleased>() {
        if let Some(by) = entry.actor.sub.clone().filter(|_| about(&released.task)) {
            body.releases.push(TaskRelease {
                seq: entry.seq,
                at: entry.rec,
                by,
                digest: released.digest,
                bound: released.bound,
            });
        }
    } else if let Some(closed) = entry.payload::<event::TaskClosed>()
        && about(&closed.task)
    {
        body.closed = Some(TaskClosing {
            seq: entry.seq,
            at: entry.rec,
            because: closed.because,
            read: closed.read,
        });
    }
    Ok(vec![set(Kind::Task, sub.as_str(), &body)])
}
