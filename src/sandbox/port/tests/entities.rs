//! The users' entities: reading, disabling, deleting, and who points at them.

use serde_json::{Value, json};

use super::{add, call, delete, empty, entity_path, get, is_about, now, pct, port};
use crate::sandbox::{
    population::Population,
    port::{Entity, PortHandle, Role, Status},
    tenant::{Fault, FaultRule, Matcher},
};

async fn set_status(port: &PortHandle, email: &str, status: &str) -> (u16, Value) {
    let body = json!({ "properties": { "status": status } });
    call(port, "PATCH", &entity_path(email), body).await
}

async fn remove(port: &PortHandle, email: &str, dependents: bool) -> (u16, Value) {
    let path = entity_path(email);
    delete(port, &format!("{path}?delete_dependents={dependents}")).await
}

/// A leaver who owns a service (by an optional relation) and, if asked, wrote a runbook (by a
/// required one); a deployment needs the service.
fn leaver(with_runbook: bool) -> PortHandle {
    let port = port(Population::of(2, 0));
    add(&port, "leaver@example.com", |_| ());
    let entity = |blueprint, name| Entity::new(blueprint, name, "auth0|somebody", now());
    let control = port.control();
    control.add_entity(entity("service", "shop").pointing("owner", "leaver@example.com"));
    control.add_entity(entity("deployment", "shop-1").pointing("service", "shop"));
    if with_runbook {
        control.add_entity(entity("runbook", "on-fire").pointing("author", "leaver@example.com"));
    }
    port
}

#[tokio::test]
async fn an_entity_has_the_shape_of_the_services_full_answer() {
    let port = empty();
    add(&port, "ada@example.com", |user| user.role = Role::Moderator);
    let (_, body) = get(&port, &entity_path("ada@example.com")).await;
    assert_eq!(
        body["entity"],
        json!({
            "identifier": "ada@example.com",
            "title": "Ada Byte",
            "icon": "User",
            "blueprint": "_user",
            "team": [],
            "properties": { "port_type": "Standard", "port_role": "Moderator", "status": "Active" },
            "relations": {},
            "createdAt": "2025-01-01T00:00:00.000Z",
            "createdBy": "",
            "updatedAt": "2025-01-01T00:00:00.000Z",
            "updatedBy": "",
        })
    );
    let (_, body) = get(&port, &entity_path(&port.control().own_user().unwrap())).await;
    assert_eq!(
        body["entity"]["properties"]["port_type"],
        json!("Service Account")
    );
}

#[tokio::test]
async fn odd_identifiers_are_found_by_their_encoded_path_alone() {
    let port = empty();
    for email in [
        "old+1@acme.test",
        r"a/b\c:d@acme.test",
        "é=ö/../x@acme.test",
    ] {
        add(&port, email, |_| ());
        let (status, body) = set_status(&port, email, "Disabled").await;
        assert_eq!(
            (status, &body["entity"]["identifier"]),
            (200, &json!(email))
        );
        assert_eq!(remove(&port, email, false).await.0, 200);
        assert!(port.control().user(email).is_none());
    }
    add(&port, "x/y@acme.test", |_| ());
    let (status, _) = delete(
        &port,
        "/v1/blueprints/_user/entities/x/y@acme.test?delete_dependents=false",
    )
    .await;
    assert_eq!(status, 404, "an unencoded slash leads elsewhere");
    assert_eq!(
        get(&port, &entity_path("X/y@acme.test")).await.0,
        404,
        "another case is another"
    );
}

#[tokio::test]
async fn a_disabled_user_stays_and_can_be_enabled_again() {
    let port = empty();
    add(&port, "leaver@example.com", |user| {
        user.last_login = Some(now())
    });
    port.control().advance(5);
    let (status, body) = set_status(&port, "leaver@example.com", "Disabled").await;
    assert_eq!(status, 200);
    assert_eq!(body["entity"]["properties"]["status"], json!("Disabled"));
    assert!(is_about(
        &body["entity"]["updatedAt"],
        "2026-06-01T09:00:05Z"
    ));
    assert!(
        !port.control().login("leaver@example.com", now()),
        "locked out"
    );
    assert_eq!(
        set_status(&port, "leaver@example.com", "Active").await.0,
        200
    );
    assert!(port.control().login("leaver@example.com", now()));
    assert_eq!(port.control().status_changes("leaver@example.com"), 2);
    assert_eq!(
        set_status(&port, "leaver@example.com", "Inactive").await.0,
        422
    );
    assert_eq!(
        set_status(&port, "nobody@example.com", "Disabled").await.0,
        404
    );
}

#[tokio::test]
async fn a_change_that_is_ignored_answers_success_with_the_old_state() {
    let port = empty();
    add(&port, "leaver@example.com", |_| ());
    port.control().change_settings(|s| s.status_ignored = true);
    let (status, body) = set_status(&port, "leaver@example.com", "Disabled").await;
    assert_eq!((status, &body["ok"]), (200, &json!(true)));
    assert_eq!(body["entity"]["properties"]["status"], json!("Active"));
    let user = port.control().user("leaver@example.com").unwrap();
    assert_eq!(user.status, Status::Active);
}

