//! Tells the story of people and accounts from their entries, and decides again as recorded.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Serialize;

use crate::domain::account::Signal;
use crate::domain::code;
use crate::domain::decide::Facts;
use crate::domain::decide::RULES;
use crate::domain::decide::decide;
use crate::domain::decide::differs;
use crate::domain::departure::DepartureFact;
use crate::domain::departure::departure;
use crate::domain::departure::stated_of;
use crate::domain::event;
use crate::domain::event::Entry;
use crate::domain::event::Payload;
use crate::domain::id::Seq;
use crate::domain::id::Subject;
use crate::domain::leaver_clock::LeaverClock;
use crate::domain::leaver_clock::is_use_after;
use crate::domain::rows::AccountRow;
use crate::domain::rows::Decision;
use crate::domain::rows::DecisionRow;
use crate::domain::rows::KeptMark;
use crate::domain::rows::KeptRow;
use crate::domain::rows::Kind;
use crate::domain::time::Time;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::decide::adopted;
use crate::engine::facts::Folded;
use crate::engine::hold::HoldItem;
use crate::engine::hold::told_of_person;
use crate::engine::tell;
use crate::engine::who::Found;
use crate::ledger::vault::Profile;

mod among;

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
    /// What says now that the people to whom it belongs have left.
    pub departures: Vec<StoryDeparture>,
    /// The holds that stand over it now.
    pub holds: Vec<HoldItem>,
    /// What happened, in order: to the account and to the people to whom it belongs.
    pub happened: Vec<Happening>,
    /// The clock, if somebody behind the account has left.
    pub clock: Option<LeaverClock>,
}

/// What says that one person has left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoryDeparture {
    /// The directory; absent where the account itself was named.
    pub directory: Option<String>,
    /// The person, or the account that was named itself.
    pub subject: Subject,
    /// The address.
    pub email: Option<String>,
    /// Every fact, the strongest first.
    pub facts: Vec<DepartureFact>,
    /// The day of a login at the directory after that.
    pub login_after: Option<Time>,
    /// How the account was used after that: the newest of each signal.
    pub used_after: Vec<Use>,
}

/// One use of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Use {
    /// By which signal it is known.
    pub signal: Signal,
    /// When.
    pub at: Time,
    /// The entry.
    pub seq: Seq,
}

/// How an account was used after a moment.
fn used_after(facts: &Facts, since: Time) -> Vec<Use> {
    let newest = facts.activity.iter().flat_map(|a| &a.newest);
    let after = newest.filter(|(_, mark)| is_use_after(mark.since, since));
    after
        .map(|(signal, mark)| Use {
            signal: *signal,
            at: mark.since,
            seq: mark.seq,
        })
        .collect()
}

