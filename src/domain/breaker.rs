//! The brakes: they stop what rests on a scope when more would change than is believable.
//!
//! A tripped brake stops every step of its class and action on its scope, and no other: what waits
//! in other open plans counts as wanted, so that nobody comes through in small plans who would be
//! stopped in a large one. A tenant or directory whose first plan was never released stops everything that rests on it. The release of
//! a first plan names accounts with what is done to them and why: until each of these has been done
//! once, it draws on the ramp of so many a day and meets no window, neither of that scope nor of
//! another, since an approver let exactly it through. What a release let through does not count in
//! the windows that it started anew.
//!
//! A removal can take several requests (disable, hand over, remove). From the first on they count as
//! one removal of that account, and what was begun on a ramp is carried to its end.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::domain::account::Do;
use crate::domain::id::Seq;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::policy::BreakerLimits;
use crate::domain::policy::Limits;
use crate::domain::rows::BreakerState;
use crate::domain::rows::Class;
use crate::domain::rows::CommandRow;
use crate::domain::rows::ContactRow;
use crate::domain::rows::ReleaseRow;
use crate::domain::rows::Released;
use crate::domain::rows::Step;
use crate::domain::time::DAY_SECONDS;
use crate::domain::time::Time;

mod beside;

/// What percentages are of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bases {
    /// How many accounts each tenant has.
    pub tenants: BTreeMap<SourceName, u64>,
    /// How many people each directory has.
    pub directories: BTreeMap<SourceName, u64>,
    /// How many accounts all tenants have.
    pub accounts: u64,
}

/// What the brakes are judged on.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The steps that are still to be taken, in the plan's order.
    pub steps: &'a [Step],
    /// The steps that are left of other open plans which no approver has released.
    pub beside: &'a [Step],
    /// The plan's digest, once it has one: releases name it.
    pub digest: Option<&'a str>,
    /// What percentages are of.
    pub bases: &'a Bases,
    /// Every command.
    pub commands: &'a [CommandRow],
    /// Every release.
    pub releases: &'a [ReleaseRow],
    /// Every scope whose first plan was released.
    pub contacts: &'a [ContactRow],
    /// The numbers.
    pub limits: &'a Limits,
}

/// The brakes as they stand, and what they stop.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assessment {
    /// Every brake that the steps meet, tripped or not, sorted by scope, class, action, window.
    pub states: Vec<BreakerState>,
    /// By position of a step: the positions in `states` of the brakes that stop it. Steps that
    /// are not here may go.
    pub stopped: BTreeMap<usize, Vec<usize>>,
}

/// What a release of these brakes lets through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Releasable {
    /// Scopes that are in first contact and would not be any more.
    pub first_contact: BTreeSet<String>,
    /// Brakes whose windows would start anew, as `scope|class|do`.
    pub windows: BTreeSet<String>,
    /// What the release would let through by name (first contact only), by class and action.
    pub accounts: BTreeMap<(Class, Do), BTreeSet<Subject>>,
}

impl Releasable {
    /// What the release would let through by name, as its entry says it.
    pub fn named(&self) -> Vec<Released> {
        let named = self.accounts.iter();
        named
            .map(|((class, does), accounts)| Released {
                class: *class,
                does: *does,
                accounts: accounts.iter().cloned().collect(),
            })
            .collect()
    }
}

impl Assessment {
    /// The brakes that stop a step; none if it may go.
    pub fn stops(&self, step: usize) -> Vec<&BreakerState> {
        let positions = self.stopped.get(&step).into_iter().flatten();
        positions.filter_map(|i| self.states.get(*i)).collect()
    }

    /// Whether any brake has tripped that a release would open (the ramp opens by itself).
    pub fn needs_release(&self) -> bool {
        self.states.iter().any(|s| s.tripped && s.window != RAMP)
    }

    /// What a release of these brakes would let through.
    pub fn releasable(&self, steps: &[Step]) -> Releasable {
        let mut release = Releasable::default();
        for state in self.states.iter().filter(|s| s.tripped) {
            match state.window.as_str() {
                RAMP => {}
                FIRST_CONTACT => {
                    release.first_contact.insert(state.scope.clone());
                }
                _ => {
                    release
                        .windows
                        .insert(window_key(&state.scope, state.class, state.does));
                }
            }
        }
        for (i, step) in steps.iter().enumerate() {
            if self.stops(i).iter().any(|s| s.window == FIRST_CONTACT) {
                let accounts = release.accounts.entry((step.class, step.does)).or_default();
                accounts.insert(step.account.clone());
            }
        }
        release
    }
}

