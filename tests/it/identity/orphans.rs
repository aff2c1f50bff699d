//! Accounts of nobody, and every way out.

use chrono::TimeDelta;
use chrono::Utc;

use crate::identity::Town;
use crate::identity::kinds;
use crate::identity::person;
use crate::json::fits;

/// Orphans are disabled after ten days.
const ORPHANS: &str = "[[policy]]\nname = \"orphans\"\nwhen = \"orphaned\"\nring = \"enforce\"\n\
     steps = [{ do = \"disable\" }]\n";

fn town(more: &str) -> Town {
    let town = Town::new("", more);
    town.people(&[person("kim", "1", &["kim@town.test"])]);
    town.account("kim", "kim@town.test", |_| ());
    town.account("odd", "odd@else.test", |_| ());
    town.account("bot", "bot@else.test", |_| ());
    town.sync();
    town
}

fn orphans(ids: &[&str]) -> Vec<(String, String)> {
    let found: Vec<_> = ids.iter().map(|id| ("orphan", *id)).collect();
    kinds(&found)
}

fn in_days(days: i64) -> String {
    (Utc::now() + TimeDelta::days(days))
        .format("%Y-%m-%d")
        .to_string()
}

#[test]
fn an_orphan_is_claimed_accepted_or_released() {
    let town = town("");
    assert_eq!(town.findings(), orphans(&["bot", "odd"]));
    let claim = [
        "orphan",
        "claim",
        "odd",
        "--owner",
        "Kim Berg",
        "--reason",
        "the shared desk",
    ];
    town.ws.run(&claim).exits(0).says("Kim Berg answers for");
    assert_eq!(town.findings(), orphans(&["bot"]));
    let year = in_days(400);
    let accept = |id: &str, until: &str| {
        let args = [
            "orphan", "accept", id, "--until", until, "--reason", "a robot",
        ];
        town.ws.run(&args)
    };
    accept("bot", &year).exits(5).says("orphan.bad-end");
    accept("bot", "2026-01-01").exits(5).says("orphan.bad-end");
    accept("bot", "soon").exits(64);
    accept("kim", &in_days(30))
        .exits(5)
        .says("somebody stands behind this account");
    let without_end = ["orphan", "accept", "bot", "--reason", "a robot"];
    town.ws.run(&without_end).exits(64).says("--until");
    accept("bot", &in_days(30)).exits(0);
    assert_eq!(town.findings(), []);

    let list = town.ws.json(&["orphan", "list"]);
    fits("orphan-list", &list);
    assert_eq!(list["items"], serde_json::json!([]));
    let answered = list["answered"].as_array().unwrap();
    let claimed = answered.iter().find(|a| a["says"] == "claimed").unwrap();
    assert_eq!(claimed["owner"], "Kim Berg");
    assert_eq!(claimed["reason"], "the shared desk");
    let review = claimed["until"].as_str().unwrap();
    assert!(review.starts_with(&in_days(180)), "{review}");
    let all = serde_json::to_string(&town.ws.entries()).unwrap();
    assert!(!all.contains("Kim Berg"), "a name stands in no entry");

    // each end comes by itself, and reads change nothing before
    town.sync();
    let then = |days: i64| (Utc::now() + TimeDelta::days(days)).to_rfc3339();
    let at = |days: i64| town.findings_at(&["--now", &then(days)]);
    assert_eq!(at(29), []);
    assert_eq!(at(31), orphans(&["bot"]));
    assert_eq!(at(181), orphans(&["bot", "odd"]));
    let release = ["orphan", "release", "odd", "--reason", "Kim moved on"];
    town.ws.run(&release).exits(0);
    town.ws.run(&release).exits(5).says("orphan.not-answered");
    assert_eq!(town.findings(), orphans(&["odd"]));
    // or somebody stands behind it after all
    let add = ["link", "add", "odd", "kim", "--reason", "her second desk"];
    town.ws.run(&add).exits(0);
    // … which makes it a second account of hers, so that the other one waits for a word too
    assert_eq!(town.findings(), kinds(&[("shared-person", "kim")]));
    let add = ["link", "add", "kim", "kim", "--reason", "her desk"];
    town.ws.run(&add).exits(0);
    assert_eq!(town.findings(), []);
    town.ws.is_sound();
}

#[test]
fn a_policy_takes_no_orphan_that_nobody_approved() {
    let town = town(ORPHANS);
    for _ in 0..2 {
        town.ws.run(&["run"]);
    }
    let active = |id: &str| {
        town.tenant
            .control()
            .with(|scim| scim.user(id).unwrap().active)
    };
    assert!(active("odd") && active("bot"));
    assert_eq!(town.planned(), ["bot", "odd"]);
    let accept = |id: &str| {
        let until = in_days(30);
        let args = [
            "orphan", "accept", id, "--until", &until, "--reason", "a robot",
        ];
        town.ws.run(&args).exits(0);
    };
    // what was accepted after it was planned is left alone
    town.ws.run(&["plan", "--out", "plan.json"]).exits(0);
    town.ws
        .run(&["approve", "plan.json", "--confirm", "2"])
        .exits(0);
    let release = ["breaker", "release", "plan.json", "--reason", "looked"];
    town.ws.run(&release).exits(0);
    accept("bot");
    town.ws.run(&["apply", "plan.json"]);
    assert!(active("bot") && !active("odd"));
    town.ws
        .run(&["why", "bot"])
        .exits(0)
        .says("keep.orphan-accepted")
        .says("the same answer");
    town.ws.is_sound();

    town.ws.reconfigure(
        "steps = [{ do = \"disable\" }]",
        "steps = [{ do = \"disable\" }]\napprovals = { disable = 0 }",
    );
    town.ws
        .run(&["status"])
        .exits(78)
        .says("exeunt.toml:27:25")
        .says("never touched unattended");
}
