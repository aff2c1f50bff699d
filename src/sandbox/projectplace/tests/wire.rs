//! The account over HTTP, its clock, its faults and its controls by name.

use std::{sync::OnceLock, time::Duration};

use chrono::{DateTime, Utc};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::sandbox::{
    population::Population,
    projectplace::{ProjectPlace, ProjectPlaceHandle, ProjectPlaceOptions, Standing, oauth1},
    tenant::{Fault, FaultRule, Matcher},
};

const PEOPLE: &str = "/1/account/people";

/// One client for all tests; it keeps no connection, as each test has a runtime of its own.
fn client() -> Client {
    static CLIENT: OnceLock<Client> = OnceLock::new();
    let make = || {
        // A second installation in the same process is refused, and the first one serves.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        Client::builder()
            .no_proxy()
            .pool_max_idle_per_host(0)
            .timeout(Duration::from_secs(20))
            .build()
            .unwrap()
    };
    CLIENT.get_or_init(make).clone()
}

fn start() -> ProjectPlaceHandle {
    ProjectPlace::start(ProjectPlaceOptions {
        population: Population::of(6, 0),
        now: Some("2026-06-17T12:00:00Z".parse().unwrap()),
        ..ProjectPlaceOptions::default()
    })
    .unwrap()
}

async fn read(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap_or(Value::Null))
}

async fn token(account: &ProjectPlaceHandle) -> String {
    let own = account.credentials();
    let (status, reply) = read(
        client()
            .post(format!("{}/oauth2/access_token", account.url()))
            .basic_auth(&own.client_id, Some(&own.client_secret))
            .header("content-type", "application/x-www-form-urlencoded")
            .body("grant_type=client_credentials"),
    )
    .await;
    assert_eq!(status, 200, "{reply}");
    reply["access_token"].as_str().unwrap().to_owned()
}

fn ask(account: &ProjectPlaceHandle, token: &str, method: Method, path: &str) -> RequestBuilder {
    let url = format!("{}{path}", account.url());
    client().request(method, url).bearer_auth(token)
}

fn deletion(id: &str) -> Value {
    let maps = json!({ "workspaces": {}, "portfolios": {}, "templates": {}, "teams": {} });
    json!({ "action": "delete_account_user", "params": [{ id: maps }] })
}

async fn order(account: &ProjectPlaceHandle, name: &str, args: &Value) -> (u16, Value) {
    read(
        client()
            .post(format!("{}/_sandbox/{name}", account.url()))
            .json(args),
    )
    .await
}

#[tokio::test]
async fn the_calls_of_the_vendors_example_go_through_in_their_order() {
    let account = start();
    let token = token(&account).await;
    let search = json!({ "sort_by": "+last_login", "limit": 40, "row_number": 0,
        "filter": { "account_roles": ["account_member"] } });
    let (status, rows) = read(ask(&account, &token, Method::POST, PEOPLE).json(&search)).await;
    assert_eq!((status, rows.as_array().unwrap().len()), (200, 4));
    let (_, people) = read(ask(&account, &token, Method::GET, PEOPLE)).await;
    assert_eq!(people[0]["id"], 1001);
    let owned = format!("{PEOPLE}/1005/owned-artifacts");
    let (_, owned) = read(ask(&account, &token, Method::GET, &owned)).await;
    assert_eq!(owned["1005"]["projects_data"]["projects_owner"], json!([]));
    let one = format!("{PEOPLE}/1005");
    let delete = ask(&account, &token, Method::POST, &one).json(&deletion("1005"));
    let (status, reply) = read(delete).await;
    assert_eq!((status, &reply["succeeded"]), (200, &json!(["1005"])));

    let log = account.control().requests();
    assert_eq!(log.len(), 5);
    let text = serde_json::to_string(&log).unwrap();
    let own = account.credentials();
    assert!(
        !text.contains(&own.client_secret) && !text.contains(&token),
        "{text}"
    );
}

#[tokio::test]
async fn a_request_is_signed_for_the_host_that_it_addresses() {
    let account = start();
    let host = account.url().replace("http://", "");
    let path = "/1/account/members";
    let request = oauth1::Request {
        method: "GET",
        host: &host,
        path,
        query: "include_external_users=1",
        form: None,
        header: "",
    };
    let secrets = account.credentials().oauth1();
    let stamp = account.control().now().timestamp();
    let url = format!("{}{path}?include_external_users=1", account.url());
    let header = oauth1::sign(&request, &secrets, "n", stamp);
    let send = || read(client().get(&url).header("authorization", &header));
    assert_eq!(send().await.0, 200);
    let (status, body) = send().await;
    assert_eq!(
        (status, &body["error"]["message"]),
        (401, &json!("Nonce already used"))
    );
    let other = oauth1::Request {
        host: "api.projectplace.com",
        ..request
    };
    let header = oauth1::sign(&other, &secrets, "m", stamp);
    let (status, _) = read(client().get(&url).header("authorization", header)).await;
    assert_eq!(status, 401);
}

