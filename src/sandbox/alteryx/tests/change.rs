use serde_json::{Value, json};

use super::{AlteryxHandle, Reply, add, ask, get, now, person, set, tenant};
use crate::sandbox::{
    alteryx::{Bulk, Deleted, Gone, NoWorkspace, Transferred, person_id},
    tenant::{Fault, FaultRule, Matcher},
};

const PEOPLE: &str = "/v4/workspaces/31429/people";
const TRANSFER: &str = "/v4/workspaces/31429/transfer";

async fn delete(tenant: &AlteryxHandle, id: u64) -> Reply {
    ask(tenant, "DELETE", &format!("{PEOPLE}/{id}"), None).await
}

async fn transfer(tenant: &AlteryxHandle, body: Value) -> Reply {
    ask(tenant, "PATCH", TRANSFER, Some(body)).await
}

fn counts(tenant: &AlteryxHandle, id: u64) -> Value {
    json!(tenant.control().with(|s| s.asset_counts(id)))
}

/// Somebody with two flows, a plan and a shared flow; the last is returned too.
fn owner(tenant: &AlteryxHandle) -> (u64, u64) {
    let id = add(tenant, "leaver");
    let shared = tenant.control().with(|s| {
        s.add_asset(id, "flow", false);
        s.add_asset(id, "flow", false);
        s.add_asset(id, "plan", false);
        s.add_asset(id, "flow", true)
    });
    (id, shared)
}

#[tokio::test]
async fn suspending_is_done_one_by_one_or_in_bulk_and_undone_in_bulk() {
    let tenant = tenant(5);
    let (a, b) = (person_id(2), person_id(3));
    let path = format!("{PEOPLE}/{a}/suspended");
    let reply = ask(&tenant, "PUT", &path, None).await;
    assert_eq!((reply.status, reply.json()), (200, json!({})));
    assert!(person(&tenant, a).suspended);
    let bulk = |ids: Value| json!({ "personIds": ids });
    let path = format!("{PEOPLE}/suspend");
    let reply = ask(&tenant, "POST", &path, Some(bulk(json!([b])))).await;
    assert_eq!((reply.status, reply.text.as_str()), (204, ""));
    assert!(person(&tenant, b).suspended);
    let path = format!("{PEOPLE}/unsuspend");
    ask(&tenant, "POST", &path, Some(bulk(json!([a, b])))).await;
    assert!(!person(&tenant, a).suspended && !person(&tenant, b).suspended);
    let reply = ask(&tenant, "POST", &path, Some(bulk(json!(["7"])))).await;
    assert_eq!(reply.exception(), "ApiValidationFailed");
    let request = super::request(&tenant, "POST", &path).body("personIds=7");
    assert_eq!(super::send(request).await.status, 415);
    let twin = "/iam/v1/workspaces/31429/people/suspend";
    let reply = ask(&tenant, "POST", twin, Some(bulk(json!([a])))).await;
    assert_eq!(reply.exception(), "RouteNotFoundException");
}

#[tokio::test]
async fn a_bulk_suspension_leaves_out_whom_it_cannot_and_still_succeeds() {
    let tenant = tenant(4);
    let path = format!("{PEOPLE}/suspend");
    let ids = json!({ "personIds": [9, person_id(1), person_id(2)] });
    assert_eq!(
        ask(&tenant, "POST", &path, Some(ids.clone())).await.status,
        204
    );
    assert!(person(&tenant, person_id(2)).suspended);
    assert!(!person(&tenant, person_id(1)).suspended, "the caller");
    set(&tenant, |s| s.bulk = Bulk::AllOrNothing);
    let path = format!("{PEOPLE}/unsuspend");
    assert_eq!(ask(&tenant, "POST", &path, Some(ids)).await.status, 400);
    assert!(person(&tenant, person_id(2)).suspended);
}

#[tokio::test]
async fn a_suspended_persons_schedules_keep_running_and_a_removed_ones_end() {
    let tenant = tenant(4);
    let control = tenant.control();
    let (id, start) = (person_id(2), control.now());
    let schedule = control.with(|s| s.add_schedule(id, 60, start));
    ask(&tenant, "PUT", &format!("{PEOPLE}/{id}/suspended"), None).await;
    control.advance(120);
    let runs = || {
        let now = control.now();
        control.with(|s| s.asset(schedule).unwrap().runs(now))
    };
    assert_eq!(runs(), 2);
    delete(&tenant, id).await;
    control.advance(600);
    assert_eq!(runs(), 2);
}

