//! The texts of warnings: one file for each language, with named words that are put in.
//!
//! The built-in texts can be taken the place of, whole or in part, by files of the same names in a
//! folder of one's own. A file that does not fit is a mistake of the configuration, found before
//! anything is sent.

mod fill;
mod read;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::account::Do;
use crate::domain::rows::When;
use crate::domain::time::Time;
use crate::notify::Notice;
use crate::notify::NoticeAccount;
use crate::notify::one_line;
use crate::notify::text::fill::fill;

/// A language that warnings are written in.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// German.
    De,
    /// French.
    Fr,
}

impl Language {
    /// Every language.
    pub const ALL: &'static [Language] = &[Language::En, Language::De, Language::Fr];

    /// Its code: `en`.
    pub const fn code(self) -> &'static str {
        match self {
            Language::En => "en",
            Language::De => "de",
            Language::Fr => "fr",
        }
    }

    /// The built-in file with its texts.
    pub const fn file(self) -> &'static str {
        match self {
            Language::En => include_str!("text/en.txt"),
            Language::De => include_str!("text/de.txt"),
            Language::Fr => include_str!("text/fr.txt"),
        }
    }
}

/// What is wrong in a file of texts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {says}")]
pub struct TextMistake {
    /// File and line: `texts/de.txt:12`.
    pub at: String,
    /// What is wrong.
    pub says: String,
    /// What would be right.
    pub right: String,
}

/// The texts of one language, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Texts {
    sections: BTreeMap<String, String>,
}

/// A warning as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The subject, on one line.
    pub subject: String,
    /// The text.
    pub text: String,
}

/// The texts of all languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Library {
    texts: BTreeMap<Language, Texts>,
}

impl Library {
    /// The built-in texts, with those of a folder in place of what stands there too.
    pub fn new(folder: Option<&Path>) -> Result<Self, TextMistake> {
        let mut texts = BTreeMap::new();
        for language in Language::ALL {
            let own = folder.map(|f| f.join(format!("{}.txt", language.code())));
            let sections = read::sections(*language, own.as_deref())?;
            texts.insert(*language, Texts { sections });
        }
        Ok(Self { texts })
    }

    /// Writes a warning in its language; `reply_to` is where answers go.
    pub fn write(&self, notice: &Notice, reply_to: Option<&str>) -> Written {
        self.texts
            .get(&notice.language)
            .map(|texts| texts.write(notice, reply_to))
            .unwrap_or_else(|| Written {
                subject: String::new(),
                text: String::new(),
            })
    }
}

impl Texts {
    fn write(&self, notice: &Notice, reply_to: Option<&str>) -> Written {
        let greeting = match &notice.name {
            Some(name) => self.put("greeting", &[("name", one_line(name))]),
            None => self.put("greeting.unnamed", &[]),
        };
        let contact = match reply_to {
            Some(address) => self.put("contact", &[("reply_to", one_line(address))]),
            None => self.put("contact.unnamed", &[]),
        };
        let around = [("greeting", greeting), ("contact", contact)];
        let (subject, text) = match notice.accounts.as_slice() {
            [one] => {
                let mut words = self.words(one);
                let subject = self.put("subject", &words);
                words.extend(around);
                (subject, self.put("text", &words))
            }
            several => self.several(several, around),
        };
        Written {
            subject: one_line(&subject),
            text: format!("{}\n", text.trim_end()),
        }
    }

    fn several(
        &self,
        accounts: &[NoticeAccount],
        around: [(&'static str, String); 2],
    ) -> (String, String) {
        let each = accounts.iter().map(|one| {
            let block = self.put("account", &self.words(one));
            format!("{}\n", block.trim_end())
        });
        let each: Vec<String> = each.collect();
        let first = accounts.iter().map(|one| one.acts_at).min();
        let mut words = vec![
            ("count", accounts.len().to_string()),
            ("day", first.map_or(String::new(), |at| self.day(at))),
        ];
        let subject = self.put("subject.several", &words);
        words.push(("accounts", each.join("\n")));
        words.extend(around);
        (subject, self.put("text.several", &words))
    }

    /// Every word about one account.
    fn words(&self, one: &NoticeAccount) -> Vec<(&'static str, String)> {
        let does = match one.does {
            Do::Disable | Do::Restore => "disable",
            Do::Remove | Do::Transfer | Do::Revoke => "remove",
        };
        let finding = match one.when {
            When::Inactive => "inactive",
            When::NeverActivated => "never-activated",
            When::Disabled => "disabled",
            // whoever has left is not warned, nor is anybody of a clear-out
            When::Orphaned | When::Everyone | When::Departed => "orphaned",
        };
        let since = self.day(one.since);
        let effect = format!("effect.{}.{does}", one.provider);
        let effect = match self.sections.get(&effect) {
            Some(_) => self.put(&effect, &[]),
            None => one.effect.clone(),
        };
        vec![
            ("product", one_line(&one.product)),
            ("tenant", one_line(&one.tenant)),
            (
                "why",
                self.put(&format!("why.{finding}"), &[("since", since.clone())]),
            ),
            ("since", since),
            ("done", self.put(&format!("done.{does}"), &[])),
            ("date", self.date("date", one.acts_at)),
            ("day", self.day(one.acts_at)),
            ("effect", effect),
            ("keep", self.put(&format!("keep.{finding}"), &[])),
        ]
    }

    fn day(&self, at: Time) -> String {
        self.date("day", at)
    }

    fn date(&self, section: &str, at: Time) -> String {
        let at = at.chrono();
        let number = |format: &str| at.format(format).to_string();
        // %u is 1 for Monday, %-m is 1 for January
        let nth = |section: &str, number: &str| {
            let place = number.parse::<usize>().unwrap_or(1).saturating_sub(1);
            let words = self.sections.get(section).map_or("", String::as_str);
            words
                .split_whitespace()
                .nth(place)
                .unwrap_or_default()
                .to_owned()
        };
        let day = match number("%-d") {
            // 1er janvier
            first if first == "1" => self.put("day.first", &[]),
            other => other,
        };
        let words = [
            ("weekday", nth("weekdays", &number("%u"))),
            ("day", day),
            ("month", nth("months", &number("%-m"))),
            ("year", number("%Y")),
            ("time", number("%H:%M")),
            ("zone", "UTC".to_owned()),
        ];
        self.put(section, &words)
    }

    fn put(&self, section: &str, words: &[(&'static str, String)]) -> String {
        let template = self.sections.get(section).map_or("", String::as_str);
        fill(template, words)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
