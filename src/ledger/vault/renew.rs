//! A vault that goes on from an older copy under another id, and pseudonyms whose values are lost.

use std::path::Path;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::time::Time;
use crate::ledger::backup;
use crate::ledger::entropy;
use crate::ledger::entropy::Entropy;
use crate::ledger::error::LedgerError;
use crate::ledger::migrate;
use crate::ledger::migrate::trouble;
use crate::ledger::vault::Kek;
use crate::ledger::vault::READ;
use crate::ledger::vault::SubjectKind;
use crate::ledger::vault::Vault;
use crate::ledger::vault::VaultAccess;
use crate::ledger::vault::batch;
use crate::ledger::vault::bent;
use crate::ledger::vault::seal;
use crate::ledger::vault::seal::Secret;
use crate::ledger::vault::secret;

/// How many keys are wrapped anew at once.
const PAGE: usize = 1_000;

impl Vault {
    /// Copies the vault at `from` to `to` under a fresh id, so that neither it nor any copy of it
    /// passes for the other; everything in it opens as before.
    pub(crate) fn renewed(
        from: &Path,
        to: &Path,
        kek: &Kek,
        entropy: &Arc<dyn Entropy>,
    ) -> Result<Self, LedgerError> {
        backup::copy_database(from, to)?;
        let copy = Self::open(to, kek, VaultAccess::Write, entropy.clone())?;
        copy.wrap_anew(&entropy::uuid_v4(entropy.as_ref())?, kek)?;
        drop(copy);
        Self::open(to, kek, VaultAccess::Write, entropy.clone())
    }

    /// The name of the log that it belongs to.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// The keys are bound to the vault's id: under another one, all of them are wrapped anew.
    fn wrap_anew(&self, id: &str, kek: &Kek) -> Result<(), LedgerError> {
        let said = trouble(batch::WRITE);
        let db = self.lock_to_write()?;
        let change = db.unchecked_transaction().map_err(&said)?;
        let mut after = String::new();
        loop {
            let page = self.wrapped_keys(&change, &after)?;
            for (sub, wrapped) in &page {
                let bound = seal::bound(&["subject-key", &self.id, sub]);
                let own = seal::open(&self.keys.wrap, &bound, wrapped)
                    .and_then(|bytes| secret(&bytes))
                    .ok_or_else(|| bent(&Subject::new(sub.as_str()), "its key"))?;
                let bound = seal::bound(&["subject-key", id, sub]);
                let wrapped = seal::seal(&self.keys.wrap, &bound, own.as_ref())?;
                let update = "UPDATE subject SET wrapped = ?2 WHERE sub = ?1";
                change.execute(update, (sub, wrapped)).map_err(&said)?;
            }
            match page.last() {
                Some((last, _)) if page.len() == PAGE => last.clone_into(&mut after),
                _ => break,
            }
        }
        let wrapped: Vec<u8> = change
            .query_row("SELECT wrapped FROM meta", [], |row| row.get(0))
            .map_err(&said)?;
        let bound = seal::bound(&["vault-key", &self.id, &self.origin]);
        let key = seal::open(kek.secret(), &bound, &wrapped).ok_or(LedgerError::WrongKey)?;
        let bound = seal::bound(&["vault-key", id, &self.origin]);
        let wrapped = seal::seal(kek.secret(), &bound, &key)?;
        let update = "UPDATE meta SET id = ?1, wrapped = ?2, mark = mark + 1";
        change.execute(update, (id, wrapped)).map_err(&said)?;
        change.commit().map_err(&said)?;
        Ok(())
    }

    fn wrapped_keys(
        &self,
        db: &rusqlite::Connection,
        after: &str,
    ) -> Result<Vec<(String, Vec<u8>)>, LedgerError> {
        let query = "SELECT sub, wrapped FROM subject WHERE sub > ?1 ORDER BY sub LIMIT ?2";
        let page = db
            .prepare_cached(query)
            .and_then(|mut statement| {
                statement
                    .query_map((after, migrate::most(PAGE)), |row| {
                        Ok((row.get(0)?, row.get(1)?))
                    })?
                    .collect()
            })
            .map_err(trouble(READ))?;
        Ok(page)
    }

    /// Gives pseudonyms whose values are lost a key of their own, so that something can still be said
    /// about them; nothing leads to them any more.
    pub(crate) fn enter_lost<'s>(
        &self,
        subjects: impl Iterator<Item = (SubjectKind, &'s SourceName, &'s Subject)>,
        now: Time,
    ) -> Result<(), LedgerError> {
        let known = self.all_subjects()?;
        let mut batch = self.batch()?;
        for (kind, source, sub) in subjects {
            if known.binary_search(sub).is_ok() {
                continue;
            }
            let own: Secret = Zeroizing::new(entropy::bytes(self.entropy.as_ref())?);
            batch.enter(sub, kind, source, &own, now)?;
        }
        batch.commit()?;
        Ok(())
    }
}

/// The id of the vault in a file, without opening anything in it.
pub(crate) fn id_of(path: &Path) -> Option<String> {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
    let db = rusqlite::Connection::open_with_flags(path, flags).ok()?;
    db.query_row("SELECT id FROM meta", [], |row| row.get(0))
        .ok()
}

/// Writes everything of a vault into its one file, which nobody has open any more.
pub(crate) fn close(path: &Path) -> Result<(), LedgerError> {
    let what = format!("the vault {} cannot be closed", path.display());
    let said = trouble(&what);
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
    let db = rusqlite::Connection::open_with_flags(path, flags).map_err(&said)?;
    super::checkpoint(&db).map_err(&said)?;
    db.close().map_err(|(_, error)| said(error))?;
    std::fs::OpenOptions::new()
        .write(true)
        .open(path)
        .and_then(|file| file.sync_all())
        .map_err(|e| LedgerError::unavailable(what.clone(), e))
}
