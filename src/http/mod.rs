//! HTTP for providers, and directories that speak it: one configured origin, bounded reads, changes sent exactly once.
//!
//! Reads are retried here and nowhere else. A change is one request on a connection of its own:
//! a pooled connection that breaks leaves open whether the request was processed, and reqwest and
//! hyper would both send again on their own if they were let.

use std::fmt;
use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use percent_encoding::AsciiSet;
use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::percent_decode_str;
use percent_encoding::utf8_percent_encode;
use reqwest::header::HeaderMap;
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use crate::domain::time::Time;
use crate::http::patience::Reason;
use crate::http::wire::innermost;

mod auth;
mod evidence;
pub mod listing;
pub mod patience;
mod request;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
pub(crate) mod scripted;
#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests;
pub mod token;
mod wait;
pub(crate) mod wire;

pub use auth::Anonymous;
pub use auth::Auth;
pub use auth::Fixed;
pub use auth::header_value;
pub use auth::redact;
pub use evidence::EVIDENCE_BYTES;
pub use evidence::Secret;
pub use request::Body;
pub use request::Request;
pub use wait::backoff;
pub use wait::stated_wait;

/// What every exchange is bounded by; the defaults suit a tenant on the internet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Name resolution, connection and TLS handshake together.
    pub connect: Duration,
    /// One read, from the first byte to the last.
    pub read: Duration,
    /// One change, from the first byte to the last.
    pub change: Duration,
    /// How often one read is sent at most.
    pub attempts: u32,
    /// How long one read may wait between its attempts, all in all.
    pub waiting: Duration,
    /// How long a change may be held back because the tenant asked for quiet; past that it is not
    /// sent.
    pub change_waiting: Duration,
    /// The first pause after a failure of which the tenant did not say how long to wait.
    pub first_backoff: Duration,
    /// The longest such pause.
    pub longest_backoff: Duration,
    /// What a tenant's own word for a pause is cut to.
    pub longest_stated: Duration,
    /// The largest body of a read, in bytes after decompression.
    pub read_body: usize,
    /// The largest body of the answer to a change, in bytes after decompression.
    pub change_body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            read: Duration::from_secs(60),
            change: Duration::from_secs(60),
            attempts: 5,
            waiting: Duration::from_secs(150),
            change_waiting: Duration::from_secs(5),
            first_backoff: Duration::from_millis(500),
            longest_backoff: Duration::from_secs(30),
            longest_stated: Duration::from_secs(86_400),
            read_body: 16 * 1024 * 1024,
            change_body: 1024 * 1024,
        }
    }
}

/// Why a read has no answer; never holds headers, queries, bodies or secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The address is not one below the configured origin.
    #[error("{what}")]
    Address {
        /// What is wrong with it.
        what: String,
    },
    /// No connection came about.
    #[error("no connection: {what}")]
    Connect {
        /// What the system or the TLS library said.
        what: String,
    },
    /// No whole answer within the time.
    #[error("no answer in time")]
    Timeout,
    /// The connection broke before the answer was whole.
    #[error("the connection broke before the answer was whole: {what}")]
    Lost {
        /// What the HTTP library said.
        what: String,
    },
    /// A server error that outlasted the retries.
    #[error("server error {status}")]
    Server {
        /// The HTTP status, 500 to 599.
        status: u16,
    },
    /// The tenant asks for more quiet than we wait.
    #[error("asked to wait {seconds} seconds")]
    Limited {
        /// How long, in seconds; at least 1.
        seconds: u64,
    },
    /// There is no token to be had with which to ask.
    #[error("{what}")]
    Token {
        /// Why not, without secrets.
        what: String,
    },
    /// The body is larger than allowed.
    #[error("the answer is larger than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
}

/// The settings of a client cannot work; what is right stands after a semicolon.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Misconfigured {
    /// What is wrong, without secrets.
    pub what: String,
}

/// The body of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Payload {
    /// Nothing, or white space.
    Empty,
    /// Well-formed JSON.
    Json(Value),
    /// Something else, such as `HTML` or `broken JSON`; the word is all that is kept.
    Other(&'static str),
}

/// The answer to a read, whatever its status below 500 (429 excepted, which is an error), or 501: a
/// tenant's word that it does not do this, which no second try changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub payload: Payload,
    /// The `Date` header.
    pub date: Option<Time>,
    /// The version of what was read (`ETag`).
    pub etag: Option<String>,
    /// How many requests it took.
    pub requests: u32,
}

