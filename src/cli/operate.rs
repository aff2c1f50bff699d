//! Commands that observe, decide and act.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use serde_json::json;

use crate::cli::args::ApplyArgs;
use crate::cli::args::ApproveArgs;
use crate::cli::args::BreakerCommand;
use crate::cli::args::Cli;
use crate::cli::args::HaltArgs;
use crate::cli::args::PlanArgs;
use crate::cli::args::PolicyCommand;
use crate::cli::args::RunArgs;
use crate::cli::args::Switch;
use crate::cli::args::SyncArgs;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::failure::chain;
use crate::cli::failure::judge;
use crate::cli::output::Output;
use crate::cli::output::plural;
use crate::cli::plan_file;
use crate::cli::setup;
use crate::domain::code;
use crate::domain::code::Code;
use crate::domain::loosen::loosens;
use crate::domain::rows::BreakerState;
use crate::domain::rows::Kind;
use crate::domain::rows::PlanRow;
use crate::domain::rows::PolicyRow;
use crate::domain::rows::Ruling;
use crate::domain::rows::Step;
use crate::domain::source::Verdict;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::Run;
use crate::engine::actuate::StepEnd;
use crate::engine::actuate::Taken;
use crate::engine::approve::never_believed;
use crate::engine::decide::Adoption;
use crate::engine::decide::Judged;
use crate::engine::observe::Synced;
use crate::engine::plan::Planned;
use crate::engine::replay::parse_moment;
use crate::engine::settle::Settled;
use crate::engine::tell;
use crate::ledger::Access;
use crate::ledger::vault::Profile;

/// The name of the person at the operating system: it only claims.
pub fn os_user() -> String {
    let said = ["EXEUNT_USER", "USER", "LOGNAME"]
        .iter()
        .find_map(|n| std::env::var(n).ok());
    said.filter(|n| !n.is_empty())
        .or_else(user_of_process)
        .unwrap_or_else(|| "somebody".to_owned())
}

/// The user whose process this is, by the list of users, else by number.
fn user_of_process() -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    let uid = std::fs::metadata("/proc/self").ok()?.uid().to_string();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    // name:password:uid:…, passwd(5)
    let name = users
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find_map(|fields| {
            (fields.get(2) == Some(&uid.as_str()))
                .then(|| fields.first().map(|n| (*n).to_owned()))?
        });
    Some(name.unwrap_or_else(|| format!("uid {uid}")))
}

/// `exeunt sync`.
pub async fn sync(cli: &Cli, args: &SyncArgs, output: &Output) -> Result<Exit, Failure> {
    let engine = setup::open(cli, Access::Full, output)?;
    engine.compare_clocks(&args.sources).await?;
    let run = engine.start("sync", engine.service()?, None)?;
    let synced = engine.sync(&run, &args.sources).await?;
    let adoption = engine.adopt_policy(&run)?;
    let exit = synced_exit(&synced);
    engine.finish(&run, exit.code())?;
    if output.json {
        let items: Vec<_> = synced.iter().map(synced_value).collect();
        output.document(&json!({ "items": items, "exit": exit.code() }));
        return Ok(exit);
    }
    show_synced(&synced, output);
    show_adoption(&adoption, output);
    if synced.is_empty() {
        output.note("no directory and no tenant is configured, so that nothing was read");
    } else if exit == Exit::Done {
        output.hint("`exeunt plan` decides; `exeunt status` shows where things stand");
    }
    Ok(exit)
}

fn synced_value(synced: &Synced) -> serde_json::Value {
    json!({
        "source": synced.source, "kind": synced.kind, "verdict": synced.verdict,
        "because": synced.because, "count": synced.count, "missing": synced.missing,
        "changes": synced.changes, "seq": synced.seq, "digest": synced.digest,
        "activity": synced.activity, "unmatched": synced.unmatched,
        "error": synced.error.as_ref().map(|e| chain(e)),
    })
}

