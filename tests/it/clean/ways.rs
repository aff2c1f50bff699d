//! The ways that people take through the questions, also the wrong ones, at one product.

use std::net::TcpListener;

use exeunt::sandbox::docspace::GateAt;
use exeunt::sandbox::docspace::Matcher;
use exeunt::sandbox::docspace::Status;
use exeunt::sandbox::population::Population;

use crate::clean::products::Way;
use crate::clean::products::address;
use crate::clean::products::docspace;
use crate::clean::products::of;
use crate::clean::products::portal;
use crate::clean::steps::connects;
use crate::clean::steps::out;
use crate::clean::steps::place;
use crate::clean::steps::web_page;
use crate::common::gates::held;
use crate::common::screen::Screen;
use crate::common::workspace::Workspace;

#[test]
fn an_address_that_is_another_one() {
    let tenant = docspace();
    let ws = Workspace::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let other = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || web_page(&listener));
    let mut screen = Screen::start(&ws, "clean");
    screen
        .says("Which product is it?", "2")
        .says("The address of your", "http://portal.example.com")
        .sees("for everybody to read")
        .says("The address of your", "https://127.0.0.1:1")
        .sees("Nobody answers at 127.0.0.1, port 1.")
        .says("The address of your", &format!("{other}/page?x=1"))
        .says("The address has a path in it", "1");
    tenant.enter(&mut screen, Way::Right);
    screen
        .sees("but not the way")
        .sees("another host or region")
        .says("What now?", "2")
        .says("The address of your", &tenant.url)
        .sees("What you pasted is tried there.")
        .sees("The tenant lists 8 accounts.")
        .sees("Who must stay?")
        .ctrl_c()
        .sees("Stopped.");
    screen.ends(130);
    assert!(
        !ws.path(&place(&other)).exists(),
        "the wrong address is still there"
    );
    assert!(ws.path(&place(&tenant.url)).exists());
}

#[test]
fn an_interruption_during_the_calls() {
    let handle = portal(Population::of(8, 40));
    let control = handle.control();
    let tenant = of(handle);
    let ws = Workspace::new();
    let mut screen = Screen::start(&ws, "clean");
    connects(&mut screen, &tenant);
    screen
        .says("Who must stay?", "")
        .says("Whom is it about?", "2")
        .says("What is to be done with them?", "")
        .says("You have protected nobody by name.", "y")
        .sees("Type 6 to");
    let gate = Matcher::new("PUT", "/api/2.0/people/status/2");
    let gate = control.pause(gate, GateAt::Before);
    screen.types("6");
    held(|| control.held(gate));
    screen.ctrl_c().sees("Stopping after the account in hand");
    control.release(gate);
    screen
        .sees("1 of 6 done")
        .sees("1 account disabled.")
        .sees("You stopped; 5 are left. To go on: exeunt clean");
    screen.ends(130);
    assert_eq!(out(&tenant), 1);

    let mut screen = Screen::start(&ws, "clean");
    screen
        .says("Go on with a clean-up that is here?", "")
        .says("1 go on with that", "")
        .says("Type 5 to", "5")
        .sees("5 accounts disabled.");
    screen.ends(0);
    assert_eq!(out(&tenant), 6);
}

#[test]
fn a_first_plan_is_released_by_the_number_and_goes_slowly() {
    let handle = portal(Population {
        pending: 12,
        ..Population::of(20, 40)
    });
    let control = handle.control();
    let tenant = of(handle);
    let disabled = || {
        let users = control.users();
        users
            .iter()
            .filter(|u| u.status == Status::Terminated)
            .count()
    };
    control.advance(40 * 86_400);
    let ws = Workspace::clocked(control.clone());
    let mut screen = Screen::start(&ws, "clean");
    connects(&mut screen, &tenant);
    screen
        .says("Who must stay?", "")
        .sees("invitations that were never accepted (open: 12)")
        .says("Its number", "2")
        .says("Open for how many days?", "")
        .says("What is to be done with them?", "")
        .sees("12 accounts")
        .sees("Exeunt's first clean-up of this tenant")
        .sees("the number that you type also releases the brake")
        .sees("today 10 of them, at most 10 a day")
        .says("Type 12 to", "")
        .sees("Nothing was changed.");
    screen.ends(0);
    assert_eq!(disabled(), 0);
    let toml = format!("{}/exeunt.toml", place(&tenant.url));
    let released = |ws: &Workspace| {
        let log = ws
            .run(&["-C", &toml, "log", "--from", "0", "--json"])
            .exits(0);
        log.out.matches("\"breaker.released\"").count()
    };
    assert_eq!(released(&ws), 0, "a brake was released without a number");

    let mut screen = Screen::start(&ws, "clean");
    screen
        .says("Go on with a clean-up that is here?", "")
        .says("1 go on with that", "")
        .says("Type 12 to", "12")
        .sees("10 accounts disabled.")
        .sees("2 more from tomorrow on: exeunt clean");
    screen.ends(3);
    assert_eq!(disabled(), 10);
    assert_eq!(released(&ws), 1);

    control.advance(25 * 3600);
    let mut screen = Screen::start(&ws, "clean");
    screen
        .says("Go on with a clean-up that is here?", "")
        .says("1 go on with that", "")
        .says("Type 2 to", "2")
        .sees("2 accounts disabled.");
    screen.ends(0);
    assert_eq!(disabled(), 12);
    assert_eq!(released(&ws), 1);
    ws.run(&["-C", &toml, "verify"]).exits(0).says("good:");
}