#[tokio::test]
async fn what_scim_manages_is_a_conflict() {
    let port = empty();
    add(&port, "scim@example.com", |user| {
        user.managed_by_scim = true
    });
    let (status, body) = set_status(&port, "scim@example.com", "Disabled").await;
    assert_eq!((status, &body["error"]), (409, &json!("SCIM_CONFLICT")));
    assert_eq!(remove(&port, "scim@example.com", false).await.0, 409);
    let body = json!({ "properties": { "port_role": "Moderator" } });
    let path = entity_path("scim@example.com");
    assert_eq!(
        call(&port, "PATCH", &path, body).await.0,
        200,
        "the role is not SCIM's"
    );
    assert_eq!(delete(&port, "/v1/users/scim@example.com").await.0, 409);
    port.control()
        .change_settings(|s| s.scim_delete_conflicts = false);
    assert_eq!(remove(&port, "scim@example.com", false).await.0, 200);
}

#[tokio::test]
async fn a_required_relation_blocks_and_an_optional_one_is_emptied() {
    let port = leaver(true);
    let (status, body) = remove(&port, "leaver@example.com", false).await;
    assert_eq!(status, 422);
    assert!(
        body["message"]
            .as_str()
            .unwrap()
            .contains("runbook:on-fire")
    );
    assert!(port.control().user("leaver@example.com").is_some());
    let owner = |port: &PortHandle| port.control().entity("service", "shop").unwrap().relations;
    assert_eq!(
        owner(&port)["owner"],
        ["leaver@example.com"],
        "nothing was half done"
    );

    let port = leaver(false);
    assert_eq!(remove(&port, "leaver@example.com", false).await.0, 200);
    assert!(owner(&port)["owner"].is_empty());
    let (_, body) = get(&port, "/v1/blueprints/service/entities/shop").await;
    assert_eq!(body["entity"]["relations"]["owner"], Value::Null);
    assert_eq!(
        get(&port, "/v1/users/leaver@example.com").await.0,
        404,
        "the user goes too"
    );
}

#[tokio::test]
async fn deleting_dependents_takes_all_that_points_at_the_user() {
    let port = leaver(true);
    assert_eq!(remove(&port, "leaver@example.com", true).await.0, 200);
    for (blueprint, name) in [
        ("service", "shop"),
        ("deployment", "shop-1"),
        ("runbook", "on-fire"),
    ] {
        assert!(port.control().entity(blueprint, name).is_none(), "{name}");
    }
    assert_eq!(port.control().users().len(), 3, "nobody else");
}

#[tokio::test]
async fn deleting_the_user_instead_of_the_entity_goes_round_the_relations() {
    let port = leaver(true);
    port.control()
        .change_settings(|s| s.user_delete_heeds_relations = true);
    assert_eq!(delete(&port, "/v1/users/leaver@example.com").await.0, 422);
    port.control()
        .change_settings(|s| s.user_delete_heeds_relations = false);
    assert_eq!(delete(&port, "/v1/users/leaver@example.com").await.0, 200);
    let runbook = port.control().entity("runbook", "on-fire").unwrap();
    assert_eq!(
        runbook.relations["author"],
        ["leaver@example.com"],
        "it dangles"
    );
}

