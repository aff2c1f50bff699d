//! `init`, `check`, and opening what a configuration names.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use crate::cli::args::Cli;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::failure::chain;
use crate::cli::failure::judge;
use crate::cli::failure::notify;
use crate::cli::output::Output;
use crate::cli::output::plural;
use crate::cli::progress::Shown;
use crate::clock::Clock;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::config::alert;
use crate::config::build;
use crate::config::notices;
use crate::config::smtp;
use crate::directory;
use crate::domain::time::Time;
use crate::engine;
use crate::engine::DirectorySource;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::TenantSource;
use crate::engine::replay::parse_moment;
use crate::evidence::publish::Published;
use crate::ledger::Access;
use crate::ledger::InitOptions;
use crate::ledger::Ledger;
use crate::ledger::LedgerError;
use crate::ledger::Paths;
use crate::ledger::entropy::SystemEntropy;
use crate::ledger::revault::Loss;
use crate::notify::NotifyError;
use crate::provider;

/// The commented configuration that `init` writes.
const TEMPLATE: &str = include_str!("exeunt.toml");

/// Where the configuration says that everything is.
pub fn paths(config: &Config) -> Result<Paths, Failure> {
    Ok(Paths {
        ledger: config.sqlite("url", &config.ledger.url)?,
        vault: config.sqlite("vault", &config.ledger.vault)?,
        head: config.path(&config.ledger.head),
        keys: config.path(&config.ledger.keys),
    })
}

/// The clock of a command: the machine's, or moved by `--now`.
pub fn clock(cli: &Cli) -> Result<Arc<dyn Clock>, Failure> {
    match &cli.now {
        None => Ok(Arc::new(SystemClock::default())),
        Some(text) => {
            let now: Option<Time> = parse_moment(text);
            let now = now.ok_or_else(|| {
                Failure::usage(
                    format!("`{text}` is no moment"),
                    "as in 2026-05-01T12:00:00Z",
                )
            })?;
            Ok(Arc::new(SystemClock::showing(now)))
        }
    }
}

/// Opens the ledger alone; the vault too unless `access` says so.
pub fn open_ledger(cli: &Cli, access: Access) -> Result<(Config, Ledger), Failure> {
    let config = Config::load(&cli.config)?;
    let ledger = Ledger::open(
        &paths(&config)?,
        access,
        clock(cli)?,
        Arc::new(SystemEntropy),
    )?;
    fits_what_was_copied(&config, &ledger)?;
    Ok((config, ledger))
}

/// Where checkpoints are copied to, if anywhere.
pub fn published(config: &Config) -> Option<Published> {
    let path = config.ledger.publish.as_ref()?;
    Some(Published::new(&config.path(path)))
}

/// Refuses a ledger that is not the continuation of the newest checkpoint that was copied: ledger and
/// head lock may have been put back together. What cannot be read is said where copying fails.
fn fits_what_was_copied(config: &Config, ledger: &Ledger) -> Result<(), Failure> {
    match published(config).map(|published| published.compare(ledger)) {
        Some(Err(error @ LedgerError::False { .. })) => Err(error.into()),
        _ => Ok(()),
    }
}

/// Opens everything around a ledger that does not fit its head lock, or has lost its vault.
pub fn open_lost(
    cli: &Cli,
    entries: bool,
    vault: Option<Loss>,
    output: &Output,
) -> Result<Engine, Failure> {
    let config = Config::load(&cli.config)?;
    let copied = |ledger: &Ledger| published(&config)?.newest(ledger.origin()).ok()?;
    let (paths, entropy) = (paths(&config)?, Arc::new(SystemEntropy));
    let ledger = Ledger::open_lost(&paths, entries, vault, copied, clock(cli)?, entropy)?;
    around(cli, config, ledger, output)
}

/// Opens everything that a command works with.
pub fn open(cli: &Cli, access: Access, output: &Output) -> Result<Engine, Failure> {
    let (config, ledger) = open_ledger(cli, access)?;
    around(cli, config, ledger, output)
}

fn around(cli: &Cli, config: Config, ledger: Ledger, output: &Output) -> Result<Engine, Failure> {
    let sandbox = ledger.opened().sandbox;
    let report = Arc::new(Shown::new(output.quiet || output.json, cli.no_progress));
    let engine = Engine::new(config, ledger, clock(cli)?, report)?;
    if sandbox {
        only_loopback(&engine)?;
    }
    Ok(engine)
}

/// In a sandbox ledger time may be moved, so that nothing real may hang on it.
fn only_loopback(engine: &Engine) -> Result<(), Failure> {
    sources_on_loopback(&engine.directories, &engine.tenants)?;
    let smtp = (!engine.notifier.is_loopback()).then_some("smtp");
    let mut outside = smtp.into_iter().chain(alert::leaves(&engine.config));
    outside
        .next()
        .map_or(Ok(()), |name| Err(not_loopback(name)))
}

