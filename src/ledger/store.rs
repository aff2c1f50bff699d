//! What a database must be able to do to keep a ledger.

use std::fmt;
use std::path::PathBuf;

use crate::domain::event::Entry;
use crate::domain::fold::Change;
use crate::domain::id::EntryId;
use crate::domain::id::Seq;
use crate::domain::id::Subject;
use crate::domain::rows::Kind;
use crate::domain::time::Time;
use crate::ledger::chain;
use crate::ledger::chain::Link;
use crate::ledger::chain::NO_LINK;
use crate::ledger::tree::tile::Tile;
use crate::ledger::tree::tile::Tiles;

/// Why a store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody appended first; read the head again and try once more.
    #[error("somebody else appended first")]
    Conflict,
    /// The epoch is another; nothing was appended.
    #[error("the epoch is another one")]
    Fenced {
        /// The epoch that holds now.
        current: Option<Seq>,
    },
    /// What is stored contradicts itself.
    #[error("{what}")]
    Corrupt {
        /// The position, where one can be named.
        seq: Option<Seq>,
        /// What is wrong.
        what: String,
    },
    /// The database was made by a newer program.
    #[error("{} was made by a newer program", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
    },
    /// The file is a database of something else.
    #[error("{} is not a file of this program", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The database does not answer, or refused.
    #[error("{what}")]
    Unavailable {
        /// What was tried.
        what: String,
        /// What it said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Where the ledger stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// How many entries there are; the next one has this position.
    pub size: u64,
    /// The link of the last entry; zeros if there is none.
    pub link: Link,
    /// The epoch of the actor lease, if it was ever taken.
    pub epoch: Option<Seq>,
    /// Our clock at the last entry.
    pub rec: Option<Time>,
}

impl Head {
    /// The head of a ledger without entries.
    pub const EMPTY: Head = Head {
        size: 0,
        link: NO_LINK,
        epoch: None,
        rec: None,
    };
}

/// An entry that is ready to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// What it says.
    pub entry: Entry,
    /// Its bytes: the truth.
    pub bytes: Vec<u8>,
    /// The link over them.
    pub link: Link,
}

/// An entry as it is stored, unjudged: the columns may say something else than the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its position.
    pub seq: Seq,
    /// The column `id`.
    pub id: String,
    /// The column `type`.
    pub kind: String,
    /// The column `sub`.
    pub sub: Option<String>,
    /// The column `run`.
    pub run: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The column `link`.
    pub link: Link,
}

impl Stored {
    /// Reads the entry, and refuses bytes that do not have the stored link or position.
    pub fn entry(&self) -> Result<Entry, StoreError> {
        let corrupt = |what: String| StoreError::Corrupt {
            seq: Some(self.seq),
            what,
        };
        if chain::link(&self.bytes) != self.link {
            return Err(corrupt(format!(
                "entry {} does not have the link that was stored with it",
                self.seq
            )));
        }
        let entry = chain::parse(&self.bytes)
            .map_err(|e| corrupt(format!("entry {} cannot be read: {e}", self.seq)))?;
        if entry.seq != self.seq {
            return Err(corrupt(format!(
                "entry {} says that it is entry {}",
                self.seq, entry.seq
            )));
        }
        Ok(entry)
    }
}

/// A row as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its kind.
    pub kind: Kind,
    /// Its key.
    pub key: String,
    /// The entry that last changed it.
    pub seq: Seq,
    /// Its body, as JSON.
    pub body: String,
}

/// A change of a row with the entry that causes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowChange {
    /// The entry.
    pub seq: Seq,
    /// The change.
    pub change: Change,
}

/// A checkpoint as it was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// The name of the log.
    pub origin: String,
    /// How many entries it covers.
    pub size: u64,
    /// The signed note.
    pub note: String,
    /// Our clock when it was signed.
    pub at: Time,
}

/// One transaction: entries and the rows that follow from them.
#[derive(Debug)]
pub struct Append<'a> {
    /// The head that the caller saw; anything else is a conflict.
    pub expected: &'a Head,
    /// The epoch that must hold, if one must.
    pub fence: Option<Seq>,
    /// The entries, in order, from `expected.size` on.
    pub entries: &'a [Sealed],
    /// The rows, each at most once.
    pub changes: &'a [RowChange],
    /// The epoch from now on, where it changes.
    pub epoch: Option<Seq>,
}

/// Keeps entries and rows. Whatever is returned as done is durable and seen by every later call of
/// every process; an append happens as a whole or not at all.
pub trait Store: Send + Sync + fmt::Debug {
    /// Returns where the ledger stands.
    fn head(&self) -> Result<Head, StoreError>;
    /// Appends if the head is still `expected` and the epoch is `fence`; returns the new head.
    fn append(&self, append: &Append<'_>) -> Result<Head, StoreError>;
    /// Returns tiles of the tree over the first `size` entries, in one statement; what is missing is
    /// left out.
    fn tiles(&self, wanted: &[Tile], size: u64) -> Result<Tiles, StoreError>;
    /// Keeps a checkpoint; one that is kept already changes nothing, another one of the same log and
    /// size is refused.
    fn put_checkpoint(&self, made: &SignedCheckpoint) -> Result<(), StoreError>;
    /// Returns the largest checkpoint of a log.
    fn newest_checkpoint(&self, origin: &str) -> Result<Option<SignedCheckpoint>, StoreError>;
    /// Returns every checkpoint, by log and size.
    fn checkpoints(&self) -> Result<Vec<SignedCheckpoint>, StoreError>;
    /// Returns at most `limit` entries from a position on.
    fn read(&self, from: Seq, limit: usize) -> Result<Vec<Stored>, StoreError>;
    /// Returns the entry with an id.
    fn by_id(&self, id: &EntryId) -> Result<Option<Stored>, StoreError>;
    /// Returns whether there is an entry with an id, without reading it.
    fn has(&self, id: &EntryId) -> Result<bool, StoreError>;
    /// Returns at most `limit` entries about a subject from a position on.
    fn about(&self, sub: &Subject, from: Seq, limit: usize) -> Result<Vec<Stored>, StoreError>;
    /// Returns at most `limit` entries of a type from a position on.
    fn of_type(&self, kind: &str, from: Seq, limit: usize) -> Result<Vec<Stored>, StoreError>;
    /// Returns at most `limit` entries of a type about a subject from a position on.
    fn of_type_about(
        &self,
        kind: &str,
        sub: &Subject,
        from: Seq,
        limit: usize,
    ) -> Result<Vec<Stored>, StoreError>;
    /// Returns the newest entry of a type.
    fn last_of_type(&self, kind: &str) -> Result<Option<Stored>, StoreError>;
    /// Returns one row.
    fn row(&self, kind: Kind, key: &str) -> Result<Option<Row>, StoreError>;
    /// Returns at most `limit` rows whose key begins with `prefix` and comes after `after`, in the
    /// order of their keys.
    fn rows(
        &self,
        kind: Kind,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError>;
    /// Returns at most `limit` keys that come after `after`, in order.
    fn keys(
        &self,
        kind: Kind,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, StoreError>;
    /// Returns how many rows of a kind there are.
    fn count(&self, kind: Kind) -> Result<u64, StoreError>;
    /// Puts other rows in place of all rows, if the head is still `expected`.
    fn replace_rows(
        &self,
        expected: &Head,
        rows: &mut dyn Iterator<Item = Row>,
    ) -> Result<(), StoreError>;
}
