//! Tells the story of people and accounts from their entries, and decides again as recorded.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use crate::domain::code;
use crate::domain::decide::RULES;
use crate::domain::decide::decide;
use crate::domain::decide::differs;
use crate::domain::event;
use crate::domain::event::Entry;
use crate::domain::event::Payload;
use crate::domain::id::Seq;
use crate::domain::id::Subject;
use crate::domain::rows::AccountRow;
use crate::domain::rows::Decision;
use crate::domain::rows::DecisionRow;
use crate::domain::rows::Kind;
use crate::domain::time::Time;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::decide::adopted;
use crate::engine::facts::Folded;
use crate::engine::tell;
use crate::engine::who::Found;

/// One thing that happened, as a sentence with its entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Happening {
    /// The entry.
    pub seq: Seq,
    /// When it happened, as the source says.
    pub at: Time,
    /// When it was recorded.
    pub recorded: Time,
    /// The entry's type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The sentence.
    pub says: String,
}

/// Whether deciding again gives what was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Again {
    /// The same.
    Same,
    /// The rules have changed since, and say something else now.
    RulesChanged,
    /// Something else under the same rules: the record and the rules do not fit together.
    Different,
}

/// The newest decision about an account, decided again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// Its entry.
    pub seq: Seq,
    /// The moment that it used.
    pub now: Time,
    /// What it says.
    pub decision: Decision,
    /// The finding, as a sentence.
    pub finding: String,
    /// What blocks it, as sentences.
    pub blocked: Vec<String>,
    /// The arithmetic, as sentences.
    pub arithmetic: Vec<String>,
    /// Whether deciding again from the recorded entries gives the same.
    pub again: Again,
}

/// The story of one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountStory {
    /// Its tenant.
    pub tenant: String,
    /// The tenant's own id.
    pub account: Option<String>,
    /// The pseudonym.
    pub subject: Subject,
    /// The address.
    pub email: Option<String>,
    /// Its state now.
    pub state: String,
    /// The newest decision; absent where the rules never had anything to say.
    pub decision: Option<Explained>,
    /// What happened, in order: to the account and to the people to whom it belongs.
    pub happened: Vec<Happening>,
}

/// Everybody to whom an account ever belonged, or could have.
fn once_linked<'a>(entries: impl Iterator<Item = &'a Entry>) -> Vec<Subject> {
    let mut people = Vec::new();
    for entry in entries {
        if let Some(made) = entry.payload::<event::LinkMade>() {
            people.push(made.person);
        } else if let Some(withheld) = entry.payload::<event::LinkWithheld>() {
            people.extend(withheld.candidates);
        }
    }
    people
}

impl Engine {
    /// Tells the stories of the accounts that somebody means.
    pub fn why(&self, who: &str, tenant: Option<&str>) -> Result<Vec<AccountStory>, EngineError> {
        let found = self.find(who)?;
        let mut stories = Vec::new();
        for account in &found.accounts {
            let view = self.ledger.view()?;
            let row = view.row::<AccountRow>(Kind::Account, account.as_str())?;
            let Some(row) = row else { continue };
            if tenant.is_none_or(|t| t == row.tenant.as_str()) {
                stories.push(self.story(&row, &found)?);
            }
        }
        Ok(stories)
    }

    /// What happened to people who have no account at all.
    pub fn people_happenings(&self, found: &Found) -> Result<Vec<Happening>, EngineError> {
        let entries = self.entries_about(found.people.iter())?;
        entries
            .values()
            .map(|entry| self.happening(entry))
            .collect()
    }

    fn story(&self, row: &AccountRow, found: &Found) -> Result<AccountStory, EngineError> {
        let account = &row.subject;
        let mut subjects: BTreeSet<Subject> = [account.clone()].into_iter().collect();
        let facts = self.facts(account)?;
        for link in facts.iter().flat_map(|f| &f.links) {
            subjects.extend(link.person.iter().map(|p| p.subject.clone()));
            subjects.extend(link.candidates.iter().map(|p| p.subject.clone()));
        }
        subjects.extend(
            found
                .people
                .iter()
                .filter(|_| found.accounts.len() == 1)
                .cloned(),
        );
        let entries = self.entries_about(subjects.iter())?;
        // a decision may rest on people to whom the account belongs no more
        subjects.extend(once_linked(entries.values()));
        let decision = self.explain(account, &self.entries_about(subjects.iter())?)?;
        let mut happened = Vec::new();
        for entry in entries.values() {
            happened.push(self.happening(entry)?);
        }
        happened.extend(self.plan_happenings(&entries)?);
        happened.sort_by_key(|h| h.seq);
        let profile = self.profile(account)?;
        let mail = crate::ledger::vault::Profile::MAIL;
        Ok(AccountStory {
            tenant: row.tenant.to_string(),
            account: self.account_id(account)?,
            subject: account.clone(),
            email: profile.first(mail).map(str::to_owned),
            state: crate::engine::replay::state_word(row).to_owned(),
            decision,
            happened,
        })
    }

