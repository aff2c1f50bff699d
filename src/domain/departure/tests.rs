//! What each fact is worth, its three times, and when it stops holding.

use std::collections::BTreeMap;
use std::convert::Infallible;

use serde_json::Value;

use super::*;
use crate::domain::event::Actor;
use crate::domain::event::ActorKind;
use crate::domain::event::DepartureWithdrawn;
use crate::domain::event::Entry;
use crate::domain::event::LeaveStated;
use crate::domain::event::LeaveWithdrawn;
use crate::domain::event::Payload;
use crate::domain::event::PersonAbsent;
use crate::domain::event::PersonMissed;
use crate::domain::event::PersonObserved;
use crate::domain::fold::Change;
use crate::domain::fold::ReadRows;
use crate::domain::fold::fold;
use crate::domain::id::EntryId;
use crate::domain::id::RunId;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::person::PersonRecord;
use crate::domain::rows::FellAway;
use crate::domain::rows::Kind;

const DAY: i64 = 86_400;

fn day(n: i64) -> Time {
    Time::from_seconds(1_800_000_000 - 1_800_000_000 % DAY + n * DAY)
}

/// A person's entries, folded one by one; entry N is recorded on day N.
#[derive(Default)]
struct Story {
    rows: BTreeMap<(Kind, String), Value>,
}

impl ReadRows for Story {
    type Error = Infallible;

    fn get(&self, kind: Kind, key: &str) -> Result<Option<Value>, Infallible> {
        Ok(self.rows.get(&(kind, key.to_owned())).cloned())
    }
}

impl Story {
    fn tell<P: Payload>(&mut self, n: u64, payload: &P) -> PersonRow {
        let entry = Entry {
            actor: Actor {
                kind: ActorKind::Service,
                epoch: None,
                sub: None,
            },
            at: day(n as i64),
            cause: None,
            commit: BTreeMap::new(),
            data: serde_json::to_value(payload).unwrap(),
            id: EntryId::new(format!("entry-{n}")),
            prev: String::new(),
            rec: day(n as i64),
            run: RunId::new("run"),
            salt: String::new(),
            seq: n,
            src: None,
            sub: Some(Subject::new("s_ada")),
            kind: P::TYPE.to_owned(),
            v: 1,
        };
        for Change { kind, key, body } in fold(&entry, self).unwrap() {
            self.rows.insert((kind, key), body.unwrap());
        }
        self.person()
    }

    fn see(&mut self, n: u64, facts: PersonFacts) -> PersonRow {
        let directory = SourceName::new("corp");
        let changed = Default::default();
        let seen = PersonObserved {
            directory,
            facts,
            changed,
        };
        self.tell(n, &seen)
    }

    fn person(&self) -> PersonRow {
        let body = self.get(Kind::Person, "s_ada").unwrap().unwrap();
        serde_json::from_value(body).unwrap()
    }
}

fn corp() -> SourceName {
    SourceName::new("corp")
}

fn deleted(at: Option<i64>, recorded: Option<i64>) -> PersonFacts {
    PersonFacts {
        deleted_by: Some("isDeleted".to_owned()),
        deleted_at: at.map(day),
        recorded_at: recorded.map(day),
        ..PersonFacts::default()
    }
}

fn disabled() -> PersonFacts {
    PersonFacts {
        disabled_by: Some("userAccountControl".to_owned()),
        ..PersonFacts::default()
    }
}

fn in_unit(recorded: Option<i64>) -> PersonFacts {
    PersonFacts {
        in_leavers_unit: true,
        recorded_at: recorded.map(day),
        ..PersonFacts::default()
    }
}

fn leaving(n: i64) -> PersonFacts {
    PersonFacts {
        leave_at: Some(day(n)),
        ..PersonFacts::default()
    }
}

/// The strongest fact at `n`: its strength, when it took effect, was recorded, and was seen.
fn left(person: &PersonRow, n: i64) -> Option<(Strength, Time, Option<Time>, Time)> {
    let departure = departure(person, true, day(n))?;
    let fact = departure.facts.first()?;
    assert_eq!(
        (departure.strength, departure.since),
        (fact.strength, fact.effective)
    );
    assert!(departure.evidence.contains(&fact.seq));
    Some((fact.strength, fact.effective, fact.recorded, fact.seen))
}

