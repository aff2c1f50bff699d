//! What changes people and artifacts, and what is asked before.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::sandbox::{
    projectplace::{
        ProjectPlace,
        model::{Artifact, Role, Sort, Standing, User},
        people::{read_id, write_id},
        settings::{FailedForm, Gone},
    },
    tenant::{Answer, Call, Service},
};

/// One action that was worked on, done or refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionRecord {
    /// The tenant's time.
    pub at: DateTime<Utc>,
    /// Whom it was about.
    pub user: u64,
    /// The action's name.
    pub action: String,
    /// Why it was refused; none: it was done.
    pub refused: Option<String>,
}

/// The new head administrator of each artifact that changes hands.
type Handover = BTreeMap<(Sort, u64), u64>;

impl ProjectPlace {
    /// Answers `GET /1/account/people/{id}/owned-artifacts`.
    pub(crate) fn owned_artifacts(&self, id: &str) -> Answer {
        let user = id.parse().ok().and_then(|id| self.book.present(id));
        let Some(user) = user else {
            return match self.settings.gone {
                Gone::NotFound => Self::refusal(404, "No such user"),
                Gone::Failed | Gone::Succeeded => Answer::json(200, json!({})),
            };
        };
        let owned = |sort: Sort| -> Value {
            let artifacts = self.book.headed_by(user.id);
            let row = |artifact: &Artifact| {
                let id = write_id(artifact.id, self.settings.artifact_ids);
                json!({ "id": id, "name": artifact.name })
            };
            artifacts.filter(|a| a.sort == sort).map(row).collect()
        };
        // Workspaces stand one level deeper than the others.
        let body = json!({ user.id.to_string(): {
            "projects_data": { "projects_owner": owned(Sort::Workspace) },
            "portfolios_owner": owned(Sort::Portfolio),
            "teams_owner": owned(Sort::Team),
            "templates_owner": owned(Sort::Template),
        } });
        Answer::json(200, body)
    }

