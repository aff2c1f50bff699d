//! Removing: what is read before, what is sent, and what its answer means.

use serde_json::Value;
use serde_json::json;

use crate::domain::account::AccountState;
use crate::domain::account::Do;
use crate::provider::Answer;
use crate::provider::AnswerVerdict;
use crate::provider::Next;
use crate::provider::Order;
use crate::provider::Provider as _;
use crate::provider::Settled;
use crate::provider::http::scripted::Reply;
use crate::provider::http::scripted::Server;
use crate::provider::huwise::tests::KEY;
use crate::provider::huwise::tests::OTHER_KEY;
use crate::provider::huwise::tests::domain::Domain;
use crate::provider::huwise::tests::fault;
use crate::provider::huwise::tests::huwise;
use crate::provider::huwise::tests::id;
use crate::provider::huwise::tests::key;
use crate::provider::huwise::tests::not_found;
use crate::provider::huwise::tests::refusal;
use crate::provider::huwise::tests::revoked;
use crate::provider::huwise::tests::user;
use crate::provider::huwise::tests::with;
use crate::provider::trial::attempt;
use crate::provider::trial::order;
use crate::provider::trial::target;

async fn removed(reply: Reply) -> Answer {
    let domain = Domain {
        deleted: reply,
        ..Domain::new()
    };
    let server = domain.serve().await;
    attempt(&huwise(&server.url), &id("cleo"), Do::Remove).await
}

#[tokio::test]
async fn one_request_removes_and_204_alone_says_so() {
    let server = Domain::new().serve().await;
    let huwise = huwise(&server.url);
    let answer = attempt(&huwise, &id("dora@work.test"), Do::Remove).await;
    assert_eq!(
        (answer.verdict, answer.code),
        (AnswerVerdict::Done, "call.done")
    );
    assert_eq!(answer.status, Some(204));
    let requests = server.requests();
    let changes: Vec<_> = requests.iter().filter(|r| r.method != "GET").collect();
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].method, "DELETE");
    assert_eq!(
        changes[0].target,
        "/api/automation/v1.0/users/dora%40work.test/"
    );
    assert_eq!(changes[0].body, "");
    // who administers, whose keys there are, and the account last
    assert_eq!(requests.len(), 4);
    assert!(
        requests[2]
            .target
            .contains("dora%40work.test/?expand=groups")
    );
}

#[tokio::test]
async fn every_other_answer_is_what_it_is() {
    use AnswerVerdict::Already;
    use AnswerVerdict::Failed;
    use AnswerVerdict::Refused;
    use AnswerVerdict::Unknown;
    for (reply, verdict, code) in [
        (not_found(), Already, "call.already"),
        (refusal(400, "validation_error"), Refused, "call.refused"),
        (refusal(400, "last_administrator"), Refused, "call.refused"),
        (refusal(403, "forbidden"), Refused, "call.refused"),
        (refusal(409, "conflict"), Refused, "call.refused"),
        (Reply::new(401, &[], ""), Refused, "call.credentials"),
        (Reply::new(403, &[], "<html>"), Unknown, "call.unclear"),
        (Reply::new(400, &[], ""), Unknown, "call.unclear"),
        (
            Reply::json(403, &json!({"detail": "Not allowed."})),
            Refused,
            "call.refused",
        ),
        (
            Reply::json(403, &json!({"error_code": ""})),
            Unknown,
            "call.unclear",
        ),
        (Reply::new(404, &[], ""), Unknown, "call.unclear"),
        (Reply::new(404, &[], "<html>"), Unknown, "call.unclear"),
        (refusal(404, "unknown_route"), Unknown, "call.unclear"),
        (Reply::new(200, &[], "{}"), Unknown, "call.unclear"),
        (Reply::new(202, &[], ""), Unknown, "call.unclear"),
        (
            Reply::new(307, &["location: /x"], ""),
            Unknown,
            "call.redirected",
        ),
        (refusal(500, "internal_error"), Unknown, "call.server-error"),
        (Reply::Silence, Unknown, "call.lost"),
        (
            Reply::new(429, &["retry-after: 9"], ""),
            Failed,
            "call.rate-limited",
        ),
    ] {
        let answer = removed(reply.clone()).await;
        assert_eq!((answer.verdict, answer.code), (verdict, code), "{reply:?}");
    }
    let answer = removed(refusal(403, KEY)).await;
    assert!(!answer.body.contains(KEY), "{}", answer.body);
}

