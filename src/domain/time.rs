//! Moments in UTC, to the microsecond.

use std::fmt;

use chrono::DateTime;
use chrono::SecondsFormat;
use chrono::Utc;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;

/// One day, in seconds.
pub const DAY_SECONDS: i64 = 86_400;

/// A moment in UTC, in microseconds since 1970; written `2026-11-22T10:00:00.123456Z`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

impl Time {
    /// Makes a moment from microseconds since 1970-01-01T00:00:00Z.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Makes a moment from seconds since 1970-01-01T00:00:00Z.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// Microseconds since 1970.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Reads RFC 3339 with any offset and 0 to 9 fractional digits.
    pub fn parse(text: &str) -> Option<Self> {
        let moment = DateTime::parse_from_rfc3339(text).ok()?;
        Some(Self(moment.timestamp_micros()))
    }

    /// Adds seconds (negative ones go back).
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// Adds days of 24 hours.
    #[must_use]
    pub const fn plus_days(self, days: i64) -> Self {
        self.plus_seconds(days.saturating_mul(DAY_SECONDS))
    }

    /// Whole seconds from `earlier` to `self`, rounded down; negative if `earlier` is later.
    pub const fn seconds_since(self, earlier: Time) -> i64 {
        self.0.saturating_sub(earlier.0).div_euclid(1_000_000)
    }

    /// Whole days from `earlier` to `self`, rounded down.
    pub const fn days_since(self, earlier: Time) -> i64 {
        self.seconds_since(earlier).div_euclid(DAY_SECONDS)
    }

    /// The moment at which its UTC day began.
    #[must_use]
    pub const fn start_of_day(self) -> Self {
        let day_micros = DAY_SECONDS * 1_000_000;
        Self(self.0.saturating_sub(self.0.rem_euclid(day_micros)))
    }

    /// The UTC day as `2026-11-22`.
    pub fn day(self) -> String {
        self.chrono().format("%Y-%m-%d").to_string()
    }

    /// `2026-11-22T10:00:00Z`, for requests and for people.
    pub fn to_seconds_text(self) -> String {
        self.chrono().to_rfc3339_opts(SecondsFormat::Secs, true)
    }

    /// The same moment as chrono's type; moments beyond its range become its epoch.
    pub fn chrono(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or_default()
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.chrono().to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not an RFC 3339 time"))
    }
}
