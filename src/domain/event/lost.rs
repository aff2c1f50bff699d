//! What was lost with the vault: these types of entries.

use serde::Deserialize;
use serde::Serialize;

use crate::domain::event::Payload;
use crate::domain::event::VaultMark;
use crate::domain::id::EntryId;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::lost::LostKind;

/// Which vault the ledger goes on with, and what was lost with the one before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaultReopened {
    /// The id of the vault from here on. No copy of the one before is taken any more.
    pub id: String,
    /// The one before, as the ledger knew it.
    pub before: VaultMark,
    /// The number of the last commit of the copy from which it goes on; absent if nothing of it was
    /// left that could be opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<u64>,
    /// Whether the ledger itself had lost nothing.
    pub alone: bool,
    /// How many pseudonyms have no values any more: those of the `subjects.lost` behind this entry.
    pub lost: u64,
    /// SHA-256 over them, each with a line feed, in the order in which they stand there; hexadecimal.
    pub digest: String,
    /// How many words about who leaves were about them.
    pub leaves: u64,
}

payload!("subjects.lost",
/// Part of those whose personal values were lost with the vault, as the `ledger.reopened` before says.
SubjectsLost {
    /// What they were.
    kind: LostKind,
    /// Their directory or tenant; of operators, how they were known.
    source: SourceName,
    /// The pseudonyms.
    subjects: Vec<Subject>,
    /// The directories for which something was known of whose accounts these were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    directories: Vec<SourceName>,
    /// Calls for these accounts whose outcome nobody can find out any more, by their intents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    in_doubt: Vec<EntryId>,
});
