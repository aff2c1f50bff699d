//! The list of everybody and the profile of one.

use std::sync::Mutex;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use crate::domain::account::AccountKind;
use crate::domain::account::AccountState;
use crate::domain::account::Protection;
use crate::domain::time::Time;
use crate::provider::ProbeState;
use crate::provider::Provider as _;
use crate::provider::ProviderError;
use crate::provider::docspace::tests::Portal;
use crate::provider::docspace::tests::docspace;
use crate::provider::docspace::tests::listing_error;
use crate::provider::docspace::tests::number;
use crate::provider::docspace::tests::ok;
use crate::provider::docspace::tests::people_page;
use crate::provider::docspace::tests::person;
use crate::provider::docspace::tests::quiet;
use crate::provider::docspace::tests::refusal;
use crate::provider::docspace::tests::slice;
use crate::provider::docspace::tests::uuid;
use crate::provider::http::scripted::Reply;
use crate::provider::http::scripted::Server;

#[tokio::test]
async fn everybody_is_listed_with_what_decisions_need() {
    let mut portal = Portal::new();
    portal.people = (0..250).map(person).collect();
    portal.people[3]["isLDAP"] = json!(true);
    portal.people[4]["status"] = json!(4);
    portal.people[5]["status"] = json!(2);
    portal.people[6]["activationStatus"] = json!(0);
    portal.people[7]["isCollaborator"] = json!(true);
    portal.people[8]["isVisitor"] = json!(false);
    let server = portal.serve().await;
    let read = docspace(&server.url).accounts(&quiet).await.unwrap();
    assert_eq!(read.accounts.len(), 250);
    assert_eq!((read.proof.pages, read.proof.count), (3, 250));
    assert_eq!(read.proof.stated_total, Some(250));
    assert!(read.proof.faults.is_empty());
    assert_eq!(read.proof.about["server"], server.url);
    let facts = |n: usize| read.accounts[n].facts.clone();
    let own = facts(0).protected;
    assert!(own.contains(&Protection::OwnCredential) && own.contains(&Protection::Admin));
    assert_eq!(facts(1).kind, AccountKind::Guest);
    assert!(facts(1).protected.is_empty() && facts(1).address_verified);
    assert_eq!(facts(3).managed_by.as_deref(), Some("ldap"));
    assert_eq!(facts(4).state, AccountState::Invited);
    assert_eq!(facts(5).state, AccountState::Disabled);
    assert_eq!(facts(6).state, AccountState::Active);
    assert!(!facts(6).address_verified);
    assert!(facts(7).protected.contains(&Protection::UnknownRole));
    assert!(facts(8).protected.contains(&Protection::UnknownRole));
    assert_eq!(read.accounts[9].name.as_deref(), Some("Person & 9"));
    assert_eq!(facts(9).created_at, Time::parse("2025-01-02T09:00:00Z"));
    let targets: Vec<_> = server.requests().into_iter().map(|r| r.target).collect();
    let asked = "employeeStatus=7&sortBy=email&sortOrder=ascending&count=100";
    assert_eq!(targets.iter().filter(|t| t.contains(asked)).count(), 3);
}

#[tokio::test]
async fn a_list_that_moves_is_read_once_more() {
    let portal = Portal::new();
    let more: Vec<_> = (0..101).map(person).collect();
    let steady = move |moves: usize| {
        let (portal, more) = (portal.clone(), more.clone());
        Server::start(move |request, n| {
            if !request.target.contains("people/filter") {
                return portal.answer(request);
            }
            let total = if n <= moves { 101 + n } else { 101 };
            Reply::json(200, &people_page(&slice(&more, request), total))
        })
    };
    let once = steady(1).await;
    let read = docspace(&once.url).accounts(&quiet).await.unwrap();
    assert_eq!(read.accounts.len(), 101);
    let always = steady(99).await;
    let e = listing_error(&always).await;
    assert_eq!(e.fault(), "read.moved");
}

#[tokio::test]
async fn a_list_that_is_not_proven_whole_is_no_list() {
    let reply = |people: &[Value], total| Reply::json(200, &people_page(people, total));
    let people: Vec<_> = (0..3).map(person).collect();
    let twice = [person(0), person(1), person(1)];
    let mut changed = person(1);
    changed["isAdmin"] = json!(true);
    let no_total = Reply::json(200, &ok(&json!(people)));
    let cases = [
        (reply(&people, 4), "read.short"),
        (reply(&people, 2), "read.moved"),
        (reply(&twice, 3), "read.short"),
        (reply(&[person(0), person(1), changed], 3), "read.moved"),
        (reply(&[], 0), "read.empty"),
        (reply(&[], 5), "read.short"),
        (reply(&[person(1)], 1), "read.own-missing"),
        (no_total, "read.no-total"),
    ];
    for (answer, fault) in cases {
        let server = Portal::new().except("people/filter", answer).await;
        let e = listing_error(&server).await;
        assert!(matches!(e, ProviderError::NotWhole { .. }), "{e}");
        assert_eq!(e.fault(), fault);
    }
}