#[tokio::test]
async fn removing_answers_in_four_ways_and_then_the_person_is_gone() {
    let tenant = tenant(8);
    for (number, (form, status, body)) in [
        (Deleted::NoContent, 204, ""),
        (Deleted::EmptyList, 200, "[]"),
        (Deleted::List, 200, "[1]"),
        (Deleted::Created, 201, "{}"),
    ]
    .into_iter()
    .enumerate()
    {
        set(&tenant, |s| s.deleted = form);
        let id = person_id(number + 2);
        let reply = delete(&tenant, id).await;
        assert_eq!((reply.status, reply.text.as_str()), (status, body));
        assert!(person(&tenant, id).removed.is_some());
    }
    let reply = delete(&tenant, person_id(2)).await;
    assert_eq!(
        (reply.status, reply.exception().as_str()),
        (404, "DataNotFoundException")
    );
    set(&tenant, |s| s.gone = Gone::Gone);
    let reply = delete(&tenant, person_id(2)).await;
    assert_eq!(
        (reply.status, reply.exception().as_str()),
        (410, "GoneException")
    );
    assert_eq!(get(&tenant, "/v4/people").await.data().len(), 4);
}

#[tokio::test]
async fn nobody_removes_or_suspends_themselves_but_another_administrator_goes() {
    let tenant = tenant(4);
    let own = person_id(1);
    assert_eq!(
        delete(&tenant, own).await.exception(),
        "AccessControlException"
    );
    let path = format!("{PEOPLE}/{own}/suspended");
    assert_eq!(ask(&tenant, "PUT", &path, None).await.status, 403);
    assert!(person(&tenant, own).removed.is_none() && !person(&tenant, own).suspended);
    assert_eq!(delete(&tenant, person_id(0)).await.status, 204);
    tenant.control().with(|s| s.set_suspended(own, true, now()));
    assert_eq!(
        get(&tenant, "/v4/people").await.status,
        401,
        "a suspended caller's token ends"
    );
}

#[tokio::test]
async fn a_workspace_named_by_its_gid_looks_as_if_the_person_were_gone() {
    let tenant = tenant(4);
    let id = person_id(2);
    for workspace in [tenant.credentials().gid.as_str(), "7", "current"] {
        let path = format!("/v4/workspaces/{workspace}/people/{id}");
        let reply = ask(&tenant, "DELETE", &path, None).await;
        assert_eq!(
            (reply.status, reply.exception().as_str()),
            (404, "DataNotFoundException")
        );
    }
    set(&tenant, |s| s.wrong_workspace = NoWorkspace::RouteNotFound);
    let reply = ask(
        &tenant,
        "DELETE",
        &format!("/v4/workspaces/7/people/{id}"),
        None,
    )
    .await;
    assert_eq!(reply.exception(), "RouteNotFoundException");
    assert!(person(&tenant, id).removed.is_none());
}

#[tokio::test]
async fn what_was_not_transferred_goes_with_the_account() {
    let tenant = tenant(4);
    let (from, shared) = owner(&tenant);
    let to = add(&tenant, "heir");
    let reply = transfer(&tenant, json!({ "fromPersonId": from, "toPersonId": to })).await;
    assert_eq!((reply.status, reply.text.as_str()), (200, ""));
    assert_eq!(counts(&tenant, to), json!({ "flow": 2, "plan": 1 }));
    assert_eq!(
        counts(&tenant, from),
        json!({ "flow": 1 }),
        "the shared one stays"
    );
    assert!(
        person(&tenant, from).removed.is_none(),
        "a transfer removes nobody"
    );
    let back = transfer(&tenant, json!({ "fromPersonId": from, "toPersonId": to })).await;
    assert_eq!(back.status, 200, "again, with nothing left to move");
    let done = tenant.control().with(|s| s.transfers().to_vec());
    assert_eq!((done[0].moved.len(), &done[0].left), (3, &vec![shared]));
    assert_eq!((done.len(), done[1].moved.len()), (2, 0));

    delete(&tenant, from).await;
    let lost = tenant.control().with(|s| s.lost_assets());
    assert_eq!((lost.len(), lost[0].id), (1, shared));
    let reply = transfer(&tenant, json!({ "fromPersonId": from, "toPersonId": to })).await;
    assert_eq!(
        (reply.status, reply.exception().as_str()),
        (400, "ValidationFailed")
    );
    assert_eq!(counts(&tenant, to), json!({ "flow": 2, "plan": 1 }));
}

#[tokio::test]
async fn a_transfer_takes_addresses_and_chosen_assets_too() {
    let tenant = tenant(4);
    let (from, _) = owner(&tenant);
    let to = add(&tenant, "heir");
    let flows = tenant.control().with(|s| s.assets_of(from));
    let mails =
        json!({ "fromPersonEmail": "leaver@example.test", "toPersonEmail": "heir@example.test" });
    let mut some = mails.clone();
    some["assets"] = json!({ "flow": [flows[0].id], "plan": "all" });
    set(&tenant, |s| s.transferred = Transferred::Nested);
    let reply = ask(
        &tenant,
        "PATCH",
        "/v4/workspaces/current/transfer",
        Some(some),
    )
    .await;
    assert_eq!(reply.status, 201);
    assert_eq!(reply.json()[0][0].as_array().unwrap().len(), 2);
    assert_eq!(counts(&tenant, to), json!({ "flow": 1, "plan": 1 }));
    set(&tenant, |s| s.transferred = Transferred::NoContent);
    assert_eq!(transfer(&tenant, mails).await.status, 204);
    assert_eq!(counts(&tenant, to), json!({ "flow": 2, "plan": 1 }));
}

