//! What is special about entries of Active Directory.

use uuid::Uuid;

use crate::directory::attributes::Attributes;
use crate::directory::attributes::BadAttribute;
use crate::directory::attributes::shown;
use crate::directory::moment::FileTime;
use crate::directory::moment::file_time;
use crate::domain::person::PersonFacts;
use crate::domain::time::Time;

/// What is asked of a person's entry.
pub(super) const ATTRIBUTES: &[&str] = &[
    "objectGUID",
    "sAMAccountName",
    "userPrincipalName",
    "cn",
    "displayName",
    "mail",
    "proxyAddresses",
    "employeeNumber",
    "employeeID",
    "userAccountControl",
    "accountExpires",
    "lockoutTime",
    "lastLogonTimestamp",
    "manager",
    "primaryGroupID",
    "whenChanged",
    "isDeleted",
    "isRecycled",
    "lastKnownParent",
];

/// What is asked of a deleted entry besides: when which of its attributes was changed.
pub(super) const CHANGES: &str = "replPropertyMetaData";

/// Finds members of groups within groups (LDAP_MATCHING_RULE_IN_CHAIN).
pub(super) const IN_CHAIN: &str = "1.2.840.113556.1.4.1941";

/// Asks for a bit (LDAP_MATCHING_RULE_BIT_AND).
pub(super) const WITH_BIT: &str = "1.2.840.113556.1.4.803";

/// ADS_UF_ACCOUNTDISABLE.
const DISABLED: u32 = 0x2;

/// `objectGUID` in the canonical form, from the 16 bytes in Active Directory's order: the first
/// three numbers have their lowest byte first. `None` if there is none, more than one, or something
/// else in its place.
pub(super) fn guid(attributes: &Attributes) -> Option<String> {
    let mut values = attributes.values("objectGUID");
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let bytes: [u8; 16] = value.try_into().ok()?;
    Some(Uuid::from_bytes_le(bytes).hyphenated().to_string())
}

/// Who has this `objectGUID`, as a filter.
pub(super) fn with_guid(key: &Uuid) -> String {
    let bytes = crate::directory::ldap::name::filter_value(&key.to_bytes_le());
    format!("(objectGUID={bytes})")
}

/// What the entry says about the person's standing; errors as [`Attributes::facts`] does.
pub(super) fn facts(attributes: &Attributes) -> Result<PersonFacts, BadAttribute> {
    let mut facts = PersonFacts::default();
    if let Some(text) = attributes.single("userAccountControl")? {
        // A signed number of 32 bits in the directory.
        let control = text
            .parse::<i64>()
            .ok()
            .filter(|n| n.unsigned_abs() <= u64::from(u32::MAX));
        let control = control.ok_or_else(|| bad("userAccountControl", &text, "number"))?;
        if control & i64::from(DISABLED) != 0 {
            facts.disabled_by = Some("userAccountControl".to_owned());
        }
    }
    facts.expires_at = moment(attributes, "accountExpires")?;
    facts.locked_for_a_while = moment(attributes, "lockoutTime")?.is_some();
    if truth(attributes, "isRecycled")? {
        facts.deleted_by = Some("isRecycled".to_owned());
    } else if truth(attributes, "isDeleted")? {
        facts.deleted_by = Some("isDeleted".to_owned());
    }
    if facts.deleted_by.is_some() {
        let changed = attributes.single_moment("whenChanged")?;
        facts.deleted_at = deletion(attributes).or(changed);
    }
    Ok(facts)
}

/// When the entry was deleted, by the moment at which `isDeleted` was last set. It is the same on
/// all controllers and stays what it is when the entry is recycled, unlike `whenChanged`. `None`
/// where it cannot be read (MS-DRSR, PROPERTY_META_DATA_VECTOR).
fn deletion(attributes: &Attributes) -> Option<Time> {
    /// The number of `isDeleted` in the schema.
    const IS_DELETED: u32 = 0x0002_0030;
    /// From 1601 to 1970, in seconds.
    const BEFORE_1970: u64 = 11_644_473_600;
    const HEAD: usize = 16;
    const ONE: usize = 48;
    let all = attributes.values(CHANGES).next()?;
    let (version, _) = all.split_first_chunk::<4>()?;
    if u32::from_le_bytes(*version) != 1 {
        return None;
    }
    let one = all.get(HEAD..)?.chunks_exact(ONE).find(|one| {
        let number = one.first_chunk::<4>();
        number.is_some_and(|number| u32::from_le_bytes(*number) == IS_DELETED)
    })?;
    // Number and count come first, four bytes each, then the seconds.
    let seconds = u64::from_le_bytes(one.get(8..16)?.try_into().ok()?);
    let since = i64::try_from(seconds.checked_sub(BEFORE_1970)?).ok()?;
    (since < 253_402_300_800).then(|| Time::from_seconds(since))
}

