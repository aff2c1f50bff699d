//! Simulated years: the real engine, ledger and vault in a world that is made from a seed, with a
//! clock of its own, in which everything goes wrong that the program has to survive.
//!
//! Many seeds want `--profile simulation`. `EXEUNT_SEEDS=N` plays so many fresh seeds (2 if nothing is said), `EXEUNT_SEED=S` plays one
//! again, and `EXEUNT_DAYS=D` makes the worlds longer or shorter than a year.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

mod adapters;
mod checks;
mod driver;
mod house;
mod invariants;
mod process;
mod script;
mod shrink;
mod world;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::script::Random;
use crate::script::Script;

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name}={text} is no number")),
    )
}

/// Which seeds are played: the one that is named, or fresh ones.
fn seeds() -> Vec<u64> {
    if let Some(seed) = number("EXEUNT_SEED") {
        return vec![seed];
    }
    let clock = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let mut random = Random::new(clock.as_nanos() as u64);
    let count = number("EXEUNT_SEEDS").unwrap_or(2);
    (0..count).map(|_| random.below(1_000_000_000)).collect()
}

#[test]
fn what_must_hold_holds_in_every_world() {
    let (seeds, days) = (seeds(), number("EXEUNT_DAYS").unwrap_or(365));
    let (next, begun) = (AtomicU64::new(0), Instant::now());
    let failed = Mutex::new(Vec::new());
    let totals = Mutex::new(BTreeMap::<&str, usize>::new());
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::SeqCst) as usize) {
                    if !failed.lock().unwrap().is_empty() {
                        return;
                    }
                    let outcome = driver::play(&Script::of(*seed, days));
                    let mut totals = totals.lock().unwrap();
                    for (what, count) in &outcome.counts {
                        *totals.entry(what).or_default() += count;
                    }
                    *totals.entry("entries").or_default() += outcome.entries as usize;
                    *totals.entry("killed").or_default() += outcome.kills as usize;
                    drop(totals);
                    if outcome.broken.is_some() {
                        failed.lock().unwrap().push((*seed, outcome.broken));
                    }
                }
            });
        }
    });
    let seconds = begun.elapsed().as_secs_f64();
    let played = next.load(Ordering::SeqCst).min(seeds.len() as u64);
    eprintln!(
        "{played} seeds of {days} days in {seconds:.1} s: {:?}",
        totals.lock().unwrap()
    );
    let mut failed = failed.into_inner().unwrap();
    failed.sort_by_key(|(seed, _)| *seed);
    let Some((seed, Some((tick, what)))) = failed.into_iter().next() else {
        return;
    };
    eprintln!("seed {seed}, day {tick}: {what}");
    eprintln!(
        "again: EXEUNT_SEED={seed} EXEUNT_DAYS={days} cargo test --locked --profile simulation --test simulation"
    );
    if number("EXEUNT_SHRINK") != Some(0) {
        let (small, what) = shrink::shrink(&Script::of(seed, days));
        eprintln!(
            "shrunk to {} people, {} days: {what}",
            small.people, small.ticks
        );
        for (tick, event) in &small.events {
            eprintln!("  day {tick}: {event:?}");
        }
    }
    panic!("seed {seed} fails");
}
