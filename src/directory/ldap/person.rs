//! One entry as a person, with what the configuration and other entries say about it.

use uuid::Uuid;

use crate::directory::DirectoryError;
use crate::directory::attributes::Attributes;
use crate::directory::attributes::BadAttribute;
use crate::directory::attributes::shown;
use crate::directory::ldap::LdapDirectory;
use crate::directory::ldap::active_directory;
use crate::directory::ldap::groups::Members;
use crate::directory::ldap::logins::Logins;
use crate::directory::ldap::name::Name;
use crate::directory::ldap::open;
use crate::directory::ldap::search::Entry;
use crate::directory::ldap::settings::Flavor;
use crate::directory::moment;
use crate::directory::moment::DateFormat;
use crate::directory::moment::FileTime;
use crate::domain::person::PersonFacts;
use crate::domain::person::PersonRecord;
use crate::domain::time::Time;

/// The time within which a login is written, where nothing says better.
const ONE_DAY_S: u64 = 86_400;

/// What has to be known beside an entry to make a person of it.
#[derive(Debug, Default)]
pub(super) struct Beside {
    /// Units in which leavers are kept.
    pub(super) units: Vec<Name>,
    /// Who is in the group, where one is asked for.
    pub(super) members: Option<Members>,
    /// What controllers know of logins.
    pub(super) logins: Logins,
}

/// From which part of the directory an entry comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    /// Where people are.
    Live,
    /// Where FreeIPA preserves those who were deleted.
    Preserved,
    /// Where Active Directory keeps what was deleted.
    Deleted,
}

impl LdapDirectory {
    /// The immutable key of an entry in its canonical form, if it has a usable one.
    pub(super) fn key(&self, attributes: &Attributes) -> Option<String> {
        match self.settings.flavor {
            Flavor::ActiveDirectory => active_directory::guid(attributes),
            Flavor::Ds389 => attributes
                .entry_uuid()
                .or_else(|| open::unique_id(attributes)),
            Flavor::OpenLdap | Flavor::Generic => attributes.entry_uuid(),
        }
    }

    /// Whether an entry is the one with this key; on 389 Directory Server it may have been known by
    /// its other key.
    pub(super) fn has_key(&self, attributes: &Attributes, key: &str) -> bool {
        self.key(attributes).as_deref() == Some(key)
            || self.settings.flavor == Flavor::Ds389
                && open::unique_id(attributes).as_deref() == Some(key)
    }

    /// The attributes that hold the key.
    pub(super) fn key_attributes(&self) -> &'static [&'static str] {
        match self.settings.flavor {
            Flavor::ActiveDirectory => &["objectGUID"],
            Flavor::Ds389 => &["entryUUID", "nsUniqueId"],
            Flavor::OpenLdap | Flavor::Generic => &["entryUUID"],
        }
    }

    /// What the key is called.
    pub(super) fn key_name(&self) -> &'static str {
        match self.settings.flavor {
            Flavor::ActiveDirectory => "objectGUID",
            Flavor::Ds389 => "entryUUID or nsUniqueId",
            Flavor::OpenLdap | Flavor::Generic => "entryUUID",
        }
    }

    /// Who has this key, as a filter.
    pub(super) fn with_key(&self, key: &Uuid) -> String {
        match self.settings.flavor {
            Flavor::ActiveDirectory => active_directory::with_guid(key),
            Flavor::Ds389 => open::with_key_389(key),
            Flavor::OpenLdap | Flavor::Generic => format!("(entryUUID={})", key.hyphenated()),
        }
    }

    /// Makes a person of an entry.
    pub(super) fn person(
        &self,
        at: &str,
        key: String,
        entry: &Entry,
        from: From,
        beside: &Beside,
    ) -> Result<PersonRecord, DirectoryError> {
        let unreadable = |bad: BadAttribute| DirectoryError::Unreadable {
            at: at.to_owned(),
            what: format!(
                "{} of the entry with {} {key} {}",
                bad.name,
                self.key_name(),
                bad.what
            ),
        };
        let attributes = &entry.attributes;
        let mut record = match self.settings.flavor {
            Flavor::ActiveDirectory => of_active_directory(attributes).map_err(unreadable)?,
            _ => of_the_others(attributes).map_err(unreadable)?,
        };
        if self.settings.flavor == Flavor::ActiveDirectory {
            beside.logins.apply(&key, &mut record);
        }
        if from == From::Preserved {
            record.facts.deleted_by = Some("preserved".to_owned());
        }
        self.configured(attributes, &mut record.facts)
            .map_err(unreadable)?;
        let asks_where = !beside.units.is_empty() || beside.members.is_some();
        if asks_where && record.facts.deleted_by.is_none() {
            let name = Name::parse(&entry.dn).ok_or_else(|| DirectoryError::Unreadable {
                at: at.to_owned(),
                what: format!(
                    "the name of the entry with {} {key} is no distinguished name",
                    self.key_name()
                ),
            })?;
            record.facts.in_leavers_unit = beside.units.iter().any(|unit| name.is_within(unit));
            if let Some(members) = &beside.members {
                record.facts.outside_group = !members.hold(&key, &name, attributes);
            }
        }
        record.place = Some(entry.dn.clone());
        record.key = key;
        Ok(record)
    }

    /// What the attributes say that the configuration names.
    fn configured(
        &self,
        attributes: &Attributes,
        facts: &mut PersonFacts,
    ) -> Result<(), BadAttribute> {
        let signals = &self.settings.signals;
        for rule in &signals.left_when {
            let says = attributes.exact(&rule.attribute)?;
            if says.iter().any(|value| rule.holds(value)) {
                facts.left_by.get_or_insert_with(|| rule.attribute.clone());
            }
        }
        if let Some(name) = &signals.leave_date
            && let Some(text) = attributes.single(name)?
        {
            facts.leave_at = leave_date(name, &text)?;
        }
        Ok(())
    }
}

