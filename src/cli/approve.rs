//! `exeunt approve`.

use std::collections::BTreeSet;
use std::io::IsTerminal as _;

use serde_json::json;

use crate::cli::args::ApproveArgs;
use crate::cli::args::Cli;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::output::plural;
use crate::cli::person::os_user;
use crate::cli::plan::next_steps;
use crate::cli::plan::show_leaving_successors;
use crate::cli::plan_file;
use crate::cli::review;
use crate::cli::setup;
use crate::domain::code;

use crate::domain::rows::PlanRow;
use crate::domain::rows::Step;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::cut::LeftOut;
use crate::engine::owned::Belongings;
use crate::engine::tell;
use crate::ledger::Access;

/// `exeunt approve`.
pub async fn approve(cli: &Cli, args: &ApproveArgs, output: &Output) -> Result<Exit, Failure> {
    let engine = setup::open(cli, Access::Full, output)?;
    let plan = plan_file::find(&engine, &args.plan)?;
    let signer = engine.signer(&os_user(), args.key.as_deref())?;
    if args.reject {
        engine.reject(&signer, &plan, args.reason.as_deref())?;
        if output.json {
            output.document(&approval(&engine, &plan, true)?);
        }
        output.note(&format!("rejected plan {}", tell::short(&plan.digest)));
        output.hint("`exeunt plan` makes a new one");
        return Ok(Exit::Done);
    }
    let (plan, steps) = match selection(&engine, &plan, args, output).await? {
        None => {
            let steps = engine.steps_left(&plan)?;
            (plan, steps)
        }
        Some(taken) if taken.is_empty() => {
            engine.keep_all(&signer, &plan)?;
            let plan = engine.plan_named(plan.plan.as_str())?;
            if output.json {
                output.document(&approval(&engine, &plan, true)?);
            }
            output.note("every account stays, so that nothing was approved and the plan is void");
            output.hint("`exeunt why WHO` says until when somebody stays");
            return Ok(Exit::Done);
        }
        Some(taken) => {
            let mut steps = engine.steps_left(&plan)?;
            steps.retain(|s| taken.contains(&s.number));
            (plan, steps)
        }
    };
    let rows: Result<Vec<_>, EngineError> = steps
        .iter()
        .map(|s| {
            let does = s.step.does.as_str().to_owned();
            Ok(vec![
                does,
                engine.called(&s.step.account)?,
                s.step.tenant.to_string(),
            ])
        })
        .collect();
    if !output.json {
        output.table(&["do", "account", "tenant"], &rows?);
    }
    show_leaving_successors(&engine, &plan, output)?;
    let count = steps.len() as u64;
    // Whoever answered for each one has confirmed already.
    if !args.each {
        confirm(count, args.confirm, output)?;
    }
    let whole = engine.steps_left(&plan)?.len() == steps.len();
    let plan = if whole {
        plan
    } else {
        let taken = steps.iter().map(|s| s.number).collect();
        // whoever names those to go says nothing about the others
        let (left_out, others) = match args.only.is_empty() {
            true => (LeftOut::Kept, "stay until their review date"),
            false => (LeftOut::Open, "are planned anew if they are due"),
        };
        let smaller = engine.cut(&signer, &plan, &taken, left_out)?;
        output.note(&format!(
            "plan {} has {} of the {} steps; the others {others}",
            tell::short(&smaller.digest),
            count,
            plan.count
        ));
        smaller
    };
    engine.approve(&signer, &plan)?;
    let plan = engine.plan_named(plan.plan.as_str())?;
    let (needed, approved) = engine.approvals(&plan)?;
    if output.json {
        output.document(&approval(&engine, &plan, false)?);
        return Ok(Exit::Done);
    }
    output.note(&format!("approved plan {}", tell::short(&plan.digest)));
    if !engine.two_person_rules()? {
        output.note(
            "one person approved this alone: two-person rules hold once exeunt.toml names two \
             approvers",
        );
    }
    if !approved {
        let have = plan.approvals.len();
        output.note(&format!("{have} of {needed} approvals are there"));
    }
    let name = if whole {
        args.plan.as_str()
    } else {
        tell::short(&plan.digest)
    };
    next_steps(&engine, &plan, name, "next:", output)?;
    Ok(Exit::Done)
}

