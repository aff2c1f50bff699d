//! The walk over the audit log.

use serde_json::Value;
use serde_json::json;

use crate::domain::account::Sightings;
use crate::domain::account::Signal;
use crate::domain::source::SignalProof;
use crate::domain::time::Time;
use crate::provider::Provider as _;
use crate::provider::http::scripted::Reply;
use crate::provider::http::scripted::Server;
use crate::provider::port::tests::Org;
use crate::provider::port::tests::event;
use crate::provider::port::tests::id;
use crate::provider::port::tests::now;
use crate::provider::port::tests::pair;
use crate::provider::port::tests::port;
use crate::provider::port::tests::quiet;
use crate::provider::port::tests::refusal;

fn at(text: &str) -> Time {
    Time::parse(text).unwrap()
}

/// `count` events of account 1, a minute apart, the newest first.
fn events(count: u64) -> Vec<Value> {
    let moment = |n: u64| {
        let minutes = i64::try_from(n).unwrap();
        now().plus_seconds(-60 * (minutes + 1)).to_seconds_text()
    };
    (0..count)
        .map(|n| event(count - n, 1, &moment(n)))
        .collect()
}

async fn walk(server: &Server, known: &[SignalProof]) -> (SignalProof, Option<Sightings>) {
    let read = port(&server.url).activity(known, now(), &quiet).await;
    assert_eq!(read.signals.len(), 1);
    let proof = read.signals[0].clone();
    assert_eq!(proof.signal, Signal::Audit);
    (proof, read.seen[&Signal::Audit].get(&id(1)).cloned())
}

#[tokio::test]
async fn the_whole_year_is_walked_page_by_page_and_each_event_counts_once() {
    let mut org = Org::new(2);
    org.audits = events(250);
    org.page = 100;
    let server = org.serve().await;
    let (proof, seen) = walk(&server, &[]).await;
    assert!(proof.complete && proof.fault.is_none(), "{proof:?}");
    assert_eq!(proof.events, 250);
    assert_eq!(proof.horizon, Some(now().plus_days(-365)));
    assert_eq!(proof.until, Some(now()));
    let newest = at("2026-11-22T09:59:00Z");
    assert_eq!(
        proof.watermark,
        Some(u64::try_from(newest.micros()).unwrap())
    );
    let seen = seen.unwrap();
    assert_eq!(seen.newest, Some(newest));
    assert_eq!(seen.days.values().sum::<u64>(), 250);
    let asked = server.requests();
    let first = asked
        .iter()
        .find(|r| r.target.contains("audit-log"))
        .unwrap();
    assert_eq!(pair(first, "from").unwrap(), "2025-11-22T10:00:00.000Z");
    assert_eq!(pair(first, "limit").unwrap(), "1000");
}

#[tokio::test]
async fn a_later_walk_goes_on_where_the_last_one_ended() {
    let mut org = Org::new(2);
    org.audits = events(250);
    let server = org.clone().serve().await;
    let (first, _) = walk(&server, &[]).await;
    org.audits.insert(0, event(900, 1, "2026-11-22T09:59:30Z"));
    let server = org.clone().serve().await;
    let mut known = first.clone();
    known.horizon = Some(now().plus_days(-700));
    let (proof, seen) = walk(&server, std::slice::from_ref(&known)).await;
    assert!(proof.complete && proof.fault.is_none());
    assert_eq!(
        proof.horizon, known.horizon,
        "what was proved before still holds"
    );
    assert_eq!(
        seen.unwrap().days.values().sum::<u64>(),
        1,
        "no event is counted twice"
    );
    let asked = server.requests();
    let walked = asked
        .iter()
        .find(|r| r.target.contains("audit-log"))
        .unwrap();
    assert_eq!(pair(walked, "from").unwrap(), "2026-11-22T08:59:00.000Z");
    // nothing new is nothing new
    org.audits.remove(0);
    let server = org.clone().serve().await;
    let (proof, seen) = walk(&server, std::slice::from_ref(&known)).await;
    assert!(proof.complete && proof.watermark == known.watermark);
    assert!(seen.unwrap().days.is_empty());
    // another log than the one that was known: all of it is walked, and the horizon begins anew
    org.audits = vec![event(1, 1, "2026-05-01T10:00:00Z")];
    let server = org.serve().await;
    let (proof, seen) = walk(&server, &[known]).await;
    assert!(proof.complete);
    assert_eq!(proof.horizon, Some(now().plus_days(-365)));
    assert_eq!(seen.unwrap().newest, Some(at("2026-05-01T10:00:00Z")));
}

#[tokio::test]
async fn a_pause_longer_than_the_retention_is_a_gap() {
    let mut org = Org::new(2);
    org.audits = events(3);
    let server = org.serve().await;
    let (mut known, _) = walk(&server, &[]).await;
    known.until = Some(now().plus_days(-400));
    known.horizon = Some(now().plus_days(-700));
    let (proof, _) = walk(&server, &[known]).await;
    assert!(proof.complete);
    assert_eq!(proof.horizon, Some(now().plus_days(-365)));
    assert_eq!(proof.fault.as_deref(), Some("activity.gap"));
}

