//! The directory's entries, in the order of their making.

use std::{borrow::Cow, collections::BTreeMap};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::sandbox::population::Prng;

/// Attributes that are given only where they are asked for by name or with `+`.
const OPERATIONAL: [&str; 14] = [
    "entryuuid",
    "entrydn",
    "createtimestamp",
    "modifytimestamp",
    "creatorsname",
    "structuralobjectclass",
    "pwdaccountlockedtime",
    "pwdendtime",
    "pwdstarttime",
    "pwdlastsuccess",
    "authtimestamp",
    "nsaccountlock",
    "memberof",
    "hassubordinates",
];

/// Tells whether an attribute is operational.
pub(crate) fn is_operational(name: &str) -> bool {
    OPERATIONAL
        .iter()
        .any(|known| known.eq_ignore_ascii_case(name))
}

/// One attribute with its values.
#[derive(Clone, Debug)]
pub(crate) struct Attribute {
    pub(crate) name: Cow<'static, str>,
    pub(crate) values: Vec<String>,
}

/// One entry.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) dn: String,
    pub(crate) key: String,
    pub(crate) attributes: Vec<Attribute>,
}

/// An entry as the controls show it, operational attributes included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryView {
    /// The distinguished name.
    pub dn: String,
    /// All attributes.
    pub attributes: BTreeMap<String, Vec<String>>,
}

impl EntryView {
    /// Returns the first value of an attribute.
    pub fn first(&self, name: &str) -> Option<&str> {
        self.attributes
            .get(name)
            .and_then(|values| values.first())
            .map(String::as_str)
    }
}

/// A person to be added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPerson {
    /// The login name, which is also the name of the entry.
    pub uid: String,
    /// The given name.
    pub first_name: String,
    /// The family name.
    pub last_name: String,
    /// The mail addresses.
    #[serde(default)]
    pub mail: Vec<String>,
    /// The number in the staff register.
    #[serde(default)]
    pub employee_number: String,
    /// The immutable key; none makes one.
    #[serde(default)]
    pub entry_uuid: Option<Uuid>,
    /// The container; none is `ou=people` of the base.
    #[serde(default)]
    pub container: Option<String>,
}

impl Entry {
    /// Returns the values of an attribute.
    pub(crate) fn values(&self, name: &str) -> &[String] {
        let wanted = name.split(';').next().unwrap_or(name);
        let found = self
            .attributes
            .iter()
            .find(|a| a.name.eq_ignore_ascii_case(wanted));
        found.map_or(&[], |attribute| attribute.values.as_slice())
    }

    /// Sets an attribute; no values remove it.
    pub(crate) fn set(&mut self, name: impl Into<Cow<'static, str>>, values: Vec<String>) {
        let name = name.into();
        let place = self
            .attributes
            .iter()
            .position(|a| a.name.eq_ignore_ascii_case(&name));
        match (place, values.is_empty()) {
            (Some(place), true) => drop(self.attributes.remove(place)),
            (Some(place), false) => {
                if let Some(attribute) = self.attributes.get_mut(place) {
                    attribute.values = values;
                }
            }
            (None, true) => {}
            (None, false) => self.attributes.push(Attribute { name, values }),
        }
    }

    pub(crate) fn view(&self) -> EntryView {
        let pairs = self
            .attributes
            .iter()
            .map(|a| (a.name.to_string(), a.values.clone()));
        EntryView {
            dn: self.dn.clone(),
            attributes: pairs.collect(),
        }
    }
}

/// Writes a time as LDAP's generalized time.
pub(crate) fn generalized(at: DateTime<Utc>) -> String {
    at.format("%Y%m%d%H%M%SZ").to_string()
}

/// Brings a distinguished name into the form in which names are compared.
pub(crate) fn normal(dn: &str) -> String {
    parts(dn)
        .iter()
        .map(|part| match part.split_once('=') {
            Some((name, value)) => format!("{}={}", name.trim(), value.trim()).to_lowercase(),
            None => part.trim().to_lowercase(),
        })
        .collect::<Vec<_>>()
        .join(",")
}

