//! What Port says about people: pure functions over JSON.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use crate::domain::account::AccountFacts;
use crate::domain::account::AccountKind;
use crate::domain::account::AccountRecord;
use crate::domain::account::AccountState;
use crate::domain::account::Protection;
use crate::domain::account::Signal;
use crate::domain::time::Time;
use crate::provider::http::Secret;
use crate::provider::json;
use crate::provider::listing::Fault;
use crate::provider::reusable;

/// The ids of accounts, by user id and by address in lower case.
pub(super) type Ids = BTreeMap<String, String>;

/// Domains of the addresses that Port gives to service accounts.
const SERVICE_DOMAINS: [&str; 2] = ["@serviceaccounts.getport.io", "@serviceaccounts.port.io"];

/// How much later than its creation an entity counts as changed, in seconds.
const CHANGED_AFTER_S: i64 = 1;

/// Who our credential is, as far as its client id says.
pub(super) struct Own(Secret);

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Own(…)")
    }
}

impl Own {
    pub(super) fn new(client_id: Secret) -> Self {
        Self(client_id)
    }

    /// Whether the credential is a person's own: then the client id is their address.
    pub(super) fn is_personal(&self) -> bool {
        self.client().contains('@')
    }

    /// Whether an address, a user id or an author means our credential.
    pub(super) fn is(&self, text: &str) -> bool {
        let text = text.strip_suffix("@clients").unwrap_or(text);
        !self.client().is_empty() && lower(text) == lower(self.client())
    }

    fn client(&self) -> &str {
        let id = self.0.expose().trim();
        id.strip_suffix("@clients").unwrap_or(id)
    }
}

/// One user of `GET /v1/users`.
#[derive(Debug, Clone)]
pub(super) struct User {
    pub(super) id: Option<String>,
    pub(super) email: String,
    name: Option<String>,
    /// In capitals: `ACTIVE`, `INVITED`, ….
    status: Option<String>,
    /// The last login in our organisation, where it is shown.
    pub(super) login: Option<Time>,
    /// Whether the answer has members of organisations at all.
    pub(super) shows_members: bool,
    created_at: Option<Time>,
    admin: bool,
    unknown_role: bool,
    has_roles: bool,
    service: Option<bool>,
    pub(super) scim: bool,
    /// By what they sign in, as text in lower case.
    pub(super) providers: BTreeSet<String>,
    invisible: bool,
}

/// One entity of the blueprint `_user`.
#[derive(Debug, Clone)]
pub(super) struct Entity {
    pub(super) name: String,
    title: Option<String>,
    pub(super) status: Option<String>,
    role: Option<String>,
    kind: Option<String>,
    scim: bool,
    pub(super) created_at: Option<Time>,
    updated_at: Option<Time>,
    updated_by: Option<String>,
}

impl Entity {
    /// Whether the status says that there is a user to it.
    pub(super) fn was_invited(&self) -> bool {
        matches!(self.status.as_deref(), Some("ACTIVE" | "DISABLED"))
    }
}

/// An address or id in the form in which it is compared.
pub(super) fn lower(text: &str) -> String {
    text.trim().to_lowercase()
}

/// The id of the organisation.
pub(super) fn organization(body: &Value) -> Result<String, Fault> {
    let within = body.get("organization").unwrap_or(body);
    json::id(within, "id")
        .or_else(|| json::id(within, "orgId"))
        .ok_or_else(|| Fault::Unreadable("the id of the organisation".to_owned()))
}

/// One user; `organization` is ours, and what it says of others is no business of ours.
pub(super) fn user(item: &Value, organization: &str) -> Result<User, Fault> {
    let email = json::text(item, "email")?
        .ok_or_else(|| Fault::NotWhole("read.without-key", "a user has no address".to_owned()))?;
    let id = json::id(item, "id");
    let members = item.get("orgMembers").and_then(Value::as_array);
    let ours: Vec<_> = members
        .into_iter()
        .flatten()
        .filter(|m| json::id(m, "orgId").as_deref() == Some(organization))
        .collect();
    let names = [text(item, "firstName"), text(item, "lastName")];
    let names: Vec<_> = names.into_iter().flatten().collect();
    let roles = item.get("roles").and_then(Value::as_array);
    let roles: Vec<_> = roles.into_iter().flatten().map(role_of).collect();
    let client = id.as_deref().is_some_and(|id| id.ends_with("@clients"));
    Ok(User {
        email: email.trim().to_owned(),
        name: (!names.is_empty()).then(|| names.join(" ")),
        status: ours
            .iter()
            .find_map(|m| text(m, "status"))
            .or_else(|| text(item, "status"))
            .map(str::to_uppercase),
        login: ours.iter().filter_map(|m| login(m)).max(),
        shows_members: members.is_some(),
        created_at: json::time(item, "createdAt")?,
        admin: roles.contains(&Role::Admin),
        unknown_role: roles.contains(&Role::Unknown),
        has_roles: !roles.is_empty(),
        service: match (client, text(item, "type")) {
            (true, _) => Some(true),
            (false, Some(kind)) => is_service(kind),
            (false, None) => None,
        },
        scim: is_scim(item),
        providers: providers(item),
        invisible: item.get("isInvisible") == Some(&Value::Bool(true)),
        id,
    })
}

