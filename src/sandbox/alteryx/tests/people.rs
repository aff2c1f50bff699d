use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{AlteryxHandle, Settings, add, get, now, set, tenant, with};
use crate::sandbox::{
    alteryx::{
        ForeignAdmin, Gone, Never, OverLimit, Person, Schema, Shown, SuspendShown, person_id,
    },
    docspace::{DocSpace, DocSpaceOptions},
    population::{Part, Population},
};

fn ids(rows: &[Value]) -> Vec<u64> {
    rows.iter().map(|row| row["id"].as_u64().unwrap()).collect()
}

async fn row(tenant: &AlteryxHandle, id: u64, query: &str) -> Value {
    let reply = get(tenant, &format!("/v4/people/{id}{query}")).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json()
}

#[tokio::test]
async fn without_paging_only_the_first_25_come_and_nothing_says_so() {
    let tenant = tenant(30);
    let body = get(&tenant, "/v4/people").await.json();
    assert_eq!(body["data"].as_array().unwrap().len(), 25);
    assert_eq!(
        body.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["data"]
    );
    let reply = get(&tenant, "/v4/people?offset=25&includeCount=true").await;
    assert_eq!(
        (reply.data().len(), &reply.json()["count"]),
        (5, &json!(30))
    );
    let reply = get(&tenant, "/v4/people?offset=30").await;
    assert_eq!((reply.status, reply.data().len()), (200, 0));
}

