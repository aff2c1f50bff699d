//! A DocSpace tenant on loopback, with the service's behaviour and its traps.
//!
//! What the sandbox decides where nothing is known of the service:
//!
//! - 401 and 429 have empty bodies; a `count` outside 1..=100 is refused with 400; a seat is any
//!   active user but a guest.
//! - Of a reassignment, rooms move one by one with the percentage and stay moved when it fails or
//!   is terminated; shared files move at its end, "My documents" never. With `deleteProfile` the
//!   profile goes at the end even if it was made active meanwhile, with audit row 4018. The
//!   successor may be an invitation. A second start returns the first task, whatever it asks for.
//! - A terminated task is shown once, in the answer to that call; then there is none.
//! - A removal of the owner or the caller is refused like that of an administrator (403; passed
//!   over and listed as gone in a batch). A batch with a running reassignment removes nobody. One
//!   that is left with nobody writes no audit row.
//! - `DELETE people/guests` passes over ids that are no guests, and answers 403 for the whole call
//!   if one is terminated.
//! - [`TaskSettings`] holds the choices where both behaviours can be tried.

mod audit;
mod control;
mod holdings;
mod keys;
mod limit;
mod model;
mod orders;
mod people;
mod populate;
mod reassign;
mod rehearse;
mod removal;
mod settings;
mod status;
mod tasks;
#[cfg(test)]
mod tests;
mod wire;
mod world;

use std::{fmt, io};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use uuid::Uuid;

pub use crate::sandbox::docspace::rehearse::rehearse;
use crate::sandbox::{
    docspace::world::World,
    population::Prng,
    tenant::{Answer, Call, Handle, Options, Service, Tenant},
};
pub use crate::sandbox::{
    docspace::{
        control::Control,
        holdings::{Holdings, Move},
        keys::{ApiKey, KeyRules},
        model::{AuditEvent, Kind, LoginEvent, PERSONAL_MARKERS, Status, User},
        settings::{Pace, RateLimit, ResetForm, Settings, TaskFailure, TaskSettings},
        tasks::TaskKind,
    },
    tenant::{Fault, FaultRule, GateAt, Matcher, RequestRecord},
};

/// What a tenant starts with; the API key acts as the population's number 1.
pub type DocSpaceOptions = Options<Settings>;

/// Starts DocSpace tenants.
#[derive(Debug)]
pub struct DocSpace;

/// A running tenant; it stops when this is dropped.
pub type DocSpaceHandle = Handle<DocSpaceService, String>;

impl DocSpace {
    /// Starts a tenant on its own thread.
    ///
    /// # Errors
    /// The address is not loopback or in use, or no thread could be made.
    pub fn start(options: DocSpaceOptions) -> io::Result<DocSpaceHandle> {
        let secret = Prng::new(options.population.seed ^ 0x5EC2_E700).uuid();
        let token = format!("sk-{}", secret.simple());
        let mut world = World::new(options.settings, Uuid::nil());
        world.populate(&options.population, options.now.unwrap_or_else(Utc::now));
        let service = DocSpaceService {
            world,
            token: token.clone(),
        };
        let tenant = Tenant::start(options.bind, options.now, service)?;
        Ok(Handle {
            tenant,
            given: token,
        })
    }
}

impl DocSpaceHandle {
    /// Returns the API key the tenant was started with.
    pub fn token(&self) -> &str {
        &self.given
    }
}

/// The tenant's state and what it answers.
pub struct DocSpaceService {
    pub(crate) world: World,
    pub(crate) token: String,
}

impl fmt::Debug for DocSpaceService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DocSpaceService").finish_non_exhaustive()
    }
}

