//! The tree's full tiles in the ledger's SQLite file. They are made in the transaction of the append
//! that fills them; the right edge, which is not full, is computed from the entries.

use std::collections::BTreeMap;

use rusqlite::Connection;
use rusqlite::OptionalExtension;
use rusqlite::TransactionBehavior;

use crate::ledger::migrate::int;
use crate::ledger::migrate::nat;
use crate::ledger::migrate::trouble;
use crate::ledger::store::StoreError;
use crate::ledger::tree::Hash;
use crate::ledger::tree::leaf;
use crate::ledger::tree::tile;
use crate::ledger::tree::tile::HEIGHT;
use crate::ledger::tree::tile::LEVELS;
use crate::ledger::tree::tile::Tile;
use crate::ledger::tree::tile::Tiles;
use crate::ledger::tree::tile::WIDTH;

/// The most tiles of leaves that are made in one transaction: more than the largest append fills.
pub(crate) const AT_ONCE: u64 = 64;

/// The most tiles of leaves that an opening makes, for a ledger that has none yet: 262,144 entries.
const AT_OPEN: u64 = 1_024;

const READ: &str = "the tree cannot be read";
const GROW: &str = "the tree cannot be written";

/// Where a tile is stored.
pub(crate) fn place(tile: Tile) -> i64 {
    int(u64::from(tile.level) << 48 | tile.n)
}

fn tile_at(place: u64) -> Tile {
    Tile {
        level: u32::try_from(place >> 48).unwrap_or(u32::MAX),
        n: place & ((1 << 48) - 1),
    }
}

/// How many full tiles of a level are stored: they are made in order.
fn stored(db: &Connection, level: u32) -> rusqlite::Result<u64> {
    let (from, until) = (
        Tile { level, n: 0 },
        Tile {
            level: level + 1,
            n: 0,
        },
    );
    let last: Option<i64> = db
        .prepare_cached("SELECT max(place) FROM tile WHERE place >= ?1 AND place < ?2")?
        .query_row((place(from), place(until)), |row| row.get(0))
        .optional()?
        .flatten();
    let last = last.and_then(|last| u64::try_from(last).ok());
    Ok(last.map_or(0, |last| tile_at(last).n + 1))
}

/// Makes the tiles of leaves that are full in a ledger of `size` entries and not stored yet, at most
/// `most`, and those above them; returns how many of leaves are still missing.
pub(crate) fn grow(db: &Connection, size: u64, most: u64) -> Result<u64, StoreError> {
    let have = stored(db, 0).map_err(trouble(GROW))?;
    let full = size / WIDTH;
    let until = full.min(have.saturating_add(most));
    for n in have..until {
        let hashes = leaves(db, n * WIDTH, WIDTH)?;
        put(db, Tile { level: 0, n }, &hashes)?;
        let (mut level, mut count) = (0, n + 1);
        while count % WIDTH == 0 {
            count /= WIDTH;
            let above = Tile {
                level: level + 1,
                n: count - 1,
            };
            let hashes = roots(db, above)?;
            put(db, above, &hashes)?;
            level += 1;
        }
    }
    Ok(full.saturating_sub(until))
}

/// Makes the tiles of a ledger that was written before there were any; what is more than the limit
/// is left to later openings and to `rebuild`.
pub(crate) fn catch_up(db: &mut Connection) -> Result<(), StoreError> {
    let size = |db: &Connection| -> rusqlite::Result<u64> {
        db.query_row("SELECT size FROM head WHERE one = 0", [], |row| nat(row, 0))
    };
    for _ in 0..AT_OPEN / AT_ONCE {
        let (Ok(now), Ok(have)) = (size(db), stored(db, 0)) else {
            // whoever reads the head says what is wrong with it
            return Ok(());
        };
        if have >= now / WIDTH {
            return Ok(());
        }
        let tx = db
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(trouble(GROW))?;
        let now = size(&tx).map_err(trouble(GROW))?;
        match grow(&tx, now, AT_ONCE) {
            Ok(_) => tx.commit().map_err(trouble(GROW))?,
            // entries that are not there are found, and said, by whoever reads them
            Err(StoreError::Corrupt { .. }) => return Ok(()),
            Err(other) => return Err(other),
        }
    }
    Ok(())
}

