//! The controls of a Port organisation by their names, for another process.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::{
    host::{done, read, to_json},
    port::{
        generate,
        model::{Role, Status, User},
        world::World,
    },
};

#[derive(Deserialize)]
struct Secret {
    secret: String,
}

/// Works on a control; none if there is none of that name.
pub(crate) fn call(
    world: &mut World,
    name: &str,
    args: Value,
    now: DateTime<Utc>,
) -> Option<Result<Value, String>> {
    if USER_ORDERS.contains(&name) {
        return Some(call_user(world, name, args, now));
    }
    Some(match name {
        "settings" => to_json(&world.settings),
        "set_settings" => read(args).and_then(|settings| {
            world.settings = settings;
            world.revision += 1;
            done()
        }),
        "org_id" => to_json(&world.org_id),
        "own_user" => to_json(&world.credentials.user),
        "users" => to_json(world.users().collect::<Vec<_>>()),
        "entities" => to_json(world.entities.values().collect::<Vec<_>>()),
        "audits" => to_json(world.audits(now)),
        "revoke_token" => {
            world.token = None;
            done()
        }
        "set_secret" => read(args).and_then(|args: Secret| {
            world.credentials.secret = args.secret;
            world.token = None;
            done()
        }),
        "add_user" => read(args).and_then(|user| {
            world.put_user(user);
            done()
        }),
        "add_uninvited" => read(args).and_then(|mut user: User| {
            user.invited = false;
            user.status = generate::uninvited(world);
            world.put_user(user);
            done()
        }),
        "add_entity" => read(args).and_then(|entity| {
            world.put_entity(entity);
            done()
        }),
        "add_audit" => read(args).and_then(|event| to_json(world.add_audit(event))),
        _ => return None,
    })
}

/// The controls that are about one user.
const USER_ORDERS: [&str; 8] = [
    "user",
    "set_status",
    "set_role",
    "touch",
    "login",
    "remove_user",
    "invite",
    "status_changes",
];

fn call_user(
    world: &mut World,
    name: &str,
    args: Value,
    now: DateTime<Utc>,
) -> Result<Value, String> {
    #[derive(Deserialize)]
    struct Args {
        email: String,
        #[serde(default)]
        status: Option<Status>,
        #[serde(default)]
        role: Option<Role>,
        #[serde(default)]
        at: Option<DateTime<Utc>>,
    }
    let args: Args = read(args)?;
    let email = args.email.as_str();
    let lacks = |field: &str| format!("{name} lacks {field}");
    match name {
        "user" => to_json(world.user(email)),
        "set_status" => {
            let status = args.status.ok_or_else(|| lacks("status"))?;
            to_json(world.change_user(email, |user| user.status = status))
        }
        "set_role" => {
            let role = args.role.ok_or_else(|| lacks("role"))?;
            to_json(world.change_user(email, |user| user.role = role))
        }
        "touch" => to_json(world.change_user(email, |user| user.updated = now)),
        "login" => to_json(world.login(email, args.at.unwrap_or(now))),
        "remove_user" => to_json(world.drop_user(email).is_some()),
        "invite" => to_json(world.invite(email, args.role.unwrap_or(Role::Member), "", now)),
        _ => {
            let changes = world.status_changes.get(&email.to_lowercase());
            Ok(json!(changes.copied().unwrap_or(0)))
        }
    }
}
