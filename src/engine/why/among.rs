//! What belongs to the story of one account among others: the plans that it stands in, and names
//! that tell people apart.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value;

use crate::domain::event;
use crate::domain::event::Entry;
use crate::domain::event::Payload as _;
use crate::domain::id::Seq;
use crate::domain::id::Subject;
use crate::domain::rows::Kind;
use crate::domain::rows::PersonRow;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::why::Happening;
use crate::ledger::vault::Profile;

impl Engine {
    /// The plans that an account stands or stood in: made, stopped, approved, released.
    pub(super) fn plan_happenings(
        &self,
        account: &Subject,
        entries: &BTreeMap<Seq, Entry>,
    ) -> Result<Vec<Happening>, EngineError> {
        let mut plans = BTreeSet::new();
        for entry in entries.values() {
            if let Some(intent) = entry.payload::<event::CommandIntended>() {
                plans.insert(intent.plan);
            } else if let Some(withheld) = entry.payload::<event::StepWithheld>() {
                plans.insert(withheld.plan);
            } else if let Some(kept) = entry.payload::<event::StepKept>() {
                plans.insert(kept.plan);
            }
        }
        for (plan, left) in self.open_steps(self.clock.now())? {
            if left.iter().any(|row| row.step.account == *account) {
                plans.insert(plan.plan);
            }
        }
        let view = self.ledger.view()?;
        let mut happened = Vec::new();
        let kinds = [
            event::PlanCreated::TYPE,
            event::PlanApproved::TYPE,
            event::PlanRejected::TYPE,
            event::BreakerReleased::TYPE,
            event::BreakerTripped::TYPE,
        ];
        for kind in kinds.iter().filter(|_| !plans.is_empty()) {
            for entry in view.of_type(kind)? {
                let plan = entry.data.get("plan").and_then(Value::as_str);
                if plan.is_some_and(|p| plans.iter().any(|known| known.as_str() == p)) {
                    happened.push(self.happening(&entry)?);
                }
            }
        }
        Ok(happened)
    }

    /// Names for those people of a story who are called the same in one directory: with their key
    /// there.
    pub(super) fn names_apart(
        &self,
        account: &Subject,
        subjects: &BTreeSet<Subject>,
    ) -> Result<BTreeMap<Subject, String>, EngineError> {
        let view = self.ledger.view()?;
        let mut by_name: BTreeMap<_, Vec<&Subject>> = BTreeMap::new();
        for sub in subjects.iter().filter(|sub| *sub != account) {
            let row = view.row::<PersonRow>(Kind::Person, sub.as_str())?;
            let called = (self.called(sub)?, row.map(|row| row.directory));
            by_name.entry(called).or_default().push(sub);
        }
        let mut names = BTreeMap::new();
        by_name.retain(|_, people| people.len() > 1);
        for ((name, _), people) in by_name {
            for sub in people {
                let profile = self.profile(sub)?;
                let apart = profile
                    .first(Profile::KEY)
                    .map_or_else(|| name.clone(), |key| format!("{name} (key {key})"));
                names.insert(sub.clone(), apart);
            }
        }
        Ok(names)
    }
}
