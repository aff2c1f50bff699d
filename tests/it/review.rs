//! A plan as a list for reviewers, what they give back, and smaller plans.

use exeunt::sandbox::Role;
use exeunt::sandbox::cast;
use exeunt::sandbox::docspace::Status;

use crate::common::workspace::finish;
use crate::json::fits;
use crate::safety::house::House;

mod one_by_one;

/// Whoever is silent is disabled, once somebody has approved it.
const REVIEWED: &str = "[[policy]]\nname = \"idle\"\nwhen = \"inactive\"\nring = \"enforce\"\n\
     after_days = 90\nnotice_days = [30, 7]\nsteps = [{ do = \"disable\" }]\n\
     approvals = { disable = 1 }\n";

/// A house in which Dieter and Erika are due.
fn due() -> House {
    let leavers = crate::safety::house::LEAVERS;
    let house = House::settled("", &[leavers, REVIEWED]).a_month_later();
    house.forget_requests();
    house
}

fn rows(text: &str) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let records = reader.records().map(|r| r.unwrap());
    records
        .map(|r| r.iter().map(str::to_owned).collect())
        .collect()
}

fn disabled(house: &House, role: Role) -> bool {
    house.status(role) == Status::Terminated
}

#[test]
fn a_reviewer_marks_a_row_and_the_rest_is_approved() {
    let house = due();
    let dieter = cast(Role::Idle);
    house
        .tenant()
        .set_name(dieter.account.unwrap(), "=HYPERLINK(\"http://x\")", "Vogel");
    house.ws.run(&["sync"]).exits(0);
    house.ws.run(&["plan", "--csv", "review.csv"]).exits(0);
    let text = house.ws.read("review.csv");
    let listed = rows(&text);
    assert_eq!(listed.len(), 2, "{text}");
    let of = |email: &str| listed.iter().position(|r| r[5] == email).unwrap();
    let (row, other) = (of(dieter.email), of(cast(Role::FailedOnly).email));
    // a spreadsheet must not run a name
    assert!(listed[row][6].starts_with("'=HYPERLINK"), "{text}");
    assert!(listed[row][12].contains("exeunt restore"), "{text}");

    // as a spreadsheet of another country gives it back: BOM, semicolons, CRLF
    let mut back = String::from("\u{feff}");
    let header = text.lines().next().unwrap().replace(',', ";");
    back.push_str(&header);
    back.push_str("\r\n");
    for (n, cells) in listed.iter().enumerate() {
        let mark = if n == row { "keep" } else { "" };
        let quoted = cells[1..].iter().map(|c| c.replace('"', "\"\""));
        let quoted: Vec<_> = quoted.map(|c| format!("\"{c}\"")).collect();
        back.push_str(&format!("{mark};{}\r\n", quoted.join(";")));
    }
    house.ws.write("back.csv", &back);
    let digest = listed[row][1].clone();
    house
        .ws
        .run(&["approve", &digest, "--csv", "back.csv", "--confirm", "2"])
        .exits(5);
    let approved = house
        .ws
        .run(&["approve", &digest, "--csv", "back.csv", "--confirm", "1"])
        .exits(0)
        .says("1 of the 2 steps");
    assert!(!approved.screen().contains(dieter.email));
    house
        .ws
        .run(&["apply", &digest])
        .exits(5)
        .says("was replaced by a smaller one");
    house.ws.run(&["run"]).exits(0);
    assert!(!disabled(&house, Role::Idle));
    assert!(disabled(&house, Role::FailedOnly));
    assert_eq!(listed[other][7], "disable");
    let plans = house.ws.entries_of("plan.created");
    let smaller = plans.iter().find(|p| p["data"]["parent"].is_string());
    assert_eq!(smaller.unwrap()["data"]["count"], 1);
    house.ws.is_sound();
}

