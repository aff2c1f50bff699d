//! Steers a running directory: time, people, faults, and what was asked of it.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::sandbox::{
    host::{done, lock, read, to_json},
    ldap::{
        LdapSettings, Shared,
        faults::FaultRule,
        tree::{Attribute, EntryView, NewPerson, escape, generalized, parent},
    },
};

/// How many searches and binds the log keeps; older ones fall out.
const LOG_LIMIT: usize = 100_000;

/// The value by which the password policy marks an account as disabled for good.
const LOCKED_FOR_GOOD: &str = "000001010000Z";

/// One search as it arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchRecord {
    /// The place in the order of arrival, from 1.
    pub number: u64,
    /// The sandbox's time.
    pub at: DateTime<Utc>,
    /// The connection, from 1.
    pub connection: u64,
    /// As whom.
    pub bound: Option<String>,
    /// The base.
    pub base: String,
    /// `base`, `one`, `sub` or `children`.
    pub scope: String,
    /// The filter.
    pub filter: String,
    /// The attributes asked for.
    pub attributes: Vec<String>,
    /// The page, from 1; 1 where none was asked for.
    pub page: u32,
    /// The page size asked for; none without the control.
    pub page_size: Option<i64>,
    /// How many entries there were to give, before faults.
    pub entries: usize,
    /// The result code, before faults.
    pub code: i64,
}

/// One bind as it was answered; without its password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BindRecord {
    /// The connection, from 1.
    pub connection: u64,
    /// The name.
    pub dn: String,
    /// The result code.
    pub code: i64,
}

/// The log of searches and binds.
#[derive(Debug, Default)]
pub(crate) struct Log {
    searches: VecDeque<SearchRecord>,
    binds: VecDeque<BindRecord>,
    next: u64,
}

impl Log {
    pub(crate) fn searched(&mut self, mut record: SearchRecord) {
        self.next += 1;
        record.number = self.next;
        self.searches.push_back(record);
        if self.searches.len() > LOG_LIMIT {
            self.searches.pop_front();
        }
    }

    pub(crate) fn bound(&mut self, record: BindRecord) {
        self.binds.push_back(record);
        if self.binds.len() > LOG_LIMIT {
            self.binds.pop_front();
        }
    }
}

/// The faults in force.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    next: u64,
    pub(crate) rules: Vec<(u64, FaultRule)>,
}

/// Steers a directory from within the process; cheap to clone.
///
/// `who` is a distinguished name, a `uid`, a mail address or an `entryUUID`. Every function is
/// also `POST /_sandbox/NAME` at the directory's control address, with the arguments as one JSON
/// object under their names and the result as JSON.
#[derive(Clone, Debug)]
pub struct Control(pub(crate) Arc<Shared>);

impl Control {
    /// Returns the sandbox's present.
    pub fn now(&self) -> DateTime<Utc> {
        self.0.clock.now()
    }

    /// Sets the sandbox's present.
    pub fn set_time(&self, at: DateTime<Utc>) {
        self.0.clock.set(at);
    }

    /// Moves the sandbox's present by so many seconds.
    pub fn advance(&self, seconds: i64) {
        self.0
            .clock
            .advance(TimeDelta::try_seconds(seconds).unwrap_or_default());
    }

    /// Makes `currentTime` wrong by so many seconds, and nothing else.
    pub fn set_time_skew(&self, seconds: i64) {
        self.0
            .clock
            .set_skew(TimeDelta::try_seconds(seconds).unwrap_or_default());
    }

    /// Returns the settings.
    pub fn settings(&self) -> LdapSettings {
        lock(&self.0.settings).clone()
    }

    /// Replaces the settings.
    pub fn set_settings(&self, settings: LdapSettings) {
        *lock(&self.0.settings) = settings;
    }

    /// Replaces the password of the bind account.
    pub fn set_password(&self, password: &str) {
        password.clone_into(&mut lock(&self.0.password));
    }

    /// Sets an attribute of the root entry, such as `vendorVersion` or `dnsHostName`; no values
    /// remove it.
    pub fn set_root(&self, name: &str, values: Vec<String>) {
        lock(&self.0.root_changes).insert(name.to_owned(), values);
    }

