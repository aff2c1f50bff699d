//! The controls that a Port organisation has beside those of every tenant.

use chrono::{DateTime, Utc};

use crate::sandbox::{
    port::{
        Port,
        auth::Holder,
        generate,
        model::{AuditEvent, Entity, Relation, Role, Status, User},
        settings::Settings,
    },
    tenant,
};

/// Steers a Port organisation; see [`tenant::Control`].
pub type Control = tenant::Control<Port>;

impl Control {
    /// Returns the settings.
    pub fn settings(&self) -> Settings {
        self.with(|port| port.world.settings.clone())
    }

    /// Replaces the settings.
    pub fn set_settings(&self, settings: Settings) {
        self.change_settings(|old| *old = settings);
    }

    /// Changes the settings.
    pub fn change_settings(&self, change: impl FnOnce(&mut Settings)) {
        self.with(|port| {
            change(&mut port.world.settings);
            port.world.revision += 1;
        });
    }

    /// Returns the organisation's id.
    pub fn org_id(&self) -> String {
        self.with(|port| port.world.org_id.clone())
    }

    /// Returns the client id and the secret.
    pub fn credentials(&self) -> (String, String) {
        self.with(|port| {
            let credentials = &port.world.credentials;
            (credentials.client_id.clone(), credentials.secret.clone())
        })
    }

    /// Returns the address of the user whose the credentials are.
    pub fn own_user(&self) -> Option<String> {
        self.with(|port| port.world.credentials.user.clone())
    }

    /// Replaces the secret, as if the credentials had been rotated; the old token is void.
    pub fn set_secret(&self, secret: &str) {
        self.with(|port| {
            secret.clone_into(&mut port.world.credentials.secret);
            port.world.token = None;
        });
    }

    /// Makes a user's credentials the only ones: the client id is the address.
    pub fn act_as(&self, email: &str) {
        self.with(|port| {
            let credentials = &mut port.world.credentials;
            credentials.holder = Holder::Personal;
            email.clone_into(&mut credentials.client_id);
            credentials.user = Some(email.to_owned());
            port.world.token = None;
        });
    }

    /// Makes the token void before its time.
    pub fn revoke_token(&self) {
        self.with(|port| port.world.token = None);
    }

    /// Returns every user.
    pub fn users(&self) -> Vec<User> {
        self.with(|port| port.world.users().cloned().collect())
    }

    /// Returns the user with an address, without regard to case.
    pub fn user(&self, email: &str) -> Option<User> {
        self.with(|port| port.world.user(email).cloned())
    }

    /// Adds a user, or replaces the one with the same address.
    pub fn add_user(&self, user: User) {
        self.with(|port| port.world.put_user(user));
    }

    /// Adds a user who has an entity but was never invited.
    pub fn add_uninvited(&self, mut user: User) {
        self.with(|port| {
            user.invited = false;
            user.status = generate::uninvited(&port.world);
            port.world.put_user(user);
        });
    }

    /// Changes a user other than by the API; false if there is none. `updatedAt` is left to the
    /// change.
    pub fn change_user(&self, email: &str, change: impl FnOnce(&mut User)) -> bool {
        self.with(|port| port.world.change_user(email, change))
    }

    /// Moves a user's `updatedAt` and nothing else, as an automation would.
    pub fn touch(&self, email: &str) -> bool {
        let now = self.now();
        self.change_user(email, |user| user.updated = now)
    }

    /// Sets a user's status.
    pub fn set_status(&self, email: &str, status: Status) -> bool {
        self.change_user(email, |user| user.status = status)
    }

    /// Plays a login; false if the user is not there or is disabled. A deleted user of a provider
    /// comes back as a new one.
    pub fn login(&self, email: &str, at: DateTime<Utc>) -> bool {
        self.with(|port| port.world.login(email, at))
    }

    /// Deletes a user and the entity, as in the web pages or by SCIM.
    pub fn remove_user(&self, email: &str) -> bool {
        self.with(|port| port.world.drop_user(email).is_some())
    }

    /// Invites an address: a new `createdAt`, the old id.
    pub fn invite(&self, email: &str, role: Role) -> User {
        let now = self.now();
        self.with(|port| port.world.invite(email, role, "", now))
    }

    /// Declares a relation of a blueprint.
    pub fn set_relation(&self, blueprint: &str, name: &str, relation: Relation) {
        self.with(|port| port.world.set_relation(blueprint, name, relation));
    }

    /// Adds an entity; its blueprint's relations must have been declared.
    pub fn add_entity(&self, entity: Entity) {
        self.with(|port| port.world.put_entity(entity));
    }

    /// Returns an entity of the catalogue.
    pub fn entity(&self, blueprint: &str, identifier: &str) -> Option<Entity> {
        let place = (blueprint.to_owned(), identifier.to_owned());
        self.with(|port| port.world.entities.get(&place).cloned())
    }

    /// Writes an event of the audit log and returns its identifier.
    pub fn add_audit(&self, event: AuditEvent) -> String {
        self.with(|port| port.world.add_audit(event))
    }

    /// Returns the audit log that is kept, oldest first.
    pub fn audits(&self) -> Vec<AuditEvent> {
        let now = self.now();
        self.with(|port| port.world.audits(now).to_vec())
    }

    /// Returns how often a user's status really changed through the API.
    pub fn status_changes(&self, email: &str) -> u64 {
        let email = email.to_lowercase();
        self.with(|port| port.world.status_changes.get(&email).copied().unwrap_or(0))
    }
}
