//! Drives the real engine through a world, as `exeunt run` and an approver do, and checks.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use exeunt::config::Config;
use exeunt::crash;
use exeunt::domain::account::Do;
use exeunt::domain::id::Email;
use exeunt::domain::id::SourceName;
use exeunt::domain::id::Subject;
use exeunt::domain::source::Verdict;
use exeunt::domain::time::Time;
use exeunt::engine::DirectorySource;
use exeunt::engine::Engine;
use exeunt::engine::EngineError;
use exeunt::engine::TenantSource;
use exeunt::engine::decide::Adoption;
use exeunt::engine::observe::Synced;
use exeunt::engine::report::Silent;
use exeunt::ledger::Access;
use exeunt::ledger::InitOptions;
use exeunt::ledger::Ledger;
use exeunt::ledger::LedgerError;
use exeunt::ledger::Paths;
use exeunt::ledger::vault::SubjectKind;

use crate::directory::SimDirectory;
use crate::house::config;
use crate::house::home;
use crate::notices::SimNotifier;
use crate::process::drive;
use crate::process::other_process;
use crate::process::run_once;
use crate::process::trace;
use crate::script::Event;
use crate::script::Random;
use crate::script::Script;
use crate::script::TICK_S;
use crate::script::Word;
use crate::shared::Seeded;
use crate::shared::Shared;
use crate::tenant::SimTenant;
use crate::world::BOSS;
use crate::world::DIRECTORIES;
use crate::world::FILE_DAYS;
use crate::world::TENANTS;
use crate::world::World;

/// What became of one world.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// What did not hold first, and at which tick.
    pub(crate) broken: Option<(u64, String)>,
    /// What happened, how often.
    pub(crate) counts: BTreeMap<String, u64>,
}

/// Plays a script to its end, or to the first thing that does not hold.
pub(crate) fn play(script: &Script) -> Outcome {
    let mut driver = Driver::new(script);
    let mut broken = None;
    for tick in 0..script.ticks {
        if let Err(what) = driver.tick(script, tick) {
            broken = Some((tick, what));
            break;
        }
    }
    if broken.is_none()
        && let Err(what) = driver.end()
    {
        broken = Some((script.ticks, what));
    }
    let entries = driver
        .engine()
        .map_or(0, |e| e.ledger.view().map_or(0, |v| v.head().size));
    let mut counts = driver.shared.world().counts();
    counts.insert("ledger: entries".to_owned(), entries);
    counts.insert("world: ticks".to_owned(), driver.shared.world().tick + 1);
    Outcome { broken, counts }
}

/// What one run came to.
pub(crate) struct Ran {
    pub(crate) synced: Vec<Synced>,
    pub(crate) adoption: Adoption,
}

/// One world with the engine in it.
pub(crate) struct Driver {
    pub(crate) shared: Shared,
    pub(crate) paths: Paths,
    pub(crate) entropy: Arc<Seeded>,
    pub(crate) config: Config,
    pub(crate) engine: Option<Engine>,
    pub(crate) start: Time,
    pub(crate) skew_until: u64,
    pub(crate) away_until: u64,
    /// Until when the newest entry is ahead of the right time.
    pub(crate) ahead_until: Time,
    /// An older copy, with the number of the vault's commits in it.
    pub(crate) backup: Option<(PathBuf, u64)>,
    pub(crate) let_through: BTreeSet<(Subject, Do)>,
    pub(crate) released_at: Option<Time>,
    /// The idle days that were configured last.
    pub(crate) configured: u64,
    /// For how many clean ticks each account of a leaver has been left in.
    pub(crate) left_in: BTreeMap<usize, u32>,
    pub(crate) checked: u64,
    pub(crate) _home: tempfile::TempDir,
}

impl Driver {
    fn new(script: &Script) -> Self {
        let start = Time::parse("2026-01-05T08:00:00Z").unwrap();
        let world = World::new(script.seed, script.people, start);
        let shared = Shared::new(world, start);
        let home = home();
        let at = |name: &str| home.path().join(name);
        let paths = Paths {
            ledger: at("l.db"),
            vault: at("v.db"),
            head: at("head"),
            keys: at("keys"),
        };
        let entropy = Arc::new(Seeded(Mutex::new(Random::new(script.seed ^ 0xE47))));
        let options = InitOptions {
            origin: "example.com/simulation".to_owned(),
            sandbox: false,
        };
        let ledger =
            Ledger::init(&paths, &options, Arc::new(shared.clone()), entropy.clone()).unwrap();
        let mut driver = Self {
            shared,
            paths,
            entropy,
            config: config(60),
            engine: None,
            start,
            skew_until: 0,
            away_until: 0,
            ahead_until: start,
            backup: None,
            let_through: BTreeSet::new(),
            released_at: None,
            configured: 60,
            left_in: Default::default(),
            checked: 0,
            _home: home,
        };
        driver.engine = Some(driver.around(ledger));
        driver
    }

