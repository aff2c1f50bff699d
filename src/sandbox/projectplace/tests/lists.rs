//! The four lists and their traps.

use std::{collections::BTreeMap, time::Instant};

use serde_json::{Value, json};

use super::{Account, ids};
use crate::sandbox::{
    docspace::{DocSpace, DocSpaceOptions},
    population::Population,
    projectplace::{
        FIRST_USER, IdForm, MAX_CO_OWNERS, Mistake, Never, ROBOT, Role, Standing, User, user_id,
    },
};

/// The roles that the vendor's example asks for.
fn example_roles() -> Value {
    json!([
        "account_co_owner",
        "account_administrator",
        "account_member",
        "account_pending_member",
        "external_member",
        "unregistered"
    ])
}

#[test]
fn the_search_answers_a_bare_list_with_ids_as_text_and_logins_in_milliseconds() {
    let mut account = Account::small();
    let at = account.days_ago(3);
    account.service.set_last_login(1003, at);
    let rows = account.search(json!({ "limit": 40, "row_number": 0 }));
    assert_eq!(ids(&rows), ["1001", "1002", "1003", "1004", "1005", "1006"]);
    let identity = Population::default().identity(2);
    assert_eq!(
        rows[2],
        json!({
            "userid": "1003",
            "name": format!("{} {}", identity.first_name, identity.last_name),
            "account_role": "account_role_member",
            "last_login": at.unwrap().timestamp_millis(),
        })
    );
}

#[test]
fn who_never_logged_in_looks_one_of_three_ways() {
    let mut account = Account::small();
    let mut first = |never: Never| {
        account.set(|settings| settings.never = never);
        account.search(json!({}))[0].get("last_login").cloned()
    };
    assert_eq!(first(Never::Zero), Some(json!(0)));
    assert_eq!(first(Never::Null), Some(Value::Null));
    assert_eq!(first(Never::Absent), None);
}

#[test]
fn the_two_vocabularies_of_roles_differ_and_the_owner_is_never_found_by_role() {
    let mut account = Account::small();
    for (name, role) in [
        ("Admin", Role::Admin),
        ("Pending", Role::Pending),
        ("External", Role::External),
        ("Unregistered", Role::Unregistered),
    ] {
        account.add(name, role);
    }
    let mut role_of = |asked: &str| {
        let body = json!({ "filter": { "account_roles": [asked] } });
        let rows = account.search(body);
        rows[0]["account_role"].as_str().unwrap().to_owned()
    };
    assert_eq!(role_of("account_co_owner"), "account_role_co_owner");
    assert_eq!(role_of("account_administrator"), "account_role_admin");
    assert_eq!(role_of("account_member"), "account_role_member");
    assert_eq!(role_of("external_member"), "account_role_external");
    assert_eq!(
        role_of("account_pending_member"),
        "account_role_pending_member"
    );
    assert_eq!(role_of("unregistered"), "account_role_unregistered");

    let rows = account.search(json!({ "filter": { "account_roles": example_roles() } }));
    assert_eq!(rows.len(), 9);
    assert!(
        rows.iter()
            .all(|row| row["account_role"] != "account_role_owner")
    );
    let owner = json!({ "filter": { "account_roles": ["account_owner"] } });
    assert_eq!(account.ask("POST", "/1/account/people", &owner).0, 400);
    account.set(|settings| settings.owner_can_be_searched = true);
    assert_eq!(ids(&account.search(owner)), ["1001"]);
    let response_word = json!({ "filter": { "account_roles": ["account_role_member"] } });
    assert_eq!(
        account.ask("POST", "/1/account/people", &response_word).0,
        400
    );
}

#[test]
fn pages_follow_the_row_number_and_nothing_tells_which_is_the_last() {
    let mut account = Account::of(Population::of(250, 0));
    let page = |row: usize, limit: usize| json!({ "limit": limit, "row_number": row });
    assert_eq!(account.search(json!({})).len(), 40);
    assert_eq!(account.search(page(0, 80)).len(), 80);
    assert_eq!(account.search(page(240, 80)).len(), 10);
    assert_eq!(account.search(page(250, 80)).len(), 0);
    assert_eq!(ids(&account.search(page(80, 1))), ["1081"]);
    assert_eq!(
        account.search(page(0, 200)).len(),
        100,
        "lowered without a word"
    );
    account.set(|settings| settings.max_limit = None);
    assert_eq!(account.search(page(0, 1_000)).len(), 250);
    for bad in [
        json!({ "limit": -1 }),
        json!({ "row_number": "x" }),
        json!([]),
    ] {
        assert_eq!(
            account.ask("POST", "/1/account/people", &bad).0,
            400,
            "{bad}"
        );
    }
}

