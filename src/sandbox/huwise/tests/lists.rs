//! Pages, totals, links, filters, groups.

use serde_json::{Value, json};

use super::{ADMIN, Domain, column, group};
use crate::sandbox::{
    huwise::{ADMINS, NoPermissions, Several, Total, UnknownPermission},
    population::Population,
};

#[test]
fn the_default_page_is_twenty_and_the_greatest_a_thousand() {
    let mut domain = Domain::of(&Population::of(1_050, 0));
    assert_eq!(column(&domain.get("/users/"), "username").len(), 20);
    let list = domain.get("/users/?limit=2000&sort=username");
    assert_eq!(column(&list, "username").len(), 1_000);
    let next = list["next"].as_str().unwrap();
    assert!(
        next.ends_with("?sort=username&limit=1000&offset=1000"),
        "{next}"
    );
    let rest = domain.get("/users/?limit=1000&offset=1000&sort=username");
    assert_eq!(
        (rest["next"].clone(), column(&rest, "username").len()),
        (Value::Null, 50)
    );
    assert!(rest["previous"].as_str().unwrap().contains("offset=0"));
    let none = domain.get("/users/?limit=0");
    assert_eq!(
        (none["total_count"].clone(), none["results"].clone()),
        (json!("1050"), json!([]))
    );
    for bad in ["limit=-1", "limit=all", "offset=-5"] {
        let (status, body) = domain.ask("GET", &format!("/users/?{bad}"), &Value::Null);
        assert_eq!(
            (status, &body["error_code"]),
            (400, &json!("validation_error")),
            "{bad}"
        );
    }
    domain.set(|s| s.page_cap = Some(30));
    assert_eq!(
        column(&domain.get("/users/?limit=1000"), "username").len(),
        30
    );
    domain.set(|s| s.refuse_over_limit = true);
    assert_eq!(domain.status("GET", "/users/?limit=1001"), 400);
}

#[test]
fn every_page_together_holds_everybody_once() {
    let population = Population::mixed(3_000, 500);
    let mut domain = Domain::of(&population);
    let mut seen = Vec::new();
    while seen.len() < 3_000 {
        let page = domain.get(&format!(
            "/users/?limit=1000&offset={}&sort=username",
            seen.len()
        ));
        seen.extend(column(&page, "username"));
        assert_eq!(page["next"].is_null(), seen.len() == 3_000);
    }
    let mut sorted: Vec<&str> = seen.iter().map(|name| name.as_str().unwrap()).collect();
    assert!(sorted.is_sorted());
    sorted.dedup();
    assert_eq!(sorted.len(), 3_000);
}

#[test]
fn totals_and_links_can_be_what_a_client_must_not_trust() {
    let mut domain = Domain::small();
    let mut total = |form, shift| {
        domain.set(|s| (s.total, s.total_shift) = (form, shift));
        domain.get("/users/?limit=2")["total_count"].clone()
    };
    assert_eq!(total(Total::Number, 0), json!(6));
    assert_eq!(total(Total::Text, 3), json!("9"));
    assert_eq!(total(Total::Null, 0), Value::Null);
    let next = |domain: &mut Domain| domain.get("/users/?limit=2")["next"].clone();
    assert!(
        next(&mut domain)
            .as_str()
            .unwrap()
            .starts_with("http://127.0.0.1:1/api/")
    );
    domain.set(|s| s.next_origin = Some("https://elsewhere.invalid".to_owned()));
    assert!(
        next(&mut domain)
            .as_str()
            .unwrap()
            .starts_with("https://elsewhere.invalid/api/")
    );
    domain.set(|s| s.no_next = true);
    assert_eq!(next(&mut domain), Value::Null);
}

#[test]
fn inherited_permissions_are_found_by_all_permissions_alone() {
    let mut domain = Domain::small();
    domain.add("inheriting");
    domain.service.join(ADMINS, "inheriting");
    let direct = column(&domain.get("/users/?permissions=edit_domain"), "username");
    assert_eq!(
        direct,
        domain.names()[..2]
            .iter()
            .map(|n| json!(n))
            .collect::<Vec<_>>()
    );
    let all = column(
        &domain.get("/users/?all_permissions=edit_domain"),
        "username",
    );
    assert_eq!(all.len(), 3);
    assert!(all.contains(&json!("inheriting")));
    let row = domain.get("/users/inheriting/");
    assert_eq!(row["permissions"], json!([]), "the row says nothing of it");
    assert_eq!(row["groups"], json!([{ "uid": ADMINS }]));
    let row = domain.get("/users/inheriting/?expand=groups");
    assert_eq!(row["groups"][0]["permissions"], json!([ADMIN]));
    domain.set(|s| s.permission_filters = false);
    assert_eq!(
        column(
            &domain.get("/users/?all_permissions=edit_domain"),
            "username"
        )
        .len(),
        7
    );
}

