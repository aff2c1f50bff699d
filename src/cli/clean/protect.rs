//! Whom nobody touches: addresses, each found among the tenant's accounts or cleared up.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::cli::clean::ask::Ask;
use crate::cli::clean::ask::End;
use crate::cli::output::plural;
use crate::config::mistake::distance;
use crate::domain::account::AccountRecord;
use crate::domain::account::Protection;
use crate::domain::id::Email;

/// How many near addresses are shown for one that nobody has.
const NEAREST: usize = 3;

/// The accounts of a tenant by their addresses.
#[derive(Debug)]
pub(super) struct Book<'a> {
    by_address: BTreeMap<String, &'a AccountRecord>,
}

/// What an address turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lookup {
    /// Somebody's, in the form in which addresses are compared.
    Found(String),
    /// Nobody's.
    Nobody(String),
    /// Not an address.
    NoAddress,
}

impl<'a> Book<'a> {
    /// Takes the accounts of a tenant.
    pub(super) fn new(accounts: &'a [AccountRecord]) -> Self {
        let known = accounts.iter().filter_map(|account| {
            let address = Email::parse(account.email.as_deref()?)?;
            Some((address.as_str().to_owned(), account))
        });
        Self {
            by_address: known.collect(),
        }
    }

    /// Finds an address.
    pub(super) fn find(&self, typed: &str) -> Lookup {
        match Email::parse(typed) {
            None => Lookup::NoAddress,
            Some(address) if self.by_address.contains_key(address.as_str()) => {
                Lookup::Found(address.as_str().to_owned())
            }
            Some(address) => Lookup::Nobody(address.as_str().to_owned()),
        }
    }

    /// The account with an address.
    pub(super) fn account(&self, address: &str) -> Option<&'a AccountRecord> {
        self.by_address.get(address).copied()
    }

    /// The name behind an address, for a person to recognise.
    pub(super) fn called(&self, address: &str) -> String {
        let account = self.by_address.get(address);
        let name = account.and_then(|a| a.name.clone());
        name.unwrap_or_else(|| "no name".to_owned())
    }

    /// The addresses that look most like one that nobody has.
    pub(super) fn near(&self, typed: &str) -> Vec<String> {
        let typed = typed.trim().to_lowercase();
        let local = typed.split('@').next().unwrap_or_default();
        let mut near: Vec<(usize, &String)> = Vec::new();
        for known in self.by_address.keys() {
            let same = !local.is_empty() && known.split('@').next() == Some(local);
            let apart = if same { 1 } else { distance(&typed, known) };
            if apart <= 2.max(typed.chars().count() / 6) {
                near.push((apart, known));
            }
        }
        near.sort();
        near.into_iter()
            .take(NEAREST)
            .map(|(_, known)| known.clone())
            .collect()
    }
}

/// Asks for the addresses to protect, and does not end while one of them is in doubt.
pub(super) fn ask_all(ask: &Ask, book: &Book<'_>, known: &[String]) -> Result<Vec<String>, End> {
    ask.part("Who must stay?");
    if !known.is_empty() {
        ask.say(&format!("Protected so far: {}", known.join(", ")));
        ask.say("Paste more addresses, or `-` before one that need not be protected any more.");
    }
    ask.say("Paste the addresses to protect, one or more on a line; an empty line ends the list.");
    clear_up(ask, book, &pasted(ask, known)?)
}

/// Asks whom programs work as, where the tenant does not show it: `known` as it was if the person
/// does not know, or does not know all of them.
///
/// A list lifts the protection of everybody who is not on it. So it counts only whole, and only
/// when the person says that it is whole.
pub(super) fn ask_machines(
    ask: &Ask,
    book: &Book<'_>,
    known: &[String],
) -> Result<Vec<String>, End> {
    ask.part("Whom do programs work as?");
    ask.say(
        "The tenant does not show who else has API keys. So any account that was ever used may be \
         one that a program works as, and all of them stay. If you know every account whose API \
         key a program uses, name them: only they then stay for it, so the list must be whole. The \
         user of the key that you pasted is one of them.",
    );
    if !known.is_empty() {
        ask.say(&format!("Named so far: {}", known.join(", ")));
        ask.say("Paste more addresses, or `-` before one that no program uses any more.");
    }
    ask.say(
        "Paste their addresses, one or more on a line; an empty line ends the list. If you do not \
         know them, an empty line alone is right.",
    );
    let named = clear_up(ask, book, &pasted(ask, known)?)?;
    if named.is_empty() {
        ask.say("Nobody is named, so all accounts that were ever used stay.");
        return Ok(named);
    }
    if named == known || ask.yes("Are these all, so that no program works as anybody else?")? {
        return Ok(named);
    }
    ask.say("Then it stays as it was. What you named is not taken.");
    Ok(known.to_vec())
}

/// Reads addresses that are added to those known, or taken away with a `-`.
fn pasted(ask: &Ask, known: &[String]) -> Result<Vec<String>, End> {
    let mut typed: Vec<String> = known.to_vec();
    for line in ask.lines()? {
        for word in words(&line) {
            match word.strip_prefix('-') {
                Some(away) => typed.retain(|kept| kept.to_lowercase() != away.to_lowercase()),
                None => typed.push(word),
            }
        }
    }
    Ok(typed)
}

