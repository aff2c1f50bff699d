//! The head lock: a small file apart from the database, by which a ledger that was put back from an
//! older copy is known.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::id::Seq;
use crate::files;
use crate::ledger::chain::NO_LINK;
use crate::ledger::error::LedgerError;
use crate::ledger::store::Head;
use crate::ledger::store::Store;

/// What the file says, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locked {
    /// The newest checkpoint that was signed, as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
    /// The epoch of the actor lease.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Seq>,
    /// The link of the last entry, hexadecimal.
    pub link: String,
    /// The name of the log.
    pub origin: String,
    /// How many entries there were.
    pub size: u64,
}

impl Locked {
    /// What is locked for a head.
    pub(crate) fn of(head: &Head, origin: &str) -> Self {
        Self {
            checkpoint: None,
            epoch: head.epoch,
            link: hex::encode(head.link),
            origin: origin.to_owned(),
            size: head.size,
        }
    }

    /// Its bytes in the file.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        // text and numbers cannot fail to be written
        let mut bytes = serde_json::to_vec(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Compares what was noted with a ledger whose head was read afterwards.
    ///
    /// The order matters: others append at the same time, and the file comes after the commit.
    /// [`LedgerError::False`] if the ledger is shorter than was noted or has another past. A
    /// longer one is sound: the program ended between the two commits.
    pub fn check(&self, head: &Head, store: &dyn Store) -> Result<(), LedgerError> {
        if self.size > head.size {
            return Err(LedgerError::False {
                seq: Some(head.size),
                what: format!(
                    "the ledger has {} entries and the head lock says {}: an older copy was put \
                     back, or its end was cut off",
                    head.size, self.size
                ),
            });
        }
        if self.epoch > head.epoch {
            return Err(LedgerError::False {
                seq: None,
                what: "the ledger's epoch is older than the head lock's".to_owned(),
            });
        }
        let link = match self.size.checked_sub(1) {
            None => hex::encode(NO_LINK),
            Some(_) if self.size == head.size => hex::encode(head.link),
            Some(last) => store
                .read(last, 1)?
                .first()
                .filter(|stored| stored.seq == last)
                .map(|stored| hex::encode(stored.link))
                .unwrap_or_default(),
        };
        if self.link != link {
            return Err(forked(self.size));
        }
        Ok(())
    }
}

/// The file, which only grows: whoever comes with less than it says changes nothing.
#[derive(Debug, Clone)]
pub struct HeadLock {
    path: PathBuf,
}

impl HeadLock {
    /// Names the file.
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    /// Reads the file; [`LedgerError::CannotJudge`] if it is missing or not readable as one.
    pub fn read(&self) -> Result<Locked, LedgerError> {
        let hint = "put the newest copy of it back; nothing was changed (without one, `exeunt reopen --ledger`)";
        let shown = self.path.display();
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == ErrorKind::NotFound => {
                let what = format!("the head lock {shown} is missing");
                return Err(LedgerError::cannot_judge(what, hint));
            }
            Err(e) => {
                let what = format!("the head lock {shown} cannot be read");
                return Err(LedgerError::unavailable(what, e));
            }
        };
        serde_json::from_slice(&bytes).map_err(|_| {
            LedgerError::cannot_judge(format!("the head lock {shown} is damaged"), hint)
        })
    }

    /// Notes a head after its commit; a head that is not newer than what is noted changes nothing.
    ///
    /// [`LedgerError::False`] if the file has another link for the same size.
    pub fn write_after_commit(&self, head: &Head, origin: &str) -> Result<(), LedgerError> {
        self.exchange(|noted| {
            let link = hex::encode(head.link);
            if noted.size > head.size {
                return Ok(None);
            }
            if noted.size == head.size {
                if noted.link != link {
                    return Err(forked(head.size));
                }
                return Ok(None);
            }
            Ok(Some(Locked {
                checkpoint: noted.checkpoint.clone(),
                epoch: head.epoch.or(noted.epoch),
                link,
                origin: origin.to_owned(),
                size: head.size,
            }))
        })
    }

    /// Reads, decides and writes with nobody in between: the compare and swap before a signature.
    ///
    /// `change` gets what is noted and returns what is to be noted, or `None` to leave it.
    pub fn exchange(
        &self,
        change: impl FnOnce(&Locked) -> Result<Option<Locked>, LedgerError>,
    ) -> Result<(), LedgerError> {
        let said = |e: std::io::Error| {
            let what = format!("the head lock {} cannot be written", self.path.display());
            LedgerError::unavailable(what, e)
        };
        // the lock is on a file beside it, because the file itself is replaced
        let guard = files::lock_file(&files::beside(&self.path, ".lock")).map_err(said)?;
        guard.lock().map_err(said)?;
        let noted = self.read()?;
        if let Some(next) = change(&noted)? {
            files::replace(&self.path, &next.to_bytes()).map_err(said)?;
        }
        Ok(())
    }

    /// Puts another past in the file's place: what it said stands in an entry by then.
    pub(crate) fn replace(&self, locked: &Locked) -> Result<(), LedgerError> {
        let said = |e: std::io::Error| {
            let what = format!("the head lock {} cannot be written", self.path.display());
            LedgerError::unavailable(what, e)
        };
        let guard = files::lock_file(&files::beside(&self.path, ".lock")).map_err(said)?;
        guard.lock().map_err(said)?;
        files::replace(&self.path, &locked.to_bytes()).map_err(said)
    }

    /// Puts the file's name on the disk, as its content already is.
    pub fn sync(&self) -> Result<(), LedgerError> {
        files::sync_names(&self.path).map_err(|e| {
            let what = format!("the head lock {} cannot be synced", self.path.display());
            LedgerError::unavailable(what, e)
        })
    }
}

fn forked(size: u64) -> LedgerError {
    LedgerError::False {
        seq: size.checked_sub(1),
        what: format!(
            "the first {size} entries are not those that the head lock knows: another history was \
             put in their place"
        ),
    }
}
