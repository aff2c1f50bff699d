//! Everybody's activity is what it is, or unknown; nobody is silent who is not.

use std::collections::BTreeMap;

use chrono::DateTime;
use chrono::Utc;
use exeunt::domain::account::AccountRecord;
use exeunt::domain::account::Signal;
use exeunt::domain::activity::ActivityState;
use exeunt::domain::activity::Silence;
use exeunt::domain::rows::AccountRow;
use exeunt::domain::rows::ActivityRow;
use exeunt::domain::rows::Mark;
use exeunt::domain::source::SignalProof;
use exeunt::domain::time::Time;
use exeunt::provider::AccountsRead;
use exeunt::provider::ActivityRead;
use exeunt::sandbox::population::Population;
use serde_json::json;

use crate::provider::conformance::house::One;
use crate::provider::conformance::house::Plan;
use crate::provider::conformance::house::cases;
use crate::provider::conformance::truth;

/// After how many days somebody counts as silent here.
const DAYS: u64 = 60;
/// Dates come with the precision of the wire.
const APART_S: i64 = 2;

/// One read of accounts and activity, put together as the engine does.
pub(crate) struct Seen {
    pub(crate) read: AccountsRead,
    pub(crate) walk: ActivityRead,
    pub(crate) now: Time,
}

impl Seen {
    pub(crate) async fn of(one: &One) -> Result<Self, exeunt::provider::ProviderError> {
        let read = one.read().await?;
        let now = one.now();
        let walk = one.adapter.activity(&[], now, &|_| {}).await;
        Ok(Self { read, walk, now })
    }

    fn proofs(&self) -> Vec<SignalProof> {
        let all = self.read.signals.iter().chain(&self.walk.signals);
        all.cloned().collect()
    }

    /// The newest success of each signal.
    fn newest(&self, account: &AccountRecord) -> BTreeMap<Signal, Time> {
        let mut newest = account.seen.clone();
        for (signal, accounts) in &self.walk.seen {
            let at = accounts.get(&account.id).and_then(|seen| seen.newest);
            if let Some(at) = at {
                let known = newest.entry(*signal).or_insert(at);
                *known = (*known).max(at);
            }
        }
        newest
    }

    pub(crate) fn judge(&self, account: &AccountRecord) -> ActivityState {
        let subject = format!("s_{:032x}", 7);
        let seen = self.now.plus_days(-900);
        let row = json!({
            "subject": subject, "tenant": "one", "first": 0, "first_seen": seen, "seq": 0,
            "facts": account.facts,
        });
        let row: AccountRow = serde_json::from_value(row).unwrap();
        let mark = |at: Time| -> Mark {
            serde_json::from_value(json!({ "seq": 0, "since": at })).unwrap()
        };
        let newest = self.newest(account).into_iter();
        let seen = ActivityRow {
            subject: row.subject.clone(),
            newest: newest.map(|(signal, at)| (signal, mark(at))).collect(),
        };
        let silence = Silence {
            account: &row,
            seen: Some(&seen),
            proofs: &self.proofs(),
            threshold_days: DAYS,
            max_age_s: 86_400,
        };
        silence.judge(self.now)
    }
}

fn micros(at: DateTime<Utc>) -> Time {
    Time::from_micros(at.timestamp_micros())
}

