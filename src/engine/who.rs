//! Finds the people and accounts that somebody at the command line means.

use std::collections::BTreeSet;

use crate::domain::id::Email;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::rows::AccountRow;
use crate::domain::rows::Kind;
use crate::domain::rows::LinkRow;
use crate::domain::rows::PersonRow;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::ledger::vault::Profile;
use crate::ledger::vault::SubjectKind;

/// Everybody who was meant, and whoever belongs to them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The people.
    pub people: BTreeSet<Subject>,
    /// The accounts.
    pub accounts: BTreeSet<Subject>,
}

impl Engine {
    /// Finds by pseudonym, address (present or past), key of a directory or id of a tenant; then
    /// adds the accounts of the people and the people of the accounts.
    pub fn find(&self, who: &str) -> Result<Found, EngineError> {
        let view = self.ledger.view()?;
        let mut found = Found::default();
        for sub in self.candidates(who)? {
            if view.row::<PersonRow>(Kind::Person, sub.as_str())?.is_some() {
                found.people.insert(sub);
            } else if view
                .row::<AccountRow>(Kind::Account, sub.as_str())?
                .is_some()
            {
                found.accounts.insert(sub);
            }
        }
        if found == Found::default() {
            return Err(EngineError::unknown(
                format!("nobody in the ledger is known as `{who}`"),
                "give an address, a pseudonym (s_…), a directory's key or a tenant's id; \
                       `exeunt accounts` lists all accounts",
            ));
        }
        let named = found.accounts.clone();
        for (_, link) in view.rows::<LinkRow>(Kind::Link)? {
            let Some(person) = &link.person else { continue };
            if found.people.contains(person) {
                found.accounts.insert(link.account.clone());
            } else if named.contains(&link.account) {
                found.people.insert(person.clone());
            }
        }
        Ok(found)
    }

    fn candidates(&self, who: &str) -> Result<Vec<Subject>, EngineError> {
        if who.starts_with("s_") {
            return Ok(vec![Subject::new(who)]);
        }
        let vault = self.ledger.vault()?;
        if let Some(address) = Email::parse(who) {
            let found = vault.find_address(&address)?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        let mut found = Vec::new();
        for directory in &self.directories {
            found.extend(vault.subject_of(SubjectKind::Person, &directory.name, who)?);
        }
        for tenant in &self.tenants {
            found.extend(vault.subject_of(SubjectKind::Account, &tenant.name, who)?);
        }
        Ok(found)
    }

    /// The personal values of a subject, for people to read; empty after an erasure or without.
    pub fn profile(&self, sub: &Subject) -> Result<Profile, EngineError> {
        // Opened without its vault, a ledger shows pseudonyms.
        let Ok(vault) = self.ledger.vault() else {
            return Ok(Profile::new());
        };
        Ok(vault.profile(sub)?.unwrap_or_default())
    }

    /// What to call a subject: its address, else its name, else its pseudonym.
    pub fn called(&self, sub: &Subject) -> Result<String, EngineError> {
        let profile = self.profile(sub)?;
        let name = profile
            .first(Profile::MAIL)
            .or(profile.first(Profile::NAME));
        Ok(name.unwrap_or(sub.as_str()).to_owned())
    }

    /// The tenant's own id of an account, for a call.
    pub(super) fn account_id(&self, account: &Subject) -> Result<Option<String>, EngineError> {
        Ok(self
            .profile(account)?
            .first(Profile::KEY)
            .map(str::to_owned))
    }

    /// Whether a source is configured under this name.
    pub fn is_source(&self, name: &SourceName) -> bool {
        self.directory(name).is_some() || self.tenant(name).is_some()
    }
}