/// The moment that an attribute with a FILETIME names; `None` for never.
pub(super) fn moment(attributes: &Attributes, name: &str) -> Result<Option<Time>, BadAttribute> {
    let Some(text) = attributes.single(name)? else {
        return Ok(None);
    };
    match file_time(&text) {
        Some(FileTime::At(time)) => Ok(Some(time)),
        Some(FileTime::Never) => Ok(None),
        None => Err(bad(name, &text, "FILETIME")),
    }
}

fn truth(attributes: &Attributes, name: &str) -> Result<bool, BadAttribute> {
    match attributes.single(name)?.as_deref() {
        None | Some("FALSE") => Ok(false),
        Some("TRUE") => Ok(true),
        Some(other) => Err(bad(name, other, "TRUE or FALSE")),
    }
}

fn bad(name: &str, text: &str, right: &str) -> BadAttribute {
    BadAttribute {
        name: name.to_owned(),
        what: format!("is \"{}\", which is no {right}", shown(text)),
    }
}

/// The addresses: the primary one of Exchange, `mail`, then the others of Exchange, each once.
pub(super) fn mails(attributes: &Attributes) -> Vec<String> {
    let proxies = attributes.texts("proxyAddresses");
    let of = |primary: bool| {
        proxies
            .iter()
            .filter_map(|proxy| proxy.split_once(':'))
            .filter(move |(kind, _)| {
                kind.eq_ignore_ascii_case("smtp") && (*kind == "SMTP") == primary
            })
            .map(|(_, mail)| mail)
    };
    let plain = attributes.texts("mail");
    let all = of(true)
        .chain(plain.iter().map(String::as_str))
        .chain(of(false));
    let mut mails: Vec<String> = Vec::new();
    for mail in all.map(str::trim).filter(|mail| !mail.is_empty()) {
        if !mails.iter().any(|known| known.eq_ignore_ascii_case(mail)) {
            mails.push(mail.to_owned());
        }
    }
    mails
}

