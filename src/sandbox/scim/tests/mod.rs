//! What a client of the provider sees, asked without a server; `wire` asks over HTTP.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod access;
mod changes;
mod filters;
mod lists;
mod patches;
mod rows;
mod wire;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{Scim, Settings, User};
use crate::sandbox::{
    population::Population,
    tenant::{Answer, Body, Call, Service},
};

/// A provider with a client that has its token.
struct Provider {
    service: Scim,
    now: DateTime<Utc>,
    token: String,
}

impl Provider {
    fn of(accounts: usize) -> Self {
        Self::filled(&Population::of(accounts, 0))
    }

    fn filled(population: &Population) -> Self {
        let now: DateTime<Utc> = "2026-06-17T12:00:00Z".parse().unwrap();
        let service = Scim::new(Settings::default(), population, now);
        let token = service.credentials().bearer.clone();
        Self {
            service,
            now,
            token,
        }
    }

    fn set(&mut self, change: impl FnOnce(&mut Settings)) {
        change(self.service.settings());
    }

    /// Returns the id of the user at a place in the list.
    fn id(&self, place: usize) -> String {
        self.service.users().nth(place).unwrap().id.clone()
    }

    fn user(&self, id: &str) -> &User {
        self.service.user(id).unwrap()
    }

    fn raw(&mut self, method: &str, target: &str, more: &[(&str, &str)], body: &Value) -> Answer {
        let token = format!("Bearer {}", self.token);
        let usual = [
            ("authorization", token.as_str()),
            ("content-type", "application/scim+json; charset=utf-8"),
        ];
        let mut headers = HeaderMap::new();
        for (name, value) in usual.iter().chain(more) {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.insert(name, HeaderValue::from_str(value).unwrap());
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let body = match body {
            Value::String(form) => form.clone(),
            other => other.to_string(),
        };
        self.service.answer(&Call {
            method,
            path: &if path.starts_with("/oauth") {
                path.to_owned()
            } else {
                format!("/scim/v2{path}")
            },
            query,
            headers: &headers,
            body: body.as_bytes(),
            now: self.now,
            origin: "http://127.0.0.1:1",
            in_flight: 1,
        })
    }

    fn ask(&mut self, method: &str, target: &str, body: &Value) -> (u16, Value) {
        read(self.raw(method, target, &[], body))
    }

    fn get(&mut self, target: &str) -> Value {
        let (status, body) = self.ask("GET", target, &Value::Null);
        assert_eq!(status, 200, "{target}: {body}");
        body
    }

    /// Asks for what is refused and returns the status and the `scimType`.
    fn refused(&mut self, method: &str, target: &str, body: &Value) -> (u16, Value) {
        let (status, body) = self.ask(method, target, body);
        let schema = "urn:ietf:params:scim:api:messages:2.0:Error";
        assert_eq!(body["schemas"], json!([schema]), "{body}");
        assert_eq!(body["status"], status.to_string());
        assert!(body["detail"].is_string());
        (status, body["scimType"].clone())
    }

    /// Patches with the operations and returns the status.
    fn patch(&mut self, id: &str, operations: Value) -> u16 {
        let body = patch_of(operations);
        self.ask("PATCH", &format!("/Users/{id}"), &body).0
    }
}

fn patch_of(operations: Value) -> Value {
    let schema = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
    json!({ "schemas": [schema], "Operations": operations })
}

fn read(answer: Answer) -> (u16, Value) {
    match answer.body {
        Body::Json(body) => (answer.status, body),
        Body::Raw(_, text) => (answer.status, json!(String::from_utf8(text).unwrap())),
    }
}

fn header(answer: &Answer, name: &str) -> Option<String> {
    let mut headers = answer.headers.iter();
    let found = headers.find(|(known, _)| *known == name);
    found.map(|(_, value)| value.clone())
}

fn names(list: &Value) -> Vec<String> {
    let rows = list["Resources"].as_array().cloned().unwrap_or_default();
    let name = |row: &Value| row["userName"].as_str().unwrap().to_owned();
    rows.iter().map(name).collect()
}
