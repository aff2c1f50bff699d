//! `exeunt alerts`, and what `run` tells operators at its end.

use std::path::PathBuf;

use serde_json::Value;
use serde_json::json;

use crate::cli::args::AlertsArgs;
use crate::cli::args::Cli;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::output::plural;
use crate::cli::private_file;
use crate::cli::setup;
use crate::config::Config;
use crate::config::alert;
use crate::domain::alert::AGAIN_HOURS;
use crate::domain::alert::Alert;
use crate::domain::alert::AlertKind;
use crate::domain::alert::Telling;
use crate::domain::alert::Told;
use crate::domain::alert::run_failed;
use crate::domain::rows::ChannelRow;
use crate::domain::rows::Kind;
use crate::domain::time::Time;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::alerts::Delivered;
use crate::engine::alerts::Outside;
use crate::engine::alerts::alert_value;
use crate::engine::alerts::beat;
use crate::engine::alerts::give_outside;
use crate::engine::tell;
use crate::ledger::Access;
use crate::ledger::By;

/// `exeunt alerts`.
pub async fn alerts(cli: &Cli, args: &AlertsArgs, output: &Output) -> Result<Exit, Failure> {
    let access = if args.send {
        Access::Full
    } else {
        Access::ReadOnly
    };
    let engine = match setup::open(cli, access, output) {
        Ok(engine) => engine,
        Err(failure) => {
            if args.send {
                speak_outside(cli, &failure, output).await;
            }
            return Err(failure);
        }
    };
    let now = engine.clock.now();
    if args.summary {
        let summary = engine.summary(now)?;
        match output.json {
            true => output.document(&engine.summary_data(&summary, now)),
            false => output.raw(tell::summary_text(&summary, now).trim_end()),
        }
        return Ok(Exit::Done);
    }
    let open = engine.open_alerts()?;
    let mut exit = match open.iter().any(Alert::lasts) {
        true => Exit::Partly,
        false => Exit::Done,
    };
    let mut sent = None;
    if args.send {
        let given = engine.give_alerts(&engine.service()?, &open).await?;
        if given.iter().any(|one| one.failed.is_some()) {
            exit = exit.graver(Exit::Unreachable);
        }
        show_given(&given, output);
        sent = Some(given);
    }
    show(&engine, &open, sent.as_deref(), exit, output)?;
    Ok(exit)
}

fn show(
    engine: &Engine,
    open: &[Alert],
    sent: Option<&[Delivered]>,
    exit: Exit,
    output: &Output,
) -> Result<(), Failure> {
    let now = engine.clock.now();
    let channels = channels(engine)?;
    let told_at = |alert: &Alert| {
        let told = channels.iter().filter_map(|row| row.told.get(&alert.key()));
        told.map(|mark| mark.at).max()
    };
    if output.json {
        let items = open.iter().map(|alert| {
            let mut value = alert_value(alert, now);
            if let Value::Object(fields) = &mut value {
                fields.insert("told".to_owned(), json!(told_at(alert)));
            }
            value
        });
        output.document(&json!({
            "items": items.collect::<Vec<_>>(), "channels": channel_values(engine)?,
            "runs": runs_value(engine)?, "sent": sent.map(given_values), "exit": exit.code(),
        }));
        return Ok(());
    }
    for alert in open {
        let title = tell::alert_title(alert.kind);
        output.data(&format!("{title}: {}", tell::alert_says(alert, now)));
        for command in tell::alert_next(alert) {
            output.data(&output.as_typed(&format!("    {command}")));
        }
        if let Some(at) = told_at(alert) {
            output.data(&format!("    told on {}", tell::moment(at)));
        }
    }
    if open.is_empty() {
        output.data("nothing is open");
    }
    show_channels(engine, output)?;
    if engine.config.alert.is_none() {
        output.hint("no [alert] is configured, so that nobody is told of this but you");
    }
    Ok(())
}

