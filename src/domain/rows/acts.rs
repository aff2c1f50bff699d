//! Plans, steps, commands, keeps, and how far the brakes let them go.

use serde::Deserialize;
use serde::Serialize;

use crate::domain::account::Do;
use crate::domain::code::Code;
use crate::domain::event::CommandResult;
use crate::domain::id::EntryId;
use crate::domain::id::Seq;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::rows::Class;
use crate::domain::rows::When;
use crate::domain::succession::Succession;
use crate::domain::time::Time;

/// One step of a plan, as it is hashed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The account.
    pub account: Subject,
    /// Its tenant.
    pub tenant: SourceName,
    /// The policy.
    pub policy: String,
    /// What is to be done.
    #[serde(rename = "do")]
    pub does: Do,
    /// The class.
    pub class: Class,
    /// The finding.
    pub because: Code,
    /// The directories on whose word it rests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub directories: Vec<SourceName>,
    /// Who takes over what the account owns; absent where nothing is handed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<Subject>,
    /// How that was found, or why nobody was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub succession: Option<Succession>,
    /// The decision that it carries out.
    pub decision: Seq,
}

/// One plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanRow {
    /// Its id.
    pub plan: EntryId,
    /// The plan from which it was cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<EntryId>,
    /// Its entry.
    pub seq: Seq,
    /// Its digest.
    pub digest: String,
    /// The root over its steps.
    pub root: String,
    /// How many steps.
    pub count: u64,
    /// The moment of its decisions.
    pub now: Time,
    /// When it expires.
    pub expires_at: Time,
    /// The policy's version.
    pub policy: Seq,
    /// The brakes as they stood.
    pub breakers: Vec<BreakerState>,
    /// Who approved it.
    pub approvals: Vec<ApprovalRow>,
    /// Rejected by this entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<Seq>,
    /// Replaced by a smaller plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<EntryId>,
}

impl PlanRow {
    /// Why nothing of it is carried out any more, as a code: somebody has rejected or replaced it.
    pub const fn ended(&self) -> Option<&'static str> {
        match (&self.rejected, &self.replaced_by) {
            (Some(_), _) => Some("plan.rejected"),
            (None, Some(_)) => Some("plan.replaced"),
            (None, None) => None,
        }
    }
}

/// One approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRow {
    /// Its entry.
    pub seq: Seq,
    /// Who.
    pub by: Option<Subject>,
    /// Whether the one who asked approved alone.
    pub self_approved: bool,
    /// `signature` or `os-user`.
    pub proof: String,
}

/// One step and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRow {
    /// The plan.
    pub plan: EntryId,
    /// Its number, from 0.
    pub number: u64,
    /// The step.
    pub step: Step,
    /// Withheld when it was to be carried out: why, and by which entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<(Seq, Code)>,
    /// The newest intent for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<EntryId>,
    /// It ended (done, already so, refused): by which entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Seq>,
}

/// One request and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandRow {
    /// The intent's id.
    pub intent: EntryId,
    /// The intent's position.
    pub seq: Seq,
    /// The account.
    pub account: Subject,
    /// The tenant.
    pub tenant: SourceName,
    /// What was wanted.
    #[serde(rename = "do")]
    pub does: Do,
    /// What its step is for, where this request is only a part of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aim: Option<Do>,
    /// The class.
    pub class: Class,
    /// The directories on whose word it rests.
    pub directories: Vec<SourceName>,
    /// The plan.
    pub plan: EntryId,
    /// The step's number.
    pub step: u64,
    /// Which attempt.
    pub attempt: u64,
    /// What the request was in the provider's terms.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub call: String,
    /// Who was to take over what the account owns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<Subject>,
    /// When it was intended (our clock).
    pub at: Time,
    /// When it may be settled.
    pub deadline: Time,
    /// What the request came to: absent while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<(Seq, CommandResult, Code)>,
    /// For an unknown outcome or none: what reading back showed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<(Seq, bool)>,
    /// Confirmed by a later read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<Seq>,
    /// What came of it nobody can find out any more, since nobody knows which account it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<Seq>,
}

impl CommandRow {
    /// What its step is for: the brakes count every request of a removal as one.
    pub fn aim(&self) -> Do {
        self.aim.unwrap_or(self.does)
    }

    /// The entry that says what came of it.
    pub fn ended(&self) -> Option<Seq> {
        let settled = self.settled.as_ref().map(|(seq, _)| *seq);
        settled.or(self.outcome.as_ref().map(|(seq, _, _)| *seq))
    }

    /// Whether nobody knows yet what came of it, and somebody can find out.
    pub fn is_open(&self) -> bool {
        let unknown = match &self.outcome {
            None => true,
            Some((_, result, _)) => *result == CommandResult::Unknown,
        };
        unknown && self.settled.is_none() && self.lost.is_none()
    }

    /// Whether it is known to have changed (or to have found changed) the account.
    pub fn took_effect(&self) -> bool {
        let done = matches!(
            self.outcome,
            Some((_, CommandResult::Done | CommandResult::Already, _))
        );
        done || matches!(self.settled, Some((_, true)))
    }
}

/// One account that reviewers have left out of plans.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptRow {
    /// The account.
    pub account: Subject,
    /// What they have said, the newest word for each finding.
    pub kept: Vec<KeptMark>,
}

/// One reviewer's word that an account stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptMark {
    /// Its entry.
    pub seq: Seq,
    /// When it was said (our clock).
    pub at: Time,
    /// By whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Subject>,
    /// The plan that the account was left out of.
    pub plan: EntryId,
    /// The number of the step there.
    pub step: u64,
    /// What the step would have done.
    #[serde(rename = "do")]
    pub does: Do,
    /// What had triggered it.
    pub when: When,
    /// The class of the finding.
    pub class: Class,
    /// Until when the word holds.
    pub until: Time,
}

/// A brake as it stands: `wanted` beside what was done in the window already, against the limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BreakerState {
    /// `tenant:portal`, `directory:corp`, `all`.
    pub scope: String,
    /// The class.
    pub class: Class,
    /// The action.
    #[serde(rename = "do")]
    pub does: Do,
    /// `24h`, `7d`, or `first-contact`.
    pub window: String,
    /// The most that may be done in the window.
    pub limit: u64,
    /// Done in the window already.
    pub done: u64,
    /// Wanted by the plan.
    pub wanted: u64,
    /// Whether it stops them.
    pub tripped: bool,
}

/// A release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseRow {
    /// The plan.
    pub plan: EntryId,
    /// Its digest.
    pub digest: String,
    /// The entry.
    pub seq: Seq,
    /// When.
    pub at: Time,
    /// The brakes whose windows start anew, as `scope|class|do`.
    pub windows: Vec<String>,
}

/// What a first-contact release lets through: one change of each account, for one kind of reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Released {
    /// The class.
    pub class: Class,
    /// What is to be done.
    #[serde(rename = "do")]
    pub does: Do,
    /// The accounts.
    pub accounts: Vec<Subject>,
}

/// Whether a scope has had its first plan released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactRow {
    /// `tenant:portal`, `directory:corp`.
    pub scope: String,
    /// The entry that released it.
    pub seq: Seq,
    /// When.
    pub at: Time,
    /// The accounts that the release names.
    pub accounts: Vec<Subject>,
    /// What it lets happen to which of them, and why: the ramp draws on these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub named: Vec<Released>,
    /// How many of them a day.
    pub ramp_per_day: u64,
}
