//! How long a full read (accounts and activity) of 5,000 accounts takes at 50 ms an answer, against
//! the time that the same calls take a plain client at what each provider allows at once.
//!
//! The calls and answers are recorded once, and then played to both sides by turns. The plain
//! client knows beforehand what to ask; it keeps only the order without which nobody could know
//! it (`stages`).
//!
//! `cargo bench --bench providers`; `EXEUNT_ACCOUNTS`, `EXEUNT_MS` and `EXEUNT_TURNS` change the
//! size, `EXEUNT_ONLY` names one provider, `EXEUNT_SHOW` lists the calls.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a measurement"
)]

mod tape;

use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use exeunt::clock::Clock;
use exeunt::clock::SystemClock;
use exeunt::config::Config;
use exeunt::config::build;
use exeunt::domain::time::Time;
use exeunt::provider::KINDS;
use exeunt::provider::Provider;
use exeunt::sandbox::estate::Rehearsal;
use exeunt::sandbox::estate::Setting;
use exeunt::sandbox::estate::TENANTS;
use exeunt::sandbox::population::Population;
use futures_util::StreamExt;
use futures_util::stream;

use crate::tape::Call;
use crate::tape::Tape;

/// How many reads a provider documents as allowed at once; all others are asked one by one.
fn at_once(provider: &str) -> usize {
    match provider {
        "docspace" => 50,
        _ => 1,
    }
}

/// What must be known before a call can be made, as stages. The program reads accounts first and
/// then their activity; the first page of people says how many there are; and what shows whether a
/// log can be believed is looked at again after its walk. Nothing else waits for anything. Where
/// calls go one by one, their order is that of the recording.
fn stages(provider: &str, calls: &[Call]) -> Vec<Vec<Call>> {
    if provider != "docspace" {
        return vec![calls.to_vec()];
    }
    let mut stages: Vec<Vec<Call>> = vec![Vec::new(); 4];
    let mut probed = false;
    for call in calls {
        let path = call.path.as_str();
        let probe = path.contains("/security/") && path.contains("count=1&");
        let stage = match path {
            _ if probe && probed => 3,
            _ if path.contains("/people/filter") && !path.contains("startIndex=0") => 1,
            _ if path.contains("/people/") => 0,
            _ => 2,
        };
        probed |= probe;
        stages[stage].push(call.clone());
    }
    stages
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

fn adapter(rehearsal: &Rehearsal, home: &std::path::Path, tape: &Tape) -> Box<dyn Provider> {
    for (name, secret) in rehearsal.files("one") {
        std::fs::write(home.join(name), secret).unwrap();
    }
    let path = home.join("exeunt.toml");
    let toml = rehearsal.toml("one").replace(&rehearsal.url, &tape.url);
    let head = "[ledger]\norigin = \"bench.example/exeunt\"\nsandbox = true\n\n";
    std::fs::write(&path, format!("{head}{toml}")).unwrap();
    let config = Config::load(&path).unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    build::tenant(&config, &config.tenant[0], &clock).unwrap()
}

/// Reads everything once; the time it took.
async fn full_read(adapter: &dyn Provider, now: Time) -> Duration {
    let begun = Instant::now();
    let read = adapter.accounts(&|_| {}).await.unwrap();
    let walk = adapter.activity(&[], now, &|_| {}).await;
    let took = begun.elapsed();
    assert!(read.proof.count >= number("EXEUNT_ACCOUNTS", 5_000));
    assert!(walk.signals.iter().all(|signal| signal.complete));
    took
}

/// Makes the calls of a read and throws the answers away; the time it took.
async fn plain(tape: &Tape, provider: &str, calls: &[Call]) -> Duration {
    let client = tape::plain_client();
    let begun = Instant::now();
    for stage in stages(provider, calls) {
        let asked = stage.into_iter().map(|call| {
            let method = reqwest::Method::from_bytes(call.method.as_bytes()).unwrap();
            let request = client.request(method, format!("{}{}", tape.url, call.path));
            async { request.body(call.body).send().await?.bytes().await }
        });
        let mut answers = stream::iter(asked).buffer_unordered(at_once(provider));
        while let Some(answer) = answers.next().await {
            answer.unwrap();
        }
    }
    begun.elapsed()
}

/// The one in the middle.
fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64()
}

#[tokio::main]
async fn main() {
    let accounts = usize::try_from(number("EXEUNT_ACCOUNTS", 5_000)).unwrap();
    let latency = Duration::from_millis(number("EXEUNT_MS", 50));
    let turns = number("EXEUNT_TURNS", 5);
    let only = std::env::var("EXEUNT_ONLY").ok();
    println!("{accounts} accounts, {} ms an answer", latency.as_millis());
    println!("provider\tcalls\tat once\tplain s\tread s\tratio");
    for (name, start) in TENANTS {
        let wanted = only.as_deref().is_none_or(|only| only == *name);
        if !wanted || !KINDS.iter().any(|kind| kind.name == *name) {
            continue;
        }
        let rehearsal = start(&Setting {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            population: Population::mixed(accounts, accounts),
            now: None,
        })
        .unwrap();
        let now = Time::from_micros(rehearsal.control.now().timestamp_micros());
        let tape = Tape::before(&rehearsal.url).await;
        let home = tempfile::tempdir().unwrap();
        full_read(adapter(&rehearsal, home.path(), &tape).as_ref(), now).await;
        let calls = tape.calls();
        if std::env::var("EXEUNT_SHOW").is_ok() {
            for call in &calls {
                println!("  {} {}", call.method, call.path);
            }
        }
        let (mut plains, mut reads) = (Vec::new(), Vec::new());
        for _ in 0..turns {
            tape.play(latency);
            plains.push(plain(&tape, name, &calls).await);
            let home = tempfile::tempdir().unwrap();
            let adapter = adapter(&rehearsal, home.path(), &tape);
            tape.play(latency);
            reads.push(full_read(adapter.as_ref(), now).await);
        }
        let (plain, read) = (median(plains), median(reads));
        println!(
            "{name}\t{}\t{}\t{plain:.2}\t{read:.2}\t{:.2}",
            calls.len(),
            at_once(name),
            read / plain
        );
    }
}
