//! What was observed up to some entry: rows without anything that was decided or done.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::convert::Infallible;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::domain::decide::LinkFacts;
use crate::domain::event;
use crate::domain::event::Entry;
use crate::domain::event::Payload as _;
use crate::domain::fold::Change;
use crate::domain::fold::ReadRows;
use crate::domain::fold::fold;
use crate::domain::fold::source_key;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::lost::LostHold;
use crate::domain::policy::PolicySet;
use crate::domain::rows::AccountRow;
use crate::domain::rows::ActivityRow;
use crate::domain::rows::HoldRow;
use crate::domain::rows::Kind;
use crate::domain::rows::LinkRow;
use crate::domain::rows::LostRow;
use crate::domain::rows::OrphanRow;
use crate::domain::rows::PersonRow;
use crate::domain::rows::SourceRow;
use crate::domain::source::SourceKind;
use crate::domain::time::Time;

/// The types of entries that say what was seen, and what people have said about whom.
const OBSERVED: &[&str] = &[
    event::SourceRead::TYPE,
    event::ReadReleased::TYPE,
    event::PersonObserved::TYPE,
    event::PersonMissed::TYPE,
    event::PersonAbsent::TYPE,
    event::DepartureWithdrawn::TYPE,
    event::LeaveStated::TYPE,
    event::LeaveWithdrawn::TYPE,
    event::AccountObserved::TYPE,
    event::AccountGone::TYPE,
    event::LoginObserved::TYPE,
    event::LinkMade::TYPE,
    event::LinkWithheld::TYPE,
    event::LinkCut::TYPE,
    event::OrphanClaimed::TYPE,
    event::OrphanAccepted::TYPE,
    event::OrphanReleased::TYPE,
    event::HoldPlaced::TYPE,
    event::HoldLifted::TYPE,
    event::LedgerReopened::TYPE,
    event::SubjectsLost::TYPE,
];

/// Rows of what was observed, each kind as its type.
#[derive(Debug, Clone, Default)]
pub(super) struct World {
    raw: BTreeMap<(Kind, String), Value>,
    pub(super) accounts: BTreeMap<Subject, AccountRow>,
    activity: BTreeMap<Subject, ActivityRow>,
    links: BTreeMap<Subject, BTreeMap<SourceName, LinkRow>>,
    people: BTreeMap<Subject, PersonRow>,
    orphans: BTreeMap<Subject, OrphanRow>,
    holds: BTreeMap<String, HoldRow>,
    lost: BTreeMap<Subject, LostRow>,
    pub(super) sources: BTreeMap<String, SourceRow>,
    /// The accounts that a person is or may be behind.
    behind: BTreeMap<Subject, BTreeSet<Subject>>,
}

impl ReadRows for World {
    type Error = Infallible;

    fn get(&self, kind: Kind, key: &str) -> Result<Option<Value>, Infallible> {
        Ok(self.raw.get(&(kind, key.to_owned())).cloned())
    }
}

impl World {
    /// Takes an entry, and names the accounts for which something may be otherwise now.
    pub(super) fn take(&mut self, entry: &Entry) -> Vec<Subject> {
        if !OBSERVED.contains(&entry.kind.as_str()) {
            return Vec::new();
        }
        let mut touched = Vec::new();
        for change in fold(entry, self).unwrap_or_default() {
            touched.extend(self.put(&change));
            let Change { kind, key, body } = change;
            match body {
                Some(body) => self.raw.insert((kind, key), body),
                None => self.raw.remove(&(kind, key)),
            };
        }
        touched
    }