#[test]
fn several_permissions_mean_all_of_them_unless_set_otherwise() {
    let mut domain = Domain::small();
    let writer = domain.user("writer").with("edit_page");
    domain.service.add_user(writer);
    let filter = "/users/?all_permissions[]=edit_domain&all_permissions[]=edit_page";
    assert_eq!(column(&domain.get(filter), "username").len(), 0);
    domain.set(|s| s.several = Several::Any);
    assert_eq!(column(&domain.get(filter), "username").len(), 4);
    assert_eq!(
        column(&domain.get("/users/"), "username").len(),
        7,
        "no filter, everybody"
    );
    let unknown = "/users/?all_permissions=manage_users";
    assert_eq!(column(&domain.get(unknown), "username").len(), 0);
    domain.set(|s| s.unknown_permission = UnknownPermission::Ignore);
    assert_eq!(column(&domain.get(unknown), "username").len(), 7);
    domain.set(|s| s.unknown_permission = UnknownPermission::Refuse);
    assert_eq!(domain.status("GET", unknown), 400);
}

#[test]
fn searches_and_sorts() {
    let mut domain = Domain::of(&Population::of(40, 200));
    let mail = domain.service.users().nth(3).unwrap().email.to_uppercase();
    assert_eq!(
        column(&domain.get(&format!("/users/?search={mail}")), "email").len(),
        1
    );
    let seen = column(
        &domain.get("/users/?sort=-last_seen_at&limit=40"),
        "last_seen_at",
    );
    let first_null = seen.iter().position(Value::is_null).unwrap();
    assert!(seen[first_null..].iter().all(Value::is_null));
    assert_eq!(domain.status("GET", "/users/?sort=email"), 400);
}

#[test]
fn permissions_can_be_null() {
    let mut domain = Domain::small();
    domain.add("plain");
    let permissions = |domain: &mut Domain, name: &str| {
        domain.get(&format!("/users/{name}/"))["permissions"].clone()
    };
    let admin = domain.names()[0].clone();
    assert_eq!(permissions(&mut domain, "plain"), json!([]));
    domain.set(|s| s.no_permissions = NoPermissions::Null);
    assert_eq!(permissions(&mut domain, "plain"), Value::Null);
    assert_eq!(permissions(&mut domain, &admin), json!([ADMIN]));
    domain.set(|s| s.no_permissions = NoPermissions::NullForAll);
    assert_eq!(permissions(&mut domain, &admin), Value::Null);
}

#[test]
fn groups_are_listed_and_left() {
    let mut domain = Domain::small();
    domain.service.add_group(group("écran", "edit_theme"));
    domain.add("member");
    domain.service.join("écran", "member");
    let list = domain.get("/groups/?limit=10");
    assert_eq!(list["total_count"], "4");
    let path = "/groups/%C3%A9cran";
    let one = domain.get(&format!("{path}/"));
    assert_eq!(
        (&one["user_count"], &one["permissions"]),
        (&json!(1), &json!(["edit_theme"]))
    );
    let members = domain.get(&format!("{path}/users/"));
    assert_eq!(column(&members, "username"), [json!("member")]);
    let membership = format!("{path}/users/member/");
    assert_eq!(
        domain.ask("DELETE", &membership, &Value::Null),
        (204, json!(""))
    );
    assert_eq!(domain.status("DELETE", &membership), 404);
    assert_eq!(domain.status("GET", "/groups/none/users/"), 404);
    assert_eq!(domain.service.groups_of("member"), [""; 0]);
}

#[test]
fn a_large_domain_is_made_and_listed_quickly() {
    let started = std::time::Instant::now();
    let mut domain = Domain::of(&Population::mixed(20_000, 1_000));
    let mut seen = 0;
    while seen < 20_000 {
        let target = format!("/users/?limit=1000&offset={seen}&sort=username");
        seen += column(&domain.get(&target), "username").len();
    }
    let admins = domain.get("/users/?all_permissions=edit_domain&limit=1000");
    assert_eq!(column(&admins, "username").len(), 102);
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
    assert_eq!(
        Domain::of(&Population::of(1, 0)).get("/users/")["total_count"],
        "1"
    );
}
