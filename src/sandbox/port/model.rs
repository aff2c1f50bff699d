//! What the organisation holds: users with their `_user` entities, other entities, blueprints.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The blueprint of the users' entities.
pub const USER_BLUEPRINT: &str = "_user";

/// The mail domain of service accounts.
pub const SERVICE_DOMAIN: &str = "serviceaccounts.getport.io";

/// The `status` of a `_user` entity; written in capitals by `/v1/users`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Known, but not invited.
    Staged,
    /// Invited, but never signed in.
    Invited,
    /// Has signed in.
    Active,
    /// Cannot use this organisation; in old organisations also whoever was never invited.
    Disabled,
}

impl Status {
    /// Returns the word that entities use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Staged => "Staged",
            Self::Invited => "Invited",
            Self::Active => "Active",
            Self::Disabled => "Disabled",
        }
    }

    /// Reads the word that entities use.
    pub fn read(word: &str) -> Option<Self> {
        [Self::Staged, Self::Invited, Self::Active, Self::Disabled]
            .into_iter()
            .find(|status| status.word() == word)
    }
}

/// The `port_role` of a `_user` entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// May do everything.
    Admin,
    /// May change some blueprints.
    Moderator,
    /// May read.
    Member,
}

impl Role {
    /// Returns the word that both resources use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Admin => "Admin",
            Self::Moderator => "Moderator",
            Self::Member => "Member",
        }
    }

    /// Reads the word that both resources use.
    pub fn read(word: &str) -> Option<Self> {
        [Self::Admin, Self::Moderator, Self::Member]
            .into_iter()
            .find(|role| role.word() == word)
    }
}

/// A membership in another organisation, which says nothing about this one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherOrg {
    /// The other organisation.
    pub org_id: String,
    /// The status there.
    pub status: Status,
    /// The last login there.
    pub last_login: Option<DateTime<Utc>>,
}

/// One user, with what the `_user` entity and the user of `/v1/users` hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// `auth0|…`, or `<client id>@clients`; stands in `createdBy` and in the audit log.
    #[serde(default)]
    pub id: String,
    /// The address; also the entity's identifier.
    pub email: String,
    /// The given name.
    #[serde(default)]
    pub first_name: String,
    /// The family name.
    #[serde(default)]
    pub last_name: String,
    /// The status in this organisation.
    #[serde(default = "active")]
    pub status: Status,
    /// The role.
    #[serde(default = "member")]
    pub role: Role,
    /// A service account, `port_type` "Service Account".
    #[serde(default)]
    pub service_account: bool,
    /// False for a user who has an entity but was never invited.
    #[serde(default = "yes")]
    pub invited: bool,
    /// The last login in this organisation.
    #[serde(default)]
    pub last_login: Option<DateTime<Utc>>,
    /// What stands in place of `lastLoginAt`, whatever the last login is.
    #[serde(default)]
    pub raw_last_login: Option<Value>,
    /// Memberships in other organisations.
    #[serde(default)]
    pub other_orgs: Vec<OtherOrg>,
    /// How the user signs in.
    #[serde(default)]
    pub providers: Vec<String>,
    /// Managed by SCIM: some changes are answered with a conflict.
    #[serde(default)]
    pub managed_by_scim: bool,
    /// The names of the teams.
    #[serde(default)]
    pub teams: Vec<String>,
    /// The blueprints that a moderator moderates.
    #[serde(default)]
    pub moderated_blueprints: Vec<String>,
    /// When the user was made; anew when invited again.
    pub created: DateTime<Utc>,
    /// When anybody last changed anything; no sign of activity.
    pub updated: DateTime<Utc>,
    /// The id of who made the user; may be empty.
    #[serde(default)]
    pub created_by: String,
    /// The id of who changed the user last; may be empty.
    #[serde(default)]
    pub updated_by: String,
}

fn active() -> Status {
    Status::Active
}

fn member() -> Role {
    Role::Member
}

