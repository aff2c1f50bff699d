//! Reads the files of texts, and refuses what would make a warning wrong.

use std::collections::BTreeMap;
use std::path::Path;

use crate::notify::text::Language;
use crate::notify::text::TextMistake;
use crate::notify::text::fill::Piece;
use crate::notify::text::fill::pieces;

/// The words that can stand in a text; texts that are not here take none.
const WORDS: &[(&str, &[&str])] = &[
    ("subject", &["product", "tenant", "done", "day"]),
    ("subject.several", &["count", "day"]),
    (
        "text",
        &[
            "greeting", "product", "tenant", "why", "since", "done", "date", "day", "effect",
            "keep", "contact",
        ],
    ),
    (
        "text.several",
        &["greeting", "accounts", "contact", "count", "day"],
    ),
    (
        "account",
        &[
            "product", "tenant", "why", "since", "done", "date", "day", "effect", "keep",
        ],
    ),
    ("greeting", &["name"]),
    ("contact", &["reply_to"]),
    ("why", &["since"]),
    ("date", &["weekday", "day", "month", "year", "time", "zone"]),
    ("day", &["weekday", "day", "month", "year", "zone"]),
];

/// What a text must have: a warning says what comes when, and what helps against it.
const NEEDED: &[(&str, &[&str])] = &[
    ("text", &["done", "date", "keep"]),
    ("text.several", &["accounts"]),
    ("account", &["done", "date", "keep"]),
    ("date", &["day", "month", "year", "time", "zone"]),
    ("day", &["day", "month", "year"]),
];

/// The largest file of texts, in bytes.
const MOST: u64 = 256 * 1024;

/// One text with the line on which its name stands, and its lines with their numbers.
struct Section {
    line: usize,
    lines: Vec<(usize, String)>,
}

impl Section {
    fn text(&self) -> String {
        let lines: Vec<_> = self.lines.iter().map(|(_, line)| line.as_str()).collect();
        lines.join("\n").trim_matches('\n').to_owned()
    }
}

/// The texts of a language: the built-in ones, and those of a file in their place.
pub(super) fn sections(
    language: Language,
    own: Option<&Path>,
) -> Result<BTreeMap<String, String>, TextMistake> {
    let built_in = split(language.file(), language.code())?;
    let mut sections: BTreeMap<String, String> = built_in
        .into_iter()
        .map(|(name, section)| (name, section.text()))
        .collect();
    let Some(path) = own.filter(|path| path.exists()) else {
        return Ok(sections);
    };
    let shown = path.display().to_string();
    let text = contents(path).map_err(|says| TextMistake {
        at: shown.clone(),
        says,
        right: "a text file in UTF-8".to_owned(),
    })?;
    for (name, section) in split(&text, &shown)? {
        if !sections.contains_key(&name) && !name.starts_with("effect.") {
            return Err(TextMistake {
                at: format!("{shown}:{}", section.line),
                says: format!("no text is called [{name}]"),
                right: "the names that `exeunt notices export DIR` writes".to_owned(),
            });
        }
        check(&shown, &name, &section)?;
        sections.insert(name, section.text());
    }
    Ok(sections)
}

fn contents(path: &Path) -> Result<String, String> {
    let size = std::fs::metadata(path).map_err(|e| format!("it cannot be read: {e}"))?;
    if size.len() > MOST {
        return Err("it is too large for a file of texts".to_owned());
    }
    std::fs::read_to_string(path).map_err(|e| format!("it cannot be read: {e}"))
}

fn split(text: &str, file: &str) -> Result<BTreeMap<String, Section>, TextMistake> {
    let mut sections: BTreeMap<String, Section> = BTreeMap::new();
    let mut name = None;
    for (line, number) in text.lines().zip(1..) {
        let line = line.trim_end();
        let at = || format!("{file}:{number}");
        if line.starts_with('#') {
            continue;
        }
        let heading = line.strip_prefix('[').and_then(|l| l.strip_suffix(']'));
        if let Some(heading) = heading {
            let section = Section {
                line: number,
                lines: Vec::new(),
            };
            if sections.insert(heading.to_owned(), section).is_some() {
                return Err(TextMistake {
                    at: at(),
                    says: format!("[{heading}] stands here for the second time"),
                    right: "each text once".to_owned(),
                });
            }
            name = Some(heading.to_owned());
            continue;
        }
        match name.as_ref().and_then(|name| sections.get_mut(name)) {
            Some(section) => section.lines.push((number, line.to_owned())),
            None if line.is_empty() => {}
            None => {
                return Err(TextMistake {
                    at: at(),
                    says: "this stands before the first name of a text".to_owned(),
                    right: "a name such as [subject] above it, or # before it".to_owned(),
                });
            }
        }
    }
    Ok(sections)
}

fn check(file: &str, name: &str, section: &Section) -> Result<(), TextMistake> {
    let list = |words: &[&str]| {
        let words: Vec<_> = words.iter().map(|w| format!("{{{w}}}")).collect();
        words.join(", ")
    };
    let allowed = of(WORDS, name);
    for (number, line) in &section.lines {
        for piece in pieces(line) {
            let Piece::Word(word) = piece else { continue };
            if !allowed.contains(&word) {
                return Err(TextMistake {
                    at: format!("{file}:{number}"),
                    says: format!("{{{word}}} cannot stand in [{name}]"),
                    right: match allowed {
                        [] => "plain words: nothing can be put in there".to_owned(),
                        _ => list(allowed),
                    },
                });
            }
        }
    }
    let text = section.text();
    let missing = |word: &&&str| !text.contains(&format!("{{{word}}}"));
    if let Some(word) = of(NEEDED, name).iter().find(missing) {
        return Err(TextMistake {
            at: format!("{file}:{}", section.line),
            says: format!("[{name}] does not say {{{word}}}"),
            right: format!("a text with {}", list(of(NEEDED, name))),
        });
    }
    let count = text.split_whitespace().count();
    let words = [("months", 12), ("weekdays", 7)];
    match words.iter().find(|(list, n)| *list == name && *n != count) {
        Some((_, n)) => Err(TextMistake {
            at: format!("{file}:{}", section.line),
            says: format!("[{name}] has {count} words"),
            right: format!("{n} words with spaces between them"),
        }),
        None => Ok(()),
    }
}

/// What a table says about a text, by its name or by the part of it before the dot.
fn of(table: &'static [(&str, &[&str])], name: &str) -> &'static [&'static str] {
    let by = |wanted: &str| table.iter().find(|(name, _)| *name == wanted);
    let family = || name.starts_with("why.").then(|| by("why")).flatten();
    by(name).or_else(family).map_or(&[], |(_, words)| words)
}
