//! What the attributes of an LDAP entry say about a person, whether they came over the wire or out
//! of an LDIF file.

use std::collections::BTreeMap;
use std::ops::Range;

use uuid::Uuid;

use crate::directory::moment;
use crate::domain::person::PersonFacts;
use crate::domain::time::Time;

/// The value of `pwdAccountLockedTime` that means "until an administrator opens it again"
/// (slapo-ppolicy; draft-behera-ldap-password-policy 5.3.3).
const LOCKED_FOR_EVER: &str = "000001010000Z";

/// The attributes of one entry; names without regard to case and without options (`;lang-de`).
#[derive(Debug, Default)]
pub(super) struct Attributes {
    /// All names and values, one behind the other. Entries are made on one thread and dropped on
    /// another, where each piece of memory of its own would cost more than what is in it.
    bytes: Vec<u8>,
    /// Where in them each value is, with the name of its attribute.
    values: Vec<(Range<usize>, Range<usize>)>,
    /// Which part of its values came, for attributes of which the server gives a part at a time.
    ranges: BTreeMap<String, String>,
}

/// An attribute that decisions rest on and that cannot be understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadAttribute {
    /// The attribute.
    pub(super) name: String,
    /// What is wrong and what would be right.
    pub(super) what: String,
}

impl Attributes {
    /// None yet, with room for those of a usual person.
    pub(super) fn with_room() -> Self {
        Self {
            bytes: Vec::with_capacity(640),
            values: Vec::with_capacity(16),
            ranges: BTreeMap::new(),
        }
    }

    /// Adds values of an attribute.
    pub(super) fn add(&mut self, name: &str, values: impl IntoIterator<Item: AsRef<[u8]>>) {
        let mut parts = name.split(';');
        let name = parts.next().unwrap_or_default();
        for option in parts {
            if let Some(range) = option.to_ascii_lowercase().strip_prefix("range=") {
                self.ranges
                    .insert(name.to_ascii_lowercase(), range.to_owned());
            }
        }
        let name = self.keep(name.as_bytes());
        for value in values {
            let value = self.keep(value.as_ref());
            self.values.push((name.clone(), value));
        }
    }

    fn keep(&mut self, piece: &[u8]) -> Range<usize> {
        let from = self.bytes.len();
        self.bytes.extend_from_slice(piece);
        from..self.bytes.len()
    }

    fn piece(&self, range: &Range<usize>) -> &[u8] {
        self.bytes.get(range.clone()).unwrap_or_default()
    }

    /// The range of values that the server gave instead of all (`0-1499`, `1500-*`).
    pub(super) fn range(&self, name: &str) -> Option<&str> {
        let range = self.ranges.get(&name.to_ascii_lowercase());
        range.map(String::as_str)
    }