fn sources_on_loopback(
    directories: &[DirectorySource],
    tenants: &[TenantSource],
) -> Result<(), Failure> {
    let directories = directories.iter().filter(|d| !d.adapter.is_loopback());
    let tenants = tenants.iter().filter(|t| !t.adapter.is_loopback());
    let mut outside = directories
        .map(|d| d.name.as_str())
        .chain(tenants.map(|t| t.name.as_str()));
    outside
        .next()
        .map_or(Ok(()), |name| Err(not_loopback(name)))
}

fn not_loopback(name: &str) -> Failure {
    Failure {
        exit: Exit::Configuration,
        says: format!("this ledger is a sandbox, and `{name}` is not on a loopback address"),
        code: "sandbox".to_owned(),
        hint: Some("make a ledger of its own for real sources".to_owned()),
    }
}

/// `exeunt init`.
pub fn init(cli: &Cli, output: &Output) -> Result<Exit, Failure> {
    if !cli.config.exists() {
        write_template(cli)?;
        output.note(&format!(
            "wrote the configuration, with comments: {}",
            cli.config.display()
        ));
    }
    let config = Config::load(&cli.config)?;
    build::try_without_secrets(&config)?;
    let paths = paths(&config)?;
    let options = InitOptions {
        origin: config.ledger.origin.clone(),
        sandbox: config.ledger.sandbox,
    };
    let ledger = Ledger::init(&paths, &options, clock(cli)?, Arc::new(SystemEntropy))?;
    if output.json {
        let opened = ledger.opened();
        output.document(&serde_json::json!({
            "ledger": paths.ledger, "vault": paths.vault, "head": paths.head, "keys": paths.keys,
            "origin": opened.origin, "log_key": opened.log_key, "sandbox": opened.sandbox,
        }));
        return Ok(Exit::Done);
    }
    output.note(&format!("made the ledger   {}", plain(&paths.ledger)));
    output.note(&format!("     the vault    {}", plain(&paths.vault)));
    output.note(&format!("     the head     {}", plain(&paths.head)));
    output.note(&format!("     the keys     {}", plain(&paths.keys)));
    output.note("Back the keys up apart from the vault: without them, names are lost for ever.");
    if config.tenant.is_empty() && config.directory.is_empty() {
        let file = cli.config.display();
        output.hint(&format!(
            "name a tenant in {file}; then `exeunt check` tests it"
        ));
    } else {
        output.hint("next: `exeunt check`, then `exeunt sync`");
    }
    Ok(Exit::Done)
}

/// A path as it would be typed.
fn plain(path: &Path) -> std::path::Display<'_> {
    path.strip_prefix(".").unwrap_or(path).display()
}

fn write_template(cli: &Cli) -> Result<(), Failure> {
    let failure = |e: std::io::Error| {
        Failure::plain(format!("{} cannot be written: {e}", cli.config.display()))
    };
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&cli.config)
        .map_err(failure)?;
    file.write_all(TEMPLATE.as_bytes()).map_err(failure)
}

struct Line {
    source: String,
    what: String,
    state: &'static str,
    says: String,
    hint: Option<String>,
}

/// Whether the relay of `[smtp]` takes mails from us, if there is one.
async fn relay(config: &Config) -> Result<Option<(Exit, Line)>, Failure> {
    let Some(mailer) = smtp::mailer(config)? else {
        return Ok(None);
    };
    let name = mailer.relay();
    Ok(Some(match mailer.check().await {
        Ok(()) => {
            let says = format!("{name} takes mails from us");
            (Exit::Done, line("smtp", "relay", "good", says, None))
        }
        Err(error) => {
            let (code, hint) = notify(&NotifyError::Mail(error.clone()));
            let hint = Some(hint.to_owned());
            (code, line("smtp", "relay", "bad", error.to_string(), hint))
        }
    }))
}

