//! The adapter against a scripted portal; each trap of the vendor's own example has its test.

use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use crate::domain::account::AccountKind;
use crate::domain::account::AccountState;
use crate::domain::account::Do;
use crate::domain::account::Protection;
use crate::domain::account::Signal;
use crate::domain::source::SignalProof;
use crate::domain::time::Time;
use crate::provider::Answer;
use crate::provider::AnswerVerdict;
use crate::provider::ProbeState;
use crate::provider::Provider as _;
use crate::provider::ProviderError;
use crate::provider::docspace::DocSpace;
use crate::provider::docspace::DocSpaceSettings;
use crate::provider::http::Limits;
use crate::provider::http::Secret;
use crate::provider::http::scripted::Reply;
use crate::provider::http::scripted::Request;
use crate::provider::http::scripted::Server;

mod example;
mod parse;

const TOKEN: &str = "sk-never-to-be-seen";

fn uuid(n: u64) -> String {
    format!("{n:08}-0000-4000-8000-000000000000")
}

fn person(n: u64) -> Value {
    json!({
        "id": uuid(n), "displayName": format!("Person &amp; {n}"), "email": format!("p{n}@v.test"),
        "status": 1, "activationStatus": 1, "isAdmin": n == 0, "isRoomAdmin": false,
        "isLDAP": false, "isOwner": false, "isVisitor": n != 0, "isCollaborator": false,
        "isSSO": false, "isAnonim": false,
        "registrationDate": "2025-01-02T10:00:00.0000000+01:00",
    })
}

fn event(id: u64, who: u64, action: u64, date: &str) -> Value {
    json!({"id": id, "date": date, "user": "C One", "userId": uuid(who), "login": "c@v.test",
        "action": "text", "actionId": action, "ip": "1.2.3.4", "page": "/"})
}

fn ok(response: &Value) -> Value {
    json!({"response": response, "count": 1, "status": 0, "statusCode": 200})
}

fn people_page(people: &[Value], total: usize) -> Value {
    let mut body = ok(&json!(people));
    body["total"] = json!(total);
    body
}

fn refusal(status: u16) -> Value {
    json!({"error": {"message": "Access denied", "type": "System.Security.SecurityException",
        "stack": "at ASC.Secret()", "hresult": -1}, "status": 1, "statusCode": status})
}

fn number(request: &Request, name: &str) -> usize {
    let target = url::Url::parse(&format!("http://x{}", request.target)).unwrap();
    let mut pairs = target.query_pairs();
    let found = pairs.find(|(k, _)| k == name);
    found.map_or(0, |(_, v)| v.parse().unwrap())
}

fn slice(items: &[Value], request: &Request) -> Vec<Value> {
    let (start, count) = (number(request, "startIndex"), number(request, "count"));
    items.iter().skip(start).take(count).cloned().collect()
}

/// A portal in good order.
#[derive(Clone)]
struct Portal {
    people: Vec<Value>,
    logins: Vec<Value>,
    audit: Vec<Value>,
    lifetime: Value,
    cookies: Value,
}

impl Portal {
    fn new() -> Self {
        Self {
            people: (0..3).map(person).collect(),
            logins: vec![
                event(12, 1, 1029, "2026-11-20T10:00:00.0000000+01:00"),
                event(11, 2, 1005, "2026-11-19T10:00:00.0000000Z"),
                event(10, 2, 1006, "2026-11-18T10:00:00.0000000Z"),
                event(9, 1, 1000, "2026-11-18T09:00:00.0000000Z"),
            ],
            audit: vec![
                event(7, 2, 5000, "2026-11-21T10:00:00.0000000Z"),
                event(6, 1, 1003, "2026-11-20T10:00:00.0000000Z"),
                event(5, 1, 1005, "2026-11-19T10:00:00.0000000Z"),
            ],
            lifetime: json!({"loginHistoryLifeTime": 180, "auditTrailLifeTime": 90,
                "lastModified": "0001-01-01T00:00:00"}),
            cookies: json!({"lifeTime": 1440, "enabled": true}),
        }
    }

