//! Plans as JSON: what `plan --json` prints and what a plan's file holds, and the check of such a
//! file against the ledger.

use std::path::Path;

use serde_json::Value;
use serde_json::json;

use crate::cli::failure::Failure;
use crate::cli::private_file;
use crate::domain::account::Do;
use crate::domain::id::Subject;
use crate::domain::rows::AccountRow;
use crate::domain::rows::ActivityRow;
use crate::domain::rows::Kind;
use crate::domain::rows::PlanRow;
use crate::domain::rows::Ruling;
use crate::domain::rows::Step;
use crate::domain::rows::StepRow;
use crate::domain::time::DAY_SECONDS;
use crate::domain::time::Time;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::decide::Judged;
use crate::engine::owned::Belongings;
use crate::ledger::vault::Profile;
use crate::provider::Undo;

/// The document of a plan; without one, of what there is to say.
pub fn document(
    engine: &Engine,
    plan: Option<&PlanRow>,
    judged: &[Judged],
    owned: &Belongings,
) -> Result<Value, EngineError> {
    let withheld = withheld(engine, judged)?;
    let Some(plan) = plan else {
        return Ok(json!({
            "plan": null, "digest": null, "head": null, "now": null, "expires_at": null,
            "steps": [], "withheld": withheld, "breakers": [], "no_successor": [],
        }));
    };
    let mut steps = Vec::new();
    for step in engine.steps_of(plan)? {
        steps.push(step_value(engine, &step, owned)?);
    }
    Ok(json!({
        "plan": plan.plan,
        "digest": plan.digest,
        "head": head_of(engine, plan)?,
        "now": plan.now,
        "expires_at": plan.expires_at,
        "steps": steps,
        "withheld": withheld,
        "breakers": plan.breakers,
        "no_successor": no_successor(engine, plan)?,
    }))
}

/// The head that a plan was made of.
fn head_of(engine: &Engine, plan: &PlanRow) -> Result<Value, EngineError> {
    let view = engine.ledger.view()?;
    let created = view.entry(plan.seq)?;
    let created = created.and_then(|e| e.payload::<crate::domain::event::PlanCreated>());
    let Some(created) = created else {
        return Ok(Value::Null);
    };
    // The link of the last entry that counted stands in the one after it.
    let after = view.entry(created.head)?;
    Ok(json!({ "seq": created.head.saturating_sub(1), "link": after.map(|e| e.prev) }))
}

fn step_value(engine: &Engine, row: &StepRow, owned: &Belongings) -> Result<Value, EngineError> {
    let step = &row.step;
    let profile = engine.profile(&step.account)?;
    let view = engine.ledger.view()?;
    let activity = view.row::<ActivityRow>(Kind::Activity, step.account.as_str())?;
    let last = activity.and_then(|a| a.newest.values().map(|m| m.since).max());
    let evidence = view
        .decision(step.decision)?
        .map(|decision| decision.evidence)
        // what gives back rests on the command that took away
        .unwrap_or_else(|| vec![step.decision]);
    let kind = engine.tenant(&step.tenant).map(|t| t.adapter.kind());
    let back = kind
        .and_then(|kind| kind.restore)
        .filter(|_| step.does == Do::Restore);
    let effect = kind.and_then(|kind| kind.steps.iter().find(|s| s.does == step.does));
    Ok(json!({
        "tenant": step.tenant,
        "account": profile.first(Profile::KEY),
        "subject": step.account,
        "email": profile.first(Profile::MAIL),
        "name": profile.first(Profile::NAME),
        "policy": step.policy,
        "do": step.does,
        "effect": effect.map(|s| s.effect).or(back),
        "because": step.because,
        "last_activity": last,
        "owned": owned_value(owned, &step.account),
        "successor": successor_value(engine, step)?,
        "undoable_until": effect.and_then(|s| undoable_until(s.undo, engine.clock.now())),
        "undo": effect.map(|s| undo_says(s.undo)),
        "evidence": evidence,
    }))
}

fn owned_value(owned: &Belongings, account: &Subject) -> Vec<Value> {
    let items = owned.of.get(account).into_iter().flatten();
    items
        .map(|o| json!({ "kind": o.kind, "id": o.id, "name": o.name }))
        .collect()
}

/// Who takes over: the address, else the pseudonym.
fn successor_value(engine: &Engine, step: &Step) -> Result<Value, EngineError> {
    let Some(successor) = &step.successor else {
        return Ok(Value::Null);
    };
    Ok(json!(engine.called(successor)?))
}

