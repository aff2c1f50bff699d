//! Warnings, and what became of them, as sentences for people.

use crate::domain::event;
use crate::domain::event::Entry;
use crate::domain::id::Subject;
use crate::engine::tell::by;
use crate::engine::tell::moment;
use crate::engine::tell::proof;

/// Why a warning did not arrive, in words.
pub fn bounce_reason(reason: &str) -> &'static str {
    match reason {
        "no-such-recipient" => "there is nobody at that address",
        "mailbox-full" => "the mailbox is full",
        "expired" => "it was tried for too long",
        "blocked" => "the other side does not let it in",
        _ => "for another reason",
    }
}

/// That somebody was warned, that the warning did not arrive, or how it goes on.
pub(super) fn said(entry: &Entry, name: &dyn Fn(&Subject) -> String) -> Option<String> {
    if let Some(sent) = entry.payload::<event::NoticeSent>() {
        return Some(format!(
            "a warning was {} ({}): the step comes on {} at the earliest",
            sent.state,
            sent.channel,
            moment(sent.acts_at)
        ));
    }
    if let Some(bounced) = entry.payload::<event::NoticeBounced>() {
        let who = match bounced.said_by.as_str() {
            "relay" => "the mail relay refused it",
            _ => "a report says so",
        };
        return Some(format!(
            "a warning did not reach the person ({who}): {}; it does not count",
            bounce_reason(&bounced.reason)
        ));
    }
    if entry.payload::<event::NoticeDelivered>().is_some() {
        return Some("a report says that the warning was delivered".to_owned());
    }
    let said = entry.payload::<event::NoticeProceeded>()?;
    let whom = entry.sub.as_ref().map(name).unwrap_or_default();
    let how = match said.how.as_str() {
        "again" => format!("{whom} is to be warned anew"),
        _ => format!("the steps about {whom} may come although no warning arrived"),
    };
    let by = by(entry, name);
    Some(format!("{by} said that {how} ({})", proof(&said.proof)))
}
