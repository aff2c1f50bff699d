use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::domain::absence::*;
use crate::domain::code::Code;
use crate::domain::id::EntryId;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::person::PersonFacts;
use crate::domain::rows::Missed;
use crate::domain::rows::ReadRow;
use crate::domain::source::ReadMemory;
use crate::domain::source::ReadProof;
use crate::domain::source::ServerMark;
use crate::domain::source::Verdict;
use crate::domain::trust;
use crate::domain::trust::DropLimit;
use crate::domain::trust::Expectation;

fn minutes(minutes: i64) -> Time {
    Time::from_seconds(1_800_000_000).plus_seconds(minutes * 60)
}

fn person(missed: Option<Missed>) -> PersonRow {
    PersonRow {
        subject: Subject::new("s_1"),
        directory: SourceName::new("corp"),
        first: 1,
        first_seen: minutes(0),
        seq: 1,
        facts: PersonFacts::default(),
        disabled: None,
        signs: BTreeMap::new(),
        named: None,
        fell_away: None,
        withdrawn: None,
        missed,
        absent: None,
    }
}

fn missed(seq: Seq, reads: u64) -> Option<Missed> {
    Some(Missed {
        seq,
        since: minutes(0),
        reads,
    })
}

fn counted(missed: Option<Missed>, unbroken: Option<Seq>, at: i64) -> (u64, bool, bool) {
    let limits = AbsentLimits::default();
    let Missing {
        reads,
        anew,
        look_up,
    } = count(&person(missed), unbroken, &limits, minutes(at));
    (reads, anew, look_up)
}

#[test]
fn one_read_shows_nothing_and_two_are_enough_after_an_hour() {
    assert_eq!(counted(None, Some(1), 600), (1, false, false));
    assert_eq!(counted(missed(12, 1), Some(1), 59), (2, false, false));
    assert_eq!(counted(missed(12, 1), Some(1), 60), (2, false, true));
    assert_eq!(counted(missed(12, 5), Some(1), 60), (6, false, true));
    assert_eq!(
        counted(missed(12, 1), Some(1), -5),
        (2, false, false),
        "a clock put back"
    );
}

#[test]
fn a_read_in_between_that_is_not_complete_makes_counting_begin_anew() {
    assert_eq!(counted(missed(12, 7), None, 600), (1, true, false));
    // the row of complete reads began only after the person was missed
    assert_eq!(counted(missed(12, 7), Some(20), 600), (1, true, false));
}

/// What a read may show.
#[derive(Debug, Clone, Copy)]
enum Shows {
    Person,
    Nobody,
    OlderState,
    OtherServer,
    NoCanary,
    Drop,
    Failure,
}

fn shows() -> impl Strategy<Value = Shows> {
    prop_oneof![
        1 => Just(Shows::Person),
        6 => Just(Shows::Nobody),
        1 => Just(Shows::OlderState),
        1 => Just(Shows::OtherServer),
        1 => Just(Shows::NoCanary),
        1 => Just(Shows::Drop),
        1 => Just(Shows::Failure),
    ]
}

/// One source and one person through judging, counting and folding, an hour from read to read.
struct Story {
    row: Option<crate::domain::rows::SourceRow>,
    person: PersonRow,
    change: u64,
    seq: Seq,
    verdicts: Vec<Verdict>,
    absent: bool,
}

