//! What named people say about accounts outlives every read.

use crate::attack::firm::key;
use crate::identity::REMOVED;
use crate::identity::Town;
use crate::identity::kinds;
use crate::identity::left;
use crate::identity::person;
use crate::json::fits;

const KEYS: [&str; 2] = ["kim", "lee"];

fn town(more: &str) -> Town {
    let town = Town::new("", &format!("{REMOVED}{more}"));
    town.people(&[
        person("kim", "1", &["kim@town.test"]),
        left("lee", "2", &["lee@town.test"]),
    ]);
    town.account("mine", "kim@town.test", |_| ());
    town.account("odd", "nickname@else.test", |_| ());
    town.sync();
    town
}

#[test]
fn an_account_is_given_to_a_leaver_only_when_that_is_confirmed() {
    let town = town("");
    assert_eq!(town.findings(), kinds(&[("orphan", "odd")]));
    let add = [
        "link",
        "add",
        "odd",
        "lee",
        "--tenant",
        "desk",
        "--directory",
        "staff",
        "--reason",
        "HR-17 says so",
        "--ticket",
        "HR-17",
    ];
    let before = town.ws.entries().len();
    town.ws
        .run(&add)
        .exits(5)
        .says("was not confirmed, and nothing was recorded")
        .says("--confirm nickname@else.test");
    let wrong = [&add[..], &["--confirm", "kim@town.test"]].concat();
    town.ws.run(&wrong).exits(5);
    assert_eq!(town.ws.entries().len(), before, "nothing was recorded");
    let right = [&add[..], &["--confirm", "nickname@else.test"]].concat();
    town.ws.run(&right).exits(0);
    assert_eq!(town.link("odd", &KEYS), "manual lee");
    town.ws.run(&right).exits(5).says("link.already");
    for _ in 0..2 {
        town.sync();
        assert_eq!(town.link("odd", &KEYS), "manual lee");
    }
    // it counts as any departure: planned, and stopped until it is approved and released
    assert_eq!(town.planned(), ["odd"]);
    town.ws.run(&["run"]).exits(0).says("0 of 1 approvals");
    let odd = town
        .tenant
        .control()
        .with(|scim| scim.user("odd").is_some());
    assert!(odd, "nothing was sent");

    let list = town.ws.json(&["link", "list"]);
    fits("link-list", &list);
    let item = &list["items"][0];
    assert_eq!(item["says"], "stated");
    assert_eq!(item["reason"], "HR-17 says so");
    assert_eq!(item["ticket"], "HR-17");
    assert_eq!(item["by"], crate::common::workspace::OPERATOR);
    // the reason stands in no entry
    let all = serde_json::to_string(&town.ws.entries()).unwrap();
    assert!(!all.contains("HR-17") && !all.contains("nickname"));
    town.ws
        .run(&["why", "odd"])
        .exits(0)
        .says("says that the account belongs to lee@town.test")
        .says("the same answer");
    town.ws.is_sound();
}

#[test]
fn an_account_that_is_not_somebodys_is_not_given_to_them_again() {
    let town = town("");
    assert_eq!(town.link("mine", &KEYS), "verified-address kim");
    let remove = ["link", "remove", "mine", "--reason", "a test account"];
    town.ws.run(&remove).exits(0);
    assert_eq!(town.link("mine", &KEYS), "nobody");
    for _ in 0..2 {
        town.sync();
        assert_eq!(town.link("mine", &KEYS), "nobody");
    }
    let both = kinds(&[("orphan", "mine"), ("orphan", "odd")]);
    assert_eq!(town.findings(), both);
    // whose it is not may be said of a person to whom it does not belong, too
    town.ws.run(&remove).exits(5).says("nothing to take away");
    let named = [&remove[..], &["--person", "kim"]].concat();
    town.ws.run(&named).exits(5).says("link.already");
    // a later word about the same person takes its place
    let add = ["link", "add", "mine", "kim", "--reason", "hers after all"];
    town.ws.run(&add).exits(0);
    assert_eq!(town.link("mine", &KEYS), "manual kim");
    let list = town.ws.json(&["link", "list"]);
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    // taken back, the other rules decide
    let forget = [&remove[..], &["--forget"]].concat();
    town.ws.run(&forget).exits(0);
    assert_eq!(town.link("mine", &KEYS), "verified-address kim");
    assert_eq!(
        town.ws.json(&["link", "list"])["items"],
        serde_json::json!([])
    );
    town.ws.run(&forget).exits(5);
    town.ws.is_sound();
}

