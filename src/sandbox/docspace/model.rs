//! What the tenant keeps: its users and its two histories.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Strings that stand in every login and audit event and must never reach a ledger or a log.
///
/// In order: the start of every address, the city, the browser, the platform.
pub const PERSONAL_MARKERS: [&str; 4] = ["203.0.113.", "Sandboxville", "SandboxFox", "SandboxOS"];

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The owner of the tenant.
    Owner,
    /// A DocSpace administrator.
    Admin,
    /// A room administrator.
    RoomAdmin,
    /// A user ("collaborator").
    User,
    /// A guest ("visitor").
    Guest,
}

/// The status of a user, with the service's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// 1: may sign in.
    Active,
    /// 2: disabled.
    Terminated,
    /// 4: invited.
    Pending,
}

impl Status {
    /// Returns the service's number.
    pub fn number(self) -> u8 {
        match self {
            Self::Active => 1,
            Self::Terminated => 2,
            Self::Pending => 4,
        }
    }
}

/// One user of the tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The id, never used again.
    pub id: Uuid,
    /// The given name; empty for an invitation.
    #[serde(default)]
    pub first_name: String,
    /// The family name; empty for an invitation.
    #[serde(default)]
    pub last_name: String,
    /// The mail address.
    pub email: String,
    /// The role.
    #[serde(default = "default_kind")]
    pub kind: Kind,
    /// The status.
    #[serde(default = "default_status")]
    pub status: Status,
    /// Managed by the tenant's own LDAP synchronisation.
    #[serde(default)]
    pub ldap: bool,
    /// Signs in through single sign-on.
    #[serde(default)]
    pub sso: bool,
    /// When the account was made.
    pub registered: DateTime<Utc>,
    /// Removed for good: answered as not found, but known to the sandbox.
    #[serde(default)]
    pub removed: bool,
    /// When the profile was removed; a change of the status leaves it empty.
    #[serde(default)]
    pub terminated: Option<DateTime<Utc>>,
}

fn default_kind() -> Kind {
    Kind::User
}

fn default_status() -> Status {
    Status::Active
}

impl User {
    /// Makes an active user with a role.
    pub fn new(
        id: Uuid,
        first: &str,
        last: &str,
        email: &str,
        kind: Kind,
        at: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            first_name: first.to_owned(),
            last_name: last.to_owned(),
            email: email.to_owned(),
            kind,
            status: Status::Active,
            ldap: false,
            sso: false,
            registered: at,
            removed: false,
            terminated: None,
        }
    }

    /// Returns the name as shown, without the service's HTML encoding.
    pub fn display_name(&self) -> String {
        let name = format!("{} {}", self.first_name, self.last_name);
        let name = name.trim();
        if name.is_empty() {
            self.email.clone()
        } else {
            name.to_owned()
        }
    }
}

/// One line of the login history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginEvent {
    /// The id, growing with each event that is written.
    pub id: u64,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// The user.
    pub user: Uuid,
    /// The service's action code; 1000 and others are logins, 1002 and others are failures.
    pub action: u16,
}

/// One line of the audit trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEvent {
    /// The id, growing with each event that is written.
    pub id: u64,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// Who did it.
    pub user: Uuid,
    /// The service's action code; 4020 is a changed status.
    pub action: u16,
    /// To what it was done.
    pub target: Vec<String>,
}
