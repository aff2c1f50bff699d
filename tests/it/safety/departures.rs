//! Who has left, as a real OpenLDAP server shows it.

use exeunt::sandbox::docspace::Status;
use serde_json::Value;

use crate::common::slapd::BASE;
use crate::common::slapd::PEOPLE;
use crate::safety::estate::APPROVED;
use crate::safety::estate::AT_ONCE;
use crate::safety::estate::Estate;
use crate::safety::house::emails;
use crate::stories::plot::Plot;
use crate::stories::plot::mail;

fn departed(estate: &Estate) -> Vec<Value> {
    let mut items = estate.ws.items(&["departed"]);
    items.sort_by_key(|i| i["email"].as_str().unwrap().to_owned());
    items
}

/// One departure: its strength, the entry types of its evidence (those about the person), and the
/// accounts.
fn about(estate: &Estate, email: &str) -> (String, Vec<String>, Vec<String>) {
    let items = departed(estate);
    let item = items.iter().find(|i| i["email"] == email).unwrap();
    assert_eq!(item["directory"], "corp");
    let entries = estate.ws.entries();
    let evidence = item["evidence"].as_array().unwrap();
    let types = evidence.iter().map(|seq| {
        let entry = &entries[usize::try_from(seq.as_u64().unwrap()).unwrap()];
        assert_eq!(entry["sub"], item["subject"], "{entry}");
        entry["type"].as_str().unwrap().to_owned()
    });
    let accounts = item["accounts"].as_array().unwrap();
    let accounts = accounts
        .iter()
        .map(|a| a["account"].as_str().unwrap().to_owned());
    (
        item["strength"].as_str().unwrap().to_owned(),
        types.collect(),
        accounts.collect(),
    )
}

fn id(estate: &Estate, email: &str) -> Vec<String> {
    vec![estate.user(email).id.to_string()]
}

#[test]
fn disabled_expired_and_gone_are_found_renamed_moved_and_locked_out_are_not() {
    let accounts = [
        "ada", "lena", "fritz", "emil", "erna", "nils", "judy", "mona",
    ];
    let accounts = accounts.map(|name| format!("{name}@house.test"));
    let accounts: Vec<&str> = accounts.iter().map(String::as_str).collect();
    let estate = Estate::start(&accounts, &[APPROVED, AT_ONCE]);
    estate.sync();
    // Before Exeunt came: locked for good, past the end, with a start after the end.
    let before = ["emil@house.test", "lena@house.test", "nils@house.test"];
    assert_eq!(emails(&departed(&estate)), before);
    let seen = vec!["person.observed".to_owned()];
    let lena = about(&estate, "lena@house.test");
    assert_eq!(
        lena,
        (
            "disabled".to_owned(),
            seen.clone(),
            id(&estate, "lena@house.test")
        )
    );
    let emil = about(&estate, "emil@house.test");
    assert_eq!(
        emil,
        (
            "expired".to_owned(),
            seen.clone(),
            id(&estate, "emil@house.test")
        )
    );
    let ended = departed(&estate)[0]["since"].as_str().unwrap().to_owned();
    assert!(ended.starts_with("2026-01-31T00:00:00"), "{ended}");

    // One goes, one marries, one moves, one is locked out by wrong passwords already.
    estate.slapd.delete(&format!("uid=active,{PEOPLE}"));
    estate.set("married", "mail", "judy.married@house.test");
    estate
        .slapd
        .rename(&format!("uid=married,{PEOPLE}"), "uid=judith", PEOPLE);
    let leavers = format!("ou=leavers,{BASE}");
    estate
        .slapd
        .rename(&format!("uid=mover,{leavers}"), "uid=mover", PEOPLE);
    estate.sync();
    assert_eq!(
        emails(&departed(&estate)),
        before,
        "one read shows no absence"
    );
    estate.sync();
    let after: Vec<_> = ["ada@house.test"].into_iter().chain(before).collect();
    assert_eq!(emails(&departed(&estate)), after);
    let (strength, types, own) = about(&estate, "ada@house.test");
    assert_eq!(
        (strength.as_str(), own),
        ("absent", id(&estate, "ada@house.test"))
    );
    assert!(types.contains(&"person.absent".to_owned()), "{types:?}");
    assert!(types.contains(&"person.missed".to_owned()), "{types:?}");
    let fritz = estate.ws.items(&["log", "--subject", "fritz@house.test"]);
    let facts = &fritz
        .iter()
        .find(|e| e["type"] == "person.observed")
        .unwrap()["data"]["facts"];
    assert_eq!(facts["locked_for_a_while"], true, "{facts}");

    // The account with the old address is hers still: when she leaves, it is found.
    estate.set("judith", "pwdAccountLockedTime", "000001010000Z");
    estate.sync();
    let judy = about(&estate, "judy.married@house.test");
    assert_eq!(
        (judy.0.as_str(), judy.2),
        ("disabled", id(&estate, "judy@house.test"))
    );
    estate.ws.is_sound();
}

