//! The token endpoint: short access tokens, and refresh tokens that work once.

use std::{collections::BTreeMap, fmt};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::sandbox::{
    alteryx::{
        settings::{ExpiresIn, Settings},
        wire::param,
    },
    population::Prng,
    tenant::{Answer, Call},
};

/// An access token and the refresh token that goes with it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenPair {
    /// Shaped as a JWT.
    pub access_token: String,
    /// Works once.
    pub refresh_token: String,
}

impl fmt::Debug for TokenPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenPair(hidden)")
    }
}

/// A refresh token as the server knows it.
struct Refresh {
    family: u64,
    used: bool,
    ends: DateTime<Utc>,
}

/// Everything that was issued.
pub(crate) struct Tokens {
    pub(crate) client_id: String,
    random: Prng,
    families: u64,
    revoked: Vec<u64>,
    refresh: BTreeMap<String, Refresh>,
    access: BTreeMap<String, (u64, DateTime<Utc>)>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

impl Tokens {
    /// Makes a server that has issued nothing yet.
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Prng::new(seed ^ 0xA17E_4713);
        Self {
            client_id: random.uuid().to_string(),
            random,
            families: 0,
            revoked: Vec::new(),
            refresh: BTreeMap::new(),
            access: BTreeMap::new(),
        }
    }

    /// Issues the first pair of a new family, as the user interface does.
    pub(crate) fn issue(
        &mut self,
        settings: &Settings,
        origin: &str,
        now: DateTime<Utc>,
    ) -> TokenPair {
        self.families += 1;
        let ends = now + TimeDelta::days(i64::from(settings.refresh_days));
        self.pair(settings, origin, self.families, ends, now)
    }

    fn pair(
        &mut self,
        settings: &Settings,
        origin: &str,
        family: u64,
        ends: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> TokenPair {
        let until = now + TimeDelta::seconds(i64::from(settings.access_seconds));
        let mut payload = json!({
            "scope": "openid profile",
            "client_id": self.client_id,
            "iss": settings.issuer.replace("{origin}", origin),
            "iat": now.timestamp(),
            "jti": self.random.uuid(),
        });
        if let (Some(shift), Some(fields)) = (settings.exp_shift_seconds, payload.as_object_mut()) {
            fields.insert("exp".into(), json!(until.timestamp().saturating_add(shift)));
        }
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = json!({ "alg": "RS256", "kid": "sandbox", "typ": "JWT" });
        let signature = URL_SAFE_NO_PAD.encode(self.random.uuid().as_bytes());
        let pair = TokenPair {
            access_token: format!("{}.{}.{signature}", part(&header), part(&payload)),
            refresh_token: format!("eyR{}", self.random.uuid().simple()),
        };
        self.access.retain(|_, (_, until)| *until > now);
        self.access
            .insert(pair.access_token.clone(), (family, until));
        let refresh = Refresh {
            family,
            used: false,
            ends,
        };
        self.refresh.insert(pair.refresh_token.clone(), refresh);
        pair
    }

    /// Ends everything that was issued.
    pub(crate) fn revoke_all(&mut self) {
        self.revoked = (1..=self.families).collect();
    }

    /// Ends the access tokens and leaves the refresh tokens.
    pub(crate) fn expire_access(&mut self) {
        self.access.clear();
    }

    /// Tells whether an access token works.
    pub(crate) fn accepts(&self, settings: &Settings, token: &str, now: DateTime<Utc>) -> bool {
        if settings
            .static_token
            .as_ref()
            .is_some_and(|known| known.0 == token)
        {
            return true;
        }
        let known = self.access.get(token);
        known.is_some_and(|(family, until)| *until > now && !self.revoked.contains(family))
    }

    /// Answers `POST /as/token`.
    pub(crate) fn answer(&mut self, settings: &Settings, call: &Call<'_>) -> Answer {
        if call.method != "POST" {
            return error(405, "invalid_request", "only POST");
        }
        let form = call.header("content-type");
        if !form.is_some_and(|t| t.starts_with("application/x-www-form-urlencoded")) {
            return error(400, "invalid_request", "the body must be a form");
        }
        let form = call.form();
        match param(&form, "grant_type") {
            Some("refresh_token") => {}
            Some(_) => return error(400, "unsupported_grant_type", "only refresh_token"),
            None => return error(400, "invalid_request", "grant_type is missing"),
        }
        if param(&form, "client_id") != Some(&self.client_id) {
            return error(401, "invalid_client", "unknown client");
        }
        let Some(token) = param(&form, "refresh_token") else {
            return error(400, "invalid_request", "refresh_token is missing");
        };
        match self.rotate(settings, call, token) {
            Some(pair) => granted(settings, &pair),
            None => error(
                400,
                "invalid_grant",
                "unknown, invalid, or expired refresh token",
            ),
        }
    }

    /// Takes a refresh token and gives the next pair; none if it does not work.
    fn rotate(&mut self, settings: &Settings, call: &Call<'_>, token: &str) -> Option<TokenPair> {
        let old = self.refresh.get_mut(token)?;
        let (family, ends, used) = (old.family, old.ends, old.used);
        old.used = true;
        if used && settings.reuse_revokes_family {
            self.revoked.push(family);
        }
        if used || ends <= call.now || self.revoked.contains(&family) {
            return None;
        }
        Some(self.pair(settings, call.origin, family, ends, call.now))
    }
}

fn granted(settings: &Settings, pair: &TokenPair) -> Answer {
    let mut body = Map::new();
    body.insert("access_token".into(), json!(pair.access_token));
    body.insert("token_type".into(), json!("Bearer"));
    let seconds = settings.access_seconds;
    match settings.expires_in {
        ExpiresIn::Number => drop(body.insert("expires_in".into(), json!(seconds))),
        ExpiresIn::Text => drop(body.insert("expires_in".into(), json!(seconds.to_string()))),
        ExpiresIn::Absent => {}
    }
    body.insert("refresh_token".into(), json!(pair.refresh_token));
    body.insert("scope".into(), json!("openid profile"));
    Answer::json(200, Value::Object(body)).with("cache-control", "no-store")
}

fn error(status: u16, code: &str, description: &str) -> Answer {
    Answer::json(
        status,
        json!({ "error": code, "error_description": description }),
    )
    .with("cache-control", "no-store")
}
