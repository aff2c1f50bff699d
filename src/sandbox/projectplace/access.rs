//! Who is let in: OAuth 1 signatures and OAuth 2 client credentials, both of the same robot.

use std::{collections::BTreeMap, fmt};

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::sandbox::{
    population::Prng,
    projectplace::{
        oauth1::{self, Nonces, Refused, Secrets},
        settings::{Lifetime, Settings},
    },
    tenant::{Answer, Call},
};

/// The credentials of the tenant's robot, for both ways of signing in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// OAuth 1: the consumer's key.
    pub application_key: String,
    /// OAuth 1: the consumer's secret.
    pub application_secret: String,
    /// OAuth 1: the token's key.
    pub token_key: String,
    /// OAuth 1: the token's secret.
    pub token_secret: String,
    /// OAuth 2: the client's id.
    pub client_id: String,
    /// OAuth 2: the client's secret.
    pub client_secret: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

impl Credentials {
    /// Makes the credentials that belong to a seed.
    pub(crate) fn of(seed: u64) -> Self {
        let mut random = Prng::new(seed ^ 0x9601_EC7B);
        let mut text = || random.uuid().simple().to_string();
        Self {
            application_key: text(),
            application_secret: text(),
            token_key: text(),
            token_secret: text(),
            client_id: text(),
            client_secret: text(),
        }
    }

    pub(crate) fn oauth1(&self) -> Secrets<'_> {
        Secrets {
            consumer_key: &self.application_key,
            consumer_secret: &self.application_secret,
            token_key: &self.token_key,
            token_secret: &self.token_secret,
        }
    }
}

/// What the tenant knows of credentials and tokens.
pub(crate) struct Access {
    pub(crate) credentials: Credentials,
    random: Prng,
    /// When each token ends.
    tokens: BTreeMap<String, DateTime<Utc>>,
    nonces: Nonces,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("tokens", &self.tokens.len())
            .finish_non_exhaustive()
    }
}

impl Access {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            credentials: Credentials::of(seed),
            random: Prng::new(seed ^ 0x70CE_E000),
            tokens: BTreeMap::new(),
            nonces: Nonces::default(),
        }
    }

    /// Ends every token; returns how many there were.
    pub(crate) fn revoke(&mut self) -> usize {
        std::mem::take(&mut self.tokens).len()
    }

    /// Checks who asks, by whichever way the request has chosen.
    ///
    /// # Errors
    /// The status and message of the refusal.
    pub(crate) fn check(
        &mut self,
        call: &Call<'_>,
        settings: &Settings,
    ) -> Result<(), (u16, &'static str)> {
        let header = call.header("authorization").unwrap_or_default();
        let scheme = header.split(' ').next().unwrap_or_default();
        if settings.oauth1 && scheme.eq_ignore_ascii_case("oauth") {
            return self
                .check_signature(call, header, settings)
                .map_err(|refused| (refused.status(), refused.message()));
        }
        match call.bearer() {
            Some(token) if settings.oauth2 => match self.tokens.get(token) {
                Some(end) if *end > call.now => Ok(()),
                Some(_) => Err((401, "The access token has expired")),
                None => Err((401, "The access token is invalid")),
            },
            _ => Err((401, "Authorization required")),
        }
    }

    fn check_signature(
        &mut self,
        call: &Call<'_>,
        header: &str,
        settings: &Settings,
    ) -> Result<(), Refused> {
        let origin = call.origin.trim_start_matches("http://");
        let request = oauth1::Request {
            method: call.method,
            host: call.header("host").unwrap_or(origin),
            path: call.path,
            query: call.query,
            form: is_form(call).then_some(call.body),
            header,
        };
        let secrets = self.credentials.oauth1();
        let window = settings.timestamp_window;
        oauth1::check(&request, &secrets, &mut self.nonces, call.now, window)
    }

    /// Answers `POST /oauth2/access_token`.
    pub(crate) fn token(&mut self, call: &Call<'_>, settings: &Settings) -> Answer {
        if !is_form(call) {
            return refused(400, "invalid_request", "The body must be a form");
        }
        let form = call.form();
        let field = |name: &str| {
            let found = form.iter().find(|(other, _)| other == name);
            found.map(|(_, value)| value.clone())
        };
        let in_form = field("client_id").zip(field("client_secret"));
        let given = match (call.header("authorization"), in_form) {
            (Some(_), Some(_)) => {
                return refused(400, "invalid_request", "Client credentials given twice");
            }
            (Some(header), None) => basic(header),
            (None, given) => given,
        };
        let own = &self.credentials;
        let known =
            given.is_some_and(|(id, secret)| id == own.client_id && secret == own.client_secret);
        if !known || !settings.oauth2 {
            return refused(401, "invalid_client", "Client authentication failed");
        }
        match field("grant_type").as_deref() {
            Some("client_credentials") => self.issue(call.now, settings),
            Some("refresh_token") => refused(400, "invalid_grant", "No such refresh token"),
            _ => refused(400, "unsupported_grant_type", "Unknown grant_type"),
        }
    }

    fn issue(&mut self, now: DateTime<Utc>, settings: &Settings) -> Answer {
        if settings.single_token {
            self.tokens.clear();
        }
        let token = self.random.uuid().simple().to_string();
        let life = TimeDelta::seconds(i64::from(settings.token_seconds));
        self.tokens.insert(token.clone(), now + life);
        let mut reply = Map::new();
        reply.insert("access_token".to_owned(), json!(token));
        reply.insert("token_type".to_owned(), json!("Bearer"));
        let name = match settings.lifetime {
            Lifetime::Expires => "expires",
            Lifetime::ExpiresIn => "expires_in",
            Lifetime::Unsaid => return Answer::json(200, Value::Object(reply)),
        };
        reply.insert(name.to_owned(), json!(settings.token_seconds));
        Answer::json(200, Value::Object(reply))
    }
}

fn is_form(call: &Call<'_>) -> bool {
    let kind = call.header("content-type").unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, rest) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

/// The refusal of a token request, as RFC 6749 has it.
fn refused(status: u16, error: &str, why: &str) -> Answer {
    let body = json!({ "error": error, "error_description": why });
    Answer::json(status, body)
}
