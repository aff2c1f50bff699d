//! Gathers what a decision rests on, from the rows as they stand or as they stood.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::domain::decide::Facts;
use crate::domain::decide::LinkFacts;
use crate::domain::event::Entry;
use crate::domain::fold::Change;
use crate::domain::fold::ReadRows;
use crate::domain::fold::fold;
use crate::domain::fold::pair_key;
use crate::domain::fold::source_key;
use crate::domain::id::Seq;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::lost::LostHold;
use crate::domain::lost::LostKind;
use crate::domain::policy::Capabilities;
use crate::domain::rows::AccountRow;
use crate::domain::rows::CommandRow;
use crate::domain::rows::HoldRow;
use crate::domain::rows::KeptMark;
use crate::domain::rows::KeptRow;
use crate::domain::rows::Kind;
use crate::domain::rows::LinkRow;
use crate::domain::rows::LostRow;
use crate::domain::rows::SourceRow;
use crate::domain::rows::TaskRow;
use crate::domain::source::SourceKind;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::decide::adopted;
use crate::ledger::LedgerError;
use crate::ledger::View;

/// Rows, wherever they are.
pub trait Rows {
    /// One row, as its type.
    fn one<T: DeserializeOwned>(&self, kind: Kind, key: &str) -> Result<Option<T>, LedgerError>;
    /// All rows whose keys begin with `prefix`, in the order of their keys.
    fn under<T: DeserializeOwned>(&self, kind: Kind, prefix: &str) -> Result<Vec<T>, LedgerError>;
}

impl Rows for View<'_> {
    fn one<T: DeserializeOwned>(&self, kind: Kind, key: &str) -> Result<Option<T>, LedgerError> {
        self.row(kind, key)
    }

    fn under<T: DeserializeOwned>(&self, kind: Kind, prefix: &str) -> Result<Vec<T>, LedgerError> {
        Ok(self
            .rows_under(kind, prefix)?
            .into_iter()
            .map(|(_, row)| row)
            .collect())
    }
}

/// Rows in memory, folded from entries: the past, or what one subject's entries say.
#[derive(Debug, Clone, Default)]
pub struct Folded(BTreeMap<(Kind, String), Value>);

impl Folded {
    /// Takes one more entry.
    pub fn take(&mut self, entry: &Entry) {
        let changes = fold(entry, self).unwrap_or_default();
        for Change { kind, key, body } in changes {
            match body {
                Some(body) => self.0.insert((kind, key), body),
                None => self.0.remove(&(kind, key)),
            };
        }
    }
}

impl ReadRows for Folded {
    type Error = std::convert::Infallible;

    fn get(&self, kind: Kind, key: &str) -> Result<Option<Value>, Self::Error> {
        Ok(self.0.get(&(kind, key.to_owned())).cloned())
    }
}

impl Rows for Folded {
    fn one<T: DeserializeOwned>(&self, kind: Kind, key: &str) -> Result<Option<T>, LedgerError> {
        let body = self.0.get(&(kind, key.to_owned())).cloned();
        Ok(body.and_then(|body| serde_json::from_value(body).ok()))
    }

    fn under<T: DeserializeOwned>(&self, kind: Kind, prefix: &str) -> Result<Vec<T>, LedgerError> {
        let from = (kind, prefix.to_owned());
        let range = self
            .0
            .range(from..)
            .take_while(|((k, key), _)| *k == kind && key.starts_with(prefix));
        Ok(range
            .filter_map(|(_, body)| serde_json::from_value(body.clone()).ok())
            .collect())
    }
}

/// What a directory is to the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryTraits {
    /// Its name.
    pub name: SourceName,
    /// Whether its word on who has left counts.
    pub authoritative: bool,
    /// Whether everybody stands in it.
    pub lists_everybody: bool,
}

/// All holds, by whom they are about.
#[derive(Debug)]
pub(super) struct Holds {
    by_subject: BTreeMap<Subject, Vec<HoldRow>>,
    lost: Vec<LostHold>,
}

