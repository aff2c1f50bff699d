//! The adapter against a scripted portal; each trap of the vendor's own example has its test.

use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use crate::domain::source::SignalProof;
use crate::domain::time::Time;
use crate::provider::ProbeState;
use crate::provider::Provider as _;
use crate::provider::ProviderError;
use crate::provider::docspace::DocSpace;
use crate::provider::docspace::DocSpaceSettings;
use crate::provider::http::Limits;
use crate::provider::http::Secret;
use crate::provider::http::scripted::Reply;
use crate::provider::http::scripted::Request;
use crate::provider::http::scripted::Server;

mod change;
mod example;
mod listing;
mod parse;
mod removal;
mod walks;

const TOKEN: &str = "sk-never-to-be-seen";

fn uuid(n: u64) -> String {
    format!("{n:08}-0000-4000-8000-000000000000")
}

fn person(n: u64) -> Value {
    json!({
        "id": uuid(n), "displayName": format!("Person &amp; {n}"), "email": format!("p{n}@v.test"),
        "status": 1, "activationStatus": 1, "isAdmin": n == 0, "isRoomAdmin": false,
        "isLDAP": false, "isOwner": false, "isVisitor": n != 0, "isCollaborator": false,
        "isSSO": false, "isAnonim": false,
        "registrationDate": "2025-01-02T10:00:00.0000000+01:00",
    })
}

fn event(id: u64, who: u64, action: u64, date: &str) -> Value {
    json!({"id": id, "date": date, "user": "C One", "userId": uuid(who), "login": "c@v.test",
        "action": "text", "actionId": action, "ip": "1.2.3.4", "page": "/"})
}

fn ok(response: &Value) -> Value {
    json!({"response": response, "count": 1, "status": 0, "statusCode": 200})
}

fn people_page(people: &[Value], total: usize) -> Value {
    let mut body = ok(&json!(people));
    body["total"] = json!(total);
    body
}

fn refusal(status: u16) -> Value {
    json!({"error": {"message": "Access denied", "type": "System.Security.SecurityException",
        "stack": "at ASC.Secret()", "hresult": -1}, "status": 1, "statusCode": status})
}

fn number(request: &Request, name: &str) -> usize {
    let target = url::Url::parse(&format!("http://x{}", request.target)).unwrap();
    let mut pairs = target.query_pairs();
    let found = pairs.find(|(k, _)| k == name);
    found.map_or(0, |(_, v)| v.parse().unwrap())
}

fn slice(items: &[Value], request: &Request) -> Vec<Value> {
    let (start, count) = (number(request, "startIndex"), number(request, "count"));
    items.iter().skip(start).take(count).cloned().collect()
}

/// A portal in good order.
#[derive(Clone)]
struct Portal {
    people: Vec<Value>,
    logins: Vec<Value>,
    audit: Vec<Value>,
    lifetime: Value,
    cookies: Value,
    /// What `reassign/progress` has under `response`.
    task: Value,
    rooms: bool,
    shares: bool,
    /// With which parameter `reassign/necessary` is taken: `Some(true)` only with `Type`,
    /// `Some(false)` only without, `None` in both ways.
    typed: Option<bool>,
}

impl Portal {
    fn new() -> Self {
        Self {
            people: (0..3).map(person).collect(),
            logins: vec![
                event(12, 1, 1029, "2026-11-20T10:00:00.0000000+01:00"),
                event(11, 2, 1005, "2026-11-19T10:00:00.0000000Z"),
                event(10, 2, 1006, "2026-11-18T10:00:00.0000000Z"),
                event(9, 1, 1000, "2026-11-18T09:00:00.0000000Z"),
            ],
            audit: vec![
                event(7, 2, 5000, "2026-11-21T10:00:00.0000000Z"),
                event(6, 1, 1003, "2026-11-20T10:00:00.0000000Z"),
                event(5, 1, 1005, "2026-11-19T10:00:00.0000000Z"),
            ],
            lifetime: json!({"loginHistoryLifeTime": 180, "auditTrailLifeTime": 90,
                "lastModified": "0001-01-01T00:00:00"}),
            cookies: json!({"lifeTime": 1440, "enabled": true}),
            task: Value::Null,
            rooms: false,
            shares: false,
            typed: None,
        }
    }

