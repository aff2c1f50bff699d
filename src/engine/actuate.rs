//! Carries a plan out: each account is decided again, each request has an intent before it and an
//! outcome after it.

use std::collections::BTreeMap;

use crate::domain::account::AccountFacts;
use crate::domain::account::Do;
use crate::domain::attempts::RETRY_LATER;
use crate::domain::code::Code;
use crate::domain::event::AccountGone;
use crate::domain::event::Draft;
use crate::domain::event::PersonMissed;
use crate::domain::event::StepWithheld;
use crate::domain::fold::step_key;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::plan::is_expired;
use crate::domain::plan::recheck;
use crate::domain::rows::AccountRow;
use crate::domain::rows::ActivityRow;
use crate::domain::rows::Class;
use crate::domain::rows::CommandRow;
use crate::domain::rows::HaltRow;
use crate::domain::rows::Kind;
use crate::domain::rows::PersonRow;
use crate::domain::rows::PlanRow;
use crate::domain::rows::Step;
use crate::domain::rows::StepRow;
use crate::domain::source::SourceKind;
use crate::domain::source::Verdict;
use crate::domain::time::DAY_SECONDS;
use crate::domain::time::Time;
use crate::engine::DirectorySource;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::Run;
use crate::engine::TenantSource;
use crate::engine::command::Job;
use crate::engine::keys::Keys;
use crate::engine::keys::MOST_KEYS;
use crate::engine::restore::WITHDRAWN;
use crate::ledger::LedgerError;
use crate::ledger::View;
use crate::ledger::vault::Profile;
use crate::ledger::vault::SubjectKind;
use crate::provider::Next;
use crate::provider::Target;

/// How many requests one step may take at most: disable, hand over, remove, and a few more.
const MOST_REQUESTS: usize = 8;

/// How long a step waits for the tenant to finish what an earlier request began, in seconds; after
/// that the step keeps its place in the plan.
const WAITS_S: u64 = 120;

/// What became of one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepEnd {
    /// The tenant says that it is done, and reading back does not contradict.
    Done,
    /// There was nothing to do any more.
    Already,
    /// The tenant said no.
    Refused(Code),
    /// Nothing reached the tenant; it may be tried again.
    Failed(Code),
    /// It may have happened; settled after the deadline.
    Unknown(Code),
    /// Not taken: what it rested on fell away, or something blocks it.
    Withheld(Code),
    /// Not taken now and still planned: stopped by a brake, a halt, or because reading failed.
    Stopped(Code),
}

impl StepEnd {
    /// Whether the tenant is as was wanted.
    pub const fn took_effect(&self) -> bool {
        matches!(self, StepEnd::Done | StepEnd::Already)
    }
}

/// One step with what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The step.
    pub step: StepRow,
    /// What became of it.
    pub end: StepEnd,
    /// What was done on the way of a step that did not come to its end: an account that was
    /// disabled to be removed, and stays so.
    pub part: Vec<Do>,
    /// Whether any of that was done just now.
    pub part_now: bool,
}

/// What is at hand just before a request.
struct Ready<'a> {
    tenant: &'a TenantSource,
    target: Target,
    facts: AccountFacts,
}

impl Engine {
    /// Carries out the steps of a plan that may be carried out now, one account after the other;
    /// stops after the call in flight when `interrupted` says so.
    ///
    /// `told` hears of each step as soon as its end is recorded.
    pub async fn carry_out(
        &self,
        run: &Run,
        plan: &PlanRow,
        interrupted: &(dyn Fn() -> bool + Sync),
        told: &mut (dyn FnMut(&Taken) + Send),
    ) -> Result<Vec<Taken>, EngineError> {
        let steps = self.steps_left(plan)?;
        let stopped = self.stopped_by_brakes(run, plan, &steps)?;
        let mut all = Vec::new();
        for step in steps {
            if interrupted() {
                break;
            }
            let end = match stopped.get(&step.number) {
                Some(code) => StepEnd::Stopped(code.clone()),
                None => self.take_step(run, plan, &step).await?,
            };
            let taken = self.taken(run, step, end)?;
            told(&taken);
            all.push(taken);
        }
        self.ledger.sync()?;
        Ok(all)
    }