#[test]
fn a_list_that_was_changed_or_is_unclear_approves_nothing() {
    let house = due();
    house.ws.run(&["plan", "--csv", "review.csv"]).exits(0);
    let text = house.ws.read("review.csv");
    let listed = rows(&text);
    let digest = listed[0][1].clone();
    let attempt = |name: &str, text: &str| {
        house.ws.write(name, text);
        let args = ["approve", &digest, "--csv", name, "--confirm", "2"];
        house.ws.run(&args)
    };
    let other = text.replace(&listed[0][13], &listed[1][13]);
    attempt("a.csv", &other)
        .exits(5)
        .says("something else than the plan");
    let marked = text.replacen("\n,", "\nperhaps,", 1);
    attempt("b.csv", &marked).exits(64).says("perhaps");
    let remove = text.replacen(",disable,", ",remove,", 1);
    attempt("c.csv", &remove)
        .exits(5)
        .says("something else than the plan");
    attempt("d.csv", "KEEP,NAME\nx,y\n")
        .exits(1)
        .says("no column");
    let twice = format!("{text}{}\n", text.lines().last().unwrap());
    attempt("e.csv", &twice).exits(5).says("twice");
    // a row that a reviewer has deleted stays, and so do all if all are marked
    let all_kept = text.replace("\n,", "\nx,");
    attempt("f.csv", &all_kept)
        .exits(0)
        .says("every account stays");
    assert!(house.ws.entries_of("plan.approved").is_empty());
    assert_eq!(house.ws.entries_of("step.kept").len(), 2);
    house.ws.run(&["run"]).exits(0);
    assert!(house.planned().is_empty());
    house.nothing_was_sent();
    house.ws.is_sound();
}

/// Whom a reviewer has left out is not taken up again by a run that asks nobody.
#[test]
fn whoever_was_left_out_stays_until_the_review_date() {
    let idle = crate::safety::house::IDLE;
    let house = House::settled("", &[crate::safety::house::LEAVERS, idle]).a_month_later();
    let (dieter, erika) = (cast(Role::Idle).email, cast(Role::FailedOnly).email);
    let digest = house.ws.json(&["plan"])["digest"].clone();
    let digest = digest.as_str().unwrap();
    let args = ["approve", digest, "--except", dieter, "--confirm", "1"];
    house
        .ws
        .run(&args)
        .exits(0)
        .says("stay until their review date");
    house.ws.run(&["run"]).exits(0);
    house.hours_later(2);
    house.ws.run(&["run"]).exits(0);
    assert!(disabled(&house, Role::FailedOnly) && !disabled(&house, Role::Idle));
    assert!(house.planned().is_empty());
    let why = house.ws.run(&["why", dieter]).exits(0);
    why.says("otto.operator left the account out of a plan")
        .says("the same answer");

    let why = house.ws.run(&["why", dieter, "--json"]).exits(0);
    why.says("otto.operator said so, and it holds until");

    // an approver can have him planned by name, and nobody else
    let other = ["plan", "--also-kept", erika];
    house
        .ws
        .run(&other)
        .exits(64)
        .says("no reviewer has left out");
    let planned = house.ws.json(&["plan", "--also-kept", dieter]);
    assert_eq!(planned["steps"][0]["email"], dieter);
    let digest = planned["digest"].as_str().unwrap();
    let args = ["approve", digest, "--except", dieter, "--confirm", "0"];
    house.ws.run(&args).exits(0).says("every account stays");
    house.ws.run(&["run"]).exits(0);
    assert!(!disabled(&house, Role::Idle));

    // the review date comes, and he is still silent
    house.story.pass_days(91);
    house.ws.run(&["sync"]).exits(0);
    house.hours_later(1);
    assert!(house.planned().contains(&dieter.to_owned()));
    house.ws.is_sound();
}

#[test]
fn who_was_left_out_as_idle_and_leaves_is_found_anew() {
    let idle = crate::safety::house::IDLE;
    let house = House::settled("", &[crate::safety::house::LEAVERS, idle]).a_month_later();
    let dieter = cast(Role::Idle).email;
    let digest = house.ws.json(&["plan"])["digest"].clone();
    let digest = digest.as_str().unwrap();
    let args = ["approve", digest, "--except", dieter, "--confirm", "1"];
    house.ws.run(&args).exits(0);
    house.directory().disable("dieter.vogel");
    house.ws.run(&["sync"]).exits(0);
    let planned = house.ws.json(&["plan"]);
    assert_eq!(planned["steps"][0]["email"], dieter, "{planned}");
    assert_eq!(planned["steps"][0]["because"], "leaver.disabled");

    // left out as a leaver too, he is one who is still in
    let digest = planned["digest"].as_str().unwrap();
    let args = ["approve", digest, "--except", dieter, "--confirm", "0"];
    house.ws.run(&args).exits(0);
    house.ws.run(&["run"]).exits(0);
    assert!(!disabled(&house, Role::Idle));
    let status = house.ws.run(&["status"]).exits(0);
    status
        .says("LEAVERS STILL IN")
        .says("block.kept-by-reviewer");
}

