//! Points at which the tests kill or stop the process: nothing is promised but what is durable
//! there.
//!
//! `EXEUNT_KILL_AT=NAME` dies at the point NAME as by `kill -9`, and `EXEUNT_STOP_AT=NAME` stops
//! there until SIGCONT; `NAME@2` means the second time that it is reached. Only in debug builds: a
//! release build has no such thing.

#[cfg(debug_assertions)]
use std::sync::atomic::AtomicU32;
#[cfg(debug_assertions)]
use std::sync::atomic::Ordering;

/// Dies or stops here if the environment names this point.
#[cfg(debug_assertions)]
pub fn point(name: &str) {
    static KILL: Order = Order::new("EXEUNT_KILL_AT");
    static STOP: Order = Order::new("EXEUNT_STOP_AT");
    if STOP.is_due(name) {
        signal("STOP");
    }
    if fuse_is_due() {
        // no panic: nothing is printed, and the simulation catches it
        std::panic::resume_unwind(Box::new(Killed));
    }
    if KILL.is_due(name) {
        signal("KILL");
        // The signal may take a moment; nothing more may happen until it comes.
        loop {
            std::thread::park();
        }
    }
}

/// What the simulation catches where a program would have died.
#[cfg(debug_assertions)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Killed;

#[cfg(debug_assertions)]
std::thread_local! {
    /// How many points are still passed before this thread unwinds; 0 for never.
    static FUSE: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

/// Unwinds this thread with [`Killed`] at the `n`-th point from now on, so that a simulation in one
/// process can drop everything there and open it again; 0 takes the order back.
#[cfg(debug_assertions)]
pub fn unwind_at(n: u32) {
    FUSE.with(|fuse| fuse.set(n));
}

#[cfg(debug_assertions)]
fn fuse_is_due() -> bool {
    FUSE.with(|fuse| {
        let left = fuse.get();
        fuse.set(left.saturating_sub(1));
        left == 1
    })
}

/// Dies or stops here if the environment names `STAGE:KIND` for one of these kinds of entries.
#[cfg(debug_assertions)]
pub fn point_for<'a>(stage: &str, kinds: impl IntoIterator<Item = &'a str>) {
    for kind in kinds {
        point(&format!("{stage}:{kind}"));
    }
}

/// Which point a variable of the environment names, and how often it was reached.
#[cfg(debug_assertions)]
struct Order {
    variable: &'static str,
    reached: AtomicU32,
}

#[cfg(debug_assertions)]
impl Order {
    const fn new(variable: &'static str) -> Self {
        Self {
            variable,
            reached: AtomicU32::new(0),
        }
    }

    fn is_due(&self, name: &str) -> bool {
        let Ok(wanted) = std::env::var(self.variable) else {
            return false;
        };
        let (wanted, time) = match wanted.split_once('@') {
            Some((wanted, time)) => (wanted.to_owned(), time.parse().unwrap_or(1)),
            None => (wanted, 1),
        };
        wanted == name && self.reached.fetch_add(1, Ordering::SeqCst) + 1 == time
    }
}

#[cfg(debug_assertions)]
fn signal(signal: &str) {
    let own = std::process::id().to_string();
    // The shell's own `kill`: a small machine may have no program of that name.
    let order = ["-c", "kill -s \"$0\" \"$1\"", signal, own.as_str()];
    drop(std::process::Command::new("/bin/sh").args(order).status());
}

/// Does nothing.
#[cfg(not(debug_assertions))]
pub fn point(_name: &str) {}

/// Does nothing.
#[cfg(not(debug_assertions))]
pub fn point_for<'a>(_stage: &str, _kinds: impl IntoIterator<Item = &'a str>) {}
