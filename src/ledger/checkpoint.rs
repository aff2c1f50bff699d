//! Signs checkpoints of this ledger: after all that was signed before, or not at all.

use aws_lc_rs::signature::Ed25519KeyPair;
use aws_lc_rs::signature::KeyPair as _;

use crate::domain::event::Draft;
use crate::domain::event::LedgerHeartbeat;
use crate::evidence::checkpoint::Checkpoint;
use crate::evidence::note::Algorithm;
use crate::evidence::note::Signed;
use crate::evidence::note::VerifierKey;
use crate::ledger::BATCH;
use crate::ledger::By;
use crate::ledger::Ledger;
use crate::ledger::error::LedgerError;
use crate::ledger::headlock::Locked;
use crate::ledger::keys;
use crate::ledger::proving;
use crate::ledger::store::Head;
use crate::ledger::store::SignedCheckpoint;
use crate::ledger::tree::Hash;
use crate::ledger::tree::Tree;

/// When a checkpoint is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cadence {
    /// As soon as so many entries are not covered.
    pub entries: u64,
    /// As soon as the newest is so many seconds old and an entry is not covered.
    pub seconds: i64,
    /// As soon as the newest is so many seconds old, though nothing happened.
    pub heartbeat_seconds: i64,
}

impl Ledger {
    /// The key that checkpoints of this ledger are checked with, under the name that it has now; as
    /// the ledger itself says. A reader has it from somewhere else.
    pub fn verifier_key(&self) -> Result<VerifierKey, LedgerError> {
        let opened = VerifierKey::parse(&self.opened.log_key).map_err(|e| LedgerError::False {
            seq: Some(0),
            what: format!("the first entry names no signing key: {e}"),
        })?;
        Ok(VerifierKey::new(
            &self.origin,
            Algorithm::Ed25519,
            &opened.public,
        ))
    }

    /// The newest checkpoint under the name that the ledger has now.
    pub fn newest_checkpoint(&self) -> Result<Option<SignedCheckpoint>, LedgerError> {
        Ok(self.store.newest_checkpoint(&self.origin)?)
    }

    /// Signs a checkpoint if one is due; `None` if none is.
    pub fn checkpoint_if_due(
        &self,
        cadence: &Cadence,
    ) -> Result<Option<SignedCheckpoint>, LedgerError> {
        if self.reopening.is_some() {
            return Ok(None);
        }
        let size = self.store.head()?.size;
        let due = match self.newest_checkpoint()? {
            None => size > 0,
            Some(newest) => {
                let open = size.saturating_sub(newest.size);
                let age = self.now().seconds_since(newest.at);
                open >= cadence.entries.max(1) || (open > 0 && age >= cadence.seconds)
            }
        };
        due.then(|| self.checkpoint()).transpose()
    }

    /// Appends an entry that says that nothing happened, if the newest checkpoint covers everything
    /// and is old: silence would prove nothing. Returns whether it did.
    pub fn heartbeat_if_due(&self, by: &By, cadence: &Cadence) -> Result<bool, LedgerError> {
        let id = self.entry_id()?;
        let appended = self.commit::<LedgerError>(by, |view| {
            let Some(newest) = self.newest_checkpoint()? else {
                return Ok(Vec::new());
            };
            let age = self.now().seconds_since(newest.at);
            if newest.size < view.head().size || age < cadence.heartbeat_seconds {
                return Ok(Vec::new());
            }
            let beat = LedgerHeartbeat {
                covered: newest.size,
            };
            Ok(vec![Draft::new(id.clone(), &beat)])
        })?;
        Ok(appended.count > 0)
    }

    /// Signs a checkpoint of everything that the ledger has, or returns the one that covers it.
    ///
    /// The head lock is compared and swapped around the signature: a ledger that is shorter than, or
    /// not the continuation of, what was signed before is refused ([`LedgerError::False`]).
    pub fn checkpoint(&self) -> Result<SignedCheckpoint, LedgerError> {
        self.may_append()?;
        if self.reopening.is_some() {
            return Err(LedgerError::Usage {
                what: "the ledger does not fit its head lock: nothing is signed".to_owned(),
            });
        }
        let pair = self.signing_key()?;
        let at = self.now();
        let mut notes = Vec::new();
        self.lock.exchange(|noted| {
            // read inside the lock: a head that another process has noted is there by now
            let head = self.store.head()?;
            noted.check(&head, self.store.as_ref())?;
            let before = self.signed_before(noted)?;
            notes.extend(before.clone().map(|(_, note)| note));
            if before.as_ref().is_some_and(|(b, _)| b.size == head.size) {
                return Ok(None);
            }
            let root = self.extended(before.as_ref().map(|(b, _)| b), &head)?;
            let made = Checkpoint {
                origin: self.origin.clone(),
                size: head.size,
                root,
            };
            let note = made.sign(&pair).map_err(|e| LedgerError::Usage {
                what: e.to_string(),
            })?;
            let mut next = Locked::of(&head, &self.origin);
            next.checkpoint = Some(note.clone());
            notes.push(note);
            Ok(Some(next))
        })?;
        self.lock.sync()?;
        crate::crash::point("checkpoint-locked");
        self.kept(notes, at)
    }

