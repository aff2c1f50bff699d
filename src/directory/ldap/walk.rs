//! A whole read: all parts of the directory, each page of them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Place;

use ldap3::Scope;
use url::Url;

use crate::directory::DirectoryError;
use crate::directory::PeopleRead;
use crate::directory::ldap::ANYTHING;
use crate::directory::ldap::LdapDirectory;
use crate::directory::ldap::connection::Connection;
use crate::directory::ldap::connection::Search;
use crate::directory::ldap::failure;
use crate::directory::ldap::name::Name;
use crate::directory::ldap::no_right;
use crate::directory::ldap::person::Beside;
use crate::directory::ldap::person::From;
use crate::directory::ldap::search::Entry;
use crate::directory::ldap::search::Paging;
use crate::directory::ldap::servers::RootEntry;
use crate::directory::ldap::settings::Flavor;
use crate::directory::proof;
use crate::domain::person::PersonRecord;
use crate::domain::source::ReadProof;

/// One search over many pages.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// Below which entry.
    pub(super) base: String,
    /// For which entries.
    pub(super) filter: String,
    /// What those entries are.
    pub(super) from: From,
    /// Controls that the server must understand.
    pub(super) controls: Vec<&'static str>,
    /// Result codes that end it on its first page without an error.
    pub(super) bears: &'static [u32],
}

/// How a search over many pages came to its regular end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Walked {
    /// How many pages there were.
    pub(super) pages: u64,
    /// References to other servers.
    pub(super) referrals: u64,
    /// Those of them that lead to where people may be.
    pub(super) elsewhere: u64,
    /// A result code that was borne: nothing was seen.
    pub(super) refused: Option<u32>,
}

/// Everybody who was seen so far.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    people: BTreeMap<String, PersonRecord>,
    /// Whether the people of Active Directory let be seen whether they are disabled.
    control_seen: bool,
    pub(super) proof: ReadProof,
}

