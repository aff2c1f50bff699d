//! Loopback servers for rehearsal, the demo and the tests: a DocSpace tenant, an LDAP directory,
//! and a [`Story`] that plays in both.
//!
//! They know nothing of the adapters that are tried against them, and are steered from within the
//! process or, from another one, through `POST /_sandbox/NAME` (see [`tenant::Control`] and
//! [`ldap::Control`]).

pub mod alteryx;
mod clock;
pub mod docspace;
pub mod estate;
pub mod five;
mod host;
pub mod huwise;
pub mod ldap;
pub mod population;
pub mod port;
pub mod projectplace;
pub mod scim;
mod story;
pub mod tenant;

pub use crate::sandbox::story::{CAST, Leaving, Member, Role, Story, StoryOptions, cast};
