//! What the tenant's answer to a call may be, and what the next start makes of it.

use exeunt::sandbox::docspace::Fault;
use exeunt::sandbox::docspace::FaultRule;
use exeunt::sandbox::docspace::Matcher;

use crate::common::crash::PLAN;
use crate::common::crash::Stage;
use crate::common::crash::play;
use crate::common::crash::status_calls;

const APPLY: &[&str] = &["apply", PLAN];

#[derive(Debug)]
struct Row {
    /// What the tenant does with the first call.
    fault: Fault,
    /// How the first start ends.
    first: i32,
    /// How many requests there are after the second start, which ends well.
    requests: usize,
    /// How often the account was changed in the end.
    changes: u64,
}

fn rows() -> Vec<Row> {
    let row = |fault, first, requests, changes| Row {
        fault,
        first,
        requests,
        changes,
    };
    let status = |status| Fault::Status { status, body: None };
    vec![
        // refused: the step has ended, and a new plan may bring it back
        row(status(403), 4, 1, 0),
        row(status(404), 1, 1, 0),
        row(
            Fault::Status {
                status: 403,
                body: Some(String::new()),
            },
            69,
            1,
            0,
        ),
        // turned away before it was looked at: tried again, without a wait
        row(
            Fault::TooMany {
                retry_after: Some(1),
            },
            75,
            2,
            1,
        ),
        // unknown, and nothing had happened
        row(status(500), 6, 2, 1),
        row(Fault::Html { status: 200 }, 6, 2, 1),
        row(Fault::Html { status: 403 }, 6, 2, 1),
        row(Fault::Hang, 6, 2, 1),
        row(Fault::Drop, 6, 2, 1),
        row(Fault::ErrorInside, 6, 2, 1),
        // unknown, and it had happened
        row(Fault::LostAnswer, 6, 1, 1),
        row(Fault::HangAfter, 6, 1, 1),
        row(Fault::Delay { ms: 4000 }, 6, 1, 1),
        row(Fault::Truncated, 6, 1, 1),
        row(Fault::MalformedJson, 6, 1, 1),
        row(Fault::EmptyBody, 6, 1, 1),
    ]
}

#[test]
fn whatever_the_answer_the_account_is_changed_at_most_once() {
    play(
        &rows(),
        |row| format!("{row:?}"),
        |row| {
            let stage = Stage::planned(1);
            stage
                .control
                .add_fault(FaultRule::once(status_calls(), row.fault.clone()));
            stage.work.run(APPLY).exits(row.first);
            stage.work.run(APPLY).exits(0);
            assert_eq!(stage.puts(stage.leaver()).len(), row.requests, "requests");
            stage.ends_well(stage.leaver(), row.changes);
        },
    );
}

#[test]
fn what_cannot_be_read_back_stays_in_doubt_and_nothing_is_sent() {
    let stage = Stage::planned(1);
    stage
        .control
        .add_fault(FaultRule::once(status_calls(), Fault::LostAnswer));
    stage.work.run(APPLY).exits(6);
    let profile = format!("/api/2.0/people/{}", stage.leaver());
    let unreadable = Fault::Status {
        status: 500,
        body: None,
    };
    stage
        .control
        .add_fault(FaultRule::always(Matcher::new("GET", &profile), unreadable));
    stage.work.run(APPLY).exits(6);
    stage.work.run(&["run"]).exits(6);
    assert_eq!(stage.puts(stage.leaver()).len(), 1);
    stage.control.clear_faults();
    stage.work.run(APPLY).exits(0);
    assert_eq!(stage.puts(stage.leaver()).len(), 1);
    stage.ends_well(stage.leaver(), 1);
}

#[test]
fn a_tenant_that_is_down_was_not_asked_and_is_asked_when_it_is_back() {
    let mut stage = Stage::planned(1);
    let running = stage.stops_at("intent-durable", APPLY);
    stage.tenant_goes_down();
    running.signal("CONT");
    running.ends().exits(69).says("not sent");
    stage.tenant_comes_back();
    stage.work.run(APPLY).exits(0);
    assert_eq!(stage.puts(stage.leaver()).len(), 1);
    stage.ends_well(stage.leaver(), 1);
}
