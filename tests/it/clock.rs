//! The clock of leavers, from a list of people to a tenant and back, hour by hour.

use chrono::DateTime;
use chrono::TimeDelta;
use chrono::Utc;
use exeunt::sandbox::docspace::Control;
use exeunt::sandbox::docspace::DocSpace;
use exeunt::sandbox::docspace::DocSpaceHandle;
use exeunt::sandbox::docspace::DocSpaceOptions;
use exeunt::sandbox::docspace::Kind;
use exeunt::sandbox::docspace::Status;
use exeunt::sandbox::docspace::User;
use exeunt::sandbox::population::Population;
use insta::assert_snapshot;
use insta::with_settings;
use serde_json::Value;
use uuid::Uuid;

use crate::cli::snapshots::in_terminal;
use crate::cli::stage::scrubbed;
use crate::common::workspace::Ran;
use crate::common::workspace::Workspace;

const OLD: &str = "old@firm.test";
const LENA: &str = "lena@firm.test";
const NILS: &str = "nils@firm.test";
const EMIL: &str = "emil@firm.test";
const ADA: &str = "ada@firm.test";

/// Leavers are disabled once one person has approved.
const APPROVED: &str = "[[policy]]\nname = \"leavers\"\nwhen = \"departed\"\n\
     ring = \"enforce\"\nsteps = [{ do = \"disable\" }]\napprovals = { disable = 1 }\n";

const SIGNED_IN: u16 = 1029;

/// A firm whose people stand in a list, with leave dates to the second.
struct Firm {
    tenant: DocSpaceHandle,
    ws: Workspace,
    people: Vec<(&'static str, Option<DateTime<Utc>>)>,
}

impl Firm {
    /// One of them left before the list was read for the first time, and is disabled by now.
    fn settled() -> Self {
        let now = DateTime::parse_from_rfc3339("2026-03-02T09:00:00Z").unwrap();
        let options = DocSpaceOptions {
            population: Population {
                accounts: 2,
                ..Population::default()
            },
            now: Some(now.to_utc()),
            ..DocSpaceOptions::default()
        };
        let tenant = DocSpace::start(options).unwrap();
        let ws = Workspace::clocked(tenant.control());
        let corp = "[[directory]]\nname = \"corp\"\nkind = \"csv\"\npath = \"people.csv\"\n\
             contains = \"everybody\"\n\
             columns = { key = \"id\", mail = \"mail\", leave_date = \"left\" }\n";
        ws.configure(&[corp, &ws.tenant(&tenant, ""), APPROVED]);
        let mut firm = Self {
            tenant,
            ws,
            people: [OLD, LENA, NILS, EMIL, ADA].map(|p| (p, None)).to_vec(),
        };
        for (n, email) in [OLD, LENA, NILS, EMIL, ADA].iter().enumerate() {
            let id = Uuid::from_u128(0xc10c_0000 + n as u128);
            let kind = if *email == EMIL {
                Kind::Admin
            } else {
                Kind::User
            };
            let made = firm.now() - TimeDelta::days(300);
            let user = User::new(id, "Some", "Body", email, kind, made);
            firm.control().add_user(user);
        }
        firm.leaves(OLD, -10 * 24);
        firm.ws.run(&["init"]).exits(0);
        firm.ws.run(&["sync"]).exits(0);
        firm.pass(1);
        firm.act(true);
        firm.pass(24);
        firm.ws.run(&["sync"]).exits(0);
        firm
    }

    fn control(&self) -> Control {
        self.tenant.control()
    }

    fn now(&self) -> DateTime<Utc> {
        self.control().now()
    }

    fn pass(&self, hours: i64) {
        self.control().advance(hours * 3600);
    }

    /// Writes it into the list that somebody leaves (or left) so many hours from now.
    fn leaves(&mut self, who: &str, hours: i64) {
        let at = self.now() + TimeDelta::hours(hours);
        let person = self.people.iter_mut().find(|(p, _)| *p == who);
        person.unwrap().1 = Some(at);
        let mut text = "id,mail,left\n".to_owned();
        for (number, (mail, left)) in self.people.iter().enumerate() {
            let left = left.map(|at| at.to_rfc3339()).unwrap_or_default();
            text.push_str(&format!("{number},{mail},{left}\n"));
        }
        self.ws.write("people.csv", &text);
    }

