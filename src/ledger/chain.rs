//! The bytes of an entry and the link over them: pure, and the same for ever.

use std::fmt;
use std::sync::LazyLock;

use serde::Deserialize;
use serde::Deserializer;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;
use serde_json::Map;
use serde_json::Number;
use serde_json::Value;

use crate::domain::canonical;
use crate::domain::canonical::CanonicalError;
use crate::domain::event::Entry;
use crate::domain::time::Time;

/// The format that `ledger.opened` names.
pub const FORMAT: &str = "exeunt/ledger/1";

/// The BLAKE3 context of the links: `b3sum --derive-key` takes it as it is.
pub const CONTEXT: &str = "exeunt ledger v1 link";

/// The most bytes of one entry (C2SP tlog-tiles writes the length in 16 bits).
pub const MAX_ENTRY: usize = 65_535;

/// The BLAKE3 link over one entry's bytes.
pub type Link = [u8; 32];

/// The link before the first entry.
pub const NO_LINK: Link = [0; 32];

/// Why bytes are not an entry, or an entry cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// More bytes than an entry may have.
    #[error("it has {bytes} bytes, more than {MAX_ENTRY}")]
    TooLong {
        /// How many there are.
        bytes: usize,
    },
    /// The bytes are not UTF-8.
    #[error("its bytes are not UTF-8")]
    NotText,
    /// The bytes are not one JSON object.
    #[error("it is not one JSON object: {0}")]
    NotJson(String),
    /// The object does not have the fields of an entry.
    #[error("it does not have the fields of an entry: {0}")]
    NotAnEntry(String),
    /// A number that not every reader keeps.
    #[error(transparent)]
    Number(#[from] CanonicalError),
    /// The bytes are not the ones that the writer's rule gives.
    #[error("it is not in canonical form")]
    Form,
    /// Its type is not known to this version.
    #[error("its type is unknown to this version")]
    UnknownType,
    /// It has a field that the list of its type does not have.
    #[error("its field {0} is not on the list of schema/event")]
    Field(String),
    /// A commitment, salt, link or id does not have the right shape.
    #[error("its {0} does not have the right shape")]
    Shape(&'static str),
}

/// The link over an entry's bytes: BLAKE3 `derive_key` with [`CONTEXT`].
pub fn link(bytes: &[u8]) -> Link {
    // deriving the context key costs as much as hashing an entry: it is done once
    static HASHER: LazyLock<blake3::Hasher> =
        LazyLock::new(|| blake3::Hasher::new_derive_key(CONTEXT));
    let mut hasher = HASHER.clone();
    hasher.update(bytes);
    *hasher.finalize().as_bytes()
}

/// The bytes of an entry, by the writer's rule.
pub fn encode(entry: &Entry) -> Result<Vec<u8>, EntryError> {
    let value = serde_json::to_value(entry).map_err(|e| EntryError::NotJson(e.to_string()))?;
    let text = canonical::to_string(&value)?;
    if text.len() > MAX_ENTRY {
        return Err(EntryError::TooLong { bytes: text.len() });
    }
    Ok(text.into_bytes())
}

/// Reads stored bytes strictly: UTF-8, one JSON object, no key twice, the fields of an entry and no
/// others, no floats.
pub fn parse(bytes: &[u8]) -> Result<Entry, EntryError> {
    entry_from(strict_value(bytes)?)
}

/// Reads stored bytes strictly and also holds them to the writer's rule.
pub fn parse_canonical(bytes: &[u8]) -> Result<Entry, EntryError> {
    let value = strict_value(bytes)?;
    if canonical::to_string(&value)?.as_bytes() != bytes {
        return Err(EntryError::Form);
    }
    for field in ["at", "rec"] {
        let text = value.get(field).and_then(Value::as_str).unwrap_or_default();
        if Time::parse(text).is_none_or(|time| time.to_string() != text) {
            return Err(EntryError::Form);
        }
    }
    entry_from(value)
}

fn strict_value(bytes: &[u8]) -> Result<Value, EntryError> {
    if bytes.len() > MAX_ENTRY {
        return Err(EntryError::TooLong { bytes: bytes.len() });
    }
    let text = std::str::from_utf8(bytes).map_err(|_| EntryError::NotText)?;
    let Strict(value) =
        serde_json::from_str(text).map_err(|e| EntryError::NotJson(e.to_string()))?;
    if !value.is_object() {
        return Err(EntryError::NotJson("it is not an object".to_owned()));
    }
    Ok(value)
}

fn entry_from(value: Value) -> Result<Entry, EntryError> {
    serde_json::from_value(value).map_err(|e| EntryError::NotAnEntry(e.to_string()))
}

/// A JSON value in which no object has a key twice and no number has a fraction.
///
/// serde_json alone keeps the last of two equal keys, so that two readers could see two entries.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Strict)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without floats and without a key twice")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(Number::from(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(Number::from(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut out = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            out.push(item);
        }
        Ok(Value::Array(out))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut out = Map::new();
        while let Some(key) = fields.next_key::<String>()? {
            let Strict(value) = fields.next_value()?;
            if out.insert(key, value).is_some() {
                return Err(serde::de::Error::custom("an object has a key twice"));
            }
        }
        Ok(Value::Object(out))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::event::Actor;
    use crate::domain::event::ActorKind;
    use crate::domain::id::EntryId;
    use crate::domain::id::RunId;

    fn entry() -> Entry {
        Entry {
            actor: Actor {
                kind: ActorKind::Service,
                epoch: None,
                sub: None,
            },
            at: Time::from_seconds(1_700_000_000),
            cause: None,
            commit: BTreeMap::new(),
            data: serde_json::json!({"exit": 0}),
            id: EntryId::new("018bcfe5-6800-7000-8000-000000000000"),
            prev: hex::encode(NO_LINK),
            rec: Time::from_seconds(1_700_000_000),
            run: RunId::new("018bcfe5-6800-7000-8000-000000000001"),
            salt: "AAAAAAAAAAAAAAAAAAAAAA".to_owned(),
            seq: 0,
            src: None,
            sub: None,
            kind: "run.finished".to_owned(),
            v: 1,
        }
    }

    #[test]
    fn written_bytes_are_read_back_the_same() {
        let bytes = encode(&entry()).unwrap();
        assert_eq!(parse_canonical(&bytes).unwrap(), entry());
    }

    #[test]
    fn a_key_twice_is_not_an_entry() {
        let text = String::from_utf8(encode(&entry()).unwrap()).unwrap();
        let twice = text.replacen("\"seq\":0", "\"seq\":9,\"seq\":0", 1);
        assert!(matches!(
            parse(twice.as_bytes()),
            Err(EntryError::NotJson(_))
        ));
        let inside = text.replacen("\"exit\":0", "\"exit\":1,\"exit\":0", 1);
        assert!(matches!(
            parse(inside.as_bytes()),
            Err(EntryError::NotJson(_))
        ));
    }

    #[test]
    fn other_writings_of_the_same_entry_are_not_canonical() {
        let text = String::from_utf8(encode(&entry()).unwrap()).unwrap();
        for other in [
            text.replacen(':', ": ", 1),
            format!("{text}\n"),
            text.replacen("run.finished", "run\\u002efinished", 1),
            text.replacen(".000000Z", "Z", 1),
        ] {
            assert_eq!(parse_canonical(other.as_bytes()), Err(EntryError::Form));
            assert_eq!(parse(other.as_bytes()).unwrap(), entry());
        }
    }

    #[test]
    fn floats_unknown_fields_and_broken_text_are_refused() {
        let text = String::from_utf8(encode(&entry()).unwrap()).unwrap();
        let float = text.replacen("\"exit\":0", "\"exit\":0.5", 1);
        assert!(matches!(
            parse(float.as_bytes()),
            Err(EntryError::NotJson(_))
        ));
        let more = text.replacen("\"v\":1", "\"v\":1,\"w\":1", 1);
        assert!(matches!(
            parse(more.as_bytes()),
            Err(EntryError::NotAnEntry(_))
        ));
        assert_eq!(parse(&[0xff, 0xfe]), Err(EntryError::NotText));
        assert!(parse(b"[]").is_err());
    }

    #[test]
    fn an_entry_that_does_not_fit_a_tile_is_refused() {
        let mut long = entry();
        long.data = serde_json::json!({ "exit": "x".repeat(MAX_ENTRY) });
        assert!(matches!(encode(&long), Err(EntryError::TooLong { .. })));
    }
}
