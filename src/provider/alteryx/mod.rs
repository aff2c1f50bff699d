//! Alteryx Analytics Cloud ("Alteryx One"): one workspace of it.
//!
//! Facts about the wire come from clients generated from the vendor's own specifications
//! (v2025.23.2), the vendor's help pages and example code, and dated results of calls to the real
//! service that third parties published.
//!
//! What is decided here where those leave room:
//! - The workspace is configured by its number, and each read and each change makes sure first that
//!   the token is bound to it.
//! - Only a token of an administrator is accepted: others may see a part of the people, and "there
//!   is no such person" would then mean "none that you may see".
//! - A login is a login to the product, not to this workspace: it shows that the person is about,
//!   and its absence in this workspace cannot be told.
//! - A missing last login is "not shown", never "never".
//! - Removal is two requests, transfer and removal, since the vendor says to transfer first and
//!   offers no list of what a person owns. Without a successor nobody is removed.
//! - 410 to the question about a person is either that the person is gone or that the vendor has
//!   taken the question away, so that the whole list decides.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;

use async_trait::async_trait;

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
use crate::provider::Probe;
use crate::provider::Provider;
use crate::provider::ProviderError;
use crate::provider::Settled;
use crate::provider::Step;
use crate::provider::Target;
use crate::provider::Undo;
use crate::provider::alteryx::auth::Bearer;
use crate::provider::alteryx::auth::Token;
use crate::provider::alteryx::paths::Paths;
use crate::provider::alteryx::store::Store;
use crate::provider::alteryx::token::Rotating;
use crate::provider::http::Client;
use crate::provider::http::Limits;
use crate::provider::http::Secret;
use crate::provider::listing::Fault;

mod answer;
mod auth;
mod by_hand;
mod change;
mod check;
mod grant;
mod paths;
mod people;
mod read;
mod store;
#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests;
mod token;

/// What Alteryx can report and do.
pub const KIND: Kind = Kind {
    name: "alteryx",
    title: "Alteryx Analytics Cloud",
    steps: &[
        Step {
            does: Do::Disable,
            effect: "The person is suspended in the workspace: signing in to it fails; what they \
                     own stays, the seat stays taken, and their schedules keep running. What \
                     becomes of their API tokens is not known: disable them in the web pages.",
            undo: Undo::Restore,
            hands_over: false,
        },
        Step {
            does: Do::Remove,
            effect: "What the person owns is handed to the successor, which cannot be taken back; \
                     then the membership of the workspace ends, and the account with Alteryx \
                     stays. Shared assets are not handed over and go with the membership.",
            undo: Undo::Vendor(
                14,
                "Invite the person again; assets that were not handed over come back only through \
                 Alteryx Support",
            ),
            hands_over: true,
        },
    ],
    restore: Some("The suspension in the workspace is lifted."),
    by_hand: by_hand::BY_HAND,
    signals: &[Signal::Login],
    identity: Identity::Immutable,
    external_id: false,
    needs: "an OAuth 2.0 API token made in the workspace by one of its administrators: its refresh \
            token, client id and token endpoint (or a static access token, for a single run)",
    limits: "none documented for people and workspaces; others are counted by the minute",
    keys: &[
        Key::secret(
            "refresh_token",
            "the refresh token from User Preferences > OAuth2.0 API Tokens",
        )
        .optional(),
        Key::secret("client_id", "the client id shown with the refresh token").optional(),
        Key::plain(
            "token_url",
            "the token endpoint URL shown with the refresh token",
        )
        .optional(),
        Key::secret(
            "access_token",
            "an access token, which ends after minutes, in place of the three above",
        )
        .optional(),
        Key::plain(
            "workspace",
            "the number of the workspace (its id, not its gid)",
        ),
        Key::plain(
            "successor",
            "the address of who takes over what removed people own",
        )
        .optional(),
        Key::plain(
            "succession",
            "in which order a successor is looked for: named, manager, team",
        )
        .optional(),
        Key::plain("session_days", "how many days a login may last").optional(),
        Key::plain("headers", "further headers, such as x-api-project-id").optional(),
        Key::plain("paths", "paths in place of the usual ones, by name").optional(),
    ],
};

