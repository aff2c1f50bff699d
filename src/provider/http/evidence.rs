//! Secrets, and what of a body may be kept.

use std::fmt;

use serde_json::Value;
use zeroize::Zeroizing;

use crate::provider::http::Auth;

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
