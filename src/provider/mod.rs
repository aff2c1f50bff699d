//! SaaS systems: one trait, one file per system, one explicit list.
//!
//! What is the same for all of them (limits, time-outs, retries of reads, redaction, staying on the
//! configured origin) stands in the room `http`; what differs stands in the provider's own file.

pub mod alteryx;
pub mod answer;
pub mod by_hand;
pub mod docspace;
mod failure;
pub mod huwise;
pub mod json;
pub mod port;
pub mod projectplace;
pub mod reusable;
pub mod scim;
#[cfg(test)]
pub(crate) mod spoil;

use async_trait::async_trait;

use crate::domain::account::AccountFacts;
use crate::domain::account::AccountRecord;
use crate::domain::account::Do;
use crate::domain::account::Protection;
use crate::domain::account::Sightings;
use crate::domain::account::Signal;
use crate::domain::source::ReadProof;
use crate::domain::source::SignalProof;
use crate::domain::time::Time;
pub use crate::http;
pub use crate::http::listing;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

/// Every provider that there is; another one is its file and its line here.
pub const KINDS: &[Kind] = &[
    alteryx::KIND,
    docspace::KIND,
    huwise::KIND,
    port::KIND,
    projectplace::KIND,
    scim::KIND,
];

/// What a kind of provider can report and do, as data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// The name in the configuration: `docspace`.
    pub name: &'static str,
    /// The product's own name: `ONLYOFFICE DocSpace`.
    pub title: &'static str,
    /// Which steps it can do, and what each means there, in the order in which they are taken.
    pub steps: &'static [Step],
    /// What giving an account back means there; absent where there is no way back.
    pub restore: Option<&'static str>,
    /// What a person does by hand where no step may touch an account.
    pub by_hand: by_hand::ByHand,
    /// Which signals of activity it has.
    pub signals: &'static [Signal],
    /// Whether an account's id can be used again by another one.
    pub identity: Identity,
    /// Whether accounts carry an identifier of the directory.
    pub external_id: bool,
    /// The rights that the credential needs, in the vendor's words.
    pub needs: &'static str,
    /// What is known of its limits, as a sentence.
    pub limits: &'static str,
    /// The keys of `[[tenant]]` that belong to it, besides those that every provider has.
    pub keys: &'static [Key],
}

/// One key of `[[tenant]]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// The key: `token`.
    pub name: &'static str,
    /// What it is and where it is found, in the vendor's words, as the end of "paste …".
    pub says: &'static str,
    /// Whether it is a secret, to be referred to and never written down.
    pub secret: bool,
    /// Whether it must be there.
    pub needed: bool,
}

impl Key {
    /// A secret that must be there.
    pub const fn secret(name: &'static str, says: &'static str) -> Self {
        Self {
            name,
            says,
            secret: true,
            needed: true,
        }
    }

    /// A plain value that must be there.
    pub const fn plain(name: &'static str, says: &'static str) -> Self {
        Self {
            name,
            says,
            secret: false,
            needed: true,
        }
    }

    /// The same key where it may be left out.
    #[must_use]
    pub const fn optional(self) -> Self {
        Self {
            needed: false,
            ..self
        }
    }
}

/// One thing that a provider can do to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// What is wanted.
    pub does: Do,
    /// What it means at this provider, as a sentence.
    pub effect: &'static str,
    /// Whether and how long it can be undone.
    pub undo: Undo,
    /// Whether what the account owns is handed to the tenant's successor.
    pub hands_over: bool,
}

impl Step {
    /// Whether it can be undone by us, without end.
    pub const fn reversible(&self) -> bool {
        matches!(self.undo, Undo::Restore)
    }
}

/// Whether and how long a step can be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undo {
    /// By `exeunt restore`, as long as the account is not removed.
    Restore,
    /// By the vendor, for so many days; how, as a sentence.
    Vendor(u32, &'static str),
    /// Not at all; what comes nearest, as a sentence.
    Never(&'static str),
}

/// Whether ids are used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// An id is never given to another account.
    Immutable,
    /// Only a name, which can be used again: an account's id is made of the name and the date of
    /// creation ([`reusable`]), so that a reappearance is a new account.
    Reusable,
}

