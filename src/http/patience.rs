//! Who is told that a read waits, since the other side asked for quiet or did not answer.
//!
//! A provider knows nothing of who is told, and sends many requests at once: whoever starts a read
//! listens around the whole of it, and hears of each stretch of waiting once.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::time::Instant;

/// Shorter pauses are not worth a word.
const WORTH_A_WORD: Duration = Duration::from_secs(2);

/// Why a read waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The other side says for how long it wants quiet.
    Asked,
    /// Nothing usable came: what, in words.
    Failed(String),
}

/// What hears for how long a read waits, and why.
type Hear = dyn Fn(Duration, &Reason) + Send + Sync;

struct Listener {
    hear: Box<Hear>,
    /// Until when is known already.
    until: Mutex<Option<Instant>>,
}

tokio::task_local! {
    static LISTENER: Listener;
}

/// Does `work`, and lets `hear` know how long its reads wait, and why.
pub async fn heard<F: Future>(
    hear: impl Fn(Duration, &Reason) + Send + Sync + 'static,
    work: F,
) -> F::Output {
    let listener = Listener {
        hear: Box::new(hear),
        until: Mutex::new(None),
    };
    LISTENER.scope(listener, work).await
}

/// Waits, and says so to whoever listens.
pub(super) async fn pause(length: Duration, reason: &Reason) {
    if length >= WORTH_A_WORD {
        // without a listener nobody wants to know
        LISTENER
            .try_with(|listener| listener.tell(length, reason))
            .unwrap_or_default();
    }
    tokio::time::sleep(length).await;
}

impl Listener {
    fn tell(&self, length: Duration, reason: &Reason) {
        let Some(until) = Instant::now().checked_add(length) else {
            return;
        };
        let mut known = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        // several requests that wait for the same moment are one wait
        if known.is_some_and(|known| until < known + WORTH_A_WORD) {
            return;
        }
        *known = Some(until);
        drop(known);
        (self.hear)(length, reason);
    }
}
