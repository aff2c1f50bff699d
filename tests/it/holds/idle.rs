//! Idle accounts under a hold: warnings are called off, and given anew afterwards.

use exeunt::sandbox::Role;
use exeunt::sandbox::cast;
use exeunt::sandbox::docspace::Status;

use crate::safety::house::House;
use crate::safety::house::IDLE;
use crate::safety::house::LEAVERS;

#[test]
fn a_hold_calls_off_the_warning_and_after_it_the_whole_notice_begins_anew() {
    let house = House::settled("", &[LEAVERS, IDLE]);
    let warned = house.ws.entries_of("notice.sent");
    let role = Role::Idle;
    let who = cast(role).email;
    assert!(!warned.is_empty());
    let warnings = || {
        let about = ["log", "--type", "notice.sent", "--subject", who];
        house.ws.items(&about).len()
    };
    let before = warnings();
    assert!(before > 0, "{who} is warned");
    let end = (house.tenant().now() + chrono::TimeDelta::days(33)).to_rfc3339();
    let add = [
        "hold",
        "add",
        who,
        "--kind",
        "leave-of-absence",
        "--until",
        &end,
        "--owner",
        "HR",
        "--reason",
        "a child",
    ];
    house
        .ws
        .run(&add)
        .exits(0)
        .says("what was to come is called off");
    // an entry says so at once, and why
    let decision = house.decision(role);
    assert_eq!(decision["verdict"], "withhold");
    assert_eq!(decision["blocked"][0], "block.hold-leave-of-absence");

    let house = house.a_month_later();
    house.ws.run(&["run"]);
    assert_eq!(house.status(role), Status::Active);
    let warnings = || {
        let about = ["log", "--type", "notice.sent", "--subject", who];
        house.ws.items(&about).len()
    };
    assert_eq!(warnings(), before, "nobody who is held is warned");
    // the hold has ended: not disabled, but warned with the whole notice
    house.story.pass_days(3);
    house.ws.run(&["sync"]).exits(0);
    house.hours_later(1);
    house.ws.run(&["run"]);
    assert_eq!(house.status(role), Status::Active);
    assert_eq!(warnings(), before + 1);
    let decision = house.decision(role);
    assert!(
        matches!(decision["verdict"].as_str(), Some("warn" | "wait")),
        "{decision:#}"
    );
    house.ws.run(&["why", who]).says("the same answer");
    house.story.pass_days(28);
    house.ws.run(&["sync"]).exits(0);
    house.hours_later(1);
    house.ws.run(&["run"]);
    assert_eq!(house.status(role), Status::Active, "29 days are not 30");
    house.story.pass_days(3);
    house.ws.run(&["sync"]).exits(0);
    house.hours_later(1);
    house.ws.run(&["run"]);
    assert_eq!(house.status(role), Status::Terminated);
    house.ws.is_sound();
}
