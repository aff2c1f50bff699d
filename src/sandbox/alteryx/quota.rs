//! The quota for each minute, and the 429s that a test orders.

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::sandbox::{
    alteryx::{
        settings::{RateLimit, Reset},
        wire::exception,
    },
    tenant::Answer,
};

/// What was used of the present minute.
#[derive(Debug, Default)]
pub(crate) struct Quota {
    minute: i64,
    used: u64,
    /// How many requests are refused whatever the quota says, and the seconds they are told.
    pub(crate) ordered: Option<(u32, u64)>,
}

/// What is left after a request was counted.
#[derive(Debug)]
pub(crate) struct Left {
    limit: RateLimit,
    used: u64,
    now: DateTime<Utc>,
}

impl Quota {
    /// Counts a request; none where no quota is on the path.
    pub(crate) fn charge(
        &mut self,
        limit: Option<&RateLimit>,
        path: &str,
        now: DateTime<Utc>,
    ) -> Option<Left> {
        let limit = limit.filter(|limit| path.starts_with(&limit.path))?.clone();
        let minute = now.timestamp().div_euclid(60);
        if self.minute != minute {
            (self.minute, self.used) = (minute, 0);
        }
        self.used += 1;
        let used = self.used;
        Some(Left { limit, used, now })
    }

    /// Returns the next 429 that a test ordered.
    pub(crate) fn ordered(&mut self) -> Option<Answer> {
        let (times, seconds) = self.ordered.as_mut()?;
        if *times == 0 {
            return None;
        }
        *times -= 1;
        Some(too_many(*seconds, 30, "user"))
    }
}

impl Left {
    fn seconds(&self) -> u64 {
        60 - u64::try_from(self.now.timestamp().rem_euclid(60)).unwrap_or(0)
    }

    /// Returns the 429 where nothing is left.
    pub(crate) fn refusal(&self) -> Option<Answer> {
        if self.used > self.limit.user {
            return Some(too_many(self.seconds(), self.limit.user, "user"));
        }
        let all = self.limit.workspace;
        (self.used > all).then(|| too_many(self.seconds(), all, "workspace"))
    }

    /// Adds the headers of the quota.
    pub(crate) fn headers(&self, answer: Answer) -> Answer {
        let left = i64::try_from(self.seconds()).unwrap_or(0);
        let reset = match self.limit.reset {
            Reset::EpochMillis => (self.now.timestamp() + left) * 1000,
            Reset::EpochSeconds => self.now.timestamp() + left,
            Reset::SecondsLeft => left,
        };
        let remaining = |limit: u64| limit.saturating_sub(self.used).to_string();
        let (user, all) = (self.limit.user, self.limit.workspace);
        answer
            .with("x-rate-limit-user-limit", user.to_string())
            .with("x-rate-limit-user-remaining", remaining(user))
            .with("x-rate-limit-user-reset", reset.to_string())
            .with("x-rate-limit-workspace-limit", all.to_string())
            .with("x-rate-limit-workspace-remaining", remaining(all))
            .with("x-rate-limit-workspace-reset", reset.to_string())
    }
}

fn too_many(seconds: u64, limit: u64, of: &str) -> Answer {
    let details = format!(
        "API quota reached for \"listPerson\". Wait {seconds} seconds before making a new \
         request. (Max. {limit} requests allowed per minute per {of}.)"
    );
    exception(
        429,
        "TooManyRequestsException",
        "Too Many Requests",
        json!(details),
    )
    .with("x-retry-after", seconds.to_string())
}
