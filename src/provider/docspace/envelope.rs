//! The envelope around every answer of DocSpace, and the errors that answers stand for.

use serde_json::Value;

use crate::provider::ProviderError;
use crate::provider::http::Page;
use crate::provider::http::Payload;

/// Whether an answer is DocSpace's own word that something went wrong.
pub(super) fn is_error_envelope(body: &Value) -> bool {
    body.get("error").is_some_and(Value::is_object)
        || body
            .get("status")
            .and_then(Value::as_i64)
            .is_some_and(|s| s != 0)
}

/// The envelope of a success, or the error that the answer stands for.
///
/// An empty 403 or 404 says that the tenant is suspended or moving, never that there is nobody;
/// and an error can come within a 200, since lists are streamed.
pub(super) fn success(page: Page, at: &str, what: &str) -> Result<Value, ProviderError> {
    let at = at.to_owned();
    let unreadable = |what: String| ProviderError::Unreadable {
        at: at.clone(),
        what,
    };
    let tenant = |what: &str| ProviderError::Tenant {
        at: at.clone(),
        what: what.to_owned(),
    };
    let rights = || ProviderError::Rights {
        at: at.clone(),
        what: what.to_owned(),
    };
    let Page {
        status, payload, ..
    } = page;
    match (status, payload) {
        (200, Payload::Json(body)) if is_error_envelope(&body) => {
            match body.get("statusCode").and_then(Value::as_u64) {
                Some(401) => Err(ProviderError::Credentials { at }),
                Some(402) => Err(tenant("unpaid (402)")),
                Some(403) => Err(rights()),
                _ => Err(unreadable(format!("{what}: an error within HTTP 200"))),
            }
        }
        (200, Payload::Json(body)) if body.get("status").and_then(Value::as_u64) == Some(0) => {
            Ok(body)
        }
        (200, Payload::Json(_)) => Err(unreadable(format!("{what}: no status in the answer"))),
        (401, _) => Err(ProviderError::Credentials { at }),
        (402, _) => Err(tenant("unpaid, or its tariff does not have this (402)")),
        (403, Payload::Empty) => Err(tenant("moving, restoring or encrypting (empty 403)")),
        (403, Payload::Json(_)) => Err(rights()),
        (404, Payload::Empty) => Err(tenant("suspended or to be removed (empty 404)")),
        (status, Payload::Other(kind)) => {
            Err(unreadable(format!("{what}: {kind} with HTTP {status}")))
        }
        (status, _) => Err(unreadable(format!("{what}: HTTP {status}"))),
    }
}

/// Whether an answer is DocSpace's own word that there is no such thing. An empty 404 is not: it
/// says that the tenant is suspended.
pub(super) fn is_not_found(page: &Page) -> bool {
    matches!((page.status, &page.payload), (404, Payload::Json(body))
        if body.get("error").is_some_and(Value::is_object) && is_error_envelope(body))
}
