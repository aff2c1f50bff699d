//! Other days, other rules, over the recorded history: who would have been removed, and who of them
//! came back.
//!
//! Pure: entries go in, one by one, and only what was seen counts of them, and what people have said
//! about whom. What was really decided, warned, kept and done is left out, since it would have been
//! otherwise. At the moment of each run that has read something the rules are asked, as that run did;
//! what they say is supposed to be done at once.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::account::AccountState;
use crate::domain::account::Do;
use crate::domain::code::Code;
use crate::domain::event;
use crate::domain::event::CommandResult;
use crate::domain::event::Entry;
use crate::domain::event::Payload as _;
use crate::domain::id::EntryId;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::policy::PolicySet;
use crate::domain::policy::Ring;
use crate::domain::rows::SourceRow;
use crate::domain::rows::When;
use crate::domain::time::Time;

mod sim;
mod world;

use crate::domain::what_if::sim::Sim;
use crate::domain::what_if::world::World;

/// One account that would have been disabled or removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Removal {
    /// The account.
    pub account: Subject,
    /// Its tenant.
    pub tenant: SourceName,
    /// The policy.
    pub policy: String,
    /// What triggers it.
    pub when: When,
    /// The finding.
    pub because: Code,
    /// Since when the finding held.
    pub since: Option<Time>,
    /// When the first step would have been taken.
    pub at: Time,
    /// When it would have been disabled.
    pub disabled: Option<Time>,
    /// When it would have been removed for good.
    pub removed: Option<Time>,
    /// What shows that it was needed after that.
    pub came_back: Option<CameBack>,
}

/// What shows that an account was needed after all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CameBack {
    /// When.
    pub at: Time,
    /// How it is known.
    pub how: Return,
}

/// How it is known that somebody came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Return {
    /// The account was used.
    Used,
    /// The person had not left any more, or there was a person again.
    PersonBack,
    /// The invitation was accepted, or the account was enabled in the tenant.
    Enabled,
}

/// What would have been.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Supposed {
    /// The first moment at which the rules were asked.
    pub from: Option<Time>,
    /// The last one.
    pub until: Option<Time>,
    /// How many runs with reads there were.
    pub runs: u64,
    /// How many accounts were known at any time.
    pub accounts: u64,
    /// How many warnings would have been given.
    pub warned: u64,
    /// How many accounts were really disabled or removed by this program at a time when these rules
    /// would have left them alone: what they would have come to cannot be seen.
    pub hidden: u64,
    /// What would have been done, in the order of time.
    pub removals: Vec<Removal>,
}

/// Goes through a recorded history under other rules.
#[derive(Debug)]
pub struct WhatIf {
    set: PolicySet,
    world: World,
    sims: BTreeMap<Subject, Sim>,
    /// The moment of the run that goes on.
    now: Option<Time>,
    /// Whether it has read something since the rules were asked.
    has_read: bool,
    /// What the rules believed of the sources when they were asked last.
    believed: Vec<(String, bool, SourceRow)>,
    /// Changes that were really sent and have no known outcome yet.
    sent: BTreeMap<EntryId, Subject>,
    supposed: Supposed,
}

impl WhatIf {
    /// Supposes these rules, each policy of them at work.
    pub fn new(mut set: PolicySet) -> Self {
        for policy in &mut set.policies {
            policy.ring = Ring::Enforce;
        }
        Self {
            set,
            world: World::default(),
            sims: BTreeMap::new(),
            now: None,
            has_read: false,
            believed: Vec::new(),
            sent: BTreeMap::new(),
            supposed: Supposed::default(),
        }
    }

    /// Takes the next entry.
    pub fn take(&mut self, entry: &Entry) {
        match entry.kind.as_str() {
            event::RunStarted::TYPE => {
                self.ask_if_read();
                self.now = entry.payload::<event::RunStarted>().map(|run| run.now);
            }
            // a run decides once it has read everything, and acts on that
            event::DecisionMade::TYPE | event::RunFinished::TYPE => self.ask_if_read(),
            event::CommandIntended::TYPE => {
                self.ask_if_read();
                self.intended(entry);
            }
            event::CommandOutcome::TYPE | event::CommandSettled::TYPE => self.ended(entry),
            event::SourceRead::TYPE => {
                self.has_read = true;
                self.now = self.now.or(Some(entry.rec));
            }
            _ => {}
        }
        for account in self.world.take(entry) {
            self.sims.entry(account).or_default().stir();
        }
        if entry.kind == event::AccountObserved::TYPE {
            self.seen(entry);
        }
    }

