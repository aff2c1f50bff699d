//! `provider = "alteryx"`.

use std::path::PathBuf;

use crate::config::mistake::Mistake;
use crate::config::secret::FORMS;
use crate::config::tenant::Maker;
use crate::provider::Provider;
use crate::provider::alteryx::Alteryx;
use crate::provider::alteryx::AlteryxSettings;
use crate::provider::alteryx::AlteryxToken;

/// Makes the adapter.
pub(super) fn build(maker: &Maker<'_>) -> Result<Box<dyn Provider>, Mistake> {
    let of = maker.of;
    let token = token(maker)?;
    let Some(workspace) = &of.workspace else {
        let says = "`workspace` is missing; workspace = \"31429\", the number of the workspace";
        return Err(maker.wrong("provider", says));
    };
    let workspace = workspace.trim();
    if workspace.is_empty() || !workspace.bytes().all(|b| b.is_ascii_digit()) {
        let says = "this is not the number of a workspace; its id, not its gid, as in \"31429\"";
        return Err(maker.wrong("workspace", says));
    }
    let mut settings = AlteryxSettings::new(&of.url, token, workspace, maker.clock.clone());
    settings.headers.clone_from(&of.headers);
    settings.paths.clone_from(&of.paths);
    settings.ca_file = maker.ca_file();
    settings.http = maker.limits();
    settings.session_s = maker.session_s();
    let made = Alteryx::new(settings).map_err(|e| {
        let says = e.to_string();
        let about = ["paths", "headers", "token_url", "access_token"];
        let key = about.into_iter().find(|k| says.contains(&format!("`{k}`")));
        match key {
            Some(key) => maker.wrong(key, says),
            None => maker.unfit(&e),
        }
    })?;
    Ok(Box::new(made))
}

/// An access token alone, or what new ones are made with.
fn token(maker: &Maker<'_>) -> Result<AlteryxToken, Mistake> {
    let of = maker.of;
    let fixed = maker.secret_if("access_token", of.access_token.as_ref())?;
    match (fixed, &of.refresh_token) {
        (Some(_), Some(_)) => {
            let says = "`access_token` and `refresh_token` are both set; one of them, best the \
                        refresh token";
            Err(maker.wrong("access_token", says))
        }
        (Some(token), None) => Ok(AlteryxToken::Fixed(token)),
        (None, None) => {
            let says = format!("`refresh_token` is missing; refresh_token = {FORMS}");
            Err(maker.wrong("provider", says))
        }
        (None, Some(_)) => {
            let Some(token_url) = of.token_url.clone() else {
                let says = "`token_url` is missing; the token endpoint URL shown with the token, \
                            as in \"https://pingauth.alteryxcloud.com/as\"";
                return Err(maker.wrong("refresh_token", says));
            };
            Ok(AlteryxToken::Rotating {
                refresh_token: maker.secret("refresh_token", of.refresh_token.as_ref())?,
                client_id: maker.secret("client_id", of.client_id.as_ref())?,
                token_url,
                kept: kept(maker)?,
            })
        }
    }
}

/// The pair is kept beside the vault: it is as secret, and moves with it.
fn kept(maker: &Maker<'_>) -> Result<PathBuf, Mistake> {
    let vault = maker.config.sqlite("vault", &maker.config.ledger.vault)?;
    let mut name = vault.file_name().unwrap_or_default().to_owned();
    name.push(format!(".alteryx-{}.tokens", maker.of.name));
    Ok(vault.with_file_name(name))
}
