//! The tenant as one of the estate.

use std::io;

use crate::sandbox::{
    docspace::{DocSpace, Settings},
    estate::{Rehearsal, Setting},
};

/// Starts a portal with its people and an API key; sessions end after a day.
///
/// # Errors
/// The address is not loopback or in use, or no thread could be made.
pub fn rehearse(setting: &Setting) -> io::Result<Rehearsal> {
    let handle = DocSpace::start(setting.options(Settings {
        cookie_enabled: true,
        ..Settings::default()
    }))?;
    let secrets = vec![("token", handle.token().to_owned())];
    Ok(Rehearsal::of(handle, secrets))
}
