//! What a service provider holds: its users, in the order in which they are listed.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::sandbox::population::Prng;

/// One user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// The id; empty lets the provider choose one.
    #[serde(default)]
    pub id: String,
    /// The name to sign in with, the same whatever its case.
    pub user_name: String,
    /// The id that the provisioning side gave.
    #[serde(default)]
    pub external_id: Option<String>,
    /// The given name.
    #[serde(default)]
    pub given_name: String,
    /// The family name.
    #[serde(default)]
    pub family_name: String,
    /// The mail address.
    #[serde(default)]
    pub email: Option<String>,
    /// Whether the user may sign in.
    #[serde(default = "yes")]
    pub active: bool,
    /// Whether the user administers the tenant.
    #[serde(default)]
    pub admin: bool,
    /// Employee, Contractor and so on.
    #[serde(default)]
    pub user_type: Option<String>,
    /// The number in the staff register.
    #[serde(default)]
    pub employee_number: Option<String>,
    /// The manager's id.
    #[serde(default)]
    pub manager: Option<String>,
    /// The last login.
    #[serde(default)]
    pub last_login: Option<DateTime<Utc>>,
    /// When the user was made.
    pub created: DateTime<Utc>,
    /// When the user was last changed; a login is no change.
    pub modified: DateTime<Utc>,
    /// Counts the changes.
    #[serde(default = "first")]
    pub version: u64,
    /// Deleted for every reader, with the name still taken.
    #[serde(default)]
    pub hidden: bool,
    /// Attributes that the sandbox keeps and does not know.
    #[serde(default)]
    pub extra: Map<String, Value>,
}

fn yes() -> bool {
    true
}

fn first() -> u64 {
    1
}

impl User {
    /// Makes an ordinary user; the provider chooses the id.
    pub fn new(user_name: &str, created: DateTime<Utc>) -> Self {
        Self {
            id: String::new(),
            user_name: user_name.to_owned(),
            external_id: None,
            given_name: String::new(),
            family_name: String::new(),
            email: None,
            active: true,
            admin: false,
            user_type: None,
            employee_number: None,
            manager: None,
            last_login: None,
            created,
            modified: created,
            version: 1,
            hidden: false,
            extra: Map::new(),
        }
    }

    /// Returns the entity tag of this version.
    pub(crate) fn tag(&self) -> String {
        format!("W/\"{}\"", self.version)
    }
}

/// A place in a list that a client can come back to.
#[derive(Clone, Debug)]
pub(crate) struct Cursor {
    pub(crate) ids: Arc<Vec<String>>,
    pub(crate) at: usize,
    /// The query, without its cursor and its count.
    pub(crate) query: String,
    pub(crate) ends: DateTime<Utc>,
}

/// How many cursors are kept.
const CURSORS: usize = 4096;

/// The whole state of a tenant.
#[derive(Debug)]
pub(crate) struct World {
    users: BTreeMap<String, User>,
    /// The ids in the order of a list.
    order: BTreeMap<u64, String>,
    ranks: BTreeMap<String, u64>,
    next_rank: u64,
    pub(crate) removed: Vec<User>,
    cursors: BTreeMap<String, Cursor>,
    random: Prng,
    /// The newest listing by its filter; emptied whenever something changes.
    pub(crate) listing: Option<(String, Arc<Vec<String>>)>,
}

impl World {
    /// Makes an empty tenant.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            users: BTreeMap::new(),
            order: BTreeMap::new(),
            ranks: BTreeMap::new(),
            next_rank: 0,
            removed: Vec::new(),
            cursors: BTreeMap::new(),
            random: Prng::new(seed ^ 0x5C1A_20FF),
            listing: None,
        }
    }

    /// Returns a text of unreserved characters that nobody can guess.
    pub(crate) fn secret(&mut self) -> String {
        self.random.uuid().simple().to_string()
    }

    /// Adds a user, or takes the place of the one with the same id, at the end of the list if so
    /// wanted; returns the id.
    pub(crate) fn put(&mut self, mut user: User, last: bool) -> String {
        self.listing = None;
        if user.id.is_empty() {
            user.id = self.random.uuid().to_string();
        }
        let id = user.id.clone();
        let old = self.ranks.get(&id).copied();
        if old.is_none() || last {
            if let Some(old) = old {
                self.order.remove(&old);
            }
            self.next_rank += 1;
            self.ranks.insert(id.clone(), self.next_rank);
            self.order.insert(self.next_rank, id.clone());
        }
        self.users.insert(id.clone(), user);
        id
    }

    /// Returns a user, also a hidden one.
    pub(crate) fn user(&self, id: &str) -> Option<&User> {
        self.users.get(id)
    }

    /// Returns the user with a name, also a hidden one.
    pub(crate) fn by_name(&self, user_name: &str) -> Option<&User> {
        let wanted = user_name.to_lowercase();
        let mut users = self.users.values();
        users.find(|user| user.user_name.to_lowercase() == wanted)
    }

    /// Returns the users in the order of a list, the hidden ones too.
    pub(crate) fn users(&self) -> impl Iterator<Item = &User> {
        self.order.values().filter_map(|id| self.users.get(id))
    }

    /// Takes a user out for good; false if there is none.
    pub(crate) fn remove(&mut self, id: &str) -> bool {
        self.listing = None;
        if let Some(rank) = self.ranks.remove(id) {
            self.order.remove(&rank);
        }
        match self.users.remove(id) {
            Some(user) => {
                self.removed.push(user);
                true
            }
            None => false,
        }
    }

    /// Keeps a place in a list and returns its name.
    pub(crate) fn keep(&mut self, cursor: Cursor) -> String {
        if self.cursors.len() >= CURSORS {
            self.cursors.clear();
        }
        let name = self.secret();
        self.cursors.insert(name.clone(), cursor);
        name
    }

    /// Returns a place by its name and forgets it if so wanted.
    pub(crate) fn place(&mut self, name: &str, forget: bool) -> Option<Cursor> {
        if forget {
            return self.cursors.remove(name);
        }
        self.cursors.get(name).cloned()
    }
}
