//! How long to wait before a read is sent again, as pure functions.

use std::time::Duration;

use aws_lc_rs::digest;
use chrono::DateTime;
use reqwest::header::DATE;
use reqwest::header::HeaderMap;
use reqwest::header::RETRY_AFTER;

use crate::domain::time::Time;
use crate::http::Limits;

/// What a tenant may count requests by, each with headers of its own (`x-rate-limit-user-reset`).
const SCOPED: [&str; 2] = ["user", "workspace"];

/// The pause after the `attempt`-th request (from 1): doubled each time, and spread over the upper
/// half by a digest of `key`, so that the same call waits the same on every run.
pub fn backoff(limits: &Limits, attempt: u32, key: &str) -> Duration {
    let doublings = attempt.saturating_sub(1).min(16);
    let whole = limits
        .first_backoff
        .saturating_mul(1 << doublings)
        .min(limits.longest_backoff);
    let mut text = key.as_bytes().to_vec();
    text.extend_from_slice(&attempt.to_be_bytes());
    let hash = digest::digest(&digest::SHA256, &text);
    let share = hash.as_ref().first().copied().unwrap_or_default();
    let half = whole / 2;
    half + half * u32::from(share) / 255
}

/// How long the tenant asks to wait: `Retry-After` first, then the rate-limit headers.
///
/// `date` is the `Date` of the same answer: moments are measured by the tenant's own clock, so
/// none of ours is needed. Without it, only numbers of seconds can be read. The result is cut to
/// `longest`.
pub fn stated_wait(headers: &HeaderMap, date: Option<Time>, longest: Duration) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    let retry_after = headers
        .get(RETRY_AFTER)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| reading(v, date).or_else(|| until(http_date(v)?, date?)));
    let seconds = retry_after
        .or_else(|| reading(text("x-retry-after")?, date))
        .or_else(|| reading(text("x-ratelimit-reset")?, date))
        .or_else(|| reading(text("x-rate-limit-reset")?, date))
        .or_else(|| {
            let resets = SCOPED.map(|scope| {
                let name = format!("x-rate-limit-{scope}-reset");
                reading(text(&name)?, date)
            });
            // which of the two ran out need not be said
            resets.into_iter().flatten().max()
        })?;
    Some(Duration::from_secs(seconds).min(longest))
}

/// Whether the tenant itself asks for a pause, and does not only say how its window stands.
pub(super) fn names_pause(headers: &HeaderMap) -> bool {
    headers.contains_key(RETRY_AFTER) || headers.contains_key("x-retry-after")
}

/// Whether the tenant says that no request is left in the present window.
pub(super) fn nothing_remains(headers: &HeaderMap) -> bool {
    let scoped = SCOPED.map(|scope| format!("x-rate-limit-{scope}-remaining"));
    ["x-ratelimit-remaining", "x-rate-limit-remaining"]
        .into_iter()
        .chain(scoped.iter().map(String::as_str))
        .filter_map(|name| headers.get(name)?.to_str().ok())
        .any(|text| text.trim() == "0")
}

/// The `Date` header.
pub(super) fn date(headers: &HeaderMap) -> Option<Time> {
    http_date(headers.get(DATE)?.to_str().ok()?)
}

/// Numbers are documented both as a moment and as seconds left: above 1e12 they are milliseconds
/// since 1970, above 1e9 seconds since 1970, else seconds left.
fn reading(text: &str, date: Option<Time>) -> Option<u64> {
    let number: u64 = text.trim().parse().ok()?;
    let moment = if number > 1_000_000_000_000 {
        Time::from_micros(i64::try_from(number).ok()?.saturating_mul(1000))
    } else if number > 1_000_000_000 {
        Time::from_seconds(i64::try_from(number).ok()?)
    } else {
        return Some(number);
    };
    until(moment, date?)
}

fn until(moment: Time, date: Time) -> Option<u64> {
    let micros = moment.micros().saturating_sub(date.micros()).max(0);
    u64::try_from(micros).ok().map(|m| m.div_ceil(1_000_000))
}

fn http_date(text: &str) -> Option<Time> {
    let moment = DateTime::parse_from_rfc2822(text.trim()).ok()?;
    Some(Time::from_micros(moment.timestamp_micros()))
}
