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

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::Value;

use crate::domain::account::AccountFacts;
use crate::domain::account::AccountRecord;
use crate::domain::account::AccountState;
use crate::domain::account::Do;
use crate::domain::account::Signal;
use crate::domain::source::ReadProof;
use crate::domain::source::SignalProof;
use crate::domain::time::Time;
use crate::provider::AccountsRead;
use crate::provider::ActivityRead;
use crate::provider::Answer;
use crate::provider::Identity;
use crate::provider::Kind;
use crate::provider::Probe;
use crate::provider::Provider;
use crate::provider::ProviderError;
use crate::provider::RequestSketch;
use crate::provider::Step;
use crate::provider::http::Client;
use crate::provider::http::Limits;
use crate::provider::http::Page;
use crate::provider::http::Payload;
use crate::provider::http::Secret;
use crate::provider::http::segment;

mod activity;
mod answer;
mod check;
mod events;
mod people;
#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests;

/// What DocSpace can report and do.
pub const KIND: Kind = Kind {
    name: "docspace",
    title: "ONLYOFFICE DocSpace",
    steps: &[Step {
        does: Do::Disable,
        effect: "The profile is set to disabled: sessions end at once and signing in fails; \
                 rooms and files stay, and the paid seat is set free.",
        reversible: true,
    }],
    signals: &[Signal::Login, Signal::Audit],
    identity: Identity::Immutable,
    external_id: false,
    needs: "an API key made by the owner or a DocSpace administrator, without restrictions \
            (Permissions: All), since the login history has no scope of its own",
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
    /// How long one walk over a log may take.
    pub walk_deadline: Duration,
}

impl DocSpaceSettings {
    /// Takes address and key with the usual limits (50,000 pages and two hours per walk).
    pub fn new(url: impl Into<String>, token: Secret) -> Self {
        Self {
            url: url.into(),
            token,
            ca_file: None,
            http: Limits::default(),
            max_pages: 50_000,
            walk_deadline: Duration::from_secs(7200),
        }
    }
}

/// A DocSpace portal.
#[derive(Debug)]
pub struct DocSpace {
    client: Client,
    max_pages: u64,
    walk_deadline: Duration,
    /// The key's user, once known: a record read alone needs its id.
    own: Mutex<Option<people::Own>>,
}

const SELF: &str = "api/2.0/people/@self";
const FILTER: &str = "api/2.0/people/filter";
const LIFETIME: &str = "api/2.0/security/audit/settings/lifetime";
const COOKIES: &str = "api/2.0/settings/cookiesettings";
const DISABLE: &str = "/api/2.0/people/status/2";

