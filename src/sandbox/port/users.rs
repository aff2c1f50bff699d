//! `/v1/organization` and `/v1/users`: the users with their real logins.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::sandbox::{
    port::{
        auth::Caller,
        entities::{may_be_deleted, must_not_be_managed},
        model::{Role, Status, User},
        settings::{NeverLogin, TopStatus},
        wire::{self, Refused, date},
        world::{World, user_place},
    },
    tenant::{Answer, Call},
};

/// What `fields` may ask for.
const FIELDS: [&str; 25] = [
    "id",
    "email",
    "firstName",
    "isInvisible",
    "lastName",
    "picture",
    "status",
    "supportLevel",
    "type",
    "providers",
    "createdAt",
    "updatedAt",
    "teams.name",
    "teams.provider",
    "teams.createdAt",
    "teams.updatedAt",
    "roles.name",
    "roles.description",
    "roles.isAdmin",
    "roles.protected",
    "roles.createdAt",
    "roles.updatedAt",
    "orgMembers.orgId",
    "orgMembers.status",
    "orgMembers.lastLoginAt",
];

/// Answers `GET /v1/organization`.
pub(crate) fn organization(world: &World) -> Answer {
    let organization = json!({ "id": world.org_id, "name": "Sandbox" });
    wire::ok("organization", organization)
}

/// Answers `GET /v1/users`: all of them at once.
pub(crate) fn list(world: &World, call: &Call<'_>) -> Result<Answer, Refused> {
    let fields = wire::values(call, "fields");
    if let Some(unknown) = fields.iter().find(|f| !FIELDS.contains(&f.as_str())) {
        return Err(wire::invalid(&format!("fields does not allow '{unknown}'")));
    }
    let users = world.users().chain(world.lingering(call.now));
    let users = users.filter(|user| stands_in_users(world, user));
    let users: Vec<Value> = users
        .map(|user| {
            let rich = rich(world, user);
            if fields.is_empty() {
                plain(rich, world.settings.org_members_unasked)
            } else {
                Value::Object(project(&rich, &fields))
            }
        })
        .collect();
    Ok(wire::ok("users", Value::Array(users)))
}

/// Answers `GET /v1/users/{email}`.
pub(crate) fn one(world: &World, call: &Call<'_>, email: &str) -> Result<Answer, Refused> {
    let mut lingering = world.lingering(call.now);
    let user = match lingering.find(|user| user.email == email) {
        Some(user) => user,
        None => present(world, email)?,
    };
    Ok(wire::ok("user", single(world, user)))
}

/// Answers `PATCH /v1/users/{email}`: roles and teams.
pub(crate) fn patch(
    world: &mut World,
    call: &Call<'_>,
    caller: &Caller,
    email: &str,
) -> Result<Answer, Refused> {
    caller.must_be_admin()?;
    let mut user = present(world, email)?.clone();
    let body = wire::object(call)?;
    let before = json!({ "port_role": user.role, "teams": user.teams });
    for (name, value) in &body {
        let words = wire::texts(name, value)?;
        match name.as_str() {
            "roles" => user.role = role(&words)?,
            "teams" => {
                must_not_be_managed(&user)?;
                user.teams = words;
            }
            _ => return Err(wire::invalid(&format!("body does not allow '{name}'"))),
        }
    }
    let diff = json!({
        "before": before,
        "after": { "port_role": user.role, "teams": user.teams },
    });
    user.updated = call.now;
    user.updated_by.clone_from(&caller.id);
    let answer = wire::ok("user", single(world, &user));
    let place = user_place(&user.email);
    world.put_user(user);
    world.audit(("UPDATE", &caller.id), &place, diff, call.now);
    Ok(answer)
}

fn role(words: &[String]) -> Result<Role, Refused> {
    let words: Option<Vec<Role>> = words.iter().map(|word| Role::read(word)).collect();
    let words = words.ok_or_else(|| wire::invalid("roles holds an unknown role"))?;
    let strongest = [Role::Admin, Role::Moderator]
        .into_iter()
        .find(|role| words.contains(role));
    Ok(strongest.unwrap_or(Role::Member))
}

/// Answers `DELETE /v1/users/{email}`: the entity goes too.
pub(crate) fn delete(
    world: &mut World,
    call: &Call<'_>,
    caller: &Caller,
    email: &str,
) -> Result<Answer, Refused> {
    caller.must_be_admin()?;
    let user = present(world, email)?;
    may_be_deleted(world, caller, user)?;
    let place = user_place(&user.email);
    if !world.settings.user_delete_heeds_relations {
        world.drop_place(&place, &caller.id, call.now);
        return Ok(wire::done());
    }
    world
        .delete(&place, false, &caller.id, call.now)
        .map(|()| wire::done())
        .map_err(|sources| crate::sandbox::port::entities::blocked(&place, &sources))
}

/// Answers `POST /v1/users/invite`.
pub(crate) fn invite(
    world: &mut World,
    call: &Call<'_>,
    caller: &Caller,
) -> Result<Answer, Refused> {
    caller.must_be_admin()?;
    let body = wire::object(call)?;
    let invitee = body.get("invitee").and_then(Value::as_object);
    let invitee = invitee.ok_or_else(|| wire::invalid("body must have 'invitee'"))?;
    let email = invitee.get("email").and_then(Value::as_str);
    let email = email.ok_or_else(|| wire::invalid("invitee must have 'email'"))?;
    if world.user(email).is_some_and(|user| user.invited) {
        return Err(Box::new(wire::error(409, "The user is already there")));
    }
    let words = invitee
        .get("roles")
        .map(|value| wire::texts("roles", value));
    let role = role(&words.transpose()?.unwrap_or_default())?;
    let user = world.invite(email, role, &caller.id, call.now);
    let place = user_place(&user.email);
    world.audit(("CREATE", &caller.id), &place, Value::Null, call.now);
    Ok(wire::ok("user", single(world, &user)))
}

