//! Rows: the facts as they stand, without time, folded from entries.
//!
//! A row holds only what entries said. Whether somebody has departed or is inactive is computed
//! from rows and a moment, and never stored.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

use crate::domain::account::AccountFacts;
use crate::domain::account::Do;
use crate::domain::account::Signal;
use crate::domain::code::Code;
use crate::domain::event::CommandResult;
use crate::domain::event::VaultMark;
use crate::domain::id::EntryId;
use crate::domain::id::Seq;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::person::PersonFacts;
use crate::domain::person::Strength;
use crate::domain::source::ReadMemory;
use crate::domain::source::ReadProof;
use crate::domain::source::SignalProof;
use crate::domain::source::SourceKind;
use crate::domain::source::Verdict;
use crate::domain::time::Time;

/// The kinds of rows; each is a table of its own to a reader (an SQL view).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// [`PersonRow`] by subject.
    Person,
    /// [`AccountRow`] by subject.
    Account,
    /// [`ActivityRow`] by the account's subject.
    Activity,
    /// [`LinkRow`] by account and directory: `s_…/corp`.
    Link,
    /// [`StatedRow`] by account and directory: `s_…/corp`.
    Stated,
    /// [`OrphanRow`] by the account's subject.
    Orphan,
    /// [`SourceRow`] by source: `directory/corp`, `tenant/portal`.
    Source,
    /// [`DecisionRow`] by the account's subject.
    Decision,
    /// [`PlanRow`] by plan.
    Plan,
    /// [`StepRow`] by plan and number: `PLAN/000017`.
    Step,
    /// [`CommandRow`] by the intent's entry id.
    Command,
    /// [`NoticeRow`] by account and policy: `s_…/contractors`.
    Notice,
    /// [`KeptRow`] by the account's subject.
    Kept,
    /// [`PolicyRow`] by `adopted` or `proposed`.
    Policy,
    /// [`ReleaseRow`] by the plan whose trips were released.
    Release,
    /// [`ContactRow`] by scope: `tenant:portal`, `directory:corp`.
    Contact,
    /// [`HaltRow`] by `all` or `tenant:portal`.
    Halt,
    /// [`OperatorRow`] by subject.
    Operator,
    /// [`LedgerRow`] by `ledger`.
    Ledger,
}

impl Kind {
    /// Every kind.
    pub const ALL: &'static [Kind] = &[
        Kind::Person,
        Kind::Account,
        Kind::Activity,
        Kind::Link,
        Kind::Stated,
        Kind::Orphan,
        Kind::Source,
        Kind::Decision,
        Kind::Plan,
        Kind::Step,
        Kind::Command,
        Kind::Notice,
        Kind::Kept,
        Kind::Policy,
        Kind::Release,
        Kind::Contact,
        Kind::Halt,
        Kind::Operator,
        Kind::Ledger,
    ];

    /// The name in the store and of the SQL view.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Person => "person",
            Kind::Account => "account",
            Kind::Activity => "activity",
            Kind::Link => "link",
            Kind::Stated => "stated",
            Kind::Orphan => "orphan",
            Kind::Source => "source",
            Kind::Decision => "decision",
            Kind::Plan => "plan",
            Kind::Step => "step",
            Kind::Command => "command",
            Kind::Notice => "notice",
            Kind::Kept => "kept",
            Kind::Policy => "policy",
            Kind::Release => "release",
            Kind::Contact => "contact",
            Kind::Halt => "halt",
            Kind::Operator => "operator",
            Kind::Ledger => "ledger",
        }
    }
}

/// A fact with the entry that says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The entry.
    pub seq: Seq,
    /// Since when it holds: as the source says, else when we first saw it.
    pub since: Time,
}

/// One person of one directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonRow {
    /// The pseudonym.
    pub subject: Subject,
    /// The directory.
    pub directory: SourceName,
    /// The entry that first spoke of them.
    pub first: Seq,
    /// When we first saw them.
    pub first_seen: Time,
    /// The entry that last spoke of them.
    pub seq: Seq,
    /// The facts as last seen.
    pub facts: PersonFacts,
    /// Since when we have seen them disabled, without a break.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<Mark>,
    /// What says that they have left or will leave: each sign since we first saw it, without a
    /// break.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub signs: BTreeMap<Strength, Sign>,
    /// A named person says that they leave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub named: Option<Stated>,
    /// What said that they had left and does not any more, until `departure.withdrawn` tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fell_away: Option<FellAway>,
    /// The newest entry by which a departure was withdrawn, or a named person's word about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<Mark>,
    /// The first complete read in a row that did not have them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed: Option<Missed>,
    /// Confirmed as gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absent: Option<Mark>,
}

impl PersonRow {
    /// Whether the directory has them no more: absent, or kept only as deleted.
    pub const fn is_gone(&self) -> bool {
        self.absent.is_some() || self.facts.deleted_by.is_some()
    }

    /// Whether the directory has them, as far as its newest complete read shows.
    pub const fn stands(&self) -> bool {
        self.missed.is_none() && !self.is_gone()
    }
}

/// One sign that a person has left or will leave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sign {
    /// The entry by which it was first seen.
    pub seq: Seq,
    /// When that was (our clock).
    pub seen: Time,
    /// When the source recorded it, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded: Option<Time>,
}

/// What a named person said with `exeunt leave`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stated {
    /// The entry.
    pub seq: Seq,
    /// From when on it holds.
    pub at: Time,
    /// When it was said (our clock).
    pub said: Time,
}