#[test]
fn whoever_is_only_inactive_is_warned_and_the_day_is_named() {
    let handle = portal(Population::of(8, 40));
    let control = handle.control();
    let tenant = of(handle);
    // A last login of everybody, so that there is a history; then 100 days of silence.
    for user in control.users() {
        control.add_login(user.id, control.now(), 1000);
    }
    control.advance(100 * 86_400);
    for user in control.users().iter().filter(|u| u.email == address(2)) {
        control.add_login(user.id, control.now(), 1000);
    }
    let ws = Workspace::clocked(control.clone());
    let mut screen = Screen::start(&ws, "clean");
    connects(&mut screen, &tenant);
    screen
        .says("Who must stay?", &address(3))
        .types("")
        .sees("they are warned first")
        .says("Its number", "1")
        .says("Unused for how many days?", "60")
        .says("after the warning", "7")
        .says("What is to be done with them?", "")
        .sees("To be warned: 4 people")
        .sees(&address(4))
        .sees("It does not send mail")
        .says("Type 4 to write the warnings", "4")
        .sees("4 warnings written")
        .sees("Come back on");
    let text = screen.ends(0);
    let day = control.now() + chrono::TimeDelta::days(7);
    assert!(
        text.contains(&format!("Come back on {}", day.format("%Y-%m-%d"))),
        "{text}"
    );
    assert_eq!(out(&tenant), 0);
    let notices = ws.path(&place(&tenant.url)).join("notices");
    assert_eq!(std::fs::read_dir(notices).unwrap().count(), 4);

    // Too early: nothing is done, and the day is named again.
    control.advance(3 * 86_400);
    let mut screen = Screen::start(&ws, "clean");
    screen
        .says("Go on with a clean-up that is here?", "")
        .says("1 go on with that", "")
        .sees("There is nothing to do now.")
        .sees("Come back on");
    screen.ends(0);

    // One of them signs in; the day comes for the others.
    for user in control.users().iter().filter(|u| u.email == address(4)) {
        control.add_login(user.id, control.now(), 1000);
    }
    control.advance(5 * 86_400);
    let mut screen = Screen::start(&ws, "clean");
    screen
        .says("Go on with a clean-up that is here?", "")
        .says("1 go on with that", "")
        .says("Type 3 to", "3")
        .sees("3 accounts disabled.");
    screen.ends(0);
    assert_eq!(out(&tenant), 3);
    assert!(!(tenant.is_out)(&address(2)) && !(tenant.is_out)(&address(4)));
}

#[test]
fn other_rules_need_a_word_and_a_file_changed_by_hand_is_left_alone() {
    let handle = portal(Population {
        pending: 2,
        ..Population::of(10, 40)
    });
    let tenant = of(handle);
    let ws = Workspace::new();
    let mut screen = Screen::start(&ws, "clean --dir mine");
    connects(&mut screen, &tenant);
    screen
        .says("Who must stay?", "")
        .sees("invitations")
        .says("Its number", "2")
        .says("Open for how many days?", "1")
        .says("What is to be done with them?", "")
        .says("Type 2 to", "p")
        .says("Who must stay?", &address(9))
        .types("")
        .says("Type 2 to", "")
        .sees("Nothing was changed.");
    screen.ends(0);

    let mut screen = Screen::start(&ws, "clean --dir mine");
    screen
        .says("1 go on with that", "2")
        .says("Who must stay?", &format!("-{}", address(9)))
        .types("")
        .sees("Whom is it about?")
        .says("Its number", "3")
        .says("What is to be done with them?", "")
        .says("You have protected nobody by name.", "y")
        .sees("These rules go further than those of before")
        .sees("a new rule: disable everyone but the protected")
        .sees("protected addresses: 1 fewer")
        .says("Type `yes` to let them rule:", "no")
        .sees("the new rules do not rule");
    screen.ends(5);

    let toml = ws.read("mine/exeunt.toml");
    ws.write("mine/exeunt.toml", &format!("{toml}\n# mine\n"));
    let mut screen = Screen::start(&ws, "clean --dir mine");
    screen
        .sees("written or changed by hand")
        .sees("exeunt -C mine/exeunt.toml plan");
    screen.ends(64);
    assert_eq!(out(&tenant), 0);
}

#[test]
fn without_a_person_there_is_no_guide() {
    let ws = Workspace::new();
    let ran = ws.run(&["clean"]).exits(64);
    ran.says("asks its questions in a terminal")
        .says("exeunt.toml");
    ws.run(&["clean", "--json"]).exits(64).says("no JSON");
    ws.run(&["-C", "other.toml", "clean"])
        .exits(64)
        .says("--dir");
    let left = std::fs::read_dir(ws.path(".")).unwrap().count();
    assert_eq!(left, 0, "something was written");
}