#[tokio::test]
async fn events_of_one_millisecond_are_not_lost_between_pages() {
    let mut org = Org::new(2);
    org.audits = events(30);
    for n in 5..14 {
        org.audits[n]["trigger"]["at"] = json!("2026-11-22T09:54:00.250Z");
    }
    for n in 14..30 {
        org.audits[n]["trigger"]["at"] = json!("2026-11-20T09:54:00.250Z");
        org.audits[n]["trigger"]["by"]["userId"] = json!(format!("auth0|{:024}", 0));
    }
    org.page = 20;
    let server = org.clone().serve().await;
    let (proof, _) = walk(&server, &[]).await;
    assert_eq!((proof.complete, proof.events), (true, 30), "{proof:?}");
    // more of them than a page holds: nobody can tell what is behind
    org.page = 10;
    let server = org.serve().await;
    let (proof, seen) = walk(&server, &[]).await;
    assert_eq!(proof.fault.as_deref(), Some("activity.stuck"));
    assert!(!proof.complete);
    let seen = seen.unwrap();
    assert!(seen.newest.is_some() && seen.days.is_empty());
}

#[tokio::test]
async fn a_log_that_is_not_what_was_asked_for_proves_nothing() {
    let ascending: Vec<_> = events(20).into_iter().rev().collect();
    let mut late = events(20);
    late[0]["trigger"]["at"] = json!("2027-01-01T00:00:00Z");
    let mut dateless = events(3);
    dateless[1]["trigger"].as_object_mut().unwrap().remove("at");
    let mut nameless = events(3);
    nameless[1].as_object_mut().unwrap().remove("identifier");
    for (body, fault) in [
        (
            json!({"ok": true, "audits": ascending}),
            "activity.disordered",
        ),
        (json!({"ok": true, "audits": events(20)}), "activity.stuck"),
        (json!({"ok": true, "audits": late}), "activity.stuck"),
        (
            json!({"ok": true, "audits": dateless}),
            "activity.unreadable",
        ),
        (
            json!({"ok": true, "audits": nameless}),
            "activity.unreadable",
        ),
        (
            json!({"ok": true, "data": events(3)}),
            "activity.unreadable",
        ),
        (
            json!({"ok": true, "audits": {"items": []}}),
            "activity.unreadable",
        ),
        (json!({"audits": events(3)}), "read.unreadable"),
    ] {
        let server = Org::new(2)
            .except("audit-log", Reply::json(200, &body))
            .await;
        let (proof, _) = walk(&server, &[]).await;
        assert!(!proof.complete && proof.horizon.is_none(), "{fault}");
        assert_eq!(proof.fault.as_deref(), Some(fault));
    }
}

#[tokio::test]
async fn a_log_that_may_not_be_read_proves_nothing_and_stops_nothing() {
    for (reply, fault) in [
        (
            Reply::json(403, &refusal("forbidden", "admins only")),
            "read.rights",
        ),
        (
            Reply::json(402, &refusal("payment", "plan")),
            "activity.not-offered",
        ),
        (
            Reply::json(401, &refusal("unauthorized", "x")),
            "read.credentials",
        ),
        (
            Reply::new(429, &["retry-after: 900"], ""),
            "read.rate-limited",
        ),
        (Reply::new(500, &[], ""), "read.unreachable"),
        (Reply::new(200, &[], "<html>"), "read.unreadable"),
        (Reply::Silence, "read.unreachable"),
    ] {
        let server = Org::new(2).except("audit-log", reply).await;
        let (proof, seen) = walk(&server, &[]).await;
        assert!(!proof.complete && seen.is_none());
        assert_eq!(proof.fault.as_deref(), Some(fault));
    }
    let server = Org::new(2).except("/v1", Reply::new(500, &[], "")).await;
    assert!(!walk(&server, &[]).await.0.complete);
}

#[tokio::test]
async fn events_count_for_whoever_did_them_from_the_portal_or_with_a_token() {
    let mut org = Org::new(5);
    org.audits = vec![
        event(9, 1, "2026-11-20T10:00:00Z"),
        event(8, 2, "2026-11-19T10:00:00Z"),
        event(7, 3, "2026-11-18T10:00:00Z"),
        event(6, 4, "2026-11-17T10:00:00Z"),
        event(5, 4, "2026-11-16T10:00:00Z"),
    ];
    org.audits[1]["trigger"]["origin"] = json!("API");
    org.audits[2]["status"] = json!("FAILURE");
    org.audits[3]["trigger"]["by"] = json!({"user": {"email": "P4@v.test"}});
    org.audits[4]["trigger"]["by"] = json!({"integration": "cron"});
    let server = org.serve().await;
    let read = port(&server.url).activity(&[], now(), &quiet).await;
    let seen = &read.seen[&Signal::Audit];
    assert_eq!(seen[&id(1)].newest, Some(at("2026-11-20T10:00:00Z")));
    assert_eq!(seen[&id(2)].newest, Some(at("2026-11-19T10:00:00Z")));
    assert!(
        !seen.contains_key(&id(3)),
        "a change that failed is no success"
    );
    assert_eq!(seen[&id(4)].newest, Some(at("2026-11-17T10:00:00Z")));
}

#[tokio::test]
async fn a_walk_has_an_end() {
    let mut org = Org::new(2);
    org.audits = events(250);
    org.page = 10;
    let server = org.serve().await;
    let (proof, _) = walk(&server, &[]).await;
    assert_eq!(proof.fault.as_deref(), Some("activity.too-long"));
    assert_eq!(proof.pages, 20);
}
