//! Finds out to whom each account belongs, by the rules of its tenant (`domain/correlation`).
//!
//! Here is what only the vault knows: whose key, number and address an account has.

use std::collections::BTreeMap;

use crate::domain::account::AccountKind;
use crate::domain::code::Code;
use crate::domain::correlation::Belongs;
use crate::domain::correlation::Candidate;
use crate::domain::correlation::Claim;
use crate::domain::correlation::Holds;
use crate::domain::correlation::Rule;
use crate::domain::correlation::Stated;
use crate::domain::correlation::correlate;
use crate::domain::departure::departure;
use crate::domain::departure::signs;
use crate::domain::departure::times_of_leaving;
use crate::domain::event::Draft;
use crate::domain::event::LinkCut;
use crate::domain::event::LinkMade;
use crate::domain::event::LinkWithheld;
use crate::domain::event::PersonObserved;
use crate::domain::fold::pair_key;
use crate::domain::id::Email;
use crate::domain::id::Seq;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::rows::AccountRow;
use crate::domain::rows::Kind;
use crate::domain::rows::LinkRow;
use crate::domain::rows::PersonRow;
use crate::domain::rows::SourceRow;
use crate::domain::rows::StatedRow;
use crate::domain::source::SourceKind;
use crate::domain::time::Time;
use crate::engine::DirectorySource;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::Run;
use crate::engine::decide::adopted;
use crate::ledger::LedgerError;
use crate::ledger::View;
use crate::ledger::vault::Profile;
use crate::ledger::vault::SubjectKind;

/// The most candidates that an entry names.
const MOST_CANDIDATES: usize = 20;

impl Engine {
    /// Compares every account with every directory, and appends what is different from before.
    pub(super) fn link_accounts(&self, run: &Run) -> Result<u64, EngineError> {
        let view = self.ledger.view()?;
        let accounts = view.rows::<AccountRow>(Kind::Account)?;
        let people: BTreeMap<Subject, PersonRow> = view
            .rows::<PersonRow>(Kind::Person)?
            .into_iter()
            .map(|(_, row)| (row.subject.clone(), row))
            .collect();
        let there: Vec<_> = accounts
            .into_iter()
            .map(|(_, a)| a)
            .filter(|a| a.gone.is_none())
            .collect();
        let profiles = self.account_profiles(&there)?;
        let known = Known {
            people,
            profiles,
            first_reads: first_reads(&view)?,
            now: run.now,
        };
        let order = self.rules(&view)?;
        let rows = view.rows::<StatedRow>(Kind::Stated)?;
        let mut said: BTreeMap<String, StatedRow> = rows.into_iter().collect();
        let links = view.rows::<LinkRow>(Kind::Link)?;
        let mut links: BTreeMap<String, LinkRow> = links.into_iter().collect();
        let mut drafts = Vec::new();
        for directory in &self.directories {
            let numbers = self.by_number(&known, &directory.name)?;
            let mut rows = BTreeMap::new();
            let mut claims = Vec::new();
            for account in &there {
                let key = pair_key(&account.subject, directory.name.as_str());
                let row = links.remove(&key);
                let said = said.remove(&key);
                let before = row.as_ref().and_then(|r| r.person.clone());
                claims.extend(self.claim(account, directory, &known, &numbers, before, said)?);
                rows.insert(account.subject.clone(), (key, row));
            }
            for (account, belongs) in correlate(&order, &claims) {
                let Some((key, row)) = rows.remove(&account) else {
                    continue;
                };
                if differs(row.as_ref(), &belongs) {
                    let draft = self.link_draft(&account, &directory.name, belongs)?;
                    drafts.push((key, row.map(|r| r.seq), draft));
                }
            }
        }
        let mut count = 0;
        for chunk in drafts.chunks(crate::ledger::BATCH) {
            let appended = self.ledger.commit::<LedgerError>(&run.by, |view| {
                let mut fresh = Vec::new();
                for (key, seen, draft) in chunk {
                    // what another process has said meanwhile rests on newer reads than this
                    let now = view.row::<LinkRow>(Kind::Link, key)?.map(|r| r.seq);
                    if now == *seen {
                        fresh.push(draft.clone());
                    }
                }
                Ok(fresh)
            })?;
            count += appended.count;
        }
        Ok(count)
    }

    fn account_profiles(
        &self,
        accounts: &[AccountRow],
    ) -> Result<BTreeMap<Subject, Profile>, EngineError> {
        let vault = self.ledger.vault()?;
        let mut profiles = BTreeMap::new();
        for account in accounts {
            if let Some(profile) = vault.profile(&account.subject)? {
                profiles.insert(account.subject.clone(), profile);
            }
        }
        Ok(profiles)
    }

