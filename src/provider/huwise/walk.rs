//! A list of Huwise as it comes in page by page: `{total_count, next, previous, results}`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::provider::json::list;
use crate::provider::json::unsigned;
use crate::provider::listing::Fault;

/// What comes after a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The page that begins here.
    More(u64),
    /// The list is whole.
    Done,
}

/// The items of one list, each key once.
#[derive(Debug)]
pub(super) struct Walk<T> {
    /// How many there are, as the first page said.
    pub(super) total: Option<u64>,
    /// Pages taken.
    pub(super) pages: u64,
    /// The items by key.
    pub(super) items: BTreeMap<String, T>,
    received: u64,
}

impl<T> Default for Walk<T> {
    fn default() -> Self {
        Self {
            total: None,
            pages: 0,
            items: BTreeMap::new(),
            received: 0,
        }
    }
}

impl<T: PartialEq> Walk<T> {
    /// Takes one page; `read` makes key and item of each result.
    ///
    /// Only as many different keys as `total_count` names make the list whole: a page may be
    /// shorter than asked (the usual one has 20), and `next` is an address that is never used.
    pub(super) fn take(
        &mut self,
        body: &Value,
        read: impl Fn(&Value) -> Result<(String, T), Fault>,
    ) -> Result<Next, Fault> {
        let results = list(body, "results")?;
        let total = unsigned(body, "total_count")
            .ok_or_else(|| Fault::NotWhole("read.no-total", "no total is named".to_owned()))?;
        let first = *self.total.get_or_insert(total);
        if first != total {
            let detail = format!("the total went from {first} to {total} while it was read");
            return Err(Fault::NotWhole("read.moved", detail));
        }
        self.pages += 1;
        for result in results {
            let (key, item) = read(result)?;
            match self.items.get(&key) {
                Some(before) if *before != item => {
                    let detail = "an item changed while the list was read".to_owned();
                    return Err(Fault::NotWhole("read.moved", detail));
                }
                _ => self.items.insert(key, item),
            };
        }
        let count = u64::try_from(results.len()).unwrap_or(u64::MAX);
        self.received = self.received.saturating_add(count);
        if self.received < total && count > 0 {
            return Ok(Next::More(self.received));
        }
        self.whole(total)
    }

    fn whole(&self, total: u64) -> Result<Next, Fault> {
        let distinct = u64::try_from(self.items.len()).unwrap_or(u64::MAX);
        let fault = match distinct.cmp(&total) {
            std::cmp::Ordering::Equal => return Ok(Next::Done),
            std::cmp::Ordering::Less => "read.short",
            std::cmp::Ordering::Greater => "read.moved",
        };
        let detail = format!("{distinct} different items came where {total} were named");
        Err(Fault::NotWhole(fault, detail))
    }
}
