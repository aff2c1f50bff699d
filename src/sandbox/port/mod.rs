//! A Port organisation on loopback, with the service's behaviour and its traps.
//!
//! Where nothing is known of the service, [`Settings`] has both behaviours and the less convenient
//! one is the default:
//! - `lastLoginAt` of who never signed in is absent (`never_login`);
//! - `status` at the top of a user of `/v1/users` is the account's, ACTIVE also for who is disabled
//!   here; only `orgMembers` and the entity tell (`top_status`);
//! - who was never invited has an entity, but is not in `/v1/users` (`uninvited_in_users`);
//! - `/v1/users` without `fields` lacks `orgMembers` (`org_members_unasked`);
//! - a full last page of a search has a `next` to an empty one (`last_page`), and pages are known
//!   by their offset, so that deleting while walking skips entities;
//! - a DELETE must say `delete_dependents` (`needs_delete_dependents`); true takes along all that
//!   points at the entity by any relation, and what points at that;
//! - `DELETE /v1/users/{email}` heeds no relation and leaves them dangling
//!   (`user_delete_heeds_relations`);
//! - the service protects neither the last administrator nor the caller from deletion
//!   (`last_admin_protected`, `own_delete_allowed`);
//! - SCIM's fields are the status, the teams and the title; deleting who is managed is a conflict
//!   too (`scim_delete_conflicts`);
//! - identifiers in paths are held to their case (`case_sensitive`);
//! - `relatedTo` follows relations over several entities (`related_transitively`);
//! - the audit log has `audits` (`audit_shape`), 100 events if not asked, 1,000 at most, and none
//!   at exactly `to` (`audit_to_included`);
//! - a changed status of one's own is 403, a deletion that a required relation forbids is 422
//!   `has_dependents`, a token with wrong credentials is 401;
//! - the limiter's reset is in seconds left (`RateLimit::reset`), and its numbers are invented.
//!
//! Not there: the bulk deletion, `include`, `exclude` and the `attach_…` parameters (ignored),
//! webhooks, runs, actions, teams as entities.

mod audit;
mod auth;
mod catalogue;
mod control;
mod entities;
mod generate;
mod limit;
mod model;
mod orders;
mod rehearse;
mod search;
mod settings;
#[cfg(test)]
mod tests;
mod users;
mod wire;
mod world;

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

pub use crate::sandbox::port::rehearse::rehearse;
pub use crate::sandbox::port::{
    auth::Holder,
    control::Control,
    model::{
        AuditEvent, Entity, OtherOrg, Place, Relation, Role, SERVICE_DOMAIN, Status,
        USER_BLUEPRINT, User,
    },
    settings::{AuditShape, LastPage, NeverLogin, RateLimit, ResetForm, Settings, TopStatus},
};
use crate::sandbox::{
    population::{Population, Prng},
    port::{auth::Credentials, wire::Refused, world::World},
    tenant::{Answer, Call, Handle, Service, Tenant},
};

/// The longest request body that the service takes.
const MAX_BODY: usize = 1024 * 1024;

/// What an organisation starts with.
#[derive(Clone, Debug)]
pub struct PortOptions {
    /// A loopback address; port 0 takes a free one.
    pub bind: SocketAddr,
    /// The generated users, with what they own and did.
    pub population: Population,
    /// Whose the credentials are; a service account is one user more than the population has.
    pub holder: Holder,
    /// The settings.
    pub settings: Settings,
    /// The sandbox's present at the start; none is the real one.
    pub now: Option<DateTime<Utc>>,
}

impl Default for PortOptions {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            population: Population::default(),
            holder: Holder::default(),
            settings: Settings::default(),
            now: None,
        }
    }
}

/// The organisation's state and what it answers.
pub struct Port {
    pub(crate) world: World,
}

impl fmt::Debug for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Port").finish_non_exhaustive()
    }
}

/// A running organisation; it stops when this is dropped.
pub type PortHandle = Handle<Port, ()>;