    fn answer(&self, request: &Request) -> Reply {
        let path = request.target.split('?').next().unwrap_or_default();
        let body = match path {
            "/api/2.0/people/@self" => ok(&self.people[0]),
            "/api/2.0/people/filter" => {
                people_page(&slice(&self.people, request), self.people.len())
            }
            "/api/2.0/security/audit/login/filter" => ok(&json!(slice(&self.logins, request))),
            "/api/2.0/security/audit/events/filter" => ok(&json!(slice(&self.audit, request))),
            "/api/2.0/security/audit/settings/lifetime" => ok(&self.lifetime),
            "/api/2.0/settings/cookiesettings" => ok(&self.cookies),
            _ => return Reply::json(404, &refusal(404)),
        };
        Reply::json(200, &body)
    }

    async fn serve(self) -> Server {
        Server::start(move |request, _| self.answer(request)).await
    }

    /// Serves as usual, but for the paths that contain `path`.
    async fn except(self, path: &'static str, reply: Reply) -> Server {
        Server::start(move |request, _| {
            if request.target.contains(path) {
                reply.clone()
            } else {
                self.answer(request)
            }
        })
        .await
    }
}

fn docspace(url: &str) -> DocSpace {
    let mut settings = DocSpaceSettings::new(url, Secret::new(TOKEN));
    settings.http = Limits {
        connect: Duration::from_millis(300),
        read: Duration::from_millis(600),
        change: Duration::from_millis(600),
        attempts: 2,
        waiting: Duration::from_millis(500),
        change_waiting: Duration::from_millis(50),
        first_backoff: Duration::from_millis(2),
        longest_backoff: Duration::from_millis(4),
        ..Limits::default()
    };
    settings.max_pages = 20;
    DocSpace::new(settings).unwrap()
}

fn now() -> Time {
    Time::parse("2026-11-22T10:00:00Z").unwrap()
}

fn quiet(_: u64) {}

async fn listing_error(server: &Server) -> ProviderError {
    let e = docspace(&server.url).accounts(&quiet).await.unwrap_err();
    assert!(!format!("{e} {e:?}").contains(TOKEN));
    e
}

async fn login_proof(server: &Server, known: &[SignalProof]) -> SignalProof {
    let read = docspace(&server.url).activity(known, now(), &quiet).await;
    read.signals[0].clone()
}

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
    assert!(targets[1].contains("employeeStatus=7&sortBy=email&sortOrder=ascending&count=100"));
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

async fn disable(reply: Reply) -> Answer {
    let server = Portal::new().except("people/status", reply).await;
    let answer = docspace(&server.url).execute(&uuid(1), Do::Disable).await;
    let requests = server.requests();
    assert_eq!(requests.len(), 1, "a change is one request");
    assert_eq!(requests[0].method, "PUT");
    assert_eq!(requests[0].target, "/api/2.0/people/status/2");
    let body: Value = serde_json::from_str(&requests[0].body).unwrap();
    assert_eq!(body, json!({"userIds": [uuid(1)], "resendAll": false}));
    assert!(!answer.body.contains("ASC.Secret"));
    answer
}

