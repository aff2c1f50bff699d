//! Carries a plan out: each account is decided again, each request has an intent before it and an
//! outcome after it.

use crate::domain::account::AccountFacts;
use crate::domain::code::Code;
use crate::domain::event::AccountGone;
use crate::domain::event::CommandIntended;
use crate::domain::event::CommandOutcome;
use crate::domain::event::CommandResult;
use crate::domain::event::Draft;
use crate::domain::event::PersonMissed;
use crate::domain::event::StepWithheld;
use crate::domain::id::EntryId;
use crate::domain::plan::is_expired;
use crate::domain::plan::recheck;
use crate::domain::rows::AccountRow;
use crate::domain::rows::CommandRow;
use crate::domain::rows::HaltRow;
use crate::domain::rows::Kind;
use crate::domain::rows::PersonRow;
use crate::domain::rows::PlanRow;
use crate::domain::rows::StepRow;
use crate::domain::time::Time;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::Run;
use crate::engine::TenantSource;
use crate::ledger::LedgerError;
use crate::ledger::View;
use crate::ledger::vault::Profile;
use crate::ledger::vault::SubjectKind;
use crate::provider::Answer;
use crate::provider::AnswerVerdict;

/// How long a call may take to begin after its intent was made, in seconds: until then three files
/// are made durable. One that is later is not sent, since its answer could come past the deadline.
const BEGIN_WITHIN_S: i64 = 5;

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

/// One step with what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The step.
    pub step: StepRow,
    /// What became of it.
    pub end: StepEnd,
}

/// A durable intent.
struct Intent {
    id: EntryId,
    deadline: Time,
}

