//! Somebody who owns the files changes them: what is found, and where.

use std::path::Path;
use std::process::Command;

use exeunt::domain::account::Do;
use exeunt::domain::code::Code;
use exeunt::domain::event::CommandIntended;
use exeunt::domain::event::CommandOutcome;
use exeunt::domain::event::CommandResult;
use exeunt::domain::event::CommandSettled;
use exeunt::domain::event::Draft;
use exeunt::domain::event::Entry;
use exeunt::domain::event::PlanCreated;
use exeunt::domain::event::PlanListed;
use exeunt::domain::id::EntryId;
use exeunt::domain::rows::Class;
use exeunt::domain::time::Time;
use exeunt::evidence::merkle;
use exeunt::ledger::Access;
use exeunt::ledger::By;
use exeunt::ledger::Ledger;
use exeunt::ledger::LedgerError;
use exeunt::ledger::chain;
use exeunt::ledger::verify::Bad;
use exeunt::ledger::verify::verify;
use rusqlite::Connection;

use crate::ledger::Place;
use crate::ledger::copy_of;
use crate::ledger::draft;
use crate::ledger::facts;
use crate::ledger::fill;
use crate::ledger::put_back;
use crate::ledger::service;
use crate::ledger::tenant;
use crate::ledger::unguarded;

const FILES: &[&str] = &["exeunt.db", "exeunt-vault.db", "exeunt.head", "keys/kek"];

/// A closed ledger of 12 entries: 0 opened, 1 took over, 2 to 11 accounts.
fn twelve() -> Place {
    let (place, ledger) = Place::new();
    drop(ledger.take_lease(&service(&ledger)).unwrap());
    fill(&ledger, 10);
    ledger.sync().unwrap();
    place
}

fn bad(place: &Place) -> Option<Bad> {
    verify(&place.paths()).unwrap().bad
}

fn bytes_of(db: &Connection, seq: u64) -> Vec<u8> {
    let seq = i64::try_from(seq).unwrap();
    db.query_row("SELECT bytes FROM entry WHERE seq = ?1", [seq], |row| {
        row.get(0)
    })
    .unwrap()
}

fn set_bytes(db: &Connection, seq: u64, bytes: &[u8]) {
    let seq = i64::try_from(seq).unwrap();
    db.execute("UPDATE entry SET bytes = ?2 WHERE seq = ?1", (seq, bytes))
        .unwrap();
}

fn set_link(db: &Connection, seq: u64, link: &[u8]) {
    let seq = i64::try_from(seq).unwrap();
    db.execute("UPDATE entry SET link = ?2 WHERE seq = ?1", (seq, link))
        .unwrap();
}

/// Writes the whole history anew, as whoever owns the database can: every entry changed by
/// `change`, all links and the head row made to fit.
fn rewrite(db: &Connection, change: impl Fn(&mut Entry)) {
    let size: i64 = db
        .query_row("SELECT count(*) FROM entry", [], |row| row.get(0))
        .unwrap();
    let mut prev = chain::NO_LINK;
    let mut rec = String::new();
    for seq in 0..u64::try_from(size).unwrap() {
        let mut entry = chain::parse(&bytes_of(db, seq)).unwrap();
        change(&mut entry);
        entry.prev = hex::encode(prev);
        rec = entry.rec.to_string();
        let bytes = chain::encode(&entry).unwrap();
        prev = chain::link(&bytes);
        set_bytes(db, seq, &bytes);
        set_link(db, seq, &prev);
        db.execute(
            "UPDATE entry SET type = ?2, sub = ?3, id = ?4 WHERE seq = ?1",
            (
                i64::try_from(seq).unwrap(),
                &entry.kind,
                entry.sub.as_ref().map(|s| s.as_str()),
                entry.id.as_str(),
            ),
        )
        .unwrap();
    }
    db.execute("UPDATE head SET link = ?1, rec = ?2", (prev, rec))
        .unwrap();
}

#[test]
fn every_changed_byte_is_found_where_it_is() {
    let place = twelve();
    let db = unguarded(&place.file("exeunt.db"));
    db.pragma_update(None, "synchronous", "OFF").unwrap();
    for seq in [0, 5, 11] {
        let good = bytes_of(&db, seq);
        for at in 0..good.len() {
            let mut bent = good.clone();
            bent[at] ^= 1;
            set_bytes(&db, seq, &bent);
            let found = bad(&place).unwrap();
            assert_eq!(found.seq, Some(seq), "byte {at}: {}", found.what);
        }
        set_bytes(&db, seq, &good);
    }
    assert_eq!(bad(&place), None);
}

