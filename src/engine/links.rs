//! Finds out to whom each account belongs: by an immutable key, then by one verified address.
//!
//! An address that two people have, or that has gone from one to another, belongs to nobody for
//! certain, and nothing is done on the strength of it. Nor does one that a person has given up, or an
//! account that was made when the person had left already: it may be somebody else's by then.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::domain::code::Code;
use crate::domain::event::Draft;
use crate::domain::event::LinkCut;
use crate::domain::event::LinkMade;
use crate::domain::event::LinkWithheld;
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
use crate::domain::source::SourceKind;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::Run;
use crate::ledger::LedgerError;
use crate::ledger::View;
use crate::ledger::vault::Profile;
use crate::ledger::vault::SubjectKind;

/// The most candidates that an entry names.
const MOST_CANDIDATES: usize = 20;

/// To whom an account belongs in one directory.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Belongs {
    /// Nobody in this directory.
    Nobody,
    /// One person for certain, by this rule.
    To(Subject, &'static str),
    /// Not certain, for this reason.
    Unclear(&'static str, Vec<Subject>),
}

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
        let shared = shared_addresses(&there, &profiles);
        let first_reads = first_reads(&view)?;
        let mut drafts = Vec::new();
        for account in &there {
            let Some(profile) = profiles.get(&account.subject) else {
                continue;
            };
            for directory in &self.directories {
                let key = pair_key(&account.subject, directory.name.as_str());
                let row = view.row::<LinkRow>(Kind::Link, &key)?;
                let before = row.as_ref().and_then(|r| r.person.as_ref());
                let known = Known {
                    directory: &directory.name,
                    people: &people,
                    shared: &shared,
                    before,
                    first_reads: &first_reads,
                };
                let belongs = self.belongs(account, profile, &known)?;
                if differs(row.as_ref(), &belongs) {
                    let draft = self.link_draft(account, &directory.name, belongs)?;
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

    fn belongs(
        &self,
        account: &AccountRow,
        profile: &Profile,
        known: &Known<'_>,
    ) -> Result<Belongs, EngineError> {
        let (directory, people) = (known.directory, known.people);
        let vault = self.ledger.vault()?;
        if let Some(external) = profile.first(Profile::EXTERNAL_ID) {
            let sub = vault.subject_of(SubjectKind::Person, directory, external)?;
            if let Some(sub) = sub.filter(|s| people.contains_key(s)) {
                return Ok(Belongs::To(sub, "external-id"));
            }
        }
        let Some(address) = profile.addresses().next() else {
            return Ok(Belongs::Nobody);
        };
        let mut candidates =
            vault.subjects_with_address(SubjectKind::Person, directory, &address)?;
        candidates.retain(|sub| people.contains_key(sub));
        candidates.truncate(MOST_CANDIDATES);
        let Some(first) = candidates.first().cloned() else {
            return Ok(Belongs::Nobody);
        };
        if candidates.len() > 1 {
            let mut holders = 0;
            for sub in &candidates {
                let profile = vault.profile(sub)?.unwrap_or_default();
                let gone = people.get(sub).is_some_and(|p| p.absent.is_some());
                if !gone && profile.addresses().any(|a| a == address) {
                    holders += 1;
                }
            }
            let code = match holders {
                0 | 1 => "block.recycled-address",
                _ => "block.ambiguous-identity",
            };
            return Ok(Belongs::Unclear(code, candidates));
        }
        if known
            .shared
            .contains(&(account.tenant.clone(), address.clone()))
        {
            return Ok(Belongs::Unclear("block.ambiguous-identity", vec![first]));
        }
        let holds = vault
            .profile(&first)?
            .is_some_and(|profile| profile.addresses().any(|a| a == address));
        let given_up = !holds && known.before != Some(&first);
        if given_up
            || people
                .get(&first)
                .is_some_and(|p| left_before(p, account, known.first_reads))
        {
            return Ok(Belongs::Unclear("block.recycled-address", vec![first]));
        }
        if !account.facts.address_verified {
            return Ok(Belongs::Unclear("block.address-not-verified", vec![first]));
        }
        Ok(Belongs::To(first, "verified-address"))
    }

    fn link_draft(
        &self,
        account: &AccountRow,
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
                    rule: rule.to_owned(),
                },
            ),
            Belongs::Unclear(code, candidates) => {
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
        Ok(draft.about(&account.subject))
    }
}

/// What an account is compared with.
struct Known<'a> {
    directory: &'a SourceName,
    people: &'a BTreeMap<Subject, PersonRow>,
    shared: &'a BTreeSet<(SourceName, Email)>,
    /// To whom it belonged so far.
    before: Option<&'a Subject>,
    first_reads: &'a BTreeMap<SourceName, Seq>,
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
    let facts = &person.facts;
    let disabled = facts
        .disabled_at
        .or(person.disabled.as_ref().map(|m| m.since));
    let left = [
        person.absent.as_ref().map(|m| m.since),
        disabled.filter(|_| facts.disabled_by.is_some()),
        facts.leave_at,
        facts.expires_at,
    ];
    left.into_iter().flatten().any(|left| left < made)
}

/// Addresses that two accounts of one tenant have.
fn shared_addresses(
    accounts: &[AccountRow],
    profiles: &BTreeMap<Subject, Profile>,
) -> BTreeSet<(SourceName, Email)> {
    let mut once = BTreeSet::new();
    let mut shared = BTreeSet::new();
    for account in accounts {
        let profile = profiles.get(&account.subject);
        if let Some(address) = profile.and_then(|p| p.addresses().next()) {
            let key = (account.tenant.clone(), address);
            if !once.insert(key.clone()) {
                shared.insert(key);
            }
        }
    }
    shared
}

fn differs(row: Option<&LinkRow>, belongs: &Belongs) -> bool {
    let Some(row) = row else {
        return *belongs != Belongs::Nobody;
    };
    match belongs {
        Belongs::Nobody => row.person.is_some() || row.because.is_some(),
        Belongs::To(person, rule) => {
            row.person.as_ref() != Some(person) || row.rule.as_deref() != Some(*rule)
        }
        Belongs::Unclear(code, candidates) => {
            row.because.as_ref().map(Code::as_str) != Some(*code) || row.candidates != *candidates
        }
    }
}