    /// By which rules each tenant's accounts are given to people: as the policy says that rules,
    /// and for tenants that it does not know yet, as configured.
    fn rules(&self, view: &View<'_>) -> Result<BTreeMap<SourceName, Vec<Rule>>, EngineError> {
        let set = adopted(view)?.map(|(_, set)| set).unwrap_or_default();
        let mut order = BTreeMap::new();
        for tenant in &self.config.tenant {
            let guard = set.sources.get(&format!("tenant/{}", tenant.name));
            let rules = guard.map_or_else(|| tenant.rules(), |guard| guard.rules().to_vec());
            order.insert(SourceName::new(&tenant.name), rules);
        }
        Ok(order)
    }

    /// The people of a directory by employee number; empty where no account has one.
    fn by_number(
        &self,
        known: &Known,
        directory: &SourceName,
    ) -> Result<BTreeMap<String, Vec<Subject>>, EngineError> {
        let mut numbers: BTreeMap<String, Vec<Subject>> = BTreeMap::new();
        let number = |profile: &Profile| {
            let number = profile.first(Profile::EMPLOYEE_NUMBER)?;
            Some(number.trim().to_owned())
        };
        if !known.profiles.values().any(|p| number(p).is_some()) {
            return Ok(numbers);
        }
        let vault = self.ledger.vault()?;
        for person in known.people.values().filter(|p| p.directory == *directory) {
            let profile = vault.profile(&person.subject)?;
            if let Some(number) = profile.as_ref().and_then(number) {
                numbers
                    .entry(number)
                    .or_default()
                    .push(person.subject.clone());
            }
        }
        Ok(numbers)
    }

    /// What an account has in common with the people of one directory; `None` if nothing personal
    /// is known of it.
    fn claim(
        &self,
        account: &AccountRow,
        directory: &DirectorySource,
        known: &Known,
        numbers: &BTreeMap<String, Vec<Subject>>,
        before: Option<Subject>,
        said: Option<StatedRow>,
    ) -> Result<Option<Claim>, EngineError> {
        let Some(profile) = known.profiles.get(&account.subject) else {
            return Ok(None);
        };
        let vault = self.ledger.vault()?;
        let everybody = directory.adapter.lists_everybody();
        let word = said.as_ref().and_then(newest_word);
        let candidate = |sub: &Subject, holds: Holds| -> Result<_, EngineError> {
            let Some(person) = known.people.get(sub) else {
                return Ok(None);
            };
            let unheard = match word {
                Some(word) => self.unheard(person, word)?,
                None => false,
            };
            Ok(Some(Candidate {
                person: sub.clone(),
                holds,
                gone: person.is_gone(),
                leaving: !everybody || is_leaving(person),
                left_before: left_before(person, account, &known.first_reads),
                here: everybody && departure(person, true, known.now).is_none(),
                unheard,
            }))
        };
        let all = |held: &[Subject]| -> Result<Vec<Candidate>, EngineError> {
            let each = held.iter().take(MOST_CANDIDATES);
            let each = each.map(|sub| candidate(sub, Holds::First));
            Ok(each
                .collect::<Result<Vec<_>, _>>()?
                .into_iter()
                .flatten()
                .collect())
        };
        let by_key = match profile.first(Profile::EXTERNAL_ID) {
            Some(key) => vault.subject_of(SubjectKind::Person, &directory.name, key)?,
            None => None,
        };
        let number = profile.first(Profile::EMPLOYEE_NUMBER).map(str::trim);
        let by_number = number.and_then(|number| numbers.get(number));
        let address = profile.addresses().next();
        let mut by_address = Vec::new();
        if let Some(address) = &address {
            let mut held =
                vault.subjects_with_address(SubjectKind::Person, &directory.name, address)?;
            held.retain(|sub| known.people.contains_key(sub));
            held.truncate(MOST_CANDIDATES);
            for sub in held {
                let holds = holds(&vault.profile(&sub)?.unwrap_or_default(), address);
                by_address.extend(candidate(&sub, holds)?);
            }
        }
        let stated = said.map_or_else(Stated::default, |said| Stated {
            to: said.to.map(|to| to.person),
            not: said.not.into_iter().map(|not| not.person).collect(),
        });
        Ok(Some(Claim {
            account: account.subject.clone(),
            tenant: account.tenant.clone(),
            machine: account.facts.kind == AccountKind::Service,
            address,
            verified: account.facts.address_verified,
            before,
            stated,
            by_key: all(by_key.as_slice())?,
            by_number: all(by_number.map_or(&[], Vec::as_slice))?,
            by_address,
        }))
    }