#[tokio::test]
async fn the_accounts_clock_ends_tokens_and_dates_logins() {
    let account = start();
    let token = token(&account).await;
    account.control().advance(86_400);
    let (status, _) = order(&account, "login", &json!({ "id": 1003 })).await;
    assert_eq!(status, 200);
    let search = json!({ "sort_by": "-last_login", "limit": 1 });
    let (_, rows) = read(ask(&account, &token, Method::POST, PEOPLE).json(&search)).await;
    let at = DateTime::<Utc>::from_timestamp_millis(rows[0]["last_login"].as_i64().unwrap());
    assert_eq!(rows[0]["userid"], "1003");
    assert_eq!(at.unwrap().date_naive().to_string(), "2026-06-18");
    account.control().advance(30 * 86_400);
    assert_eq!(
        read(ask(&account, &token, Method::GET, PEOPLE)).await.0,
        401
    );
}

#[tokio::test]
async fn a_shortened_page_looks_like_the_last_one() {
    let account = start();
    let token = token(&account).await;
    let fault = Fault::ShortPage { by: 2 };
    let rule = FaultRule::once(Matcher::new("POST", PEOPLE), fault);
    account.control().add_fault(rule);
    let search = json!({ "limit": 5 });
    let (status, rows) = read(ask(&account, &token, Method::POST, PEOPLE).json(&search)).await;
    assert_eq!((status, rows.as_array().unwrap().len()), (200, 3));
}

#[tokio::test]
async fn a_deletion_whose_answer_is_lost_is_done() {
    let account = start();
    let token = token(&account).await;
    let one = format!("{PEOPLE}/1005");
    account.control().add_fault(FaultRule::once(
        Matcher::new("POST", &one),
        Fault::LostAnswer,
    ));
    let sent = ask(&account, &token, Method::POST, &one).json(&deletion("1005"));
    assert!(sent.send().await.is_err());
    let standing = account.control().with(|s| s.user(1005).unwrap().standing);
    assert_eq!(standing, Standing::Deleted);
}

#[tokio::test]
async fn fields_of_what_is_owned_can_be_taken_away() {
    let account = start();
    let token = token(&account).await;
    let owned = format!("{PEOPLE}/1004/owned-artifacts");
    let field = "projects_data".to_owned();
    let fault = Fault::MissingField { field };
    account
        .control()
        .add_fault(FaultRule::once(Matcher::new("GET", &owned), fault));
    let (_, body) = read(ask(&account, &token, Method::GET, &owned)).await;
    assert!(body["1004"].get("projects_data").is_none(), "{body}");
    assert!(body["1004"].get("teams_owner").is_some(), "{body}");
}

#[tokio::test]
async fn the_account_takes_orders_by_name() {
    let account = start();
    let user = json!({ "id": 7, "name": "Seven", "email": "seven@example.test", "role": "member" });
    assert_eq!(order(&account, "add_user", &user).await, (200, json!(true)));
    let found = order(&account, "find", &json!({ "email": "SEVEN@example.test" }))
        .await
        .1;
    assert_eq!(
        (&found["id"], &found["standing"]),
        (&json!(7), &json!("here"))
    );
    let team = json!({ "sort": "team", "name": "T", "head": 7 });
    let (_, id) = order(&account, "add_artifact", &team).await;
    let headed = order(&account, "headed_by", &json!({ "id": 7 })).await.1;
    assert_eq!(
        headed,
        json!([{ "sort": "team", "id": id, "name": "T", "head": 7 }])
    );
    let to_owner = json!({ "sort": "team", "id": id, "head": 1001 });
    assert_eq!(order(&account, "set_head", &to_owner).await.0, 200);
    let second = json!({ "id": 7, "role": "owner" });
    assert_eq!(order(&account, "set_role", &second).await.0, 400);
    assert_eq!(
        order(&account, "set_role", &json!({ "id": 7 })).await.0,
        400
    );
    let never = json!({ "never": "null", "max_limit": 2 });
    assert_eq!(order(&account, "set_settings", &never).await.0, 200);
    assert_eq!(
        order(&account, "settings", &json!({})).await.1["never"],
        "null"
    );
    assert_eq!(
        order(&account, "set_settings", &json!({ "x": 1 })).await.0,
        400
    );
    assert_eq!(order(&account, "unheard_of", &json!({})).await.0, 400);
    assert_eq!(order(&account, "actions", &json!({})).await.1, json!([]));
    token(&account).await;
    assert_eq!(order(&account, "revoke_tokens", &json!({})).await.1, 1);
}
