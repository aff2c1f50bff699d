//! The reasons, by the codes of schema/codes.json.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use serde::Deserialize;
use serde::Serialize;

/// A reason by its code, such as `leaver.disabled`; schema/codes.json lists and explains them all.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Code(String);

impl Code {
    /// Takes a code that schema/codes.json lists.
    pub fn new(code: &str) -> Self {
        Self(code.to_owned())
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the first dot: `leaver`, `inactive`, `block`, …
    pub fn family(&self) -> &str {
        self.0.split('.').next().unwrap_or_default()
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One line of schema/codes.json.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeText {
    /// The code.
    pub code: String,
    /// One sentence for a person.
    pub says: String,
    /// What to do about it, where something can be done.
    #[serde(default)]
    pub hint: Option<String>,
}

/// Reads the list of codes that ships with the program.
pub fn all() -> Vec<CodeText> {
    serde_json::from_str(include_str!("../../schema/codes.json")).unwrap_or_default()
}

/// The list by code: it is asked for with every line that is shown.
static LIST: LazyLock<BTreeMap<String, CodeText>> = LazyLock::new(|| {
    let list = all().into_iter();
    list.map(|text| (text.code.clone(), text)).collect()
});

/// The sentence for a code; the code itself if the list does not have it.
pub fn says(code: &str) -> String {
    LIST.get(code)
        .map_or_else(|| code.to_owned(), |text| text.says.clone())
}

/// What to do about a code, where something can be done.
pub fn hint(code: &str) -> Option<String> {
    LIST.get(code)?.hint.clone()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use crate::domain::code::Code;
    use crate::domain::code::all;
    use crate::domain::event::TYPES;

    #[test]
    fn the_list_is_sorted_and_has_each_code_once_with_a_sentence() {
        let list = all();
        assert!(list.len() > 100, "the list could not be read");
        let codes: Vec<_> = list.iter().map(|c| c.code.as_str()).collect();
        let sorted: BTreeSet<_> = codes.iter().copied().collect();
        assert_eq!(codes, sorted.into_iter().collect::<Vec<_>>());
        for code in &list {
            assert!(is_code(&code.code), "{}", code.code);
            assert!(code.says.ends_with('.'), "{}", code.code);
            assert!(
                code.hint.as_ref().is_none_or(|h| h.ends_with('.')),
                "{}",
                code.code
            );
        }
    }

    #[test]
    fn whatever_spoils_a_read_comes_with_what_to_do() {
        let says_something_good = |code: &str| {
            let good = [
                "read.agreed-by-look-up",
                "read.believed-by-release",
                "read.confirmed",
                "read.not-suspect",
            ];
            good.contains(&code)
        };
        for code in all() {
            if code.code.starts_with("read.") && !says_something_good(&code.code) {
                assert!(code.hint.is_some(), "{}", code.code);
            }
        }
    }

    #[test]
    fn every_code_in_the_source_is_on_the_list() {
        let codes: BTreeSet<_> = all().into_iter().map(|c| c.code).collect();
        let families: BTreeSet<_> = codes
            .iter()
            .map(|c| Code::new(c).family().to_owned())
            .collect();
        let mut unlisted = BTreeSet::new();
        look_through(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
            &mut |text| {
                for literal in text.split('"').filter(|l| is_code(l)) {
                    // an entry's type, a file's name and the beginning of several codes look like
                    // a code and are none
                    let known = codes.contains(literal)
                        || TYPES.contains(&literal)
                        || literal.ends_with('-')
                        || [".json", ".csv", ".toml"]
                            .iter()
                            .any(|end| literal.ends_with(end));
                    if families.contains(Code::new(literal).family()) && !known {
                        unlisted.insert(literal.to_owned());
                    }
                }
            },
        );
        assert_eq!(unlisted, BTreeSet::new());
    }

    fn look_through(directory: &Path, look: &mut dyn FnMut(&str)) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                look_through(&path, look);
            } else if path.extension().is_some_and(|e| e == "rs") {
                look(&fs::read_to_string(&path).unwrap());
            }
        }
    }

    fn is_code(text: &str) -> bool {
        let sound = |part: &str| {
            !part.is_empty()
                && part
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        };
        text.split_once('.')
            .is_some_and(|(family, rest)| sound(family) && sound(rest))
    }
}
