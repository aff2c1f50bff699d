//! What is prepared, what is sent, and what the answer means.

use serde_json::Value;
use serde_json::json;

use crate::domain::account::Do;
use crate::provider::AnswerVerdict;
use crate::provider::Next;
use crate::provider::Order;
use crate::provider::Provider as _;
use crate::provider::ProviderError;
use crate::provider::Settled;
use crate::provider::Successor;
use crate::provider::Target;
use crate::provider::alteryx::Alteryx;
use crate::provider::alteryx::tests::Space;
use crate::provider::alteryx::tests::alteryx;
use crate::provider::alteryx::tests::but;
use crate::provider::alteryx::tests::exception;
use crate::provider::alteryx::tests::parts;
use crate::provider::alteryx::tests::settings;
use crate::provider::http::scripted::Reply;
use crate::provider::http::scripted::Request;
use crate::provider::trial::order;
use crate::provider::trial::target;

fn heir(id: &str) -> Option<Successor> {
    Some(Successor {
        id: id.to_owned(),
        email: Some("heir@v.test".to_owned()),
    })
}

fn leaving(id: &str, heir: Option<Successor>, done: &[Do]) -> Target {
    Target {
        successor: heir,
        done: done.to_vec(),
        ..target(id)
    }
}

async fn withheld(adapter: &Alteryx, target: &Target, wanted: Do) -> &'static str {
    match adapter.prepare(target, wanted).await.unwrap() {
        Next::Withhold(code) => code,
        other => unreachable!("{other:?}"),
    }
}

fn is_change(request: &Request) -> bool {
    request.method != "GET"
}

#[tokio::test]
async fn each_step_is_the_documented_request() {
    let server = Space::new(5).start().await;
    let adapter = alteryx(&server);
    let steps = [
        (Do::Disable, leaving("3", None, &[])),
        (Do::Restore, leaving("3", None, &[])),
        (Do::Remove, leaving("3", heir("4"), &[])),
        (Do::Remove, leaving("3", heir("4"), &[Do::Transfer])),
    ];
    let mut calls = Vec::new();
    for (wanted, target) in &steps {
        let order = order(&adapter, target, *wanted).await;
        assert!(order.checked.contains(&"checked.account"));
        assert!(order.checked.contains(&"checked.workspace"));
        calls.push((order.does, order.call, order.template.clone()));
        let answer = adapter.execute(target, &order).await;
        assert_eq!(answer.verdict, AnswerVerdict::Done);
    }
    let base = "/v4/workspaces/31429";
    assert_eq!(
        calls,
        [
            (
                Do::Disable,
                "suspend",
                format!("{base}/people/{{id}}/suspended")
            ),
            (Do::Restore, "unsuspend", format!("{base}/people/unsuspend")),
            (Do::Transfer, "transfer-assets", format!("{base}/transfer")),
            (
                Do::Remove,
                "remove-from-workspace",
                format!("{base}/people/{{id}}")
            ),
        ]
    );
    let requests = server.requests();
    let sent: Vec<_> = requests.iter().filter(|r| is_change(r)).collect();
    let line = |r: &Request| format!("{} {} {}", r.method, r.target, r.body);
    let lines: Vec<_> = sent.iter().map(|r| line(r)).collect();
    assert_eq!(
        lines,
        [
            format!("PUT {base}/people/3/suspended {{}}"),
            format!("POST {base}/people/unsuspend {{\"personIds\":[3]}}"),
            format!("PATCH {base}/transfer {{\"fromPersonId\":3,\"toPersonId\":4}}"),
            format!("DELETE {base}/people/3 "),
        ]
    );
}

#[tokio::test]
async fn the_bulk_call_can_suspend_too() {
    let server = Space::new(5).start().await;
    let mut settings = settings(&server.url);
    let bulk = "v4/workspaces/{workspace}/people/suspend".to_owned();
    settings.paths.insert("suspend".to_owned(), bulk);
    let adapter = Alteryx::new(settings).unwrap();
    let target = target("3");
    let order = order(&adapter, &target, Do::Disable).await;
    assert_eq!(order.request.method, reqwest::Method::POST);
    assert_eq!(order.template, "/v4/workspaces/31429/people/suspend");
    adapter.execute(&target, &order).await;
    assert_eq!(
        server.requests().last().unwrap().body,
        r#"{"personIds":[3]}"#
    );
}

