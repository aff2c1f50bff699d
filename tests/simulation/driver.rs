//! Drives the real engine through a world, as `exeunt run` and an approver do, and checks.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use exeunt::config::Config;
use exeunt::crash;
use exeunt::domain::account::Do;
use exeunt::domain::event::Payload as _;
use exeunt::domain::event::SourceRead;
use exeunt::domain::id::Email;
use exeunt::domain::id::SourceName;
use exeunt::domain::id::Subject;
use exeunt::domain::rows::PlanRow;
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

use crate::adapters::Seeded;
use crate::adapters::Shared;
use crate::adapters::SimDirectory;
use crate::adapters::SimNotifier;
use crate::adapters::SimTenant;
use crate::house::config;
use crate::house::home;
use crate::process::drive;
use crate::process::other_process;
use crate::process::run_once;
use crate::process::trace;
use crate::script::Event;
use crate::script::Random;
use crate::script::Script;
use crate::world::BOSS;
use crate::world::DIRECTORIES;
use crate::world::FILE_DAYS;
use crate::world::TENANTS;
use crate::world::World;

/// From one run to the next: less than a read may be old.
const TICK_S: i64 = 22 * 3600;

/// What became of one world.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// What did not hold first, and at which tick.
    pub(crate) broken: Option<(u64, String)>,
    pub(crate) entries: u64,
    pub(crate) counts: std::collections::BTreeMap<&'static str, usize>,
    pub(crate) kills: u64,
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
    let counts = driver.shared.world().counts();
    Outcome {
        broken,
        entries,
        counts,
        kills: driver.kills,
    }
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
    /// An older copy, with the number of the vault's commits in it.
    pub(crate) backup: Option<(PathBuf, u64)>,
    pub(crate) let_through: BTreeSet<(Subject, Do)>,
    pub(crate) released_at: Option<Time>,
    /// The idle days that were configured last.
    pub(crate) configured: u64,
    /// For how many clean ticks each account of a leaver has been left in.
    pub(crate) left_in: std::collections::BTreeMap<usize, u32>,
    pub(crate) kills: u64,
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
            backup: None,
            let_through: BTreeSet::new(),
            released_at: None,
            configured: 60,
            left_in: Default::default(),
            kills: 0,
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

    fn open(&self) -> Result<Engine, LedgerError> {
        let clock = Arc::new(self.shared.clone());
        let ledger = Ledger::open(&self.paths, Access::Full, clock, self.entropy.clone())?;
        Ok(self.around(ledger))
    }

    pub(crate) fn engine(&self) -> Result<&Engine, String> {
        self.engine
            .as_ref()
            .ok_or_else(|| "the ledger is not open".to_owned())
    }

    fn reopen(&mut self) -> Result<(), String> {
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
        let mut two = false;
        for (_, event) in script.events.iter().filter(|(at, _)| *at == tick) {
            trace(tick, || format!("{event:?}"));
            match event {
                Event::Kill { point } => kill = *point,
                Event::Two => two = true,
                Event::PutBack { vault } => self.put_back(*vault)?,
                Event::ClockStep { seconds, ticks } => {
                    self.shared
                        .skew
                        .store(seconds * 1_000_000, Ordering::SeqCst);
                    self.skew_until = tick + ticks;
                }
                Event::Policy { idle_days } => self.configure(*idle_days),
                Event::Halt { ticks } => self.halt(tick + ticks)?,
                Event::ApproverAway { ticks } => self.away_until = tick + ticks,
                other => self.shared.world().happen(other, now),
            }
        }
        self.shared.world().write_file(now);
        if tick % 20 == 10 {
            self.back_up()?;
        }
        let quiet = self.shared.world().midway.is_empty();
        let clean = quiet && kill == 0 && self.shared.world().is_clean();
        let ran = self.run(kill, two)?;
        if let Some(ran) = &ran {
            self.approve(tick, ran)?;
        }
        self.check_calls()?;
        if let Some(ran) = ran.filter(|_| clean) {
            self.check_leavers(&ran)?;
        }
        let mut world = self.shared.world();
        world.midway.clear();
        world.end_tick(self.shared.now());
        match world.broken.first() {
            Some(what) => Err(what.clone()),
            None => Ok(()),
        }
    }

    /// One `exeunt run`; nothing if it was killed or refused because of the clock.
    fn run(&mut self, kill: u32, two: bool) -> Result<Option<Ran>, String> {
        let skew = self.shared.skew.load(Ordering::SeqCst).abs() / 1_000_000;
        self.shared.world().yields = two;
        let ended = {
            let engine = self.engine()?;
            let second = if two {
                Some(self.open().map_err(|e| e.to_string())?)
            } else {
                None
            };
            let shared = self.shared.clone();
            let mut wrong = None;
            let mut meanwhile = || {
                if let Some(second) = &second {
                    wrong = other_process(second).err();
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
                self.kills += 1;
                self.shared.world().killed = false;
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
            Some(Err(EngineError::Clock { .. })) if skew > 300 => Ok(None),
            Some(Err(error)) => Err(format!("a run fails: {error}")),
        }
    }

    fn configure(&mut self, idle_days: u64) {
        self.configured = idle_days;
        self.config = config(idle_days);
        if let Some(engine) = &mut self.engine {
            engine.config = self.config.clone();
        }
    }

    fn halt(&mut self, until: u64) -> Result<(), String> {
        let engine = self.engine()?;
        let at = self.start.plus_seconds(until as i64 * TICK_S - 3600);
        let signer = engine.signer("ada", None).map_err(|e| e.to_string())?;
        engine
            .halt(&signer, None, Some(at), "a fire drill")
            .map_err(|e| e.to_string())?;
        // our own clock may be wrong while it is set and while it ends
        if self.shared.skew.load(Ordering::SeqCst) == 0 {
            self.shared.world().halted = until;
        }
        Ok(())
    }

    fn back_up(&mut self) -> Result<(), String> {
        let vault = self.engine()?.ledger.vault().map_err(|e| e.to_string())?;
        let mark = vault.mark().map_err(|e| e.to_string())?.mark;
        self.engine = None;
        let to = self.paths.head.with_file_name("backup");
        std::fs::create_dir_all(&to).unwrap();
        for file in [&self.paths.ledger, &self.paths.vault] {
            std::fs::copy(file, to.join(file.file_name().unwrap())).unwrap();
        }
        self.backup = Some((to, mark));
        self.reopen()
    }

    /// Puts an older copy in place: it must be refused. Then the right one comes back.
    fn put_back(&mut self, vault: bool) -> Result<(), String> {
        let Some((backup, mark)) = self.backup.clone() else {
            return Ok(());
        };
        let view = self.engine()?.ledger.view().map_err(|e| e.to_string())?;
        let read = view
            .last_of_type(SourceRead::TYPE)
            .map_err(|e| e.to_string())?;
        let noted = read
            .and_then(|e| e.payload::<SourceRead>())
            .map_or(0, |r| r.vault.mark);
        if vault && noted <= mark {
            // what a vault has got since the newest read, no read has noted yet
            return Ok(());
        }
        self.engine = None;
        let file = if vault {
            self.paths.vault.clone()
        } else {
            self.paths.ledger.clone()
        };
        let (kept, old) = (
            file.with_extension("kept"),
            backup.join(file.file_name().unwrap()),
        );
        std::fs::rename(&file, &kept).unwrap();
        std::fs::copy(old, &file).unwrap();
        let opened = self.open();
        let what = if vault { "vault" } else { "ledger" };
        let refused = match opened {
            Ok(_) => Err(format!("an older {what} was put back, and it was opened")),
            Err(LedgerError::False { .. } | LedgerError::CannotJudge { .. }) => Ok(()),
            Err(error) => Err(format!("an older {what} was put back: {error}")),
        };
        for ending in ["-wal", "-shm"] {
            let mut name = file.clone().into_os_string();
            name.push(ending);
            let _ = std::fs::remove_file(name);
        }
        std::fs::rename(&kept, &file).unwrap();
        refused?;
        self.reopen()
    }

    /// What an honest approver does: approves what waits, and lets through what is true.
    fn approve(&mut self, tick: u64, ran: &Ran) -> Result<(), String> {
        if tick < self.away_until || self.shared.skew.load(Ordering::SeqCst) != 0 {
            return Ok(());
        }
        let said = |e: EngineError| format!("an approver is refused: {e}");
        let engine = self.engine.take().ok_or("the ledger is not open")?;
        let signer = engine.signer("ada", None).map_err(said)?;
        if matches!(ran.adoption, Adoption::Waits(_)) {
            engine.adopt_proposed(&signer, "agreed").map_err(said)?;
            self.shared.world().idle_days = self.configured;
        }
        for synced in &ran.synced {
            self.release_read(&engine, synced, &signer);
        }
        for plan in engine.open_plans(self.shared.now()).map_err(said)? {
            let (_, approved) = engine.approvals(&plan).map_err(said)?;
            if !approved {
                // void in the meantime, or its policy is another one
                let _ = engine.approve(&signer, &plan);
            }
            if self.is_true(&engine, &plan)?
                && engine.release_plan(&signer, &plan, "looked at").is_ok()
            {
                for step in engine.steps_left(&plan).map_err(said)? {
                    self.let_through
                        .insert((step.step.account.clone(), step.step.does));
                }
                self.released_at = Some(self.shared.now());
            }
        }
        self.engine = Some(engine);
        Ok(())
    }

    fn release_read(
        &self,
        engine: &Engine,
        synced: &Synced,
        signer: &exeunt::engine::approve::Signer,
    ) {
        let world = self.shared.world();
        let named = |names: [&str; 2]| names.iter().position(|n| *n == synced.source.as_str());
        let faulty = named(DIRECTORIES).is_some_and(|d| world.directory_fault[d].is_some())
            || named(TENANTS).is_some_and(|t| world.tenant_fault[t].is_some());
        drop(world);
        if let Some(digest) = synced
            .digest
            .as_deref()
            .filter(|_| synced.verdict == Verdict::Suspect && !faulty)
        {
            // those that wait for a second read are refused
            let _ = engine.release_read(signer, synced.source.as_str(), digest, "it is true");
        }
    }

    /// Whether every step of a plan is right by the truth.
    fn is_true(&self, engine: &Engine, plan: &PlanRow) -> Result<bool, String> {
        let now = self.shared.now();
        let steps = engine.steps_left(plan).map_err(|e| e.to_string())?;
        let world = self.shared.world();
        let mut wanted = BTreeSet::new();
        for (a, account) in world.accounts.iter().enumerate() {
            let tenant = SourceName::new(TENANTS[account.tenant]);
            let subject = self.subject(engine, &tenant, &account.id)?;
            for step in steps
                .iter()
                .filter(|s| Some(&s.step.account) == subject.as_ref())
            {
                if let Err(why) = crate::invariants::judge(&world, a, step.step.does, now) {
                    trace(world.tick, || format!("not released: {why}"));
                    return Ok(false);
                }
                wanted.insert(step.number);
            }
        }
        Ok(!steps.is_empty() && wanted.len() == steps.len())
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
            let now = self.shared.now().plus_days(1);
            world.write_file(now);
            drop(world);
            self.shared.skew.store(0, Ordering::SeqCst);
            self.shared.set(now);
        }
        self.run(0, false)?;
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