/// The name to show. A deleted entry's `cn` goes on with a line break and `DEL:`.
pub(super) fn display_name(attributes: &Attributes) -> Option<String> {
    let name = attributes.text(&["displayName", "cn"])?;
    let name = name.lines().next().unwrap_or_default().trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// The last number of an `objectSid`, by which `primaryGroupID` names a group.
pub(super) fn relative_id(attributes: &Attributes) -> Option<u32> {
    let sid = attributes.values("objectSid").next()?;
    let (_, last) = sid.split_last_chunk::<4>()?;
    // Revision, number of parts, authority, parts of four bytes.
    (sid.len() >= 12).then(|| u32::from_le_bytes(*last))
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
    fn a_guid_is_mixed_endian_whether_its_bytes_are_text_or_not() {
        let wanted = "0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9";
        let mut attributes = Attributes::default();
        let bytes = vec![
            0x3d, 0x2c, 0x1b, 0x0a, 0x5f, 0x4e, 0x71, 0x40, 0x82, 0x93, 0xa4, 0xb5, 0xc6, 0xd7,
            0xe8, 0xf9,
        ];
        attributes.add("objectGUID", [bytes.clone()]);
        assert_eq!(guid(&attributes).as_deref(), Some(wanted));
        let filter = with_guid(&Uuid::parse_str(wanted).unwrap());
        assert!(
            filter.starts_with(r"(objectGUID=\3d\2c\1b\0a\5f\4e"),
            "{filter}"
        );
        // 16 bytes that happen to be text
        let text = entry(&[("objectGUID", "abcdefghijklmnop")]);
        assert_eq!(
            guid(&text).as_deref(),
            Some("64636261-6665-6867-696a-6b6c6d6e6f70")
        );
        attributes.add("objectGUID", [bytes]);
        assert_eq!(guid(&attributes), None);
        assert_eq!(guid(&entry(&[("objectGUID", "short")])), None);
        assert_eq!(guid(&entry(&[])), None);
    }

    #[test]
    fn the_bit_of_disabled_accounts_is_read_and_no_other() {
        for (value, wanted) in [
            ("512", None),
            ("514", Some("userAccountControl")),
            ("66050", Some("userAccountControl")),
            ("66048", None),
            ("-2147483134", Some("userAccountControl")),
        ] {
            let facts = facts(&entry(&[("userAccountControl", value)])).unwrap();
            assert_eq!(facts.disabled_by.as_deref(), wanted, "{value}");
        }
    }

    #[test]
    fn an_end_that_never_comes_is_none_and_a_lock_is_no_departure() {
        for never in ["0", "9223372036854775807"] {
            let facts = facts(&entry(&[("accountExpires", never), ("lockoutTime", "0")])).unwrap();
            assert_eq!(facts, PersonFacts::default());
        }
        let facts = facts(&entry(&[
            ("accountExpires", "134142912000000000"),
            ("lockoutTime", "134142912000000000"),
        ]))
        .unwrap();
        assert_eq!(facts.expires_at, Time::parse("2026-01-31T00:00:00Z"));
        assert!(facts.locked_for_a_while && facts.disabled_by.is_none());
    }

    #[test]
    fn a_deleted_entry_says_how_and_when() {
        let deleted = [("isDeleted", "TRUE"), ("whenChanged", "20261101080000.0Z")];
        let facts_of = facts(&entry(&deleted)).unwrap();
        assert_eq!(facts_of.deleted_by.as_deref(), Some("isDeleted"));
        assert_eq!(facts_of.deleted_at, Time::parse("2026-11-01T08:00:00Z"));
        let recycled = [("isDeleted", "TRUE"), ("isRecycled", "TRUE")];
        let facts_of = facts(&entry(&recycled)).unwrap();
        assert_eq!(facts_of.deleted_by.as_deref(), Some("isRecycled"));
        let name = entry(&[("cn", "Dave Deleted\nDEL:0a1b2c3d")]);
        assert_eq!(display_name(&name).as_deref(), Some("Dave Deleted"));
    }

    #[test]
    fn the_moment_of_a_deletion_stays_when_the_entry_is_changed_again() {
        let mut attributes = entry(&[("isDeleted", "TRUE"), ("whenChanged", "20261201000000.0Z")]);
        let mut changes = vec![1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0];
        for (number, seconds) in [(3_u32, 13_411_000_000_u64), (0x0002_0030, 13_414_291_200)] {
            changes.extend_from_slice(&number.to_le_bytes());
            changes.extend_from_slice(&1_u32.to_le_bytes());
            changes.extend_from_slice(&seconds.to_le_bytes());
            changes.extend_from_slice(&[9; 32]);
        }
        attributes.add(CHANGES, [changes.clone()]);
        let deleted_at = facts(&attributes).unwrap().deleted_at;
        assert_eq!(deleted_at, Time::parse("2026-01-31T00:00:00Z"));
        for cut in [0, 3, 20, 60] {
            let mut attributes =
                entry(&[("isDeleted", "TRUE"), ("whenChanged", "20261201000000Z")]);
            attributes.add(CHANGES, [changes.get(..cut).unwrap().to_vec()]);
            let deleted_at = facts(&attributes).unwrap().deleted_at;
            assert_eq!(deleted_at, Time::parse("2026-12-01T00:00:00Z"), "{cut}");
        }
    }

    #[test]
    fn what_cannot_be_understood_is_an_error() {
        for (name, value) in [
            ("userAccountControl", "yes"),
            ("userAccountControl", "99999999999"),
            ("accountExpires", "never"),
            ("accountExpires", "-1"),
            ("lockoutTime", "20260131000000Z"),
            ("isDeleted", "1"),
        ] {
            assert_eq!(facts(&entry(&[(name, value)])).unwrap_err().name, name);
        }
    }

    #[test]
    fn the_primary_address_comes_first_and_each_once() {
        let all = entry(&[
            ("proxyAddresses", "smtp:old@example.test"),
            ("proxyAddresses", "X500:/o=org"),
            ("proxyAddresses", "SMTP:New@example.test"),
            ("proxyAddresses", "smtp:other@example.test"),
            ("mail", "new@example.test"),
        ]);
        assert_eq!(
            mails(&all),
            ["New@example.test", "old@example.test", "other@example.test"]
        );
        assert_eq!(
            mails(&entry(&[("mail", "a@example.test")])),
            ["a@example.test"]
        );
        assert!(mails(&entry(&[("proxyAddresses", "smtp:")])).is_empty());
    }

    #[test]
    fn the_last_part_of_a_sid_names_the_group() {
        let mut attributes = Attributes::default();
        let mut sid = vec![1, 2, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0];
        sid.extend_from_slice(&513_u32.to_le_bytes());
        attributes.add("objectSid", [sid]);
        assert_eq!(relative_id(&attributes), Some(513));
        assert_eq!(relative_id(&entry(&[("objectSid", "abcd")])), None);
    }
}
