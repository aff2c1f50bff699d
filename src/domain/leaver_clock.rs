//! The leaver clock: how long it took from a departure until a read shows that the account is out.
//!
//! Two kinds of lateness are told apart. A *late notice* is time that had passed before anybody
//! here could know of the departure; a *late action* is time that passed afterwards. Only the
//! second one makes a leaver late, since nothing that was done here could have ended the first.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::domain::account::Protection;
use crate::domain::account::Signal;
use crate::domain::code::Code;
use crate::domain::departure::Departure;
use crate::domain::departure::departure;
use crate::domain::finding::Finding;
use crate::domain::id::Seq;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::person::Strength;
use crate::domain::policy::LeaverTargets;
use crate::domain::rows::ActivityRow;
use crate::domain::rows::Class;
use crate::domain::rows::PersonRow;
use crate::domain::time::DAY_SECONDS;
use crate::domain::time::Time;

/// A notice that comes later than this after the departure is late, in seconds: as often as
/// directories are read in a house that is well kept.
pub const NOTICE_TOLERANCE_S: i64 = 3600;

/// Whatever the target, the last hours before it are announced, in seconds …
pub const SOON_S: i64 = 4 * 3600;

/// … and its last quarter.
const SOON_PART: i64 = 4;

/// A login counts as one after the departure if it is later by more than this, in seconds: by so
/// much clocks may be apart.
pub const CLOCKS_APART_S: i64 = 300;

/// For how many days a late notice is worth a look after the account is out.
const NOTICE_FINDING_DAYS: i64 = 30;

/// When the departure of one person took effect, and when it became known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Departing {
    /// Since when the person has left: as the directory says, else when that was first seen.
    pub effective: Time,
    /// When the directory recorded it, where it says so.
    pub recorded: Option<Time>,
    /// When a read (or somebody at the command line) first told us; may lie before `effective`.
    pub seen: Time,
    /// Why a notice could not have come sooner, if that is so: [`LateNotice::FirstRead`] or
    /// [`LateNotice::Absence`].
    pub excuse: Option<LateNotice>,
}

impl Departing {
    /// What the departure of a person and the moment when it was noticed come to.
    /// `first_read`: the first complete read of the directory showed it already.
    pub fn new(left: &Departure, seen: Time, first_read: bool) -> Self {
        let recorded = left.facts.first().and_then(|fact| fact.recorded);
        let absent = left.strength == Strength::Absent;
        let excuses = [
            (LateNotice::FirstRead, first_read),
            (LateNotice::Absence, absent),
        ];
        Self {
            effective: left.since,
            // what was recorded after we saw it was another change
            recorded: recorded.filter(|at| *at <= seen),
            seen,
            excuse: excuses.iter().find(|(_, holds)| *holds).map(|(e, _)| *e),
        }
    }

    /// A departure of which nobody knows when it was seen: as if that had been at once.
    pub fn unseen(left: &Departure) -> Self {
        Self {
            effective: left.since,
            recorded: None,
            seen: left.seen(),
            excuse: None,
        }
    }
}

/// When it was noticed that a person has left, from how they stood after each entry about them
/// (in order, with our clock's time): the entry with which the last stretch of time began
/// throughout which they were known as departed, or the one that had announced it. `None` if they
/// are not departed at `now`.
pub fn noticed(history: &[(Time, PersonRow)], lists_everybody: bool, now: Time) -> Option<Time> {
    let mut ends: Vec<Time> = history.iter().skip(1).map(|(at, _)| *at).collect();
    ends.push(now);
    let mut stretch: Option<(usize, Time)> = None;
    for (number, ((_, person), until)) in history.iter().zip(ends).enumerate() {
        stretch = match (departure(person, lists_everybody, until), stretch) {
            (None, _) => None,
            (Some(left), None) => Some((number, began(&left))),
            (Some(_), going_on) => going_on,
        };
    }
    let (first, began) = stretch?;
    // a date that lay ahead was known before it came
    let earlier = history.get(..first)?.iter().rev();
    let announced = earlier.take_while(|(_, p)| departure(p, lists_everybody, began).is_some());
    let (seen, _) = announced.last().or(history.get(first))?;
    Some(*seen)
}

/// Since when the first of the facts of a departure holds.
fn began(left: &Departure) -> Time {
    let first = left.facts.iter().map(|fact| fact.effective).min();
    first.unwrap_or(left.since)
}

/// What has become of an account since, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Since when it was known to be usable, in the stretch that counts: first seen, or seen
    /// enabled again.
    pub usable_since: Time,
    /// When the call that ended this was intended, or one that is in doubt.
    pub intended: Option<Time>,
    /// Since when it cannot be used: the answer to our call, or a read that found it so.
    pub disabled: Option<Time>,
    /// When a complete read showed that it cannot be used.
    pub verified: Option<Time>,
}

