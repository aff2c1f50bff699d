//! What goes wrong on order, and calls that are held.

use super::*;

#[tokio::test]
async fn an_answer_can_be_lost_before_or_after_the_change() {
    let tenant = tenant(Population::of(2, 0));
    let control = tenant.control();
    let (before, after) = (
        add(&tenant, "Before Drop", |_| ()),
        add(&tenant, "After Drop", |_| ()),
    );
    let status_call = || Matcher::new("PUT", "/api/2.0/people/status");
    control.add_fault(FaultRule::once(
        status_call().with_body(&before.to_string()),
        Fault::Drop,
    ));
    control.add_fault(FaultRule::once(
        status_call().with_body(&after.to_string()),
        Fault::LostAnswer,
    ));
    assert!(put(&tenant, "2", &[before]).await.is_err());
    assert!(put(&tenant, "2", &[after]).await.is_err());
    assert_eq!(control.user(before).unwrap().status, Status::Active);
    assert_eq!(control.user(after).unwrap().status, Status::Terminated);
    let log = control.requests();
    assert_eq!((log.len(), log[0].status, log[1].status), (2, None, None));
    assert_eq!(log[1].fault.as_deref(), Some("lost_answer"));
    assert!(
        !serde_json::to_string(&log)
            .unwrap()
            .contains(tenant.token())
    );
}

#[tokio::test]
async fn every_other_fault_reaches_the_client() {
    let tenant = tenant(Population::of(150, 150));
    let control = tenant.control();
    let people = "people/filter?sortBy=email";
    let once = |fault| {
        control.add_fault(FaultRule::once(
            Matcher::new("GET", "/api/2.0/people/filter"),
            fault,
        ));
    };
    once(Fault::Status {
        status: 404,
        body: Some(String::new()),
    });
    let response = get(&tenant, people).await.unwrap();
    assert_eq!(
        (
            response.status().as_u16(),
            response.bytes().await.unwrap().len()
        ),
        (404, 0)
    );
    once(Fault::Html { status: 200 });
    assert!(
        get(&tenant, people)
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
            .starts_with("<!DOCTYPE")
    );
    once(Fault::TooMany {
        retry_after: Some(7),
    });
    assert_eq!(
        get(&tenant, people).await.unwrap().headers()["retry-after"],
        "7"
    );
    let location = "http://127.0.0.1:9/elsewhere".to_owned();
    once(Fault::Redirect {
        status: 307,
        location,
    });
    assert_eq!(get(&tenant, people).await.unwrap().status(), 307);
    once(Fault::Truncated);
    assert!(
        get(&tenant, people).await.unwrap().bytes().await.is_err(),
        "breaks off in the middle"
    );
    once(Fault::MalformedJson);
    assert!(
        get(&tenant, people)
            .await
            .unwrap()
            .json::<Value>()
            .await
            .is_err()
    );
    once(Fault::WrongTypes);
    assert!(read(&tenant, people).await.1["response"][0]["status"].is_string());
    once(Fault::BadDate);
    assert!(
        read(&tenant, people).await.1["response"][0]["registrationDate"]
            .as_str()
            .unwrap()
            .contains("noon")
    );
    once(Fault::MissingField {
        field: "status".into(),
    });
    assert!(
        read(&tenant, people).await.1["response"][0]
            .get("status")
            .is_none()
    );
    once(Fault::MissingField {
        field: "total".into(),
    });
    assert!(read(&tenant, people).await.1.get("total").is_none());
    once(Fault::TotalTooHigh { by: 3 });
    assert_eq!(read(&tenant, people).await.1["total"], 153);
    once(Fault::ShortPage { by: 10 });
    assert_eq!(
        read(&tenant, people).await.1["response"]
            .as_array()
            .unwrap()
            .len(),
        90
    );
    once(Fault::ErrorInside);
    assert_eq!(read(&tenant, people).await.1["status"], 1);
    once(Fault::HugeBody { bytes: 3_000_000 });
    assert!(
        get(&tenant, people)
            .await
            .unwrap()
            .bytes()
            .await
            .unwrap()
            .len()
            > 3_000_000
    );
    once(Fault::Hang);
    let hung = tokio::time::timeout(Duration::from_secs(1), get(&tenant, people)).await;
    assert!(hung.is_err());
    assert_eq!(
        control.requests().last().unwrap().status,
        None,
        "it did arrive"
    );
    assert_eq!(
        read(&tenant, people).await.1["total"],
        150,
        "and then all is well"
    );
    let second = Matcher::new("GET", "/api/2.0/people/filter");
    control.add_fault(FaultRule::nth(
        second,
        2,
        Fault::Status {
            status: 500,
            body: None,
        },
    ));
    assert_eq!(read(&tenant, people).await.0, 200);
    assert_eq!(read(&tenant, people).await.0, 500);
    assert_eq!(read(&tenant, people).await.0, 200);
}

#[tokio::test]
async fn a_held_call_is_worked_on_after_its_client_has_died() {
    let tenant = tenant(Population::of(2, 0));
    let control = tenant.control();
    let person = add(&tenant, "Held Person", |_| ());
    let gate = control.pause(
        Matcher::new("PUT", "/api/2.0/people/status"),
        GateAt::Before,
    );
    let url = format!("{}/api/2.0/people/status/2", tenant.url());
    let call = client()
        .put(url)
        .bearer_auth(tenant.token())
        .json(&json!({ "userIds": [person] }));
    let caller = tokio::spawn(call.send());
    assert!(control.wait_held(gate, 1, Duration::from_secs(5)).await);
    caller.abort();
    let _ = caller.await;
    assert_eq!(control.user(person).unwrap().status, Status::Active);
    assert!(control.release(gate));
    for _ in 0..100 {
        if control.status_changes(person) == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(control.user(person).unwrap().status, Status::Terminated);
}
