//! What must not be repeated of the vendor's published example, by the number of each of its faults.

use std::collections::BTreeMap;

use serde_json::json;

use crate::domain::account::Do;
use crate::domain::account::Protection;
use crate::domain::account::Signal;
use crate::domain::time::Time;
use crate::provider::AnswerVerdict;
use crate::provider::Next;
use crate::provider::ProbeState;
use crate::provider::Provider as _;
use crate::provider::docspace::tests::Portal;
use crate::provider::docspace::tests::docspace;
use crate::provider::docspace::tests::event;
use crate::provider::docspace::tests::login_proof;
use crate::provider::docspace::tests::now;
use crate::provider::docspace::tests::ok;
use crate::provider::docspace::tests::person;
use crate::provider::docspace::tests::quiet;
use crate::provider::docspace::tests::refusal;
use crate::provider::docspace::tests::uuid;
use crate::provider::http::scripted::Reply;
use crate::provider::http::scripted::Server;
use crate::provider::trial::attempt;
use crate::provider::trial::target;

#[tokio::test]
async fn docspace_9_1_a_failed_lookup_is_not_silence() {
    for reply in [
        Reply::json(400, &refusal(400)),
        Reply::new(402, &[], ""),
        Reply::json(403, &refusal(403)),
        Reply::new(429, &["retry-after: 900"], ""),
        Reply::new(500, &[], ""),
        Reply::new(200, &[], "<html>"),
        Reply::Silence,
    ] {
        let server = Portal::new().except("login/filter", reply).await;
        let proof = login_proof(&server, &[]).await;
        assert!(!proof.complete, "{proof:?}");
        assert!(proof.fault.is_some() && proof.horizon.is_none() && proof.until.is_none());
    }
    let down = Portal::new().except("/api", Reply::new(500, &[], "")).await;
    let read = docspace(&down.url).activity(&[], now(), &quiet).await;
    assert!(read.signals.iter().all(|s| !s.complete));
    assert!(read.seen.values().all(BTreeMap::is_empty));
}

#[tokio::test]
async fn docspace_9_2_no_date_is_ever_sent() {
    let mut portal = Portal::new();
    portal.cookies = json!({});
    let server = portal.serve().await;
    let docspace = docspace(&server.url);
    docspace.accounts(&quiet).await.unwrap();
    docspace.activity(&[], now(), &quiet).await;
    for request in server.requests() {
        assert!(!request.target.contains("2026"), "{}", request.target);
        assert!(!request.target.contains("to=") && !request.target.contains("from="));
    }
}

#[tokio::test]
async fn docspace_9_3_failed_logins_and_logouts_are_no_activity() {
    let mut portal = Portal::new();
    portal.logins = [1006, 1002, 1005, 1008, 1013, 1016, 1017, 1026, 4020]
        .iter()
        .zip((1..20).rev())
        .map(|(&action, id)| event(id, 2, action, "2026-11-20T10:00:00Z"))
        .collect();
    let server = portal.serve().await;
    let read = docspace(&server.url).activity(&[], now(), &quiet).await;
    assert!(read.signals[0].complete);
    assert!(read.seen[&Signal::Login].is_empty());
}

#[tokio::test]
async fn docspace_9_4_somebody_beyond_the_newest_hundred_events_is_found() {
    let mut portal = Portal::new();
    portal.logins = (0..250u64)
        .map(|n| {
            event(
                900 - n,
                u64::from(n == 240) + 1,
                1029,
                "2026-11-20T10:00:00Z",
            )
        })
        .collect();
    let server = portal.serve().await;
    let read = docspace(&server.url).activity(&[], now(), &quiet).await;
    assert!(read.signals[0].complete);
    assert!(read.seen[&Signal::Login].contains_key(&uuid(2)));
}

