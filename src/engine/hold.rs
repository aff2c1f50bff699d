//! Holds: who is held, who is held no more, and what comes up (`exeunt hold`).

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Serialize;

use crate::domain::code::Code;
use crate::domain::decide::decide;
use crate::domain::decide::differs;
use crate::domain::event::Draft;
use crate::domain::event::Entry;
use crate::domain::event::HoldLifted;
use crate::domain::event::HoldPlaced;
use crate::domain::event::Payload;
use crate::domain::finding::Finding;
use crate::domain::hold::HoldKind;
use crate::domain::hold::LONGEST_DAYS;
use crate::domain::hold::SOON_DAYS;
use crate::domain::id::EntryId;
use crate::domain::id::Seq;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::lost::LostKind;
use crate::domain::rows::AccountRow;
use crate::domain::rows::HoldRow;
use crate::domain::rows::Kind;
use crate::domain::rows::LinkRow;
use crate::domain::rows::PersonRow;
use crate::domain::time::Time;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::Run;
use crate::engine::approve::Signer;
use crate::engine::decide::adopted;
use crate::engine::facts::Rows;
use crate::engine::facts::lost_row;
use crate::engine::leave::Meant;
use crate::engine::replay::Moment;
use crate::engine::replay::state_word;
use crate::engine::said::Words;
use crate::ledger::LedgerError;
use crate::ledger::vault::Profile;

/// The class of an approver who may lift a hold: it can lead to a removal.
const CLASS: &str = "remove";

/// A hold as somebody wants it.
#[derive(Debug, Clone, Copy)]
pub struct NewHold<'a> {
    /// Why, as a kind.
    pub kind: HoldKind,
    /// When it ends; of a legal one, when it is to be looked at again.
    pub comes_up: Time,
    /// Who answers for it.
    pub owner: &'a str,
    /// Why, in words.
    pub words: Words<'a>,
}

/// What came of placing a hold.
#[derive(Debug)]
pub struct Placed {
    /// Its number: the position of its first entry.
    pub id: Seq,
    /// Everybody over whom it was placed, persons first.
    pub over: Vec<Subject>,
    /// The accounts for which something was decided or warned of that is called off now.
    pub called_off: Vec<Subject>,
}

/// One hold, for people to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HoldItem {
    /// Its number: the position of its first entry.
    pub id: Seq,
    /// Why, as a kind.
    pub kind: HoldKind,
    /// The persons, and the accounts that were held by name.
    pub over: Vec<HeldItem>,
    /// The accounts that it covers now.
    pub accounts: Vec<CoveredItem>,
    /// Whether it is over somebody whose values are lost: every account that could be meant is withheld.
    pub unresolved: bool,
    /// Who answers for it; absent after an erasure.
    pub owner: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Where it was asked for.
    pub ticket: Option<String>,
    /// When it was placed.
    pub at: Time,
    /// When it ends; absent of a legal one.
    pub until: Option<Time>,
    /// When a legal one is to be looked at again.
    pub review: Option<Time>,
    /// Whether that has passed.
    pub overdue: bool,
    /// Who placed it.
    pub by: Option<String>,
    /// `signature` or `os-user`.
    pub proof: String,
}

/// Somebody who is held by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldItem {
    /// The directory of a person.
    pub directory: Option<SourceName>,
    /// The tenant of an account.
    pub tenant: Option<SourceName>,
    /// The pseudonym.
    pub subject: Subject,
    /// The address.
    pub email: Option<String>,
    /// The entry that erased the values.
    pub erased_by: Option<Seq>,
    /// The entry by which the values are lost: nobody knows any more who it is.
    pub lost_by: Option<Seq>,
}

/// An account that a hold covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CoveredItem {
    /// Its tenant.
    pub tenant: SourceName,
    /// The tenant's own id.
    pub account: Option<String>,
    /// The pseudonym.
    pub subject: Subject,
    /// The address.
    pub email: Option<String>,
    /// The entry that erased the values.
    pub erased_by: Option<Seq>,
    /// `active`, `disabled` or `invited`.
    pub state: String,
}

