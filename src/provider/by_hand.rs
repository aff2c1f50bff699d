//! What a person has to do by hand where no step may touch an account, as each provider states it.

use std::collections::BTreeSet;

use crate::domain::account::Do;
use crate::domain::account::Protection;
use crate::provider::Target;

/// What is done by hand at one provider, as lists of sentences; each list is a part of the whole
/// instruction, and comes in where its reason holds. What nobody here knows is said to be not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByHand {
    /// The account owns the tenant: how the ownership goes to somebody else.
    pub owner: &'static [&'static str],
    /// It is the last one that administers the tenant.
    pub last_admin: &'static [&'static str],
    /// It administers the tenant: how the role is taken away.
    pub admin: &'static [&'static str],
    /// Another system manages it: where it is disabled then.
    pub managed: &'static [&'static str],
    /// It is the user of our own credential: how another one is made.
    pub own_credential: &'static [&'static str],
    /// Programs work with a key of it, or may: how keys are revoked.
    pub keys: &'static [&'static str],
    /// How it is shut out by hand, at the end.
    pub shut_out: &'static [&'static str],
}

impl Target {
    /// The first protection of the account, as just read, that forbids a request. What two approvers
    /// have released forbids no disabling.
    pub fn forbidden_by(&self, now: &BTreeSet<Protection>, does: Do) -> Option<Protection> {
        let released = |p: &&Protection| does == Do::Disable && self.released.contains(p);
        now.iter().find(|p| !released(p)).copied()
    }
}
