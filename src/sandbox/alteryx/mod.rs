//! An Alteryx Analytics Cloud workspace on loopback, with the service's behaviour and its traps.
//!
//! One address stands for the API's host, its gateway and the token endpoint (`/as/token`).
//!
//! Where nothing is known of the service, [`Settings`] hold every possible behaviour, and the less
//! convenient one is the default:
//!
//! - A missing project id or `User-Agent` and an invalid access token are answered with the
//!   gateway's `fault`; a missing `x-alteryx-workspace-gid` with 400, another workspace's with 403.
//! - A refresh token that is used twice ends its whole family, access tokens included; `expires_in`
//!   is a text; the `iss` of a token names a host that is not the configured one.
//! - A `limit` above 100 is clamped in silence; `noLimit` does nothing; without a `sort`, whoever
//!   was changed last comes last.
//! - An invitation shows in `status` alone, a suspension in `isDisabled` alone; other people's rows
//!   say `isAdmin: false` whatever is true; `includeStatus` is needed to see administrators who
//!   are invited or suspended.
//! - A workspace named by its gid or by another number gives 404 `DataNotFoundException`, as a
//!   person who is gone does.
//! - Bulk suspension leaves out whom it cannot suspend and answers 204; unsuspending is bulk only.
//! - A transfer takes ids as numbers alone and addresses letter by letter, and does not mind a
//!   receiver who is suspended; a deleted user on either side gives 400; asset ids that the person
//!   does not own give 404, and nothing is moved. The types of assets are a guess.
//! - Nobody can suspend or remove themselves (403); another administrator can be removed.
//! - A body that is not said to be JSON gives 415, under a guessed name.
//! - `DELETE` and `PATCH /v4/people/{id}` are not there.

mod change;
mod control;
mod fill;
mod model;
mod people;
mod quota;
mod rehearse;
mod routes;
mod settings;
#[cfg(test)]
mod tests;
mod token;
mod wire;

use std::{fmt, io};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};

pub use crate::sandbox::alteryx::rehearse::rehearse;
pub use crate::sandbox::alteryx::{
    fill::person_id,
    model::{ASSET_TYPES, Asset, Person, Transfer, Workspace},
    settings::{
        Bulk, Deleted, Drift, ExpiresIn, ForeignAdmin, Gone, Never, NoRoute, NoWorkspace,
        OverLimit, RateLimit, Reset, Schema, Settings, Shown, StaticToken, SuspendShown,
        Transferred, Unauthorized,
    },
    token::TokenPair,
};
use crate::sandbox::{
    alteryx::{model::World, quota::Quota, token::Tokens},
    population::{Population, Prng},
    tenant::{Answer, Call, Handle, Options, Service, Tenant},
};

/// What a tenant starts with; the tokens stand for the population's number 1.
pub type AlteryxOptions = Options<Settings>;

/// What a client needs to speak to the tenant.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The OAuth client.
    pub client_id: String,
    /// The first tokens.
    pub tokens: TokenPair,
    /// The API project.
    pub project_id: String,
    /// The workspace's number.
    pub workspace_id: u64,
    /// The workspace's ULID.
    pub gid: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("workspace_id", &self.workspace_id)
            .finish_non_exhaustive()
    }
}

/// One workspace and the token server in front of it.
#[derive(Debug)]
pub struct Alteryx {
    settings: Settings,
    world: World,
    tokens: Tokens,
    quota: Quota,
    requests: Prng,
}

/// A running tenant; it stops when this is dropped.
pub type AlteryxHandle = Handle<Alteryx, Credentials>;

impl Alteryx {
    /// Starts a tenant on its own thread.
    ///
    /// # Errors
    /// The address is not loopback or in use, or no thread could be made.
    pub fn start(options: AlteryxOptions) -> io::Result<AlteryxHandle> {
        let now = options.now.unwrap_or_else(Utc::now);
        let project_id = options.settings.project_id.clone().unwrap_or_default();
        let service = Self::new(options.settings, &options.population, now);
        let (client_id, workspace) = (
            service.tokens.client_id.clone(),
            service.world.workspace.clone(),
        );
        let tenant = Tenant::start(options.bind, options.now, service)?;
        let (control, url) = (tenant.control(), tenant.url());
        let tokens = control.with(|service| service.issue_tokens(&url, now));
        Ok(Handle {
            tenant,
            given: Credentials {
                client_id,
                tokens,
                project_id,
                workspace_id: workspace.id,
                gid: workspace.gid,
            },
        })
    }

    fn new(settings: Settings, population: &Population, now: DateTime<Utc>) -> Self {
        let mut world = World::new(Workspace {
            id: 31_429,
            gid: "01JSANDB0XW0RKSPACE0000001".to_owned(),
            name: "sandbox".to_owned(),
            state: "active".to_owned(),
            created: now - TimeDelta::days(1_200),
        });
        fill::populate(&mut world, population, now);
        Self {
            settings,
            world,
            tokens: Tokens::new(population.seed),
            quota: Quota::default(),
            requests: Prng::new(population.seed ^ 0x12E9_0E57),
        }
    }
}

impl AlteryxHandle {
    /// Returns the address of the token endpoint.
    pub fn token_url(&self) -> String {
        format!("{}/as/token", self.url())
    }

    /// Returns what the tenant was started with; the tokens may have been used since.
    pub fn credentials(&self) -> &Credentials {
        &self.given
    }
}

/// Gives an answer the id of its request.
fn marked(answer: Answer, id: String) -> Answer {
    answer.with("x-trifacta-request-id", id)
}

impl Service for Alteryx {
    const NAME: &'static str = "alteryx";
    const DATES: &'static [&'static str] =
        &["lastLoginTime", "lastStateChange", "createdAt", "updatedAt"];
    const TOTALS: &'static [&'static str] = &["count"];

    fn answer(&mut self, call: &Call<'_>) -> Answer {
        let answer = if call.path == "/as/token" {
            self.tokens.answer(&self.settings, call)
        } else {
            self.api(call)
        };
        marked(answer, self.requests.uuid().to_string())
    }

    fn refusal(status: u16, message: &str) -> Answer {
        marked(
            wire::refusal(status, message),
            uuid::Uuid::new_v4().to_string(),
        )
    }

    fn items(body: &mut Value) -> Vec<&mut Map<String, Value>> {
        if body.get("data").is_some_and(Value::is_array) {
            let list = body.get_mut("data").and_then(Value::as_array_mut);
            let items = list.into_iter().flatten();
            return items.filter_map(Value::as_object_mut).collect();
        }
        body.as_object_mut().into_iter().collect()
    }

    fn list(body: &mut Value) -> Option<&mut Vec<Value>> {
        body.get_mut("data")?.as_array_mut()
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
