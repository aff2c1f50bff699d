//! What would be done, to whom, why, and whether it can be undone.

use std::collections::BTreeMap;

use crate::cli::clean::act::Stage;
use crate::cli::clean::ask::End;
use crate::cli::output::plural;
use crate::cli::plan::brake_says;
use crate::cli::plan::tripped;
use crate::cli::plan_file::undo_says;
use crate::domain::account::AccountState;
use crate::domain::code;
use crate::domain::id::Subject;
use crate::domain::rows::PlanRow;
use crate::domain::rows::Ruling;
use crate::domain::rows::StepRow;
use crate::domain::time::Time;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::decide::Judged;
use crate::engine::owned::Belongings;
use crate::engine::tell;
use crate::ledger::vault::Profile;

/// How many are named of those who stay for one reason.
const NAMED: usize = 4;

impl Stage<'_> {
    /// Shows the steps of a plan as a table, with what they mean.
    pub(super) fn show_steps(
        &self,
        engine: &Engine,
        steps: &[StepRow],
        judged: &[Judged],
        owned: &Belongings,
    ) -> Result<(), End> {
        let count = plural(steps.len() as u64, "account");
        let does = self.rule.does;
        self.ask.part(&format!(
            "What would be done in {}: {} {count}",
            self.answers.name,
            does.as_str()
        ));
        if let Some(step) = self.answers.kind.steps.iter().find(|s| s.does == does) {
            self.ask.say(&format!(
                "{} {}",
                step.effect,
                self.out.as_typed(&undo_says(step.undo))
            ));
        }
        let mut reasons: Vec<_> = steps.iter().map(|s| s.step.because.as_str()).collect();
        reasons.sort_unstable();
        reasons.dedup();
        if let [only] = reasons.as_slice() {
            self.ask.say(&format!("Why: {}", code::says(only)));
        }
        let owns = steps
            .iter()
            .any(|s| !owned.counted(&s.step.account).is_empty());
        let mut header = PERSON.to_vec();
        header.extend(owns.then_some("owns"));
        header.extend((reasons.len() > 1).then_some("why"));
        let rows = step_rows(engine, steps, judged, owned, &header)?;
        self.ask.say("");
        self.out.table(&header, &rows);
        self.show_owned(engine, owned, owns)
    }

    /// Shows whom a warning would be given.
    pub(super) fn show_warned(&self, engine: &Engine, judged: &[Judged]) -> Result<(), End> {
        let mut rows = Vec::new();
        for one in judged.iter().filter(|j| j.decision.verdict == Ruling::Warn) {
            rows.push(person(engine, &one.facts.account.subject, Some(one))?);
        }
        rows.sort();
        self.out.table(PERSON, &rows);
        Ok(())
    }

    fn show_owned(&self, engine: &Engine, owned: &Belongings, owns: bool) -> Result<(), End> {
        if owns {
            self.ask.say(&match &self.answers.successor {
                Some(successor) => format!("What they own goes to {successor}."),
                None => "Nobody takes over what they own.".to_owned(),
            });
        }
        for (account, why) in &owned.unread {
            let name = engine.called(account)?;
            self.ask
                .say(&format!("What {name} owns is not known: {why}"));
        }
        Ok(())
    }

    /// Says who stays although the rule is about them, and why; and how many others there are.
    pub(super) fn show_staying(
        &self,
        engine: &Engine,
        judged: &[Judged],
    ) -> Result<(), EngineError> {
        let mut groups: BTreeMap<&str, Vec<&Judged>> = BTreeMap::new();
        let of = |ruling: Ruling| judged.iter().filter(move |j| j.decision.verdict == ruling);
        for one in of(Ruling::Withhold) {
            groups.entry(kept_for(one)).or_default().push(one);
        }
        self.ask.say("");
        for (code, group) in groups {
            self.show_group(engine, code, &group)?;
        }
        let others = of(Ruling::Keep).count() as u64;
        if others > 0 {
            let others = plural(others, "other account");
            self.ask.say(&format!("It is not about {others}."));
        }
        Ok(())
    }

    fn show_group(
        &self,
        engine: &Engine,
        code: &str,
        group: &[&Judged],
    ) -> Result<(), EngineError> {
        let mut names = Vec::new();
        for one in group.iter().take(NAMED) {
            names.push(engine.called(&one.facts.account.subject)?);
        }
        if group.len() > NAMED {
            names.push(format!("and {} more", group.len() - NAMED));
        }
        let (names, why) = (names.join(", "), code::says(code));
        self.ask.say(&format!("Stays: {names}. {why}"));
        let from = group.iter().filter_map(|j| j.decision.due).min();
        if let Some(from) = from.filter(|_| !code.starts_with("block.")) {
            let from = tell::moment(from);
            self.ask.say(&format!("  That can be told from {from} on."));
        }
        Ok(())
    }

    /// Explains the brakes that hold a plan; how many of its steps can be taken today.
    pub(super) fn explain_brakes(
        &self,
        engine: &Engine,
        plan: &PlanRow,
        count: u64,
    ) -> Result<u64, End> {
        let limits = engine.limits()?;
        let mut today = count;
        let mut releases = false;
        let brakes = tripped(engine, plan)?;
        let first = brakes.iter().any(|b| b.window == "first-contact");
        if first {
            today = today.min(limits.ramp_per_day);
            releases = true;
            self.ask.say("");
            self.ask.say(
                "This is Exeunt's first clean-up of this tenant, and a mistake would look just \
                 like it. So a brake holds it until somebody who may approve has looked at the \
                 list above.",
            );
        }
        for brake in brakes.iter().filter(|b| b.window != "first-contact") {
            if brake.window == "ramp" {
                today = today.min(brake.limit.saturating_sub(brake.done));
                continue;
            }
            releases = true;
            self.ask.say("");
            let says = brake_says(brake);
            self.ask.say(&format!(
                "A brake holds it, since it is more than usual: {says}."
            ));
        }
        if releases {
            self.ask.say(
                "You are the only one who approves here: the number that you type also releases \
                 the brake, and that stands in the ledger under your name.",
            );
        }
        if today < count {
            self.ask.say(&format!(
                "A new tenant goes slowly on purpose: today {} of them, at most {} a day. Go on \
                 tomorrow with the same command: {}",
                today, limits.ramp_per_day, self.again
            ));
        }
        Ok(today)
    }
}