/// `exeunt check`.
pub async fn check(cli: &Cli, output: &Output) -> Result<Exit, Failure> {
    let config = Config::load(&cli.config)?;
    let mut lines = Vec::new();
    let mut exit = Exit::Done;
    let ledger = Ledger::open(
        &paths(&config)?,
        Access::ReadOnly,
        clock(cli)?,
        Arc::new(SystemEntropy),
    );
    let (directories, tenants) = engine::sources(&config, &clock(cli)?)?;
    match ledger {
        Ok(ledger) => {
            if ledger.opened().sandbox {
                sources_on_loopback(&directories, &tenants)?;
            }
            let size = ledger.view()?.head().size;
            let says = format!("{}; vault and head lock fit", plural(size, "entry"));
            lines.push(line("ledger", "ledger", "good", says, None));
            let copies = copies(&config, &ledger);
            if copies.state == "bad" {
                exit = exit.graver(Exit::False);
            }
            lines.push(copies);
        }
        Err(error) => {
            let says = chain(&error);
            let (code, _, hint) = judge(&EngineError::from(error));
            lines.push(line("ledger", "ledger", "bad", says, hint));
            exit = exit.graver(code);
        }
    }
    for source in &directories {
        if let Err(error) = source.adapter.clock().await {
            exit = exit.graver(judge(&error.into()).0);
        }
        for probe in source.adapter.check().await {
            let state = match probe.state {
                directory::ProbeState::Good => "good",
                directory::ProbeState::Limited => "limited",
                directory::ProbeState::Bad => "bad",
            };
            lines.push(line(
                source.name.as_str(),
                &probe.what,
                state,
                probe.says,
                probe.hint,
            ));
        }
        if let Some(age) = age(source, clock(cli)?.now()).await {
            if age.state == "bad" {
                exit = exit.graver(Exit::Refused);
            }
            lines.push(age);
        }
    }
    for source in &tenants {
        if let Err(error) = source.adapter.clock().await {
            exit = exit.graver(judge(&error.into()).0);
        }
        for probe in source.adapter.check().await {
            let state = match probe.state {
                provider::ProbeState::Good => "good",
                provider::ProbeState::Limited => "limited",
                provider::ProbeState::Bad => "bad",
            };
            lines.push(line(
                source.name.as_str(),
                &probe.what,
                state,
                probe.says,
                probe.hint,
            ));
        }
    }
    notices::texts(&config)?;
    if let Some((code, relay)) = relay(&config).await? {
        exit = exit.graver(code);
        lines.push(relay);
    }
    if exit == Exit::Done && lines.iter().any(|l| l.state == "bad") {
        exit = Exit::Rights;
    }
    show_check(&lines, exit, output);
    if tenants.is_empty() {
        output.hint("no [[tenant]] is configured yet: there is nothing that could be decided");
    }
    Ok(exit)
}

/// Whether anything of the ledger is known outside, so that a rewrite would show.
fn copies(config: &Config, ledger: &Ledger) -> Line {
    let limited = |says: String, hint: &str| {
        line(
            "ledger",
            "checkpoints",
            "limited",
            says,
            Some(hint.to_owned()),
        )
    };
    let Some(published) = published(config) else {
        return limited(
            "nothing leaves this machine: whoever has it could rewrite the ledger".to_owned(),
            "name a directory on another machine as `publish` in [ledger]",
        );
    };
    let place = published.path().display();
    match published.compare(ledger) {
        Ok(Some(size)) => {
            let says = format!("the first {size} entries are covered by a copy in {place}");
            line("ledger", "checkpoints", "good", says, None)
        }
        Ok(None) => limited(
            format!("nothing was copied to {place} yet"),
            "`exeunt checkpoint` copies the first one",
        ),
        Err(error @ LedgerError::False { .. }) => {
            let says = chain(&error);
            let (_, _, hint) = judge(&EngineError::from(error));
            line("ledger", "checkpoints", "bad", says, hint)
        }
        Err(error) => limited(chain(&error), "see that the directory can be reached"),
    }
}

/// Whether a file is older than it may be.
async fn age(source: &engine::DirectorySource, now: Time) -> Option<Line> {
    let days = source.max_age_days?;
    let written = source.adapter.written_at().await.ok()??;
    let says = format!("written {}", written.to_seconds_text());
    let name = source.name.as_str();
    if !source.is_stale(Some(written), now) {
        return Some(line(name, "age", "good", says, None));
    }
    let says = format!("{says}, more than {days} days ago");
    let hint = "see why the export has stopped; until then nothing rests on the file".to_owned();
    Some(line(name, "age", "bad", says, Some(hint)))
}

fn line(source: &str, what: &str, state: &'static str, says: String, hint: Option<String>) -> Line {
    Line {
        source: source.to_owned(),
        what: what.to_owned(),
        state,
        says,
        hint,
    }
}

fn show_check(lines: &[Line], exit: Exit, output: &Output) {
    if output.json {
        let items: Vec<_> = lines
            .iter()
            .map(|l| {
                serde_json::json!({
                    "source": l.source, "what": l.what, "state": l.state, "says": l.says,
                    "hint": l.hint,
                })
            })
            .collect();
        output.document(&serde_json::json!({ "items": items, "exit": exit.code() }));
        return;
    }
    let rows: Vec<_> = lines
        .iter()
        .map(|l| {
            vec![
                l.source.clone(),
                l.what.clone(),
                l.state.to_owned(),
                l.says.clone(),
            ]
        })
        .collect();
    output.table(&["source", "what", "state", "found"], &rows);
    for l in lines {
        if let Some(hint) = &l.hint {
            output.hint(&format!("{}, {}: {hint}", l.source, l.what));
        }
    }
}
