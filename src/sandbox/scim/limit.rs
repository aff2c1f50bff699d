//! The limit of requests, and the 429s that a test orders.

use chrono::{DateTime, TimeDelta, Utc};

use crate::sandbox::{
    scim::{
        settings::{RetryAfter, Settings},
        wire::refusal,
    },
    tenant::Answer,
};

/// What was used of the present window.
#[derive(Debug, Default)]
pub(crate) struct Used {
    window: i64,
    requests: u64,
    /// How many requests are refused whatever the limit says, and the seconds they are told.
    pub(crate) ordered: Option<(u32, u32)>,
}

impl Used {
    /// Counts a request and returns the 429 where it is one too many.
    pub(crate) fn charge(&mut self, settings: &Settings, now: DateTime<Utc>) -> Option<Answer> {
        if let Some((times, seconds)) = self.ordered.as_mut()
            && *times > 0
        {
            *times -= 1;
            return Some(too_many(settings, now, i64::from(*seconds)));
        }
        let limit = settings.rate_limit.as_ref()?;
        let length = i64::from(limit.seconds.max(1));
        let window = now.timestamp().div_euclid(length);
        if self.window != window {
            (self.window, self.requests) = (window, 0);
        }
        self.requests += 1;
        let left = length - now.timestamp().rem_euclid(length);
        (self.requests > limit.requests).then(|| too_many(settings, now, left))
    }
}

fn too_many(settings: &Settings, now: DateTime<Utc>, seconds: i64) -> Answer {
    let answer = refusal(429, "Too many requests");
    match settings.retry_after {
        RetryAfter::Seconds => answer.with("retry-after", seconds.to_string()),
        RetryAfter::Date => {
            let at = now + TimeDelta::seconds(seconds);
            let at = at.format("%a, %d %b %Y %H:%M:%S GMT");
            answer.with("retry-after", at.to_string())
        }
        RetryAfter::Absent => answer,
    }
}
