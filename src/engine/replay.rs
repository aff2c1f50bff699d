//! The derived sets, now or as of an earlier position or moment, by the same pure functions.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::domain::account::AccountState;
use crate::domain::activity::ActivityState;
use crate::domain::code::Code;
use crate::domain::decide::silence;
use crate::domain::departure::DepartureFact;
use crate::domain::departure::departure;
use crate::domain::id::Seq;
use crate::domain::id::Subject;
use crate::domain::leaver_clock::LeaverClock;
use crate::domain::person::Strength;
use crate::domain::policy::PolicySet;
use crate::domain::rows::AccountRow;
use crate::domain::rows::Kind;
use crate::domain::rows::LinkRow;
use crate::domain::rows::PersonRow;
use crate::domain::rows::When;
use crate::domain::time::Time;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::decide::adopted;
use crate::engine::facts::Folded;
use crate::engine::facts::Rows;
use crate::engine::leavers::ClockJudge;
use crate::ledger::LedgerError;
use crate::ledger::View;
use crate::ledger::store::StoreError;
use crate::ledger::vault::Profile;

/// The days that `inactive` looks back where neither a policy nor the command line says so.
pub const USUAL_DAYS: u64 = 90;

/// Rows as they stand, or as they stood.
#[derive(Debug)]
pub enum State<'a> {
    /// Now.
    Now(View<'a>),
    /// Folded from the entries up to some position.
    Then(Folded),
}

impl Rows for State<'_> {
    fn one<T: DeserializeOwned>(&self, kind: Kind, key: &str) -> Result<Option<T>, LedgerError> {
        match self {
            State::Now(view) => view.one(kind, key),
            State::Then(folded) => folded.one(kind, key),
        }
    }

    fn under<T: DeserializeOwned>(&self, kind: Kind, prefix: &str) -> Result<Vec<T>, LedgerError> {
        match self {
            State::Now(view) => view.under(kind, prefix),
            State::Then(folded) => folded.under(kind, prefix),
        }
    }
}

/// A state of the ledger that questions are asked of.
#[derive(Debug)]
pub struct Moment<'a> {
    /// The rows.
    pub rows: State<'a>,
    /// The position of the last entry that counts.
    pub seq: Seq,
    /// Its link, in hexadecimal.
    pub link: String,
    /// The moment that is asked about: our clock.
    pub now: Time,
}

/// The head of a document: what it was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeadShown {
    /// The position of the last entry that counts.
    pub seq: Seq,
    /// Its link, in hexadecimal.
    pub link: String,
}

/// One proved-inactive account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InactiveItem {
    /// Its tenant.
    pub tenant: String,
    /// The tenant's own id; absent after an erasure.
    pub account: Option<String>,
    /// The pseudonym.
    pub subject: Subject,
    /// The address; absent after an erasure, or where the tenant has none.
    pub email: Option<String>,
    /// The entry that erased the values.
    pub erased_by: Option<Seq>,
    /// The policy whose days were used.
    pub policy: Option<String>,
    /// The newest activity; absent where none was ever seen.
    pub since: Option<Time>,
    /// How far back the history reaches on which this rests.
    pub horizon: Time,
    /// The entries on which this rests.
    pub evidence: Vec<Seq>,
    /// The finding: `inactive.no-login`, `inactive.never-logged-in`.
    pub because: Code,
    /// How many days were asked for.
    pub days: u64,
}

/// One person who has left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DepartedItem {
    /// The directory.
    pub directory: String,
    /// The pseudonym.
    pub subject: Subject,
    /// The address.
    pub email: Option<String>,
    /// The entry that erased the values.
    pub erased_by: Option<Seq>,
    /// Since when.
    pub since: Time,
    /// The strongest fact.
    pub strength: Strength,
    /// The finding.
    pub because: Code,
    /// Every fact that says so, the strongest first.
    pub facts: Vec<DepartureFact>,
    /// The entries on which this rests.
    pub evidence: Vec<Seq>,
    /// The person's accounts.
    pub accounts: Vec<DepartedAccount>,
}

/// An account of somebody who has left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DepartedAccount {
    /// Its tenant.
    pub tenant: String,
    /// The tenant's own id.
    pub account: Option<String>,
    /// The pseudonym.
    pub subject: Subject,
    /// `active`, `disabled`, `invited` or `gone`.
    pub state: String,
    /// The clock; absent where the account's tenant was never read.
    pub clock: Option<LeaverClock>,
}

/// One account about whose activity nothing can be said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnknownItem {
    /// Its tenant.
    pub tenant: String,
    /// The tenant's own id.
    pub account: Option<String>,
    /// The pseudonym.
    pub subject: Subject,
    /// The address.
    pub email: Option<String>,
    /// The entry that erased the values.
    pub erased_by: Option<Seq>,
    /// Why, as a code.
    pub because: Code,
    /// From when on silence can be proved if nothing else happens.
    pub provable_from: Option<Time>,
}

