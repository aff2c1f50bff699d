//! The truth: who works there, what the directories and tenants hold, who logged in when.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use exeunt::domain::account::AccountState;
use exeunt::domain::account::Do;
use exeunt::domain::account::Protection;
use exeunt::domain::time::DAY_SECONDS;
use exeunt::domain::time::Time;

use crate::script::CallFault;
use crate::script::DirectoryFault;
use crate::script::Event;
use crate::script::How;
use crate::script::Random;
use crate::script::TenantFault;

/// A person.
#[derive(Debug, Clone)]
pub(crate) struct Human {
    pub(crate) mail: String,
    pub(crate) employed: bool,
    pub(crate) left: Option<Time>,
    pub(crate) returned: Option<Time>,
    /// Whether the address alone does not say who it is: renamed, shared or used again.
    pub(crate) unclear: bool,
    /// The entry in each directory.
    pub(crate) entries: [Option<Entry>; 2],
}

/// An entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) mails: Vec<String>,
    pub(crate) disabled_from: Option<Time>,
    pub(crate) deleted_from: Option<Time>,
    pub(crate) leave_at: Option<Time>,
}

impl Entry {
    fn new(key: String, mail: &str) -> Self {
        let mails = vec![mail.to_owned()];
        Self {
            key,
            mails,
            disabled_from: None,
            deleted_from: None,
            leave_at: None,
        }
    }

    pub(crate) fn is_there(&self, now: Time) -> bool {
        self.deleted_from.is_none_or(|from| from > now)
    }

    pub(crate) fn is_explicit(&self, now: Time) -> bool {
        let over = |at: Option<Time>| at.is_some_and(|at| at <= now);
        self.is_there(now) && (over(self.disabled_from) || over(self.leave_at))
    }

    pub(crate) fn stays(&self, now: Time) -> bool {
        self.is_there(now) && !self.is_explicit(now)
    }
}

/// An account of a tenant.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) tenant: usize,
    pub(crate) id: String,
    pub(crate) human: usize,
    pub(crate) mail: String,
    pub(crate) state: AccountState,
    pub(crate) protected: BTreeSet<Protection>,
    pub(crate) created: Time,
    pub(crate) gone: bool,
    /// A login every so many days; none at all where it is `None`.
    pub(crate) habit: Option<u64>,
    pub(crate) newest: Option<Time>,
    /// The number of the newest login in the tenant's log.
    pub(crate) event: u64,
    pub(crate) disabled_at: Option<Time>,
}

/// One request that reached a tenant.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) account: usize,
    pub(crate) does: Do,
    pub(crate) took_effect: bool,
}

/// A warning that was given.
#[derive(Debug, Clone)]
pub(crate) struct Warned {
    pub(crate) tenant: String,
    pub(crate) to: String,
    pub(crate) at: Time,
}

/// Everything that is so.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) tick: u64,
    pub(crate) humans: Vec<Human>,
    pub(crate) accounts: Vec<Account>,
    pub(crate) events: [u64; 2],
    pub(crate) changes: u64,
    /// Each directory as it was at the end of the last ticks.
    pub(crate) past: [Vec<(Time, u64, Vec<Entry>)>; 2],
    pub(crate) directory_fault: [Option<(DirectoryFault, u64)>; 2],
    pub(crate) tenant_fault: [Option<(TenantFault, u64)>; 2],
    pub(crate) call_fault: Option<CallFault>,
    pub(crate) notices_fail: u64,
    pub(crate) halted: u64,
    pub(crate) midway: Vec<Event>,
    pub(crate) calls: Vec<Call>,
    pub(crate) warned: Vec<Warned>,
    /// The file of the second directory, as it was written at the beginning of the day.
    pub(crate) file: (Time, u64, Vec<Entry>),
    /// The fewest days of silence that any policy which may rule now asks for.
    pub(crate) idle_days: u64,
    pub(crate) notice_days: u64,
    /// What must never be and was.
    pub(crate) broken: Vec<String>,
    pub(crate) killed: bool,
    pub(crate) yields: bool,
    random: Random,
    names: u64,
}

pub(crate) const DIRECTORIES: [&str; 2] = ["corp", "lab"];
pub(crate) const TENANTS: [&str; 2] = ["portal", "wiki"];
pub(crate) const BOSS: &str = "boss@example.com";
pub(crate) const INVITED_DAYS: i64 = 30;
pub(crate) const FILE_DAYS: i64 = 2;

