//! A Huwise (formerly Opendatasoft) domain on loopback: its Automation API v1.0, with the
//! service's behaviour and its traps.
//!
//! Where nothing is known of the service, [`Settings`] hold every possible behaviour, and the less
//! convenient one is the default:
//!
//! - A path without its closing slash and a path that is not there give the same 404 `not_found`
//!   as a user who is gone.
//! - The scheme `apikey` is taken in small letters alone; 401 and 403 have `detail` and nothing
//!   else; `total_count` is a text; a `limit` above 1000 gives 1000 and says nothing.
//! - Without a `sort`, users stand in the order of joining, so that whoever is invited again has
//!   moved to the end.
//! - A filter by several permissions finds whoever holds all of them; a permission that does not
//!   exist is held by nobody. An expired user is still found, and
//!   is let in no more.
//! - `last_seen_at` and `last_login_at` have 0 to 6 fractional digits, another number for each
//!   user; the dates of a returning user are those from before: `joined_at` alone is new.
//! - An administrator sees only their own API keys, in `results` and in `total_count`, and cannot
//!   revoke others'. Keys that belong to a deleted user are gone from the list.
//! - The last administrator is refused with 400 `bad_request`, and counts as such whether the
//!   permission is direct or inherited. Taking them out of the group that grants it is not refused.
//! - Users can delete themselves, and end their own key with it.
//! - A `PUT` empties what its body leaves out, groups too.
//! - Whether a call with a key moves `last_seen_at`: it does not.
//!
//! Not there: `/users/export/`, `/users/provision/`, the making of groups and keys.

mod control;
mod fill;
mod groups;
mod keys;
mod listing;
mod model;
mod rehearse;
mod routes;
mod settings;
#[cfg(test)]
mod tests;
mod users;
mod wire;

use std::io;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

pub use crate::sandbox::huwise::rehearse::rehearse;
pub use crate::sandbox::huwise::{
    fill::{ADMINS, DESIGNERS, READERS, username},
    model::{ADMIN, AccountType, ApiKey, Departed, Group, PERMISSIONS, User},
    settings::{
        ForeignKeys, LastAdmin, NoPermissions, NoSlash, PutAbsent, Quota, Reset, Settings, Several,
        Shape, Total, UnknownPermission,
    },
};
use crate::sandbox::{
    huwise::{model::World, routes::Used},
    population::Population,
    tenant::{Answer, Call, Handle, Options, Service, Tenant},
};

/// What a domain starts with; the key belongs to the population's number 1.
pub type HuwiseOptions = Options<Settings>;

/// One domain.
#[derive(Debug)]
pub struct Huwise {
    settings: Settings,
    world: World,
    used: Used,
}

/// A running domain; it stops when this is dropped. The API is below `/api/automation/v1.0/`.
pub type HuwiseHandle = Handle<Huwise, String>;

impl Huwise {
    /// Starts a domain on its own thread.
    ///
    /// # Errors
    /// The address is not loopback or in use, or no thread could be made.
    pub fn start(options: HuwiseOptions) -> io::Result<HuwiseHandle> {
        let now = options.now.unwrap_or_else(Utc::now);
        let (service, key) = Self::new(options.settings, &options.population, now);
        let tenant = Tenant::start(options.bind, options.now, service)?;
        Ok(Handle { tenant, given: key })
    }

    /// Makes a domain without a server, and its key.
    fn new(settings: Settings, population: &Population, now: DateTime<Utc>) -> (Self, String) {
        let mut world = World::new(population.seed);
        let key = fill::populate(&mut world, population, now);
        let service = Self {
            settings,
            world,
            used: Used::default(),
        };
        (service, key)
    }
}

impl HuwiseHandle {
    /// Returns the API key the domain was started with.
    pub fn key(&self) -> &str {
        &self.given
    }
}

impl Service for Huwise {
    const NAME: &'static str = "huwise";
    const DATES: &'static [&'static str] =
        &["joined_at", "last_seen_at", "last_login_at", "created_at"];
    const TOTALS: &'static [&'static str] = &["total_count"];

    fn answer(&mut self, call: &Call<'_>) -> Answer {
        self.api(call)
    }

    fn refusal(status: u16, message: &str) -> Answer {
        wire::refusal(status, message)
    }

    fn items(body: &mut Value) -> Vec<&mut Map<String, Value>> {
        wire::items(body)
    }

    fn list(body: &mut Value) -> Option<&mut Vec<Value>> {
        body.get_mut("results")?.as_array_mut()
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
