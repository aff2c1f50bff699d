//! `exeunt.toml`: what is configured, checked, and turned into adapters' settings.
//!
//! Unknown keys are errors with line, column and a suggestion; a secret is a reference, never a
//! literal; relative paths count from the file's own directory.

pub mod alert;
pub mod build;
pub mod check;
pub mod mistake;
pub mod notices;
pub mod place;
pub mod policy;
pub mod secret;
pub mod smtp;
mod tenant;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Deserializer;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;
use serde::de::value::MapAccessDeserializer;
use serde::de::value::SeqAccessDeserializer;

use crate::config::alert::AlertConfig;
use crate::config::mistake::Mistake;
use crate::config::mistake::RIGHT;
use crate::config::notices::NoticesConfig;
use crate::config::place::Place;
use crate::config::place::Text;
use crate::config::secret::SecretRef;
use crate::config::smtp::SmtpConfig;
use crate::directory::Encoding;
use crate::directory::LeftWhen;
use crate::domain::correlation::Rule;
use crate::domain::policy::Among;
use crate::domain::policy::LeaverTargets;
use crate::domain::policy::Limits;
use crate::domain::policy::Ring;
use crate::domain::policy::StepRule;
use crate::domain::rows::When;
use crate::domain::succession::Via;
use crate::ledger::checkpoint::Cadence;
use crate::notify::text::Language;

/// The whole file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where ledger, vault, head lock and keys are.
    #[serde(default)]
    pub ledger: LedgerConfig,
    /// Where people are known.
    #[serde(default)]
    pub directory: Vec<DirectoryConfig>,
    /// Where accounts are.
    #[serde(default)]
    pub tenant: Vec<TenantConfig>,
    /// Who may approve.
    #[serde(default)]
    pub approver: Vec<ApproverConfig>,
    /// What is to be done with whom.
    #[serde(default)]
    pub policy: Vec<PolicyConfig>,
    /// The numbers of the brakes and of trust.
    #[serde(default)]
    pub limits: Limits,
    /// How soon leavers must be out.
    #[serde(default)]
    pub leavers: LeaverTargets,
    /// How warnings are given.
    #[serde(default, alias = "notify")]
    pub notices: NoticesConfig,
    /// The relay over which mails go.
    pub smtp: Option<SmtpConfig>,
    /// What operators hear of.
    pub alert: Option<AlertConfig>,
    /// The directory that relative paths count from.
    #[serde(skip)]
    pub base: PathBuf,
    /// The text that it was read from, to say where a mistake stands.
    #[serde(skip)]
    pub text: Text,
}

/// `[ledger]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LedgerConfig {
    /// `sqlite:FILE`.
    pub url: String,
    /// `sqlite:FILE`.
    pub vault: String,
    /// The head lock.
    pub head: PathBuf,
    /// The directory with the keys.
    pub keys: PathBuf,
    /// The name of the log in checkpoints.
    pub origin: String,
    /// Whether this is a rehearsal: time may be moved, and every source must be on loopback.
    pub sandbox: bool,
    /// The directory that checkpoints are copied to: on another machine, if they are to prove much.
    pub publish: Option<PathBuf>,
    /// As soon as so many entries are not covered by a checkpoint, the next one is made.
    pub checkpoint_entries: u64,
    /// As soon as the newest checkpoint is so many seconds old and an entry is not covered.
    pub checkpoint_seconds: u32,
    /// After so many hours without any entry `exeunt checkpoint` makes one all the same.
    pub heartbeat_hours: u32,
}

impl Default for LedgerConfig {
    fn default() -> Self {
        Self {
            url: "sqlite:exeunt.db".to_owned(),
            vault: "sqlite:exeunt-vault.db".to_owned(),
            head: "exeunt.head".into(),
            keys: "keys".into(),
            origin: "localhost/exeunt".to_owned(),
            sandbox: false,
            publish: None,
            checkpoint_entries: 100,
            checkpoint_seconds: 60,
            heartbeat_hours: 24,
        }
    }
}

/// The kinds of directories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DirectoryKind {
    /// A server.
    Ldap,
    /// An LDIF file.
    Ldif,
    /// A CSV file.
    Csv,
    /// A SCIM 2.0 service.
    Scim,
}

/// What a directory is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// It says who has left.
    #[default]
    Authoritative,
    /// It only says whom a policy is about.
    Scope,
}

/// The make of an LDAP server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum FlavorConfig {
    /// Microsoft's or Samba's.
    #[serde(rename = "active-directory")]
    ActiveDirectory,
    /// slapd.
    #[serde(rename = "openldap")]
    OpenLdap,
    /// 389 Directory Server.
    #[serde(rename = "389ds")]
    Ds389,
    /// Any other.
    #[default]
    #[serde(rename = "generic")]
    Generic,
}

