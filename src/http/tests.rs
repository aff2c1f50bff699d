use std::time::Duration;

use reqwest::Method;
use reqwest::header::HeaderMap;
use reqwest::header::HeaderName;
use reqwest::header::HeaderValue;
use serde_json::json;
use tokio::net::TcpListener;

use crate::domain::time::Time;
use crate::http::Body;
use crate::http::Client;
use crate::http::EVIDENCE_BYTES;
use crate::http::HttpError;
use crate::http::Limits;
use crate::http::Payload;
use crate::http::Request;
use crate::http::Secret;
use crate::http::Sent;
use crate::http::backoff;
use crate::http::scripted::Reply;
use crate::http::scripted::Server;
use crate::http::segment;
use crate::http::stated_wait;

const TOKEN: &str = "sk-never-to-be-seen";

fn limits() -> Limits {
    Limits {
        connect: Duration::from_millis(250),
        read: Duration::from_millis(500),
        change: Duration::from_millis(500),
        attempts: 3,
        waiting: Duration::from_millis(1500),
        change_waiting: Duration::from_millis(50),
        first_backoff: Duration::from_millis(5),
        longest_backoff: Duration::from_millis(20),
        longest_stated: Duration::from_secs(3600),
        read_body: 10_000,
        change_body: 1000,
    }
}

fn client(url: &str) -> Client {
    Client::new(url, None, limits())
        .unwrap()
        .with_credential("authorization", "Bearer ", Secret::new(TOKEN))
        .unwrap()
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(k, v)| {
            (
                HeaderName::from_static(k),
                HeaderValue::from_str(v).unwrap(),
            )
        })
        .collect()
}

#[test]
fn plain_http_is_for_loopback_only() {
    for url in [
        "http://portal.example.com",
        "http://10.0.0.1",
        "http://127.0.0.1.example.com",
        "ftp://127.0.0.1",
        "portal.example.com",
        "https://user:pass@portal.example.com",
        "https://portal.example.com/?q=1",
    ] {
        let e = Client::new(url, None, limits()).unwrap_err();
        assert!(!e.to_string().contains("pass@"), "{e}");
    }
    for url in ["http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1"] {
        assert!(Client::new(url, None, limits()).unwrap().is_loopback());
    }
    let remote = Client::new("https://portal.example.com", None, limits()).unwrap();
    assert!(!remote.is_loopback());
}

fn put(path: &str, body: &str) -> Request {
    Request {
        body: Body::Json(body.to_owned()),
        ..Request::new(Method::PUT, path)
    }
}

#[tokio::test]
async fn the_name_localhost_is_this_machine() {
    let server = Server::start(|_, _| Reply::json(200, &json!({}))).await;
    let named = client(&server.url.replace("127.0.0.1", "localhost"));
    assert_eq!(named.get("a", &[]).await.unwrap().status, 200);
    let sent = named.send_once(&put("a", "{}")).await;
    assert!(matches!(sent, Sent::Answered { .. }), "{sent:?}");
}

#[test]
fn only_addresses_below_the_configured_one_are_made() {
    let client = client("http://127.0.0.1:1/base");
    let made = client.url("/api/x", &[("a", "b&c")]).unwrap();
    assert_eq!(made.as_str(), "http://127.0.0.1:1/base/api/x?a=b%26c");
    let made = client.url("api/x/", &[]).unwrap();
    assert_eq!(made.as_str(), "http://127.0.0.1:1/base/api/x/");
    let id = segment("../a b/ü?");
    let made = client.url(&format!("api/{id}"), &[]).unwrap();
    assert_eq!(
        made.as_str(),
        "http://127.0.0.1:1/base/api/..%2Fa%20b%2F%C3%BC%3F"
    );
    for path in [
        "https://evil.example/x",
        "//evil.example/x",
        "/\\evil.example/x",
        "../x",
        "api/../../x",
        "api/%2e%2E/x",
        "api/./x",
        "api//x",
        "api/x//",
        "../",
        "api/../",
        "api/%2e%2e/",
        "/",
        "//",
        "api/x?y",
        "api/x#y",
        "",
    ] {
        let e = client.url(path, &[]).unwrap_err();
        assert!(matches!(e, HttpError::Address { .. }), "{path}: {e}");
    }
}

#[tokio::test]
async fn a_read_is_retried_until_it_is_answered() {
    let server = Server::start(|_, n| match n {
        0 => Reply::new(503, &[], "busy"),
        1 => Reply::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{\"cut".to_vec()),
        _ => Reply::json(200, &json!({"fine": true})),
    })
    .await;
    let page = client(&server.url).get("a", &[("q", "1")]).await.unwrap();
    assert_eq!(page.payload, Payload::Json(json!({"fine": true})));
    assert_eq!(page.requests, 3);
    assert_eq!(page.date, Time::parse("2026-11-22T10:00:00Z"));
    let requests = server.requests();
    assert!(requests.iter().all(|r| r.target == "/a?q=1"));
    assert!(
        requests[0]
            .head
            .contains(&format!("authorization: bearer {TOKEN}"))
    );
}

