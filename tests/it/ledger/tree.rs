//! The tree in the ledger: its tiles, its proofs, and the checkpoints that are signed over it.

use exeunt::domain::event::Draft;
use exeunt::domain::event::LedgerReopened;
use exeunt::evidence::checkpoint::Checkpoint;
use exeunt::evidence::merkle::leaf;
use exeunt::evidence::merkle::root;
use exeunt::evidence::note::Signed;
use exeunt::evidence::note::VerifierKey;
use exeunt::evidence::publish::Published;
use exeunt::ledger::Access;
use exeunt::ledger::Ledger;
use exeunt::ledger::LedgerError;
use exeunt::ledger::checkpoint::Cadence;
use exeunt::ledger::tree::proof;
use exeunt::ledger::verify::verify;

use super::*;

const CADENCE: Cadence = Cadence {
    entries: 10,
    seconds: 60,
    heartbeat_seconds: 3_600,
};

/// Appends small entries, so many in one commit each.
fn append(ledger: &Ledger, commits: &[usize]) {
    let by = service(ledger);
    for count in commits {
        let drafts = (0..*count).map(|_| draft(ledger)).collect();
        ledger.append_all(&by, drafts).unwrap();
    }
}

fn bytes(ledger: &Ledger) -> Vec<Vec<u8>> {
    let size = ledger.view().unwrap().head().size;
    ledger.bytes(0, usize::try_from(size).unwrap()).unwrap()
}

fn tiles_in(place: &Place) -> i64 {
    let db = rusqlite::Connection::open(place.file("exeunt.db")).unwrap();
    db.query_row("SELECT count(*) FROM tile", [], |row| row.get(0))
        .unwrap()
}

fn is_false<T: std::fmt::Debug>(done: Result<T, LedgerError>) -> String {
    match done {
        Err(LedgerError::False { what, .. }) => what,
        other => panic!("{other:?}"),
    }
}

/// Every proof of a ledger against a tree over the same bytes.
fn proves(ledger: &Ledger, sizes: &[u64]) {
    let bytes = bytes(ledger);
    for size in sizes {
        let leaves = &bytes[..usize::try_from(*size).unwrap()];
        let root = root(leaves);
        assert_eq!(ledger.root(*size).unwrap(), root, "{size}");
        for index in [0, size / 3, size / 2, size - 1] {
            let proven = ledger.prove(index, *size).unwrap();
            let bytes = &bytes[usize::try_from(index).unwrap()];
            assert_eq!(&proven.bytes, bytes);
            assert!(proof::includes(
                index,
                *size,
                &leaf(bytes),
                &proven.path,
                &root
            ));
        }
        for old in [1, size / 2, size - 1, *size] {
            let before = ledger.root(old).unwrap();
            let path = ledger.consistency(old, *size).unwrap();
            assert!(proof::extends(old, &before, *size, &root, &path));
        }
    }
}

#[test]
fn proofs_come_from_tiles_whatever_the_commits_were() {
    let (place, ledger) = Place::new();
    append(&ledger, &[1, 3, 250, 1, 1, 300, 255, 1]);
    assert_eq!(ledger.view().unwrap().head().size, 813);
    assert_eq!(tiles_in(&place), 3);
    proves(&ledger, &[2, 3, 255, 256, 257, 511, 512, 700, 768, 813]);
    assert!(ledger.root(814).is_err());
    assert!(ledger.prove(813, 813).is_err());
}

#[test]
fn a_ledger_without_tiles_gets_them_when_it_is_opened_for_writing() {
    let (place, ledger) = Place::new();
    append(&ledger, &[600]);
    drop(ledger);
    let db = rusqlite::Connection::open(place.file("exeunt.db")).unwrap();
    // as it was before there was a tree: the layout is an older one
    db.execute_batch(
        "DROP TABLE tile; DROP TABLE checkpoint; DELETE FROM migration WHERE name = '0009_tree.sql'",
    )
    .unwrap();
    drop(db);
    let ledger = place.open(Access::Full).unwrap();
    assert_eq!(tiles_in(&place), 2);
    proves(&ledger, &[601]);
    assert_eq!(ledger.checkpoint().unwrap().size, 601);
}

