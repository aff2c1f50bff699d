//! From a request to the function that answers it: the gateway's checks, then the routes.

use serde_json::{Value, json};

use crate::sandbox::{
    alteryx::{
        Alteryx, change, people,
        settings::{NoRoute, NoWorkspace},
        wire::{
            Params, date, exception, fault, forbidden, gone, no_route, not_found, senseless,
            unauthorized,
        },
    },
    tenant::{Answer, Call},
};

impl Alteryx {
    /// Answers a request to the API.
    pub(crate) fn api(&mut self, call: &Call<'_>) -> Answer {
        if let Err(answer) = self.gateway(call) {
            return answer;
        }
        if let Some(answer) = self.quota.ordered() {
            return answer;
        }
        let limit = self.settings.rate_limit.as_ref();
        let Some(left) = self.quota.charge(limit, call.path, call.now) else {
            return self.route(call);
        };
        let answer = left.refusal().unwrap_or_else(|| self.route(call));
        left.headers(answer)
    }

    /// Checks what every request must carry.
    fn gateway(&self, call: &Call<'_>) -> Result<(), Answer> {
        let settings = &self.settings;
        let project = call.header("x-api-project-id");
        if settings.project_id.is_some() && project != settings.project_id.as_deref() {
            return Err(fault(401, "Invalid ApiKey", "oauth.v2.InvalidApiKey"));
        }
        if settings.needs_user_agent && call.header("user-agent").is_none_or(str::is_empty) {
            return Err(fault(403, "Missing User-Agent", "sandbox.MissingUserAgent"));
        }
        let accepted = call
            .bearer()
            .is_some_and(|token| self.tokens.accepts(settings, token, call.now));
        if !accepted || self.world.caller().is_none() {
            return Err(unauthorized(settings.unauthorized));
        }
        match call.header("x-alteryx-workspace-gid") {
            Some(gid) if gid == self.world.workspace.gid => Ok(()),
            Some(_) => Err(forbidden("The token is bound to another workspace")),
            None if settings.needs_gid => Err(senseless("x-alteryx-workspace-gid is missing")),
            None => Ok(()),
        }
    }

    fn route(&mut self, call: &Call<'_>) -> Answer {
        let missing = |form| no_route(form, call.method, call.path);
        let drifted = self.settings.drift.iter().find(|drift| {
            call.path.starts_with(&drift.path)
                && drift
                    .method
                    .as_ref()
                    .is_none_or(|method| method == call.method)
        });
        if let Some(drift) = drifted {
            return missing(drift.answer);
        }
        let segments = call.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let params = call.params();
        let (world, settings) = (&mut self.world, &self.settings);
        match (call.method, segments.as_slice()) {
            ("GET", ["v4", "people"]) => people::list(world, settings, &params),
            ("GET", ["v4", "people", "count"]) => gone("IAM_SCREAM_PEOPLE"),
            ("GET", ["v4", "people", "current"]) => people::current(world, settings, &params),
            ("GET", ["v4", "people", id]) => people::by_id(world, settings, id, &params),
            ("GET", ["v4", "workspaces", "current"] | ["iam", "v1", "workspaces", "current"]) => {
                self.workspace_answer()
            }
            ("GET", ["v4", "workspaces", id]) => match self.named(id, call) {
                Ok(()) => self.workspace_answer(),
                Err(answer) => answer,
            },
            ("PATCH", ["v4", "workspaces", "current", "transfer"]) => {
                self.administered(call, |service, body| {
                    change::transfer(&mut service.world, &service.settings, body, call.now)
                })
            }
            (_, ["v4", "workspaces", id, rest @ ..]) => self.in_workspace(call, id, rest, &params),
            ("GET", ["iam", "v1", "workspaces", id, "people"]) => {
                self.in_workspace(call, id, &["people"], &params)
            }
            _ => missing(NoRoute::Exception),
        }
    }

    /// Answers what lies below `/v4/workspaces/{id}/`.
    fn in_workspace(
        &mut self,
        call: &Call<'_>,
        id: &str,
        rest: &[&str],
        params: &Params,
    ) -> Answer {
        let known = match (call.method, rest) {
            ("GET", ["people"]) => self.settings.workspace_people,
            ("GET", ["admins"])
            | ("PATCH", ["transfer"])
            | ("POST", ["people", "suspend" | "unsuspend"])
            | ("PUT", ["people", _, "suspended"])
            | ("DELETE", ["people", _]) => true,
            _ => false,
        };
        if !known {
            return no_route(NoRoute::Exception, call.method, call.path);
        }
        if let Err(answer) = self.named(id, call) {
            return answer;
        }
        let now = call.now;
        self.administered(call, |service, body| {
            let (world, settings) = (&mut service.world, &service.settings);
            match rest {
                ["people"] => people::list(world, settings, params),
                ["admins"] => people::admins(world, settings, params),
                ["transfer"] => change::transfer(world, settings, body, now),
                ["people", "suspend"] => change::suspend_many(world, settings, body, true, now),
                ["people", "unsuspend"] => change::suspend_many(world, settings, body, false, now),
                ["people", id, "suspended"] => change::suspend(world, settings, id, now),
                ["people", id] => change::remove(world, settings, id, now),
                _ => no_route(NoRoute::Exception, call.method, call.path),
            }
        })
    }

    /// Refuses a workspace id that is not this workspace's number.
    fn named(&self, id: &str, call: &Call<'_>) -> Result<(), Answer> {
        if id == self.world.workspace.id.to_string() {
            return Ok(());
        }
        Err(match self.settings.wrong_workspace {
            NoWorkspace::DataNotFound => not_found("workspace"),
            NoWorkspace::RouteNotFound => no_route(NoRoute::Exception, call.method, call.path),
        })
    }

    /// Does what administrators alone may do.
    fn administered(
        &mut self,
        call: &Call<'_>,
        work: impl FnOnce(&mut Self, Option<&Value>) -> Answer,
    ) -> Answer {
        if !self.world.caller().is_some_and(|caller| caller.admin) {
            return forbidden("You do not administer this workspace");
        }
        let json = |form: &str| form.starts_with("application/json");
        if !call.body.is_empty() && !call.header("content-type").is_some_and(json) {
            let details = "The body must be application/json";
            return exception(
                415,
                "UnsupportedMediaType",
                "Unsupported Media Type",
                details,
            );
        }
        let body = call.json();
        work(self, body.as_ref())
    }

    fn workspace_answer(&self) -> Answer {
        let workspace = &self.world.workspace;
        let (id, created) = (workspace.id, date(workspace.created));
        let people = self.world.people().iter();
        let members = people.filter(|person| person.removed.is_none()).count();
        let tier = json!({
            "id": id.saturating_sub(1),
            "isSingleUser": false,
            "name": "enterprise_cloud22",
            "startsAt": created,
            "trialState": "None",
            "workspace": { "id": id },
        });
        Answer::json(
            200,
            json!({
                "id": id,
                "name": workspace.name,
                "state": workspace.state,
                "lastStateChange": null,
                "custom_url": format!("{}.sandbox.invalid", workspace.name),
                "max_user_number": 5000,
                "gid": workspace.gid,
                "createdAt": created,
                "updatedAt": created,
                "workspacetiers": { "data": [tier] },
                "workspace_member_count": members,
                "workspace_tier": "enterprise_cloud22",
                "emrCluster": null,
            }),
        )
    }
}
