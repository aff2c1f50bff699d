//! `exeunt findings`.

use serde_json::Value;
use serde_json::json;

use crate::cli::args::Cli;
use crate::cli::args::FindingsArgs;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::inspect;
use crate::cli::output::Output;
use crate::cli::plan::other_row;
use crate::cli::setup;
use crate::domain::code;
use crate::domain::finding::Finding;
use crate::domain::rows::Ruling;
use crate::domain::time::Time;
use crate::engine::Engine;
use crate::engine::decide::Judged;
use crate::engine::tell;
use crate::ledger::Access;
use crate::ledger::vault::Profile;

/// `exeunt findings`.
pub fn findings(cli: &Cli, args: &FindingsArgs, output: &Output) -> Result<Exit, Failure> {
    known_kinds(&args.kind)?;
    let engine = setup::open(cli, Access::ReadOnly, output)?;
    let moment = engine.at(args.common.as_of.as_deref())?;
    let (mut found, mut judged) = engine.findings(&moment, &args.common.tenant)?;
    found.retain(|f| is_wanted(&args.kind, word(f)));
    judged.retain(|j| {
        let tenants = &args.common.tenant;
        let here = |t: &String| t == j.facts.account.tenant.as_str();
        let matched = j.decision.verdict != Ruling::Keep || j.decision.leaver_still_in;
        matched && (tenants.is_empty() || tenants.iter().any(here))
    });
    judged.sort_by_key(|j| (!j.decision.leaver_still_in, j.decision.verdict));
    let mut rows = Vec::new();
    let mut kept = Vec::new();
    for one in judged {
        let row = matched(&engine, &one, moment.now)?;
        if is_wanted(&args.kind, row.first().map_or("", String::as_str)) {
            rows.push((!one.decision.leaver_still_in, one.decision.verdict, row));
            kept.push(one);
        }
    }
    if output.json {
        let items: Result<Vec<_>, _> = kept.iter().map(|one| item(&engine, one)).collect();
        let mut document = inspect::document(&moment, Value::Array(items?));
        let shown: Result<Vec<_>, _> = found.iter().map(|f| shown(&engine, f)).collect();
        if let Value::Object(fields) = &mut document {
            fields.insert("findings".to_owned(), Value::Array(shown?));
        }
        output.document(&document);
        return Ok(Exit::Done);
    }
    rows.sort();
    let mut rows: Vec<_> = rows.into_iter().map(|(_, _, row)| row).collect();
    for finding in &found {
        rows.push(looked_at(&engine, finding, moment.now)?);
    }
    output.table(&["what", "account", "tenant", "age", "why"], &rows);
    if rows.is_empty() {
        output.note("the rules match no account, and there is nothing to look at");
    }
    Ok(Exit::Done)
}

/// The kind of a finding as it is typed: without its family.
fn word(finding: &Finding) -> &str {
    let kind = finding.kind.as_str();
    kind.split_once('.').map_or(kind, |(_, word)| word)
}

fn is_wanted(kinds: &[String], word: &str) -> bool {
    let typed = |kind: &String| kind.trim_start_matches("finding.").replace('-', " ");
    kinds.is_empty() || kinds.iter().any(|k| typed(k) == word.replace('-', " "))
}

/// Refuses a kind that there is not: an empty list would look like good news.
fn known_kinds(kinds: &[String]) -> Result<(), Failure> {
    let mut known: Vec<String> = ["leaver still in", "wait", "withheld", "warn", "act"]
        .map(|w| w.replace(' ', "-"))
        .to_vec();
    let listed = code::all().into_iter().map(|c| c.code);
    known.extend(listed.filter_map(|c| c.strip_prefix("finding.").map(str::to_owned)));
    let typed = |kind: &String| kind.trim_start_matches("finding.").replace(' ', "-");
    let strange = kinds.iter().find(|k| !known.contains(&typed(k)));
    let Some(strange) = strange else {
        return Ok(());
    };
    let known: Vec<_> = known.iter().map(String::as_str).collect();
    let hint = crate::config::mistake::nearest(strange, &known);
    Err(Failure::usage(
        format!("there is no finding of the kind `{strange}`"),
        hint,
    ))
}

/// What a rule matches.
fn matched(engine: &Engine, one: &Judged, now: Time) -> Result<Vec<String>, Failure> {
    let decision = &one.decision;
    let mut row = other_row(engine, one)?;
    let mut why = row.pop().unwrap_or_default();
    if let Some(policy) = &decision.policy {
        why.push_str(&format!(" Policy {policy}."));
    }
    row.push(decision.since.map_or("-".to_owned(), |t| age(t, now)));
    row.push(why);
    Ok(row)
}

/// What somebody should look at, and what they can do about it.
fn looked_at(engine: &Engine, finding: &Finding, now: Time) -> Result<Vec<String>, Failure> {
    let source = finding.tenant.as_ref().or(finding.directory.as_ref());
    let mut why = code::says(finding.kind.as_str());
    let others: Result<Vec<_>, _> = finding.others.iter().map(|o| engine.called(o)).collect();
    let others = others?;
    if !others.is_empty() {
        why.push_str(&format!(" In question: {}.", others.join(", ")));
    }
    if let Some(hint) = code::hint(finding.kind.as_str()) {
        why.push_str(&format!(" {hint}"));
    }
    Ok(vec![
        word(finding).replace('-', " "),
        engine.called(&finding.subject)?,
        source.map(ToString::to_string).unwrap_or_default(),
        age(finding.since, now),
        why,
    ])
}

fn age(since: Time, now: Time) -> String {
    tell::length(now.seconds_since(since).max(0))
}

fn item(engine: &Engine, one: &Judged) -> Result<Value, Failure> {
    let account = &one.facts.account;
    let profile = engine.profile(&account.subject)?;
    Ok(json!({
        "tenant": account.tenant, "account": profile.first(Profile::KEY),
        "subject": account.subject, "email": profile.first(Profile::MAIL),
        "erased_by": null, "decision": one.decision,
    }))
}

fn shown(engine: &Engine, finding: &Finding) -> Result<Value, Failure> {
    let profile = engine.profile(&finding.subject)?;
    let kind = finding.kind.as_str();
    Ok(json!({
        "kind": kind, "since": finding.since, "tenant": finding.tenant,
        "directory": finding.directory, "subject": finding.subject,
        "account": profile.first(Profile::KEY), "email": profile.first(Profile::MAIL),
        "erased_by": null, "others": finding.others, "evidence": finding.evidence,
        "says": code::says(kind), "hint": code::hint(kind),
    }))
}
