//! One range of entries, read in order.

use uuid::Uuid;

use crate::domain::event::ActorTookOver;
use crate::domain::event::CommandIntended;
use crate::domain::event::CommandOutcome;
use crate::domain::event::CommandSettled;
use crate::domain::event::Entry;
use crate::domain::event::LedgerOpened;
use crate::domain::event::LedgerReopened;
use crate::domain::event::Payload;
use crate::domain::event::PlanCreated;
use crate::domain::event::PlanListed;
use crate::domain::event::SubjectsLost;
use crate::domain::id::Seq;
use crate::domain::id::Subject;
use crate::domain::time::Time;
use crate::ledger::allow;
use crate::ledger::chain;
use crate::ledger::chain::Link;
use crate::ledger::chain::NO_LINK;
use crate::ledger::error::LedgerError;
use crate::ledger::sqlite::Lent;
use crate::ledger::sqlite::SqliteStore;
use crate::ledger::store::StoreError;
use crate::ledger::verify::Bad;
use crate::ledger::verify::trees::Grown;

/// What a range came to, up to the first entry that is bad in itself or behind its neighbour.
#[derive(Debug)]
pub(super) struct Part {
    /// The first entry, which is still to be compared with the range before.
    pub(super) first: Option<Joint>,
    /// The last good entry.
    pub(super) last: Option<Joint>,
    /// The ids with their positions.
    pub(super) ids: Vec<(u128, Seq)>,
    /// The entries whose order has rules.
    pub(super) notable: Vec<Entry>,
    /// What the first entry of all says, if it is in the range.
    pub(super) opened: Option<LedgerOpened>,
    /// The tree over the range.
    pub(super) grown: Grown,
    /// The first that is wrong.
    pub(super) bad: Option<Bad>,
}

/// What an entry is joined to its neighbours by.
#[derive(Debug, Clone)]
pub(super) struct Joint {
    seq: Seq,
    prev: String,
    pub(super) link: Link,
    pub(super) rec: Time,
}

impl Joint {
    /// What is wrong between this entry and the one before; `None` before is the beginning.
    pub(super) fn behind(&self, before: Option<&Joint>) -> Option<Bad> {
        let link = before.map_or(NO_LINK, |b| b.link);
        if self.prev != hex::encode(link) {
            let what = "its prev is not the link of the entry before: one of the two was changed";
            return Some(Bad::at(self.seq, what));
        }
        if before.is_some_and(|b| b.rec > self.rec) {
            return Some(Bad::at(
                self.seq,
                "its rec is before that of the entry before",
            ));
        }
        None
    }
}

const NOTABLE: &[&str] = &[
    ActorTookOver::TYPE,
    LedgerReopened::TYPE,
    SubjectsLost::TYPE,
    CommandIntended::TYPE,
    CommandOutcome::TYPE,
    CommandSettled::TYPE,
    PlanListed::TYPE,
    PlanCreated::TYPE,
];

/// Reads the entries from `from` up to and without `until`; the tree is cut at `sizes`.
pub(super) fn read(
    store: &SqliteStore,
    from: Seq,
    until: Seq,
    sizes: &[u64],
) -> Result<Part, LedgerError> {
    let mut part = Part {
        first: None,
        last: None,
        ids: Vec::new(),
        notable: Vec::new(),
        opened: None,
        grown: Grown::from(from),
        bad: None,
    };
    let mut next = from;
    let read = store.scan(from, until, |lent| {
        if lent.seq != next {
            return false;
        }
        match part.take(lent) {
            Ok(()) => {
                part.grown.push(lent.bytes, sizes);
                next += 1;
                true
            }
            Err(bad) => {
                part.bad = Some(bad);
                false
            }
        }
    });
    match read {
        Ok(()) => {}
        Err(StoreError::Corrupt { what, .. }) => {
            part.bad = part.bad.take().or(Some(Bad::at(next, what)));
        }
        Err(other) => return Err(other.into()),
    }
    if part.bad.is_none() && next < until {
        part.bad = Some(Bad::at(next, "the entry is missing"));
    }
    Ok(part)
}

impl Part {
    fn take(&mut self, lent: &Lent<'_>) -> Result<(), Bad> {
        let (entry, link) = judge(lent).map_err(|what| Bad::at(lent.seq, what))?;
        let joint = Joint {
            seq: entry.seq,
            prev: entry.prev.clone(),
            link,
            rec: entry.rec,
        };
        match &self.last {
            None => self.first = Some(joint.clone()),
            Some(before) => {
                if let Some(bad) = joint.behind(Some(before)) {
                    return Err(bad);
                }
            }
        }
        self.last = Some(joint);
        if entry.seq == 0 {
            self.opened = entry.payload();
        }
        if let Ok(id) = Uuid::parse_str(entry.id.as_str()) {
            self.ids.push((id.as_u128(), entry.seq));
        }
        if NOTABLE.contains(&entry.kind.as_str()) {
            self.notable.push(entry);
        }
        Ok(())
    }
}

/// Judges one entry by itself.
fn judge(lent: &Lent<'_>) -> Result<(Entry, Link), String> {
    let link = chain::link(lent.bytes);
    if link != lent.link {
        return Err("its bytes do not have the link that is stored with them".to_owned());
    }
    let entry = chain::parse_canonical(lent.bytes).map_err(|e| e.to_string())?;
    if entry.seq != lent.seq {
        return Err(format!("its bytes say that it is entry {}", entry.seq));
    }
    let columns = [
        ("id", Some(lent.id), Some(entry.id.as_str())),
        ("type", Some(lent.kind), Some(entry.kind.as_str())),
        ("run", Some(lent.run), Some(entry.run.as_str())),
        ("sub", lent.sub, entry.sub.as_ref().map(Subject::as_str)),
    ];
    for (name, column, bytes) in columns {
        if column != bytes {
            return Err(format!(
                "its column {name} says something else than its bytes"
            ));
        }
    }
    if (entry.kind == LedgerOpened::TYPE) != (entry.seq == 0) {
        return Err("a ledger begins with ledger.opened, once".to_owned());
    }
    allow::check_envelope(&entry).map_err(|e| e.to_string())?;
    allow::check_data(&entry.kind, entry.v, &entry.data).map_err(|e| e.to_string())?;
    Ok((entry, link))
}
