//! What the tenant holds: its people and what each of them is head administrator of.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The most co-owners that an account has.
pub const MAX_CO_OWNERS: usize = 5;

/// What somebody is in the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The one owner.
    Owner,
    /// One of at most five co-owners.
    CoOwner,
    /// An account administrator.
    Admin,
    /// A member of the account.
    Member,
    /// Somebody whose membership of the account is not accepted yet.
    Pending,
    /// A guest of workspaces from another account.
    External,
    /// Somebody who was invited and never signed up.
    Unregistered,
    /// A hidden super user that speaks through the interface only.
    Robot,
}

impl Role {
    /// Tells whether somebody of this role can be head administrator.
    pub fn can_head(self) -> bool {
        matches!(
            self,
            Self::Owner | Self::CoOwner | Self::Admin | Self::Member
        )
    }
}

/// Whether somebody is still there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// In the account.
    #[default]
    Here,
    /// The user account is deleted for good.
    Deleted,
    /// Taken out of this account; the user goes on elsewhere.
    Removed,
}

/// One person, or a robot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The id, never used again.
    pub id: u64,
    /// The display name.
    pub name: String,
    /// The first mail address.
    pub email: String,
    /// Further mail addresses.
    #[serde(default)]
    pub secondary_emails: Vec<String>,
    /// The role.
    pub role: Role,
    /// The newest login; none: there was none.
    #[serde(default)]
    pub last_login: Option<DateTime<Utc>>,
    /// Whether it is still there.
    #[serde(default)]
    pub standing: Standing,
}

impl User {
    /// Makes somebody who is there and never logged in.
    pub fn new(id: u64, name: &str, email: &str, role: Role) -> Self {
        Self {
            id,
            name: name.to_owned(),
            email: email.to_owned(),
            secondary_emails: Vec::new(),
            role,
            last_login: None,
            standing: Standing::Here,
        }
    }

    /// Tells whether an address is one of theirs, without regard to case.
    pub fn has_email(&self, email: &str) -> bool {
        let own = std::iter::once(&self.email).chain(&self.secondary_emails);
        own.into_iter()
            .any(|other| other.to_lowercase() == email.to_lowercase())
    }
}

/// What somebody can be head administrator of; each sort counts its ids by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// A workspace, which the interface calls a project.
    Workspace,
    /// A portfolio.
    Portfolio,
    /// A team.
    Team,
    /// A template.
    Template,
}

impl Sort {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Workspace, Self::Portfolio, Self::Team, Self::Template];

    /// Returns the name of its map in the parameters of a deletion.
    pub fn handover_key(self) -> &'static str {
        match self {
            Self::Workspace => "workspaces",
            Self::Portfolio => "portfolios",
            Self::Team => "teams",
            Self::Template => "templates",
        }
    }
}

/// One workspace, portfolio, team or template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// What it is.
    pub sort: Sort,
    /// The id, unique among its sort.
    pub id: u64,
    /// The name.
    pub name: String,
    /// The id of its head administrator.
    pub head: u64,
}

/// Why the account does not take somebody, or something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    /// There is an owner already.
    #[error("the account has an owner")]
    SecondOwner,
    /// There are five co-owners already.
    #[error("the account has {MAX_CO_OWNERS} co-owners")]
    TooManyCoOwners,
    /// Nobody of this id is there.
    #[error("there is nobody of this id")]
    Nobody,
    /// Somebody who cannot be head administrator.
    #[error("this person cannot be head administrator")]
    CannotHead,
    /// Nothing of this sort and id is there.
    #[error("there is nothing of this sort and id")]
    Nothing,
}

/// The people and the artifacts.
#[derive(Debug, Default)]
pub(crate) struct Book {
    users: BTreeMap<u64, User>,
    artifacts: BTreeMap<(Sort, u64), Artifact>,
}

impl Book {
    pub(crate) fn users(&self) -> impl Iterator<Item = &User> {
        self.users.values()
    }

