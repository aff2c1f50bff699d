//! `attributes` and `excludedAttributes`.

use serde_json::{Map, Value};

use crate::sandbox::{
    scim::{
        settings::Settings,
        wire::{USER, bad, param},
    },
    tenant::Answer,
};

/// What is returned whatever was asked.
const ALWAYS: [&str; 2] = ["id", "schemas"];

/// What of a user was asked for.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    wanted: Option<Vec<String>>,
    unwanted: Vec<String>,
}

impl Selection {
    /// Reads the parameters.
    pub(crate) fn read(settings: &Settings, params: &[(String, String)]) -> Result<Self, Answer> {
        if !settings.selection {
            return Ok(Self::default());
        }
        let list = |name: &str| {
            let list = param(params, name)?.split(',');
            let list = list.map(|path| path.trim().to_ascii_lowercase());
            Some(list.filter(|path| !path.is_empty()).collect::<Vec<_>>())
        };
        let (wanted, unwanted) = (list("attributes"), list("excludedAttributes"));
        if wanted.is_some() && unwanted.is_some() {
            return Err(bad("invalidValue", "attributes or excludedAttributes"));
        }
        Ok(Self {
            wanted,
            unwanted: unwanted.unwrap_or_default(),
        })
    }

    /// Leaves what was asked for.
    pub(crate) fn cut(&self, mut row: Value) -> Value {
        let Some(fields) = row.as_object_mut() else {
            return row;
        };
        if let Some(wanted) = &self.wanted {
            let mut kept = Map::new();
            for (name, value) in fields.iter() {
                if ALWAYS.contains(&name.as_str()) {
                    kept.insert(name.clone(), value.clone());
                } else if let Some(value) = wanted_part(name, value, wanted) {
                    kept.insert(name.clone(), value);
                }
            }
            *fields = kept;
        }
        for path in &self.unwanted {
            fields.retain(|name, value| {
                if ALWAYS.contains(&name.as_str()) {
                    return true;
                }
                match below(name, path) {
                    Some("") => false,
                    Some(part) => {
                        each(value, &mut |inner| {
                            inner.retain(|name, _| !name.eq_ignore_ascii_case(part));
                        });
                        true
                    }
                    None => true,
                }
            });
        }
        row
    }
}

/// Returns what a path names below an attribute: "" for the whole, none if it is another one.
fn below<'a>(name: &str, path: &'a str) -> Option<&'a str> {
    let core = USER.to_ascii_lowercase();
    let path = path
        .strip_prefix(&core)
        .and_then(|rest| rest.strip_prefix(':'))
        .unwrap_or(path);
    let rest = path.strip_prefix(&name.to_ascii_lowercase())?;
    match rest.chars().next() {
        None => Some(""),
        Some('.' | ':') => rest.get(1..),
        Some(_) => None,
    }
}

fn wanted_part(name: &str, value: &Value, wanted: &[String]) -> Option<Value> {
    let parts: Vec<&str> = wanted.iter().filter_map(|path| below(name, path)).collect();
    if parts.is_empty() {
        return None;
    }
    let mut value = value.clone();
    if !parts.contains(&"") {
        each(&mut value, &mut |inner| {
            inner.retain(|name, _| parts.iter().any(|part| part.eq_ignore_ascii_case(name)));
        });
    }
    Some(value)
}

/// Changes an object, or the objects of a list.
fn each(value: &mut Value, change: &mut impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(object) => change(object),
        Value::Array(list) => list.iter_mut().for_each(|value| each(value, change)),
        _ => {}
    }
}
