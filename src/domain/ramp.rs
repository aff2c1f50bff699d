//! How the steps that are due would be let through, day by day: the first plan of a tenant waits for
//! its release and then goes a few a day; what comes later meets the brakes.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::time::DAY_SECONDS;
use crate::domain::time::Time;

/// How many steps one day has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RampDay {
    /// The beginning of the day.
    pub day: Time,
    /// Steps that can be taken.
    pub steps: u64,
}

/// What would follow at one tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Ramp {
    /// Steps of the first plan; 0 if the tenant has had its first plan released already.
    pub first_plan: u64,
    /// How many of them go through a day.
    pub per_day: u64,
    /// How many steps a day the brakes believe otherwise.
    pub believable_per_day: u64,
    /// The days on which something would be done.
    pub days: Vec<RampDay>,
}

impl Ramp {
    /// All steps.
    pub fn steps(&self) -> u64 {
        self.days.iter().map(|day| day.steps).sum()
    }

    /// The last day.
    pub fn ends(&self) -> Option<Time> {
        self.days.last().map(|day| day.day)
    }
}

/// Lays steps out that are due at some moments, none before `now`. What is due on the first of the
/// days is the first plan, if `is_first`.
pub fn lay_out(
    due: &[Time],
    now: Time,
    is_first: bool,
    per_day: u64,
    believable_per_day: u64,
) -> Ramp {
    let mut by_day: BTreeMap<Time, u64> = BTreeMap::new();
    for at in due {
        *by_day.entry((*at).max(now).start_of_day()).or_default() += 1;
    }
    let mut ramp = Ramp {
        per_day,
        believable_per_day,
        ..Ramp::default()
    };
    let mut taken: BTreeMap<Time, u64> = BTreeMap::new();
    let mut begin = None;
    if is_first && let Some((day, steps)) = by_day.pop_first() {
        ramp.first_plan = steps;
        spread(&mut taken, day, steps, per_day);
    }
    for (day, steps) in by_day {
        // what waits from the days before goes first
        let from = begin.map_or(day, |begun: Time| begun.max(day));
        begin = spread(&mut taken, from, steps, believable_per_day);
    }
    ramp.days = taken
        .into_iter()
        .map(|(day, steps)| RampDay { day, steps })
        .collect();
    ramp
}

/// Adds steps to the days from one on, at most so many a day; says on which day it ended. A limit of
/// nothing lays them all on the first day, rather than never ending.
fn spread(taken: &mut BTreeMap<Time, u64>, from: Time, steps: u64, limit: u64) -> Option<Time> {
    let limit = if limit == 0 { steps } else { limit };
    let (mut day, mut left, mut last) = (from, steps, None);
    while left > 0 {
        let own = left.min(limit);
        *taken.entry(day).or_default() += own;
        left -= own;
        last = Some(day);
        day = day.plus_seconds(DAY_SECONDS);
    }
    last
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        Time::parse(text).unwrap()
    }

    fn days(ramp: &Ramp) -> Vec<(String, u64)> {
        ramp.days.iter().map(|d| (d.day.day(), d.steps)).collect()
    }

    #[test]
    fn the_first_plan_goes_a_few_a_day_and_the_rest_meets_the_brakes() {
        let now = at("2026-03-02T09:00:00Z");
        let mut due = vec![at("2026-01-01T00:00:00Z"); 5];
        due.extend([at("2026-03-05T12:00:00Z"); 4]);
        due.push(at("2026-03-06T01:00:00Z"));
        let ramp = lay_out(&due, now, true, 2, 3);
        assert_eq!((ramp.first_plan, ramp.steps()), (5, 10));
        let want = [
            ("2026-03-02", 2),
            ("2026-03-03", 2),
            ("2026-03-04", 1),
            ("2026-03-05", 3),
            ("2026-03-06", 2),
        ];
        assert_eq!(days(&ramp), want.map(|(day, n)| (day.to_owned(), n)));
        assert_eq!(ramp.ends().unwrap().day(), "2026-03-06");
    }

    #[test]
    fn a_tenant_that_is_known_has_no_first_plan_and_no_limit_is_no_end() {
        let now = at("2026-03-02T09:00:00Z");
        let ramp = lay_out(&[now; 4], now, false, 1, 0);
        assert_eq!(ramp.first_plan, 0);
        assert_eq!(days(&ramp), [("2026-03-02".to_owned(), 4)]);
        assert_eq!(lay_out(&[], now, true, 1, 1).ends(), None);
    }
}
