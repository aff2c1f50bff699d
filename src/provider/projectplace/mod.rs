//! Planview ProjectPlace.
//!
//! Facts about the wire come from the vendor's published examples (Projectplace/api-code-examples)
//! and from public clients of others.
//!
//! What is decided here where those leave room:
//! - Neither list of people names a total. A read is whole if the search was walked until a page
//!   came empty, and each of the two lists has everybody of the other whom it should have.
//! - Everything is irreversible, so that everything is read again just before: both lists, the
//!   managers, what the person is head administrator of.
//! - No login shown is "not shown", never "never": nothing published says what somebody who never
//!   logged in looks like, and there is no date of creation.
//! - Whoever shows a role that is not published, two different roles, or no address is not touched.
//! - A refusal counts as one in JSON only; anything else may come from anything in between.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use url::Url;

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

mod answer;
mod by_hand;
mod change;
mod check;
mod list;
mod oauth1;
mod owned;
mod people;
#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests;

pub use oauth1::OAuth1Keys;

/// What ProjectPlace can report and do.
pub const KIND: Kind = Kind {
    name: "projectplace",
    title: "Planview ProjectPlace",
    steps: &[Step {
        does: Do::Remove,
        effect: "A member's user account is deleted, and in the same call its head-administrator \
                 roles of workspaces, portfolios, teams and templates go to the successor. An \
                 external member is taken out of the account and its workspaces.",
        undo: Undo::Never("Invite the person again; what was theirs stays with the successor"),
        hands_over: true,
    }],
    restore: None,
    by_hand: by_hand::BY_HAND,
    signals: &[Signal::Login],
    identity: Identity::Immutable,
    external_id: false,
    needs: "a robot of the account, made by its owner or a co-owner: OAuth 2 client id and \
            secret, or the four keys of OAuth 1",
    limits: "none is published; after a 429 reads wait and try again",
    keys: &[
        Key::secret(
            "client_id",
            "the robot's OAuth 2 client id, instead of the keys of OAuth 1",
        )
        .optional(),
        Key::secret("client_secret", "the robot's OAuth 2 client secret").optional(),
        Key::plain(
            "token_url",
            "where tokens are asked for, if that is another address than `url`",
        )
        .optional(),
        Key::secret("application_key", "the robot's application key (OAuth 1)").optional(),
        Key::secret(
            "application_secret",
            "the robot's application secret (OAuth 1)",
        )
        .optional(),
        Key::secret("token_key", "the robot's access token key (OAuth 1)").optional(),
        Key::secret("token_secret", "the robot's access token secret (OAuth 1)").optional(),
        Key::plain(
            "successor",
            "the address of the member who becomes head administrator instead of those who go",
        )
        .optional(),
        Key::plain(
            "succession",
            "in which order a successor is looked for: named, manager, team",
        )
        .optional(),
        Key::plain(
            "session_days",
            "for how many days one login may last; 14 if nothing is said",
        )
        .optional(),
    ],
};

/// How the robot shows who it is.
#[derive(Debug, Clone)]
pub enum Credential {
    /// OAuth 1: permanent keys, each request is signed.
    OAuth1(OAuth1Keys),
    /// OAuth 2 client credentials: tokens that last 30 days.
    OAuth2 {
        /// The client id.
        id: Secret,
        /// The client secret.
        secret: Secret,
    },
}

/// One tenant of ProjectPlace, as configured.
#[derive(Debug, Clone)]
pub struct ProjectPlaceSettings {
    /// The address of the API: `https://api.projectplace.com`.
    pub url: String,
    /// Where OAuth 2 tokens are asked for, if not there: an address, with or without a path.
    pub token_url: Option<String>,
    /// The robot.
    pub credential: Credential,
    /// The time, which OAuth 1 signs and a last login is held against.
    pub clock: Arc<dyn Clock>,
    /// How long somebody may go on working after a login, in seconds.
    pub session_s: u64,
    /// Certificates to trust besides those of the system, in PEM.
    pub ca_file: Option<PathBuf>,
    /// Bounds of the single exchange.
    pub http: Limits,
    /// How many pages one listing may take.
    pub max_pages: u64,
}

/// The largest body of a read: the list of members comes in one piece.
const READ_BODY: usize = 64 * 1024 * 1024;

impl ProjectPlaceSettings {
    /// Takes address, robot and clock with the usual limits (10,000 pages, 64 MiB a body).
    pub fn new(
        url: impl Into<String>,
        credential: Credential,
        clock: Arc<dyn Clock>,
        session_s: u64,
    ) -> Self {
        Self {
            url: url.into(),
            token_url: None,
            credential,
            clock,
            session_s,
            ca_file: None,
            http: Limits::default(),
            max_pages: 10_000,
        }
    }
}

