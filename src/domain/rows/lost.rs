//! Those whose personal values were lost with the vault, and when that was.

use serde::Deserialize;
use serde::Serialize;

use crate::domain::id::Seq;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::lost::LostKind;
use crate::domain::rows::Stated;
use crate::domain::time::Time;

/// One pseudonym that stands for nobody any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostRow {
    /// The pseudonym.
    pub subject: Subject,
    /// What it stood for.
    pub kind: LostKind,
    /// The directory or tenant; of an operator, how they were known.
    pub source: SourceName,
    /// The entry that says so.
    pub seq: Seq,
    /// A named person had said that they leave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub named: Option<Stated>,
}

/// The ledger goes on with another vault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revaulted {
    /// The entry that says so.
    pub seq: Seq,
    /// When that was (our clock).
    pub since: Time,
    /// How many pseudonyms have no values any more.
    pub lost: u64,
    /// How many words about who leaves were about them.
    pub leaves: u64,
    /// Whether nothing of the vault before was left: what was under its keys cannot be compared with
    /// anything any more.
    pub anew: bool,
}
