//! The tenant as one of the estate.

use std::io;

use crate::sandbox::{
    estate::{Rehearsal, Setting},
    huwise::{Huwise, HuwiseOptions},
};

/// Starts a domain with its people and an administrator's API key.
///
/// # Errors
/// The address is not loopback or in use, or no thread could be made.
pub fn rehearse(setting: &Setting) -> io::Result<Rehearsal> {
    let handle = Huwise::start(HuwiseOptions {
        bind: setting.bind,
        population: setting.population.clone(),
        now: setting.now,
        ..HuwiseOptions::default()
    })?;
    Ok(Rehearsal {
        provider: "huwise",
        url: handle.url(),
        // the domain shows nobody's keys but our own: whose accounts are machines must be said
        keys: vec![(
            "service_accounts",
            format!("[\"{}\"]", setting.population.identity(1).mail),
        )],
        secrets: vec![("api_key", handle.key().to_owned())],
        control: Box::new(handle.control()),
        server: Box::new(handle),
    })
}
