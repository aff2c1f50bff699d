//! The walks over login history and audit trail.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use crate::domain::account::Signal;
use crate::domain::source::SignalProof;
use crate::domain::time::Time;
use crate::provider::ActivityRead;
use crate::provider::Provider as _;
use crate::provider::docspace::tests::Portal;
use crate::provider::docspace::tests::docspace;
use crate::provider::docspace::tests::event;
use crate::provider::docspace::tests::login_proof;
use crate::provider::docspace::tests::now;
use crate::provider::docspace::tests::number;
use crate::provider::docspace::tests::ok;
use crate::provider::docspace::tests::quiet;
use crate::provider::docspace::tests::uuid;
use crate::provider::http::scripted::Reply;
use crate::provider::http::scripted::Request;
use crate::provider::http::scripted::Server;

#[tokio::test]
async fn logins_are_walked_and_prove_silence() {
    let server = Portal::new().serve().await;
    let read = docspace(&server.url).activity(&[], now(), &quiet).await;
    assert_eq!(
        read.signals.len(),
        1,
        "a bounded session needs no audit trail"
    );
    let proof = &read.signals[0];
    assert!(proof.complete, "{proof:?}");
    assert_eq!(proof.fault, None);
    assert_eq!(proof.horizon, Some(now().plus_days(-180)));
    assert_eq!(proof.until, Some(now()));
    assert_eq!(proof.precision_s, Some(86_400));
    assert_eq!(proof.watermark, Some(12));
    assert_eq!((proof.pages, proof.events), (1, 4));
    let seen = &read.seen[&Signal::Login];
    assert_eq!(seen.len(), 1);
    let one = &seen[&uuid(1)];
    assert_eq!(one.newest, Time::parse("2026-11-20T09:00:00Z"));
    assert_eq!(one.days.values().sum::<u64>(), 2);
    let targets: Vec<_> = server.requests().into_iter().map(|r| r.target).collect();
    assert!(
        targets
            .iter()
            .all(|t| !t.contains("userId") && !t.contains("from="))
    );
}

#[tokio::test]
async fn a_later_walk_stops_early_and_keeps_its_horizon() {
    let mut portal = Portal::new();
    portal.logins = (0..350u64)
        .map(|n| event(1000 - n, n % 3, 1029, "2026-11-20T10:00:00Z"))
        .collect();
    let server = portal.clone().serve().await;
    let first = login_proof(&server, &[]).await;
    assert_eq!((first.pages, first.events), (4, 350));
    let old = SignalProof {
        horizon: Some(now().plus_days(-700)),
        until: Some(now().plus_days(-2)),
        watermark: Some(990),
        ..first
    };
    let read = docspace(&server.url)
        .activity(std::slice::from_ref(&old), now(), &quiet)
        .await;
    let next = &read.signals[0];
    assert!(next.complete);
    assert_eq!((next.pages, next.horizon), (1, old.horizon));
    assert_eq!((next.watermark, next.until), (Some(1000), Some(now())));
    let counted: u64 = read.seen[&Signal::Login]
        .values()
        .flat_map(|s| s.days.values())
        .sum();
    assert_eq!(counted, 10, "only what no earlier walk has counted");

    let long_ago = SignalProof {
        until: Some(now().plus_days(-200)),
        ..old.clone()
    };
    let hole = login_proof(&server, &[long_ago]).await;
    assert!(hole.complete);
    assert_eq!(hole.horizon, Some(now().plus_days(-180)));
    assert_eq!(hole.fault.as_deref(), Some("activity.gap"));
    assert_eq!(hole.pages, 4);

    let other_log = SignalProof {
        watermark: Some(5000),
        ..old
    };
    let reset = login_proof(&server, &[other_log]).await;
    assert!(reset.complete);
    assert_eq!(reset.horizon, Some(now().plus_days(-180)));
    assert_eq!(reset.fault.as_deref(), Some("activity.log-reset"));
    assert_eq!(reset.watermark, Some(1000));
}

