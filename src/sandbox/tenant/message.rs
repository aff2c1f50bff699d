//! A request as a service sees it, and what it answers.

use axum::http::{HeaderMap, header};
use chrono::{DateTime, Utc};
use serde_json::Value;

/// One request.
#[derive(Debug)]
pub struct Call<'a> {
    /// The method, in capitals.
    pub method: &'a str,
    /// The raw, percent-encoded path; begins with `/`.
    pub path: &'a str,
    /// The raw query, without its question mark; may be empty.
    pub query: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The body; may be empty.
    pub body: &'a [u8],
    /// The sandbox's present.
    pub now: DateTime<Utc>,
    /// The tenant's own address, `http://127.0.0.1:PORT`.
    pub origin: &'a str,
    /// How many requests of this one's class (GET, all others) are in flight, itself included.
    pub in_flight: usize,
}

impl Call<'_> {
    /// Returns the path's segments, split at `/` and percent-decoded; the one before the first
    /// `/` is left out, empty ones are kept.
    pub fn segments(&self) -> Vec<String> {
        let path = self.path.strip_prefix('/').unwrap_or(self.path);
        path.split('/').map(decode).collect()
    }

    /// Returns the query's parameters in their order.
    pub fn params(&self) -> Vec<(String, String)> {
        pairs(self.query.as_bytes())
    }

    /// Returns the body as JSON; none if it is not.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(self.body).ok()
    }

    /// Returns the fields of a form in the body in their order.
    pub fn form(&self) -> Vec<(String, String)> {
        pairs(self.body)
    }

    /// Returns the bearer token.
    pub fn bearer(&self) -> Option<&str> {
        let value = self.header(header::AUTHORIZATION.as_str())?;
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token)
    }

    /// Returns a header's first value that is text, without regard to the name's case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

fn decode(part: &str) -> String {
    percent_encoding::percent_decode_str(part)
        .decode_utf8_lossy()
        .into_owned()
}

/// Reads a query or a form.
pub(crate) fn pairs(text: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text)
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}

/// The body of an answer, JSON as long as nobody has spoilt it.
#[derive(Clone, Debug)]
pub enum Body {
    /// A document that faults can still change.
    Json(Value),
    /// Bytes as they are, with their content type.
    Raw(&'static str, Vec<u8>),
}

/// What a tenant answers to one request.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// More headers, their names in small letters; these win over `date` and `content-type`.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Body,
}

impl Answer {
    /// Makes an answer of JSON.
    pub fn json(status: u16, body: Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Body::Json(body),
        }
    }

    /// Makes an answer of bytes.
    pub fn raw(status: u16, content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Body::Raw(content_type, body.into()),
        }
    }

    /// Adds a header; the name in small letters.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue};
    use chrono::Utc;

    use super::Call;

    #[test]
    fn a_call_is_taken_apart_without_losing_a_slash_or_an_order() {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", HeaderValue::from_static("BEARER abc"));
        let call = Call {
            method: "POST",
            path: "/api/a%2Fb//c%20d/",
            query: "b=2&a=1&a=%C3%A9",
            headers: &headers,
            body: b"grant_type=x+y",
            now: Utc::now(),
            origin: "http://127.0.0.1:1",
            in_flight: 1,
        };
        assert_eq!(call.segments(), ["api", "a/b", "", "c d", ""]);
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(
            call.params(),
            [pair("b", "2"), pair("a", "1"), pair("a", "é")]
        );
        assert_eq!(call.form(), [pair("grant_type", "x y")]);
        assert_eq!(call.bearer(), Some("abc"));
        assert_eq!(call.header("Authorization"), Some("BEARER abc"));
        assert!(call.json().is_none());
    }
}
