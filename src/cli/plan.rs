//! `exeunt plan`, and how a plan is shown.

use std::collections::BTreeSet;

use crate::cli::args::Cli;
use crate::cli::args::PlanArgs;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::leave::show_withdrawn;
use crate::cli::observe::show_adoption;
use crate::cli::output::Output;
use crate::cli::output::plural;
use crate::cli::person::os_user;
use crate::cli::plan_file;
use crate::cli::review;
use crate::cli::setup;
use crate::cli::tasks::show_followed;
use crate::domain::account::Do;
use crate::domain::code;
use crate::domain::rows::BreakerState;
use crate::domain::rows::PlanRow;
use crate::domain::rows::Ruling;
use crate::domain::succession::Via;
use crate::engine::Engine;
use crate::engine::decide::Judged;
use crate::engine::owned::Belongings;
use crate::engine::plan::Planned;
use crate::engine::tell;
use crate::ledger::Access;

/// `exeunt plan`.
pub async fn plan(cli: &Cli, args: &PlanArgs, output: &Output) -> Result<Exit, Failure> {
    let engine = setup::open(cli, Access::Full, output)?;
    engine.compare_clocks(&[]).await?;
    let by = engine.claimed(&os_user())?;
    let run = engine.start("plan", by, None)?;
    let adoption = engine.adopt_policy(&run)?;
    if let Some(name) = &args.policy {
        let known = engine
            .adopted_policy()?
            .is_some_and(|(_, set)| set.policy(name).is_some());
        if !known {
            let hint = "`exeunt policy diff` shows the policy that rules";
            return Err(Failure::usage(format!("no policy `{name}` rules"), hint));
        }
    }
    if let Some(name) = &args.policy {
        everybody_is_found(&engine, name)?;
    }
    plan_also(&engine, args)?;
    let withdrawn = engine.follow_withdrawals(&run, &BTreeSet::new())?;
    let judged = engine.decide_all(&run, args.policy.clone())?;
    let followed = engine.follow_tasks_of(&run, &judged)?;
    let planned = engine.plan(&run, judged, args.policy.as_deref())?;
    engine.finish(&run, 0)?;
    let steps = match &planned.plan {
        Some(plan) => engine.steps_left(plan)?,
        None => Vec::new(),
    };
    let owned = engine.belongings(&steps).await?;
    let document = plan_file::document(&engine, planned.plan.as_ref(), &planned.judged, &owned)?;
    write_files(&engine, &planned, args, &document, &owned, output)?;
    if output.json {
        output.document(&document);
    } else {
        show_adoption(&adoption, output);
        show_withdrawn(&engine, &withdrawn, output)?;
        show_followed(&engine, &followed, output)?;
        show_plan(&engine, &planned, &owned, args, output)?;
    }
    let to_do = planned.plan.is_some();
    Ok(if args.detailed_exitcode && to_do {
        Exit::SomethingToDo
    } else {
        Exit::Done
    })
}

/// Takes an approver's word that accounts are planned again that a reviewer has left out.
fn plan_also(engine: &Engine, args: &PlanArgs) -> Result<(), Failure> {
    if args.also_kept.is_empty() {
        return Ok(());
    }
    let signer = engine.signer(&os_user(), args.key.as_deref())?;
    let mut accounts = BTreeSet::new();
    for who in &args.also_kept {
        let found = engine.find(who)?.accounts;
        let kept = engine.kept_among(&found)?;
        if kept.is_empty() {
            return Err(Failure::usage(
                format!("no reviewer has left out `{who}`"),
                "`exeunt plan --all` shows who is kept, and why; nothing was planned",
            ));
        }
        accounts.extend(kept);
    }
    Ok(engine.lift_keeps(&signer, &accounts)?)
}

/// Refuses a clear-out while a protected address belongs to nobody: it may be mistyped, and then
/// the one who was meant would go.
fn everybody_is_found(engine: &Engine, policy: &str) -> Result<(), Failure> {
    let unmatched = engine.unmatched_for(policy)?;
    let Some((tenant, address)) = unmatched.first() else {
        return Ok(());
    };
    let more = match unmatched.len() {
        1 => String::new(),
        n => format!(" (and {} more)", n - 1),
    };
    Err(Failure::refused(
        "block.protected-unmatched",
        format!("the protected address {address} belongs to nobody in {tenant}{more}"),
        "correct `protect`, then `exeunt sync`; nothing was planned",
    ))
}

/// Writes what was asked for in files.
fn write_files(
    engine: &Engine,
    planned: &Planned,
    args: &PlanArgs,
    document: &serde_json::Value,
    owned: &Belongings,
    output: &Output,
) -> Result<(), Failure> {
    let Some(plan) = &planned.plan else {
        for path in args.out.iter().chain(&args.csv) {
            let path = path.display();
            output.note(&format!("there is no plan, so {path} was not written"));
        }
        return Ok(());
    };
    if let Some(path) = &args.out {
        plan_file::write(path, document)?;
    }
    if let Some(path) = &args.csv {
        review::write(engine, plan, owned, path)?;
    }
    Ok(())
}