impl Story {
    fn takes(&mut self, what: Shows, hour: i64) {
        self.change += 1;
        let mut mark = ServerMark {
            name: "dc1".to_owned(),
            database: Some("a".to_owned()),
            change: Some(self.change + 100),
        };
        match what {
            Shows::OlderState => {
                self.change = self.change.saturating_sub(9);
                mark.change = Some(self.change + 100);
            }
            Shows::OtherServer => mark.name = format!("dc{}", self.seq % 3),
            _ => {}
        }
        let proof = ReadProof {
            count: 100,
            digest: "sha256:a".to_owned(),
            server: Some(mark),
            ..ReadProof::default()
        };
        let expected = Expectation {
            before: self.row.as_ref(),
            known: 100,
            missing: if matches!(what, Shows::Drop) { 60 } else { 1 },
            canaries_missing: u64::from(matches!(what, Shows::NoCanary)),
            limit: DropLimit {
                percent: 10,
                floor: 3,
            },
            ..Expectation::default()
        };
        let (verdict, because, proof) = match what {
            Shows::Failure => (Verdict::Failed, vec![Code::new("read.unreachable")], None),
            _ => {
                let (verdict, because) = trust::judge(&proof, &expected);
                (verdict, because, Some(proof))
            }
        };
        let unbroken = self.row.as_ref().and_then(|row| row.memory.unbroken);
        self.folds(verdict, because, proof);
        if verdict == Verdict::Complete {
            self.counts(what, unbroken, hour);
        }
    }

    fn folds(&mut self, verdict: Verdict, because: Vec<Code>, proof: Option<ReadProof>) {
        self.seq += 10;
        self.verdicts.push(verdict);
        let this = ReadRow {
            seq: self.seq,
            id: EntryId::new("read"),
            rec: minutes(0),
            verdict,
            because,
            proof,
            missing: Some(1),
        };
        let row = self
            .row
            .get_or_insert_with(|| crate::domain::rows::SourceRow {
                source: SourceName::new("corp"),
                kind: crate::domain::source::SourceKind::Directory,
                last: this.clone(),
                complete: None,
                first_complete: None,
                activity: Vec::new(),
                released: Vec::new(),
                memory: ReadMemory::default(),
            });
        trust::remember(&mut row.memory, &this);
        if verdict == Verdict::Complete {
            row.complete = Some(this.clone());
        }
        row.last = this;
    }

    fn counts(&mut self, what: Shows, unbroken: Option<Seq>, hour: i64) {
        if matches!(what, Shows::Person) {
            self.person.missed = None;
            return;
        }
        let limits = AbsentLimits::default();
        let missing = count(&self.person, unbroken, &limits, minutes(hour * 60));
        self.absent |= missing.look_up;
        let first = self.person.missed.take().filter(|_| !missing.anew);
        self.person.missed = Some(Missed {
            reads: missing.reads,
            ..first.unwrap_or(Missed {
                seq: self.seq + 1,
                since: minutes(hour * 60),
                reads: 1,
            })
        });
    }
}

proptest! {
    /// Whoever counts as absent was missing in the newest reads, as many as are asked for, and each
    /// of these was complete: no sequence with any other read among them leads there.
    #[test]
    fn only_complete_reads_in_a_row_lead_to_an_absence(
        reads in proptest::collection::vec(shows(), 1..40)
    ) {
        let mut story = Story {
            row: None,
            person: person(None),
            change: 0,
            seq: 0,
            verdicts: Vec::new(),
            absent: false,
        };
        for (hour, what) in (0_i64..).zip(&reads) {
            story.takes(*what, hour);
            if story.absent {
                let newest = story.verdicts.iter().rev().take(2);
                prop_assert_eq!(newest.filter(|v| **v == Verdict::Complete).count(), 2);
                return Ok(());
            }
            story.absent = false;
        }
    }

    /// With a fault in every second read at the latest, nobody is ever looked up.
    #[test]
    fn reads_that_keep_failing_never_lead_to_an_absence(
        faults in proptest::collection::vec(
            prop_oneof![Just(Shows::NoCanary), Just(Shows::Drop), Just(Shows::Failure)],
            1..20,
        )
    ) {
        let mut story = Story {
            row: None,
            person: person(None),
            change: 0,
            seq: 0,
            verdicts: Vec::new(),
            absent: false,
        };
        let reads = faults.into_iter().flat_map(|fault| [Shows::Nobody, fault]);
        for (hour, what) in (0_i64..).zip(reads) {
            story.takes(what, hour);
        }
        prop_assert!(!story.absent);
    }
}
