//! Gives alerts, the weekly summary and the heartbeat. What cannot be delivered is an entry, and is
//! tried again by the next run.
//!
//! Two processes may give the same alert at once: one that hangs must not keep another one from
//! saying so, and a message that comes twice does no harm.

use std::fmt;

use serde_json::Value;
use serde_json::json;

use crate::config::Config;
use crate::config::alert;
use crate::config::smtp;
use crate::domain::alert::AGAIN_HOURS;
use crate::domain::alert::Alert;
use crate::domain::alert::Telling;
use crate::domain::alert::Told;
use crate::domain::alert::to_tell;
use crate::domain::code::Code;
use crate::domain::event::AlertMark;
use crate::domain::event::AlertSent;
use crate::domain::event::Draft;
use crate::domain::event::SummarySent;
use crate::domain::rows::ChannelRow;
use crate::domain::rows::Kind;
use crate::domain::summary::Summary;
use crate::domain::summary::newest;
use crate::domain::time::Time;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::tell;
use crate::ledger::By;
use crate::notify::OutboundError;
use crate::notify::smtp::Mail;
use crate::notify::smtp::error::MailError;
use crate::notify::webhook::Heartbeat;

/// The most alerts in one message, so that its entry is no longer than an entry may be.
const MOST: usize = 100;

/// One way to operators. Of several addresses each is a way of its own, known by its place: an
/// address is no name that could stand in an entry.
#[derive(Debug, Clone, Copy)]
enum Channel<'c> {
    Webhook(&'c alert::WebhookConfig),
    Mail(usize, &'c str),
}

impl Channel<'_> {
    fn name(self) -> String {
        match self {
            Channel::Webhook(_) => "webhook".to_owned(),
            Channel::Mail(0, _) => "mail".to_owned(),
            Channel::Mail(n, _) => format!("mail-{}", n + 1),
        }
    }
}

/// One message, for whatever channel.
struct Message {
    id: String,
    at: Time,
    kind: &'static str,
    data: Value,
    subject: String,
    text: String,
}

/// Why a message did not get through.
enum Undelivered {
    Webhook(OutboundError),
    Mail(MailError),
    NotSetUp(String),
}

impl Undelivered {
    /// Why, as a code.
    fn because(&self) -> Code {
        Code::new(match self {
            Self::NotSetUp(_)
            | Self::Webhook(OutboundError::Settings { .. })
            | Self::Mail(MailError::Settings { .. }) => "alert.not-set-up",
            Self::Webhook(OutboundError::NoAnswer { .. })
            | Self::Mail(MailError::Unreachable { .. }) => "alert.no-answer",
            Self::Webhook(OutboundError::TurnedAway { .. }) | Self::Mail(_) => "alert.turned-away",
        })
    }
}

impl fmt::Display for Undelivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Webhook(error) => error.fmt(f),
            Self::Mail(error) => error.fmt(f),
            Self::NotSetUp(says) => f.write_str(says),
        }
    }
}

/// What came of telling one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// `webhook`, `mail`.
    pub channel: String,
    /// How many alerts it took.
    pub alerts: u64,
    /// Whether it took the summary of a week.
    pub summary: bool,
    /// Why it took nothing.
    pub failed: Option<String>,
}

fn channels(config: &Config) -> Vec<Channel<'_>> {
    let Some(alert) = &config.alert else {
        return Vec::new();
    };
    let addresses = alert.mail.iter().flat_map(|mail| &mail.0).enumerate();
    let mails = addresses.map(|(n, to)| Channel::Mail(n, to));
    let webhook = alert.webhook.as_ref().map(Channel::Webhook);
    webhook.into_iter().chain(mails).collect()
}

async fn send(channel: Channel<'_>, message: &Message, config: &Config) -> Result<(), Undelivered> {
    match channel {
        Channel::Webhook(of) => {
            let body = json!({
                "type": message.kind, "timestamp": message.at, "data": message.data,
            })
            .to_string();
            let webhook = alert::webhook(of, &config.base).map_err(Undelivered::Webhook)?;
            let sent = webhook.send(&message.id, message.at, &body).await;
            sent.map_err(Undelivered::Webhook)
        }
        Channel::Mail(_, to) => {
            let mailer = smtp::mailer(config)
                .map_err(|mistake| Undelivered::NotSetUp(mistake.to_string()))?
                .ok_or_else(|| Undelivered::NotSetUp("there is no [smtp]".to_owned()))?;
            let mail = Mail {
                id: message.id.clone(),
                to: to.to_owned(),
                subject: message.subject.clone(),
                text: message.text.clone(),
                language: Some("en"),
                reply_to: None,
                date: message.at,
            };
            mailer.send(&mail).await.map_err(Undelivered::Mail)
        }
    }
}

