//! A clock that is wrong, and a vault that is lost: nothing is appended, nothing is sent.

use std::fs;

use exeunt::sandbox::Leaving;
use exeunt::sandbox::Role;
use exeunt::sandbox::Story;
use exeunt::sandbox::StoryOptions;
use exeunt::sandbox::cast;
use exeunt::sandbox::docspace::Status;

use crate::common::workspace::Workspace;
use crate::safety::house::House;
use crate::safety::house::LEAVERS;

const YEAR_S: i64 = 365 * 86_400;

#[test]
fn our_clock_is_a_year_ahead() {
    let story = Story::start(&StoryOptions::default()).unwrap();
    let (tenant, ws) = (story.docspace().control(), Workspace::new());
    let corp = ws.sandbox_directory(story.ldap(), "");
    let portal = ws.tenant(story.docspace(), "");
    ws.configure(&[&corp, &portal, LEAVERS]);
    ws.run(&["init"]).exits(0);
    ws.run(&["run"]).exits(5);
    let status = ws.json(&["status"]);
    let digest = status["plans"][0]["digest"].as_str().unwrap();
    ws.run(&["breaker", "release", digest, "--reason", "Bob has left"])
        .exits(0);
    let entries = ws.entries();

    for skew in [-YEAR_S, YEAR_S, -360] {
        tenant.set_date_skew(skew);
        tenant.clear_requests();
        for args in [&["run"][..], &["apply", digest], &["sync"], &["plan"]] {
            ws.run(args)
                .exits(75)
                .says("portal")
                .says("nothing was recorded");
        }
        assert_eq!(ws.entries(), entries);
        assert!(tenant.requests().iter().all(|r| r.method == "GET"));
        // Reading goes on.
        ws.run(&["departed"]).exits(0);
    }
    let bob = cast(Role::AlreadyDisabled).account.unwrap();
    assert_eq!(tenant.status_puts(bob), 0);
    tenant.set_date_skew(0);
    ws.run(&["apply", digest]).exits(0).says("done");
    assert_eq!(tenant.status_puts(bob), 1);
}

const VAULT: &str = "exeunt-vault.db";

fn vault_files(ws: &Workspace) -> Vec<std::path::PathBuf> {
    ["", "-wal", "-shm"]
        .iter()
        .map(|end| ws.path(&format!("{VAULT}{end}")))
        .collect()
}

/// With the vault spoilt, everything that could act or name people is refused.
fn vault_is_lost(house: &House) {
    let ws = &house.ws;
    house.story.leave(Role::Leaver, Leaving::Disabled);
    house.forget_requests();
    let entries = ws.entries();
    let refused: [&[&str]; 13] = [
        &["run"],
        &["sync"],
        &["plan"],
        &["apply", "00000000"],
        &["approve", "00000000"],
        &["breaker", "release", "00000000", "--reason", "x"],
        &["halt", "on"],
        &["inactive"],
        &["departed"],
        &["accounts"],
        &["findings"],
        &["unknown"],
        &["why", "bob.tanner@example.com"],
    ];
    for args in refused {
        ws.run(args).exits(21).says("vault");
    }
    assert_eq!(ws.entries(), entries, "nothing was appended");
    house.nothing_was_sent();
    ws.run(&["verify"]).exits(0).says("good:");
    ws.run(&["rebuild"])
        .exits(0)
        .says("0 of the stored ones differ");
    ws.run(&["log"]).exits(0).says("source.read");
    ws.run(&["status"])
        .exits(0)
        .says("the vault cannot be used, so nothing acts")
        .says(&format!("{} entries", entries.len()));
    let status = ws.run(&["status", "--json"]).exits(0).json();
    assert_eq!(status["head"]["seq"], entries.len() as u64 - 1);
    assert!(status["vault_trouble"].as_str().unwrap().contains("vault"));
    // Nor is a new one made beside the ledger.
    ws.run(&["init"])
        .exits(64)
        .says("there is a ledger already");
    assert_eq!(ws.entries(), entries);
}

/// With the vault back in its place, all is as before.
fn vault_is_back(house: &House) {
    house
        .ws
        .run(&["run"])
        .exits(0)
        .says(cast(Role::Leaver).email);
    assert_eq!(house.status(Role::Leaver), Status::Terminated);
    house.ws.is_sound();
}

#[test]
fn the_vault_file_is_missing() {
    let house = House::settled("", &[LEAVERS]);
    let (here, aside) = (house.ws.path(VAULT), house.ws.path("aside"));
    fs::rename(&here, &aside).unwrap();
    vault_is_lost(&house);
    assert!(!here.exists(), "nobody made a new one");
    fs::rename(&aside, &here).unwrap();
    vault_is_back(&house);
}

#[test]
fn the_vault_file_is_empty() {
    let house = House::settled("", &[LEAVERS]);
    let (here, aside) = (house.ws.path(VAULT), house.ws.path("aside"));
    fs::rename(&here, &aside).unwrap();
    fs::write(&here, "").unwrap();
    vault_is_lost(&house);
    for file in vault_files(&house.ws) {
        drop(fs::remove_file(file));
    }
    fs::rename(&aside, &here).unwrap();
    vault_is_back(&house);
}

/// Puts a copy of the vault in its place that was made before `week` happened.
fn last_weeks_vault(week: impl Fn(&House)) {
    let house = House::settled("", &[LEAVERS]);
    let (here, old) = (house.ws.path(VAULT), house.ws.path("old"));
    fs::copy(&here, &old).unwrap();
    house.story.pass_days(7);
    week(&house);
    house.ws.run(&["sync"]).exits(0);
    let aside = house.ws.path("aside");
    fs::rename(&here, &aside).unwrap();
    fs::copy(&old, &here).unwrap();
    vault_is_lost(&house);
    for file in vault_files(&house.ws) {
        drop(fs::remove_file(file));
    }
    fs::rename(&aside, &here).unwrap();
    vault_is_back(&house);
}

#[test]
fn the_vault_is_last_weeks_and_lacks_a_new_colleague() {
    last_weeks_vault(|house| {
        house
            .directory()
            .add_person(super::reads::person("new.colleague", "new@example.com"));
    });
}

#[test]
fn the_vault_is_last_weeks_and_lacks_a_new_address() {
    last_weeks_vault(|house| {
        let ada = cast(Role::Active).account.unwrap();
        house.tenant().set_email(ada, "ada.married@example.com");
    });
}
