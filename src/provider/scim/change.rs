//! The requests that change a user, in the forms that servers in the field want, and what their
//! answers mean.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use crate::provider::AnswerVerdict;
use crate::provider::answer::otherwise;
use crate::provider::http::Body;
use crate::provider::http::Payload;
use crate::provider::http::Request;
use crate::provider::scim::form::Dislike;
use crate::provider::scim::form::Form;
use crate::provider::scim::people;

const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// The media type.
pub(super) use crate::scim::MEDIA;

/// What only the server writes, and what a server shows masked if at all.
const NOT_WRITTEN: [&str; 3] = ["meta", "groups", "password"];

/// Sets `active` of a user, who was just read, in one of the forms.
pub(super) fn request(path: &str, user: &Value, active: bool, form: Form, plain: bool) -> Request {
    let (method, body) = match form.whole {
        true => (Method::PUT, whole(user, value(active, form))),
        false => (Method::PATCH, patch(value(active, form), form)),
    };
    let text = body.to_string();
    let body = match plain {
        true => Body::Json(text),
        false => Body::Typed(MEDIA, text),
    };
    Request {
        body,
        ..Request::new(method, path)
    }
}

fn value(active: bool, form: Form) -> Value {
    match (form.text, active) {
        (true, true) => json!("True"),
        (true, false) => json!("False"),
        (false, active) => json!(active),
    }
}

fn patch(value: Value, form: Form) -> Value {
    let op = if form.capital { "Replace" } else { "replace" };
    let operation = match form.object {
        true => json!({ "op": op, "value": { "active": value } }),
        false => json!({ "op": op, "path": "active", "value": value }),
    };
    json!({ "schemas": [PATCH_OP], "Operations": [operation] })
}

/// The whole user as just read, with another `active`.
fn whole(user: &Value, value: Value) -> Value {
    let mut body = shown(user);
    if let Value::Object(fields) = &mut body {
        fields.retain(|name, _| {
            let is = |other: &str| name.eq_ignore_ascii_case(other);
            !NOT_WRITTEN.iter().any(|other| is(other)) && !is("active")
        });
        fields.insert("active".to_owned(), value);
    }
    body
}

/// A user without secrets, for the before-image.
pub(super) fn shown(user: &Value) -> Value {
    let mut user = user.clone();
    if let Value::Object(fields) = &mut user {
        fields.retain(|name, _| !name.eq_ignore_ascii_case("password"));
    }
    user
}

/// What the answer to a change of `active` means.
pub(super) fn judge_active(
    status: u16,
    payload: &Payload,
    wanted: bool,
) -> (AnswerVerdict, &'static str) {
    if dislike(status, payload).is_some() {
        return (AnswerVerdict::Failed, "call.other-form");
    }
    match (status, payload) {
        (204, _) | (200, Payload::Empty) => (AnswerVerdict::Done, "call.done"),
        (200, Payload::Json(body)) if !people::is_error(body) => match people::active(body) {
            Ok(Some(active)) if active == wanted => (AnswerVerdict::Done, "call.done"),
            // some answer with nothing of the user in it: reading back tells
            Ok(None) if body.is_object() => (AnswerVerdict::Done, "call.done"),
            _ => (AnswerVerdict::Unknown, "call.not-confirmed"),
        },
        _ => judge_refusal(status, payload),
    }
}

/// What a server disliked about the form of a change that it did not make, if that is so
/// (RFC 7644, 3.12 and table 9).
pub(super) fn dislike(status: u16, payload: &Payload) -> Option<Dislike> {
    let body = match (status, payload) {
        (405 | 501, _) => return Some(Dislike::Patch),
        (415, _) => return Some(Dislike::Media),
        (428, _) => return Some(Dislike::Version),
        (400 | 422, Payload::Json(body)) if people::is_error(body) => body,
        _ => return None,
    };
    let kind = people::member(body, "scimType").and_then(Value::as_str);
    let kind = kind.unwrap_or_default().to_ascii_lowercase();
    match kind.as_str() {
        "invalidpath" | "notarget" => Some(Dislike::Path),
        "invalidvalue" => Some(Dislike::Value),
        "invalidsyntax" => Some(Dislike::Syntax),
        "" => Some(Dislike::Something),
        _ => None,
    }
}

/// What the answer to a DELETE means.
pub(super) fn judge_delete(status: u16, payload: &Payload) -> (AnswerVerdict, &'static str) {
    match (status, payload) {
        (200 | 202 | 204, Payload::Empty) => (AnswerVerdict::Done, "call.done"),
        (200 | 202 | 204, Payload::Json(body)) if !people::is_error(body) => {
            (AnswerVerdict::Done, "call.done")
        }
        (404, Payload::Json(body)) if people::is_error(body) => {
            (AnswerVerdict::Already, "call.already")
        }
        (428, _) => (AnswerVerdict::Failed, "call.other-form"),
        _ => judge_refusal(status, payload),
    }
}

/// A SCIM error says that nothing was changed; anything else with such a status is unclear.
fn judge_refusal(status: u16, payload: &Payload) -> (AnswerVerdict, &'static str) {
    match (status, payload) {
        (412, _) => (AnswerVerdict::Failed, "call.changed-meanwhile"),
        (405 | 501, _) => (AnswerVerdict::Refused, "call.not-possible"),
        (404, Payload::Json(body)) if people::is_error(body) => {
            (AnswerVerdict::Refused, "call.not-found")
        }
        (400 | 403 | 409 | 422, Payload::Json(body)) if people::is_error(body) => {
            (AnswerVerdict::Refused, "call.refused")
        }
        _ => otherwise(status),
    }
}