/// One hold without names: what can be told without the vault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HoldBrief {
    /// Its number.
    pub id: Seq,
    /// Why.
    pub kind: HoldKind,
    /// When it ends, or is to be looked at again.
    pub on: Time,
}

/// The holds as they stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HoldCount {
    /// How many hold.
    pub standing: u64,
    /// Those that end, or are to be looked at again, within 14 days.
    pub ending_soon: Vec<HoldBrief>,
    /// Legal ones that should have been looked at again by now.
    pub overdue: Vec<HoldBrief>,
    /// Those over somebody whose values are lost: an approver has to look at them.
    pub unresolved: Vec<HoldBrief>,
}

/// The rows of one hold, in the order in which they were placed.
type Group = Vec<HoldRow>;

impl Engine {
    /// Finds who is to be held, as [`Engine::who_leaves`] does, but in every directory.
    pub fn who_is_held(&self, who: &str) -> Result<Meant, EngineError> {
        self.who_is_meant(who, false)
    }

    /// Holds persons with the accounts that are theirs, or accounts alone. It asks for nobody's
    /// agreement, and takes effect with the next request that is about to be sent.
    pub fn place_hold(
        &self,
        signer: &Signer,
        meant: &Meant,
        new: NewHold<'_>,
    ) -> Result<Placed, EngineError> {
        let now = self.clock.now();
        if new.comes_up <= now || new.comes_up > now.plus_days(LONGEST_DAYS) {
            return Err(EngineError::refused(
                "hold.bad-end",
                "the end or review date lies in the past or more than a year ahead",
                "name a day within a year; a hold can be placed again before it ends",
            ));
        }
        let run = self.start("hold add", signer.by.clone(), None)?;
        let over = targets(meant);
        let drafts = self.hold_drafts(signer, &over, new)?;
        let appended = self.ledger.append_all(&run.by, drafts)?;
        // it is reported as done: no restored copy may have forgotten it
        self.ledger.sync()?;
        let called_off = self.decide_held(&run, appended.first)?;
        self.finish(&run, 0)?;
        Ok(Placed {
            id: appended.first,
            over: over.into_iter().map(|(sub, _)| sub).collect(),
            called_off,
        })
    }

    fn hold_drafts(
        &self,
        signer: &Signer,
        over: &[(Subject, Option<Subject>)],
        new: NewHold<'_>,
    ) -> Result<Vec<Draft>, EngineError> {
        let hold = self.ledger.entry_id()?;
        let legal = new.kind == HoldKind::Legal;
        let mut drafts = Vec::new();
        let mut batch = self.ledger.vault()?.batch()?;
        for (sub, person) in over {
            let placed = HoldPlaced {
                hold: hold.clone(),
                kind: new.kind,
                person: person.clone(),
                until: Some(new.comes_up).filter(|_| !legal),
                review: Some(new.comes_up).filter(|_| legal),
                proof: signer.proof.to_owned(),
                signature: signer.sign(&format!("hold {sub} {hold}")),
            };
            let id = match drafts.is_empty() {
                true => hold.clone(),
                false => self.ledger.entry_id()?,
            };
            let mut draft = Draft::new(id, &placed).about(sub);
            let owner = [("owner", new.owner)];
            for (field, text) in new.words.fields().into_iter().chain(owner) {
                batch.conceal(&mut draft, field, sub, text.as_bytes())?;
            }
            drafts.push(draft);
        }
        batch.commit()?;
        Ok(drafts)
    }

