//! Files that appear whole or not at all.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

/// The file beside `path` with `suffix` at the end of its name.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

/// Writes a new file that only its owner may read, with its content on the disk.
pub(crate) fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = private().create_new(true).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Puts a file in place of `path`; its content is on the disk before its name is.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let fresh = beside(path, ".new");
    let mut file = private().create(true).truncate(true).open(&fresh)?;
    file.write_all(content)?;
    file.sync_data()?;
    fs::rename(fresh, path)
}

/// Puts a file that everybody may read in place of `path`, whole, with its name on the disk.
pub(crate) fn publish(path: &Path, content: &[u8]) -> io::Result<()> {
    let fresh = beside(path, ".new");
    let mut file = File::create(&fresh)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    sync_names(path)
}

/// Puts names on the disk: those that were made, moved or taken away beside `path`.
pub(crate) fn sync_names(path: &Path) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if cfg!(windows) {
        // Windows has no handle of a directory that could be flushed; NTFS journals names itself
        return Ok(());
    }
    File::open(directory)?.sync_all()
}

/// Opens a file to lock it, and makes it if it is not there.
pub(crate) fn lock_file(path: &Path) -> io::Result<File> {
    private().create(true).truncate(false).read(true).open(path)
}

/// Makes an empty file that only its owner can read, for SQLite to fill: its side files get the
/// same rights.
pub(crate) fn make_private(path: &Path) -> io::Result<()> {
    private().create_new(true).open(path).map(drop)
}

/// Makes a directory that only its owner may enter; fails if it is there.
pub(crate) fn make_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(path)
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options
}