#[test]
fn changed_tiles_are_never_signed_for_and_are_made_anew() {
    let (place, ledger) = Place::new();
    append(&ledger, &[300]);
    ledger.checkpoint().unwrap();
    append(&ledger, &[300]);
    let db = rusqlite::Connection::open(place.file("exeunt.db")).unwrap();
    let bend = "UPDATE tile SET hashes = zeroblob(8192), root = zeroblob(32) WHERE place = 1";
    db.execute_batch(bend).unwrap();
    let refused = ledger.checkpoint();
    assert!(
        matches!(refused, Err(LedgerError::CannotJudge { .. })),
        "{refused:?}"
    );
    // proofs are held against the root before they are given out
    assert!(ledger.prove(300, 601).is_err() || ledger.root(601).unwrap() != root(bytes(&ledger)));
    drop(ledger);
    let path = place.file("exeunt.db");
    let seen = exeunt::ledger::rebuild::rebuild(&path, false).unwrap();
    assert_eq!((seen.tiles, seen.written), (1, false));
    let done = exeunt::ledger::rebuild::rebuild(&path, true).unwrap();
    assert_eq!((done.tiles, done.written), (1, true));
    let ledger = place.open(Access::Full).unwrap();
    proves(&ledger, &[601]);
    ledger.checkpoint().unwrap();
}

#[test]
fn a_checkpoint_is_due_by_number_or_by_time_and_silence_is_broken() {
    let (place, ledger) = Place::new();
    let due = || {
        ledger
            .checkpoint_if_due(&CADENCE)
            .unwrap()
            .map(|made| made.size)
    };
    let later = |seconds: i64| place.clock.set(ledger.now().plus_seconds(seconds));
    assert_eq!(due(), Some(1), "the first one at once");
    assert_eq!(due(), None);
    append(&ledger, &[9]);
    assert_eq!(due(), None);
    append(&ledger, &[1]);
    assert_eq!(due(), Some(11));
    append(&ledger, &[1]);
    assert_eq!(due(), None);
    later(61);
    assert_eq!(due(), Some(12));
    later(3_000);
    let by = service(&ledger);
    assert!(!ledger.heartbeat_if_due(&by, &CADENCE).unwrap());
    later(1_000);
    assert!(ledger.heartbeat_if_due(&by, &CADENCE).unwrap());
    assert!(
        !ledger.heartbeat_if_due(&by, &CADENCE).unwrap(),
        "it is not covered yet"
    );
    let last = ledger.view().unwrap().entry(12).unwrap().unwrap();
    assert_eq!(
        (last.kind.as_str(), &last.data["covered"]),
        ("ledger.heartbeat", &12.into())
    );
    assert_eq!(ledger.checkpoint().unwrap().size, 13);
    assert_eq!(verify(&place.paths()).unwrap().checkpoints, 4);
}

#[test]
fn a_checkpoint_says_what_the_tree_is_and_the_key_of_init_signs_it() {
    let (place, ledger) = Place::new();
    append(&ledger, &[5]);
    let made = ledger.checkpoint().unwrap();
    let (said, note) = Checkpoint::in_note(made.note.as_bytes()).unwrap();
    assert_eq!((said.origin.as_str(), said.size), ("example.com/exeunt", 6));
    assert_eq!(said.root, root(bytes(&ledger)));
    let key = VerifierKey::parse(&ledger.opened().log_key).unwrap();
    assert_eq!(note.signed_by(&key), Signed::Good(None));
    assert_eq!(ledger.verifier_key().unwrap(), key);
    // asked again, nothing is signed again
    assert_eq!(ledger.checkpoint().unwrap(), made);
    let locked = ledger.head_lock().read().unwrap();
    assert_eq!(locked.checkpoint, Some(made.note.clone()));
    // what a crash left in the head lock alone is kept by the next one
    let db = rusqlite::Connection::open(place.file("exeunt.db")).unwrap();
    db.execute_batch("DROP TRIGGER checkpoint_is_never_deleted; DELETE FROM checkpoint")
        .unwrap();
    append(&ledger, &[1]);
    ledger.checkpoint().unwrap();
    assert_eq!(verify(&place.paths()).unwrap().checkpoints, 2);
}

#[test]
fn nothing_is_signed_for_another_past() {
    let (place, ledger) = Place::new();
    append(&ledger, &[5]);
    ledger.checkpoint().unwrap();
    append(&ledger, &[5]);
    // an entry before the checkpoint is written anew
    let db = unguarded(&place.file("exeunt.db"));
    db.execute_batch(
        "UPDATE entry SET bytes = (SELECT bytes FROM entry WHERE seq = 4) WHERE seq = 3",
    )
    .unwrap();
    let what = is_false(ledger.checkpoint());
    assert!(what.contains("checkpoint was signed for"), "{what}");
    let found = verify(&place.paths()).unwrap();
    assert_eq!(found.exit_code(), 20);
}

