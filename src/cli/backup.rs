//! `exeunt backup`: ledger, vault and keys, each in a directory of its own, checked.

use std::fs;
use std::path::Path;

use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

use crate::cli::args::BackupArgs;
use crate::cli::args::Cli;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::output::plural;
use crate::cli::person::os_user;
use crate::cli::private_file;
use crate::cli::setup;
use crate::ledger::Access;
use crate::ledger::backup::Backup;
use crate::ledger::backup::Copied;
use crate::ledger::backup::Part;

/// What lies in the backup for whoever finds it.
const README: &str = include_str!("backup.txt");

/// `exeunt backup`.
pub fn backup(cli: &Cli, args: &BackupArgs, output: &Output) -> Result<Exit, Failure> {
    let engine = setup::open(cli, Access::Full, output)?;
    if args.out.exists() {
        return Err(Failure::usage(
            format!("{} is there already", args.out.display()),
            "name a directory that is not there yet, such as one with today's date",
        ));
    }
    let fresh = fresh(&args.out)?;
    let run = engine.start("backup", engine.claimed(&os_user())?, None)?;
    let made = engine.ledger.backup(fresh.path()).map_err(Failure::from);
    let made = made.and_then(|made| {
        finished(
            fresh,
            &args.out,
            &made,
            engine.clock.now().to_seconds_text(),
        )?;
        Ok(made)
    });
    let made = match made {
        Ok(made) => made,
        Err(failure) => {
            engine.finish(&run, failure.exit.code())?;
            return Err(failure);
        }
    };
    let seq = engine.backup_made(&run, &made)?;
    engine.finish(&run, Exit::Done.code())?;
    if output.json {
        output.document(&document(&args.out, &made, seq));
        return Ok(Exit::Done);
    }
    show(&args.out, &made, seq, output);
    Ok(Exit::Done)
}

/// A directory beside the one that it will become; gone with everything in it unless it does.
fn fresh(out: &Path) -> Result<TempDir, Failure> {
    let parent = out.parent().filter(|p| !p.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    tempfile::Builder::new()
        .prefix(".exeunt-backup-")
        .tempdir_in(parent)
        .map_err(|e| private_file::failure(out, &e))
}

/// Adds what says what this is, and gives the whole its name.
fn finished(fresh: TempDir, out: &Path, made: &Backup, at: String) -> Result<(), Failure> {
    let said = |e: &dyn std::fmt::Display| private_file::failure(out, e);
    let about = json!({
        "at": at, "entries": made.entries, "link": made.link, "vault": made.vault,
        "files": made.files.iter().map(value).collect::<Vec<_>>(),
    });
    private_file::write(&fresh.path().join("README.txt"), README.as_bytes())?;
    private_file::write(
        &fresh.path().join("backup.json"),
        format!("{about:#}\n").as_bytes(),
    )?;
    fs::rename(fresh.path(), out).map_err(|e| said(&e))?;
    // it has its name: nothing is taken away any more
    let _ = fresh.keep();
    Ok(())
}

fn value(file: &Copied) -> Value {
    json!({
        "part": file.part.as_str(), "file": file.name, "bytes": file.bytes,
        "sha256": file.sha256,
    })
}

fn document(out: &Path, made: &Backup, seq: u64) -> Value {
    json!({
        "dir": out, "entries": made.entries, "link": made.link, "vault": made.vault,
        "files": made.files.iter().map(value).collect::<Vec<_>>(), "seq": seq,
    })
}

fn show(out: &Path, made: &Backup, seq: u64, output: &Output) {
    let rows: Vec<_> = made
        .files
        .iter()
        .map(|file| {
            let keep = match file.part {
                Part::Ledger => "evidence, no names",
                Part::Vault => "personal data, sealed: never beside the keys",
                Part::Keys => "opens the vault: never beside it",
            };
            let path = Path::new(file.part.as_str()).join(&file.name);
            vec![
                path.display().to_string(),
                file.bytes.to_string(),
                keep.to_owned(),
            ]
        })
        .collect();
    output.table(&["file", "bytes", "what it is"], &rows);
    output.note(&format!(
        "{} copied to {} and checked; noted as entry #{seq}",
        plural(made.entries, "entry"),
        out.display()
    ));
    output.hint(
        "move the three directories to three places; README.txt in it says how to put them back",
    );
}
