//! Leavers who are held: all kinds, all the ways in which a hold ends.

use exeunt::sandbox::docspace::Status;
use serde_json::Value;

use crate::attack::firm::key;
use crate::common::workspace::OPERATOR;
use crate::common::workspace::Ran;
use crate::json::fits;
use crate::stories::plot::Plot;
use crate::stories::plot::mail;

const WHY: &str = "back after the summer";

/// Leavers are removed after one approval.
const REMOVED: &str = "[[policy]]\nname = \"leavers\"\nwhen = \"departed\"\nring = \"enforce\"\n\
     steps = [{ do = \"disable\" }, { do = \"remove\", after_days = 2 }]\n\
     approvals = { disable = 0, remove = 0 }\n";

/// Somebody who is employed, with an account.
fn employed(plot: &Plot, name: &str) {
    plot.account(name);
    plot.employ(name);
    plot.hired(name, "");
    plot.run();
}

/// Somebody who left yesterday, as both directories say.
fn leaves(plot: &Plot, name: &str) {
    plot.change(name, |one| one.disabled = true);
    plot.hired(name, "2026-03-02");
}

fn add(plot: &Plot, who: &[&str], kind: &str, end: [&str; 2]) -> Ran {
    let rest = [
        "--kind", kind, end[0], end[1], "--owner", "Ida Holm", "--reason", WHY,
    ];
    plot.ws.run(&[&["hold", "add"], who, &rest].concat())
}

fn until(plot: &Plot, who: &str, kind: &str) {
    add(plot, &[who], kind, ["--until", "2026-03-20"]).exits(0);
}

fn items(plot: &Plot) -> Vec<Value> {
    let list = plot.ws.json(&["hold", "list"]);
    fits("hold-list", &list);
    list["items"].as_array().unwrap().clone()
}

#[test]
fn a_held_leaver_stays_in_and_that_is_told_until_the_hold_ends() {
    let plot = Plot::start(0);
    let kinds = ["leave-of-absence", "break-glass", "service", "manual"];
    let names = ["amy", "ben", "cat", "dan"];
    for name in names {
        plot.account(name);
        plot.employ(name);
        plot.hired(name, "");
    }
    plot.run();
    for (name, kind) in names.iter().zip(kinds) {
        until(&plot, &mail(name), kind);
        leaves(&plot, name);
    }
    plot.sync();
    // the account is held with its person, in both directories
    let placed = plot.about("hold.placed", &mail("amy"));
    assert_eq!(placed.len(), 3, "{placed:#?}");
    for entry in &placed {
        let commit: Vec<_> = entry["commit"].as_object().unwrap().keys().collect();
        assert_eq!(commit, ["owner", "reason"]);
        assert_eq!(entry["actor"]["kind"], "operator");
        assert_eq!(entry["data"]["hold"], placed[0]["id"]);
    }
    let all = serde_json::to_string(&plot.ws.entries()).unwrap();
    assert!(
        !all.contains(WHY) && !all.contains("Holm"),
        "words are in the vault only"
    );

    plot.run();
    let status = plot.ws.run(&["status"]).exits(0);
    let told = status.says("LEAVERS STILL IN").says("4 holds");
    for (name, kind) in names.iter().zip(kinds) {
        assert_eq!(plot.status(name), Status::Active, "{kind}");
        let code = format!("block.hold-{kind}");
        let decided = plot.about("decision.made", &mail(name));
        let last = &decided.last().unwrap()["data"]["decision"];
        assert_eq!(last["blocked"], serde_json::json!([code]));
        assert!(
            told.screen()
                .contains(exeunt::domain::code::says(&code).trim_end_matches('.'))
        );
    }
    let left = plot.ws.run(&["departed"]).exits(0);
    left.says("HELD (leave of absence)")
        .says("HELD (break-glass)");

    let items = items(&plot);
    let amy = items
        .iter()
        .find(|i| i["kind"] == "leave-of-absence")
        .unwrap();
    assert_eq!(
        (&amy["owner"], &amy["reason"]),
        (&"Ida Holm".into(), &WHY.into())
    );
    assert_eq!(amy["by"], OPERATOR);
    assert_eq!(amy["over"].as_array().unwrap().len(), 2);
    assert_eq!(amy["accounts"].as_array().unwrap().len(), 1);
    let why = plot.ws.json(&["why", &mail("amy")]);
    fits("why", &why);
    assert_eq!(why["accounts"][0]["holds"][0]["id"], amy["id"]);
    assert_eq!(why["accounts"][0]["decision"]["again"], "same");
    plot.ws
        .run(&["why", &mail("amy")])
        .says("placed hold #")
        .says("owner: Ida Holm, reason: back after the summer")
        .says("Ida Holm answers for it")
        .says("the same answer");

    // the leaver is late by now, and says so; then the hold ends by itself
    plot.days(2);
    plot.run_late();
    assert_eq!(plot.status("amy"), Status::Active);
    plot.days(17);
    // four of seven accounts at once are for somebody to look at
    plot.ws.run(&["run"]).exits(5).says("A brake has tripped");
    let digest = plot.plans()[0]["digest"].as_str().unwrap().to_owned();
    let release = [
        "breaker",
        "release",
        &digest,
        "--reason",
        "their holds ended",
    ];
    plot.ws.run(&release).exits(0);
    plot.run();
    for name in names {
        assert_eq!(plot.status(name), Status::Terminated, "{name}");
    }
    assert!(self::items(&plot).is_empty());
    plot.ws.is_sound();
}

