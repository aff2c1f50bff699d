//! The settings of an LDAP directory, and what is wrong with them before anything is sent.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;
use zeroize::Zeroizing;

use crate::directory::DirectoryError;

/// An LDAP directory as configured.
#[derive(Debug, Clone)]
pub struct LdapSettings {
    /// The directory's name in the configuration.
    pub name: String,
    /// Where it is: `ldaps://`, or `ldap://` with StartTLS or on loopback; tried in this order.
    pub urls: Vec<Url>,
    /// Whether an `ldap://` connection is secured by StartTLS before anything else is sent.
    pub starttls: bool,
    /// Certificates that are trusted beside those of the system, in PEM.
    pub ca_file: Option<PathBuf>,
    /// The name to bind as.
    pub bind_dn: String,
    /// Its password.
    pub bind_password: BindPassword,
    /// The entry below which people are.
    pub base: String,
    /// Which entries are people; [`LdapSettings::DEFAULT_FILTER`] if it is not given.
    pub filter: Option<String>,
    /// The product.
    pub flavor: Flavor,
    /// Entries asked for at a time.
    pub page_size: u16,
    /// How long, and how much, at most.
    pub limits: LdapLimits,
}

impl LdapSettings {
    /// The usual number of entries asked for at a time.
    pub const DEFAULT_PAGE_SIZE: u16 = 500;

    /// Entries that are people, if the configuration does not say so itself.
    pub const DEFAULT_FILTER: &str = "(|(objectClass=person)(objectClass=inetOrgPerson))";

    /// The filter that is in force.
    pub fn effective_filter(&self) -> &str {
        self.filter.as_deref().unwrap_or(Self::DEFAULT_FILTER)
    }
}

/// A password that no debug output, error or log shows, and that is wiped when it is dropped.
#[derive(Clone)]
pub struct BindPassword(Zeroizing<String>);

impl BindPassword {
    /// Takes the password.
    pub fn new(password: impl Into<String>) -> Self {
        Self(Zeroizing::new(password.into()))
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for BindPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BindPassword(…)")
    }
}

/// The product behind the protocol, which decides the attributes that are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavor {
    /// OpenLDAP with its password policy overlay.
    OpenLdap,
    /// Any server that keeps `entryUUID`; the locks of OpenLDAP and of 389-ds are both looked for.
    Generic,
    /// Active Directory; not built yet.
    ActiveDirectory,
    /// 389 Directory Server; not built yet ([`Flavor::Generic`] reads its locks if it keeps
    /// `entryUUID`).
    Ds389,
}

/// How long, and how much, at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LdapLimits {
    /// For one connection with TLS.
    pub connect: Duration,
    /// For the next entry or answer.
    pub entry: Duration,
    /// For a whole read, from connecting on.
    pub whole: Duration,
    /// People in one read.
    pub entries: u64,
}

impl Default for LdapLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            entry: Duration::from_secs(60),
            whole: Duration::from_secs(600),
            entries: 2_000_000,
        }
    }
}

/// Refuses settings that cannot work or would send a password in the clear.
pub(super) fn check(settings: &LdapSettings) -> Result<(), DirectoryError> {
    match settings.flavor {
        Flavor::OpenLdap | Flavor::Generic => {}
        Flavor::ActiveDirectory => {
            return wrong(settings, "flavor active-directory is not built yet");
        }
        Flavor::Ds389 => {
            return wrong(
                settings,
                "flavor 389ds is not built yet; generic reads nsAccountLock where the server \
                 keeps entryUUID",
            );
        }
    }
    if settings.urls.is_empty() {
        return wrong(settings, "names no url");
    }
    for url in &settings.urls {
        check_url(settings, url)?;
    }
    if settings.bind_dn.trim().is_empty() {
        return wrong(
            settings,
            "has an empty bind_dn; anonymous reading proves nothing",
        );
    }
    if settings.bind_password.reveal().is_empty() {
        // RFC 4513 5.1.2: a name with an empty password is let in as nobody.
        return wrong(
            settings,
            "has an empty bind_password, with which servers let anybody in as nobody",
        );
    }
    if settings.page_size == 0 || settings.limits.entries == 0 {
        return wrong(settings, "has a page size or a limit of 0");
    }
    if ldap3::parse_filter(settings.effective_filter()).is_err() {
        return wrong(
            settings,
            "has a filter that is none; right is, for example, (uid=*)",
        );
    }
    Ok(())
}

