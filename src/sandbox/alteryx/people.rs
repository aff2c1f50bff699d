//! The people endpoints: the list, one person, the caller.

use std::{cmp::Ordering, sync::Arc};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::sandbox::{
    alteryx::{
        model::{Person, World},
        settings::{ForeignAdmin, Gone, Never, OverLimit, Schema, Settings, Shown, SuspendShown},
        wire::{Params, date, flag, gone, invalid, not_found, number, param, senseless},
    },
    tenant::Answer,
};

/// The parameters that change which people are listed, and in which order.
const LISTING: [&str; 9] = [
    "sort",
    "email",
    "state",
    "isDisabled",
    "includeDeleted",
    "filter",
    "filterFields",
    "filterType",
    "peopleIds",
];

/// Answers `GET /v4/people`.
pub(crate) fn list(world: &mut World, settings: &Settings, params: &Params) -> Answer {
    page(world, settings, params).unwrap_or_else(|answer| answer)
}

fn page(world: &mut World, settings: &Settings, params: &Params) -> Result<Answer, Answer> {
    let offset = number(params, "offset", 0, 0)?;
    let mut limit = number(params, "limit", settings.default_limit, 1)?;
    match (settings.max_limit, settings.over_limit) {
        (Some(most), OverLimit::Clamp) => limit = limit.min(most),
        (Some(most), OverLimit::Refuse) if limit > most => {
            return Err(invalid(&format!("\"limit\" must be {most} at most")));
        }
        _ => {}
    }
    if settings.no_limit && flag(params, "noLimit") {
        limit = usize::MAX;
    }
    let order = listing(world, settings, params)?;
    let rows = order.iter().skip(offset).take(limit);
    let people = rows.filter_map(|index| world.people().get(*index));
    let data: Vec<Value> = people
        .map(|person| chosen(row(world, settings, person, params), params))
        .collect();
    let mut body = json!({ "data": data });
    if flag(params, "includeCount")
        && let Some(fields) = body.as_object_mut()
    {
        fields.insert("count".into(), json!(order.len()));
    }
    Ok(Answer::json(200, body))
}

/// Answers `GET /v4/people/{id}`.
pub(crate) fn by_id(world: &World, settings: &Settings, id: &str, params: &Params) -> Answer {
    match find(world, settings, id) {
        Ok(person) => Answer::json(200, chosen(row(world, settings, person, params), params)),
        Err(answer) => answer,
    }
}

/// Answers `GET /v4/people/current`.
pub(crate) fn current(world: &World, settings: &Settings, params: &Params) -> Answer {
    by_id(world, settings, &world.caller.to_string(), params)
}

/// Returns the person that an id in a path names, or why there is none.
pub(crate) fn find<'a>(
    world: &'a World,
    settings: &Settings,
    id: &str,
) -> Result<&'a Person, Answer> {
    let number = id.parse::<u64>();
    let number = number.map_err(|_| invalid("\"id\" must be a number"))?;
    match (world.person(number), settings.gone) {
        (Some(person), _) if person.removed.is_none() => Ok(person),
        (Some(_), Gone::Gone) => Err(gone("This person was removed")),
        _ => Err(not_found("person")),
    }
}

/// Tells what `status` says of a person.
fn status<'a>(settings: &'a Settings, person: &Person) -> &'a str {
    match (person.invited, person.suspended) {
        (_, true) => "Suspended",
        (true, _) => &settings.invited_word,
        _ => "Active",
    }
}

fn state<'a>(settings: &'a Settings, person: &Person) -> &'a str {
    let by_state = settings.suspended != SuspendShown::IsDisabled;
    if person.removed.is_some() || (person.suspended && by_state) {
        return "hidden";
    }
    if person.invited && settings.invited == Shown::State {
        return &settings.invited_word;
    }
    "active"
}

fn is_disabled(settings: &Settings, person: &Person) -> bool {
    person.suspended && settings.suspended != SuspendShown::State
}

/// Writes an id as a number or a text.
pub(crate) fn id(settings: &Settings, id: u64) -> Value {
    if settings.text_ids {
        json!(id.to_string())
    } else {
        json!(id)
    }
}

