//! Fields of JSON objects, where a wrong type is an error that names the field and nobody.

use serde_json::Value;

use crate::domain::time::Time;
use crate::provider::listing::Fault;

/// A text; absent, null and blank are the same.
pub fn text<'a>(item: &'a Value, field: &str) -> Result<Option<&'a str>, Fault> {
    match item.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Fault::Unreadable(field.to_owned())),
    }
}

/// A yes or no; null or absent as `None`, any other type is an error.
pub fn flag(item: &Value, field: &str) -> Result<Option<bool>, Fault> {
    match item.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(Fault::Unreadable(field.to_owned())),
    }
}

/// A non-negative integer, also as text in digits (several services send both).
pub fn unsigned(item: &Value, field: &str) -> Option<u64> {
    match item.get(field)? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// An identifier that services send as text or as integer; always compared as text.
pub fn id(item: &Value, field: &str) -> Option<String> {
    match item.get(field)? {
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Value::Number(number) => number
            .as_u64()
            .map(|n| n.to_string())
            .or_else(|| number.as_i64().map(|n| n.to_string())),
        _ => None,
    }
}

/// A moment in RFC 3339 with any number of fractional digits and any offset; absent, null and blank
/// are `None`. Something unreadable is an error: it must not pass for "never".
pub fn time(item: &Value, field: &str) -> Result<Option<Time>, Fault> {
    let Some(text) = text(item, field)? else {
        return Ok(None);
    };
    match Time::parse(text) {
        Some(time) => Ok(Some(time)),
        None => Err(Fault::Unreadable(field.to_owned())),
    }
}

/// The list under a field, or the value itself if the field is empty.
pub fn list<'a>(body: &'a Value, field: &str) -> Result<&'a Vec<Value>, Fault> {
    let value = if field.is_empty() {
        Some(body)
    } else {
        body.get(field)
    };
    value
        .and_then(Value::as_array)
        .ok_or_else(|| Fault::Unreadable(format!("{field} is not a list")))
}
