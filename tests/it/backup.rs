//! A backup is taken, everything is lost, and the backup is put back as its README says.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use exeunt::sandbox::Role;
use exeunt::sandbox::cast;
use exeunt::sandbox::docspace::Status;
use serde_json::Value;

use crate::common::workspace::Workspace;
use crate::json::fits;
use crate::safety::house::House;
use crate::safety::house::LEAVERS;

mod vault;

/// The files of a workspace's ledger, by the part of the backup that each belongs to.
const FILES: [(&str, &str); 5] = [
    ("ledger", "exeunt.db"),
    ("ledger", "exeunt.head"),
    ("vault", "exeunt-vault.db"),
    ("keys", "kek"),
    ("keys", "log.key"),
];

fn place(ws: &Workspace, part: &str, file: &str) -> PathBuf {
    match part {
        "keys" => ws.path("keys").join(file),
        _ => ws.path(file),
    }
}

/// Takes the present files away, with the write-ahead logs beside them.
fn lose(ws: &Workspace, parts: &[&str]) {
    for (part, file) in FILES.iter().filter(|(part, _)| parts.contains(part)) {
        for suffix in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(place(ws, part, &format!("{file}{suffix}")));
        }
    }
}

fn put_back(ws: &Workspace, from: &str, but: &[&str]) {
    for (part, file) in FILES.iter().filter(|(_, file)| !but.contains(file)) {
        fs::copy(ws.path(from).join(part).join(file), place(ws, part, file)).unwrap();
    }
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<_> = entries
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn sha256sum(path: &Path) -> String {
    let run = std::process::Command::new("sha256sum").arg(path).output();
    let text = String::from_utf8(run.unwrap().stdout).unwrap();
    text.split(' ').next().unwrap().to_owned()
}

#[test]
fn a_lost_machine_comes_back_from_its_backup() {
    let house = House::settled("", &[LEAVERS]);
    let ws = &house.ws;
    let bob = cast(Role::AlreadyDisabled).email;
    let told = ws.run(&["why", bob]).exits(0).out;

    let made = ws.run(&["backup", "--out", "copy", "--json"]).exits(0);
    let made = made.json();
    fits("backup", &made);
    assert_eq!(
        names(&ws.path("copy")),
        ["README.txt", "backup.json", "keys", "ledger", "vault"]
    );
    // nothing but what is listed, and each as it is listed
    let listed = made["files"].as_array().unwrap();
    assert_eq!(listed.len(), FILES.len());
    for ((part, file), said) in FILES.iter().zip(listed) {
        assert_eq!(
            (said["part"].as_str(), said["file"].as_str()),
            (Some(*part), Some(*file))
        );
        let path = ws.path("copy").join(part).join(file);
        assert_eq!(said["sha256"], sha256sum(&path), "{file}");
        assert_eq!(said["bytes"], fs::metadata(&path).unwrap().len());
        only_the_owner(&path);
    }
    for part in ["ledger", "vault", "keys"] {
        only_the_owner(&ws.path("copy").join(part));
    }
    let status = ws.run(&["status"]).exits(0);
    status.says("last backup less than a day ago");

    // the machine is gone; what is put back knows everything but that it was copied
    lose(ws, &["ledger", "vault", "keys"]);
    ws.run(&["status"]).exits(10);
    put_back(ws, "copy", &[]);
    ws.run(&["verify"]).exits(0);
    ws.run(&["rebuild"]).exits(0);
    assert_eq!(ws.run(&["why", bob]).exits(0).out, told);
    house.hours_later(1);
    ws.run(&["run"]).exits(0);
    ws.run(&["verify"]).exits(0);
}

#[cfg(unix)]
#[track_caller]
fn only_the_owner(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "{} has mode {mode:o}", path.display());
}

#[test]
fn a_backup_is_taken_while_others_append_and_fits_together() {
    let house = House::settled("", &[LEAVERS]);
    let ws = &house.ws;
    let mut others = Vec::new();
    for number in 0..6 {
        others.push(ws.start(&["sync"]));
        let out = format!("copy-{number}");
        ws.run(&["backup", "--out", &out]).exits(0);
    }
    for mut other in others {
        other.wait().unwrap();
    }
    for number in 0..6 {
        lose(ws, &["ledger", "vault", "keys"]);
        put_back(ws, &format!("copy-{number}"), &[]);
        ws.run(&["verify"]).exits(0);
        ws.run(&["rebuild"]).exits(0);
        ws.run(&["departed"]).exits(0);
    }
}