    fn put(&mut self, change: &Change) -> Vec<Subject> {
        let body = change.body.as_ref();
        let sub = || Subject::new(change.key.as_str());
        match change.kind {
            Kind::Account => own(&mut self.accounts, sub(), body),
            Kind::Activity => own(&mut self.activity, sub(), body),
            Kind::Orphan => own(&mut self.orphans, sub(), body),
            Kind::Person => {
                own(&mut self.people, sub(), body);
                let behind = self.behind.get(&sub());
                behind.into_iter().flatten().cloned().collect()
            }
            Kind::Lost => own(&mut self.lost, sub(), body),
            Kind::Link if body.is_none() => self.unlink(&change.key),
            Kind::Link => body
                .and_then(typed::<LinkRow>)
                .map_or_else(Vec::new, |row| {
                    for person in row.person.iter().chain(&row.candidates) {
                        let behind = self.behind.entry(person.clone()).or_default();
                        behind.insert(row.account.clone());
                    }
                    let account = row.account.clone();
                    let own = self.links.entry(account.clone()).or_default();
                    own.insert(row.directory.clone(), row);
                    vec![account]
                }),
            Kind::Hold => body
                .and_then(typed::<HoldRow>)
                .map_or_else(Vec::new, |row| {
                    let mut held = vec![row.subject.clone()];
                    held.extend(self.behind.get(&row.subject).into_iter().flatten().cloned());
                    self.holds.insert(change.key.clone(), row);
                    held
                }),
            Kind::Source => {
                let row = body.and_then(typed::<SourceRow>);
                self.sources
                    .extend(row.map(|row| (change.key.clone(), row)));
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn unlink(&mut self, key: &str) -> Vec<Subject> {
        let Some((account, directory)) = key.split_once('/') else {
            return Vec::new();
        };
        let account = Subject::new(account);
        if let Some(own) = self.links.get_mut(&account) {
            own.remove(&SourceName::new(directory));
        }
        vec![account]
    }

    pub(super) fn tenant(&self, account: &AccountRow) -> Option<&SourceRow> {
        let key = source_key(SourceKind::Tenant, account.tenant.as_str());
        self.sources.get(&key)
    }

    pub(super) fn activity(&self, account: &Subject) -> Option<&ActivityRow> {
        self.activity.get(account)
    }

    pub(super) fn orphan(&self, account: &Subject) -> Option<&OrphanRow> {
        self.orphans.get(account)
    }

    /// The holds over an account, and over everybody to whom it belongs or could belong.
    pub(super) fn holds(&self, account: &Subject) -> Vec<HoldRow> {
        if self.holds.is_empty() {
            return Vec::new();
        }
        let links = self.links.get(account);
        let links = links.into_iter().flat_map(BTreeMap::values);
        let mut whose: BTreeSet<&Subject> = links
            .flat_map(|link| link.person.iter().chain(&link.candidates))
            .collect();
        whose.insert(account);
        let held = self.holds.values();
        held.filter(|hold| whose.contains(&hold.subject))
            .cloned()
            .collect()
    }

    /// The holds over those whose values are lost that could be about an account.
    pub(super) fn lost_holds(&self, account: &AccountRow, links: &[LinkFacts]) -> Vec<LostHold> {
        let mut about = Vec::new();
        for hold in self.holds.values() {
            let known = self.people.contains_key(&hold.subject)
                || self.accounts.contains_key(&hold.subject);
            let Some(over) = self.lost.get(&hold.subject).filter(|_| !known) else {
                continue;
            };
            let lost = LostHold {
                hold: hold.clone(),
                over: over.clone(),
            };
            if lost.could_be(account, links) {
                about.push(lost);
            }
        }
        about
    }

    /// The newest success of an account, of whatever signal.
    pub(super) fn newest(&self, account: &Subject) -> Option<Time> {
        let seen = self.activity.get(account)?;
        seen.newest.values().map(|mark| mark.since).max()
    }

    /// What the directories of a policy say about an account.
    pub(super) fn links(&self, account: &Subject, set: &PolicySet) -> Vec<LinkFacts> {
        let own = self.links.get(account);
        let directories = set.sources.iter().filter_map(|(key, guard)| {
            let name = SourceName::new(key.strip_prefix("directory/")?);
            Some((key, name, guard))
        });
        directories
            .map(|(key, directory, guard)| {
                let link = own.and_then(|own| own.get(&directory)).cloned();
                let person = |sub: &Subject| self.people.get(sub).cloned();
                LinkFacts {
                    source: self.sources.get(key).cloned(),
                    authoritative: guard.authoritative,
                    lists_everybody: !guard.leavers,
                    person: link.as_ref().and_then(|l| person(l.person.as_ref()?)),
                    candidates: link
                        .iter()
                        .flat_map(|l| l.candidates.iter().filter_map(person))
                        .collect(),
                    link,
                    directory,
                }
            })
            .collect()
    }
}

fn own<T: DeserializeOwned>(
    rows: &mut BTreeMap<Subject, T>,
    sub: Subject,
    body: Option<&Value>,
) -> Vec<Subject> {
    match body.and_then(typed) {
        Some(row) => rows.insert(sub.clone(), row),
        None => rows.remove(&sub),
    };
    vec![sub]
}

fn typed<T: DeserializeOwned>(body: &Value) -> Option<T> {
    T::deserialize(body).ok()
}