/// Until when a step can be undone if it is taken at `at`; nothing where there is no such day.
pub fn undoable_until(undo: Undo, at: Time) -> Option<Time> {
    match undo {
        Undo::Vendor(days, _) => Some(at.plus_seconds(i64::from(days) * DAY_SECONDS)),
        Undo::Restore | Undo::Never(_) => None,
    }
}

/// Whether and how a step can be undone, as a sentence.
pub fn undo_says(undo: Undo) -> String {
    match undo {
        Undo::Restore => "`exeunt restore` gives it back until it is removed.".to_owned(),
        Undo::Vendor(days, how) => format!("Can be undone for {days} days. {how}"),
        Undo::Never(nearest) => format!("Cannot be undone. {nearest}"),
    }
}

/// The steps that nobody can take over from: they are withheld until another successor is adopted.
fn no_successor(engine: &Engine, plan: &PlanRow) -> Result<Vec<Value>, EngineError> {
    let mut items = Vec::new();
    for (row, successor) in engine.without_successor(&engine.steps_left(plan)?)? {
        let profile = engine.profile(&row.step.account)?;
        items.push(json!({
            "tenant": row.step.tenant,
            "account": profile.first(Profile::KEY),
            "subject": row.step.account,
            "email": profile.first(Profile::MAIL),
            "successor": engine.called(&successor)?,
        }));
    }
    Ok(items)
}

fn withheld(engine: &Engine, judged: &[Judged]) -> Result<Vec<Value>, EngineError> {
    let mut items = Vec::new();
    for one in judged
        .iter()
        .filter(|j| j.decision.verdict == Ruling::Withhold)
    {
        let account: &AccountRow = &one.facts.account;
        let profile = engine.profile(&account.subject)?;
        let code = one
            .decision
            .blocked
            .first()
            .unwrap_or(&one.decision.because);
        items.push(json!({
            "tenant": account.tenant,
            "account": profile.first(Profile::KEY),
            "subject": account.subject,
            "email": profile.first(Profile::MAIL),
            "because": code,
        }));
    }
    Ok(items)
}

/// Finds the plan that is meant: by its file, which must say what the ledger says, or by its
/// digest.
pub fn find(engine: &Engine, named: &str) -> Result<PlanRow, Failure> {
    let path = Path::new(named);
    if !path.is_file() {
        return Ok(engine.plan_named(named)?);
    }
    let unreadable = |what: String| Failure::plain(format!("{named} is no plan's file: {what}"));
    let text = std::fs::read_to_string(path).map_err(|e| unreadable(e.to_string()))?;
    let file: Value = serde_json::from_str(&text).map_err(|e| unreadable(e.to_string()))?;
    let digest = file.get("digest").and_then(Value::as_str);
    let digest = digest.ok_or_else(|| unreadable("it has no digest".to_owned()))?;
    let plan = engine.plan_named(digest)?;
    check(engine, &plan, &file, named)?;
    Ok(plan)
}

/// Refuses a file that was changed: somebody may have approved what they read there.
fn check(engine: &Engine, plan: &PlanRow, file: &Value, named: &str) -> Result<(), Failure> {
    let changed = |what: &str| {
        Failure::refused(
            "plan.file-changed",
            format!("{named} does not say what the ledger says: {what}"),
            "make the file anew with `exeunt plan --out FILE`; nothing was done",
        )
    };
    let field = |name: &str| file.get(name).and_then(Value::as_str);
    if field("digest") != Some(plan.digest.as_str()) || field("plan") != Some(plan.plan.as_str()) {
        return Err(changed("its digest is another one"));
    }
    let listed = file.get("steps").and_then(Value::as_array);
    let listed = listed.ok_or_else(|| changed("it has no steps"))?;
    let steps = engine.steps_of(plan)?;
    if listed.len() != steps.len() {
        return Err(changed("it has another number of steps"));
    }
    for (shown, row) in listed.iter().zip(&steps) {
        let own = step_value(engine, row, &Belongings::default())?;
        let fields = [
            "tenant",
            "account",
            "subject",
            "email",
            "name",
            "policy",
            "do",
            "effect",
            "because",
            "successor",
        ];
        if fields.iter().any(|f| shown.get(*f) != own.get(*f)) {
            return Err(changed(&format!("step {} is another one", row.number + 1)));
        }
    }
    Ok(())
}

/// Writes a plan's file, readable by its owner only: it has names in it.
pub fn write(path: &Path, document: &Value) -> Result<(), Failure> {
    let text =
        serde_json::to_string_pretty(document).map_err(|e| private_file::failure(path, &e))?;
    private_file::write(path, format!("{text}\n").as_bytes())
}