#[tokio::test]
async fn a_change_is_never_sent_twice() {
    for reply in [
        Reply::new(500, &[], ""),
        Reply::Silence,
        Reply::Bytes(Vec::new()),
    ] {
        let domain = Domain {
            deleted: reply,
            ..Domain::new()
        };
        let server = domain.serve().await;
        attempt(&huwise(&server.url), &id("cleo"), Do::Remove).await;
        let changes = server
            .requests()
            .into_iter()
            .filter(|r| r.method == "DELETE");
        assert_eq!(changes.count(), 1);
    }
}

async fn withheld(domain: Domain, name: &str) -> Next {
    let server = domain.serve().await;
    let huwise = huwise(&server.url);
    huwise
        .prepare(&target(&id(name)), Do::Remove)
        .await
        .unwrap()
}

#[tokio::test]
async fn whoever_is_protected_just_before_is_not_removed() {
    let mut lonely = Domain::new();
    lonely.users.remove(0);
    lonely.keys[0] = key("k1", "ben", "masked");
    let mut own_only = Domain::new();
    own_only.keys.truncate(1);
    let cases = [
        (Domain::new(), "ada", "block.protected-own-credential"),
        (Domain::new(), "ben", "block.protected-admin"),
        (lonely, "ben", "block.protected-last-admin"),
        (Domain::new(), "robot", "block.protected-key-owner"),
        (
            Domain::new().and(with(user("vendor"), "is_ods", json!(true))),
            "vendor",
            "block.protected-staff",
        ),
        (
            Domain::new().and(with(user("new"), "permissions", json!(["rule_the_world"]))),
            "new",
            "block.protected-unknown-role",
        ),
        (own_only, "cleo", "block.protected-keys-unseen"),
    ];
    for (domain, name, code) in cases {
        assert_eq!(withheld(domain, name).await, Next::Withhold(code), "{name}");
    }
    let undated = Domain::new().and(with(user("who"), "joined_at", Value::Null));
    let server = undated.serve().await;
    let next = huwise(&server.url)
        .prepare(&target("who#unknown"), Do::Remove)
        .await;
    assert_eq!(next.unwrap(), Next::Withhold("block.unclear-identity"));
}

#[tokio::test]
async fn who_became_an_administrator_meanwhile_is_not_removed() {
    let mut after = Domain::new();
    after.users[2]["permissions"] = json!(["edit_domain"]);
    let before = Domain::new();
    let server = Server::start(move |request, n| match n {
        0..4 => before.answer(request),
        _ => after.answer(request),
    })
    .await;
    let huwise = huwise(&server.url);
    let read = huwise.accounts(&|_| {}).await.unwrap();
    let cleo = read.accounts.iter().find(|a| a.id == id("cleo")).unwrap();
    assert!(cleo.facts.protected.is_empty());
    let next = huwise.prepare(&target(&cleo.id), Do::Remove).await.unwrap();
    assert_eq!(next, Next::Withhold("block.protected-admin"));
}

#[tokio::test]
async fn another_account_under_the_same_name_is_not_removed() {
    let server = Domain::new().serve().await;
    let huwise = huwise(&server.url);
    for id in [
        "cleo#2020-01-01T00:00:00Z",
        "cleo#unknown",
        "nobody#unknown",
    ] {
        let error = huwise.prepare(&target(id), Do::Remove).await.unwrap_err();
        assert_eq!(fault(&error), "read.moved", "{id}");
    }
    assert!(server.requests().iter().all(|r| r.method == "GET"));
}

#[tokio::test]
async fn an_invitation_that_was_taken_up_meanwhile_is_not_removed() {
    let server = Domain::new().serve().await;
    let huwise = huwise(&server.url);
    let record = huwise.account(&id("cleo")).await.unwrap().unwrap();
    let mut meant = target(&record.id);
    meant.facts = Some(record.facts.clone());
    assert!(huwise.prepare(&meant, Do::Remove).await.is_ok());
    meant.facts.as_mut().unwrap().state = AccountState::Invited;
    let error = huwise.prepare(&meant, Do::Remove).await.unwrap_err();
    assert_eq!(fault(&error), "read.moved");
}

