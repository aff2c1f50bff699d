//! The pair that changes each time: kept before it is used, asked for by one at a time, and never
//! asked for again blindly.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use serde_json::json;

use crate::domain::account::Do;
use crate::provider::AnswerVerdict;
use crate::provider::Provider as _;
use crate::provider::ProviderError;
use crate::provider::alteryx::Alteryx;
use crate::provider::alteryx::AlteryxToken;
use crate::provider::alteryx::tests::Hand;
use crate::provider::alteryx::tests::Space;
use crate::provider::alteryx::tests::quiet;
use crate::provider::alteryx::tests::settings;
use crate::provider::http::Secret;
use crate::provider::http::scripted::Reply;
use crate::provider::http::scripted::Request;
use crate::provider::http::scripted::Server;
use crate::provider::trial::attempt;
use crate::provider::trial::order;
use crate::provider::trial::target;

/// How the token endpoint answers next.
type Says = Arc<Mutex<Option<Reply>>>;

/// A tenant and its token endpoint (one server), a place for the pair, and a clock.
struct Stage {
    server: Server,
    says: Says,
    /// Access tokens that the tenant takes; the last one is the newest.
    good: Arc<Mutex<Vec<String>>>,
    home: tempfile::TempDir,
    clock: Arc<Hand>,
}

fn field(request: &Request, name: &str) -> String {
    let mut pairs = url::form_urlencoded::parse(request.body.as_bytes());
    pairs
        .find(|(n, _)| n == name)
        .map(|(_, v)| v.into_owned())
        .unwrap_or_default()
}

/// The n-th pair, good for 299 seconds.
fn pair(n: usize) -> Value {
    json!({"access_token": format!("access-{n}"), "token_type": "Bearer", "expires_in": 299,
        "refresh_token": format!("refresh-{n}"), "scope": "openid profile"})
}

fn invalid_grant() -> Reply {
    Reply::json(
        400,
        &json!({"error": "invalid_grant",
            "error_description": "unknown, invalid, or expired refresh token"}),
    )
}

impl Stage {
    async fn set() -> Self {
        let (says, good): (Says, Arc<Mutex<Vec<String>>>) = Default::default();
        let mut valid = vec!["first".to_owned(), "second".to_owned()];
        let state = Mutex::new((0, std::mem::take(&mut valid)));
        let (reply, tokens) = (says.clone(), good.clone());
        let server = Server::start(move |request, _| {
            if request.target != "/as/token" {
                let taken = tokens.lock().unwrap().iter().any(|t| {
                    request
                        .head
                        .contains(&format!("authorization: bearer {t}\r\n"))
                });
                return match taken {
                    true => Space::new(5).answer(request),
                    false => Reply::new(401, &[], ""),
                };
            }
            let (made, valid) = &mut *state.lock().unwrap();
            let shown = field(request, "refresh_token");
            if let Some(reply) = reply.lock().unwrap().take() {
                return reply;
            }
            if !valid.contains(&shown) {
                return invalid_grant();
            }
            *made += 1;
            valid.retain(|t| *t != shown);
            valid.push(format!("refresh-{made}"));
            tokens.lock().unwrap().push(format!("access-{made}"));
            Reply::json(200, &pair(*made))
        })
        .await;
        Self {
            server,
            says,
            good,
            home: tempfile::tempdir().unwrap(),
            clock: Hand::new(),
        }
    }

    fn file(&self) -> PathBuf {
        self.home.path().join("vault.db.alteryx-w.tokens")
    }

    fn kept(&self) -> Value {
        serde_json::from_str(&std::fs::read_to_string(self.file()).unwrap()).unwrap()
    }

    /// A process of its own with this refresh token configured.
    fn process(&self, refresh: &str) -> Alteryx {
        self.process_at(refresh, &format!("{}/as", self.server.url))
    }

    fn process_at(&self, refresh: &str, token_url: &str) -> Alteryx {
        let mut settings = settings(&self.server.url);
        settings.token = AlteryxToken::Rotating {
            refresh_token: Secret::new(refresh),
            client_id: Secret::new("client-1"),
            token_url: token_url.to_owned(),
            kept: self.file(),
        };
        settings.clock = self.clock.clone();
        Alteryx::new(settings).unwrap()
    }

