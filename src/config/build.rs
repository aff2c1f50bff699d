//! Turns the configuration into adapters.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::config::ContainsConfig;
use crate::config::DirectoryConfig;
use crate::config::DirectoryKind;
use crate::config::FlavorConfig;
use crate::config::ProtectConfig;
use crate::config::TenantConfig;
use crate::config::check;
use crate::config::mistake::Mistake;
use crate::config::place::Place;
use crate::config::secret::Secret;
use crate::config::secret::SecretRef;
use crate::config::tenant;
use crate::directory::Contains;
use crate::directory::Directory;
use crate::directory::DirectoryError;
use crate::directory::csv::CsvColumns;
use crate::directory::csv::CsvDirectory;
use crate::directory::csv::CsvSettings;
use crate::directory::ldap::BindPassword;
use crate::directory::ldap::Flavor;
use crate::directory::ldap::LdapDirectory;
use crate::directory::ldap::LdapLimits;
use crate::directory::ldap::LdapSettings;
use crate::directory::ldif::LdifDirectory;
use crate::directory::ldif::LdifSettings;
use crate::domain::id::Email;
use crate::provider::Provider;

/// A mistake in the settings of one directory or tenant, at the key that it is about; what stands
/// after a semicolon is what would be right.
pub(super) fn wrong(
    config: &Config,
    section: &str,
    source: &str,
    keys: &[&str],
    says: impl std::fmt::Display,
) -> Mistake {
    let says = says.to_string();
    let (says, right) = says.split_once("; ").unwrap_or((&says, ""));
    config.mistake(&Place::of(section, source, keys), says, right)
}

/// The key that an adapter's message is about, by the words in it.
fn key_of(says: &str) -> &'static [&'static str] {
    let known: [(&str, &[&str]); 10] = [
        ("in the clear", &["url"]),
        ("StartTLS", &["tls"]),
        ("flavor", &["flavor"]),
        ("url", &["url"]),
        ("IPv6", &["url"]),
        ("http", &["url"]),
        ("bind_dn", &["bind_dn"]),
        ("bind_password", &["bind_password"]),
        ("page size", &["page_size"]),
        ("filter", &["filter"]),
    ];
    let named = known.iter().find(|(word, _)| says.contains(word));
    named.map_or(&[], |(_, keys)| keys)
}

/// What an adapter says about its settings.
pub(super) fn adapter(
    config: &Config,
    section: &str,
    source: &str,
    error: &dyn std::fmt::Display,
) -> Mistake {
    let says = error.to_string();
    wrong(config, section, source, key_of(&says), says)
}

/// Makes and forgets the adapters with a stand-in for each secret: what is wrong in them shows
/// before anything is made, and where secrets are not at hand.
pub fn try_without_secrets(config: &Config) -> Result<(), Mistake> {
    let stand_in = |_: &SecretRef| Ok(Secret::new("stand-in"));
    for of in &config.directory {
        directory_with(config, of, &stand_in)?;
    }
    for of in &config.tenant {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        tenant::build(config, of, &stand_in, &clock)?;
        protected(config, of)?;
        successor(config, of)?;
    }
    Ok(())
}

/// How a secret is come by.
pub(super) type Fetch<'a> = &'a dyn Fn(&SecretRef) -> Result<Secret, String>;

/// Makes the adapter of a directory.
pub fn directory(config: &Config, of: &DirectoryConfig) -> Result<Box<dyn Directory>, Mistake> {
    directory_with(config, of, &|secret| secret.resolve(&config.base))
}

fn directory_with(
    config: &Config,
    of: &DirectoryConfig,
    fetch: Fetch<'_>,
) -> Result<Box<dyn Directory>, Mistake> {
    let unfit = |e: DirectoryError| adapter(config, "directory", &of.name, &e);
    match of.kind {
        DirectoryKind::Ldap => {
            let settings = ldap(config, of, fetch)?;
            let made = LdapDirectory::new(settings).map_err(unfit)?;
            Ok(Box::new(made))
        }
        DirectoryKind::Ldif => {
            let settings = LdifSettings {
                name: of.name.clone(),
                path: config.path(needed(config, of, of.path.as_ref(), "path")?),
                key: of
                    .key
                    .clone()
                    .unwrap_or_else(|| LdifSettings::DEFAULT_KEY.to_owned()),
                mail: vec!["mail".to_owned()],
                contains: contains(config, of)?,
                leave_date: of.leave_date.clone(),
            };
            let made = LdifDirectory::new(settings).map_err(unfit)?;
            Ok(Box::new(made))
        }
        DirectoryKind::Csv => {
            let columns = needed(config, of, of.columns.as_ref(), "columns")?;
            let settings = CsvSettings {
                name: of.name.clone(),
                path: config.path(needed(config, of, of.path.as_ref(), "path")?),
                columns: CsvColumns {
                    key: needed(config, of, columns.key.clone(), "columns.key")?,
                    mail: needed(config, of, columns.mail.clone(), "columns.mail")?,
                    name: columns.name.clone(),
                    login: columns.login.clone(),
                    employee_number: columns.employee_number.clone(),
                    leave_date: columns.leave_date.clone(),
                    disabled: columns.disabled.clone(),
                },
                contains: contains(config, of)?,
                delimiter: match of.delimiter {
                    None => None,
                    Some(sign) => Some(u8::try_from(sign).map_err(|_| {
                        let says = "this cannot stand between columns; `,`, `;` or a TAB";
                        wrong(config, "directory", &of.name, &["delimiter"], says)
                    })?),
                },
            };
            let made = CsvDirectory::new(settings).map_err(unfit)?;
            Ok(Box::new(made))
        }
    }
}

