//! Over HTTP: media types, faults, controls by name.

use reqwest::{Client, Response};
use serde_json::{Value, json};

use crate::sandbox::{
    population::Population,
    scim::{Activity, Scim, ScimHandle, ScimOptions, Settings},
    tenant::{Fault, FaultRule, Matcher},
};

fn start() -> ScimHandle {
    Scim::start(ScimOptions {
        population: Population::of(30, 100),
        settings: Settings {
            activity: Some(Activity::example()),
            ..Settings::default()
        },
        now: Some("2026-06-17T12:00:00Z".parse().unwrap()),
        ..ScimOptions::default()
    })
    .unwrap()
}

fn client() -> Client {
    // A second installation in the same process is refused, and the first one serves.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Client::builder().no_proxy().build().unwrap()
}

async fn get(provider: &ScimHandle, path: &str) -> Response {
    let call = client().get(format!("{}{path}", provider.base_url()));
    let call = call.bearer_auth(&provider.credentials().bearer);
    call.send().await.unwrap()
}

#[tokio::test]
async fn a_token_opens_the_list_and_the_log_holds_no_secret() {
    let provider = start();
    let known = provider.credentials();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", &known.client_id),
        ("client_secret", &known.client_secret),
    ];
    let form = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish();
    let call = client().post(provider.token_url());
    let call = call.header("content-type", "application/x-www-form-urlencoded");
    let reply: Value = call.body(form).send().await.unwrap().json().await.unwrap();
    let token = reply["access_token"].as_str().unwrap();
    let call = client().get(format!("{}/Users", provider.base_url()));
    let response = call.bearer_auth(token).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/scim+json");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["totalResults"], json!(30));
    let log = serde_json::to_string(&provider.control().requests()).unwrap();
    assert!(log.contains("/Users"));
    assert!(!log.contains(&known.client_secret) && !log.contains(token));
}

#[tokio::test]
async fn faults_find_the_users() {
    let provider = start();
    let control = provider.control();
    let rule = Matcher::new("GET", "/scim/v2/Users");
    let fault = |fault| control.add_fault(FaultRule::once(rule.clone(), fault));
    fault(Fault::ShortPage { by: 4 });
    let body: Value = get(&provider, "/Users").await.json().await.unwrap();
    assert_eq!(body["Resources"].as_array().unwrap().len(), 26);
    assert_eq!(
        (&body["itemsPerPage"], &body["totalResults"]),
        (&json!(26), &json!(30))
    );
    fault(Fault::TotalTooHigh { by: 2 });
    let body: Value = get(&provider, "/Users").await.json().await.unwrap();
    assert_eq!(body["totalResults"], json!(32));
    fault(Fault::BadDate);
    let id = control.with(|s| {
        s.users()
            .find(|u| u.last_login.is_some())
            .unwrap()
            .id
            .clone()
    });
    let body: Value = get(&provider, &format!("/Users/{id}"))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(body[Activity::SCHEMA]["lastLogin"], "31.12.2026 at noon");
    fault(Fault::Status {
        status: 503,
        body: None,
    });
    let response = get(&provider, "/Users").await;
    assert_eq!(response.status(), 503);
    assert_eq!(response.json::<Value>().await.unwrap()["status"], "503");
}

#[tokio::test]
async fn controls_work_by_name() {
    let provider = start();
    let call = async |name: &str, args: Value| {
        let url = format!("{}/_sandbox/{name}", provider.url());
        let response = client().post(url).json(&args).send().await.unwrap();
        (
            response.status().as_u16(),
            response.json::<Value>().await.unwrap(),
        )
    };
    let user = json!({ "user_name": "x@y.test", "created": "2026-01-01T00:00:00Z",
        "modified": "2026-01-01T00:00:00Z" });
    let (_, id) = call("add_user", user).await;
    assert_eq!(call("login", json!({ "id": id })).await.1, json!(true));
    let off = json!({ "id": id, "active": false });
    assert_eq!(call("set_active", off).await.1, json!(true));
    let (_, found) = call("find", json!({ "user_name": "X@Y.test" })).await;
    assert_eq!(
        (&found["active"], &found["version"]),
        (&json!(false), &json!(2))
    );
    assert!(
        found["last_login"]
            .as_str()
            .unwrap()
            .starts_with("2026-06-17T12:00")
    );
    let settings = json!({ "delete": "deactivates", "patch": { "op": "capital" } });
    assert_eq!(call("set_settings", settings).await.0, 200);
    assert_eq!(
        call("settings", json!({})).await.1["patch"]["op"],
        "capital"
    );
    assert_eq!(call("set_settings", json!({ "nothing": 1 })).await.0, 400);
    assert_eq!(
        call("throttle", json!({ "times": 1, "seconds": 9 }))
            .await
            .0,
        200
    );
    let response = get(&provider, "/Users").await;
    assert_eq!(
        (
            response.status().as_u16(),
            &response.headers()["retry-after"]
        ),
        (429, &"9".parse().unwrap())
    );
    assert_eq!(
        call("remove_user", json!({ "id": id })).await.1,
        json!(true)
    );
    assert_eq!(call("no_such", json!({})).await.0, 400);
}