/// A ProjectPlace account.
pub struct ProjectPlace {
    client: Client,
    clock: Arc<dyn Clock>,
    session_s: u64,
    max_pages: u64,
}

impl fmt::Debug for ProjectPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProjectPlace")
            .field("at", &self.client.origin())
            .finish_non_exhaustive()
    }
}

const TOKEN: &str = "oauth2/access_token";

impl ProjectPlace {
    /// Makes the adapter; contacts nobody.
    pub fn new(settings: ProjectPlaceSettings) -> Result<Self, ProviderError> {
        let ca_file = settings.ca_file.as_deref();
        let mut limits = settings.http.clone();
        limits.read_body = limits.read_body.max(READ_BODY);
        let client = Client::new(&settings.url, ca_file, limits)?;
        let client = match settings.credential {
            Credential::OAuth1(keys) => {
                client.with_auth(oauth1::OAuth1::new(keys, settings.clock.clone())?)
            }
            Credential::OAuth2 { id, secret } => {
                let (url, path) = token_place(settings.token_url.as_deref(), &settings.url)?;
                let asked = Client::new(&url, ca_file, settings.http.for_tokens())?;
                client.with_auth(ClientCredentials::new(
                    asked,
                    &path,
                    Asks::Basic,
                    id,
                    secret,
                ))
            }
        };
        Ok(Self {
            client,
            clock: settings.clock,
            session_s: settings.session_s,
            max_pages: settings.max_pages,
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

    /// What the last logins of a list that began to be read at `began` prove: ProjectPlace keeps
    /// the last one of everybody, however old.
    fn proof(&self, began: Time, listed: &list::Listed) -> SignalProof {
        SignalProof {
            signal: Signal::Login,
            complete: true,
            fault: None,
            horizon: Some(Time::from_seconds(0)),
            until: Some(began),
            precision_s: Some(self.session_s),
            watermark: None,
            pages: listed.pages,
            events: u64::try_from(listed.everybody.len()).unwrap_or(u64::MAX),
        }
    }
}

/// Base address and path of the token endpoint: `token_url` is the whole of it, or only the host.
fn token_place(token_url: Option<&str>, url: &str) -> Result<(String, String), ProviderError> {
    let Some(text) = token_url else {
        return Ok((url.to_owned(), TOKEN.to_owned()));
    };
    let mut base = Url::parse(text).map_err(|e| ProviderError::Configuration {
        what: format!("`token_url` is no address: {e}"),
    })?;
    let path = base.path().trim_matches('/').to_owned();
    if path.is_empty() {
        return Ok((text.to_owned(), TOKEN.to_owned()));
    }
    base.set_path("/");
    Ok((base.to_string(), path))
}

#[async_trait]
impl Provider for ProjectPlace {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    async fn clock(&self) -> Result<Option<Time>, ProviderError> {
        self.date().await
    }

    async fn accounts(
        &self,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<AccountsRead, ProviderError> {
        let began = self.clock.now();
        let listed = self.everybody(progress).await?;
        let signals = vec![self.proof(began, &listed)];
        let listing = self.listing(&listed)?;
        let proof = listing.proof(self.client.origin(), &listed.account);
        Ok(AccountsRead {
            accounts: listing.accounts.into_values().collect(),
            proof,
            signals,
        })
    }

    async fn activity(
        &self,
        _known: &[SignalProof],
        _now: Time,
        _progress: &(dyn Fn(u64) + Send + Sync),
    ) -> ActivityRead {
        ActivityRead::default()
    }

    /// There is no request for one person: the whole lists are read, since only those show that
    /// somebody is not there.
    async fn account(&self, id: &str) -> Result<Option<AccountRecord>, ProviderError> {
        if !people::valid_id(id) {
            return Err(self.unreadable("an id that ProjectPlace cannot have made"));
        }
        let listed = self.everybody(&|_| {}).await?;
        Ok(listed.everybody.get(id).map(|person| person.record(id)))
    }

    async fn owned(&self, id: &str) -> Result<Vec<Owned>, ProviderError> {
        Ok(self.holdings(id).await?.owned)
    }

    async fn prepare(&self, target: &Target, wanted: Do) -> Result<Next, ProviderError> {
        self.prepare_removal(target, wanted).await
    }

    async fn execute(&self, target: &Target, order: &Order) -> Answer {
        answer::judge(&target.id, self.client.send_once(&order.request).await)
    }

    fn shows(&self, facts: Option<&AccountFacts>, wanted: Do) -> bool {
        match (facts, wanted) {
            // whoever is not there cannot sign in either
            (None, does) => does != Do::Restore,
            (Some(facts), Do::Restore) => facts.state == AccountState::Active,
            (Some(_), Do::Disable | Do::Remove | Do::Transfer | Do::Revoke) => false,
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
