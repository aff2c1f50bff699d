//! The adapter against a server that answers with exactly the bytes of the reference.

mod change;
mod example;
mod list;
mod parse;

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
use crate::provider::Successor;
use crate::provider::Target;
use crate::provider::http::Limits;
use crate::provider::http::Secret;
use crate::provider::http::scripted::Reply;
use crate::provider::http::scripted::Request;
use crate::provider::http::scripted::Server;
use crate::provider::projectplace::Credential;
use crate::provider::projectplace::OAuth1Keys;
use crate::provider::projectplace::ProjectPlace;
use crate::provider::projectplace::ProjectPlaceSettings;
use crate::provider::trial;

const SECRET: &str = "application-secret-of-the-robot";

/// 2026-05-26 in milliseconds.
const LOGIN: u64 = 1_779_753_600_000;

#[derive(Debug)]
struct Noon;

impl Clock for Noon {
    fn now(&self) -> Time {
        Time::parse("2026-11-22T12:00:00Z").unwrap()
    }

    fn is_moved(&self) -> bool {
        false
    }
}

/// One person as the service has them.
#[derive(Clone)]
struct Someone {
    id: u64,
    role: &'static str,
    login: Value,
    /// Whether the search finds them, and whether they stand in the list of members.
    searched: bool,
    member: bool,
}

fn someone(id: u64, role: &'static str) -> Someone {
    Someone {
        id,
        role,
        login: json!(LOGIN + id),
        searched: role != "account_role_owner",
        member: role != "account_role_external",
    }
}

impl Someone {
    fn search_row(&self) -> Value {
        json!({"userid": self.id.to_string(), "name": format!("Person {}", self.id),
            "account_role": self.role, "last_login": self.login})
    }

    fn member_row(&self) -> Value {
        json!({"id": self.id, "email": self.email(), "account_role": self.role})
    }

    fn email(&self) -> String {
        format!("p{}@example.com", self.id)
    }
}

/// An account in good order: the owner 1, administrator 2, member 42 who takes over, members 1001
/// and 1003, external member 1002.
#[derive(Clone)]
struct Place {
    people: Vec<Someone>,
    /// The most rows of a page, whatever is asked for.
    clamp: usize,
    owned: Value,
    done: Value,
}

impl Place {
    fn new() -> Self {
        Self {
            people: vec![
                someone(1, "account_role_owner"),
                someone(2, "account_role_admin"),
                someone(42, "account_role_member"),
                someone(1001, "account_role_member"),
                someone(1002, "account_role_external"),
                someone(1003, "account_role_member"),
            ],
            clamp: usize::MAX,
            owned: json!({"projects_data": {}}),
            done: json!({"succeeded": ["1001"], "failed": []}),
        }
    }

    /// The example of the reference: one of each kind.
    fn owning() -> Self {
        Self {
            owned: json!({"projects_data": {"projects_owner": [{"id": 9001, "name": "Rollout"}]},
                "portfolios_owner": [{"id": "77", "name": "PMO"}],
                "templates_owner": [{"id": 5, "name": "Std"}]}),
            ..Self::new()
        }
    }

    fn person(&mut self, id: u64) -> &mut Someone {
        self.people.iter_mut().find(|p| p.id == id).unwrap()
    }

    fn page(&self, body: &str) -> Value {
        let body: Value = serde_json::from_str(body).unwrap();
        let number = |name: &str| usize::try_from(body[name].as_u64().unwrap()).unwrap();
        let (limit, row) = (number("limit"), number("row_number"));
        let found = self.people.iter().filter(|p| p.searched);
        let rows = found.skip(row).take(limit.min(self.clamp));
        rows.map(Someone::search_row).collect()
    }

    fn answer(&self, request: &Request) -> Reply {
        let path = request.target.split('?').next().unwrap_or_default();
        let members = self.people.iter().filter(|p| p.member);
        let outside = self.people.iter().filter(|p| !p.member);
        let short = |p: &Someone| json!({"id": p.id, "email": p.email()});
        let body = match (request.method.as_str(), path) {
            ("GET", "/1/account") => json!({"id": 7, "managers": [{"id": 1}, {"id": "2"}]}),
            ("POST", "/1/account/people") => self.page(&request.body),
            ("GET", "/1/account/people") => members.map(Someone::member_row).collect(),
            ("GET", "/1/account/members") => json!({"members": members.map(short)
                .collect::<Vec<_>>(), "external": outside.map(short).collect::<Vec<_>>()}),
            ("GET", path) if path.ends_with("/owned-artifacts") => {
                json!({path.split('/').nth(4).unwrap(): self.owned})
            }
            ("POST", _) => self.done.clone(),
            _ => return Reply::json(404, &json!({"error": "not found"})),
        };
        Reply::json(200, &body)
    }

    async fn serve(self) -> Server {
        Server::start(move |request, _| self.answer(request)).await
    }

    /// Serves as usual, but for requests that begin like this: `GET /1/account/people`.
    async fn except(self, start: &'static str, reply: Reply) -> Server {
        Server::start(move |request, _| {
            let line = format!("{} {} ", request.method, request.target);
            if line.starts_with(start) {
                reply.clone()
            } else {
                self.answer(request)
            }
        })
        .await
    }
}

fn limits() -> Limits {
    Limits {
        connect: Duration::from_millis(300),
        read: Duration::from_millis(600),
        change: Duration::from_millis(600),
        attempts: 2,
        waiting: Duration::from_millis(500),
        change_waiting: Duration::from_millis(50),
        first_backoff: Duration::from_millis(2),
        longest_backoff: Duration::from_millis(4),
        ..Limits::default()
    }
}

fn with(url: &str, credential: Credential) -> ProjectPlace {
    let clock: Arc<dyn Clock> = Arc::new(Noon);
    let mut settings = ProjectPlaceSettings::new(url, credential, clock, 86_400);
    settings.http = limits();
    settings.max_pages = 20;
    ProjectPlace::new(settings).unwrap()
}

fn keys() -> Credential {
    Credential::OAuth1(OAuth1Keys {
        application_key: Secret::new("application-key"),
        application_secret: Secret::new(SECRET),
        token_key: Secret::new("token-key"),
        token_secret: Secret::new("token-secret-of-the-robot"),
    })
}

fn projectplace(url: &str) -> ProjectPlace {
    with(url, keys())
}

fn quiet(_: u64) {}

async fn accounts(server: &Server) -> Vec<AccountRecord> {
    let read = projectplace(&server.url).accounts(&quiet).await;
    read.unwrap().accounts
}

async fn listing_error(server: &Server) -> ProviderError {
    let e = projectplace(&server.url)
        .accounts(&quiet)
        .await
        .unwrap_err();
    assert!(!format!("{e} {e:?}").contains(SECRET));
    e
}

fn facts(accounts: &[AccountRecord], id: u64) -> &AccountFacts {
    let id = id.to_string();
    &accounts.iter().find(|a| a.id == id).unwrap().facts
}

/// A target with 42 as its successor.
fn target(id: u64) -> Target {
    Target {
        successor: Some(Successor {
            id: "42".to_owned(),
            email: None,
        }),
        ..trial::target(&id.to_string())
    }
}
