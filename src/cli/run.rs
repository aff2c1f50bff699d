//! `exeunt run`.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use serde_json::json;

use crate::cli::apply::applied_exit;
use crate::cli::apply::carry_out;
use crate::cli::apply::doubt;
use crate::cli::apply::interruptible;
use crate::cli::apply::settled_value;
use crate::cli::apply::stopped_by;
use crate::cli::apply::taken_value;
use crate::cli::apply::with_reads;
use crate::cli::args::Cli;
use crate::cli::args::RunArgs;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::leave::show_withdrawn;
use crate::cli::leave::withdrawn_value;
use crate::cli::observe::show_adoption;
use crate::cli::observe::show_synced;
use crate::cli::observe::synced_exit;
use crate::cli::observe::synced_value;
use crate::cli::output::Output;
use crate::cli::output::plural;
use crate::cli::setup;
use crate::cli::tasks::followed_value;
use crate::cli::tasks::show_followed;
use crate::engine::tell;
use crate::ledger::Access;

/// `exeunt run`.
pub async fn run(cli: &Cli, args: &RunArgs, output: &Output) -> Result<Exit, Failure> {
    let engine = setup::open(cli, Access::Full, output)?;
    let claim = engine.ledger.claim_lease()?;
    let compared = engine.compare_clocks(&[]).await?;
    let lease = engine.ledger.take_over(claim, &engine.service()?)?;
    let run = engine.start("run", engine.service()?, Some(&lease))?;
    engine.ledger.sweep(&lease)?;
    let settled = engine.settle(&run).await?;
    let synced = engine.sync(&run, &[]).await?;
    show_synced(&synced, output);
    let adoption = engine.adopt_policy(&run)?;
    show_adoption(&adoption, output);
    let withdrawn = engine.follow_withdrawals(&run, &BTreeSet::new())?;
    show_withdrawn(&engine, &withdrawn, output)?;
    let judged = engine.decide_all(&run, None)?;
    let followed = engine.follow_tasks_of(&run, &judged)?;
    show_followed(&engine, &followed, output)?;
    let warned = engine.warn(&run, &judged).await?;
    if warned.given + warned.failed > 0 {
        let failed = match warned.failed {
            0 => String::new(),
            failed => format!("; {failed} could not be given"),
        };
        output.note(&format!(
            "{} given{failed}",
            plural(warned.given, "warning")
        ));
    }
    let leavers: Vec<_> = judged
        .iter()
        .filter(|one| one.decision.leaver_still_in)
        .map(|one| one.facts.account.subject.clone())
        .collect();
    engine.plan(&run, judged, None)?;
    let mut taken = Vec::new();
    let mut waiting = 0;
    let stop = interruptible(output.clone());
    for plan in engine.open_plans(run.now)? {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let (needed, approved) = engine.approvals(&plan)?;
        if approved && (compared.outside > 0 || engine.clock.is_moved()) {
            taken.extend(carry_out(&engine, &run, &plan, &stop, output).await?);
        } else {
            waiting += 1;
            let have = plan.approvals.len();
            let digest = tell::short(&plan.digest);
            output.note(&format!(
                "plan {digest} waits: it has {have} of {needed} approvals"
            ));
        }
    }
    let exit = applied_exit(&taken, synced_exit(&synced)).graver(doubt(settled.in_doubt));
    let exit = with_reads(exit, &synced, &taken).graver(stopped_by(&stop));
    let late = engine.late_among(&leavers)?;
    let exit = exit.graver(if late > 0 { Exit::Partly } else { Exit::Done });
    engine.finish(&run, exit.code())?;
    if output.json {
        let sources: Vec<_> = synced.iter().map(synced_value).collect();
        let items: Result<Vec<_>, _> = taken.iter().map(|t| taken_value(&engine, t)).collect();
        output.document(&json!({
            "sources": sources, "items": items?, "waiting": waiting, "exit": exit.code(),
            "settled": settled_value(&settled),
            "withdrawn": withdrawn_value(&engine, &withdrawn)?,
            "warned": { "given": warned.given, "failed": warned.failed },
            "tasks": followed_value(&followed),
            "late": late,
        }));
    } else {
        if late > 0 {
            let accounts = plural(late, "account");
            output.note(&format!("LATE: {accounts} of people who have left"));
        }
        if late > 0 || waiting > 0 {
            output.hint("`exeunt status` lists who is still in, and what waits for whom");
        }
    }
    let to_do = args.detailed_exitcode && waiting > 0 && exit == Exit::Done;
    Ok(if to_do { Exit::SomethingToDo } else { exit })
}
