//! Steers a running tenant: time, users, events, faults, gates, and what was asked of it.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;
use uuid::Uuid;

use crate::sandbox::{
    docspace::{
        Shared,
        faults::{FaultRule, Matcher},
        model::{AuditEvent, Kind, LoginEvent, Settings, Status, User},
    },
    host::{done, lock, read, to_json},
};

/// How many requests the log keeps; older ones fall out.
const LOG_LIMIT: usize = 200_000;

/// One request as it arrived; without its credentials.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RequestRecord {
    /// The place in the order of arrival, from 1.
    pub number: u64,
    /// The sandbox's time.
    pub at: DateTime<Utc>,
    /// The method.
    pub method: String,
    /// The path and the query.
    pub path: String,
    /// The body, if it was JSON.
    pub body: Option<Value>,
    /// The status that was answered; none while it is held and where no answer was given.
    pub status: Option<u16>,
    /// The kind of fault that hit it.
    pub fault: Option<String>,
}

/// The log of requests.
#[derive(Debug, Default)]
pub(crate) struct Log {
    records: std::collections::VecDeque<RequestRecord>,
    next: u64,
}

impl Log {
    pub(crate) fn push(&mut self, mut record: RequestRecord) -> u64 {
        self.next += 1;
        record.number = self.next;
        if self.records.len() >= LOG_LIMIT {
            self.records.pop_front();
        }
        self.records.push_back(record);
        self.next
    }

    pub(crate) fn close(&mut self, number: u64, status: Option<u16>, fault: Option<String>) {
        let place = self
            .records
            .partition_point(|record| record.number < number);
        if let Some(record) = self.records.get_mut(place).filter(|r| r.number == number) {
            record.status = status;
            record.fault = fault;
        }
    }
}

/// Where a gate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateAt {
    /// Before the request is worked on. It is worked on after the release, also if its client has
    /// gone away meanwhile, as a real service would.
    Before,
    /// After the request was worked on, before its answer.
    After,
}

/// Holds matching requests until it is released.
#[derive(Debug)]
pub(crate) struct Gate {
    id: u64,
    matcher: Matcher,
    at: GateAt,
    arrived: watch::Sender<usize>,
    open: watch::Sender<bool>,
}

/// The rules and gates in force.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    next: u64,
    pub(crate) faults: Vec<(u64, FaultRule)>,
    gates: Vec<Arc<Gate>>,
}

impl Rules {
    /// Returns the gates that hold a request at a place.
    pub(crate) fn gates_for(
        &self,
        at: GateAt,
        matches: impl Fn(&Matcher) -> bool,
    ) -> Vec<Arc<Gate>> {
        let holds = |gate: &&Arc<Gate>| gate.at == at && matches(&gate.matcher);
        self.gates.iter().filter(holds).map(Arc::clone).collect()
    }
}

impl Gate {
    /// Waits until the gate is released.
    pub(crate) async fn pass(&self) {
        let mut open = self.open.subscribe();
        self.arrived.send_modify(|arrived| *arrived += 1);
        // The sender lives as long as this gate does, which `self` holds.
        let _ = open.wait_for(|open| *open).await;
    }
}