impl Port {
    /// Starts an organisation on its own thread.
    ///
    /// # Errors
    /// The address is not loopback or in use, or no thread could be made.
    pub fn start(options: PortOptions) -> io::Result<PortHandle> {
        let now = options.now.unwrap_or_else(Utc::now);
        let org = Prng::new(options.population.seed ^ 0x0126)
            .uuid()
            .simple()
            .to_string();
        let org = format!("org_{}", org.get(..16).unwrap_or_default());
        let nobody = Credentials {
            holder: options.holder,
            client_id: String::new(),
            secret: String::new(),
            user: None,
        };
        let mut world = World::new(options.settings, org, nobody);
        generate::populate(&mut world, &options.population, now);
        generate::credentials(&mut world, options.holder, &options.population, now);
        let tenant = Tenant::start(options.bind, options.now, Self { world })?;
        Ok(Handle { tenant, given: () })
    }
}

impl PortHandle {
    /// Returns the client id and the secret.
    pub fn credentials(&self) -> (String, String) {
        self.control().credentials()
    }
}

impl Service for Port {
    const NAME: &'static str = "port";
    const DATES: &'static [&'static str] = &["createdAt", "updatedAt", "lastLoginAt", "at"];
    const TOTALS: &'static [&'static str] = &["count"];

    fn answer(&mut self, call: &Call<'_>) -> Answer {
        limit::limited(&mut self.world, call, |world| {
            work(world, call).unwrap_or_else(|refused| *refused)
        })
    }

    fn refusal(status: u16, message: &str) -> Answer {
        wire::error(status, message)
    }

    fn items(body: &mut Value) -> Vec<&mut Map<String, Value>> {
        let key = [
            "users",
            "entities",
            "audits",
            "user",
            "entity",
            "organization",
        ]
        .into_iter()
        .find(|key| body.get(key).is_some());
        let slice = match key.and_then(|key| body.get_mut(key)) {
            Some(Value::Array(list)) => list.as_mut_slice(),
            Some(one) => std::slice::from_mut(one),
            None => &mut [],
        };
        slice.iter_mut().filter_map(Value::as_object_mut).collect()
    }

    fn list(body: &mut Value) -> Option<&mut Vec<Value>> {
        let key = ["users", "entities", "audits"]
            .into_iter()
            .find(|key| body.get(key).is_some())?;
        body.get_mut(key)?.as_array_mut()
    }

    fn control(
        &mut self,
        name: &str,
        args: Value,
        now: DateTime<Utc>,
    ) -> Option<Result<Value, String>> {
        orders::call(&mut self.world, name, args, now)
    }
}

fn work(world: &mut World, call: &Call<'_>) -> Result<Answer, Refused> {
    if call.body.len() > MAX_BODY {
        return Err(Box::new(wire::error(413, "Request body is too large")));
    }
    let segments = call.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    if (call.method, segments.as_slice()) == ("POST", &["v1", "auth", "access_token"]) {
        return auth::access_token(world, call);
    }
    let by = auth::authorize(world, call)?;
    let place = |blueprint: &str, id: &str| (blueprint.to_owned(), id.to_owned());
    match (call.method, segments.as_slice()) {
        ("GET", ["v1", "organization"]) => Ok(users::organization(world)),
        ("GET", ["v1", "users"]) => users::list(world, call),
        ("POST", ["v1", "users", "invite"]) => users::invite(world, call, &by),
        ("GET", ["v1", "users", email]) => users::one(world, call, email),
        ("PATCH", ["v1", "users", email]) => users::patch(world, call, &by, email),
        ("DELETE", ["v1", "users", email]) => users::delete(world, call, &by, email),
        ("POST", ["v1", "entities", "search"]) => search::everywhere(world, call),
        ("GET", ["v1", "audit-log"]) => audit::list(world, call, &by),
        ("GET", ["v1", "blueprints", of, "entities-count"]) => entities::count(world, of),
        ("GET", ["v1", "blueprints", of, "entities"]) => entities::list(world, call, of),
        ("POST", ["v1", "blueprints", of, "entities", "search"]) => search::page(world, call, of),
        ("GET", ["v1", "blueprints", of, "entities", id]) => entities::one(world, &place(of, id)),
        ("PATCH", ["v1", "blueprints", of, "entities", id]) => {
            entities::patch(world, call, &by, &place(of, id))
        }
        ("DELETE", ["v1", "blueprints", of, "entities", id]) => {
            entities::delete(world, call, &by, &place(of, id))
        }
        _ => Err(Box::new(wire::not_found("Route", call.path))),
    }
}
