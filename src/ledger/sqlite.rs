//! The ledger in one SQLite file.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use rusqlite::Connection;
use rusqlite::OpenFlags;
use rusqlite::OptionalExtension;
use rusqlite::Params;
use rusqlite::Transaction;
use rusqlite::TransactionBehavior;
use rusqlite::hooks::AuthAction;
use rusqlite::hooks::AuthContext;
use rusqlite::hooks::Authorization;

use crate::domain::canonical;
use crate::domain::id::EntryId;
use crate::domain::id::Seq;
use crate::domain::id::Subject;
use crate::domain::rows::Kind;
use crate::domain::time::Time;
use crate::files;
use crate::ledger::checkpoints;
use crate::ledger::migrate;
use crate::ledger::migrate::Layout;
use crate::ledger::migrate::Migration;
use crate::ledger::migrate::int;
use crate::ledger::migrate::most;
use crate::ledger::migrate::nat;
use crate::ledger::migrate::trouble;
use crate::ledger::store::Append;
use crate::ledger::store::Head;
use crate::ledger::store::Row;
use crate::ledger::store::RowChange;
use crate::ledger::store::Sealed;
use crate::ledger::store::SignedCheckpoint;
use crate::ledger::store::Store;
use crate::ledger::store::StoreError;
use crate::ledger::store::Stored;
use crate::ledger::tiles;
use crate::ledger::tree::tile::Tile;
use crate::ledger::tree::tile::Tiles;
use crate::ledger::tree::tile::WIDTH;

/// Every file of `schema/sqlite` that changes the ledger's store, by its name, which begins with its
/// number.
macro_rules! migrations {
    ($($number:literal $name:literal,)*) => {
        &[$(Migration {
            number: $number,
            name: concat!($name, ".sql"),
            sql: include_str!(concat!("../../schema/sqlite/", $name, ".sql")),
        },)*]
    };
}

const LAYOUT: Layout = Layout {
    application: 0x4558_5545, // "EXUE"
    migrations: migrations! {
        1 "0001_ledger",
        2 "0002_kept",
        3 "0003_said",
        4 "0004_holds",
        5 "0005_alerts",
        6 "0006_tasks",
        7 "0007_successors",
        8 "0008_lost",
        9 "0009_tree",
    },
};

const COLUMNS: &str = "seq, id, type, sub, run, bytes, link";

/// A ledger in an SQLite file: WAL, every commit synced to the disk.
///
/// Several processes may hold one; each append takes SQLite's write lock and compares the head.
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    db: Mutex<Connection>,
}

impl SqliteStore {
    /// Makes a new file; fails if there is one.
    pub fn create(path: &Path) -> Result<Self, StoreError> {
        let what = format!("{} cannot be made", path.display());
        if path.exists() {
            return Err(StoreError::Unavailable {
                what,
                source: "there is a file already".into(),
            });
        }
        files::make_private(path).map_err(|source| StoreError::Unavailable {
            what: what.clone(),
            source: source.into(),
        })?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut db = Connection::open_with_flags(path, flags).map_err(trouble(&what))?;
        migrate::settle(&db).map_err(trouble(&what))?;
        migrate::create(&mut db, &LAYOUT).map_err(trouble(&what))?;
        Self::guarded(path, db)
    }

