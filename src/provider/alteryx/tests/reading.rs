//! Listing, the workspace, administrators, single people.

use serde_json::json;

use crate::domain::account::AccountState;
use crate::domain::account::Protection;
use crate::domain::account::Signal;
use crate::domain::time::Time;
use crate::provider::Provider as _;
use crate::provider::ProviderError;
use crate::provider::alteryx::Alteryx;
use crate::provider::alteryx::tests::Count;
use crate::provider::alteryx::tests::Space;
use crate::provider::alteryx::tests::alteryx;
use crate::provider::alteryx::tests::but;
use crate::provider::alteryx::tests::exception;
use crate::provider::alteryx::tests::now;
use crate::provider::alteryx::tests::parts;
use crate::provider::alteryx::tests::person;
use crate::provider::alteryx::tests::quiet;
use crate::provider::alteryx::tests::settings;
use crate::provider::http::scripted::Reply;
use crate::provider::http::scripted::Request;

fn pages(requests: &[Request]) -> usize {
    let list = |r: &&Request| parts(r).0 == "/v4/people";
    requests.iter().filter(list).count()
}

#[tokio::test]
async fn everybody_comes_whatever_count_means_and_however_small_the_pages_are() {
    for count in [Count::All, Count::Page, Count::Absent] {
        for most in [1000, 25, 30, 7, 1] {
            let space = Space {
                count,
                most,
                ..Space::new(30)
            };
            let server = space.start().await;
            let read = alteryx(&server).accounts(&quiet).await.unwrap();
            assert_eq!(read.accounts.len(), 30, "{count:?} {most}");
            assert_eq!(read.proof.count, 30);
            let total = (count == Count::All).then_some(30);
            assert_eq!(read.proof.stated_total, total, "{count:?} {most}");
        }
    }
}

#[tokio::test]
async fn a_server_that_refuses_large_pages_is_asked_for_smaller_ones() {
    let space = Space::new(120);
    let server = crate::provider::http::scripted::Server::start(move |request, _| {
        let limit = parts(request).1.get("limit").cloned();
        match limit.and_then(|l| l.parse::<u64>().ok()) {
            Some(101..) => exception(400, "ApiValidationFailed"),
            _ => space.answer(request),
        }
    })
    .await;
    let read = alteryx(&server).accounts(&quiet).await.unwrap();
    assert_eq!(read.accounts.len(), 120);
    assert_eq!(pages(&server.requests()), 3);
}

/// 5,000 accounts take as few calls as their pages, and three more.
#[tokio::test]
async fn a_large_workspace_takes_no_call_per_person() {
    let server = Space::new(5000).start().await;
    alteryx(&server).accounts(&quiet).await.unwrap();
    assert_eq!(pages(&server.requests()), 10);
    assert_eq!(server.requests().len(), 10 + 4);
}

#[tokio::test]
async fn lists_that_are_not_whole_are_void() {
    let people = |r: &Request| parts(r).0 == "/v4/people";
    let rows = |n: std::ops::Range<u64>| n.map(person).collect::<Vec<_>>();
    let cases = [
        // named more than came, and an empty page ends it
        (
            vec![(rows(1..26), Some(30)), (vec![], Some(30))],
            "read.short",
        ),
        // the number changed
        (
            vec![(rows(1..26), Some(30)), (rows(26..30), Some(29))],
            "read.moved",
        ),
        // fewer are named than came
        (vec![(rows(1..26), Some(20))], "read.moved"),
        // the offset is ignored
        (
            vec![(rows(1..26), None), (rows(1..26), None)],
            "read.paging-ignored",
        ),
        // the first page was called all, and there is more
        (
            vec![(rows(1..26), Some(25)), (rows(26..29), Some(25))],
            "read.moved",
        ),
        (vec![(vec![], Some(0))], "read.empty"),
        (
            vec![(rows(2..5), Some(3)), (vec![], Some(3))],
            "read.own-missing",
        ),
    ];
    for (answers, fault) in cases {
        let space = Space::new(40);
        let server = crate::provider::http::scripted::Server::start(move |request, _| {
            if !people(request) {
                return space.answer(request);
            }
            let offset = parts(request).1["offset"].parse::<usize>().unwrap();
            let page = if offset == 0 { 0 } else { 1 };
            let (rows, count) = &answers[page.min(answers.len() - 1)];
            Reply::json(200, &json!({"data": rows, "count": count}))
        })
        .await;
        let error = alteryx(&server).accounts(&quiet).await.unwrap_err();
        assert_eq!(error.fault(), fault, "{error}");
    }
}

