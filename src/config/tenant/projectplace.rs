//! `provider = "projectplace"`.

use crate::config::mistake::Mistake;
use crate::config::tenant::Maker;
use crate::provider::Provider;
use crate::provider::projectplace::Credential;
use crate::provider::projectplace::OAuth1Keys;
use crate::provider::projectplace::ProjectPlace;
use crate::provider::projectplace::ProjectPlaceSettings;

/// Makes the adapter.
pub(super) fn build(maker: &Maker<'_>) -> Result<Box<dyn Provider>, Mistake> {
    let credential = credential(maker)?;
    let clock = maker.clock.clone();
    let url = &maker.of.url;
    let mut settings = ProjectPlaceSettings::new(url, credential, clock, maker.session_s());
    settings.token_url.clone_from(&maker.of.token_url);
    settings.ca_file = maker.ca_file();
    settings.http = maker.limits();
    let made = ProjectPlace::new(settings).map_err(|e| maker.unfit(&e))?;
    Ok(Box::new(made))
}

/// Exactly one of the two sets of keys, whole.
fn credential(maker: &Maker<'_>) -> Result<Credential, Mistake> {
    let of = maker.of;
    let oauth1 = [
        ("application_key", &of.application_key),
        ("application_secret", &of.application_secret),
        ("token_key", &of.token_key),
        ("token_secret", &of.token_secret),
    ];
    let newer = of.client_id.is_some() || of.client_secret.is_some();
    let older = oauth1.iter().find(|(_, value)| value.is_some());
    match (newer, older) {
        (true, Some((key, _))) => Err(maker.wrong(
            key,
            "both `client_id` and keys of OAuth 1 are there; one of the two sets only",
        )),
        (false, None) => Err(maker.wrong(
            "provider",
            "there is no credential; client_id and client_secret, or application_key, \
             application_secret, token_key and token_secret",
        )),
        (true, None) => Ok(Credential::OAuth2 {
            id: maker.secret("client_id", of.client_id.as_ref())?,
            secret: maker.secret("client_secret", of.client_secret.as_ref())?,
        }),
        (false, Some(_)) if of.token_url.is_some() => Err(maker.wrong(
            "token_url",
            "OAuth 1 asks for no tokens; leave it out, or use client_id and client_secret",
        )),
        (false, Some(_)) => Ok(Credential::OAuth1(OAuth1Keys {
            application_key: maker.secret("application_key", of.application_key.as_ref())?,
            application_secret: maker
                .secret("application_secret", of.application_secret.as_ref())?,
            token_key: maker.secret("token_key", of.token_key.as_ref())?,
            token_secret: maker.secret("token_secret", of.token_secret.as_ref())?,
        })),
    }
}
