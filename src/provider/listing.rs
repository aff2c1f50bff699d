//! A list of accounts as it comes in page by page, and when it is whole.

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::domain::account::AccountRecord;
use crate::domain::source::ReadProof;
use crate::provider::ProviderError;

/// Why a page, and with it the list, does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The list is not whole: a code (`read.short`, `read.moved`, …), and what happened.
    NotWhole(&'static str, String),
    /// A field is not understood; names the field, never the person.
    Unreadable(String),
}

impl Fault {
    /// Says the same as an error about the tenant at `at`.
    pub fn at(self, at: &str) -> ProviderError {
        let at = at.to_owned();
        match self {
            Fault::NotWhole(fault, detail) => ProviderError::NotWhole { at, fault, detail },
            Fault::Unreadable(what) => ProviderError::Unreadable { at, what },
        }
    }
}

/// The accounts of one list, each id once.
#[derive(Debug, Default)]
pub struct Listing {
    total: Option<u64>,
    /// Items received so far, repeated ones too.
    pub received: u64,
    /// Pages taken.
    pub pages: u64,
    /// The accounts by id.
    pub accounts: BTreeMap<String, AccountRecord>,
}

impl Listing {
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
    pub fn take(&mut self, page: Vec<AccountRecord>) -> Result<(), Fault> {
        self.pages += 1;
        let count = u64::try_from(page.len()).unwrap_or(u64::MAX);
        self.received = self.received.saturating_add(count);
        for new in page {
            match self.accounts.get(&new.id) {
                Some(old) if old.facts != new.facts || old.email != new.email => {
                    let detail = "an account changed while the list was read".to_owned();
                    return Err(Fault::NotWhole("read.moved", detail));
                }
                _ => {
                    self.accounts.insert(new.id.clone(), new);
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
