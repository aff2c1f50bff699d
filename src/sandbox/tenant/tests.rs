//! What every tenant does, shown on a service with nested totals and a list of its own kind.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use chrono::{DateTime, Utc};
use reqwest::{Client, Response};
use serde_json::{Map, Value, json};

use crate::sandbox::tenant::{
    Answer, Body, Call, Fault, FaultRule, GateAt, Matcher, Service, Tenant,
};

/// Answers with a list, or with what it was asked.
struct Echo {
    calls: u32,
}

impl Service for Echo {
    const NAME: &'static str = "echo";
    const DATES: &'static [&'static str] = &["since"];
    const TOTALS: &'static [&'static str] = &["totalItems"];

    fn answer(&mut self, call: &Call<'_>) -> Answer {
        self.calls += 1;
        match call.path {
            "/list" => Answer::json(
                200,
                json!({
                    "items": [{ "id": "a", "meta": { "since": "2026-01-02" } }, { "id": "b" }],
                    "page": { "totalItems": 2, "next": format!("{}/list?after=b", call.origin) },
                }),
            ),
            "/text" => Answer::raw(200, "text/plain", "twelve bytes"),
            _ => Answer::json(201, json!({ "form": call.form(), "bearer": call.bearer() })),
        }
    }

    fn refusal(status: u16, message: &str) -> Answer {
        Answer::json(status, json!({ "code": status, "reason": message }))
    }

    fn items(body: &mut Value) -> Vec<&mut Map<String, Value>> {
        let list = Self::list(body).into_iter().flatten();
        list.filter_map(Value::as_object_mut).collect()
    }

    fn list(body: &mut Value) -> Option<&mut Vec<Value>> {
        body.get_mut("items")?.as_array_mut()
    }

    fn control(
        &mut self,
        name: &str,
        args: Value,
        _now: DateTime<Utc>,
    ) -> Option<Result<Value, String>> {
        match name {
            "calls" => Some(Ok(json!({ "calls": self.calls, "args": args }))),
            "refuse" => Some(Err("not today".to_owned())),
            _ => None,
        }
    }

    fn concurrency(&self, method: &str) -> Option<usize> {
        (method == "GET").then_some(1)
    }
}

fn client() -> Client {
    // A second installation in the same process is refused, and the first one serves.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Client::builder().no_proxy().build().unwrap()
}

fn tenant() -> Tenant<Echo> {
    let bind = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Tenant::start(bind, None, Echo { calls: 0 }).unwrap()
}

async fn get(tenant: &Tenant<Echo>, path: &str) -> Response {
    let url = format!("{}{path}", tenant.url());
    client().get(url).send().await.unwrap()
}

async fn list(tenant: &Tenant<Echo>, fault: Fault) -> Value {
    let rule = FaultRule::once(Matcher::new("GET", "/list"), fault);
    tenant.control().add_fault(rule);
    get(tenant, "/list").await.json().await.unwrap()
}

#[tokio::test]
async fn faults_find_their_way_in_the_services_own_shape() {
    let tenant = tenant();
    let body = list(&tenant, Fault::TotalTooHigh { by: 5 }).await;
    assert_eq!(body["page"]["totalItems"], 7);
    let next = body["page"]["next"].as_str().unwrap();
    assert!(next.starts_with(&tenant.url()));
    let body = list(&tenant, Fault::ShortPage { by: 1 }).await;
    assert_eq!(body["items"].as_array().unwrap().len(), 1);
    let body = list(&tenant, Fault::BadDate).await;
    assert_eq!(body["items"][0]["meta"]["since"], "31.12.2026 at noon");
    let field = "id".to_owned();
    let body = list(&tenant, Fault::MissingField { field }).await;
    assert_eq!(body["items"][0].get("id"), None);
    assert_eq!(body["items"][1]["id"], "b", "the first alone");
    let body = list(&tenant, Fault::ErrorInside).await;
    assert_eq!(body, json!({ "code": 403, "reason": "Access denied" }));
    assert_eq!(tenant.control().with(|echo| echo.calls), 4);
    let rule = FaultRule::once(Matcher::new("GET", "/text"), Fault::MalformedJson);
    tenant.control().add_fault(rule);
    assert_eq!(get(&tenant, "/text").await.text().await.unwrap(), "twelve");
}

#[tokio::test]
async fn too_many_at_once_are_refused_in_the_services_words() {
    let tenant = tenant();
    let control = tenant.control();
    let gate = control.pause(Matcher::new("GET", "/text"), GateAt::Before);
    let url = format!("{}/text", tenant.url());
    let held = tokio::spawn(client().get(url).send());
    assert!(control.wait_held(gate, 1, Duration::from_secs(5)).await);
    let second = get(&tenant, "/list").await;
    assert_eq!(second.status(), 429);
    assert!(second.headers().contains_key("retry-after"));
    assert_eq!(second.json::<Value>().await.unwrap()["code"], 429);
    let url = format!("{}/other", tenant.url());
    let other = client().post(url).send().await.unwrap();
    assert_eq!(other.status(), 201, "another class");
    control.release(gate);
    assert_eq!(held.await.unwrap().unwrap().status(), 200);
    assert_eq!(get(&tenant, "/list").await.status(), 200);
}

#[tokio::test]
async fn orders_of_the_service_stand_beside_those_of_every_tenant() {
    let tenant = tenant();
    let call = async |name: &str, args: Value| {
        let url = format!("{}/_sandbox/{name}", tenant.url());
        let response = client().post(url).json(&args).send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json::<Value>().await.unwrap())
    };
    assert_eq!(
        call("calls", json!({ "a": 1 })).await,
        (200, json!({ "calls": 0, "args": { "a": 1 } }))
    );
    assert_eq!(call("refuse", json!({})).await.1["error"], "not today");
    assert_eq!(call("nothing", json!({})).await.0, 400);
    let at = "2030-01-02T03:04:05Z";
    assert_eq!(call("set_time", json!({ "at": at })).await.0, 200);
    let off = tenant.control().now() - at.parse::<DateTime<Utc>>().unwrap();
    assert!(off.num_seconds().abs() < 5, "{off}");
    assert_eq!(call("set_latency", json!({ "ms": 1 })).await.0, 200);
    assert!(
        tenant.control().requests().is_empty(),
        "orders are no requests"
    );
}

#[tokio::test]
async fn the_log_holds_no_credentials() {
    let tenant = tenant();
    let url = format!("{}/token?api_key=hush", tenant.url());
    let call = client().post(url).bearer_auth("hush-bearer");
    let call = call.header("content-type", "application/x-www-form-urlencoded");
    let call = call.body("client_id=me&client_secret=hush-form");
    let body: Value = call.send().await.unwrap().json().await.unwrap();
    assert_eq!(body["bearer"], "hush-bearer", "the service sees it");
    let log = tenant.control().requests();
    assert_eq!(log[0].body.as_ref().unwrap()["client_id"], "me");
    assert!(!serde_json::to_string(&log).unwrap().contains("hush"));
}

#[test]
fn an_answer_keeps_the_headers_it_was_given() {
    let answer = Answer::raw(204, "text/plain", "").with("retry-after", "3");
    assert_eq!(answer.headers, [("retry-after", "3".to_owned())]);
    assert!(matches!(answer.body, Body::Raw("text/plain", bytes) if bytes.is_empty()));
}
