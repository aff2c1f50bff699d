//! What ProjectPlace says about people: pure functions over JSON.
//!
//! One path has two lists of different shape: (a) the search (`POST`), with the last login and
//! without the owner, and (b) the members (`GET`), with the address. Each person is joined by the
//! id as text, which (a) calls `userid` and (b) `id`, and which is an integer or a text.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value;

use crate::domain::account::AccountFacts;
use crate::domain::account::AccountKind;
use crate::domain::account::AccountRecord;
use crate::domain::account::AccountState;
use crate::domain::account::Protection;
use crate::domain::account::Signal;
use crate::domain::id::Email;
use crate::domain::time::Time;
use crate::provider::json;
use crate::provider::listing::Fault;

/// A last login before this moment, in milliseconds, is none: ProjectPlace is not that old, and
/// seconds that are taken for milliseconds lie in January 1970.
const EARLIEST_MS: u64 = 883_612_800_000;

/// A last login after this moment, in milliseconds (the year 2100), is none.
const LATEST_MS: u64 = 4_102_444_800_000;

/// The role that a list gives to somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Owns the account.
    Owner,
    /// One of at most five co-owners.
    CoOwner,
    /// Administers the account.
    Admin,
    /// A member.
    Member,
    /// An external member: can be removed and not deleted.
    External,
    /// Invited, not registered yet; the names of these roles are not published.
    Pending,
    /// A robot, where one shows.
    Robot,
    /// Anything else.
    Unknown,
}

impl Role {
    fn of(text: Option<&str>) -> Self {
        match text {
            Some("account_role_owner") => Role::Owner,
            Some("account_role_co_owner") => Role::CoOwner,
            Some("account_role_admin") => Role::Admin,
            Some("account_role_member") => Role::Member,
            Some("account_role_external") => Role::External,
            Some(other) if other.contains("pending") || other.contains("unregistered") => {
                Role::Pending
            }
            Some(other) if other.contains("robot") => Role::Robot,
            _ => Role::Unknown,
        }
    }

    /// Whether the search is known to leave such people out, or may.
    fn may_be_unsearched(self) -> bool {
        !matches!(
            self,
            Role::CoOwner | Role::Admin | Role::Member | Role::External
        )
    }

    /// Whether the list of members is not known to have such people.
    fn may_be_no_member(self) -> bool {
        !matches!(
            self,
            Role::Owner | Role::CoOwner | Role::Admin | Role::Member
        )
    }

    /// Whether head-administrator roles can be handed to somebody with it.
    pub(super) fn can_take_over(self) -> bool {
        matches!(
            self,
            Role::Owner | Role::CoOwner | Role::Admin | Role::Member
        )
    }
}

/// One row of one of the two lists.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    /// The id as text.
    pub(super) id: String,
    /// The id in the type in which it came.
    pub(super) sent_id: Value,
    /// The role.
    pub(super) role: Role,
    /// The address.
    pub(super) email: Option<String>,
    /// The name to show.
    pub(super) name: Option<String>,
    /// The last login, where one is shown.
    pub(super) last_login: Option<Time>,
    /// The row as it came.
    pub(super) raw: Value,
}

impl Row {
    /// Reads a row; `keys` are the fields that can hold the id, the right one first.
    pub(super) fn read(item: &Value, keys: [&str; 2]) -> Result<Self, Fault> {
        if !item.is_object() {
            return Err(Fault::Unreadable("a person is not an object".to_owned()));
        }
        let key = keys.into_iter().find(|key| item.get(*key).is_some());
        let sent_id = key.and_then(|key| item.get(key));
        let id = key
            .and_then(|key| json::id(item, key))
            .filter(|id| valid_id(id));
        let (Some(id), Some(sent_id)) = (id, sent_id) else {
            let detail = "somebody has no usable id".to_owned();
            return Err(Fault::NotWhole("read.without-key", detail));
        };
        let role = match Role::of(json::text(item, "account_role")?) {
            Role::Unknown if is_robot(item) => Role::Robot,
            role => role,
        };
        Ok(Self {
            id,
            sent_id: sent_id.clone(),
            role,
            email: json::text(item, "email")?.map(str::to_owned),
            name: json::text(item, "name")?.map(str::to_owned),
            last_login: last_login(item)?,
            raw: item.clone(),
        })
    }
}

