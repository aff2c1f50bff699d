//! Why a command could not do its work, by what the caller can do.

use crate::config::mistake::Mistake;
use crate::directory::DirectoryError;
use crate::ledger::error::LedgerError;
use crate::notify::NotifyError;
use crate::provider::ProviderError;

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The ledger, the vault or the head lock.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The configuration.
    #[error(transparent)]
    Configuration(#[from] Mistake),
    /// A directory.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// A tenant.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// A notice could not be given.
    #[error(transparent)]
    Notify(#[from] NotifyError),
    /// Our clock and an outside one are too far apart; nothing was appended (75).
    #[error("our clock and that of {source_name} are {seconds} seconds apart")]
    Clock {
        /// Whose clock it was compared with.
        source_name: String,
        /// Ours minus theirs.
        seconds: i64,
    },
    /// A safety rule says no; nothing was sent (5).
    #[error("{what}")]
    Refused {
        /// Which rule, as a code.
        code: &'static str,
        /// What it says.
        what: String,
        /// What can be done.
        hint: String,
    },
    /// What was named does not exist, or is not the only one (64).
    #[error("{what}")]
    Unknown {
        /// What was looked for.
        what: String,
        /// What can be done.
        hint: String,
    },
    /// A file is not what it should be (1).
    #[error("{what}")]
    File {
        /// Which, and what is wrong.
        what: String,
    },
}

impl EngineError {
    /// A safety rule says no: which, what it says, and what can be done.
    pub(super) fn refused(
        code: &'static str,
        what: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self::Refused {
            code,
            what: what.into(),
            hint: hint.into(),
        }
    }

    /// What was named does not exist, or is not the only one; and what can be done.
    pub(super) fn unknown(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Unknown {
            what: what.into(),
            hint: hint.into(),
        }
    }
}