impl Holds {
    /// Reads all of them.
    pub(super) fn new<R: Rows>(rows: &R) -> Result<Self, LedgerError> {
        let mut by_subject: BTreeMap<Subject, Vec<HoldRow>> = BTreeMap::new();
        for hold in rows.under::<HoldRow>(Kind::Hold, "")? {
            let own = by_subject.entry(hold.subject.clone()).or_default();
            own.push(hold);
        }
        let mut lost = Vec::new();
        for (sub, holds) in &by_subject {
            if let Some(over) = lost_row(rows, sub)? {
                lost.extend(holds.iter().map(|hold| LostHold {
                    hold: hold.clone(),
                    over: over.clone(),
                }));
            }
        }
        Ok(Self { by_subject, lost })
    }

    /// The holds over those whose values are lost that could be about an account.
    pub(super) fn lost_over(&self, account: &AccountRow, links: &[LinkFacts]) -> Vec<LostHold> {
        let about = self
            .lost
            .iter()
            .filter(|lost| lost.could_be(account, links));
        about.cloned().collect()
    }

    /// The holds over an account: its own, and those over everybody to whom it belongs or could
    /// belong, whatever directory has them and whether that one is asked any more.
    pub(super) fn over<R: Rows>(
        &self,
        rows: &R,
        account: &Subject,
    ) -> Result<Vec<HoldRow>, LedgerError> {
        if self.by_subject.is_empty() {
            return Ok(Vec::new());
        }
        let mut whose = vec![account.clone()];
        for link in rows.under::<LinkRow>(Kind::Link, &pair_key(account, ""))? {
            whose.extend(link.person);
            whose.extend(link.candidates);
        }
        let held = whose
            .iter()
            .filter_map(|sub| self.by_subject.get(sub))
            .flatten();
        let mut holds: Vec<_> = held.cloned().collect();
        holds.sort_by_key(|hold| hold.seq);
        holds.dedup();
        Ok(holds)
    }
}

/// The tasks by hand, by account.
fn tasks<R: Rows>(rows: &R) -> Result<BTreeMap<Subject, TaskRow>, LedgerError> {
    let tasks = rows.under::<TaskRow>(Kind::Task, "")?.into_iter();
    Ok(tasks.map(|task| (task.account.clone(), task)).collect())
}

/// That a subject's values are lost; `None` once it is known again, from a vault that was found.
pub(super) fn lost_row<R: Rows>(rows: &R, sub: &Subject) -> Result<Option<LostRow>, LedgerError> {
    let Some(lost) = rows.one::<LostRow>(Kind::Lost, sub.as_str())? else {
        return Ok(None);
    };
    let known = match lost.kind {
        LostKind::Person => rows.one::<Value>(Kind::Person, sub.as_str())?,
        LostKind::Account => rows.one::<Value>(Kind::Account, sub.as_str())?,
        LostKind::Operator => None,
    };
    Ok(Some(lost).filter(|_| known.is_none()))
}

/// Gathers facts about many accounts from one state of the rows.
#[derive(Debug)]
pub struct Gatherer<'r, R> {
    rows: &'r R,
    directories: Vec<(DirectoryTraits, Option<SourceRow>)>,
    tenants: BTreeMap<SourceName, SourceRow>,
    commands: BTreeMap<Subject, Vec<CommandRow>>,
    holds: Holds,
    tasks: BTreeMap<Subject, TaskRow>,
    can: BTreeMap<SourceName, Capabilities>,
    called: Option<String>,
}

