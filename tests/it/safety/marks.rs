//! Servers that are put back to an older state, lists that look-ups contradict, and questions that
//! were changed: what is suspect, what confirms it, and who counts as gone.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::common::fake_marks::BASE;
use crate::common::fake_marks::FakeController;
use crate::common::slapd::PEOPLE;
use crate::common::workspace::Workspace;
use crate::safety::estate::AT_ONCE;
use crate::safety::estate::Estate;
use crate::safety::house::emails;

/// A ledger with one directory of people: the controller's.
struct Domain {
    dc: FakeController,
    ws: Workspace,
}

impl Domain {
    fn start(people: usize) -> Self {
        let dc = FakeController::start("dc1.house.test", 5991, people);
        let ws = Workspace::new();
        ws.write("corp.password", "secret");
        ws.configure(&[&section(&[&dc.url]), AT_ONCE]);
        ws.run(&["init"]).exits(0);
        ws.run(&["sync"]).exits(0);
        Self { dc, ws }
    }

    fn last(&self) -> Value {
        self.ws.last_read("corp")
    }

    fn count(&self, kind: &str) -> usize {
        self.ws.entries_of(kind).len()
    }

    fn departed(&self) -> Vec<String> {
        let mut emails = emails(&self.ws.items(&["departed"]));
        emails.sort();
        emails
    }
}

fn section(urls: &[&str]) -> String {
    format!(
        "[[directory]]\nname = \"corp\"\nkind = \"ldap\"\nflavor = \"generic\"\nurl = {urls:?}\n\
         bind_dn = \"cn=sync,{BASE}\"\nbind_password = {{ file = \"corp.password\" }}\n\
         base = \"{BASE}\"\nanswer_limit_s = 5\n"
    )
}

#[test]
fn a_restored_snapshot_leads_to_no_departure_until_a_second_read_has_confirmed_it() {
    let house = Domain::start(30);
    let first = house.last();
    assert_eq!(first["verdict"], "complete", "{first}");
    assert_eq!(first["proof"]["server"]["name"], "dc1.house.test");
    assert_eq!(first["proof"]["server"]["change"], 5991);

    // Two people were made after the snapshot that is put back.
    house.dc.set(|dc| {
        dc.change = 3973;
        dc.there.remove(&29);
        dc.there.remove(&30);
    });
    house
        .ws
        .run(&["sync"])
        .exits(5)
        .says("read.change-stepped-back")
        .says("nothing rests on this read")
        .says("hint: read.change-stepped-back")
        .says("2 people who were known would be missing")
        .says_not("breaker release");
    let read = house.last();
    assert_eq!(read["verdict"], "suspect", "{read}");
    assert_eq!(
        read["because"],
        serde_json::json!(["read.change-stepped-back"])
    );
    assert_eq!(read["proof"]["server"]["change"], 3973);
    assert_eq!(
        read["rehearsal"],
        serde_json::json!({"missing": 2, "new": 0, "departing": 0})
    );
    assert_eq!(
        (house.count("person.missed"), house.departed().len()),
        (0, 0)
    );
    // No word of a person replaces the second read.
    let digest = read["proof"]["digest"].as_str().unwrap();
    let release = [
        "breaker", "release", digest, "--read", "corp", "--reason", "sure",
    ];
    house.ws.run(&release).exits(5).says("second");
    house
        .ws
        .run(&["log"])
        .exits(0)
        .says("from dc1.house.test at change 3973");

    house.dc.set(|dc| dc.change = 3980);
    house.ws.run(&["sync"]).exits(0).says("read.confirmed");
    let read = house.last();
    assert_eq!(read["verdict"], "complete", "{read}");
    assert_eq!(read["because"], serde_json::json!(["read.confirmed"]));
    assert_eq!(
        (house.count("person.missed"), house.departed().len()),
        (2, 0)
    );
    assert_eq!(house.dc.set(|dc| dc.looked_up.len()), 0);

    // From here on it is as always: one more complete read, and a look-up of each.
    house.ws.run(&["sync"]).exits(0);
    assert_eq!(house.departed(), ["u29@house.test", "u30@house.test"]);
    let why = house.ws.run(&["why", "u30@house.test"]).exits(0);
    why.says("at change 3980 (2 known and not seen): a second whole read has confirmed");
    house.ws.is_sound();
}

#[test]
fn a_controller_that_no_complete_read_has_shown_waits_for_a_second_read() {
    let house = Domain::start(10);
    house.dc.set(|dc| dc.host = "dc2.house.test".to_owned());
    house.ws.run(&["sync"]).exits(5).says("read.other-server");
    house.ws.run(&["sync"]).exits(0).says("read.confirmed");
    house.dc.set(|dc| dc.host = "dc1.house.test".to_owned());
    house.ws.run(&["sync"]).exits(0).says_not("read.");
    house.ws.is_sound();
}

