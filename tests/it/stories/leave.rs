//! Somebody leaves now, because a named person says so.

use exeunt::sandbox::docspace::Kind;
use exeunt::sandbox::docspace::Status;
use insta::assert_snapshot;
use insta::with_settings;

use crate::attack::firm::key;
use crate::cli::stage::scrubbed;
use crate::common::workspace::Ran;
use crate::json::fits;
use crate::stories::plot::CORP;
use crate::stories::plot::Plot;
use crate::stories::plot::mail;

const WHY: &str = "walked out with the till";

/// Somebody whom both directories have as employed.
fn employed(plot: &Plot, name: &str) {
    plot.account(name);
    plot.employ(name);
    plot.hired(name, "");
    plot.run();
}

#[track_caller]
fn shown(name: &str, ran: &Ran) {
    let code = ran.code.unwrap();
    let text = format!(
        "$ exeunt {}\n{}--\n{}(exit {code})",
        ran.args, ran.out, ran.err
    );
    with_settings!(
        { snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true },
        { assert_snapshot!(name, scrubbed(&text)) }
    );
}

#[test]
fn whoever_is_named_is_out_with_the_next_run_though_every_directory_has_them() {
    let plot = Plot::start(0);
    employed(&plot, "tom");
    let who = mail("tom");
    let ran = plot
        .ws
        .run(&["leave", &who, "--reason", WHY, "--ticket", "SEC-17"]);
    shown("pipe_leave", &ran.exits(0));
    assert_eq!(
        plot.status("tom"),
        Status::Active,
        "saying it changes nothing by itself"
    );
    let entries = plot.about("leave.stated", &who);
    assert_eq!(entries.len(), 2, "in both directories: {entries:?}");
    for entry in &entries {
        assert_eq!(entry["data"]["proof"], "os-user");
        assert_eq!(entry["actor"]["kind"], "operator");
        let commit: Vec<_> = entry["commit"].as_object().unwrap().keys().collect();
        assert_eq!(commit, ["reason", "ticket"]);
    }
    let all = plot.ws.run(&["log", "--from", "0", "--json"]).exits(0).out;
    assert!(
        !all.contains(WHY) && !all.contains("SEC-17"),
        "free text is in the vault only"
    );
    plot.ws.run(&["status"]).exits(0).says("LEAVERS STILL IN");
    let left = plot.ws.json(&["departed"]);
    fits("departed", &left);
    let tom = left["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|p| p["email"] == who.as_str());
    assert_eq!(tom.unwrap()["strength"], "named");
    plot.ws
        .run(&["leave", &who, "--reason", WHY])
        .exits(0)
        .says("said before");
    assert_eq!(plot.about("leave.stated", &who).len(), 2);
    plot.run();
    assert_eq!(plot.status("tom"), Status::Terminated);
    let command = plot.about("command.intended", &who);
    assert_eq!(
        command[0]["data"]["class"], "named",
        "the brakes count it apart"
    );
    assert_eq!(command[0]["data"]["directories"], serde_json::json!([]));
    assert!(plot.about("notice.sent", &who).is_empty());
    plot.tells("leave", &who);

    let ran = plot
        .ws
        .run(&["leave", &who, "--withdraw", "--reason", "it was his twin"]);
    shown(
        "pipe_leave_withdraw",
        &ran.exits(0).says("gives back 1 account"),
    );
    plot.give_back();
    assert_eq!(plot.status("tom"), Status::Active);
    plot.days(1);
    plot.run();
    assert_eq!(plot.status("tom"), Status::Active);
    plot.ws
        .run(&["leave", &who, "--withdraw"])
        .exits(64)
        .says("nobody has said");
    plot.tells("leave_withdrawn", &who);
}

#[test]
fn a_leave_that_is_taken_back_in_time_calls_off_the_plan() {
    let plot = Plot::start(1);
    employed(&plot, "tom");
    let who = mail("tom");
    plot.ws.run(&["leave", &who, "--reason", WHY]).exits(0);
    plot.run().says("waits");
    let ran = plot
        .ws
        .run(&["leave", &who, "--withdraw", "--json"])
        .exits(0)
        .json();
    fits("leave", &ran);
    assert_eq!(
        ran["withdrawn"]["called_off"].as_array().unwrap().len(),
        1,
        "{ran:#}"
    );
    assert_eq!(ran["stays"], true);
    assert!(plot.plans().is_empty());
    plot.run();
    assert_eq!(plot.status("tom"), Status::Active);
    plot.ws.is_sound();
}

#[test]
fn a_leave_in_the_future_waits_for_its_moment() {
    let plot = Plot::start(0);
    employed(&plot, "tom");
    let who = mail("tom");
    let at = [
        "leave",
        &who,
        "--at",
        "2026-03-20T17:00:00Z",
        "--reason",
        WHY,
    ];
    plot.ws
        .run(&at)
        .exits(0)
        .says("nothing is done before 2026-03-20 17:00 UTC");
    plot.run();
    assert_eq!(plot.status("tom"), Status::Active);
    plot.days(18);
    plot.run();
    assert_eq!(plot.status("tom"), Status::Terminated);
    plot.ws
        .run(&["leave", &who, "--at", "soon", "--reason", WHY])
        .exits(64);
    plot.ws.run(&["leave", &who]).exits(64);
    plot.ws
        .run(&["leave", "nobody@house.test", "--reason", WHY])
        .exits(64);
    plot.ws.is_sound();
}

#[test]
fn a_directory_that_is_down_does_not_hold_a_named_leaver_back() {
    let plot = Plot::start(0);
    employed(&plot, "tom");
    let who = mail("tom");
    plot.ws.run(&["leave", &who, "--reason", WHY]).exits(0);
    std::fs::remove_file(plot.ws.path("hr.csv")).unwrap();
    let ran = plot.ws.run(&["run"]);
    assert_eq!(plot.status("tom"), Status::Terminated, "{}", ran.err);
    plot.ws.is_sound();
}

#[test]
fn protection_holds_also_against_a_named_person_and_is_told() {
    let plot = Plot::start(0);
    let id = plot.account("boss");
    plot.control().set_kind(id, Kind::Admin);
    plot.employ("boss");
    plot.run();
    plot.ws
        .run(&["leave", &mail("boss"), "--reason", WHY])
        .exits(0);
    plot.run();
    assert_eq!(plot.status("boss"), Status::Active);
    plot.ws
        .run(&["status"])
        .exits(3)
        .says("LEAVERS STILL IN")
        .says("The account administers the tenant.");
    plot.ws.is_sound();
}

#[test]
fn an_account_without_a_person_is_named_itself() {
    let plot = Plot::start(0);
    plot.account("extern");
    plot.run();
    let ran = plot
        .ws
        .run(&["leave", &mail("extern"), "--reason", WHY, "--json"])
        .exits(0)
        .json();
    fits("leave", &ran);
    assert_eq!(ran["items"][0]["kind"], "account");
    plot.run();
    assert_eq!(plot.status("extern"), Status::Terminated);
    plot.ws.run(&["why", &mail("extern")]).exits(0).says(WHY);
    plot.ws
        .run(&["leave", &mail("extern"), "--withdraw"])
        .exits(0);
    plot.give_back();
    assert_eq!(plot.status("extern"), Status::Active);
    plot.ws.is_sound();
}

#[test]
fn two_who_could_be_meant_are_refused() {
    let plot = Plot::start(0);
    for uid in ["twin1", "twin2"] {
        plot.employ(uid);
        plot.change(uid, |twin| twin.mail = mail("twin"));
    }
    plot.sync();
    plot.ws
        .run(&["leave", &mail("twin"), "--reason", WHY])
        .exits(5)
        .says("could be more than one in corp");
    plot.ws
        .run(&["leave", "twin1", "--reason", WHY])
        .exits(0)
        .says("no account of theirs is known");
    plot.ws.is_sound();
}

#[test]
fn where_two_approve_only_a_signature_says_that_somebody_leaves() {
    let plot = Plot::start(0);
    employed(&plot, "tom");
    let approvers = format!(
        "\n[[approver]]\nname = \"Ada\"\nkey = \"{}\"\nclasses = [\"disable\"]\n\
         [[approver]]\nname = \"Bert\"\nkey = \"{}\"\nclasses = [\"policy\"]\n",
        key(&plot.ws.path("ada.pem")),
        key(&plot.ws.path("bert.pem"))
    );
    let text = plot.ws.read("exeunt.toml");
    plot.ws.write("exeunt.toml", &format!("{text}{approvers}"));
    plot.sync();
    let leave = ["leave", &mail("tom"), "--reason", WHY];
    plot.ws
        .run(&leave)
        .exits(5)
        .says("a name at the command line is no approval");
    let with = |file: &'static str| [&leave[..], &["--key", file]].concat();
    plot.ws
        .run(&with("bert.pem"))
        .exits(5)
        .says("may not approve `disable`");
    plot.ws.run(&with("ada.pem")).exits(0);
    let entry = plot.about("leave.stated", &mail("tom"));
    assert_eq!(entry[0]["data"]["proof"], "signature");
    assert!(
        entry[0]["data"]["signature"]
            .as_str()
            .unwrap()
            .starts_with("ed25519:")
    );
    plot.run();
    assert_eq!(plot.status("tom"), Status::Terminated);
    // Whoever takes it back may approve what follows: the program proposes it.
    let back = ["leave", &mail("tom"), "--withdraw", "--key", "ada.pem"];
    plot.ws.run(&back).exits(0);
    let digest = plot.plans()[0]["digest"].as_str().unwrap().to_owned();
    let approve = ["approve", &digest, "--confirm", "1", "--key"];
    plot.ws.run(&[&approve[..], &["ada.pem"]].concat()).exits(0);
    plot.ws.run(&["apply", &digest]).exits(0);
    assert_eq!(plot.status("tom"), Status::Active);
    plot.ws.is_sound();
}

#[test]
fn what_a_directory_and_a_named_person_said_must_both_be_taken_back() {
    let plot = Plot::start(0);
    employed(&plot, "tom");
    plot.change("tom", |tom| tom.disabled = true);
    plot.hired("tom", "2026-03-01");
    plot.run();
    assert_eq!(plot.status("tom"), Status::Terminated);
    plot.ws
        .run(&["leave", &mail("tom"), "--reason", WHY])
        .exits(0);
    plot.change("tom", |tom| tom.disabled = false);
    plot.hired("tom", "");
    plot.sync();
    assert!(plot.plans().is_empty(), "a named person still says so");
    let ran = plot.ws.run(&["leave", &mail("tom"), "--withdraw"]);
    ran.exits(0).says("gives back 1 account");
    plot.give_back();
    assert_eq!(plot.status("tom"), Status::Active);
    plot.ws.is_sound();
}

/// Takes the directory out of exeunt.toml, and an approver agrees.
fn without_corp(plot: &Plot) {
    plot.ws.reconfigure(CORP, "");
    plot.ws.run(&["policy", "propose"]).exits(0);
    plot.ws
        .run(&["policy", "approve", "--reason", "it is shut down"])
        .exits(0);
}

#[test]
fn a_word_outlives_the_directory_that_had_its_person() {
    let plot = Plot::start(0);
    plot.account("tom");
    plot.employ("tom");
    plot.run();
    let who = mail("tom");
    plot.ws.run(&["leave", &who, "--reason", WHY]).exits(0);
    without_corp(&plot);
    plot.ws.run(&["status"]).exits(0).says("LEAVERS STILL IN");
    let left = plot.ws.items(&["departed"]);
    let tom = left.iter().find(|p| p["email"] == who.as_str()).unwrap();
    assert_eq!(tom["strength"], "named");
    let clock = &tom["accounts"][0]["clock"];
    assert_eq!(clock["class"], "named", "{clock:#}");
    plot.run();
    assert_eq!(plot.status("tom"), Status::Terminated);
    plot.ws
        .run(&["why", &who])
        .exits(0)
        .says("a named person says that they leave")
        .says("the same answer");
    // taken back, it is given back, though no directory has him
    plot.ws
        .run(&["leave", &who, "--withdraw", "--reason", "his twin"])
        .exits(0)
        .says("gives back 1 account");
    plot.give_back();
    plot.run();
    assert_eq!(plot.status("tom"), Status::Active);
    plot.ws.is_sound();
}

#[test]
fn a_word_that_reaches_nobody_any_more_is_said() {
    let plot = Plot::start(0);
    plot.employ("zoe");
    plot.run();
    let who = mail("zoe");
    plot.ws.run(&["leave", &who, "--reason", WHY]).exits(0);
    let none = plot.ws.run(&["status"]).exits(0);
    assert!(
        !none.out.contains(&who),
        "her directory is there: {}",
        none.out
    );
    without_corp(&plot);
    let says = "no account is known to be theirs";
    plot.ws.run(&["status"]).exits(0).says(&who).says(says);
    let status = plot.ws.json(&["status"]);
    fits("status", &status);
    assert_eq!(status["words_without_account"][0]["email"], who.as_str());
    // an account that turns up is named itself
    plot.account("zoe");
    plot.sync();
    plot.ws.run(&["leave", &who, "--reason", WHY]).exits(0);
    plot.run();
    assert_eq!(plot.status("zoe"), Status::Terminated);
    plot.ws.is_sound();
}