/// Reads a whole list: a bare array, whatever its length.
pub(super) fn rows(body: &Value, keys: [&str; 2]) -> Result<Vec<Row>, Fault> {
    let items = json::list(body, "")?;
    items.iter().map(|item| Row::read(item, keys)).collect()
}

/// Whether a row says itself that it is a robot; nothing published says how, or whether it does.
fn is_robot(item: &Value) -> bool {
    let says = ["robot", "is_robot"]
        .iter()
        .any(|name| item.get(name) == Some(&Value::Bool(true)));
    says || item.get("type").and_then(Value::as_str) == Some("robot")
}

/// Whether a text can be an id: one that cannot is never put into an address.
pub(super) fn valid_id(text: &str) -> bool {
    let sound = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    (1..=64).contains(&text.len()) && text.bytes().all(sound)
}

/// Milliseconds since 1970, as a number or a text. Absent, null, blank, 0 and what lies outside
/// the life of the service are "not shown"; any other type is an error. None of them is "never".
fn last_login(item: &Value) -> Result<Option<Time>, Fault> {
    let unreadable = || Fault::Unreadable("last_login".to_owned());
    let millis = match item.get("last_login") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => return Ok(None),
        Some(Value::Number(number)) if number.is_f64() => number
            .as_f64()
            .filter(|n| n.is_finite() && *n >= 0.0)
            .and_then(|n| format!("{n:.0}").parse().ok())
            .ok_or_else(unreadable)?,
        Some(_) => json::unsigned(item, "last_login").ok_or_else(unreadable)?,
    };
    let sound = (EARLIEST_MS..LATEST_MS).contains(&millis);
    let micros = i64::try_from(millis).ok().and_then(|m| m.checked_mul(1000));
    Ok(micros.filter(|_| sound).map(Time::from_micros))
}

/// One person, as the two lists have them.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Person {
    /// The row of the search.
    pub(super) searched: Option<Row>,
    /// The row of the list of members.
    pub(super) member: Option<Row>,
    /// The address from elsewhere, where neither has it.
    pub(super) email: Option<String>,
    /// Whether the account names them among its managers.
    pub(super) manages: bool,
}

impl Person {
    fn rows(&self) -> impl Iterator<Item = &Row> {
        self.member.iter().chain(self.searched.iter())
    }

    /// The address.
    pub(super) fn email(&self) -> Option<&str> {
        let shown = self.rows().find_map(|row| row.email.as_deref());
        shown.or(self.email.as_deref())
    }

    /// The role, if the lists do not contradict each other.
    pub(super) fn role(&self) -> Role {
        let mut roles = self.rows().map(|row| row.role);
        let first = roles.next().unwrap_or(Role::Unknown);
        if roles.all(|role| role == first) {
            first
        } else {
            Role::Unknown
        }
    }

    /// Whether it is explained why they stand in one list only, where they do.
    fn is_explained(&self) -> bool {
        match (&self.searched, &self.member) {
            (Some(row), None) => row.role.may_be_no_member(),
            (None, Some(row)) => row.role.may_be_unsearched(),
            _ => true,
        }
    }

    /// The rows as they came, for the before-image.
    pub(super) fn raw(&self) -> Value {
        let raw = |row: &Option<Row>| row.as_ref().map(|row| row.raw.clone());
        serde_json::json!({
            "search": raw(&self.searched),
            "member": raw(&self.member),
            "manages": self.manages,
        })
    }

