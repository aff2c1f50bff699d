//! The whole way, and everything that stops on it.

use std::time::Duration;
use std::time::Instant;

use exeunt::domain::code::says;
use exeunt::sandbox::Leaving;
use exeunt::sandbox::Role;
use exeunt::sandbox::cast;
use exeunt::sandbox::docspace::Fault;
use exeunt::sandbox::docspace::FaultRule as FaultOf;
use exeunt::sandbox::docspace::GateAt;
use exeunt::sandbox::docspace::Kind;
use exeunt::sandbox::docspace::Matcher;
use exeunt::sandbox::docspace::Status;
use exeunt::sandbox::ldap::Fault as LdapFault;
use exeunt::sandbox::ldap::FaultRule;

use crate::common::workspace::finish;
use crate::safety::estate::APPROVED;
use crate::safety::estate::Estate;
use crate::safety::house::House;
use crate::safety::house::IDLE;
use crate::safety::house::LEAVERS;

const LENA: &str = "lena@house.test";
const RELEASE: [&str; 5] = [
    "breaker",
    "release",
    "plan.json",
    "--reason",
    "she has left",
];

#[test]
fn from_a_departure_to_a_confirmed_removal() {
    let estate = Estate::start(&[LENA, "ada@house.test"], &[APPROVED]);
    let ws = &estate.ws;
    estate.sync();
    let plan = ws.run(&["plan", "--out", "plan.json"]).exits(0);
    plan.says(LENA)
        .says("leaver.disabled")
        .says("this is the first plan for the directory corp");
    ws.run(&["apply", "plan.json"])
        .exits(5)
        .says("0 of 1 approvals");
    ws.run(&["approve", "plan.json"])
        .exits(5)
        .says("--confirm 1");
    ws.run(&["approve", "plan.json", "--confirm", "2"]).exits(5);
    ws.run(&["approve", "plan.json", "--confirm", "1"])
        .exits(0)
        .says(LENA);
    ws.run(&["apply", "plan.json"])
        .exits(5)
        .says("block.first-contact");
    assert!(estate.sent().is_empty());
    ws.run(&RELEASE).exits(0);
    ws.run(&["apply", "plan.json"])
        .exits(0)
        .says("done")
        .says(LENA);

    let sent = estate.sent();
    assert_eq!(sent.len(), 1, "{sent:?}");
    let lena = estate.user(LENA);
    let wanted = serde_json::json!([lena.id.to_string()]);
    assert_eq!(sent[0].body.as_ref().unwrap()["userIds"], wanted);
    assert_eq!(
        (sent[0].method.as_str(), sent[0].status),
        ("PUT", Some(200))
    );
    assert_eq!(lena.status, Status::Terminated);
    assert_eq!(estate.user("ada@house.test").status, Status::Active);
    ws.run(&["why", LENA])
        .exits(0)
        .says("done, HTTP 200")
        .says("the same answer");

    estate.sync();
    let confirmed = "a later complete read of the tenant confirms it";
    ws.run(&["why", LENA])
        .exits(0)
        .says(confirmed)
        .says("the same answer");
    let confirmations = ws.entries_of("command.confirmed");
    let outcomes = ws.entries_of("command.outcome");
    let intents = ws.entries_of("command.intended");
    assert_eq!(
        (intents.len(), outcomes.len(), confirmations.len()),
        (1, 1, 1)
    );
    assert_eq!(outcomes[0]["cause"], intents[0]["id"]);
    ws.run(&["apply", "plan.json"]).exits(0).says_not("done  ");
    ws.run(&["run"]).exits(0);
    assert_eq!(estate.sent().len(), 1);
    ws.is_sound();
}

#[test]
fn leavers_who_are_protected_or_managed_stand_first_in_status() {
    let estate = Estate::start(&[LENA, "nils@house.test"], &[LEAVERS]);
    let control = estate.control();
    let users = control.users();
    let owner = users.iter().find(|u| u.kind == Kind::Owner).unwrap();
    control.set_email(owner.id, "emil@house.test");
    control.set_kind(estate.user("nils@house.test").id, Kind::Admin);
    control.change_user(estate.user(LENA).id, |user| user.ldap = true);
    estate.ws.run(&["run"]).exits(0);
    let status = estate.ws.run(&["status"]).exits(0);
    // what a person must do comes first, then who is still in
    let tasks = "TASKS BY HAND: 3 accounts of people who have left, which no step may touch";
    assert!(status.out.starts_with(tasks), "{}", status.out);
    let lines = status.out.lines();
    let lines: Vec<_> = lines.skip_while(|l| !l.starts_with("LEAVERS")).collect();
    assert_eq!(
        lines[0],
        "LEAVERS STILL IN: 3 accounts of people who have left, 2 about to be late"
    );
    let first = lines[2..5].join("\n");
    for (email, block) in [
        ("emil@house.test", "block.protected-owner"),
        ("nils@house.test", "block.protected-admin"),
        (LENA, "block.provider-managed"),
    ] {
        let line = first.lines().find(|line| line.starts_with(email)).unwrap();
        assert!(line.contains(&says(block)), "{line}");
        let plan = estate.ws.run(&["plan"]).exits(0);
        let line = plan.out.lines().find(|line| line.contains(email)).unwrap();
        assert!(
            line.starts_with("leaver still in") && line.contains(&says(block)),
            "{line}"
        );
        estate
            .ws
            .run(&["why", email])
            .exits(0)
            .says("LEAVER STILL IN");
    }
    assert!(estate.sent().is_empty());
}

