//! Deleting, removing, handing over, and what is refused inside a 200.

use serde_json::{Value, json};

use super::{Account, is_done};
use crate::sandbox::projectplace::{FailedForm, Gone, IdForm, ROBOT, Role, Sort, Standing, User};

const HEAD: u64 = 1004;
const HEIR: u64 = 1003;

/// An account in which 1004 heads one thing of each sort, each of id 1.
fn with_head() -> Account {
    let account = Account::small();
    let before: Vec<u64> = account.service.headed_by(HEAD).map(|a| a.id).collect();
    assert_eq!(before, [1, 1, 1, 1], "the population's own");
    account
}

fn all_to(heir: Value) -> Value {
    json!({
        "workspaces": { "1": heir }, "portfolios": { "1": heir },
        "teams": { "1": heir }, "templates": { "1": heir },
    })
}

fn standing(account: &Account, id: u64) -> Standing {
    account.service.user(id).unwrap().standing
}

#[test]
fn a_member_is_deleted_and_an_external_removed() {
    let mut account = Account::small();
    let external = account.add("External", Role::External);
    assert!(is_done(&account.delete(1005, json!({})), 1005));
    assert_eq!(standing(&account, 1005), Standing::Deleted);

    assert!(!is_done(&account.delete(external, json!({})), external));
    assert_eq!(standing(&account, external), Standing::Here);
    let (status, reply) = account.take_out("remove_account_user", external, json!({}));
    assert!(status == 200 && is_done(&reply, external));
    assert_eq!(standing(&account, external), Standing::Removed);

    let rows = account.search(json!({}));
    assert_eq!(rows.len(), 5);
    let log: Vec<(u64, bool)> = account
        .service
        .actions()
        .iter()
        .map(|action| (action.user, action.refused.is_none()))
        .collect();
    assert_eq!(log, [(1005, true), (external, false), (external, true)]);
}

#[test]
fn workspaces_stand_one_level_deeper_than_what_else_is_owned() {
    let mut account = with_head();
    let target = format!("/1/account/people/{HEAD}/owned-artifacts");
    let body = account.get(&target);
    let one = |name: &str, id: Value| json!([{ "id": id, "name": name }]);
    assert_eq!(
        body,
        json!({ "1004": {
            "projects_data": { "projects_owner": one("Workspace 3", json!(1)) },
            "portfolios_owner": one("Portfolio 3", json!(1)),
            "teams_owner": one("Team 3", json!(1)),
            "templates_owner": one("Template 3", json!(1)),
        } })
    );
    account.set(|settings| settings.artifact_ids = IdForm::String);
    assert_eq!(
        account.get(&target)["1004"]["teams_owner"],
        one("Team 3", json!("1"))
    );
    let body = account.get("/1/account/people/1005/owned-artifacts");
    assert_eq!(body["1005"]["projects_data"]["projects_owner"], json!([]));
}

#[test]
fn a_head_is_deleted_only_if_everything_is_handed_over_in_the_same_call() {
    let mut account = with_head();
    assert!(!is_done(&account.delete(HEAD, json!({})), HEAD));
    let mut short = all_to(json!(HEIR));
    short["teams"] = json!({});
    assert!(!is_done(&account.delete(HEAD, short), HEAD));
    assert_eq!(account.service.headed_by(HEAD).count(), 4, "nothing moved");
    assert_eq!(standing(&account, HEAD), Standing::Here);

    let mut mixed = all_to(json!(HEIR));
    mixed["workspaces"] = json!({ "1": HEIR.to_string() });
    assert!(is_done(&account.delete(HEAD, mixed), HEAD));
    assert_eq!(standing(&account, HEAD), Standing::Deleted);
    for sort in Sort::ALL {
        assert_eq!(account.service.head_of(sort, 1), Some(HEIR), "{sort:?}");
    }
}

#[test]
fn the_same_holds_for_removing_a_head() {
    let mut account = with_head();
    let (_, reply) = account.take_out("remove_account_user", HEAD, json!({}));
    assert!(!is_done(&reply, HEAD));
    let (_, reply) = account.take_out("remove_account_user", HEAD, all_to(json!(HEIR)));
    assert!(is_done(&reply, HEAD));
    assert_eq!(standing(&account, HEAD), Standing::Removed);
}

