//! Tokens, refusals of addresses, and waiting.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;

use crate::provider::Provider as _;
use crate::provider::ProviderError;
use crate::provider::http::scripted::Reply;
use crate::provider::http::scripted::Server;
use crate::provider::port::Port;
use crate::provider::port::tests::CLIENT;
use crate::provider::port::tests::Org;
use crate::provider::port::tests::SECRET;
use crate::provider::port::tests::TOKEN;
use crate::provider::port::tests::listing_error;
use crate::provider::port::tests::port;
use crate::provider::port::tests::quiet;
use crate::provider::port::tests::refusal;
use crate::provider::port::tests::settings;

fn token(text: &str, seconds: u64) -> Reply {
    Reply::json(
        200,
        &json!({"ok": true, "accessToken": text, "expiresIn": seconds, "tokenType": "Bearer"}),
    )
}

fn tokens(server: &Server) -> usize {
    let asked = server.requests();
    asked
        .iter()
        .filter(|r| r.target == "/v1/auth/access_token")
        .count()
}

#[tokio::test]
async fn one_token_serves_a_whole_read_and_is_asked_for_as_documented() {
    let server = Org::new(2).serve().await;
    port(&server.url).accounts(&quiet).await.unwrap();
    assert_eq!(tokens(&server), 1);
    let requests = server.requests();
    let asked = requests
        .iter()
        .find(|r| r.target == "/v1/auth/access_token")
        .unwrap();
    let body: serde_json::Value = serde_json::from_str(&asked.body).unwrap();
    assert_eq!(body, json!({"clientId": CLIENT, "clientSecret": SECRET}));
    assert!(!asked.head.contains("authorization"));
    for other in requests.iter().filter(|r| r.target != asked.target) {
        let bearer = format!("authorization: bearer {}", TOKEN.to_lowercase());
        assert!(other.head.contains(&bearer), "{}", other.target);
        assert!(!other.target.contains("partial") && !other.body.contains("partial"));
    }
}

#[tokio::test]
async fn a_token_that_is_nearly_over_is_not_kept() {
    let server = Org::new(2).except("access_token", token("short", 5)).await;
    let port = port(&server.url);
    port.accounts(&quiet).await.unwrap();
    let once = tokens(&server);
    port.clock().await.unwrap();
    assert!(tokens(&server) > once, "it would have been over by now");
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let org = Org::new(2);
    let given = AtomicU64::new(0);
    let server = Server::start(move |request, _| {
        if request.target == "/v1/auth/access_token" {
            let n = given.fetch_add(1, Ordering::Relaxed);
            return token(&format!("token{n}"), 10800);
        }
        match request.head.contains("token0") {
            true => Reply::json(401, &refusal("unauthorized", "expired")),
            false => org.answer(request),
        }
    })
    .await;
    assert!(port(&server.url).clock().await.unwrap().is_some());
    assert_eq!(tokens(&server), 2);
    let never = Org::new(2)
        .except(
            "/v1/organization",
            Reply::json(401, &refusal("unauthorized", "no")),
        )
        .await;
    let e = listing_error(&never).await;
    assert!(matches!(e, ProviderError::Credentials { .. }), "{e}");
}

#[tokio::test]
async fn wrong_credentials_are_said_to_be_wrong() {
    for status in [401, 404, 422] {
        let reply = Reply::json(status, &refusal("invalid", SECRET));
        let e = listing_error(&Org::new(2).except("access_token", reply).await).await;
        assert_eq!(e.fault(), "read.credentials", "{status}");
    }
}

#[tokio::test]
async fn an_address_that_is_not_allowed_is_said_without_the_address() {
    let says = "IP not whitelisted. Found x-forwarded-for header: 203.0.113.9, orgId: org_ours";
    let reply = Reply::json(403, &refusal("forbidden", says));
    let server = Org::new(2).except("/v1/organization", reply).await;
    let e = listing_error(&server).await;
    assert!(matches!(e, ProviderError::Rights { .. }), "{e}");
    assert!(e.to_string().contains("allow-list") && !e.to_string().contains("203.0.113.9"));
    let probes = port(&server.url).check().await;
    assert!(
        probes[0].hint.as_ref().unwrap().contains("allow-list"),
        "{probes:?}"
    );
}

/// README rule 20: the reset is a moment or the seconds that are left.
#[tokio::test]
async fn too_many_requests_are_waited_for_in_both_forms_of_the_reset() {
    // the answer's Date is 2026-11-22T10:00:00Z, 1795341600 since 1970
    for (reset, waits) in [
        ("x-ratelimit-reset: 0", true),
        ("x-ratelimit-reset: 1795341600", true),
        ("x-ratelimit-reset: 90", false),
        ("x-ratelimit-reset: 1795341690", false),
    ] {
        let org = Org::new(2);
        let first = AtomicU64::new(0);
        let server = Server::start(move |request, _| {
            if request.target == "/v1/organization" && first.fetch_add(1, Ordering::Relaxed) == 0 {
                let date = "date: Sun, 22 Nov 2026 10:00:00 GMT";
                return Reply::new(429, &[reset, date], "{}");
            }
            org.answer(request)
        })
        .await;
        let outcome = port(&server.url).clock().await;
        match waits {
            true => assert!(outcome.is_ok(), "{reset}"),
            false => assert_eq!(outcome.unwrap_err().fault(), "read.rate-limited", "{reset}"),
        }
    }
}

/// The headers stand on every answer: a failure is not a request to wait for the next window.
#[tokio::test]
async fn the_reset_of_an_ordinary_answer_does_not_hold_anything_up() {
    let org = Org::new(2);
    let first = AtomicU64::new(0);
    let server = Server::start(move |request, _| {
        let headers = [
            "x-ratelimit-limit: 1000",
            "x-ratelimit-remaining: 900",
            "x-ratelimit-reset: 300",
        ];
        if request.target == "/v1/organization" && first.fetch_add(1, Ordering::Relaxed) == 0 {
            return Reply::new(503, &headers, "");
        }
        org.answer(request)
    })
    .await;
    assert!(port(&server.url).clock().await.is_ok());
}

#[tokio::test]
async fn a_change_is_given_the_time_to_fetch_a_token_first() {
    let server = Org::new(2).serve().await;
    let mut settings = settings(&server.url);
    settings.http.change = Duration::from_secs(60);
    settings.http.change_waiting = Duration::from_secs(5);
    settings.http.read = Duration::from_secs(60);
    settings.http.attempts = 5;
    settings.http.waiting = Duration::from_secs(150);
    let port = Port::new(settings).unwrap();
    assert_eq!(port.request_limit_s(), 66 + 61 + 5);
}
