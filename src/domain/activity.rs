//! Whether an account is active, proved silent, or unknown.
//!
//! Silence is only claimed where a signal reaches back far enough, was walked to its end lately,
//! and is exact enough. Everything else is unknown, and unknown never removes anybody.

use crate::domain::account::AHEAD_S;
use crate::domain::account::Signal;
use crate::domain::code::Code;
use crate::domain::policy::seconds;
use crate::domain::rows::AccountRow;
use crate::domain::rows::ActivityRow;
use crate::domain::source::SignalProof;
use crate::domain::time::DAY_SECONDS;
use crate::domain::time::Time;

/// For how many days somebody may go on working after a login without logging in again, where the
/// provider does not say and nobody has set it: a guess on the long side, which is the safe one.
pub const USUAL_SESSION_DAYS: u32 = 14;

/// What can be said about one account's activity, for one threshold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActivityState {
    /// There was a success within the threshold and the signal's precision.
    ActiveAt {
        /// The newest success.
        at: Time,
        /// Its signal.
        signal: Signal,
    },
    /// The account is younger than the threshold and the signal's precision.
    TooNew {
        /// Its creation, or where the tenant gives no date, when we first saw it.
        since: Time,
    },
    /// Proved silent for the threshold and the signal's precision.
    NoneSince {
        /// The newest success, if there ever was one in what is known.
        last: Option<Time>,
        /// How far back the signals reach on which this rests (the latest of their horizons).
        horizon: Time,
        /// What was added to the threshold, in seconds.
        precision_s: u64,
        /// `inactive.no-login` or `inactive.never-logged-in`.
        because: Code,
    },
    /// Nothing can be said.
    Unknown {
        /// Why, as a code of the family `unknown`.
        because: Code,
        /// From when on silence will be provable if nothing else happens, where that is known.
        provable_from: Option<Time>,
    },
}

/// What the judgement of activity rests on.
#[derive(Debug, Clone, Copy)]
pub struct Silence<'a> {
    /// The account.
    pub account: &'a AccountRow,
    /// The newest successes, if any were ever seen.
    pub seen: Option<&'a ActivityRow>,
    /// How far each signal of the tenant can be believed.
    pub proofs: &'a [SignalProof],
    /// How many days of silence are asked for.
    pub threshold_days: u64,
    /// How old the last whole walk may be, in seconds.
    pub max_age_s: i64,
}

impl Silence<'_> {
    /// Judges at `now`; pure, and the same for the same input for ever.
    ///
    /// A success within the threshold and one day counts as activity even where the walk that saw
    /// it is not whole, and so does the account's youth: both are certain without a proof of
    /// silence.
    pub fn judge(&self, now: Time) -> ActivityState {
        let login = self.proofs.iter().find(|p| p.signal == Signal::Login);
        let precision_s = login.and_then(|p| p.precision_s);
        // Where nobody can say how long a session lasts, a day is added and the audit log is asked.
        let added_s = precision_s.unwrap_or(DAY_SECONDS.unsigned_abs());
        let from = now.plus_seconds(seconds(added_s, 1).saturating_neg());
        let from = from.plus_seconds(seconds(self.threshold_days, DAY_SECONDS).saturating_neg());

        let believed = now.plus_seconds(AHEAD_S);
        let newest = self.newest_until(believed);
        if let Some((at, signal)) = newest.filter(|(at, _)| *at >= from) {
            return ActivityState::ActiveAt { at, signal };
        }
        if self.born() > from {
            return ActivityState::TooNew { since: self.born() };
        }
        if self.has_future(believed) {
            return ActivityState::Unknown {
                because: Code::new("unknown.future-date"),
                provable_from: None,
            };
        }
        let horizon = match self.proved(login, precision_s, from, now) {
            Ok(horizon) => horizon,
            Err((because, provable_from)) => {
                return ActivityState::Unknown {
                    because: Code::new(because),
                    provable_from,
                };
            }
        };
        let because = match newest {
            Some(_) => "inactive.no-login",
            None => "inactive.never-logged-in",
        };
        ActivityState::NoneSince {
            last: newest.map(|(at, _)| at),
            horizon,
            precision_s: added_s,
            because: Code::new(because),
        }
    }

    /// When the account came to be, as far as is known: where the tenant gives no date, it was
    /// there at the latest when we first saw it, or when it was used.
    pub fn born(&self) -> Time {
        let first_seen = self.account.first_seen;
        let used = self.newest().map_or(first_seen, |(at, _)| at);
        let created = self.account.facts.created_at;
        created.unwrap_or(first_seen.min(used))
    }

    /// The newest success of any signal.
    pub fn newest(&self) -> Option<(Time, Signal)> {
        self.newest_until(Time::from_micros(i64::MAX))
    }

    /// The newest success of any signal up to a moment.
    fn newest_until(&self, until: Time) -> Option<(Time, Signal)> {
        let seen = self.seen?;
        seen.newest
            .iter()
            .map(|(signal, mark)| (mark.since, *signal))
            .filter(|(at, _)| *at <= until)
            .max()
    }

    /// Whether the tenant names a success later than `believed`: then it says nothing about when
    /// the account was really used.
    pub(crate) fn has_future(&self, believed: Time) -> bool {
        let seen = self.seen.into_iter().flat_map(|seen| seen.newest.values());
        !self.account.facts.future.is_empty() || seen.into_iter().any(|m| m.since > believed)
    }

    /// The horizon of the signals, if together they prove everything since `from`.
    fn proved(
        &self,
        login: Option<&SignalProof>,
        precision_s: Option<u64>,
        from: Time,
        now: Time,
    ) -> Result<Time, (&'static str, Option<Time>)> {
        let login = login.ok_or(("unknown.never-walked", None))?;
        if self.account.facts.hidden.contains(&Signal::Login) {
            return Err(("unknown.not-shown", None));
        }
        let login_horizon = self.whole(login, now).map_err(|because| (because, None))?;
        let audit = self.proofs.iter().find(|p| p.signal == Signal::Audit);
        let shown = self
            .seen
            .is_some_and(|seen| seen.newest.contains_key(&Signal::Audit));
        let horizon = if precision_s.is_some() {
            // what has shown this account at work before cannot be silent because it was not read
            if let Some(audit) = audit.filter(|_| shown) {
                self.whole(audit, now).map_err(|because| (because, None))?;
            }
            login_horizon
        } else {
            let audit = audit.ok_or(("unknown.session-lifetime", None))?;
            let audit_horizon = self.whole(audit, now).map_err(|because| (because, None))?;
            login_horizon.max(audit_horizon)
        };
        if horizon > from {
            let missing_s = horizon.micros().saturating_sub(from.micros());
            let provable = Time::from_micros(now.micros().saturating_add(missing_s));
            return Err(("unknown.horizon-short", Some(provable)));
        }
        Ok(horizon)
    }

    /// The horizon of one signal, if its last walk was whole and recent.
    fn whole(&self, proof: &SignalProof, now: Time) -> Result<Time, &'static str> {
        if !proof.complete {
            return Err(match proof.fault.as_deref() {
                Some("activity.downgraded") => "unknown.downgraded",
                Some("activity.not-offered") => "unknown.not-offered",
                Some("activity.future-date") => "unknown.future-date",
                _ => "unknown.read-failed",
            });
        }
        let (Some(horizon), Some(until)) = (proof.horizon, proof.until) else {
            return Err("unknown.never-walked");
        };
        if now.seconds_since(until) > self.max_age_s {
            return Err("unknown.stale");
        }
        Ok(horizon)
    }
}

#[cfg(test)]
mod tests;