/// Whom a file lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContainsConfig {
    /// Everybody: whoever is missing may have left.
    #[default]
    Everybody,
    /// Leavers only: whoever stands there has left.
    Leavers,
}

/// One text or a list of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OneOrMany(pub Vec<String>);

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Texts;
        impl<'de> Visitor<'de> for Texts {
            type Value = OneOrMany;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text in quotes, or a list of them")
            }

            fn visit_str<E: serde::de::Error>(self, one: &str) -> Result<OneOrMany, E> {
                Ok(OneOrMany(vec![one.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<OneOrMany, A::Error> {
                Deserialize::deserialize(SeqAccessDeserializer::new(list)).map(OneOrMany)
            }
        }
        deserializer.deserialize_any(Texts)
    }
}

/// `tls = { … }`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// A PEM file whose certificates are trusted beside the system's.
    pub ca_file: Option<PathBuf>,
    /// Whether a plain connection is turned into TLS before anything else is said.
    #[serde(default)]
    pub starttls: bool,
}

/// `columns = { … }` of a CSV file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnsConfig {
    /// The immutable key.
    pub key: Option<String>,
    /// The address.
    pub mail: Option<String>,
    /// Further addresses, several in one cell.
    pub mails: Option<String>,
    /// The name to show.
    pub name: Option<String>,
    /// The login name.
    pub login: Option<String>,
    /// The employee number.
    pub employee_number: Option<String>,
    /// The manager.
    pub manager: Option<String>,
    /// The last day.
    pub leave_date: Option<String>,
    /// The day on which the last day was recorded.
    pub recorded: Option<String>,
    /// Whether the person is disabled.
    pub disabled: Option<String>,
}

/// `[[directory]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DirectoryConfig {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: DirectoryKind,
    /// What it is for.
    #[serde(default)]
    pub role: Role,
    /// The make of the server.
    #[serde(default)]
    pub flavor: FlavorConfig,
    /// The servers.
    pub url: Option<OneOrMany>,
    /// How the connection is protected.
    #[serde(default)]
    pub tls: TlsConfig,
    /// As whom we read.
    pub bind_dn: Option<String>,
    /// And with which password.
    pub bind_password: Option<SecretRef>,
    /// A bearer token of a SCIM service.
    pub token: Option<SecretRef>,
    /// The id of an OAuth 2 client of a SCIM service, in place of a token.
    pub client_id: Option<SecretRef>,
    /// Its secret.
    pub client_secret: Option<SecretRef>,
    /// Where it asks for tokens.
    pub token_url: Option<String>,
    /// Where the people are.
    pub base: Option<String>,
    /// Which entries are people.
    pub filter: Option<String>,
    /// How many entries a page has.
    pub page_size: Option<u32>,
    /// People who must be seen in every read, by DN's first part or address; a read without one of
    /// them is suspect.
    #[serde(default)]
    pub canaries: Vec<String>,
    /// Entries that must not be seen in any read, named likewise: somebody who is known to have
    /// left, or a test object outside the filter. A read with one of them is suspect.
    #[serde(default)]
    pub forbidden: Vec<String>,
    /// Values of an attribute, or of a column of a CSV file, that say that somebody has left.
    #[serde(default)]
    pub left_when: Vec<LeftWhen>,
    /// The file, or with `dated` the folder of the files.
    pub path: Option<PathBuf>,
    /// How the files in that folder are named, with strftime's signs for the day; the one with the
    /// latest day counts.
    pub dated: Option<String>,
    /// After how many days a file that nobody has written anew is not believed any more.
    pub max_age_days: Option<u64>,
    /// How the bytes of a CSV file are text.
    pub encoding: Option<Encoding>,
    /// How a file writes days.
    pub date_format: Option<String>,
    /// What the columns of a CSV file are called.
    pub columns: Option<ColumnsConfig>,
    /// The sign between the columns of a CSV file.
    pub delimiter: Option<char>,
    /// The attribute of an LDIF file with the immutable key.
    pub key: Option<String>,
    /// The attribute of an LDAP directory or an LDIF file with the last day.
    pub leave_date: Option<String>,
    /// The units in which leavers are kept, inside the base or not.
    #[serde(default)]
    pub leavers_units: Vec<String>,
    /// The group in which everybody is who has not left.
    pub group: Option<String>,
    /// Where FreeIPA preserves people who were deleted.
    pub preserved_base: Option<String>,
    /// Whether all controllers of Active Directory are asked for logins.
    #[serde(default)]
    pub exact_last_login: bool,
    /// Whom a file lists.
    pub contains: Option<ContainsConfig>,
    /// How long a whole read may take, in seconds.
    pub read_limit_s: Option<u64>,
    /// How long an answer may take, in seconds.
    pub answer_limit_s: Option<u64>,
}