#[test]
fn under_a_legal_hold_a_leaver_is_disabled_and_never_removed() {
    let plot = Plot::with(crate::stories::plot::HR, REMOVED);
    employed(&plot, "tom");
    let who = mail("tom");
    add(&plot, &[&who], "legal", ["--until", "2026-03-20"])
        .exits(64)
        .says("--review");
    add(&plot, &[&who], "manual", ["--review", "2026-03-20"]).exits(64);
    add(&plot, &[&who], "legal", ["--review", "2026-03-20"])
        .exits(0)
        .says("whoever leaves is disabled all the same");
    leaves(&plot, "tom");
    plot.run();
    assert_eq!(plot.status("tom"), Status::Terminated);
    plot.days(5);
    plot.run();
    assert!(plot.control().find(&who).is_some(), "nothing was removed");
    assert!(plot.plans().is_empty());
    let why = plot.ws.run(&["why", &who]).exits(0);
    why.says("HELD (legal)").says("the same answer");

    // past its review it holds all the same, and is overdue
    let status = plot.ws.json(&["status"]);
    fits("status", &status);
    assert_eq!(status["holds"]["ending_soon"].as_array().unwrap().len(), 1);
    plot.days(14);
    plot.run();
    assert!(plot.control().find(&who).is_some());
    assert_eq!(items(&plot)[0]["overdue"], true);
    let status = plot.ws.run(&["status"]).exits(0);
    status.says("LEGAL HOLDS OVERDUE");
    let found = plot.ws.json(&["findings", "--kind", "hold-overdue"]);
    fits("findings", &found);
    assert_eq!(found["findings"][0]["kind"], "finding.hold-overdue");

    let id = items(&plot)[0]["id"].to_string();
    plot.ws
        .run(&["hold", "lift", &id, "--reason", "the case is closed"])
        .exits(0);
    plot.run();
    let digest = plot.plans().first().map(|p| p["digest"].clone());
    if let Some(digest) = digest {
        // the first removal of the tenant asks for a look
        let release = [
            "breaker",
            "release",
            digest.as_str().unwrap(),
            "--reason",
            "looked",
        ];
        plot.ws.run(&release).exits(0);
        plot.run();
    }
    assert!(
        plot.control().find(&who).is_none(),
        "nothing holds them any more"
    );
    plot.ws.is_sound();
}

#[test]
fn a_hold_between_plan_and_apply_withholds_the_step() {
    let plot = Plot::start(1);
    employed(&plot, "tom");
    let who = mail("tom");
    leaves(&plot, "tom");
    plot.run();
    let digest = plot.plans()[0]["digest"].as_str().unwrap().to_owned();
    plot.approve(&digest);
    // one account alone, by the tenant's id
    let id = plot.control().find(&who).unwrap().id.to_string();
    let ran = add(
        &plot,
        &["--tenant", "portal", "--account", &id],
        "manual",
        ["--until", "2026-03-20"],
    );
    ran.exits(0)
        .says("what was to come is called off")
        .says("1 planned step will be withheld");
    plot.control().clear_requests();
    plot.ws.run(&["apply", &digest]).exits(0);
    assert_eq!(plot.status("tom"), Status::Active);
    let sent = plot.control().requests();
    assert!(sent.iter().all(|r| r.method == "GET"), "{sent:?}");
    let withheld = plot.about("step.withheld", &who);
    assert_eq!(withheld[0]["data"]["because"], "block.hold-manual");
    assert!(plot.plans().is_empty());
    plot.ws.is_sound();
}