/// What came of a change.
#[derive(Debug, Clone, PartialEq)]
pub enum Sent {
    /// Nothing reached the tenant: no connection, no TLS session, or a wait that we did not take.
    NotSent {
        /// Why.
        what: String,
    },
    /// The tenant turned it away before looking at it (429).
    TurnedAway {
        /// How long it asks to wait, in seconds, if it says so.
        seconds: Option<u64>,
        /// The body as evidence.
        evidence: String,
        /// Under which the tenant's provider finds the call.
        request_id: Option<String>,
    },
    /// A whole answer came; redirects (3xx) among them, which are never followed.
    Answered {
        /// The HTTP status.
        status: u16,
        /// The body.
        payload: Payload,
        /// The body as evidence: at most [`EVIDENCE_BYTES`], without stack traces and secrets.
        evidence: String,
        /// Under which the tenant's provider finds the call.
        request_id: Option<String>,
    },
    /// It was sent and no whole answer came: it may have been processed.
    Lost {
        /// The HTTP status, where at least the head of an answer came.
        status: Option<u16>,
        /// What happened.
        what: String,
        /// Under which the tenant's provider finds the call.
        request_id: Option<String>,
    },
}

struct Reply {
    status: u16,
    body: Vec<u8>,
    date: Option<Time>,
    etag: Option<String>,
    stated: Option<Duration>,
}

/// A client for one configured origin.
pub struct Client {
    origin: String,
    base: Url,
    loopback: bool,
    reads: reqwest::Client,
    changes: reqwest::Client,
    auth: Box<dyn Auth>,
    limits: Limits,
    quiet_until: Mutex<Option<Instant>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

/// Unreserved characters of RFC 3986 stay as they are; all else is percent-encoded.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Encodes an identifier as one path segment.
pub fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

impl Client {
    /// Makes a client for the origin of `url`, below its path, that trusts the system's roots and
    /// `ca_file`.
    ///
    /// Plain http is accepted on a loopback address only; everything that cannot work is
    /// [`Misconfigured`].
    pub fn new(url: &str, ca_file: Option<&Path>, limits: Limits) -> Result<Self, Misconfigured> {
        let (base, loopback) = parse_base(url)?;
        let origin = base.origin().ascii_serialization();
        let build = |changes: bool| {
            let timeout = if changes { limits.change } else { limits.read };
            let mut builder = wire::builder(&base, ca_file)
                .map_err(|e| configuration(chain(&e)))?
                .connect_timeout(limits.connect)
                .timeout(timeout);
            if changes {
                // no idle connection is ever used again, and no stream is refused and re-sent
                builder = builder.pool_max_idle_per_host(0).http1_only();
            }
            builder
                .build()
                .map_err(|e| configuration(format!("no HTTP client: {}", innermost(&e))))
        };
        Ok(Self {
            reads: build(false)?,
            changes: build(true)?,
            origin,
            base,
            loopback,
            auth: Box::new(Anonymous),
            limits,
            quiet_until: Mutex::new(None),
        })
    }

    /// Sends `prefix` and `secret` as the header `name` with every request.
    pub fn with_credential(
        self,
        name: &'static str,
        prefix: &str,
        secret: Secret,
    ) -> Result<Self, Misconfigured> {
        let fixed = Fixed::new(name, prefix, secret)?;
        Ok(self.with_auth(fixed))
    }

