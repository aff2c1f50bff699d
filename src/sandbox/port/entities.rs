//! `/v1/blueprints/{blueprint}/entities`: the users' entities and those of the catalogue.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::sandbox::{
    port::{
        auth::Caller,
        model::{Entity, Place, Role, Status, USER_BLUEPRINT, User},
        wire::{self, Refused, date},
        world::{World, user_place},
    },
    tenant::{Answer, Call},
};

/// Writes the entity of a user.
pub(crate) fn user_entity(user: &User) -> Value {
    let kind = if user.service_account {
        "Service Account"
    } else {
        "Standard"
    };
    let mut properties = json!({
        "port_type": kind,
        "port_role": user.role.word(),
        "status": user.status.word(),
    });
    if let Some(fields) = properties.as_object_mut()
        && !user.moderated_blueprints.is_empty()
    {
        fields.insert(
            "moderated_blueprints".into(),
            json!(user.moderated_blueprints),
        );
    }
    json!({
        "identifier": user.email,
        "title": user.title(),
        "icon": "User",
        "blueprint": USER_BLUEPRINT,
        "team": user.teams,
        "properties": properties,
        "relations": {},
        "createdAt": date(user.created),
        "createdBy": user.created_by,
        "updatedAt": date(user.updated),
        "updatedBy": user.updated_by,
    })
}

fn catalogue_entity(world: &World, entity: &Entity) -> Value {
    let declared = world.blueprints.get(&entity.blueprint);
    let relations: Map<String, Value> = entity
        .relations
        .iter()
        .map(|(name, targets)| {
            let many = declared
                .and_then(|declared| declared.get(name))
                .is_some_and(|r| r.many);
            let value = if many {
                json!(targets)
            } else {
                json!(targets.first())
            };
            (name.clone(), value)
        })
        .collect();
    json!({
        "identifier": entity.identifier,
        "title": entity.title,
        "icon": "Service",
        "blueprint": entity.blueprint,
        "team": [],
        "properties": entity.properties,
        "relations": relations,
        "createdAt": date(entity.created),
        "createdBy": entity.created_by,
        "updatedAt": date(entity.updated),
        "updatedBy": entity.updated_by,
    })
}

/// Writes the entity at a place; none if nothing is there.
pub(crate) fn entity(world: &World, place: &Place) -> Option<Value> {
    if place.0 == USER_BLUEPRINT {
        world.user(&place.1).map(user_entity)
    } else {
        let entity = world.entities.get(place)?;
        Some(catalogue_entity(world, entity))
    }
}

/// Returns the places of a blueprint's entities, users in the order of their making.
pub(crate) fn places(world: &World, blueprint: &str) -> Vec<Place> {
    if blueprint == USER_BLUEPRINT {
        return world.users().map(|user| user_place(&user.email)).collect();
    }
    let from = (blueprint.to_owned(), String::new());
    let places = world.entities.range(from..).map(|(place, _)| place);
    places
        .take_while(|place| place.0 == blueprint)
        .cloned()
        .collect()
}

/// Refuses a blueprint that is not there, in the words of an entity that is gone.
pub(crate) fn must_have_blueprint(world: &World, blueprint: &str) -> Result<(), Refused> {
    if world.has_blueprint(blueprint) {
        Ok(())
    } else {
        Err(Box::new(wire::not_found("Blueprint", blueprint)))
    }
}

/// Answers `GET …/entities`: all at once; with `allow_partial_results` only the first half.
pub(crate) fn list(world: &World, call: &Call<'_>, blueprint: &str) -> Result<Answer, Refused> {
    must_have_blueprint(world, blueprint)?;
    let mut places = places(world, blueprint);
    if wire::flag(call, "allow_partial_results")? == Some(true) {
        places.truncate(places.len() / 2);
    }
    let entities = places.iter().filter_map(|place| entity(world, place));
    Ok(wire::ok("entities", entities.collect()))
}

/// Answers `GET …/entities-count`.
pub(crate) fn count(world: &World, blueprint: &str) -> Result<Answer, Refused> {
    must_have_blueprint(world, blueprint)?;
    let count = if blueprint == USER_BLUEPRINT {
        world.user_count()
    } else {
        places(world, blueprint).len()
    };
    Ok(wire::ok("count", json!(count)))
}

/// Answers `GET …/entities/{identifier}`.
pub(crate) fn one(world: &World, place: &Place) -> Result<Answer, Refused> {
    let place = present(world, place)?;
    let entity = entity(world, &place).unwrap_or_default();
    Ok(wire::ok("entity", entity))
}

/// Finds an entity and returns its place in the case that it is kept in.
fn present(world: &World, place: &Place) -> Result<Place, Refused> {
    must_have_blueprint(world, &place.0)?;
    let found = if place.0 == USER_BLUEPRINT {
        world.look_up(&place.1).map(|user| user_place(&user.email))
    } else {
        world.entities.contains_key(place).then(|| place.clone())
    };
    found.ok_or_else(|| Box::new(wire::not_found("Entity", &place.1)))
}

