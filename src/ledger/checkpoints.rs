//! The checkpoints that were signed, in the ledger's SQLite file.

use rusqlite::Connection;
use rusqlite::OptionalExtension;

use crate::domain::time::Time;
use crate::ledger::migrate::int;
use crate::ledger::migrate::nat;
use crate::ledger::migrate::trouble;
use crate::ledger::store::SignedCheckpoint;
use crate::ledger::store::StoreError;

const READ: &str = "the checkpoints cannot be read";
const COLUMNS: &str = "origin, size, note, at";

/// Keeps one. A trigger refuses another one of the same log and size.
pub(crate) fn put(db: &Connection, made: &SignedCheckpoint) -> Result<(), StoreError> {
    db.execute(
        "INSERT INTO checkpoint (origin, size, note, at) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT DO NOTHING",
        (
            made.origin.as_str(),
            int(made.size),
            made.note.as_str(),
            made.at.to_string(),
        ),
    )
    .map(drop)
    .map_err(trouble("the checkpoint cannot be kept"))
}

/// The largest of a log.
pub(crate) fn newest(
    db: &Connection,
    origin: &str,
) -> Result<Option<SignedCheckpoint>, StoreError> {
    let sql =
        format!("SELECT {COLUMNS} FROM checkpoint WHERE origin = ?1 ORDER BY size DESC LIMIT 1");
    db.prepare_cached(&sql)
        .and_then(|mut statement| statement.query_row([origin], one).optional())
        .map_err(trouble(READ))
}

/// All of them.
pub(crate) fn all(db: &Connection) -> Result<Vec<SignedCheckpoint>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM checkpoint ORDER BY origin, size");
    let read = || -> rusqlite::Result<Vec<SignedCheckpoint>> {
        db.prepare(&sql)?.query_map([], one)?.collect()
    };
    read().map_err(trouble(READ))
}

fn one(row: &rusqlite::Row<'_>) -> rusqlite::Result<SignedCheckpoint> {
    let at: String = row.get(3)?;
    Ok(SignedCheckpoint {
        origin: row.get(0)?,
        size: nat(row, 1)?,
        note: row.get(2)?,
        // a time that cannot be read makes the next one due
        at: Time::parse(&at).unwrap_or(Time::from_micros(0)),
    })
}
