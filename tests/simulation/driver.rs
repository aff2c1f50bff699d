//! Drives the real engine through a world, as `exeunt run` and an approver do, and checks.

use std::collections::BTreeSet;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::path::Path;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;

use exeunt::config::Config;
use exeunt::crash;
use exeunt::domain::account::AccountState;
use exeunt::domain::account::Do;
use exeunt::domain::event::CommandResult;
use exeunt::domain::event::Payload as _;
use exeunt::domain::event::SourceRead;
use exeunt::domain::id::Email;
use exeunt::domain::id::SourceName;
use exeunt::domain::id::Subject;
use exeunt::domain::rows::Class;
use exeunt::domain::rows::CommandRow;
use exeunt::domain::rows::DecisionRow;
use exeunt::domain::rows::Kind;
use exeunt::domain::rows::PlanRow;
use exeunt::domain::source::Verdict;
use exeunt::domain::time::Time;
use exeunt::engine::DirectorySource;
use exeunt::engine::Engine;
use exeunt::engine::EngineError;
use exeunt::engine::TenantSource;
use exeunt::engine::actuate::Taken;
use exeunt::engine::decide::Adoption;
use exeunt::engine::observe::Synced;
use exeunt::engine::report::Silent;
use exeunt::engine::why::Again;
use exeunt::ledger::Access;
use exeunt::ledger::InitOptions;
use exeunt::ledger::Ledger;
use exeunt::ledger::LedgerError;
use exeunt::ledger::Paths;
use exeunt::ledger::rebuild::rebuild;
use exeunt::ledger::vault::SubjectKind;
use exeunt::ledger::verify::verify;

use crate::adapters::Seeded;
use crate::adapters::Shared;
use crate::adapters::SimDirectory;
use crate::adapters::SimNotifier;
use crate::adapters::SimTenant;
use crate::script::Event;
use crate::script::Random;
use crate::script::Script;
use crate::world::BOSS;
use crate::world::DIRECTORIES;
use crate::world::FILE_DAYS;
use crate::world::TENANTS;
use crate::world::World;

/// The most changes that a brake lets through in a window, as [limits.breakers] has it.
const WINDOWS: [(i64, usize); 2] = [(1, 3), (7, 6)];
/// From one run to the next: less than a read may be old.
const TICK_S: i64 = 22 * 3600;
/// So many ticks without any fault a leaver may stay in without a reason.
const PATIENCE: u32 = 6;

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
struct Ran {
    synced: Vec<Synced>,
    adoption: Adoption,
}

struct Driver {
    shared: Shared,
    paths: Paths,
    entropy: Arc<Seeded>,
    config: Config,
    engine: Option<Engine>,
    start: Time,
    skew_until: u64,
    away_until: u64,
    /// An older copy, with the number of the vault's commits in it.
    backup: Option<(PathBuf, u64)>,
    let_through: BTreeSet<(Subject, Do)>,
    released_at: Option<Time>,
    /// The idle days that were configured last.
    configured: u64,
    /// For how many clean ticks each account of a leaver has been left in.
    left_in: std::collections::BTreeMap<usize, u32>,
    kills: u64,
    checked: u64,
    _home: tempfile::TempDir,
}

fn config(idle_days: u64) -> Config {
    let text = format!(
        r#"
[ledger]
origin = "example.com/simulation"
[[directory]]
name = "corp"
kind = "csv"
path = "corp.csv"
columns = {{ key = "key" }}
[[directory]]
name = "lab"
kind = "csv"
path = "lab.csv"
columns = {{ key = "key" }}
max_age_days = {FILE_DAYS}
[[tenant]]
name = "portal"
provider = "docspace"
url = "http://127.0.0.1:1"
token = {{ env = "NONE" }}
protect = ["{BOSS}"]
[[tenant]]
name = "wiki"
provider = "docspace"
url = "http://127.0.0.1:2"
token = {{ env = "NONE" }}
protect = ["{BOSS}"]
[[policy]]
name = "leavers"
when = "departed"
ring = "enforce"
steps = [{{ do = "disable" }}, {{ do = "remove", after_days = 30 }}]
approvals = {{ disable = 0, remove = 1 }}
[[policy]]
name = "idle"
when = "inactive"
ring = "enforce"
after_days = {idle_days}
notice_days = [14, 3]
steps = [{{ do = "disable" }}]
approvals = {{ disable = 0 }}
[[policy]]
name = "invitations"
when = "never-activated"
ring = "enforce"
after_days = 30
steps = [{{ do = "remove" }}]
approvals = {{ remove = 1 }}
[[policy]]
name = "closed"
when = "disabled"
ring = "enforce"
after_days = 60
steps = [{{ do = "remove" }}]
approvals = {{ remove = 1 }}
"#
    );
    Config::parse(&text, "exeunt.toml").unwrap()
}