/// Answers `PATCH …/entities/{identifier}`.
pub(crate) fn patch(
    world: &mut World,
    call: &Call<'_>,
    caller: &Caller,
    place: &Place,
) -> Result<Answer, Refused> {
    caller.must_be_admin()?;
    let place = present(world, place)?;
    let body = wire::object(call)?;
    let before = entity(world, &place);
    if place.0 == USER_BLUEPRINT {
        patch_user(world, call, caller, (&place, &body))?;
    } else if let Some(mut changed) = world.entities.get(&place).cloned() {
        if let Some(Value::Object(properties)) = body.get("properties") {
            changed.properties.extend(properties.clone());
        }
        changed.updated = call.now;
        changed.updated_by.clone_from(&caller.id);
        world.put_entity(changed);
    }
    let after = entity(world, &place);
    let diff = json!({ "before": before, "after": after });
    world.audit(("UPDATE", &caller.id), &place, diff, call.now);
    Ok(wire::ok("entity", after.unwrap_or_default()))
}

fn patch_user(
    world: &mut World,
    call: &Call<'_>,
    caller: &Caller,
    (place, body): (&Place, &Map<String, Value>),
) -> Result<(), Refused> {
    let Some(mut user) = world.user(&place.1).cloned() else {
        return Ok(());
    };
    for (name, value) in body {
        match name.as_str() {
            "properties" => {
                let properties = value.as_object();
                let properties =
                    properties.ok_or_else(|| wire::invalid("properties must be object"))?;
                for (name, value) in properties {
                    set_property(world, caller, &mut user, (name, value))?;
                }
            }
            "team" => {
                must_not_be_managed(&user)?;
                user.teams = wire::texts("team", value)?;
            }
            "title" => must_not_be_managed(&user)?,
            _ => return Err(wire::invalid(&format!("body does not allow '{name}'"))),
        }
    }
    let old = world.user(&place.1).map(|user| user.status);
    if old != Some(user.status) {
        *world
            .status_changes
            .entry(place.1.to_lowercase())
            .or_default() += 1;
    }
    user.updated = call.now;
    user.updated_by.clone_from(&caller.id);
    world.put_user(user);
    Ok(())
}

fn set_property(
    world: &World,
    caller: &Caller,
    user: &mut User,
    (name, value): (&str, &Value),
) -> Result<(), Refused> {
    let word = value.as_str().unwrap_or_default();
    match name {
        "status" => {
            let status = Status::read(word);
            let status = status.ok_or_else(|| wire::invalid("status is not one of its values"))?;
            if caller.is(&user.email) {
                let message = "Users cannot change their own status";
                return Err(Box::new(wire::error(403, message)));
            }
            must_not_be_managed(user)?;
            if world.settings.last_admin_protected && world.is_last_admin(user) {
                return Err(wire::invalid("The organization needs an administrator"));
            }
            if !world.settings.status_ignored {
                user.status = status;
                user.invited |= matches!(status, Status::Invited | Status::Active);
            }
        }
        "port_role" => {
            let role = Role::read(word);
            user.role = role.ok_or_else(|| wire::invalid("port_role is not one of its values"))?;
        }
        "moderated_blueprints" => user.moderated_blueprints = wire::texts(name, value)?,
        _ => {
            return Err(wire::invalid(&format!(
                "properties does not allow '{name}'"
            )));
        }
    }
    Ok(())
}

/// Refuses a change to what SCIM manages.
pub(crate) fn must_not_be_managed(user: &User) -> Result<(), Refused> {
    if user.managed_by_scim {
        Err(wire::scim_conflict())
    } else {
        Ok(())
    }
}

/// Refuses the deletion of a user who must stay.
pub(crate) fn may_be_deleted(world: &World, caller: &Caller, user: &User) -> Result<(), Refused> {
    let settings = &world.settings;
    if settings.scim_delete_conflicts {
        must_not_be_managed(user)?;
    }
    if caller.is(&user.email) && !settings.own_delete_allowed {
        let message = "Users cannot delete themselves";
        return Err(Box::new(wire::error(403, message)));
    }
    if settings.last_admin_protected && world.is_last_admin(user) {
        return Err(wire::invalid("The organization needs an administrator"));
    }
    Ok(())
}

/// Makes the refusal of a deletion that required relations forbid.
pub(crate) fn blocked(place: &Place, sources: &BTreeSet<Place>) -> Refused {
    let sources: Vec<String> = sources.iter().map(|(b, id)| format!("{b}:{id}")).collect();
    let message = format!(
        "Entity \"{}\" has dependents by a required relation: {}",
        place.1,
        sources.join(", ")
    );
    Box::new(wire::coded(422, "has_dependents", &message))
}

/// Answers `DELETE …/entities/{identifier}`; a user's entity takes its user along.
pub(crate) fn delete(
    world: &mut World,
    call: &Call<'_>,
    caller: &Caller,
    place: &Place,
) -> Result<Answer, Refused> {
    caller.must_be_admin()?;
    let dependents = match wire::flag(call, "delete_dependents")? {
        Some(dependents) => dependents,
        None if world.settings.needs_delete_dependents => {
            return Err(wire::invalid("query must have 'delete_dependents'"));
        }
        None => false,
    };
    let place = present(world, place)?;
    if let Some(user) = world.user(&place.1).filter(|_| place.0 == USER_BLUEPRINT) {
        may_be_deleted(world, caller, user)?;
    }
    let deleted = world.delete(&place, dependents, &caller.id, call.now);
    deleted.map_err(|sources| blocked(&place, &sources))?;
    if place.0 == USER_BLUEPRINT {
        world.linger(&place.1, call.now);
    }
    Ok(wire::done())
}
