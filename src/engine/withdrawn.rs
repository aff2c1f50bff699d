//! What follows when somebody has not left after all: it is told, what was begun is called off, and
//! what was done is to be given back.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::domain::account::Do;
use crate::domain::code::Code;
use crate::domain::decide::decide;
use crate::domain::decide::differs;
use crate::domain::decide::leaver;
use crate::domain::departure::departure;
use crate::domain::event::Actor;
use crate::domain::event::ActorKind;
use crate::domain::event::DepartureWithdrawn;
use crate::domain::event::Draft;
use crate::domain::event::StepWithheld;
use crate::domain::fold::pair_key;
use crate::domain::fold::step_key;
use crate::domain::id::EntryId;
use crate::domain::id::Seq;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::person::Strength;
use crate::domain::rows::AccountRow;
use crate::domain::rows::Class;
use crate::domain::rows::CommandRow;
use crate::domain::rows::DecisionRow;
use crate::domain::rows::Kind;
use crate::domain::rows::LinkRow;
use crate::domain::rows::PersonRow;
use crate::domain::rows::PlanRow;
use crate::domain::rows::Ruling;
use crate::domain::rows::Step;
use crate::domain::rows::StepRow;
use crate::domain::rows::When;
use crate::domain::time::Time;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::Run;
use crate::engine::decide::adopted;
use crate::engine::facts::DirectoryTraits;
use crate::engine::restore::RESTORE;
use crate::engine::restore::Restorable;
use crate::engine::restore::WITHDRAWN;
use crate::engine::restore::was_so;
use crate::ledger::By;
use crate::ledger::LedgerError;
use crate::ledger::View;

/// What came of withdrawals.
#[derive(Debug, Default)]
pub struct Withdrawn {
    /// The persons (or accounts that were named) whose departure was withdrawn.
    pub of: Vec<Subject>,
    /// The accounts of planned steps that were called off.
    pub called_off: Vec<Subject>,
    /// The plan that gives accounts back, if one was made now.
    pub restore: Option<PlanRow>,
    /// The accounts that cannot be given back, with a code of the family `block`.
    pub cannot: Vec<(Subject, Code)>,
}

/// A departure that does not hold any more, and that no entry tells of yet.
struct Untold {
    person: Subject,
    directory: SourceName,
    facts: Vec<Strength>,
    /// The entry that shows it.
    seq: Seq,
}

/// What the directories are to the rules, by name.
type Traits = BTreeMap<SourceName, DirectoryTraits>;

impl Engine {
    /// Tells of every departure that was withdrawn since it was last asked, calls off what was
    /// planned or decided because of it, and proposes a plan that gives back what was disabled.
    /// `named` are those of whom a person has just taken back that they leave.
    pub fn follow_withdrawals(
        &self,
        run: &Run,
        named: &BTreeSet<Subject>,
    ) -> Result<Withdrawn, EngineError> {
        // nobody asks for what follows: it is the program's own, so that anybody may approve it
        let own = Run {
            by: By {
                run: run.by.run.clone(),
                actor: Actor {
                    kind: ActorKind::Service,
                    epoch: run.by.actor.epoch,
                    sub: None,
                },
            },
            ..*run
        };
        let traits = self.traits_by_name()?;
        let mut of = self.tell_withdrawals(&own, &traits)?;
        of.extend(named.iter().cloned());
        let called_off = self.call_off(&own, &traits)?;
        self.decide_pending(&own)?;
        let found = self.given_back(&traits, own.now)?;
        let mut cannot = found.cannot;
        cannot.extend(self.removed_of(&of)?);
        cannot.sort();
        cannot.dedup();
        Ok(Withdrawn {
            of,
            called_off,
            restore: self.propose_restore(&own, found.steps)?,
            cannot,
        })
    }

    fn traits_by_name(&self) -> Result<Traits, EngineError> {
        let traits = self.directory_traits(&self.ledger.view()?)?;
        let authoritative = traits.into_iter().filter(|t| t.authoritative);
        Ok(authoritative.map(|t| (t.name.clone(), t)).collect())
    }