    /// Answers `POST /1/account/people/{id}`: what is refused is refused inside a 200.
    pub(crate) fn act(&mut self, id: &str, call: &Call<'_>) -> Answer {
        let body = call.json().unwrap_or_default();
        let action = body.get("action").and_then(Value::as_str);
        let first = body.get("params").and_then(|params| params.get(0));
        let (Some(action), Some(first), Ok(user)) = (action, first, id.parse::<u64>()) else {
            return Self::refusal(400, "An action and its params are required");
        };
        let outcome = match action {
            "delete_account_user" => read_handover(user, first)
                .map(|handover| self.take_out(user, &handover, Standing::Deleted)),
            "remove_account_user" => read_handover(user, first)
                .map(|handover| self.take_out(user, &handover, Standing::Removed)),
            "add_secondary_email" => first
                .as_str()
                .map(|email| self.add_email(user, email))
                .ok_or("params must be an address"),
            _ => Err("Unknown action"),
        };
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(why) => return Self::refusal(400, why),
        };
        self.order = None;
        self.actions.push(ActionRecord {
            at: call.now,
            user,
            action: action.to_owned(),
            refused: outcome.err().map(str::to_owned),
        });
        let again = outcome == Err(ALREADY_GONE) && action != "add_secondary_email";
        if again && self.settings.gone == Gone::Succeeded {
            return self.reply(user, Ok(()));
        }
        self.reply(user, outcome)
    }

    fn reply(&self, user: u64, outcome: Result<(), &'static str>) -> Answer {
        let id = user.to_string();
        let absent = matches!(outcome, Err(ALREADY_GONE | NOBODY));
        if absent && self.settings.gone == Gone::NotFound {
            return Self::refusal(404, "No such user");
        }
        let (succeeded, failed) = match (outcome, self.settings.failed) {
            (Ok(()), FailedForm::List) => (json!([id]), json!([])),
            (Ok(()), FailedForm::Object) => (json!([id]), json!({})),
            (Err(_), FailedForm::List) => (json!([]), json!([id])),
            (Err(why), FailedForm::Object) => (json!([]), json!({ id: why })),
        };
        Answer::json(200, json!({ "succeeded": succeeded, "failed": failed }))
    }

    /// Hands over what somebody is head of and takes them out; all of it or nothing, unless the
    /// tenant takes such calls by half.
    fn take_out(&mut self, id: u64, handover: &Handover, to: Standing) -> Result<(), &'static str> {
        let known = self.book.user(id).ok_or(NOBODY)?;
        if known.standing != Standing::Here {
            return Err(ALREADY_GONE);
        }
        self.may_leave(known, to)?;
        self.check_handover(id, handover)?;
        for ((sort, artifact), head) in handover {
            // Checked just above, under the same lock.
            let _ = self.book.set_head(*sort, *artifact, *head);
        }
        if self.settings.half_taken {
            return Err("The user could not be taken out");
        }
        self.book.set_standing(id, to);
        Ok(())
    }

    fn may_leave(&self, user: &User, to: Standing) -> Result<(), &'static str> {
        match (user.role, to) {
            (Role::Owner, _) => Err("The account owner cannot be taken out"),
            (Role::External, Standing::Deleted) => Err("External members cannot be deleted"),
            (Role::Unregistered, Standing::Deleted) if !self.settings.unregistered_deletable => {
                Err("Unregistered users cannot be deleted")
            }
            (Role::CoOwner, _) if !self.settings.co_owners_removable => {
                Err("Only the account owner removes co-owners")
            }
            (Role::Robot, _) if !self.settings.robots_removable => {
                Err("Robots cannot be taken out")
            }
            _ => Ok(()),
        }
    }

    fn check_handover(&self, id: u64, handover: &Handover) -> Result<(), &'static str> {
        for ((sort, artifact), head) in handover {
            let artifact = self.book.artifact(*sort, *artifact);
            if artifact.is_none_or(|artifact| artifact.head != id) {
                return Err("The user is not head administrator of what is handed over");
            }
            if *head == id || !self.book.can_head(*head) {
                return Err("The new head administrator must be another member of the account");
            }
        }
        let mut owned = self.book.headed_by(id);
        if owned.all(|artifact| handover.contains_key(&(artifact.sort, artifact.id))) {
            Ok(())
        } else {
            Err("The user is head administrator")
        }
    }

    fn add_email(&mut self, id: u64, email: &str) -> Result<(), &'static str> {
        let known = self.book.user(id).ok_or(NOBODY)?;
        if known.standing != Standing::Here {
            return Err(ALREADY_GONE);
        }
        let named = email.split_once('@');
        if named.is_none_or(|(name, domain)| name.is_empty() || domain.is_empty()) {
            return Err("The address is not valid");
        }
        if self.book.by_email(email).is_some() {
            return Err("The address is taken");
        }
        self.book.add_email(id, email);
        Ok(())
    }

    /// Answers `DELETE /1/projects/{id}`.
    pub(crate) fn delete_project(&mut self, id: &str) -> Answer {
        let id = id.parse().ok();
        if id.is_some_and(|id| self.book.remove_artifact(Sort::Workspace, id)) {
            Answer::json(200, Value::Object(Map::new()))
        } else {
            Self::refusal(404, "No such workspace")
        }
    }
}

const NOBODY: &str = "There is no such user";
const ALREADY_GONE: &str = "The user is not in the account";

/// Reads `{"1001": {"workspaces": {"9001": "42"}, …}}`: this user alone, all four maps there.
fn read_handover(user: u64, params: &Value) -> Result<Handover, &'static str> {
    const SHAPE: &str = "params must map the user to what is handed over";
    let params = params.as_object().filter(|params| params.len() == 1);
    let maps = params.and_then(|params| params.get(&user.to_string()));
    let maps = maps.and_then(Value::as_object).ok_or(SHAPE)?;
    if maps.len() != Sort::ALL.len() {
        return Err(SHAPE);
    }
    let mut handover = Handover::new();
    for sort in Sort::ALL {
        let map = maps.get(sort.handover_key()).and_then(Value::as_object);
        for (id, head) in map.ok_or(SHAPE)? {
            let id = id.parse().map_err(|_| SHAPE)?;
            handover.insert((sort, id), read_id(head).ok_or(SHAPE)?);
        }
    }
    Ok(handover)
}
