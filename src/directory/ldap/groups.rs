//! Who is in the group that the configuration asks for, directly or by way of other groups.
//!
//! Being outside the group says that somebody has left. So whoever cannot tell who is inside gets
//! an error, and so does whoever finds nobody there.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use ldap3::Scope;
use uuid::Uuid;

use crate::directory::DirectoryError;
use crate::directory::attributes::Attributes;
use crate::directory::ldap::ANYTHING;
use crate::directory::ldap::LdapDirectory;
use crate::directory::ldap::active_directory;
use crate::directory::ldap::active_directory::IN_CHAIN;
use crate::directory::ldap::connection::Connection;
use crate::directory::ldap::connection::Search;
use crate::directory::ldap::failure;
use crate::directory::ldap::name::Name;
use crate::directory::ldap::name::filter_value;
use crate::directory::ldap::no_right;
use crate::directory::ldap::person::From;
use crate::directory::ldap::servers::RootEntry;
use crate::directory::ldap::settings::Flavor;
use crate::directory::ldap::walk::Part;

/// Entries that are groups, by the classes of all makes.
const GROUPS: &str = "(|(objectClass=group)(objectClass=groupOfNames)\
                      (objectClass=groupOfUniqueNames)(objectClass=groupOfMembers)\
                      (objectClass=groupOfEntries)(objectClass=ipaUserGroup))";

/// The attributes in which groups name their members.
const MEMBERS: &[&str] = &["member", "uniqueMember"];

/// The most groups within one group.
const MOST_GROUPS: usize = 10_000;

/// Who is in the group.
#[derive(Debug, Default)]
pub(super) struct Members {
    keys: BTreeSet<String>,
    names: BTreeSet<Name>,
    /// Groups in which everybody is whose primary group they are; those are named nowhere else.
    primary: BTreeSet<u32>,
}

impl Members {
    /// Whether somebody is among them.
    pub(super) fn hold(&self, key: &str, name: &Name, attributes: &Attributes) -> bool {
        self.keys.contains(key)
            || self.names.contains(name)
            || primary_group(attributes).is_some_and(|id| self.primary.contains(&id))
    }
}

/// Every class of groups has the word in its name (`groupOfNames`, `ipaUserGroup`).
fn is_group(attributes: &Attributes) -> bool {
    let classes = attributes.texts("objectClass");
    classes.iter().any(|c| c.to_lowercase().contains("group"))
}

fn primary_group(attributes: &Attributes) -> Option<u32> {
    attributes.text(&["primaryGroupID"])?.parse().ok()
}

impl LdapDirectory {
    /// Who is in the group that is asked for, of everybody or of one; `None` if none is.
    pub(super) async fn members(
        &self,
        connection: &mut Connection,
        root: &RootEntry,
        one: Option<&Uuid>,
    ) -> Result<Option<Members>, DirectoryError> {
        let Some(group) = &self.settings.signals.group else {
            return Ok(None);
        };
        let entry = self.group_entry(connection, group).await?;
        if self.settings.flavor == Flavor::ActiveDirectory {
            let members = self
                .members_in_chain(connection, root, group, &entry, one)
                .await?;
            if let Some(members) = members {
                return Ok(Some(members));
            }
        }
        let context = root.context_of(group);
        let names = self.members_by_walk(connection, context, group).await?;
        if names.is_empty() {
            return Err(empty(connection, group));
        }
        Ok(Some(Members {
            names,
            ..Members::default()
        }))
    }

    /// The group itself, which must be there and be one.
    async fn group_entry(
        &self,
        connection: &mut Connection,
        group: &str,
    ) -> Result<Attributes, DirectoryError> {
        let wanted = ["objectClass", "objectSid"];
        let answer = self
            .ask(connection, group, Scope::Base, ANYTHING, &wanted)
            .await?;
        let Some(entry) = answer.entries.into_iter().next() else {
            return Err(no_right(&connection.at, &format!("reading {group} itself")));
        };
        if !is_group(&entry.attributes) {
            return Err(DirectoryError::Configuration {
                what: format!("{group} on {} is no group; correct `group`", connection.at),
            });
        }
        Ok(entry.attributes)
    }