/// The name under which a release lists a brake: `scope|class|do`.
pub fn window_key(scope: &str, class: Class, does: Do) -> String {
    format!("{scope}|{}|{}", class_name(class), does.as_str())
}

/// The most that may be done in 24 hours and in seven days, for a base.
pub fn limits_of(limits: &BreakerLimits, base: u64) -> (u64, u64) {
    let share = |count: u64, of: u128| {
        let part = u128::from(base).saturating_mul(u128::from(count)) / of;
        u64::try_from(part).unwrap_or(u64::MAX)
    };
    let percent = share(limits.percent, 100);
    let cap = limits.cap.max(share(limits.cap_per_mille, 1000));
    (
        limits.floor_24h.max(percent.min(cap)),
        limits.floor_7d.max(percent.min(cap.saturating_mul(3))),
    )
}

/// How much of what a first-contact release names may still be begun at `now`.
pub fn ramp_left(contact: &ContactRow, commands: &[CommandRow], now: Time) -> u64 {
    let used = ramp_used(contact, &drawn(contact, commands), now);
    contact.ramp_per_day.saturating_sub(used)
}

/// Judges the brakes for the steps that are still to be taken.
pub fn assess(wanted: &Wanted<'_>, now: Time) -> Assessment {
    let ramps: Vec<Ramp<'_>> = wanted
        .contacts
        .iter()
        .map(|contact| Ramp::new(contact, wanted.commands, now))
        .collect();
    let mut brakes: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
    let mut on_ramp = Vec::new();
    for (i, step) in wanted.steps.iter().enumerate() {
        let Some(met) = beside::met(step, wanted.contacts, &ramps) else {
            continue;
        };
        let mut meet = |scope: &str, window: &'static str| {
            let key = (scope.to_owned(), step.class, step.does, window);
            brakes.entry(key).or_default().push(i);
        };
        for scope in &met.new {
            meet(scope, FIRST_CONTACT);
        }
        if met.ramps.is_empty() {
            for scope in met.known.iter().map(String::as_str).chain([ALL]) {
                meet(scope, DAY);
                meet(scope, WEEK);
            }
        } else {
            for ramp in met.ramps.iter().filter_map(|r| ramps.get(*r)) {
                meet(&ramp.contact.scope, RAMP);
            }
            on_ramp.push((i, met.ramps));
        }
    }
    let counted = Counted {
        commands: without_ramp(wanted.commands, &ramps),
        beside: beside::waiting(wanted, &ramps),
    };
    let mut states: Vec<(BreakerState, Vec<usize>)> = brakes
        .into_iter()
        .map(|(key, steps)| (state(wanted, &counted, &key, &steps, now), steps))
        .collect();
    let held = hold_back(&states, wanted.steps, on_ramp, ramps);
    for (state, steps) in &mut states {
        if state.window == RAMP {
            state.done = held.used.get(&state.scope).copied().unwrap_or(0);
            steps.retain(|i| held.steps.contains(&(state.scope.clone(), *i)));
            state.tripped = !steps.is_empty();
        }
    }
    let mut assessment = Assessment::default();
    for (position, (state, steps)) in states.into_iter().enumerate() {
        if state.tripped {
            for step in steps {
                assessment.stopped.entry(step).or_default().push(position);
            }
        }
        assessment.states.push(state);
    }
    assessment
}

const DAY: &str = "24h";
const WEEK: &str = "7d";
const FIRST_CONTACT: &str = "first-contact";
const RAMP: &str = "ramp";
const ALL: &str = "all";

/// Scope, class, action, window.
type Key = (String, Class, Do, &'static str);

/// One change that a release can name: account, class, action.
type Named<'a> = (&'a Subject, Class, Do);

fn named_of(step: &Step) -> Named<'_> {
    (&step.account, step.class, step.does)
}

/// What a first-contact release names, and how much of it is left today.
struct Ramp<'a> {
    contact: &'a ContactRow,
    named: BTreeSet<Named<'a>>,
    drawn: BTreeMap<Named<'a>, Drawn<'a>>,
    used: u64,
}

/// What was done of one change that a release names.
struct Drawn<'a> {
    /// The first request.
    first: &'a CommandRow,
    /// The first request that did what the step is for: what comes later is another change.
    last: Option<Seq>,
}

