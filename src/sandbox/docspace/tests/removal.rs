//! Removals: their conditions, the batch that lies, what is lost, and guests.

use super::*;
use crate::sandbox::docspace::{Holdings, TaskKind};

fn gone(user: &mut User) {
    user.status = Status::Terminated;
}

fn owner(tenant: &DocSpaceHandle) -> Uuid {
    let users = tenant.control().users();
    users.iter().find(|u| u.kind == Kind::Owner).unwrap().id
}

fn rich(tenant: &DocSpaceHandle, name: &str) -> Uuid {
    let id = add(tenant, name, gone);
    let held = Holdings {
        rooms: vec!["Plans".to_owned(), "Budget".to_owned()],
        shared_files: 5,
        my_documents: 12,
    };
    tenant.control().set_holdings(id, held);
    id
}

async fn delete(tenant: &DocSpaceHandle, id: Uuid) -> (u16, Value) {
    send(tenant, "DELETE", &format!("people/{id}"), json!({})).await
}

async fn delete_many(tenant: &DocSpaceHandle, ids: &[Uuid]) -> (u16, Value) {
    send(tenant, "PUT", "people/delete", json!({ "userIds": ids })).await
}

#[tokio::test]
async fn rooms_go_to_the_caller_and_my_documents_are_lost() {
    let tenant = tenant(Population::of(2, 0));
    let control = tenant.control();
    let caller = control.key_user();
    let before = control.holdings(caller).rooms.len();
    let leaver = rich(&tenant, "Leaving Person");
    let (status, body) = delete(&tenant, leaver).await;
    assert_eq!((status, &body["response"]["id"]), (200, &json!(leaver)));
    assert!(body["response"]["terminated"].is_string());
    assert_eq!(read(&tenant, &format!("people/{leaver}")).await.0, 404);
    let mail = "people/email?email=leaving.person@example.test";
    assert_eq!(read(&tenant, mail).await.0, 404);
    let path = format!("people/remove/progress/{leaver}");
    let (_, body) = read(&tenant, &path).await;
    assert_eq!(
        body["response"]["id"],
        json!(format!("1_{leaver}_RemoveProgressItem"))
    );
    let (_, body) = read(&tenant, &path).await;
    assert_eq!(
        (&body["response"]["percentage"], &body["response"]["status"]),
        (&json!(100), &json!(2))
    );
    assert_eq!(control.holdings(caller).rooms.len(), before + 2);
    assert_eq!(control.lost_documents(leaver), 12);
    let moves = control.moves();
    assert!(
        moves
            .iter()
            .all(|m| m.by == TaskKind::Removal && m.to == caller)
    );
    assert_eq!(control.holdings(leaver), Holdings::default());
    let (_, rows) = read(&tenant, "security/audit/events/filter?action=4018").await;
    assert_eq!(rows["response"][0]["userId"], json!(caller));
    assert_eq!(rows["response"][0]["target"][1], json!(leaver));
    assert_eq!(control.delete_calls(leaver), 1);
}

#[tokio::test]
async fn after_a_reassignment_nothing_is_left_for_the_caller() {
    let tenant = tenant(Population::of(2, 0));
    let control = tenant.control();
    let leaver = rich(&tenant, "Leaving Person");
    let heir = add(&tenant, "Heir Person", |user| user.kind = Kind::RoomAdmin);
    let body = json!({ "fromUserId": leaver, "toUserId": heir, "deleteProfile": false });
    send(&tenant, "POST", "people/reassign/start", body).await;
    for status in [500, 409] {
        let mut settings = control.settings();
        settings.tasks.running_refusal = status;
        control.set_settings(settings);
        assert_eq!(delete(&tenant, leaver).await.0, status, "still running");
    }
    assert_eq!(delete_many(&tenant, &[leaver]).await.0, 409);
    assert!(!control.user(leaver).unwrap().removed);
    assert_eq!(delete(&tenant, leaver).await.0, 200, "this call ended it");
    for _ in 0..4 {
        read(&tenant, "people/@self").await;
    }
    assert_eq!(control.holdings(heir).rooms, ["Plans", "Budget"]);
    assert!(control.moves().iter().all(|m| m.to == heir));
    assert_eq!(control.lost_documents(leaver), 12);
}

