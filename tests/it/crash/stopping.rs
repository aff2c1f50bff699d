//! Two at once, an interruption, a halt, a lost lease.

use exeunt::sandbox::docspace::GateAt;

use crate::common::crash::PLAN;
use crate::common::crash::Stage;
use crate::common::crash::status_calls;

const APPLY: &[&str] = &["apply", PLAN];

#[test]
fn a_second_one_during_a_call_exits_11_and_sends_nothing() {
    let stage = Stage::planned(1);
    let gate = stage.control.pause(status_calls(), GateAt::After);
    let running = stage.start(APPLY);
    stage.wait_held(gate);
    let (requests, entries) = (stage.control.requests().len(), stage.work.entries().len());
    stage.work.run(&["run"]).exits(11);
    stage.work.run(APPLY).exits(11);
    assert_eq!(stage.control.requests().len(), requests, "requests");
    assert_eq!(stage.work.entries().len(), entries, "entries");
    stage.control.release(gate);
    running.ends().exits(0);
    stage.ends_well(stage.leaver(), 1);
}

#[test]
fn an_interruption_lets_the_call_in_flight_end_and_begins_no_other() {
    let stage = Stage::planned(3);
    let gate = stage.control.pause(status_calls(), GateAt::Before);
    let running = stage.start(APPLY);
    stage.wait_held(gate);
    running.signal("INT");
    std::thread::sleep(std::time::Duration::from_millis(300));
    stage.control.release(gate);
    running
        .ends()
        .exits(130)
        .says("stopping after the call in flight");
    let done: u64 = stage
        .leavers
        .iter()
        .map(|id| stage.control.status_changes(*id))
        .sum();
    assert_eq!(done, 1);
    let finished = stage.work.entries_of("run.finished");
    assert_eq!(finished.last().unwrap()["data"]["exit"], 130);
    stage.work.run(APPLY).exits(0);
    for leaver in &stage.leavers {
        assert_eq!(stage.puts(*leaver).len(), 1);
        stage.ends_well(*leaver, 1);
    }
}

#[test]
fn an_interruption_of_a_run_stops_it_before_the_next_plan() {
    let stage = Stage::set(2);
    stage.people(|n| n == 1);
    stage.work.run(&["sync"]).exits(0);
    stage.work.run(&["plan", "--out", PLAN]).exits(0);
    stage
        .work
        .run(&["breaker", "release", PLAN, "--reason", "looked at"])
        .exits(0);
    stage.people(|_| true);
    stage.work.run(&["sync"]).exits(0);
    stage.work.run(&["plan"]).exits(0);
    assert_eq!(stage.work.entries_of("plan.created").len(), 2);
    let gate = stage.control.pause(status_calls(), GateAt::Before);
    let running = stage.start(&["run"]);
    stage.wait_held(gate);
    running.signal("INT");
    std::thread::sleep(std::time::Duration::from_millis(300));
    stage.control.release(gate);
    running.ends().exits(130);
    assert_eq!(stage.control.status_changes(stage.leavers[0]), 1);
    assert!(stage.puts(stage.leavers[1]).is_empty());
    stage.work.run(&["run"]).exits(0);
    for leaver in &stage.leavers {
        stage.ends_well(*leaver, 1);
    }
}

#[test]
fn a_halt_during_a_call_stops_the_next_one() {
    let stage = Stage::planned(2);
    let gate = stage.control.pause(status_calls(), GateAt::Before);
    let running = stage.start(APPLY);
    stage.wait_held(gate);
    stage.work.run(&["halt", "on"]).exits(0);
    stage.control.release(gate);
    running.ends().exits(3).says("stopped");
    let done: u64 = stage
        .leavers
        .iter()
        .map(|id| stage.control.status_changes(*id))
        .sum();
    assert_eq!(done, 1);
    stage.work.run(&["halt", "off"]).exits(0);
    stage.work.run(APPLY).exits(0);
    for leaver in &stage.leavers {
        stage.ends_well(*leaver, 1);
    }
}

#[test]
fn a_halt_just_before_the_intent_is_seen_and_named() {
    let stage = Stage::planned(1);
    let running = stage.stops_at("intent-in-vault", APPLY);
    stage
        .work
        .run(&["halt", "on", "--tenant", "portal"])
        .exits(0);
    running.signal("CONT");
    let halted = exeunt::domain::code::says("block.halted");
    running.ends().exits(5).says("stopped").says(&halted);
    assert!(stage.work.entries_of("command.intended").is_empty());
    stage.ends_well(stage.leaver(), 0);
}

#[test]
fn what_is_stopped_still_is_said() {
    let stage = Stage::planned(1);
    let halt = |args: &[&str]| stage.work.run(&[&["halt"], args].concat()).exits(0);
    halt(&["on"]);
    halt(&["on", "--tenant", "portal"]);
    halt(&["off"]).says("calls to portal are stopped still: `exeunt halt off --tenant portal`");
    halt(&["on"]);
    halt(&["off", "--tenant", "portal"]).says("every call is stopped still: `exeunt halt off`");
    halt(&["off"]).says("every call may be made again");
}

/// A machine that slept between intent and call: its call could reach the tenant after another
/// process has read the account back and repeated it.
#[test]
fn whoever_slept_past_its_time_calls_nobody() {
    let stage = Stage::planned(1);
    let running = stage.stops_at("intent-durable", APPLY);
    std::fs::remove_file(stage.work.path("exeunt.db.actor")).unwrap();
    stage.work.run(&["run"]).exits(0);
    assert_eq!(stage.puts(stage.leaver()).len(), 1);
    running.signal("CONT");
    running.ends().exits(69).says("not sent");
    assert_eq!(stage.puts(stage.leaver()).len(), 1);
    assert_eq!(stage.control.status_changes(stage.leaver()), 1);
    stage.work.is_sound();
}

/// The lock file is taken away under the first one, as a file system over a network may do; the
/// epoch keeps it from calling all the same.
#[test]
fn whoever_lost_the_lease_can_intend_nothing() {
    let stage = Stage::planned(1);
    let running = stage.stops_at("intent-in-vault", APPLY);
    std::fs::remove_file(stage.work.path("exeunt.db.actor")).unwrap();
    stage.work.run(&["run"]).exits(0);
    running.signal("CONT");
    running.ends().exits(11).says("lease was lost");
    assert_eq!(stage.puts(stage.leaver()).len(), 1);
    assert_eq!(stage.work.entries_of("command.intended").len(), 1);
    stage.ends_well(stage.leaver(), 1);
}
