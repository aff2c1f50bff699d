//! Documents of any shape, and documents with one place spoilt: no parser may panic on them or
//! believe too much.

use proptest::prelude::*;
use serde_json::Value;
use serde_json::json;

/// Any JSON, with values that are often mistaken for others among them.
pub(crate) fn any_json() -> impl Strategy<Value = Value> {
    any_json_or(&[])
}

/// Any JSON; texts that mean something to a provider come up as well.
pub(crate) fn any_json_or(words: &[&str]) -> impl Strategy<Value = Value> + use<> {
    let mut texts: Vec<Value> = [
        "9999-12-31T23:59:59.9999999+14:00",
        "0001-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "True",
    ]
    .map(Value::from)
    .to_vec();
    texts.extend(words.iter().map(|word| Value::from(*word)));
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        Just(json!(u64::MAX)),
        Just(json!(1e308)),
        ".{0,12}".prop_map(Value::from),
        prop::sample::select(texts),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{1,8}", inner, 0..4)
                .prop_map(|m| m.into_iter().collect()),
        ]
    })
}

/// Replaces or removes the `at`-th place of a document; tells whether there is one.
pub(crate) fn mutate(value: &mut Value, at: &mut usize, with: Option<&Value>) -> bool {
    if *at == 0 {
        *value = with.cloned().unwrap_or(Value::Null);
        return true;
    }
    *at -= 1;
    match value {
        Value::Array(items) => items.iter_mut().any(|item| mutate(item, at, with)),
        Value::Object(map) => {
            let keys: Vec<_> = map.keys().cloned().collect();
            keys.into_iter().any(|key| {
                if *at == 0 && with.is_none() {
                    return map.remove(&key).is_some();
                }
                map.get_mut(&key)
                    .is_some_and(|inner| mutate(inner, at, with))
            })
        }
        _ => false,
    }
}
