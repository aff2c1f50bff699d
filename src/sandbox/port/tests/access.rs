//! Tokens, permissions, limits.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{
    add, call, client, empty, entity_path, get, mint, now, port, port_of, raw, read, token,
};
use crate::sandbox::{
    population::Population,
    port::{Holder, RateLimit, ResetForm, Role, Status},
};

#[tokio::test]
async fn the_same_token_comes_back_with_less_life_until_it_expires() {
    let port = empty();
    let (_, first) = mint(&port).await;
    let life = |body: &Value| body["expiresIn"].as_i64().unwrap();
    assert!((10_780..=10_800).contains(&life(&first)));
    assert_eq!(first["tokenType"], json!("Bearer"));
    port.control().advance(10_770);
    let (_, second) = mint(&port).await;
    assert_eq!(second["accessToken"], first["accessToken"]);
    assert!((0..=30).contains(&life(&second)), "not three hours again");

    let old = first["accessToken"].as_str().unwrap();
    let organization = || raw(&port, old, "GET", "/v1/organization", Value::Null);
    assert_eq!(read(organization().await).await.0, 200);
    port.control().advance(30);
    let (status, body) = read(organization().await).await;
    assert_eq!((status, &body["error"]), (401, &json!("unauthorized")));
    let (_, third) = mint(&port).await;
    assert_ne!(third["accessToken"], first["accessToken"]);
    assert_eq!(
        read(organization().await).await.0,
        401,
        "the old one stays dead"
    );
    port.control().revoke_token();
    let new = third["accessToken"].as_str().unwrap();
    let answer = raw(&port, new, "GET", "/v1/organization", Value::Null).await;
    assert_eq!(answer.status(), 401, "a token can die before its time");
}

#[tokio::test]
async fn wrong_and_incomplete_credentials_are_refused_and_no_secret_is_logged() {
    let port = empty();
    let (id, secret) = port.credentials();
    let mint = |body| raw(&port, "", "POST", "/v1/auth/access_token", body);
    let wrong = json!({ "clientId": id, "clientSecret": "wrong" });
    assert_eq!(mint(wrong).await.status(), 401);
    let (status, body) = read(mint(json!({ "clientId": id })).await).await;
    assert_eq!(status, 422);
    assert!(body["error"].is_string() && body["message"].is_string());
    assert_eq!(
        mint(json!({ "clientId": id, "clientSecret": secret }))
            .await
            .status(),
        200
    );
    assert!(!format!("{:?}", port.control().requests()).contains(&secret));
    assert!(!format!("{port:?} {:?}", port.control()).contains(&secret));
    port.control().set_secret("rotated");
    let old = json!({ "clientId": id, "clientSecret": secret });
    assert_eq!(mint(old).await.status(), 401);
}

#[tokio::test]
async fn personal_credentials_show_in_the_client_id_and_in_the_token() {
    for (holder, personal) in [
        (Holder::Personal, true),
        (Holder::ServiceAccount, false),
        (Holder::Organization, false),
    ] {
        let port = port_of(Population::of(5, 0), holder);
        assert_eq!(port.credentials().0.contains('@'), personal);
        let token = token(&port).await;
        let payload = token.split('.').nth(1).unwrap();
        let payload = BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap();
        let payload: Value = serde_json::from_slice(&payload).unwrap();
        assert_eq!(payload["personalToken"], json!(personal));
        assert_eq!(payload["isMachine"], json!(!personal));
        assert_eq!(payload["orgId"], json!(port.control().org_id()));
    }
}

#[tokio::test]
async fn nobody_changes_their_own_status_and_a_disabled_service_account_is_locked_out() {
    let port = port(Population::of(3, 0));
    let own = port.control().own_user().unwrap();
    let body = json!({ "properties": { "status": "Disabled" } });
    let (status, answer) = call(&port, "PATCH", &entity_path(&own), body).await;
    assert_eq!(status, 403);
    assert!(answer["message"].as_str().unwrap().contains("own status"));

    let token = token(&port).await;
    port.control().set_status(&own, Status::Disabled);
    let answer = raw(&port, &token, "GET", "/v1/users", Value::Null).await;
    assert_eq!(answer.status(), 401, "a token in force is void too");
    assert_eq!(mint(&port).await.0, 401);
}

