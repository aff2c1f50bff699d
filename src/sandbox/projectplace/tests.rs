//! What a client of the service sees, asked without a server; `wire` asks over HTTP.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod access;
mod actions;
mod lists;
mod wire;

use axum::http::{HeaderMap, HeaderValue};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{ProjectPlace, Role, Settings, User};
use crate::sandbox::{
    population::Population,
    tenant::{Answer, Body, Call, Service},
};

/// An account with a client that is signed in.
struct Account {
    service: ProjectPlace,
    now: DateTime<Utc>,
    authorization: String,
}

impl Account {
    fn of(population: Population) -> Self {
        let now: DateTime<Utc> = "2026-06-17T12:00:00Z".parse().unwrap();
        let mut account = Self {
            service: ProjectPlace::new(&population, Settings::default(), now),
            now,
            authorization: String::new(),
        };
        account.sign_in();
        account
    }

    fn small() -> Self {
        Self::of(Population::of(6, 0))
    }

    fn set(&mut self, change: impl FnOnce(&mut Settings)) {
        self.service.change_settings(change);
    }

    /// Adds somebody under a free id and returns that.
    fn add(&mut self, name: &str, role: Role) -> u64 {
        let id = self.service.users().last().unwrap().id + 1;
        let email = format!("{}@example.test", name.to_lowercase());
        self.service
            .add_user(User::new(id, name, &email, role))
            .unwrap();
        id
    }

    fn days_ago(&self, days: i64) -> Option<DateTime<Utc>> {
        Some(self.now - TimeDelta::days(days))
    }

    /// Takes a token and uses it from now on.
    fn sign_in(&mut self) -> Value {
        let own = self.service.credentials();
        let form = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}",
            own.client_id, own.client_secret
        );
        let (status, reply) = self.token("", &form);
        assert_eq!(status, 200, "{reply}");
        self.authorization = format!("Bearer {}", reply["access_token"].as_str().unwrap());
        reply
    }

    fn token(&mut self, authorization: &str, form: &str) -> (u16, Value) {
        let kind = "application/x-www-form-urlencoded";
        let path = "/oauth2/access_token";
        self.send("POST", path, authorization, (kind, form.as_bytes()))
    }

    fn send(
        &mut self,
        method: &str,
        target: &str,
        authorization: &str,
        (kind, body): (&str, &[u8]),
    ) -> (u16, Value) {
        let mut headers = HeaderMap::new();
        let text = |text: &str| HeaderValue::from_str(text).unwrap();
        headers.insert("host", text("127.0.0.1:1"));
        headers.insert("content-type", text(kind));
        if !authorization.is_empty() {
            headers.insert("authorization", text(authorization));
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let Answer { status, body, .. } = self.service.answer(&Call {
            method,
            path,
            query,
            headers: &headers,
            body,
            now: self.now,
            origin: "http://127.0.0.1:1",
            in_flight: 1,
        });
        match body {
            Body::Json(body) => (status, body),
            Body::Raw(..) => (status, Value::Null),
        }
    }

    fn ask(&mut self, method: &str, target: &str, body: &Value) -> (u16, Value) {
        let authorization = self.authorization.clone();
        let body = body.to_string();
        let body = ("application/json", body.as_bytes());
        self.send(method, target, &authorization, body)
    }

    fn get(&mut self, target: &str) -> Value {
        let (status, body) = self.ask("GET", target, &Value::Null);
        assert_eq!(status, 200, "{body}");
        body
    }

    /// Searches and returns the rows.
    fn search(&mut self, body: Value) -> Vec<Value> {
        let (status, rows) = self.ask("POST", "/1/account/people", &body);
        assert_eq!(status, 200, "{rows}");
        rows.as_array().unwrap().clone()
    }

    /// Asks for an action in the shape that the vendor's example sends.
    fn take_out(&mut self, action: &str, id: u64, mut maps: Value) -> (u16, Value) {
        for key in ["workspaces", "portfolios", "templates", "teams"] {
            if maps.get(key).is_none() {
                maps[key] = json!({});
            }
        }
        let body = json!({ "action": action, "params": [{ id.to_string(): maps }] });
        self.ask("POST", &format!("/1/account/people/{id}"), &body)
    }

    fn delete(&mut self, id: u64, maps: Value) -> Value {
        let (status, reply) = self.take_out("delete_account_user", id, maps);
        assert_eq!(status, 200, "a refusal stands inside a 200: {reply}");
        reply
    }
}

/// Tells whether the reply says that the one id was done.
fn is_done(reply: &Value, id: u64) -> bool {
    let done = reply["succeeded"] == json!([id.to_string()]);
    let failed = match &reply["failed"] {
        Value::Array(list) => list.contains(&json!(id.to_string())),
        Value::Object(map) => map.contains_key(&id.to_string()),
        other => unreachable!("{other}"),
    };
    assert_ne!(done, failed, "{reply}");
    done
}

fn ids(rows: &[Value]) -> Vec<&str> {
    rows.iter()
        .map(|row| row["userid"].as_str().unwrap())
        .collect()
}
