//! Accounts, as a tenant knows them, and what can be asked of them.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::time::Time;

/// What one tenant says about one account in one read; personal values stay out of entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRecord {
    /// The tenant's immutable id, as text.
    pub id: String,
    /// The address, as written there.
    pub email: Option<String>,
    /// The name to show.
    pub name: Option<String>,
    /// An identifier that the tenant holds from a directory, where it has one.
    pub external_id: Option<String>,
    /// The facts that decisions rest on.
    pub facts: AccountFacts,
}

/// The facts about an account that decisions rest on; free of personal values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountFacts {
    /// Whether it can be used.
    pub state: AccountState,
    /// Who uses it.
    pub kind: AccountKind,
    /// What forbids touching it for inactivity.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub protected: BTreeSet<Protection>,
    /// Who manages it, if not the tenant: then no call of ours can change it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed_by: Option<String>,
    /// When the tenant says that it was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Time>,
    /// Whether the tenant has verified the address (the invitation was accepted).
    pub address_verified: bool,
}

/// Whether an account can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccountState {
    /// It can sign in.
    Active,
    /// It is there and cannot sign in.
    Disabled,
    /// It was invited and never activated.
    Invited,
}

/// Who uses an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccountKind {
    /// A member.
    Human,
    /// A guest or external member.
    Guest,
    /// A machine.
    Service,
}

/// Why an account is never touched for inactivity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protection {
    /// It owns the tenant.
    Owner,
    /// It administers the tenant.
    Admin,
    /// It is the user of our own credential.
    OwnCredential,
    /// It is a service account.
    Service,
    /// It has a role that we do not know.
    UnknownRole,
    /// It stands on the tenant's protection list.
    Listed,
}

/// What can be wanted of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Do {
    /// Take away the sign-in; can be undone.
    Disable,
    /// Take the account out of the tenant.
    Remove,
}

impl Do {
    /// The word as it stands in entries, plans and the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Do::Disable => "disable",
            Do::Remove => "remove",
        }
    }
}

/// A signal of activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signal {
    /// Successful logins.
    Login,
    /// What the account itself did, from the audit log.
    Audit,
}

/// What a walk saw of one account: successes only, never addresses or places.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sightings {
    /// The newest success.
    pub newest: Option<Time>,
    /// Successes by UTC day (`2026-11-22`), only those that no earlier walk has counted.
    pub days: BTreeMap<String, u64>,
}