#[tokio::test]
async fn the_image_is_whole_and_has_no_secret_in_it() {
    let mut space = Space::new(5);
    space.people[2]["awsConfig"] = json!({"key": "AKIA", "secret": "hush"});
    space.people[2]["apiToken"] = json!("hush");
    space.people[2]["forcePasswordChange"] = json!(false);
    let server = space.start().await;
    let order = order(&alteryx(&server), &target("3"), Do::Disable).await;
    let image = order.image.unwrap();
    let read: Value = serde_json::from_str(&image).unwrap();
    assert!(
        !image.contains("hush") && !image.contains("AKIA"),
        "{image}"
    );
    assert_eq!(read["person"]["outputHomeDir"], "/q");
    assert_eq!(read["person"]["forcePasswordChange"], false);
    assert_eq!(read["listed"]["id"], 3);
    assert_eq!(read["workspace"], 31429);
}

#[tokio::test]
async fn who_is_protected_by_now_is_withheld() {
    let server = Space::new(5).start().await;
    let adapter = alteryx(&server);
    let own = leaving("1", heir("4"), &[]);
    let admin = leaving("2", heir("4"), &[]);
    for wanted in [Do::Disable, Do::Remove] {
        let code = withheld(&adapter, &own, wanted).await;
        assert!(code.starts_with("block.protected-"), "{code}");
        assert_eq!(
            withheld(&adapter, &admin, wanted).await,
            "block.protected-admin"
        );
    }
    // somebody who was suspended and administers now can be given back
    let back = order(&adapter, &admin, Do::Restore).await;
    assert_eq!(back.does, Do::Restore);
    let gone = leaving("77", heir("4"), &[]);
    assert_eq!(
        withheld(&adapter, &gone, Do::Remove).await,
        "block.unknown-account"
    );
    assert!(!server.requests().iter().any(is_change));
}

#[tokio::test]
async fn nobody_is_removed_without_somebody_to_take_over() {
    let mut space = Space::new(6);
    space.people[4]["isDisabled"] = json!(true);
    space.people[5]["status"] = json!("invited");
    let server = space.start().await;
    let adapter = alteryx(&server);
    for (successor, code) in [
        (None, "block.no-successor"),
        (heir("3"), "block.successor-leaving"),
        (heir("77"), "block.successor-unknown"),
        (heir("5"), "block.successor-unfit"),
        (heir("6"), "block.successor-unfit"),
    ] {
        let target = leaving("3", successor, &[]);
        assert_eq!(withheld(&adapter, &target, Do::Remove).await, code);
    }
    // an administrator can take over
    let target = leaving("3", heir("2"), &[]);
    assert_eq!(
        order(&adapter, &target, Do::Remove).await.does,
        Do::Transfer
    );
}

#[tokio::test]
async fn another_workspace_stops_everything_before_it_is_sent() {
    let mut space = Space::new(5);
    space.workspace["id"] = json!("31430");
    let server = space.start().await;
    let adapter = alteryx(&server);
    let target = leaving("3", heir("4"), &[]);
    for wanted in [Do::Disable, Do::Remove, Do::Restore] {
        let error = adapter.prepare(&target, wanted).await.unwrap_err();
        assert!(
            matches!(error, ProviderError::Configuration { .. }),
            "{error}"
        );
        assert!(error.to_string().contains("31430"), "{error}");
    }
    assert!(!server.requests().iter().any(is_change));
}

async fn judged(does: Do, reply: Reply) -> (AnswerVerdict, &'static str) {
    let server = but(Space::new(5), is_change, reply).await;
    let adapter = alteryx(&server);
    let done: &[Do] = if does == Do::Remove {
        &[Do::Transfer]
    } else {
        &[]
    };
    let target = leaving("3", heir("4"), done);
    let wanted = if does == Do::Transfer {
        Do::Remove
    } else {
        does
    };
    let order: Order = order(&adapter, &target, wanted).await;
    assert_eq!(order.does, does);
    let answer = adapter.execute(&target, &order).await;
    assert!(!answer.body.contains("stack"), "{}", answer.body);
    (answer.verdict, answer.code)
}

