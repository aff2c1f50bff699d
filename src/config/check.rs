//! What can be seen to be wrong without leaving the file: no secret is fetched, nothing is opened.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::config::Config;
use crate::config::DirectoryConfig;
use crate::config::DirectoryKind;
use crate::config::PolicyConfig;
use crate::config::ProtectConfig;
use crate::config::TenantConfig;
use crate::config::alert;
use crate::config::build;
use crate::config::mistake::Mistake;
use crate::config::mistake::nearest;
use crate::config::notices;
use crate::config::place::Place;
use crate::config::policy;
use crate::config::smtp;
use crate::domain::correlation::Rule;
use crate::domain::id::Email;
use crate::domain::id::SourceName;
use crate::domain::policy::Capabilities;
use crate::domain::policy::PolicyMistake;
use crate::domain::policy::PolicySet;
use crate::provider::KINDS;

/// What an approver can be trusted with.
const CLASSES: &[&str] = &["disable", "remove", "release", "policy"];

/// Finds the first mistake.
pub(super) fn check(config: &Config) -> Result<(), Mistake> {
    ledger(config)?;
    names(config)?;
    for directory in &config.directory {
        directory_keys(config, directory)?;
    }
    tenants(config)?;
    approvers(config)?;
    smtp::check(config)?;
    notices::check(config)?;
    for policy in &config.policy {
        among(config, policy)?;
    }
    alert::check(config)?;
    policies(config)
}

fn ledger(config: &Config) -> Result<(), Mistake> {
    config.sqlite("url", &config.ledger.url)?;
    config.sqlite("vault", &config.ledger.vault)?;
    let place = Place::once("ledger", &["origin"]);
    let origin = &config.ledger.origin;
    if origin.is_empty()
        || origin
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || c == '+')
    {
        let says = "`origin` is empty, or has a space or a plus sign in it";
        return Err(config.mistake(&place, says, "a name such as \"example.com/exeunt\""));
    }
    Ok(())
}

fn names(config: &Config) -> Result<(), Mistake> {
    let mut seen = BTreeMap::new();
    let directories = config.directory.iter().map(|d| ("directory", &d.name));
    let tenants = config.tenant.iter().map(|t| ("tenant", &t.name));
    for (section, name) in directories.chain(tenants) {
        let sound = !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        if !sound {
            let place = Place::of(section, name, &["name"]);
            let says = "this cannot be the name of a directory or tenant";
            return Err(config.mistake(&place, says, "letters, digits, `-`, `_` and `.`"));
        }
        if let Some(before) = seen.insert(name, section) {
            let item = Some((name.as_str(), usize::from(before == section)));
            let place = Place {
                section,
                item,
                keys: &["name"],
            };
            let says = format!("two directories or tenants are called `{name}`");
            return Err(config.mistake(&place, says, "a name of its own for each"));
        }
    }
    Ok(())
}

/// The keys of `[[directory]]` that belong to some kinds and mean nothing for the others.
const DIRECTORY_KEYS: &[(&str, &[DirectoryKind])] = {
    use DirectoryKind::Csv;
    use DirectoryKind::Ldap;
    use DirectoryKind::Ldif;
    use DirectoryKind::Scim;
    &[
        ("url", &[Ldap, Scim]),
        ("tls", &[Ldap, Scim]),
        ("flavor", &[Ldap]),
        ("bind_dn", &[Ldap]),
        ("bind_password", &[Ldap]),
        ("base", &[Ldap]),
        ("filter", &[Ldap, Scim]),
        ("page_size", &[Ldap]),
        ("read_limit_s", &[Ldap, Scim]),
        ("answer_limit_s", &[Ldap, Scim]),
        ("token", &[Scim]),
        ("client_id", &[Scim]),
        ("client_secret", &[Scim]),
        ("token_url", &[Scim]),
        ("path", &[Csv, Ldif]),
        ("contains", &[Csv, Ldif]),
        ("dated", &[Csv, Ldif]),
        ("max_age_days", &[Csv, Ldif]),
        ("date_format", &[Csv, Ldif]),
        ("columns", &[Csv]),
        ("delimiter", &[Csv]),
        ("encoding", &[Csv]),
        ("key", &[Ldif]),
        // of all but CSV and SCIM, whose columns and attributes have names of their own
        ("leave_date", &[Ldap, Ldif]),
        ("leavers_units", &[Ldap]),
        ("group", &[Ldap]),
        ("preserved_base", &[Ldap]),
        ("exact_last_login", &[Ldap]),
    ]
};