#[test]
fn another_key_signs_nothing() {
    let (place, ledger) = Place::new();
    let (other, _) = Place::new();
    std::fs::copy(other.file("keys/log.key"), place.file("keys/log.key")).unwrap();
    let refused = ledger.checkpoint();
    assert!(
        matches!(refused, Err(LedgerError::CannotJudge { .. })),
        "{refused:?}"
    );
    std::fs::remove_file(place.file("keys/log.key")).unwrap();
    let refused = ledger.checkpoint();
    assert!(
        matches!(refused, Err(LedgerError::CannotJudge { .. })),
        "{refused:?}"
    );
}

#[test]
fn stored_checkpoints_are_held_against_the_entries() {
    let (place, ledger) = Place::new();
    append(&ledger, &[5]);
    ledger.checkpoint().unwrap();
    let db = rusqlite::Connection::open(place.file("exeunt.db")).unwrap();
    db.execute_batch("DROP TRIGGER checkpoint_is_never_changed")
        .unwrap();
    let bend = "UPDATE checkpoint SET note = replace(note, char(10) || '6' || char(10), char(10) || '5' || char(10))";
    assert_eq!(db.execute(bend, []).unwrap(), 1);
    let found = verify(&place.paths()).unwrap();
    let what = found.bad.unwrap().what;
    assert!(what.contains("not signed by the key"), "{what}");
}

#[test]
fn a_copy_outside_is_never_replaced_by_a_smaller_one_and_tells_a_restored_set() {
    let (place, ledger) = Place::new();
    append(&ledger, &[5]);
    let outside = tempfile::tempdir().unwrap();
    let published = Published::new(outside.path());
    assert_eq!(published.compare(&ledger).unwrap(), None);
    let first = ledger.checkpoint().unwrap();
    drop(ledger);
    // everything at once: ledger, vault and head lock fit one another
    let all = ["exeunt.db", "exeunt-vault.db", "exeunt.head"];
    let backup = copy_of(&place, &all);
    let ledger = place.open(Access::Full).unwrap();
    append(&ledger, &[5]);
    let second = ledger.checkpoint().unwrap();
    assert_eq!(published.publish(&ledger, &second).unwrap(), 11);
    assert_eq!(
        published.publish(&ledger, &first).unwrap(),
        11,
        "not the smaller one"
    );
    let there = published.newest("example.com/exeunt").unwrap().unwrap();
    assert_eq!(there, second.note);
    drop(ledger);
    put_back(&place, &backup);
    let ledger = place.open(Access::Full).unwrap();
    let what = is_false(published.compare(&ledger));
    assert!(what.contains("older copy"), "{what}");
    // grown to the same length again, it is another past
    append(&ledger, &[7]);
    let third = ledger.checkpoint().unwrap();
    let what = is_false(published.publish(&ledger, &third));
    assert!(what.contains("signed for"), "{what}");
    assert_eq!(
        published.newest("example.com/exeunt").unwrap().unwrap(),
        second.note
    );
}

#[test]
fn after_reopening_the_first_checkpoint_follows_the_entry_that_has_the_old_one() {
    let (place, ledger) = Place::new();
    append(&ledger, &[5]);
    drop(ledger);
    let backup = copy_of(&place, &["exeunt.db"]);
    let ledger = place.open(Access::Full).unwrap();
    append(&ledger, &[5]);
    let lost = ledger.checkpoint().unwrap();
    drop(ledger);
    put_back(&place, &backup);
    assert!(place.open(Access::Full).is_err());
    let mut ledger = Ledger::open_lost(
        &place.paths(),
        true,
        None,
        |_| None,
        place.clock.clone(),
        Arc::new(SystemEntropy),
    )
    .unwrap();
    assert!(ledger.checkpoint().is_err(), "nothing is signed meanwhile");
    assert_eq!(ledger.checkpoint_if_due(&CADENCE).unwrap(), None);
    let known = ledger.reopening().unwrap().known.clone().unwrap();
    assert_eq!(known.checkpoint.as_ref(), Some(&lost.note));
    let reopened = LedgerReopened {
        origin: "example.com/exeunt/2".to_owned(),
        kept: 6,
        known: Some(known),
        vault: None,
        sources: Vec::new(),
        contacts: Vec::new(),
        proof: "os-user".to_owned(),
        signature: None,
    };
    let entry = Draft::new(ledger.entry_id().unwrap(), &reopened);
    ledger.append_all(&service(&ledger), vec![entry]).unwrap();
    ledger.relock().unwrap();
    let made = ledger.checkpoint().unwrap();
    assert_eq!(
        (made.origin.as_str(), made.size),
        ("example.com/exeunt/2", 7)
    );
    let (said, _) = Checkpoint::in_note(made.note.as_bytes()).unwrap();
    assert_eq!(said.origin, "example.com/exeunt/2");
    assert_eq!(verify(&place.paths()).unwrap().bad, None);
}
