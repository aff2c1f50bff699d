//! The walks over login history and audit trail, on the wire.

use futures_util::StreamExt as _;
use futures_util::stream;
use serde_json::Value;
use tokio::time::Instant;
use tokio::time::timeout_at;

use crate::domain::account::Signal;
use crate::domain::source::SignalProof;
use crate::domain::time::DAY_SECONDS;
use crate::domain::time::Time;
use crate::provider::ActivityRead;
use crate::provider::ProviderError;
use crate::provider::docspace::COOKIES;
use crate::provider::docspace::DocSpace;
use crate::provider::docspace::LIFETIME;
use crate::provider::docspace::events;
use crate::provider::docspace::events::Retention;
use crate::provider::docspace::events::Walk;
use crate::provider::docspace::read::BATCH;

/// What is asked for first: the newest event alone, and the first page.
type FirstPages = (Result<Value, String>, Result<Value, String>);

/// With how many pages a walk goes on behind its first page that has no watermark to meet.
const FIRST_WAVE: usize = 16;

/// The path of a log and its name in words.
pub(super) const fn log(signal: Signal) -> (&'static str, &'static str) {
    match signal {
        Signal::Login | Signal::Seen => (
            "api/2.0/security/audit/login/filter",
            "reading the login history",
        ),
        Signal::Audit => (
            "api/2.0/security/audit/events/filter",
            "reading the audit trail",
        ),
    }
}

/// Whether nothing else needs to be asked after this error, with all the waiting that takes.
fn hopeless(e: &ProviderError) -> bool {
    matches!(
        e,
        ProviderError::Unreachable { .. }
            | ProviderError::Limited { .. }
            | ProviderError::Credentials { .. }
    )
}

fn not_walked(known: &[SignalProof], now: Time, fault: &str) -> ActivityRead {
    let mut read = ActivityRead::default();
    for signal in [Signal::Login, Signal::Audit] {
        let known = known.iter().find(|k| k.signal == signal);
        let walk = Walk::new(signal, known, None, now);
        let (proof, seen) = walk.finish(Err(fault.to_owned()), known, None, None, now);
        read.signals.push(proof);
        read.seen.insert(signal, seen);
    }
    read
}