#[tokio::test]
async fn only_a_suspended_plain_user_is_removed() {
    let tenant = tenant(Population::of(2, 0));
    let control = tenant.control();
    let active = add(&tenant, "Active Person", |_| ());
    let (status, body) = delete(&tenant, active).await;
    assert_eq!(
        (status, &body["error"]["message"]),
        (403, &json!("The user is not suspended"))
    );
    let pending = add(&tenant, "Pending Person", |u| u.status = Status::Pending);
    assert_eq!(delete(&tenant, pending).await.0, 403);
    let admin = add(&tenant, "Admin Person", |user| {
        gone(user);
        user.kind = Kind::Admin;
    });
    let ldap = add(&tenant, "Ldap Person", |user| {
        gone(user);
        user.ldap = true;
    });
    for id in [
        admin,
        ldap,
        Uuid::new_v4(),
        owner(&tenant),
        control.key_user(),
    ] {
        let (status, body) = delete(&tenant, id).await;
        assert_eq!(
            (status, &body["error"]["message"]),
            (403, &json!("Access denied"))
        );
    }
    let mut settings = control.settings();
    settings.tasks.unknown_delete = 404;
    control.set_settings(settings);
    assert_eq!(delete(&tenant, Uuid::new_v4()).await.0, 404);
    let sso = add(&tenant, "Sso Person", |user| {
        gone(user);
        user.sso = true;
    });
    assert_eq!(delete(&tenant, sso).await.0, 200);
    assert_eq!(delete(&tenant, sso).await.0, 404, "a second time");
    control.set_key_user(owner(&tenant));
    assert_eq!(delete(&tenant, admin).await.0, 200, "by the owner");
    assert_eq!(delete(&tenant, ldap).await.0, 403, "by nobody");
    control.set_key_user(active);
    let last = add(&tenant, "Last Person", gone);
    assert_eq!(delete(&tenant, last).await.0, 403);
    assert_eq!(delete_many(&tenant, &[last]).await.0, 403);
}

#[tokio::test]
async fn a_batch_says_that_an_administrator_is_gone_who_is_not() {
    let tenant = tenant(Population::of(2, 0));
    let control = tenant.control();
    let plain = rich(&tenant, "Plain Person");
    let admin = add(&tenant, "Admin Person", |user| {
        gone(user);
        user.kind = Kind::Admin;
    });
    let ldap = add(&tenant, "Ldap Person", |user| user.ldap = true);
    let active = add(&tenant, "Active Person", |_| ());
    let (status, body) = delete_many(&tenant, &[plain, active]).await;
    assert_eq!(
        (status, &body["error"]["message"]),
        (403, &json!("Users are not suspended"))
    );
    assert!(!control.user(plain).unwrap().removed);

    let (status, body) = delete_many(&tenant, &[plain, Uuid::new_v4(), ldap, admin]).await;
    assert_eq!((status, &body["count"]), (200, &json!(1)));
    let listed: Vec<&Value> = body["response"]
        .as_array()
        .unwrap()
        .iter()
        .map(|u| &u["id"])
        .collect();
    assert_eq!(listed, [&json!(plain), &json!(admin)]);
    assert_eq!(read(&tenant, &format!("people/{plain}")).await.0, 404);
    assert_eq!(
        read(&tenant, &format!("people/{admin}")).await.0,
        200,
        "still there"
    );
    assert_eq!(read(&tenant, &format!("people/{ldap}")).await.0, 200);
    let (_, rows) = read(&tenant, "security/audit/events/filter?action=4022").await;
    assert_eq!(rows["response"].as_array().unwrap().len(), 1);
    assert_eq!(rows["response"][0]["target"], json!([plain, admin]));
    let (status, body) = delete_many(&tenant, &[Uuid::new_v4()]).await;
    assert_eq!((status, &body["response"]), (200, &json!([])));
    assert_eq!(delete_many(&tenant, &[]).await.0, 400);
}