#[tokio::test]
async fn retries_end_and_other_statuses_are_answers() {
    let server = Server::start(|r, _| match r.target.as_str() {
        "/dead" => Reply::new(500, &[], ""),
        "/mute" => Reply::Silence,
        _ => Reply::new(403, &[], ""),
    })
    .await;
    let client = client(&server.url);
    let dead = client.get("dead", &[]).await;
    assert_eq!(dead, Err(HttpError::Server { status: 500 }));
    assert_eq!(server.requests().len(), 3);
    assert_eq!(client.get("mute", &[]).await, Err(HttpError::Timeout));
    let page = client.get("no", &[]).await.unwrap();
    assert_eq!((page.status, page.payload), (403, Payload::Empty));
    assert_eq!(page.requests, 1);
}

#[tokio::test]
async fn retry_after_is_obeyed_and_a_long_one_is_handed_on() {
    let server = Server::start(|r, n| match (r.target.as_str(), n) {
        ("/short", 0) => Reply::new(429, &["retry-after: 1"], ""),
        ("/short", _) => Reply::json(200, &json!({})),
        _ => Reply::new(429, &["retry-after: 99999999"], ""),
    })
    .await;
    let client = client(&server.url);
    let begin = tokio::time::Instant::now();
    client.get("short", &[]).await.unwrap();
    assert!(begin.elapsed() >= Duration::from_secs(1));
    let long = client.get("long", &[]).await;
    assert_eq!(long, Err(HttpError::Limited { seconds: 3600 }));
    // what the tenant asked for holds for changes too: nothing is sent into it
    let before = server.requests().len();
    let sent = client.send_once(&put("x", "{}")).await;
    assert!(matches!(sent, Sent::NotSent { .. }), "{sent:?}");
    assert_eq!(server.requests().len(), before);
}

#[tokio::test]
async fn nothing_left_in_the_window_means_waiting() {
    let server = Server::start(|_, _| {
        Reply::new(
            200,
            &["x-ratelimit-remaining: 0", "x-ratelimit-reset: 1"],
            "{}",
        )
    })
    .await;
    let client = client(&server.url);
    let begin = tokio::time::Instant::now();
    client.get("a", &[]).await.unwrap();
    assert!(begin.elapsed() < Duration::from_millis(900));
    client.get("a", &[]).await.unwrap();
    assert!(begin.elapsed() >= Duration::from_millis(900));
}

#[test]
fn waits_are_read_in_every_documented_form() {
    let date = Time::parse("2026-11-22T10:00:00Z");
    let longest = Duration::from_secs(1000);
    let wait = |name: &'static str, value: &str| {
        stated_wait(&headers(&[(name, value)]), date, longest).map(|d| d.as_secs())
    };
    assert_eq!(wait("retry-after", "7"), Some(7));
    let moment = "Sun, 22 Nov 2026 10:00:30 GMT";
    assert_eq!(wait("retry-after", moment), Some(30));
    let past = "Sun, 22 Nov 2026 09:00:00 GMT";
    assert_eq!(wait("retry-after", past), Some(0));
    let epoch = date.unwrap().micros() / 1_000_000;
    assert_eq!(wait("x-ratelimit-reset", &(epoch + 9).to_string()), Some(9));
    let millis = (epoch * 1000 + 1500).to_string();
    assert_eq!(wait("x-retry-after", &millis), Some(2));
    assert_eq!(wait("x-ratelimit-reset", "59"), Some(59));
    assert_eq!(wait("x-ratelimit-reset", "999999999"), Some(1000));
    assert_eq!(wait("x-retry-after", &u64::MAX.to_string()), None);
    assert_eq!(wait("x-rate-limit-user-reset", &millis), Some(2));
    assert_eq!(wait("x-rate-limit-workspace-reset", "12"), Some(12));
    // which of the two ran out is not said: the later one
    let two = [
        ("x-rate-limit-user-reset", "3"),
        ("x-rate-limit-workspace-reset", "40"),
    ];
    let both = stated_wait(&headers(&two), date, longest);
    assert_eq!(both, Some(Duration::from_secs(40)));
    assert_eq!(wait("retry-after", "soon"), None);
    assert_eq!(wait("retry-after", "-5"), None);
    // a moment cannot be read without the tenant's own time
    let undated = headers(&[("x-ratelimit-reset", "1790000000")]);
    assert_eq!(stated_wait(&undated, None, longest), None);
}

