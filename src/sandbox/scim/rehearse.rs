//! The tenant as one of the estate.

use std::io;

use crate::sandbox::{
    estate::{Rehearsal, Setting},
    scim::{Activity, Scim, Settings},
};

/// Starts a provider with its people, a bearer token, and an attribute for the last login.
///
/// # Errors
/// The address is not loopback or in use, or no thread could be made.
pub fn rehearse(setting: &Setting) -> io::Result<Rehearsal> {
    let handle = Scim::start(setting.options(Settings {
        activity: Some(Activity::example()),
        ..Settings::default()
    }))?;
    let attribute = format!("\"{}:lastLogin\"", Activity::SCHEMA);
    let secrets = vec![("token", handle.credentials().bearer.clone())];
    Ok(Rehearsal {
        url: handle.base_url(),
        keys: vec![("last_login", attribute)],
        ..Rehearsal::of(handle, secrets)
    })
}
