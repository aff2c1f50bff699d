//! The security endpoints: login history, audit trail, retention, session lifetime; with the
//! service's traps.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::sandbox::{
    docspace::{
        model::{AuditEvent, LoginEvent, PERSONAL_MARKERS},
        people::is_admin,
        wire::{self, Params, date, number, parse_date},
        world::World,
    },
    tenant::Answer,
};

/// How many events both histories show without the audit tariff.
const DOWNGRADED: usize = 20;

/// What both histories can be asked for.
#[derive(Debug)]
struct Query {
    user: Option<Uuid>,
    action: Option<u16>,
    target: Option<String>,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
    count: usize,
    start: usize,
}

impl Query {
    fn read(params: &Params) -> Result<Self, Answer> {
        let text = |name: &str| params.get(name).filter(|text| !text.is_empty());
        let refused = |field: &str, value: &str| {
            wire::invalid(field, &format!("The value '{value}' is not valid."))
        };
        let day = |name: &str| text(name).map(|text| parse_date(name, text)).transpose();
        Ok(Self {
            user: text("userid")
                .map(|text| text.parse().map_err(|_| refused("userId", text)))
                .transpose()?
                .filter(|id: &Uuid| !id.is_nil()),
            // 0 is turned into "none": it does not mean the successful logins.
            action: text("action")
                .map(|text| text.parse::<i32>().map_err(|_| refused("action", text)))
                .transpose()?
                .filter(|action| *action > 0)
                .map(|action| u16::try_from(action).unwrap_or(u16::MAX)),
            target: text("target").cloned(),
            from: day("from")?,
            to: day("to")?,
            count: number(params, "count", 100, 1..=100)?,
            start: number(params, "startIndex", 0, 0..=usize::MAX)?,
        })
    }

    fn matches(&self, user: Uuid, action: u16, at: DateTime<Utc>) -> bool {
        self.user.is_none_or(|wanted| wanted == user)
            && self.action.is_none_or(|wanted| wanted == action)
            && self.from.is_none_or(|from| at >= from)
            && self.to.is_none_or(|to| at <= to)
    }
}

fn list(href: &str, items: Vec<Value>) -> Answer {
    let count = items.len();
    wire::success(href, Value::Array(items), count, None)
}

/// Answers `GET security/audit/login/filter`.
pub(crate) fn logins(world: &mut World, href: &str, params: &Params, now: DateTime<Utc>) -> Answer {
    if !is_admin(world) {
        return wire::error(403, "Access denied");
    }
    let query = match Query::read(params) {
        Ok(query) => query,
        Err(answer) => return answer,
    };
    let tariff = world.settings.audit_tariff;
    let newest_first = world.logins(now).iter().rev();
    let events: Vec<LoginEvent> = if tariff {
        // The page is cut first and filtered afterwards: an event that is not among the page's is
        // not found, however few are asked for.
        newest_first
            .skip(query.start)
            .take(query.count)
            .filter(|event| query.matches(event.user, event.action, event.at))
            .cloned()
            .collect()
    } else {
        newest_first.take(DOWNGRADED).cloned().collect()
    };
    list(
        href,
        events.iter().map(|event| login(world, event)).collect(),
    )
}

/// Answers `GET security/audit/events/filter`, which filters before it pages.
pub(crate) fn events(world: &mut World, href: &str, params: &Params, now: DateTime<Utc>) -> Answer {
    if !is_admin(world) {
        return wire::error(403, "Access denied");
    }
    let query = match Query::read(params) {
        Ok(query) => query,
        Err(answer) => return answer,
    };
    let tariff = world.settings.audit_tariff;
    let newest_first = world.audits(now).iter().rev();
    let events: Vec<AuditEvent> = if tariff {
        newest_first
            .filter(|event| query.matches(event.user, event.action, event.at))
            .filter(|event| {
                query
                    .target
                    .as_ref()
                    .is_none_or(|t| event.target.contains(t))
            })
            .skip(query.start)
            .take(query.count)
            .cloned()
            .collect()
    } else {
        newest_first.take(DOWNGRADED).cloned().collect()
    };
    list(
        href,
        events.iter().map(|event| audit(world, event)).collect(),
    )
}

/// Answers `GET security/audit/settings/lifetime`.
pub(crate) fn lifetime(world: &World, href: &str) -> Answer {
    if !is_admin(world) {
        return wire::error(403, "Access denied");
    }
    wire::ok(
        href,
        json!({
            "loginHistoryLifeTime": world.settings.login_history_days,
            "auditTrailLifeTime": world.settings.audit_trail_days,
        }),
    )
}

/// Answers `GET settings/cookiesettings`.
pub(crate) fn cookies(world: &World, href: &str) -> Answer {
    if !is_admin(world) {
        return wire::error(403, "Access denied");
    }
    wire::ok(
        href,
        json!({
            "lifeTime": world.settings.cookie_minutes,
            "enabled": world.settings.cookie_enabled,
        }),
    )
}

fn login(world: &World, event: &LoginEvent) -> Value {
    let user = world.user(event.user);
    let [address, city, browser, platform] = PERSONAL_MARKERS;
    json!({
        "id": event.id,
        "date": date(event.at, world.settings.zone_minutes),
        "user": user.map_or_else(|| "Unknown".to_owned(), |user| user.display_name()),
        "userId": event.user,
        "login": user.map_or("", |user| user.email.as_str()),
        "action": login_text(event.action),
        "actionId": event.action,
        "ip": format!("{address}{}", event.id % 254 + 1),
        "country": "Netherlands",
        "city": city,
        "browser": browser,
        "platform": platform,
        "page": "/login",
    })
}

fn login_text(action: u16) -> &'static str {
    match action {
        1002..=1005 | 1008 | 1009 | 1013 | 1014 | 1018 | 1020 | 1022 | 1023 | 1025 | 1026 => {
            "Login fail"
        }
        1006 => "Logout",
        1016 => "Session started",
        1017 => "Session completed",
        _ => "Login success",
    }
}

fn audit(world: &World, event: &AuditEvent) -> Value {
    let user = world
        .user(event.user)
        .map_or_else(|| "Unknown".into(), |user| user.display_name());
    let [address, city, browser, platform] = PERSONAL_MARKERS;
    let (text, module) = match event.action {
        4018 => ("User deleted", "Users"),
        4020 => ("Status of users changed", "Users"),
        4022 => ("Users deleted", "Users"),
        5000 => ("File created", "Documents"),
        5001 => ("File renamed", "Documents"),
        5002 => ("File updated", "Documents"),
        _ => ("Action done", "Settings"),
    };
    json!({
        "id": event.id,
        "date": date(event.at, world.settings.zone_minutes),
        "user": user,
        "userId": event.user,
        "action": format!("{text}: {}", event.target.first().map_or("", String::as_str)),
        "actionId": event.action,
        "module": module,
        "target": event.target,
        "context": user,
        "ip": format!("{address}{}", event.id % 254 + 1),
        "country": "Netherlands",
        "city": city,
        "browser": browser,
        "platform": platform,
        "page": "/accounts",
    })
}
