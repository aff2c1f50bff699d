//! The whole state of a tenant, and what is found in it.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Instant,
};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::sandbox::docspace::{
    holdings::{Holdings, Move},
    keys::ApiKey,
    model::{AuditEvent, LoginEvent, Status, User},
    settings::Settings,
    tasks::{Task, TaskKind},
};

/// The whole state of a tenant behind its lock.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) settings: Settings,
    pub(crate) key_user: Uuid,
    pub(super) users: Vec<User>,
    by_id: BTreeMap<Uuid, usize>,
    by_mail: BTreeMap<String, usize>,
    /// Sorted listings by their query; emptied whenever a user changes.
    pub(crate) listings: BTreeMap<String, Arc<Vec<usize>>>,
    pub(super) logins: Vec<LoginEvent>,
    pub(super) audits: Vec<AuditEvent>,
    next_event: u64,
    pub(crate) status_changes: BTreeMap<Uuid, u64>,
    pub(crate) status_puts: BTreeMap<Uuid, u64>,
    pub(crate) delete_calls: BTreeMap<Uuid, u64>,
    pub(crate) holdings: BTreeMap<Uuid, Holdings>,
    pub(crate) moves: Vec<Move>,
    /// How many of their "My documents" were deleted for good.
    pub(crate) lost: BTreeMap<Uuid, u64>,
    pub(crate) tasks: BTreeMap<(TaskKind, Uuid), Task>,
    pub(crate) keys: Vec<ApiKey>,
    /// Who has which guests.
    pub(crate) guests_of: BTreeSet<(Uuid, Uuid)>,
    /// When the requests inside the limiter's window came.
    pub(crate) recent: VecDeque<Instant>,
    /// When the POST and PUT requests of the last day came, by the sandbox's clock.
    pub(crate) written: VecDeque<DateTime<Utc>>,
}

impl World {
    /// Makes an empty tenant.
    pub(crate) fn new(settings: Settings, key_user: Uuid) -> Self {
        Self {
            settings,
            key_user,
            users: Vec::new(),
            by_id: BTreeMap::new(),
            by_mail: BTreeMap::new(),
            listings: BTreeMap::new(),
            logins: Vec::new(),
            audits: Vec::new(),
            next_event: 1,
            status_changes: BTreeMap::new(),
            status_puts: BTreeMap::new(),
            delete_calls: BTreeMap::new(),
            holdings: BTreeMap::new(),
            moves: Vec::new(),
            lost: BTreeMap::new(),
            tasks: BTreeMap::new(),
            keys: Vec::new(),
            guests_of: BTreeSet::new(),
            recent: VecDeque::new(),
            written: VecDeque::new(),
        }
    }

    pub(super) fn next_id(&mut self) -> u64 {
        let id = self.next_event;
        self.next_event += 1;
        id
    }

    /// Adds a user or takes the place of the one with the same id.
    pub(crate) fn put_user(&mut self, user: User) {
        self.listings.clear();
        let index = self
            .by_id
            .get(&user.id)
            .copied()
            .unwrap_or(self.users.len());
        self.by_id.insert(user.id, index);
        if let Some(old) = self.users.get_mut(index) {
            self.by_mail.remove(&old.email.to_lowercase());
            self.by_mail.insert(user.email.to_lowercase(), index);
            *old = user;
        } else {
            self.by_mail.insert(user.email.to_lowercase(), index);
            self.users.push(user);
        }
    }

    /// Changes a user outside of the API; false if there is none with this id.
    pub(crate) fn change_user(&mut self, id: Uuid, change: impl FnOnce(&mut User)) -> bool {
        let Some(mut user) = self.user(id).cloned() else {
            return false;
        };
        change(&mut user);
        self.put_user(user);
        true
    }

    /// Returns every user, the removed ones too, in the order of their making.
    pub(crate) fn users(&self) -> &[User] {
        &self.users
    }

    /// Returns a user, also a removed one.
    pub(crate) fn user(&self, id: Uuid) -> Option<&User> {
        self.by_id.get(&id).and_then(|index| self.users.get(*index))
    }

    /// Returns a user that is there.
    pub(crate) fn present(&self, id: Uuid) -> Option<&User> {
        self.user(id).filter(|user| !user.removed)
    }

    /// Returns the user with an address, without regard to case.
    pub(crate) fn by_mail(&self, mail: &str) -> Option<&User> {
        let index = self.by_mail.get(&mail.to_lowercase())?;
        self.users.get(*index).filter(|user| !user.removed)
    }

    /// Returns the key's own user while the key works: its user must be there and active.
    pub(crate) fn caller(&self) -> Option<&User> {
        self.present(self.key_user)
            .filter(|user| user.status == Status::Active)
    }

    /// Writes a login event where its time belongs, under the next id.
    pub(crate) fn add_login(&mut self, user: Uuid, at: DateTime<Utc>, action: u16) -> u64 {
        let id = self.next_id();
        let place = self.logins.partition_point(|event| event.at <= at);
        self.logins.insert(
            place,
            LoginEvent {
                id,
                at,
                user,
                action,
            },
        );
        id
    }

    /// Writes an audit event where its time belongs, under the next id.
    pub(crate) fn add_audit(
        &mut self,
        user: Uuid,
        at: DateTime<Utc>,
        action: u16,
        target: Vec<String>,
    ) -> u64 {
        let id = self.next_id();
        let place = self.audits.partition_point(|event| event.at <= at);
        self.audits.insert(
            place,
            AuditEvent {
                id,
                at,
                user,
                action,
                target,
            },
        );
        id
    }

    /// Returns the login history, oldest first, after throwing away what is past its retention.
    pub(crate) fn logins(&mut self, now: DateTime<Utc>) -> &[LoginEvent] {
        let floor = now - TimeDelta::days(i64::from(self.settings.login_history_days));
        let gone = self.logins.partition_point(|event| event.at < floor);
        self.logins.drain(..gone);
        &self.logins
    }

    /// Returns the audit trail that can be read by now, oldest first.
    pub(crate) fn audits(&mut self, now: DateTime<Utc>) -> &[AuditEvent] {
        let floor = now - TimeDelta::days(i64::from(self.settings.audit_trail_days));
        let gone = self.audits.partition_point(|event| event.at < floor);
        self.audits.drain(..gone);
        let delay = TimeDelta::seconds(i64::from(self.settings.audit_delay_seconds));
        let written = self.audits.partition_point(|event| event.at + delay <= now);
        self.audits.get(..written).unwrap_or_default()
    }

    /// Makes a guest one of a user's.
    pub(crate) fn add_guest_of(&mut self, host: Uuid, guest: Uuid) {
        self.guests_of.insert((host, guest));
        self.listings.clear();
    }

    /// Returns a user's guests.
    pub(crate) fn guests_of(&self, host: Uuid) -> Vec<Uuid> {
        let own = self.guests_of.iter().filter(|(of, _)| *of == host);
        own.map(|(_, guest)| *guest).collect()
    }
}