#[test]
fn backoff_grows_stays_bounded_and_repeats_itself() {
    let limits = Limits::default();
    for attempt in 1..40 {
        let pause = backoff(&limits, attempt, "key");
        assert_eq!(pause, backoff(&limits, attempt, "key"));
        assert!(pause <= limits.longest_backoff);
        assert!(pause >= limits.first_backoff / 2);
    }
    assert!(backoff(&limits, 4, "key") > backoff(&limits, 1, "key"));
    assert_ne!(backoff(&limits, 3, "key"), backoff(&limits, 3, "other"));
}

#[tokio::test]
async fn a_change_is_one_request_whatever_comes_back() {
    let server = Server::start(|r, _| match r.target.as_str() {
        "/503" => Reply::new(503, &["retry-after: 0"], "busy"),
        "/429" => Reply::new(429, &["retry-after: 0"], ""),
        "/mute" => Reply::Silence,
        "/cut" => Reply::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{".to_vec()),
        "/gone" => Reply::Bytes(Vec::new()),
        _ => Reply::json(200, &json!({"ok": 1})),
    })
    .await;
    let client = client(&server.url);
    let count = |path: &str| {
        let all = server.requests();
        all.iter().filter(|r| r.target == path).count()
    };
    let send = async |path: &str| client.send_once(&put(path, r#"{"a":1}"#)).await;

    let sent = send("/503").await;
    assert!(
        matches!(sent, Sent::Answered { status: 503, .. }),
        "{sent:?}"
    );
    let sent = send("/429").await;
    let turned_away = matches!(
        sent,
        Sent::TurnedAway {
            seconds: Some(0),
            ..
        }
    );
    assert!(turned_away, "{sent:?}");
    for path in ["/mute", "/gone"] {
        let sent = send(path).await;
        assert!(matches!(sent, Sent::Lost { status: None, .. }), "{sent:?}");
    }
    let sent = send("/cut").await;
    let lost = matches!(
        sent,
        Sent::Lost {
            status: Some(200),
            ..
        }
    );
    assert!(lost, "{sent:?}");
    let sent = send("/fine").await;
    assert!(
        matches!(sent, Sent::Answered { status: 200, .. }),
        "{sent:?}"
    );
    for path in ["/503", "/429", "/mute", "/cut", "/gone", "/fine"] {
        assert_eq!(count(path), 1, "{path}");
    }
    let last = server.requests().pop().unwrap();
    assert_eq!(
        (last.method.as_str(), last.body.as_str()),
        ("PUT", r#"{"a":1}"#)
    );
}

#[tokio::test]
async fn a_change_that_found_no_connection_was_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let refused = client(&format!("http://{address}"));
    let sent = refused.send_once(&put("x", "{}")).await;
    assert!(matches!(sent, Sent::NotSent { .. }), "{sent:?}");
    // a server without TLS: the handshake fails before a byte of HTTP is written
    let plain = Server::start(|_, _| Reply::json(200, &json!({}))).await;
    let secure = client(&plain.url.replace("http://", "https://"));
    let sent = secure.send_once(&put("x", "{}")).await;
    assert!(matches!(sent, Sent::NotSent { .. }), "{sent:?}");
    assert!(plain.requests().is_empty());
}

#[tokio::test]
async fn a_redirect_is_never_followed_and_no_other_origin_is_contacted() {
    let foreign = Server::start(|_, _| Reply::json(200, &json!({}))).await;
    let location = format!("location: {}/stolen", foreign.url);
    let server = Server::start(move |r, _| {
        let status = if r.method == "GET" { 302 } else { 307 };
        Reply::new(status, &[&location], "")
    })
    .await;
    let client = client(&server.url);
    assert_eq!(client.get("a", &[]).await.unwrap().status, 302);
    let sent = client.send_once(&put("a", "{}")).await;
    assert!(
        matches!(sent, Sent::Answered { status: 307, .. }),
        "{sent:?}"
    );
    assert_eq!(server.requests().len(), 2);
    assert!(foreign.requests().is_empty());
    let away = client.get(&format!("{}/x", foreign.url), &[]).await;
    assert!(matches!(away, Err(HttpError::Address { .. })), "{away:?}");
    assert!(foreign.requests().is_empty());
}

/// 65,536 zero bytes in gzip, 96 bytes long.
fn gzip_of_zeros() -> Vec<u8> {
    let mut bytes = hex::decode("1f8b08000000000002ffedc101010000008090feafee080a").unwrap();
    bytes.extend_from_slice(&[0; 63]);
    bytes.extend_from_slice(&hex::decode("6aeb8e97d700000100").unwrap());
    bytes
}

#[tokio::test]
async fn bodies_are_bounded_while_they_stream() {
    let server = Server::start(|r, _| match r.target.as_str() {
        "/long" => Reply::new(200, &[], vec![b' '; 20_000]),
        "/endless" => {
            let mut bytes = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_vec();
            bytes.extend(vec![b' '; 2_000_000]);
            Reply::Bytes(bytes)
        }
        "/gzip" => Reply::new(200, &["content-encoding: gzip"], gzip_of_zeros()),
        _ => Reply::new(200, &[], vec![b' '; 5000]),
    })
    .await;
    let client = client(&server.url);
    for path in ["long", "endless"] {
        let answer = client.get(path, &[]).await;
        assert_eq!(answer, Err(HttpError::TooLarge { limit: 10_000 }), "{path}");
    }
    // well below the limit on the wire, beyond it once decompressed
    let answer = client.get("gzip", &[]).await;
    assert_eq!(answer, Err(HttpError::TooLarge { limit: 10_000 }));
    assert_eq!(
        client.get("fits", &[]).await.unwrap().payload,
        Payload::Empty
    );
    let sent = client.send_once(&put("change", "{}")).await;
    let lost = matches!(
        sent,
        Sent::Lost {
            status: Some(200),
            ..
        }
    );
    assert!(lost, "{sent:?}");
}

#[tokio::test]
async fn evidence_has_no_traces_no_secret_and_an_end() {
    let client = client("http://127.0.0.1:1");
    let body = json!({
        "error": {"message": format!("bad {TOKEN}"), "stack": "at Secret.Code()",
            "inner": [{"StackTrace": "at Other()"}]},
        "long": "ü".repeat(9000),
    });
    let kept = client.evidence(body.to_string().as_bytes());
    assert!(kept.len() <= EVIDENCE_BYTES);
    assert!(kept.contains("bad …"), "{kept}");
    assert!(!kept.contains("Code()") && !kept.contains("Other()") && !kept.contains(TOKEN));
    let broken = client.evidence(br#"{"error":{"message":"x","stack":"at Secret.Code("#);
    assert!(
        broken.contains("message") && !broken.contains("Code"),
        "{broken}"
    );
    assert!(!client.evidence(b"\xff\xfe<html>").is_empty());
}

#[tokio::test]
async fn secrets_and_queries_are_in_no_text() {
    let client = client("http://127.0.0.1:1");
    let e = client.get("p", &[("email", "ada@example.com")]).await;
    let e = e.unwrap_err();
    let sent = client.send_once(&put("p", "{}")).await;
    let texts = format!("{client:?} {e} {e:?} {sent:?} {:?}", Secret::new(TOKEN));
    for hidden in [TOKEN, "ada@example.com", "ada%40", "Bearer"] {
        assert!(!texts.contains(hidden), "{texts}");
    }
    let unusable = Client::new("http://127.0.0.1:1", None, limits())
        .unwrap()
        .with_credential("authorization", "Bearer ", Secret::new("sk-line\nbreak"))
        .unwrap_err();
    assert!(!format!("{unusable} {unusable:?}").contains("sk-line"));
}

/// The name of a call by which support finds it; what could be anything else is no such name.
#[tokio::test]
async fn an_answer_says_how_the_service_calls_the_call() {
    let server = Server::start(|request, _| match request.target.as_str() {
        "/plain" => Reply::new(200, &["x-request-id: 8a1b-c_2.FRA"], "{}"),
        "/ray" => Reply::new(
            500,
            &["cf-ray: 8a1bFRA", "x-request-id: ada@example.com"],
            "{}",
        ),
        "/429" => Reply::new(429, &["x-correlation-id: abc", "retry-after: 0"], "{}"),
        "/secret" => Reply::new(200, &[&format!("request-id: {TOKEN}")], "{}"),
        "/long" => Reply::new(200, &[&format!("request-id: {}", "a".repeat(129))], "{}"),
        _ => Reply::new(200, &[], "{}"),
    })
    .await;
    let client = client(&server.url);
    let mut names = Vec::new();
    for path in ["/plain", "/ray", "/429", "/secret", "/long", "/none"] {
        names.push(match client.send_once(&put(path, "{}")).await {
            Sent::NotSent { .. } => None,
            Sent::TurnedAway { request_id, .. }
            | Sent::Answered { request_id, .. }
            | Sent::Lost { request_id, .. } => request_id,
        });
    }
    let names: Vec<_> = names.iter().map(|n| n.as_deref()).collect();
    let wanted = [
        Some("8a1b-c_2.FRA"),
        Some("8a1bFRA"),
        Some("abc"),
        None,
        None,
        None,
    ];
    assert_eq!(names, wanted);
}
