use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{Reply, client, get, request, send, set, tenant};
use crate::sandbox::{
    alteryx::{AlteryxHandle, ExpiresIn, StaticToken, Unauthorized},
    tenant::{Fault, FaultRule, Matcher},
};

fn form<'a>(client_id: &'a str, token: &'a str) -> [(&'a str, &'a str); 3] {
    [
        ("grant_type", "refresh_token"),
        ("refresh_token", token),
        ("client_id", client_id),
    ]
}

fn encoded(fields: &[(&str, &str)]) -> String {
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    text.extend_pairs(fields);
    text.finish()
}

fn refresh_request(tenant: &AlteryxHandle, token: &str) -> reqwest::RequestBuilder {
    let id = &tenant.credentials().client_id;
    client()
        .post(tenant.token_url())
        .header("content-type", "application/x-www-form-urlencoded")
        .body(encoded(&form(id, token)))
}

async fn refresh(tenant: &AlteryxHandle, token: &str) -> Reply {
    send(refresh_request(tenant, token)).await
}

fn text(reply: &Reply, field: &str) -> String {
    reply.json()[field].as_str().unwrap().to_owned()
}

async fn status_with(tenant: &AlteryxHandle, token: &str) -> u16 {
    let request = request(tenant, "GET", "/v4/people/current");
    let mut request = request.build().unwrap();
    let value = format!("Bearer {token}").parse().unwrap();
    request.headers_mut().insert("authorization", value);
    client().execute(request).await.unwrap().status().as_u16()
}

