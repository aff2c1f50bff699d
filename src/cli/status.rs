//! `exeunt status`: where things stand, leavers who are still in first.

use serde_json::Value;
use serde_json::json;

use crate::cli::alerts::channel_values;
use crate::cli::alerts::runs_value;
use crate::cli::alerts::show_channels;
use crate::cli::alerts::show_runs;
use crate::cli::args::Cli;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::hold::show_count;
use crate::cli::leave::cannot_says;
use crate::cli::leave::cannot_values;
use crate::cli::output::Output;
use crate::cli::output::plural;
use crate::cli::plan::next_commands;
use crate::cli::setup;
use crate::cli::tasks;
use crate::domain::attempts;
use crate::domain::attempts::SET_ASIDE;
use crate::domain::fold::source_key;
use crate::domain::leaver_clock::ClockState;
use crate::domain::leaver_clock::LeaverClock;
use crate::domain::rows::HaltRow;
use crate::domain::rows::Kind;
use crate::domain::rows::LedgerRow;
use crate::domain::rows::PolicyRow;
use crate::domain::rows::SourceRow;
use crate::domain::source::SourceKind;
use crate::domain::source::Verdict;
use crate::domain::time::DAY_SECONDS;
use crate::domain::time::Time;
use crate::engine::Engine;
use crate::engine::decide::Judged;
use crate::engine::restore::WITHDRAWN;
use crate::engine::tell;
use crate::ledger::Access;
use crate::ledger::View;
use crate::ledger::vault::Profile;

/// How much of the ledger is covered by a checkpoint that was copied elsewhere.
fn known_outside(engine: &Engine) -> String {
    let published = setup::published(&engine.config);
    let covered = published.and_then(|there| there.compare(&engine.ledger).ok().flatten());
    match covered {
        None | Some(0) => "of which nothing is known outside this machine yet".to_owned(),
        Some(size) => format!("the first {size} of them known outside this machine"),
    }
}

/// Shows where things stand. Without the vault it shows what can be told without names.
pub fn status(cli: &Cli, output: &Output) -> Result<Exit, Failure> {
    let opened = setup::open(cli, Access::ReadOnly, output);
    let (engine, trouble) = match opened {
        Ok(engine) => (engine, None),
        // Without the vault nothing acts, and what can be told without names is told all the same.
        Err(failure) if failure.exit == Exit::CannotJudge => {
            let engine = setup::open(cli, Access::WithoutVault, output)?;
            (engine, Some(failure.says))
        }
        Err(failure) => return Err(failure),
    };
    let moment = engine.at(None)?;
    let judged = engine.judge_all(&moment.rows, None, moment.now)?;
    let clocks = engine.clocks(&moment)?;
    let mut still_in = Vec::new();
    for one in judged.iter().filter(|j| j.decision.leaver_still_in) {
        let clocked = clocks.of(&one.facts, Some(&one.decision))?;
        still_in.push((clocked.map(|c| c.clock), one));
    }
    still_in.sort_by_key(|(clock, _)| clock.as_ref().map(|c| (c.state, c.due)));
    let late = count(&still_in, ClockState::Late);
    let exit = if late > 0 { Exit::Partly } else { Exit::Done };
    let holds = engine.hold_count(&moment)?;
    let by_hand = engine.tasks(&moment, &judged)?;
    if output.json {
        let mut document = document(&engine, &still_in, trouble.as_deref())?;
        if let Value::Object(fields) = &mut document {
            fields.insert("holds".to_owned(), json!(holds));
            fields.insert("tasks".to_owned(), json!(by_hand));
        }
        output.document(&document);
        return Ok(exit);
    }
    if let Some(trouble) = &trouble {
        output.data(&format!(
            "THE VAULT CANNOT BE USED, so nothing acts: {trouble}"
        ));
        output.data("");
    }
    tasks::show_in_status(&engine, &by_hand, output)?;
    show_still_in(&engine, &still_in, output)?;
    show_sources(&engine, output)?;
    show_set_aside(&engine, &judged, output)?;
    show_runs(&engine, output)?;
    show_channels(&engine, output)?;
    show_count(&holds, output);
    show_waiting(&engine, output)?;
    Ok(exit)
}

/// A leaver's account that still works, with its clock.
type StillIn<'j> = (Option<LeaverClock>, &'j Judged);