/// A smaller plan is good no longer than the one that it comes from, and there is one of it.
#[test]
fn a_cut_keeps_the_date_of_its_plan_and_a_plan_is_cut_once() {
    let house = due();
    let (dieter, erika) = (cast(Role::Idle).email, cast(Role::FailedOnly).email);
    let plan = house.ws.json(&["plan"]);
    let digest = plan["digest"].as_str().unwrap().to_owned();
    house.hours_later(20);
    let only = |who: &'static str| ["approve", "DIGEST", "--only", who, "--confirm", "1"];
    let with = |args: [&str; 6]| {
        args.map(|a| {
            if a == "DIGEST" {
                digest.clone()
            } else {
                a.to_owned()
            }
        })
    };
    let (one, two) = (with(only(dieter)), with(only(erika)));
    let one: Vec<_> = one.iter().map(String::as_str).collect();
    let two: Vec<_> = two.iter().map(String::as_str).collect();
    let (first, second) = (house.ws.start(&one), house.ws.start(&two));
    let (first, second) = (finish(first, &one), finish(second, &two));
    let mut codes = [first.code.unwrap(), second.code.unwrap()];
    codes.sort_unstable();
    assert_eq!(codes, [0, 5], "{}\n{}", first.screen(), second.screen());
    let plans = house.ws.entries_of("plan.created");
    let cut: Vec<_> = plans
        .iter()
        .filter(|p| p["data"]["parent"].is_string())
        .collect();
    assert_eq!(cut.len(), 1);
    let parent = plans
        .iter()
        .find(|p| p["data"]["digest"] == digest.as_str())
        .unwrap();
    assert_eq!(cut[0]["data"]["expires_at"], parent["data"]["expires_at"]);
    assert_eq!(house.ws.entries_of("plan.approved").len(), 1);
    house.ws.is_sound();
}

#[test]
fn only_and_except_make_smaller_plans() {
    let house = due();
    let (dieter, erika) = (cast(Role::Idle).email, cast(Role::FailedOnly).email);
    let plan = house.ws.json(&["plan"]);
    let digest = plan["digest"].as_str().unwrap();
    assert!(
        plan["steps"][0]["undo"]
            .as_str()
            .unwrap()
            .contains("restore")
    );
    house
        .ws
        .run(&["approve", digest, "--only", "nobody@example.com"])
        .exits(64);
    house
        .ws
        .run(&["approve", digest, "--only", cast(Role::Active).email])
        .exits(64)
        .says("no step for");
    house.ws.run(&["approve", digest, "--each"]).exits(64);
    house
        .ws
        .run(&["approve", digest, "--except", dieter, "--confirm", "1"])
        .exits(0)
        .says(erika);
    house.ws.run(&["run"]).exits(0);
    assert!(disabled(&house, Role::FailedOnly) && !disabled(&house, Role::Idle));
    // who was left out stays
    assert!(house.planned().is_empty());
}

/// Whoever names those to go says nothing about the others.
#[test]
fn who_was_not_named_is_planned_anew() {
    let house = due();
    let (dieter, erika) = (cast(Role::Idle).email, cast(Role::FailedOnly).email);
    let digest = house.ws.json(&["plan"])["digest"].clone();
    let args = [
        "approve",
        digest.as_str().unwrap(),
        "--only",
        erika,
        "--confirm",
        "1",
    ];
    house
        .ws
        .run(&args)
        .exits(0)
        .says("planned anew if they are due");
    assert_eq!(house.planned(), [dieter, erika][..1]);
    assert!(house.ws.entries_of("step.kept").is_empty());
}