#[test]
fn a_read_that_fails_in_between_makes_the_count_begin_anew() {
    let house = Domain::start(30);
    house.dc.set(|dc| dc.there.remove(&7));
    house.ws.run(&["sync"]).exits(0);
    assert_eq!(house.count("person.missed"), 1);
    house.dc.set(|dc| dc.host = "dc2.house.test".to_owned());
    house.ws.run(&["sync"]).exits(5);
    house.ws.run(&["sync"]).exits(0);
    assert!(
        house.departed().is_empty(),
        "one complete read since the doubt"
    );
    let missed = house.ws.entries_of("person.missed");
    assert_eq!(missed.last().unwrap()["data"]["anew"], true);
    house.ws.run(&["sync"]).exits(0);
    assert_eq!(house.departed(), ["u7@house.test"]);
    let absent = house.ws.entries_of("person.absent");
    assert_eq!(absent[0]["data"]["reads"], 2, "{absent:?}");
    house.ws.is_sound();
}

#[test]
fn whoever_could_not_be_asked_about_stays_missed_and_the_others_do_not_wait() {
    let house = Domain::start(40);
    house.dc.set(|dc| {
        for n in [3, 8, 9] {
            dc.there.remove(&n);
        }
        dc.mute.insert(8);
    });
    house.ws.run(&["sync"]).exits(0);
    house
        .ws
        .run(&["sync"])
        .exits(0)
        .says("1 missing there could not be looked up");
    assert_eq!(house.departed(), ["u3@house.test", "u9@house.test"]);
    let asked = house.dc.set(|dc| dc.looked_up.clone());
    let whom: BTreeSet<usize> = asked.iter().map(|(n, _)| *n).collect();
    let connections: BTreeSet<u64> = asked.iter().map(|(_, connection)| *connection).collect();
    assert_eq!(whom, [3, 8, 9].into());
    assert_eq!(connections.len(), asked.len(), "each over one of its own");
    house.dc.set(|dc| dc.mute.clear());
    house.ws.run(&["sync"]).exits(0);
    assert_eq!(house.departed().len(), 3);
    house.ws.is_sound();
}

#[test]
fn look_ups_that_find_whom_the_list_leaves_out_contradict_it() {
    let house = Domain::start(60);
    house.dc.set(|dc| {
        dc.unlisted = [1, 2, 3].into();
        dc.there.remove(&4);
    });
    house.ws.run(&["sync"]).exits(0);
    house
        .ws
        .run(&["sync"])
        .exits(5)
        .says("read.contradicted-by-look-up")
        .says("of 4 who are missing in this read, 3 are found by their keys");
    assert_eq!(
        (house.count("person.absent"), house.departed().len()),
        (0, 0)
    );
    // The same in the next round: so it is the filter that leaves them out, and they are there.
    house.ws.run(&["sync"]).exits(0);
    house.ws.run(&["sync"]).exits(0).says("read.confirmed");
    assert_eq!(house.departed(), ["u4@house.test"]);
    house.ws.is_sound();
}

#[test]
fn a_contradiction_is_over_when_a_later_read_agrees_with_the_look_ups() {
    let house = Domain::start(60);
    house.ws.run(&["sync"]).exits(0);
    house.dc.set(|dc| dc.unlisted = [1, 2, 3].into());
    house.ws.run(&["sync"]).exits(0);
    let contradicted = "read.contradicted-by-look-up";
    house.ws.run(&["sync"]).exits(5).says(contradicted);
    // the filter is mended, and somebody has really gone
    house.dc.set(|dc| {
        dc.unlisted.clear();
        dc.there.remove(&5);
    });
    house.ws.run(&["sync"]).exits(0);
    house
        .ws
        .run(&["sync"])
        .exits(0)
        .says("earlier contradiction is over");
    assert_eq!(house.departed(), ["u5@house.test"]);
    // the same fault a second time is doubted anew, and not taken for how the source is set up
    house.dc.set(|dc| dc.unlisted = [1, 2, 3].into());
    house.ws.run(&["sync"]).exits(0);
    house.ws.run(&["sync"]).exits(5).says(contradicted);
    house.ws.is_sound();
}