    /// Appends an entry about each person whose departure was withdrawn, and returns them.
    fn tell_withdrawals(&self, run: &Run, traits: &Traits) -> Result<Vec<Subject>, EngineError> {
        let view = self.ledger.view()?;
        let mut drafts = Vec::new();
        for (_, person) in view.rows::<PersonRow>(Kind::Person)? {
            let Some(untold) = untold(&person, traits) else {
                continue;
            };
            let payload = DepartureWithdrawn {
                directory: untold.directory,
                facts: untold.facts,
            };
            let mut draft = Draft::new(self.ledger.entry_id()?, &payload).about(&untold.person);
            draft.cause = view.entry(untold.seq)?.map(|entry| entry.id);
            drafts.push((untold.person, untold.seq, draft));
        }
        let mut told = Vec::new();
        for chunk in drafts.chunks(crate::ledger::BATCH) {
            let mut these = Vec::new();
            self.ledger.commit::<LedgerError>(&run.by, |view| {
                these.clear();
                let mut fresh = Vec::new();
                for (sub, seq, draft) in chunk {
                    let row = view.row::<PersonRow>(Kind::Person, sub.as_str())?;
                    let still = row.as_ref().and_then(|row| untold(row, traits));
                    if still.is_some_and(|still| still.seq == *seq) {
                        these.push(sub.clone());
                        fresh.push(draft.clone());
                    }
                }
                Ok(fresh)
            })?;
            told.append(&mut these);
        }
        Ok(told)
    }

    /// Withholds every planned step that rests on a departure which was withdrawn, and every one
    /// that gives an account back which cannot be given back any more.
    fn call_off(&self, run: &Run, traits: &Traits) -> Result<Vec<Subject>, EngineError> {
        let mut drafts = Vec::new();
        for (plan, left) in self.open_steps(run.now)? {
            for row in left {
                let Some((code, cause)) = self.off(&row, traits, run.now)? else {
                    continue;
                };
                let withheld = StepWithheld {
                    plan: plan.plan.clone(),
                    step: row.number,
                    because: Code::new(code),
                };
                let account = row.step.account.clone();
                let mut draft = Draft::new(self.ledger.entry_id()?, &withheld).about(&account);
                draft.cause = cause;
                drafts.push((step_key(plan.plan.as_str(), row.number), account, draft));
            }
        }
        let mut called_off = Vec::new();
        for chunk in drafts.chunks(crate::ledger::BATCH) {
            let mut these = Vec::new();
            self.ledger.commit::<LedgerError>(&run.by, |view| {
                these.clear();
                let mut fresh = Vec::new();
                for (key, account, draft) in chunk {
                    let row = view.row::<StepRow>(Kind::Step, key)?;
                    if row.is_some_and(|r| r.withheld.is_none() && r.ended.is_none()) {
                        these.push(account.clone());
                        fresh.push(draft.clone());
                    }
                }
                Ok(fresh)
            })?;
            called_off.append(&mut these);
        }
        Ok(called_off)
    }

    /// Why a planned step is called off, and the entry that it follows from.
    fn off(
        &self,
        row: &StepRow,
        traits: &Traits,
        now: Time,
    ) -> Result<Option<(&'static str, Option<EntryId>)>, EngineError> {
        let step = &row.step;
        if step.does == Do::Restore {
            let proposed = step.because.as_str() == WITHDRAWN;
            let off = proposed && self.no_restore(step, now)?.is_some();
            return Ok(off.then_some(("step.fell-away", None)));
        }
        let view = self.ledger.view()?;
        let off = rests_on_departure(step.class) && self.has_not_left(&view, step, traits, now)?;
        // what came of a call is settled first
        if !off || is_in_doubt(&view, &step.account)? {
            return Ok(None);
        }
        let mut cause = None;
        for person in self.persons_behind(&view, step)? {
            let told = person.withdrawn.map(|mark| mark.seq);
            let entry = view.entry(told.unwrap_or(person.seq))?;
            cause = cause.or(entry.map(|entry| entry.id));
        }
        Ok(Some(("keep.departure-withdrawn", cause)))
    }

    /// The persons on whose departure the decision behind a step rests.
    fn persons_behind(&self, view: &View<'_>, step: &Step) -> Result<Vec<PersonRow>, EngineError> {
        let decision = view.decision(step.decision)?;
        let mut persons = Vec::new();
        for sub in decision.into_iter().flat_map(|d| d.persons) {
            persons.extend(view.row::<PersonRow>(Kind::Person, sub.as_str())?);
        }
        Ok(persons)
    }

    /// Whether everybody on whose departure a step rests has not left after all, and nobody else to
    /// whom the account belongs has.
    fn has_not_left(
        &self,
        view: &View<'_>,
        step: &Step,
        traits: &Traits,
        now: Time,
    ) -> Result<bool, EngineError> {
        let account = view.row::<AccountRow>(Kind::Account, step.account.as_str())?;
        let Some(account) = account.filter(|a| a.gone.is_none()) else {
            return Ok(false);
        };
        let persons = self.persons_behind(view, step)?;
        let named = step.class == Class::Named;
        let all_back = persons.iter().all(|person| {
            // what only a named person said needs no directory to be taken back either
            let unknown = named && !traits.contains_key(&person.directory);
            is_back(person, traits, now) || unknown && departure(person, false, now).is_none()
        });
        // without a person, only a named one can have said so
        if !all_back || (persons.is_empty() && !named) {
            return Ok(false);
        }
        let Some(facts) = self.facts_of(view, account, None)? else {
            return Ok(false);
        };
        let mut belongs = persons.is_empty();
        for person in &persons {
            let key = pair_key(&step.account, person.directory.as_str());
            let link = view.row::<LinkRow>(Kind::Link, &key)?;
            belongs |= link.and_then(|l| l.person).as_ref() == Some(&person.subject);
        }
        Ok(belongs && leaver(&facts, now).is_none())
    }