    /// Returns somebody, also who is gone.
    pub(crate) fn user(&self, id: u64) -> Option<&User> {
        self.users.get(&id)
    }

    /// Returns somebody who is there.
    pub(crate) fn present(&self, id: u64) -> Option<&User> {
        self.user(id).filter(|user| user.standing == Standing::Here)
    }

    /// Returns who is there under an address, without regard to case.
    pub(crate) fn by_email(&self, email: &str) -> Option<&User> {
        self.users()
            .find(|user| user.standing == Standing::Here && user.has_email(email))
    }

    /// Adds somebody, or takes the place of who has the same id.
    pub(crate) fn put(&mut self, user: User) -> Result<(), Mistake> {
        let others = |role: Role| {
            self.users()
                .filter(|other| {
                    other.id != user.id && other.role == role && other.standing == Standing::Here
                })
                .count()
        };
        if user.standing == Standing::Here {
            if user.role == Role::Owner && others(Role::Owner) > 0 {
                return Err(Mistake::SecondOwner);
            }
            if user.role == Role::CoOwner && others(Role::CoOwner) >= MAX_CO_OWNERS {
                return Err(Mistake::TooManyCoOwners);
            }
        }
        self.users.insert(user.id, user);
        Ok(())
    }

    /// Sets the login of somebody without looking at anybody else.
    pub(crate) fn set_login(&mut self, id: u64, at: Option<DateTime<Utc>>) -> bool {
        let user = self.users.get_mut(&id);
        user.map(|user| user.last_login = at).is_some()
    }

    pub(crate) fn set_standing(&mut self, id: u64, standing: Standing) {
        if let Some(user) = self.users.get_mut(&id) {
            user.standing = standing;
        }
    }

    pub(crate) fn add_email(&mut self, id: u64, email: &str) {
        if let Some(user) = self.users.get_mut(&id) {
            user.secondary_emails.push(email.to_owned());
        }
    }

    pub(crate) fn artifacts(&self) -> impl Iterator<Item = &Artifact> {
        self.artifacts.values()
    }

    pub(crate) fn artifact(&self, sort: Sort, id: u64) -> Option<&Artifact> {
        self.artifacts.get(&(sort, id))
    }

    pub(crate) fn headed_by(&self, user: u64) -> impl Iterator<Item = &Artifact> {
        self.artifacts()
            .filter(move |artifact| artifact.head == user)
    }

    /// Tells whether somebody is there and can be head administrator.
    pub(crate) fn can_head(&self, id: u64) -> bool {
        self.present(id).is_some_and(|user| user.role.can_head())
    }

    /// Adds an artifact under the next id of its sort.
    pub(crate) fn add_artifact(
        &mut self,
        sort: Sort,
        name: &str,
        head: u64,
    ) -> Result<u64, Mistake> {
        if !self.can_head(head) {
            return Err(Mistake::CannotHead);
        }
        let newest = self
            .artifacts
            .range((sort, 0)..=(sort, u64::MAX))
            .next_back();
        let id = newest.map_or(1, |((_, id), _)| id.saturating_add(1));
        let artifact = Artifact {
            sort,
            id,
            name: name.to_owned(),
            head,
        };
        self.artifacts.insert((sort, id), artifact);
        Ok(id)
    }

    /// Gives an artifact another head administrator.
    pub(crate) fn set_head(&mut self, sort: Sort, id: u64, head: u64) -> Result<(), Mistake> {
        if !self.can_head(head) {
            return Err(Mistake::CannotHead);
        }
        let artifact = self.artifacts.get_mut(&(sort, id));
        artifact.ok_or(Mistake::Nothing)?.head = head;
        Ok(())
    }

    pub(crate) fn remove_artifact(&mut self, sort: Sort, id: u64) -> bool {
        self.artifacts.remove(&(sort, id)).is_some()
    }
}
