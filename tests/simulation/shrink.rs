//! Makes a failing script smaller while it fails still.

use crate::driver;
use crate::script::Script;

/// The smallest script found, with what it breaks.
pub(crate) fn shrink(script: &Script) -> (Script, String) {
    let mut best = script.clone();
    let mut says = String::new();
    if let Some((tick, what)) = driver::play(&best).broken {
        best.ticks = best.ticks.min(tick + 1);
        best.events.retain(|(at, _)| *at < best.ticks);
        says = what;
    }
    let mut size = best.events.len().div_ceil(2).max(1);
    loop {
        let mut at = 0;
        while at < best.events.len() {
            let mut smaller = best.clone();
            smaller.events.drain(at..(at + size).min(best.events.len()));
            match driver::play(&smaller).broken {
                Some((tick, what)) => {
                    smaller.ticks = smaller.ticks.min(tick + 1);
                    (best, says) = (smaller, what);
                }
                None => at += size,
            }
        }
        if size == 1 {
            break;
        }
        size = size.div_ceil(2);
    }
    while best.people > 1 {
        let smaller = Script {
            people: best.people - 1,
            ..best.clone()
        };
        let Some((_, what)) = driver::play(&smaller).broken else {
            break;
        };
        (best, says) = (smaller, what);
    }
    (best, says)
}
