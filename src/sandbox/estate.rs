//! Every tenant that there is to rehearse with, started and steered in the same way.
//!
//! Another provider is its directory beside this file, with a `rehearse` function, and its line in
//! [`TENANTS`].

use std::{any::Any, fmt, io, net::SocketAddr, time::Duration};

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::sandbox::{
    alteryx, docspace, huwise,
    population::Population,
    port, projectplace, scim,
    tenant::{Control, FaultRule, Handle, Options, RequestRecord, Service},
};

/// What a tenant is started with.
#[derive(Clone, Debug)]
pub struct Setting {
    /// A loopback address; port 0 takes a free one.
    pub bind: SocketAddr,
    /// Its people.
    pub population: Population,
    /// The sandbox's present at the start; none is the real one.
    pub now: Option<DateTime<Utc>>,
}

impl Setting {
    /// The same with the settings of one kind of tenant.
    pub(crate) fn options<T>(&self, settings: T) -> Options<T> {
        Options {
            bind: self.bind,
            population: self.population.clone(),
            settings,
            now: self.now,
        }
    }
}

/// Starts a tenant.
pub type Start = fn(&Setting) -> io::Result<Rehearsal>;

/// Every kind of tenant by the provider's name in exeunt.toml.
pub const TENANTS: &[(&str, Start)] = &[
    ("projectplace", projectplace::rehearse),
    ("alteryx", alteryx::rehearse),
    ("port", port::rehearse),
    ("huwise", huwise::rehearse),
    ("docspace", docspace::rehearse),
    ("scim", scim::rehearse),
];

/// A running tenant with what exeunt.toml must say about it; it stops when this is dropped.
pub struct Rehearsal {
    /// The provider's name.
    pub provider: &'static str,
    /// Where it is, `http://127.0.0.1:PORT`.
    pub url: String,
    /// Plain keys of `[[tenant]]` with their values as TOML.
    pub keys: Vec<(&'static str, String)>,
    /// Secret keys of `[[tenant]]` with the secrets.
    pub secrets: Vec<(&'static str, String)>,
    /// Steers it.
    pub control: Box<dyn Steer>,
    /// The running server.
    pub(crate) server: Box<dyn Any + Send + Sync>,
}

impl fmt::Debug for Rehearsal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rehearsal")
            .field("provider", &self.provider)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl Rehearsal {
    /// Of a running tenant that needs no more plain keys than its address.
    pub(crate) fn of<S, K>(handle: Handle<S, K>, secrets: Vec<(&'static str, String)>) -> Self
    where
        S: Service,
        K: Send + Sync + 'static,
    {
        Self {
            provider: S::NAME,
            url: handle.url(),
            keys: Vec::new(),
            secrets,
            control: Box::new(handle.control()),
            server: Box::new(handle),
        }
    }

    /// The section of exeunt.toml for this tenant under a name; each secret is read from the file
    /// `NAME.KEY`.
    pub fn toml(&self, name: &str) -> String {
        let mut text = format!(
            "[[tenant]]\nname = \"{name}\"\nprovider = \"{}\"\nurl = \"{}\"\n",
            self.provider, self.url
        );
        for (key, _) in &self.secrets {
            text.push_str(&format!("{key} = {{ file = \"{name}.{key}\" }}\n"));
        }
        for (key, value) in &self.keys {
            text.push_str(&format!("{key} = {value}\n"));
        }
        text
    }

    /// The names and texts of the files with its secrets.
    pub fn files(&self, name: &str) -> Vec<(String, String)> {
        let file = |(key, secret): &(&str, String)| (format!("{name}.{key}"), secret.clone());
        self.secrets.iter().map(file).collect()
    }

    /// The handle of the running server, for what only one kind of tenant has.
    pub fn server<T: 'static>(&self) -> Option<&T> {
        self.server.downcast_ref()
    }
}

/// What can be done with every running tenant.
pub trait Steer: Send + Sync + fmt::Debug {
    /// Returns the sandbox's present.
    fn now(&self) -> DateTime<Utc>;
    /// Sets the sandbox's present.
    fn set_time(&self, at: DateTime<Utc>);
    /// Moves the sandbox's present by so many seconds.
    fn advance(&self, seconds: i64);
    /// Delays every answer by so much real time.
    fn set_latency(&self, latency: Option<Duration>);
    /// Orders a fault and returns the rule's id.
    fn add_fault(&self, rule: FaultRule) -> u64;
    /// Takes all faults back.
    fn clear_faults(&self);
    /// Returns the requests since the last clearing, in the order of their arrival.
    fn requests(&self) -> Vec<RequestRecord>;
    /// Forgets the requests.
    fn clear_requests(&self);
    /// Calls a control by its name, as `POST /_sandbox/NAME` does.
    fn call(&self, name: &str, args: Value) -> Result<Value, String>;
}

impl<S: Service> Steer for Control<S> {
    fn now(&self) -> DateTime<Utc> {
        Control::now(self)
    }

    fn set_time(&self, at: DateTime<Utc>) {
        Control::set_time(self, at);
    }

    fn advance(&self, seconds: i64) {
        Control::advance(self, seconds);
    }

    fn set_latency(&self, latency: Option<Duration>) {
        Control::set_latency(self, latency);
    }

    fn add_fault(&self, rule: FaultRule) -> u64 {
        Control::add_fault(self, rule)
    }

    fn clear_faults(&self) {
        Control::clear_faults(self);
    }

    fn requests(&self) -> Vec<RequestRecord> {
        Control::requests(self)
    }

    fn clear_requests(&self) {
        Control::clear_requests(self);
    }

    fn call(&self, name: &str, args: Value) -> Result<Value, String> {
        Control::call(self, name, args)
    }
}
