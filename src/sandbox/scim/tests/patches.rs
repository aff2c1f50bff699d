//! Patches, and the one form of them that a server in the field takes.

use serde_json::{Value, json};

use super::{Provider, header, patch_of};
use crate::sandbox::scim::{ActiveForm, ActiveValue, Disliked, Etag, OpCase, PatchPath, Patches};

/// The ways in which clients write that a user is to be inactive.
fn dialects() -> [(&'static str, Value); 6] {
    let path = |op: &str, value: Value| json!([{ "op": op, "path": "active", "value": value }]);
    let object = |op: &str, value: Value| json!([{ "op": op, "value": { "active": value } }]);
    [
        ("path", path("replace", json!(false))),
        ("object", object("replace", json!(false))),
        ("Path", path("Replace", json!(false))),
        ("path text", path("replace", json!("False"))),
        ("Path text", path("Replace", json!("False"))),
        ("object text", object("replace", json!("False"))),
    ]
}

/// Returns the dialects that made a user inactive.
fn taken(rules: &Patches) -> Vec<&'static str> {
    let mut taken = Vec::new();
    for (name, operations) in dialects() {
        let mut provider = Provider::of(3);
        provider.set(|s| s.patch = rules.clone());
        let id = provider.id(2);
        let status = provider.patch(&id, operations);
        let inactive = !provider.user(&id).active;
        assert_eq!(inactive, status == 204, "{name}: {status}");
        assert!(inactive || status == 400, "{name}: {status}");
        if inactive {
            taken.push(name);
        }
    }
    taken
}

#[test]
fn a_server_takes_the_dialects_that_it_is_set_to() {
    let rules = Patches::default();
    assert_eq!(taken(&rules), ["path", "object", "Path"]);
    let path = PatchPath::Required;
    assert_eq!(
        taken(&Patches {
            path,
            ..rules.clone()
        }),
        ["path", "Path"]
    );
    let path = PatchPath::Refused;
    assert_eq!(
        taken(&Patches {
            path,
            ..rules.clone()
        }),
        ["object"]
    );
    let op = OpCase::Capital;
    assert_eq!(
        taken(&Patches {
            op,
            ..rules.clone()
        }),
        ["Path"]
    );
    let op = OpCase::Small;
    assert_eq!(
        taken(&Patches {
            op,
            ..rules.clone()
        }),
        ["path", "object"]
    );
    let active = ActiveValue::Text;
    assert_eq!(
        taken(&Patches {
            active,
            ..rules.clone()
        }),
        ["path text", "Path text", "object text"]
    );
    let active = ActiveValue::Any;
    assert_eq!(taken(&Patches { active, ..rules }).len(), 6);
}

#[test]
fn a_disliked_patch_can_be_answered_with_success() {
    let mut provider = Provider::of(3);
    let id = provider.id(2);
    provider.set(|s| {
        s.patch.active = ActiveValue::Text;
        s.patch.disliked = Disliked::Ignored;
        s.patch.body = true;
    });
    let body = patch_of(json!([{ "op": "replace", "path": "active", "value": false }]));
    let (status, row) = provider.ask("PATCH", &format!("/Users/{id}"), &body);
    assert_eq!(
        (status, &row["active"]),
        (200, &json!(true)),
        "and nothing is done"
    );
    assert_eq!(provider.user(&id).version, 1);
}

#[test]
fn no_patches_at_all_leave_the_put() {
    let mut provider = Provider::of(3);
    let id = provider.id(2);
    let path = format!("/Users/{id}");
    provider.set(|s| s.patch.supported = false);
    let off = || json!([{ "op": "replace", "path": "active", "value": false }]);
    assert_eq!(provider.patch(&id, off()), 501);
    provider.set(|s| s.unsupported = 405);
    assert_eq!(provider.patch(&id, off()), 405);
    let mut row = provider.get(&path);
    row["active"] = json!(false);
    let (status, new) = provider.ask("PUT", &path, &row);
    assert_eq!((status, &new["active"]), (200, &json!(false)));
    assert_eq!(new["externalId"], row["externalId"]);
}

