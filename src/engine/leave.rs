//! Somebody leaves now, because a named person says so (`exeunt leave`).

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::domain::account::Do;
use crate::domain::event::Draft;
use crate::domain::event::LeaveStated;
use crate::domain::event::LeaveWithdrawn;
use crate::domain::id::Email;
use crate::domain::id::Seq;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::rows::AccountRow;
use crate::domain::rows::Kind;
use crate::domain::rows::LinkRow;
use crate::domain::rows::PersonRow;
use crate::domain::rows::Stated;
use crate::domain::time::Time;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::Run;
use crate::engine::approve::Signer;
use crate::ledger::LedgerError;
use crate::ledger::View;

/// Whom a named person means: persons of authoritative directories, and accounts that belong to
/// none of these.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Meant {
    /// The persons, by pseudonym.
    pub people: Vec<PersonRow>,
    /// The accounts that are named themselves, since no authoritative directory has their person.
    pub accounts: Vec<AccountRow>,
    /// The accounts that belong to the persons.
    pub belong: Vec<AccountRow>,
}

/// What a named person says, beside whom it is about.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    /// From when on they leave.
    pub at: Time,
    /// Whether that is only now since nobody said when: then an earlier moment stays.
    pub at_once: bool,
    /// Why, in words.
    pub reason: &'a str,
    /// Where it is written down.
    pub ticket: Option<&'a str>,
}

impl Meant {
    /// Everybody about whom it is said, with what was said of them before.
    pub fn each(&self) -> impl Iterator<Item = (&Subject, Option<&Stated>)> {
        let people = self.people.iter().map(|p| (&p.subject, p.named.as_ref()));
        let accounts = self.accounts.iter().map(|a| (&a.subject, a.named.as_ref()));
        people.chain(accounts)
    }
}

impl Engine {
    /// Finds who leaves: by an address that somebody has now, else by one that they had; by a
    /// pseudonym, a directory's key or a tenant's id.
    ///
    /// [`EngineError::Refused`] with `leave.ambiguous` if two persons of one directory, or two
    /// accounts of one tenant without a person, could be meant, or if an address was somebody's whose
    /// account does not have it, and another account has it now.
    pub fn who_leaves(&self, who: &str) -> Result<Meant, EngineError> {
        self.who_is_meant(who, true)
    }

    /// Finds whom somebody means; `leaves` leaves out the directories whose word on who has left
    /// does not count.
    pub(super) fn who_is_meant(&self, who: &str, leaves: bool) -> Result<Meant, EngineError> {
        let found = self.find(who)?;
        let view = self.ledger.view()?;
        let authoritative = self.authoritative(&view)?;
        let mut people = Vec::new();
        for sub in &found.people {
            let row = view.row::<PersonRow>(Kind::Person, sub.as_str())?;
            people.extend(row.filter(|row| !leaves || authoritative.contains(&row.directory)));
        }
        let address = Email::parse(who);
        let (mut people, formerly) = self.who_has(people, address.as_ref())?;
        let mut belong = BTreeMap::new();
        for (_, link) in view.rows::<LinkRow>(Kind::Link)? {
            let own = people
                .iter()
                .any(|p| link.person.as_ref() == Some(&p.subject));
            if own && let Some(row) = there(&view, &link.account)? {
                belong.insert(row.subject.clone(), row);
            }
        }
        let mut accounts = Vec::new();
        for sub in found.accounts.iter().filter(|a| !belong.contains_key(*a)) {
            accounts.extend(there(&view, sub)?);
        }
        accounts = self.with_address(accounts, address.as_ref())?;
        if formerly && !people.is_empty() && !accounts.is_empty() {
            return Err(EngineError::refused(
                "leave.ambiguous",
                format!(
                    "`{who}` was somebody's address, and an account has it now that is not known to \
                     be theirs"
                ),
                "name the person or the account by pseudonym (s_…), key or id; `exeunt why` \
                       shows them",
            ));
        }
        people.sort_by(|a, b| a.directory.cmp(&b.directory));
        accounts.sort_by(|a, b| a.tenant.cmp(&b.tenant));
        one_of_each(who, people.iter().map(|p| &p.directory))?;
        one_of_each(who, accounts.iter().map(|a| &a.tenant))?;
        if people.is_empty() && accounts.is_empty() {
            return Err(EngineError::unknown(
                match leaves {
                    true => format!("nobody who could leave is known as `{who}`"),
                    false => format!("nobody who is there is known as `{who}`"),
                },
                "`exeunt why` shows who had this address",
            ));
        }
        Ok(Meant {
            people,
            accounts,
            belong: belong.into_values().collect(),
        })
    }

