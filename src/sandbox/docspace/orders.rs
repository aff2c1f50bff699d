//! The controls of a DocSpace tenant by their names, for another process.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::sandbox::{
    docspace::{
        DocSpaceService,
        holdings::Holdings,
        model::{Kind, Status},
        tasks::TaskKind,
        world::World,
    },
    host::{done, read, to_json},
};

/// Works on a control; none if there is none of that name.
pub(crate) fn call(
    tenant: &mut DocSpaceService,
    name: &str,
    args: Value,
    now: DateTime<Utc>,
) -> Option<Result<Value, String>> {
    if USER_ORDERS.contains(&name) {
        return Some(call_user(&mut tenant.world, name, args, now));
    }
    let world = &mut tenant.world;
    Some(match name {
        "settings" => to_json(&world.settings),
        "set_settings" => read(args).and_then(|settings| {
            world.settings = settings;
            done()
        }),
        "users" => to_json(world.users()),
        "logins" => to_json(world.logins(now)),
        "audits" => to_json(world.audits(now)),
        "key_user" => to_json(world.key_user),
        "set_token" => {
            #[derive(Deserialize)]
            struct Args {
                token: String,
            }
            read(args).and_then(|args: Args| {
                tenant.token = args.token;
                done()
            })
        }
        "add_user" => read(args).and_then(|user| {
            world.put_user(user);
            done()
        }),
        "moves" => {
            world.settle(now, false);
            to_json(&world.moves)
        }
        "add_guest_of" | "guests_of" => guests(world, name, args),
        "find" => {
            #[derive(Deserialize)]
            struct Args {
                email: String,
            }
            read(args).and_then(|args: Args| to_json(world.by_mail(&args.email)))
        }
        _ => return None,
    })
}

/// The controls that are about one user.
const USER_ORDERS: [&str; 18] = [
    "add_key",
    "keys",
    "user",
    "set_status",
    "set_email",
    "set_name",
    "set_kind",
    "remove_user",
    "set_key_user",
    "add_login",
    "add_audit",
    "status_changes",
    "status_puts",
    "holdings",
    "set_holdings",
    "lost_documents",
    "delete_calls",
    "is_reassigning",
];

/// What a control about one user can be told.
#[derive(Deserialize)]
struct UserArgs {
    id: Uuid,
    #[serde(default)]
    status: Option<Status>,
    #[serde(default)]
    kind: Option<Kind>,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    first_name: Option<String>,
    #[serde(default)]
    last_name: Option<String>,
    #[serde(default)]
    at: Option<DateTime<Utc>>,
    #[serde(default)]
    action: Option<u16>,
    #[serde(default)]
    holdings: Option<Holdings>,
    #[serde(default)]
    name: Option<String>,
}

fn call_user(
    world: &mut World,
    name: &str,
    args: Value,
    now: DateTime<Utc>,
) -> Result<Value, String> {
    let args: UserArgs = read(args)?;
    let at = args.at.unwrap_or(now);
    let lacks = |field: &str| format!("{name} lacks {field}");
    match name {
        "user" => to_json(world.user(args.id)),
        "set_status" => {
            let status = args.status.ok_or_else(|| lacks("status"))?;
            to_json(world.change_user(args.id, |user| user.status = status))
        }
        "set_kind" => {
            let kind = args.kind.ok_or_else(|| lacks("kind"))?;
            to_json(world.change_user(args.id, |user| user.kind = kind))
        }
        "set_email" => {
            let email = args.email.ok_or_else(|| lacks("email"))?;
            to_json(world.change_user(args.id, |user| user.email = email))
        }
        "set_name" => to_json(world.change_user(args.id, |user| {
            user.first_name = args.first_name.unwrap_or_default();
            user.last_name = args.last_name.unwrap_or_default();
        })),
        "remove_user" => to_json(world.change_user(args.id, |user| user.removed = true)),
        "set_key_user" => {
            world.key_user = args.id;
            done()
        }
        "add_login" => to_json(world.add_login(args.id, at, args.action.unwrap_or(1029))),
        "add_audit" => {
            let target = vec!["document.docx".to_owned()];
            to_json(world.add_audit(args.id, at, args.action.unwrap_or(5000), target))
        }
        "add_key" => {
            let name = args.name.unwrap_or_else(|| "script".to_owned());
            to_json(world.add_key(args.id, &name, now))
        }
        "keys" => {
            let own = world.keys.iter().filter(|key| key.owner == args.id);
            to_json(own.collect::<Vec<_>>())
        }
        "set_holdings" => {
            let holdings = args.holdings.ok_or_else(|| lacks("holdings"))?;
            world.holdings.insert(args.id, holdings);
            done()
        }
        "holdings" | "lost_documents" | "is_reassigning" => {
            world.settle(now, false);
            match name {
                "holdings" => to_json(world.holdings(args.id)),
                "lost_documents" => to_json(world.lost.get(&args.id).copied().unwrap_or(0)),
                _ => to_json(world.is_under_way(TaskKind::Reassign, args.id)),
            }
        }
        "delete_calls" => to_json(world.delete_calls.get(&args.id).copied().unwrap_or(0)),
        "status_changes" => to_json(world.status_changes.get(&args.id).copied().unwrap_or(0)),
        _ => to_json(world.status_puts.get(&args.id).copied().unwrap_or(0)),
    }
}

fn guests(world: &mut World, name: &str, args: Value) -> Result<Value, String> {
    #[derive(Deserialize)]
    struct Args {
        host: Uuid,
        #[serde(default)]
        guest: Option<Uuid>,
    }
    let args: Args = read(args)?;
    match (name, args.guest) {
        ("add_guest_of", Some(guest)) => {
            world.add_guest_of(args.host, guest);
            done()
        }
        ("add_guest_of", None) => Err("add_guest_of lacks guest".to_owned()),
        _ => to_json(world.guests_of(args.host)),
    }
}
