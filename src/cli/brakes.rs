//! `exeunt breaker` and `exeunt halt`.

use serde_json::json;

use crate::cli::args::BreakerCommand;
use crate::cli::args::Cli;
use crate::cli::args::HaltArgs;
use crate::cli::args::Switch;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::person::os_user;
use crate::cli::plan::next_steps;
use crate::cli::plan_file;
use crate::cli::setup;
use crate::domain::rows::HaltRow;
use crate::domain::rows::Kind;
use crate::domain::rows::Step;
use crate::engine::Engine;
use crate::engine::replay::parse_moment;
use crate::engine::tell;
use crate::ledger::Access;

/// `exeunt breaker`.
pub fn breaker(cli: &Cli, command: &BreakerCommand, output: &Output) -> Result<Exit, Failure> {
    match command {
        BreakerCommand::Show => breaker_show(cli, output),
        BreakerCommand::Release(args) => {
            let engine = setup::open(cli, Access::Full, output)?;
            let signer = engine.signer(&os_user(), args.key.as_deref())?;
            if let Some(source) = &args.read {
                engine.release_read(&signer, source, &args.digest, &args.reason)?;
                output.note(&format!(
                    "the next read of {source} that shows the same is believed"
                ));
                output.hint("next: exeunt sync");
                return Ok(Exit::Done);
            }
            let plan = plan_file::find(&engine, &args.digest)?;
            let released = engine.release_plan(&signer, &plan, &args.reason)?;
            for scope in &released.first_contact {
                output.note(&format!(
                    "{} is known from here on; of the plan's accounts, at most {} a day",
                    tell::scope(scope),
                    released.ramp_per_day
                ));
            }
            for window in &released.windows {
                output.note(&format!(
                    "the brake counts anew: {}",
                    window.replace('|', ", ")
                ));
            }
            let plan = engine.plan_named(plan.plan.as_str())?;
            next_steps(&engine, &plan, &args.digest, "next:", output)?;
            Ok(Exit::Done)
        }
    }
}

fn breaker_show(cli: &Cli, output: &Output) -> Result<Exit, Failure> {
    let engine = setup::open(cli, Access::ReadOnly, output)?;
    let now = engine.clock.now();
    let mut steps: Vec<Step> = Vec::new();
    for (_, left) in engine.open_steps(now)? {
        steps.extend(left.into_iter().map(|s| s.step));
    }
    let set = engine
        .adopted_policy()?
        .map(|(_, set)| set)
        .unwrap_or_default();
    let states = engine.assess(&steps, None, &set, now)?.states;
    if output.json {
        output.document(&json!({ "items": states }));
        return Ok(Exit::Done);
    }
    let rows: Vec<_> = states
        .iter()
        .map(|b| {
            let class = serde_json::to_value(b.class).ok();
            vec![
                b.scope.clone(),
                class
                    .and_then(|v| v.as_str().map(str::to_owned))
                    .unwrap_or_default(),
                b.does.as_str().to_owned(),
                b.window.clone(),
                b.limit.to_string(),
                b.done.to_string(),
                b.wanted.to_string(),
                if b.tripped { "tripped" } else { "ok" }.to_owned(),
            ]
        })
        .collect();
    output.table(
        &[
            "scope", "class", "do", "window", "limit", "done", "wanted", "state",
        ],
        &rows,
    );
    if rows.is_empty() {
        output.note("no plan is open that could meet a brake");
    }
    Ok(Exit::Done)
}

/// `exeunt halt`.
pub fn halt(cli: &Cli, args: &HaltArgs, output: &Output) -> Result<Exit, Failure> {
    let engine = setup::open(cli, Access::Full, output)?;
    let signer = engine.signer(&os_user(), None)?;
    if let Some(tenant) = &args.tenant
        && engine
            .tenant(&crate::domain::id::SourceName::new(tenant))
            .is_none()
    {
        let known: Vec<_> = engine.tenants.iter().map(|t| t.name.as_str()).collect();
        return Err(Failure::usage(
            format!("there is no tenant `{tenant}`"),
            crate::config::mistake::nearest(tenant, &known),
        ));
    }
    let until =
        match &args.until {
            None => None,
            Some(text) => Some(parse_moment(text).ok_or_else(|| {
                Failure::usage(format!("`{text}` is no date"), "as in 2026-05-01")
            })?),
        };
    let whom = args
        .tenant
        .as_deref()
        .map_or("every call".to_owned(), |t| format!("every call to {t}"));
    match args.switch {
        Switch::On => {
            engine.halt(&signer, args.tenant.as_deref(), until, &args.reason)?;
            output.note(&format!("stopped: {whom}; a call in flight is finished"));
            let option = args
                .tenant
                .as_ref()
                .map(|t| format!(" --tenant {t}"))
                .unwrap_or_default();
            output.hint(&format!("`exeunt halt off{option}` lets them go on"));
        }
        Switch::Off => {
            engine.lift_halt(&signer, args.tenant.as_deref(), &args.reason)?;
            let others = still_halted(&engine, args.tenant.is_some())?;
            if others.is_empty() {
                output.note(&format!("{whom} may be made again"));
            }
            for other in others {
                output.note(&other);
            }
        }
    }
    Ok(Exit::Done)
}

/// What is stopped all the same after a halt was lifted, that of one tenant or that of all, and how
/// it goes on.
fn still_halted(engine: &Engine, of_one: bool) -> Result<Vec<String>, Failure> {
    let now = engine.clock.now();
    let halts = engine.ledger.view()?.rows::<HaltRow>(Kind::Halt)?;
    let on = halts
        .into_iter()
        .filter(|(_, halt)| halt.until.is_none_or(|until| now < until));
    let on = on.filter(|(key, _)| key.contains(':') != of_one);
    let said = on.map(|(key, _)| match key.split_once(':') {
        Some((_, tenant)) => {
            format!("calls to {tenant} are stopped still: `exeunt halt off --tenant {tenant}`")
        }
        None => "every call is stopped still: `exeunt halt off`".to_owned(),
    });
    Ok(said.collect())
}
