//! Rows: the facts as they stand, without time, folded from entries.
//!
//! A row holds only what entries said. Whether somebody has departed or is inactive is computed
//! from rows and a moment, and never stored.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

use crate::domain::account::AccountFacts;
use crate::domain::account::Signal;
use crate::domain::code::Code;
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

mod acts;
mod alert;
mod decision;
mod hold;
mod lost;
mod notice;
mod successor;
mod task;

pub use crate::domain::rows::acts::ApprovalRow;
pub use crate::domain::rows::acts::BreakerState;
pub use crate::domain::rows::acts::CommandRow;
pub use crate::domain::rows::acts::ContactRow;
pub use crate::domain::rows::acts::KeptMark;
pub use crate::domain::rows::acts::KeptRow;
pub use crate::domain::rows::acts::PlanRow;
pub use crate::domain::rows::acts::ReleaseRow;
pub use crate::domain::rows::acts::Released;
pub use crate::domain::rows::acts::Step;
pub use crate::domain::rows::acts::StepRow;
pub use crate::domain::rows::alert::ChannelRow;
pub use crate::domain::rows::alert::Failing;
pub use crate::domain::rows::alert::Gap;
pub(crate) use crate::domain::rows::alert::MOST_GAPS;
pub use crate::domain::rows::alert::RunEnd;
pub use crate::domain::rows::alert::RunsRow;
pub use crate::domain::rows::alert::ToldMark;
pub use crate::domain::rows::decision::Class;
pub use crate::domain::rows::decision::Decision;
pub use crate::domain::rows::decision::DecisionRow;
pub use crate::domain::rows::decision::Ruling;
pub use crate::domain::rows::decision::Sum;
pub use crate::domain::rows::decision::When;
pub use crate::domain::rows::hold::HoldRow;
pub use crate::domain::rows::hold::hold_codes;
pub use crate::domain::rows::lost::LostRow;
pub use crate::domain::rows::lost::Revaulted;
pub use crate::domain::rows::notice::NoticeMark;
pub use crate::domain::rows::notice::NoticeRow;
pub use crate::domain::rows::notice::ProceedMark;
pub use crate::domain::rows::successor::SuccessorRow;
pub use crate::domain::rows::task::TaskClosing;
pub use crate::domain::rows::task::TaskRelease;
pub use crate::domain::rows::task::TaskRow;
pub use crate::domain::rows::task::TaskTaken;

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
    /// [`HoldRow`] by person or account, and hold: `s_…/ID`.
    Hold,
    /// [`TaskRow`] by the account's subject.
    Task,
    /// [`SuccessorRow`] by person or account, and tenant: `s_…/portal`.
    Successor,
    /// [`PolicyRow`] by `adopted` or `proposed`.
    Policy,
    /// [`ReleaseRow`] by the plan whose trips were released.
    Release,
    /// [`ContactRow`] by scope: `tenant:portal`, `directory:corp`.
    Contact,
    /// [`HaltRow`] by `all` or `tenant:portal`.
    Halt,
    /// [`RunsRow`] by `run`.
    Runs,
    /// [`ChannelRow`] by `webhook` or `mail`.
    Channel,
    /// [`OperatorRow`] by subject.
    Operator,
    /// [`LostRow`] by subject.
    Lost,
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
        Kind::Hold,
        Kind::Task,
        Kind::Successor,
        Kind::Policy,
        Kind::Release,
        Kind::Contact,
        Kind::Halt,
        Kind::Runs,
        Kind::Channel,
        Kind::Operator,
        Kind::Lost,
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
            Kind::Hold => "hold",
            Kind::Task => "task",
            Kind::Successor => "successor",
            Kind::Policy => "policy",
            Kind::Release => "release",
            Kind::Contact => "contact",
            Kind::Halt => "halt",
            Kind::Runs => "runs",
            Kind::Channel => "channel",
            Kind::Operator => "operator",
            Kind::Lost => "lost",
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
    /// Somebody wants what failed before tried again: failures up to this entry do not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cleared: Option<Seq>,
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
    /// When it went on from an older copy of itself last, and the entry that says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reopened: Option<Mark>,
    /// When it went on with another vault last, and what was lost with the one before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revaulted: Option<Revaulted>,
    /// When it was copied last, and the entry that says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<Mark>,
    /// Whether it is a sandbox.
    pub sandbox: bool,
    /// The epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Seq>,
}