#[test]
fn a_changed_byte_with_its_link_made_to_fit_is_found_at_the_neighbour() {
    let place = twelve();
    let db = unguarded(&place.file("exeunt.db"));
    for seq in [2, 5, 10, 11] {
        let good = bytes_of(&db, seq);
        let text = String::from_utf8(good.clone()).unwrap();
        let bent = text.replacen("portal", "mortal", 1).into_bytes();
        assert_ne!(bent, good);
        set_bytes(&db, seq, &bent);
        set_link(&db, seq, &chain::link(&bent));
        let found = bad(&place).unwrap();
        assert_eq!(found.seq, (seq < 11).then_some(seq + 1), "{}", found.what);
        set_bytes(&db, seq, &good);
        set_link(&db, seq, &chain::link(&good));
    }
    assert_eq!(bad(&place), None);
}

/// A way to damage a ledger of [`twelve`], and where it shows.
struct Damage {
    name: &'static str,
    seq: Option<u64>,
    sql: &'static str,
}

const DAMAGES: &[Damage] = &[
    Damage {
        name: "a changed entry",
        seq: Some(5),
        sql: "UPDATE entry SET bytes = CAST(replace(CAST(bytes AS TEXT), 'portal', 'mortal') \
              AS BLOB) WHERE seq = 5",
    },
    Damage {
        name: "a changed link",
        seq: Some(3),
        sql: "UPDATE entry SET link = zeroblob(32) WHERE seq = 3",
    },
    Damage {
        name: "a missing entry in the middle",
        seq: Some(6),
        sql: "DELETE FROM entry WHERE seq = 6",
    },
    Damage {
        name: "a missing first entry",
        seq: Some(0),
        sql: "DELETE FROM entry WHERE seq = 0",
    },
    Damage {
        name: "a missing last entry",
        seq: Some(11),
        sql: "DELETE FROM entry WHERE seq = 11",
    },
    Damage {
        name: "two entries that changed their places",
        seq: Some(4),
        sql: "UPDATE entry SET seq = 99 WHERE seq = 4; UPDATE entry SET seq = 4 WHERE seq = 5; \
              UPDATE entry SET seq = 5 WHERE seq = 99",
    },
    Damage {
        name: "an entry put in at the end",
        seq: Some(12),
        sql: "INSERT INTO entry SELECT 12, 'other', type, sub, run, bytes, link FROM entry \
              WHERE seq = 11",
    },
    Damage {
        name: "an entry put in in the middle",
        seq: Some(7),
        sql: "UPDATE entry SET seq = seq + 100 WHERE seq >= 7; \
              UPDATE entry SET seq = seq - 99 WHERE seq >= 107; \
              INSERT INTO entry SELECT 7, 'other', type, sub, run, bytes, link FROM entry \
              WHERE seq = 6; UPDATE head SET size = 13",
    },
    Damage {
        name: "another subject in the column",
        seq: Some(8),
        sql: "UPDATE entry SET sub = NULL WHERE seq = 8",
    },
    Damage {
        name: "another type in the column",
        seq: Some(9),
        sql: "UPDATE entry SET type = 'account.gone' WHERE seq = 9",
    },
    Damage {
        name: "a head row that says more",
        seq: Some(12),
        sql: "UPDATE head SET size = 13",
    },
    Damage {
        name: "a head row that says less",
        seq: Some(10),
        sql: "UPDATE head SET size = 10",
    },
    Damage {
        name: "a head row with another link",
        seq: None,
        sql: "UPDATE head SET link = zeroblob(32)",
    },
    Damage {
        name: "a head row with another epoch",
        seq: None,
        sql: "UPDATE head SET epoch = 3",
    },
    Damage {
        name: "a head row with another time",
        seq: None,
        sql: "UPDATE head SET rec = '2030-01-01T00:00:00.000000Z'",
    },
    Damage {
        name: "no head row",
        seq: None,
        sql: "DELETE FROM head",
    },
];

#[test]
fn every_damage_is_found_where_it_is() {
    for damage in DAMAGES {
        let place = twelve();
        unguarded(&place.file("exeunt.db"))
            .execute_batch(damage.sql)
            .unwrap();
        let found = bad(&place).unwrap_or_else(|| panic!("{} was not found", damage.name));
        assert_eq!(found.seq, damage.seq, "{}: {}", damage.name, found.what);
        assert_eq!(verify(&place.paths()).unwrap().exit_code(), 20);
    }
}

