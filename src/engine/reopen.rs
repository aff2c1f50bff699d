//! Lets a ledger go on after an older copy of it was put back.

use crate::domain::event::Draft;
use crate::domain::event::LedgerReopened;
use crate::domain::event::PlanRejected;
use crate::domain::id::Seq;
use crate::domain::rows::ContactRow;
use crate::domain::rows::Kind;
use crate::domain::rows::PlanRow;
use crate::domain::rows::SourceRow;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::Run;
use crate::engine::approve::Signer;
use crate::ledger::Reopening;

/// How a ledger went on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WentOn {
    /// The entry that says so.
    pub seq: Seq,
    /// How far copy and head lock were.
    pub why: Reopening,
    /// How many plans are void.
    pub plans: u64,
}

impl Engine {
    /// Lets the ledger go on: plans are void, everything is first contact again, and the log has
    /// another name. Only then the head lock is made to fit.
    pub fn reopen(&mut self, signer: &Signer, reason: &str) -> Result<WentOn, EngineError> {
        self.may(signer, "release")?;
        let Some(why) = self.ledger.reopening().cloned() else {
            return Err(EngineError::unknown(
                "the ledger fits its head lock",
                "there is nothing to reopen",
            ));
        };
        let run = self.start("reopen", signer.by.clone(), None)?;
        let plans = self.void_plans(&run)?;
        let seq = self.say_reopened(&run, signer, &why, reason)?;
        crate::crash::point("reopened");
        self.finish(&run, 0)?;
        self.ledger.relock()?;
        // the first checkpoint under the new name follows the entry that has the old one
        self.mark()?;
        Ok(WentOn { seq, why, plans })
    }

    fn say_reopened(
        &self,
        run: &Run,
        signer: &Signer,
        why: &Reopening,
        reason: &str,
    ) -> Result<Seq, EngineError> {
        let view = self.ledger.view()?;
        let keys = |rows: Vec<(String, _)>| rows.into_iter().map(|(key, _)| key).collect();
        let sources: Vec<_> = view.rows::<SourceRow>(Kind::Source)?;
        let contacts = view.rows::<ContactRow>(Kind::Contact)?;
        let origin = next_origin(&self.ledger.opened().origin, self.ledger.origin());
        let reopened = LedgerReopened {
            signature: signer.sign(&format!("reopen {} {origin}", why.kept)),
            origin,
            kept: why.kept,
            known: why.known.clone(),
            sources: keys(sources),
            contacts: contacts.into_iter().map(|(key, _)| key).collect(),
            proof: signer.proof.to_owned(),
        };
        self.say(run, &reopened, Some(reason))
    }

    /// Rejects every plan that is not over: who approved or rejected it since may be lost.
    fn void_plans(&self, run: &Run) -> Result<u64, EngineError> {
        let mut drafts = Vec::new();
        for (_, plan) in self.ledger.view()?.rows::<PlanRow>(Kind::Plan)? {
            if plan.ended().is_none() {
                let rejected = PlanRejected {
                    plan: plan.plan,
                    digest: plan.digest,
                };
                drafts.push(Draft::new(self.ledger.entry_id()?, &rejected));
            }
        }
        let count = drafts.len() as u64;
        self.ledger.append_all(&run.by, drafts)?;
        Ok(count)
    }
}

/// The name of a log that goes on: `X`, then `X/2`, `X/3`.
fn next_origin(first: &str, now: &str) -> String {
    let number = now
        .strip_prefix(first)
        .and_then(|rest| rest.strip_prefix('/'))
        .and_then(|number| number.parse::<u64>().ok())
        .unwrap_or(1);
    format!("{first}/{}", number.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::next_origin;

    #[test]
    fn a_log_that_goes_on_is_counted() {
        assert_eq!(
            next_origin("example.com/x", "example.com/x"),
            "example.com/x/2"
        );
        assert_eq!(
            next_origin("example.com/x", "example.com/x/2"),
            "example.com/x/3"
        );
        assert_eq!(
            next_origin("example.com/7", "example.com/7"),
            "example.com/7/2"
        );
    }
}
