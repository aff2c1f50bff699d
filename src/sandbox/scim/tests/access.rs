//! Tokens, the limit, and what the provider says of itself.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{Provider, header, read};
use crate::sandbox::scim::{Activity, ClientAuth, Login, Paging, Patches, RateLimit, RetryAfter};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn form(provider: &Provider) -> Value {
    let known = provider.service.credentials();
    json!(format!(
        "grant_type=client_credentials&client_id={}&client_secret={}",
        known.client_id, known.client_secret
    ))
}

fn status(provider: &mut Provider, path: &str) -> u16 {
    provider.ask("GET", path, &Value::Null).0
}

#[test]
fn a_wrong_token_is_told_so() {
    let mut provider = Provider::of(2);
    assert_eq!(status(&mut provider, "/Users"), 200);
    provider.token = "wrong".to_owned();
    let answer = provider.raw("GET", "/Users", &[], &Value::Null);
    assert_eq!(answer.status, 401);
    assert!(
        header(&answer, "www-authenticate")
            .unwrap()
            .contains("invalid_token")
    );
    assert_eq!(
        header(&answer, "content-type").unwrap(),
        "application/scim+json"
    );
    assert_eq!(read(answer).1["status"], "401");
}

#[test]
fn a_token_of_the_endpoint_ends_after_its_time() {
    let mut provider = Provider::of(2);
    provider.set(|s| s.login = Login::ClientCredentials);
    assert_eq!(
        status(&mut provider, "/Users"),
        401,
        "the fixed one is not let in"
    );
    let body = form(&provider);
    let (granted, reply) = read(provider.raw("POST", "/oauth/token", &[FORM], &body));
    assert_eq!((granted, &reply["expires_in"]), (200, &json!(3600)));
    provider.token = reply["access_token"].as_str().unwrap().to_owned();
    assert_eq!(status(&mut provider, "/Users"), 200);
    provider.now += TimeDelta::seconds(3600);
    assert_eq!(status(&mut provider, "/Users"), 401);
}

#[test]
fn the_client_shows_its_secret_where_the_server_looks() {
    let mut provider = Provider::of(2);
    let body = form(&provider);
    let mut ask = |how, more: &[(&str, &str)], body: &Value| {
        provider.set(|s| s.client_auth = how);
        provider.raw("POST", "/oauth/token", more, body).status
    };
    assert_eq!(ask(ClientAuth::Form, &[FORM], &body), 200);
    assert_eq!(ask(ClientAuth::Basic, &[FORM], &body), 401);
    assert_eq!(ask(ClientAuth::Any, &[], &body), 400, "no form");
    let bare = json!("grant_type=client_credentials");
    assert_eq!(ask(ClientAuth::Any, &[FORM], &bare), 401);
    let known = provider.service.credentials().clone();
    let pair = format!("{}:{}", known.client_id, known.client_secret);
    let pair = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, pair);
    let basic = format!("Basic {pair}");
    let more = [FORM, ("authorization", basic.as_str())];
    assert_eq!(
        provider.raw("POST", "/oauth/token", &more, &bare).status,
        200
    );
    let other = json!("grant_type=password");
    assert_eq!(
        provider.raw("POST", "/oauth/token", &more, &other).status,
        400
    );
    assert!(!format!("{known:?}").contains(&known.client_secret));
}

#[test]
fn too_many_requests_are_told_when_to_come_back() {
    let mut provider = Provider::of(2);
    provider.set(|s| {
        s.rate_limit = Some(RateLimit {
            requests: 1,
            seconds: 60,
        });
    });
    provider.now += TimeDelta::seconds(15);
    assert_eq!(status(&mut provider, "/Users"), 200);
    let mut again = |form| {
        provider.set(|s| s.retry_after = form);
        let answer = provider.raw("GET", "/Users", &[], &Value::Null);
        assert_eq!(answer.status, 429);
        header(&answer, "retry-after")
    };
    assert_eq!(again(RetryAfter::Seconds).unwrap(), "45");
    assert_eq!(
        again(RetryAfter::Date).unwrap(),
        "Wed, 17 Jun 2026 12:01:00 GMT"
    );
    assert_eq!(again(RetryAfter::Absent), None);
    provider.now += TimeDelta::seconds(45);
    assert_eq!(status(&mut provider, "/Users"), 200);
    provider.set(|s| s.rate_limit = None);
    provider.service.throttle(1, 7);
    assert_eq!(status(&mut provider, "/Users"), 429);
    assert_eq!(status(&mut provider, "/Users"), 200);
}

#[test]
fn the_configuration_tells_the_truth_or_what_it_is_set_to_claim() {
    let mut provider = Provider::of(2);
    let config = provider.get("/ServiceProviderConfig");
    assert_eq!(config["patch"]["supported"], json!(true));
    assert_eq!(
        config["filter"],
        json!({ "supported": true, "maxResults": 100 })
    );
    assert_eq!(config.get("pagination"), None);
    provider.set(|s| {
        s.paging = Paging::Cursor;
        s.patch = Patches {
            supported: false,
            claimed: Some(true),
            ..Patches::default()
        };
    });
    let config = provider.get("/ServiceProviderConfig");
    assert_eq!(config["patch"]["supported"], json!(true), "a lie");
    assert_eq!(config["pagination"]["defaultPaginationMethod"], "cursor");
    assert_eq!(config["pagination"]["index"], json!(false));
    let known = std::mem::take(&mut provider.token);
    assert_eq!(status(&mut provider, "/Schemas"), 401);
    provider.set(|s| s.open_discovery = true);
    assert_eq!(status(&mut provider, "/Schemas"), 200);
    assert_eq!(status(&mut provider, "/Users"), 401);
    provider.token = known;
    provider.set(|s| s.discovery = false);
    assert_eq!(status(&mut provider, "/ServiceProviderConfig"), 404);
    assert_eq!(status(&mut provider, "/Me"), 501);
    assert_eq!(status(&mut provider, "/Nothing"), 404);
}

#[test]
fn the_extension_with_the_last_login_stands_in_types_and_schemas() {
    let mut provider = Provider::of(2);
    let count = |provider: &mut Provider, path: &str| provider.get(path)["totalResults"].clone();
    assert_eq!(count(&mut provider, "/Schemas"), json!(2));
    provider.set(|s| s.activity = Some(Activity::example()));
    assert_eq!(count(&mut provider, "/Schemas"), json!(3));
    let user = provider.get("/ResourceTypes/User");
    let extension = json!({ "schema": Activity::SCHEMA, "required": false });
    assert_eq!(user["schemaExtensions"][1], extension);
    let schema = provider.get(&format!("/Schemas/{}", Activity::SCHEMA));
    assert_eq!(schema["attributes"][0]["name"], "lastLogin");
    assert_eq!(status(&mut provider, "/Schemas/urn:none"), 404);
}
