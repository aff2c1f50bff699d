//! What is appended stays: reopening, several writers, the lease, init.

use std::sync::Arc;

use exeunt::domain::account::Do;
use exeunt::domain::event::ActorTookOver;
use exeunt::domain::event::CommandIntended;
use exeunt::domain::event::Draft;
use exeunt::domain::event::RunFinished;
use exeunt::domain::id::EntryId;
use exeunt::domain::rows::AccountRow;
use exeunt::domain::rows::Class;
use exeunt::domain::rows::Kind;
use exeunt::domain::rows::LedgerRow;
use exeunt::domain::time::Time;
use exeunt::ledger::Access;
use exeunt::ledger::By;
use exeunt::ledger::Ledger;
use exeunt::ledger::LedgerError;
use exeunt::ledger::chain;
use exeunt::ledger::entropy::SystemEntropy;
use exeunt::ledger::keys;
use exeunt::ledger::rebuild::Difference;
use exeunt::ledger::rebuild::rebuild;
use exeunt::ledger::verify::verify;

use crate::ledger::Place;
use crate::ledger::draft;
use crate::ledger::facts;
use crate::ledger::fill;
use crate::ledger::observe;
use crate::ledger::service;
use crate::ledger::tenant;

#[test]
fn what_was_appended_is_there_after_reopening() {
    let (place, ledger) = Place::new();
    let by = service(&ledger);
    let sub = observe(&ledger, &by, "id-1", "ada@example.com");
    ledger.sync().unwrap();
    drop(ledger);
    let ledger = place.open(Access::ReadOnly).unwrap();
    let view = ledger.view().unwrap();
    assert_eq!(view.head().size, 2);
    let entries = view.about(&sub).unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].seq, 1);
    let row: AccountRow = view.row(Kind::Account, sub.as_str()).unwrap().unwrap();
    assert_eq!(row.facts, facts());
    let report = verify(&place.paths()).unwrap();
    assert_eq!((report.exit_code(), report.entries), (0, 2));
    assert_eq!((report.unanchored.from, report.unanchored.entries), (0, 2));
    assert!(matches!(
        ledger.commit::<LedgerError>(&by, |_| Ok(Vec::new())),
        Err(LedgerError::ReadOnly)
    ));
}

#[test]
fn entries_hold_no_personal_value() {
    let (place, ledger) = Place::new();
    observe(&ledger, &service(&ledger), "id-of-ada", "ada@example.com");
    drop(ledger);
    let bytes = std::fs::read(place.file("exeunt.db")).unwrap();
    let holds = |word: &str| bytes.windows(word.len()).any(|w| w == word.as_bytes());
    assert!(holds("account.observed"));
    assert!(!holds("ada@example.com") && !holds("id-of-ada"));
    let vault = std::fs::read(place.file("exeunt-vault.db")).unwrap();
    assert!(
        !vault.windows(3).any(|w| w == b"ada"),
        "the vault is sealed"
    );
}

#[test]
fn the_closure_sees_what_others_appended() {
    let (place, ledger) = Place::new();
    let other = place.open(Access::Full).unwrap();
    let by = service(&ledger);
    let mut calls = 0;
    let appended = ledger
        .commit::<LedgerError>(&by, |view| {
            calls += 1;
            if calls == 1 {
                fill(&other, 1);
            }
            assert_eq!(view.head().size, if calls == 1 { 1 } else { 2 });
            Ok(vec![draft(&ledger)])
        })
        .unwrap();
    assert_eq!((calls, appended.first), (2, 2));
}

