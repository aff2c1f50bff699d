//! `exeunt apply`, and what became of each step.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use serde_json::json;

use crate::cli::args::ApplyArgs;
use crate::cli::args::Cli;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::leave::show_withdrawn;
use crate::cli::leave::withdrawn_value;
use crate::cli::observe::show_synced;
use crate::cli::observe::synced_exit;
use crate::cli::observe::synced_value;
use crate::cli::output::Output;
use crate::cli::output::plural;
use crate::cli::plan_file;
use crate::cli::setup;
use crate::domain::code;
use crate::domain::code::Code;
use crate::domain::rows::PlanRow;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::Run;
use crate::engine::actuate::StepEnd;
use crate::engine::actuate::Taken;
use crate::engine::observe::Synced;
use crate::engine::settle::Settled;
use crate::ledger::Access;
use crate::ledger::vault::Profile;

/// `exeunt apply`.
pub async fn apply(cli: &Cli, args: &ApplyArgs, output: &Output) -> Result<Exit, Failure> {
    let engine = setup::open(cli, Access::Full, output)?;
    let plan = plan_file::find(&engine, &args.plan)?;
    // Whoever is not alone sends nothing, not even a question.
    let claim = engine.ledger.claim_lease()?;
    let compared = engine.compare_clocks(&[]).await?;
    may_act(&engine, compared.outside)?;
    engine.still_good(&plan, engine.clock.now())?;
    needs_approvals(&engine, &plan, &args.plan)?;
    let lease = engine.ledger.take_over(claim, &engine.service()?)?;
    let run = engine.start("apply", engine.service()?, Some(&lease))?;
    let settled = engine.settle(&run).await?;
    let sources = involved(&engine, &plan)?;
    let synced = engine.sync(&run, &sources).await?;
    show_synced(&synced, output);
    let stop = interruptible(output.clone());
    let taken = carry_out(&engine, &run, &plan, &stop, output).await?;
    let withdrawn = engine.follow_withdrawals(&run, &BTreeSet::new())?;
    show_withdrawn(&engine, &withdrawn, output)?;
    let exit = applied_exit(&taken, synced_exit(&synced)).graver(doubt(settled.in_doubt));
    let exit = with_reads(exit, &synced, &taken).graver(stopped_by(&stop));
    engine.finish(&run, exit.code())?;
    if output.json {
        let sources: Vec<_> = synced.iter().map(synced_value).collect();
        let items: Result<Vec<_>, _> = taken.iter().map(|t| taken_value(&engine, t)).collect();
        output.document(&json!({
            "plan": plan.plan, "digest": plan.digest, "sources": sources, "items": items?,
            "left": engine.steps_left(&plan)?.len(), "settled": settled_value(&settled),
            "withdrawn": withdrawn_value(&engine, &withdrawn)?, "exit": exit.code(),
        }));
        return Ok(exit);
    }
    show_applied(&engine, &plan, &taken, exit, &args.plan, output)?;
    Ok(exit)
}

/// A source that could not be read or is not believed holds steps back: partly done, or its reason.
pub(super) fn with_reads(exit: Exit, synced: &[Synced], taken: &[Taken]) -> Exit {
    let read = synced_exit(synced);
    if read == Exit::Done || exit == Exit::InDoubt {
        return exit;
    }
    let done = |t: &Taken| matches!(t.end, StepEnd::Done | StepEnd::Already) || t.part_now;
    if taken.iter().any(done) {
        Exit::Partly
    } else {
        exit.graver(read)
    }
}

/// How a command ends that was interrupted after the call in flight.
pub(super) fn stopped_by(stop: &AtomicBool) -> Exit {
    if stop.load(Ordering::SeqCst) {
        Exit::Interrupted
    } else {
        Exit::Done
    }
}

pub(super) const fn doubt(count: u64) -> Exit {
    if count > 0 { Exit::InDoubt } else { Exit::Done }
}

/// Tells when somebody wants to stop: the call in flight is finished first.
pub(super) fn interruptible(output: Output) -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = stop.clone();
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            if flag.swap(true, Ordering::SeqCst) {
                output.note("stopped at once; a call may be in doubt: `exeunt run` reads it back");
                std::process::exit(i32::from(Exit::Interrupted.code()));
            }
            output.note("stopping after the call in flight; Ctrl-C again stops at once");
        }
    });
    stop
}

