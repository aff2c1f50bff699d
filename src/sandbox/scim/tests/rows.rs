//! What a user's resource says.

use serde_json::{Value, json};

use super::Provider;
use crate::sandbox::{
    population::{Part, Population},
    scim::{ActiveForm, Activity, AdminForm, DateForm, Etag, Never},
};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

#[test]
fn a_resource_has_what_the_rfc_says() {
    let mut provider = Provider::of(12);
    let person = Population::of(12, 0).identity(11);
    let id = person.account_id.to_string();
    let row = provider.get(&format!("/Users/{id}"));
    assert_eq!(
        (&row["id"], &row["externalId"]),
        (&json!(id), &json!("E000012"))
    );
    assert_eq!(
        (&row["userName"], &row["active"]),
        (&json!(person.mail), &json!(true))
    );
    assert_eq!(row["emails"][0]["value"], json!(person.mail));
    assert_eq!(row["name"]["familyName"], json!(person.last_name));
    assert_eq!(row["userType"], "Employee");
    assert_eq!(
        row["schemas"],
        json!(["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE])
    );
    let manager = Population::of(12, 0).identity(1).account_id;
    assert_eq!(
        row[ENTERPRISE],
        json!({ "employeeNumber": "E000012", "manager": { "value": manager.to_string() } })
    );
    let location = format!("http://127.0.0.1:1/scim/v2/Users/{id}");
    assert_eq!(
        (&row["meta"]["location"], &row["meta"]["version"]),
        (&json!(location), &json!("W/\"1\""))
    );
    provider.set(|s| {
        (s.enterprise, s.etag) = (false, Etag::None);
        s.hidden = ["externalId".to_owned()].into();
    });
    let row = provider.get(&format!("/Users/{id}"));
    assert_eq!((row.get(ENTERPRISE), row.get("externalId")), (None, None));
    assert_eq!(row["meta"].get("version"), None);
}

#[test]
fn active_and_administrators_are_written_in_many_ways() {
    let mut provider = Provider::of(3);
    let path = format!("/Users/{}", provider.id(0));
    let mut active = |form| {
        provider.set(|s| s.active = form);
        provider.get(&path).get("active").cloned()
    };
    assert_eq!(active(ActiveForm::Boolean), Some(json!(true)));
    assert_eq!(active(ActiveForm::Text), Some(json!("True")));
    assert_eq!(active(ActiveForm::LowerText), Some(json!("true")));
    assert_eq!(active(ActiveForm::Hidden), None);
    assert_eq!(active(ActiveForm::Unknown), None);
    let mut admin = |form, field: &str| {
        provider.set(|s| s.admin = form);
        provider.get(&path).get(field).cloned()
    };
    assert_eq!(
        admin(AdminForm::Roles, "roles").unwrap()[0]["value"],
        "admin"
    );
    assert_eq!(admin(AdminForm::RoleTexts, "roles"), Some(json!(["admin"])));
    assert_eq!(
        admin(AdminForm::Entitlements, "entitlements").unwrap()[0]["value"],
        "admin"
    );
    assert_eq!(admin(AdminForm::Entitlements, "roles"), None);
    assert_eq!(
        admin(AdminForm::UserType, "userType"),
        Some(json!("Administrator"))
    );
    assert_eq!(
        admin(AdminForm::Nowhere, "userType"),
        Some(json!("Employee"))
    );
}

#[test]
fn the_last_login_stands_where_and_as_it_is_set() {
    let mut provider = Provider::of(3);
    let (id, never) = (provider.id(1), format!("/Users/{}", provider.id(2)));
    let path = format!("/Users/{id}");
    let before = provider.get(&path);
    let at = "2026-05-01T10:00:00.1234567Z".parse().unwrap();
    provider.service.set_last_login(&id, Some(at));
    assert_eq!(
        provider.get(&path),
        before,
        "there is no such attribute, and no change"
    );
    provider.set(|s| s.activity = Some(Activity::example()));
    let urn = Activity::SCHEMA;
    let mut login = |form| {
        provider.set(|s| s.dates = form);
        provider.get(&path)[urn]["lastLogin"].clone()
    };
    assert_eq!(login(DateForm::Seconds), "2026-05-01T10:00:00Z");
    assert_eq!(login(DateForm::Millis), "2026-05-01T10:00:00.123Z");
    assert_eq!(login(DateForm::SevenDigits), "2026-05-01T10:00:00.1234567Z");
    assert_eq!(login(DateForm::Offset), "2026-05-01T12:00:00+02:00");
    assert!(
        provider.get(&path)["schemas"]
            .as_array()
            .unwrap()
            .contains(&json!(urn))
    );
    let mut absent = |form| {
        provider.set(|s| s.never = form);
        provider
            .get(&never)
            .get(urn)
            .map(|fields| fields["lastLogin"].clone())
    };
    assert_eq!(absent(Never::Absent), None);
    assert_eq!(absent(Never::Null), Some(Value::Null));
    assert_eq!(absent(Never::Empty), Some(json!("")));
    provider.set(|s| {
        s.activity = Some(Activity {
            schema: None,
            attribute: "lastSignIn".to_owned(),
        });
    });
    assert!(provider.get(&path)["lastSignIn"].is_string());
}

#[test]
fn a_generated_tenant_has_every_part() {
    let population = Population::mixed(1_000, 5_000);
    let provider = Provider::filled(&population);
    assert_eq!(provider.service.users().count(), 1_000);
    for (number, user) in provider.service.users().enumerate() {
        assert_eq!(user.id, population.identity(number).account_id.to_string());
        let part = population.part(number);
        assert_eq!(user.active, part != Part::Terminated);
        assert_eq!(
            user.admin,
            matches!(part, Part::Owner | Part::KeyUser | Part::Admin)
        );
        assert_eq!(user.external_id.is_none(), part == Part::Guest);
        if population.is_idle(number) {
            assert_eq!(user.last_login, None);
        }
    }
    assert!(
        provider
            .service
            .users()
            .any(|user| user.last_login.is_some())
    );
}
