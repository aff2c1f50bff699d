//! A backup is taken, everything is lost, and the backup is put back as its README says.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use exeunt::sandbox::Role;
use exeunt::sandbox::cast;
use serde_json::Value;

use crate::common::workspace::Workspace;
use crate::json::fits;
use crate::safety::house::House;
use crate::safety::house::LEAVERS;

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
