//! The service's limiter: requests in a sliding window, and how many at the same time.

use std::time::{Duration, Instant};

use chrono::TimeDelta;

use crate::sandbox::{
    docspace::{
        DocSpaceService,
        settings::{RateLimit, ResetForm},
        world::World,
    },
    tenant::{Answer, Call, Service},
};

/// Works on a request, or refuses it with 429 where the limiter is on and full.
pub(crate) fn limited(
    world: &mut World,
    call: &Call<'_>,
    work: impl FnOnce(&mut World) -> Answer,
) -> Answer {
    let Some((remaining, wait, limit)) = charge(world) else {
        return work(world);
    };
    let concurrent = if call.method == "GET" {
        limit.concurrent_get
    } else {
        limit.concurrent_other
    };
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    if let Some(seconds) = spent(world, call, limit.writes_per_day) {
        return DocSpaceService::refusal(429, "").with("retry-after", seconds.to_string());
    }
    let answer = if remaining.is_none() || call.in_flight > concurrent {
        let answer = DocSpaceService::refusal(429, "");
        answer.with("retry-after", seconds.max(1).to_string())
    } else {
        work(world)
    };
    let left = i64::try_from(seconds).unwrap_or(i64::MAX);
    let reset = match limit.reset {
        ResetForm::SecondsLeft => left,
        ResetForm::Epoch => call.now.timestamp().saturating_add(left),
    };
    answer
        .with("x-ratelimit-limit", limit.requests.to_string())
        .with("x-ratelimit-remaining", remaining.unwrap_or(0).to_string())
        .with("x-ratelimit-reset", reset.to_string())
}

/// Counts a POST or PUT against the day; the seconds to wait if there are no more.
fn spent(world: &mut World, call: &Call<'_>, limit: usize) -> Option<i64> {
    if !matches!(call.method, "POST" | "PUT") {
        return None;
    }
    let day = TimeDelta::days(1);
    while world
        .written
        .front()
        .is_some_and(|at| *at + day <= call.now)
    {
        world.written.pop_front();
    }
    if world.written.len() < limit {
        world.written.push_back(call.now);
        return None;
    }
    let oldest = world.written.front().copied().unwrap_or(call.now);
    Some((oldest + day - call.now).num_seconds().max(1))
}

/// Counts a request against the window: what remains (none: nothing did), the time until the
/// oldest leaves the window, the limit.
fn charge(world: &mut World) -> Option<(Option<usize>, Duration, RateLimit)> {
    let limit = world.settings.rate_limit.clone()?;
    let window = Duration::from_millis(limit.window_ms);
    let now = Instant::now();
    while world
        .recent
        .front()
        .is_some_and(|at| now.duration_since(*at) >= window)
    {
        world.recent.pop_front();
    }
    let free = limit.requests.saturating_sub(world.recent.len());
    let remaining = free.checked_sub(1);
    if remaining.is_some() {
        world.recent.push_back(now);
    }
    let oldest = world.recent.front().copied().unwrap_or(now);
    Some((
        remaining,
        window.saturating_sub(now.duration_since(oldest)),
        limit,
    ))
}
