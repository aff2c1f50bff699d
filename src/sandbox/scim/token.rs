//! Who is let in: the fixed token, and the token endpoint for client credentials.

use std::{collections::BTreeMap, fmt};

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::sandbox::{
    population::Prng,
    scim::{
        settings::{ClientAuth, Login, Settings},
        wire::param,
    },
    tenant::{Answer, Call},
};

/// What a client needs to be let in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// The fixed token.
    pub bearer: String,
    /// The OAuth client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// The credentials and every token that was issued.
pub(crate) struct Tokens {
    pub(crate) credentials: Credentials,
    random: Prng,
    issued: BTreeMap<String, DateTime<Utc>>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("credentials", &self.credentials)
            .finish_non_exhaustive()
    }
}

impl Tokens {
    /// Makes a server that has issued nothing yet.
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Prng::new(seed ^ 0x70CE_5C13);
        let mut text = || random.uuid().simple().to_string();
        let credentials = Credentials {
            bearer: text(),
            client_id: text(),
            client_secret: text(),
        };
        Self {
            credentials,
            random,
            issued: BTreeMap::new(),
        }
    }

    /// Ends every issued token.
    pub(crate) fn revoke(&mut self) {
        self.issued.clear();
    }

    /// Tells whether a request is let in.
    pub(crate) fn accepts(&self, settings: &Settings, call: &Call<'_>) -> bool {
        let Some(token) = call.bearer() else {
            return false;
        };
        let fixed = settings.login != Login::ClientCredentials && token == self.credentials.bearer;
        let issued = || self.issued.get(token).is_some_and(|ends| *ends > call.now);
        fixed || (settings.login != Login::Bearer && issued())
    }

    /// Answers `POST /oauth/token`.
    pub(crate) fn answer(&mut self, settings: &Settings, call: &Call<'_>) -> Answer {
        if call.method != "POST" {
            return error(405, "invalid_request", "only POST");
        }
        let kind = call.header("content-type").unwrap_or_default();
        if !kind.starts_with("application/x-www-form-urlencoded") {
            return error(400, "invalid_request", "the body must be a form");
        }
        let form = call.form();
        if !self.knows(settings, call, &form) {
            let refused = error(401, "invalid_client", "unknown client or wrong secret");
            return refused.with("www-authenticate", "Basic realm=\"scim\"");
        }
        if param(&form, "grant_type") != Some("client_credentials") {
            return error(400, "unsupported_grant_type", "only client_credentials");
        }
        if settings.login == Login::Bearer {
            return error(
                400,
                "unauthorized_client",
                "the fixed token alone is let in",
            );
        }
        let token = self.random.uuid().simple().to_string();
        let seconds = settings.token_seconds;
        let ends = call.now + TimeDelta::seconds(i64::from(seconds));
        self.issued.retain(|_, ends| *ends > call.now);
        self.issued.insert(token.clone(), ends);
        let body = json!({
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": seconds,
        });
        Answer::json(200, body).with("cache-control", "no-store")
    }

    fn knows(&self, settings: &Settings, call: &Call<'_>, form: &[(String, String)]) -> bool {
        let known = &self.credentials;
        let right = |id: &str, secret: &str| id == known.client_id && secret == known.client_secret;
        let basic = || {
            let (scheme, text) = call.header("authorization")?.split_once(' ')?;
            let text = STANDARD.decode(text).ok()?;
            let text = String::from_utf8(text).ok()?;
            let (id, secret) = text.split_once(':')?;
            Some(scheme.eq_ignore_ascii_case("basic") && right(id, secret))
        };
        let in_form = || {
            let (id, secret) = (param(form, "client_id")?, param(form, "client_secret")?);
            Some(right(id, secret))
        };
        match settings.client_auth {
            ClientAuth::Any => basic().or_else(in_form),
            ClientAuth::Basic => basic(),
            ClientAuth::Form => in_form(),
        }
        .unwrap_or(false)
    }
}

fn error(status: u16, code: &str, description: &str) -> Answer {
    let body = json!({ "error": code, "error_description": description });
    Answer::json(status, body).with("cache-control", "no-store")
}
