//! One search: its answer taken apart without trusting its shape.

use ldap3::LdapResult;
use ldap3::asn1::StructureTag;
use ldap3::asn1::TagClass;
use ldap3::asn1::parse_tag;

use crate::directory::attributes::Attributes;

/// The paged results control of RFC 2696.
const PAGED_RESULTS: &str = "1.2.840.113556.1.4.319";

/// One entry as it came.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) dn: String,
    pub(super) attributes: Attributes,
}

/// Why an entry was not taken.
#[derive(Debug)]
pub(super) enum BadEntry {
    /// Not an entry as RFC 4511 has it.
    Malformed,
    /// More bytes than any person's entry has.
    TooLarge,
}

/// The most that one entry's asked-for attributes may hold.
pub(super) const MAX_ENTRY_BYTES: usize = 1 << 20;

/// What the paging control of an answer says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Paging {
    /// There was no such control: the server does not page.
    Absent,
    /// There was one, and it is none.
    Malformed,
    /// This was the last page.
    Last,
    /// Another page is there, under this cookie.
    More(Vec<u8>),
}

/// One whole answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) entries: Vec<Entry>,
    /// References to other servers.
    pub(super) referrals: u64,
    /// Those of them that lead to where people may be.
    pub(super) elsewhere: u64,
    /// The result code; nothing counts unless it is looked at.
    pub(super) code: u32,
    pub(super) paging: Paging,
}

/// Partitions of Active Directory that hold no people. A controller refers to them in every search
/// from the root of its domain, whether they are its own or not.
const WITHOUT_PEOPLE: &[&str] = &[
    "cn=configuration,",
    "dc=domaindnszones,",
    "dc=forestdnszones,",
];

/// Whether a reference leads to where people may be: what cannot be understood does.
pub(super) fn leads_to_people(tag: StructureTag) -> bool {
    let Some(targets) = tag.expect_constructed() else {
        return true;
    };
    !targets.into_iter().all(|target| {
        let target = target.expect_primitive();
        let url = target.and_then(|bytes| String::from_utf8(bytes).ok());
        let url = url.unwrap_or_default().to_ascii_lowercase();
        let place = url
            .split_once("://")
            .and_then(|(_, rest)| rest.split_once('/'));
        place.is_some_and(|(_, name)| WITHOUT_PEOPLE.iter().any(|own| name.starts_with(own)))
    })
}

/// Takes one entry apart. The library's own way panics on what is no entry.
pub(super) fn entry(tag: StructureTag) -> Result<Entry, BadEntry> {
    entry_of(tag).ok_or(BadEntry::Malformed)?
}

fn entry_of(tag: StructureTag) -> Option<Result<Entry, BadEntry>> {
    let tag = tag.match_class(TagClass::Application)?.match_id(4)?;
    let mut parts = tag.expect_constructed()?.into_iter();
    let dn = parts.next()?.expect_primitive()?;
    let mut size = dn.len();
    let mut attributes = Attributes::with_room();
    for attribute in parts.next()?.expect_constructed()? {
        let mut parts = attribute.expect_constructed()?.into_iter();
        let name = String::from_utf8(parts.next()?.expect_primitive()?).ok()?;
        let values = parts.next()?.expect_constructed()?.into_iter();
        let values: Vec<Vec<u8>> = values
            .map(StructureTag::expect_primitive)
            .collect::<Option<_>>()?;
        let more = values.iter().map(Vec::len);
        size = more.fold(size, usize::saturating_add);
        if size > MAX_ENTRY_BYTES {
            return Some(Err(BadEntry::TooLarge));
        }
        attributes.add(&name, values);
    }
    Some(Ok(Entry {
        dn: String::from_utf8_lossy(&dn).into_owned(),
        attributes,
    }))
}

/// Finds the paging control of an answer and takes it apart.
pub(super) fn paging(result: &LdapResult) -> Paging {
    let mut controls = result
        .ctrls
        .iter()
        .filter(|control| control.1.ctype == PAGED_RESULTS);
    match (controls.next(), controls.next()) {
        (None, _) => Paging::Absent,
        (Some(control), None) => {
            let value = control.1.val.as_deref().unwrap_or_default();
            match cookie(value) {
                None => Paging::Malformed,
                Some(cookie) if cookie.is_empty() => Paging::Last,
                Some(cookie) => Paging::More(cookie),
            }
        }
        (Some(_), Some(_)) => Paging::Malformed,
    }
}