    /// Lets Active Directory follow groups within groups. `None` if it finds nobody at all, which
    /// is also how a server answers that does not know this rule.
    async fn members_in_chain(
        &self,
        connection: &mut Connection,
        root: &RootEntry,
        group: &str,
        entry: &Attributes,
        one: Option<&Uuid>,
    ) -> Result<Option<Members>, DirectoryError> {
        let context = root.context_of(&self.settings.base).to_owned();
        let inside = format!("(memberOf:{IN_CHAIN}:={})", filter_value(group.as_bytes()));
        let mut members = Members::default();
        members.primary.extend(active_directory::relative_id(entry));
        let groups = format!("(&(objectClass=group){inside})");
        self.walk(
            connection,
            &part(&context, groups),
            &["objectSid"],
            &mut |entries| {
                let ids = entries.iter();
                let ids = ids.filter_map(|e| active_directory::relative_id(&e.attributes));
                members.primary.extend(ids);
                Ok(())
            },
        )
        .await?;
        let people = self.settings.effective_filter();
        let primary: String = members
            .primary
            .iter()
            .map(|id| format!("(primaryGroupID={id})"))
            .collect();
        if let Some(one) = one {
            let own = active_directory::with_guid(one);
            let filter = format!("(&{own}(|{inside}{primary}))");
            let answer = self
                .ask(
                    connection,
                    &context,
                    Scope::Subtree,
                    &filter,
                    &["objectGUID"],
                )
                .await?;
            let found = answer.entries.iter();
            members
                .keys
                .extend(found.filter_map(|e| active_directory::guid(&e.attributes)));
            if !members.keys.is_empty() {
                return Ok(Some(members));
            }
            // They are outside only if others are inside.
            let filter = format!("(&{people}(|{inside}{primary}))");
            let any = self.any(connection, &context, &filter).await?;
            return Ok(any.then_some(members));
        }
        let mut seen = false;
        let filter = format!("(&{people}(|{inside}{primary}))");
        self.walk(
            connection,
            &part(&context, filter),
            &["objectGUID"],
            &mut |entries| {
                let keys = entries.iter();
                let keys = keys.filter_map(|e| active_directory::guid(&e.attributes));
                members.keys.extend(keys);
                seen |= !entries.is_empty();
                Ok(())
            },
        )
        .await?;
        Ok(seen.then_some(members))
    }

    /// Follows groups within groups by reading each: the names of everybody in them.
    async fn members_by_walk(
        &self,
        connection: &mut Connection,
        context: &str,
        group: &str,
    ) -> Result<BTreeSet<Name>, DirectoryError> {
        let groups = self.all_groups(connection, context).await?;
        let mut people = BTreeSet::new();
        let mut known: BTreeSet<Name> = Name::parse(group).into_iter().collect();
        let mut open = vec![group.to_owned()];
        while let Some(next) = open.pop() {
            for attribute in MEMBERS {
                for member in self.values_of(connection, &next, attribute).await? {
                    let Some(name) = Name::parse(&member) else {
                        return Err(DirectoryError::Unreadable {
                            at: connection.at.clone(),
                            what: format!("{attribute} of {next} has a value that is no name"),
                        });
                    };
                    let inner = match &groups {
                        Some(groups) => groups.get(&name).cloned(),
                        None => self.if_group(connection, &name, member).await?,
                    };
                    match inner {
                        None => _ = people.insert(name),
                        Some(inner) if known.insert(name) => open.push(inner),
                        Some(_) => {}
                    }
                }
            }
            let most = self.settings.limits.entries;
            if people.len() as u64 > most || known.len() > MOST_GROUPS {
                return Err(failure::too_many(&connection.at, most));
            }
        }
        Ok(people)
    }

    /// The names of all groups, so that groups within a group are told from people without asking
    /// for each member. `None` if the account may not look for them from the top.
    async fn all_groups(
        &self,
        connection: &mut Connection,
        context: &str,
    ) -> Result<Option<BTreeMap<Name, String>>, DirectoryError> {
        let mut groups = BTreeMap::new();
        let part = Part {
            bears: &[32, 50],
            ..part(context, GROUPS.to_owned())
        };
        let walked = self
            .walk(connection, &part, &["objectClass"], &mut |entries| {
                let named = entries.into_iter();
                groups.extend(named.filter_map(|e| Some((Name::parse(&e.dn)?, e.dn))));
                Ok(())
            })
            .await?;
        // None to be seen, not even the one that is asked for: the account cannot search here.
        Ok((walked.refused.is_none() && !groups.is_empty()).then_some(groups))
    }

