//! Signing in, both ways.

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use serde_json::json;

use super::Account;
use crate::sandbox::projectplace::{Lifetime, ROBOT, Standing, oauth1};

const ACCOUNT: &str = "/1/account";
const JSON: (&str, &[u8]) = ("application/json", b"");

fn signed(account: &Account, method: &str, target: &str, form: Option<&[u8]>) -> String {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let request = oauth1::Request {
        method,
        host: "127.0.0.1:1",
        path,
        query,
        form,
        header: "",
    };
    let secrets = account.service.credentials().oauth1();
    oauth1::sign(&request, &secrets, "n1", account.now.timestamp())
}

#[test]
fn a_signed_request_is_let_in_once() {
    let mut account = Account::small();
    let target = "/1/account/members?include_external_users=1";
    let header = signed(&account, "GET", target, None);
    assert_eq!(account.send("GET", target, &header, JSON).0, 200);
    assert_eq!(account.send("GET", target, &header, JSON).0, 401);
    account.now += TimeDelta::seconds(301);
    let late = account.send("GET", target, &header, JSON);
    assert_eq!(late.1["error"]["message"], "Expired timestamp");
    let fresh = signed(&account, "GET", target, None);
    assert_eq!(account.send("GET", target, &fresh, JSON).0, 200);
    account.set(|settings| settings.oauth1 = false);
    account.now += TimeDelta::seconds(1);
    let fresh = signed(&account, "GET", target, None);
    assert_eq!(account.send("GET", target, &fresh, JSON).0, 401);
}

#[test]
fn a_form_belongs_to_the_signature_and_a_json_body_does_not() {
    let mut account = Account::small();
    let target = "/1/account/people";
    let header = signed(&account, "POST", target, None);
    let body = ("application/json; charset=utf-8", b"{\"a\": 1}".as_slice());
    assert_eq!(account.send("POST", target, &header, body).0, 200);

    account.now += TimeDelta::seconds(1);
    let form: &[u8] = b"name=a+b";
    let body = ("application/x-www-form-urlencoded", form);
    let header = signed(&account, "POST", "/1/nowhere", Some(form));
    assert_eq!(account.send("POST", "/1/nowhere", &header, body).0, 404);
    let header = signed(&account, "POST", "/1/nowhere", None);
    assert_eq!(account.send("POST", "/1/nowhere", &header, body).0, 401);
}

#[test]
fn a_token_is_given_for_basic_or_for_form_credentials() {
    let mut account = Account::small();
    let own = account.service.credentials().clone();
    let basic = |secret: &str| {
        let text = STANDARD.encode(format!("{}:{secret}", own.client_id));
        format!("Basic {text}")
    };
    let grant = "grant_type=client_credentials";
    let (status, reply) = account.token(&basic(&own.client_secret), grant);
    assert_eq!((status, &reply["token_type"]), (200, &json!("Bearer")));
    assert!(reply.get("refresh_token").is_none());
    let (status, reply) = account.token(&basic("wrong"), grant);
    assert_eq!((status, &reply["error"]), (401, &json!("invalid_client")));
    assert_eq!(account.token("", grant).0, 401);
    let both = format!("{grant}&client_id={}&client_secret=x", own.client_id);
    assert_eq!(account.token(&basic(&own.client_secret), &both).0, 400);
    let (status, reply) = account.token(&basic(&own.client_secret), "grant_type=password");
    assert_eq!(status, 400);
    assert_eq!(reply["error"], "unsupported_grant_type");
    let refresh = "grant_type=refresh_token&refresh_token=x";
    let (status, reply) = account.token(&basic(&own.client_secret), refresh);
    assert_eq!((status, &reply["error"]), (400, &json!("invalid_grant")));
    let json = ("application/json", b"{}".as_slice());
    let target = "/oauth2/access_token";
    assert_eq!(account.send("POST", target, &basic("x"), json).0, 400);
}

#[test]
fn the_tokens_life_is_told_in_one_of_three_ways() {
    let mut account = Account::small();
    let month = json!(2_592_000);
    let reply = account.sign_in();
    assert_eq!(
        (reply.get("expires"), reply.get("expires_in")),
        (Some(&month), None)
    );
    account.set(|settings| settings.lifetime = Lifetime::ExpiresIn);
    let reply = account.sign_in();
    assert_eq!(
        (reply.get("expires"), reply.get("expires_in")),
        (None, Some(&month))
    );
    account.set(|settings| settings.lifetime = Lifetime::Unsaid);
    let reply = account.sign_in();
    assert_eq!(
        (reply.get("expires"), reply.get("expires_in")),
        (None, None)
    );
}

#[test]
fn a_token_ends_by_the_tenants_clock_or_by_revocation() {
    let mut account = Account::small();
    let token = account.authorization.clone();
    account.now += TimeDelta::seconds(2_591_999);
    assert_eq!(account.send("GET", ACCOUNT, &token, JSON).0, 200);
    account.now += TimeDelta::seconds(1);
    let (status, body) = account.send("GET", ACCOUNT, &token, JSON);
    assert_eq!(status, 401);
    assert!(
        body.is_object(),
        "an error is an object where a list was asked for"
    );
    account.sign_in();
    account.get(ACCOUNT);
    assert_eq!(account.service.revoke_tokens(), 2);
    let token = account.authorization.clone();
    assert_eq!(account.send("GET", ACCOUNT, &token, JSON).0, 401);
    assert_eq!(account.send("GET", ACCOUNT, "", JSON).0, 401);
    assert_eq!(account.send("GET", ACCOUNT, "Bearer ", JSON).0, 401);
}

#[test]
fn a_new_token_can_end_the_ones_before_it() {
    let mut account = Account::small();
    let first = account.authorization.clone();
    account.sign_in();
    assert_eq!(account.send("GET", ACCOUNT, &first, JSON).0, 200);
    account.set(|settings| settings.single_token = true);
    account.sign_in();
    assert_eq!(account.send("GET", ACCOUNT, &first, JSON).0, 401);
    account.get(ACCOUNT);
}

#[test]
fn the_credentials_go_with_the_robot() {
    let mut account = Account::small();
    account
        .service
        .change_user(ROBOT, |robot| robot.standing = Standing::Deleted)
        .unwrap();
    let token = account.authorization.clone();
    assert_eq!(account.send("GET", ACCOUNT, &token, JSON).0, 401);
}

#[test]
fn no_secret_is_shown_by_debug() {
    let account = Account::small();
    let own = account.service.credentials();
    let text = format!("{own:?} {:?}", account.service);
    let token = account.authorization.replace("Bearer ", "");
    let secrets = [
        &own.application_secret,
        &own.token_secret,
        &own.client_secret,
    ];
    for secret in secrets.into_iter().chain([&token]) {
        assert!(!secret.is_empty() && !text.contains(secret));
    }
}