#[tokio::test]
async fn letting_a_guest_go_removes_nobody() {
    let tenant = tenant(Population::of(2, 0));
    let control = tenant.control();
    let (caller, owner) = (control.key_user(), owner(&tenant));
    let guest = add(&tenant, "Guest Person", |user| user.kind = Kind::Guest);
    let ended = add(&tenant, "Ended Guest", |user| {
        gone(user);
        user.kind = Kind::Guest;
    });
    for (host, guest) in [(caller, guest), (owner, guest), (caller, ended)] {
        control.add_guest_of(host, guest);
    }
    let body = json!({ "userIds": [guest, ended] });
    assert_eq!(send(&tenant, "DELETE", "people/guests", body).await.0, 403);
    assert_eq!(control.guests_of(caller).len(), 2);
    let body = json!({ "userIds": [guest] });
    assert_eq!(send(&tenant, "DELETE", "people/guests", body).await.0, 200);
    assert_eq!(control.guests_of(caller), [ended]);
    assert_eq!(control.guests_of(owner), [guest]);
    let (_, body) = read(&tenant, &format!("people/{guest}")).await;
    assert_eq!(body["response"]["status"], 1, "still there, still active");
    assert_eq!(delete(&tenant, ended).await.0, 200, "as everybody else");
}

#[tokio::test]
async fn the_long_way_back_needs_a_seat_and_a_name() {
    let tenant = tenant(Population::of(2, 0));
    let control = tenant.control();
    let named = add(&tenant, "Named Person", gone);
    let nameless = add(&tenant, "No Name", |user| {
        gone(user);
        (user.first_name, user.last_name) = (String::new(), String::new());
    });
    let guest = add(&tenant, "Guest Person", |user| {
        gone(user);
        user.kind = Kind::Guest;
    });
    control.set_settings(Settings {
        seats: Some(2),
        ..control.settings()
    });
    let (status, body) = put(&tenant, "1", &[named]).await.unwrap();
    assert_eq!((status, &body["status"]), (402, &json!(1)));
    assert_eq!(put(&tenant, "1", &[named, guest]).await.unwrap().0, 402);
    assert_eq!(control.user(guest).unwrap().status, Status::Terminated);
    assert_eq!(put(&tenant, "1", &[guest]).await.unwrap().0, 200, "no seat");
    control.set_settings(Settings {
        seats: Some(4),
        ..control.settings()
    });
    let (_, body) = put(&tenant, "1", &[named, nameless]).await.unwrap();
    assert_eq!(body["response"][0]["status"], 1);
    assert_eq!(body["response"][1]["status"], 4, "an invitation again");
    let (status, _) = put(&tenant, "1", &[Uuid::new_v4()]).await.unwrap();
    assert_eq!(status, 403, "a removed one does not come back");
}

#[tokio::test]
async fn another_process_sees_what_was_lost() {
    let tenant = tenant(Population::of(2, 0));
    let leaver = add(&tenant, "Leaving Person", gone);
    let call = async |name: &str, args: Value| {
        let url = format!("{}/_sandbox/{name}", tenant.url());
        let response = client().post(url).json(&args).send().await.unwrap();
        assert_eq!(response.status(), 200, "{name}");
        response.json::<Value>().await.unwrap()
    };
    let held = json!({ "rooms": ["Plans"], "shared_files": 1, "my_documents": 3 });
    call("set_holdings", json!({ "id": leaver, "holdings": held })).await;
    assert_eq!(call("holdings", json!({ "id": leaver })).await, held);
    delete(&tenant, leaver).await;
    for _ in 0..4 {
        read(&tenant, "people/@self").await;
    }
    assert_eq!(call("lost_documents", json!({ "id": leaver })).await, 3);
    assert_eq!(call("delete_calls", json!({ "id": leaver })).await, 1);
    assert_eq!(call("moves", json!({})).await[0]["room"], "Plans");
    let settings = call("settings", json!({})).await;
    assert_eq!(
        settings["tasks"]["pace"],
        json!({ "by": "calls", "percent": 25 })
    );
    call("set_settings", settings).await;
}
