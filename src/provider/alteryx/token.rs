//! The token that changes each time: every refresh gives a new pair and makes the old refresh token
//! invalid.
//!
//! One process at a time refreshes, under a lock of the operating system, and reads the file again
//! once it has the lock. Before the request is sent, the file says that it is under way; the new
//! pair is in the file before it is used. What follows from each end:
//! - **A whole answer with a pair**: written down, then used.
//! - **No connection, or 429**: certainly not looked at. The mark is taken away; it may be tried
//!   again.
//! - **400 with `invalid_grant`**: the refresh token is spent. That is written down too, so that a
//!   spent token is not shown over and over, which some services take for theft.
//! - **Another answer from 300 to 499**: no grant was made. The mark is taken away.
//! - **Anything else** (no answer, 408, 5xx, an answer that cannot be read), and a process that died
//!   between: the token may be spent and the new pair lost. The old one is not tried again. The
//!   access token is used while it is good, then an administrator has to put a new refresh token
//!   into the configured secret; a secret with another fingerprint replaces what is kept.

use std::fmt;
use std::sync::Arc;
use std::sync::Mutex as SyncMutex;
use std::sync::PoisonError;
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::clock::Clock;
use crate::crash;
use crate::domain::time::Time;
use crate::provider::alteryx::grant::pair;
use crate::provider::alteryx::store::Access;
use crate::provider::alteryx::store::Kept;
use crate::provider::alteryx::store::Mark;
use crate::provider::alteryx::store::Store;
use crate::provider::alteryx::store::fingerprint;
use crate::provider::http::Client;
use crate::provider::http::HttpError;
use crate::provider::http::Payload;
use crate::provider::http::Request;
use crate::provider::http::Secret;
use crate::provider::http::Sent;
use crate::provider::http::redact;

/// For how long a token that was just made is not given up because of a 401: that is the answer to a
/// request sent with the one before, where several were under way.
const JUST_MADE: Duration = Duration::from_secs(2);

/// For how long a no of the token endpoint is not asked for again.
const PAUSE: Duration = Duration::from_secs(1);

/// What an administrator can do where no token is left.
const RENEW: &str = "make a new OAuth 2.0 API token for this workspace (User Preferences > OAuth2.0 \
                     API Tokens) and put its refresh token where `refresh_token` points";

/// A pair of tokens that is renewed when it grows old.
pub(super) struct Rotating {
    client: Client,
    client_id: Secret,
    /// The configured refresh token.
    first: Secret,
    store: Store,
    clock: Arc<dyn Clock>,
    held: Mutex<Option<Held>>,
    /// Fingerprint of the access token that the tenant refused before its time.
    refused: SyncMutex<Option<String>>,
    /// Why nothing was granted the last time, and until when that is the answer.
    lately: SyncMutex<Option<(Instant, HttpError)>>,
    /// All tokens of this process, to keep them out of texts.
    known: SyncMutex<Vec<Secret>>,
}

impl fmt::Debug for Rotating {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rotating")
            .field("at", &self.client.origin())
            .finish_non_exhaustive()
    }
}

/// The access token in use.
#[derive(Clone)]
struct Held {
    access: Access,
    /// When this process had it made; nothing for one from the file.
    made: Option<Instant>,
}

/// What came of asking for a new pair.
enum Asked {
    /// A new pair.
    Fresh(Kept),
    /// Nothing was granted and the token was not looked at, or is good still.
    Unused(HttpError),
    /// The token is spent.
    Spent,
    /// Nobody knows.
    InDoubt,
}

impl Rotating {
    /// Asks `client` (without credentials of its own, at the token endpoint without its last part
    /// `token`) for new pairs; contacts nobody yet.
    pub(super) fn new(
        client: Client,
        client_id: Secret,
        first: Secret,
        store: Store,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let known = SyncMutex::new(vec![first.clone(), client_id.clone()]);
        Self {
            client,
            client_id,
            first,
            store,
            clock,
            held: Mutex::new(None),
            refused: SyncMutex::new(None),
            lately: SyncMutex::new(None),
            known,
        }
    }

    /// Whether the token endpoint is on a loopback address.
    pub(super) fn is_loopback(&self) -> bool {
        self.client.is_loopback()
    }