#[test]
fn each_fact_has_the_time_it_took_effect_the_time_it_was_recorded_and_the_time_it_was_seen() {
    let seen = |facts| left(&Story::default().see(9, facts), 10);
    let (at, by, we) = (day(5), day(7), day(9));
    let tombstone = Strength::Tombstone;
    assert_eq!(
        seen(deleted(Some(5), Some(7))),
        Some((tombstone, at, Some(by), we))
    );
    assert_eq!(
        seen(deleted(None, Some(7))),
        Some((tombstone, by, Some(by), we))
    );
    assert_eq!(seen(deleted(None, None)), Some((tombstone, we, None, we)));
    let unit = Strength::LeaversUnit;
    assert_eq!(seen(in_unit(Some(7))), Some((unit, by, Some(by), we)));
    assert_eq!(seen(in_unit(None)), Some((unit, we, None, we)));
    assert_eq!(seen(leaving(5)), Some((Strength::LeaveDate, at, None, we)));
    // The source's clock may be ahead of ours: what is there has happened.
    assert_eq!(seen(deleted(Some(11), None)).unwrap().1, day(10));
    assert_eq!(seen(leaving(11)), None);
    // An entry is recorded for many reasons, so that no disabling is older than we know.
    let mut facts = disabled();
    facts.recorded_at = Some(by);
    assert_eq!(seen(facts), Some((Strength::Disabled, we, Some(by), we)));
}

#[test]
fn a_tombstone_at_first_contact_is_an_explicit_departure() {
    let person = Story::default().see(9, deleted(Some(5), None));
    let departure = departure(&person, true, day(9)).unwrap();
    assert!(departure.explicit && !is_there(&person, true, day(9)));
    assert_eq!(departure.removal_from, Some(day(5)));
    assert_eq!(departure.because.as_str(), "leaver.tombstone");
}

#[test]
fn a_place_among_the_leavers_and_a_lost_group_never_let_anything_be_removed() {
    let facts = PersonFacts {
        outside_group: true,
        ..in_unit(Some(1))
    };
    let departure = departure(&Story::default().see(2, facts), true, day(900)).unwrap();
    assert_eq!(departure.removal_from, None);
    assert_eq!(departure.facts.len(), 2);
    let facts = PersonFacts {
        left_by: Some("employeeType".to_owned()),
        ..PersonFacts::default()
    };
    let departure = super::departure(&Story::default().see(2, facts), true, day(3)).unwrap();
    assert_eq!(departure.because.as_str(), "leaver.attribute");
    assert_eq!(departure.removal_from, Some(day(92)));
}

#[test]
fn a_sign_keeps_its_mark_until_it_is_gone_and_another_date_is_another_sign() {
    let mut story = Story::default();
    story.see(1, disabled());
    let both = PersonFacts {
        leave_at: Some(day(20)),
        ..disabled()
    };
    let person = story.see(2, both.clone());
    let seen = |person: &PersonRow, strength| person.signs.get(&strength).map(|s| s.seq);
    assert_eq!(
        seen(&person, Strength::Disabled),
        Some(1),
        "without a break"
    );
    assert_eq!(seen(&person, Strength::LeaveDate), Some(2));
    story.see(3, PersonFacts::default());
    let person = story.see(4, both.clone());
    assert_eq!(seen(&person, Strength::Disabled), Some(4), "after a break");
    let moved = PersonFacts {
        leave_at: Some(day(30)),
        ..both
    };
    let person = story.see(5, moved);
    assert_eq!(
        seen(&person, Strength::LeaveDate),
        Some(5),
        "HR said something else"
    );
    assert_eq!(seen(&person, Strength::Disabled), Some(4));
}

