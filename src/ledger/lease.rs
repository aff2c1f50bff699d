//! The actor lease: one process at a time notifies, calls and settles.

use std::fs::File;
use std::fs::TryLockError;
use std::io::Read;
use std::io::Seek;
use std::io::Write;
use std::path::Path;

use crate::domain::id::Seq;
use crate::files;
use crate::ledger::error::LedgerError;

/// The lease while it is held; it ends when this is dropped or the process ends.
#[derive(Debug)]
pub struct Lease {
    // the operating system's lock lives as long as the open file
    _file: File,
    epoch: Seq,
}

impl Lease {
    pub(crate) fn new(file: File, epoch: Seq) -> Self {
        Self { _file: file, epoch }
    }

    /// The position of the `actor.took-over` that took it.
    pub fn epoch(&self) -> Seq {
        self.epoch
    }
}

/// The place of the one who may act, before anything is appended about it; whoever else wants it is
/// refused until this is dropped or the process ends.
#[derive(Debug)]
pub struct Claim(pub(crate) File);

/// Takes the operating system's lock on `<ledger>.actor`, or says who has it.
pub(crate) fn lock(ledger: &Path) -> Result<File, LedgerError> {
    let path = files::beside(ledger, ".actor");
    let said = |e: std::io::Error| {
        let what = format!("the actor lock {} cannot be taken", path.display());
        LedgerError::unavailable(what, e)
    };
    let mut file = files::lock_file(&path).map_err(said)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(LedgerError::Busy {
                holder: holder(&mut file),
            });
        }
        Err(TryLockError::Error(e)) => return Err(said(e)),
    }
    file.set_len(0).map_err(said)?;
    file.rewind().map_err(said)?;
    write!(file, "{}", std::process::id()).map_err(said)?;
    Ok(file)
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    match file.take(20).read_to_string(&mut text) {
        Ok(_) if text.parse::<u32>().is_ok() => format!(" (process {text})"),
        _ => String::new(),
    }
}
