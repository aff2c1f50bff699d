//! Requests and answers of single users, credentials, probes.

use serde_json::Value;
use serde_json::json;

use crate::domain::account::Do;
use crate::domain::time::Time;
use crate::provider::AnswerVerdict;
use crate::provider::Next;
use crate::provider::ProbeState;
use crate::provider::Provider as _;
use crate::provider::Settled;
use crate::provider::http::Secret;
use crate::provider::http::scripted::Reply;
use crate::provider::http::scripted::Server;
use crate::provider::scim::Scim;
use crate::provider::scim::ScimAccess;
use crate::provider::scim::tests::TOKEN;
use crate::provider::scim::tests::adapter;
use crate::provider::scim::tests::error;
use crate::provider::scim::tests::page;
use crate::provider::scim::tests::pair;
use crate::provider::scim::tests::quiet;
use crate::provider::scim::tests::refusal;
use crate::provider::scim::tests::serve;
use crate::provider::scim::tests::settings;
use crate::provider::scim::tests::user;
use crate::provider::trial::attempt;
use crate::provider::trial::order;
use crate::provider::trial::target;

#[tokio::test]
async fn a_user_is_gone_only_by_the_servers_own_word() {
    for (reply, gone) in [
        (refusal(404), true),
        (Reply::new(404, &[], "<html>"), false),
        (Reply::json(404, &json!({ "message": "no route" })), false),
        (Reply::json(200, &user(2)), false),
        (Reply::json(200, &error(404, None)), false),
        (refusal(403), false),
        (refusal(500), false),
        (refusal(501), false),
    ] {
        let server = serve(move |_, _| reply.clone()).await;
        let found = adapter(&server).account("u1").await;
        assert_eq!(found.is_ok_and(|f| f.is_none()), gone);
    }
}

#[tokio::test]
async fn ids_are_one_segment_of_the_path() {
    let id = "a/../b?c#d é";
    let server = serve(move |_, _| {
        let mut one = user(1);
        one["id"] = json!(id);
        Reply::json(200, &one)
    })
    .await;
    assert!(adapter(&server).account(id).await.unwrap().is_some());
    let last = server.requests().pop().unwrap();
    assert_eq!(last.target, "/scim/v2/Users/a%2F..%2Fb%3Fc%23d%20%C3%A9");
    assert!(last.head.contains("application/scim+json"));
    assert!(adapter(&server).account("..").await.is_err());
}

#[tokio::test]
async fn our_own_user_and_administrators_are_never_touched() {
    let server = Server::start(|request, _| match request.target.as_str() {
        "/scim/v2/Me" => Reply::json(200, &user(7)),
        "/scim/v2/Users/u7" => Reply::json(200, &user(7)),
        "/scim/v2/Users/u0" => Reply::json(200, &user(0)),
        _ => refusal(404),
    })
    .await;
    let scim = adapter(&server);
    for (id, code) in [
        ("u7", "block.protected-own-credential"),
        ("u0", "block.protected-admin"),
        ("u8", "block.identity-changed"),
    ] {
        for wanted in [Do::Disable, Do::Remove] {
            let next = scim.prepare(&target(id), wanted).await.unwrap();
            assert_eq!(next, Next::Withhold(code));
        }
    }
    let mut then = target("u7");
    let record = scim.account("u7").await.unwrap().unwrap();
    then.facts = Some(record.facts);
    then.facts.as_mut().unwrap().created_at = Time::parse("2020-01-01T00:00:00Z");
    let next = scim.prepare(&then, Do::Restore).await.unwrap();
    assert_eq!(next, Next::Withhold("block.identity-changed"), "made anew");
}

#[tokio::test]
async fn the_image_is_the_whole_user_and_no_secret() {
    let server = serve(|_, _| {
        let mut one = user(1);
        one["password"] = json!("s3cret");
        Reply::json(200, &one)
    })
    .await;
    let order = order(&adapter(&server), &target("u1"), Do::Disable).await;
    let image: Value = serde_json::from_str(order.image.as_ref().unwrap()).unwrap();
    assert_eq!(image, json!({ "user": user(1) }));
    assert_eq!(order.checked, ["checked.account"]);
}

