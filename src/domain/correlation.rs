//! Links: to whom accounts belong, by an ordered list of rules over what they have in common with people.
//!
//! The first rule that names anybody decides. It decides for certain only if it names one person,
//! and if that person is named by no other account of the tenant. What two people have, or what has
//! gone from one to another, belongs to nobody for certain. The order of the accounts means nothing.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::id::Email;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;

/// By what an account can be given to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// A named person said so.
    Manual,
    /// The account has the directory's immutable key.
    ExternalId,
    /// Both have the same employee number.
    EmployeeNumber,
    /// The account's address is, or was, the person's first one, and the tenant has verified it.
    VerifiedAddress,
    /// The account's address is a further one of the person now, and the tenant has verified it.
    ProxyAddress,
}

impl Rule {
    /// The order where nothing is said.
    pub const USUAL: &'static [Rule] = &[
        Rule::Manual,
        Rule::ExternalId,
        Rule::EmployeeNumber,
        Rule::VerifiedAddress,
        Rule::ProxyAddress,
    ];

    /// The word as it stands in entries and in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Rule::Manual => "manual",
            Rule::ExternalId => "external-id",
            Rule::EmployeeNumber => "employee-number",
            Rule::VerifiedAddress => "verified-address",
            Rule::ProxyAddress => "proxy-address",
        }
    }
}

/// To whom an account belongs in one directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Belongs {
    /// Nobody in this directory.
    Nobody,
    /// One person for certain, by this rule.
    To(Subject, Rule),
    /// Not certain, for this reason (a code); these people come into question, sorted.
    Unclear(&'static str, Vec<Subject>),
}

/// How a person has what an account has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holds {
    /// The first address, or the one number or key.
    First,
    /// A further address.
    Further,
    /// An address that they have given up.
    Formerly,
}

/// A person who has, or had, something that an account has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// Who.
    pub person: Subject,
    /// How they have it, as last seen.
    pub holds: Holds,
    /// Confirmed as gone from the directory.
    pub gone: bool,
    /// Gone, or something says that they have left or will leave.
    pub leaving: bool,
    /// They had left before the account was made.
    pub left_before: bool,
    /// Not known to have left by now: a date in the future (a contract's end) does not count.
    pub here: bool,
    /// First seen, or given another address or number, after somebody had last said whose the account
    /// is.
    pub unheard: bool,
}

/// What somebody has said about one account and one directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stated {
    /// It belongs to this person.
    pub to: Option<Subject>,
    /// It does not belong to these.
    pub not: BTreeSet<Subject>,
}

/// One account beside the people of one directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The account.
    pub account: Subject,
    /// Its tenant.
    pub tenant: SourceName,
    /// Whether a machine uses it: then it does not count as somebody's second account.
    pub machine: bool,
    /// Its address.
    pub address: Option<Email>,
    /// Whether the tenant has verified the address.
    pub verified: bool,
    /// To whom it belonged so far.
    pub before: Option<Subject>,
    /// What somebody has said.
    pub stated: Stated,
    /// Whose immutable key it has.
    pub by_key: Vec<Candidate>,
    /// Who has its employee number.
    pub by_number: Vec<Candidate>,
    /// Who has, or had, its address.
    pub by_address: Vec<Candidate>,
}

/// Finds out to whom each account belongs in one directory. `order` gives a tenant's rules; where
/// it has none, [`Rule::USUAL`] holds.
pub fn correlate(
    order: &BTreeMap<SourceName, Vec<Rule>>,
    claims: &[Claim],
) -> BTreeMap<Subject, Belongs> {
    let shared = shared_addresses(claims);
    let mut found = BTreeMap::new();
    for claim in claims {
        let rules = order.get(&claim.tenant).map_or(Rule::USUAL, Vec::as_slice);
        let address = claim.address.as_ref();
        let is_shared = address.is_some_and(|a| shared.contains(&(&claim.tenant, a)));
        found.insert(claim.account.clone(), alone(claim, rules, is_shared));
    }
    withhold_second_accounts(claims, &mut found);
    found
}

