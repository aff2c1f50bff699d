//! The tenant as one of the estate.

use std::io;

use crate::sandbox::{
    estate::{Rehearsal, Setting},
    projectplace::{ProjectPlace, Settings},
};

/// Starts an account with its people and an OAuth 2 client.
///
/// # Errors
/// The address is not loopback or in use, or no thread could be made.
pub fn rehearse(setting: &Setting) -> io::Result<Rehearsal> {
    let handle = ProjectPlace::start(setting.options(Settings::default()))?;
    let credentials = handle.credentials();
    let secrets = vec![
        ("client_id", credentials.client_id.clone()),
        ("client_secret", credentials.client_secret.clone()),
    ];
    Ok(Rehearsal::of(handle, secrets))
}
