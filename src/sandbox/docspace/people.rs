//! The people endpoints: look-ups, listings, and the change of a status.

use std::{cmp::Ordering, collections::BTreeSet, sync::Arc};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::sandbox::{
    docspace::{
        model::{Kind, Status, User},
        wire::{self, Params, date, html, number},
        world::World,
    },
    tenant::Answer,
};

/// Writes a user as the service does (`EmployeeFullDto`), nulls left out.
pub(crate) fn full(user: &User, zone_minutes: i32) -> Value {
    let activation = match user.status {
        Status::Pending => 0,
        Status::Active | Status::Terminated => 1,
    };
    let name = user.email.split('@').next().unwrap_or_default();
    let mut shown = json!({
        "id": user.id,
        "displayName": html(&user.display_name()),
        "firstName": user.first_name,
        "lastName": user.last_name,
        "userName": name,
        "email": user.email,
        "status": user.status.number(),
        "activationStatus": activation,
        "department": "",
        "isAdmin": user.kind == Kind::Admin,
        "isRoomAdmin": user.kind == Kind::RoomAdmin,
        "isLDAP": user.ldap,
        "isOwner": user.kind == Kind::Owner,
        "isVisitor": user.kind == Kind::Guest,
        "isCollaborator": user.kind == Kind::User,
        "mobilePhoneActivationStatus": 0,
        "isSSO": user.sso,
        "registrationDate": date(user.registered, zone_minutes),
        "hasAvatar": false,
        "isAnonim": false,
        "avatar": "/static/images/default_user_photo_size_82-82.png",
        "profileUrl": format!("https://sandbox.invalid/accounts/people/filter?id={}", user.id),
        "tfaAppEnabled": false,
        "hasPersonalFolder": user.kind != Kind::Guest,
    });
    if let (Some(at), Some(fields)) = (user.terminated, shown.as_object_mut()) {
        fields.insert("terminated".into(), json!(date(at, zone_minutes)));
    }
    shown
}

/// Reads the ids of a batch; none if there is none or one of them is no id.
pub(crate) fn ids(body: Option<&Value>) -> Option<Vec<Uuid>> {
    let ids = body?.get("userIds")?.as_array()?;
    let ids: Option<Vec<Uuid>> = ids.iter().map(|id| id.as_str()?.parse().ok()).collect();
    ids.filter(|ids| !ids.is_empty())
}

/// Tells whether the key's user administers the tenant.
pub(crate) fn is_admin(world: &World) -> bool {
    world
        .caller()
        .is_some_and(|user| matches!(user.kind, Kind::Owner | Kind::Admin))
}

fn one(world: &World, href: &str, user: Option<&User>) -> Answer {
    match user {
        Some(user) => wire::ok(href, full(user, world.settings.zone_minutes)),
        None => wire::error(404, "The user could not be found"),
    }
}

/// Answers `GET people/@self`.
pub(crate) fn own(world: &World, href: &str) -> Answer {
    one(world, href, world.caller())
}

/// Answers `GET people/{id}`.
pub(crate) fn by_id(world: &World, href: &str, id: &str) -> Answer {
    // The service looks a text that is no id up as a user name; the sandbox gives nobody one.
    one(
        world,
        href,
        id.parse().ok().and_then(|id| world.present(id)),
    )
}

/// Answers `GET people/email?email=`.
pub(crate) fn by_mail(world: &World, href: &str, params: &Params) -> Answer {
    match params.get("email").filter(|mail| !mail.is_empty()) {
        Some(mail) => one(world, href, world.by_mail(mail)),
        None => wire::invalid("email", "The email field is required."),
    }
}

/// Answers `GET people`: active users alone, whatever status is asked for.
pub(crate) fn active(world: &mut World, href: &str, params: &Params) -> Answer {
    let mut kept = params.clone();
    kept.retain(|name, _| {
        matches!(
            name.as_str(),
            "count" | "startindex" | "sortby" | "sortorder" | "filtervalue"
        )
    });
    kept.insert("employeestatus".into(), "1".into());
    filter(world, href, &kept)
}

