//! Over HTTP: encoded paths, faults, controls by name.

use reqwest::{Client, Method, Response};
use serde_json::{Value, json};

use super::BASE;
use crate::sandbox::{
    huwise::{Huwise, HuwiseHandle, HuwiseOptions, User},
    population::Population,
    tenant::{Fault, FaultRule, Matcher},
};

fn start() -> HuwiseHandle {
    Huwise::start(HuwiseOptions {
        population: Population::of(30, 0),
        now: Some("2026-06-17T12:00:00Z".parse().unwrap()),
        ..HuwiseOptions::default()
    })
    .unwrap()
}

async fn ask(domain: &HuwiseHandle, method: Method, path: &str) -> Response {
    // A second installation in the same process is refused, and the first one serves.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let client = Client::builder().no_proxy().build().unwrap();
    let call = client.request(method, format!("{}{BASE}{path}", domain.url()));
    let call = call.header("authorization", format!("apikey {}", domain.key()));
    call.send().await.unwrap()
}

#[tokio::test]
async fn an_encoded_slash_stays_part_of_the_name() {
    let domain = start();
    let control = domain.control();
    let now = control.now();
    control.with(|s| s.add_user(User::new("a/b c", "ab@example.test", now)));
    let response = ask(&domain, Method::GET, "/users/a%2Fb%20c/").await;
    assert_eq!(response.json::<Value>().await.unwrap()["username"], "a/b c");
    let response = ask(&domain, Method::DELETE, "/users/a%2Fb%20c/").await;
    assert_eq!(
        (response.status().as_u16(), response.text().await.unwrap()),
        (204, String::new())
    );
    assert!(control.with(|s| s.user("a/b c").is_none()));
}

#[tokio::test]
async fn faults_find_the_users_and_the_log_holds_no_key() {
    let domain = start();
    let control = domain.control();
    let fault = |fault| control.add_fault(FaultRule::once(Matcher::default(), fault));
    fault(Fault::ShortPage { by: 5 });
    let body: Value = ask(&domain, Method::GET, "/users/")
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(body["results"].as_array().unwrap().len(), 15);
    fault(Fault::TotalTooHigh { by: 5 });
    let body: Value = ask(&domain, Method::GET, "/users/")
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(body["total_count"], json!(35), "thirty was a text");
    fault(Fault::SetField {
        field: "last_login_at".to_owned(),
        value: json!("soon"),
    });
    let body: Value = ask(&domain, Method::GET, "/users/")
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(body["results"][0]["last_login_at"], "soon");
    fault(Fault::Status {
        status: 503,
        body: None,
    });
    let body: Value = ask(&domain, Method::GET, "/users/")
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(body["error_code"], "internal_error");
    assert!(body["trace_id"].is_string());
    ask(
        &domain,
        Method::GET,
        &format!("/users/?apikey={}", domain.key()),
    )
    .await;
    let log = serde_json::to_string(&control.requests()).unwrap();
    assert!(log.contains("/users/") && !log.contains(domain.key()));
}

#[tokio::test]
async fn controls_work_by_name() {
    let domain = start();
    let call = async |name: &str, args: Value| {
        let url = format!("{}/_sandbox/{name}", domain.url());
        let client = Client::builder().no_proxy().build().unwrap();
        let response = client.post(url).json(&args).send().await.unwrap();
        (
            response.status().as_u16(),
            response.json::<Value>().await.unwrap(),
        )
    };
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let user = json!({ "username": "x", "email": "x@y.test", "joined": "2026-01-01T00:00:00Z" });
    assert_eq!(call("add_user", user).await, (200, json!(true)));
    assert_eq!(
        call("login", json!({ "username": "x" })).await.1,
        json!(true)
    );
    let (_, found) = call("find", json!({ "email": "X@Y.test" })).await;
    assert!(
        found["last_login"]
            .as_str()
            .unwrap()
            .starts_with("2026-06-17T12:00")
    );
    let settings = json!({ "total": "number", "foreign_keys": "visible" });
    assert_eq!(call("set_settings", settings).await.0, 200);
    assert_eq!(call("settings", json!({})).await.1["total"], "number");
    assert_eq!(call("set_settings", json!({ "nothing": 1 })).await.0, 400);
    assert_eq!(
        call("remove_user", json!({ "username": "x" })).await.1,
        json!(true)
    );
    assert_eq!(
        call("departed", json!({})).await.1[0]["user"]["username"],
        "x"
    );
    assert_eq!(call("no_such", json!({})).await.0, 400);
}
