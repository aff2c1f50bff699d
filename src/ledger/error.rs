//! What can go wrong with the ledger, by what the caller can do about it.

use std::path::PathBuf;

use crate::domain::id::Seq;
use crate::ledger::chain::EntryError;
use crate::ledger::store::StoreError;

/// Why the ledger, the vault or the head lock did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// There is no ledger; `init` makes one.
    #[error("there is no ledger at {}", path.display())]
    NoLedger {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// `init` was asked for where a ledger already is.
    #[error("there is a ledger already at {}", path.display())]
    Exists {
        /// The file that is there.
        path: PathBuf,
    },
    /// Another process notifies, calls or settles.
    #[error("another process is at work{holder}")]
    Busy {
        /// Who it is, as far as the lock file tells: ` (process 123)` or nothing.
        holder: String,
    },
    /// The key-encryption key does not open the vault.
    #[error("the key-encryption key does not open this vault")]
    WrongKey,
    /// The evidence contradicts itself or the head lock.
    #[error("{what}")]
    False {
        /// The position, where one can be named.
        seq: Option<Seq>,
        /// What is wrong.
        what: String,
    },
    /// Something is missing without which nothing can be said.
    #[error("{what}; {hint}")]
    CannotJudge {
        /// What is missing.
        what: String,
        /// What can be done.
        hint: String,
    },
    /// A file or the database does not answer; trying again may help.
    #[error("{what}")]
    Unavailable {
        /// What was tried.
        what: String,
        /// What the system said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Others appended all the time; nothing was appended.
    #[error("others kept appending; nothing was appended after {tries} tries")]
    Contended {
        /// How often it was tried.
        tries: u32,
    },
    /// The clock is far behind the newest entry; nothing was appended.
    #[error("the clock is {behind_s} seconds behind the newest entry")]
    Clock {
        /// By how many seconds.
        behind_s: i64,
    },
    /// The clock was moved and the ledger is no sandbox.
    #[error("the clock may be moved in a sandbox ledger only")]
    ClockMoved,
    /// The actor lease was lost to another process; nothing was appended.
    #[error("the actor lease was lost: the epoch is {}", epoch_text(*current))]
    Fenced {
        /// The epoch that holds now.
        current: Option<Seq>,
    },
    /// A change was asked of a ledger that was opened for reading.
    #[error("the ledger was opened for reading only")]
    ReadOnly,
    /// An entry may not stand in the ledger as it is.
    #[error("an entry of type {kind} may not be appended")]
    Entry {
        /// Its type.
        kind: String,
        /// Why.
        #[source]
        source: EntryError,
    },
    /// More entries in one commit than one transaction takes.
    #[error("{count} entries are too many for one commit (at most {most})")]
    TooLarge {
        /// How many there were.
        count: usize,
        /// How many there may be.
        most: usize,
    },
    /// The store or the vault was made by a newer program.
    #[error("the file {} was made by a newer program", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
    },
    /// The program was given something that cannot be right.
    #[error("{what}")]
    Usage {
        /// What it is.
        what: String,
    },
    /// The machine gives no randomness.
    #[error("the system gave no randomness")]
    Randomness,
}

fn epoch_text(epoch: Option<Seq>) -> String {
    epoch.map_or_else(|| "none".to_owned(), |e| e.to_string())
}

impl LedgerError {
    /// Makes [`LedgerError::Unavailable`].
    pub fn unavailable(
        what: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Unavailable {
            what: what.into(),
            source: source.into(),
        }
    }

    /// Makes [`LedgerError::CannotJudge`].
    pub fn cannot_judge(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::CannotJudge {
            what: what.into(),
            hint: hint.into(),
        }
    }

    /// The exit code of a command that ends with it (README, "Exit codes").
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::NoLedger { .. } => 10,
            Self::Busy { .. } | Self::Fenced { .. } => 11,
            Self::WrongKey => 12,
            Self::False { .. } => 20,
            Self::CannotJudge { .. } | Self::Newer { .. } => 21,
            Self::Exists { .. } | Self::Usage { .. } | Self::ClockMoved => 64,
            Self::Unavailable { .. } => 69,
            Self::Contended { .. } | Self::Clock { .. } => 75,
            Self::ReadOnly | Self::Entry { .. } | Self::TooLarge { .. } | Self::Randomness => 1,
        }
    }
}

impl From<StoreError> for LedgerError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict => Self::Contended { tries: 1 },
            StoreError::Fenced { current } => Self::Fenced { current },
            StoreError::Corrupt { seq, what } => Self::False { seq, what },
            StoreError::Newer { path } => Self::Newer { path },
            StoreError::Foreign { path } => Self::cannot_judge(
                format!("{} is not a file of this program", path.display()),
                "name the right file in exeunt.toml",
            ),
            StoreError::Unavailable { what, source } => Self::unavailable(what, source),
        }
    }
}