#[test]
fn several_writers_leave_one_chain_without_gaps() {
    let (place, ledger) = Place::new();
    let each = 60;
    std::thread::scope(|scope| {
        for name in ["a", "b", "c"] {
            let place = &place;
            scope.spawn(move || {
                let ledger = place.open(Access::Full).unwrap();
                let by = service(&ledger);
                for n in 0..each {
                    observe(&ledger, &by, &format!("{name}-{}", n / 2), "x@example.com");
                }
            });
        }
        // the same account may be seen first by two processes: both get one pseudonym
        for _ in 0..2 {
            let place = &place;
            scope.spawn(move || {
                let ledger = place.open(Access::Full).unwrap();
                observe(&ledger, &service(&ledger), "shared", "s@example.com");
            });
        }
    });
    let report = verify(&place.paths()).unwrap();
    assert_eq!(report.bad, None);
    assert_eq!(report.entries, 1 + 3 * each + 2);
    let view = ledger.view().unwrap();
    assert_eq!(view.count(Kind::Account).unwrap(), 3 * each / 2 + 1);
    assert_eq!(rebuild(&place.file("exeunt.db"), false).unwrap().differ, 0);
    ledger.head_lock().read().unwrap();
    assert_eq!(ledger.head_lock().read().unwrap().size, report.entries);
}

#[test]
fn many_drafts_go_in_batches() {
    let (place, ledger) = Place::new();
    let drafts = (0..2_500).map(|_| draft(&ledger)).collect();
    let appended = ledger.append_all(&service(&ledger), drafts).unwrap();
    assert_eq!((appended.first, appended.count), (1, 2_500));
    assert_eq!(appended.head.size, 2_501);
    assert_eq!(verify(&place.paths()).unwrap().exit_code(), 0);
}

#[test]
fn a_failing_closure_appends_nothing() {
    let (_place, ledger) = Place::new();
    let failed = ledger.commit::<LedgerError>(&service(&ledger), |_| {
        Err(LedgerError::Usage {
            what: "no".to_owned(),
        })
    });
    assert!(matches!(failed, Err(LedgerError::Usage { .. })));
    assert_eq!(ledger.view().unwrap().head().size, 1);
}

#[test]
fn fields_that_no_list_has_are_refused() {
    let (_place, ledger) = Place::new();
    let by = service(&ledger);
    let mut named = draft(&ledger);
    named.data = serde_json::json!({"exit": 0, "name": "Ada"});
    let mut deep = Draft::new(
        ledger.entry_id().unwrap(),
        &exeunt::domain::event::AccountObserved {
            tenant: tenant(),
            facts: facts(),
            changed: Default::default(),
        },
    );
    deep.data["facts"]["email"] = "ada@example.com".into();
    let mut plain = draft(&ledger);
    plain
        .commit
        .insert("reason".to_owned(), "left for a rival".to_owned());
    let mut subject = draft(&ledger);
    subject.sub = Some(exeunt::domain::id::Subject::new("ada@example.com"));
    for wrong in [named, deep, plain, subject] {
        let refused = ledger.commit::<LedgerError>(&by, |_| Ok(vec![wrong.clone()]));
        assert!(
            matches!(refused, Err(LedgerError::Entry { .. })),
            "{refused:?}"
        );
    }
    assert_eq!(ledger.view().unwrap().head().size, 1);
}

#[test]
fn time_never_goes_back() {
    let (place, ledger) = Place::new();
    let by = service(&ledger);
    let append = || ledger.commit::<LedgerError>(&by, |_| Ok(vec![draft(&ledger)]));
    let first = append().unwrap().head.rec.unwrap();
    place.clock.set(first.plus_seconds(-200));
    assert_eq!(append().unwrap().head.rec, Some(first), "levelled");
    place.clock.set(first.plus_seconds(-400));
    match append() {
        Err(LedgerError::Clock { behind_s }) => assert!((399..=400).contains(&behind_s)),
        other => panic!("{other:?}"),
    }
    assert_eq!(ledger.view().unwrap().head().size, 3);
    assert_eq!(verify(&place.paths()).unwrap().exit_code(), 0);
}

