//! A reassignment: its conditions, its progress, its failures, and where things go.

use super::*;
use crate::sandbox::docspace::{Holdings, Pace, TaskFailure, TaskSettings};

fn set(tenant: &DocSpaceHandle, change: impl FnOnce(&mut TaskSettings)) {
    let mut settings = tenant.control().settings();
    change(&mut settings.tasks);
    tenant.control().set_settings(settings);
}

fn owned(rooms: usize) -> Holdings {
    Holdings {
        rooms: (1..=rooms).map(|room| format!("Room {room}")).collect(),
        shared_files: 7,
        my_documents: 30,
    }
}

/// A leaver who is disabled and owns four rooms, and a room administrator to succeed them.
fn pair(tenant: &DocSpaceHandle) -> (Uuid, Uuid) {
    let leaver = add(tenant, "Leaving Person", |user| {
        user.status = Status::Terminated;
    });
    let heir = add(tenant, "Heir Person", |user| user.kind = Kind::RoomAdmin);
    tenant.control().set_holdings(leaver, owned(4));
    (leaver, heir)
}

async fn start(tenant: &DocSpaceHandle, from: Uuid, to: Uuid, profile: bool) -> (u16, Value) {
    let body = json!({ "fromUserId": from, "toUserId": to, "deleteProfile": profile });
    send(tenant, "POST", "people/reassign/start", body).await
}

async fn progress(tenant: &DocSpaceHandle, id: Uuid) -> Value {
    let path = format!("people/reassign/progress/{id}");
    let (status, mut body) = read(tenant, &path).await;
    assert_eq!((status, &body["status"]), (200, &json!(0)));
    body["response"].take()
}

#[tokio::test]
async fn it_goes_on_with_the_calls_and_gives_everything_but_my_documents() {
    let tenant = tenant(Population::of(2, 0));
    let control = tenant.control();
    let (leaver, heir) = pair(&tenant);
    let necessary = format!("people/reassign/necessary?UserId={leaver}&Type=4");
    assert_eq!(read(&tenant, &necessary).await.1["response"], true);
    let (status, body) = start(&tenant, leaver, heir, false).await;
    assert_eq!(status, 200);
    let id = format!("1_{leaver}_ReassignProgressItem");
    let first = json!({ "id": id, "percentage": 0, "isCompleted": false, "status": 0 });
    assert_eq!(body["response"], first);
    assert_eq!(progress(&tenant, leaver).await["percentage"], 25);
    assert!(control.is_reassigning(leaver));
    assert_eq!(control.holdings(heir).rooms, ["Room 1"], "one by one");
    assert_eq!(progress(&tenant, leaver).await["status"], 1);
    // Every call counts, also one about something else.
    assert_eq!(read(&tenant, "people/@self").await.0, 200);
    let last = progress(&tenant, leaver).await;
    let done = json!({ "id": id, "percentage": 100, "isCompleted": true, "status": 2 });
    assert_eq!(last, done);
    assert_eq!(read(&tenant, &necessary).await.1["response"], false);
    let left = Holdings {
        my_documents: 30,
        ..Holdings::default()
    };
    assert_eq!(control.holdings(leaver), left);
    assert_eq!(control.holdings(heir).rooms.len(), 4);
    assert_eq!(control.holdings(heir).shared_files, 7);
    assert_eq!(control.lost_documents(leaver), 0);
    assert_eq!(control.moves().len(), 5);
    assert!(!control.user(leaver).unwrap().removed);
}

#[tokio::test]
async fn deleted_task_yields_a_null_response() {
    let tenant = tenant(Population::of(2, 0));
    let (leaver, heir) = pair(&tenant);
    set(&tenant, |tasks| tasks.pace = Pace::Calls { percent: 100 });
    start(&tenant, leaver, heir, false).await;
    assert_eq!(progress(&tenant, leaver).await["status"], 2);
    let path = format!("people/reassign/progress/{leaver}");
    let (status, body) = read(&tenant, &path).await;
    assert_eq!((status, &body["statusCode"]), (200, &json!(200)));
    assert!(body.get("response").is_none(), "left out like all nulls");
    set(&tenant, |tasks| tasks.null_is_left_out = false);
    let (_, body) = read(&tenant, &path).await;
    assert!(body.get("response").is_some_and(Value::is_null));
    // The end itself can stay unseen.
    set(&tenant, |tasks| tasks.reads_after_end = Some(0));
    start(&tenant, leaver, heir, false).await;
    assert_eq!(progress(&tenant, leaver).await, Value::Null);
}

#[tokio::test]
async fn it_goes_on_with_the_time_where_it_is_set_so() {
    let tenant = tenant(Population::of(2, 0));
    let control = tenant.control();
    let (leaver, heir) = pair(&tenant);
    set(&tenant, |tasks| {
        tasks.pace = Pace::Seconds { seconds: 1000 };
    });
    start(&tenant, leaver, heir, true).await;
    for _ in 0..5 {
        assert_eq!(progress(&tenant, leaver).await["percentage"], 0);
    }
    control.advance(505);
    assert_eq!(progress(&tenant, leaver).await["percentage"], 50);
    control.advance(600);
    // Nobody asked meanwhile, and yet it is done.
    assert!(control.user(leaver).is_some_and(|user| !user.removed));
    assert!(!control.is_reassigning(leaver));
    assert!(control.user(leaver).unwrap().removed, "with the profile");
    assert_eq!(control.lost_documents(leaver), 30);
    assert_eq!(read(&tenant, &format!("people/{leaver}")).await.0, 404);
    let (_, rows) = read(&tenant, "security/audit/events/filter?action=4018").await;
    assert_eq!(rows["response"][0]["target"][1], json!(leaver));
}

