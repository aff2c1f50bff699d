//! When alerts are given: once, daily, when they are over; and what a receiver that is down, a run
//! that is missing and a ledger that is refused come to.

use std::fs;

use exeunt::sandbox::docspace::Status;

use crate::alerts::SECRET;
use crate::alerts::alerted;
use crate::alerts::heard;
use crate::alerts::is_sound;
use crate::alerts::pairs;
use crate::common::receiver::Receiver;
use crate::json::fits;
use crate::stories::plot::Plot;

/// A house in which everything is settled, and a receiver that has nothing to hear.
fn quiet(approvals: u8, more: &str) -> (Plot, Receiver) {
    let plot = Plot::start(approvals);
    let receiver = Receiver::start();
    alerted(&plot.ws, &receiver, more);
    plot.run();
    assert_eq!(heard(&receiver), []);
    (plot, receiver)
}

/// Ada has an account and leaves.
fn ada_leaves(plot: &Plot) {
    plot.account("ada");
    plot.employ("ada");
    plot.change("ada", |ada| ada.disabled = true);
}

#[test]
fn a_plan_that_waits_is_told_once_then_daily_then_as_over() {
    let (plot, receiver) = quiet(1, "kinds = [\"plan-waiting\", \"plan-expiring\"]");
    ada_leaves(&plot);
    plot.run();
    assert_eq!(heard(&receiver), pairs(&[("new", "plan-waiting")]));
    plot.run();
    assert_eq!(heard(&receiver), []);
    plot.days(1);
    plot.run_late();
    assert_eq!(heard(&receiver), pairs(&[("again", "plan-waiting")]));
    plot.days(1);
    plot.run_late();
    assert_eq!(heard(&receiver), pairs(&[("new", "plan-expiring")]));
    let ran = plot.ws.run(&["alerts"]).exits(3);
    ran.says("1 approval")
        .says("exeunt approve ")
        .says("told on");
    let digest = plot.plans()[0]["digest"].as_str().unwrap().to_owned();
    plot.approve(&digest);
    plot.ws.run(&["run"]).exits(0).says("done");
    assert_eq!(plot.status("ada"), Status::Terminated);
    let over = pairs(&[("over", "plan-expiring"), ("over", "plan-waiting")]);
    assert_eq!(heard(&receiver), over);
    plot.ws.run(&["alerts"]).exits(0).says("nothing is open");
    let sent = plot.ws.entries_of("alert.sent");
    assert_eq!(sent.len(), 4);
    assert!(sent.iter().all(|e| e["data"]["state"] == "accepted"));
    plot.ws
        .run(&["log", "--type", "alert.sent"])
        .exits(0)
        .says("1 alert went out by webhook");
    plot.ws.is_sound();
}

#[test]
fn a_receiver_that_is_down_changes_nothing_about_the_run_and_status_says_so() {
    let (plot, receiver) = quiet(1, "kinds = [\"plan-waiting\"]");
    receiver.answers(500);
    ada_leaves(&plot);
    let ran = plot.ws.run(&["run"]).exits(0);
    ran.says("NOT GIVEN: alerts by webhook: 127.0.0.1 answers with status 500")
        .says_not("t0p");
    let tries = receiver.taken();
    assert_eq!(tries.len(), 3, "a few tries");
    let ids: Vec<_> = tries.iter().map(|t| t.header("webhook-id")).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    plot.ws
        .run(&["status"])
        .exits(0)
        .says("ALERTS ARE NOT DELIVERED by webhook since")
        .says("did not take the message");
    let status = plot.ws.json(&["status"]);
    fits("status", &status);
    let failing = &status["alert_channels"][0]["failing"]["because"];
    assert_eq!(failing, "alert.turned-away");
    // the same failure is written down once a day, and tried each time
    plot.run();
    assert_eq!(receiver.taken().len(), 3);
    assert_eq!(plot.ws.entries_of("alert.sent").len(), 1);
    // a redirect is not followed, and not tried again
    receiver.answers(307);
    plot.ws.run(&["alerts", "--send"]).exits(69).says("307");
    assert_eq!(receiver.taken().len(), 1);
    receiver.answers(200);
    plot.ws.run(&["alerts", "--send"]).exits(3);
    assert_eq!(heard(&receiver), pairs(&[("new", "plan-waiting")]));
    plot.ws.run(&["status"]).exits(0).says_not("NOT DELIVERED");
    plot.ws.is_sound();
}

#[test]
fn a_secret_that_is_missing_is_said_and_stops_nothing() {
    let (plot, receiver) = quiet(1, "kinds = [\"plan-waiting\"]");
    fs::remove_file(plot.ws.path("alert.secret")).unwrap();
    ada_leaves(&plot);
    plot.run();
    plot.ws.run(&["status"]).exits(0).says("is not set up");
    plot.ws.write("alert.secret", SECRET);
    plot.run();
    assert_eq!(heard(&receiver), pairs(&[("new", "plan-waiting")]));
}

