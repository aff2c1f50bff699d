//! When an alert is given on a channel: once, again while it lasts, at once when there is more of it,
//! and when it is over.

use serde::Deserialize;
use serde::Serialize;

use crate::domain::alert::Alert;
use crate::domain::alert::AlertKind;
use crate::domain::alert::RUN;
use crate::domain::rows::ChannelRow;
use crate::domain::rows::ToldMark;
use crate::domain::time::Time;

/// An alert that lasts is given again after so many hours: a little less than a day, so that a run
/// that is a few minutes earlier than yesterday's does not skip a day.
pub const AGAIN_HOURS: i64 = 23;

/// Why an alert is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told {
    /// It is there for the first time.
    New,
    /// There is more of it, or it is another one.
    Changed,
    /// It lasts.
    Again,
    /// It is over.
    Over,
}

impl Told {
    /// As it is recorded.
    pub const fn as_str(self) -> &'static str {
        match self {
            Told::New => "new",
            Told::Changed => "changed",
            Told::Again => "again",
            Told::Over => "over",
        }
    }
}

/// One alert that is to be given on a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Telling {
    /// Why now.
    pub word: Told,
    /// The alert; of one that is over, only its kind and what it was about.
    #[serde(flatten)]
    pub alert: Alert,
}

/// What a channel is to be told now, in view of what it was told before.
pub fn to_tell(open: &[Alert], channel: Option<&ChannelRow>, now: Time) -> Vec<Telling> {
    let mut telling = Vec::new();
    let told = channel.map(|row| &row.told);
    for alert in open {
        let before = told.and_then(|told| told.get(&alert.key()));
        if let Some(word) = why_now(alert, before, now) {
            telling.push(Telling {
                word,
                alert: alert.clone(),
            });
        }
    }
    for mark in told.into_iter().flat_map(|told| told.values()) {
        let goes_on = |a: &Alert| a.about == mark.about && mark.kind.goes_on_as(a.kind);
        // a gap is over when it is told of first
        let gap = mark.kind == AlertKind::RunMissing && mark.about != RUN;
        if !gap && !open.iter().any(goes_on) {
            telling.push(Telling {
                word: Told::Over,
                alert: Alert::new(mark.kind, mark.about.clone()),
            });
        }
    }
    telling
}

fn why_now(alert: &Alert, before: Option<&ToldMark>, now: Time) -> Option<Told> {
    let Some(before) = before else {
        return Some(Told::New);
    };
    if alert.state != before.state || alert.newest > before.newest {
        return Some(Told::Changed);
    }
    let again = before.at.plus_seconds(AGAIN_HOURS * 3600);
    (now >= again).then_some(Told::Again)
}
