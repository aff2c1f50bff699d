//! The directory of a clean-up: found again, made, and written so that only its owner can read it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;

use crate::cli::args::USUAL_CONFIG;
use crate::cli::clean::answers::Answers;
use crate::cli::clean::answers::MARK;
use crate::cli::clean::answers::SECRETS;
use crate::cli::failure::Failure;
use crate::config::secret::Secret;

/// How the directories begin that are made where none is named.
const PREFIX: &str = "exeunt-clean-";

/// What is known in a directory.
#[derive(Debug)]
pub(super) enum Known {
    /// Nothing.
    Nothing,
    /// A clean-up of the guide.
    Ours(Box<Answers>),
    /// An exeunt.toml that somebody wrote or changed by hand.
    ByHand,
}

/// Looks what a directory holds.
pub(super) fn look(dir: &Path) -> Result<Known, Failure> {
    let path = dir.join(USUAL_CONFIG);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(match Answers::of(&text) {
            Some(answers) if text.starts_with(MARK) => Known::Ours(Box::new(answers)),
            _ => Known::ByHand,
        }),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Known::Nothing),
        Err(e) => Err(unwritable(&path, &e)),
    }
}

/// The clean-ups of the guide in this directory and directly below it.
pub(super) fn all() -> Vec<(PathBuf, Answers)> {
    let mut dirs = vec![PathBuf::from(".")];
    let below = fs::read_dir(".")
        .into_iter()
        .flatten()
        .filter_map(Result::ok);
    let names = below.map(|entry| entry.file_name());
    let names = names.filter(|name| name.to_string_lossy().starts_with(PREFIX));
    dirs.extend(names.map(PathBuf::from));
    dirs.sort();
    let known = dirs.into_iter().filter_map(|dir| match look(&dir) {
        Ok(Known::Ours(answers)) => Some((dir, *answers)),
        _ => None,
    });
    known.collect()
}

/// The directory for a tenant where none is named; another one for each `number` from 2 on.
pub(super) fn usual(name: &str, number: u32) -> PathBuf {
    match number {
        0 | 1 => PathBuf::from(format!("{PREFIX}{name}")),
        number => PathBuf::from(format!("{PREFIX}{name}-{number}")),
    }
}

/// Makes the directory for its owner alone; tells whether it was not there before.
pub(super) fn make(dir: &Path) -> Result<bool, Failure> {
    let fresh = !dir.exists();
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(dir).map_err(|e| unwritable(dir, &e))?;
    let secrets = dir.join(SECRETS);
    builder
        .create(&secrets)
        .map_err(|e| unwritable(&secrets, &e))?;
    let own = fs::Permissions::from_mode(0o700);
    fs::set_permissions(&secrets, own).map_err(|e| unwritable(&secrets, &e))?;
    Ok(fresh)
}

/// Keeps each secret in a file of its own, and none that is not among them.
pub(super) fn keep_secrets(dir: &Path, secrets: &BTreeMap<&str, Secret>) -> Result<(), Failure> {
    let place = dir.join(SECRETS);
    let old = fs::read_dir(&place).into_iter().flatten();
    for old in old.filter_map(Result::ok) {
        let name = old.file_name();
        if !secrets.keys().any(|key| name == *key) {
            drop(fs::remove_file(old.path()));
        }
    }
    for (key, secret) in secrets {
        write(&place, key, secret.expose())?;
    }
    Ok(())
}

/// Writes exeunt.toml.
pub(super) fn keep(dir: &Path, answers: &Answers) -> Result<(), Failure> {
    write(dir, USUAL_CONFIG, &answers.toml())
}

/// Moves what was made for an address that turned out to be a wrong one, with the files that an
/// adapter keeps under the tenant's name: tokens that change with each use are not lost with it.
pub(super) fn move_to(from: &Path, old: &str, to: &Path, new: &str) -> Result<(), Failure> {
    if from != to {
        fs::rename(from, to).map_err(|e| unwritable(to, &e))?;
    }
    let files = fs::read_dir(to).map_err(|e| unwritable(to, &e))?;
    for file in files.filter_map(Result::ok) {
        let name = file.file_name().to_string_lossy().into_owned();
        let named = name.replace(&format!("-{old}."), &format!("-{new}."));
        if named != name {
            let path = to.join(named);
            fs::rename(file.path(), &path).map_err(|e| unwritable(&path, &e))?;
        }
    }
    Ok(())
}

/// Takes away what was made for a wrong address where the right one has its clean-up already.
pub(super) fn forget(dir: &Path) {
    drop(fs::remove_file(dir.join(USUAL_CONFIG)));
    drop(fs::remove_dir_all(dir.join(SECRETS)));
    // Only if nothing else is in it.
    drop(fs::remove_dir(dir));
}

/// Puts a whole file in place, readable by its owner alone.
fn write(dir: &Path, name: &str, text: &str) -> Result<(), Failure> {
    let path = dir.join(name);
    let failure = |e: std::io::Error| unwritable(&path, &e);
    let mut file = tempfile::NamedTempFile::new_in(dir).map_err(failure)?;
    file.write_all(text.as_bytes()).map_err(failure)?;
    file.as_file().sync_all().map_err(failure)?;
    file.persist(&path).map_err(|e| failure(e.error))?;
    Ok(())
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::plain(format!("{} cannot be used: {error}", path.display()))
}