/// Everybody to whom an account ever belonged, or could have.
fn once_linked<'a>(entries: impl Iterator<Item = &'a Entry>) -> Vec<Subject> {
    let mut people = Vec::new();
    for entry in entries {
        if let Some(made) = entry.payload::<event::LinkMade>() {
            people.push(made.person);
        } else if let Some(stated) = entry.payload::<event::LinkStated>() {
            people.push(stated.person);
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
        let mut happened = self.read_happenings(&entries)?;
        for entry in entries.values() {
            happened.push(self.happening(entry)?);
        }
        happened.sort_by_key(|h| h.seq);
        Ok(happened)
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
        let names = self.names_apart(account, &subjects)?;
        for entry in entries.values().filter(|e| !told_of_person(e, &entries)) {
            happened.push(self.happening_among(entry, &names)?);
        }
        happened.extend(self.plan_happenings(account, &entries)?);
        happened.extend(self.read_happenings(&entries)?);
        happened.sort_by_key(|h| h.seq);
        let profile = self.profile(account)?;
        let departures = match &facts {
            Some(facts) => self.departures(facts)?,
            None => Vec::new(),
        };
        Ok(AccountStory {
            tenant: row.tenant.to_string(),
            account: self.account_id(account)?,
            subject: account.clone(),
            email: profile.first(Profile::MAIL).map(str::to_owned),
            state: crate::engine::replay::state_word(row).to_owned(),
            decision,
            departures,
            holds: self.holds_over(account)?,
            happened,
            clock: self.clock_now(account)?,
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

    /// The reads that did not have a person: what an absence rests on.
    fn read_happenings(
        &self,
        entries: &BTreeMap<Seq, Entry>,
    ) -> Result<Vec<Happening>, EngineError> {
        let view = self.ledger.view()?;
        let kinds = [event::PersonMissed::TYPE, event::PersonAbsent::TYPE];
        let causes: BTreeSet<_> = entries
            .values()
            .filter(|entry| kinds.contains(&entry.kind.as_str()))
            .filter_map(|entry| entry.cause.as_ref())
            .collect();
        let mut happened = Vec::new();
        for read in causes {
            if let Some(entry) = view.by_id(read)? {
                happened.push(self.happening(&entry)?);
            }
        }
        Ok(happened)
    }

    /// One entry as a sentence.
    pub fn happening(&self, entry: &Entry) -> Result<Happening, EngineError> {
        self.happening_among(entry, &BTreeMap::new())
    }

    /// One entry as a sentence, in which some subjects have names of their own.
    fn happening_among(
        &self,
        entry: &Entry,
        names: &BTreeMap<Subject, String>,
    ) -> Result<Happening, EngineError> {
        let called = |sub: &Subject| self.called(sub).unwrap_or_else(|_| sub.to_string());
        let name = |sub: &Subject| names.get(sub).cloned().unwrap_or_else(|| called(sub));
        let mut says = tell::sentence(entry, &name);
        // what people say they say with reasons
        if entry.actor.sub.is_some() {
            for field in ["by", "note", "owner", "reason", "ticket"] {
                if let Some(text) = self.opened(entry, field)? {
                    says.push_str(&format!(", {field}: {text}"));
                }
            }
        }
        if let Some(address) = self.new_address(entry)? {
            says.push_str(&format!(", with another address: {address}"));
        }
        Ok(Happening {
            seq: entry.seq,
            at: entry.at,
            recorded: entry.rec,
            kind: entry.kind.clone(),
            says,
        })
    }

    /// The text that an entry commits to, where the vault still opens it.
    fn opened(&self, entry: &Entry, field: &str) -> Result<Option<String>, EngineError> {
        // opened without its vault, a ledger shows what can be told without it
        let Ok(vault) = self.ledger.vault() else {
            return Ok(None);
        };
        let opening = vault.opening(&entry.id, field)?;
        Ok(opening.and_then(|opening| String::from_utf8(opening.value).ok()))
    }

    /// The address that a person or account has got in place of another one.
    fn new_address(&self, entry: &Entry) -> Result<Option<String>, EngineError> {
        let person = entry.payload::<event::PersonObserved>().map(|p| p.changed);
        let account = entry.payload::<event::AccountObserved>().map(|a| a.changed);
        let changed = person.or(account).unwrap_or_default();
        // with the key, everything is seen for the first time
        if changed.contains(Profile::KEY) || !changed.contains(Profile::MAIL) {
            return Ok(None);
        }
        let values = self.opened(entry, Profile::MAIL)?;
        let values = values.and_then(|text| serde_json::from_str::<Vec<String>>(&text).ok());
        Ok(values.and_then(|values| values.into_iter().next()))
    }

    /// Everything that says now that the people of an account have left, and what came after it.
    fn departures(&self, facts: &Facts) -> Result<Vec<StoryDeparture>, EngineError> {
        let now = self.clock.now();
        let mut departures = Vec::new();
        for link in &facts.links {
            let person = link.linked_person().filter(|p| link.counts(p, now));
            let Some(person) = person else {
                continue;
            };
            let Some(left) = departure(person, link.lists_everybody, now) else {
                continue;
            };
            departures.push(StoryDeparture {
                directory: Some(link.directory.to_string()),
                subject: person.subject.clone(),
                email: self
                    .profile(&person.subject)?
                    .first(Profile::MAIL)
                    .map(str::to_owned),
                used_after: used_after(facts, left.since),
                facts: left.facts,
                login_after: person.facts.login_after,
            });
        }
        let account = &facts.account;
        if let Some(left) = stated_of(account, now) {
            departures.push(StoryDeparture {
                directory: None,
                subject: account.subject.clone(),
                email: self
                    .profile(&account.subject)?
                    .first(Profile::MAIL)
                    .map(str::to_owned),
                used_after: used_after(facts, left.since),
                facts: left.facts,
                login_after: None,
            });
        }
        Ok(departures)
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
        let kept = self.kept_by(&folded, account, &row.decision)?;
        let sums = row.decision.arithmetic.iter().map(tell::sum).collect();
        Ok(Some(Explained {
            seq: row.seq,
            now: started.now,
            finding: code::says(row.decision.because.as_str()),
            blocked: row
                .decision
                .blocked
                .iter()
                .map(|c| match c.as_str() {
                    "block.kept-by-reviewer" => kept.clone(),
                    code => code::says(code),
                })
                .collect(),
            arithmetic: sums,
            decision: row.decision,
            again,
        }))
    }

    /// Who has left an account out of a plan, and until when it stays.
    fn kept_by(
        &self,
        folded: &Folded,
        account: &Subject,
        decision: &Decision,
    ) -> Result<String, EngineError> {
        use crate::engine::facts::Rows as _;
        let says = code::says("block.kept-by-reviewer");
        let row = folded.one::<KeptRow>(Kind::Kept, account.as_str())?;
        let same = |mark: &&KeptMark| {
            decision.when == Some(mark.when) && decision.class == Some(mark.class)
        };
        let Some(mark) = row.iter().flat_map(|row| &row.kept).find(same) else {
            return Ok(says);
        };
        let by = match &mark.by {
            Some(by) => self.called(by)?,
            None => "the program".to_owned(),
        };
        let until = tell::moment(mark.until);
        let says = says.trim_end_matches('.');
        Ok(format!("{says}: {by} said so, and it holds until {until}."))
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