fn channels(engine: &Engine) -> Result<Vec<ChannelRow>, Failure> {
    let view = engine.ledger.view()?;
    let rows = view.rows::<ChannelRow>(Kind::Channel)?;
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

/// The channels that take nothing, as lines for `status` and `alerts`.
pub fn show_channels(engine: &Engine, output: &Output) -> Result<(), Failure> {
    for row in channels(engine)? {
        if let Some(failing) = &row.failing {
            let why = tell::reasons(std::slice::from_ref(&failing.because));
            output.data(&output.as_typed(&format!(
                "ALERTS ARE NOT DELIVERED by {} since {}: {why} `exeunt alerts --send` tries again",
                row.channel,
                tell::moment(failing.since)
            )));
        }
    }
    Ok(())
}

/// Where runs were or are missing, as lines for `status`.
pub fn show_runs(engine: &Engine, output: &Output) -> Result<(), Failure> {
    let Some(runs) = engine.runs()? else {
        return Ok(());
    };
    let now = engine.clock.now();
    if let Some(end) = runs.finished.as_ref().filter(|_| runs.is_overdue(now)) {
        let alert = Alert {
            since: Some(end.at),
            count: Some(end.every_hours),
            ..Alert::new(AlertKind::RunMissing, "run")
        };
        output.data(&tell::alert_says(&alert, now));
    }
    let lately = now.plus_days(-SHOWN_DAYS);
    for gap in runs.gaps.iter().filter(|gap| gap.to > lately) {
        output.data(&tell::gap(gap));
    }
    Ok(())
}

/// For how many days `status` shows where runs were missing.
const SHOWN_DAYS: i64 = 30;

/// The runs as machines read them.
pub fn runs_value(engine: &Engine) -> Result<Value, Failure> {
    let now = engine.clock.now();
    let runs = engine.runs()?;
    Ok(json!(runs.map(|runs| json!({
        "every_hours": runs.every_hours, "started": runs.started.since,
        "finished": runs.finished.as_ref().map(|end| end.at),
        "exit": runs.finished.as_ref().map(|end| end.exit),
        "overdue": runs.is_overdue(now),
        "gaps": runs.gaps.iter().map(|gap| json!({
            "from": gap.from, "to": gap.to, "every_hours": gap.every_hours, "seq": gap.seq,
        })).collect::<Vec<_>>(),
    }))))
}

/// The channels as machines read them.
pub fn channel_values(engine: &Engine) -> Result<Vec<Value>, Failure> {
    let rows = channels(engine)?.into_iter().map(|row| {
        json!({
            "channel": row.channel, "accepted": row.accepted.map(|mark| mark.since),
            "summary": row.summary.map(|mark| mark.since), "told": row.told.len(),
            "failing": row.failing.map(|f| json!({ "since": f.since, "because": f.because })),
        })
    });
    Ok(rows.collect())
}

fn given_values(given: &[Delivered]) -> Vec<Value> {
    let value = |one: &Delivered| {
        json!({
            "channel": one.channel, "alerts": one.alerts, "summary": one.summary,
            "error": one.failed,
        })
    };
    given.iter().map(value).collect()
}

fn show_given(given: &[Delivered], output: &Output) {
    for one in given {
        if one.alerts > 0 {
            let alerts = plural(one.alerts, "alert");
            output.note(&format!("{alerts} given by {}", one.channel));
        }
        if one.summary {
            output.note(&format!("the weekly summary was given by {}", one.channel));
        }
        if let Some(error) = &one.failed {
            let channel = &one.channel;
            output.note(&format!("NOT GIVEN: alerts by {channel}: {error}"));
        }
    }
}

/// What became of the alerts of one run.
#[derive(Debug, Default)]
pub struct Spoken {
    /// How many are open.
    open: u64,
    given: Vec<Delivered>,
    /// Whether the heartbeat was taken; `None` where there is none, or it was held back.
    heartbeat: Option<bool>,
}

impl Spoken {
    /// As machines read it.
    pub fn value(&self) -> Value {
        json!({
            "open": self.open, "sent": given_values(&self.given), "heartbeat": self.heartbeat,
        })
    }
}

/// Gives the alerts after a run, and the heartbeat if the run came to its end. Whatever fails here is
/// said and changes nothing about the run's own result.
pub async fn after_run(engine: &Engine, by: &By, ended: bool, output: &Output) -> Option<Spoken> {
    engine.config.alert.as_ref()?;
    let mut spoken = Spoken::default();
    match speak(engine, by, &mut spoken).await {
        Ok(()) => show_given(&spoken.given, output),
        Err(error) => {
            output.note(&format!(
                "alerts could not be given: {}",
                Failure::from(error).says
            ));
            return Some(spoken);
        }
    }
    over_outside(engine, output).await;
    // whoever watches the heartbeat hears in this way that the other channels are deaf
    let deaf = spoken.given.iter().any(|one| one.failed.is_some());
    if ended && !deaf {
        let beaten = beat(&engine.config).await;
        if let Some(Err(error)) = &beaten {
            output.note(&format!("NOT GIVEN: the heartbeat: {error}"));
        }
        spoken.heartbeat = beaten.map(|beaten| beaten.is_ok());
    }
    Some(spoken)
}

async fn speak(engine: &Engine, by: &By, spoken: &mut Spoken) -> Result<(), EngineError> {
    let open = engine.open_alerts()?;
    spoken.open = open.len() as u64;
    spoken.given = engine.give_alerts(by, &open).await?;
    Ok(())
}

/// What is remembered of an alert that no ledger could remember: beside it, in a file of its own.
struct Beside {
    path: PathBuf,
}

impl Beside {
    fn of(config: &Config) -> Option<Self> {
        let mut path = setup::paths(config).ok()?.ledger.into_os_string();
        path.push(".alerts");
        Some(Self { path: path.into() })
    }

    /// What was told last, and when.
    fn read(&self) -> Option<(String, Time)> {
        let text = std::fs::read_to_string(&self.path).ok()?;
        let (key, at) = text.trim().rsplit_once(' ')?;
        Some((key.to_owned(), Time::parse(at)?))
    }

    fn write(&self, key: &str, now: Time, output: &Output) {
        let line = format!("{key} {}\n", now.to_seconds_text());
        if let Err(failure) = private_file::write(&self.path, line.as_bytes()) {
            output.note(&failure.says);
        }
    }

    fn forget(&self) {
        // one that is not there need not be forgotten
        drop(std::fs::remove_file(&self.path));
    }
}

/// What an exit code before the first entry of a run means to operators.
fn outside_alert(exit: Exit, now: Time) -> Option<Alert> {
    match exit {
        // another one is at work, and speaks for itself
        Exit::Busy | Exit::Usage | Exit::Interrupted => None,
        Exit::NoLedger | Exit::WrongKey | Exit::False | Exit::CannotJudge => Some(Alert {
            count: Some(exit.code().into()),
            ..Alert::new(AlertKind::LedgerRefused, "ledger")
        }),
        other => Some(run_failed(other.code().into(), now)),
    }
}

/// Tells operators that a command could not even begin: on every channel, once a day while it lasts,
/// without an entry, since nothing can be appended.
pub async fn speak_outside(cli: &Cli, failure: &Failure, output: &Output) {
    let (Ok(config), Ok(clock)) = (Config::load(&cli.config), setup::clock(cli)) else {
        return;
    };
    if config.ledger.sandbox && alert::leaves(&config).is_some() {
        return;
    }
    let now = clock.now();
    let alert = outside_alert(failure.exit, now);
    let wanted = |alert: &Alert| config.alert.as_ref().is_some_and(|a| a.wants(alert.kind));
    let (Some(alert), Some(beside)) = (alert.filter(wanted), Beside::of(&config)) else {
        return;
    };
    let key = format!("{} {}", alert.kind.as_str(), failure.exit.code());
    let again = |at: Time| now >= at.plus_seconds(AGAIN_HOURS * 3600);
    let word = match beside.read() {
        Some((told, at)) if told == key && !again(at) => return,
        Some((told, _)) if told == key => Told::Again,
        _ => Told::New,
    };
    let given = give_outside(&config, Telling { word, alert }, &outside(&key, now)).await;
    show_given(&given, output);
    if given.iter().any(|one| one.failed.is_none()) {
        beside.write(&key, now, output);
    }
}

fn outside(key: &str, now: Time) -> Outside {
    Outside {
        id: format!("{}-{}", key.replace(' ', "-"), now.micros()),
        now,
    }
}

/// Says that what no ledger could remember is over.
async fn over_outside(engine: &Engine, output: &Output) {
    let Some(beside) = Beside::of(&engine.config) else {
        return;
    };
    let Some((key, _)) = beside.read() else {
        return;
    };
    let alert = match key.starts_with(AlertKind::LedgerRefused.as_str()) {
        true => Alert::new(AlertKind::LedgerRefused, "ledger"),
        false => Alert::new(AlertKind::RunFailed, "run"),
    };
    let telling = Telling {
        word: Told::Over,
        alert,
    };
    let outside = outside(&key, engine.clock.now());
    let given = give_outside(&engine.config, telling, &outside).await;
    show_given(&given, output);
    if given.iter().all(|one| one.failed.is_none()) {
        beside.forget();
    }
}
