//! The people endpoints: look-ups, listings, and the change of a status.

use std::{cmp::Ordering, sync::Arc};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::sandbox::docspace::{
    model::{Kind, Refusal, Status, User, World},
    wire::{Answer, Params, date, html, number},
};

/// Writes a user as the service does (`EmployeeFullDto`), nulls left out.
pub(crate) fn full(user: &User, zone_minutes: i32) -> Value {
    let activation = match user.status {
        Status::Pending => 0,
        Status::Active | Status::Terminated => 1,
    };
    let name = user.email.split('@').next().unwrap_or_default();
    json!({
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
    })
}

/// Tells whether the key's user administers the tenant.
pub(crate) fn is_admin(world: &World) -> bool {
    world
        .caller()
        .is_some_and(|user| matches!(user.kind, Kind::Owner | Kind::Admin))
}

fn one(world: &World, href: &str, user: Option<&User>) -> Answer {
    match user {
        Some(user) => Answer::ok(href, full(user, world.settings.zone_minutes)),
        None => Answer::error(404, "The user could not be found"),
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
        None => Answer::invalid("email", "The email field is required."),
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

/// Answers `GET people/filter`.
pub(crate) fn filter(world: &mut World, href: &str, params: &Params) -> Answer {
    match page(world, params) {
        Ok((users, total)) => {
            let count = users.len();
            Answer::success(href, Value::Array(users), count, Some(total))
        }
        Err(answer) => answer,
    }
}

fn page(world: &mut World, params: &Params) -> Result<(Vec<Value>, usize), Answer> {
    if !is_admin(world) {
        return Err(Answer::error(403, "Access denied"));
    }
    let count = number(params, "count", 100, 1..=100)?;
    let start = number(params, "startIndex", 0, 0..=usize::MAX)?;
    let query = Query::read(params)?;
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
    sort: Sort,
    descending: bool,
}

impl Query {
    fn read(params: &Params) -> Result<Self, Answer> {
        let text = |name: &str| params.get(name).map_or("", String::as_str).to_lowercase();
        let refused = |field: &str, value: &str| {
            Answer::invalid(field, &format!("The value '{value}' is not valid."))
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

/// Answers `PUT people/status/{status}`.
pub(crate) fn put_status(
    world: &mut World,
    href: &str,
    status: &str,
    body: Option<&Value>,
    now: DateTime<Utc>,
) -> Answer {
    let wanted = match status.to_lowercase().as_str() {
        "1" | "active" => Status::Active,
        "2" | "terminated" => Status::Terminated,
        _ => return Answer::error(400, "Incorrect status"),
    };
    let ids: Option<Vec<Uuid>> = body.and_then(|body| {
        let ids = body.get("userIds")?.as_array()?;
        ids.iter().map(|id| id.as_str()?.parse().ok()).collect()
    });
    let Some(ids) = ids.filter(|ids| !ids.is_empty()) else {
        return Answer::invalid("userIds", "The UserIds field is required.");
    };
    if !is_admin(world) {
        return Answer::error(403, "Access denied");
    }
    match world.change_status(&ids, wanted, now) {
        Ok(()) => {
            let zone = world.settings.zone_minutes;
            let users: Vec<Value> = ids
                .iter()
                .filter_map(|id| world.present(*id))
                .map(|u| full(u, zone))
                .collect();
            // The service streams this list and counts it as one, however long it is.
            Answer::success(href, Value::Array(users), 1, None)
        }
        Err(Refusal::AccessDenied) => Answer::error(403, "Access denied"),
        Err(Refusal::NoSeat) => Answer::error(
            402,
            "The number of users exceeds the limit of the tariff plan",
        ),
    }
}
