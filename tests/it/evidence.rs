//! What is given out, as its readers meet it: by the program itself with a policy of their own, and
//! by tools that are not ours.

mod others;
mod owner;

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use exeunt::clock::SystemClock;
use exeunt::domain::event::Actor;
use exeunt::domain::event::ActorKind;
use exeunt::domain::event::Draft;
use exeunt::domain::event::RunFinished;
use exeunt::evidence::note::Algorithm;
use exeunt::evidence::note::VerifierKey;
use exeunt::ledger::Access;
use exeunt::ledger::By;
use exeunt::ledger::Ledger;
use exeunt::ledger::Paths;
use exeunt::ledger::entropy::SystemEntropy;

use crate::common::workspace::Workspace;
use crate::common::workspace::copy;

const ORIGIN: &str = "house.example/exeunt";

/// A house with a ledger and nothing else.
struct House(Workspace);

impl House {
    fn new() -> Self {
        Self::with("")
    }

    fn with(ledger: &str) -> Self {
        let ws = Workspace::new();
        ws.write(
            "exeunt.toml",
            &format!("[ledger]\norigin = \"{ORIGIN}\"\n{ledger}"),
        );
        ws.run(&["init"]).exits(0);
        Self(ws)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path(name)
    }

    fn paths(&self) -> Paths {
        Paths {
            ledger: self.path("exeunt.db"),
            vault: self.path("exeunt-vault.db"),
            head: self.path("exeunt.head"),
            keys: self.path("keys"),
        }
    }

    /// Appends so many entries.
    fn append(&self, count: usize) {
        let clock = Arc::new(SystemClock::default());
        let ledger =
            Ledger::open(&self.paths(), Access::Full, clock, Arc::new(SystemEntropy)).unwrap();
        let by = By {
            run: ledger.run_id().unwrap(),
            actor: Actor {
                kind: ActorKind::Service,
                epoch: None,
                sub: None,
            },
        };
        let draft = || Draft::new(ledger.entry_id().unwrap(), &RunFinished { exit: 0 });
        ledger
            .append_all(&by, (0..count).map(|_| draft()).collect())
            .unwrap();
    }

    /// The log's verifier key, as the administrator tells it to the reader.
    fn key(&self) -> String {
        let key = self.0.json(&["checkpoint"])["key"].clone();
        key.as_str().unwrap().to_owned()
    }

    /// A reader's policy that trusts this log; its path.
    fn policy(&self) -> String {
        self.policy_of(&self.key())
    }

    fn policy_of(&self, key: &str) -> String {
        let text = format!("log {key}\nquorum none\n");
        self.0.write("reader.policy", &text);
        "reader.policy".to_owned()
    }

    fn checkpoint(&self, name: &str) {
        self.0.run(&["checkpoint", "--out", name]).exits(0);
    }
}

/// A house with 600 entries, a kept checkpoint of 300, a whole log and a proof.
fn handed_out() -> House {
    let house = House::new();
    house.append(299);
    house.checkpoint("kept.checkpoint");
    house.append(300);
    house.checkpoint("new.checkpoint");
    house.0.run(&["export", "tiles", "log"]).exits(0);
    house
        .0
        .run(&["proof", "421", "--out", "421.tlog-proof"])
        .exits(0);
    house.policy();
    house
}

/// A way to damage what was handed out.
struct Damage {
    name: &'static str,
    file: &'static str,
    how: fn(&mut Vec<u8>),
}

fn replaced(bytes: &mut Vec<u8>, from: &str, to: &str) {
    let text = String::from_utf8(bytes.clone()).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    *bytes = text.replace(from, to).into_bytes();
}

const DAMAGES: &[Damage] = &[
    Damage {
        name: "a bit of an entry",
        file: "log/tile/entries/001",
        how: |bytes| bytes[5_000] ^= 1,
    },
    Damage {
        name: "an entry cut off",
        file: "log/tile/entries/002.p/88",
        how: |bytes| bytes.truncate(bytes.len() - 1),
    },
    Damage {
        name: "a bit of a tile of leaves",
        file: "log/tile/0/000",
        how: |bytes| bytes[100 * 32] ^= 0x10,
    },
    Damage {
        name: "a bit of the right edge",
        file: "log/tile/0/002.p/88",
        how: |bytes| bytes[87 * 32 + 31] ^= 0x80,
    },
    Damage {
        name: "a bit of a tile above",
        file: "log/tile/1/000.p/2",
        how: |bytes| bytes[0] ^= 1,
    },
    Damage {
        name: "another size",
        file: "log/checkpoint",
        how: |bytes| replaced(bytes, "\n600\n", "\n599\n"),
    },
    Damage {
        name: "another root",
        file: "log/checkpoint",
        how: |bytes| {
            let at = bytes.iter().position(|b| *b == b'\n').unwrap() + 10;
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        },
    },
    Damage {
        name: "another signature",
        file: "log/checkpoint",
        how: |bytes| {
            let at = bytes.len() - 30;
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        },
    },
];

