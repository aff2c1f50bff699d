//! The crash table: the program is killed at every point of a call and started again.
//!
//! In every row the tenant's state changes once, or not at all where it refuses; a second request
//! goes out only after a reading back past the first one's deadline; and the ledger has an end of
//! each intent.

mod answers;
mod observing;
mod stopping;

use exeunt::sandbox::docspace::Fault;
use exeunt::sandbox::docspace::FaultRule;
use exeunt::sandbox::docspace::GateAt;

use crate::common::crash::PLAN;
use crate::common::crash::Stage;
use crate::common::crash::play;
use crate::common::crash::status_calls;

/// How the program comes to its end.
#[derive(Debug, Clone, Copy)]
enum Killed {
    /// At a point of its own.
    At(&'static str),
    /// While its request waits at the tenant, which works on it afterwards all the same.
    TenantActsLater,
    /// While its request waits at the tenant, which never works on it.
    TenantNeverActs,
    /// After the tenant has changed the account, before its answer.
    TenantHasActed,
}

#[derive(Debug)]
struct Row {
    /// How it is killed, one start after the other.
    killed: &'static [Killed],
    /// What is typed in the end.
    again: &'static [&'static str],
    /// How many requests the tenant has had in the end.
    requests: usize,
}

const APPLY: &[&str] = &["apply", PLAN];
const RUN: &[&str] = &["run"];

const fn row(killed: &'static [Killed], again: &'static [&'static str], requests: usize) -> Row {
    Row {
        killed,
        again,
        requests,
    }
}

use Killed::At;

const ROWS: &[Row] = &[
    // the lease is taken, run.started is not appended
    row(&[At("appended:actor.took-over")], APPLY, 1),
    row(&[At("noted:actor.took-over")], RUN, 1),
    row(&[At("appending:run.started")], APPLY, 1),
    // the vault knows the intent, the ledger does not
    row(&[At("intent-in-vault")], APPLY, 1),
    row(&[At("intent-in-vault")], RUN, 1),
    row(&[At("appending:command.intended")], RUN, 1),
    // the intent stands, the head lock is behind, or not yet on the disk
    row(&[At("appended:command.intended")], APPLY, 1),
    row(&[At("noted:command.intended")], RUN, 1),
    // the intent is durable, nothing was sent
    row(&[At("intent-durable")], APPLY, 1),
    row(&[At("intent-durable")], RUN, 1),
    // twice in a row: each intent is settled before the next
    row(&[At("intent-durable"), At("intent-durable")], APPLY, 1),
    // during the call
    row(&[Killed::TenantActsLater], APPLY, 1),
    row(&[Killed::TenantNeverActs], APPLY, 2),
    row(&[Killed::TenantNeverActs], RUN, 2),
    row(&[Killed::TenantHasActed], APPLY, 1),
    row(&[Killed::TenantHasActed], RUN, 1),
    // the answer came, its outcome does not stand
    row(&[At("answered")], APPLY, 1),
    row(&[At("answered")], RUN, 1),
    row(&[At("appending:command.outcome")], APPLY, 1),
    // the outcome stands: head lock behind, reading back not recorded, run not finished
    row(&[At("appended:command.outcome")], APPLY, 1),
    row(&[At("noted:command.outcome")], RUN, 1),
    row(&[At("outcome-appended")], APPLY, 1),
    row(&[At("outcome-appended")], RUN, 1),
    row(&[At("appending:run.finished")], APPLY, 1),
    // settling: read back and not appended, appended and nothing more
    row(&[At("answered"), At("settling")], APPLY, 1),
    row(&[At("answered"), At("appended:command.settled")], APPLY, 1),
    row(&[At("answered"), At("settled")], RUN, 1),
    row(&[At("intent-durable"), At("settling")], RUN, 1),
    row(
        &[At("intent-durable"), At("appended:command.settled")],
        RUN,
        1,
    ),
    row(&[At("intent-durable"), At("settled")], APPLY, 1),
    row(
        &[At("intent-durable"), At("settled"), At("answered")],
        APPLY,
        1,
    ),
];

#[test]
fn killed_anywhere_the_account_is_disabled_once() {
    play(
        ROWS,
        |row| format!("{row:?}"),
        |row| {
            let stage = Stage::planned(1);
            for killed in row.killed {
                kill(&stage, *killed);
            }
            stage.work.run(row.again).exits(0);
            assert_eq!(stage.puts(stage.leaver()).len(), row.requests, "requests");
            stage.ends_well(stage.leaver(), 1);
            // nothing is left to do, and nothing is done again
            let entries = stage.work.entries_of("command.intended").len();
            stage.work.run(RUN).exits(0);
            assert_eq!(stage.work.entries_of("command.intended").len(), entries);
            assert_eq!(stage.puts(stage.leaver()).len(), row.requests, "requests");
        },
    );
}

fn kill(stage: &Stage, killed: Killed) {
    let at = match killed {
        At(point) => return stage.dies_at(point, APPLY),
        Killed::TenantActsLater | Killed::TenantNeverActs => GateAt::Before,
        Killed::TenantHasActed => GateAt::After,
    };
    if matches!(killed, Killed::TenantNeverActs) {
        stage
            .control
            .add_fault(FaultRule::once(status_calls(), Fault::Hang));
    }
    let gate = stage.control.pause(status_calls(), at);
    let running = stage.start(APPLY);
    stage.wait_held(gate);
    running.dies();
    stage.control.release(gate);
}

/// The plan is older than the head: the person is back on the list.
#[test]
fn whoever_came_back_is_left_alone_by_an_older_plan() {
    let stage = Stage::planned(2);
    stage.people(|n| n != 1);
    stage.work.run(APPLY).exits(0).says("withheld");
    let withheld = stage.work.entries_of("step.withheld");
    assert_eq!(withheld.len(), 1);
    assert!(stage.puts(stage.leavers[0]).is_empty());
    stage.ends_well(stage.leavers[0], 0);
    stage.ends_well(stage.leavers[1], 1);
}

/// Also where the plan was begun and the call is in doubt: it is settled and not repeated.
#[test]
fn whoever_came_back_during_a_crash_is_not_asked_for_again() {
    let stage = Stage::planned(1);
    stage.dies_at("intent-durable", APPLY);
    stage.people(|_| false);
    stage.work.run(APPLY).exits(0).says("withheld");
    assert!(stage.puts(stage.leaver()).is_empty());
    stage.ends_well(stage.leaver(), 0);
}
