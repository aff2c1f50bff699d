//! What an answer says about people: pure functions over JSON.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value;

use crate::domain::account::AccountFacts;
use crate::domain::account::AccountKind;
use crate::domain::account::AccountRecord;
use crate::domain::account::AccountState;
use crate::domain::account::Protection;
use crate::domain::account::Signal;
use crate::provider::json::flag;
use crate::provider::json::id;
use crate::provider::json::list;
use crate::provider::json::text;
use crate::provider::json::time;
use crate::provider::json::unsigned;
use crate::provider::listing::Fault;
use crate::provider::listing::Listing;

/// How many people a page is asked for; the next number where a server refuses one (400). The vendor
/// names no maximum; a server that gives fewer than it is asked for is asked on.
pub(super) const PAGES: [u64; 3] = [500, 100, USUAL_PAGE];

/// How many rows come where nothing is asked.
pub(super) const USUAL_PAGE: u64 = 25;

/// What comes after a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The page that begins after so many rows.
    More(u64),
    /// The list is whole.
    Done,
}

/// A list of people as it comes in.
///
/// It is whole when as many different people have come as it names, if what it names is the number
/// of all: `count` could also be the number of rows on the page, which shows only where the two
/// differ. Where that is open, or nothing is named, only an empty page is the end; a short page
/// may come from a server that gives fewer than it is asked for.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// The people so far.
    pub(super) listing: Listing,
    count: Count,
}

/// What `count` was found to be.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Count {
    /// No page has come.
    #[default]
    Unread,
    /// It is not there.
    Absent,
    /// The rows of the first page, which may be all.
    Either(u64),
    /// The rows of each page.
    OfPage,
    /// All.
    Total,
}

impl Walk {
    /// Takes one answer to a list of people.
    pub(super) fn take(&mut self, body: &Value) -> Result<Next, Fault> {
        let items = list(body, "data")?;
        let rows = u64::try_from(items.len()).unwrap_or(u64::MAX);
        let stated = match body.get("count") {
            None | Some(Value::Null) => None,
            Some(_) => {
                Some(unsigned(body, "count").ok_or_else(|| Fault::Unreadable("count".to_owned()))?)
            }
        };
        let before = self.listing.distinct();
        let page: Result<Vec<_>, _> = items.iter().map(record).collect();
        self.listing.take(page?)?;
        self.read_count(rows, stated)?;
        if rows > 0 && self.listing.distinct() == before {
            let detail = "a page had only people who had come before".to_owned();
            return Err(Fault::NotWhole("read.paging-ignored", detail));
        }
        let reached = self
            .listing
            .total()
            .is_some_and(|total| self.listing.received >= total);
        if rows > 0 && !(self.count == Count::Total && reached) {
            return Ok(Next::More(self.listing.received));
        }
        self.listing.whole()?;
        Ok(Next::Done)
    }

    fn read_count(&mut self, rows: u64, stated: Option<u64>) -> Result<(), Fault> {
        let moved = || {
            let detail = "the number of people changed while they were read".to_owned();
            Err(Fault::NotWhole("read.moved", detail))
        };
        self.count = match (self.count, stated) {
            (Count::Unread, None) => Count::Absent,
            (Count::Unread, Some(n)) if n == rows => Count::Either(n),
            (Count::Unread, Some(n)) if n > rows => {
                self.listing.state_total(n)?;
                Count::Total
            }
            (Count::Either(first), Some(n)) if rows == 0 && n == first => {
                self.listing.state_total(first)?;
                Count::Total
            }
            (Count::Either(_), Some(n)) if n == rows => Count::OfPage,
            (Count::OfPage, Some(n)) if n == rows => Count::OfPage,
            (Count::Total, Some(n)) => {
                self.listing.state_total(n)?;
                Count::Total
            }
            (Count::Absent, None) => Count::Absent,
            // an end that names nothing contradicts nothing
            (count @ (Count::Either(_) | Count::OfPage | Count::Total), None) if rows == 0 => count,
            _ => return moved(),
        };
        Ok(())
    }
}

/// One person of a list. Who is protected stands elsewhere ([`Admins`]): `isAdmin` is set on the
/// caller's own row only.
pub(super) fn record(item: &Value) -> Result<AccountRecord, Fault> {
    if !item.is_object() {
        return Err(Fault::Unreadable("a person is not an object".to_owned()));
    }
    let id = person_id(item)?;
    let (state, known) = state(item)?;
    let login = time(item, "lastLoginTime")?;
    let mut protected = BTreeSet::new();
    if !known {
        protected.insert(Protection::UnknownRole);
    }
    // nothing says that null or a missing field means "never": it can mean "not permitted"
    let hidden = login.is_none().then_some(Signal::Login);
    Ok(AccountRecord {
        live_keys: None,
        id,
        email: text(item, "email")?.map(str::to_owned),
        name: text(item, "name")?.map(str::to_owned),
        external_id: None,
        employee_number: None,
        seen: login.map(|at| (Signal::Login, at)).into_iter().collect(),
        facts: AccountFacts {
            live_keys: 0,
            no_heir: false,
            future: BTreeSet::new(),
            state,
            kind: AccountKind::Human,
            protected,
            managed_by: None,
            created_at: time(item, "createdAt")?,
            address_verified: state != AccountState::Invited,
            hidden: hidden.into_iter().collect(),
        },
    })
}

