//! The forms in which the API, its gateway and its web server answer.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::sandbox::{
    alteryx::settings::{NoRoute, Unauthorized},
    tenant::Answer,
};

/// Parameters of a query in their order.
pub(crate) type Params = [(String, String)];

/// Makes the API's error envelope.
pub(crate) fn exception(
    status: u16,
    name: &str,
    message: &str,
    details: impl Into<Value>,
) -> Answer {
    let details: Value = details.into();
    Answer::json(
        status,
        json!({ "exception": { "name": name, "message": message, "details": details } }),
    )
}

/// Makes the 400 of values that are of the wrong form.
pub(crate) fn invalid(details: &str) -> Answer {
    exception(
        400,
        "ApiValidationFailed",
        "Input validation failed",
        details,
    )
}

/// Makes the 400 of values that are well formed and make no sense.
pub(crate) fn senseless(details: &str) -> Answer {
    exception(400, "ValidationFailed", "Input validation failed", details)
}

/// Makes the 403 of somebody who may not.
pub(crate) fn forbidden(details: &str) -> Answer {
    exception(403, "AccessControlException", "Access denied", details)
}

/// Makes the 404 of a resource that is not there.
pub(crate) fn not_found(what: &str) -> Answer {
    // An object, as `details` may be both.
    let details = json!({ "resource": what });
    exception(
        404,
        "DataNotFoundException",
        "The requested data was not found",
        details,
    )
}

/// Makes the 410 of something that is gone.
pub(crate) fn gone(details: &str) -> Answer {
    exception(410, "GoneException", "Gone", details)
}

/// Makes the answer of a route that is not there.
pub(crate) fn no_route(form: NoRoute, method: &str, path: &str) -> Answer {
    let cannot = format!("Cannot {method} {path}");
    match form {
        NoRoute::Exception => exception(
            404,
            "RouteNotFoundException",
            "This route does not exist",
            cannot,
        ),
        NoRoute::Gone => gone(&cannot),
        NoRoute::ExpressHtml => Answer::raw(
            404,
            "text/html; charset=utf-8",
            format!(
                "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<title>Error</title>\n</head>\n\
                 <body>\n<pre>{cannot}</pre>\n</body>\n</html>\n"
            ),
        ),
    }
}

/// Makes the gateway's error.
pub(crate) fn fault(status: u16, text: &str, code: &str) -> Answer {
    Answer::json(
        status,
        json!({ "fault": { "faultstring": text, "detail": { "errorcode": code } } }),
    )
}

/// Makes the answer to an access token that is missing, unknown or past its time.
pub(crate) fn unauthorized(form: Unauthorized) -> Answer {
    match form {
        Unauthorized::Apigee => fault(401, "Invalid access token", "oauth.v2.InvalidAccessToken"),
        Unauthorized::Exception => {
            exception(401, "MissingPersonException", "Unauthorized", Value::Null)
        }
        Unauthorized::Empty => Answer::raw(401, "text/plain", ""),
    }
}

/// Makes the API's error of a status, for an ordered fault.
pub(crate) fn refusal(status: u16, message: &str) -> Answer {
    let name = match status {
        400 => "ValidationFailed",
        401 => "MissingPersonException",
        403 => "AccessControlException",
        404 => "DataNotFoundException",
        410 => "GoneException",
        429 => "TooManyRequestsException",
        _ => "InternalServerError",
    };
    exception(status, name, message, message)
}

/// Makes an answer without a body.
pub(crate) fn empty(status: u16) -> Answer {
    Answer::raw(status, "application/json; charset=utf-8", "")
}

/// Writes a time as the API does: milliseconds and Z.
pub(crate) fn date(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Returns a parameter; of a repeated one the last.
pub(crate) fn param<'a>(params: &'a Params, name: &str) -> Option<&'a str> {
    let found = params.iter().rev().find(|(other, _)| other == name);
    found.map(|(_, value)| value.as_str())
}

/// Returns whether a parameter says "true".
pub(crate) fn flag(params: &Params, name: &str) -> bool {
    param(params, name) == Some("true")
}

/// Reads a whole number of at least `least`; an absent one is the default.
pub(crate) fn number(
    params: &Params,
    name: &str,
    default: usize,
    least: usize,
) -> Result<usize, Answer> {
    let Some(text) = param(params, name) else {
        return Ok(default);
    };
    let value = text.parse::<usize>().ok().filter(|value| *value >= least);
    value.ok_or_else(|| invalid(&format!("\"{name}\" must be a number of at least {least}")))
}