#[test]
fn somebody_who_is_enabled_again_after_the_plan_is_left_alone() {
    let estate = Estate::start(&[LENA, "nils@house.test"], &[APPROVED]);
    estate.approved_plan(2);
    estate.clear("locked", "pwdAccountLockedTime");
    let ran = estate.ws.run(&["apply", "plan.json"]).exits(0);
    let line = ran.out.lines().find(|line| line.contains(LENA)).unwrap();
    assert!(line.starts_with("withheld"), "{line}");
    assert_eq!(estate.user(LENA).status, Status::Active);
    // The other one goes on.
    assert_eq!(estate.user("nils@house.test").status, Status::Terminated);
    assert_eq!(estate.sent().len(), 1);
    let withheld = estate.ws.entries_of("step.withheld");
    assert_eq!(withheld.len(), 1);
    assert_eq!(withheld[0]["data"]["because"], "step.fell-away");
    estate
        .ws
        .run(&["why", LENA])
        .exits(0)
        .says("the planned step was not taken");
    estate.ws.is_sound();
}

#[test]
fn a_plan_that_may_not_be_carried_out() {
    let estate = Estate::start(&[LENA], &[APPROVED]);
    let ws = &estate.ws;
    estate.approved_plan(1);
    let good = ws.read("plan.json");
    // A changed file: somebody may have approved what they read there.
    for (old, new) in [(LENA, "ada@house.test"), ("\"disable\"", "\"remove\"")] {
        assert!(good.contains(old));
        ws.write("plan.json", &good.replace(old, new));
        ws.run(&["apply", "plan.json"])
            .exits(5)
            .says("does not say what the ledger says");
    }
    let mut more: serde_json::Value = serde_json::from_str(&good).unwrap();
    let step = more["steps"][0].clone();
    more["steps"].as_array_mut().unwrap().push(step);
    ws.write("plan.json", &more.to_string());
    ws.run(&["apply", "plan.json"])
        .exits(5)
        .says("another number of steps");
    ws.write("plan.json", &good);

    // A halt stops every call, and says so.
    for scope in [&["--reason", "incident"][..], &["--tenant", "portal"]] {
        let on: Vec<_> = ["halt", "on"].iter().chain(scope).copied().collect();
        ws.run(&on).exits(0);
        ws.run(&["apply", "plan.json"])
            .exits(5)
            .says("block.halted");
        ws.run(&["run"]).exits(5).says("block.halted");
        ws.run(&["status"]).exits(0).says("HALTED");
        let off: Vec<_> = ["halt", "off"].iter().chain(scope).copied().collect();
        ws.run(&off).exits(0);
    }
    assert!(estate.sent().is_empty());

    // Too old.
    estate.control().advance(73 * 3600);
    ws.run(&["apply", "plan.json"]).exits(5).says("expired");
    ws.run(&["run"]).exits(3).says("LATE: 1 account");
    assert!(
        estate.sent().is_empty(),
        "a new plan waits for its own approval"
    );
    assert_eq!(estate.user(LENA).status, Status::Active);
    ws.is_sound();
}

#[test]
fn a_plan_under_another_policy_is_void() {
    let estate = Estate::start(&[LENA], &[APPROVED]);
    let ws = &estate.ws;
    estate.approved_plan(1);
    // Fewer approvals loosen a safeguard: the old policy rules on.
    ws.reconfigure("approvals = { disable = 1 }", "approvals = { disable = 0 }");
    ws.run(&["sync"]).exits(0).says("the old one still rules");
    ws.run(&["policy", "approve", "--reason", "we trust it"])
        .exits(0);
    ws.run(&["apply", "plan.json"])
        .exits(5)
        .says("another policy");
    assert!(estate.sent().is_empty());
    // The same step in a new plan: the account was released, and needs no approval any more.
    ws.run(&["run"]).exits(0).says("done");
    assert_eq!(estate.user(LENA).status, Status::Terminated);
    ws.is_sound();
}

#[test]
fn a_directory_that_fails_during_apply_costs_nobody_their_place_in_the_plan() {
    let house = House::settled("page_size = 5", &[LEAVERS]);
    house.story.leave(Role::Leaver, Leaving::Disabled);
    house.ws.run(&["sync"]).exits(0);
    house.ws.run(&["plan", "--out", "plan.json"]).exits(0);
    let faults = [
        (FaultRule::on_page(2, LdapFault::Drop { after: 0 }), 5),
        (FaultRule::always(LdapFault::Empty), 5),
        (FaultRule::always(LdapFault::Drop { after: 0 }), 5),
    ];
    for (fault, code) in faults {
        let id = house.directory().add_fault(fault);
        let ran = house.ws.run(&["apply", "plan.json"]).exits(code);
        ran.says("stopped").says("left in the plan: 1 step");
        house.directory().remove_fault(id);
    }
    house.nothing_was_sent();
    house.ws.run(&["apply", "plan.json"]).exits(0).says("done");
    assert_eq!(house.status(Role::Leaver), Status::Terminated);
    house.ws.is_sound();
}