#[test]
fn one_at_a_time_holds_the_lease() {
    let (place, ledger) = Place::new();
    let lease = ledger.take_lease(&service(&ledger)).unwrap();
    assert_eq!(lease.epoch(), 1);
    let other = place.open(Access::Full).unwrap();
    match other.take_lease(&service(&other)) {
        Err(error @ LedgerError::Busy { .. }) => {
            assert_eq!(error.exit_code(), 11);
            assert!(error.to_string().contains(&std::process::id().to_string()));
        }
        taken => panic!("{taken:?}"),
    }
    drop(lease);
    let lease = other.take_lease(&service(&other)).unwrap();
    assert_eq!(lease.epoch(), 2);
    let view = other.view().unwrap();
    assert_eq!(view.head().epoch, Some(2));
    let taken: ActorTookOver = view.entry(2).unwrap().unwrap().payload().unwrap();
    assert_eq!(taken.previous, Some(1));
    let row: LedgerRow = view.row(Kind::Ledger, "ledger").unwrap().unwrap();
    assert_eq!(row.epoch, Some(2));
    assert_eq!(ledger.head_lock().read().unwrap().epoch, Some(2));
}

fn intent(ledger: &Ledger) -> Draft {
    let payload = CommandIntended {
        tenant: tenant(),
        does: Do::Disable,
        plan: EntryId::new("01931f2e-0000-7000-8000-000000000000"),
        step: 0,
        class: Class::Explicit,
        directories: Vec::new(),
        attempt: 1,
        deadline: Time::parse("2026-11-22T11:00:00Z").unwrap(),
        method: "PUT".to_owned(),
        path: "/api/2.0/people/status/Terminated".to_owned(),
        call: "disable".to_owned(),
        successor: None,
        checked: Vec::new(),
        owned: Default::default(),
        seen: facts(),
    };
    Draft::new(ledger.entry_id().unwrap(), &payload)
}

#[test]
fn whoever_lost_the_lease_intends_nothing_more() {
    let (place, ledger) = Place::new();
    let by = service(&ledger);
    let try_it = |by: &By| ledger.commit::<LedgerError>(by, |_| Ok(vec![intent(&ledger)]));
    assert!(matches!(try_it(&by), Err(LedgerError::Fenced { .. })));
    let lease = ledger.take_lease(&by).unwrap();
    let under = by.clone().under(&lease);
    try_it(&under).unwrap();
    // as if the operating system had lost the lock without the holder's knowledge
    drop(lease);
    let other = place.open(Access::Full).unwrap();
    let _taken = other.take_lease(&service(&other)).unwrap();
    match try_it(&under) {
        Err(LedgerError::Fenced { current }) => assert_eq!(current, Some(3)),
        appended => panic!("{appended:?}"),
    }
    // what came of a call may always be said
    let finished = Draft::new(ledger.entry_id().unwrap(), &RunFinished { exit: 6 });
    ledger
        .commit::<LedgerError>(&under, |_| Ok(vec![finished.clone()]))
        .unwrap();
    assert_eq!(verify(&place.paths()).unwrap().bad, None);
}

#[test]
fn the_lease_cannot_be_taken_by_an_entry_alone() {
    let (_place, ledger) = Place::new();
    let id = ledger.entry_id().unwrap();
    let taken = ledger.commit::<LedgerError>(&service(&ledger), |_| {
        Ok(vec![Draft::new(
            id.clone(),
            &ActorTookOver { previous: None },
        )])
    });
    assert!(matches!(taken, Err(LedgerError::Usage { .. })));
}

#[test]
fn init_makes_all_four() {
    let (place, ledger) = Place::new();
    drop(ledger);
    assert_eq!(
        place.files(),
        [
            "exeunt-vault.db",
            "exeunt.db",
            "exeunt.head",
            "keys/kek",
            "keys/log.key"
        ]
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        for key in ["keys/kek", "keys/log.key"] {
            let mode = std::fs::metadata(place.file(key)).unwrap().permissions();
            assert_eq!(mode.mode() & 0o777, 0o600, "{key}");
        }
    }
    let ledger = place.open(Access::ReadOnly).unwrap();
    let key = keys::read_log_key(&keys::log_key_path(&place.paths().keys)).unwrap();
    let vkey = keys::verifier_key("example.com/exeunt", &key);
    assert_eq!(ledger.opened().log_key, vkey);
    assert!(matches!(place.init(), Err(LedgerError::Exists { .. })));
}