/// Whom a file lists must be said: a list of leavers read as a list of everybody would make
/// everybody else a leaver.
fn contains(config: &Config, of: &DirectoryConfig) -> Result<Contains, Mistake> {
    match of.contains {
        Some(ContainsConfig::Everybody) => Ok(Contains::Everybody),
        Some(ContainsConfig::Leavers) => Ok(Contains::Leavers),
        None => Err(wrong(
            config,
            "directory",
            &of.name,
            &[],
            "`contains` is missing; contains = \"everybody\" where whoever is not in the file may \
             have left, contains = \"leavers\" where the file lists those who have left",
        )),
    }
}

fn needed<T>(
    config: &Config,
    of: &DirectoryConfig,
    value: Option<T>,
    key: &str,
) -> Result<T, Mistake> {
    let right = match key {
        "url" => "url = [\"ldaps://ldap.example.com\"]",
        "bind_dn" => "bind_dn = \"cn=exeunt,ou=system,dc=example,dc=com\"",
        "bind_password" => "bind_password = { env = \"NAME\" } or { file = \"PATH\" }",
        "base" => "base = \"ou=people,dc=example,dc=com\"",
        "path" => "path = \"people.csv\"",
        _ => "columns = { key = \"employee id\", mail = \"mail\" }, by the names in the first line",
    };
    value.ok_or_else(|| {
        let says = format!("`{key}` is missing; {right}");
        wrong(config, "directory", &of.name, &["columns"], says)
    })
}

fn ldap(config: &Config, of: &DirectoryConfig, fetch: Fetch<'_>) -> Result<LdapSettings, Mistake> {
    let wrong = |keys: &[&str], says: String| wrong(config, "directory", &of.name, keys, says);
    let urls = &needed(config, of, of.url.as_ref(), "url")?.0;
    let urls = urls.iter().map(|text| {
        url::Url::parse(text)
            .map_err(|e| wrong(&["url"], format!("this is no url ({e}); ldaps://HOST")))
    });
    let password = needed(config, of, of.bind_password.as_ref(), "bind_password")?;
    let password = fetch(password).map_err(|e| wrong(&["bind_password"], e))?;
    let mut limits = LdapLimits::default();
    if let Some(seconds) = of.read_limit_s {
        limits.whole = Duration::from_secs(seconds);
    }
    if let Some(seconds) = of.answer_limit_s {
        limits.entry = Duration::from_secs(seconds);
        limits.connect = Duration::from_secs(seconds);
    }
    let page = of
        .page_size
        .unwrap_or(LdapSettings::DEFAULT_PAGE_SIZE.into());
    Ok(LdapSettings {
        name: of.name.clone(),
        urls: urls.collect::<Result<_, _>>()?,
        starttls: of.tls.starttls,
        ca_file: of.tls.ca_file.as_ref().map(|p| config.path(p)),
        bind_dn: needed(config, of, of.bind_dn.clone(), "bind_dn")?,
        bind_password: BindPassword::new(password.expose()),
        base: needed(config, of, of.base.clone(), "base")?,
        filter: of.filter.clone(),
        flavor: match of.flavor {
            FlavorConfig::ActiveDirectory => Flavor::ActiveDirectory,
            FlavorConfig::OpenLdap => Flavor::OpenLdap,
            FlavorConfig::Ds389 => Flavor::Ds389,
            FlavorConfig::Generic => Flavor::Generic,
        },
        page_size: u16::try_from(page).map_err(|_| {
            wrong(
                &["page_size"],
                "a page has at most 65535 entries; 500".to_owned(),
            )
        })?,
        limits,
    })
}

/// The name of a directory's kind, as entries record it.
pub const fn directory_adapter(kind: DirectoryKind) -> &'static str {
    match kind {
        DirectoryKind::Ldap => "ldap",
        DirectoryKind::Ldif => "ldif",
        DirectoryKind::Csv => "csv",
    }
}

/// Makes the adapter of a tenant.
pub fn tenant(
    config: &Config,
    of: &TenantConfig,
    clock: &Arc<dyn Clock>,
) -> Result<Box<dyn Provider>, Mistake> {
    tenant::build(config, of, &|secret| secret.resolve(&config.base), clock)
}

/// Reads the address of who takes over what removed accounts own.
pub fn successor(config: &Config, of: &TenantConfig) -> Result<Option<Email>, Mistake> {
    let Some(address) = &of.successor else {
        return Ok(None);
    };
    let listed = [address.clone()];
    Ok(check::addresses(config, &of.name, "successor", &listed)?.pop())
}

/// Reads the addresses that a tenant protects.
pub fn protected(config: &Config, of: &TenantConfig) -> Result<Vec<Email>, Mistake> {
    let listed = match &of.protect {
        ProtectConfig::List(list) => list.clone(),
        ProtectConfig::File { file } => {
            let path = config.path(file);
            let text = std::fs::read_to_string(&path).map_err(|e| {
                let says = format!("{} cannot be read: {e}", path.display());
                wrong(config, "tenant", &of.name, &["protect"], says)
            })?;
            let lines = text.lines().map(str::trim);
            lines
                .filter(|l| !l.is_empty() && !l.starts_with('#'))
                .map(str::to_owned)
                .collect()
        }
    };
    check::addresses(config, &of.name, "protect", &listed)
}

/// Reads the addresses of the accounts that machines use.
pub fn service_accounts(config: &Config, of: &TenantConfig) -> Result<Vec<Email>, Mistake> {
    check::addresses(config, &of.name, "service_accounts", &of.service_accounts)
}
