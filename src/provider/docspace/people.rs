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
use crate::provider::json::text;
use crate::provider::listing::Fault;
use crate::provider::listing::Listing;

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

/// What comes after a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The page that begins here.
    More(u64),
    /// The list is whole.
    Done,
}

/// Takes one answer of `people/filter` (the whole envelope, already judged to be a success).
///
/// The order by mail address has no tie-break, so people can come twice or not at all: only as
/// many different ids as the named total make the list whole.
pub(super) fn take(listing: &mut Listing, body: &Value, own: &str) -> Result<Next, Fault> {
    let items = items(body)?;
    let total = unsigned(body, "total")
        .ok_or_else(|| Fault::NotWhole("read.no-total", "no total is named".to_owned()))?;
    listing.state_total(total)?;
    let page = items.iter().map(|item| record(item, Some(own)));
    listing.take(page.collect::<Result<_, _>>()?)?;
    let got = u64::try_from(items.len()).unwrap_or(u64::MAX);
    if listing.received < total {
        if got < PAGE {
            let detail = format!("a page ended after {} of {total}", listing.received);
            return Err(Fault::NotWhole("read.short", detail));
        }
        return Ok(Next::More(listing.received));
    }
    listing.whole()?;
    Ok(Next::Done)
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
        live_keys: None,
        email: text(item, "email")?.map(str::to_owned),
        name: text(item, "displayName")?.map(unescape),
        external_id: None,
        employee_number: None,
        seen: BTreeMap::new(),
        facts: AccountFacts {
            live_keys: 0,
            no_heir: flag(item, "isCollaborator") == Some(true),
            future: BTreeSet::new(),
            state: state(item)?,
            kind,
            protected,
            managed_by: ldap.then(|| "ldap".to_owned()),
            created_at: created_at(item)?,
            address_verified: verified(item),
            hidden: BTreeSet::new(),
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

/// Whether a profile may take over what another one owns: the server gives it to administrators of
/// the tenant (its owner among them) and of rooms only.
pub(super) fn can_take_over(item: &Value) -> bool {
    let is = |name: &str| flag(item, name) == Some(true);
    let administers = is("isOwner") || is("isAdmin") || is("isRoomAdmin");
    let (_, protected) = role(item);
    administers && !is("isVisitor") && !protected.contains(&Protection::UnknownRole)
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