    /// Stores what stands in the head lock: the newest, and one before it that a crash left there.
    fn kept(
        &self,
        notes: Vec<String>,
        at: crate::domain::time::Time,
    ) -> Result<SignedCheckpoint, LedgerError> {
        let mut newest = None;
        for note in notes {
            let (said, _) = self.own_checkpoint(&note)?;
            let made = SignedCheckpoint {
                origin: said.origin,
                size: said.size,
                note,
                at,
            };
            self.store.put_checkpoint(&made)?;
            newest = Some(made);
        }
        crate::crash::point("checkpoint-kept");
        // as it is stored: with the time at which it was signed
        let stored = self.newest_checkpoint()?;
        stored.or(newest).ok_or_else(|| LedgerError::Usage {
            what: "there is nothing to sign".to_owned(),
        })
    }

    /// The checkpoint in the head lock, if it is one of this log.
    fn signed_before(&self, noted: &Locked) -> Result<Option<(Checkpoint, String)>, LedgerError> {
        let Some(note) = &noted.checkpoint else {
            return Ok(None);
        };
        let (said, _) = self.own_checkpoint(note)?;
        Ok(Some((said, note.clone())))
    }

    /// Reads a checkpoint that this log must have signed.
    fn own_checkpoint(&self, note: &str) -> Result<(Checkpoint, VerifierKey), LedgerError> {
        let key = self.verifier_key()?;
        let foreign = |what: String| {
            LedgerError::cannot_judge(
                format!("what stands there is no checkpoint of this ledger: {what}"),
                "see who changed it; nothing was signed",
            )
        };
        let (said, read) =
            Checkpoint::in_note(note.as_bytes()).map_err(|e| foreign(e.to_string()))?;
        if said.origin != self.origin || read.signed_by(&key) != Signed::Good(None) {
            return Err(foreign(format!("it is not signed by {}", self.origin)));
        }
        Ok((said, key))
    }

    /// Compares a checkpoint that this log signed with the entries; its size.
    ///
    /// [`LedgerError::False`] if the ledger is shorter, or its first entries are others;
    /// [`LedgerError::CannotJudge`] if it is no checkpoint of this log.
    pub fn agrees_with(&self, note: &str) -> Result<u64, LedgerError> {
        let (said, _) = self.own_checkpoint(note)?;
        let head = self.store.head()?;
        self.begins_with(&said, &head)?;
        Ok(said.size)
    }

    /// The roots of the full subtrees of what was signed, if it is the beginning of this ledger.
    fn begins_with(&self, said: &Checkpoint, head: &Head) -> Result<Vec<Hash>, LedgerError> {
        if said.size > head.size {
            return Err(LedgerError::False {
                seq: Some(head.size),
                what: format!(
                    "a checkpoint of {} entries was signed, and the ledger has {}: an older copy \
                     was put back, or its end was cut off",
                    said.size, head.size
                ),
            });
        }
        let full = proving::frontier(self.store.as_ref(), said.size)?;
        if crate::ledger::tree::join(&full) != said.root {
            return Err(LedgerError::False {
                seq: said.size.checked_sub(1),
                what: format!(
                    "the first {} entries are not those that a checkpoint was signed for",
                    said.size
                ),
            });
        }
        Ok(full)
    }

    /// The root over everything: what was signed, which is checked, and the bytes of each entry after
    /// it, so that a changed tile is never signed for.
    fn extended(&self, before: Option<&Checkpoint>, head: &Head) -> Result<Hash, LedgerError> {
        let mut tree = match before {
            None => Tree::new(),
            Some(said) => {
                Tree::resume(said.size, self.begins_with(said, head)?).unwrap_or_default()
            }
        };
        while tree.size() < head.size {
            let from = tree.size();
            let most = usize::try_from(head.size - from)
                .unwrap_or(BATCH)
                .min(BATCH);
            let read = self.store.read(from, most)?;
            for (seq, stored) in (from..).zip(&read) {
                // position and link, too: what is signed is what the chain holds
                if stored.entry()?.seq != seq {
                    return Err(gap(seq));
                }
                tree.push(&stored.bytes);
            }
            if read.is_empty() {
                return Err(gap(from));
            }
        }
        let root = tree.root();
        if proving::root(self.store.as_ref(), head.size)? != root {
            return Err(LedgerError::cannot_judge(
                "the tree's tiles are not those of the entries",
                "run `exeunt rebuild --write`: it makes them anew from the entries",
            ));
        }
        Ok(root)
    }

    fn signing_key(&self) -> Result<Ed25519KeyPair, LedgerError> {
        let path = keys::log_key_path(&self.paths.keys);
        let pair = keys::read_log_key(&path)?;
        if self.verifier_key()?.public != pair.public_key().as_ref() {
            return Err(LedgerError::cannot_judge(
                format!(
                    "{} is not the key that the first entry names",
                    path.display()
                ),
                "put the right signing key back; nothing was signed",
            ));
        }
        Ok(pair)
    }
}

fn gap(seq: u64) -> LedgerError {
    LedgerError::False {
        seq: Some(seq),
        what: format!("entry {seq} is missing"),
    }
}
