//! The parsers and judges, without a network: what is read, and whatever a server may invent.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::Value;
use serde_json::json;

use crate::domain::account::AccountKind;
use crate::domain::account::AccountRecord;
use crate::domain::account::AccountState;
use crate::domain::account::Protection;
use crate::domain::account::Signal;
use crate::domain::time::Time;
use crate::provider::AnswerVerdict;
use crate::provider::http::Page;
use crate::provider::http::Payload;
use crate::provider::scim::change;
use crate::provider::scim::people;
use crate::provider::scim::people::Attribute;
use crate::provider::scim::people::Reading;
use crate::provider::scim::tests::EXTENSION;
use crate::provider::scim::tests::error;
use crate::provider::scim::tests::page;
use crate::provider::scim::tests::user;
use crate::provider::spoil::any_json;
use crate::provider::spoil::mutate;
use crate::scim::features::Features;
use crate::scim::list::Step;
use crate::scim::list::Walk;

fn reading(admins: &[&str]) -> Reading {
    Reading {
        last_login: Attribute::parse(&format!("{EXTENSION}:lastLogin")),
        admin_values: admins.iter().map(|a| (*a).to_owned()).collect(),
    }
}

fn record(item: &Value) -> AccountRecord {
    people::record(item, &reading(&[]), None).unwrap()
}

fn with(field: &str, value: Value) -> Value {
    let mut item = user(1);
    item[field] = value;
    item
}

#[test]
fn a_user_is_read_as_written() {
    let record = record(&user(1));
    assert_eq!(record.id, "u1");
    assert_eq!(
        record.email.as_deref(),
        Some("p1@v.test"),
        "the primary one"
    );
    assert_eq!(record.name.as_deref(), Some("Person 1"));
    assert_eq!(record.external_id.as_deref(), Some("e1"));
    assert_eq!(record.facts.state, AccountState::Active);
    assert!(record.facts.protected.is_empty());
    assert_eq!(
        record.facts.created_at,
        Time::parse("2024-09-21T08:56:38.062Z")
    );
    assert_eq!(
        record.seen[&Signal::Login],
        Time::parse("2026-03-01T10:00:00Z").unwrap()
    );
    assert!(record.facts.hidden.is_empty());
}

#[test]
fn names_of_attributes_have_no_case() {
    let item = json!({ "ID": "u1", "USERNAME": "P1@v.test", "Active": "FALSE",
        "Meta": { "Created": "2024-09-21T08:56:38Z" }, "Roles": [{ "Value": "Admin" }],
        EXTENSION.to_uppercase(): { "LASTLOGIN": "2026-03-01T10:00:00+02:00" } });
    let record = record(&item);
    assert_eq!(record.email.as_deref(), Some("P1@v.test"));
    assert_eq!(record.facts.state, AccountState::Disabled);
    assert!(record.facts.created_at.is_some() && record.seen.len() == 1);
    assert_eq!(record.facts.protected, BTreeSet::from([Protection::Admin]));
}

#[test]
fn active_is_a_boolean_or_a_text_and_nothing_else() {
    for (value, state) in [
        (json!(true), AccountState::Active),
        (json!(false), AccountState::Disabled),
        (json!("True"), AccountState::Active),
        (json!("false"), AccountState::Disabled),
        (Value::Null, AccountState::Active),
    ] {
        assert_eq!(record(&with("active", value)).facts.state, state);
    }
    for value in [json!(0), json!("no"), json!([]), json!("")] {
        let item = with("active", value);
        assert!(people::record(&item, &reading(&[]), None).is_err());
    }
}

#[test]
fn a_last_login_that_is_not_shown_is_never_long_ago() {
    let logins = [
        Value::Null,
        json!(""),
        json!("never"),
        json!(0),
        json!(1_600_000_000),
        json!("1970-01-01T00:00:00Z"),
        json!("0001-01-01T00:00:00.0000000Z"),
        json!("31.12.2020"),
        json!(["2020-01-01T00:00:00Z"]),
    ];
    for login in logins {
        let record = record(&with(EXTENSION, json!({ "lastLogin": login })));
        assert!(record.seen.is_empty(), "{login}");
        assert!(record.facts.hidden.contains(&Signal::Login), "{login}");
    }
    for extension in [Value::Null, json!({}), json!([]), json!("x")] {
        assert!(
            record(&with(EXTENSION, extension))
                .facts
                .hidden
                .contains(&Signal::Login)
        );
    }
}

