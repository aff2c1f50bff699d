//! Who has left, as a real OpenLDAP server shows it.

use serde_json::Value;

use crate::common::slapd::BASE;
use crate::common::slapd::PEOPLE;
use crate::safety::estate::APPROVED;
use crate::safety::estate::AT_ONCE;
use crate::safety::estate::Estate;
use crate::safety::house::emails;

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
