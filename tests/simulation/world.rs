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
use crate::script::Random;
use crate::script::TenantFault;

/// A person.
#[derive(Debug, Clone)]
pub(crate) struct Human {
    pub(crate) mail: String,
    pub(crate) employed: bool,
    pub(crate) left: Option<Time>,
    pub(crate) returned: Option<Time>,
    /// Since when a named person says that they leave, in each directory.
    pub(crate) said: [Option<Time>; 2],
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
    pub(crate) fn new(key: String, mail: &str) -> Self {
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
    /// Whether a named person says that its owner leaves.
    pub(crate) said: bool,
}

/// A hold that somebody has placed and nobody has lifted.
#[derive(Debug, Clone)]
pub(crate) struct Hold {
    /// Its number.
    pub(crate) id: u64,
    pub(crate) legal: bool,
    pub(crate) until: Option<Time>,
    pub(crate) people: BTreeSet<usize>,
    pub(crate) accounts: BTreeSet<usize>,
}

impl Hold {
    pub(crate) fn stands(&self, now: Time) -> bool {
        self.until.is_none_or(|until| until > now)
    }
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
    pub(crate) holds: Vec<Hold>,
    /// What was said about accounts, directories and people: theirs, or not.
    pub(crate) links: BTreeMap<(usize, usize, usize), bool>,
    /// The file of the second directory, as it was written at the beginning of the day.
    pub(crate) file: (Time, u64, Vec<Entry>),
    /// The fewest days of silence that any policy which may rule now asks for.
    pub(crate) idle_days: u64,
    pub(crate) notice_days: u64,
    /// What must never be and was.
    pub(crate) broken: Vec<String>,
    pub(crate) killed: bool,
    pub(crate) yields: bool,
    /// What happened, and which faults were met, how often.
    pub(crate) met: BTreeMap<String, u64>,
    pub(crate) random: Random,
    pub(crate) names: u64,
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
            holds: Vec::new(),
            links: BTreeMap::new(),
            file: (now, 0, Vec::new()),
            idle_days: 60,
            notice_days: 14,
            broken: Vec::new(),
            killed: false,
            yields: false,
            met: BTreeMap::new(),
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

    pub(crate) fn join(&mut self, place: u64, tenants: u64, mail: Option<String>, now: Time) {
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
            said: [None; 2],
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

    pub(crate) fn open_account(
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
            said: false,
        });
    }

    pub(crate) fn human(&self, who: u64, employed: bool) -> Option<usize> {
        let fits = |h: &usize| self.humans[*h].employed == employed;
        let all: Vec<usize> = (0..self.humans.len()).filter(fits).collect();
        (!all.is_empty()).then(|| all[who as usize % all.len()])
    }

    pub(crate) fn account(&self, which: u64, fits: impl Fn(&Account) -> bool) -> Option<usize> {
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

    /// Whether a named person says that an account's owner leaves. The word also reaches the accounts
    /// with an address that somebody else has given to whom it is about: the program says so to
    /// whoever says it.
    pub(crate) fn is_said(&self, account: usize) -> bool {
        let account = &self.accounts[account];
        let said = |human: &Human| {
            let entries = human.entries.iter().zip(&human.said);
            let mut said = entries.filter_map(|(entry, at)| at.and(entry.as_ref()));
            said.any(|entry| entry.mails.contains(&account.mail))
        };
        let owner = &self.humans[account.human];
        account.said || owner.said.iter().any(Option::is_some) || self.humans.iter().any(said)
    }

    /// The holds that are certainly over an account.
    pub(crate) fn holds_over(&self, account: usize) -> impl Iterator<Item = &Hold> {
        let human = self.accounts[account].human;
        let clear = self.is_clear(human);
        let covers = move |hold: &&Hold| {
            hold.accounts.contains(&account) || (clear && hold.people.contains(&human))
        };
        self.holds.iter().filter(covers)
    }

    /// Somebody whose an account is not, if possible with its address.
    pub(crate) fn mistaken(&self, account: usize, which: u64) -> Option<usize> {
        let account = &self.accounts[account];
        let others = (0..self.humans.len()).filter(|h| *h != account.human);
        let has = |h: &usize| {
            let mut entries = self.humans[*h].entries.iter().flatten();
            entries.any(|e| e.mails.contains(&account.mail))
        };
        let (alike, all): (Vec<usize>, Vec<usize>) = others.partition(has);
        let from = if alike.is_empty() { all } else { alike };
        (!from.is_empty()).then(|| from[which as usize % from.len()])
    }

    pub(crate) fn by_id(&self, tenant: usize, id: &str) -> Option<usize> {
        self.accounts
            .iter()
            .position(|a| a.tenant == tenant && a.id == id)
    }

    /// Counts something that happened.
    pub(crate) fn meet(&mut self, what: impl Into<String>) {
        *self.met.entry(what.into()).or_default() += 1;
    }

    /// Counts a fault that a read or a request met.
    pub(crate) fn meet_fault(&mut self, whose: &str, fault: impl std::fmt::Debug) {
        self.meet(format!("{whose}: {}", words(&format!("{fault:?}"))));
    }

    /// Counts an event; not those that a read or a request has to meet, nor those that are not the
    /// world's.
    pub(crate) fn meet_event(&mut self, event: &Event) {
        use Event::*;
        if matches!(
            event,
            Directory { .. }
                | Tenant { .. }
                | Call { .. }
                | Kill { .. }
                | Two
                | ClockStep { .. }
                | Policy { .. }
                | Halt { .. }
                | ApproverAway { .. }
                | PutBack { .. }
                | Says(_)
                | Beside(_)
        ) {
            return;
        }
        let shown = format!("{event:?}");
        let name: String = shown.chars().take_while(|c| c.is_alphanumeric()).collect();
        self.meet_fault("event", format_args!("{name}"));
    }

    pub(crate) fn counts(&self) -> BTreeMap<String, u64> {
        let effect = |does: Do| {
            self.calls
                .iter()
                .filter(|c| c.does == does && c.took_effect)
                .count() as u64
        };
        let mut counts = self.met.clone();
        let done = [
            ("disabled", effect(Do::Disable)),
            ("removed", effect(Do::Remove)),
            ("restored", effect(Do::Restore)),
            ("warned", self.warned.len() as u64),
        ];
        counts.extend(done.map(|(what, count)| (format!("account: {what}"), count)));
        counts
    }
}

/// The name of a thing in words: `ExportStopped` as "export stopped".
fn words(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}
