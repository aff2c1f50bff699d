use std::collections::BTreeMap;

use crate::domain::code::Code;
use crate::domain::id::EntryId;
use crate::domain::id::SourceName;
use crate::domain::source::SourceKind;
use crate::domain::time::Time;
use crate::domain::trust::*;

const LIMIT: DropLimit = DropLimit {
    percent: 10,
    floor: 3,
};

fn proof(count: u64) -> ReadProof {
    ReadProof {
        identity: "sha256:one".to_owned(),
        count,
        digest: "sha256:a".to_owned(),
        ..ReadProof::default()
    }
}

fn expectation(known: u64, missing: u64) -> Expectation<'static> {
    Expectation {
        known,
        missing,
        limit: LIMIT,
        ..Expectation::default()
    }
}

/// A read by a domain controller of this name, with its database and change number.
fn by(name: &str, database: &str, change: u64) -> ReadProof {
    ReadProof {
        server: Some(ServerMark {
            name: name.to_owned(),
            database: Some(database.to_owned()),
            change: Some(change),
        }),
        ..proof(30)
    }
}

/// A source with its reads, judged and folded as they come.
struct Story {
    row: Option<SourceRow>,
    seq: u64,
}

impl Story {
    fn new() -> Self {
        Self { row: None, seq: 0 }
    }

    fn reads(&mut self, proof: ReadProof) -> (Verdict, Vec<String>) {
        self.reads_missing(proof, 0)
    }

    fn reads_missing(&mut self, proof: ReadProof, missing: u64) -> (Verdict, Vec<String>) {
        let expected = Expectation {
            before: self.row.as_ref(),
            ..expectation(30, missing)
        };
        let (verdict, because) = judge(&proof, &expected);
        self.folds(verdict, because.clone(), Some(proof), missing);
        let codes = because.iter().map(|c| c.as_str().to_owned());
        (verdict, codes.collect())
    }

    /// As the fold of an entry does it.
    fn folds(
        &mut self,
        verdict: Verdict,
        because: Vec<Code>,
        proof: Option<ReadProof>,
        missing: u64,
    ) {
        self.seq += 10;
        let this = ReadRow {
            seq: self.seq,
            id: EntryId::new("read"),
            rec: Time::from_seconds(1_800_000_000),
            verdict,
            because,
            proof,
            missing: Some(missing),
        };
        let mut row = self.row.take().unwrap_or_else(|| SourceRow {
            source: SourceName::new("corp"),
            kind: SourceKind::Directory,
            last: this.clone(),
            complete: None,
            first_complete: None,
            activity: Vec::new(),
            released: Vec::new(),
            memory: ReadMemory::default(),
        });
        remember(&mut row.memory, &this);
        if verdict == Verdict::Complete {
            row.complete = Some(this.clone());
        }
        row.last = this;
        self.row = Some(row);
    }

    fn fails(&mut self) {
        self.folds(
            Verdict::Failed,
            vec![Code::new("read.unreachable")],
            None,
            0,
        );
    }

    fn releases(&mut self, digest: &str) {
        let row = self.row.as_mut().unwrap();
        row.released.push(digest.to_owned());
    }

    fn memory(&self) -> &ReadMemory {
        &self.row.as_ref().unwrap().memory
    }
}

fn complete(because: &[&str]) -> (Verdict, Vec<String>) {
    let because = because.iter().map(|c| (*c).to_owned());
    (Verdict::Complete, because.collect())
}

fn suspect(because: &[&str]) -> (Verdict, Vec<String>) {
    (Verdict::Suspect, complete(because).1)
}

#[test]
fn an_empty_read_is_suspect_also_the_first() {
    let (verdict, because) = judge(&proof(0), &expectation(0, 0));
    assert_eq!(verdict, Verdict::Suspect);
    assert_eq!(because, vec![Code::new("read.empty")]);
}

#[test]
fn tombstones_alone_are_an_empty_read() {
    let expected = Expectation {
        tombstones: 4,
        ..expectation(4, 0)
    };
    assert_eq!(judge(&proof(4), &expected).1, [Code::new("read.empty")]);
    assert_eq!(judge(&proof(5), &expected).0, Verdict::Complete);
}

#[test]
fn a_drop_beyond_the_share_is_suspect_and_one_within_it_is_not() {
    assert_eq!(
        judge(&proof(90), &expectation(100, 10)).0,
        Verdict::Complete
    );
    let (verdict, because) = judge(&proof(89), &expectation(100, 11));
    assert_eq!(verdict, Verdict::Suspect);
    assert_eq!(because, vec![Code::new("read.drop")]);
}

