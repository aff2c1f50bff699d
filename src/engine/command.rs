//! One request: its intent before it, its outcome after it.

use crate::domain::account::AccountFacts;
use crate::domain::code::Code;
use crate::domain::event::CommandIntended;
use crate::domain::event::CommandOutcome;
use crate::domain::event::CommandResult;
use crate::domain::event::Draft;
use crate::domain::id::EntryId;
use crate::domain::rows::Class;
use crate::domain::rows::CommandRow;
use crate::domain::rows::Kind;
use crate::domain::rows::PlanRow;
use crate::domain::rows::Step;
use crate::domain::rows::StepRow;
use crate::domain::rows::hold_codes;
use crate::domain::time::Time;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::Run;
use crate::engine::TenantSource;
use crate::engine::actuate::StepEnd;
use crate::engine::actuate::halted;
use crate::engine::facts::Holds;
use crate::ledger::LedgerError;
use crate::ledger::View;
use crate::provider::Answer;
use crate::provider::AnswerVerdict;
use crate::provider::Order;
use crate::provider::Target;

/// The field of an intent that commits to the account as it was just before.
pub const BEFORE: &str = "before";

/// How long a call may take to begin after its intent was made, in seconds: until then three files
/// are made durable. One that is later is not sent, since its answer could come past the deadline.
const BEGIN_WITHIN_S: i64 = 5;

/// One request that is to be sent, with what it belongs to.
pub(super) struct Job<'a> {
    pub(super) run: &'a Run,
    pub(super) plan: &'a PlanRow,
    pub(super) step: &'a StepRow,
    pub(super) tenant: &'a TenantSource,
    pub(super) target: &'a Target,
    pub(super) order: &'a Order,
}

impl Job<'_> {
    fn limit_s(&self) -> i64 {
        i64::try_from(self.tenant.adapter.request_limit_s()).unwrap_or(i64::MAX / 2)
    }
}

/// A durable intent.
pub(super) struct Intent {
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
        request_id: None,
    }
}

/// Why a plan has ended, in view of the ledger as it stands.
fn ended(view: &View<'_>, plan: &PlanRow) -> Result<Option<Code>, LedgerError> {
    let now: Option<PlanRow> = view.row(Kind::Plan, plan.plan.as_str())?;
    Ok(now.and_then(|now| now.ended()).map(Code::new))
}

/// Why a hold forbids a step, in view of the ledger as it stands.
fn held(view: &View<'_>, step: &Step, now: Time) -> Result<Option<Code>, LedgerError> {
    let holds = Holds::new(view)?.over(view, &step.account)?;
    let left = matches!(step.class, Class::Named | Class::Explicit | Class::Absent);
    let forbidding = holds
        .iter()
        .filter(|hold| hold.forbids(Some(step.does), left, now));
    Ok(hold_codes(forbidding).into_iter().next())
}

