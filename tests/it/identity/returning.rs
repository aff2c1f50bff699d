//! What we took away and is there again.

use exeunt::sandbox::scim::User;

use crate::identity::CSV;
use crate::identity::REMOVED;
use crate::identity::Town;
use crate::identity::kinds;
use crate::identity::left;
use crate::identity::person;

fn town() -> Town {
    let town = Town::with(CSV, "", REMOVED);
    let mails: [&[&str]; 2] = [&["lee@town.test"], &["kim@town.test"]];
    town.people(&[left("lee", "1", mails[0]), person("kim", "2", mails[1])]);
    town.account("lee", "lee@town.test", |_| ());
    town.account("kim", "kim@town.test", |_| ());
    town.sync();
    town.carry_out();
    town
}

fn again(town: &Town) {
    let control = town.tenant.control();
    let lee = control.with(|scim| scim.removed().last().cloned());
    control.with(|scim| {
        scim.add_user(User {
            hidden: false,
            ..lee.unwrap()
        })
    });
}

#[test]
fn an_account_that_was_removed_and_is_listed_still_is_a_ghost() {
    let town = town();
    assert_eq!(town.findings(), []);
    again(&town);
    town.sync();
    assert_eq!(town.findings(), kinds(&[("ghost", "lee")]));
    let shown = town.ws.run(&["findings", "--kind", "ghost"]).exits(0);
    let shown = shown.says("finding.ghost").says("remove it by hand");
    assert!(
        shown
            .out
            .lines()
            .any(|l| l.starts_with("ghost\tlee@town.test\tdesk\t"))
    );
    assert_eq!(shown.out.lines().count(), 2, "{}", shown.out);
    town.ws
        .run(&["findings", "--kind", "gost"])
        .exits(64)
        .says("ghost");
    // as of before, there was none
    let past = town.ws.entries().len();
    town.tenant.control().with(|scim| scim.remove_user("lee"));
    town.sync();
    assert_eq!(town.findings(), []);
    let seq = (past - 1).to_string();
    let then = town.ws.json(&["findings", "--as-of", &seq]);
    assert_eq!(then["findings"][0]["kind"], "finding.ghost");
}

#[test]
fn an_account_that_had_been_gone_and_comes_back_is_resurrected() {
    let town = town();
    town.sync();
    assert_eq!(town.ws.entries_of("account.gone").len(), 1);
    again(&town);
    town.sync();
    assert_eq!(town.findings(), kinds(&[("resurrected", "lee")]));
    // it is a leaver's still, and planned
    assert_eq!(town.planned(), ["lee"]);
    // meant so, when somebody says whose it is
    let add = [
        "link",
        "add",
        "lee",
        "kim",
        "--reason",
        "Kim takes the desk over",
    ];
    town.ws.run(&add).exits(0);
    let add = ["link", "add", "kim", "kim", "--reason", "and keeps hers"];
    town.ws.run(&add).exits(0);
    assert_eq!(town.findings(), []);
    town.ws.is_sound();
}

#[test]
fn an_account_that_we_disabled_and_is_used_again_is_resurrected() {
    let disabled = "[[policy]]\nname = \"leavers\"\nwhen = \"departed\"\nring = \"enforce\"\n\
         steps = [{ do = \"disable\" }]\napprovals = { disable = 1 }\n";
    let town = Town::new("", disabled);
    town.people(&[left("lee", "1", &["lee@town.test"])]);
    town.account("lee", "lee@town.test", |_| ());
    town.sync();
    town.carry_out();
    town.sync();
    assert_eq!(town.findings(), []);
    let control = town.tenant.control();
    let now = control.now();
    control.with(|scim| scim.change("lee", now, |user| user.active = true));
    town.sync();
    assert_eq!(town.findings(), kinds(&[("resurrected", "lee")]));
}
