//! ONLYOFFICE DocSpace.
//!
//! The key acts as the user who made it. Facts about the wire come from the server's public
//! source (DocSpace-server v3.7.2), its API specification and its API tests.
//!
//! What is decided here where those leave room:
//! - Only a key of the owner or an administrator lists everybody; another one fails with "rights",
//!   since its list would look whole and lack the disabled and most guests.
//! - A redirect of a change is in doubt and settled by reading back: nothing says who in front of
//!   the portal answers with one, or when.
//! - A refusal counts as one only in DocSpace's own words (its error envelope) or in its
//!   documented empty answers; an HTML page with 403 may come from anything in between.
//! - The audit trail is walked only where the session lifetime is not bounded or cannot be read:
//!   it stands in for that lifetime and costs a second walk.
//! - A removal disables, hands over and deletes, each with its own request. What the server says is
//!   to be handed over and was not would go to the user of the key; so nothing is deleted before.
//! - A task of a reassignment that the server knows nothing of may have ended or be lost: it is
//!   begun once more if something is left to hand over.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

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
use crate::provider::Probe;
use crate::provider::Provider;
use crate::provider::ProviderError;
use crate::provider::Settled;
use crate::provider::Step;
use crate::provider::Target;
use crate::provider::Undo;
use crate::provider::docspace::envelope::success;
use crate::provider::http::Client;
use crate::provider::http::Limits;
use crate::provider::http::Page;
use crate::provider::http::Secret;
use crate::provider::listing::Fault;

mod activity;
mod answer;
mod by_hand;
mod change;
mod check;
mod envelope;
mod events;
mod keys;
mod people;
mod read;
mod reassign;
#[cfg(test)]
#[expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]
mod tests;

/// What DocSpace can report and do.
pub const KIND: Kind = Kind {
    name: "docspace",
    title: "ONLYOFFICE DocSpace",
    steps: &[
        Step {
            does: Do::Disable,
            effect: "The profile is set to disabled: sessions end at once and signing in fails, and \
                     its API keys are deactivated; rooms and files stay, and the paid seat is set \
                     free.",
            undo: Undo::Restore,
            hands_over: false,
        },
        Step {
            does: Do::Remove,
            effect: "The profile is disabled, with its API keys, its rooms go to the successor, and \
                     then it is deleted: its personal section (My documents) is lost for good, and what it \
                     shared from there goes to the user of the key.",
            undo: Undo::Never(
                "The person can be invited again, as a new account without the old files.",
            ),
            hands_over: true,
        },
    ],
    restore: Some(
        "The profile is set to active again, which needs a free paid seat; who had never signed \
         in is invited again. Its API keys stay deactivated.",
    ),
    by_hand: by_hand::BY_HAND,
    signals: &[Signal::Login, Signal::Audit],
    identity: Identity::Immutable,
    external_id: false,
    needs: "an API key made by the owner or a DocSpace administrator, without restrictions \
            (Permissions: All), since the login history has no scope of its own",
    limits: "1,500 requests a minute, 50 reads and 15 changes at once, 10,000 changes a day",
    keys: &[
        Key::secret(
            "token",
            "an API key from Settings > Developer Tools > API keys",
        ),
        Key::plain("successor", "the address of who takes over rooms and files").optional(),
        Key::plain(
            "succession",
            "in which order a successor is looked for: named, manager, team",
        )
        .optional(),
    ],
};

/// One tenant of DocSpace, as configured.
#[derive(Debug, Clone)]
pub struct DocSpaceSettings {
    /// The address of the portal: `https://yourportal.onlyoffice.com`.
    pub url: String,
    /// The API key (`sk-…`).
    pub token: Secret,
    /// Certificates to trust besides those of the system, in PEM.
    pub ca_file: Option<PathBuf>,
    /// Bounds of the single exchange.
    pub http: Limits,
    /// How many pages one listing or walk may take.
    pub max_pages: u64,
    /// How many reads are under way at once; the server allows 50 for each user.
    pub reads: usize,
    /// How long one walk over a log may take.
    pub walk_deadline: Duration,
}

impl DocSpaceSettings {
    /// Takes address and key with the usual limits (50,000 pages and two hours per walk, 50
    /// reads at once).
    pub fn new(url: impl Into<String>, token: Secret) -> Self {
        Self {
            url: url.into(),
            token,
            ca_file: None,
            http: Limits::default(),
            max_pages: 50_000,
            reads: 50,
            walk_deadline: Duration::from_secs(7200),
        }
    }
}

