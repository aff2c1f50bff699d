//! A SCIM 2.0 service provider on loopback (RFC 7643, RFC 7644, RFC 9865).
//!
//! The default is a provider that keeps to the RFCs and takes every liberty they leave to it;
//! [`Settings`] make it one of those found in the field, which do not. Decided:
//!
//! - A page has at most 100 users whatever `count` asks for, 50 where nothing is asked; an empty
//!   list has no `Resources`; whoever is changed goes to the end of the list, so that a reader who
//!   changes users between two pages skips some.
//! - A `startIndex` below 1 is 1, a negative `count` is 0. Pages by cursor have no `totalResults`,
//!   and are those of the moment of the first page, without whoever was deleted since; a cursor
//!   with another query gives `invalidCursor`. Where there is no paging by cursor, `cursor` is
//!   passed over. `startIndex` where there are only cursors gives 501.
//! - Filters compare by `eq`, dates also by `gt`, `ge`, `lt` and `le`, joined by `and`; anything
//!   else (`or`, `not`, `pr`, `co`, brackets) gives 400 `invalidFilter`. `userName` is the same
//!   whatever its case, `externalId` is not.
//! - There is no attribute for the last login, as in the RFCs; [`Activity`] adds one. A login
//!   moves neither `meta.lastModified` nor the version.
//! - Bodies must be `application/scim+json`. A `PATCH` answers 204 and takes `active` as a boolean
//!   alone; paths with filters (`emails[type eq "work"]`) give `invalidPath`.
//! - A `PUT` empties what its body leaves out, and sets `active` to true if that is left out.
//! - A body that changes nothing moves no version.
//! - `POST /Users` with a name that a hidden or inactive user has gives 409 `uniqueness`.
//!
//! Not there: groups, bulk, `/Me`, `/.search`, sorting.

mod control;
mod discovery;
mod fill;
mod filter;
mod limit;
mod list;
mod model;
mod patch;
mod rehearse;
mod resource;
mod routes;
mod select;
mod settings;
#[cfg(test)]
mod tests;
mod token;
mod users;
mod wire;

use std::io;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

pub use crate::sandbox::scim::rehearse::rehearse;
pub use crate::sandbox::scim::{
    model::User,
    settings::{
        ActiveForm, ActiveValue, Activity, AdminForm, ClientAuth, DateForm, Delete, Disliked, Etag,
        Filters, IndexRefused, Login, Never, OpCase, Paging, PatchPath, Patches, PutAbsent,
        RateLimit, RetryAfter, Settings,
    },
    token::Credentials,
};
use crate::sandbox::{
    population::Population,
    scim::{limit::Used, model::World, token::Tokens},
    tenant::{Answer, Call, Handle, Options, Service, Tenant},
};

/// What a tenant starts with.
pub type ScimOptions = Options<Settings>;

/// One service provider and its token endpoint.
#[derive(Debug)]
pub struct Scim {
    settings: Settings,
    world: World,
    tokens: Tokens,
    used: Used,
}

/// A running provider; it stops when this is dropped.
pub type ScimHandle = Handle<Scim, (Credentials, String)>;

impl Scim {
    /// Starts a provider on its own thread.
    ///
    /// # Errors
    /// The address is not loopback or in use, or no thread could be made.
    pub fn start(options: ScimOptions) -> io::Result<ScimHandle> {
        let now = options.now.unwrap_or_else(Utc::now);
        let base = options.settings.base.clone();
        let service = Self::new(options.settings, &options.population, now);
        let credentials = service.credentials().clone();
        let tenant = Tenant::start(options.bind, options.now, service)?;
        Ok(Handle {
            tenant,
            given: (credentials, base),
        })
    }

    /// Makes a provider without a server.
    fn new(settings: Settings, population: &Population, now: DateTime<Utc>) -> Self {
        let mut world = World::new(population.seed);
        fill::populate(&mut world, population, now);
        Self {
            settings,
            world,
            tokens: Tokens::new(population.seed),
            used: Used::default(),
        }
    }
}

impl ScimHandle {
    /// Returns the address that `/Users` stands below.
    pub fn base_url(&self) -> String {
        format!("{}{}", self.url(), self.given.1)
    }

    /// Returns the address of the token endpoint.
    pub fn token_url(&self) -> String {
        format!("{}/oauth/token", self.url())
    }

    /// Returns the credentials the provider was started with.
    pub fn credentials(&self) -> &Credentials {
        &self.given.0
    }
}

impl Service for Scim {
    const NAME: &'static str = "scim";
    const DATES: &'static [&'static str] = &["lastLogin", "created", "lastModified"];
    const TOTALS: &'static [&'static str] = &["totalResults"];
    const COUNTS: &'static [&'static str] = &["itemsPerPage"];

    fn answer(&mut self, call: &Call<'_>) -> Answer {
        self.route(call)
    }

    fn refusal(status: u16, message: &str) -> Answer {
        wire::refusal(status, message)
    }

    fn items(body: &mut Value) -> Vec<&mut Map<String, Value>> {
        wire::items(body)
    }

    fn list(body: &mut Value) -> Option<&mut Vec<Value>> {
        body.get_mut("Resources")?.as_array_mut()
    }

    fn control(
        &mut self,
        name: &str,
        args: Value,
        now: DateTime<Utc>,
    ) -> Option<Result<Value, String>> {
        control::call(self, name, args, now)
    }
}
