//! A directory as the engine sees it, with every fault.

use std::collections::BTreeMap;

use async_trait::async_trait;
use exeunt::directory;
use exeunt::directory::Directory;
use exeunt::directory::DirectoryError;
use exeunt::directory::PeopleRead;
use exeunt::domain::person::PersonFacts;
use exeunt::domain::person::PersonRecord;
use exeunt::domain::source::ReadProof;
use exeunt::domain::source::ServerMark;
use exeunt::domain::time::Time;

use crate::script::DirectoryFault;
use crate::shared::Shared;
use crate::shared::digest;
use crate::world::Entry;

#[derive(Debug)]
pub(crate) struct SimDirectory {
    pub(crate) shared: Shared,
    pub(crate) which: usize,
}

impl SimDirectory {
    fn fault(&self) -> Option<DirectoryFault> {
        self.shared.world().directory_fault[self.which].map(|(fault, _)| fault)
    }

    fn unreachable(&self) -> DirectoryError {
        DirectoryError::Unreachable {
            at: "ldap://directory".to_owned(),
            when: "while connecting".to_owned(),
            source: "nobody answers".into(),
        }
    }

    /// What the directory holds now, as it shows it: entries, counter, when it was written.
    fn shown(&self, listed: bool) -> (Vec<Entry>, u64, Time) {
        let (now, fault) = (self.shared.now(), self.fault());
        let world = self.shared.world();
        let (mut written, mut change, mut entries) = match self.which {
            0 => (now, world.changes, world.entries(0, now)),
            _ => world.file.clone(),
        };
        let past = &world.past[self.which];
        let old = past.len().checked_sub(4).and_then(|i| past.get(i));
        if fault == Some(DirectoryFault::Stale)
            && listed
            && let Some(old) = old
        {
            (written, change, entries) = old.clone();
        }
        match fault {
            Some(DirectoryFault::Hidden) if entries.len() > 8 => {
                entries.truncate(entries.len() - 6)
            }
            Some(DirectoryFault::Gaps) if listed => {
                entries.truncate(entries.len().saturating_sub(2))
            }
            _ => {}
        }
        (entries, change, written)
    }
}

fn person(entry: &Entry) -> PersonRecord {
    PersonRecord {
        key: entry.key.clone(),
        mails: entry.mails.clone(),
        name: Some(entry.key.clone()),
        facts: PersonFacts::default(),
        ..PersonRecord::default()
    }
}

fn record(entry: &Entry, now: Time) -> PersonRecord {
    let mut record = person(entry);
    if entry.disabled_from.is_some_and(|from| from <= now) {
        record.facts.disabled_by = Some("userAccountControl".to_owned());
    }
    record.facts.leave_at = entry.leave_at;
    record
}

#[async_trait]
impl Directory for SimDirectory {
    async fn read(&self, _: &(dyn Fn(u64) + Send + Sync)) -> Result<PeopleRead, DirectoryError> {
        let now = self.shared.now();
        if let Some(fault) = self.fault() {
            self.shared.world().meet_fault("directory", fault);
        }
        let (mut entries, change, written) = self.shown(true);
        let mut proof = ReadProof::default();
        match self.fault() {
            Some(DirectoryFault::Unreachable) => return Err(self.unreachable()),
            Some(DirectoryFault::Cut) => {
                return Err(DirectoryError::NotWhole {
                    at: "ldap://directory".to_owned(),
                    fault: "read.cut",
                    detail: "the connection was lost".to_owned(),
                });
            }
            Some(DirectoryFault::Empty) => entries.clear(),
            Some(DirectoryFault::WithoutKeys) => proof.without_key = 2,
            _ => {}
        }
        let other = self.fault() == Some(DirectoryFault::OtherServer);
        if self.which == 0 {
            proof.server = Some(ServerMark {
                name: if other { "dc2" } else { "dc1" }.to_owned(),
                database: Some(if other { "b" } else { "a" }.to_owned()),
                change: Some(change),
            });
        } else {
            proof.written_at = Some(written);
        }
        proof.identity = digest(["directory"].into_iter());
        proof.about = BTreeMap::from([("base".to_owned(), "dc=example".to_owned())]);
        proof.pages = 1;
        proof.count = entries.len() as u64;
        proof.digest = digest(entries.iter().map(|e| e.key.as_str()));
        let people = entries.iter().map(|e| record(e, now)).collect();
        Ok(PeopleRead { people, proof })
    }

    async fn look_up(&self, key: &str) -> Result<Option<PersonRecord>, DirectoryError> {
        let fault = self.fault();
        if matches!(
            fault,
            Some(DirectoryFault::Unreachable | DirectoryFault::LookUps)
        ) {
            return Err(self.unreachable());
        }
        let (entries, _, _) = self.shown(false);
        let now = self.shared.now();
        Ok(entries
            .iter()
            .find(|e| e.key == key)
            .map(|e| record(e, now)))
    }

    async fn clock(&self) -> Result<Option<Time>, DirectoryError> {
        Ok(None)
    }

    async fn check(&self) -> Vec<directory::Probe> {
        Vec::new()
    }

    fn lists_everybody(&self) -> bool {
        true
    }

    async fn written_at(&self) -> Result<Option<Time>, DirectoryError> {
        // a file is as old as its last read until somebody writes it anew
        Ok((self.which == 1).then(|| self.shown(false).2))
    }

    fn is_loopback(&self) -> bool {
        true
    }
}
