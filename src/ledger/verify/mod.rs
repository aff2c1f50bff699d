//! Recomputes everything that the ledger says about itself, on all cores.

mod grammar;
mod part;

use std::thread;

use crate::domain::event::ActorTookOver;
use crate::domain::event::Payload;
use crate::domain::id::Seq;
use crate::ledger::Paths;
use crate::ledger::chain::NO_LINK;
use crate::ledger::error::LedgerError;
use crate::ledger::headlock::HeadLock;
use crate::ledger::headlock::Locked;
use crate::ledger::sqlite::Extent;
use crate::ledger::sqlite::SqliteStore;
use crate::ledger::store::StoreError;
use crate::ledger::verify::grammar::Grammar;
use crate::ledger::verify::part::Part;

/// What is wrong, and where it shows first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bad {
    /// The position; `None` where it is not one entry (the head row, the head lock).
    pub seq: Option<Seq>,
    /// What is wrong, as a sentence fragment.
    pub what: String,
}

impl Bad {
    fn at(seq: Seq, what: impl Into<String>) -> Self {
        Self {
            seq: Some(seq),
            what: what.into(),
        }
    }

    fn nowhere(what: impl Into<String>) -> Self {
        Self {
            seq: None,
            what: what.into(),
        }
    }
}

/// What nobody outside this machine has seen: it could be rewritten and nothing would tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unanchored {
    /// The first position after the newest checkpoint that left the machine.
    pub from: Seq,
    /// How many entries that are.
    pub entries: u64,
}

/// What a verification gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// How many entries there are.
    pub entries: u64,
    /// The link of the last entry, hexadecimal.
    pub head: String,
    /// The first thing that is wrong.
    pub bad: Option<Bad>,
    /// Why it could not be judged whether the end is there: the head lock is missing or damaged.
    pub unjudged: Option<String>,
    /// What is not anchored outside.
    pub unanchored: Unanchored,
    /// Where an approver let an older copy go on, or another vault, in order.
    pub reopened: Vec<Reopened>,
}

/// A place where something that was there before is lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reopened {
    /// The entry that says so.
    pub seq: Seq,
    /// How many entries there were then.
    pub kept: Seq,
    /// Whether entries are lost that had been appended before.
    pub entries_lost: bool,
    /// How many there had been, as far as the head lock knew.
    pub known: Option<u64>,
    /// How many pseudonyms lost their values with the vault; `None` if that fitted.
    pub values_lost: Option<u64>,
}

impl Report {
    /// The exit code of `verify` with this result: 0, 20 or 21.
    pub fn exit_code(&self) -> u8 {
        match (&self.bad, &self.unjudged) {
            (Some(_), _) => 20,
            (None, Some(_)) => 21,
            (None, None) => 0,
        }
    }
}

/// The most threads that read at the same time.
const THREADS: usize = 8;

/// Verifies a ledger against its head row and its head lock; needs neither vault nor keys.
///
/// What is wrong with the evidence is in the report. An error means that nothing could be verified:
/// [`LedgerError::NoLedger`], [`LedgerError::Newer`], [`LedgerError::Unavailable`].
pub fn verify(paths: &Paths) -> Result<Report, LedgerError> {
    // read first: others may be appending, and the lock comes after their commits
    let noted = HeadLock::new(&paths.head).read();
    verify_against(paths, noted)
}

/// Verifies the entries of a ledger alone: not whether they are those that the head lock knows.
pub(crate) fn verify_entries(paths: &Paths) -> Result<Report, LedgerError> {
    let unasked = LedgerError::cannot_judge("the head lock was not asked", "run verify");
    verify_against(paths, Err(unasked))
}

fn verify_against(
    paths: &Paths,
    noted: Result<Locked, LedgerError>,
) -> Result<Report, LedgerError> {
    if !paths.ledger.exists() {
        return match noted {
            Ok(noted) => Ok(gone(&noted)),
            Err(_) => Err(LedgerError::NoLedger {
                path: paths.ledger.clone(),
            }),
        };
    }
    let opened = SqliteStore::open_read_only(&paths.ledger).and_then(|store| {
        let extent = store.extent()?;
        Ok((store, extent))
    });
    let (store, extent) = match opened {
        Ok(opened) => opened,
        Err(StoreError::Corrupt { seq, what }) => return Ok(broken(Bad { seq, what })),
        Err(other) => return Err(other.into()),
    };
    let parts = read_parts(paths, &extent)?;
    let mut bad = judge_chain(&parts, &extent);
    let mut reopened = Vec::new();
    if bad.is_none() {
        bad = judge_grammar(&parts, &mut reopened).or_else(|| judge_head(&parts, &extent));
    }
    let mut unjudged = None;
    let mut anchored = 0;
    match noted {
        Ok(noted) => {
            anchored = anchored_size(&noted);
            match noted.check(&extent.head, &store) {
                Ok(()) => {}
                Err(LedgerError::False { seq, what }) => bad = bad.or(Some(Bad { seq, what })),
                Err(other) => return Err(other),
            }
        }
        Err(LedgerError::CannotJudge { what, .. }) => unjudged = Some(what),
        Err(other) => return Err(other),
    }
    let entries = extent.head.size;
    Ok(Report {
        entries,
        head: hex::encode(extent.head.link),
        bad,
        unjudged,
        unanchored: Unanchored {
            from: anchored,
            entries: entries.saturating_sub(anchored),
        },
        reopened,
    })
}

