//! What an operator should hear of: decided from facts alone, without a name of anybody.
//!
//! An alert is given once, again while it lasts about once a day, and at once when there is more of
//! it. What it counts as the same is its kind and what it is about.

use serde::Serialize;

use crate::domain::code::Code;
use crate::domain::id::Seq;
use crate::domain::id::SourceName;
use crate::domain::leaver_clock::ClockState;
use crate::domain::rows::BreakerState;
use crate::domain::rows::RunsRow;
use crate::domain::rows::SourceRow;
use crate::domain::source::SourceKind;
use crate::domain::source::Verdict;
use crate::domain::time::Time;

mod kind;
mod telling;
#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests;

pub use crate::domain::alert::kind::AlertKind;
pub use crate::domain::alert::telling::AGAIN_HOURS;
pub use crate::domain::alert::telling::Telling;
pub use crate::domain::alert::telling::Told;
pub use crate::domain::alert::telling::to_tell;

/// For how many hours a gap that is over is worth an alert: shorter than [`AGAIN_HOURS`], so that
/// it is told once.
const GAP_HOURS: i64 = 20;

/// A plan that nobody has approved is about to expire when so many hours are left.
const EXPIRING_HOURS: i64 = 24;

/// A credential is about to expire when so many days are left.
const CREDENTIAL_DAYS: i64 = 14;

/// What alerts about the runs as such are about.
const RUN: &str = "run";

/// The exit codes of a run that are no failure, or of which other alerts speak: partly done or late,
/// refused, in doubt, unreachable, later, and stopped by somebody.
const OTHERWISE_TOLD: &[u64] = &[0, 2, 3, 5, 6, 69, 75, 130];

/// One thing that somebody should hear of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alert {
    /// What it is.
    pub kind: AlertKind,
    /// About what: `tenant/portal`, a plan's short digest, `#12` of a hold, `run`, `all`; never a
    /// person.
    pub about: String,
    /// Since when.
    pub since: Option<Time>,
    /// Until when something can be done, or when it ends.
    pub until: Option<Time>,
    /// How many accounts, steps or calls.
    pub count: Option<u64>,
    /// Of how many that are needed: approvals.
    pub needed: Option<u64>,
    /// Why, as codes.
    pub because: Vec<Code>,
    /// The scopes of brakes, the tenants of calls.
    pub scopes: Vec<String>,
    /// What makes it another one that is told again.
    #[serde(skip)]
    pub state: String,
    /// The newest thing in it: a newer one makes it news.
    #[serde(skip)]
    pub newest: Option<Time>,
}

impl Alert {
    /// An alert that says nothing yet but what it is.
    pub fn new(kind: AlertKind, about: impl Into<String>) -> Self {
        Self {
            kind,
            about: about.into(),
            since: None,
            until: None,
            count: None,
            needed: None,
            because: Vec::new(),
            scopes: Vec::new(),
            state: String::new(),
            newest: None,
        }
    }

    /// Whether it lasts: a gap between runs that is over is only told of.
    pub fn lasts(&self) -> bool {
        self.kind != AlertKind::RunMissing || self.until.is_none()
    }

    /// By what it is known as the same.
    pub fn key(&self) -> String {
        alert_key(self.kind, &self.about)
    }
}

/// By what an alert is known as the same.
pub fn alert_key(kind: AlertKind, about: &str) -> String {
    format!("{}/{about}", kind.as_str())
}

/// A plan that can still be carried out, with what it waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingPlan {
    /// The first digits of its digest.
    pub digest: String,
    /// When it was made.
    pub since: Time,
    /// How many steps are left.
    pub steps: u64,
    /// How many approvals it has.
    pub have: u64,
    /// How many it needs.
    pub needed: u64,
    /// Whether it may be carried out.
    pub approved: bool,
    /// When it expires.
    pub expires_at: Time,
    /// The brakes that stop steps of it.
    pub tripped: Vec<BreakerState>,
}

/// An account of somebody who has left that still works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StillIn {
    /// The tenant.
    pub tenant: SourceName,
    /// How late it is.
    pub state: ClockState,
    /// When it should be out.
    pub due: Time,
}