/// A login that is missing, unreadable or before everything is not shown: only a date says
/// something.
fn login(member: &Value) -> Option<Time> {
    let at = Time::parse(text(member, "lastLoginAt")?)?;
    (at > Time::from_seconds(0)).then_some(at)
}

/// One entity of `_user`.
pub(super) fn entity(item: &Value) -> Result<Entity, Fault> {
    let name = json::text(item, "identifier")?.ok_or_else(|| {
        Fault::NotWhole("read.without-key", "an entity has no identifier".to_owned())
    })?;
    let properties = item.get("properties").filter(|p| p.is_object());
    let properties = properties.ok_or_else(|| Fault::Unreadable("properties".to_owned()))?;
    let own = |field: &str| text(properties, field).map(str::to_owned);
    Ok(Entity {
        name: name.to_owned(),
        title: text(item, "title").map(str::to_owned),
        status: json::text(properties, "status")?.map(str::to_uppercase),
        role: own("port_role"),
        kind: own("port_type"),
        scim: is_scim(item) || is_scim(properties),
        created_at: json::time(item, "createdAt")?,
        updated_at: text(item, "updatedAt").and_then(Time::parse),
        updated_by: text(item, "updatedBy").map(str::to_owned),
    })
}

/// A text that says something; another type says nothing.
pub(super) fn text<'a>(item: &'a Value, field: &str) -> Option<&'a str> {
    item.get(field)?.as_str().filter(|t| !t.trim().is_empty())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Admin,
    Below,
    Unknown,
}

/// A role by its name; moderators of one blueprint have a name of their own that ends so.
fn role(name: &str) -> Role {
    match lower(name).as_str() {
        "admin" => Role::Admin,
        "member" => Role::Below,
        other if other.ends_with("moderator") => Role::Below,
        _ => Role::Unknown,
    }
}

fn role_of(item: &Value) -> Role {
    if item.get("isAdmin") == Some(&Value::Bool(true)) {
        return Role::Admin;
    }
    item.as_str()
        .or_else(|| text(item, "name"))
        .map_or(Role::Unknown, role)
}

/// Whether a type is that of a machine; `None` if it is not known.
fn is_service(kind: &str) -> Option<bool> {
    let letters: String = kind.chars().filter(|c| c.is_alphanumeric()).collect();
    match letters.to_lowercase().as_str() {
        "standard" => Some(false),
        "serviceaccount" => Some(true),
        _ => None,
    }
}

fn providers(item: &Value) -> BTreeSet<String> {
    let list = item.get("providers").and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(|p| p.as_str().or_else(|| text(p, "name")))
        .map(lower)
        .collect()
}

fn is_scim(item: &Value) -> bool {
    let flag = ["managedByScim", "managed_by_scim"]
        .iter()
        .any(|field| item.get(*field) == Some(&Value::Bool(true)));
    flag || providers(item).contains("scim")
}

/// The addresses, in lower case, of the users whom SCIM manages.
pub(super) fn managed_by_scim(body: &Value) -> Result<BTreeSet<String>, Fault> {
    let managed = json::list(body, "users")?.iter().filter(|u| is_scim(u));
    Ok(managed
        .filter_map(|u| text(u, "email"))
        .map(lower)
        .collect())
}

/// One account: the entity, and the users with its address. One of the two may be missing.
pub(super) fn record(
    entity: Option<&Entity>,
    users: &[User],
    own: &Own,
) -> Result<AccountRecord, Fault> {
    let name = entity
        .map(|e| e.name.as_str())
        .or_else(|| users.first().map(|u| u.email.as_str()))
        .ok_or_else(|| Fault::Unreadable("an account that is nowhere".to_owned()))?;
    let login = users.iter().filter_map(|u| u.login).max();
    let standing = standing(entity, users, login.is_some(), own)?;
    let created_at = match entity {
        Some(entity) => entity.created_at,
        None => users.iter().find_map(|u| u.created_at),
    };
    let (kind, mut protected) = role_and_kind(entity, users, name);
    let ours = |u: &User| own.is(&u.email) || u.id.as_deref().is_some_and(|id| own.is(id));
    if own.is(name) || users.iter().any(ours) {
        protected.insert(Protection::OwnCredential);
    }
    if created_at.is_none() {
        protected.insert(Protection::UnclearIdentity);
    }
    if standing.unclear {
        protected.insert(Protection::UnclearStatus);
    }
    let active = |u: &User| u.status.as_deref() == Some("ACTIVE");
    Ok(AccountRecord {
        live_keys: None,
        id: reusable::join(name, created_at),
        email: address(name, users),
        name: entity
            .and_then(|e| e.title.clone())
            .or_else(|| users.iter().find_map(|u| u.name.clone())),
        external_id: None,
        employee_number: None,
        seen: login.map(|at| (Signal::Login, at)).into_iter().collect(),
        facts: AccountFacts {
            live_keys: 0,
            no_heir: false,
            future: BTreeSet::new(),
            state: standing.state,
            kind,
            protected,
            managed_by: managed_by(entity, users).map(str::to_owned),
            created_at,
            address_verified: standing.active || login.is_some() || users.iter().any(active),
            hidden: login
                .is_none()
                .then_some(Signal::Login)
                .into_iter()
                .collect(),
        },
    })
}

