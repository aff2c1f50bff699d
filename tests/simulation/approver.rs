//! What an honest approver does after a run.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use exeunt::domain::id::SourceName;
use exeunt::domain::rows::PlanRow;
use exeunt::domain::source::Verdict;
use exeunt::engine::Engine;
use exeunt::engine::EngineError;
use exeunt::engine::decide::Adoption;
use exeunt::engine::observe::Synced;

use crate::driver::Driver;
use crate::driver::Ran;
use crate::process::trace;
use crate::world::DIRECTORIES;
use crate::world::TENANTS;

impl Driver {
    /// What an honest approver does: approves what waits, and lets through what is true.
    pub(crate) fn approve(&mut self, tick: u64, ran: &Ran) -> Result<(), String> {
        if tick < self.away_until || self.shared.skew.load(Ordering::SeqCst) != 0 {
            return Ok(());
        }
        let said = |e: EngineError| format!("an approver is refused: {e}");
        let engine = self.engine.take().ok_or("the ledger is not open")?;
        let signer = engine.signer("ada", None).map_err(said)?;
        if matches!(ran.adoption, Adoption::Waits(_)) {
            engine.adopt_proposed(&signer, "agreed").map_err(said)?;
            self.shared.world().idle_days = self.configured;
        }
        for synced in &ran.synced {
            self.release_read(&engine, synced, &signer);
        }
        for plan in engine.open_plans(self.shared.now()).map_err(said)? {
            let (_, approved) = engine.approvals(&plan).map_err(said)?;
            if !approved {
                // void in the meantime, or its policy is another one
                let _ = engine.approve(&signer, &plan);
            }
            if self.is_true(&engine, &plan)?
                && engine.release_plan(&signer, &plan, "looked at").is_ok()
            {
                for step in engine.steps_left(&plan).map_err(said)? {
                    self.let_through
                        .insert((step.step.account.clone(), step.step.does));
                }
                self.released_at = Some(self.shared.now());
            }
        }
        self.engine = Some(engine);
        Ok(())
    }

    fn release_read(
        &self,
        engine: &Engine,
        synced: &Synced,
        signer: &exeunt::engine::approve::Signer,
    ) {
        let world = self.shared.world();
        let named = |names: [&str; 2]| names.iter().position(|n| *n == synced.source.as_str());
        let faulty = named(DIRECTORIES).is_some_and(|d| world.directory_fault[d].is_some())
            || named(TENANTS).is_some_and(|t| world.tenant_fault[t].is_some());
        drop(world);
        if let Some(digest) = synced
            .digest
            .as_deref()
            .filter(|_| synced.verdict == Verdict::Suspect && !faulty)
        {
            // those that wait for a second read are refused
            let _ = engine.release_read(signer, synced.source.as_str(), digest, "it is true");
        }
    }

    /// Whether every step of a plan is right by the truth.
    fn is_true(&self, engine: &Engine, plan: &PlanRow) -> Result<bool, String> {
        let now = self.shared.now();
        let steps = engine.steps_left(plan).map_err(|e| e.to_string())?;
        let world = self.shared.world();
        let mut wanted = BTreeSet::new();
        for (a, account) in world.accounts.iter().enumerate() {
            let tenant = SourceName::new(TENANTS[account.tenant]);
            let subject = self.subject(engine, &tenant, &account.id)?;
            for step in steps
                .iter()
                .filter(|s| Some(&s.step.account) == subject.as_ref())
            {
                let held = crate::invariants::held(&world, a, step.step.does, now);
                let right = crate::invariants::judge(&world, a, step.step.does, now);
                if let Err(why) = held.and(right) {
                    trace(world.tick, || format!("not released: {why}"));
                    return Ok(false);
                }
                wanted.insert(step.number);
            }
        }
        Ok(!steps.is_empty() && wanted.len() == steps.len())
    }
}
