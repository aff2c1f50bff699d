//! The report of the first day: read only, before any approval, as text, JSON and a page.

use std::os::unix::fs::PermissionsExt as _;

use exeunt::sandbox::Role;
use exeunt::sandbox::cast;
use exeunt::sandbox::docspace::Kind;
use exeunt::sandbox::docspace::User;
use serde_json::Value;
use uuid::Uuid;

use crate::cli::stage::Stage;
use crate::json::fits;

fn observing() -> Stage {
    let stage = Stage::new();
    stage.ws.reconfigure("\"enforce\"", "\"observe\"");
    stage.ws.run(&["init"]).exits(0);
    stage
}

fn asked(stage: &Stage) -> Value {
    let document = stage.ws.json(&["report"]);
    fits("report", &document);
    document
}

fn portal(document: &Value) -> &Value {
    let tenants = document["tenants"].as_array().unwrap();
    assert_eq!(tenants.len(), 1);
    &tenants[0]
}

fn emails<'v>(tenant: &'v Value, list: &str) -> Vec<&'v str> {
    let items = tenant[list].as_array().unwrap().iter();
    items.map(|item| item["email"].as_str().unwrap()).collect()
}

#[track_caller]
fn one<'v>(tenant: &'v Value, list: &str, who: Role) -> &'v Value {
    let items = tenant[list].as_array().unwrap();
    let found = items.iter().find(|i| i["email"] == cast(who).email);
    found.unwrap()
}

