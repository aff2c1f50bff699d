//! Every exit code that can be provoked here, each by what really leads to it.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;
use std::time::Instant;

use exeunt::cli::exit::Exit;
use exeunt::sandbox::Leaving;
use exeunt::sandbox::Role;
use exeunt::sandbox::docspace::Fault;
use exeunt::sandbox::docspace::FaultRule;
use exeunt::sandbox::docspace::GateAt;
use exeunt::sandbox::docspace::Matcher;

use crate::cli::stage::Stage;
use crate::common::workspace::Ran;
use crate::common::workspace::Workspace;
use crate::common::workspace::copy;
use crate::common::workspace::finish;

const STATUS: &str = "/api/2.0/people/status";

/// One way to one code.
type Way = (Exit, fn() -> Ran);

const WAYS: &[Way] = &[
    (Exit::Done, || Stage::read().ws.run(&["verify"])),
    (Exit::Done, || Stage::read().ws.run(&["--version"])),
    (Exit::Failed, || {
        let stage = Stage::read();
        stage
            .ws
            .run(&["plan", "--out", "no/such/directory/plan.json"])
    }),
    (Exit::SomethingToDo, || {
        Stage::read().ws.run(&["plan", "--detailed-exitcode"])
    }),
    (Exit::SomethingToDo, || {
        Stage::read().ws.run(&["run", "--detailed-exitcode"])
    }),
    (Exit::Partly, partly),
    (Exit::Rights, || {
        let stage = Stage::read();
        stage.story.docspace().control().set_token("another one");
        stage.ws.run(&["sync"])
    }),
    (Exit::Refused, || {
        Stage::planned().ws.run(&["apply", "plan.json"])
    }),
    (Exit::InDoubt, || {
        let stage = Stage::ready();
        let lost = FaultRule::always(Matcher::new("PUT", STATUS), Fault::LostAnswer);
        stage.story.docspace().control().add_fault(lost);
        stage.ws.run(&["apply", "plan.json"])
    }),
    (Exit::NoLedger, || Stage::new().ws.run(&["status"])),
    (Exit::Busy, busy),
    (Exit::WrongKey, || {
        let (stage, other) = (Stage::read(), Stage::read());
        copy(&other.ws.path("keys/kek"), &stage.ws.path("keys/kek"));
        stage.ws.run(&["status"])
    }),
    (Exit::False, || {
        let stage = Stage::new();
        stage.ws.run(&["init"]).exits(0);
        copy(&stage.ws.path("exeunt.db"), &stage.ws.path("old.db"));
        stage.ws.run(&["sync"]).exits(0);
        copy(&stage.ws.path("old.db"), &stage.ws.path("exeunt.db"));
        for beside in ["exeunt.db-wal", "exeunt.db-shm"] {
            drop(fs::remove_file(stage.ws.path(beside)));
        }
        stage.ws.run(&["status"])
    }),
    (Exit::CannotJudge, || {
        let stage = Stage::read();
        fs::remove_file(stage.ws.path("exeunt-vault.db")).unwrap();
        stage.ws.run(&["plan"])
    }),
    (Exit::Usage, || Workspace::new().run(&["explode"])),
    (Exit::Usage, || Workspace::new().run(&[])),
    (Exit::Usage, || Stage::read().ws.run(&["sync", "nowhere"])),
    (Exit::Usage, || Stage::read().ws.run(&["init"])),
    (Exit::Unreachable, || {
        let stage = Stage::read();
        let url = stage.story.docspace().url();
        stage.ws.reconfigure(&url, "http://127.0.0.1:9");
        stage.ws.run(&["sync", "portal"])
    }),
    (Exit::Later, || {
        // The company lives in March 2026; our own clock does not.
        let stage = Stage::new();
        stage.ws.run(&["init"]).exits(0);
        let args = ["sync"];
        let mut command = stage.ws.command(&args);
        command
            .env_remove("EXEUNT_NOW")
            .stdout(std::process::Stdio::piped());
        command.stderr(std::process::Stdio::piped());
        finish(command.spawn().unwrap(), &args)
    }),
    (Exit::Configuration, || {
        let stage = Stage::read();
        stage.ws.reconfigure("after_days", "after_dayz");
        stage.ws.run(&["sync"])
    }),
    (Exit::Interrupted, interrupted),
];

