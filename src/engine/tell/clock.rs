//! The clock of a leaver as sentences for people.

use crate::domain::leaver_clock::ClockState;
use crate::domain::leaver_clock::LateNotice;
use crate::domain::leaver_clock::LeaverClock;
use crate::domain::time::Time;
use crate::engine::tell::held;
use crate::engine::tell::length;
use crate::engine::tell::moment;

/// How a clock stands, in few words: `LATE by 3 days`, `due in 20 hours`, `out after 2 minutes`.
pub fn clock(clock: &LeaverClock) -> String {
    let left = length(clock.left_s);
    match clock.state {
        ClockState::Late => format!("LATE by {left}"),
        ClockState::AboutToBeLate => format!("SOON: due in {left}"),
        ClockState::Running => format!("due in {left}"),
        ClockState::Disputed => "in dispute".to_owned(),
        ClockState::DoneLate => {
            let after = length(clock.action_delay_s);
            format!("out after {after}, {left} late")
        }
        ClockState::DoneOnTime => format!("out after {}", length(clock.action_delay_s)),
    }
}

/// Why the notice was late, in few words; `-` if it was not.
pub fn notice(clock: &LeaverClock) -> String {
    let by = length(clock.notice_delay_s);
    match clock.late_notice {
        None => "-".to_owned(),
        Some(LateNotice::FirstRead) => format!("left {by} before the first read"),
        Some(LateNotice::Absence) => format!("confirmed after {by}"),
        Some(LateNotice::Source) => format!("told {by} late"),
        Some(LateNotice::Reading) => format!("read {by} late"),
    }
}

/// What of two sources was read within so many seconds counts as read at once.
const ONE_READ_S: i64 = 600;

/// A clock as lines: each moment with how long it took.
pub fn clock_lines(clock: &LeaverClock) -> Vec<String> {
    let out = clock.disabled.is_some();
    let by_us = if out { "by no call of ours" } else { "not yet" };
    let read = if out {
        "no read has shown it yet"
    } else {
        "not yet"
    };
    let target = length(clock.target_s);
    let due = match clock.high_risk {
        true => format!("{target}, since the account has high rights"),
        false => format!("{target} are the target"),
    };
    let at = |what: &str, at: Option<Time>, absent: &str, beside: String| {
        let (at, between) = match at {
            Some(at) => (moment(at), "  "),
            None => (absent.to_owned(), ", "),
        };
        let between = if beside.is_empty() { "" } else { between };
        format!("{what:<9} {at}{between}{beside}")
    };
    let none = String::new;
    let seen = match clock.notice_delay_s {
        0 => none(),
        delay => format!("{} after that{}", length(delay), late_notice(clock)),
    };
    let mut lines = vec![
        at("left", Some(clock.effective), "", none()),
        at(
            "recorded",
            clock.recorded,
            "the directory does not say when",
            none(),
        ),
        at("seen", Some(clock.seen), "", seen),
    ];
    // one read sees the account a moment after its person
    let known = clock.seen.max(clock.effective);
    if clock.runs_from.seconds_since(known) > ONE_READ_S {
        let says = "from here on the account was seen to be usable";
        lines.push(at("counts", Some(clock.runs_from), "", says.to_owned()));
    }
    lines.push(at("due", Some(clock.due), "", due));
    if let Some(held) = held(&clock.blocked) {
        let says = "no step touches the account while it is held".to_owned();
        lines.push(format!("{:<9} {held}, {says}", "held"));
    }
    lines.push(at("intended", clock.intended, by_us, none()));
    lines.push(at(
        "disabled",
        clock.disabled,
        "not yet",
        self::clock(clock),
    ));
    lines.push(at("verified", clock.verified, read, none()));
    if let Some(used) = clock.active_after {
        let says = "ACTIVITY AFTER THE DEPARTURE";
        lines.push(at("used", Some(used), "", says.to_owned()));
    }
    lines
}

/// Why a late notice is late.
const fn late_notice(clock: &LeaverClock) -> &'static str {
    match clock.late_notice {
        None => "",
        Some(LateNotice::FirstRead) => ": the directory was not read before",
        Some(LateNotice::Absence) => ": it had to be confirmed",
        Some(LateNotice::Source) => ": LATE NOTICE",
        Some(LateNotice::Reading) => ": LATE NOTICE, the directory had it and was not read",
    }
}
