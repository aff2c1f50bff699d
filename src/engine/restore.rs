//! Gives accounts back that were disabled, where the provider can.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::domain::account::AccountState;
use crate::domain::account::Do;
use crate::domain::code::Code;
use crate::domain::decide::leaver;
use crate::domain::event::CommandResult;
use crate::domain::event::Draft;
use crate::domain::event::PlanApproved;
use crate::domain::event::StepWithheld;
use crate::domain::id::Seq;
use crate::domain::id::Subject;
use crate::domain::rows::Class;
use crate::domain::rows::CommandRow;
use crate::domain::rows::Kind;
use crate::domain::rows::PlanRow;
use crate::domain::rows::Step;
use crate::domain::time::Time;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::Run;
use crate::engine::actuate::StepEnd;
use crate::engine::actuate::Taken;

/// What stands in the place of a policy in a plan that gives accounts back.
pub const RESTORE: &str = "(restore)";

/// Why an account is given back that nobody asked for by name.
pub const WITHDRAWN: &str = "restore.departure-withdrawn";

/// What can be given back, and what cannot and why.
#[derive(Debug, Default)]
pub struct Restorable {
    /// The steps of the plan.
    pub steps: Vec<Step>,
    /// The accounts that cannot be given back, with a code of the family `block`.
    pub cannot: Vec<(Subject, Code)>,
}

/// What the commands of one run have changed.
#[derive(Debug, Default)]
pub struct Changed {
    /// The accounts that it has disabled or removed.
    pub accounts: BTreeSet<Subject>,
    /// The accounts that it called for and that are not its own to give back, with the reason.
    pub left_out: Vec<(Subject, Code)>,
}

/// Whether the tenant said that there was nothing to do.
pub(super) fn was_so(command: &CommandRow) -> bool {
    matches!(command.outcome, Some((_, CommandResult::Already, _)))
}

/// Why what a run has called for is not its own to give back; nothing if it has changed nothing.
fn not_its_own(commands: &[CommandRow]) -> Option<&'static str> {
    if commands.iter().any(CommandRow::is_open) {
        return Some("block.in-doubt");
    }
    let took: Vec<_> = commands.iter().filter(|c| c.took_effect()).collect();
    match took.iter().all(|c| was_so(c)) {
        _ if took.is_empty() => None,
        true => Some("block.was-so"),
        false => Some("block.changed-since"),
    }
}

impl Engine {
    /// Sorts accounts by whether they can be given back now.
    pub fn restorable(&self, accounts: &BTreeSet<Subject>) -> Result<Restorable, EngineError> {
        let mut found = Restorable::default();
        let commands = self.ledger.view()?.rows::<CommandRow>(Kind::Command)?;
        for account in accounts {
            let Some(row) = self.account(account)? else {
                continue;
            };
            let newest = commands.iter().map(|(_, c)| c);
            let newest = newest
                .filter(|c| c.account == *account)
                .map(|c| c.seq)
                .max();
            let step = Step {
                account: account.clone(),
                tenant: row.tenant,
                policy: RESTORE.to_owned(),
                does: Do::Restore,
                class: Class::Named,
                because: Code::new("restore.asked"),
                directories: Vec::new(),
                successor: None,
                succession: None,
                decision: newest.unwrap_or(row.seq),
            };
            match self.cannot_restore(&step)? {
                None => found.steps.push(step),
                Some(code) => found.cannot.push((account.clone(), code)),
            }
        }
        Ok(found)
    }

    /// Why an account cannot be given back; `None` if it can.
    pub(super) fn cannot_restore(&self, step: &Step) -> Result<Option<Code>, EngineError> {
        let Some(tenant) = self.tenant(&step.tenant) else {
            return Ok(Some(Code::new("block.tenant-not-configured")));
        };
        let Some(row) = self.account(&step.account)? else {
            return Ok(Some(Code::new("block.unknown-account")));
        };
        let code = if row.gone.is_some() || tenant.adapter.kind().restore.is_none() {
            "block.cannot-restore"
        } else if row.facts.managed_by.is_some() {
            "block.provider-managed"
        } else if row.facts.state != AccountState::Disabled {
            "block.not-disabled"
        } else {
            return Ok(None);
        };
        Ok(Some(Code::new(code)))
    }

