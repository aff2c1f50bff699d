//! `exeunt reopen`: an approver lets the ledger go on after an older copy of it or of its vault was put
//! back, or the vault was lost.

use std::io::IsTerminal as _;
use std::sync::Arc;

use serde_json::json;

use crate::cli::args::Cli;
use crate::cli::args::ReopenArgs;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::output::plural;
use crate::cli::person::os_user;
use crate::cli::setup;
use crate::config::Config;
use crate::domain::lost::LostKind;
use crate::engine::reopen::WentOn;
use crate::ledger::Ledger;
use crate::ledger::entropy::Entropy;
use crate::ledger::entropy::SystemEntropy;
use crate::ledger::revault::Loss;

/// `exeunt reopen`.
pub fn reopen(cli: &Cli, args: &ReopenArgs, output: &Output) -> Result<Exit, Failure> {
    let config = Config::load(&cli.config)?;
    let paths = setup::paths(&config)?;
    // nobody else may be at work in what may have another past
    let _claim = Ledger::claim_closed(&paths)?;
    let placed = Ledger::place_named_vault(&paths)?;
    if let Some(seq) = placed {
        output.note(&format!(
            "an approver had let the ledger go on with another vault (entry #{seq}); it is in its \
             place now"
        ));
    }
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let loss = match args.vault {
        true => Ledger::vault_loss(&paths, &entropy)?,
        false => None,
    };
    if loss.is_none() && !args.ledger {
        return match placed {
            Some(_) => Ok(Exit::Done),
            None => Err(Failure::usage(
                "the vault fits the ledger: there is nothing to reopen",
                "`exeunt status` says how it stands",
            )),
        };
    }
    if let Some(loss) = &loss {
        confirm(loss, args.confirm, output)?;
    }
    let mut engine = setup::open_lost(cli, args.ledger, loss, output)?;
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
        document(&went_on, engine.ledger.origin(), output);
        return Ok(Exit::Done);
    }
    show(&went_on, engine.ledger.origin(), output);
    Ok(Exit::Done)
}

/// Has the number of those typed whose values are given up, so that nobody gives up what merely lies
/// somewhere else.
fn confirm(loss: &Loss, given: Option<u64>, output: &Output) -> Result<(), Failure> {
    let count = loss.values();
    if count == 0 {
        return Ok(());
    }
    let whom = whom(loss);
    let typed = match given {
        Some(typed) => Some(typed),
        None if std::io::stdin().is_terminal() => {
            output.ask(&format!(
                "{}. The names and addresses of {whom} will be lost for ever. Type their number \
                 ({count}) to give them up:",
                loss.why
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
            "reopen.wrong-number",
            format!("the values of {whom} would be lost, not of {typed}"),
            "look again what is missing; nothing was changed",
        )),
        None => Err(Failure::refused(
            "reopen.not-confirmed",
            format!("{}: the values of {whom} would be lost for ever", loss.why),
            format!(
                "look for a newer copy of the vault and for the key first; if there is none: \
                 --confirm {count}"
            ),
        )),
    }
}

fn whom(loss: &Loss) -> String {
    format!(
        "{} and {}",
        people(loss.count(LostKind::Person)),
        plural(loss.count(LostKind::Account), "account")
    )
}

fn people(count: u64) -> String {
    match count {
        1 => "1 person".to_owned(),
        count => format!("{count} people"),
    }
}

fn document(went_on: &WentOn, origin: &str, output: &Output) {
    let vault = went_on.why.vault.as_ref().map(|loss| {
        json!({
            "people": loss.count(LostKind::Person), "accounts": loss.count(LostKind::Account),
            "leaves": loss.leaves, "holds": went_on.holds,
        })
    });
    output.document(&json!({
        "seq": went_on.seq, "origin": origin, "kept": went_on.why.kept,
        "known": went_on.why.known.as_ref().map(|known| known.entries),
        "plans_void": went_on.plans, "vault": vault,
    }));
}

fn show(went_on: &WentOn, origin: &str, output: &Output) {
    if went_on.why.entries {
        let kept = plural(went_on.why.kept, "entry");
        let knew = match &went_on.why.known {
            Some(known) => format!("the head lock knew {}", plural(known.entries, "entry")),
            None => "the head lock was lost too".to_owned(),
        };
        output.data(&format!(
            "the ledger goes on from a copy of {kept} ({knew}), as {origin}: entry #{}",
            went_on.seq
        ));
    }
    if let Some(loss) = &went_on.why.vault {
        show_vault(went_on, loss, output);
    }
    if went_on.plans > 0 {
        output.note(&format!("{} void", plural(went_on.plans, "plan")));
    }
    let what = match went_on.why.entries {
        true => "what was said after the copy was made is lost: say it again",
        false => {
            "what was said about those who are lost is lost with them, but for holds: say it again"
        }
    };
    output.hints(
        what,
        &[
            "who leaves now (`exeunt leave`), what was linked or accepted, halts, the policy".to_owned(),
            "then `exeunt sync`: everything is first contact again, and the first plan waits for a release"
                .to_owned(),
        ],
    );
}

fn show_vault(went_on: &WentOn, loss: &Loss, output: &Output) {
    let from = match loss.found {
        Some(_) => "from an older copy of its vault",
        None => "with a new vault",
    };
    output.data(&format!(
        "the ledger goes on {from}: the values of {} are lost (entry #{}); what was there lies beside \
         it, as *.before-{}",
        whom(loss),
        went_on.seq,
        went_on.seq
    ));
    if went_on.holds > 0 {
        output.data(&format!(
            "{} over somebody who is lost: every account that could be meant is withheld. `exeunt hold \
             list` shows them; place each anew, then an approver lifts the old one",
            plural(went_on.holds, "hold")
        ));
    }
    if loss.leaves > 0 {
        output.data(&format!(
            "{} about who leaves: nobody knows any more about whom (`exeunt status` names the entries)",
            plural(loss.leaves, "word")
        ));
    }
    if loss.found.is_none() {
        output.note(
            "what the policy that rules says of addresses and approvers cannot be compared any more: an \
             approver adopts it anew after the next `exeunt sync`, and nothing is sent before",
        );
    }
}