#[test]
fn an_attribute_stands_where_its_name_says() {
    let of = |text: &str, item: Value| {
        let reading = Reading {
            last_login: Attribute::parse(text),
            ..Reading::default()
        };
        people::record(&item, &reading, None).unwrap().seen.len()
    };
    let at = "2026-03-01T10:00:00Z";
    assert_eq!(of("lastLogin", with("lastLogin", json!(at))), 1);
    let core = "urn:ietf:params:scim:schemas:core:2.0:User:lastLogin";
    assert_eq!(of(core, with("lastLogin", json!(at))), 1);
    assert_eq!(of("usage.last", with("usage", json!({ "last": at }))), 1);
    assert_eq!(
        of("lastLogin", user(1)),
        0,
        "that of an extension is another one"
    );
    for bad in [
        "",
        "urn:x:",
        "x:lastLogin",
        "a b",
        "meta.lastModified",
        "lastmodified",
        "a..b",
    ] {
        assert_eq!(
            Attribute::parse(bad),
            None,
            "{bad}: every change moves some of these"
        );
    }
}

#[test]
fn administrators_are_protected_wherever_it_stands() {
    let protected = |field: &str, value: Value, admins: &[&str]| {
        let record = people::record(&with(field, value), &reading(admins), None).unwrap();
        record.facts.protected.into_iter().next()
    };
    let admin = Some(Protection::Admin);
    let unknown = Some(Protection::UnknownRole);
    for field in ["roles", "entitlements"] {
        assert_eq!(
            protected(field, json!([{ "value": "Org Admin" }]), &[]),
            admin
        );
        assert_eq!(protected(field, json!(["owner"]), &[]), admin);
        assert_eq!(protected(field, json!("admin"), &[]), admin);
        assert_eq!(
            protected(field, json!([{ "value": "17", "display": "User" }]), &[]),
            None
        );
        assert_eq!(protected(field, json!([{ "value": "root" }]), &[]), unknown);
        let typed = json!([{ "value": "root", "type": "default" }]);
        assert_eq!(
            protected(field, typed, &[]),
            unknown,
            "a type makes nothing harmless"
        );
        for odd in [
            json!([7]),
            json!([{}]),
            json!([{ "type": "user" }]),
            json!([""]),
        ] {
            assert_eq!(protected(field, odd.clone(), &[]), unknown, "{odd}");
            assert_eq!(protected(field, odd.clone(), &["root"]), unknown, "{odd}");
        }
        assert_eq!(
            protected(field, json!([{ "value": "Root" }]), &["root"]),
            admin
        );
        assert_eq!(
            protected(field, json!([{ "value": "editor" }]), &["root"]),
            None
        );
    }
    assert_eq!(
        protected("userType", json!("Administrator"), &["root"]),
        admin
    );
    assert_eq!(
        protected(
            "groups",
            json!([{ "value": "g", "display": "Admins" }]),
            &[]
        ),
        None
    );
    let group = json!([{ "value": "g", "display": "Admins" }]);
    assert_eq!(protected("groups", group, &["admins"]), admin);
    assert_eq!(
        protected("userType", json!("Service"), &[]),
        Some(Protection::Service)
    );
    let own = people::record(&user(1), &reading(&[]), Some("u1")).unwrap();
    assert!(own.facts.protected.contains(&Protection::OwnCredential));
}

#[test]
fn kinds_and_addresses() {
    assert_eq!(
        record(&with("userType", json!("Contractor"))).facts.kind,
        AccountKind::Guest
    );
    assert_eq!(
        record(&with("userType", json!("Intern"))).facts.kind,
        AccountKind::Human
    );
    let email = |value: Value| record(&with("emails", value)).email;
    assert_eq!(email(json!(["a@v.test"])).as_deref(), Some("a@v.test"));
    let text = json!([{ "value": "a@v.test" }, { "value": "b@v.test", "primary": "True" }]);
    assert_eq!(email(text).as_deref(), Some("b@v.test"));
    let empty = json!([{ "primary": true }, { "value": "a@v.test" }]);
    assert_eq!(email(empty).as_deref(), Some("a@v.test"));
    assert_eq!(email(json!([])), None, "this user name is no address");
}

#[test]
fn what_a_server_says_of_itself() {
    let read = |body: Value| Features::read(&body);
    assert_eq!(read(json!({})), Features::default());
    let one = read(
        json!({ "patch": { "supported": false }, "etag": { "supported": true },
        "filter": { "supported": true, "maxResults": 200 } }),
    );
    assert!(one.patch == Some(false) && one.etag && one.page == Some(200) && !one.cursor);
    let cursor = |index: bool, method: &str| {
        read(json!({ "pagination": { "cursor": true, "index": index,
            "defaultPaginationMethod": method, "maxPageSize": 0 } }))
    };
    assert!(cursor(false, "index").cursor && cursor(true, "cursor").cursor);
    assert!(!cursor(true, "index").cursor);
    assert_eq!(cursor(true, "index").page, None, "no page is empty");
}

fn answer(body: Value) -> Page {
    Page {
        status: 200,
        payload: Payload::Json(body),
        date: None,
        etag: None,
        requests: 1,
    }
}

