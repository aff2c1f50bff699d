//! Copies of ledger, vault, head lock and keys, taken while others may be at work.
//!
//! The ledger is copied before the vault: a vault commit comes before the entries that need it, so
//! that the copied vault knows everybody whom the copied ledger knows.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use aws_lc_rs::digest;
use rusqlite::Connection;
use rusqlite::OpenFlags;
use zeroize::Zeroizing;

use crate::domain::event::VaultMark;
use crate::files;
use crate::ledger::Access;
use crate::ledger::Ledger;
use crate::ledger::Paths;
use crate::ledger::error::LedgerError;
use crate::ledger::headlock::Locked;
use crate::ledger::keys;
use crate::ledger::migrate;
use crate::ledger::migrate::trouble;
use crate::ledger::sqlite::SqliteStore;
use crate::ledger::store::Store as _;
use crate::ledger::store::StoreError;
use crate::ledger::verify::verify;

/// Which of the three things that are kept apart a file belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Evidence without names: the ledger and its head lock.
    Ledger,
    /// Personal data, sealed.
    Vault,
    /// What opens the vault and signs for the log.
    Keys,
}

impl Part {
    /// Every part.
    pub const ALL: [Self; 3] = [Self::Ledger, Self::Vault, Self::Keys];

    /// Its directory in the backup.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ledger => "ledger",
            Self::Vault => "vault",
            Self::Keys => "keys",
        }
    }
}

/// One file of a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// Its part.
    pub part: Part,
    /// Its name in the part's directory: that of the original.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// SHA-256 over its content, hexadecimal.
    pub sha256: String,
}

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// How many entries the copied ledger has.
    pub entries: u64,
    /// The link of its last entry, hexadecimal.
    pub link: String,
    /// The copied vault.
    pub vault: VaultMark,
    /// The files, by part.
    pub files: Vec<Copied>,
}

impl Ledger {
    /// Copies ledger, head lock, vault and keys into three directories below `into`, which must be
    /// there and empty, and checks the copies: every byte of the ledger, both databases' pages,
    /// and that the key opens a vault that knows everybody in the ledger.
    ///
    /// Others may read and append meanwhile; what they append is in the next backup.
    pub fn backup(&self, into: &Path) -> Result<Backup, LedgerError> {
        let places = Places::make(&self.paths, into)?;
        copy_database(&self.paths.ledger, &places.to.ledger)?;
        copy_database(&self.paths.vault, &places.to.vault)?;
        for (from, to) in places.keys() {
            let key = fs::read(&from).map(Zeroizing::new);
            let copied = key.and_then(|key| files::write_new(&to, &key));
            copied.map_err(|e| uncopied(&from, e))?;
        }
        let noted = self.lock.read()?;
        let head = SqliteStore::open_read_only(&places.to.ledger)?.head()?;
        let mut lock = Locked::of(&head, &noted.origin);
        // a checkpoint of entries that came later does not belong to the copy
        lock.checkpoint = noted.checkpoint.filter(|_| noted.size <= head.size);
        files::write_new(&places.to.head, &lock.to_bytes())
            .map_err(|e| uncopied(&self.paths.head, e))?;
        let vault = self.checked(&places)?;
        Ok(Backup {
            entries: head.size,
            link: lock.link,
            vault,
            files: places.files()?,
        })
    }

    /// Checks the copies as if they had been put back.
    fn checked(&self, places: &Places) -> Result<VaultMark, LedgerError> {
        for path in [&places.to.ledger, &places.to.vault] {
            pages_are_sound(path)?;
        }
        let report = verify(&places.to)?;
        if let Some(bad) = report.bad {
            return Err(LedgerError::False {
                seq: bad.seq,
                what: format!(
                    "the ledger is not sound, and neither is its copy: {}",
                    bad.what
                ),
            });
        }
        let (clock, entropy) = (Arc::clone(&self.clock), Arc::clone(&self.entropy));
        let copy = Self::open(&places.to, Access::ReadOnly, clock, entropy)?;
        copy.vault()?.mark()
    }
}

