//! The sandbox's own clock: real time plus an offset that a test or the demo moves.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};

/// Tells the time inside a sandbox server.
///
/// The offset moves everything the server knows of time (retention, events it writes, the `Date`
/// header, `currentTime`). The skew falsifies only what the server *says* the time is, as a host
/// with a wrong clock behind a right database would.
#[derive(Debug, Default)]
pub(crate) struct SandboxClock {
    offset_ms: AtomicI64,
    skew_ms: AtomicI64,
}

impl SandboxClock {
    /// Returns the sandbox's present.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        shift(Utc::now(), self.offset_ms.load(Ordering::SeqCst))
    }

    /// Returns the time the server claims to a client: the present plus the skew.
    pub(crate) fn claimed(&self) -> DateTime<Utc> {
        shift(self.now(), self.skew_ms.load(Ordering::SeqCst))
    }

    /// Sets the present; time then goes on from there at its usual pace.
    pub(crate) fn set(&self, now: DateTime<Utc>) {
        let offset = now.signed_duration_since(Utc::now()).num_milliseconds();
        self.offset_ms.store(offset, Ordering::SeqCst);
    }

    /// Moves the present forward, or back with a negative delta.
    pub(crate) fn advance(&self, by: TimeDelta) {
        self.offset_ms
            .fetch_add(by.num_milliseconds(), Ordering::SeqCst);
    }

    /// Sets by how much the claimed time is wrong.
    pub(crate) fn set_skew(&self, skew: TimeDelta) {
        self.skew_ms
            .store(skew.num_milliseconds(), Ordering::SeqCst);
    }
}

fn shift(at: DateTime<Utc>, by_ms: i64) -> DateTime<Utc> {
    TimeDelta::try_milliseconds(by_ms)
        .and_then(|by| at.checked_add_signed(by))
        .unwrap_or(at)
}