impl<'r, R: Rows> Gatherer<'r, R> {
    /// Reads once what all accounts share. `called` is the policy that was called by name;
    /// `commands` are those of all accounts that will be asked about.
    pub fn new(
        rows: &'r R,
        directories: Vec<DirectoryTraits>,
        can: BTreeMap<SourceName, Capabilities>,
        called: Option<String>,
        commands: Vec<CommandRow>,
    ) -> Result<Self, LedgerError> {
        let mut with_rows = Vec::new();
        for directory in directories {
            let key = source_key(SourceKind::Directory, directory.name.as_str());
            let row = rows.one::<SourceRow>(Kind::Source, &key)?;
            with_rows.push((directory, row));
        }
        let tenants = rows.under::<SourceRow>(Kind::Source, "tenant/")?;
        let mut by_account: BTreeMap<Subject, Vec<CommandRow>> = BTreeMap::new();
        for command in commands {
            let own = by_account.entry(command.account.clone()).or_default();
            own.push(command);
        }
        Ok(Self {
            rows,
            directories: with_rows,
            tenants: tenants
                .into_iter()
                .map(|row| (row.source.clone(), row))
                .collect(),
            commands: by_account,
            holds: Holds::new(rows)?,
            tasks: tasks(rows)?,
            can,
            called,
        })
    }

    /// The facts about one account; `None` if its tenant was never read.
    pub fn facts(&self, account: AccountRow) -> Result<Option<Facts>, LedgerError> {
        let Some(tenant) = self.tenants.get(&account.tenant).cloned() else {
            return Ok(None);
        };
        let sub = account.subject.clone();
        let links = self.links(&sub)?;
        let lost_holds = self.holds.lost_over(&account, &links);
        Ok(Some(Facts {
            tenant,
            activity: self.rows.one(Kind::Activity, sub.as_str())?,
            links,
            commands: self.commands.get(&sub).cloned().unwrap_or_default(),
            notices: self.rows.under(Kind::Notice, &format!("{sub}/"))?,
            kept: self.kept(&sub)?,
            holds: self.holds.over(self.rows, &sub)?,
            task: self.tasks.get(&sub).cloned(),
            lost_holds,
            previous: self.rows.one(Kind::Decision, sub.as_str())?,
            orphan: self.rows.one(Kind::Orphan, sub.as_str())?,
            can: self.can.get(&account.tenant).cloned().unwrap_or_default(),
            called: self.called.clone(),
            account,
        }))
    }

    /// Whether a task about an account was ever opened, or it is held.
    pub(super) fn has_task_or_hold(&self, account: &Subject) -> bool {
        self.tasks.contains_key(account) || self.holds.by_subject.contains_key(account)
    }

    /// Whether one of the holds over an account was placed at or after an entry.
    pub(super) fn is_held_since(
        &self,
        account: &Subject,
        placed: Seq,
    ) -> Result<bool, LedgerError> {
        let holds = self.holds.over(self.rows, account)?;
        Ok(holds.iter().any(|hold| hold.seq >= placed))
    }

    fn kept(&self, account: &Subject) -> Result<Vec<KeptMark>, LedgerError> {
        let row = self.rows.one::<KeptRow>(Kind::Kept, account.as_str())?;
        Ok(row.map(|row| row.kept).unwrap_or_default())
    }

    /// What each directory says about an account. One that the policy does not know any more has no
    /// say, but what a named person said of somebody in it stands.
    fn links(&self, account: &Subject) -> Result<Vec<LinkFacts>, LedgerError> {
        let rows = self
            .rows
            .under::<LinkRow>(Kind::Link, &format!("{account}/"))?;
        let mut rows: BTreeMap<_, _> = rows
            .into_iter()
            .map(|row| (row.directory.clone(), row))
            .collect();
        let mut links = Vec::new();
        for (directory, source) in &self.directories {
            let row = rows.remove(&directory.name);
            links.push(self.link(directory, source.as_ref(), row)?);
        }
        for (name, row) in rows {
            let silent = DirectoryTraits {
                name,
                authoritative: false,
                lists_everybody: false,
            };
            let link = self.link(&silent, None, Some(row))?;
            if link.linked_person().is_some_and(|p| p.named.is_some()) {
                links.push(link);
            }
        }
        Ok(links)
    }