    /// A member, if it is a group. Where people are read there are none; an entry that is gone is
    /// none either.
    async fn if_group(
        &self,
        connection: &mut Connection,
        name: &Name,
        member: String,
    ) -> Result<Option<String>, DirectoryError> {
        let parts = self.live_parts();
        let mut bases = parts.iter().filter_map(|part| Name::parse(&part.base));
        if bases.any(|base| name.is_within(&base)) {
            return Ok(None);
        }
        let wanted = Search {
            base: &member,
            scope: Scope::Base,
            filter: ANYTHING,
            attributes: &["objectClass"],
            controls: &[],
            page: None,
            at_most: 0,
            when: "while asking for a member of the group".to_owned(),
        };
        let answer = connection.search(&wanted).await?;
        if !matches!(answer.code, 0 | 32) {
            let at = &connection.at;
            return Err(failure::searching(at, &member, &wanted.when, answer.code));
        }
        let is_group = answer.entries.iter().any(|e| is_group(&e.attributes));
        Ok(is_group.then_some(member))
    }

    /// All values of an attribute of one entry. Active Directory gives many values a part at a
    /// time, and says in the attribute's name which part it is (`member;range=0-1499`).
    async fn values_of(
        &self,
        connection: &mut Connection,
        entry: &str,
        attribute: &str,
    ) -> Result<Vec<String>, DirectoryError> {
        let mut values = Vec::new();
        let mut wanted = attribute.to_owned();
        let mut from = 0;
        loop {
            let answer = self
                .ask(connection, entry, Scope::Base, ANYTHING, &[&wanted])
                .await?;
            let Some(found) = answer.entries.into_iter().next() else {
                return Err(no_right(&connection.at, &format!("reading {entry}")));
            };
            let texts = found.attributes.texts(attribute);
            let came = texts.len() as u64;
            values.extend(texts);
            if values.len() as u64 > self.settings.limits.entries {
                let most = self.settings.limits.entries;
                return Err(failure::too_many(&connection.at, most));
            }
            let next = match found.attributes.range(attribute) {
                None if from == 0 => return Ok(values),
                None => None,
                Some(range) => match range_end(range, from) {
                    Some(End::Last) => return Ok(values),
                    Some(End::At(end)) if end + 1 == from + came => Some(end + 1),
                    Some(End::At(_)) | None => None,
                },
            };
            from = next.ok_or_else(|| {
                let detail = format!("the parts of {attribute} of {entry} do not fit together");
                failure::not_whole(&connection.at, "read.cut", detail)
            })?;
            wanted = format!("{attribute};range={from}-*");
        }
    }
}

/// Where a part of many values ends.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// At this value; there are more.
    At(u64),
    /// With the last one.
    Last,
}

/// Reads `0-1499` or `1500-*`; `None` if that is none, or does not begin where it should.
fn range_end(range: &str, from: u64) -> Option<End> {
    let (begin, end) = range.split_once('-')?;
    if begin.parse() != Ok(from) {
        return None;
    }
    if end == "*" {
        return Some(End::Last);
    }
    let end: u64 = end.parse().ok()?;
    (end >= from && end < u64::MAX).then_some(End::At(end))
}

fn part(base: &str, filter: String) -> Part {
    Part {
        base: base.to_owned(),
        filter,
        from: From::Live,
        controls: Vec::new(),
        bears: &[],
    }
}

fn empty(connection: &Connection, group: &str) -> DirectoryError {
    let detail = format!(
        "nobody can be seen in the group {group}; either it is empty, or the account may not read \
         its members"
    );
    failure::not_whole(&connection.at, "read.group-empty", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_many_values_are_followed_only_where_they_fit() {
        assert_eq!(range_end("0-1499", 0), Some(End::At(1499)));
        assert_eq!(range_end("1500-*", 1500), Some(End::Last));
        assert_eq!(range_end("0-0", 0), Some(End::At(0)));
        for (range, from) in [
            ("0-1499", 1500),
            ("1500-1499", 1500),
            ("", 0),
            ("*", 0),
            ("0", 0),
            ("0-x", 0),
            ("0-18446744073709551615", 0),
        ] {
            assert_eq!(range_end(range, from), None, "{range}");
        }
    }
}