fn put(db: &Connection, tile: Tile, hashes: &[Hash]) -> Result<(), StoreError> {
    db.prepare_cached("INSERT INTO tile (place, root, hashes) VALUES (?1, ?2, ?3)")
        .and_then(|mut insert| {
            insert.execute((place(tile), tile::root(hashes), hashes.as_flattened()))
        })
        .map(drop)
        .map_err(trouble(GROW))
}

/// The hashes of `count` leaves.
fn leaves(db: &Connection, from: u64, count: u64) -> Result<Vec<Hash>, StoreError> {
    let sql = "SELECT bytes FROM entry WHERE seq >= ?1 AND seq < ?2 ORDER BY seq";
    let read = || -> rusqlite::Result<Vec<Hash>> {
        let mut statement = db.prepare_cached(sql)?;
        let mut rows = statement.query((int(from), int(from + count)))?;
        let mut hashes = Vec::new();
        while let Some(row) = rows.next()? {
            hashes.push(leaf(row.get_ref(0)?.as_blob()?));
        }
        Ok(hashes)
    };
    let hashes = read().map_err(trouble(READ))?;
    whole(hashes, count)
}

/// The hashes of a full tile above the leaves: the roots of those below it.
fn roots(db: &Connection, above: Tile) -> Result<Vec<Hash>, StoreError> {
    let from = below(above);
    let read = || -> rusqlite::Result<Vec<Hash>> {
        db.prepare_cached("SELECT root FROM tile WHERE place >= ?1 AND place < ?2 ORDER BY place")?
            .query_map((from, from + int(WIDTH)), |row| row.get(0))?
            .collect()
    };
    whole(read().map_err(trouble(READ))?, WIDTH)
}

/// Where the first tile is stored that a tile has the root of.
fn below(above: Tile) -> i64 {
    place(Tile {
        level: above.level.saturating_sub(1),
        n: above.n * WIDTH,
    })
}

fn whole(hashes: Vec<Hash>, count: u64) -> Result<Vec<Hash>, StoreError> {
    if u64::try_from(hashes.len()).is_ok_and(|found| found == count) {
        return Ok(hashes);
    }
    Err(StoreError::Corrupt {
        seq: None,
        what: "entries or tiles that the tree is made of are missing".to_owned(),
    })
}

/// Reads tiles of the tree of `size` leaves, in one statement: full ones as they are stored, the
/// others from the roots of the tiles below or from the entries. What is missing is left out.
pub(crate) fn read(db: &Connection, wanted: &[Tile], size: u64) -> Result<Tiles, StoreError> {
    let said = trouble(READ);
    let Some(sql) = statement(wanted, size) else {
        return Ok(Tiles::default());
    };
    let mut found: BTreeMap<Tile, BTreeMap<u64, Hash>> = BTreeMap::new();
    let mut tiles = Tiles::default();
    let mut statement = db.prepare(&sql).map_err(&said)?;
    let mut rows = statement.query([]).map_err(&said)?;
    while let Some(row) = rows.next().map_err(&said)? {
        let (kind, at): (i64, u64) = (row.get(0).map_err(&said)?, nat(row, 1).map_err(&said)?);
        let value = row.get_ref(2).map_err(&said)?;
        let bytes = value.as_blob().map_err(|e| said(e.into()))?;
        let (tile, position, hash) = match kind {
            STORED => {
                let (hashes, _) = bytes.as_chunks::<32>();
                tiles.0.insert(tile_at(at), hashes.to_vec());
                continue;
            }
            ROOTS => {
                let below = tile_at(at);
                let hash = bytes.try_into().unwrap_or_default();
                (above(below.level + 1, below.n), below.n % WIDTH, hash)
            }
            _ => (above(0, at), at % WIDTH, leaf(bytes)),
        };
        found.entry(tile).or_default().insert(position, hash);
    }
    for (tile, hashes) in found {
        let ordered = (0..).zip(&hashes).all(|(wanted, (at, _))| wanted == *at);
        if ordered && u64::try_from(hashes.len()).is_ok_and(|n| n == tile.width(size)) {
            tiles.0.insert(tile, hashes.into_values().collect());
        }
    }
    Ok(tiles)
}

