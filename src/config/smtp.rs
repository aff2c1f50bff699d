//! `[smtp]`: the relay over which mails go, for notices and for whoever runs the program.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use serde::Deserializer;
use serde::de::MapAccess;
use serde::de::Visitor;
use serde::de::value::MapAccessDeserializer;
use zeroize::Zeroizing;

use crate::config::Config;
use crate::config::build::Fetch;
use crate::config::mistake::Mistake;
use crate::config::place::Place;
use crate::config::secret::FORMS;
use crate::config::secret::Secret;
use crate::config::secret::SecretRef;
use crate::notify::smtp::Login;
use crate::notify::smtp::Mailer;
use crate::notify::smtp::MailerSettings;
use crate::notify::smtp::Security;
use crate::notify::smtp::error::MailError;
use crate::tls;

/// `[smtp]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpConfig {
    /// The relay's name; its certificate must have it.
    pub host: String,
    /// Its port; the usual one of `security` if nothing is said.
    pub port: Option<u16>,
    /// How the connection is protected.
    #[serde(default)]
    pub security: SecurityConfig,
    /// As whom we sign in.
    pub user: Option<UserConfig>,
    /// And with which password.
    pub password: Option<SecretRef>,
    /// A PEM file whose certificates are trusted beside the system's.
    pub ca_file: Option<PathBuf>,
    /// From whom mails come: an address, or `Name <address>`.
    pub from: String,
    /// Where answers go.
    pub reply_to: Option<String>,
    /// Where reports of undelivered mails go.
    pub bounces_to: Option<String>,
    /// How long a connection may take to be made, in seconds.
    #[serde(default = "usual_connect_limit")]
    pub connect_limit_s: u64,
    /// How long one mail may take, in seconds.
    #[serde(default = "usual_limit")]
    pub limit_s: u64,
}

/// How the connection to a relay is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecurityConfig {
    /// STARTTLS, which must be offered.
    #[default]
    Starttls,
    /// TLS from the first byte on.
    Tls,
    /// None; only on loopback.
    None,
}

impl From<SecurityConfig> for Security {
    fn from(word: SecurityConfig) -> Self {
        match word {
            SecurityConfig::Starttls => Security::Starttls,
            SecurityConfig::Tls => Security::Tls,
            SecurityConfig::None => Security::Plain,
        }
    }
}

/// The name under which we sign in: no secret for most relays, one for some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserConfig {
    /// In the configuration itself.
    Plain(String),
    /// Referred to like a secret.
    Secret(SecretRef),
}

impl<'de> Deserialize<'de> for UserConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl<'de> Visitor<'de> for Name {
            type Value = UserConfig;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "a name in quotes, or {FORMS}")
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<UserConfig, E> {
                Ok(UserConfig::Plain(name.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<UserConfig, A::Error> {
                SecretRef::deserialize(MapAccessDeserializer::new(map)).map(UserConfig::Secret)
            }
        }
        deserializer.deserialize_any(Name)
    }
}

const fn usual_connect_limit() -> u64 {
    10
}

const fn usual_limit() -> u64 {
    60
}

/// The longest that a mail may be allowed to take, in seconds.
const LONGEST: u64 = 600;

/// The mailer of `[smtp]`, if there is that section.
pub fn mailer(config: &Config) -> Result<Option<Mailer>, Mistake> {
    mailer_with(config, &|secret| secret.resolve(&config.base))
}

/// As [`mailer`], with a way of one's own to come by secrets.
pub(super) fn mailer_with(config: &Config, fetch: Fetch<'_>) -> Result<Option<Mailer>, Mistake> {
    let Some(of) = &config.smtp else {
        return Ok(None);
    };
    let ca_file = of.ca_file.as_ref().map(|file| config.path(file));
    if let Some(path) = &ca_file {
        tls::client_config(Some(path)).map_err(|error| {
            let right = "a PEM file with the certificate of the relay's authority";
            wrong(config, "ca_file", error.to_string(), right)
        })?;
    }
    made(config, of, fetch, ca_file).map(Some)
}