const PROOF_DAMAGES: &[Damage] = &[
    Damage {
        name: "another index",
        file: "421.tlog-proof",
        how: |bytes| replaced(bytes, "index 421\n", "index 420\n"),
    },
    Damage {
        name: "another hash",
        file: "421.tlog-proof",
        how: |bytes| {
            let at = bytes.iter().position(|b| *b == b'4').unwrap() + 20;
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        },
    },
    Damage {
        name: "another entry",
        file: "421.json",
        how: |bytes| replaced(bytes, "\"exit\":0", "\"exit\":1"),
    },
];

/// Damages a file of a house.
fn spoil(house: &House, damage: &Damage) -> Vec<u8> {
    let path = house.path(damage.file);
    let good = fs::read(&path).unwrap();
    let mut bytes = good.clone();
    (damage.how)(&mut bytes);
    assert_ne!(bytes, good, "{}", damage.name);
    fs::write(&path, bytes).unwrap();
    good
}

const TILES: [&str; 4] = ["verify", "log", "--policy", "reader.policy"];
const PROOF: [&str; 4] = ["verify", "421.tlog-proof", "--policy", "reader.policy"];

#[test]
fn what_was_handed_out_is_good_with_the_readers_own_policy() {
    let house = handed_out();
    let ws = &house.0;
    ws.run(&["verify", "new.checkpoint", "--policy", "reader.policy"])
        .exits(0)
        .says("authenticity: good");
    ws.run(&PROOF).exits(0).says("integrity: good");
    ws.run(&TILES)
        .exits(0)
        .says("all 600 entries")
        .says("append-only: not asked");
    let kept = [&TILES[..], &["--kept", "kept.checkpoint"]].concat();
    ws.run(&kept)
        .exits(0)
        .says("append-only: good: the 300 entries");
    let proof = fs::metadata(house.path("421.tlog-proof")).unwrap();
    assert!(proof.len() < 1_200, "{} bytes", proof.len());
    // the ledger itself, against what was kept
    let ledger = [
        "verify",
        "--policy",
        "reader.policy",
        "--kept",
        "kept.checkpoint",
    ];
    ws.run(&ledger)
        .exits(0)
        .says("authenticity: good")
        .says("300 entries, from 300 on");
}

#[test]
fn what_cannot_be_judged_is_not_called_good() {
    let house = handed_out();
    let ws = &house.0;
    // no policy: nobody can say who signed
    for file in ["new.checkpoint", "421.tlog-proof", "log"] {
        ws.run(&["verify", file])
            .exits(21)
            .says("CANNOT JUDGE: no policy");
    }
    // a policy that trusts somebody else
    let other = House::new();
    ws.write(
        "other.policy",
        &format!("log {}\nquorum none\n", other.key()),
    );
    ws.run(&["verify", "log", "--policy", "other.policy"])
        .exits(21)
        .says("has not signed");
    // a policy that asks for witnesses that have not signed
    let witness = VerifierKey::new("w.example", Algorithm::Cosignature, &[7; 32]);
    let key = house.key();
    let strict = format!("log {key}\nwitness w {witness}\nquorum w\n");
    ws.write("strict.policy", &strict);
    ws.run(&["verify", "log", "--policy", "strict.policy"])
        .exits(21)
        .says("too few witnesses");
    // an entry that is not there
    fs::remove_file(house.path("421.json")).unwrap();
    ws.run(&PROOF)
        .exits(21)
        .says("the entry's bytes are not here");
    // a policy that came with the evidence
    fs::copy(house.path("reader.policy"), house.path("log/policy")).unwrap();
    ws.run(&["verify", "log", "--policy", "log/policy"])
        .exits(64);
    // nothing at all
    fs::write(house.path("empty"), "").unwrap();
    ws.run(&["verify", "empty", "--policy", "reader.policy"])
        .exits(20);
    fs::create_dir(house.path("nothing")).unwrap();
    ws.run(&["verify", "nothing", "--policy", "reader.policy"])
        .exits(21);
    ws.run(&["verify", "no-such", "--policy", "reader.policy"])
        .exits(21);
}

