//! A user as a resource: written for a client, and read from one.

use serde_json::{Map, Value, json};

use crate::sandbox::{
    scim::{
        model::User,
        settings::{ActiveForm, ActiveValue, AdminForm, Etag, Never, PutAbsent, Settings},
        wire::{ENTERPRISE, USER, bad, date},
    },
    tenant::Answer,
};

/// Writes a user as a client sees it.
pub(crate) fn shown(settings: &Settings, user: &User, origin: &str) -> Value {
    let mut row = writable(settings, user);
    let active = match settings.active {
        ActiveForm::Boolean => Some(json!(user.active)),
        ActiveForm::Text => Some(json!(if user.active { "True" } else { "False" })),
        ActiveForm::LowerText => Some(json!(user.active.to_string())),
        ActiveForm::Hidden | ActiveForm::Unknown => None,
    };
    match active {
        Some(active) => drop(row.insert("active".into(), active)),
        None => drop(row.remove("active")),
    }
    let mut schemas = vec![json!(USER)];
    if row.contains_key(ENTERPRISE) {
        schemas.push(json!(ENTERPRISE));
    }
    if let Some(urn) = activity(settings, user, &mut row) {
        schemas.push(json!(urn));
    }
    let mut meta = json!({
        "resourceType": "User",
        "created": date(settings, user.created),
        "lastModified": date(settings, user.modified),
        "location": location(settings, origin, &user.id),
    });
    if settings.etag != Etag::None {
        set(&mut meta, "version", json!(user.tag()));
    }
    row.insert("meta".into(), meta);
    row.insert("id".into(), json!(user.id));
    row.retain(|name, _| !settings.hidden.contains(name));
    row.insert("schemas".into(), json!(schemas));
    Value::Object(row)
}

fn set(object: &mut Value, name: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(name.to_owned(), value);
    }
}

/// Returns a user's address.
pub(crate) fn location(settings: &Settings, origin: &str, id: &str) -> String {
    format!("{origin}{}/Users/{id}", settings.base)
}

/// Adds the last login; returns the schema of its extension if that is there.
fn activity(settings: &Settings, user: &User, row: &mut Map<String, Value>) -> Option<String> {
    let wanted = settings.activity.as_ref()?;
    let value = match (user.last_login, settings.never) {
        (Some(at), _) => json!(date(settings, at)),
        (None, Never::Null) => Value::Null,
        (None, Never::Empty) => json!(""),
        (None, Never::Absent) => return None,
    };
    match &wanted.schema {
        Some(urn) => {
            row.insert(urn.clone(), json!({ wanted.attribute.as_str(): value }));
            Some(urn.clone())
        }
        None => {
            row.insert(wanted.attribute.clone(), value);
            None
        }
    }
}

/// Writes what a client can change of a user, in its plainest form.
pub(crate) fn writable(settings: &Settings, user: &User) -> Map<String, Value> {
    let mut row = user.extra.clone();
    let mut put = |name: &str, value: Value| drop(row.insert(name.to_owned(), value));
    put("userName", json!(user.user_name));
    if let Some(id) = &user.external_id {
        put("externalId", json!(id));
    }
    let formatted = format!("{} {}", user.given_name, user.family_name);
    let formatted = formatted.trim();
    if !formatted.is_empty() {
        put(
            "name",
            json!({
                "formatted": formatted,
                "givenName": user.given_name,
                "familyName": user.family_name,
            }),
        );
        put("displayName", json!(formatted));
    }
    if let Some(email) = &user.email {
        let email = json!([{ "value": email, "type": "work", "primary": true }]);
        put("emails", email);
    }
    put("active", json!(user.active));
    let user_type = match settings.admin {
        AdminForm::UserType if user.admin => Some("Administrator"),
        _ => user.user_type.as_deref(),
    };
    if let Some(user_type) = user_type {
        put("userType", json!(user_type));
    }
    let admin = json!([{ "value": "admin", "display": "Administrator", "primary": true }]);
    match settings.admin {
        AdminForm::Roles if user.admin => put("roles", admin),
        AdminForm::RoleTexts if user.admin => put("roles", json!(["admin"])),
        AdminForm::Entitlements if user.admin => put("entitlements", admin),
        _ => {}
    }
    let mut enterprise = Map::new();
    if let Some(number) = &user.employee_number {
        enterprise.insert("employeeNumber".into(), json!(number));
    }
    if let Some(manager) = &user.manager {
        enterprise.insert("manager".into(), json!({ "value": manager }));
    }
    if settings.enterprise && !enterprise.is_empty() {
        put(ENTERPRISE, Value::Object(enterprise));
    }
    row
}