#[tokio::test]
async fn every_wrong_answer_to_a_list_is_an_error_of_its_kind() {
    let strange = |field: &str, value: Value| {
        let mut p = person(1);
        p[field] = value;
        Reply::json(200, &people_page(&[person(0), p], 2))
    };
    let html = "<html>502</html>";
    let cases = [
        (Reply::new(401, &[], ""), "read.credentials"),
        (Reply::new(402, &[], ""), "read.tenant-not-in-order"),
        (Reply::new(403, &[], ""), "read.tenant-not-in-order"),
        (Reply::json(403, &refusal(403)), "read.rights"),
        (Reply::new(404, &[], ""), "read.tenant-not-in-order"),
        (Reply::json(404, &refusal(404)), "read.unreadable"),
        (
            Reply::new(429, &["retry-after: 900"], ""),
            "read.rate-limited",
        ),
        (Reply::new(500, &[], ""), "read.unreachable"),
        (
            Reply::new(302, &["location: /login"], ""),
            "read.unreadable",
        ),
        (Reply::new(200, &[], html), "read.unreadable"),
        (Reply::new(200, &[], "{\"response\":["), "read.unreadable"),
        (Reply::new(200, &[], b"\xff\xfe{}"), "read.unreadable"),
        (Reply::new(200, &[], ""), "read.unreadable"),
        (Reply::json(200, &refusal(403)), "read.rights"),
        (Reply::json(200, &refusal(500)), "read.unreadable"),
        (Reply::json(200, &json!({"status": 0})), "read.unreadable"),
        (strange("status", json!(3)), "read.unreadable"),
        (strange("status", json!("Active")), "read.unreadable"),
        (
            strange("registrationDate", json!("gestern")),
            "read.unreadable",
        ),
        (strange("id", json!(null)), "read.without-key"),
    ];
    for (n, (answer, fault)) in cases.into_iter().enumerate() {
        let server = Portal::new().except("people/filter", answer).await;
        let e = listing_error(&server).await;
        assert_eq!(e.fault(), fault, "case {n}: {e}");
        assert!(!e.to_string().contains("v.test"), "{e}");
    }
}

#[tokio::test]
async fn a_key_that_does_not_see_everybody_lists_nobody() {
    let mut portal = Portal::new();
    portal.people[0]["isAdmin"] = json!(false);
    let server = portal.serve().await;
    let e = listing_error(&server).await;
    assert_eq!(e.fault(), "read.rights");
    let probes = docspace(&server.url).check().await;
    assert_eq!(probes[0].state, ProbeState::Bad);
}

#[tokio::test]
async fn one_account_is_there_or_not_by_the_tenants_own_word() {
    let answers = |reply: Reply| Portal::new().except("people/0000", reply);
    let id = uuid(1);
    let server = answers(Reply::json(200, &ok(&person(1)))).await;
    let found = docspace(&server.url).account(&id).await.unwrap().unwrap();
    assert_eq!(found.id, id);
    let server = answers(Reply::json(404, &refusal(404))).await;
    assert_eq!(docspace(&server.url).account(&id).await.unwrap(), None);
    for reply in [
        Reply::new(404, &[], ""),
        Reply::new(404, &[], "<html>not found</html>"),
        Reply::json(404, &json!({"title": "Not Found", "status": 404})),
        Reply::new(403, &[], ""),
        Reply::new(402, &[], ""),
        Reply::new(500, &[], ""),
        Reply::json(200, &ok(&person(2))),
        Reply::json(200, &ok(&json!(null))),
        Reply::json(200, &refusal(404)),
    ] {
        let server = answers(reply).await;
        let answer = docspace(&server.url).account(&id).await;
        assert!(answer.is_err(), "{answer:?}");
    }
    let outside = docspace(&server.url).account("../@self").await;
    assert!(outside.is_err());
}

#[tokio::test]
async fn it_does_not_matter_in_which_order_pages_come() {
    let mut portal = Portal::new();
    portal.people = (0..1_234).map(person).collect();
    let straight = portal.clone().serve().await;
    let one = docspace(&straight.url).accounts(&quiet).await.unwrap();
    let server = Server::start(move |request, _| {
        let start = u64::try_from(number(request, "startIndex")).unwrap();
        match portal.answer(request) {
            Reply::Bytes(bytes) => Reply::Late(Duration::from_millis(200 - start / 10), bytes),
            other => other,
        }
    })
    .await;
    let told = Mutex::new(Vec::new());
    let tell = |count: u64| told.lock().unwrap().push(count);
    let mut other = docspace(&server.url).accounts(&tell).await.unwrap();
    other.proof.identity.clone_from(&one.proof.identity);
    other.proof.about.clone_from(&one.proof.about);
    assert_eq!(one, other);
    let told = told.into_inner().unwrap();
    assert!(told.len() == 13 && told.is_sorted(), "{told:?}");
}

#[tokio::test]
async fn a_list_with_more_pages_than_may_be_read_is_not_begun() {
    let people: Vec<_> = (0..100).map(person).collect();
    let reply = Reply::json(200, &people_page(&people, 2_001));
    let server = Portal::new().except("people/filter", reply).await;
    assert_eq!(listing_error(&server).await.fault(), "read.too-long");
    let requests = server.requests().into_iter();
    let pages = requests.filter(|r| r.target.contains("people/filter"));
    assert_eq!(pages.count(), 1, "the first one says how many there are");
}

#[tokio::test]
async fn one_page_of_many_that_fails_voids_the_list() {
    for (reply, fault) in [
        (Reply::new(500, &[], ""), "read.unreachable"),
        (Reply::json(200, &refusal(403)), "read.rights"),
        (Reply::json(200, &people_page(&[], 950)), "read.short"),
        (
            Reply::json(200, &people_page(&[person(7)], 950)),
            "read.short",
        ),
        (
            Reply::json(200, &people_page(&[person(7)], 951)),
            "read.moved",
        ),
    ] {
        let mut portal = Portal::new();
        portal.people = (0..950).map(person).collect();
        let server = portal.except("startIndex=600", reply).await;
        assert_eq!(listing_error(&server).await.fault(), fault);
    }
}
