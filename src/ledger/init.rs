//! Makes ledger, vault, head lock and keys together, or none of them.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::domain::event::Actor;
use crate::domain::event::ActorKind;
use crate::domain::event::Draft;
use crate::domain::event::LedgerOpened;
use crate::files;
use crate::ledger::By;
use crate::ledger::InitOptions;
use crate::ledger::Paths;
use crate::ledger::chain;
use crate::ledger::commit;
use crate::ledger::entropy;
use crate::ledger::entropy::Entropy;
use crate::ledger::error::LedgerError;
use crate::ledger::headlock::Locked;
use crate::ledger::keys;
use crate::ledger::sqlite::SqliteStore;
use crate::ledger::store::Head;
use crate::ledger::vault::Kek;
use crate::ledger::vault::Vault;

/// What a file is called until all of them are ready.
const FRESH: &str = ".init";

/// The note that all files are ready and only their names are still to be changed.
///
/// While it is there the ledger is not: `open` says so, and `init` goes on from here. Nothing that
/// is in place is ever taken away again.
#[derive(Debug, Serialize, Deserialize)]
struct Ready {
    moves: Vec<(PathBuf, PathBuf)>,
}

/// Whether an `init` was interrupted after everything was ready.
pub(crate) fn is_interrupted(paths: &Paths) -> bool {
    note(paths).exists()
}

fn note(paths: &Paths) -> PathBuf {
    files::beside(&paths.ledger, ".init-ready")
}

/// Makes the four, or finishes what an interrupted `init` had ready.
pub(crate) fn init(
    paths: &Paths,
    options: &InitOptions,
    clock: &dyn Clock,
    entropy: &Arc<dyn Entropy>,
) -> Result<(), LedgerError> {
    if !sound_origin(&options.origin) {
        return Err(LedgerError::Usage {
            what: "an origin has no spaces and no `+`, like example.com/exeunt".to_owned(),
        });
    }
    if is_interrupted(paths) {
        return finish(paths);
    }
    let places = places(paths);
    refuse_what_is_there(paths, &places)?;
    let made_directory = !paths.keys.exists();
    if made_directory {
        files::make_directory(&paths.keys).map_err(|e| unmade(&paths.keys, e))?;
    }
    // leftovers of an init that was interrupted before everything was ready: never used
    sweep(&places);
    let prepared = prepare(paths, options, clock, entropy).and_then(|()| {
        let ready = Ready {
            moves: places.iter().map(|p| (fresh(p), p.clone())).collect(),
        };
        let text = serde_json::to_vec(&ready)
            .map_err(|e| LedgerError::unavailable("init cannot be noted", e))?;
        for place in &places {
            files::sync_names(place).map_err(|e| unmade(place, e))?;
        }
        files::replace(&note(paths), &text).map_err(|e| unmade(&note(paths), e))?;
        files::sync_names(&paths.ledger).map_err(|e| unmade(&paths.ledger, e))
    });
    if let Err(error) = prepared {
        sweep(&places);
        if made_directory {
            // only an empty directory goes
            let _ = fs::remove_dir(&paths.keys);
        }
        return Err(error);
    }
    finish(paths)
}

/// Gives the files their names, the ledger last.
fn finish(paths: &Paths) -> Result<(), LedgerError> {
    let note = note(paths);
    let ready: Ready = fs::read(&note)
        .map_err(|e| unmade(&note, e))
        .and_then(|bytes| {
            serde_json::from_slice(&bytes).map_err(|_| {
                LedgerError::cannot_judge(
                    format!("{} is damaged", note.display()),
                    "nothing was in use yet: take the new files away and run init again",
                )
            })
        })?;
    for (from, to) in &ready.moves {
        match (from.exists(), to.exists()) {
            (true, false) => fs::rename(from, to).map_err(|e| unmade(to, e))?,
            (false, true) => {}
            _ => {
                return Err(LedgerError::cannot_judge(
                    format!("an interrupted init left {} unclear", to.display()),
                    "look which of the files are yours; nothing of the new ones was in use yet",
                ));
            }
        }
        files::sync_names(to).map_err(|e| unmade(to, e))?;
    }
    fs::remove_file(&note).map_err(|e| unmade(&note, e))?;
    files::sync_names(&note).map_err(|e| unmade(&note, e))
}