#[test]
fn a_departure_that_falls_away_is_noted_until_it_is_told() {
    let fell = |seq, facts: &[Strength]| {
        let facts = facts.to_vec();
        Some(FellAway { seq, facts })
    };
    let ends: [(PersonFacts, PersonFacts, &[Strength]); 4] = [
        (disabled(), PersonFacts::default(), &[Strength::Disabled]),
        (
            deleted(Some(1), None),
            PersonFacts::default(),
            &[Strength::Tombstone],
        ),
        (leaving(1), leaving(50), &[Strength::LeaveDate]),
        (leaving(1), PersonFacts::default(), &[Strength::LeaveDate]),
    ];
    for (before, after, facts) in ends {
        let mut story = Story::default();
        assert_eq!(story.see(2, before.clone()).fell_away, None);
        assert_eq!(story.see(3, after.clone()).fell_away, fell(3, facts));
        assert_eq!(
            story.see(4, after.clone()).fell_away,
            fell(3, facts),
            "not told yet"
        );
        let withdrawn = DepartureWithdrawn {
            directory: corp(),
            facts: facts.to_vec(),
        };
        let told = story.tell(5, &withdrawn);
        assert_eq!(
            (told.fell_away, told.withdrawn.map(|m| m.seq)),
            (None, Some(5))
        );
        assert_eq!(story.see(6, after).fell_away, None);
        assert_eq!(story.see(7, before).fell_away, None, "left again");
    }
    // Whoever is back after an absence has not left; whoever is missed has not either.
    let mut story = Story::default();
    story.see(1, PersonFacts::default());
    let missed = PersonMissed {
        directory: corp(),
        anew: false,
    };
    story.tell(2, &missed);
    assert_eq!(story.see(3, PersonFacts::default()).fell_away, None);
    story.tell(4, &missed);
    let absent = PersonAbsent {
        directory: corp(),
        first_missed: 4,
        reads: 2,
    };
    story.tell(5, &absent);
    assert_eq!(
        story.see(6, PersonFacts::default()).fell_away,
        fell(6, &[Strength::Absent])
    );
}

#[test]
fn one_of_two_facts_may_go_without_a_withdrawal() {
    let mut story = Story::default();
    let both = PersonFacts {
        in_leavers_unit: true,
        ..disabled()
    };
    story.see(1, both);
    let person = story.see(2, in_unit(None));
    assert_eq!(person.fell_away, None);
    assert_eq!(left(&person, 3).unwrap().0, Strength::LeaversUnit);
}

#[test]
fn what_a_named_person_says_stands_until_it_is_taken_back() {
    let mut story = Story::default();
    story.see(1, PersonFacts::default());
    let stated = LeaveStated {
        at: day(3),
        proof: "os-user".to_owned(),
        signature: None,
    };
    let person = story.tell(2, &stated);
    assert_eq!(left(&person, 2), None, "not yet");
    let named = (Strength::Named, day(3), None, day(2));
    assert_eq!(left(&person, 3), Some(named));
    let person = story.see(4, leaving(2));
    assert_eq!(left(&person, 4), Some(named), "the strongest");
    let off = PersonRow {
        missed: Some(crate::domain::rows::Missed {
            seq: 5,
            since: day(5),
            reads: 1,
        }),
        ..person
    };
    let departure = departure(&off, false, day(6)).unwrap();
    assert_eq!(
        departure.facts.len(),
        1,
        "a list of leavers takes back its own word only"
    );
    let back = LeaveWithdrawn {
        stated: 2,
        proof: "os-user".to_owned(),
        signature: None,
    };
    let person = story.tell(7, &back);
    assert_eq!(left(&person, 8).unwrap().0, Strength::LeaveDate);
}

#[test]
fn rows_of_an_earlier_version_keep_the_time_of_a_disabling() {
    let mut person = Story::default().see(1, disabled());
    person.signs.clear();
    let body = serde_json::to_value(&person).unwrap();
    assert!(body.get("signs").is_none());
    let person: PersonRow = serde_json::from_value(body).unwrap();
    assert_eq!(left(&person, 5).unwrap().1, day(1));
    // nor does the next entry about them begin the wait for a removal anew
    let mut story = Story::default();
    story.see(1, disabled());
    let old = serde_json::to_value(&person).unwrap();
    story.rows.insert((Kind::Person, "s_ada".to_owned()), old);
    let both = PersonFacts {
        in_leavers_unit: true,
        ..disabled()
    };
    let person = story.see(60, both);
    let left = departure(&person, true, day(61)).unwrap();
    assert_eq!((left.strength, left.since), (Strength::Disabled, day(1)));
    assert_eq!(left.removal_from, Some(day(1 + DISABLED_DAYS_FOR_REMOVAL)));
    assert_eq!(
        person.signs.get(&Strength::LeaversUnit).unwrap().seen,
        day(60)
    );
}