/// What came of a call that was too late to be begun.
fn not_sent() -> Answer {
    Answer {
        verdict: AnswerVerdict::Failed,
        status: None,
        code: "call.not-sent",
        body: String::new(),
    }
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
            let taken = Taken { step, end };
            told(&taken);
            all.push(taken);
        }
        self.ledger.sync()?;
        Ok(all)
    }

    async fn take_step(
        &self,
        run: &Run,
        plan: &PlanRow,
        step: &StepRow,
    ) -> Result<StepEnd, EngineError> {
        let Some(tenant) = self.tenant(&step.step.tenant) else {
            return Ok(StepEnd::Stopped(Code::new("block.tenant-not-configured")));
        };
        if !self.is_where_it_was(tenant)? {
            return Ok(StepEnd::Stopped(Code::new("block.other-address")));
        }
        if let Some(code) = self.plan_ended(plan, step)? {
            return Ok(StepEnd::Stopped(code));
        }
        if let Some(code) = halted(&self.ledger.view()?, tenant, self.clock.now())? {
            return Ok(StepEnd::Stopped(code));
        }
        let Some(id) = self.account_id(&step.step.account)? else {
            return Ok(StepEnd::Stopped(Code::new("block.erased")));
        };
        if let Some(code) = self.look_again(run, tenant, step, &id).await? {
            return Ok(StepEnd::Stopped(code));
        }
        let decision = self.decide_one(run, &step.step)?;
        if let Some(code) = recheck(&step.step, &decision, None) {
            // A reading that failed says nothing about the account: the step keeps its place.
            if code.as_str().starts_with("block.source-") {
                return Ok(StepEnd::Stopped(code));
            }
            self.withhold(run, plan, step, &code)?;
            return Ok(StepEnd::Withheld(code));
        }
        let row: Option<AccountRow> = self
            .ledger
            .view()?
            .row(Kind::Account, step.step.account.as_str())?;
        let Some(row) = row else {
            return Ok(StepEnd::Stopped(Code::new("block.erased")));
        };
        match self.intend(run, plan, step, tenant, &id, &row.facts)? {
            Ok(intent) => self.call(run, step, tenant, &id, &intent).await,
            Err(code) => Ok(StepEnd::Stopped(code)),
        }
    }

    /// Why a plan may not take this step any more: asked before each one, since carrying out can
    /// take long, and a plan can be rejected meanwhile. Expiry forbids a step's first intent only.
    fn plan_ended(&self, plan: &PlanRow, step: &StepRow) -> Result<Option<Code>, EngineError> {
        let now: Option<PlanRow> = self.ledger.view()?.row(Kind::Plan, plan.plan.as_str())?;
        let code = match now {
            Some(now) if now.rejected.is_some() => "plan.rejected",
            Some(now) if now.replaced_by.is_some() => "plan.replaced",
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
            let Some(directory) = self.directory(&person.directory) else {
                return Ok(Some(Code::new("block.directory-not-configured")));
            };
            let profile = self.profile(&person.subject)?;
            let Some(key) = profile.first(Profile::KEY) else {
                continue;
            };
            match directory.adapter.look_up(key).await {
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

    fn withdraw(&self, run: &Run, person: &PersonRow) -> Result<(), EngineError> {
        if person.missed.is_some() {
            return Ok(());
        }
        let missed = PersonMissed {
            directory: person.directory.clone(),
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
        let draft = self.person_draft(&mut batch, run, &person.directory, record, &known)?;
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

    /// Appends the intent and makes it durable; why not, if another call for this account is open
    /// or a halt was set meanwhile.
    fn intend(
        &self,
        run: &Run,
        plan: &PlanRow,
        step: &StepRow,
        tenant: &TenantSource,
        id: &str,
        seen: &AccountFacts,
    ) -> Result<Result<Intent, Code>, EngineError> {
        let wanted = step.step.does;
        let request = tenant.adapter.request(id, wanted)?;
        let limit = i64::try_from(tenant.adapter.request_limit_s()).unwrap_or(i64::MAX / 2);
        let intent = self.ledger.entry_id()?;
        let most = limit.saturating_add(BEGIN_WITHIN_S);
        let deadline = self.clock.now().plus_seconds(most);
        let account = &step.step.account;
        let mut draft = {
            let payload = CommandIntended {
                tenant: tenant.name.clone(),
                does: wanted,
                plan: plan.plan.clone(),
                step: step.number,
                class: step.step.class,
                directories: step.step.directories.clone(),
                attempt: self.attempts(step)? + 1,
                deadline,
                method: request.method.to_owned(),
                path: request.path.clone(),
                seen: seen.clone(),
            };
            Draft::new(intent.clone(), &payload).about(account)
        };
        let mut batch = self.ledger.vault()?.batch()?;
        batch.conceal(&mut draft, "request", account, request.body.as_bytes())?;
        batch.commit()?;
        crate::crash::point("intent-in-vault");
        let mut blocked = None;
        self.ledger.commit::<LedgerError>(&run.by, |view| {
            let open = view.rows::<CommandRow>(Kind::Command)?;
            let busy = open
                .iter()
                .any(|(_, c)| c.account == *account && c.is_open());
            blocked = match busy {
                true => Some(Code::new("block.in-doubt")),
                false => halted(view, tenant, self.clock.now())?,
            };
            Ok(match blocked {
                Some(_) => Vec::new(),
                None => vec![draft.clone()],
            })
        })?;
        // Nothing is sent before the intent and the head lock are on the disk.
        self.ledger.sync()?;
        crate::crash::point("intent-durable");
        Ok(match blocked {
            None => Ok(Intent {
                id: intent,
                deadline,
            }),
            Some(code) => Err(code),
        })
    }

    fn attempts(&self, step: &StepRow) -> Result<u64, EngineError> {
        let commands = self.ledger.view()?.rows::<CommandRow>(Kind::Command)?;
        let own = commands
            .iter()
            .filter(|(_, c)| c.plan == step.plan && c.step == step.number);
        Ok(own.map(|(_, c)| c.attempt).max().unwrap_or(0))
    }

    /// Sends the one request of an intent, judges it by its answer and by reading back, and
    /// appends the outcome.
    async fn call(
        &self,
        run: &Run,
        step: &StepRow,
        tenant: &TenantSource,
        id: &str,
        intent: &Intent,
    ) -> Result<StepEnd, EngineError> {
        let wanted = step.step.does;
        let limit = i64::try_from(tenant.adapter.request_limit_s()).unwrap_or(i64::MAX / 2);
        let late = self.clock.now().plus_seconds(limit) > intent.deadline;
        let answer = match late {
            false => tenant.adapter.execute(id, wanted).await,
            true => not_sent(),
        };
        crate::crash::point("answered");
        let back = match answer.verdict {
            AnswerVerdict::Done | AnswerVerdict::Already => tenant.adapter.account(id).await.ok(),
            _ => None,
        };
        let contradicted = back.as_ref().is_some_and(|back| {
            !tenant
                .adapter
                .shows(back.as_ref().map(|r| &r.facts), wanted)
        });
        let (result, code) = match (answer.verdict, contradicted) {
            (_, true) => (CommandResult::Unknown, "call.not-confirmed"),
            (AnswerVerdict::Done, _) => (CommandResult::Done, answer.code),
            (AnswerVerdict::Already, _) => (CommandResult::Already, answer.code),
            (AnswerVerdict::Refused, _) => (CommandResult::Refused, answer.code),
            (AnswerVerdict::Failed, _) => (CommandResult::Failed, answer.code),
            (AnswerVerdict::Unknown, _) => (CommandResult::Unknown, answer.code),
        };
        self.record_outcome(run, step, &intent.id, &answer, result, code)?;
        crate::crash::point("outcome-appended");
        if let Some(Some(record)) = back {
            self.observe_account(run, tenant, record)?;
        }
        let code = Code::new(code);
        Ok(match result {
            CommandResult::Done => StepEnd::Done,
            CommandResult::Already => StepEnd::Already,
            CommandResult::Refused => StepEnd::Refused(code),
            CommandResult::Failed => StepEnd::Failed(code),
            CommandResult::Unknown => StepEnd::Unknown(code),
        })
    }

    fn record_outcome(
        &self,
        run: &Run,
        step: &StepRow,
        intent: &EntryId,
        answer: &Answer,
        result: CommandResult,
        code: &str,
    ) -> Result<(), EngineError> {
        let account = &step.step.account;
        let payload = CommandOutcome {
            result,
            status: answer.status.map(u64::from),
            because: Code::new(code),
        };
        let mut draft = Draft::new(self.ledger.entry_id()?, &payload)
            .about(account)
            .because_of(intent);
        if !answer.body.is_empty() {
            let mut batch = self.ledger.vault()?.batch()?;
            batch.conceal(&mut draft, "answer", account, answer.body.as_bytes())?;
            batch.commit()?;
        }
        self.ledger.append_all(&run.by, vec![draft])?;
        self.ledger.sync()?;
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
