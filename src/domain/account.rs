//! Accounts, as a tenant knows them, and what can be asked of them.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::time::DAY_SECONDS;
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
    /// The employee number that the tenant holds, where it has one.
    pub employee_number: Option<String>,
    /// The newest success of each signal that the record itself shows (a last login), no event
    /// log asked.
    pub seen: BTreeMap<Signal, Time>,
    /// How many keys work with which programs act in its name; `None` where that was not shown, which
    /// says nothing about them.
    pub live_keys: Option<u64>,
    /// The facts that decisions rest on.
    pub facts: AccountFacts,
}

/// How far ahead of our clock a tenant's dates may be and still be believed, in seconds.
pub const AHEAD_S: i64 = DAY_SECONDS;

impl AccountRecord {
    /// Takes away what lies in the future: it is no success that anybody had, and what the tenant
    /// would have to say instead is not known.
    pub fn distrust_future(&mut self, now: Time) {
        let believed = now.plus_seconds(AHEAD_S);
        let future = |(_, at): &(&Signal, &Time)| **at > believed;
        self.facts.future = self
            .seen
            .iter()
            .filter(future)
            .map(|(signal, _)| *signal)
            .collect();
        self.seen.retain(|_, at| *at <= believed);
    }
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
    /// Signals that the tenant has and does not show for this account: their silence says nothing.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub hidden: BTreeSet<Signal>,
    /// Signals whose newest success would lie in the future, which says nothing about the past.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub future: BTreeSet<Signal>,
    /// How many keys work with which programs act in its name, as far as the tenant has shown them
    /// last; what an adapter sees stands in [`AccountRecord::live_keys`].
    #[serde(default, skip_serializing_if = "is_none_at_all")]
    pub live_keys: u64,
    /// Its role is known not to allow it to take over what others own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_heir: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
const fn is_none_at_all(count: &u64) -> bool {
    *count == 0
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
    /// It is the last administrator.
    LastAdmin,
    /// It owns a key with which programs work.
    KeyOwner,
    /// It belongs to the provider's own staff.
    Staff,
    /// The tenant gives no date of creation for a name that can be used again: it may be another
    /// account than the one that was seen before.
    UnclearIdentity,
    /// Whether it owns a key with which programs work cannot be seen.
    KeysUnseen,
    /// It is shut out, and whether somebody disabled it or nobody ever let it in cannot be seen.
    UnclearStatus,
}

impl Protection {
    /// The code of the family `block` under which it withholds a step.
    pub const fn code(self) -> &'static str {
        match self {
            Protection::Owner => "block.protected-owner",
            Protection::Admin => "block.protected-admin",
            Protection::OwnCredential => "block.protected-own-credential",
            Protection::Service => "block.protected-service",
            Protection::UnknownRole => "block.protected-unknown-role",
            Protection::Listed => "block.protected-listed",
            Protection::LastAdmin => "block.protected-last-admin",
            Protection::KeyOwner => "block.protected-key-owner",
            Protection::Staff => "block.protected-staff",
            Protection::UnclearIdentity => "block.unclear-identity",
            Protection::KeysUnseen => "block.protected-keys-unseen",
            Protection::UnclearStatus => "block.unclear-status",
        }
    }
}

/// What can be wanted of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Do {
    /// Take away the sign-in; can be undone.
    Disable,
    /// Take the account out of the tenant.
    Remove,
    /// Hand over what the account owns; part of a removal, never a step of a policy.
    Transfer,
    /// Take away a key with which programs act in its name; part of a step, never a step of a
    /// policy, and no step fails because of it.
    Revoke,
    /// Give the sign-in back; only on somebody's word, never a step of a policy.
    Restore,
}

impl Do {
    /// The word as it stands in entries, plans and the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Do::Disable => "disable",
            Do::Remove => "remove",
            Do::Transfer => "transfer",
            Do::Revoke => "revoke",
            Do::Restore => "restore",
        }
    }

    /// Whether it changes the account itself; what belongs to it is another matter.
    pub const fn changes_account(self) -> bool {
        !matches!(self, Do::Transfer | Do::Revoke)
    }

    /// Whether a policy can have it as a step.
    pub const fn is_step(self) -> bool {
        matches!(self, Do::Disable | Do::Remove)
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
    /// The tenant's own word for when the account was used last, logins or not.
    Seen,
}

/// What a walk saw of one account: successes only, never addresses or places.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sightings {
    /// The newest success.
    pub newest: Option<Time>,
    /// Successes by UTC day (`2026-11-22`), only those that no earlier walk has counted.
    pub days: BTreeMap<String, u64>,
}
