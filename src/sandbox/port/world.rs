//! The organisation's state behind its lock: users, who they are to the credentials, the log.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Instant,
};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::sandbox::port::{
    auth::{Credentials, Token},
    model::{AuditEvent, Entity, Place, Relation, Role, Status, USER_BLUEPRINT, User},
    settings::Settings,
};

/// The whole state of an organisation.
pub(crate) struct World {
    pub(crate) settings: Settings,
    pub(crate) org_id: String,
    pub(crate) credentials: Credentials,
    pub(crate) token: Option<Token>,
    /// Numbers the tokens, so that no two are alike.
    pub(crate) tokens: u64,
    users: BTreeMap<u64, User>,
    by_mail: BTreeMap<String, u64>,
    next_user: u64,
    /// Users who were deleted, as they were at the end.
    pub(crate) gone: BTreeMap<String, User>,
    /// Until when users whose entities were deleted can still be read.
    lingering: BTreeMap<String, DateTime<Utc>>,
    pub(crate) entities: BTreeMap<Place, Entity>,
    /// Which entities point at a place.
    pub(crate) pointing: BTreeMap<Place, BTreeSet<Place>>,
    /// Which entities somebody made, users' ones included.
    pub(crate) by_creator: BTreeMap<String, BTreeSet<Place>>,
    pub(crate) blueprints: BTreeMap<String, BTreeMap<String, Relation>>,
    audits: Vec<AuditEvent>,
    next_audit: u64,
    /// Grows with each change of a user or an entity.
    pub(crate) revision: u64,
    /// The last search with its findings, as a walk over all pages asks the same again and again.
    pub(crate) found: Option<(String, u64, Vec<Place>)>,
    /// The limiter's window: its start, and the requests in it.
    pub(crate) window: Option<(Instant, usize)>,
    /// How often the API really changed somebody's status.
    pub(crate) status_changes: BTreeMap<String, u64>,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("org_id", &self.org_id)
            .finish_non_exhaustive()
    }
}

impl World {
    /// Makes an organisation without users, entities and blueprints.
    pub(crate) fn new(settings: Settings, org_id: String, credentials: Credentials) -> Self {
        Self {
            settings,
            org_id,
            credentials,
            token: None,
            tokens: 0,
            users: BTreeMap::new(),
            by_mail: BTreeMap::new(),
            next_user: 0,
            gone: BTreeMap::new(),
            lingering: BTreeMap::new(),
            entities: BTreeMap::new(),
            pointing: BTreeMap::new(),
            by_creator: BTreeMap::new(),
            blueprints: BTreeMap::new(),
            audits: Vec::new(),
            next_audit: 1,
            revision: 0,
            found: None,
            window: None,
            status_changes: BTreeMap::new(),
        }
    }

    /// Returns the users in the order of their making.
    pub(crate) fn users(&self) -> impl Iterator<Item = &User> {
        self.users.values()
    }

    /// Returns the number of users, and so of `_user` entities.
    pub(crate) fn user_count(&self) -> usize {
        self.users.len()
    }

    /// Returns a user by the address, without regard to case.
    pub(crate) fn user(&self, email: &str) -> Option<&User> {
        let number = self.by_mail.get(&email.to_lowercase())?;
        self.users.get(number)
    }

    /// Returns a user as the API looks one up, with regard to case where that is set.
    pub(crate) fn look_up(&self, email: &str) -> Option<&User> {
        self.user(email)
            .filter(|user| !self.settings.case_sensitive || user.email == email)
    }

    /// Adds a user, or takes the place of the one with the same address.
    pub(crate) fn put_user(&mut self, mut user: User) {
        if user.id.is_empty() {
            user.id = crate::sandbox::port::model::id_of(&user.email);
        }
        self.revision += 1;
        let key = user.email.to_lowercase();
        let number = self.by_mail.get(&key).copied().unwrap_or(self.next_user);
        self.next_user = self.next_user.max(number + 1);
        self.by_mail.insert(key, number);
        if let Some(old) = self.users.remove(&number) {
            self.forget_creator(&old.created_by, &user_place(&old.email));
        }
        self.note_creator(&user.created_by, user_place(&user.email));
        self.users.insert(number, user);
    }

    /// Changes a user other than by the API; false if there is none, or if the change gives the
    /// user the address of another one.
    ///
    /// `updatedAt` is left to the change.
    pub(crate) fn change_user(&mut self, email: &str, change: impl FnOnce(&mut User)) -> bool {
        let Some(mut user) = self.user(email).cloned() else {
            return false;
        };
        let key = user.email.to_lowercase();
        change(&mut user);
        let new = user.email.to_lowercase();
        if new != key {
            if self.by_mail.contains_key(&new) {
                return false;
            }
            if let Some(number) = self.by_mail.remove(&key) {
                self.by_mail.insert(new, number);
            }
        }
        self.put_user(user);
        true
    }

