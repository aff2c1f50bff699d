//! What a DocSpace answer says about people: pure functions over JSON.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value;

use crate::domain::account::AccountFacts;
use crate::domain::account::AccountKind;
use crate::domain::account::AccountRecord;
use crate::domain::account::AccountState;
use crate::domain::account::Protection;
use crate::domain::time::Time;

/// How many people one page holds; the server's own maximum.
pub(super) const PAGE: u64 = 100;

/// The user of our own key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Own {
    /// Its id.
    pub(super) id: String,
    /// Whether it owns the tenant.
    pub(super) owner: bool,
    /// Whether it administers the tenant.
    pub(super) admin: bool,
}

impl Own {
    /// Whether it sees everyone: others see neither disabled people nor all guests.
    pub(super) fn sees_everyone(&self) -> bool {
        self.owner || self.admin
    }
}

/// Why a page does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// The list is not whole: a code, and what happened.
    NotWhole(&'static str, String),
    /// A field is not understood; names the field, never the person.
    Unreadable(String),
}

/// What comes after a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The page that begins here.
    More(u64),
    /// The list is whole.
    Done,
}

/// A list of people as it comes in page by page.
#[derive(Debug, Default)]
pub(super) struct Listing {
    total: Option<u64>,
    received: u64,
    /// Pages taken.
    pub(super) pages: u64,
    /// The accounts by id.
    pub(super) accounts: BTreeMap<String, AccountRecord>,
}

impl Listing {
    /// The total that the tenant names.
    pub(super) fn total(&self) -> Option<u64> {
        self.total
    }

    /// Takes one answer of `people/filter` (the whole envelope, already judged to be a success).
    ///
    /// The order by mail address has no tie-break, so people can come twice or not at all: only
    /// as many different ids as the named total make the list whole.
    pub(super) fn take(&mut self, body: &Value, own: &str) -> Result<Next, Fault> {
        self.pages += 1;
        let items = items(body)?;
        let total = unsigned(body, "total")
            .ok_or_else(|| Fault::NotWhole("read.no-total", "no total is named".to_owned()))?;
        let first = *self.total.get_or_insert(total);
        if first != total {
            let detail = format!("the total went from {first} to {total} while it was read");
            return Err(Fault::NotWhole("read.moved", detail));
        }
        for item in items {
            self.add(record(item, Some(own))?)?;
        }
        let got = u64::try_from(items.len()).unwrap_or(u64::MAX);
        self.received = self.received.saturating_add(got);
        if self.received < total {
            if got < PAGE {
                let detail = format!("a page ended after {} of {total}", self.received);
                return Err(Fault::NotWhole("read.short", detail));
            }
            return Ok(Next::More(self.received));
        }
        let distinct = u64::try_from(self.accounts.len()).unwrap_or(u64::MAX);
        if distinct < total {
            let detail = format!("only {distinct} of {total} accounts came, some of them twice");
            return Err(Fault::NotWhole("read.short", detail));
        }
        if distinct > total {
            let detail = format!("{distinct} accounts came where {total} were named");
            return Err(Fault::NotWhole("read.moved", detail));
        }
        Ok(Next::Done)
    }

    fn add(&mut self, new: AccountRecord) -> Result<(), Fault> {
        match self.accounts.get(&new.id) {
            Some(old) if old.facts != new.facts || old.email != new.email => {
                let detail = "an account changed while the list was read".to_owned();
                Err(Fault::NotWhole("read.moved", detail))
            }
            _ => {
                self.accounts.insert(new.id.clone(), new);
                Ok(())
            }
        }
    }
}

/// The list under `response`.
pub(super) fn items(body: &Value) -> Result<&Vec<Value>, Fault> {
    body.get("response")
        .and_then(Value::as_array)
        .ok_or_else(|| Fault::Unreadable("response is not a list".to_owned()))
}

/// The user that the key belongs to, from `people/@self`.
pub(super) fn own(body: &Value) -> Result<Own, Fault> {
    let user = body
        .get("response")
        .filter(|r| r.is_object())
        .ok_or_else(|| Fault::Unreadable("response is not a user".to_owned()))?;
    let id = id(user, "id").ok_or_else(|| Fault::Unreadable("id".to_owned()))?;
    if unsigned(user, "status") != Some(1) {
        return Err(Fault::Unreadable("status of the key's own user".to_owned()));
    }
    Ok(Own {
        id,
        owner: flag(user, "isOwner") == Some(true),
        admin: flag(user, "isAdmin") == Some(true),
    })
}

