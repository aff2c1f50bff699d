//! Each documented trap of the service, shown over HTTP.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod faults;
mod history;
mod listing;
mod reassign;
mod removal;

use std::{
    collections::BTreeSet,
    sync::OnceLock,
    time::{Duration, Instant},
};

use chrono::{TimeDelta, Utc};
use reqwest::{Client, Response};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::sandbox::{
    docspace::{
        DocSpace, DocSpaceHandle, DocSpaceOptions, Fault, FaultRule, GateAt, Kind, Matcher,
        PERSONAL_MARKERS, RateLimit, ResetForm, Settings, Status, User,
    },
    population::Population,
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

fn tenant(population: Population) -> DocSpaceHandle {
    DocSpace::start(DocSpaceOptions {
        population,
        ..DocSpaceOptions::default()
    })
    .unwrap()
}

async fn get(tenant: &DocSpaceHandle, path: &str) -> reqwest::Result<Response> {
    let url = format!("{}/api/2.0/{path}", tenant.url());
    client().get(url).bearer_auth(tenant.token()).send().await
}

async fn read(tenant: &DocSpaceHandle, path: &str) -> (u16, Value) {
    let response = get(tenant, path).await.unwrap();
    let status = response.status().as_u16();
    let body = response.bytes().await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

/// Calls with a body of JSON.
async fn send(tenant: &DocSpaceHandle, method: &str, path: &str, body: Value) -> (u16, Value) {
    let url = format!("{}/api/2.0/{path}", tenant.url());
    let call = client().request(method.parse().unwrap(), url);
    let call = call.bearer_auth(tenant.token()).json(&body);
    let response = call.send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap_or(Value::Null))
}

async fn put(tenant: &DocSpaceHandle, status: &str, ids: &[Uuid]) -> reqwest::Result<(u16, Value)> {
    let url = format!("{}/api/2.0/people/status/{status}", tenant.url());
    let body = json!({ "userIds": ids, "resendAll": false });
    let response = client()
        .put(url)
        .bearer_auth(tenant.token())
        .json(&body)
        .send()
        .await?;
    let status = response.status().as_u16();
    Ok((status, response.json().await.unwrap_or(Value::Null)))
}

fn add(tenant: &DocSpaceHandle, name: &str, change: impl FnOnce(&mut User)) -> Uuid {
    let id = Uuid::new_v4();
    let email = format!("{}@example.test", name.to_lowercase().replace(' ', "."));
    let (first, last) = name.split_once(' ').unwrap();
    let at = Utc::now() - TimeDelta::days(400);
    let mut user = User::new(id, first, last, &email, Kind::User, at);
    change(&mut user);
    tenant.control().add_user(user);
    id
}

#[tokio::test]
async fn paging_by_address_finds_everybody_and_the_default_order_does_not() {
    let tenant = tenant(Population::mixed(2_500, 0));
    let walk = async |order: &str| {
        let mut seen = BTreeSet::new();
        let mut total = 0;
        for start in (0..2_600).step_by(100) {
            let path =
                format!("people/filter?employeeStatus=7&count=100&startIndex={start}{order}");
            let (status, body) = read(&tenant, &path).await;
            assert_eq!(status, 200);
            total = body["total"].as_u64().unwrap();
            for user in body["response"].as_array().unwrap() {
                seen.insert(user["id"].as_str().unwrap().to_owned());
            }
        }
        (seen.len(), total)
    };
    assert_eq!(walk("&sortBy=email").await, (2_500, 2_500));
    let (seen, total) = walk("").await;
    assert_eq!(total, 2_500);
    assert!(
        seen < 2_500,
        "offsets without a unique order skip users: {seen}"
    );

    let (_, all) = read(&tenant, "people/filter?employeeStatus=7&count=1").await;
    let (_, default) = read(&tenant, "people/filter?employeeStatus=5&count=1").await;
    let (_, active) = read(&tenant, "people?count=1&employeeStatus=7").await;
    assert_eq!(all["total"], 2_500);
    assert_eq!(
        default["total"],
        2_500 - 25 - 50,
        "Default means active alone"
    );
    assert_eq!(active["total"], default["total"]);
    assert_eq!(read(&tenant, "people/filter?count=101").await.0, 400);
}

#[tokio::test]
async fn twenty_thousand_accounts_are_there_at_once() {
    let started = Instant::now();
    let tenant = tenant(Population::mixed(20_000, 200_000));
    let ready = started.elapsed();
    let (_, body) = read(
        &tenant,
        "people/filter?sortBy=email&startIndex=19900&count=100",
    )
    .await;
    assert_eq!(body["response"].as_array().unwrap().len(), 100);
    let (_, body) = read(&tenant, "security/audit/login/filter?startIndex=199900").await;
    assert_eq!(body["response"].as_array().unwrap().len(), 100);
    assert!(
        ready < Duration::from_secs(10),
        "a debug build took {ready:?}"
    );
}

#[tokio::test]
async fn a_batch_with_one_untouchable_account_changes_nobody() {
    let tenant = tenant(Population::of(2, 0));
    let control = tenant.control();
    let plain = add(&tenant, "Plain Person", |_| ());
    let owner = control
        .users()
        .iter()
        .find(|u| u.kind == Kind::Owner)
        .unwrap()
        .id;
    let untouchable = [
        ("unknown", Uuid::new_v4()),
        ("ldap", add(&tenant, "Ldap Person", |user| user.ldap = true)),
        (
            "admin",
            add(&tenant, "Admin Person", |user| user.kind = Kind::Admin),
        ),
        ("owner", owner),
        ("caller", control.key_user()),
    ];
    for (why, id) in untouchable {
        let (status, body) = put(&tenant, "2", &[plain, id]).await.unwrap();
        assert_eq!(status, 403, "{why}");
        assert_eq!(body["error"]["message"], "Access denied");
        assert!(
            body["error"]["stack"]
                .as_str()
                .unwrap()
                .contains("StackTraceMarker")
        );
        assert_eq!(control.user(plain).unwrap().status, Status::Active, "{why}");
    }
    assert_eq!(
        (control.status_changes(plain), control.status_puts(plain)),
        (0, 5)
    );

    let other = add(&tenant, "Other O'Hara", |user| user.sso = true);
    let (status, body) = put(&tenant, "Terminated", &[other, plain]).await.unwrap();
    assert_eq!(
        (status, &body["count"]),
        (200, &json!(1)),
        "counts one whatever the length"
    );
    assert_eq!(body["response"].as_array().unwrap().len(), 2);
    assert_eq!(body["response"][0]["id"], json!(other));
    assert_eq!(body["response"][0]["status"], 2);
    assert_eq!(body["response"][0]["displayName"], "Other O&#39;Hara");
    assert_eq!(
        put(&tenant, "2", &[plain]).await.unwrap().0,
        200,
        "again is accepted"
    );
    assert_eq!(
        (control.status_changes(plain), control.status_puts(plain)),
        (1, 7)
    );
    let (_, body) = read(&tenant, "security/audit/events/filter?action=4020").await;
    assert_eq!(body["response"].as_array().unwrap().len(), 3);
    assert_eq!(put(&tenant, "4", &[plain]).await.unwrap().0, 400);

    control.set_settings(Settings {
        seats: Some(3),
        ..control.settings()
    });
    let (status, body) = put(&tenant, "Active", &[plain]).await.unwrap();
    assert_eq!(
        (status, &body["error"]["type"]),
        (402, &json!("ASC.Core.Billing.BillingException"))
    );
}

#[tokio::test]
async fn keys_and_look_ups_answer_as_the_service_does() {
    let tenant = tenant(Population::of(5, 0));
    let control = tenant.control();
    let key_user = control.key_user();
    let (_, me) = read(&tenant, "people/@self").await;
    assert_eq!(me["response"]["id"], json!(key_user));
    let person = add(&tenant, "Gone Person", |_| ());
    assert_eq!(read(&tenant, &format!("people/{person}")).await.0, 200);
    assert_eq!(
        read(&tenant, "people/email?email=GONE.person@example.test")
            .await
            .0,
        200
    );
    control.remove_user(person);
    let (status, body) = read(&tenant, &format!("people/{person}")).await;
    assert_eq!((status, &body["statusCode"]), (404, &json!(404)));
    assert_eq!(
        read(&tenant, "people/email?email=gone.person@example.test")
            .await
            .0,
        404
    );
    assert_eq!(read(&tenant, "files/rooms").await.1["status"], 1);
    let (_, body) = read(&tenant, "settings/cookiesettings").await;
    assert_eq!(
        body["response"],
        json!({ "lifeTime": 1440, "enabled": false })
    );

    let bare = client()
        .get(format!("{}/api/2.0/people/@self", tenant.url()))
        .send()
        .await;
    assert_eq!(bare.unwrap().status(), 401);
    control.set_kind(key_user, Kind::Guest);
    assert_eq!(read(&tenant, "people/filter").await.0, 403);
    assert_eq!(read(&tenant, "security/audit/login/filter").await.0, 403);
    control.set_status(key_user, Status::Terminated);
    assert_eq!(
        read(&tenant, "people/@self").await.0,
        401,
        "a disabled creator ends the key"
    );
}

#[tokio::test]
async fn the_limiter_answers_429_and_says_when_to_come_back() {
    let tenant = tenant(Population::of(2, 0));
    let control = tenant.control();
    let limit = RateLimit {
        requests: 2,
        reset: ResetForm::SecondsLeft,
        ..RateLimit::default()
    };
    control.set_settings(Settings {
        rate_limit: Some(limit.clone()),
        ..control.settings()
    });
    assert_eq!(read(&tenant, "people/@self").await.0, 200);
    let second = get(&tenant, "people/@self").await.unwrap();
    assert_eq!(second.headers()["x-ratelimit-remaining"], "0");
    let third = get(&tenant, "people/@self").await.unwrap();
    assert_eq!(third.status(), 429);
    assert!(
        third.headers()["retry-after"]
            .to_str()
            .unwrap()
            .parse::<u64>()
            .unwrap()
            <= 60
    );
    assert!(
        third.headers()["x-ratelimit-reset"]
            .to_str()
            .unwrap()
            .parse::<u64>()
            .unwrap()
            <= 60
    );
    let limit = RateLimit {
        reset: ResetForm::Epoch,
        ..limit
    };
    control.set_settings(Settings {
        rate_limit: Some(limit),
        ..control.settings()
    });
    let fourth = get(&tenant, "people/@self").await.unwrap();
    let reset: i64 = fourth.headers()["x-ratelimit-reset"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((reset - Utc::now().timestamp()).abs() <= 61);
}

#[tokio::test]
async fn another_process_steers_the_tenant_over_http() {
    let tenant = tenant(Population::of(2, 0));
    let call = async |name: &str, args: Value| {
        let url = format!("{}/_sandbox/{name}", tenant.url());
        let response = client().post(url).json(&args).send().await.unwrap();
        (
            response.status().as_u16(),
            response.json::<Value>().await.unwrap(),
        )
    };
    let id = Uuid::new_v4();
    let user = json!({ "id": id, "first_name": "Far", "last_name": "Away",
        "email": "far.away@example.test", "registered": "2025-01-02T03:04:05Z" });
    assert_eq!(call("add_user", user).await, (200, json!(true)));
    assert_eq!(
        call("set_status", json!({ "id": id, "status": "terminated" }))
            .await
            .0,
        200
    );
    let (_, body) = read(&tenant, &format!("people/{id}")).await;
    assert_eq!(body["response"]["status"], 2);
    assert_eq!(
        body["response"]["registrationDate"],
        "2025-01-02T04:04:05.0000000+01:00"
    );
    let rule = json!({ "matcher": { "path": "/api/2.0/people" }, "times": 1,
        "fault": { "kind": "status", "status": 503 } });
    assert_eq!(call("add_fault", rule).await.0, 200);
    assert_eq!(read(&tenant, "people/@self").await.0, 503);
    assert_eq!(
        call("requests", json!({}))
            .await
            .1
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(call("no_such_thing", json!({})).await.0, 400);
    assert_eq!(call("set_status", json!({ "id": id })).await.0, 400);
    let url = tenant.url();
    tenant.stop();
    assert!(
        client().get(url).send().await.is_err(),
        "nothing listens after stopping"
    );
    let outside = "0.0.0.0:0".parse().unwrap();
    let refused = DocSpace::start(DocSpaceOptions {
        bind: outside,
        ..DocSpaceOptions::default()
    });
    assert!(refused.is_err(), "loopback only");
}
