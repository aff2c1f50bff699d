//! The tenant's wire format: envelopes, errors, dates, parameters.

use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset, NaiveDateTime, TimeZone, Utc};
use serde_json::{Map, Value, json};

use crate::sandbox::tenant::{Answer, Body, Call};

/// One parsed value: a missing one is absent, a repeated one keeps the last.
pub(crate) type Params = BTreeMap<String, String>;

/// Makes a success envelope round one object.
pub(crate) fn ok(href: &str, response: Value) -> Answer {
    success(href, response, 1, None)
}

/// Makes the success envelope round nothing at all.
pub(crate) fn nothing(href: &str, left_out: bool) -> Answer {
    let mut answer = ok(href, Value::Null);
    if let (true, Body::Json(Value::Object(envelope))) = (left_out, &mut answer.body) {
        envelope.remove("response");
    }
    answer
}

/// Makes a success envelope round a list, with a count that the caller chooses: the service
/// miscounts some of its lists.
pub(crate) fn success(href: &str, response: Value, count: usize, total: Option<usize>) -> Answer {
    let mut envelope = Map::new();
    envelope.insert("response".into(), response);
    envelope.insert("count".into(), json!(count));
    if let Some(total) = total {
        envelope.insert("total".into(), json!(total));
    }
    envelope.insert("links".into(), json!([{ "href": href, "action": "GET" }]));
    envelope.insert("status".into(), json!(0));
    envelope.insert("statusCode".into(), json!(200));
    Answer::json(200, Value::Object(envelope))
}

/// Makes the error envelope of a status, as the service's exception handler does.
pub(crate) fn error(status: u16, message: &str) -> Answer {
    let (kind, hresult) = match status {
        400 => ("System.ArgumentException", -2_147_024_809),
        401 => (
            "System.Security.Authentication.AuthenticationException",
            -2_146_233_087,
        ),
        402 => ("ASC.Core.Billing.BillingException", -2_146_233_088),
        403 if message == "Access denied" => ("System.Security.SecurityException", -2_146_233_078),
        403 | 409 => ("System.InvalidOperationException", -2_146_233_079),
        404 => ("ASC.Common.Web.ItemNotFoundException", -2_146_233_088),
        _ => ("System.NullReferenceException", -2_147_467_261),
    };
    // A trace as long and as telling as real ones, so that one that is stored can be seen.
    let stack =
        "   at ASC.Sandbox.StackTraceMarker(String tenant) in /src/Sandbox.cs:line 1\n".repeat(12);
    Answer::json(
        status,
        json!({
            "error": { "message": message, "type": kind, "stack": stack, "hresult": hresult },
            "status": 1,
            "statusCode": status,
        }),
    )
}

/// Makes the 400 of a model that did not validate; the errors stand below `response`.
pub(crate) fn invalid(field: &str, message: &str) -> Answer {
    Answer::json(
        400,
        json!({
            "response": {
                "type": "https://tools.ietf.org/html/rfc9110#section-15.5.1",
                "title": "One or more validation errors occurred.",
                "status": 400,
                "errors": { field: [message] },
            },
            "status": 1,
            "statusCode": 400,
        }),
    )
}

/// Writes a date as the service does: seven digits of fraction and the tenant's offset.
pub(crate) fn date(at: DateTime<Utc>, zone_minutes: i32) -> String {
    let fraction = at.timestamp_subsec_nanos() / 100;
    match FixedOffset::east_opt(zone_minutes.saturating_mul(60)) {
        Some(zone) if zone_minutes != 0 => {
            let local = zone.from_utc_datetime(&at.naive_utc());
            format!(
                "{}.{fraction:07}{}",
                local.format("%Y-%m-%dT%H:%M:%S"),
                zone
            )
        }
        _ => format!("{}.{fraction:07}Z", at.format("%Y-%m-%dT%H:%M:%S")),
    }
}

/// Reads a date parameter; refuses what the service's exact formats refuse.
///
/// Only no fraction, 3 or 7 digits are parsed (else 400); a date without Z or offset runs into a
/// null reference there (500).
pub(crate) fn parse_date(field: &str, text: &str) -> Result<DateTime<Utc>, Answer> {
    let refused = || invalid(field, &format!("The value '{text}' is not valid."));
    let zoneless = || error(500, "Object reference not set to an instance of an object.");
    let (local, offset) = split_zone(text);
    if !local.is_ascii() {
        return Err(refused());
    }
    let (seconds, fraction) = match local.split_once('.') {
        Some((seconds, fraction)) => (seconds, Some(fraction)),
        None => (local, None),
    };
    if let Some(fraction) = fraction
        && !(matches!(fraction.len(), 3 | 7) && fraction.bytes().all(|b| b.is_ascii_digit()))
    {
        return Err(refused());
    }
    // chrono takes one-digit fields, the service's exact formats do not: hold the length.
    let whole = match (seconds.len(), fraction) {
        (19, _) => seconds.to_owned(),
        (10, None) => format!("{seconds}T00:00:00"),
        _ => return Err(refused()),
    };
    let whole =
        NaiveDateTime::parse_from_str(&whole, "%Y-%m-%dT%H:%M:%S").map_err(|_| refused())?;
    let nanos: u32 = fraction
        .map_or(Ok(0), |f| format!("{f:0<9}").parse())
        .map_err(|_| refused())?;
    let offset = offset.ok_or_else(zoneless)?;
    let zone = parse_offset(offset).ok_or_else(refused)?;
    let at = zone
        .from_local_datetime(&whole)
        .single()
        .ok_or_else(refused)?;
    Ok(at.to_utc() + chrono::TimeDelta::nanoseconds(i64::from(nanos)))
}

