//! People from an LDIF file (RFC 2849): a full export, never a change log.

mod parse;

use std::collections::BTreeMap;
use std::path::Path;

use async_trait::async_trait;

use crate::directory::Contains;
use crate::directory::DateFormat;
use crate::directory::Directory;
use crate::directory::DirectoryError;
use crate::directory::Encoding;
use crate::directory::FilePlace;
use crate::directory::LeftWhen;
use crate::directory::PeopleRead;
use crate::directory::Probe;
use crate::directory::attributes::Attributes;
use crate::directory::attributes::uuid_of;
use crate::directory::file;
use crate::directory::file::Listed;
use crate::directory::moment;
use crate::directory::proof;
use crate::domain::person::PersonRecord;
use crate::domain::time::Time;

pub use crate::directory::ldif::parse::LdifError;
pub use crate::directory::ldif::parse::Record;
pub use crate::directory::ldif::parse::Records;

/// Object classes that a person has at least one of; exports also hold units and groups.
const PERSONS: [&str; 6] = [
    "person",
    "organizationalPerson",
    "inetOrgPerson",
    "account",
    "posixAccount",
    "user",
];

/// An LDIF file as configured.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LdifSettings {
    /// The directory's name in the configuration.
    pub name: String,
    /// The file.
    pub place: FilePlace,
    /// The attribute with the immutable key; usually [`LdifSettings::DEFAULT_KEY`].
    pub key: String,
    /// The attributes with mail addresses, the primary one first.
    pub mail: Vec<String>,
    /// Whom the file lists.
    pub contains: Contains,
    /// The attribute with the date of leaving (generalizedTime, RFC 3339 or a day).
    pub leave_date: Option<String>,
    /// How that attribute writes days.
    pub dates: DateFormat,
    /// Values of attributes that say that somebody has left.
    pub left_when: Vec<LeftWhen>,
}

impl LdifSettings {
    /// The key that every LDAP server since RFC 4530 keeps.
    pub const DEFAULT_KEY: &str = "entryUUID";
}

/// A directory in an LDIF file.
#[derive(Debug, Clone)]
pub struct LdifDirectory {
    settings: LdifSettings,
}

impl LdifDirectory {
    /// Takes the settings; errors if they cannot work.
    pub fn new(settings: LdifSettings) -> Result<Self, DirectoryError> {
        let named = [&settings.key].into_iter().chain(&settings.mail);
        if named
            .chain(&settings.leave_date)
            .any(|name| name.trim().is_empty())
        {
            return Err(DirectoryError::Configuration {
                what: format!("directory {} names an empty attribute", settings.name),
            });
        }
        let rule = settings.left_when.iter().find_map(LeftWhen::mistake);
        if let Some(wrong) = settings.place.mistake().or(rule.map(str::to_owned)) {
            return Err(DirectoryError::Configuration {
                what: format!("directory {} {wrong}", settings.name),
            });
        }
        Ok(Self { settings })
    }

    async fn people(&self) -> Result<PeopleRead, DirectoryError> {
        let settings = self.settings.clone();
        file::off_thread(&self.settings.place.path, move || read(&settings)).await
    }
}

#[async_trait]
impl Directory for LdifDirectory {
    async fn read(
        &self,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<PeopleRead, DirectoryError> {
        let read = self.people().await?;
        progress(read.proof.count);
        Ok(read)
    }

    async fn look_up(&self, key: &str) -> Result<Option<PersonRecord>, DirectoryError> {
        let read = self.people().await?;
        Ok(read.people.into_iter().find(|person| person.key == key))
    }

    async fn clock(&self) -> Result<Option<Time>, DirectoryError> {
        Ok(None)
    }

    async fn check(&self) -> Vec<Probe> {
        file::probes(&self.settings.place, &self.people().await)
    }

    async fn written_at(&self) -> Result<Option<Time>, DirectoryError> {
        file::written_at(&self.settings.place).map(Some)
    }

    fn lists_everybody(&self) -> bool {
        self.settings.contains == Contains::Everybody
    }

    fn is_loopback(&self) -> bool {
        true
    }
}

fn read(settings: &LdifSettings) -> Result<PeopleRead, DirectoryError> {
    let whole = file::read_stable(&settings.place)?;
    let path = whole.path.as_path();
    let text = file::text(path, &whole.bytes, Encoding::Utf8)?;
    let mut listed = Listed::default();
    for record in Records::new(&text) {
        let record = record.map_err(|e| file::unreadable(path, e.line, e.what))?;
        let line = record.line;
        let Some(entry) = Entry::of(record) else {
            continue;
        };
        match entry.person(settings, path, line)? {
            Some(person) => listed.add(path, line, person)?,
            None => listed.without_key += 1,
        }
    }
    let (identity, about) = identity(settings);
    Ok(listed.into_read(identity, about, &whole))
}

fn identity(settings: &LdifSettings) -> (String, BTreeMap<String, String>) {
    let shown = settings.place.path.display().to_string();
    let contains = format!("{:?}", settings.contains);
    let mail = settings.mail.join(",");
    let mut parts = vec![
        "ldif",
        shown.as_str(),
        settings.place.dated.as_deref().unwrap_or_default(),
        settings.key.as_str(),
        mail.as_str(),
        settings.leave_date.as_deref().unwrap_or_default(),
        settings.dates.name(),
        contains.as_str(),
    ];
    for rule in &settings.left_when {
        parts.push(rule.attribute.as_str());
        parts.extend(rule.values.iter().map(String::as_str));
    }
    let mut about = BTreeMap::from([
        ("file".to_owned(), shown.clone()),
        ("key".to_owned(), settings.key.clone()),
        ("contains".to_owned(), contains.to_lowercase()),
    ]);
    about.extend(
        settings
            .place
            .dated
            .clone()
            .map(|d| ("dated".to_owned(), d)),
    );
    (proof::digest_of(parts), about)
}

/// One record that is a person.
struct Entry {
    place: String,
    attributes: Attributes,
}

impl Entry {
    /// Takes a record, unless its object classes say that it is no person. A record without object
    /// classes is taken: the export was made without them.
    fn of(record: Record) -> Option<Self> {
        let mut attributes = Attributes::default();
        for (name, value) in record.attributes {
            attributes.add(&name, [value]);
        }
        let classes = attributes.texts("objectClass");
        let is_person = |class: &String| PERSONS.iter().any(|p| class.eq_ignore_ascii_case(p));
        (classes.is_empty() || classes.iter().any(is_person)).then_some(Self {
            place: record.dn,
            attributes,
        })
    }