#[tokio::test]
async fn an_unfinished_walk_leaves_what_was_known_and_keeps_the_successes() {
    let server = Portal::new().serve().await;
    let mut known = login_proof(&server, &[]).await;
    known.until = Some(now().plus_days(-1));
    known.watermark = Some(9);
    let mut portal = Portal::new();
    portal.logins[3]["date"] = json!("yesterday");
    let server = portal.serve().await;
    let read = docspace(&server.url)
        .activity(std::slice::from_ref(&known), now(), &quiet)
        .await;
    let proof = &read.signals[0];
    assert!(!proof.complete);
    assert_eq!(proof.fault.as_deref(), Some("activity.unreadable"));
    assert_eq!(proof.horizon, known.horizon);
    assert_eq!((proof.until, proof.watermark), (known.until, Some(9)));
    let one = &read.seen[&Signal::Login][&uuid(1)];
    assert_eq!(one.newest, Time::parse("2026-11-20T09:00:00Z"));
    assert!(one.days.is_empty());
}

#[tokio::test]
async fn a_session_without_end_brings_in_the_audit_trail() {
    for cookies in [
        json!({"lifeTime": 1440, "enabled": false}),
        json!({"lifeTime": 0, "enabled": true}),
        json!({"enabled": true}),
        json!("gone"),
    ] {
        let mut portal = Portal::new();
        portal.cookies = cookies;
        let server = portal.serve().await;
        let read = docspace(&server.url).activity(&[], now(), &quiet).await;
        assert_eq!(read.signals[0].precision_s, None);
        let audit = &read.signals[1];
        assert!(audit.complete, "{audit:?}");
        assert_eq!(audit.precision_s, Some(86_400));
        assert_eq!(audit.horizon, Some(now().plus_days(-90)));
        let seen = &read.seen[&Signal::Audit];
        assert!(seen.contains_key(&uuid(2)));
        assert!(
            !seen.contains_key(&uuid(1)),
            "a failed login is nobody's deed"
        );
    }
}

#[tokio::test]
async fn without_retention_silence_is_not_proven() {
    for lifetime in [
        json!({}),
        json!({"loginHistoryLifeTime": 0}),
        json!({"loginHistoryLifeTime": "180"}),
        json!({"loginHistoryLifeTime": 180, "lastModified": "then"}),
    ] {
        let mut portal = Portal::new();
        portal.lifetime = lifetime;
        let server = portal.serve().await;
        let proof = login_proof(&server, &[]).await;
        assert!(!proof.complete);
        assert_eq!(
            proof.fault.as_deref(),
            Some("activity.retention-unreadable")
        );
    }
}

#[tokio::test]
async fn a_retention_raised_yesterday_proves_nothing_about_last_month() {
    let mut portal = Portal::new();
    portal.lifetime["lastModified"] = json!("2026-11-21T10:00:00Z");
    let server = portal.serve().await;
    let proof = login_proof(&server, &[]).await;
    assert!(proof.complete);
    assert_eq!(proof.horizon, Time::parse("2026-11-18T09:00:00Z"));
}

#[tokio::test]
async fn a_log_of_fewer_than_two_events_is_ambiguous() {
    for kept in [0, 1] {
        let mut portal = Portal::new();
        portal.logins.truncate(kept);
        let server = portal.serve().await;
        let proof = login_proof(&server, &[]).await;
        assert!(!proof.complete);
        assert_eq!(proof.fault.as_deref(), Some("activity.ambiguous"));
    }
}

#[tokio::test]
async fn a_walk_ends_at_its_limits() {
    let mut portal = Portal::new();
    portal.logins = (0..2500u64)
        .map(|n| event(9000 - n, 1, 1029, "2026-11-20T10:00:00Z"))
        .collect();
    let server = portal.clone().serve().await;
    let proof = login_proof(&server, &[]).await;
    assert_eq!(proof.fault.as_deref(), Some("activity.too-long"));
    assert_eq!(proof.pages, 20);
    let mut hurried = docspace(&server.url);
    hurried.walk_deadline = Duration::ZERO;
    let read = hurried.activity(&[], now(), &quiet).await;
    assert_eq!(read.signals[0].fault.as_deref(), Some("activity.deadline"));
}

