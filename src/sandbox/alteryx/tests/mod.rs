//! What the workspace does, shown over HTTP.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod change;
mod gateway;
mod people;
mod token;

use std::{sync::OnceLock, time::Duration};

use chrono::{DateTime, Utc};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;

use crate::sandbox::{
    alteryx::{Alteryx, AlteryxHandle, AlteryxOptions, Person, Settings},
    population::Population,
};

/// One client for all tests; it keeps no connection, because each test has a runtime of its own.
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

fn now() -> DateTime<Utc> {
    "2026-03-02T09:00:00Z".parse().unwrap()
}

fn tenant(accounts: usize) -> AlteryxHandle {
    with(Population::of(accounts, 0), Settings::default())
}

fn with(population: Population, settings: Settings) -> AlteryxHandle {
    Alteryx::start(AlteryxOptions {
        population,
        settings,
        now: Some(now()),
        ..AlteryxOptions::default()
    })
    .unwrap()
}

fn set(tenant: &AlteryxHandle, change: impl FnOnce(&mut Settings)) {
    tenant.control().with(|s| change(s.settings()));
}

fn add(tenant: &AlteryxHandle, name: &str) -> u64 {
    let email = format!("{name}@example.test");
    let person = Person::new(name, &email, now());
    tenant.control().with(|s| s.add_person(person))
}

fn person(tenant: &AlteryxHandle, id: u64) -> Person {
    tenant.control().with(|s| s.person(id).unwrap().clone())
}

/// One answer, read to its end.
#[derive(Debug)]
struct Reply {
    status: u16,
    headers: reqwest::header::HeaderMap,
    text: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    fn data(&self) -> Vec<Value> {
        self.json()["data"].as_array().unwrap().clone()
    }

    fn exception(&self) -> String {
        let name = &self.json()["exception"]["name"];
        name.as_str().unwrap_or_default().to_owned()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A request with all headers that the gateway wants.
fn request(tenant: &AlteryxHandle, method: &str, path: &str) -> RequestBuilder {
    let credentials = tenant.credentials();
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    client()
        .request(method, format!("{}{path}", tenant.url()))
        .header("user-agent", "exeunt-tests")
        .header("x-api-project-id", &credentials.project_id)
        .header("x-alteryx-workspace-gid", &credentials.gid)
        .bearer_auth(&credentials.tokens.access_token)
}

async fn send(request: RequestBuilder) -> Reply {
    let response = request.send().await.unwrap();
    Reply {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        text: response.text().await.unwrap(),
    }
}

async fn get(tenant: &AlteryxHandle, path: &str) -> Reply {
    send(request(tenant, "GET", path)).await
}

async fn ask(tenant: &AlteryxHandle, method: &str, path: &str, body: Option<Value>) -> Reply {
    let request = request(tenant, method, path);
    send(match body {
        Some(body) => request.json(&body),
        None => request,
    })
    .await
}