#[test]
fn rows_move_up_when_somebody_is_deleted_between_two_pages() {
    let mut account = Account::of(Population::of(20, 0));
    let first = account.search(json!({ "limit": 10, "row_number": 0 }));
    let gone: u64 = ids(&first)[2].parse().unwrap();
    account.delete(gone, json!({}));
    let second = account.search(json!({ "limit": 10, "row_number": 10 }));
    assert_eq!(ids(&second)[0], "1012", "1011 is on neither page");
}

#[test]
fn the_order_by_last_login_begins_with_who_never_logged_in() {
    let mut account = Account::small();
    for (id, days) in [(1002, 5), (1003, 9), (1004, 1)] {
        let at = account.days_ago(days);
        account.service.set_last_login(id, at);
    }
    let up = account.search(json!({ "sort_by": "+last_login" }));
    assert_eq!(ids(&up), ["1001", "1005", "1006", "1003", "1002", "1004"]);
    let down = account.search(json!({ "sort_by": "-last_login", "limit": 2 }));
    assert_eq!(ids(&down), ["1004", "1002"]);
    let body = json!({ "sort_by": "+shoe_size" });
    assert_eq!(account.ask("POST", "/1/account/people", &body).0, 400);
}

#[test]
fn a_range_of_days_hides_its_ends_and_everybody_who_never_logged_in() {
    let mut account = Account::small();
    for (id, at) in [
        (1002, "2026-05-01T12:00:00Z"),
        (1003, "2026-05-02T12:00:00Z"),
        (1004, "2026-05-03T12:00:00Z"),
        (1005, "2026-05-02T23:30:00Z"),
    ] {
        account
            .service
            .set_last_login(id, Some(at.parse().unwrap()));
    }
    let range = |from: &str, to: &str| json!({ "filter": { "last_logged_in": { "from": from, "to": to } } });
    let asked = range("2026-05-01", "2026-05-03");
    assert_eq!(ids(&account.search(asked.clone())), ["1003"]);
    account.set(|settings| settings.range_has_first_day = true);
    assert_eq!(ids(&account.search(asked.clone())), ["1002", "1003"]);
    account.set(|settings| settings.zone_minutes = 0);
    assert_eq!(
        ids(&account.search(asked.clone())),
        ["1002", "1003", "1005"]
    );
    account.set(|settings| settings.range_has_last_day = true);
    assert_eq!(
        ids(&account.search(asked)),
        ["1002", "1003", "1004", "1005"]
    );
    for bad in [
        range("2026-05-01T00:00:00Z", "2026-05-03"),
        range("2026-5-1", "2026-05-03"),
        json!({ "filter": { "last_logged_in": { "from": "2026-05-01" } } }),
    ] {
        assert_eq!(
            account.ask("POST", "/1/account/people", &bad).0,
            400,
            "{bad}"
        );
    }
}

#[test]
fn the_plain_list_has_another_id_and_leaves_out_who_is_outside() {
    let mut account = Account::small();
    let external = account.add("External", Role::External);
    let rows = account.get("/1/account/people");
    assert_eq!(rows.as_array().unwrap().len(), 6);
    let mail = Population::default().identity(0).mail;
    assert_eq!(
        rows[0],
        json!({ "id": 1001, "email": mail, "account_role": "account_role_owner" })
    );
    account.set(|settings| {
        settings.ids = IdForm::String;
        settings.list_has_externals = true;
        settings.list_has_name = true;
    });
    let rows = account.get("/1/account/people");
    assert_eq!(rows[6]["id"], external.to_string());
    assert_eq!(rows[6]["name"], "External");
}

#[test]
fn members_and_externals_stand_apart() {
    let mut account = Account::small();
    let external = account.add("External", Role::External);
    account.add("Pending", Role::Pending);
    account.add("Unregistered", Role::Unregistered);
    let members = account.get("/1/account/members");
    assert_eq!(members["members"].as_array().unwrap().len(), 7);
    assert!(members.get("external").is_none());
    let all = account.get("/1/account/members?include_external_users=1");
    assert_eq!(
        all["external"][0],
        json!({ "id": external, "name": "External", "email": "external@example.test" })
    );
    assert_eq!(all["external"].as_array().unwrap().len(), 2);
    let all = account.get("/1/account/members?include_external_users=1&flag=registered");
    assert_eq!(all["members"].as_array().unwrap().len(), 6);
    assert_eq!(all["external"].as_array().unwrap().len(), 1);
}