fn yes() -> bool {
    true
}

impl User {
    /// Makes an active member who has never signed in; the id follows from the address.
    pub fn new(email: &str, first: &str, last: &str, created: DateTime<Utc>) -> Self {
        Self {
            id: id_of(email),
            email: email.to_owned(),
            first_name: first.to_owned(),
            last_name: last.to_owned(),
            status: Status::Active,
            role: Role::Member,
            service_account: false,
            invited: true,
            last_login: None,
            raw_last_login: None,
            other_orgs: Vec::new(),
            providers: vec!["auth0".to_owned()],
            managed_by_scim: false,
            teams: Vec::new(),
            moderated_blueprints: Vec::new(),
            created,
            updated: created,
            created_by: String::new(),
            updated_by: String::new(),
        }
    }

    /// Returns the name as shown; the address if there is none.
    pub fn title(&self) -> String {
        let name = format!("{} {}", self.first_name, self.last_name);
        let name = name.trim();
        if name.is_empty() {
            self.email.clone()
        } else {
            name.to_owned()
        }
    }
}

/// Makes up the id of the user with an address.
pub(crate) fn id_of(email: &str) -> String {
    let seed = email.to_lowercase().bytes().fold(7u64, |sum, byte| {
        sum.wrapping_mul(0x0100_0000_01B3) ^ u64::from(byte)
    });
    let id = crate::sandbox::population::Prng::new(seed).uuid().simple();
    format!("auth0|{}", id.to_string().get(..24).unwrap_or_default())
}

/// The place of an entity: blueprint and identifier.
pub type Place = (String, String);

/// An entity of any blueprint but `_user`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entity {
    /// The blueprint.
    pub blueprint: String,
    /// The identifier, unique in the blueprint.
    pub identifier: String,
    /// The title.
    #[serde(default)]
    pub title: String,
    /// The properties.
    #[serde(default)]
    pub properties: Map<String, Value>,
    /// The identifiers that each relation points to.
    #[serde(default)]
    pub relations: BTreeMap<String, Vec<String>>,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// When it was changed last.
    pub updated: DateTime<Utc>,
    /// The id (not the address) of who made it.
    #[serde(default)]
    pub created_by: String,
    /// The id of who changed it last.
    #[serde(default)]
    pub updated_by: String,
}

impl Entity {
    /// Makes an entity without properties and relations.
    pub fn new(blueprint: &str, identifier: &str, created_by: &str, at: DateTime<Utc>) -> Self {
        Self {
            blueprint: blueprint.to_owned(),
            identifier: identifier.to_owned(),
            title: identifier.to_owned(),
            properties: Map::new(),
            relations: BTreeMap::new(),
            created: at,
            updated: at,
            created_by: created_by.to_owned(),
            updated_by: created_by.to_owned(),
        }
    }

    /// Points a relation at one more entity.
    #[must_use]
    pub fn pointing(mut self, relation: &str, target: &str) -> Self {
        let targets = self.relations.entry(relation.to_owned()).or_default();
        targets.push(target.to_owned());
        self
    }

    /// Returns the place.
    pub fn place(&self) -> Place {
        (self.blueprint.clone(), self.identifier.clone())
    }
}

/// A relation that a blueprint declares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relation {
    /// The blueprint it points to.
    pub target: String,
    /// Whether an entity must have it.
    #[serde(default)]
    pub required: bool,
    /// Whether it holds a list.
    #[serde(default)]
    pub many: bool,
}

/// One event of the audit log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditEvent {
    /// The identifier; counted.
    pub identifier: String,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// CREATE, UPDATE or DELETE.
    pub action: String,
    /// The id of who did it.
    pub user_id: String,
    /// "UI", "API" or another.
    pub origin: String,
    /// The entity's blueprint.
    pub blueprint: String,
    /// The entity's identifier.
    pub entity: String,
    /// The entity before and after, as far as it matters.
    #[serde(default)]
    pub diff: Value,
}
