//! `exeunt run`.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use serde_json::Value;
use serde_json::json;

use crate::cli::alerts;
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
use crate::cli::failure::notify;
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
use crate::engine::Engine;
use crate::engine::Run;
use crate::engine::actuate::StepEnd;
use crate::engine::actuate::Taken;
use crate::engine::notice::Warned;
use crate::engine::tell;
use crate::ledger::Access;
use crate::ledger::By;

/// `exeunt run`.
pub async fn run(cli: &Cli, args: &RunArgs, output: &Output) -> Result<Exit, Failure> {
    let engine = match setup::open(cli, Access::Full, output) {
        Ok(engine) => engine,
        Err(failure) => {
            alerts::speak_outside(cli, &failure, output).await;
            return Err(failure);
        }
    };
    let mut begun = None;
    let ended = through(&engine, &mut begun, output).await;
    let by = match (&begun, &ended) {
        // nothing may be appended any more to a ledger that is not believed
        (_, Err(failure)) if matches!(failure.exit, Exit::False | Exit::CannotJudge) => {
            alerts::speak_outside(cli, failure, output).await;
            return ended.map(|ended| ended.exit);
        }
        (None, Err(failure)) if failure.exit != Exit::Busy => {
            alerts::speak_outside(cli, failure, output).await;
            return ended.map(|ended| ended.exit);
        }
        (Some(run), Err(failure)) => {
            // what broke off has an end as well, if it can be written down
            drop(engine.finish(run, failure.exit.code()));
            run.by.clone()
        }
        (Some(run), Ok(_)) => run.by.clone(),
        (None, _) => engine.service()?,
    };
    let spoken = alerts::after_run(&engine, &without_epoch(by), ended.is_ok(), output).await;
    let mut ended = ended?;
    if output.json {
        if let Value::Object(fields) = &mut ended.document {
            fields.insert("alerts".to_owned(), json!(spoken.map(|s| s.value())));
        }
        output.document(&ended.document);
    } else {
        ended.show(output);
    }
    let (exit, waits) = (ended.exit, ended.waiting > 0);
    let to_do = args.detailed_exitcode && waits && exit == Exit::Done;
    Ok(if to_do { Exit::SomethingToDo } else { exit })
}

/// The same, after the lease was given back.
fn without_epoch(mut by: By) -> By {
    by.actor.epoch = None;
    by
}

/// A run that came to its end.
struct Ended {
    exit: Exit,
    waiting: u64,
    late: u64,
    document: Value,
}

impl Ended {
    fn show(&self, output: &Output) {
        if self.late > 0 {
            let accounts = plural(self.late, "account");
            output.note(&format!("LATE: {accounts} of people who have left"));
        }
        if self.late > 0 || self.waiting > 0 {
            output.hint("`exeunt status` lists who is still in, and what waits for whom");
        }
    }
}

/// Does the run itself; `begun` is the run once it has begun.
async fn through(
    engine: &Engine,
    begun: &mut Option<Run>,
    output: &Output,
) -> Result<Ended, Failure> {
    let claim = engine.ledger.claim_lease()?;
    let compared = engine.compare_clocks(&[]).await?;
    let lease = engine.ledger.take_over(claim, &engine.service()?)?;
    let run = begun.insert(engine.start("run", engine.service()?, Some(&lease))?);
    engine.ledger.sweep(&lease)?;
    let settled = engine.settle(run).await?;
    let synced = engine.sync(run, &[]).await?;
    show_synced(&synced, output);
    let adoption = engine.adopt_policy(run)?;
    show_adoption(&adoption, output);
    let withdrawn = engine.follow_withdrawals(run, &BTreeSet::new())?;
    show_withdrawn(engine, &withdrawn, output)?;
    let judged = engine.decide_all(run, None)?;
    let followed = engine.follow_tasks_of(run, &judged)?;
    show_followed(engine, &followed, output)?;
    let warned = engine.warn(run, &judged, false).await?;
    show_warned(&warned, output);
    let leavers: Vec<_> = judged
        .iter()
        .filter(|one| one.decision.leaver_still_in)
        .map(|one| one.facts.account.subject.clone())
        .collect();
    engine.plan(run, judged, None)?;
    let mut taken = Vec::new();
    let mut waiting = 0;
    let stop = interruptible(output.clone());
    for plan in engine.open_plans(run.now)? {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let (needed, approved) = engine.approvals(&plan)?;
        if approved && (compared.outside > 0 || engine.clock.is_moved()) {
            taken.extend(carry_out(engine, run, &plan, &stop, output).await?);
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
    let exit = exit.graver(warned_exit(&warned, &taken));
    let late = engine.late_among(&leavers)?;
    let exit = exit.graver(if late > 0 { Exit::Partly } else { Exit::Done });
    let sources: Vec<_> = synced.iter().map(synced_value).collect();
    let items: Result<Vec<_>, _> = taken.iter().map(|t| taken_value(engine, t)).collect();
    let document = json!({
        "sources": sources, "items": items?, "waiting": waiting, "exit": exit.code(),
        "settled": settled_value(&settled),
        "withdrawn": withdrawn_value(engine, &withdrawn)?,
        "warned": {
            "given": warned.given, "failed": warned.failed, "bounced": warned.bounced,
            "waiting": warned.waiting,
        },
        "tasks": followed_value(&followed),
        "late": late,
    });
    engine.finish(run, exit.code())?;
    Ok(Ended {
        exit,
        waiting,
        late,
        document,
    })
}

fn show_warned(warned: &Warned, output: &Output) {
    if warned.given + warned.failed + warned.bounced > 0 {
        let mut line = format!("{} given", plural(warned.given, "warning"));
        if warned.failed > 0 {
            line.push_str(&format!("; {} could not be given", warned.failed));
        }
        if warned.bounced > 0 {
            let refused = format!("; {} refused by the relay for good", warned.bounced);
            line.push_str(&refused);
        }
        output.note(&line);
    }
    if warned.waiting > 0 {
        let wait = plural(warned.waiting, "warning");
        output.note(&format!(
            "{wait} left for a later run: no more than {} accounts are warned at once",
            warned.limit
        ));
    }
    if warned.bounced > 0 {
        output.hint("`exeunt notices list` shows whom no warning reaches, and what can be done");
    }
    if let Some(trouble) = &warned.trouble {
        output.hint(notify(trouble).1);
    }
}

/// How a run ends in which no warning could leave: partly done once something was.
fn warned_exit(warned: &Warned, taken: &[Taken]) -> Exit {
    match &warned.trouble {
        None => Exit::Done,
        Some(_) if warned.given > 0 || taken.iter().any(changed) => Exit::Partly,
        Some(trouble) => notify(trouble).0,
    }
}

fn changed(taken: &Taken) -> bool {
    matches!(taken.end, StepEnd::Done | StepEnd::Already) || taken.part_now
}