/// Reads and changes accounts of one tenant.
///
/// Guarantees: reads are retried within their limits and changes are never retried; a change is
/// one request on the wire; nothing leaves the configured origin; no call waits longer than its
/// deadline; what cannot be read is an error or `complete: false`, never "gone" or "silent".
#[async_trait]
pub trait Provider: Send + Sync + std::fmt::Debug {
    /// The capabilities.
    fn kind(&self) -> &'static Kind;

    /// Asks the tenant for its time (HTTP `Date`).
    async fn clock(&self) -> Result<Option<Time>, ProviderError>;

    /// Lists every account, proven complete, or fails.
    async fn accounts(
        &self,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<AccountsRead, ProviderError>;

    /// Walks the signals of activity that are logs of events, each from now back to its watermark
    /// in `known` (or as far as the tenant remembers), once for all accounts. What stands in the
    /// accounts themselves comes with [`Provider::accounts`].
    ///
    /// Never fails as a whole: a signal that could not be walked to its end comes back with
    /// `complete: false`, the reason, and whatever successes were seen on the way.
    async fn activity(
        &self,
        known: &[SignalProof],
        now: Time,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> ActivityRead;

    /// Reads one account. `Ok(None)` is the tenant's own word that it is not there (any more); for
    /// reusable names also that another account has the name now.
    async fn account(&self, id: &str) -> Result<Option<AccountRecord>, ProviderError>;

    /// Lists what an account owns, for a person who looks at a plan. Nothing if the provider does
    /// not say.
    async fn owned(&self, _id: &str) -> Result<Vec<Owned>, ProviderError> {
        Ok(Vec::new())
    }

    /// Reads what a change must not go wrong on (ownerships, the successor, who else administers),
    /// just before it, and says which request comes next on the way to `wanted`.
    ///
    /// It is asked again after each request that took effect, until the one comes whose
    /// [`Order::does`] is `wanted`.
    async fn prepare(&self, target: &Target, wanted: Do) -> Result<Next, ProviderError>;

    /// The requests that take away the keys with which programs act in an account's name, one for
    /// each key that works; nothing where the provider has no such call, or shows no keys of others.
    ///
    /// They are sent before the account is disabled or removed. What comes of them holds nothing up:
    /// a key that is left is shown by the next read.
    async fn revocations(&self, _target: &Target) -> Result<Vec<Order>, ProviderError> {
        Ok(Vec::new())
    }

    /// Sends exactly the one request of an order and judges its answer; it does not read back.
    async fn execute(&self, target: &Target, order: &Order) -> Answer;

    /// Tells whether an account as read back shows that `wanted` has come true (`None`: not there).
    fn shows(&self, facts: Option<&AccountFacts>, wanted: Do) -> bool;

    /// Finds out, after the deadline, what came of a request without a known outcome.
    async fn settle(&self, target: &Target, does: Do) -> Result<Settled, ProviderError> {
        let record = self.account(&target.id).await?;
        let facts = record.as_ref().map(|r| &r.facts);
        Ok(match self.shows(facts, does) {
            true => Settled::TookEffect,
            false => Settled::DidNot,
        })
    }

    /// How long one request may take at most, in seconds: the intent's deadline rests on it.
    fn request_limit_s(&self) -> u64;

    /// Probes credentials, rights, activity horizon and downgrade; changes nothing.
    async fn check(&self) -> Vec<Probe>;

    /// When the configured credential ends, where it says so itself; asks nobody.
    fn credential_until(&self) -> Option<Time> {
        None
    }

    /// Whether the tenant is reached on a loopback address only, which the sandbox demands.
    fn is_loopback(&self) -> bool;
}

/// The account that something is wanted of, with what is known about it just before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The tenant's id, as [`AccountRecord::id`] has it.
    pub id: String,
    /// The facts as just read; absent only when an old call is settled.
    pub facts: Option<AccountFacts>,
    /// Who takes over what it owns.
    pub successor: Option<Successor>,
    /// Which requests of this step took effect already, the oldest first.
    pub done: Vec<Do>,
    /// The protections that two approvers have released for a disabling.
    pub released: BTreeSet<Protection>,
}

/// Who takes over what an account owns: an account of the same tenant, as just read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Successor {
    /// Its id.
    pub id: String,
    /// Its address.
    pub email: Option<String>,
}

