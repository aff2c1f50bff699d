//! One transaction of the vault.

use std::sync::MutexGuard;

use rusqlite::Connection;
use zeroize::Zeroizing;

use crate::domain::event::Draft;
use crate::domain::event::VaultMark;
use crate::domain::id::Email;
use crate::domain::id::EntryId;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::time::Time;
use crate::ledger::commitment::Opening;
use crate::ledger::entropy;
use crate::ledger::error::LedgerError;
use crate::ledger::migrate::trouble;
use crate::ledger::vault::Profile;
use crate::ledger::vault::Room;
use crate::ledger::vault::SubjectKind;
use crate::ledger::vault::Vault;
use crate::ledger::vault::bent;
use crate::ledger::vault::checkpoint;
use crate::ledger::vault::mark_of;
use crate::ledger::vault::seal;
use crate::ledger::vault::seal::Secret;

pub(super) const WRITE: &str = "the vault cannot be written";

/// Everything that a batch of entries needs in the vault, in one commit, made before the ledger's.
///
/// Holds the vault's write lock from the beginning to the end; dropped without
/// [`VaultBatch::commit`] it leaves nothing.
#[derive(Debug)]
pub struct VaultBatch<'a> {
    vault: &'a Vault,
    db: MutexGuard<'a, Connection>,
    changed: bool,
    open: bool,
}

impl<'a> VaultBatch<'a> {
    pub(super) fn begin(vault: &'a Vault) -> Result<Self, LedgerError> {
        let db = vault.lock_to_write()?;
        db.execute_batch("BEGIN IMMEDIATE")
            .map_err(trouble(WRITE))?;
        Ok(Self {
            vault,
            db,
            changed: false,
            open: true,
        })
    }

    /// The pseudonym of a key of a source: the one that it has, or a fresh one.
    ///
    /// Whatever process sees a key first, all get the same pseudonym. `now` is noted for a fresh
    /// one.
    pub fn subject_for(
        &mut self,
        kind: SubjectKind,
        source: &SourceName,
        key: &str,
        now: Time,
    ) -> Result<Subject, LedgerError> {
        if let Some(sub) = self.room().subject_of(kind, source, key)? {
            return Ok(sub);
        }
        let sub = entropy::subject(self.vault.entropy.as_ref())?;
        let own: Secret = Zeroizing::new(entropy::bytes(self.vault.entropy.as_ref())?);
        self.enter(&sub, kind, source, &own, now)?;
        self.index("key", kind.as_str(), source.as_str(), key, &sub)?;
        Ok(sub)
    }

    /// Enters a pseudonym under a key of its own.
    pub(super) fn enter(
        &mut self,
        sub: &Subject,
        kind: SubjectKind,
        source: &SourceName,
        own: &Secret,
        now: Time,
    ) -> Result<(), LedgerError> {
        let bound = seal::bound(&["subject-key", &self.vault.id, sub.as_str()]);
        let wrapped = seal::seal(&self.vault.keys.wrap, &bound, own.as_ref())?;
        self.run(
            "INSERT INTO subject (sub, kind, source, wrapped, created) VALUES (?1, ?2, ?3, ?4, ?5)",
            (
                sub.as_str(),
                kind.as_str(),
                source.as_str(),
                wrapped,
                now.to_string(),
            ),
        )
    }

    /// Puts the present values of a subject in place of the older ones, and its addresses beside
    /// the older ones in the index.
    ///
    /// `entry` is the one that is about to record them: where it never came into the ledger, the
    /// vault is ahead, and they are still to be recorded.
    ///
    /// [`LedgerError::CannotJudge`] if the vault does not know the subject.
    pub fn put_profile(
        &mut self,
        sub: &Subject,
        profile: &Profile,
        entry: &EntryId,
    ) -> Result<(), LedgerError> {
        let own = self.key_of(sub)?;
        let bytes = Zeroizing::new(profile.to_bytes());
        let bound = self.vault.place("profile", "profile", sub);
        let sealed = seal::seal(&own, &bound, &bytes)?;
        let fingerprint = self.vault.keys.fingerprint(&bytes);
        let (kind, source): (String, String) = self
            .db
            .prepare_cached("SELECT kind, source FROM subject WHERE sub = ?1")
            .and_then(|mut s| s.query_row([sub.as_str()], |row| Ok((row.get(0)?, row.get(1)?))))
            .map_err(trouble(WRITE))?;
        self.run(
            "UPDATE subject SET profile = ?2, fingerprint = ?3, entry = ?4 WHERE sub = ?1",
            (sub.as_str(), sealed, fingerprint, entry.as_str()),
        )?;
        for address in profile.addresses() {
            self.index("address", &kind, &source, address.as_str(), sub)?;
        }
        Ok(())
    }

