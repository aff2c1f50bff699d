//! `exeunt sync`, and what reads came to.

use std::collections::BTreeSet;

use serde_json::json;

use crate::cli::args::Cli;
use crate::cli::args::SyncArgs;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::failure::chain;
use crate::cli::failure::judge;
use crate::cli::leave::show_withdrawn;
use crate::cli::leave::withdrawn_value;
use crate::cli::output::Output;
use crate::cli::setup;
use crate::cli::tasks::followed_value;
use crate::cli::tasks::show_followed;
use crate::domain::code;
use crate::domain::source::Rehearsal;
use crate::domain::source::SourceKind;
use crate::domain::source::Verdict;
use crate::domain::trust;
use crate::domain::trust::Remedy;
use crate::engine::decide::Adoption;
use crate::engine::observe::Synced;
use crate::ledger::Access;

/// `exeunt sync`.
pub async fn sync(cli: &Cli, args: &SyncArgs, output: &Output) -> Result<Exit, Failure> {
    let engine = setup::open(cli, Access::Full, output)?;
    engine.compare_clocks(&args.sources).await?;
    let run = engine.start("sync", engine.service()?, None)?;
    let synced = engine.sync(&run, &args.sources).await?;
    let adoption = engine.adopt_policy(&run)?;
    let withdrawn = engine.follow_withdrawals(&run, &BTreeSet::new())?;
    let followed = engine.follow_tasks(&run)?;
    let exit = synced_exit(&synced);
    engine.finish(&run, exit.code())?;
    if output.json {
        let items: Vec<_> = synced.iter().map(synced_value).collect();
        output.document(&json!({
            "items": items, "withdrawn": withdrawn_value(&engine, &withdrawn)?,
            "tasks": followed_value(&followed), "exit": exit.code(),
        }));
        return Ok(exit);
    }
    show_synced(&synced, output);
    show_adoption(&adoption, output);
    show_withdrawn(&engine, &withdrawn, output)?;
    show_followed(&engine, &followed, output)?;
    if synced.is_empty() {
        output.note("no directory and no tenant is configured, so that nothing was read");
    } else if exit == Exit::Done {
        output.hint("`exeunt plan` decides; `exeunt status` shows where things stand");
    }
    Ok(exit)
}

pub(super) fn synced_value(synced: &Synced) -> serde_json::Value {
    json!({
        "source": synced.source, "kind": synced.kind, "verdict": synced.verdict,
        "because": synced.because, "count": synced.count, "missing": synced.missing,
        "rehearsal": synced.rehearsal,
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

pub(super) fn show_synced(synced: &[Synced], output: &Output) {
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
            show_suspect(one, output);
            continue;
        };
        output.error(&format!("{}: {}", one.source, chain(error)));
        let hint = judge(error).2;
        let known = one.because.first().and_then(|c| code::hint(c.as_str()));
        if let Some(hint) = hint.or(known) {
            output.hint(&hint);
        }
    }
}

/// What to do about a read that came to its end and is not believed, and what it would mean.
fn show_suspect(one: &Synced, output: &Output) {
    if one.verdict != Verdict::Suspect {
        return;
    }
    if let Some(rehearsal) = &one.rehearsal {
        output.note(&rehearsed(one, rehearsal));
    }
    for code in &one.because {
        // what a release settles has a command of its own below
        if trust::remedy(code) != Remedy::Release
            && let Some(hint) = code::hint(code.as_str())
        {
            output.hint(&format!("{code}: {hint}"));
        }
    }
    if let Some(digest) = one
        .digest
        .as_ref()
        .filter(|_| trust::is_releasable(&one.because))
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
}

/// What it would mean to believe a read, in words.
fn rehearsed(one: &Synced, rehearsal: &Rehearsal) -> String {
    let Rehearsal {
        missing,
        new,
        departing,
    } = rehearsal;
    let noun = match one.kind {
        SourceKind::Directory => "people",
        SourceKind::Tenant => "accounts",
    };
    let left = match (one.kind, *departing) {
        (SourceKind::Tenant, _) => String::new(),
        (_, count) => format!(", {count} more have left by what it says of them"),
    };
    format!(
        "{}: if this read were believed, {missing} {noun} who were known would be missing, {new} \
         would be new{left}. Whoever is missing counts as gone only after further complete reads \
         and when asked for by key",
        one.source
    )
}

fn short_digest(digest: &str) -> &str {
    let digest = digest.strip_prefix("sha256:").unwrap_or(digest);
    digest.get(..12).unwrap_or(digest)
}

pub(super) fn show_adoption(adoption: &Adoption, output: &Output) {
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