fn script(ledger: &Path) -> (i32, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/verify_chain.py");
    let done = Command::new("python3").arg(script).arg(ledger).output();
    let done = done.unwrap();
    assert!(done.stderr.is_empty(), "{done:?}");
    let said = String::from_utf8(done.stdout).unwrap();
    (done.status.code().unwrap(), said)
}

/// Whether the independent verifier can run here: python3 and b3sum.
#[expect(
    clippy::print_stderr,
    reason = "a test that is left out must be seen to be"
)]
fn script_can_run() -> bool {
    let there = |name: &str| Command::new(name).arg("--version").output().is_ok();
    let can = there("python3") && there("b3sum");
    if !can {
        eprintln!("left out: python3 or b3sum is not installed");
    }
    can
}

#[test]
fn the_independent_verifier_agrees() {
    if !script_can_run() {
        return;
    }
    let place = twelve();
    let report = verify(&place.paths()).unwrap();
    let (code, said) = script(&place.file("exeunt.db"));
    assert_eq!((code, report.bad), (0, None), "{said}");
    assert!(said.contains("12 entries") && said.contains(&report.head));
    for damage in DAMAGES {
        let place = twelve();
        unguarded(&place.file("exeunt.db"))
            .execute_batch(damage.sql)
            .unwrap();
        let (code, said) = script(&place.file("exeunt.db"));
        let wanted = match damage.seq {
            Some(seq) => format!("entry {seq}:"),
            None => "head:".to_owned(),
        };
        assert_eq!(code, 1, "{}: {said}", damage.name);
        assert!(said.contains(&wanted), "{}: {said}", damage.name);
    }
    assert_eq!(script(&place.file("no-such.db")).0, 2);
    let db = unguarded(&place.file("exeunt.db"));
    db.execute_batch("DELETE FROM entry; UPDATE head SET size = 0, link = zeroblob(32)")
        .unwrap();
    assert_eq!(
        script(&place.file("exeunt.db")).0,
        2,
        "never green on nothing"
    );
    assert_eq!(verify(&place.paths()).unwrap().exit_code(), 20);
}

#[test]
fn the_independent_verifier_finds_any_changed_byte() {
    if !script_can_run() {
        return;
    }
    let place = twelve();
    let db = unguarded(&place.file("exeunt.db"));
    let good = bytes_of(&db, 4);
    for at in (0..good.len()).step_by(97) {
        let mut bent = good.clone();
        bent[at] ^= 4;
        set_bytes(&db, 4, &bent);
        let (code, said) = script(&place.file("exeunt.db"));
        assert!(code == 1 && said.contains("entry 4:"), "byte {at}: {said}");
    }
}

#[test]
fn a_history_written_anew_is_refused_by_the_head_lock() {
    let place = twelve();
    rewrite(&unguarded(&place.file("exeunt.db")), |entry| {
        if entry.seq == 4 {
            entry.data["facts"]["state"] = "disabled".into();
        }
    });
    let report = verify(&place.paths()).unwrap();
    assert_eq!(report.exit_code(), 20);
    assert!(report.bad.unwrap().what.contains("another history"));
    for access in [Access::Full, Access::ReadOnly, Access::WithoutVault] {
        assert_eq!(place.open(access).unwrap_err().exit_code(), 20);
    }
    // the chain alone is not evidence against whoever owns the database
    if script_can_run() {
        assert_eq!(script(&place.file("exeunt.db")).0, 0);
    }
}

#[test]
fn an_end_that_was_cut_off_is_refused_by_the_head_lock() {
    let place = twelve();
    let db = unguarded(&place.file("exeunt.db"));
    db.execute_batch(
        "DELETE FROM entry WHERE seq > 8; UPDATE head SET size = 9, \
         link = (SELECT link FROM entry WHERE seq = 8), \
         rec = (SELECT CAST(bytes AS TEXT) ->> '$.rec' FROM entry WHERE seq = 8)",
    )
    .unwrap();
    let found = bad(&place).unwrap();
    assert_eq!(found.seq, Some(9));
    assert!(found.what.contains("9 entries") && found.what.contains("12"));
    assert_eq!(place.open(Access::Full).unwrap_err().exit_code(), 20);
}