/// Whether accounts are protected only because nobody can see whether programs work as them.
pub(super) fn hides_machines(accounts: &[AccountRecord]) -> bool {
    let mut protected = accounts.iter().map(|account| &account.facts.protected);
    protected.any(|protected| protected.contains(&Protection::KeysUnseen))
}

/// Shows what each address is, and asks about those that are nobody's.
pub(super) fn clear_up(ask: &Ask, book: &Book<'_>, typed: &[String]) -> Result<Vec<String>, End> {
    let mut found = Vec::new();
    let mut doubtful = Vec::new();
    let mut seen = BTreeSet::new();
    for word in typed {
        if !seen.insert(word.to_lowercase()) {
            continue;
        }
        match book.find(word) {
            Lookup::Found(address) => {
                ask.say(&format!(
                    "  found          {address} ({})",
                    book.called(&address)
                ));
                found.push(address);
            }
            Lookup::Nobody(address) => {
                ask.say(&format!("  NOT FOUND      {address}"));
                doubtful.push(address);
            }
            Lookup::NoAddress => {
                ask.say(&format!("  NOT AN ADDRESS {word}"));
                doubtful.push(word.clone());
            }
        }
    }
    for word in doubtful {
        let corrected = correct(ask, book, &word)?;
        found.extend(corrected.filter(|address| !found.contains(address)));
    }
    Ok(found)
}

/// Has one address corrected; nothing if the person says that it is to be left out.
fn correct(ask: &Ask, book: &Book<'_>, word: &str) -> Result<Option<String>, End> {
    let mut word = word.to_owned();
    loop {
        ask.say("");
        match book.find(&word) {
            Lookup::Found(address) => {
                ask.say(&format!(
                    "  found          {address} ({})",
                    book.called(&address)
                ));
                return Ok(Some(address));
            }
            Lookup::Nobody(address) => {
                ask.say(&format!("Nobody here has the address {address}."));
            }
            Lookup::NoAddress => ask.say(&format!("`{word}` is not an address.")),
        }
        let near = book.near(&word);
        if !near.is_empty() {
            ask.say("Did you mean one of these?");
        }
        for (number, address) in near.iter().enumerate() {
            ask.say(&format!(
                "  {}  {address} ({})",
                number + 1,
                book.called(address)
            ));
        }
        let number = if near.is_empty() { "" } else { "its number, " };
        let typed = ask.line(&format!("Type {number}the right address, or `leave out`:"))?;
        let chosen = typed
            .parse::<usize>()
            .ok()
            .and_then(|n| near.get(n.checked_sub(1)?));
        match (chosen, typed.as_str()) {
            (Some(address), _) => word = address.clone(),
            (None, "leave out") => {
                ask.say(&format!("{word} is left out: it protects nobody."));
                return Ok(None);
            }
            (None, "") => {}
            (None, other) => word = other.to_owned(),
        }
    }
}

/// The addresses in a line, between commas, semicolons, spaces and angle brackets. Beside
/// addresses, words are taken as names; a line without any address is one mistake.
fn words(line: &str) -> Vec<String> {
    let parts = line.split([',', ';', ' ', '\t', '<', '>']);
    let parts = parts.map(|part| part.trim_matches(['"', '\'', '(', ')']));
    let found: Vec<_> = parts
        .filter(|part| part.contains('@'))
        .map(str::to_owned)
        .collect();
    if found.is_empty() {
        vec![line.to_owned()]
    } else {
        found
    }
}

/// Says who is protected without being named.
pub(super) fn say_protected_anyway(ask: &Ask, accounts: &[AccountRecord]) {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for account in accounts {
        if let Some(protection) = account.facts.protected.iter().next() {
            *counts.entry(protected_as(*protection)).or_default() += 1;
        }
    }
    let counts: Vec<_> = counts
        .iter()
        .map(
            |(what, n)| match (what.split_once(' '), what.starts_with("account ")) {
                // What is said about an account does not change with the number.
                (Some((_, more)), true) => format!("{} {more}", plural(*n, "account")),
                _ => plural(*n, what),
            },
        )
        .collect();
    if !counts.is_empty() {
        ask.say(&format!("Protected in any case: {}.", counts.join(", ")));
    }
}

const fn protected_as(protection: Protection) -> &'static str {
    match protection {
        Protection::Owner => "owner",
        Protection::Admin | Protection::LastAdmin => "administrator",
        Protection::OwnCredential => "account whose key you pasted",
        Protection::Service | Protection::KeyOwner => "account for programs",
        Protection::KeysUnseen => "account that a program may work as",
        Protection::Listed => "listed account",
        Protection::Staff => "account of the provider's staff",
        _ => "account of which too little is known",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_taken_as_people_paste_them() {
        let want = ["a@example.com", "b@example.com"];
        for line in [
            "a@example.com, b@example.com",
            "a@example.com;b@example.com",
            "a@example.com\tb@example.com ",
            "Ada, Countess <a@example.com>, Bob <b@example.com>",
            "\"a@example.com\", 'b@example.com'",
            "a@example.com, Bob <b@example.com>",
        ] {
            assert_eq!(words(line), want, "{line}");
        }
        assert_eq!(words("no address here"), ["no address here"]);
        assert_eq!(words("-a@example.com"), ["-a@example.com"]);
    }
}