fn show_plan(
    engine: &Engine,
    planned: &Planned,
    owned: &Belongings,
    args: &PlanArgs,
    output: &Output,
) -> Result<(), Failure> {
    let count = |ruling| {
        planned
            .judged
            .iter()
            .filter(|j| j.decision.verdict == ruling)
            .count()
    };
    let (withheld, warn) = (count(Ruling::Withhold), count(Ruling::Warn));
    let (kept, waiting) = (count(Ruling::Keep), count(Ruling::Wait));
    let steps = match &planned.plan {
        Some(plan) => engine.steps_left(plan)?,
        None => Vec::new(),
    };
    let act = plural(steps.len() as u64, "step");
    output.about(&format!(
        "{act} to take, {warn} to warn, {waiting} waiting, {withheld} withheld, {kept} to keep"
    ));
    let mut rows = Vec::new();
    for step in &steps {
        let s = &step.step;
        rows.push(vec![
            s.does.as_str().to_owned(),
            engine.called(&s.account)?,
            s.tenant.to_string(),
            code::says(s.because.as_str()),
            format!("#{}", s.decision),
        ]);
    }
    let others = others(engine, planned, args.all)?;
    let header = ["do", "account", "tenant", "why", "entry"];
    if output.terminal {
        for rows in [&rows, &others].into_iter().filter(|rows| !rows.is_empty()) {
            output.about("");
            output.table(
                header
                    .get(..rows.first().map_or(0, Vec::len))
                    .unwrap_or(&header),
                rows,
            );
        }
    } else {
        rows.extend(
            others
                .into_iter()
                .map(|row| row.into_iter().chain([String::new()]).collect()),
        );
        output.table(&header, &rows);
    }
    let Some(plan) = &planned.plan else {
        output.hint("there is nothing to do now; `exeunt findings` shows what the rules match");
        return Ok(());
    };
    show_open_plan(engine, plan, owned, planned, args, output)
}

/// What the steps mean at their providers, who owns what, and whether it can be undone.
fn show_meaning(
    engine: &Engine,
    plan: &PlanRow,
    owned: &Belongings,
    output: &Output,
) -> Result<(), Failure> {
    let mut said = BTreeSet::new();
    for step in engine.steps_left(plan)? {
        let step = step.step;
        if said.insert((step.tenant.clone(), step.does)) {
            let kind = engine.tenant(&step.tenant).map(|t| t.adapter.kind());
            let back = kind.and_then(|k| k.restore);
            if let Some(back) = back.filter(|_| step.does == Do::Restore) {
                output.about(&format!("restore in {}: {back}", step.tenant));
            }
            let meant = kind.and_then(|k| k.steps.iter().find(|s| s.does == step.does));
            if let Some(meant) = meant {
                output.about(&format!(
                    "{} in {}: {} {}",
                    step.does.as_str(),
                    step.tenant,
                    meant.effect,
                    plan_file::undo_says(meant.undo)
                ));
            }
        }
        let counted = owned.counted(&step.account);
        if !counted.is_empty() {
            let to = match &step.successor {
                Some(successor) => format!(
                    ", which go to {}{}",
                    engine.called(successor)?,
                    tell::chosen(&step)
                ),
                None => String::new(),
            };
            let name = engine.called(&step.account)?;
            output.about(&format!("{name} owns {counted}{to}"));
        }
    }
    for (account, why) in &owned.unread {
        let name = engine.called(account)?;
        output.note(&format!("what {name} owns is not known: {why}"));
    }
    show_leaving_successors(engine, plan, output)
}

/// Names successors who leave themselves: whoever approves should know that nothing will go to them.
pub(super) fn show_leaving_successors(
    engine: &Engine,
    plan: &PlanRow,
    output: &Output,
) -> Result<(), Failure> {
    for (tenant, successor, via) in engine.leaving_successors(&engine.steps_left(plan)?)? {
        let name = engine.called(&successor)?;
        let until = match via {
            Via::Named => "until `exeunt successor set` names another one, that step is withheld",
            Via::Manager => "those steps are withheld, and the next plan looks for another one",
            Via::Team => {
                "until exeunt.toml names another one and `exeunt policy approve` has adopted it, \
                 nobody is removed there"
            }
        };
        output.note(&format!(
            "NO SUCCESSOR: {name}, who takes over in {tenant}, has left or is about to be removed \
             as well; {until}"
        ));
    }
    Ok(())
}

