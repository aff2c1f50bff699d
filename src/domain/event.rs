//! Entries: what stands in the ledger, type by type.
//!
//! An entry's `data` has only the fields that schema/event/ lists for its type, and no personal
//! value: people, accounts and operators are pseudonyms, everything personal is a commitment.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

use crate::domain::account::AccountFacts;
use crate::domain::account::Signal;
use crate::domain::code::Code;
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

mod entry;

pub use crate::domain::event::entry::Actor;
pub use crate::domain::event::entry::ActorKind;
pub use crate::domain::event::entry::Draft;
pub use crate::domain::event::entry::Entry;
pub use crate::domain::event::entry::Payload;
pub use crate::domain::event::entry::Src;

macro_rules! payload {
    ($type:literal, $(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident : $kind:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[$field_doc])* pub $field: $kind),* }
        impl Payload for $name { const TYPE: &'static str = $type; }
    };
}

// below the macro, as a macro is known only to what comes after it
mod acts;
mod alert;
mod hold;
mod lost;
mod notice;
mod successor;
mod task;

pub use crate::domain::event::acts::BreakerReleased;
pub use crate::domain::event::acts::BreakerTripped;
pub use crate::domain::event::acts::CommandConfirmed;
pub use crate::domain::event::acts::CommandIntended;
pub use crate::domain::event::acts::CommandOutcome;
pub use crate::domain::event::acts::CommandResult;
pub use crate::domain::event::acts::CommandSettled;
pub use crate::domain::event::acts::DecisionMade;
pub use crate::domain::event::acts::KeepLifted;
pub use crate::domain::event::acts::NoticeSent;
pub use crate::domain::event::acts::PlanApproved;
pub use crate::domain::event::acts::PlanCreated;
pub use crate::domain::event::acts::PlanListed;
pub use crate::domain::event::acts::PlanRejected;
pub use crate::domain::event::acts::StepKept;
pub use crate::domain::event::acts::StepWithheld;
pub use crate::domain::event::alert::AlertMark;
pub use crate::domain::event::alert::AlertSent;
pub use crate::domain::event::alert::SummarySent;
pub use crate::domain::event::hold::HoldLifted;
pub use crate::domain::event::hold::HoldPlaced;
pub use crate::domain::event::lost::SubjectsLost;
pub use crate::domain::event::lost::VaultReopened;
pub use crate::domain::event::notice::NoticeBounced;
pub use crate::domain::event::notice::NoticeDelivered;
pub use crate::domain::event::notice::NoticeProceeded;
pub use crate::domain::event::successor::SuccessorNamed;
pub use crate::domain::event::successor::SuccessorWithdrawn;
pub use crate::domain::event::task::TaskClosed;
pub use crate::domain::event::task::TaskOpened;
pub use crate::domain::event::task::TaskReleased;
pub use crate::domain::event::task::TaskTaken;

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
    /// Of a `run`: how soon the next one is expected, in hours, where `[alert]` says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    every_hours: Option<u64>,
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

payload!("ledger.reopened",
/// An approver let the ledger go on after an older copy of it or of its vault was put back, or the vault
/// was lost. Everything is first contact again: what stood in what is lost, nobody knows.
LedgerReopened {
    /// The name of the log from here on.
    origin: String,
    /// How many entries there were when it was reopened.
    kept: Seq,
    /// What the head lock knew; absent if it was lost too, or if only the vault was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    known: Option<KnownHead>,
    /// What was lost with the vault; absent if that fits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    vault: Option<VaultReopened>,
    /// The sources whose reads count no more, as rows name them: `directory/corp`.
    sources: Vec<String>,
    /// The scopes that are in first contact again: `tenant:portal`.
    contacts: Vec<String>,
    /// `signature` or `os-user`.
    proof: String,
    /// `ed25519:` and the signature over `reopen`, the number of entries that were kept, the name, and
    /// with a vault its id and the digest over those who have no values any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
});

impl LedgerReopened {
    /// Whether entries are lost, and not only what the vault had.
    pub fn lost_entries(&self) -> bool {
        self.vault.as_ref().is_none_or(|vault| !vault.alone)
    }
}

/// How far a ledger had come, as the head lock had it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownHead {
    /// How many entries there were.
    pub entries: u64,
    /// The link of the last one, hexadecimal.
    pub link: String,
    /// The epoch of the actor lease.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Seq>,
    /// The newest checkpoint that was signed, as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
}

payload!("backup.made",
/// Ledger, vault and keys were copied: a copy of personal data exists outside.
BackupMade {
    /// How many entries the copy has.
    entries: u64,
    /// The link of its last entry, hexadecimal.
    link: String,
    /// The vault that was copied.
    vault: VaultMark,
});

payload!("ledger.heartbeat",
/// Nothing happened for as long as a checkpoint may be old: the next one shows that the log goes on.
LedgerHeartbeat {
    /// How many entries the newest checkpoint covers.
    covered: u64,
});

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

payload!("attempts.cleared",
/// Somebody wants what failed for an account tried again: failures up to here do not count.
AttemptsCleared {
    /// In which tenant.
    tenant: SourceName,
    /// `signature` or `os-user`.
    proof: String,
});

payload!("operator.named",
/// A person at the command line, under a pseudonym.
OperatorNamed {
    /// How the name is known: `os-user`, `approver`.
    by: String,
});

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
    NoticeBounced::TYPE,
    NoticeDelivered::TYPE,
    NoticeProceeded::TYPE,
    CommandIntended::TYPE,
    CommandOutcome::TYPE,
    CommandSettled::TYPE,
    CommandConfirmed::TYPE,
    BreakerTripped::TYPE,
    BreakerReleased::TYPE,
    HaltSet::TYPE,
    HaltLifted::TYPE,
    OperatorNamed::TYPE,
    BackupMade::TYPE,
    LedgerHeartbeat::TYPE,
    LedgerReopened::TYPE,
    AttemptsCleared::TYPE,
    HoldPlaced::TYPE,
    HoldLifted::TYPE,
    AlertSent::TYPE,
    SummarySent::TYPE,
    TaskOpened::TYPE,
    TaskTaken::TYPE,
    TaskReleased::TYPE,
    TaskClosed::TYPE,
    SuccessorNamed::TYPE,
    SuccessorWithdrawn::TYPE,
    SubjectsLost::TYPE,
];