/// Keys that would mean nothing for a kind are mistakes: whoever wrote them expects something.
fn directory_keys(config: &Config, of: &DirectoryConfig) -> Result<(), Mistake> {
    let word = build::directory_adapter(of.kind);
    let strange = DIRECTORY_KEYS
        .iter()
        .filter(|(_, kinds)| !kinds.contains(&of.kind));
    for (key, _) in strange {
        let key = *key;
        let keys = [key];
        let place = Place::of("directory", &of.name, &keys);
        if config.text.has(&place) {
            let says = format!("a directory of the kind `{word}` has no `{key}`");
            let right = if of.kind == DirectoryKind::Csv && ["key", "leave_date"].contains(&key) {
                format!("columns = {{ {key} = \"NAME OF THE COLUMN\" }}")
            } else {
                "leave it out, or correct `kind`".to_owned()
            };
            return Err(config.mistake(&place, says, right));
        }
    }
    Ok(())
}

fn tenants(config: &Config) -> Result<(), Mistake> {
    let known: Vec<_> = KINDS.iter().map(|k| k.name).collect();
    for tenant in &config.tenant {
        let place = Place::of("tenant", &tenant.name, &["provider"]);
        let provider = tenant.provider.as_str();
        if !known.contains(&provider) {
            let says = format!("there is no provider `{provider}`");
            return Err(config.mistake(&place, says, nearest(provider, &known)));
        }
        tenant_keys(config, &tenant.name, provider)?;
        if let ProtectConfig::List(listed) = &tenant.protect {
            addresses(config, &tenant.name, "protect", listed)?;
        }
        addresses(
            config,
            &tenant.name,
            "service_accounts",
            &tenant.service_accounts,
        )?;
        correlation(config, tenant)?;
        succession(config, tenant)?;
    }
    Ok(())
}

/// The order in which a successor is looked for: one way at least, and each once.
fn succession(config: &Config, tenant: &TenantConfig) -> Result<(), Mistake> {
    let place = Place::of("tenant", &tenant.name, &["succession"]);
    let right = "some of \"named\", \"manager\" and \"team\", the first one first";
    if tenant.order().is_empty() {
        let says = "`succession` is empty, so that nobody could take over";
        return Err(config.mistake(&place, says, right));
    }
    let mut seen = BTreeSet::new();
    match tenant.order().iter().find(|via| !seen.insert(**via)) {
        None => Ok(()),
        Some(twice) => {
            let says = format!("`{}` stands in `succession` twice", twice.as_str());
            Err(config.mistake(&place, says, "each once"))
        }
    }
}

/// The rules by which accounts are given to people: each once, and what people say first.
fn correlation(config: &Config, tenant: &TenantConfig) -> Result<(), Mistake> {
    let place = Place::of("tenant", &tenant.name, &["correlate"]);
    let mut seen = BTreeSet::new();
    for (n, rule) in tenant.correlate.iter().flatten().enumerate() {
        if *rule == Rule::Manual && n > 0 {
            let says = "`manual` does not stand first in `correlate`";
            let right = "put it first or leave it out: what a named person says always goes before";
            return Err(config.mistake(&place, says, right));
        }
        if !seen.insert(*rule) {
            let says = format!("`{}` stands in `correlate` twice", rule.as_str());
            return Err(config.mistake(&place, says, "each rule once"));
        }
    }
    Ok(())
}

/// The keys of `[[tenant]]` that belong to some providers and mean nothing for the others.
const TENANT_KEYS: &[&str] = &[
    "token",
    "api_key",
    "access_token",
    "refresh_token",
    "client_id",
    "client_secret",
    "token_url",
    "application_key",
    "application_secret",
    "token_key",
    "token_secret",
    "workspace",
    "successor",
    "succession",
    "session_days",
    "headers",
    "paths",
    "last_login",
    "admin_values",
];

/// A key that means nothing for a provider is a mistake: whoever wrote it expects something.
fn tenant_keys(config: &Config, tenant: &str, provider: &str) -> Result<(), Mistake> {
    let Some(kind) = KINDS.iter().find(|k| k.name == provider) else {
        return Ok(());
    };
    for key in TENANT_KEYS {
        let keys = [*key];
        let place = Place::of("tenant", tenant, &keys);
        let own = kind.keys.iter().any(|k| k.name == *key);
        if !own && config.text.has(&place) {
            let says = format!("a tenant of {} has no `{key}`", kind.title);
            let known: Vec<_> = kind.keys.iter().map(|k| k.name).collect();
            let right = format!("leave it out; its own keys are {}", known.join(", "));
            return Err(config.mistake(&place, says, right));
        }
    }
    Ok(())
}

/// Reads a list of addresses of a tenant; something that is none is a mistake.
pub(super) fn addresses(
    config: &Config,
    tenant: &str,
    key: &str,
    listed: &[String],
) -> Result<Vec<Email>, Mistake> {
    let parse = |text: &String| {
        Email::parse(text).ok_or_else(|| {
            let says = format!("`{text}` in `{key}` is not an address");
            config.mistake(
                &Place::of("tenant", tenant, &[key]),
                says,
                "as in name@example.com",
            )
        })
    };
    listed.iter().map(parse).collect()
}

