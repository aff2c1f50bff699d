//! What a user leaves behind: the entities that point at it, and those that it made.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::json;

use crate::provider::Owned;
use crate::provider::ProviderError;
use crate::provider::json;
use crate::provider::listing::Fault;
use crate::provider::port::Port;
use crate::provider::port::one::Found;
use crate::provider::port::people;
use crate::provider::port::wire;

/// One entity that has to do with a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Thing {
    pub(super) blueprint: String,
    pub(super) identifier: String,
    pub(super) title: Option<String>,
    /// By which of its relations it points at the user; none if the user only made it.
    pub(super) points_by: Vec<String>,
    /// Whether the user made it.
    pub(super) made: bool,
}

/// What a user leaves behind.
#[derive(Debug, Clone, Default)]
pub(super) struct Behind {
    pub(super) things: Vec<Thing>,
    /// Whether Port told what the user made.
    pub(super) shows_made: bool,
}

impl Port {
    /// Asks for the entities that point at a user or were made by it. Only a whole answer counts;
    /// what the user made is told where Port takes the question.
    pub(super) async fn left_behind(&self, found: &Found) -> Result<Behind, ProviderError> {
        let request = wire::related(&found.name);
        let body = self.read(&request, "looking for what is related").await?;
        let mut behind = Behind::default();
        pointing(&mut behind, &body, &found.name).map_err(|f| self.fault(f))?;
        let Some(user_id) = &found.user_id else {
            // nobody without a user has made anything
            behind.shows_made = true;
            return Ok(behind);
        };
        let page = self.ask(&wire::created_by(user_id)).await?;
        if matches!(page.status, 400 | 422) {
            return Ok(behind);
        }
        let what = "looking for what somebody made";
        let body = wire::success(page, self.client.origin(), what)?;
        made(&mut behind, &body, user_id).map_err(|f| self.fault(f))?;
        Ok(behind)
    }
}

impl Behind {
    /// How many there are, by blueprint.
    pub(super) fn counts(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for thing in &self.things {
            *counts.entry(kind(thing)).or_default() += 1;
        }
        counts
    }

    /// The same as a list.
    pub(super) fn owned(&self) -> Vec<Owned> {
        let owned = |thing: &Thing| Owned {
            kind: kind(thing),
            id: thing.identifier.clone(),
            name: thing.title.clone(),
        };
        self.things.iter().map(owned).collect()
    }

    /// The same for a before-image.
    pub(super) fn image(&self) -> Value {
        let item = |thing: &Thing| {
            json!({
                "blueprint": thing.blueprint, "identifier": thing.identifier,
                "title": thing.title, "points_by": thing.points_by, "made": thing.made,
            })
        };
        Value::from(self.things.iter().map(item).collect::<Vec<_>>())
    }

    fn add(&mut self, thing: Thing) {
        let same =
            |t: &&mut Thing| t.blueprint == thing.blueprint && t.identifier == thing.identifier;
        match self.things.iter_mut().find(same) {
            Some(known) => {
                known.made |= thing.made;
                known.points_by.extend(thing.points_by);
            }
            None => self.things.push(thing),
        }
    }
}

fn kind(thing: &Thing) -> String {
    thing.blueprint.to_lowercase()
}

/// Takes from an answer what points at a user by a relation of its own; what the user points at,
/// and what is only connected by way of others, is not left behind.
pub(super) fn pointing(behind: &mut Behind, body: &Value, name: &str) -> Result<(), Fault> {
    for item in whole(body)? {
        let points_by = relations(item, name);
        if !points_by.is_empty() {
            let mut thing = thing(item)?;
            thing.points_by = points_by;
            behind.add(thing);
        }
    }
    Ok(())
}

/// Takes from an answer what a user made.
pub(super) fn made(behind: &mut Behind, body: &Value, user_id: &str) -> Result<(), Fault> {
    for item in whole(body)? {
        // a server that does not know the rule may answer with everything
        let by = people::text(item, "createdBy");
        if by.is_none_or(|by| by.eq_ignore_ascii_case(user_id)) {
            let mut thing = thing(item)?;
            thing.made = true;
            behind.add(thing);
        }
    }
    behind.shows_made = true;
    Ok(())
}

/// The entities of a search in which no blueprint failed.
fn whole(body: &Value) -> Result<&Vec<Value>, Fault> {
    let failed = match body.get("failedBlueprints") {
        None | Some(Value::Null) => false,
        Some(Value::Array(items)) => !items.is_empty(),
        Some(_) => true,
    };
    if failed {
        let detail = "some blueprints could not be searched".to_owned();
        return Err(Fault::NotWhole("read.not-whole", detail));
    }
    json::list(body, "entities")
}

fn thing(item: &Value) -> Result<Thing, Fault> {
    let identifier = json::id(item, "identifier")
        .ok_or_else(|| Fault::Unreadable("identifier of a related entity".to_owned()))?;
    Ok(Thing {
        blueprint: people::text(item, "blueprint")
            .unwrap_or("entity")
            .to_owned(),
        identifier,
        title: people::text(item, "title").map(str::to_owned),
        points_by: Vec::new(),
        made: false,
    })
}

/// The relations of an entity that name a user, alone or among others.
fn relations(item: &Value, name: &str) -> Vec<String> {
    let relations = item.get("relations").and_then(Value::as_object);
    let named = relations
        .into_iter()
        .flatten()
        .filter(|(_, v)| names(v, name));
    named.map(|(relation, _)| relation.clone()).collect()
}

fn names(value: &Value, name: &str) -> bool {
    match value {
        Value::String(text) => people::lower(text) == people::lower(name),
        Value::Array(items) => items.iter().any(|item| names(item, name)),
        Value::Object(fields) => fields.get("identifier").is_some_and(|v| names(v, name)),
        _ => false,
    }
}