    /// Commits to a personal value in a draft, and keeps what opens it under the subject's key.
    pub fn conceal(
        &mut self,
        draft: &mut Draft,
        field: &str,
        sub: &Subject,
        value: &[u8],
    ) -> Result<(), LedgerError> {
        let opening = Opening {
            key: Zeroizing::new(entropy::bytes(self.vault.entropy.as_ref())?),
            value: value.to_vec(),
        };
        self.put_opening(&draft.id, field, sub, &opening)?;
        draft.commit.insert(field.to_owned(), opening.commitment());
        Ok(())
    }

    /// Keeps what opens the commitment `field` of an entry.
    pub fn put_opening(
        &mut self,
        entry: &EntryId,
        field: &str,
        sub: &Subject,
        opening: &Opening,
    ) -> Result<(), LedgerError> {
        let own = self.key_of(sub)?;
        let mut plain = Zeroizing::new(opening.key.to_vec());
        plain.extend_from_slice(&opening.value);
        let bound = self.vault.place(entry.as_str(), field, sub);
        let sealed = seal::seal(&own, &bound, &plain)?;
        self.run(
            "INSERT INTO opening (entry, field, sub, sealed) VALUES (?1, ?2, ?3, ?4)",
            (entry.as_str(), field, sub.as_str(), sealed),
        )
    }

    /// The present personal values of a subject, as of this batch.
    pub fn profile(&self, sub: &Subject) -> Result<Option<Profile>, LedgerError> {
        self.room().profile(sub)
    }

    /// The fingerprint of a subject's present values, as of this batch.
    pub fn fingerprint(&self, sub: &Subject) -> Result<Option<Vec<u8>>, LedgerError> {
        self.room().fingerprint(sub)
    }

    /// The entry that was to record a subject's present values, as of this batch.
    pub fn recorded_by(&self, sub: &Subject) -> Result<Option<EntryId>, LedgerError> {
        self.room().recorded_by(sub)
    }

    /// Everybody in a source who has or ever had an address, as of this batch.
    pub fn subjects_with_address(
        &self,
        kind: SubjectKind,
        source: &SourceName,
        address: &Email,
    ) -> Result<Vec<Subject>, LedgerError> {
        self.room().subjects_with_address(kind, source, address)
    }

    /// Takes away the openings of an entry that never came into the ledger.
    pub(crate) fn drop_openings(&mut self, entry: &EntryId) -> Result<(), LedgerError> {
        self.run("DELETE FROM opening WHERE entry = ?1", [entry.as_str()])
    }

    /// Makes everything durable; the mark goes up by one if anything was written.
    pub fn commit(mut self) -> Result<VaultMark, LedgerError> {
        if self.changed {
            self.run("UPDATE meta SET mark = mark + 1", [])?;
        }
        let mark = mark_of(&self.db)?;
        self.db.execute_batch("COMMIT").map_err(trouble(WRITE))?;
        self.open = false;
        Ok(VaultMark {
            id: self.vault.id.clone(),
            mark,
        })
    }

    /// Commits, and overwrites what was deleted in the write-ahead log as well.
    pub(crate) fn commit_and_wipe(self) -> Result<VaultMark, LedgerError> {
        let vault = self.vault;
        let mark = self.commit()?;
        checkpoint(&*vault.lock_to_write()?).map_err(trouble(WRITE))?;
        Ok(mark)
    }

    fn key_of(&self, sub: &Subject) -> Result<Secret, LedgerError> {
        self.room()
            .subject_key(sub)?
            .ok_or_else(|| bent(sub, "its row is missing, its key"))
    }

    fn index(
        &mut self,
        purpose: &str,
        kind: &str,
        source: &str,
        value: &str,
        sub: &Subject,
    ) -> Result<(), LedgerError> {
        let fp = self.vault.keys.lookup(purpose, kind, source, value);
        self.run(
            "INSERT INTO lookup (purpose, kind, source, fp, sub) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT (purpose, kind, source, fp, sub) DO NOTHING",
            (purpose, kind, source, fp, sub.as_str()),
        )
    }

    fn run<P: rusqlite::Params>(&mut self, sql: &str, params: P) -> Result<(), LedgerError> {
        self.db
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute(params))
            .map_err(trouble(WRITE))?;
        self.changed = true;
        Ok(())
    }

    fn room(&self) -> Room<'_> {
        self.vault.room(&self.db)
    }
}

impl Drop for VaultBatch<'_> {
    fn drop(&mut self) {
        if self.open {
            // nothing more can be done about a rollback that fails: SQLite rolls back by itself
            // when the connection goes
            let _ = self.db.execute_batch("ROLLBACK");
        }
    }
}
