//! The controls that a DocSpace tenant has beside those of every tenant.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::sandbox::{
    docspace::{
        DocSpaceService,
        holdings::{Holdings, Move},
        keys::ApiKey,
        model::{AuditEvent, Kind, LoginEvent, Status, User},
        settings::Settings,
        tasks::TaskKind,
        world::World,
    },
    tenant,
};

/// Steers a DocSpace tenant; see [`tenant::Control`].
pub type Control = tenant::Control<DocSpaceService>;

impl Control {
    /// Returns the tenant's settings.
    pub fn settings(&self) -> Settings {
        self.with(|tenant| tenant.world.settings.clone())
    }

    /// Replaces the tenant's settings.
    pub fn set_settings(&self, settings: Settings) {
        self.with(|tenant| tenant.world.settings = settings);
    }

    /// Returns every user, the removed ones too.
    pub fn users(&self) -> Vec<User> {
        self.with(|tenant| tenant.world.users().to_vec())
    }

    /// Returns a user, also a removed one.
    pub fn user(&self, id: Uuid) -> Option<User> {
        self.with(|tenant| tenant.world.user(id).cloned())
    }

    /// Returns the user with an address.
    pub fn find(&self, email: &str) -> Option<User> {
        self.with(|tenant| tenant.world.by_mail(email).cloned())
    }

    /// Adds a user, or replaces the one with the same id.
    pub fn add_user(&self, user: User) {
        self.with(|tenant| tenant.world.put_user(user));
    }

    /// Changes a user outside of the API, as an administrator in the web pages would; false if
    /// there is none with this id.
    pub fn change_user(&self, id: Uuid, change: impl FnOnce(&mut User)) -> bool {
        self.with(|tenant| tenant.world.change_user(id, change))
    }

    /// Gives a user an API key, which works; returns its id.
    pub fn add_key(&self, owner: Uuid, name: &str) -> Uuid {
        let now = self.now();
        self.with(|tenant| tenant.world.add_key(owner, name, now))
    }

    /// Changes a key outside of the API; false if there is none with this id.
    pub fn change_key(&self, id: Uuid, change: impl FnOnce(&mut ApiKey)) -> bool {
        self.with(|tenant| {
            let key = tenant.world.keys.iter_mut().find(|key| key.id == id);
            key.map(change).is_some()
        })
    }

    /// Returns the API keys of a user.
    pub fn keys_of(&self, owner: Uuid) -> Vec<ApiKey> {
        self.with(|tenant| {
            let keys = tenant.world.keys.iter();
            keys.filter(|key| key.owner == owner).cloned().collect()
        })
    }

    /// Sets a user's status.
    pub fn set_status(&self, id: Uuid, status: Status) -> bool {
        self.change_user(id, |user| user.status = status)
    }

    /// Sets a user's mail address.
    pub fn set_email(&self, id: Uuid, email: &str) -> bool {
        self.change_user(id, |user| email.clone_into(&mut user.email))
    }

    /// Sets a user's name.
    pub fn set_name(&self, id: Uuid, first: &str, last: &str) -> bool {
        self.change_user(id, |user| {
            first.clone_into(&mut user.first_name);
            last.clone_into(&mut user.last_name);
        })
    }

    /// Sets a user's role.
    pub fn set_kind(&self, id: Uuid, kind: Kind) -> bool {
        self.change_user(id, |user| user.kind = kind)
    }

    /// Removes a user for good: the API answers as if there had never been one.
    pub fn remove_user(&self, id: Uuid) -> bool {
        self.change_user(id, |user| user.removed = true)
    }

    /// Returns the user as whom the key acts.
    pub fn key_user(&self) -> Uuid {
        self.with(|tenant| tenant.world.key_user)
    }

    /// Makes the key act as another user.
    pub fn set_key_user(&self, id: Uuid) {
        self.with(|tenant| tenant.world.key_user = id);
    }

    /// Replaces the key, as if the old one had been revoked.
    pub fn set_token(&self, token: &str) {
        self.with(|tenant| token.clone_into(&mut tenant.token));
    }

    /// Writes a login event and returns its id; 1000 and 1029 are logins, 1005 is a failed one.
    pub fn add_login(&self, user: Uuid, at: DateTime<Utc>, action: u16) -> u64 {
        self.with(|tenant| tenant.world.add_login(user, at, action))
    }

    /// Writes an audit event and returns its id.
    pub fn add_audit(&self, user: Uuid, at: DateTime<Utc>, action: u16) -> u64 {
        self.with(|tenant| {
            tenant
                .world
                .add_audit(user, at, action, vec!["document.docx".to_owned()])
        })
    }

    /// Returns the login history that is kept, oldest first.
    pub fn logins(&self) -> Vec<LoginEvent> {
        let now = self.now();
        self.with(|tenant| tenant.world.logins(now).to_vec())
    }

    /// Returns the audit trail that is kept and written, oldest first.
    pub fn audits(&self) -> Vec<AuditEvent> {
        let now = self.now();
        self.with(|tenant| tenant.world.audits(now).to_vec())
    }

    /// Returns how often a user's status really changed through the API.
    pub fn status_changes(&self, id: Uuid) -> u64 {
        self.with(|tenant| tenant.world.status_changes.get(&id).copied().unwrap_or(0))
    }

    /// Returns how many status calls named a user and were worked on, refused ones included.
    pub fn status_puts(&self, id: Uuid) -> u64 {
        self.with(|tenant| tenant.world.status_puts.get(&id).copied().unwrap_or(0))
    }

    /// Returns how many removals named a user and were worked on, refused ones included.
    pub fn delete_calls(&self, id: Uuid) -> u64 {
        self.with(|tenant| tenant.world.delete_calls.get(&id).copied().unwrap_or(0))
    }

    /// Returns what a user owns now; also of one who was removed.
    pub fn holdings(&self, id: Uuid) -> Holdings {
        self.settled(|world| world.holdings(id))
    }

    /// Sets what a user owns.
    pub fn set_holdings(&self, id: Uuid, holdings: Holdings) {
        self.with(|tenant| tenant.world.holdings.insert(id, holdings));
    }

    /// Returns how many of a user's "My documents" were deleted for good.
    pub fn lost_documents(&self, id: Uuid) -> u64 {
        self.settled(|world| world.lost.get(&id).copied().unwrap_or(0))
    }

    /// Returns everything that changed its owner, in order.
    pub fn moves(&self) -> Vec<Move> {
        self.settled(|world| world.moves.clone())
    }

    /// Tells whether a reassignment of what a user owns is under way.
    pub fn is_reassigning(&self, id: Uuid) -> bool {
        self.settled(|world| world.is_under_way(TaskKind::Reassign, id))
    }

    /// Makes a guest one of a user's.
    pub fn add_guest_of(&self, host: Uuid, guest: Uuid) {
        self.with(|tenant| tenant.world.add_guest_of(host, guest));
    }

    /// Returns a user's guests.
    pub fn guests_of(&self, host: Uuid) -> Vec<Uuid> {
        self.with(|tenant| tenant.world.guests_of(host))
    }

    /// Looks at the state after the tasks that go by time have gone on.
    fn settled<R>(&self, look: impl FnOnce(&World) -> R) -> R {
        let now = self.now();
        self.with(|tenant| {
            tenant.world.settle(now, false);
            look(&tenant.world)
        })
    }
}