/// An alert as machines read it.
pub fn alert_value(alert: &Alert, now: Time) -> Value {
    json!({
        "kind": alert.kind, "about": alert.about, "since": alert.since, "until": alert.until,
        "count": alert.count, "needed": alert.needed, "because": alert.because,
        "scopes": alert.scopes, "says": tell::alert_says(alert, now),
        "next": tell::alert_next(alert),
    })
}

fn telling_value(one: &Telling, now: Time) -> Value {
    let mut value = match one.word {
        // of what is over only its name is known
        Told::Over => json!({ "kind": one.alert.kind, "about": one.alert.about }),
        _ => alert_value(&one.alert, now),
    };
    if let Value::Object(fields) = &mut value {
        fields.insert("word".to_owned(), json!(one.word));
    }
    value
}

/// A summary as machines read it.
fn summary_value(summary: &Summary, now: Time) -> Value {
    let alerts: Vec<_> = summary.alerts.iter().map(|a| alert_value(a, now)).collect();
    let mut value = json!(summary);
    if let Value::Object(fields) = &mut value {
        fields.insert("alerts".to_owned(), json!(alerts));
    }
    value
}

fn alerts_data(telling: &[Telling], open: usize, origin: &str, now: Time) -> Value {
    let alerts: Vec<_> = telling.iter().map(|one| telling_value(one, now)).collect();
    json!({ "log": origin, "open": open, "alerts": alerts })
}

fn marks(telling: &[Telling]) -> Vec<AlertMark> {
    telling
        .iter()
        .map(|one| AlertMark {
            kind: one.alert.kind,
            about: one.alert.about.clone(),
            word: one.word,
            state: one.alert.state.clone(),
            newest: one.alert.newest,
        })
        .collect()
}

impl Engine {
    /// Tells each channel what it has not been told yet, and once a week the summary.
    pub async fn give_alerts(
        &self,
        by: &By,
        open: &[Alert],
    ) -> Result<Vec<Delivered>, EngineError> {
        let mut all = Vec::new();
        for channel in channels(&self.config) {
            let mut done = Delivered {
                channel: channel.name(),
                alerts: 0,
                summary: false,
                failed: None,
            };
            self.tell_alerts(by, channel, open, &mut done).await?;
            if done.failed.is_none() {
                self.tell_summary(by, channel, &mut done).await?;
            }
            all.push(done);
        }
        self.ledger.sync()?;
        Ok(all)
    }

    fn channel_row(&self, channel: Channel<'_>) -> Result<Option<ChannelRow>, EngineError> {
        let view = self.ledger.view()?;
        Ok(view.row(Kind::Channel, &channel.name())?)
    }

    async fn tell_alerts(
        &self,
        by: &By,
        channel: Channel<'_>,
        open: &[Alert],
        done: &mut Delivered,
    ) -> Result<(), EngineError> {
        let now = self.clock.now();
        let row = self.channel_row(channel)?;
        for telling in to_tell(open, row.as_ref(), now).chunks(MOST) {
            let id = self.ledger.entry_id()?;
            let message = Message {
                id: id.to_string(),
                at: now,
                kind: "exeunt.alerts",
                data: alerts_data(telling, open.len(), self.ledger.origin(), now),
                subject: tell::alerts_subject(telling, self.ledger.origin()),
                text: tell::alerts_text(telling, now),
            };
            let sent = send(channel, &message, &self.config).await;
            let failed = sent.as_ref().err().map(Undelivered::because);
            let entry = AlertSent {
                channel: channel.name(),
                state: state(failed.as_ref()).to_owned(),
                because: failed.clone(),
                alerts: marks(telling),
            };
            self.note(by, Draft::new(id, &entry), row.as_ref(), failed)?;
            match sent {
                Ok(()) => done.alerts += telling.len() as u64,
                Err(error) => {
                    done.failed = Some(error.to_string());
                    break;
                }
            }
        }
        Ok(())
    }

