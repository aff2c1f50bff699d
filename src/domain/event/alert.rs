//! What operators were told: these types of entries.

use serde::Deserialize;
use serde::Serialize;

use crate::domain::alert::AlertKind;
use crate::domain::alert::Told;
use crate::domain::code::Code;
use crate::domain::event::Payload;
use crate::domain::time::Time;

/// One alert in a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertMark {
    /// What it is.
    pub kind: AlertKind,
    /// About what; never a person.
    pub about: String,
    /// Why it was given then.
    pub word: Told,
    /// What it was then.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub state: String,
    /// The newest thing in it then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<Time>,
}

payload!("alert.sent",
/// A message with alerts left, or could not be delivered.
AlertSent {
    /// How it went: `webhook`, `mail`.
    channel: String,
    /// `accepted`, or `failed`.
    state: String,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    because: Option<Code>,
    /// The alerts in it.
    alerts: Vec<AlertMark>,
});

payload!("summary.sent",
/// The weekly summary left, or could not be delivered.
SummarySent {
    /// How it went: `webhook`, `mail`.
    channel: String,
    /// `accepted`, or `failed`.
    state: String,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    because: Option<Code>,
    /// Where the time begins that it is about.
    from: Time,
    /// Where it ends.
    to: Time,
});