/// The addresses that a tenant protects.
#[derive(Debug, Clone)]
pub enum ProtectConfig {
    /// In the configuration itself.
    List(Vec<String>),
    /// In a file, one a line.
    File {
        /// The file.
        file: PathBuf,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProtectParts {
    file: Option<PathBuf>,
    roles: Option<serde::de::IgnoredAny>,
    groups: Option<serde::de::IgnoredAny>,
}

impl<'de> Deserialize<'de> for ProtectConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Protected;
        impl<'de> Visitor<'de> for Protected {
            type Value = ProtectConfig;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of addresses, or { file = \"PATH\" }")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<ProtectConfig, A::Error> {
                Deserialize::deserialize(SeqAccessDeserializer::new(list)).map(ProtectConfig::List)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ProtectConfig, A::Error> {
                let parts = ProtectParts::deserialize(MapAccessDeserializer::new(map))?;
                match parts {
                    ProtectParts {
                        file: Some(file),
                        roles: None,
                        groups: None,
                    } => Ok(ProtectConfig::File { file }),
                    ProtectParts {
                        roles: None,
                        groups: None,
                        ..
                    } => Err(serde::de::Error::custom(format!(
                        "`file` is missing{RIGHT}a list of addresses, or {{ file = \"PATH\" }}"
                    ))),
                    _ => Err(serde::de::Error::custom(format!(
                        "protection by roles or groups is not built yet{RIGHT}a list of addresses; \
                         owners and admins are protected in any case"
                    ))),
                }
            }
        }
        deserializer.deserialize_any(Protected)
    }
}

impl Default for ProtectConfig {
    fn default() -> Self {
        ProtectConfig::List(Vec::new())
    }
}

/// `[[tenant]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantConfig {
    /// Its name.
    pub name: String,
    /// Which system it is.
    pub provider: String,
    /// Where it is.
    pub url: String,
    /// A token that goes with every request: DocSpace's API key, a SCIM bearer token.
    pub token: Option<SecretRef>,
    /// Huwise's API key.
    pub api_key: Option<SecretRef>,
    /// An access token of Alteryx that is not refreshed.
    pub access_token: Option<SecretRef>,
    /// The first refresh token of Alteryx; each can be used once, and the next one is kept beside
    /// the vault.
    pub refresh_token: Option<SecretRef>,
    /// The id of an OAuth 2 client (Port, ProjectPlace, SCIM), or Alteryx's client id.
    pub client_id: Option<SecretRef>,
    /// Its secret.
    pub client_secret: Option<SecretRef>,
    /// Where tokens are asked for, where that is another address than the tenant's.
    pub token_url: Option<String>,
    /// ProjectPlace by OAuth 1: the application's key.
    pub application_key: Option<SecretRef>,
    /// ProjectPlace by OAuth 1: the application's secret.
    pub application_secret: Option<SecretRef>,
    /// ProjectPlace by OAuth 1: the token's key.
    pub token_key: Option<SecretRef>,
    /// ProjectPlace by OAuth 1: the token's secret.
    pub token_secret: Option<SecretRef>,
    /// The id of the workspace (Alteryx) or organisation (Port) that must be met there.
    pub workspace: Option<String>,
    /// The address of who takes over what removed accounts own, where nobody comes before.
    pub successor: Option<String>,
    /// In which order a successor is looked for.
    pub succession: Option<Vec<Via>>,
    /// For how many days somebody may go on working after a login without logging in again, where
    /// the provider does not say.
    pub session_days: Option<u64>,
    /// Further headers that go with every request (Alteryx's project id and workspace).
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Paths in place of the usual ones, by name (Alteryx).
    #[serde(default)]
    pub paths: BTreeMap<String, String>,
    /// The attribute of a SCIM user with the last login: `URN:attribute`.
    pub last_login: Option<String>,
    /// Roles, entitlements or groups of a SCIM user that mean an administrator.
    #[serde(default)]
    pub admin_values: Vec<String>,
    /// A PEM file whose certificates are trusted beside the system's.
    pub ca_file: Option<PathBuf>,
    /// Addresses that are never touched; if they leave, they are shown as still in.
    #[serde(default)]
    pub protect: ProtectConfig,
    /// Addresses of accounts that machines use.
    #[serde(default)]
    pub service_accounts: Vec<String>,
    /// The language in which people are warned about its accounts.
    pub language: Option<Language>,
    /// By which rules its accounts are given to people, in order.
    pub correlate: Option<Vec<Rule>>,
    /// How long one request may take, in seconds.
    pub request_limit_s: Option<u64>,
    /// How often a read is tried.
    pub attempts: Option<u32>,
}