    fn link(
        &self,
        directory: &DirectoryTraits,
        source: Option<&SourceRow>,
        link: Option<LinkRow>,
    ) -> Result<LinkFacts, LedgerError> {
        let person = match link.as_ref().and_then(|l| l.person.as_ref()) {
            Some(person) => self.rows.one(Kind::Person, person.as_str())?,
            None => None,
        };
        let mut candidates = Vec::new();
        for sub in link.iter().flat_map(|l| &l.candidates) {
            candidates.extend(self.rows.one(Kind::Person, sub.as_str())?);
        }
        Ok(LinkFacts {
            directory: directory.name.clone(),
            source: source.cloned(),
            authoritative: directory.authoritative,
            lists_everybody: directory.lists_everybody,
            link,
            person,
            candidates,
        })
    }
}

impl Engine {
    /// What the directories are to the rules: as the policy says that rules in some rows, so that
    /// a line in exeunt.toml silences nobody and lets nobody speak before it is adopted. Before
    /// the first policy, as configured.
    pub fn directory_traits<R: Rows>(&self, rows: &R) -> Result<Vec<DirectoryTraits>, EngineError> {
        let Some((_, set)) = adopted(rows)? else {
            return Ok(self.configured_traits());
        };
        let named = set.sources.iter().filter_map(|(source, guard)| {
            let name = source.strip_prefix("directory/")?;
            Some(DirectoryTraits {
                name: SourceName::new(name),
                authoritative: guard.authoritative,
                lists_everybody: !guard.leavers,
            })
        });
        Ok(named.collect())
    }

    fn configured_traits(&self) -> Vec<DirectoryTraits> {
        let traits = |d: &crate::engine::DirectorySource| DirectoryTraits {
            name: d.name.clone(),
            authoritative: d.authoritative,
            lists_everybody: d.adapter.lists_everybody(),
        };
        self.directories.iter().map(traits).collect()
    }

    /// What the configured tenants can do.
    pub fn capabilities(&self) -> BTreeMap<SourceName, Capabilities> {
        self.tenants
            .iter()
            .map(|t| (t.name.clone(), t.capabilities()))
            .collect()
    }

    /// What the tenants can do, as the policy says that rules in some rows.
    fn adopted_capabilities<R: Rows>(
        &self,
        rows: &R,
    ) -> Result<BTreeMap<SourceName, Capabilities>, EngineError> {
        let Some((_, set)) = adopted(rows)? else {
            return Ok(self.capabilities());
        };
        let named = set.sources.into_iter().filter_map(|(source, guard)| {
            let name = source.strip_prefix("tenant/")?;
            Some((SourceName::new(name), Capabilities { can: guard.can }))
        });
        Ok(named.collect())
    }

    /// A gatherer over some rows, with the sources of the policy that rules in them.
    pub fn gatherer<'r, R: Rows>(
        &self,
        rows: &'r R,
        called: Option<String>,
    ) -> Result<Gatherer<'r, R>, EngineError> {
        let commands = rows.under::<CommandRow>(Kind::Command, "")?;
        self.gatherer_with(rows, called, commands)
    }

    fn gatherer_with<'r, R: Rows>(
        &self,
        rows: &'r R,
        called: Option<String>,
        commands: Vec<CommandRow>,
    ) -> Result<Gatherer<'r, R>, EngineError> {
        Ok(Gatherer::new(
            rows,
            self.directory_traits(rows)?,
            self.adopted_capabilities(rows)?,
            called,
            commands,
        )?)
    }

    /// The facts about one account as they stand; `None` if it is not known.
    pub fn facts(&self, account: &Subject) -> Result<Option<Facts>, EngineError> {
        let view = self.ledger.view()?;
        let Some(row) = view.row::<AccountRow>(Kind::Account, account.as_str())? else {
            return Ok(None);
        };
        self.facts_of(&view, row, None)
    }

    /// The facts about one account in a view; the commands of other accounts are not read for it.
    pub(super) fn facts_of(
        &self,
        view: &View<'_>,
        account: AccountRow,
        called: Option<String>,
    ) -> Result<Option<Facts>, EngineError> {
        let commands = view.commands_of(&account.subject)?;
        let gatherer = self.gatherer_with(view, called, commands)?;
        Ok(gatherer.facts(account)?)
    }
}
