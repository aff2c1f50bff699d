//! The tenant as one of the estate.

use std::io;

use crate::sandbox::{
    docspace::{DocSpace, DocSpaceOptions, Settings},
    estate::{Rehearsal, Setting},
};

/// Starts a portal with its people and an API key; sessions end after a day.
///
/// # Errors
/// The address is not loopback or in use, or no thread could be made.
pub fn rehearse(setting: &Setting) -> io::Result<Rehearsal> {
    let handle = DocSpace::start(DocSpaceOptions {
        bind: setting.bind,
        population: setting.population.clone(),
        settings: Settings {
            cookie_enabled: true,
            ..Settings::default()
        },
        now: setting.now,
    })?;
    Ok(Rehearsal {
        provider: "docspace",
        url: handle.url(),
        keys: Vec::new(),
        secrets: vec![("token", handle.token().to_owned())],
        control: Box::new(handle.control()),
        server: Box::new(handle),
    })
}