#[test]
fn a_tenant_that_fails_during_apply_is_asked_again_later() {
    let house = House::settled("", &[LEAVERS]);
    house.story.leave(Role::Leaver, Leaving::Disabled);
    house.ws.run(&["sync"]).exits(0);
    house.ws.run(&["plan", "--out", "plan.json"]).exits(0);
    for (path, status, code) in [
        ("/api/2.0/people/filter", 500, 69),
        ("/api/2.0/people", 402, 69),
        ("/api/2.0/people", 403, 4),
    ] {
        let fault = Fault::Status { status, body: None };
        let id = house
            .tenant()
            .add_fault(FaultOf::always(Matcher::new("GET", path), fault));
        house
            .ws
            .run(&["apply", "plan.json"])
            .exits(code)
            .says("stopped");
        house.tenant().remove_fault(id);
    }
    house.nothing_was_sent();
    house.ws.run(&["apply", "plan.json"]).exits(0).says("done");
    house.ws.is_sound();
}

#[test]
fn a_login_after_the_plan_ends_the_matter() {
    let house = House::settled("", &[LEAVERS, IDLE]).a_month_later();
    assert_eq!(
        house.planned(),
        [cast(Role::Idle).email, cast(Role::FailedOnly).email]
    );
    house.ws.run(&["plan", "--out", "plan.json"]).exits(0);
    assert!(house.story.sign_in(Role::Idle));
    let ran = house.ws.run(&["apply", "plan.json"]).exits(0);
    let line = ran
        .out
        .lines()
        .find(|l| l.contains(cast(Role::Idle).email))
        .unwrap();
    assert!(line.starts_with("withheld"), "{line}");
    assert_eq!(house.status(Role::Idle), Status::Active);
    assert_eq!(house.status(Role::FailedOnly), Status::Terminated);
    assert_eq!(house.decision(Role::Idle)["because"], "cancel.login");
    assert_eq!(house.ws.entries_of("step.withheld").len(), 1);
    house.ws.is_sound();
}

#[test]
fn the_idle_are_warned_then_waited_for_and_then_disabled() {
    let house = House::settled("", &[LEAVERS, IDLE]);
    let dieter = cast(Role::Idle);
    let notices = |days: u64| {
        let sent = house.ws.entries_of("notice.sent");
        sent.iter().filter(|e| e["data"]["days"] == days).count()
    };
    let written = || std::fs::read_dir(house.ws.path("notices")).unwrap().count();
    assert_eq!((notices(30), notices(7)), (2, 0));
    assert_eq!(written(), 2);
    let plan = house.ws.run(&["plan", "--all"]).exits(0);
    let line = plan.out.lines().find(|l| l.contains(dieter.email)).unwrap();
    assert!(line.starts_with("wait"), "{line}");

    house.story.pass_days(24);
    house.ws.run(&["run"]).exits(0);
    house.nothing_was_sent();
    let sent = house
        .ws
        .items(&["log", "--type", "notice.sent", "--subject", dieter.email]);
    let days: Vec<_> = sent
        .iter()
        .map(|e| e["data"]["days"].as_u64().unwrap())
        .collect();
    assert_eq!(days, [30, 7]);
    house.story.pass_days(5);
    house.ws.run(&["run"]).exits(0);
    house.nothing_was_sent();
    house.story.pass_days(2);
    house.ws.run(&["run"]).exits(0).says(dieter.email);
    assert_eq!(house.status(Role::Idle), Status::Terminated);
    house
        .ws
        .run(&["why", dieter.email])
        .exits(0)
        .says("sum.notice");
    house.ws.is_sound();
}

#[test]
fn a_second_run_during_a_call_sends_nothing() {
    let house = House::settled("", &[LEAVERS]);
    house.story.leave(Role::Leaver, Leaving::Disabled);
    let tenant = house.tenant();
    let gate = tenant.pause(
        Matcher::new("PUT", "/api/2.0/people/status"),
        GateAt::Before,
    );
    let first = house.ws.start(&["run"]);
    let begun = Instant::now();
    while tenant.held(gate) == 0 && begun.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(tenant.held(gate), 1);
    // The intent is on the disk before the call.
    assert_eq!(house.ws.entries_of("command.intended").len(), 2);
    house.ws.run(&["run"]).exits(11).says("nothing was sent");
    assert_eq!(tenant.held(gate), 1);
    tenant.release(gate);
    finish(first, &["run"]).exits(0).says("done");
    let carol = cast(Role::Leaver).account.unwrap();
    assert_eq!(
        (tenant.status_puts(carol), tenant.status_changes(carol)),
        (1, 1)
    );
    house.ws.is_sound();
}