fn made(
    config: &Config,
    of: &SmtpConfig,
    fetch: Fetch<'_>,
    ca_file: Option<PathBuf>,
) -> Result<Mailer, Mistake> {
    let security = Security::from(of.security);
    let settings = MailerSettings {
        host: of.host.clone(),
        port: of.port.unwrap_or(security.usual_port()),
        security,
        login: login(config, of, fetch)?,
        ca_file,
        from: of.from.clone(),
        reply_to: of.reply_to.clone(),
        bounces_to: of.bounces_to.clone(),
        connect_limit: Duration::from_secs(of.connect_limit_s),
        limit: Duration::from_secs(of.limit_s),
    };
    Mailer::new(settings).map_err(|error| unfit(config, &error))
}

/// What is wrong in the section, without fetching any secret or opening any file.
pub(super) fn check(config: &Config) -> Result<(), Mistake> {
    let Some(of) = &config.smtp else {
        return Ok(());
    };
    if of.host.contains("://") || of.host.contains('@') || of.host.trim() != of.host {
        let says = "`host` is the name of the relay alone";
        return Err(wrong(
            config,
            "host",
            says,
            "host = \"relay.example.com\", and `port` beside it",
        ));
    }
    if of.port == Some(0) {
        return Err(wrong(
            config,
            "port",
            "there is no port 0",
            "587 with STARTTLS, 465 with TLS",
        ));
    }
    match (&of.user, &of.password) {
        (Some(_), None) => {
            let right = "password = { env = \"NAME\" }";
            return Err(wrong(
                config,
                "user",
                "`user` stands here without `password`",
                right,
            ));
        }
        (None, Some(_)) => {
            let right = "user = \"exeunt@example.com\"";
            return Err(wrong(
                config,
                "password",
                "`password` stands here without `user`",
                right,
            ));
        }
        _ => {}
    }
    for (key, seconds) in [
        ("connect_limit_s", of.connect_limit_s),
        ("limit_s", of.limit_s),
    ] {
        if !(1..=LONGEST).contains(&seconds) {
            let says = format!("{seconds} seconds are no limit for a mail");
            return Err(wrong(config, key, says, "1 to 600; 10 and 60 are usual"));
        }
    }
    made(config, of, &|_| Ok(Secret::new("stand-in")), None).map(drop)
}

fn login(config: &Config, of: &SmtpConfig, fetch: Fetch<'_>) -> Result<Option<Login>, Mistake> {
    let (Some(user), Some(password)) = (&of.user, &of.password) else {
        return Ok(None);
    };
    let secret = |key: &str, from: &SecretRef| {
        fetch(from).map_err(|says| {
            let (says, right) = says.split_once("; ").unwrap_or((&says, FORMS));
            wrong(config, key, says, right)
        })
    };
    let user = match user {
        UserConfig::Plain(name) => Secret::new(name),
        UserConfig::Secret(from) => secret("user", from)?,
    };
    let password = secret("password", password)?;
    Ok(Some(Login {
        user: Zeroizing::new(user.expose().to_owned()),
        password: Zeroizing::new(password.expose().to_owned()),
    }))
}

/// What the mailer says about its settings, at the key that it is about.
fn unfit(config: &Config, error: &MailError) -> Mistake {
    let MailError::Settings { key, says } = error else {
        return wrong(config, "host", error.to_string(), "");
    };
    let right = match *key {
        "host" => "host = \"relay.example.com\"",
        "security" => "security = \"starttls\", or \"tls\" for port 465",
        _ => "an address such as exeunt@example.com, or \"Name <exeunt@example.com>\"",
    };
    wrong(config, key, says.as_str(), right)
}

fn wrong(config: &Config, key: &str, says: impl Into<String>, right: impl Into<String>) -> Mistake {
    config.mistake(&Place::once("smtp", &[key]), says, right)
}
