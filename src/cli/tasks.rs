//! `exeunt tasks`: leavers whom no step may touch, what to do about each, and who sees to it.

use serde_json::Value;
use serde_json::json;

use crate::cli::args::Cli;
use crate::cli::args::TasksArgs;
use crate::cli::args::TasksCommand;
use crate::cli::args::TasksReleaseArgs;
use crate::cli::args::TasksTakeArgs;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::output::plural;
use crate::cli::person::os_user;
use crate::cli::said::words;
use crate::cli::setup;
use crate::domain::code;
use crate::domain::task::APPROVERS;
use crate::domain::time::Time;
use crate::engine::Engine;
use crate::engine::replay::Moment;
use crate::engine::tasks::Followed;
use crate::engine::tasks::Released;
use crate::engine::tasks::TaskItem;
use crate::engine::tasks::TaskState;
use crate::engine::tell;
use crate::ledger::Access;

/// `exeunt tasks`.
pub fn tasks(cli: &Cli, args: &TasksArgs, output: &Output) -> Result<Exit, Failure> {
    match &args.command {
        Some(TasksCommand::Take(args)) => take(cli, args, output),
        Some(TasksCommand::Release(args)) => release(cli, args, output),
        None => list(cli, args, output),
    }
}

fn list(cli: &Cli, args: &TasksArgs, output: &Output) -> Result<Exit, Failure> {
    let engine = setup::open(cli, Access::ReadOnly, output)?;
    let moment = engine.at(None)?;
    let mut items = all(&engine, &moment)?;
    if let Some(who) = &args.who {
        items = engine.tasks_named(who, args.tenant.as_deref(), items)?;
    } else if let Some(tenant) = &args.tenant {
        items.retain(|item| item.tenant.as_str() == tenant);
    }
    if output.json {
        output.document(&json!({ "now": moment.now, "items": items }));
        return Ok(Exit::Done);
    }
    if args.who.is_some() {
        for item in &items {
            show_one(&engine, item, moment.now, output)?;
        }
        return Ok(Exit::Done);
    }
    let mut rows = Vec::new();
    for item in &items {
        rows.push(row(&engine, item, moment.now)?);
    }
    output.table(&HEADER, &rows);
    match items.first() {
        None => output.note("no leaver waits for somebody to see to them by hand"),
        Some(item) => output.hint(&format!(
            "`exeunt tasks {}` says what to do, step by step",
            number(&engine, item)?
        )),
    }
    Ok(Exit::Done)
}

fn all(engine: &Engine, moment: &Moment<'_>) -> Result<Vec<TaskItem>, Failure> {
    let judged = engine.judge_all(&moment.rows, None, moment.now)?;
    Ok(engine.tasks(moment, &judged)?)
}

const HEADER: [&str; 8] = [
    "task",
    "account",
    "tenant",
    "left on",
    "clock",
    "who",
    "why no step may",
    "what to do first",
];

/// What a task is called by: its number, or the account before there is one.
fn number(engine: &Engine, item: &TaskItem) -> Result<String, Failure> {
    Ok(match item.id {
        Some(id) => id.to_string(),
        None => engine.called(&item.subject)?,
    })
}

fn row(engine: &Engine, item: &TaskItem, now: Time) -> Result<Vec<String>, Failure> {
    let opened = item.opened_at;
    let age = opened.map(|at| format!(", {} old", tell::length(now.seconds_since(at))));
    Ok(vec![
        match item.id {
            Some(id) => format!("#{id}{}", age.unwrap_or_default()),
            None => "new".to_owned(),
        },
        engine.called(&item.subject)?,
        item.tenant.to_string(),
        item.since.map(Time::day).unwrap_or_default(),
        item.clock.as_ref().map(tell::clock).unwrap_or_default(),
        who(item),
        tell::reasons(&item.because),
        item.steps.first().cloned().unwrap_or_default(),
    ])
}

