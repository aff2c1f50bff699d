//! What a SCIM server says about users: pure functions over JSON (RFC 7643).

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value;

use crate::domain::account::AccountFacts;
use crate::domain::account::AccountKind;
use crate::domain::account::AccountRecord;
use crate::domain::account::AccountState;
use crate::domain::account::Protection;
use crate::domain::account::Signal;
use crate::domain::time::Time;
use crate::provider::listing::Fault;
use crate::scim::wire;
pub(super) use crate::scim::wire::active;
pub(super) use crate::scim::wire::id;
pub(super) use crate::scim::wire::is_error;
pub(super) use crate::scim::wire::member;
use crate::scim::wire::text;

/// Roles and entitlements that everybody has: no reason to keep hands off.
const HARMLESS: &[&str] = &["user", "member", "employee", "default", "standard", "basic"];

/// The schema whose attributes stand in a user without its name.
const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

/// The schema extension with the employee number (RFC 7643, 4.3).
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// What the configuration says about users of this server.
#[derive(Debug, Clone, Default)]
pub(super) struct Reading {
    /// The attribute with the last login, if the server has one.
    pub(super) last_login: Option<Attribute>,
    /// What a role, entitlement or group of an administrator is called, lower case; if nothing is
    /// named, every role that is not plainly harmless protects.
    pub(super) admin_values: BTreeSet<String>,
}

/// An attribute by its schema extension and name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attribute {
    schema: Option<String>,
    /// The name, and those of its parts.
    path: Vec<String>,
}

impl Attribute {
    /// Reads `urn:…:User:lastLogin`, `lastLogin` or `urn:…:User:activity.lastLogin`; dates that
    /// every change moves are no logins.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (schema, name) = match text.rsplit_once(':') {
            Some((schema, name)) => (Some(schema.to_owned()), name),
            None => (None, text),
        };
        let path: Vec<_> = name.split('.').map(str::to_owned).collect();
        let is_name = |part: &String| {
            let mut letters = part.chars();
            !part.is_empty() && letters.all(|c| c.is_ascii_alphanumeric() || "-_$".contains(c))
        };
        let is_urn = |s: &str| s.to_ascii_lowercase().starts_with("urn:");
        let is_change = ["created", "lastModified"]
            .iter()
            .any(|other| path.last().is_some_and(|n| n.eq_ignore_ascii_case(other)));
        let sound = path.iter().all(is_name) && schema.as_deref().is_none_or(is_urn) && !is_change;
        sound.then_some(Self { schema, path })
    }

    fn of<'a>(&self, item: &'a Value) -> Option<&'a Value> {
        let schema = self.schema.as_deref();
        let holder = match schema.filter(|s| !s.eq_ignore_ascii_case(CORE)) {
            Some(schema) => member(item, schema)?,
            None => item,
        };
        let mut path = self.path.iter();
        path.try_fold(holder, |holder, name| member(holder, name))
    }
}