impl Engine {
    /// Appends the intent and makes it durable; why not, if another call for this account is open
    /// or a halt was set meanwhile.
    pub(super) fn intend(
        &self,
        job: &Job<'_>,
        seen: &AccountFacts,
    ) -> Result<Result<Intent, Code>, EngineError> {
        let intent = self.ledger.entry_id()?;
        let most = job.limit_s().saturating_add(BEGIN_WITHIN_S);
        let deadline = self.clock.now().plus_seconds(most);
        let account = &job.step.step.account;
        let payload = self.intended(job, seen, deadline)?;
        let mut draft = Draft::new(intent.clone(), &payload).about(account);
        let mut batch = self.ledger.vault()?.batch()?;
        let request = job.order.request.text();
        batch.conceal(&mut draft, "request", account, request.as_bytes())?;
        if let Some(image) = &job.order.image {
            batch.conceal(&mut draft, BEFORE, account, image.as_bytes())?;
        }
        batch.commit()?;
        crate::crash::point("intent-in-vault");
        let mut blocked = None;
        self.ledger.commit::<LedgerError>(&job.run.by, |view| {
            let busy = view.commands_of(account)?.iter().any(CommandRow::is_open);
            blocked = match (busy, ended(view, job.plan)?) {
                (true, _) => Some(Code::new("block.in-doubt")),
                (false, Some(code)) => Some(code),
                (false, None) => self.stopped_by_a_word(view, job)?,
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

    /// Why nothing may be sent, by what people have said in the moments since it was decided.
    fn stopped_by_a_word(
        &self,
        view: &View<'_>,
        job: &Job<'_>,
    ) -> Result<Option<Code>, LedgerError> {
        let now = self.clock.now();
        let held = held(view, &job.step.step, now)?;
        Ok(held.or(halted(view, job.tenant, now)?))
    }

    fn intended(
        &self,
        job: &Job<'_>,
        seen: &AccountFacts,
        deadline: Time,
    ) -> Result<CommandIntended, EngineError> {
        let (step, order) = (&job.step.step, job.order);
        Ok(CommandIntended {
            tenant: job.tenant.name.clone(),
            does: order.does,
            plan: job.plan.plan.clone(),
            step: job.step.number,
            class: step.class,
            directories: step.directories.clone(),
            attempt: self.attempts(job)? + 1,
            deadline,
            method: order.request.method.to_string(),
            path: order.template.clone(),
            call: order.call.to_owned(),
            seen: seen.clone(),
            successor: job
                .target
                .successor
                .as_ref()
                .and_then(|_| step.successor.clone()),
            checked: order.checked.iter().map(|code| Code::new(code)).collect(),
            owned: order.owned.clone(),
        })
    }

    /// How often this request of this step has been tried.
    fn attempts(&self, job: &Job<'_>) -> Result<u64, EngineError> {
        let view = self.ledger.view()?;
        let commands = view.commands_of(&job.step.step.account)?;
        let same = |c: &&CommandRow| {
            c.plan == job.step.plan && c.step == job.step.number && c.does == job.order.does
        };
        let own = commands.iter().filter(same);
        Ok(own.map(|c| c.attempt).max().unwrap_or(0))
    }

    /// Sends the one request of an intent, judges it by its answer and by reading back, and
    /// appends the outcome.
    pub(super) async fn call(
        &self,
        job: &Job<'_>,
        intent: &Intent,
    ) -> Result<StepEnd, EngineError> {
        let (adapter, wanted) = (&job.tenant.adapter, job.order.does);
        let late = self.clock.now().plus_seconds(job.limit_s()) > intent.deadline;
        let answer = match late {
            false => adapter.execute(job.target, job.order).await,
            true => not_sent(),
        };
        crate::crash::point("answered");
        let back = match answer.verdict {
            AnswerVerdict::Done | AnswerVerdict::Already => {
                adapter.account(&job.target.id).await.ok()
            }
            _ => None,
        };
        // What was handed over does not show in the account that gave it, and one key of several
        // that is gone does not either.
        let shown = wanted.changes_account();
        let contradicted = shown
            && back
                .as_ref()
                .is_some_and(|back| !adapter.shows(back.as_ref().map(|r| &r.facts), wanted));
        let (result, code) = match (answer.verdict, contradicted) {
            (_, true) => (CommandResult::Unknown, "call.not-confirmed"),
            (AnswerVerdict::Done, _) => (CommandResult::Done, answer.code),
            (AnswerVerdict::Already, _) => (CommandResult::Already, answer.code),
            (AnswerVerdict::Refused, _) => (CommandResult::Refused, answer.code),
            (AnswerVerdict::Failed, _) => (CommandResult::Failed, answer.code),
            (AnswerVerdict::Unknown, _) => (CommandResult::Unknown, answer.code),
        };
        self.record_outcome(job, &intent.id, &answer, result, code)?;
        crate::crash::point("outcome-appended");
        if let Some(Some(record)) = back {
            self.observe_account(job.run, job.tenant, record)?;
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
        job: &Job<'_>,
        intent: &EntryId,
        answer: &Answer,
        result: CommandResult,
        code: &str,
    ) -> Result<(), EngineError> {
        let account = &job.step.step.account;
        let payload = CommandOutcome {
            result,
            status: answer.status.map(u64::from),
            because: Code::new(code),
            // an id of the account would be a personal value
            request_id: answer.request_id.clone().filter(|id| *id != job.target.id),
        };
        let mut draft = Draft::new(self.ledger.entry_id()?, &payload)
            .about(account)
            .because_of(intent);
        if !answer.body.is_empty() {
            let mut batch = self.ledger.vault()?.batch()?;
            batch.conceal(&mut draft, "answer", account, answer.body.as_bytes())?;
            batch.commit()?;
        }
        self.ledger.append_all(&job.run.by, vec![draft])?;
        self.ledger.sync()?;
        Ok(())
    }
}
