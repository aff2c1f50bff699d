//! What a Huwise answer says about users, permissions and groups: pure functions over JSON.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value;

use crate::domain::account::AccountFacts;
use crate::domain::account::AccountKind;
use crate::domain::account::AccountRecord;
use crate::domain::account::AccountState;
use crate::domain::account::Protection;
use crate::domain::account::Signal;
use crate::domain::time::Time;
use crate::provider::huwise::keys::Keys;
use crate::provider::json;
use crate::provider::listing::Fault;
use crate::provider::reusable;

/// The permission with which a domain is administered, users and groups included.
pub(super) const ADMINISTERS: &str = "edit_domain";

/// Permissions with which somebody changes what a domain shows or offers.
const EDITS: &[&str] = &[
    ADMINISTERS,
    "create_page",
    "edit_page",
    "manage_page",
    "create_dataset",
    "edit_dataset",
    "publish_dataset",
    "manage_dataset",
    "edit_reuse",
    "manage_subdomains",
    "edit_theme",
    "edit_form",
];

/// Permissions with which somebody only looks, or fills in a form.
const READS: &[&str] = &[
    "explore_restricted_page",
    "explore_restricted_dataset",
    "explore_monitoring",
    "submit_private_form",
];

/// What a list of permissions comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Rights {
    /// It has one with which something is changed or administered.
    pub(super) edits: bool,
    /// It is not there, is no list, or names something that the specification does not.
    pub(super) unclear: bool,
}

impl Rights {
    fn and(self, other: Self) -> Self {
        Self {
            edits: self.edits || other.edits,
            unclear: self.unclear || other.unclear,
        }
    }

    const UNCLEAR: Self = Self {
        edits: false,
        unclear: true,
    };
}

/// Reads `permissions`. Nothing there may be anything, also an administrator's.
pub(super) fn rights(list: Option<&Value>) -> Rights {
    let Some(list) = list.and_then(Value::as_array) else {
        return Rights::UNCLEAR;
    };
    let one = |name: &Value| match name.as_str() {
        Some(name) if EDITS.contains(&name) => Rights {
            edits: true,
            unclear: false,
        },
        Some(name) if READS.contains(&name) => Rights::default(),
        _ => Rights::UNCLEAR,
    };
    list.iter().map(one).fold(Rights::default(), Rights::and)
}

/// Reads one group as `uid` and what it gives its members.
pub(super) fn group(item: &Value) -> Result<(String, Rights), Fault> {
    let uid = json::id(item, "uid")
        .ok_or_else(|| Fault::NotWhole("read.without-key", "a group has no uid".to_owned()))?;
    Ok((uid, rights(item.get("permissions"))))
}

/// Somebody who administers the domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Admin {
    /// Whether they can, and go on so: they may connect, their rights have no end, and they are
    /// not the vendor's.
    pub(super) counts: bool,
}

/// Reads one administrator as username and the rest.
pub(super) fn admin(item: &Value) -> Result<(String, Admin), Fault> {
    let lasting = item.get("expires_at").is_some_and(Value::is_null);
    let own = flag(item, "is_ods") == Some(false);
    let counts = flag(item, "is_active") == Some(true) && lasting && own;
    Ok((username(item)?, Admin { counts }))
}

/// What stands elsewhere and says whom nobody may touch.
#[derive(Debug, Clone, Default)]
pub(super) struct Guards {
    /// What each group gives its members; empty where a user comes with its groups.
    pub(super) groups: BTreeMap<String, Rights>,
    /// Who administers the domain, directly or by a group, in the tenant's own word.
    pub(super) admins: BTreeMap<String, Admin>,
    /// The API keys.
    pub(super) keys: Keys,
    /// Whether somebody has named the accounts that programs use, so that the keys need not show
    /// them.
    pub(super) machines_named: bool,
}

impl Guards {
    /// Whether nobody else administers the domain.
    fn is_last_admin(&self, username: &str) -> bool {
        let mut others = self.admins.iter().filter(|(name, _)| *name != username);
        self.admins.contains_key(username) && !others.any(|(_, admin)| admin.counts)
    }

    /// Whether an account may hold a key that cannot be seen; whoever was never here made none.
    fn hide_keys_of(&self, state: AccountState) -> bool {
        let known = self.machines_named || self.keys.show_everybody();
        !known && state != AccountState::Invited
    }
}

/// The username, which is the key in every path.
pub(super) fn username(item: &Value) -> Result<String, Fault> {
    match item.get("username").and_then(Value::as_str) {
        Some(name) if !name.trim().is_empty() => Ok(name.to_owned()),
        _ => {
            let detail = "an account has no usable username".to_owned();
            Err(Fault::NotWhole("read.without-key", detail))
        }
    }
}

/// The id of an account: a username can be given to somebody else, the date of joining cannot.
pub(super) fn id(item: &Value) -> Result<String, Fault> {
    Ok(reusable::join(&username(item)?, joined_at(item)?))
}

