//! `[notices]`: how people are warned.

use std::path::PathBuf;

use serde::Deserialize;

use crate::config::Config;
use crate::config::build::Fetch;
use crate::config::mistake::Mistake;
use crate::config::place::Place;
use crate::config::smtp;
use crate::domain::id::Email;
use crate::domain::id::SourceName;
use crate::notify::Notifier;
use crate::notify::file::FileNotifier;
use crate::notify::mail::MailNotifier;
use crate::notify::text::Language;
use crate::notify::text::Library;

/// `[notices]`; it was `[notify]` in earlier versions, which is still read.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NoticesConfig {
    /// How warnings leave.
    pub channel: ChannelConfig,
    /// The directory that warnings are written to, with the channel `file`.
    pub file: PathBuf,
    /// The language of warnings, where the tenant has none of its own.
    pub language: Language,
    /// Where answers go: whom to ask.
    pub reply_to: Option<String>,
    /// A directory with texts in place of the built-in ones.
    pub templates: Option<PathBuf>,
}

impl Default for NoticesConfig {
    fn default() -> Self {
        Self {
            channel: ChannelConfig::File,
            file: "notices".into(),
            language: Language::En,
            reply_to: None,
            templates: None,
        }
    }
}

/// How warnings leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChannelConfig {
    /// As files, for somebody else to send.
    #[default]
    File,
    /// As mails, over the relay of `[smtp]`.
    Smtp,
}

/// The way out for warnings.
pub fn notifier(config: &Config) -> Result<Box<dyn Notifier>, Mistake> {
    notifier_with(config, &|secret| secret.resolve(&config.base))
}

/// As [`notifier`], with a way of one's own to come by secrets.
pub(super) fn notifier_with(
    config: &Config,
    fetch: Fetch<'_>,
) -> Result<Box<dyn Notifier>, Mistake> {
    let of = &config.notices;
    let texts = texts(config)?;
    let mailer = match of.channel {
        ChannelConfig::Smtp => smtp::mailer_with(config, fetch)?,
        ChannelConfig::File => None,
    };
    Ok(match mailer {
        Some(mailer) => Box::new(MailNotifier {
            reply_to: answers_to(config),
            mailer,
            texts,
        }),
        None => Box::new(FileNotifier {
            directory: config.path(&of.file),
            texts,
            reply_to: of.reply_to.clone(),
        }),
    })
}

/// Where answers to warnings go.
pub fn answers_to(config: &Config) -> Option<String> {
    let own = config.notices.reply_to.clone();
    let of_relay = || match (config.notices.channel, &config.smtp) {
        (ChannelConfig::Smtp, Some(smtp)) => {
            let text = smtp.reply_to.as_ref().unwrap_or(&smtp.from);
            let address = text
                .rsplit_once('<')
                .map_or(text.as_str(), |(_, rest)| rest);
            Some(address.trim_end_matches('>').to_owned())
        }
        _ => None,
    };
    own.or_else(of_relay)
}

/// The texts of warnings, with those of `templates`.
pub fn texts(config: &Config) -> Result<Library, Mistake> {
    let folder = config.notices.templates.as_ref().map(|f| config.path(f));
    if let Some(folder) = folder.as_ref().filter(|folder| !folder.is_dir()) {
        let says = format!("there is no directory {}", folder.display());
        let right = "`exeunt notices export DIR` makes one with the built-in texts";
        return Err(wrong(config, "templates", says, right));
    }
    Library::new(folder.as_deref()).map_err(|mistake| Mistake {
        at: mistake.at,
        says: mistake.says,
        right: Some(mistake.right),
    })
}

/// The language in which people are warned about accounts of a tenant.
pub fn language(config: &Config, tenant: &SourceName) -> Language {
    let of = config.tenant.iter().find(|t| t.name == tenant.as_str());
    of.and_then(|t| t.language)
        .unwrap_or(config.notices.language)
}

/// What is wrong in the section, without looking beyond the file.
pub(super) fn check(config: &Config) -> Result<(), Mistake> {
    let of = &config.notices;
    if of.channel == ChannelConfig::Smtp && config.smtp.is_none() {
        let says = "mails need a relay, and there is no [smtp]";
        let right = "[smtp] with host = \"…\" and from = \"…\"";
        return Err(wrong(config, "channel", says, right));
    }
    let bare = |text: &String| Email::parse(text).is_some() && !text.contains(['<', '>', ',']);
    if !of.reply_to.as_ref().is_none_or(bare) {
        let says = "`reply_to` is no address";
        return Err(wrong(config, "reply_to", says, "as in help@example.com"));
    }
    Ok(())
}

/// How the section is called in this file.
fn section(config: &Config) -> &'static str {
    match config.text.has(&Place::once("notices", &[])) {
        true => "notices",
        false => "notify",
    }
}

fn wrong(config: &Config, key: &str, says: impl Into<String>, right: &str) -> Mistake {
    config.mistake(&Place::once(section(config), &[key]), says, right)
}
