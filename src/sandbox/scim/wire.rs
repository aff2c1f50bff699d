//! How answers are written: errors, dates, media types.

use chrono::{DateTime, FixedOffset, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use crate::sandbox::{
    scim::settings::{DateForm, Settings},
    tenant::Answer,
};

/// The schema of a user.
pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The schema of the enterprise extension.
pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// The schema of a list.
pub(crate) const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
/// The schema of a patch.
pub(crate) const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
/// The media type.
pub(crate) const MEDIA: &str = "application/scim+json";

/// Makes an answer of the media type that is set.
pub(crate) fn answer(settings: &Settings, status: u16, body: Value) -> Answer {
    let answer = Answer::json(status, body);
    if settings.plain_json {
        return answer;
    }
    answer.with("content-type", MEDIA)
}

/// Makes an error.
pub(crate) fn refusal(status: u16, detail: &str) -> Answer {
    // RFC 7644 has the status as a text.
    let body = json!({ "schemas": [ERROR], "status": status.to_string(), "detail": detail });
    Answer::json(status, body).with("content-type", MEDIA)
}

/// Makes a 400 with its `scimType`.
pub(crate) fn bad(scim_type: &str, detail: &str) -> Answer {
    typed(400, scim_type, detail)
}

/// Makes an error with a `scimType`.
pub(crate) fn typed(status: u16, scim_type: &str, detail: &str) -> Answer {
    let body = json!({
        "schemas": [ERROR],
        "scimType": scim_type,
        "status": status.to_string(),
        "detail": detail,
    });
    Answer::json(status, body).with("content-type", MEDIA)
}

/// Says that there is no such user.
pub(crate) fn no_user(id: &str) -> Answer {
    refusal(404, &format!("Resource {id} not found"))
}

/// Writes a date.
pub(crate) fn date(settings: &Settings, at: DateTime<Utc>) -> String {
    match settings.dates {
        DateForm::Seconds => at.to_rfc3339_opts(SecondsFormat::Secs, true),
        DateForm::Millis => at.to_rfc3339_opts(SecondsFormat::Millis, true),
        DateForm::SevenDigits => {
            let ticks = at.timestamp_subsec_nanos() / 100 % 10_000_000;
            format!("{}.{ticks:07}Z", at.format("%Y-%m-%dT%H:%M:%S"))
        }
        DateForm::Offset => match FixedOffset::east_opt(7200) {
            Some(zone) => at
                .with_timezone(&zone)
                .to_rfc3339_opts(SecondsFormat::Secs, false),
            None => at.to_rfc3339_opts(SecondsFormat::Secs, false),
        },
    }
}

/// Returns a parameter's first value, whatever the case of its name.
pub(crate) fn param<'a>(params: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut found = params.iter();
    let found = found.find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_str())
}

/// Returns the objects of an answer, for faults.
pub(crate) fn items(body: &mut Value) -> Vec<&mut Map<String, Value>> {
    if body.get("Resources").is_some_and(Value::is_array) {
        let list = body.get_mut("Resources").and_then(Value::as_array_mut);
        let items = list.into_iter().flatten();
        return items.filter_map(Value::as_object_mut).collect();
    }
    body.as_object_mut().into_iter().collect()
}