#[tokio::test]
async fn answers_mean_what_the_vendor_says_and_no_more() {
    use AnswerVerdict::Already;
    use AnswerVerdict::Refused;
    use AnswerVerdict::Unknown;
    let html = Reply::new(
        404,
        &["content-type: text/html"],
        "<html>Cannot DELETE</html>",
    );
    let apigee = json!({"fault": {"faultstring": "Invalid ApiKey",
        "detail": {"errorcode": "oauth.v2.InvalidApiKey"}}});
    let service = json!({"kind": "error", "message": "m", "errors": [], "params": {}});
    let route = (Refused, "call.unknown-route");
    for (reply, removal, transfer) in [
        (
            exception(404, "DataNotFoundException"),
            (Already, "call.already"),
            (Refused, "call.not-found"),
        ),
        (
            exception(410, "GoneException"),
            (Already, "call.already"),
            (Refused, "call.not-found"),
        ),
        (exception(404, "RouteNotFoundException"), route, route),
        (html, route, route),
        (Reply::new(404, &[], ""), route, route),
        (Reply::json(404, &json!({"message": "no"})), route, route),
        (Reply::json(403, &apigee), route, route),
    ] {
        assert_eq!(
            judged(Do::Remove, reply.clone()).await,
            removal,
            "{reply:?}"
        );
        assert_eq!(
            judged(Do::Disable, reply.clone()).await,
            removal,
            "{reply:?}"
        );
        assert_eq!(
            judged(Do::Transfer, reply.clone()).await,
            transfer,
            "{reply:?}"
        );
    }
    for (reply, expected) in [
        (
            exception(403, "AccessControlException"),
            (Refused, "call.refused"),
        ),
        (
            exception(400, "ValidationFailed"),
            (Refused, "call.refused"),
        ),
        (Reply::json(422, &service), (Refused, "call.refused")),
        (Reply::json(401, &apigee), (Refused, "call.credentials")),
        (Reply::new(403, &[], "<html>"), (Unknown, "call.unclear")),
        (
            Reply::new(302, &["location: /x"], ""),
            (Unknown, "call.redirected"),
        ),
        (Reply::json(504, &apigee), (Unknown, "call.server-error")),
        (Reply::Silence, (Unknown, "call.lost")),
    ] {
        for does in [Do::Disable, Do::Transfer, Do::Remove, Do::Restore] {
            assert_eq!(judged(does, reply.clone()).await, expected, "{reply:?}");
        }
    }
}

/// What a transfer did not hand over is lost with the account, and nothing shows it: a page of
/// somebody in between is no transfer.
#[tokio::test]
async fn an_html_page_is_no_transfer() {
    let html = Reply::new(200, &[], "<html>Please sign in</html>");
    let (verdict, _) = judged(Do::Transfer, html).await;
    assert_eq!(verdict, AnswerVerdict::Unknown);
    let inside = exception(200, "AccessControlException");
    assert_eq!(judged(Do::Transfer, inside).await.0, AnswerVerdict::Unknown);
    let nested = Reply::json(201, &json!([[{"id": 1}]]));
    assert_eq!(judged(Do::Transfer, nested).await.0, AnswerVerdict::Done);
}

#[tokio::test]
async fn a_call_without_an_outcome_is_settled_by_the_members_of_the_workspace() {
    let mut space = Space::new(5);
    space.people[3]["isDisabled"] = json!(true);
    let server = space.start().await;
    let adapter = alteryx(&server);
    for (id, does, settled) in [
        ("3", Do::Disable, Settled::DidNot),
        ("4", Do::Disable, Settled::TookEffect),
        ("3", Do::Restore, Settled::TookEffect),
        ("4", Do::Restore, Settled::DidNot),
        ("3", Do::Remove, Settled::DidNot),
        ("77", Do::Remove, Settled::TookEffect),
        ("77", Do::Restore, Settled::DidNot),
        ("3", Do::Transfer, Settled::Repeatable),
    ] {
        assert_eq!(
            adapter.settle(&target(id), does).await.unwrap(),
            settled,
            "{id} {does:?}"
        );
    }
    let one = |r: &Request| parts(r).0 == "/v4/people/3";
    let route = exception(404, "RouteNotFoundException");
    let server = but(Space::new(5), one, route).await;
    assert!(
        alteryx(&server)
            .settle(&target("3"), Do::Remove)
            .await
            .is_err()
    );
}