/// The gravest of what the reads came to.
pub fn synced_exit(synced: &[Synced]) -> Exit {
    synced.iter().fold(Exit::Done, |exit, one| {
        let own = match (&one.error, one.verdict) {
            (Some(error), _) => judge(error).0,
            (None, Verdict::Complete) => Exit::Done,
            (None, _) => Exit::Refused,
        };
        exit.graver(own)
    })
}

fn show_synced(synced: &[Synced], output: &Output) {
    if output.json {
        // The document has it.
        return;
    }
    for one in synced {
        for address in &one.unmatched {
            output.note(&format!(
                "{}: nobody has the protected address {address}",
                one.source
            ));
        }
        for signal in one.activity.iter().filter(|s| !s.complete) {
            let fault = signal.fault.as_deref().unwrap_or("read.not-whole");
            output.note(&format!(
                "{}: activity is unknown for now, so that nobody counts as inactive. {}",
                one.source,
                code::says(fault)
            ));
        }
        let Some(error) = &one.error else {
            let releasable = !one.because.iter().any(never_believed);
            if one.verdict == Verdict::Suspect
                && releasable
                && let Some(digest) = &one.digest
            {
                output.hints(
                    "look at the source; if it is right, an approver says so:",
                    &[format!(
                        "exeunt breaker release {} --read {} --reason \"…\"",
                        short_digest(digest),
                        one.source
                    )],
                );
            }
            continue;
        };
        output.error(&format!("{}: {}", one.source, chain(error)));
        if let Some(hint) = judge(error).2 {
            output.hint(&hint);
        }
    }
}

fn short_digest(digest: &str) -> &str {
    let digest = digest.strip_prefix("sha256:").unwrap_or(digest);
    digest.get(..12).unwrap_or(digest)
}

fn show_adoption(adoption: &Adoption, output: &Output) {
    match adoption {
        Adoption::Rules => {}
        Adoption::Adopted => output.note("the policy of exeunt.toml rules from here on"),
        Adoption::Waits(loosened) => {
            output.note("the policy of exeunt.toml loosens safeguards; the old one still rules:");
            for line in loosened {
                output.note(&format!("  {line}"));
            }
            output.hint("an approver can adopt it: exeunt policy approve --reason \"…\"");
        }
    }
}

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
    let judged = engine.decide_all(&run, args.policy.clone())?;
    let planned = engine.plan(&run, judged, args.policy.as_deref())?;
    engine.finish(&run, 0)?;
    let document = plan_file::document(&engine, planned.plan.as_ref(), &planned.judged)?;
    match &args.out {
        Some(path) if planned.plan.is_some() => plan_file::write(path, &document)?,
        Some(path) => output.note(&format!(
            "there is no plan, so {} was not written",
            path.display()
        )),
        None => {}
    }
    if output.json {
        output.document(&document);
    } else {
        show_adoption(&adoption, output);
        show_plan(&engine, &planned, args, output)?;
    }
    let to_do = planned.plan.is_some();
    Ok(if args.detailed_exitcode && to_do {
        Exit::SomethingToDo
    } else {
        Exit::Done
    })
}

fn show_plan(
    engine: &Engine,
    planned: &Planned,
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
    show_open_plan(engine, plan, planned, args, output)
}

