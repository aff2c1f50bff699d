//! The login history and the audit trail, with their traps.

use super::*;

#[tokio::test]
async fn a_user_filter_sees_only_the_newest_hundred_events_of_the_portal() {
    let tenant = tenant(Population::of(50, 5_000));
    let quiet = add(&tenant, "Quiet Daily", |_| ());
    let login = Utc::now() - TimeDelta::days(40);
    tenant.control().add_login(quiet, login, 1029);

    let (status, body) = read(
        &tenant,
        &format!("security/audit/login/filter?userId={quiet}"),
    )
    .await;
    assert_eq!(
        (status, &body["response"]),
        (200, &json!([])),
        "the login of 40 days ago is hidden"
    );

    let mut found = Vec::new();
    let mut ids = BTreeSet::new();
    for start in (0..).step_by(100) {
        let path = format!("security/audit/login/filter?count=100&startIndex={start}");
        let (_, body) = read(&tenant, &path).await;
        let page = body["response"].as_array().unwrap().clone();
        assert!(
            body.get("total").is_none(),
            "the login history has no total"
        );
        ids.extend(page.iter().map(|event| event["id"].as_u64().unwrap()));
        found.extend(page.iter().filter(|e| e["userId"] == json!(quiet)).cloned());
        if page.len() < 100 {
            break;
        }
    }
    assert_eq!(
        (found.len(), ids.len()),
        (1, 5_001),
        "a walk without a filter finds it"
    );
    let text = found[0].to_string();
    assert!(
        PERSONAL_MARKERS.iter().all(|marker| text.contains(marker)),
        "{text}"
    );
}

#[tokio::test]
async fn action_zero_is_no_filter_and_newest_come_first() {
    let tenant = tenant(Population::of(20, 100));
    let (_, body) = read(&tenant, "security/audit/login/filter?action=0").await;
    let events = body["response"].as_array().unwrap();
    let actions: BTreeSet<u64> = events
        .iter()
        .map(|e| e["actionId"].as_u64().unwrap())
        .collect();
    assert!(actions.contains(&1006), "logouts come back");
    assert!(
        actions.contains(&1002) || actions.contains(&1005),
        "failed logins come back"
    );
    let dates: Vec<_> = events.iter().map(|e| e["date"].as_str().unwrap()).collect();
    assert!(dates.is_sorted_by(|a, b| a >= b));
}

#[tokio::test]
async fn without_the_tariff_both_histories_ignore_every_parameter() {
    let tenant = tenant(Population {
        audit_events: 300,
        ..Population::of(50, 300)
    });
    let control = tenant.control();
    control.set_settings(Settings {
        audit_tariff: false,
        ..control.settings()
    });
    for kind in ["login", "events"] {
        let nobody = Uuid::new_v4();
        let path = format!("security/audit/{kind}/filter?count=1&startIndex=50&userId={nobody}");
        let (status, body) = read(&tenant, &path).await;
        assert_eq!(
            (status, body["response"].as_array().unwrap().len()),
            (200, 20),
            "{kind}"
        );
    }
}

#[tokio::test]
async fn the_audit_trail_filters_before_it_pages() {
    let tenant = tenant(Population {
        audit_events: 5_000,
        ..Population::of(50, 0)
    });
    let quiet = add(&tenant, "Quiet Writer", |_| ());
    tenant
        .control()
        .add_audit(quiet, Utc::now() - TimeDelta::days(100), 5002);
    let path = format!("security/audit/events/filter?userId={quiet}&count=100");
    let (_, body) = read(&tenant, &path).await;
    assert_eq!(body["response"].as_array().unwrap().len(), 1);
    assert_eq!(body["response"][0]["actionId"], 5002);
}

#[tokio::test]
async fn events_past_the_retention_are_purged_as_the_sandboxs_time_goes_on() {
    let tenant = tenant(Population::of(20, 2_000));
    let control = tenant.control();
    let (_, body) = read(&tenant, "security/audit/settings/lifetime").await;
    assert_eq!(body["response"]["loginHistoryLifeTime"], 180);
    assert!(body.get("total").is_none());
    let last = "security/audit/login/filter?count=100&startIndex=1900";
    assert_eq!(
        read(&tenant, last).await.1["response"]
            .as_array()
            .unwrap()
            .len(),
        100
    );
    control.advance(100 * 86_400);
    assert_eq!(
        read(&tenant, last).await.1["response"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
    let response = get(&tenant, "people/@self").await.unwrap();
    let date = response.headers()["date"].to_str().unwrap().to_owned();
    let date = chrono::DateTime::parse_from_rfc2822(&date).unwrap();
    assert!(
        (date.to_utc() - Utc::now() - TimeDelta::days(100))
            .num_seconds()
            .abs()
            < 60
    );
    control.advance(-100 * 86_400);
    control.set_date_skew(-600);
    let response = get(&tenant, "people/@self").await.unwrap();
    let date = response.headers()["date"].to_str().unwrap().to_owned();
    let date = chrono::DateTime::parse_from_rfc2822(&date).unwrap();
    assert!(
        (date.to_utc() - Utc::now() + TimeDelta::seconds(600))
            .num_seconds()
            .abs()
            < 60
    );
}

#[tokio::test]
async fn dates_with_six_digits_are_refused_and_zoneless_ones_break() {
    let tenant = tenant(Population::of(20, 50));
    let path = |from: &str| format!("security/audit/login/filter?from={from}");
    assert_eq!(read(&tenant, &path("2026-01-02T09:00:00Z")).await.0, 200);
    assert_eq!(
        read(&tenant, &path("2026-01-02T09:00:00.107Z")).await.0,
        200
    );
    let (status, body) = read(&tenant, &path("2026-01-02T09:00:00.107439%2B00:00")).await;
    assert_eq!(status, 400);
    assert!(body["response"]["errors"]["from"].is_array(), "{body}");
    assert_eq!(read(&tenant, &path("2026-01-02T09:00:00")).await.0, 500);
}