#[test]
fn a_sudden_drop_is_believed_only_after_a_release() {
    let estate = Estate::start(&["erna@house.test"], &[APPROVED, AT_ONCE]);
    estate.sync();
    let people = departed(&estate).len();
    for uid in ["ending", "active", "twin1", "twin2"] {
        estate.slapd.delete(&format!("uid={uid},{PEOPLE}"));
    }
    for _ in 0..3 {
        let ran = estate
            .ws
            .run(&["sync"])
            .exits(5)
            .says("suspect")
            .says("read.drop");
        assert!(ran.err.contains("--read corp"), "{}", ran.err);
        assert_eq!(departed(&estate).len(), people);
    }
    let ran = estate.ws.run(&["sync"]).exits(5);
    let (_, rest) = ran.err.split_once("exeunt breaker release ").unwrap();
    let digest = rest.split(' ').next().unwrap();
    let reason = "the department was sold";
    let release = |digest: &str| {
        [
            "breaker", "release", digest, "--read", "corp", "--reason", reason,
        ]
        .map(str::to_owned)
    };
    let run = |args: [String; 7]| {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        estate.ws.run(&args)
    };
    run(release("0123456789ab")).exits(5).says("digest");
    run(release(digest)).exits(0);
    // It counts as the first of two reads.
    estate.sync();
    assert_eq!(departed(&estate).len(), people);
    estate.sync();
    assert_eq!(departed(&estate).len(), people + 4);
    assert_eq!(about(&estate, "erna@house.test").0, "absent");
    estate.ws.is_sound();
}

/// Tom has left the directory, and nobody has ever seen him on another list; it cannot be read now.
fn only_the_directory_has_tom(blind: impl Fn(&Plot)) -> Plot {
    let plot = Plot::start(0);
    plot.account("tom");
    plot.employ("tom");
    plot.run();
    plot.change("tom", |tom| tom.disabled = true);
    blind(&plot);
    plot
}

/// Nothing was done to Tom, and everybody is told that he is in still, and why.
fn tom_is_in_still(plot: &Plot, code: &str, says: &str) {
    assert_eq!(plot.status("tom"), Status::Active);
    plot.ws
        .run(&["status"])
        .says("LEAVERS STILL IN: 1 account")
        .says(says);
    let told = plot.ws.json(&["why", &mail("tom")]);
    let told = &told["accounts"][0]["decision"];
    assert_eq!(told["again"], "same", "{told:#}");
    let decision = &told["decision"];
    assert_eq!(decision["blocked"][0], code, "{decision:#}");
    assert_eq!(decision["leaver_still_in"], true, "{decision:#}");
}

#[test]
fn nobody_is_disabled_while_another_list_of_everybody_cannot_be_read() {
    let plot = only_the_directory_has_tom(|plot| {
        std::fs::rename(plot.ws.path("hr.csv"), plot.ws.path("hr.away")).unwrap();
    });
    plot.ws.run(&["run"]);
    tom_is_in_still(&plot, "block.source-failed", "failed");
    // a read that is whole again settles it
    std::fs::rename(plot.ws.path("hr.away"), plot.ws.path("hr.csv")).unwrap();
    plot.run();
    assert_eq!(plot.status("tom"), Status::Terminated);
    plot.ws.is_sound();
}

#[test]
fn nobody_is_disabled_before_a_new_list_of_everybody_was_read() {
    let plot = only_the_directory_has_tom(|plot| {
        let hr = "[[directory]]\nname = \"hr\"";
        let abroad = "[[directory]]\nname = \"abroad\"\nkind = \"csv\"\npath = \"abroad.csv\"\n\
             columns = { key = \"id\", mail = \"mail\", leave_date = \"left\" }\n\
             contains = \"everybody\"\n\n";
        plot.ws.reconfigure(hr, &format!("{abroad}{hr}"));
        plot.ws.run(&["policy", "propose"]).exits(0);
        plot.ws
            .run(&["policy", "approve", "--reason", "a new list"])
            .exits(0);
    });
    plot.ws.run(&["sync", "corp", "portal"]).exits(0);
    plot.ws.run(&["plan"]).exits(0);
    tom_is_in_still(&plot, "block.source-never-read", "never read");
    // one that cannot be read is no better
    plot.ws.run(&["run"]);
    tom_is_in_still(&plot, "block.source-failed", "failed");
    // he stays: the new list has him
    let he = format!("id,mail,left\nt1,{},\n", mail("tom"));
    plot.ws.write("abroad.csv", &he);
    plot.run();
    assert_eq!(plot.status("tom"), Status::Active);
    let told = plot.ws.json(&["why", &mail("tom")]);
    let decision = &told["accounts"][0]["decision"]["decision"];
    assert_eq!(decision["blocked"][0], "block.enabled-elsewhere");
    plot.ws.is_sound();
}
