//! `exeunt leave`, and what is shown of departures that were withdrawn.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value;
use serde_json::json;

use crate::cli::args::Cli;
use crate::cli::args::LeaveArgs;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::output::plural;
use crate::cli::person::os_user;
use crate::cli::setup;
use crate::domain::code;
use crate::domain::id::Seq;
use crate::domain::id::Subject;
use crate::domain::rows::AccountRow;
use crate::domain::rows::When;
use crate::domain::time::Time;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::approve::Signer;
use crate::engine::leave::Meant;
use crate::engine::leave::Said;
use crate::engine::replay::parse_moment;
use crate::engine::replay::state_word;
use crate::engine::tell;
use crate::engine::withdrawn::Withdrawn;
use crate::ledger::Access;
use crate::ledger::vault::Profile;

/// `exeunt leave`.
pub fn leave(cli: &Cli, args: &LeaveArgs, output: &Output) -> Result<Exit, Failure> {
    let engine = setup::open(cli, Access::Full, output)?;
    let signer = engine.signer(&os_user(), args.key.as_deref())?;
    engine.may_state_leave(&signer)?;
    if args.withdraw {
        return withdraw(&engine, &signer, args, output);
    }
    let at = match &args.at {
        None => None,
        Some(text) => Some(parse_moment(text).ok_or_else(|| {
            Failure::usage(
                format!("`{text}` is no date"),
                "as in 2026-05-01 (its end in UTC) or 2026-05-01T17:00:00Z",
            )
        })?),
    };
    let meant = engine.who_leaves(&args.who)?;
    let run = engine.start("leave", signer.by.clone(), None)?;
    let said = Said {
        at: at.unwrap_or(run.now),
        at_once: at.is_none(),
        reason: args.reason.as_deref().unwrap_or_default(),
        ticket: args.ticket.as_deref(),
    };
    let made = engine.state_leave(&run, &signer, &meant, said)?;
    engine.finish(&run, Exit::Done.code())?;
    let meant = engine.who_leaves(&args.who)?;
    if output.json {
        let items = items(&engine, &meant, &made)?;
        output.document(&document(&engine, args, items, &meant.belong, None)?);
        return Ok(Exit::Done);
    }
    show(&engine, &meant, &made, run.now, output)?;
    Ok(Exit::Done)
}

fn show(
    engine: &Engine,
    meant: &Meant,
    made: &BTreeMap<Subject, Seq>,
    now: Time,
    output: &Output,
) -> Result<(), Failure> {
    let mut rows = Vec::new();
    let mut from = None;
    for (sub, source, stated) in named(meant) {
        from = from.max(stated);
        let entry = made
            .get(sub)
            .map_or("said before".to_owned(), |seq| format!("#{seq}"));
        rows.push(vec![
            engine.called(sub)?,
            source,
            stated.map(tell::moment).unwrap_or_default(),
            entry,
        ]);
    }
    output.table(&["leaves", "of", "from", "entry"], &rows);
    for account in &meant.belong {
        let name = engine.called(&account.subject)?;
        output.note(&format!(
            "their account in {}: {name}, {}",
            account.tenant,
            state_word(account)
        ));
    }
    if meant.belong.is_empty() && meant.accounts.is_empty() {
        output.note("no account of theirs is known in any tenant");
    }
    let policies = engine.adopted_policy()?.map(|(_, set)| set.policies);
    let any = policies.is_some_and(|all| all.iter().any(|p| p.when == When::Departed));
    if !any {
        output.note(
            "no policy with `when = \"departed\"` rules, so that nothing will be done: whoever \
             leaves is shown as a leaver still in",
        );
    }
    if let Some(from) = from.filter(|from| *from > now) {
        output.note(&format!("nothing is done before {}", tell::moment(from)));
    }
    output.hint("`exeunt run` acts on it, without notices; --withdraw takes it back");
    Ok(())
}

fn withdraw(
    engine: &Engine,
    signer: &Signer,
    args: &LeaveArgs,
    output: &Output,
) -> Result<Exit, Failure> {
    let named = engine.said_to_leave(&args.who)?;
    if named.is_empty() {
        return Err(Failure::usage(
            format!("nobody has said that `{}` leaves", args.who),
            "`exeunt why` tells what is known; a directory's word is changed in the directory",
        ));
    }
    let run = engine.start("leave", signer.by.clone(), None)?;
    let reason = args.reason.as_deref();
    let made = engine.withdraw_leave(&run, signer, &named, reason, args.ticket.as_deref())?;
    let of = made.keys().cloned().collect();
    let mut followed = engine.follow_withdrawals(&run, &of)?;
    engine.finish(&run, Exit::Done.code())?;
    let meant = engine.who_leaves(&args.who).unwrap_or_default();
    if output.json {
        let mut items = Vec::new();
        for (sub, stated) in &named {
            items.push(item(engine, sub, Some(stated.at), made.get(sub).copied())?);
        }
        let shown = withdrawn_value(engine, &followed)?;
        output.document(&document(engine, args, items, &meant.belong, Some(shown))?);
        return Ok(Exit::Done);
    }
    let mut stay: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (sub, seq) in &made {
        let entries = stay.entry(engine.called(sub)?).or_default();
        entries.push(format!("#{seq}"));
    }
    for (name, entries) in &stay {
        output.note(&format!("{name} stays ({})", entries.join(", ")));
    }
    followed.of.retain(|sub| !made.contains_key(sub));
    show_withdrawn(engine, &followed, output)?;
    Ok(Exit::Done)
}

