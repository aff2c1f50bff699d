//! What changes people: suspend, remove, transfer.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::sandbox::{
    alteryx::{
        model::{ASSET_TYPES, Person, World},
        people::find,
        settings::{Bulk, Deleted, Settings, Transferred},
        wire::{empty, forbidden, invalid, not_found, senseless},
    },
    tenant::Answer,
};

/// Answers `PUT /v4/workspaces/{id}/people/{personId}/suspended`.
pub(crate) fn suspend(
    world: &mut World,
    settings: &Settings,
    id: &str,
    now: DateTime<Utc>,
) -> Answer {
    let person = match find(world, settings, id) {
        Ok(person) => person.id,
        Err(answer) => return answer,
    };
    if person == world.caller {
        return forbidden("You cannot suspend yourself");
    }
    if !settings.deaf.contains(&person) {
        world.set_suspended(person, true, now);
    }
    Answer::json(200, json!({}))
}

/// Answers `POST /v4/workspaces/{id}/people/suspend` and `/unsuspend`.
pub(crate) fn suspend_many(
    world: &mut World,
    settings: &Settings,
    body: Option<&Value>,
    suspended: bool,
    now: DateTime<Utc>,
) -> Answer {
    let ids = body.and_then(|body| body.get("personIds")?.as_array());
    let ids = ids.map(|ids| ids.iter().map(Value::as_u64).collect::<Option<Vec<u64>>>());
    let Some(Some(ids)) = ids else {
        return invalid("\"personIds\" must be a list of numbers");
    };
    let possible = |id: &u64| world.present(*id).is_some() && *id != world.caller;
    if settings.bulk == Bulk::AllOrNothing && !ids.iter().all(possible) {
        return senseless("Some of the people cannot be changed");
    }
    let able: Vec<u64> = ids.into_iter().filter(possible).collect();
    for id in able.into_iter().filter(|id| !settings.deaf.contains(id)) {
        world.set_suspended(id, suspended, now);
    }
    empty(settings.bulk_status)
}

/// Answers `DELETE /v4/workspaces/{id}/people/{personId}`.
pub(crate) fn remove(
    world: &mut World,
    settings: &Settings,
    id: &str,
    now: DateTime<Utc>,
) -> Answer {
    let person = match find(world, settings, id) {
        Ok(person) => person.id,
        Err(answer) => return answer,
    };
    if person == world.caller {
        return forbidden("An admin cannot remove himself or herself");
    }
    if !settings.deaf.contains(&person) {
        world.remove(person, now);
    }
    match settings.deleted {
        Deleted::NoContent => empty(204),
        Deleted::EmptyList => Answer::json(200, json!([])),
        Deleted::List => Answer::json(200, json!([1])),
        Deleted::Created => Answer::json(201, json!({})),
    }
}

/// Answers `PATCH /v4/workspaces/{id}/transfer`.
pub(crate) fn transfer(
    world: &mut World,
    settings: &Settings,
    body: Option<&Value>,
    now: DateTime<Utc>,
) -> Answer {
    match try_transfer(world, settings, body, now) {
        Ok(answer) | Err(answer) => answer,
    }
}

fn try_transfer(
    world: &mut World,
    settings: &Settings,
    body: Option<&Value>,
    now: DateTime<Utc>,
) -> Result<Answer, Answer> {
    let body = body.filter(|body| body.is_object());
    let body = body.ok_or_else(|| invalid("The body must be an object"))?;
    let (from, to) = ends(world, body)?;
    if from == to {
        return Err(senseless("A person cannot receive their own assets"));
    }
    let chosen = chosen(world, from, body.get("assets"))?;
    if settings.deaf.contains(&from) {
        return Ok(transferred(settings, &[]));
    }
    let done = world.transfer(from, to, &chosen, now);
    Ok(transferred(settings, &done.moved))
}

fn transferred(settings: &Settings, moved: &[u64]) -> Answer {
    match settings.transferred {
        Transferred::Empty => empty(200),
        Transferred::NoContent => empty(204),
        Transferred::Nested => {
            let rows: Vec<Value> = moved.iter().map(|id| json!({ "id": id })).collect();
            Answer::json(201, json!([[rows]]))
        }
    }
}

/// Returns from whom and to whom; a body has both ids or both addresses.
fn ends(world: &World, body: &Value) -> Result<(u64, u64), Answer> {
    const NAMES: [&str; 4] = [
        "fromPersonId",
        "toPersonId",
        "fromPersonEmail",
        "toPersonEmail",
    ];
    let [from_id, to_id, from_mail, to_mail] = NAMES.map(|name| body.get(name));
    let (from, to) = match (from_id, to_id, from_mail, to_mail) {
        (Some(from), Some(to), None, None) => {
            let person = |id: &Value| {
                let id = id.as_u64().ok_or_else(|| invalid("ids must be numbers"))?;
                Ok(world.person(id))
            };
            (person(from)?, person(to)?)
        }
        (None, None, Some(from), Some(to)) => {
            let person = |mail: &Value| {
                let mail = mail
                    .as_str()
                    .ok_or_else(|| invalid("emails must be texts"))?;
                Ok(world.by_mail(mail))
            };
            (person(from)?, person(to)?)
        }
        _ => return Err(invalid("Either both ids or both emails are needed")),
    };
    Ok((usable(from)?, usable(to)?))
}

/// Whether the receiver can use what it gets is not looked at: it may be suspended or invited.
fn usable(person: Option<&Person>) -> Result<u64, Answer> {
    let person = person.ok_or_else(|| not_found("person"))?;
    if person.removed.is_some() {
        return Err(senseless("Assets of deleted users cannot be transferred"));
    }
    Ok(person.id)
}

/// Returns the ids of the assets that are asked for; all of them if nothing is said.
fn chosen(world: &World, from: u64, asked: Option<&Value>) -> Result<BTreeSet<u64>, Answer> {
    let owned = world.assets_of(from);
    let of = |kind: Option<&str>| {
        let fits = owned
            .iter()
            .filter(move |a| kind.is_none_or(|kind| a.kind == kind));
        fits.map(|asset| asset.id).collect::<BTreeSet<u64>>()
    };
    let Some(asked) = asked else {
        return Ok(of(None));
    };
    let asked = asked.as_object();
    let asked = asked.ok_or_else(|| invalid("\"assets\" must be an object"))?;
    let mut chosen = BTreeSet::new();
    for (kind, value) in asked {
        if !ASSET_TYPES.contains(&kind.as_str()) {
            return Err(invalid(&format!("\"assets.{kind}\" is not allowed")));
        }
        let all = of(Some(kind));
        if value == "all" {
            chosen.extend(all);
            continue;
        }
        let wrong = || invalid("an asset type takes \"all\" or a list of ids");
        for id in value.as_array().ok_or_else(wrong)? {
            let id = id.as_u64().ok_or_else(wrong)?;
            if !all.contains(&id) {
                return Err(not_found(kind));
            }
            chosen.insert(id);
        }
    }
    Ok(chosen)
}