#[test]
fn only_another_member_of_the_account_can_take_over() {
    let mut account = with_head();
    let external = account.add("External", Role::External);
    let pending = account.add("Pending", Role::Pending);
    let unregistered = account.add("Unregistered", Role::Unregistered);
    let gone = account.add("Gone", Role::Member);
    assert!(is_done(&account.delete(gone, json!({})), gone));
    for heir in [HEAD, ROBOT, external, pending, unregistered, gone, 999_999] {
        let reply = account.delete(HEAD, all_to(json!(heir)));
        assert!(!is_done(&reply, HEAD), "{heir}");
    }
    let admin = account.add("Admin", Role::Admin);
    let heirs = [1001, 1002, HEIR, admin].map(|heir| json!(heir));
    let maps = json!({
        "workspaces": { "1": heirs[0] }, "portfolios": { "1": heirs[1] },
        "teams": { "1": heirs[2] }, "templates": { "1": heirs[3] },
    });
    assert!(is_done(&account.delete(HEAD, maps), HEAD));
}

#[test]
fn what_somebody_else_heads_is_not_handed_over() {
    let mut account = with_head();
    let other = account
        .service
        .add_artifact(Sort::Team, "Others", 1002)
        .unwrap();
    let mut maps = all_to(json!(HEIR));
    maps["teams"][other.to_string()] = json!(HEIR);
    assert!(!is_done(&account.delete(HEAD, maps), HEAD));
    assert_eq!(account.service.head_of(Sort::Team, other), Some(1002));
}

#[test]
fn a_head_gained_after_the_reading_makes_the_deletion_fail() {
    let mut account = with_head();
    account.get("/1/account/people/1004/owned-artifacts");
    account
        .service
        .add_artifact(Sort::Workspace, "New", HEAD)
        .unwrap();
    assert!(!is_done(&account.delete(HEAD, all_to(json!(HEIR))), HEAD));
}

#[test]
fn an_external_who_heads_something_is_not_deleted_either() {
    let mut account = with_head();
    let external = |user: &mut User| user.role = Role::External;
    account.service.change_user(HEAD, external).unwrap();
    assert!(!is_done(&account.delete(HEAD, all_to(json!(HEIR))), HEAD));
    assert_eq!(account.service.head_of(Sort::Team, 1), Some(HEAD));
}

#[test]
fn owner_co_owner_and_robot() {
    let mut account = Account::small();
    assert!(!is_done(&account.delete(1001, json!({})), 1001));
    account.set(|settings| {
        settings.co_owners_removable = false;
        settings.robots_removable = false;
    });
    assert!(!is_done(&account.delete(1002, json!({})), 1002));
    assert!(!is_done(&account.delete(ROBOT, json!({})), ROBOT));
    account.set(|settings| {
        settings.co_owners_removable = true;
        settings.robots_removable = true;
    });
    assert!(is_done(&account.delete(1002, json!({})), 1002));
    assert!(is_done(&account.delete(ROBOT, json!({})), ROBOT));
    assert_eq!(account.ask("GET", "/1/account", &Value::Null).0, 401);
}

#[test]
fn pending_people_are_deleted_and_unregistered_ones_by_a_setting() {
    let mut account = Account::small();
    let pending = account.add("Pending", Role::Pending);
    let unregistered = account.add("Unregistered", Role::Unregistered);
    assert!(is_done(&account.delete(pending, json!({})), pending));
    let reply = account.delete(unregistered, json!({}));
    assert!(!is_done(&reply, unregistered));
    account.set(|settings| settings.unregistered_deletable = true);
    let reply = account.delete(unregistered, json!({}));
    assert!(is_done(&reply, unregistered));
}

#[test]
fn failed_is_an_object_or_a_list() {
    let mut account = Account::small();
    let reply = account.delete(1001, json!({}));
    assert!(reply["failed"]["1001"].is_string(), "{reply}");
    assert_eq!(reply["succeeded"], json!([]));
    account.set(|settings| settings.failed = FailedForm::List);
    let reply = account.delete(1001, json!({}));
    assert_eq!(reply, json!({ "succeeded": [], "failed": ["1001"] }));
    let reply = account.delete(1005, json!({}));
    assert_eq!(reply, json!({ "succeeded": ["1005"], "failed": [] }));
}