/// Answers `GET people/status/{status}`.
pub(crate) fn of_status(world: &mut World, href: &str, status: &str, mut params: Params) -> Answer {
    params.insert("employeestatus".into(), status.to_owned());
    filter(world, href, &params)
}

/// Answers `GET people/filter`.
pub(crate) fn filter(world: &mut World, href: &str, params: &Params) -> Answer {
    match page(world, params) {
        Ok((users, total)) => {
            let count = users.len();
            wire::success(href, Value::Array(users), count, Some(total))
        }
        Err(answer) => answer,
    }
}

fn page(world: &mut World, params: &Params) -> Result<(Vec<Value>, usize), Answer> {
    let viewer = world.caller().map(|user| (user.id, user.kind));
    let Some((viewer, kind)) = viewer.filter(|(_, kind)| !matches!(kind, Kind::User | Kind::Guest))
    else {
        return Err(wire::error(403, "Access denied"));
    };
    let count = number(params, "count", 100, 1..=100)?;
    let start = number(params, "startIndex", 0, 0..=usize::MAX)?;
    let mut query = Query::read(params)?;
    if kind == Kind::RoomAdmin {
        query.narrow(world, viewer);
    }
    let order = listing(world, &query);
    // How often a page was asked for must not matter, but two pages of one walk need not agree on
    // the order of equal keys: the database gives no promise.
    let turned = query.sort != Sort::Email && (start / count) % 2 == 1;
    let zone = world.settings.zone_minutes;
    let users = (start..start.saturating_add(count).min(order.len()))
        .filter_map(|place| {
            let place = if turned {
                mirrored(world, &query, &order, place)
            } else {
                place
            };
            world.users().get(*order.get(place)?)
        })
        .map(|user| full(user, zone))
        .collect();
    Ok((users, order.len()))
}

/// Returns the place's mirror image among the users whose sort key is the same.
fn mirrored(world: &World, query: &Query, order: &[usize], place: usize) -> usize {
    let user = |place: usize| order.get(place).and_then(|index| world.users().get(*index));
    let Some(here) = user(place) else {
        return place;
    };
    let key = |index: &usize| {
        world
            .users()
            .get(*index)
            .map_or(Ordering::Less, |other| query.compare(other, here))
    };
    let first = order.partition_point(|index| key(index) == Ordering::Less);
    let end = order.partition_point(|index| key(index) != Ordering::Greater);
    first + (end.saturating_sub(1)).saturating_sub(place)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    StatusAndFirstName,
    FirstName,
    LastName,
    Registered,
    Email,
}

/// What a listing asks for, apart from the page.
#[derive(Clone, Debug)]
struct Query {
    statuses: Vec<Status>,
    kind: Option<Vec<Kind>>,
    administrators: Option<bool>,
    login_type: Option<u8>,
    text: String,
    /// The only guests that are shown; none: all of them.
    guests: Option<BTreeSet<Uuid>>,
    sort: Sort,
    descending: bool,
}

