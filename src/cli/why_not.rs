//! `exeunt why-not`: what would have to be true for somebody to be removed.

use serde_json::Value;
use serde_json::json;

use crate::cli::args::Cli;
use crate::cli::args::WhyNotArgs;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::setup;
use crate::domain::code;
use crate::domain::explain::Answer;
use crate::domain::explain::Missing;
use crate::domain::explain::WhyNot;
use crate::domain::rows::Decision;
use crate::domain::rows::Ruling;
use crate::engine::replay::Moment;
use crate::engine::tell;
use crate::engine::why_not::AccountWhyNot;
use crate::engine::why_not::NotRemoved;
use crate::ledger::Access;

/// `exeunt why-not`.
pub fn why_not(cli: &Cli, args: &WhyNotArgs, output: &Output) -> Result<Exit, Failure> {
    let engine = setup::open(cli, Access::ReadOnly, output)?;
    let moment = engine.at(args.as_of.as_deref())?;
    let found = engine.why_not(&moment, &args.who, args.policy.as_deref())?;
    if output.json {
        output.document(&document(&moment, &args.who, &found));
        return Ok(Exit::Done);
    }
    if !found.ruled {
        output.data("No policy ruled at that moment, so that nobody is removed.");
        output.hint("`exeunt sync` adopts the first policy of exeunt.toml");
    }
    if found.accounts.is_empty() {
        let then = if args.as_of.is_some() { " then" } else { "" };
        output.data(&format!(
            "{} has no account that is known{then}: there is nothing to remove.",
            args.who
        ));
        return Ok(Exit::Done);
    }
    for (number, account) in found.accounts.iter().enumerate() {
        if number > 0 {
            output.data("");
        }
        show(&moment, account, output);
    }
    output.hint("`exeunt why` tells what happened; dates hold if nothing else happens");
    Ok(Exit::Done)
}

fn show(moment: &Moment<'_>, account: &AccountWhyNot, output: &Output) {
    let name = account.email.as_deref();
    output.data(&format!(
        "{} in {}: {}   (pseudonym {})",
        name.unwrap_or(account.subject.as_str()),
        account.tenant,
        account.state,
        account.subject
    ));
    output.data(&format!(
        "As of {} the rules say: {}",
        tell::moment(moment.now),
        tell::decision(&account.decision)
    ));
    if account.decision.verdict == Ruling::Act {
        output.data("This account is to be changed; below is what still stands before it.");
    }
    for policy in &account.policies {
        show_policy(account, policy, output);
    }
}

fn show_policy(account: &AccountWhyNot, one: &WhyNot, output: &Output) {
    let decides = account.decision.policy.as_ref() == Some(&one.policy);
    let first = if decides { ", which decides" } else { "" };
    output.data("");
    output.data(&format!("Policy {}{first}: {}", one.policy, word(one)));
    for missing in &one.missing {
        for line in lines(missing) {
            output.data(&format!("  {line}"));
        }
    }
    if let Some(decision) = &one.decision {
        for sum in &decision.arithmetic {
            output.data(&format!("  {}", tell::sum(sum)));
        }
        if let Some(since) = kept_since(decision) {
            output.data(&format!("  {since}"));
        }
    }
    if let Some(from) = one.provable_from {
        output.data(&format!("  provable from {}", tell::moment(from)));
    }
    for line in ahead(one) {
        output.data(&format!("  {line}"));
    }
}

/// The answer in a few words.
fn word(one: &WhyNot) -> &'static str {
    match one.answer {
        Answer::Due => "a step is due",
        Answer::NotYet => "not yet",
        Answer::Blocked => "blocked",
        Answer::Unknown => "unknown, and unknown never removes anybody",
        Answer::NotMet => "what it asks for is not so",
        Answer::NotAbout => "it is not about this account",
        Answer::Over => "nothing is left to be done",
    }
}

fn lines(missing: &Missing) -> Vec<String> {
    let because = missing.because.as_str();
    let mut says = code::says(because);
    if let Some(until) = missing.until {
        says = format!("{} (until {}).", says.trim_end_matches('.'), until.day());
    }
    let mut lines = vec![says];
    lines.extend(code::hint(because).map(|hint| format!("  what can be done: {hint}")));
    lines
}

/// What a policy says that keeps the account, with its date.
fn kept_since(decision: &Decision) -> Option<String> {
    let since = decision
        .since
        .filter(|_| decision.verdict == Ruling::Keep)?;
    let says = code::says(decision.because.as_str());
    Some(format!(
        "{} ({})",
        says.trim_end_matches('.'),
        tell::moment(since)
    ))
}

/// From when on it could be otherwise.
fn ahead(one: &WhyNot) -> Vec<String> {
    let now_or = |what: &str, from: crate::domain::time::Time| {
        format!(
            "if nothing else happens: {what} from {}",
            tell::moment(from)
        )
    };
    let mut lines = Vec::new();
    if one.answer != Answer::Due {
        lines.extend(one.warned_from.map(|from| now_or("a warning", from)));
        lines.extend(one.step_from.map(|from| now_or("the step", from)));
    }
    let never = one.step_from.is_none()
        && !matches!(one.answer, Answer::Due | Answer::Over | Answer::NotAbout);
    if never {
        lines.push("time alone changes nothing".to_owned());
    }
    lines
}

fn document(moment: &Moment<'_>, who: &str, found: &NotRemoved) -> Value {
    let accounts: Vec<_> = found.accounts.iter().map(value).collect();
    json!({
        "head": { "seq": moment.seq, "link": moment.link },
        "as_of": moment.now,
        "who": who,
        "ruled": found.ruled,
        "accounts": accounts,
    })
}

fn value(account: &AccountWhyNot) -> Value {
    let policies: Vec<_> = account
        .policies
        .iter()
        .map(|one| {
            let missing: Vec<_> = one.missing.iter().map(missing_value).collect();
            json!({
                "policy": one.policy, "when": one.when, "answer": one.answer,
                "decides": account.decision.policy.as_ref() == Some(&one.policy),
                "decision": one.decision, "missing": missing,
                "provable_from": one.provable_from, "warned_from": one.warned_from,
                "step_from": one.step_from,
            })
        })
        .collect();
    json!({
        "tenant": account.tenant, "account": account.account, "subject": account.subject,
        "email": account.email, "erased_by": null, "state": account.state,
        "decision": account.decision, "policies": policies,
    })
}

fn missing_value(missing: &Missing) -> Value {
    let because = missing.because.as_str();
    json!({
        "because": because, "says": code::says(because), "hint": code::hint(because),
        "until": missing.until,
    })
}
