//! `provider = "huwise"`.

use std::sync::Arc;

use crate::config::mistake::Mistake;
use crate::config::tenant::Maker;
use crate::provider::Provider;
use crate::provider::huwise::Huwise;
use crate::provider::huwise::HuwiseSettings;

/// Makes the adapter.
pub(super) fn build(maker: &Maker<'_>) -> Result<Box<dyn Provider>, Mistake> {
    let key = maker.secret("api_key", maker.of.api_key.as_ref())?;
    let mut settings = HuwiseSettings::new(&maker.of.url, key, Arc::clone(maker.clock));
    settings.ca_file = maker.ca_file();
    settings.http = maker.limits();
    settings.machines_named = !maker.of.service_accounts.is_empty();
    if maker.of.session_days.is_some() {
        settings.precision_s = maker.session_s();
    }
    let made = Huwise::new(settings).map_err(|e| maker.unfit(&e))?;
    Ok(Box::new(made))
}
