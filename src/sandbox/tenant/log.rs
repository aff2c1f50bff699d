//! The log of what was asked of a tenant, without anything that must stay secret.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::sandbox::tenant::message::pairs;

/// How many requests the log keeps; older ones fall out.
const LOG_LIMIT: usize = 200_000;

/// What stands in the log where a secret stood in the request.
const HIDDEN: &str = "(hidden)";

/// One request as it arrived; without its credentials.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RequestRecord {
    /// The place in the order of arrival, from 1.
    pub number: u64,
    /// The sandbox's time.
    pub at: DateTime<Utc>,
    /// The method.
    pub method: String,
    /// The path and the query.
    pub path: String,
    /// The body, if it was JSON, or a form, then as one object; secrets are left out.
    pub body: Option<Value>,
    /// The status that was answered; none while it is held and where no answer was given.
    pub status: Option<u16>,
    /// The kind of fault that hit it.
    pub fault: Option<String>,
}

/// The log of requests.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) records: VecDeque<RequestRecord>,
    next: u64,
}

impl Log {
    pub(crate) fn push(&mut self, mut record: RequestRecord) -> u64 {
        self.next += 1;
        record.number = self.next;
        if self.records.len() >= LOG_LIMIT {
            self.records.pop_front();
        }
        self.records.push_back(record);
        self.next
    }

    pub(crate) fn close(&mut self, number: u64, status: Option<u16>, fault: Option<String>) {
        let place = self
            .records
            .partition_point(|record| record.number < number);
        if let Some(record) = self.records.get_mut(place).filter(|r| r.number == number) {
            record.status = status;
            record.fault = fault;
        }
    }
}

/// Returns a path and its query as they are logged.
pub(crate) fn shown_path(path: &str, query: &str) -> String {
    if query.is_empty() {
        return path.to_owned();
    }
    let parts: Vec<String> = query
        .split('&')
        .map(|part| match part.split_once('=') {
            Some((name, _)) if is_secret(name) => format!("{name}={HIDDEN}"),
            _ => part.to_owned(),
        })
        .collect();
    format!("{path}?{}", parts.join("&"))
}

/// Returns a body as it is logged.
pub(crate) fn shown_body(content_type: &str, body: &[u8]) -> Option<Value> {
    let mut value = if content_type.starts_with("application/x-www-form-urlencoded") {
        let fields = pairs(body).into_iter();
        Value::Object(fields.map(|(name, value)| (name, json!(value))).collect())
    } else {
        serde_json::from_slice(body).ok()?
    };
    hide(&mut value);
    Some(value)
}

fn hide(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(hide),
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                if is_secret(name) && !value.is_null() {
                    *value = json!(HIDDEN);
                } else {
                    hide(value);
                }
            }
        }
        _ => {}
    }
}

/// Tells whether a field of this name holds a secret; the tokens that pages are known by do not.
fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase().replace(['_', '-'], "");
    const WHOLE: [&str; 6] = [
        "token",
        "accesstoken",
        "refreshtoken",
        "idtoken",
        "assertion",
        "clientassertion",
    ];
    WHOLE.contains(&name.as_str())
        || ["secret", "password", "apikey"]
            .iter()
            .any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{shown_body, shown_path};

    #[test]
    fn secrets_of_token_requests_are_not_logged() {
        let form = "grant_type=client_credentials&client_id=a&client_secret=hush";
        assert_eq!(
            shown_body("application/x-www-form-urlencoded", form.as_bytes()),
            Some(
                json!({ "grant_type": "client_credentials", "client_id": "a", "client_secret": "(hidden)" })
            )
        );
        let body = json!({ "list": [{ "Password": "hush", "pageToken": "p1" }] }).to_string();
        assert_eq!(
            shown_body("application/json", body.as_bytes()),
            Some(json!({ "list": [{ "Password": "(hidden)", "pageToken": "p1" }] }))
        );
        assert_eq!(shown_body("text/plain", b"hush"), None);
        assert_eq!(
            shown_path("/a", "x=1&access_token=hush&pageToken=2"),
            "/a?x=1&access_token=(hidden)&pageToken=2"
        );
    }
}