/// Where the access token comes from.
#[derive(Debug, Clone)]
pub enum AlteryxToken {
    /// It is given, and cannot be renewed.
    Fixed(Secret),
    /// It is made with a refresh token, each of which can be used once.
    Rotating {
        /// The first refresh token, as configured.
        refresh_token: Secret,
        /// The client that it was made for.
        client_id: Secret,
        /// The token endpoint; `/token` is added if it is not there.
        token_url: String,
        /// The file in which the newest pair is kept.
        kept: PathBuf,
    },
}

/// One workspace of Alteryx, as configured.
#[derive(Debug, Clone)]
pub struct AlteryxSettings {
    /// The address: `https://us1.alteryxcloud.com`.
    pub url: String,
    /// Who asks.
    pub token: AlteryxToken,
    /// The number of the workspace that the token must be bound to.
    pub workspace: String,
    /// Further headers of every request.
    pub headers: BTreeMap<String, String>,
    /// Paths in place of the usual ones, by name.
    pub paths: BTreeMap<String, String>,
    /// Certificates to trust besides those of the system, in PEM.
    pub ca_file: Option<PathBuf>,
    /// Bounds of the single exchange.
    pub http: Limits,
    /// How many pages one listing may take.
    pub max_pages: u64,
    /// How long a login may last, in seconds: nothing at the vendor says.
    pub session_s: u64,
    /// The program's clock.
    pub clock: Arc<dyn Clock>,
}

impl AlteryxSettings {
    /// Takes what must be said, with the usual limits (10,000 pages, sessions of 14 days).
    pub fn new(
        url: impl Into<String>,
        token: AlteryxToken,
        workspace: impl Into<String>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            url: url.into(),
            token,
            workspace: workspace.into(),
            headers: BTreeMap::new(),
            paths: BTreeMap::new(),
            ca_file: None,
            http: Limits::default(),
            max_pages: 10_000,
            session_s: 14 * 86_400,
            clock,
        }
    }
}

/// A workspace of Alteryx.
#[derive(Debug)]
pub struct Alteryx {
    client: Client,
    paths: Paths,
    workspace: String,
    /// The workspace that a configured header names.
    gid: Option<String>,
    max_pages: u64,
    session_s: u64,
    clock: Arc<dyn Clock>,
    /// The token's user, once known.
    own: Mutex<Option<String>>,
}

fn mistake(what: impl Into<String>) -> ProviderError {
    ProviderError::Configuration { what: what.into() }
}

/// Makes who asks for tokens.
fn rotating(
    settings: &AlteryxSettings,
    token: &AlteryxToken,
) -> Result<Option<Rotating>, ProviderError> {
    let AlteryxToken::Rotating {
        refresh_token,
        client_id,
        token_url,
        kept,
    } = token
    else {
        return Ok(None);
    };
    for (name, secret) in [("refresh_token", refresh_token), ("client_id", client_id)] {
        if secret.expose().trim().is_empty() {
            return Err(mistake(format!("`{name}` is empty")));
        }
    }
    let base = token_url.trim().trim_end_matches('/');
    let base = base.strip_suffix("/token").unwrap_or(base);
    let client = Client::new(base, settings.ca_file.as_deref(), settings.http.clone())
        .map_err(|e| mistake(format!("`token_url` cannot be used: {e}")))?;
    Ok(Some(Rotating::new(
        client,
        client_id.clone(),
        refresh_token.clone(),
        Store::new(kept.clone()),
        settings.clock.clone(),
    )))
}