/// Splits a name at its commas, apart from the escaped ones.
fn parts(dn: &str) -> Vec<&str> {
    let (mut out, mut start, mut escaped) = (Vec::new(), 0, false);
    for (place, c) in dn.char_indices() {
        match c {
            '\\' => escaped = !escaped,
            ',' if !escaped => {
                out.extend(dn.get(start..place));
                start = place + 1;
            }
            _ => escaped = false,
        }
    }
    out.extend(dn.get(start..));
    out
}

/// Returns what stands above a name.
pub(crate) fn parent(key: &str) -> &str {
    let first = parts(key).first().map_or(0, |first| first.len());
    key.get(first + 1..).unwrap_or("")
}

/// Escapes a value for a distinguished name.
pub(crate) fn escape(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        if matches!(c, ',' | '+' | '"' | '\\' | '<' | '>' | ';' | '#' | '=') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// All entries of the directory.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) base: String,
    pub(crate) entries: BTreeMap<u64, Entry>,
    by_key: BTreeMap<String, u64>,
    next: u64,
    random: Prng,
}

impl Tree {
    /// Makes a directory with its base and the containers `people`, `leavers` and `system`.
    pub(crate) fn new(base: &str, seed: u64, now: DateTime<Utc>) -> Self {
        let mut tree = Self {
            base: base.to_owned(),
            entries: BTreeMap::new(),
            by_key: BTreeMap::new(),
            next: 1,
            random: Prng::new(seed ^ 0xD1_EC_70),
        };
        let name = base
            .split([',', '='])
            .nth(1)
            .unwrap_or("example")
            .to_owned();
        tree.add(
            base.to_owned(),
            vec![
                attribute("objectClass", &["top", "dcObject", "organization"]),
                attribute("dc", &[&name]),
                attribute("o", &["Sandbox"]),
            ],
            None,
            now,
        );
        for container in ["people", "leavers", "system"] {
            tree.add_container(&format!("ou={container},{base}"), now);
        }
        tree
    }

    fn add_container(&mut self, dn: &str, now: DateTime<Utc>) {
        let name = dn
            .split([',', '='])
            .nth(1)
            .unwrap_or("container")
            .to_owned();
        let class = attribute("objectClass", &["top", "organizationalUnit"]);
        self.add(
            dn.to_owned(),
            vec![class, attribute("ou", &[&name])],
            None,
            now,
        );
    }

    /// Adds an entry and gives it its operational attributes; replaces one of the same name.
    pub(crate) fn add(
        &mut self,
        dn: String,
        attributes: Vec<Attribute>,
        uuid: Option<Uuid>,
        now: DateTime<Utc>,
    ) -> Uuid {
        let uuid = uuid.unwrap_or_else(|| self.random.uuid());
        let key = normal(&dn);
        let mut entry = Entry {
            dn,
            key: key.clone(),
            attributes,
        };
        let at = generalized(now);
        entry
            .attributes
            .push(attribute("entryUUID", &[&uuid.to_string()]));
        entry.attributes.push(attribute("createTimestamp", &[&at]));
        entry.attributes.push(attribute("modifyTimestamp", &[&at]));
        if let Some(old) = self.by_key.insert(key, self.next) {
            self.entries.remove(&old);
        }
        self.entries.insert(self.next, entry);
        self.next += 1;
        uuid
    }

    /// Adds a person.
    pub(crate) fn add_person(&mut self, person: NewPerson, now: DateTime<Utc>) -> Uuid {
        let container = person
            .container
            .unwrap_or_else(|| format!("ou=people,{}", self.base));
        if !self.by_key.contains_key(&normal(&container)) {
            self.add_container(&container, now);
        }
        let dn = format!("uid={},{container}", escape(&person.uid));
        let common = format!("{} {}", person.first_name, person.last_name);
        let mut attributes = vec![
            attribute(
                "objectClass",
                &["top", "person", "organizationalPerson", "inetOrgPerson"],
            ),
            attribute("uid", &[&person.uid]),
            attribute("cn", &[&common]),
            attribute("sn", &[&person.last_name]),
            attribute("givenName", &[&person.first_name]),
        ];
        if !person.mail.is_empty() {
            attributes.push(Attribute {
                name: "mail".into(),
                values: person.mail,
            });
        }
        if !person.employee_number.is_empty() {
            attributes.push(attribute("employeeNumber", &[&person.employee_number]));
        }
        self.add(dn, attributes, person.entry_uuid, now)
    }