/// A DocSpace portal.
#[derive(Debug)]
pub struct DocSpace {
    client: Client,
    max_pages: u64,
    reads: usize,
    walk_deadline: Duration,
    /// The key's user, once known: a record read alone needs its id.
    own: Mutex<Option<people::Own>>,
}

const SELF: &str = "api/2.0/people/@self";
const FILTER: &str = "api/2.0/people/filter";
const LIFETIME: &str = "api/2.0/security/audit/settings/lifetime";
const COOKIES: &str = "api/2.0/settings/cookiesettings";

impl DocSpace {
    /// Makes the adapter; contacts nobody.
    pub fn new(settings: DocSpaceSettings) -> Result<Self, ProviderError> {
        let client = Client::new(&settings.url, settings.ca_file.as_deref(), settings.http)?
            .with_credential("authorization", "Bearer ", settings.token)?;
        Ok(Self {
            client,
            max_pages: settings.max_pages,
            reads: settings.reads.max(1),
            walk_deadline: settings.walk_deadline,
            own: Mutex::new(None),
        })
    }

    fn at(&self) -> String {
        self.client.origin().to_owned()
    }

    fn unreadable(&self, what: impl Into<String>) -> ProviderError {
        ProviderError::Unreadable {
            at: self.at(),
            what: what.into(),
        }
    }

    fn not_whole(&self, fault: &'static str, detail: impl Into<String>) -> ProviderError {
        ProviderError::NotWhole {
            at: self.at(),
            fault,
            detail: detail.into(),
        }
    }

    fn fault(&self, fault: Fault) -> ProviderError {
        fault.at(self.client.origin())
    }

    /// Reads and demands success; `what` is the right in words: "listing people".
    async fn read(
        &self,
        path: &str,
        query: &[(&str, &str)],
        what: &str,
    ) -> Result<Value, ProviderError> {
        let page = self.get(path, query).await?;
        success(page, self.client.origin(), what)
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Page, ProviderError> {
        let answer = self.client.get(path, query).await;
        answer.map_err(|e| e.into_provider(self.client.origin()))
    }

    async fn read_own(&self) -> Result<people::Own, ProviderError> {
        let body = self.read(SELF, &[], "reading its own profile").await?;
        let own = people::own(&body).map_err(|f| self.fault(f))?;
        *self.own.lock().unwrap_or_else(PoisonError::into_inner) = Some(own.clone());
        Ok(own)
    }

    async fn own(&self) -> Result<people::Own, ProviderError> {
        let known = {
            let own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
            own.clone()
        };
        match known {
            Some(own) => Ok(own),
            None => self.read_own().await,
        }
    }
}

#[async_trait]
impl Provider for DocSpace {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    async fn clock(&self) -> Result<Option<Time>, ProviderError> {
        Ok(self.get(SELF, &[]).await?.date)
    }

    async fn accounts(
        &self,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<AccountsRead, ProviderError> {
        self.everybody(progress).await
    }

    async fn activity(
        &self,
        known: &[SignalProof],
        now: Time,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> ActivityRead {
        self.walk_all(known, now, progress).await
    }

    async fn account(&self, id: &str) -> Result<Option<AccountRecord>, ProviderError> {
        let Some(mut seen) = self.seen(id).await? else {
            return Ok(None);
        };
        seen.record.live_keys = self.keys().await.map(|keys| keys.of(&seen.record.id));
        Ok(Some(seen.record))
    }

    async fn prepare(&self, target: &Target, wanted: Do) -> Result<Next, ProviderError> {
        self.next(target, wanted).await
    }

    async fn revocations(&self, target: &Target) -> Result<Vec<Order>, ProviderError> {
        Ok(self.deactivations(&target.id).await)
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
            // whoever had never signed in is invited again
            (Some(facts), Do::Restore) => facts.state != AccountState::Disabled,
            (Some(facts), Do::Revoke) => facts.live_keys == 0,
            (Some(_), Do::Remove | Do::Transfer) => false,
        }
    }

    async fn settle(&self, target: &Target, does: Do) -> Result<Settled, ProviderError> {
        if !does.changes_account() {
            // beginning a handover again joins the task that runs, or finds nothing left to hand
            // over; a key that is stopped already stays so
            return Ok(Settled::Repeatable);
        }
        let record = self.account(&target.id).await?;
        let facts = record.as_ref().map(|r| &r.facts);
        Ok(match self.shows(facts, does) {
            true => Settled::TookEffect,
            false => Settled::DidNot,
        })
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
