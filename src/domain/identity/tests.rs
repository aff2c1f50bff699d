//! Each finding, since when it is so, and what puts an end to it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::*;
use crate::domain::account::AccountFacts;
use crate::domain::account::AccountKind;
use crate::domain::decide::LinkFacts;
use crate::domain::event::CommandResult;
use crate::domain::id::EntryId;
use crate::domain::id::SourceName;
use crate::domain::policy::Capabilities;
use crate::domain::rows::AccountRow;
use crate::domain::rows::Class;
use crate::domain::rows::LinkRow;
use crate::domain::rows::OrphanRow;
use crate::domain::rows::OrphanWord;
use crate::domain::rows::ReadRow;
use crate::domain::rows::SourceRow;
use crate::domain::source::ReadMemory;
use crate::domain::source::SourceKind;
use crate::domain::source::Verdict;

/// The entry at a position is that many days old at 1000.
fn at(seq: Seq) -> Time {
    Time::from_seconds(i64::try_from(seq).unwrap() * 86_400)
}

#[derive(Default)]
struct Story {
    stated: Option<Seq>,
    accounts: BTreeMap<Subject, Vec<Subject>>,
}

impl Entries for Story {
    fn recorded(&self, seq: Seq) -> Option<Time> {
        Some(at(seq))
    }

    fn stated(&self, _: &Subject) -> Option<Seq> {
        self.stated
    }

    fn accounts_of(&self, person: &Subject, _: &Facts) -> Vec<Subject> {
        self.accounts.get(person).cloned().unwrap_or_default()
    }
}

fn source(name: &str, kind: SourceKind, first: Seq, last: Seq) -> SourceRow {
    let read = ReadRow {
        seq: last,
        id: EntryId::new("read"),
        rec: at(last),
        verdict: Verdict::Complete,
        because: Vec::new(),
        proof: None,
        missing: None,
    };
    SourceRow {
        source: SourceName::new(name),
        kind,
        complete: Some(read.clone()),
        last: read,
        first_complete: Some(first),
        activity: Vec::new(),
        released: Vec::new(),
        memory: ReadMemory::default(),
    }
}

/// An account that was first seen by entry 10, and a directory, first read by entry 5, that has
/// nobody for it.
fn facts() -> Facts {
    let directory = LinkFacts {
        directory: SourceName::new("corp"),
        source: Some(source("corp", SourceKind::Directory, 5, 95)),
        authoritative: true,
        lists_everybody: true,
        link: None,
        person: None,
        candidates: Vec::new(),
    };
    Facts {
        account: AccountRow {
            subject: Subject::new("s_account"),
            tenant: SourceName::new("portal"),
            first: 10,
            first_seen: at(10),
            seq: 10,
            facts: AccountFacts {
                live_keys: 0,
                no_heir: false,
                state: AccountState::Active,
                kind: AccountKind::Human,
                protected: BTreeSet::new(),
                managed_by: None,
                created_at: None,
                address_verified: true,
                hidden: BTreeSet::new(),
                future: BTreeSet::new(),
            },
            disabled: None,
            gone: None,
            named: None,
            reappeared: None,
            enabled_again: None,
            cleared: None,
        },
        tenant: source("portal", SourceKind::Tenant, 9, 96),
        activity: None,
        links: vec![directory],
        commands: Vec::new(),
        notices: Vec::new(),
        kept: Vec::new(),
        holds: Vec::new(),
        task: None,
        lost_holds: Vec::new(),
        previous: None,
        orphan: None,
        can: Capabilities::default(),
        called: None,
    }
}

/// With a person behind it, by entry 12.
fn linked() -> Facts {
    let mut facts = facts();
    facts.links[0].link = Some(link(12, Some("s_person"), None));
    facts
}

fn link(seq: Seq, person: Option<&str>, because: Option<&str>) -> LinkRow {
    LinkRow {
        account: Subject::new("s_account"),
        directory: SourceName::new("corp"),
        seq,
        person: person.map(Subject::new),
        rule: person.map(|_| "manual".to_owned()),
        because: because.map(Code::new),
        candidates: because
            .map(|_| Subject::new("s_person"))
            .into_iter()
            .collect(),
    }
}

/// A command that was done by the entry after its intent.
fn done(does: Do, seq: Seq) -> CommandRow {
    CommandRow {
        intent: EntryId::new(format!("intent-{seq}")),
        seq,
        account: Subject::new("s_account"),
        tenant: SourceName::new("portal"),
        does,
        aim: None,
        class: Class::Explicit,
        directories: Vec::new(),
        plan: EntryId::new("plan"),
        step: 0,
        attempt: 1,
        call: String::new(),
        successor: None,
        at: at(seq),
        deadline: at(seq),
        outcome: Some((seq + 1, CommandResult::Done, Code::new("outcome.done"))),
        settled: None,
        confirmed: None,
        lost: None,
    }
}

fn kinds(facts: &Facts, story: &Story) -> Vec<(String, Time)> {
    let found = findings(facts, story, at(1000));
    found
        .into_iter()
        .map(|f| (f.kind.as_str().to_owned(), f.since))
        .collect()
}

fn alone(facts: &Facts) -> Vec<(String, Time)> {
    kinds(facts, &Story::default())
}

