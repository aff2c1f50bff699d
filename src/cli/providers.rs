//! `exeunt provider list`: what each provider can do, as a table.

use serde_json::Value;
use serde_json::json;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::plan_file::undo_says;
use crate::config::mistake::nearest;
use crate::provider::Identity;
use crate::provider::KINDS;
use crate::provider::Key;
use crate::provider::Kind;
use crate::provider::Step;
use crate::provider::Undo;

/// `exeunt provider list`.
pub fn providers(output: &Output) -> Exit {
    if output.json {
        let items: Vec<_> = KINDS.iter().map(kind_value).collect();
        output.document(&json!({ "items": items }));
        return Exit::Done;
    }
    let rows: Vec<Vec<String>> = KINDS.iter().flat_map(rows_of).collect();
    let header = [
        "provider",
        "can",
        "undo",
        "hands over",
        "activity from",
        "ids",
    ];
    output.table(&header, &rows);
    output.hint("`exeunt provider show NAME` says what one needs and what its steps mean there");
    Exit::Done
}

/// `exeunt provider show`.
pub fn provider(name: &str, output: &Output) -> Result<Exit, Failure> {
    let Some(kind) = KINDS.iter().find(|k| k.name == name) else {
        let known: Vec<_> = KINDS.iter().map(|k| k.name).collect();
        return Err(Failure::usage(
            format!("there is no provider `{name}`"),
            nearest(name, &known),
        ));
    };
    if output.json {
        output.document(&json!({ "items": [kind_value(kind)] }));
        return Ok(Exit::Done);
    }
    show(kind, output);
    Ok(Exit::Done)
}

fn show(kind: &Kind, output: &Output) {
    output.data(&format!("{} ({})", kind.title, kind.name));
    for step in kind.steps {
        output.data(&format!("  {}: {}", step.does.as_str(), step.effect));
        output.data(&format!("    {}", undo_says(step.undo)));
    }
    if let Some(restore) = kind.restore {
        output.data(&format!("  restore: {restore}"));
    }
    output.data(&format!("  needs: {}", kind.needs));
    output.data(&format!("  limits: {}", kind.limits));
    output.data("  keys of [[tenant]]:");
    for key in kind.keys {
        let optional = if key.needed { "" } else { " (optional)" };
        output.data(&format!("    {}{optional}: {}", key.name, key.says));
    }
}

fn kind_value(kind: &Kind) -> Value {
    let steps: Vec<_> = kind.steps.iter().map(step_value).collect();
    let keys: Vec<_> = kind.keys.iter().map(key_value).collect();
    json!({
        "name": kind.name, "title": kind.title, "steps": steps, "restore": kind.restore,
        "signals": kind.signals, "reusable_ids": kind.identity == Identity::Reusable,
        "external_id": kind.external_id, "needs": kind.needs, "limits": kind.limits,
        "keys": keys,
    })
}

fn step_value(step: &Step) -> Value {
    json!({
        "do": step.does, "effect": step.effect, "reversible": step.reversible(),
        "undo": undo_says(step.undo), "hands_over": step.hands_over,
    })
}

fn key_value(key: &Key) -> Value {
    json!({
        "name": key.name, "says": key.says, "secret": key.secret, "needed": key.needed,
    })
}

fn rows_of(kind: &Kind) -> Vec<Vec<String>> {
    let row = |step: &Step| {
        vec![
            kind.name.to_owned(),
            step.does.as_str().to_owned(),
            undo_word(step.undo),
            if step.hands_over { "yes" } else { "no" }.to_owned(),
            signals(kind),
            match kind.identity {
                Identity::Immutable => "fixed",
                Identity::Reusable => "can be used again",
            }
            .to_owned(),
        ]
    };
    kind.steps.iter().map(row).collect()
}

fn undo_word(undo: Undo) -> String {
    match undo {
        Undo::Restore => "restore".to_owned(),
        Undo::Vendor(days, _) => format!("{days} days, by the vendor"),
        Undo::Never(_) => "never".to_owned(),
    }
}

fn signals(kind: &Kind) -> String {
    let names: Vec<_> = kind
        .signals
        .iter()
        .filter_map(|s| Some(serde_json::to_value(s).ok()?.as_str()?.to_owned()))
        .collect();
    if names.is_empty() {
        "nothing".to_owned()
    } else {
        names.join(", ")
    }
}
