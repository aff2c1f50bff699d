//! `provider = "docspace"`.

use crate::config::mistake::Mistake;
use crate::config::tenant::Maker;
use crate::provider::Provider;
use crate::provider::docspace::DocSpace;
use crate::provider::docspace::DocSpaceSettings;

/// Makes the adapter.
pub(super) fn build(maker: &Maker<'_>) -> Result<Box<dyn Provider>, Mistake> {
    let token = maker.secret("token", maker.of.token.as_ref())?;
    let mut settings = DocSpaceSettings::new(&maker.of.url, token);
    settings.ca_file = maker.ca_file();
    settings.http = maker.limits();
    let made = DocSpace::new(settings).map_err(|e| maker.unfit(&e))?;
    Ok(Box::new(made))
}
