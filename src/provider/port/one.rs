//! One account, read by itself.

use serde_json::Value;

use crate::domain::account::AccountRecord;
use crate::domain::account::Protection;
use crate::provider::ProviderError;
use crate::provider::json;
use crate::provider::port::Port;
use crate::provider::port::people;
use crate::provider::port::people::Entity;
use crate::provider::port::people::User;
use crate::provider::port::wire;
use crate::provider::reusable;

/// The longest identifier that Port takes, in characters.
const LONGEST_NAME: usize = 1000;
/// How often the user is asked for again after its entity has gone.
const ASKS: u32 = 3;

/// An account as Port has it now.
pub(super) struct Found {
    /// The entity's identifier, or the user's address where there is no entity.
    pub(super) name: String,
    pub(super) record: AccountRecord,
    /// The id by which audit and `createdBy` know it.
    pub(super) user_id: Option<String>,
    /// The entity, whole.
    pub(super) entity: Option<Value>,
    /// The user, whole.
    pub(super) user: Option<Value>,
}

/// An answer and what was read from it.
struct Both<T> {
    raw: Value,
    read: T,
}

impl Port {
    /// Finds the account that an id means. `None`: Port says that neither entity nor user is
    /// there, or that the name belongs to an entity of another date now.
    pub(super) async fn find(&self, id: &str) -> Result<Option<Found>, ProviderError> {
        let name = reusable::name(id).filter(|name| is_name(name));
        let name = name.ok_or_else(|| self.unreadable("an id that Port cannot have made"))?;
        let organization = self.organization_once().await?;
        let (entity, mut user) =
            tokio::try_join!(self.entity(name), self.user(name, &organization))?;
        if let Some(entity) = &entity
            && !reusable::is_same(id, entity.read.created_at)
        {
            if entity.read.created_at.is_none() {
                // without its date it may be the one that is meant
                return Err(self.unreadable("an entity without the date of creation"));
            }
            return Ok(None);
        }
        let invited = entity.as_ref().is_some_and(|e| e.read.was_invited());
        if user.is_none() && invited {
            // the address may be written in another way there
            user = self.listed(name, &organization).await?;
        }
        for _ in 0..ASKS {
            if entity.is_some() || user.is_none() {
                break;
            }
            // Port deletes the user with the entity, and may need a moment for it
            tokio::time::sleep(self.follows / ASKS).await;
            user = self.user(name, &organization).await?;
        }
        if entity.is_none() && user.is_none() {
            // without its blueprint nobody has an entity, and that is no word about anybody
            self.read_count().await?;
            return Ok(None);
        }
        self.found(id, name, entity, user).map(Some)
    }

    fn found(
        &self,
        id: &str,
        name: &str,
        entity: Option<Both<Entity>>,
        user: Option<Both<User>>,
    ) -> Result<Found, ProviderError> {
        let mut users: Vec<User> = user.iter().map(|u| u.read.clone()).collect();
        let scim = self.known().scim.contains(&people::lower(name));
        users.iter_mut().for_each(|user| user.scim |= scim);
        let read = entity.as_ref().map(|e| &e.read);
        let mut record = people::record(read, &users, &self.own).map_err(|f| self.fault(f))?;
        // a user whose entity is gone is still the account that was asked for: somebody is in
        record.id = id.to_owned();
        if self.known().last_admin.as_deref() == Some(id)
            && record.facts.protected.contains(&Protection::Admin)
        {
            record.facts.protected.insert(Protection::LastAdmin);
        }
        Ok(Found {
            name: name.to_owned(),
            record,
            user_id: users.into_iter().find_map(|u| u.id),
            entity: entity.map(|e| e.raw),
            user: user.map(|u| u.raw),
        })
    }

    async fn organization_once(&self) -> Result<String, ProviderError> {
        let known = self.known().organization.clone();
        match known {
            Some(organization) => Ok(organization),
            None => self.read_organization().await,
        }
    }

    async fn entity(&self, name: &str) -> Result<Option<Both<Entity>>, ProviderError> {
        let path = wire::entity(name);
        let Some(body) = self.read_one(path, "reading an entity").await? else {
            return Ok(None);
        };
        let raw = self.within(&body, "entity")?;
        let read = people::entity(&raw).map_err(|f| self.fault(f))?;
        if read.name != name {
            return Err(self.unreadable("another entity than the one asked for"));
        }
        Ok(Some(Both { raw, read }))
    }

    async fn user(
        &self,
        name: &str,
        organization: &str,
    ) -> Result<Option<Both<User>>, ProviderError> {
        let path = wire::user(name);
        let Some(body) = self.read_one(path, "reading a user").await? else {
            return Ok(None);
        };
        let raw = self.within(&body, "user")?;
        let read = people::user(&raw, organization).map_err(|f| self.fault(f))?;
        if people::lower(&read.email) != people::lower(name) {
            return Err(self.unreadable("another user than the one asked for"));
        }
        if read.shows_members {
            return Ok(Some(Both { raw, read }));
        }
        // an answer without members says nothing about logins: the list does
        let listed = self.listed(name, organization).await?;
        let missing = || self.not_whole("read.moved", "a user that is there is not listed");
        listed.map(Some).ok_or_else(missing)
    }

    async fn listed(
        &self,
        name: &str,
        organization: &str,
    ) -> Result<Option<Both<User>>, ProviderError> {
        let body = self.read(&wire::users(), "listing users").await?;
        for raw in json::list(&body, "users").map_err(|f| self.fault(f))? {
            let read = people::user(raw, organization).map_err(|f| self.fault(f))?;
            if people::lower(&read.email) == people::lower(name) {
                let raw = raw.clone();
                return Ok(Some(Both { raw, read }));
            }
        }
        Ok(None)
    }

    fn within(&self, body: &Value, field: &str) -> Result<Value, ProviderError> {
        let found = body.get(field).filter(|v| v.is_object());
        found
            .cloned()
            .ok_or_else(|| self.unreadable(format!("{field} is not an object")))
    }
}

/// Whether a text can be an identifier: one that cannot is never put into an address.
fn is_name(name: &str) -> bool {
    !matches!(name, "." | "..")
        && name.chars().count() <= LONGEST_NAME
        && !name.chars().any(char::is_control)
}