impl TenantConfig {
    /// In which order a successor is looked for.
    pub fn order(&self) -> &[Via] {
        self.succession.as_deref().unwrap_or(Via::USUAL)
    }

    /// By which rules its accounts are given to people, in order: what a person has said first.
    pub fn rules(&self) -> Vec<Rule> {
        let Some(named) = &self.correlate else {
            return Rule::USUAL.to_vec();
        };
        let others = named.iter().filter(|rule| **rule != Rule::Manual);
        std::iter::once(&Rule::Manual)
            .chain(others)
            .copied()
            .collect()
    }
}

/// `[[approver]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApproverConfig {
    /// Who it is.
    pub name: String,
    /// The Ed25519 public key, in base64: a signature proves.
    pub key: Option<String>,
    /// The name at the operating system: it only claims.
    pub os_user: Option<String>,
    /// What they may approve; everything if nothing is said.
    #[serde(default)]
    pub classes: Vec<String>,
}

impl ApproverConfig {
    /// Whether this file lets them approve a class.
    pub fn may(&self, class: &str) -> bool {
        self.classes.is_empty() || self.classes.iter().any(|c| c == class)
    }
}

/// `approvals = { … }`.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalsConfig {
    /// How many for a step that can be undone.
    pub disable: Option<u64>,
    /// How many for one that cannot.
    pub remove: Option<u64>,
}

/// `[[policy]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyConfig {
    /// Its name.
    pub name: String,
    /// What triggers it.
    pub when: When,
    /// How far it may go.
    #[serde(default)]
    pub ring: Ring,
    /// The share of the pilot ring, in per cent.
    pub pilot_percent: Option<u64>,
    /// Whom it is about.
    #[serde(default)]
    pub among: Among,
    /// After how many days.
    #[serde(default)]
    pub after_days: u64,
    /// How many days before the first step somebody is warned.
    #[serde(default)]
    pub notice_days: Vec<u64>,
    /// The steps.
    pub steps: Vec<StepRule>,
    /// How many approvals.
    #[serde(default)]
    pub approvals: ApprovalsConfig,
    /// For a clear-out of everyone: the day on which it comes.
    pub on: Option<String>,
}

impl Config {
    /// Reads and checks the file.
    pub fn load(path: &Path) -> Result<Config, Mistake> {
        let text = std::fs::read_to_string(path).map_err(|source| Mistake::file(path, &source))?;
        let base = path.parent().filter(|p| !p.as_os_str().is_empty());
        let mut config = Config::parse(&text, &path.display().to_string())?;
        config.base = base.unwrap_or(Path::new(".")).to_owned();
        Ok(config)
    }

    /// Reads and checks the text of the file `name`.
    pub fn parse(text: &str, name: &str) -> Result<Config, Mistake> {
        let mut config: Config =
            toml::from_str(text).map_err(|error| Mistake::from_toml(name, text, &error))?;
        config.text = Text::new(name, text);
        check::check(&config)?;
        Ok(config)
    }

    /// A path of the configuration, from the file's own directory.
    pub fn path(&self, path: &Path) -> PathBuf {
        self.base.join(path)
    }

    /// When a checkpoint is due.
    pub fn cadence(&self) -> Cadence {
        Cadence {
            entries: self.ledger.checkpoint_entries,
            seconds: self.ledger.checkpoint_seconds.into(),
            heartbeat_seconds: i64::from(self.ledger.heartbeat_hours).saturating_mul(3_600),
        }
    }

    /// The file of a `sqlite:FILE` in `[ledger]`.
    pub fn sqlite(&self, key: &str, url: &str) -> Result<PathBuf, Mistake> {
        if let Some(file) = url.strip_prefix("sqlite:").filter(|file| !file.is_empty()) {
            return Ok(self.path(file.as_ref()));
        }
        // A database's address may hold a password: only its scheme is repeated.
        let says = match url.split_once(':') {
            Some((scheme @ ("postgres" | "postgresql"), _)) => {
                format!("`{scheme}:` is not built yet")
            }
            _ => "this is no address of a database".to_owned(),
        };
        let right = format!("{key} = \"sqlite:FILE\"");
        Err(self.mistake(&Place::once("ledger", &[key]), says, right))
    }

    /// A mistake that stands at a place.
    pub fn mistake(
        &self,
        place: &Place<'_>,
        says: impl Into<String>,
        right: impl Into<String>,
    ) -> Mistake {
        let right: String = right.into();
        Mistake {
            at: self.text.at(place),
            says: says.into(),
            right: (!right.is_empty()).then_some(right),
        }
    }
}
