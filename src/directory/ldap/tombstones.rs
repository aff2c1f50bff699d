//! What Active Directory keeps of those who were deleted.

use ldap3::Scope;

use crate::directory::DirectoryError;
use crate::directory::ldap::LdapDirectory;
use crate::directory::ldap::connection::Connection;
use crate::directory::ldap::connection::Search;
use crate::directory::ldap::failure;
use crate::directory::ldap::name::Name;
use crate::directory::ldap::person::Beside;
use crate::directory::ldap::person::From;
use crate::directory::ldap::search::Entry;
use crate::directory::ldap::servers::RootEntry;
use crate::directory::ldap::walk::Gathered;
use crate::directory::ldap::walk::Part;

/// Shows deleted entries (LDAP_SERVER_SHOW_DELETED_OID).
pub(super) const SHOW_DELETED: &str = "1.2.840.113556.1.4.417";

/// Shows deleted entries, and recycled ones too (LDAP_SERVER_SHOW_RECYCLED_OID).
pub(super) const SHOW_RECYCLED: &str = "1.2.840.113556.1.4.2064";

/// A tombstone has lost its category, so people are told from computers by class.
const DELETED_PEOPLE: &str = "(&(isDeleted=TRUE)(objectClass=user)(!(objectClass=computer)))";

/// Whether deleted people could be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tombstones {
    /// Some were seen.
    Seen,
    /// Other deleted entries can be seen, so there are no people among them.
    None,
    /// No deleted entry can be seen: the right is missing, or nothing was ever deleted.
    NotAllowed,
}

impl Tombstones {
    /// As the proof says it.
    pub(super) fn as_text(self) -> &'static str {
        match self {
            Tombstones::Seen => "seen",
            Tombstones::None => "none",
            Tombstones::NotAllowed => "not-allowed",
        }
    }
}

/// Where a domain keeps what was deleted.
pub(super) fn container(context: &str) -> String {
    format!("CN=Deleted Objects,{context}")
}

impl LdapDirectory {
    /// Reads deleted people. Missing rights are no error: a departure is then seen later, as an
    /// absence.
    pub(super) async fn tombstones(
        &self,
        connection: &mut Connection,
        root: &RootEntry,
        beside: &Beside,
        gathered: &mut Gathered,
    ) -> Result<Tombstones, DirectoryError> {
        let container = container(root.context_of(&self.settings.base));
        let attributes = self.wanted_of_deleted();
        for control in [SHOW_RECYCLED, SHOW_DELETED] {
            let part = Part {
                base: container.clone(),
                filter: DELETED_PEOPLE.to_owned(),
                from: From::Deleted,
                controls: vec![control],
                bears: &[12, 32, 50],
            };
            let at = connection.at.clone();
            let mut any = false;
            let walked = self
                .walk(connection, &part, &attributes, &mut |entries| {
                    for entry in entries {
                        any = true;
                        if self.was_ours(&entry) {
                            self.take(&at, &entry, part.from, beside, gathered)?;
                        }
                    }
                    self.limit(&at, gathered)
                })
                .await?;
            gathered.proof.pages += walked.pages;
            match walked.refused {
                // The newer control is unknown before Windows Server 2008 R2.
                Some(12) => {}
                Some(_) => return Ok(Tombstones::NotAllowed),
                None if any => return Ok(Tombstones::Seen),
                None => return self.any_deleted(connection, &container, control).await,
            }
        }
        Ok(Tombstones::NotAllowed)
    }

    /// Whether anything that was deleted can be seen beside the container itself.
    async fn any_deleted(
        &self,
        connection: &mut Connection,
        container: &str,
        control: &str,
    ) -> Result<Tombstones, DirectoryError> {
        let wanted = Search {
            base: container,
            scope: Scope::OneLevel,
            filter: "(isDeleted=TRUE)",
            attributes: &["objectGUID"],
            controls: &[control],
            page: None,
            at_most: 1,
            when: "while asking for anything deleted".to_owned(),
        };
        let answer = connection.search(&wanted).await?;
        match (answer.code, answer.entries.is_empty()) {
            (0 | 4, false) => Ok(Tombstones::None),
            (0 | 4 | 32 | 50, _) => Ok(Tombstones::NotAllowed),
            (code, _) => Err(failure::searching(
                &connection.at,
                container,
                &wanted.when,
                code,
            )),
        }
    }

    /// Whether a deleted entry may have been one of those who are read: not if it is known to have
    /// stood elsewhere. Its unit may have been deleted too, and then its name says nothing.
    fn was_ours(&self, entry: &Entry) -> bool {
        let Some(parent) = entry.attributes.text(&["lastKnownParent"]) else {
            return true;
        };
        if parent.to_ascii_lowercase().contains(r"\0adel:") {
            return true;
        }
        let Some(parent) = Name::parse(&parent) else {
            return true;
        };
        self.live_parts()
            .iter()
            .any(|part| Name::parse(&part.base).is_some_and(|base| parent.is_within(&base)))
    }
}