    /// Plans, approves and carries out what is due; the first time it is released as well.
    fn act(&self, first: bool) {
        self.ws.run(&["plan", "--out", "plan.json"]).exits(0);
        let confirm = ["approve", "plan.json", "--confirm", "1"];
        self.ws.run(&confirm).exits(0);
        if first {
            let release = ["breaker", "release", "plan.json", "--reason", "known"];
            self.ws.run(&release).exits(0);
        }
        self.ws.run(&["apply", "plan.json"]).exits(0);
    }

    fn status_of(&self, who: &str) -> Status {
        self.control().find(who).unwrap().status
    }

    /// The clock of somebody who has left and their one account, and the account's state.
    #[track_caller]
    fn clock_as(&self, args: &[&str], who: &str) -> (Value, String) {
        let args: Vec<_> = ["departed"].iter().chain(args).copied().collect();
        let items = self.ws.items(&args);
        let item = items.iter().find(|i| i["email"] == who).unwrap();
        let account = &item["accounts"][0];
        let state = account["state"].as_str().unwrap().to_owned();
        (account["clock"].clone(), state)
    }

    #[track_caller]
    fn clock(&self, who: &str) -> Value {
        self.clock_as(&[], who).0
    }

    fn status(&self, code: i32) -> Ran {
        self.ws.run(&["status"]).exits(code)
    }

