//! Holds a command in the midst of what it does, while something else happens.

use std::process::Child;
use std::time::Duration;
use std::time::Instant;

use exeunt::sandbox::tenant::Control;
use exeunt::sandbox::tenant::GateAt;
use exeunt::sandbox::tenant::Matcher;
use exeunt::sandbox::tenant::Service;

/// Waits until a gate holds a call.
pub(crate) fn held(count: impl Fn() -> usize) {
    let began = Instant::now();
    while count() == 0 {
        assert!(began.elapsed() < Duration::from_secs(120), "no call came");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Starts a command, and has something happen while the nth of the matching requests is held.
pub(crate) fn while_held<S: Service>(
    control: &Control<S>,
    matcher: &Matcher,
    number: usize,
    start: impl FnOnce() -> Child,
    meanwhile: impl FnOnce(),
) -> Child {
    let mut gate = control.pause(matcher.clone(), GateAt::Before);
    let child = start();
    for _ in 1..number {
        held(|| control.held(gate));
        let next = control.pause(matcher.clone(), GateAt::Before);
        control.release(gate);
        gate = next;
    }
    held(|| control.held(gate));
    meanwhile();
    control.release(gate);
    child
}
