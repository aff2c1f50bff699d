//! Smaller plans, and whom reviewers leave out of them.

use std::collections::BTreeSet;

use crate::domain::account::Do;
use crate::domain::event::Draft;
use crate::domain::event::KeepLifted;
use crate::domain::event::PlanRejected;
use crate::domain::event::StepKept;
use crate::domain::fold::step_key;
use crate::domain::id::EntryId;
use crate::domain::id::Subject;
use crate::domain::plan as rules;
use crate::domain::policy::PolicySet;
use crate::domain::policy::seconds;
use crate::domain::rows::KeptRow;
use crate::domain::rows::Kind;
use crate::domain::rows::PlanRow;
use crate::domain::rows::Step;
use crate::domain::rows::StepRow;
use crate::domain::time::DAY_SECONDS;
use crate::domain::time::Time;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::Run;
use crate::engine::approve::Signer;
use crate::ledger::LedgerError;
use crate::ledger::View;

/// What is said of the steps that a smaller plan does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftOut {
    /// Nothing: whoever is due is planned anew.
    Open,
    /// A reviewer has looked at them: they stay until their review date.
    Kept,
}

impl Engine {
    /// Makes a smaller plan of some steps of another, which it replaces.
    ///
    /// Nothing is made where the other one was replaced, rejected or carried on meanwhile.
    pub fn cut(
        &self,
        signer: &Signer,
        plan: &PlanRow,
        taken: &BTreeSet<u64>,
        left_out: LeftOut,
    ) -> Result<PlanRow, EngineError> {
        let (run, set, version) = self.begin_review(signer, plan)?;
        let (taken, left): (Vec<_>, Vec<_>) = self
            .steps_left(plan)?
            .into_iter()
            .partition(|s| taken.contains(&s.number));
        let steps: Vec<Step> = taken.iter().map(|s| s.step.clone()).collect();
        let breakers = self
            .assess(&steps, Some(&plan.digest), &set, run.now)?
            .states;
        let mut drafts = match left_out {
            LeftOut::Kept => self.kept_drafts(plan, &left, &set, run.now)?,
            LeftOut::Open => Vec::new(),
        };
        let (id, made) = self.plan_drafts(&run, version, &set, &steps, breakers, Some(plan))?;
        drafts.extend(made);
        for chunk in drafts.chunks(crate::ledger::BATCH) {
            self.ledger.commit::<EngineError>(&run.by, |view| {
                still_whole(view, plan, &taken, Some(&id))?;
                Ok(chunk.to_vec())
            })?;
        }
        let smaller = self.made(&id)?;
        self.finish(&run, 0)?;
        Ok(smaller)
    }

    /// Keeps every account of a plan, which is void with that.
    pub fn keep_all(&self, signer: &Signer, plan: &PlanRow) -> Result<(), EngineError> {
        let (run, set, _) = self.begin_review(signer, plan)?;
        let left = self.steps_left(plan)?;
        let mut drafts = self.kept_drafts(plan, &left, &set, run.now)?;
        let rejected = PlanRejected {
            plan: plan.plan.clone(),
            digest: plan.digest.clone(),
        };
        drafts.push(Draft::new(self.ledger.entry_id()?, &rejected));
        for chunk in drafts.chunks(crate::ledger::BATCH) {
            self.ledger.commit::<EngineError>(&run.by, |view| {
                still_whole(view, plan, &left, None)?;
                Ok(chunk.to_vec())
            })?;
        }
        self.ledger.sync()?;
        self.finish(&run, 0)
    }

    /// Those of some accounts that a reviewer has left out of a plan.
    pub fn kept_among(
        &self,
        accounts: &BTreeSet<Subject>,
    ) -> Result<BTreeSet<Subject>, EngineError> {
        let view = self.ledger.view()?;
        let mut kept = BTreeSet::new();
        for account in accounts {
            let row = view.row::<KeptRow>(Kind::Kept, account.as_str())?;
            kept.extend(row.map(|row| row.account));
        }
        Ok(kept)
    }