    /// The line of `status` about somebody.
    #[track_caller]
    fn line(&self, code: i32, who: &str) -> String {
        let status = self.status(code);
        let line = status.out.lines().find(|line| line.starts_with(who));
        line.unwrap_or_else(|| panic!("{}", status.out)).to_owned()
    }
}

fn hours(clock: &Value, field: &str) -> i64 {
    // the sandbox's clock goes on while commands run
    (clock[field].as_i64().unwrap() + 1800).div_euclid(3600)
}

#[test]
fn in_time_and_then_verified() {
    let mut firm = Firm::settled();
    firm.leaves(LENA, 2);
    firm.ws.run(&["run"]).exits(0);
    assert!(
        !firm.status(0).out.contains("STILL IN"),
        "she is still here"
    );
    firm.pass(3);
    firm.ws.run(&["run"]).exits(0);
    let clock = firm.clock(LENA);
    assert_eq!(clock["state"], "running");
    assert_eq!(hours(&clock, "left_s"), 23);
    assert!(firm.line(0, LENA).contains("due in 22 hours"));
    firm.act(false);
    let (clock, state) = firm.clock_as(&[], LENA);
    assert_eq!(
        (&clock["state"], state.as_str()),
        (&"done-on-time".into(), "disabled")
    );
    assert_eq!(hours(&clock, "action_delay_s"), 1);
    assert_eq!(clock["notice_delay_s"], 0, "it was announced");
    assert!(clock["intended"].as_str() < clock["disabled"].as_str());
    assert_eq!(
        clock["verified"],
        Value::Null,
        "no whole read has come since"
    );
    firm.pass(1);
    firm.ws.run(&["sync"]).exits(0);
    let clock = firm.clock(LENA);
    assert!(clock["disabled"].as_str() < clock["verified"].as_str());
    let why = firm.ws.run(&["why", LENA]).exits(0);
    why.says("The clock of this leaver")
        .says("out after 60 minutes");
    firm.ws.is_sound();
}

#[test]
fn about_to_be_late_then_late_then_done_late() {
    let mut firm = Firm::settled();
    firm.leaves(LENA, 0);
    firm.ws.run(&["run"]).exits(0);
    firm.pass(19);
    let status = firm.status(0);
    assert!(
        status
            .out
            .starts_with("LEAVERS STILL IN: 1 account of people who have left, 1 about to be late")
    );
    assert!(firm.line(0, LENA).contains("SOON: due in 4 hours"));
    firm.pass(8);
    let line = firm.line(3, LENA);
    assert!(line.contains("LATE by 3 hours"), "{line}");
    let document = firm.ws.run(&["status", "--json"]).exits(3).json();
    assert_eq!(document["leavers_still_in"][0]["clock"]["state"], "late");
    let ran = firm.ws.run(&["run"]).exits(3);
    ran.says("LATE: 1 account of people who have left");
    assert_eq!(firm.ws.run(&["run", "--json"]).exits(3).json()["late"], 1);
    let finished = firm.ws.entries_of("run.finished");
    assert_eq!(finished.last().unwrap()["data"]["exit"], 3);
    // reading is not acting
    firm.ws.run(&["sync"]).exits(0);
    firm.act(false);
    firm.status(0);
    let clock = firm.clock(LENA);
    assert_eq!(clock["state"], "done-late");
    assert_eq!(
        (hours(&clock, "action_delay_s"), hours(&clock, "left_s")),
        (27, -3)
    );
    assert_eq!(clock["late_notice"], Value::Null, "the notice was not late");
    firm.ws.run(&["run"]).exits(0);
    firm.ws.is_sound();
}

#[test]
fn a_late_notice_is_not_held_against_those_who_act() {
    let mut firm = Firm::settled();
    firm.leaves(LENA, -9 * 24);
    firm.ws.run(&["run"]).exits(0);
    firm.pass(2);
    let line = firm.line(0, LENA);
    assert!(
        line.contains("due in 21 hours") || line.contains("due in 22 hours"),
        "{line}"
    );
    firm.act(false);
    let clock = firm.clock(LENA);
    assert_eq!(clock["state"], "done-on-time");
    assert_eq!(clock["late_notice"], "source");
    assert_eq!(
        (
            hours(&clock, "notice_delay_s"),
            hours(&clock, "action_delay_s")
        ),
        (9 * 24, 2)
    );
    firm.ws
        .run(&["why", LENA])
        .exits(0)
        .says("9 days after that: LATE NOTICE");
    // whoever had left before anybody looked is nobody's late notice
    let old = firm.clock(OLD);
    assert_eq!(
        (&old["late_notice"], &old["state"]),
        (&"first-read".into(), &"done-on-time".into())
    );
}

#[test]
fn activity_after_a_departure_is_shown_as_such() {
    let mut firm = Firm::settled();
    firm.leaves(LENA, -5);
    firm.leaves(NILS, -5);
    let login = |who: &str, minutes_ago: i64| {
        let id = firm.control().find(who).unwrap().id;
        let at = firm.now() - TimeDelta::minutes(minutes_ago);
        firm.control().add_login(id, at, SIGNED_IN);
    };
    login(LENA, 6 * 60);
    // two minutes later by the tenant's clock, which may be apart from the directory's by that
    login(LENA, 5 * 60 - 2);
    login(NILS, 6 * 60);
    login(NILS, 3 * 60);
    firm.ws.run(&["sync"]).exits(0);
    assert_eq!(firm.clock(LENA)["active_after"], Value::Null);
    assert!(firm.clock(NILS)["active_after"].is_string());
    let told = |who: &str| {
        let why = firm.ws.json(&["why", who]);
        let used = why["accounts"][0]["departures"][0]["used_after"].clone();
        used.as_array().unwrap().len()
    };
    assert_eq!((told(LENA), told(NILS)), (0, 1), "the same in both places");
    firm.ws
        .run(&["why", NILS])
        .exits(0)
        .says("ACTIVITY AFTER THE DEPARTURE");
    let table = firm.ws.run(&["departed"]).exits(0).out;
    let cell = |who: &str| {
        let line = table.lines().find(|line| line.starts_with(who)).unwrap();
        line.split('\t').nth(8).unwrap().to_owned()
    };
    assert_eq!(cell(LENA), "");
    assert!(cell(NILS).starts_with("2026-03-03 0"), "{table}");
}

#[test]
fn an_administrator_is_on_a_short_clock_although_nobody_may_touch_them() {
    let mut firm = Firm::settled();
    firm.leaves(EMIL, 0);
    firm.ws.run(&["run"]).exits(0);
    assert!(firm.line(0, EMIL).contains("SOON: due in"));
    firm.pass(3);
    let line = firm.line(3, EMIL);
    assert!(line.contains("LATE by 2 hours"), "{line}");
    let clock = firm.clock(EMIL);
    assert_eq!(
        (&clock["high_risk"], hours(&clock, "target_s")),
        (&true.into(), 1)
    );
    assert_eq!(clock["blocked"][0], "block.protected-admin");
    firm.ws.run(&["run"]).exits(3);
    // somebody did it by hand, in the tenant
    let id = firm.control().find(EMIL).unwrap().id;
    firm.control().set_status(id, Status::Terminated);
    firm.ws.run(&["run"]).exits(0);
    let clock = firm.clock(EMIL);
    assert_eq!(clock["state"], "done-late");
    assert_eq!(
        (&clock["intended"], &clock["blocked"]),
        (&Value::Null, &serde_json::json!([]))
    );
    assert!(clock["verified"].is_string(), "a whole read found it so");
    firm.ws
        .run(&["why", EMIL])
        .exits(0)
        .says("by no call of ours");
}

#[test]
fn whoever_is_enabled_again_is_on_the_clock_again() {
    let firm = Firm::settled();
    assert_eq!(firm.clock(OLD)["state"], "done-on-time");
    firm.pass(30 * 24);
    let id = firm.control().find(OLD).unwrap().id;
    firm.control().set_status(id, Status::Active);
    let before = firm.ws.entries().len() - 1;
    firm.ws.run(&["run"]).exits(0);
    let clock = firm.clock(OLD);
    assert_eq!(clock["state"], "running", "{clock}");
    assert_eq!(hours(&clock, "left_s"), 24);
    assert_eq!(clock["disabled"], Value::Null);
    firm.pass(1);
    firm.act(false);
    assert_eq!(firm.status_of(OLD), Status::Terminated);
    let clock = firm.clock(OLD);
    assert_eq!(
        (&clock["state"], hours(&clock, "action_delay_s")),
        (&"done-on-time".into(), 1)
    );
    // as it stood then
    let (then, state) = firm.clock_as(&["--as-of", &before.to_string()], OLD);
    assert_eq!(
        (&then["state"], state.as_str()),
        (&"done-on-time".into(), "disabled")
    );
    assert!(then["disabled"].as_str() < clock["disabled"].as_str());
    assert!(then["verified"].is_string() && clock["verified"].is_null());
}

#[test]
fn a_longer_target_needs_a_second_look_and_a_shorter_one_rules_at_once() {
    let mut firm = Firm::settled();
    firm.leaves(LENA, 0);
    firm.ws.run(&["run"]).exits(0);
    let text = firm.ws.read("exeunt.toml");
    let target = |hours: u32| {
        let more = format!("{text}\n[leavers]\ntarget_hours = {hours}\n");
        firm.ws.write("exeunt.toml", &more);
    };
    target(0);
    firm.ws
        .run(&["status"])
        .exits(78)
        .says("0 hours are no target");
    target(48);
    firm.ws
        .run(&["run"])
        .exits(0)
        .says("leavers.target_hours: 24 -> 48");
    assert_eq!(hours(&firm.clock(LENA), "target_s"), 24);
    target(12);
    firm.ws.run(&["run"]).exits(0);
    assert_eq!(hours(&firm.clock(LENA), "target_s"), 12);
    firm.pass(13);
    firm.status(3);
}

#[test]
fn what_a_person_sees() {
    let mut firm = Firm::settled();
    firm.leaves(LENA, -9 * 24);
    firm.ws.run(&["run"]).exits(0);
    firm.pass(26);
    firm.leaves(EMIL, 0);
    firm.leaves(NILS, -2);
    let id = firm.control().find(NILS).unwrap().id;
    let at = firm.now() - TimeDelta::hours(1);
    firm.control().add_login(id, at, SIGNED_IN);
    firm.ws.run(&["run"]).exits(3);
    // not at a change of hours
    firm.control().advance(600);
    let mut seen = Vec::new();
    for columns in [80, 120] {
        for command in ["status", "departed"] {
            let shown = in_terminal(&firm.ws, columns, "", command);
            let too_wide = shown.lines().find(|l| l.chars().count() > columns as usize);
            assert_eq!(too_wide, None);
            seen.push(format!("{columns}: exeunt {command}\n{}", scrubbed(&shown)));
        }
    }
    let why = firm.ws.run(&["why", LENA]).exits(0).out;
    let (_, clock) = why.split_once("The clock").unwrap();
    seen.push(format!("The clock{}", scrubbed(clock)));
    with_settings!({ omit_expression => true, snapshot_path => "snapshots", prepend_module_to_snapshot => false }, {
        assert_snapshot!("clock", seen.join("\n"));
    });
}