#[tokio::test]
async fn what_an_answer_says_about_people_is_read_as_it_stands() {
    let mut space = Space::new(12);
    space.people[2]["isDisabled"] = json!(true);
    space.people[3]["state"] = json!("hidden");
    space.people[4]["status"] = json!("Suspended");
    space.people[5]["status"] = json!("Invited");
    space.people[6]["lastLoginTime"] = json!(null);
    space.people[7]
        .as_object_mut()
        .unwrap()
        .remove("lastLoginTime");
    space.people[8]["status"] = json!("levitating");
    space.people[9]["email"] = json!(null);
    space.people[10]["createdAt"] = json!("2019-01-09T20:23:31.560Z");
    space.people[11]["isAdmin"] = json!(true);
    let server = space.start().await;
    let read = alteryx(&server).accounts(&quiet).await.unwrap();
    let of = |id: &str| read.accounts.iter().find(|a| a.id == id).unwrap();
    for id in ["3", "4", "5"] {
        assert_eq!(of(id).facts.state, AccountState::Disabled, "{id}");
    }
    assert_eq!(of("6").facts.state, AccountState::Invited);
    assert!(!of("6").facts.address_verified);
    for id in ["7", "8"] {
        assert!(of(id).facts.hidden.contains(&Signal::Login), "{id}");
        assert!(of(id).seen.is_empty());
    }
    // a status that nobody knows: neither disabled nor touched
    assert_eq!(of("9").facts.state, AccountState::Active);
    assert!(of("9").facts.protected.contains(&Protection::UnknownRole));
    assert_eq!(of("10").email, None);
    let created = Time::parse("2019-01-09T20:23:31.560Z");
    assert_eq!(of("11").facts.created_at, created);
    let login = Time::parse("2026-01-23T10:22:44.532Z").unwrap();
    assert_eq!(of("11").seen[&Signal::Login], login);
    assert!(of("11").facts.protected.is_empty());
    // the list's own isAdmin says nothing
    assert!(of("12").facts.protected.is_empty());
    let proof = &read.signals[0];
    assert!(proof.complete);
    assert_eq!(proof.horizon, Some(Time::from_seconds(0)));
    assert_eq!(proof.until, Some(now()));
    assert_eq!(proof.precision_s, Some(14 * 86_400));
}

#[tokio::test]
async fn administrators_and_our_own_user_are_protected() {
    let space = Space {
        suspended_admins: vec![4],
        ..Space::new(5)
    };
    let server = space.start().await;
    let read = alteryx(&server).accounts(&quiet).await.unwrap();
    let protected = |n: usize| read.accounts[n].facts.protected.clone();
    assert!(protected(0).contains(&Protection::OwnCredential));
    assert!(protected(0).contains(&Protection::Admin));
    assert!(!protected(0).contains(&Protection::LastAdmin));
    assert!(protected(1).contains(&Protection::Admin));
    assert!(protected(3).contains(&Protection::Admin), "suspended ones");
    assert!(protected(2).is_empty() && protected(4).is_empty());

    let space = Space {
        admins: vec![1],
        ..Space::new(3)
    };
    let server = space.start().await;
    let read = alteryx(&server).accounts(&quiet).await.unwrap();
    let own = &read.accounts[0].facts.protected;
    assert!(own.contains(&Protection::LastAdmin));
    // a record that is read alone says the same
    let alone = alteryx(&server).account("1").await.unwrap().unwrap();
    assert_eq!(alone.facts, read.accounts[0].facts);
}