#[test]
fn an_unknown_active_has_no_effect_and_a_hidden_one_has() {
    let mut provider = Provider::of(3);
    let id = provider.id(2);
    let off = || json!([{ "op": "replace", "path": "active", "value": false }]);
    provider.set(|s| s.active = ActiveForm::Unknown);
    assert_eq!(provider.patch(&id, off()), 204);
    assert!(provider.user(&id).active);
    provider.set(|s| s.active = ActiveForm::Hidden);
    assert_eq!(provider.patch(&id, off()), 204);
    assert!(!provider.user(&id).active);
}

#[test]
fn other_attributes_are_patched_and_wrong_ones_refused() {
    let mut provider = Provider::of(3);
    let id = provider.id(0);
    let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let operations = json!([
        { "op": "replace", "path": "name.familyName", "value": "Nova" },
        { "op": "add", "path": format!("{urn}:employeeNumber"), "value": "N1" },
        { "op": "remove", "path": "roles" },
        { "op": "remove", "path": "externalId" },
        { "op": "add", "value": { "title": "Boss" } },
    ]);
    assert_eq!(provider.patch(&id, operations), 204);
    let user = provider.user(&id).clone();
    assert_eq!(
        (user.family_name.as_str(), user.admin, user.external_id),
        ("Nova", false, None)
    );
    assert_eq!(user.employee_number.as_deref(), Some("N1"));
    assert!(user.active, "what is not named stays");
    assert_eq!(provider.get(&format!("/Users/{id}"))["title"], "Boss");
    let path = format!("/Users/{id}");
    let wrong = [
        (json!([{ "op": "remove" }]), "noTarget"),
        (json!([{ "op": "move", "path": "active" }]), "invalidSyntax"),
        (json!([]), "invalidSyntax"),
        (
            json!([{ "op": "replace", "path": "id", "value": "x" }]),
            "mutability",
        ),
        (
            json!([{ "op": "replace", "path": "emails[type eq \"work\"].value", "value": "x" }]),
            "invalidPath",
        ),
        (
            json!([{ "op": "replace", "path": "active" }]),
            "invalidValue",
        ),
        (
            json!([{ "op": "remove", "path": "userName" }]),
            "invalidValue",
        ),
    ];
    for (operations, kind) in wrong {
        let refused = provider.refused("PATCH", &path, &patch_of(operations));
        assert_eq!(refused, (400, json!(kind)));
    }
    let bare = json!({ "Operations": [{ "op": "remove", "path": "title" }] });
    assert_eq!(
        provider.refused("PATCH", &path, &bare).1,
        json!("invalidSyntax")
    );
    assert_eq!(
        provider.user(&id).version,
        2,
        "nothing of a refused patch is kept"
    );
}

#[test]
fn a_version_of_before_is_refused() {
    let mut provider = Provider::of(3);
    let id = provider.id(2);
    let path = format!("/Users/{id}");
    let answer = provider.raw("GET", &path, &[], &Value::Null);
    let tag = header(&answer, "etag").unwrap();
    let now = provider.now;
    let off = |provider: &mut Provider, tag: Option<&str>| {
        let body = patch_of(json!([{ "op": "replace", "path": "active", "value": false }]));
        let more: Vec<(&str, &str)> = tag.map(|tag| ("if-match", tag)).into_iter().collect();
        provider.raw("PATCH", &path, &more, &body).status
    };
    provider
        .service
        .change(&id, now, |user| user.given_name = "New".to_owned());
    assert_eq!(off(&mut provider, Some(&tag)), 412);
    assert!(provider.user(&id).active);
    assert_eq!(
        provider
            .raw("DELETE", &path, &[("if-match", &tag)], &Value::Null)
            .status,
        412
    );
    provider.set(|s| s.etag = Etag::Required);
    assert_eq!(off(&mut provider, None), 428);
    assert_eq!(off(&mut provider, Some("W/\"9\", W/\"2\"")), 204);
    assert_eq!(off(&mut provider, Some("*")), 204);
    let seen = provider.raw("GET", &path, &[("if-none-match", "W/\"3\"")], &Value::Null);
    assert_eq!(seen.status, 304, "the second one changed nothing");
    provider.set(|s| s.etag = Etag::None);
    assert_eq!(off(&mut provider, Some(&tag)), 204);
    assert_eq!(
        header(&provider.raw("GET", &path, &[], &Value::Null), "etag"),
        None
    );
}
