//! `exeunt successor`: who takes over what somebody owns in a tenant.

use serde_json::json;

use crate::cli::args::Cli;
use crate::cli::args::SuccessorClearArgs;
use crate::cli::args::SuccessorCommand;
use crate::cli::args::SuccessorSetArgs;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::person::os_user;
use crate::cli::said::words;
use crate::cli::setup;
use crate::domain::code;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::engine::Engine;
use crate::ledger::Access;

/// `exeunt successor`.
pub fn successor(cli: &Cli, command: &SuccessorCommand, output: &Output) -> Result<Exit, Failure> {
    match command {
        SuccessorCommand::Set(args) => set(cli, args, output),
        SuccessorCommand::List => list(cli, output),
        SuccessorCommand::Clear(args) => clear(cli, args, output),
    }
}

fn set(cli: &Cli, args: &SuccessorSetArgs, output: &Output) -> Result<Exit, Failure> {
    let words = words(&args.word)?;
    let engine = setup::open(cli, Access::Full, output)?;
    let tenant = SourceName::new(&args.tenant);
    let to = engine.one_account(&args.to, Some(&tenant))?;
    let meant = engine.who_is_succeeded(&args.who)?;
    let signer = engine.signer(&os_user(), args.word.key.as_deref())?;
    let from = engine.name_successor(&signer, &meant, &tenant, &to, words)?;
    output.note(&format!(
        "what {} owns in {tenant} goes to {} when it is removed, whoever else could take over",
        names(&engine, &from)?,
        engine.called(&to.subject)?
    ));
    open_plans(&engine, &meant_accounts(&meant), output)?;
    output.hint("next: exeunt plan; `exeunt successor list` shows everybody who was named");
    Ok(Exit::Done)
}

fn clear(cli: &Cli, args: &SuccessorClearArgs, output: &Output) -> Result<Exit, Failure> {
    let words = words(&args.word)?;
    let engine = setup::open(cli, Access::Full, output)?;
    let tenant = SourceName::new(&args.tenant);
    let meant = engine.who_is_succeeded(&args.who)?;
    let signer = engine.signer(&os_user(), args.word.key.as_deref())?;
    let from = engine.withdraw_successor(&signer, &meant, &tenant, words)?;
    output.note(&format!(
        "nobody is named any more to take over from {} in {tenant}",
        names(&engine, &from)?
    ));
    open_plans(&engine, &meant_accounts(&meant), output)?;
    output.hint("next: exeunt plan");
    Ok(Exit::Done)
}

fn meant_accounts(meant: &crate::engine::leave::Meant) -> Vec<Subject> {
    let accounts = meant.accounts.iter().chain(&meant.belong);
    accounts.map(|account| account.subject.clone()).collect()
}

/// Says that steps that are planned already have another successor in them.
fn open_plans(engine: &Engine, accounts: &[Subject], output: &Output) -> Result<(), Failure> {
    let open = engine.open_steps(engine.clock.now())?;
    let mut steps = open.iter().flat_map(|(_, steps)| steps);
    if steps.any(|step| accounts.contains(&step.step.account)) {
        output.note("the step that is planned already is withheld, and planned anew with this");
    }
    Ok(())
}

fn names(engine: &Engine, subjects: &[Subject]) -> Result<String, Failure> {
    let mut names = Vec::new();
    for sub in subjects {
        let name = engine.called(sub)?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names.join(" and "))
}

fn list(cli: &Cli, output: &Output) -> Result<Exit, Failure> {
    let engine = setup::open(cli, Access::ReadOnly, output)?;
    let items = engine.named_successors()?;
    if output.json {
        output.document(&json!({ "items": items }));
        return Ok(Exit::Done);
    }
    let mut rows = Vec::new();
    for item in &items {
        let reason = item.reason.clone().unwrap_or_default();
        rows.push(vec![
            item.tenant.to_string(),
            engine.called(&item.subject)?,
            engine.called(&item.successor)?,
            item.because.map(code::says).unwrap_or_default(),
            item.by.clone().unwrap_or_default(),
            match &item.ticket {
                Some(ticket) => format!("{reason} ({ticket})"),
                None => reason,
            },
            format!("#{}", item.seq),
        ]);
    }
    let head = [
        "tenant",
        "from",
        "goes to",
        "cannot now",
        "by",
        "why",
        "entry",
    ];
    output.table(&head, &rows);
    if rows.is_empty() {
        output.note("nobody was named: `exeunt plan` says who takes over");
    }
    Ok(Exit::Done)
}