    /// Returns an entry by its name.
    pub(crate) fn get(&self, dn: &str) -> Option<(u64, &Entry)> {
        let id = self.by_key.get(&normal(dn))?;
        self.entries.get(id).map(|entry| (*id, entry))
    }

    /// Finds an entry by its name, `uid`, `mail` or `entryUUID`.
    pub(crate) fn find(&self, who: &str) -> Option<u64> {
        let has = |entry: &Entry, name| {
            entry
                .values(name)
                .iter()
                .any(|value| value.eq_ignore_ascii_case(who))
        };
        self.get(who).map(|(id, _)| id).or_else(|| {
            let found = self.entries.iter().find(|(_, entry)| {
                has(entry, "uid") || has(entry, "mail") || has(entry, "entryUUID")
            });
            found.map(|(id, _)| *id)
        })
    }

    /// Changes an entry and its modification time.
    pub(crate) fn change(
        &mut self,
        who: &str,
        now: DateTime<Utc>,
        change: impl FnOnce(&mut Entry),
    ) -> bool {
        let Some(id) = self.find(who) else {
            return false;
        };
        let Some(entry) = self.entries.get_mut(&id) else {
            return false;
        };
        change(entry);
        entry.set("modifyTimestamp", vec![generalized(now)]);
        true
    }

    /// Removes an entry and everything below it.
    pub(crate) fn remove(&mut self, who: &str) -> bool {
        let Some(key) = self
            .find(who)
            .and_then(|id| self.entries.get(&id))
            .map(|e| e.key.clone())
        else {
            return false;
        };
        self.entries.retain(|_, entry| !is_within(&entry.key, &key));
        self.by_key.retain(|other, _| !is_within(other, &key));
        true
    }

    /// Gives an entry and everything below it another name; the keys stay.
    pub(crate) fn rename(&mut self, who: &str, dn: &str, now: DateTime<Utc>) -> bool {
        let Some(id) = self.find(who) else {
            return false;
        };
        let Some(old) = self.entries.get(&id).map(|entry| entry.dn.clone()) else {
            return false;
        };
        let old_key = normal(&old);
        for (id, entry) in &mut self.entries {
            if !is_within(&entry.key, &old_key) {
                continue;
            }
            self.by_key.remove(&entry.key);
            let kept = entry.dn.len().saturating_sub(old.len());
            let above = entry.dn.get(..kept).unwrap_or("").to_owned();
            entry.dn = format!("{above}{dn}");
            entry.key = normal(&entry.dn);
            self.by_key.insert(entry.key.clone(), *id);
        }
        self.change(dn, now, |entry| {
            let first = parts(dn).first().and_then(|first| first.split_once('='));
            if let Some((name, value)) = first {
                entry.set(name.to_owned(), vec![value.replace('\\', "")]);
            }
        })
    }

    /// Makes the container of a name if it is not there.
    pub(crate) fn ensure_container(&mut self, dn: &str, now: DateTime<Utc>) {
        if self.get(dn).is_none() {
            self.add_container(dn, now);
        }
    }
}

/// Tells whether a name is the other one or stands below it.
pub(crate) fn is_within(key: &str, base: &str) -> bool {
    base.is_empty()
        || key.strip_suffix(base).is_some_and(|above| {
            above.is_empty() || (above.ends_with(',') && !above.ends_with("\\,"))
        })
}

/// Makes an attribute.
pub(crate) fn attribute(name: &'static str, values: &[&str]) -> Attribute {
    Attribute {
        name: Cow::Borrowed(name),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::{escape, is_within, normal, parent};

    #[test]
    fn names_compare_without_regard_to_case_and_blanks() {
        assert_eq!(
            normal("UID=Ada , ou=People, DC=Example"),
            "uid=ada,ou=people,dc=example"
        );
        let name = format!("cn={},ou=people", escape("Grace, O'Hara"));
        assert_eq!(normal(&name), "cn=grace\\, o'hara,ou=people");
        assert_eq!(parent(&normal(&name)), "ou=people");
        assert_eq!(parent("dc=example"), "");
        assert!(is_within("uid=a,ou=people", "ou=people"));
        assert!(!is_within("uid=a,xou=people", "ou=people"));
    }
}
