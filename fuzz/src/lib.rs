//! What the targets share: an adapter, a server with prepared answers, and what must hold.

mod server;

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use exeunt::clock::Clock;
use exeunt::clock::SystemClock;
use exeunt::config::Config;
use exeunt::config::build;
use exeunt::domain::account::AccountFacts;
use exeunt::domain::account::AccountKind;
use exeunt::domain::account::AccountState;
use exeunt::domain::account::Do;
use exeunt::domain::time::Time;
use exeunt::provider::AnswerVerdict;
use exeunt::provider::Next;
use exeunt::provider::Provider;
use exeunt::provider::Successor;
use exeunt::provider::Target;
use exeunt::provider::http;

use crate::server::Server;

struct Bench {
    server: Server,
    adapter: Box<dyn Provider>,
    runtime: tokio::runtime::Runtime,
    _home: tempfile::TempDir,
}

thread_local! {
    static BENCH: RefCell<Option<Bench>> = const { RefCell::new(None) };
}

/// The keys of `[[tenant]]` that each provider needs; the secret is the same everywhere.
fn keys(provider: &str) -> &'static str {
    match provider {
        "docspace" | "scim" => "token = { file = \"secret\" }",
        "huwise" => "api_key = { file = \"secret\" }",
        "port" => "client_id = { file = \"secret\" }\nclient_secret = { file = \"secret\" }",
        "alteryx" => "access_token = { file = \"secret\" }\nworkspace = \"17\"",
        _ => {
            "application_key = { file = \"secret\" }\napplication_secret = { file = \"secret\" }\n\
             token_key = { file = \"secret\" }\ntoken_secret = { file = \"secret\" }"
        }
    }
}

impl Bench {
    fn new(provider: &str) -> Self {
        let server = Server::start();
        let home = tempfile::tempdir().expect("a directory");
        std::fs::write(home.path().join("secret"), "a-secret-of-the-fuzzer").expect("a file");
        let path = home.path().join("exeunt.toml");
        let text = format!(
            "[ledger]\norigin = \"fuzz.example/exeunt\"\nsandbox = true\n\n[[tenant]]\n\
             name = \"one\"\nprovider = \"{provider}\"\nurl = \"{}\"\nattempts = 1\n\
             request_limit_s = 2\n{}\n",
            server.url,
            keys(provider)
        );
        std::fs::write(&path, text).expect("a file");
        let config = Config::load(&path).unwrap_or_else(|e| panic!("{e}"));
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let adapter = build::tenant(&config, &config.tenant[0], &clock);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        Self {
            server,
            adapter: adapter.unwrap_or_else(|e| panic!("{e}")),
            runtime,
            _home: home,
        }
    }
}

/// What a change is tried on.
fn target(id: &str, data: &[u8]) -> Target {
    Target {
        id: id.to_owned(),
        facts: Some(AccountFacts {
            live_keys: 0,
            no_heir: false,
            state: AccountState::Active,
            kind: AccountKind::Human,
            protected: Default::default(),
            managed_by: None,
            created_at: None,
            address_verified: true,
            hidden: Default::default(),
            future: Default::default(),
        }),
        released: Default::default(),
        successor: Some(Successor {
            id: "1002".to_owned(),
            email: Some("successor@example.com".to_owned()),
        }),
        done: match data.len() % 3 {
            0 => vec![],
            1 => vec![Do::Disable],
            _ => vec![Do::Disable, Do::Transfer],
        },
    }
}

/// Ids as each provider makes them.
fn id(provider: &str) -> &'static str {
    match provider {
        "docspace" => "6c638bd6-bc34-4e7e-81d9-c7184a264028",
        "huwise" => "someone 2026-01-02T03:04:05Z",
        "port" => "someone@example.com 2026-01-02T03:04:05.000Z",
        _ => "1001",
    }
}

/// Lets an adapter ask a server that answers with these bytes.
pub fn answers(provider: &str, data: &[u8]) {
    let Some((what, data)) = data.split_first() else {
        return;
    };
    BENCH.with_borrow_mut(|bench| {
        let bench = bench.get_or_insert_with(|| Bench::new(provider));
        bench.server.prepare(data);
        let work = ask(bench.adapter.as_ref(), provider, *what, data, &bench.server);
        let limited = async { tokio::time::timeout(Duration::from_secs(20), work).await };
        let ended = bench.runtime.block_on(limited);
        assert!(ended.is_ok(), "it hangs");
    });
}

async fn ask(adapter: &dyn Provider, provider: &str, what: u8, data: &[u8], server: &Server) {
    let now = Time::from_seconds(1_795_000_000);
    match what % 5 {
        0 => {
            if let Ok(read) = adapter.accounts(&|_| {}).await {
                let mut ids: Vec<_> = read.accounts.iter().map(|a| &a.id).collect();
                ids.dedup();
                assert_eq!(
                    ids.len(),
                    read.accounts.len(),
                    "an id twice, or out of order"
                );
                assert!(
                    ids.iter().all(|id| !id.is_empty()),
                    "an account without an id"
                );
            }
        }
        1 => {
            let read = adapter.activity(&[], now, &|_| {}).await;
            for proof in &read.signals {
                assert!(
                    proof.complete || proof.fault.is_some(),
                    "not whole, and no reason"
                );
            }
        }
        2 => {
            let gone = matches!(adapter.account(id(provider)).await, Ok(None));
            assert!(!gone || server.may_be_gone(), "gone, and no answer said so");
            let _ = adapter.owned(id(provider)).await;
        }
        3 => {
            adapter.check().await;
            let _ = adapter.clock().await;
        }
        _ => change(adapter, provider, data).await,
    }
}

async fn change(adapter: &dyn Provider, provider: &str, data: &[u8]) {
    let target = target(id(provider), data);
    let steps = adapter.kind().steps;
    let wanted = match steps.get(data.len() % (steps.len() + 1)) {
        Some(step) => step.does,
        None => Do::Restore,
    };
    if let Ok(Next::Send(order)) = adapter.prepare(&target, wanted).await {
        let answer = adapter.execute(&target, &order).await;
        if answer.verdict == AnswerVerdict::Done {
            let status = answer.status.unwrap_or_default();
            assert!((200..300).contains(&status), "done with {status}");
        }
        assert!(answer.body.len() <= http::EVIDENCE_BYTES, "a long body");
        assert!(!answer.body.contains("a-secret-of-the-fuzzer"), "a secret");
    }
    let _ = adapter.settle(&target, wanted).await;
}

/// Single texts that come from outside.
pub fn text(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Some(time) = Time::parse(text) {
        // What is shown is read back as the same.
        assert_eq!(Time::parse(&time.to_string()), Some(time));
        let _ = (time.day(), time.to_seconds_text());
    }
    let _ = Config::parse(text, "exeunt.toml");
    let encoded = http::segment(text);
    assert!(!encoded.contains(['/', '?', '#', ' ']), "{encoded}");
}
