//! The tenant as one of the estate.

use std::io;

use crate::sandbox::{
    estate::{Rehearsal, Setting},
    scim::{Activity, Scim, ScimOptions, Settings},
};

/// Starts a provider with its people, a bearer token, and an attribute for the last login.
///
/// # Errors
/// The address is not loopback or in use, or no thread could be made.
pub fn rehearse(setting: &Setting) -> io::Result<Rehearsal> {
    let handle = Scim::start(ScimOptions {
        bind: setting.bind,
        population: setting.population.clone(),
        settings: Settings {
            activity: Some(Activity::example()),
            ..Settings::default()
        },
        now: setting.now,
    })?;
    let attribute = format!("\"{}:lastLogin\"", Activity::SCHEMA);
    Ok(Rehearsal {
        provider: "scim",
        url: handle.base_url(),
        keys: vec![("last_login", attribute)],
        secrets: vec![("token", handle.credentials().bearer.clone())],
        control: Box::new(handle.control()),
        server: Box::new(handle),
    })
}