#[test]
fn another_filter_is_rehearsed_and_believed_on_an_approvers_word() {
    let estate = Estate::start(&["ada@house.test"], &[AT_ONCE]);
    estate.sync();
    let departed = emails(&estate.ws.items(&["departed"]));
    let base = "answer_limit_s = 5";
    let narrower = "answer_limit_s = 5\nfilter = \"(&(objectClass=inetOrgPerson)(!(uid=active)))\"";
    estate.ws.reconfigure(base, narrower);
    let ran = estate
        .ws
        .run(&["sync"])
        .exits(5)
        .says("read.filter-changed");
    assert!(
        ran.err.contains("1 people who were known would be missing"),
        "{}",
        ran.err
    );
    let read = estate.ws.last_read("corp");
    assert_eq!(read["because"], serde_json::json!(["read.filter-changed"]));
    assert_eq!(read["rehearsal"]["missing"], 1, "{read}");
    // A second read settles nothing here.
    estate
        .ws
        .run(&["sync"])
        .exits(5)
        .says("read.filter-changed");
    assert!(estate.ws.entries_of("person.missed").is_empty());

    let digest = read["proof"]["digest"].as_str().unwrap();
    let reason = "contractors are read elsewhere";
    let release = [
        "breaker", "release", digest, "--read", "corp", "--reason", reason,
    ];
    estate.ws.run(&release).exits(0);
    estate
        .ws
        .run(&["sync"])
        .exits(0)
        .says("read.believed-by-release");
    estate.ws.run(&["sync"]).exits(0).says_not("read.");
    // Who fell out of the filter is found by key, and is not gone.
    assert_eq!(emails(&estate.ws.items(&["departed"])), departed);

    // The way back is a change as well.
    estate.ws.reconfigure(narrower, base);
    estate
        .ws
        .run(&["sync"])
        .exits(5)
        .says("read.filter-changed");
    estate.ws.is_sound();
}

#[test]
fn another_base_and_another_account_are_named() {
    let estate = Estate::start(&[], &[AT_ONCE]);
    estate.sync();
    estate.ws.reconfigure(
        "base = \"dc=house,dc=test\"",
        &format!("base = \"{PEOPLE}\""),
    );
    estate.ws.run(&["sync"]).exits(5).says("read.base-changed");
    estate
        .ws
        .reconfigure("cn=sync,ou=system", "cn=limited,ou=system");
    let ran = estate.ws.run(&["sync"]).exits(5);
    ran.says("read.base-changed").says("read.bind-changed");
    let status = estate.ws.run(&["status"]).exits(0);
    status.says("suspect").says("read.bind-changed");
}

#[test]
fn somebody_who_must_not_be_seen_and_canaries_stand_in_the_entry() {
    let estate = Estate::start(&["ada@house.test"], &[AT_ONCE]);
    let base = "answer_limit_s = 5";
    let canaries = "answer_limit_s = 5\ncanaries = [\"uid=active\", \"erna@house.test\"]";
    estate.ws.reconfigure(base, canaries);
    estate.sync();
    let read = estate.ws.last_read("corp");
    let seen: BTreeSet<&str> = read["canaries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|sub| sub.as_str().unwrap())
        .collect();
    assert_eq!(
        (seen.len(), &read["canaries_missing"]),
        (2, &Value::from(0))
    );
    let ada = estate.ws.items(&[
        "log",
        "--subject",
        "ada@house.test",
        "--type",
        "person.observed",
    ]);
    assert!(seen.contains(ada[0]["sub"].as_str().unwrap()), "{read}");

    let forbidden = "canaries = [\"uid=active\"]\nforbidden = [\"uid=ended\", \"uid=nobody\"]";
    let old = "canaries = [\"uid=active\", \"erna@house.test\"]";
    estate.ws.reconfigure(old, forbidden);
    estate
        .ws
        .run(&["sync"])
        .exits(5)
        .says("read.forbidden-present")
        .says("hint: read.forbidden-present")
        .says_not("breaker release");
    let read = estate.ws.last_read("corp");
    assert_eq!(read["forbidden_present"], 1, "{read}");
    estate
        .ws
        .run(&["log"])
        .exits(0)
        .says("1 seen who must not be seen");

    // It goes, and the canary with it.
    estate.slapd.delete(&format!("uid=ended,{PEOPLE}"));
    estate.ws.run(&["sync"]).exits(0);
    estate.slapd.delete(&format!("uid=active,{PEOPLE}"));
    let ran = estate.ws.run(&["sync"]).exits(5);
    ran.says("read.canary-missing")
        .says("hint: read.canary-missing");
    let read = estate.ws.last_read("corp");
    assert_eq!(read["canaries_missing"], 1, "{read}");
    assert!(read.get("canaries").is_none(), "{read}");
    estate.ws.is_sound();
}