/// SEQUENCE { size INTEGER, cookie OCTET STRING }, and nothing behind it.
fn cookie(value: &[u8]) -> Option<Vec<u8>> {
    let (rest, tag) = parse_tag(value).ok()?;
    let tag = tag.match_class(TagClass::Universal)?.match_id(16)?;
    let mut parts = tag.expect_constructed()?.into_iter();
    parts
        .next()?
        .match_class(TagClass::Universal)?
        .match_id(2)?;
    let cookie = parts
        .next()?
        .match_class(TagClass::Universal)?
        .match_id(4)?;
    (rest.is_empty() && parts.next().is_none()).then(|| cookie.expect_primitive())?
}

#[cfg(test)]
mod tests {
    use ldap3::asn1::PL;
    use ldap3::controls::Control;
    use ldap3::controls::RawControl;
    use proptest::prelude::*;

    use super::*;

    fn result(values: &[&[u8]]) -> LdapResult {
        let control = |value: &&[u8]| {
            let raw = RawControl {
                ctype: PAGED_RESULTS.to_owned(),
                crit: false,
                val: Some(value.to_vec()),
            };
            Control(None, raw)
        };
        LdapResult {
            rc: 0,
            matched: String::new(),
            text: String::new(),
            refs: Vec::new(),
            ctrls: values.iter().map(control).collect(),
        }
    }

    #[test]
    fn the_end_is_only_where_the_control_says_so() {
        let last: &[u8] = &[0x30, 5, 2, 1, 0, 4, 0];
        let more: &[u8] = &[0x30, 6, 2, 1, 0, 4, 1, b'c'];
        assert_eq!(paging(&result(&[])), Paging::Absent);
        assert_eq!(paging(&result(&[last])), Paging::Last);
        assert_eq!(paging(&result(&[more])), Paging::More(vec![b'c']));
        assert_eq!(paging(&result(&[last, last])), Paging::Malformed);
        for value in [
            &[][..],
            &[0x30, 3, 2, 1, 0],
            &[0x30, 5, 4, 1, 0, 4, 0],
            &[0x30, 5, 2, 1, 0, 4, 0, 0],
            &[0x30, 9, 2, 1, 0, 4, 0],
        ] {
            assert_eq!(paging(&result(&[value])), Paging::Malformed, "{value:?}");
        }
    }

    fn octets(text: &[u8]) -> StructureTag {
        StructureTag {
            class: TagClass::Universal,
            id: 4,
            payload: PL::P(text.to_vec()),
        }
    }

    #[test]
    fn an_entry_that_is_none_is_refused() {
        for payload in [
            PL::P(Vec::new()),
            PL::C(Vec::new()),
            PL::C(vec![octets(b"dn")]),
            PL::C(vec![octets(b"dn"), octets(b"x")]),
        ] {
            let tag = StructureTag {
                class: TagClass::Application,
                id: 4,
                payload,
            };
            assert!(matches!(entry(tag), Err(BadEntry::Malformed)));
        }
    }

    #[test]
    fn only_references_to_where_people_may_be_count() {
        let reference = |urls: &[&str]| StructureTag {
            class: TagClass::Application,
            id: 19,
            payload: PL::C(urls.iter().map(|url| octets(url.as_bytes())).collect()),
        };
        for (urls, wanted) in [
            (
                &["ldaps://corp.test/CN=Configuration,DC=corp,DC=test"][..],
                false,
            ),
            (
                &["ldap://DomainDnsZones.corp.test/DC=DomainDnsZones,DC=corp"][..],
                false,
            ),
            (
                &["ldap://child.corp.test/DC=child,DC=corp,DC=test"][..],
                true,
            ),
            (
                &["ldap://a.test/CN=Configuration,DC=x", "ldap://b.test/DC=b"][..],
                true,
            ),
            (&["what is this"][..], true),
        ] {
            assert_eq!(leads_to_people(reference(urls)), wanted, "{urls:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = cookie(&bytes);
            if let Ok((_, tag)) = parse_tag(&bytes) {
                let _ = leads_to_people(tag.clone());
                let _ = entry(tag);
            }
        }
    }
}
