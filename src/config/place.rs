//! Where something stands in the text of exeunt.toml.

use std::fmt;
use std::sync::Arc;

use toml::de::DeTable;
use toml::de::DeValue;

/// The text that a configuration was read from. It is kept so that a mistake that shows later,
/// such as a missing environment variable, names its line too; never shown as a whole.
#[derive(Clone, Default)]
pub struct Text {
    name: Arc<str>,
    text: Arc<str>,
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({})", self.name)
    }
}

/// A place in the configuration, by its keys.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// `ledger`, `directory`, `tenant`, `policy`, ….
    pub section: &'a str,
    /// The name of the one that is meant, where there are several, and which of that name.
    pub item: Option<(&'a str, usize)>,
    /// The keys below it.
    pub keys: &'a [&'a str],
}

impl<'a> Place<'a> {
    /// A place in a section that is there once.
    pub const fn once(section: &'a str, keys: &'a [&'a str]) -> Self {
        Self {
            section,
            item: None,
            keys,
        }
    }

    /// A place in one of several sections, by the `name` in it.
    pub const fn of(section: &'a str, name: &'a str, keys: &'a [&'a str]) -> Self {
        Self {
            section,
            item: Some((name, 0)),
            keys,
        }
    }
}

impl Text {
    /// Takes the text of the file `name`.
    pub fn new(name: &str, text: &str) -> Self {
        Self {
            name: name.into(),
            text: text.into(),
        }
    }

    /// File, line and column of a place: as deep as its keys are there.
    pub fn at(&self, place: &Place<'_>) -> String {
        match self.find(place) {
            Some((offset, _)) => position(&self.name, &self.text, offset),
            None => self.name.to_string(),
        }
    }

    /// Whether all keys of a place are there.
    pub fn has(&self, place: &Place<'_>) -> bool {
        self.find(place).is_some_and(|(_, whole)| whole)
    }

    /// The offset of a place, and whether all its keys are there.
    fn find(&self, place: &Place<'_>) -> Option<(usize, bool)> {
        let document = DeTable::parse(&self.text).ok()?;
        let mut here = document.get_ref().get(place.section)?;
        if let Some((name, nth)) = place.item {
            let named = |item: &&toml::Spanned<DeValue<'_>>| {
                item.get_ref()
                    .get("name")
                    .and_then(|n| n.get_ref().as_str())
                    == Some(name)
            };
            here = here.get_ref().as_array()?.iter().filter(named).nth(nth)?;
        }
        for (depth, key) in place.keys.iter().enumerate() {
            match here.get_ref().get(*key) {
                Some(next) => here = next,
                None => return Some((here.span().start, depth == place.keys.len())),
            }
        }
        Some((here.span().start, true))
    }
}

/// `exeunt.toml:12:5`; the column counts characters.
pub fn position(name: &str, text: &str, offset: usize) -> String {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    format!("{name}:{line}:{column}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "[ledger]\nurl = \"a\"\n\n[[tenant]]\nname = \"x\"\n\n[[tenant]]\n\
                        name = \"y\"\ntoken = { env = \"T\" }\n";

    #[test]
    fn finds_values_items_and_the_nearest_above() {
        let text = Text::new("f", TEXT);
        assert_eq!(text.at(&Place::once("ledger", &["url"])), "f:2:7");
        assert_eq!(
            text.at(&Place::of("tenant", "y", &["token", "env"])),
            "f:9:17"
        );
        assert_eq!(text.at(&Place::of("tenant", "y", &["url"])), "f:7:1");
        assert!(!text.has(&Place::of("tenant", "y", &["url"])));
        assert!(text.has(&Place::of("tenant", "y", &["name"])));
        assert_eq!(text.at(&Place::of("tenant", "z", &[])), "f");
    }
}
