//! OAuth 1 signatures as RFC 5849 describes them, checked from the side of the service.
//!
//! JSON bodies are not signed; the query and form bodies are.

use std::collections::BTreeSet;

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Everything but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Names and values, decoded, in the order of the wire.
pub(crate) type Pairs = Vec<(String, String)>;

/// Why a signed request is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The header cannot be read, or names a parameter twice.
    Malformed,
    /// Another method than HMAC-SHA1, or another version than 1.0.
    Unsupported,
    /// A key that the tenant does not know.
    UnknownKey,
    /// The signature is not the one of this request under these secrets.
    Signature,
    /// Too far from the tenant's clock.
    Timestamp,
    /// The nonce was used before.
    Nonce,
}

impl Refused {
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::Malformed | Self::Unsupported => 400,
            _ => 401,
        }
    }

    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::Malformed => "Malformed authorization header",
            Self::Unsupported => "Unsupported signature method or version",
            Self::UnknownKey => "Invalid consumer or access token",
            Self::Signature => "Invalid signature",
            Self::Timestamp => "Expired timestamp",
            Self::Nonce => "Nonce already used",
        }
    }
}

/// The request as far as it is signed.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    /// The host and port that the client addressed.
    pub(crate) host: &'a str,
    /// The path as it came, percent-encoded.
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    /// The body if it is a form.
    pub(crate) form: Option<&'a [u8]>,
    /// The value of the Authorization header.
    pub(crate) header: &'a str,
}

/// The four strings that a signature rests on.
#[derive(Clone, Copy)]
pub(crate) struct Secrets<'a> {
    pub(crate) consumer_key: &'a str,
    pub(crate) consumer_secret: &'a str,
    pub(crate) token_key: &'a str,
    pub(crate) token_secret: &'a str,
}

/// Remembers the nonces whose timestamp would still be let in.
#[derive(Default)]
pub(crate) struct Nonces(BTreeSet<(i64, String)>);

impl Nonces {
    /// Checks the timestamp and takes the nonce, once.
    fn take(
        &mut self,
        stamp: i64,
        nonce: &str,
        now: DateTime<Utc>,
        window: u32,
    ) -> Result<(), Refused> {
        let (now, window) = (now.timestamp(), i64::from(window));
        if stamp.abs_diff(now) > window.unsigned_abs() {
            return Err(Refused::Timestamp);
        }
        self.0.retain(|(at, _)| *at >= now.saturating_sub(window));
        if self.0.insert((stamp, nonce.to_owned())) {
            Ok(())
        } else {
            Err(Refused::Nonce)
        }
    }
}

/// Checks a signed request; its nonce is taken only if the signature is right.
pub(crate) fn check(
    request: &Request<'_>,
    secrets: &Secrets<'_>,
    nonces: &mut Nonces,
    now: DateTime<Utc>,
    window: u32,
) -> Result<(), Refused> {
    let protocol = read_header(request.header).ok_or(Refused::Malformed)?;
    let find = |name: &str| {
        let found = protocol.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str())
    };
    let need = |name| find(name).ok_or(Refused::Malformed);
    let signature = need("oauth_signature")?;
    let nonce = need("oauth_nonce")?;
    let stamp: i64 = need("oauth_timestamp")?
        .parse()
        .map_err(|_| Refused::Malformed)?;
    let known = need("oauth_consumer_key")? == secrets.consumer_key
        && need("oauth_token")? == secrets.token_key;
    if need("oauth_signature_method")? != "HMAC-SHA1"
        || find("oauth_version").is_some_and(|version| version != "1.0")
    {
        return Err(Refused::Unsupported);
    }
    if !known {
        return Err(Refused::UnknownKey);
    }
    if !is_signature(&base_string(request, &protocol), secrets, signature) {
        return Err(Refused::Signature);
    }
    nonces.take(stamp, nonce, now, window)
}

/// Reads `OAuth name="value", …`; none if it is no such header or names something twice.
fn read_header(header: &str) -> Option<Pairs> {
    let (scheme, rest) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("oauth") {
        return None;
    }
    let mut pairs = Pairs::new();
    for part in rest.split(',') {
        let (name, value) = part.trim().split_once('=')?;
        let value = value.strip_prefix('"')?.strip_suffix('"')?;
        let (name, value) = (decode(name)?, decode(value)?);
        if pairs.iter().any(|(other, _)| *other == name) {
            return None;
        }
        pairs.push((name, value));
    }
    Some(pairs)
}

fn decode(text: &str) -> Option<String> {
    let text = percent_decode_str(text).decode_utf8().ok()?;
    Some(text.into_owned())
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Builds the text that is signed (RFC 5849, 3.4.1).
fn base_string(request: &Request<'_>, protocol: &[(String, String)]) -> String {
    let own = protocol
        .iter()
        .filter(|(name, _)| name != "realm" && name != "oauth_signature")
        .map(|(name, value)| (encode(name), encode(value)));
    let form = request.form.unwrap_or_default();
    let sent = url::form_urlencoded::parse(request.query.as_bytes())
        .chain(url::form_urlencoded::parse(form))
        .map(|(name, value)| (encode(&name), encode(&value)));
    let mut all: Pairs = own.chain(sent).collect();
    all.sort();
    let all: Vec<String> = all
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let host = request.host.to_lowercase();
    let host = host.strip_suffix(":80").unwrap_or(&host);
    let uri = format!("http://{host}{}", request.path);
    format!(
        "{}&{}&{}",
        request.method.to_uppercase(),
        encode(&uri),
        encode(&all.join("&"))
    )
}

fn is_signature(text: &str, secrets: &Secrets<'_>, signature: &str) -> bool {
    let Ok(signature) = STANDARD.decode(signature) else {
        return false;
    };
    hmac::verify(&signing_key(secrets), text.as_bytes(), &signature).is_ok()
}

fn signing_key(secrets: &Secrets<'_>) -> hmac::Key {
    let key = format!(
        "{}&{}",
        encode(secrets.consumer_secret),
        encode(secrets.token_secret)
    );
    hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes())
}

/// Signs as a client does; for the tests of the sandbox only.
#[cfg(test)]
pub(crate) fn sign(
    request: &Request<'_>,
    secrets: &Secrets<'_>,
    nonce: &str,
    stamp: i64,
) -> String {
    let stamp = stamp.to_string();
    let mut protocol: Pairs = [
        ("oauth_nonce", nonce),
        ("oauth_timestamp", &stamp),
        ("oauth_version", "1.0"),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_consumer_key", secrets.consumer_key),
        ("oauth_token", secrets.token_key),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    let tag = hmac::sign(
        &signing_key(secrets),
        base_string(request, &protocol).as_bytes(),
    );
    protocol.push(("oauth_signature".to_owned(), STANDARD.encode(tag)));
    let parts: Vec<String> = protocol
        .iter()
        .map(|(name, value)| format!("{name}=\"{}\"", encode(value)))
        .collect();
    format!("OAuth {}", parts.join(", "))
}

#[cfg(test)]
#[path = "tests/oauth1.rs"]
mod tests;