fn payload(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn a_refresh_token_works_once_and_both_tokens_are_new() {
    let tenant = tenant(3);
    set(&tenant, |s| s.reuse_revokes_family = false);
    let first = tenant.credentials().tokens.clone();
    let reply = refresh(&tenant, &first.refresh_token).await;
    assert_eq!(
        (reply.status, &reply.json()["token_type"]),
        (200, &json!("Bearer"))
    );
    let (access, next) = (text(&reply, "access_token"), text(&reply, "refresh_token"));
    assert!(access != first.access_token && next != first.refresh_token);
    assert_eq!(status_with(&tenant, &access).await, 200);

    let again = refresh(&tenant, &first.refresh_token).await;
    assert_eq!(
        (again.status, &again.json()["error"]),
        (400, &json!("invalid_grant"))
    );
    assert_eq!(
        status_with(&tenant, &access).await,
        200,
        "the family lives on"
    );
    assert_eq!(refresh(&tenant, &next).await.status, 200);
}

#[tokio::test]
async fn by_default_reuse_ends_the_whole_family() {
    let tenant = tenant(3);
    let first = tenant.credentials().tokens.clone();
    let reply = refresh(&tenant, &first.refresh_token).await;
    let (access, next) = (text(&reply, "access_token"), text(&reply, "refresh_token"));
    assert_eq!(refresh(&tenant, &first.refresh_token).await.status, 400);
    assert_eq!(status_with(&tenant, &access).await, 401);
    let reply = refresh(&tenant, &next).await;
    assert_eq!(
        (reply.status, &reply.json()["error"]),
        (400, &json!("invalid_grant"))
    );

    let other = tenant.control().with(|s| s.issue_tokens("", super::now()));
    assert_eq!(
        status_with(&tenant, &other.access_token).await,
        200,
        "another family lives"
    );
}

#[tokio::test]
async fn a_lost_answer_has_used_the_refresh_token_up() {
    let tenant = tenant(3);
    let lost = FaultRule::once(Matcher::new("POST", "/as/token"), Fault::LostAnswer);
    tenant.control().add_fault(lost);
    let token = &tenant.credentials().tokens.refresh_token;
    assert!(refresh_request(&tenant, token).send().await.is_err());
    assert_eq!(refresh(&tenant, token).await.status, 400);
}

#[tokio::test]
async fn an_access_token_ends_after_its_life_and_a_static_one_does_not() {
    let tenant = tenant(3);
    tenant.control().advance(290);
    assert_eq!(get(&tenant, "/v4/people/current").await.status, 200);
    tenant.control().advance(20);
    let reply = get(&tenant, "/v4/people/current").await;
    assert_eq!(reply.status, 401);
    assert!(
        reply.json()["fault"]["detail"]["errorcode"].is_string(),
        "{}",
        reply.text
    );
    set(&tenant, |s| s.unauthorized = Unauthorized::Exception);
    assert_eq!(
        get(&tenant, "/v4/people/current").await.exception(),
        "MissingPersonException"
    );

    set(&tenant, |s| {
        s.static_token = Some(StaticToken("legacy".to_owned()))
    });
    assert_eq!(status_with(&tenant, "legacy").await, 200);
    tenant.control().advance(86_400 * 366);
    assert_eq!(status_with(&tenant, "legacy").await, 200);
    let token = &tenant.credentials().tokens.refresh_token;
    let reply = refresh(&tenant, token).await;
    assert_eq!(
        reply.json()["error"],
        "invalid_grant",
        "a refresh token ends after 365 days"
    );
}

#[tokio::test]
async fn the_life_is_a_text_a_number_or_missing_and_the_token_names_a_strange_issuer() {
    let tenant = tenant(3);
    let first = tenant.credentials().tokens.clone();
    let inside = payload(&first.access_token);
    assert_eq!(inside["client_id"], json!(tenant.credentials().client_id));
    assert_eq!(inside["exp"], json!(super::now().timestamp() + 299));
    assert!(!inside["iss"].as_str().unwrap().starts_with(&tenant.url()));
    set(&tenant, |s| {
        s.access_seconds = 3600;
        s.issuer = "{origin}/as".to_owned();
        s.exp_shift_seconds = None;
    });
    let mut token = first.refresh_token;
    for (form, expected) in [
        (ExpiresIn::Text, json!("3600")),
        (ExpiresIn::Number, json!(3600)),
        (ExpiresIn::Absent, Value::Null),
    ] {
        set(&tenant, |s| s.expires_in = form);
        let reply = refresh(&tenant, &token).await;
        assert_eq!(reply.json()["expires_in"], expected);
        let inside = payload(&text(&reply, "access_token"));
        assert_eq!(inside["iss"], json!(format!("{}/as", tenant.url())));
        assert_eq!(inside.get("exp"), None);
        token = text(&reply, "refresh_token");
    }
}

#[tokio::test]
async fn other_grants_clients_and_forms_are_refused_and_nothing_is_used_up() {
    let tenant = tenant(3);
    let token = &tenant.credentials().tokens.refresh_token;
    let post = |body: String| {
        client()
            .post(tenant.token_url())
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
    };
    let reply = send(post(encoded(&form("somebody", token)))).await;
    assert_eq!(reply.json()["error"], "invalid_client");
    let reply = send(post("grant_type=password".to_owned())).await;
    assert_eq!(reply.json()["error"], "unsupported_grant_type");
    let body = json!({ "grant_type": "refresh_token", "refresh_token": token });
    let reply = send(client().post(tenant.token_url()).json(&body)).await;
    assert_eq!(reply.json()["error"], "invalid_request");
    assert_eq!(send(client().get(tenant.token_url())).await.status, 405);
    assert_eq!(refresh(&tenant, token).await.status, 200);
}

#[tokio::test]
async fn no_token_stands_in_the_log_or_in_debug() {
    let tenant = tenant(3);
    set(&tenant, |s| {
        s.static_token = Some(StaticToken("legacy".to_owned()))
    });
    let tokens = tenant.credentials().tokens.clone();
    let reply = refresh(&tenant, &tokens.refresh_token).await;
    get(&tenant, "/v4/people/current").await;
    let log = format!("{:?}", tenant.control().requests());
    let state = tenant.control().with(|s| format!("{s:?}"));
    for secret in [
        tokens.access_token,
        tokens.refresh_token,
        text(&reply, "refresh_token"),
        "legacy".to_owned(),
    ] {
        assert!(!log.contains(&secret) && !state.contains(&secret));
        assert!(!format!("{tenant:?}").contains(&secret));
    }
    assert!(log.contains("/as/token"));
}

#[tokio::test]
async fn tokens_can_be_ended_before_their_time() {
    let tenant = tenant(3);
    let first = &tenant.credentials().tokens;
    tenant.control().with(|s| s.expire_access());
    assert_eq!(status_with(&tenant, &first.access_token).await, 401);
    let reply = refresh(&tenant, &first.refresh_token).await;
    let (access, next) = (text(&reply, "access_token"), text(&reply, "refresh_token"));
    assert_eq!(status_with(&tenant, &access).await, 200);
    tenant.control().with(|s| s.revoke_tokens());
    assert_eq!(status_with(&tenant, &access).await, 401);
    assert_eq!(
        refresh(&tenant, &next).await.json()["error"],
        "invalid_grant"
    );
}
