//! Huwise, formerly Opendatasoft.
//!
//! Facts about the wire come from the OpenAPI document in the vendor's public SDK
//! (opendatasoft/opendatasoft-automation-sdk, July 2025) and the vendor's public documentation.
//!
//! What is decided here where those leave room:
//! - There is no disabling: `is_active` and `expires_at` can only be read. The one step is to take
//!   an account out of the domain, and nothing brings it back.
//! - Whoever can change what the domain shows is protected, not only who administers it: nothing is
//!   known of a way to hand content over. Groups count: their permissions come with one list, and
//!   who administers also by the tenant's own word (`all_permissions=edit_domain`). No permission
//!   has a walk of its own, since what several values of that filter mean is not documented.
//! - Nothing says whether an administrator sees the API keys of others. Unless the list has keys of
//!   two users at least, or somebody has named the accounts that machines use, only accounts that
//!   were never used are known to be without one, and no other is removed.
//! - A name can be used again: an account is its name and its date of joining.
//! - `last_seen_at` is taken to cover sessions and programs, so that a day is added to a threshold
//!   and not the usual length of a session.
//! - A 404 counts as "gone" only in Huwise's own words, and only if the list agrees.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;
use url::Url;

use crate::clock::Clock;
use crate::domain::account::AccountFacts;
use crate::domain::account::AccountRecord;
use crate::domain::account::AccountState;
use crate::domain::account::Do;
use crate::domain::account::Signal;
use crate::domain::source::SignalProof;
use crate::domain::time::DAY_SECONDS;
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
use crate::provider::huwise::people::Guards;
use crate::provider::listing::Fault;
use crate::provider::reusable;

mod answer;
mod by_hand;
mod change;
mod check;
mod keys;
mod people;
mod read;
#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests;
mod walk;

/// What Huwise can report and do.
pub const KIND: Kind = Kind {
    name: "huwise",
    title: "Huwise",
    steps: &[Step {
        does: Do::Remove,
        effect: "The account is taken out of the domain: its permissions, groups and API keys there \
                 are lost at once. A global account goes on to exist outside the domain; a local one \
                 is gone.",
        undo: Undo::Never(
            "Invite the person again; the before-image says which permissions and groups there were.",
        ),
        hands_over: false,
    }],
    restore: None,
    by_hand: by_hand::BY_HAND,
    signals: &[Signal::Login, Signal::Seen],
    identity: Identity::Reusable,
    external_id: false,
    needs: "an API key of a user with the permission edit_domain (Edit domain), which covers users and \
            groups; the key must have that permission too",
    limits: "none are documented for the Automation API; calls are counted by day and user, and a \
             429 is obeyed",
    keys: &[
        Key::secret(
            "api_key",
            "an API key from the account menu > API keys, made by a user with edit_domain",
        ),
        Key::plain(
            "session_days",
            "how many days are added to a silence, where one is not enough",
        )
        .optional(),
    ],
};

/// One domain of Huwise, as configured.
#[derive(Debug, Clone)]
pub struct HuwiseSettings {
    /// The domain: `https://example.huwise.com`.
    pub url: String,
    /// The API key.
    pub key: Secret,
    /// Certificates to trust besides those of the system, in PEM.
    pub ca_file: Option<PathBuf>,
    /// Bounds of the single exchange.
    pub http: Limits,
    /// How many pages one list may take.
    pub max_pages: u64,
    /// How long a read of everybody may take.
    pub read_deadline: Duration,
    /// How long somebody may go on being active after the newest moment that is shown, in seconds.
    pub precision_s: u64,
    /// Whether somebody has named the accounts that machines use (`service_accounts`): then an
    /// account can be removed although nothing shows whether it holds an API key.
    pub machines_named: bool,
    /// Says when a read began.
    pub clock: Arc<dyn Clock>,
}

impl HuwiseSettings {
    /// Takes domain and key with the usual limits (10,000 pages and two hours for a read) and a
    /// precision of one day.
    pub fn new(url: impl Into<String>, key: Secret, clock: Arc<dyn Clock>) -> Self {
        Self {
            url: url.into(),
            key,
            ca_file: None,
            http: Limits::default(),
            max_pages: 10_000,
            read_deadline: Duration::from_secs(7200),
            precision_s: DAY_SECONDS.unsigned_abs(),
            machines_named: false,
            clock,
        }
    }
}

