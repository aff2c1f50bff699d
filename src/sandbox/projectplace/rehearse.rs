//! The tenant as one of the estate.

use std::io;

use crate::sandbox::{
    estate::{Rehearsal, Setting},
    projectplace::{ProjectPlace, ProjectPlaceOptions},
};

/// Starts an account with its people and an OAuth 2 client.
///
/// # Errors
/// The address is not loopback or in use, or no thread could be made.
pub fn rehearse(setting: &Setting) -> io::Result<Rehearsal> {
    let handle = ProjectPlace::start(ProjectPlaceOptions {
        bind: setting.bind,
        population: setting.population.clone(),
        now: setting.now,
        ..ProjectPlaceOptions::default()
    })?;
    let credentials = handle.credentials();
    Ok(Rehearsal {
        provider: "projectplace",
        url: handle.url(),
        keys: Vec::new(),
        secrets: vec![
            ("client_id", credentials.client_id.clone()),
            ("client_secret", credentials.client_secret.clone()),
        ],
        control: Box::new(handle.control()),
        server: Box::new(handle),
    })
}
