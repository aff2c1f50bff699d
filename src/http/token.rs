//! Bearer tokens by client credentials: fetched when needed, fetched anew before they grow old or
//! when the tenant refuses one.

use std::fmt;
use std::sync::Mutex as SyncMutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::header::AUTHORIZATION;
use reqwest::header::HeaderMap;
use serde_json::Value;
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use crate::domain::time::Time;
use crate::http::Auth;
use crate::http::Body;
use crate::http::Client;
use crate::http::HttpError;
use crate::http::Limits;
use crate::http::Page;
use crate::http::Payload;
use crate::http::Request;
use crate::http::Secret;
use crate::http::auth::header_value;
use crate::http::auth::redact;

/// How long before its end a token is not used any more.
const MARGIN: Duration = Duration::from_secs(30);

/// What is assumed where the answer names no lifetime.
const UNSTATED: Duration = Duration::from_secs(300);

/// The longest single request for a token, and how often it is sent at most.
const ASKED_FOR: Duration = Duration::from_secs(20);
const ATTEMPTS: u32 = 3;

impl Limits {
    /// The same limits for a client that asks for tokens: a change may have to fetch one first, so
    /// that must not take long.
    #[must_use]
    pub fn for_tokens(&self) -> Self {
        Self {
            read: self.read.min(ASKED_FOR),
            attempts: self.attempts.min(ATTEMPTS),
            waiting: self.waiting.min(self.change_waiting),
            ..self.clone()
        }
    }
}

/// How a token is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// A form with `grant_type=client_credentials`, id and secret in HTTP Basic (RFC 6749, 2.3.1).
    Basic,
    /// The same form with id and secret in it.
    Form,
    /// By `Basic`, and where that is refused by `Form`: servers take either or only one.
    Either,
    /// JSON with `clientId` and `clientSecret`.
    Json,
}

/// A bearer token by client credentials.
pub struct ClientCredentials {
    client: Client,
    path: String,
    asks: Asks,
    id: Secret,
    secret: Secret,
    held: Mutex<Option<Held>>,
    /// Whether a form was taken where HTTP Basic was refused.
    by_form: AtomicBool,
    /// All tokens of this process, to keep them out of texts.
    known: SyncMutex<Vec<Secret>>,
}

#[derive(Clone)]
struct Held {
    token: Secret,
    good_until: Instant,
}

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCredentials")
            .field("at", &self.client.origin())
            .finish_non_exhaustive()
    }
}

/// Id and secret as HTTP Basic sends them, and as a server that repeats headers gives them back.
fn pair(id: &str, secret: &str) -> Secret {
    Secret::new(STANDARD.encode(format!("{id}:{secret}")))
}

/// Some servers leave the padding out of what they repeat.
fn unpadded(pair: &Secret) -> Secret {
    Secret::new(pair.expose().trim_end_matches('='))
}

impl ClientCredentials {
    /// Asks `client` (without credentials of its own, with [`Limits::for_tokens`]) at `path` for
    /// tokens; contacts nobody yet.
    pub fn new(client: Client, path: &str, asks: Asks, id: Secret, secret: Secret) -> Self {
        Self {
            client,
            path: path.to_owned(),
            asks,
            id,
            secret,
            held: Mutex::new(None),
            by_form: AtomicBool::new(false),
            known: SyncMutex::default(),
        }
    }

    fn request(&self, asks: Asks) -> Request {
        let (id, secret) = (self.id.expose().trim(), self.secret.expose().trim());
        let request = Request::new(reqwest::Method::POST, self.path.clone());
        let grant = ("grant_type", "client_credentials");
        match asks {
            Asks::Basic | Asks::Either => {
                let pair = pair(id, secret);
                let mut request = request.form(&[grant]);
                request
                    .headers
                    .push(("authorization", format!("Basic {}", pair.expose())));
                request
            }
            Asks::Form => request.form(&[grant, ("client_id", id), ("client_secret", secret)]),
            Asks::Json => Request {
                body: Body::Json(json!({ "clientId": id, "clientSecret": secret }).to_string()),
                ..request
            },
        }
    }

    /// Asks for a token, in the way that the server takes.
    async fn ask(&self) -> Result<Page, HttpError> {
        let either = self.asks == Asks::Either;
        if either && self.by_form.load(Ordering::Relaxed) {
            return self.client.read(&self.request(Asks::Form)).await;
        }
        let page = self.client.read(&self.request(self.asks)).await?;
        if !either || !matches!(page.status, 400 | 401) {
            return Ok(page);
        }
        let page = self.client.read(&self.request(Asks::Form)).await?;
        let taken = matches!(page.status, 200 | 201);
        self.by_form.store(taken, Ordering::Relaxed);
        Ok(page)
    }