#[tokio::test]
async fn its_conditions_are_the_services() {
    let tenant = tenant(Population::of(2, 0));
    let control = tenant.control();
    let (leaver, heir) = pair(&tenant);
    let gone = |user: &mut User| user.status = Status::Terminated;
    let owner = control
        .users()
        .into_iter()
        .find(|user| user.kind == Kind::Owner)
        .unwrap()
        .id;
    let admin = add(&tenant, "Admin Gone", |user| {
        gone(user);
        user.kind = Kind::Admin;
    });
    let sources = [
        ("active", add(&tenant, "Active Person", |_| ())),
        ("unknown", Uuid::new_v4()),
        ("owner", owner),
        ("self", control.key_user()),
        ("admin", admin),
    ];
    for (why, from) in sources {
        let (status, body) = start(&tenant, from, heir, false).await;
        let message = format!("Can not reassign data from user with id = {from}");
        assert_eq!(
            (status, &body["error"]["message"]),
            (400, &json!(message)),
            "{why}"
        );
    }
    let targets = [
        ("plain", add(&tenant, "Plain Person", |_| ())),
        (
            "guest",
            add(&tenant, "Guest Person", |u| u.kind = Kind::Guest),
        ),
        ("gone", admin),
        ("unknown", Uuid::new_v4()),
    ];
    for (why, to) in targets {
        let (status, body) = start(&tenant, leaver, to, false).await;
        let message = format!("Can not reassign data to user with id = {to}");
        assert_eq!(
            (status, &body["error"]["message"]),
            (400, &json!(message)),
            "{why}"
        );
    }
    assert!(control.moves().is_empty());
    control.set_key_user(owner);
    assert_eq!(
        start(&tenant, admin, heir, false).await.0,
        200,
        "by the owner"
    );
    control.set_key_user(heir);
    assert_eq!(start(&tenant, leaver, heir, false).await.0, 403);
    assert_eq!(
        read(&tenant, &format!("people/reassign/progress/{admin}"))
            .await
            .0,
        403
    );
}

#[tokio::test]
async fn a_second_start_returns_the_running_task_whoever_is_to_succeed() {
    let tenant = tenant(Population::of(2, 0));
    let (leaver, heir) = pair(&tenant);
    let other = add(&tenant, "Other Heir", |user| user.kind = Kind::RoomAdmin);
    start(&tenant, leaver, heir, false).await;
    progress(&tenant, leaver).await;
    let (status, body) = start(&tenant, leaver, other, true).await;
    assert_eq!((status, &body["response"]["percentage"]), (200, &json!(50)));
    progress(&tenant, leaver).await;
    progress(&tenant, leaver).await;
    let control = tenant.control();
    assert_eq!(control.holdings(heir).rooms.len(), 4);
    assert_eq!(control.holdings(other), Holdings::default());
    assert!(!control.user(leaver).unwrap().removed);
}

#[tokio::test]
async fn it_fails_in_the_middle_stalls_and_can_be_terminated() {
    let tenant = tenant(Population::of(2, 0));
    let control = tenant.control();
    let (leaver, heir) = pair(&tenant);
    let failure = TaskFailure {
        at: 50,
        message: "Storage is not there".to_owned(),
        of: None,
        as_completed: false,
    };
    set(&tenant, |tasks| tasks.failure = Some(failure.clone()));
    start(&tenant, leaver, heir, true).await;
    progress(&tenant, leaver).await;
    let failed = progress(&tenant, leaver).await;
    assert_eq!(
        (&failed["status"], &failed["percentage"]),
        (&json!(4), &json!(50))
    );
    assert_eq!(failed["error"], "Storage is not there");
    assert_eq!(control.holdings(leaver).rooms.len(), 2, "half of it moved");
    assert!(!control.user(leaver).unwrap().removed);

    set(&tenant, |tasks| {
        tasks.failure = Some(TaskFailure {
            as_completed: true,
            ..failure
        });
        tasks.reads_after_end = None;
    });
    start(&tenant, leaver, heir, false).await;
    progress(&tenant, leaver).await;
    let failed = progress(&tenant, leaver).await;
    assert_eq!(
        (&failed["status"], &failed["isCompleted"]),
        (&json!(2), &json!(true))
    );
    assert!(
        failed["error"].is_string(),
        "says completed beside an error"
    );
    assert_eq!(control.holdings(leaver).shared_files, 7);

    set(&tenant, |tasks| {
        tasks.failure = None;
        tasks.stall_at = Some(75);
    });
    start(&tenant, leaver, heir, false).await;
    for _ in 0..8 {
        progress(&tenant, leaver).await;
    }
    assert_eq!(progress(&tenant, leaver).await["percentage"], 75);
    let body = json!({ "userId": leaver });
    let (status, body) = send(&tenant, "PUT", "people/reassign/terminate", body).await;
    assert_eq!((status, &body["response"]["status"]), (200, &json!(3)));
    assert_eq!(progress(&tenant, leaver).await, Value::Null);
    assert!(!control.is_reassigning(leaver));
}