    /// Decides again about the accounts under a hold that was just placed, so that an entry says
    /// that what was decided or warned of does not come, and why.
    fn decide_held(&self, run: &Run, hold: Seq) -> Result<Vec<Subject>, EngineError> {
        let view = self.ledger.view()?;
        let Some((version, set)) = adopted(&view)? else {
            return Ok(Vec::new());
        };
        let gatherer = self.gatherer(&view, None)?;
        let (mut drafts, mut called_off) = (Vec::new(), Vec::new());
        for (_, account) in view.rows::<AccountRow>(Kind::Account)? {
            if !gatherer.is_held_since(&account.subject, hold)? {
                continue;
            }
            let Some(facts) = gatherer.facts(account)? else {
                continue;
            };
            let mut decision = decide(&facts, &set, run.now);
            decision.evidence.push(version);
            let held = |code: &Code| code.as_str().starts_with("block.hold-");
            let last = facts.previous.as_ref().map(|row| &row.decision);
            if decision.blocked.iter().any(held) && differs(last, &decision) {
                drafts.push(self.decision_draft(run, &facts, &decision)?);
                called_off.push(facts.account.subject);
            }
        }
        self.ledger.append_all(&run.by, drafts)?;
        Ok(called_off)
    }

    /// Lifts a hold by its number. That loosens a safeguard: an approver's word.
    pub fn lift_hold(
        &self,
        signer: &Signer,
        id: Seq,
        words: Words<'_>,
    ) -> Result<Vec<Subject>, EngineError> {
        self.may(signer, CLASS)?;
        let now = self.clock.now();
        let group = self.standing(&self.ledger.view()?, now)?;
        let group = group.into_iter().find(|g| g.iter().any(|h| h.seq == id));
        let group = group.ok_or_else(|| not_held(id))?;
        let run = self.start("hold lift", signer.by.clone(), None)?;
        let mut drafts = Vec::new();
        let mut batch = self.ledger.vault()?.batch()?;
        for row in &group {
            let (sub, hold) = (&row.subject, &row.hold);
            let lifted = HoldLifted {
                hold: hold.clone(),
                proof: signer.proof.to_owned(),
                signature: signer.sign(&format!("lift {sub} {hold}")),
            };
            let mut draft = Draft::new(self.ledger.entry_id()?, &lifted).about(sub);
            draft.cause = self.ledger.view()?.entry(row.seq)?.map(|entry| entry.id);
            for (field, text) in words.fields() {
                batch.conceal(&mut draft, field, sub, text.as_bytes())?;
            }
            drafts.push(draft);
        }
        batch.commit()?;
        let appended = self.ledger.commit::<LedgerError>(&run.by, |view| {
            let row = group.first().map(hold_key);
            let row = match row {
                Some(key) => view.row::<HoldRow>(Kind::Hold, &key)?,
                None => None,
            };
            let still = row.is_some_and(|row| row.lifted.is_none());
            Ok(if still { drafts.clone() } else { Vec::new() })
        })?;
        self.finish(&run, 0)?;
        match appended.count {
            0 => Err(not_held(id)),
            _ => Ok(group.into_iter().map(|row| row.subject).collect()),
        }
    }

    /// The holds that stand in some rows at a moment, those that come up first in front.
    fn standing<R: Rows>(&self, rows: &R, now: Time) -> Result<Vec<Group>, EngineError> {
        let mut groups: BTreeMap<EntryId, Group> = BTreeMap::new();
        for row in rows.under::<HoldRow>(Kind::Hold, "")? {
            if row.stands(now) {
                groups.entry(row.hold.clone()).or_default().push(row);
            }
        }
        let mut groups: Vec<Group> = groups.into_values().collect();
        for group in &mut groups {
            group.sort_by_key(|row| row.seq);
        }
        groups.sort_by_key(|group| group.first().map(|row| (row.comes_up(), row.seq)));
        Ok(groups)
    }