#[test]
fn in_a_small_directory_the_floor_counts() {
    assert_eq!(judge(&proof(9), &expectation(12, 3)).0, Verdict::Complete);
    assert_eq!(judge(&proof(8), &expectation(12, 4)).0, Verdict::Suspect);
}

#[test]
fn what_is_watched_for_and_keys_are_never_settled_by_a_word() {
    let mut story = Story::new();
    story.reads(proof(30));
    story.releases("sha256:a");
    let before = story.row.as_ref();
    let watched = |canaries_missing, forbidden_present| Expectation {
        before,
        canaries_missing,
        forbidden_present,
        ..expectation(30, 0)
    };
    let keyless = ReadProof {
        without_key: 1,
        ..proof(30)
    };
    for (proof, expected, code) in [
        (proof(30), watched(1, 0), "read.canary-missing"),
        (proof(30), watched(0, 1), "read.forbidden-present"),
        (keyless, watched(0, 0), "read.without-keys"),
    ] {
        let (verdict, because) = judge(&proof, &expected);
        assert_eq!(
            (verdict, because.as_slice()),
            (Verdict::Suspect, &[Code::new(code)][..])
        );
        assert_eq!(remedy(&because[0]), Remedy::Nothing);
        assert!(!is_releasable(&because));
    }
    assert_eq!(judge(&proof(30), &watched(0, 0)).0, Verdict::Complete);
}

#[test]
fn what_an_adapter_states_and_what_nobody_knows_is_never_settled() {
    let stated = ReadProof {
        faults: vec!["read.own-missing".to_owned()],
        ..proof(30)
    };
    let mut story = Story::new();
    story.releases_before(&stated.digest);
    assert_eq!(story.reads(stated), suspect(&["read.own-missing"]));
    assert_eq!(remedy(&Code::new("invented.code")), Remedy::Nothing);
}

impl Story {
    fn releases_before(&mut self, digest: &str) {
        self.reads(proof(30));
        self.releases(digest);
    }
}

#[test]
fn each_part_of_the_question_that_has_changed_is_named() {
    let about = |parts: &[(&str, &str)]| -> BTreeMap<String, String> {
        let usual = [
            ("base", "dc=x"),
            ("bind", "b"),
            ("filter", "f"),
            ("server", "s"),
        ];
        let parts = usual.iter().chain(parts);
        parts
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    };
    let asked = |identity: &str, parts: &[(&str, &str)]| ReadProof {
        identity: identity.to_owned(),
        about: about(parts),
        ..proof(30)
    };
    let mut story = Story::new();
    assert_eq!(
        story.reads(asked("one", &[])),
        complete(&[]),
        "the first read"
    );
    for (part, code) in [
        ("base", "read.base-changed"),
        ("bind", "read.bind-changed"),
        ("filter", "read.filter-changed"),
        ("server", "read.server-changed"),
        ("signals", "read.signals-changed"),
        ("columns", "read.identity-changed"),
    ] {
        let other = asked("two", &[(part, "other")]);
        assert_eq!(story.reads(other), suspect(&[code]), "{part}");
        assert!(is_releasable(&[Code::new(code)]));
    }
    // another make or version of the server shows in no part
    assert_eq!(
        story.reads(asked("two", &[])),
        suspect(&["read.identity-changed"])
    );
    let both = asked("two", &[("base", "dc=y"), ("bind", "c")]);
    let codes = ["read.base-changed", "read.bind-changed"];
    assert_eq!(story.reads(both.clone()), suspect(&codes));
    // a second one confirms nothing: an approver must have seen what it would mean
    assert_eq!(story.reads(both.clone()), suspect(&codes));
    story.releases("sha256:a");
    assert_eq!(story.reads(both.clone()), complete(&[BY_RELEASE]));
    assert_eq!(
        story.reads(both),
        complete(&[]),
        "and is what rules from then on"
    );
    // what an adapter notes beside its identity is no change of the question
    let noted = asked(
        "two",
        &[("base", "dc=y"), ("bind", "c"), ("last-login", "x")],
    );
    assert_eq!(story.reads(noted), complete(&[]));
}

#[test]
fn a_snapshot_that_was_put_back_is_believed_at_the_second_read() {
    let mut story = Story::new();
    assert_eq!(story.reads(by("dc1", "a", 5991)), complete(&[]));
    assert_eq!(
        story.reads(by("dc1", "a", 5991)),
        complete(&[]),
        "nothing happened"
    );
    let back = suspect(&["read.change-stepped-back"]);
    assert_eq!(story.reads(by("dc1", "a", 3973)), back);
    assert_eq!(story.reads(by("dc1", "a", 3980)), complete(&[CONFIRMED]));
    assert_eq!(story.reads(by("dc1", "a", 3981)), complete(&[]));
}