impl LdapDirectory {
    /// Reads everybody from one server.
    pub(super) async fn read_from(
        &self,
        url: &Url,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<PeopleRead, DirectoryError> {
        let mut connection = self.bound(url).await?;
        let read = self.read_all(&mut connection, progress).await?;
        connection.close().await;
        Ok(read)
    }

    /// Reads all parts over one connection.
    pub(super) async fn read_all(
        &self,
        connection: &mut Connection,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<PeopleRead, DirectoryError> {
        // The mark comes first: what changes after it is seen now or counted as newer.
        let root = self.root_entry(connection).await?;
        let mark = self.mark(connection, &root).await?;
        let (identity, about) = self.identity(&root);
        let mut gathered = Gathered {
            proof: ReadProof {
                identity,
                about,
                server: Some(mark),
                ..ReadProof::default()
            },
            ..Gathered::default()
        };
        let beside = self.beside(connection, &root, None).await?;
        let attributes = self.wanted();
        let mut elsewhere = 0;
        for part in self.live_parts() {
            let at = connection.at.clone();
            let walked = self
                .walk(connection, &part, &attributes, &mut |entries| {
                    for entry in entries {
                        self.take(&at, &entry, part.from, &beside, &mut gathered)?;
                    }
                    self.limit(&at, &gathered)?;
                    progress(gathered.proof.count);
                    Ok(())
                })
                .await?;
            gathered.proof.pages += walked.pages;
            gathered.proof.referrals += walked.referrals;
            elsewhere += walked.elsewhere;
        }
        if self.settings.flavor == Flavor::ActiveDirectory {
            if gathered.proof.count > 0 && !gathered.control_seen {
                let what = "reading userAccountControl of anybody, without which nobody is seen \
                            to be disabled";
                return Err(no_right(&connection.at, what));
            }
            let seen = self
                .tombstones(connection, &root, &beside, &mut gathered)
                .await?;
            let about = &mut gathered.proof.about;
            about.insert("tombstones".to_owned(), seen.as_text().to_owned());
        }
        if elsewhere > 0 {
            let about = &mut gathered.proof.about;
            about.insert("elsewhere".to_owned(), elsewhere.to_string());
        }
        if let Some(says) = beside.logins.says {
            let about = &mut gathered.proof.about;
            about.insert("last-login".to_owned(), says);
        }
        let mut proof = gathered.proof;
        proof.digest = proof::digest_of_keys(&gathered.people);
        proof.results.clone_from(&connection.results);
        Ok(PeopleRead {
            people: gathered.people.into_values().collect(),
            proof,
        })
    }

    /// What has to be known beside the entries, for everybody or for one.
    pub(super) async fn beside(
        &self,
        connection: &mut Connection,
        root: &RootEntry,
        one: Option<&uuid::Uuid>,
    ) -> Result<Beside, DirectoryError> {
        let mut beside = Beside::default();
        for unit in &self.settings.signals.leavers_units {
            // A unit that was renamed must not look like one in which nobody is.
            self.there(connection, unit).await?;
            beside.units.extend(Name::parse(unit));
        }
        beside.members = self.members(connection, root, one).await?;
        if self.settings.flavor == Flavor::ActiveDirectory {
            beside.logins = self.logins(connection, root, one).await?;
        }
        Ok(beside)
    }

    /// Makes sure that an entry is there and can be seen.
    pub(super) async fn there(
        &self,
        connection: &mut Connection,
        entry: &str,
    ) -> Result<(), DirectoryError> {
        let answer = self
            .ask(connection, entry, Scope::Base, ANYTHING, &["objectClass"])
            .await?;
        if answer.entries.is_empty() {
            return Err(no_right(&connection.at, &format!("reading {entry} itself")));
        }
        Ok(())
    }

    /// The searches that show people who were not deleted: the base, the leavers' units outside
    /// it, and where FreeIPA preserves people.
    pub(super) fn live_parts(&self) -> Vec<Part> {
        let part = |base: &str, from| Part {
            base: base.to_owned(),
            filter: self.settings.effective_filter().to_owned(),
            from,
            controls: Vec::new(),
            bears: &[],
        };
        let mut parts = vec![part(&self.settings.base, From::Live)];
        let mut read: Vec<Name> = Name::parse(&self.settings.base).into_iter().collect();
        let mut units: Vec<(Name, &String)> = self
            .settings
            .signals
            .leavers_units
            .iter()
            .filter_map(|unit| Some((Name::parse(unit)?, unit)))
            .collect();
        // The higher ones first, so that a unit within another is not read twice.
        units.sort_by_key(|(name, _)| name.depth());
        for (name, unit) in units {
            if !read.iter().any(|above| name.is_within(above)) {
                parts.push(part(unit, From::Live));
                read.push(name);
            }
        }
        if let Some(preserved) = &self.settings.signals.preserved_base {
            parts.push(part(preserved, From::Preserved));
        }
        parts
    }

    /// Walks all pages of one search. There is no way out of this loop but an error, and the end
    /// that the server's paging control names.
    pub(super) async fn walk(
        &self,
        connection: &mut Connection,
        part: &Part,
        attributes: &[&str],
        take: &mut (dyn FnMut(Vec<Entry>) -> Result<(), DirectoryError> + Send),
    ) -> Result<Walked, DirectoryError> {
        let mut walked = Walked {
            pages: 0,
            referrals: 0,
            elsewhere: 0,
            refused: None,
        };
        let mut cookie = Vec::new();
        let mut seen: u64 = 0;
        let mut waiting = Vec::new();
        loop {
            let wanted = Search {
                base: &part.base,
                scope: Scope::Subtree,
                filter: &part.filter,
                attributes,
                controls: &part.controls,
                page: Some((self.settings.page_size, cookie)),
                at_most: 0,
                when: format!("on page {}", walked.pages + 1),
            };
            // While the server makes a page, the one before it is worked on.
            let earlier = async { take(std::mem::take(&mut waiting)) };
            let (answer, taken) = tokio::join!(connection.search(&wanted), earlier);
            taken?;
            let answer = answer?;
            if walked.pages == 0 && part.bears.contains(&answer.code) {
                walked.refused = Some(answer.code);
                return Ok(walked);
            }
            if answer.code != 0 {
                let (at, base) = (&connection.at, &part.base);
                return Err(failure::searching(at, base, &wanted.when, answer.code));
            }
            walked.pages += 1;
            walked.referrals += answer.referrals;
            walked.elsewhere += answer.elsewhere;
            seen = seen.saturating_add(answer.entries.len() as u64);
            if seen > self.settings.limits.entries || walked.pages > self.most_pages() {
                return Err(failure::too_many(
                    &connection.at,
                    self.settings.limits.entries,
                ));
            }
            waiting = answer.entries;
            cookie = match answer.paging {
                Paging::Last => {
                    take(waiting)?;
                    return Ok(walked);
                }
                Paging::More(cookie) => cookie,
                Paging::Malformed => return Err(failure::not_ldap(&connection.at)),
                Paging::Absent => {
                    let detail = "the server did not page its answer, so that its end cannot be \
                                  told from a cut";
                    let at = &connection.at;
                    return Err(failure::not_whole(
                        at,
                        "read.paging-ignored",
                        detail.to_owned(),
                    ));
                }
            };
        }
    }

    /// Servers may give less than a page, even nothing, but not for ever.
    fn most_pages(&self) -> u64 {
        self.settings.limits.entries.saturating_add(10_000)
    }

    /// Takes one entry.
    pub(super) fn take(
        &self,
        at: &str,
        entry: &Entry,
        from: From,
        beside: &Beside,
        gathered: &mut Gathered,
    ) -> Result<(), DirectoryError> {
        gathered.control_seen |= from == From::Live
            && entry
                .attributes
                .values("userAccountControl")
                .next()
                .is_some();
        let Some(key) = self.key(&entry.attributes) else {
            gathered.proof.without_key += 1;
            return Ok(());
        };
        match gathered.people.entry(key) {
            Place::Occupied(_) => {
                let detail = format!(
                    "an {} came twice; the directory changed in between, or its pages overlap",
                    self.key_name()
                );
                Err(failure::not_whole(at, "read.duplicate-key", detail))
            }
            Place::Vacant(place) => {
                let key = place.key().clone();
                let person = place.insert(self.person(at, key, entry, from, beside)?);
                // Deleted ones do not make a directory that shows nobody look like one that shows
                // somebody.
                if from != From::Deleted && person.facts.deleted_by.is_none() {
                    gathered.proof.count += 1;
                }
                Ok(())
            }
        }
    }

    /// Refuses more than the limit allows.
    pub(super) fn limit(&self, at: &str, gathered: &Gathered) -> Result<(), DirectoryError> {
        let seen = u64::try_from(gathered.people.len()).unwrap_or(u64::MAX);
        if seen.saturating_add(gathered.proof.without_key) > self.settings.limits.entries {
            return Err(failure::too_many(at, self.settings.limits.entries));
        }
        Ok(())
    }
}