    fn person(
        &self,
        settings: &LdifSettings,
        path: &Path,
        line: u64,
    ) -> Result<Option<PersonRecord>, DirectoryError> {
        let attributes = &self.attributes;
        let Some(key) = self.key(settings, path, line)? else {
            return Ok(None);
        };
        let mut facts = attributes.facts().map_err(|bad| {
            let what = format!("{} (of the record that begins here) {}", bad.name, bad.what);
            file::unreadable(path, line, what)
        })?;
        if let Some(name) = &settings.leave_date {
            facts.leave_at = match attributes.texts(name).as_slice() {
                [] => None,
                [text] => leave_at(text, &settings.dates).map_err(|what| {
                    let what = format!("{name} (of the record that begins here): {what}");
                    file::unreadable(path, line, what)
                })?,
                _ => {
                    let what = format!("{name} has several values in the record that begins here");
                    return Err(file::unreadable(path, line, what));
                }
            };
        }
        let mut rules = settings.left_when.iter();
        facts.left_by = rules
            .find(|rule| {
                let values = attributes.texts(&rule.attribute);
                values.iter().any(|value| rule.holds(value))
            })
            .map(|rule| rule.attribute.clone());
        if settings.contains == Contains::Leavers && facts.leave_at.is_none() {
            facts
                .disabled_by
                .get_or_insert_with(|| file::LISTED.to_owned());
        }
        Ok(Some(PersonRecord {
            key,
            mails: settings
                .mail
                .iter()
                .flat_map(|name| attributes.texts(name))
                .collect(),
            name: attributes.text(&["displayName", "cn"]),
            login: attributes.text(&["uid"]),
            employee_number: attributes.text(&["employeeNumber"]),
            place: Some(self.place.clone()),
            manager: attributes.text(&["manager"]),
            recorded_at: attributes
                .text(&["modifyTimestamp", "whenChanged"])
                .and_then(|text| moment::generalized_time(&text)),
            facts,
            ..PersonRecord::default()
        }))
    }

    fn key(
        &self,
        settings: &LdifSettings,
        path: &Path,
        line: u64,
    ) -> Result<Option<String>, DirectoryError> {
        let name = settings.key.as_str();
        let mut values = self.attributes.values(name);
        let (Some(value), more) = (values.next(), values.next()) else {
            return Ok(None);
        };
        if more.is_some() {
            let what = format!("{name} has several values in the record that begins here");
            return Err(file::unreadable(path, line, what));
        }
        if name.eq_ignore_ascii_case(LdifSettings::DEFAULT_KEY) {
            return Ok(uuid_of(value));
        }
        let text = std::str::from_utf8(value).map_err(|_| {
            let what = format!("{name} is not text in the record that begins here");
            file::unreadable(path, line, what)
        })?;
        Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty()))
    }
}