/// Who sees to a task, in short.
fn who(item: &TaskItem) -> String {
    let signed = item.releases.iter().filter(|one| one.holds).count();
    match (item.state, &item.taken) {
        (TaskState::Unconfirmed, _) => "waits for a read".to_owned(),
        (TaskState::Released, _) => "released".to_owned(),
        (_, Some(taken)) => taken.by.clone().unwrap_or_else(|| "somebody".to_owned()),
        _ if signed > 0 => format!("{signed} of {APPROVERS} have released it"),
        _ => "nobody yet".to_owned(),
    }
}

fn show_one(engine: &Engine, item: &TaskItem, now: Time, output: &Output) -> Result<(), Failure> {
    let name = engine.called(&item.subject)?;
    let title = match item.id {
        Some(id) => format!("TASK #{id}: {name} in {}", item.tenant),
        None => format!("TASK: {name} in {}", item.tenant),
    };
    output.data(&title);
    let clock = item.clock.as_ref().map(tell::clock).unwrap_or_default();
    if let Some(since) = item.since {
        output.data(&format!("left on {}; {clock}", since.day()));
    }
    if let Some(at) = item.opened_at {
        let age = tell::length(now.seconds_since(at));
        output.data(&format!("opened on {} ({age} ago)", tell::moment(at)));
    }
    if item.state != TaskState::Unconfirmed {
        output.data("Why no step may touch the account:");
        for code in &item.because {
            output.data(&format!("  - {}", code::says(code.as_str())));
        }
    }
    show_people(item, output);
    output.data("What to do:");
    for (number, step) in item.steps.iter().enumerate() {
        output.data(&output.as_typed(&format!("  {}. {step}", number + 1)));
    }
    output.data("");
    if item.releasable && item.state != TaskState::Released {
        output.hint(&format!(
            "or let Exeunt disable it: two approvers each say `exeunt tasks release {} --reason \"…\" \
             --key FILE`",
            number(engine, item)?
        ));
    }
    Ok(())
}

/// Who has taken a task, and who has released it.
fn show_people(item: &TaskItem, output: &Output) {
    if let Some(taken) = &item.taken {
        let by = taken.by.as_deref().unwrap_or("somebody");
        let note = taken.note.as_ref().map(|n| format!(": {n}"));
        let note = note.unwrap_or_default();
        output.data(&format!(
            "{by} sees to it since {}{note}  [#{}]",
            tell::moment(taken.at),
            taken.seq
        ));
    }
    for release in &item.releases {
        let by = release.by.as_deref().unwrap_or("an approver");
        let holds = match release.holds {
            true => "",
            false => "; it counts no more, since the account or the departure has changed",
        };
        output.data(&format!(
            "{by} released it on {}{holds}  [#{}]",
            tell::moment(release.at),
            release.seq
        ));
    }
    if item.state == TaskState::Released {
        output.data("Two approvers have released it: the next plan has the step, once.");
    }
}

/// The one task that is meant.
fn one(engine: &Engine, who: &str, tenant: Option<&str>) -> Result<TaskItem, Failure> {
    let moment = engine.at(None)?;
    let items = all(engine, &moment)?;
    let mut found = engine.tasks_named(who, tenant, items)?;
    if found.len() > 1 {
        return Err(Failure::usage(
            format!("`{who}` has tasks in more than one tenant"),
            "give the number of the task, or --tenant",
        ));
    }
    let item = found.pop().filter(|item| item.id.is_some());
    item.ok_or_else(|| {
        let says = format!("no entry has opened a task about `{who}` yet");
        Failure::usage(says, "`exeunt sync` or `exeunt plan` opens it")
    })
}

fn take(cli: &Cli, args: &TasksTakeArgs, output: &Output) -> Result<Exit, Failure> {
    let by = args.by.clone().unwrap_or_else(os_user);
    if by.trim().is_empty() {
        return Err(Failure::usage("nobody is named", "--by NAME"));
    }
    let engine = setup::open(cli, Access::Full, output)?;
    let item = one(&engine, &args.id, args.tenant.as_deref())?;
    let signer = engine.signer(&os_user(), None)?;
    let note = args.note.as_deref().filter(|note| !note.trim().is_empty());
    let mut words = vec![("by", by.as_str())];
    words.extend(note.map(|note| ("note", note)));
    engine.take_task(&signer, &item.subject, &words)?;
    let number = number(&engine, &item)?;
    output.note(&format!(
        "{by} sees to task #{number}: {} in {}",
        engine.called(&item.subject)?,
        item.tenant
    ));
    output.hint(&format!("what to do: exeunt tasks {number}"));
    Ok(Exit::Done)
}