/// A log of `all` events to which `lag` more come while the pages from 285 on are asked for at once:
/// of these, the first is read last.
fn growing(all: u64, lag: u64) -> impl Fn(&Request) -> Vec<Value> {
    let asked = Mutex::new(BTreeSet::new());
    move |request| {
        let start = u64::try_from(number(request, "startIndex")).unwrap();
        let again = !asked.lock().unwrap().insert(start);
        let before = start < 285 || (!again && (380..=570).contains(&start));
        let all = if before { all } else { all + lag };
        let count = u64::try_from(number(request, "count")).unwrap();
        (start..all)
            .map(|n| all - n)
            .take(usize::try_from(count).unwrap())
            .map(|id| event(id, id % 7, 1029, "2026-11-20T10:00:00Z"))
            .collect()
    }
}

async fn walked(log: impl Fn(&Request) -> Vec<Value> + Send + Sync + 'static) -> ActivityRead {
    let portal = Portal::new();
    let server = Server::start(
        move |request, _| match request.target.contains("login/filter") {
            true => Reply::json(200, &ok(&json!(log(request)))),
            false => portal.answer(request),
        },
    )
    .await;
    docspace(&server.url).activity(&[], now(), &quiet).await
}

fn counted(read: &ActivityRead) -> u64 {
    read.seen[&Signal::Login]
        .values()
        .flat_map(|s| s.days.values())
        .sum()
}

/// The server reads a later page before an earlier one, and events come in between: without the
/// overlap they would push as many others into a hole.
#[tokio::test]
async fn pages_that_are_asked_for_at_once_leave_no_hole() {
    for lag in [0, 1, 4, 5, 6, 37, 80] {
        let read = walked(growing(1_000, lag)).await;
        let proof = &read.signals[0];
        assert!(proof.complete, "{lag}: {proof:?}");
        assert_eq!(proof.events, 1_000, "{lag}: none is missing");
        assert_eq!(proof.watermark, Some(1_000), "{lag}");
        assert_eq!(counted(&read), 1_000, "{lag}: each once");
    }
}

#[tokio::test]
async fn events_that_go_while_the_log_is_read_are_made_good() {
    // an account with thirty events is deleted after the first page
    let gone = AtomicBool::new(false);
    let log = move |request: &Request| -> Vec<Value> {
        let start = number(request, "startIndex");
        if start >= 190 {
            gone.store(true, Ordering::SeqCst);
        }
        let gone = if gone.load(Ordering::SeqCst) { 30 } else { 0 };
        (0..500u64)
            .rev()
            .filter(|id| !(460 - gone..460).contains(id))
            .map(|id| event(id, id % 7, 1029, "2026-11-20T10:00:00Z"))
            .skip(start)
            .take(number(request, "count"))
            .collect()
    };
    let read = walked(log).await;
    assert!(read.signals[0].complete, "{:?}", read.signals[0]);
    assert_eq!(read.signals[0].events, 500);
}

#[tokio::test]
async fn a_page_that_joins_nothing_however_often_it_is_asked_for_ends_the_walk() {
    let log = |request: &Request| -> Vec<Value> {
        let start = u64::try_from(number(request, "startIndex")).unwrap();
        let sound = start <= 285 && start % 95 == 0;
        let from = if sound { 9_000 } else { 5_000 } - start;
        let count = u64::try_from(number(request, "count")).unwrap();
        (0..count)
            .map(|n| event(from - n, 1, 1029, "2026-11-20T10:00:00Z"))
            .collect()
    };
    let read = walked(log).await;
    let proof = &read.signals[0];
    assert!(!proof.complete);
    assert_eq!(proof.fault.as_deref(), Some("activity.cut"));
    assert!(read.seen[&Signal::Login][&uuid(1)].newest.is_some());
}

#[tokio::test]
async fn a_walk_that_meets_its_watermark_at_once_asks_for_nothing_in_vain() {
    let mut portal = Portal::new();
    portal.logins = (0..2_000u64)
        .map(|n| event(5_000 - n, 1, 1029, "2026-11-20T10:00:00Z"))
        .collect();
    let server = portal.serve().await;
    let known = SignalProof {
        signal: Signal::Login,
        complete: true,
        fault: None,
        horizon: Some(now().plus_days(-300)),
        until: Some(now().plus_days(-1)),
        precision_s: None,
        watermark: Some(4_980),
        pages: 0,
        events: 0,
    };
    let proof = login_proof(&server, &[known]).await;
    assert!(proof.complete);
    let asked = server.requests().into_iter().map(|r| r.target);
    assert_eq!(
        asked.filter(|t| t.contains("login/filter")).count(),
        3,
        "two probes and a page"
    );
}