fn show_open_plan(
    engine: &Engine,
    plan: &PlanRow,
    planned: &Planned,
    args: &PlanArgs,
    output: &Output,
) -> Result<(), Failure> {
    output.about("");
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
fn tripped(engine: &Engine, plan: &PlanRow) -> Result<Vec<BreakerState>, Failure> {
    let steps = engine.steps_left(plan)?;
    let steps: Vec<_> = steps.into_iter().map(|s| s.step).collect();
    let set = engine.adopted_policy()?.map(|(_, set)| set);
    let now = engine.clock.now();
    let assessed = engine.assess(&steps, Some(&plan.digest), &set.unwrap_or_default(), now)?;
    let mut states = assessed.states;
    states.retain(|brake| brake.tripped);
    Ok(states)
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

fn next_steps(
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

/// `exeunt approve`.
pub fn approve(cli: &Cli, args: &ApproveArgs, output: &Output) -> Result<Exit, Failure> {
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
    let steps = engine.steps_left(&plan)?;
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
    let count = steps.len() as u64;
    confirm(count, args.confirm, output)?;
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
    next_steps(&engine, &plan, &args.plan, "next:", output)?;
    Ok(Exit::Done)
}

fn approval(engine: &Engine, plan: &PlanRow, rejected: bool) -> Result<serde_json::Value, Failure> {
    let (needed, approved) = engine.approvals(plan)?;
    Ok(json!({
        "plan": plan.plan, "digest": plan.digest, "approvals": plan.approvals.len(),
        "needed": needed, "approved": approved && !rejected, "rejected": rejected,
    }))
}

/// Has the number of steps typed, so that nobody approves what they have not looked at.
fn confirm(count: u64, given: Option<u64>, output: &Output) -> Result<(), Failure> {
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

/// Tells when somebody wants to stop: the call in flight is finished first.
fn interruptible(output: Output) -> Arc<AtomicBool> {
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
    let exit = applied_exit(&taken, synced_exit(&synced)).graver(doubt(settled.in_doubt));
    let exit = with_reads(exit, &synced, &taken).graver(stopped_by(&stop));
    engine.finish(&run, exit.code())?;
    if output.json {
        let sources: Vec<_> = synced.iter().map(synced_value).collect();
        let items: Result<Vec<_>, _> = taken.iter().map(|t| taken_value(&engine, t)).collect();
        output.document(&json!({
            "plan": plan.plan, "digest": plan.digest, "sources": sources, "items": items?,
            "left": engine.steps_left(&plan)?.len(), "settled": settled_value(&settled),
            "exit": exit.code(),
        }));
        return Ok(exit);
    }
    show_applied(&engine, &plan, &taken, exit, &args.plan, output)?;
    Ok(exit)
}

/// A source that could not be read or is not believed holds steps back: partly done, or its reason.
fn with_reads(exit: Exit, synced: &[Synced], taken: &[Taken]) -> Exit {
    let read = synced_exit(synced);
    if read == Exit::Done || exit == Exit::InDoubt {
        return exit;
    }
    let done = |t: &Taken| matches!(t.end, StepEnd::Done | StepEnd::Already);
    if taken.iter().any(done) {
        Exit::Partly
    } else {
        exit.graver(read)
    }
}

/// How a command ends that was interrupted after the call in flight.
fn stopped_by(stop: &AtomicBool) -> Exit {
    if stop.load(Ordering::SeqCst) {
        Exit::Interrupted
    } else {
        Exit::Done
    }
}

const fn doubt(count: u64) -> Exit {
    if count > 0 { Exit::InDoubt } else { Exit::Done }
}

/// Nothing acts in a sandbox's past or without an outside clock.
fn may_act(engine: &Engine, outside: usize) -> Result<(), Failure> {
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

async fn carry_out(
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
        let (word, why) = (end_word(&taken.end), end_why(&taken.end));
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

fn end_word(end: &StepEnd) -> &'static str {
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

fn end_why(end: &StepEnd) -> String {
    end_code(end)
        .map(|code| code::says(code.as_str()))
        .unwrap_or_default()
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

fn taken_value(engine: &Engine, taken: &Taken) -> Result<serde_json::Value, EngineError> {
    let step = &taken.step.step;
    let profile = engine.profile(&step.account)?;
    Ok(json!({
        "tenant": step.tenant, "account": profile.first(Profile::KEY), "subject": step.account,
        "email": profile.first(Profile::MAIL), "erased_by": null, "do": step.does,
        "result": end_result(&taken.end), "because": end_code(&taken.end),
    }))
}

/// How a plan ends: 6 before all; 3 once something was done and something not; else the reason,
/// where `read` is what the reads before it came to.
fn applied_exit(taken: &[Taken], read: Exit) -> Exit {
    let is = |test: fn(&StepEnd) -> bool| taken.iter().any(|t| test(&t.end));
    if is(|e| matches!(e, StepEnd::Unknown(_))) {
        return Exit::InDoubt;
    }
    let done = is(|e| matches!(e, StepEnd::Done | StepEnd::Already));
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
    Ok(())
}

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
    let judged = engine.decide_all(&run, None)?;
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
    engine.finish(&run, exit.code())?;
    if output.json {
        let sources: Vec<_> = synced.iter().map(synced_value).collect();
        let items: Result<Vec<_>, _> = taken.iter().map(|t| taken_value(&engine, t)).collect();
        output.document(&json!({
            "sources": sources, "items": items?, "waiting": waiting, "exit": exit.code(),
            "settled": settled_value(&settled),
            "warned": { "given": warned.given, "failed": warned.failed },
        }));
    } else if waiting > 0 {
        output.hint("`exeunt status` lists what waits for whom");
    }
    let to_do = args.detailed_exitcode && waiting > 0 && exit == Exit::Done;
    Ok(if to_do { Exit::SomethingToDo } else { exit })
}

fn settled_value(settled: &Settled) -> serde_json::Value {
    json!({
        "done": settled.done, "not_done": settled.not_done, "in_doubt": settled.in_doubt,
    })
}

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
    for plan in engine.open_plans(now)? {
        steps.extend(engine.steps_left(&plan)?.into_iter().map(|s| s.step));
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

/// `exeunt policy`.
pub fn policy(cli: &Cli, command: &PolicyCommand, output: &Output) -> Result<Exit, Failure> {
    match command {
        PolicyCommand::Diff => policy_diff(cli, output),
        PolicyCommand::Propose => {
            let engine = setup::open(cli, Access::Full, output)?;
            let by = engine.claimed(&os_user())?;
            let run = engine.start("policy propose", by, None)?;
            let adoption = engine.adopt_policy(&run)?;
            engine.finish(&run, 0)?;
            if adoption == Adoption::Rules {
                output.note("the policy of exeunt.toml is the one that rules");
            }
            show_adoption(&adoption, output);
            Ok(Exit::Done)
        }
        PolicyCommand::Approve(args) => {
            let engine = setup::open(cli, Access::Full, output)?;
            let signer = engine.signer(&os_user(), args.key.as_deref())?;
            let seq = engine.adopt_proposed(&signer, &args.reason)?;
            output.note(&format!(
                "the proposed policy rules from here on (entry #{seq})"
            ));
            output.note("plans that were made under the old one cannot be carried out any more");
            Ok(Exit::Done)
        }
    }
}

fn policy_diff(cli: &Cli, output: &Output) -> Result<Exit, Failure> {
    let engine = setup::open(cli, Access::ReadOnly, output)?;
    let new = engine.configured_policy()?;
    let adopted = engine.adopted_policy()?;
    let old = adopted.as_ref().map(|(_, set)| set);
    let loosened = loosens(old, &new);
    let view = engine.ledger.view()?;
    let proposed = view.row::<PolicyRow>(Kind::Policy, "proposed")?;
    let same = old == Some(&new);
    if output.json {
        output.document(&json!({
            "rules": adopted.as_ref().map(|(seq, _)| seq), "same": same, "loosens": loosened,
            "proposed": proposed.map(|p| p.seq), "adopted": old, "configured": new,
        }));
        return Ok(Exit::Done);
    }
    if same {
        output.data("the policy of exeunt.toml is the one that rules");
    } else if loosened.is_empty() {
        output
            .data("exeunt.toml differs and loosens nothing: the next sync, plan or run adopts it");
    } else {
        output.data("exeunt.toml loosens:");
        for line in &loosened {
            output.data(&format!("  {line}"));
        }
        output.hints(
            "to let it rule:",
            &[
                "exeunt policy propose".to_owned(),
                "exeunt policy approve --reason \"…\"   # an approver".to_owned(),
            ],
        );
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
            output.note(&format!("{whom} may be made again"));
        }
    }
    Ok(Exit::Done)
}
