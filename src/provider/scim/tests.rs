//! Against a server that answers with exactly these bytes.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use crate::clock::Clock;
use crate::domain::time::Time;
use crate::provider::http::Limits;
use crate::provider::http::Secret;
use crate::provider::http::scripted::Reply;
use crate::provider::http::scripted::Request;
use crate::provider::http::scripted::Server;
use crate::provider::scim::Scim;
use crate::provider::scim::ScimAccess;
use crate::provider::scim::ScimSettings;

mod forms;
mod lists;
mod parse;
mod wire;

const TOKEN: &str = "hush-never-to-be-seen";
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
const EXTENSION: &str = "urn:example:params:scim:schemas:extension:activity:2.0:User";

#[derive(Debug)]
struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Time {
        Time::parse("2026-11-22T10:00:00Z").unwrap()
    }

    fn is_moved(&self) -> bool {
        true
    }
}

fn quiet(_: u64) {}

fn user(n: u64) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", EXTENSION],
        "id": format!("u{n}"), "externalId": format!("e{n}"), "userName": format!("p{n}"),
        "displayName": format!("Person {n}"), "active": true,
        "emails": [
            { "value": format!("home{n}@v.test"), "type": "home" },
            { "value": format!("p{n}@v.test"), "type": "work", "primary": true },
        ],
        "roles": [{ "value": if n == 0 { "admin" } else { "user" } }],
        "meta": { "resourceType": "User", "created": "2024-09-21T08:56:38.0620000Z",
            "version": "W/\"1\"" },
        EXTENSION: { "lastLogin": "2026-03-01T10:00:00Z" },
    })
}

fn page(users: &[Value], total: u64, start: u64) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": total, "startIndex": start, "itemsPerPage": users.len(),
        "Resources": users,
    })
}

fn error(status: u16, kind: Option<&str>) -> Value {
    let mut body = json!({ "schemas": [ERROR], "status": status.to_string(), "detail": "no" });
    if let Some(kind) = kind {
        body["scimType"] = json!(kind);
    }
    body
}

fn refusal(status: u16) -> Reply {
    Reply::json(status, &error(status, None))
}

fn settings(url: &str) -> ScimSettings {
    ScimSettings {
        url: url.to_owned(),
        access: ScimAccess::Token(Secret::new(TOKEN)),
        ca_file: None,
        http: Limits {
            read: Duration::from_secs(5),
            change: Duration::from_secs(5),
            waiting: Duration::from_secs(5),
            first_backoff: Duration::from_millis(5),
            longest_backoff: Duration::from_millis(10),
            ..Limits::default()
        },
        max_pages: 50,
        session_s: 14 * 86_400,
        last_login: Some(format!("{EXTENSION}:lastLogin")),
        admin_values: Vec::new(),
        clock: Arc::new(Fixed),
    }
}

fn adapter(server: &Server) -> Scim {
    Scim::new(settings(&format!("{}/scim/v2", server.url))).unwrap()
}

fn pair(request: &Request, name: &str) -> Option<String> {
    let target = url::Url::parse(&format!("http://x{}", request.target)).unwrap();
    let found = target.query_pairs().find(|(key, _)| key == name);
    found.map(|(_, value)| value.into_owned())
}

/// A number in the query.
fn number(request: &Request, name: &str) -> Option<usize> {
    pair(request, name).map(|text| text.parse().unwrap())
}

/// A server in which only `handler` for users differs: no discovery, no `/Me`.
async fn serve(handler: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Server {
    Server::start(move |request, n| {
        let path = request.target.split('?').next().unwrap();
        match path {
            "/scim/v2/Me" => refusal(501),
            "/scim/v2/ServiceProviderConfig" => refusal(404),
            _ => handler(request, n),
        }
    })
    .await
}