    /// Opens an existing file for appending.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let mut db = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        migrate::check(&mut db, &LAYOUT, path, true)?;
        migrate::log_ahead(&db, path)?;
        tiles::catch_up(&mut db)?;
        Self::guarded(path, db)
    }

    /// Opens an existing file for reading; every change is refused by SQLite itself.
    pub fn open_read_only(path: &Path) -> Result<Self, StoreError> {
        let mut db = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        migrate::check(&mut db, &LAYOUT, path, false)?;
        Self::guarded(path, db)
    }

    fn guarded(path: &Path, mut db: Connection) -> Result<Self, StoreError> {
        // against our own mistakes and our own SQL: entries cannot be changed over this connection
        db.authorizer(Some(authorize))
            .map_err(trouble("the database cannot be guarded"))?;
        Ok(Self {
            path: path.to_owned(),
            db: Mutex::new(db),
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The smallest and the greatest position, and the head row, as of one moment.
    pub fn extent(&self) -> Result<Extent, StoreError> {
        let mut db = self.lock();
        let tx = db.transaction().map_err(trouble(READ))?;
        let (first, last) = tx
            .query_row("SELECT min(seq), max(seq) FROM entry", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .map_err(trouble(READ))?;
        let head = head_of(&tx)?;
        Ok(Extent { first, last, head })
    }

    /// Calls `each` for the entries of a range in order, as they are stored, without copying them;
    /// `Ok(false)` from it ends the reading.
    pub(crate) fn scan(
        &self,
        from: Seq,
        until: Seq,
        mut each: impl FnMut(&Lent<'_>) -> bool,
    ) -> Result<(), StoreError> {
        let db = self.lock();
        let sql = format!("SELECT {COLUMNS} FROM entry WHERE seq >= ?1 AND seq < ?2 ORDER BY seq");
        let mut statement = db.prepare_cached(&sql).map_err(trouble(READ))?;
        let mut rows = statement
            .query((int(from), int(until)))
            .map_err(trouble(READ))?;
        while let Some(row) = rows.next().map_err(trouble(READ))? {
            if !each(&lent(row).map_err(unfit)?) {
                break;
            }
        }
        Ok(())
    }

    /// Compares the tree's tiles with what the entries give, and with `write` puts right what
    /// differs or is missing; returns how many differ.
    pub fn renew_tiles(&self, write: bool) -> Result<u64, StoreError> {
        tiles::renew(&mut self.lock(), write)
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.db.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn entries<P: Params>(&self, rest: &str, params: P) -> Result<Vec<Stored>, StoreError> {
        let db = self.lock();
        let sql = format!("SELECT {COLUMNS} FROM entry {rest}");
        let mut statement = db.prepare_cached(&sql).map_err(trouble(READ))?;
        let rows = statement.query_map(params, stored).map_err(trouble(READ))?;
        rows.collect::<rusqlite::Result<_>>().map_err(unfit)
    }
}

/// Where the entries begin and end, as the table and as the head row say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extent {
    /// The smallest position.
    pub first: Option<i64>,
    /// The greatest position.
    pub last: Option<i64>,
    /// The head row.
    pub head: Head,
}

/// An entry as it is stored, lent for a moment.
#[derive(Debug)]
pub(crate) struct Lent<'a> {
    pub(crate) seq: Seq,
    pub(crate) id: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) sub: Option<&'a str>,
    pub(crate) run: &'a str,
    pub(crate) bytes: &'a [u8],
    pub(crate) link: &'a [u8],
}

fn lent<'a>(row: &'a rusqlite::Row<'_>) -> rusqlite::Result<Lent<'a>> {
    Ok(Lent {
        seq: nat(row, 0)?,
        id: row.get_ref(1)?.as_str()?,
        kind: row.get_ref(2)?.as_str()?,
        sub: row.get_ref(3)?.as_str_or_null()?,
        run: row.get_ref(4)?.as_str()?,
        bytes: row.get_ref(5)?.as_blob()?,
        link: row.get_ref(6)?.as_blob()?,
    })
}

const READ: &str = "the ledger cannot be read";
const APPEND: &str = "the ledger cannot be appended to";

fn connect(path: &Path, access: OpenFlags) -> Result<Connection, StoreError> {
    let what = format!("{} cannot be opened", path.display());
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).map_err(trouble(&what))?;
    migrate::settle(&db).map_err(trouble(&what))?;
    Ok(db)
}

fn authorize(context: AuthContext<'_>) -> Authorization {
    match context.action {
        AuthAction::Delete {
            table_name: "entry" | "checkpoint",
        }
        | AuthAction::Update {
            table_name: "entry" | "checkpoint",
            ..
        }
        | AuthAction::DropTable {
            table_name: "entry" | "checkpoint",
        }
        | AuthAction::DropTrigger {
            table_name: "entry" | "checkpoint",
            ..
        }
        | AuthAction::AlterTable {
            table_name: "entry" | "checkpoint",
            ..
        } => Authorization::Deny,
        AuthAction::Pragma { pragma_name, .. }
            if pragma_name.eq_ignore_ascii_case("writable_schema") =>
        {
            Authorization::Deny
        }
        _ => Authorization::Allow,
    }
}

/// A column that does not have its type is a sign of another hand, not of a busy disk.
fn unfit(error: rusqlite::Error) -> StoreError {
    match &error {
        rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::Utf8Error(..) => StoreError::Corrupt {
            seq: None,
            what: format!("a stored value does not have its type: {error}"),
        },
        _ => trouble(READ)(error),
    }
}

fn stored(row: &rusqlite::Row<'_>) -> rusqlite::Result<Stored> {
    Ok(Stored {
        seq: nat(row, 0)?,
        id: row.get(1)?,
        kind: row.get(2)?,
        sub: row.get(3)?,
        run: row.get(4)?,
        bytes: row.get(5)?,
        link: row.get(6)?,
    })
}

fn head_of(db: &Connection) -> Result<Head, StoreError> {
    let found = db
        .prepare_cached("SELECT size, link, epoch, rec FROM head WHERE one = 0")
        .and_then(|mut statement| {
            statement
                .query_row([], |row| {
                    Ok((
                        nat(row, 0)?,
                        row.get(1)?,
                        row.get::<_, Option<i64>>(2)?,
                        row.get::<_, Option<String>>(3)?,
                    ))
                })
                .optional()
        })
        .map_err(unfit)?;
    let corrupt = |what: &str| StoreError::Corrupt {
        seq: None,
        what: what.to_owned(),
    };
    let (size, link, epoch, rec) = found.ok_or_else(|| corrupt("the head row is missing"))?;
    let rec = match rec {
        None => None,
        Some(text) => Some(Time::parse(&text).ok_or_else(|| corrupt("the head row has no time"))?),
    };
    let epoch = epoch.map(|e| u64::try_from(e).map_err(|_| corrupt("the epoch is negative")));
    Ok(Head {
        size,
        link,
        epoch: epoch.transpose()?,
        rec,
    })
}

fn insert_entries(tx: &Transaction<'_>, entries: &[Sealed]) -> rusqlite::Result<()> {
    let mut insert = tx.prepare_cached(
        "INSERT INTO entry (seq, id, type, sub, run, bytes, link) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for sealed in entries {
        let entry = &sealed.entry;
        insert.execute((
            int(entry.seq),
            entry.id.as_str(),
            entry.kind.as_str(),
            entry.sub.as_ref().map(Subject::as_str),
            entry.run.as_str(),
            sealed.bytes.as_slice(),
            sealed.link,
        ))?;
    }
    Ok(())
}

fn change_rows(tx: &Transaction<'_>, changes: &[RowChange]) -> Result<(), StoreError> {
    let said = trouble(APPEND);
    let mut put = tx.prepare_cached(PUT_ROW).map_err(&said)?;
    let mut take = tx
        .prepare_cached("DELETE FROM \"row\" WHERE kind = ?1 AND key = ?2")
        .map_err(&said)?;
    for RowChange { seq, change } in changes {
        match &change.body {
            Some(body) => {
                let body = canonical::to_string(body).map_err(|e| StoreError::Unavailable {
                    what: format!(
                        "row {}/{} cannot be written",
                        change.kind.as_str(),
                        change.key
                    ),
                    source: Box::new(e),
                })?;
                put.execute((change.kind.as_str(), change.key.as_str(), int(*seq), body))
                    .map_err(&said)?;
            }
            None => {
                take.execute((change.kind.as_str(), change.key.as_str()))
                    .map_err(&said)?;
            }
        }
    }
    Ok(())
}

/// The rows with a prefix. No key has the last code point, so everything with it sorts before that.
const ROWS: &str = "SELECT key, seq, body FROM \"row\" WHERE kind = ?1 AND key >= ?2 \
     AND key < ?3 || char(1114111) AND (?4 IS NULL OR key > ?4) ORDER BY key LIMIT ?5";

const PUT_ROW: &str = "INSERT INTO \"row\" (kind, key, seq, body) VALUES (?1, ?2, ?3, ?4) \
     ON CONFLICT (kind, key) DO UPDATE SET seq = excluded.seq, body = excluded.body";

impl Store for SqliteStore {
    fn head(&self) -> Result<Head, StoreError> {
        head_of(&self.lock())
    }

    fn append(&self, append: &Append<'_>) -> Result<Head, StoreError> {
        let said = trouble(APPEND);
        let mut db = self.lock();
        let tx = db
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(&said)?;
        let now = head_of(&tx)?;
        if append.fence.is_some() && now.epoch != append.fence {
            return Err(StoreError::Fenced { current: now.epoch });
        }
        if now != *append.expected {
            return Err(StoreError::Conflict);
        }
        let Some(last) = append.entries.last() else {
            return Ok(now);
        };
        insert_entries(&tx, append.entries).map_err(&said)?;
        change_rows(&tx, append.changes)?;
        let head = Head {
            size: last.entry.seq + 1,
            link: last.link,
            epoch: append.epoch.or(now.epoch),
            rec: Some(last.entry.rec),
        };
        tx.prepare_cached("UPDATE head SET size = ?1, link = ?2, epoch = ?3, rec = ?4")
            .and_then(|mut update| {
                update.execute((
                    int(head.size),
                    head.link,
                    head.epoch.map(int),
                    last.entry.rec.to_string(),
                ))
            })
            .map_err(&said)?;
        if head.size / WIDTH > now.size / WIDTH {
            tiles::grow(&tx, head.size, tiles::AT_ONCE)?;
        }
        let kinds = || {
            append
                .entries
                .iter()
                .map(|sealed| sealed.entry.kind.as_str())
        };
        crate::crash::point_for("appending", kinds());
        tx.commit().map_err(said)?;
        // On the disk; the head lock does not know it yet.
        crate::crash::point_for("appended", kinds());
        Ok(head)
    }

    fn tiles(&self, wanted: &[Tile], size: u64) -> Result<Tiles, StoreError> {
        tiles::read(&self.lock(), wanted, size)
    }

    fn put_checkpoint(&self, made: &SignedCheckpoint) -> Result<(), StoreError> {
        checkpoints::put(&self.lock(), made)
    }

    fn newest_checkpoint(&self, origin: &str) -> Result<Option<SignedCheckpoint>, StoreError> {
        checkpoints::newest(&self.lock(), origin)
    }

    fn checkpoints(&self) -> Result<Vec<SignedCheckpoint>, StoreError> {
        checkpoints::all(&self.lock())
    }

    fn read(&self, from: Seq, limit: usize) -> Result<Vec<Stored>, StoreError> {
        self.entries(
            "WHERE seq >= ?1 ORDER BY seq LIMIT ?2",
            (int(from), most(limit)),
        )
    }

    fn by_id(&self, id: &EntryId) -> Result<Option<Stored>, StoreError> {
        let found = self.entries("WHERE id = ?1", [id.as_str()])?;
        Ok(found.into_iter().next())
    }

    fn has(&self, id: &EntryId) -> Result<bool, StoreError> {
        let db = self.lock();
        db.prepare_cached("SELECT 1 FROM entry WHERE id = ?1")
            .and_then(|mut statement| statement.exists([id.as_str()]))
            .map_err(trouble(READ))
    }

    fn about(&self, sub: &Subject, from: Seq, limit: usize) -> Result<Vec<Stored>, StoreError> {
        self.entries(
            "WHERE sub = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3",
            (sub.as_str(), int(from), most(limit)),
        )
    }

    fn of_type(&self, kind: &str, from: Seq, limit: usize) -> Result<Vec<Stored>, StoreError> {
        self.entries(
            "WHERE type = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3",
            (kind, int(from), most(limit)),
        )
    }

    fn of_type_about(
        &self,
        kind: &str,
        sub: &Subject,
        from: Seq,
        limit: usize,
    ) -> Result<Vec<Stored>, StoreError> {
        // the plus keeps to the index of subjects: few entries are about one, many of one type
        self.entries(
            "WHERE sub = ?1 AND +type = ?2 AND seq >= ?3 ORDER BY seq LIMIT ?4",
            (sub.as_str(), kind, int(from), most(limit)),
        )
    }

    fn last_of_type(&self, kind: &str) -> Result<Option<Stored>, StoreError> {
        let found = self.entries("WHERE type = ?1 ORDER BY seq DESC LIMIT 1", [kind])?;
        Ok(found.into_iter().next())
    }

    fn row(&self, kind: Kind, key: &str) -> Result<Option<Row>, StoreError> {
        let db = self.lock();
        db.prepare_cached("SELECT key, seq, body FROM \"row\" WHERE kind = ?1 AND key = ?2")
            .and_then(|mut statement| {
                statement
                    .query_row((kind.as_str(), key), |row| row_of(kind, row))
                    .optional()
            })
            .map_err(unfit)
    }

    fn rows(
        &self,
        kind: Kind,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let db = self.lock();
        let mut statement = db.prepare_cached(ROWS).map_err(trouble(READ))?;
        let from = after.filter(|a| *a > prefix).unwrap_or(prefix);
        let rows = statement
            .query_map((kind.as_str(), from, prefix, after, most(limit)), |row| {
                row_of(kind, row)
            })
            .map_err(trouble(READ))?;
        rows.collect::<rusqlite::Result<_>>().map_err(unfit)
    }

    fn keys(
        &self,
        kind: Kind,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        let db = self.lock();
        let mut statement = db
            .prepare_cached(
                "SELECT key FROM \"row\" WHERE kind = ?1 AND key > ?2 ORDER BY key LIMIT ?3",
            )
            .map_err(trouble(READ))?;
        let keys = statement
            .query_map((kind.as_str(), after.unwrap_or(""), most(limit)), |row| {
                row.get(0)
            })
            .map_err(trouble(READ))?;
        keys.collect::<rusqlite::Result<_>>().map_err(unfit)
    }

    fn count(&self, kind: Kind) -> Result<u64, StoreError> {
        let db = self.lock();
        db.prepare_cached("SELECT count(*) FROM \"row\" WHERE kind = ?1")
            .and_then(|mut statement| statement.query_row([kind.as_str()], |row| nat(row, 0)))
            .map_err(unfit)
    }

    fn replace_rows(
        &self,
        expected: &Head,
        rows: &mut dyn Iterator<Item = Row>,
    ) -> Result<(), StoreError> {
        let said = trouble("the rows cannot be written");
        let mut db = self.lock();
        let tx = db
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(&said)?;
        if head_of(&tx)? != *expected {
            return Err(StoreError::Conflict);
        }
        tx.execute("DELETE FROM \"row\"", []).map_err(&said)?;
        {
            let mut put = tx.prepare_cached(PUT_ROW).map_err(&said)?;
            for row in rows {
                put.execute((row.kind.as_str(), row.key, int(row.seq), row.body))
                    .map_err(&said)?;
            }
        }
        tx.commit().map_err(said)
    }
}

fn row_of(kind: Kind, row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        kind,
        key: row.get(0)?,
        seq: nat(row, 1)?,
        body: row.get(2)?,
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::domain::fold::Change;
    use rusqlite::StatementStatus;

    fn store() -> (tempfile::TempDir, SqliteStore) {
        let place = tempfile::tempdir().unwrap();
        let store = SqliteStore::create(&place.path().join("exeunt.db")).unwrap();
        (place, store)
    }

    #[test]
    fn our_own_connection_cannot_change_entries_or_what_guards_them() {
        let (_place, store) = store();
        let db = store.lock();
        for sql in [
            "UPDATE entry SET type = 'x'",
            "DELETE FROM entry",
            "DROP TABLE entry",
            "DROP TRIGGER entry_is_never_changed",
            "ALTER TABLE entry RENAME TO other",
            "ALTER TABLE entry DROP COLUMN sub",
            "PRAGMA Writable_Schema = ON",
        ] {
            assert!(db.execute_batch(sql).is_err(), "{sql}");
        }
        db.execute_batch("DELETE FROM \"row\"; CREATE TABLE mine (x); DROP TABLE mine")
            .unwrap();
    }

    #[test]
    fn every_commit_is_synced() {
        let (_place, store) = store();
        let db = store.lock();
        let pragma = |name: &str| -> String {
            db.pragma_query_value(None, name, |row| {
                Ok(format!("{:?}", row.get::<_, rusqlite::types::Value>(0)?))
            })
            .unwrap()
        };
        assert_eq!(pragma("journal_mode"), "Text(\"wal\")");
        assert_eq!(pragma("synchronous"), "Integer(2)", "FULL");
        assert_eq!(pragma("recursive_triggers"), "Integer(1)");
    }

    #[test]
    fn rows_are_paged_by_prefix_and_key() {
        let (_place, store) = store();
        let keys = ["a/1", "a/2", "a/3", "ab", "b/1", "ä/1"];
        let mut rows = keys.iter().map(|key| Row {
            kind: Kind::Link,
            key: (*key).to_owned(),
            seq: 0,
            body: "{}".to_owned(),
        });
        store.replace_rows(&Head::EMPTY, &mut rows).unwrap();
        let read = |prefix: &str, after: Option<&str>, limit: usize| -> Vec<String> {
            let rows = store.rows(Kind::Link, prefix, after, limit).unwrap();
            rows.into_iter().map(|row| row.key).collect()
        };
        assert_eq!(read("", None, 10), keys);
        assert_eq!(read("a/", None, 10), ["a/1", "a/2", "a/3"]);
        assert_eq!(read("a/", Some("a/1"), 1), ["a/2"]);
        assert_eq!(read("", Some("ab"), 10), ["b/1", "ä/1"]);
        assert_eq!(read("ä", None, 10), ["ä/1"]);
        assert!(read("c", None, 10).is_empty());
        assert_eq!(store.count(Kind::Link).unwrap(), 6);
        assert_eq!(store.count(Kind::Step).unwrap(), 0);
    }

    #[test]
    fn a_statement_is_planned_once_whatever_it_is_asked() {
        let (_place, store) = store();
        for prefix in ["", "a/", "b/", "c/"] {
            store.rows(Kind::Link, prefix, None, 10).unwrap();
            store.rows(Kind::Link, prefix, Some("a/1"), 10).unwrap();
        }
        let db = store.lock();
        let statement = db.prepare_cached(ROWS).unwrap();
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
    }

    #[test]
    fn an_append_at_another_head_changes_nothing() {
        let (_place, store) = store();
        let mut other = Head::EMPTY;
        other.link = [1; 32];
        let change = RowChange {
            seq: 0,
            change: Change {
                kind: Kind::Halt,
                key: "all".to_owned(),
                body: Some(serde_json::json!({})),
            },
        };
        let mut append = Append {
            expected: &other,
            fence: None,
            entries: &[],
            changes: &[change],
            epoch: None,
        };
        assert!(matches!(store.append(&append), Err(StoreError::Conflict)));
        append.fence = Some(3);
        let fenced = store.append(&append);
        assert!(matches!(fenced, Err(StoreError::Fenced { current: None })));
        assert_eq!(store.count(Kind::Halt).unwrap(), 0);
    }
}
