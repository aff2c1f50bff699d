//! What a brake stops and what it lets through, in tenants of every size.

use std::time::Instant;

use chrono::TimeDelta;
use exeunt::sandbox::docspace::DocSpace;
use exeunt::sandbox::docspace::DocSpaceOptions;
use exeunt::sandbox::docspace::Status;
use exeunt::sandbox::population::Population;
use exeunt::sandbox::population::identity;

use crate::common::workspace::Workspace;
use crate::unattended::town::IDLE;
use crate::unattended::town::LEAVERS;
use crate::unattended::town::Town;
use crate::unattended::town::mail;

const FOUR: [&str; 4] = ["p001", "p002", "p003", "p004"];

#[test]
fn four_of_twelve_whom_the_list_loses_at_once_stay() {
    let town = Town::of(12, &[LEAVERS]);
    town.loses(&FOUR);
    // the read itself is not believed, however often it comes
    for _ in 0..3 {
        town.run().exits(5).says("read.drop");
        town.hours(2);
    }
    assert_eq!(town.out(0), 1);
    // somebody believes the list without asking: the absence is confirmed, and the brake stops it
    let read = town.ws.last_read("staff");
    let digest = read["proof"]["digest"].as_str().unwrap();
    town.ws
        .run(&[
            "breaker", "release", digest, "--read", "staff", "--reason", "so it is",
        ])
        .exits(0);
    town.run().exits(0);
    town.hours(2);
    let ran = town.run().exits(5).says("block.breaker");
    for name in FOUR {
        assert!(!town.is_out(0, name));
        assert!(ran.out.contains(name), "{}", ran.out);
    }
    town.ws.run(&["breaker", "show"]).exits(0).says("tripped");
    assert_eq!(
        town.status()["leavers_still_in"].as_array().unwrap().len(),
        4
    );
    assert_eq!(town.out(0), 1);
    // back on the list, they are nobody's leavers, and nothing is left of it
    town.stays(&FOUR);
    town.run().exits(0);
    assert_eq!(town.plans().len(), 0);
    assert_eq!(town.out(0), 1);
    town.ws.is_sound();
}

#[test]
fn four_of_twelve_who_leave_on_one_day_wait_for_a_release() {
    let town = Town::of(12, &[LEAVERS]);
    town.leaves(&FOUR);
    town.run().exits(5).says("block.breaker");
    assert_eq!(town.out(0), 1);
    // one more does not slip through in a plan of their own
    town.leaves(&["p005"]);
    town.hours(1);
    town.run().exits(5);
    assert_eq!((town.out(0), town.plans().len()), (1, 2));
    // one release lets its four through, and what is left is no drip any more
    let digest = town.plans()[0]["digest"].as_str().unwrap().to_owned();
    town.ws
        .run(&[
            "breaker",
            "release",
            &digest,
            "--reason",
            "the branch has closed",
        ])
        .exits(0);
    town.run().exits(0);
    assert_eq!(town.out(0), 6);
    town.ws.is_sound();
}

/// The size of the tenant in [`forty_leavers_of_a_large_tenant_go`]; the cap of the brake is the
/// same 50 from 1,000 accounts up to 50,000, and 100 for 100,000.
fn size() -> usize {
    std::env::var("EXEUNT_SCALE").map_or(2_000, |text| text.parse().unwrap())
}

fn list(size: usize, left: impl Fn(usize) -> bool, at: &str) -> String {
    let mut csv = "id,mail,left\n".to_owned();
    for n in 0..size {
        let person = identity(42, n, "example.com");
        let left = if left(n) { at } else { "" };
        csv.push_str(&format!(
            "{},{},{left}\n",
            person.employee_number, person.mail
        ));
    }
    csv
}

