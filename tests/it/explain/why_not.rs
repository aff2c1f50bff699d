//! What would have to be true, what blocks, and from when on it could be otherwise; the dates are
//! held against what the program then does.

use chrono::DateTime;
use chrono::TimeDelta;
use exeunt::sandbox::Role;
use exeunt::sandbox::cast;
use serde_json::Value;

use crate::cli::stage::Stage;
use crate::json::fits;

fn asked(stage: &Stage, args: &[&str]) -> Value {
    let args: Vec<_> = ["why-not"].iter().chain(args).copied().collect();
    let document = stage.ws.json(&args);
    fits("why-not", &document);
    document
}

/// What one policy says about somebody's only account.
#[track_caller]
fn under(stage: &Stage, role: Role, policy: &str) -> Value {
    let document = asked(stage, &[cast(role).email]);
    of(&document, policy)
}

#[track_caller]
fn of(document: &Value, policy: &str) -> Value {
    let accounts = document["accounts"].as_array().unwrap();
    assert_eq!(accounts.len(), 1, "{document:#}");
    let policies = accounts[0]["policies"].as_array().unwrap();
    let one = policies.iter().find(|p| p["policy"] == policy);
    one.unwrap().clone()
}

fn codes(one: &Value) -> Vec<&str> {
    let missing = one["missing"].as_array().unwrap().iter();
    missing.map(|m| m["because"].as_str().unwrap()).collect()
}

fn moment(value: &Value) -> DateTime<chrono::FixedOffset> {
    DateTime::parse_from_rfc3339(value.as_str().unwrap()).unwrap()
}

fn warned(stage: &Stage, subject: &Value) -> usize {
    let notices = stage.ws.entries_of("notice.sent");
    notices.iter().filter(|n| n["sub"] == *subject).count()
}

#[test]
fn the_dates_are_those_at_which_the_program_then_acts() {
    let stage = Stage::read();
    // signed in 60 days ago: the history that the tenant shows holds it
    let document = asked(&stage, &[cast(Role::Hidden).email]);
    let subject = &document["accounts"][0]["subject"];
    let idle = of(&document, "idle");
    assert_eq!(idle["answer"], "not-met");
    assert_eq!(codes(&idle), ["need.silence"]);
    let from = moment(&idle["warned_from"]);
    assert_eq!(
        moment(&idle["step_from"]) - from,
        TimeDelta::days(30),
        "the longest notice"
    );
    let now = moment(&document["as_of"]);
    let hours = (from - now).num_hours();
    stage.hours_later(hours - 1);
    stage.ws.run(&["run"]).exits(0);
    assert_eq!(warned(&stage, subject), 0, "an hour too early");
    stage.hours_later(2);
    stage.ws.run(&["run"]).exits(0);
    assert_eq!(warned(&stage, subject), 1, "it was said to come now");
    // the notice counts from when it was given
    let idle = under(&stage, Role::Hidden, "idle");
    assert_eq!(idle["answer"], "not-yet");
    assert_eq!(codes(&idle), ["need.time"]);
    let step = moment(&idle["step_from"]);
    let now = stage.story.docspace().control().now();
    stage.hours_later((step.to_utc() - now).num_hours() - 1);
    let due = |stage: &Stage| {
        stage.ws.run(&["sync"]).exits(0);
        let plan = stage.ws.json(&["plan"]);
        let steps = plan["steps"].as_array().unwrap();
        steps.iter().any(|s| s["subject"] == *subject)
    };
    assert!(!due(&stage), "an hour too early");
    stage.hours_later(2);
    assert!(due(&stage), "it was said to be due now");
}

#[test]
fn a_protection_is_named_although_nothing_else_is_so_yet() {
    let stage = Stage::read();
    for policy in ["leavers", "idle"] {
        let one = under(&stage, Role::Admin, policy);
        assert_eq!(one["answer"], "not-met");
        assert!(codes(&one).contains(&"block.protected-admin"), "{one:#}");
        assert_eq!(one["step_from"], Value::Null, "it is never touched");
    }
    stage
        .ws
        .run(&["why-not", cast(Role::Admin).email])
        .exits(0)
        .says("need.departure")
        .says("need.silence")
        .says("block.protected-admin")
        .says("time alone changes nothing");
}

