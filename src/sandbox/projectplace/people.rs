//! The lists of people, which tell the same people in four shapes.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use crate::sandbox::{
    projectplace::{
        ProjectPlace,
        model::{Role, Standing, User},
        settings::{IdForm, Never, Settings},
    },
    tenant::{Answer, Call, Service},
};

/// Writes an id in one of its two forms.
pub(crate) fn write_id(id: u64, form: IdForm) -> Value {
    match form {
        IdForm::Integer => json!(id),
        IdForm::String => json!(id.to_string()),
    }
}

/// Reads an id in either form.
pub(crate) fn read_id(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    }
}

/// Returns the role as answers name it; the search names roles in other words.
fn role_name(role: Role, settings: &Settings) -> &str {
    match role {
        Role::Owner => "account_role_owner",
        Role::CoOwner => "account_role_co_owner",
        Role::Admin => "account_role_admin",
        Role::Member => "account_role_member",
        Role::External => "account_role_external",
        Role::Pending => &settings.pending_role,
        Role::Unregistered => &settings.unregistered_role,
        Role::Robot => &settings.robot_role,
    }
}

/// What a search asks for; also the key under which its order is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Search {
    by: By,
    descending: bool,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
    roles: Option<Vec<Role>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Id,
    LastLogin,
    Name,
}

impl Search {
    fn read(body: &Value, settings: &Settings) -> Result<Self, &'static str> {
        let sort = body.get("sort_by").unwrap_or(&Value::Null);
        let sort = match sort {
            Value::Null => "+id",
            other => other.as_str().ok_or("sort_by must be a string")?,
        };
        let by = match sort.trim_start_matches(['+', '-']) {
            "id" => By::Id,
            "last_login" => By::LastLogin,
            "name" => By::Name,
            _ => return Err("sort_by is unknown"),
        };
        let filter = body.get("filter").unwrap_or(&Value::Null);
        let (from, to) = match filter.get("last_logged_in") {
            None | Some(Value::Null) => (None, None),
            Some(range) => read_range(range, settings).map(|(from, to)| (Some(from), Some(to)))?,
        };
        let roles = match filter.get("account_roles") {
            None | Some(Value::Null) => None,
            Some(roles) => Some(read_roles(roles, settings)?),
        };
        Ok(Self {
            by,
            descending: sort.starts_with('-'),
            from,
            to,
            roles,
        })
    }

    fn finds(&self, user: &User) -> bool {
        // A robot that is not hidden passes for a member.
        let role = match user.role {
            Role::Robot => Role::Member,
            role => role,
        };
        let in_range = self.from.is_none_or(|from| user.last_login >= Some(from))
            && self
                .to
                .is_none_or(|to| user.last_login.is_some_and(|at| at < to));
        in_range
            && self
                .roles
                .as_ref()
                .is_none_or(|roles| roles.contains(&role))
    }

    fn sort(&self, found: &mut [&User]) {
        // Users come in the order of their ids, which decides among equals.
        match self.by {
            By::Id => {}
            By::LastLogin => found.sort_by_key(|user| user.last_login),
            By::Name => found.sort_by(|a, b| a.name.cmp(&b.name)),
        }
        if self.descending {
            found.reverse();
        }
    }
}

/// Reads a range of days, both ends required, as the moments `from <= login < to`.
fn read_range(
    range: &Value,
    settings: &Settings,
) -> Result<(DateTime<Utc>, DateTime<Utc>), &'static str> {
    let day = |name: &str, later: bool| {
        let text = range.get(name).and_then(Value::as_str);
        let text = text.ok_or("last_logged_in needs from and to")?;
        let day = NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .ok()
            .filter(|day| day.to_string() == text)
            .ok_or("last_logged_in takes dates only")?;
        let start = day.and_time(chrono::NaiveTime::MIN).and_utc();
        let zone = TimeDelta::minutes(i64::from(settings.zone_minutes));
        start
            .checked_sub_signed(zone)
            .and_then(|at| at.checked_add_signed(TimeDelta::days(i64::from(later))))
            .ok_or("last_logged_in is out of range")
    };
    let from = day("from", !settings.range_has_first_day)?;
    let to = day("to", settings.range_has_last_day)?;
    Ok((from, to))
}

fn read_roles(roles: &Value, settings: &Settings) -> Result<Vec<Role>, &'static str> {
    let roles = roles.as_array().ok_or("account_roles must be a list")?;
    let read = |role: &Value| match role.as_str() {
        Some("account_co_owner") => Ok(Role::CoOwner),
        Some("account_administrator") => Ok(Role::Admin),
        Some("account_member") => Ok(Role::Member),
        Some("account_pending_member") => Ok(Role::Pending),
        Some("external_member") => Ok(Role::External),
        Some("unregistered") => Ok(Role::Unregistered),
        Some("account_owner") if settings.owner_can_be_searched => Ok(Role::Owner),
        _ => Err("account_roles has an unknown role"),
    };
    roles.iter().map(read).collect()
}

fn read_number(body: &Value, name: &str, default: usize) -> Result<usize, &'static str> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(default),
        Some(value) => value
            .as_u64()
            .and_then(|number| usize::try_from(number).ok())
            .ok_or("limit and row_number are whole numbers from 0"),
    }
}

