//! The adapter against scripted answers: an organisation in good order, and what may be wrong.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use crate::clock::Clock;
use crate::domain::account::AccountFacts;
use crate::domain::account::AccountRecord;
use crate::domain::time::Time;
use crate::provider::Provider as _;
use crate::provider::ProviderError;
use crate::provider::http::Limits;
use crate::provider::http::Secret;
use crate::provider::http::scripted::Reply;
use crate::provider::http::scripted::Request;
use crate::provider::http::scripted::Server;
use crate::provider::port::Port;
use crate::provider::port::PortSettings;

mod audit;
mod example;
mod parse;
mod probes;
mod reads;
mod single;
mod steps;
mod tokens;

const SECRET: &str = "hush-never-to-be-seen";
const TOKEN: &str = "eyJ-never-to-be-seen-either";
const CLIENT: &str = "Ab3xMachineClient";
const ORG: &str = "org_ours";
const CREATED: &str = "2024-09-21T08:56:38.062Z";

#[derive(Debug)]
struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Time {
        now()
    }

    fn is_moved(&self) -> bool {
        true
    }
}

fn now() -> Time {
    Time::parse("2026-11-22T10:00:00Z").unwrap()
}

fn quiet(_: u64) {}

fn mail(n: u64) -> String {
    format!("p{n}@v.test")
}

/// The id of an account as we know it.
fn id(n: u64) -> String {
    format!("p{n}@v.test#2024-09-21T08:56:38Z")
}

fn entity(n: u64) -> Value {
    json!({
        "identifier": mail(n), "title": format!("Person {n}"), "icon": "User", "blueprint": "_user",
        "team": [], "relations": {},
        "properties": {
            "port_type": "Standard", "port_role": if n == 0 { "Admin" } else { "Member" },
            "status": "Active",
        },
        "createdAt": CREATED, "createdBy": "", "updatedAt": CREATED, "updatedBy": "",
    })
}

fn user(n: u64) -> Value {
    json!({
        "id": format!("auth0|{n:024}"), "email": mail(n), "firstName": "Person", "lastName": n.to_string(),
        "status": "ACTIVE", "type": "STANDARD", "providers": ["auth0"], "isInvisible": false,
        "createdAt": "2024-09-21T09:00:00.000Z", "roles": [{"name": if n == 0 { "Admin" } else { "Member" }}],
        "orgMembers": [
            {"orgId": "org_another", "status": "ACTIVE", "lastLoginAt": "2026-11-21T10:00:00.000Z"},
            {"orgId": ORG, "status": "ACTIVE", "lastLoginAt": "2026-03-01T10:00:00.000Z"},
        ],
    })
}

fn event(n: u64, who: u64, at: &str) -> Value {
    json!({
        "identifier": format!("event{n}"), "action": "UPDATE", "resourceType": "entity",
        "status": "SUCCESS", "context": {"blueprint": "service", "entity": "x"}, "diff": {},
        "trigger": {"by": {"orgId": ORG, "userId": format!("auth0|{who:024}")}, "origin": "UI", "at": at},
    })
}

fn refusal(error: &str, message: &str) -> Value {
    json!({"ok": false, "error": error, "message": message})
}

fn absent() -> Reply {
    Reply::json(404, &refusal("not_found", "x was not found"))
}

fn pairs(request: &Request) -> Vec<(String, String)> {
    let target = url::Url::parse(&format!("http://x{}", request.target)).unwrap();
    let owned = |(k, v): (std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)| {
        (k.into_owned(), v.into_owned())
    };
    target.query_pairs().map(owned).collect()
}

fn pair(request: &Request, name: &str) -> Option<String> {
    let found = pairs(request).into_iter().find(|(k, _)| k == name);
    found.map(|(_, v)| v)
}

fn path(request: &Request) -> String {
    let path = request.target.split('?').next().unwrap();
    percent_encoding::percent_decode_str(path)
        .decode_utf8()
        .unwrap()
        .into_owned()
}

/// An organisation in good order.
#[derive(Clone)]
struct Org {
    users: Vec<Value>,
    entities: Vec<Value>,
    page: usize,
    audits: Vec<Value>,
    related: Vec<Value>,
    made: Vec<Value>,
    change: Reply,
}

impl Org {
    fn new(people: u64) -> Self {
        Self {
            users: (0..people).map(user).collect(),
            entities: (0..people).map(entity).collect(),
            page: 1000,
            audits: Vec::new(),
            related: Vec::new(),
            made: Vec::new(),
            change: Reply::json(200, &json!({"ok": true})),
        }
    }

