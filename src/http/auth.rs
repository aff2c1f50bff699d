//! How a request shows who sends it.

use std::fmt;

use async_trait::async_trait;
use reqwest::header::HeaderMap;
use reqwest::header::HeaderName;
use reqwest::header::HeaderValue;
use url::Url;
use zeroize::Zeroizing;

use crate::http::HttpError;
use crate::http::Misconfigured;
use crate::http::Request;
use crate::http::Secret;

/// Adds credentials to requests: a fixed header, a token that is fetched and grows old, a
/// signature over the request.
#[async_trait]
pub trait Auth: Send + Sync + fmt::Debug {
    /// The headers for `request`, which goes to `url` (its query included).
    async fn headers(&self, request: &Request, url: &Url) -> Result<HeaderMap, HttpError>;

    /// Hears that the tenant answered 401; tells whether another try would show something new. A
    /// read is then sent once more; a change never is.
    async fn refused(&self) -> bool {
        false
    }

    /// How long [`Auth::headers`] may take at most, in seconds: where it asks for a token, a change
    /// waits that long before it is sent.
    fn longest_s(&self) -> u64 {
        0
    }

    /// Whether all that it asks for credentials is on loopback addresses.
    fn is_loopback(&self) -> bool {
        true
    }

    /// Takes every secret of its own out of a text.
    fn redact(&self, text: String) -> String;
}

/// Takes one secret out of a text.
pub fn redact(text: String, secret: &Secret) -> String {
    let plain = secret.expose().trim();
    if plain.is_empty() {
        text
    } else {
        text.replace(plain, "…")
    }
}

/// No credentials: for token endpoints, whose credentials stand in the request.
#[derive(Debug)]
pub struct Anonymous;

#[async_trait]
impl Auth for Anonymous {
    async fn headers(&self, _: &Request, _: &Url) -> Result<HeaderMap, HttpError> {
        Ok(HeaderMap::new())
    }

    fn redact(&self, text: String) -> String {
        text
    }
}

/// The same headers with every request.
pub struct Fixed {
    headers: HeaderMap,
    secret: Secret,
}

impl fmt::Debug for Fixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fixed").finish_non_exhaustive()
    }
}

impl Fixed {
    /// Sends `prefix` and `secret` as the header `name`; a secret that is empty or cannot be a
    /// header is a mistake in the configuration.
    pub fn new(name: &'static str, prefix: &str, secret: Secret) -> Result<Self, Misconfigured> {
        let mut headers = HeaderMap::new();
        headers.insert(
            HeaderName::from_static(name),
            header_value(prefix, &secret).ok_or_else(|| Misconfigured {
                what: "the secret is empty, or cannot be sent as a header".to_owned(),
            })?,
        );
        Ok(Self { headers, secret })
    }
}

/// A header's value with a secret in it, marked as sensitive; `None` if it cannot be one.
pub fn header_value(prefix: &str, secret: &Secret) -> Option<HeaderValue> {
    let plain = secret.expose().trim();
    if plain.is_empty() {
        return None;
    }
    let text = Zeroizing::new(format!("{prefix}{plain}"));
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[async_trait]
impl Auth for Fixed {
    async fn headers(&self, _: &Request, _: &Url) -> Result<HeaderMap, HttpError> {
        Ok(self.headers.clone())
    }

    fn redact(&self, text: String) -> String {
        redact(text, &self.secret)
    }
}
