use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::domain::account::AccountFacts;
use crate::domain::account::AccountKind;
use crate::domain::account::AccountState;
use crate::domain::activity::*;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::rows::Mark;

const HOUR: i64 = 3600;

fn now() -> Time {
    Time::from_seconds(1_800_000_000)
}

fn ago(days: i64) -> Time {
    now().plus_days(-days)
}

fn account(created: Option<Time>, first_seen: Time) -> AccountRow {
    AccountRow {
        subject: Subject::new("s_1"),
        tenant: SourceName::new("portal"),
        first: 1,
        first_seen,
        seq: 1,
        facts: AccountFacts {
            live_keys: 0,
            no_heir: false,
            future: BTreeSet::new(),
            state: AccountState::Active,
            kind: AccountKind::Human,
            protected: BTreeSet::new(),
            managed_by: None,
            created_at: created,
            address_verified: true,
            hidden: BTreeSet::new(),
        },
        disabled: None,
        named: None,
        gone: None,
        reappeared: None,
        enabled_again: None,
        cleared: None,
    }
}

fn proof(signal: Signal, horizon: Time, precision_s: Option<u64>) -> SignalProof {
    SignalProof {
        signal,
        complete: true,
        fault: None,
        horizon: Some(horizon),
        until: Some(now()),
        precision_s,
        watermark: None,
        pages: 1,
        events: 1,
    }
}

fn judge(account: &AccountRow, newest: &[(Signal, Time)], proofs: &[SignalProof]) -> ActivityState {
    let mark = |since| Mark { seq: 2, since };
    let seen = ActivityRow {
        subject: account.subject.clone(),
        newest: newest
            .iter()
            .map(|(s, at)| (*s, mark(*at)))
            .collect::<BTreeMap<_, _>>(),
    };
    Silence {
        account,
        seen: (!newest.is_empty()).then_some(&seen),
        proofs,
        threshold_days: 90,
        max_age_s: 24 * HOUR,
    }
    .judge(now())
}

fn says(state: &ActivityState) -> String {
    match state {
        ActivityState::ActiveAt { .. } => "active".to_owned(),
        ActivityState::TooNew { .. } => "too-new".to_owned(),
        ActivityState::NoneSince { because, .. } | ActivityState::Unknown { because, .. } => {
            because.as_str().to_owned()
        }
    }
}

fn old() -> AccountRow {
    account(Some(ago(1000)), ago(1000))
}

#[test]
fn silence_is_proved_to_the_second_with_the_precision_added() {
    let hour = Some(HOUR.unsigned_abs());
    let edge = ago(90).plus_seconds(-HOUR);
    let whole = [proof(Signal::Login, edge, hour)];
    let just_before = edge.plus_seconds(-1);
    let state = judge(&old(), &[(Signal::Login, just_before)], &whole);
    assert_eq!(
        state,
        ActivityState::NoneSince {
            last: Some(just_before),
            horizon: edge,
            precision_s: 3600,
            because: Code::new("inactive.no-login"),
        }
    );
    let at_the_edge = judge(&old(), &[(Signal::Login, edge)], &whole);
    assert_eq!(
        at_the_edge,
        ActivityState::ActiveAt {
            at: edge,
            signal: Signal::Login
        }
    );
    let short = [proof(Signal::Login, edge.plus_seconds(5), hour)];
    assert_eq!(
        judge(&old(), &[(Signal::Login, just_before)], &short),
        ActivityState::Unknown {
            because: Code::new("unknown.horizon-short"),
            provable_from: Some(now().plus_seconds(5)),
        }
    );
}

#[test]
fn an_account_is_too_new_by_its_creation_or_by_when_it_was_first_seen() {
    let whole = [proof(Signal::Login, ago(365), Some(0))];
    assert_eq!(
        says(&judge(&account(Some(ago(89)), ago(500)), &[], &whole)),
        "too-new"
    );
    assert_eq!(
        says(&judge(&account(None, ago(89)), &[], &whole)),
        "too-new"
    );
    let exactly = account(Some(ago(90)), ago(1));
    assert_eq!(
        says(&judge(&exactly, &[], &whole)),
        "inactive.never-logged-in"
    );
    // whoever logged in before we looked was there before we looked
    let login = [(Signal::Login, ago(200))];
    assert_eq!(
        says(&judge(&account(None, ago(1)), &login, &whole)),
        "inactive.no-login"
    );
    assert_eq!(
        says(&judge(&account(Some(ago(89)), ago(500)), &login, &whole)),
        "too-new"
    );
    // youth is certain even where nothing else is
    assert_eq!(says(&judge(&account(None, ago(1)), &[], &[])), "too-new");
}