fn release(cli: &Cli, args: &TasksReleaseArgs, output: &Output) -> Result<Exit, Failure> {
    let words = words(&args.word)?;
    let engine = setup::open(cli, Access::Full, output)?;
    let item = one(&engine, &args.id, args.tenant.as_deref())?;
    let signer = engine.signer(&os_user(), args.word.key.as_deref())?;
    let released = engine.release_task(&signer, &item.subject, words)?;
    show_released(&engine, &item, &released, output)?;
    Ok(Exit::Done)
}

fn show_released(
    engine: &Engine,
    item: &TaskItem,
    released: &Released,
    output: &Output,
) -> Result<(), Failure> {
    let name = engine.called(&item.subject)?;
    let roles: Vec<_> = released
        .bound
        .protected
        .iter()
        .map(|p| code::says(p.code()))
        .collect();
    output.note(&format!(
        "you agree that {name} in {}, who left on {}, is disabled once, although: {}",
        item.tenant,
        released.bound.since.day(),
        roles.join(" ")
    ));
    let number = number(engine, item)?;
    if released.have < APPROVERS {
        let missing = APPROVERS - released.have;
        output.hint(&format!(
            "{} more: another approver says `exeunt tasks release {number} --reason \"…\" --key FILE`",
            plural(missing as u64, "approver")
        ));
        return Ok(());
    }
    output.note("two approvers have released it: the next plan has the step");
    if !released.blocked.is_empty() {
        let still = tell::reasons(&released.blocked);
        output.note(&format!("this still stands in the way: {still}"));
    }
    output.hint("next: exeunt plan");
    Ok(())
}

/// What became of tasks in a command.
pub(super) fn show_followed(
    engine: &Engine,
    followed: &Followed,
    output: &Output,
) -> Result<(), Failure> {
    if output.json {
        // The document has it, where it is asked for.
        return Ok(());
    }
    for account in &followed.opened {
        let name = engine.called(account)?;
        output.note(&output.as_typed(&format!(
            "{name} has left and no step may touch the account: `exeunt tasks {name}` says what to do"
        )));
    }
    for (account, how) in &followed.closed {
        let name = engine.called(account)?;
        let says = code::says(how.as_str());
        output.note(&format!("the task about {name} is over. {says}"));
    }
    Ok(())
}

/// The same for a document.
pub(super) fn followed_value(followed: &Followed) -> Value {
    let closed = followed.closed.iter();
    let closed: Vec<_> = closed
        .map(|(account, how)| json!({ "subject": account, "because": how }))
        .collect();
    json!({ "opened": followed.opened, "closed": closed })
}

/// The tasks in `status`, before everything else.
pub(super) fn show_in_status(
    engine: &Engine,
    items: &[TaskItem],
    output: &Output,
) -> Result<(), Failure> {
    if items.is_empty() {
        return Ok(());
    }
    let accounts = plural(items.len() as u64, "account");
    output.data(&format!(
        "TASKS BY HAND: {accounts} of people who have left, which no step may touch"
    ));
    let mut rows = Vec::new();
    for item in items {
        rows.push(vec![
            item.id
                .map_or_else(|| "new".to_owned(), |id| format!("#{id}")),
            engine.called(&item.subject)?,
            item.tenant.to_string(),
            item.clock.as_ref().map(tell::clock).unwrap_or_default(),
            who(item),
            item.because
                .first()
                .map(|code| code::says(code.as_str()))
                .unwrap_or_default(),
        ]);
    }
    output.table(&["task", "account", "tenant", "clock", "who", "why"], &rows);
    output.data(&output.as_typed("`exeunt tasks ID` says what to do, step by step"));
    output.data("");
    Ok(())
}
