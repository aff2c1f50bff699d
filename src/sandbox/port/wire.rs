//! The organisation's wire format: envelopes, errors, dates, parameters.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use crate::sandbox::tenant::{Answer, Call};

/// A refusal, boxed because it is large.
pub(crate) type Refused = Box<Answer>;

/// Makes a success with one field beside `ok`.
pub(crate) fn ok(field: &str, value: Value) -> Answer {
    let mut body = Map::new();
    body.insert("ok".into(), json!(true));
    body.insert(field.into(), value);
    Answer::json(200, Value::Object(body))
}

/// Makes a success without anything beside `ok`.
pub(crate) fn done() -> Answer {
    Answer::json(200, json!({ "ok": true }))
}

/// Makes an error with a code of its own.
pub(crate) fn coded(status: u16, code: &str, message: &str) -> Answer {
    let body = json!({ "ok": false, "error": code, "message": message });
    Answer::json(status, body)
}

/// Makes the error of a status.
pub(crate) fn error(status: u16, message: &str) -> Answer {
    let code = match status {
        401 => "unauthorized",
        403 => "forbidden",
        404 => "not_found",
        409 => "conflict",
        413 => "payload_too_large",
        422 => "invalid_request",
        429 => "too_many_requests",
        _ => "internal_error",
    };
    coded(status, code, message)
}

/// Makes the error of a request that does not validate.
pub(crate) fn invalid(message: &str) -> Refused {
    Box::new(error(422, message))
}

/// Makes the error of a thing that is not there.
pub(crate) fn not_found(kind: &str, identifier: &str) -> Answer {
    let message = format!("{kind} with identifier \"{identifier}\" was not found");
    error(404, &message)
}

/// Makes the error of a change to what SCIM manages.
pub(crate) fn scim_conflict() -> Refused {
    let message = "The user is managed by SCIM and cannot be changed here";
    Box::new(coded(409, "SCIM_CONFLICT", message))
}

/// Writes a date as the service does: milliseconds and Z.
pub(crate) fn date(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Reads a date of the query.
pub(crate) fn parse_date(field: &str, text: &str) -> Result<DateTime<Utc>, Refused> {
    DateTime::parse_from_rfc3339(text)
        .map(|at| at.to_utc())
        .map_err(|_| invalid(&format!("{field} must be a date-time")))
}

/// Returns the values of a parameter that may come several times, also with brackets.
pub(crate) fn values(call: &Call<'_>, name: &str) -> Vec<String> {
    let params = call.params().into_iter();
    params
        .filter(|(other, _)| other.strip_suffix("[]").unwrap_or(other) == name)
        .map(|(_, value)| value)
        .collect()
}

/// Returns the last value of a parameter.
pub(crate) fn value(call: &Call<'_>, name: &str) -> Option<String> {
    values(call, name).pop()
}

/// Reads a parameter that is true or false.
pub(crate) fn flag(call: &Call<'_>, name: &str) -> Result<Option<bool>, Refused> {
    match value(call, name).as_deref() {
        None => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(_) => Err(invalid(&format!("{name} must be boolean"))),
    }
}

/// Reads the body as an object.
pub(crate) fn object(call: &Call<'_>) -> Result<Map<String, Value>, Refused> {
    match call.json() {
        Some(Value::Object(fields)) => Ok(fields),
        _ => Err(invalid("body must be object")),
    }
}

/// Reads a list of texts.
pub(crate) fn texts(field: &str, value: &Value) -> Result<Vec<String>, Refused> {
    let texts = value.as_array().and_then(|list| {
        let texts = list.iter().map(|item| item.as_str().map(str::to_owned));
        texts.collect::<Option<Vec<_>>>()
    });
    texts.ok_or_else(|| invalid(&format!("{field} must be an array of strings")))
}
