//! What the rules say about one account.

use serde::Deserialize;
use serde::Serialize;

use crate::domain::account::Do;
use crate::domain::code::Code;
use crate::domain::id::EntryId;
use crate::domain::id::Seq;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::time::Time;

/// Classes that the brakes count apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// A named person said so (`exeunt leave`).
    Named,
    /// Departed by explicit evidence.
    Explicit,
    /// Departed by absence.
    Absent,
    /// Inactive, never activated, disabled in the tenant, orphaned.
    Inactive,
    /// A clear-out of everyone.
    Everyone,
    /// Notices.
    Notices,
}

impl Class {
    /// Whether it is about somebody who has left.
    pub const fn is_departed(self) -> bool {
        matches!(self, Class::Named | Class::Explicit | Class::Absent)
    }
}

/// What triggers a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// The person has left.
    Departed,
    /// Proved silent for the policy's days.
    Inactive,
    /// Invited and never activated.
    NeverActivated,
    /// Disabled in the tenant itself.
    Disabled,
    /// An account without a person.
    Orphaned,
    /// Everyone but the protected.
    Everyone,
}

/// What the rules say about one account at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// Keep, wait, withhold, warn, or act.
    pub verdict: Ruling,
    /// The policy whose rule matched; absent if none did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// What triggered it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<When>,
    /// The step that comes next.
    #[serde(default, rename = "do", skip_serializing_if = "Option::is_none")]
    pub does: Option<Do>,
    /// The class that the brakes count it under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<Class>,
    /// The finding, as a code: `leaver.disabled`, `inactive.no-login`, `keep.active`.
    pub because: Code,
    /// What blocks it, as codes; the first one is the gravest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocked: Vec<Code>,
    /// Since when the finding holds (left, last active, invited).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    /// How far back the signal reaches on which silence rests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub horizon: Option<Time>,
    /// When the next step (or warning) is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Time>,
    /// A departed person whose account no step may or can touch, or has not yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub leaver_still_in: bool,
    /// The persons on whose departure it rests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub persons: Vec<Subject>,
    /// The directories on whose word it rests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub directories: Vec<SourceName>,
    /// The entries that it rests on.
    pub evidence: Vec<Seq>,
    /// The arithmetic, line by line, in numbers and times only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arithmetic: Vec<Sum>,
}

/// What is to be done about one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ruling {
    /// Nothing matches, or something says that it stays.
    Keep,
    /// A rule matches and the time for the next step has not come.
    Wait,
    /// A rule matches and something blocks it.
    Withhold,
    /// A warning is due.
    Warn,
    /// A step is due.
    Act,
}

/// One line of arithmetic: what was compared with what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sum {
    /// What the line is about, as a code: `sum.silence`, `sum.horizon`, `sum.wait`, `sum.notice`.
    pub about: Code,
    /// From when.
    pub from: Time,
    /// How many seconds are needed.
    pub needs_s: i64,
    /// How many there are at `now`.
    pub has_s: i64,
}

/// The newest decision about one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionRow {
    /// The account.
    pub account: Subject,
    /// The tenant.
    pub tenant: SourceName,
    /// Its entry.
    pub seq: Seq,
    /// Its entry's id.
    pub id: EntryId,
    /// The run.
    pub run: Seq,
    /// What it says.
    pub decision: Decision,
}