impl Engine {
    /// The ledger as it stands, or as it stood at a position or at a day or moment of our clock.
    pub fn at(&self, as_of: Option<&str>) -> Result<Moment<'_>, EngineError> {
        let view = self.ledger.view()?;
        let Some(as_of) = as_of else {
            let head = view.head();
            let (seq, link) = (head.size.saturating_sub(1), hex::encode(head.link));
            return Ok(Moment {
                seq,
                link,
                now: self.clock.now(),
                rows: State::Now(view),
            });
        };
        let until = as_of_position(&view, as_of)?;
        let mut folded = Folded::default();
        let mut last = None;
        view.each_stored(0, until.saturating_add(1), |stored| {
            let entry = stored
                .entry()
                .map_err(|e: StoreError| LedgerError::from(e))?;
            folded.take(&entry);
            last = Some((stored.link, entry.rec));
            Ok(())
        })?;
        let Some((link, rec)) = last else {
            return Err(EngineError::unknown(
                format!("the ledger had no entry at {as_of}"),
                "`exeunt log` shows what there is",
            ));
        };
        // a position is asked about as of its entry, a day as of its end, which may lie later
        let asked = match as_of.parse::<Seq>() {
            Ok(_) => None,
            Err(_) => parse_moment(as_of),
        };
        Ok(Moment {
            rows: State::Then(folded),
            seq: until,
            link: hex::encode(link),
            now: asked.map_or(rec, |asked| asked.min(self.clock.now()).max(rec)),
        })
    }

    /// Every account that is proved inactive: by each policy's days, or by `days`.
    pub fn inactive(
        &self,
        moment: &Moment<'_>,
        days: Option<u64>,
        tenants: &[String],
    ) -> Result<Vec<InactiveItem>, EngineError> {
        let set = self.policy_at(moment)?;
        let asked = thresholds(&set, days);
        let gatherer = self.gatherer(&moment.rows, None)?;
        let mut items = Vec::new();
        for account in accounts_in(&moment.rows, tenants)? {
            let active = account.gone.is_none() && account.facts.state == AccountState::Active;
            let Some(facts) = gatherer.facts(account)?.filter(|_| active) else {
                continue;
            };
            for (policy, days) in &asked {
                let state = silence(&facts, &set, *days, moment.now);
                let ActivityState::NoneSince {
                    last,
                    horizon,
                    because,
                    ..
                } = state
                else {
                    continue;
                };
                let account = &facts.account;
                let profile = self.profile(&account.subject)?;
                let mut evidence: BTreeSet<Seq> = [account.seq].into_iter().collect();
                evidence.extend(facts.tenant.complete.as_ref().map(|r| r.seq));
                let seen = facts.activity.iter().flat_map(|a| a.newest.values());
                evidence.extend(seen.map(|mark| mark.seq));
                items.push(InactiveItem {
                    tenant: account.tenant.to_string(),
                    account: profile.first(Profile::KEY).map(str::to_owned),
                    subject: account.subject.clone(),
                    email: profile.first(Profile::MAIL).map(str::to_owned),
                    erased_by: None,
                    policy: policy.clone(),
                    since: last,
                    horizon,
                    evidence: evidence.into_iter().collect(),
                    because,
                    days: *days,
                });
            }
        }
        Ok(items)
    }

    /// Every person who has left an authoritative directory, or of whom a named person said that they
    /// leave, with their accounts.
    pub fn departed(&self, moment: &Moment<'_>) -> Result<Vec<DepartedItem>, EngineError> {
        let traits: BTreeMap<_, _> = self
            .directory_traits(&moment.rows)?
            .into_iter()
            .map(|t| (t.name.clone(), t))
            .collect();
        let mut links: BTreeMap<Subject, Vec<Subject>> = BTreeMap::new();
        for link in moment.rows.under::<LinkRow>(Kind::Link, "")? {
            if let Some(person) = link.person {
                links.entry(person).or_default().push(link.account);
            }
        }
        let judge = self.clock_judge(moment)?;
        let mut items = Vec::new();
        for person in moment.rows.under::<PersonRow>(Kind::Person, "")? {
            let directory = traits.get(&person.directory);
            let everybody = directory.is_some_and(|t| t.lists_everybody);
            let counts = directory.is_some_and(|t| t.authoritative);
            let left = departure(&person, everybody, moment.now)
                .filter(|left| counts || left.strength == Strength::Named);
            let Some(left) = left else { continue };
            let profile = self.profile(&person.subject)?;
            let mut accounts = Vec::new();
            for account in links.get(&person.subject).into_iter().flatten() {
                accounts.extend(self.account_of(moment, account, &person.subject, &judge)?);
            }
            items.push(DepartedItem {
                directory: person.directory.to_string(),
                subject: person.subject.clone(),
                email: profile.first(Profile::MAIL).map(str::to_owned),
                erased_by: None,
                since: left.since,
                strength: left.strength,
                because: left.because,
                facts: left.facts,
                evidence: left.evidence,
                accounts,
            });
        }
        Ok(items)
    }

    fn account_of(
        &self,
        moment: &Moment<'_>,
        account: &Subject,
        person: &Subject,
        judge: &ClockJudge<'_, State<'_>>,
    ) -> Result<Option<DepartedAccount>, EngineError> {
        let row = moment
            .rows
            .one::<AccountRow>(Kind::Account, account.as_str())?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(DepartedAccount {
            tenant: row.tenant.to_string(),
            account: self.account_id(account)?,
            subject: account.clone(),
            state: state_word(&row).to_owned(),
            clock: judge.clock(row, person)?,
        }))
    }

    /// Every account about whose activity nothing can be said, with the reason.
    pub fn unknown(
        &self,
        moment: &Moment<'_>,
        days: Option<u64>,
        tenants: &[String],
    ) -> Result<Vec<UnknownItem>, EngineError> {
        let set = self.policy_at(moment)?;
        // The shortest threshold: what is unknown there is unknown everywhere.
        let days = thresholds(&set, days).into_iter().map(|(_, d)| d).min();
        let days = days.unwrap_or(USUAL_DAYS);
        let gatherer = self.gatherer(&moment.rows, None)?;
        let mut items = Vec::new();
        for account in accounts_in(&moment.rows, tenants)? {
            let active = account.gone.is_none() && account.facts.state == AccountState::Active;
            let Some(facts) = gatherer.facts(account)?.filter(|_| active) else {
                continue;
            };
            let state = silence(&facts, &set, days, moment.now);
            let ActivityState::Unknown {
                because,
                provable_from,
            } = state
            else {
                continue;
            };
            let subject = facts.account.subject.clone();
            let profile = self.profile(&subject)?;
            items.push(UnknownItem {
                tenant: facts.account.tenant.to_string(),
                account: profile.first(Profile::KEY).map(str::to_owned),
                email: profile.first(Profile::MAIL).map(str::to_owned),
                subject,
                erased_by: None,
                because,
                provable_from,
            });
        }
        Ok(items)
    }

    /// The policy that ruled at a moment; before the first one, an empty one with the usual
    /// numbers.
    pub fn policy_at(&self, moment: &Moment<'_>) -> Result<PolicySet, EngineError> {
        Ok(adopted(&moment.rows)?
            .map(|(_, set)| set)
            .unwrap_or_default())
    }
}

