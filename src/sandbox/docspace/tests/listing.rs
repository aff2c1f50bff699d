//! Who sees whom, and limits that a walk meets.

use super::*;

async fn total(tenant: &DocSpaceHandle, path: &str) -> Value {
    let (status, mut body) = read(tenant, path).await;
    assert_eq!(status, 200, "{path}");
    body["total"].take()
}

#[tokio::test]
async fn a_room_administrator_sees_no_terminated_and_only_their_own_guests() {
    let tenant = tenant(Population::of(2, 0));
    let control = tenant.control();
    let host = add(&tenant, "Room Admin", |user| user.kind = Kind::RoomAdmin);
    let guest = |name: &str| add(&tenant, name, |user| user.kind = Kind::Guest);
    let (own, other) = (guest("Own Guest"), guest("Other Guest"));
    control.add_guest_of(host, own);
    control.add_guest_of(control.key_user(), other);
    add(&tenant, "Gone Person", |u| u.status = Status::Terminated);
    assert_eq!(total(&tenant, "people/filter?employeeStatus=7").await, 6);
    assert_eq!(total(&tenant, "people/status/2").await, 1);
    assert_eq!(total(&tenant, "people/status/terminated").await, 1);
    control.set_key_user(host);
    assert_eq!(total(&tenant, "people/filter?employeeStatus=7").await, 4);
    assert_eq!(total(&tenant, "people/filter?area=2").await, 1);
    assert_eq!(total(&tenant, "people/status/2").await, 0);
    control.add_guest_of(host, other);
    assert_eq!(total(&tenant, "people/filter?area=2").await, 2);
    control.set_kind(host, Kind::User);
    assert_eq!(read(&tenant, "people/filter").await.0, 403);
}

#[tokio::test]
async fn writes_end_for_the_day_and_reads_go_on() {
    let tenant = tenant(Population::of(2, 0));
    let control = tenant.control();
    let person = add(&tenant, "Plain Person", |_| ());
    control.set_settings(Settings {
        rate_limit: Some(RateLimit {
            writes_per_day: 2,
            ..RateLimit::default()
        }),
        ..control.settings()
    });
    for expected in [200, 200, 429] {
        assert_eq!(put(&tenant, "2", &[person]).await.unwrap().0, expected);
    }
    assert_eq!(read(&tenant, "people/@self").await.0, 200);
    control.advance(86_400);
    assert_eq!(put(&tenant, "2", &[person]).await.unwrap().0, 200);
}

#[tokio::test]
async fn a_slow_tenant_answers_late_and_does_not_queue() {
    let tenant = tenant(Population::of(2, 0));
    tenant
        .control()
        .set_latency(Some(Duration::from_millis(200)));
    let started = Instant::now();
    let reads = (0..5).map(|_| get(&tenant, "people/@self"));
    let answers = futures_util::future::join_all(reads).await;
    assert!(answers.iter().all(Result::is_ok));
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(200), "{took:?}");
    assert!(
        took < Duration::from_millis(900),
        "one after another: {took:?}"
    );
}
