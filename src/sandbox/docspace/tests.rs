//! Each documented trap of the service, shown over HTTP.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

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
async fn a_user_filter_sees_only_the_newest_hundred_events_of_the_portal() {
    let tenant = tenant(Population::of(50, 5_000));
    let quiet = add(&tenant, "Quiet Daily", |_| ());
    let login = Utc::now() - TimeDelta::days(40);
    tenant.control().add_login(quiet, login, 1029);

    let (status, body) = read(
        &tenant,
        &format!("security/audit/login/filter?userId={quiet}"),
    )
    .await;
    assert_eq!(
        (status, &body["response"]),
        (200, &json!([])),
        "the login of 40 days ago is hidden"
    );

    let mut found = Vec::new();
    let mut ids = BTreeSet::new();
    for start in (0..).step_by(100) {
        let path = format!("security/audit/login/filter?count=100&startIndex={start}");
        let (_, body) = read(&tenant, &path).await;
        let page = body["response"].as_array().unwrap().clone();
        assert!(
            body.get("total").is_none(),
            "the login history has no total"
        );
        ids.extend(page.iter().map(|event| event["id"].as_u64().unwrap()));
        found.extend(page.iter().filter(|e| e["userId"] == json!(quiet)).cloned());
        if page.len() < 100 {
            break;
        }
    }
    assert_eq!(
        (found.len(), ids.len()),
        (1, 5_001),
        "a walk without a filter finds it"
    );
    let text = found[0].to_string();
    assert!(
        PERSONAL_MARKERS.iter().all(|marker| text.contains(marker)),
        "{text}"
    );
}

#[tokio::test]
async fn action_zero_is_no_filter_and_newest_come_first() {
    let tenant = tenant(Population::of(20, 100));
    let (_, body) = read(&tenant, "security/audit/login/filter?action=0").await;
    let events = body["response"].as_array().unwrap();
    let actions: BTreeSet<u64> = events
        .iter()
        .map(|e| e["actionId"].as_u64().unwrap())
        .collect();
    assert!(actions.contains(&1006), "logouts come back");
    assert!(
        actions.contains(&1002) || actions.contains(&1005),
        "failed logins come back"
    );
    let dates: Vec<_> = events.iter().map(|e| e["date"].as_str().unwrap()).collect();
    assert!(dates.is_sorted_by(|a, b| a >= b));
}

#[tokio::test]
async fn without_the_tariff_both_histories_ignore_every_parameter() {
    let tenant = tenant(Population {
        audit_events: 300,
        ..Population::of(50, 300)
    });
    let control = tenant.control();
    control.set_settings(Settings {
        audit_tariff: false,
        ..control.settings()
    });
    for kind in ["login", "events"] {
        let nobody = Uuid::new_v4();
        let path = format!("security/audit/{kind}/filter?count=1&startIndex=50&userId={nobody}");
        let (status, body) = read(&tenant, &path).await;
        assert_eq!(
            (status, body["response"].as_array().unwrap().len()),
            (200, 20),
            "{kind}"
        );
    }
}

#[tokio::test]
async fn the_audit_trail_filters_before_it_pages() {
    let tenant = tenant(Population {
        audit_events: 5_000,
        ..Population::of(50, 0)
    });
    let quiet = add(&tenant, "Quiet Writer", |_| ());
    tenant
        .control()
        .add_audit(quiet, Utc::now() - TimeDelta::days(100), 5002);
    let path = format!("security/audit/events/filter?userId={quiet}&count=100");
    let (_, body) = read(&tenant, &path).await;
    assert_eq!(body["response"].as_array().unwrap().len(), 1);
    assert_eq!(body["response"][0]["actionId"], 5002);
}