#[test]
fn the_head_lock_that_stayed_tells_that_a_backup_is_older() {
    let house = House::settled("", &[LEAVERS]);
    let ws = &house.ws;
    ws.run(&["backup", "--out", "copy"]).exits(0);
    lose(ws, &["ledger"]);
    let lock = ws.path("copy").join("ledger").join("exeunt.head");
    // the present head lock stays where it is: only the database was lost
    let present: Value = {
        put_back(ws, "copy", &["exeunt.head"]);
        serde_json::from_slice(&fs::read(&lock).unwrap()).unwrap()
    };
    let mut newer = present.clone();
    newer["size"] = (present["size"].as_u64().unwrap() + 3).into();
    fs::write(ws.path("exeunt.head"), format!("{newer}\n")).unwrap();
    let refused = ws.run(&["sync"]).exits(20);
    refused.says("an older copy was put back");
}

#[test]
fn what_is_there_is_never_written_over_and_what_fails_leaves_nothing() {
    let house = House::settled("", &[LEAVERS]);
    let ws = &house.ws;
    fs::create_dir(ws.path("copy")).unwrap();
    let refused = ws.run(&["backup", "--out", "copy"]).exits(64);
    refused.says("is there already");
    assert!(names(&ws.path("copy")).is_empty());

    let before = names(&ws.path(""));
    let refused = ws.run(&["backup", "--out", "nowhere/copy"]).exits(1);
    refused.says("cannot be written");
    fs::rename(ws.path("keys/log.key"), ws.path("log.key.away")).unwrap();
    let refused = ws.run(&["backup", "--out", "copy-2"]).exits(69);
    refused.says("log.key cannot be copied");
    fs::rename(ws.path("log.key.away"), ws.path("keys/log.key")).unwrap();
    assert_eq!(names(&ws.path("")), before);
    let noted = ws.items(&["log", "--type", "backup.made"]);
    assert!(noted.is_empty(), "{noted:?}");
}

/// Puts the copy of the database back; the head lock stays, or is lost as well.
fn put_back_ledger(house: &House, head: Option<&[u8]>) {
    put_back(
        &house.ws,
        "copy",
        &["exeunt.head", "exeunt-vault.db", "kek", "log.key"],
    );
    if let Some(head) = head {
        fs::write(house.ws.path("exeunt.head"), head).unwrap();
    }
}

#[test]
fn an_older_copy_goes_on_by_the_word_of_an_approver_only() {
    let head = |house: &House| fs::read(house.ws.path("exeunt.head")).unwrap();
    let house = House::settled("", &[LEAVERS]);
    let ws = &house.ws;
    ws.run(&["backup", "--out", "copy"]).exits(0);
    let fits = ws
        .run(&["reopen", "--ledger", "--reason", "no need"])
        .exits(64);
    fits.says("fits its head lock");
    house.hours_later(1);
    let carla = cast(Role::Active).email;
    ws.run(&["leave", carla, "--reason", "said so"]).exits(0);
    ws.run(&["run"]).exits(0);
    let newest = head(&house);
    let known: Value = serde_json::from_slice(&newest).unwrap();
    lose(ws, &["ledger"]);
    put_back_ledger(&house, Some(&newest));

    // nothing goes on by itself
    for command in [&["run"][..], &["sync"], &["status"]] {
        ws.run(command).exits(20).says("exeunt reopen --ledger");
    }
    ws.run(&["reopen", "--ledger"]).exits(64);
    let done = ws.run(&["reopen", "--ledger", "--reason", "disk lost", "--json"]);
    let done = done.exits(0).json();
    fits_known(&done, &known);
    let verified = ws.run(&["verify"]).exits(0);
    verified
        .says("reopened at entry")
        .says("an approver let a copy of");
    ws.run(&["status"]).says("it went on from an older copy");
    let origin = "house.example/exeunt/2";
    let now: Value = serde_json::from_slice(&head(&house)).unwrap();
    assert_eq!(
        (done["origin"].as_str(), now["origin"].as_str()),
        (Some(origin), Some(origin))
    );

    // everything is first contact again: what would be done waits for a release
    house.hours_later(1);
    house.directory().disable(cast(Role::Idle).email);
    house.forget_requests();
    ws.run(&["run"]).exits(5).says("first plan");
    house.nothing_was_sent();
    house.release();
    ws.run(&["run"]).exits(0);
    assert_eq!(house.status(Role::Idle), Status::Terminated);
    ws.run(&["verify"]).exits(0);
    ws.run(&["rebuild"]).exits(0);
}

