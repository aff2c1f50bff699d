//! Recomputes everything that the ledger says about itself, on all cores.

mod grammar;
mod part;
mod trees;

use std::collections::BTreeMap;
use std::thread;

use crate::domain::event::ActorTookOver;
use crate::domain::event::Payload;
use crate::domain::id::Seq;
use crate::evidence::checkpoint::Checkpoint;
use crate::evidence::merkle::Hash;
use crate::evidence::note::VerifierKey;
use crate::evidence::publish::Published;
use crate::ledger::Paths;
use crate::ledger::chain::NO_LINK;
use crate::ledger::error::LedgerError;
use crate::ledger::headlock::HeadLock;
use crate::ledger::headlock::Locked;
use crate::ledger::sqlite::Extent;
use crate::ledger::sqlite::SqliteStore;
use crate::ledger::store::SignedCheckpoint;
use crate::ledger::store::Store as _;
use crate::ledger::store::StoreError;
use crate::ledger::tree::tile::WIDTH;
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
    /// The newest checkpoint of the name that the log has now, as it is stored.
    pub checkpoint: Option<String>,
    /// How many stored checkpoints were held against the entries.
    pub checkpoints: u64,
    /// The roots of the first so many entries: of all, and at the sizes that were asked for.
    pub roots: BTreeMap<u64, Hash>,
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
    /// Takes note that the first `size` entries are known outside.
    pub fn anchor(&mut self, size: u64) {
        if size > self.unanchored.from && size <= self.entries {
            self.unanchored = Unanchored {
                from: size,
                entries: self.entries - size,
            };
        }
    }

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

/// What a ledger is held against beside itself.
#[derive(Debug, Clone, Default)]
pub struct Asked<'a> {
    /// Where its checkpoints are copied to.
    pub published: Option<&'a Published>,
    /// The sizes at which the reader wants to know the root.
    pub sizes: Vec<u64>,
}

/// Verifies a ledger against its head row and its head lock; needs neither vault nor keys.
///
/// What is wrong with the evidence is in the report. An error means that nothing could be verified:
/// [`LedgerError::NoLedger`], [`LedgerError::Newer`], [`LedgerError::Unavailable`].
pub fn verify(paths: &Paths) -> Result<Report, LedgerError> {
    verify_asked(paths, &Asked::default())
}

/// Verifies a ledger also against what was copied elsewhere.
pub fn verify_asked(paths: &Paths, asked: &Asked<'_>) -> Result<Report, LedgerError> {
    // read first: others may be appending, and the lock comes after their commits
    let noted = HeadLock::new(&paths.head).read();
    verify_against(paths, noted, asked)
}

/// Verifies the entries of a ledger alone: not whether they are those that the head lock knows.
pub(crate) fn verify_entries(paths: &Paths) -> Result<Report, LedgerError> {
    let unasked = LedgerError::cannot_judge("the head lock was not asked", "run verify");
    verify_against(paths, Err(unasked), &Asked::default())
}

fn verify_against(
    paths: &Paths,
    noted: Result<Locked, LedgerError>,
    asked: &Asked<'_>,
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
    let signed = Signatures::gather(&store, extent.head.size, &noted, asked)?;
    let parts = read_parts(paths, &extent, &signed.sizes)?;
    let mut report = report_of(&parts, &extent);
    match noted.and_then(|noted| noted.check(&extent.head, &store)) {
        Ok(()) => {}
        Err(LedgerError::False { seq, what }) => {
            report.bad = report.bad.or(Some(Bad { seq, what }));
        }
        Err(LedgerError::CannotJudge { what, .. }) => report.unjudged = Some(what),
        Err(other) => return Err(other),
    }
    if report.bad.is_none() {
        report.bad = signed.judge(&parts, &mut report).err();
    }
    Ok(report)
}

/// What the entries say about themselves.
fn report_of(parts: &[Part], extent: &Extent) -> Report {
    let mut report = broken(Bad::nowhere(""));
    report.bad = judge_chain(parts, extent);
    if report.bad.is_none() {
        report.bad =
            judge_grammar(parts, &mut report.reopened).or_else(|| judge_head(parts, extent));
    }
    report.entries = extent.head.size;
    report.head = hex::encode(extent.head.link);
    report.unanchored.entries = report.entries;
    report.roots = trees::roots(parts);
    report
}

/// Every checkpoint that this ledger has signed, as far as it can be found here.
struct Signatures {
    origin: Option<String>,
    stored: Vec<SignedCheckpoint>,
    locked: Option<String>,
    copied: Option<String>,
    /// The sizes at which the tree is cut, in order.
    sizes: Vec<u64>,
}

impl Signatures {
    fn gather(
        store: &SqliteStore,
        size: u64,
        noted: &Result<Locked, LedgerError>,
        asked: &Asked<'_>,
    ) -> Result<Self, LedgerError> {
        // rows are not evidence: a changed name only leads to a copy of another name
        let origin = super::origin_of(store).unwrap_or_default();
        let stored = store.checkpoints()?;
        let locked = noted
            .as_ref()
            .ok()
            .and_then(|noted| noted.checkpoint.clone());
        let copied = origin.as_ref().zip(asked.published);
        let copied = copied.and_then(|(origin, place)| place.newest(origin).ok().flatten());
        let mut sizes = asked.sizes.clone();
        sizes.push(size);
        let notes = stored.iter().map(|stored| &stored.note);
        for note in notes.chain(&locked).chain(&copied) {
            sizes.extend(Checkpoint::in_note(note.as_bytes()).map(|(said, _)| said.size));
        }
        sizes.sort_unstable();
        sizes.dedup();
        Ok(Self {
            origin,
            stored,
            locked,
            copied,
            sizes,
        })
    }

    /// Holds all of them against the entries.
    fn judge(&self, parts: &[Part], report: &mut Report) -> Result<(), Bad> {
        let opened = parts.first().and_then(|part| part.opened.as_ref());
        let key = opened.and_then(|opened| VerifierKey::parse(&opened.log_key).ok());
        let Some(key) = key else {
            return Err(Bad::at(0, "the first entry names no signing key"));
        };
        let entries = report.entries;
        let judge = |note: &str, from: &str, report: &Report| {
            trees::judge(note, from, &key, &report.roots, entries)
        };
        for stored in &self.stored {
            let said = judge(&stored.note, "in the ledger", report)?;
            if (said.size, &said.origin) != (stored.size, &stored.origin) {
                return Err(Bad::nowhere(
                    "a stored checkpoint has another place than it says",
                ));
            }
            report.checkpoints += 1;
            if self.origin.as_ref() == Some(&said.origin) {
                report.checkpoint = Some(stored.note.clone());
            }
        }
        if let Some(note) = &self.locked {
            judge(note, "in the head lock", report)?;
            report.checkpoint = Some(note.clone());
        }
        if let Some(note) = &self.copied {
            let said = judge(note, "that was copied elsewhere", report)?;
            report.anchor(said.size);
        }
        Ok(())
    }
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
        checkpoint: None,
        checkpoints: 0,
        roots: BTreeMap::new(),
    }
}

/// Reads the entries in ranges, each on a thread and a connection of its own.
fn read_parts(paths: &Paths, extent: &Extent, sizes: &[u64]) -> Result<Vec<Part>, LedgerError> {
    let size = extent.head.size;
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let threads = u64::try_from(cores.min(THREADS)).unwrap_or(1);
    // each begins where a tile begins
    let step = size.div_ceil(threads).max(1).next_multiple_of(WIDTH);
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
                    part::read(&store, from, until, sizes)
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
