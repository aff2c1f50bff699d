//! Reads entries and rows as of one head.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::domain::event::CommandIntended;
use crate::domain::event::DecisionMade;
use crate::domain::event::Entry;
use crate::domain::event::Payload as _;
use crate::domain::fold::ReadRows;
use crate::domain::id::EntryId;
use crate::domain::id::Seq;
use crate::domain::id::Subject;
use crate::domain::rows::CommandRow;
use crate::domain::rows::Decision;
use crate::domain::rows::Kind;
use crate::domain::time::Time;
use crate::ledger::error::LedgerError;
use crate::ledger::store::Head;
use crate::ledger::store::Row;
use crate::ledger::store::Store;
use crate::ledger::store::Stored;

/// How many entries or rows are read at once.
const PAGE: usize = 1_000;

/// The ledger as the rules and the commands read it.
///
/// The head is the one that was read when the view was made. Reading does not stop others from
/// appending; inside [`crate::ledger::Ledger::commit`] whatever was read by a view that others have
/// overtaken is thrown away, and the closure is called again.
#[derive(Debug)]
pub struct View<'a> {
    store: &'a dyn Store,
    head: Head,
    now: Time,
}

impl<'a> View<'a> {
    pub(crate) fn new(store: &'a dyn Store, head: Head, now: Time) -> Self {
        Self { store, head, now }
    }

    /// Where the ledger stood.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Our clock when the view was made.
    pub fn now(&self) -> Time {
        self.now
    }

    /// One row, as its type.
    pub fn row<T: DeserializeOwned>(
        &self,
        kind: Kind,
        key: &str,
    ) -> Result<Option<T>, LedgerError> {
        match self.store.row(kind, key)? {
            None => Ok(None),
            Some(row) => typed(&row).map(Some),
        }
    }

    /// All rows of a kind with their keys, in the order of the keys.
    pub fn rows<T: DeserializeOwned>(&self, kind: Kind) -> Result<Vec<(String, T)>, LedgerError> {
        self.rows_under(kind, "")
    }

    /// All rows of a kind whose keys begin with `prefix`.
    pub fn rows_under<T: DeserializeOwned>(
        &self,
        kind: Kind,
        prefix: &str,
    ) -> Result<Vec<(String, T)>, LedgerError> {
        let mut all = Vec::new();
        self.each_row(kind, prefix, |row| {
            all.push((row.key.clone(), typed(row)?));
            Ok(())
        })?;
        Ok(all)
    }

    /// Calls `each` for the rows of a kind whose keys begin with `prefix`, without holding all.
    pub fn each_row(
        &self,
        kind: Kind,
        prefix: &str,
        mut each: impl FnMut(&Row) -> Result<(), LedgerError>,
    ) -> Result<(), LedgerError> {
        let mut after: Option<String> = None;
        loop {
            let page = self.store.rows(kind, prefix, after.as_deref(), PAGE)?;
            for row in &page {
                each(row)?;
            }
            match page.last() {
                Some(last) if page.len() == PAGE => after = Some(last.key.clone()),
                _ => return Ok(()),
            }
        }
    }

    /// How many rows of a kind there are.
    pub fn count(&self, kind: Kind) -> Result<u64, LedgerError> {
        Ok(self.store.count(kind)?)
    }

    /// One entry by its position.
    pub fn entry(&self, seq: Seq) -> Result<Option<Entry>, LedgerError> {
        let page = self.store.read(seq, 1)?;
        match page.first().filter(|stored| stored.seq == seq) {
            None => Ok(None),
            Some(stored) => Ok(Some(stored.entry()?)),
        }
    }

    /// The decision of one entry; none where it is another kind of entry.
    pub fn decision(&self, seq: Seq) -> Result<Option<Decision>, LedgerError> {
        let entry = self.entry(seq)?;
        let made = entry.and_then(|entry| entry.payload::<DecisionMade>());
        Ok(made.map(|made| made.decision))
    }