fn check_url(settings: &LdapSettings, url: &Url) -> Result<(), DirectoryError> {
    let host = url.host_str().unwrap_or_default();
    if !matches!(url.scheme(), "ldap" | "ldaps") || host.is_empty() {
        return wrong(
            settings,
            "has a url that is not ldaps://HOST or ldap://HOST",
        );
    }
    let bare = matches!(url.path(), "" | "/") && url.query().is_none();
    if !bare || !url.username().is_empty() || url.password().is_some() {
        return wrong(
            settings,
            "has a url with more than host and port; the base goes into `base`, the name into \
             `bind_dn`",
        );
    }
    if url.scheme() == "ldaps" && settings.starttls {
        return wrong(
            settings,
            "asks for StartTLS with ldaps://, which is TLS already",
        );
    }
    if url.scheme() == "ldap" && !settings.starttls && !is_loopback(url) {
        return wrong(
            settings,
            "would send the password in the clear; write ldaps://, or set tls.starttls",
        );
    }
    let encrypted = url.scheme() == "ldaps" || settings.starttls;
    if encrypted && host.starts_with('[') {
        return wrong(
            settings,
            "names a server by an IPv6 address; TLS needs its name",
        );
    }
    Ok(())
}

fn wrong<T>(settings: &LdapSettings, what: &str) -> Result<T, DirectoryError> {
    Err(DirectoryError::Configuration {
        what: format!("directory {} {what}", settings.name),
    })
}

/// Whether a URL names this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Scheme, host and port, as errors and proofs show them.
pub(super) fn shown(url: &Url) -> String {
    let port = url
        .port()
        .unwrap_or(if url.scheme() == "ldaps" { 636 } else { 389 });
    format!(
        "{}://{}:{port}",
        url.scheme(),
        url.host_str().unwrap_or_default()
    )
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn settings(url: &str) -> LdapSettings {
        LdapSettings {
            name: "corp".to_owned(),
            urls: vec![Url::parse(url).unwrap()],
            starttls: false,
            ca_file: None,
            bind_dn: "cn=sync".to_owned(),
            bind_password: BindPassword::new("secret"),
            base: "dc=x".to_owned(),
            filter: None,
            flavor: Flavor::OpenLdap,
            page_size: 500,
            limits: LdapLimits::default(),
        }
    }

    fn refused(change: impl FnOnce(&mut LdapSettings)) -> String {
        let mut settings = settings("ldaps://dc.example.test");
        change(&mut settings);
        check(&settings).unwrap_err().to_string()
    }

    #[test]
    fn a_password_goes_only_over_tls_or_loopback() {
        for url in [
            "ldaps://dc.example.test",
            "ldap://127.0.0.1:3890",
            "ldap://localhost",
            "ldap://[::1]:3890",
        ] {
            assert!(check(&settings(url)).is_ok(), "{url}");
        }
        for url in [
            "ldap://dc.example.test",
            "ldap://10.0.0.1",
            "ldap://127.0.0.1.example.test",
        ] {
            let says = check(&settings(url)).unwrap_err().to_string();
            assert!(says.contains("in the clear"), "{says}");
            let mut secured = settings(url);
            secured.starttls = true;
            assert!(check(&secured).is_ok(), "{url}");
        }
    }

    #[test]
    fn what_cannot_work_is_said_before_anything_is_sent() {
        let url = |text: &str| vec![Url::parse(text).unwrap()];
        assert!(refused(|s| s.bind_password = BindPassword::new("")).contains("empty"));
        assert!(refused(|s| s.bind_dn = " ".to_owned()).contains("bind_dn"));
        assert!(refused(|s| s.filter = Some("uid=".to_owned() + "(")).contains("filter"));
        assert!(refused(|s| s.flavor = Flavor::ActiveDirectory).contains("not built yet"));
        assert!(refused(|s| s.flavor = Flavor::Ds389).contains("not built yet"));
        assert!(refused(|s| s.urls = Vec::new()).contains("no url"));
        assert!(refused(|s| s.urls = url("http://x.test")).contains("url"));
        assert!(refused(|s| s.urls = url("ldaps:///dc=x")).contains("url"));
        assert!(refused(|s| s.urls = url("ldaps://x.test/dc=x")).contains("base"));
        assert!(refused(|s| s.urls = url("ldaps://u:p@x.test")).contains("bind_dn"));
        assert!(refused(|s| s.starttls = true).contains("StartTLS"));
        assert!(refused(|s| s.page_size = 0).contains("page size"));
        assert!(refused(|s| s.urls = url("ldaps://[::1]")).contains("IPv6"));
    }

    #[test]
    fn the_password_is_never_shown() {
        assert!(!format!("{:?}", settings("ldaps://x")).contains("secret"));
    }
}
