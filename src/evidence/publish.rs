//! Copies of the newest checkpoint in a directory, which is better on another machine.
//!
//! Below it stands one directory for each name that the log had: `checkpoint` is the newest one, and
//! `SIZE.checkpoint` each that was copied. None is ever replaced by one of fewer entries.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::path::PathBuf;

use crate::evidence::note::MAX_NOTE;
use crate::files;
use crate::ledger::Ledger;
use crate::ledger::LedgerError;
use crate::ledger::store::SignedCheckpoint;

/// A directory that checkpoints are copied to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    path: PathBuf,
}

impl Published {
    /// Names the directory.
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file of the newest checkpoint of a log.
    pub fn newest_path(&self, origin: &str) -> PathBuf {
        self.of(origin).join("checkpoint")
    }

    fn of(&self, origin: &str) -> PathBuf {
        self.path.join(file_name(origin))
    }

    /// The newest checkpoint of a log that was copied, as it stands there; `None` if none was.
    pub fn newest(&self, origin: &str) -> Result<Option<String>, LedgerError> {
        let path = self.newest_path(origin);
        let said = |e: std::io::Error| unreadable(&path, e);
        match fs::metadata(&path) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(said(e)),
            Ok(about) if about.len() > MAX_NOTE as u64 => {
                return Err(said(std::io::Error::other(
                    "it is too long for a checkpoint",
                )));
            }
            Ok(_) => {}
        }
        fs::read_to_string(&path).map(Some).map_err(said)
    }

    /// Compares the newest copy with the ledger: how many entries it covers.
    ///
    /// [`LedgerError::False`] if the ledger is not the continuation of what was copied.
    pub fn compare(&self, ledger: &Ledger) -> Result<Option<u64>, LedgerError> {
        match self.newest(ledger.origin())? {
            None => Ok(None),
            Some(note) => ledger.agrees_with(&note).map(Some),
        }
    }

    /// Copies a checkpoint, unless a larger one is there; how many entries the newest copy covers.
    pub fn publish(&self, ledger: &Ledger, made: &SignedCheckpoint) -> Result<u64, LedgerError> {
        let directory = self.of(&made.origin);
        let said = |e: std::io::Error| {
            let what = format!("no checkpoint can be copied to {}", directory.display());
            LedgerError::unavailable(what, e)
        };
        // the lock is here, where locks hold: one ledger copies at a time
        let guard = files::lock_file(&files::beside(&ledger.paths().ledger, ".publish"));
        let guard = guard.map_err(said)?;
        guard.lock().map_err(said)?;
        let there = self.compare(ledger)?;
        if let Some(there) = there.filter(|there| *there >= made.size) {
            return Ok(there);
        }
        // the directory itself is never made: another disk that is not mounted would be this one
        match fs::create_dir(&directory) {
            Err(e) if e.kind() != ErrorKind::AlreadyExists => return Err(said(e)),
            _ => {}
        }
        let own = directory.join(format!("{:020}.checkpoint", made.size));
        files::publish(&own, made.note.as_bytes()).map_err(said)?;
        let newest = self.newest_path(&made.origin);
        files::publish(&newest, made.note.as_bytes()).map_err(said)?;
        Ok(made.size)
    }
}

fn unreadable(path: &Path, error: std::io::Error) -> LedgerError {
    LedgerError::unavailable(format!("{} cannot be read", path.display()), error)
}

/// A name as that of a file: every other byte than letters, digits, `-`, `_` and `.` as `%` and two
/// digits.
pub fn file_name(origin: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_' || b == b'.';
    let mut name = String::new();
    for (at, byte) in origin.bytes().enumerate() {
        if plain(byte) && (at > 0 || byte != b'.') {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("%{byte:02X}"));
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn a_name_is_one_name_of_a_file() {
        assert_eq!(file_name("example.com/exeunt"), "example.com%2Fexeunt");
        assert_eq!(file_name("../a%b"), "%2E.%2Fa%25b");
        assert_ne!(file_name("a/b"), file_name("a_b"));
    }
}