    fn around(&self, ledger: Ledger) -> Engine {
        let directory = |which: usize| DirectorySource {
            name: SourceName::new(DIRECTORIES[which]),
            adapter_name: if which == 0 { "ldap" } else { "csv" },
            adapter: Box::new(SimDirectory {
                shared: self.shared.clone(),
                which,
            }),
            authoritative: true,
            canaries: Vec::new(),
            forbidden: Vec::new(),
            max_age_days: (which == 1).then_some(FILE_DAYS as u64),
        };
        let tenant = |which: usize| TenantSource {
            name: SourceName::new(TENANTS[which]),
            address: self.config.tenant[which].url.clone(),
            adapter: Box::new(SimTenant {
                shared: self.shared.clone(),
                which,
            }),
            protect: Email::parse(BOSS).into_iter().collect(),
            service_accounts: Vec::new(),
            machines_named: false,
            successor: None,
        };
        Engine {
            config: self.config.clone(),
            ledger,
            clock: Arc::new(self.shared.clone()),
            directories: vec![directory(0), directory(1)],
            tenants: vec![tenant(0), tenant(1)],
            notifier: Box::new(SimNotifier(self.shared.clone())),
            report: Arc::new(Silent),
        }
    }

    pub(crate) fn open(&self) -> Result<Engine, LedgerError> {
        let clock = Arc::new(self.shared.clone());
        let ledger = Ledger::open(&self.paths, Access::Full, clock, self.entropy.clone())?;
        Ok(self.around(ledger))
    }

    pub(crate) fn engine(&self) -> Result<&Engine, String> {
        self.engine
            .as_ref()
            .ok_or_else(|| "the ledger is not open".to_owned())
    }

    pub(crate) fn reopen(&mut self) -> Result<(), String> {
        self.engine = None;
        self.evidence()?;
        self.engine = Some(
            self.open()
                .map_err(|e| format!("cannot be opened again: {e}"))?,
        );
        Ok(())
    }

    fn tick(&mut self, script: &Script, tick: u64) -> Result<(), String> {
        let now = self.start.plus_seconds(tick as i64 * TICK_S);
        self.shared.set(now);
        if tick >= self.skew_until {
            self.shared.skew.store(0, Ordering::SeqCst);
        }
        self.shared.world().begin_tick(tick, now);
        let mut kill = 0;
        let mut two = None;
        for (_, event) in script.events.iter().filter(|(at, _)| *at == tick) {
            trace(tick, || format!("{event:?}"));
            match event {
                Event::Kill { point } => kill = *point,
                Event::Two => {
                    two = Some(None);
                    self.shared.world().meet("process: two at once");
                }
                Event::Says(word) => self.speak(word)?,
                Event::Beside(word) => two = Some(Some(word)),
                Event::PutBack { vault } => self.put_back(*vault)?,
                Event::ClockStep { seconds, ticks } => {
                    self.shared.world().meet("clock: a step");
                    self.shared
                        .skew
                        .store(seconds * 1_000_000, Ordering::SeqCst);
                    self.skew_until = tick + ticks;
                }
                Event::Policy { idle_days } => self.configure(*idle_days),
                Event::Halt { ticks } => self.halt(tick + ticks)?,
                Event::ApproverAway { ticks } => {
                    self.away_until = tick + ticks;
                    self.shared.world().meet("people: the approver is away");
                }
                other => self.shared.world().happen(other, now),
            }
        }
        self.shared.world().write_file(now);
        if tick % 20 == 10 {
            self.back_up()?;
        }
        let quiet = self.shared.world().midway.is_empty();
        let alone = two.is_none();
        let clean = quiet && alone && kill == 0 && self.shared.world().is_clean();
        let ran = self.run(kill, two)?;
        if let Some(ran) = &ran {
            self.approve(tick, ran)?;
        }
        self.check_calls()?;
        if let Some(ran) = ran.filter(|_| clean) {
            self.check_leavers(&ran)?;
            self.check_links(&ran)?;
        }
        let mut world = self.shared.world();
        world.midway.clear();
        world.end_tick(self.shared.now());
        match world.broken.first() {
            Some(what) => Err(what.clone()),
            None => Ok(()),
        }
    }

    fn skew_s(&self) -> i64 {
        self.shared.skew.load(Ordering::SeqCst) / 1_000_000
    }

