//! `approve --each` in a terminal: one question for each account, and a way out of all of them.

use exeunt::sandbox::Role;
use exeunt::sandbox::cast;
use serde_json::Value;

use crate::common::screen::Screen;
use crate::review::disabled;
use crate::review::due;
use crate::safety::house::House;

const QUESTION: &str = "Approve this? [y]es, [n]o, it stays, [q]uit:";

/// The command, and the addresses in the order in which it asks.
fn planned(house: &House) -> (String, Vec<String>) {
    let plan = house.ws.json(&["plan"]);
    let steps = plan["steps"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let asked: Vec<_> = steps.iter().map(|step| text(&step["email"])).collect();
    assert_eq!(asked.len(), 2, "{plan}");
    (format!("approve {} --each", text(&plan["digest"])), asked)
}

fn kept(house: &House) -> usize {
    house.ws.entries_of("step.kept").len()
}

#[test]
fn one_is_approved_and_the_other_one_stays() {
    let house = due();
    let (approve, asked) = planned(&house);
    let mut screen = Screen::start(&house.ws, &approve);
    screen
        .sees(&format!("1 of 2: disable {} in portal.", asked[0]))
        .sees("the records reach back far enough")
        // What is neither yes nor no is asked again.
        .says(QUESTION, "perhaps")
        .says(QUESTION, "")
        .says(QUESTION, "Y")
        .sees(&format!("2 of 2: disable {} in portal.", asked[1]))
        .says(QUESTION, "n")
        .sees("1 of the 2 steps")
        .sees("stay until their review date")
        .sees("approved plan");
    let shown = screen.ends(0);
    assert!(!shown.contains("Type the number"), "asked twice: {shown}");
    assert_eq!(house.ws.entries_of("plan.approved").len(), 1);
    assert_eq!(kept(&house), 1);
    house.nothing_was_sent();

    house.ws.run(&["run"]).exits(0);
    for role in [Role::Idle, Role::FailedOnly] {
        assert_eq!(disabled(&house, role), cast(role).email == asked[0]);
    }
    house.ws.is_sound();
}

#[test]
fn whoever_stops_on_the_way_has_approved_nothing() {
    let house = due();
    let (approve, asked) = planned(&house);
    let second = format!("2 of 2: disable {}", asked[1]);
    let ways: [fn(&mut Screen) -> &mut Screen; 2] =
        [|screen| screen.types("q"), |screen| screen.ctrl_d()];
    for stop in ways {
        let mut screen = Screen::start(&house.ws, &approve);
        screen.says(QUESTION, "y").sees(&second).sees(QUESTION);
        stop(&mut screen).sees("nothing was approved");
        screen.ends(5);
    }
    let mut screen = Screen::start(&house.ws, &approve);
    screen.says(QUESTION, "y").sees(&second).sees(QUESTION);
    screen.ctrl_c();
    screen.ends(130);

    assert!(house.ws.entries_of("plan.approved").is_empty());
    assert_eq!(kept(&house), 0);
    house.ws.run(&["run"]).exits(0);
    assert!(!disabled(&house, Role::Idle) && !disabled(&house, Role::FailedOnly));
    // The plan is as it was, and can be gone through again.
    let mut screen = Screen::start(&house.ws, &approve);
    screen
        .says(QUESTION, "n")
        .sees(&second)
        .says(QUESTION, "no")
        .sees("every account stays");
    screen.ends(0);
    assert!(house.ws.entries_of("plan.approved").is_empty());
    assert_eq!(kept(&house), 2);
    house.nothing_was_sent();
    house.ws.is_sound();
}