fn leave_at(text: &str, dates: &DateFormat) -> Result<Option<Time>, String> {
    match moment::generalized_time(text) {
        Some(time) => moment::leave_date(&time.to_string(), dates),
        None => moment::leave_date(text, dates),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    const ADA: &str = "0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9";

    fn settings(path: &Path) -> LdifSettings {
        LdifSettings {
            name: "export".to_owned(),
            place: FilePlace::at(path),
            key: LdifSettings::DEFAULT_KEY.to_owned(),
            mail: vec!["mail".to_owned()],
            leave_date: Some("hrEnd".to_owned()),
            ..LdifSettings::default()
        }
    }

    fn read_text(text: &str) -> Result<PeopleRead, DirectoryError> {
        read_as(text, |_| ())
    }

    fn read_as(
        text: &str,
        change: impl FnOnce(&mut LdifSettings),
    ) -> Result<PeopleRead, DirectoryError> {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("people.ldif");
        std::fs::write(&path, text).unwrap();
        let mut settings = settings(&path);
        change(&mut settings);
        read(&settings)
    }

    #[test]
    fn people_are_read_and_units_are_not_counted_as_people() {
        let text = format!(
            "version: 1\n\ndn: ou=people,dc=x\nobjectClass: organizationalUnit\n\
             entryUUID: 11111111-1111-4111-8111-111111111111\n\n\
             dn: uid=ada,dc=x\nobjectClass: inetOrgPerson\nuid: ada\ncn: Ada\nmail: a@x.test\n\
             mail: ada@x.test\nemployeeNumber: 7\nentryUUID: {}\npwdEndTime: 20270101000000Z\n\
             hrEnd: 2026-12-31\n\ndn: uid=bob,dc=x\nobjectClass: person\ncn: Bob\n",
            ADA.to_uppercase()
        );
        let read = read_text(&text).unwrap();
        assert_eq!(read.proof.count, 1);
        assert_eq!(read.proof.without_key, 1);
        let ada = &read.people[0];
        assert_eq!(ada.key, ADA);
        assert_eq!(ada.mails, ["a@x.test", "ada@x.test"]);
        assert_eq!(ada.place.as_deref(), Some("uid=ada,dc=x"));
        assert_eq!(ada.facts.expires_at, Time::parse("2027-01-01T00:00:00Z"));
        assert_eq!(ada.facts.leave_at, Time::parse("2027-01-01T00:00:00Z"));
    }

    #[test]
    fn who_is_in_a_list_of_leavers_has_left() {
        let text = format!("dn: uid=ada,dc=x\nentryUUID: {ADA}\n");
        let read = read_as(&text, |s| s.contains = Contains::Leavers).unwrap();
        assert_eq!(
            read.people[0].facts.disabled_by.as_deref(),
            Some("listed-as-leaver")
        );
        let text = format!("{text}hrEnd: 20270101Z\n");
        let says = read_as(&text, |s| s.contains = Contains::Leavers)
            .unwrap_err()
            .to_string();
        assert!(says.contains("line 1") && says.contains("hrEnd"), "{says}");
    }

    #[test]
    fn faults_name_their_line() {
        let one = format!("dn: uid=a,dc=x\nentryUUID: {ADA}\n");
        let says = read_text(&format!("{one}\n{one}")).unwrap_err().to_string();
        assert!(
            says.contains("line 4") && says.contains("line 1 already"),
            "{says}"
        );
        let says = read_text(&format!("\n{one}pwdEndTime: soon\n"))
            .unwrap_err()
            .to_string();
        assert!(
            says.contains("line 2") && says.contains("generalizedTime"),
            "{says}"
        );
    }

    #[test]
    fn a_rule_the_manager_and_the_last_change_are_read() {
        let text = format!(
            "dn: uid=ada,dc=x\nentryUUID: {ADA}\nemployeeType: staff\nemployeeType: Ex\n\
             manager: uid=eve,dc=x\nmodifyTimestamp: 20261120100000Z\nhrEnd: 99991231000000Z\n"
        );
        let rule = LeftWhen {
            attribute: "employeeType".to_owned(),
            values: vec!["ex".to_owned()],
        };
        let read = read_as(&text, |s| s.left_when = vec![rule]).unwrap();
        let ada = &read.people[0];
        assert_eq!(ada.facts.left_by.as_deref(), Some("employeeType"));
        assert_eq!(ada.facts.leave_at, None);
        assert_eq!(ada.manager.as_deref(), Some("uid=eve,dc=x"));
        assert_eq!(ada.recorded_at, Time::parse("2026-11-20T10:00:00Z"));
        assert!(read.proof.content.is_some() && read.proof.written_at.is_some());
    }

    #[test]
    fn another_key_is_taken_as_it_is() {
        let text = "dn: uid=a,dc=x\nemployeeNumber:  0042 \n\ndn: uid=b,dc=x\nemployeeNumber: \n";
        let read = read_as(text, |s| s.key = "employeeNumber".to_owned()).unwrap();
        assert_eq!(read.people[0].key, "0042");
        assert_eq!(read.proof.without_key, 1);
    }

    #[tokio::test]
    async fn a_look_up_reads_the_file_again() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("people.ldif");
        std::fs::write(&path, format!("dn: uid=a,dc=x\nentryUUID: {ADA}\n")).unwrap();
        let directory = LdifDirectory::new(settings(&path)).unwrap();
        assert!(directory.look_up(ADA).await.unwrap().is_some());
        std::fs::write(&path, "").unwrap();
        assert_eq!(directory.look_up(ADA).await.unwrap(), None);
        assert_eq!(directory.clock().await.unwrap(), None);
    }
}