    fn taken(&self, run: &Run, step: StepRow, end: StepEnd) -> Result<Taken, EngineError> {
        let (mut part, mut part_now) = (Vec::new(), false);
        if !end.took_effect() && self.was_begun(&step)? {
            let mut own = self.ledger.view()?.commands_of(&step.step.account)?;
            let on_the_way = |c: &CommandRow| c.does != step.step.does && c.took_effect();
            own.retain(|c| c.plan == step.plan && c.step == step.number && on_the_way(c));
            part_now = own.iter().any(|c| c.seq > run.seq);
            part = own.into_iter().map(|c| c.does).collect();
            part.dedup();
        }
        Ok(Taken {
            step,
            end,
            part,
            part_now,
        })
    }

    /// Whether a request was ever intended for a step, as the ledger stands.
    fn was_begun(&self, step: &StepRow) -> Result<bool, EngineError> {
        let key = step_key(step.plan.as_str(), step.number);
        let row = self.ledger.view()?.row::<StepRow>(Kind::Step, &key)?;
        Ok(row.is_none_or(|row| row.intent.is_some()))
    }

    /// Takes one step: request by request until the one that the step is for, each decided again.
    async fn take_step(
        &self,
        run: &Run,
        plan: &PlanRow,
        step: &StepRow,
    ) -> Result<StepEnd, EngineError> {
        let mut waited = 0;
        let mut before = None;
        let mut keys = Keys::default();
        for _ in 0..MOST_REQUESTS + MOST_KEYS {
            let ready = match self.ready(run, plan, step, before.as_ref()).await? {
                Ok(ready) => ready,
                Err(end) => return Ok(end),
            };
            let activity = self.activity_of(&step.step.account)?;
            before.get_or_insert(activity);
            let next = ready.tenant.adapter.prepare(&ready.target, step.step.does);
            let order = match next.await {
                Ok(Next::Send(order)) => keys
                    .first(ready.tenant, &ready.target, step.step.does)
                    .await
                    .unwrap_or(order),
                Ok(Next::Withhold(code)) => {
                    let code = Code::new(code);
                    self.withhold(run, plan, step, &code)?;
                    return Ok(StepEnd::Withheld(code));
                }
                Ok(Next::Wait(percent)) if waited < WAITS_S => {
                    waited += self.wait(&step.step, percent).await?;
                    continue;
                }
                Ok(Next::Wait(_)) => {
                    return Ok(StepEnd::Stopped(Code::new("block.transfer-running")));
                }
                Err(error) => return Ok(StepEnd::Stopped(Code::new(error.fault()))),
            };
            let job = Job {
                run,
                plan,
                step,
                tenant: ready.tenant,
                target: &ready.target,
                order: &order,
            };
            let end = match self.intend(&job, &ready.facts)? {
                Ok(intent) => self.call(&job, &intent).await?,
                Err(code) => StepEnd::Stopped(code),
            };
            if matches!(&end, StepEnd::Failed(code) if code.as_str() == "call.other-form") {
                continue;
            }
            if order.does == Do::Revoke && self.goes_on_without(&step.step, &end)? {
                continue;
            }
            if !end.took_effect() || order.does == step.step.does {
                return Ok(end);
            }
        }
        Ok(StepEnd::Stopped(Code::new("block.transfer-running")))
    }

    /// Waits a little for what the tenant is at, and says so; returns the seconds.
    async fn wait(&self, step: &Step, percent: Option<u64>) -> Result<u64, EngineError> {
        let name = self.called(&step.account)?;
        let so_far = percent.map_or_else(String::new, |p| format!(", {p} % so far"));
        self.report.note(&format!(
            "{name}: what it owns is being handed over{so_far}"
        ));
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        Ok(1)
    }