    fn answer(&self, request: &Request) -> Reply {
        let path = path(request);
        let body = match (request.method.as_str(), path.as_str()) {
            ("POST", "/v1/auth/access_token") => json!({
                "ok": true, "accessToken": TOKEN, "expiresIn": 10800, "tokenType": "Bearer",
            }),
            ("GET", "/v1/organization") => {
                json!({"ok": true, "organization": {"id": ORG, "name": "Ours"}})
            }
            ("GET", "/v1/users") => json!({"ok": true, "users": self.users}),
            ("GET", "/v1/blueprints/_user/entities-count") => {
                json!({"ok": true, "count": self.entities.len()})
            }
            ("POST", "/v1/blueprints/_user/entities/search") => self.entities_page(request),
            ("POST", "/v1/entities/search") if request.body.contains("$createdBy") => {
                json!({"ok": true, "entities": self.made, "failedBlueprints": []})
            }
            ("POST", "/v1/entities/search") => {
                json!({"ok": true, "entities": self.related, "failedBlueprints": []})
            }
            ("GET", "/v1/audit-log") => self.audit_page(request),
            ("GET", path) => return self.one(path),
            _ => return self.change.clone(),
        };
        Reply::json(200, &body)
    }

    fn entities_page(&self, request: &Request) -> Value {
        let body: Value = serde_json::from_str(&request.body).unwrap();
        let from = body.get("from").map_or(0, |from| {
            let text = from.as_str().unwrap();
            text.trim_start_matches("opaque").parse::<usize>().unwrap()
        });
        let page: Vec<_> = self.entities.iter().skip(from).take(self.page).collect();
        let mut body = json!({"ok": true, "entities": page});
        if from + self.page < self.entities.len() {
            body["next"] = json!(format!("opaque{}", from + self.page));
        }
        body
    }

    fn audit_page(&self, request: &Request) -> Value {
        let moment = |name: &str| Time::parse(&pair(request, name).unwrap()).unwrap();
        let (from, to) = (moment("from"), moment("to"));
        let limit: usize = pair(request, "limit").unwrap().parse().unwrap();
        let at = |e: &Value| Time::parse(e["trigger"]["at"].as_str().unwrap()).unwrap();
        let events = self.audits.iter().filter(|e| at(e) < to && at(e) >= from);
        let events: Vec<_> = events.take(limit.min(self.page)).collect();
        json!({"ok": true, "audits": events})
    }

    fn one(&self, path: &str) -> Reply {
        let find = |list: &[Value], field: &str, name: &str| {
            list.iter().find(|v| v[field] == json!(name)).cloned()
        };
        let found = if let Some(name) = path.strip_prefix("/v1/blueprints/_user/entities/") {
            find(&self.entities, "identifier", name).map(|v| json!({"ok": true, "entity": v}))
        } else if let Some(name) = path.strip_prefix("/v1/users/") {
            find(&self.users, "email", name).map(|v| json!({"ok": true, "user": v}))
        } else {
            None
        };
        found.map_or_else(absent, |body| Reply::json(200, &body))
    }

    async fn serve(self) -> Server {
        Server::start(move |request, _| self.answer(request)).await
    }

    /// Serves as usual, but for the paths that contain `part`.
    async fn except(self, part: &'static str, reply: Reply) -> Server {
        Server::start(move |request, _| {
            if request.target.contains(part) {
                reply.clone()
            } else {
                self.answer(request)
            }
        })
        .await
    }
}

fn settings(url: &str) -> PortSettings {
    let mut settings = PortSettings::new(
        url,
        Secret::new(CLIENT),
        Secret::new(SECRET),
        14 * 86_400,
        Arc::new(Fixed),
    );
    settings.http = Limits {
        connect: Duration::from_millis(500),
        read: Duration::from_millis(800),
        change: Duration::from_millis(800),
        attempts: 2,
        waiting: Duration::from_millis(500),
        change_waiting: Duration::from_millis(50),
        first_backoff: Duration::from_millis(2),
        longest_backoff: Duration::from_millis(4),
        ..Limits::default()
    };
    settings.max_pages = 20;
    settings.follows = Duration::from_millis(30);
    settings
}

fn port(url: &str) -> Port {
    Port::new(settings(url)).unwrap()
}

async fn listed(org: Org) -> Vec<AccountRecord> {
    let server = org.serve().await;
    port(&server.url).accounts(&quiet).await.unwrap().accounts
}

async fn facts(org: Org, n: usize) -> AccountFacts {
    listed(org).await[n].facts.clone()
}

async fn listing_error(server: &Server) -> ProviderError {
    let e = port(&server.url).accounts(&quiet).await.unwrap_err();
    assert!(!format!("{e} {e:?}").contains(SECRET));
    assert!(!format!("{e} {e:?}").contains(TOKEN));
    e
}