/// A directory in memory where there is one, so that no disk is waited for.
fn home() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    match memory.is_dir() {
        true => tempfile::tempdir_in(memory)
            .or_else(|_| tempfile::tempdir())
            .unwrap(),
        false => tempfile::tempdir().unwrap(),
    }
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

    fn engine(&self) -> Result<&Engine, String> {
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

    /// `verify` passes, and replay gives the rows that are stored.
    fn evidence(&self) -> Result<(), String> {
        let report = verify(&self.paths).map_err(|e| format!("verify fails: {e}"))?;
        if report.exit_code() != 0 {
            return Err(format!("verify: {:?} {:?}", report.bad, report.unjudged));
        }
        let rebuilt =
            rebuild(&self.paths.ledger, false).map_err(|e| format!("replay fails: {e}"))?;
        match rebuilt.differ {
            0 => Ok(()),
            _ => Err(format!("replay gives other rows: {:?}", rebuilt.named)),
        }
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

    fn subject(
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

    fn commands(&self) -> Result<Vec<CommandRow>, String> {
        let view = self.engine()?.ledger.view().map_err(|e| e.to_string())?;
        let rows = view
            .rows::<CommandRow>(Kind::Command)
            .map_err(|e| e.to_string())?;
        let mut rows: Vec<_> = rows.into_iter().map(|(_, row)| row).collect();
        rows.sort_by_key(|row| row.seq);
        Ok(rows)
    }

    /// Every request has its one intent, and the brakes have held.
    fn check_calls(&mut self) -> Result<(), String> {
        let size = self
            .engine()?
            .ledger
            .view()
            .map_err(|e| e.to_string())?
            .head()
            .size;
        if size == self.checked {
            return Ok(());
        }
        self.checked = size;
        let commands = self.commands()?;
        let engine = self.engine()?;
        let world = self.shared.world();
        for (a, account) in world.accounts.iter().enumerate() {
            let calls = world.calls.iter().filter(|c| c.account == a).count();
            if calls == 0 {
                continue;
            }
            let subject = self.subject(
                engine,
                &SourceName::new(TENANTS[account.tenant]),
                &account.id,
            )?;
            let own = commands
                .iter()
                .filter(|c| Some(&c.account) == subject.as_ref());
            let intents = own
                .filter(|c| !matches!(&c.outcome, Some((_, CommandResult::Failed, _))))
                .count();
            if calls > intents {
                return Err(format!(
                    "{calls} requests and {intents} intents for {}",
                    account.id
                ));
            }
        }
        drop(world);
        self.check_brakes(&commands)
    }

    fn check_brakes(&self, commands: &[CommandRow]) -> Result<(), String> {
        let aim = |c: &CommandRow| c.aim.unwrap_or(c.does);
        let counts = |c: &&CommandRow| {
            c.took_effect()
                && c.does != Do::Restore
                && c.class != Class::Everyone
                && !self.let_through.contains(&(c.account.clone(), aim(c)))
                && self.released_at.is_none_or(|at| c.at > at)
        };
        let counted: Vec<_> = commands.iter().filter(counts).collect();
        for (days, most) in WINDOWS {
            for last in &counted {
                let same = |c: &&&CommandRow| {
                    c.tenant == last.tenant && c.class == last.class && aim(c) == aim(last)
                };
                let from = last.at.plus_days(-days).plus_seconds(600);
                let within = |c: &&&CommandRow| c.at > from && c.at <= last.at;
                let accounts: BTreeSet<_> = counted
                    .iter()
                    .filter(same)
                    .filter(within)
                    .map(|c| &c.account)
                    .collect();
                if accounts.len() > most {
                    return Err(format!(
                        "{} × {:?} {:?} within {days} d",
                        accounts.len(),
                        last.class,
                        aim(last)
                    ));
                }
            }
        }
        Ok(())
    }

    /// Every leaver whom all directories name is out, or is shown as still in with the reason.
    fn check_leavers(&mut self, ran: &Ran) -> Result<(), String> {
        let now = self.shared.now();
        let skewed = self.shared.skew.load(Ordering::SeqCst) != 0;
        if skewed || ran.synced.iter().any(|s| s.verdict != Verdict::Complete) {
            return Ok(());
        }
        let mut left_in = std::mem::take(&mut self.left_in);
        let engine = self.engine()?;
        let world = self.shared.world();
        let mut still = std::collections::BTreeMap::new();
        for (a, account) in world.accounts.iter().enumerate() {
            let human = &world.humans[account.human];
            let mut entries = human.entries.iter().flatten().peekable();
            let named = entries.peek().is_some() && entries.all(|e| e.is_explicit(now));
            let usable = account.state == AccountState::Active && !account.gone;
            let known = human.left.is_some_and(|at| at < now.plus_days(-1));
            if !usable || !named || !known || human.employed || !world.is_clear(account.human) {
                continue;
            }
            let name = format!("{} of {}", account.id, TENANTS[account.tenant]);
            let subject = self.subject(
                engine,
                &SourceName::new(TENANTS[account.tenant]),
                &account.id,
            )?;
            let Some(subject) = subject else {
                return Err(format!("{name} was never seen"));
            };
            let view = engine.ledger.view().map_err(|e| e.to_string())?;
            let row = view.row::<DecisionRow>(Kind::Decision, subject.as_str());
            let row = row.map_err(|e| e.to_string())?;
            let Some(row) = row.filter(|r| r.decision.leaver_still_in) else {
                return Err(format!("a leaver is still in and nobody says so: {name}"));
            };
            let blocked = !row.decision.blocked.is_empty();
            let ticks = if blocked {
                0
            } else {
                left_in.remove(&a).unwrap_or(0) + 1
            };
            if ticks > PATIENCE && world.tick > self.away_until && world.tick > world.halted {
                return Err(format!(
                    "a leaver is still in without a reason: {name}, {:?}",
                    row.decision
                ));
            }
            still.insert(a, ticks);
        }
        drop(world);
        self.left_in = still;
        Ok(())
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

    /// Every newest decision, made again from the entries, is the same.
    fn decisions(&self) -> Result<(), String> {
        let engine = self.engine()?;
        let mails: BTreeSet<String> = self
            .shared
            .world()
            .accounts
            .iter()
            .map(|a| a.mail.clone())
            .collect();
        for mail in mails {
            let Ok(stories) = engine.why(&mail, None) else {
                continue;
            };
            for story in stories {
                let again = story.decision.map(|d| (d.seq, d.again));
                if let Some((seq, Again::Different)) = again {
                    return Err(format!(
                        "decision {seq} about {mail} comes out otherwise now"
                    ));
                }
            }
        }
        Ok(())
    }
}

/// What another process does while one acts: it may read, and may not act.
fn other_process(engine: &Engine) -> Result<(), String> {
    match engine.ledger.claim_lease() {
        Err(LedgerError::Busy { .. }) => {}
        Err(error) => return Err(format!("a second process: {error}")),
        Ok(_) => return Err("a second process may act beside the first".to_owned()),
    }
    let read = async {
        let run = engine.start("sync", engine.service()?, None)?;
        engine.sync(&run, &[]).await?;
        engine.finish(&run, 0)
    };
    let mut read = pin!(read);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..1000 {
        if let Poll::Ready(done) = read.as_mut().poll(&mut context) {
            return done.map_err(|e| format!("a second process cannot read: {e}"));
        }
    }
    Err("a second process does not come to its end".to_owned())
}

/// Polls to the end; nothing if the process was killed on the way.
fn drive<F: Future>(shared: &Shared, future: F, meanwhile: &mut dyn FnMut()) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut context))) {
            Ok(Poll::Ready(done)) => return Some(done),
            Ok(Poll::Pending) if shared.world().killed => return None,
            Ok(Poll::Pending) => meanwhile(),
            Err(payload) if payload.is::<crash::Killed>() => return None,
            Err(payload) => std::panic::resume_unwind(payload),
        }
    }
}