impl ProjectPlace {
    /// Tells whether somebody is there and stands in lists.
    fn is_listed(&self, user: &User) -> bool {
        user.standing == Standing::Here
            && !(self.settings.robots_hidden && user.role == Role::Robot)
    }

    /// Answers `POST /1/account/people`: one page, with nothing to tell whether it is the last.
    pub(crate) fn search_people(&mut self, call: &Call<'_>) -> Answer {
        let Some(body) = call.json().filter(Value::is_object) else {
            return Self::refusal(400, "The body must be a JSON object");
        };
        let asked = Search::read(&body, &self.settings).and_then(|search| {
            let limit = read_number(&body, "limit", self.settings.default_limit)?;
            Ok((search, limit, read_number(&body, "row_number", 0)?))
        });
        let (search, limit, row) = match asked {
            Ok(asked) => asked,
            Err(why) => return Self::refusal(400, why),
        };
        let limit = limit.min(self.settings.max_limit.unwrap_or(usize::MAX));
        let order = self.order(search);
        let rows = order.iter().skip(row).take(limit);
        let rows: Vec<Value> = rows
            .filter_map(|id| self.book.present(*id))
            .map(|user| self.search_row(user))
            .collect();
        Answer::json(200, Value::Array(rows))
    }

    /// Returns the ids that a search finds; kept until somebody changes, because a walk over
    /// 20,000 people asks 200 times.
    fn order(&mut self, search: Search) -> Arc<Vec<u64>> {
        if let Some((kept, order)) = &self.order
            && *kept == search
        {
            return Arc::clone(order);
        }
        let users = self.book.users();
        let mut found: Vec<&User> = users
            .filter(|user| self.is_listed(user) && search.finds(user))
            .collect();
        search.sort(&mut found);
        let order: Arc<Vec<u64>> = Arc::new(found.into_iter().map(|user| user.id).collect());
        self.order = Some((search, Arc::clone(&order)));
        order
    }

    fn search_row(&self, user: &User) -> Value {
        let mut row = Map::new();
        row.insert("userid".to_owned(), json!(user.id.to_string()));
        row.insert("name".to_owned(), json!(user.name));
        let role = role_name(user.role, &self.settings);
        row.insert("account_role".to_owned(), json!(role));
        let login = user.last_login.map(|at| json!(at.timestamp_millis()));
        let login = login.or(match self.settings.never {
            Never::Null => Some(Value::Null),
            Never::Zero => Some(json!(0)),
            Never::Absent => None,
        });
        if let Some(login) = login {
            row.insert("last_login".to_owned(), login);
        }
        if self.settings.search_has_email {
            row.insert("email".to_owned(), json!(user.email));
        }
        Value::Object(row)
    }

    /// Answers `GET /1/account/people`.
    pub(crate) fn list_people(&self) -> Answer {
        let externals = self.settings.list_has_externals;
        let rows = self
            .book
            .users()
            .filter(|user| self.is_listed(user) && (externals || !is_outside(user.role)));
        let rows = rows.map(|user| {
            let mut row = json!({
                "id": write_id(user.id, self.settings.ids),
                "email": user.email,
                "account_role": role_name(user.role, &self.settings),
            });
            if let (true, Some(row)) = (self.settings.list_has_name, row.as_object_mut()) {
                row.insert("name".to_owned(), json!(user.name));
            }
            row
        });
        Answer::json(200, rows.collect())
    }

    /// Answers `GET /1/account/members`.
    pub(crate) fn list_members(&self, call: &Call<'_>) -> Answer {
        let params = call.params();
        let is = |name: &str, value: &str| params.iter().any(|(n, v)| n == name && v == value);
        let registered = is("flag", "registered");
        let rows = |outside: bool| -> Value {
            let users = self.book.users().filter(|user| {
                let signed_up = !matches!(user.role, Role::Pending | Role::Unregistered);
                self.is_listed(user)
                    && is_outside(user.role) == outside
                    && (signed_up || !registered)
            });
            let row = |user: &User| json!({ "id": write_id(user.id, self.settings.ids), "name": user.name, "email": user.email });
            users.map(row).collect()
        };
        let mut body = json!({ "members": rows(false) });
        if let (true, Some(body)) = (is("include_external_users", "1"), body.as_object_mut()) {
            body.insert("external".to_owned(), rows(true));
        }
        Answer::json(200, body)
    }

    /// Answers `GET /1/account`.
    pub(crate) fn account(&self) -> Answer {
        let manages = |user: &&User| {
            user.standing == Standing::Here
                && matches!(user.role, Role::Owner | Role::CoOwner | Role::Admin)
        };
        let managers = self.book.users().filter(manages);
        let managers: Value = managers
            .map(|user| json!({ "id": write_id(user.id, self.settings.ids) }))
            .collect();
        Answer::json(
            200,
            json!({ "id": 1, "name": "Sandbox", "managers": managers }),
        )
    }
}

fn is_outside(role: Role) -> bool {
    matches!(role, Role::External | Role::Unregistered)
}
