//! How we show a SCIM server who we are.

use std::path::Path;
use std::time::Duration;

use crate::http::Client;
use crate::http::Limits;
use crate::http::Misconfigured;
use crate::http::Secret;
use crate::http::token::Asks;
use crate::http::token::ClientCredentials;

/// How we show who we are.
#[derive(Debug, Clone)]
pub enum Access {
    /// A bearer token.
    Token(Secret),
    /// OAuth 2 client credentials.
    Client {
        /// The client's id.
        id: Secret,
        /// Its secret.
        secret: Secret,
        /// Where tokens are asked for.
        token_url: String,
    },
}

/// A client that shows who we are.
#[derive(Debug)]
pub struct Connection {
    /// The client.
    pub client: Client,
    /// Whether the server, and what gives the tokens, are on loopback addresses.
    pub loopback: bool,
    /// The longest that getting a token can take, in seconds.
    pub token_limit_s: u64,
}

/// Makes the client for the server at `url`; contacts nobody.
pub fn connect(
    url: &str,
    access: Access,
    ca_file: Option<&Path>,
    limits: &Limits,
) -> Result<Connection, Misconfigured> {
    let client = Client::new(url, ca_file, limits.clone())?;
    let (mut loopback, mut token_limit_s) = (client.is_loopback(), 0);
    let client = match access {
        Access::Token(token) => client.with_credential("authorization", "Bearer ", token)?,
        Access::Client {
            id,
            secret,
            token_url,
        } => {
            let (origin, path) = split(&token_url)?;
            let limits = token_limits(limits);
            token_limit_s = longest_s(&limits);
            let at = Client::new(&origin, ca_file, limits)?;
            loopback &= at.is_loopback();
            client.with_auth(ClientCredentials::new(at, &path, Asks::Either, id, secret))
        }
    };
    Ok(Connection {
        client,
        loopback,
        token_limit_s,
    })
}

/// An address in its origin and its path.
fn split(url: &str) -> Result<(String, String), Misconfigured> {
    let wrong = |what: String| Misconfigured { what };
    let parsed =
        url::Url::parse(url).map_err(|e| wrong(format!("the token_url is no url: {e}")))?;
    let more = parsed.query().is_some() || parsed.fragment().is_some();
    if more || !parsed.username().is_empty() || parsed.password().is_some() {
        let what = "the token_url must be an address and a path, with nothing after them";
        return Err(wrong(what.to_owned()));
    }
    let path = parsed.path().trim_start_matches('/').to_owned();
    Ok((parsed.origin().ascii_serialization(), path))
}

/// A token is asked for in front of a change: that must not take long.
fn token_limits(of: &Limits) -> Limits {
    Limits {
        read: of.read.min(Duration::from_secs(20)),
        attempts: of.attempts.min(3),
        waiting: of.waiting.min(of.change_waiting),
        ..of.clone()
    }
}

/// The longest that getting a token can take with these limits, in seconds: two ways are tried.
fn longest_s(limits: &Limits) -> u64 {
    let sending = limits.read.saturating_mul(limits.attempts);
    let all = sending.saturating_add(limits.waiting).saturating_mul(2);
    all.as_secs().saturating_add(1)
}