/// The numbers of the steps that are to be approved; nothing if it is all of them.
async fn selection(
    engine: &Engine,
    plan: &PlanRow,
    args: &ApproveArgs,
    output: &Output,
) -> Result<Option<BTreeSet<u64>>, Failure> {
    if let Some(path) = &args.csv {
        return Ok(Some(review::read(engine, plan, path)?));
    }
    if args.each {
        return Ok(Some(ask_each(engine, plan, output).await?));
    }
    let named = if args.only.is_empty() {
        &args.except
    } else {
        &args.only
    };
    if named.is_empty() {
        return Ok(None);
    }
    let steps = engine.steps_left(plan)?;
    let mut numbers = BTreeSet::new();
    for who in named {
        let found = engine.find(who)?;
        let own = steps
            .iter()
            .filter(|s| found.accounts.contains(&s.step.account));
        let own: Vec<_> = own.map(|s| s.number).collect();
        if own.is_empty() {
            return Err(Failure::usage(
                format!("the plan has no step for `{who}`"),
                "`exeunt plan` lists its steps; nothing was approved",
            ));
        }
        numbers.extend(own);
    }
    if args.only.is_empty() {
        let all = steps.iter().map(|s| s.number);
        numbers = all.filter(|n| !numbers.contains(n)).collect();
    }
    Ok(Some(numbers))
}

/// Asks about one account after the other, with what it owns and who gets it.
async fn ask_each(
    engine: &Engine,
    plan: &PlanRow,
    output: &Output,
) -> Result<BTreeSet<u64>, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(
            "there is nobody to ask: --each needs a terminal",
            "use --only, --except, or --csv with the list of `exeunt plan --csv`",
        ));
    }
    let steps = engine.steps_left(plan)?;
    let owned = engine.belongings(&steps).await?;
    let mut taken = BTreeSet::new();
    for (n, row) in steps.iter().enumerate() {
        let step = &row.step;
        let name = engine.called(&step.account)?;
        output.data(&format!(
            "{} of {}: {} {name} in {}. {}",
            n + 1,
            steps.len(),
            step.does.as_str(),
            step.tenant,
            code::says(step.because.as_str())
        ));
        show_owned(engine, step, &owned, output)?;
        match answer(output) {
            Some(true) => {
                taken.insert(row.number);
            }
            Some(false) => {}
            None => {
                return Err(Failure::refused(
                    "approval.not-confirmed",
                    "you stopped before the end, so that nothing was approved",
                    "begin again, or use --only and --except",
                ));
            }
        }
    }
    Ok(taken)
}

/// Says what an account owns and who gets it, also where that could not be learnt.
fn show_owned(
    engine: &Engine,
    step: &Step,
    owned: &Belongings,
    output: &Output,
) -> Result<(), Failure> {
    let counted = owned.counted(&step.account);
    if !counted.is_empty() {
        let to = match &step.successor {
            Some(successor) => format!("{}{}", engine.called(successor)?, tell::chosen(step)),
            None => "nobody".to_owned(),
        };
        output.data(&format!("  owns {counted}, which go to {to}"));
    }
    let unread = owned.unread.iter().find(|(who, _)| *who == step.account);
    if let Some((_, why)) = unread {
        output.data(&format!("  what it owns is not known: {why}"));
    }
    Ok(())
}

/// Yes, no, or the wish to stop.
fn answer(output: &Output) -> Option<bool> {
    loop {
        output.ask("Approve this? [y]es, [n]o, it stays, [q]uit:");
        let mut line = String::new();
        if std::io::stdin().read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim().to_lowercase().as_str() {
            "y" | "yes" => return Some(true),
            "n" | "no" => return Some(false),
            "q" | "quit" => return None,
            _ => {}
        }
    }
}

fn approval(engine: &Engine, plan: &PlanRow, rejected: bool) -> Result<serde_json::Value, Failure> {
    let (needed, approved) = engine.approvals(plan)?;
    Ok(json!({
        "plan": plan.plan, "digest": plan.digest, "approvals": plan.approvals.len(),
        "needed": needed, "approved": approved && !rejected, "rejected": rejected,
    }))
}

/// Has the number of steps typed, so that nobody approves what they have not looked at.
pub(super) fn confirm(count: u64, given: Option<u64>, output: &Output) -> Result<(), Failure> {
    let typed = match given {
        Some(typed) => Some(typed),
        None if std::io::stdin().is_terminal() => {
            output.ask(&format!(
                "Type the number of steps ({count}) to approve them:"
            ));
            let mut line = String::new();
            drop(std::io::stdin().read_line(&mut line));
            line.trim().parse().ok()
        }
        None => None,
    };
    match typed {
        Some(typed) if typed == count => Ok(()),
        Some(typed) => Err(Failure::refused(
            "approval.wrong-number",
            format!("the plan has {}, not {typed}", plural(count, "step")),
            "look at the plan again; nothing was approved",
        )),
        None => Err(Failure::refused(
            "approval.not-confirmed",
            "the number of steps was not typed, so that nothing was approved",
            format!("look at the plan, then type it when asked, or give --confirm {count}"),
        )),
    }
}
