//! Servers and files that the tests need.

pub(crate) mod crash;
pub(crate) mod fake_ldap;
pub(crate) mod slapd;
pub(crate) mod workspace;