fn approvers(config: &Config) -> Result<(), Mistake> {
    let mut seen = BTreeSet::new();
    for approver in &config.approver {
        let name = approver.name.as_str();
        if name.trim().is_empty() || !seen.insert(name) {
            let item = Some((name, usize::from(!name.trim().is_empty())));
            let place = Place {
                section: "approver",
                item,
                keys: &["name"],
            };
            let says = "an approver has no name, or the name of another one";
            return Err(config.mistake(&place, says, "a name of its own for each"));
        }
        let sound = |key: &String| STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == 32);
        if approver.key.as_ref().is_some_and(|key| !sound(key)) {
            let place = Place::of("approver", name, &["key"]);
            let says = "this is not an Ed25519 public key";
            return Err(config.mistake(&place, says, "its 32 bytes in base64 (44 characters)"));
        }
        let strange = approver
            .classes
            .iter()
            .find(|class| !CLASSES.contains(&class.as_str()));
        if let Some(class) = strange {
            let place = Place::of("approver", name, &["classes"]);
            let says = format!("there is no class `{class}`");
            return Err(config.mistake(&place, says, nearest(class, CLASSES)));
        }
    }
    Ok(())
}

fn among(config: &Config, policy: &PolicyConfig) -> Result<(), Mistake> {
    let name = policy.name.as_str();
    for tenant in policy.among.tenants.iter().map(SourceName::as_str) {
        if !config.tenant.iter().any(|t| t.name == tenant) {
            let place = Place::of("policy", name, &["among", "tenants"]);
            let known: Vec<_> = config.tenant.iter().map(|t| t.name.as_str()).collect();
            let says = format!("no [[tenant]] is called `{tenant}`");
            return Err(config.mistake(&place, says, nearest(tenant, &known)));
        }
    }
    if let Some(directory) = policy.among.directory.as_ref().map(SourceName::as_str)
        && !config.directory.iter().any(|d| d.name == directory)
    {
        let place = Place::of("policy", name, &["among", "directory"]);
        let known: Vec<_> = config.directory.iter().map(|d| d.name.as_str()).collect();
        let says = format!("no [[directory]] is called `{directory}`");
        return Err(config.mistake(&place, says, nearest(directory, &known)));
    }
    Ok(())
}

/// What the rules themselves find wrong, and steps that a tenant cannot do.
fn policies(config: &Config) -> Result<(), Mistake> {
    let named: BTreeSet<_> = config.approver.iter().map(|a| &a.name).collect();
    let set = PolicySet {
        policies: policy::policies(config)?,
        limits: config.limits.clone(),
        leavers: config.leavers,
        approvers: u64::try_from(named.len()).unwrap_or(u64::MAX),
        ..PolicySet::default()
    };
    let mut can = BTreeMap::new();
    for tenant in &config.tenant {
        let kind = KINDS.iter().find(|k| k.name == tenant.provider);
        let steps = kind
            .into_iter()
            .flat_map(|k| k.steps)
            .map(|s| s.does)
            .collect();
        can.insert(SourceName::new(&tenant.name), Capabilities { can: steps });
    }
    let found = set
        .validate()
        .into_iter()
        .chain(set.check_capabilities(&can))
        .next();
    found.map_or(Ok(()), |mistake| Err(placed(config, &mistake)))
}

/// Puts a mistake of the rules where it stands: `policies.NAME.KEY`, `limits.KEY` or
/// `leavers.KEY`.
pub(super) fn placed(config: &Config, mistake: &PolicyMistake) -> Mistake {
    let keys = |path: &str| path.split('.').map(str::to_owned).collect::<Vec<_>>();
    let at = |section: &str, item: Option<(&str, usize)>, path: &str| {
        let keys = keys(path);
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        config.text.at(&Place {
            section,
            item,
            keys: &keys,
        })
    };
    let (at, says) = match mistake.path.strip_prefix("policies.") {
        Some(rest) => {
            let policy = config
                .policy
                .iter()
                .map(|p| p.name.as_str())
                .find_map(|name| Some((name, rest.strip_prefix(name)?.strip_prefix('.')?)));
            let (name, path) = policy.unwrap_or(("", rest));
            let twice = path == "name" && !name.is_empty();
            let says = format!("policy `{name}`: {}", mistake.says);
            (at("policy", Some((name, usize::from(twice))), path), says)
        }
        None => {
            let (section, path) = match mistake.path.split_once('.') {
                Some((section @ ("limits" | "leavers"), path)) => (section, path),
                _ => ("limits", mistake.path.as_str()),
            };
            (at(section, None, path), mistake.says.clone())
        }
    };
    Mistake {
        at,
        says,
        right: Some(mistake.right.clone()),
    }
}
