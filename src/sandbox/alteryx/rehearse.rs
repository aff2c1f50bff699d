//! The tenant as one of the estate.

use std::io;

use crate::sandbox::{
    alteryx::{Alteryx, Settings},
    estate::{Rehearsal, Setting},
};

/// Starts a workspace with its people, a token server and the first refresh token.
///
/// # Errors
/// The address is not loopback or in use, or no thread could be made.
pub fn rehearse(setting: &Setting) -> io::Result<Rehearsal> {
    let handle = Alteryx::start(setting.options(Settings::default()))?;
    let credentials = handle.credentials();
    let headers = format!(
        "{{ \"x-api-project-id\" = \"{}\", \"x-alteryx-workspace-gid\" = \"{}\" }}",
        credentials.project_id, credentials.gid
    );
    let keys = vec![
        ("token_url", format!("\"{}\"", handle.token_url())),
        ("workspace", format!("\"{}\"", credentials.workspace_id)),
        ("headers", headers),
    ];
    let secrets = vec![
        ("client_id", credentials.client_id.clone()),
        ("refresh_token", credentials.tokens.refresh_token.clone()),
    ];
    Ok(Rehearsal {
        keys,
        ..Rehearsal::of(handle, secrets)
    })
}
