//! Lets a ledger go on after an older copy of it or of its vault was put back, or the vault was lost.

use crate::domain::event::Draft;
use crate::domain::event::LedgerReopened;
use crate::domain::event::PlanRejected;
use crate::domain::id::Seq;
use crate::domain::lost::LostKind;
use crate::domain::rows::ContactRow;
use crate::domain::rows::Kind;
use crate::domain::rows::LedgerRow;
use crate::domain::rows::LostRow;
use crate::domain::rows::PlanRow;
use crate::domain::rows::SourceRow;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::Run;
use crate::engine::approve::Signer;
use crate::ledger::LedgerError;
use crate::ledger::Reopening;

/// How a ledger went on.
#[derive(Debug, Clone)]
pub struct WentOn {
    /// The entry that says so.
    pub seq: Seq,
    /// What was lost.
    pub why: Reopening,
    /// How many plans are void.
    pub plans: u64,
    /// How many holds are over somebody whose values are lost.
    pub holds: u64,
}

impl Engine {
    /// Lets the ledger go on: plans are void, everything is first contact again, and where entries are
    /// lost the log has another name. Only then vault and head lock are replaced.
    pub fn reopen(&mut self, signer: &Signer, reason: &str) -> Result<WentOn, EngineError> {
        self.may(signer, "release")?;
        let Some(why) = self.ledger.reopening().cloned() else {
            return Err(EngineError::unknown(
                "ledger, vault and head lock fit together",
                "there is nothing to reopen",
            ));
        };
        let run = self.start("reopen", signer.by.clone(), None)?;
        let plans = self.void_plans(&run)?;
        crate::crash::point("reopening");
        let seq = self.say_reopened(&run, signer, &why, reason)?;
        crate::crash::point("reopened");
        let holds = self.hold_count(&self.at(None)?)?.unresolved.len() as u64;
        self.finish(&run, 0)?;
        if why.vault.is_some() {
            self.ledger.place_vault(seq)?;
        }
        if why.entries {
            self.ledger.relock()?;
        }
        // the first checkpoint under a new name follows the entry that has the old one
        self.mark()?;
        Ok(WentOn {
            seq,
            why,
            plans,
            holds,
        })
    }

    /// Appends the entry and, in the same transaction, the names of those who are lost.
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
        let origin = match why.entries {
            true => next_origin(&self.ledger.opened().origin, self.ledger.origin()),
            false => self.ledger.origin().to_owned(),
        };
        let id = self.ledger.vault()?.id();
        let vault = why.vault.as_ref().map(|loss| loss.said(id, !why.entries));
        let mut signed = format!("reopen {} {origin}", why.kept);
        if let Some(vault) = &vault {
            signed.push_str(&format!(" {} {}", vault.id, vault.digest));
        }
        let reopened = LedgerReopened {
            signature: signer.sign(&signed),
            origin,
            kept: why.kept,
            known: why.known.clone(),
            vault,
            sources: keys(sources),
            contacts: contacts.into_iter().map(|(key, _)| key).collect(),
            proof: signer.proof.to_owned(),
        };
        let mut draft = Draft::new(self.ledger.entry_id()?, &reopened);
        if let Some(sub) = &run.by.actor.sub {
            let mut batch = self.ledger.vault()?.batch()?;
            batch.conceal(&mut draft, "reason", sub, reason.as_bytes())?;
            batch.commit()?;
        }
        let cause = draft.id.clone();
        let mut drafts = vec![draft];
        for lost in why.vault.iter().flat_map(|loss| loss.listed()) {
            let draft = Draft::new(self.ledger.entry_id()?, &lost);
            drafts.push(draft.because_of(&cause));
        }
        let appended = self
            .ledger
            .commit::<LedgerError>(&run.by, |_| Ok(drafts.clone()))?;
        self.ledger.sync()?;
        Ok(appended.first)
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

    /// Whether what stands in an adopted policy as a keyed fingerprint can still be compared: not where
    /// the keys were lost with the vault after it had been adopted.
    pub(super) fn can_compare(&self, version: Seq) -> Result<bool, EngineError> {
        let loss = self.ledger.reopening().and_then(|why| why.vault.as_ref());
        if loss.is_some_and(|loss| loss.found.is_none()) {
            return Ok(false);
        }
        let view = self.ledger.view()?;
        let row = view.row::<LedgerRow>(Kind::Ledger, "ledger")?;
        let later = row.and_then(|row| row.revaulted);
        Ok(later.is_none_or(|later| !later.anew || later.seq < version))
    }

    /// The words about who leaves whose people and accounts nobody knows any more.
    pub fn lost_words(&self) -> Result<Vec<Seq>, EngineError> {
        let view = self.ledger.view()?;
        let row = view.row::<LedgerRow>(Kind::Ledger, "ledger")?;
        let row = row.and_then(|row| row.revaulted);
        if row.is_none_or(|row| row.leaves == 0) {
            return Ok(Vec::new());
        }
        let lost = view.rows::<LostRow>(Kind::Lost)?.into_iter();
        let lost = lost.filter(|(_, row)| row.kind != LostKind::Operator);
        let words = lost.filter_map(|(_, row)| Some(row.named?.seq));
        let mut words: Vec<Seq> = words.collect();
        words.sort_unstable();
        Ok(words)
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