#[test]
fn every_damaged_export_is_refused() {
    let house = handed_out();
    for damage in DAMAGES {
        let good = spoil(&house, damage);
        let ran = house.0.run(&TILES);
        assert_eq!(ran.code, Some(20), "{}: {}", damage.name, ran.screen());
        fs::write(house.path(damage.file), good).unwrap();
    }
    for damage in PROOF_DAMAGES {
        let good = spoil(&house, damage);
        let ran = house.0.run(&PROOF);
        assert_eq!(ran.code, Some(20), "{}: {}", damage.name, ran.screen());
        fs::write(house.path(damage.file), good).unwrap();
    }
    house.0.run(&TILES).exits(0);
    // any file missing: never good
    for file in files_below(&house.path("log")) {
        let good = fs::read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        let ran = house.0.run(&TILES);
        assert_eq!(ran.code, Some(21), "{}: {}", file.display(), ran.screen());
        fs::write(&file, good).unwrap();
    }
}

fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn a_rewritten_log_is_shown_with_both_notes() {
    let house = House::new();
    house.append(20);
    fs::create_dir(house.path("before")).unwrap();
    for name in ["exeunt.db", "exeunt-vault.db", "exeunt.head"] {
        copy(&house.path(name), &house.path(&format!("before/{name}")));
    }
    house.append(20);
    house.checkpoint("kept.checkpoint");
    // everything is put back, and grows to the same length with other entries
    for name in ["exeunt.db", "exeunt-vault.db", "exeunt.head"] {
        for beside in ["-wal", "-shm"] {
            let _ = fs::remove_file(house.path(&format!("{name}{beside}")));
        }
        copy(&house.path(&format!("before/{name}")), &house.path(name));
    }
    house.append(20);
    house.checkpoint("new.checkpoint");
    house.0.run(&["export", "tiles", "log"]).exits(0);
    house.policy();
    let kept = ["--policy", "reader.policy", "--kept", "kept.checkpoint"];
    for evidence in [
        &["verify", "log"][..],
        &["verify", "new.checkpoint"],
        &["verify"],
    ] {
        let ran = house.0.run(&[evidence, &kept].concat()).exits(20);
        let shown = ran
            .says("history was rewritten")
            .says("--- kept")
            .says("--- now");
        assert_eq!(
            shown.out.matches("\u{2014} house.example/exeunt").count(),
            2
        );
    }
    // what was kept of a log that was put in the place of this one
    let other = House::new();
    other.checkpoint("other.checkpoint");
    fs::copy(
        other.path("other.checkpoint"),
        house.path("other.checkpoint"),
    )
    .unwrap();
    let both = format!("log {}\nlog {}\nquorum none\n", house.key(), other.key());
    house.0.write("both.policy", &both);
    let args = [
        "verify",
        "log",
        "--policy",
        "both.policy",
        "--kept",
        "other.checkpoint",
    ];
    house.0.run(&args).exits(20);
}