/// Something that an account owns.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owned {
    /// What it is, in the provider's word, lower case: `workspace`, `team`, `service`.
    pub kind: String,
    /// Its id there.
    pub id: String,
    /// Its name, as written there.
    pub name: Option<String>,
}

/// What comes next on the way to what is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// This request.
    Send(Box<Order>),
    /// Nothing: it must not be done, for this reason (a code of the family `block`).
    Withhold(&'static str),
    /// The tenant is still at work on an earlier request; so much per cent, where it says.
    Wait(Option<u64>),
}

/// One request that changes something, with what was read just before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// What this request brings about: what is wanted, or something that must come before.
    pub does: Do,
    /// What it is in the provider's terms, lower case and hyphens: `suspend`, `delete-account`.
    pub call: &'static str,
    /// The path as an intent records it, with `{id}` where the account's id stands.
    pub template: String,
    /// The request itself.
    pub request: http::Request,
    /// The account as the tenant has it, whole, and what it owns: JSON, without secrets; kept in
    /// the vault even if the request fails.
    pub image: Option<String>,
    /// How much the account owns, by kind.
    pub owned: BTreeMap<String, u64>,
    /// What was read and found in order, as codes of the family `checked`.
    pub checked: Vec<&'static str>,
}

impl Order {
    /// A request for which nothing had to be read.
    pub fn new(does: Do, call: &'static str, template: &str, request: http::Request) -> Self {
        Self {
            does,
            call,
            template: template.to_owned(),
            request,
            image: None,
            owned: BTreeMap::new(),
            checked: vec!["checked.account"],
        }
    }
}

/// What a request without a known outcome came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It has happened.
    TookEffect,
    /// It has not happened.
    DidNot,
    /// Nothing shows it, and doing it again changes nothing that was done already.
    Repeatable,
    /// Nothing shows it; it stays in doubt.
    Unclear,
}

/// All accounts of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountsRead {
    /// The accounts, each id once, in the order of their ids.
    pub accounts: Vec<AccountRecord>,
    /// What the read rests on.
    pub proof: ReadProof,
    /// The signals that stand in the accounts themselves ([`AccountRecord::seen`]), each with what
    /// it proves.
    pub signals: Vec<SignalProof>,
}

/// What the walks of all signals saw.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ActivityRead {
    /// One proof for each signal that the provider has, with the new watermark and horizon.
    pub signals: Vec<SignalProof>,
    /// By signal and account id, what was seen. Only successes of accounts themselves.
    pub seen: BTreeMap<Signal, BTreeMap<String, Sightings>>,
}

/// What came of one request that changes something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// How it is judged.
    pub verdict: AnswerVerdict,
    /// The HTTP status, if there was one.
    pub status: Option<u16>,
    /// Why, as a code of schema/codes.json: `call.done`, `call.refused`, `call.lost`, ….
    pub code: &'static str,
    /// The body, cut to 4 KiB and without stack traces; personal, so the caller commits to it.
    pub body: String,
    /// Under which the provider's support finds the call, where the answer says so: at most 128 of
    /// `[A-Za-z0-9._-]`.
    pub request_id: Option<String>,
}

/// The ways in which a request can end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerVerdict {
    /// The tenant says that it is done, and names the account.
    Done,
    /// The tenant says that there was nothing to do any more.
    Already,
    /// The tenant says no; nothing has changed.
    Refused,
    /// The request certainly never reached the tenant, or was turned away before it was looked at
    /// (429, no connection): nothing has changed.
    Failed,
    /// It may have happened: read the account back after the deadline.
    Unknown,
}

/// One line of `exeunt check`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// What was looked at: `credential`, `rights`, `login history`.
    pub what: String,
    /// Whether it is as it should be.
    pub state: ProbeState,
    /// What was found, as a sentence.
    pub says: String,
    /// What to do, if something is to be done.
    pub hint: Option<String>,
}

impl Probe {
    /// Says what was found, and what to do about it.
    pub fn new(what: &str, state: ProbeState, says: impl Into<String>, hint: Option<&str>) -> Self {
        Self {
            what: what.to_owned(),
            state,
            says: says.into(),
            hint: hint.map(str::to_owned),
        }
    }
}

