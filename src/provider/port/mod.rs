//! Port (port.io, getport.io).
//!
//! Facts about the wire come from Port's public documentation and OpenAPI description
//! (port-labs/port-docs), and from what Port's own clients Ocean and its Terraform provider do.
//!
//! What is decided here where those leave room:
//! - A person is an entity of the blueprint `_user`; a user of `GET /v1/users` adds the login, the
//!   roles and the id that audit and `createdBy` use. The two are joined by address, without regard
//!   to case. An entity without a user is normal (nobody was invited): its login is *not shown*. A
//!   user without an entity is listed and never touched: every change goes through the entity.
//! - A name can be used again, so an account is a name and the entity's date of creation.
//! - `lastLoginAt` that is missing, empty or unreadable is unknown, never "never".
//! - `Disabled` is known to be somebody's deed only where a login was seen in this organisation, or
//!   where our own credential changed the entity last: until September 2025 it was also what an
//!   entity had whom nobody ever invited. All others are disabled with an unclear status, which
//!   protects them from every step.
//! - Whoever has a role or a type that is not known is protected, and so is an invisible user.
//! - Relations that point at a user do not forbid the removal by themselves: they are counted and
//!   kept in the before-image, nothing is ever deleted along, and Port refuses where one must point
//!   to somebody.
//! - Every event of the audit log counts for the account in whose name it was done, from the portal
//!   or with its token: both mean that somebody relies on the account.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use crate::clock::Clock;
use crate::domain::account::AccountFacts;
use crate::domain::account::AccountRecord;
use crate::domain::account::AccountState;
use crate::domain::account::Do;
use crate::domain::account::Signal;
use crate::domain::source::SignalProof;
use crate::domain::time::Time;
use crate::provider::AccountsRead;
use crate::provider::ActivityRead;
use crate::provider::Answer;
use crate::provider::Identity;
use crate::provider::Key;
use crate::provider::Kind;
use crate::provider::Next;
use crate::provider::Order;
use crate::provider::Owned;
use crate::provider::Probe;
use crate::provider::Provider;
use crate::provider::ProviderError;
use crate::provider::Step;
use crate::provider::Target;
use crate::provider::Undo;
use crate::provider::http::Client;
use crate::provider::http::Limits;
use crate::provider::http::Secret;
use crate::provider::http::token::Asks;
use crate::provider::http::token::ClientCredentials;
use crate::provider::listing::Fault;

mod activity;
mod answer;
mod audit;
mod behind;
mod by_hand;
mod check;
mod list;
mod one;
mod people;
mod steps;
#[cfg(test)]
#[expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]
mod tests;
mod wire;

/// What Port can report and do.
pub const KIND: Kind = Kind {
    name: "port",
    title: "Port",
    steps: &[
        Step {
            does: Do::Disable,
            effect: "The user's status is set to Disabled: signing in to this organisation and \
                     its tokens end; the entity, what points at it and what it made stay.",
            undo: Undo::Restore,
            hands_over: false,
        },
        Step {
            does: Do::Remove,
            effect: "The user's entity is deleted, and the user with it; what points at it loses \
                     the relation, and nothing else is deleted.",
            undo: Undo::Never(
                "Invite the person again: a new user, without the relations; the before-image \
                 lists them.",
            ),
            hands_over: false,
        },
    ],
    restore: Some("The status is set to Active again."),
    by_hand: by_hand::BY_HAND,
    signals: &[Signal::Login, Signal::Audit],
    identity: Identity::Reusable,
    external_id: false,
    needs: "the client id and secret of the organisation or of a service account that \
            administers it: reading users, entities, the organisation and the audit log, and \
            changing and deleting entities of the blueprint _user",
    limits: "no numbers are published; each answer says how many requests are left, and Exeunt \
             waits where there are none",
    keys: &[
        Key::secret(
            "client_id",
            "the client id from the menu of your user > Credentials",
        ),
        Key::secret("client_secret", "the client secret beside it"),
        Key::plain("workspace", "the id of the organisation (org_…)").optional(),
        Key::plain("session_days", "for how long a login may last").optional(),
    ],
};

/// One organisation of Port, as configured.
#[derive(Debug, Clone)]
pub struct PortSettings {
    /// The address of the API: `https://api.port.io` or `https://api.us.port.io`.
    pub url: String,
    /// The client id.
    pub client_id: Secret,
    /// Its secret.
    pub client_secret: Secret,
    /// The id of the organisation that must be met there.
    pub organization: Option<String>,
    /// How long somebody may go on working after a login without logging in again, in seconds.
    pub session_s: u64,
    /// Tells when a read began.
    pub clock: Arc<dyn Clock>,
    /// Certificates to trust besides those of the system, in PEM.
    pub ca_file: Option<PathBuf>,
    /// Bounds of the single exchange.
    pub http: Limits,
    /// How many pages one listing or walk may take.
    pub max_pages: u64,
    /// How long one walk over the audit log may take.
    pub walk_deadline: Duration,
    /// How long Port may take to follow with the user when an entity is deleted, before a read says
    /// that the user is still there; asked three times within it.
    pub follows: Duration,
}

/// The list of all users comes in one answer, so it may be larger than what others send.
const USERS_BYTES: usize = 128 * 1024 * 1024;

impl PortSettings {
    /// Takes address and credentials with the usual limits (10,000 pages and two hours per walk).
    pub fn new(
        url: impl Into<String>,
        client_id: Secret,
        client_secret: Secret,
        session_s: u64,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            url: url.into(),
            client_id,
            client_secret,
            organization: None,
            session_s,
            clock,
            ca_file: None,
            http: Limits::default(),
            max_pages: 10_000,
            walk_deadline: Duration::from_secs(7200),
            follows: Duration::from_secs(3),
        }
    }
}

