//! Changing, deleting and inviting.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{ADMIN, Domain, key_of};
use crate::sandbox::huwise::{ADMINS, AccountType, LastAdmin, PutAbsent};

#[test]
fn a_deletion_is_empty_and_takes_keys_groups_and_permissions_along() {
    let mut domain = Domain::small();
    let leaver = domain.user("leaver").with("edit_page");
    domain.service.add_user(leaver);
    domain.service.join(ADMINS, "leaver");
    let key = key_of(&domain, "leaver");
    domain.service.add_key(key);
    assert_eq!(
        domain.ask("DELETE", "/users/leaver/", &Value::Null),
        (204, json!(""))
    );
    let (status, body) = domain.ask("DELETE", "/users/leaver/", &Value::Null);
    assert_eq!(
        (status, body),
        (
            404,
            json!({ "error_code": "not_found", "message": "Not found." })
        )
    );
    assert_eq!(domain.status("GET", "/users/leaver/"), 404);
    let departed = &domain.service.departed()[0];
    assert!(departed.groups.contains(ADMINS) && departed.keys.contains("key-of-leaver"));
    assert!(departed.user.permissions.contains("edit_page"));
    assert!(domain.service.keys().all(|key| key.owner != "leaver"));
    assert!(domain.service.groups_of("leaver").is_empty());
}

#[test]
fn awkward_usernames_are_found_under_their_encoded_form() {
    let mut domain = Domain::small();
    let awkward = [
        ("a b", "a%20b"),
        ("a/b", "a%2Fb"),
        ("a?b#c", "a%3Fb%23c"),
        ("100%", "100%25"),
        ("ö+é@x.test", "%C3%B6%2B%C3%A9%40x.test"),
        ("..", "%2E%2E"),
    ];
    for (name, _) in awkward {
        domain.add(name);
    }
    for (name, path) in awkward {
        assert_eq!(domain.get(&format!("/users/{path}/"))["username"], name);
        assert_eq!(domain.status("DELETE", &format!("/users/{path}/")), 204);
        assert!(domain.service.user(name).is_none());
    }
}

#[test]
fn the_last_administrator_is_refused_as_set_and_can_be_an_inheriting_one() {
    let mut domain = Domain::small();
    let admins = domain.names()[..2].to_vec();
    assert_eq!(
        domain.status("DELETE", &format!("/users/{}/", admins[0])),
        204
    );
    let path = format!("/users/{}/", admins[1]);
    let (status, body) = domain.ask("DELETE", &path, &Value::Null);
    assert_eq!((status, &body["error_code"]), (400, &json!("bad_request")));
    domain.set(|s| {
        s.last_admin = LastAdmin {
            status: 409,
            code: "last_admin".to_owned(),
        };
    });
    let (status, body) = domain.ask("DELETE", &path, &Value::Null);
    assert_eq!((status, &body["error_code"]), (409, &json!("last_admin")));
    let demoted = json!({ "email": "a@example.test", "permissions": [] });
    assert_eq!(domain.ask("PUT", &path, &demoted).0, 409);
    domain.add("second");
    domain.service.join(ADMINS, "second");
    let yesterday = domain.now - TimeDelta::days(1);
    domain
        .service
        .change("second", |user| user.expires = Some(yesterday));
    assert_eq!(domain.status("DELETE", &path), 409, "expired, so no help");
    domain.service.change("second", |user| user.expires = None);
    domain.set(|s| s.delete_self = false);
    assert_eq!(domain.status("DELETE", &path), 403);
    domain.set(|s| s.delete_self = true);
    assert_eq!(domain.status("DELETE", &path), 204);
    assert_eq!(domain.status("GET", "/users/"), 401, "the key went along");
}

#[test]
fn a_put_empties_what_it_leaves_out_unless_set_otherwise() {
    let mut domain = Domain::small();
    let user = domain.user("u").with("edit_page");
    domain.service.add_user(user);
    domain.service.join(ADMINS, "u");
    let body = json!({ "email": "new@example.test", "is_active": false, "username": "other" });
    domain.set(|s| s.put_absent = PutAbsent::Keeps);
    let (status, row) = domain.ask("PUT", "/users/u/", &body);
    assert_eq!((status, &row["email"]), (200, &json!("new@example.test")));
    assert_eq!(row["username"], "u", "read-only");
    assert_eq!(row["is_active"], json!(true), "read-only");
    assert_eq!(row["permissions"], json!(["edit_page"]));
    domain.set(|s| s.put_absent = PutAbsent::Clears);
    let (_, row) = domain.ask("PUT", "/users/u/", &body);
    assert_eq!(
        (&row["permissions"], &row["groups"]),
        (&json!([]), &json!([]))
    );
    for bad in [
        json!({}),
        json!({ "email": "a@b.test", "permissions": ["manage_users"] }),
        json!({ "email": "a@b.test", "groups": [{ "uid": "none" }] }),
    ] {
        let (status, body) = domain.ask("PUT", "/users/u/", &bad);
        assert_eq!(
            (status, &body["error_code"]),
            (400, &json!("validation_error")),
            "{bad}"
        );
    }
}

#[test]
fn whoever_is_invited_again_has_the_old_name_and_old_dates_but_a_new_membership() {
    let mut domain = Domain::small();
    let mut user = domain.user("returning.one").with(ADMIN);
    let seen = Some(domain.now - TimeDelta::days(400));
    (user.email, user.last_seen) = ("R@Example.test".to_owned(), seen);
    domain.service.add_user(user);
    domain.now += TimeDelta::days(1);
    assert_eq!(domain.status("DELETE", "/users/returning.one/"), 204);
    domain.now += TimeDelta::days(1);
    let invitation = json!([{ "email": "r@example.test" }, { "email": "r@example.test" }, {}]);
    let (status, body) = domain.ask("POST", "/users/invite/", &invitation);
    assert_eq!(
        (status, &body["0"]["status_code"]),
        (200, &json!("success"))
    );
    let row = &body["0"]["data"];
    assert_eq!(row["username"], "returning.one");
    assert_eq!(row["joined_at"], "2026-06-19T12:00:00+00:00");
    assert_eq!(
        row["permissions"],
        json!([]),
        "permissions do not come back"
    );
    assert_eq!(
        domain.service.user("returning.one").unwrap().last_seen,
        seen
    );
    assert_eq!(body["1"]["status_code"], "error", "is a user now");
    assert_eq!(body["2"]["error"]["error_code"], "validation_error");
    domain.set(|s| s.rejoined_keeps_seen = false);
    domain.status("DELETE", "/users/returning.one/");
    domain.ask(
        "POST",
        "/users/invite/",
        &json!([{ "email": "r@example.test" }]),
    );
    assert_eq!(
        domain.service.user("returning.one").unwrap().last_seen,
        None
    );
}

#[test]
fn a_local_account_does_not_outlive_its_membership() {
    let mut domain = Domain::small();
    let mut user = domain.user("here.only");
    user.account_type = AccountType::Local;
    domain.service.add_user(user);
    domain.status("DELETE", "/users/here.only/");
    let invitation = json!([{ "email": "here.only@example.test", "username": "another" }]);
    let (_, body) = domain.ask("POST", "/users/invite/", &invitation);
    assert_eq!(body["0"]["data"]["username"], "another");
}

#[test]
fn the_deaf_say_yes_and_do_nothing() {
    let mut domain = Domain::small();
    domain.add("rock");
    domain.set(|s| s.deaf = ["rock".to_owned()].into());
    assert_eq!(domain.status("DELETE", "/users/rock/"), 204);
    assert_eq!(domain.status("GET", "/users/rock/"), 200);
}