    /// Returns every person.
    pub fn people(&self) -> Vec<EntryView> {
        let tree = lock(&self.0.tree);
        let people = tree
            .entries
            .values()
            .filter(|entry| !entry.values("uid").is_empty());
        people.map(|entry| entry.view()).collect()
    }

    /// Returns an entry with all its attributes.
    pub fn entry(&self, who: &str) -> Option<EntryView> {
        let tree = lock(&self.0.tree);
        tree.find(who)
            .and_then(|id| tree.entries.get(&id))
            .map(|entry| entry.view())
    }

    /// Adds a person and returns the `entryUUID`.
    pub fn add_person(&self, person: NewPerson) -> Uuid {
        lock(&self.0.tree).add_person(person, self.now())
    }

    /// Adds any entry, such as a group, and returns the `entryUUID`.
    pub fn add_entry(&self, dn: &str, attributes: BTreeMap<String, Vec<String>>) -> Uuid {
        let attributes = attributes
            .into_iter()
            .map(|(name, values)| Attribute {
                name: name.into(),
                values,
            })
            .collect();
        lock(&self.0.tree).add(dn.to_owned(), attributes, None, self.now())
    }

    /// Removes an entry and what is below it; false if there is none.
    pub fn remove(&self, who: &str) -> bool {
        lock(&self.0.tree).remove(who)
    }

    /// Sets an attribute; no values remove it. False if there is no such entry.
    pub fn set_attribute(&self, who: &str, name: &str, values: Vec<String>) -> bool {
        let name = name.to_owned();
        lock(&self.0.tree).change(who, self.now(), |entry| entry.set(name, values))
    }

    /// Disables a person for good, in the way of the password policy.
    pub fn disable(&self, who: &str) -> bool {
        self.set_attribute(
            who,
            "pwdAccountLockedTime",
            vec![LOCKED_FOR_GOOD.to_owned()],
        )
    }

    /// Locks a person for a while, as too many wrong passwords do: no sign of leaving.
    pub fn lock_out(&self, who: &str) -> bool {
        self.set_attribute(who, "pwdAccountLockedTime", vec![generalized(self.now())])
    }

    /// Takes a lock and an end of the password away.
    pub fn enable(&self, who: &str) -> bool {
        self.set_attribute(who, "pwdEndTime", Vec::new());
        self.set_attribute(who, "pwdAccountLockedTime", Vec::new())
    }

    /// Sets the end of a person's password.
    pub fn expire(&self, who: &str, at: DateTime<Utc>) -> bool {
        self.set_attribute(who, "pwdEndTime", vec![generalized(at)])
    }

    /// Sets a person's mail addresses.
    pub fn set_mail(&self, who: &str, mail: Vec<String>) -> bool {
        self.set_attribute(who, "mail", mail)
    }

    /// Gives a person another `uid` and so another name; the key stays.
    pub fn rename(&self, who: &str, uid: &str) -> bool {
        let mut tree = lock(&self.0.tree);
        let dn = tree
            .find(who)
            .and_then(|id| tree.entries.get(&id))
            .map(|entry| entry.dn.clone());
        let Some(dn) = dn else { return false };
        let above = parent(&dn).to_owned();
        tree.rename(&dn, &format!("uid={},{above}", escape(uid)), self.now())
    }

    /// Moves an entry into another container, which is made if it is not there; the key stays.
    pub fn move_to(&self, who: &str, container: &str) -> bool {
        let mut tree = lock(&self.0.tree);
        let dn = tree
            .find(who)
            .and_then(|id| tree.entries.get(&id))
            .map(|entry| entry.dn.clone());
        let Some(dn) = dn else { return false };
        let above = parent(&dn);
        let own = dn
            .get(..dn.len().saturating_sub(above.len() + 1))
            .unwrap_or(&dn)
            .to_owned();
        tree.ensure_container(container, self.now());
        tree.rename(&dn, &format!("{own},{container}"), self.now())
    }

    /// Orders a fault and returns the rule's id; of several that match, the first one hits.
    pub fn add_fault(&self, rule: FaultRule) -> u64 {
        let mut faults = lock(&self.0.faults);
        faults.next += 1;
        let id = faults.next;
        faults.rules.push((id, rule));
        id
    }

