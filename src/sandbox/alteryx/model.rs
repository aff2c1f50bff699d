//! What a workspace holds: its people, their assets and schedules, and what was done to them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The kinds of assets that the sandbox knows.
pub const ASSET_TYPES: [&str; 5] = ["flow", "plan", "connection", "importedDataset", "schedule"];

/// One person of the workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The id; 0 lets the workspace choose one.
    #[serde(default)]
    pub id: u64,
    /// The mail address; there are rows without one.
    pub email: Option<String>,
    /// The name as shown.
    #[serde(default)]
    pub name: String,
    /// Whether the person administers the workspace.
    #[serde(default)]
    pub admin: bool,
    /// Invited, and not yet come.
    #[serde(default)]
    pub invited: bool,
    /// Suspended.
    #[serde(default)]
    pub suspended: bool,
    /// The last login to the product.
    #[serde(default)]
    pub last_login: Option<DateTime<Utc>>,
    /// When the state last changed.
    #[serde(default)]
    pub last_state_change: Option<DateTime<Utc>>,
    /// When the account was made; the current schema does not tell it.
    pub created: DateTime<Utc>,
    /// When the membership was removed; such a person is known to the sandbox alone.
    #[serde(default)]
    pub removed: Option<DateTime<Utc>>,
}

impl Person {
    /// Makes an ordinary person; the workspace chooses the id.
    pub fn new(name: &str, email: &str, created: DateTime<Utc>) -> Self {
        Self {
            id: 0,
            email: Some(email.to_owned()),
            name: name.to_owned(),
            admin: false,
            invited: false,
            suspended: false,
            last_login: None,
            last_state_change: None,
            created,
            removed: None,
        }
    }
}

/// Something a person made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asset {
    /// The id, never used again.
    pub id: u64,
    /// One of [`ASSET_TYPES`].
    pub kind: String,
    /// The owner.
    pub owner: u64,
    /// Shared with others: a transfer leaves it where it is.
    pub shared: bool,
    /// When it went with its owner's account.
    pub lost: Option<DateTime<Utc>>,
    /// A schedule's period in seconds and its beginning.
    pub every: Option<(u32, DateTime<Utc>)>,
}

impl Asset {
    /// Returns how often a schedule has run; whether its owner is suspended does not matter.
    pub fn runs(&self, now: DateTime<Utc>) -> u64 {
        let Some((period, since)) = self.every else {
            return 0;
        };
        let end = self.lost.unwrap_or(now);
        let seconds = u64::try_from((end - since).num_seconds()).unwrap_or(0);
        seconds / u64::from(period.max(1))
    }
}

/// One transfer that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// From whom.
    pub from: u64,
    /// To whom.
    pub to: u64,
    /// When.
    pub at: DateTime<Utc>,
    /// The assets that changed their owner.
    pub moved: Vec<u64>,
    /// The shared assets that stayed.
    pub left: Vec<u64>,
}

/// The workspace itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// The number that paths take.
    pub id: u64,
    /// The ULID that the header takes.
    pub gid: String,
    /// The name.
    pub name: String,
    /// active, hidden or `pending_purge`.
    pub state: String,
    /// When it was made.
    pub created: DateTime<Utc>,
}

/// The whole state of a tenant.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) workspace: Workspace,
    pub(crate) caller: u64,
    people: Vec<Person>,
    by_id: BTreeMap<u64, usize>,
    /// The place in a listing without a sort: whoever is changed goes to the end, as in a table.
    ranks: Vec<u64>,
    next_rank: u64,
    next_id: u64,
    assets: BTreeMap<u64, Asset>,
    owned: BTreeMap<u64, BTreeSet<u64>>,
    next_asset: u64,
    pub(crate) transfers: Vec<Transfer>,
    /// Sorted listings by their query; emptied whenever a person changes.
    pub(crate) listings: BTreeMap<String, Arc<Vec<usize>>>,
}

impl World {
    /// Makes an empty workspace.
    pub(crate) fn new(workspace: Workspace) -> Self {
        Self {
            workspace,
            caller: 0,
            people: Vec::new(),
            by_id: BTreeMap::new(),
            ranks: Vec::new(),
            next_rank: 0,
            next_id: 1,
            assets: BTreeMap::new(),
            owned: BTreeMap::new(),
            next_asset: 1,
            transfers: Vec::new(),
            listings: BTreeMap::new(),
        }
    }

    /// Adds a person or takes the place of the one with the same id; returns the id.
    pub(crate) fn put(&mut self, mut person: Person) -> u64 {
        if person.id == 0 {
            person.id = self.next_id;
        }
        let id = person.id;
        self.next_id = self.next_id.max(id.saturating_add(1));
        self.listings.clear();
        self.next_rank += 1;
        let index = self.by_id.get(&id).copied();
        match index {
            Some(index) => {
                if let Some(old) = self.people.get_mut(index) {
                    *old = person;
                }
                if let Some(rank) = self.ranks.get_mut(index) {
                    *rank = self.next_rank;
                }
            }
            None => {
                self.by_id.insert(id, self.people.len());
                self.people.push(person);
                self.ranks.push(self.next_rank);
            }
        }
        id
    }