#[test]
#[expect(
    clippy::print_stdout,
    reason = "the figures are for docs/PERFORMANCE.md"
)]
fn forty_leavers_of_a_large_tenant_go() {
    let size = size();
    let tenant = DocSpace::start(DocSpaceOptions {
        population: Population::of(size, 0),
        now: Some("2026-03-02T09:00:00Z".parse().unwrap()),
        ..DocSpaceOptions::default()
    })
    .unwrap();
    let control = tenant.control();
    let ws = Workspace::clocked(control.clone());
    let staff = "[[directory]]\nname = \"staff\"\nkind = \"csv\"\npath = \"staff.csv\"\n\
         columns = { key = \"id\", mail = \"mail\", leave_date = \"left\" }\n\
         contains = \"everybody\"\n";
    ws.configure(&[staff, &ws.tenant(&tenant, ""), LEAVERS]);
    ws.run(&["init"]).exits(0);
    let took = |what: &str, code: i32| {
        let begun = Instant::now();
        let ran = ws.run(&["run"]).exits(code);
        println!("{size}: {what} {:.1} s", begun.elapsed().as_secs_f32());
        ran
    };
    ws.write("staff.csv", &list(size, |n| n == 2, "2026-03-01T00:00:00Z"));
    took("first run", 5);
    let digest = ws.json(&["status"])["plans"][0]["digest"].clone();
    let digest = digest.as_str().unwrap();
    ws.run(&["breaker", "release", digest, "--reason", "looked at"])
        .exits(0);
    took("first contact", 0);
    control.advance(86_400);
    let left = |n: usize| (2..=42).contains(&n);
    ws.write("staff.csv", &list(size, left, "2026-03-02T12:00:00Z"));
    took("forty leave", 0);
    let out = control.users();
    let out = out
        .iter()
        .filter(|u| u.status == Status::Terminated)
        .count();
    assert_eq!(out, 41);
    ws.run(&["verify"]).exits(0).says("good:");
}

#[test]
fn one_per_cent_a_day_is_stopped_on_the_sixth_day_and_stays_stopped() {
    let town = Town::of(300, &[LEAVERS]);
    for day in 0..20 {
        let names = [0, 1, 2].map(|n| format!("p{:03}", day * 3 + n));
        town.leaves(&names.each_ref().map(String::as_str));
        let ran = town.run();
        // `early` apart, 5 % of 300 in seven days
        assert_eq!(town.out(0) - 1, (day * 3 + 3).min(15), "on day {day}");
        if day < 5 {
            ran.exits(0);
        } else {
            ran.exits(5).says("block.breaker");
            let plan = town.plans()[0]["digest"].as_str().unwrap()[..12].to_owned();
            let status = town.ws.run(&["status"]);
            assert!(
                status
                    .out
                    .contains(&format!("exeunt breaker release {plan}"))
            );
        }
        town.hours(24);
    }
    let tripped = town.ws.entries_of("breaker.tripped");
    let week = tripped
        .iter()
        .rfind(|e| e["data"]["breaker"]["window"] == "7d");
    assert_eq!(week.unwrap()["data"]["breaker"]["limit"], 15);
    assert_eq!(
        town.status()["leavers_still_in"].as_array().unwrap().len(),
        45
    );
    // each release lets one plan through, and beside it no more than a week may bring
    let mut releases = 0;
    for _ in 0..3 {
        town.run();
        releases += town.release();
        town.run();
    }
    assert!((1..=3).contains(&releases), "{releases}");
    town.run().exits(0);
    assert_eq!(town.out(0), 61);
    town.ws.is_sound();
}

#[test]
fn a_burst_of_inactivity_in_one_tenant_holds_up_no_leaver_in_another() {
    // wide brakes while people are warned, since warnings have one of their own; then the usual ones
    let wide = "[limits.breakers]\nfloor_24h = 1000\nfloor_7d = 1000\n";
    let town = Town::new(2, &[LEAVERS, IDLE, wide]);
    for n in 0..30 {
        town.hire(0, &format!("p{n:03}"));
        town.hire_silent(1, &format!("q{n:03}"), TimeDelta::days(120));
    }
    town.settle();
    town.ws.reconfigure(wide, "");
    town.hours(25);
    town.leaves(&["p007"]);
    let ran = town.run();
    let why = || town.ws.run(&["why", &mail("p007")]).out;
    assert!(town.is_out(0, "p007"), "{}\n{}", ran.screen(), why());
    ran.exits(3).says("block.breaker");
    assert_eq!((town.out(0), town.out(1)), (2, 1));
    let stopped = town.ws.entries_of("breaker.tripped");
    let newest = stopped.last().unwrap()["data"]["breaker"].clone();
    assert_eq!(newest["class"], "inactive");
    // nor is somebody held up who stands in the plan that waits, and leaves
    town.hours(24);
    let before = town.plans();
    town.leaves(&["q003"]);
    town.run().exits(3);
    assert!(town.is_out(1, "q003"), "whoever leaves is no idle account");
    assert_eq!(town.out(1), 2);
    let after = town.plans();
    assert_eq!(after.len(), 1);
    assert_eq!(after[0]["digest"], before[0]["digest"]);
    assert_eq!(after[0]["steps_left"], 29);
    town.ws.is_sound();
}