/// One user.
pub(super) fn record(item: &Value, guards: &Guards) -> Result<AccountRecord, Fault> {
    let login = Moment::read(item, "last_login_at")?;
    let seen = Moment::read(item, "last_seen_at")?;
    let state = state(item, login, seen);
    Ok(AccountRecord {
        live_keys: None,
        id: id(item)?,
        email: json::text(item, "email")?.map(str::to_owned),
        name: name(item)?,
        external_id: None,
        employee_number: None,
        facts: AccountFacts {
            live_keys: 0,
            no_heir: false,
            future: BTreeSet::new(),
            state,
            kind: AccountKind::Human,
            protected: protected(item, guards, state)?,
            managed_by: None,
            created_at: joined_at(item)?,
            // nothing says that an address was verified; whoever was here has followed the
            // invitation that went to it
            address_verified: login.at().is_some() || seen.at().is_some(),
            hidden: hidden(login, seen),
        },
        seen: [(Signal::Login, login), (Signal::Seen, seen)]
            .into_iter()
            .filter_map(|(signal, moment)| Some((signal, moment.at()?)))
            .collect(),
    })
}

/// What a field with a moment says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// The field is not there: it says nothing.
    Hidden,
    /// The tenant's word for "never": null.
    Never,
    /// The moment.
    At(Time),
}

impl Moment {
    /// Something unreadable, empty or before 1970 is an error: it must not pass for "never".
    fn read(item: &Value, field: &str) -> Result<Self, Fault> {
        match item.get(field) {
            None => Ok(Self::Hidden),
            Some(Value::Null) => Ok(Self::Never),
            Some(value) => {
                let time = value.as_str().and_then(Time::parse);
                time.filter(|time| *time > Time::from_seconds(0))
                    .map(Self::At)
                    .ok_or_else(|| Fault::Unreadable(field.to_owned()))
            }
        }
    }

    const fn at(self) -> Option<Time> {
        match self {
            Self::At(time) => Some(time),
            Self::Hidden | Self::Never => None,
        }
    }
}

/// Never logged in and never seen is an invitation that nobody took up, whether or not it can
/// connect yet; where only one of the two is shown, it may be anything.
fn state(item: &Value, login: Moment, seen: Moment) -> AccountState {
    if (login, seen) == (Moment::Never, Moment::Never) {
        AccountState::Invited
    } else if flag(item, "is_active") == Some(false) {
        AccountState::Disabled
    } else {
        AccountState::Active
    }
}

/// Decisions look at logins, whose silence rests here on both fields.
fn hidden(login: Moment, seen: Moment) -> BTreeSet<Signal> {
    let mut hidden = BTreeSet::new();
    if login == Moment::Hidden || seen == Moment::Hidden {
        hidden.insert(Signal::Login);
    }
    if seen == Moment::Hidden {
        hidden.insert(Signal::Seen);
    }
    hidden
}

fn protected(
    item: &Value,
    guards: &Guards,
    state: AccountState,
) -> Result<BTreeSet<Protection>, Fault> {
    let username = username(item)?;
    let rights = rights(item.get("permissions")).and(by_groups(item, &guards.groups));
    let ods = flag(item, "is_ods");
    let facts = [
        (
            rights.edits || guards.admins.contains_key(&username),
            Protection::Admin,
        ),
        (guards.is_last_admin(&username), Protection::LastAdmin),
        (
            rights.unclear || ods.is_none() || flag(item, "is_active").is_none(),
            Protection::UnknownRole,
        ),
        (ods == Some(true), Protection::Staff),
        (
            guards.keys.own.as_ref() == Some(&username),
            Protection::OwnCredential,
        ),
        (
            guards.keys.holders.contains(&username),
            Protection::KeyOwner,
        ),
        (guards.hide_keys_of(state), Protection::KeysUnseen),
        (joined_at(item)?.is_none(), Protection::UnclearIdentity),
    ];
    let holds = facts.into_iter().filter(|(holds, _)| *holds);
    Ok(holds.map(|(_, protection)| protection).collect())
}

/// What a user's groups give: a user read alone brings them with their permissions, one of a list
/// only names them.
fn by_groups(item: &Value, known: &BTreeMap<String, Rights>) -> Rights {
    let Some(groups) = item.get("groups").and_then(Value::as_array) else {
        return Rights::UNCLEAR;
    };
    let one = |group: &Value| {
        if group.get("permissions").is_some() {
            return rights(group.get("permissions"));
        }
        let uid = json::id(group, "uid");
        uid.and_then(|uid| known.get(&uid).copied())
            .unwrap_or(Rights::UNCLEAR)
    };
    groups.iter().map(one).fold(Rights::default(), Rights::and)
}

fn joined_at(item: &Value) -> Result<Option<Time>, Fault> {
    let time = json::time(item, "joined_at")?;
    Ok(time.filter(|time| *time > Time::from_seconds(0)))
}

/// First and last name, or what the tenant shows where there are none.
fn name(item: &Value) -> Result<Option<String>, Fault> {
    let parts = [
        json::text(item, "first_name")?,
        json::text(item, "last_name")?,
    ];
    let full: Vec<&str> = parts.into_iter().flatten().collect();
    if full.is_empty() {
        return Ok(json::text(item, "display_name")?.map(str::to_owned));
    }
    Ok(Some(full.join(" ")))
}

fn flag(item: &Value, field: &str) -> Option<bool> {
    item.get(field)?.as_bool()
}