/// The days that are asked for: by name where policies ask.
fn thresholds(set: &PolicySet, days: Option<u64>) -> Vec<(Option<String>, u64)> {
    if let Some(days) = days {
        return vec![(None, days)];
    }
    let inactive = set.policies.iter().filter(|p| p.when == When::Inactive);
    let named: Vec<_> = inactive
        .map(|p| (Some(p.name.clone()), p.after_days))
        .collect();
    if named.is_empty() {
        vec![(None, USUAL_DAYS)]
    } else {
        named
    }
}

/// All accounts, or those of some tenants.
pub fn accounts_in<R: Rows>(rows: &R, tenants: &[String]) -> Result<Vec<AccountRow>, EngineError> {
    let mut all = rows.under::<AccountRow>(Kind::Account, "")?;
    all.retain(|a| tenants.is_empty() || tenants.iter().any(|t| t == a.tenant.as_str()));
    Ok(all)
}

/// `active`, `disabled`, `invited` or `gone`.
pub fn state_word(account: &AccountRow) -> &'static str {
    if account.gone.is_some() {
        return "gone";
    }
    match account.facts.state {
        AccountState::Active => "active",
        AccountState::Disabled => "disabled",
        AccountState::Invited => "invited",
    }
}

/// The last position at or before what was asked for: a position, a day (its end in UTC), or a
/// moment.
fn as_of_position(view: &View<'_>, as_of: &str) -> Result<Seq, EngineError> {
    let size = view.head().size;
    if let Ok(seq) = as_of.parse::<Seq>() {
        if seq < size {
            return Ok(seq);
        }
        return Err(EngineError::unknown(
            format!(
                "there is no entry {seq}: the newest is {}",
                size.saturating_sub(1)
            ),
            "`exeunt log` shows what there is",
        ));
    }
    let Some(until) = parse_moment(as_of) else {
        return Err(EngineError::unknown(
            format!("`{as_of}` is neither a position nor a date"),
            "as in 1234, 2026-05-01 or 2026-05-01T12:00:00Z",
        ));
    };
    // `rec` never decreases, so the boundary is found by halving.
    let (mut low, mut high) = (0, size);
    while low < high {
        let middle = low + (high - low) / 2;
        let rec = view.entry(middle)?.map(|e| e.rec);
        if rec.is_some_and(|rec| rec <= until) {
            low = middle + 1
        } else {
            high = middle
        }
    }
    low.checked_sub(1).ok_or_else(|| {
        EngineError::unknown(
            format!("the ledger had no entry at {as_of}"),
            "`exeunt log` shows what there is",
        )
    })
}

/// Reads a moment: RFC 3339, or a day, which means its end in UTC.
pub fn parse_moment(text: &str) -> Option<Time> {
    Time::parse(text).or_else(|| {
        let day = Time::parse(&format!("{text}T00:00:00Z"))?;
        Some(Time::from_micros(day.plus_days(1).micros() - 1))
    })
}