    /// The values of an attribute, in the order of the entry.
    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        // An entry has a dozen values: to look through them is quicker than any index.
        let all = self.values.iter();
        let own =
            all.filter(move |(known, _)| self.piece(known).eq_ignore_ascii_case(name.as_bytes()));
        own.map(|(_, value)| self.piece(value))
    }

    /// The values of an attribute as trimmed text, in the order of the entry; bytes that are no
    /// text are replaced, which is good enough for names and never used for a decision.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        self.values(name)
            .map(|value| String::from_utf8_lossy(value).trim().to_owned())
            .filter(|text| !text.is_empty())
            .collect()
    }

    /// The first text of the first attribute that has one.
    pub(super) fn text(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| {
            let mut texts = self.values(name).map(String::from_utf8_lossy);
            texts.find_map(|text| match text.trim() {
                "" => None,
                text => Some(text.to_owned()),
            })
        })
    }

    /// The `entryUUID` (RFC 4530) in its canonical form, from text or from 16 bytes; `None` if
    /// there is none, more than one, or something else in its place.
    pub(super) fn entry_uuid(&self) -> Option<String> {
        let mut values = self.values("entryUUID");
        let (Some(value), None) = (values.next(), values.next()) else {
            return None;
        };
        uuid_of(value)
    }

    /// What the entry says about the person's standing.
    ///
    /// Errors if one of these attributes is there and cannot be understood: a date that nobody can
    /// read must not count as no date.
    pub(super) fn facts(&self) -> Result<PersonFacts, BadAttribute> {
        let mut facts = PersonFacts::default();
        for text in self.exact("pwdAccountLockedTime")? {
            let time = moment_of("pwdAccountLockedTime", &text)?;
            if Some(time) == moment::generalized_time(LOCKED_FOR_EVER) {
                facts.disabled_by = Some("pwdAccountLockedTime".to_owned());
            } else {
                facts.locked_for_a_while = true;
            }
        }
        let start = self.single_moment("pwdStartTime")?;
        let end = self.single_moment("pwdEndTime")?;
        facts.expires_at = end;
        if let (Some(start), Some(end)) = (start, end) {
            // slapo-ppolicy: an account whose time begins at or after its end is never open.
            if start >= end {
                facts
                    .disabled_by
                    .get_or_insert_with(|| "pwdStartTime".to_owned());
            }
        }
        for text in self.exact("nsAccountLock")? {
            if boolean("nsAccountLock", &text)? {
                facts
                    .disabled_by
                    .get_or_insert_with(|| "nsAccountLock".to_owned());
            }
        }
        Ok(facts)
    }

    /// The moment that an attribute with a generalizedTime names.
    pub(super) fn single_moment(&self, name: &str) -> Result<Option<Time>, BadAttribute> {
        self.single(name)?
            .map(|text| moment_of(name, &text))
            .transpose()
    }

    /// The newest moment of several attributes with generalizedTimes.
    pub(super) fn newest(&self, names: &[&str]) -> Result<Option<Time>, BadAttribute> {
        let mut newest = None;
        for name in names {
            newest = newest.max(self.single_moment(name)?);
        }
        Ok(newest)
    }

    /// The one value of an attribute that may have one.
    pub(super) fn single(&self, name: &str) -> Result<Option<String>, BadAttribute> {
        let mut values = self.exact(name)?;
        match values.len() {
            0 | 1 => Ok(values.pop()),
            more => Err(BadAttribute {
                name: name.to_owned(),
                what: format!("has {more} values; it may have one"),
            }),
        }
    }

    /// The values of an attribute as the text that they are.
    pub(super) fn exact(&self, name: &str) -> Result<Vec<String>, BadAttribute> {
        self.values(name)
            .map(|value| {
                std::str::from_utf8(value)
                    .map(str::to_owned)
                    .map_err(|_| BadAttribute {
                        name: name.to_owned(),
                        what: "is not text".to_owned(),
                    })
            })
            .collect()
    }
}

/// The canonical form of a UUID given as text or as its 16 bytes.
pub(super) fn uuid_of(value: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(value).ok().map(str::trim);
    text.and_then(|text| Uuid::parse_str(text).ok())
        .or_else(|| Uuid::from_slice(value).ok())
        .map(|uuid| uuid.hyphenated().to_string())
}

fn moment_of(name: &str, text: &str) -> Result<Time, BadAttribute> {
    moment::generalized_time(text).ok_or_else(|| BadAttribute {
        name: name.to_owned(),
        what: format!(
            "is \"{}\", which is no generalizedTime; right is, for example, 20261130170000Z",
            shown(text)
        ),
    })
}

/// The beginning of a value, as an error may show it.
pub(super) fn shown(value: &str) -> String {
    value
        .chars()
        .take(40)
        .flat_map(char::escape_debug)
        .collect()
}

