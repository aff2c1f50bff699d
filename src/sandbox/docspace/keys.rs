//! API keys: the list, and how they are changed and deleted.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::sandbox::{
    docspace::{people::is_admin, wire, world::World},
    tenant::Answer,
};

/// One API key of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// The id, which is not the secret.
    pub id: Uuid,
    /// Whose it is: it acts as that user.
    pub owner: Uuid,
    /// Its label.
    pub name: String,
    /// False once it was deactivated.
    pub active: bool,
    /// When it ends by itself.
    #[serde(default)]
    pub expires: Option<DateTime<Utc>>,
    /// When it was made.
    pub created: DateTime<Utc>,
}

/// What the tenant does with keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyRules {
    /// As the manual says.
    #[default]
    Usual,
    /// An older server: it has no such call.
    Unknown,
    /// The list is there, and keys of others cannot be changed.
    Foreign,
    /// A change is answered as done and changes nothing.
    Idle,
}

impl World {
    /// Gives a user a key; returns its id.
    pub(crate) fn add_key(&mut self, owner: Uuid, name: &str, now: DateTime<Utc>) -> Uuid {
        let id = Uuid::from_u128(0x5EC2_0000 + self.keys.len() as u128);
        self.keys.push(ApiKey {
            id,
            owner,
            name: name.to_owned(),
            active: true,
            expires: None,
            created: now,
        });
        id
    }

    fn key_shown(&self, key: &ApiKey) -> Value {
        let zone = self.settings.zone_minutes;
        let owner = self.user(key.owner);
        let mut shown = json!({
            "id": key.id,
            "name": key.name,
            "key": "",
            "keyPostfix": "cdef",
            "permissions": [],
            "createOn": wire::date(key.created, zone),
            "createBy": {
                "id": key.owner,
                "displayName": owner.map(|user| wire::html(&user.display_name())),
            },
            "isActive": key.active,
        });
        if let (Some(at), Value::Object(fields)) = (key.expires, &mut shown) {
            fields.insert("expiresAt".into(), json!(wire::date(at, zone)));
        }
        shown
    }
}

/// Answers `GET keys`: an administrator gets every key, anybody else their own.
pub(crate) fn list(world: &World, href: &str) -> Answer {
    if world.settings.keys == KeyRules::Unknown {
        return wire::error(404, "The resource could not be found");
    }
    let all = is_admin(world);
    let shown = world.keys.iter();
    let shown = shown.filter(|key| all || key.owner == world.key_user);
    let shown: Vec<Value> = shown.map(|key| world.key_shown(key)).collect();
    let count = shown.len();
    wire::success(href, Value::Array(shown), count, None)
}

/// Answers `PUT keys/{id}`: says whether anything was changed.
pub(crate) fn change(
    world: &mut World,
    href: &str,
    id: &str,
    body: Option<&Value>,
    now: DateTime<Utc>,
) -> Answer {
    let rules = world.settings.keys;
    if let Some(refusal) = refused(world, id) {
        return refusal;
    }
    let key = world.keys.iter_mut().find(|key| key.id.to_string() == id);
    let Some(key) = key else {
        return wire::ok(href, json!(false));
    };
    if key.expires.is_some_and(|at| at <= now) {
        return wire::ok(href, json!(false));
    }
    let active = body.and_then(|body| body.get("isActive")?.as_bool());
    if rules != KeyRules::Idle {
        key.active = active.unwrap_or(key.active);
    }
    wire::ok(href, json!(true))
}

/// Answers `DELETE keys/{id}`.
pub(crate) fn delete(world: &mut World, href: &str, id: &str) -> Answer {
    if let Some(refusal) = refused(world, id) {
        return refusal;
    }
    let before = world.keys.len();
    world.keys.retain(|key| key.id.to_string() != id);
    wire::ok(href, json!(world.keys.len() < before))
}

fn refused(world: &World, id: &str) -> Option<Answer> {
    if world.settings.keys == KeyRules::Unknown {
        return Some(wire::error(404, "The resource could not be found"));
    }
    let key = world.keys.iter().find(|key| key.id.to_string() == id)?;
    let own = key.owner == world.key_user;
    let may = own || (is_admin(world) && world.settings.keys != KeyRules::Foreign);
    (!may).then(|| wire::error(403, "Access denied"))
}