    fn authoritative(&self, view: &View<'_>) -> Result<BTreeSet<SourceName>, EngineError> {
        let traits = self.directory_traits(view)?.into_iter();
        Ok(traits.filter(|t| t.authoritative).map(|t| t.name).collect())
    }

    /// Those who have an address now; if nobody has, those who had it, and that they only had it.
    fn who_has(
        &self,
        all: Vec<PersonRow>,
        address: Option<&Email>,
    ) -> Result<(Vec<PersonRow>, bool), EngineError> {
        let Some(address) = address else {
            return Ok((all, false));
        };
        let mut now = Vec::new();
        for one in &all {
            let profile = self.profile(&one.subject)?;
            if profile.addresses().any(|a| a == *address) {
                now.push(one.clone());
            }
        }
        Ok(match now.is_empty() {
            true => (all, true),
            false => (now, false),
        })
    }

    /// Accounts that have an address now; one that only had it may be somebody else's.
    fn with_address(
        &self,
        mut accounts: Vec<AccountRow>,
        address: Option<&Email>,
    ) -> Result<Vec<AccountRow>, EngineError> {
        if let Some(address) = address {
            let mut own = Vec::new();
            for account in accounts {
                let profile = self.profile(&account.subject)?;
                if profile.addresses().any(|a| a == *address) {
                    own.push(account);
                }
            }
            accounts = own;
        }
        Ok(accounts)
    }

    /// Records that somebody leaves; what was said of them before for the same moment stays as it
    /// is. Returns the entries that were made.
    ///
    /// Whoever may approve a disabling may say so, with the same proof.
    pub fn state_leave(
        &self,
        run: &Run,
        signer: &Signer,
        meant: &Meant,
        said: Said<'_>,
    ) -> Result<BTreeMap<Subject, Seq>, EngineError> {
        let mut drafts = Vec::new();
        let mut batch = self.ledger.vault()?.batch()?;
        for (sub, before) in meant.each() {
            let again =
                |stated: &Stated| stated.at == said.at || (said.at_once && stated.at < said.at);
            if before.is_some_and(again) {
                continue;
            }
            let stated = LeaveStated {
                at: said.at,
                proof: signer.proof.to_owned(),
                signature: signer.sign(&format!("leave {sub} {}", said.at)),
            };
            let mut draft = Draft::new(self.ledger.entry_id()?, &stated).about(sub);
            draft.at = Some(run.now);
            batch.conceal(&mut draft, "reason", sub, said.reason.as_bytes())?;
            if let Some(ticket) = said.ticket {
                batch.conceal(&mut draft, "ticket", sub, ticket.as_bytes())?;
            }
            drafts.push((sub.clone(), before.map(|b| b.seq), draft));
        }
        batch.commit()?;
        self.append_said(run, drafts)
    }

    /// Records that somebody stays after all. Returns the entries that were made; none if nobody
    /// had said that they leave.
    pub fn withdraw_leave(
        &self,
        run: &Run,
        signer: &Signer,
        named: &[(Subject, Stated)],
        reason: Option<&str>,
        ticket: Option<&str>,
    ) -> Result<BTreeMap<Subject, Seq>, EngineError> {
        let mut drafts = Vec::new();
        let mut batch = self.ledger.vault()?.batch()?;
        for (sub, stated) in named {
            let withdrawn = LeaveWithdrawn {
                stated: stated.seq,
                proof: signer.proof.to_owned(),
                signature: signer.sign(&format!("stay {sub} {}", stated.seq)),
            };
            let mut draft = Draft::new(self.ledger.entry_id()?, &withdrawn).about(sub);
            for (field, text) in [("reason", reason), ("ticket", ticket)] {
                if let Some(text) = text {
                    batch.conceal(&mut draft, field, sub, text.as_bytes())?;
                }
            }
            drafts.push((sub.clone(), Some(stated.seq), draft));
        }
        batch.commit()?;
        self.append_said(run, drafts)
    }