#[test]
fn a_source_whose_clock_is_ahead_has_said_so_already_for_every_question() {
    let person = Story::default().see(1, deleted(Some(9), None));
    let shown = departure(&person, true, day(5)).unwrap().since;
    assert_eq!(shown, day(5), "what is there has happened");
    assert_eq!(since(&person.facts, Some(&person), day(5)), Some(shown));
}

fn record(facts: PersonFacts, recorded: i64, login: Option<i64>) -> PersonRecord {
    PersonRecord {
        key: "ada".to_owned(),
        recorded_at: Some(day(recorded)),
        last_login: login.map(|n| day(n).plus_seconds(3600)),
        login_precision_s: 14 * 86_400,
        facts,
        ..PersonRecord::default()
    }
}

/// Sees a record on day `n` as the engine does, and says whether it would be an entry.
fn observe(story: &mut Story, n: u64, record: &PersonRecord) -> (PersonFacts, bool) {
    let known = (!story.rows.is_empty()).then(|| story.person());
    let facts = PersonFacts::with_times(record, known.as_ref(), day(n as i64));
    let news = known.is_none_or(|known| known.facts != facts);
    if news {
        story.see(n, facts.clone());
    }
    (facts, news)
}

#[test]
fn the_time_of_recording_is_that_of_the_first_word_and_makes_no_entry_of_its_own() {
    let mut story = Story::default();
    let (facts, _) = observe(&mut story, 1, &record(PersonFacts::default(), 1, None));
    assert_eq!(facts.recorded_at, None, "nothing says that they have left");
    let (facts, _) = observe(&mut story, 3, &record(disabled(), 2, None));
    assert_eq!(facts.recorded_at, Some(day(2)));
    let (facts, news) = observe(&mut story, 5, &record(disabled(), 4, None));
    assert!(
        !news,
        "the entry was changed there for another reason: {facts:?}"
    );
    let both = PersonFacts {
        in_leavers_unit: true,
        ..disabled()
    };
    observe(&mut story, 7, &record(both, 6, None));
    let recorded = |strength| story.person().signs.get(&strength).unwrap().recorded;
    assert_eq!(recorded(Strength::Disabled), Some(day(2)));
    assert_eq!(recorded(Strength::LeaversUnit), Some(day(6)));
    let (facts, _) = observe(&mut story, 8, &record(PersonFacts::default(), 8, None));
    assert_eq!(facts, PersonFacts::default());
}

#[test]
fn a_login_after_the_departure_is_a_day_and_only_one_that_is_certain() {
    let mut story = Story::default();
    let facts = PersonFacts {
        disabled_at: Some(day(10)),
        ..disabled()
    };
    // A directory's time of a login is never too late: it may well be older than the truth.
    let (seen, _) = observe(&mut story, 12, &record(facts.clone(), 10, Some(9)));
    assert_eq!(seen.login_after, None);
    let (seen, _) = observe(&mut story, 13, &record(facts.clone(), 10, Some(11)));
    assert_eq!(seen.login_after, Some(day(11)));
    let mut later = record(facts.clone(), 10, Some(11));
    later.last_login = later.last_login.map(|at| at.plus_seconds(7200));
    assert!(
        !observe(&mut story, 14, &later).1,
        "the same day is nothing new"
    );
    let (seen, news) = observe(&mut story, 15, &record(facts.clone(), 10, None));
    assert!(!news && seen.login_after == Some(day(11)), "it stays known");
    let (seen, _) = observe(&mut story, 16, &record(facts, 10, Some(14)));
    assert_eq!(seen.login_after, Some(day(14)));
    let (seen, _) = observe(
        &mut story,
        17,
        &record(PersonFacts::default(), 10, Some(14)),
    );
    assert_eq!(seen.login_after, None, "nobody has left");
    let (seen, _) = observe(&mut story, 18, &record(leaving(30), 10, Some(17)));
    assert_eq!(seen.login_after, None, "not yet");
}
