//! `exeunt what-if`: who would have been removed under other rules, and who of them came back.

use std::collections::BTreeSet;

use serde_json::Value;
use serde_json::json;

use crate::cli::args::Cli;
use crate::cli::args::WhatIfArgs;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::output::plural;
use crate::cli::setup;
use crate::domain::code;
use crate::domain::policy::Policy;
use crate::domain::time::Time;
use crate::domain::what_if::CameBack;
use crate::domain::what_if::Removal;
use crate::domain::what_if::Return;
use crate::engine::Engine;
use crate::engine::tell;
use crate::engine::what_if::Question;
use crate::engine::what_if::WouldBe;
use crate::ledger::Access;
use crate::ledger::vault::Profile;

/// `exeunt what-if`.
pub fn what_if(cli: &Cli, args: &WhatIfArgs, output: &Output) -> Result<Exit, Failure> {
    let engine = setup::open(cli, Access::ReadOnly, output)?;
    let would_be = engine.what_if(&Question {
        after_days: args.after_days,
        policy: args.policy.as_deref(),
        rules: args.rules.as_deref(),
    })?;
    if output.json {
        output.document(&document(&engine, &would_be)?);
        return Ok(Exit::Done);
    }
    show(&engine, &would_be, output)?;
    Ok(Exit::Done)
}

/// The numbers of some removals.
#[derive(Debug, Default)]
struct Sums {
    accounts: u64,
    disabled: u64,
    removed: u64,
    came_back: u64,
    came_back_removed: u64,
}

impl Sums {
    fn of<'r>(removals: impl Iterator<Item = &'r Removal>) -> Self {
        let mut accounts = BTreeSet::new();
        let mut sums = Self::default();
        for removal in removals {
            accounts.insert(&removal.account);
            sums.disabled += u64::from(removal.disabled.is_some());
            sums.removed += u64::from(removal.removed.is_some());
            sums.came_back += u64::from(removal.came_back.is_some());
            sums.came_back_removed += u64::from(was_too_late(removal));
        }
        sums.accounts = accounts.len() as u64;
        sums
    }

    fn value(&self) -> Value {
        json!({
            "accounts": self.accounts, "disabled": self.disabled, "removed": self.removed,
            "came_back": self.came_back, "came_back_after_removal": self.came_back_removed,
        })
    }
}

/// Whether somebody came back to an account that would have been gone.
fn was_too_late(removal: &Removal) -> bool {
    let removed = removal.removed.zip(removal.came_back);
    removed.is_some_and(|(removed, back)| back.at >= removed)
}

fn show(engine: &Engine, would_be: &WouldBe, output: &Output) -> Result<(), Failure> {
    let supposed = &would_be.supposed;
    let (Some(from), Some(until)) = (supposed.from, supposed.until) else {
        output.data("Nothing was read yet, so that there is no history to go through.");
        output.hint("`exeunt sync` reads; the longer the history, the more it says");
        return Ok(());
    };
    output.data(&format!(
        "From {} to {}: {} that read something, {}.",
        from.day(),
        until.day(),
        plural(supposed.runs, "run"),
        plural(supposed.accounts, "account")
    ));
    let mut rows = Vec::new();
    for (policy, own) in would_be.set.policies.iter().zip(&would_be.own_days) {
        let own_removals = supposed.removals.iter();
        let sums = Sums::of(own_removals.filter(|r| r.policy == policy.name));
        rows.push(vec![
            policy.name.clone(),
            days(policy, *own),
            sums.accounts.to_string(),
            sums.disabled.to_string(),
            sums.removed.to_string(),
            sums.came_back.to_string(),
            sums.came_back_removed.to_string(),
        ]);
    }
    output.table(
        &[
            "policy",
            "days",
            "accounts",
            "disabled",
            "removed",
            "came back",
            "to a removed one",
        ],
        &rows,
    );
    output.data("");
    show_removals(engine, &supposed.removals, output)?;
    output.note(&format!(
        "{} would have been given",
        plural(supposed.warned, "warning")
    ));
    if supposed.hidden > 0 {
        output.note(&format!(
            "{} really disabled or removed before these rules would have said so: what they would \
             have come to cannot be seen",
            match supposed.hidden {
                1 => "1 account was".to_owned(),
                n => format!("{n} accounts were"),
            }
        ));
    }
    output.note(
        "supposed: every ring enforces, each step is approved and taken at once, no brake holds it, \
         nobody is left out by reviewers, and whoever comes back to a disabled account gets it back",
    );
    Ok(())
}

fn days(policy: &Policy, own: u64) -> String {
    match policy.after_days {
        days if days == own => days.to_string(),
        days => format!("{days} instead of {own}"),
    }
}

fn show_removals(engine: &Engine, removals: &[Removal], output: &Output) -> Result<(), Failure> {
    if removals.is_empty() {
        output.data("Nobody would have been disabled or removed.");
        return Ok(());
    }
    let mut rows = Vec::new();
    for one in removals {
        let day = |at: Option<Time>| at.map_or("-".to_owned(), Time::day);
        rows.push(vec![
            engine.called(&one.account)?,
            one.tenant.to_string(),
            one.policy.clone(),
            day(one.disabled),
            day(one.removed),
            one.came_back
                .map_or("-".to_owned(), |back| came_back(one, back)),
            code::says(one.because.as_str()),
        ]);
    }
    let header = [
        "account",
        "tenant",
        "policy",
        "disabled",
        "removed",
        "came back",
        "because",
    ];
    output.table(&header, &rows);
    Ok(())
}

fn came_back(removal: &Removal, back: CameBack) -> String {
    let how = match back.how {
        Return::Used => "used",
        Return::PersonBack => "the person is back",
        Return::Enabled => "enabled",
    };
    let after = tell::length(back.at.seconds_since(removal.at));
    let late = if was_too_late(removal) {
        ", TOO LATE"
    } else {
        ""
    };
    format!("{} ({how}, {after} later{late})", back.at.day())
}

fn document(engine: &Engine, would_be: &WouldBe) -> Result<Value, Failure> {
    let supposed = &would_be.supposed;
    let policies: Vec<_> = would_be
        .set
        .policies
        .iter()
        .zip(&would_be.own_days)
        .map(|(policy, own)| {
            let removals = supposed.removals.iter();
            let sums = Sums::of(removals.filter(|r| r.policy == policy.name));
            json!({
                "policy": policy.name, "when": policy.when, "after_days": policy.after_days,
                "own_after_days": own, "sums": sums.value(),
            })
        })
        .collect();
    let mut items = Vec::new();
    for one in &supposed.removals {
        let profile = engine.profile(&one.account)?;
        items.push(json!({
            "tenant": one.tenant, "account": profile.first(Profile::KEY), "subject": one.account,
            "email": profile.first(Profile::MAIL), "erased_by": null, "policy": one.policy,
            "when": one.when, "because": one.because, "since": one.since, "at": one.at,
            "disabled": one.disabled, "removed": one.removed, "came_back": one.came_back,
        }));
    }
    Ok(json!({
        "head": would_be.head, "from": supposed.from, "until": supposed.until,
        "runs": supposed.runs, "accounts": supposed.accounts, "warned": supposed.warned,
        "hidden": supposed.hidden, "policies": policies,
        "sums": Sums::of(supposed.removals.iter()).value(), "items": items,
    }))
}