    /// Lets `auth` add the credentials to every request.
    #[must_use]
    pub fn with_auth(mut self, auth: impl Auth + 'static) -> Self {
        self.auth = Box::new(auth);
        self
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether the origin is a loopback address, and whatever gives us tokens too.
    pub fn is_loopback(&self) -> bool {
        self.loopback && self.auth.is_loopback()
    }

    /// The limits in force.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The longest that [`Client::send_once`] can take, in seconds, the token that it may have to
    /// fetch first included.
    pub fn change_limit_s(&self) -> u64 {
        let longest = self
            .limits
            .change
            .saturating_add(self.limits.change_waiting);
        let own = longest.as_secs().saturating_add(1);
        own.saturating_add(self.auth.longest_s())
    }

    /// Reads `path` (below the configured address, identifiers encoded by [`segment`]).
    pub async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Page, HttpError> {
        let mut request = Request::get(path);
        for (name, value) in query {
            request = request.query(name, *value);
        }
        self.read(&request).await
    }

    /// Sends a request that changes nothing, whatever its method (searches are often `POST`).
    ///
    /// Connection failures, time-outs, 429 and 5xx but 501 are tried again within [`Limits`], and 401 once
    /// if there is a fresh token to be had; each other status is an answer.
    pub async fn read(&self, request: &Request) -> Result<Page, HttpError> {
        let url = self.address(request)?;
        let mut waited = Duration::ZERO;
        let mut requests = 0;
        let mut renewed = false;
        loop {
            self.keep_quiet(&mut waited).await?;
            requests += 1;
            let (failure, stated) = match self.read_once(request, url.clone()).await {
                Ok(reply) if reply.status == 401 && !renewed && self.auth.refused().await => {
                    renewed = true;
                    continue;
                }
                Ok(reply) if reply.status == 429 => {
                    let seconds = reply.stated.map_or(1, |s| s.as_secs().max(1));
                    (HttpError::Limited { seconds }, reply.stated)
                }
                // "not implemented" is as final as "not found"
                Ok(reply) if reply.status >= 500 && reply.status != 501 => {
                    let status = reply.status;
                    (HttpError::Server { status }, reply.stated)
                }
                Ok(reply) => {
                    return Ok(Page {
                        status: reply.status,
                        payload: payload(&reply.body),
                        date: reply.date,
                        etag: reply.etag,
                        requests,
                    });
                }
                Err(
                    failure @ (HttpError::Connect { .. }
                    | HttpError::Timeout
                    | HttpError::Lost { .. }),
                ) => (failure, None),
                Err(other) => return Err(other),
            };
            let reason = match stated {
                Some(_) => Reason::Asked,
                None => Reason::Failed(failure.to_string()),
            };
            let pause = stated.unwrap_or_else(|| backoff(&self.limits, requests, url.as_str()));
            let total = waited.saturating_add(pause);
            if requests >= self.limits.attempts || total > self.limits.waiting {
                return Err(failure);
            }
            patience::pause(pause, &reason).await;
            waited = total;
        }
    }

    /// Sends one change: exactly one request, or none.
    pub async fn send_once(&self, request: &Request) -> Sent {
        let not_sent = |e: &dyn fmt::Display| Sent::NotSent {
            what: e.to_string(),
        };
        let url = match self.address(request) {
            Ok(url) => url,
            Err(e) => return not_sent(&e),
        };
        let quiet = self.quiet();
        if quiet > self.limits.change_waiting {
            let what = format!("the tenant asked for {} seconds of quiet", quiet.as_secs());
            return Sent::NotSent { what };
        }
        tokio::time::sleep(quiet).await;
        let built = match self.built(&self.changes, request, url).await {
            Ok(built) => built,
            Err(e) => return not_sent(&e),
        };
        let response = match built.send().await {
            Ok(response) => response,
            Err(e) if e.is_connect() || e.is_builder() => return not_sent(&innermost(&e)),
            Err(e) => {
                let what = failure(e).to_string();
                return Sent::Lost {
                    status: None,
                    what,
                    request_id: None,
                };
            }
        };
        let status = response.status().as_u16();
        if status == 401 {
            // the next request shows a fresh token; this one is not sent again
            self.auth.refused().await;
        }
        let request_id = evidence::request_id(response.headers(), &*self.auth);
        match self.receive(response, self.limits.change_body).await {
            Ok(reply) if status == 429 => Sent::TurnedAway {
                seconds: reply.stated.map(|s| s.as_secs()),
                evidence: self.evidence(&reply.body),
                request_id,
            },
            Ok(reply) => Sent::Answered {
                status,
                payload: payload(&reply.body),
                evidence: self.evidence(&reply.body),
                request_id,
            },
            Err(_) if status == 429 => Sent::TurnedAway {
                seconds: None,
                evidence: String::new(),
                request_id,
            },
            Err(e) => Sent::Lost {
                status: Some(status),
                what: e.to_string(),
                request_id,
            },
        }
    }

    /// Cuts a body to what may be kept: no stack traces, no secret of ours, at most 4 KiB.
    pub fn evidence(&self, body: &[u8]) -> String {
        evidence::evidence(body, &*self.auth)
    }

    /// Makes the address of `path` below the configured one, or refuses it.
    pub fn url(&self, path: &str, query: &[(&str, &str)]) -> Result<Url, HttpError> {
        let refused = |what: &str| HttpError::Address {
            what: format!("an address that {what} is not asked at {}", self.origin),
        };
        let path = path.strip_prefix('/').unwrap_or(path);
        if path.contains(['\\', '?', '#', ':']) || path.contains(char::is_control) {
            return Err(refused("is more than a path"));
        }
        // one slash at the end is a part of some services' paths
        for part in path.strip_suffix('/').unwrap_or(path).split('/') {
            let plain = percent_decode_str(part).decode_utf8_lossy();
            if matches!(plain.as_ref(), "" | "." | "..") {
                return Err(refused("has an empty or relative part"));
            }
        }
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path()));
        if url.origin() != self.base.origin() || !url.path().starts_with(self.base.path()) {
            return Err(refused("leaves the configured one"));
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    fn address(&self, request: &Request) -> Result<Url, HttpError> {
        let pairs = request.query.iter();
        let query: Vec<_> = pairs.map(|(n, v)| (n.as_str(), v.as_str())).collect();
        self.url(&request.path, &query)
    }

    /// Puts a request together; its own headers come before those that say who sends it.
    async fn built(
        &self,
        client: &reqwest::Client,
        request: &Request,
        url: Url,
    ) -> Result<reqwest::RequestBuilder, HttpError> {
        let credentials = self.auth.headers(request, &url).await?;
        let mut built = client
            .request(request.method.clone(), url)
            .header(reqwest::header::ACCEPT, "application/json");
        for (name, value) in &request.headers {
            built = built.header(*name, value);
        }
        if let Some((media, body)) = request.wire_body() {
            built = built
                .header(reqwest::header::CONTENT_TYPE, media)
                .body(body);
        }
        Ok(built.headers(credentials))
    }

    async fn read_once(&self, request: &Request, url: Url) -> Result<Reply, HttpError> {
        let built = self.built(&self.reads, request, url).await?;
        let response = built.send().await.map_err(failure)?;
        self.receive(response, self.limits.read_body).await
    }

    async fn receive(
        &self,
        mut response: reqwest::Response,
        limit: usize,
    ) -> Result<Reply, HttpError> {
        let status = response.status().as_u16();
        let date = wait::date(response.headers());
        let etag = response.headers().get(reqwest::header::ETAG);
        let etag = etag.and_then(|v| v.to_str().ok()).map(str::to_owned);
        let stated = self.note_limits(response.headers(), status, date);
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failure)? {
            if body.len().saturating_add(chunk.len()) > limit {
                return Err(HttpError::TooLarge { limit });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply {
            status,
            body,
            date,
            etag,
            stated,
        })
    }

    /// Remembers until when the tenant wants quiet, and says for how long.
    fn note_limits(
        &self,
        headers: &HeaderMap,
        status: u16,
        date: Option<Time>,
    ) -> Option<Duration> {
        let empty = wait::nothing_remains(headers);
        if status != 429 && !empty && !wait::names_pause(headers) {
            // some services say in every answer when their present window ends
            return None;
        }
        let stated = stated_wait(headers, date, self.limits.longest_stated)?;
        if status == 429 || status == 503 || empty {
            let until = Instant::now().checked_add(stated);
            *self.lock_quiet() = until;
        }
        Some(stated)
    }

    fn lock_quiet(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.quiet_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn quiet(&self) -> Duration {
        let until = *self.lock_quiet();
        until.map_or(Duration::ZERO, |u| {
            u.saturating_duration_since(Instant::now())
        })
    }

    async fn keep_quiet(&self, waited: &mut Duration) -> Result<(), HttpError> {
        let quiet = self.quiet();
        let total = waited.saturating_add(quiet);
        if total > self.limits.waiting {
            let seconds = quiet.as_secs().max(1);
            return Err(HttpError::Limited { seconds });
        }
        patience::pause(quiet, &Reason::Asked).await;
        *waited = total;
        Ok(())
    }
}

fn configuration(what: String) -> Misconfigured {
    Misconfigured { what }
}

fn parse_base(text: &str) -> Result<(Url, bool), Misconfigured> {
    let mut base = Url::parse(text)
        .map_err(|e| configuration(format!("the url of the tenant is not one: {e}")))?;
    if !base.username().is_empty() || base.password().is_some() {
        return Err(configuration(
            "the url of the tenant must not hold a user or password".to_owned(),
        ));
    }
    if base.query().is_some() || base.fragment().is_some() {
        return Err(configuration(
            "the url of the tenant must end with its path".to_owned(),
        ));
    }
    let loopback = wire::is_loopback(&base);
    match base.scheme() {
        "https" => {}
        "http" if loopback => {}
        "http" => {
            return Err(configuration(
                "plain http is for loopback addresses only; the url must begin with https://"
                    .to_owned(),
            ));
        }
        _ => {
            return Err(configuration(
                "the url of the tenant must begin with https://".to_owned(),
            ));
        }
    }
    if !base.path().ends_with('/') {
        let path = format!("{}/", base.path());
        base.set_path(&path);
    }
    Ok((base, loopback))
}

fn payload(body: &[u8]) -> Payload {
    let start = body.iter().find(|b| !b.is_ascii_whitespace());
    match start {
        None => Payload::Empty,
        Some(b'<') => Payload::Other("HTML"),
        Some(_) => {
            serde_json::from_slice(body).map_or(Payload::Other("broken JSON"), Payload::Json)
        }
    }
}

fn failure(e: reqwest::Error) -> HttpError {
    // the address with its query must not get into a text
    let e = e.without_url();
    if e.is_connect() {
        HttpError::Connect {
            what: innermost(&e),
        }
    } else if e.is_timeout() {
        HttpError::Timeout
    } else {
        HttpError::Lost {
            what: innermost(&e),
        }
    }
}

fn chain(e: &(dyn std::error::Error + 'static)) -> String {
    let mut text = e.to_string();
    let mut next = e.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}
