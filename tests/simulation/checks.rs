//! What must hold after every tick and in the end.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use exeunt::domain::account::AccountState;
use exeunt::domain::account::Do;
use exeunt::domain::event::CommandResult;
use exeunt::domain::fold::pair_key;
use exeunt::domain::id::SourceName;
use exeunt::domain::rows::Class;
use exeunt::domain::rows::CommandRow;
use exeunt::domain::rows::Decision;
use exeunt::domain::rows::DecisionRow;
use exeunt::domain::rows::Kind;
use exeunt::domain::rows::LinkRow;
use exeunt::domain::source::Verdict;
use exeunt::domain::time::Time;
use exeunt::engine::why::Again;
use exeunt::ledger::rebuild::rebuild;
use exeunt::ledger::vault::SubjectKind;
use exeunt::ledger::verify::verify;

use crate::driver::Driver;
use crate::driver::Ran;
use crate::world::DIRECTORIES;
use crate::world::TENANTS;
use crate::world::World;

/// The most changes that a brake lets through in a window, as [limits.breakers] has it.
const WINDOWS: [(i64, usize); 2] = [(1, 3), (7, 6)];
/// So many ticks without any fault a leaver may stay in without a reason.
const PATIENCE: u32 = 6;

impl Driver {
    /// `verify` passes, and replay gives the rows that are stored.
    pub(crate) fn evidence(&self) -> Result<(), String> {
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

    pub(crate) fn commands(&self) -> Result<Vec<CommandRow>, String> {
        let view = self.engine()?.ledger.view().map_err(|e| e.to_string())?;
        let rows = view
            .rows::<CommandRow>(Kind::Command)
            .map_err(|e| e.to_string())?;
        let mut rows: Vec<_> = rows.into_iter().map(|(_, row)| row).collect();
        rows.sort_by_key(|row| row.seq);
        Ok(rows)
    }

    /// Every request has its one intent, and the brakes have held.
    pub(crate) fn check_calls(&mut self) -> Result<(), String> {
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

    pub(crate) fn check_brakes(&self, commands: &[CommandRow]) -> Result<(), String> {
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
    pub(crate) fn check_leavers(&mut self, ran: &Ran) -> Result<(), String> {
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
            let left = (named && known && !human.employed) || world.is_said(a);
            if !usable || !left || !world.is_clear(account.human) {
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
            held_in_truth(&world, a, &row.decision, now)?;
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

    /// What somebody has said about an account decides whose it is, unless it has come into doubt.
    pub(crate) fn check_links(&self, ran: &Ran) -> Result<(), String> {
        if ran.synced.iter().any(|s| s.verdict != Verdict::Complete) {
            return Ok(());
        }
        let engine = self.engine()?;
        let view = engine.ledger.view().map_err(|e| e.to_string())?;
        let vault = engine.ledger.vault().map_err(|e| e.to_string())?;
        let world = self.shared.world();
        for ((a, d, human), theirs) in &world.links {
            let account = &world.accounts[*a];
            let key = world.humans[*human].entries[*d].as_ref().map(|e| &e.key);
            let (Some(key), false) = (key, account.gone) else {
                continue;
            };
            let tenant = SourceName::new(TENANTS[account.tenant]);
            let directory = SourceName::new(DIRECTORIES[*d]);
            let subject = self.subject(engine, &tenant, &account.id)?;
            let person = vault
                .subject_of(SubjectKind::Person, &directory, key)
                .map_err(|e| e.to_string())?;
            let (Some(subject), Some(person)) = (subject, person) else {
                return Err(format!("{} or {key} was never seen", account.id));
            };
            let link = view.row::<LinkRow>(Kind::Link, &pair_key(&subject, directory.as_str()));
            let link = link.map_err(|e| e.to_string())?;
            let is = link.as_ref().and_then(|link| link.person.as_ref()) == Some(&person);
            let doubt = link.is_some_and(|link| link.because.is_some());
            if is != *theirs && !(*theirs && doubt) {
                return Err(format!(
                    "{} is not {key}'s as it was said (theirs: {theirs})",
                    account.id
                ));
            }
        }
        Ok(())
    }

    /// Every newest decision, made again from the entries, is the same.
    pub(crate) fn decisions(&self) -> Result<(), String> {
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

/// A leaver whom a hold keeps in is held in truth, and a legal one keeps nobody from being disabled.
fn held_in_truth(
    world: &World,
    account: usize,
    decision: &Decision,
    now: Time,
) -> Result<(), String> {
    let holds = decision.blocked.iter().map(|code| code.as_str());
    let mut holds = holds
        .filter(|code| code.starts_with("block.hold-"))
        .peekable();
    if holds.peek().is_none() {
        return Ok(());
    }
    let name = format!(
        "{} of {}",
        world.accounts[account].id, world.accounts[account].mail
    );
    if decision.does == Some(Do::Disable) && holds.any(|code| code == "block.hold-legal") {
        return Err(format!("a legal hold keeps a leaver in: {name}"));
    }
    let lately = now.plus_seconds(-600);
    let human = world.accounts[account].human;
    let over = |hold: &&crate::world::Hold| {
        hold.accounts.contains(&account) || hold.people.contains(&human)
    };
    match world
        .holds
        .iter()
        .filter(over)
        .any(|hold| hold.stands(lately))
    {
        true => Ok(()),
        false => Err(format!("a leaver is held whom nobody holds: {name}")),
    }
}