    /// The holds that stand, by those that come up first; with `within_days`, those that end or
    /// are to be looked at again by then.
    pub fn holds(
        &self,
        moment: &Moment<'_>,
        within_days: Option<i64>,
    ) -> Result<Vec<HoldItem>, EngineError> {
        let mut owned: BTreeMap<Subject, BTreeSet<Subject>> = BTreeMap::new();
        for link in moment.rows.under::<LinkRow>(Kind::Link, "")? {
            for person in link.person.iter().chain(&link.candidates) {
                let own = owned.entry(person.clone()).or_default();
                own.insert(link.account.clone());
            }
        }
        let mut items = Vec::new();
        for group in self.standing(&moment.rows, moment.now)? {
            let up = group.first().and_then(HoldRow::comes_up);
            let until = within_days.map(|days| moment.now.plus_days(days));
            if until.is_none_or(|until| up.is_some_and(|up| up <= until)) {
                items.extend(self.hold_item(moment, &group, &owned)?);
            }
        }
        Ok(items)
    }

    fn hold_item(
        &self,
        moment: &Moment<'_>,
        group: &Group,
        owned: &BTreeMap<Subject, BTreeSet<Subject>>,
    ) -> Result<Option<HoldItem>, EngineError> {
        let Some(first) = group.first() else {
            return Ok(None);
        };
        let (mut over, mut covered) = (Vec::new(), BTreeSet::new());
        for row in group {
            covered.insert(row.subject.clone());
            covered.extend(owned.get(&row.subject).into_iter().flatten().cloned());
            if row.person.is_none() {
                over.push(self.held_item(moment, &row.subject)?);
            }
        }
        let mut accounts = Vec::new();
        for account in &covered {
            accounts.extend(self.covered_item(moment, account)?);
        }
        Ok(Some(HoldItem {
            id: first.seq,
            kind: first.kind,
            over,
            accounts,
            unresolved: self.is_lost(moment, group)?,
            owner: self.words_of(first.seq, "owner")?,
            reason: self.words_of(first.seq, "reason")?,
            ticket: self.words_of(first.seq, "ticket")?,
            at: first.at,
            until: first.until,
            review: first.review,
            overdue: first.is_overdue(moment.now),
            by: self.who_said(first.by.as_ref())?,
            proof: first.proof.clone(),
        }))
    }

    fn held_item(&self, moment: &Moment<'_>, sub: &Subject) -> Result<HeldItem, EngineError> {
        let person = moment.rows.one::<PersonRow>(Kind::Person, sub.as_str())?;
        let account = moment.rows.one::<AccountRow>(Kind::Account, sub.as_str())?;
        let lost = lost_row(&moment.rows, sub)?;
        let of = |kind| {
            let lost = lost.as_ref().filter(|lost| lost.kind == kind);
            lost.map(|lost| lost.source.clone())
        };
        Ok(HeldItem {
            directory: person
                .map(|row| row.directory)
                .or_else(|| of(LostKind::Person)),
            tenant: account
                .map(|row| row.tenant)
                .or_else(|| of(LostKind::Account)),
            lost_by: lost.as_ref().map(|lost| lost.seq),
            subject: sub.clone(),
            email: self.profile(sub)?.first(Profile::MAIL).map(str::to_owned),
            erased_by: None,
        })
    }

    fn covered_item(
        &self,
        moment: &Moment<'_>,
        sub: &Subject,
    ) -> Result<Option<CoveredItem>, EngineError> {
        let row = moment.rows.one::<AccountRow>(Kind::Account, sub.as_str())?;
        let Some(row) = row.filter(|row| row.gone.is_none()) else {
            return Ok(None);
        };
        let profile = self.profile(sub)?;
        Ok(Some(CoveredItem {
            tenant: row.tenant.clone(),
            account: profile.first(Profile::KEY).map(str::to_owned),
            subject: sub.clone(),
            email: profile.first(Profile::MAIL).map(str::to_owned),
            erased_by: None,
            state: state_word(&row).to_owned(),
        }))
    }

    /// The holds that stand over one account.
    pub(super) fn holds_over(&self, account: &Subject) -> Result<Vec<HoldItem>, EngineError> {
        let mut holds = self.holds(&self.at(None)?, None)?;
        holds.retain(|hold| hold.accounts.iter().any(|own| own.subject == *account));
        Ok(holds)
    }

