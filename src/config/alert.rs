//! `[alert]`: what operators hear of, and how.

use std::path::Path;
use std::path::PathBuf;

use chrono::Weekday;
use serde::Deserialize;

use crate::config::Config;
use crate::config::OneOrMany;
use crate::config::mistake::Mistake;
use crate::config::place::Place;
use crate::config::secret::SecretRef;
use crate::domain::alert::AlertKind;
use crate::domain::id::Email;
use crate::notify::OutboundError;
use crate::notify::smtp::is_loopback;
use crate::notify::webhook::Heartbeat;
use crate::notify::webhook::Webhook;

/// The longest cadence that can be promised, in hours: a run that comes less often than each month
/// finds no leaver in time.
const LONGEST_HOURS: u64 = 31 * 24;

/// The most addresses that mails go to: each is a mail of its own.
const MOST_ADDRESSES: usize = 20;

/// `[alert]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertConfig {
    /// To whom mails go, over the relay of `[smtp]`.
    pub mail: Option<OneOrMany>,
    /// Where signed messages go.
    pub webhook: Option<WebhookConfig>,
    /// Which alerts are given; all of them if nothing is said.
    pub kinds: Option<Vec<AlertKind>>,
    /// How soon after a run the next one is expected.
    #[serde(default = "a_day")]
    pub every_hours: u64,
    /// The day (UTC) on which the weekly summary goes out.
    #[serde(default)]
    pub summary: SummaryDay,
    /// An address that is asked for after each run that came to its end.
    pub heartbeat_url: Option<String>,
}

const fn a_day() -> u64 {
    24
}

/// `webhook = { … }`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    /// The receiver's address.
    pub url: String,
    /// The secret that is shared with it.
    pub secret: SecretRef,
    /// A PEM file whose certificates are trusted beside the system's.
    pub ca_file: Option<PathBuf>,
}

/// When the weekly summary goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SummaryDay {
    /// On Mondays.
    #[default]
    Monday,
    /// On Tuesdays.
    Tuesday,
    /// On Wednesdays.
    Wednesday,
    /// On Thursdays.
    Thursday,
    /// On Fridays.
    Friday,
    /// On Saturdays.
    Saturday,
    /// On Sundays.
    Sunday,
    /// Never.
    Never,
}

impl SummaryDay {
    /// The day, unless it is never.
    pub const fn weekday(self) -> Option<Weekday> {
        match self {
            SummaryDay::Monday => Some(Weekday::Mon),
            SummaryDay::Tuesday => Some(Weekday::Tue),
            SummaryDay::Wednesday => Some(Weekday::Wed),
            SummaryDay::Thursday => Some(Weekday::Thu),
            SummaryDay::Friday => Some(Weekday::Fri),
            SummaryDay::Saturday => Some(Weekday::Sat),
            SummaryDay::Sunday => Some(Weekday::Sun),
            SummaryDay::Never => None,
        }
    }
}

impl AlertConfig {
    /// Whether alerts of a kind are given.
    pub fn wants(&self, kind: AlertKind) -> bool {
        self.kinds
            .as_ref()
            .is_none_or(|kinds| kinds.contains(&kind))
    }
}

/// Makes the receiver of a webhook.
pub fn webhook(of: &WebhookConfig, base: &Path) -> Result<Webhook, OutboundError> {
    let settings = |what| OutboundError::Settings { what };
    let secret = of.secret.resolve(base).map_err(settings)?;
    let ca_file = of.ca_file.as_ref().map(|path| base.join(path));
    Webhook::new(&of.url, secret.expose(), ca_file.as_deref())
}

/// A secret that fits, to try an address with before any secret is fetched.
const STAND_IN: &str = "a stand-in for the secret";

/// What in `[alert]` leaves this machine, which a rehearsal must not.
pub fn leaves(config: &Config) -> Option<&'static str> {
    let alert = config.alert.as_ref()?;
    let webhook = alert.webhook.as_ref();
    let webhook = webhook.map(|w| Webhook::new(&w.url, STAND_IN, None));
    let heartbeat = alert.heartbeat_url.as_deref().map(Heartbeat::new);
    let relay = config.smtp.as_ref().filter(|_| alert.mail.is_some());
    let stays = [
        (
            "webhook",
            webhook.is_none_or(|made| made.is_ok_and(|w| w.is_loopback())),
        ),
        (
            "heartbeat_url",
            heartbeat.is_none_or(|made| made.is_ok_and(|h| h.is_loopback())),
        ),
        ("mail", relay.is_none_or(|relay| is_loopback(&relay.host))),
    ];
    let outside = stays.into_iter().find(|(_, stays)| !stays);
    outside.map(|(key, _)| key)
}

/// Finds the first mistake in `[alert]`.
pub(super) fn check(config: &Config) -> Result<(), Mistake> {
    let Some(alert) = &config.alert else {
        return Ok(());
    };
    let wrong = |keys: &[&str], says: &str| {
        let (says, right) = says.split_once("; ").unwrap_or((says, ""));
        config.mistake(&Place::once("alert", keys), says, right)
    };
    if !(1..=LONGEST_HOURS).contains(&alert.every_hours) {
        let says =
            "a run can be expected every hour to every 744 hours (31 days); every_hours = 24";
        return Err(wrong(&["every_hours"], says));
    }
    mail(config, alert).map_err(|says| wrong(&["mail"], &says))?;
    if let Some(webhook) = &alert.webhook {
        Webhook::new(&webhook.url, STAND_IN, None)
            .map_err(|e| wrong(&["webhook", "url"], &e.to_string()))?;
    }
    if let Some(url) = &alert.heartbeat_url {
        Heartbeat::new(url).map_err(|e| wrong(&["heartbeat_url"], &e.to_string()))?;
    }
    kinds(alert).map_err(|says| wrong(&["kinds"], &says))
}

fn mail(config: &Config, alert: &AlertConfig) -> Result<(), String> {
    let Some(OneOrMany(addresses)) = &alert.mail else {
        return Ok(());
    };
    if config.smtp.is_none() {
        let says = "mails need a relay, and there is no [smtp]; [smtp] with host and from";
        return Err(says.to_owned());
    }
    if addresses.is_empty() || addresses.len() > MOST_ADDRESSES {
        return Err("mails go to 1 to 20 addresses; mail = [\"it@example.com\"]".to_owned());
    }
    let bare = |text: &&String| Email::parse(text).is_none() || text.contains(['<', '>', ',']);
    match addresses.iter().find(bare) {
        Some(text) => Err(format!("`{text}` is no address; as in it@example.com")),
        None => Ok(()),
    }
}

fn kinds(alert: &AlertConfig) -> Result<(), String> {
    let Some(kinds) = &alert.kinds else {
        return Ok(());
    };
    if kinds.is_empty() {
        return Err(
            "no kind of alert is named; leave `kinds` out to hear of everything".to_owned(),
        );
    }
    let twice = kinds
        .iter()
        .enumerate()
        .find(|(n, kind)| kinds.iter().take(*n).any(|before| before == *kind));
    match twice {
        Some((_, kind)) => Err(format!(
            "`{}` stands in `kinds` twice; each kind once",
            kind.as_str()
        )),
        None => Ok(()),
    }
}
