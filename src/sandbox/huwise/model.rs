//! What a domain holds: its users, groups and API keys, and what went with whom.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::sandbox::population::Prng;

/// Every permission that there is.
pub const PERMISSIONS: [&str; 16] = [
    "edit_domain",
    "create_page",
    "edit_page",
    "manage_page",
    "explore_restricted_page",
    "create_dataset",
    "edit_dataset",
    "publish_dataset",
    "manage_dataset",
    "explore_restricted_dataset",
    "edit_reuse",
    "manage_subdomains",
    "explore_monitoring",
    "edit_theme",
    "edit_form",
    "submit_private_form",
];

/// The permission that administers users and groups.
pub const ADMIN: &str = "edit_domain";

/// Where an account belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountType {
    /// To the vendor's platform, for any number of domains.
    Global,
    /// To an identity provider.
    Linked,
    /// To this domain alone: it ends with its membership.
    Local,
}

/// One user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The key in paths; not necessarily the address.
    pub username: String,
    /// The address.
    pub email: String,
    /// The given name.
    #[serde(default)]
    pub first_name: String,
    /// The family name.
    #[serde(default)]
    pub last_name: String,
    /// Whether the user can connect.
    #[serde(default = "yes")]
    pub active: bool,
    /// Whether the user belongs to the vendor's staff.
    #[serde(default)]
    pub ods: bool,
    /// Where the account belongs.
    #[serde(default = "global")]
    pub account_type: AccountType,
    /// The permissions that were given directly.
    #[serde(default)]
    pub permissions: BTreeSet<String>,
    /// When the user joined the domain.
    pub joined: DateTime<Utc>,
    /// When the account was used for the last time.
    #[serde(default)]
    pub last_seen: Option<DateTime<Utc>>,
    /// The last login.
    #[serde(default)]
    pub last_login: Option<DateTime<Utc>>,
    /// When the user's permissions end.
    #[serde(default)]
    pub expires: Option<DateTime<Utc>>,
    /// Identity providers.
    #[serde(default)]
    pub providers: BTreeSet<String>,
}

fn yes() -> bool {
    true
}

fn global() -> AccountType {
    AccountType::Global
}

impl User {
    /// Makes an ordinary user of the domain.
    pub fn new(username: &str, email: &str, joined: DateTime<Utc>) -> Self {
        Self {
            username: username.to_owned(),
            email: email.to_owned(),
            first_name: String::new(),
            last_name: String::new(),
            active: true,
            ods: false,
            account_type: AccountType::Global,
            permissions: BTreeSet::new(),
            joined,
            last_seen: None,
            last_login: None,
            expires: None,
            providers: BTreeSet::new(),
        }
    }

    /// Adds a direct permission.
    #[must_use]
    pub fn with(mut self, permission: &str) -> Self {
        self.permissions.insert(permission.to_owned());
        self
    }
}

/// One group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The key in paths, chosen by the portal.
    pub uid: String,
    /// The title.
    pub title: String,
    /// The permissions its members inherit.
    #[serde(default)]
    pub permissions: BTreeSet<String>,
    /// Who made it.
    #[serde(default)]
    pub created_by: String,
}

/// One API key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// The key in paths; empty lets the domain choose one.
    #[serde(default)]
    pub uid: String,
    /// What its owner calls it.
    #[serde(default)]
    pub label: String,
    /// The secret; empty lets the domain choose one.
    #[serde(default)]
    pub key: String,
    /// The owner's username.
    pub owner: String,
    /// A subset of the owner's permissions; none: all of them.
    #[serde(default)]
    pub permissions: Option<BTreeSet<String>>,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// When and why it was revoked.
    #[serde(default)]
    pub revoked: Option<(DateTime<Utc>, String)>,
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKey")
            .field("uid", &self.uid)
            .field("owner", &self.owner)
            .field("revoked", &self.revoked)
            .finish_non_exhaustive()
    }
}

/// What ended with a membership, known to the sandbox alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Departed {
    /// The user as last seen in the domain.
    pub user: User,
    /// When the membership ended.
    pub at: DateTime<Utc>,
    /// The uids of the groups.
    pub groups: BTreeSet<String>,
    /// The uids of the API keys.
    pub keys: BTreeSet<String>,
}

/// The whole state of a domain.
#[derive(Debug, Default)]
pub(crate) struct World {
    users: BTreeMap<String, User>,
    /// The usernames in the order of joining: a listing's without a sort.
    order: BTreeMap<u64, String>,
    ranks: BTreeMap<String, u64>,
    next_rank: u64,
    pub(crate) groups: BTreeMap<String, Group>,
    members: BTreeMap<String, BTreeSet<String>>,
    keys: BTreeMap<String, ApiKey>,
    pub(crate) departed: Vec<Departed>,
    random: Option<Prng>,
    /// The newest listing by its query; emptied whenever something changes.
    pub(crate) listing: Option<(String, Arc<Vec<String>>)>,
}