impl Query {
    fn read(params: &Params) -> Result<Self, Answer> {
        let text = |name: &str| params.get(name).map_or("", String::as_str).to_lowercase();
        let refused = |field: &str, value: &str| {
            wire::invalid(field, &format!("The value '{value}' is not valid."))
        };
        let status = text("employeestatus");
        let statuses = match status.as_str() {
            "" | "7" | "all" => vec![Status::Active, Status::Terminated, Status::Pending],
            // Default is 5, the flags of Active and Pending, yet finds the active alone.
            "1" | "5" | "active" | "default" => vec![Status::Active],
            "2" | "terminated" => vec![Status::Terminated],
            "4" | "pending" => vec![Status::Pending],
            other => return Err(refused("employeeStatus", other)),
        };
        let kind = text("employeetype");
        let kind = match kind.as_str() {
            "" | "0" | "all" => None,
            "1" | "roomadmin" => Some(vec![Kind::RoomAdmin]),
            "2" | "guest" => Some(vec![Kind::Guest]),
            "3" | "docspaceadmin" => Some(vec![Kind::Admin, Kind::Owner]),
            "4" | "user" => Some(vec![Kind::User]),
            other => return Err(refused("employeeType", other)),
        };
        let kind = match (text("area").as_str(), kind) {
            ("1" | "people", None) => {
                Some(vec![Kind::Owner, Kind::Admin, Kind::RoomAdmin, Kind::User])
            }
            ("2" | "guests", None) => Some(vec![Kind::Guest]),
            (_, kind) => kind,
        };
        Ok(Self {
            statuses,
            kind,
            administrators: text("isadministrator").parse().ok(),
            login_type: match text("accountlogintype").as_str() {
                "0" | "sso" => Some(0),
                "1" | "ldap" => Some(1),
                "2" | "standart" => Some(2),
                _ => None,
            },
            text: text("filtervalue"),
            guests: None,
            sort: match text("sortby").as_str() {
                "email" => Sort::Email,
                "firstname" | "displayname" | "az" => Sort::FirstName,
                "lastname" => Sort::LastName,
                "registrationdate" | "createdby" => Sort::Registered,
                _ => Sort::StatusAndFirstName,
            },
            descending: matches!(text("sortorder").as_str(), "1" | "descending"),
        })
    }

    /// Leaves out what nobody but the tenant's administrators sees: the terminated, and the guests
    /// of others.
    fn narrow(&mut self, world: &World, viewer: Uuid) {
        self.statuses.retain(|status| *status != Status::Terminated);
        let own = world.guests_of.iter().filter(|(host, _)| *host == viewer);
        self.guests = Some(own.map(|(_, guest)| *guest).collect());
    }

    fn matches(&self, user: &User) -> bool {
        let login_type = match user {
            User { sso: true, .. } => 0,
            User { ldap: true, .. } => 1,
            _ => 2,
        };
        let administers = matches!(user.kind, Kind::Owner | Kind::Admin);
        !user.removed
            && self.statuses.contains(&user.status)
            && self
                .kind
                .as_ref()
                .is_none_or(|kinds| kinds.contains(&user.kind))
            && self
                .administrators
                .is_none_or(|wanted| wanted == administers)
            && (user.kind != Kind::Guest
                || self
                    .guests
                    .as_ref()
                    .is_none_or(|own| own.contains(&user.id)))
            && self.login_type.is_none_or(|wanted| wanted == login_type)
            && (self.text.is_empty()
                || user.email.to_lowercase().contains(&self.text)
                || user.display_name().to_lowercase().contains(&self.text))
    }

    fn compare(&self, a: &User, b: &User) -> Ordering {
        let order = match self.sort {
            Sort::Email => a.email.cmp(&b.email),
            Sort::FirstName => a.first_name.cmp(&b.first_name),
            Sort::LastName => a.last_name.cmp(&b.last_name),
            Sort::Registered => a.registered.cmp(&b.registered),
            Sort::StatusAndFirstName => a
                .status
                .cmp(&b.status)
                .then_with(|| a.first_name.cmp(&b.first_name)),
        };
        if self.descending {
            order.reverse()
        } else {
            order
        }
    }
}

/// Returns the sorted places of a query's users; kept until a user changes, because a walk over
/// 20,000 accounts asks 200 times.
fn listing(world: &mut World, query: &Query) -> Arc<Vec<usize>> {
    let key = format!("{query:?}");
    if let Some(order) = world.listings.get(&key) {
        return Arc::clone(order);
    }
    let mut found: Vec<(usize, &User)> = world
        .users()
        .iter()
        .enumerate()
        .filter(|(_, user)| query.matches(user))
        .collect();
    found.sort_by(|(_, a), (_, b)| query.compare(a, b));
    let order = Arc::new(
        found
            .into_iter()
            .map(|(index, _)| index)
            .collect::<Vec<_>>(),
    );
    world.listings.insert(key, Arc::clone(&order));
    order
}