/// Addresses that two accounts of one tenant have, machines' left out.
fn shared_addresses(claims: &[Claim]) -> BTreeSet<(&SourceName, &Email)> {
    let mut counts: BTreeMap<_, BTreeSet<&Subject>> = BTreeMap::new();
    for claim in claims.iter().filter(|c| !c.machine) {
        if let Some(address) = &claim.address {
            let key = (&claim.tenant, address);
            counts.entry(key).or_default().insert(&claim.account);
        }
    }
    counts.retain(|_, accounts| accounts.len() > 1);
    counts.into_keys().collect()
}

/// What the rules say of one account, those of its tenant that are somebody else's left aside.
fn alone(claim: &Claim, rules: &[Rule], shared: bool) -> Belongs {
    if let Some(person) = &claim.stated.to {
        return came_back(claim, person, |c| c.unheard)
            .or_else(|| passed_on(claim, person))
            .unwrap_or_else(|| Belongs::To(person.clone(), Rule::Manual));
    }
    let decided = rules.iter().find_map(|rule| match rule {
        Rule::Manual => None,
        Rule::ExternalId => by_identifier(*rule, &claim.open(&claim.by_key)),
        Rule::EmployeeNumber => by_identifier(*rule, &claim.open(&claim.by_number)),
        Rule::VerifiedAddress | Rule::ProxyAddress => by_address(*rule, claim, shared),
    });
    match decided {
        Some(Belongs::To(person, rule)) => doubted(claim, rules, person, rule),
        Some(unclear) => unclear,
        None => unused(claim),
    }
}

impl Claim {
    /// Candidates of whom nobody has said that the account is not theirs, each once.
    fn open<'c>(&self, candidates: &'c [Candidate]) -> Vec<&'c Candidate> {
        let mut by_person: BTreeMap<&Subject, &Candidate> = BTreeMap::new();
        for one in candidates
            .iter()
            .filter(|c| !self.stated.not.contains(&c.person))
        {
            let known = by_person.entry(&one.person).or_insert(one);
            *known = (*known).min(one);
        }
        by_person.into_values().collect()
    }

    /// Everybody who has anything in common with it.
    fn everybody(&self) -> Vec<Subject> {
        let sets = [&self.by_key, &self.by_number, &self.by_address];
        let all = sets.into_iter().flat_map(|set| self.open(set));
        names(all.collect::<BTreeSet<_>>().into_iter())
    }
}

fn names<'c>(candidates: impl Iterator<Item = &'c Candidate>) -> Vec<Subject> {
    let unique: BTreeSet<_> = candidates.map(|c| c.person.clone()).collect();
    unique.into_iter().collect()
}

fn by_identifier(rule: Rule, candidates: &[&Candidate]) -> Option<Belongs> {
    let (first, others) = candidates.split_first()?;
    let unclear = |code| Some(Belongs::Unclear(code, names(candidates.iter().copied())));
    if !others.is_empty() {
        let holders = candidates.iter().filter(|c| !c.gone).count();
        return match holders {
            0 | 1 => unclear("block.recycled-identifier"),
            _ => unclear("block.ambiguous-identity"),
        };
    }
    // a key is never given again; a number may be
    if rule == Rule::EmployeeNumber && first.left_before {
        return unclear("block.recycled-identifier");
    }
    Some(Belongs::To(first.person.clone(), rule))
}

fn by_address(rule: Rule, claim: &Claim, shared: bool) -> Option<Belongs> {
    let candidates = claim.open(&claim.by_address);
    let (first, others) = candidates.split_first()?;
    let unclear = |code| Some(Belongs::Unclear(code, names(candidates.iter().copied())));
    if !others.is_empty() {
        let holds = |c: &&&Candidate| !c.gone && c.holds != Holds::Formerly;
        return match candidates.iter().filter(holds).count() {
            0 | 1 => unclear("block.recycled-address"),
            _ => unclear("block.ambiguous-identity"),
        };
    }
    let its_rule = match first.holds {
        Holds::First | Holds::Formerly => Rule::VerifiedAddress,
        Holds::Further => Rule::ProxyAddress,
    };
    if rule != its_rule {
        return None;
    }
    if shared && !claim.machine {
        return unclear("block.shared-person");
    }
    // whoever was renamed keeps the account that was theirs already
    let given_up = first.holds == Holds::Formerly && claim.before.as_ref() != Some(&first.person);
    if given_up || first.left_before {
        return unclear("block.recycled-address");
    }
    if !claim.verified {
        return unclear("block.address-not-verified");
    }
    Some(Belongs::To(first.person.clone(), rule))
}