fn show_open_plan(
    engine: &Engine,
    plan: &PlanRow,
    owned: &Belongings,
    planned: &Planned,
    args: &PlanArgs,
    output: &Output,
) -> Result<(), Failure> {
    output.about("");
    show_meaning(engine, plan, owned, output)?;
    for brake in tripped(engine, plan)? {
        output.about(&format!("stopped: {}", brake_says(&brake)));
    }
    let word = if planned.is_new {
        "New plan"
    } else {
        "Open plan"
    };
    output.about(&format!(
        "{word} {}, good until {}. Nothing has been done yet.",
        tell::short(&plan.digest),
        tell::moment(plan.expires_at)
    ));
    let name = match &args.out {
        Some(path) => path.display().to_string(),
        None => tell::short(&plan.digest).to_owned(),
    };
    for other in &planned.open {
        output.note(&format!("also open: plan {}", tell::short(&other.digest)));
    }
    if engine.approvals(plan)?.1 {
        output.note("it has the approvals that it needs");
    }
    next_steps(
        engine,
        plan,
        &name,
        "look at the plan; if it is right, next:",
        output,
    )
}

/// The brakes that stop steps of a plan as it stands now.
pub(super) fn tripped(engine: &Engine, plan: &PlanRow) -> Result<Vec<BreakerState>, Failure> {
    Ok(engine.tripped(plan)?)
}

/// The commands that a plan needs next, in their order; `name` is what it was called by.
pub fn next_commands(engine: &Engine, plan: &PlanRow, name: &str) -> Result<Vec<String>, Failure> {
    let (needed, approved) = engine.approvals(plan)?;
    let mut commands = Vec::new();
    if !approved {
        let missing = needed.saturating_sub(plan.approvals.len() as u64).max(1);
        let note = if missing == 1 {
            String::new()
        } else {
            format!("   # by {missing} approvers")
        };
        commands.push(format!("exeunt approve {name}{note}"));
    }
    // The ramp is no matter for an approver: it goes on by itself.
    if tripped(engine, plan)?.iter().any(|b| b.window != "ramp") {
        commands.push(format!("exeunt breaker release {name} --reason \"…\""));
    }
    commands.push(format!("exeunt apply {name}"));
    Ok(commands)
}

pub(super) fn next_steps(
    engine: &Engine,
    plan: &PlanRow,
    name: &str,
    says: &str,
    output: &Output,
) -> Result<(), Failure> {
    output.hints(says, &next_commands(engine, plan, name)?);
    Ok(())
}

/// A brake as a sentence.
pub fn brake_says(brake: &BreakerState) -> String {
    let (scope, does) = (tell::scope(&brake.scope), brake.does.as_str());
    match brake.window.as_str() {
        "first-contact" => format!(
            "this is the first plan for {scope}; {} to {does} cannot go on until an approver has \
             released the plan",
            plural(brake.wanted, "account")
        ),
        "ramp" => format!(
            "{scope} is new: at most {} a day; {} wanted, {} done",
            plural(brake.limit, "account"),
            brake.wanted,
            brake.done
        ),
        window => format!(
            "{} to {does} wanted and {} done within {} on {scope}, at most {} are believable",
            brake.wanted,
            brake.done,
            tell::window(window),
            brake.limit
        ),
    }
}

/// The accounts that no step of the plan is about, with the reasons.
fn others(engine: &Engine, planned: &Planned, all: bool) -> Result<Vec<Vec<String>>, Failure> {
    let mut rows = Vec::new();
    for one in &planned.judged {
        let shown = match one.decision.verdict {
            Ruling::Act => false,
            Ruling::Withhold | Ruling::Warn => true,
            Ruling::Keep | Ruling::Wait => all,
        };
        if shown {
            rows.push(other_row(engine, one)?);
        }
    }
    rows.sort();
    Ok(rows)
}

/// One account that nothing is done to, with the reason.
pub fn other_row(engine: &Engine, one: &Judged) -> Result<Vec<String>, Failure> {
    let decision = &one.decision;
    let word = match (decision.leaver_still_in, decision.verdict) {
        (true, _) => "leaver still in",
        (_, Ruling::Keep) => "keep",
        (_, Ruling::Wait) => "wait",
        (_, Ruling::Withhold) => "withheld",
        (_, Ruling::Warn) => "warn",
        (_, Ruling::Act) => "act",
    };
    let mut why = code::says(decision.because.as_str());
    for block in &decision.blocked {
        why.push(' ');
        why.push_str(&code::says(block.as_str()));
    }
    if let Some(due) = decision.due.filter(|_| decision.verdict == Ruling::Wait) {
        why.push_str(&format!(" Due on {}.", tell::moment(due)));
    }
    Ok(vec![
        word.to_owned(),
        engine.called(&one.facts.account.subject)?,
        one.facts.account.tenant.to_string(),
        why,
    ])
}
