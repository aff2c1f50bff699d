//! The ledger: entries that are only appended, the rows that follow from them, the vault beside it
//! and the head lock apart from it. Nothing else writes entries.

pub mod allow;
pub mod backup;
pub mod chain;
pub mod checkpoint;
mod checkpoints;
mod commit;
pub mod commitment;
pub mod entropy;
pub mod error;
pub mod headlock;
mod init;
pub mod keys;
pub mod lease;
mod migrate;
mod proving;
pub mod rebuild;
mod reopen;
pub mod revault;
pub mod sqlite;
pub mod store;
mod tiles;
pub mod tree;
pub mod vault;
pub mod verify;
pub mod view;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use crate::clock::Clock;
use crate::domain::event::Actor;
use crate::domain::event::ActorTookOver;
use crate::domain::event::Draft;
use crate::domain::event::LedgerOpened;
use crate::domain::event::Payload;
use crate::domain::event::VaultMark;
use crate::domain::id::EntryId;
use crate::domain::id::RunId;
use crate::domain::id::Seq;
use crate::domain::id::Subject;
use crate::domain::rows::Kind;
use crate::domain::time::Time;
pub use crate::ledger::commit::MAX_COMMIT;
use crate::ledger::entropy::Entropy;
pub use crate::ledger::error::LedgerError;
use crate::ledger::headlock::HeadLock;
pub use crate::ledger::lease::Claim;
pub use crate::ledger::lease::Lease;
pub use crate::ledger::proving::Proven;
pub use crate::ledger::reopen::Reopening;
use crate::ledger::sqlite::SqliteStore;
pub use crate::ledger::store::Head;
use crate::ledger::store::Store;
use crate::ledger::vault::Kek;
use crate::ledger::vault::Vault;
use crate::ledger::vault::VaultAccess;
pub use crate::ledger::view::View;

/// The program, as `ledger.opened` names it.
pub const SOFTWARE: &str = concat!("exeunt ", env!("CARGO_PKG_VERSION"));

/// The most entries of one transaction of [`Ledger::append_all`].
pub const BATCH: usize = 1_000;

/// How often a commit is tried when others append at the same time.
const TRIES: u32 = 200;

/// How old an opening without an entry must be to be swept: its process may still be at it.
const ORPHAN_DAYS: i64 = 1;

/// Where the four things are that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// The ledger's SQLite file.
    pub ledger: PathBuf,
    /// The vault's SQLite file.
    pub vault: PathBuf,
    /// The head lock.
    pub head: PathBuf,
    /// The directory of the key files.
    pub keys: PathBuf,
}

/// What a new ledger is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitOptions {
    /// The name of the log in checkpoints, like `example.com/exeunt`.
    pub origin: String,
    /// Whether time may be moved in it.
    pub sandbox: bool,
}

/// What a ledger is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Reading and appending; the vault is open for both.
    Full,
    /// Reading, the vault too.
    ReadOnly,
    /// Reading without the vault, which may be missing.
    WithoutVault,
}

/// Under whose name, and for which run, entries are appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// The run.
    pub run: RunId,
    /// Who; with an epoch where the actor lease is held.
    pub actor: Actor,
}

impl By {
    /// The same, under a lease.
    #[must_use]
    pub fn under(mut self, lease: &Lease) -> Self {
        self.actor.epoch = Some(lease.epoch());
        self
    }
}

/// What a commit appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// The position of the first entry; where the head stood if there was none.
    pub first: Seq,
    /// How many entries.
    pub count: u64,
    /// The head after it.
    pub head: Head,
}

impl Appended {
    /// The position of the n-th draft of the commit, from 0.
    pub fn seq(&self, n: u64) -> Seq {
        self.first.saturating_add(n)
    }
}

/// An open ledger with what belongs to it.
///
/// All methods take `&self` and may be called from several threads; several processes may hold the
/// same ledger.
#[derive(Debug)]
pub struct Ledger {
    paths: Paths,
    access: Access,
    store: Box<dyn Store>,
    vault: Option<Vault>,
    lock: HeadLock,
    opened: LedgerOpened,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    lock_is_behind: AtomicBool,
    /// The name of the log, which changes when it goes on from an older copy.
    origin: String,
    /// What the head lock knew, while the ledger does not fit it and is to go on all the same.
    reopening: Option<Reopening>,
}