fn count(still_in: &[StillIn<'_>], state: ClockState) -> u64 {
    let clocks = still_in.iter().filter_map(|(clock, _)| clock.as_ref());
    clocks.filter(|clock| clock.state == state).count() as u64
}

fn show_still_in(
    engine: &Engine,
    still_in: &[StillIn<'_>],
    output: &Output,
) -> Result<(), Failure> {
    if still_in.is_empty() {
        output.data(&nobody_known(engine)?);
        output.data("");
        return Ok(());
    }
    let accounts = plural(still_in.len() as u64, "account");
    let mut line = format!("LEAVERS STILL IN: {accounts} of people who have left");
    let marked = [
        (ClockState::Late, "LATE"),
        (ClockState::AboutToBeLate, "about to be late"),
    ];
    for (state, word) in marked {
        let number = count(still_in, state);
        if number > 0 {
            line.push_str(&format!(", {number} {word}"));
        }
    }
    output.data(&line);
    let mut rows = Vec::new();
    for (clock, one) in still_in {
        let why = tell::reasons(&one.decision.blocked);
        let mut why = match why.is_empty() {
            true => due(engine, one)?,
            false => why,
        };
        if clock.as_ref().is_some_and(|c| c.active_after.is_some()) {
            why.push_str(" USED AFTER THE DEPARTURE.");
        }
        let since = one.decision.since.or(clock.as_ref().map(|c| c.effective));
        rows.push(vec![
            engine.called(&one.facts.account.subject)?,
            one.facts.account.tenant.to_string(),
            since.map(Time::day).unwrap_or_default(),
            clock.as_ref().map(tell::clock).unwrap_or_default(),
            why,
        ]);
    }
    output.table(
        &["account", "tenant", "left on", "clock", "why still in"],
        &rows,
    );
    output.data("");
    Ok(())
}

/// Why somebody is still in although the rules let the step be taken.
fn due(engine: &Engine, one: &Judged) -> Result<String, Failure> {
    let withheld = engine.due_and_not_taken(one)?;
    Ok(match withheld {
        Some(code) => format!(
            "The step is due, and is withheld. {}",
            tell::reasons(&[code])
        ),
        None => "The step is due.".to_owned(),
    })
}

/// That nobody is known to be still in is worth only as much as the reads that it rests on.
fn nobody_known(engine: &Engine) -> Result<String, Failure> {
    let view = engine.ledger.view()?;
    let mut blind = Vec::new();
    let directories = engine
        .directories
        .iter()
        .map(|d| (SourceKind::Directory, &d.name));
    let tenants = engine.tenants.iter().map(|t| (SourceKind::Tenant, &t.name));
    for (kind, name) in directories.chain(tenants) {
        let row = view.row::<SourceRow>(Kind::Source, &source_key(kind, name.as_str()))?;
        if row.is_none_or(|row| row.last.verdict != Verdict::Complete) {
            blind.push(name.to_string());
        }
    }
    if engine.directories.is_empty() {
        return Ok("No directory is configured, so nobody is known to have left.".to_owned());
    }
    if blind.is_empty() {
        return Ok("No leaver is still in, as far as the newest reads show.".to_owned());
    }
    Ok(format!(
        "Whether a leaver is still in is NOT KNOWN: no complete newest read of {}.",
        blind.join(", ")
    ))
}

fn show_sources(engine: &Engine, output: &Output) -> Result<(), Failure> {
    let view = engine.ledger.view()?;
    let now = engine.clock.now();
    let mut rows = Vec::new();
    for (_, row) in view.rows::<SourceRow>(Kind::Source)? {
        let because = tell::read_reasons(&row.last.because);
        let verdict = format!("{:?}", row.last.verdict).to_lowercase();
        let count = row
            .complete
            .as_ref()
            .and_then(|c| c.proof.as_ref())
            .map(|p| p.count);
        rows.push(vec![
            row.source.to_string(),
            format!("{} ago", tell::length(now.seconds_since(row.last.rec))),
            verdict,
            count.map(|c| c.to_string()).unwrap_or_default(),
            because,
        ]);
    }
    if rows.is_empty() {
        output.data("Nothing was read yet: exeunt sync");
    } else {
        output.table(&["source", "read", "verdict", "count", "because"], &rows);
    }
    output.data("");
    Ok(())
}

/// Accounts for which nothing is tried any more, because the tenant has refused it too often.
fn show_set_aside(engine: &Engine, judged: &[Judged], output: &Output) -> Result<(), Failure> {
    let aside = |one: &&Judged| one.decision.blocked.iter().any(|c| c.as_str() == SET_ASIDE);
    for one in judged.iter().filter(aside) {
        let account = &one.facts.account;
        let called = engine.called(&account.subject)?;
        output.data(&output.as_typed(&format!(
            "SET ASIDE after {} attempts: {called} in {}; `exeunt why {called}` tells what it answered, \
             `exeunt retry {called} --reason \"…\"` tries again",
            attempts::MOST, account.tenant
        )));
    }
    Ok(())
}

fn show_waiting(engine: &Engine, output: &Output) -> Result<(), Failure> {
    let say = |line: &str| output.data(&output.as_typed(line));
    let view = engine.ledger.view()?;
    let now = engine.clock.now();
    let doubt = engine.open_commands()?.len() as u64;
    if doubt > 0 {
        let call = plural(doubt, "call");
        say(&format!(
            "{call} in doubt: `exeunt run` reads back what came of it"
        ));
    }
    for (key, halt) in view.rows::<HaltRow>(Kind::Halt)? {
        if halt.until.is_none_or(|until| now < until) {
            let age = tell::length(now.seconds_since(halt.at));
            let (whom, option) = match key.split_once(':') {
                Some((_, tenant)) => (format!("calls to {tenant}"), format!(" --tenant {tenant}")),
                None => ("every call".to_owned(), String::new()),
            };
            say(&format!(
                "HALTED for {age}, {whom}: `exeunt halt off{option}` lets them go on"
            ));
        }
    }
    for (plan, steps) in engine.open_steps(now)? {
        let (needed, approved) = engine.approvals(&plan)?;
        let left = steps.len() as u64;
        let digest = tell::short(&plan.digest);
        let have = plan.approvals.len();
        let next = next_commands(engine, &plan, digest)?;
        let next = next.first().map(String::as_str).unwrap_or_default();
        let next = if approved {
            next.to_owned()
        } else {
            format!("{have} of {needed} approvals: {next}")
        };
        let back = steps.iter().all(|s| s.step.because.as_str() == WITHDRAWN);
        let what = if back {
            ", which gives back what was disabled because of a departure that was withdrawn"
        } else {
            ""
        };
        say(&format!(
            "open plan {digest}{what}, {} left: {next}",
            plural(left, "step")
        ));
    }
    for (account, because) in engine.to_give_back(now)?.cannot {
        say(&cannot_says(engine, &account, because.as_str())?);
    }
    for (person, stated) in engine.words_without_account()? {
        say(&format!(
            "{} leaves, as somebody said (entry #{}), but the directory {} is not part of the policy any \
             more and no account is known to be theirs: `exeunt leave` names an account itself",
            engine.called(&person.subject)?,
            stated.seq,
            person.directory,
        ));
    }
    if let Some(proposed) = view.row::<PolicyRow>(Kind::Policy, "proposed")? {
        say(&format!(
            "a policy is proposed (entry #{}): exeunt policy diff, then exeunt policy approve \
             --reason \"…\"",
            proposed.seq
        ));
    }
    if !engine.two_person_rules()? {
        output
            .data("two-person rules are not in force: exeunt.toml names fewer than two approvers");
    }
    let head = view.head();
    let word = if engine.ledger.opened().sandbox {
        "sandbox ledger"
    } else {
        "ledger"
    };
    output.data(&format!(
        "{word} {}: {} so far, {}",
        engine.ledger.origin(),
        plural(head.size, "entry"),
        known_outside(engine)
    ));
    let ledger = view.row::<LedgerRow>(Kind::Ledger, "ledger")?;
    for line in lost_with_vault(engine, ledger.as_ref())? {
        output.data(&line);
    }
    if let Some(mark) = ledger.and_then(|row| row.reopened) {
        output.data(&format!(
            "it went on from an older copy on {} (entry #{}): what was said in the entries that are \
             lost counts no more",
            mark.since.day(),
            mark.seq
        ));
    }
    if let Some(line) = backed_up(engine, view.row(Kind::Ledger, "ledger")?) {
        output.data(&line);
    }
    Ok(())
}

/// What was lost with a vault, if one was.
fn lost_with_vault(engine: &Engine, row: Option<&LedgerRow>) -> Result<Vec<String>, Failure> {
    let Some(loss) = row.and_then(|row| row.revaulted.as_ref()) else {
        return Ok(Vec::new());
    };
    let mut lines = vec![format!(
        "it goes on with another vault since {} (entry #{}): the values of {} are lost",
        loss.since.day(),
        loss.seq,
        plural(loss.lost, "pseudonym")
    )];
    let words = engine.lost_words()?;
    if !words.is_empty() {
        let words: Vec<_> = words.iter().map(|seq| format!("#{seq}")).collect();
        lines.push(format!(
            "LEAVERS WHO ARE LOST with it: of whom entry {} says that they leave nobody knows any more. Say \
             it again (`exeunt leave`)",
            words.join(", ")
        ));
    }
    Ok(lines)
}

/// When the ledger was copied last; nobody needs a copy of a rehearsal.
fn backed_up(engine: &Engine, ledger: Option<LedgerRow>) -> Option<String> {
    let Some(mark) = ledger.and_then(|row| row.backup) else {
        let never = "never backed up: `exeunt backup --out DIR` copies ledger, vault and keys";
        return Some(never.to_owned()).filter(|_| !engine.ledger.opened().sandbox);
    };
    let days = engine.clock.now().seconds_since(mark.since).max(0) / DAY_SECONDS;
    let ago = match days {
        0 => "less than a day ago".to_owned(),
        days => format!("{} ago", plural(days.unsigned_abs(), "day")),
    };
    Some(format!("last backup {ago} (entry #{})", mark.seq))
}

fn lost_values(engine: &Engine, view: &View<'_>) -> Result<serde_json::Value, Failure> {
    let row = view.row::<LedgerRow>(Kind::Ledger, "ledger")?;
    let Some(loss) = row.and_then(|row| row.revaulted) else {
        return Ok(serde_json::Value::Null);
    };
    let words = engine.lost_words()?;
    Ok(json!({ "seq": loss.seq, "since": loss.since, "lost": loss.lost, "leaves": words }))
}

fn document(
    engine: &Engine,
    still_in: &[StillIn<'_>],
    trouble: Option<&str>,
) -> Result<serde_json::Value, Failure> {
    let view = engine.ledger.view()?;
    let now = engine.clock.now();
    let mut leavers = Vec::new();
    for (clock, one) in still_in {
        let profile = engine.profile(&one.facts.account.subject)?;
        leavers.push(json!({
            "tenant": one.facts.account.tenant, "account": profile.first(Profile::KEY),
            "subject": one.facts.account.subject, "email": profile.first(Profile::MAIL),
            "erased_by": null, "since": one.decision.since, "blocked": one.decision.blocked,
            "clock": clock, "withheld": engine.due_and_not_taken(one)?,
        }));
    }
    let mut words = Vec::new();
    for (person, stated) in engine.words_without_account()? {
        let profile = engine.profile(&person.subject)?;
        words.push(json!({
            "directory": person.directory, "subject": person.subject,
            "email": profile.first(Profile::MAIL), "stated": stated.seq, "at": stated.at,
        }));
    }
    let mut plans = Vec::new();
    for (plan, steps) in engine.open_steps(now)? {
        let (needed, approved) = engine.approvals(&plan)?;
        plans.push(json!({
            "plan": plan.plan, "digest": plan.digest, "expires_at": plan.expires_at,
            "approvals": plan.approvals.len(), "needed": needed, "approved": approved,
            "steps_left": steps.len(),
        }));
    }
    let sources: Vec<_> = view
        .rows::<SourceRow>(Kind::Source)?
        .into_iter()
        .map(|(_, row)| row)
        .collect();
    let halts: Vec<_> = view
        .rows::<HaltRow>(Kind::Halt)?
        .into_iter()
        .map(|(k, _)| k)
        .collect();
    let head = view.head();
    Ok(json!({
        "head": { "seq": head.size.saturating_sub(1), "link": hex::encode(head.link) },
        "now": now,
        "leavers_still_in": leavers,
        "cannot_give_back": cannot_values(engine, &engine.to_give_back(now)?.cannot)?,
        "words_without_account": words,
        "in_doubt": engine.open_commands()?.len(),
        "halted": halts,
        "plans": plans,
        "sources": sources,
        "two_person_rules": engine.two_person_rules()?,
        "vault_lost": lost_values(engine, &view)?,
        "backup": view.row::<LedgerRow>(Kind::Ledger, "ledger")?.and_then(|row| row.backup),
        "sandbox": engine.ledger.opened().sandbox,
        "runs": runs_value(engine)?,
        "alert_channels": channel_values(engine)?,
        "vault_trouble": trouble,
    }))
}