/// An organisation of Port.
#[derive(Debug)]
pub struct Port {
    client: Client,
    own: people::Own,
    organization: Option<String>,
    session_s: u64,
    clock: Arc<dyn Clock>,
    max_pages: u64,
    walk_deadline: Duration,
    follows: Duration,
    known: Mutex<Known>,
}

/// What earlier reads have shown and later ones need.
#[derive(Debug, Default)]
struct Known {
    /// The organisation's id.
    organization: Option<String>,
    /// The ids of accounts by user id and by address, both in lower case.
    ids: Option<people::Ids>,
    /// The addresses, in lower case, of those whom SCIM manages.
    scim: BTreeSet<String>,
    /// The account that alone administers the organisation.
    last_admin: Option<String>,
}

impl Port {
    /// Makes the adapter; contacts nobody.
    pub fn new(settings: PortSettings) -> Result<Self, ProviderError> {
        let ca_file = settings.ca_file.as_deref();
        let token_limits = settings.http.for_tokens();
        let mut limits = settings.http;
        limits.read_body = limits.read_body.max(USERS_BYTES);
        let tokens = ClientCredentials::new(
            Client::new(&settings.url, ca_file, token_limits)?,
            wire::TOKEN,
            Asks::Json,
            settings.client_id.clone(),
            settings.client_secret,
        );
        Ok(Self {
            client: Client::new(&settings.url, ca_file, limits)?.with_auth(tokens),
            own: people::Own::new(settings.client_id),
            organization: settings.organization,
            session_s: settings.session_s,
            clock: settings.clock,
            max_pages: settings.max_pages,
            walk_deadline: settings.walk_deadline,
            follows: settings.follows,
            known: Mutex::default(),
        })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unreadable(&self, what: impl Into<String>) -> ProviderError {
        self.fault(Fault::Unreadable(what.into()))
    }

    fn not_whole(&self, fault: &'static str, detail: impl Into<String>) -> ProviderError {
        self.fault(Fault::NotWhole(fault, detail.into()))
    }

    fn fault(&self, fault: Fault) -> ProviderError {
        fault.at(self.client.origin())
    }
}

#[async_trait]
impl Provider for Port {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    async fn clock(&self) -> Result<Option<Time>, ProviderError> {
        Ok(self.get(wire::ORGANIZATION).await?.date)
    }

    async fn accounts(
        &self,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<AccountsRead, ProviderError> {
        let began = self.clock.now();
        let whole = match self.read_whole(progress).await {
            // people came or went meanwhile: once more, from the start
            Err(ProviderError::NotWhole {
                fault: "read.moved" | "read.short",
                ..
            }) => self.read_whole(progress).await?,
            other => other?,
        };
        let mut proof = whole
            .listing
            .proof(self.client.origin(), &whole.organization);
        proof
            .about
            .insert("organization".to_owned(), whole.organization);
        let login = SignalProof {
            signal: Signal::Login,
            complete: true,
            fault: None,
            horizon: Some(Time::from_seconds(0)),
            until: Some(began),
            precision_s: Some(self.session_s),
            watermark: None,
            pages: 1,
            events: whole.logins,
        };
        Ok(AccountsRead {
            accounts: whole.listing.accounts.into_values().collect(),
            proof,
            signals: vec![login],
        })
    }

    async fn activity(
        &self,
        known: &[SignalProof],
        now: Time,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> ActivityRead {
        self.walk_audit(known, now, progress).await
    }

    async fn account(&self, id: &str) -> Result<Option<AccountRecord>, ProviderError> {
        let found = self.find(id).await?;
        Ok(found.map(|found| found.record))
    }

    async fn owned(&self, id: &str) -> Result<Vec<Owned>, ProviderError> {
        match self.find(id).await? {
            Some(found) => Ok(self.left_behind(&found).await?.owned()),
            None => Ok(Vec::new()),
        }
    }

    async fn prepare(&self, target: &Target, wanted: Do) -> Result<Next, ProviderError> {
        self.next_step(target, wanted).await
    }

    async fn execute(&self, target: &Target, order: &Order) -> Answer {
        let sent = self.client.send_once(&order.request).await;
        answer::judge(&target.id, order.does, sent)
    }

    fn shows(&self, facts: Option<&AccountFacts>, wanted: Do) -> bool {
        match (facts, wanted) {
            // whoever is not there cannot sign in either
            (None, does) => does != Do::Restore,
            (Some(facts), Do::Disable) => facts.state == AccountState::Disabled,
            (Some(facts), Do::Restore) => facts.state == AccountState::Active,
            (Some(_), Do::Remove | Do::Transfer | Do::Revoke) => false,
        }
    }

    fn request_limit_s(&self) -> u64 {
        self.client.change_limit_s()
    }

    async fn check(&self) -> Vec<Probe> {
        self.probe_all().await
    }

    fn is_loopback(&self) -> bool {
        self.client.is_loopback()
    }
}

/// The success of an answer: HTTP 200 and `ok` that is true, nothing less.
fn is_ok(body: &Value) -> bool {
    body.get("ok") == Some(&Value::Bool(true))
}

/// Whether an answer is Port's own word that something went wrong.
fn is_refusal(body: &Value) -> bool {
    body.get("ok") == Some(&Value::Bool(false))
}
