//! The vault: personal values and the keys of commitments, apart from the ledger and erasable.

mod batch;
mod profile;
pub(crate) mod renew;
mod seal;

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use rusqlite::Connection;
use rusqlite::OpenFlags;
use rusqlite::OptionalExtension;
use zeroize::Zeroizing;

use crate::domain::event::VaultMark;
use crate::domain::id::Email;
use crate::domain::id::EntryId;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::files;
use crate::ledger::commitment::Opening;
use crate::ledger::entropy;
use crate::ledger::entropy::Entropy;
use crate::ledger::error::LedgerError;
use crate::ledger::migrate;
use crate::ledger::migrate::Layout;
use crate::ledger::migrate::Migration;
use crate::ledger::migrate::trouble;
use crate::ledger::store::StoreError;
pub use crate::ledger::vault::batch::VaultBatch;
pub use crate::ledger::vault::profile::Profile;
pub use crate::ledger::vault::seal::Kek;
use crate::ledger::vault::seal::Secret;
use crate::ledger::vault::seal::VaultKeys;

const LAYOUT: Layout = Layout {
    application: 0x4558_5556, // "EXUV"
    migrations: &[Migration {
        number: 1,
        name: "0001_vault.sql",
        sql: include_str!("../../../schema/sqlite/vault/0001_vault.sql"),
    }],
};

const FORMAT: &str = "exeunt/vault/1";
const READ: &str = "the vault cannot be read";

/// Whom a pseudonym stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SubjectKind {
    /// A person of a directory.
    Person,
    /// An account of a tenant.
    Account,
    /// Somebody at the command line.
    Operator,
}

impl SubjectKind {
    /// The word in the vault.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Account => "account",
            Self::Operator => "operator",
        }
    }
}

/// The personal values behind pseudonyms and commitments, in one SQLite file.
///
/// Reading has a connection of its own and sees what is committed; what a [`VaultBatch`] has
/// written so far is seen by that batch's own methods.
pub struct Vault {
    path: PathBuf,
    reader: Mutex<Connection>,
    writer: Option<Mutex<Connection>>,
    keys: VaultKeys,
    id: String,
    origin: String,
    entropy: Arc<dyn Entropy>,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault")
            .field("path", &self.path)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// How a vault is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VaultAccess {
    /// Values may be read.
    Read,
    /// Values may be read and written.
    Write,
}