    /// How many holds stand, and which of them come up. Needs no vault.
    pub fn hold_count(&self, moment: &Moment<'_>) -> Result<HoldCount, EngineError> {
        let groups = self.standing(&moment.rows, moment.now)?;
        let soon = moment.now.plus_days(SOON_DAYS);
        let mut count = HoldCount {
            standing: groups.len() as u64,
            ending_soon: Vec::new(),
            overdue: Vec::new(),
            unresolved: Vec::new(),
        };
        for group in &groups {
            let Some(row) = group.first() else { continue };
            let Some(on) = row.comes_up() else { continue };
            let brief = HoldBrief {
                id: row.seq,
                kind: row.kind,
                on,
            };
            if self.is_lost(moment, group)? {
                count.unresolved.push(brief.clone());
            }
            if row.is_overdue(moment.now) {
                count.overdue.push(brief);
            } else if on <= soon {
                count.ending_soon.push(brief);
            }
        }
        Ok(count)
    }

    /// Whether a hold is over somebody whose values are lost.
    fn is_lost(&self, moment: &Moment<'_>, group: &Group) -> Result<bool, EngineError> {
        for row in group {
            if lost_row(&moment.rows, &row.subject)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Legal holds that should have been looked at again by now, and those of which nobody knows any
    /// more over whom they are.
    pub(super) fn hold_findings(&self, moment: &Moment<'_>) -> Result<Vec<Finding>, EngineError> {
        let mut found = Vec::new();
        for row in self
            .standing(&moment.rows, moment.now)?
            .into_iter()
            .flatten()
        {
            if row.person.is_some() {
                continue;
            }
            let held = self.held_item(moment, &row.subject)?;
            let overdue = row.review.filter(|_| row.is_overdue(moment.now));
            let overdue = overdue.map(|since| ("finding.hold-overdue", since, vec![row.seq]));
            let lost = held.lost_by.map(|lost| {
                let evidence = vec![row.seq, lost];
                ("finding.hold-unresolved", row.at, evidence)
            });
            for (code, since, evidence) in overdue.into_iter().chain(lost) {
                found.push(Finding {
                    kind: Code::new(code),
                    since,
                    subject: row.subject.clone(),
                    tenant: held.tenant.clone(),
                    directory: held.directory.clone(),
                    others: Vec::new(),
                    evidence,
                });
            }
        }
        Ok(found)
    }
}

/// Whom a hold is placed over: persons, the accounts that are named themselves, and those that are
/// theirs now, with the person, so that a link that is cut takes no account out of it.
fn targets(meant: &Meant) -> Vec<(Subject, Option<Subject>)> {
    let named = meant.people.iter().map(|p| &p.subject);
    let named = named.chain(meant.accounts.iter().map(|a| &a.subject));
    let named = named.map(|sub| (sub.clone(), None));
    let with = meant.people.first().map(|p| p.subject.clone());
    let belong = meant.belong.iter();
    let belong = belong.map(|account| (account.subject.clone(), with.clone()));
    named.chain(belong).collect()
}

/// Whether an entry about a hold over an account says only what another one says of its person.
pub(super) fn told_of_person(entry: &Entry, entries: &BTreeMap<Seq, Entry>) -> bool {
    let about_hold = [HoldPlaced::TYPE, HoldLifted::TYPE].contains(&entry.kind.as_str());
    let first = |other: &Entry| {
        other.kind == entry.kind
            && other.data.get("hold") == entry.data.get("hold")
            && other.sub != entry.sub
            && other.seq < entry.seq
    };
    about_hold && entries.values().any(first)
}

fn hold_key(row: &HoldRow) -> String {
    crate::domain::fold::pair_key(&row.subject, row.hold.as_str())
}

fn not_held(id: Seq) -> EngineError {
    EngineError::refused(
        "hold.not-held",
        format!("there is no hold #{id}, or it does not hold any more"),
        "`exeunt hold list` shows those that hold, with their numbers",
    )
}
