//! Spoils an answer by a seed: each seed gives the same mistake on every machine.

use exeunt::sandbox::population::Prng;
use serde_json::Value;
use serde_json::json;

/// Spoils a body and says how.
pub(crate) fn spoil(body: &mut Vec<u8>, random: &mut Prng) -> String {
    if let Ok(mut value) = serde_json::from_slice::<Value>(body)
        && random.below(6) != 0
    {
        let how = in_json(&mut value, random);
        *body = value.to_string().into_bytes();
        return how;
    }
    in_bytes(body, random)
}

fn in_bytes(body: &mut Vec<u8>, random: &mut Prng) -> String {
    let at = usize::try_from(random.below(body.len().max(1) as u64)).unwrap();
    let how = match random.below(7) {
        0 => {
            body.truncate(at);
            "cut"
        }
        1 => {
            body.splice(at..at, [0xff, 0xfe, 0xc0]);
            "no UTF-8"
        }
        2 => {
            body.clear();
            "empty"
        }
        3 => {
            *body = [b"[".repeat(20_000), b"]".repeat(20_000)].concat();
            "deep"
        }
        4 => {
            let twice = body.clone();
            body.extend(twice);
            "twice"
        }
        5 => {
            *body = b"<html><body>soon</body></html>".to_vec();
            "a page"
        }
        _ => {
            body.splice(at..at, *b"\0");
            "a NUL"
        }
    };
    format!("{how} at {at}")
}

/// The ways to every value, as JSON pointers.
fn places(value: &Value, here: &str, found: &mut Vec<String>) {
    found.push(here.to_owned());
    match value {
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                places(item, &format!("{here}/{n}"), found);
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                places(value, &format!("{here}/{name}"), found);
            }
        }
        _ => {}
    }
}

/// Values that no field of these answers can have, whatever it is called.
fn strange(random: &mut Prng) -> Value {
    let deep = (0..100).fold(json!([]), |inner, _| json!([inner]));
    let all = [
        json!(1e300),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(-1),
        json!(0.5),
        json!("31.12.2026 at noon"),
        json!("2026-13-45T99:99:99Z"),
        json!("0000-00-00T00:00:00Z"),
        json!("9999999-01-01T00:00:00Z"),
        json!("x".repeat(70_000)),
        json!("\u{0}\u{202e}\u{1b}[31m"),
        json!([]),
        json!({}),
        json!([[1, "a"], {}]),
        json!({ "value": { "value": "x" } }),
        deep,
    ];
    let place = usize::try_from(random.below(all.len() as u64)).unwrap();
    all[place].clone()
}

fn in_json(value: &mut Value, random: &mut Prng) -> String {
    let mut found = Vec::new();
    places(value, "", &mut found);
    let place = usize::try_from(random.below(found.len() as u64)).unwrap();
    let place = found[place].clone();
    let how = match random.below(4) {
        0 => remove(value, &place),
        1 => double(value, &place),
        _ => {
            let new = strange(random);
            let shown: String = new.to_string().chars().take(40).collect();
            if let Some(old) = value.pointer_mut(&place) {
                *old = new;
            }
            format!("{shown} at")
        }
    };
    format!("{how} {place}")
}

fn split(place: &str) -> (&str, String) {
    let (parent, name) = place.rsplit_once('/').unwrap_or(("", ""));
    (parent, name.replace("~1", "/").replace("~0", "~"))
}

fn remove(value: &mut Value, place: &str) -> String {
    let (parent, name) = split(place);
    match value.pointer_mut(parent) {
        Some(Value::Object(fields)) => drop(fields.remove(&name)),
        Some(Value::Array(items)) => {
            let at = name.parse::<usize>().ok().filter(|n| *n < items.len());
            at.map(|n| items.remove(n));
        }
        _ => *value = Value::Null,
    }
    "without".to_owned()
}

/// An item of a list comes twice, in place of the next one where there is one.
fn double(value: &mut Value, place: &str) -> String {
    let (parent, name) = split(place);
    if let Some(Value::Array(items)) = value.pointer_mut(parent)
        && let Ok(at) = name.parse::<usize>()
        && let Some(item) = items.get(at).cloned()
    {
        match items.get_mut(at + 1) {
            Some(next) => *next = item,
            None => items.push(item),
        }
        return "twice".to_owned();
    }
    let kept = value.pointer(place).cloned().unwrap_or_default();
    if let Some(old) = value.pointer_mut(place) {
        *old = json!([kept, kept]);
    }
    "a list of".to_owned()
}