    /// An access token that is good now. Only reads have a new one made (`renew`): a change that
    /// waited for it could go out after its deadline.
    pub(super) async fn token(self: &Arc<Self>, renew: bool) -> Result<Secret, HttpError> {
        let mut held = self.held.lock().await;
        let now = self.clock.now();
        let good = |h: &&Held| {
            let access = &h.access;
            now < if renew {
                access.renew_from
            } else {
                access.good_until
            }
        };
        if let Some(held) = held.as_ref().filter(good) {
            return Ok(held.access.token.clone());
        }
        if !renew {
            let what = "the access token has ended since the last read";
            return Err(token_error(what));
        }
        // a task of its own: whoever waits for it may be dropped, the one answer must not be
        let own = Arc::clone(self);
        let renewed = tokio::spawn(async move { own.renewed().await });
        let fresh = renewed
            .await
            .map_err(|_| token_error("the request for a token was broken off"))??;
        let token = fresh.access.token.clone();
        *held = Some(fresh);
        Ok(token)
    }

    /// Hears that the tenant refused the present token; tells whether another one may be had.
    pub(super) async fn refused(&self) -> bool {
        let mut held = self.held.lock().await;
        let made = held.as_ref().and_then(|h| h.made);
        if made.is_some_and(|made| made.elapsed() < JUST_MADE) {
            return true;
        }
        // where it is gone already, another request has given it up, and a new one comes
        if let Some(old) = held.take() {
            let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
            *refused = Some(fingerprint(&old.access.token));
        }
        true
    }

    /// Takes every token out of a text.
    pub(super) fn redact(&self, text: String) -> String {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().fold(text, redact)
    }

    /// Takes the lock, looks what is kept by now, and asks for a new pair if it is old.
    async fn renewed(&self) -> Result<Held, HttpError> {
        let lock = self.store.lock(self.patience()).await;
        let _lock = lock.map_err(|e| {
            let path = self.store.path().display();
            let what = format!("the lock beside {path} cannot be had: {e}; try again later");
            token_error(what)
        })?;
        crash::point("token-locked");
        let kept = self.kept()?;
        let now = self.clock.now();
        let old = self.usable(&kept).filter(|a| now < a.good_until);
        let from_file = |access| Held { access, made: None };
        if let Some(access) = old.clone().filter(|a| now < a.renew_from) {
            return Ok(from_file(access));
        }
        let asked = match &kept.mark {
            Some(mark) => Err(told(mark)),
            None => self.ask(kept).await,
        };
        match (asked, old) {
            // it is good for a little longer, whatever came of asking for the next one
            (Err(_), Some(access)) => Ok(from_file(access)),
            (asked, _) => asked.map(|access| Held {
                access,
                made: Some(Instant::now()),
            }),
        }
    }

    /// Another process may take as long as two requests to the token endpoint.
    fn patience(&self) -> Duration {
        let once = Duration::from_secs(self.client.change_limit_s());
        once.saturating_mul(2)
    }

    /// What the file says now, or the configured token, where there is no file or the file descends
    /// from another one: whoever changed the secret meant it.
    fn kept(&self) -> Result<Kept, HttpError> {
        let first = fingerprint(&self.first);
        let damaged = |e| token_error(format!("{e}; take the file away and {RENEW}"));
        let kept = self.store.load().map_err(damaged)?;
        let kept = kept.filter(|k| k.first == first).unwrap_or_else(|| Kept {
            first,
            refresh: Secret::new(self.first.expose().trim()),
            access: None,
            mark: None,
        });
        self.remember(&kept);
        Ok(kept)
    }