#[tokio::test]
async fn events_past_the_retention_are_purged_as_the_sandboxs_time_goes_on() {
    let tenant = tenant(Population::of(20, 2_000));
    let control = tenant.control();
    let (_, body) = read(&tenant, "security/audit/settings/lifetime").await;
    assert_eq!(body["response"]["loginHistoryLifeTime"], 180);
    assert!(body.get("total").is_none());
    let last = "security/audit/login/filter?count=100&startIndex=1900";
    assert_eq!(
        read(&tenant, last).await.1["response"]
            .as_array()
            .unwrap()
            .len(),
        100
    );
    control.advance(100 * 86_400);
    assert_eq!(
        read(&tenant, last).await.1["response"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
    let response = get(&tenant, "people/@self").await.unwrap();
    let date = response.headers()["date"].to_str().unwrap().to_owned();
    let date = chrono::DateTime::parse_from_rfc2822(&date).unwrap();
    assert!(
        (date.to_utc() - Utc::now() - TimeDelta::days(100))
            .num_seconds()
            .abs()
            < 60
    );
    control.advance(-100 * 86_400);
    control.set_date_skew(-600);
    let response = get(&tenant, "people/@self").await.unwrap();
    let date = response.headers()["date"].to_str().unwrap().to_owned();
    let date = chrono::DateTime::parse_from_rfc2822(&date).unwrap();
    assert!(
        (date.to_utc() - Utc::now() + TimeDelta::seconds(600))
            .num_seconds()
            .abs()
            < 60
    );
}

#[tokio::test]
async fn dates_with_six_digits_are_refused_and_zoneless_ones_break() {
    let tenant = tenant(Population::of(20, 50));
    let path = |from: &str| format!("security/audit/login/filter?from={from}");
    assert_eq!(read(&tenant, &path("2026-01-02T09:00:00Z")).await.0, 200);
    assert_eq!(
        read(&tenant, &path("2026-01-02T09:00:00.107Z")).await.0,
        200
    );
    let (status, body) = read(&tenant, &path("2026-01-02T09:00:00.107439%2B00:00")).await;
    assert_eq!(status, 400);
    assert!(body["response"]["errors"]["from"].is_array(), "{body}");
    assert_eq!(read(&tenant, &path("2026-01-02T09:00:00")).await.0, 500);
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
async fn an_answer_can_be_lost_before_or_after_the_change() {
    let tenant = tenant(Population::of(2, 0));
    let control = tenant.control();
    let (before, after) = (
        add(&tenant, "Before Drop", |_| ()),
        add(&tenant, "After Drop", |_| ()),
    );
    let status_call = || Matcher::new("PUT", "/api/2.0/people/status");
    control.add_fault(FaultRule::once(
        status_call().with_body(&before.to_string()),
        Fault::Drop,
    ));
    control.add_fault(FaultRule::once(
        status_call().with_body(&after.to_string()),
        Fault::LostAnswer,
    ));
    assert!(put(&tenant, "2", &[before]).await.is_err());
    assert!(put(&tenant, "2", &[after]).await.is_err());
    assert_eq!(control.user(before).unwrap().status, Status::Active);
    assert_eq!(control.user(after).unwrap().status, Status::Terminated);
    let log = control.requests();
    assert_eq!((log.len(), log[0].status, log[1].status), (2, None, None));
    assert_eq!(log[1].fault.as_deref(), Some("lost_answer"));
    assert!(
        !serde_json::to_string(&log)
            .unwrap()
            .contains(tenant.token())
    );
}

#[tokio::test]
async fn every_other_fault_reaches_the_client() {
    let tenant = tenant(Population::of(150, 150));
    let control = tenant.control();
    let people = "people/filter?sortBy=email";
    let once = |fault| {
        control.add_fault(FaultRule::once(
            Matcher::new("GET", "/api/2.0/people/filter"),
            fault,
        ));
    };
    once(Fault::Status {
        status: 404,
        body: Some(String::new()),
    });
    let response = get(&tenant, people).await.unwrap();
    assert_eq!(
        (
            response.status().as_u16(),
            response.bytes().await.unwrap().len()
        ),
        (404, 0)
    );
    once(Fault::Html { status: 200 });
    assert!(
        get(&tenant, people)
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
            .starts_with("<!DOCTYPE")
    );
    once(Fault::TooMany {
        retry_after: Some(7),
    });
    assert_eq!(
        get(&tenant, people).await.unwrap().headers()["retry-after"],
        "7"
    );
    let location = "http://127.0.0.1:9/elsewhere".to_owned();
    once(Fault::Redirect {
        status: 307,
        location,
    });
    assert_eq!(get(&tenant, people).await.unwrap().status(), 307);
    once(Fault::Truncated);
    assert!(
        get(&tenant, people).await.unwrap().bytes().await.is_err(),
        "breaks off in the middle"
    );
    once(Fault::MalformedJson);
    assert!(
        get(&tenant, people)
            .await
            .unwrap()
            .json::<Value>()
            .await
            .is_err()
    );
    once(Fault::WrongTypes);
    assert!(read(&tenant, people).await.1["response"][0]["status"].is_string());
    once(Fault::BadDate);
    assert!(
        read(&tenant, people).await.1["response"][0]["registrationDate"]
            .as_str()
            .unwrap()
            .contains("noon")
    );
    once(Fault::MissingField {
        field: "status".into(),
    });
    assert!(
        read(&tenant, people).await.1["response"][0]
            .get("status")
            .is_none()
    );
    once(Fault::MissingField {
        field: "total".into(),
    });
    assert!(read(&tenant, people).await.1.get("total").is_none());
    once(Fault::TotalTooHigh { by: 3 });
    assert_eq!(read(&tenant, people).await.1["total"], 153);
    once(Fault::ShortPage { by: 10 });
    assert_eq!(
        read(&tenant, people).await.1["response"]
            .as_array()
            .unwrap()
            .len(),
        90
    );
    once(Fault::ErrorInside);
    assert_eq!(read(&tenant, people).await.1["status"], 1);
    once(Fault::HugeBody { bytes: 3_000_000 });
    assert!(
        get(&tenant, people)
            .await
            .unwrap()
            .bytes()
            .await
            .unwrap()
            .len()
            > 3_000_000
    );
    once(Fault::Hang);
    let hung = tokio::time::timeout(Duration::from_secs(1), get(&tenant, people)).await;
    assert!(hung.is_err());
    assert_eq!(
        control.requests().last().unwrap().status,
        None,
        "it did arrive"
    );
    assert_eq!(
        read(&tenant, people).await.1["total"],
        150,
        "and then all is well"
    );
    let second = Matcher::new("GET", "/api/2.0/people/filter");
    control.add_fault(FaultRule::nth(
        second,
        2,
        Fault::Status {
            status: 500,
            body: None,
        },
    ));
    assert_eq!(read(&tenant, people).await.0, 200);
    assert_eq!(read(&tenant, people).await.0, 500);
    assert_eq!(read(&tenant, people).await.0, 200);
}

#[tokio::test]
async fn a_held_call_is_worked_on_after_its_client_has_died() {
    let tenant = tenant(Population::of(2, 0));
    let control = tenant.control();
    let person = add(&tenant, "Held Person", |_| ());
    let gate = control.pause(
        Matcher::new("PUT", "/api/2.0/people/status"),
        GateAt::Before,
    );
    let url = format!("{}/api/2.0/people/status/2", tenant.url());
    let call = client()
        .put(url)
        .bearer_auth(tenant.token())
        .json(&json!({ "userIds": [person] }));
    let caller = tokio::spawn(call.send());
    assert!(control.wait_held(gate, 1, Duration::from_secs(5)).await);
    caller.abort();
    let _ = caller.await;
    assert_eq!(control.user(person).unwrap().status, Status::Active);
    assert!(control.release(gate));
    for _ in 0..100 {
        if control.status_changes(person) == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(control.user(person).unwrap().status, Status::Terminated);
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
