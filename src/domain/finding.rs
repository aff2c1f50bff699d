//! What somebody should look at, besides what policies match.

use serde::Serialize;

use crate::domain::code::Code;
use crate::domain::id::Seq;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::time::Time;

/// One thing that somebody should look at, with its age.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// What it is, as a code of the family `finding`.
    pub kind: Code,
    /// Since when it is so, as far as is known: its age is counted from here.
    pub since: Time,
    /// The account or person that it is about.
    pub subject: Subject,
    /// The tenant of the account, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<SourceName>,
    /// The directory, if it is about a person or about somebody's standing there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory: Option<SourceName>,
    /// Other accounts and persons whom it names (those who come into question).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Subject>,
    /// The entries that it rests on, sorted.
    pub evidence: Vec<Seq>,
}
