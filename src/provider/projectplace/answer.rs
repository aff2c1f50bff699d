//! What the answer to a removal means.

use serde_json::Value;

use crate::provider::Answer;
use crate::provider::AnswerVerdict;
use crate::provider::answer::judge as judge_sent;
use crate::provider::answer::otherwise;
use crate::provider::http::Payload;
use crate::provider::http::Sent;
use crate::provider::json;

/// Judges the answer to "delete or remove `id`".
///
/// The status says nothing by itself: a refusal comes with 200 as well. Done is only what names
/// the id as succeeded and not as failed.
pub(super) fn judge(id: &str, sent: Sent) -> Answer {
    judge_sent(sent, |status, payload| judge_answer(id, status, payload))
}

fn judge_answer(id: &str, status: u16, payload: &Payload) -> (AnswerVerdict, &'static str) {
    use AnswerVerdict::Refused;
    match (status, payload) {
        (200, Payload::Json(body)) => judge_success(id, body),
        // 408 can come after the request was taken up
        (404 | 410, Payload::Json(_)) => (Refused, "call.not-found"),
        (400 | 402..=407 | 409..=428 | 430..=499, Payload::Json(_)) => (Refused, "call.refused"),
        _ => otherwise(status),
    }
}

fn judge_success(id: &str, body: &Value) -> (AnswerVerdict, &'static str) {
    match (names(body, "succeeded", id), names(body, "failed", id)) {
        (true, false) => (AnswerVerdict::Done, "call.done"),
        (false, true) => (AnswerVerdict::Refused, "call.refused"),
        (true, true) => (AnswerVerdict::Unknown, "call.unclear"),
        (false, false) => (AnswerVerdict::Unknown, "call.not-confirmed"),
    }
}

/// Whether a list of ids, or an object with ids as its keys, has this id. Nothing published says
/// which of the two `failed` is.
fn names(body: &Value, field: &str, id: &str) -> bool {
    let is_it = |item: &Value| match item {
        Value::Object(_) => ["userid", "id"]
            .iter()
            .any(|key| json::id(item, key).as_deref() == Some(id)),
        Value::String(text) => text == id,
        Value::Number(number) => number.to_string() == id,
        _ => false,
    };
    match body.get(field) {
        Some(Value::Array(items)) => items.iter().any(is_it),
        Some(Value::Object(map)) => field == "failed" && map.contains_key(id),
        _ => false,
    }
}