/// What a clock is about, beside its times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnClock {
    /// The class of the departure.
    pub class: Class,
    /// Whether the account has rights that nobody who has left may have for a day.
    pub high_risk: bool,
    /// Whether it is certain that the person has left and that the account is theirs.
    pub certain: bool,
    /// What keeps every step from it, as codes.
    pub blocked: Vec<Code>,
    /// The newest activity, if there was any after the departure.
    pub active_after: Option<Time>,
}

/// How a clock stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClockState {
    /// The account can be used, and the target has passed.
    Late,
    /// It can be used, and the last quarter of the target (or its last four hours) has begun.
    AboutToBeLate,
    /// It can be used, and there is time.
    Running,
    /// It can be used, and whether its person has left (or it is theirs) is in dispute.
    Disputed,
    /// It is out, and was later than the target asks.
    DoneLate,
    /// It is out, within the target.
    DoneOnTime,
}

/// Who is behind a late notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LateNotice {
    /// Nobody: the person had left before the directory was read for the first time.
    FirstRead,
    /// Nobody: somebody was missing, and that counts only after further reads.
    Absence,
    /// The organisation: the directory itself learned of it late, or does not say when.
    Source,
    /// Our reading: the directory had it, and was not read in time.
    Reading,
}

/// The clock of one departed person and one of their accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeaverClock {
    /// The class of the departure.
    pub class: Class,
    /// Whether the target for accounts with high rights holds.
    pub high_risk: bool,
    /// The target, in seconds.
    pub target_s: i64,
    /// Since when the person has left.
    pub effective: Time,
    /// When the directory recorded it; absent where it does not say so.
    pub recorded: Option<Time>,
    /// When we learned of it.
    pub seen: Time,
    /// From when the target counts: the last of departure, notice, and the account's first being
    /// seen usable (or seen usable again).
    pub runs_from: Time,
    /// When the account should be out.
    pub due: Time,
    /// When the call that took effect (or is in doubt) was intended.
    pub intended: Option<Time>,
    /// Since when the account is out.
    pub disabled: Option<Time>,
    /// When a complete read showed it.
    pub verified: Option<Time>,
    /// How it stands.
    pub state: ClockState,
    /// Seconds from `disabled`, else from the moment that is asked about, until `due`; negative if
    /// it is late.
    pub left_s: i64,
    /// Seconds from the departure until we learned of it; 0 if we knew beforehand.
    pub notice_delay_s: i64,
    /// Seconds from `runs_from` until the account was out, or until the moment that is asked about.
    pub action_delay_s: i64,
    /// Whether the notice was late, and whose matter that is.
    pub late_notice: Option<LateNotice>,
    /// The newest activity of the account after the departure.
    pub active_after: Option<Time>,
    /// Why no step touches the account, as codes; empty where one is due or all is done.
    pub blocked: Vec<Code>,
}

impl LeaverClock {
    /// Reads the clock at `now`.
    pub fn new(
        departing: &Departing,
        progress: &Progress,
        about: &OnClock,
        targets: &LeaverTargets,
        now: Time,
    ) -> Self {
        let target_s = targets.target_s(about.class, about.high_risk);
        let Departing {
            effective, seen, ..
        } = *departing;
        let runs_from = effective.max(seen).max(progress.usable_since);
        let due = runs_from.plus_seconds(target_s);
        let until = progress.disabled.unwrap_or(now);
        let notice_delay_s = seen.seconds_since(effective).max(0);
        let state = match progress.disabled {
            Some(out) if out <= due => ClockState::DoneOnTime,
            Some(_) => ClockState::DoneLate,
            None if !about.certain => ClockState::Disputed,
            None if now > due => ClockState::Late,
            None if now >= soon_from(due, target_s) => ClockState::AboutToBeLate,
            None => ClockState::Running,
        };
        let blocked = match progress.disabled {
            Some(_) => Vec::new(),
            None => about.blocked.clone(),
        };
        Self {
            class: about.class,
            high_risk: about.high_risk,
            target_s,
            effective,
            recorded: departing.recorded,
            seen,
            runs_from,
            due,
            intended: progress.intended,
            disabled: progress.disabled,
            verified: progress.verified,
            state,
            left_s: due.seconds_since(until),
            notice_delay_s,
            action_delay_s: until.seconds_since(runs_from).max(0),
            late_notice: late_notice(departing, notice_delay_s),
            active_after: about.active_after,
            blocked,
        }
    }