    /// Decides again about every account whose last word was about a departure that is none any
    /// more, so that an entry says that it is over.
    fn decide_pending(&self, run: &Run) -> Result<(), EngineError> {
        let rows = self.ledger.view()?.rows::<DecisionRow>(Kind::Decision)?;
        let pending: Vec<_> = rows
            .into_iter()
            .map(|(_, row)| row)
            .filter(is_pending)
            .map(|row| row.account)
            .collect();
        for chunk in pending.chunks(crate::ledger::BATCH) {
            // what is appended was decided on the very head that it follows
            self.ledger
                .commit::<EngineError>(&run.by, |view| self.over(view, run, chunk))?;
        }
        Ok(())
    }

    /// The decisions that say of some accounts that a departure is over, as the rows stand.
    fn over(
        &self,
        view: &View<'_>,
        run: &Run,
        accounts: &[Subject],
    ) -> Result<Vec<Draft>, EngineError> {
        let Some((version, set)) = adopted(view)? else {
            return Ok(Vec::new());
        };
        let gatherer = self.gatherer(view, None)?;
        let mut drafts = Vec::new();
        for account in accounts {
            let Some(account) = view.row::<AccountRow>(Kind::Account, account.as_str())? else {
                continue;
            };
            let Some(facts) = gatherer.facts(account)? else {
                continue;
            };
            let last = facts.previous.as_ref().filter(|row| is_pending(row));
            let Some(last) = last.filter(|_| leaver(&facts, run.now).is_none()) else {
                continue;
            };
            let mut decision = decide(&facts, &set, run.now);
            decision.evidence.push(version);
            if differs(Some(&last.decision), &decision) {
                drafts.push(self.decision_draft(run, &facts, &decision)?);
            }
        }
        Ok(drafts)
    }

    /// The accounts that we have disabled because somebody had left who has not left after all:
    /// the steps that give them back, and those that cannot be given back.
    pub fn to_give_back(&self, now: Time) -> Result<Restorable, EngineError> {
        self.given_back(&self.traits_by_name()?, now)
    }

    fn given_back(&self, traits: &Traits, now: Time) -> Result<Restorable, EngineError> {
        let view = self.ledger.view()?;
        let mut found = Restorable::default();
        for (account, command) in newest_changes(&view)? {
            let ours = command.does == Do::Disable && !was_so(&command);
            let Some(behind) = self.step_behind(&view, &command)?.filter(|_| ours) else {
                continue;
            };
            if !self.was_withdrawn(&view, &behind, &command, traits, now)? {
                continue;
            }
            let step = Step {
                account: account.clone(),
                tenant: command.tenant,
                policy: RESTORE.to_owned(),
                does: Do::Restore,
                class: Class::Named,
                because: Code::new(WITHDRAWN),
                directories: Vec::new(),
                successor: None,
                succession: None,
                decision: command.seq,
            };
            match self.cannot_restore(&step)? {
                None => found.steps.push(step),
                // somebody has enabled it, or it was not read since
                Some(code) if code.as_str() == "block.not-disabled" => {}
                Some(code) => found.cannot.push((account, code)),
            }
        }
        Ok(found)
    }

    fn step_behind(
        &self,
        view: &View<'_>,
        command: &CommandRow,
    ) -> Result<Option<Step>, EngineError> {
        if !rests_on_departure(command.class) {
            return Ok(None);
        }
        let key = step_key(command.plan.as_str(), command.step);
        let row = view.row::<StepRow>(Kind::Step, &key)?;
        Ok(row.map(|row| row.step))
    }

    /// Whether what a command rests on was withdrawn after it.
    fn was_withdrawn(
        &self,
        view: &View<'_>,
        step: &Step,
        command: &CommandRow,
        traits: &Traits,
        now: Time,
    ) -> Result<bool, EngineError> {
        let persons = self.persons_behind(view, step)?;
        let since = |p: &PersonRow| p.withdrawn.as_ref().is_some_and(|m| m.seq > command.seq);
        let told = step.class == Class::Named || persons.iter().any(since);
        Ok(told && self.has_not_left(view, step, traits, now)?)
    }

