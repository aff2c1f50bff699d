//! What is special about entries of OpenLDAP, 389 Directory Server and FreeIPA.

use uuid::Uuid;

use crate::directory::attributes::Attributes;
use crate::directory::attributes::BadAttribute;
use crate::domain::person::PersonFacts;
use crate::domain::time::Time;

/// What is asked of a person's entry on OpenLDAP. Operational attributes come only if they are
/// asked for by name (RFC 4511, 4.5.1.8).
pub(super) const OPENLDAP: &[&str] = &[
    "entryUUID",
    "uid",
    "cn",
    "displayName",
    "mail",
    "employeeNumber",
    "manager",
    "modifyTimestamp",
    "pwdAccountLockedTime",
    "pwdStartTime",
    "pwdEndTime",
    "authTimestamp",
    "pwdLastSuccess",
];

/// As [`OPENLDAP`], with what only 389 Directory Server and FreeIPA have.
pub(super) const GENERIC: &[&str] = &[
    "entryUUID",
    "uid",
    "cn",
    "displayName",
    "mail",
    "employeeNumber",
    "manager",
    "modifyTimestamp",
    "pwdAccountLockedTime",
    "pwdStartTime",
    "pwdEndTime",
    "authTimestamp",
    "pwdLastSuccess",
    "nsAccountLock",
];

/// What is asked of a person's entry on 389 Directory Server and FreeIPA.
pub(super) const DS389: &[&str] = &[
    "entryUUID",
    "nsUniqueId",
    "uid",
    "cn",
    "displayName",
    "mail",
    "employeeNumber",
    "manager",
    "modifyTimestamp",
    "nsAccountLock",
    "accountUnlockTime",
    "krbPrincipalExpiration",
    "krbLastSuccessfulAuth",
    "lastLoginTime",
];

/// Logins of all these makes; each is written by an overlay or plugin that may be switched off.
const LOGINS: &[&str] = &[
    "authTimestamp",
    "pwdLastSuccess",
    "krbLastSuccessfulAuth",
    "lastLoginTime",
];

/// `nsUniqueId` in the canonical form; it is written as four groups of eight digits.
pub(super) fn unique_id(attributes: &Attributes) -> Option<String> {
    let mut values = attributes.values("nsUniqueId");
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let text = std::str::from_utf8(value).ok()?.trim();
    let groups: Vec<&str> = text.split('-').collect();
    let sound = groups.len() == 4 && groups.iter().all(|group| group.len() == 8);
    let uuid = sound.then(|| Uuid::parse_str(&groups.concat()).ok())??;
    Some(uuid.hyphenated().to_string())
}

/// Who has this key on 389 Directory Server, as a filter.
pub(super) fn with_key_389(key: &Uuid) -> String {
    let digits = key.simple().to_string();
    let group = |from: usize| digits.get(from..from + 8).unwrap_or_default();
    format!(
        "(|(entryUUID={})(nsUniqueId={}-{}-{}-{}))",
        key.hyphenated(),
        group(0),
        group(8),
        group(16),
        group(24)
    )
}

/// What the entry says about the person's standing.
pub(super) fn facts(attributes: &Attributes) -> Result<PersonFacts, BadAttribute> {
    let mut facts = attributes.facts()?;
    if attributes.single_moment("accountUnlockTime")?.is_some() {
        facts.locked_for_a_while = true;
    }
    // The beginning of 1970 is how Kerberos writes "never".
    let end = attributes
        .single_moment("krbPrincipalExpiration")?
        .filter(|end| end.micros() > 0);
    facts.expires_at = match (facts.expires_at, end) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
    Ok(facts)
}

/// The newest login that the server knows of.
pub(super) fn last_login(attributes: &Attributes) -> Result<Option<Time>, BadAttribute> {
    attributes.newest(LOGINS)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn entry(pairs: &[(&str, &str)]) -> Attributes {
        let mut attributes = Attributes::default();
        for (name, value) in pairs {
            attributes.add(name, [value.as_bytes().to_vec()]);
        }
        attributes
    }

    #[test]
    fn the_identifier_of_389_becomes_a_uuid_and_is_found_again() {
        let attributes = entry(&[("nsUniqueId", "0A1B2C3D-4e5f4071-8293a4b5-c6d7e8f9")]);
        let key = unique_id(&attributes).unwrap();
        assert_eq!(key, "0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9");
        assert_eq!(
            with_key_389(&Uuid::parse_str(&key).unwrap()),
            "(|(entryUUID=0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9)\
             (nsUniqueId=0a1b2c3d-4e5f4071-8293a4b5-c6d7e8f9))"
        );
        for text in [
            "",
            "x",
            "0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9",
            "0a1b2c3d-4e5f4071-8293a4b5-c6d7e8fg",
        ] {
            assert_eq!(unique_id(&entry(&[("nsUniqueId", text)])), None, "{text}");
        }
    }

    #[test]
    fn the_newest_login_counts_and_kerberos_may_end_an_account() {
        let attributes = entry(&[
            ("authTimestamp", "20261101000000Z"),
            ("pwdLastSuccess", "20261102000000.5Z"),
            ("krbPrincipalExpiration", "20270101000000Z"),
        ]);
        assert_eq!(
            last_login(&attributes).unwrap(),
            Time::parse("2026-11-02T00:00:00.5Z")
        );
        assert_eq!(
            facts(&attributes).unwrap().expires_at,
            Time::parse("2027-01-01T00:00:00Z")
        );
        let never = entry(&[("krbPrincipalExpiration", "19700101000000Z")]);
        assert_eq!(facts(&never).unwrap(), PersonFacts::default());
        let locked = entry(&[("accountUnlockTime", "20261101000000Z")]);
        assert!(facts(&locked).unwrap().locked_for_a_while);
        assert!(last_login(&entry(&[("authTimestamp", "yesterday")])).is_err());
    }
}
