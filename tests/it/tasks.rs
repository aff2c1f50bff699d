//! Leavers whom no step may touch: what a person reads about them, and what closes a task.

use chrono::TimeDelta;
use exeunt::sandbox::Role;
use exeunt::sandbox::cast;
use exeunt::sandbox::docspace::Kind;
use serde_json::Value;

use crate::attack::firm::Firm;
use crate::attack::firm::LEAVERS;
use crate::json::fits;

mod release;

pub(crate) const ANTON: &str = "anton.berger@example.com";

/// The company, with policy, and Anton, an administrator, gone from the directory's side.
pub(crate) fn anton_has_left(firm: &Firm) {
    assert!(firm.directory().disable("anton.berger"));
    firm.ex(&["sync"]).exits(0).says("tasks anton.berger");
}

fn task(firm: &Firm) -> Value {
    let document = firm.json(&["tasks"]);
    fits("tasks", &document);
    let items = document["items"].as_array().unwrap();
    let own: Vec<_> = items.iter().filter(|i| i["email"] == ANTON).collect();
    assert_eq!(own.len(), 1, "{document:#}");
    own[0].clone()
}

fn tasks(firm: &Firm) -> usize {
    firm.json(&["tasks"])["items"].as_array().unwrap().len()
}

#[test]
fn an_administrator_who_has_left_is_a_task_until_a_read_shows_the_demotion() {
    let firm = Firm::new(LEAVERS);
    firm.ex(&["sync"]).exits(0);
    anton_has_left(&firm);

    // a person reads it first, and is told what to do here, in order
    let status = firm.ex(&["status"]);
    let first = status.out.lines().next().unwrap();
    assert!(first.starts_with("TASKS BY HAND: 1 account"), "{first}");
    status.says("The account administers the tenant.");
    let list = firm.ex(&["tasks"]).exits(0);
    list.says(ANTON)
        .says("nobody yet")
        .says("Only the owner can change a DocSpace administrator");
    let opened = task(&firm);
    assert_eq!(opened["state"], "open");
    assert_eq!(
        opened["because"],
        serde_json::json!(["block.protected-admin"])
    );
    let shown = firm.ex(&["tasks", ANTON]).exits(0);
    let steps = shown.out.clone();
    shown
        .says("Why no step may touch the account")
        .says("Where the portal has this is not known to Exeunt")
        .says("Settings > Developer Tools > API keys")
        .says("PUT /api/2.0/people/status/2");
    let at = |text: &str| {
        steps
            .find(text)
            .unwrap_or_else(|| panic!("no {text} in {steps}"))
    };
    assert!(at("another role") < at("delete its keys"));
    assert!(at("delete its keys") < at("people/status/2"));

    // whoever takes it is noted; that somebody says it is done closes nothing
    let id = opened["id"].to_string();
    let take = [
        "tasks",
        "take",
        &id,
        "--by",
        "Olga",
        "--note",
        "done on Friday",
    ];
    firm.ex(&take).exits(0).says("Olga sees to task");
    firm.ex(&["sync"]).exits(0);
    let taken = task(&firm);
    assert_eq!(taken["state"], "taken");
    assert_eq!(taken["taken"]["by"], "Olga");
    assert_eq!(taken["taken"]["note"], "done on Friday");
    for entry in firm.entries("task.taken") {
        let text = entry.to_string();
        assert!(!text.contains("Olga") && !text.contains("Friday"), "{text}");
    }

    // a read that fails closes nothing either; a complete one does, and the normal way goes on
    let anton = cast(Role::Admin).account.unwrap();
    assert!(firm.tenant().set_kind(anton, Kind::User));
    firm.ex(&["sync", "corp"]).exits(0);
    assert_eq!(tasks(&firm), 1);
    firm.ex(&["sync"])
        .exits(0)
        .says("the task about anton.berger@example.com is over");
    assert_eq!(tasks(&firm), 0);
    let closed = firm.entries("task.closed");
    assert_eq!(closed.len(), 1);
    assert_eq!(closed[0]["data"]["because"], "task.demoted");
    let read = closed[0]["data"]["read"].as_u64().unwrap();
    let entry = firm.json(&["log", "--from", &read.to_string(), "--limit", "1"]);
    assert_eq!(entry["items"][0]["type"], "source.read");
    assert_eq!(entry["items"][0]["data"]["source"], "portal");
    assert!(firm.emails(&["plan"]).contains(&ANTON.to_owned()));

    // the whole of it is told
    firm.ex(&["why", ANTON])
        .exits(0)
        .says("was opened: anton.berger@example.com has left, and no step may touch the account")
        .says("by: Olga")
        .says("is over: a complete read shows that nothing in the tenant protects");
    firm.ex(&["rebuild"]).exits(0);
    firm.ex(&["verify"]).exits(0);
}