impl DocSpace {
    pub(super) async fn walk_all(
        &self,
        known: &[SignalProof],
        now: Time,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> ActivityRead {
        let deadline = Instant::now().checked_add(self.walk_deadline);
        let (lifetime, session, first) = tokio::join!(
            self.read_lifetime(),
            self.session_seconds(),
            self.first_pages(deadline, Signal::Login),
        );
        if let Err(e) = &lifetime
            && hopeless(e)
        {
            return not_walked(known, now, e.fault());
        }
        let session = session.ok().flatten();
        let mut read = ActivityRead::default();
        let mut first = Some(first);
        let mut wanted = vec![(Signal::Login, session)];
        if session.is_none() {
            // nobody can tell how long one login lasts: what people do stands in for it
            let day = u64::try_from(DAY_SECONDS).ok();
            wanted.push((Signal::Audit, day));
        }
        for (signal, precision_s) in wanted {
            let known = known.iter().find(|k| k.signal == signal);
            let retention = lifetime
                .as_ref()
                .ok()
                .and_then(|body| events::retention(signal, body));
            let mut walk = Walk::new(signal, known, retention, now);
            let deadline = Instant::now().checked_add(self.walk_deadline);
            let first = match first.take() {
                Some(first) => first,
                None => self.first_pages(deadline, signal).await,
            };
            let outcome = self
                .walk(&mut walk, signal, first, deadline, progress)
                .await;
            let (proof, seen) = walk.finish(outcome, known, retention, precision_s, now);
            read.signals.push(proof);
            read.seen.insert(signal, seen);
        }
        read
    }

    /// The newest event alone, which shows whether the log can be believed, and the first page of
    /// the walk beside it: most walks need no more.
    async fn first_pages(&self, deadline: Option<Instant>, signal: Signal) -> FirstPages {
        tokio::join!(
            self.page_until(deadline, signal, 1, 0),
            self.page_until(deadline, signal, events::PAGE, 0),
        )
    }

    /// Walks one log from its first pages on; the error is a code.
    async fn walk(
        &self,
        walk: &mut Walk,
        signal: Signal,
        (newest, page): FirstPages,
        deadline: Option<Instant>,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<(), String> {
        let newest = newest?;
        if let Err(code) = events::probe(&newest) {
            walk.take_successes(&newest);
            return Err(code.to_owned());
        }
        let next = walk.take(&page?).map_err(str::to_owned)?;
        progress(walk.events());
        let mut ahead = match next {
            events::Next::Done => None,
            events::Next::More if walk.is_first() => Some(FIRST_WAVE),
            events::Next::More => Some(2),
            events::Next::Again => Some(1),
        };
        while let Some(count) = ahead {
            ahead = self.wave(walk, signal, deadline, count, progress).await?;
        }
        // the tariff may have changed on the way; and now more than one event is known to be there
        let last = self.page_until(deadline, signal, 1, 0).await?;
        events::probe(&last).map_err(str::to_owned)
    }

    /// Asks for the next pages at once and takes them in their order; returns how many to ask for
    /// next, nothing at the end of the walk.
    ///
    /// A first walk may have a long log before it: it goes on with [`FIRST_WAVE`] pages and grows
    /// fourfold. Later ones double. In vain are never more than [`DocSpaceSettings::reads`] pages.
    ///
    /// [`DocSpaceSettings::reads`]: crate::provider::docspace::DocSpaceSettings::reads
    async fn wave(
        &self,
        walk: &mut Walk,
        signal: Signal,
        deadline: Option<Instant>,
        ahead: usize,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Option<usize>, String> {
        let left = self.max_pages.saturating_sub(walk.pages);
        let count = ahead.min(usize::try_from(left).unwrap_or(usize::MAX));
        if count == 0 {
            return Err("activity.too-long".to_owned());
        }
        let asked: Vec<_> = walk
            .starts(count)
            .map(|start| self.page_until(deadline, signal, events::PAGE, start))
            .collect();
        let mut pages = stream::iter(asked).buffered(self.reads);
        while let Some(page) = pages.next().await {
            let next = walk.take(&page?).map_err(str::to_owned)?;
            progress(walk.events());
            match next {
                events::Next::More => {}
                events::Next::Again => return Ok(Some(1)),
                events::Next::Done => return Ok(None),
            }
        }
        let most = self.reads.saturating_mul(BATCH);
        let growth = if walk.is_first() { 4 } else { 2 };
        Ok(Some(ahead.saturating_mul(growth).min(most)))
    }

    /// One page of a log, unless the deadline passes before; the error is a code.
    async fn page_until(
        &self,
        deadline: Option<Instant>,
        signal: Signal,
        count: usize,
        start: u64,
    ) -> Result<Value, String> {
        let page = self.log_page(signal, count, start);
        let page = match deadline {
            Some(deadline) => timeout_at(deadline, page)
                .await
                .map_err(|_| "activity.deadline".to_owned())?,
            None => page.await,
        };
        page.map_err(|e| e.fault().to_owned())
    }

    /// One page of a log. Nothing else is ever asked for: filters apply after paging.
    pub(super) async fn log_page(
        &self,
        signal: Signal,
        count: usize,
        start: u64,
    ) -> Result<Value, ProviderError> {
        let (path, what) = log(signal);
        let (count, start) = (count.to_string(), start.to_string());
        let query = [("count", count.as_str()), ("startIndex", start.as_str())];
        self.read(path, &query, what).await
    }

    pub(super) async fn read_lifetime(&self) -> Result<Value, ProviderError> {
        self.read(LIFETIME, &[], "reading how long the history is kept")
            .await
    }

    pub(super) async fn retention(
        &self,
        signal: Signal,
    ) -> Result<Option<Retention>, ProviderError> {
        let body = self.read_lifetime().await?;
        Ok(events::retention(signal, &body))
    }

    pub(super) async fn session_seconds(&self) -> Result<Option<u64>, ProviderError> {
        let body = self
            .read(COOKIES, &[], "reading the session lifetime")
            .await?;
        Ok(events::session_seconds(&body))
    }
}
