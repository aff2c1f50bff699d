//! Compares our clock with an outside one before anything is appended.

use crate::engine::Engine;
use crate::engine::EngineError;

/// How far the clocks may be apart, in seconds.
pub const MOST_APART_S: i64 = 300;

/// What the comparison showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compared {
    /// How many outside clocks agreed. None: reads are recorded and nothing acts.
    pub outside: usize,
}

impl Engine {
    /// Asks every source for its time; a source that does not answer is left to its own read.
    pub async fn compare_clocks(&self, only: &[String]) -> Result<Compared, EngineError> {
        let mut outside = 0;
        let wanted = |name: &str| only.is_empty() || only.iter().any(|o| o == name);
        for directory in self.directories.iter().filter(|d| wanted(d.name.as_str())) {
            if let Ok(Some(theirs)) = directory.adapter.clock().await {
                self.compare(directory.name.as_str(), theirs)?;
                outside += 1;
            }
        }
        for tenant in self.tenants.iter().filter(|t| wanted(t.name.as_str())) {
            if let Ok(Some(theirs)) = tenant.adapter.clock().await {
                self.compare(tenant.name.as_str(), theirs)?;
                outside += 1;
            }
        }
        Ok(Compared { outside })
    }

    fn compare(&self, source: &str, theirs: crate::domain::time::Time) -> Result<(), EngineError> {
        let seconds = self.clock.now().seconds_since(theirs);
        // A moved clock is a rehearsal on loopback: there the sources' clocks may stay behind.
        if seconds.abs() <= MOST_APART_S || self.clock.is_moved() {
            return Ok(());
        }
        Err(EngineError::Clock {
            source_name: source.to_owned(),
            seconds,
        })
    }
}