#[tokio::test]
async fn a_list_of_administrators_that_may_not_be_all_protects_nobody_and_voids_the_read() {
    let admins = |r: &Request| parts(r).0.ends_with("/admins");
    let rows: Vec<_> = (1..26).map(|n| json!({"id": n})).collect();
    for (body, fault) in [
        (json!({"data": rows, "count": 26}), "read.short"),
        (json!({"data": rows}), "read.no-total"),
        (json!({"data": []}), "read.empty"),
        (json!({"data": [{"email": "a@v.test"}]}), "read.without-key"),
        (json!({"data": [{"id": 2}]}), "read.rights"),
    ] {
        let server = but(Space::new(3), admins, Reply::json(200, &body)).await;
        let error = alteryx(&server).accounts(&quiet).await.unwrap_err();
        assert_eq!(error.fault(), fault, "{error}");
    }
    // a server that does not take our further question has still answered the first one
    let more = move |r: &Request| admins(r) && r.target.contains("includeStatus");
    let server = but(Space::new(3), more, exception(400, "ApiValidationFailed")).await;
    assert_eq!(
        alteryx(&server)
            .accounts(&quiet)
            .await
            .unwrap()
            .accounts
            .len(),
        3
    );
}

/// In v3, who is no administrator got only name, email and id: a missing field can mean "not
/// permitted".
#[tokio::test]
async fn people_without_their_state_are_a_lack_of_rights_and_never_silent() {
    let mut space = Space::new(3);
    space.people[1] = json!({"id": 2, "email": "p2@v.test", "name": "P"});
    let server = space.start().await;
    let error = alteryx(&server).accounts(&quiet).await.unwrap_err();
    assert!(matches!(error, ProviderError::Rights { .. }), "{error}");
}

#[tokio::test]
async fn values_that_cannot_be_read_void_the_read() {
    for (field, value) in [
        ("lastLoginTime", json!("yesterday")),
        ("lastLoginTime", json!(1_760_000_000)),
        ("createdAt", json!("2019-13-01")),
        ("isDisabled", json!("no")),
        ("state", json!(7)),
        ("email", json!({})),
        ("id", json!("../admins")),
        ("id", json!("current")),
        ("id", json!(null)),
    ] {
        let mut space = Space::new(3);
        space.people[1][field] = value.clone();
        let server = space.start().await;
        let error = alteryx(&server).accounts(&quiet).await.unwrap_err();
        let fault = error.fault();
        let known = ["read.unreadable", "read.without-key"];
        assert!(known.contains(&fault), "{field} = {value}: {error}");
    }
}

#[tokio::test]
async fn absent_is_only_the_tenants_own_word_in_the_right_workspace() {
    let server = Space::new(3).start().await;
    let adapter = alteryx(&server);
    assert_eq!(adapter.account("77").await.unwrap(), None);
    assert!(adapter.account("3").await.unwrap().is_some());
    assert!(adapter.account("../x").await.is_err());

    let one = |r: &Request| parts(r).0 == "/v4/people/3";
    let html = Reply::new(404, &["content-type: text/html"], "<html>Cannot GET</html>");
    for (reply, fault) in [
        (
            exception(404, "RouteNotFoundException"),
            "read.configuration",
        ),
        (html, "read.configuration"),
        (Reply::new(404, &[], ""), "read.configuration"),
        (exception(403, "AccessControlException"), "read.rights"),
        (exception(401, "MissingPersonException"), "read.credentials"),
        (exception(400, "ValidationFailed"), "read.unreadable"),
        (Reply::json(200, &exception_body()), "read.unreadable"),
        (Reply::json(200, &person(2)), "read.unreadable"),
        (Reply::new(200, &[], "[]"), "read.unreadable"),
        (
            Reply::new(302, &["location: https://x.test/"], ""),
            "read.unreadable",
        ),
        (Reply::new(500, &[], ""), "read.unreachable"),
    ] {
        let server = but(Space::new(3), one, reply.clone()).await;
        let error = alteryx(&server).account("3").await.unwrap_err();
        assert_eq!(error.fault(), fault, "{reply:?}: {error}");
    }
    // "there is no such person" in another workspace says nothing about this one
    let mut space = Space::new(3);
    space.workspace["id"] = json!(4);
    let server = space.start().await;
    let error = alteryx(&server).account("77").await.unwrap_err();
    assert!(matches!(error, ProviderError::Configuration { .. }));
}

