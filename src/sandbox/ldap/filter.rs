//! Search filters: matching an entry, and writing them as text for the log.

use ldap3_proto::proto::{LdapFilter, LdapSubstringFilter};

use crate::sandbox::ldap::tree::Entry;

/// Tells whether an entry matches. What cannot be judged (extensible matching) matches nothing.
pub(crate) fn matches(filter: &LdapFilter, entry: &Entry) -> bool {
    match filter {
        LdapFilter::And(all) => all.iter().all(|one| matches(one, entry)),
        LdapFilter::Or(any) => any.iter().any(|one| matches(one, entry)),
        LdapFilter::Not(one) => !matches(one, entry),
        LdapFilter::Present(name) => !entry.values(name).is_empty(),
        LdapFilter::Equality(name, wanted) | LdapFilter::Approx(name, wanted) => {
            entry.values(name).iter().any(|value| same(value, wanted))
        }
        LdapFilter::Substring(name, wanted) => {
            entry.values(name).iter().any(|value| holds(value, wanted))
        }
        LdapFilter::GreaterOrEqual(name, wanted) => entry
            .values(name)
            .iter()
            .any(|value| compare(value, wanted).is_ge()),
        LdapFilter::LessOrEqual(name, wanted) => entry
            .values(name)
            .iter()
            .any(|value| compare(value, wanted).is_le()),
        LdapFilter::Extensible(_) => false,
    }
}

fn same(value: &str, wanted: &str) -> bool {
    value.eq_ignore_ascii_case(wanted) || value.to_lowercase() == wanted.to_lowercase()
}

fn compare(value: &str, wanted: &str) -> std::cmp::Ordering {
    match (value.parse::<i64>(), wanted.parse::<i64>()) {
        (Ok(value), Ok(wanted)) => value.cmp(&wanted),
        _ => value.to_lowercase().cmp(&wanted.to_lowercase()),
    }
}

fn holds(value: &str, wanted: &LdapSubstringFilter) -> bool {
    let value = value.to_lowercase();
    let mut rest = value.as_str();
    if let Some(initial) = &wanted.initial {
        let Some(after) = rest.strip_prefix(&initial.to_lowercase()) else {
            return false;
        };
        rest = after;
    }
    for part in &wanted.any {
        let Some((_, after)) = rest.split_once(&part.to_lowercase()) else {
            return false;
        };
        rest = after;
    }
    wanted
        .final_
        .as_ref()
        .is_none_or(|end| rest.ends_with(&end.to_lowercase()))
}

/// Writes a filter as text.
pub(crate) fn text(filter: &LdapFilter) -> String {
    let list = |all: &[LdapFilter]| all.iter().map(text).collect::<String>();
    match filter {
        LdapFilter::And(all) => format!("(&{})", list(all)),
        LdapFilter::Or(any) => format!("(|{})", list(any)),
        LdapFilter::Not(one) => format!("(!{})", text(one)),
        LdapFilter::Present(name) => format!("({name}=*)"),
        LdapFilter::Equality(name, value) => format!("({name}={value})"),
        LdapFilter::Approx(name, value) => format!("({name}~={value})"),
        LdapFilter::GreaterOrEqual(name, value) => format!("({name}>={value})"),
        LdapFilter::LessOrEqual(name, value) => format!("({name}<={value})"),
        LdapFilter::Substring(name, wanted) => {
            let any: String = wanted.any.iter().map(|part| format!("{part}*")).collect();
            let (first, last) = (wanted.initial.as_deref(), wanted.final_.as_deref());
            format!(
                "({name}={}*{any}{})",
                first.unwrap_or(""),
                last.unwrap_or("")
            )
        }
        LdapFilter::Extensible(wanted) => format!(
            "({}:{}:={})",
            wanted.type_.as_deref().unwrap_or(""),
            wanted.matching_rule.as_deref().unwrap_or(""),
            wanted.match_value
        ),
    }
}