#[test]
fn a_hold_covers_what_comes_later_and_what_is_linked_no_more() {
    let plot = Plot::start(0);
    plot.employ("tom");
    plot.hired("tom", "");
    plot.account("amy");
    plot.employ("amy");
    plot.hired("amy", "");
    plot.run();
    until(&plot, &mail("tom"), "manual");
    until(&plot, &mail("amy"), "manual");
    // an account that comes after the hold
    plot.account("tom");
    plot.run();
    leaves(&plot, "tom");
    plot.run();
    assert_eq!(plot.status("tom"), Status::Active);
    // an account whose link is cut
    let cut = [
        "link",
        "remove",
        &mail("amy"),
        "--directory",
        "corp",
        "--reason",
        "a slip",
    ];
    plot.ws.run(&cut).exits(0);
    leaves(&plot, "amy");
    plot.run();
    plot.ws
        .run(&["leave", &mail("amy"), "--reason", "left"])
        .exits(0);
    plot.ws.run(&["run"]);
    assert_eq!(plot.status("amy"), Status::Active);
    plot.ws.is_sound();
}

#[test]
fn anybody_places_a_hold_and_an_approver_lifts_it() {
    let plot = Plot::start(0);
    employed(&plot, "tom");
    let who = mail("tom");
    let approvers = format!(
        "\n[[approver]]\nname = \"Ada\"\nkey = \"{}\"\nclasses = [\"remove\"]\n\
         [[approver]]\nname = \"Bert\"\nkey = \"{}\"\nclasses = [\"disable\"]\n",
        key(&plot.ws.path("ada.pem")),
        key(&plot.ws.path("bert.pem"))
    );
    let text = plot.ws.read("exeunt.toml");
    plot.ws.write("exeunt.toml", &format!("{text}{approvers}"));
    plot.sync();
    until(&plot, &who, "manual");
    let id = items(&plot)[0]["id"].to_string();
    let lift = [
        "hold",
        "lift",
        &id,
        "--reason",
        "not needed",
        "--ticket",
        "T-9",
    ];
    plot.ws
        .run(&lift)
        .exits(5)
        .says("a name at the command line is no approval");
    let with = |file: &'static str| [&lift[..], &["--key", file]].concat();
    plot.ws
        .run(&with("bert.pem"))
        .exits(5)
        .says("may not approve `remove`");
    assert_eq!(items(&plot).len(), 1);
    plot.ws.run(&with("ada.pem")).exits(0);
    assert!(items(&plot).is_empty());
    plot.ws
        .run(&with("ada.pem"))
        .exits(5)
        .says("does not hold any more");
    let lifted = plot.about("hold.lifted", &who);
    assert_eq!(lifted.len(), 3);
    assert_eq!(lifted[0]["data"]["proof"], "signature");
    plot.ws
        .run(&["why", &who])
        .exits(0)
        .says("lifted a hold over")
        .says("reason: not needed, ticket: T-9");
    plot.ws.is_sound();
}

#[test]
fn what_is_no_hold_is_refused_and_leaves_nothing_behind() {
    let plot = Plot::start(0);
    employed(&plot, "tom");
    let before = plot.ws.entries_of("hold.placed").len();
    let who = mail("tom");
    for end in ["2026-03-01", "2027-06-01"] {
        add(&plot, &[&who], "manual", ["--until", end])
            .exits(5)
            .says("lies in the past or more than a year ahead");
    }
    add(
        &plot,
        &["nobody@house.test"],
        "manual",
        ["--until", "2026-03-20"],
    )
    .exits(64);
    add(&plot, &[&who], "vacation", ["--until", "2026-03-20"]).exits(64);
    plot.ws
        .run(&["hold", "lift", "1", "--reason", "x"])
        .exits(5)
        .says("there is no hold #1");
    assert_eq!(plot.ws.entries_of("hold.placed").len(), before);
    until(&plot, &who, "manual");
    let soon = ["hold", "list", "--ending-within", "30"];
    assert_eq!(plot.ws.items(&soon).len(), 1);
    let soon = ["hold", "list", "--ending-within", "3"];
    assert!(plot.ws.items(&soon).is_empty());
    plot.ws.run(&["hold", "list"]).exits(0).says("2026-03-20");
}
