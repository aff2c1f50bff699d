//! What the answer to a change means.

use serde_json::Value;

use crate::domain::account::Do;
use crate::provider::Answer;
use crate::provider::AnswerVerdict;
use crate::provider::answer::judge as judge_sent;
use crate::provider::answer::otherwise;
use crate::provider::docspace::envelope::is_error_envelope;
use crate::provider::docspace::people;
use crate::provider::docspace::reassign;
use crate::provider::http::Payload;
use crate::provider::http::Sent;

type Judged = (AnswerVerdict, &'static str);

/// Judges the answer to the request that does `does` to `id`.
///
/// The server checks everything before it changes anybody, so its own refusals changed nothing.
/// Done is only what names the account as it should be; whatever is neither is in doubt.
pub(super) fn judge(id: &str, does: Do, sent: Sent) -> Answer {
    judge_sent(sent, |status, payload| {
        judge_answer(id, does, status, payload)
    })
}

fn judge_answer(id: &str, does: Do, status: u16, payload: &Payload) -> Judged {
    use AnswerVerdict::Refused;
    match (status, payload) {
        (200, Payload::Json(body)) => judge_success(id, does, body),
        // the answers that the server gives before it looks at a request
        (402..=404, Payload::Empty) => (Refused, "call.tenant-not-in-order"),
        (400 | 402..=404 | 409, Payload::Json(body)) if is_error_envelope(body) => {
            refusal(does, status)
        }
        _ => otherwise(status),
    }
}

/// What the server's own refusals mean.
fn refusal(does: Do, status: u16) -> Judged {
    use AnswerVerdict::Already;
    use AnswerVerdict::Refused;
    match (status, does) {
        (402, Do::Restore) => (Refused, "call.no-seat"),
        (402, _) => (Refused, "call.tenant-not-in-order"),
        (404, Do::Remove | Do::Revoke) => (Already, "call.already"),
        (404, _) => (Refused, "call.not-found"),
        // among them 409 to a removal: the server is still handing over, and removes nobody
        _ => (Refused, "call.refused"),
    }
}

fn judge_success(id: &str, does: Do, body: &Value) -> Judged {
    if is_error_envelope(body) || people::unsigned(body, "status") != Some(0) {
        // lists are streamed: an error within a 200 may have come after the change
        return (AnswerVerdict::Unknown, "call.unclear");
    }
    if does == Do::Revoke {
        return match body.get("response").and_then(Value::as_bool) {
            Some(true) => (AnswerVerdict::Done, "call.done"),
            // left as it was: it had ended
            Some(false) => (AnswerVerdict::Already, "call.already"),
            None => (AnswerVerdict::Unknown, "call.not-confirmed"),
        };
    }
    let code = match does {
        Do::Transfer => "call.accepted",
        _ => "call.done",
    };
    match confirms(id, does, body) {
        true => (AnswerVerdict::Done, code),
        false => (AnswerVerdict::Unknown, "call.not-confirmed"),
    }
}

/// Whether a success is about this account and what was wanted of it.
fn confirms(id: &str, does: Do, body: &Value) -> bool {
    let response = body.get("response").unwrap_or(&Value::Null);
    let named =
        |item: &Value| people::id(item, "id").is_some_and(|found| found.eq_ignore_ascii_case(id));
    let shown = |states: &[u64]| {
        let items = people::items(body).map(Vec::as_slice).unwrap_or_default();
        let so = |item: &&Value| {
            people::unsigned(item, "status").is_some_and(|state| states.contains(&state))
        };
        items.iter().filter(so).any(named)
    };
    match does {
        Do::Disable => shown(&[2]),
        // whoever never gave a name comes back as invited
        Do::Restore => shown(&[1, 4]),
        Do::Transfer => reassign::is_of(response, id),
        // says yes or no, and names nobody
        Do::Revoke => false,
        // what counts is reading back; an answer about somebody else is none to this request
        Do::Remove => response.get("id").is_none() || named(response),
    }
}