impl Alteryx {
    /// Makes the adapter; contacts nobody.
    pub fn new(settings: AlteryxSettings) -> Result<Self, ProviderError> {
        let workspace = settings.workspace.trim().to_owned();
        if workspace.is_empty() || !workspace.bytes().all(|b| b.is_ascii_digit()) {
            return Err(mistake(
                "`workspace` must be the number of the workspace (its id, not its gid)",
            ));
        }
        let token = match rotating(&settings, &settings.token)? {
            Some(rotating) => Token::Rotating(Arc::new(rotating)),
            None => match &settings.token {
                AlteryxToken::Fixed(secret) => Token::Fixed(secret.clone()),
                AlteryxToken::Rotating { .. } => return Err(mistake("there is no token")),
            },
        };
        let bearer = Bearer::new(token, &settings.headers)?;
        let client = Client::new(&settings.url, settings.ca_file.as_deref(), settings.http)?;
        let paths = Paths::new(&workspace, &settings.paths)?;
        let gid = settings.headers.iter().find_map(|(name, value)| {
            let own = name.trim().eq_ignore_ascii_case(read::GID);
            own.then(|| value.trim().to_owned())
        });
        Ok(Self {
            client: client.with_auth(bearer),
            paths,
            workspace,
            gid,
            max_pages: settings.max_pages,
            session_s: settings.session_s,
            clock: settings.clock,
            own: Mutex::new(None),
        })
    }

    fn at(&self) -> String {
        self.client.origin().to_owned()
    }
}

#[async_trait]
impl Provider for Alteryx {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    async fn clock(&self) -> Result<Option<Time>, ProviderError> {
        let path = self.paths.plain("workspace");
        Ok(self.get(&path, &[]).await?.date)
    }

    async fn accounts(
        &self,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<AccountsRead, ProviderError> {
        let began = self.clock.now();
        let (standing, listing) = tokio::join!(self.standing(), self.list(progress));
        let (standing, mut listing) = (standing?, listing?);
        let not_whole = |code, what: &str| Fault::NotWhole(code, what.to_owned()).at(&self.at());
        if listing.accounts.is_empty() {
            return Err(not_whole(
                "read.empty",
                "not even the token's own user is listed",
            ));
        }
        if !listing.accounts.contains_key(&standing.own) {
            return Err(not_whole(
                "read.own-missing",
                "the token's own user is not listed",
            ));
        }
        for record in listing.accounts.values_mut() {
            standing.protect(record);
        }
        let mut proof = listing.proof(self.client.origin(), &self.workspace);
        let workspace = self.workspace.clone();
        proof.about.insert("workspace".to_owned(), workspace);
        let login = SignalProof {
            signal: Signal::Login,
            complete: true,
            fault: None,
            // the newest login stands there however old it is
            horizon: Some(Time::from_seconds(0)),
            until: Some(began),
            precision_s: Some(self.session_s),
            watermark: None,
            pages: listing.pages,
            events: 0,
        };
        Ok(AccountsRead {
            accounts: listing.accounts.into_values().collect(),
            proof,
            signals: vec![login],
        })
    }

    async fn activity(
        &self,
        _: &[SignalProof],
        _: Time,
        _: &(dyn Fn(u64) + Send + Sync),
    ) -> ActivityRead {
        ActivityRead::default()
    }

    async fn account(&self, id: &str) -> Result<Option<AccountRecord>, ProviderError> {
        if !people::valid_id(id) {
            let what = "an id that Alteryx cannot have made".to_owned();
            return Err(self.fault(Fault::Unreadable(what)));
        }
        Ok(self.seen(id).await?.map(|seen| seen.record))
    }

    async fn prepare(&self, target: &Target, wanted: Do) -> Result<Next, ProviderError> {
        self.next(target, wanted).await
    }

    async fn execute(&self, _: &Target, order: &Order) -> Answer {
        let sent = self.client.send_once(&order.request).await;
        answer::judge(order.does, sent)
    }

    fn shows(&self, facts: Option<&AccountFacts>, wanted: Do) -> bool {
        match (facts, wanted) {
            // whoever is not there cannot sign in either
            (None, does) => matches!(does, Do::Disable | Do::Remove),
            (Some(facts), Do::Disable) => facts.state == AccountState::Disabled,
            (Some(facts), Do::Restore) => facts.state != AccountState::Disabled,
            (Some(_), Do::Remove | Do::Transfer | Do::Revoke) => false,
        }
    }

    async fn settle(&self, target: &Target, does: Do) -> Result<Settled, ProviderError> {
        if does == Do::Transfer {
            // what is handed over twice is handed over once: the second time there is nothing left
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