#[track_caller]
fn fits_known(done: &Value, known: &Value) {
    fits("reopen", done);
    assert_eq!(done["known"], known["size"]);
    assert!(done["kept"].as_u64() < known["size"].as_u64(), "{done}");
}

#[test]
fn plans_of_before_are_void() {
    let house = House::settled("", &[LEAVERS]);
    let ws = &house.ws;
    ws.reconfigure("disable = 0", "disable = 1");
    house.directory().disable(cast(Role::Idle).email);
    house.hours_later(1);
    ws.run(&["sync"]).exits(0);
    ws.run(&["plan", "--out", "plan.json"]).exits(0);
    ws.run(&["backup", "--out", "copy"]).exits(0);
    ws.run(&["approve", "plan.json", "--reject", "--reason", "he stays"])
        .exits(0);
    let newest = fs::read(ws.path("exeunt.head")).unwrap();
    lose(ws, &["ledger"]);
    put_back_ledger(&house, Some(&newest));
    let done = ws.run(&["reopen", "--ledger", "--reason", "disk lost", "--json"]);
    assert!(done.exits(0).json()["plans_void"].as_u64() > Some(0));
    house.forget_requests();
    ws.run(&["approve", "plan.json", "--confirm", "1"]).exits(5);
    ws.run(&["apply", "plan.json"]).exits(5);
    house.nothing_was_sent();
}

#[test]
fn a_lost_head_lock_is_replaced_by_the_word_of_an_approver() {
    let house = House::settled("", &[LEAVERS]);
    let ws = &house.ws;
    fs::remove_file(ws.path("exeunt.head")).unwrap();
    ws.run(&["sync"]).exits(21).says("exeunt reopen --ledger");
    let done = ws.run(&["reopen", "--ledger", "--reason", "lost", "--json"]);
    let done = done.exits(0).json();
    fits("reopen", &done);
    assert!(done["known"].is_null());
    ws.run(&["verify"]).exits(0).says("nobody knows");
    ws.run(&["sync"]).exits(0);
}

#[test]
fn a_copy_that_is_not_sound_does_not_go_on() {
    let house = House::settled("", &[LEAVERS]);
    let ws = &house.ws;
    ws.run(&["backup", "--out", "copy"]).exits(0);
    let newest = fs::read(ws.path("exeunt.head")).unwrap();
    lose(ws, &["ledger"]);
    put_back_ledger(&house, Some(&newest));
    let db = rusqlite::Connection::open(ws.path("exeunt.db")).unwrap();
    db.execute_batch(
        "DROP TRIGGER entry_is_never_changed; UPDATE entry SET bytes = CAST(replace(CAST(bytes AS TEXT), 'run', 'ran') AS BLOB) \
         WHERE seq = 3;",
    )
    .unwrap();
    drop(db);
    let refused = ws
        .run(&["reopen", "--ledger", "--reason", "disk lost"])
        .exits(20);
    refused.says("not sound itself");
    assert_eq!(fs::read(ws.path("exeunt.head")).unwrap(), newest);
}

#[test]
fn whoever_dies_between_the_entry_and_the_head_lock_goes_on_where_they_were() {
    let house = House::settled("", &[LEAVERS]);
    let ws = &house.ws;
    ws.run(&["backup", "--out", "copy"]).exits(0);
    lose(ws, &["ledger"]);
    put_back_ledger(&house, None);
    let mut command = ws.command(&["reopen", "--ledger", "--reason", "disk lost"]);
    command.env("EXEUNT_KILL_AT", "reopened");
    assert!(!command.output().unwrap().status.success());
    ws.run(&["sync"]).exits(21);
    let again = ws
        .run(&["reopen", "--ledger", "--reason", "disk lost"])
        .exits(0);
    again.says("the head lock fits it now");
    let said = ws.items(&["log", "--type", "ledger.reopened"]);
    assert_eq!(said.len(), 1, "{said:#?}");
    ws.run(&["verify"]).exits(0);
}
