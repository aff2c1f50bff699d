//! One user: read, changed, deleted, invited.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::sandbox::{
    huwise::{
        listing::expands,
        model::{ADMIN, PERMISSIONS, User, World},
        settings::{PutAbsent, Settings},
        wire::{self, error, invalid, invalid_body, not_found, refusal},
    },
    tenant::{Answer, Call},
};

/// Answers what is asked of `/users/{username}/`.
pub(crate) fn answer(
    world: &mut World,
    settings: &Settings,
    call: &Call<'_>,
    caller: &str,
    username: &str,
) -> Answer {
    let Some(user) = world.user(username).cloned() else {
        return not_found();
    };
    match call.method {
        "GET" => {
            let expand = expands(&call.params());
            Answer::json(200, wire::user(world, settings, &user, expand))
        }
        "PUT" => change(world, settings, call, user),
        "DELETE" => delete(world, settings, caller, &user, call.now),
        _ => refusal(405, "Method not allowed."),
    }
}

fn last_admin(settings: &Settings) -> Answer {
    let refused = &settings.last_admin;
    let why = "The user is the only domain administrator left.";
    error(refused.status, &refused.code, why)
}

fn delete(
    world: &mut World,
    settings: &Settings,
    caller: &str,
    user: &User,
    now: DateTime<Utc>,
) -> Answer {
    if world.is_last_admin(&user.username, now) {
        return last_admin(settings);
    }
    if user.username == caller && !settings.delete_self {
        return refusal(403, "You cannot delete yourself.");
    }
    if !settings.deaf.contains(&user.username) {
        world.remove(&user.username, now);
    }
    no_content()
}

/// Makes the empty answer of what was done.
pub(crate) fn no_content() -> Answer {
    Answer::raw(204, "text/plain", "")
}

fn change(world: &mut World, settings: &Settings, call: &Call<'_>, old: User) -> Answer {
    let Some(Value::Object(body)) = call.json() else {
        return error(400, "bad_request", "The body is not a JSON object.");
    };
    let clears = settings.put_absent == PutAbsent::Clears;
    let mut user = old.clone();
    if let Err(body) = take(&mut user, &body, clears) {
        return Answer::json(400, body);
    }
    let groups = match groups(world, &body) {
        Ok(groups) => groups.or_else(|| clears.then(BTreeSet::new)),
        Err(body) => return Answer::json(400, body),
    };
    if settings.deaf.contains(&old.username) {
        return Answer::json(200, wire::user(world, settings, &old, false));
    }
    if world.is_last_admin(&old.username, call.now) {
        let inherits = match &groups {
            Some(groups) => groups.iter().any(|uid| grants_admin(world, uid)),
            None => world
                .groups_of(&old.username)
                .iter()
                .any(|uid| grants_admin(world, uid)),
        };
        if !inherits && !user.permissions.contains(ADMIN) {
            return last_admin(settings);
        }
    }
    let name = user.username.clone();
    world.put(user);
    if let Some(groups) = groups {
        for uid in world.groups_of(&name) {
            world.leave(&uid, &name);
        }
        for uid in groups {
            world.join(&uid, &name);
        }
    }
    let row = world
        .user(&name)
        .map(|user| wire::user(world, settings, user, false));
    row.map_or_else(not_found, |row| Answer::json(200, row))
}

fn grants_admin(world: &World, uid: &str) -> bool {
    let group = world.groups.get(uid);
    group.is_some_and(|group| group.permissions.contains(ADMIN))
}

/// Takes what can be written from a body; what is read-only is passed over.
fn take(user: &mut User, body: &Map<String, Value>, clears: bool) -> Result<(), Value> {
    let email = body.get("email").and_then(Value::as_str);
    let email = email.filter(|email| email.contains('@'));
    user.email = email
        .ok_or_else(|| invalid_body("email", "This field is required."))?
        .to_owned();
    let text = |name: &str, old: &str| match body.get(name).and_then(Value::as_str) {
        Some(text) => text.to_owned(),
        None if clears => String::new(),
        None => old.to_owned(),
    };
    user.first_name = text("first_name", &user.first_name);
    user.last_name = text("last_name", &user.last_name);
    match body.get("permissions") {
        Some(Value::Array(list)) => {
            let known = |value: &Value| {
                let name = value.as_str().filter(|name| PERMISSIONS.contains(name))?;
                Some(name.to_owned())
            };
            let permissions: Option<BTreeSet<String>> = list.iter().map(known).collect();
            user.permissions =
                permissions.ok_or_else(|| invalid_body("permissions", "Not a valid choice."))?;
        }
        None | Some(Value::Null) if clears => user.permissions.clear(),
        None | Some(Value::Null) => {}
        Some(_) => return Err(invalid_body("permissions", "Expected a list of items.")),
    }
    Ok(())
}

/// Returns the uids of the groups that a body names; none if it names no list.
fn groups(world: &World, body: &Map<String, Value>) -> Result<Option<BTreeSet<String>>, Value> {
    let Some(list) = body.get("groups").and_then(Value::as_array) else {
        return Ok(None);
    };
    let uid = |group: &Value| {
        let uid = group.get("uid")?.as_str()?;
        world.groups.contains_key(uid).then(|| uid.to_owned())
    };
    let uids: Option<BTreeSet<String>> = list.iter().map(uid).collect();
    uids.map(Some)
        .ok_or_else(|| invalid_body("groups", "Unknown group."))
}

/// Answers `POST /users/invite/`: one outcome for each, under its place in the list.
pub(crate) fn invite(world: &mut World, settings: &Settings, call: &Call<'_>) -> Answer {
    let Some(Value::Array(list)) = call.json() else {
        return invalid("non_field_errors", "Expected a list of items.");
    };
    let mut outcomes = Map::new();
    for (place, item) in list.iter().enumerate() {
        let outcome = match invite_one(world, settings, item, call.now) {
            Ok(data) => json!({ "status_code": "success", "data": data }),
            Err(error) => json!({ "status_code": "error", "error": error }),
        };
        outcomes.insert(place.to_string(), outcome);
    }
    Answer::json(200, Value::Object(outcomes))
}

fn invite_one(
    world: &mut World,
    settings: &Settings,
    item: &Value,
    now: DateTime<Utc>,
) -> Result<Value, Value> {
    let empty = Map::new();
    let body = item.as_object().unwrap_or(&empty);
    let email = body
        .get("email")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if world.by_mail(email).is_some() {
        return Err(invalid_body("email", "Already a user of this domain."));
    }
    let mut user = match world.known_before(email) {
        Some(before) => back(settings, &before.user, now),
        None => {
            let asked = body.get("username").and_then(Value::as_str);
            let local = email.split('@').next().unwrap_or_default();
            User::new(asked.unwrap_or(local), email, now)
        }
    };
    take(&mut user, body, false)?;
    if world.user(&user.username).is_some() {
        return Err(invalid_body("username", "Already in use."));
    }
    let groups = groups(world, body)?.unwrap_or_default();
    let name = user.username.clone();
    world.put(user);
    for uid in groups {
        world.join(&uid, &name);
    }
    let user = world.user(&name).ok_or(Value::Null)?;
    Ok(wire::user(world, settings, user, false))
}

/// Makes the user that an account becomes which was in the domain before.
fn back(settings: &Settings, before: &User, now: DateTime<Utc>) -> User {
    let mut user = before.clone();
    user.joined = now;
    user.permissions.clear();
    user.expires = None;
    if !settings.rejoined_keeps_seen {
        (user.last_seen, user.last_login) = (None, None);
    }
    user
}