    /// Returns everybody, the removed ones too, in the order of their making.
    pub(crate) fn people(&self) -> &[Person] {
        &self.people
    }

    /// Returns the place in a listing without a sort.
    pub(crate) fn rank(&self, index: usize) -> u64 {
        self.ranks.get(index).copied().unwrap_or(0)
    }

    /// Returns a person, also a removed one.
    pub(crate) fn person(&self, id: u64) -> Option<&Person> {
        self.by_id.get(&id).and_then(|i| self.people.get(*i))
    }

    /// Returns a person that is there.
    pub(crate) fn present(&self, id: u64) -> Option<&Person> {
        self.person(id).filter(|person| person.removed.is_none())
    }

    /// Returns the person with exactly this address, a present one before a removed one.
    pub(crate) fn by_mail(&self, mail: &str) -> Option<&Person> {
        let with = |person: &&Person| person.email.as_deref() == Some(mail);
        let present = |person: &&Person| person.removed.is_none();
        let mut found = self.people.iter().filter(with);
        let first = found.clone().find(present);
        first.or_else(|| found.next())
    }

    /// Returns the person whom the tokens stand for, while they work.
    pub(crate) fn caller(&self) -> Option<&Person> {
        self.present(self.caller).filter(|person| !person.suspended)
    }

    /// Suspends somebody who is there, or undoes it.
    pub(crate) fn set_suspended(&mut self, id: u64, suspended: bool, now: DateTime<Utc>) {
        let Some(mut person) = self.present(id).cloned() else {
            return;
        };
        if person.suspended != suspended {
            person.suspended = suspended;
            person.last_state_change = Some(now);
            self.put(person);
        }
    }

    /// Removes a membership; assets that were not transferred go with it.
    pub(crate) fn remove(&mut self, id: u64, now: DateTime<Utc>) {
        let Some(mut person) = self.present(id).cloned() else {
            return;
        };
        person.removed = Some(now);
        self.put(person);
        for asset in self.owned.get(&id).into_iter().flatten() {
            if let Some(asset) = self.assets.get_mut(asset) {
                asset.lost.get_or_insert(now);
            }
        }
    }

    /// Gives a person an asset and returns its id.
    pub(crate) fn add_asset(&mut self, owner: u64, kind: &str, shared: bool) -> u64 {
        let id = self.next_asset;
        self.next_asset += 1;
        let asset = Asset {
            id,
            kind: kind.to_owned(),
            owner,
            shared,
            lost: None,
            every: None,
        };
        self.assets.insert(id, asset);
        self.owned.entry(owner).or_default().insert(id);
        id
    }

    /// Gives a person a schedule that runs from now on; returns its id.
    pub(crate) fn add_schedule(&mut self, owner: u64, every: u32, now: DateTime<Utc>) -> u64 {
        let id = self.add_asset(owner, "schedule", false);
        if let Some(asset) = self.assets.get_mut(&id) {
            asset.every = Some((every, now));
        }
        id
    }

    /// Returns an asset, also a lost one.
    pub(crate) fn asset(&self, id: u64) -> Option<&Asset> {
        self.assets.get(&id)
    }

    /// Returns a person's assets, the lost ones too.
    pub(crate) fn assets_of(&self, owner: u64) -> Vec<&Asset> {
        let ids = self.owned.get(&owner).into_iter().flatten();
        ids.filter_map(|id| self.assets.get(id)).collect()
    }

    /// Returns the assets that went with their owners.
    pub(crate) fn lost(&self) -> Vec<&Asset> {
        let assets = self.assets.values();
        assets.filter(|asset| asset.lost.is_some()).collect()
    }

    /// Gives the chosen assets of one person to another; shared ones stay.
    pub(crate) fn transfer(
        &mut self,
        from: u64,
        to: u64,
        chosen: &BTreeSet<u64>,
        now: DateTime<Utc>,
    ) -> Transfer {
        let (mut moved, mut left) = (Vec::new(), Vec::new());
        for id in chosen {
            let Some(asset) = self.assets.get_mut(id).filter(|a| a.owner == from) else {
                continue;
            };
            if asset.shared {
                left.push(*id);
                continue;
            }
            asset.owner = to;
            moved.push(*id);
        }
        for id in &moved {
            self.owned.entry(from).or_default().remove(id);
            self.owned.entry(to).or_default().insert(*id);
        }
        let transfer = Transfer {
            from,
            to,
            at: now,
            moved,
            left,
        };
        self.transfers.push(transfer.clone());
        transfer
    }
}
