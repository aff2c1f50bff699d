//! Servers and files that the tests need.

pub(crate) mod crash;
pub(crate) mod ds389;
pub(crate) mod fake_ad;
pub(crate) mod fake_ldap;
pub(crate) mod fake_marks;
pub(crate) mod gates;
pub(crate) mod machine;
pub(crate) mod receiver;
pub(crate) mod relay;
pub(crate) mod samba;
pub(crate) mod screen;
pub(crate) mod slapd;
pub(crate) mod workspace;
