//! What a test or the demo can see and change in a domain, in the process and by name.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use crate::sandbox::{
    host::{done, read, to_json},
    huwise::{ApiKey, Departed, Group, Huwise, Settings, User},
};

impl Huwise {
    /// Returns the settings, to be changed in place.
    pub fn settings(&mut self) -> &mut Settings {
        // A setting can change who is listed.
        self.world.listing = None;
        &mut self.settings
    }

    /// Returns the users in the order of joining.
    pub fn users(&self) -> impl Iterator<Item = &User> {
        self.world.users()
    }

    /// Returns a user of the domain by username.
    pub fn user(&self, username: &str) -> Option<&User> {
        self.world.user(username)
    }

    /// Returns the user of the domain with an address, whatever the case.
    pub fn find(&self, email: &str) -> Option<&User> {
        self.world.by_mail(email)
    }

    /// Adds a user, or takes the place of the one with the same username.
    pub fn add_user(&mut self, user: User) {
        self.world.put(user);
    }

    /// Changes a user; false if there is none of this name.
    pub fn change(&mut self, username: &str, change: impl FnOnce(&mut User)) -> bool {
        let Some(mut user) = self.world.user(username).cloned() else {
            return false;
        };
        change(&mut user);
        username.clone_into(&mut user.username);
        self.world.put(user);
        true
    }

    /// Ends a membership behind the API's back.
    pub fn remove_user(&mut self, username: &str, now: DateTime<Utc>) -> bool {
        self.world.remove(username, now).is_some()
    }

    /// Returns the memberships that have ended, with what went with them.
    pub fn departed(&self) -> &[Departed] {
        &self.world.departed
    }

    /// Tells whether a user holds a permission, directly or through a group.
    pub fn holds(&self, username: &str, permission: &str) -> bool {
        let user = self.world.user(username);
        user.is_some_and(|user| self.world.holds(user, permission))
    }

    /// Adds a group, or takes the place of the one with the same uid and keeps its members.
    pub fn add_group(&mut self, group: Group) {
        self.world.put_group(group);
    }

    /// Puts a user into a group; false if there is no such group.
    pub fn join(&mut self, uid: &str, username: &str) -> bool {
        self.world.join(uid, username)
    }

    /// Takes a user out of a group; false if the user was not in it.
    pub fn leave(&mut self, uid: &str, username: &str) -> bool {
        self.world.leave(uid, username)
    }

    /// Returns the uids of a user's groups.
    pub fn groups_of(&self, username: &str) -> Vec<String> {
        self.world.groups_of(username).into_iter().collect()
    }

    /// Adds an API key and returns it with what the domain chose.
    pub fn add_key(&mut self, key: ApiKey) -> ApiKey {
        self.world.put_key(key)
    }

    /// Returns the API keys.
    pub fn keys(&self) -> impl Iterator<Item = &ApiKey> {
        self.world.keys()
    }
}

/// The arguments of every control that has some.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Args {
    username: String,
    email: String,
    group: String,
    permission: String,
    at: Option<DateTime<Utc>>,
}

/// Works on a control; none if there is none of that name.
pub(crate) fn call(
    service: &mut Huwise,
    name: &str,
    args: Value,
    now: DateTime<Utc>,
) -> Option<Result<Value, String>> {
    let whole = match name {
        "settings" => to_json(service.settings()),
        "set_settings" => read(args).and_then(|settings| {
            *service.settings() = settings;
            done()
        }),
        "add_user" => read(args).and_then(|user| {
            service.add_user(user);
            done()
        }),
        "add_group" => read(args).and_then(|group| {
            service.add_group(group);
            done()
        }),
        "add_key" => read(args).and_then(|key| to_json(service.add_key(key))),
        "users" => to_json(service.users().collect::<Vec<_>>()),
        "departed" => to_json(service.departed()),
        _ => {
            return match read(args) {
                Ok(args) => of_user(service, name, &args, now),
                Err(error) => Some(Err(error)),
            };
        }
    };
    Some(whole)
}

fn of_user(
    service: &mut Huwise,
    name: &str,
    args: &Args,
    now: DateTime<Utc>,
) -> Option<Result<Value, String>> {
    let username = args.username.as_str();
    Some(match name {
        "user" => to_json(service.user(username)),
        "find" => to_json(service.find(&args.email)),
        "remove_user" => to_json(service.remove_user(username, now)),
        "groups_of" => to_json(service.groups_of(username)),
        "holds" => to_json(service.holds(username, &args.permission)),
        "join" => to_json(service.join(&args.group, username)),
        "leave" => to_json(service.leave(&args.group, username)),
        "set_last_login" => to_json(service.change(username, |user| user.last_login = args.at)),
        "set_last_seen" => to_json(service.change(username, |user| user.last_seen = args.at)),
        "login" => to_json(service.change(username, |user| {
            let at = args.at.unwrap_or(now);
            (user.last_login, user.last_seen) = (Some(at), Some(at));
        })),
        _ => return None,
    })
}