    /// Whether our clock is behind the newest entry: it was set back, or somebody has said something
    /// while it was ahead.
    pub(crate) fn is_behind(&self) -> bool {
        self.skew_s() < -300 || self.shared.now() < self.ahead_until
    }

    /// One `exeunt run`; nothing if it was killed or refused because of the clock.
    fn run(&mut self, kill: u32, two: Option<Option<&Word>>) -> Result<Option<Ran>, String> {
        let skew = self.skew_s().abs();
        self.shared.world().yields = two.is_some();
        let ended = {
            let engine = self.engine()?;
            let second = match two {
                Some(word) => Some((self.open().map_err(|e| e.to_string())?, word)),
                None => None,
            };
            let shared = self.shared.clone();
            let mut wrong = None;
            let mut meanwhile = || {
                if let Some((second, word)) = &second {
                    wrong = other_process(second, &shared, *word).err();
                }
            };
            crash::unwind_at(kill);
            let ended = drive(&shared, run_once(engine), &mut meanwhile);
            crash::unwind_at(0);
            if let Some(wrong) = wrong {
                return Err(wrong);
            }
            ended
        };
        match ended {
            None => {
                let mut world = self.shared.world();
                if !std::mem::take(&mut world.killed) {
                    world.meet("process: killed at a crash point");
                }
                drop(world);
                self.reopen()?;
                Ok(None)
            }
            Some(Ok(ran)) => {
                for read in ran.synced.iter().filter(|s| s.verdict != Verdict::Complete) {
                    trace(self.shared.world().tick, || {
                        format!("{}: {:?} {:?}", read.source, read.verdict, read.because)
                    });
                }
                if !matches!(ran.adoption, Adoption::Waits(_)) {
                    self.shared.world().idle_days = self.configured;
                }
                Ok(Some(ran))
            }
            Some(Err(EngineError::Clock { .. })) if skew > 300 => {
                self.shared.world().meet("clock: a run is refused");
                Ok(None)
            }
            Some(Err(EngineError::Ledger(LedgerError::Clock { .. }))) if self.is_behind() => {
                self.shared
                    .world()
                    .meet("clock: a run is refused, the ledger is ahead");
                Ok(None)
            }
            Some(Err(error)) => Err(format!("a run fails: {error}")),
        }
    }

    fn configure(&mut self, idle_days: u64) {
        self.configured = idle_days;
        self.shared.world().meet("policy: other days");
        self.config = config(idle_days);
        if let Some(engine) = &mut self.engine {
            engine.config = self.config.clone();
        }
    }

    fn halt(&mut self, until: u64) -> Result<(), String> {
        let engine = self.engine()?;
        let at = self.start.plus_seconds(until as i64 * TICK_S - 3600);
        let signer = engine.signer("ada", None);
        let set = signer.and_then(|s| engine.halt(&s, None, Some(at), "a fire drill"));
        let skew = self.skew_s();
        match set {
            Ok(()) if skew > 300 => self.ahead_until = self.shared.now().plus_seconds(skew),
            Ok(()) => {}
            Err(EngineError::Ledger(LedgerError::Clock { .. })) if self.is_behind() => {
                self.shared.world().meet("clock: a halt is refused");
                return Ok(());
            }
            Err(error) => return Err(format!("a halt cannot be set: {error}")),
        }
        // our own clock may be wrong while it is set and while it ends
        if self.shared.skew.load(Ordering::SeqCst) == 0 {
            let mut world = self.shared.world();
            world.halted = until;
            world.meet("policy: a halt");
        }
        Ok(())
    }

    pub(crate) fn subject(
        &self,
        engine: &Engine,
        tenant: &SourceName,
        id: &str,
    ) -> Result<Option<Subject>, String> {
        let vault = engine.ledger.vault().map_err(|e| e.to_string())?;
        vault
            .subject_of(SubjectKind::Account, tenant, id)
            .map_err(|e| e.to_string())
    }

    /// Everything is mended: nothing stays in doubt, and the evidence is whole.
    fn end(&mut self) -> Result<(), String> {
        {
            let mut world = self.shared.world();
            world.directory_fault = [None; 2];
            world.tenant_fault = [None; 2];
            world.call_fault = None;
            let now = self.shared.now().max(self.ahead_until).plus_days(1);
            world.write_file(now);
            drop(world);
            self.shared.skew.store(0, Ordering::SeqCst);
            self.shared.set(now);
        }
        self.run(0, None)?;
        self.check_calls()?;
        if let Some(open) = self.commands()?.iter().find(|c| c.is_open()) {
            return Err(format!("a request has no outcome in the end: {open:?}"));
        }
        if let Some(what) = self.shared.world().broken.first() {
            return Err(what.clone());
        }
        self.decisions()?;
        self.reopen()
    }
}