#[tokio::test]
async fn a_transfer_that_makes_no_sense_moves_nothing() {
    let tenant = tenant(4);
    let (from, _) = owner(&tenant);
    let before = counts(&tenant, from);
    let to = person_id(2);
    for (body, status) in [
        (json!({ "fromPersonId": from }), 400),
        (
            json!({ "fromPersonId": from, "toPersonEmail": "heir@example.test" }),
            400,
        ),
        (json!({ "fromPersonId": from, "toPersonId": from }), 400),
        (
            json!({ "fromPersonId": from.to_string(), "toPersonId": to }),
            400,
        ),
        (json!({ "fromPersonId": from, "toPersonId": 9 }), 404),
        (
            json!({ "fromPersonId": from, "toPersonId": to, "assets": { "shoe": "all" } }),
            400,
        ),
        (
            json!({ "fromPersonId": from, "toPersonId": to, "assets": { "plan": "all", "flow": [99_999] } }),
            404,
        ),
        (json!([]), 400),
    ] {
        let reply = transfer(&tenant, body.clone()).await;
        assert_eq!(reply.status, status, "{body}: {}", reply.text);
        assert_eq!(counts(&tenant, from), before, "{body}");
    }
}

#[tokio::test]
async fn the_receiver_of_a_transfer_may_be_suspended_and_nobody_minds() {
    let tenant = tenant(4);
    let (from, _) = owner(&tenant);
    let to = add(&tenant, "heir");
    tenant.control().with(|s| s.set_suspended(to, true, now()));
    let body = json!({ "fromPersonId": from, "toPersonId": to });
    assert_eq!(transfer(&tenant, body).await.status, 200);
    assert_eq!(counts(&tenant, to), json!({ "flow": 2, "plan": 1 }));
}

#[tokio::test]
async fn a_change_can_be_answered_with_success_and_not_made() {
    let tenant = tenant(4);
    let (id, _) = owner(&tenant);
    set(&tenant, |s| s.deaf = [id].into());
    assert_eq!(delete(&tenant, id).await.status, 204);
    ask(&tenant, "PUT", &format!("{PEOPLE}/{id}/suspended"), None).await;
    transfer(
        &tenant,
        json!({ "fromPersonId": id, "toPersonId": person_id(2) }),
    )
    .await;
    let person = person(&tenant, id);
    assert!(person.removed.is_none() && !person.suspended);
    assert_eq!(counts(&tenant, id), json!({ "flow": 3, "plan": 1 }));
}

#[tokio::test]
async fn a_lost_answer_has_removed_and_a_dropped_request_has_not() {
    let tenant = tenant(5);
    for (number, fault, removed) in [(2, Fault::LostAnswer, true), (3, Fault::Drop, false)] {
        let id = person_id(number);
        let rule = FaultRule::once(Matcher::new("DELETE", PEOPLE), fault);
        tenant.control().add_fault(rule);
        let request = super::request(&tenant, "DELETE", &format!("{PEOPLE}/{id}"));
        assert!(request.send().await.is_err());
        assert_eq!(person(&tenant, id).removed.is_some(), removed);
    }
}

#[tokio::test]
async fn the_controls_are_there_by_name_too() {
    let tenant = tenant(4);
    let call = async |name: &str, args: Value| {
        let url = format!("{}/_sandbox/{name}", tenant.url());
        super::send(super::client().post(url).json(&args))
            .await
            .json()
    };
    let id = call(
        "add_person",
        json!({ "email": "by@example.test", "created": now() }),
    )
    .await;
    assert_eq!(
        call("find", json!({ "email": "by@example.test" })).await["id"],
        id
    );
    assert_eq!(
        call("set_login", json!({ "id": id, "at": now() })).await,
        json!(true)
    );
    call("add_asset", json!({ "id": id, "kind": "plan" })).await;
    assert_eq!(
        call("asset_counts", json!({ "id": id })).await,
        json!({ "plan": 1 })
    );
    call("remove_person", json!({ "id": id })).await;
    assert_eq!(
        call("lost_assets", json!({}))
            .await
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let mut settings = call("settings", json!({})).await;
    settings["gone"] = json!("gone");
    call("set_settings", settings).await;
    assert_eq!(get(&tenant, &format!("/v4/people/{id}")).await.status, 410);
    let pair = call("issue_tokens", json!({ "origin": tenant.url() })).await;
    assert!(pair["access_token"].is_string());
    let error = &call("fly", json!({})).await["error"];
    assert_eq!(error, "no function fly");
}