#[tokio::test]
async fn a_user_may_linger_after_the_entity_is_gone() {
    let port = empty();
    add(&port, "leaver@example.com", |_| ());
    port.control().change_settings(|s| s.sync_seconds = 60);
    assert_eq!(remove(&port, "leaver@example.com", false).await.0, 200);
    assert_eq!(get(&port, &entity_path("leaver@example.com")).await.0, 404);
    assert_eq!(get(&port, "/v1/users/leaver@example.com").await.0, 200);
    let users = async || {
        get(&port, "/v1/users").await.1["users"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(users().await, 2);
    port.control().advance(61);
    assert_eq!(get(&port, "/v1/users/leaver@example.com").await.0, 404);
    assert_eq!(users().await, 1);
}

#[tokio::test]
async fn a_deletion_must_say_what_becomes_of_dependents() {
    let port = empty();
    add(&port, "leaver@example.com", |_| ());
    let path = entity_path("leaver@example.com");
    assert_eq!(delete(&port, &path).await.0, 422);
    assert_eq!(
        delete(&port, &format!("{path}?delete_dependents=perhaps"))
            .await
            .0,
        422
    );
    port.control()
        .change_settings(|s| s.needs_delete_dependents = false);
    assert_eq!(delete(&port, &path).await.0, 200);
}

#[tokio::test]
async fn the_service_itself_protects_nobody_but_by_setting() {
    let port = empty();
    add(&port, "only.admin@example.com", |user| {
        user.role = Role::Admin
    });
    add(&port, "robot@serviceaccounts.getport.io", |user| {
        user.service_account = true;
        user.role = Role::Admin;
    });
    let own = port.control().own_user().unwrap();
    port.control().change_settings(|s| {
        (s.last_admin_protected, s.own_delete_allowed) = (true, false);
    });
    assert_eq!(remove(&port, "only.admin@example.com", false).await.0, 422);
    assert_eq!(
        set_status(&port, "only.admin@example.com", "Disabled")
            .await
            .0,
        422
    );
    assert_eq!(remove(&port, &own, false).await.0, 403);
    port.control().change_settings(|s| {
        (s.last_admin_protected, s.own_delete_allowed) = (false, true);
    });
    for email in [
        "only.admin@example.com",
        "robot@serviceaccounts.getport.io",
        &own,
    ] {
        assert_eq!(remove(&port, email, false).await.0, 200, "{email}");
    }
    assert_eq!(
        super::mint(&port).await.0,
        401,
        "the caller sawed off its branch"
    );
}

#[tokio::test]
async fn a_partial_answer_lacks_users_and_a_missing_blueprint_looks_like_a_missing_user() {
    let port = port(Population::of(9, 0));
    let list = "/v1/blueprints/_user/entities";
    let (_, body) = get(&port, list).await;
    assert_eq!(body["entities"].as_array().unwrap().len(), 10);
    let (_, body) = get(&port, &format!("{list}?allow_partial_results=true")).await;
    assert_eq!(body["entities"].as_array().unwrap().len(), 5);
    port.control()
        .change_settings(|s| s.no_user_blueprint = true);
    let email = port.control().users()[0].email.clone();
    let (status, body) = remove(&port, &email, false).await;
    assert_eq!((status, &body["error"]), (404, &json!("not_found")));
    assert!(
        port.control().user(&email).is_some(),
        "404, and still there"
    );
    assert_eq!(get(&port, list).await.0, 404);
}

#[tokio::test]
async fn a_lost_answer_has_deleted_the_user_and_faults_know_the_lists() {
    let port = empty();
    add(&port, "leaver@example.com", |_| ());
    let control = port.control();
    control.add_fault(FaultRule::once(
        Matcher::new("DELETE", "/v1/blueprints"),
        Fault::LostAnswer,
    ));
    let token = super::token(&port).await;
    let url = format!(
        "{}{}?delete_dependents=false",
        port.url(),
        entity_path("leaver@example.com")
    );
    assert!(
        super::client()
            .delete(url)
            .bearer_auth(&token)
            .send()
            .await
            .is_err()
    );
    assert_eq!(get(&port, "/v1/users/leaver@example.com").await.0, 404);

    let users = Matcher::new("GET", "/v1/users");
    control.add_fault(FaultRule::once(users.clone(), Fault::ShortPage { by: 1 }));
    assert_eq!(get(&port, "/v1/users").await.1["users"], json!([]));
    control.add_fault(FaultRule::once(users, Fault::BadDate));
    let (_, body) = get(&port, "/v1/users").await;
    assert_eq!(body["users"][0]["createdAt"], json!("31.12.2026 at noon"));
    let matcher = Matcher::new("GET", "/v1/blueprints/_user/entities-count");
    control.add_fault(FaultRule::once(matcher, Fault::TotalTooHigh { by: 3 }));
    let (_, body) = get(&port, "/v1/blueprints/_user/entities-count").await;
    assert_eq!(body["count"], json!(4));
    let path = format!("/v1/blueprints/service/entities/{}", pct("nothing"));
    assert_eq!(get(&port, &path).await.0, 404);
}

#[tokio::test]
async fn another_process_steers_the_organisation_by_name() {
    let port = empty();
    add(&port, "leaver@example.com", |_| ());
    let order = async |name: &str, args: Value| {
        let url = format!("{}/_sandbox/{name}", port.url());
        let answer = super::client().post(url).json(&args).send().await.unwrap();
        (
            answer.status().as_u16(),
            answer.json::<Value>().await.unwrap(),
        )
    };
    let leaver = json!({ "email": "leaver@example.com", "status": "Disabled", "role": "Admin" });
    assert_eq!(
        order("set_status", leaver.clone()).await,
        (200, json!(true))
    );
    assert_eq!(order("set_role", leaver.clone()).await, (200, json!(true)));
    let (_, user) = order("user", leaver.clone()).await;
    assert_eq!(
        (&user["status"], &user["role"]),
        (&json!("Disabled"), &json!("Admin"))
    );
    assert_eq!(
        order("login", leaver.clone()).await.1,
        json!(false),
        "disabled"
    );
    let (_, mut settings) = order("settings", json!({})).await;
    settings["status_ignored"] = json!(true);
    assert_eq!(order("set_settings", settings).await.0, 200);
    assert!(port.control().settings().status_ignored);
    assert_eq!(order("remove_user", leaver.clone()).await.1, json!(true));
    assert_eq!(order("user", leaver).await.1, Value::Null);
    assert_eq!(order("set_role", json!({ "email": "x" })).await.0, 400);
    assert_eq!(order("no_such", json!({})).await.0, 400);
}