    /// Reads everything again that a request rests on; the end of the step if it does not hold.
    ///
    /// `before` is the account's activity at the first request of the step, once there was one.
    async fn ready(
        &self,
        run: &Run,
        plan: &PlanRow,
        step: &StepRow,
        before: Option<&Option<ActivityRow>>,
    ) -> Result<Result<Ready<'_>, StepEnd>, EngineError> {
        let stopped = |code: Code| Ok(Err(StepEnd::Stopped(code)));
        let Some(tenant) = self.tenant(&step.step.tenant) else {
            return stopped(Code::new("block.tenant-not-configured"));
        };
        if !self.is_where_it_was(tenant)? {
            return stopped(Code::new("block.other-address"));
        }
        if let Some(code) = self.plan_ended(plan, step)? {
            return stopped(code);
        }
        if let Some(code) = halted(&self.ledger.view()?, tenant, self.clock.now())? {
            return stopped(code);
        }
        let Some(id) = self.account_id(&step.step.account)? else {
            return stopped(Code::new("block.erased"));
        };
        let everyone = step.step.class == Class::Everyone;
        if everyone && self.has_unmatched(&tenant.name, &mut BTreeMap::new())? {
            return stopped(Code::new("block.protected-unmatched"));
        }
        if let Some(code) = self.look_again(run, tenant, step, &id).await? {
            return stopped(code);
        }
        if let Some(code) = self.holds_no_more(run, step, before)? {
            // A reading that failed says nothing about the account, and what the tenant refused is
            // tried again later: the step keeps its place.
            if code.as_str().starts_with("block.source-") || code.as_str() == RETRY_LATER {
                return stopped(code);
            }
            self.withhold(run, plan, step, &code)?;
            return Ok(Err(StepEnd::Withheld(code)));
        }
        let successor = match self.successor_now(run, tenant, &step.step).await? {
            Ok(successor) => successor,
            // A successor who could not be read says nothing: the step keeps its place.
            Err(code) if code.as_str().starts_with("read.") => return stopped(code),
            Err(code) => {
                self.withhold(run, plan, step, &code)?;
                return Ok(Err(StepEnd::Withheld(code)));
            }
        };
        let row = self.account(&step.step.account)?;
        let Some(facts) = row.map(|row| row.facts) else {
            return stopped(Code::new("block.erased"));
        };
        let target = Target {
            id,
            facts: Some(facts.clone()),
            successor,
            done: self.done_lately(&step.step)?,
            released: self.released_for(run, &step.step)?,
        };
        Ok(Ok(Ready {
            tenant,
            target,
            facts,
        }))
    }

    /// Why a step does not hold any more, from a fresh decision.
    ///
    /// After its first request a step goes on although the account does not look any more like what
    /// the rule matched (an invitation that was disabled, to be removed), unless somebody was active
    /// or came back meanwhile.
    fn holds_no_more(
        &self,
        run: &Run,
        step: &StepRow,
        before: Option<&Option<ActivityRow>>,
    ) -> Result<Option<Code>, EngineError> {
        if step.step.does == Do::Restore {
            return self.no_restore(&step.step, run.now);
        }
        let decision = self.decide_one(run, &step.step)?;
        let successor = match step.step.does {
            Do::Remove => self.heir_of(run.now, &step.step.account, &step.step.tenant)?,
            _ => None,
        };
        let code = recheck(&step.step, &decision, successor.as_ref());
        let Some(before) = before.filter(|_| code.is_some()) else {
            return Ok(code);
        };
        let fell_away = code
            .as_ref()
            .is_some_and(|c| c.as_str() == "step.fell-away");
        let still = self.activity_of(&step.step.account)? == *before
            && decision.persons == self.persons_of(&step.step)?;
        Ok(code.filter(|_| !(fell_away && still)))
    }

    /// The persons on whom the decision behind a step rests.
    fn persons_of(&self, step: &Step) -> Result<Vec<Subject>, EngineError> {
        let decision = self.ledger.view()?.decision(step.decision)?;
        Ok(decision.map(|d| d.persons).unwrap_or_default())
    }

    fn activity_of(&self, account: &Subject) -> Result<Option<ActivityRow>, EngineError> {
        Ok(self.ledger.view()?.row(Kind::Activity, account.as_str())?)
    }

    /// The row of an account.
    pub fn account(&self, account: &Subject) -> Result<Option<AccountRow>, EngineError> {
        Ok(self.ledger.view()?.row(Kind::Account, account.as_str())?)
    }

    /// Which requests for an account took effect lately, the oldest first. What was handed over to
    /// somebody else, or so long ago that there may be more by now, is not among them.
    fn done_lately(&self, step: &Step) -> Result<Vec<Do>, EngineError> {
        let commands = self.ledger.view()?.commands_of(&step.account)?;
        let from = self.clock.now().plus_seconds(-DAY_SECONDS);
        let done = commands
            .into_iter()
            .filter(|c| c.took_effect() && c.at >= from)
            .filter(|c| c.does != Do::Transfer || c.successor == step.successor);
        Ok(done.map(|c| c.does).collect())
    }

    /// Why a plan may not take this step any more: asked before each one, since carrying out can
    /// take long, and a plan can be rejected meanwhile. Expiry forbids a step's first intent only.
    fn plan_ended(&self, plan: &PlanRow, step: &StepRow) -> Result<Option<Code>, EngineError> {
        let now: Option<PlanRow> = self.ledger.view()?.row(Kind::Plan, plan.plan.as_str())?;
        let code = match now {
            Some(now) if let Some(code) = now.ended() => code,
            Some(now) if !self.rules_still(&now)? => "plan.other-policy",
            Some(now) if step.intent.is_none() && is_expired(&now, self.clock.now()) => {
                "plan.expired"
            }
            _ => return Ok(None),
        };
        Ok(Some(Code::new(code)))
    }

    /// Reads the account, and the people on whom the step rests, just before the call, and records
    /// what is new. A reading that fails stops the step: nothing rests on an old one.
    async fn look_again(
        &self,
        run: &Run,
        tenant: &TenantSource,
        step: &StepRow,
        id: &str,
    ) -> Result<Option<Code>, EngineError> {
        match tenant.adapter.account(id).await {
            Err(error) => return Ok(Some(Code::new(error.fault()))),
            Ok(None) => {
                let gone = AccountGone {
                    tenant: tenant.name.clone(),
                };
                let draft = Draft::new(self.ledger.entry_id()?, &gone).about(&step.step.account);
                self.ledger.append_all(&run.by, vec![draft])?;
            }
            Ok(Some(record)) => self.observe_account(run, tenant, record)?,
        }
        for person in self.people_of(&step.step.account)? {
            let named = step.step.class == Class::Named;
            let Some(directory) = self.directory(&person.directory) else {
                match self.unasked(&step.step, &person.directory)? {
                    None => continue,
                    code => return Ok(code),
                }
            };
            let profile = self.profile(&person.subject)?;
            let Some(key) = profile.first(Profile::KEY) else {
                continue;
            };
            match self.as_read(directory).await? {
                Standing::AsRead => {}
                // Nobody knows whether they have left again.
                Standing::Disbelieved if step.step.because.as_str() == WITHDRAWN => {
                    return Ok(Some(Code::new("block.source-suspect")));
                }
                // Nothing rests on a file that was not believed, neither for nor against.
                Standing::Disbelieved => continue,
                Standing::Moved if named => continue,
                Standing::Moved => return Ok(Some(Code::new("read.moved"))),
            }
            match directory.adapter.look_up(key).await {
                Err(_) if named && step.step.does == Do::Disable => {}
                Err(error) => return Ok(Some(Code::new(error.fault()))),
                Ok(Some(record)) => self.observe_person(run, &person, &record)?,
                // Taken off a list of leavers: what it said is withdrawn.
                Ok(None) if !directory.adapter.lists_everybody() => {
                    self.withdraw(run, &person)?;
                }
                // Gone, or gone again: absence is a matter for whole reads.
                Ok(None) => {}
            }
        }
        Ok(None)
    }

    /// Why a step cannot do without a directory that is not configured. What a named person said does
    /// not rest on one, and one that is no part of the policy any more has no say.
    fn unasked(&self, step: &Step, directory: &SourceName) -> Result<Option<Code>, EngineError> {
        let traits = self.directory_traits(&self.ledger.view()?)?;
        let ruled = traits.iter().any(|t| t.name == *directory);
        let named = step.class == Class::Named;
        let goes_on = named && (step.does == Do::Disable || !ruled);
        Ok((!goes_on).then(|| Code::new("block.directory-not-configured")))
    }

    /// How a directory stands to its newest read. A look-up in a file reads that file again, and
    /// nobody has judged it then: it counts only where it is the one that a read has shown.
    async fn as_read(&self, directory: &DirectorySource) -> Result<Standing, EngineError> {
        let written = match directory.adapter.written_at().await {
            Ok(None) => return Ok(Standing::AsRead),
            Ok(Some(written)) => Some(written),
            Err(_) => None,
        };
        let row = self.source_row(SourceKind::Directory, &directory.name)?;
        let Some(last) = row.map(|row| row.last) else {
            return Ok(Standing::Disbelieved);
        };
        if last.verdict != Verdict::Complete {
            return Ok(Standing::Disbelieved);
        }
        let then = last.proof.and_then(|proof| proof.written_at);
        Ok(match written == then {
            true => Standing::AsRead,
            false => Standing::Moved,
        })
    }

    fn withdraw(&self, run: &Run, person: &PersonRow) -> Result<(), EngineError> {
        if person.missed.is_some() {
            return Ok(());
        }
        let missed = PersonMissed {
            directory: person.directory.clone(),
            anew: false,
        };
        let draft = Draft::new(self.ledger.entry_id()?, &missed).about(&person.subject);
        self.ledger.append_all(&run.by, vec![draft])?;
        Ok(())
    }

    fn observe_person(
        &self,
        run: &Run,
        person: &PersonRow,
        record: &crate::domain::person::PersonRecord,
    ) -> Result<(), EngineError> {
        let known = [(person.subject.clone(), person.clone())]
            .into_iter()
            .collect();
        let vault = self.ledger.vault()?;
        let sub = vault.subject_of(SubjectKind::Person, &person.directory, &record.key)?;
        if sub.as_ref() != Some(&person.subject) {
            return Ok(());
        }
        let mut batch = vault.batch()?;
        let draft = self.person_draft(&mut batch, run, &person.directory, record, &known, None)?;
        batch.commit()?;
        self.ledger
            .append_all(&run.by, draft.into_iter().collect())?;
        Ok(())
    }

    fn withhold(
        &self,
        run: &Run,
        plan: &PlanRow,
        step: &StepRow,
        code: &Code,
    ) -> Result<(), EngineError> {
        let payload = StepWithheld {
            plan: plan.plan.clone(),
            step: step.number,
            because: code.clone(),
        };
        let draft = Draft::new(self.ledger.entry_id()?, &payload).about(&step.step.account);
        self.ledger.append_all(&run.by, vec![draft])?;
        Ok(())
    }

    /// The steps of a plan that have no end yet, in order.
    pub fn steps_left(&self, plan: &PlanRow) -> Result<Vec<StepRow>, EngineError> {
        let rows = self.steps_of(plan)?;
        Ok(rows
            .into_iter()
            .filter(|s| s.ended.is_none() && s.withheld.is_none())
            .collect())
    }

    /// All steps of a plan, in order.
    pub fn steps_of(&self, plan: &PlanRow) -> Result<Vec<StepRow>, EngineError> {
        let prefix = format!("{}/", plan.plan);
        let rows = self
            .ledger
            .view()?
            .rows_under::<StepRow>(Kind::Step, &prefix)?;
        Ok(rows.into_iter().map(|(_, row)| row).collect())
    }

    /// The people to whom an account belongs.
    pub fn people_of(
        &self,
        account: &crate::domain::id::Subject,
    ) -> Result<Vec<PersonRow>, EngineError> {
        let facts = self.facts(account)?;
        let links = facts.map(|f| f.links).unwrap_or_default();
        Ok(links.into_iter().filter_map(|link| link.person).collect())
    }
}

/// How a directory stands to its newest read.
enum Standing {
    /// It answers by itself, or it is the file that the newest read has shown.
    AsRead,
    /// A file whose newest read is not believed.
    Disbelieved,
    /// A file that was written since.
    Moved,
}

/// Whether calls to a tenant are stopped now.
pub fn halted(
    view: &View<'_>,
    tenant: &TenantSource,
    now: Time,
) -> Result<Option<Code>, LedgerError> {
    for key in ["all".to_owned(), format!("tenant:{}", tenant.name)] {
        if let Some(halt) = view.row::<HaltRow>(Kind::Halt, &key)?
            && halt.until.is_none_or(|until| now < until)
        {
            return Ok(Some(Code::new("block.halted")));
        }
    }
    Ok(None)
}