#[test]
fn checkpoints_are_copied_at_the_end_of_commands_and_a_restored_set_is_refused() {
    let outside = tempfile::tempdir().unwrap();
    let publish = format!("publish = \"{}\"\n", outside.path().display());
    let house = House::with(&publish);
    let ws = &house.0;
    ws.run(&["check"]).exits(0).says("nothing was copied");
    ws.run(&["halt", "on", "--reason", "a test"]).exits(0);
    let newest = outside.path().join("house.example%2Fexeunt/checkpoint");
    let first = fs::read_to_string(&newest).unwrap();
    ws.run(&["check"]).exits(0).says("are covered by a copy");
    ws.run(&["verify"]).exits(0).says_not("not known outside");
    ws.run(&["status"])
        .exits(0)
        .says("known outside this machine");
    ws.run(&["status"]).says_not("nothing is known");
    fs::create_dir(house.path("before")).unwrap();
    for name in ["exeunt.db", "exeunt-vault.db", "exeunt.head"] {
        copy(&house.path(name), &house.path(&format!("before/{name}")));
    }
    ws.run(&["halt", "off"]).exits(0);
    ws.run(&["checkpoint"]).exits(0).says("covers");
    assert_ne!(fs::read_to_string(&newest).unwrap(), first);
    for name in ["exeunt.db", "exeunt-vault.db", "exeunt.head"] {
        for beside in ["-wal", "-shm"] {
            let _ = fs::remove_file(house.path(&format!("{name}{beside}")));
        }
        copy(&house.path(&format!("before/{name}")), &house.path(name));
    }
    // ledger, vault and head lock fit one another; the copy outside does not
    for command in [
        &["halt", "off"][..],
        &["status"],
        &["checkpoint"],
        &["verify"],
    ] {
        ws.run(command).exits(20).says("older copy");
    }
    // what was lost is lost: it goes on under another name, with the old checkpoint in an entry
    let lost = fs::read_to_string(&newest).unwrap();
    let reopen = ["reopen", "--ledger", "--reason", "the disk broke"];
    ws.run(&reopen).exits(0).says("house.example/exeunt/2");
    let entry = &ws.items(&["log", "--type", "ledger.reopened"])[0];
    assert_eq!(entry["data"]["known"]["checkpoint"], lost.as_str());
    let second = outside.path().join("house.example%2Fexeunt%2F2/checkpoint");
    let second = fs::read_to_string(second).unwrap();
    let covers: u64 = second.lines().nth(1).unwrap().parse().unwrap();
    assert!(covers > entry["seq"].as_u64().unwrap(), "{second}");
    ws.run(&["verify"]).exits(0).says("reopened at entry");
    ws.run(&["reopen", "--ledger", "--reason", "again"])
        .exits(64);
    ws.write("old.checkpoint", &lost);
    let policy = house.policy();
    ws.run(&["verify", "--policy", &policy, "--kept", "old.checkpoint"])
        .exits(21)
        .says("it went on after a restore");
}

#[test]
fn a_crash_around_the_signature_leaves_a_sound_ledger_and_one_checkpoint_of_a_size() {
    let outside = tempfile::tempdir().unwrap();
    let publish = format!("publish = \"{}\"\n", outside.path().display());
    let house = House::with(&publish);
    for point in ["checkpoint-locked", "checkpoint-kept"] {
        house.append(3);
        let mut command = house.0.command(&["checkpoint"]);
        let killed = command.env("EXEUNT_KILL_AT", point).output().unwrap();
        assert_eq!(killed.status.code(), None, "{point}: {killed:?}");
        house.0.run(&["verify"]).exits(0);
        let locked = house.0.json(&["verify"])["checkpoint"].clone();
        let made = house.0.json(&["checkpoint"]);
        assert_eq!(made["note"], locked, "nothing is signed twice");
        house
            .0
            .run(&["verify"])
            .exits(0)
            .says_not("not known outside");
    }
}

#[test]
fn a_directory_that_is_not_there_stops_no_command_and_is_said() {
    let house = House::with("publish = \"not-mounted\"\n");
    let ran = house.0.run(&["halt", "on", "--reason", "a test"]).exits(0);
    ran.says("the newest checkpoint was not copied");
    assert!(!house.path("not-mounted").exists());
    std::fs::create_dir(house.path("not-mounted")).unwrap();
    house
        .0
        .run(&["halt", "off"])
        .exits(0)
        .says_not("not copied");
    // the next one is not due yet: the one that was signed before is copied now
    house.0.run(&["checkpoint"]).exits(0);
    house
        .0
        .run(&["verify"])
        .exits(0)
        .says_not("not known outside");
}

#[test]
fn check_warns_while_nothing_leaves_the_machine() {
    let house = House::new();
    house
        .0
        .run(&["check"])
        .exits(0)
        .says("nothing leaves this machine");
    let none = house
        .0
        .run(&["proof", "0", "--out", "0.tlog-proof"])
        .exits(1);
    none.says("there is no checkpoint yet");
    house.checkpoint("a.checkpoint");
    house
        .0
        .run(&["proof", "7", "--out", "7.tlog-proof"])
        .exits(64);
    house.append(5);
    house
        .0
        .run(&["proof", "3", "--out", "3.tlog-proof"])
        .exits(1)
        .says("no checkpoint covers");
    let text = house.0.read("a.checkpoint");
    assert!(text.starts_with("house.example/exeunt\n1\n"), "{text}");
}
