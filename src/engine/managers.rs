//! Who manages whom, as one read of a directory has it.
//!
//! A directory names a manager by a distinguished name, a key, an address or a number. What goes
//! into the ledger is the pseudonym, and only where exactly one person of the same read is meant.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::person::PersonRecord;
use crate::engine::EngineError;
use crate::engine::Run;
use crate::ledger::vault::SubjectKind;
use crate::ledger::vault::VaultBatch;

/// The people of one read, by everything by which one could be named; `None` where two have it.
#[derive(Debug, Default)]
pub(super) struct Managers<'a> {
    /// By place, key, address and number, in the order in which they are tried.
    by: [BTreeMap<String, Option<&'a str>>; 4],
    /// The pseudonyms that were asked for already, by key.
    known: RefCell<BTreeMap<&'a str, Subject>>,
}

impl<'a> Managers<'a> {
    /// Takes the people of a complete read. Where nobody has a manager, nothing is kept.
    pub(super) fn of(people: &'a [PersonRecord]) -> Self {
        let mut managers = Self::default();
        if people.iter().all(|p| p.manager.is_none()) {
            return managers;
        }
        for person in people.iter().filter(|p| p.facts.deleted_by.is_none()) {
            let key = person.key.as_str();
            let [places, keys, mails, numbers] = &mut managers.by;
            if let Some(place) = &person.place {
                note(places, comparable(place), key);
            }
            note(keys, comparable(key), key);
            for mail in &person.mails {
                note(mails, comparable(mail), key);
            }
            if let Some(number) = &person.employee_number {
                note(numbers, comparable(number), key);
            }
        }
        managers
    }

    /// The key of somebody's manager, if exactly one other person of the read is meant.
    fn key_of(&self, record: &PersonRecord) -> Option<&'a str> {
        let named = comparable(record.manager.as_deref()?);
        let found = self.by.iter().find_map(|by| by.get(&named))?;
        found.filter(|key| *key != record.key)
    }

    /// The pseudonym of somebody's manager.
    pub(super) fn subject_of(
        &self,
        batch: &mut VaultBatch<'_>,
        run: &Run,
        directory: &SourceName,
        record: &PersonRecord,
    ) -> Result<Option<Subject>, EngineError> {
        let Some(key) = self.key_of(record) else {
            return Ok(None);
        };
        if let Some(known) = self.known.borrow().get(key) {
            return Ok(Some(known.clone()));
        }
        let sub = batch.subject_for(SubjectKind::Person, directory, key, run.now)?;
        self.known.borrow_mut().insert(key, sub.clone());
        Ok(Some(sub))
    }
}

fn note<'a>(by: &mut BTreeMap<String, Option<&'a str>>, named: String, key: &'a str) {
    if named.is_empty() {
        return;
    }
    by.entry(named)
        .and_modify(|one| *one = one.filter(|known| *known == key))
        .or_insert(Some(key));
}

/// A name in a form in which two ways of writing it are one: distinguished names may have spaces
/// after their commas, and none of these names has a case that counts.
fn comparable(named: &str) -> String {
    let parts: Vec<_> = named.trim().split(',').map(str::trim).collect();
    parts.join(",").to_lowercase()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn person(key: &str, mail: &str, manager: Option<&str>) -> PersonRecord {
        PersonRecord {
            key: key.to_owned(),
            mails: vec![mail.to_owned()],
            place: Some(format!("uid={key},ou=people,dc=x")),
            employee_number: Some(format!("E{key}")),
            manager: manager.map(str::to_owned),
            ..PersonRecord::default()
        }
    }

    fn manager_of(named: &str) -> Option<String> {
        let people = [
            person("1", "eve@x.test", None),
            person("2", "twin@x.test", None),
            person("3", "twin@x.test", None),
            person("4", "ann@x.test", Some(named)),
        ];
        let managers = Managers::of(&people);
        let ann = people.last().unwrap();
        managers.key_of(ann).map(str::to_owned)
    }

    #[test]
    fn a_manager_is_found_by_name_key_address_and_number() {
        let ways = ["UID=1, ou=People,dc=x", "1", "Eve@x.test", "e1", " 1 "];
        for way in ways {
            assert_eq!(manager_of(way).as_deref(), Some("1"), "{way}");
        }
    }

    #[test]
    fn two_nobody_and_oneself_are_no_manager() {
        for way in ["twin@x.test", "9", "", "4", "ann@x.test"] {
            assert_eq!(manager_of(way), None, "{way}");
        }
    }
}
