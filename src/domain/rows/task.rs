//! Tasks by hand as they stand.

use serde::Deserialize;
use serde::Serialize;

use crate::domain::code::Code;
use crate::domain::id::EntryId;
use crate::domain::id::Seq;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::task::Bound;
use crate::domain::time::Time;

/// The newest task about one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRow {
    /// The entry that opened it.
    pub task: EntryId,
    /// Its position: the number by which people call it.
    pub seq: Seq,
    /// The account.
    pub account: Subject,
    /// Its tenant.
    pub tenant: SourceName,
    /// Why no step may touch it, when it was opened.
    pub because: Vec<Code>,
    /// When it was opened (our clock).
    pub at: Time,
    /// Who has taken it, the newest word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<TaskTaken>,
    /// What approvers have signed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub releases: Vec<TaskRelease>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<TaskClosing>,
}

/// That somebody sees to a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskTaken {
    /// The entry; the vault has the name.
    pub seq: Seq,
    /// When.
    pub at: Time,
}

/// One approver's signature under a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRelease {
    /// The entry.
    pub seq: Seq,
    /// When.
    pub at: Time,
    /// Who.
    pub by: Subject,
    /// What was signed: SHA-256 over the canonical JSON of the task, the account and `bound`.
    pub digest: String,
    /// What it is bound to.
    pub bound: Bound,
}

/// How a task ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskClosing {
    /// The entry.
    pub seq: Seq,
    /// When.
    pub at: Time,
    /// How, as a code of the family `task`.
    pub because: Code,
    /// The complete read of the tenant that shows it, where one is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<Seq>,
}