#[test]
fn yesterdays_copy_is_refused() {
    let (place, ledger) = Place::new();
    fill(&ledger, 2);
    drop(ledger);
    let yesterday = copy_of(&place, &["exeunt.db"]);
    let ledger = place.open(Access::Full).unwrap();
    fill(&ledger, 2);
    drop(ledger);
    put_back(&place, &yesterday);
    for access in [Access::Full, Access::ReadOnly, Access::WithoutVault] {
        assert_eq!(place.open(access).unwrap_err().exit_code(), 20);
    }
    assert_eq!(verify(&place.paths()).unwrap().exit_code(), 20);
}

#[test]
fn a_copy_that_went_on_by_itself_is_refused() {
    let (place, ledger) = Place::new();
    fill(&ledger, 2);
    drop(ledger);
    let other = Place::empty();
    std::fs::create_dir(other.file("keys")).unwrap();
    put_back(&other, &copy_of(&place, FILES));
    let ledger = place.open(Access::Full).unwrap();
    fill(&ledger, 1);
    drop(ledger);
    let forked = other.open(Access::Full).unwrap();
    fill(&forked, 5);
    drop(forked);
    put_back(&place, &copy_of(&other, &["exeunt.db"]));
    match place.open(Access::WithoutVault) {
        Err(LedgerError::False { seq, what }) => {
            assert_eq!(seq, Some(3));
            assert!(what.contains("another history"));
        }
        opened => panic!("{opened:?}"),
    }
}

#[test]
fn without_its_head_lock_nothing_is_said() {
    let place = twelve();
    for damage in ["", "{\"size\":1}", "{"] {
        std::fs::write(place.file("exeunt.head"), damage).unwrap();
        assert_eq!(place.open(Access::Full).unwrap_err().exit_code(), 21);
    }
    std::fs::remove_file(place.file("exeunt.head")).unwrap();
    assert_eq!(
        place.open(Access::WithoutVault).unwrap_err().exit_code(),
        21
    );
    let report = verify(&place.paths()).unwrap();
    assert_eq!((report.bad.clone(), report.exit_code()), (None, 21));
    assert!(report.unjudged.unwrap().contains("missing"));
}

/// The ledger went on and the program ended before the head lock was written.
#[test]
fn a_head_lock_that_is_behind_is_sound() {
    let (place, ledger) = Place::new();
    fill(&ledger, 1);
    let behind = copy_of(&place, &["exeunt.head"]);
    fill(&ledger, 3);
    drop(ledger);
    put_back(&place, &behind);
    let ledger = place.open(Access::Full).unwrap();
    fill(&ledger, 1);
    assert_eq!(ledger.head_lock().read().unwrap().size, 6);
}

#[test]
fn sql_cannot_change_entries() {
    let place = twelve();
    let db = Connection::open(place.file("exeunt.db")).unwrap();
    let columns = "(seq, id, type, sub, run, bytes, link)";
    let taken = "FROM entry WHERE seq = 5";
    let id = "(SELECT id FROM entry WHERE seq = 5)";
    for sql in [
        "UPDATE entry SET bytes = x'7b7d' WHERE seq = 5".to_owned(),
        "UPDATE OR REPLACE entry SET seq = 4 WHERE seq = 5".to_owned(),
        "DELETE FROM entry WHERE seq = 11".to_owned(),
        "DELETE FROM entry".to_owned(),
        format!(
            "INSERT OR REPLACE INTO entry {columns} SELECT 5, 'x', type, sub, run, bytes, link {taken}"
        ),
        format!("REPLACE INTO entry {columns} SELECT 5, 'x', type, sub, run, bytes, link {taken}"),
        format!(
            "INSERT OR REPLACE INTO entry {columns} SELECT 12, {id}, type, sub, run, bytes, link {taken}"
        ),
        format!(
            "INSERT INTO entry {columns} SELECT 5, 'x', type, sub, run, bytes, link {taken} \
                 ON CONFLICT (seq) DO UPDATE SET bytes = x'7b7d'"
        ),
        format!(
            "INSERT OR IGNORE INTO entry {columns} SELECT 12, {id}, type, sub, run, bytes, link {taken}"
        ),
        format!("INSERT INTO entry {columns} SELECT 40, 'x', type, sub, run, bytes, link {taken}"),
        format!("INSERT INTO entry {columns} SELECT -1, 'x', type, sub, run, bytes, link {taken}"),
    ] {
        assert!(db.execute(&sql, []).is_err(), "{sql}");
    }
    assert_eq!(bad(&place), None);
    assert_eq!(verify(&place.paths()).unwrap().entries, 12);
}

