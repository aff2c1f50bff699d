//! The kinds of alerts.

use serde::Deserialize;
use serde::Serialize;

/// What an alert is about, the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlertKind {
    /// The ledger, its vault or its head lock is refused or missing.
    LedgerRefused,
    /// A run broke off, or its credentials were refused.
    RunFailed,
    /// No run came to its end for longer than the cadence.
    RunMissing,
    /// Accounts of people who have left work although the target has passed.
    LeaverLate,
    /// They will soon.
    LeaverSoon,
    /// Calls have no known outcome.
    CallInDoubt,
    /// A read came to its end and is not believed.
    ReadSuspect,
    /// A source could not be read for longer than a read may be old.
    ReadStale,
    /// A brake stops steps.
    BreakerTripped,
    /// Calls are stopped.
    HaltOn,
    /// A plan waits for approvals.
    PlanWaiting,
    /// It waits and will expire soon.
    PlanExpiring,
    /// A policy waits for an approver.
    PolicyWaiting,
    /// The tenant has refused a step so often that nothing is tried any more.
    SetAside,
    /// Warnings did not arrive, so that nothing goes on for these accounts.
    NoticeUndelivered,
    /// A legal hold should have been looked at again.
    HoldOverdue,
    /// A hold ends soon.
    HoldEnding,
    /// A credential expires soon, or has.
    CredentialExpiring,
}

impl AlertKind {
    /// Every kind.
    pub const ALL: &'static [AlertKind] = &[
        AlertKind::LedgerRefused,
        AlertKind::RunFailed,
        AlertKind::RunMissing,
        AlertKind::LeaverLate,
        AlertKind::LeaverSoon,
        AlertKind::CallInDoubt,
        AlertKind::ReadSuspect,
        AlertKind::ReadStale,
        AlertKind::BreakerTripped,
        AlertKind::HaltOn,
        AlertKind::PlanWaiting,
        AlertKind::PlanExpiring,
        AlertKind::PolicyWaiting,
        AlertKind::SetAside,
        AlertKind::NoticeUndelivered,
        AlertKind::HoldOverdue,
        AlertKind::HoldEnding,
        AlertKind::CredentialExpiring,
    ];

    /// As it is configured and recorded.
    pub const fn as_str(self) -> &'static str {
        match self {
            AlertKind::LedgerRefused => "ledger-refused",
            AlertKind::RunFailed => "run-failed",
            AlertKind::RunMissing => "run-missing",
            AlertKind::LeaverLate => "leaver-late",
            AlertKind::LeaverSoon => "leaver-soon",
            AlertKind::CallInDoubt => "call-in-doubt",
            AlertKind::ReadSuspect => "read-suspect",
            AlertKind::ReadStale => "read-stale",
            AlertKind::BreakerTripped => "breaker-tripped",
            AlertKind::HaltOn => "halt-on",
            AlertKind::PlanWaiting => "plan-waiting",
            AlertKind::PlanExpiring => "plan-expiring",
            AlertKind::PolicyWaiting => "policy-waiting",
            AlertKind::SetAside => "set-aside",
            AlertKind::NoticeUndelivered => "notice-undelivered",
            AlertKind::HoldOverdue => "hold-overdue",
            AlertKind::HoldEnding => "hold-ending",
            AlertKind::CredentialExpiring => "credential-expiring",
        }
    }

    /// Whether an alert of this kind is not over because there is one of another kind: it only got
    /// worse.
    pub(super) fn goes_on_as(self, other: AlertKind) -> bool {
        let worse = match self {
            AlertKind::PlanWaiting => Some(AlertKind::PlanExpiring),
            AlertKind::LeaverSoon => Some(AlertKind::LeaverLate),
            _ => None,
        };
        self == other || worse == Some(other)
    }
}