/// The employee number of the enterprise extension; what is no number or text is none.
fn employee_number(item: &Value) -> Option<String> {
    match member(member(item, ENTERPRISE)?, "employeeNumber")? {
        Value::String(text) => Some(text.trim().to_owned()).filter(|t| !t.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// One user; `own` is the id behind our credential, where the server says.
pub(super) fn record(
    item: &Value,
    reading: &Reading,
    own: Option<&str>,
) -> Result<AccountRecord, Fault> {
    if !item.is_object() {
        return Err(Fault::Unreadable("a user is not an object".to_owned()));
    }
    let id = id(item)
        .ok_or_else(|| Fault::NotWhole("read.without-key", "a user has no usable id".to_owned()))?;
    let (seen, hidden) = last_login(item, reading);
    let kind = kind(item)?;
    let mut protected = roles(item, reading);
    if kind == AccountKind::Service {
        protected.insert(Protection::Service);
    }
    if own == Some(id.as_str()) {
        protected.insert(Protection::OwnCredential);
    }
    let created_at = match member(item, "meta") {
        None | Some(Value::Null) => None,
        Some(meta) => match text(meta, "created")? {
            None => None,
            Some(at) => {
                Some(Time::parse(at).ok_or_else(|| Fault::Unreadable("meta.created".to_owned()))?)
            }
        },
    };
    Ok(AccountRecord {
        live_keys: None,
        email: email(item)?,
        name: wire::name(item)?,
        external_id: text(item, "externalId")?.map(str::to_owned),
        employee_number: employee_number(item),
        seen,
        facts: AccountFacts {
            live_keys: 0,
            no_heir: false,
            future: BTreeSet::new(),
            state: state(item)?,
            kind,
            protected,
            managed_by: None,
            created_at,
            // whoever provisions by SCIM has set the address; there is no invitation to accept
            address_verified: true,
            hidden,
        },
        id,
    })
}

fn state(item: &Value) -> Result<AccountState, Fault> {
    Ok(match active(item)? {
        Some(false) => AccountState::Disabled,
        _ => AccountState::Active,
    })
}

fn kind(item: &Value) -> Result<AccountKind, Fault> {
    let kind = text(item, "userType")?.unwrap_or_default().to_lowercase();
    Ok(match kind.trim() {
        "guest" | "external" | "contractor" | "partner" => AccountKind::Guest,
        "service" | "service account" | "bot" | "system" | "api" => AccountKind::Service,
        _ => AccountKind::Human,
    })
}

/// The primary address, else the first one, else a user name that is an address.
fn email(item: &Value) -> Result<Option<String>, Fault> {
    if let Some(address) = wire::addresses(item)?.into_iter().next() {
        return Ok(Some(address));
    }
    let user_name = text(item, "userName")?;
    Ok(user_name.filter(|n| n.contains('@')).map(str::to_owned))
}

/// The last login, or that the server does not show it for this user; what cannot be read is not
/// shown, never "long ago".
fn last_login(item: &Value, reading: &Reading) -> (BTreeMap<Signal, Time>, BTreeSet<Signal>) {
    let mut seen = BTreeMap::new();
    let Some(attribute) = &reading.last_login else {
        return (seen, BTreeSet::new());
    };
    let text = attribute.of(item).and_then(Value::as_str);
    let time = text
        .and_then(Time::parse)
        .filter(|at| *at > Time::from_seconds(0));
    match time {
        Some(at) => {
            seen.insert(Signal::Login, at);
            (seen, BTreeSet::new())
        }
        None => (seen, BTreeSet::from([Signal::Login])),
    }
}

/// Whether roles, entitlements or groups make somebody an administrator, or may.
fn roles(item: &Value, reading: &Reading) -> BTreeSet<Protection> {
    let mut protected = BTreeSet::new();
    let user_type = member(item, "userType").and_then(Value::as_str);
    let user_type = user_type.unwrap_or_default().to_lowercase();
    if user_type.contains("admin") || user_type.contains("owner") {
        protected.insert(Protection::Admin);
    }
    for field in ["roles", "entitlements", "groups"] {
        let values = match member(item, field) {
            None | Some(Value::Null) => continue,
            Some(Value::Array(list)) => list.as_slice(),
            Some(one) => std::slice::from_ref(one),
        };
        let groups = field == "groups";
        protected.extend(values.iter().filter_map(|v| role(v, reading, groups)));
    }
    protected
}

/// Why one role, entitlement or group protects, if it does.
fn role(value: &Value, reading: &Reading, group: bool) -> Option<Protection> {
    let names = names(value);
    let admins = &reading.admin_values;
    let speaks = |n: &String| n.contains("admin") || n.contains("owner");
    if names.iter().any(|n| admins.contains(n)) {
        return Some(Protection::Admin);
    }
    match (group, admins.is_empty()) {
        (true, _) => None,
        (false, true) if names.iter().any(speaks) => Some(Protection::Admin),
        (false, true) => {
            let shown = names.first().map(String::as_str);
            let harmless = shown.is_some_and(|n| HARMLESS.contains(&n));
            (!harmless).then_some(Protection::UnknownRole)
        }
        (false, false) => names.is_empty().then_some(Protection::UnknownRole),
    }
}

/// What one role is called, lower case, what is shown to people first: a text, or an object with
/// display, value and type.
fn names(value: &Value) -> Vec<String> {
    let texts: Vec<&str> = match value {
        Value::String(text) => vec![text],
        Value::Object(_) if ["display", "value"].iter().any(|f| named(value, f)) => {
            ["display", "value", "type"]
                .iter()
                .filter_map(|field| member(value, field)?.as_str())
                .collect()
        }
        _ => Vec::new(),
    };
    let texts = texts.iter().map(|t| t.trim().to_lowercase());
    texts.filter(|t| !t.is_empty()).collect()
}

fn named(value: &Value, field: &str) -> bool {
    let text = member(value, field).and_then(Value::as_str);
    text.is_some_and(|text| !text.trim().is_empty())
}
