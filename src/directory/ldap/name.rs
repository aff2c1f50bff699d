//! Distinguished names, compared as directories compare them.
//!
//! Servers write the same name in different ways (`\,` or `\2C`, `OU=` or `ou=`): two names are
//! the same if their parts are.

use std::collections::BTreeSet;

/// The most parts that a name may have.
const MAX_PARTS: usize = 256;

/// A distinguished name (RFC 4514) taken apart: values without their escapes, without regard to
/// case and to the number of spaces.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    /// From the root down, so that names below one another stand together.
    parts: Vec<BTreeSet<(String, String)>>,
}

impl Name {
    /// Takes a name apart; `None` if it is none, and for the empty name.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = Vec::new();
        let mut part = BTreeSet::new();
        let mut rest = text;
        loop {
            let (kind, value) = rest.split_once('=')?;
            let kind = kind_of(kind.trim())?;
            let (value, end, behind) = value_of(value)?;
            part.insert((kind, value));
            rest = behind;
            match end {
                Some('+') => {}
                Some(_) => parts.push(std::mem::take(&mut part)),
                None => {
                    parts.push(part);
                    break;
                }
            }
            if parts.len() > MAX_PARTS {
                return None;
            }
        }
        parts.reverse();
        Some(Self { parts })
    }

    /// Whether this is the other name, or one below it.
    pub(super) fn is_within(&self, other: &Name) -> bool {
        self.parts.starts_with(&other.parts)
    }

    /// How many parts it has.
    pub(super) fn depth(&self) -> usize {
        self.parts.len()
    }
}

/// The kind of a part; the object identifiers of common ones count as their names.
fn kind_of(text: &str) -> Option<String> {
    let kind = text.to_ascii_lowercase();
    let kind = kind.strip_prefix("oid.").unwrap_or(&kind);
    let sound = !kind.is_empty()
        && kind
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b));
    let kind = match kind {
        "2.5.4.3" | "commonname" => "cn",
        "2.5.4.6" | "countryname" => "c",
        "2.5.4.7" | "localityname" => "l",
        "2.5.4.8" | "stateorprovincename" => "st",
        "2.5.4.10" | "organizationname" => "o",
        "2.5.4.11" | "organizationalunitname" => "ou",
        "0.9.2342.19200300.100.1.1" | "userid" => "uid",
        "0.9.2342.19200300.100.1.25" | "domaincomponent" => "dc",
        other => other,
    };
    sound.then(|| kind.to_owned())
}

/// The value at the beginning of a text, the sign that ends it, and what stands behind that.
fn value_of(text: &str) -> Option<(String, Option<char>, &str)> {
    let mut bytes = Vec::new();
    let mut rest = text.trim_start_matches(' ');
    let quoted = rest.strip_prefix('"');
    let mut open = quoted.is_some();
    rest = quoted.unwrap_or(rest);
    let mut letters = rest.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' if open => open = false,
            ',' | ';' | '+' if !open => {
                let behind = rest.get(at + 1..)?;
                return Some((folded(bytes)?, Some(letter), behind));
            }
            '\\' => {
                let (_, escaped) = letters.next()?;
                match escaped.to_digit(16) {
                    Some(high) => {
                        let (_, low) = letters.next()?;
                        bytes.push(u8::try_from(high * 16 + low.to_digit(16)?).ok()?);
                    }
                    None => push(&mut bytes, escaped),
                }
            }
            other => push(&mut bytes, other),
        }
    }
    (!open).then_some(())?;
    Some((folded(bytes)?, None, ""))
}

fn push(bytes: &mut Vec<u8>, letter: char) {
    bytes.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Case and runs of spaces do not tell names apart (RFC 4518).
fn folded(bytes: Vec<u8>) -> Option<String> {
    let text = String::from_utf8(bytes).ok()?;
    let words: Vec<String> = text
        .split(' ')
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    Some(words.join(" "))
}

/// A value as a filter (RFC 4515) takes it, byte by byte.
pub(super) fn filter_value(value: &[u8]) -> String {
    value.iter().map(|byte| format!("\\{byte:02x}")).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    #[test]
    fn the_ways_to_write_a_name_are_one_name() {
        for (one, other) in [
            ("OU=Leavers,DC=corp", "ou=leavers, dc=CORP"),
            (
                r"CN=Grace\, O'Hara (Éire) \#1,DC=x",
                r"cn=Grace\2C O'Hara (\c3\89ire) #1,dc=x",
            ),
            (r#"cn="Grace, O'Hara",dc=x"#, r"cn=Grace\, O'Hara,dc=x"),
            ("cn=a+uid=b,dc=x", "UID=b + CN=a,dc=x"),
            ("2.5.4.11=Leavers,dc=x", "ou=Leavers,dc=x"),
            ("cn=a  b ,dc=x", "cn=A B,dc=x"),
            (r"cn=a\20,dc=x", "cn=a,dc=x"),
        ] {
            assert_eq!(name(one), name(other), "{one}");
        }
    }

    #[test]
    fn other_names_are_others() {
        for (one, other) in [
            ("ou=Leavers,dc=x", r"ou=Leavers\,dc=x,dc=x"),
            ("ou=Leavers,dc=x", "cn=Leavers,dc=x"),
            ("cn=a+uid=b,dc=x", "cn=a,uid=b,dc=x"),
            ("ou=Leavers,dc=x", "ou=Leavers,dc=y"),
        ] {
            assert_ne!(name(one), name(other), "{one}");
        }
    }

    #[test]
    fn below_counts_in_parts_and_not_in_letters() {
        let unit = name("OU=Leavers,DC=corp");
        assert!(name("cn=a,ou=leavers,dc=corp").is_within(&unit));
        assert!(unit.is_within(&unit));
        assert!(!name("ou=Old Leavers,dc=corp").is_within(&unit));
        assert!(!name(r"cn=a\,ou=Leavers,dc=corp").is_within(&unit));
        assert!(!name("dc=corp").is_within(&unit));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in [
            "", "Leavers", "ou=", "=x", "ou=a,", r"ou=a\", r"ou=a\4", "o u=a", "ou=\"a", r"cn=\ff",
        ] {
            let parsed = Name::parse(text);
            assert!(parsed.is_none() || text == "ou=", "{text}: {parsed:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "\\PC*", near in "[a-c=,+\\\\\"#0-9; ]{0,40}") {
            let _ = Name::parse(&text);
            let _ = Name::parse(&near);
        }

        #[test]
        fn every_value_survives_its_escape(value in "[a-z,+\"\\\\<>;=#]{1,12}") {
            let escaped: String = value
                .bytes()
                .map(|b| format!("\\{b:02X}"))
                .collect();
            let plain: String = value
                .chars()
                .map(|c| if c.is_ascii_lowercase() { c.to_string() } else { format!("\\{c}") })
                .collect();
            prop_assert_eq!(
                Name::parse(&format!("cn={escaped},dc=x")),
                Name::parse(&format!("CN={plain},dc=x"))
            );
        }
    }
}
