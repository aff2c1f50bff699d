//! Each alert, provoked.

use chrono::TimeDelta;
use chrono::Utc;
use exeunt::sandbox::Role;
use exeunt::sandbox::Story;
use exeunt::sandbox::StoryOptions;
use exeunt::sandbox::cast;
use exeunt::sandbox::docspace::Fault;
use exeunt::sandbox::docspace::FaultRule;

use crate::alerts::alerted;
use crate::alerts::heard;
use crate::alerts::pairs;
use crate::common::crash::status_calls;
use crate::common::receiver::Receiver;
use crate::common::workspace::Workspace;
use crate::json::fits;
use crate::safety::house::House;
use crate::safety::house::LEAVERS;

/// A settled house and a receiver that has nothing to hear.
fn settled(more: &str) -> (House, Receiver) {
    let house = House::settled("", &[LEAVERS]);
    let receiver = Receiver::start();
    alerted(
        &house.ws,
        &receiver,
        &format!("summary = \"never\"\n{more}"),
    );
    house.hours_later(1);
    house.ws.run(&["run"]).exits(0);
    assert_eq!(heard(&receiver), []);
    house.hours_later(1);
    (house, receiver)
}

/// What is heard after a command that ends with this code.
#[track_caller]
fn hears(house: &House, receiver: &Receiver, code: i32, wanted: &[(&str, &str)]) {
    house.ws.run(&["run"]).exits(code);
    assert_eq!(heard(receiver), pairs(wanted));
    let alerts = house.ws.run(&["alerts", "--json"]);
    fits("alerts", &alerts.json());
    house.hours_later(1);
}

#[test]
fn the_first_plan_of_a_tenant_waits_for_a_release() {
    let options = StoryOptions {
        now: Some(Utc::now() - TimeDelta::days(40)),
        ..StoryOptions::default()
    };
    let story = Story::start(&options).unwrap();
    let ws = Workspace::clocked(story.docspace().control());
    let corp = ws.sandbox_directory(story.ldap(), "");
    let portal = ws.tenant(story.docspace(), "");
    ws.configure(&[&corp, &portal, LEAVERS]);
    let receiver = Receiver::start();
    alerted(&ws, &receiver, "");
    ws.run(&["init"]).exits(0);
    let house = House { story, ws };
    hears(&house, &receiver, 5, &[("new", "breaker-tripped")]);
    house
        .ws
        .run(&["alerts"])
        .exits(3)
        .says("the directory corp, the tenant portal")
        .says("exeunt breaker release ");
    house.release();
    hears(&house, &receiver, 0, &[("over", "breaker-tripped")]);
}

#[test]
fn a_suspect_read_and_a_leaver_who_is_late_because_of_it() {
    let (house, receiver) = settled("");
    house.directory().disable(cast(Role::Leaver).email);
    house.ws.run(&["sync"]).exits(0);
    for role in [Role::Active, Role::Idle, Role::Hidden, Role::AlsoActive] {
        house.directory().remove(cast(role).email);
    }
    hears(&house, &receiver, 5, &[("new", "read-suspect")]);
    house.hours_later(20);
    hears(&house, &receiver, 5, &[("new", "leaver-soon")]);
    house.hours_later(3);
    hears(
        &house,
        &receiver,
        5,
        &[("again", "read-suspect"), ("new", "leaver-late")],
    );
}

#[test]
fn a_halt_of_a_tenant_and_of_everything() {
    let (house, receiver) = settled("");
    let halt = |args: &[&str]| {
        let args: Vec<_> = ["halt"].iter().chain(args).copied().collect();
        house.ws.run(&args).exits(0);
    };
    halt(&["on", "--tenant", "portal", "--reason", "upgrade"]);
    hears(&house, &receiver, 0, &[("new", "halt-on")]);
    halt(&["on", "--reason", "wrong people"]);
    hears(&house, &receiver, 0, &[("new", "halt-on")]);
    house
        .ws
        .run(&["alerts"])
        .exits(3)
        .says("calls to every tenant are stopped")
        .says("exeunt halt off --tenant portal");
    halt(&["off"]);
    halt(&["off", "--tenant", "portal"]);
    let over = [("over", "halt-on"), ("over", "halt-on")];
    hears(&house, &receiver, 0, &over);
}

#[test]
fn credentials_that_are_refused_and_a_tenant_that_cannot_be_read() {
    let (house, receiver) = settled("");
    house.tenant().set_token("another one");
    hears(&house, &receiver, 4, &[("new", "run-failed")]);
    house.hours_later(22);
    house.ws.run(&["run"]).exits(4);
    house.hours_later(2);
    house.ws.run(&["run"]).exits(4);
    let all = heard(&receiver);
    assert!(
        all.contains(&("new".to_owned(), "read-stale".to_owned())),
        "{all:?}"
    );
    house.ws.run(&["alerts"]).exits(3).says("exeunt check");
}

#[test]
fn a_call_in_doubt() {
    let (house, receiver) = settled("");
    house.directory().disable(cast(Role::Leaver).email);
    house
        .tenant()
        .add_fault(FaultRule::always(status_calls(), Fault::LostAnswer));
    let ran = house.ws.run(&["run"]);
    let all = heard(&receiver);
    // the answer was lost, and the account read back may already show it
    assert_eq!(ran.code, Some(6), "{}", ran.err);
    assert_eq!(all, pairs(&[("new", "call-in-doubt")]));
}

#[test]
fn accounts_that_are_set_aside() {
    let (house, receiver) = settled("kinds = [\"set-aside\"]");
    house.directory().disable(cast(Role::Leaver).email);
    let refused = Fault::Status {
        status: 404,
        body: None,
    };
    house
        .tenant()
        .add_fault(FaultRule::always(status_calls(), refused));
    for _ in 0..12 {
        house.ws.run(&["run"]);
        house.hours_later(24);
    }
    let all = heard(&receiver);
    assert_eq!(
        all.first(),
        Some(&("again".to_owned(), "set-aside".to_owned()))
    );
    assert!(all.contains(&("new".to_owned(), "set-aside".to_owned())));
    house.ws.run(&["alerts"]).exits(3).says("exeunt retry WHO");
}

#[test]
fn holds_that_come_up_and_a_policy_that_waits() {
    let (house, receiver) = settled("every_hours = 100");
    let until = (house.tenant().now() + TimeDelta::days(16)).format("%Y-%m-%d");
    let until = until.to_string();
    let canary = cast(Role::Canary).email;
    let hold = |kind: &str| {
        let args = [
            "hold",
            "add",
            canary,
            "--kind",
            kind,
            "--owner",
            "HR",
            "--reason",
            "as agreed",
            "--until",
            &until,
        ];
        house.ws.run(&args).exits(0);
    };
    hold("manual");
    hears(&house, &receiver, 0, &[]);
    house.hours_later(72);
    hears(&house, &receiver, 0, &[("new", "hold-ending")]);
    house
        .ws
        .reconfigure("ring = \"enforce\"", "ring = \"enforce\"\nafter_days = 3");
    house.ws.run(&["sync"]).exits(0);
    hears(&house, &receiver, 0, &[]);
    house.ws.reconfigure("after_days = 3", "after_days = 0");
    house.ws.run(&["sync"]).exits(0);
    hears(&house, &receiver, 0, &[("new", "policy-waiting")]);
}