/// A domain of Huwise.
#[derive(Debug)]
pub struct Huwise {
    client: Client,
    /// Our own key, to find its user in the list of keys.
    secret: Secret,
    max_pages: u64,
    read_deadline: Duration,
    precision_s: u64,
    machines_named: bool,
    clock: Arc<dyn Clock>,
    /// Who must be left alone, and when that was read.
    recent: Mutex<Option<(Instant, Guards)>>,
}

impl Huwise {
    /// Makes the adapter; contacts nobody.
    pub fn new(settings: HuwiseSettings) -> Result<Self, ProviderError> {
        let path = Url::parse(&settings.url).map(|url| url.path().to_owned());
        if path.is_ok_and(|path| path.starts_with("/api")) {
            return Err(ProviderError::Configuration {
                what: "the url is the domain alone, without /api; url = \
                       \"https://example.huwise.com\""
                    .to_owned(),
            });
        }
        let client = Client::new(&settings.url, settings.ca_file.as_deref(), settings.http)?
            .with_credential("authorization", "apikey ", settings.key.clone())?;
        Ok(Self {
            client,
            secret: settings.key,
            max_pages: settings.max_pages,
            read_deadline: settings.read_deadline,
            // where nothing is added, an account that is used now could look silent
            precision_s: settings.precision_s.max(DAY_SECONDS.unsigned_abs()),
            machines_named: settings.machines_named,
            clock: settings.clock,
            recent: Mutex::new(None),
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

    fn name<'a>(&self, id: &'a str) -> Result<&'a str, ProviderError> {
        let name = reusable::name(id);
        name.ok_or_else(|| self.unreadable("an id that was not made of a name and a date"))
    }

    fn lock_guards(&self) -> MutexGuard<'_, Option<(Instant, Guards)>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the fields of the accounts prove: both are kept for ever and shown for everybody, or
    /// the account says that they are not.
    fn proofs(&self, began: Time) -> Vec<SignalProof> {
        let proof = |signal| SignalProof {
            signal,
            complete: true,
            fault: None,
            horizon: Some(Time::from_seconds(0)),
            until: Some(began),
            precision_s: Some(self.precision_s),
            watermark: None,
            pages: 0,
            events: 0,
        };
        KIND.signals.iter().copied().map(proof).collect()
    }
}

#[async_trait]
impl Provider for Huwise {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    async fn clock(&self) -> Result<Option<Time>, ProviderError> {
        Ok(self.page(&read::ONE, None, 0).await?.date)
    }

    async fn accounts(
        &self,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<AccountsRead, ProviderError> {
        let began = self.clock.now();
        let reading = async {
            match self.everybody(progress).await {
                // somebody came, went or changed meanwhile: once more, from the start
                Err(ProviderError::NotWhole {
                    fault: "read.moved" | "read.short",
                    ..
                }) => self.everybody(progress).await,
                other => other,
            }
        };
        let Ok(read) = tokio::time::timeout(self.read_deadline, reading).await else {
            let seconds = self.read_deadline.as_secs();
            let detail = format!("it took longer than {seconds} seconds");
            return Err(self.not_whole("read.too-long", detail));
        };
        Ok(AccountsRead {
            signals: self.proofs(began),
            ..read?
        })
    }

    /// Everything that Huwise shows of activity stands in the accounts.
    async fn activity(
        &self,
        _: &[SignalProof],
        _: Time,
        _: &(dyn Fn(u64) + Send + Sync),
    ) -> ActivityRead {
        ActivityRead::default()
    }

    async fn account(&self, id: &str) -> Result<Option<AccountRecord>, ProviderError> {
        let Some(user) = self.meant(id).await? else {
            return Ok(None);
        };
        let guards = self.recent_guards().await?;
        self.record(&user, &guards).map(Some)
    }

    async fn owned(&self, id: &str) -> Result<Vec<Owned>, ProviderError> {
        self.keys_of(id).await
    }

    async fn prepare(&self, target: &Target, wanted: Do) -> Result<Next, ProviderError> {
        match wanted {
            Do::Remove => self.removal(target).await,
            Do::Disable | Do::Transfer | Do::Revoke | Do::Restore => {
                Ok(Next::Withhold("block.step-impossible"))
            }
        }
    }

    async fn execute(&self, _: &Target, order: &Order) -> Answer {
        answer::judge(self.client.send_once(&order.request).await)
    }

    fn shows(&self, facts: Option<&AccountFacts>, wanted: Do) -> bool {
        match (facts, wanted) {
            (None, does) => does != Do::Restore,
            (Some(facts), Do::Disable) => facts.state == AccountState::Disabled,
            (Some(_), Do::Remove | Do::Transfer | Do::Revoke | Do::Restore) => false,
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
