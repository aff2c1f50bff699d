//! Entries: what stands in the ledger, type by type.
//!
//! An entry's `data` has only the fields that schema/event/ lists for its type, and no personal
//! value: people, accounts and operators are pseudonyms, everything personal is a commitment.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::domain::account::AccountFacts;
use crate::domain::account::Do;
use crate::domain::account::Signal;
use crate::domain::code::Code;
use crate::domain::id::EntryId;
use crate::domain::id::RunId;
use crate::domain::id::Seq;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::person::PersonFacts;
use crate::domain::person::Strength;
use crate::domain::source::ReadProof;
use crate::domain::source::Rehearsal;
use crate::domain::source::SignalProof;
use crate::domain::source::SourceKind;
use crate::domain::source::Verdict;
use crate::domain::time::Time;

/// Who caused an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    /// `service` (this program on its own), `operator` (a person at the command line).
    pub kind: ActorKind,
    /// The epoch of the actor lease, where the entry was appended under it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Seq>,
    /// The operator's pseudonym.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<Subject>,
}

/// The kinds of actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActorKind {
    /// This program, on its own.
    Service,
    /// A person at the command line.
    Operator,
}

/// A digest of what an entry was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Src {
    /// `sha256:` and base64, over a whole page or request; never over one person's record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// `ldap`, `ldif`, `csv`, `docspace`, `operator`, `exeunt`.
    pub kind: String,
}

/// An entry as it stands in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Who caused it.
    pub actor: Actor,
    /// When it happened, as the source says; our clock where the source does not say.
    pub at: Time,
    /// The entry that this one follows from (an outcome's intent).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<EntryId>,
    /// Commitments by field name: `hmac-sha256:` and base64.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub commit: BTreeMap<String, String>,
    /// The facts, as schema/event/ lists them.
    pub data: Value,
    /// The entry's own id.
    pub id: EntryId,
    /// The link of the entry before, in hexadecimal; 64 zeros at 0.
    pub prev: String,
    /// Our clock when it was appended; never decreasing.
    pub rec: Time,
    /// The command that it belongs to.
    pub run: RunId,
    /// 16 random bytes, in base64 without padding, URL alphabet: keeps neighbours from guessing.
    pub salt: String,
    /// Its position.
    pub seq: Seq,
    /// What it was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub src: Option<Src>,
    /// Whom it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<Subject>,
    /// Its type, in the past tense.
    #[serde(rename = "type")]
    pub kind: String,
    /// The version of its type.
    pub v: u32,
}

impl Entry {
    /// Reads the facts as the given type; `None` if the entry is of another type or version.
    pub fn payload<P: Payload>(&self) -> Option<P> {
        if self.kind != P::TYPE {
            return None;
        }
        serde_json::from_value(self.data.clone()).ok()
    }
}

/// An entry that is still to be appended: everything but position, links and our clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Its id, made beforehand because the vault's openings are bound to it.
    pub id: EntryId,
    /// Its type.
    pub kind: &'static str,
    /// The version of its type.
    pub v: u32,
    /// When it happened; `None` is our clock at the append.
    pub at: Option<Time>,
    /// Whom it is about.
    pub sub: Option<Subject>,
    /// The entry that it follows from.
    pub cause: Option<EntryId>,
    /// Commitments by field name.
    pub commit: BTreeMap<String, String>,
    /// The facts.
    pub data: Value,
    /// What it was made from.
    pub src: Option<Src>,
}

impl Draft {
    /// Makes a draft with the facts of `payload`.
    pub fn new<P: Payload>(id: EntryId, payload: &P) -> Self {
        Self {
            id,
            kind: P::TYPE,
            v: P::VERSION,
            at: None,
            sub: None,
            cause: None,
            commit: BTreeMap::new(),
            data: serde_json::to_value(payload).unwrap_or(Value::Null),
            src: None,
        }
    }

    /// Says whom it is about.
    #[must_use]
    pub fn about(mut self, sub: &Subject) -> Self {
        self.sub = Some(sub.clone());
        self
    }

    /// Says what it follows from.
    #[must_use]
    pub fn because_of(mut self, cause: &EntryId) -> Self {
        self.cause = Some(cause.clone());
        self
    }
}

/// The facts of one type of entry.
pub trait Payload: Serialize + DeserializeOwned {
    /// The type's name, in the past tense.
    const TYPE: &'static str;
    /// The version; a change of meaning is a new version.
    const VERSION: u32 = 1;
}

macro_rules! payload {
    ($type:literal, $(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident : $kind:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[$field_doc])* pub $field: $kind),* }
        impl Payload for $name { const TYPE: &'static str = $type; }
    };
}

payload!("ledger.opened",
/// The first entry: what this ledger is.
LedgerOpened {
    /// `exeunt/ledger/1`.
    format: String,
    /// The name of the log in checkpoints.
    origin: String,
    /// The BLAKE3 context of the links.
    context: String,
    /// The verifier key of the log's signing key, as C2SP signed-note writes it.
    log_key: String,
    /// The id of the vault that was made with it.
    vault: String,
    /// Whether time may be moved here and all sources must be on loopback.
    sandbox: bool,
    /// Name and version of the program.
    software: String,
});

