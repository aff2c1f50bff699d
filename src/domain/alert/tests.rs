use crate::domain::alert::*;
use crate::domain::id::EntryId;
use crate::domain::rows::ChannelRow;
use crate::domain::rows::ReadRow;
use crate::domain::rows::ToldMark;
use crate::domain::source::ReadMemory;

fn at(hours: i64) -> Time {
    Time::parse("2026-03-02T09:00:00Z")
        .unwrap()
        .plus_seconds(hours * 3600)
}

fn plan(digest: &str, expires: i64) -> WaitingPlan {
    WaitingPlan {
        digest: digest.to_owned(),
        since: at(0),
        steps: 3,
        have: 0,
        needed: 2,
        approved: false,
        expires_at: at(expires),
        tripped: Vec::new(),
    }
}

fn late(tenant: &str, due: i64) -> StillIn {
    StillIn {
        tenant: SourceName::new(tenant),
        state: ClockState::Late,
        due: at(due),
    }
}

fn source(verdict: Verdict, complete: Option<i64>) -> SourceRow {
    let read = |hours| ReadRow {
        seq: 1,
        id: EntryId::new("e"),
        rec: at(hours),
        verdict,
        because: vec![Code::new("read.empty")],
        proof: None,
        missing: None,
    };
    SourceRow {
        source: SourceName::new("corp"),
        kind: SourceKind::Directory,
        last: read(0),
        complete: complete.map(read),
        first_complete: None,
        activity: Vec::new(),
        released: Vec::new(),
        memory: ReadMemory::default(),
    }
}

/// A channel that took these alerts at a moment.
fn told(alerts: &[Alert], when: Time) -> ChannelRow {
    let mark = |alert: &Alert| ToldMark {
        kind: alert.kind,
        about: alert.about.clone(),
        seq: 1,
        at: when,
        state: alert.state.clone(),
        newest: alert.newest,
    };
    ChannelRow {
        channel: "webhook".to_owned(),
        told: alerts.iter().map(|a| (a.key(), mark(a))).collect(),
        accepted: None,
        failing: None,
        summary: None,
    }
}

fn words(telling: &[Telling]) -> Vec<(Told, AlertKind)> {
    telling.iter().map(|t| (t.word, t.alert.kind)).collect()
}

#[test]
fn nothing_is_worth_hearing_where_all_is_well() {
    let facts = AlertFacts {
        sources: vec![source(Verdict::Complete, Some(0))],
        read_max_age_hours: 24,
        ..AlertFacts::default()
    };
    assert_eq!(alerts(&facts, at(0)), []);
}

#[test]
fn it_is_told_once_then_daily_and_when_it_is_over() {
    let facts = AlertFacts {
        plans: vec![plan("abc", 72)],
        ..AlertFacts::default()
    };
    let open = alerts(&facts, at(0));
    let new = to_tell(&open, None, at(0));
    assert_eq!(words(&new), [(Told::New, AlertKind::PlanWaiting)]);
    let row = told(&open, at(0));
    assert_eq!(to_tell(&open, Some(&row), at(22)), []);
    let again = to_tell(&open, Some(&row), at(23));
    assert_eq!(words(&again), [(Told::Again, AlertKind::PlanWaiting)]);
    let over = to_tell(&[], Some(&row), at(1));
    assert_eq!(words(&over), [(Told::Over, AlertKind::PlanWaiting)]);
}

#[test]
fn a_plan_about_to_expire_is_worse_and_not_over() {
    let facts = AlertFacts {
        plans: vec![plan("abc", 72)],
        ..AlertFacts::default()
    };
    let row = told(&alerts(&facts, at(0)), at(0));
    let later = alerts(&facts, at(48));
    let telling = to_tell(&later, Some(&row), at(48));
    assert_eq!(words(&telling), [(Told::New, AlertKind::PlanExpiring)]);
}

#[test]
fn one_more_leaver_is_news_and_one_less_is_not() {
    let of = |leavers: &[StillIn]| {
        let facts = AlertFacts {
            leavers: leavers.to_vec(),
            ..AlertFacts::default()
        };
        alerts(&facts, at(9))
    };
    let two = of(&[late("portal", 1), late("portal", 2)]);
    assert_eq!(two.len(), 1);
    assert_eq!((two[0].count, two[0].until), (Some(2), Some(at(1))));
    let row = told(&two, at(9));
    assert_eq!(to_tell(&of(&[late("portal", 1)]), Some(&row), at(10)), []);
    let three = of(&[late("portal", 1), late("portal", 2), late("portal", 3)]);
    let telling = to_tell(&three, Some(&row), at(10));
    assert_eq!(words(&telling), [(Told::Changed, AlertKind::LeaverLate)]);
    let elsewhere = of(&[late("portal", 1), late("wiki", 2)]);
    let telling = to_tell(&elsewhere, Some(&row), at(10));
    assert_eq!(words(&telling), [(Told::New, AlertKind::LeaverLate)]);
}

#[test]
fn a_failed_read_is_told_of_when_it_lasts_and_a_suspect_one_at_once() {
    let of = |verdict, complete| {
        let facts = AlertFacts {
            sources: vec![source(verdict, complete)],
            read_max_age_hours: 24,
            ..AlertFacts::default()
        };
        let kinds = alerts(&facts, at(0)).into_iter().map(|a| a.kind);
        kinds.collect::<Vec<_>>()
    };
    assert_eq!(of(Verdict::Suspect, Some(-1)), [AlertKind::ReadSuspect]);
    assert_eq!(of(Verdict::Failed, Some(-23)), []);
    assert_eq!(of(Verdict::Failed, Some(-25)), [AlertKind::ReadStale]);
    assert_eq!(of(Verdict::Partial, None), [AlertKind::ReadStale]);
}

#[test]
fn the_ramp_is_no_matter_for_anybody() {
    let brake = |window: &str| BreakerState {
        scope: "tenant:portal".to_owned(),
        class: crate::domain::rows::Class::Explicit,
        does: crate::domain::account::Do::Disable,
        window: window.to_owned(),
        limit: 3,
        done: 0,
        wanted: 9,
        tripped: true,
    };
    let of = |window| {
        let facts = AlertFacts {
            plans: vec![WaitingPlan {
                approved: true,
                tripped: vec![brake(window)],
                ..plan("abc", 72)
            }],
            ..AlertFacts::default()
        };
        alerts(&facts, at(0)).len()
    };
    assert_eq!((of("ramp"), of("24h"), of("first-contact")), (0, 1, 1));
}

#[test]
fn every_kind_has_its_place_and_its_name_once() {
    let mut names: Vec<_> = AlertKind::ALL.iter().map(|kind| kind.as_str()).collect();
    for kind in AlertKind::ALL {
        let text = serde_json::to_value(kind).unwrap();
        assert_eq!(text, kind.as_str());
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), AlertKind::ALL.len());
    assert!(AlertKind::ALL.is_sorted());
}
