//! What the owner of the machine can do, who has the ledger, its head lock and its keys: what the
//! chain alone sees of it, and what a checkpoint that somebody kept does.

use std::fs;

use exeunt::domain::event::Entry;
use exeunt::evidence::judge::Reader;
use exeunt::evidence::judge::gravest;
use exeunt::evidence::policy::Policy;
use exeunt::ledger::chain;
use rusqlite::Connection;

use super::House;
use super::ORIGIN;
use super::files_below;
use super::handed_out;

/// Opens the file with nothing that protects it.
fn unguarded(house: &House) -> Connection {
    let db = Connection::open(house.path("exeunt.db")).unwrap();
    let triggers: Vec<String> = db
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    for trigger in triggers {
        db.execute_batch(&format!("DROP TRIGGER {trigger}"))
            .unwrap();
    }
    db
}

fn entries(db: &Connection) -> Vec<Entry> {
    db.prepare("SELECT bytes FROM entry ORDER BY seq")
        .unwrap()
        .query_map([], |row| row.get::<_, Vec<u8>>(0))
        .unwrap()
        .map(|bytes| chain::parse(&bytes.unwrap()).unwrap())
        .collect()
}

/// Puts another history in the place of the one that is there, fit in itself: positions, links, head
/// row, tiles, head lock; what was signed is thrown away.
fn forge(house: &House, change: impl FnOnce(&mut Vec<Entry>)) {
    let db = unguarded(house);
    let mut all = entries(&db);
    change(&mut all);
    db.execute_batch("BEGIN; DELETE FROM entry; DELETE FROM checkpoint; DELETE FROM tile;")
        .unwrap();
    let mut link = chain::NO_LINK;
    for (seq, entry) in (0..).zip(&mut all) {
        entry.seq = seq;
        entry.prev = hex::encode(link);
        let bytes = chain::encode(entry).unwrap();
        link = chain::link(&bytes);
        let row = (
            i64::try_from(seq).unwrap(),
            entry.id.as_str(),
            entry.kind.as_str(),
            entry.run.as_str(),
            bytes,
            link,
        );
        db.execute(
            "INSERT INTO entry (seq, id, type, run, bytes, link) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            row,
        )
        .unwrap();
    }
    let rec = all.last().unwrap().rec.to_string();
    let size = i64::try_from(all.len()).unwrap();
    db.execute(
        "UPDATE head SET size = ?1, link = ?2, rec = ?3",
        (size, link, rec),
    )
    .unwrap();
    db.execute_batch("COMMIT").unwrap();
    let link = hex::encode(link);
    let head = format!("{{\"link\":\"{link}\",\"origin\":\"{ORIGIN}\",\"size\":{size}}}\n");
    fs::write(house.path("exeunt.head"), head).unwrap();
}

/// An entry that says something else.
fn bent(entry: &Entry) -> Entry {
    let mut other = entry.clone();
    other.data["exit"] = 1.into();
    other
}

type Attack = (&'static str, fn(&House), i32, i32, &'static str);

/// Name, how, what `verify` alone answers, what it answers with checkpoints of 500 and 900 entries
/// that were kept, and where.
const ATTACKS: &[Attack] = &[
    (
        "one entry is edited",
        |house| {
            let sql = "UPDATE entry SET bytes = CAST(replace(CAST(bytes AS TEXT), '\"exit\":0', \
                       '\"exit\":1') AS BLOB) WHERE seq = 300";
            unguarded(house).execute_batch(sql).unwrap();
        },
        20,
        20,
        "at entry 300",
    ),
    (
        "one entry is deleted",
        |house| {
            let sql = "DELETE FROM entry WHERE seq = 300";
            unguarded(house).execute_batch(sql).unwrap();
        },
        20,
        20,
        "at entry 300",
    ),
    (
        "two entries are swapped",
        |house| {
            let sql = "UPDATE entry SET seq = 5000 WHERE seq = 300; \
                       UPDATE entry SET seq = 300 WHERE seq = 301; \
                       UPDATE entry SET seq = 301 WHERE seq = 5000";
            unguarded(house).execute_batch(sql).unwrap();
        },
        20,
        20,
        "at entry 300",
    ),
    (
        "the end is cut off behind the last that was kept",
        |house| forge(house, |all| all.truncate(950)),
        0,
        0,
        "50 entries, from 900 on",
    ),
    (
        "the end is cut off before the last that was kept",
        |house| forge(house, |all| all.truncate(850)),
        0,
        20,
        "a checkpoint of 900 entries was kept, and this is one of 850",
    ),
    (
        "the end is cut off, and as much is forged behind it",
        |house| {
            forge(house, |all| {
                for entry in &mut all[850..1_000] {
                    *entry = bent(entry);
                }
            });
        },
        0,
        20,
        "history was rewritten",
    ),
    (
        "one entry is edited and everything linked anew",
        |house| forge(house, |all| all[300] = bent(&all[300])),
        0,
        20,
        "history was rewritten",
    ),
    (
        "one entry is deleted and everything linked anew",
        |house| forge(house, |all| drop(all.remove(300))),
        0,
        20,
        "history was rewritten",
    ),
    (
        "everything is replaced",
        |house| {
            forge(house, |all| {
                for entry in &mut all[1..1_000] {
                    *entry = bent(entry);
                }
            });
        },
        0,
        20,
        "history was rewritten",
    ),
    (
        "only what nobody outside knows is rewritten",
        |house| {
            forge(house, |all| {
                for entry in &mut all[950..1_000] {
                    *entry = bent(entry);
                }
            });
        },
        0,
        0,
        "100 entries, from 900 on",
    ),
];

