//! The versions of our SQLite files.

use std::path::Path;
use std::time::Duration;

use aws_lc_rs::digest;
use rusqlite::Connection;
use rusqlite::ErrorCode;
use rusqlite::OptionalExtension;
use rusqlite::TransactionBehavior;
use rusqlite::config::DbConfig;

use crate::ledger::store::StoreError;

/// One step from a version to the next.
#[derive(Debug)]
pub(crate) struct Migration {
    /// From 1 up.
    pub(crate) number: i64,
    /// The file's name.
    pub(crate) name: &'static str,
    /// Its text.
    pub(crate) sql: &'static str,
}

/// What a kind of file is known by.
#[derive(Debug)]
pub(crate) struct Layout {
    /// `PRAGMA application_id`.
    pub(crate) application: i32,
    /// Its versions, in order.
    pub(crate) migrations: &'static [Migration],
}

/// How long a writer waits for another one.
const BUSY: Duration = Duration::from_secs(10);

/// Turns what SQLite says into what the caller can do about it.
pub(crate) fn trouble(what: &str) -> impl Fn(rusqlite::Error) -> StoreError {
    move |error| match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Corrupt {
            seq: None,
            what: format!("{what}: {error}"),
        },
        _ => StoreError::Unavailable {
            what: what.to_owned(),
            source: Box::new(error),
        },
    }
}

/// Sets what every connection of ours has.
pub(crate) fn settle(db: &Connection) -> rusqlite::Result<()> {
    db.busy_timeout(BUSY)?;
    db.pragma_update(None, "recursive_triggers", true)?;
    db.pragma_update(None, "foreign_keys", true)?;
    db.pragma_update(None, "trusted_schema", false)?;
    db.pragma_update(None, "synchronous", "FULL")?;
    // a plan goes by the statement alone: by its values, ranges would be planned anew at each call
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    db.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// Lets readers and a writer work at the same time. A file that was put back from a backup has no
/// write-ahead log of its own; one that has is left as it is.
pub(crate) fn log_ahead(db: &Connection, path: &Path) -> Result<(), StoreError> {
    let what = format!("{} cannot be opened", path.display());
    db.pragma_update(None, "journal_mode", "WAL")
        .map_err(trouble(&what))
}

/// Makes a fresh file the newest version.
pub(crate) fn create(db: &mut Connection, layout: &Layout) -> rusqlite::Result<()> {
    db.pragma_update(None, "application_id", layout.application)?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute_batch(
        "CREATE TABLE migration (number INTEGER PRIMARY KEY, name TEXT NOT NULL, \
         sha256 TEXT NOT NULL) STRICT;",
    )?;
    for migration in layout.migrations {
        run(&tx, migration)?;
    }
    tx.commit()
}

/// Brings an existing file to the newest version (`upgrade`), or only checks that it can be read.
pub(crate) fn check(
    db: &mut Connection,
    layout: &Layout,
    path: &Path,
    upgrade: bool,
) -> Result<(), StoreError> {
    let what = format!("{} cannot be opened", path.display());
    let said = trouble(&what);
    let application: i32 = db
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .map_err(&said)?;
    if application != layout.application {
        return Err(StoreError::Foreign {
            path: path.to_owned(),
        });
    }
    let newest: i64 = db
        .query_row("SELECT coalesce(max(number), 0) FROM migration", [], |r| {
            r.get(0)
        })
        .map_err(&said)?;
    let known = layout.migrations.last().map_or(0, |m| m.number);
    if newest > known {
        return Err(StoreError::Newer {
            path: path.to_owned(),
        });
    }
    let tx = db
        .transaction_with_behavior(if upgrade && newest < known {
            TransactionBehavior::Immediate
        } else {
            TransactionBehavior::Deferred
        })
        .map_err(&said)?;
    for migration in layout.migrations {
        let stored: Option<String> = tx
            .query_row(
                "SELECT sha256 FROM migration WHERE number = ?1",
                [migration.number],
                |row| row.get(0),
            )
            .optional()
            .map_err(&said)?;
        match stored {
            Some(hash) if hash == sha256(migration.sql) => {}
            Some(_) => {
                return Err(StoreError::Corrupt {
                    seq: None,
                    what: format!(
                        "{} was laid out by another text of {}",
                        path.display(),
                        migration.name
                    ),
                });
            }
            None if upgrade => run(&tx, migration).map_err(&said)?,
            None => {
                return Err(StoreError::Unavailable {
                    what: format!("{} is of an older version", path.display()),
                    source: "run any command that writes, and it is brought up to date".into(),
                });
            }
        }
    }
    tx.commit().map_err(said)
}

fn run(db: &Connection, migration: &Migration) -> rusqlite::Result<()> {
    db.execute_batch(migration.sql)?;
    db.execute(
        "INSERT INTO migration (number, name, sha256) VALUES (?1, ?2, ?3)",
        (migration.number, migration.name, sha256(migration.sql)),
    )?;
    Ok(())
}

fn sha256(text: &str) -> String {
    hex::encode(digest::digest(&digest::SHA256, text.as_bytes()))
}

/// An unsigned number as SQLite keeps it; what does not fit is beyond any position.
pub(crate) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// How many rows to read at most, as SQLite takes it.
pub(crate) fn most(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Reads a column as an unsigned number.
pub(crate) fn nat(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, number))
}
