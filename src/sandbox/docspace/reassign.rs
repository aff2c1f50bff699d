//! The reassign endpoints: what a user owns goes to a successor.

use serde_json::Value;
use uuid::Uuid;

use crate::sandbox::{
    docspace::{
        model::{Kind, Status, User},
        people::is_admin,
        tasks::TaskKind,
        wire::{self, Params},
        world::World,
    },
    tenant::{Answer, Call},
};

/// Answers `GET people/reassign/necessary`.
pub(crate) fn necessary(world: &World, href: &str, params: &Params) -> Answer {
    if !is_admin(world) {
        return wire::error(403, "Access denied");
    }
    let Some(id) = params.get("userid").and_then(|id| id.parse().ok()) else {
        return wire::invalid("UserId", "The UserId field is required.");
    };
    if world.present(id).is_none() && world.settings.tasks.necessary_finds_unknown {
        return wire::error(404, "The user could not be found");
    }
    let held = world.holdings(id);
    let needed = !held.rooms.is_empty() || held.shared_files > 0;
    wire::ok(href, Value::Bool(needed && world.present(id).is_some()))
}

/// Answers `POST people/reassign/start`.
pub(crate) fn start(world: &mut World, href: &str, call: &Call<'_>) -> Answer {
    if !is_admin(world) {
        return wire::error(403, "Access denied");
    }
    let body = call.json().unwrap_or_default();
    let id = |name: &str| -> Option<Uuid> { body.get(name)?.as_str()?.parse().ok() };
    let Some(from) = id("fromUserId") else {
        return wire::invalid("FromUserId", "The FromUserId field is required.");
    };
    let Some(to) = id("toUserId") else {
        return wire::invalid("ToUserId", "The ToUserId field is required.");
    };
    if !world.present(to).is_some_and(may_succeed) {
        let message = format!("Can not reassign data to user with id = {to}");
        return wire::error(400, &message);
    }
    if !world
        .present(from)
        .is_some_and(|user| may_hand_over(world, user))
    {
        let message = format!("Can not reassign data from user with id = {from}");
        return wire::error(400, &message);
    }
    // One that is under way is returned as it is, whatever was asked for this time.
    if !world.is_under_way(TaskKind::Reassign, from) {
        let delete_profile = body.get("deleteProfile").and_then(Value::as_bool);
        let profile = delete_profile.unwrap_or(false);
        world.start_task(TaskKind::Reassign, (from, to), profile, call.now);
    }
    shown(world, href, world.show_task(TaskKind::Reassign, from))
}

fn may_succeed(user: &User) -> bool {
    matches!(user.kind, Kind::Owner | Kind::Admin | Kind::RoomAdmin)
        && user.status != Status::Terminated
}

fn may_hand_over(world: &World, user: &User) -> bool {
    user.status == Status::Terminated
        && user.kind != Kind::Owner
        && user.id != world.key_user
        && (user.kind != Kind::Admin || is_owner(world))
}

/// Tells whether the key's user owns the tenant.
pub(crate) fn is_owner(world: &World) -> bool {
    world
        .caller()
        .is_some_and(|caller| caller.kind == Kind::Owner)
}

/// Answers `GET people/{reassign,remove}/progress/{id}`.
pub(crate) fn progress(world: &mut World, href: &str, kind: TaskKind, id: &str) -> Answer {
    if !is_admin(world) {
        return wire::error(403, "Access denied");
    }
    let Ok(id) = id.parse() else {
        return wire::invalid("userid", &format!("The value '{id}' is not valid."));
    };
    let task = world.poll_task(kind, id);
    shown(world, href, task)
}

/// Answers `PUT people/reassign/terminate`.
pub(crate) fn terminate(world: &mut World, href: &str, body: Option<&Value>) -> Answer {
    if !is_admin(world) {
        return wire::error(403, "Access denied");
    }
    let id = body.and_then(|body| body.get("userId")?.as_str()?.parse().ok());
    let Some(id) = id else {
        return wire::invalid("UserId", "The UserId field is required.");
    };
    let task = world.cancel_task(TaskKind::Reassign, id);
    shown(world, href, task)
}

fn shown(world: &World, href: &str, task: Option<Value>) -> Answer {
    match task {
        Some(task) => wire::ok(href, task),
        None => wire::nothing(href, world.settings.tasks.null_is_left_out),
    }
}
