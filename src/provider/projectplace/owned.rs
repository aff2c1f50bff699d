//! What somebody is head administrator of, and who is to be it instead.

use std::collections::BTreeMap;

use serde_json::Map;
use serde_json::Value;

use crate::provider::Owned;
use crate::provider::json;
use crate::provider::listing::Fault;

/// Our word for one thing, its map in the request, and its list in the answer.
const KINDS: [(&str, &str, &str); 4] = [
    ("workspace", "workspaces", "projects_owner"),
    ("portfolio", "portfolios", "portfolios_owner"),
    ("template", "templates", "templates_owner"),
    ("team", "teams", "teams_owner"),
];

/// Where the list of workspaces stands, one level deeper than the others.
const WORKSPACES: &str = "projects_data";

/// Everything that one person is head administrator of.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Holdings {
    /// The things, each once.
    pub(super) owned: Vec<Owned>,
    /// The answer as it came.
    pub(super) raw: Value,
}

/// Reads the answer of `owned-artifacts` about `id`.
///
/// A list that is missing is empty. An answer about somebody else, without workspaces (unless it
/// has nothing at all), or with a fifth kind of thing is not understood: what cannot be handed
/// over must not pass for nothing.
pub(super) fn read(body: &Value, id: &str) -> Result<Holdings, Fault> {
    let unreadable = |what: &str| Fault::Unreadable(what.to_owned());
    let own = body.get(id).and_then(Value::as_object);
    let own = own.ok_or_else(|| unreadable("owned-artifacts has nothing about the person"))?;
    let empty = Map::new();
    let workspaces = match own.get(WORKSPACES) {
        Some(Value::Object(workspaces)) => workspaces,
        None if own.is_empty() => &empty,
        _ => return Err(unreadable(WORKSPACES)),
    };
    let mut owned = Vec::new();
    for (name, list) in own.iter().chain(workspaces) {
        if !name.ends_with("_owner") {
            continue;
        }
        let known = KINDS.iter().find(|(_, _, field)| field == name);
        let items = match (known, list) {
            (_, Value::Null) => continue,
            (_, Value::Array(items)) if items.is_empty() => continue,
            (None, Value::Bool(_) | Value::Number(_) | Value::String(_)) => continue,
            (Some((kind, _, _)), Value::Array(items)) => items.iter().map(|i| (*kind, i)),
            _ => return Err(unreadable(name)),
        };
        for (kind, item) in items {
            owned.push(one(kind, item).ok_or_else(|| unreadable(name))?);
        }
    }
    owned.sort();
    owned.dedup_by(|a, b| a.kind == b.kind && a.id == b.id);
    Ok(Holdings {
        owned,
        raw: body.clone(),
    })
}

fn one(kind: &str, item: &Value) -> Option<Owned> {
    Some(Owned {
        kind: kind.to_owned(),
        id: json::id(item, "id")?,
        name: json::text(item, "name").ok()?.map(str::to_owned),
    })
}

impl Holdings {
    /// How much there is of each kind.
    pub(super) fn counts(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for thing in &self.owned {
            *counts.entry(thing.kind.clone()).or_default() += 1;
        }
        counts
    }

    /// The four maps of the request, from the id of each thing to its new head administrator; all
    /// four are always there.
    pub(super) fn handed_to(&self, successor: &Value) -> Value {
        let mut maps = Map::new();
        for (kind, map, _) in KINDS {
            let things = self.owned.iter().filter(|thing| thing.kind == kind);
            let pairs: Map<_, _> = things
                .map(|thing| (thing.id.clone(), successor.clone()))
                .collect();
            maps.insert(map.to_owned(), Value::Object(pairs));
        }
        Value::Object(maps)
    }
}
