//! The walk over the audit log, on the wire.

use std::collections::BTreeMap;

use serde_json::Value;
use tokio::time::Instant;
use tokio::time::timeout_at;

use crate::domain::account::Sightings;
use crate::domain::account::Signal;
use crate::domain::source::SignalProof;
use crate::domain::time::Time;
use crate::provider::ActivityRead;
use crate::provider::ProviderError;
use crate::provider::port::Port;
use crate::provider::port::audit;
use crate::provider::port::audit::Next;
use crate::provider::port::audit::Walk;
use crate::provider::port::people::Ids;
use crate::provider::port::wire;

impl Port {
    pub(super) async fn walk_audit(
        &self,
        known: &[SignalProof],
        now: Time,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> ActivityRead {
        let known = known.iter().find(|k| k.signal == Signal::Audit);
        let ids = match self.ids().await {
            Ok(ids) => ids,
            Err(e) => return not_walked(e.fault(), known, now),
        };
        let deadline = Instant::now().checked_add(self.walk_deadline);
        let mut walk = Walk::new(&ids, known, now);
        let mut outcome = self.walk(&mut walk, deadline, progress).await;
        if outcome.is_ok() && walk.lost_its_mark() {
            // what was known proves nothing about this log: all of it is looked at
            walk = Walk::new(&ids, None, now);
            outcome = self.walk(&mut walk, deadline, progress).await;
        }
        read(walk.finish(outcome, known))
    }

    /// Walks the log; the error is a code.
    async fn walk(
        &self,
        walk: &mut Walk<'_>,
        deadline: Option<Instant>,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<(), String> {
        loop {
            if walk.pages >= self.max_pages {
                return Err("activity.too-long".to_owned());
            }
            let page = self.audit_page(walk.from, walk.to, audit::PAGE);
            let page = match deadline {
                Some(deadline) => timeout_at(deadline, page)
                    .await
                    .map_err(|_| "activity.deadline".to_owned())?,
                None => page.await,
            };
            let page = page.map_err(|e| fault(&e).to_owned())?;
            let next = walk.take(&page).map_err(str::to_owned)?;
            progress(walk.events);
            if next == Next::Done {
                return Ok(());
            }
        }
    }

    /// One page of the log.
    pub(super) async fn audit_page(
        &self,
        from: Time,
        to: Time,
        limit: usize,
    ) -> Result<Value, ProviderError> {
        let request = wire::audit(&audit::moment(from), &audit::moment(to), limit);
        self.read(&request, "reading the audit log").await
    }

    /// Who is who in the log: from the newest list, or from one that is read now.
    async fn ids(&self) -> Result<Ids, ProviderError> {
        let known = self.known().ids.clone();
        match known {
            Some(ids) => Ok(ids),
            None => Ok(self.read_whole(&|_| {}).await?.ids),
        }
    }
}

/// A plan without an audit log is no failure to read.
fn fault(e: &ProviderError) -> &'static str {
    match e {
        ProviderError::Tenant { .. } => "activity.not-offered",
        other => other.fault(),
    }
}

fn not_walked(fault: &str, known: Option<&SignalProof>, now: Time) -> ActivityRead {
    let ids = Ids::new();
    read(Walk::new(&ids, known, now).finish(Err(fault.to_owned()), known))
}

fn read((proof, seen): (SignalProof, BTreeMap<String, Sightings>)) -> ActivityRead {
    ActivityRead {
        signals: vec![proof],
        seen: [(Signal::Audit, seen)].into_iter().collect(),
    }
}