/// Where the copies go.
struct Places {
    from: Paths,
    to: Paths,
    into: PathBuf,
}

impl Places {
    fn make(from: &Paths, into: &Path) -> Result<Self, LedgerError> {
        let dir = |part: Part| into.join(part.as_str());
        for part in Part::ALL {
            files::make_directory(&dir(part)).map_err(|e| uncopied(&dir(part), e))?;
        }
        let below = |part: Part, path: &Path| {
            path.file_name()
                .map(|name| dir(part).join(name))
                .ok_or_else(|| LedgerError::Usage {
                    what: format!("{} has no name", path.display()),
                })
        };
        let to = Paths {
            ledger: below(Part::Ledger, &from.ledger)?,
            head: below(Part::Ledger, &from.head)?,
            vault: below(Part::Vault, &from.vault)?,
            keys: dir(Part::Keys),
        };
        Ok(Self {
            from: from.clone(),
            to,
            into: into.to_owned(),
        })
    }

    /// The key files, and where each goes.
    fn keys(&self) -> [(PathBuf, PathBuf); 2] {
        let (from, to) = (&self.from.keys, &self.to.keys);
        [
            (keys::kek_path(from), keys::kek_path(to)),
            (keys::log_key_path(from), keys::log_key_path(to)),
        ]
    }

    /// Everything that was copied, with its digest.
    fn files(&self) -> Result<Vec<Copied>, LedgerError> {
        let mut found = Vec::new();
        for part in Part::ALL {
            let dir = self.into.join(part.as_str());
            let names = names_in(&dir).map_err(|e| uncopied(&dir, e))?;
            for name in names {
                let path = dir.join(&name);
                let (bytes, sha256) = digest_of(&path).map_err(|e| uncopied(&path, e))?;
                found.push(Copied {
                    part,
                    name,
                    bytes,
                    sha256,
                });
            }
        }
        Ok(found)
    }
}

fn names_in(dir: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort_unstable();
    Ok(names)
}

fn digest_of(path: &Path) -> io::Result<(u64, String)> {
    struct Hashing(digest::Context);
    impl io::Write for Hashing {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.update(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut hashing = Hashing(digest::Context::new(&digest::SHA256));
    let bytes = io::copy(&mut File::open(path)?, &mut hashing)?;
    Ok((bytes, hex::encode(hashing.0.finish())))
}

/// Writes the state of a database as of one moment into a new file, in one piece and without a
/// write-ahead log beside it.
pub(super) fn copy_database(from: &Path, to: &Path) -> Result<(), LedgerError> {
    let what = format!("{} cannot be copied", from.display());
    let said = trouble(&what);
    files::make_private(to).map_err(|e| uncopied(to, e))?;
    let target = to.to_str().ok_or_else(|| LedgerError::Usage {
        what: format!("{} is not UTF-8", to.display()),
    })?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(from, flags).map_err(&said)?;
    migrate::settle(&db).map_err(&said)?;
    db.execute("VACUUM INTO ?1", [target]).map_err(&said)?;
    let copy = OpenOptions::new().write(true).open(to);
    copy.and_then(|copy| copy.sync_all())
        .and_then(|()| files::sync_names(to))
        .map_err(|e| uncopied(to, e))
}

fn pages_are_sound(path: &Path) -> Result<(), LedgerError> {
    let what = format!("the copy {} cannot be checked", path.display());
    let said = trouble(&what);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).map_err(&said)?;
    let answer: String = db
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(&said)?;
    if answer == "ok" {
        return Ok(());
    }
    Err(StoreError::Corrupt {
        seq: None,
        what: format!("{what}: {answer}"),
    }
    .into())
}

fn uncopied(path: &Path, error: io::Error) -> LedgerError {
    LedgerError::unavailable(format!("{} cannot be copied", path.display()), error)
}