impl World {
    pub(crate) fn new(seed: u64, people: u64, now: Time) -> Self {
        let mut world = Self {
            tick: 0,
            humans: Vec::new(),
            accounts: Vec::new(),
            events: [0; 2],
            changes: 1,
            past: [Vec::new(), Vec::new()],
            directory_fault: [None; 2],
            tenant_fault: [None; 2],
            call_fault: None,
            notices_fail: 0,
            halted: 0,
            midway: Vec::new(),
            calls: Vec::new(),
            warned: Vec::new(),
            file: (now, 0, Vec::new()),
            idle_days: 60,
            notice_days: 14,
            broken: Vec::new(),
            killed: false,
            yields: false,
            random: Random::new(seed),
            names: 0,
        };
        let long_ago = now.plus_days(-400);
        for i in 0..people {
            let (place, tenants) = (world.random.below(100), world.random.below(100));
            world.join(place, tenants, None, long_ago);
            if i == 0 {
                world.humans[0].mail = BOSS.to_owned();
                for entry in world.humans[0].entries.iter_mut().flatten() {
                    entry.mails = vec![BOSS.to_owned()];
                }
                for account in &mut world.accounts {
                    account.mail = BOSS.to_owned();
                }
            }
        }
        world.log_in_everybody(now);
        world
    }

    fn join(&mut self, place: u64, tenants: u64, mail: Option<String>, now: Time) {
        self.names += 1;
        let mail = mail.unwrap_or_else(|| format!("person{}@example.com", self.names));
        let human = self.humans.len();
        let key = |d: usize| format!("{}-{human}", DIRECTORIES[d]);
        let entry = |d: usize| Some(Entry::new(key(d), &mail));
        let entries = match place {
            0..=54 => [entry(0), None],
            55..=79 => [None, entry(1)],
            _ => [entry(0), entry(1)],
        };
        self.humans.push(Human {
            mail: mail.clone(),
            employed: true,
            left: None,
            returned: None,
            unclear: false,
            entries,
        });
        let wanted = match tenants {
            0..=49 => vec![0],
            50..=69 => vec![1],
            _ => vec![0, 1],
        };
        for tenant in wanted {
            self.open_account(tenant, human, &mail, AccountState::Active, now);
        }
    }

    fn open_account(
        &mut self,
        tenant: usize,
        human: usize,
        mail: &str,
        state: AccountState,
        now: Time,
    ) {
        let admin = self.random.chance(6);
        let silent = self.random.chance(10);
        let habit = (!silent).then(|| 1 + self.random.below(9));
        self.accounts.push(Account {
            tenant,
            id: format!("u{}", self.accounts.len()),
            human,
            mail: mail.to_owned(),
            state,
            protected: admin.then_some(Protection::Admin).into_iter().collect(),
            created: now,
            gone: false,
            habit: habit.filter(|_| state == AccountState::Active),
            newest: None,
            event: 0,
            disabled_at: None,
        });
    }

    fn human(&self, who: u64, employed: bool) -> Option<usize> {
        let fits = |h: &usize| self.humans[*h].employed == employed;
        let all: Vec<usize> = (0..self.humans.len()).filter(fits).collect();
        (!all.is_empty()).then(|| all[who as usize % all.len()])
    }

    fn account(&self, which: u64, fits: impl Fn(&Account) -> bool) -> Option<usize> {
        let all = (0..self.accounts.len())
            .filter(|a| !self.accounts[*a].gone && fits(&self.accounts[*a]));
        let all: Vec<usize> = all.collect();
        (!all.is_empty()).then(|| all[which as usize % all.len()])
    }

    /// Whether an entry's address stands for one person alone.
    fn uses(&self, mail: &str) -> usize {
        self.humans
            .iter()
            .filter(|h| {
                h.mail == mail
                    || h.entries
                        .iter()
                        .flatten()
                        .any(|e| e.mails.iter().any(|m| m == mail))
            })
            .count()
    }

    pub(crate) fn is_clear(&self, human: usize) -> bool {
        !self.humans[human].unclear && self.uses(&self.humans[human].mail) == 1
    }

