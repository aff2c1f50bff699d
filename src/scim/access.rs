//! How we show a SCIM server who we are.

use std::path::Path;

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

/// Makes the client for the server at `url`; contacts nobody.
pub fn connect(
    url: &str,
    access: Access,
    ca_file: Option<&Path>,
    limits: &Limits,
) -> Result<Client, Misconfigured> {
    let client = Client::new(url, ca_file, limits.clone())?;
    match access {
        Access::Token(token) => client.with_credential("authorization", "Bearer ", token),
        Access::Client {
            id,
            secret,
            token_url,
        } => {
            let (origin, path) = split(&token_url)?;
            let at = Client::new(&origin, ca_file, limits.for_tokens())?;
            let tokens = ClientCredentials::new(at, &path, Asks::Either, id, secret);
            Ok(client.with_auth(tokens))
        }
    }
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
