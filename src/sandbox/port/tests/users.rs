//! `/v1/users`, and what tells people apart.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{add, call, delete, empty, entity_path, get, is_about, now, port, start_of};
use crate::sandbox::{
    docspace::{DocSpace, DocSpaceOptions},
    population::Population,
    port::{NeverLogin, OtherOrg, Port, PortOptions, Role, Settings, Status, TopStatus, User},
};

const LOGINS: &str = "/v1/users?fields=email&fields=status&fields=orgMembers.orgId\
                      &fields=orgMembers.status&fields=orgMembers.lastLoginAt";

/// The entry of this organisation, of a user of the list.
async fn own_entry(port: &crate::sandbox::port::PortHandle, email: &str) -> Value {
    let (_, body) = get(port, LOGINS).await;
    let (_, organization) = get(port, "/v1/organization").await;
    let users = body["users"].as_array().unwrap();
    let user = users.iter().find(|user| user["email"] == email).unwrap();
    let members = user["orgMembers"].as_array().unwrap();
    let id = &organization["organization"]["id"];
    members
        .iter()
        .find(|member| member["orgId"] == *id)
        .unwrap()
        .clone()
}

#[tokio::test]
async fn a_login_in_another_organisation_says_nothing_about_this_one() {
    let port = empty();
    let here = start_of("2025-11-02T08:00:00.250Z");
    add(&port, "two.orgs@example.com", |user| {
        user.last_login = Some(here);
        user.other_orgs.push(OtherOrg {
            org_id: "org_other".to_owned(),
            status: Status::Active,
            last_login: Some(now()),
        });
    });
    let (_, body) = get(&port, LOGINS).await;
    let members = &body["users"][1]["orgMembers"];
    assert_eq!(
        members[0]["orgId"],
        json!("org_other"),
        "the other one stands first"
    );
    assert_eq!(members[0]["lastLoginAt"], json!("2026-06-01T09:00:00.000Z"));
    let own = own_entry(&port, "two.orgs@example.com").await;
    assert_eq!(own["lastLoginAt"], json!("2025-11-02T08:00:00.250Z"));
}

#[tokio::test]
async fn a_login_that_never_was_is_absent_or_null_or_1970() {
    let port = empty();
    add(&port, "never@example.com", |_| ());
    assert_eq!(
        own_entry(&port, "never@example.com")
            .await
            .get("lastLoginAt"),
        None
    );
    for (form, expected) in [
        (NeverLogin::Null, Value::Null),
        (NeverLogin::Epoch, json!("1970-01-01T00:00:00.000Z")),
    ] {
        port.control().change_settings(|s| s.never_login = form);
        let own = own_entry(&port, "never@example.com").await;
        assert_eq!(own.get("lastLoginAt"), Some(&expected));
    }
    let odd = json!("last Tuesday");
    port.control().change_user("never@example.com", |u| {
        u.raw_last_login = Some(odd.clone())
    });
    assert_eq!(
        own_entry(&port, "never@example.com").await["lastLoginAt"],
        odd
    );
}

#[tokio::test]
async fn only_what_is_asked_for_comes_and_org_members_must_be_asked_for() {
    let port = empty();
    add(&port, "ada@example.com", |user| {
        user.role = Role::Admin;
        user.teams = vec!["core".to_owned()];
    });
    let (_, body) = get(&port, "/v1/users").await;
    let ada = &body["users"][1];
    assert!(ada.get("orgMembers").is_none());
    assert_eq!(ada["roles"], json!([{ "name": "Admin" }]));
    assert_eq!(ada["teams"], json!(["core"]));
    let (_, body) = get(
        &port,
        "/v1/users?fields=id&fields=roles.name&fields=roles.isAdmin",
    )
    .await;
    let ada = &body["users"][1];
    assert!(ada["id"].as_str().unwrap().starts_with("auth0|"));
    assert_eq!(ada["roles"], json!([{ "name": "Admin", "isAdmin": true }]));
    assert_eq!(ada.as_object().unwrap().len(), 2);
    assert_eq!(
        get(&port, "/v1/users?fields=orgMembers.lastSeen").await.0,
        422
    );
    let (_, body) = get(&port, "/v1/users/ada@example.com").await;
    assert_eq!(body["user"]["teamsIdentifiers"], json!(["core"]));
    assert!(body["user"]["orgMembers"].is_array());
}

#[tokio::test]
async fn statuses_are_in_capitals_and_the_one_at_the_top_may_be_the_accounts() {
    let port = empty();
    add(&port, "off@example.com", |user| {
        user.status = Status::Disabled
    });
    let top = |body: Value| body["users"][1]["status"].clone();
    assert_eq!(top(get(&port, LOGINS).await.1), json!("ACTIVE"));
    assert_eq!(
        own_entry(&port, "off@example.com").await["status"],
        json!("DISABLED")
    );
    port.control()
        .change_settings(|s| s.top_status = TopStatus::Organization);
    assert_eq!(top(get(&port, LOGINS).await.1), json!("DISABLED"));
    let (_, body) = get(&port, &entity_path("off@example.com")).await;
    assert_eq!(body["entity"]["properties"]["status"], json!("Disabled"));
}