#[tokio::test]
async fn docspace_9_5_the_last_20_of_an_unpaid_portal_prove_no_silence() {
    let last: Vec<_> = (0..20u64)
        .map(|n| event(500 - n, 1, 1029, "2026-11-20T10:00:00Z"))
        .collect();
    let server = Portal::new()
        .except("login/filter", Reply::json(200, &ok(&json!(last))))
        .await;
    let read = docspace(&server.url).activity(&[], now(), &quiet).await;
    let proof = &read.signals[0];
    assert!(!proof.complete);
    assert_eq!(proof.fault.as_deref(), Some("activity.downgraded"));
    let seen = &read.seen[&Signal::Login];
    // a login that was seen is one, and it is nobody else's
    assert!(seen[&uuid(1)].newest.is_some() && seen[&uuid(1)].days.is_empty());
    assert!(!seen.contains_key(&uuid(2)));
    let probes = docspace(&server.url).check().await;
    let history = probes.iter().find(|p| p.what == "login history").unwrap();
    assert_eq!(history.state, ProbeState::Bad);
    assert!(history.says.contains("20"));
}

#[tokio::test]
async fn docspace_9_5_a_downgrade_during_the_walk_is_noticed() {
    let mut portal = Portal::new();
    portal.logins.truncate(2);
    let last = portal.logins.clone();
    let server = Server::start(move |request, n| {
        // request 2 is the first probe of the log; the tariff ends after it
        if request.target.contains("login/filter") && n > 2 {
            Reply::json(200, &ok(&json!(last)))
        } else {
            portal.answer(request)
        }
    })
    .await;
    let proof = login_proof(&server, &[]).await;
    assert_eq!(proof.fault.as_deref(), Some("activity.downgraded"));
}

#[tokio::test]
async fn docspace_9_6_each_user_is_one_call_with_an_outcome_of_its_own() {
    let portal = Portal::new();
    let server = Server::start(move |request, _| {
        if request.method == "GET" {
            portal.answer(request)
        } else if request.body.contains(&uuid(1)) {
            Reply::json(403, &refusal(403))
        } else {
            let mut p = person(2);
            p["status"] = json!(2);
            Reply::json(200, &ok(&json!([p])))
        }
    })
    .await;
    let docspace = docspace(&server.url);
    let one = attempt(&docspace, &uuid(1), Do::Disable).await;
    let two = attempt(&docspace, &uuid(2), Do::Disable).await;
    assert_eq!(one.verdict, AnswerVerdict::Refused);
    assert_eq!(two.verdict, AnswerVerdict::Done);
    let changes = server.requests().into_iter().filter(|r| r.method != "GET");
    assert_eq!(changes.count(), 2);
}

#[tokio::test]
async fn docspace_9_7_guards_and_age_are_reported_and_retention_bounds_the_horizon() {
    let mut portal = Portal::new();
    portal.people[1]["isOwner"] = json!(true);
    portal.people[2]["registrationDate"] = json!("2026-11-22T09:00:00.0000000Z");
    portal.lifetime = json!({"loginHistoryLifeTime": 30, "auditTrailLifeTime": 30});
    let server = portal.serve().await;
    let read = docspace(&server.url).accounts(&quiet).await.unwrap();
    let facts: Vec<_> = read.accounts.iter().map(|a| &a.facts).collect();
    assert!(facts[0].protected.contains(&Protection::OwnCredential));
    assert!(facts[0].protected.contains(&Protection::Admin));
    assert!(facts[1].protected.contains(&Protection::Owner));
    assert_eq!(facts[2].created_at, Time::parse("2026-11-22T09:00:00Z"));
    for (n, code) in [(0, "block.protected-admin"), (1, "block.protected-owner")] {
        for wanted in [Do::Disable, Do::Remove] {
            let next = docspace(&server.url)
                .prepare(&target(&uuid(n)), wanted)
                .await;
            assert_eq!(next.unwrap(), Next::Withhold(code));
        }
    }
    let proof = login_proof(&server, &[]).await;
    assert_eq!(proof.horizon, Some(now().plus_days(-30)));
}