    /// Whether the leaver is still in, and later than the target asks.
    pub fn is_late(&self) -> bool {
        self.state == ClockState::Late
    }

    /// Seconds from the departure until the account was out, or until the moment that is asked
    /// about: what an auditor compares with the organisation's own rule.
    pub fn whole_s(&self, now: Time) -> i64 {
        let until = self.disabled.unwrap_or(now);
        until.seconds_since(self.effective).max(0)
    }
}

fn soon_from(due: Time, target_s: i64) -> Time {
    let soon_s = SOON_S.max(target_s / SOON_PART);
    due.plus_seconds(soon_s.saturating_neg())
}

fn late_notice(departing: &Departing, notice_delay_s: i64) -> Option<LateNotice> {
    if notice_delay_s <= NOTICE_TOLERANCE_S {
        return None;
    }
    if departing.excuse.is_some() {
        return departing.excuse;
    }
    let in_time = |at: Time| at.seconds_since(departing.effective) <= NOTICE_TOLERANCE_S;
    Some(match departing.recorded {
        Some(at) if in_time(at) => LateNotice::Reading,
        _ => LateNotice::Source,
    })
}

/// Whether an account's rights ask for the shorter target.
pub fn is_high_risk(protected: &BTreeSet<Protection>) -> bool {
    [
        Protection::Owner,
        Protection::Admin,
        Protection::LastAdmin,
        Protection::KeyOwner,
    ]
    .iter()
    .any(|role| protected.contains(role))
}

/// The newest activity of an account, if it is later than a departure, with its entry.
///
/// What is added to silence because a login may last is not added here: it says how long somebody
/// may have gone on working after a login, and the login itself has its own time.
pub fn activity_after(seen: Option<&ActivityRow>, effective: Time) -> Option<(Time, Signal, Seq)> {
    let marks = seen?.newest.iter();
    marks
        .map(|(signal, mark)| (mark.since, *signal, mark.seq))
        .filter(|(at, _, _)| is_use_after(*at, effective))
        .max()
}

/// Whether a use of an account counts as one after a departure, wherever that is shown.
pub fn is_use_after(at: Time, effective: Time) -> bool {
    at > effective.plus_seconds(CLOCKS_APART_S)
}

/// Whom a clock is about, for findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whose {
    /// The account.
    pub account: Subject,
    /// Its tenant.
    pub tenant: SourceName,
    /// The person; the account itself where no directory has its person.
    pub person: Subject,
    /// Their directory, if one has them.
    pub directory: Option<SourceName>,
    /// A login at the directory after the departure, with its entry.
    pub login_after: Option<(Time, Seq)>,
    /// The entries that all this rests on.
    pub evidence: Vec<Seq>,
}

/// What somebody should look at because of a clock, at `now`.
///
/// Codes: `finding.late-leaver`, `finding.about-to-be-late`, `finding.late-notice` (not where nobody
/// could know sooner, and until 30 days after the account was out), and
/// `finding.activity-after-departure`, of the account or of the person in the directory.
pub fn clock_findings(clock: &LeaverClock, whose: &Whose, now: Time) -> Vec<Finding> {
    let about_account = |kind: &str, since: Time| Finding {
        kind: Code::new(kind),
        since,
        subject: whose.account.clone(),
        tenant: Some(whose.tenant.clone()),
        directory: whose.directory.clone(),
        others: vec![whose.person.clone()],
        evidence: whose.evidence.clone(),
    };
    let mut found = Vec::new();
    match clock.state {
        ClockState::Late => found.push(about_account("finding.late-leaver", clock.due)),
        ClockState::AboutToBeLate => {
            let since = soon_from(clock.due, clock.target_s).max(clock.runs_from);
            found.push(about_account("finding.about-to-be-late", since));
        }
        _ => {}
    }
    let told_late = matches!(
        clock.late_notice,
        Some(LateNotice::Source | LateNotice::Reading)
    );
    let recent = |out: Time| now.seconds_since(out) <= NOTICE_FINDING_DAYS * DAY_SECONDS;
    if told_late && clock.disabled.is_none_or(recent) {
        found.push(about_account("finding.late-notice", clock.seen));
    }
    if let Some(at) = clock.active_after {
        found.push(about_account("finding.activity-after-departure", at));
    }
    if let Some((at, seq)) = whose.login_after {
        found.push(Finding {
            kind: Code::new("finding.activity-after-departure"),
            since: at,
            subject: whose.person.clone(),
            tenant: None,
            directory: whose.directory.clone(),
            others: Vec::new(),
            evidence: vec![seq],
        });
    }
    found
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
