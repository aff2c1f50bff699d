//! Runs and their cadence, and what channels were told.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::alert::AlertKind;
use crate::domain::code::Code;
use crate::domain::id::RunId;
use crate::domain::id::Seq;
use crate::domain::rows::Mark;
use crate::domain::time::Time;

/// How many gaps are kept in the row; all of them follow from the entries.
pub(crate) const MOST_GAPS: usize = 20;

/// The runs, once a cadence was promised: when the last one came to its end, and where none did for
/// longer than that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunsRow {
    /// The first run that was promised.
    pub first: Mark,
    /// How often a run is expected, as the newest one says, in hours.
    pub every_hours: u64,
    /// The newest run that began: its id.
    pub run: RunId,
    /// And when that was.
    pub started: Mark,
    /// The newest one that came to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished: Option<RunEnd>,
    /// Where none came to its end for longer than was promised; the newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Gap>,
}

/// The end of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEnd {
    /// Its entry.
    pub seq: Seq,
    /// When it ended.
    pub at: Time,
    /// Its exit code.
    pub exit: u64,
    /// How soon the next one was promised, in hours.
    pub every_hours: u64,
}

impl RunEnd {
    /// Until when the next run must have begun: a quarter of the promised time is granted.
    pub fn until(&self) -> Time {
        let hours = i64::try_from(self.every_hours).unwrap_or(i64::MAX / 7200);
        self.at.plus_seconds(hours * 3600 + hours * 900)
    }
}

/// A time in which no run came to its end although one was promised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The end of the last run before it.
    pub from: Time,
    /// The start of the first run after it.
    pub to: Time,
    /// How often a run was promised then, in hours.
    pub every_hours: u64,
    /// The entry that ended it.
    pub seq: Seq,
}

impl RunsRow {
    /// Whether no run came to its end for longer than was promised.
    pub fn is_overdue(&self, now: Time) -> bool {
        self.finished.as_ref().is_some_and(|end| now > end.until())
    }
}

/// What one channel was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelRow {
    /// `webhook`, `mail`.
    pub channel: String,
    /// The alerts that it knows and that are not over, by kind and what they are about.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub told: BTreeMap<String, ToldMark>,
    /// When it last took something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Mark>,
    /// Since when it takes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing: Option<Failing>,
    /// The newest summary that it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Mark>,
}

/// One alert as a channel knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldMark {
    /// What it is.
    pub kind: AlertKind,
    /// About what.
    pub about: String,
    /// The entry.
    pub seq: Seq,
    /// When it was told last.
    pub at: Time,
    /// What it was then.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub state: String,
    /// The newest thing in it then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<Time>,
}

/// A channel that takes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    /// The first entry that says so.
    pub seq: Seq,
    /// Since when.
    pub since: Time,
    /// When that was recorded last.
    pub last: Time,
    /// Why.
    pub because: Code,
}