    /// Lets one thing happen; what concerns the processes is the driver's.
    pub(crate) fn happen(&mut self, event: &Event, now: Time) {
        self.changes += 1;
        match event {
            Event::Join { place, tenants } => self.join(*place, *tenants, None, now),
            Event::Leave { who, how } => {
                if let Some(human) = self.human(*who, true) {
                    self.leave(human, *how, now);
                }
            }
            Event::Layoff { first, count } => {
                for i in 0..*count {
                    if let Some(human) = self.human(first + i, true) {
                        self.leave(human, How::Disabled, now);
                    }
                }
            }
            Event::Return { who } => {
                if let Some(human) = self.human(*who, false) {
                    self.come_back(human, now);
                }
            }
            Event::Rename { who, everywhere } => {
                if let Some(human) = self.human(*who, true).filter(|h| *h != 0) {
                    self.rename(human, *everywhere);
                }
            }
            Event::Enter { who } => {
                if let Some(human) = self.human(*who, true) {
                    let mail = self.humans[human].mail.clone();
                    for (d, entry) in self.humans[human].entries.iter_mut().enumerate() {
                        if entry.as_ref().is_none_or(|e| !e.is_there(now)) {
                            *entry = Some(Entry::new(format!("{}-{human}", DIRECTORIES[d]), &mail));
                        }
                    }
                }
            }
            Event::Move { who } => {
                let both =
                    |h: &Human| h.entries.iter().flatten().filter(|e| e.stays(now)).count() == 2;
                if let Some(human) = self.human(*who, true).filter(|h| both(&self.humans[*h])) {
                    let d = *who as usize % 2;
                    if let Some(entry) = &mut self.humans[human].entries[d] {
                        entry.deleted_from = Some(now);
                    }
                }
            }
            Event::Recycle { who } => {
                if let Some(human) = self.human(*who, false) {
                    let mail = self.humans[human].mail.clone();
                    self.humans[human].unclear = true;
                    self.join(0, 0, Some(mail), now);
                    if let Some(human) = self.humans.last_mut() {
                        human.unclear = true;
                    }
                }
            }
            Event::Share { who, with } => self.share(*who, *with),
            Event::FallSilent { account } => {
                if let Some(a) = self.account(*account, |a| a.state == AccountState::Active) {
                    self.accounts[a].habit = None;
                }
            }
            Event::LogIn { account } => {
                if let Some(a) = self.account(*account, |a| a.state == AccountState::Active) {
                    self.log_in(a, now);
                }
            }
            Event::Promote { account } => {
                if let Some(a) = self.account(*account, |_| true) {
                    self.accounts[a].protected.insert(Protection::Admin);
                }
            }
            Event::Demote { account } => {
                if let Some(a) = self.account(*account, |_| true) {
                    self.accounts[a].protected.remove(&Protection::Admin);
                }
            }
            Event::TenantDisables { account } => {
                if let Some(a) = self.account(*account, |a| a.state == AccountState::Active) {
                    self.accounts[a].state = AccountState::Disabled;
                    self.accounts[a].disabled_at = Some(now);
                }
            }
            Event::TenantEnables { account } => {
                if let Some(a) = self.account(*account, |a| a.state == AccountState::Disabled) {
                    self.accounts[a].state = AccountState::Active;
                    self.accounts[a].disabled_at = None;
                }
            }
            Event::Invite { who } => {
                if let Some(human) = self.human(*who, true) {
                    let mail = self.humans[human].mail.clone();
                    self.open_account(*who as usize % 2, human, &mail, AccountState::Invited, now);
                }
            }
            Event::Accept { account } => {
                if let Some(a) = self.account(*account, |a| a.state == AccountState::Invited) {
                    self.accounts[a].state = AccountState::Active;
                    self.accounts[a].habit = Some(3);
                    self.log_in(a, now);
                }
            }
            Event::Directory {
                which,
                fault,
                ticks,
            } => {
                self.directory_fault[*which as usize % 2] = Some((*fault, self.tick + ticks));
            }
            Event::Tenant {
                which,
                fault,
                ticks,
            } => {
                self.tenant_fault[*which as usize % 2] = Some((*fault, self.tick + ticks));
            }
            Event::Call { fault } => self.call_fault = Some(*fault),
            Event::NoticesFail { ticks } => self.notices_fail = self.tick + ticks,
            Event::Midway(event) => self.midway.push((**event).clone()),
            _ => {}
        }
    }

    fn leave(&mut self, human: usize, how: How, now: Time) {
        let late = now.plus_days(5);
        let h = &mut self.humans[human];
        h.employed = false;
        h.left = Some(now);
        for (d, entry) in h.entries.iter_mut().enumerate() {
            let Some(entry) = entry else { continue };
            match how {
                How::Disabled => entry.disabled_from = Some(now),
                How::LeaveDate => entry.leave_at = Some(now),
                How::Deleted => entry.deleted_from = entry.deleted_from.or(Some(now)),
                How::Late if d == 0 => entry.disabled_from = Some(now),
                How::Late => entry.disabled_from = Some(late),
            }
        }
        for account in self.accounts.iter_mut().filter(|a| a.human == human) {
            account.habit = None;
        }
    }

    fn come_back(&mut self, human: usize, now: Time) {
        let h = &mut self.humans[human];
        h.employed = true;
        h.returned = Some(now);
        for entry in h.entries.iter_mut().flatten() {
            entry.disabled_from = None;
            entry.leave_at = None;
            entry.deleted_from = None;
        }
        for account in self.accounts.iter_mut().filter(|a| a.human == human) {
            account.habit = Some(4);
        }
    }

    fn rename(&mut self, human: usize, everywhere: bool) {
        self.names += 1;
        let mail = format!("renamed{}@example.com", self.names);
        let h = &mut self.humans[human];
        h.unclear |= !everywhere;
        h.mail = mail.clone();
        for entry in h.entries.iter_mut().flatten() {
            entry.mails = vec![mail.clone()];
        }
        if everywhere {
            for account in self.accounts.iter_mut().filter(|a| a.human == human) {
                account.mail = mail.clone();
            }
        }
    }

