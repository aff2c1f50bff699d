//! `exeunt reopen`: an approver lets the ledger go on after an older copy of it was put back.

use serde_json::json;

use crate::cli::args::Cli;
use crate::cli::args::ReopenArgs;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::output::plural;
use crate::cli::person::os_user;
use crate::cli::setup;
use crate::engine::reopen::WentOn;

/// `exeunt reopen`.
pub fn reopen(cli: &Cli, args: &ReopenArgs, output: &Output) -> Result<Exit, Failure> {
    let mut engine = setup::open_lost(cli, output)?;
    // nobody else may be at work in what may have another past
    let _claim = engine.ledger.claim_lease()?;
    if let Some(seq) = engine.ledger.half_reopened()? {
        engine.ledger.relock()?;
        output.note(&format!(
            "an approver had let the ledger go on (entry #{seq}); the head lock fits it now"
        ));
        return Ok(Exit::Done);
    }
    let signer = engine.signer(&os_user(), args.key.as_deref())?;
    let went_on = engine.reopen(&signer, &args.reason)?;
    if output.json {
        output.document(&json!({
            "seq": went_on.seq, "origin": engine.ledger.origin(), "kept": went_on.why.kept,
            "known": went_on.why.known.as_ref().map(|known| known.entries),
            "plans_void": went_on.plans,
        }));
        return Ok(Exit::Done);
    }
    show(&went_on, engine.ledger.origin(), output);
    Ok(Exit::Done)
}

fn show(went_on: &WentOn, origin: &str, output: &Output) {
    let kept = plural(went_on.why.kept, "entry");
    let knew = match &went_on.why.known {
        Some(known) => format!("the head lock knew {}", plural(known.entries, "entry")),
        None => "the head lock was lost too".to_owned(),
    };
    output.data(&format!(
        "the ledger goes on from a copy of {kept} ({knew}), as {origin}: entry #{}",
        went_on.seq
    ));
    if went_on.plans > 0 {
        output.note(&format!("{} void", plural(went_on.plans, "plan")));
    }
    output.hints(
        "what was said after the copy was made is lost: say it again",
        &[
            "who leaves now (`exeunt leave`), what was linked or accepted, halts, the policy".to_owned(),
            "then `exeunt sync`: everything is first contact again, and the first plan waits for a release"
                .to_owned(),
        ],
    );
}
