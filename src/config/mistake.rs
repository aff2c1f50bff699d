//! What is wrong in the configuration, where, and what would be right.

use std::fmt;
use std::path::Path;

use crate::config::place::position;

/// One mistake; exit code 78.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// File, and line and column where they are known: `exeunt.toml:12:5`.
    pub at: String,
    /// What is wrong.
    pub says: String,
    /// What would be right, where we can tell.
    pub right: Option<String>,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.says)
    }
}

impl std::error::Error for Mistake {}

/// What stands between what is wrong and what is right in a message of our own types.
pub(crate) const RIGHT: &str = "; right: ";

/// Words of the design that this version does not understand yet.
const NOT_YET: &[&str] = &["webhook"];

impl Mistake {
    /// The file cannot be read.
    pub fn file(path: &Path, source: &std::io::Error) -> Self {
        let missing = source.kind() == std::io::ErrorKind::NotFound;
        Self {
            at: path.display().to_string(),
            says: if missing {
                "there is no such file".to_owned()
            } else {
                format!("cannot be read: {source}")
            },
            right: missing.then(|| {
                "`exeunt init` writes a commented one; `--config FILE` names another".to_owned()
            }),
        }
    }

    /// What the TOML reader said, in words for people, with a suggestion for a misspelt key.
    pub fn from_toml(name: &str, text: &str, error: &toml::de::Error) -> Self {
        let at = match error.span() {
            Some(span) => position(name, text, span.start),
            None => name.to_owned(),
        };
        let (says, right) = in_words(error.message());
        Self { at, says, right }
    }
}

/// Says in words what the reader of TOML means; a value is never repeated: it may be a secret
/// that stands in the wrong place.
fn in_words(message: &str) -> (String, Option<String>) {
    if let Some((says, right)) = message.split_once(RIGHT) {
        return (says.to_owned(), Some(right.to_owned()));
    }
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let (first, rest) = quoted.split_first().map_or(("", &[][..]), |(f, r)| (*f, r));
    if message.starts_with("unknown field") {
        let right = if rest.is_empty() {
            "leave it out".to_owned()
        } else {
            nearest(first, rest)
        };
        return (format!("there is no key `{first}` here"), Some(right));
    }
    if message.starts_with("unknown variant") {
        let says = if NOT_YET.contains(&first) {
            format!("`{first}` is not built yet")
        } else {
            format!("`{first}` is not one of the words that can stand here")
        };
        let right = match first {
            "ad" | "active-directory" if rest.contains(&"ldap") => {
                "kind = \"ldap\" with flavor = \"active-directory\"".to_owned()
            }
            _ => nearest(first, rest),
        };
        return (says, Some(right));
    }
    if message.starts_with("missing field") {
        return (format!("`{first}` is missing"), example(first));
    }
    if message.starts_with("duplicate field") {
        let says = format!("`{first}` stands here for the second time, under an older name");
        return (says, Some("each section once".to_owned()));
    }
    if message.starts_with("duplicate key") {
        return (
            "a key stands here for the second time".to_owned(),
            Some("each key once".to_owned()),
        );
    }
    let typed = message
        .strip_prefix("invalid type: ")
        .or(message.strip_prefix("invalid value: "));
    if let Some((found, expected)) = typed.and_then(|m| m.split_once(", expected ")) {
        return (
            format!("here stands {}", kind(found)),
            Some(wanted(expected)),
        );
    }
    (format!("this is not TOML: {message}"), None)
}

fn kind(found: &str) -> &'static str {
    let kinds = [
        ("string", "a text"),
        ("integer `-", "a number below 0"),
        ("integer", "a whole number"),
        ("floating", "a fraction"),
        ("boolean", "true or false"),
        ("sequence", "a list"),
        ("map", "a table"),
    ];
    let known = kinds.iter().find(|(word, _)| found.starts_with(word));
    known.map_or("something else than can stand here", |(_, says)| says)
}

fn wanted(expected: &str) -> String {
    let kinds = [
        ("a string", "a text in quotes"),
        ("path string", "a path in quotes"),
        ("u64", "a whole number from 0 up"),
        ("u32", "a whole number from 0 up"),
        ("u16", "a whole number from 0 up"),
        ("usize", "a whole number from 0 up"),
        ("a boolean", "true or false, without quotes"),
        ("a character", "one character in quotes"),
        ("a sequence", "a list, as in [ … ]"),
        ("struct", "a table, as in { … }"),
        ("a map", "a table, as in { … }"),
        (
            "string or table",
            "one of the words that can stand here, in quotes",
        ),
    ];
    let known = kinds.iter().find(|(word, _)| expected.starts_with(word));
    known.map_or_else(|| expected.to_owned(), |(_, says)| (*says).to_owned())
}

/// What a key that must be there looks like.
fn example(key: &str) -> Option<String> {
    let examples = [
        ("name", "name = \"portal\""),
        ("kind", "kind = \"ldap\", \"ldif\" or \"csv\""),
        ("provider", "provider = \"docspace\""),
        ("url", "url = \"https://yourportal.onlyoffice.com\""),
        ("when", "when = \"departed\" or \"inactive\""),
        ("steps", "steps = [{ do = \"disable\" }]"),
        ("do", "do = \"disable\""),
        ("attribute", "attribute = \"employeeType\""),
        ("values", "values = [\"terminated\"]"),
        ("host", "host = \"relay.example.com\""),
        ("from", "from = \"Exeunt <exeunt@example.com>\""),
    ];
    let known = examples.iter().find(|(name, _)| *name == key);
    known.map(|(_, example)| format!("as in {example}"))
}

/// Says which of the known words is meant, or lists them.
pub fn nearest(word: &str, known: &[&str]) -> String {
    let best = known.iter().map(|k| (distance(word, k), *k)).min();
    match best {
        Some((d, k)) if d <= 2.max(word.len() / 3) => format!("did you mean `{k}`?"),
        _ if known.is_empty() => "none is configured".to_owned(),
        _ => format!("known here: {}", known.join(", ")),
    }
}

/// How many letters must change to make one word of the other (Levenshtein).
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (j, y) in b.iter().enumerate() {
            let up = row.get(j + 1).copied().unwrap_or(usize::MAX - 1);
            left = (diagonal + usize::from(x != *y)).min(up + 1).min(left + 1);
            diagonal = up;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_reader_are_put_into_ours() {
        let says = |message: &str| in_words(message);
        let (what, right) = says("unknown field `uri`, expected one of `url`, `vault`");
        assert_eq!(what, "there is no key `uri` here");
        assert_eq!(right.as_deref(), Some("did you mean `url`?"));
        let (what, right) = says("invalid type: string \"hush\", expected u64");
        assert_eq!(what, "here stands a text");
        assert_eq!(right.as_deref(), Some("a whole number from 0 up"));
        assert_eq!(says("missing field `steps`").0, "`steps` is missing");
        let (_, right) = says("unknown variant `ad`, expected `ldap` or `csv`");
        let wanted = "kind = \"ldap\" with flavor = \"active-directory\"";
        assert_eq!(right.as_deref(), Some(wanted));
        assert_eq!(
            says("unknown variant `webhook`, expected `file`").0,
            "`webhook` is not built yet"
        );
    }

    #[test]
    fn counts_letters() {
        assert_eq!(distance("notice_day", "notice_days"), 1);
        assert_eq!(distance("abc", "abc"), 0);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