#[test]
fn runs_that_are_missing_are_seen_by_another_command_and_shown_as_gaps() {
    let (plot, receiver) = quiet(0, "every_hours = 2\nsummary = \"never\"");
    plot.ws.run(&["alerts"]).exits(0).says("nothing is open");
    plot.control().advance(3 * 3600);
    plot.ws
        .run(&["alerts"])
        .exits(3)
        .says("NO RUN has come to its end since")
        .says("expected every 2 hours");
    plot.ws.run(&["status"]).exits(0).says("NO RUN has come");
    plot.ws.run(&["alerts", "--send"]).exits(3);
    assert_eq!(heard(&receiver), pairs(&[("new", "run-missing")]));
    plot.ws.run(&["alerts", "--send"]).exits(3);
    assert_eq!(heard(&receiver), []);
    plot.run();
    let back = pairs(&[("new", "run-missing"), ("over", "run-missing")]);
    assert_eq!(heard(&receiver), back);
    plot.run();
    assert_eq!(heard(&receiver), []);
    let status = plot.ws.json(&["status"]);
    fits("status", &status);
    let gaps = status["runs"]["gaps"].as_array().unwrap();
    assert_eq!(gaps.len(), 1, "{status:#}");
    plot.ws
        .run(&["status"])
        .exits(0)
        .says("no run came to its end between 2026-03-");
    let alerts = plot.ws.run(&["alerts", "--json"]).exits(0).json();
    fits("alerts", &alerts);
    assert_eq!(alerts["runs"]["overdue"], false);
    // the cadence stands in the entry, and whoever promises none any more has no gaps
    let started = plot.ws.entries_of("run.started");
    assert_eq!(started.last().unwrap()["data"]["every_hours"], 2);
    plot.ws.is_sound();
    plot.ws.reconfigure("[alert]", "[alert]\nevery_hours = 700");
    plot.ws.reconfigure("every_hours = 2\n", "");
    plot.run();
    plot.days(20);
    plot.run();
    assert_eq!(
        plot.ws.json(&["status"])["runs"]["gaps"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn a_ledger_that_is_refused_is_told_once_a_day_and_as_over() {
    let (plot, receiver) = quiet(0, "");
    let head = plot.ws.path("exeunt.head");
    let away = plot.ws.path("away.head");
    fs::rename(&head, &away).unwrap();
    plot.ws.run(&["run"]).exits(21);
    assert_eq!(heard(&receiver), pairs(&[("new", "ledger-refused")]));
    plot.ws.run(&["run"]).exits(21);
    plot.ws.run(&["alerts", "--send"]).exits(21);
    assert_eq!(heard(&receiver), []);
    plot.days(1);
    plot.ws.run(&["run"]).exits(21);
    assert_eq!(heard(&receiver), pairs(&[("again", "ledger-refused")]));
    fs::rename(&away, &head).unwrap();
    plot.run();
    let all = heard(&receiver);
    assert!(
        all.contains(&("over".to_owned(), "ledger-refused".to_owned())),
        "{all:?}"
    );
    plot.ws.is_sound();
}

#[test]
fn the_heartbeat_comes_after_each_run_unless_nobody_can_be_told() {
    let plot = Plot::start(1);
    let (receiver, watch) = (Receiver::start(), Receiver::start());
    let beat = format!("heartbeat_url = \"{}\"", watch.url);
    alerted(&plot.ws, &receiver, &beat);
    plot.run();
    let beats = watch.taken();
    assert_eq!(beats.len(), 1);
    assert_eq!(beats[0].line, "GET /hook?token=t0p HTTP/1.1");
    // a run that cannot begin gives none
    let (head, away) = (plot.ws.path("exeunt.head"), plot.ws.path("away.head"));
    fs::rename(&head, &away).unwrap();
    plot.ws.run(&["run"]).exits(21);
    fs::rename(&away, &head).unwrap();
    assert_eq!(watch.taken().len(), 0);
    // nor does one whose alerts do not get through
    receiver.answers(503);
    ada_leaves(&plot);
    plot.run();
    assert_eq!(watch.taken().len(), 0);
    receiver.answers(200);
    let ran = plot.ws.json(&["run"]);
    fits("run", &ran);
    assert_eq!(ran["alerts"]["heartbeat"], true);
    assert_eq!(watch.taken().len(), 1);
    watch.answers(404);
    plot.ws
        .run(&["run"])
        .exits(0)
        .says("NOT GIVEN: the heartbeat");
}

#[test]
fn the_summary_comes_once_a_week_and_can_be_looked_at() {
    // the house is settled on a Monday
    let (plot, receiver) = quiet(0, "every_hours = 24\nkinds = [\"halt-on\"]");
    ada_leaves(&plot);
    plot.run();
    assert_eq!(plot.status("ada"), Status::Terminated);
    plot.ws
        .run(&["alerts", "--summary"])
        .exits(0)
        .says("portal: disable 2 accounts")
        .says("Leavers still in, now");
    let json = plot.ws.json(&["alerts", "--summary"]);
    fits("alerts-summary", &json);
    assert!(json["done"][0]["accounts"].as_u64() >= Some(1), "{json:#}");
    assert_eq!(receiver.taken().len(), 0);
    plot.days(6);
    plot.run();
    let messages = receiver.taken();
    assert_eq!(messages.len(), 1);
    is_sound(&messages[0]);
    let json = messages[0].json();
    assert_eq!(json["type"], "exeunt.summary");
    assert_eq!(json["data"]["to"], "2026-03-09T00:00:00.000000Z");
    assert_eq!(json["data"]["gaps"], serde_json::json!([]));
    fits("alerts-summary", &json["data"]);
    plot.run();
    plot.days(3);
    plot.run();
    assert_eq!(receiver.taken().len(), 0, "once a week");
    plot.days(4);
    plot.run();
    assert_eq!(receiver.taken().len(), 1);
    plot.ws.is_sound();
}
