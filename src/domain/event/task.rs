//! Tasks by hand: these types of entries.

use serde::Deserialize;
use serde::Serialize;

use crate::domain::code::Code;
use crate::domain::event::Payload;
use crate::domain::id::EntryId;
use crate::domain::id::Seq;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::task::Bound;
use crate::domain::time::Time;

payload!("task.opened",
/// Somebody has left, and no step may or can touch their account: a person has to see to it.
TaskOpened {
    /// Its tenant.
    tenant: SourceName,
    /// Why no step may touch it, the gravest first.
    because: Vec<Code>,
    /// The persons who have left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    persons: Vec<Subject>,
    /// Since when they have left.
    since: Time,
});

payload!("task.taken",
/// Somebody sees to a task; who, and a note, are commitments. It closes nothing.
TaskTaken {
    /// The task: the id of the entry that opened it.
    task: EntryId,
});

payload!("task.released",
/// An approver agrees that one step touches a protected account of somebody who has left. It counts
/// with another approver's over the same digest.
TaskReleased {
    /// The task: the id of the entry that opened it.
    task: EntryId,
    /// What it is bound to.
    bound: Bound,
    /// SHA-256 over the canonical JSON of `account`, `bound` and `task`, hexadecimal.
    digest: String,
    /// How it is proven: `signature`.
    proof: String,
    /// `ed25519:` and base64, over `release` and the digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
});

payload!("task.closed",
/// A task is over: as a complete read of the tenant shows, or because nothing is asked for any more.
TaskClosed {
    /// The task: the id of the entry that opened it.
    task: EntryId,
    /// How, as a code of the family `task`.
    because: Code,
    /// The complete read of the tenant that shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    read: Option<Seq>,
    /// The entries that it rests on.
    evidence: Vec<Seq>,
});