#[test]
fn the_account_names_its_managers() {
    let mut account = Account::small();
    let admin = account.add("Admin", Role::Admin);
    let body = account.get("/1/account");
    let managers = json!([{ "id": 1001 }, { "id": 1002 }, { "id": admin }]);
    assert_eq!(body["managers"], managers);
}

#[test]
fn robots_are_hidden_until_a_setting_makes_them_look_like_members() {
    let mut account = Account::small();
    let is_there = |rows: &[Value]| ids(rows).contains(&ROBOT.to_string().as_str());
    assert!(!is_there(&account.search(json!({}))));
    account.set(|settings| settings.robots_hidden = false);
    let rows = account.search(json!({ "filter": { "account_roles": ["account_member"] } }));
    assert!(is_there(&rows));
    assert_eq!(rows[0]["account_role"], "account_role_member");
    assert_eq!(account.get("/1/account/people")[0]["id"], ROBOT);
}

#[test]
fn there_are_one_owner_and_five_co_owners_at_most() {
    let mut account = Account::small();
    for number in 1..MAX_CO_OWNERS {
        account.add(&format!("Co{number}"), Role::CoOwner);
    }
    let sixth = User::new(5_000, "Sixth", "sixth@example.test", Role::CoOwner);
    assert_eq!(
        account.service.add_user(sixth),
        Err(Mistake::TooManyCoOwners)
    );
    let other = User::new(5_000, "Other", "other@example.test", Role::Owner);
    assert_eq!(account.service.add_user(other), Err(Mistake::SecondOwner));
    let gone = |user: &mut User| user.standing = Standing::Removed;
    account.service.change_user(1002, gone).unwrap();
    account.add("Fifth", Role::CoOwner);
}

#[test]
fn a_population_of_any_size_is_quick_to_make_and_to_walk() {
    for accounts in [0, 1, 1_000, 20_000] {
        let started = Instant::now();
        let mut account = Account::of(Population::mixed(accounts, accounts * 5));
        let mut seen = std::collections::BTreeSet::new();
        for row in (0..).step_by(100) {
            let body = json!({ "sort_by": "+last_login", "limit": 100, "row_number": row });
            let rows = account.search(body);
            seen.extend(ids(&rows).iter().map(|id| (*id).to_owned()));
            if rows.len() < 100 {
                break;
            }
        }
        assert_eq!(seen.len(), accounts);
        assert!(started.elapsed().as_secs() < 20, "{accounts}");
    }
}

#[test]
fn a_population_has_every_role_and_its_idle_people_never_logged_in() {
    let population = Population::mixed(1_000, 20_000);
    let account = Account::of(population.clone());
    let service = &account.service;
    for role in [
        Role::Owner,
        Role::CoOwner,
        Role::Admin,
        Role::Member,
        Role::Pending,
        Role::External,
        Role::Unregistered,
        Role::Robot,
    ] {
        assert!(service.users().any(|user| user.role == role), "{role:?}");
    }
    let mut newest = None;
    for number in 0..1_000 {
        let user = service.user(user_id(number)).unwrap();
        assert_eq!(user.email, population.identity(number).mail);
        let silent = population.is_idle(number) || user.role == Role::Unregistered;
        assert_eq!(silent, user.last_login.is_none(), "{number}");
        newest = newest.max(user.last_login);
    }
    assert!(newest > account.days_ago(1) && newest <= Some(account.now));
    assert!(service.artifacts().count() > 100);
    assert!(
        service
            .artifacts()
            .all(|a| service.user(a.head).unwrap().role.can_head())
    );
    assert_eq!(user_id(0), FIRST_USER);
}

#[test]
fn the_same_people_logged_in_at_the_same_time_as_in_docspace() {
    let population = Population::mixed(200, 2_000);
    let account = Account::of(population.clone());
    let other = DocSpace::start(DocSpaceOptions {
        population: population.clone(),
        now: Some(account.now),
        ..DocSpaceOptions::default()
    })
    .unwrap();
    let newest: BTreeMap<_, _> = other
        .control()
        .logins()
        .into_iter()
        .filter(|event| [1000, 1015, 1029].contains(&event.action))
        .map(|event| (event.user, event.at))
        .collect();
    assert!(newest.len() > 150);
    for number in 0..200 {
        let user = account.service.user(user_id(number)).unwrap();
        let theirs = newest.get(&population.identity(number).account_id);
        if user.role != Role::Unregistered {
            assert_eq!(user.last_login.as_ref(), theirs, "{number}");
        }
    }
}
