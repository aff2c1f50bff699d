//! `PATCH`, with what servers in the field insist on.

use serde_json::{Map, Value, json};

use crate::sandbox::{
    scim::{
        resource,
        settings::{OpCase, PatchPath, Patches},
        wire::{ENTERPRISE, PATCH, USER, bad},
    },
    tenant::Answer,
};

/// Works on the operations of a patch, one after the other, in a user's plain form.
pub(crate) fn apply(
    rules: &Patches,
    row: &mut Map<String, Value>,
    body: &Value,
) -> Result<(), Answer> {
    let schemas = body.get("schemas").and_then(Value::as_array);
    if !schemas.is_some_and(|schemas| schemas.contains(&json!(PATCH))) {
        return Err(bad("invalidSyntax", "schemas lacks PatchOp"));
    }
    let operations = body.get("Operations").and_then(Value::as_array);
    let operations = operations.filter(|operations| !operations.is_empty());
    let operations = operations.ok_or_else(|| bad("invalidSyntax", "no Operations"))?;
    for operation in operations {
        one(rules, row, operation)?;
    }
    Ok(())
}

fn one(rules: &Patches, row: &mut Map<String, Value>, operation: &Value) -> Result<(), Answer> {
    let op = op(rules, operation)?;
    let path = operation.get("path").and_then(Value::as_str);
    let value = operation.get("value");
    match (rules.path, path) {
        (PatchPath::Required, None) => return Err(bad("noTarget", "path is required")),
        (PatchPath::Refused, Some(_)) if op != "remove" => {
            return Err(bad("invalidPath", "path is not supported"));
        }
        _ => {}
    }
    match (op.as_str(), path, value) {
        ("remove", None, _) => Err(bad("noTarget", "remove without a path")),
        ("remove", Some(path), _) => {
            let (name, part) = target(path)?;
            remove(row, &name, part.as_deref());
            Ok(())
        }
        (_, Some(path), Some(value)) => set(rules, row, path, value),
        (_, None, Some(Value::Object(fields))) => fields
            .iter()
            .try_for_each(|(path, value)| set(rules, row, path, value)),
        _ => Err(bad("invalidValue", "value is missing or no object")),
    }
}

fn op(rules: &Patches, operation: &Value) -> Result<String, Answer> {
    let op = operation.get("op").and_then(Value::as_str);
    let op = op.unwrap_or_default();
    let small = op.to_ascii_lowercase();
    if !matches!(small.as_str(), "add" | "remove" | "replace") {
        return Err(bad("invalidSyntax", "op is not known"));
    }
    let capital = op.starts_with(|c: char| c.is_ascii_uppercase());
    let liked = match rules.op {
        OpCase::Any => true,
        OpCase::Small => op == small,
        OpCase::Capital => capital && op.get(1..) == small.get(1..),
    };
    if liked {
        Ok(small)
    } else {
        Err(bad("invalidSyntax", "op is not known"))
    }
}

/// Splits a path into an attribute and its part; filters in paths are not supported.
fn target(path: &str) -> Result<(String, Option<String>), Answer> {
    if path.contains('[') || path.is_empty() {
        return Err(bad("invalidPath", "The path is not supported"));
    }
    let rest = |urn: &str| {
        let head = path.get(..urn.len())?;
        let rest = path.get(urn.len()..)?;
        head.eq_ignore_ascii_case(urn).then_some(rest)
    };
    if let Some(part) = rest(ENTERPRISE) {
        let part = part.strip_prefix(':').map(str::to_owned);
        return Ok((ENTERPRISE.to_owned(), part));
    }
    let path = rest(USER).and_then(|r| r.strip_prefix(':')).unwrap_or(path);
    if path.starts_with("urn:") {
        return Ok((path.to_owned(), None));
    }
    match path.split_once('.') {
        Some((name, part)) => Ok((name.to_owned(), Some(part.to_owned()))),
        None => Ok((path.to_owned(), None)),
    }
}

/// Returns an attribute's name as it stands in a row, whatever its case in a path.
fn spelled(row: &Map<String, Value>, name: &str) -> String {
    let mut names = row.keys();
    let found = names.find(|known| known.eq_ignore_ascii_case(name));
    found.map_or_else(|| name.to_owned(), Clone::clone)
}

fn remove(row: &mut Map<String, Value>, name: &str, part: Option<&str>) {
    let name = spelled(row, name);
    match part {
        None => drop(row.remove(&name)),
        Some(part) => {
            if let Some(inner) = row.get_mut(&name).and_then(Value::as_object_mut) {
                let part = spelled(inner, part);
                inner.remove(&part);
            }
        }
    }
}

fn set(
    rules: &Patches,
    row: &mut Map<String, Value>,
    path: &str,
    value: &Value,
) -> Result<(), Answer> {
    let (name, part) = target(path)?;
    let name = spelled(row, &name);
    if matches!(name.as_str(), "id" | "meta" | "schemas" | "groups") {
        return Err(bad("mutability", "The attribute is read-only"));
    }
    if name == "active" {
        let active = resource::truth(value, rules.active);
        let active = active.ok_or_else(|| bad("invalidValue", "active has a wrong value"))?;
        // What is kept is a boolean, however it was written.
        row.insert(name, json!(active));
        return Ok(());
    }
    match (part, value) {
        (None, Value::Object(fields)) => {
            let inner = row.entry(name).or_insert_with(|| json!({}));
            if let Some(inner) = inner.as_object_mut() {
                inner.extend(fields.clone());
            }
        }
        (None, value) => drop(row.insert(name, value.clone())),
        (Some(part), value) => {
            let inner = row.entry(name).or_insert_with(|| json!({}));
            let Some(inner) = inner.as_object_mut() else {
                return Err(bad("invalidPath", "The path is not supported"));
            };
            let part = spelled(inner, &part);
            inner.insert(part, value.clone());
        }
    }
    Ok(())
}
