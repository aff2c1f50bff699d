//! The only place that asks the machine for the time.

use crate::domain::time::Time;

/// Tells the time; everything else receives it as an argument.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Returns the present moment.
    fn now(&self) -> Time;
    /// Tells whether the clock was moved away from the machine's, which only a sandbox ledger allows.
    fn is_moved(&self) -> bool;
}

/// The machine's clock, moved by a fixed amount (zero outside sandboxes).
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock {
    offset_micros: i64,
}

impl SystemClock {
    /// Makes a clock that shows `now` at this moment and runs on from there.
    pub fn showing(now: Time) -> Self {
        Self {
            offset_micros: now.micros() - machine_micros(),
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Time {
        Time::from_micros(machine_micros() + self.offset_micros)
    }

    fn is_moved(&self) -> bool {
        self.offset_micros != 0
    }
}

fn machine_micros() -> i64 {
    chrono::Utc::now().timestamp_micros()
}
