//! Holds as they stand, and what they forbid.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::account::Do;
use crate::domain::code::Code;
use crate::domain::hold::HoldKind;
use crate::domain::id::EntryId;
use crate::domain::id::Seq;
use crate::domain::id::Subject;
use crate::domain::rows::Mark;
use crate::domain::time::Time;

/// A hold over one person or one account. One word of an operator can be several of these: over each
/// person that somebody is in the directories, and over each account that was theirs at the time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldRow {
    /// The entry that placed it, of several the first: the same for all that were placed together.
    pub hold: EntryId,
    /// The entry that placed it over this subject.
    pub seq: Seq,
    /// Who or what is held.
    pub subject: Subject,
    /// The person for whom an account is held with them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<Subject>,
    /// Why.
    pub kind: HoldKind,
    /// When it was placed (our clock).
    pub at: Time,
    /// When it ends; absent of a legal one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
    /// When it is to be looked at again, of a legal one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<Time>,
    /// Who placed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Subject>,
    /// `signature` or `os-user`.
    pub proof: String,
    /// Lifted, by which entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifted: Option<Mark>,
}

impl HoldRow {
    /// When it stopped holding; `None` while it holds. A review date ends nothing.
    ///
    /// One that was placed or lifted after `now` counts as such: a run uses the moment at which it
    /// began, and must see what was said meanwhile.
    pub fn ended(&self, now: Time) -> Option<Time> {
        let passed = self.until.filter(|until| *until <= now);
        let lifted = self.lifted.as_ref().map(|mark| mark.since);
        passed.into_iter().chain(lifted).min()
    }

    /// Whether it holds.
    pub fn stands(&self, now: Time) -> bool {
        self.ended(now).is_none()
    }

    /// Whether somebody should have looked at it again by now; it holds all the same.
    pub fn is_overdue(&self, now: Time) -> bool {
        self.stands(now) && self.review.is_some_and(|review| review <= now)
    }

    /// When it ends or is to be looked at again.
    pub const fn comes_up(&self) -> Option<Time> {
        match self.until {
            Some(until) => Some(until),
            None => self.review,
        }
    }

    /// Whether it forbids a step. Under a legal one, whoever has left may be disabled: that keeps
    /// everything as it is. Giving an account back takes nothing away, and is never forbidden.
    pub fn forbids(&self, does: Option<Do>, departed: bool, now: Time) -> bool {
        let legal = self.kind == HoldKind::Legal;
        let allowed = match does {
            Some(Do::Restore) => true,
            Some(Do::Disable) => legal && departed,
            _ => false,
        };
        self.stands(now) && !allowed
    }
}

/// Why some holds forbid a step, the gravest first.
pub fn hold_codes<'h>(holds: impl Iterator<Item = &'h HoldRow>) -> Vec<Code> {
    let kinds: BTreeSet<_> = holds.map(|hold| hold.kind).collect();
    kinds.into_iter().map(|k| Code::new(k.code())).collect()
}
