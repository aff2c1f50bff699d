//! Turns the settings of a tenant into its adapter; one file for each provider.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::config::Config;
use crate::config::TenantConfig;
use crate::config::build::Fetch;
use crate::config::build::adapter;
use crate::config::build::wrong;
use crate::config::mistake::Mistake;
use crate::config::mistake::nearest;
use crate::config::secret::FORMS;
use crate::config::secret::SecretRef;
use crate::domain::activity::USUAL_SESSION_DAYS;
use crate::domain::time::DAY_SECONDS;
use crate::provider::KINDS;
use crate::provider::Provider;
use crate::provider::ProviderError;
use crate::provider::http::Limits;
use crate::provider::http::Secret;

mod alteryx;
mod docspace;
mod huwise;
mod port;
mod projectplace;
mod scim;

/// What a provider's adapter is made of.
pub(super) struct Maker<'a> {
    pub(super) config: &'a Config,
    pub(super) of: &'a TenantConfig,
    pub(super) fetch: Fetch<'a>,
    /// The program's clock, for adapters that sign with the time.
    pub(super) clock: &'a Arc<dyn Clock>,
}

/// Makes the adapter; another provider is its file and its line here.
pub(super) fn build(
    config: &Config,
    of: &TenantConfig,
    fetch: Fetch<'_>,
    clock: &Arc<dyn Clock>,
) -> Result<Box<dyn Provider>, Mistake> {
    let maker = Maker {
        config,
        of,
        fetch,
        clock,
    };
    match of.provider.as_str() {
        "alteryx" => alteryx::build(&maker),
        "docspace" => docspace::build(&maker),
        "port" => port::build(&maker),
        "huwise" => huwise::build(&maker),
        "projectplace" => projectplace::build(&maker),
        "scim" => scim::build(&maker),
        other => {
            let known: Vec<_> = KINDS.iter().map(|k| k.name).collect();
            let says = format!("there is no provider `{other}`; {}", nearest(other, &known));
            Err(maker.wrong("provider", says))
        }
    }
}

impl Maker<'_> {
    /// A mistake at a key of this tenant; what stands after a semicolon is what would be right.
    pub(super) fn wrong(&self, key: &str, says: impl std::fmt::Display) -> Mistake {
        wrong(self.config, "tenant", &self.of.name, &[key], says)
    }

    /// What the adapter says about its settings.
    pub(super) fn unfit(&self, error: &ProviderError) -> Mistake {
        adapter(self.config, "tenant", &self.of.name, error)
    }

    /// A secret that must be there.
    pub(super) fn secret(&self, key: &str, of: Option<&SecretRef>) -> Result<Secret, Mistake> {
        let Some(secret) = self.secret_if(key, of)? else {
            let says = format!("`{key}` is missing; {key} = {FORMS}");
            return Err(wrong(self.config, "tenant", &self.of.name, &[], says));
        };
        Ok(secret)
    }

    /// A secret that may be there.
    pub(super) fn secret_if(
        &self,
        key: &str,
        of: Option<&SecretRef>,
    ) -> Result<Option<Secret>, Mistake> {
        let Some(of) = of else {
            return Ok(None);
        };
        let text = (self.fetch)(of).map_err(|e| self.wrong(key, e))?;
        Ok(Some(Secret::new(text.expose())))
    }

    /// Certificates to trust besides those of the system.
    pub(super) fn ca_file(&self) -> Option<PathBuf> {
        self.of.ca_file.as_ref().map(|p| self.config.path(p))
    }

    /// The bounds of single exchanges.
    pub(super) fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        if let Some(seconds) = self.of.request_limit_s {
            limits.read = Duration::from_secs(seconds);
            limits.change = Duration::from_secs(seconds);
        }
        if let Some(attempts) = self.of.attempts {
            limits.attempts = attempts;
        }
        limits
    }

    /// How long a login may last, in seconds, where the provider does not say.
    pub(super) fn session_s(&self) -> u64 {
        let days = self.of.session_days.unwrap_or(USUAL_SESSION_DAYS.into());
        days.saturating_mul(DAY_SECONDS.unsigned_abs())
    }
}
