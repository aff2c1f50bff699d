//! Lets a ledger go on from an older copy of itself or of its vault, or without the vault that is
//! lost: with what was known kept in an entry.

use std::sync::Arc;

use crate::clock::Clock;
use crate::domain::event::KnownHead;
use crate::domain::event::LedgerOpened;
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
use crate::ledger::revault;
use crate::ledger::revault::Loss;
use crate::ledger::store::Head;
use crate::ledger::store::Store;
use crate::ledger::vault::Kek;
use crate::ledger::verify::verify_entries;

/// Why a ledger cannot go on by itself.
#[derive(Debug, Clone)]
pub struct Reopening {
    /// How many entries there are.
    pub kept: Seq,
    /// Whether entries are lost: it does not fit its head lock, or that is missing.
    pub entries: bool,
    /// What the head lock knew; `None` if it is missing, or if the ledger fits it.
    pub known: Option<KnownHead>,
    /// What was lost with the vault; `None` if that fits.
    pub vault: Option<Loss>,
}

impl Ledger {
    /// Opens a ledger of which something is lost, so that an entry can say that it goes on: with
    /// `entries` one that does not fit its head lock, with `vault` one whose vault does not fit it.
    ///
    /// The head lock stays as it is until [`Ledger::relock`], and so does the vault's place until
    /// [`Ledger::place_vault`]; whoever opens the ledger before is refused as ever. A checkpoint that
    /// was copied elsewhere (`copied`) and that the ledger is not the continuation of shows lost
    /// entries as well. [`LedgerError::Usage`] if nothing is lost; [`LedgerError::False`] if the copy
    /// itself is not sound.
    pub fn open_lost(
        paths: &Paths,
        entries: bool,
        vault: Option<Loss>,
        copied: impl FnOnce(&Ledger) -> Option<String>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, LedgerError> {
        if !paths.ledger.exists() {
            return Err(LedgerError::NoLedger {
                path: paths.ledger.clone(),
            });
        }
        let noted = match entries {
            true => noted(paths)?,
            false => Some(HeadLock::new(&paths.head).read()?),
        };
        if entries && let Some(bad) = verify_entries(paths)?.bad {
            return Err(LedgerError::False {
                seq: bad.seq,
                what: format!("what was put back is not sound itself: {}", bad.what),
            });
        }
        let mut reopening = Reopening {
            kept: 0,
            entries,
            known: None,
            vault,
        };
        let (loss, making) = (reopening.vault.clone(), entropy.clone());
        let now = clock.now();
        let open = |opened: &LedgerOpened, store: &dyn Store| match &loss {
            Some(loss) => revault::prepare(paths, loss, opened, &making, now),
            None => {
                let kek = Kek::read(&keys::kek_path(&paths.keys))?;
                super::open_vault(paths, Access::Full, &kek, opened, store, &making)
            }
        };
        let open = |opened: &LedgerOpened, store: &dyn Store| open(opened, store).map(Some);
        // with a head lock that fits, only a copied checkpoint can show that entries are lost
        let mut fitted = false;
        let check = |head: &Head, store: &dyn Store| {
            reopening.kept = head.size;
            match noted.as_ref().map(|noted| noted.check(head, store)) {
                Some(Ok(())) => {
                    fitted = entries;
                    Ok(Some(reopening))
                }
                Some(Err(LedgerError::False { .. })) | None if entries => {
                    reopening.known = noted.as_ref().map(known);
                    Ok(Some(reopening))
                }
                Some(Err(other)) => Err(other),
                None => Ok(None),
            }
        };
        let mut ledger = Self::open_checked(paths, Access::Full, open, clock, entropy, check)?;
        if fitted {
            let known = ledger.contradicted(copied(&ledger), noted.as_ref())?;
            let reopening = ledger.reopening.take();
            ledger.reopening = reopening.map(|why| Reopening { known, ..why });
        }
        Ok(ledger)
    }

    /// What was known where a ledger that fits its head lock is to go on under another name all the
    /// same: that it contradicts a checkpoint which was copied.
    fn contradicted(
        &self,
        copied: Option<String>,
        noted: Option<&Locked>,
    ) -> Result<Option<KnownHead>, LedgerError> {
        let fits = || LedgerError::Usage {
            what: "the ledger fits its head lock: there is nothing to reopen".to_owned(),
        };
        let copied = copied.ok_or_else(fits)?;
        match self.agrees_with(&copied) {
            Ok(_) => Err(fits()),
            Err(LedgerError::False { .. }) => Ok(noted.map(|noted| KnownHead {
                checkpoint: Some(copied),
                ..known(noted)
            })),
            Err(other) => Err(other),
        }
    }

    /// Why it cannot go on by itself, if it was opened for that.
    pub fn reopening(&self) -> Option<&Reopening> {
        self.reopening.as_ref()
    }

    /// Whether the head lock stands in for another past, which an entry must take over first.
    pub(super) fn keeps_head_lock(&self) -> bool {
        self.reopening.as_ref().is_some_and(|why| why.entries)
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
        let same = said.is_some_and(|said| said.lost_entries() && said.known == reopening.known);
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