    /// Refuses whoever may not say that somebody leaves or stays.
    pub fn may_state_leave(&self, signer: &Signer) -> Result<(), EngineError> {
        self.may(signer, Do::Disable.as_str())
    }

    /// Of everybody whom somebody means: those of whom a named person said that they leave.
    pub fn said_to_leave(&self, who: &str) -> Result<Vec<(Subject, Stated)>, EngineError> {
        let found = self.find(who)?;
        let view = self.ledger.view()?;
        let mut named = Vec::new();
        for sub in &found.people {
            let row = view.row::<PersonRow>(Kind::Person, sub.as_str())?;
            let stated = row.and_then(|row| row.named);
            named.extend(stated.map(|stated| (sub.clone(), stated)));
        }
        for sub in &found.accounts {
            let row = view.row::<AccountRow>(Kind::Account, sub.as_str())?;
            let stated = row.and_then(|row| row.named);
            named.extend(stated.map(|stated| (sub.clone(), stated)));
        }
        Ok(named)
    }

    /// Those who leave, as a named person said, and whom that reaches no more: the directory that has
    /// them is none any more for the policy that rules, and no account is known to be theirs.
    pub fn words_without_account(&self) -> Result<Vec<(PersonRow, Stated)>, EngineError> {
        let view = self.ledger.view()?;
        let traits = self.directory_traits(&view)?.into_iter();
        let known: BTreeSet<_> = traits.map(|t| t.name).collect();
        let mut without = Vec::new();
        for (_, person) in view.rows::<PersonRow>(Kind::Person)? {
            let Some(stated) = person.named.clone() else {
                continue;
            };
            if !known.contains(&person.directory) {
                without.push((person, stated));
            }
        }
        if without.is_empty() {
            return Ok(without);
        }
        let links = view.rows::<LinkRow>(Kind::Link)?.into_iter();
        let linked: BTreeSet<_> = links.filter_map(|(_, link)| link.person).collect();
        without.retain(|(person, _)| !linked.contains(&person.subject));
        Ok(without)
    }

    /// Appends what was said, unless something else was said meanwhile.
    fn append_said(
        &self,
        run: &Run,
        drafts: Vec<(Subject, Option<Seq>, Draft)>,
    ) -> Result<BTreeMap<Subject, Seq>, EngineError> {
        let mut these = Vec::new();
        let appended = self.ledger.commit::<LedgerError>(&run.by, |view| {
            these.clear();
            let mut fresh = Vec::new();
            for (sub, before, draft) in &drafts {
                let person = view.row::<PersonRow>(Kind::Person, sub.as_str())?;
                let account = view.row::<AccountRow>(Kind::Account, sub.as_str())?;
                let now = person.and_then(|p| p.named);
                let now = now.or(account.and_then(|a| a.named));
                if now.map(|stated| stated.seq) == *before {
                    these.push(sub.clone());
                    fresh.push(draft.clone());
                }
            }
            Ok(fresh)
        })?;
        self.ledger.sync()?;
        Ok(these.into_iter().zip(appended.first..).collect())
    }
}

/// An account that is there.
fn there(view: &View<'_>, sub: &Subject) -> Result<Option<AccountRow>, EngineError> {
    let row = view.row::<AccountRow>(Kind::Account, sub.as_str())?;
    Ok(row.filter(|row| row.gone.is_none()))
}

/// Refuses two of one source: only one of them can be meant.
fn one_of_each<'a>(
    who: &str,
    sources: impl Iterator<Item = &'a SourceName>,
) -> Result<(), EngineError> {
    let mut once = BTreeSet::new();
    for source in sources {
        if !once.insert(source) {
            return Err(EngineError::refused(
                "leave.ambiguous",
                format!("`{who}` could be more than one in {source}"),
                "name one by pseudonym (s_…), key or id; `exeunt why` shows them",
            ));
        }
    }
    Ok(())
}