#[test]
fn a_step_back_from_the_step_back_begins_anew() {
    let mut story = Story::new();
    story.reads(by("dc1", "a", 5991));
    let back = suspect(&["read.change-stepped-back"]);
    assert_eq!(story.reads(by("dc1", "a", 3973)), back);
    assert_eq!(story.reads(by("dc1", "a", 3972)), back);
    story.fails();
    assert_eq!(story.reads(by("dc1", "a", 3980)), back, "not two in a row");
    assert_eq!(story.reads(by("dc1", "a", 3980)), complete(&[CONFIRMED]));
}

#[test]
fn a_number_that_is_not_shown_any_more_cannot_be_compared() {
    let mut story = Story::new();
    story.reads(by("dc1", "a", 5991));
    let mut blind = by("dc1", "a", 0);
    blind.server.as_mut().unwrap().change = None;
    assert_eq!(
        story.reads(blind.clone()),
        suspect(&["read.change-stepped-back"])
    );
    assert_eq!(story.reads(blind), complete(&[CONFIRMED]));
}

#[test]
fn another_database_under_the_same_name_waits_for_the_second_read() {
    let mut story = Story::new();
    story.reads(by("dc1", "a", 100));
    assert_eq!(
        story.reads(by("dc1", "b", 100)),
        suspect(&["read.database-changed"])
    );
    assert_eq!(
        story.reads(by("dc1", "c", 100)),
        suspect(&["read.database-changed"])
    );
    assert_eq!(
        story.reads(by("dc1", "c", 99)),
        suspect(&["read.database-changed"])
    );
    assert_eq!(story.reads(by("dc1", "c", 99)), complete(&[CONFIRMED]));
}

#[test]
fn a_server_seen_before_may_step_in_and_a_new_one_waits() {
    let mut story = Story::new();
    story.reads(by("dc1", "a", 100));
    assert_eq!(
        story.reads(by("dc2", "b", 7)),
        suspect(&["read.other-server"])
    );
    // the first one answers in between: that takes nothing from what dc2 showed
    assert_eq!(story.reads(by("dc1", "a", 101)), complete(&[]));
    assert_eq!(story.reads(by("dc2", "b", 7)), complete(&[CONFIRMED]));
    for _ in 0..2 {
        assert_eq!(story.reads(by("dc1", "a", 101)), complete(&[]));
        assert_eq!(story.reads(by("dc2", "b", 8)), complete(&[]));
    }
    // each is compared with its own earlier state
    assert_eq!(
        story.reads(by("dc2", "b", 6)),
        suspect(&["read.change-stepped-back"])
    );
}

#[test]
fn another_question_in_between_confirms_nothing() {
    let mut story = Story::new();
    story.reads(by("dc1", "a", 100));
    story.reads(by("dc1", "a", 50));
    let mut other = by("dc1", "a", 51);
    other.identity = "sha256:two".to_owned();
    let both = ["read.identity-changed", "read.change-stepped-back"];
    assert_eq!(story.reads(other.clone()), suspect(&both));
    story.releases("sha256:a");
    assert_eq!(story.reads(other), complete(&[BY_RELEASE, CONFIRMED]));
}

#[test]
fn a_drop_waits_for_its_release_whatever_is_confirmed() {
    let mut story = Story::new();
    story.reads(by("dc1", "a", 5991));
    let both = ["read.change-stepped-back", "read.drop"];
    assert_eq!(
        story.reads_missing(by("dc1", "a", 3973), 12),
        suspect(&both)
    );
    for _ in 0..3 {
        assert_eq!(
            story.reads_missing(by("dc1", "a", 3980), 12),
            suspect(&["read.drop"])
        );
    }
    story.releases("sha256:a");
    let settled = complete(&[BY_RELEASE, CONFIRMED]);
    assert_eq!(story.reads_missing(by("dc1", "a", 3980), 12), settled);
}

#[test]
fn a_read_that_is_never_believed_confirms_nothing() {
    let mut story = Story::new();
    story.reads(by("dc1", "a", 100));
    story.reads(by("dc1", "a", 50));
    let mut keyless = by("dc1", "a", 50);
    keyless.without_key = 1;
    assert_eq!(story.reads(keyless), suspect(&["read.without-keys"]));
    assert_eq!(
        story.reads(by("dc1", "a", 50)),
        suspect(&["read.change-stepped-back"])
    );
}