    /// Takes a fault back; false if there is none with this id.
    pub fn remove_fault(&self, id: u64) -> bool {
        let mut faults = lock(&self.0.faults);
        let before = faults.rules.len();
        faults.rules.retain(|(other, _)| *other != id);
        faults.rules.len() < before
    }

    /// Takes all faults back.
    pub fn clear_faults(&self) {
        lock(&self.0.faults).rules.clear();
    }

    /// Returns the searches since the last clearing.
    pub fn searches(&self) -> Vec<SearchRecord> {
        lock(&self.0.log).searches.iter().cloned().collect()
    }

    /// Returns the binds since the last clearing.
    pub fn binds(&self) -> Vec<BindRecord> {
        lock(&self.0.log).binds.iter().cloned().collect()
    }

    /// Forgets the searches and binds.
    pub fn clear_log(&self) {
        let mut log = lock(&self.0.log);
        log.searches.clear();
        log.binds.clear();
    }

    /// Calls a function by its name, with the arguments as a JSON object.
    pub(crate) fn call(&self, name: &str, args: Value) -> Result<Value, String> {
        #[derive(Deserialize)]
        struct Id {
            id: u64,
        }
        match name {
            "searches" => to_json(self.searches()),
            "binds" => to_json(self.binds()),
            "clear_log" => {
                self.clear_log();
                done()
            }
            "people" => to_json(self.people()),
            "settings" => to_json(self.settings()),
            "set_settings" => {
                self.set_settings(read(args)?);
                done()
            }
            "add_person" => to_json(self.add_person(read(args)?)),
            "add_fault" => to_json(self.add_fault(read(args)?)),
            "remove_fault" => to_json(self.remove_fault(read::<Id>(args)?.id)),
            "clear_faults" => {
                self.clear_faults();
                done()
            }
            _ => self.call_named(name, read(args)?),
        }
    }

    fn call_named(&self, name: &str, args: Args) -> Result<Value, String> {
        let lacks = |field: &str| format!("{name} lacks {field}");
        let who = || args.who.as_deref().ok_or_else(|| lacks("who"));
        let text =
            |value: &'_ Option<String>, field: &str| value.clone().ok_or_else(|| lacks(field));
        let seconds = || args.seconds.ok_or_else(|| lacks("seconds"));
        let at = || args.at.ok_or_else(|| lacks("at"));
        match name {
            "now" => to_json(self.now()),
            "set_time" => {
                self.set_time(at()?);
                done()
            }
            "advance" => {
                self.advance(seconds()?);
                done()
            }
            "set_time_skew" => {
                self.set_time_skew(seconds()?);
                done()
            }
            "set_password" => {
                self.set_password(&text(&args.password, "password")?);
                done()
            }
            "entry" => to_json(self.entry(who()?)),
            "remove" => to_json(self.remove(who()?)),
            "disable" => to_json(self.disable(who()?)),
            "lock_out" => to_json(self.lock_out(who()?)),
            "enable" => to_json(self.enable(who()?)),
            "expire" => to_json(self.expire(who()?, at()?)),
            "set_mail" => to_json(self.set_mail(who()?, args.mail.clone())),
            "rename" => to_json(self.rename(who()?, &text(&args.uid, "uid")?)),
            "move_to" => to_json(self.move_to(who()?, &text(&args.container, "container")?)),
            "set_attribute" => {
                let attribute = text(&args.name, "name")?;
                to_json(self.set_attribute(who()?, &attribute, args.values.clone()))
            }
            "set_root" => {
                self.set_root(&text(&args.name, "name")?, args.values.clone());
                done()
            }
            "add_entry" => to_json(self.add_entry(&text(&args.dn, "dn")?, args.attributes.clone())),
            _ => Err(format!("no function {name}")),
        }
    }
}

/// The arguments of the functions with several; each takes what it needs.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Args {
    who: Option<String>,
    at: Option<DateTime<Utc>>,
    seconds: Option<i64>,
    password: Option<String>,
    uid: Option<String>,
    container: Option<String>,
    name: Option<String>,
    values: Vec<String>,
    mail: Vec<String>,
    dn: Option<String>,
    attributes: BTreeMap<String, Vec<String>>,
}
