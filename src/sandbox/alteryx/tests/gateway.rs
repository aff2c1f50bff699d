use serde_json::{Value, json};

use super::{client, get, request, send, set, tenant};
use crate::sandbox::{
    alteryx::{Drift, NoRoute, RateLimit, Reset, person_id},
    tenant::{Fault, FaultRule, Matcher},
};

async fn without(tenant: &super::AlteryxHandle, header: &'static str) -> super::Reply {
    let mut request = request(tenant, "GET", "/v4/people").build().unwrap();
    request.headers_mut().remove(header);
    let response = client().execute(request).await.unwrap();
    super::Reply {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        text: response.text().await.unwrap(),
    }
}

#[tokio::test]
async fn a_missing_or_wrong_project_is_the_gateways_fault() {
    let tenant = tenant(3);
    let expected = json!({ "fault": {
        "faultstring": "Invalid ApiKey",
        "detail": { "errorcode": "oauth.v2.InvalidApiKey" },
    } });
    let reply = without(&tenant, "x-api-project-id").await;
    assert_eq!((reply.status, reply.json()), (401, expected));
    set(&tenant, |s| s.project_id = Some("another".to_owned()));
    assert_eq!(get(&tenant, "/v4/people").await.status, 401);
    set(&tenant, |s| s.project_id = None);
    assert_eq!(without(&tenant, "x-api-project-id").await.status, 200);
}

#[tokio::test]
async fn the_workspace_header_is_needed_or_at_least_must_not_name_another() {
    let tenant = tenant(3);
    let reply = without(&tenant, "x-alteryx-workspace-gid").await;
    assert_eq!(
        (reply.status, reply.exception().as_str()),
        (400, "ValidationFailed")
    );
    set(&tenant, |s| s.needs_gid = false);
    assert_eq!(
        without(&tenant, "x-alteryx-workspace-gid").await.status,
        200
    );
    tenant
        .control()
        .with(|s| s.workspace().gid = "01OTHER".to_owned());
    let reply = get(&tenant, "/v4/people").await;
    assert_eq!(
        (reply.status, reply.exception().as_str()),
        (403, "AccessControlException")
    );
    assert_eq!(without(&tenant, "user-agent").await.status, 403);
}

#[tokio::test]
async fn the_workspace_is_told_under_both_paths() {
    let tenant = tenant(3);
    for path in ["/v4/workspaces/current", "/iam/v1/workspaces/current"] {
        let body = get(&tenant, path).await.json();
        assert_eq!(body["id"], json!(tenant.credentials().workspace_id));
        assert_eq!(body["gid"], json!(tenant.credentials().gid));
        assert_eq!(
            (&body["state"], &body["workspace_member_count"]),
            (&json!("active"), &json!(3))
        );
        assert_eq!(
            body["workspacetiers"]["data"][0]["isSingleUser"],
            json!(false)
        );
    }
    tenant
        .control()
        .with(|s| s.workspace().state = "pending_purge".to_owned());
    let body = get(&tenant, "/v4/workspaces/current").await.json();
    assert_eq!(body["state"], "pending_purge");
}

#[tokio::test]
async fn routes_that_are_gone_say_so_in_three_ways() {
    let tenant = tenant(3);
    let reply = get(&tenant, "/v4/people/count").await;
    assert_eq!(
        (reply.status, reply.exception().as_str()),
        (410, "GoneException")
    );
    assert!(reply.text.contains("IAM_SCREAM_PEOPLE"));
    let path = format!(
        "/v4/workspaces/{}/people",
        tenant.credentials().workspace_id
    );
    let reply = get(&tenant, &path).await;
    assert_eq!(
        (reply.status, reply.exception().as_str()),
        (404, "RouteNotFoundException")
    );
    assert_eq!(
        reply.json()["exception"]["details"],
        json!(format!("Cannot GET {path}"))
    );
    set(&tenant, |s| s.workspace_people = true);
    assert_eq!(get(&tenant, &path).await.data().len(), 3);

    let drift = |answer| Drift {
        method: Some("GET".to_owned()),
        path: "/v4/people".to_owned(),
        answer,
    };
    set(&tenant, |s| s.drift = vec![drift(NoRoute::Exception)]);
    assert_eq!(
        get(&tenant, "/v4/people").await.exception(),
        "RouteNotFoundException"
    );
    set(&tenant, |s| s.drift = vec![drift(NoRoute::ExpressHtml)]);
    let reply = get(&tenant, "/v4/people").await;
    assert_eq!(reply.status, 404);
    assert!(
        reply
            .header("content-type")
            .unwrap()
            .starts_with("text/html")
    );
    assert!(reply.text.contains("<pre>Cannot GET /v4/people</pre>"));
    let whole = format!("/v4/people/{}", person_id(2));
    let reply = send(request(&tenant, "DELETE", &whole)).await;
    assert_eq!(reply.exception(), "RouteNotFoundException");
    assert!(super::person(&tenant, person_id(2)).removed.is_none());
}

