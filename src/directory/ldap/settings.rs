//! The settings of an LDAP directory, and what is wrong with them before anything is sent.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;
use zeroize::Zeroizing;

use crate::directory::DirectoryError;
use crate::directory::LeftWhen;
use crate::directory::ldap::name::Name;

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
    /// What else says that somebody has left.
    pub signals: LdapSignals,
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

    /// Entries of Active Directory that are people; computers are of the class `person` too.
    pub const ACTIVE_DIRECTORY_FILTER: &str = "(&(objectCategory=person)(objectClass=user))";

    /// The filter that is in force.
    pub fn effective_filter(&self) -> &str {
        let usual = match self.flavor {
            Flavor::ActiveDirectory => Self::ACTIVE_DIRECTORY_FILTER,
            Flavor::OpenLdap | Flavor::Generic | Flavor::Ds389 => Self::DEFAULT_FILTER,
        };
        self.filter.as_deref().unwrap_or(usual)
    }
}

/// What, besides the account's own state, says in a directory that somebody has left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LdapSignals {
    /// The units in which leavers are kept, by their distinguished names; those outside the base
    /// are read too.
    pub leavers_units: Vec<String>,
    /// The group in which everybody is who has not left, directly or by way of other groups.
    pub group: Option<String>,
    /// Attributes with the values that say so.
    pub left_when: Vec<LeftWhen>,
    /// The attribute with the last day: a generalizedTime, a FILETIME, or a day as 2026-11-30.
    pub leave_date: Option<String>,
    /// FreeIPA: where preserved people are kept, who count as deleted.
    pub preserved_base: Option<String>,
    /// Active Directory: whether every configured controller is asked for `lastLogon`.
    pub exact_last_login: bool,
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
    /// Active Directory, of Microsoft or of Samba.
    ActiveDirectory,
    /// 389 Directory Server and FreeIPA; people are known by `nsUniqueId` where there is no
    /// `entryUUID`.
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
    check_signals(settings)
}

/// More of a kind than anybody has.
const MOST: usize = 100;

fn check_signals(settings: &LdapSettings) -> Result<(), DirectoryError> {
    let signals = &settings.signals;
    let active_directory = settings.flavor == Flavor::ActiveDirectory;
    let base = name(settings, "base", &settings.base)?;
    if signals.leavers_units.len() > MOST || signals.left_when.len() > MOST {
        return wrong(settings, "has more than 100 leavers_units or left_when");
    }
    for unit in &signals.leavers_units {
        if base.is_within(&name(settings, "leavers_units", unit)?) {
            return wrong(
                settings,
                "has leavers_units above its base, so that everybody would be a leaver; name the \
                 unit in which only leavers are",
            );
        }
    }
    if let Some(group) = &signals.group {
        name(settings, "group", group)?;
    }
    for rule in &signals.left_when {
        attribute(settings, "left_when", &rule.attribute)?;
        if rule.values.is_empty() || rule.values.iter().any(|v| v.trim().is_empty()) {
            return wrong(
                settings,
                "has left_when without values; left_when = [{ attribute = \"employeeType\", \
                 values = [\"terminated\"] }]",
            );
        }
    }
    if let Some(date) = &signals.leave_date {
        attribute(settings, "leave_date", date)?;
    }
    if let Some(preserved) = &signals.preserved_base {
        if settings.flavor != Flavor::Ds389 {
            return wrong(
                settings,
                "has a preserved_base, which only FreeIPA has; leave it out, or set \
                 flavor = \"389ds\"",
            );
        }
        let preserved = name(settings, "preserved_base", preserved)?;
        if base.is_within(&preserved) || preserved.is_within(&base) {
            return wrong(
                settings,
                "has a preserved_base that overlaps its base; base = \"cn=users,cn=accounts,…\"",
            );
        }
    }
    if signals.exact_last_login && !active_directory {
        return wrong(
            settings,
            "has exact_last_login, which only Active Directory has; leave it out",
        );
    }
    let catalogue = |url: &Url| matches!(url.port(), Some(3268 | 3269));
    if active_directory && settings.urls.iter().any(catalogue) {
        return wrong(
            settings,
            "has a url of the global catalog, which does not hold accountExpires; leave out the \
             port, or write 636",
        );
    }
    Ok(())
}

fn name(settings: &LdapSettings, key: &str, text: &str) -> Result<Name, DirectoryError> {
    Name::parse(text).ok_or_else(|| DirectoryError::Configuration {
        what: format!(
            "directory {}: `{key}` is no distinguished name; {key} as in ou=People,dc=example,dc=com",
            settings.name
        ),
    })
}

/// Letters, digits and hyphens, beginning with a letter (RFC 4512, 1.4), so that nothing else can
/// get into a request.
fn attribute(settings: &LdapSettings, key: &str, text: &str) -> Result<(), DirectoryError> {
    let sound = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if sound {
        return Ok(());
    }
    Err(DirectoryError::Configuration {
        what: format!(
            "directory {}: `{key}` names what cannot be an attribute; {key} with a name such as \
             employeeType",
            settings.name
        ),
    })
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
            signals: LdapSignals::default(),
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
    fn signals_that_cannot_work_are_said_too() {
        let unit = |text: &str| vec![text.to_owned()];
        assert!(refused(|s| s.base = "people".to_owned()).contains("`base`"));
        assert!(refused(|s| s.signals.leavers_units = unit("Leavers")).contains("leavers_units"));
        assert!(refused(|s| s.signals.leavers_units = unit("DC=X")).contains("above its base"));
        assert!(refused(|s| s.signals.group = Some("SaaS".to_owned())).contains("`group`"));
        assert!(
            refused(|s| s.signals.leave_date = Some("a b".to_owned())).contains("`leave_date`")
        );
        assert!(refused(|s| s.signals.exact_last_login = true).contains("exact_last_login"));
        assert!(
            refused(|s| s.signals.preserved_base = Some("cn=x".to_owned())).contains("FreeIPA")
        );
        let rule = |attribute: &str, values: &[&str]| LeftWhen {
            attribute: attribute.to_owned(),
            values: values.iter().map(|v| (*v).to_owned()).collect(),
        };
        for rule in [rule("a)(b", &["x"]), rule("a", &[]), rule("a", &[" "])] {
            assert!(refused(|s| s.signals.left_when = vec![rule]).contains("left_when"));
        }
        let says = refused(|s| {
            s.flavor = Flavor::ActiveDirectory;
            s.urls = vec![Url::parse("ldaps://dc.x.test:3269").unwrap()];
        });
        assert!(says.contains("global catalog"), "{says}");
    }

    #[test]
    fn the_password_is_never_shown() {
        assert!(!format!("{:?}", settings("ldaps://x")).contains("secret"));
    }
}