#[test]
fn who_is_gone_already_is_answered_in_one_of_three_ways() {
    let mut account = Account::small();
    account.delete(1005, json!({}));
    assert!(!is_done(&account.delete(1005, json!({})), 1005));
    let owned = "/1/account/people/1005/owned-artifacts";
    assert_eq!(account.get(owned), json!({}));

    account.set(|settings| settings.gone = Gone::Succeeded);
    assert!(is_done(&account.delete(1005, json!({})), 1005));
    assert!(
        !is_done(&account.delete(9_999, json!({})), 9_999),
        "never there"
    );

    account.set(|settings| settings.gone = Gone::NotFound);
    let action = "delete_account_user";
    assert_eq!(account.take_out(action, 1005, json!({})).0, 404);
    assert_eq!(account.take_out(action, 9_999, json!({})).0, 404);
    assert_eq!(account.ask("GET", owned, &Value::Null).0, 404);
}

#[test]
fn a_call_taken_by_half_hands_over_and_then_refuses() {
    let mut account = with_head();
    account.set(|settings| settings.half_taken = true);
    assert!(!is_done(&account.delete(HEAD, all_to(json!(HEIR))), HEAD));
    assert_eq!(standing(&account, HEAD), Standing::Here);
    assert_eq!(account.service.headed_by(HEIR).count(), 4);
}

#[test]
fn the_same_path_adds_an_address_and_deletes_nobody() {
    let mut account = Account::small();
    let add = |email: Value| json!({ "action": "add_secondary_email", "params": [email] });
    let target = "/1/account/people/1005";
    let (status, reply) = account.ask("POST", target, &add(json!("new@x.test")));
    assert!(status == 200 && is_done(&reply, 1005));
    assert_eq!(account.service.find("NEW@x.test").unwrap().id, 1005);
    let (_, reply) = account.ask("POST", target, &add(json!("new@x.test")));
    assert!(!is_done(&reply, 1005), "taken");
    let (_, reply) = account.ask("POST", target, &add(json!("nonsense")));
    assert!(!is_done(&reply, 1005));
    assert_eq!(account.ask("POST", target, &add(json!(5))).0, 400);
    assert_eq!(standing(&account, 1005), Standing::Here);
}

#[test]
fn a_call_of_another_shape_is_refused_with_400_and_changes_nothing() {
    let mut account = Account::small();
    let empty = json!({ "workspaces": {}, "portfolios": {}, "templates": {}, "teams": {} });
    let delete = |params: Value| json!({ "action": "delete_account_user", "params": params });
    for body in [
        Value::Null,
        json!({ "action": "delete_account_user" }),
        json!({ "action": "unheard_of", "params": [{ "1005": empty }] }),
        delete(json!([])),
        delete(json!({ "1005": empty })),
        delete(json!([{ "1006": empty }])),
        delete(json!([{ "1005": empty, "1006": empty }])),
        delete(json!([{ "1005": { "workspaces": {} } }])),
        delete(json!([{ "1005": { "workspaces": { "1": null },
            "portfolios": {}, "templates": {}, "teams": {} } }])),
    ] {
        let (status, _) = account.ask("POST", "/1/account/people/1005", &body);
        assert_eq!(status, 400, "{body}");
    }
    assert_eq!(
        account
            .ask("POST", "/1/account/people/x", &delete(json!([{}])))
            .0,
        400
    );
    assert!(account.service.actions().is_empty());
    assert_eq!(standing(&account, 1005), Standing::Here);
}

#[test]
fn a_workspace_can_be_deleted() {
    let mut account = with_head();
    assert_eq!(account.ask("DELETE", "/1/projects/1", &Value::Null).0, 200);
    assert_eq!(account.ask("DELETE", "/1/projects/1", &Value::Null).0, 404);
    assert_eq!(account.service.head_of(Sort::Workspace, 1), None);
    assert_eq!(account.service.head_of(Sort::Team, 1), Some(HEAD));
}