payload!("actor.took-over",
/// The actor lease was taken; this entry's position is the epoch.
ActorTookOver {
    /// The epoch before, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<Seq>,
});

payload!("run.started",
/// A command began that observes, decides or acts.
RunStarted {
    /// The command's name: `sync`, `plan`, `apply`, `run`.
    command: String,
    /// The moment that all decisions of this run use.
    now: Time,
    /// The version of the adopted policy; absent before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    policy: Option<Seq>,
    /// The number that changes when `decide` changes.
    rules: u64,
    /// The epoch under which it runs, if it holds the lease.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    epoch: Option<Seq>,
});

payload!("run.finished",
/// A command ended.
RunFinished {
    /// Its exit code.
    exit: u64,
});

payload!("source.read",
/// A directory or a tenant was read, with what came of it.
SourceRead {
    /// Which one.
    source: SourceName,
    /// Directory or tenant.
    kind: SourceKind,
    /// The kind of adapter: `ldap`, `csv`, `docspace`.
    adapter: String,
    /// What the read is worth.
    verdict: Verdict,
    /// Why it is not complete, as codes; or why it is although something spoke against it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    because: Vec<Code>,
    /// What it rests on; absent if nothing usable was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    proof: Option<ReadProof>,
    /// Known before and not seen now; only where the read could have shown them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    missing: Option<u64>,
    /// Those of the configured canaries who were there and have a pseudonym.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    canaries: Vec<Subject>,
    /// How many of the configured canaries were not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    canaries_missing: Option<u64>,
    /// How many were there who must not be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    forbidden_present: Option<u64>,
    /// What it would mean to believe this read, which is not believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rehearsal: Option<Rehearsal>,
    /// How far each signal of activity can be believed from here on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    activity: Vec<SignalProof>,
    /// The vault's id and high-water mark.
    vault: VaultMark,
});

/// Which vault was in use, and how far it had come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaultMark {
    /// The vault's id.
    pub id: String,
    /// The number of its last commit.
    pub mark: u64,
}

payload!("read.released",
/// An approver says that a suspect read is right: a later read with this digest is believed.
ReadReleased {
    /// Which source.
    source: SourceName,
    /// The digest of the read.
    digest: String,
});

payload!("person.observed",
/// A person was seen for the first time, came back, or has changed.
PersonObserved {
    /// In which directory.
    directory: SourceName,
    /// The facts that decisions rest on.
    facts: PersonFacts,
    /// Which personal values changed, by field name.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    changed: BTreeSet<String>,
});

payload!("person.missed",
/// A complete read did not have this person.
PersonMissed {
    /// In which directory.
    directory: SourceName,
    /// The reads before this one were not complete without a break: counting begins anew.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    anew: bool,
});

payload!("person.absent",
/// A person is gone: consecutive complete reads and a look-up by key say so.
PersonAbsent {
    /// In which directory.
    directory: SourceName,
    /// The first complete read that did not have the person.
    first_missed: Seq,
    /// How many consecutive complete reads.
    reads: u64,
});

payload!("departure.withdrawn",
/// What said that a person had left does not say so any more; what was begun is called off.
DepartureWithdrawn {
    /// In which directory.
    directory: SourceName,
    /// What fell away, the strongest first.
    facts: Vec<Strength>,
});

payload!("leave.stated",
/// A named person says that somebody leaves: the person of a directory that the entry is about, or
/// whoever uses the account, where no directory has them.
LeaveStated {
    /// From when on.
    at: Time,
    /// How it is proven who said it: `signature` or `os-user` (a claim only).
    proof: String,
    /// For a signature: `ed25519:` and base64, over `leave`, the subject and the moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
});

payload!("leave.withdrawn",
/// A named person takes back that somebody leaves.
LeaveWithdrawn {
    /// The entry that is taken back.
    stated: Seq,
    /// How it is proven who said it: `signature` or `os-user` (a claim only).
    proof: String,
    /// For a signature: `ed25519:` and base64, over `stay`, the subject and the entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
});

payload!("account.observed",
/// An account was seen for the first time, came back, or has changed.
AccountObserved {
    /// In which tenant.
    tenant: SourceName,
    /// The facts that decisions rest on.
    facts: AccountFacts,
    /// Which personal values changed, by field name.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    changed: BTreeSet<String>,
});

payload!("account.gone",
/// A complete read did not have this account, and the tenant says that it is not there.
AccountGone {
    /// In which tenant.
    tenant: SourceName,
});

payload!("login.observed",
/// New successes of one account, of one signal.
LoginObserved {
    /// In which tenant.
    tenant: SourceName,
    /// Which signal.
    signal: Signal,
    /// The newest success.
    newest: Time,
    /// Successes by UTC day that no earlier entry has counted; counts of several entries add up.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    days: BTreeMap<String, u64>,
});

payload!("link.made",
/// An account belongs to a person.
LinkMade {
    /// The person's directory.
    directory: SourceName,
    /// The person.
    person: Subject,
    /// The rule: `external-id`, `verified-address`.
    rule: String,
});