    /// What decisions rest on.
    pub(super) fn record(&self, id: &str) -> AccountRecord {
        let role = self.role();
        let newest = self.rows().filter_map(|row| row.last_login).max();
        let seen: BTreeMap<_, _> = newest.map(|at| (Signal::Login, at)).into_iter().collect();
        let external = self.rows().any(|row| row.role == Role::External);
        let invited = self.rows().any(|row| row.role == Role::Pending);
        let kind = match role {
            Role::Robot => AccountKind::Service,
            _ if external => AccountKind::Guest,
            _ => AccountKind::Human,
        };
        AccountRecord {
            live_keys: None,
            id: id.to_owned(),
            email: self.email().map(str::to_owned),
            name: self.rows().find_map(|row| row.name.clone()),
            external_id: None,
            employee_number: None,
            facts: AccountFacts {
                live_keys: 0,
                no_heir: false,
                future: BTreeSet::new(),
                state: match invited {
                    true => AccountState::Invited,
                    false => AccountState::Active,
                },
                kind,
                protected: self.protected(role),
                managed_by: None,
                created_at: None,
                address_verified: role.can_take_over() || role == Role::External,
                hidden: match seen.is_empty() {
                    true => BTreeSet::from([Signal::Login]),
                    false => BTreeSet::new(),
                },
            },
            seen,
        }
    }

    /// Why nobody may touch them. Whoever shows no address cannot be held against the lists of
    /// those who are never touched, so that they are not touched either.
    fn protected(&self, role: Role) -> BTreeSet<Protection> {
        let mut protected = BTreeSet::new();
        for row in self.rows() {
            match row.role {
                Role::Owner | Role::CoOwner => protected.insert(Protection::Owner),
                Role::Admin => protected.insert(Protection::Admin),
                Role::Robot => protected.insert(Protection::Service),
                Role::Pending | Role::Unknown => protected.insert(Protection::UnknownRole),
                Role::Member | Role::External => false,
            };
        }
        if self.manages {
            protected.insert(Protection::Admin);
        }
        let address = self.email().and_then(Email::parse);
        if role == Role::Unknown || address.is_none() {
            protected.insert(Protection::UnknownRole);
        }
        protected
    }
}

/// Everybody, by id.
pub(super) type Everybody = BTreeMap<String, Person>;

/// Joins the two lists by the id as text, and demands that each has everybody whom it should have:
/// neither names a total, so that only the other one shows what is missing.
pub(super) fn join(searched: Vec<Row>, members: Vec<Row>) -> Result<Everybody, Fault> {
    let mut everybody = Everybody::new();
    for row in searched {
        let person = everybody.entry(row.id.clone()).or_default();
        put(&mut person.searched, row)?;
    }
    for row in members {
        let person = everybody.entry(row.id.clone()).or_default();
        put(&mut person.member, row)?;
    }
    if everybody.is_empty() {
        let detail = "nobody is listed, not even the owner".to_owned();
        return Err(Fault::NotWhole("read.empty", detail));
    }
    let missing = everybody.values().filter(|p| !p.is_explained()).count();
    if missing > 0 {
        let detail = format!("{missing} stand in one of the two lists of people only");
        return Err(Fault::NotWhole("read.short", detail));
    }
    Ok(everybody)
}

/// Puts a row in its place. Rows shift while pages are taken, so one can come twice: it must say
/// the same, but for a login meanwhile.
fn put(place: &mut Option<Row>, row: Row) -> Result<(), Fault> {
    let Some(old) = place else {
        *place = Some(row);
        return Ok(());
    };
    if old.role != row.role || old.email != row.email {
        let detail = "somebody changed while the lists were read".to_owned();
        return Err(Fault::NotWhole("read.moved", detail));
    }
    if row.last_login > old.last_login {
        *old = row;
    }
    Ok(())
}

/// The ids of those whom `1/account` names as managers.
pub(super) fn managers(body: &Value) -> Result<BTreeSet<String>, Fault> {
    let list = json::list(body, "managers")?;
    let id = |item: &Value| {
        json::id(item, "id").ok_or_else(|| Fault::Unreadable("id of a manager".to_owned()))
    };
    list.iter().map(id).collect()
}

/// The addresses by id in the answer of `1/account/members`.
pub(super) fn addresses(body: &Value) -> BTreeMap<String, String> {
    let lists = ["members", "external"].into_iter();
    let items = lists
        .filter_map(|name| body.get(name)?.as_array())
        .flatten();
    items
        .filter_map(|item| {
            let address = json::text(item, "email").ok()??;
            Some((json::id(item, "id")?, address.to_owned()))
        })
        .collect()
}
