//! Where authoritative directories disagree about who has left.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::domain::code::Code;
use crate::domain::decide::Facts;
use crate::domain::decide::LinkFacts;
use crate::domain::departure::Departure;
use crate::domain::departure::departure;
use crate::domain::departure::is_there;
use crate::domain::finding::Finding;
use crate::domain::id::Seq;
use crate::domain::id::Subject;
use crate::domain::rows::PersonRow;
use crate::domain::time::Time;

/// Lists everybody whom one authoritative directory says to have left and another one has as
/// employed (HR against Active Directory), sorted; one finding for each departed person.
///
/// Who is the same human in two directories is known from the accounts that belong to both, so that
/// `accounts` are the facts of all. A scope list says nothing about leaving, and neither does a list
/// of leavers by not naming somebody. What a named person said (`exeunt leave`) is no directory's
/// word. `others` are the persons who are there and the accounts in question.
pub fn contradictions<'a>(
    accounts: impl IntoIterator<Item = &'a Facts>,
    now: Time,
) -> Vec<Finding> {
    let mut found: BTreeMap<Subject, Disagreement> = BTreeMap::new();
    for facts in accounts.into_iter().filter(|f| f.account.gone.is_none()) {
        let links = || facts.links.iter().filter(|l| l.authoritative);
        let there = links().filter(|l| l.lists_everybody);
        let there: Vec<_> = there.filter_map(|l| employed(l, now)).collect();
        for link in links() {
            let Some((person, left)) = left(link, now).filter(|_| !there.is_empty()) else {
                continue;
            };
            let one = found
                .entry(person.subject.clone())
                .or_insert_with(|| Disagreement::new(link, person, &left));
            for (other, evidence) in &there {
                one.others.insert(other.subject.clone());
                one.evidence.extend(evidence);
            }
            one.others.insert(facts.account.subject.clone());
            one.evidence.extend(link.evidence());
        }
    }
    let mut findings: Vec<_> = found.into_values().map(Disagreement::finding).collect();
    findings.sort();
    findings
}

/// A person who has left one directory and stands in others.
struct Disagreement {
    finding: Finding,
    others: BTreeSet<Subject>,
    evidence: BTreeSet<Seq>,
}

impl Disagreement {
    fn new(link: &LinkFacts, person: &PersonRow, left: &Departure) -> Self {
        Self {
            finding: Finding {
                kind: Code::new("finding.directories-disagree"),
                since: left.since,
                subject: person.subject.clone(),
                tenant: None,
                directory: Some(link.directory.clone()),
                others: Vec::new(),
                evidence: Vec::new(),
            },
            others: BTreeSet::new(),
            evidence: left.evidence.iter().copied().collect(),
        }
    }

    fn finding(self) -> Finding {
        Finding {
            others: self.others.into_iter().collect(),
            evidence: self.evidence.into_iter().collect(),
            ..self.finding
        }
    }
}

/// The person of a directory who has left it by its own word.
fn left(link: &LinkFacts, now: Time) -> Option<(&PersonRow, Departure)> {
    let person = link.linked_person()?;
    let mut own = person.clone();
    own.named = None;
    let left = departure(&own, link.lists_everybody, now)?;
    Some((person, left))
}

/// The person of a directory who stands in it, with the entries that say so.
fn employed(link: &LinkFacts, now: Time) -> Option<(&PersonRow, Vec<Seq>)> {
    let person = link.linked_person()?;
    let mut own = person.clone();
    own.named = None;
    is_there(&own, true, now).then(|| (person, link.evidence()))
}