fn exception_body() -> serde_json::Value {
    json!({"exception": {"name": "Odd", "message": "inside 200"}})
}

/// Removal ends the membership and not the person, who may answer for ever.
#[tokio::test]
async fn a_person_who_still_answers_and_is_in_no_list_is_no_member() {
    let one = |r: &Request| parts(r).0 == "/v4/people/9";
    for reply in [
        Reply::json(200, &person(9)),
        exception(410, "GoneException"),
    ] {
        for by_id in [true, false] {
            let mut space = Space::new(8);
            space.by_id = by_id;
            space.most = 3;
            let server = but(space.clone(), one, reply.clone()).await;
            assert_eq!(alteryx(&server).account("9").await.unwrap(), None);
            // the vendor has taken the question away: the list still has the person
            space.people.push(person(9));
            let server = but(space, one, reply.clone()).await;
            let found = alteryx(&server).account("9").await.unwrap();
            assert_eq!(found.unwrap().id, "9");
        }
    }
}

#[tokio::test]
async fn headers_and_paths_are_as_configured() {
    let space = Space::new(3);
    let server = crate::provider::http::scripted::Server::start(move |request, _| {
        let mut request = request.clone();
        request.target = request.target.replace("/api/users", "/v4/people");
        space.answer(&request)
    })
    .await;
    let mut settings = settings(&server.url);
    for (name, value) in [
        ("X-Api-Project-Id", "p-1"),
        ("x-alteryx-workspace-gid", "01JKBM"),
    ] {
        settings.headers.insert(name.into(), value.into());
    }
    settings.paths.insert("people".into(), "/api/users".into());
    let adapter = Alteryx::new(settings.clone()).unwrap();
    adapter.accounts(&quiet).await.unwrap();
    for request in server.requests() {
        assert!(request.head.contains("x-api-project-id: p-1"));
        assert!(request.head.contains("authorization: bearer access-"));
    }
    let list = |r: &Request| r.target.starts_with("/api/users?");
    assert!(server.requests().iter().any(list));

    // a header that names another workspace than the number does
    let gid = "x-alteryx-workspace-gid".to_owned();
    settings.headers.insert(gid, "01OTHER".into());
    let error = Alteryx::new(settings).unwrap().accounts(&quiet).await;
    assert_eq!(error.unwrap_err().fault(), "read.configuration");
}

#[test]
fn settings_that_cannot_work_are_mistakes() {
    type Change = fn(&mut crate::provider::alteryx::AlteryxSettings);
    let wrong: [(Change, &str); 12] = [
        (|s| s.workspace = "01JKBMKPZ94N".into(), "number"),
        (|s| s.workspace = String::new(), "number"),
        (|s| put(&mut s.paths, "peple", "v4/people"), "no `peple`"),
        (
            |s| put(&mut s.paths, "person", "v4/people"),
            "must hold {id}",
        ),
        (
            |s| put(&mut s.paths, "people", "v4/{id}"),
            "may not hold {id}",
        ),
        (|s| put(&mut s.paths, "people", "v4/{team}"), "only"),
        (
            |s| put(&mut s.paths, "people", "https://evil.test/x"),
            "not a path",
        ),
        (
            |s| put(&mut s.paths, "people", "v4/people?x=1"),
            "not a path",
        ),
        (
            |s| put(&mut s.headers, "Authorization", "x"),
            "sets it itself",
        ),
        (|s| put(&mut s.headers, "a b", "x"), "cannot be sent"),
        (|s| s.url = "http://us1.alteryxcloud.com".into(), "https"),
        (|s| s.url = "us1.alteryxcloud.com".into(), "url"),
    ];
    for (change, says) in wrong {
        let mut settings = settings("http://127.0.0.1:9");
        change(&mut settings);
        let error = Alteryx::new(settings).unwrap_err();
        assert!(matches!(error, ProviderError::Configuration { .. }));
        assert!(error.to_string().contains(says), "{error}");
    }
}

fn put(map: &mut std::collections::BTreeMap<String, String>, name: &str, value: &str) {
    map.insert(name.to_owned(), value.to_owned());
}