    /// The accounts of some persons that we have removed because they had left: nothing gives them
    /// back.
    fn removed_of(&self, of: &[Subject]) -> Result<Vec<(Subject, Code)>, EngineError> {
        if of.is_empty() {
            return Ok(Vec::new());
        }
        let view = self.ledger.view()?;
        let mut removed = Vec::new();
        for (account, command) in newest_changes(&view)? {
            let ours = command.does == Do::Remove && !was_so(&command);
            let Some(step) = self.step_behind(&view, &command)?.filter(|_| ours) else {
                continue;
            };
            let persons = self.persons_behind(&view, &step)?;
            if of.contains(&account) || persons.iter().any(|p| of.contains(&p.subject)) {
                removed.push((account, Code::new("block.cannot-restore")));
            }
        }
        Ok(removed)
    }

    /// Makes the plan that gives accounts back, of those for which nobody was asked yet. It waits
    /// for an approval.
    fn propose_restore(
        &self,
        run: &Run,
        mut steps: Vec<Step>,
    ) -> Result<Option<PlanRow>, EngineError> {
        let asked = self.asked_already(&steps, run.now)?;
        steps.retain(|step| !asked.contains(&step.account));
        let Some((version, set)) = self.adopted_policy()?.filter(|_| !steps.is_empty()) else {
            return Ok(None);
        };
        self.create(run, version, &set, steps).map(Some)
    }

    /// The accounts that stand in an open plan already, or whose giving back was rejected or tried.
    fn asked_already(&self, steps: &[Step], now: Time) -> Result<BTreeSet<Subject>, EngineError> {
        let mut asked = BTreeSet::new();
        if steps.is_empty() {
            return Ok(asked);
        }
        for (_, left) in self.open_steps(now)? {
            asked.extend(left.into_iter().map(|s| s.step.account));
        }
        let wanted: BTreeSet<_> = steps.iter().map(|s| (&s.account, s.decision)).collect();
        let view = self.ledger.view()?;
        for (_, row) in view.rows::<StepRow>(Kind::Step)? {
            let same = wanted.contains(&(&row.step.account, row.step.decision));
            if row.step.does != Do::Restore || !same {
                continue;
            }
            let plan = view.row::<PlanRow>(Kind::Plan, row.plan.as_str())?;
            if row.ended.is_some() || plan.is_some_and(|plan| plan.rejected.is_some()) {
                asked.insert(row.step.account);
            }
        }
        Ok(asked)
    }
}

/// What is still to be told of a person: what fell away of a departure, or that they were taken off
/// a list of leavers.
fn untold(person: &PersonRow, traits: &Traits) -> Option<Untold> {
    let directory = traits.get(&person.directory)?;
    let untold = |seq: Seq, facts: Vec<Strength>| Untold {
        person: person.subject.clone(),
        directory: person.directory.clone(),
        facts,
        seq,
    };
    if let Some(fell) = &person.fell_away {
        return Some(untold(fell.seq, fell.facts.clone()));
    }
    let missed = person.missed.as_ref();
    let missed = missed.filter(|_| !directory.lists_everybody)?;
    if person
        .withdrawn
        .as_ref()
        .is_some_and(|m| m.seq > missed.seq)
    {
        return None;
    }
    let mut listed = person.clone();
    (listed.missed, listed.absent) = (None, None);
    if departure(person, false, missed.since).is_some() {
        return None;
    }
    let left = departure(&listed, false, missed.since)?;
    let facts = left.facts.iter().map(|fact| fact.strength).collect();
    Some(untold(missed.seq, facts))
}

/// Whether nothing says that a person has left, and a directory that lists everybody has them.
fn is_back(person: &PersonRow, traits: &Traits, now: Time) -> bool {
    let Some(directory) = traits.get(&person.directory) else {
        return false;
    };
    let everybody = directory.lists_everybody;
    (person.stands() || !everybody) && departure(person, everybody, now).is_none()
}

fn is_in_doubt(view: &View<'_>, account: &Subject) -> Result<bool, LedgerError> {
    let commands = view.commands_of(account)?;
    Ok(commands.iter().any(CommandRow::is_open))
}

/// Whether the last word about an account is that something is to be done because of a departure.
fn is_pending(row: &DecisionRow) -> bool {
    row.decision.when == Some(When::Departed) && row.decision.verdict != Ruling::Keep
}

const fn rests_on_departure(class: Class) -> bool {
    matches!(class, Class::Named | Class::Explicit | Class::Absent)
}

/// By account: the newest command that changed it.
fn newest_changes(view: &View<'_>) -> Result<BTreeMap<Subject, CommandRow>, EngineError> {
    let mut newest: BTreeMap<Subject, CommandRow> = BTreeMap::new();
    for (_, command) in view.rows::<CommandRow>(Kind::Command)? {
        if !command.took_effect() || !command.does.changes_account() {
            continue;
        }
        let known = newest.get(&command.account).map_or(0, |c| c.seq);
        if command.seq >= known {
            newest.insert(command.account.clone(), command);
        }
    }
    Ok(newest)
}
