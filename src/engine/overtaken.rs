//! Steps of open plans that something more has overtaken: somebody idle whose plan still waits, and
//! who has left meanwhile.

use std::collections::BTreeMap;

use crate::domain::account::Do;
use crate::domain::code::Code;
use crate::domain::event::Draft;
use crate::domain::event::StepWithheld;
use crate::domain::fold::step_key;
use crate::domain::id::Subject;
use crate::domain::rows::Class;
use crate::domain::rows::Decision;
use crate::domain::rows::Kind;
use crate::domain::rows::Ruling;
use crate::domain::rows::StepRow;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::Run;
use crate::engine::decide::Judged;

impl Engine {
    /// Takes those steps out of an open plan whose accounts are due for a reason of another class by
    /// now, so that they are planned anew: they wait neither for the approvals nor for the release of
    /// a plan that is about something else. The plan keeps its digest. Returns what is left of it.
    pub(super) fn without_overtaken(
        &self,
        run: &Run,
        left: Vec<StepRow>,
        judged: &[Judged],
    ) -> Result<Vec<StepRow>, EngineError> {
        let decisions: BTreeMap<&Subject, &Decision> = judged
            .iter()
            .map(|one| (&one.facts.account.subject, &one.decision))
            .collect();
        let (overtaken, left): (Vec<_>, Vec<_>) = left.into_iter().partition(|row| {
            decisions
                .get(&row.step.account)
                .is_some_and(|decision| is_overtaken(row, decision))
        });
        for row in overtaken {
            self.take_out(run, &row)?;
        }
        Ok(left)
    }

    /// Withholds a step unless another process has begun it meanwhile.
    fn take_out(&self, run: &Run, row: &StepRow) -> Result<(), EngineError> {
        let payload = StepWithheld {
            plan: row.plan.clone(),
            step: row.number,
            because: Code::new("step.changed"),
        };
        let draft = Draft::new(self.ledger.entry_id()?, &payload).about(&row.step.account);
        let key = step_key(row.plan.as_str(), row.number);
        self.ledger.commit::<EngineError>(&run.by, |view| {
            let now = view.row::<StepRow>(Kind::Step, &key)?;
            let untouched = now.is_some_and(|now| now == *row);
            Ok(if untouched {
                vec![draft.clone()]
            } else {
                Vec::new()
            })
        })?;
        Ok(())
    }
}

/// Whether an account is due now for a reason of another class than a step that nobody has begun. A
/// clear-out is about everyone, whatever else is due.
fn is_overtaken(row: &StepRow, decision: &Decision) -> bool {
    row.intent.is_none()
        && row.step.does != Do::Restore
        && row.step.class != Class::Everyone
        && decision.verdict == Ruling::Act
        && decision.class.is_some_and(|class| class != row.step.class)
}