#[test]
fn ten_attacks_give_the_verdicts_that_they_must() {
    let house = House::new();
    house.append(499);
    house.checkpoint("500.checkpoint");
    house.append(400);
    house.checkpoint("900.checkpoint");
    // the key as the first entry has it: asking for it would sign for the rest
    let first = &house.0.items(&["log", "--from", "0", "--limit", "1"])[0];
    house.policy_of(first["data"]["log_key"].as_str().unwrap());
    house.append(100);
    let files = ["exeunt.db", "exeunt.head"];
    let before: Vec<Vec<u8>> = files
        .iter()
        .map(|file| fs::read(house.path(file)).unwrap())
        .collect();
    let kept = [
        "verify",
        "--policy",
        "reader.policy",
        "--kept",
        "500.checkpoint",
        "--kept",
        "900.checkpoint",
    ];
    assert_eq!(house.0.run(&["verify"]).code, Some(0));
    for (name, attack, alone, with_kept, says) in ATTACKS {
        attack(&house);
        let ran = house.0.run(&["verify"]);
        assert_eq!(ran.code, Some(*alone), "{name}: {}", ran.screen());
        // the owner signs again for whatever is there: it does not help
        if *alone == 0 {
            house.0.run(&["rebuild", "--write"]).exits(0);
            house.0.run(&["checkpoint"]).exits(0);
        }
        let ran = house.0.run(&kept);
        assert_eq!(ran.code, Some(*with_kept), "{name}: {}", ran.screen());
        ran.says(says);
        for (file, bytes) in files.iter().zip(&before) {
            for beside in ["-wal", "-shm"] {
                let _ = fs::remove_file(house.path(&format!("{file}{beside}")));
            }
            fs::write(house.path(file), bytes).unwrap();
        }
    }
}

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % most
    }
}

#[test]
fn no_flipped_bit_of_anything_that_was_handed_out_is_called_good() {
    let house = handed_out();
    let mut reader = Reader {
        policy: Some(Policy::parse(&house.0.read("reader.policy")).unwrap()),
        kept: Vec::new(),
    };
    reader
        .keep(&fs::read(house.path("kept.checkpoint")).unwrap())
        .unwrap();
    let judge = || {
        let entry = fs::read(house.path("421.json")).unwrap();
        let log = reader.file(&house.path("log"), None).unwrap();
        let proof = reader
            .file(&house.path("421.tlog-proof"), Some(&entry))
            .unwrap();
        // the proof alone cannot show that the log goes on from what was kept
        let proof = [&proof.integrity, &proof.authenticity];
        gravest(log.verdicts().into_iter().map(|(_, v)| v).chain(proof))
    };
    assert_eq!(judge(), "good");
    let mut files = files_below(&house.path("log"));
    files.extend([house.path("421.tlog-proof"), house.path("421.json")]);
    let mut dice = Dice(6);
    for turn in 0..240 {
        let file = &files[turn % files.len()];
        let good = fs::read(file).unwrap();
        let mut bytes = good.clone();
        let (at, bit) = (dice.below(bytes.len()), dice.below(8));
        bytes[at] ^= 1 << bit;
        fs::write(file, bytes).unwrap();
        assert_ne!(
            judge(),
            "good",
            "{}: bit {bit} of byte {at}",
            file.display()
        );
        fs::write(file, good).unwrap();
    }
    assert_eq!(judge(), "good");
}