/// What said that a person had left, and does not any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FellAway {
    /// The entry that shows it.
    pub seq: Seq,
    /// What it was, the strongest first.
    pub facts: Vec<Strength>,
}

/// Consecutive complete reads without a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missed {
    /// The first `person.missed`.
    pub seq: Seq,
    /// When that was (our clock).
    pub since: Time,
    /// How many such reads so far.
    pub reads: u64,
}

/// One account of one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRow {
    /// The pseudonym.
    pub subject: Subject,
    /// The tenant.
    pub tenant: SourceName,
    /// The entry that first spoke of it.
    pub first: Seq,
    /// When we first saw it.
    pub first_seen: Time,
    /// The entry that last spoke of it.
    pub seq: Seq,
    /// The facts as last seen.
    pub facts: AccountFacts,
    /// Since when we have seen it disabled, without a break.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<Mark>,
    /// A named person says that whoever uses it leaves, where no directory has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub named: Option<Stated>,
    /// Not there any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone: Option<Mark>,
    /// It was there again after it had been gone: when that was seen last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reappeared: Option<Mark>,
    /// It could be used again after it had been seen disabled: when that was seen last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled_again: Option<Mark>,
}

/// The newest success of each signal of one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityRow {
    /// The account.
    pub subject: Subject,
    /// By signal.
    pub newest: BTreeMap<Signal, Mark>,
}

/// To whom an account belongs, as far as one directory is concerned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkRow {
    /// The account.
    pub account: Subject,
    /// The directory.
    pub directory: SourceName,
    /// The entry that says so.
    pub seq: Seq,
    /// The person, if it is certain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<Subject>,
    /// The rule, with a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Why it is not certain, without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<Code>,
    /// The persons who come into question.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<Subject>,
}

/// What somebody has said about one account and one directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatedRow {
    /// The account.
    pub account: Subject,
    /// The directory.
    pub directory: SourceName,
    /// It belongs to this person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Said>,
    /// It does not belong to these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not: Vec<Said>,
}

/// One thing that somebody has said about an account and a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The person whom it is about.
    pub person: Subject,
    /// The entry.
    pub seq: Seq,
    /// When.
    pub at: Time,
    /// Who said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Subject>,
    /// `signature` or `os-user`.
    pub proof: String,
}

/// What somebody has said about an account without a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrphanRow {
    /// The account.
    pub account: Subject,
    /// The tenant.
    pub tenant: SourceName,
    /// What was said.
    pub word: OrphanWord,
    /// The entry.
    pub seq: Seq,
    /// When.
    pub at: Time,
    /// Until when it holds.
    pub until: Time,
    /// Who said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Subject>,
    /// `signature` or `os-user`.
    pub proof: String,
}

/// What can be said about an account without a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrphanWord {
    /// Somebody answers for it.
    Claimed,
    /// It may stay until some end.
    Accepted,
}

/// The reads of one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRow {
    /// Its name.
    pub source: SourceName,
    /// Directory or tenant.
    pub kind: SourceKind,
    /// The newest read, whatever came of it.
    pub last: ReadRow,
    /// The newest complete read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complete: Option<ReadRow>,
    /// The first complete read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_complete: Option<Seq>,
    /// How far each signal can be believed, as of the newest read that said something.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub activity: Vec<SignalProof>,
    /// Digests of suspect reads that an approver has released.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub released: Vec<String>,
    /// What the reads so far leave behind for the judgement of the next one.
    #[serde(default, skip_serializing_if = "ReadMemory::is_empty")]
    pub memory: ReadMemory,
}

/// One read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadRow {
    /// Its entry.
    pub seq: Seq,
    /// Its entry's id.
    pub id: EntryId,
    /// When it was recorded.
    pub rec: Time,
    /// What it is worth.
    pub verdict: Verdict,
    /// Why it is not complete.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<Code>,
    /// What it rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<ReadProof>,
    /// Known before and not seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<u64>,
}

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
    #[serde(default, skip_serializing_if = "is_false")]
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

fn is_false(value: &bool) -> bool {
    !*value
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

    /// Whether nobody knows yet what came of it.
    pub fn is_open(&self) -> bool {
        let unknown = match &self.outcome {
            None => true,
            Some((_, result, _)) => *result == CommandResult::Unknown,
        };
        unknown && self.settled.is_none()
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

/// Warnings that were given to one account under one policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeRow {
    /// The account.
    pub account: Subject,
    /// The policy.
    pub policy: String,
    /// Each warning.
    pub sent: Vec<NoticeMark>,
}

/// One warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeMark {
    /// Its entry.
    pub seq: Seq,
    /// When it was written or accepted.
    pub at: Time,
    /// How many days before the first step.
    pub days: u64,
    /// When the first step comes at the earliest, as the warning says.
    pub acts_at: Time,
    /// `written`, `accepted`.
    pub state: String,
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

/// The policy that rules, or the one that is proposed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRow {
    /// Its entry: the version.
    pub seq: Seq,
    /// The whole text without addresses.
    pub policy: Value,
    /// What a proposed one loosens.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loosens: Vec<String>,
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

/// Calls are stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HaltRow {
    /// The entry.
    pub seq: Seq,
    /// When.
    pub at: Time,
    /// When it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
}

/// A person at the command line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorRow {
    /// The pseudonym.
    pub subject: Subject,
    /// The entry.
    pub seq: Seq,
}

/// The ledger itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerRow {
    /// The name of the log.
    pub origin: String,
    /// The newest vault id and high-water mark that a read recorded.
    pub vault: VaultMark,
    /// Whether it is a sandbox.
    pub sandbox: bool,
    /// The epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Seq>,
}
