//! The world as everything shares it: its time, our own clock, randomness.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;

use exeunt::clock::Clock;
use exeunt::domain::time::Time;
use exeunt::ledger::LedgerError;
use exeunt::ledger::entropy::Entropy;

use crate::script::Random;
use crate::world::World;

/// The world, shared by everything that looks at it.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    world: Arc<Mutex<World>>,
    /// The true time in microseconds; each look at a clock takes a millisecond.
    time: Arc<AtomicI64>,
    /// By how much our own clock is wrong.
    pub(crate) skew: Arc<AtomicI64>,
}

impl Shared {
    pub(crate) fn new(world: World, now: Time) -> Self {
        Self {
            world: Arc::new(Mutex::new(world)),
            time: Arc::new(AtomicI64::new(now.micros())),
            skew: Arc::new(AtomicI64::new(0)),
        }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    pub(crate) fn now(&self) -> Time {
        Time::from_micros(self.time.load(Ordering::SeqCst))
    }

    pub(crate) fn set(&self, now: Time) {
        self.time.store(now.micros(), Ordering::SeqCst);
    }

    /// Lets happen what comes between the reads and the calls of a run.
    pub(crate) fn midway(&self) {
        let now = self.now();
        let mut world = self.world();
        for event in std::mem::take(&mut world.midway) {
            world.happen(&event, now);
        }
    }
}

/// Our own clock.
impl Clock for Shared {
    fn now(&self) -> Time {
        let now = self.time.fetch_add(1000, Ordering::SeqCst);
        Time::from_micros(now + self.skew.load(Ordering::SeqCst))
    }

    fn is_moved(&self) -> bool {
        false
    }
}

/// Randomness that comes from the seed.
#[derive(Debug)]
pub(crate) struct Seeded(pub Mutex<Random>);

impl Entropy for Seeded {
    fn fill(&self, out: &mut [u8]) -> Result<(), LedgerError> {
        let mut random = self.0.lock().unwrap();
        for byte in out {
            *byte = random.next() as u8;
        }
        Ok(())
    }
}

/// What a list is known by.
pub(crate) fn digest<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    let all: Vec<&str> = parts.collect();
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, all.join("\n").as_bytes());
    use base64::Engine as _;
    format!("sha256:{}", base64::prelude::BASE64_STANDARD.encode(hash))
}
