use serde_json::json;

use crate::domain::leaver_clock::*;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// Seconds after a Sunday in March on which most of Europe puts its clocks forward.
fn at(seconds: i64) -> Time {
    Time::parse("2026-03-29T00:00:00Z")
        .unwrap()
        .plus_seconds(seconds)
}

fn departing(effective: i64, recorded: Option<i64>, seen: i64) -> Departing {
    Departing {
        effective: at(effective),
        recorded: recorded.map(at),
        seen: at(seen),
        excuse: None,
    }
}

fn progress(disabled: Option<i64>) -> Progress {
    Progress {
        usable_since: at(-300 * DAY),
        intended: None,
        disabled: disabled.map(at),
        verified: None,
    }
}

fn about() -> OnClock {
    OnClock {
        class: Class::Explicit,
        high_risk: false,
        certain: true,
        blocked: Vec::new(),
        active_after: None,
    }
}

fn read(departing: &Departing, disabled: Option<i64>, now: i64) -> LeaverClock {
    let targets = LeaverTargets::default();
    LeaverClock::new(departing, &progress(disabled), &about(), &targets, at(now))
}

#[test]
fn a_leaver_who_is_in_goes_from_running_to_late() {
    let left = departing(0, None, 0);
    let state = |now: i64| read(&left, None, now).state;
    assert_eq!(state(0), ClockState::Running);
    assert_eq!(state(18 * HOUR - 1), ClockState::Running);
    assert_eq!(state(18 * HOUR), ClockState::AboutToBeLate);
    assert_eq!(state(DAY), ClockState::AboutToBeLate);
    assert_eq!(state(DAY + 1), ClockState::Late);
    let late = read(&left, None, 3 * DAY);
    assert_eq!((late.left_s, late.action_delay_s), (-2 * DAY, 3 * DAY));
    assert!(late.is_late());
    // 24 hours are 24 hours, also where people have put their clocks forward meanwhile
    assert_eq!(late.due, at(DAY));
}

#[test]
fn an_account_that_is_out_was_in_time_or_not() {
    let left = departing(0, None, HOUR);
    let in_time = read(&left, Some(25 * HOUR), 90 * DAY);
    assert_eq!(in_time.state, ClockState::DoneOnTime);
    assert_eq!((in_time.left_s, in_time.action_delay_s), (0, DAY));
    assert_eq!(in_time.whole_s(at(90 * DAY)), 25 * HOUR);
    let late = read(&left, Some(25 * HOUR + 1), 90 * DAY);
    assert_eq!((late.state, late.left_s), (ClockState::DoneLate, -1));
    assert!(!late.is_late());
    // an account that was disabled before its person left took no time
    let before = read(&left, Some(-DAY), DAY);
    assert_eq!(
        (before.state, before.action_delay_s),
        (ClockState::DoneOnTime, 0)
    );
}

#[test]
fn a_late_notice_is_no_late_action() {
    let told_late = departing(0, None, 10 * DAY);
    let clock = read(&told_late, None, 10 * DAY + HOUR);
    assert_eq!(clock.notice_delay_s, 10 * DAY);
    assert_eq!(clock.late_notice, Some(LateNotice::Source));
    assert_eq!(clock.state, ClockState::Running);
    assert_eq!(clock.action_delay_s, HOUR);
    let late = read(&departing(0, None, 0), None, 10 * DAY);
    assert_eq!((late.state, late.late_notice), (ClockState::Late, None));
}

#[test]
fn whose_matter_a_late_notice_is() {
    let who = |recorded: Option<i64>, seen: i64| {
        let left = departing(0, recorded, seen);
        read(&left, None, seen).late_notice
    };
    assert_eq!(who(None, HOUR), None);
    assert_eq!(who(None, HOUR + 1), Some(LateNotice::Source));
    assert_eq!(who(Some(9 * HOUR), 10 * HOUR), Some(LateNotice::Source));
    assert_eq!(who(Some(HOUR), 10 * HOUR), Some(LateNotice::Reading));
    // announced before it came
    assert_eq!(who(Some(-30 * DAY), -29 * DAY), None);
    let mut backlog = departing(0, None, 400 * DAY);
    backlog.excuse = Some(LateNotice::FirstRead);
    let clock = read(&backlog, None, 400 * DAY);
    assert_eq!(clock.late_notice, Some(LateNotice::FirstRead));
}

#[test]
fn an_announced_departure_counts_from_its_day() {
    let announced = departing(30 * DAY, Some(0), HOUR);
    let clock = read(&announced, None, 30 * DAY + HOUR);
    assert_eq!(clock.runs_from, at(30 * DAY));
    assert_eq!((clock.notice_delay_s, clock.action_delay_s), (0, HOUR));
}

#[test]
fn an_account_that_was_found_or_enabled_later_counts_from_then() {
    let left = departing(0, None, 0);
    let mut progress = progress(None);
    progress.usable_since = at(9 * DAY);
    let targets = LeaverTargets::default();
    let clock = LeaverClock::new(&left, &progress, &about(), &targets, at(9 * DAY + HOUR));
    assert_eq!(
        (clock.state, clock.due),
        (ClockState::Running, at(10 * DAY))
    );
}

#[test]
fn the_shortest_target_holds() {
    let targets = LeaverTargets::default();
    assert_eq!(targets.target_s(Class::Explicit, false), DAY);
    assert_eq!(targets.target_s(Class::Absent, false), DAY);
    assert_eq!(targets.target_s(Class::Named, false), HOUR);
    assert_eq!(targets.target_s(Class::Absent, true), HOUR);
    // so short a target is always about to pass
    let about = OnClock {
        high_risk: true,
        ..about()
    };
    let left = departing(0, None, 0);
    let clock = LeaverClock::new(&left, &progress(None), &about, &targets, at(0));
    assert_eq!(clock.state, ClockState::AboutToBeLate);
}

