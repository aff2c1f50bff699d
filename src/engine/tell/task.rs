//! Tasks by hand as sentences for people.

use crate::domain::code;
use crate::domain::event;
use crate::domain::event::Entry;
use crate::domain::id::Subject;
use crate::engine::tell::by;
use crate::engine::tell::lower;
use crate::engine::tell::proof;
use crate::engine::tell::reasons;

/// What is said about a task, and its end.
pub(super) fn said(entry: &Entry, name: &dyn Fn(&Subject) -> String) -> Option<String> {
    let whom = entry.sub.as_ref().map(name).unwrap_or_default();
    if let Some(opened) = entry.payload::<event::TaskOpened>() {
        return Some(format!(
            "task #{} was opened: {whom} has left, and no step may touch the account in {}: {}",
            entry.seq,
            opened.tenant,
            lower(&reasons(&opened.because))
        ));
    }
    let by = by(entry, name);
    if entry.payload::<event::TaskTaken>().is_some() {
        return Some(format!("{by} noted who sees to the task about {whom}"));
    }
    if let Some(released) = entry.payload::<event::TaskReleased>() {
        return Some(format!(
            "{by} released {whom} in {}: it may be disabled once, if another approver says so as well \
             ({})",
            released.bound.tenant,
            proof(&released.proof)
        ));
    }
    let closed = entry.payload::<event::TaskClosed>()?;
    let read = closed.read.map(|seq| format!(" (read #{seq})"));
    Some(format!(
        "the task about {whom} is over: {}{}",
        lower(&code::says(closed.because.as_str())),
        read.unwrap_or_default()
    ))
}
