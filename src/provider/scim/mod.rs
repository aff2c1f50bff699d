//! Any system that speaks SCIM 2.0 (RFC 7643 and 7644, cursors by RFC 9865).
//!
//! What servers in the field do beside the standard:
//! - some page by cursors only, some give fewer users a page than they were asked for (see `scim::list`);
//! - `active` comes as a boolean, as text or not at all, and is taken in different forms (see
//!   `form`);
//! - some only deactivate on DELETE: reading back shows it, and the removal is recorded as not made;
//! - a last login is in no standard schema: the configuration names the attribute, if there is one.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

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
use crate::provider::Probe;
use crate::provider::Provider;
use crate::provider::ProviderError;
use crate::provider::Settled;
use crate::provider::Step;
use crate::provider::Target;
use crate::provider::Undo;
use crate::provider::http::Client;
use crate::provider::http::Limits;
use crate::provider::http::token::jwt_end;
use crate::provider::listing::Fault;
use crate::provider::listing::Listing;
use crate::provider::scim::form::Trials;
use crate::provider::scim::people::Attribute;
use crate::provider::scim::people::Reading;
use crate::scim::access;
pub use crate::scim::access::Access as ScimAccess;
use crate::scim::features::Features;
use crate::scim::list::Step as Turn;
use crate::scim::list::Walk;

mod by_hand;
mod change;
mod check;
mod form;
mod people;
mod read;
mod step;
#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests;

/// What a SCIM server can report and do.
pub const KIND: Kind = Kind {
    name: "scim",
    title: "SCIM 2.0",
    steps: &[
        Step {
            does: Do::Disable,
            effect: "The user is set to inactive. What that means is the system's matter; usually \
                     signing in fails and everything stays.",
            undo: Undo::Restore,
            hands_over: false,
        },
        Step {
            does: Do::Remove,
            effect: "The user is deleted. What becomes of what they own is the system's matter.",
            undo: Undo::Never("The person can only be provisioned anew."),
            hands_over: false,
        },
    ],
    restore: Some("The user is set to active again."),
    by_hand: by_hand::BY_HAND,
    signals: &[Signal::Login],
    identity: Identity::Immutable,
    external_id: true,
    needs: "a bearer token or an OAuth 2 client that may read and change all users",
    limits: "those of the system; 429 and Retry-After are obeyed",
    keys: &[
        Key::secret("token", "the bearer token for provisioning").optional(),
        Key::secret(
            "client_id",
            "the id of an OAuth 2 client, in place of a token",
        )
        .optional(),
        Key::secret("client_secret", "its secret").optional(),
        Key::plain("token_url", "where the client asks for tokens").optional(),
        Key::plain(
            "last_login",
            "the attribute with the last login: urn:…:User:lastLogin",
        )
        .optional(),
        Key::plain(
            "admin_values",
            "roles, entitlements or groups of administrators",
        )
        .optional(),
        Key::plain("session_days", "for how long a login may last").optional(),
    ],
};

/// One SCIM server, as configured.
#[derive(Debug, Clone)]
pub struct ScimSettings {
    /// The address below which `Users` is found: `https://example.com/scim/v2`.
    pub url: String,
    /// The credential.
    pub access: ScimAccess,
    /// Certificates to trust besides those of the system, in PEM.
    pub ca_file: Option<PathBuf>,
    /// Bounds of the single exchange.
    pub http: Limits,
    /// How many pages one listing may take.
    pub max_pages: u64,
    /// How long a login may last, in seconds.
    pub session_s: u64,
    /// The attribute with the last login, `URN:name`.
    pub last_login: Option<String>,
    /// What roles, entitlements or groups of administrators are called.
    pub admin_values: Vec<String>,
    /// The program's clock.
    pub clock: Arc<dyn Clock>,
}

/// A SCIM server.
#[derive(Debug)]
pub struct Scim {
    client: Client,
    max_pages: u64,
    session_s: u64,
    reading: Reading,
    clock: Arc<dyn Clock>,
    known: Mutex<Known>,
    trials: Mutex<Trials>,
    /// When the token ends, where it says so.
    until: Option<Time>,
}

/// What earlier reads have shown and later ones need.
#[derive(Debug, Default)]
struct Known {
    features: Option<Features>,
    /// The user behind our credential, once it was asked for.
    own: Option<Option<String>>,
}

impl Scim {
    /// Makes the adapter; contacts nobody.
    pub fn new(settings: ScimSettings) -> Result<Self, ProviderError> {
        let ca_file = settings.ca_file.as_deref();
        let until = match &settings.access {
            ScimAccess::Token(token) => jwt_end(token.expose().trim()),
            ScimAccess::Client { .. } => None,
        };
        let client = access::connect(&settings.url, settings.access, ca_file, &settings.http)?;
        let lower = settings.admin_values.iter();
        Ok(Self {
            client,
            max_pages: settings.max_pages,
            session_s: settings.session_s,
            reading: Reading {
                last_login: settings.last_login.as_deref().map(attribute).transpose()?,
                admin_values: lower.map(|v| v.trim().to_lowercase()).collect(),
            },
            clock: settings.clock,
            known: Mutex::default(),
            trials: Mutex::default(),
            until,
        })
    }

