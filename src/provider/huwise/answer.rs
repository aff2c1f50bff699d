//! What Huwise's answers mean.

use serde_json::Value;

use crate::provider::Answer;
use crate::provider::AnswerVerdict;
use crate::provider::ProviderError;
use crate::provider::answer::judge as judge_sent;
use crate::provider::answer::otherwise;
use crate::provider::http::Page;
use crate::provider::http::Payload;
use crate::provider::http::Sent;

/// The error code of an answer in Huwise's own shape.
fn error_code(body: &Value) -> Option<&str> {
    body.get("error_code")?.as_str().filter(|c| !c.is_empty())
}

/// Whether an answer is Huwise's own word that there is no such thing.
///
/// A 404 of something in between, or for an address that is no call, does not have it.
pub(super) fn is_not_found(status: u16, payload: &Payload) -> bool {
    match payload {
        Payload::Json(body) => status == 404 && error_code(body) == Some("not_found"),
        Payload::Empty | Payload::Other(_) => false,
    }
}

/// Whether an answer says in words that something is refused. The usual shape has a code; that of
/// 403 is not known, and may have `detail` alone.
fn is_refusal(body: &Value) -> bool {
    let says = |field| body.get(field).and_then(Value::as_str);
    let words = ["error_code", "message", "detail"].map(says);
    words.into_iter().flatten().any(|text| !text.is_empty())
}

/// Judges the answer to a removal.
///
/// Only 204 is a success. The refusal that keeps the last administrator has no known status, so
/// that any of the usual ones counts if it is JSON and says so; what is neither is in doubt.
pub(super) fn judge(sent: Sent) -> Answer {
    judge_sent(sent, |status, payload| match (status, payload) {
        (204, _) => (AnswerVerdict::Done, "call.done"),
        (404, payload) if is_not_found(404, payload) => (AnswerVerdict::Already, "call.already"),
        (400 | 403 | 409, Payload::Json(body)) if is_refusal(body) => {
            (AnswerVerdict::Refused, "call.refused")
        }
        _ => otherwise(status),
    })
}

/// The document of a successful read, or the error that the answer stands for; `what` is the right
/// in words: "listing users".
pub(super) fn success(page: Page, at: &str, what: &str) -> Result<Value, ProviderError> {
    let at = at.to_owned();
    let unreadable = |says: String| ProviderError::Unreadable {
        at: at.clone(),
        what: format!("{what}: {says}"),
    };
    match (page.status, page.payload) {
        (200, Payload::Json(body)) if body.get("error_code").is_none() => Ok(body),
        (200, Payload::Json(_)) => Err(unreadable("an error within HTTP 200".to_owned())),
        (401, _) => Err(ProviderError::Credentials { at }),
        (403, _) => Err(ProviderError::Rights {
            at,
            what: what.to_owned(),
        }),
        (300..=399, _) => Err(unreadable("sent elsewhere, where we did not go".to_owned())),
        (status, Payload::Other(kind)) => Err(unreadable(format!("{kind} with HTTP {status}"))),
        (status, _) => Err(unreadable(format!("HTTP {status}"))),
    }
}