/// Tells on demand what happens, to find out why something does not hold.
fn trace(tick: u64, line: impl FnOnce() -> String) {
    if std::env::var_os("EXEUNT_TRACE").is_some() {
        eprintln!("day {tick}: {}", line());
    }
}

/// The same calls in the same order as `cli::run`.
async fn run_once(engine: &Engine) -> Result<Ran, EngineError> {
    let claim = engine.ledger.claim_lease()?;
    let compared = engine.compare_clocks(&[]).await?;
    let lease = engine.ledger.take_over(claim, &engine.service()?)?;
    let run = engine.start("run", engine.service()?, Some(&lease))?;
    engine.ledger.sweep(&lease)?;
    engine.settle(&run).await?;
    let synced = engine.sync(&run, &[]).await?;
    let adoption = engine.adopt_policy(&run)?;
    engine.follow_withdrawals(&run, &BTreeSet::new())?;
    let judged = engine.decide_all(&run, None)?;
    engine.warn(&run, &judged).await?;
    engine.plan(&run, judged, None)?;
    for plan in engine.open_plans(run.now)? {
        let (_, approved) = engine.approvals(&plan)?;
        if approved && compared.outside > 0 {
            let mut told = |taken: &Taken| {
                trace(0, || {
                    format!(
                        "{:?} {:?}: {:?}",
                        taken.step.step.does, taken.step.step.because, taken.end
                    )
                });
            };
            engine.carry_out(&run, &plan, &|| false, &mut told).await?;
        }
    }
    engine.finish(&run, 0)?;
    Ok(Ran { synced, adoption })
}