impl DocSpace {
    /// Makes the adapter; contacts nobody.
    pub fn new(settings: DocSpaceSettings) -> Result<Self, ProviderError> {
        let client = Client::new(&settings.url, settings.ca_file.as_deref(), settings.http)?
            .with_credential("authorization", "Bearer ", settings.token)?;
        Ok(Self {
            client,
            max_pages: settings.max_pages,
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

    fn fault(&self, fault: people::Fault) -> ProviderError {
        match fault {
            people::Fault::NotWhole(code, detail) => self.not_whole(code, detail),
            people::Fault::Unreadable(what) => self.unreadable(what),
        }
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

    async fn list(
        &self,
        own: &people::Own,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<people::Listing, ProviderError> {
        let mut listing = people::Listing::default();
        let mut start = 0;
        loop {
            if listing.pages >= self.max_pages {
                let detail = format!("there are more than {} pages", self.max_pages);
                return Err(self.not_whole("read.too-long", detail));
            }
            let (count, index) = (people::PAGE.to_string(), start.to_string());
            let query = [
                ("employeeStatus", "7"),
                ("sortBy", "email"),
                ("sortOrder", "ascending"),
                ("count", &count),
                ("startIndex", &index),
            ];
            let body = self.read(FILTER, &query, "listing people").await?;
            let next = listing.take(&body, &own.id).map_err(|f| self.fault(f))?;
            progress(u64::try_from(listing.accounts.len()).unwrap_or(u64::MAX));
            match next {
                people::Next::More(at) => start = at,
                people::Next::Done => return Ok(listing),
            }
        }
    }

    fn proof(&self, own: &people::Own, listing: &people::Listing) -> ReadProof {
        let mut proof = ReadProof {
            identity: sha256(&[self.client.origin(), &own.id]),
            pages: listing.pages,
            count: u64::try_from(listing.accounts.len()).unwrap_or(u64::MAX),
            stated_total: listing.total(),
            digest: sha256(
                &listing
                    .accounts
                    .keys()
                    .map(String::as_str)
                    .collect::<Vec<_>>(),
            ),
            ..ReadProof::default()
        };
        proof.about.insert("server".to_owned(), self.at());
        proof
    }
}

/// `sha256:` and base64 over the texts, one a line.
fn sha256(lines: &[&str]) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for line in lines {
        context.update(line.as_bytes());
        context.update(b"\n");
    }
    format!("sha256:{}", STANDARD.encode(context.finish().as_ref()))
}

/// Whether an answer is DocSpace's own word that something went wrong.
fn is_error_envelope(body: &Value) -> bool {
    body.get("error").is_some_and(Value::is_object)
        || body
            .get("status")
            .and_then(Value::as_i64)
            .is_some_and(|s| s != 0)
}

/// The envelope of a success, or the error that the answer stands for.
///
/// An empty 403 or 404 says that the tenant is suspended or moving, never that there is nobody;
/// and an error can come within a 200, since lists are streamed.
fn success(page: Page, at: &str, what: &str) -> Result<Value, ProviderError> {
    let at = at.to_owned();
    let unreadable = |what: String| ProviderError::Unreadable {
        at: at.clone(),
        what,
    };
    let tenant = |what: &str| ProviderError::Tenant {
        at: at.clone(),
        what: what.to_owned(),
    };
    let rights = || ProviderError::Rights {
        at: at.clone(),
        what: what.to_owned(),
    };
    let Page {
        status, payload, ..
    } = page;
    match (status, payload) {
        (200, Payload::Json(body)) if is_error_envelope(&body) => {
            match body.get("statusCode").and_then(Value::as_u64) {
                Some(401) => Err(ProviderError::Credentials { at }),
                Some(402) => Err(tenant("unpaid (402)")),
                Some(403) => Err(rights()),
                _ => Err(unreadable(format!("{what}: an error within HTTP 200"))),
            }
        }
        (200, Payload::Json(body)) if body.get("status").and_then(Value::as_u64) == Some(0) => {
            Ok(body)
        }
        (200, Payload::Json(_)) => Err(unreadable(format!("{what}: no status in the answer"))),
        (401, _) => Err(ProviderError::Credentials { at }),
        (402, _) => Err(tenant("unpaid, or its tariff does not have this (402)")),
        (403, Payload::Empty) => Err(tenant("moving, restoring or encrypting (empty 403)")),
        (403, Payload::Json(_)) => Err(rights()),
        (404, Payload::Empty) => Err(tenant("suspended or to be removed (empty 404)")),
        (status, Payload::Other(kind)) => {
            Err(unreadable(format!("{what}: {kind} with HTTP {status}")))
        }
        (status, _) => Err(unreadable(format!("{what}: HTTP {status}"))),
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
        let own = self.read_own().await?;
        if !own.sees_everyone() {
            return Err(ProviderError::Rights {
                at: self.at(),
                what: "listing everybody (the key's user is neither owner nor administrator)"
                    .to_owned(),
            });
        }
        let listing = match self.list(&own, progress).await {
            // people came, went or changed places meanwhile: once more, from the start
            Err(ProviderError::NotWhole {
                fault: "read.moved" | "read.short",
                ..
            }) => self.list(&own, progress).await?,
            other => other?,
        };
        if listing.accounts.is_empty() {
            return Err(self.not_whole("read.empty", "not even the key's own user is listed"));
        }
        if !listing.accounts.contains_key(&own.id) {
            return Err(self.not_whole("read.own-missing", "the key's own user is not listed"));
        }
        let proof = self.proof(&own, &listing);
        Ok(AccountsRead {
            accounts: listing.accounts.into_values().collect(),
            proof,
        })
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
        if !people::valid_id(id) {
            return Err(self.unreadable("an id that DocSpace cannot have made"));
        }
        let own = self.own().await?;
        let path = format!("api/2.0/people/{}", segment(id));
        let page = self.get(&path, &[]).await?;
        if let (404, Payload::Json(body)) = (page.status, &page.payload)
            && body.get("error").is_some_and(Value::is_object)
            && is_error_envelope(body)
        {
            return Ok(None);
        }
        let body = success(page, self.client.origin(), "reading a profile")?;
        let item = body.get("response").unwrap_or(&Value::Null);
        let record = people::record(item, Some(&own.id)).map_err(|f| self.fault(f))?;
        if !record.id.eq_ignore_ascii_case(id) {
            // a placeholder stands for everybody who is missing or removed
            return Err(self.unreadable("another profile than the one asked for"));
        }
        Ok(Some(record))
    }

    fn request(&self, id: &str, wanted: Do) -> Result<RequestSketch, ProviderError> {
        match wanted {
            Do::Disable if people::valid_id(id) => Ok(RequestSketch {
                method: "PUT",
                path: DISABLE.to_owned(),
                body: serde_json::json!({ "userIds": [id], "resendAll": false }).to_string(),
            }),
            Do::Disable => Err(ProviderError::Configuration {
                what: "an id that DocSpace cannot have made is not asked for".to_owned(),
            }),
            Do::Remove => Err(ProviderError::Configuration {
                what: "docspace cannot remove accounts; use disable".to_owned(),
            }),
        }
    }

    async fn execute(&self, id: &str, wanted: Do) -> Answer {
        let sent = match self.request(id, wanted) {
            Ok(sketch) => {
                let send = self
                    .client
                    .send_once(Method::PUT, &sketch.path, &sketch.body);
                send.await
            }
            Err(_) => return answer::not_possible(),
        };
        answer::judge(id, sent)
    }

    fn shows(&self, facts: Option<&AccountFacts>, wanted: Do) -> bool {
        match (facts, wanted) {
            // whoever is not there cannot sign in either
            (None, _) => true,
            (Some(facts), Do::Disable) => facts.state == AccountState::Disabled,
            (Some(_), Do::Remove) => false,
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
