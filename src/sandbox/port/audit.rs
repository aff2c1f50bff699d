//! `/v1/audit-log`: newest first, no cursor, no filter by user.

use serde_json::{Value, json};

use crate::sandbox::{
    port::{
        auth::Caller,
        model::AuditEvent,
        settings::AuditShape,
        wire::{self, Refused, date},
        world::World,
    },
    tenant::{Answer, Call},
};

/// Which events a query asks for.
struct Wanted {
    equal: Vec<(&'static str, Vec<String>)>,
    from: Option<chrono::DateTime<chrono::Utc>>,
    to: Option<chrono::DateTime<chrono::Utc>>,
    to_included: bool,
}

impl Wanted {
    fn read(world: &World, call: &Call<'_>) -> Result<Self, Refused> {
        let names = [
            "identifier",
            "entity",
            "blueprint",
            "origin",
            "action",
            "status",
            "resources",
            "run_id",
        ];
        let at = |name: &str| {
            let text = wire::value(call, name);
            text.map(|text| wire::parse_date(name, &text)).transpose()
        };
        Ok(Self {
            equal: names
                .into_iter()
                .map(|name| (name, wire::values(call, name)))
                .filter(|(_, values)| !values.is_empty())
                .collect(),
            from: at("from")?,
            to: at("to")?,
            to_included: world.settings.audit_to_included,
        })
    }

    fn names_a_thing(&self) -> bool {
        let things = ["identifier", "entity", "run_id"];
        self.equal.iter().any(|(name, _)| things.contains(name))
    }

    fn takes(&self, event: &AuditEvent) -> bool {
        let before = |to| event.at < to || (self.to_included && event.at == to);
        self.from.is_none_or(|from| from <= event.at)
            && self.to.is_none_or(before)
            && self.equal.iter().all(|(name, values)| {
                let value = match *name {
                    "identifier" => &event.identifier,
                    "entity" => &event.entity,
                    "blueprint" => &event.blueprint,
                    "origin" => &event.origin,
                    "action" => &event.action,
                    "status" => "SUCCESS",
                    "resources" => "entity",
                    _ => "",
                };
                values.iter().any(|wanted| wanted == value)
            })
    }
}

/// Answers `GET /v1/audit-log`.
pub(crate) fn list(world: &mut World, call: &Call<'_>, caller: &Caller) -> Result<Answer, Refused> {
    let wanted = Wanted::read(world, call)?;
    if world.settings.audit_for_admins && !wanted.names_a_thing() {
        caller.must_be_admin()?;
    }
    let limit = match wire::value(call, "limit") {
        None => world.settings.audit_default_limit,
        Some(text) => match text.parse::<usize>() {
            Ok(limit) if limit > 0 => limit,
            _ => return Err(wire::invalid("limit must be a number above 0")),
        },
    };
    let limit = limit.min(world.settings.audit_max_limit);
    let events: Vec<AuditEvent> = world
        .audits(call.now)
        .iter()
        .rev()
        .filter(|event| wanted.takes(event))
        .take(limit)
        .cloned()
        .collect();
    let events: Vec<Value> = events.iter().map(|event| write(world, event)).collect();
    Ok(match world.settings.audit_shape {
        AuditShape::Audits | AuditShape::NoTrigger => wire::ok("audits", Value::Array(events)),
        AuditShape::Data => wire::ok("data", Value::Array(events)),
        AuditShape::Nested => wire::ok("audits", json!({ "items": events })),
        AuditShape::Bare => Answer::json(200, Value::Array(events)),
    })
}

fn write(world: &World, event: &AuditEvent) -> Value {
    let mut by = json!({ "orgId": world.org_id, "userId": event.user_id });
    if world.settings.audit_names_users
        && let Some(user) = world.users().find(|user| user.id == event.user_id)
        && let Some(fields) = by.as_object_mut()
    {
        let user = json!({
            "email": user.email,
            "firstName": user.first_name,
            "lastName": user.last_name,
            "id": user.id,
        });
        fields.insert("user".into(), user);
    }
    let mut value = json!({
        "identifier": event.identifier,
        "action": event.action,
        "resourceType": "entity",
        "status": "SUCCESS",
        "trigger": { "by": by, "origin": event.origin, "at": date(event.at) },
        "context": { "blueprint": event.blueprint, "entity": event.entity },
        "diff": event.diff,
    });
    if world.settings.audit_shape == AuditShape::NoTrigger
        && let Some(fields) = value.as_object_mut()
    {
        fields.remove("trigger");
    }
    value
}