/// Writes a person with the fields of the schema that the caller may see.
fn row(world: &World, settings: &Settings, person: &Person, params: &Params) -> Value {
    let permitted = world.caller().is_some_and(|caller| caller.admin);
    let schema = if permitted {
        settings.schema
    } else {
        Schema::NotPermitted
    };
    let mut row = Map::new();
    row.insert("id".into(), id(settings, person.id));
    row.insert("email".into(), json!(person.email));
    match schema {
        Schema::NotPermitted => drop(row.insert("name".into(), json!(person.name))),
        Schema::Current => current_fields(&mut row, settings, person),
        Schema::Older => older_fields(&mut row, settings, person),
    }
    if schema != Schema::NotPermitted {
        // True on the caller's own row alone, whoever else administers the workspace.
        if person.id == world.caller {
            row.insert("isAdmin".into(), json!(person.admin));
        } else if settings.foreign_admin == ForeignAdmin::False {
            row.insert("isAdmin".into(), json!(false));
        }
        if flag(params, "includeStatus") {
            row.insert("status".into(), json!(status(settings, person)));
        }
        if settings.never == Never::Absent && person.last_login.is_none() {
            row.remove("lastLoginTime");
        }
    }
    row.retain(|name, _| !settings.hidden_fields.contains(name));
    Value::Object(row)
}

fn current_fields(row: &mut Map<String, Value>, settings: &Settings, person: &Person) {
    let mut set = |name: &str, value: Value| drop(row.insert(name.to_owned(), value));
    set("isDisabled", json!(is_disabled(settings, person)));
    set("state", json!(state(settings, person)));
    set("validateExportCompliance", json!(true));
    set(
        "outputHomeDir",
        json!(format!("/sandbox/results/{}", person.id)),
    );
    set(
        "uploadDir",
        json!(format!("/sandbox/uploads/{}", person.id)),
    );
    set("lastLoginTime", json!(person.last_login.map(date)));
    set("lastStateChange", json!(person.last_state_change.map(date)));
    set("maximalPrivileges", json!([]));
    set("maximalCapabilities", json!([]));
}

fn older_fields(row: &mut Map<String, Value>, settings: &Settings, person: &Person) {
    let mut set = |name: &str, value: Value| drop(row.insert(name.to_owned(), value));
    let updated = person.last_state_change.unwrap_or(person.created);
    set("name", json!(person.name));
    set("ssoPrincipal", Value::Null);
    set("hadoopPrincipal", Value::Null);
    set(
        "outputHomeDir",
        json!(format!("/sandbox/results/{}", person.id)),
    );
    set("isDisabled", json!(is_disabled(settings, person)));
    set("forcePasswordChange", json!(false));
    set("state", json!(state(settings, person)));
    set("lastStateChange", json!(person.last_state_change.map(date)));
    set("createdAt", json!(date(person.created)));
    set("updatedAt", json!(date(updated)));
    set("fileUploadPath", json!("/sandbox/uploads"));
    set("lastLoginTime", json!(person.last_login.map(date)));
    set("awsConfig", Value::Null);
}

/// Keeps the fields that were asked for, and the id.
fn chosen(mut row: Value, params: &Params) -> Value {
    if let (Some(fields), Some(row)) = (param(params, "fields"), row.as_object_mut()) {
        row.retain(|name, _| name == "id" || fields.split(';').any(|field| field == name));
    }
    row
}

