//! Holds as sentences for people.

use crate::domain::code::Code;
use crate::domain::event;
use crate::domain::event::Entry;
use crate::domain::hold::HoldKind;
use crate::domain::id::Subject;
use crate::domain::time::Time;
use crate::engine::tell::by;
use crate::engine::tell::moment;
use crate::engine::tell::proof;

/// A kind of hold in words: `leave of absence`, `break-glass`.
pub fn hold_kind(kind: HoldKind) -> String {
    match kind {
        HoldKind::LeaveOfAbsence => "leave of absence".to_owned(),
        other => other.as_str().to_owned(),
    }
}

/// When a hold ends or is to be looked at again.
pub fn hold_end(until: Option<Time>, review: Option<Time>) -> String {
    match (until, review) {
        (Some(until), _) => format!("until {}", moment(until)),
        (None, Some(review)) => format!("to be looked at again by {}", moment(review)),
        (None, None) => "without an end".to_owned(),
    }
}

/// The holds among what blocks a step, in words.
pub fn held(blocked: &[Code]) -> Option<String> {
    let kinds = HoldKind::ALL.iter();
    let held: Vec<_> = kinds
        .filter(|kind| blocked.iter().any(|code| code.as_str() == kind.code()))
        .map(|kind| hold_kind(*kind))
        .collect();
    (!held.is_empty()).then(|| format!("HELD ({})", held.join(", ")))
}

/// That somebody is held, or not any more.
pub(super) fn said(entry: &Entry, name: &dyn Fn(&Subject) -> String) -> Option<String> {
    let whom = entry.sub.as_ref().map(name).unwrap_or_default();
    let by = by(entry, name);
    if let Some(placed) = entry.payload::<event::HoldPlaced>() {
        let what = match placed.person {
            Some(_) => format!("the account {whom}"),
            None => whom,
        };
        return Some(format!(
            "{by} placed hold #{} ({}) over {what}, {} ({})",
            entry.seq,
            hold_kind(placed.kind),
            hold_end(placed.until, placed.review),
            proof(&placed.proof)
        ));
    }
    let lifted = entry.payload::<event::HoldLifted>()?;
    Some(format!(
        "{by} lifted a hold over {whom} ({})",
        proof(&lifted.proof)
    ))
}