#[test]
fn who_and_what_is_meant_must_be_clear() {
    let town = town("");
    let add = |account: &str, person: &str, more: &[&str]| {
        let args = ["link", "add", account, person, "--reason", "x"];
        town.ws.run(&[&args[..], more].concat())
    };
    add("nobody@town.test", "kim", &[])
        .exits(64)
        .says("no account");
    add("mine", "nobody", &[]).exits(64).says("no person");
    add("mine", "kim", &["--tenant", "dsk"])
        .exits(64)
        .says("desk");
    add("mine", "kim", &["--directory", "stuff"])
        .exits(64)
        .says("staff");
    // two people with one address: by key or pseudonym only
    town.people(&[
        person("kim", "1", &["kim@town.test"]),
        person("lee", "2", &["lee@town.test", "kim@town.test"]),
    ]);
    town.sync();
    let sub = town.person("lee");
    add("odd", "kim@town.test", &[])
        .exits(64)
        .says("more than one person")
        .says(&sub);
    add("odd", &sub, &[]).exits(0);
    assert_eq!(town.link("odd", &KEYS), "manual lee");
}

#[test]
fn with_two_approvers_a_name_alone_says_nothing() {
    let home = tempfile::tempdir().unwrap();
    let (ada, bob) = (key(&home.path().join("ada")), key(&home.path().join("bob")));
    let more = format!(
        "[[approver]]\nname = \"Ada\"\nkey = \"{ada}\"\nclasses = [\"remove\"]\n\
         [[approver]]\nname = \"Bob\"\nkey = \"{bob}\"\nclasses = [\"disable\"]\n"
    );
    let town = town(&more);
    let add = ["link", "add", "odd", "kim", "--reason", "hers"];
    let claim = [
        "orphan", "claim", "odd", "--owner", "Kim", "--reason", "hers",
    ];
    for args in [&add[..], &claim[..]] {
        town.ws
            .run(args)
            .exits(5)
            .says("a name at the command line is no approval");
        let bob = home.path().join("bob").display().to_string();
        let by_bob = [args, &["--key", &bob]].concat();
        town.ws
            .run(&by_bob)
            .exits(5)
            .says("may not approve `remove`");
    }
    let ada = home.path().join("ada").display().to_string();
    let by_ada = [&add[..], &["--key", &ada]].concat();
    town.ws.run(&by_ada).exits(0);
    let stated = town.ws.entries_of("link.stated");
    assert_eq!(stated[0]["data"]["proof"], "signature");
    assert_eq!(town.link("odd", &KEYS), "manual kim");
}

#[test]
fn an_address_that_has_passed_to_an_account_of_nobody_does_not_name_who_had_it() {
    let town = town("");
    town.people(&[
        person("kim", "1", &["kim.new@town.test"]),
        left("lee", "2", &["lee@town.test"]),
    ]);
    town.tenant.control().with(|scim| scim.remove_user("mine"));
    town.account("other", "kim@town.test", |_| ());
    town.sync();
    let leave = |who: &str| {
        let line = ["leave", who, "--reason", "at once"];
        town.ws.run(&line)
    };
    let before = town.ws.entries().len();
    leave("kim@town.test")
        .exits(5)
        .says("was somebody's address");
    let stated = town.ws.entries_since(before);
    assert!(stated.iter().all(|e| e["type"] != "leave.stated"));
    // each can be named
    leave("other").exits(0);
    let stated = town.ws.entries_of("leave.stated");
    assert_eq!(stated.len(), 1);
    assert_eq!(stated[0]["sub"], town.sub("other"));
}

#[test]
fn a_word_about_a_leaver_is_doubted_when_the_address_is_somebody_elses_now() {
    let town = town("");
    let add = ["link", "add", "odd", "lee", "--reason", "HR-17 says so"];
    let confirmed = [&add[..], &["--confirm", "nickname@else.test"]].concat();
    town.ws.run(&confirmed).exits(0);
    assert_eq!(town.planned(), ["odd"]);
    // Max is new and works with the account, by its address
    let before = [
        person("kim", "1", &["kim@town.test"]),
        left("lee", "2", &["lee@town.test"]),
    ];
    let max = person("max", "3", &["nickname@else.test"]);
    town.people(&[&before[..], &[max]].concat());
    town.sync();
    let keys = ["kim", "lee", "max"];
    assert_eq!(town.link("odd", &keys), "block.recycled-address");
    assert_eq!(town.findings(), kinds(&[("recycled-address", "odd")]));
    town.ws.run(&["run"]);
    let there = town
        .tenant
        .control()
        .with(|scim| scim.user("odd").is_some());
    assert!(there, "it may be Max's");
    // whoever has looked says it again, and knows of Max
    town.ws.run(&confirmed).exits(0);
    town.sync();
    assert_eq!(town.link("odd", &keys), "manual lee");
    town.ws.run(&confirmed).exits(5).says("link.already");

    // Kim was known, but not with this address
    let kim = person("kim", "1", &["kim@town.test", "nickname@else.test"]);
    town.people(&[kim, before[1].clone()]);
    town.sync();
    town.sync();
    assert_eq!(town.link("odd", &keys), "block.recycled-address");
    let kims = ["link", "add", "odd", "kim", "--reason", "it is Kim's now"];
    town.ws.run(&kims).exits(0);
    assert_eq!(town.link("odd", &keys), "manual kim");
    town.ws.is_sound();
}