    fn answer(&self, request: &Request) -> Reply {
        let path = request.target.split('?').next().unwrap_or_default();
        let body = match path {
            "/api/2.0/people/@self" => ok(&self.people[0]),
            "/api/2.0/people/filter" => {
                people_page(&slice(&self.people, request), self.people.len())
            }
            "/api/2.0/security/audit/login/filter" => ok(&json!(slice(&self.logins, request))),
            "/api/2.0/security/audit/events/filter" => ok(&json!(slice(&self.audit, request))),
            "/api/2.0/security/audit/settings/lifetime" => ok(&self.lifetime),
            "/api/2.0/settings/cookiesettings" => ok(&self.cookies),
            "/api/2.0/keys" => ok(&json!([])),
            "/api/2.0/people/reassign/necessary" => return self.necessary(request),
            path => match path.strip_prefix("/api/2.0/people/") {
                Some(rest) if rest.starts_with("reassign/progress/") => ok(&self.task),
                Some(id) => match self.people.iter().find(|p| p["id"] == id) {
                    Some(person) => ok(person),
                    None => return Reply::json(404, &refusal(404)),
                },
                None => return Reply::json(404, &refusal(404)),
            },
        };
        Reply::json(200, &body)
    }

    fn necessary(&self, request: &Request) -> Reply {
        let typed = request.target.contains("Type=2");
        assert!(request.target.contains(&format!("UserId={}", uuid(1))));
        if self.typed.is_some_and(|only| only != typed) {
            return Reply::json(
                400,
                &json!({"response": {"errors": {"Type": ["?"]}},
                "status": 1, "statusCode": 400}),
            );
        }
        Reply::json(200, &ok(&json!(self.rooms || (typed && self.shares))))
    }

    async fn serve(self) -> Server {
        Server::start(move |request, _| self.answer(request)).await
    }

    /// Serves as usual, but for the paths that contain `path`.
    async fn except(self, path: &'static str, reply: Reply) -> Server {
        Server::start(move |request, _| {
            if request.target.contains(path) {
                reply.clone()
            } else {
                self.answer(request)
            }
        })
        .await
    }
}

fn docspace(url: &str) -> DocSpace {
    let mut settings = DocSpaceSettings::new(url, Secret::new(TOKEN));
    settings.http = Limits {
        connect: Duration::from_millis(300),
        read: Duration::from_millis(600),
        change: Duration::from_millis(600),
        attempts: 2,
        waiting: Duration::from_millis(500),
        change_waiting: Duration::from_millis(50),
        first_backoff: Duration::from_millis(2),
        longest_backoff: Duration::from_millis(4),
        ..Limits::default()
    };
    settings.max_pages = 20;
    DocSpace::new(settings).unwrap()
}

fn now() -> Time {
    Time::parse("2026-11-22T10:00:00Z").unwrap()
}

fn quiet(_: u64) {}

async fn listing_error(server: &Server) -> ProviderError {
    let e = docspace(&server.url).accounts(&quiet).await.unwrap_err();
    assert!(!format!("{e} {e:?}").contains(TOKEN));
    e
}

async fn login_proof(server: &Server, known: &[SignalProof]) -> SignalProof {
    let read = docspace(&server.url).activity(known, now(), &quiet).await;
    read.signals[0].clone()
}

#[tokio::test]
async fn the_check_says_what_an_administrator_can_act_on() {
    let good = Portal::new().serve().await;
    let probes = docspace(&good.url).check().await;
    let whats: Vec<_> = probes.iter().map(|p| p.what.as_str()).collect();
    assert_eq!(
        whats,
        [
            "credential",
            "rights",
            "login history",
            "login retention",
            "session lifetime",
            "API keys"
        ]
    );
    // an administrator's key cannot disable administrators; the rest is in order
    assert_eq!(probes[0].state, ProbeState::Limited);
    assert!(
        probes.iter().skip(1).all(|p| p.state == ProbeState::Good),
        "{probes:?}"
    );
    assert!(probes.iter().all(|p| !p.says.contains("v.test")));
    let refused = Portal::new().except("/api", Reply::new(401, &[], "")).await;
    let probes = docspace(&refused.url).check().await;
    assert_eq!((probes.len(), probes[0].state), (1, ProbeState::Bad));
    assert!(probes[0].hint.is_some() && !probes[0].says.contains(TOKEN));
}