impl Vault {
    /// Makes a new vault; fails if there is a file.
    pub fn create(
        path: &Path,
        origin: &str,
        kek: &Kek,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, LedgerError> {
        let what = format!("{} cannot be made", path.display());
        if path.exists() {
            return Err(LedgerError::unavailable(what, "there is a file already"));
        }
        let id = entropy::uuid_v4(entropy.as_ref())?;
        let vault_key: Secret = Zeroizing::new(entropy::bytes(entropy.as_ref())?);
        let bound = seal::bound(&["vault-key", &id, origin]);
        let wrapped = seal::seal(kek.secret(), &bound, vault_key.as_ref())?;
        files::make_private(path).map_err(|e| LedgerError::unavailable(what.clone(), e))?;
        let said = trouble(&what);
        let mut db = connect(
            path,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        )
        .map_err(&said)?;
        migrate::create(&mut db, &LAYOUT).map_err(&said)?;
        db.execute(
            "INSERT INTO meta (one, id, format, origin, mark, wrapped) VALUES (0, ?1, ?2, ?3, 0, ?4)",
            (&id, FORMAT, origin, wrapped),
        )
        .map_err(&said)?;
        let reader = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(&said)?;
        Ok(Self {
            path: path.to_owned(),
            reader: Mutex::new(reader),
            writer: Some(Mutex::new(db)),
            keys: VaultKeys::of(&vault_key),
            id,
            origin: origin.to_owned(),
            entropy,
        })
    }

    /// Opens an existing vault.
    ///
    /// [`LedgerError::WrongKey`] if the key is another one's; [`LedgerError::CannotJudge`] if
    /// there is no vault or it cannot be read as one.
    pub fn open(
        path: &Path,
        kek: &Kek,
        access: VaultAccess,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, LedgerError> {
        if !path.exists() {
            return Err(LedgerError::cannot_judge(
                format!("the vault {} is missing", path.display()),
                "put it back from its backup; nothing was changed (if there is none, an approver says \
                 `exeunt reopen --vault`)",
            ));
        }
        let (reader, writer, meta) = connect_existing(path, access).map_err(unreadable)?;
        let bound = seal::bound(&["vault-key", &meta.id, &meta.origin]);
        let vault_key = seal::open(kek.secret(), &bound, &meta.wrapped)
            .and_then(|bytes| secret(&bytes))
            .ok_or(LedgerError::WrongKey)?;
        Ok(Self {
            path: path.to_owned(),
            reader: Mutex::new(reader),
            writer: writer.map(Mutex::new),
            keys: VaultKeys::of(&vault_key),
            id: meta.id,
            origin: meta.origin,
            entropy,
        })
    }

    /// The vault's id, a UUIDv4.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The vault's id and the number of its last commit.
    pub fn mark(&self) -> Result<VaultMark, LedgerError> {
        let mark = mark_of(&self.lock())?;
        Ok(VaultMark {
            id: self.id.clone(),
            mark,
        })
    }

    /// Begins a transaction; nothing of it stays without [`VaultBatch::commit`].
    pub fn batch(&self) -> Result<VaultBatch<'_>, LedgerError> {
        VaultBatch::begin(self)
    }

    /// The pseudonym of a key of a source, if it has one.
    pub fn subject_of(
        &self,
        kind: SubjectKind,
        source: &SourceName,
        key: &str,
    ) -> Result<Option<Subject>, LedgerError> {
        self.room(&self.lock()).subject_of(kind, source, key)
    }

    /// The present personal values of a subject; `None` if there are none.
    pub fn profile(&self, sub: &Subject) -> Result<Option<Profile>, LedgerError> {
        self.room(&self.lock()).profile(sub)
    }

    /// The keyed fingerprint of a subject's present values, without opening them.
    pub fn fingerprint(&self, sub: &Subject) -> Result<Option<Vec<u8>>, LedgerError> {
        self.room(&self.lock()).fingerprint(sub)
    }

    /// The keyed fingerprint that a profile would have.
    pub fn fingerprint_of(&self, profile: &Profile) -> Vec<u8> {
        self.keys.fingerprint(&profile.to_bytes())
    }

    /// The key and the value behind the commitment `field` of an entry.
    pub fn opening(&self, entry: &EntryId, field: &str) -> Result<Option<Opening>, LedgerError> {
        self.room(&self.lock()).opening(entry, field)
    }

    /// Everybody in a source who has, or ever had, an address; in the order of pseudonyms.
    pub fn subjects_with_address(
        &self,
        kind: SubjectKind,
        source: &SourceName,
        address: &Email,
    ) -> Result<Vec<Subject>, LedgerError> {
        self.room(&self.lock())
            .subjects_with_address(kind, source, address)
    }

    /// Everybody of a kind, in any source, who has or ever had an address.
    pub fn find_address(&self, address: &Email) -> Result<Vec<Subject>, LedgerError> {
        let db = self.lock();
        let sources: Vec<(String, String)> = db
            .prepare_cached("SELECT DISTINCT kind, source FROM subject")
            .and_then(|mut statement| {
                statement
                    .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                    .collect()
            })
            .map_err(trouble(READ))?;
        let room = self.room(&db);
        let mut found = BTreeSet::new();
        for (kind, source) in sources {
            found.extend(room.with_address(&kind, &source, address)?);
        }
        Ok(found.into_iter().collect())
    }

    /// Every pseudonym, in order.
    pub fn all_subjects(&self) -> Result<Vec<Subject>, LedgerError> {
        let db = self.lock();
        let all = db
            .prepare_cached("SELECT sub FROM subject ORDER BY sub")
            .and_then(|mut statement| {
                statement
                    .query_map([], |row| Ok(Subject::new(row.get::<_, String>(0)?)))?
                    .collect()
            })
            .map_err(trouble(READ))?;
        Ok(all)
    }

    /// Every entry id that an opening is kept for, in order, after `after`, at most `limit`.
    pub(crate) fn entries_with_openings(
        &self,
        after: &str,
        limit: usize,
    ) -> Result<Vec<EntryId>, LedgerError> {
        let db = self.lock();
        let ids = db
            .prepare_cached(
                "SELECT DISTINCT entry FROM opening WHERE entry > ?1 ORDER BY entry LIMIT ?2",
            )
            .and_then(|mut statement| {
                statement
                    .query_map((after, migrate::most(limit)), |row| {
                        Ok(EntryId::new(row.get::<_, String>(0)?))
                    })?
                    .collect()
            })
            .map_err(trouble(READ))?;
        Ok(ids)
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_to_write(&self) -> Result<MutexGuard<'_, Connection>, LedgerError> {
        let writer = self.writer.as_ref().ok_or(LedgerError::ReadOnly)?;
        Ok(writer.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn room<'a>(&'a self, db: &'a Connection) -> Room<'a> {
        Room { vault: self, db }
    }
}

/// The one row of `meta`, as far as opening needs it.
struct Meta {
    id: String,
    origin: String,
    wrapped: Vec<u8>,
}

fn connect_existing(
    path: &Path,
    access: VaultAccess,
) -> Result<(Connection, Option<Connection>, Meta), StoreError> {
    let what = format!("{} cannot be opened", path.display());
    let said = trouble(&what);
    let writer = match access {
        VaultAccess::Read => None,
        VaultAccess::Write => {
            let mut db = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(&said)?;
            migrate::check(&mut db, &LAYOUT, path, true)?;
            migrate::log_ahead(&db, path)?;
            Some(db)
        }
    };
    let mut reader = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(&said)?;
    migrate::check(&mut reader, &LAYOUT, path, false)?;
    let meta = reader
        .query_row("SELECT id, origin, wrapped FROM meta", [], |row| {
            Ok(Meta {
                id: row.get(0)?,
                origin: row.get(1)?,
                wrapped: row.get(2)?,
            })
        })
        .map_err(&said)?;
    Ok((reader, writer, meta))
}

fn connect(path: &Path, access: OpenFlags) -> rusqlite::Result<Connection> {
    let db = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    settle(&db)?;
    Ok(db)
}

/// What is wrong with a vault that cannot be read is no proof of anything: it cannot be judged.
fn unreadable(error: StoreError) -> LedgerError {
    match error {
        StoreError::Corrupt { what, .. } => LedgerError::cannot_judge(
            format!("the vault cannot be read: {what}"),
            "put it back from its backup",
        ),
        StoreError::Foreign { path } => LedgerError::cannot_judge(
            format!("{} is no vault", path.display()),
            "put the vault back from its backup",
        ),
        other => other.into(),
    }
}

/// Sets what every connection to a vault has: what is deleted is overwritten.
fn settle(db: &Connection) -> rusqlite::Result<()> {
    migrate::settle(db)?;
    db.pragma_update(None, "secure_delete", true)
}

fn secret(bytes: &[u8]) -> Option<Secret> {
    let mut out = Zeroizing::new([0; 32]);
    if bytes.len() != out.len() {
        return None;
    }
    out.copy_from_slice(bytes);
    Some(out)
}

fn mark_of(db: &Connection) -> Result<u64, LedgerError> {
    let mark = db
        .query_row("SELECT mark FROM meta", [], |row| migrate::nat(row, 0))
        .map_err(trouble(READ))?;
    Ok(mark)
}

/// The reading of the vault over one connection, inside a batch or outside.
struct Room<'a> {
    vault: &'a Vault,
    db: &'a Connection,
}

impl Room<'_> {
    fn subject_of(
        &self,
        kind: SubjectKind,
        source: &SourceName,
        key: &str,
    ) -> Result<Option<Subject>, LedgerError> {
        let (kind, source) = (kind.as_str(), source.as_str());
        let fp = self.vault.keys.lookup("key", kind, source, key);
        let sub = self
            .db
            .prepare_cached(
                "SELECT sub FROM lookup \
                 WHERE purpose = 'key' AND kind = ?1 AND source = ?2 AND fp = ?3",
            )
            .and_then(|mut statement| {
                statement
                    .query_row((kind, source, fp), |row| row.get::<_, String>(0))
                    .optional()
            })
            .map_err(trouble(READ))?;
        Ok(sub.map(Subject::new))
    }

    /// The key of a subject; `None` if the vault does not know the subject.
    fn subject_key(&self, sub: &Subject) -> Result<Option<Secret>, LedgerError> {
        let wrapped: Option<Vec<u8>> = self
            .db
            .prepare_cached("SELECT wrapped FROM subject WHERE sub = ?1")
            .and_then(|mut s| s.query_row([sub.as_str()], |row| row.get(0)).optional())
            .map_err(trouble(READ))?;
        let Some(wrapped) = wrapped else {
            return Ok(None);
        };
        let bound = seal::bound(&["subject-key", &self.vault.id, sub.as_str()]);
        let key = seal::open(&self.vault.keys.wrap, &bound, &wrapped)
            .and_then(|bytes| secret(&bytes))
            .ok_or_else(|| bent(sub, "its key"))?;
        Ok(Some(key))
    }

    fn profile(&self, sub: &Subject) -> Result<Option<Profile>, LedgerError> {
        let Some(key) = self.subject_key(sub)? else {
            return Ok(None);
        };
        let sealed: Option<Vec<u8>> = self
            .db
            .prepare_cached("SELECT profile FROM subject WHERE sub = ?1")
            .and_then(|mut s| s.query_row([sub.as_str()], |row| row.get(0)))
            .map_err(trouble(READ))?;
        let Some(sealed) = sealed else {
            return Ok(None);
        };
        let bound = self.vault.place("profile", "profile", sub);
        seal::open(&key, &bound, &sealed)
            .and_then(|bytes| Profile::from_bytes(&bytes))
            .map(Some)
            .ok_or_else(|| bent(sub, "its profile"))
    }

    fn fingerprint(&self, sub: &Subject) -> Result<Option<Vec<u8>>, LedgerError> {
        let found: Option<Option<Vec<u8>>> = self
            .db
            .prepare_cached("SELECT fingerprint FROM subject WHERE sub = ?1")
            .and_then(|mut s| s.query_row([sub.as_str()], |row| row.get(0)).optional())
            .map_err(trouble(READ))?;
        Ok(found.flatten())
    }

    fn recorded_by(&self, sub: &Subject) -> Result<Option<EntryId>, LedgerError> {
        let found: Option<Option<String>> = self
            .db
            .prepare_cached("SELECT entry FROM subject WHERE sub = ?1")
            .and_then(|mut s| s.query_row([sub.as_str()], |row| row.get(0)).optional())
            .map_err(trouble(READ))?;
        Ok(found.flatten().map(EntryId::new))
    }

    fn opening(&self, entry: &EntryId, field: &str) -> Result<Option<Opening>, LedgerError> {
        let found: Option<(String, Vec<u8>)> = self
            .db
            .prepare_cached("SELECT sub, sealed FROM opening WHERE entry = ?1 AND field = ?2")
            .and_then(|mut statement| {
                statement
                    .query_row((entry.as_str(), field), |row| {
                        Ok((row.get(0)?, row.get(1)?))
                    })
                    .optional()
            })
            .map_err(trouble(READ))?;
        let Some((sub, sealed)) = found else {
            return Ok(None);
        };
        let sub = Subject::new(sub);
        let Some(key) = self.subject_key(&sub)? else {
            return Ok(None);
        };
        let bound = self.vault.place(entry.as_str(), field, &sub);
        let plain =
            seal::open(&key, &bound, &sealed).ok_or_else(|| bent(&sub, "one of its openings"))?;
        let (key, value) = plain
            .split_at_checked(32)
            .ok_or_else(|| bent(&sub, "one of its openings"))?;
        Ok(Some(Opening {
            key: secret(key).ok_or_else(|| bent(&sub, "one of its openings"))?,
            value: value.to_vec(),
        }))
    }

    fn subjects_with_address(
        &self,
        kind: SubjectKind,
        source: &SourceName,
        address: &Email,
    ) -> Result<Vec<Subject>, LedgerError> {
        self.with_address(kind.as_str(), source.as_str(), address)
    }

    fn with_address(
        &self,
        kind: &str,
        source: &str,
        address: &Email,
    ) -> Result<Vec<Subject>, LedgerError> {
        let keys = &self.vault.keys;
        let fp = keys.lookup("address", kind, source, address.as_str());
        let found = self
            .db
            .prepare_cached(
                "SELECT sub FROM lookup WHERE purpose = 'address' AND kind = ?1 AND source = ?2 \
                 AND fp = ?3 ORDER BY sub",
            )
            .and_then(|mut statement| {
                statement
                    .query_map((kind, source, fp), |row| {
                        Ok(Subject::new(row.get::<_, String>(0)?))
                    })?
                    .collect()
            })
            .map_err(trouble(READ))?;
        Ok(found)
    }
}

impl Vault {
    /// What a sealed value is bound to.
    fn place(&self, entry: &str, field: &str, sub: &Subject) -> Vec<u8> {
        seal::bound(&[&self.origin, entry, field, sub.as_str()])
    }
}

fn bent(sub: &Subject, part: &str) -> LedgerError {
    LedgerError::cannot_judge(
        format!("the vault row of {sub} was changed: {part} does not open"),
        "put the vault back from its backup",
    )
}

/// Writes the write-ahead log into the file, so that nothing older stays behind in it.
pub(crate) fn checkpoint(db: &Connection) -> rusqlite::Result<()> {
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}