    fn next(&self, reply: Reply) {
        *self.says.lock().unwrap() = Some(reply);
    }

    /// The refresh tokens that were shown, in their order.
    fn shown(&self) -> Vec<String> {
        let requests = self.server.requests();
        let asked = requests.iter().filter(|r| r.target == "/as/token");
        asked.map(|r| field(r, "refresh_token")).collect()
    }
}

async fn says(adapter: &Alteryx) -> String {
    match adapter.accounts(&quiet).await.unwrap_err() {
        ProviderError::Token { what, .. } => what,
        other => unreachable!("{other}"),
    }
}

/// Line 8 of the reference's list: a run that is longer than a token goes on.
#[tokio::test]
async fn a_long_run_goes_on_with_a_new_token_and_the_pair_is_kept() {
    let stage = Stage::set().await;
    let adapter = stage.process("first");
    adapter.accounts(&quiet).await.unwrap();
    adapter.accounts(&quiet).await.unwrap();
    assert_eq!(
        stage.shown(),
        ["first"],
        "one for both, and for requests at the same time"
    );
    let request = stage
        .server
        .requests()
        .into_iter()
        .find(|r| r.method == "POST")
        .unwrap();
    assert_eq!(
        request.body,
        "grant_type=refresh_token&refresh_token=first&client_id=client-1"
    );
    assert!(!request.head.contains("authorization"));
    stage.good.lock().unwrap().clear();
    // 29 seconds before its end the next one is asked for
    stage.clock.pass(270);
    adapter.accounts(&quiet).await.unwrap();
    assert_eq!(stage.shown(), ["first", "refresh-1"]);
    let kept = stage.kept();
    assert_eq!(kept["refresh_token"], "refresh-2");
    assert_eq!(kept["access_token"], "access-2");
    assert!(kept.get("in_flight").is_none());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(stage.file())
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    // another process goes on from there, with the same configuration
    let other = stage.process("first");
    other.accounts(&quiet).await.unwrap();
    stage.clock.pass(300);
    other.accounts(&quiet).await.unwrap();
    assert_eq!(stage.shown(), ["first", "refresh-1", "refresh-2"]);
    // and the first one finds what the other has made
    adapter.accounts(&quiet).await.unwrap();
    assert_eq!(stage.shown().len(), 3);
}

#[tokio::test]
async fn processes_at_the_same_time_ask_once() {
    let stage = Stage::set().await;
    let several: Vec<_> = (0..6).map(|_| stage.process("first")).collect();
    let reads = several.iter().map(|adapter| adapter.accounts(&quiet));
    for read in futures_util::future::join_all(reads).await {
        assert_eq!(read.unwrap().accounts.len(), 5);
    }
    assert_eq!(stage.shown(), ["first"]);
}

#[tokio::test]
async fn a_lost_answer_is_told_and_the_token_is_not_tried_again() {
    for lost in [
        Reply::Silence,
        Reply::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"acc".to_vec()),
        Reply::new(502, &[], "<html>"),
        Reply::new(408, &[], ""),
        Reply::json(200, &json!({"token_type": "Bearer"})),
        Reply::new(200, &[], "<html>"),
    ] {
        let stage = Stage::set().await;
        stage.next(lost.clone());
        let adapter = stage.process("first");
        let what = says(&adapter).await;
        assert!(what.contains("answer was lost"), "{lost:?}: {what}");
        assert!(what.contains("refresh_token"), "{what}");
        // neither this process nor the next one shows it again
        assert_eq!(says(&adapter).await, what);
        assert_eq!(says(&stage.process("first")).await, what);
        assert_eq!(stage.shown(), ["first"], "{lost:?}");
        // a new secret takes its place
        stage.process("second").accounts(&quiet).await.unwrap();
        assert_eq!(stage.shown(), ["first", "second"]);
        assert_eq!(stage.kept()["refresh_token"], "refresh-1");
    }
}

