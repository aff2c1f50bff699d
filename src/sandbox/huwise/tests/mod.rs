//! What a client of the service sees, asked without a server; `wire` asks over HTTP.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod access;
mod lists;
mod rows;
mod users;
mod wire;

use axum::http::{HeaderMap, HeaderValue};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{ADMIN, ApiKey, Group, Huwise, Settings, User};
use crate::sandbox::{
    population::Population,
    tenant::{Answer, Body, Call, Service},
};

const BASE: &str = "/api/automation/v1.0";

/// A domain with a client that has its key.
struct Domain {
    service: Huwise,
    now: DateTime<Utc>,
    authorization: String,
}

impl Domain {
    fn of(population: &Population) -> Self {
        let now: DateTime<Utc> = "2026-06-17T12:00:00Z".parse().unwrap();
        let (service, key) = Huwise::new(Settings::default(), population, now);
        Self {
            service,
            now,
            authorization: format!("apikey {key}"),
        }
    }

    fn small() -> Self {
        Self::of(&Population::of(6, 0))
    }

    fn set(&mut self, change: impl FnOnce(&mut Settings)) {
        change(self.service.settings());
    }

    fn user(&self, username: &str) -> User {
        User::new(username, &format!("{username}@example.test"), self.now)
    }

    fn add(&mut self, username: &str) {
        let user = self.user(username);
        self.service.add_user(user);
    }

    fn names(&self) -> Vec<String> {
        self.service.users().map(|u| u.username.clone()).collect()
    }

    fn raw(&mut self, method: &str, target: &str, body: &Value) -> Answer {
        let mut headers = HeaderMap::new();
        if !self.authorization.is_empty() {
            let value = HeaderValue::from_str(&self.authorization).unwrap();
            headers.insert("authorization", value);
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let body = body.to_string();
        self.service.answer(&Call {
            method,
            path: &format!("{BASE}{path}"),
            query,
            headers: &headers,
            body: body.as_bytes(),
            now: self.now,
            origin: "http://127.0.0.1:1",
            in_flight: 1,
        })
    }

    fn ask(&mut self, method: &str, target: &str, body: &Value) -> (u16, Value) {
        let Answer { status, body, .. } = self.raw(method, target, body);
        match body {
            Body::Json(body) => (status, body),
            Body::Raw(_, text) => (status, json!(String::from_utf8(text).unwrap())),
        }
    }

    fn get(&mut self, target: &str) -> Value {
        let (status, body) = self.ask("GET", target, &Value::Null);
        assert_eq!(status, 200, "{target}: {body}");
        body
    }

    fn status(&mut self, method: &str, target: &str) -> u16 {
        self.ask(method, target, &Value::Null).0
    }
}

fn column(list: &Value, field: &str) -> Vec<Value> {
    let rows = list["results"].as_array().unwrap();
    rows.iter().map(|row| row[field].clone()).collect()
}

fn key_of(domain: &Domain, owner: &str) -> ApiKey {
    ApiKey {
        uid: format!("key-of-{owner}"),
        label: "harvester".to_owned(),
        key: String::new(),
        owner: owner.to_owned(),
        permissions: None,
        created: domain.now,
        revoked: None,
    }
}

fn group(uid: &str, permission: &str) -> Group {
    Group {
        uid: uid.to_owned(),
        title: uid.to_uppercase(),
        permissions: [permission.to_owned()].into(),
        created_by: String::new(),
    }
}