#[test]
fn each_reason_not_to_know_has_its_code() {
    let whole = proof(Signal::Login, ago(365), Some(0));
    let changed = |change: fn(&mut SignalProof)| {
        let mut proof = whole.clone();
        change(&mut proof);
        says(&judge(&old(), &[], &[proof]))
    };
    assert_eq!(changed(|_| {}), "inactive.never-logged-in");
    assert_eq!(says(&judge(&old(), &[], &[])), "unknown.never-walked");
    assert_eq!(changed(|p| p.horizon = None), "unknown.never-walked");
    assert_eq!(changed(|p| p.until = Some(ago(2))), "unknown.stale");
    assert_eq!(changed(|p| p.complete = false), "unknown.read-failed");
    let downgraded = |p: &mut SignalProof| {
        p.complete = false;
        p.fault = Some("activity.downgraded".to_owned());
    };
    assert_eq!(changed(downgraded), "unknown.downgraded");
    assert_eq!(
        changed(|p| p.horizon = Some(ago(80))),
        "unknown.horizon-short"
    );
    assert_eq!(
        changed(|p| p.precision_s = None),
        "unknown.session-lifetime"
    );
}

#[test]
fn without_the_session_lifetime_the_audit_log_must_be_silent_as_well() {
    let login = proof(Signal::Login, ago(365), None);
    let audit = proof(Signal::Audit, ago(91), None);
    let both = [login.clone(), audit.clone()];
    assert_eq!(
        says(&judge(&old(), &[(Signal::Login, ago(92))], &both)),
        "inactive.no-login"
    );
    let state = judge(
        &old(),
        &[(Signal::Login, ago(92)), (Signal::Audit, ago(91))],
        &both,
    );
    assert_eq!(says(&state), "active", "a day is added");
    let mut short = audit.clone();
    short.horizon = Some(ago(90));
    assert_eq!(
        says(&judge(&old(), &[], &[login.clone(), short])),
        "unknown.horizon-short"
    );
    let mut broken = audit;
    broken.complete = false;
    assert_eq!(
        says(&judge(&old(), &[], &[login, broken])),
        "unknown.read-failed"
    );
}

#[test]
fn a_login_is_activity_even_if_the_walk_that_saw_it_was_not_whole() {
    let mut partial = proof(Signal::Login, ago(10), Some(0));
    partial.complete = false;
    assert_eq!(
        says(&judge(&old(), &[(Signal::Login, ago(5))], &[partial])),
        "active"
    );
}

#[test]
fn no_number_is_too_large() {
    let whole = [proof(Signal::Login, ago(365), Some(u64::MAX))];
    let state = Silence {
        account: &old(),
        seen: None,
        proofs: &whole,
        threshold_days: u64::MAX,
        max_age_s: i64::MAX,
    }
    .judge(now());
    assert_eq!(says(&state), "too-new");
}

/// A date of the far future is no login that anybody had: it keeps nobody active for ever, and
/// what it hides is not known either.
#[test]
fn a_date_in_the_future_says_nothing() {
    let old = account(Some(ago(400)), ago(400));
    let proofs = [proof(Signal::Login, ago(300), Some(3600))];
    let unknown = |state: &ActivityState| matches!(state, ActivityState::Unknown { because, .. } if because.as_str() == "unknown.future-date");
    assert!(unknown(&judge(
        &old,
        &[(Signal::Login, ago(-400))],
        &proofs
    )));
    // clocks that are a little ahead are believed
    let ahead = now().plus_seconds(20 * HOUR);
    assert_eq!(
        says(&judge(&old, &[(Signal::Login, ahead)], &proofs)),
        "active"
    );
    // the record's own word, which was not taken for a login when it was read
    let mut marked = old.clone();
    marked.facts.future.insert(Signal::Login);
    assert!(unknown(&judge(
        &marked,
        &[(Signal::Login, ago(200))],
        &proofs
    )));
    assert_eq!(
        says(&judge(&marked, &[(Signal::Login, ago(5))], &proofs)),
        "active"
    );
    // and a walk that met one
    let mut void = proofs.clone();
    void[0].complete = false;
    void[0].fault = Some("activity.future-date".to_owned());
    assert!(unknown(&judge(&old, &[], &void)));
}

#[test]
fn a_record_loses_what_lies_in_the_future() {
    let mut record = crate::domain::account::AccountRecord {
        live_keys: None,
        id: "1".to_owned(),
        email: None,
        name: None,
        external_id: None,
        employee_number: None,
        seen: BTreeMap::from([(Signal::Login, ago(-30)), (Signal::Seen, ago(3))]),
        facts: account(None, ago(1)).facts,
    };
    record.distrust_future(now());
    assert_eq!(record.seen, BTreeMap::from([(Signal::Seen, ago(3))]));
    assert_eq!(record.facts.future, BTreeSet::from([Signal::Login]));
}
