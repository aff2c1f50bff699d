//! Warnings, and what became of them.

use serde::Deserialize;
use serde::Serialize;

use crate::domain::id::Seq;
use crate::domain::id::Subject;
use crate::domain::time::Time;

/// Warnings that were given to one account under one policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeRow {
    /// The account.
    pub account: Subject,
    /// The policy.
    pub policy: String,
    /// Each warning.
    pub sent: Vec<NoticeMark>,
    /// What an approver has said last about those that did not arrive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proceeded: Option<ProceedMark>,
}

/// One warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeMark {
    /// Its entry.
    pub seq: Seq,
    /// When it was written or accepted; of one that was refused at once, when that was.
    pub at: Time,
    /// How many days before the first step.
    pub days: u64,
    /// When the first step comes at the earliest, as the warning says.
    pub acts_at: Time,
    /// `written`, `accepted`, `delivered`, `bounced`.
    pub state: String,
    /// The mail, by the left part of its Message-ID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<String>,
    /// The entry that says that it did not arrive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bounced: Option<Seq>,
    /// Why it did not, as a class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What an approver has said about warnings that did not arrive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProceedMark {
    /// The entry.
    pub seq: Seq,
    /// When.
    pub at: Time,
    /// Whether the person is to be warned anew; if not, the steps come as if they had been warned.
    pub again: bool,
}

impl NoticeRow {
    /// Whether a warning counts: it was written, accepted or delivered, or an approver said after it
    /// had bounced that the steps come all the same.
    pub fn counts(&self, mark: &NoticeMark) -> bool {
        matches!(mark.state.as_str(), "written" | "accepted" | "delivered")
            || self.let_through(mark)
    }

    /// Whether a warning did not arrive, and nobody has said since how it goes on.
    pub fn is_undelivered(&self, mark: &NoticeMark) -> bool {
        mark.bounced.is_some() && !self.let_through(mark)
    }

    fn let_through(&self, mark: &NoticeMark) -> bool {
        let said = self.proceeded.as_ref().filter(|p| !p.again);
        match (mark.bounced, said) {
            (Some(bounced), Some(said)) => said.seq > bounced,
            _ => false,
        }
    }
}