fn of_active_directory(attributes: &Attributes) -> Result<PersonRecord, BadAttribute> {
    Ok(PersonRecord {
        mails: active_directory::mails(attributes),
        name: active_directory::display_name(attributes),
        login: attributes.text(&["sAMAccountName", "userPrincipalName"]),
        employee_number: attributes.text(&["employeeNumber", "employeeID"]),
        manager: attributes.text(&["manager"]),
        recorded_at: attributes.single_moment("whenChanged")?,
        last_login: active_directory::moment(attributes, "lastLogonTimestamp")?
            .max(active_directory::moment(attributes, "lastLogon")?),
        facts: active_directory::facts(attributes)?,
        ..PersonRecord::default()
    })
}

fn of_the_others(attributes: &Attributes) -> Result<PersonRecord, BadAttribute> {
    let last_login = open::last_login(attributes)?;
    Ok(PersonRecord {
        mails: attributes.texts("mail"),
        name: attributes.text(&["displayName", "cn"]),
        login: attributes.text(&["uid"]),
        employee_number: attributes.text(&["employeeNumber"]),
        manager: attributes.text(&["manager"]),
        recorded_at: attributes.single_moment("modifyTimestamp")?,
        last_login,
        // The overlay writes a login only so often; how often is not to be seen from here.
        login_precision_s: last_login.map_or(0, |_| ONE_DAY_S),
        facts: open::facts(attributes)?,
        ..PersonRecord::default()
    })
}

/// The last day, in any of the forms that directories keep it in.
fn leave_date(name: &str, text: &str) -> Result<Option<Time>, BadAttribute> {
    if let Some(time) = moment::generalized_time(text) {
        return Ok(Some(time));
    }
    // Shorter numbers are days without hyphens, whose order nobody can know.
    let long = text == "0" || text.len() >= 15;
    match moment::file_time(text).filter(|_| long) {
        Some(FileTime::At(time)) => return Ok(Some(time)),
        Some(FileTime::Never) => return Ok(None),
        None => {}
    }
    moment::leave_date(text, &DateFormat::Iso).map_err(|_| BadAttribute {
        name: name.to_owned(),
        what: format!(
            "is \"{}\", which is no date; right is 2026-11-30, 20261130170000Z, or a FILETIME",
            shown(text)
        ),
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_last_day_is_read_in_each_of_its_forms() {
        let at = |text: &str| Some(Time::parse(text).unwrap());
        for (text, wanted) in [
            ("2026-01-30", at("2026-01-31T00:00:00Z")),
            ("20260131000000Z", at("2026-01-31T00:00:00Z")),
            ("20260131000000.0Z", at("2026-01-31T00:00:00Z")),
            ("134142912000000000", at("2026-01-31T00:00:00Z")),
            ("0", None),
            ("9223372036854775807", None),
        ] {
            assert_eq!(leave_date("endDate", text).unwrap(), wanted, "{text}");
        }
        for text in ["", "soon", "20260131", "31.01.2026", "1706659200"] {
            assert!(leave_date("endDate", text).is_err(), "{text}");
        }
    }
}
