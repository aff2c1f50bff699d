//! How long a full read (accounts and activity) of 5,000 accounts takes at 50 ms an answer, against
//! the time that its calls must take at what each provider allows at once.
//!
//! `cargo bench --bench providers`; `EXEUNT_ACCOUNTS` and `EXEUNT_MS` change the size.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a measurement"
)]

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

/// How many reads a provider documents as allowed at once; all others are asked one by one.
fn at_once(provider: &str) -> u32 {
    match provider {
        "docspace" => 50,
        _ => 1,
    }
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

fn adapter(rehearsal: &Rehearsal, home: &std::path::Path) -> Box<dyn Provider> {
    for (name, secret) in rehearsal.files("one") {
        std::fs::write(home.join(name), secret).unwrap();
    }
    let path = home.join("exeunt.toml");
    let head = "[ledger]\norigin = \"bench.example/exeunt\"\nsandbox = true\n\n";
    std::fs::write(&path, format!("{head}{}", rehearsal.toml("one"))).unwrap();
    let config = Config::load(&path).unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    build::tenant(&config, &config.tenant[0], &clock).unwrap()
}

/// Reads everything once: the time it took, and how many calls.
async fn full_read(rehearsal: &Rehearsal, adapter: &dyn Provider) -> (Duration, usize) {
    rehearsal.control.clear_requests();
    let now = Time::from_micros(rehearsal.control.now().timestamp_micros());
    let begun = Instant::now();
    let read = adapter.accounts(&|_| {}).await.unwrap();
    let walk = adapter.activity(&[], now, &|_| {}).await;
    let took = begun.elapsed();
    assert!(read.proof.count >= number("EXEUNT_ACCOUNTS", 5_000));
    assert!(walk.signals.iter().all(|signal| signal.complete));
    (took, rehearsal.control.requests().len())
}

#[tokio::main]
async fn main() {
    let accounts = usize::try_from(number("EXEUNT_ACCOUNTS", 5_000)).unwrap();
    let latency = Duration::from_millis(number("EXEUNT_MS", 50));
    println!("{accounts} accounts, {} ms an answer", latency.as_millis());
    println!("provider\tcalls\tat once\tmust take s\ttook s\tratio");
    for (name, start) in TENANTS {
        if !KINDS.iter().any(|kind| kind.name == *name) {
            continue;
        }
        let rehearsal = start(&Setting {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            population: Population::mixed(accounts, accounts),
            now: None,
        })
        .unwrap();
        let home = tempfile::tempdir().unwrap();
        let adapter = adapter(&rehearsal, home.path());
        rehearsal.control.set_latency(Some(latency));
        let (took, calls) = full_read(&rehearsal, adapter.as_ref()).await;
        let rounds = u32::try_from(calls).unwrap().div_ceil(at_once(name));
        let must = latency * rounds;
        println!(
            "{name}\t{calls}\t{}\t{:.2}\t{:.2}\t{:.2}",
            at_once(name),
            must.as_secs_f64(),
            took.as_secs_f64(),
            took.as_secs_f64() / must.as_secs_f64()
        );
    }
}
