//! How many warnings may be given at once: a brake of their own.
//!
//! It counts as the other brakes do, in 24 hours and in seven days, for each tenant and for all
//! together. What is beyond the limit waits for a later run: whoever was not warned stays as they
//! are, so that nobody has to release it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::domain::breaker::Bases;
use crate::domain::breaker::limits_of;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::policy::BreakerLimits;
use crate::domain::time::DAY_SECONDS;
use crate::domain::time::Time;

/// A warning about an account, due or given.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Warning {
    /// The account.
    pub account: Subject,
    /// Its tenant.
    pub tenant: SourceName,
}

/// What warnings are held against.
#[derive(Debug, Clone, Copy)]
pub struct Braked<'a> {
    /// Every warning that was given or refused, and when.
    pub given: &'a [(Warning, Time)],
    /// What percentages are of.
    pub bases: &'a Bases,
    /// The numbers.
    pub limits: &'a BreakerLimits,
}

/// How far one brake has come: the accounts that were warned, and how many may be.
struct Count<'a> {
    warned: BTreeSet<&'a Subject>,
    limit: u64,
}

impl Braked<'_> {
    /// The positions of those that wait, with the limit that they meet, in the order of `due`.
    pub fn held_back(&self, due: &[Warning], now: Time) -> BTreeMap<usize, u64> {
        let mut counts: BTreeMap<(Option<&SourceName>, i64), Count<'_>> = BTreeMap::new();
        let mut held = BTreeMap::new();
        for (position, warning) in due.iter().enumerate() {
            let scopes = [Some(&warning.tenant), None];
            let brakes = scopes.iter().flat_map(|scope| [(*scope, 1), (*scope, 7)]);
            let brakes: Vec<_> = brakes.collect();
            for (scope, days) in &brakes {
                let count = || self.count(*scope, *days, now);
                counts.entry((*scope, *days)).or_insert_with(count);
            }
            let full = brakes
                .iter()
                .filter_map(|key| counts.get(key))
                .find(|count| {
                    let known = count.warned.contains(&warning.account);
                    !known && count.warned.len() as u64 >= count.limit
                });
            if let Some(count) = full {
                held.insert(position, count.limit);
                continue;
            }
            for key in &brakes {
                if let Some(count) = counts.get_mut(key) {
                    count.warned.insert(&warning.account);
                }
            }
        }
        held
    }

    fn count<'s>(&'s self, scope: Option<&SourceName>, days: i64, now: Time) -> Count<'s> {
        let base = match scope {
            Some(tenant) => self.bases.tenants.get(tenant).copied().unwrap_or(0),
            None => self.bases.accounts,
        };
        let (day, week) = limits_of(self.limits, base);
        let from = now.plus_seconds(DAY_SECONDS.saturating_mul(days).saturating_neg());
        let given = self.given.iter();
        let warned = given
            .filter(|(_, at)| *at >= from)
            .filter(|(warning, _)| scope.is_none_or(|tenant| *tenant == warning.tenant))
            .map(|(warning, _)| &warning.account);
        Count {
            warned: warned.collect(),
            limit: if days == 1 { day } else { week },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warning(tenant: &str, number: usize) -> Warning {
        Warning {
            account: Subject::new(format!("s_{tenant}_{number}")),
            tenant: SourceName::new(tenant),
        }
    }

    fn bases(accounts: u64) -> Bases {
        Bases {
            tenants: BTreeMap::from([(SourceName::new("portal"), accounts)]),
            accounts,
            ..Bases::default()
        }
    }

    /// How many of so many in `portal` wait, after others were given so many days ago.
    fn waits(due: usize, accounts: u64, given: &[(usize, i64)]) -> usize {
        let now = Time::from_seconds(1_772_000_000);
        let given: Vec<_> = given
            .iter()
            .map(|(n, days)| (warning("portal", 1000 + n), now.plus_days(-days)))
            .collect();
        let due: Vec<_> = (0..due).map(|n| warning("portal", n)).collect();
        let braked = Braked {
            given: &given,
            bases: &bases(accounts),
            limits: &BreakerLimits::default(),
        };
        braked.held_back(&due, now).len()
    }

    #[test]
    fn no_more_than_the_limit_goes_out_in_a_day_and_in_a_week() {
        assert_eq!(waits(3, 12, &[]), 0);
        assert_eq!(waits(5, 12, &[]), 2);
        assert_eq!(waits(3, 12, &[(1, 0), (2, 0)]), 2);
        assert_eq!(waits(3, 12, &[(1, 2), (2, 2)]), 0);
        assert_eq!(waits(3, 12, &[(1, 2), (2, 2), (3, 3), (4, 3), (5, 3)]), 2);
        assert_eq!(waits(3, 12, &[(1, 8), (2, 8), (3, 8), (4, 8), (5, 8)]), 0);
        assert_eq!(waits(60, 1000, &[]), 10);
    }

    #[test]
    fn whoever_was_warned_already_takes_no_second_place() {
        let now = Time::from_seconds(1_772_000_000);
        let given: Vec<_> = (0..3).map(|n| (warning("portal", n), now)).collect();
        let due: Vec<_> = (0..3).map(|n| warning("portal", n)).collect();
        let braked = Braked {
            given: &given,
            bases: &bases(12),
            limits: &BreakerLimits::default(),
        };
        assert!(braked.held_back(&due, now).is_empty());
    }
}