#[tokio::test]
async fn everybodys_newest_login_is_the_true_one_and_nobody_is_silent_who_is_not() {
    let now = Utc::now();
    let population = Population::mixed(400, 1_500);
    let logins = truth::logins(&population, now);
    for (name, start) in cases() {
        let plan = Plan {
            now: Some(now),
            ..Plan::new(start, population.clone())
        };
        let one = plan.open();
        let seen = Seen::of(&one)
            .await
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        let others = truth::other_signs(&one);
        let signals = one.adapter.kind().signals.iter();
        let signals: Vec<_> = signals.copied().filter(|s| *s != Signal::Login).collect();
        for signal in &signals {
            let walked = seen.proofs().iter().any(|proof| proof.signal == *signal);
            assert_ne!(
                walked,
                truth::is_unwalked(name, *signal),
                "{name}: {signal:?}"
            );
            let told = others.keys().filter(|(s, _)| s == signal).count();
            assert!(told > 50, "{name}: {signal:?} of {told} alone");
        }
        let (mut active, mut silent, mut unknown) = (0, 0, 0);
        for account in &seen.read.accounts {
            let address = account.email.clone().unwrap_or_default();
            if truth::is_robot(name, &address) {
                continue;
            }
            let state = seen.judge(account);
            let true_login = logins.get(&address).copied().map(micros);
            let about = format!("{name}: {address}: {state:?}, in truth {true_login:?}");
            holds(&seen, account, &state, true_login, &about);
            let other = |signal: &Signal| others.get(&(*signal, address.clone()));
            let other = |signal: Signal| other(&signal).copied().map(micros);
            for signal in signals.iter().filter(|s| !truth::is_unwalked(name, **s)) {
                other_holds(&seen, account, &state, (*signal, other(*signal)), &about);
            }
            match state {
                ActivityState::ActiveAt { .. } => active += 1,
                ActivityState::NoneSince { .. } => silent += 1,
                ActivityState::TooNew { .. } => {}
                ActivityState::Unknown { .. } => unknown += 1,
            }
        }
        assert!(
            active > 100,
            "{name}: {active} active, {silent} silent, {unknown} unknown"
        );
        assert!(
            silent > 10,
            "{name}: {active} active, {silent} silent, {unknown} unknown"
        );
    }
}

/// Fails unless the state follows from the truth.
fn holds(
    seen: &Seen,
    account: &AccountRecord,
    state: &ActivityState,
    true_login: Option<Time>,
    about: &str,
) {
    let hidden = account.facts.hidden.contains(&Signal::Login);
    let shown = seen.newest(account).get(&Signal::Login).copied();
    match (shown, true_login) {
        (Some(shown), Some(truth)) => {
            assert!(
                shown.seconds_since(truth).abs() <= APART_S,
                "{about}: shows {shown}"
            );
        }
        (Some(shown), None) => panic!("{about}: shows {shown}"),
        (None, Some(_)) => assert!(hidden, "{about}: shows nothing and does not say so"),
        (None, None) => {}
    }
    let lately = true_login.filter(|at| seen.now.days_since(*at) < DAYS as i64);
    match state {
        ActivityState::ActiveAt { at, signal } => {
            // what is shown of each signal is held against the truth besides
            assert_eq!(seen.newest(account).get(signal), Some(at), "{about}");
            assert!(seen.now.days_since(*at) < DAYS as i64 + 15, "{about}");
        }
        ActivityState::NoneSince { last, .. } => {
            assert!(!hidden, "{about}: hidden is not silent");
            assert!(lately.is_none(), "{about}");
            assert_eq!(last.is_some(), shown.is_some(), "{about}");
        }
        ActivityState::TooNew { .. } => assert!(lately.is_none(), "{about}"),
        ActivityState::Unknown { .. } => {
            let proved = seen
                .proofs()
                .iter()
                .any(|p| p.signal == Signal::Login && p.complete && p.precision_s.is_some());
            assert!(
                hidden || !proved,
                "{about}: nothing is hidden and the walk was whole"
            );
        }
    }
}

/// Fails unless what is shown beside logins is true, and nobody is silent who shows it lately.
fn other_holds(
    seen: &Seen,
    account: &AccountRecord,
    state: &ActivityState,
    (signal, truth): (Signal, Option<Time>),
    about: &str,
) {
    let shown = seen.newest(account).get(&signal).copied();
    match (shown, truth) {
        (Some(shown), Some(truth)) => {
            let apart = shown.seconds_since(truth).abs();
            assert!(apart <= APART_S, "{about}: {signal:?} {shown}, not {truth}");
        }
        (Some(shown), None) => panic!("{about}: {signal:?} {shown} of nothing"),
        (None, Some(truth)) => {
            let hidden = account.facts.hidden.contains(&signal);
            assert!(hidden, "{about}: {signal:?} lacks {truth}");
        }
        (None, None) => {}
    }
    let lately = truth.is_some_and(|at| seen.now.days_since(at) < DAYS as i64);
    let silent = matches!(state, ActivityState::NoneSince { .. });
    assert!(!(lately && silent), "{about}: {signal:?} lately");
}
