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
use crate::config::notices;
use crate::config::place::Place;
use crate::config::secret::Secret;
use crate::config::secret::SecretRef;
use crate::config::tenant;
use crate::directory::Contains;
use crate::directory::DateFormat;
use crate::directory::Directory;
use crate::directory::DirectoryError;
use crate::directory::FilePlace;
use crate::directory::csv::CsvColumns;
use crate::directory::csv::CsvDirectory;
use crate::directory::csv::CsvSettings;
use crate::directory::ldap::BindPassword;
use crate::directory::ldap::Flavor;
use crate::directory::ldap::LdapDirectory;
use crate::directory::ldap::LdapLimits;
use crate::directory::ldap::LdapSettings;
use crate::directory::ldap::LdapSignals;
use crate::directory::ldif::LdifDirectory;
use crate::directory::ldif::LdifSettings;
use crate::directory::scim::ScimDirectory;
use crate::directory::scim::ScimSettings;
use crate::domain::id::Email;
use crate::http;
use crate::http::Limits;
use crate::provider::Provider;
use crate::scim::access::Access;

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
    let known: [(&str, &[&str]); 18] = [
        ("`dated`", &["dated"]),
        ("leavers_units", &["leavers_units"]),
        ("left_when", &["left_when"]),
        ("leave_date", &["leave_date"]),
        ("`group`", &["group"]),
        ("`base`", &["base"]),
        ("preserved_base", &["preserved_base"]),
        ("exact_last_login", &["exact_last_login"]),
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
    notices::notifier_with(config, &stand_in)?;
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
                place: place(config, of)?,
                key: of
                    .key
                    .clone()
                    .unwrap_or_else(|| LdifSettings::DEFAULT_KEY.to_owned()),
                mail: vec!["mail".to_owned()],
                contains: contains(config, of)?,
                leave_date: of.leave_date.clone(),
                dates: dates(config, of)?,
                left_when: of.left_when.clone(),
            };
            let made = LdifDirectory::new(settings).map_err(unfit)?;
            Ok(Box::new(made))
        }
        DirectoryKind::Csv => {
            let columns = needed(config, of, of.columns.as_ref(), "columns")?;
            let settings = CsvSettings {
                name: of.name.clone(),
                place: place(config, of)?,
                encoding: of.encoding.unwrap_or_default(),
                columns: CsvColumns {
                    key: needed(config, of, columns.key.clone(), "columns.key")?,
                    mail: needed(config, of, columns.mail.clone(), "columns.mail")?,
                    mails: columns.mails.clone(),
                    name: columns.name.clone(),
                    login: columns.login.clone(),
                    employee_number: columns.employee_number.clone(),
                    manager: columns.manager.clone(),
                    leave_date: columns.leave_date.clone(),
                    recorded: columns.recorded.clone(),
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
                dates: dates(config, of)?,
                left_when: of.left_when.clone(),
            };
            let made = CsvDirectory::new(settings).map_err(unfit)?;
            Ok(Box::new(made))
        }
        DirectoryKind::Scim => {
            let made = ScimDirectory::new(scim(config, of, fetch)?).map_err(unfit)?;
            Ok(Box::new(made))
        }
    }
}

/// Where a file is.
fn place(config: &Config, of: &DirectoryConfig) -> Result<FilePlace, Mistake> {
    Ok(FilePlace {
        path: config.path(needed(config, of, of.path.as_ref(), "path")?),
        dated: of.dated.clone(),
    })
}

/// How a file writes days.
fn dates(config: &Config, of: &DirectoryConfig) -> Result<DateFormat, Mistake> {
    let wrong = |says| wrong(config, "directory", &of.name, &["date_format"], says);
    let format = of.date_format.as_deref().unwrap_or("iso");
    DateFormat::parse(format).map_err(wrong)
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
        signals: LdapSignals {
            leavers_units: of.leavers_units.clone(),
            group: of.group.clone(),
            left_when: of.left_when.clone(),
            leave_date: of.leave_date.clone(),
            preserved_base: of.preserved_base.clone(),
            exact_last_login: of.exact_last_login,
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

fn scim(config: &Config, of: &DirectoryConfig, fetch: Fetch<'_>) -> Result<ScimSettings, Mistake> {
    let wrong = |keys: &[&str], says: &str| wrong(config, "directory", &of.name, keys, says);
    let url = match of.url.as_ref().map(|u| u.0.as_slice()) {
        Some([one]) => one.clone(),
        Some(_) => {
            let says = "a SCIM service has one address; url = \"https://example.com/scim/v2\"";
            return Err(wrong(&["url"], says));
        }
        None => {
            let says = "`url` is missing; url = \"https://example.com/scim/v2\"";
            return Err(wrong(&["kind"], says));
        }
    };
    if of.tls.starttls {
        let says = "a SCIM service has no StartTLS; url = \"https://…\"";
        return Err(wrong(&["tls"], says));
    }
    let mut http = Limits::default();
    if let Some(seconds) = of.answer_limit_s {
        http.read = Duration::from_secs(seconds);
    }
    Ok(ScimSettings {
        name: of.name.clone(),
        url,
        access: scim_access(config, of, fetch)?,
        ca_file: of.tls.ca_file.as_ref().map(|p| config.path(p)),
        http,
        whole: Duration::from_secs(of.read_limit_s.unwrap_or(SCIM_READ_LIMIT_S)),
        max_pages: 50_000,
        filter: of.filter.clone(),
        left_when: of.left_when.clone(),
    })
}

/// How long a whole read of a SCIM service may take, in seconds, where nothing is said.
const SCIM_READ_LIMIT_S: u64 = 1800;

/// A token, or a client with its secret and where it asks for tokens.
fn scim_access(config: &Config, of: &DirectoryConfig, fetch: Fetch<'_>) -> Result<Access, Mistake> {
    let wrong = |key: &str, says: &str| wrong(config, "directory", &of.name, &[key], says);
    let secret = |key: &str, of: Option<&SecretRef>| {
        let of = of.ok_or_else(|| {
            let says = format!(
                "`{key}` is missing; {key} = {{ env = \"NAME\" }} or {{ file = \"PATH\" }}"
            );
            wrong("kind", &says)
        })?;
        let text = fetch(of).map_err(|e| wrong(key, &e))?;
        Ok(http::Secret::new(text.expose()))
    };
    match (&of.token, &of.client_id) {
        (Some(_), Some(_)) => Err(wrong(
            "client_id",
            "both `token` and `client_id` are there; one of the two",
        )),
        (_, None) if of.client_secret.is_some() || of.token_url.is_some() => Err(wrong(
            "kind",
            "`client_secret` and `token_url` belong to a client; `client_id` is missing",
        )),
        (token, None) => Ok(Access::Token(secret("token", token.as_ref())?)),
        (None, id) => Ok(Access::Client {
            id: secret("client_id", id.as_ref())?,
            secret: secret("client_secret", of.client_secret.as_ref())?,
            token_url: of.token_url.clone().ok_or_else(|| {
                let says =
                    "`token_url` is missing; token_url = \"https://example.com/oauth/token\"";
                wrong("client_id", says)
            })?,
        }),
    }
}

/// The name of a directory's kind, as entries record it.
pub const fn directory_adapter(kind: DirectoryKind) -> &'static str {
    match kind {
        DirectoryKind::Ldap => "ldap",
        DirectoryKind::Ldif => "ldif",
        DirectoryKind::Csv => "csv",
        DirectoryKind::Scim => "scim",
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
