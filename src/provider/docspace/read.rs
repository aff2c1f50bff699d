//! The list of everybody and the profile of one, on the wire.

use futures_util::StreamExt as _;
use futures_util::stream;
use serde_json::Value;

use crate::domain::account::AccountRecord;
use crate::provider::AccountsRead;
use crate::provider::ProviderError;
use crate::provider::docspace::DocSpace;
use crate::provider::docspace::FILTER;
use crate::provider::docspace::envelope::is_not_found;
use crate::provider::docspace::envelope::success;
use crate::provider::docspace::people;
use crate::provider::docspace::people::Next;
use crate::provider::http::segment;
use crate::provider::listing::Listing;

/// How many pages are made ready to be asked for, for each that may be asked for at once.
pub(super) const BATCH: usize = 4;

/// One profile: as the tenant has it, whole, and what is understood of it.
pub(super) struct Seen {
    pub(super) raw: Value,
    pub(super) record: AccountRecord,
}

impl DocSpace {
    /// Everybody. The key's own user and the API keys are asked for together with the first page.
    pub(super) async fn everybody(
        &self,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<AccountsRead, ProviderError> {
        let (own, first, keys) = tokio::join!(self.read_own(), self.people_page(0), self.keys());
        let own = own?;
        if !own.sees_everyone() {
            return Err(ProviderError::Rights {
                at: self.at(),
                what: "listing everybody (the key's user is neither owner nor administrator)"
                    .to_owned(),
            });
        }
        let mut listing = match self.list(&own, first?, progress).await {
            // people came, went or changed places meanwhile: once more, from the start
            Err(ProviderError::NotWhole {
                fault: "read.moved" | "read.short",
                ..
            }) => {
                let first = self.people_page(0).await?;
                self.list(&own, first, progress).await?
            }
            other => other?,
        };
        if listing.accounts.is_empty() {
            return Err(self.not_whole("read.empty", "not even the key's own user is listed"));
        }
        if !listing.accounts.contains_key(&own.id) {
            return Err(self.not_whole("read.own-missing", "the key's own user is not listed"));
        }
        let proof = listing.proof(self.client.origin(), &own.id);
        if let Some(keys) = keys {
            for account in listing.accounts.values_mut() {
                account.live_keys = Some(keys.of(&account.id));
            }
        }
        Ok(AccountsRead {
            accounts: listing.accounts.into_values().collect(),
            proof,
            signals: Vec::new(),
        })
    }

    /// The list behind its first page, which names the total: the others are asked for several at
    /// once and taken in their order, so that it does not matter in which order they come.
    async fn list(
        &self,
        own: &people::Own,
        first: Value,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Listing, ProviderError> {
        let mut listing = Listing::default();
        let take = |listing: &mut Listing, body: &Value| {
            let next = people::take(listing, body, &own.id).map_err(|f| self.fault(f));
            progress(listing.distinct());
            next
        };
        let Next::More(from) = take(&mut listing, &first)? else {
            return Ok(listing);
        };
        let total = listing.total().unwrap_or(0);
        let left = total.saturating_sub(from).div_ceil(people::PAGE);
        if listing.pages.saturating_add(left) > self.max_pages {
            let detail = format!("there are more than {} pages", self.max_pages);
            return Err(self.not_whole("read.too-long", detail));
        }
        let mut start = from;
        while start < total {
            let mut batch = Vec::new();
            while start < total && batch.len() < self.reads.saturating_mul(BATCH) {
                batch.push(self.people_page(start));
                start = start.saturating_add(people::PAGE);
            }
            let mut pages = stream::iter(batch).buffered(self.reads);
            while let Some(page) = pages.next().await {
                if take(&mut listing, &page?)? == Next::Done {
                    return Ok(listing);
                }
            }
        }
        let detail = format!("only {} of {total} accounts came", listing.distinct());
        Err(self.not_whole("read.short", detail))
    }

    async fn people_page(&self, start: u64) -> Result<Value, ProviderError> {
        let (count, index) = (people::PAGE.to_string(), start.to_string());
        let query = [
            ("employeeStatus", "7"),
            ("sortBy", "email"),
            ("sortOrder", "ascending"),
            ("count", count.as_str()),
            ("startIndex", index.as_str()),
        ];
        self.read(FILTER, &query, "listing people").await
    }

    /// One profile; `None` is the tenant's own word that it is not there.
    pub(super) async fn seen(&self, id: &str) -> Result<Option<Seen>, ProviderError> {
        if !people::valid_id(id) {
            return Err(self.unreadable("an id that DocSpace cannot have made"));
        }
        let own = self.own().await?;
        let path = format!("api/2.0/people/{}", segment(id));
        let page = self.get(&path, &[]).await?;
        if is_not_found(&page) {
            return Ok(None);
        }
        let mut body = success(page, self.client.origin(), "reading a profile")?;
        let raw = body
            .get_mut("response")
            .map(Value::take)
            .unwrap_or_default();
        let record = people::record(&raw, Some(&own.id)).map_err(|f| self.fault(f))?;
        if !record.id.eq_ignore_ascii_case(id) {
            // a placeholder stands for everybody who is missing or removed
            return Err(self.unreadable("another profile than the one asked for"));
        }
        Ok(Some(Seen { raw, record }))
    }
}