/// What the sandbox reads or passes over; everything else is kept as it came.
const KNOWN: [&str; 13] = [
    "schemas",
    "id",
    "meta",
    "groups",
    "userName",
    "externalId",
    "name",
    "displayName",
    "emails",
    "active",
    "userType",
    "roles",
    "entitlements",
];

/// Changes a user into what a body says; what is read-only is passed over.
pub(crate) fn take(
    settings: &Settings,
    user: &mut User,
    body: &Map<String, Value>,
    rule: ActiveValue,
) -> Result<(), Answer> {
    let clears = settings.put_absent == PutAbsent::Clears;
    let name = body.get("userName").and_then(Value::as_str);
    let name = name.filter(|name| !name.is_empty());
    name.ok_or_else(|| bad("invalidValue", "userName is required"))?
        .clone_into(&mut user.user_name);
    let text = |value: Option<&Value>, old: &Option<String>| match value {
        Some(Value::String(text)) => Some(text.clone()),
        None if !clears => old.clone(),
        _ => None,
    };
    let part = |name: &str| body.get("name").and_then(|n| n.get(name));
    let given = Some(user.given_name.clone());
    let family = Some(user.family_name.clone());
    user.given_name = text(part("givenName"), &given).unwrap_or_default();
    user.family_name = text(part("familyName"), &family).unwrap_or_default();
    user.external_id = text(body.get("externalId"), &user.external_id);
    user.email = text(primary(body.get("emails")), &user.email);
    match body.get("active") {
        Some(value) => {
            let active = truth(value, rule);
            let active = active.ok_or_else(|| bad("invalidValue", "active has a wrong value"))?;
            if settings.active != ActiveForm::Unknown {
                user.active = active;
            }
        }
        None if clears && settings.active != ActiveForm::Unknown => user.active = true,
        None => {}
    }
    take_kind(settings, user, body, clears);
    let enterprise = body.get(ENTERPRISE);
    let of = |name: &str| enterprise.and_then(|fields| fields.get(name));
    user.employee_number = text(of("employeeNumber"), &user.employee_number);
    let manager = of("manager").map(|manager| manager.get("value").unwrap_or(manager));
    user.manager = text(manager, &user.manager);
    if clears {
        user.extra.clear();
    }
    for (name, value) in body {
        if !is_known(settings, name) {
            user.extra.insert(name.clone(), value.clone());
        }
    }
    Ok(())
}

fn is_known(settings: &Settings, name: &str) -> bool {
    let activity = settings.activity.as_ref();
    KNOWN.contains(&name)
        || name == ENTERPRISE
        || activity.is_some_and(|a| a.schema.as_deref().unwrap_or(&a.attribute) == name)
}

/// Takes the type of a user and whether the user administers.
fn take_kind(settings: &Settings, user: &mut User, body: &Map<String, Value>, clears: bool) {
    let user_type = body.get("userType").and_then(Value::as_str);
    let listed = match settings.admin {
        AdminForm::Roles | AdminForm::RoleTexts => body.get("roles"),
        AdminForm::Entitlements => body.get("entitlements"),
        AdminForm::UserType | AdminForm::Nowhere => None,
    };
    match settings.admin {
        AdminForm::Nowhere => {}
        AdminForm::UserType if user_type.is_some() || clears => {
            user.admin = user_type == Some("Administrator");
        }
        AdminForm::UserType => {}
        _ if listed.is_some() || clears => {
            let values = listed.and_then(Value::as_array).into_iter().flatten();
            user.admin = values
                .map(|value| value.get("value").unwrap_or(value))
                .any(|value| value == "admin");
        }
        _ => {}
    }
    match user_type {
        Some("Administrator") if settings.admin == AdminForm::UserType => {}
        Some(user_type) => user.user_type = Some(user_type.to_owned()),
        None if clears => user.user_type = None,
        None => {}
    }
}

/// Returns the value of the primary entry of a list, or of its first one.
fn primary(list: Option<&Value>) -> Option<&Value> {
    let list = list?.as_array()?;
    let is_primary = |entry: &&Value| entry.get("primary") == Some(&Value::Bool(true));
    let entry = list.iter().find(is_primary).or_else(|| list.first())?;
    entry.get("value")
}

/// Reads `active` as the server likes to have it written.
pub(crate) fn truth(value: &Value, rule: ActiveValue) -> Option<bool> {
    match (value, rule) {
        (Value::Bool(active), ActiveValue::Any | ActiveValue::Boolean) => Some(*active),
        (Value::String(text), ActiveValue::Any) => text.to_lowercase().parse().ok(),
        (Value::String(text), ActiveValue::Text) => match text.as_str() {
            "True" => Some(true),
            "False" => Some(false),
            _ => None,
        },
        _ => None,
    }
}
