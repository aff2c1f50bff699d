//! The tenant as one of the estate.

use std::io;

use crate::sandbox::{
    estate::{Rehearsal, Setting},
    huwise::{Huwise, Settings},
};

/// Starts a domain with its people and an administrator's API key.
///
/// # Errors
/// The address is not loopback or in use, or no thread could be made.
pub fn rehearse(setting: &Setting) -> io::Result<Rehearsal> {
    let handle = Huwise::start(setting.options(Settings::default()))?;
    let secrets = vec![("api_key", handle.key().to_owned())];
    Ok(Rehearsal {
        // the domain shows nobody's keys but our own: whose accounts are machines must be said
        keys: vec![(
            "service_accounts",
            format!("[\"{}\"]", setting.population.identity(1).mail),
        )],
        ..Rehearsal::of(handle, secrets)
    })
}