    /// Why an account is not given back by a step of a plan: it cannot be, or, where nobody asked
    /// for it by name, its person has left again.
    pub(super) fn no_restore(&self, step: &Step, now: Time) -> Result<Option<Code>, EngineError> {
        if step.because.as_str() == WITHDRAWN
            && let Some(facts) = self.facts(&step.account)?
            && leaver(&facts, now).is_some()
        {
            return Ok(Some(Code::new("step.fell-away")));
        }
        self.cannot_restore(step)
    }

    /// What the commands of a run, known by the position of its first entry, have disabled or
    /// removed. What was so already the run has not done, and what we have changed again since is
    /// not the run's any more: both are left out, with the reason.
    pub fn changed_by_run(&self, run: Seq) -> Result<Changed, EngineError> {
        let view = self.ledger.view()?;
        let Some(started) = view.entry(run)? else {
            return Ok(Changed::default());
        };
        let mut newest: BTreeMap<Subject, CommandRow> = BTreeMap::new();
        let mut called: BTreeMap<Subject, Vec<CommandRow>> = BTreeMap::new();
        for (_, command) in view.rows::<CommandRow>(Kind::Command)? {
            // an entry is read only where its run matters; the position that was asked for need
            // not be the first one of its run, so that earlier commands count as well
            let of_run = command.does.is_step()
                && view
                    .entry(command.seq)?
                    .is_some_and(|entry| entry.run == started.run);
            if of_run {
                let own = called.entry(command.account.clone()).or_default();
                own.push(command.clone());
            }
            let changed = command.took_effect() && !was_so(&command);
            if !changed || !command.does.changes_account() {
                continue;
            }
            let known = newest.get(&command.account).map_or(0, |c| c.seq);
            if command.seq >= known {
                newest.insert(command.account.clone(), command);
            }
        }
        let mut found = Changed::default();
        for (account, own) in called {
            let newest = newest.get(&account);
            if newest.is_some_and(|newest| own.iter().any(|c| c.seq == newest.seq)) {
                found.accounts.insert(account);
            } else if let Some(code) = not_its_own(&own) {
                found.left_out.push((account, Code::new(code)));
            }
        }
        Ok(found)
    }

    /// Ends a plan that gives accounts back: what could not be given back is not tried again by a
    /// later run, but only when somebody asks again. What is in doubt is settled all the same.
    pub fn end_restore(
        &self,
        run: &Run,
        plan: &PlanRow,
        taken: &[Taken],
    ) -> Result<(), EngineError> {
        let mut drafts = Vec::new();
        for row in self.steps_left(plan)? {
            let end = taken.iter().find(|t| t.step.number == row.number);
            let because = match end.map(|t| &t.end) {
                Some(StepEnd::Unknown(_)) => continue,
                Some(StepEnd::Failed(code) | StepEnd::Stopped(code)) => code.clone(),
                _ => Code::new("restore.not-done"),
            };
            let payload = StepWithheld {
                plan: plan.plan.clone(),
                step: row.number,
                because,
            };
            drafts.push(Draft::new(self.ledger.entry_id()?, &payload).about(&row.step.account));
        }
        self.ledger.append_all(&run.by, drafts)?;
        self.ledger.sync()?;
        Ok(())
    }

    /// Makes the plan that gives accounts back; who asks for it stands in its entry, why in the
    /// vault.
    pub fn plan_restore(
        &self,
        run: &Run,
        steps: Vec<Step>,
        reason: &str,
    ) -> Result<PlanRow, EngineError> {
        let Some((version, set)) = self.adopted_policy()? else {
            return Err(EngineError::refused(
                "plan.no-policy",
                "no policy rules yet",
                "run `exeunt sync`",
            ));
        };
        let plan = self.create(run, version, &set, steps)?;
        let approved = PlanApproved {
            plan: plan.plan.clone(),
            digest: plan.digest.clone(),
            self_approved: true,
            proof: "os-user".to_owned(),
            signature: None,
        };
        self.say(run, &approved, Some(reason))?;
        Ok(plan)
    }
}
