//! What a test or the demo can see and change in a workspace, in the process and by name.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use crate::sandbox::{
    alteryx::{Alteryx, Asset, Person, Settings, Transfer, Workspace, token::TokenPair},
    host::{done, read, to_json},
};

impl Alteryx {
    /// Returns the settings, to be changed in place.
    pub fn settings(&mut self) -> &mut Settings {
        // A setting can change who is listed.
        self.world.listings.clear();
        &mut self.settings
    }

    /// Returns the workspace, to be changed in place.
    pub fn workspace(&mut self) -> &mut Workspace {
        &mut self.world.workspace
    }

    /// Returns everybody, the removed ones too, in the order of their making.
    pub fn people(&self) -> &[Person] {
        self.world.people()
    }

    /// Returns a person, also a removed one.
    pub fn person(&self, id: u64) -> Option<&Person> {
        self.world.person(id)
    }

    /// Returns the person with exactly this address, a present one before a removed one.
    pub fn find(&self, email: &str) -> Option<&Person> {
        self.world.by_mail(email)
    }

    /// Adds a person, or takes the place of the one with the same id; returns the id.
    pub fn add_person(&mut self, person: Person) -> u64 {
        self.world.put(person)
    }

    /// Changes a person; false if there is none with this id.
    pub fn change(&mut self, id: u64, change: impl FnOnce(&mut Person)) -> bool {
        let Some(mut person) = self.world.person(id).cloned() else {
            return false;
        };
        change(&mut person);
        person.id = id;
        self.world.put(person);
        true
    }

    /// Suspends a person behind the API's back, or undoes it.
    pub fn set_suspended(&mut self, id: u64, suspended: bool, now: DateTime<Utc>) {
        self.world.set_suspended(id, suspended, now);
    }

    /// Removes a person behind the API's back.
    pub fn remove_person(&mut self, id: u64, now: DateTime<Utc>) {
        self.world.remove(id, now);
    }

    /// Returns the id of the person whom the tokens stand for.
    pub fn caller(&self) -> u64 {
        self.world.caller
    }

    /// Lets the tokens stand for somebody else.
    pub fn set_caller(&mut self, id: u64) {
        self.world.caller = id;
    }

    /// Gives a person an asset and returns its id.
    pub fn add_asset(&mut self, owner: u64, kind: &str, shared: bool) -> u64 {
        self.world.add_asset(owner, kind, shared)
    }

    /// Gives a person a schedule of so many seconds that runs from now on; returns its id.
    pub fn add_schedule(&mut self, owner: u64, every: u32, now: DateTime<Utc>) -> u64 {
        self.world.add_schedule(owner, every, now)
    }

    /// Returns an asset, also a lost one.
    pub fn asset(&self, id: u64) -> Option<&Asset> {
        self.world.asset(id)
    }

    /// Returns a person's assets, the lost ones too.
    pub fn assets_of(&self, owner: u64) -> Vec<Asset> {
        self.world.assets_of(owner).into_iter().cloned().collect()
    }

    /// Returns how many assets of each type a person has that are not lost.
    pub fn asset_counts(&self, owner: u64) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        let assets = self.world.assets_of(owner).into_iter();
        for asset in assets.filter(|asset| asset.lost.is_none()) {
            *counts.entry(asset.kind.clone()).or_default() += 1;
        }
        counts
    }

    /// Returns the assets that went with their owners' accounts.
    pub fn lost_assets(&self) -> Vec<Asset> {
        self.world.lost().into_iter().cloned().collect()
    }

    /// Returns the transfers that were made.
    pub fn transfers(&self) -> &[Transfer] {
        &self.world.transfers
    }

    /// Issues a pair of tokens of a new family, as the user interface does; `origin` is the
    /// tenant's address, for an `iss` that names it.
    pub fn issue_tokens(&mut self, origin: &str, now: DateTime<Utc>) -> TokenPair {
        self.tokens.issue(&self.settings, origin, now)
    }

    /// Ends every token that was issued.
    pub fn revoke_tokens(&mut self) {
        self.tokens.revoke_all();
    }

    /// Ends the access tokens before their time and leaves the refresh tokens.
    pub fn expire_access(&mut self) {
        self.tokens.expire_access();
    }

    /// Refuses the next requests with 429 and `x-retry-after`.
    pub fn throttle(&mut self, times: u32, seconds: u64) {
        self.quota.ordered = Some((times, seconds));
    }
}

/// The arguments of every control that has some.
#[derive(Deserialize)]
#[serde(default)]
struct Args {
    id: u64,
    email: String,
    kind: String,
    shared: bool,
    suspended: bool,
    every: u32,
    at: Option<DateTime<Utc>>,
    times: u32,
    seconds: u64,
    origin: String,
}

impl Default for Args {
    fn default() -> Self {
        Self {
            id: 0,
            email: String::new(),
            kind: "flow".to_owned(),
            shared: false,
            suspended: true,
            every: 3600,
            at: None,
            times: 1,
            seconds: 1,
            origin: String::new(),
        }
    }
}

/// Works on a control; none if there is none of that name.
pub(crate) fn call(
    service: &mut Alteryx,
    name: &str,
    args: Value,
    now: DateTime<Utc>,
) -> Option<Result<Value, String>> {
    match name {
        "settings" => return Some(to_json(service.settings())),
        "set_settings" => {
            return Some(read(args).and_then(|settings| {
                *service.settings() = settings;
                done()
            }));
        }
        "add_person" => {
            return Some(read(args).and_then(|person| to_json(service.add_person(person))));
        }
        _ => {}
    }
    let args: Args = match read(args) {
        Ok(args) => args,
        Err(error) => return Some(Err(error)),
    };
    look(service, name, &args, now).or_else(|| change(service, name, &args, now))
}

fn look(
    service: &mut Alteryx,
    name: &str,
    args: &Args,
    now: DateTime<Utc>,
) -> Option<Result<Value, String>> {
    Some(match name {
        "workspace" => to_json(service.workspace()),
        "people" => to_json(service.people()),
        "person" => to_json(service.person(args.id)),
        "find" => to_json(service.find(&args.email)),
        "caller" => to_json(service.caller()),
        "assets" => to_json(service.assets_of(args.id)),
        "asset_counts" => to_json(service.asset_counts(args.id)),
        "schedule_runs" => to_json(service.asset(args.id).map(|asset| asset.runs(now))),
        "lost_assets" => to_json(service.lost_assets()),
        "transfers" => to_json(service.transfers()),
        _ => return None,
    })
}

fn change(
    service: &mut Alteryx,
    name: &str,
    args: &Args,
    now: DateTime<Utc>,
) -> Option<Result<Value, String>> {
    match name {
        "set_login" => {
            let changed = service.change(args.id, |person| person.last_login = args.at);
            return Some(to_json(changed));
        }
        "add_asset" => return Some(to_json(service.add_asset(args.id, &args.kind, args.shared))),
        "add_schedule" => return Some(to_json(service.add_schedule(args.id, args.every, now))),
        "issue_tokens" => return Some(to_json(service.issue_tokens(&args.origin, now))),
        "set_suspended" => service.set_suspended(args.id, args.suspended, now),
        "remove_person" => service.remove_person(args.id, now),
        "set_caller" => service.set_caller(args.id),
        "revoke_tokens" => service.revoke_tokens(),
        "expire_access" => service.expire_access(),
        "throttle" => service.throttle(args.times, args.seconds),
        _ => return None,
    }
    Some(done())
}