#[test]
fn init_is_all_or_nothing() {
    let place = Place::empty();
    std::fs::write(place.file("exeunt.head"), "somebody's").unwrap();
    match place.init() {
        Err(error @ LedgerError::CannotJudge { .. }) => assert_eq!(error.exit_code(), 21),
        other => panic!("{other:?}"),
    }
    assert_eq!(place.files(), ["exeunt.head"], "nothing was made");

    let place = Place::empty();
    let mut paths = place.paths();
    paths.vault = place.file("no/such/directory/vault.db");
    let options = exeunt::ledger::InitOptions {
        origin: "example.com/exeunt".to_owned(),
        sandbox: false,
    };
    let failed = Ledger::init(
        &paths,
        &options,
        place.clock.clone(),
        Arc::new(SystemEntropy),
    );
    assert!(matches!(failed, Err(LedgerError::Unavailable { .. })));
    assert!(place.files().is_empty(), "{:?}", place.files());
}

#[test]
fn an_interrupted_init_is_brought_to_its_end() {
    let (place, ledger) = Place::new();
    let id = ledger.vault().unwrap().id().to_owned();
    drop(ledger);
    // as it is after a crash when only the keys and the vault had their names
    let names = [
        "keys/kek",
        "keys/log.key",
        "exeunt-vault.db",
        "exeunt.head",
        "exeunt.db",
    ];
    let moves: Vec<_> = names
        .iter()
        .map(|name| (place.file(&format!("{name}.init")), place.file(name)))
        .collect();
    let note = serde_json::json!({ "moves": moves });
    std::fs::write(place.file("exeunt.db.init-ready"), note.to_string()).unwrap();
    for name in ["exeunt.head", "exeunt.db"] {
        std::fs::rename(place.file(name), place.file(&format!("{name}.init"))).unwrap();
    }
    match place.open(Access::Full) {
        Err(LedgerError::CannotJudge { hint, .. }) => assert!(hint.contains("init again")),
        other => panic!("{other:?}"),
    }
    let ledger = place.init().unwrap();
    assert_eq!(ledger.opened().vault, id);
    assert_eq!(verify(&place.paths()).unwrap().exit_code(), 0);
}

#[test]
fn leftovers_of_an_init_that_was_not_ready_do_no_harm() {
    let place = Place::empty();
    std::fs::write(place.file("exeunt.db.init"), "half").unwrap();
    std::fs::create_dir(place.file("keys")).unwrap();
    std::fs::write(place.file("keys/kek.init"), "half").unwrap();
    let ledger = place.init().unwrap();
    drop(ledger);
    assert_eq!(place.files().len(), 5);
}

#[test]
fn a_key_in_the_way_is_not_overwritten() {
    let place = Place::empty();
    std::fs::create_dir(place.file("keys")).unwrap();
    std::fs::write(place.file("keys/kek"), "precious").unwrap();
    assert!(matches!(place.init(), Err(LedgerError::CannotJudge { .. })));
    assert_eq!(std::fs::read(place.file("keys/kek")).unwrap(), b"precious");
}

#[test]
fn no_ledger_is_told_apart_from_a_lost_one() {
    let place = Place::empty();
    let none = place.open(Access::Full).unwrap_err();
    assert_eq!(none.exit_code(), 10);
    let (place, ledger) = Place::new();
    drop(ledger);
    std::fs::remove_file(place.file("exeunt.db")).unwrap();
    let lost = place.open(Access::Full).unwrap_err();
    assert_eq!(lost.exit_code(), 20);
    assert_eq!(verify(&place.paths()).unwrap().exit_code(), 20);
}

