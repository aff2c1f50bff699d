//! What the data of an entry may hold: the lists in schema/event/, by type.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;

use crate::domain::event::Entry;
use crate::ledger::chain::EntryError;
use crate::ledger::commitment;

macro_rules! schemas {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../schema/event/", $name, ".json")))),*]
    };
}

/// The JSON Schema of each type's data, by the type's name.
pub const SCHEMAS: &[(&str, &str)] = schemas![
    "account.gone",
    "account.observed",
    "actor.took-over",
    "alert.sent",
    "attempts.cleared",
    "backup.made",
    "breaker.released",
    "breaker.tripped",
    "command.confirmed",
    "command.intended",
    "command.outcome",
    "command.settled",
    "decision.made",
    "departure.withdrawn",
    "halt.lifted",
    "halt.set",
    "hold.lifted",
    "hold.placed",
    "keep.lifted",
    "leave.stated",
    "leave.withdrawn",
    "ledger.heartbeat",
    "ledger.opened",
    "ledger.reopened",
    "link.cut",
    "link.denied",
    "link.forgotten",
    "link.made",
    "link.stated",
    "link.withheld",
    "login.observed",
    "notice.bounced",
    "notice.delivered",
    "notice.proceeded",
    "notice.sent",
    "operator.named",
    "orphan.accepted",
    "orphan.claimed",
    "orphan.released",
    "person.absent",
    "person.missed",
    "person.observed",
    "plan.approved",
    "plan.created",
    "plan.listed",
    "plan.rejected",
    "policy.adopted",
    "policy.proposed",
    "read.released",
    "run.finished",
    "run.started",
    "source.read",
    "step.kept",
    "step.withheld",
    "subjects.lost",
    "successor.named",
    "successor.withdrawn",
    "summary.sent",
    "task.closed",
    "task.opened",
    "task.released",
    "task.taken",
];

/// The schema of what several types share.
pub const COMMON: &str = include_str!("../../schema/event/common.json");

/// The schema of the entry around the data.
pub const ENVELOPE: &str = include_str!("../../schema/event/entry.json");

/// What a value may look like, as far as a schema says.
#[derive(Debug)]
enum Shape {
    /// Anything of one of these JSON types; anything at all if there are none.
    Any(Vec<String>),
    /// An object with these fields, and others only of the shape in `rest`.
    Object {
        fields: BTreeMap<String, Shape>,
        rest: Option<Box<Shape>>,
    },
    /// A list of these.
    List(Box<Shape>),
}

static LISTS: LazyLock<BTreeMap<&'static str, Shape>> = LazyLock::new(|| {
    let common = serde_json::from_str(COMMON).unwrap_or(Value::Null);
    let mut lists = BTreeMap::new();
    for (name, text) in SCHEMAS {
        let schema = serde_json::from_str(text).unwrap_or(Value::Null);
        lists.insert(*name, shape(&schema, &common, 0));
    }
    lists
});

/// Checks that a type is known and that its data has only fields that its list has.
pub fn check_data(kind: &str, version: u32, data: &Value) -> Result<(), EntryError> {
    let list = LISTS.get(kind).ok_or(EntryError::UnknownType)?;
    if version != 1 {
        return Err(EntryError::UnknownType);
    }
    fits(list, data, "data")
}

/// Checks the parts around the data that have a shape of their own: links, salts, ids, commitments.
pub fn check_envelope(entry: &Entry) -> Result<(), EntryError> {
    let lower_hex = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
    if entry.prev.len() != 64 || !entry.prev.bytes().all(lower_hex) {
        return Err(EntryError::Shape("prev"));
    }
    let url_safe = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
    if entry.salt.len() != 22 || !entry.salt.bytes().all(url_safe) {
        return Err(EntryError::Shape("salt"));
    }
    let ids = [
        Some(entry.id.as_str()),
        Some(entry.run.as_str()),
        entry.cause.as_ref().map(|c| c.as_str()),
    ];
    if !ids.into_iter().flatten().all(is_uuid) {
        return Err(EntryError::Shape("id"));
    }
    let subjects = [&entry.sub, &entry.actor.sub];
    let pseudonym = |text: &str| {
        text.strip_prefix("s_")
            .is_some_and(|hex| hex.len() == 32 && hex.bytes().all(lower_hex))
    };
    if !subjects
        .into_iter()
        .flatten()
        .all(|s| pseudonym(s.as_str()))
    {
        return Err(EntryError::Shape("sub"));
    }
    let name = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-' || c == b'_';
    for (field, value) in &entry.commit {
        let named = (1..=40).contains(&field.len()) && field.bytes().all(name);
        if !named || !commitment::is_commitment(value) {
            return Err(EntryError::Shape("commit"));
        }
    }
    Ok(())
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, c)| match at {
            8 | 13 | 18 | 23 => c == b'-',
            _ => c.is_ascii_digit() || (b'a'..=b'f').contains(&c),
        })
}

/// Schemas do not nest deeper than this.
const DEPTH: u32 = 12;

fn shape(schema: &Value, common: &Value, depth: u32) -> Shape {
    if depth > DEPTH {
        return Shape::Any(Vec::new());
    }
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        let name = name.rsplit('/').next().unwrap_or_default();
        let target = common.get("$defs").and_then(|defs| defs.get(name));
        return shape(target.unwrap_or(&Value::Null), common, depth + 1);
    }
    let has_fields = schema.get("properties").is_some();
    let rest = match schema.get("additionalProperties") {
        Some(Value::Bool(false)) => None,
        Some(other @ Value::Object(_)) => Some(Box::new(shape(other, common, depth + 1))),
        _ if has_fields => Some(Box::new(Shape::Any(Vec::new()))),
        _ => return leaf_or_list(schema, common, depth),
    };
    let fields = schema.get("properties").and_then(Value::as_object);
    Shape::Object {
        fields: fields
            .into_iter()
            .flatten()
            .map(|(name, inner)| (name.clone(), shape(inner, common, depth + 1)))
            .collect(),
        rest,
    }
}

fn leaf_or_list(schema: &Value, common: &Value, depth: u32) -> Shape {
    if let Some(items) = schema.get("items").filter(|items| items.is_object()) {
        return Shape::List(Box::new(shape(items, common, depth + 1)));
    }
    let types = match schema.get("type") {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(several)) => several
            .iter()
            .filter_map(|t| t.as_str().map(str::to_owned))
            .collect(),
        _ => Vec::new(),
    };
    Shape::Any(types)
}

fn fits(shape: &Shape, value: &Value, path: &str) -> Result<(), EntryError> {
    let refused = || Err(EntryError::Field(path.to_owned()));
    match (shape, value) {
        (Shape::Any(types), _) => {
            if types.is_empty() || types.iter().any(|t| t == type_of(value)) {
                Ok(())
            } else {
                refused()
            }
        }
        (Shape::List(inner), Value::Array(items)) => {
            items.iter().try_for_each(|item| fits(inner, item, path))
        }
        (Shape::Object { fields, rest }, Value::Object(map)) => {
            for (name, item) in map {
                let inner = fields.get(name).or(rest.as_deref());
                match inner {
                    // the path is made only where something is wrong or nested
                    None => return Err(EntryError::Field(format!("{path}.{name}"))),
                    Some(Shape::Any(types))
                        if types.is_empty() || types.iter().any(|t| t == type_of(item)) => {}
                    Some(inner) => fits(inner, item, &format!("{path}.{name}"))?,
                }
            }
            Ok(())
        }
        _ => refused(),
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
