//! Replacing, deleting and making users.

use serde_json::{Value, json};

use super::{Provider, header};
use crate::sandbox::scim::{Delete, PutAbsent};

#[test]
fn a_put_empties_what_it_leaves_out_unless_set_otherwise() {
    let mut provider = Provider::of(3);
    let id = provider.id(0);
    let path = format!("/Users/{id}");
    let now = provider.now;
    provider
        .service
        .change(&id, now, |user| user.active = false);
    let name = provider.user(&id).user_name.clone();
    let body = json!({ "userName": name, "id": "other", "meta": {}, "nickName": "N" });
    provider.set(|s| s.put_absent = PutAbsent::Keeps);
    let (status, row) = provider.ask("PUT", &path, &body);
    assert_eq!(
        (status, &row["id"]),
        (200, &json!(id)),
        "the id is read-only"
    );
    assert_eq!(
        (&row["active"], &row["nickName"]),
        (&json!(false), &json!("N"))
    );
    assert!(row["roles"].is_array() && row["externalId"].is_string());
    provider.set(|s| s.put_absent = PutAbsent::Clears);
    let (_, row) = provider.ask("PUT", &path, &json!({ "userName": name }));
    assert_eq!(
        row["active"],
        json!(true),
        "a forgotten attribute lets somebody in again"
    );
    for gone in ["roles", "externalId", "emails", "name", "nickName"] {
        assert_eq!(row.get(gone), None, "{gone}");
    }
    let refused = provider.refused("PUT", &path, &json!({}));
    assert_eq!(refused, (400, json!("invalidValue")));
    let text = json!({ "userName": name, "active": "False" });
    assert_eq!(provider.refused("PUT", &path, &text).0, 400);
}

#[test]
fn what_was_read_can_be_put_back_without_a_change() {
    let mut provider = Provider::of(3);
    for place in 0..3 {
        let path = format!("/Users/{}", provider.id(0));
        let row = provider.get(&path);
        let (status, new) = provider.ask("PUT", &path, &row);
        assert_eq!((status, new), (200, row), "{place}");
    }
}

#[test]
fn a_deletion_removes_deactivates_or_hides() {
    let mut provider = Provider::of(5);
    let (a, b, c) = (provider.id(1), provider.id(2), provider.id(3));
    let mut delete = |how, id: &str| {
        provider.set(|s| s.delete = how);
        let (status, body) = provider.ask("DELETE", &format!("/Users/{id}"), &Value::Null);
        assert_eq!(body, "", "{how:?}");
        assert_eq!(status, 204);
        provider.ask("GET", &format!("/Users/{id}"), &Value::Null)
    };
    assert_eq!(delete(Delete::Removes, &a).0, 404);
    let (status, row) = delete(Delete::Deactivates, &b);
    assert_eq!((status, &row["active"]), (200, &json!(false)));
    assert_eq!(delete(Delete::Hides, &c).0, 404);
    assert_eq!(provider.get("/Users")["totalResults"], json!(3));
    let path = format!("/Users/{a}");
    assert_eq!(
        provider.refused("DELETE", &path, &json!(null)),
        (404, Value::Null)
    );
    assert_eq!(provider.service.removed().len(), 1);
    let again = |provider: &mut Provider, id: &str| {
        let name = {
            let gone = provider.service.removed().iter();
            let mut users = gone.chain(provider.service.users());
            let user = users.find(|user| user.id == id).unwrap();
            user.user_name.to_uppercase()
        };
        provider.ask("POST", "/Users", &json!({ "userName": name }))
    };
    assert_eq!(again(&mut provider, &c).0, 409, "the name is still taken");
    assert_eq!(again(&mut provider, &b).1["scimType"], "uniqueness");
    let (status, row) = again(&mut provider, &a);
    assert_eq!(status, 201);
    assert_ne!(row["id"], json!(a), "whoever comes back is somebody new");
    provider.set(|s| s.delete = Delete::Unsupported);
    assert_eq!(
        provider
            .refused("DELETE", &format!("/Users/{b}"), &json!(null))
            .0,
        501
    );
}

#[test]
fn a_new_user_has_an_address() {
    let mut provider = Provider::of(1);
    let body = json!({ "userName": "New@x.test", "name": { "givenName": "New" }, "active": false });
    let answer = provider.raw("POST", "/Users", &[], &body);
    assert_eq!(answer.status, 201);
    let location = header(&answer, "location").unwrap();
    let path = location
        .strip_prefix("http://127.0.0.1:1/scim/v2")
        .unwrap()
        .to_owned();
    let row = provider.get(&path);
    assert_eq!(
        (&row["userName"], &row["active"]),
        (&json!("New@x.test"), &json!(false))
    );
}

#[test]
fn some_are_refused_and_some_are_deaf() {
    let mut provider = Provider::of(5);
    let (no, deaf) = (provider.id(1), provider.id(2));
    provider.set(|s| (s.refused, s.deaf) = ([no.clone()].into(), [deaf.clone()].into()));
    let off = || json!([{ "op": "replace", "path": "active", "value": false }]);
    assert_eq!(provider.patch(&no, off()), 403);
    assert_eq!(
        provider
            .refused("DELETE", &format!("/Users/{no}"), &json!(null))
            .0,
        403
    );
    assert_eq!(provider.patch(&deaf, off()), 204);
    assert!(provider.user(&deaf).active, "and nothing is done");
    assert_eq!(
        provider
            .ask("DELETE", &format!("/Users/{deaf}"), &json!(null))
            .0,
        204
    );
    assert_eq!(provider.get("/Users")["totalResults"], json!(5));
}

#[test]
fn bodies_are_of_the_media_type() {
    let mut provider = Provider::of(3);
    let id = provider.id(1);
    let name = provider.user(&id).user_name.clone();
    let path = format!("/Users/{id}");
    let json = [("content-type", "application/json")];
    let body = json!({ "userName": name });
    assert_eq!(provider.raw("PUT", &path, &json, &body).status, 415);
    provider.set(|s| s.strict_media_type = false);
    let answer = provider.raw("PUT", &path, &json, &body);
    let kind = header(&answer, "content-type");
    assert_eq!(
        (answer.status, kind.as_deref()),
        (200, Some("application/scim+json"))
    );
    let refused = provider.refused("PUT", &path, &json!([1]));
    assert_eq!(refused, (400, json!("invalidSyntax")));
    provider.set(|s| s.plain_json = true);
    assert_eq!(
        header(
            &provider.raw("GET", &path, &[], &json!(null)),
            "content-type"
        ),
        None
    );
}
