//! What the plumbing says, as a provider's error.

use crate::http::HttpError;
use crate::http::Misconfigured;
use crate::http::listing::Fault;
use crate::provider::ProviderError;

impl From<Misconfigured> for ProviderError {
    fn from(error: Misconfigured) -> Self {
        ProviderError::Configuration { what: error.what }
    }
}

impl HttpError {
    /// Says the same as a provider's error about the tenant at `at`.
    pub fn into_provider(self, at: &str) -> ProviderError {
        let at = at.to_owned();
        match self {
            HttpError::Address { what } => ProviderError::Configuration { what },
            HttpError::Token { what } => ProviderError::Token { at, what },
            HttpError::Limited { seconds } => ProviderError::Limited { at, seconds },
            HttpError::TooLarge { .. } => ProviderError::Unreadable {
                at,
                what: self.to_string(),
            },
            HttpError::Connect { .. }
            | HttpError::Timeout
            | HttpError::Lost { .. }
            | HttpError::Server { .. } => ProviderError::Unreachable {
                at,
                what: self.to_string(),
            },
        }
    }
}

impl Fault {
    /// Says the same as an error about the tenant at `at`.
    pub fn at(self, at: &str) -> ProviderError {
        let at = at.to_owned();
        match self {
            Fault::NotWhole(fault, detail) => ProviderError::NotWhole { at, fault, detail },
            Fault::Unreadable(what) => ProviderError::Unreadable { at, what },
        }
    }
}
