//! Steers an account from within the process, or by name from another one.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use crate::sandbox::{
    host::{done, read, to_json},
    projectplace::{
        ActionRecord, Artifact, Credentials, Mistake, ProjectPlace, Role, Settings, Sort, Standing,
        User,
    },
};

impl ProjectPlace {
    /// Returns the settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Replaces the settings.
    pub fn set_settings(&mut self, settings: Settings) {
        self.order = None;
        self.settings = settings;
    }

    /// Changes the settings in place.
    pub fn change_settings(&mut self, change: impl FnOnce(&mut Settings)) {
        self.order = None;
        change(&mut self.settings);
    }

    /// Returns the credentials that are let in.
    pub fn credentials(&self) -> &Credentials {
        &self.access.credentials
    }

    /// Replaces the credentials and ends every token.
    pub fn set_credentials(&mut self, credentials: Credentials) {
        self.access.credentials = credentials;
        self.access.revoke();
    }

    /// Ends every bearer token; returns how many there were.
    pub fn revoke_tokens(&mut self) -> usize {
        self.access.revoke()
    }

    /// Returns everybody, robots and who is gone too, by id.
    pub fn users(&self) -> impl Iterator<Item = &User> {
        self.book.users()
    }

    /// Returns somebody, also who is gone.
    pub fn user(&self, id: u64) -> Option<&User> {
        self.book.user(id)
    }

    /// Returns who is there under an address.
    pub fn find(&self, email: &str) -> Option<&User> {
        self.book.by_email(email)
    }

    /// Adds somebody, or takes the place of who has the same id.
    ///
    /// # Errors
    /// A second owner or a sixth co-owner.
    pub fn add_user(&mut self, user: User) -> Result<(), Mistake> {
        self.order = None;
        self.book.put(user)
    }

    /// Changes somebody outside of the interface, as an administrator in the web pages would.
    ///
    /// # Errors
    /// Nobody has this id, or a second owner or a sixth co-owner would come of it.
    pub fn change_user(&mut self, id: u64, change: impl FnOnce(&mut User)) -> Result<(), Mistake> {
        let mut user = self.book.user(id).cloned().ok_or(Mistake::Nobody)?;
        change(&mut user);
        user.id = id;
        self.add_user(user)
    }

    /// Sets the newest login of somebody; false if nobody has this id.
    pub fn set_last_login(&mut self, id: u64, at: Option<DateTime<Utc>>) -> bool {
        self.order = None;
        self.book.set_login(id, at)
    }

    /// Returns everything that has a head administrator.
    pub fn artifacts(&self) -> impl Iterator<Item = &Artifact> {
        self.book.artifacts()
    }

    /// Adds something under the next id of its sort and returns that.
    ///
    /// # Errors
    /// The head is not there or cannot be head administrator.
    pub fn add_artifact(&mut self, sort: Sort, name: &str, head: u64) -> Result<u64, Mistake> {
        self.book.add_artifact(sort, name, head)
    }

    /// Gives something another head administrator, outside of the interface.
    ///
    /// # Errors
    /// It is not there, or the head is not there or cannot be head administrator.
    pub fn set_head(&mut self, sort: Sort, id: u64, head: u64) -> Result<(), Mistake> {
        self.book.set_head(sort, id, head)
    }

    /// Returns the id of the head administrator of something.
    pub fn head_of(&self, sort: Sort, id: u64) -> Option<u64> {
        Some(self.book.artifact(sort, id)?.head)
    }

    /// Returns what somebody is head administrator of.
    pub fn headed_by(&self, user: u64) -> impl Iterator<Item = &Artifact> {
        self.book.headed_by(user)
    }

    /// Returns the actions that were worked on, refused ones too, in their order.
    pub fn actions(&self) -> &[ActionRecord] {
        &self.actions
    }

    /// Calls a function by its name, with the arguments as a JSON object.
    pub(crate) fn call(
        &mut self,
        name: &str,
        args: Value,
        now: DateTime<Utc>,
    ) -> Option<Result<Value, String>> {
        Some(match name {
            "settings" => to_json(self.settings()),
            "set_settings" => read(args).and_then(|settings| {
                self.set_settings(settings);
                done()
            }),
            "set_credentials" => read(args).and_then(|credentials| {
                self.set_credentials(credentials);
                done()
            }),
            "revoke_tokens" => to_json(self.revoke_tokens()),
            "users" => to_json(self.users().collect::<Vec<_>>()),
            "artifacts" => to_json(self.artifacts().collect::<Vec<_>>()),
            "actions" => to_json(self.actions()),
            "add_user" => read(args).and_then(|user| made(self.add_user(user))),
            "find" => read(args).and_then(|Find { email }| to_json(self.find(&email))),
            "add_artifact" => read(args).and_then(|Add { sort, name, head }| {
                let id = self.add_artifact(sort, &name, head);
                to_json(id.map_err(|mistake| mistake.to_string())?)
            }),
            "set_head" => read(args)
                .and_then(|SetHead { sort, id, head }| made(self.set_head(sort, id, head))),
            "user" | "headed_by" | "login" | "set_last_login" | "set_email" | "set_name"
            | "set_role" | "set_standing" => {
                read(args).and_then(|args| self.call_user(name, args, now))
            }
            _ => return None,
        })
    }

    fn call_user(&mut self, name: &str, args: OfUser, now: DateTime<Utc>) -> Result<Value, String> {
        let id = args.id;
        let lacks = |field: &str| format!("{name} lacks {field}");
        match name {
            "user" => to_json(self.user(id)),
            "headed_by" => to_json(self.headed_by(id).collect::<Vec<_>>()),
            "login" => to_json(self.set_last_login(id, Some(args.at.unwrap_or(now)))),
            "set_last_login" => to_json(self.set_last_login(id, args.at)),
            "set_email" => {
                let email = args.email.ok_or_else(|| lacks("email"))?;
                made(self.change_user(id, |user| user.email = email))
            }
            "set_name" => {
                let new = args.name.ok_or_else(|| lacks("name"))?;
                made(self.change_user(id, |user| user.name = new))
            }
            "set_role" => {
                let role = args.role.ok_or_else(|| lacks("role"))?;
                made(self.change_user(id, |user| user.role = role))
            }
            _ => {
                let standing = args.standing.ok_or_else(|| lacks("standing"))?;
                made(self.change_user(id, |user| user.standing = standing))
            }
        }
    }
}

#[derive(Deserialize)]
struct Find {
    email: String,
}

#[derive(Deserialize)]
struct Add {
    sort: Sort,
    name: String,
    head: u64,
}

#[derive(Deserialize)]
struct SetHead {
    sort: Sort,
    id: u64,
    head: u64,
}

/// The arguments of what is about somebody; each function takes some of them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfUser {
    id: u64,
    #[serde(default)]
    at: Option<DateTime<Utc>>,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    role: Option<Role>,
    #[serde(default)]
    standing: Option<Standing>,
}

fn made(result: Result<(), Mistake>) -> Result<Value, String> {
    result.map_err(|mistake| mistake.to_string())?;
    done()
}
