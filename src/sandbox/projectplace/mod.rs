//! A Planview ProjectPlace account on loopback, with the service's behaviour and its traps.
//!
//! What is known comes from the vendor's published API examples. Where they are silent, a setting
//! has both answers ([`Settings`]), and the default is the less convenient one:
//!
//! - `expires` instead of `expires_in`; `id` is an integer where `userid` is a string;
//! - somebody who never logged in has `last_login: 0`;
//! - a page has at most 100 rows, whatever `limit` asks for, and nothing says so;
//! - the range of days leaves out both of its ends and counts days one hour east of UTC;
//! - `GET /1/account/people` has neither names nor external and unregistered people;
//! - `failed` is an object; who is gone already is refused like anybody else, and owns `{}`;
//! - unregistered people can be removed but, like externals, not deleted;
//! - co-owners can be taken out, and so can the robot whose credentials are used, which ends them;
//! - robots are hidden; where they are shown they pass for members.
//!
//! A person's part in the population becomes a role: the key's user is the co-owner who made the
//! robot, guests are external, disabled accounts are unregistered, as this service disables nobody.
//!
//! Decided without a setting: unknown words in a search are refused with 400; an empty list of
//! roles finds nobody and none at all finds everybody, the owner too; members can be removed as
//! well as deleted, under the same rule for what they head; a call names one user, with all four
//! maps; errors are `{"error": {"code", "message"}}`, those of the token request as in RFC 6749;
//! OAuth 1 parameters stand in the header only; a request is signed for the `Host` that it names.

mod access;
mod actions;
mod control;
mod model;
mod oauth1;
mod people;
mod populate;
mod rehearse;
mod settings;
#[cfg(test)]
mod tests;

use std::{io, sync::Arc};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

pub use crate::sandbox::projectplace::rehearse::rehearse;
pub use crate::sandbox::projectplace::{
    access::Credentials,
    actions::ActionRecord,
    model::{Artifact, MAX_CO_OWNERS, Mistake, Role, Sort, Standing, User},
    populate::{FIRST_USER, ROBOT, user_id},
    settings::{FailedForm, Gone, IdForm, Lifetime, Never, Settings},
};
use crate::sandbox::{
    population::Population,
    projectplace::{access::Access, model::Book, people::Search},
    tenant::{Answer, Call, Handle, Options, Service, Tenant},
};

/// What an account starts with.
pub type ProjectPlaceOptions = Options<Settings>;

/// The account: its people, what they head, its credentials, its settings.
#[derive(Debug)]
pub struct ProjectPlace {
    settings: Settings,
    book: Book,
    access: Access,
    actions: Vec<ActionRecord>,
    /// The newest search and what it found.
    order: Option<(Search, Arc<Vec<u64>>)>,
}

/// A running account; it stops when this is dropped.
pub type ProjectPlaceHandle = Handle<ProjectPlace, Credentials>;

impl ProjectPlace {
    /// Starts an account on its own thread.
    ///
    /// # Errors
    /// The address is not loopback or in use, or no thread could be made.
    pub fn start(options: ProjectPlaceOptions) -> io::Result<ProjectPlaceHandle> {
        let now = options.now.unwrap_or_else(Utc::now);
        let service = Self::new(&options.population, options.settings, now);
        let credentials = service.credentials().clone();
        let tenant = Tenant::start(options.bind, options.now, service)?;
        Ok(Handle {
            tenant,
            given: credentials,
        })
    }

    /// Makes an account without a server.
    pub(crate) fn new(population: &Population, settings: Settings, now: DateTime<Utc>) -> Self {
        Self {
            settings,
            book: populate::book(population, now),
            access: Access::new(population.seed),
            actions: Vec::new(),
            order: None,
        }
    }
}

impl ProjectPlaceHandle {
    /// Returns the credentials the account was started with.
    pub fn credentials(&self) -> &Credentials {
        &self.given
    }
}

impl Service for ProjectPlace {
    const NAME: &'static str = "projectplace";
    const DATES: &'static [&'static str] = &["last_login"];
    const TOTALS: &'static [&'static str] = &[];

    fn answer(&mut self, call: &Call<'_>) -> Answer {
        let segments = call.segments();
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        if (call.method, parts.as_slice()) == ("POST", &["oauth2", "access_token"]) {
            return self.access.token(call, &self.settings);
        }
        // The credentials go with the robot they belong to.
        if self.book.present(ROBOT).is_none() {
            return Self::refusal(401, "The robot is gone");
        }
        if let Err((status, why)) = self.access.check(call, &self.settings) {
            return Self::refusal(status, why);
        }
        match (call.method, parts.as_slice()) {
            ("GET", ["1", "account"]) => self.account(),
            ("GET", ["1", "account", "members"]) => self.list_members(call),
            ("GET", ["1", "account", "people"]) => self.list_people(),
            ("POST", ["1", "account", "people"]) => self.search_people(call),
            ("GET", ["1", "account", "people", id, "owned-artifacts"]) => self.owned_artifacts(id),
            ("POST", ["1", "account", "people", id]) => self.act(id, call),
            ("DELETE", ["1", "projects", id]) => self.delete_project(id),
            _ => Self::refusal(404, "Not found"),
        }
    }

    fn refusal(status: u16, message: &str) -> Answer {
        let body = json!({ "error": { "code": status, "message": message } });
        Answer::json(status, body)
    }

    fn items(body: &mut Value) -> Vec<&mut Map<String, Value>> {
        if body.is_array() || body.get("members").is_some() {
            let list = Self::list(body).into_iter().flatten();
            return list.filter_map(Value::as_object_mut).collect();
        }
        let Some(object) = body.as_object_mut() else {
            return Vec::new();
        };
        // What somebody owns stands below their id.
        let of_user = object.len() == 1 && object.keys().all(|id| id.parse::<u64>().is_ok());
        if of_user {
            object
                .values_mut()
                .filter_map(Value::as_object_mut)
                .collect()
        } else {
            vec![object]
        }
    }

    fn list(body: &mut Value) -> Option<&mut Vec<Value>> {
        match body {
            Value::Array(list) => Some(list),
            body => body.get_mut("members")?.as_array_mut(),
        }
    }

    fn control(
        &mut self,
        name: &str,
        args: Value,
        now: DateTime<Utc>,
    ) -> Option<Result<Value, String>> {
        self.call(name, args, now)
    }
}
