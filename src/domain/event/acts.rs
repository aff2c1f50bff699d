//! What is decided, planned, approved, sent and let through: these types of entries.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::account::AccountFacts;
use crate::domain::account::Do;
use crate::domain::code::Code;
use crate::domain::event::Payload;
use crate::domain::id::EntryId;
use crate::domain::id::Seq;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::time::Time;

payload!("decision.made",
/// What the rules say about one account now; appended when it differs from the last.
DecisionMade {
    /// In which tenant.
    tenant: SourceName,
    /// The run whose `now` was used.
    run: Seq,
    /// The decision, as [`crate::domain::rows::Decision`].
    decision: crate::domain::rows::Decision,
});

payload!("plan.listed",
/// Part of the steps of the plan that the next `plan.created` closes.
PlanListed {
    /// The plan.
    plan: EntryId,
    /// The number of the first of these steps, from 0.
    from: u64,
    /// The steps, in order.
    steps: Vec<crate::domain::rows::Step>,
});

payload!("plan.created",
/// A plan: immutable steps with reasons.
PlanCreated {
    /// The plan's id (that of this entry).
    plan: EntryId,
    /// The plan from which this smaller one was cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent: Option<EntryId>,
    /// RFC 6962 root over the steps' bytes, hexadecimal.
    root: String,
    /// How many steps.
    count: u64,
    /// Positions of the ledger at planning: the number of entries.
    head: Seq,
    /// The moment that the decisions used.
    now: Time,
    /// When it expires.
    expires_at: Time,
    /// The version of the policy.
    policy: Seq,
    /// SHA-256 over the canonical JSON of this object without `digest`, hexadecimal.
    digest: String,
    /// The brakes as they stood.
    breakers: Vec<crate::domain::rows::BreakerState>,
});

payload!("plan.approved",
/// A person approved a plan's digest.
PlanApproved {
    /// The plan.
    plan: EntryId,
    /// The digest that was approved.
    digest: String,
    /// Whether the one who asked approved alone.
    self_approved: bool,
    /// How it is proven: `signature` or `os-user` (a claim only).
    proof: String,
    /// For a signature: `ed25519:` and base64, over the digest's text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
});

payload!("plan.rejected",
/// A person rejected a plan.
PlanRejected {
    /// The plan.
    plan: EntryId,
    /// The digest that was rejected.
    digest: String,
});

payload!("step.withheld",
/// A planned step was not taken: what it rested on fell away or changed.
StepWithheld {
    /// The plan.
    plan: EntryId,
    /// The step's number.
    step: u64,
    /// Why, as a code.
    because: Code,
});

payload!("step.kept",
/// A reviewer left a step out of a plan: the account stays until the review date.
StepKept {
    /// The plan that it was left out of.
    plan: EntryId,
    /// The step's number there.
    step: u64,
    /// What the step would have done.
    #[serde(rename = "do")]
    does: Do,
    /// What had triggered it.
    when: crate::domain::rows::When,
    /// The class of the finding.
    class: crate::domain::rows::Class,
    /// The review date: until then only a new finding, or an approver's word, plans it again.
    until: Time,
});

payload!("keep.lifted",
/// An approver has an account planned again that reviewers had left out.
KeepLifted {
    /// How it is proven who says so: `signature` or `os-user` (a claim only).
    proof: String,
});

payload!("notice.sent",
/// A notice left, or was written.
NoticeSent {
    /// In which tenant.
    tenant: SourceName,
    /// The policy that asks for it.
    policy: String,
    /// How many days before the first step.
    days: u64,
    /// `file`, `smtp`.
    channel: String,
    /// `written`, `accepted`.
    state: String,
    /// When the first step comes at the earliest.
    acts_at: Time,
    /// The mail, by the left part of its Message-ID; several warnings can be in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<String>,
});

payload!("command.intended",
/// One request is about to be sent. Nothing is sent before this is durable.
CommandIntended {
    /// In which tenant.
    tenant: SourceName,
    /// What is wanted.
    #[serde(rename = "do")]
    does: Do,
    /// The plan.
    plan: EntryId,
    /// The step's number.
    step: u64,
    /// The class that the brakes count it under.
    class: crate::domain::rows::Class,
    /// The directories on whose word it rests.
    directories: Vec<SourceName>,
    /// From 1 up; each attempt is one request.
    attempt: u64,
    /// After this no answer can come any more; it is settled only then.
    deadline: Time,
    /// The HTTP method.
    method: String,
    /// The path, with `{id}` in place of the account's id.
    path: String,
    /// What the request is in the provider's terms: `suspend`, `delete-account`, `reassign`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    call: String,
    /// The state that was read back just before.
    seen: AccountFacts,
    /// Who takes over what the account owns, where the request names somebody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    successor: Option<Subject>,
    /// What else was read just before and found in order, as codes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    checked: Vec<Code>,
    /// How much the account owned just before, by kind, in the provider's words.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    owned: BTreeMap<String, u64>,
});

payload!("command.outcome",
/// What came of one request.
CommandOutcome {
    /// `done`, `already`, `refused`, `failed`, `unknown`.
    result: CommandResult,
    /// The HTTP status, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u64>,
    /// Why, as a code.
    because: Code,
    /// Under which the provider's support finds the call: at most 128 of `[A-Za-z0-9._-]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
});

payload!("command.settled",
/// An intent without a known outcome, closed by reading back after its deadline.
CommandSettled {
    /// Whether the account shows what was wanted.
    done: bool,
    /// What the reading back showed, as a code: `settled.found-done`, `settled.not-done`.
    because: Code,
});

payload!("command.confirmed",
/// A later complete read shows what a command had done.
CommandConfirmed {
    /// The read.
    read: EntryId,
});

payload!("breaker.tripped",
/// A brake stopped a class on a scope.
BreakerTripped {
    /// The brake as it stood.
    breaker: crate::domain::rows::BreakerState,
    /// The plan that it stopped.
    plan: EntryId,
});

payload!("breaker.released",
/// An approver let a tripped plan through.
BreakerReleased {
    /// The plan.
    plan: EntryId,
    /// Its digest.
    digest: String,
    /// The scopes that were in first contact and are not any more (`tenant:x`, `directory:y`).
    first_contact: Vec<String>,
    /// The brakes whose windows start anew, as scope, class and action.
    windows: Vec<String>,
    /// The accounts that a release of an earlier version names, which did not say for what.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    accounts: Vec<Subject>,
    /// What it lets happen to which accounts, and why (first contact only); the ramp draws on these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    named: Vec<crate::domain::rows::Released>,
    /// How many of them a day.
    ramp_per_day: u64,
});

/// How a request ended, as recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CommandResult {
    /// The tenant says that it is done.
    Done,
    /// There was nothing to do any more.
    Already,
    /// The tenant said no.
    Refused,
    /// The request did not reach the tenant.
    Failed,
    /// It may have happened.
    Unknown,
}
