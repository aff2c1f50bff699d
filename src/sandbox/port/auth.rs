//! Credentials, their one token, and who a caller is.

use std::fmt;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::sandbox::{
    population::Prng,
    port::{
        model::{Role, Status},
        wire::{self, Refused},
        world::World,
    },
    tenant::{Answer, Call},
};

/// Whose the credentials are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holder {
    /// A service account of its own, an administrator.
    #[default]
    ServiceAccount,
    /// The organisation; no user belongs to them.
    Organization,
    /// A person, an administrator; the client id is the person's address.
    Personal,
}

/// The client id and secret that tokens are asked for with.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) holder: Holder,
    pub(crate) client_id: String,
    pub(crate) secret: String,
    /// The address of the user they belong to.
    pub(crate) user: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("holder", &self.holder)
            .finish_non_exhaustive()
    }
}

/// The one token of the credentials.
#[derive(Clone)]
pub(crate) struct Token {
    value: String,
    expires: DateTime<Utc>,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// Who makes a request.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// The id that stands in the audit log.
    pub(crate) id: String,
    /// The address, if the credentials are a user's.
    pub(crate) email: Option<String>,
    /// Whether the caller may do everything.
    pub(crate) admin: bool,
}

impl Caller {
    /// Refuses whoever is no administrator.
    pub(crate) fn must_be_admin(&self) -> Result<(), Refused> {
        if self.admin {
            Ok(())
        } else {
            let message = "You do not have permission to perform this operation";
            Err(Box::new(wire::error(403, message)))
        }
    }

    /// Tells whether the caller is the user with an address.
    pub(crate) fn is(&self, email: &str) -> bool {
        let own = self.email.as_deref();
        own.is_some_and(|own| own.eq_ignore_ascii_case(email))
    }
}

/// Answers `POST /v1/auth/access_token`: the token in force, however short its life still is.
pub(crate) fn access_token(world: &mut World, call: &Call<'_>) -> Result<Answer, Refused> {
    if world.settings.refused_at_token {
        allowed(world)?;
    }
    let body = wire::object(call)?;
    let field = |name: &str| {
        let text = body.get(name).and_then(|value| value.as_str());
        text.ok_or_else(|| wire::invalid(&format!("body must have required property '{name}'")))
    };
    let (client_id, secret) = (field("clientId")?, field("clientSecret")?);
    let right = client_id == world.credentials.client_id && secret == world.credentials.secret;
    if !right || caller(world).is_none() {
        return Err(Box::new(wire::error(401, "Invalid credentials")));
    }
    let token = match &world.token {
        Some(token) if token.expires > call.now => token.clone(),
        _ => {
            let token = make(world, call.now);
            world.token = Some(token.clone());
            token
        }
    };
    Ok(Answer::json(
        200,
        json!({
            "ok": true,
            "accessToken": token.value,
            "expiresIn": (token.expires - call.now).num_seconds(),
            "tokenType": "Bearer",
        }),
    ))
}

fn make(world: &mut World, now: DateTime<Utc>) -> Token {
    world.tokens += 1;
    let expires = now + TimeDelta::seconds(i64::from(world.settings.token_seconds));
    let personal = world.credentials.holder == Holder::Personal;
    let payload = json!({
        "orgId": world.org_id,
        "isMachine": !personal,
        "personalToken": personal,
        "iat": now.timestamp(),
        "exp": expires.timestamp(),
        "jti": world.tokens,
    });
    let mut random = Prng::new(world.tokens ^ 0x70CE_2000);
    let signature = format!("{}{}", random.uuid().simple(), random.uuid().simple());
    let parts = [
        r#"{"alg":"HS256","typ":"JWT"}"#.to_owned(),
        payload.to_string(),
        signature,
    ];
    let value = parts
        .map(|part| BASE64_URL_SAFE_NO_PAD.encode(part))
        .join(".");
    Token { value, expires }
}

/// Tells who makes a request, or refuses it.
pub(crate) fn authorize(world: &World, call: &Call<'_>) -> Result<Caller, Refused> {
    allowed(world)?;
    let token = world.token.as_ref();
    let valid =
        token.is_some_and(|t| Some(t.value.as_str()) == call.bearer() && t.expires > call.now);
    match caller(world) {
        Some(caller) if valid => Ok(caller),
        _ => Err(Box::new(wire::error(401, "Unauthorized"))),
    }
}

/// Returns as whom the credentials act; none if their user is gone or may not sign in.
pub(crate) fn caller(world: &World) -> Option<Caller> {
    let Some(email) = &world.credentials.user else {
        return Some(Caller {
            id: format!("{}@clients", world.credentials.client_id),
            email: None,
            admin: true,
        });
    };
    let user = world.user(email)?;
    (user.status == Status::Active).then(|| Caller {
        id: user.id.clone(),
        email: Some(user.email.clone()),
        admin: user.role == Role::Admin,
    })
}

fn allowed(world: &World) -> Result<(), Refused> {
    let Some(address) = &world.settings.refused_address else {
        return Ok(());
    };
    let message = format!(
        "IP not whitelisted. Found x-forwarded-for header: {address}, orgId: {}",
        world.org_id
    );
    Err(Box::new(wire::error(403, &message)))
}
