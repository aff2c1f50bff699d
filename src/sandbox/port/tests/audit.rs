//! The audit log.

use std::collections::BTreeSet;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{add, call, empty, entity_path, get, now, port, texts};
use crate::sandbox::{
    population::Population,
    port::{AuditEvent, AuditShape, Role},
};

fn event(at: DateTime<Utc>, entity: &str) -> AuditEvent {
    AuditEvent {
        identifier: String::new(),
        at,
        action: "UPDATE".to_owned(),
        user_id: "auth0|somebody".to_owned(),
        origin: "UI".to_owned(),
        blueprint: "service".to_owned(),
        entity: entity.to_owned(),
        diff: Value::Null,
    }
}

fn times(body: &Value) -> Vec<String> {
    let events = body["audits"].as_array().unwrap().iter();
    events
        .map(|event| event["trigger"]["at"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_walk_backwards_finds_every_event_if_it_asks_past_the_last_one() {
    let mut population = Population::of(20, 0);
    population.audit_events = 2_345;
    let port = port(population);
    let (_, body) = get(&port, "/v1/audit-log").await;
    let newest = times(&body);
    assert_eq!(newest.len(), 100, "unasked");
    assert!(newest.is_sorted_by(|a, b| a >= b));
    let (_, body) = get(&port, "/v1/audit-log?limit=99999").await;
    assert_eq!(times(&body).len(), 1_000, "clamped without a word");

    let (mut seen, mut to) = (BTreeSet::new(), now() + TimeDelta::seconds(1));
    loop {
        let until = to.to_rfc3339_opts(SecondsFormat::Millis, true);
        let (_, body) = get(&port, &format!("/v1/audit-log?limit=500&to={until}")).await;
        let before = seen.len();
        seen.extend(texts(&body["audits"], "identifier"));
        if seen.len() == before {
            break;
        }
        let oldest: DateTime<Utc> = times(&body).last().unwrap().parse().unwrap();
        to = oldest + TimeDelta::milliseconds(1);
    }
    assert_eq!(seen.len(), 2_345);
}

#[tokio::test]
async fn the_window_is_half_open_and_a_year_long() {
    let port = empty();
    for days in [1, 2, 3, 364, 366] {
        port.control()
            .add_audit(event(now() - TimeDelta::days(days), &format!("day-{days}")));
    }
    let names = |body: Value| {
        let events = body["audits"].as_array().unwrap().clone();
        let names = events
            .iter()
            .map(|e| e["context"]["entity"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    let (_, body) = get(&port, "/v1/audit-log").await;
    assert_eq!(names(body), ["day-1", "day-2", "day-3", "day-364"]);
    let window = "/v1/audit-log?from=2026-05-29T09:00:00.000Z&to=2026-05-31T09:00:00.000Z";
    assert_eq!(names(get(&port, window).await.1), ["day-2", "day-3"]);
    port.control()
        .change_settings(|s| s.audit_to_included = true);
    assert_eq!(
        names(get(&port, window).await.1),
        ["day-1", "day-2", "day-3"]
    );
    for query in ["from=yesterday", "to=2026-05-31", "limit=0", "limit=few"] {
        assert_eq!(
            get(&port, &format!("/v1/audit-log?{query}")).await.0,
            422,
            "{query}"
        );
    }
    port.control().advance(3 * 86_400);
    assert_eq!(
        names(get(&port, "/v1/audit-log").await.1).len(),
        3,
        "time goes on"
    );
}

#[tokio::test]
async fn it_holds_changes_by_the_makers_id_and_no_logins() {
    let port = empty();
    add(&port, "leaver@example.com", |_| ());
    port.control().login("leaver@example.com", now());
    assert_eq!(get(&port, "/v1/audit-log").await.1["audits"], json!([]));
    let body = json!({ "properties": { "status": "Disabled" } });
    call(&port, "PATCH", &entity_path("leaver@example.com"), body).await;
    let path = format!(
        "{}?delete_dependents=false",
        entity_path("leaver@example.com")
    );
    call(&port, "DELETE", &path, Value::Null).await;
    let (_, body) = get(&port, "/v1/audit-log").await;
    assert_eq!(texts(&body["audits"], "action"), ["DELETE", "UPDATE"]);
    let update = &body["audits"][1];
    let status = |side: &str| update["diff"][side]["properties"]["status"].clone();
    assert_eq!(
        (status("before"), status("after")),
        (json!("Active"), json!("Disabled"))
    );
    let own = port
        .control()
        .user(&port.control().own_user().unwrap())
        .unwrap();
    let by = json!({ "orgId": port.control().org_id(), "userId": own.id });
    assert_eq!(update["trigger"]["by"], by);
    port.control()
        .change_settings(|s| s.audit_names_users = true);
    let (_, body) = get(&port, "/v1/audit-log?action=UPDATE&origin[]=API").await;
    assert_eq!(
        body["audits"][0]["trigger"]["by"]["user"]["email"],
        json!(own.email)
    );
}

#[tokio::test]
async fn it_is_for_administrators_unless_one_thing_is_named() {
    let port = empty();
    port.control()
        .add_audit(event(now() - TimeDelta::days(1), "shop"));
    add(&port, "reader@example.com", |user| user.role = Role::Member);
    port.control().act_as("reader@example.com");
    let (status, body) = get(&port, "/v1/audit-log").await;
    assert_eq!((status, &body["error"]), (403, &json!("forbidden")));
    let (status, body) = get(&port, "/v1/audit-log?entity=shop").await;
    assert_eq!((status, body["audits"].as_array().unwrap().len()), (200, 1));
    port.control()
        .change_settings(|s| s.audit_for_admins = false);
    assert_eq!(get(&port, "/v1/audit-log").await.0, 200);
}

#[tokio::test]
async fn its_shape_is_not_known_and_so_has_several() {
    let port = empty();
    port.control()
        .add_audit(event(now() - TimeDelta::days(1), "shop"));
    let shape = async |shape| {
        port.control().change_settings(|s| s.audit_shape = shape);
        get(&port, "/v1/audit-log").await.1
    };
    assert!(shape(AuditShape::Audits).await["audits"][0]["trigger"].is_object());
    assert!(shape(AuditShape::Data).await["data"][0]["trigger"].is_object());
    assert!(shape(AuditShape::Nested).await["audits"]["items"].is_array());
    assert!(shape(AuditShape::Bare).await[0]["trigger"].is_object());
    let event = &shape(AuditShape::NoTrigger).await["audits"][0];
    assert!(event["identifier"].is_string() && event.get("trigger").is_none());
}