    /// One entry by its id.
    pub fn by_id(&self, id: &EntryId) -> Result<Option<Entry>, LedgerError> {
        match self.store.by_id(id)? {
            None => Ok(None),
            Some(stored) => Ok(Some(stored.entry()?)),
        }
    }

    /// All entries about a subject, in order.
    pub fn about(&self, sub: &Subject) -> Result<Vec<Entry>, LedgerError> {
        self.collect(|from| self.store.about(sub, from, PAGE))
    }

    /// The commands that were intended for an account, the oldest first.
    pub fn commands_of(&self, account: &Subject) -> Result<Vec<CommandRow>, LedgerError> {
        let kind = CommandIntended::TYPE;
        let intents = self.collect(|from| self.store.of_type_about(kind, account, from, PAGE))?;
        let mut commands = Vec::new();
        for intent in intents {
            commands.extend(self.row::<CommandRow>(Kind::Command, intent.id.as_str())?);
        }
        Ok(commands)
    }

    /// All entries of a type, in order.
    pub fn of_type(&self, kind: &str) -> Result<Vec<Entry>, LedgerError> {
        self.collect(|from| self.store.of_type(kind, from, PAGE))
    }

    /// The newest entry of a type.
    pub fn last_of_type(&self, kind: &str) -> Result<Option<Entry>, LedgerError> {
        match self.store.last_of_type(kind)? {
            None => Ok(None),
            Some(stored) => Ok(Some(stored.entry()?)),
        }
    }

    /// Calls `each` for the entries from `from` up to and without `until`, in order, as stored.
    pub fn each_stored(
        &self,
        from: Seq,
        until: Seq,
        mut each: impl FnMut(&Stored) -> Result<(), LedgerError>,
    ) -> Result<(), LedgerError> {
        let mut next = from;
        while next < until {
            let page = self.store.read(next, PAGE)?;
            for stored in page.iter().filter(|s| s.seq < until) {
                each(stored)?;
            }
            match page.last() {
                Some(last) if page.len() == PAGE => next = last.seq + 1,
                _ => return Ok(()),
            }
        }
        Ok(())
    }

    /// Calls `each` for the entries from `from` up to and without `until`, in order.
    pub fn each_entry(
        &self,
        from: Seq,
        until: Seq,
        mut each: impl FnMut(Entry) -> Result<(), LedgerError>,
    ) -> Result<(), LedgerError> {
        self.each_stored(from, until, |stored| each(stored.entry()?))
    }

    fn collect<E: Into<LedgerError>>(
        &self,
        page_from: impl Fn(Seq) -> Result<Vec<Stored>, E>,
    ) -> Result<Vec<Entry>, LedgerError> {
        let mut all = Vec::new();
        let mut from = 0;
        loop {
            let page = page_from(from).map_err(Into::into)?;
            for stored in &page {
                all.push(stored.entry()?);
            }
            match page.last() {
                Some(last) if page.len() == PAGE => from = last.seq + 1,
                _ => return Ok(all),
            }
        }
    }
}

impl ReadRows for View<'_> {
    type Error = LedgerError;

    fn get(&self, kind: Kind, key: &str) -> Result<Option<Value>, LedgerError> {
        match self.store.row(kind, key)? {
            None => Ok(None),
            Some(row) => body(&row).map(Some),
        }
    }
}

/// The body of a row.
pub(crate) fn body(row: &Row) -> Result<Value, LedgerError> {
    typed(row)
}

pub(super) fn typed<T: DeserializeOwned>(row: &Row) -> Result<T, LedgerError> {
    serde_json::from_str(&row.body).map_err(|e| {
        LedgerError::cannot_judge(
            format!("row {}/{} cannot be read: {e}", row.kind.as_str(), row.key),
            "make the rows anew from the entries: `exeunt rebuild`",
        )
    })
}
