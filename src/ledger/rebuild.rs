//! Makes the rows anew from the entries and compares them with those that are stored.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::Path;

use serde_json::Value;

use crate::domain::canonical;
use crate::domain::fold;
use crate::domain::fold::ReadRows;
use crate::domain::id::Seq;
use crate::domain::rows::Kind;
use crate::domain::time::Time;
use crate::ledger::error::LedgerError;
use crate::ledger::sqlite::SqliteStore;
use crate::ledger::store::Head;
use crate::ledger::store::Row;
use crate::ledger::store::Store;
use crate::ledger::view::View;

/// How many differences are named; all are counted.
const NAMED: usize = 1_000;

/// How a stored row differs from what the entries give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// The entries give it and it is not stored.
    Missing,
    /// It is stored and the entries do not give it.
    Extra,
    /// It is stored and says something else.
    Other,
}

/// One row that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differing {
    /// Its kind.
    pub kind: Kind,
    /// Its key.
    pub key: String,
    /// How it differs.
    pub how: Difference,
}

/// What the comparison gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// How many entries were folded.
    pub entries: u64,
    /// How many rows they give.
    pub rows: u64,
    /// How many rows differ.
    pub differ: u64,
    /// The first of them, at most 1,000.
    pub named: Vec<Differing>,
    /// How many stored tiles of the tree differ; one that is missing is only made.
    pub tiles: u64,
    /// Whether the rows and tiles were written anew.
    pub written: bool,
}

/// Folds all entries into fresh rows and compares; with `write`, puts them in place of the stored
/// ones if any differs. Needs neither vault nor keys.
pub fn rebuild(ledger: &Path, write: bool) -> Result<Rebuilt, LedgerError> {
    if !ledger.exists() {
        return Err(LedgerError::NoLedger {
            path: ledger.to_owned(),
        });
    }
    let store = if write {
        SqliteStore::open(ledger)?
    } else {
        SqliteStore::open_read_only(ledger)?
    };
    let head = store.head()?;
    let fresh = replay(&store, &head)?;
    let mut rebuilt = compare(&store, &fresh, &head)?;
    if write && rebuilt.differ > 0 {
        let mut rows = fresh.0.into_iter().map(|((kind, key), (seq, body))| {
            let body = canonical::to_string(&body).unwrap_or_default();
            Row {
                kind,
                key,
                seq,
                body,
            }
        });
        store.replace_rows(&head, &mut rows)?;
        rebuilt.written = true;
    }
    rebuilt.tiles = store.renew_tiles(write)?;
    rebuilt.written |= write && rebuilt.tiles > 0;
    Ok(rebuilt)
}

#[derive(Default)]
struct Fresh(BTreeMap<(Kind, String), (Seq, Value)>);

impl ReadRows for Fresh {
    type Error = Infallible;

    fn get(&self, kind: Kind, key: &str) -> Result<Option<Value>, Infallible> {
        let found = self.0.get(&(kind, key.to_owned()));
        Ok(found.map(|(_, body)| body.clone()))
    }
}

fn replay(store: &SqliteStore, head: &Head) -> Result<Fresh, LedgerError> {
    let view = View::new(store, head.clone(), Time::from_micros(0));
    let mut fresh = Fresh::default();
    view.each_entry(0, head.size, |entry| {
        let Ok(changes) = fold::fold(&entry, &fresh);
        for change in changes {
            let place = (change.kind, change.key);
            match change.body {
                Some(body) => fresh.0.insert(place, (entry.seq, body)),
                None => fresh.0.remove(&place),
            };
        }
        Ok(())
    })?;
    Ok(fresh)
}

fn compare(store: &SqliteStore, fresh: &Fresh, head: &Head) -> Result<Rebuilt, LedgerError> {
    let view = View::new(store, head.clone(), Time::from_micros(0));
    let mut out = Rebuilt {
        entries: head.size,
        rows: u64::try_from(fresh.0.len()).unwrap_or(u64::MAX),
        differ: 0,
        named: Vec::new(),
        tiles: 0,
        written: false,
    };
    let mut seen = 0_u64;
    for kind in Kind::ALL {
        view.each_row(*kind, "", |row| {
            match fresh.0.get(&(*kind, row.key.clone())) {
                None => out.note(*kind, &row.key, Difference::Extra),
                Some((seq, body)) => {
                    seen += 1;
                    let same = *seq == row.seq
                        && canonical::to_string(body).is_ok_and(|text| text == row.body);
                    if !same {
                        out.note(*kind, &row.key, Difference::Other);
                    }
                }
            }
            Ok(())
        })?;
    }
    if seen < out.rows {
        for (kind, key) in fresh.0.keys() {
            if store.row(*kind, key)?.is_none() {
                out.note(*kind, key, Difference::Missing);
            }
        }
    }
    Ok(out)
}

impl Rebuilt {
    fn note(&mut self, kind: Kind, key: &str, how: Difference) {
        self.differ += 1;
        if self.named.len() < NAMED {
            self.named.push(Differing {
                kind,
                key: key.to_owned(),
                how,
            });
        }
    }
}