proptest! {
    #[test]
    fn no_document_makes_the_parsers_panic_or_believe_too_much(
        at in 0usize..90,
        with in prop::option::of(any_json()),
    ) {
        let reading = reading(&[]);
        let read = |item: &Value| people::record(item, &reading, Some("u1"));
        let mut list = page(&[user(0), user(1)], 2, 1);
        mutate(&mut list, &mut at.clone(), with.as_ref());
        let mut walk = Walk::new(Features::default(), false);
        let mut last = walk.take(&answer(list), &read);
        if last == Ok(Step::On) {
            // the server says that there is nothing after it
            let total = walk.listing.total().unwrap_or(0);
            last = walk.take(&answer(page(&[], total, 3)), &read);
        }
        if last == Ok(Step::Done) && walk.listing.total().is_some() {
            prop_assert_eq!(walk.listing.total(), Some(walk.listing.distinct()));
        }

        let mut admin = user(0);
        mutate(&mut admin, &mut at.clone(), with.as_ref());
        if let Ok(record) = read(&admin) {
            // one place changed: either the login is shown as it stands, or it is hidden
            prop_assert_eq!(record.seen.is_empty(), !record.facts.hidden.is_empty());
            let dates = record.seen.values().all(|t| *t > Time::from_seconds(0));
            prop_assert!(dates);
        }
        let mut config = json!({ "patch": { "supported": true }, "etag": { "supported": true },
            "pagination": { "cursor": true, "index": false, "maxPageSize": 10 } });
        mutate(&mut config, &mut at.clone(), with.as_ref());
        let _ = Features::read(&config);
    }

    #[test]
    fn no_body_makes_a_refusal_pass_for_done(
        body in any_json(),
        status in 100u16..600,
        at in 0usize..8,
    ) {
        let mut refusal = error(status, Some("mutability"));
        mutate(&mut refusal, &mut (at + 1), Some(&body));
        for payload in [Payload::Json(refusal), Payload::Json(body), Payload::Other("HTML")] {
            let (verdict, _) = change::judge_active(status, &payload, false);
            let sound = matches!(status, 200 | 204);
            prop_assert!(verdict != AnswerVerdict::Done || sound);
            prop_assert_ne!(verdict, AnswerVerdict::Already);
            if let (200, Payload::Json(body)) = (status, &payload)
                && verdict == AnswerVerdict::Done
            {
                prop_assert!(body.is_object() && people::active(body) != Ok(Some(true)));
            }
            let (verdict, _) = change::judge_delete(status, &payload);
            prop_assert!(verdict != AnswerVerdict::Done || matches!(status, 200 | 202 | 204));
            prop_assert!(verdict != AnswerVerdict::Already || status == 404);
        }
    }
}

#[test]
fn only_a_refusal_in_scim_changed_nothing_for_certain() {
    let scim = |status| Payload::Json(error(status, Some("mutability")));
    for status in [400, 403, 409, 422] {
        assert_eq!(
            change::judge_active(status, &scim(status), false).0,
            AnswerVerdict::Refused
        );
        let html = change::judge_active(status, &Payload::Other("HTML"), false);
        assert_eq!(html.0, AnswerVerdict::Unknown);
    }
    for status in [302, 500, 502, 503, 504] {
        assert_eq!(
            change::judge_active(status, &scim(status), false).0,
            AnswerVerdict::Unknown
        );
        assert_eq!(
            change::judge_delete(status, &scim(status)).0,
            AnswerVerdict::Unknown
        );
    }
    let (verdict, code) = change::judge_active(412, &Payload::Empty, false);
    assert_eq!(
        (verdict, code),
        (AnswerVerdict::Failed, "call.changed-meanwhile")
    );
    let unlike = change::judge_active(200, &Payload::Json(user(1)), false);
    assert_eq!(
        unlike.0,
        AnswerVerdict::Unknown,
        "it shows the user still active"
    );
    assert_eq!(
        change::judge_delete(404, &Payload::Empty).0,
        AnswerVerdict::Unknown
    );
    assert_eq!(
        change::judge_delete(404, &scim(404)).0,
        AnswerVerdict::Already
    );
    assert_eq!(
        change::judge_delete(405, &scim(405)),
        (AnswerVerdict::Refused, "call.not-possible")
    );
}

#[test]
fn the_employee_number_is_that_of_the_enterprise_extension() {
    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let number = |value: Value| {
        let item = json!({ "id": "1", "userName": "a", ENTERPRISE: { "employeeNumber": value } });
        record(&item).employee_number
    };
    assert_eq!(number(json!(" 0042 ")).as_deref(), Some("0042"));
    assert_eq!(number(json!(42)).as_deref(), Some("42"));
    // what cannot be a number is none, and no reason to void a read
    for strange in [json!(null), json!(""), json!(true), json!(["1"])] {
        assert_eq!(number(strange), None);
    }
    assert_eq!(
        record(&json!({ "id": "1", "userName": "a" })).employee_number,
        None
    );
}
