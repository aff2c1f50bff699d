//! The ledger: what it keeps, and what it refuses to have changed.

mod attacks;
mod keeping;
mod schemas;
mod tree;
mod vault;
mod vectors;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;

use exeunt::clock::Clock;
use exeunt::domain::account::AccountFacts;
use exeunt::domain::account::AccountKind;
use exeunt::domain::account::AccountState;
use exeunt::domain::event::AccountObserved;
use exeunt::domain::event::Actor;
use exeunt::domain::event::ActorKind;
use exeunt::domain::event::Draft;
use exeunt::domain::event::RunFinished;
use exeunt::domain::id::SourceName;
use exeunt::domain::id::Subject;
use exeunt::domain::time::Time;
use exeunt::ledger::Access;
use exeunt::ledger::By;
use exeunt::ledger::InitOptions;
use exeunt::ledger::Ledger;
use exeunt::ledger::LedgerError;
use exeunt::ledger::Paths;
use exeunt::ledger::entropy::SystemEntropy;
use exeunt::ledger::vault::Profile;
use exeunt::ledger::vault::SubjectKind;
use tempfile::TempDir;

/// A clock that shows what the test says and goes on by a millisecond each time.
#[derive(Debug)]
struct TestClock(AtomicI64);

impl TestClock {
    fn set(&self, time: Time) {
        self.0.store(time.micros(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Time {
        Time::from_micros(self.0.fetch_add(1_000, Ordering::SeqCst))
    }

    fn is_moved(&self) -> bool {
        false
    }
}

/// A directory with a ledger in it.
struct Place {
    directory: TempDir,
    clock: Arc<TestClock>,
}

impl Place {
    fn empty() -> Self {
        let start = Time::parse("2026-11-22T10:00:00Z").unwrap();
        Self {
            directory: tempfile::tempdir().unwrap(),
            clock: Arc::new(TestClock(AtomicI64::new(start.micros()))),
        }
    }

    fn new() -> (Self, Ledger) {
        let place = Self::empty();
        let ledger = place.init().unwrap();
        (place, ledger)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn paths(&self) -> Paths {
        Paths {
            ledger: self.file("exeunt.db"),
            vault: self.file("exeunt-vault.db"),
            head: self.file("exeunt.head"),
            keys: self.file("keys"),
        }
    }

    fn init(&self) -> Result<Ledger, LedgerError> {
        let options = InitOptions {
            origin: "example.com/exeunt".to_owned(),
            sandbox: false,
        };
        Ledger::init(
            &self.paths(),
            &options,
            self.clock.clone(),
            Arc::new(SystemEntropy),
        )
    }

    fn open(&self, access: Access) -> Result<Ledger, LedgerError> {
        Ledger::open(
            &self.paths(),
            access,
            self.clock.clone(),
            Arc::new(SystemEntropy),
        )
    }

    /// The names of all files, without those that come and go with a connection or a lock.
    fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut waiting = vec![self.directory.path().to_owned()];
        while let Some(directory) = waiting.pop() {
            for entry in std::fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    waiting.push(path);
                } else {
                    let name = path.strip_prefix(self.directory.path()).unwrap();
                    found.push(name.display().to_string());
                }
            }
        }
        found.sort();
        found
    }
}

/// The service, under a fresh run.
fn service(ledger: &Ledger) -> By {
    By {
        run: ledger.run_id().unwrap(),
        actor: Actor {
            kind: ActorKind::Service,
            epoch: None,
            sub: None,
        },
    }
}

fn draft(ledger: &Ledger) -> Draft {
    Draft::new(ledger.entry_id().unwrap(), &RunFinished { exit: 0 })
}

fn tenant() -> SourceName {
    SourceName::new("portal")
}

fn facts() -> AccountFacts {
    AccountFacts {
        live_keys: 0,
        no_heir: false,
        future: BTreeSet::new(),
        state: AccountState::Active,
        kind: AccountKind::Human,
        protected: Default::default(),
        managed_by: None,
        created_at: None,
        address_verified: true,
        hidden: Default::default(),
    }
}

/// Observes an account as a sync does it: vault first, then the entry; returns its pseudonym.
fn observe(ledger: &Ledger, by: &By, key: &str, mail: &str) -> Subject {
    let mut batch = ledger.vault().unwrap().batch().unwrap();
    let sub = batch
        .subject_for(SubjectKind::Account, &tenant(), key, ledger.now())
        .unwrap();
    let profile = Profile::new()
        .with(Profile::KEY, [key])
        .with(Profile::MAIL, [mail]);
    let payload = AccountObserved {
        tenant: tenant(),
        facts: facts(),
        changed: profile.changed_since(&Profile::new()),
    };
    let mut draft = Draft::new(ledger.entry_id().unwrap(), &payload).about(&sub);
    batch.put_profile(&sub, &profile, &draft.id).unwrap();
    batch
        .conceal(&mut draft, "mail", &sub, mail.as_bytes())
        .unwrap();
    batch.commit().unwrap();
    ledger
        .commit::<LedgerError>(by, |_| Ok(vec![draft.clone()]))
        .unwrap();
    sub
}

/// Appends `count` entries, each in its own commit.
fn fill(ledger: &Ledger, count: u32) {
    let by = service(ledger);
    for n in 0..count {
        observe(
            ledger,
            &by,
            &format!("id-{n}"),
            &format!("user{n}@example.com"),
        );
    }
}

/// A raw connection on which nothing protects the entries.
fn unguarded(path: &Path) -> rusqlite::Connection {
    let db = rusqlite::Connection::open(path).unwrap();
    db.execute_batch(
        "DROP TRIGGER entry_is_never_changed; DROP TRIGGER entry_is_never_deleted; \
         DROP TRIGGER entry_is_only_appended;",
    )
    .unwrap();
    db
}

/// All files of a place, to be put back later.
fn copy_of(place: &Place, names: &[&str]) -> BTreeMap<String, Vec<u8>> {
    names
        .iter()
        .map(|name| ((*name).to_owned(), std::fs::read(place.file(name)).unwrap()))
        .collect()
}

fn put_back(place: &Place, copy: &BTreeMap<String, Vec<u8>>) {
    for (name, bytes) in copy {
        for beside in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(place.file(&format!("{name}{beside}")));
        }
        std::fs::write(place.file(name), bytes).unwrap();
    }
}
