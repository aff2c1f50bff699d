//! Filters and the choice of attributes.

use serde_json::{Value, json};

use super::{Provider, names};
use crate::sandbox::{
    population::Population,
    scim::{Activity, Filters},
};

fn find(provider: &mut Provider, filter: &str) -> Vec<String> {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("filter", filter);
    names(&provider.get(&format!("/Users?{}", query.finish())))
}

fn refused(provider: &mut Provider, filter: &str) -> bool {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("filter", filter);
    let target = format!("/Users?{}", query.finish());
    let (status, body) = provider.ask("GET", &target, &Value::Null);
    status == 400 && body["scimType"] == "invalidFilter"
}

#[test]
fn names_are_found_whatever_their_case_and_external_ids_are_not() {
    let mut provider = Provider::of(30);
    let population = Population::of(30, 0);
    let person = population.identity(7);
    let name = person.mail.to_uppercase();
    assert_eq!(
        find(&mut provider, &format!("userName eq \"{name}\"")),
        std::slice::from_ref(&person.mail)
    );
    assert_eq!(find(&mut provider, "USERNAME Eq \"nobody\"").len(), 0);
    assert_eq!(
        find(&mut provider, "externalId eq \"E000008\""),
        std::slice::from_ref(&person.mail)
    );
    assert_eq!(find(&mut provider, "externalId eq \"e000008\"").len(), 0);
    let core = "urn:ietf:params:scim:schemas:core:2.0:User:userName";
    assert_eq!(
        find(&mut provider, &format!("{core} eq \"{name}\"")).len(),
        1
    );
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber";
    assert_eq!(
        find(&mut provider, &format!("{enterprise} eq \"E000008\"")).len(),
        1
    );
    let id = person.account_id;
    assert_eq!(
        find(&mut provider, &format!("id eq \"{id}\" and active eq true")).len(),
        1
    );
}

#[test]
fn states_and_dates_are_found_and_joined() {
    let mut provider = Provider::of(30);
    let id = provider.id(3);
    let before = provider.now;
    provider.now += chrono::TimeDelta::minutes(5);
    let now = provider.now;
    provider
        .service
        .change(&id, now, |user| user.active = false);
    assert_eq!(find(&mut provider, "active eq false").len(), 1);
    assert_eq!(find(&mut provider, "active eq true").len(), 29);
    let since = format!("meta.lastModified gt \"{}\"", before.to_rfc3339());
    assert_eq!(find(&mut provider, &since).len(), 1);
    assert_eq!(
        find(&mut provider, &format!("{since} and active eq true")).len(),
        0
    );
    let at = now.to_rfc3339();
    assert_eq!(
        find(&mut provider, &format!("meta.lastModified gt \"{at}\"")).len(),
        0
    );
    assert_eq!(
        find(&mut provider, &format!("meta.lastModified ge \"{at}\"")).len(),
        1
    );
    assert_eq!(
        find(&mut provider, &format!("meta.lastModified lt \"{at}\"")).len(),
        29
    );
}

#[test]
fn what_is_not_supported_is_refused() {
    let mut provider = Provider::of(5);
    for filter in [
        "userName",
        "userName eq",
        "userName eq nobody",
        "userName eq \"a",
        "userName pr",
        "userName co \"a\"",
        "userName eq \"a\" or active eq true",
        "not (active eq true)",
        "(userName eq \"a\")",
        "active eq \"true\"",
        "active gt true",
        "meta.lastModified gt \"yesterday\"",
        "shoeSize eq 43",
        "active eq true and",
        "emails[type eq \"work\"]",
        "",
    ] {
        assert!(refused(&mut provider, filter), "{filter}");
    }
    assert_eq!(
        find(&mut provider, "userName eq \"a (b) \\\" and c\"").len(),
        0
    );
    provider.set(|s| s.filters = Filters::Names);
    assert!(refused(&mut provider, "active eq true"));
    assert!(refused(
        &mut provider,
        "userName eq \"a\" and externalId eq \"b\""
    ));
    assert_eq!(find(&mut provider, "externalId eq \"b\"").len(), 0);
    provider.set(|s| s.filters = Filters::None);
    assert!(refused(&mut provider, "userName eq \"a\""));
    provider.set(|s| s.filters = Filters::Ignored);
    assert_eq!(
        find(&mut provider, "userName eq \"a\"").len(),
        5,
        "everybody"
    );
}

#[test]
fn attributes_are_chosen_and_left_out() {
    let mut provider = Provider::of(5);
    provider.set(|s| s.activity = Some(Activity::example()));
    let id = provider.id(2);
    let now = provider.now;
    provider.service.set_last_login(&id, Some(now));
    let keys = |row: &Value| -> Vec<String> { row.as_object().unwrap().keys().cloned().collect() };
    let row = provider.get(&format!("/Users/{id}?attributes=USERNAME,name.familyName"));
    assert_eq!(keys(&row), ["id", "name", "schemas", "userName"]);
    assert_eq!(keys(&row["name"]), ["familyName"]);
    let urn = Activity::SCHEMA;
    let row = provider.get(&format!(
        "/Users/{id}?attributes={urn}:lastLogin,emails.value"
    ));
    assert_eq!(row[urn]["lastLogin"], "2026-06-17T12:00:00.000Z");
    assert_eq!(keys(&row["emails"][0]), ["value"]);
    let row = provider.get(&format!(
        "/Users/{id}?excludedAttributes=id,meta,name.formatted,{urn}"
    ));
    assert!(row["id"].is_string(), "always there");
    assert_eq!((row.get("meta"), row.get(urn)), (None, None));
    assert_eq!(keys(&row["name"]), ["familyName", "givenName"]);
    let page = provider.get("/Users?attributes=active");
    assert_eq!(keys(&page["Resources"][0]), ["active", "id", "schemas"]);
    let both = provider.refused(
        "GET",
        "/Users?attributes=a&excludedAttributes=b",
        &json!(null),
    );
    assert_eq!(both.0, 400);
    provider.set(|s| s.selection = false);
    assert!(provider.get("/Users?attributes=active")["Resources"][0]["meta"].is_object());
}