fn boolean(name: &str, text: &str) -> Result<bool, BadAttribute> {
    if text.eq_ignore_ascii_case("true") {
        Ok(true)
    } else if text.eq_ignore_ascii_case("false") {
        Ok(false)
    } else {
        Err(BadAttribute {
            name: name.to_owned(),
            what: format!("is \"{}\"; it may be true or false", shown(text)),
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn entry(pairs: &[(&str, &str)]) -> Attributes {
        let mut attributes = Attributes::default();
        for (name, value) in pairs {
            attributes.add(name, [value.as_bytes().to_vec()]);
        }
        attributes
    }

    #[test]
    fn the_lock_for_ever_is_a_disabling_and_any_other_is_not() {
        let facts = entry(&[("PWDACCOUNTLOCKEDTIME", "000001010000Z")])
            .facts()
            .unwrap();
        assert_eq!(facts.disabled_by.as_deref(), Some("pwdAccountLockedTime"));
        assert!(!facts.locked_for_a_while);
        let facts = entry(&[("pwdAccountLockedTime", "20261122100000Z")])
            .facts()
            .unwrap();
        assert_eq!(facts.disabled_by, None);
        assert!(facts.locked_for_a_while);
    }

    #[test]
    fn the_end_is_kept_also_in_the_future_and_a_start_after_it_disables() {
        let facts = entry(&[("pwdEndTime", "20991231000000Z")]).facts().unwrap();
        assert_eq!(facts.expires_at, Time::parse("2099-12-31T00:00:00Z"));
        assert_eq!(facts.disabled_by, None);
        let both = [
            ("pwdStartTime", "20260101000000Z"),
            ("pwdEndTime", "20260101000000Z"),
        ];
        assert_eq!(
            entry(&both).facts().unwrap().disabled_by.as_deref(),
            Some("pwdStartTime")
        );
        let facts = entry(&[("pwdStartTime", "20990101000000Z")])
            .facts()
            .unwrap();
        assert_eq!(facts, PersonFacts::default());
    }

    #[test]
    fn the_lock_of_389_is_read() {
        for (value, wanted) in [("TRUE", Some("nsAccountLock")), ("false", None)] {
            let facts = entry(&[("nsAccountLock", value)]).facts().unwrap();
            assert_eq!(facts.disabled_by.as_deref(), wanted);
        }
    }

    #[test]
    fn what_cannot_be_understood_is_an_error() {
        for (name, value) in [
            ("pwdEndTime", "2026-01-31"),
            ("pwdStartTime", ""),
            ("pwdAccountLockedTime", "never"),
            ("nsAccountLock", "yes"),
        ] {
            assert_eq!(entry(&[(name, value)]).facts().unwrap_err().name, name);
        }
        let two = [
            ("pwdEndTime", "20260101000000Z"),
            ("pwdEndTime", "20270101000000Z"),
        ];
        assert!(entry(&two).facts().unwrap_err().what.contains("2 values"));
        let mut bytes = Attributes::default();
        bytes.add("pwdEndTime", [vec![0xff]]);
        assert_eq!(bytes.facts().unwrap_err().what, "is not text");
    }

    #[test]
    fn a_key_is_canonical_and_single() {
        let text = "0A1B2C3D-4e5f-4071-8293-a4b5c6d7e8f9";
        let wanted = Some("0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9".to_owned());
        assert_eq!(entry(&[("entryuuid", text)]).entry_uuid(), wanted);
        let mut bytes = Attributes::default();
        bytes.add(
            "entryUUID",
            [Uuid::parse_str(text).unwrap().as_bytes().to_vec()],
        );
        assert_eq!(bytes.entry_uuid(), wanted);
        assert_eq!(entry(&[("entryUUID", "alice")]).entry_uuid(), None);
        assert_eq!(
            entry(&[("entryUUID", text), ("entryUUID", text)]).entry_uuid(),
            None
        );
        assert_eq!(entry(&[]).entry_uuid(), None);
    }

    #[test]
    fn a_part_of_the_values_says_which_part_it_is() {
        let part = entry(&[("member", ""), ("Member;Range=0-1499", "cn=a")]);
        assert_eq!(part.range("member"), Some("0-1499"));
        assert_eq!(entry(&[("member", "cn=a")]).range("member"), None);
        assert_eq!(entry(&[("cn;lang-de", "A")]).range("cn"), None);
    }

    #[test]
    fn options_of_an_attribute_do_not_hide_it() {
        let entry = entry(&[
            ("cn;lang-de", "Ada"),
            ("mail", " "),
            ("mail", "a@example.test"),
        ]);
        assert_eq!(entry.text(&["displayName", "cn"]).as_deref(), Some("Ada"));
        assert_eq!(entry.texts("MAIL"), ["a@example.test"]);
    }
}
