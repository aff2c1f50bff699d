//! What every HTTP client of ours is made of, whatever it asks for.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::path::Path;

use reqwest::ClientBuilder;
use url::Host;
use url::Url;

use crate::tls;
use crate::tls::TlsError;

/// Whether an address is this machine's own.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// A client for one address that trusts the system's roots and `ca_file`: it follows no redirect,
/// tries nothing again, says nothing of where it comes from, and where the address is https never
/// speaks without it. What bounds it in time is the caller's.
pub(crate) fn builder(url: &Url, ca_file: Option<&Path>) -> Result<ClientBuilder, TlsError> {
    let builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls::client_config(ca_file)?)
        .retry(reqwest::retry::never())
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .user_agent(concat!("exeunt/", env!("CARGO_PKG_VERSION")))
        .https_only(url.scheme() == "https");
    if !is_loopback(url) {
        return Ok(builder);
    }
    let here = [
        SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        SocketAddr::from((Ipv6Addr::LOCALHOST, 0)),
    ];
    // a name that only claims to be loopback must not leave the machine
    Ok(builder.no_proxy().resolve_to_addrs("localhost", &here))
}

/// The last source of an error: what the system or the TLS library said, without addresses.
pub(crate) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string().chars().take(200).collect()
}
