//! Keys, shapes of refusals, slashes, the daily quota.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{ADMIN, BASE, Domain, key_of};
use crate::sandbox::huwise::{ForeignKeys, NoSlash, Quota, Reset, Shape};

#[test]
fn a_key_is_let_in_by_header_or_query_and_in_no_other_form() {
    let mut domain = Domain::small();
    let known = domain.authorization.clone();
    let secret = known.strip_prefix("apikey ").unwrap().to_owned();
    assert_eq!(domain.status("GET", "/users/"), 200);
    for wrong in ["", "apikey nope", &format!("Bearer {secret}"), &secret] {
        domain.authorization = wrong.to_owned();
        assert_eq!(domain.status("GET", "/users/"), 401, "{wrong}");
    }
    domain.authorization = format!("Apikey {secret}");
    assert_eq!(domain.status("GET", "/users/"), 401);
    domain.set(|s| s.any_case_scheme = true);
    assert_eq!(domain.status("GET", "/users/"), 200);
    domain.authorization = String::new();
    let body = domain.get(&format!("/users/?limit=1&apikey={secret}"));
    assert!(
        !body["next"].as_str().unwrap().contains(&secret),
        "no answer repeats the key"
    );
}

#[test]
fn refusals_have_the_shape_that_is_set() {
    let mut domain = Domain::small();
    let known = domain.authorization.clone();
    let shapes = [Shape::Default, Shape::Detail, Shape::Html, Shape::Empty];
    for shape in shapes {
        domain.set(|s| (s.unauthorized, s.unauthorized_shape) = (403, shape));
        domain.authorization = "apikey wrong".to_owned();
        let (status, body) = domain.ask("GET", "/users/", &Value::Null);
        assert_eq!(status, 403);
        match shape {
            Shape::Default => assert_eq!(body["error_code"], "forbidden"),
            Shape::Detail => assert!(body["detail"].is_string()),
            Shape::Html => assert!(body.as_str().unwrap().contains("<html>")),
            Shape::Empty => assert_eq!(body, ""),
        }
    }
    domain.authorization = known;
    assert_eq!(domain.status("GET", "/users/"), 200);
}

#[test]
fn a_key_reaches_as_far_as_its_owner_and_its_own_subset() {
    let mut domain = Domain::small();
    domain.add("plain");
    let key = key_of(&domain, "plain");
    let key = domain.service.add_key(key);
    domain.authorization = format!("apikey {}", key.key);
    let (status, body) = domain.ask("GET", "/users/", &Value::Null);
    assert_eq!((status, body["detail"].is_string()), (403, true));
    domain.service.change("plain", |user| {
        user.permissions.insert(ADMIN.to_owned());
    });
    assert_eq!(domain.status("GET", "/users/"), 200);
    let mut narrow = key.clone();
    narrow.permissions = Some(["edit_page".to_owned()].into());
    domain.service.add_key(narrow);
    assert_eq!(domain.status("GET", "/users/"), 403);
    let now = domain.now;
    let mut revoked = key;
    revoked.revoked = Some((now, "left".to_owned()));
    domain.service.add_key(revoked);
    assert_eq!(domain.status("GET", "/users/"), 401);
}

#[test]
fn a_missing_slash_looks_like_a_user_who_is_gone_or_redirects() {
    let mut domain = Domain::small();
    let name = domain.names()[2].clone();
    let (status, body) = domain.ask("GET", &format!("/users/{name}"), &Value::Null);
    assert_eq!((status, &body["error_code"]), (404, &json!("not_found")));
    let gone = domain.ask("GET", "/users/nobody/", &Value::Null);
    assert_eq!(gone, (status, body));
    domain.set(|s| s.no_slash = NoSlash::Redirect);
    let answer = domain.raw("GET", "/users?limit=3", &Value::Null);
    assert_eq!(answer.status, 301);
    let location = ("location", format!("{BASE}/users/?limit=3"));
    assert!(answer.headers.contains(&location));
    domain.set(|s| s.no_route_html = true);
    assert!(domain.ask("GET", "/people/", &Value::Null).1.is_string());
    assert_eq!(domain.status("PATCH", "/users/"), 405);
}

#[test]
fn the_daily_quota_ends_at_midnight() {
    let mut domain = Domain::small();
    let left = 12 * 3600;
    let midnight = (domain.now.timestamp() + left).to_string();
    let forms = [
        (Reset::SecondsLeft, Some(left.to_string())),
        (Reset::EpochSeconds, Some(midnight.clone())),
        (Reset::EpochMillis, Some(format!("{midnight}000"))),
        (Reset::Date, Some("2026-06-18T00:00:00Z".to_owned())),
        (Reset::Absent, None),
    ];
    for (reset, _) in &forms {
        domain.set(|s| {
            s.quota = Some(Quota {
                calls: forms.len() as u64,
                reset: *reset,
            });
        });
        assert_eq!(domain.status("GET", "/users/"), 200);
    }
    for (reset, wanted) in forms {
        domain.set(|s| s.quota = Some(Quota { calls: 5, reset }));
        let answer = domain.raw("GET", "/users/", &Value::Null);
        assert_eq!(answer.status, 429);
        let found = answer
            .headers
            .iter()
            .find(|(name, _)| *name == "x-ratelimit-reset");
        assert_eq!(found.map(|(_, value)| value.clone()), wanted);
    }
    domain.now += TimeDelta::hours(12);
    assert_eq!(domain.status("GET", "/users/"), 200);
}

#[test]
fn others_keys_are_hidden_until_it_is_set_otherwise() {
    let mut domain = Domain::small();
    let own = domain.names()[1].clone();
    domain.add("robot");
    let key = key_of(&domain, "robot");
    let uid = domain.service.add_key(key).uid;
    let list = domain.get("/apikeys/");
    assert_eq!(list["total_count"], "1", "the total hides them as well");
    assert_eq!(list["results"][0]["user"]["username"], json!(own));
    assert_eq!(list["results"][0]["is_revoked"], json!(false));
    assert!(list["results"][0]["key"].is_string(), "the secret is there");
    let revoke = format!("/apikeys/{uid}/revoke/");
    let reason = json!({ "reason": "left" });
    assert_eq!(domain.ask("POST", &revoke, &reason).0, 403);
    domain.set(|s| s.foreign_keys = ForeignKeys::Forbidden);
    assert_eq!(domain.status("GET", "/apikeys/"), 403);
    domain.set(|s| (s.foreign_keys, s.revoke_foreign) = (ForeignKeys::Visible, true));
    assert_eq!(domain.get("/apikeys/")["total_count"], "2");
    let (status, key) = domain.ask("POST", &revoke, &reason);
    assert_eq!((status, &key["is_revoked"]), (200, &json!(true)));
    assert_eq!(key["revocation_status"]["revocation_reason"], "left");
    assert_eq!(
        domain.get("/apikeys/")["total_count"],
        "2",
        "revoked ones stay"
    );
    assert_eq!(domain.ask("POST", "/apikeys/none/revoke/", &reason).0, 404);
}