/// Nothing acts in a sandbox's past or without an outside clock.
pub(super) fn may_act(engine: &Engine, outside: usize) -> Result<(), Failure> {
    if outside > 0 || engine.clock.is_moved() {
        return Ok(());
    }
    Err(Failure {
        exit: Exit::Unreachable,
        says: "no outside clock answered, so nothing may act".to_owned(),
        code: "clock.none".to_owned(),
        hint: Some("`exeunt check` says what is wrong with the sources".to_owned()),
    })
}

fn needs_approvals(engine: &Engine, plan: &PlanRow, name: &str) -> Result<(), Failure> {
    let (needed, approved) = engine.approvals(plan)?;
    if approved {
        return Ok(());
    }
    Err(Failure::refused(
        "plan.not-approved",
        format!(
            "the plan has {} of {needed} approvals",
            plan.approvals.len()
        ),
        format!("nothing was sent; an approver: exeunt approve {name}"),
    ))
}

/// The sources that a plan's steps rest on.
fn involved(engine: &Engine, plan: &PlanRow) -> Result<Vec<String>, Failure> {
    let mut sources = std::collections::BTreeSet::new();
    for step in engine.steps_left(plan)? {
        sources.insert(step.step.tenant.to_string());
        sources.extend(step.step.directories.iter().map(ToString::to_string));
        // Whoever stays because another directory has them: those are asked too.
        sources.extend(engine.directories.iter().map(|d| d.name.to_string()));
    }
    sources.retain(|name| engine.is_source(&crate::domain::id::SourceName::new(name)));
    Ok(sources.into_iter().collect())
}

pub(super) async fn carry_out(
    engine: &Engine,
    run: &Run,
    plan: &PlanRow,
    stop: &AtomicBool,
    output: &Output,
) -> Result<Vec<Taken>, Failure> {
    let interrupted = || stop.load(Ordering::SeqCst);
    let mut first = true;
    let mut told = |taken: &Taken| {
        if output.json {
            return;
        }
        let step = &taken.step.step;
        let name = engine.called(&step.account).unwrap_or_default();
        let (word, why) = (end_word(&taken.end), taken_why(taken));
        if output.terminal {
            let why = if why.is_empty() {
                why
            } else {
                format!("  {why}")
            };
            output.data(&format!("{word:<10} {:<8} {name}{why}", step.does.as_str()));
            return;
        }
        if std::mem::take(&mut first) {
            output.raw("RESULT\tDO\tACCOUNT\tTENANT\tWHY");
        }
        let does = step.does.as_str().to_owned();
        output.record(&[word.to_owned(), does, name, step.tenant.to_string(), why]);
    };
    Ok(engine.carry_out(run, plan, &interrupted, &mut told).await?)
}

pub(super) fn end_word(end: &StepEnd) -> &'static str {
    match end {
        StepEnd::Done => "done",
        StepEnd::Already => "was so",
        StepEnd::Refused(_) => "refused",
        StepEnd::Failed(_) => "not sent",
        StepEnd::Unknown(_) => "in doubt",
        StepEnd::Withheld(_) => "withheld",
        StepEnd::Stopped(_) => "stopped",
    }
}

const fn end_code(end: &StepEnd) -> Option<&Code> {
    match end {
        StepEnd::Done | StepEnd::Already => None,
        StepEnd::Refused(code)
        | StepEnd::Failed(code)
        | StepEnd::Unknown(code)
        | StepEnd::Withheld(code)
        | StepEnd::Stopped(code) => Some(code),
    }
}

pub(super) fn end_why(end: &StepEnd) -> String {
    end_code(end)
        .map(|code| code::says(code.as_str()))
        .unwrap_or_default()
}

/// Why a step did not come to its end, and what was done on the way.
fn taken_why(taken: &Taken) -> String {
    let why = end_why(&taken.end);
    if taken.part.is_empty() {
        return why;
    }
    let part: Vec<_> = taken.part.iter().map(|does| does.as_str()).collect();
    format!(
        "{why} Done on the way, and so it stays: {}.",
        part.join(", ")
    )
}

/// The word for machines, as outcomes have it.
const fn end_result(end: &StepEnd) -> &'static str {
    match end {
        StepEnd::Done => "done",
        StepEnd::Already => "already",
        StepEnd::Refused(_) => "refused",
        StepEnd::Failed(_) => "failed",
        StepEnd::Unknown(_) => "unknown",
        StepEnd::Withheld(_) => "withheld",
        StepEnd::Stopped(_) => "stopped",
    }
}

