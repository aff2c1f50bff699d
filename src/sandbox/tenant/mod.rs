//! What every loopback tenant does alike: it listens, logs, waits at gates, fails as ordered, keeps
//! a clock of its own and takes orders at `/_sandbox/NAME`.
//!
//! A service is a [`Service`]: a state and one function that answers a request. Whatever can go
//! wrong between a client and a service is made here, from the answer that the service gave in
//! earnest; what is peculiar to a service (expiring tokens, half-taken changes) it does itself.

mod control;
mod faults;
mod log;
mod message;
mod server;
#[cfg(test)]
mod tests;

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use axum::Router;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

pub use crate::sandbox::tenant::{
    control::{Control, GateAt},
    faults::{Fault, FaultRule, Matcher},
    log::RequestRecord,
    message::{Answer, Body, Call},
};
use crate::sandbox::{
    host::{self, Host},
    population::Population,
    tenant::server::Shared,
};

/// What differs between services.
///
/// One call is worked on in one go under the lock: a change is there as a whole or not at all.
pub trait Service: Send + Sized + 'static {
    /// The service's name, in small letters.
    const NAME: &'static str;
    /// The names of date fields in an item, for [`Fault::BadDate`].
    const DATES: &'static [&'static str];
    /// The names of the stated total in a list's answer, for [`Fault::TotalTooHigh`].
    const TOTALS: &'static [&'static str];
    /// The names of the page's own length in a list's answer, kept true by [`Fault::ShortPage`].
    const COUNTS: &'static [&'static str] = &[];

    /// Answers a request.
    fn answer(&mut self, call: &Call<'_>) -> Answer;

    /// Makes the service's own error of a status, for an ordered fault and for limits.
    fn refusal(status: u16, message: &str) -> Answer;

    /// Returns the items of a list, or the only object of an answer, for faults that spoil them.
    fn items(body: &mut Value) -> Vec<&mut Map<String, Value>>;

    /// Returns the list itself, for faults that shorten it; none if the answer is no list.
    fn list(body: &mut Value) -> Option<&mut Vec<Value>>;

    /// Works on one of the service's own controls; none if there is none of that name.
    fn control(
        &mut self,
        name: &str,
        args: Value,
        now: DateTime<Utc>,
    ) -> Option<Result<Value, String>>;

    /// Returns how many requests of the method's class (GET, all others) may be in flight at once
    /// before they are answered with 429; none: there is no such limit.
    fn concurrency(&self, _method: &str) -> Option<usize> {
        None
    }
}

/// A running tenant; it stops when this is dropped.
pub struct Tenant<S> {
    address: SocketAddr,
    shared: Arc<Shared<S>>,
    host: Host,
}

impl<S> fmt::Debug for Tenant<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenant")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl<S: Service> Tenant<S> {
    /// Starts a tenant on its own thread; without a present, the sandbox's is the real one.
    ///
    /// # Errors
    /// The address is not loopback or in use, or no thread could be made.
    pub fn start(bind: SocketAddr, now: Option<DateTime<Utc>>, service: S) -> io::Result<Self> {
        let listener = host::bind(bind)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::new(format!("http://{address}"), service));
        if let Some(now) = now {
            shared.clock.set(now);
        }
        let router = Router::new()
            .fallback(server::handle::<S>)
            .with_state(Arc::clone(&shared));
        let name = format!("sandbox-{}", S::NAME);
        let host = Host::start(&name, move || host::serve(listener, router))?;
        Ok(Self {
            address,
            shared,
            host,
        })
    }

    /// Returns the tenant's address, `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the controls.
    pub fn control(&self) -> Control<S> {
        Control(Arc::clone(&self.shared))
    }

    /// Ends every connection and the server.
    pub fn stop(mut self) {
        self.host.stop();
    }
}

/// What a tenant starts with.
#[derive(Clone, Debug)]
pub struct Options<T> {
    /// A loopback address; port 0 takes a free one.
    pub bind: SocketAddr,
    /// The generated people, with what they own and did.
    pub population: Population,
    /// The service's settings.
    pub settings: T,
    /// The sandbox's present at the start; none is the real one.
    pub now: Option<DateTime<Utc>>,
}

impl<T: Default> Default for Options<T> {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            population: Population::default(),
            settings: T::default(),
            now: None,
        }
    }
}

/// A running tenant with what a client of it is given; it stops when this is dropped.
pub struct Handle<S, K> {
    pub(crate) tenant: Tenant<S>,
    /// Credentials, mostly.
    pub(crate) given: K,
}

impl<S, K> fmt::Debug for Handle<S, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is given is secret.
        f.debug_struct("Handle")
            .field("tenant", &self.tenant)
            .finish_non_exhaustive()
    }
}

impl<S: Service, K> Handle<S, K> {
    /// Returns the tenant's address, `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.tenant.url()
    }

    /// Returns the controls.
    pub fn control(&self) -> Control<S> {
        self.tenant.control()
    }

    /// Ends every connection and the server.
    pub fn stop(self) {
        self.tenant.stop();
    }
}