/// The tile of a level that holds the hash at a place of that level.
fn above(level: u32, at: u64) -> Tile {
    Tile {
        level,
        n: at / WIDTH,
    }
}

const STORED: i64 = 0;
const ROOTS: i64 = 1;
const LEAVES: i64 = 2;

/// The one statement that reads all of them; `None` if there is nothing to be read. It has nothing
/// but our own numbers in it.
fn statement(wanted: &[Tile], size: u64) -> Option<String> {
    let mut stored = Vec::new();
    let mut parts = Vec::new();
    for tile in wanted {
        let width = int(tile.width(size));
        match tile.level {
            _ if width == int(WIDTH) => stored.push(place(*tile).to_string()),
            _ if width == 0 => {}
            0 => {
                let from = int(tile.n * WIDTH);
                parts.push(format!(
                    "SELECT {LEAVES}, seq, bytes FROM entry WHERE seq >= {from} AND seq < {}",
                    from + width
                ));
            }
            _ => {
                let from = below(*tile);
                parts.push(format!(
                    "SELECT {ROOTS}, place, root FROM tile WHERE place >= {from} AND place < {}",
                    from + width
                ));
            }
        }
    }
    if !stored.is_empty() {
        parts.push(format!(
            "SELECT {STORED}, place, hashes FROM tile WHERE place IN ({})",
            stored.join(",")
        ));
    }
    (!parts.is_empty()).then(|| parts.join(" UNION ALL "))
}

/// Compares every stored tile with what the entries give, and with `write` puts right what differs
/// and makes what is missing; returns how many differ.
pub(crate) fn renew(db: &mut Connection, write: bool) -> Result<u64, StoreError> {
    let said = trouble(GROW);
    let behavior = match write {
        true => TransactionBehavior::Immediate,
        false => TransactionBehavior::Deferred,
    };
    let tx = db.transaction_with_behavior(behavior).map_err(&said)?;
    let size: u64 = tx
        .query_row("SELECT size FROM head WHERE one = 0", [], |row| nat(row, 0))
        .map_err(&said)?;
    let mut differ = beyond(&tx, size, write).map_err(&said)?;
    let mut below: Vec<Hash> = Vec::new();
    for level in 0..LEVELS {
        let full = size.checked_shr(HEIGHT * (level + 1)).unwrap_or(0);
        let mut roots = Vec::new();
        let mut chunks = below.chunks_exact(256);
        for n in 0..full {
            let hashes = match level {
                0 => leaves(&tx, n * WIDTH, WIDTH)?,
                _ => chunks.next().unwrap_or_default().to_vec(),
            };
            roots.push(tile::root(&hashes));
            differ += u64::from(judge(&tx, Tile { level, n }, &hashes, write)?);
        }
        below = roots;
    }
    tx.commit().map_err(said)?;
    Ok(differ)
}

/// How many tiles are stored that a ledger of `size` entries does not have; with `write` they go.
fn beyond(db: &Connection, size: u64, write: bool) -> rusqlite::Result<u64> {
    let places: Vec<u64> = db
        .prepare("SELECT place FROM tile")?
        .query_map([], |row| nat(row, 0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut count = 0;
    for at in places {
        if tile_at(at).level >= LEVELS || tile_at(at).width(size) < WIDTH {
            count += 1;
            if write {
                db.execute("DELETE FROM tile WHERE place = ?1", [int(at)])?;
            }
        }
    }
    Ok(count)
}

/// Whether a stored tile is another than this one. With `write` it is put right, and made where it
/// is missing, as in a ledger that was written before there were tiles.
fn judge(db: &Connection, tile: Tile, hashes: &[Hash], write: bool) -> Result<bool, StoreError> {
    let root = tile::root(hashes);
    let same: Option<bool> = db
        .prepare_cached("SELECT root = ?2 AND hashes = ?3 FROM tile WHERE place = ?1")
        .and_then(|mut statement| {
            statement
                .query_row((place(tile), root, hashes.as_flattened()), |row| row.get(0))
                .optional()
        })
        .map_err(trouble(READ))?;
    if write && same != Some(true) {
        db.execute("DELETE FROM tile WHERE place = ?1", [place(tile)])
            .map_err(trouble(GROW))?;
        put(db, tile, hashes)?;
    }
    Ok(same == Some(false))
}