#[test]
fn whoever_is_shut_out_by_hand_is_over_with_the_next_complete_read() {
    let firm = Firm::new(LEAVERS);
    firm.ex(&["sync"]).exits(0);
    anton_has_left(&firm);
    let anton = cast(Role::Admin).account.unwrap();
    let disabled = exeunt::sandbox::docspace::Status::Terminated;
    assert!(firm.tenant().set_status(anton, disabled));
    firm.ex(&["sync"]).exits(0);
    assert_eq!(tasks(&firm), 0);
    assert_eq!(
        firm.entries("task.closed")[0]["data"]["because"],
        "task.disabled"
    );
}

#[test]
fn a_departure_that_is_withdrawn_ends_the_task() {
    let firm = Firm::new(LEAVERS);
    firm.ex(&["sync"]).exits(0);
    anton_has_left(&firm);
    assert!(firm.directory().enable("anton.berger"));
    firm.ex(&["sync"]).exits(0);
    assert_eq!(tasks(&firm), 0);
    let closed = firm.entries("task.closed");
    assert_eq!(closed[0]["data"]["because"], "task.not-a-leaver");
    assert_eq!(closed[0]["data"]["read"], Value::Null);
    // they leave again: another task
    anton_has_left(&firm);
    assert_eq!(firm.entries("task.opened").len(), 2);
}

/// The user of our own key, who administers too, and the owner.
#[test]
fn the_user_of_our_own_key_and_the_owner_are_told_what_comes_first() {
    let firm = Firm::new(LEAVERS);
    let anton = cast(Role::Admin).account.unwrap();
    firm.tenant().set_key_user(anton);
    firm.ex(&["sync"]).exits(0);
    anton_has_left(&firm);
    assert!(firm.directory().disable("olivia.marchetti"));
    firm.ex(&["sync"]).exits(0);
    let own = task(&firm);
    assert_eq!(own["because"][0], "block.protected-own-credential");
    assert_eq!(own["releasable"], false);
    firm.ex(&["tasks", ANTON])
        .exits(0)
        .says("1. Exeunt signs in with an API key that acts as this account.");
    firm.ex(&["tasks", "olivia.marchetti@example.com"])
        .exits(0)
        .says("1. Only the owner can hand the portal over");
}

/// What the tenant takes from its own LDAP is shut out there.
#[test]
fn an_account_that_the_tenant_takes_from_elsewhere_is_a_task_for_there() {
    let firm = Firm::new(LEAVERS);
    firm.ex(&["sync"]).exits(0);
    let managed = cast(Role::LdapManaged);
    assert!(firm.directory().disable(managed.uid.unwrap()));
    firm.ex(&["sync"]).exits(0);
    let shown = firm.ex(&["tasks", managed.email]).exits(0);
    assert!(!shown.out.contains("people/status"), "{}", shown.out);
    shown.says("its own LDAP synchronisation");
}

/// The task stands on the clock of leavers.
#[test]
fn a_task_has_the_clock_of_its_leaver() {
    let firm = Firm::new(LEAVERS);
    firm.ex(&["sync"]).exits(0);
    anton_has_left(&firm);
    let due = task(&firm)["due"].as_str().unwrap().to_owned();
    let now = firm.tenant().now() + TimeDelta::days(2);
    assert!(due < now.to_rfc3339());
    firm.hours_later(48);
    firm.ex(&["sync"]).exits(0);
    firm.ex(&["status"]).exits(3).says("LATE");
    assert_eq!(task(&firm)["clock"]["state"], "late");
}
