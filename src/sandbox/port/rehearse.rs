//! The tenant as one of the estate.

use std::io;

use crate::sandbox::{
    estate::{Rehearsal, Setting},
    port::{Port, PortOptions},
};

/// Starts an organisation with its people and a service account's credentials.
///
/// # Errors
/// The address is not loopback or in use, or no thread could be made.
pub fn rehearse(setting: &Setting) -> io::Result<Rehearsal> {
    let handle = Port::start(PortOptions {
        bind: setting.bind,
        population: setting.population.clone(),
        now: setting.now,
        ..PortOptions::default()
    })?;
    let (id, secret) = handle.credentials();
    let secrets = vec![("client_id", id), ("client_secret", secret)];
    Ok(Rehearsal::of(handle, secrets))
}
