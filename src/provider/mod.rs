//! SaaS systems: one trait, one file per system, one explicit list.
//!
//! What is the same for all of them (limits, time-outs, retries of reads, redaction, staying on the
//! configured origin) stands in its file `http`; what differs stands in the provider's own file.

pub mod docspace;
pub mod http;

use async_trait::async_trait;

use crate::domain::account::AccountFacts;
use crate::domain::account::AccountRecord;
use crate::domain::account::Do;
use crate::domain::account::Sightings;
use crate::domain::account::Signal;
use crate::domain::source::ReadProof;
use crate::domain::source::SignalProof;
use crate::domain::time::Time;
use std::collections::BTreeMap;

/// Every provider that there is; another one is its file and its line here.
pub const KINDS: &[Kind] = &[docspace::KIND];

/// What a kind of provider can report and do, as data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// The name in the configuration: `docspace`.
    pub name: &'static str,
    /// The product's own name: `ONLYOFFICE DocSpace`.
    pub title: &'static str,
    /// Which steps it can do, and what each means there, in the order in which they are taken.
    pub steps: &'static [Step],
    /// Which signals of activity it has.
    pub signals: &'static [Signal],
    /// Whether an account's id can be used again by another one.
    pub identity: Identity,
    /// Whether accounts carry an identifier of the directory.
    pub external_id: bool,
    /// The rights that the credential needs, in the vendor's words.
    pub needs: &'static str,
}

/// One thing that a provider can do to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// What is wanted.
    pub does: Do,
    /// What it means at this provider, as a sentence.
    pub effect: &'static str,
    /// Whether it can be undone.
    pub reversible: bool,
}

/// Whether ids are used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// An id is never given to another account.
    Immutable,
    /// Only a name, which can be used again.
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

    /// Walks the signals of activity, each from now back to its watermark in `known` (or as far as
    /// the tenant remembers), once for all accounts.
    ///
    /// Never fails as a whole: a signal that could not be walked to its end comes back with
    /// `complete: false`, the reason, and whatever successes were seen on the way.
    async fn activity(
        &self,
        known: &[SignalProof],
        now: Time,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> ActivityRead;

    /// Reads one account. `Ok(None)` is the tenant's own word that it is not there (any more).
    async fn account(&self, id: &str) -> Result<Option<AccountRecord>, ProviderError>;

    /// Describes the request that [`Provider::execute`] would send, for the intent.
    fn request(&self, id: &str, wanted: Do) -> Result<RequestSketch, ProviderError>;

    /// Sends exactly one request and judges its answer; it does not read back.
    async fn execute(&self, id: &str, wanted: Do) -> Answer;

    /// Tells whether an account as read back shows that `wanted` has come true (`None`: not there).
    fn shows(&self, facts: Option<&AccountFacts>, wanted: Do) -> bool;

    /// How long one request may take at most, in seconds: the intent's deadline rests on it.
    fn request_limit_s(&self) -> u64;

    /// Probes credentials, rights, activity horizon and downgrade; changes nothing.
    async fn check(&self) -> Vec<Probe>;

    /// Whether the tenant is reached on a loopback address only, which the sandbox demands.
    fn is_loopback(&self) -> bool;
}

/// All accounts of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountsRead {
    /// The accounts, each id once, in the order of their ids.
    pub accounts: Vec<AccountRecord>,
    /// What the read rests on.
    pub proof: ReadProof,
}

/// What the walks of all signals saw.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ActivityRead {
    /// One proof for each signal that the provider has, with the new watermark and horizon.
    pub signals: Vec<SignalProof>,
    /// By signal and account id, what was seen. Only successes of accounts themselves.
    pub seen: BTreeMap<Signal, BTreeMap<String, Sightings>>,
}

/// A request as an intent records it: no host, no credentials, the id left out of the path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestSketch {
    /// `PUT`.
    pub method: &'static str,
    /// `/api/2.0/people/status/2`, with `{id}` where the account's id stands.
    pub path: String,
    /// The body to be sent, whole; the caller commits to it and never stores it in the clear.
    pub body: String,
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
            ProviderError::Credentials { .. } => "read.credentials",
            ProviderError::Rights { .. } => "read.rights",
            ProviderError::Tenant { .. } => "read.tenant-not-in-order",
            ProviderError::NotWhole { fault, .. } => fault,
            ProviderError::Unreadable { .. } => "read.unreadable",
            ProviderError::Configuration { .. } => "read.configuration",
        }
    }
}
