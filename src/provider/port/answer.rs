//! What the answer to a change means.

use serde_json::Value;

use crate::domain::account::Do;
use crate::provider::Answer;
use crate::provider::AnswerVerdict;
use crate::provider::answer::judge as judge_sent;
use crate::provider::answer::otherwise;
use crate::provider::http::Payload;
use crate::provider::http::Sent;
use crate::provider::port::is_ok;
use crate::provider::port::is_refusal;
use crate::provider::port::people;
use crate::provider::port::steps;
use crate::provider::port::wire;
use crate::provider::reusable;

/// Judges the answer to a change of the account `id`.
///
/// Done is HTTP 200 with `ok` that is true; where the entity comes back, it must show the change.
/// Only Port's own words (`ok` that is false) are a refusal, since anything may stand in between.
pub(super) fn judge(id: &str, does: Do, sent: Sent) -> Answer {
    judge_sent(sent, |status, payload| {
        judge_answer(id, does, status, payload)
    })
}

fn judge_answer(
    id: &str,
    does: Do,
    status: u16,
    payload: &Payload,
) -> (AnswerVerdict, &'static str) {
    use AnswerVerdict::Refused;
    match (status, payload) {
        (200, Payload::Json(body)) if is_ok(body) => judge_success(id, does, body),
        (404, Payload::Json(body)) if wire::is_absent(body) => match does {
            Do::Remove => (AnswerVerdict::Already, "call.already"),
            _ => (Refused, "call.not-found"),
        },
        (409, Payload::Json(body)) if is_refusal(body) && says(body, &["scim"]) => {
            (Refused, "call.managed-elsewhere")
        }
        (409 | 422, Payload::Json(body))
            if is_refusal(body) && does == Do::Remove && says_dependents(body) =>
        {
            (Refused, "call.dependents")
        }
        (402, Payload::Json(body)) if is_refusal(body) => (Refused, "call.tenant-not-in-order"),
        (400 | 403 | 404 | 405 | 409 | 413 | 422, Payload::Json(body)) if is_refusal(body) => {
            (Refused, "call.refused")
        }
        _ => otherwise(status),
    }
}

fn judge_success(id: &str, does: Do, body: &Value) -> (AnswerVerdict, &'static str) {
    let done = (AnswerVerdict::Done, "call.done");
    let (Some(wanted), Some(entity)) = (steps::status(does), body.get("entity")) else {
        return done;
    };
    let name = people::text(entity, "identifier");
    let status = entity.get("properties").and_then(|p| p.get("status"));
    let same = name.is_none() || name == reusable::name(id);
    let set = status.is_none_or(|s| s.as_str().is_some_and(|s| s.eq_ignore_ascii_case(wanted)));
    if same && set {
        done
    } else {
        (AnswerVerdict::Unknown, "call.not-confirmed")
    }
}

/// Port's exact words for a removal that a required relation forbids are not documented.
fn says_dependents(body: &Value) -> bool {
    says(body, &["depend", "relat", "required"])
}

fn says(body: &Value, words: &[&str]) -> bool {
    ["error", "message", "code"].iter().any(|field| {
        let text = people::text(body, field).map(str::to_lowercase);
        text.is_some_and(|t| words.iter().any(|w| t.contains(w)))
    })
}
