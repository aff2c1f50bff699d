//! `provider = "port"`.

use crate::config::mistake::Mistake;
use crate::config::tenant::Maker;
use crate::provider::Provider;
use crate::provider::port::Port;
use crate::provider::port::PortSettings;

/// Makes the adapter.
pub(super) fn build(maker: &Maker<'_>) -> Result<Box<dyn Provider>, Mistake> {
    let of = maker.of;
    let id = maker.secret("client_id", of.client_id.as_ref())?;
    let secret = maker.secret("client_secret", of.client_secret.as_ref())?;
    let clock = maker.clock.clone();
    let mut settings = PortSettings::new(&of.url, id, secret, maker.session_s(), clock);
    settings.organization.clone_from(&of.workspace);
    settings.ca_file = maker.ca_file();
    settings.http = maker.limits();
    let made = Port::new(settings).map_err(|e| maker.unfit(&e))?;
    Ok(Box::new(made))
}