#[test]
fn it_says_on_the_first_day_what_stands_and_what_would_follow() {
    let stage = observing();
    stage.ws.run(&["sync"]).exits(0);
    let before = stage.entries();
    let control = stage.story.docspace().control();
    control.clear_requests();
    let document = asked(&stage);
    assert_eq!(stage.entries(), before, "it reads only");
    assert_eq!(control.requests().len(), 0, "it asks nobody");

    let tenant = portal(&document);
    let counts = &tenant["counts"];
    let number = |name: &str| counts[name].as_u64().unwrap();
    let sorts = [
        "leavers", "idle", "unknown", "in_use", "invited", "disabled",
    ];
    let sum: u64 = sorts.iter().map(|name| number(name)).sum();
    assert_eq!(sum, number("accounts"), "each counts once");
    assert_eq!(number("accounts"), control.users().len() as u64);
    assert_eq!(
        emails(tenant, "leavers"),
        [cast(Role::AlreadyDisabled).email]
    );
    let mut idle = emails(tenant, "idle");
    idle.sort_unstable();
    let listed = stage.ws.items(&["inactive"]);
    let mut inactive: Vec<_> = listed
        .iter()
        .map(|i| i["email"].as_str().unwrap())
        .collect();
    inactive.sort_unstable();
    assert_eq!(idle, inactive);
    assert_eq!(document["people_left"], 1);

    // the ring only looks, and what would follow is told all the same
    let rings: Vec<_> = document["rules"].as_array().unwrap().iter().collect();
    assert!(rings.iter().all(|rule| rule["ring"] == "observe"));
    let leaver = one(tenant, "leavers", Role::AlreadyDisabled);
    assert_eq!(leaver["follows"]["verdict"], "act");
    assert_eq!(leaver["clock"]["state"], "running");
    let owner = one(tenant, "idle", Role::Owner);
    assert_eq!(owner["follows"]["blocked"][0], "block.protected-owner");
    let silent = one(tenant, "idle", Role::Idle);
    let args = ["why-not", cast(Role::Idle).email];
    let why = stage.ws.json(&args);
    let policies = why["accounts"][0]["policies"].as_array().unwrap();
    let same = policies.iter().find(|p| p["policy"] == "idle").unwrap();
    let day = |value: &Value| value["step_from"].as_str().unwrap()[..10].to_owned();
    assert_eq!(day(&silent["follows"]), day(same));
    let ramp = &tenant["ramp"];
    assert_eq!(
        (&ramp["first_plan"], &ramp["per_day"]),
        (&1.into(), &10.into())
    );
    let days = ramp["days"].as_array().unwrap();
    let shown: Vec<_> = days
        .iter()
        .map(|d| {
            (
                &d["day"].as_str().unwrap()[..10],
                d["steps"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(shown, [("2026-03-02", 1), ("2026-04-01", 2)]);
    assert_eq!(
        (&tenant["warnings"], &tenant["withheld"]),
        (&2.into(), &3.into())
    );
    let text = stage.ws.run(&["report"]).exits(0);
    text.says("1 person has left")
        .says("2 warnings first, then 3 steps");
}

#[test]
fn what_would_follow_is_what_the_program_then_plans() {
    let stage = Stage::read();
    let ramp = portal(&asked(&stage))["ramp"].clone();
    let plan = stage.ws.json(&["plan"]);
    let steps = plan["steps"].as_array().unwrap().len();
    assert_eq!(ramp["first_plan"], steps);
    stage.ws.run(&["run"]).exits(0);
    let notices = stage.ws.entries_of("notice.sent").len();
    assert_eq!(notices, 2, "as many as the report says");
}

#[test]
fn a_page_stands_alone_and_takes_what_comes_from_outside_as_text() {
    let stage = observing();
    let control = stage.story.docspace().control();
    let made = control.now() - chrono::TimeDelta::days(300);
    let id = Uuid::from_u128(0xbad);
    let name = "<script>alert('x')</script>";
    let evil = "a&b@example.com";
    control.add_user(User::new(id, name, "\u{202e}<b>", evil, Kind::User, made));
    stage.ws.run(&["sync"]).exits(0);
    let args = ["report", "--out", "report.html"];
    stage.ws.run(&args).exits(0).says("wrote report.html");
    let mode = std::fs::metadata(stage.ws.path("report.html")).unwrap();
    assert_eq!(mode.permissions().mode() & 0o077, 0, "it names people");
    let page = stage.ws.read("report.html");
    let page = page.as_str();
    assert!(page.contains("a&amp;b@example.com"));
    assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"));
    for never in [
        "<script", "\u{202e}", "http://", "https://", "url(", "@import", "src=",
    ] {
        assert!(!page.contains(never), "{never}");
    }
    for there in [
        "<!doctype html>",
        "lang=\"en\"",
        "Leavers still in",
        "Idle accounts",
        "one is unknown",
        "What would follow",
        "ring observe",
        "bob.tanner@example.com",
        "@page",
        "default-src 'none'",
    ] {
        assert!(page.contains(there), "{there}");
    }
    is_balanced(page);
    // one bar for the tenant, over its whole width
    let bar = page.split("<svg class=\"bar\"").nth(1).unwrap();
    let bar = bar.split("</svg>").next().unwrap();
    let widths = bar.split("width=\"").skip(1);
    let widths: u64 = widths
        .map(|rest| rest.split('"').next().unwrap().parse::<u64>().unwrap())
        .sum();
    assert!((990..=1010).contains(&widths), "{widths}");
    // once more, in place of the first one, and both at a time
    let both = ["report", "--out", "report.html", "--json"];
    let document = stage.ws.run(&both).exits(0).json();
    fits("report", &document);
    assert_eq!(document["file"], "report.html");
    let nowhere = ["report", "--out", "nowhere/report.html"];
    stage
        .ws
        .run(&nowhere)
        .exits(1)
        .says("nowhere/report.html cannot be written");
}

/// Every element that is opened is closed, in order.
#[track_caller]
fn is_balanced(page: &str) {
    let mut open = Vec::new();
    let body = page.split("<body>").nth(1).unwrap();
    let body = body.split("</body>").next().unwrap();
    for tag in body.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap();
        let name = tag.split([' ', '/']).find(|part| !part.is_empty()).unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "{tag}");
        } else if !tag.ends_with('/') && name != "br" {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn without_policies_usual_ones_are_supposed_and_named_so() {
    let stage = Stage::new();
    let text = stage.ws.read("exeunt.toml");
    let bare = text.split("[[policy]]").next().unwrap();
    stage.ws.write("exeunt.toml", bare);
    stage.ws.run(&["init"]).exits(0);
    let empty = asked(&stage);
    assert_eq!(empty["tenants"], serde_json::json!([]));
    stage.ws.run(&["report"]).exits(0).says("was never read");
    stage.ws.run(&["sync"]).exits(0);
    let document = asked(&stage);
    let rules = document["rules"].as_array().unwrap();
    assert!(rules.iter().all(|rule| rule["ring"].is_null()) && rules.len() == 2);
    assert_eq!(portal(&document)["ramp"]["first_plan"], 1);
    stage.ws.run(&["report", "--out", "page.html"]).exits(0);
    assert!(
        stage
            .ws
            .read("page.html")
            .contains("supposed for this page")
    );
}

#[test]
fn what_is_unknown_has_its_reason_and_its_date() {
    let stage = Stage::new();
    stage.ws.reconfigure("after_days = 90", "after_days = 400");
    stage.ws.run(&["init"]).exits(0);
    stage.ws.run(&["sync"]).exits(0);
    let document = asked(&stage);
    let tenant = portal(&document);
    let silent = one(tenant, "unknown", Role::Idle);
    assert_eq!(silent["because"], "unknown.horizon-short");
    let from = silent["provable_from"].as_str().unwrap();
    let listed = stage.ws.items(&["unknown", "--days", "400"]);
    let same = listed.iter().find(|i| i["subject"] == silent["subject"]);
    let day = &same.unwrap()["provable_from"].as_str().unwrap()[..10];
    assert_eq!(&from[..10], day);
    assert_eq!(emails(tenant, "idle").len(), 0);
    stage.ws.run(&["report", "--out", "page.html"]).exits(0);
    assert!(stage.ws.read("page.html").contains(day));
}

#[test]
fn a_source_that_was_not_read_is_said_first() {
    let stage = observing();
    stage.ws.run(&["sync"]).exits(0);
    let control = stage.story.docspace().control();
    control.set_token("another one");
    stage.ws.run(&["sync"]).exits(4);
    let ran = stage.ws.run(&["report", "--out", "page.html"]).exits(0);
    ran.says("portal was not read to its end on 2026-03-02 (failed)")
        .says("NOT KNOWN");
    let page = stage.ws.read("page.html");
    assert!(page.contains("What this page cannot say"));
    assert!(page.find("NOT KNOWN") < page.find("Leavers still in"));
    assert!(
        page.contains("bob.tanner@example.com"),
        "what was known is shown"
    );
    let document = asked(&stage);
    let sources = document["sources"].as_array().unwrap();
    let portal = sources.iter().find(|s| s["source"] == "portal").unwrap();
    assert_eq!(portal["relied_on"], false);
    control.set_token(stage.story.docspace().token());
    stage.ws.run(&["sync"]).exits(0);
    stage.hours_later(30);
    stage.ws.run(&["report"]).exits(0).says("too long ago");
    // without a directory nobody says that nobody has left
    let text = stage.ws.read("exeunt.toml");
    let (head, rest) = text.split_once("[[directory]]").unwrap();
    let rest = rest.split_once("[[tenant]]").unwrap().1;
    let alone = crate::common::workspace::Workspace::clocked(control);
    alone.write("portal.token", &stage.ws.read("portal.token"));
    alone.write("exeunt.toml", &format!("{head}[[tenant]]{rest}"));
    alone.run(&["init"]).exits(0);
    alone.run(&["sync"]).exits(0);
    let ran = alone.run(&["report", "--out", "page.html"]).exits(0);
    ran.says("No directory is configured")
        .says_not("people have left");
    let page = alone.read("page.html");
    assert!(page.contains("hether a leaver is still in is not known"));
}
