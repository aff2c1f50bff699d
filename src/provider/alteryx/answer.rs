//! What answers mean: the vendor's envelopes, reads, and changes.
//!
//! The same host answers in several shapes: `{"exception":…}` of the API, `{"fault":…}` of the
//! gateway, `{"kind","message"}` of the services behind it, and HTML of the web server. Only the
//! first says something about an account.

use serde_json::Value;

use crate::domain::account::Do;
use crate::provider::Answer;
use crate::provider::AnswerVerdict;
use crate::provider::ProviderError;
use crate::provider::answer::judge as judge_sent;
use crate::provider::answer::otherwise;
use crate::provider::http::Page;
use crate::provider::http::Payload;
use crate::provider::http::Sent;

/// Who speaks in an answer that is no success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Voice<'a> {
    /// The API, with the name of its exception.
    Exception(&'a str),
    /// The gateway in front of it, with its word for what is wrong.
    Gateway(&'a str),
    /// A service behind it.
    Service,
    /// Something else.
    Other,
}

/// Tells who speaks; names are cut down to words, since they get into messages.
pub(super) fn voice(payload: &Payload) -> Voice<'_> {
    let Payload::Json(body) = payload else {
        return Voice::Other;
    };
    if let Some(exception) = body.get("exception").filter(|e| e.is_object()) {
        return Voice::Exception(word(exception.get("name")));
    }
    if let Some(fault) = body.get("fault").filter(|f| f.is_object()) {
        let code = fault.get("detail").and_then(|d| d.get("errorcode"));
        return Voice::Gateway(word(code));
    }
    let service = body.get("kind").is_some() && body.get("message").is_some();
    if service {
        Voice::Service
    } else {
        Voice::Other
    }
}

fn word(value: Option<&Value>) -> &str {
    let text = value.and_then(Value::as_str).unwrap_or("no name");
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    match text.len() <= 64 && text.chars().all(plain) {
        true => text,
        false => "no name",
    }
}

/// Whether an answer is the API's own word that there is no such thing; that there is no such
/// *route* is quite another.
pub(super) fn is_absent(status: u16, payload: &Payload) -> bool {
    status == 404 && voice(payload) == Voice::Exception("DataNotFoundException")
}

/// The document of a read that succeeded, or the error that the answer stands for; `path` is the
/// name of the path in the configuration, `what` the right in words.
pub(super) fn success(
    page: Page,
    at: &str,
    path: &str,
    what: &str,
) -> Result<Value, ProviderError> {
    let failed = failure(page.status, &page.payload, at, path, what);
    match page.payload {
        Payload::Json(body) if page.status == 200 && !is_envelope(&body) => Ok(body),
        _ => Err(failed),
    }
}

fn is_envelope(body: &Value) -> bool {
    ["exception", "fault"]
        .iter()
        .any(|name| body.get(name).is_some_and(Value::is_object))
}

/// What an answer to a read means that is no success.
pub(super) fn failure(
    status: u16,
    payload: &Payload,
    at: &str,
    path: &str,
    what: &str,
) -> ProviderError {
    let at = at.to_owned();
    let voice = voice(payload);
    let heard = match (payload, voice) {
        (_, Voice::Exception(name) | Voice::Gateway(name)) => format!(" ({name})"),
        (Payload::Other(kind), _) => format!(" ({kind})"),
        _ => String::new(),
    };
    match (status, voice) {
        (400..=499, Voice::Gateway(_)) if heard.contains("ApiKey") => {
            ProviderError::Configuration {
                what: format!(
                    "the gateway at {at} does not know the API project{heard}; set \
                     headers = {{ x-api-project-id = \"…\" }}"
                ),
            }
        }
        (401, _) => ProviderError::Credentials { at },
        (403, _) => ProviderError::Rights {
            at,
            what: what.to_owned(),
        },
        (404 | 410, voice) if voice != Voice::Exception("DataNotFoundException") => {
            ProviderError::Configuration {
                what: format!(
                    "{at} has no route for {what}: HTTP {status}{heard}; see `url`, and \
                     `paths.{path}` of the tenant"
                ),
            }
        }
        _ => ProviderError::Unreadable {
            at,
            what: format!("{what}: HTTP {status}{heard}"),
        },
    }
}

/// Judges the answer to one change.
pub(super) fn judge(does: Do, sent: Sent) -> Answer {
    judge_sent(sent, |status, payload| says(does, status, payload))
}

/// Any 2xx is a success, whatever its body: the vendor answers deletions with 204, 201, a list, or
/// nothing. A removal and a suspension are read back besides. A transfer cannot be, and what it did
/// not hand over is lost with the account: an HTML page or an error within a 2xx is no success of
/// it.
fn says(does: Do, status: u16, payload: &Payload) -> (AnswerVerdict, &'static str) {
    use AnswerVerdict::Already;
    use AnswerVerdict::Done;
    use AnswerVerdict::Refused;
    use AnswerVerdict::Unknown;
    let gone_is_enough = matches!(does, Do::Disable | Do::Remove);
    match (status, voice(payload)) {
        (200..=299, voice) if does == Do::Transfer => match (payload, voice) {
            (Payload::Other("HTML"), _) => (Unknown, "call.unexpected-answer"),
            (_, Voice::Exception(_) | Voice::Gateway(_)) => (Unknown, "call.unclear"),
            _ => (Done, "call.done"),
        },
        (200..=299, _) => (Done, "call.done"),
        (401, _) => otherwise(status),
        (404, Voice::Exception("DataNotFoundException")) | (410, _) => match gone_is_enough {
            true => (Already, "call.already"),
            false => (Refused, "call.not-found"),
        },
        (404, _) | (400..=499, Voice::Gateway(_)) => (Refused, "call.unknown-route"),
        (400..=499, Voice::Exception(_) | Voice::Service) => (Refused, "call.refused"),
        _ => otherwise(status),
    }
}
