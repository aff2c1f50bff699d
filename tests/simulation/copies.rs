//! Older copies of the ledger and the vault, which are put back.

use exeunt::domain::event::Payload as _;
use exeunt::domain::event::SourceRead;
use exeunt::ledger::LedgerError;

use crate::driver::Driver;

impl Driver {
    /// Copies both files while nobody has them open.
    pub(crate) fn back_up(&mut self) -> Result<(), String> {
        let vault = self.engine()?.ledger.vault().map_err(|e| e.to_string())?;
        let mark = vault.mark().map_err(|e| e.to_string())?.mark;
        self.engine = None;
        let to = self.paths.head.with_file_name("backup");
        std::fs::create_dir_all(&to).unwrap();
        for file in [&self.paths.ledger, &self.paths.vault] {
            std::fs::copy(file, to.join(file.file_name().unwrap())).unwrap();
        }
        self.backup = Some((to, mark));
        self.engine = Some(self.open().map_err(|e| e.to_string())?);
        Ok(())
    }

    /// Puts an older copy in place: it must be refused. Then the right one comes back.
    pub(crate) fn put_back(&mut self, vault: bool) -> Result<(), String> {
        let Some((backup, mark)) = self.backup.clone() else {
            return Ok(());
        };
        let view = self.engine()?.ledger.view().map_err(|e| e.to_string())?;
        let read = view
            .last_of_type(SourceRead::TYPE)
            .map_err(|e| e.to_string())?;
        let noted = read
            .and_then(|e| e.payload::<SourceRead>())
            .map_or(0, |r| r.vault.mark);
        if vault && noted <= mark {
            // what a vault has got since the newest read, no read has noted yet
            return Ok(());
        }
        self.engine = None;
        let file = if vault {
            self.paths.vault.clone()
        } else {
            self.paths.ledger.clone()
        };
        let (kept, old) = (
            file.with_extension("kept"),
            backup.join(file.file_name().unwrap()),
        );
        std::fs::rename(&file, &kept).unwrap();
        std::fs::copy(old, &file).unwrap();
        let opened = self.open();
        let what = if vault { "vault" } else { "ledger" };
        let refused = match opened {
            Ok(_) => Err(format!("an older {what} was put back, and it was opened")),
            Err(LedgerError::False { .. } | LedgerError::CannotJudge { .. }) => Ok(()),
            Err(error) => Err(format!("an older {what} was put back: {error}")),
        };
        for ending in ["-wal", "-shm"] {
            let mut name = file.clone().into_os_string();
            name.push(ending);
            let _ = std::fs::remove_file(name);
        }
        std::fs::rename(&kept, &file).unwrap();
        refused?;
        self.shared
            .world()
            .meet(format!("copy: an older {what} put back"));
        self.reopen()
    }
}
