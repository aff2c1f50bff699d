//! One person by key, and the proof that nobody found means nobody there.

use ldap3::Scope;
use url::Url;
use uuid::Uuid;

use crate::directory::DirectoryError;
use crate::directory::ldap::ANYTHING;
use crate::directory::ldap::LdapDirectory;
use crate::directory::ldap::connection::Connection;
use crate::directory::ldap::connection::Search;
use crate::directory::ldap::failure;
use crate::directory::ldap::no_right;
use crate::directory::ldap::person::From;
use crate::directory::ldap::search::Answer;
use crate::directory::ldap::search::Entry;
use crate::directory::ldap::settings::Flavor;
use crate::directory::ldap::tombstones;
use crate::domain::person::PersonRecord;

impl LdapDirectory {
    /// Looks for somebody on one server.
    pub(super) async fn look_up_at(
        &self,
        url: &Url,
        key: &Uuid,
    ) -> Result<Option<PersonRecord>, DirectoryError> {
        let mut connection = self.bound(url).await?;
        let found = self.look_up_with(&mut connection, key).await?;
        connection.close().await;
        Ok(found)
    }

    async fn look_up_with(
        &self,
        connection: &mut Connection,
        key: &Uuid,
    ) -> Result<Option<PersonRecord>, DirectoryError> {
        let root = self.root_entry(connection).await?;
        let text = key.hyphenated().to_string();
        let mut elsewhere = 0;
        // Without the configured filter: who merely fell out of it is not gone.
        let filter = self.with_key(key);
        for (base, from) in self.places(root.context_of(&self.settings.base)) {
            let found = self.find(connection, &base, &filter).await?;
            elsewhere += found.elsewhere;
            let mut entries = found.entries.into_iter();
            match (entries.next(), entries.next()) {
                (Some(entry), None) if self.has_key(&entry.attributes, &text) => {
                    let beside = self.beside(connection, &root, Some(key)).await?;
                    let at = &connection.at;
                    return self.person(at, text, &entry, from, &beside).map(Some);
                }
                (Some(_), None) => {
                    let what = format!("reading {}", self.key_name());
                    return Err(no_right(&connection.at, &what));
                }
                (Some(_), Some(_)) => {
                    let detail = format!("two entries have the same {}", self.key_name());
                    let at = &connection.at;
                    return Err(failure::not_whole(at, "read.duplicate-key", detail));
                }
                (None, _) => {}
            }
        }
        let context = root.context_of(&self.settings.base);
        if let Some(entry) = self.outside(connection, context, &filter, &text).await? {
            let beside = self.beside(connection, &root, Some(key)).await?;
            let at = &connection.at;
            let person = self.person(at, text, &entry, From::Live, &beside);
            return person.map(Some);
        }
        if elsewhere > 0 {
            let detail = "the server refers to another one for a part of the tree, where the \
                          entry may be";
            return Err(failure::not_whole(
                &connection.at,
                "read.referral",
                detail.to_owned(),
            ));
        }
        self.prove_rights(connection).await?;
        Ok(None)
    }

    /// Where somebody may be. Active Directory is searched as a whole: whoever was moved to a unit
    /// outside the base is not gone.
    fn places(&self, context: &str) -> Vec<(String, From)> {
        if self.settings.flavor == Flavor::ActiveDirectory {
            return vec![(context.to_owned(), From::Live)];
        }
        let parts = self.live_parts().into_iter();
        parts.map(|part| (part.base, part.from)).collect()
    }

    /// The entry where it stands elsewhere in the tree, as far as the account may see: whoever was
    /// moved out of the base is not gone. What the account may not search says nothing.
    async fn outside(
        &self,
        connection: &mut Connection,
        context: &str,
        filter: &str,
        key: &str,
    ) -> Result<Option<Entry>, DirectoryError> {
        if self.settings.flavor == Flavor::ActiveDirectory || context == self.settings.base {
            return Ok(None);
        }
        let attributes = self.wanted();
        let wanted = Search {
            base: context,
            scope: Scope::Subtree,
            filter,
            attributes: &attributes,
            controls: &[],
            page: None,
            at_most: 0,
            when: "while looking outside the base".to_owned(),
        };
        let answer = connection.search(&wanted).await?;
        let mut entries = answer.entries.into_iter();
        Ok(entries.find(|entry| self.has_key(&entry.attributes, key)))
    }

    async fn find(
        &self,
        connection: &mut Connection,
        base: &str,
        filter: &str,
    ) -> Result<Answer, DirectoryError> {
        if self.settings.flavor != Flavor::ActiveDirectory {
            let wanted = self.wanted();
            return self
                .ask(connection, base, Scope::Subtree, filter, &wanted)
                .await;
        }
        let wanted = self.wanted_of_deleted();
        // Deleted ones too, with the newer of the two controls that the server understands.
        let mut search = Search {
            base,
            scope: Scope::Subtree,
            filter,
            attributes: &wanted,
            controls: &[tombstones::SHOW_RECYCLED],
            page: None,
            at_most: 0,
            when: "while asking for one entry".to_owned(),
        };
        let mut answer = connection.search(&search).await?;
        if answer.code == 12 {
            search.controls = &[tombstones::SHOW_DELETED];
            answer = connection.search(&search).await?;
        }
        if answer.code == 0 {
            return Ok(answer);
        }
        Err(failure::searching(
            &connection.at,
            base,
            &search.when,
            answer.code,
        ))
    }

    /// Proves that nothing found means nothing there: base, leavers' units and at least one person
    /// can be read over this same connection. A lost read right looks just like an empty directory.
    async fn prove_rights(&self, connection: &mut Connection) -> Result<(), DirectoryError> {
        let base = self.settings.base.as_str();
        let attributes = self.key_attributes();
        let own = self
            .ask(connection, base, Scope::Base, ANYTHING, attributes)
            .await?;
        if !own
            .entries
            .iter()
            .any(|entry| self.key(&entry.attributes).is_some())
        {
            return Err(no_right(&connection.at, &format!("reading {base} itself")));
        }
        let signals = &self.settings.signals;
        for unit in signals.leavers_units.iter().chain(&signals.preserved_base) {
            self.there(connection, unit).await?;
        }
        if !self
            .any(connection, base, self.settings.effective_filter())
            .await?
        {
            return Err(no_right(&connection.at, "seeing anybody at all"));
        }
        Ok(())
    }

    /// Whether anybody with a usable key is found.
    pub(super) async fn any(
        &self,
        connection: &mut Connection,
        base: &str,
        filter: &str,
    ) -> Result<bool, DirectoryError> {
        let wanted = Search {
            base,
            scope: Scope::Subtree,
            filter,
            attributes: self.key_attributes(),
            controls: &[],
            page: None,
            at_most: 1,
            when: "while asking for anybody".to_owned(),
        };
        let answer = connection.search(&wanted).await?;
        // 4: there are more than the one that was asked for.
        if !matches!(answer.code, 0 | 4) {
            let at = &connection.at;
            return Err(failure::searching(at, base, &wanted.when, answer.code));
        }
        let mut found = answer.entries.iter();
        Ok(found.any(|entry| self.key(&entry.attributes).is_some()))
    }
}