    /// Takes a user and the entity away.
    pub(crate) fn drop_user(&mut self, email: &str) -> Option<User> {
        let number = self.by_mail.remove(&email.to_lowercase())?;
        let user = self.users.remove(&number)?;
        self.revision += 1;
        self.forget_creator(&user.created_by, &user_place(&user.email));
        self.gone.insert(user.email.to_lowercase(), user.clone());
        Some(user)
    }

    /// Keeps a deleted user readable for as long as the settings say.
    pub(crate) fn linger(&mut self, email: &str, now: DateTime<Utc>) {
        let until = now + TimeDelta::seconds(i64::from(self.settings.sync_seconds));
        self.lingering.insert(email.to_lowercase(), until);
    }

    /// Returns the deleted users that can still be read.
    pub(crate) fn lingering(&self, now: DateTime<Utc>) -> impl Iterator<Item = &User> {
        let keys = self
            .lingering
            .iter()
            .filter(move |(_, until)| **until > now);
        keys.filter(|(key, _)| !self.by_mail.contains_key(*key))
            .filter_map(|(key, _)| self.gone.get(key))
    }

    /// Invites an address: a new user, who keeps the id of an old one but nothing else.
    pub(crate) fn invite(&mut self, email: &str, role: Role, by: &str, now: DateTime<Utc>) -> User {
        let mut user = User::new(email, "", "", now);
        if let Some(old) = self.gone.remove(&email.to_lowercase()) {
            user.id = old.id;
            user.other_orgs = old.other_orgs;
        }
        user.status = Status::Invited;
        user.role = role;
        by.clone_into(&mut user.created_by);
        by.clone_into(&mut user.updated_by);
        self.put_user(user.clone());
        user
    }

    /// Plays a login: moves the last login and nothing else of an active user.
    ///
    /// A user who is gone but signs in through a provider comes back as a new one. False if the
    /// user is not there or is disabled.
    pub(crate) fn login(&mut self, email: &str, at: DateTime<Utc>) -> bool {
        if let Some(old) = self.gone.get(&email.to_lowercase())
            && self.user(email).is_none()
            && old.providers.iter().any(|provider| provider != "auth0")
        {
            let mut user = old.clone();
            (user.created, user.updated) = (at, at);
            (user.status, user.role) = (Status::Active, Role::Member);
            user.last_login = Some(at);
            self.gone.remove(&email.to_lowercase());
            self.put_user(user);
            return true;
        }
        if self
            .user(email)
            .is_none_or(|u| u.status == Status::Disabled)
        {
            return false;
        }
        self.change_user(email, |user| {
            user.last_login = user.last_login.max(Some(at));
            user.status = Status::Active;
            user.invited = true;
        })
    }

    /// Tells whether a user is the only active administrator among people.
    pub(crate) fn is_last_admin(&self, user: &User) -> bool {
        let admin = |user: &User| {
            user.role == Role::Admin && user.status == Status::Active && !user.service_account
        };
        admin(user) && self.users().filter(|user| admin(user)).count() == 1
    }

    pub(crate) fn note_creator(&mut self, id: &str, place: Place) {
        if !id.is_empty() {
            self.by_creator
                .entry(id.to_owned())
                .or_default()
                .insert(place);
        }
    }

    pub(crate) fn forget_creator(&mut self, id: &str, place: &Place) {
        if let Some(places) = self.by_creator.get_mut(id) {
            places.remove(place);
        }
    }

    /// Writes an event of the audit log where its time belongs, under the next identifier.
    pub(crate) fn add_audit(&mut self, mut event: AuditEvent) -> String {
        event.identifier = format!("event_{:016x}", self.next_audit);
        self.next_audit += 1;
        let identifier = event.identifier.clone();
        let place = self.audits.partition_point(|other| other.at <= event.at);
        self.audits.insert(place, event);
        identifier
    }

    /// Writes what a caller did to an entity through the API.
    pub(crate) fn audit(
        &mut self,
        (action, by): (&str, &str),
        place: &Place,
        diff: Value,
        now: DateTime<Utc>,
    ) {
        self.add_audit(AuditEvent {
            identifier: String::new(),
            at: now,
            action: action.to_owned(),
            user_id: by.to_owned(),
            origin: "API".to_owned(),
            blueprint: place.0.clone(),
            entity: place.1.clone(),
            diff,
        });
    }

    /// Returns the audit log, oldest first, after throwing away what is past its retention.
    pub(crate) fn audits(&mut self, now: DateTime<Utc>) -> &[AuditEvent] {
        let floor = now - TimeDelta::days(i64::from(self.settings.audit_days));
        let gone = self.audits.partition_point(|event| event.at < floor);
        self.audits.drain(..gone);
        &self.audits
    }
}

/// Returns the place of a user's entity.
pub(crate) fn user_place(email: &str) -> Place {
    (USER_BLUEPRINT.to_owned(), email.to_owned())
}