    fn fault(&self, fault: Fault) -> ProviderError {
        fault.at(self.client.origin())
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn trials(&self) -> MutexGuard<'_, Trials> {
        self.trials.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn list(
        &self,
        mut walk: Walk<AccountRecord>,
        own: Option<&str>,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Listing, ProviderError> {
        for _ in 0..self.max_pages {
            let page = self.get(&walk.request()).await?;
            let record = |user: &Value| people::record(user, &self.reading, own);
            match walk.take(&page, &record).map_err(|f| self.fault(f))? {
                Turn::Done => return Ok(walk.listing),
                Turn::On => progress(walk.listing.distinct()),
                Turn::Failed => {
                    read::success(page, self.client.origin(), "listing users")?;
                }
            }
        }
        let detail = format!("there are more than {} pages", self.max_pages);
        Err(self.fault(Fault::NotWhole("read.too-many", detail)))
    }

    /// What the last logins prove that were read since `now`.
    fn proof(&self, now: Time) -> SignalProof {
        let offered = self.reading.last_login.is_some();
        SignalProof {
            signal: Signal::Login,
            complete: offered,
            fault: (!offered).then(|| "activity.not-offered".to_owned()),
            horizon: offered.then(|| Time::from_seconds(0)),
            until: offered.then_some(now),
            precision_s: offered.then_some(self.session_s),
            watermark: None,
            pages: 0,
            events: 0,
        }
    }
}

fn attribute(text: &str) -> Result<Attribute, ProviderError> {
    Attribute::parse(text).ok_or_else(|| ProviderError::Configuration {
        what: format!(
            "`{text}` is no attribute with a last login; last_login = \"urn:example:…:User:lastLogin\""
        ),
    })
}

#[async_trait]
impl Provider for Scim {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    async fn clock(&self) -> Result<Option<Time>, ProviderError> {
        self.server_time().await
    }

    async fn accounts(
        &self,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<AccountsRead, ProviderError> {
        let now = self.clock.now();
        let features = self.features().await?;
        let own = self.own().await?;
        let mut last = None;
        // people came or went meanwhile, or positions are counted from 0: again, from the start
        for overlap in [false, true, false] {
            match self
                .list(Walk::new(features, overlap), own.as_deref(), progress)
                .await
            {
                Err(
                    moved @ ProviderError::NotWhole {
                        fault: "read.moved" | "read.short",
                        ..
                    },
                ) => last = Some(moved),
                Err(other) => return Err(other),
                Ok(listing) => {
                    let own = own.unwrap_or_default();
                    return Ok(AccountsRead {
                        proof: listing.proof(self.client.origin(), &own),
                        accounts: listing.accounts.into_values().collect(),
                        signals: vec![self.proof(now)],
                    });
                }
            }
        }
        let never = || self.fault(Fault::Unreadable("no list of users".to_owned()));
        Err(last.unwrap_or_else(never))
    }

    async fn activity(
        &self,
        _known: &[SignalProof],
        _now: Time,
        _progress: &(dyn Fn(u64) + Send + Sync),
    ) -> ActivityRead {
        ActivityRead::default()
    }

    async fn account(&self, id: &str) -> Result<Option<AccountRecord>, ProviderError> {
        let own = self.own().await?;
        let Some((body, _)) = self.user(id).await? else {
            return Ok(None);
        };
        let record = people::record(&body, &self.reading, own.as_deref());
        Ok(Some(record.map_err(|f| self.fault(f))?))
    }

    async fn prepare(&self, target: &Target, wanted: Do) -> Result<Next, ProviderError> {
        self.next_request(target, wanted).await
    }

    async fn execute(&self, _target: &Target, order: &Order) -> Answer {
        self.send(order).await
    }

    fn shows(&self, facts: Option<&AccountFacts>, wanted: Do) -> bool {
        match (facts, wanted) {
            (None, does) => does != Do::Restore,
            (Some(facts), Do::Disable) => facts.state == AccountState::Disabled,
            (Some(facts), Do::Restore) => facts.state == AccountState::Active,
            (Some(_), Do::Remove | Do::Transfer | Do::Revoke) => false,
        }
    }

    async fn settle(&self, target: &Target, does: Do) -> Result<Settled, ProviderError> {
        self.find_out(target, does).await
    }

    fn request_limit_s(&self) -> u64 {
        self.client.change_limit_s()
    }

    fn credential_until(&self) -> Option<Time> {
        self.until
    }

    async fn check(&self) -> Vec<Probe> {
        self.probe_all().await
    }

    fn is_loopback(&self) -> bool {
        self.client.is_loopback()
    }
}
