//! `provider = "scim"`.

use crate::config::mistake::Mistake;
use crate::config::tenant::Maker;
use crate::provider::Provider;
use crate::provider::scim::Scim;
use crate::provider::scim::ScimAccess;
use crate::provider::scim::ScimSettings;

/// Makes the adapter: a token, or a client with its secret and where it asks for tokens.
pub(super) fn build(maker: &Maker<'_>) -> Result<Box<dyn Provider>, Mistake> {
    let of = maker.of;
    let access = match (&of.token, &of.client_id) {
        (Some(_), Some(_)) => {
            let says = "both `token` and `client_id` are there; one of the two";
            return Err(maker.wrong("client_id", says));
        }
        (_, None) if of.client_secret.is_some() || of.token_url.is_some() => {
            let says = "`client_secret` and `token_url` belong to a client; `client_id` is missing";
            return Err(maker.wrong("provider", says));
        }
        (_, None) => ScimAccess::Token(maker.secret("token", of.token.as_ref())?),
        (None, Some(_)) => ScimAccess::Client {
            id: maker.secret("client_id", of.client_id.as_ref())?,
            secret: maker.secret("client_secret", of.client_secret.as_ref())?,
            token_url: of.token_url.clone().ok_or_else(|| {
                let says =
                    "`token_url` is missing; token_url = \"https://example.com/oauth/token\"";
                maker.wrong("client_id", says)
            })?,
        },
    };
    let settings = ScimSettings {
        url: of.url.clone(),
        access,
        ca_file: maker.ca_file(),
        http: maker.limits(),
        max_pages: 50_000,
        session_s: maker.session_s(),
        last_login: of.last_login.clone(),
        admin_values: of.admin_values.clone(),
        clock: maker.clock.clone(),
    };
    let made = Scim::new(settings).map_err(|e| maker.unfit(&e))?;
    Ok(Box::new(made))
}
