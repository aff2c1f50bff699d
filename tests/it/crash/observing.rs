//! Killed while reading and planning: what the next start finds is recorded all the same.

use exeunt::sandbox::docspace::Kind;
use exeunt::sandbox::docspace::User;
use serde_json::Value;
use serde_json::json;
use uuid::Uuid;

use crate::common::crash::PLAN;
use crate::common::crash::Stage;
use crate::common::crash::play;

/// The entries about one person or account.
fn about(stage: &Stage, who: &str, kind: &str) -> Vec<Value> {
    let mut entries = stage.work.items(&["log", "--subject", who]);
    entries.retain(|entry| entry["type"] == kind);
    entries
}

fn list(stage: &Stage, rows: &str) {
    stage.work.write(
        "hr.csv",
        &format!("nr,mail,name,left\n99,stayer@example.com,Sta Yer,\n{rows}"),
    );
}

#[test]
fn a_changed_person_is_recorded_though_the_vault_knew_before_the_ledger() {
    let stage = Stage::set(0);
    list(&stage, "7,old@example.com,Ola Dahl,\n");
    stage.work.run(&["sync"]).exits(0);
    let seen = || about(&stage, "old@example.com", "person.observed");
    assert_eq!(seen().len(), 1);

    list(&stage, "7,new@example.com,Ola Dahl,\n");
    stage.dies_at("people-in-vault", &["sync"]);
    assert_eq!(seen().len(), 1);
    stage.work.run(&["sync"]).exits(0);
    let entries = seen();
    assert_eq!(entries.len(), 2, "the new address is in no entry");
    assert_eq!(entries[1]["data"]["changed"], json!(["mail"]));
    assert!(entries[1]["commit"]["mail"].is_string());

    // two changes, the first one lost: both are in the entry
    list(&stage, "7,newer@example.com,Ola Dahl,\n");
    stage.dies_at("people-in-vault", &["sync"]);
    list(&stage, "7,newer@example.com,Ola Berg,\n");
    stage.dies_at("people-in-vault", &["sync"]);
    stage.work.run(&["sync"]).exits(0);
    let entries = seen();
    assert_eq!(entries.len(), 3);
    assert_eq!(entries[2]["data"]["changed"], json!(["mail", "name"]));

    // a value that is gone
    list(&stage, "7,,Ola Berg,\n");
    stage.dies_at("people-in-vault", &["sync"]);
    stage.work.run(&["sync"]).exits(0);
    let entries = seen();
    assert_eq!(entries.len(), 4);
    assert_eq!(entries[3]["data"]["changed"], json!(["mail"]));

    // once it stands, it is not recorded again
    stage.work.run(&["sync"]).exits(0);
    assert_eq!(seen().len(), 4);
    stage.work.is_sound();
}

#[test]
fn a_changed_account_is_recorded_though_the_vault_knew_before_the_ledger() {
    let stage = Stage::set(0);
    let id = Uuid::from_u128(0xacc0);
    let user = User::new(
        id,
        "Ola",
        "Dahl",
        "old@example.com",
        Kind::User,
        stage.control.now(),
    );
    stage.control.add_user(user);
    stage.work.run(&["sync"]).exits(0);
    let seen = || about(&stage, &id.to_string(), "account.observed");
    assert_eq!(seen().len(), 1);
    stage.control.set_email(id, "new@example.com");
    stage.dies_at("accounts-in-vault", &["sync"]);
    assert_eq!(seen().len(), 1);
    stage.work.run(&["sync"]).exits(0);
    let entries = seen();
    assert_eq!(entries.len(), 2, "the new address is in no entry");
    assert_eq!(entries[1]["data"]["changed"], json!(["mail"]));
    stage.work.run(&["sync"]).exits(0);
    assert_eq!(seen().len(), 2);
    stage.work.is_sound();
}

#[test]
fn people_and_accounts_of_a_first_sync_that_was_killed_are_all_recorded() {
    let points = [
        "people-in-vault",
        "appended:source.read",
        "accounts-in-vault",
        "appended:account.observed",
    ];
    play(
        &points,
        |point| (*point).to_owned(),
        |point| {
            let stage = Stage::set(1);
            stage.dies_at(point, &["sync"]);
            stage.work.run(&["sync"]).exits(0);
            assert_eq!(stage.work.entries_of("person.observed").len(), 2);
            // the owner, the key's user, the leaver, the stayer
            assert_eq!(stage.work.entries_of("account.observed").len(), 4);
            for entry in stage.work.entries_of("person.observed") {
                assert!(entry["commit"]["mail"].is_string());
            }
            stage.work.is_sound();
        },
    );
}

/// The newest login of all would be lost if the watermark moved before it was recorded, and
/// somebody who works there would look idle.
#[test]
fn a_login_that_a_killed_sync_saw_is_recorded_by_the_next() {
    let points = [
        "accounts-in-vault",
        "appending:login.observed",
        "appended:login.observed",
        "appending:source.read@2",
        "appended:source.read@2",
        "noted:source.read@2",
    ];
    play(
        &points,
        |point| (*point).to_owned(),
        |point| {
            let stage = Stage::set(1);
            // more events than a downgraded log shows, and than a walk needs to know where it is
            let others = |minutes| {
                let at = stage.control.now() - chrono::TimeDelta::minutes(minutes);
                for _ in 0..150 {
                    stage.control.add_login(stage.control.key_user(), at, 1000);
                }
            };
            others(30);
            stage.work.run(&["sync"]).exits(0);
            let read = stage.work.last_read("portal");
            assert_eq!(read["activity"][0]["complete"], true, "{read}");

            let at = stage.control.now() - chrono::TimeDelta::minutes(5);
            stage.control.add_login(stage.leaver(), at, 1000);
            others(4);
            stage.dies_at(point, &["sync"]);
            others(1);
            stage.work.run(&["sync"]).exits(0);
            let read = stage.work.last_read("portal");
            assert_eq!(read["activity"][0]["complete"], true, "{read}");
            let seen = about(&stage, &stage.leaver().to_string(), "login.observed");
            assert_eq!(seen.len(), 1, "the login is in one entry: {seen:?}");
            stage.work.is_sound();
        },
    );
}

#[test]
fn a_plan_is_there_as_a_whole_or_not_at_all() {
    let stage = Stage::set(1);
    stage.work.run(&["sync"]).exits(0);
    stage.dies_at("appending:plan.created", &["plan", "--out", PLAN]);
    assert!(stage.work.entries_of("plan.listed").is_empty());
    assert!(stage.work.entries_of("plan.created").is_empty());
    stage.dies_at("appended:plan.created", &["plan", "--out", PLAN]);
    assert_eq!(stage.work.entries_of("plan.created").len(), 1);
    // the one that stands is found again, and no second one made
    stage.work.run(&["plan", "--out", PLAN]).exits(0);
    assert_eq!(stage.work.entries_of("plan.created").len(), 1);
    stage
        .work
        .run(&["breaker", "release", PLAN, "--reason", "looked at"])
        .exits(0);
    stage.work.run(&["apply", PLAN]).exits(0);
    stage.ends_well(stage.leaver(), 1);
}