    /// The summary of the week that ended with the newest day for it, unless it was given.
    async fn tell_summary(
        &self,
        by: &By,
        channel: Channel<'_>,
        done: &mut Delivered,
    ) -> Result<(), EngineError> {
        let now = self.clock.now();
        let config = self.config.alert.as_ref();
        let day = config.and_then(|alert| alert.summary.weekday());
        let (Some(day), Some(runs)) = (day, self.runs()?) else {
            return Ok(());
        };
        let to = newest(day, now);
        let row = self.channel_row(channel)?;
        let given = row.as_ref().and_then(|row| row.summary.as_ref());
        // nothing is known of a week in which nothing ran
        if given.map_or(runs.first.since, |mark| mark.since) >= to {
            return Ok(());
        }
        let id = self.ledger.entry_id()?;
        let summary = self.summary(to)?;
        let message = Message {
            id: id.to_string(),
            at: now,
            kind: "exeunt.summary",
            data: self.summary_data(&summary, now),
            subject: tell::summary_subject(&summary, self.ledger.origin()),
            text: tell::summary_text(&summary, now),
        };
        let sent = send(channel, &message, &self.config).await;
        let failed = sent.as_ref().err().map(Undelivered::because);
        let entry = SummarySent {
            channel: channel.name(),
            state: state(failed.as_ref()).to_owned(),
            because: failed.clone(),
            from: summary.from,
            to,
        };
        self.note(by, Draft::new(id, &entry), row.as_ref(), failed)?;
        done.summary = sent.is_ok();
        done.failed = sent.err().map(|error| error.to_string());
        Ok(())
    }

    /// The summary of a week as a message holds it.
    pub fn summary_data(&self, summary: &Summary, now: Time) -> Value {
        let mut data = summary_value(summary, now);
        if let Value::Object(fields) = &mut data {
            fields.insert("log".to_owned(), json!(self.ledger.origin()));
        }
        data
    }

    /// Notes what was delivered; what was not, once a day while that lasts.
    fn note(
        &self,
        by: &By,
        draft: Draft,
        row: Option<&ChannelRow>,
        failed: Option<Code>,
    ) -> Result<(), EngineError> {
        let known = row.and_then(|row| row.failing.as_ref());
        let again = |at: Time| self.clock.now() < at.plus_seconds(AGAIN_HOURS * 3600);
        let noted = |because| known.is_some_and(|f| f.because == because && again(f.last));
        if failed.is_some_and(noted) {
            return Ok(());
        }
        self.ledger.append_all(by, vec![draft])?;
        Ok(())
    }
}

const fn state(failed: Option<&Code>) -> &'static str {
    match failed {
        None => "accepted",
        Some(_) => "failed",
    }
}

/// Who speaks where the ledger cannot be used: its name, as far as the configuration says it, a
/// number for the message, and the moment.
#[derive(Debug, Clone)]
pub struct Outside {
    /// What makes the message the same when it is sent again.
    pub id: String,
    /// Our clock.
    pub now: Time,
}

/// Gives one alert without a ledger that could remember it: on every channel that is configured.
pub async fn give_outside(config: &Config, telling: Telling, outside: &Outside) -> Vec<Delivered> {
    let open = usize::from(telling.word != Told::Over);
    let telling = [telling];
    let mut all = Vec::new();
    for channel in channels(config) {
        let message = Message {
            id: outside.id.clone(),
            at: outside.now,
            kind: "exeunt.alerts",
            data: alerts_data(&telling, open, &config.ledger.origin, outside.now),
            subject: tell::alerts_subject(&telling, &config.ledger.origin),
            text: tell::alerts_text(&telling, outside.now),
        };
        let sent = send(channel, &message, config).await;
        all.push(Delivered {
            channel: channel.name(),
            alerts: u64::from(sent.is_ok()),
            summary: false,
            failed: sent.err().map(|error| error.to_string()),
        });
    }
    all
}

/// Says to whoever watches that a run came to its end; `None` where nobody is configured.
pub async fn beat(config: &Config) -> Option<Result<(), OutboundError>> {
    let url = config.alert.as_ref()?.heartbeat_url.as_ref()?;
    Some(match Heartbeat::new(url) {
        Ok(heartbeat) => heartbeat.beat().await,
        Err(error) => Err(error),
    })
}
