//! Loopback servers for rehearsal, the demo and the tests: a DocSpace tenant, an LDAP directory,
//! and a [`Story`] that plays in both.
//!
//! They know nothing of the adapters that are tried against them, and are steered from within the
//! process or, from another one, through `POST /_sandbox/NAME` (see [`docspace::Control`] and
//! [`ldap::Control`]).

mod clock;
pub mod docspace;
mod host;
pub mod ldap;
pub mod population;
mod story;

pub use crate::sandbox::story::{CAST, Leaving, Member, Role, Story, StoryOptions, cast};
