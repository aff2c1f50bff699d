//! The vault beside the ledger: lost, older, another one's; orphans; what it remembers.

use exeunt::domain::event::Draft;
use exeunt::domain::event::SourceRead;
use exeunt::domain::id::Email;
use exeunt::domain::id::SourceName;
use exeunt::domain::source::SourceKind;
use exeunt::domain::source::Verdict;
use exeunt::ledger::Access;
use exeunt::ledger::Ledger;
use exeunt::ledger::LedgerError;
use exeunt::ledger::vault::Profile;
use exeunt::ledger::vault::SubjectKind;
use exeunt::ledger::verify::verify;

use crate::ledger::Place;
use crate::ledger::copy_of;
use crate::ledger::draft;
use crate::ledger::fill;
use crate::ledger::observe;
use crate::ledger::put_back;
use crate::ledger::service;
use crate::ledger::tenant;

fn address(text: &str) -> Email {
    Email::parse(text).unwrap()
}

/// Opening with the vault is refused as "cannot judge", and without it still works.
fn cannot_judge(place: &Place, says: &str) {
    for access in [Access::Full, Access::ReadOnly] {
        match place.open(access) {
            Err(error @ LedgerError::CannotJudge { .. }) => {
                assert_eq!(error.exit_code(), 21);
                assert!(error.to_string().contains(says), "{error}");
            }
            other => panic!("{other:?}"),
        }
    }
    place.open(Access::WithoutVault).unwrap();
    assert_eq!(verify(&place.paths()).unwrap().exit_code(), 0);
}

fn record_read(ledger: &Ledger) {
    let read = SourceRead {
        source: tenant(),
        kind: SourceKind::Tenant,
        adapter: "docspace".to_owned(),
        verdict: Verdict::Failed,
        because: Vec::new(),
        proof: None,
        missing: None,
        canaries: Vec::new(),
        canaries_missing: None,
        forbidden_present: None,
        rehearsal: None,
        activity: Vec::new(),
        vault: ledger.vault().unwrap().mark().unwrap(),
    };
    let draft = Draft::new(ledger.entry_id().unwrap(), &read);
    ledger
        .commit::<LedgerError>(&service(ledger), |_| Ok(vec![draft.clone()]))
        .unwrap();
}

#[test]
fn a_lost_vault_does_not_look_like_everybody_left() {
    let (place, ledger) = Place::new();
    fill(&ledger, 3);
    let view = ledger.vault().unwrap().mark().unwrap();
    assert_eq!(view.mark, 3, "one commit for each batch");
    drop(ledger);
    std::fs::remove_file(place.file("exeunt-vault.db")).unwrap();
    cannot_judge(&place, "is missing");
    std::fs::write(place.file("exeunt-vault.db"), "").unwrap();
    cannot_judge(&place, "no vault");
    std::fs::write(
        place.file("exeunt-vault.db"),
        "not a database, but longer than nothing",
    )
    .unwrap();
    cannot_judge(&place, "vault");
}

#[test]
fn an_older_vault_is_refused() {
    let (place, ledger) = Place::new();
    fill(&ledger, 2);
    drop(ledger);
    let older = copy_of(&place, &["exeunt-vault.db"]);
    let ledger = place.open(Access::Full).unwrap();
    fill(&ledger, 3);
    record_read(&ledger);
    drop(ledger);
    put_back(&place, &older);
    cannot_judge(&place, "older copy");
}

#[test]
fn a_vault_that_does_not_know_somebody_is_refused() {
    let (place, ledger) = Place::new();
    drop(ledger);
    let older = copy_of(&place, &["exeunt-vault.db"]);
    let ledger = place.open(Access::Full).unwrap();
    fill(&ledger, 3);
    drop(ledger);
    put_back(&place, &older);
    cannot_judge(&place, "does not know 3");
}

#[test]
fn a_vault_of_another_ledger_is_refused() {
    let (place, ledger) = Place::new();
    let (other, theirs) = Place::new();
    drop((ledger, theirs));
    put_back(&place, &copy_of(&other, &["exeunt-vault.db"]));
    assert!(matches!(
        place.open(Access::Full),
        Err(LedgerError::WrongKey)
    ));
    put_back(&place, &copy_of(&other, &["keys/kek"]));
    cannot_judge(&place, "another ledger");
}

#[test]
fn a_wrong_key_is_told_apart() {
    let (place, ledger) = Place::new();
    drop(ledger);
    let wrong = "00".repeat(32);
    for text in [wrong.as_str(), "no key at all"] {
        std::fs::write(place.file("keys/kek"), text).unwrap();
        let error = place.open(Access::Full).unwrap_err();
        assert!(matches!(error, LedgerError::WrongKey), "{error:?}");
        assert_eq!(error.exit_code(), 12);
    }
    std::fs::remove_file(place.file("keys/kek")).unwrap();
    assert_eq!(place.open(Access::Full).unwrap_err().exit_code(), 21);
}