fn split_zone(text: &str) -> (&str, Option<&str>) {
    if let Some(local) = text.strip_suffix('Z') {
        return (local, Some("Z"));
    }
    // "+hh:mm" has six characters; a date's own dashes stand further to the front.
    match text
        .len()
        .checked_sub(6)
        .and_then(|at| text.split_at_checked(at))
    {
        Some((local, zone)) if zone.starts_with(['+', '-']) && zone.contains(':') => {
            (local, Some(zone))
        }
        _ => (text, None),
    }
}

fn parse_offset(text: &str) -> Option<FixedOffset> {
    if text == "Z" {
        return FixedOffset::east_opt(0);
    }
    let (sign, rest) = text.split_at_checked(1)?;
    let (hours, minutes) = rest.split_once(':')?;
    let seconds = hours.parse::<i32>().ok()? * 3600 + minutes.parse::<i32>().ok()? * 60;
    FixedOffset::east_opt(if sign == "-" { -seconds } else { seconds })
}

/// Reads a query string as the service's binder does: names without regard to case.
pub(crate) fn params(call: &Call<'_>) -> Params {
    let params = call.params().into_iter();
    params
        .map(|(name, value)| (name.to_lowercase(), value))
        .collect()
}

/// Reads a whole number in a range; an empty or absent one is the default.
pub(crate) fn number(
    params: &Params,
    field: &str,
    default: usize,
    range: std::ops::RangeInclusive<usize>,
) -> Result<usize, Answer> {
    let Some(text) = params
        .get(&field.to_lowercase())
        .filter(|text| !text.is_empty())
    else {
        return Ok(default);
    };
    match text.parse::<usize>() {
        Ok(value) if range.contains(&value) => Ok(value),
        Ok(_) => Err(invalid(
            field,
            &format!(
                "The field {field} must be between {} and {}.",
                range.start(),
                if *range.end() == usize::MAX {
                    2_147_483_647
                } else {
                    *range.end()
                }
            ),
        )),
        Err(_) => Err(invalid(field, &format!("The value '{text}' is not valid."))),
    }
}

/// Encodes a display name as the service does, who escapes it for HTML before sending it as JSON.
pub(crate) fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{A0}'..='\u{FF}' => out.push_str(&format!("&#{};", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use chrono::{DateTime, Utc};

    use super::{Answer, date, html, parse_date};

    fn parse(text: &str) -> Result<DateTime<Utc>, u16> {
        parse_date("from", text).map_err(|answer: Answer| answer.status)
    }

    #[test]
    fn only_the_published_date_formats_are_taken() {
        let expected: DateTime<Utc> = "2026-01-02T09:00:00Z".parse().unwrap();
        assert_eq!(parse("2026-01-02T09:00:00Z"), Ok(expected));
        assert_eq!(parse("2026-01-02T10:00:00+01:00"), Ok(expected));
        assert_eq!(parse("2026-01-02T09:00:00.000Z"), Ok(expected));
        assert_eq!(parse("2026-01-02T09:00:00.0000000Z"), Ok(expected));
        assert_eq!(parse("2026-01-02T09:00:00.107439+00:00"), Err(400));
        assert_eq!(parse("2026-01-02T09:00:00.123456789Z"), Err(400));
        assert_eq!(parse("2026-1-2T09:00:00Z"), Err(400));
        assert_eq!(parse("2026-01-02T09:00:00 00:00"), Err(400));
        assert_eq!(parse("yesterday"), Err(400));
        assert_eq!(parse("2026-01-02T09:00:00"), Err(500));
        assert_eq!(parse("2026-01-02"), Err(500));
        assert_eq!(parse("äöü"), Err(400));
    }

    #[test]
    fn dates_go_out_with_seven_digits_and_the_tenants_offset() {
        let at: DateTime<Utc> = "2026-01-02T09:00:00.1234567Z".parse().unwrap();
        assert_eq!(date(at, 0), "2026-01-02T09:00:00.1234567Z");
        assert_eq!(date(at, 60), "2026-01-02T10:00:00.1234567+01:00");
        assert_eq!(date(at, -210), "2026-01-02T05:30:00.1234567-03:30");
    }

    #[test]
    fn display_names_are_encoded_for_html() {
        assert_eq!(
            html("Rosa O'Hara & Ødegård"),
            "Rosa O&#39;Hara &amp; &#216;deg&#229;rd"
        );
    }
}