#[tokio::test]
async fn any_edit_moves_the_date_of_change_and_no_login_does() {
    let port = empty();
    let email = "daily@example.com";
    add(&port, email, |_| ());
    let updated = async || get(&port, &entity_path(email)).await.1["entity"]["updatedAt"].clone();
    let before = updated().await;
    for day in 1..=5 {
        assert!(port.control().login(email, now() + TimeDelta::days(day)));
    }
    assert_eq!(updated().await, before);
    let own = own_entry(&port, email).await;
    assert_eq!(own["lastLoginAt"], json!("2026-06-06T09:00:00.000Z"));
    port.control().touch(email);
    let touched = updated().await;
    assert!(is_about(&touched, "2026-06-01T09:00:00Z"));
    port.control().advance(60);
    let body = json!({ "roles": ["Moderator"], "teams": ["core"] });
    let (status, answer) = call(&port, "PATCH", "/v1/users/daily@example.com", body).await;
    assert_eq!(
        (status, &answer["user"]["roles"][0]["name"]),
        (200, &json!("Moderator"))
    );
    assert!(is_about(&updated().await, "2026-06-01T09:01:00Z"));
    let (_, body) = get(&port, &entity_path(email)).await;
    assert_eq!(
        body["entity"]["properties"]["port_role"],
        json!("Moderator")
    );
}

#[tokio::test]
async fn a_deleted_user_takes_the_entity_along_and_is_not_found_twice() {
    let port = empty();
    add(&port, "gone@example.com", |_| ());
    assert_eq!(
        delete(&port, "/v1/users/gone@example.com").await,
        (200, json!({ "ok": true }))
    );
    assert_eq!(get(&port, &entity_path("gone@example.com")).await.0, 404);
    let (status, body) = delete(&port, "/v1/users/gone@example.com").await;
    assert_eq!((status, &body["error"]), (404, &json!("not_found")));
}

#[tokio::test]
async fn an_invited_again_user_has_the_address_and_the_id_but_is_new() {
    let port = empty();
    let email = "back@example.com";
    add(&port, email, |user| user.last_login = Some(now()));
    let old = port.control().user(email).unwrap();
    delete(&port, "/v1/users/back@example.com").await;
    port.control().advance(3_600);
    let body = json!({ "invitee": { "email": email, "roles": ["Member"] } });
    assert_eq!(
        call(&port, "POST", "/v1/users/invite", body.clone())
            .await
            .0,
        200
    );
    let (_, answer) = get(&port, "/v1/users/back@example.com").await;
    assert!(is_about(
        &answer["user"]["createdAt"],
        "2026-06-01T10:00:00Z"
    ));
    assert_eq!(answer["user"]["status"], json!("INVITED"));
    assert_eq!(answer["user"]["id"], json!(old.id));
    assert_eq!(own_entry(&port, email).await.get("lastLoginAt"), None);
    assert_eq!(call(&port, "POST", "/v1/users/invite", body).await.0, 409);
}

#[tokio::test]
async fn a_deleted_user_of_single_sign_on_comes_back_with_the_next_login() {
    let port = empty();
    add(&port, "sso@example.com", |user| {
        user.providers = vec!["sso".to_owned()]
    });
    add(&port, "plain@example.com", |_| ());
    for email in ["sso@example.com", "plain@example.com"] {
        assert_eq!(delete(&port, &format!("/v1/users/{email}")).await.0, 200);
    }
    assert!(port.control().login("sso@example.com", now()));
    assert!(!port.control().login("plain@example.com", now()));
    let back = port.control().user("sso@example.com").unwrap();
    assert_eq!((back.status, back.created), (Status::Active, now()));
}

#[tokio::test]
async fn who_was_never_invited_is_staged_or_disabled_by_the_age_of_the_organisation() {
    for (old, expected) in [(false, "Staged"), (true, "Disabled")] {
        let port = Port::start(PortOptions {
            population: Population {
                idle_percent: 40,
                ..Population::of(60, 400)
            },
            settings: Settings {
                old_organization: old,
                ..Settings::default()
            },
            now: Some(now()),
            ..PortOptions::default()
        })
        .unwrap();
        port.control()
            .add_uninvited(User::new("new@example.com", "New", "One", now()));
        let users = port.control().users();
        let uninvited: Vec<&User> = users.iter().filter(|user| !user.invited).collect();
        assert!(uninvited.len() > 3);
        for user in uninvited {
            let (_, body) = get(&port, &entity_path(&user.email)).await;
            assert_eq!(body["entity"]["properties"]["status"], json!(expected));
            let path = format!("/v1/users/{}", user.email);
            assert_eq!(
                get(&port, &path).await.0,
                404,
                "no user, but no leaver either"
            );
        }
        port.control()
            .change_settings(|s| s.uninvited_in_users = true);
        assert_eq!(get(&port, "/v1/users/new@example.com").await.0, 200);
    }
}

#[tokio::test]
async fn the_same_seed_gives_the_same_people_and_logins_as_in_the_other_tenants() {
    let population = Population::mixed(120, 2_000);
    let port = port(population.clone());
    let other = DocSpace::start(DocSpaceOptions {
        population,
        now: Some(now()),
        ..DocSpaceOptions::default()
    })
    .unwrap();
    let mut logins = BTreeMap::new();
    for event in other.control().logins() {
        if ![1002, 1005, 1006].contains(&event.action) {
            logins.insert(event.user, event.at);
        }
    }
    for person in other.control().users() {
        let user = port.control().user(&person.email).unwrap();
        assert_eq!(user.created, person.registered);
        assert_eq!(
            user.last_login,
            logins.get(&person.id).copied(),
            "{}",
            user.email
        );
    }
    assert!(!logins.is_empty());
}
