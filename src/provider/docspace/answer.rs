//! What the answer to a change means.

use serde_json::Value;

use crate::provider::Answer;
use crate::provider::AnswerVerdict;
use crate::provider::docspace::is_error_envelope;
use crate::provider::docspace::people;
use crate::provider::http::Payload;
use crate::provider::http::Sent;

/// A change that this provider cannot do; nothing was sent.
pub(super) fn not_possible() -> Answer {
    Answer {
        verdict: AnswerVerdict::Failed,
        status: None,
        code: "call.not-possible",
        body: String::new(),
    }
}

/// Judges the answer to "disable `id`".
///
/// The server checks everything before it changes anybody, so its own refusals changed nothing.
/// Done is only what names the account as disabled; whatever is neither is in doubt.
pub(super) fn judge(id: &str, sent: Sent) -> Answer {
    let answer = |verdict, status, code, body| Answer {
        verdict,
        status,
        code,
        body,
    };
    match sent {
        Sent::NotSent { .. } => answer(AnswerVerdict::Failed, None, "call.not-sent", String::new()),
        Sent::TurnedAway { evidence, .. } => answer(
            AnswerVerdict::Failed,
            Some(429),
            "call.rate-limited",
            evidence,
        ),
        Sent::Lost { status, .. } => {
            answer(AnswerVerdict::Unknown, status, "call.lost", String::new())
        }
        Sent::Answered {
            status,
            payload,
            evidence,
        } => {
            let (verdict, code) = judge_answer(id, status, &payload);
            answer(verdict, Some(status), code, evidence)
        }
    }
}

fn judge_answer(id: &str, status: u16, payload: &Payload) -> (AnswerVerdict, &'static str) {
    use AnswerVerdict::Refused;
    use AnswerVerdict::Unknown;
    match (status, payload) {
        (200, Payload::Json(body)) => judge_success(id, body),
        (300..=399, _) => (Unknown, "call.redirected"),
        (500.., _) => (Unknown, "call.server-error"),
        // the answers that the server gives before it looks at a request
        (401, _) => (Refused, "call.credentials"),
        (402..=404, Payload::Empty) => (Refused, "call.tenant-not-in-order"),
        (400 | 402..=404, Payload::Json(body)) if is_error_envelope(body) => match status {
            402 => (Refused, "call.tenant-not-in-order"),
            404 => (Refused, "call.not-found"),
            _ => (Refused, "call.refused"),
        },
        _ => (Unknown, "call.unclear"),
    }
}

fn judge_success(id: &str, body: &Value) -> (AnswerVerdict, &'static str) {
    if is_error_envelope(body) || people::unsigned(body, "status") != Some(0) {
        // lists are streamed: an error within a 200 may have come after the change
        return (AnswerVerdict::Unknown, "call.unclear");
    }
    let named = people::items(body).is_ok_and(|items| {
        items.iter().any(|item| {
            people::id(item, "id").is_some_and(|found| found.eq_ignore_ascii_case(id))
                && people::unsigned(item, "status") == Some(2)
        })
    });
    if named {
        (AnswerVerdict::Done, "call.done")
    } else {
        (AnswerVerdict::Unknown, "call.not-confirmed")
    }
}