#[tokio::test]
async fn who_is_no_administrator_may_read_but_not_change() {
    let port = empty();
    add(&port, "leaver@example.com", |_| ());
    add(&port, "reader@example.com", |user| user.role = Role::Member);
    port.control().act_as("reader@example.com");
    assert_eq!(get(&port, "/v1/users").await.0, 200);
    let path = entity_path("leaver@example.com");
    let body = json!({ "properties": { "status": "Disabled" } });
    assert_eq!(call(&port, "PATCH", &path, body).await.0, 403);
    let path = format!("{path}?delete_dependents=false");
    assert_eq!(call(&port, "DELETE", &path, Value::Null).await.0, 403);
    assert_eq!(
        call(&port, "DELETE", "/v1/users/leaver@example.com", Value::Null)
            .await
            .0,
        403
    );
    let user = port.control().user("leaver@example.com").unwrap();
    assert_eq!(user.status, Status::Active);
}

#[tokio::test]
async fn the_allow_list_refuses_with_the_address_in_its_words() {
    let port = empty();
    let token = token(&port).await;
    port.control()
        .change_settings(|s| s.refused_address = Some("203.0.113.9".to_owned()));
    let answer = raw(&port, &token, "GET", "/v1/users", Value::Null).await;
    let (status, body) = read(answer).await;
    let expected = format!(
        "IP not whitelisted. Found x-forwarded-for header: 203.0.113.9, orgId: {}",
        port.control().org_id()
    );
    assert_eq!((status, &body["message"]), (403, &json!(expected)));
    assert_eq!(mint(&port).await.0, 200);
    port.control()
        .change_settings(|s| s.refused_at_token = true);
    assert_eq!(mint(&port).await.0, 403);
}

#[tokio::test]
async fn the_limiter_tells_its_state_on_each_answer_and_refuses_in_both_readings() {
    let port = empty();
    let token = token(&port).await;
    for (reset, floor) in [
        (ResetForm::SecondsLeft, 0),
        (ResetForm::Epoch, now().timestamp()),
    ] {
        port.control().change_settings(|s| {
            s.rate_limit = Some(RateLimit {
                requests: 2,
                window_ms: 300,
                reset,
                retry_after: true,
            });
        });
        let started = std::time::Instant::now();
        tokio::time::sleep(std::time::Duration::from_millis(320)).await;
        let mut seen = Vec::new();
        for _ in 0..3 {
            let answer = raw(&port, &token, "GET", "/v1/organization", Value::Null).await;
            let header = |name: &str| {
                let value = answer.headers().get(name).unwrap().to_str().unwrap();
                value.parse::<i64>().unwrap()
            };
            assert_eq!(
                (header("x-ratelimit-limit"), header("x-ratelimit-period")),
                (2, 1)
            );
            assert!((floor..=floor + 2).contains(&header("x-ratelimit-reset")));
            seen.push((answer.status().as_u16(), header("x-ratelimit-remaining")));
            if answer.status() == 429 {
                assert_eq!(header("retry-after"), 1);
                assert_eq!(read(answer).await.1["error"], json!("too_many_requests"));
            }
        }
        if started.elapsed() < std::time::Duration::from_millis(600) {
            assert_eq!(seen, [(200, 1), (200, 0), (429, 0)]);
        }
    }
}

#[tokio::test]
async fn a_body_above_a_mebibyte_is_refused() {
    let port = empty();
    let token = token(&port).await;
    for (length, expected) in [(1024 * 1024, 422), (1024 * 1024 + 1, 413)] {
        let answer = client()
            .post(format!("{}/v1/entities/search", port.url()))
            .bearer_auth(&token)
            .body(vec![b' '; length])
            .send()
            .await
            .unwrap();
        let (status, body) = read(answer).await;
        assert_eq!((status, body["ok"].clone()), (expected, json!(false)));
    }
}