    fn entries_about<'a>(
        &self,
        subjects: impl Iterator<Item = &'a Subject>,
    ) -> Result<BTreeMap<Seq, Entry>, EngineError> {
        let view = self.ledger.view()?;
        let mut entries = BTreeMap::new();
        for sub in subjects {
            entries.extend(view.about(sub)?.into_iter().map(|e| (e.seq, e)));
        }
        Ok(entries)
    }

    /// The plans that an account stood in: made, approved, released.
    fn plan_happenings(
        &self,
        entries: &BTreeMap<Seq, Entry>,
    ) -> Result<Vec<Happening>, EngineError> {
        let mut plans = BTreeSet::new();
        for entry in entries.values() {
            if let Some(intent) = entry.payload::<event::CommandIntended>() {
                plans.insert(intent.plan);
            } else if let Some(withheld) = entry.payload::<event::StepWithheld>() {
                plans.insert(withheld.plan);
            }
        }
        let view = self.ledger.view()?;
        let mut happened = Vec::new();
        let kinds = [
            event::PlanCreated::TYPE,
            event::PlanApproved::TYPE,
            event::PlanRejected::TYPE,
            event::BreakerReleased::TYPE,
            event::BreakerTripped::TYPE,
        ];
        for kind in kinds.iter().filter(|_| !plans.is_empty()) {
            for entry in view.of_type(kind)? {
                let plan = entry.data.get("plan").and_then(Value::as_str);
                if plan.is_some_and(|p| plans.iter().any(|known| known.as_str() == p)) {
                    happened.push(self.happening(&entry)?);
                }
            }
        }
        Ok(happened)
    }

    /// One entry as a sentence.
    pub fn happening(&self, entry: &Entry) -> Result<Happening, EngineError> {
        let name = |sub: &Subject| self.called(sub).unwrap_or_else(|_| sub.to_string());
        Ok(Happening {
            seq: entry.seq,
            at: entry.at,
            recorded: entry.rec,
            kind: entry.kind.clone(),
            says: tell::sentence(entry, &name),
        })
    }

    /// Decides again about an account: from its own entries and those that the newest decision
    /// names, at the recorded moment.
    fn explain(
        &self,
        account: &Subject,
        about: &BTreeMap<Seq, Entry>,
    ) -> Result<Option<Explained>, EngineError> {
        let view = self.ledger.view()?;
        let row = view.row::<DecisionRow>(Kind::Decision, account.as_str())?;
        let Some(row) = row else { return Ok(None) };
        let started = view
            .entry(row.run)?
            .and_then(|e| e.payload::<event::RunStarted>());
        let Some(started) = started else {
            return Ok(None);
        };
        let mut entries: BTreeMap<Seq, Entry> = about
            .iter()
            .filter(|(seq, _)| **seq < row.seq)
            .map(|(s, e)| (*s, e.clone()))
            .collect();
        for seq in row.decision.evidence.iter().filter(|seq| **seq < row.seq) {
            if let Some(entry) = view.entry(*seq)? {
                entries.insert(*seq, entry);
            }
        }
        let mut folded = Folded::default();
        for entry in entries.values() {
            folded.take(entry);
        }
        let again = self.decide_again(&folded, account, &row, &started)?;
        let sums = row.decision.arithmetic.iter().map(tell::sum).collect();
        Ok(Some(Explained {
            seq: row.seq,
            now: started.now,
            finding: code::says(row.decision.because.as_str()),
            blocked: row
                .decision
                .blocked
                .iter()
                .map(|c| code::says(c.as_str()))
                .collect(),
            arithmetic: sums,
            decision: row.decision,
            again,
        }))
    }

    fn decide_again(
        &self,
        folded: &Folded,
        account: &Subject,
        row: &DecisionRow,
        started: &event::RunStarted,
    ) -> Result<Again, EngineError> {
        use crate::engine::facts::Rows as _;
        let known = folded.one::<AccountRow>(Kind::Account, account.as_str())?;
        let called = row.decision.policy.clone();
        let facts = match known {
            Some(known) => self.gatherer(folded, called)?.facts(known)?,
            None => None,
        };
        let (Some(facts), Some((_, set))) = (facts, adopted(folded)?) else {
            return Ok(Again::Different);
        };
        let fresh = decide(&facts, &set, started.now);
        let same = !differs(Some(&row.decision), &fresh);
        Ok(match (same, started.rules == RULES) {
            (true, _) => Again::Same,
            (false, false) => Again::RulesChanged,
            (false, true) => Again::Different,
        })
    }
}