/// What could not be given back is tried again when somebody asks again, and by no run.
#[test]
fn a_restore_that_failed_is_over() {
    let house = due();
    let (dieter, erika) = (cast(Role::Idle).email, cast(Role::FailedOnly).email);
    let digest = house.ws.json(&["plan"])["digest"].clone();
    let args = ["approve", digest.as_str().unwrap(), "--confirm", "2"];
    house.ws.run(&args).exits(0);
    house.ws.run(&["run"]).exits(0);
    let runs = house.ws.entries_of("run.started");
    let run = runs
        .iter()
        .rfind(|e| e["data"]["command"] == "run")
        .unwrap()["seq"]
        .to_string();
    house
        .ws
        .run(&["halt", "on", "--tenant", "portal", "--reason", "x"])
        .exits(0);
    let again = ["restore", dieter, "--reason", "a mistake", "--confirm", "1"];
    house
        .ws
        .run(&again)
        .exits(5)
        .says("only when you ask again");
    house
        .ws
        .run(&["halt", "off", "--tenant", "portal", "--reason", "x"])
        .exits(0);
    house.forget_requests();
    house.ws.run(&["run"]).exits(0);
    house.nothing_was_sent();
    assert!(disabled(&house, Role::Idle));
    assert!(
        house.ws.json(&["status"])["plans"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    house.ws.run(&again).exits(0);
    assert!(!disabled(&house, Role::Idle));

    // the run that had disabled both: he is not its own any more
    let args = [
        "restore",
        "--run",
        &run,
        "--reason",
        "a mistake",
        "--confirm",
        "1",
        "--json",
    ];
    let restored = house.ws.run(&args).exits(0).json();
    fits("restore", &restored);
    assert_eq!(restored["items"][0]["email"], erika);
    assert_eq!(restored["left_out"][0]["email"], dieter);
    assert_eq!(restored["left_out"][0]["because"], "block.changed-since");
    house.ws.is_sound();
}

#[test]
fn what_was_disabled_by_mistake_is_given_back() {
    let house = due();
    let dieter = cast(Role::Idle).email;
    let digest = house.ws.json(&["plan"])["digest"].clone();
    let digest = digest.as_str().unwrap();
    let args = ["approve", digest, "--only", dieter, "--confirm", "1"];
    house.ws.run(&args).exits(0);
    house.ws.run(&["run"]).exits(0);
    assert!(disabled(&house, Role::Idle));
    let why = ["--reason", "he was on parental leave"];
    house.ws.run(&["restore", dieter]).exits(64);
    house
        .ws
        .run(&["restore", dieter, why[0], why[1]])
        .exits(5)
        .says("was not typed");
    let restored = house
        .ws
        .run(&[
            "restore",
            dieter,
            why[0],
            why[1],
            "--confirm",
            "1",
            "--json",
        ])
        .exits(0)
        .json();
    fits("restore", &restored);
    assert_eq!(restored["items"][0]["result"], "done");
    assert!(!disabled(&house, Role::Idle));
    // his silence counts anew: nothing is planned for him, and he is not warned again at once
    house.ws.run(&["run"]).exits(0);
    assert!(!house.planned().contains(&dieter.to_owned()));
    house.story.pass_days(5);
    house.ws.run(&["run"]).exits(0);
    assert!(!disabled(&house, Role::Idle));
    let again = house
        .ws
        .run(&["restore", dieter, why[0], why[1], "--confirm", "1"])
        .exits(5);
    again.says("block.not-disabled");
    house
        .ws
        .run(&["why", dieter])
        .exits(0)
        .says("about to give the account back");
    house.ws.is_sound();
}

#[test]
fn a_leaver_who_is_given_back_is_not_disabled_again_and_stands_first_in_status() {
    let house = House::settled("", &[crate::safety::house::LEAVERS]);
    let bob = cast(Role::AlreadyDisabled);
    assert!(disabled(&house, Role::AlreadyDisabled));
    let run = house.ws.entries_of("run.started");
    let run = run.iter().rfind(|e| e["data"]["command"] == "run").unwrap()["seq"].to_string();
    let args = [
        "restore",
        "--run",
        &run,
        "--reason",
        "a mistake",
        "--confirm",
        "1",
    ];
    house.ws.run(&args).exits(0).says("1 account given back");
    assert_eq!(house.status(Role::AlreadyDisabled), Status::Active);
    house.forget_requests();
    house.ws.run(&["run"]).exits(0);
    house.nothing_was_sent();
    house
        .ws
        .run(&["status"])
        .exits(0)
        .says("LEAVERS STILL IN")
        .says(bob.email)
        .says("block.restored");
    house.ws.is_sound();
}

#[test]
fn images_of_what_was_go_to_an_archive_that_nothing_overwrites() {
    let house = House::settled("", &[crate::safety::house::LEAVERS]);
    let written = house.ws.run(&["before-images", "--json"]).exits(0).json();
    fits("before-images", &written);
    let name = written["file"].as_str().unwrap();
    let file = std::fs::File::open(house.ws.path(name)).unwrap();
    let mut zip = zip::ZipArchive::new(file).unwrap();
    let mut index = String::new();
    std::io::Read::read_to_string(&mut zip.by_name("INDEX.csv").unwrap(), &mut index).unwrap();
    let listed = rows(&index);
    let bob = cast(Role::AlreadyDisabled);
    assert_eq!((listed.len(), listed[0][5].as_str()), (1, bob.email));
    assert_eq!(listed[0][8], "done");
    let mut image = String::new();
    let mut entry = zip.by_name(&listed[0][0]).unwrap();
    std::io::Read::read_to_string(&mut entry, &mut image).unwrap();
    let image: serde_json::Value = serde_json::from_str(&image).unwrap();
    assert!(image.to_string().contains(bob.email), "{image}");
    drop(entry);
    assert_eq!(zip.len(), 2);
    let later = house.ws.run(&["before-images", "--from", "2099-01-01"]);
    later.exits(0).says("no change");
}