/// Of two leavers, one can be disabled.
fn partly() -> Ran {
    let stage = Stage::read();
    stage.story.leave(Role::Leaver, Leaving::Disabled);
    stage.ws.run(&["sync"]).exits(0);
    stage.ws.run(&["plan", "--out", "plan.json"]).exits(0);
    stage
        .ws
        .run(&["approve", "plan.json", "--confirm", "2"])
        .exits(0);
    stage.release();
    let refused = Fault::Status {
        status: 403,
        body: None,
    };
    let second = FaultRule::nth(Matcher::new("PUT", STATUS), 2, refused);
    stage.story.docspace().control().add_fault(second);
    stage.ws.run(&["apply", "plan.json"])
}

/// Starts `apply` and waits until its change stands before the tenant; then does something, opens
/// the gate, and returns how `apply` ended.
fn during_apply(stage: &Stage, act: impl FnOnce(u32)) -> Ran {
    let control = stage.story.docspace().control();
    let gate = control.pause(Matcher::new("PUT", STATUS), GateAt::Before);
    let args = ["apply", "plan.json"];
    let child = stage.ws.start(&args);
    let begun = Instant::now();
    while control.held(gate) == 0 {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "the change never came"
        );
        sleep(Duration::from_millis(20));
    }
    act(child.id());
    control.release(gate);
    finish(child, &args)
}

fn busy() -> Ran {
    let stage = Stage::ready();
    let mut second = None;
    during_apply(&stage, |_| second = Some(stage.ws.run(&["run"]))).exits(0);
    second.unwrap()
}

fn interrupted() -> Ran {
    let stage = Stage::ready();
    let ran = during_apply(&stage, |pid| {
        let sent = Command::new("kill")
            .args(["-INT", &pid.to_string()])
            .status();
        assert!(sent.unwrap().success());
        // The signal must be heard before the call in flight ends.
        sleep(Duration::from_millis(500));
    });
    let outcomes = stage.ws.entries_of("command.outcome");
    assert_eq!(outcomes.len(), 1, "the call in flight was not recorded");
    assert_eq!(outcomes[0]["data"]["result"], "done");
    ran
}

#[test]
fn every_code_that_can_be_provoked() {
    for (exit, way) in WAYS {
        let ran = way().exits(exit.code().into());
        let tells = *exit <= Exit::SomethingToDo || !ran.err.is_empty();
        assert!(tells, "{exit:?} of `{}` says nothing", ran.args);
    }
}

#[test]
fn the_long_help_lists_every_code() {
    let help = Workspace::new().run(&["--help"]).exits(0).out;
    for (exit, says) in Exit::ALL {
        assert!(
            help.contains(&format!("{:>3}  {says}", exit.code())),
            "{exit:?}: {help}"
        );
    }
}

#[test]
fn with_json_an_error_is_one_line_of_json() {
    for args in [
        &["status", "--json"][..],
        &["explode", "--json"],
        &["--json", "sync"],
    ] {
        let ran = Workspace::new().run(args);
        assert_eq!(ran.out, "");
        assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
        let line: serde_json::Value = serde_json::from_str(&ran.err).unwrap();
        assert_eq!(line["exit"], ran.code.unwrap());
    }
}

#[test]
fn a_wrong_number_approves_nothing() {
    let stage = Stage::planned();
    let before = stage.entries();
    stage
        .ws
        .run(&["approve", "plan.json", "--confirm", "7"])
        .exits(5)
        .says("the plan has 1 step, not 7");
    assert!(Path::new(&stage.ws.path("plan.json")).is_file());
    assert_eq!(stage.ws.entries_of("plan.approved").len(), 0);
    assert!(stage.entries() >= before);
}
