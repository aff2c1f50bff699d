//! What `exeunt check` says.

use serde_json::json;

use crate::provider::Probe;
use crate::provider::ProbeState;
use crate::provider::Provider as _;
use crate::provider::http::Secret;
use crate::provider::http::scripted::Reply;
use crate::provider::port::Port;
use crate::provider::port::tests::Org;
use crate::provider::port::tests::SECRET;
use crate::provider::port::tests::port;
use crate::provider::port::tests::refusal;
use crate::provider::port::tests::settings;

fn of<'a>(probes: &'a [Probe], what: &str) -> &'a Probe {
    probes.iter().find(|p| p.what == what).unwrap()
}

#[tokio::test]
async fn an_organisation_in_order_is_good_throughout_and_nothing_is_changed() {
    let server = Org::new(3).serve().await;
    let probes = port(&server.url).check().await;
    assert!(
        probes.iter().all(|p| p.state == ProbeState::Good),
        "{probes:?}"
    );
    let credential = of(&probes, "credential");
    assert!(credential.says.contains("org_ours"));
    assert!(credential.hint.as_ref().unwrap().contains("workspace"));
    for request in server.requests() {
        let reads = request.method == "GET"
            || request.target.ends_with("/search")
            || request.target.ends_with("access_token");
        assert!(reads, "{} {}", request.method, request.target);
    }
}

#[tokio::test]
async fn personal_credentials_are_named_as_such() {
    let server = Org::new(3).serve().await;
    let mut settings = settings(&server.url);
    settings.client_id = Secret::new("p0@v.test");
    let probes = Port::new(settings).unwrap().check().await;
    let credential = of(&probes, "credential");
    assert_eq!(credential.state, ProbeState::Limited);
    assert!(credential.says.contains("personal"), "{}", credential.says);
}

#[tokio::test]
async fn what_is_wrong_is_said_with_what_to_do() {
    let wrong = Org::new(3)
        .except(
            "access_token",
            Reply::json(401, &refusal("unauthorized", "no")),
        )
        .await;
    let probes = port(&wrong.url).check().await;
    assert_eq!((probes.len(), probes[0].state), (1, ProbeState::Bad));
    assert!(probes[0].hint.as_ref().unwrap().contains("Credentials"));
    assert!(!format!("{probes:?}").contains(SECRET));

    let rights = Org::new(3)
        .except("/v1/users", Reply::json(403, &refusal("forbidden", "no")))
        .await;
    let probes = port(&rights.url).check().await;
    assert_eq!(of(&probes, "accounts").state, ProbeState::Bad);
    assert!(
        of(&probes, "accounts")
            .hint
            .as_ref()
            .unwrap()
            .contains("Admin")
    );

    let audit = Org::new(3)
        .except("audit-log", Reply::json(403, &refusal("forbidden", "no")))
        .await;
    let probes = port(&audit.url).check().await;
    assert_eq!(of(&probes, "audit log").state, ProbeState::Limited);
}

#[tokio::test]
async fn what_limits_the_findings_is_counted() {
    let mut org = Org::new(6);
    for n in 1..6 {
        org.users[n]["orgMembers"] = json!([]);
    }
    org.users[5]["providers"] = json!(["okta"]);
    org.entities[4]["properties"]["status"] = json!("Disabled");
    org.entities.truncate(5);
    let server = org.serve().await;
    let probes = port(&server.url).check().await;
    assert!(
        of(&probes, "last login").says.contains("1 of 5"),
        "{probes:?}"
    );
    assert!(
        of(&probes, "disabled").says.starts_with("1 accounts"),
        "{probes:?}"
    );
    assert!(
        of(&probes, "users without entity")
            .says
            .starts_with("1 users")
    );
    assert!(of(&probes, "sign-in").says.contains("okta"));
    let mut blind = Org::new(2);
    for user in &mut blind.users {
        user["orgMembers"] = json!([]);
    }
    let server = blind.serve().await;
    let probes = port(&server.url).check().await;
    assert_eq!(of(&probes, "last login").state, ProbeState::Bad);
}
