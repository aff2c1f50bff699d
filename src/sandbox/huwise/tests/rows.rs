//! What a user's row says.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::Domain;
use crate::sandbox::{
    huwise::{AccountType, username},
    population::{Part, Population},
};

#[test]
fn dates_have_any_number_of_fractional_digits_and_cut_them() {
    let mut domain = Domain::small();
    domain.add("u");
    let at: DateTime<Utc> = "2024-06-01T23:59:59.999999999Z".parse().unwrap();
    domain.service.change("u", |user| user.last_seen = Some(at));
    let mut seen = |fraction, offset| {
        domain.set(|s| (s.fraction, s.offset_minutes) = (fraction, offset));
        domain.get("/users/u/")["last_seen_at"].clone()
    };
    assert_eq!(seen(Some(0), 0), json!("2024-06-01T23:59:59+00:00"));
    assert_eq!(seen(Some(1), 0), json!("2024-06-01T23:59:59.9+00:00"));
    assert_eq!(
        seen(Some(6), -210),
        json!("2024-06-01T20:29:59.999999-03:30")
    );
    // "u" is byte 117, and 117 % 7 is 5.
    assert_eq!(seen(None, 0), json!("2024-06-01T23:59:59.99999+00:00"));
    let all = domain.get("/users/");
    for row in all["results"].as_array().unwrap() {
        let joined = row["joined_at"].as_str().unwrap();
        assert!(DateTime::parse_from_rfc3339(joined).is_ok(), "{joined}");
    }
}

#[test]
fn a_generated_domain_has_every_part_and_awkward_names() {
    let population = Population::mixed(1_000, 5_000);
    let mut domain = Domain::of(&population);
    let mut parts = [0; 4];
    for number in 0..1_000 {
        let user = domain
            .service
            .user(&username(&population, number))
            .unwrap()
            .clone();
        assert_eq!(user.email, population.identity(number).mail);
        let admin = domain.service.holds(&user.username, "edit_domain");
        match population.part(number) {
            Part::Admin => {
                assert!(admin && !user.permissions.contains("edit_domain"));
                parts[0] += 1;
            }
            Part::Owner | Part::KeyUser => assert!(admin),
            Part::Pending => {
                assert_eq!((user.last_login, user.last_seen), (None, None));
                parts[1] += 1;
            }
            Part::Sso => assert_eq!(user.account_type, AccountType::Linked),
            Part::Guest => assert_eq!(user.account_type, AccountType::Local),
            _ => assert!(!admin),
        }
        parts[2] += i32::from(user.username.contains(' '));
        parts[3] += i32::from(user.username == user.email);
        assert!(user.last_seen >= user.last_login);
    }
    assert_eq!(parts, [5, 10, 40, 40]);
    assert!(domain.service.keys().any(|key| key.revoked.is_some()));
    let never = domain.get(&format!("/users/{}/", username(&population, 100)));
    assert_eq!(population.part(100), Part::Pending);
    assert_eq!(never["last_login_at"], Value::Null);
}

#[test]
fn staff_expiry_and_hidden_fields_are_shown_as_set() {
    let mut domain = Domain::small();
    domain.add("staff");
    let now = domain.now;
    domain.service.change("staff", |user| {
        (user.ods, user.expires, user.active) = (true, Some(now), false);
    });
    let row = domain.get("/users/staff/");
    assert_eq!(
        (&row["is_ods"], &row["is_active"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(row["expires_at"], "2026-06-17T12:00:00+00:00");
    assert_eq!(row["account_type"], "global");
    domain.set(|s| s.hidden_fields = ["last_seen_at".to_owned()].into());
    assert_eq!(domain.get("/users/staff/").get("last_seen_at"), None);
}

#[test]
fn a_call_with_a_key_is_seen_only_if_that_is_set() {
    let mut domain = Domain::small();
    let own = domain.names()[1].clone();
    domain.get("/users/");
    assert_eq!(domain.service.user(&own).unwrap().last_seen, None);
    domain.set(|s| s.keys_are_seen = true);
    domain.get("/users/");
    assert_eq!(
        domain.service.user(&own).unwrap().last_seen,
        Some(domain.now)
    );
}