/// Returns the people of a query in their order, from the last time if nothing has changed.
fn listing(
    world: &mut World,
    settings: &Settings,
    params: &Params,
) -> Result<Arc<Vec<usize>>, Answer> {
    let asked: Vec<&(String, String)> = params
        .iter()
        .filter(|(name, _)| LISTING.contains(&name.as_str()))
        .collect();
    let key = format!("{asked:?}");
    if let Some(known) = world.listings.get(&key) {
        return Ok(Arc::clone(known));
    }
    let people = world.people();
    let mut order: Vec<usize> = (0..people.len())
        .filter(|index| {
            let person = people.get(*index);
            person.is_some_and(|person| wanted(settings, person, params))
        })
        .collect();
    order.sort_by_key(|index| world.rank(*index));
    if let Some(sort) = param(params, "sort") {
        let (field, backwards) = match sort.strip_prefix('-') {
            Some(field) => (field, true),
            None => (sort, false),
        };
        let compare = comparison(field)
            .ok_or_else(|| senseless(&format!("No attribute {field} to sort by")))?;
        order.sort_by(|a, b| match (people.get(*a), people.get(*b)) {
            (Some(a), Some(b)) if backwards => compare(b, a),
            (Some(a), Some(b)) => compare(a, b),
            _ => Ordering::Equal,
        });
    }
    let order = Arc::new(order);
    // Questions that nobody asks again must not fill the memory.
    if world.listings.len() >= 64 {
        world.listings.clear();
    }
    world.listings.insert(key, Arc::clone(&order));
    Ok(order)
}

type Comparison = fn(&Person, &Person) -> Ordering;

fn comparison(field: &str) -> Option<Comparison> {
    Some(match field {
        "id" => |a, b| a.id.cmp(&b.id),
        "email" => |a, b| a.email.cmp(&b.email),
        "name" => |a, b| a.name.cmp(&b.name),
        "lastLoginTime" => |a, b| a.last_login.cmp(&b.last_login),
        "createdAt" => |a, b| a.created.cmp(&b.created),
        _ => return None,
    })
}

fn wanted(settings: &Settings, person: &Person, params: &Params) -> bool {
    let is = |name: &str, value: &str| param(params, name).is_none_or(|asked| asked == value);
    let email = person.email.as_deref().unwrap_or_default();
    let mut ids = params.iter().filter(|(name, _)| name == "peopleIds");
    let any = ids.clone().next().is_none();
    (person.removed.is_none() || flag(params, "includeDeleted"))
        && is("email", email)
        && is("state", state(settings, person))
        && is("isDisabled", &is_disabled(settings, person).to_string())
        && (any || ids.any(|(_, id)| *id == person.id.to_string()))
        && matches_filter(person, params)
}

fn matches_filter(person: &Person, params: &Params) -> bool {
    let Some(filter) = param(params, "filter") else {
        return true;
    };
    let fields = param(params, "filterFields").unwrap_or("email");
    fields.split(',').any(|field| {
        let text = match field {
            "email" => person.email.as_deref().unwrap_or_default(),
            "name" => &person.name,
            _ => return false,
        };
        match param(params, "filterType") {
            Some("exact") => text == filter,
            Some("exactIgnoreCase") => text.to_lowercase() == filter.to_lowercase(),
            _ => text.to_lowercase().contains(&filter.to_lowercase()),
        }
    })
}

/// Answers `GET /v4/workspaces/{id}/admins`.
///
/// Administrators who are invited or suspended are there only if `includeStatus` names `new` or
/// `suspended`.
pub(crate) fn admins(world: &World, settings: &Settings, params: &Params) -> Answer {
    let also = |word: &str| {
        params.iter().any(|(name, value)| {
            name == "includeStatus" && value.split(',').any(|part| part.trim() == word)
        })
    };
    let (new, suspended) = (also("new"), also("suspended"));
    let people = world.people().iter().filter(|person| {
        let shown = (!person.invited || new) && (!person.suspended || suspended);
        person.admin && person.removed.is_none() && shown
    });
    let data: Vec<Value> = people
        .map(|person| chosen(admin_row(settings, person), params))
        .collect();
    let count = data.len();
    Answer::json(200, json!({ "data": data, "count": count }))
}

fn admin_row(settings: &Settings, person: &Person) -> Value {
    let updated: DateTime<Utc> = person.last_state_change.unwrap_or(person.created);
    json!({
        "id": id(settings, person.id),
        "email": person.email,
        "isDisabled": person.suspended,
        "validateExportCompliance": true,
        "createdAt": date(person.created),
        "updatedAt": date(updated),
    })
}