/// Shows what came of departures that were withdrawn.
pub(super) fn show_withdrawn(
    engine: &Engine,
    withdrawn: &Withdrawn,
    output: &Output,
) -> Result<(), Failure> {
    if output.json {
        // The document has it.
        return Ok(());
    }
    let names: Result<BTreeSet<_>, _> = withdrawn.of.iter().map(|s| engine.called(s)).collect();
    for name in names? {
        output.note(&format!(
            "{name}: what said that they had left does not say so any more"
        ));
    }
    for account in &withdrawn.called_off {
        let name = engine.called(account)?;
        output.note(&format!("{name}: the planned step was called off"));
    }
    for (account, because) in &withdrawn.cannot {
        output.note(&cannot_says(engine, account, because.as_str())?);
    }
    if let Some(plan) = &withdrawn.restore {
        let digest = tell::short(&plan.digest);
        output.note(&format!(
            "plan {digest} gives back {} that had been disabled because of it",
            plural(plan.count, "account")
        ));
        output.hint(&format!(
            "exeunt approve {digest}, then exeunt apply {digest}"
        ));
    }
    Ok(())
}

/// That an account of somebody who has not left after all cannot be given back, and why.
pub(super) fn cannot_says(
    engine: &Engine,
    account: &Subject,
    because: &str,
) -> Result<String, EngineError> {
    let row = engine.account(account)?;
    let tenant = row.map(|row| row.tenant.to_string()).unwrap_or_default();
    let name = engine.called(account)?;
    Ok(format!(
        "{name} in {tenant} cannot be given back: {}",
        code::says(because)
    ))
}

/// What came of withdrawals, as JSON.
pub(super) fn withdrawn_value(
    engine: &Engine,
    withdrawn: &Withdrawn,
) -> Result<Value, EngineError> {
    Ok(json!({
        "of": withdrawn.of,
        "called_off": withdrawn.called_off,
        "restore": withdrawn.restore.as_ref().map(|plan| &plan.digest),
        "cannot": cannot_values(engine, &withdrawn.cannot)?,
    }))
}

/// The accounts that cannot be given back, as JSON.
pub(super) fn cannot_values(
    engine: &Engine,
    cannot: &[(Subject, code::Code)],
) -> Result<Vec<Value>, EngineError> {
    let mut values = Vec::new();
    for (account, because) in cannot {
        let row = engine.account(account)?;
        let profile = engine.profile(account)?;
        values.push(json!({
            "tenant": row.map(|row| row.tenant), "subject": account,
            "email": profile.first(Profile::MAIL), "because": because,
        }));
    }
    Ok(values)
}

/// Everybody who was named: who, of which source, from when on.
fn named(meant: &Meant) -> Vec<(&Subject, String, Option<Time>)> {
    let people = meant.people.iter().map(|p| {
        let at = p.named.as_ref().map(|stated| stated.at);
        (&p.subject, p.directory.to_string(), at)
    });
    let accounts = meant.accounts.iter().map(|a| {
        let at = a.named.as_ref().map(|stated| stated.at);
        (&a.subject, a.tenant.to_string(), at)
    });
    people.chain(accounts).collect()
}

fn items(
    engine: &Engine,
    meant: &Meant,
    made: &BTreeMap<Subject, Seq>,
) -> Result<Vec<Value>, EngineError> {
    let named = named(meant).into_iter();
    named
        .map(|(sub, _, at)| item(engine, sub, at, made.get(sub).copied()))
        .collect()
}

fn item(
    engine: &Engine,
    sub: &Subject,
    at: Option<Time>,
    seq: Option<Seq>,
) -> Result<Value, EngineError> {
    let account = engine.account(sub)?;
    let kind = if account.is_some() {
        "account"
    } else {
        "person"
    };
    let profile = engine.profile(sub)?;
    Ok(json!({
        "kind": kind, "subject": sub, "email": profile.first(Profile::MAIL),
        "at": at, "seq": seq,
    }))
}

fn document(
    engine: &Engine,
    args: &LeaveArgs,
    items: Vec<Value>,
    belong: &[AccountRow],
    withdrawn: Option<Value>,
) -> Result<Value, EngineError> {
    let mut accounts = Vec::new();
    for account in belong {
        let profile = engine.profile(&account.subject)?;
        accounts.push(json!({
            "tenant": account.tenant, "account": profile.first(Profile::KEY),
            "subject": account.subject, "state": state_word(account),
        }));
    }
    Ok(json!({
        "who": args.who, "stays": args.withdraw, "items": items, "accounts": accounts,
        "withdrawn": withdrawn, "exit": Exit::Done.code(),
    }))
}
