//! Who takes over from whom, as people have said it.

use serde::Deserialize;
use serde::Serialize;

use crate::domain::id::Seq;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::time::Time;

/// Who takes over from one person, or one account, in one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuccessorRow {
    /// The entry.
    pub seq: Seq,
    /// From whom: a person, or an account.
    pub subject: Subject,
    /// In which tenant.
    pub tenant: SourceName,
    /// The account that takes over.
    pub to: Subject,
    /// When it was said (our clock).
    pub at: Time,
    /// Who said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Subject>,
    /// `signature` or `os-user`.
    pub proof: String,
}