#[test]
fn only_so_many_servers_are_remembered() {
    let mut story = Story::new();
    story.reads(by("dc000", "a", 1));
    for n in 1..100 {
        let name = format!("dc{n:03}");
        story.reads(by(&name, "a", 1));
        assert_eq!(story.reads(by(&name, "a", 1)).0, Verdict::Complete);
    }
    assert_eq!(story.memory().servers.len(), MAX_SERVERS);
    assert!(story.memory().servers.contains_key("dc099"));
    assert!(story.memory().doubted.is_empty());
}

#[test]
fn complete_reads_in_a_row_are_counted_from_the_first() {
    let mut story = Story::new();
    story.reads(by("dc1", "a", 100));
    story.reads(by("dc1", "a", 100));
    assert_eq!(story.memory().unbroken, Some(10));
    story.fails();
    assert_eq!(story.memory().unbroken, None);
    story.reads(by("dc1", "a", 100));
    assert_eq!(story.memory().unbroken, Some(40));
    story.reads(by("dc1", "a", 99));
    assert_eq!(story.memory().unbroken, None);
}

#[test]
fn look_ups_that_find_most_of_them_contradict_the_read_once() {
    let mut story = Story::new();
    story.reads_missing(proof(30), 3);
    let contradicted = |story: &Story, asked, found| {
        let (verdict, code) = contradiction(story.row.as_ref(), asked, found)?;
        Some((verdict, code.as_str().to_owned()))
    };
    assert_eq!(
        contradicted(&story, 3, 2),
        None,
        "two may have fallen out of the filter"
    );
    assert_eq!(contradicted(&story, 6, 3), None, "half of them");
    let suspect = (Verdict::Suspect, CONTRADICTED.to_owned());
    assert_eq!(contradicted(&story, 3, 3), Some(suspect.clone()));
    story.folds(
        Verdict::Suspect,
        vec![Code::new(CONTRADICTED)],
        Some(proof(30)),
        3,
    );
    story.reads_missing(proof(30), 3);
    // the same again in the next round: the filter leaves them out
    let confirmed = (Verdict::Complete, CONFIRMED.to_owned());
    assert_eq!(contradicted(&story, 3, 3), Some(confirmed));
    // once nobody is missing, it is a new matter
    story.reads_missing(proof(30), 0);
    assert_eq!(contradicted(&story, 3, 3), Some(suspect));
}

#[test]
fn a_contradiction_ends_when_a_later_read_is_agreed_with() {
    let mut story = Story::new();
    let doubt = vec![Code::new(CONTRADICTED)];
    story.folds(Verdict::Suspect, doubt, Some(proof(30)), 4);
    let before = story.memory().contradicted;
    assert!(before.is_some());
    // the missing were not asked about, or too few were: nothing is settled
    assert_eq!(contradiction(story.row.as_ref(), 0, 0), None);
    assert_eq!(contradiction(story.row.as_ref(), 2, 2), None);
    story.reads_missing(proof(30), 4);
    assert_eq!(story.memory().contradicted, before);
    // nor are they found by key: they are missing indeed
    let (verdict, code) = contradiction(story.row.as_ref(), 4, 1).unwrap();
    assert_eq!((verdict, code.as_str()), (Verdict::Complete, AGREED));
    story.folds(verdict, vec![code], Some(proof(30)), 4);
    assert_eq!(story.memory().contradicted, None);
    assert_eq!(contradiction(story.row.as_ref(), 4, 1), None, "said once");
    let (verdict, _) = contradiction(story.row.as_ref(), 4, 4).unwrap();
    assert_eq!(verdict, Verdict::Suspect, "a new matter, doubted anew");
}

#[test]
fn only_what_a_word_can_settle_is_offered_for_release() {
    let codes = |codes: &[&str]| -> Vec<Code> { codes.iter().map(|c| Code::new(c)).collect() };
    assert!(is_releasable(&codes(&["read.drop"])));
    assert!(is_releasable(&codes(&["read.drop", "read.other-server"])));
    assert!(!is_releasable(&codes(&["read.other-server"])));
    assert!(!is_releasable(&codes(&[
        "read.drop",
        "read.canary-missing"
    ])));
    assert!(!is_releasable(&[]));
}

#[test]
fn a_file_older_than_the_last_one_is_suspect_unless_it_is_the_same() {
    let file = |day: i64, content: &str| ReadProof {
        written_at: Some(crate::domain::time::Time::from_seconds(day * 86_400)),
        content: Some(content.to_owned()),
        ..ReadProof::default()
    };
    let last = file(10, "a");
    assert!(is_older(&file(9, "b"), Some(&last)));
    assert!(!is_older(&file(9, "a"), Some(&last)));
    assert!(!is_older(&file(10, "b"), Some(&last)));
    assert!(!is_older(&file(9, "b"), None));
    assert!(!is_older(&file(9, "b"), Some(&ReadProof::default())));
}