impl<'a> Ramp<'a> {
    fn new(contact: &'a ContactRow, commands: &'a [CommandRow], now: Time) -> Self {
        let drawn = drawn(contact, commands);
        Self {
            contact,
            named: named(contact),
            used: ramp_used(contact, &drawn, now),
            drawn,
        }
    }

    /// Whether a change is let through by this release: one that it names and that is not done yet.
    fn draws(&self, scopes: &[String], change: &Named<'_>) -> bool {
        let done = self.drawn.get(change).is_some_and(|d| d.last.is_some());
        scopes.contains(&self.contact.scope) && self.named.contains(change) && !done
    }

    /// Whether a change has had its place on the ramp already.
    fn has_begun(&self, change: &Named<'_>) -> bool {
        self.drawn.contains_key(change)
    }

    /// Whether a command was let through by this release.
    fn let_through(&self, command: &CommandRow) -> bool {
        let drawn = self.drawn.get(&change_of(command));
        self.is_later(command)
            && drawn.is_some_and(|d| d.last.is_none_or(|last| command.seq <= last))
    }

    fn is_later(&self, command: &CommandRow) -> bool {
        command.seq > self.contact.seq
            && source_scopes(&command.tenant, &command.directories).contains(&self.contact.scope)
    }
}

fn named(contact: &ContactRow) -> BTreeSet<Named<'_>> {
    contact
        .named
        .iter()
        .flat_map(|n| n.accounts.iter().map(move |a| (a, n.class, n.does)))
        .collect()
}

fn change_of(command: &CommandRow) -> Named<'_> {
    (&command.account, command.class, command.aim())
}

/// By change that a release names: what was done of it since then, or may have been.
fn drawn<'a>(
    contact: &'a ContactRow,
    commands: &'a [CommandRow],
) -> BTreeMap<Named<'a>, Drawn<'a>> {
    let named = named(contact);
    let mut own: Vec<&CommandRow> = commands
        .iter()
        .filter(|c| counts(c) && c.seq > contact.seq && named.contains(&change_of(c)))
        .filter(|c| source_scopes(&c.tenant, &c.directories).contains(&contact.scope))
        .collect();
    own.sort_by_key(|c| c.seq);
    let mut drawn: BTreeMap<Named<'_>, Drawn<'_>> = BTreeMap::new();
    for command in own {
        let slot = drawn.entry(change_of(command)).or_insert(Drawn {
            first: command,
            last: None,
        });
        if command.does == command.aim() {
            slot.last.get_or_insert(command.seq);
        }
    }
    drawn
}

fn ramp_used(contact: &ContactRow, drawn: &BTreeMap<Named<'_>, Drawn<'_>>, now: Time) -> u64 {
    let from = now.plus_seconds(-DAY_SECONDS).max(contact.at);
    drawn.values().filter(|d| d.first.at >= from).count() as u64
}

/// The commands that count in windows: those that changed something or may have, ramps apart.
fn without_ramp<'a>(commands: &'a [CommandRow], ramps: &[Ramp<'a>]) -> Vec<&'a CommandRow> {
    commands
        .iter()
        .filter(|c| counts(c) && !ramps.iter().any(|r| r.let_through(c)))
        .collect()
}

/// What counts in windows beside the steps of the plan.
struct Counted<'a> {
    commands: Vec<&'a CommandRow>,
    beside: Vec<&'a Step>,
}

/// Whether a command changed something or may have.
fn counts(command: &CommandRow) -> bool {
    command.does != Do::Restore
        && (command.took_effect() || command.is_open() || command.lost.is_some())
}

fn source_scopes(tenant: &SourceName, directories: &[SourceName]) -> Vec<String> {
    let directories = directories.iter().map(|d| format!("directory:{d}"));
    [format!("tenant:{tenant}")]
        .into_iter()
        .chain(directories)
        .collect()
}