payload!("link.withheld",
/// An account cannot be given to one person for certain.
LinkWithheld {
    /// The directory in question.
    directory: SourceName,
    /// Why, as a code.
    because: Code,
    /// The persons who come into question, at most 20.
    candidates: Vec<Subject>,
});

payload!("link.cut",
/// An account belongs to nobody in this directory any more, or never did.
LinkCut {
    /// The directory in question.
    directory: SourceName,
});

payload!("link.stated",
/// A named person says that an account belongs to a person; this comes before every other rule.
LinkStated {
    /// The person's directory.
    directory: SourceName,
    /// The person.
    person: Subject,
    /// How it is proven who said so: `signature` or `os-user` (a claim only).
    proof: String,
});

payload!("link.denied",
/// A named person says that an account does not belong to a person: no rule may say so again.
LinkDenied {
    /// The person's directory.
    directory: SourceName,
    /// The person.
    person: Subject,
    /// How it is proven who said so: `signature` or `os-user` (a claim only).
    proof: String,
});

payload!("link.forgotten",
/// What was said about an account and a directory is taken back: the other rules decide again.
LinkForgotten {
    /// The directory in question.
    directory: SourceName,
    /// How it is proven who said so: `signature` or `os-user` (a claim only).
    proof: String,
});

payload!("orphan.claimed",
/// Somebody answers for an account without a person; the name of the owner is a commitment.
OrphanClaimed {
    /// In which tenant.
    tenant: SourceName,
    /// When it is to be looked at again.
    until: Time,
    /// How it is proven who said so: `signature` or `os-user` (a claim only).
    proof: String,
});

payload!("orphan.accepted",
/// An account without a person may stay as it is until some end.
OrphanAccepted {
    /// In which tenant.
    tenant: SourceName,
    /// Until when.
    until: Time,
    /// How it is proven who said so: `signature` or `os-user` (a claim only).
    proof: String,
});

payload!("orphan.released",
/// A claim or an acceptance is taken back.
OrphanReleased {
    /// In which tenant.
    tenant: SourceName,
    /// How it is proven who said so: `signature` or `os-user` (a claim only).
    proof: String,
});

payload!("policy.proposed",
/// A policy was proposed; the old one rules until this is adopted.
PolicyProposed {
    /// The whole text without addresses, as JSON.
    policy: Value,
    /// What it loosens, as paths and values; empty if nothing.
    loosens: Vec<String>,
});

payload!("policy.adopted",
/// A policy rules from here on; this entry's position is its version.
PolicyAdopted {
    /// The whole text without addresses, as JSON.
    policy: Value,
    /// Adopted by the program because it loosens nothing.
    unattended: bool,
});

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
    /// `file`.
    channel: String,
    /// `written`, `accepted`.
    state: String,
    /// When the first step comes at the earliest.
    acts_at: Time,
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

payload!("halt.set",
/// Every call is stopped.
HaltSet {
    /// Only this tenant; absent for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tenant: Option<SourceName>,
    /// When it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Time>,
});

payload!("halt.lifted",
/// Calls may go on.
HaltLifted {
    /// Only this tenant; absent for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tenant: Option<SourceName>,
});

payload!("operator.named",
/// A person at the command line, under a pseudonym.
OperatorNamed {
    /// How the name is known: `os-user`, `approver`.
    by: String,
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

/// All types of entries that this version writes.
pub const TYPES: &[&str] = &[
    LedgerOpened::TYPE,
    ActorTookOver::TYPE,
    RunStarted::TYPE,
    RunFinished::TYPE,
    SourceRead::TYPE,
    ReadReleased::TYPE,
    PersonObserved::TYPE,
    PersonMissed::TYPE,
    PersonAbsent::TYPE,
    DepartureWithdrawn::TYPE,
    LeaveStated::TYPE,
    LeaveWithdrawn::TYPE,
    AccountObserved::TYPE,
    AccountGone::TYPE,
    LoginObserved::TYPE,
    LinkMade::TYPE,
    LinkWithheld::TYPE,
    LinkCut::TYPE,
    LinkStated::TYPE,
    LinkDenied::TYPE,
    LinkForgotten::TYPE,
    OrphanClaimed::TYPE,
    OrphanAccepted::TYPE,
    OrphanReleased::TYPE,
    PolicyProposed::TYPE,
    PolicyAdopted::TYPE,
    DecisionMade::TYPE,
    PlanListed::TYPE,
    PlanCreated::TYPE,
    PlanApproved::TYPE,
    PlanRejected::TYPE,
    StepWithheld::TYPE,
    StepKept::TYPE,
    KeepLifted::TYPE,
    NoticeSent::TYPE,
    CommandIntended::TYPE,
    CommandOutcome::TYPE,
    CommandSettled::TYPE,
    CommandConfirmed::TYPE,
    BreakerTripped::TYPE,
    BreakerReleased::TYPE,
    HaltSet::TYPE,
    HaltLifted::TYPE,
    OperatorNamed::TYPE,
];