/// Everything that alerts are decided from.
#[derive(Debug, Clone, Default)]
pub struct AlertFacts {
    /// The runs, if any was promised at a cadence.
    pub runs: Option<RunsRow>,
    /// The reads of each source that is configured.
    pub sources: Vec<SourceRow>,
    /// How old a read may be, in hours.
    pub read_max_age_hours: u64,
    /// Halts that hold: of a tenant, or of everything; since when; until when.
    pub halts: Vec<(Option<SourceName>, Time, Option<Time>)>,
    /// Calls without a known outcome: the tenant, and when each was intended.
    pub doubts: Vec<(SourceName, Time)>,
    /// Plans that are open.
    pub plans: Vec<WaitingPlan>,
    /// A policy that waits: its entry, and since when.
    pub proposed: Option<(Seq, Time)>,
    /// Leavers who are still in and on a clock.
    pub leavers: Vec<StillIn>,
    /// Accounts for which nothing is tried any more, by tenant: how many.
    pub aside: Vec<(SourceName, u64)>,
    /// Warnings that did not arrive: the tenant, and when each was given.
    pub undelivered: Vec<(SourceName, Time)>,
    /// Legal holds that should have been looked at by now.
    pub overdue: Vec<(Seq, Time)>,
    /// Holds that end soon.
    pub ending: Vec<(Seq, Time)>,
    /// When credentials expire, where a tenant says so.
    pub credentials: Vec<(SourceName, Time)>,
}

/// Everything that somebody should hear of now, the gravest first.
pub fn alerts(facts: &AlertFacts, now: Time) -> Vec<Alert> {
    let mut found = runs(facts, now);
    found.extend(leavers(facts));
    found.extend(reads(facts, now));
    found.extend(by_tenant(AlertKind::CallInDoubt, &facts.doubts));
    found.extend(by_tenant(AlertKind::NoticeUndelivered, &facts.undelivered));
    found.extend(halts(facts));
    found.extend(plans(facts, now));
    found.extend(facts.proposed.map(|(seq, since)| Alert {
        since: Some(since),
        ..Alert::new(AlertKind::PolicyWaiting, format!("#{seq}"))
    }));
    found.extend(facts.aside.iter().map(|(tenant, count)| Alert {
        count: Some(*count),
        state: count.to_string(),
        ..Alert::new(AlertKind::SetAside, format!("tenant/{tenant}"))
    }));
    found.extend(comes_up(AlertKind::HoldOverdue, &facts.overdue));
    found.extend(comes_up(AlertKind::HoldEnding, &facts.ending));
    let soon = now.plus_days(CREDENTIAL_DAYS);
    let expiring = facts.credentials.iter().filter(|(_, at)| *at <= soon);
    found.extend(expiring.map(|(tenant, at)| Alert {
        until: Some(*at),
        state: at.day(),
        ..Alert::new(AlertKind::CredentialExpiring, format!("tenant/{tenant}"))
    }));
    found.sort_by(|a, b| (a.kind, &a.about).cmp(&(b.kind, &b.about)));
    found
}

fn runs(facts: &AlertFacts, now: Time) -> Vec<Alert> {
    let Some(runs) = &facts.runs else {
        return Vec::new();
    };
    let mut found = Vec::new();
    if let Some(last) = &runs.finished {
        if !OTHERWISE_TOLD.contains(&last.exit) {
            found.push(run_failed(last.exit, last.at));
        }
        if runs.is_overdue(now) {
            found.push(Alert {
                since: Some(last.at),
                count: Some(last.every_hours),
                state: last.at.to_seconds_text(),
                ..Alert::new(AlertKind::RunMissing, RUN)
            });
        }
    }
    let fresh = runs
        .gaps
        .iter()
        .filter(|gap| now < gap.to.plus_seconds(GAP_HOURS * 3600));
    found.extend(fresh.map(|gap| Alert {
        since: Some(gap.from),
        until: Some(gap.to),
        count: Some(gap.every_hours),
        ..Alert::new(AlertKind::RunMissing, gap.from.to_seconds_text())
    }));
    found
}

/// That a run ended with an exit code that means a failure.
pub fn run_failed(exit: u64, at: Time) -> Alert {
    Alert {
        since: Some(at),
        count: Some(exit),
        state: exit.to_string(),
        ..Alert::new(AlertKind::RunFailed, RUN)
    }
}