/// Holds a person whom a rule has named against what else the account has in common with people.
fn doubted(claim: &Claim, rules: &[Rule], person: Subject, rule: Rule) -> Belongs {
    // Two identifiers that name two people: one of them is wrong, and nothing says which.
    let identifiers = [
        (Rule::ExternalId, claim.open(&claim.by_key)),
        (Rule::EmployeeNumber, claim.open(&claim.by_number)),
    ];
    for (other, named) in &identifiers {
        let used = *other != rule && rules.contains(other);
        if used && !named.is_empty() && named.iter().all(|c| c.person != person) {
            let mut both: BTreeSet<_> = names(named.iter().copied()).into_iter().collect();
            both.insert(person);
            let both = both.into_iter().collect();
            return Belongs::Unclear("block.conflicting-identity", both);
        }
    }
    came_back(claim, &person, |_| true).unwrap_or(Belongs::To(person, rule))
}

/// Somebody who came back as a new person has what the leaver had: whose account it is now, nothing
/// says. Whoever was only renamed does not have it any more. `counts` says who can be a successor:
/// those of whom a named person knew were no reason for another word.
fn came_back(
    claim: &Claim,
    person: &Subject,
    counts: impl Fn(&Candidate) -> bool,
) -> Option<Belongs> {
    let numbers = claim.open(&claim.by_number);
    let addresses = claim.open(&claim.by_address);
    let held = addresses.iter().filter(|c| c.holds != Holds::Formerly);
    for set in [held.copied().collect(), numbers] {
        let leaver = set.iter().any(|c| c.person == *person && c.leaving);
        let successor = set
            .iter()
            .any(|c| c.person != *person && c.here && counts(c));
        if leaver && successor {
            return Some(Belongs::Unclear(
                "block.recycled-identifier",
                names(set.into_iter()),
            ));
        }
    }
    None
}

/// Somebody of whom whoever said whose the account is could not know has what it has, and the person
/// who was named has not (any more): whose it is now, nothing says.
fn passed_on(claim: &Claim, person: &Subject) -> Option<Belongs> {
    let addresses = claim.open(&claim.by_address);
    let held = addresses.iter().filter(|c| c.holds != Holds::Formerly);
    let sets = [
        ("block.recycled-identifier", claim.open(&claim.by_key)),
        ("block.recycled-identifier", claim.open(&claim.by_number)),
        ("block.recycled-address", held.copied().collect()),
    ];
    let taken = |set: &[&Candidate]| {
        let theirs = set.iter().any(|c| c.person == *person);
        !theirs && set.iter().any(|c| c.here && c.unheard)
    };
    let (code, set) = sets.into_iter().find(|(_, set)| taken(set))?;
    let mut people: BTreeSet<_> = names(set.into_iter()).into_iter().collect();
    if !claim.stated.not.contains(person) {
        people.insert(person.clone());
    }
    Some(Belongs::Unclear(code, people.into_iter().collect()))
}

/// No rule that is used names anybody: if one that is not used does, the account is nobody's for
/// certain, and no orphan either.
fn unused(claim: &Claim) -> Belongs {
    let everybody = claim.everybody();
    if everybody.is_empty() {
        Belongs::Nobody
    } else {
        Belongs::Unclear("block.rule-not-used", everybody)
    }
}

/// Two accounts of one tenant that name the same person: one of them may be somebody else's. What
/// a named person has said stays.
fn withhold_second_accounts(claims: &[Claim], found: &mut BTreeMap<Subject, Belongs>) {
    let mut by_person: BTreeMap<(&SourceName, Subject), BTreeSet<&Subject>> = BTreeMap::new();
    for claim in claims.iter().filter(|c| !c.machine) {
        if let Some(Belongs::To(person, _)) = found.get(&claim.account) {
            let key = (&claim.tenant, person.clone());
            by_person.entry(key).or_default().insert(&claim.account);
        }
    }
    for ((_, person), accounts) in by_person {
        if accounts.len() < 2 {
            continue;
        }
        for account in accounts {
            match found.get_mut(account) {
                Some(Belongs::To(_, Rule::Manual)) | None => {}
                Some(belongs) => {
                    *belongs = Belongs::Unclear("block.shared-person", vec![person.clone()]);
                }
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "tests")]
mod tests;
