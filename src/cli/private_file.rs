//! Files with names or secrets in them: whole or not at all, readable by their owner only.

use std::io::Write as _;
use std::path::Path;

use tempfile::NamedTempFile;

use crate::cli::failure::Failure;

/// Begins a file beside the one that it will become.
pub fn begin(path: &Path) -> Result<NamedTempFile, Failure> {
    let directory = path.parent().filter(|p| !p.as_os_str().is_empty());
    NamedTempFile::new_in(directory.unwrap_or(Path::new("."))).map_err(|e| failure(path, &e))
}

/// Writes a file, in place of another one of that name.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut file = begin(path)?;
    file.write_all(bytes).map_err(|e| failure(path, &e))?;
    file.persist(path).map_err(|e| failure(path, &e.error))?;
    Ok(())
}

/// Why a file cannot be written.
pub fn failure(path: &Path, why: &dyn std::fmt::Display) -> Failure {
    Failure::plain(format!("{} cannot be written: {why}", path.display()))
}