#[tokio::test]
async fn the_access_token_is_used_to_its_end_when_the_next_one_was_lost() {
    let stage = Stage::set().await;
    stage.process("first").accounts(&quiet).await.unwrap();
    stage.clock.pass(275);
    stage.next(Reply::Silence);
    let adapter = stage.process("first");
    adapter.accounts(&quiet).await.unwrap();
    assert!(stage.kept().get("in_flight").is_some());
    stage.process("first").accounts(&quiet).await.unwrap();
    assert_eq!(stage.shown(), ["first", "refresh-1"]);
    stage.clock.pass(25);
    assert!(says(&adapter).await.contains("answer was lost"));
    assert_eq!(stage.shown().len(), 2);
}

#[tokio::test]
async fn what_was_certainly_not_sent_may_be_tried_again() {
    let stage = Stage::set().await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}/as", closed.local_addr().unwrap());
    drop(closed);
    let adapter = stage.process_at("first", &nobody);
    let error = adapter.accounts(&quiet).await.unwrap_err();
    assert!(
        matches!(error, ProviderError::Unreachable { .. }),
        "{error}"
    );
    assert!(error.to_string().contains("token endpoint"), "{error}");
    assert!(stage.kept().get("in_flight").is_none());
    // turned away by a quota: not looked at either
    let busy = Reply::new(429, &["x-retry-after: 700"], "");
    stage.next(busy);
    let error = stage.process("first").accounts(&quiet).await.unwrap_err();
    assert!(
        matches!(error, ProviderError::Limited { seconds: 700, .. }),
        "{error}"
    );
    // somebody else answers at the configured address
    for (status, key) in [(404, "token_url"), (302, "token_url")] {
        stage.next(Reply::new(status, &[], "<html>"));
        assert!(says(&stage.process("first")).await.contains(key));
    }
    stage.next(Reply::json(401, &json!({"error": "invalid_client"})));
    assert!(says(&stage.process("first")).await.contains("client_id"));
    stage.process("first").accounts(&quiet).await.unwrap();
    assert_eq!(stage.shown(), ["first"; 5]);
}

#[tokio::test]
async fn a_spent_token_is_told_and_not_shown_again() {
    let stage = Stage::set().await;
    stage.next(invalid_grant());
    let adapter = stage.process("first");
    let what = says(&adapter).await;
    assert!(
        what.contains("refused") && what.contains("OAuth 2.0 API token"),
        "{what}"
    );
    assert_eq!(says(&stage.process("first")).await, what);
    assert_eq!(stage.shown(), ["first"]);
    stage.process("second").accounts(&quiet).await.unwrap();
}

#[tokio::test]
async fn a_changed_secret_wins_over_what_is_kept() {
    let stage = Stage::set().await;
    stage.process("first").accounts(&quiet).await.unwrap();
    stage.process("second\n").accounts(&quiet).await.unwrap();
    assert_eq!(stage.shown(), ["first", "second"]);
}

#[tokio::test]
async fn a_token_that_ends_early_is_renewed_by_a_read_and_never_by_a_change() {
    let stage = Stage::set().await;
    let adapter = stage.process("first");
    adapter.accounts(&quiet).await.unwrap();
    let person = target("3");
    let ready = order(&adapter, &person, Do::Disable).await;
    tokio::time::sleep(std::time::Duration::from_millis(2100)).await;
    // revoked before its time
    stage.good.lock().unwrap().clear();
    let answer = adapter.execute(&person, &ready).await;
    assert_eq!(
        (answer.verdict, answer.code),
        (AnswerVerdict::Refused, "call.credentials")
    );
    assert_eq!(stage.shown(), ["first"]);
    // without a token a change is not sent at all
    let answer = adapter.execute(&person, &ready).await;
    assert_eq!(
        (answer.verdict, answer.code),
        (AnswerVerdict::Failed, "call.not-sent")
    );
    let answer = attempt(&adapter, "3", Do::Disable).await;
    assert_eq!(answer.verdict, AnswerVerdict::Done);
    assert_eq!(stage.shown(), ["first", "refresh-1"]);
    // a read that is refused asks once more with a new one
    tokio::time::sleep(std::time::Duration::from_millis(2100)).await;
    stage.good.lock().unwrap().clear();
    adapter.accounts(&quiet).await.unwrap();
    assert_eq!(stage.shown(), ["first", "refresh-1", "refresh-2"]);
}