fn is(kind: &str, since: Seq) -> Vec<(String, Time)> {
    vec![(kind.to_owned(), at(since))]
}

#[test]
fn an_account_without_a_person_is_an_orphan_since_the_last_of_what_shows_it() {
    assert_eq!(alone(&facts()), is("finding.orphan", 10));
    let mut late = facts();
    late.links[0].source = Some(source("corp", SourceKind::Directory, 40, 95));
    assert_eq!(alone(&late), is("finding.orphan", 40));
    let mut cut = facts();
    cut.links[0].link = Some(link(60, None, None));
    assert_eq!(alone(&cut), is("finding.orphan", 60));
    assert_eq!(alone(&linked()), []);
    let mut ours = facts();
    ours.account.facts.protected = BTreeSet::from([Protection::OwnCredential]);
    assert_eq!(alone(&ours), []);
    let mut gone = facts();
    gone.account.gone = Some(Mark {
        seq: 70,
        since: at(70),
    });
    assert_eq!(alone(&gone), []);
}

#[test]
fn nobody_is_an_orphan_while_a_directory_was_not_read() {
    let mut unread = facts();
    unread.links[0].source = None;
    assert_eq!(alone(&unread), []);
    let mut leavers = facts();
    leavers.links[0].lists_everybody = false;
    assert_eq!(alone(&leavers), []);
}

#[test]
fn whoever_answers_for_an_orphan_does_so_until_the_end() {
    for word in [OrphanWord::Claimed, OrphanWord::Accepted] {
        let mut answered = facts();
        answered.orphan = Some(OrphanRow {
            account: Subject::new("s_account"),
            tenant: SourceName::new("portal"),
            word,
            seq: 50,
            at: at(50),
            until: at(1001),
            by: None,
            proof: "os-user".to_owned(),
        });
        assert_eq!(alone(&answered), []);
        let over = findings(&answered, &Story::default(), at(1001));
        assert_eq!(over[0].kind.as_str(), "finding.orphan");
    }
}

#[test]
fn every_doubt_about_a_person_is_a_finding_of_its_own() {
    for kind in [
        "ambiguous-identity",
        "conflicting-identity",
        "recycled-address",
        "recycled-identifier",
        "address-not-verified",
        "rule-not-used",
    ] {
        let mut doubtful = facts();
        doubtful.links[0].link = Some(link(30, None, Some(&format!("block.{kind}"))));
        assert_eq!(alone(&doubtful), is(&format!("finding.{kind}"), 30));
    }
    let mut shared = facts();
    shared.links[0].link = Some(link(30, None, Some("block.shared-person")));
    let both = vec![Subject::new("s_account"), Subject::new("s_second")];
    let story = Story {
        accounts: BTreeMap::from([(Subject::new("s_person"), both)]),
        ..Story::default()
    };
    let found = findings(&shared, &story, at(1000));
    assert_eq!(found[0].kind.as_str(), "finding.shared-person");
    let others: Vec<_> = found[0].others.iter().map(Subject::as_str).collect();
    assert_eq!(others, ["s_person", "s_second"]);
}

#[test]
fn what_we_removed_and_a_later_read_shows_is_a_ghost() {
    let mut removed = linked();
    removed.commands = vec![done(Do::Remove, 80)];
    assert_eq!(alone(&removed), is("finding.ghost", 80));
    // no read since: nobody has looked
    let mut unseen = removed.clone();
    unseen.tenant = source("portal", SourceKind::Tenant, 9, 70);
    assert_eq!(alone(&unseen), []);
    // one that had been gone and came back is no ghost, but resurrected
    let mut back = removed.clone();
    back.commands[0].confirmed = Some(84);
    back.account.reappeared = Some(Mark {
        seq: 90,
        since: at(90),
    });
    assert_eq!(alone(&back), is("finding.resurrected", 90));
    // unless a named person says afterwards whose it is
    let said = |seq| Story {
        stated: Some(seq),
        ..Story::default()
    };
    assert_eq!(kinds(&back, &said(89)), is("finding.resurrected", 90));
    assert_eq!(kinds(&back, &said(91)), []);
}

#[test]
fn what_we_disabled_and_is_seen_usable_is_resurrected() {
    let mut disabled = linked();
    disabled.commands = vec![done(Do::Disable, 80)];
    // no read ever saw it disabled
    assert_eq!(alone(&disabled), is("finding.resurrected", 80));
    let mut enabled = disabled.clone();
    enabled.account.enabled_again = Some(Mark {
        seq: 90,
        since: at(90),
    });
    assert_eq!(alone(&enabled), is("finding.resurrected", 90));
    // enabled again before we disabled it: that was another time
    enabled.account.enabled_again = Some(Mark {
        seq: 20,
        since: at(20),
    });
    assert_eq!(alone(&enabled), is("finding.resurrected", 80));
    let mut still = disabled.clone();
    still.account.facts.state = AccountState::Disabled;
    assert_eq!(alone(&still), []);
    let mut restored = disabled.clone();
    restored.commands.push(done(Do::Restore, 85));
    assert_eq!(alone(&restored), []);
    let mut unseen = disabled;
    unseen.tenant = source("portal", SourceKind::Tenant, 9, 70);
    assert_eq!(alone(&unseen), []);
}