    /// Has accounts planned again that reviewers had left out.
    pub fn lift_keeps(
        &self,
        signer: &Signer,
        accounts: &BTreeSet<Subject>,
    ) -> Result<(), EngineError> {
        let lifted = KeepLifted {
            proof: signer.proof.to_owned(),
        };
        let mut drafts = Vec::new();
        for account in accounts {
            let view = self.ledger.view()?;
            let row = view.row::<KeptRow>(Kind::Kept, account.as_str())?;
            for mark in row.iter().flat_map(|row| &row.kept) {
                self.may(signer, mark.does.as_str())?;
            }
            drafts.push(Draft::new(self.ledger.entry_id()?, &lifted).about(account));
        }
        self.ledger.append_all(&signer.by, drafts)?;
        self.ledger.sync()?;
        Ok(())
    }

    /// What every review of a plan begins with.
    fn begin_review(
        &self,
        signer: &Signer,
        plan: &PlanRow,
    ) -> Result<(Run, PolicySet, u64), EngineError> {
        // whoever may not approve what is left cannot void the plan by leaving something out
        self.may_approve(signer, plan)?;
        let run = self.start("approve", signer.by.clone(), None)?;
        self.still_good(plan, run.now)?;
        if rules::is_expired(plan, run.now) {
            let what = format!("the plan expired at {}", plan.expires_at.to_seconds_text());
            let again = "make a new one with `exeunt plan`";
            return Err(EngineError::refused("plan.expired", what, again));
        }
        let Some((version, set)) = self.adopted_policy()? else {
            return Err(EngineError::File {
                what: "no policy rules".to_owned(),
            });
        };
        Ok((run, set, version))
    }

    /// The entries that say of each step that a reviewer has left it out.
    fn kept_drafts(
        &self,
        plan: &PlanRow,
        left: &[StepRow],
        set: &PolicySet,
        now: Time,
    ) -> Result<Vec<Draft>, EngineError> {
        let until = now.plus_seconds(seconds(set.limits.kept_days, DAY_SECONDS));
        let mut drafts = Vec::new();
        for row in left.iter().filter(|row| row.step.does != Do::Restore) {
            let decision = self.ledger.view()?.decision(row.step.decision)?;
            let Some(when) = decision.and_then(|decision| decision.when) else {
                continue;
            };
            let kept = StepKept {
                plan: plan.plan.clone(),
                step: row.number,
                does: row.step.does,
                when,
                class: row.step.class,
                until,
            };
            drafts.push(Draft::new(self.ledger.entry_id()?, &kept).about(&row.step.account));
        }
        Ok(drafts)
    }
}

/// Refuses a plan that has ended or gone on since it was read; `own` is the plan that replaces it.
fn still_whole(
    view: &View<'_>,
    plan: &PlanRow,
    steps: &[StepRow],
    own: Option<&EntryId>,
) -> Result<(), EngineError> {
    let again = "make a new one with `exeunt plan`";
    let now = view.row::<PlanRow>(Kind::Plan, plan.plan.as_str())?;
    let Some(now) = now else {
        return Err(LedgerError::cannot_judge(
            format!("the plan {} is not in the ledger any more", plan.plan),
            "run `exeunt verify`",
        )
        .into());
    };
    if now.rejected.is_some() {
        return Err(EngineError::refused(
            "plan.rejected",
            "the plan was rejected",
            again,
        ));
    }
    if now.replaced_by.as_ref().is_some_and(|by| Some(by) != own) {
        let what = "the plan was replaced by a smaller one";
        return Err(EngineError::refused("plan.replaced", what, again));
    }
    for step in steps {
        let key = step_key(plan.plan.as_str(), step.number);
        if view.row::<StepRow>(Kind::Step, &key)?.as_ref() != Some(step) {
            let what = "the plan went on meanwhile: a step of it was taken";
            return Err(EngineError::refused(
                "plan.went-on",
                what,
                "look at what is left of it",
            ));
        }
    }
    Ok(())
}