#[test]
fn values_come_back_and_commitments_open() {
    let (_place, ledger) = Place::new();
    let sub = observe(&ledger, &service(&ledger), "id-1", "Ada@Example.com");
    let vault = ledger.vault().unwrap();
    let profile = vault.profile(&sub).unwrap().unwrap();
    assert_eq!(profile.first(Profile::MAIL), Some("Ada@Example.com"));
    let entry = ledger.view().unwrap().entry(1).unwrap().unwrap();
    let opening = vault.opening(&entry.id, "mail").unwrap().unwrap();
    assert_eq!(opening.value, b"Ada@Example.com");
    assert!(opening.opens(&entry.commit["mail"]));
    assert_eq!(vault.opening(&entry.id, "name").unwrap(), None);
    assert_eq!(
        vault.fingerprint(&sub).unwrap(),
        Some(vault.fingerprint_of(&profile))
    );
    let moved = profile.clone().with(Profile::NAME, ["Ada"]);
    assert_ne!(
        vault.fingerprint(&sub).unwrap(),
        Some(vault.fingerprint_of(&moved))
    );
}

#[test]
fn addresses_lead_to_everybody_who_ever_had_them() {
    let (_place, ledger) = Place::new();
    let by = service(&ledger);
    let ada = observe(&ledger, &by, "id-1", "info@example.com");
    let same = observe(&ledger, &by, "id-1", "ada@example.com");
    let bob = observe(&ledger, &by, "id-2", "INFO@example.com");
    assert_eq!(ada, same);
    let vault = ledger.vault().unwrap();
    let find = |text: &str| {
        vault
            .subjects_with_address(SubjectKind::Account, &tenant(), &address(text))
            .unwrap()
    };
    let mut both = vec![ada.clone(), bob.clone()];
    both.sort();
    assert_eq!(find("info@example.com"), both);
    assert_eq!(find("ada@example.com"), std::slice::from_ref(&ada));
    assert!(find("nobody@example.com").is_empty());
    assert_eq!(
        vault.find_address(&address("info@example.com")).unwrap(),
        both
    );
    let elsewhere = SourceName::new("other");
    let none = vault
        .subjects_with_address(
            SubjectKind::Account,
            &elsewhere,
            &address("info@example.com"),
        )
        .unwrap();
    assert!(none.is_empty());
    assert_eq!(vault.all_subjects().unwrap(), both);
}

#[test]
fn a_batch_that_is_dropped_leaves_nothing() {
    let (_place, ledger) = Place::new();
    let vault = ledger.vault().unwrap();
    let mut batch = vault.batch().unwrap();
    batch
        .subject_for(SubjectKind::Person, &tenant(), "k", ledger.now())
        .unwrap();
    // reading while a batch is open does not wait for it
    assert!(vault.all_subjects().unwrap().is_empty());
    drop(batch);
    assert!(vault.all_subjects().unwrap().is_empty());
    assert_eq!(vault.batch().unwrap().commit().unwrap().mark, 0);
}

/// The program ends after the vault's commit and before the ledger's.
#[test]
fn what_an_ended_process_left_in_the_vault_is_used_again_or_swept() {
    let (place, ledger) = Place::new();
    let vault = ledger.vault().unwrap();
    let mut batch = vault.batch().unwrap();
    let sub = batch
        .subject_for(SubjectKind::Account, &tenant(), "id-1", ledger.now())
        .unwrap();
    let mut orphan = draft(&ledger);
    batch.conceal(&mut orphan, "reason", &sub, b"why").unwrap();
    batch.commit().unwrap();
    drop(ledger);

    let ledger = place.open(Access::Full).unwrap();
    let again = observe(&ledger, &service(&ledger), "id-1", "ada@example.com");
    assert_eq!(again, sub, "the same key has the same pseudonym");
    let entry = ledger.view().unwrap().entry(1).unwrap().unwrap();
    let vault = ledger.vault().unwrap();
    let lease = ledger.take_lease(&service(&ledger)).unwrap();
    assert_eq!(
        ledger.sweep(&lease).unwrap(),
        0,
        "it may still be on its way"
    );
    assert!(vault.opening(&orphan.id, "reason").unwrap().is_some());
    place.clock.set(ledger.now().plus_days(2));
    assert_eq!(ledger.sweep(&lease).unwrap(), 1);
    assert!(vault.opening(&orphan.id, "reason").unwrap().is_none());
    assert!(vault.opening(&entry.id, "mail").unwrap().is_some());
}

#[test]
fn a_changed_row_of_the_vault_does_not_open() {
    let (place, ledger) = Place::new();
    let by = service(&ledger);
    let ada = observe(&ledger, &by, "id-1", "ada@example.com");
    let bob = observe(&ledger, &by, "id-2", "bob@example.com");
    let db = rusqlite::Connection::open(place.file("exeunt-vault.db")).unwrap();
    // Ada's profile in Bob's row
    db.execute(
        "UPDATE subject SET profile = (SELECT profile FROM subject WHERE sub = ?1) WHERE sub = ?2",
        [ada.as_str(), bob.as_str()],
    )
    .unwrap();
    let vault = ledger.vault().unwrap();
    assert!(vault.profile(&ada).unwrap().is_some());
    assert!(matches!(
        vault.profile(&bob),
        Err(LedgerError::CannotJudge { .. })
    ));
}