/// Steers a tenant from within the process; cheap to clone.
///
/// Every function is also `POST /_sandbox/NAME` at the tenant's address, with the arguments as one
/// JSON object under their names and the result as JSON. No token is needed there.
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

    /// Makes the `Date` header wrong by so many seconds, and nothing else.
    pub fn set_date_skew(&self, seconds: i64) {
        self.0
            .clock
            .set_skew(TimeDelta::try_seconds(seconds).unwrap_or_default());
    }

    /// Returns the tenant's settings.
    pub fn settings(&self) -> Settings {
        lock(&self.0.world).settings.clone()
    }

    /// Replaces the tenant's settings.
    pub fn set_settings(&self, settings: Settings) {
        lock(&self.0.world).settings = settings;
    }

    /// Returns every user, the removed ones too.
    pub fn users(&self) -> Vec<User> {
        lock(&self.0.world).users().to_vec()
    }

    /// Returns a user, also a removed one.
    pub fn user(&self, id: Uuid) -> Option<User> {
        lock(&self.0.world).user(id).cloned()
    }

    /// Returns the user with an address.
    pub fn find(&self, email: &str) -> Option<User> {
        lock(&self.0.world).by_mail(email).cloned()
    }

    /// Adds a user, or replaces the one with the same id.
    pub fn add_user(&self, user: User) {
        lock(&self.0.world).put_user(user);
    }

    /// Changes a user outside of the API, as an administrator in the web pages would; false if
    /// there is none with this id.
    pub fn change_user(&self, id: Uuid, change: impl FnOnce(&mut User)) -> bool {
        let mut world = lock(&self.0.world);
        let Some(mut user) = world.user(id).cloned() else {
            return false;
        };
        change(&mut user);
        world.put_user(user);
        true
    }

    /// Sets a user's status.
    pub fn set_status(&self, id: Uuid, status: Status) -> bool {
        self.change_user(id, |user| user.status = status)
    }

    /// Sets a user's mail address.
    pub fn set_email(&self, id: Uuid, email: &str) -> bool {
        self.change_user(id, |user| email.clone_into(&mut user.email))
    }

    /// Sets a user's name.
    pub fn set_name(&self, id: Uuid, first: &str, last: &str) -> bool {
        self.change_user(id, |user| {
            first.clone_into(&mut user.first_name);
            last.clone_into(&mut user.last_name);
        })
    }

    /// Sets a user's role.
    pub fn set_kind(&self, id: Uuid, kind: Kind) -> bool {
        self.change_user(id, |user| user.kind = kind)
    }

    /// Removes a user for good: the API answers as if there had never been one.
    pub fn remove_user(&self, id: Uuid) -> bool {
        self.change_user(id, |user| user.removed = true)
    }

    /// Returns the user as whom the key acts.
    pub fn key_user(&self) -> Uuid {
        lock(&self.0.world).key_user
    }

    /// Makes the key act as another user.
    pub fn set_key_user(&self, id: Uuid) {
        lock(&self.0.world).key_user = id;
    }

    /// Replaces the key, as if the old one had been revoked.
    pub fn set_token(&self, token: &str) {
        token.clone_into(&mut lock(&self.0.token));
    }

    /// Writes a login event and returns its id; 1000 and 1029 are logins, 1005 is a failed one.
    pub fn add_login(&self, user: Uuid, at: DateTime<Utc>, action: u16) -> u64 {
        lock(&self.0.world).add_login(user, at, action)
    }

    /// Writes an audit event and returns its id.
    pub fn add_audit(&self, user: Uuid, at: DateTime<Utc>, action: u16) -> u64 {
        lock(&self.0.world).add_audit(user, at, action, vec!["document.docx".to_owned()])
    }

    /// Returns the login history that is kept, oldest first.
    pub fn logins(&self) -> Vec<LoginEvent> {
        let now = self.now();
        lock(&self.0.world).logins(now).to_vec()
    }

    /// Returns the audit trail that is kept and written, oldest first.
    pub fn audits(&self) -> Vec<AuditEvent> {
        let now = self.now();
        lock(&self.0.world).audits(now).to_vec()
    }

    /// Returns how often a user's status really changed through the API.
    pub fn status_changes(&self, id: Uuid) -> u64 {
        lock(&self.0.world)
            .status_changes
            .get(&id)
            .copied()
            .unwrap_or(0)
    }

    /// Returns how many status calls named a user and were worked on, refused ones included.
    pub fn status_puts(&self, id: Uuid) -> u64 {
        lock(&self.0.world)
            .status_puts
            .get(&id)
            .copied()
            .unwrap_or(0)
    }

    /// Orders a fault and returns the rule's id; of several that match, the first one hits.
    pub fn add_fault(&self, rule: FaultRule) -> u64 {
        let mut rules = lock(&self.0.rules);
        rules.next += 1;
        let id = rules.next;
        rules.faults.push((id, rule));
        id
    }

    /// Takes a fault back; false if there is none with this id.
    pub fn remove_fault(&self, id: u64) -> bool {
        let mut rules = lock(&self.0.rules);
        let before = rules.faults.len();
        rules.faults.retain(|(other, _)| *other != id);
        rules.faults.len() < before
    }

    /// Takes all faults back.
    pub fn clear_faults(&self) {
        lock(&self.0.rules).faults.clear();
    }

    /// Holds matching requests from now on and returns the gate's id.
    pub fn pause(&self, matcher: Matcher, at: GateAt) -> u64 {
        let mut rules = lock(&self.0.rules);
        rules.next += 1;
        let id = rules.next;
        let (arrived, open) = (watch::Sender::new(0), watch::Sender::new(false));
        rules.gates.push(Arc::new(Gate {
            id,
            matcher,
            at,
            arrived,
            open,
        }));
        id
    }

    fn gate(&self, id: u64) -> Option<Arc<Gate>> {
        lock(&self.0.rules)
            .gates
            .iter()
            .find(|gate| gate.id == id)
            .map(Arc::clone)
    }

    /// Returns how many requests have come to a gate so far.
    pub fn held(&self, id: u64) -> usize {
        self.gate(id).map_or(0, |gate| *gate.arrived.borrow())
    }

    /// Waits until so many requests have come to a gate; false after the time limit.
    pub async fn wait_held(&self, id: u64, requests: usize, limit: Duration) -> bool {
        let Some(gate) = self.gate(id) else {
            return false;
        };
        let mut arrived = gate.arrived.subscribe();
        let enough = arrived.wait_for(|arrived| *arrived >= requests);
        tokio::time::timeout(limit, enough)
            .await
            .is_ok_and(|seen| seen.is_ok())
    }

    /// Lets the held requests go on and removes the gate; false if there is none with this id.
    pub fn release(&self, id: u64) -> bool {
        let Some(gate) = self.gate(id) else {
            return false;
        };
        lock(&self.0.rules).gates.retain(|other| other.id != id);
        gate.open.send_replace(true);
        true
    }

    /// Returns the requests since the last clearing, in the order of their arrival.
    pub fn requests(&self) -> Vec<RequestRecord> {
        lock(&self.0.log).records.iter().cloned().collect()
    }

    /// Forgets the requests; their numbers go on.
    pub fn clear_requests(&self) {
        lock(&self.0.log).records.clear();
    }

    /// Calls a function by its name, with the arguments as a JSON object.
    pub(crate) fn call(&self, name: &str, args: Value) -> Result<Value, String> {
        match name {
            "now" | "set_time" | "advance" | "set_date_skew" => self.call_clock(name, args),
            "add_fault" | "remove_fault" | "clear_faults" | "pause" | "held" | "release" => {
                self.call_rules(name, args)
            }
            "requests" => to_json(self.requests()),
            "clear_requests" => {
                self.clear_requests();
                done()
            }
            "settings" => to_json(self.settings()),
            "set_settings" => {
                self.set_settings(read(args)?);
                done()
            }
            "users" => to_json(self.users()),
            "logins" => to_json(self.logins()),
            "audits" => to_json(self.audits()),
            "key_user" => to_json(self.key_user()),
            "set_token" => {
                #[derive(Deserialize)]
                struct Args {
                    token: String,
                }
                let args: Args = read(args)?;
                self.set_token(&args.token);
                done()
            }
            "add_user" => {
                self.add_user(read(args)?);
                done()
            }
            "find" => {
                #[derive(Deserialize)]
                struct Args {
                    email: String,
                }
                let args: Args = read(args)?;
                to_json(self.find(&args.email))
            }
            _ => self.call_user(name, args),
        }
    }

    fn call_clock(&self, name: &str, args: Value) -> Result<Value, String> {
        #[derive(Deserialize)]
        struct At {
            at: DateTime<Utc>,
        }
        #[derive(Deserialize)]
        struct Seconds {
            seconds: i64,
        }
        match name {
            "set_time" => self.set_time(read::<At>(args)?.at),
            "advance" => self.advance(read::<Seconds>(args)?.seconds),
            "set_date_skew" => self.set_date_skew(read::<Seconds>(args)?.seconds),
            _ => {}
        }
        to_json(self.now())
    }

    fn call_rules(&self, name: &str, args: Value) -> Result<Value, String> {
        #[derive(Deserialize)]
        struct Id {
            id: u64,
        }
        #[derive(Deserialize)]
        struct Pause {
            #[serde(default)]
            matcher: Matcher,
            at: GateAt,
        }
        match name {
            "add_fault" => to_json(self.add_fault(read(args)?)),
            "clear_faults" => {
                self.clear_faults();
                done()
            }
            "pause" => {
                let pause: Pause = read(args)?;
                to_json(self.pause(pause.matcher, pause.at))
            }
            "held" => to_json(self.held(read::<Id>(args)?.id)),
            "release" => to_json(self.release(read::<Id>(args)?.id)),
            _ => to_json(self.remove_fault(read::<Id>(args)?.id)),
        }
    }

    fn call_user(&self, name: &str, args: Value) -> Result<Value, String> {
        #[derive(Deserialize)]
        struct Args {
            id: Uuid,
            #[serde(default)]
            status: Option<Status>,
            #[serde(default)]
            kind: Option<Kind>,
            #[serde(default)]
            email: Option<String>,
            #[serde(default)]
            first_name: Option<String>,
            #[serde(default)]
            last_name: Option<String>,
            #[serde(default)]
            at: Option<DateTime<Utc>>,
            #[serde(default)]
            action: Option<u16>,
        }
        const KNOWN: [&str; 11] = [
            "user",
            "set_status",
            "set_email",
            "set_name",
            "set_kind",
            "remove_user",
            "set_key_user",
            "add_login",
            "add_audit",
            "status_changes",
            "status_puts",
        ];
        if !KNOWN.contains(&name) {
            return Err(format!("no function {name}"));
        }
        let args: Args = read(args)?;
        let at = args.at.unwrap_or_else(|| self.now());
        let lacks = |field: &str| format!("{name} lacks {field}");
        match name {
            "user" => to_json(self.user(args.id)),
            "set_status" => {
                to_json(self.set_status(args.id, args.status.ok_or_else(|| lacks("status"))?))
            }
            "set_kind" => to_json(self.set_kind(args.id, args.kind.ok_or_else(|| lacks("kind"))?)),
            "set_email" => {
                to_json(self.set_email(args.id, &args.email.ok_or_else(|| lacks("email"))?))
            }
            "set_name" => {
                let first = args.first_name.unwrap_or_default();
                to_json(self.set_name(args.id, &first, &args.last_name.unwrap_or_default()))
            }
            "remove_user" => to_json(self.remove_user(args.id)),
            "set_key_user" => {
                self.set_key_user(args.id);
                done()
            }
            "add_login" => to_json(self.add_login(args.id, at, args.action.unwrap_or(1029))),
            "add_audit" => to_json(self.add_audit(args.id, at, args.action.unwrap_or(5000))),
            "status_changes" => to_json(self.status_changes(args.id)),
            _ => to_json(self.status_puts(args.id)),
        }
    }
}
