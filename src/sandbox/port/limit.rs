//! The service's limiter: requests in a fixed window, and its headers on each answer.

use std::time::{Duration, Instant};

use crate::sandbox::{
    port::{
        settings::{RateLimit, ResetForm},
        wire,
        world::World,
    },
    tenant::{Answer, Call},
};

/// Works on a request, or refuses it with 429 where the window is full.
pub(crate) fn limited(
    world: &mut World,
    call: &Call<'_>,
    work: impl FnOnce(&mut World) -> Answer,
) -> Answer {
    let Some(limit) = world.settings.rate_limit.clone() else {
        return work(world);
    };
    let (remaining, wait) = charge(world, &limit);
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let answer = match remaining {
        Some(_) => work(world),
        None if limit.retry_after => {
            wire::error(429, "Too many requests").with("retry-after", seconds.max(1).to_string())
        }
        None => wire::error(429, "Too many requests"),
    };
    let left = i64::try_from(seconds).unwrap_or(i64::MAX);
    let reset = match limit.reset {
        ResetForm::SecondsLeft => left,
        ResetForm::Epoch => call.now.timestamp().saturating_add(left),
    };
    let period = limit.window_ms.div_ceil(1_000);
    answer
        .with("x-ratelimit-period", period.to_string())
        .with("x-ratelimit-limit", limit.requests.to_string())
        .with("x-ratelimit-remaining", remaining.unwrap_or(0).to_string())
        .with("x-ratelimit-reset", reset.to_string())
}

/// Counts a request: what remains (none: the window is full), and the time until the next window.
fn charge(world: &mut World, limit: &RateLimit) -> (Option<usize>, Duration) {
    let length = Duration::from_millis(limit.window_ms);
    let now = Instant::now();
    let (start, count) = match world.window {
        Some((start, count)) if now.duration_since(start) < length => (start, count),
        _ => (now, 0),
    };
    let remaining = limit.requests.checked_sub(count + 1);
    let count = if remaining.is_some() {
        count + 1
    } else {
        count
    };
    world.window = Some((start, count));
    (remaining, length.saturating_sub(now.duration_since(start)))
}