#[test]
fn what_is_in_dispute_is_not_late_and_what_is_blocked_is() {
    let left = departing(0, None, 0);
    let targets = LeaverTargets::default();
    let blocked = OnClock {
        blocked: vec![Code::new("block.protected-owner")],
        ..about()
    };
    let clock = LeaverClock::new(&left, &progress(None), &blocked, &targets, at(2 * DAY));
    assert_eq!(clock.state, ClockState::Late);
    assert_eq!(clock.blocked, blocked.blocked);
    let out = LeaverClock::new(&left, &progress(Some(0)), &blocked, &targets, at(2 * DAY));
    assert_eq!(out.blocked, Vec::new());
    let disputed = OnClock {
        certain: false,
        ..blocked
    };
    let clock = LeaverClock::new(&left, &progress(None), &disputed, &targets, at(2 * DAY));
    assert_eq!(clock.state, ClockState::Disputed);
}

fn person(facts: serde_json::Value) -> PersonRow {
    serde_json::from_value(json!({
        "subject": "s_p", "directory": "corp", "first": 1, "first_seen": at(0), "seq": 1,
        "facts": facts,
    }))
    .unwrap()
}

#[test]
fn a_departure_is_noticed_with_the_entry_that_tells_of_it() {
    let here = || person(json!({}));
    let leaves = |day: i64| person(json!({ "leave_at": at(day * DAY) }));
    let noticed_on = |history: Vec<(i64, PersonRow)>| {
        let history: Vec<_> = history
            .into_iter()
            .map(|(day, p)| (at(day * DAY), p))
            .collect();
        let noticed = noticed(&history, true, at(100 * DAY))?;
        Some(noticed.seconds_since(at(0)) / DAY)
    };
    assert_eq!(noticed_on(vec![]), None);
    assert_eq!(noticed_on(vec![(0, here())]), None);
    assert_eq!(noticed_on(vec![(0, here()), (5, leaves(3))]), Some(5));
    // further entries change nothing
    let more = vec![(0, here()), (5, leaves(3)), (9, leaves(3))];
    assert_eq!(noticed_on(more), Some(5));
    // announced, with an entry in between
    let announced = vec![(0, leaves(50)), (20, leaves(50)), (60, leaves(50))];
    assert_eq!(noticed_on(announced), Some(0));
    // put back to a day before it was known
    assert_eq!(
        noticed_on(vec![(0, leaves(50)), (40, leaves(20))]),
        Some(40)
    );
    // came back, and left again
    let again = vec![(0, leaves(0)), (10, here()), (20, leaves(19))];
    assert_eq!(noticed_on(again), Some(20));
    assert_eq!(noticed_on(vec![(0, leaves(0)), (10, here())]), None);
}

#[test]
fn activity_after_the_departure_is_told_from_activity_before_it() {
    let seen = |login: i64| -> ActivityRow {
        let mark = json!({ "seq": 7, "since": at(login) });
        serde_json::from_value(json!({ "subject": "s_a", "newest": { "login": mark } })).unwrap()
    };
    let after = |login: i64| activity_after(Some(&seen(login)), at(0));
    assert_eq!(after(-DAY), None);
    assert_eq!(after(CLOCKS_APART_S), None, "clocks may be that far apart");
    let found = after(CLOCKS_APART_S + 1);
    assert_eq!(found, Some((at(CLOCKS_APART_S + 1), Signal::Login, 7)));
    assert_eq!(activity_after(None, at(0)), None);
}

fn kinds(clock: &LeaverClock, login_after: Option<(Time, Seq)>, now: i64) -> Vec<String> {
    let whose = Whose {
        account: Subject::new("s_a"),
        tenant: SourceName::new("portal"),
        person: Subject::new("s_p"),
        directory: Some(SourceName::new("corp")),
        login_after,
        evidence: vec![1, 2],
    };
    let found = clock_findings(clock, &whose, at(now));
    assert!(
        found
            .iter()
            .all(|f| f.evidence == [1, 2] || f.tenant.is_none())
    );
    assert!(found.iter().all(|f| f.since <= at(now)), "{found:?}");
    let kind = |f: &Finding| f.kind.as_str().replace("finding.", "");
    found.iter().map(kind).collect()
}

#[test]
fn findings_say_what_to_look_at() {
    let left = departing(0, None, 0);
    let of = |left: &Departing, out: Option<i64>, now: i64| kinds(&read(left, out, now), None, now);
    let nothing: [&str; 0] = [];
    assert_eq!(of(&left, None, HOUR), nothing);
    assert_eq!(of(&left, None, 20 * HOUR), ["about-to-be-late"]);
    assert_eq!(of(&left, None, 2 * DAY), ["late-leaver"]);
    assert_eq!(of(&left, Some(2 * DAY), 2 * DAY), nothing);
    let told_late = departing(0, None, DAY);
    assert_eq!(
        of(&told_late, None, 3 * DAY),
        ["late-leaver", "late-notice"]
    );
    assert_eq!(of(&told_late, Some(DAY), 20 * DAY), ["late-notice"]);
    assert_eq!(of(&told_late, Some(DAY), 40 * DAY), nothing);
    let mut clock = read(&left, Some(HOUR), 40 * DAY);
    clock.active_after = Some(at(HOUR / 2));
    let both = kinds(&clock, Some((at(DAY), 1)), 40 * DAY);
    assert_eq!(
        both,
        ["activity-after-departure", "activity-after-departure"]
    );
}
