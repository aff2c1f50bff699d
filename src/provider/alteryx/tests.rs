//! The adapter against a scripted workspace; each fault of the vendor's own example has its test.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use crate::clock::Clock;
use crate::domain::time::Time;
use crate::provider::alteryx::Alteryx;
use crate::provider::alteryx::AlteryxSettings;
use crate::provider::alteryx::AlteryxToken;
use crate::provider::http::Limits;
use crate::provider::http::Secret;
use crate::provider::http::scripted::Reply;
use crate::provider::http::scripted::Request;
use crate::provider::http::scripted::Server;

mod changing;
mod check;
mod example;
mod parse;
mod reading;
mod tokens;

const ACCESS: &str = "access-never-to-be-seen";

fn now() -> Time {
    Time::parse("2026-11-22T10:00:00Z").unwrap()
}

/// A clock that is set by hand.
#[derive(Debug)]
struct Hand(Mutex<Time>);

impl Hand {
    fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(now())))
    }

    fn pass(&self, seconds: i64) {
        let mut now = self.0.lock().unwrap();
        *now = now.plus_seconds(seconds);
    }
}

impl Clock for Hand {
    fn now(&self) -> Time {
        *self.0.lock().unwrap()
    }

    fn is_moved(&self) -> bool {
        true
    }
}

/// As the current schema has it.
fn person(n: u64) -> Value {
    json!({
        "id": n, "email": format!("p{n}@v.test"), "isDisabled": false, "state": "active",
        "validateExportCompliance": true, "outputHomeDir": "/q", "uploadDir": "/u",
        "lastLoginTime": "2026-01-23T10:22:44.532Z", "lastStateChange": null,
        "maximalPrivileges": [],
    })
}

/// What `count` means in this workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Count {
    All,
    Page,
    Absent,
}

/// A workspace in good order: 1 is the token's user and administers it with 2.
#[derive(Clone)]
struct Space {
    people: Vec<Value>,
    admins: Vec<u64>,
    /// Named only where those who are suspended are asked for.
    suspended_admins: Vec<u64>,
    workspace: Value,
    count: Count,
    most: usize,
    /// Whether the list can be asked for one person.
    by_id: bool,
}

impl Space {
    fn new(people: u64) -> Self {
        Self {
            people: (1..=people).map(person).collect(),
            admins: vec![1, 2],
            suspended_admins: Vec::new(),
            workspace: json!({"id": 31429, "name": "w", "state": "active", "gid": "01JKBM",
                "custom_url": "w.us1.alteryxcloud.com", "max_user_number": 5000}),
            count: Count::All,
            most: 1000,
            by_id: true,
        }
    }

    fn answer(&self, request: &Request) -> Reply {
        let (path, query) = parts(request);
        let path = path.as_str();
        match (request.method.as_str(), path) {
            ("GET", "/v4/workspaces/current") => Reply::json(200, &self.workspace),
            ("GET", "/v4/people/current") => Reply::json(200, &self.people[0]),
            ("GET", "/v4/workspaces/31429/admins") => {
                let all = query.contains_key("includeStatus");
                let more = self.suspended_admins.iter().filter(|_| all);
                let ids = self.admins.iter().chain(more);
                let rows: Vec<_> = ids
                    .map(|id| json!({"id": id, "isDisabled": false}))
                    .collect();
                Reply::json(200, &json!({"count": rows.len(), "data": rows}))
            }
            ("GET", "/v4/people") => self.list(&query),
            ("GET", _) if path.starts_with("/v4/people/") => {
                let id = path.rsplit('/').next().unwrap();
                let found = self.people.iter().find(|p| text(&p["id"]) == id);
                match found {
                    Some(person) => Reply::json(200, person),
                    None => exception(404, "DataNotFoundException"),
                }
            }
            ("DELETE" | "PUT" | "PATCH" | "POST", _) => Reply::new(204, &[], ""),
            _ => exception(404, "RouteNotFoundException"),
        }
    }

    fn list(&self, query: &BTreeMap<String, String>) -> Reply {
        let number = |name: &str| query.get(name).and_then(|n| n.parse::<usize>().ok());
        if let Some(id) = query.get("peopleIds").filter(|_| self.by_id) {
            let rows: Vec<_> = self
                .people
                .iter()
                .filter(|p| text(&p["id"]) == *id)
                .collect();
            return Reply::json(200, &json!({"data": rows, "count": rows.len()}));
        }
        let limit = number("limit").unwrap_or(25).min(self.most);
        let rows = self.people.iter().skip(number("offset").unwrap_or(0));
        let rows: Vec<_> = rows.take(limit).collect();
        let mut body = json!({ "data": rows });
        match self.count {
            Count::All => body["count"] = self.people.len().into(),
            Count::Page => body["count"] = rows.len().into(),
            Count::Absent => {}
        }
        Reply::json(200, &body)
    }

    async fn start(self) -> Server {
        Server::start(move |request, _| self.answer(request)).await
    }
}

fn parts(request: &Request) -> (String, BTreeMap<String, String>) {
    let target = url::Url::parse(&format!("http://x{}", request.target)).unwrap();
    let query = target.query_pairs().into_owned().collect();
    (target.path().to_owned(), query)
}

fn text(id: &Value) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}

fn exception(status: u16, name: &str) -> Reply {
    let body = json!({"exception": {"name": name, "message": "m", "details": {"stack": "at"}}});
    Reply::json(status, &body)
}

/// A workspace in which one request is answered otherwise.
async fn but(
    space: Space,
    is: impl Fn(&Request) -> bool + Send + Sync + 'static,
    reply: Reply,
) -> Server {
    Server::start(move |request, _| match is(request) {
        true => reply.clone(),
        false => space.answer(request),
    })
    .await
}

fn limits() -> Limits {
    Limits {
        connect: Duration::from_millis(250),
        read: Duration::from_millis(500),
        change: Duration::from_millis(500),
        attempts: 2,
        waiting: Duration::from_millis(1500),
        change_waiting: Duration::from_millis(50),
        first_backoff: Duration::from_millis(5),
        longest_backoff: Duration::from_millis(20),
        ..Limits::default()
    }
}

fn settings(url: &str) -> AlteryxSettings {
    let token = AlteryxToken::Fixed(Secret::new(ACCESS));
    let mut settings = AlteryxSettings::new(url, token, "31429", Hand::new());
    settings.http = limits();
    settings
}

fn alteryx(server: &Server) -> Alteryx {
    Alteryx::new(settings(&server.url)).unwrap()
}

fn quiet(_: u64) {}
