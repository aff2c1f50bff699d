//! What the tenant's administrator, its tariff and the test have set.

use serde::{Deserialize, Serialize};

use crate::sandbox::docspace::{keys::KeyRules, tasks::TaskKind};

/// How the reset header of the rate limit is meant; the service documents both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResetForm {
    /// Unix seconds.
    Epoch,
    /// Seconds that are left.
    SecondsLeft,
}

/// Limits of the number of requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimit {
    /// Requests in one window.
    pub requests: usize,
    /// The window in real milliseconds; the service's is a minute.
    pub window_ms: u64,
    /// GET requests at the same time.
    pub concurrent_get: usize,
    /// Other requests at the same time.
    pub concurrent_other: usize,
    /// POST and PUT requests in 24 hours of the sandbox's clock.
    pub writes_per_day: usize,
    /// What `X-RateLimit-Reset` holds.
    pub reset: ResetForm,
}

impl Default for RateLimit {
    fn default() -> Self {
        Self {
            requests: 1500,
            window_ms: 60_000,
            concurrent_get: 50,
            concurrent_other: 15,
            writes_per_day: 10_000,
            reset: ResetForm::Epoch,
        }
    }
}

/// What the tenant's administrator and its tariff have set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Minutes of the tenant's zone east of UTC.
    pub zone_minutes: i32,
    /// False: the tariff lacks the audit, and both histories answer with their last 20 events.
    pub audit_tariff: bool,
    /// Days the login history is kept.
    pub login_history_days: u32,
    /// Days the audit trail is kept.
    pub audit_trail_days: u32,
    /// Seconds of the sandbox's clock until an audit event can be read.
    pub audit_delay_seconds: u32,
    /// Minutes a session lasts.
    pub cookie_minutes: u32,
    /// Whether the life of sessions is limited at all.
    pub cookie_enabled: bool,
    /// Active users other than guests that the tariff allows; none: no limit.
    pub seats: Option<usize>,
    /// None: the limiter is off.
    pub rate_limit: Option<RateLimit>,
    /// How the long work behind reassignments and removals goes.
    pub tasks: TaskSettings,
    /// What it does with API keys.
    pub keys: KeyRules,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            zone_minutes: 60,
            audit_tariff: true,
            login_history_days: 180,
            audit_trail_days: 180,
            audit_delay_seconds: 0,
            // What the service answers for a tenant that never set it.
            cookie_minutes: 1440,
            cookie_enabled: false,
            seats: None,
            rate_limit: None,
            tasks: TaskSettings::default(),
            keys: KeyRules::Usual,
        }
    }
}

/// How fast tasks go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Pace {
    /// Each request with a good key, whatever it asks for, moves every task by so much.
    Calls {
        /// Of 100.
        percent: u8,
    },
    /// A task takes so long on the sandbox's clock.
    Seconds {
        /// How long.
        seconds: u32,
    },
}

/// Where and how tasks fail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskFailure {
    /// The percentage that is reached before.
    pub at: u8,
    /// What stands in `error`.
    pub message: String,
    /// Which tasks; none: all.
    #[serde(default)]
    pub of: Option<TaskKind>,
    /// The status says "completed" (2) beside the error, instead of "failed" (4).
    #[serde(default)]
    pub as_completed: bool,
}

/// How reassignments and removals go; where nothing is known of the service, a choice of both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TaskSettings {
    /// How fast they go on.
    pub pace: Pace,
    /// The percentage beyond which none gets; none: they all end.
    pub stall_at: Option<u8>,
    /// How they fail; none: they do not.
    pub failure: Option<TaskFailure>,
    /// How often a task that is over is shown before the answer is null; none: for ever.
    pub reads_after_end: Option<u32>,
    /// Whether the answer of null lacks `response` (as all nulls do) or holds it.
    pub null_is_left_out: bool,
    /// The status for a removal while a reassignment runs: 500 (the source) or 409 (the manual).
    pub running_refusal: u16,
    /// The status for the removal of an unknown or removed user: 403 as for system users, or 404.
    pub unknown_delete: u16,
    /// Whether `reassign/necessary` answers 404 for an unknown user; else it says "not necessary".
    pub necessary_finds_unknown: bool,
}

impl Default for TaskSettings {
    fn default() -> Self {
        Self {
            pace: Pace::Calls { percent: 25 },
            stall_at: None,
            failure: None,
            reads_after_end: Some(1),
            null_is_left_out: true,
            running_refusal: 500,
            unknown_delete: 403,
            necessary_finds_unknown: false,
        }
    }
}