    /// Whether a word about whose an account is could not know that a person has what they have: they
    /// were first seen, or got another address or number, after it.
    fn unheard(&self, person: &PersonRow, word: Seq) -> Result<bool, EngineError> {
        if word < person.first {
            return Ok(true);
        }
        if person.seq < word {
            return Ok(false);
        }
        let entries = self.ledger.view()?.about(&person.subject)?;
        let later = entries.iter().filter(|entry| entry.seq > word);
        let mut seen = later.filter_map(|entry| entry.payload::<PersonObserved>());
        let has = [Profile::MAIL, Profile::EMPLOYEE_NUMBER];
        Ok(seen.any(|seen| has.iter().any(|field| seen.changed.contains(*field))))
    }

    fn link_draft(
        &self,
        account: &Subject,
        directory: &SourceName,
        belongs: Belongs,
    ) -> Result<Draft, EngineError> {
        let id = self.ledger.entry_id()?;
        let directory = directory.clone();
        let draft = match belongs {
            Belongs::Nobody => Draft::new(id, &LinkCut { directory }),
            Belongs::To(person, rule) => Draft::new(
                id,
                &LinkMade {
                    directory,
                    person,
                    rule: rule.as_str().to_owned(),
                },
            ),
            Belongs::Unclear(code, mut candidates) => {
                candidates.truncate(MOST_CANDIDATES);
                let because = Code::new(code);
                Draft::new(
                    id,
                    &LinkWithheld {
                        directory,
                        because,
                        candidates,
                    },
                )
            }
        };
        Ok(draft.about(account))
    }
}

/// What accounts are compared with.
struct Known {
    people: BTreeMap<Subject, PersonRow>,
    /// By account.
    profiles: BTreeMap<Subject, Profile>,
    first_reads: BTreeMap<SourceName, Seq>,
    now: Time,
}

/// When somebody last said whose an account is, or is not.
fn newest_word(said: &StatedRow) -> Option<Seq> {
    said.to.iter().chain(&said.not).map(|word| word.seq).max()
}

/// How a person has an address.
fn holds(person: &Profile, address: &Email) -> Holds {
    match person.addresses().position(|held| held == *address) {
        Some(0) => Holds::First,
        Some(_) => Holds::Further,
        None => Holds::Formerly,
    }
}

/// Whether anything says that a person has left or will leave.
fn is_leaving(person: &PersonRow) -> bool {
    person.absent.is_some() || person.named.is_some() || !signs(&person.facts).is_empty()
}

/// By tenant, the entry of its first complete read.
fn first_reads(view: &View<'_>) -> Result<BTreeMap<SourceName, Seq>, EngineError> {
    let rows = view.rows::<SourceRow>(Kind::Source)?.into_iter();
    let tenants = rows
        .map(|(_, row)| row)
        .filter(|row| row.kind == SourceKind::Tenant);
    Ok(tenants
        .filter_map(|row| Some((row.source, row.first_complete?)))
        .collect())
}

/// Whether a person had left before an account was made.
///
/// Where the tenant gives no date, an account that was there when the tenant was first read may be
/// of any age: nothing says that it is somebody else's.
fn left_before(
    person: &PersonRow,
    account: &AccountRow,
    first_reads: &BTreeMap<SourceName, Seq>,
) -> bool {
    let first_read = first_reads.get(&account.tenant);
    let made = match account.facts.created_at {
        Some(at) => at,
        None if first_read.is_none_or(|read| account.first < *read) => return false,
        None => account.first_seen,
    };
    times_of_leaving(person).iter().any(|left| *left < made)
}

fn differs(row: Option<&LinkRow>, belongs: &Belongs) -> bool {
    let Some(row) = row else {
        return *belongs != Belongs::Nobody;
    };
    match belongs {
        Belongs::Nobody => row.person.is_some() || row.because.is_some(),
        Belongs::To(person, rule) => {
            row.person.as_ref() != Some(person) || row.rule.as_deref() != Some(rule.as_str())
        }
        Belongs::Unclear(code, candidates) => {
            let named: Vec<_> = candidates.iter().take(MOST_CANDIDATES).collect();
            row.because.as_ref().map(Code::as_str) != Some(*code)
                || !row.candidates.iter().eq(named)
        }
    }
}