#[tokio::test]
async fn an_answer_without_a_new_refresh_token_keeps_the_old_one() {
    let stage = Stage::set().await;
    stage.good.lock().unwrap().push("access-x".to_owned());
    let body = json!({"access_token": "access-x", "expires_in": "299"});
    stage.next(Reply::json(200, &body));
    stage.process("first").accounts(&quiet).await.unwrap();
    assert_eq!(stage.kept()["refresh_token"], "first");
}

/// Whoever can put a token together could name any address in it.
#[tokio::test]
async fn the_issuer_of_a_token_is_never_asked() {
    let evil = Server::start(|_, _| Reply::json(200, &pair(9))).await;
    let stage = Stage::set().await;
    let claims =
        json!({"iss": format!("{}/as", evil.url), "client_id": "c", "exp": 4_000_000_000_u64});
    let token = format!("e30.{}.x", URL_SAFE_NO_PAD.encode(claims.to_string()));
    stage.good.lock().unwrap().push(token.to_lowercase());
    let body = json!({"access_token": token, "expires_in": 60, "refresh_token": "refresh-x"});
    stage.next(Reply::json(200, &body));
    let adapter = stage.process("first");
    adapter.accounts(&quiet).await.unwrap();
    stage.clock.pass(3600);
    says(&adapter).await;
    assert_eq!(stage.shown(), ["first", "refresh-x"]);
    assert!(evil.requests().is_empty());
}

#[tokio::test]
async fn a_damaged_file_stops_and_is_not_written_over() {
    let stage = Stage::set().await;
    for text in [
        "",
        "{}",
        "{\"refresh_token\":\"x\"}",
        "{\"first\":1}",
        "[1]",
    ] {
        std::fs::write(stage.file(), text).unwrap();
        let what = says(&stage.process("first")).await;
        assert!(
            what.contains("damaged") && what.contains("tokens"),
            "{what}"
        );
        assert_eq!(std::fs::read_to_string(stage.file()).unwrap(), text);
    }
    assert!(stage.shown().is_empty());
}

#[tokio::test]
async fn tokens_stand_in_no_text() {
    let stage = Stage::set().await;
    let adapter = stage.process("first");
    let debug = format!("{adapter:?} {:?}", Secret::new("refresh-1"));
    assert!(
        !debug.contains("refresh-") && !debug.contains("first"),
        "{debug}"
    );
    adapter.accounts(&quiet).await.unwrap();
    let echo = adapter
        .client
        .evidence(b"{\"you sent\":\"access-1 refresh-1 first\"}");
    assert!(
        !echo.contains("access-1") && !echo.contains("refresh-1"),
        "{echo}"
    );
    stage.next(Reply::new(500, &[], "refresh-1"));
    stage.clock.pass(3600);
    let what = says(&adapter).await;
    assert!(!what.contains("refresh-"), "{what}");
}

#[test]
fn where_tokens_come_from_is_https_or_loopback() {
    let token = |url: &str, client: &str, refresh: &str| AlteryxToken::Rotating {
        refresh_token: Secret::new(refresh),
        client_id: Secret::new(client),
        token_url: url.to_owned(),
        kept: PathBuf::from("x"),
    };
    for (token, says) in [
        (
            token("http://pingauth.alteryxcloud.com/as", "c", "r"),
            "token_url",
        ),
        (token("pingauth.alteryxcloud.com", "c", "r"), "token_url"),
        (
            token("https://pingauth.alteryxcloud.com/as", " ", "r"),
            "client_id",
        ),
        (
            token("https://pingauth.alteryxcloud.com/as", "c", "\n"),
            "refresh_token",
        ),
        (AlteryxToken::Fixed(Secret::new(" ")), "access_token"),
    ] {
        let mut settings = settings("http://127.0.0.1:9");
        settings.token = token;
        let error = Alteryx::new(settings).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    let mut settings = settings("http://127.0.0.1:9");
    settings.token = token("https://pingauth.alteryxcloud.com/as/token", "c", "r");
    assert!(!Alteryx::new(settings).unwrap().is_loopback());
}
