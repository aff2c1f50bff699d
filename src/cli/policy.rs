//! `exeunt policy`.

use serde_json::json;

use crate::cli::args::Cli;
use crate::cli::args::PolicyCommand;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::observe::show_adoption;
use crate::cli::output::Output;
use crate::cli::person::os_user;
use crate::cli::setup;
use crate::domain::loosen::loosens;
use crate::domain::rows::Kind;
use crate::domain::rows::PolicyRow;
use crate::engine::decide::Adoption;
use crate::ledger::Access;

/// `exeunt policy`.
pub fn policy(cli: &Cli, command: &PolicyCommand, output: &Output) -> Result<Exit, Failure> {
    match command {
        PolicyCommand::Diff => policy_diff(cli, output),
        PolicyCommand::Propose => {
            let engine = setup::open(cli, Access::Full, output)?;
            let by = engine.claimed(&os_user())?;
            let run = engine.start("policy propose", by, None)?;
            let adoption = engine.adopt_policy(&run)?;
            engine.finish(&run, 0)?;
            if adoption == Adoption::Rules {
                output.note("the policy of exeunt.toml is the one that rules");
            }
            show_adoption(&adoption, output);
            Ok(Exit::Done)
        }
        PolicyCommand::Approve(args) => {
            let engine = setup::open(cli, Access::Full, output)?;
            let signer = engine.signer(&os_user(), args.key.as_deref())?;
            let seq = engine.adopt_proposed(&signer, &args.reason)?;
            output.note(&format!(
                "the proposed policy rules from here on (entry #{seq})"
            ));
            output.note("plans that were made under the old one cannot be carried out any more");
            Ok(Exit::Done)
        }
    }
}

fn policy_diff(cli: &Cli, output: &Output) -> Result<Exit, Failure> {
    let engine = setup::open(cli, Access::ReadOnly, output)?;
    let new = engine.configured_policy()?;
    let adopted = engine.adopted_policy()?;
    let old = adopted.as_ref().map(|(_, set)| set);
    let loosened = loosens(old, &new);
    let view = engine.ledger.view()?;
    let proposed = view.row::<PolicyRow>(Kind::Policy, "proposed")?;
    let same = old == Some(&new);
    if output.json {
        output.document(&json!({
            "rules": adopted.as_ref().map(|(seq, _)| seq), "same": same, "loosens": loosened,
            "proposed": proposed.map(|p| p.seq), "adopted": old, "configured": new,
        }));
        return Ok(Exit::Done);
    }
    if same {
        output.data("the policy of exeunt.toml is the one that rules");
    } else if loosened.is_empty() {
        output
            .data("exeunt.toml differs and loosens nothing: the next sync, plan or run adopts it");
    } else {
        output.data("exeunt.toml loosens:");
        for line in &loosened {
            output.data(&format!("  {line}"));
        }
        output.hints(
            "to let it rule:",
            &[
                "exeunt policy propose".to_owned(),
                "exeunt policy approve --reason \"…\"   # an approver".to_owned(),
            ],
        );
    }
    Ok(Exit::Done)
}