    /// What would have been, once all entries were taken.
    pub fn end(mut self) -> Supposed {
        self.ask_if_read();
        let mut supposed = self.supposed;
        supposed.accounts = self.world.accounts.len() as u64;
        for sim in self.sims.into_values() {
            supposed.warned = supposed.warned.saturating_add(sim.warned);
            supposed.hidden = supposed
                .hidden
                .saturating_add(u64::from(sim.hidden.is_some()));
            supposed.removals.extend(sim.removals);
        }
        supposed
            .removals
            .sort_by(|a, b| (a.at, &a.account).cmp(&(b.at, &b.account)));
        supposed
    }

    fn ask_if_read(&mut self) {
        let Some(now) = self.now.filter(|_| self.has_read) else {
            return;
        };
        self.has_read = false;
        self.supposed.runs = self.supposed.runs.saturating_add(1);
        self.supposed.from = self.supposed.from.or(Some(now));
        self.supposed.until = Some(now);
        let believed = self.believed_at(now);
        let all = believed != self.believed;
        self.believed = believed;
        for (sub, account) in &self.world.accounts {
            let sim = self.sims.entry(sub.clone()).or_default();
            if all || sim.is_awake(now) {
                sim.ask(account, &self.world, &self.set, now);
            }
        }
    }

    /// What the rules believe of each source at a moment: whether it was read lately, and what its
    /// newest read is worth, positions and times of reading apart.
    fn believed_at(&self, now: Time) -> Vec<(String, bool, SourceRow)> {
        let max_s = self.set.read_max_age_s();
        let believed = self.world.sources.iter().map(|(key, row)| {
            let mut row = row.clone();
            let mut fresh = now.seconds_since(row.last.rec) <= max_s;
            row.last.rec = Time::from_micros(0);
            row.last.seq = 0;
            row.last.id = EntryId::new("");
            row.last.proof = None;
            row.complete = None;
            row.memory = Default::default();
            for proof in &mut row.activity {
                fresh &= proof.until.is_none_or(|u| now.seconds_since(u) <= max_s);
                proof.until = None;
                (proof.watermark, proof.pages, proof.events) = (None, 0, 0);
            }
            (key.clone(), fresh, row)
        });
        believed.collect()
    }

    fn intended(&mut self, entry: &Entry) {
        let intended = entry.payload::<event::CommandIntended>();
        let changes = intended.is_some_and(|i| matches!(i.does, Do::Disable | Do::Remove));
        if let Some(sub) = entry.sub.as_ref().filter(|_| changes) {
            self.sent.insert(entry.id.clone(), sub.clone());
        }
    }

    fn ended(&mut self, entry: &Entry) {
        let outcome = entry.payload::<event::CommandOutcome>();
        let done = outcome
            .is_some_and(|o| matches!(o.result, CommandResult::Done | CommandResult::Already));
        let settled = entry.payload::<event::CommandSettled>();
        if !done && !settled.is_some_and(|settled| settled.done) {
            return;
        }
        let account = entry.cause.as_ref().and_then(|id| self.sent.remove(id));
        if let Some(sim) = account.and_then(|sub| self.sims.get_mut(&sub)) {
            sim.really_taken(entry.rec);
        }
    }

    fn seen(&mut self, entry: &Entry) {
        let seen = entry.payload::<event::AccountObserved>();
        let usable = seen.is_some_and(|seen| seen.facts.state != AccountState::Disabled);
        let sim = entry.sub.as_ref().and_then(|sub| self.sims.get_mut(sub));
        if let Some(sim) = sim.filter(|_| usable) {
            sim.really_usable();
        }
    }
}
