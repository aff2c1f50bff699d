//! Each rule, and what keeps a rule from deciding.

use crate::identity::CSV;
use crate::identity::REMOVED;
use crate::identity::Town;
use crate::identity::kinds;
use crate::identity::left;
use crate::identity::person;

#[test]
fn each_rule_finds_its_person_and_who_leaves_is_planned() {
    let town = Town::new("", REMOVED);
    let staff = |all: &dyn Fn(&str, &str, &[&str]) -> super::Person| {
        [
            all("key", "1", &["key@town.test"]),
            all("num", "2", &["num@town.test"]),
            all("mail", "3", &["mail@town.test"]),
            all("proxy", "4", &["main@town.test", "side@town.test"]),
            person("stays", "5", &["stays@town.test"]),
        ]
    };
    town.people(&staff(&person));
    town.account("by-key", "other.one@else.test", |u| {
        u.external_id = Some("key".to_owned());
    });
    town.account("by-num", "other.two@else.test", |u| {
        u.employee_number = Some("2".to_owned());
    });
    town.account("by-mail", "MAIL@town.test", |_| ());
    town.account("by-proxy", "side@town.test", |_| ());
    town.account("stays", "stays@town.test", |_| ());
    town.sync();
    let people = ["key", "num", "mail", "proxy", "stays"];
    assert_eq!(town.link("by-key", &people), "external-id key");
    assert_eq!(town.link("by-num", &people), "employee-number num");
    assert_eq!(town.link("by-mail", &people), "verified-address mail");
    assert_eq!(town.link("by-proxy", &people), "proxy-address proxy");
    assert_eq!(town.findings(), []);
    assert_eq!(town.planned(), Vec::<String>::new());

    town.people(&staff(&left));
    town.sync();
    let leavers = ["by-key", "by-mail", "by-num", "by-proxy"];
    assert_eq!(town.planned(), leavers);
    town.ws.is_sound();
}

#[test]
fn what_two_people_have_and_what_two_accounts_name_is_withheld() {
    let town = Town::new("", REMOVED);
    let mut people = vec![
        left("one", "1", &["team@town.test", "one@town.test"]),
        person("two", "2", &["two@town.test", "team@town.test"]),
        left("both", "3", &["both@town.test"]),
        left("bot", "4", &["bot@town.test"]),
    ];
    town.people(&people);
    town.account("team", "team@town.test", |_| ());
    for id in ["first", "second"] {
        town.account(id, &format!("{id}@else.test"), |u| {
            u.employee_number = Some("3".to_owned());
        });
    }
    // a machine's account beside the person's own is no second one
    town.account("own", "bot@town.test", |_| ());
    town.account("machine", "machine@else.test", |u| {
        u.employee_number = Some("4".to_owned());
        u.user_type = Some("Service".to_owned());
    });
    town.sync();
    let keys = ["one", "two", "both", "bot"];
    assert_eq!(town.link("team", &keys), "block.ambiguous-identity");
    assert_eq!(town.link("first", &keys), "block.shared-person");
    assert_eq!(town.link("second", &keys), "block.shared-person");
    assert_eq!(town.link("own", &keys), "verified-address bot");
    let found = [
        ("ambiguous-identity", "team"),
        ("shared-person", "first"),
        ("shared-person", "second"),
    ];
    assert_eq!(town.findings(), kinds(&found));
    // nothing rests on it, and it is said that the leaver's accounts work still
    assert_eq!(town.planned(), ["own"]);
    let status = town.ws.json(&["status"]);
    let still = status["leavers_still_in"].as_array().unwrap();
    let still: Vec<_> = still.iter().filter_map(|l| l["account"].as_str()).collect();
    assert!(still.contains(&"first") && still.contains(&"second"));
    assert!(!still.contains(&"team"));
    // one of them named: both others come to light
    let document = town.ws.json(&["findings", "--kind", "shared-person"]);
    let others = document["findings"][0]["others"].as_array().unwrap();
    assert_eq!(others.len(), 2, "the person and the other account");
    assert_eq!(document["items"].as_array().unwrap().len(), 0);
    // the doubt ends with what caused it
    people[1].mails.pop();
    town.tenant
        .control()
        .with(|scim| scim.remove_user("second"));
    town.people(&people);
    town.sync();
    assert_eq!(town.link("first", &keys), "employee-number both");
    // two gave the address up to nobody: it was theirs once
    assert_eq!(town.link("team", &keys), "block.recycled-address");
    town.ws.is_sound();
}