#[test]
fn rebuild_finds_and_mends_rows() {
    let (place, ledger) = Place::new();
    fill(&ledger, 3);
    drop(ledger);
    let path = place.file("exeunt.db");
    assert_eq!(rebuild(&path, false).unwrap().differ, 0);
    let db = rusqlite::Connection::open(&path).unwrap();
    let keys: Vec<String> = db
        .prepare("SELECT key FROM \"row\" WHERE kind = 'account' ORDER BY key")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    db.execute("DELETE FROM \"row\" WHERE key = ?1", [&keys[0]])
        .unwrap();
    db.execute(
        "UPDATE \"row\" SET body = replace(body, 'active', 'disabled') WHERE key = ?1",
        [&keys[1]],
    )
    .unwrap();
    db.execute(
        "INSERT INTO \"row\" (kind, key, seq, body) VALUES ('halt', 'all', 1, '{}')",
        [],
    )
    .unwrap();
    drop(db);
    // the chain does not speak about rows; rebuild does
    assert_eq!(verify(&place.paths()).unwrap().exit_code(), 0);
    std::fs::remove_file(place.file("exeunt-vault.db")).unwrap();
    let found = rebuild(&path, true).unwrap();
    let how: Vec<_> = found.named.iter().map(|d| (d.kind, d.how)).collect();
    assert_eq!(
        how,
        [
            (Kind::Account, Difference::Other),
            (Kind::Halt, Difference::Extra),
            (Kind::Account, Difference::Missing),
        ]
    );
    assert!(found.written);
    assert_eq!(rebuild(&path, false).unwrap().differ, 0);
}

#[test]
fn the_views_show_rows_to_an_sql_console() {
    let (place, ledger) = Place::new();
    fill(&ledger, 2);
    let db = rusqlite::Connection::open(place.file("exeunt.db")).unwrap();
    for kind in Kind::ALL {
        let sql = format!("SELECT count(*) FROM \"{}\"", kind.as_str());
        let count: i64 = db.query_row(&sql, [], |row| row.get(0)).unwrap();
        let wanted = match kind {
            Kind::Account => 2,
            Kind::Ledger => 1,
            _ => 0,
        };
        assert_eq!(count, wanted, "{}", kind.as_str());
    }
    let (tenant, state): (String, String) = db
        .query_row("SELECT tenant, state FROM account LIMIT 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    assert_eq!((tenant.as_str(), state.as_str()), ("portal", "active"));
}

#[test]
fn a_newer_or_foreign_database_is_refused() {
    let (place, ledger) = Place::new();
    drop(ledger);
    let path = place.file("exeunt.db");
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute("INSERT INTO migration VALUES (99, 'later', '')", [])
        .unwrap();
    let newer = place.open(Access::ReadOnly).unwrap_err();
    assert!(matches!(newer, LedgerError::Newer { .. }));
    db.execute("DELETE FROM migration WHERE number = 99", [])
        .unwrap();
    db.execute("UPDATE migration SET sha256 = 'x'", []).unwrap();
    let other = place.open(Access::Full).unwrap_err();
    assert!(matches!(other, LedgerError::False { .. }));
    db.pragma_update(None, "application_id", 7).unwrap();
    let foreign = place.open(Access::Full).unwrap_err();
    assert!(matches!(foreign, LedgerError::CannotJudge { .. }));
}

#[test]
fn links_are_what_b3sum_derives() {
    let (_place, ledger) = Place::new();
    let view = ledger.view().unwrap();
    let mut stored = Vec::new();
    view.each_stored(0, 1, |s| {
        stored.push(s.clone());
        Ok(())
    })
    .unwrap();
    let by_hand = blake3::derive_key(chain::CONTEXT, &stored[0].bytes);
    assert_eq!(by_hand, stored[0].link);
}
