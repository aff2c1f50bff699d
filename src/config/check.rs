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
use crate::config::mistake::Mistake;
use crate::config::mistake::nearest;
use crate::config::place::Place;
use crate::config::policy;
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
    for policy in &config.policy {
        among(config, policy)?;
    }
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

/// Keys that would mean nothing for a kind are mistakes: whoever wrote them expects something.
fn directory_keys(config: &Config, of: &DirectoryConfig) -> Result<(), Mistake> {
    let ldap = [
        "url",
        "tls",
        "flavor",
        "bind_dn",
        "bind_password",
        "base",
        "filter",
        "page_size",
        "read_limit_s",
        "answer_limit_s",
    ];
    let csv = ["columns", "delimiter"];
    let ldif = ["key", "leave_date"];
    let files = ["path", "contains"];
    let word = match of.kind {
        DirectoryKind::Ldap => "ldap",
        DirectoryKind::Ldif => "ldif",
        DirectoryKind::Csv => "csv",
    };
    let strange: Vec<&str> = match of.kind {
        DirectoryKind::Ldap => csv.iter().chain(&ldif).chain(&files).copied().collect(),
        DirectoryKind::Ldif => ldap.iter().chain(&csv).copied().collect(),
        DirectoryKind::Csv => ldap.iter().chain(&ldif).copied().collect(),
    };
    for key in strange {
        let keys = [key];
        let place = Place::of("directory", &of.name, &keys);
        if config.text.has(&place) {
            let says = format!("a directory of the kind `{word}` has no `{key}`");
            let right = if of.kind == DirectoryKind::Csv && ldif.contains(&key) {
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

/// Puts a mistake of the rules where it stands: `policies.NAME.KEY` or `limits.KEY`.
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
            let path = mistake
                .path
                .strip_prefix("limits.")
                .unwrap_or(&mistake.path);
            (at("limits", None, path), mistake.says.clone())
        }
    };
    Mistake {
        at,
        says,
        right: Some(mistake.right.clone()),
    }
}
