//! One user: made, read, replaced, patched, deleted.

use serde_json::Value;

use crate::sandbox::{
    scim::{
        model::{User, World},
        patch, resource,
        select::Selection,
        settings::{ActiveValue, Delete, Disliked, Etag, PutAbsent, Settings},
        wire::{MEDIA, answer, bad, no_user, refusal, typed},
    },
    tenant::{Answer, Call},
};

/// Answers what is asked of `/Users/{id}`.
pub(crate) fn one(world: &mut World, settings: &Settings, call: &Call<'_>, id: &str) -> Answer {
    let Some(user) = world.user(id).filter(|user| !user.hidden).cloned() else {
        return no_user(id);
    };
    let result = match call.method {
        "GET" => Ok(read(settings, call, &user)),
        "PUT" | "PATCH" | "DELETE" => change(world, settings, call, user),
        _ => Err(refusal(405, "Method not allowed")),
    };
    result.unwrap_or_else(|refused| refused)
}

fn read(settings: &Settings, call: &Call<'_>, user: &User) -> Answer {
    let seen = call.header("if-none-match");
    if settings.etag != Etag::None && seen == Some(&user.tag()) {
        return Answer::raw(304, MEDIA, "").with("etag", user.tag());
    }
    match Selection::read(settings, &call.params()) {
        Ok(selection) => {
            let row = selection.cut(resource::shown(settings, user, call.origin));
            tagged(settings, user, answer(settings, 200, row))
        }
        Err(refused) => refused,
    }
}

/// Adds the version of a user.
fn tagged(settings: &Settings, user: &User, answer: Answer) -> Answer {
    if settings.etag == Etag::None {
        return answer;
    }
    answer.with("etag", user.tag())
}

fn written(settings: &Settings, call: &Call<'_>, status: u16, user: &User) -> Answer {
    let row = resource::shown(settings, user, call.origin);
    tagged(settings, user, answer(settings, status, row))
}

/// Refuses what was asked of another version.
fn matched(settings: &Settings, call: &Call<'_>, user: &User) -> Result<(), Answer> {
    match (settings.etag, call.header("if-match")) {
        (Etag::None, _) | (Etag::Weak, None) => Ok(()),
        (Etag::Required, None) => Err(refusal(428, "If-Match is required")),
        (_, Some(tags)) => {
            let tag = user.tag();
            let mut tags = tags.split(',').map(str::trim);
            if tags.any(|given| given == "*" || given == tag) {
                return Ok(());
            }
            let why = "The resource has changed on the server";
            Err(refusal(412, why))
        }
    }
}

/// Reads a body of the right media type.
pub(crate) fn body(settings: &Settings, call: &Call<'_>) -> Result<Value, Answer> {
    let kind = call.header("content-type").unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if kind != MEDIA && (settings.strict_media_type || kind != "application/json") {
        return Err(refusal(415, "The body must be application/scim+json"));
    }
    let body = call.json().filter(Value::is_object);
    body.ok_or_else(|| bad("invalidSyntax", "The body is not a JSON object"))
}

fn change(
    world: &mut World,
    settings: &Settings,
    call: &Call<'_>,
    old: User,
) -> Result<Answer, Answer> {
    let rules = &settings.patch;
    let unsupported = match call.method {
        "PATCH" => !rules.supported,
        "DELETE" => settings.delete == Delete::Unsupported,
        _ => false,
    };
    if unsupported {
        return Err(refusal(settings.unsupported, "Not supported"));
    }
    matched(settings, call, &old)?;
    if settings.refused.contains(&old.id) {
        return Err(refusal(403, "The user cannot be changed"));
    }
    if call.method == "DELETE" {
        return Ok(delete(world, settings, call, old));
    }
    let body = body(settings, call)?;
    let mut user = old.clone();
    let result = replaced(settings, call, &mut user, &body);
    if rules.disliked == Disliked::Ignored && call.method == "PATCH" && result.is_err() {
        return Ok(done(settings, call, &old));
    }
    result?;
    let taken = world.by_name(&user.user_name);
    if taken.is_some_and(|other| other.id != user.id) {
        return Err(typed(409, "uniqueness", "userName is taken"));
    }
    if settings.deaf.contains(&old.id) {
        return Ok(done(settings, call, &old));
    }
    if user != old {
        save(world, settings, call, &mut user);
    }
    Ok(done(settings, call, &user))
}

fn replaced(
    settings: &Settings,
    call: &Call<'_>,
    user: &mut User,
    body: &Value,
) -> Result<(), Answer> {
    let rules = &settings.patch;
    if call.method == "PUT" {
        let empty = serde_json::Map::new();
        let fields = body.as_object().unwrap_or(&empty);
        return resource::take(settings, user, fields, rules.active);
    }
    let mut row = resource::writable(settings, user);
    patch::apply(rules, &mut row, body)?;
    // What the operations have taken out is not to come back.
    let whole = Settings {
        put_absent: PutAbsent::Clears,
        ..settings.clone()
    };
    let unseen = (user.employee_number.clone(), user.manager.clone());
    resource::take(&whole, user, &row, ActiveValue::Boolean)?;
    if !settings.enterprise {
        (user.employee_number, user.manager) = unseen;
    }
    Ok(())
}

fn save(world: &mut World, settings: &Settings, call: &Call<'_>, user: &mut User) {
    user.version += 1;
    user.modified = call.now;
    world.put(user.clone(), settings.changed_last);
}

fn done(settings: &Settings, call: &Call<'_>, user: &User) -> Answer {
    if call.method == "PATCH" && !settings.patch.body {
        return tagged(settings, user, Answer::raw(204, MEDIA, ""));
    }
    written(settings, call, 200, user)
}

fn delete(world: &mut World, settings: &Settings, call: &Call<'_>, mut user: User) -> Answer {
    if !settings.deaf.contains(&user.id) {
        match settings.delete {
            Delete::Removes => drop(world.remove(&user.id)),
            Delete::Deactivates | Delete::Hides | Delete::Unsupported => {
                user.active = false;
                user.hidden = settings.delete == Delete::Hides;
                save(world, settings, call, &mut user);
            }
        }
    }
    Answer::raw(204, MEDIA, "")
}

/// Answers `POST /Users`.
pub(crate) fn create(world: &mut World, settings: &Settings, call: &Call<'_>) -> Answer {
    let result = created(world, settings, call);
    result.unwrap_or_else(|refused| refused)
}

fn created(world: &mut World, settings: &Settings, call: &Call<'_>) -> Result<Answer, Answer> {
    let body = body(settings, call)?;
    let empty = serde_json::Map::new();
    let fields = body.as_object().unwrap_or(&empty);
    let mut user = User::new("", call.now);
    resource::take(settings, &mut user, fields, settings.patch.active)?;
    // Hidden users hold on to their names.
    if world.by_name(&user.user_name).is_some() {
        return Err(typed(409, "uniqueness", "userName is taken"));
    }
    user.id = world.put(user.clone(), true);
    let location = resource::location(settings, call.origin, &user.id);
    Ok(written(settings, call, 201, &user).with("location", location))
}