fn address(name: &str, users: &[User]) -> Option<String> {
    let given = users.first().map(|u| u.email.clone());
    given.or_else(|| name.contains('@').then(|| name.to_owned()))
}

/// SCIM refuses changes from anybody else; a user without an entity cannot be changed at all.
fn managed_by(entity: Option<&Entity>, users: &[User]) -> Option<&'static str> {
    if entity.is_some_and(|e| e.scim) || users.iter().any(|u| u.scim) {
        Some("scim")
    } else if entity.is_none() {
        Some("user")
    } else {
        None
    }
}

struct Standing {
    state: AccountState,
    /// Whether the status is Active.
    active: bool,
    /// Whether the status is Disabled and nothing proves that somebody disabled the account.
    unclear: bool,
}

/// Turns Port's status into a state.
///
/// Until September 2025 `Disabled` was also the status of an entity whom nobody had ever invited,
/// so it is certain that somebody was disabled only where they had logged in before, or where our
/// own credential was the last to change the entity after its creation.
fn standing(
    entity: Option<&Entity>,
    users: &[User],
    logged_in: bool,
    own: &Own,
) -> Result<Standing, Fault> {
    let status = entity
        .and_then(|e| e.status.as_deref())
        .or_else(|| users.iter().find_map(|u| u.status.as_deref()));
    let is = |state| Standing {
        state,
        active: false,
        unclear: false,
    };
    match status {
        Some("ACTIVE") => Ok(Standing {
            active: true,
            ..is(AccountState::Active)
        }),
        // whoever has logged in has accepted, whatever the status says
        Some("STAGED" | "INVITED") if logged_in => Ok(is(AccountState::Active)),
        Some("STAGED" | "INVITED") => Ok(is(AccountState::Invited)),
        Some("DISABLED") => Ok(Standing {
            unclear: !logged_in && !entity.is_some_and(|e| changed_by(e, own)),
            ..is(AccountState::Disabled)
        }),
        _ => Err(Fault::Unreadable("status".to_owned())),
    }
}

/// Whether our own credential was the last to change an entity, after its creation.
fn changed_by(entity: &Entity, own: &Own) -> bool {
    let (Some(created), Some(updated)) = (entity.created_at, entity.updated_at) else {
        return false;
    };
    let by_us = entity.updated_by.as_deref().is_some_and(|by| own.is(by));
    by_us && updated.seconds_since(created) >= CHANGED_AFTER_S
}

/// What is known of roles and type; whatever is missing, new or contradictory may be anything.
fn role_and_kind(
    entity: Option<&Entity>,
    users: &[User],
    name: &str,
) -> (AccountKind, BTreeSet<Protection>) {
    let mut protected = BTreeSet::new();
    let stated = entity.and_then(|e| e.role.as_deref()).map(role);
    if stated == Some(Role::Admin) || users.iter().any(|u| u.admin) {
        protected.insert(Protection::Admin);
    }
    let named = stated.is_some() || users.iter().any(|u| u.has_roles);
    let unknown = stated == Some(Role::Unknown) || users.iter().any(|u| u.unknown_role);
    let kind = entity.and_then(|e| e.kind.as_deref());
    let machine = match kind {
        Some(kind) => is_service(kind),
        None => users.iter().find_map(|u| u.service),
    };
    if !named || unknown || machine.is_none() {
        protected.insert(Protection::UnknownRole);
    }
    if users.iter().any(|u| u.invisible) {
        protected.insert(Protection::Staff);
    }
    let domain = SERVICE_DOMAINS.iter().any(|d| lower(name).ends_with(d));
    let service = machine == Some(true) || domain || users.iter().any(|u| u.service == Some(true));
    if service {
        protected.insert(Protection::Service);
        return (AccountKind::Service, protected);
    }
    (AccountKind::Human, protected)
}

/// Notes under which id an account is found by the events of the audit log.
pub(super) fn note(ids: &mut Ids, account: &str, name: &str, users: &[User]) {
    let texts = users
        .iter()
        .flat_map(|u| [u.id.as_deref(), Some(u.email.as_str())])
        .flatten()
        .chain([name]);
    for text in texts {
        ids.insert(lower(text), account.to_owned());
    }
}