fn state(
    wanted: &Wanted<'_>,
    counted: &Counted<'_>,
    key: &Key,
    steps: &[usize],
    now: Time,
) -> BreakerState {
    let (scope, class, does, window) = key;
    let mut accounts: BTreeSet<_> = steps
        .iter()
        .filter_map(|i| wanted.steps.get(*i))
        .map(|s| &s.account)
        .collect();
    let mut state = BreakerState {
        scope: scope.clone(),
        class: *class,
        does: *does,
        window: (*window).to_owned(),
        limit: 0,
        done: 0,
        wanted: accounts.len() as u64,
        tripped: true,
    };
    if *window == FIRST_CONTACT {
        return state;
    }
    if *window == RAMP {
        let contact = wanted.contacts.iter().find(|c| c.scope == *scope);
        state.limit = contact.map_or(0, |c| c.ramp_per_day);
        return state;
    }
    accounts.extend(beside::accounts(&counted.beside, key));
    state.wanted = accounts.len() as u64;
    let (day, week) = limits_of(&wanted.limits.breakers, base(wanted.bases, scope));
    let (limit, length_s) = if *window == DAY {
        (day, DAY_SECONDS)
    } else {
        (week, DAY_SECONDS.saturating_mul(7))
    };
    let name = window_key(scope, *class, *does);
    let releases: Vec<_> = wanted
        .releases
        .iter()
        .filter(|r| r.windows.contains(&name))
        .collect();
    let from = now.plus_seconds(length_s.saturating_neg());
    let anew = releases.iter().map(|r| r.seq).max();
    let done: BTreeSet<_> = counted
        .commands
        .iter()
        .filter(|c| c.class == *class && c.aim() == *does && c.at >= from)
        .filter(|c| anew.is_none_or(|seq| c.seq > seq))
        .filter(|c| !releases.iter().any(|r| r.plan == c.plan))
        .filter(|c| in_scope(c, scope) && !accounts.contains(&c.account))
        .map(|c| &c.account)
        .collect();
    state.limit = limit;
    state.done = done.len() as u64;
    let released = wanted
        .digest
        .is_some_and(|digest| releases.iter().any(|r| r.digest == digest));
    state.tripped = !released && state.done.saturating_add(state.wanted) > limit;
    state
}

fn in_scope(command: &CommandRow, scope: &str) -> bool {
    scope == ALL
        || source_scopes(&command.tenant, &command.directories)
            .iter()
            .any(|s| s == scope)
}

fn base(bases: &Bases, scope: &str) -> u64 {
    let of = |bases: &BTreeMap<SourceName, u64>, name: &str| {
        bases.get(&SourceName::new(name)).copied().unwrap_or(0)
    };
    if let Some(name) = scope.strip_prefix("tenant:") {
        of(&bases.tenants, name)
    } else if let Some(name) = scope.strip_prefix("directory:") {
        of(&bases.directories, name)
    } else {
        bases.accounts
    }
}

/// What the ramps hold back until tomorrow, by scope and step.
#[derive(Default)]
struct Held {
    steps: BTreeSet<(String, usize)>,
    used: BTreeMap<String, u64>,
}

/// Gives out what is left of the ramps in the plan's order, to steps that nothing else stops.
fn hold_back(
    states: &[(BreakerState, Vec<usize>)],
    steps: &[Step],
    on_ramp: Vec<(usize, Vec<usize>)>,
    mut ramps: Vec<Ramp<'_>>,
) -> Held {
    let stopped: BTreeSet<usize> = states
        .iter()
        .filter(|(s, _)| s.tripped && s.window != RAMP)
        .flat_map(|(_, steps)| steps.iter().copied())
        .collect();
    let mut held = Held::default();
    for ramp in &ramps {
        held.used.insert(ramp.contact.scope.clone(), ramp.used);
    }
    for (step, named) in on_ramp {
        if stopped.contains(&step) {
            continue;
        }
        let Some(change) = steps.get(step).map(named_of) else {
            continue;
        };
        // what has begun has its place already
        let new = |r: &usize| ramps.get(*r).is_some_and(|ramp| !ramp.has_begun(&change));
        let named: Vec<usize> = named.into_iter().filter(new).collect();
        let full: Vec<_> = named
            .iter()
            .filter_map(|r| ramps.get(*r))
            .filter(|r| r.used >= r.contact.ramp_per_day)
            .map(|r| r.contact.scope.clone())
            .collect();
        if full.is_empty() {
            for r in named {
                if let Some(ramp) = ramps.get_mut(r) {
                    ramp.used = ramp.used.saturating_add(1);
                }
            }
        } else {
            held.steps
                .extend(full.into_iter().map(|scope| (scope, step)));
        }
    }
    held
}

const fn class_name(class: Class) -> &'static str {
    match class {
        Class::Named => "named",
        Class::Explicit => "explicit",
        Class::Absent => "absent",
        Class::Inactive => "inactive",
        Class::Everyone => "everyone",
        Class::Notices => "notices",
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "tests")]
mod tests;