#[test]
fn who_is_due_is_told_what_the_step_still_waits_for() {
    let stage = Stage::read();
    let missing = |stage: &Stage| {
        let one = under(stage, Role::AlreadyDisabled, "leavers");
        assert_eq!(one["answer"], "due");
        assert_eq!(one["decides"], true);
        codes(&one).join(" ")
    };
    assert_eq!(missing(&stage), "need.plan");
    stage.ws.run(&["plan", "--out", "plan.json"]).exits(0);
    assert_eq!(missing(&stage), "need.approval block.first-contact");
    let confirm = ["approve", "plan.json", "--confirm", "1"];
    stage.ws.run(&confirm).exits(0);
    assert_eq!(missing(&stage), "block.first-contact");
    stage.release();
    assert_eq!(missing(&stage), "");
    stage.ws.run(&["halt", "on"]).exits(0);
    assert_eq!(missing(&stage), "block.halted");
    stage.ws.run(&["halt", "off"]).exits(0);
    stage.ws.run(&["apply", "plan.json"]).exits(0);
    let one = under(&stage, Role::AlreadyDisabled, "leavers");
    assert_eq!(
        (&one["answer"], codes(&one)),
        (&"over".into(), vec!["keep.steps-done"])
    );
}

#[test]
fn unknown_activity_is_provable_from_a_date() {
    let stage = Stage::new();
    stage.ws.reconfigure("after_days = 90", "after_days = 400");
    stage.ws.run(&["init"]).exits(0);
    stage.ws.run(&["sync"]).exits(0);
    let one = under(&stage, Role::Idle, "idle");
    assert_eq!(one["answer"], "unknown");
    assert_eq!(codes(&one), ["unknown.horizon-short"]);
    let from = moment(&one["provable_from"]);
    // 180 days are known; a warning comes 30 days before 400 days and one of precision
    let now = stage.story.docspace().control().now();
    let days = (from.to_utc() - now + TimeDelta::hours(12)).num_days();
    assert_eq!(days, 400 - 30 + 1 - 180);
    assert_eq!(one["warned_from"], one["provable_from"]);
    let step = moment(&one["step_from"]);
    assert_eq!((step - from).num_days(), 30);
    stage
        .ws
        .run(&["why-not", cast(Role::Idle).email, "--policy", "idle"])
        .exits(0)
        .says("unknown, and unknown never removes anybody")
        .says(&format!(
            "provable from {}",
            from.format("%Y-%m-%d %H:%M UTC")
        ))
        .says_not("Policy leavers");
}

#[test]
fn a_ring_that_only_looks_is_named_with_the_date_that_would_be() {
    let stage = Stage::new();
    stage.ws.reconfigure("\"enforce\"", "\"observe\"");
    stage.ws.run(&["init"]).exits(0);
    stage.ws.run(&["sync"]).exits(0);
    let one = under(&stage, Role::AlreadyDisabled, "leavers");
    assert_eq!(one["answer"], "blocked");
    assert_eq!(codes(&one), ["block.ring-observe"]);
    assert!(one["step_from"].is_string());
    let one = under(&stage, Role::Idle, "idle");
    assert_eq!(one["answer"], "blocked");
    let from = (moment(&one["warned_from"]), moment(&one["step_from"]));
    assert_eq!(from.1 - from.0, TimeDelta::days(30));
}

#[test]
fn it_looks_back_and_says_whom_it_does_not_know() {
    let stage = Stage::read();
    let before = (stage.entries() - 1).to_string();
    let carol = cast(Role::Leaver).email;
    let args = ["leave", carol, "--reason", "resigned"];
    stage.ws.run(&args).exits(0);
    let now = under(&stage, Role::Leaver, "leavers");
    assert_eq!(now["answer"], "due");
    let then = of(&asked(&stage, &[carol, "--as-of", &before]), "leavers");
    assert_eq!(then["answer"], "not-met");
    assert_eq!(codes(&then), ["need.departure"]);
    let none = asked(&stage, &[cast(Role::Canary).email]);
    assert_eq!(none["accounts"], serde_json::json!([]));
    stage
        .ws
        .run(&["why-not", cast(Role::Canary).email])
        .exits(0)
        .says("has no account that is known");
    stage.ws.run(&["why-not", "nobody"]).exits(64);
    let wrong = ["why-not", carol, "--policy", "other"];
    stage.ws.run(&wrong).exits(64).says("`other`");
    let early = ["why-not", carol, "--as-of", "1"];
    stage.ws.run(&early).exits(0).says("known then");
}
