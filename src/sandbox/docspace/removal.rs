//! The removal endpoints: one user, a batch that lies, and the guests that are only let go.

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::sandbox::{
    docspace::{
        model::{Kind, Status, User},
        people::{full, ids, is_admin},
        reassign::is_owner,
        tasks::TaskKind,
        wire,
        world::World,
    },
    tenant::Answer,
};

/// Answers `DELETE people/{id}`.
pub(crate) fn delete(world: &mut World, href: &str, id: &str, now: DateTime<Utc>) -> Answer {
    let unknown = world.settings.tasks.unknown_delete;
    let id: Option<Uuid> = id.parse().ok();
    if let Some(id) = id {
        *world.delete_calls.entry(id).or_default() += 1;
    }
    if !is_admin(world) {
        return wire::error(403, "Access denied");
    }
    let Some(user) = id.and_then(|id| world.present(id)).cloned() else {
        // A missing user is the "lost user" there, which is one of the system's.
        return wire::error(unknown, "Access denied");
    };
    if user.ldap || !may_remove(world, &user) {
        return wire::error(403, "Access denied");
    }
    if user.status != Status::Terminated {
        return wire::error(403, "The user is not suspended");
    }
    if let Some(refusal) = reassigning(world, &[user.id]) {
        return refusal;
    }
    remove(world, user.id, now);
    let target = vec![user.display_name(), user.id.to_string()];
    world.add_audit(world.key_user, now, 4018, target);
    wire::ok(href, gone(world, user.id))
}

/// Answers `PUT people/delete`.
pub(crate) fn delete_many(
    world: &mut World,
    href: &str,
    body: Option<&Value>,
    now: DateTime<Utc>,
) -> Answer {
    let Some(asked) = ids(body) else {
        return wire::invalid("userIds", "The UserIds field is required.");
    };
    for id in &asked {
        *world.delete_calls.entry(*id).or_default() += 1;
    }
    if !is_admin(world) {
        return wire::error(403, "Access denied");
    }
    // Unknown ones and those of LDAP fall out without a word.
    let users: Vec<User> = asked
        .iter()
        .filter_map(|id| world.present(*id))
        .filter(|user| !user.ldap)
        .cloned()
        .collect();
    if users.iter().any(|user| user.status != Status::Terminated) {
        return wire::error(403, "Users are not suspended");
    }
    let left: Vec<Uuid> = users.iter().map(|user| user.id).collect();
    if let Some(refusal) = reassigning(world, &left) {
        return refusal;
    }
    for user in &users {
        if may_remove(world, user) {
            remove(world, user.id, now);
        }
    }
    // Those that were passed over are listed as if they were gone, in the answer and the trail.
    if !left.is_empty() {
        let target = left.iter().map(Uuid::to_string).collect();
        world.add_audit(world.key_user, now, 4022, target);
    }
    let list = left.iter().map(|id| gone(world, *id)).collect();
    wire::success(href, Value::Array(list), 1, None)
}

fn may_remove(world: &World, user: &User) -> bool {
    user.kind != Kind::Owner
        && user.id != world.key_user
        && (user.kind != Kind::Admin || is_owner(world))
}

fn reassigning(world: &World, ids: &[Uuid]) -> Option<Answer> {
    ids.iter()
        .any(|id| world.is_under_way(TaskKind::Reassign, *id))
        .then(|| {
            let status = world.settings.tasks.running_refusal;
            wire::error(status, "Reassign process is running for the user")
        })
}

fn remove(world: &mut World, id: Uuid, now: DateTime<Utc>) {
    world.remove_profile(id, now);
    world.start_task(TaskKind::Removal, (id, world.key_user), false, now);
}

/// Writes a user as they were when they went.
fn gone(world: &World, id: Uuid) -> Value {
    world
        .user(id)
        .map(|user| full(user, world.settings.zone_minutes))
        .unwrap_or_default()
}

/// Answers `DELETE people/guests`: cuts who the guests are guests of, and removes nobody.
pub(crate) fn let_guests_go(world: &mut World, href: &str, body: Option<&Value>) -> Answer {
    let Some(asked) = ids(body) else {
        return wire::invalid("userIds", "The UserIds field is required.");
    };
    let terminated = |id: &Uuid| {
        let user = world.present(*id);
        user.is_some_and(|user| user.status == Status::Terminated)
    };
    if asked.iter().any(terminated) {
        return wire::error(403, "Access denied");
    }
    let host = world.key_user;
    world
        .guests_of
        .retain(|(of, guest)| *of != host || !asked.contains(guest));
    world.listings.clear();
    let list = asked
        .iter()
        .filter_map(|id| world.present(*id))
        .filter(|user| user.kind == Kind::Guest)
        .map(|user| full(user, world.settings.zone_minutes))
        .collect();
    wire::success(href, Value::Array(list), 1, None)
}