    fn share(&mut self, who: u64, with: u64) {
        let (Some(a), Some(b)) = (self.human(who, true), self.human(with, true)) else {
            return;
        };
        if a == b {
            return;
        }
        let mail = self.humans[a].mail.clone();
        for human in [a, b] {
            self.humans[human].unclear = true;
        }
        for entry in self.humans[b].entries.iter_mut().flatten() {
            entry.mails.push(mail.clone());
        }
    }

    fn log_in(&mut self, account: usize, at: Time) {
        let tenant = self.accounts[account].tenant;
        self.events[tenant] += 1;
        self.accounts[account].newest = Some(at);
        self.accounts[account].event = self.events[tenant];
    }

    /// Whoever has the habit and can sign in does so when it is time.
    pub(crate) fn log_in_everybody(&mut self, now: Time) {
        for a in 0..self.accounts.len() {
            let account = &self.accounts[a];
            let Some(days) = account.habit else { continue };
            let can = account.state == AccountState::Active && !account.gone;
            let due = account
                .newest
                .is_none_or(|at| now.days_since(at) >= days as i64);
            if can && due {
                self.log_in(a, now.plus_seconds(-3600));
            }
        }
    }

    /// Begins a day: people log in, and the file of the second directory is written.
    pub(crate) fn begin_tick(&mut self, tick: u64, now: Time) {
        self.tick = tick;
        self.log_in_everybody(now);
    }

    /// The file is written, unless somebody has stopped that.
    pub(crate) fn write_file(&mut self, now: Time) {
        let stopped = Some(DirectoryFault::ExportStopped);
        if self.directory_fault[1].map(|(fault, _)| fault) != stopped || self.file.2.is_empty() {
            self.file = (now, self.changes, self.entries(1, now));
        }
    }

    /// Ends a tick: remembers the directories, lets faults pass.
    pub(crate) fn end_tick(&mut self, now: Time) {
        for d in 0..2 {
            let entries = self.entries(d, now);
            self.past[d].push((now, self.changes, entries));
            if self.past[d].len() > 24 {
                self.past[d].remove(0);
            }
            if self.directory_fault[d].is_some_and(|(_, until)| until <= self.tick) {
                self.directory_fault[d] = None;
            }
            if self.tenant_fault[d].is_some_and(|(_, until)| until <= self.tick) {
                self.tenant_fault[d] = None;
            }
        }
    }

    /// Who stands in a directory, by key.
    pub(crate) fn entries(&self, directory: usize, now: Time) -> Vec<Entry> {
        let all = self
            .humans
            .iter()
            .filter_map(|h| h.entries[directory].as_ref());
        let mut all: Vec<_> = all.filter(|e| e.is_there(now)).cloned().collect();
        all.sort_by(|a, b| a.key.cmp(&b.key));
        all
    }

    /// Whether anything is out of order now.
    pub(crate) fn is_clean(&self) -> bool {
        self.directory_fault.iter().all(Option::is_none)
            && self.tenant_fault.iter().all(Option::is_none)
            && self.call_fault.is_none()
    }

    /// Whether somebody has left, in the truth and in every directory that answers.
    pub(crate) fn has_left(&self, human: usize, now: Time) -> bool {
        let h = &self.humans[human];
        // the file says what was so when it was written; it is believed for so many days
        let in_file = h.entries[1].is_some();
        let slack = if in_file {
            FILE_DAYS * DAY_SECONDS + 2 * DAY_SECONDS
        } else {
            0
        };
        let back_lately = h.returned.is_some_and(|at| at.plus_seconds(slack) > now);
        if h.employed {
            return in_file && back_lately && h.entries[0].as_ref().is_none_or(|e| !e.stays(now));
        }
        !h.entries[0].as_ref().is_some_and(|e| e.stays(now))
            && (self.directory_fault[1].is_some()
                || !h.entries[1].as_ref().is_some_and(|e| e.stays(now)))
    }

    pub(crate) fn by_id(&self, tenant: usize, id: &str) -> Option<usize> {
        self.accounts
            .iter()
            .position(|a| a.tenant == tenant && a.id == id)
    }

    pub(crate) fn counts(&self) -> BTreeMap<&'static str, usize> {
        let effect = |does: Do| {
            self.calls
                .iter()
                .filter(|c| c.does == does && c.took_effect)
                .count()
        };
        BTreeMap::from([
            ("disabled", effect(Do::Disable)),
            ("removed", effect(Do::Remove)),
            ("restored", effect(Do::Restore)),
            ("warned", self.warned.len()),
        ])
    }
}
