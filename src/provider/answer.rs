//! What every answer to a change has in common, before a provider judges what it says.

use crate::provider::Answer;
use crate::provider::AnswerVerdict;
use crate::provider::http::Payload;
use crate::provider::http::Sent;

/// Judges what came of a request: what never arrived and what was lost is the same everywhere, a
/// whole answer is judged by `says`.
pub fn judge(
    sent: Sent,
    says: impl FnOnce(u16, &Payload) -> (AnswerVerdict, &'static str),
) -> Answer {
    let answer = |verdict, status, code, body, request_id| Answer {
        verdict,
        status,
        code,
        body,
        request_id,
    };
    match sent {
        Sent::NotSent { .. } => {
            let (verdict, code) = (AnswerVerdict::Failed, "call.not-sent");
            answer(verdict, None, code, String::new(), None)
        }
        Sent::TurnedAway {
            evidence,
            request_id,
            ..
        } => {
            let (verdict, code) = (AnswerVerdict::Failed, "call.rate-limited");
            answer(verdict, Some(429), code, evidence, request_id)
        }
        Sent::Lost {
            status, request_id, ..
        } => {
            let (verdict, code) = (AnswerVerdict::Unknown, "call.lost");
            answer(verdict, status, code, String::new(), request_id)
        }
        Sent::Answered {
            status,
            payload,
            evidence,
            request_id,
        } => {
            let (verdict, code) = says(status, &payload);
            answer(verdict, Some(status), code, evidence, request_id)
        }
    }
}

/// What an answer means that a provider has nothing of its own to say about.
///
/// A redirect is never followed and a server error can come after the change: both are in doubt. A
/// refused credential changed nothing. Everything else is unclear, which is in doubt too.
pub fn otherwise(status: u16) -> (AnswerVerdict, &'static str) {
    match status {
        300..=399 => (AnswerVerdict::Unknown, "call.redirected"),
        401 => (AnswerVerdict::Refused, "call.credentials"),
        500.. => (AnswerVerdict::Unknown, "call.server-error"),
        _ => (AnswerVerdict::Unknown, "call.unclear"),
    }
}