impl Ledger {
    /// Makes ledger, vault, head lock and keys together, or none of them, and opens the ledger.
    ///
    /// What an interrupted `init` had ready is brought to its end.
    /// [`LedgerError::Exists`] if there is a ledger; [`LedgerError::CannotJudge`] if there is none
    /// but one of the others is there.
    pub fn init(
        paths: &Paths,
        options: &InitOptions,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, LedgerError> {
        if clock.is_moved() && !options.sandbox {
            return Err(LedgerError::ClockMoved);
        }
        init::init(paths, options, clock.as_ref(), &entropy)?;
        Self::open(paths, Access::Full, clock, entropy)
    }

    /// Opens a ledger with the key-encryption key in the key directory.
    pub fn open(
        paths: &Paths,
        access: Access,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, LedgerError> {
        let kek = || Kek::read(&keys::kek_path(&paths.keys));
        Self::open_with(paths, access, &kek, clock, entropy)
    }

    /// Opens a ledger with a key-encryption key from elsewhere; `kek` is called where the vault is
    /// opened.
    ///
    /// Every access compares the head lock ([`LedgerError::False`]); with the vault, the ledger
    /// must know no subject that the vault does not ([`LedgerError::CannotJudge`]).
    pub fn open_with(
        paths: &Paths,
        access: Access,
        kek: &dyn Fn() -> Result<Kek, LedgerError>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, LedgerError> {
        let lock = HeadLock::new(&paths.head);
        there_is_a_ledger(paths, &lock)?;
        let noted = lock.read()?;
        let making = entropy.clone();
        let open = |opened: &LedgerOpened, store: &dyn Store| match access {
            Access::WithoutVault => Ok(None),
            _ => open_vault(paths, access, &kek()?, opened, store, &making).map(Some),
        };
        Self::open_checked(paths, access, open, clock, entropy, |head, store| {
            noted.check(head, store).map(|()| None)
        })
    }

    /// Opens what `check` lets be opened, in view of the head, with the vault that `vault` gives.
    fn open_checked(
        paths: &Paths,
        access: Access,
        vault: impl FnOnce(&LedgerOpened, &dyn Store) -> Result<Option<Vault>, LedgerError>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        check: impl FnOnce(&Head, &dyn Store) -> Result<Option<Reopening>, LedgerError>,
    ) -> Result<Self, LedgerError> {
        let store: Box<dyn Store> = match access {
            Access::Full => Box::new(SqliteStore::open(&paths.ledger)?),
            _ => Box::new(SqliteStore::open_read_only(&paths.ledger)?),
        };
        let head = store.head()?;
        let reopening = check(&head, store.as_ref())?;
        let opened = opening_entry(store.as_ref())?;
        if clock.is_moved() && !opened.sandbox {
            return Err(LedgerError::ClockMoved);
        }
        let vault = vault(&opened, store.as_ref())?;
        let origin = origin_of(store.as_ref())?.unwrap_or_else(|| opened.origin.clone());
        Ok(Self {
            paths: paths.clone(),
            access,
            store,
            vault,
            lock: HeadLock::new(&paths.head),
            opened,
            origin,
            reopening,
            clock,
            entropy,
            lock_is_behind: AtomicBool::new(false),
        })
    }

    /// What the first entry says about this ledger.
    pub fn opened(&self) -> &LedgerOpened {
        &self.opened
    }

    /// The name of the log in checkpoints from here on: that of the first entry, with a number once
    /// it went on from an older copy.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Where its files are.
    pub fn paths(&self) -> &Paths {
        &self.paths
    }

    /// The head lock.
    pub fn head_lock(&self) -> &HeadLock {
        &self.lock
    }

    /// The vault; [`LedgerError::CannotJudge`] if the ledger was opened without it.
    pub fn vault(&self) -> Result<&Vault, LedgerError> {
        self.vault.as_ref().ok_or_else(|| {
            LedgerError::cannot_judge(
                "the ledger was opened without its vault",
                "names cannot be shown",
            )
        })
    }

    /// Our clock.
    pub fn now(&self) -> Time {
        self.clock.now()
    }

    /// A fresh id for an entry.
    pub fn entry_id(&self) -> Result<EntryId, LedgerError> {
        entropy::entry_id(self.clock.now(), self.entropy.as_ref())
    }

    /// A fresh id for a run.
    pub fn run_id(&self) -> Result<RunId, LedgerError> {
        entropy::run_id(self.clock.now(), self.entropy.as_ref())
    }

    /// The ledger as it stands now, for reading.
    pub fn view(&self) -> Result<View<'_>, LedgerError> {
        let head = self.store.head()?;
        Ok(View::new(self.store.as_ref(), head, self.clock.now()))
    }

    /// Whether an entry has come into the ledger.
    pub fn has_entry(&self, id: &EntryId) -> Result<bool, LedgerError> {
        Ok(self.store.has(id)?)
    }

    /// Appends what `make` wants in view of the ledger as it stands, in one transaction.
    ///
    /// `make` is called again whenever somebody else appended first, so that what it decided always
    /// rests on what is there; it must have no effect of its own. The vault's commit comes before.
    /// Intents are appended only while the epoch that `by` carries holds
    /// ([`LedgerError::Fenced`]); everything else always.
    ///
    /// Afterwards the head lock is noted; [`Ledger::sync`] makes that durable and says if it
    /// failed.
    pub fn commit<E: From<LedgerError>>(
        &self,
        by: &By,
        mut make: impl FnMut(&View<'_>) -> Result<Vec<Draft>, E>,
    ) -> Result<Appended, E> {
        self.may_append()?;
        for _ in 0..TRIES {
            let view = self.view()?;
            let drafts = match make(&view) {
                Ok(drafts) => drafts,
                // a view that others have overtaken may have been read half before, half after
                Err(_) if self.store.head().map_err(LedgerError::from)? != *view.head() => {
                    continue;
                }
                Err(error) => return Err(error),
            };
            if let Some(reserved) = drafts.iter().find(|d| d.kind == ActorTookOver::TYPE) {
                let what = format!("{} is appended with the lease only", reserved.kind);
                return Err(LedgerError::Usage { what }.into());
            }
            if let Some(appended) = self.try_append(by, &view, drafts)? {
                return Ok(appended);
            }
        }
        Err(LedgerError::Contended { tries: TRIES }.into())
    }

    /// Appends drafts that do not depend on what others append, in transactions of at most
    /// [`BATCH`] entries.
    ///
    /// What was appended before an error stays.
    pub fn append_all(&self, by: &By, drafts: Vec<Draft>) -> Result<Appended, LedgerError> {
        let mut all = None;
        for batch in drafts.chunks(BATCH) {
            let done = self.commit::<LedgerError>(by, |_| Ok(batch.to_vec()))?;
            all = Some(match all {
                None => done,
                Some(before) => merge(before, done),
            });
        }
        match all {
            Some(appended) => Ok(appended),
            None => self.commit::<LedgerError>(by, |_| Ok(Vec::new())),
        }
    }

    /// Takes the actor lease, or says who has it ([`LedgerError::Busy`]).
    ///
    /// Whoever had it before can append no more intents from here on.
    pub fn take_lease(&self, by: &By) -> Result<Lease, LedgerError> {
        let claim = self.claim_lease()?;
        self.take_over(claim, by)
    }

    /// Makes sure that nobody else acts, and appends nothing yet; [`LedgerError::Busy`] says who
    /// does.
    pub fn claim_lease(&self) -> Result<Claim, LedgerError> {
        self.may_append()?;
        lease::lock(&self.paths.ledger).map(Claim)
    }

    /// Makes a claim the actor lease, with an epoch of its own.
    pub fn take_over(&self, claim: Claim, by: &By) -> Result<Lease, LedgerError> {
        let id = self.entry_id()?;
        for _ in 0..TRIES {
            let view = self.view()?;
            let draft = Draft::new(
                id.clone(),
                &ActorTookOver {
                    previous: view.head().epoch,
                },
            );
            if let Some(appended) = self.try_append(by, &view, vec![draft])? {
                self.sync()?;
                return Ok(Lease::new(claim.0, appended.first));
            }
        }
        Err(LedgerError::Contended { tries: TRIES })
    }

    /// Makes the head lock durable: before each call, before something is reported as done, and at
    /// the end of a command.
    pub fn sync(&self) -> Result<(), LedgerError> {
        if self.access != Access::Full || self.keeps_head_lock() {
            return Ok(());
        }
        if self.lock_is_behind.load(Ordering::Acquire) {
            let head = self.store.head()?;
            self.lock.write_after_commit(&head, &self.origin)?;
            self.lock_is_behind.store(false, Ordering::Release);
        }
        self.lock.sync()
    }

    /// Takes away the openings of entries that never came into the ledger, because the program
    /// ended between the two commits; returns of how many entries.
    ///
    /// Younger ones than a day stay: another process may be about to append theirs. Pseudonyms
    /// without an entry stay too; the next read gives them to the same key again.
    pub fn sweep(&self, _lease: &Lease) -> Result<u64, LedgerError> {
        let vault = self.vault()?;
        let newest = entropy::oldest_id_of(self.now().plus_days(-ORPHAN_DAYS));
        let mut swept = 0;
        let mut after = String::new();
        loop {
            let page = vault.entries_with_openings(&after, BATCH)?;
            let mut batch = vault.batch()?;
            for id in page.iter().filter(|id| id.as_str() < newest.as_str()) {
                if !self.store.has(id)? {
                    batch.drop_openings(id)?;
                    swept += 1;
                }
            }
            batch.commit_and_wipe()?;
            match page.last() {
                Some(last) if page.len() == BATCH => after = last.as_str().to_owned(),
                _ => return Ok(swept),
            }
        }
    }

    fn may_append(&self) -> Result<(), LedgerError> {
        match self.access {
            Access::Full => Ok(()),
            _ => Err(LedgerError::ReadOnly),
        }
    }

    /// Appends behind the view's head; `None` if somebody else was first.
    fn try_append(
        &self,
        by: &By,
        view: &View<'_>,
        drafts: Vec<Draft>,
    ) -> Result<Option<Appended>, LedgerError> {
        let before = view.head();
        let count = u64::try_from(drafts.len()).unwrap_or(u64::MAX);
        if drafts.is_empty() {
            return Ok(Some(Appended {
                first: before.size,
                count,
                head: before.clone(),
            }));
        }
        let (store, entropy) = (self.store.as_ref(), self.entropy.as_ref());
        let now = self.clock.now();
        let last = drafts.last().map(|draft| draft.kind);
        match commit::append_drafts(store, before, by, drafts, now, entropy) {
            Ok(head) => {
                // a head lock that another past stands in is replaced at the end, or not at all
                if !self.keeps_head_lock()
                    && self.lock.write_after_commit(&head, &self.origin).is_err()
                {
                    // the entries are there all the same; `sync` tries again and tells
                    self.lock_is_behind.store(true, Ordering::Release);
                }
                crate::crash::point_for("noted", last);
                Ok(Some(Appended {
                    first: before.size,
                    count,
                    head,
                }))
            }
            Err(LedgerError::Contended { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn merge(before: Appended, after: Appended) -> Appended {
    Appended {
        first: before.first,
        count: before.count + after.count,
        head: after.head,
    }
}

/// Refuses where no ledger is, and says whether there was one.
fn there_is_a_ledger(paths: &Paths, lock: &HeadLock) -> Result<(), LedgerError> {
    if init::is_interrupted(paths) {
        return Err(LedgerError::cannot_judge(
            "init was interrupted before everything had its place",
            "run init again: it brings it to its end",
        ));
    }
    if paths.ledger.exists() {
        return Ok(());
    }
    match lock.read() {
        Ok(noted) => Err(LedgerError::False {
            seq: Some(0),
            what: format!(
                "the ledger {} is gone; the head lock says that it had {} entries",
                paths.ledger.display(),
                noted.size
            ),
        }),
        Err(_) => Err(LedgerError::NoLedger {
            path: paths.ledger.clone(),
        }),
    }
}

/// The name of the log as the rows have it.
fn origin_of(store: &dyn Store) -> Result<Option<String>, LedgerError> {
    Ok(revault::ledger_row(store)?.map(|row| row.origin))
}

/// The vault that belongs to the ledger, and how far it had come at least, as the rows have it.
fn known_vault(store: &dyn Store, opened: &LedgerOpened) -> Result<VaultMark, LedgerError> {
    let first = VaultMark {
        id: opened.vault.clone(),
        mark: 0,
    };
    Ok(revault::ledger_row(store)?.map_or(first, |row| row.vault))
}

/// Opens the vault, which must belong to the ledger.
fn open_vault(
    paths: &Paths,
    access: Access,
    kek: &Kek,
    opened: &LedgerOpened,
    store: &dyn Store,
    entropy: &Arc<dyn Entropy>,
) -> Result<Vault, LedgerError> {
    let access = match access {
        Access::Full => VaultAccess::Write,
        _ => VaultAccess::Read,
    };
    let vault = Vault::open(&paths.vault, kek, access, entropy.clone())?;
    vault_belongs(&vault, opened, store)?;
    Ok(vault)
}

/// What the first entry says.
fn opening_entry(store: &dyn Store) -> Result<LedgerOpened, LedgerError> {
    let broken = |what: &str| LedgerError::False {
        seq: Some(0),
        what: what.to_owned(),
    };
    let first = store.read(0, 1)?;
    let first = first
        .first()
        .ok_or_else(|| broken("the ledger has no entries"))?
        .entry()?;
    let opened: LedgerOpened = first
        .payload()
        .ok_or_else(|| broken("the ledger does not begin with ledger.opened"))?;
    if opened.format != chain::FORMAT || opened.context != chain::CONTEXT {
        return Err(LedgerError::cannot_judge(
            format!("the ledger is of the format {}", opened.format),
            "use the version of the program that wrote it",
        ));
    }
    Ok(opened)
}

/// Refuses a vault that is another one, an older copy, or does not know everybody.
fn vault_belongs(
    vault: &Vault,
    opened: &LedgerOpened,
    store: &dyn Store,
) -> Result<(), LedgerError> {
    let hint = "put the right vault back from its backup; nothing was changed (if there is none, an \
                approver says `exeunt reopen --vault`)";
    // the ledger is read first: others may be at work, and their vault commit comes before
    let known = known_vault(store, opened)?;
    let mut in_rows = Vec::new();
    for kind in [Kind::Person, Kind::Account, Kind::Operator] {
        all_keys(kind, store, &mut in_rows)?;
    }
    let mark = vault.mark()?;
    if mark.id != known.id {
        let reopened = revault::ledger_row(store)?.and_then(|row| row.revaulted);
        let shown = vault.path().display();
        let what = match reopened {
            Some(row) => format!(
                "the vault {shown} is not the one with which the ledger went on at entry {}",
                row.seq
            ),
            None => format!("the vault {shown} belongs to another ledger"),
        };
        return Err(LedgerError::cannot_judge(what, hint));
    }
    if known.mark > mark.mark {
        return Err(LedgerError::cannot_judge(
            format!(
                "the vault is an older copy: it has {} commits, and the newest read was made with \
                 {}",
                mark.mark, known.mark
            ),
            hint,
        ));
    }
    let lost = count_lost(in_rows, &vault.all_subjects()?);
    if lost > 0 {
        return Err(LedgerError::cannot_judge(
            format!("the vault does not know {lost} of the people and accounts in the ledger"),
            hint,
        ));
    }
    Ok(())
}

fn all_keys(kind: Kind, store: &dyn Store, keys: &mut Vec<String>) -> Result<(), LedgerError> {
    let mut after: Option<String> = None;
    loop {
        let page = store.keys(kind, after.as_deref(), BATCH)?;
        let whole = page.len() == BATCH;
        after = page.last().cloned();
        keys.extend(page);
        if !whole {
            return Ok(());
        }
    }
}

/// How many of `subjects` are not among `known`, which is in order.
fn count_lost(mut subjects: Vec<String>, known: &[Subject]) -> usize {
    subjects.sort_unstable();
    let mut known = known.iter().map(Subject::as_str).peekable();
    let is_lost = |sub: &&String| {
        while known.next_if(|k| *k < sub.as_str()).is_some() {}
        known.peek() != Some(&sub.as_str())
    };
    subjects.iter().filter(is_lost).count()
}
