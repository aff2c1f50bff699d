//! Steers a running tenant: time, faults, gates, and what was asked of it.

use std::{fmt, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;

use crate::sandbox::{
    host::{done, lock, read, to_json},
    tenant::{
        RequestRecord, Service,
        faults::{Fault, FaultRule, Matcher},
        server::Shared,
    },
};

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
    faults: Vec<(u64, FaultRule)>,
    gates: Vec<Arc<Gate>>,
}

impl Rules {
    /// Counts a request against the faults and returns the one that hits it.
    pub(crate) fn hit(&mut self, matches: impl Fn(&Matcher) -> bool) -> Option<Fault> {
        self.faults.iter_mut().find_map(|(_, rule)| {
            (matches(&rule.matcher) && rule.hit()).then(|| rule.fault.clone())
        })
    }

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
/// JSON object under their names and the result as JSON. No token is needed there. A service adds
/// names of its own ([`Service::control`]).
pub struct Control<S>(pub(crate) Arc<Shared<S>>);

impl<S> Clone for Control<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> fmt::Debug for Control<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Control").field(&self.0).finish()
    }
}

impl<S: Service> Control<S> {
    /// Works on the service's state under its lock, between two requests.
    ///
    /// The function must not call this again: the lock is held.
    pub fn with<R>(&self, work: impl FnOnce(&mut S) -> R) -> R {
        work(&mut lock(&self.0.service))
    }

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

    /// Delays every answer by so much real time, without holding the service's lock.
    pub fn set_latency(&self, latency: Option<Duration>) {
        *lock(&self.0.latency) = latency;
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
            "now" | "set_time" | "advance" | "set_date_skew" | "set_latency" => {
                self.call_clock(name, args)
            }
            "add_fault" | "remove_fault" | "clear_faults" | "pause" | "held" | "release" => {
                self.call_rules(name, args)
            }
            "requests" => to_json(self.requests()),
            "clear_requests" => {
                self.clear_requests();
                done()
            }
            _ => {
                let now = self.now();
                self.with(|service| service.control(name, args, now))
                    .unwrap_or_else(|| Err(format!("no function {name}")))
            }
        }
    }

    fn call_clock(&self, name: &str, args: Value) -> Result<Value, String> {
        #[derive(Deserialize)]
        struct At {
            at: DateTime<Utc>,
        }
        #[derive(Deserialize)]
        struct Latency {
            ms: Option<u64>,
        }
        #[derive(Deserialize)]
        struct Seconds {
            seconds: i64,
        }
        match name {
            "set_latency" => {
                let ms = read::<Latency>(args)?.ms;
                self.set_latency(ms.map(Duration::from_millis));
            }
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
}