/// One person; `own` is the id of our key's user, where it is known.
pub(super) fn record(item: &Value, own: Option<&str>) -> Result<AccountRecord, Fault> {
    if !item.is_object() {
        return Err(Fault::Unreadable("a person is not an object".to_owned()));
    }
    let id = id(item, "id").ok_or_else(|| {
        Fault::NotWhole("read.without-key", "an account has no usable id".to_owned())
    })?;
    let (kind, mut protected) = role(item);
    if own == Some(id.as_str()) {
        protected.insert(Protection::OwnCredential);
    }
    let ldap = flag(item, "isLDAP") == Some(true);
    Ok(AccountRecord {
        email: text(item, "email")?.map(str::to_owned),
        name: text(item, "displayName")?.map(unescape),
        external_id: None,
        facts: AccountFacts {
            state: state(item)?,
            kind,
            protected,
            managed_by: ldap.then(|| "ldap".to_owned()),
            created_at: created_at(item)?,
            address_verified: verified(item),
        },
        id,
    })
}

/// Only Active, Terminated and Pending are states of one person; the other numbers are filters.
fn state(item: &Value) -> Result<AccountState, Fault> {
    match unsigned(item, "status") {
        Some(1) => Ok(AccountState::Active),
        Some(2) => Ok(AccountState::Disabled),
        Some(4) => Ok(AccountState::Invited),
        _ => Err(Fault::Unreadable("status".to_owned())),
    }
}

/// Only `Activated` counts. The others (not activated, pending, made by a sync) and anything
/// unknown say nothing about who reads mail at the address; somebody may well be active with it.
fn verified(item: &Value) -> bool {
    unsigned(item, "activationStatus") == Some(1)
}

fn created_at(item: &Value) -> Result<Option<Time>, Fault> {
    let Some(text) = text(item, "registrationDate")? else {
        return Ok(None);
    };
    let time = Time::parse(text).ok_or_else(|| Fault::Unreadable("registrationDate".to_owned()))?;
    // .NET writes the year 1 where nothing was set; that must not pass for a great age
    Ok((time > Time::from_seconds(0)).then_some(time))
}

/// Exactly one of the roles below administrator must be claimed, and every flag must be there:
/// what is contradictory or new may be anything, also an administrator.
fn role(item: &Value) -> (AccountKind, BTreeSet<Protection>) {
    let mut protected = BTreeSet::new();
    let flags = [
        "isOwner",
        "isAdmin",
        "isRoomAdmin",
        "isCollaborator",
        "isVisitor",
    ]
    .map(|name| flag(item, name));
    let [owner, admin, room_admin, collaborator, visitor] = flags.map(|f| f == Some(true));
    if owner {
        protected.insert(Protection::Owner);
    }
    if admin {
        protected.insert(Protection::Admin);
    }
    let claimed = [room_admin, collaborator, visitor];
    let below = claimed.into_iter().filter(|&claims| claims).count();
    let known = if owner || admin {
        !collaborator && !visitor
    } else {
        below == 1
    };
    let missing = flags.contains(&None) || flag(item, "isLDAP").is_none();
    let anonymous = flag(item, "isAnonim") == Some(true);
    if !known || missing || anonymous {
        protected.insert(Protection::UnknownRole);
    }
    let kind = if visitor {
        AccountKind::Guest
    } else {
        AccountKind::Human
    };
    (kind, protected)
}

/// An id in the form in which ids are compared: letters, digits and hyphens, in lower case.
pub(super) fn id(item: &Value, field: &str) -> Option<String> {
    let text = item.get(field)?.as_str()?;
    valid_id(text).then(|| text.to_ascii_lowercase())
}

/// Whether a text can be an id: one that cannot is never put into an address.
pub(super) fn valid_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// A non-negative integer.
pub(super) fn unsigned(item: &Value, field: &str) -> Option<u64> {
    item.get(field)?.as_u64()
}

fn flag(item: &Value, field: &str) -> Option<bool> {
    item.get(field)?.as_bool()
}

/// A text; absent, null and empty are the same (the server leaves nulls out).
fn text<'a>(item: &'a Value, field: &str) -> Result<Option<&'a str>, Fault> {
    match item.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Fault::Unreadable(field.to_owned())),
    }
}

/// Undoes the HTML encoding that the server puts on display names; what is no entity stays.
pub(super) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let entity = after
            .split_once(';')
            .and_then(|(name, tail)| Some((entity(name)?, tail)));
        match entity {
            Some((c, tail)) => {
                out.push(c);
                rest = tail;
            }
            None => {
                out.push('&');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => return Some('&'),
        "lt" => return Some('<'),
        "gt" => return Some('>'),
        "quot" => return Some('"'),
        "apos" => return Some('\''),
        "nbsp" => return Some('\u{a0}'),
        _ => {}
    }
    let number = name.strip_prefix('#')?;
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) if digits(hex) => u32::from_str_radix(hex, 16).ok()?,
        None if digits(number) => number.parse().ok()?,
        _ => return None,
    };
    char::from_u32(code)
}
