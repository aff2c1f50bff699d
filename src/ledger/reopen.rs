//! Lets a ledger go on from an older copy of itself, with what the head lock knew kept in an entry.

use std::sync::Arc;

use crate::clock::Clock;
use crate::domain::event::KnownHead;
use crate::domain::event::LedgerReopened;
use crate::domain::event::Payload as _;
use crate::domain::id::Seq;
use crate::ledger::Access;
use crate::ledger::Ledger;
use crate::ledger::Paths;
use crate::ledger::entropy::Entropy;
use crate::ledger::error::LedgerError;
use crate::ledger::headlock::HeadLock;
use crate::ledger::headlock::Locked;
use crate::ledger::keys;
use crate::ledger::store::Head;
use crate::ledger::store::Store;
use crate::ledger::vault::Kek;
use crate::ledger::verify::verify_entries;

/// Why a ledger does not fit its head lock, and how far each of them is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reopening {
    /// How many entries the copy has.
    pub kept: Seq,
    /// What the head lock knew; `None` if it is missing.
    pub known: Option<KnownHead>,
}

impl Ledger {
    /// Opens a ledger that does not fit its head lock, so that an entry can say that it goes on.
    ///
    /// The head lock stays as it is until [`Ledger::relock`], and whoever opens the ledger before
    /// is refused as ever. A checkpoint that was copied elsewhere (`copied`) and that the ledger is
    /// not the continuation of is a reason as well. [`LedgerError::Usage`] if all fit;
    /// [`LedgerError::False`] if the copy itself is not sound.
    pub fn open_lost(
        paths: &Paths,
        copied: impl FnOnce(&Ledger) -> Option<String>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, LedgerError> {
        if !paths.ledger.exists() {
            return Err(LedgerError::NoLedger {
                path: paths.ledger.clone(),
            });
        }
        let noted = noted(paths)?;
        if let Some(bad) = verify_entries(paths)?.bad {
            return Err(LedgerError::False {
                seq: bad.seq,
                what: format!("what was put back is not sound itself: {}", bad.what),
            });
        }
        let kek = || Kek::read(&keys::kek_path(&paths.keys));
        let check = |head: &Head, store: &dyn Store| {
            let fits = noted.as_ref().map(|noted| noted.check(head, store));
            match fits {
                Some(Ok(())) => Ok(None),
                Some(Err(LedgerError::False { .. })) | None => Ok(Some(Reopening {
                    kept: head.size,
                    known: noted.as_ref().map(known),
                })),
                Some(Err(other)) => Err(other),
            }
        };
        let mut ledger = Self::open_checked(paths, Access::Full, &kek, clock, entropy, check)?;
        if ledger.reopening.is_none() {
            ledger.reopening = ledger.contradicted(copied(&ledger), noted.as_ref())?;
        }
        Ok(ledger)
    }

    /// Why a ledger that fits its head lock is to go on under another name all the same.
    fn contradicted(
        &self,
        copied: Option<String>,
        noted: Option<&Locked>,
    ) -> Result<Option<Reopening>, LedgerError> {
        let fits = || LedgerError::Usage {
            what: "the ledger fits its head lock: there is nothing to reopen".to_owned(),
        };
        let copied = copied.ok_or_else(fits)?;
        match self.agrees_with(&copied) {
            Ok(_) => Err(fits()),
            Err(LedgerError::False { .. }) => Ok(Some(Reopening {
                kept: self.store.head()?.size,
                known: noted.map(|noted| KnownHead {
                    checkpoint: Some(copied),
                    ..known(noted)
                }),
            })),
            Err(other) => Err(other),
        }
    }

    /// Why it does not fit its head lock, if it was opened for that.
    pub fn reopening(&self) -> Option<&Reopening> {
        self.reopening.as_ref()
    }

    /// The entry by which this ledger was let go on before the program ended, without the head lock
    /// being replaced: the newest run wrote it, and it names what the head lock still says.
    pub fn half_reopened(&self) -> Result<Option<Seq>, LedgerError> {
        let Some(reopening) = &self.reopening else {
            return Ok(None);
        };
        let view = self.view()?;
        let Some(entry) = view.last_of_type(LedgerReopened::TYPE)? else {
            return Ok(None);
        };
        let last = view.head().size.checked_sub(1);
        let last = last.map(|seq| view.entry(seq)).transpose()?.flatten();
        let same_run = last.is_some_and(|last| last.run == entry.run);
        let said = entry.payload::<LedgerReopened>();
        let same = said.is_some_and(|said| said.known == reopening.known);
        Ok(Some(entry.seq).filter(|_| same && same_run))
    }

    /// Makes the head lock fit the ledger as it stands, under the name that the rows give it.
    pub fn relock(&mut self) -> Result<(), LedgerError> {
        let head = self.store.head()?;
        if let Some(origin) = super::origin_of(self.store.as_ref())? {
            self.origin = origin;
        }
        self.lock.replace(&Locked::of(&head, &self.origin))?;
        self.lock.sync()?;
        self.reopening = None;
        Ok(())
    }
}

/// What the head lock says; `None` if it is missing or damaged.
fn noted(paths: &Paths) -> Result<Option<Locked>, LedgerError> {
    match HeadLock::new(&paths.head).read() {
        Ok(noted) => Ok(Some(noted)),
        Err(LedgerError::CannotJudge { .. }) => Ok(None),
        Err(other) => Err(other),
    }
}

fn known(noted: &Locked) -> KnownHead {
    KnownHead {
        entries: noted.size,
        link: noted.link.clone(),
        epoch: noted.epoch,
        checkpoint: noted.checkpoint.clone(),
    }
}
