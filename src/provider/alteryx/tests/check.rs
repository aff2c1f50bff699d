//! What `exeunt check` says.

use serde_json::json;

use crate::provider::Probe;
use crate::provider::ProbeState;
use crate::provider::Provider as _;
use crate::provider::alteryx::tests::Space;
use crate::provider::alteryx::tests::alteryx;
use crate::provider::alteryx::tests::but;
use crate::provider::alteryx::tests::exception;
use crate::provider::alteryx::tests::parts;
use crate::provider::http::scripted::Reply;
use crate::provider::http::scripted::Request;

fn state(probes: &[Probe], what: &str) -> (ProbeState, String) {
    let probe = probes.iter().find(|p| p.what == what).unwrap();
    (probe.state, probe.says.clone())
}

fn described() -> Reply {
    let put = json!({"put": {}});
    Reply::json(
        200,
        &json!({"openapi": "3.0.0", "paths": {
            "/v4/workspaces/{id}/people/{personId}/suspended": put,
            "/v4/workspaces/{id}/people/unsuspend": put,
            "/v4/workspaces/{id}/people/{personId}": put,
            "/v4/workspaces/{id}/transfer": put,
        }}),
    )
}

#[tokio::test]
async fn a_workspace_in_order_is_told_as_such_and_nothing_is_changed() {
    let is_description = |r: &Request| parts(r).0 == "/v4/open-api-spec";
    let server = but(Space::new(4), is_description, described()).await;
    let probes = alteryx(&server).check().await;
    for probe in &probes {
        assert_eq!(probe.state, ProbeState::Good, "{probe:?}");
    }
    assert!(server.requests().iter().all(|r| r.method == "GET"));
}

#[tokio::test]
async fn what_is_not_in_order_is_said_with_what_to_do() {
    let mut space = Space::new(4);
    space.admins = vec![1];
    for person in &mut space.people {
        person["lastLoginTime"] = json!(null);
    }
    let server = space.clone().start().await;
    let probes = alteryx(&server).check().await;
    assert_eq!(state(&probes, "rights").0, ProbeState::Limited);
    let (found, says) = state(&probes, "last logins");
    assert_eq!(found, ProbeState::Limited);
    assert!(says.contains("Nobody"), "{says}");
    assert_eq!(state(&probes, "calls").0, ProbeState::Limited);

    space.people[0]["lastLoginTime"] = json!("2026-01-23T10:22:44.532Z");
    let server = space.clone().start().await;
    let (found, says) = state(&alteryx(&server).check().await, "last logins");
    assert_eq!(found, ProbeState::Limited);
    assert!(says.contains("3 of 4"), "{says}");

    space.workspace["id"] = json!(7);
    let server = space.start().await;
    let probes = alteryx(&server).check().await;
    assert_eq!(probes.len(), 1, "nothing else of a wrong workspace");
    let (found, says) = state(&probes, "workspace");
    assert_eq!(found, ProbeState::Bad);
    assert!(
        says.contains("workspace 7") && says.contains("31429"),
        "{says}"
    );
}

#[tokio::test]
async fn a_missing_project_id_and_a_dead_route_name_their_keys() {
    let fault = json!({"fault": {"faultstring": "Invalid ApiKey",
        "detail": {"errorcode": "oauth.v2.InvalidApiKey"}}});
    let server = but(Space::new(4), |_| true, Reply::json(401, &fault)).await;
    let (found, says) = state(&alteryx(&server).check().await, "workspace");
    assert_eq!(found, ProbeState::Bad);
    assert!(says.contains("x-api-project-id"), "{says}");

    let admins = |r: &Request| parts(r).0.ends_with("/admins");
    let route = exception(404, "RouteNotFoundException");
    let server = but(Space::new(4), admins, route).await;
    let (found, says) = state(&alteryx(&server).check().await, "rights");
    assert_eq!(found, ProbeState::Bad);
    assert!(says.contains("paths.admins"), "{says}");
}
