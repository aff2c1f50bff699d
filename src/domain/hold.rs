//! The kinds of holds: exceptions with an owner, a reason, a scope and an end.

use serde::Deserialize;
use serde::Serialize;

/// How many days ahead an end or a review date may lie.
pub const LONGEST_DAYS: i64 = 366;

/// Within how many days a hold is said to end soon.
pub const SOON_DAYS: i64 = 14;

/// Why somebody is held, the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HoldKind {
    /// What the account owns may be needed as evidence: nothing may be removed, handed over or
    /// erased. It is reviewed and has no end.
    Legal,
    /// Away for a long time, and comes back.
    LeaveOfAbsence,
    /// An account for emergencies, which is not used until then.
    BreakGlass,
    /// A machine or a shared desk uses it.
    Service,
    /// Any other reason.
    Manual,
}

impl HoldKind {
    /// Every kind.
    pub const ALL: &'static [HoldKind] = &[
        HoldKind::Legal,
        HoldKind::LeaveOfAbsence,
        HoldKind::BreakGlass,
        HoldKind::Service,
        HoldKind::Manual,
    ];

    /// As it is typed and recorded.
    pub const fn as_str(self) -> &'static str {
        match self {
            HoldKind::Legal => "legal",
            HoldKind::LeaveOfAbsence => "leave-of-absence",
            HoldKind::BreakGlass => "break-glass",
            HoldKind::Service => "service",
            HoldKind::Manual => "manual",
        }
    }

    /// Why a step is not taken, as a code.
    pub const fn code(self) -> &'static str {
        match self {
            HoldKind::Legal => "block.hold-legal",
            HoldKind::LeaveOfAbsence => "block.hold-leave-of-absence",
            HoldKind::BreakGlass => "block.hold-break-glass",
            HoldKind::Service => "block.hold-service",
            HoldKind::Manual => "block.hold-manual",
        }
    }
}