    async fn fetch(&self) -> Result<Held, HttpError> {
        let asked = Instant::now();
        let page = self.ask().await?;
        let refused = |what: &str| HttpError::Token {
            what: what.to_owned(),
        };
        let Payload::Json(body) = &page.payload else {
            return Err(refused("the answer to the request for a token is no JSON"));
        };
        match page.status {
            200 | 201 => {}
            400 | 401 | 403 => return Err(refused("the client id or secret is refused")),
            _ => return Err(refused("the request for a token is answered with an error")),
        }
        let token = ["access_token", "accessToken"]
            .iter()
            .find_map(|name| body.get(name)?.as_str())
            .filter(|token| !token.trim().is_empty())
            .ok_or_else(|| refused("the answer has no token in it"))?;
        let token = Secret::new(token);
        self.remember(&token);
        Ok(Held {
            token,
            good_until: asked + lifetime(body).saturating_sub(MARGIN),
        })
    }

    fn remember(&self, token: &Secret) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.iter().any(|k| k.expose() == token.expose()) {
            known.push(token.clone());
        }
    }

    async fn token(&self) -> Result<Secret, HttpError> {
        let mut held = self.held.lock().await;
        if let Some(good) = held.as_ref().filter(|h| h.good_until > Instant::now()) {
            return Ok(good.token.clone());
        }
        let fresh = self.fetch().await?;
        let token = fresh.token.clone();
        *held = Some(fresh);
        Ok(token)
    }
}

/// The stated lifetime, under any of the names and in either type in which it is sent.
fn lifetime(body: &Value) -> Duration {
    let stated = ["expires_in", "expiresIn", "expires"]
        .iter()
        .find_map(|name| seconds(body.get(name)?));
    stated.map_or(UNSTATED, Duration::from_secs)
}

/// When a token ends, where it is a JWT that says so (`exp`). Nothing else in a token is believed,
/// least of all who says that he issued it.
pub fn jwt_end(token: &str) -> Option<Time> {
    let payload = token.split('.').nth(1)?;
    let bytes = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let claims: Value = serde_json::from_slice(&bytes).ok()?;
    let exp = claims
        .get("exp")?
        .as_u64()
        .filter(|e| *e < 100_000_000_000)?;
    Some(Time::from_seconds(i64::try_from(exp).ok()?))
}

/// A number of seconds, as a number or a text; a point in time is no lifetime.
pub fn seconds(value: &Value) -> Option<u64> {
    let number = match value {
        Value::Number(number) => number.as_u64().or_else(|| {
            let float = number.as_f64().filter(|f| f.is_finite() && *f >= 0.0)?;
            format!("{float:.0}").parse().ok()
        }),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|s| *s < 1_000_000_000)
}

#[async_trait]
impl Auth for ClientCredentials {
    async fn headers(&self, _: &Request, _: &Url) -> Result<HeaderMap, HttpError> {
        let token = self.token().await?;
        let value = header_value("Bearer ", &token).ok_or_else(|| HttpError::Token {
            what: "the token cannot be sent as a header".to_owned(),
        })?;
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, value);
        Ok(headers)
    }

    async fn refused(&self) -> bool {
        // one and the same token may have been revoked early: the next one is asked for once
        // (also where a request beside this one has let it go already)
        *self.held.lock().await = None;
        true
    }

    fn longest_s(&self) -> u64 {
        let limits = self.client.limits();
        let sending = limits.read.saturating_mul(limits.attempts);
        let once = sending.saturating_add(limits.waiting);
        let ways = if self.asks == Asks::Either { 2 } else { 1 };
        once.saturating_mul(ways).as_secs().saturating_add(1)
    }

    fn is_loopback(&self) -> bool {
        self.client.is_loopback()
    }

    fn redact(&self, text: String) -> String {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // the header first: the id could be a part of it, and then it would not be found any more
        let (id, secret) = (self.id.expose().trim(), self.secret.expose().trim());
        let text = redact(text, &unpadded(&pair(id, secret)));
        let text = redact(redact(text, &self.secret), &self.id);
        known.iter().fold(text, redact)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// A tenant that repeats the headers of a request shows the credential in a form of its own.
    #[test]
    fn the_basic_header_is_in_no_text() {
        let client = Client::new("http://127.0.0.1:1", None, Limits::default()).unwrap();
        let (id, secret) = (Secret::new("YW"), Secret::new("s3cret-of-ours\n"));
        let auth = ClientCredentials::new(client, "token", Asks::Basic, id, secret);
        for echoed in [
            "Basic WVc6czNjcmV0LW9mLW91cnM=",
            "{\"authorization\":\"Basic WVc6czNjcmV0LW9mLW91cnM\"}",
            "YW:s3cret-of-ours",
        ] {
            let said = auth.redact(echoed.to_owned());
            for hidden in ["WVc6", "czNj", "s3cret", "YW:"] {
                assert!(!said.contains(hidden), "{said}");
            }
        }
    }
}