impl World {
    /// Makes an empty domain.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: Some(Prng::new(seed ^ 0x4875_7769)),
            ..Self::default()
        }
    }

    fn uuid(&mut self) -> uuid::Uuid {
        self.random
            .as_mut()
            .map_or_else(uuid::Uuid::nil, Prng::uuid)
    }

    /// Adds a user, or takes the place of the one with the same username.
    pub(crate) fn put(&mut self, user: User) {
        self.listing = None;
        if !self.ranks.contains_key(&user.username) {
            self.next_rank += 1;
            self.ranks.insert(user.username.clone(), self.next_rank);
            self.order.insert(self.next_rank, user.username.clone());
        }
        self.users.insert(user.username.clone(), user);
    }

    /// Returns a user of the domain.
    pub(crate) fn user(&self, username: &str) -> Option<&User> {
        self.users.get(username)
    }

    /// Returns the user of the domain with an address, whatever the case.
    pub(crate) fn by_mail(&self, email: &str) -> Option<&User> {
        let mut users = self.users.values();
        users.find(|user| user.email.eq_ignore_ascii_case(email))
    }

    /// Returns the users in the order of joining.
    pub(crate) fn users(&self) -> impl Iterator<Item = &User> {
        self.order.values().filter_map(|name| self.users.get(name))
    }

    /// Returns what is left of an account whose membership has ended.
    pub(crate) fn known_before(&self, email: &str) -> Option<&Departed> {
        self.departed
            .iter()
            .rev()
            .find(|gone| gone.user.email.eq_ignore_ascii_case(email))
            .filter(|gone| gone.user.account_type != AccountType::Local)
    }

    /// Ends a membership: permissions, groups and keys go with it.
    pub(crate) fn remove(&mut self, username: &str, at: DateTime<Utc>) -> Option<&Departed> {
        let user = self.users.remove(username)?;
        self.listing = None;
        if let Some(rank) = self.ranks.remove(username) {
            self.order.remove(&rank);
        }
        let groups = self.groups_of(username);
        for members in self.members.values_mut() {
            members.remove(username);
        }
        let owned = self.keys.values().filter(|key| key.owner == username);
        let keys: BTreeSet<String> = owned.map(|key| key.uid.clone()).collect();
        self.keys.retain(|uid, _| !keys.contains(uid));
        self.departed.push(Departed {
            user,
            at,
            groups,
            keys,
        });
        self.departed.last()
    }

    /// Returns the uids of a user's groups.
    pub(crate) fn groups_of(&self, username: &str) -> BTreeSet<String> {
        let with = self.members.iter().filter(|(_, m)| m.contains(username));
        with.map(|(uid, _)| uid.clone()).collect()
    }

    /// Returns a group's members by username.
    pub(crate) fn members(&self, uid: &str) -> Option<&BTreeSet<String>> {
        self.members.get(uid)
    }

    /// Adds a group, or takes the place of the one with the same uid and keeps its members.
    pub(crate) fn put_group(&mut self, group: Group) {
        self.listing = None;
        self.members.entry(group.uid.clone()).or_default();
        self.groups.insert(group.uid.clone(), group);
    }

    /// Puts a user into a group; false if there is no such group.
    pub(crate) fn join(&mut self, uid: &str, username: &str) -> bool {
        self.listing = None;
        let members = self.members.get_mut(uid);
        members.map(|m| m.insert(username.to_owned())).is_some()
    }

    /// Takes a user out of a group; false if the user was not in it.
    pub(crate) fn leave(&mut self, uid: &str, username: &str) -> bool {
        self.listing = None;
        let members = self.members.get_mut(uid);
        members.is_some_and(|members| members.remove(username))
    }

    /// Tells whether a user holds a permission, directly or through a group.
    pub(crate) fn holds(&self, user: &User, permission: &str) -> bool {
        user.permissions.contains(permission) || {
            let mut granting = self
                .groups
                .values()
                .filter(|group| group.permissions.contains(permission));
            granting.any(|group| {
                self.members
                    .get(&group.uid)
                    .is_some_and(|m| m.contains(&user.username))
            })
        }
    }

    /// Tells whether a user is the only one left who can connect and administer the domain.
    pub(crate) fn is_last_admin(&self, username: &str, now: DateTime<Utc>) -> bool {
        let admin = |user: &&User| {
            user.active && user.expires.is_none_or(|at| at > now) && self.holds(user, ADMIN)
        };
        self.user(username).as_ref().is_some_and(admin)
            && !self
                .users
                .values()
                .any(|user| user.username != username && admin(&user))
    }

    /// Adds a key, or takes the place of the one with the same uid; returns it as it stands.
    pub(crate) fn put_key(&mut self, mut key: ApiKey) -> ApiKey {
        if key.uid.is_empty() {
            key.uid = self.uuid().to_string();
        }
        if key.key.is_empty() {
            key.key = format!("{}{}", self.uuid().simple(), self.uuid().simple());
        }
        self.keys.insert(key.uid.clone(), key.clone());
        key
    }

    /// Returns a key by its uid.
    pub(crate) fn key(&self, uid: &str) -> Option<&ApiKey> {
        self.keys.get(uid)
    }

    /// Returns the keys by uid.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &ApiKey> {
        self.keys.values()
    }

    /// Revokes a key; one that is revoked stays as it is.
    pub(crate) fn revoke(&mut self, uid: &str, reason: &str, now: DateTime<Utc>) {
        if let Some(key) = self.keys.get_mut(uid) {
            key.revoked.get_or_insert((now, reason.to_owned()));
        }
    }
}