pub(super) fn taken_value(
    engine: &Engine,
    taken: &Taken,
) -> Result<serde_json::Value, EngineError> {
    let step = &taken.step.step;
    let profile = engine.profile(&step.account)?;
    Ok(json!({
        "tenant": step.tenant, "account": profile.first(Profile::KEY), "subject": step.account,
        "email": profile.first(Profile::MAIL), "erased_by": null, "do": step.does,
        "result": end_result(&taken.end), "because": end_code(&taken.end), "part": taken.part,
    }))
}

/// How a plan ends: 6 before all; 3 once something was done and something not; else the reason,
/// where `read` is what the reads before it came to.
pub(super) fn applied_exit(taken: &[Taken], read: Exit) -> Exit {
    let is = |test: fn(&StepEnd) -> bool| taken.iter().any(|t| test(&t.end));
    if is(|e| matches!(e, StepEnd::Unknown(_))) {
        return Exit::InDoubt;
    }
    // a step that was withheld half way is done in part, whenever that was
    let half = |t: &Taken| matches!(t.end, StepEnd::Withheld(_)) && !t.part.is_empty();
    if taken.iter().any(half) {
        return Exit::Partly;
    }
    let done = is(|e| matches!(e, StepEnd::Done | StepEnd::Already));
    let done = done || taken.iter().any(|t| t.part_now);
    let stopped = is(|e| matches!(e, StepEnd::Stopped(_)));
    let failed = is(|e| matches!(e, StepEnd::Failed(_) | StepEnd::Refused(_)));
    match (done, stopped || failed) {
        (_, false) => Exit::Done,
        (true, true) => Exit::Partly,
        (false, true) => {
            let why = taken.iter().filter_map(|t| match &t.end {
                StepEnd::Stopped(code) | StepEnd::Failed(code) | StepEnd::Refused(code) => {
                    Some(code_exit(code.as_str(), read))
                }
                _ => None,
            });
            why.fold(Exit::Done, Exit::graver)
        }
    }
}

fn code_exit(code: &str, read: Exit) -> Exit {
    match code {
        source if source.starts_with("block.source-") && read != Exit::Done => read,
        "read.unreachable" | "read.tenant-not-in-order" => Exit::Unreachable,
        "call.not-sent" | "call.tenant-not-in-order" => Exit::Unreachable,
        "read.credentials" | "read.rights" | "call.credentials" | "call.refused" => Exit::Rights,
        "read.rate-limited" | "call.rate-limited" | "block.ramp" => Exit::Later,
        // 5 would say that nothing was sent
        call if call.starts_with("call.") => Exit::Failed,
        _ => Exit::Refused,
    }
}

fn show_applied(
    engine: &Engine,
    plan: &PlanRow,
    taken: &[Taken],
    exit: Exit,
    named: &str,
    output: &Output,
) -> Result<(), Failure> {
    let left = engine.steps_left(plan)?.len() as u64;
    if taken.is_empty() && left == 0 {
        output.note("nothing is left to do in this plan");
    }
    if left > 0 {
        output.note(&format!("left in the plan: {}", plural(left, "step")));
    }
    let blocked = |code: &str| {
        taken
            .iter()
            .any(|t| matches!(&t.end, StepEnd::Stopped(c) if c.as_str() == code))
    };
    if blocked("block.first-contact") || blocked("block.breaker") {
        let release = format!("exeunt breaker release {named} --reason \"…\"");
        output.hints(
            "look at the plan; if it is right, an approver releases it:",
            &[release],
        );
    } else if blocked("block.ramp") {
        output.hint(&format!(
            "a first plan goes slowly on purpose; tomorrow: exeunt apply {named}"
        ));
    } else if exit == Exit::Interrupted && left > 0 {
        output.hint(&format!("stopped; to go on: exeunt apply {named}"));
    } else if exit == Exit::InDoubt {
        output.hint("in a minute, `exeunt run` reads back what came of the calls in doubt");
    } else if let Some(first) = taken.first() {
        let name = engine.called(&first.step.step.account)?;
        output.hint(&format!("`exeunt why {name}` tells the story"));
    }
    for hint in withheld_hints(taken) {
        output.hint(&hint);
    }
    Ok(())
}

/// What can be done about the steps that were withheld, each once.
fn withheld_hints(taken: &[Taken]) -> BTreeSet<String> {
    let hint = |taken: &Taken| match &taken.end {
        StepEnd::Withheld(code) => {
            code::hint(code.as_str()).map(|hint| format!("{}: {hint}", taken.step.step.tenant))
        }
        _ => None,
    };
    taken.iter().filter_map(hint).collect()
}

pub(super) fn settled_value(settled: &Settled) -> serde_json::Value {
    json!({
        "done": settled.done, "not_done": settled.not_done, "in_doubt": settled.in_doubt,
    })
}
