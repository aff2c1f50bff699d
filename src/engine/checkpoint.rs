//! Checkpoints at the end of commands, and their copies outside.

use crate::engine::Engine;
use crate::engine::EngineError;
use crate::evidence::publish::Published;
use crate::ledger::LedgerError;

impl Engine {
    /// Signs a checkpoint if one is due, and copies the newest to where they are published.
    ///
    /// What cannot be signed or copied now is tried again by the next command, and said; a ledger
    /// that is not the continuation of what was signed or copied is an error.
    pub(super) fn mark(&self) -> Result<(), EngineError> {
        if self.ledger.reopening().is_some() {
            return Ok(());
        }
        let signed = self.ledger.checkpoint_if_due(&self.config.cadence());
        self.or_said("no checkpoint was signed", signed.map(drop))?;
        let Some(publish) = &self.config.ledger.publish else {
            return Ok(());
        };
        if let Some(newest) = self.ledger.newest_checkpoint()? {
            let published = Published::new(&self.config.path(publish));
            let copied = published.publish(&self.ledger, &newest);
            self.or_said("the newest checkpoint was not copied", copied.map(drop))?;
        }
        Ok(())
    }

    fn or_said(&self, what: &str, done: Result<(), LedgerError>) -> Result<(), EngineError> {
        match done {
            Err(error @ LedgerError::False { .. }) => Err(error.into()),
            Err(error) => {
                self.report.note(&format!("{what}: {error}"));
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }
}
