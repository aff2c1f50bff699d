//! Each documented trap of the service, shown over HTTP.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod access;
mod audit;
mod entities;
mod search;
mod users;

use std::{collections::BTreeSet, sync::OnceLock, time::Duration};

use chrono::{DateTime, Utc};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};

use crate::sandbox::{
    population::Population,
    port::{Holder, Port, PortHandle, PortOptions, User},
};

/// One client for all tests, as making one reads the system's certificates; it keeps no
/// connection, because each test has a runtime of its own.
fn client() -> Client {
    static CLIENT: OnceLock<Client> = OnceLock::new();
    let make = || {
        // A second installation in the same process is refused, and the first one serves.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        Client::builder()
            .no_proxy()
            .pool_max_idle_per_host(0)
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(20))
            .build()
            .unwrap()
    };
    CLIENT.get_or_init(make).clone()
}

fn start_of(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn now() -> DateTime<Utc> {
    start_of("2026-06-01T09:00:00Z")
}

fn port_of(population: Population, holder: Holder) -> PortHandle {
    Port::start(PortOptions {
        population,
        holder,
        now: Some(now()),
        ..PortOptions::default()
    })
    .unwrap()
}

fn port(population: Population) -> PortHandle {
    port_of(population, Holder::ServiceAccount)
}

/// An organisation with nobody but the service account.
fn empty() -> PortHandle {
    port(Population::of(0, 0))
}

fn add(port: &PortHandle, email: &str, change: impl FnOnce(&mut User)) {
    let mut user = User::new(email, "Ada", "Byte", start_of("2025-01-01T00:00:00Z"));
    change(&mut user);
    port.control().add_user(user);
}

async fn raw(port: &PortHandle, token: &str, method: &str, path: &str, body: Value) -> Response {
    let method: Method = method.parse().unwrap();
    let request = client().request(method, format!("{}{path}", port.url()));
    let request = request.bearer_auth(token);
    let request = if body.is_null() {
        request
    } else {
        request.json(&body)
    };
    request.send().await.unwrap()
}

async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    if let Some(ok) = body.get("ok") {
        assert_eq!(*ok, json!(status < 300), "{status}: {body}");
    }
    (status, body)
}

async fn mint(port: &PortHandle) -> (u16, Value) {
    let (id, secret) = port.credentials();
    let body = json!({ "clientId": id, "clientSecret": secret });
    read(raw(port, "", "POST", "/v1/auth/access_token", body).await).await
}

async fn token(port: &PortHandle) -> String {
    let (status, body) = mint(port).await;
    assert_eq!(status, 200, "{body}");
    body["accessToken"].as_str().unwrap().to_owned()
}

async fn call(port: &PortHandle, method: &str, path: &str, body: Value) -> (u16, Value) {
    let token = token(port).await;
    read(raw(port, &token, method, path, body).await).await
}

async fn get(port: &PortHandle, path: &str) -> (u16, Value) {
    call(port, "GET", path, Value::Null).await
}

async fn delete(port: &PortHandle, path: &str) -> (u16, Value) {
    call(port, "DELETE", path, Value::Null).await
}

fn pct(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// The path of a user's entity.
fn entity_path(email: &str) -> String {
    format!("/v1/blueprints/_user/entities/{}", pct(email))
}

/// Tells whether a date of an answer is at this time of the sandbox, whose clock goes on.
fn is_about(date: &Value, expected: &str) -> bool {
    let after = start_of(date.as_str().unwrap()) - start_of(expected);
    (0..20).contains(&after.num_seconds())
}

fn texts(list: &Value, field: &str) -> Vec<String> {
    let items = list.as_array().unwrap().iter();
    items
        .map(|item| item[field].as_str().unwrap().to_owned())
        .collect()
}

fn set(list: &Value, field: &str) -> BTreeSet<String> {
    texts(list, field).into_iter().collect()
}

#[tokio::test]
async fn a_population_of_any_size_is_quick_to_make_and_to_list() {
    for size in [0, 1, 1_000, 20_000] {
        let begun = std::time::Instant::now();
        let port = port(Population::mixed(size, size * 2));
        let (_, body) = get(&port, "/v1/blueprints/_user/entities-count").await;
        assert_eq!(body["count"], json!(size + 1), "with the service account");
        let (_, body) = get(&port, "/v1/blueprints/_user/entities").await;
        assert_eq!(set(&body["entities"], "identifier").len(), size + 1);
        let (_, body) = get(
            &port,
            "/v1/users?fields=email&fields=orgMembers.lastLoginAt",
        )
        .await;
        assert!(body["users"].as_array().unwrap().len() <= size + 1);
        assert!(begun.elapsed() < Duration::from_secs(20), "{size}");
    }
}