/// Leavers by tenant and state.
fn leavers(facts: &AlertFacts) -> Vec<Alert> {
    let mut found: Vec<Alert> = Vec::new();
    for one in &facts.leavers {
        let kind = match one.state {
            ClockState::Late => AlertKind::LeaverLate,
            ClockState::AboutToBeLate => AlertKind::LeaverSoon,
            _ => continue,
        };
        let about = format!("tenant/{}", one.tenant);
        let known = found
            .iter_mut()
            .find(|a| a.kind == kind && a.about == about);
        match known {
            Some(alert) => {
                alert.count = alert.count.map(|n| n + 1);
                alert.until = alert.until.min(Some(one.due));
                alert.newest = alert.newest.max(Some(one.due));
            }
            None => found.push(Alert {
                count: Some(1),
                until: Some(one.due),
                newest: Some(one.due),
                ..Alert::new(kind, about)
            }),
        }
    }
    found
}

fn reads(facts: &AlertFacts, now: Time) -> Vec<Alert> {
    let oldest = i64::try_from(facts.read_max_age_hours).unwrap_or(i64::MAX / 7200);
    let stale = now.plus_seconds(-oldest * 3600);
    let mut found = Vec::new();
    for row in &facts.sources {
        let kind = match row.kind {
            SourceKind::Directory => "directory",
            SourceKind::Tenant => "tenant",
        };
        let about = format!("{kind}/{}", row.source);
        let complete = row.complete.as_ref().map(|read| read.rec);
        let codes = row.last.because.iter().map(Code::as_str);
        let alert = |kind| Alert {
            since: complete,
            because: row.last.because.clone(),
            ..Alert::new(kind, about.clone())
        };
        match row.last.verdict {
            Verdict::Complete => {}
            Verdict::Suspect => found.push(Alert {
                state: codes.collect::<Vec<_>>().join(" "),
                ..alert(AlertKind::ReadSuspect)
            }),
            Verdict::Partial | Verdict::Failed => {
                if complete.is_none_or(|at| at < stale) {
                    found.push(alert(AlertKind::ReadStale));
                }
            }
        }
    }
    found
}

/// Things of one kind, each of a moment, counted by tenant.
fn by_tenant(kind: AlertKind, things: &[(SourceName, Time)]) -> Vec<Alert> {
    let mut found: Vec<Alert> = Vec::new();
    for (tenant, at) in things {
        let about = format!("tenant/{tenant}");
        match found.iter_mut().find(|a| a.about == about) {
            Some(alert) => {
                alert.count = alert.count.map(|n| n + 1);
                alert.since = alert.since.min(Some(*at));
                alert.newest = alert.newest.max(Some(*at));
            }
            None => found.push(Alert {
                count: Some(1),
                since: Some(*at),
                newest: Some(*at),
                ..Alert::new(kind, about)
            }),
        }
    }
    found
}

fn halts(facts: &AlertFacts) -> impl Iterator<Item = Alert> + '_ {
    facts.halts.iter().map(|(tenant, since, until)| Alert {
        since: Some(*since),
        until: *until,
        newest: Some(*since),
        ..Alert::new(
            AlertKind::HaltOn,
            tenant
                .as_ref()
                .map_or("all".to_owned(), |t| format!("tenant/{t}")),
        )
    })
}

fn plans(facts: &AlertFacts, now: Time) -> Vec<Alert> {
    let mut found = Vec::new();
    for plan in &facts.plans {
        let waiting = |kind| Alert {
            since: Some(plan.since),
            until: Some(plan.expires_at),
            count: Some(plan.steps),
            needed: Some(plan.needed.saturating_sub(plan.have).max(1)),
            ..Alert::new(kind, plan.digest.clone())
        };
        if !plan.approved {
            let soon = plan.expires_at <= now.plus_seconds(EXPIRING_HOURS * 3600);
            found.push(waiting(if soon {
                AlertKind::PlanExpiring
            } else {
                AlertKind::PlanWaiting
            }));
        }
        // the ramp goes on by itself: nobody has to look at it
        let brakes = plan.tripped.iter().filter(|b| b.window != "ramp");
        let mut scopes: Vec<_> = brakes.map(|b| b.scope.clone()).collect();
        scopes.sort();
        scopes.dedup();
        if !scopes.is_empty() {
            found.push(Alert {
                needed: None,
                state: scopes.join(" "),
                scopes,
                ..waiting(AlertKind::BreakerTripped)
            });
        }
    }
    found
}

fn comes_up(kind: AlertKind, holds: &[(Seq, Time)]) -> impl Iterator<Item = Alert> + '_ {
    holds.iter().map(move |(hold, on)| Alert {
        until: Some(*on),
        state: on.day(),
        ..Alert::new(kind, format!("#{hold}"))
    })
}
