//! Gives accounts back that were disabled, where the provider can.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::domain::account::AccountState;
use crate::domain::account::Do;
use crate::domain::code::Code;
use crate::domain::event::CommandResult;
use crate::domain::event::PlanApproved;
use crate::domain::id::Seq;
use crate::domain::id::Subject;
use crate::domain::rows::Class;
use crate::domain::rows::CommandRow;
use crate::domain::rows::Kind;
use crate::domain::rows::PlanRow;
use crate::domain::rows::Step;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::Run;

/// What stands in the place of a policy in a plan that gives accounts back.
pub const RESTORE: &str = "(restore)";

/// What can be given back, and what cannot and why.
#[derive(Debug, Default)]
pub struct Restorable {
    /// The steps of the plan.
    pub steps: Vec<Step>,
    /// The accounts that cannot be given back, with a code of the family `block`.
    pub cannot: Vec<(Subject, Code)>,
}

/// Whether the tenant said that there was nothing to do.
fn was_so(command: &CommandRow) -> bool {
    matches!(command.outcome, Some((_, CommandResult::Already, _)))
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

    /// The accounts that the commands of a run, known by the position of its first entry, have
    /// disabled or removed. What was so already the run has not done, and what we have changed
    /// again since is not the run's any more: neither is among them.
    pub fn changed_by_run(&self, run: Seq) -> Result<BTreeSet<Subject>, EngineError> {
        let view = self.ledger.view()?;
        let Some(started) = view.entry(run)? else {
            return Ok(BTreeSet::new());
        };
        let mut newest: BTreeMap<Subject, CommandRow> = BTreeMap::new();
        for (_, command) in view.rows::<CommandRow>(Kind::Command)? {
            let changed = command.took_effect() && !was_so(&command);
            if !changed || command.does == Do::Transfer {
                continue;
            }
            let known = newest.get(&command.account).map_or(0, |c| c.seq);
            if command.seq >= known {
                newest.insert(command.account.clone(), command);
            }
        }
        let mut found = BTreeSet::new();
        for (account, command) in newest {
            let own = view
                .entry(command.seq)?
                .is_some_and(|entry| entry.run == started.run);
            if own && command.does.is_step() {
                found.insert(account);
            }
        }
        Ok(found)
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
            return Err(EngineError::Refused {
                code: "plan.no-policy",
                what: "no policy rules yet".to_owned(),
                hint: "run `exeunt sync`".to_owned(),
            });
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