#[tokio::test]
async fn a_quota_is_told_in_headers_of_its_own() {
    let tenant = tenant(3);
    set(&tenant, |s| {
        s.rate_limit = Some(RateLimit {
            user: 2,
            ..RateLimit::default()
        });
    });
    let first = get(&tenant, "/v4/people").await;
    assert_eq!(first.header("x-rate-limit-user-remaining"), Some("1"));
    assert_eq!(first.header("x-rate-limit-workspace-limit"), Some("60"));
    get(&tenant, "/v4/people").await;
    let reply = get(&tenant, "/v4/people").await;
    assert_eq!(
        (reply.status, reply.exception().as_str()),
        (429, "TooManyRequestsException")
    );
    let wait: i64 = reply.header("x-retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait) && reply.header("retry-after").is_none());
    let reset: i64 = reply
        .header("x-rate-limit-user-reset")
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(
        reset,
        (super::now().timestamp() + 60) * 1000,
        "epoch milliseconds"
    );
    tenant.control().advance(wait);
    let all = RateLimit {
        workspace: 0,
        reset: Reset::SecondsLeft,
        ..RateLimit::default()
    };
    set(&tenant, |s| s.rate_limit = Some(all));
    let reply = get(&tenant, "/v4/people").await;
    assert!(
        reply.status == 429 && reply.text.contains("per workspace"),
        "{}",
        reply.text
    );
    set(&tenant, |s| s.rate_limit = None);

    tenant.control().with(|s| s.throttle(1, 7));
    let reply = get(&tenant, "/v4/people").await;
    assert_eq!(
        (reply.status, reply.header("x-retry-after")),
        (429, Some("7"))
    );
    assert_eq!(get(&tenant, "/v4/people").await.status, 200);
}

#[tokio::test]
async fn every_answer_has_a_request_id_of_its_own_ordered_errors_too() {
    let tenant = tenant(3);
    let fault = FaultRule::once(
        Matcher::new("GET", "/v4/people"),
        Fault::Status {
            status: 503,
            body: None,
        },
    );
    tenant.control().add_fault(fault);
    let mut seen = std::collections::BTreeSet::new();
    for path in ["/v4/people", "/v4/people", "/nowhere", "/as/token"] {
        let reply = get(&tenant, path).await;
        assert!(seen.insert(reply.header("x-trifacta-request-id").unwrap().to_owned()));
    }
    let lacking = without(&tenant, "x-api-project-id").await;
    assert!(lacking.header("x-trifacta-request-id").is_some());
}

#[tokio::test]
async fn the_shared_faults_spoil_the_list_where_they_should() {
    let tenant = tenant(30);
    let order = |fault| {
        let rule = FaultRule::once(Matcher::new("GET", "/v4/people"), fault);
        tenant.control().add_fault(rule);
    };
    order(Fault::ShortPage { by: 5 });
    assert_eq!(get(&tenant, "/v4/people").await.data().len(), 20);
    order(Fault::TotalTooHigh { by: 3 });
    let reply = get(&tenant, "/v4/people?includeCount=true").await;
    assert_eq!(reply.json()["count"], json!(33));
    order(Fault::SetField {
        field: "email".to_owned(),
        value: Value::Null,
    });
    assert_eq!(
        get(&tenant, "/v4/people").await.data()[0]["email"],
        Value::Null
    );
    order(Fault::MissingField {
        field: "lastLoginTime".to_owned(),
    });
    let rows = get(&tenant, "/v4/people").await.data();
    assert!(rows[0].get("lastLoginTime").is_none() && rows[1].get("lastLoginTime").is_some());
    tenant
        .control()
        .with(|s| s.change(person_id(0), |p| p.last_login = Some(super::now())));
    order(Fault::BadDate);
    let rows = get(&tenant, "/v4/people?sort=id").await.data();
    assert!(rows[0]["lastLoginTime"].as_str().unwrap().contains("noon"));
}