#[tokio::test]
async fn a_version_is_named_where_it_counts() {
    for (etag, required) in [(true, false), (false, false), (false, true)] {
        let server = Server::start(move |request, _| {
            let head = &request.head;
            match (request.method.as_str(), request.target.as_str()) {
                ("GET", "/scim/v2/ServiceProviderConfig") => {
                    Reply::json(200, &json!({ "etag": { "supported": etag } }))
                }
                ("GET", "/scim/v2/Users/u1") => Reply::json(200, &user(1)),
                ("PATCH", _) if required && !head.contains("if-match: w/\"1\"") => refusal(428),
                ("PATCH", _) => Reply::new(204, &[], ""),
                _ => refusal(404),
            }
        })
        .await;
        let scim = adapter(&server);
        if required {
            let first = attempt(&scim, "u1", Do::Disable).await;
            assert_eq!(first.code, "call.other-form");
        }
        assert_eq!(
            attempt(&scim, "u1", Do::Disable).await.verdict,
            AnswerVerdict::Done
        );
        let last = server.requests().pop().unwrap();
        assert_eq!(last.head.contains("if-match"), etag || required);
    }
}

#[tokio::test]
async fn plain_json_is_sent_where_the_media_type_of_scim_is_refused() {
    let server = serve(|request, _| match request.method.as_str() {
        "GET" => Reply::json(200, &user(1)),
        _ if request.head.contains("content-type: application/json") => Reply::new(204, &[], ""),
        _ => refusal(415),
    })
    .await;
    let scim = adapter(&server);
    let codes = [
        attempt(&scim, "u1", Do::Disable).await.code,
        attempt(&scim, "u1", Do::Disable).await.code,
    ];
    assert_eq!(codes, ["call.other-form", "call.done"]);
    let sent = server
        .requests()
        .into_iter()
        .filter(|r| r.method == "PATCH");
    let bodies: Vec<_> = sent.map(|r| r.body).collect();
    assert_eq!(bodies[0], bodies[1], "in the same form otherwise");
}

#[tokio::test]
async fn a_server_that_hides_who_is_active_leaves_it_in_doubt() {
    let server = serve(|request, _| {
        let mut one = user(1);
        one.as_object_mut().unwrap().remove("active");
        match request.method.as_str() {
            "GET" => Reply::json(200, &one),
            _ => Reply::new(204, &[], ""),
        }
    })
    .await;
    let scim = adapter(&server);
    let settled = scim.settle(&target("u1"), Do::Disable).await.unwrap();
    assert_eq!(settled, Settled::Repeatable);
    let facts = scim.account("u1").await.unwrap().unwrap().facts;
    assert!(!scim.shows(Some(&facts), Do::Disable));
}

#[tokio::test]
async fn what_is_not_possible_is_said_so() {
    let server = serve(|request, _| match request.method.as_str() {
        "GET" => Reply::json(200, &user(1)),
        _ => refusal(501),
    })
    .await;
    let scim = adapter(&server);
    let gone = attempt(&scim, "u1", Do::Remove).await;
    assert_eq!(
        (gone.verdict, gone.code),
        (AnswerVerdict::Refused, "call.not-possible")
    );
    let codes = [
        attempt(&scim, "u1", Do::Disable).await.code,
        attempt(&scim, "u1", Do::Disable).await.code,
    ];
    assert_eq!(
        codes,
        ["call.other-form", "call.not-possible"],
        "PATCH, then PUT"
    );
    let methods: Vec<_> = server.requests().into_iter().map(|r| r.method).collect();
    assert!(methods.contains(&"PUT".to_owned()));
}