#[tokio::test]
async fn a_limit_above_the_greatest_is_clamped_in_silence_or_refused() {
    let tenant = tenant(250);
    assert_eq!(get(&tenant, "/v4/people?limit=200").await.data().len(), 100);
    assert_eq!(
        get(&tenant, "/v4/people?noLimit=true").await.data().len(),
        25
    );
    set(&tenant, |s| s.over_limit = OverLimit::Refuse);
    let reply = get(&tenant, "/v4/people?limit=101").await;
    assert_eq!(
        (reply.status, reply.exception().as_str()),
        (400, "ApiValidationFailed")
    );
    set(&tenant, |s| (s.max_limit, s.no_limit) = (None, true));
    assert_eq!(get(&tenant, "/v4/people?limit=200").await.data().len(), 200);
    assert_eq!(
        get(&tenant, "/v4/people?noLimit=true").await.data().len(),
        250
    );
    for wrong in ["limit=0", "limit=x", "offset=-1"] {
        assert_eq!(
            get(&tenant, &format!("/v4/people?{wrong}")).await.status,
            400,
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn a_sorted_walk_sees_everybody_and_an_unsorted_one_is_moved_by_changes() {
    let tenant = tenant(60);
    let mut seen = Vec::new();
    for offset in [0, 20, 40, 60] {
        let path = format!("/v4/people?limit=20&offset={offset}&sort=id");
        seen.extend(ids(&get(&tenant, &path).await.data()));
    }
    assert_eq!(seen, (0..60).map(person_id).collect::<Vec<_>>());
    let back = ids(&get(&tenant, "/v4/people?limit=2&sort=-id").await.data());
    assert_eq!(back, [person_id(59), person_id(58)]);
    let reply = get(&tenant, "/v4/people?sort=shoeSize").await;
    assert_eq!(
        (reply.status, reply.exception().as_str()),
        (400, "ValidationFailed")
    );

    let first = ids(&get(&tenant, "/v4/people?limit=30").await.data());
    tenant
        .control()
        .with(|s| s.change(first[0], |p| p.last_login = Some(now())));
    let rest = ids(&get(&tenant, "/v4/people?limit=30&offset=30").await.data());
    let all: BTreeSet<u64> = first.iter().chain(&rest).copied().collect();
    assert_eq!(all.len(), 59, "somebody was skipped, somebody came twice");
}

#[tokio::test]
async fn the_current_schema_has_no_name_and_no_date_of_creation() {
    let tenant = tenant(3);
    let body = row(&tenant, person_id(2), "").await;
    let fields: BTreeSet<&str> = body
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let expected = [
        "email",
        "id",
        "isAdmin",
        "isDisabled",
        "lastLoginTime",
        "lastStateChange",
        "maximalCapabilities",
        "maximalPrivileges",
        "outputHomeDir",
        "state",
        "uploadDir",
        "validateExportCompliance",
    ];
    assert_eq!(fields, BTreeSet::from(expected));
    set(&tenant, |s| s.schema = Schema::Older);
    let body = row(&tenant, person_id(2), "").await;
    assert!(body["createdAt"].as_str().unwrap().ends_with(".000Z") && body["name"].is_string());
    set(&tenant, |s| s.text_ids = true);
    assert_eq!(
        row(&tenant, person_id(2), "").await["id"],
        json!(person_id(2).to_string())
    );
    let body = row(&tenant, person_id(2), "?fields=email;state").await;
    assert_eq!(body.as_object().unwrap().len(), 3, "{body}");
}

#[tokio::test]
async fn a_last_login_is_a_date_null_absent_or_not_permitted() {
    let tenant = tenant(3);
    let id = person_id(2);
    assert_eq!(row(&tenant, id, "").await["lastLoginTime"], Value::Null);
    set(&tenant, |s| s.never = Never::Absent);
    assert_eq!(row(&tenant, id, "").await.get("lastLoginTime"), None);
    tenant
        .control()
        .with(|s| s.change(id, |p| p.last_login = Some(now())));
    assert_eq!(
        row(&tenant, id, "").await["lastLoginTime"],
        "2026-03-02T09:00:00.000Z"
    );

    set(&tenant, |s| {
        s.hidden_fields = ["lastLoginTime".to_owned()].into()
    });
    assert_eq!(
        row(&tenant, id, "").await.get("lastLoginTime"),
        None,
        "hidden though it is there"
    );
    set(&tenant, |s| {
        s.hidden_fields.clear();
        s.schema = Schema::NotPermitted;
    });
    assert_eq!(row(&tenant, id, "").await.as_object().unwrap().len(), 3);
}

#[tokio::test]
async fn who_does_not_administer_sees_names_and_changes_nothing() {
    let tenant = tenant(4);
    tenant.control().with(|s| s.set_caller(person_id(2)));
    let rows = get(&tenant, "/v4/people").await.data();
    assert_eq!(rows.len(), 4);
    let bare = |row: &Value| row.as_object().unwrap().keys().eq(["email", "id", "name"]);
    assert!(rows.iter().all(bare), "{rows:?}");
    let path = format!("/v4/workspaces/31429/people/{}", person_id(3));
    let reply = super::ask(&tenant, "DELETE", &path, None).await;
    assert_eq!(
        (reply.status, reply.exception().as_str()),
        (403, "AccessControlException")
    );
    assert_eq!(
        get(&tenant, "/v4/workspaces/31429/admins").await.status,
        403
    );
}

#[tokio::test]
async fn only_the_callers_own_row_tells_who_administers() {
    let tenant = tenant(5);
    let own = get(&tenant, "/v4/people/current").await.json();
    assert_eq!(
        (&own["id"], &own["isAdmin"]),
        (&json!(person_id(1)), &json!(true))
    );
    assert_eq!(
        row(&tenant, person_id(0), "").await["isAdmin"],
        json!(false),
        "but is the owner"
    );
    set(&tenant, |s| s.foreign_admin = ForeignAdmin::Absent);
    assert_eq!(row(&tenant, person_id(0), "").await.get("isAdmin"), None);
    let reply = get(&tenant, "/v4/people?role=admin").await;
    assert_eq!(reply.data().len(), 5, "role is ignored");

    let reply = get(&tenant, "/v4/workspaces/31429/admins").await;
    assert_eq!(ids(&reply.data()), [person_id(0), person_id(1)]);
    assert!(reply.json()["count"] == 2 && reply.data()[0]["createdAt"].is_string());
    let path = format!("/v4/workspaces/{}/admins", tenant.credentials().gid);
    let reply = get(&tenant, &path).await;
    assert_eq!(
        (reply.status, reply.exception().as_str()),
        (404, "DataNotFoundException")
    );

    tenant
        .control()
        .with(|s| s.set_suspended(person_id(0), true, now()));
    let reply = get(&tenant, "/v4/workspaces/31429/admins").await;
    assert_eq!(
        ids(&reply.data()),
        [person_id(1)],
        "a suspended one is left out"
    );
    let reply = get(
        &tenant,
        "/v4/workspaces/31429/admins?includeStatus=suspended",
    )
    .await;
    assert_eq!(reply.data().len(), 2);
}

#[tokio::test]
async fn invitations_and_suspensions_show_where_the_settings_say() {
    let tenant = tenant(3);
    let mut guest = Person::new("", "new@example.test", now());
    guest.invited = true;
    let new = tenant.control().with(|s| s.add_person(guest));
    assert_eq!(row(&tenant, new, "").await["state"], "active");
    assert_eq!(
        row(&tenant, new, "?includeStatus=true").await["status"],
        "Invited"
    );
    set(&tenant, |s| s.invited = Shown::State);
    assert_eq!(row(&tenant, new, "").await["state"], "Invited");

    let id = person_id(2);
    tenant.control().with(|s| s.set_suspended(id, true, now()));
    for (shown, disabled, state) in [
        (SuspendShown::IsDisabled, true, "active"),
        (SuspendShown::State, false, "hidden"),
        (SuspendShown::Both, true, "hidden"),
    ] {
        set(&tenant, |s| s.suspended = shown);
        let body = row(&tenant, id, "").await;
        assert_eq!(
            (&body["isDisabled"], &body["state"]),
            (&json!(disabled), &json!(state))
        );
        assert_eq!(body["lastStateChange"], "2026-03-02T09:00:00.000Z");
    }
    let rows = get(&tenant, "/v4/people?isDisabled=true").await.data();
    assert_eq!(ids(&rows), [id]);
}

#[tokio::test]
async fn filters_find_by_address_id_and_part_of_a_name() {
    let tenant = tenant(10);
    let id = add(&tenant, "quiet");
    for query in [
        "email=quiet@example.test",
        "filter=QUI&filterFields=name,email&filterType=contains",
        "filter=Quiet@example.test&filterType=exactIgnoreCase",
        &format!("peopleIds={id}"),
    ] {
        let rows = get(&tenant, &format!("/v4/people?{query}")).await.data();
        assert_eq!(ids(&rows), [id], "{query}");
    }
    let rows = get(&tenant, "/v4/people?email=QUIET@example.test")
        .await
        .data();
    assert!(rows.is_empty());
    tenant.control().with(|s| s.remove_person(id, now()));
    assert_eq!(get(&tenant, "/v4/people").await.data().len(), 10);
    let rows = get(&tenant, "/v4/people?includeDeleted=true").await.data();
    assert_eq!(rows.len(), 11);
}

#[tokio::test]
async fn one_person_is_there_not_there_or_gone() {
    let tenant = tenant(3);
    assert_eq!(
        get(&tenant, "/v4/people/somebody").await.exception(),
        "ApiValidationFailed"
    );
    let reply = get(&tenant, "/v4/people/9").await;
    assert_eq!(
        (reply.status, reply.exception().as_str()),
        (404, "DataNotFoundException")
    );
    tenant
        .control()
        .with(|s| s.remove_person(person_id(2), now()));
    let path = format!("/v4/people/{}", person_id(2));
    assert_eq!(
        get(&tenant, &path).await.exception(),
        "DataNotFoundException"
    );
    set(&tenant, |s| s.gone = Gone::Gone);
    assert_eq!(get(&tenant, &path).await.status, 410);
    assert_eq!(
        get(&tenant, "/v4/people/9").await.status,
        404,
        "never was there"
    );
}

#[test]
fn whoever_is_silent_in_one_tenant_is_silent_in_the_other() {
    let population = Population::mixed(300, 900);
    let other = DocSpace::start(DocSpaceOptions {
        population: population.clone(),
        now: Some(now()),
        ..DocSpaceOptions::default()
    })
    .unwrap();
    // 1000 and above are logins, but for two failures and the logout.
    let logins = other.control().logins().into_iter();
    let logins = logins.filter(|event| ![1002, 1005, 1006].contains(&event.action));
    let last: BTreeMap<_, _> = logins.map(|event| (event.user, event.at)).collect();
    let tenant = with(population.clone(), Settings::default());
    for number in 0..300 {
        let there = last.get(&population.identity(number).account_id);
        let here = super::person(&tenant, person_id(number)).last_login;
        // Each tenant reads its own clock at the start.
        let near = |a: &DateTime<Utc>, b: DateTime<Utc>| (*a - b).num_seconds().abs() < 5;
        match (there, here) {
            (Some(there), Some(here)) => assert!(near(there, here), "{number}"),
            (there, here) => assert_eq!(there, here.as_ref(), "{number}"),
        }
    }
    assert!(!last.is_empty());
}

#[tokio::test]
async fn a_generated_population_of_any_size_can_be_walked() {
    for accounts in [0, 1] {
        let tenant = with(Population::of(accounts, 10), Settings::default());
        let reply = get(&tenant, "/v4/people").await;
        assert_eq!(reply.status, if accounts == 0 { 401 } else { 200 });
    }
    let population = Population::mixed(20_000, 60_000);
    let tenant = with(population.clone(), Settings::default());
    set(&tenant, |s| s.max_limit = None);
    let mut seen = BTreeSet::new();
    let mut silent = BTreeSet::new();
    for offset in (0..20_000).step_by(1_000) {
        let path = format!("/v4/people?limit=1000&sort=id&offset={offset}");
        for row in get(&tenant, &path).await.data() {
            let id = row["id"].as_u64().unwrap();
            seen.insert(id);
            if row["lastLoginTime"].is_null() {
                silent.insert(id);
            }
        }
    }
    assert_eq!(seen.len(), 20_000);
    let idle = (0..20_000)
        .filter(|n| population.is_idle(*n))
        .map(person_id);
    assert!(idle.clone().all(|id| silent.contains(&id)));
    assert!(silent.len() < 4_000, "{} are silent", silent.len());
    let invited = (0..20_000)
        .find(|n| population.part(*n) == Part::Pending)
        .unwrap();
    assert!(super::person(&tenant, person_id(invited)).invited);
}
