//! What a test or the demo can see and change in a tenant, in the process and by name.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use crate::sandbox::{
    host::{done, read, to_json},
    scim::{Credentials, Scim, Settings, User},
};

impl Scim {
    /// Returns the settings, to be changed in place.
    pub fn settings(&mut self) -> &mut Settings {
        // A setting can change who is listed.
        self.world.listing = None;
        &mut self.settings
    }

    /// Returns the users in the order of a list, those that are hidden too.
    pub fn users(&self) -> impl Iterator<Item = &User> {
        self.world.users()
    }

    /// Returns a user by id, also a hidden one.
    pub fn user(&self, id: &str) -> Option<&User> {
        self.world.user(id)
    }

    /// Returns a user by name, whatever its case, also a hidden one.
    pub fn find(&self, user_name: &str) -> Option<&User> {
        self.world.by_name(user_name)
    }

    /// Adds a user, or takes the place of the one with the same id; returns the id.
    pub fn add_user(&mut self, user: User) -> String {
        self.world.put(user, false)
    }

    /// Changes a user as an administrator in the web pages would: the version and the date of the
    /// change move; false if there is none with this id.
    pub fn change(&mut self, id: &str, now: DateTime<Utc>, change: impl FnOnce(&mut User)) -> bool {
        let Some(mut user) = self.world.user(id).cloned() else {
            return false;
        };
        change(&mut user);
        id.clone_into(&mut user.id);
        user.version += 1;
        user.modified = now;
        self.world.put(user, self.settings.changed_last);
        true
    }

    /// Sets the last login; neither the version nor the date of the change moves.
    pub fn set_last_login(&mut self, id: &str, at: Option<DateTime<Utc>>) -> bool {
        let Some(mut user) = self.world.user(id).cloned() else {
            return false;
        };
        user.last_login = at;
        self.world.put(user, false);
        true
    }

    /// Deletes a user behind the API's back.
    pub fn remove_user(&mut self, id: &str) -> bool {
        self.world.remove(id)
    }

    /// Returns the users who were deleted for good.
    pub fn removed(&self) -> &[User] {
        &self.world.removed
    }

    /// Returns the credentials that are let in.
    pub fn credentials(&self) -> &Credentials {
        &self.tokens.credentials
    }

    /// Replaces the credentials and ends every issued token.
    pub fn set_credentials(&mut self, credentials: Credentials) {
        self.tokens.credentials = credentials;
        self.tokens.revoke();
    }

    /// Ends every token that the token endpoint issued.
    pub fn revoke_tokens(&mut self) {
        self.tokens.revoke();
    }

    /// Refuses the next requests with 429 and `Retry-After`.
    pub fn throttle(&mut self, times: u32, seconds: u32) {
        self.used.ordered = Some((times, seconds));
    }
}

/// The arguments of every control that has some.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Args {
    id: String,
    user_name: String,
    active: bool,
    admin: bool,
    at: Option<DateTime<Utc>>,
    times: u32,
    seconds: u32,
}

/// Works on a control; none if there is none of that name.
pub(crate) fn call(
    service: &mut Scim,
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
        "add_user" => read(args).and_then(|user| to_json(service.add_user(user))),
        "set_credentials" => read(args).and_then(|credentials| {
            service.set_credentials(credentials);
            done()
        }),
        "users" => to_json(service.users().collect::<Vec<_>>()),
        "removed" => to_json(service.removed()),
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
    service: &mut Scim,
    name: &str,
    args: &Args,
    now: DateTime<Utc>,
) -> Option<Result<Value, String>> {
    let id = args.id.as_str();
    match name {
        "user" => return Some(to_json(service.user(id))),
        "find" => return Some(to_json(service.find(&args.user_name))),
        "remove_user" => return Some(to_json(service.remove_user(id))),
        "set_last_login" => return Some(to_json(service.set_last_login(id, args.at))),
        "login" => {
            let at = args.at.unwrap_or(now);
            return Some(to_json(service.set_last_login(id, Some(at))));
        }
        "set_active" => {
            let changed = service.change(id, now, |user| user.active = args.active);
            return Some(to_json(changed));
        }
        "set_admin" => {
            let changed = service.change(id, now, |user| user.admin = args.admin);
            return Some(to_json(changed));
        }
        "revoke_tokens" => service.revoke_tokens(),
        "throttle" => service.throttle(args.times, args.seconds),
        _ => return None,
    }
    Some(done())
}
