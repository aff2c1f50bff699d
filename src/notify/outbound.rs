//! The HTTP client of what leaves the machine for operators: no redirects, https but on loopback,
//! bounded in time. Of an answer only the status counts; its body is not read.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use reqwest::RequestBuilder;
use url::Url;

use crate::http::wire;
use crate::http::wire::innermost;

/// Name resolution, connection and TLS handshake together.
const CONNECT: Duration = Duration::from_secs(10);

/// One request, from the first byte to the head of its answer.
const WHOLE: Duration = Duration::from_secs(20);

/// How often one message is sent at most.
const ATTEMPTS: u32 = 3;

/// The pause before the second attempt; it doubles.
const PAUSE: Duration = Duration::from_millis(500);

/// Why something did not get to its receiver. Names the host, never the path: it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// The settings cannot work; what would be right stands after a semicolon.
    #[error("{what}")]
    Settings {
        /// What is wrong, without secrets.
        what: String,
    },
    /// No connection, or no answer in time.
    #[error("{host} does not answer: {what}")]
    NoAnswer {
        /// The receiver's host.
        host: String,
        /// What the system or the TLS library said.
        what: String,
    },
    /// The receiver did not take it; redirects (3xx) among them, which are never followed.
    #[error("{host} answers with status {status}")]
    TurnedAway {
        /// The receiver's host.
        host: String,
        /// The HTTP status.
        status: u16,
    },
}

impl OutboundError {
    pub(super) fn settings(what: impl Into<String>) -> Self {
        Self::Settings { what: what.into() }
    }

    /// Whether another attempt may come to something else.
    const fn passes(&self) -> bool {
        match self {
            Self::Settings { .. } => false,
            Self::NoAnswer { .. } => true,
            Self::TurnedAway { status, .. } => *status == 429 || *status >= 500,
        }
    }
}

/// One address to which messages go.
#[derive(Clone)]
pub(super) struct Outbound {
    url: Url,
    host: String,
    loopback: bool,
    client: reqwest::Client,
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outbound({})", self.host)
    }
}

impl Outbound {
    /// Makes a client for one address that trusts the system's roots and `ca_file`.
    pub(super) fn new(address: &str, ca_file: Option<&Path>) -> Result<Self, OutboundError> {
        let (url, loopback) = parse(address)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let builder = wire::builder(&url, ca_file)
            .map_err(|e| OutboundError::settings(innermost(&e)))?
            .connect_timeout(CONNECT)
            .timeout(WHOLE)
            .pool_max_idle_per_host(0);
        let client = builder
            .build()
            .map_err(|e| OutboundError::settings(innermost(&e)))?;
        Ok(Self {
            url,
            host,
            loopback,
            client,
        })
    }

    /// Whether nothing leaves this machine.
    pub(super) const fn is_loopback(&self) -> bool {
        self.loopback
    }

    /// Sends what `make` puts together until it is taken, a few times at most.
    pub(super) async fn deliver(
        &self,
        make: impl Fn(&reqwest::Client, Url) -> RequestBuilder,
    ) -> Result<(), OutboundError> {
        let mut pause = PAUSE;
        let mut attempt = 1;
        loop {
            match self.once(make(&self.client, self.url.clone())).await {
                Err(error) if error.passes() && attempt < ATTEMPTS => {}
                done => return done,
            }
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2);
            attempt += 1;
        }
    }

    async fn once(&self, request: RequestBuilder) -> Result<(), OutboundError> {
        let host = self.host.clone();
        match request.send().await {
            Ok(response) if response.status().is_success() => Ok(()),
            Ok(response) => Err(OutboundError::TurnedAway {
                host,
                status: response.status().as_u16(),
            }),
            Err(error) if error.is_timeout() => Err(OutboundError::NoAnswer {
                host,
                what: "not in time".to_owned(),
            }),
            Err(error) => Err(OutboundError::NoAnswer {
                host,
                what: innermost(&error.without_url()),
            }),
        }
    }
}

/// Reads an address; plain http is for this machine alone.
fn parse(address: &str) -> Result<(Url, bool), OutboundError> {
    let right = "as in https://hooks.example.com/exeunt";
    let url = Url::parse(address)
        .map_err(|e| OutboundError::settings(format!("this is no address ({e}); {right}")))?;
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        let what = format!("the address holds a user, a password or a fragment; {right}");
        return Err(OutboundError::settings(what));
    }
    let loopback = wire::is_loopback(&url);
    match url.scheme() {
        "https" => Ok((url, loopback)),
        "http" if loopback => Ok((url, loopback)),
        "http" => Err(OutboundError::settings(
            "plain http is for loopback addresses only; an address that begins with https://",
        )),
        _ => Err(OutboundError::settings(format!(
            "the address does not begin with https://; {right}"
        ))),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_alone() {
        for (address, fits) in [
            ("https://hooks.example.com/a?token=b", true),
            ("http://127.0.0.1:8080", true),
            ("http://localhost/x", true),
            ("http://[::1]:1/", true),
            ("http://hooks.example.com/a", false),
            ("http://localhost.example.com/a", false),
            ("https://user:secret@hooks.example.com/", false),
            ("https://hooks.example.com/#x", false),
            ("ftp://hooks.example.com/", false),
            ("hooks.example.com", false),
        ] {
            assert_eq!(parse(address).is_ok(), fits, "{address}");
        }
    }

    #[test]
    fn what_it_says_has_no_path_and_no_secret() {
        crate::tls::install_provider();
        let out = Outbound::new("https://hooks.example.com/s3cret?token=t", None).unwrap();
        assert_eq!(format!("{out:?}"), "Outbound(hooks.example.com)");
        let refused = Outbound::new("https://u:s3cret@hooks.example.com", None);
        assert!(!refused.unwrap_err().to_string().contains("s3cret"));
    }
}