/// The id of a person.
pub(super) fn person_id(item: &Value) -> Result<String, Fault> {
    id(item, "id").filter(|id| valid_id(id)).ok_or_else(|| {
        Fault::NotWhole("read.without-key", "an account has no usable id".to_owned())
    })
}

/// Whether a text can be an id: one that cannot is never put into an address.
pub(super) fn valid_id(text: &str) -> bool {
    let sound = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    (1..=64).contains(&text.len()) && text.bytes().all(sound) && text != "current"
}

/// A person who comes alone: the object itself, or under `data`.
pub(super) fn alone(body: &Value) -> Result<&Value, Fault> {
    let inner = body.get("data").filter(|d| d.is_object());
    let item = inner.unwrap_or(body);
    match item.is_object() {
        true => Ok(item),
        false => Err(Fault::Unreadable("a person is not an object".to_owned())),
    }
}

/// Whether the person can sign in, and whether that is certain.
///
/// `isDisabled`, `state` (active, hidden) and `status` (whose values the vendor does not publish)
/// say it; whichever allows the least counts. A word that is not known leaves an account that
/// nothing calls disabled as active, and protected.
fn state(item: &Value) -> Result<(AccountState, bool), Fault> {
    let disabled = flag(item, "isDisabled")?;
    let words = [text(item, "state")?, text(item, "status")?];
    if disabled.is_none() && words == [None, None] {
        let detail = "people come without their state: the token may not see it".to_owned();
        return Err(Fault::NotWhole("read.rights", detail));
    }
    let read = |word: &str| match word.trim().to_ascii_lowercase().as_str() {
        "active" | "enabled" => Some(AccountState::Active),
        "hidden" | "suspended" | "disabled" | "inactive" => Some(AccountState::Disabled),
        "invited" | "new" | "pending" => Some(AccountState::Invited),
        _ => None,
    };
    let words: Vec<_> = words.into_iter().flatten().map(read).collect();
    let says = |state| words.contains(&Some(state));
    Ok(if disabled == Some(true) || says(AccountState::Disabled) {
        (AccountState::Disabled, true)
    } else if words.contains(&None) {
        (AccountState::Active, false)
    } else if says(AccountState::Invited) {
        (AccountState::Invited, true)
    } else {
        (AccountState::Active, true)
    })
}

/// The administrators of the workspace: id, and whether they can sign in as far as is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Admins(BTreeMap<String, bool>);

impl Admins {
    /// Reads one answer. The list has no pages that anybody documents: one that says that there are
    /// more, or has as many rows as an unheeded limit gives, is not whole.
    pub(super) fn read(body: &Value) -> Result<Self, Fault> {
        let items = list(body, "data")?;
        let rows = u64::try_from(items.len()).unwrap_or(u64::MAX);
        match unsigned(body, "count") {
            Some(count) if count > rows => {
                let detail = format!("only {rows} of {count} administrators came");
                return Err(Fault::NotWhole("read.short", detail));
            }
            None if rows == USUAL_PAGE => {
                let detail = format!("{rows} administrators came, and nothing says that it is all");
                return Err(Fault::NotWhole("read.no-total", detail));
            }
            _ => {}
        }
        let mut found = BTreeMap::new();
        for item in items {
            let disabled = flag(item, "isDisabled")?.unwrap_or(false);
            found.insert(person_id(item)?, !disabled);
        }
        Ok(Self(found))
    }

    /// Adds those of another answer; who is active in either is active.
    pub(super) fn join(&mut self, other: Self) {
        for (id, active) in other.0 {
            *self.0.entry(id).or_default() |= active;
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether somebody is one.
    pub(super) fn has(&self, id: &str) -> bool {
        self.0.contains_key(id)
    }

    /// Whether nobody else could administer the workspace.
    fn is_last(&self, id: &str) -> bool {
        let others = self.0.iter().filter(|(other, _)| other.as_str() != id);
        self.has(id) && !others.into_iter().any(|(_, active)| *active)
    }
}

/// Who administers, and who we are.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    /// The id of the token's own user.
    pub(super) own: String,
    /// The administrators.
    pub(super) admins: Admins,
}

impl Standing {
    /// Adds to a record why its account is never touched.
    pub(super) fn protect(&self, record: &mut AccountRecord) {
        let protected = &mut record.facts.protected;
        if record.id == self.own {
            protected.insert(Protection::OwnCredential);
        }
        if self.admins.has(&record.id) {
            protected.insert(Protection::Admin);
        }
        if self.admins.is_last(&record.id) {
            protected.insert(Protection::LastAdmin);
        }
    }
}
