//! A list of accounts or people as it comes in page by page, and when it is whole.

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::domain::account::AccountRecord;
use crate::domain::person::PersonRecord;
use crate::domain::source::ReadProof;

/// Why a page, and with it the list, does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The list is not whole: a code (`read.short`, `read.moved`, …), and what happened.
    NotWhole(&'static str, String),
    /// A field is not understood; names the field, never the person.
    Unreadable(String),
}

/// What a list is of.
pub trait Listed {
    /// The immutable id.
    fn id(&self) -> &str;

    /// Whether two sightings in one list say the same, as far as anything rests on it.
    fn says_same(&self, other: &Self) -> bool;
}

impl Listed for AccountRecord {
    fn id(&self) -> &str {
        &self.id
    }

    fn says_same(&self, other: &Self) -> bool {
        self.facts == other.facts && self.email == other.email
    }
}

impl Listed for PersonRecord {
    fn id(&self) -> &str {
        &self.key
    }

    fn says_same(&self, other: &Self) -> bool {
        self == other
    }
}

/// The accounts (or people) of one list, each id once.
#[derive(Debug)]
pub struct Listing<R = AccountRecord> {
    total: Option<u64>,
    /// Items received so far, repeated ones too.
    pub received: u64,
    /// Pages taken.
    pub pages: u64,
    /// The accounts by id.
    pub accounts: BTreeMap<String, R>,
}

impl<R> Default for Listing<R> {
    fn default() -> Self {
        Self {
            total: None,
            received: 0,
            pages: 0,
            accounts: BTreeMap::new(),
        }
    }
}

impl<R: Listed> Listing<R> {
    /// The total that the tenant names, where it does.
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// Holds the total that a page names against that of the pages before.
    pub fn state_total(&mut self, total: u64) -> Result<(), Fault> {
        let first = *self.total.get_or_insert(total);
        if first == total {
            return Ok(());
        }
        let detail = format!("the total went from {first} to {total} while it was read");
        Err(Fault::NotWhole("read.moved", detail))
    }

    /// Takes the accounts of one page. The same account twice is allowed only if it says the same:
    /// lists by offset repeat people when others come or go.
    pub fn take(&mut self, page: Vec<R>) -> Result<(), Fault> {
        self.pages += 1;
        let count = u64::try_from(page.len()).unwrap_or(u64::MAX);
        self.received = self.received.saturating_add(count);
        for new in page {
            match self.accounts.get(new.id()) {
                Some(old) if !old.says_same(&new) => {
                    let detail = "an account changed while the list was read".to_owned();
                    return Err(Fault::NotWhole("read.moved", detail));
                }
                _ => {
                    self.accounts.insert(new.id().to_owned(), new);
                }
            }
        }
        Ok(())
    }

    /// How many different accounts there are.
    pub fn distinct(&self) -> u64 {
        u64::try_from(self.accounts.len()).unwrap_or(u64::MAX)
    }

    /// Demands exactly as many different accounts as the tenant names: skipped and repeated rows
    /// show only in this number.
    pub fn whole(&self) -> Result<(), Fault> {
        let Some(total) = self.total else {
            return Ok(());
        };
        let distinct = self.distinct();
        if distinct < total {
            let detail = format!("only {distinct} of {total} accounts came");
            return Err(Fault::NotWhole("read.short", detail));
        }
        if distinct > total {
            let detail = format!("{distinct} accounts came where {total} were named");
            return Err(Fault::NotWhole("read.moved", detail));
        }
        Ok(())
    }

    /// What the list rests on; `identity` is what identifies the tenant besides its address (the
    /// credential's own user, the organisation, the workspace).
    pub fn proof(&self, origin: &str, identity: &str) -> ReadProof {
        let keys: Vec<&str> = self.accounts.keys().map(String::as_str).collect();
        let mut proof = ReadProof {
            identity: sha256(&[origin, identity]),
            pages: self.pages,
            count: self.distinct(),
            stated_total: self.total,
            digest: sha256(&keys),
            ..ReadProof::default()
        };
        proof.about.insert("server".to_owned(), origin.to_owned());
        proof
    }
}

/// `sha256:` and base64 over the texts, one a line.
pub fn sha256(lines: &[&str]) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for line in lines {
        context.update(line.as_bytes());
        context.update(b"\n");
    }
    format!("sha256:{}", STANDARD.encode(context.finish().as_ref()))
}
