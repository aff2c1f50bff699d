//! Secrets, and what of a body may be kept.

use std::fmt;

use reqwest::header::HeaderMap;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::http::Auth;

/// The most that is kept of a body, in bytes.
pub const EVIDENCE_BYTES: usize = 4096;

/// A token or password; it is overwritten when dropped and never shown.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text as it is.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text, for the one header or field that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Makes evidence of a body: without stack traces and secrets, cut to [`EVIDENCE_BYTES`].
pub(super) fn evidence(body: &[u8], auth: &dyn Auth) -> String {
    let mut text = match serde_json::from_slice::<Value>(body) {
        Ok(mut value) => {
            remove_stacks(&mut value);
            value.to_string()
        }
        // broken JSON may break off within a trace
        Err(_) => before_stack(&String::from_utf8_lossy(body)).to_owned(),
    };
    text = auth.redact(text);
    cut(&mut text);
    text
}

/// The headers in which services name a call, those of the service itself first.
const NAMES_A_CALL: [&str; 5] = [
    "x-request-id",
    "request-id",
    "x-ms-request-id",
    "x-correlation-id",
    "cf-ray",
];

/// The most characters of the name of a call.
const REQUEST_ID_CHARS: usize = 128;

/// Under which the provider's support finds a call. What has other signs than letters, digits, `.`,
/// `_` and `-`, is longer than 128 of them or holds a secret is no name of a call to us.
pub(super) fn request_id(headers: &HeaderMap, auth: &dyn Auth) -> Option<String> {
    let values = NAMES_A_CALL.iter().filter_map(|name| headers.get(*name));
    let texts = values.filter_map(|value| value.to_str().ok());
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    texts
        .map(str::trim)
        .filter(|id| !id.is_empty() && id.len() <= REQUEST_ID_CHARS && id.chars().all(plain))
        .find(|id| auth.redact((*id).to_owned()) == **id)
        .map(str::to_owned)
}

fn remove_stacks(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|key, _| !is_stack(key));
            map.values_mut().for_each(remove_stacks);
        }
        Value::Array(items) => items.iter_mut().for_each(remove_stacks),
        _ => {}
    }
}

fn is_stack(key: &str) -> bool {
    ["stack", "stacktrace", "stack_trace"]
        .iter()
        .any(|name| key.eq_ignore_ascii_case(name))
}

fn before_stack(text: &str) -> &str {
    // ASCII lower case keeps the positions of bytes
    match text.to_ascii_lowercase().find("\"stack") {
        Some(at) => text.get(..at).unwrap_or_default(),
        None => text,
    }
}

fn cut(text: &mut String) {
    if text.len() > EVIDENCE_BYTES {
        let end = (0..=EVIDENCE_BYTES)
            .rev()
            .find(|&i| text.is_char_boundary(i))
            .unwrap_or_default();
        text.truncate(end);
    }
}