#[tokio::test]
async fn what_cannot_be_read_just_before_stops_the_removal() {
    for part in ["users/cleo", "all_permissions", "apikeys"] {
        let server = Domain::new().except(part, Reply::new(500, &[], "")).await;
        let next = huwise(&server.url)
            .prepare(&target(&id("cleo")), Do::Remove)
            .await;
        assert!(next.is_err(), "{part}");
    }
}

#[tokio::test]
async fn the_image_is_the_whole_account_without_secrets() {
    let mut cleo = with(user("cleo2"), "groups", json!([{"uid": "readers"}]));
    cleo["custom"] = json!({"api_key": OTHER_KEY, "Token": "t-secret", "note": format!("{KEY}!")});
    let mut domain = Domain::new().and(cleo);
    domain.keys.push(revoked(key("k9", "cleo2", "old-secret")));
    let server = domain.serve().await;
    let huwise = huwise(&server.url);
    let Order {
        image,
        template,
        checked,
        does,
        call,
        ..
    } = order(&huwise, &target(&id("cleo2")), Do::Remove).await;
    assert_eq!((does, call), (Do::Remove, "remove-from-domain"));
    assert_eq!(template, "/api/automation/v1.0/users/{id}/");
    assert_eq!(checked, ["checked.account", "checked.ownerships"]);
    let image = image.unwrap();
    for secret in [OTHER_KEY, KEY, "t-secret", "old-secret"] {
        assert!(!image.contains(secret), "{image}");
    }
    let image: Value = serde_json::from_str(&image).unwrap();
    assert_eq!(image["user"]["account_type"], "global");
    assert_eq!(image["user"]["explore_limits"]["api_calls"]["limit"], 2000);
    assert_eq!(
        image["user"]["groups"][0]["permissions"][0],
        "explore_restricted_page"
    );
    assert_eq!(image["api_keys"][0]["uid"], "k9");
    assert_eq!(image["api_keys"][0]["is_revoked"], true);
}

#[tokio::test]
async fn only_removal_can_be_done() {
    let server = Domain::new().serve().await;
    let huwise = huwise(&server.url);
    for does in [Do::Disable, Do::Transfer, Do::Restore] {
        let next = huwise.prepare(&target(&id("cleo")), does).await.unwrap();
        assert_eq!(next, Next::Withhold("block.step-impossible"));
    }
    assert!(server.requests().is_empty());
    assert!(!huwise.kind().steps[0].reversible());
}

#[tokio::test]
async fn a_lost_answer_is_settled_by_reading_back() {
    let there = Domain::new().serve().await;
    let huwise_there = huwise(&there.url);
    let settled = huwise_there.settle(&target(&id("cleo")), Do::Remove).await;
    assert_eq!(settled.unwrap(), Settled::DidNot);
    let mut domain = Domain::new();
    domain.users.remove(2);
    let gone = domain.serve().await;
    let settled = huwise(&gone.url)
        .settle(&target(&id("cleo")), Do::Remove)
        .await;
    assert_eq!(settled.unwrap(), Settled::TookEffect);
    let down = Domain::new()
        .except("users", Reply::new(502, &[], "<html>"))
        .await;
    assert!(
        huwise(&down.url)
            .settle(&target(&id("cleo")), Do::Remove)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn what_an_account_owns_are_its_working_keys() {
    let mut domain = Domain::new();
    domain.keys.push(revoked(key("k3", "robot", "x")));
    let server = domain.serve().await;
    let owned = huwise(&server.url).owned(&id("robot")).await.unwrap();
    assert_eq!(owned.len(), 1);
    assert_eq!(
        (owned[0].kind.as_str(), owned[0].id.as_str()),
        ("api key", "k2")
    );
    // what the domain does not say is nothing
    let unseen = Domain::new()
        .except("apikeys", refusal(403, "forbidden"))
        .await;
    let owned = huwise(&unseen.url).owned(&id("robot")).await.unwrap();
    assert!(owned.is_empty());
}
