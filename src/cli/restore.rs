//! `exeunt restore`.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;

use serde_json::json;

use crate::cli::apply::applied_exit;
use crate::cli::apply::carry_out;
use crate::cli::apply::doubt;
use crate::cli::apply::interruptible;
use crate::cli::apply::may_act;
use crate::cli::apply::stopped_by;
use crate::cli::apply::taken_value;
use crate::cli::approve::confirm;
use crate::cli::args::Cli;
use crate::cli::args::RestoreArgs;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::observe::show_synced;
use crate::cli::observe::synced_exit;
use crate::cli::output::Output;
use crate::cli::output::plural;
use crate::cli::person::os_user;
use crate::cli::setup;
use crate::domain::code;
use crate::domain::code::Code;
use crate::domain::id::Subject;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::actuate::Taken;
use crate::engine::restore::Changed;
use crate::engine::restore::Restorable;
use crate::ledger::Access;

/// `exeunt restore`.
pub async fn restore(cli: &Cli, args: &RestoreArgs, output: &Output) -> Result<Exit, Failure> {
    let engine = setup::open(cli, Access::Full, output)?;
    let Changed { accounts, left_out } = whom(&engine, args, output)?;
    let claim = engine.ledger.claim_lease()?;
    let compared = engine.compare_clocks(&[]).await?;
    may_act(&engine, compared.outside)?;
    let by = engine.claimed(&os_user())?;
    let lease = engine.ledger.take_over(claim, &by)?;
    let run = engine.start("restore", by, Some(&lease))?;
    let settled = engine.settle(&run).await?;
    let synced = engine.sync(&run, &tenants(&engine, &accounts)?).await?;
    show_synced(&synced, output);
    let found = engine.restorable(&accounts)?;
    show_each(&engine, &found.cannot, output)?;
    let mut taken = Vec::new();
    let stop = interruptible(output.clone());
    if !found.steps.is_empty() {
        if let Err(failure) = confirm(found.steps.len() as u64, args.confirm, output) {
            engine.finish(&run, failure.exit.code())?;
            return Err(failure);
        }
        taken = give_back(&engine, &run, &found, args, &stop, output).await?;
    }
    let exit = ended(&found, &taken, synced_exit(&synced))
        .graver(doubt(settled.in_doubt))
        .graver(stopped_by(&stop));
    engine.finish(&run, exit.code())?;
    if output.json {
        let items: Result<Vec<_>, _> = taken.iter().map(|t| taken_value(&engine, t)).collect();
        let cannot: Result<Vec<_>, _> = found
            .cannot
            .iter()
            .map(|(sub, code)| cannot_value(&engine, sub, code.as_str()))
            .collect();
        let left_out: Result<Vec<_>, _> = left_out
            .iter()
            .map(|(sub, code)| cannot_value(&engine, sub, code.as_str()))
            .collect();
        output.document(&json!({
            "items": items?, "cannot": cannot?, "left_out": left_out?, "exit": exit.code(),
        }));
    }
    Ok(exit)
}

/// The accounts that are meant.
fn whom(engine: &Engine, args: &RestoreArgs, output: &Output) -> Result<Changed, Failure> {
    let mut changed = match (&args.who, args.run) {
        (Some(who), _) => Changed {
            accounts: engine.find(who)?.accounts,
            left_out: Vec::new(),
        },
        (None, Some(run)) => engine.changed_by_run(run)?,
        (None, None) => Changed::default(),
    };
    if let Some(tenant) = &args.tenant {
        let mut own = BTreeSet::new();
        for account in changed.accounts {
            if is_in(engine, &account, tenant)? {
                own.insert(account);
            }
        }
        let mut left_out = Vec::new();
        for (account, code) in changed.left_out {
            if is_in(engine, &account, tenant)? {
                left_out.push((account, code));
            }
        }
        changed = Changed {
            accounts: own,
            left_out,
        };
    }
    show_each(engine, &changed.left_out, output)?;
    if changed.accounts.is_empty() {
        return Err(Failure::usage(
            "there is no account to give back",
            "`exeunt accounts` lists all accounts, `exeunt log --type command.intended` the calls",
        ));
    }
    Ok(changed)
}

fn is_in(engine: &Engine, account: &Subject, tenant: &str) -> Result<bool, Failure> {
    let row = engine.account(account)?;
    Ok(row.is_some_and(|row| row.tenant.as_str() == tenant))
}

fn tenants(engine: &Engine, accounts: &BTreeSet<Subject>) -> Result<Vec<String>, Failure> {
    let mut names = BTreeSet::new();
    for account in accounts {
        let row = engine.account(account)?;
        names.extend(row.map(|row| row.tenant));
    }
    names.retain(|name| engine.is_source(name));
    Ok(names.iter().map(ToString::to_string).collect())
}

/// Names accounts that are not given back, with the reasons.
fn show_each(
    engine: &Engine,
    accounts: &[(Subject, Code)],
    output: &Output,
) -> Result<(), Failure> {
    for (account, code) in accounts {
        let name = engine.called(account)?;
        output.note(&format!("{name}: {}", code::says(code.as_str())));
    }
    Ok(())
}

fn cannot_value(
    engine: &Engine,
    account: &Subject,
    code: &str,
) -> Result<serde_json::Value, EngineError> {
    let row = engine.account(account)?;
    Ok(json!({
        "tenant": row.map(|r| r.tenant), "subject": account,
        "email": engine.profile(account)?.first(crate::ledger::vault::Profile::MAIL),
        "because": code,
    }))
}

async fn give_back(
    engine: &Engine,
    run: &crate::engine::Run,
    found: &Restorable,
    args: &RestoreArgs,
    stop: &AtomicBool,
    output: &Output,
) -> Result<Vec<Taken>, Failure> {
    let plan = engine.plan_restore(run, found.steps.clone(), &args.reason)?;
    let taken = carry_out(engine, run, &plan, stop, output).await?;
    engine.end_restore(run, &plan, &taken)?;
    let back = taken.iter().filter(|t| t.end.took_effect()).count();
    output.note(&format!("{} given back", plural(back as u64, "account")));
    if back < taken.len() {
        output.note("what could not be given back is tried again only when you ask again");
    }
    output.hint(
        "silence counts anew from here; whoever has left stays a leaver still in until the \
         directory says otherwise",
    );
    Ok(taken)
}

/// Partly done if some could be given back and others not; refused if none could. Somebody asked
/// for each of them, so that one which was withheld is not as was wanted.
fn ended(found: &Restorable, taken: &[Taken], read: Exit) -> Exit {
    let exit = applied_exit(taken, read);
    let back = taken.iter().filter(|t| t.end.took_effect()).count();
    match (found.cannot.is_empty() && back == taken.len(), back) {
        (true, _) => exit,
        (false, 0) => exit.graver(Exit::Refused),
        (false, _) => exit.graver(Exit::Partly),
    }
}