#[tokio::test]
async fn disabling_is_judged_by_what_the_answer_names() {
    use AnswerVerdict::Done;
    use AnswerVerdict::Failed;
    use AnswerVerdict::Refused;
    use AnswerVerdict::Unknown;
    let with = |n: u64, status: u64| {
        let mut p = person(n);
        p["status"] = json!(status);
        Reply::json(200, &ok(&json!([p])))
    };
    let stray = "location: http://127.0.0.1:9/";
    let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{".to_vec();
    let cases = [
        (with(1, 2), Done, "call.done"),
        (with(1, 1), Unknown, "call.not-confirmed"),
        (with(2, 2), Unknown, "call.not-confirmed"),
        (Reply::json(200, &refusal(403)), Unknown, "call.unclear"),
        (Reply::new(200, &[], "<html>"), Unknown, "call.unclear"),
        (Reply::new(200, &[], ""), Unknown, "call.unclear"),
        (Reply::new(204, &[], ""), Unknown, "call.unclear"),
        (Reply::json(400, &refusal(400)), Refused, "call.refused"),
        (Reply::json(403, &refusal(403)), Refused, "call.refused"),
        (Reply::new(403, &[], "<html>"), Unknown, "call.unclear"),
        (
            Reply::new(403, &[], ""),
            Refused,
            "call.tenant-not-in-order",
        ),
        (
            Reply::new(402, &[], ""),
            Refused,
            "call.tenant-not-in-order",
        ),
        (
            Reply::new(404, &[], ""),
            Refused,
            "call.tenant-not-in-order",
        ),
        (Reply::json(404, &refusal(404)), Refused, "call.not-found"),
        (Reply::new(401, &[], ""), Refused, "call.credentials"),
        (
            Reply::new(429, &["retry-after: 1"], ""),
            Failed,
            "call.rate-limited",
        ),
        (Reply::new(500, &[], "x"), Unknown, "call.server-error"),
        (
            Reply::new(503, &["retry-after: 0"], ""),
            Unknown,
            "call.server-error",
        ),
        (Reply::new(307, &[stray], ""), Unknown, "call.redirected"),
        (Reply::Bytes(cut), Unknown, "call.lost"),
        (Reply::Silence, Unknown, "call.lost"),
    ];
    for (n, (reply, verdict, code)) in cases.into_iter().enumerate() {
        let answer = disable(reply).await;
        assert_eq!((answer.verdict, answer.code), (verdict, code), "case {n}");
    }
    let nobody = docspace("http://127.0.0.1:1");
    let answer = nobody.execute(&uuid(1), Do::Disable).await;
    assert_eq!((answer.verdict, answer.code), (Failed, "call.not-sent"));
}

#[tokio::test]
async fn what_cannot_be_done_is_not_sent() {
    let server = Portal::new().serve().await;
    let docspace = docspace(&server.url);
    for (id, wanted) in [(uuid(1), Do::Remove), ("a/../b".to_owned(), Do::Disable)] {
        let e = docspace.request(&id, wanted).unwrap_err();
        assert!(matches!(e, ProviderError::Configuration { .. }));
        let answer = docspace.execute(&id, wanted).await;
        assert_eq!(answer.verdict, AnswerVerdict::Failed);
        assert_eq!(answer.code, "call.not-possible");
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn what_is_read_back_shows_whether_it_came_true() {
    let server = Portal::new().except(
        "people/0000",
        Reply::json(
            200,
            &ok(&{
                let mut p = person(1);
                p["status"] = json!(2);
                p
            }),
        ),
    );
    let server = server.await;
    let docspace = docspace(&server.url);
    let facts = docspace.account(&uuid(1)).await.unwrap().unwrap().facts;
    assert!(docspace.shows(Some(&facts), Do::Disable));
    assert!(!docspace.shows(Some(&facts), Do::Remove));
    assert!(docspace.shows(None, Do::Disable) && docspace.shows(None, Do::Remove));
    let active = crate::domain::account::AccountFacts {
        state: AccountState::Active,
        ..facts
    };
    assert!(!docspace.shows(Some(&active), Do::Disable));
    assert!(docspace.is_loopback());
    let clock = docspace.clock().await.unwrap();
    assert_eq!(clock, Time::parse("2026-11-22T10:00:00Z"));
}

#[tokio::test]
async fn the_check_says_what_an_administrator_can_act_on() {
    let good = Portal::new().serve().await;
    let probes = docspace(&good.url).check().await;
    let whats: Vec<_> = probes.iter().map(|p| p.what.as_str()).collect();
    assert_eq!(
        whats,
        [
            "credential",
            "rights",
            "login history",
            "login retention",
            "session lifetime"
        ]
    );
    // an administrator's key cannot disable administrators; the rest is in order
    assert_eq!(probes[0].state, ProbeState::Limited);
    assert!(
        probes.iter().skip(1).all(|p| p.state == ProbeState::Good),
        "{probes:?}"
    );
    assert!(probes.iter().all(|p| !p.says.contains("v.test")));
    let refused = Portal::new().except("/api", Reply::new(401, &[], "")).await;
    let probes = docspace(&refused.url).check().await;
    assert_eq!((probes.len(), probes[0].state), (1, ProbeState::Bad));
    assert!(probes[0].hint.is_some() && !probes[0].says.contains(TOKEN));
}