    /// The kept access token, unless the tenant has refused it.
    fn usable(&self, kept: &Kept) -> Option<Access> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let access = kept.access.clone()?;
        (refused.as_ref() != Some(&fingerprint(&access.token))).then_some(access)
    }

    /// Sends the one request, with the mark before it and the pair on the disk after it.
    async fn ask(&self, mut kept: Kept) -> Result<Access, HttpError> {
        self.failed_lately()?;
        let since = self.clock.now();
        kept.mark = Some(Mark::InFlight(since));
        self.store.save(&kept).map_err(token_error)?;
        crash::point("token-marked");
        let sent = self.client.send_once(&self.request(&kept)).await;
        crash::point("token-answered");
        match self.judge(sent, &kept, since) {
            Asked::Fresh(fresh) => {
                self.remember(&fresh);
                let lost = |e| token_error(format!("a new pair of tokens came, and {e}; {RENEW}"));
                self.store.save(&fresh).map_err(lost)?;
                crash::point("token-stored");
                fresh.access.ok_or_else(|| told(&Mark::InFlight(since)))
            }
            Asked::Unused(error) => {
                self.remember_failure(&error);
                kept.mark = None;
                self.store.save(&kept).map_err(token_error)?;
                Err(error)
            }
            Asked::Spent => {
                let mark = Mark::Refused(since);
                kept.mark = Some(mark.clone());
                self.store.save(&kept).map_err(token_error)?;
                Err(told(&mark))
            }
            Asked::InDoubt => Err(told(&Mark::InFlight(since))),
        }
    }

    /// Several requests at the same time need not all hear the same no from the token endpoint.
    fn failed_lately(&self) -> Result<(), HttpError> {
        let lately = self.lately.lock().unwrap_or_else(PoisonError::into_inner);
        match &*lately {
            Some((until, error)) if Instant::now() < *until => Err(error.clone()),
            _ => Ok(()),
        }
    }

    fn remember_failure(&self, error: &HttpError) {
        let pause = match error {
            HttpError::Limited { seconds } => Duration::from_secs(*seconds),
            _ => PAUSE,
        };
        let until = Instant::now().checked_add(pause);
        let mut lately = self.lately.lock().unwrap_or_else(PoisonError::into_inner);
        *lately = until.map(|until| (until, error.clone()));
    }

    fn request(&self, kept: &Kept) -> Request {
        Request::new(Method::POST, "token").form(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", kept.refresh.expose()),
            ("client_id", self.client_id.expose().trim()),
        ])
    }

    fn judge(&self, sent: Sent, kept: &Kept, asked: Time) -> Asked {
        let at = self.client.origin();
        match sent {
            Sent::NotSent { what } => {
                let what = format!("the token endpoint {at}: {what}");
                Asked::Unused(HttpError::Connect { what })
            }
            Sent::TurnedAway { seconds, .. } => {
                let seconds = seconds.unwrap_or(1).max(1);
                Asked::Unused(HttpError::Limited { seconds })
            }
            Sent::Answered {
                status: 200..=299,
                payload: Payload::Json(body),
                ..
            } => match pair(&body, kept, asked) {
                Some(fresh) => Asked::Fresh(fresh),
                None => Asked::InDoubt,
            },
            Sent::Answered {
                status: status @ (300..=407 | 409..=499),
                payload,
                ..
            } => refusal(at, status, &payload),
            Sent::Answered { .. } | Sent::Lost { .. } => Asked::InDoubt,
        }
    }

    fn remember(&self, kept: &Kept) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let access = kept.access.iter().map(|a| &a.token);
        for token in access.chain([&kept.refresh]) {
            if !known.iter().any(|k| k.expose() == token.expose()) {
                known.push(token.clone());
            }
        }
    }
}

fn token_error(what: impl Into<String>) -> HttpError {
    HttpError::Token { what: what.into() }
}

/// What happened and what to do, where the kept refresh token must not be used.
fn told(mark: &Mark) -> HttpError {
    token_error(match mark {
        Mark::InFlight(since) => format!(
            "a new pair was asked for at {} and its answer was lost, so that the refresh token may \
             be spent and is not tried again; {RENEW}",
            since.to_seconds_text()
        ),
        Mark::Refused(since) => format!(
            "the refresh token was refused at {} as invalid, ended, or used already; {RENEW}",
            since.to_seconds_text()
        ),
    })
}

/// A refusal by the token endpoint, or by something in front of it: no grant was made.
fn refusal(at: &str, status: u16, payload: &Payload) -> Asked {
    let error = match payload {
        Payload::Json(body) => body.get("error").and_then(Value::as_str).unwrap_or(""),
        _ => "",
    };
    let unused = |what: String| Asked::Unused(token_error(what));
    match error {
        "invalid_grant" => Asked::Spent,
        "invalid_client" | "unauthorized_client" => unused(format!(
            "the token endpoint {at} does not accept the client id; see `client_id`"
        )),
        _ => unused(format!(
            "{at} answers the request for a token with HTTP {status}; see `token_url`"
        )),
    }
}