fn gone(noted: &Locked) -> Report {
    broken(Bad::nowhere(format!(
        "the ledger is gone; the head lock says that it had {} entries",
        noted.size
    )))
}

fn broken(bad: Bad) -> Report {
    Report {
        entries: 0,
        head: hex::encode(NO_LINK),
        bad: Some(bad),
        unjudged: None,
        unanchored: Unanchored {
            from: 0,
            entries: 0,
        },
        reopened: Vec::new(),
    }
}

/// The size of the checkpoint that the head lock holds: the second line of its text.
fn anchored_size(locked: &Locked) -> u64 {
    locked
        .checkpoint
        .as_deref()
        .and_then(|note| note.lines().nth(1))
        .and_then(|size| size.parse().ok())
        .unwrap_or(0)
}

/// Reads the entries in ranges, each on a thread and a connection of its own.
fn read_parts(paths: &Paths, extent: &Extent) -> Result<Vec<Part>, LedgerError> {
    let size = extent.head.size;
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let threads = u64::try_from(cores.min(THREADS)).unwrap_or(1);
    let step = size.div_ceil(threads).max(1);
    thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|n| {
                (
                    n.saturating_mul(step),
                    n.saturating_add(1).saturating_mul(step),
                )
            })
            .filter(|(from, _)| *from < size)
            .map(|(from, until)| {
                let until = until.min(size);
                scope.spawn(move || {
                    let store = SqliteStore::open_read_only(&paths.ledger)?;
                    part::read(&store, from, until)
                })
            })
            .collect();
        running
            .into_iter()
            .map(|thread| {
                thread.join().unwrap_or_else(|_| {
                    let source = "a thread ended before its time";
                    Err(LedgerError::unavailable(
                        "the ledger cannot be read",
                        source,
                    ))
                })
            })
            .collect()
    })
}

/// The chain through all parts: the first that does not fit behind the one before, or is bad.
fn judge_chain(parts: &[Part], extent: &Extent) -> Option<Bad> {
    if extent.head.size == 0 && extent.last.is_none() {
        return Some(Bad::at(0, "the ledger has no entries"));
    }
    if extent.first.is_some_and(|first| first < 0) {
        return Some(Bad::nowhere("there are entries before the first one"));
    }
    let mut before: Option<&Part> = None;
    for part in parts {
        if let Some(first) = &part.first
            && let Some(bad) = first.behind(before.and_then(|b| b.last.as_ref()))
        {
            return Some(bad);
        }
        if let Some(bad) = &part.bad {
            return Some(bad.clone());
        }
        before = Some(part);
    }
    let last = extent.last.and_then(|last| u64::try_from(last).ok());
    let wanted = extent.head.size.checked_sub(1);
    if last > wanted {
        let what = "the head row ends before this entry";
        return Some(Bad::at(extent.head.size, what));
    }
    twice(parts)
}

/// An id that stands in two entries.
fn twice(parts: &[Part]) -> Option<Bad> {
    let mut ids: Vec<(u128, Seq)> = parts.iter().flat_map(|p| p.ids.iter().copied()).collect();
    ids.sort_unstable();
    ids.windows(2)
        .filter_map(|pair| match pair {
            [(one, _), (other, seq)] if one == other => Some(*seq),
            _ => None,
        })
        .min()
        .map(|seq| Bad::at(seq, "another entry has the same id"))
}

fn judge_grammar(parts: &[Part], reopened: &mut Vec<Reopened>) -> Option<Bad> {
    let mut grammar = Grammar::default();
    let bad = parts
        .iter()
        .flat_map(|part| &part.notable)
        .find_map(|entry| grammar.next(entry).err())
        .or_else(|| grammar.all_named().err());
    reopened.extend(grammar.reopened());
    bad
}

fn judge_head(parts: &[Part], extent: &Extent) -> Option<Bad> {
    let head = &extent.head;
    let last = parts.last().and_then(|part| part.last.as_ref());
    let epoch = parts
        .iter()
        .flat_map(|part| &part.notable)
        .filter(|entry| entry.kind == ActorTookOver::TYPE)
        .map(|entry| entry.seq)
        .max();
    let what = match last {
        Some(last) if last.link != head.link => "its link",
        Some(last) if Some(last.rec) != head.rec => "its time",
        _ if epoch != head.epoch => "its epoch",
        _ => return None,
    };
    Some(Bad::nowhere(format!(
        "the head row does not fit the last entry: {what} is another"
    )))
}