/// The rows of a table of steps, with the columns that its header names.
fn step_rows(
    engine: &Engine,
    steps: &[StepRow],
    judged: &[Judged],
    owned: &Belongings,
    header: &[&str],
) -> Result<Vec<Vec<String>>, EngineError> {
    let by_account: BTreeMap<&Subject, &Judged> = judged
        .iter()
        .map(|j| (&j.facts.account.subject, j))
        .collect();
    let mut rows = Vec::new();
    for row in steps {
        let account = &row.step.account;
        let mut cells = person(engine, account, by_account.get(account).copied())?;
        if header.contains(&"owns") {
            cells.push(owned.counted(account));
        }
        if header.contains(&"why") {
            cells.push(code::says(row.step.because.as_str()));
        }
        rows.push(cells);
    }
    rows.sort();
    Ok(rows)
}

/// What the tables begin with.
const PERSON: &[&str] = &["account", "name", "last used"];

fn person(
    engine: &Engine,
    sub: &Subject,
    judged: Option<&Judged>,
) -> Result<Vec<String>, EngineError> {
    let profile = engine.profile(sub)?;
    let called = engine.called(sub)?;
    // an invitation has no name yet
    let name = profile.first(Profile::NAME).filter(|name| *name != called);
    Ok(vec![
        called.clone(),
        name.unwrap_or_default().to_owned(),
        judged.map_or_else(String::new, last_used),
    ])
}

/// Why an account stays: what blocks it, or, where it is not known whether it is used, why not.
fn kept_for(judged: &Judged) -> &str {
    let decision = &judged.decision;
    match decision.blocked.first().map(|code| code.as_str()) {
        Some("block.unknown-activity") | None => decision.because.as_str(),
        Some(code) => code,
    }
}

/// When an account was used last, as far as is known.
fn last_used(judged: &Judged) -> String {
    let newest = judged.facts.activity.as_ref();
    let newest = newest.and_then(|a| a.newest.values().map(|mark| mark.since).max());
    let facts = &judged.facts.account.facts;
    match (newest, facts.state) {
        (Some(at), _) => at.day(),
        (None, AccountState::Invited) => match facts.created_at {
            Some(at) => format!("invited {}", at.day()),
            None => "invited".to_owned(),
        },
        (None, _) => "not known".to_owned(),
    }
}

/// The earliest moment at which an account that waits is due.
pub(super) fn next_due(judged: &[Judged]) -> Option<Time> {
    let waiting = judged.iter().filter(|j| j.decision.verdict == Ruling::Wait);
    waiting.filter_map(|j| j.decision.due).min()
}