/// What the fourth entry is changed into, and a word of what `verify` says then.
type Breach = (&'static str, fn(&mut Entry));

#[test]
fn entries_that_break_the_writers_rules_are_found() {
    let breaches: &[Breach] = &[
        ("rec", |e| e.rec = e.rec.plus_days(-1)),
        ("unknown", |e| e.kind = "account.invented".to_owned()),
        ("unknown", |e| e.v = 9),
        ("schema/event", |e| e.data["mail"] = "a@example.com".into()),
        ("shape", |e| e.salt = "short".to_owned()),
        ("once", |e| e.kind = "ledger.opened".to_owned()),
    ];
    for (says, change) in breaches {
        let place = twelve();
        rewrite(&unguarded(&place.file("exeunt.db")), |entry| {
            if entry.seq == 4 {
                change(entry);
            }
        });
        let found = bad(&place).unwrap();
        assert_eq!(found.seq, Some(4), "{says}: {}", found.what);
        assert!(found.what.contains(says), "{says}: {}", found.what);
    }
}

#[test]
fn an_id_that_stands_twice_is_found() {
    let place = twelve();
    let db = Connection::open(place.file("exeunt.db")).unwrap();
    // a table of the same columns without the index that forbids it
    db.execute_batch(
        "CREATE TABLE free AS SELECT * FROM entry; DROP VIEW entries; DROP TABLE entry; \
         ALTER TABLE free RENAME TO entry;",
    )
    .unwrap();
    rewrite(&db, |entry| {
        if entry.seq == 3 || entry.seq == 7 {
            entry.id = EntryId::new("01931f2e-0000-7000-8000-000000000000");
        }
    });
    let found = bad(&place).unwrap();
    assert_eq!(found.seq, Some(7));
    assert!(found.what.contains("same id"), "{}", found.what);
}

#[test]
fn an_entry_in_another_writing_is_found() {
    let place = twelve();
    let db = unguarded(&place.file("exeunt.db"));
    let last = bytes_of(&db, 11);
    let text = String::from_utf8(last).unwrap().replacen(':', ": ", 1);
    set_bytes(&db, 11, text.as_bytes());
    let link = chain::link(text.as_bytes());
    set_link(&db, 11, &link);
    db.execute("UPDATE head SET link = ?1", [link]).unwrap();
    let found = bad(&place).unwrap();
    assert_eq!(found.seq, Some(11));
    assert!(found.what.contains("canonical"), "{}", found.what);
}

fn append(ledger: &Ledger, by: &By, draft: Draft) -> EntryId {
    let id = draft.id.clone();
    ledger
        .commit::<LedgerError>(by, |_| Ok(vec![draft.clone()]))
        .unwrap();
    id
}

fn intend(ledger: &Ledger, by: &By, deadline: Time) -> EntryId {
    let payload = CommandIntended {
        tenant: tenant(),
        does: Do::Remove,
        plan: EntryId::new("01931f2e-0000-7000-8000-000000000000"),
        step: 0,
        class: Class::Absent,
        directories: Vec::new(),
        attempt: 1,
        deadline,
        method: "DELETE".to_owned(),
        path: "/api/2.0/people/{id}".to_owned(),
        call: "disable".to_owned(),
        successor: None,
        checked: Vec::new(),
        owned: Default::default(),
        seen: facts(),
    };
    append(ledger, by, Draft::new(ledger.entry_id().unwrap(), &payload))
}

fn outcome(ledger: &Ledger, by: &By, intent: &EntryId, result: CommandResult) {
    let payload = CommandOutcome {
        result,
        status: Some(200),
        because: Code::new("outcome.done"),
        request_id: None,
    };
    let draft = Draft::new(ledger.entry_id().unwrap(), &payload).because_of(intent);
    append(ledger, by, draft);
}

fn settle(ledger: &Ledger, by: &By, intent: &EntryId) {
    let payload = CommandSettled {
        done: true,
        because: Code::new("settled.found-done"),
    };
    let draft = Draft::new(ledger.entry_id().unwrap(), &payload).because_of(intent);
    append(ledger, by, draft);
}

/// Runs `act` under the lease in a fresh ledger and says what `verify` finds.
fn acted(act: impl Fn(&Place, &Ledger, &By)) -> Option<String> {
    let (place, ledger) = Place::new();
    let by = service(&ledger);
    let lease = ledger.take_lease(&by).unwrap();
    act(&place, &ledger, &by.under(&lease));
    bad(&place).map(|found| found.what)
}

#[test]
fn intents_and_outcomes_keep_their_order() {
    let later = |ledger: &Ledger| ledger.now().plus_seconds(60);
    let good = acted(|place, ledger, by| {
        let done = intend(ledger, by, later(ledger));
        outcome(ledger, by, &done, CommandResult::Done);
        let unknown = intend(ledger, by, later(ledger));
        outcome(ledger, by, &unknown, CommandResult::Unknown);
        let silent = intend(ledger, by, later(ledger));
        place.clock.set(ledger.now().plus_seconds(90));
        settle(ledger, by, &unknown);
        settle(ledger, by, &silent);
    });
    assert_eq!(good, None);
    let twice = acted(|_, ledger, by| {
        let intent = intend(ledger, by, later(ledger));
        outcome(ledger, by, &intent, CommandResult::Unknown);
        outcome(ledger, by, &intent, CommandResult::Done);
    });
    assert!(twice.unwrap().contains("an outcome already"));
    let early = acted(|_, ledger, by| {
        let intent = intend(ledger, by, later(ledger));
        settle(ledger, by, &intent);
    });
    assert!(early.unwrap().contains("before the deadline"));
    let known = acted(|place, ledger, by| {
        let intent = intend(ledger, by, later(ledger));
        outcome(ledger, by, &intent, CommandResult::Refused);
        place.clock.set(ledger.now().plus_seconds(90));
        settle(ledger, by, &intent);
    });
    assert!(known.unwrap().contains("a known outcome already"));
    let none = acted(|_, ledger, by| {
        let not_an_intent = append(ledger, by, draft(ledger));
        outcome(ledger, by, &not_an_intent, CommandResult::Done);
    });
    assert!(none.unwrap().contains("no intent before it"));
    let fenced = acted(|place, ledger, by| {
        intend(ledger, by, later(ledger));
        rewrite(&unguarded(&place.file("exeunt.db")), |entry| {
            if entry.kind == "command.intended" {
                entry.actor.epoch = Some(0);
            }
        });
    });
    assert!(fenced.unwrap().contains("epoch"));
}

#[test]
fn a_plan_is_held_to_its_root_and_digest() {
    let planned = |change: fn(&mut PlanListed, &mut PlanCreated)| {
        acted(move |_, ledger, by| {
            let plan = ledger.entry_id().unwrap();
            let step = serde_json::json!({
                "account": format!("s_{}", "0".repeat(32)), "tenant": "portal",
                "policy": "leavers", "do": "remove", "class": "absent",
                "because": "leaver.absent", "decision": 1,
            });
            let text = exeunt::domain::canonical::to_string(&step).unwrap();
            let mut listed = PlanListed {
                plan: plan.clone(),
                from: 0,
                steps: vec![serde_json::from_value(step).unwrap()],
            };
            let mut created = PlanCreated {
                plan: plan.clone(),
                parent: None,
                root: hex::encode(merkle::root([text])),
                count: 1,
                head: 2,
                now: ledger.now(),
                expires_at: ledger.now().plus_days(3),
                policy: 1,
                digest: String::new(),
                breakers: Vec::new(),
            };
            let mut facts = serde_json::to_value(&created).unwrap();
            facts.as_object_mut().unwrap().remove("digest");
            let text = exeunt::domain::canonical::to_string(&facts).unwrap();
            created.digest = hex::encode(merkle::sha256(text.as_bytes()));
            change(&mut listed, &mut created);
            append(ledger, by, Draft::new(ledger.entry_id().unwrap(), &listed));
            append(ledger, by, Draft::new(plan, &created));
        })
    };
    assert_eq!(planned(|_, _| {}), None);
    let step = planned(|listed, _| listed.steps[0].policy = "other".to_owned());
    assert!(step.unwrap().contains("root"));
    let more = planned(|listed, _| listed.steps.push(listed.steps[0].clone()));
    assert!(more.unwrap().contains("root"));
    let gap = planned(|listed, _| listed.from = 1);
    assert!(gap.unwrap().contains("follow"));
    let later = planned(|_, created| created.expires_at = created.expires_at.plus_days(1));
    assert!(later.unwrap().contains("digest"));
}
