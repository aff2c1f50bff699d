//! When being missing from reads becomes being gone.

use crate::domain::id::Seq;
use crate::domain::policy::AbsentLimits;
use crate::domain::rows::PersonRow;
use crate::domain::time::Time;

/// What one more complete read without a person comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing {
    /// How many complete reads in a row have now not had the person.
    pub reads: u64,
    /// Counting began anew with this one: some read since the last count was not complete.
    pub anew: bool,
    /// The reads are enough. What is still needed is that the source itself says, asked for the
    /// person by key over a new connection, that there is no such entry.
    pub look_up: bool,
}

/// Counts one more complete read that did not have `person`, at `now`.
///
/// `unbroken` is the first of the complete reads that follow each other up to the one before this;
/// `None` if that one was not complete, or if there was none. Only reads in one such row count
/// together: whatever came in between, nobody knows what it would have shown.
pub fn count(
    person: &PersonRow,
    unbroken: Option<Seq>,
    limits: &AbsentLimits,
    now: Time,
) -> Missing {
    let counted = person.missed.as_ref().filter(|missed| {
        // an entry about a person comes after that of the read which it follows from
        unbroken.is_some_and(|first| first < missed.seq)
    });
    let Some(missed) = counted else {
        return Missing {
            reads: 1,
            anew: person.missed.is_some(),
            look_up: false,
        };
    };
    let reads = missed.reads.saturating_add(1);
    let minutes = now.seconds_since(missed.since) / 60;
    let long_enough = u64::try_from(minutes).is_ok_and(|m| m >= limits.over_minutes);
    Missing {
        reads,
        anew: false,
        look_up: reads >= limits.reads && long_enough,
    }
}

#[cfg(test)]
mod tests;