fn stands_in_users(world: &World, user: &User) -> bool {
    user.invited || world.settings.uninvited_in_users
}

fn present<'a>(world: &'a World, email: &str) -> Result<&'a User, Refused> {
    let user = world
        .look_up(email)
        .filter(|user| stands_in_users(world, user));
    user.ok_or_else(|| Box::new(wire::not_found("User", email)))
}

fn capitals(status: Status) -> String {
    status.word().to_uppercase()
}

fn login(world: &World, at: Option<DateTime<Utc>>) -> Option<Value> {
    match (at, world.settings.never_login) {
        (Some(at), _) => Some(json!(date(at))),
        (None, NeverLogin::Absent) => None,
        (None, NeverLogin::Null) => Some(Value::Null),
        (None, NeverLogin::Epoch) => Some(json!(date(DateTime::UNIX_EPOCH))),
    }
}

fn org_members(world: &World, user: &User) -> Vec<Value> {
    let entry = |org_id: &str, status, login: Option<Value>| {
        let mut entry = Map::new();
        entry.insert("orgId".into(), json!(org_id));
        entry.insert("status".into(), json!(capitals(status)));
        if let Some(login) = login {
            entry.insert("lastLoginAt".into(), login);
        }
        Value::Object(entry)
    };
    let own = user
        .raw_last_login
        .clone()
        .or_else(|| login(world, user.last_login));
    // The other organisations stand first: whoever takes the first entry is wrong.
    let others = user.other_orgs.iter();
    let mut members: Vec<Value> = others
        .map(|other| entry(&other.org_id, other.status, login(world, other.last_login)))
        .collect();
    members.push(entry(&world.org_id, user.status, own));
    members
}

/// Writes everything that `fields` can ask for.
fn rich(world: &World, user: &User) -> Map<String, Value> {
    let top = match world.settings.top_status {
        TopStatus::Account if user.status == Status::Disabled && user.invited => Status::Active,
        _ => user.status,
    };
    let made = date(DateTime::UNIX_EPOCH + chrono::TimeDelta::days(18_000));
    let team = |name: &String| json!({ "name": name, "provider": "port", "createdAt": made, "updatedAt": made });
    let mut orgs: Vec<Value> = user
        .other_orgs
        .iter()
        .map(|o| json!({ "id": o.org_id }))
        .collect();
    orgs.push(json!({ "id": world.org_id }));
    let value = json!({
        "email": user.email,
        "firstName": user.first_name,
        "lastName": user.last_name,
        "picture": "https://sandbox.invalid/picture.png",
        "status": capitals(top),
        "id": user.id,
        "type": if user.service_account { "SERVICE_ACCOUNT" } else { "STANDARD" },
        "providers": user.providers,
        "isInvisible": false,
        "supportLevel": "none",
        "createdAt": date(user.created),
        "updatedAt": date(user.updated),
        "orgs": orgs,
        "teams": user.teams.iter().map(team).collect::<Vec<_>>(),
        "roles": [{
            "name": user.role.word(),
            "description": format!("{}s of the organization", user.role.word()),
            "isAdmin": user.role == Role::Admin,
            "protected": user.role != Role::Moderator,
            "createdAt": made,
            "updatedAt": made,
        }],
        "orgMembers": org_members(world, user),
        "termsAccepted": user.last_login.is_some(),
        "managedByScim": user.managed_by_scim,
    });
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// Makes the answer for whoever asks for no fields: teams are names, roles have only theirs.
fn plain(mut rich: Map<String, Value>, with_org_members: bool) -> Value {
    let names = |value: Option<&Value>, wrap: bool| -> Vec<Value> {
        let list = value.and_then(Value::as_array).into_iter().flatten();
        list.filter_map(|item| item.get("name"))
            .map(|name| {
                if wrap {
                    json!({ "name": name })
                } else {
                    name.clone()
                }
            })
            .collect()
    };
    let teams = names(rich.get("teams"), false);
    let roles = names(rich.get("roles"), true);
    rich.insert("teams".into(), Value::Array(teams));
    rich.insert("roles".into(), Value::Array(roles));
    for name in ["isInvisible", "supportLevel"] {
        rich.remove(name);
    }
    if !with_org_members {
        rich.remove("orgMembers");
    }
    Value::Object(rich)
}

fn single(world: &World, user: &User) -> Value {
    let mut value = plain(rich(world, user), true);
    if let Some(fields) = value.as_object_mut() {
        fields.insert("teamsIdentifiers".into(), json!(user.teams));
    }
    value
}

/// Keeps the fields that were asked for.
fn project(rich: &Map<String, Value>, fields: &[String]) -> Map<String, Value> {
    let mut kept = Map::new();
    for field in fields {
        let (name, inner) = match field.split_once('.') {
            Some((name, inner)) => (name, Some(inner)),
            None => (field.as_str(), None),
        };
        let Some(value) = rich.get(name) else {
            continue;
        };
        let Some(inner) = inner else {
            kept.insert(name.to_owned(), value.clone());
            continue;
        };
        let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
        let list = kept
            .entry(name)
            .or_insert_with(|| json!(vec![json!({}); items.len()]));
        for (kept, item) in list.as_array_mut().into_iter().flatten().zip(items) {
            if let (Some(kept), Some(value)) = (kept.as_object_mut(), item.get(inner)) {
                kept.insert(inner.to_owned(), value.clone());
            }
        }
    }
    kept
}