/// How a probe came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeState {
    /// As it should be.
    Good,
    /// Works, with a limit that the administrator should know.
    Limited,
    /// Does not work.
    Bad,
}

/// Why a tenant gave no answer that counts, by what the caller can do.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// No connection, time-out or a server error, also after the retries (69).
    #[error("{at} cannot be reached or fails: {what}")]
    Unreachable {
        /// Scheme, host and port.
        at: String,
        /// What happened.
        what: String,
    },
    /// Asked to slow down longer than we wait (75).
    #[error("{at} asks to wait {seconds} seconds")]
    Limited {
        /// Scheme, host and port.
        at: String,
        /// How long.
        seconds: u64,
    },
    /// The credential is refused (4).
    #[error("{at} refuses the credential")]
    Credentials {
        /// Scheme, host and port.
        at: String,
    },
    /// There is no token to be had with which to ask (4).
    #[error("there is no usable token for {at}: {what}")]
    Token {
        /// Scheme, host and port.
        at: String,
        /// Why not, without secrets.
        what: String,
    },
    /// The credential may not do this (4).
    #[error("{at} does not allow {what}")]
    Rights {
        /// Scheme, host and port.
        at: String,
        /// What was asked.
        what: String,
    },
    /// The tenant itself is not in order: suspended, unpaid, moving (69).
    #[error("the tenant at {at} is not in order: {what}")]
    Tenant {
        /// Scheme, host and port.
        at: String,
        /// What it said.
        what: String,
    },
    /// The listing is not proven complete; nothing of it counts.
    #[error("the list of {at} is not whole: {detail}")]
    NotWhole {
        /// Scheme, host and port.
        at: String,
        /// A code of schema/codes.json: `read.short`, `read.moved`, ….
        fault: &'static str,
        /// What happened.
        detail: String,
    },
    /// The answer cannot be understood.
    #[error("the answer of {at} cannot be understood: {what}")]
    Unreadable {
        /// Scheme, host and port.
        at: String,
        /// What is wrong; no personal values.
        what: String,
    },
    /// The configuration cannot work (78).
    #[error("{what}")]
    Configuration {
        /// What is wrong and what would be right.
        what: String,
    },
}

impl ProviderError {
    /// The code under which a read entry records this error.
    pub fn fault(&self) -> &'static str {
        match self {
            ProviderError::Unreachable { .. } => "read.unreachable",
            ProviderError::Limited { .. } => "read.rate-limited",
            ProviderError::Credentials { .. } | ProviderError::Token { .. } => "read.credentials",
            ProviderError::Rights { .. } => "read.rights",
            ProviderError::Tenant { .. } => "read.tenant-not-in-order",
            ProviderError::NotWhole { fault, .. } => fault,
            ProviderError::Unreadable { .. } => "read.unreadable",
            ProviderError::Configuration { .. } => "read.configuration",
        }
    }
}

/// What the tests of every adapter do with one.
#[cfg(test)]
#[expect(clippy::panic, reason = "tests")]
pub(crate) mod trial {
    use crate::domain::account::Do;
    use crate::provider::Answer;
    use crate::provider::Next;
    use crate::provider::Order;
    use crate::provider::Provider;
    use crate::provider::Target;

    /// An account of which nothing else is known.
    pub(crate) fn target(id: &str) -> Target {
        Target {
            id: id.to_owned(),
            facts: None,
            successor: None,
            done: Vec::new(),
            released: std::collections::BTreeSet::new(),
        }
    }

    /// What is prepared for an account; panics unless it is a request.
    pub(crate) async fn order(provider: &dyn Provider, target: &Target, wanted: Do) -> Order {
        match provider.prepare(target, wanted).await {
            Ok(Next::Send(order)) => *order,
            other => panic!("no request: {other:?}"),
        }
    }

    /// Prepares and sends one request.
    pub(crate) async fn attempt(provider: &dyn Provider, id: &str, wanted: Do) -> Answer {
        let target = target(id);
        let order = order(provider, &target, wanted).await;
        provider.execute(&target, &order).await
    }
}