/// The files in the order in which they get their names.
fn places(paths: &Paths) -> Vec<PathBuf> {
    vec![
        keys::kek_path(&paths.keys),
        keys::log_key_path(&paths.keys),
        paths.vault.clone(),
        paths.head.clone(),
        paths.ledger.clone(),
    ]
}

fn fresh(path: &Path) -> PathBuf {
    files::beside(path, FRESH)
}

fn refuse_what_is_there(paths: &Paths, places: &[PathBuf]) -> Result<(), LedgerError> {
    if paths.ledger.exists() {
        return Err(LedgerError::Exists {
            path: paths.ledger.clone(),
        });
    }
    let mut names = places.to_vec();
    names.sort();
    names.dedup();
    if names.len() != places.len() {
        return Err(LedgerError::Usage {
            what: "ledger, vault and head lock need a file each".to_owned(),
        });
    }
    match places.iter().find(|place| place.exists()) {
        None => Ok(()),
        Some(there) => Err(LedgerError::cannot_judge(
            format!(
                "there is no ledger at {}, but {} is there",
                paths.ledger.display(),
                there.display()
            ),
            "put the ledger back from its backup, or name other files in exeunt.toml",
        )),
    }
}

fn sweep(places: &[PathBuf]) {
    for place in places {
        let fresh = fresh(place);
        for leftover in [
            files::beside(&fresh, "-wal"),
            files::beside(&fresh, "-shm"),
            fresh,
        ] {
            // what cannot be taken away is met again when the file is made
            let _ = fs::remove_file(leftover);
        }
    }
}

fn prepare(
    paths: &Paths,
    options: &InitOptions,
    clock: &dyn Clock,
    entropy: &Arc<dyn Entropy>,
) -> Result<(), LedgerError> {
    let write = |path: PathBuf, text: &[u8]| {
        let fresh = fresh(&path);
        files::write_new(&fresh, text).map_err(|e| unmade(&path, e))
    };
    let kek = Kek::from_bytes(entropy::bytes(entropy.as_ref())?);
    let mut kek_text = kek.to_hex();
    kek_text.push('\n');
    write(keys::kek_path(&paths.keys), kek_text.as_bytes())?;
    let seed = Zeroizing::new(entropy::bytes(entropy.as_ref())?);
    let (pair, pem) = keys::log_key_from(&seed).ok_or(LedgerError::Randomness)?;
    write(keys::log_key_path(&paths.keys), pem.as_bytes())?;

    let vault = Vault::create(&fresh(&paths.vault), &options.origin, &kek, entropy.clone())?;
    let now = clock.now();
    let opened = LedgerOpened {
        format: chain::FORMAT.to_owned(),
        origin: options.origin.clone(),
        context: chain::CONTEXT.to_owned(),
        log_key: keys::verifier_key(&options.origin, &pair),
        vault: vault.id().to_owned(),
        sandbox: options.sandbox,
        software: crate::ledger::SOFTWARE.to_owned(),
    };
    let by = By {
        run: entropy::run_id(now, entropy.as_ref())?,
        actor: Actor {
            kind: ActorKind::Service,
            epoch: None,
            sub: None,
        },
    };
    let draft = Draft::new(entropy::entry_id(now, entropy.as_ref())?, &opened);
    let store = SqliteStore::create(&fresh(&paths.ledger))?;
    let head = commit::append_drafts(
        &store,
        &Head::EMPTY,
        &by,
        vec![draft],
        now,
        entropy.as_ref(),
    )?;
    let locked = Locked::of(&head, &options.origin);
    write(paths.head.clone(), &locked.to_bytes())?;
    // closing the last connection writes the write-ahead log into the file and takes it away
    drop(vault);
    drop(store);
    for path in [&paths.vault, &paths.ledger] {
        sync_file(&fresh(path)).map_err(|e| unmade(path, e))?;
    }
    Ok(())
}

fn sync_file(path: &Path) -> std::io::Result<()> {
    fs::OpenOptions::new().write(true).open(path)?.sync_all()
}

fn unmade(path: &Path, error: std::io::Error) -> LedgerError {
    LedgerError::unavailable(format!("{} cannot be made", path.display()), error)
}

/// C2SP signed-note: a name is not empty and has no spaces and no plus sign.
fn sound_origin(origin: &str) -> bool {
    !origin.is_empty()
        && origin.len() <= 255
        && !origin
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || c == '+')
}