impl Service for DocSpaceService {
    const NAME: &'static str = "docspace";
    const DATES: &'static [&'static str] = &["registrationDate", "date"];
    const TOTALS: &'static [&'static str] = &["total"];
    const COUNTS: &'static [&'static str] = &["count"];

    fn answer(&mut self, call: &Call<'_>) -> Answer {
        let authorized = call.bearer() == Some(self.token.as_str());
        limit::limited(&mut self.world, call, |world| work(world, call, authorized))
    }

    fn refusal(status: u16, message: &str) -> Answer {
        match status {
            401 | 429 => Answer::raw(status, "application/json; charset=utf-8", ""),
            _ => wire::error(status, message),
        }
    }

    fn items(body: &mut Value) -> Vec<&mut Map<String, Value>> {
        let slice = match body.get_mut("response") {
            Some(Value::Array(list)) => list.as_mut_slice(),
            Some(one) => std::slice::from_mut(one),
            None => &mut [],
        };
        slice.iter_mut().filter_map(Value::as_object_mut).collect()
    }

    fn list(body: &mut Value) -> Option<&mut Vec<Value>> {
        body.get_mut("response")?.as_array_mut()
    }

    fn control(
        &mut self,
        name: &str,
        args: Value,
        now: DateTime<Utc>,
    ) -> Option<Result<Value, String>> {
        orders::call(self, name, args, now)
    }
}

fn work(world: &mut World, call: &Call<'_>, authorized: bool) -> Answer {
    if !call.path.starts_with("/api/2.0/") {
        return Answer::raw(404, "text/html; charset=utf-8", "");
    }
    if !authorized || world.caller().is_none() {
        return DocSpaceService::refusal(401, "");
    }
    world.settle(call.now, true);
    let params = wire::params(call);
    let href = format!("https://sandbox.invalid{}", call.path);
    let body = call.json();
    let body = body.as_ref();
    let segments = call.segments();
    let segments: Vec<&str> = segments.iter().skip(2).map(String::as_str).collect();
    match (call.method, segments.as_slice()) {
        ("GET", ["people"]) => people::active(world, &href, &params),
        ("GET", ["people", "@self"]) => people::own(world, &href),
        ("GET", ["people", "email"]) => people::by_mail(world, &href, &params),
        ("GET", ["people", "filter"]) => people::filter(world, &href, &params),
        ("GET", ["people", "status", status]) => people::of_status(world, &href, status, params),
        ("GET", ["people", "reassign", "necessary"]) => reassign::necessary(world, &href, &params),
        ("POST", ["people", "reassign", "start"]) => reassign::start(world, &href, call),
        ("GET", ["people", "reassign", "progress", id]) => {
            reassign::progress(world, &href, TaskKind::Reassign, id)
        }
        ("PUT", ["people", "reassign", "terminate"]) => reassign::terminate(world, &href, body),
        ("GET", ["people", "remove", "progress", id]) => {
            reassign::progress(world, &href, TaskKind::Removal, id)
        }
        ("PUT", ["people", "delete"]) => removal::delete_many(world, &href, body, call.now),
        ("DELETE", ["people", "guests"]) => removal::let_guests_go(world, &href, body),
        ("DELETE", ["people", id]) => removal::delete(world, &href, id, call.now),
        ("GET", ["people", id]) => people::by_id(world, &href, id),
        ("PUT", ["people", "status", status]) => {
            status::put_status(world, &href, status, body, call.now)
        }
        ("GET", ["keys"]) => keys::list(world, &href),
        ("PUT", ["keys", id]) => keys::change(world, &href, id, body, call.now),
        ("DELETE", ["keys", id]) => keys::delete(world, &href, id),
        ("GET", ["security", "audit", "login", "filter"]) => {
            audit::logins(world, &href, &params, call.now)
        }
        ("GET", ["security", "audit", "events", "filter"]) => {
            audit::events(world, &href, &params, call.now)
        }
        ("GET", ["security", "audit", "settings", "lifetime"]) => audit::lifetime(world, &href),
        ("GET", ["settings", "cookiesettings"]) => audit::cookies(world, &href),
        _ => wire::error(404, "The resource could not be found"),
    }
}