#[test]
fn whoever_is_hired_again_as_a_new_person_keeps_their_account() {
    let town = Town::with(CSV, "", REMOVED);
    let others = [
        person("a", "7", &["a@town.test"]),
        person("b", "8", &["b@town.test"]),
        person("c", "9", &["c@town.test"]),
    ];
    let staff = |of: &[super::Person]| town.people(&[of, &others[..]].concat());
    staff(&[person("old", "1", &["eve@town.test"])]);
    town.account("by-key", "eve@town.test", |u| {
        u.external_id = Some("old".to_owned());
    });
    town.account("by-num", "x@else.test", |u| {
        u.employee_number = Some("8".to_owned());
    });
    town.sync();
    assert_eq!(town.link("by-key", &["old"]), "external-id old");
    // the old entry goes, a new one comes, with the same address and number
    staff(&[person("new", "1", &["eve@town.test"])]);
    town.sync();
    town.sync();
    let gone = town.ws.items(&["departed"]);
    assert_eq!(gone.len(), 1, "the old one has left: {gone:?}");
    assert_eq!(
        town.link("by-key", &["old", "new"]),
        "block.recycled-identifier"
    );
    let found = [("recycled-identifier", "by-key")];
    assert_eq!(town.findings(), kinds(&found));
    assert_eq!(town.planned(), Vec::<String>::new());
    // somebody says whose it is now, and that stays
    let add = ["link", "add", "by-key", "new", "--reason", "she came back"];
    town.ws.run(&add).exits(0);
    town.sync();
    assert_eq!(town.link("by-key", &["old", "new"]), "manual new");
    assert_eq!(town.findings(), []);
    assert_eq!(town.planned(), Vec::<String>::new());
    town.ws.is_sound();
}

#[test]
fn a_renamed_person_is_found_by_the_address_that_they_had() {
    let town = Town::new("", REMOVED);
    town.people(&[person("kim", "1", &["kim.old@town.test"])]);
    town.account("kim", "kim.old@town.test", |_| ());
    town.sync();
    town.people(&[person("kim", "1", &["kim.new@town.test"])]);
    town.sync();
    assert_eq!(town.link("kim", &["kim"]), "verified-address kim");
    assert_eq!(town.findings(), []);
    town.people(&[left("kim", "1", &["kim.new@town.test"])]);
    town.sync();
    assert_eq!(town.planned(), ["kim"]);
}

#[test]
fn other_rules_hold_only_when_somebody_has_agreed() {
    let town = Town::new("", REMOVED);
    town.people(&[
        person("kim", "1", &["kim@town.test", "side@town.test"]),
        left("lee", "2", &["lee@town.test"]),
    ]);
    // the number says Lee, the address says Kim
    town.account("desk", "side@town.test", |u| {
        u.employee_number = Some("2".to_owned());
    });
    town.sync();
    let keys = ["kim", "lee"];
    assert_eq!(town.link("desk", &keys), "employee-number lee");
    town.ws.reconfigure(
        "attempts = 1",
        "attempts = 1\ncorrelate = [\"manual\", \"external-id\", \"verified-address\"]",
    );
    town.sync().says("correlate: other rules");
    assert_eq!(town.link("desk", &keys), "employee-number lee");
    let approve = ["policy", "approve", "--reason", "numbers are given twice"];
    town.ws.run(&approve).exits(0);
    town.sync();
    // no rule that is used names anybody, and it is nobody's orphan for that
    assert_eq!(town.link("desk", &keys), "block.rule-not-used");
    assert_eq!(town.findings(), kinds(&[("rule-not-used", "desk")]));
    town.ws.is_sound();

    for (rules, line) in [
        (
            "[\"external-id\", \"manual\"]",
            "`manual` does not stand first",
        ),
        ("[\"external-id\", \"external-id\"]", "twice"),
        ("[\"name\"]", "external-id"),
    ] {
        let old = "[\"manual\", \"external-id\", \"verified-address\"]";
        town.ws.reconfigure(old, rules);
        town.ws
            .run(&["status"])
            .exits(78)
            .says(line)
            .says("exeunt.toml:20:");
        town.ws.reconfigure(rules, old);
    }
}
