//! Simulated years: the real engine, ledger and vault in a world that is made from a seed, with a
//! clock of its own, in which everything goes wrong that the program has to survive.
//!
//! Many seeds want `--profile simulation`. `EXEUNT_SEEDS=N` plays so many fresh seeds (2 if nothing
//! is said), `EXEUNT_SEED=S` plays one again, and `EXEUNT_DAYS=D` makes the worlds longer or
//! shorter than 120 days.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

mod approver;
mod checks;
mod copies;
mod directory;
mod driver;
mod happen;
mod house;
mod invariants;
mod notices;
mod process;
mod script;
mod shared;
mod shrink;
mod tenant;
mod words;
mod world;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::driver::Outcome;
use crate::script::Random;
use crate::script::Script;
use crate::script::ticks_of;

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name}={text} is no number")),
    )
}

/// Which seeds are played: the one that is named, those that come from `EXEUNT_FIRST`, or fresh ones.
fn seeds() -> Vec<u64> {
    if let Some(seed) = number("EXEUNT_SEED") {
        return vec![seed];
    }
    let clock = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let first = number("EXEUNT_FIRST").unwrap_or(clock.as_nanos() as u64);
    let mut random = Random::new(first);
    let count = number("EXEUNT_SEEDS").unwrap_or(2);
    (0..count).map(|_| random.below(1_000_000_000)).collect()
}

/// What has been played so far.
#[derive(Debug, Default)]
struct Played {
    seeds: u64,
    counts: BTreeMap<String, u64>,
    /// The seeds that failed, with the tick and what did not hold.
    failed: Vec<(u64, (u64, String))>,
}

impl Played {
    fn add(&mut self, seed: u64, outcome: Outcome) {
        self.seeds += 1;
        for (what, count) in outcome.counts {
            *self.counts.entry(what).or_default() += count;
        }
        self.failed
            .extend(outcome.broken.map(|broken| (seed, broken)));
    }

    fn tell(&self, days: u64, begun: Instant) {
        let (seeds, seconds) = (self.seeds, begun.elapsed().as_secs_f64());
        let ticks = ticks_of(days);
        eprintln!("{seeds} seeds of {days} days ({ticks} ticks) in {seconds:.1} s");
        if seeds > 0 && seeds.is_multiple_of(1000) {
            self.table();
        }
    }

    fn table(&self) {
        for (what, count) in &self.counts {
            eprintln!("  {count:>9}  {what}");
        }
    }
}

/// Plays the seeds on all cores, to the end or to the first that fails.
fn play_all(seeds: &[u64], days: u64) -> Played {
    let (next, begun) = (AtomicU64::new(0), Instant::now());
    let played = Mutex::new(Played::default());
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::SeqCst) as usize) {
                    if !played.lock().unwrap().failed.is_empty() {
                        return;
                    }
                    let outcome = driver::play(&Script::of(*seed, days));
                    let mut played = played.lock().unwrap();
                    played.add(*seed, outcome);
                    if played.seeds.is_multiple_of(100) {
                        played.tell(days, begun);
                    }
                }
            });
        }
    });
    let played = played.into_inner().unwrap();
    played.tell(days, begun);
    played.table();
    played
}

#[test]
fn what_must_hold_holds_in_every_world() {
    let days = number("EXEUNT_DAYS").unwrap_or(120);
    let mut played = play_all(&seeds(), days);
    played.failed.sort();
    let Some((seed, (tick, what))) = played.failed.into_iter().next() else {
        return;
    };
    eprintln!("seed {seed}, tick {tick}: {what}");
    eprintln!(
        "again: EXEUNT_SEED={seed} EXEUNT_DAYS={days} cargo test --locked --profile simulation --test simulation"
    );
    if number("EXEUNT_SHRINK") != Some(0) {
        let (small, what) = shrink::shrink(&Script::of(seed, days));
        eprintln!(
            "shrunk to {} people, {} ticks: {what}",
            small.people, small.ticks
        );
        for (tick, event) in &small.events {
            eprintln!("  tick {tick}: {event:?}");
        }
    }
    panic!("seed {seed} fails");
}