#[tokio::test]
async fn client_credentials_are_shown_in_the_way_that_is_taken() {
    for (by_form, by_basic) in [(true, false), (false, true)] {
        let server = Server::start(move |request, _| {
            let in_form = request.body.contains("client_secret=hush");
            let in_basic = request.head.contains("authorization: basic");
            match request.target.as_str() {
                "/oauth/token/" if in_form && by_form || in_basic && by_basic => {
                    Reply::json(200, &json!({ "access_token": "t", "expires_in": 1 }))
                }
                "/oauth/token/" => Reply::json(401, &json!({ "error": "invalid_client" })),
                "/scim/v2/Users/u1" => Reply::json(200, &user(1)),
                _ => refusal(404),
            }
        })
        .await;
        let scim = client(&server.url);
        assert!(scim.account("u1").await.unwrap().is_some());
        let asked = server
            .requests()
            .into_iter()
            .filter(|r| r.target == "/oauth/token/");
        // the token lives too short to be kept: one refusal by Basic, then one form each time
        assert_eq!(asked.count(), if by_form { 3 } else { 2 });
    }
    let server =
        Server::start(|_, _| Reply::json(401, &json!({ "error": "invalid_client" }))).await;
    let e = client(&server.url).accounts(&quiet).await.unwrap_err();
    assert_eq!(e.fault(), "read.credentials");
    assert!(!e.to_string().contains("hush"));
}

fn client(url: &str) -> Scim {
    let mut settings = settings(&format!("{url}/scim/v2"));
    settings.access = ScimAccess::Client {
        id: Secret::new("machine"),
        secret: Secret::new("hush"),
        token_url: format!("{url}/oauth/token/"),
    };
    Scim::new(settings).unwrap()
}

#[test]
fn a_token_from_elsewhere_is_no_rehearsal() {
    let mut settings = settings("http://127.0.0.1:9/scim/v2");
    assert!(Scim::new(settings.clone()).unwrap().is_loopback());
    let access = |token_url: &str| ScimAccess::Client {
        id: Secret::new("machine"),
        secret: Secret::new("hush"),
        token_url: token_url.to_owned(),
    };
    settings.access = access("https://login.example.com/oauth/token");
    let far = Scim::new(settings.clone()).unwrap();
    assert!(!far.is_loopback() && far.request_limit_s() > 10);
    for bad in [
        "https://x.example.com/t?a=b",
        "https://u:p@x.example.com/t",
        "x",
        "http://x.example.com/t",
    ] {
        settings.access = access(bad);
        assert!(Scim::new(settings.clone()).is_err(), "{bad}");
    }
}

#[test]
fn dates_of_change_are_no_logins() {
    let mut settings = settings("http://127.0.0.1:9/scim/v2");
    settings.last_login = Some("meta.lastModified".to_owned());
    let e = Scim::new(settings).unwrap_err().to_string();
    assert!(e.contains("last_login ="), "{e}");
}

#[tokio::test]
async fn probes_say_what_an_administrator_can_do() {
    let server = serve(|request, _| {
        let all = [user(1), user(2)];
        match pair(request, "startIndex") {
            None => Reply::json(200, &page(&all, 2, 1)),
            Some(_) => Reply::json(200, &page(&[], 2, 3)),
        }
    })
    .await;
    let probes = adapter(&server).check().await;
    let state = |what: &str| probes.iter().find(|p| p.what == what).unwrap().state;
    assert_eq!(state("credential"), ProbeState::Good);
    assert_eq!(state("activity"), ProbeState::Good);
    let limited = [state("users"), state("changes")];
    assert_eq!(
        limited,
        [ProbeState::Limited; 2],
        "no administrators, no discovery"
    );
    for request in server.requests() {
        assert_eq!(request.method, "GET", "a check changes nothing");
    }
    let server = Server::start(|_, _| refusal(401)).await;
    let probes = adapter(&server).check().await;
    assert_eq!(probes[0].state, ProbeState::Bad);
    assert!(!format!("{probes:?}").contains(TOKEN));
}
