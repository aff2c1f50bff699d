//! From a request to the function that answers it: slash, key, quota, permission, route.

use chrono::{DateTime, TimeDelta, Utc};

use crate::sandbox::{
    huwise::{
        ApiKey, Huwise, groups, keys, listing,
        settings::{NoSlash, Quota, Reset},
        users,
        wire::{not_found, refusal, refused},
    },
    tenant::{Answer, Call},
};

/// What was used of the present day.
#[derive(Debug, Default)]
pub(crate) struct Used {
    day: i64,
    calls: u64,
}

impl Used {
    /// Counts a call and tells whether it is one too many.
    fn charge(&mut self, quota: &Quota, now: DateTime<Utc>) -> bool {
        let day = now.timestamp().div_euclid(86_400);
        if self.day != day {
            (self.day, self.calls) = (day, 0);
        }
        self.calls += 1;
        self.calls > quota.calls
    }

    fn headers(&self, quota: &Quota, now: DateTime<Utc>, answer: Answer) -> Answer {
        let left = 86_400 - now.timestamp().rem_euclid(86_400);
        let midnight = now.timestamp() + left;
        let reset = match quota.reset {
            Reset::EpochSeconds => Some(midnight.to_string()),
            Reset::EpochMillis => Some((midnight * 1000).to_string()),
            Reset::SecondsLeft => Some(left.to_string()),
            Reset::Date => DateTime::from_timestamp(midnight, 0)
                .map(|at| at.format("%Y-%m-%dT%H:%M:%SZ").to_string()),
            Reset::Absent => None,
        };
        let remaining = quota.calls.saturating_sub(self.calls);
        let answer = answer
            .with("x-ratelimit-limit", quota.calls.to_string())
            .with("x-ratelimit-remaining", remaining.to_string());
        match reset {
            Some(reset) => answer.with("x-ratelimit-reset", reset),
            None => answer,
        }
    }
}

impl Huwise {
    /// Answers a request to the API.
    pub(crate) fn api(&mut self, call: &Call<'_>) -> Answer {
        let segments = call.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let ["api", "automation", "v1.0", rest @ ..] = segments.as_slice() else {
            return self.no_route();
        };
        let Some(("", rest)) = rest.split_last().map(|(last, rest)| (*last, rest)) else {
            return self.no_slash(call);
        };
        let Some(key) = keys::caller(&self.world, &self.settings, call) else {
            let shape = self.settings.unauthorized_shape;
            let status = self.settings.unauthorized;
            return refused(status, shape, "Invalid or missing API key.");
        };
        let Some(quota) = self.settings.quota.clone() else {
            return self.administered(call, &key, rest);
        };
        let answer = if self.used.charge(&quota, call.now) {
            refusal(429, "Daily quota of API calls exceeded.")
        } else {
            self.administered(call, &key, rest)
        };
        self.used.headers(&quota, call.now, answer)
    }

    fn no_route(&self) -> Answer {
        if self.settings.no_route_html {
            let page = "<!DOCTYPE html><html><body><h1>Page not found</h1></body></html>";
            return Answer::raw(404, "text/html; charset=utf-8", page);
        }
        not_found()
    }

    fn no_slash(&self, call: &Call<'_>) -> Answer {
        if self.settings.no_slash == NoSlash::NotFound {
            return self.no_route();
        }
        let mut target = format!("{}/", call.path);
        if !call.query.is_empty() {
            target = format!("{target}?{}", call.query);
        }
        Answer::raw(301, "text/html; charset=utf-8", "").with("location", target)
    }

    fn administered(&mut self, call: &Call<'_>, key: &ApiKey, rest: &[&str]) -> Answer {
        if self.settings.keys_are_seen
            && let Some(mut user) = self.world.user(&key.owner).cloned()
            && user
                .last_seen
                .is_none_or(|seen| call.now - seen > TimeDelta::seconds(60))
        {
            user.last_seen = Some(call.now);
            self.world.put(user);
        }
        if !keys::administers(&self.world, key) {
            let why = "You do not have permission to perform this action.";
            return refused(403, self.settings.forbidden_shape, why);
        }
        let (world, settings) = (&mut self.world, &self.settings);
        match (call.method, rest) {
            ("GET", ["users"]) => listing::list(world, settings, call),
            ("POST", ["users", "invite"]) => users::invite(world, settings, call),
            (_, ["users", username]) => users::answer(world, settings, call, &key.owner, username),
            (_, ["groups", rest @ ..]) => groups::answer(world, settings, call, rest),
            (_, ["apikeys", rest @ ..]) => keys::answer(world, settings, call, &key.owner, rest),
            (_, ["users"]) => refusal(405, "Method not allowed."),
            _ => self.no_route(),
        }
    }
}
