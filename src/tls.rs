//! The one TLS configuration, for HTTP and LDAP alike.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// Why no TLS configuration could be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The CA file cannot be read or holds no certificate.
    #[error("cannot read certificates from {}", path.display())]
    CaFile {
        /// The file as configured.
        path: PathBuf,
        /// What the PEM reader said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The CA file holds no certificate at all.
    #[error("{} holds no certificate", path.display())]
    Empty {
        /// The file as configured.
        path: PathBuf,
    },
    /// rustls refused the configuration.
    #[error("the TLS library refused the configuration")]
    Library(#[from] rustls::Error),
}

/// Makes the process-wide choice of cryptographic provider; called first thing in `main` and tests.
pub fn install_provider() {
    // An error only says that a provider is installed already, which is what is wanted.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
}

/// Makes a client configuration that trusts the system's roots and the certificates of `ca_file`.
///
/// Host names are always checked; there is no way to switch verification off.
pub fn client_config(ca_file: Option<&Path>) -> Result<rustls::ClientConfig, TlsError> {
    let extra = match ca_file {
        Some(path) => read_certificates(path)?,
        None => Vec::new(),
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier =
        rustls_platform_verifier::Verifier::new_with_extra_roots(extra, provider.clone())?;
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous() // rustls' name for a verifier of one's own; this one verifies
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(config)
}

fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failure = |source: Box<dyn std::error::Error + Send + Sync>| TlsError::CaFile {
        path: path.to_owned(),
        source,
    };
    let certificates = CertificateDer::pem_file_iter(path)
        .map_err(|e| failure(Box::new(e)))?
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| failure(Box::new(e)))?;
    if certificates.is_empty() {
        return Err(TlsError::Empty {
            path: path.to_owned(),
        });
    }
    Ok(certificates)
}
