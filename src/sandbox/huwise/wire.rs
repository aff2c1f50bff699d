//! How answers are written: errors, pages, dates, users.

use chrono::{DateTime, FixedOffset, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use crate::sandbox::{
    huwise::{
        model::{User, World},
        settings::{NoPermissions, Settings, Shape, Total},
    },
    tenant::{Answer, Call},
};

/// Makes an error of the usual shape.
pub(crate) fn error(status: u16, code: &str, message: &str) -> Answer {
    Answer::json(status, json!({ "error_code": code, "message": message }))
}

/// Makes the error that stands for a status.
pub(crate) fn refusal(status: u16, message: &str) -> Answer {
    let code = match status {
        401 => "unauthorized",
        403 => "forbidden",
        404 => "not_found",
        405 => "method_not_allowed",
        429 => "too_many_requests",
        500.. => "internal_error",
        _ => "bad_request",
    };
    if status >= 500 {
        let trace = uuid::Uuid::new_v4().simple().to_string();
        let body = json!({ "error_code": code, "message": message, "trace_id": trace });
        return Answer::json(status, body);
    }
    error(status, code, message)
}

/// Says that something is not there.
pub(crate) fn not_found() -> Answer {
    error(404, "not_found", "Not found.")
}

/// Says which field of a request is no good.
pub(crate) fn invalid(field: &str, why: &str) -> Answer {
    Answer::json(400, invalid_body(field, why))
}

/// Writes which field is no good.
pub(crate) fn invalid_body(field: &str, why: &str) -> Value {
    json!({
        "error_code": "validation_error",
        "message": "Invalid input",
        "detail": { field: [why] },
    })
}

/// Refuses a caller in one of the shapes.
pub(crate) fn refused(status: u16, shape: Shape, message: &str) -> Answer {
    match shape {
        Shape::Default => refusal(status, message),
        Shape::Detail => Answer::json(status, json!({ "detail": message })),
        Shape::Html => {
            let page = format!("<!DOCTYPE html><html><body><h1>{message}</h1></body></html>");
            Answer::raw(status, "text/html; charset=utf-8", page)
        }
        Shape::Empty => Answer::raw(status, "text/plain", ""),
    }
}

/// Returns the values of a parameter, repeated, in brackets or separated by commas.
pub(crate) fn values(params: &[(String, String)], name: &str) -> Vec<String> {
    let of_name = params
        .iter()
        .filter(|(key, _)| key == name || key.strip_suffix("[]").is_some_and(|key| key == name));
    of_name
        .flat_map(|(_, value)| value.split(','))
        .filter(|value| !value.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The part of a list that was asked for.
#[derive(Debug)]
pub(crate) struct Window {
    limit: usize,
    offset: usize,
}

impl Window {
    /// Reads `limit` and `offset`.
    pub(crate) fn read(settings: &Settings, params: &[(String, String)]) -> Result<Self, Answer> {
        let number = |name: &str, default: usize| match params.iter().find(|(key, _)| key == name) {
            None => Ok(default),
            Some((_, value)) => value
                .parse()
                .map_err(|_| invalid(name, "A valid integer is required.")),
        };
        let (limit, offset) = (number("limit", 20)?, number("offset", 0)?);
        if limit > 1000 && settings.refuse_over_limit {
            let why = "Ensure this value is less than or equal to 1000.";
            return Err(invalid("limit", why));
        }
        let limit = limit.min(1000).min(settings.page_cap.unwrap_or(usize::MAX));
        Ok(Self { limit, offset })
    }

    /// Answers with this part of a list.
    pub(crate) fn answer<T>(
        &self,
        settings: &Settings,
        call: &Call<'_>,
        all: &[T],
        write: impl Fn(&T) -> Option<Value>,
    ) -> Answer {
        let page = all.iter().skip(self.offset).take(self.limit);
        let results: Vec<Value> = page.filter_map(write).collect();
        let end = self.offset.saturating_add(self.limit);
        let next = (end < all.len()).then_some(end);
        let previous = (self.offset > 0).then(|| self.offset.saturating_sub(self.limit));
        let total = i64::try_from(all.len())
            .unwrap_or(i64::MAX)
            .saturating_add(settings.total_shift);
        let total = match settings.total {
            Total::Number => json!(total),
            Total::Text => json!(total.to_string()),
            Total::Null => Value::Null,
        };
        let body = json!({
            "total_count": total,
            "next": next.and_then(|offset| self.link(settings, call, offset)),
            "previous": previous.and_then(|offset| self.link(settings, call, offset)),
            "results": results,
        });
        Answer::json(200, body)
    }

    fn link(&self, settings: &Settings, call: &Call<'_>, offset: usize) -> Option<String> {
        if settings.no_next || self.limit == 0 {
            return None;
        }
        let origin = settings.next_origin.as_deref().unwrap_or(call.origin);
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in call.params() {
            // The key must not travel in an answer.
            if !matches!(name.as_str(), "limit" | "offset" | "apikey") {
                query.append_pair(&name, &value);
            }
        }
        query.append_pair("limit", &self.limit.to_string());
        query.append_pair("offset", &offset.to_string());
        Some(format!("{origin}{}?{}", call.path, query.finish()))
    }
}

/// Writes a date with so many fractional digits, which cut and do not round.
pub(crate) fn date(settings: &Settings, at: DateTime<Utc>, digits: usize) -> String {
    let seconds = settings.offset_minutes.saturating_mul(60);
    let zone = FixedOffset::east_opt(seconds).or_else(|| FixedOffset::east_opt(0));
    let nanos = format!("{:09}", at.timestamp_subsec_nanos() % 1_000_000_000);
    let text = zone.map_or_else(
        || at.to_rfc3339_opts(SecondsFormat::Secs, false),
        |zone| {
            at.with_timezone(&zone)
                .to_rfc3339_opts(SecondsFormat::Secs, false)
        },
    );
    match (
        digits,
        text.split_at_checked(19),
        nanos.get(..digits.min(9)),
    ) {
        (1.., Some((whole, zone)), Some(part)) => format!("{whole}.{part}{zone}"),
        _ => text,
    }
}

/// Returns how many fractional digits the dates of a user's activity have.
fn digits(settings: &Settings, username: &str) -> usize {
    let sum = || username.bytes().map(usize::from).sum::<usize>() % 7;
    settings.fraction.map_or_else(sum, usize::from)
}

/// Writes a user; `expand` writes the groups out.
pub(crate) fn user(world: &World, settings: &Settings, user: &User, expand: bool) -> Value {
    let digits = digits(settings, &user.username);
    let used = |at: Option<DateTime<Utc>>| at.map(|at| date(settings, at, digits));
    let groups: Vec<Value> = world
        .groups_of(&user.username)
        .iter()
        .map(|uid| match world.groups.get(uid).filter(|_| expand) {
            Some(_) => group(world, uid),
            None => json!({ "uid": uid }),
        })
        .collect();
    let providers = user.providers.iter().map(|uid| json!({ "uid": uid }));
    let mut row = json!({
        "username": user.username,
        "display_name": display_name(user),
        "first_name": user.first_name,
        "last_name": user.last_name,
        "email": user.email,
        "is_active": user.active,
        "is_ods": user.ods,
        "account_type": user.account_type,
        "permissions": permissions(settings, user),
        "joined_at": date(settings, user.joined, 0),
        "last_seen_at": used(user.last_seen),
        "last_login_at": used(user.last_login),
        "expires_at": user.expires.map(|at| date(settings, at, 0)),
        "explore_limits": { "api_calls": { "limit": 2000, "unit": "day" } },
        "management_limits": {},
        "gravatar_url": "//sandbox.invalid/avatar",
        "groups": groups,
        "identity_providers": providers.collect::<Vec<_>>(),
    });
    if let Some(fields) = row.as_object_mut() {
        fields.retain(|name, _| !settings.hidden_fields.contains(name));
    }
    row
}

fn display_name(user: &User) -> String {
    let name = format!("{} {}", user.first_name, user.last_name);
    let name = name.trim();
    if name.is_empty() {
        &user.username
    } else {
        name
    }
    .to_owned()
}

fn permissions(settings: &Settings, user: &User) -> Value {
    match settings.no_permissions {
        NoPermissions::NullForAll => Value::Null,
        NoPermissions::Null if user.permissions.is_empty() => Value::Null,
        _ => json!(user.permissions),
    }
}

/// Writes a group.
pub(crate) fn group(world: &World, uid: &str) -> Value {
    let count = world.members(uid).map_or(0, |members| members.len());
    let Some(group) = world.groups.get(uid) else {
        return Value::Null;
    };
    json!({
        "uid": group.uid,
        "title": group.title,
        "description": "",
        "user_count": count,
        "permissions": group.permissions,
        "created_by": { "username": group.created_by },
    })
}

/// Returns the objects of an answer, for faults.
pub(crate) fn items(body: &mut Value) -> Vec<&mut Map<String, Value>> {
    if body.get("results").is_some_and(Value::is_array) {
        let list = body.get_mut("results").and_then(Value::as_array_mut);
        let items = list.into_iter().flatten();
        return items.filter_map(Value::as_object_mut).collect();
    }
    body.as_object_mut().into_iter().collect()
}
