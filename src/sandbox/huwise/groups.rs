//! Groups and their members.

use crate::sandbox::{
    huwise::{
        listing::expands,
        model::World,
        settings::Settings,
        users::no_content,
        wire::{self, Window, not_found, refusal},
    },
    tenant::{Answer, Call},
};

/// Answers what is asked below `/groups/`.
pub(crate) fn answer(
    world: &mut World,
    settings: &Settings,
    call: &Call<'_>,
    rest: &[&str],
) -> Answer {
    match (call.method, rest) {
        ("GET", []) => list(world, settings, call),
        ("GET", [uid]) if world.groups.contains_key(*uid) => {
            Answer::json(200, wire::group(world, uid))
        }
        ("GET", [uid, "users"]) => members(world, settings, call, uid),
        ("DELETE", [uid, "users", username]) => {
            if !world.members(uid).is_some_and(|m| m.contains(*username)) {
                return not_found();
            }
            if !settings.deaf.contains(*username) {
                world.leave(uid, username);
            }
            no_content()
        }
        (_, [] | [_] | [_, "users"] | [_, "users", _]) if call.method != "GET" => {
            refusal(405, "Method not allowed.")
        }
        _ => not_found(),
    }
}

fn list(world: &World, settings: &Settings, call: &Call<'_>) -> Answer {
    let window = match Window::read(settings, &call.params()) {
        Ok(window) => window,
        Err(answer) => return answer,
    };
    let uids: Vec<&String> = world.groups.keys().collect();
    window.answer(settings, call, &uids, |uid| Some(wire::group(world, uid)))
}

fn members(world: &World, settings: &Settings, call: &Call<'_>, uid: &str) -> Answer {
    let params = call.params();
    let window = match Window::read(settings, &params) {
        Ok(window) => window,
        Err(answer) => return answer,
    };
    let Some(members) = world.members(uid) else {
        return not_found();
    };
    let members: Vec<&String> = members.iter().collect();
    let expand = expands(&params);
    window.answer(settings, call, &members, |name| {
        let user = world.user(name)?;
        Some(wire::user(world, settings, user, expand))
    })
}
