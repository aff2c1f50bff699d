//! What `why` tells of somebody in the end, however it ended: held word by word, since it must read
//! as a story for people who have never seen the program.

use chrono::TimeDelta;
use exeunt::sandbox::docspace::Fault;
use exeunt::sandbox::docspace::FaultRule;
use exeunt::sandbox::docspace::Kind;
use exeunt::sandbox::docspace::Matcher;
use exeunt::sandbox::docspace::Settings;
use exeunt::sandbox::docspace::Status;
use insta::assert_snapshot;
use insta::with_settings;

use crate::cli::stage::scrubbed;
use crate::unattended::town::LEAVERS;
use crate::unattended::town::Town;
use crate::unattended::town::mail;

/// Whoever leaves is disabled, and removed a week later.
const GONE: &str = "[[policy]]\nname = \"leavers\"\nwhen = \"departed\"\nring = \"enforce\"\n\
     steps = [{ do = \"disable\" }, { do = \"remove\", after_days = 7 }]\n\
     approvals = { disable = 0, remove = 1 }\n";

/// Whoever is silent for 90 days is disabled, after two warnings.
const SILENT: &str = "[[policy]]\nname = \"idle\"\nwhen = \"inactive\"\nring = \"enforce\"\n\
     after_days = 90\nnotice_days = [30, 7]\nsteps = [{ do = \"disable\" }]\n\
     approvals = { disable = 0 }\n";

const NO_BRAKES: &str = "[limits.breakers]\nfloor_24h = 1000\nfloor_7d = 1000\n";

/// Holds what `why` says of somebody to its snapshot.
#[track_caller]
fn tells(town: &Town, ending: &str, name: &str) {
    // not at a change of hours
    town.seconds(300);
    let ran = town.ws.run(&["why", &mail(name)]).exits(0);
    let text = scrubbed(&format!("$ exeunt {}\n{}", ran.args, ran.out));
    with_settings!(
        { snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true },
        { assert_snapshot!(format!("ending_{ending}"), text) }
    );
    let json = town.ws.json(&["why", &mail(name)]);
    for account in json["accounts"].as_array().unwrap() {
        assert_eq!(account["decision"]["again"], "same", "{json:#}");
    }
}

/// Two tenants; the second keeps its log for too short to prove anything.
fn town() -> Town {
    let town = Town::new(2, &[GONE, SILENT, NO_BRAKES]);
    town.control(1).set_settings(Settings {
        login_history_days: 30,
        cookie_enabled: true,
        ..Settings::default()
    });
    for name in [
        "removed", "rehired", "refused", "managed", "restored", "chief",
    ] {
        town.hire(0, name);
    }
    for name in ["back", "away"] {
        town.hire_silent(0, name, TimeDelta::days(75));
    }
    town.hire_silent(1, "unknown", TimeDelta::days(75));
    for name in ["busy", "busier"] {
        town.hire(1, name);
    }
    let control = town.control(0);
    control.change_user(town.user(0, "managed").id, |user| user.ldap = true);
    control.set_kind(town.user(0, "chief").id, Kind::Admin);
    town.settle();
    town
}

#[test]
fn each_reads_as_a_story() {
    let town = town();
    let ws = &town.ws;
    let hold = [
        "hold",
        "add",
        "away@town.test",
        "--kind",
        "leave-of-absence",
    ];
    let more = [
        "--owner",
        "HR",
        "--reason",
        "parental leave",
        "--until",
        "2026-12-31",
    ];
    ws.run(&[&hold[..], &more].concat()).exits(0);
    town.run();
    // five leave; the tenant refuses one of them
    let refused = town.user(0, "refused").id;
    let calls = Matcher {
        body: Some(refused.to_string()),
        ..Matcher::new("PUT", "/api/2.0/people/status")
    };
    town.control(0).add_fault(FaultRule::always(
        calls,
        Fault::Status {
            status: 403,
            body: None,
        },
    ));
    town.leaves(&[
        "removed", "rehired", "refused", "managed", "restored", "chief",
    ]);
    town.run();
    assert!(town.is_out(0, "removed") && !town.is_out(0, "refused"));
    town.hours(2);
    let back = ["restore", "restored@town.test", "--confirm", "1"];
    ws.run(&[&back[..], &["--reason", "she stays until June"]].concat())
        .exits(0);
    // one is hired again as somebody new, with the old address
    town.loses(&["rehired"]);
    town.lists("4711", "rehired");
    town.run();
    town.hours(2);
    town.run();
    for (ending, name) in [
        ("rehired", "rehired"),
        ("refused_by_provider", "refused"),
        ("managed_by_provider", "managed"),
        ("privileged", "chief"),
        ("restored", "restored"),
        ("held", "away"),
        ("unknown", "unknown"),
    ] {
        tells(&town, ending, name);
    }
    // a warned one signs in
    town.hours(24);
    let id = town.user(0, "back").id;
    town.control(0).add_login(id, town.now(), 1029);
    town.hours(1);
    town.run();
    tells(&town, "cancelled_by_login", "back");
    town.hours(24 * 7);
    town.run();
    let plan = town.plans()[0]["digest"].as_str().unwrap().to_owned();
    ws.run(&[
        "approve",
        &plan,
        "--only",
        "removed@town.test",
        "--confirm",
        "1",
    ])
    .exits(0);
    town.run();
    town.hours(24);
    town.run();
    tells(&town, "removed", "removed");
    ws.is_sound();
}

#[test]
fn a_brake_reads_as_a_story() {
    let town = Town::of(12, &[LEAVERS]);
    town.leaves(&["p001", "p002", "p003", "p004"]);
    town.run().exits(5);
    assert_eq!(town.user(0, "p001").status, Status::Active);
    tells(&town, "breaker", "p001");
}
