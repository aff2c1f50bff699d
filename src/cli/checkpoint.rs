//! `exeunt checkpoint`, `proof` and `export`: what outsiders keep and check.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::cli::args::CheckpointArgs;
use crate::cli::args::Cli;
use crate::cli::args::ProofArgs;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::output::plural;
use crate::cli::private_file;
use crate::cli::setup;
use crate::domain::event::Actor;
use crate::domain::event::ActorKind;
use crate::evidence::export;
use crate::evidence::tlog_proof::Proof;
use crate::ledger::Access;
use crate::ledger::By;
use crate::ledger::Ledger;
use crate::ledger::store::SignedCheckpoint;

/// `exeunt checkpoint`.
pub fn checkpoint(cli: &Cli, args: &CheckpointArgs, output: &Output) -> Result<Exit, Failure> {
    let (config, ledger) = setup::open_ledger(cli, Access::Full)?;
    let by = By {
        run: ledger.run_id()?,
        actor: Actor {
            kind: ActorKind::Service,
            epoch: None,
            sub: None,
        },
    };
    ledger.heartbeat_if_due(&by, &config.cadence())?;
    ledger.sync()?;
    let made = ledger.checkpoint()?;
    let mut copied = None;
    if let Some(published) = setup::published(&config) {
        published.publish(&ledger, &made)?;
        copied = Some(published.newest_path(&made.origin));
    }
    if let Some(out) = &args.out {
        private_file::write(out, made.note.as_bytes())?;
    }
    let key = ledger.verifier_key()?.to_string();
    if output.json {
        output.document(&json!({
            "origin": made.origin, "size": made.size, "at": made.at, "key": key,
            "note": made.note, "out": args.out, "published": copied,
        }));
        return Ok(Exit::Done);
    }
    if args.out.is_none() {
        output.raw(made.note.trim_end_matches('\n'));
    }
    show(&made, &key, copied.as_deref(), output);
    Ok(Exit::Done)
}

fn show(made: &SignedCheckpoint, key: &str, copied: Option<&Path>, output: &Output) {
    output.note(&format!("it covers {}", plural(made.size, "entry")));
    output.note(&format!(
        "a policy to check it with, from you to the reader, by another way than the evidence:\n\
         log {key}\nquorum none"
    ));
    match copied {
        Some(path) => output.note(&format!("copied to {}", path.display())),
        None => {
            output.hint("give it to somebody outside: `publish` in [ledger] does that by itself")
        }
    }
}

/// The newest checkpoint, or what to do to have one.
fn newest(ledger: &Ledger) -> Result<SignedCheckpoint, Failure> {
    ledger.newest_checkpoint()?.ok_or_else(|| Failure {
        hint: Some("`exeunt checkpoint` signs one".to_owned()),
        ..Failure::plain("there is no checkpoint yet")
    })
}

/// The newest checkpoint, if it covers an entry.
fn covering(ledger: &Ledger, seq: u64) -> Result<SignedCheckpoint, Failure> {
    let size = ledger.view()?.head().size;
    if seq >= size {
        return Err(Failure::usage(
            format!(
                "there is no entry {seq}: the ledger has {}",
                plural(size, "entry")
            ),
            "`exeunt log` lists them",
        ));
    }
    let made = newest(ledger)?;
    if seq < made.size {
        return Ok(made);
    }
    Err(Failure {
        hint: Some("`exeunt checkpoint` signs one that does".to_owned()),
        ..Failure::plain(format!("no checkpoint covers entry {seq} yet"))
    })
}

/// `exeunt proof`.
pub fn proof(cli: &Cli, args: &ProofArgs, output: &Output) -> Result<Exit, Failure> {
    let (_, ledger) = setup::open_ledger(cli, Access::WithoutVault)?;
    let entry = args.out.with_extension("json");
    if entry == args.out {
        return Err(Failure::usage(
            "the proof would lie where its entry goes",
            format!(
                "name it {}",
                args.out.with_extension("tlog-proof").display()
            ),
        ));
    }
    let made = covering(&ledger, args.seq)?;
    // what is given out must be the tree that was signed for
    ledger.agrees_with(&made.note)?;
    let proven = ledger.prove(args.seq, made.size)?;
    let proof = Proof {
        index: args.seq,
        path: proven.path,
        checkpoint: made.note,
    };
    private_file::write(&entry, &proven.bytes)?;
    private_file::write(&args.out, proof.text().as_bytes())?;
    if output.json {
        output.document(&json!({
            "seq": args.seq, "size": made.size, "origin": made.origin, "proof": args.out,
            "entry": entry,
        }));
        return Ok(Exit::Done);
    }
    output.note(&format!(
        "entry {} of {}: {}, and its bytes in {}",
        args.seq,
        made.size,
        args.out.display(),
        entry.display()
    ));
    output.hint(&format!(
        "whoever gets both checks them with `exeunt verify {} --policy THEIRS`",
        args.out.display()
    ));
    Ok(Exit::Done)
}

/// `exeunt export tiles`.
pub fn tiles(cli: &Cli, dir: &Path, output: &Output) -> Result<Exit, Failure> {
    let (_, ledger) = setup::open_ledger(cli, Access::WithoutVault)?;
    if dir.exists() {
        return Err(Failure::usage(
            format!("{} is there already", dir.display()),
            "name a directory that is not there yet",
        ));
    }
    let made = newest(&ledger)?;
    let parent = dir.parent().filter(|p| !p.as_os_str().is_empty());
    let fresh = tempfile::Builder::new()
        .prefix(".exeunt-tiles-")
        .tempdir_in(parent.unwrap_or(Path::new(".")))
        .map_err(|e| private_file::failure(dir, &e))?;
    export::tiles(&ledger, &made, fresh.path())?;
    fs::rename(fresh.path(), dir).map_err(|e| private_file::failure(dir, &e))?;
    // it has its name: nothing is taken away any more
    let _ = fresh.keep();
    let left = ledger.view()?.head().size - made.size;
    if output.json {
        output.document(&json!({
            "dir": dir, "origin": made.origin, "size": made.size, "left_out": left,
        }));
        return Ok(Exit::Done);
    }
    output.note(&format!(
        "{} in {}",
        plural(made.size, "entry"),
        dir.display()
    ));
    if left > 0 {
        output.hint(&format!(
            "{} came after the newest checkpoint: `exeunt checkpoint` covers them",
            plural(left, "entry")
        ));
    }
    Ok(Exit::Done)
}
