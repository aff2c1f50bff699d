//! The reading of everybody: managers, search, members, and how it is known that nobody is missing.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use crate::domain::time::Time;
use crate::provider::ProviderError;
use crate::provider::http::Page;
use crate::provider::http::Payload;
use crate::provider::http::Request;
use crate::provider::http::segment;
use crate::provider::json;
use crate::provider::listing::Listing;
use crate::provider::projectplace::ProjectPlace;
use crate::provider::projectplace::owned;
use crate::provider::projectplace::owned::Holdings;
use crate::provider::projectplace::people;
use crate::provider::projectplace::people::Everybody;
use crate::provider::projectplace::people::Row;
use crate::provider::projectplace::people::valid_id;

pub(super) const ACCOUNT: &str = "1/account";
pub(super) const PEOPLE: &str = "1/account/people";
const MEMBERS: &str = "1/account/members";

/// Page sizes, the next one where one is refused: no largest one is published. The vendor's own
/// example takes 40 here, and another list 100.
const SIZES: [u64; 3] = [1000, 100, 40];

/// Every role that the search can be asked for; there is none for the owner.
const ROLES: [&str; 6] = [
    "account_co_owner",
    "account_administrator",
    "account_member",
    "account_pending_member",
    "external_member",
    "unregistered",
];

/// Everybody, and what the read rests on.
#[derive(Debug)]
pub(super) struct Listed {
    /// Everybody by id.
    pub(super) everybody: Everybody,
    /// Pages taken, of both lists.
    pub(super) pages: u64,
    /// The id of the account (the tenant), where it names one.
    pub(super) account: String,
}

impl ProjectPlace {
    /// Reads everybody, whole, or fails; once more where people came or went meanwhile.
    pub(super) async fn everybody(
        &self,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Listed, ProviderError> {
        match self.read_everybody(progress).await {
            Err(ProviderError::NotWhole {
                fault: "read.moved" | "read.short",
                ..
            }) => self.read_everybody(progress).await,
            other => other,
        }
    }

    async fn read_everybody(
        &self,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Listed, ProviderError> {
        let account = self
            .read(Request::get(ACCOUNT), "reading the account")
            .await?;
        let managers = people::managers(&account).map_err(|f| f.at(self.client.origin()))?;
        let (searched, pages) = self.search(progress).await?;
        let members = self.read(Request::get(PEOPLE), "listing people").await?;
        let members = self.rows(&members, ["id", "userid"])?;
        let mut everybody =
            people::join(searched, members).map_err(|f| f.at(self.client.origin()))?;
        for (id, person) in &mut everybody {
            person.manages = managers.contains(id);
        }
        self.add_addresses(&mut everybody).await?;
        progress(u64::try_from(everybody.len()).unwrap_or(u64::MAX));
        Ok(Listed {
            everybody,
            pages: pages.saturating_add(1),
            account: json::id(&account, "id").unwrap_or_default(),
        })
    }

    /// Walks the search until a page comes empty: a short page can be one that the server cut.
    async fn search(
        &self,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<(Vec<Row>, u64), ProviderError> {
        let (size, first) = self.first_page().await?;
        let (mut all, mut page, mut pages) = (first.clone(), first.clone(), 1);
        while !page.is_empty() {
            if pages >= self.max_pages {
                let detail = format!("there are more than {} pages", self.max_pages);
                return Err(self.not_whole("read.too-many", detail));
            }
            progress(u64::try_from(all.len()).unwrap_or(u64::MAX));
            let from = u64::try_from(all.len()).unwrap_or(u64::MAX);
            page = self.success_rows(self.ask(size, from).await?)?;
            pages += 1;
            if !page.is_empty() && same_people(&page, &first) {
                let detail = "the search gives its first page again".to_owned();
                return Err(self.not_whole("read.paging-ignored", detail));
            }
            all.extend(page.iter().cloned());
        }
        Ok((all, pages))
    }

    /// The first page, and the size that was accepted for it.
    async fn first_page(&self) -> Result<(u64, Vec<Row>), ProviderError> {
        let (mut size, mut page) = (0, None);
        for next in SIZES {
            let answer = self.ask(next, 0).await?;
            let refused = matches!(answer.status, 400 | 413 | 422);
            (size, page) = (next, Some(answer));
            if !refused {
                break;
            }
        }
        let page = page.ok_or_else(|| self.unreadable("no page"))?;
        Ok((size, self.success_rows(page)?))
    }

    /// One page of the search for everybody, of all roles and whenever they logged in.
    async fn ask(&self, limit: u64, row_number: u64) -> Result<Page, ProviderError> {
        let body = json!({
            "sort_by": "+last_login",
            "filter": { "account_roles": ROLES },
            "limit": limit,
            "row_number": row_number,
        });
        let request = Request::new(Method::POST, PEOPLE).json(&body);
        self.answer(&request).await
    }

    fn success_rows(&self, page: Page) -> Result<Vec<Row>, ProviderError> {
        let body = self.success(page, "searching people")?;
        self.rows(&body, ["userid", "id"])
    }

    fn rows(&self, body: &Value, keys: [&str; 2]) -> Result<Vec<Row>, ProviderError> {
        people::rows(body, keys).map_err(|f| f.at(self.client.origin()))
    }

    /// Asks the older list for addresses, where somebody shows none: the list of members may lack
    /// external people. It may be gone; then whoever shows no address is not touched.
    async fn add_addresses(&self, everybody: &mut Everybody) -> Result<(), ProviderError> {
        if everybody.values().all(|person| person.email().is_some()) {
            return Ok(());
        }
        let request = Request::get(MEMBERS).query("include_external_users", "1");
        let page = self.answer(&request).await?;
        let (200, Payload::Json(body)) = (page.status, &page.payload) else {
            return Ok(());
        };
        let mut addresses = people::addresses(body);
        for (id, person) in everybody {
            person.email = addresses.remove(id);
        }
        Ok(())
    }

    /// Everybody as records, in the form in which a proof is made of them.
    pub(super) fn listing(&self, listed: &Listed) -> Result<Listing, ProviderError> {
        let people = listed.everybody.iter();
        let records = people.map(|(id, person)| person.record(id)).collect();
        let mut listing = Listing::default();
        let taken = listing.take(records);
        taken.map_err(|f| f.at(self.client.origin()))?;
        listing.pages = listed.pages;
        Ok(listing)
    }

    /// Reads what somebody is head administrator of.
    pub(super) async fn holdings(&self, id: &str) -> Result<Holdings, ProviderError> {
        if !valid_id(id) {
            return Err(self.unreadable("an id that ProjectPlace cannot have made"));
        }
        let path = format!("{PEOPLE}/{}/owned-artifacts", segment(id));
        let what = "reading what somebody is head administrator of";
        let body = self.read(Request::get(path), what).await?;
        owned::read(&body, id).map_err(|f| f.at(self.client.origin()))
    }

    /// What the tenant's clock shows.
    pub(super) async fn date(&self) -> Result<Option<Time>, ProviderError> {
        Ok(self.answer(&Request::get(ACCOUNT)).await?.date)
    }

    /// Reads and demands success; `what` is the right in words: "listing people".
    pub(super) async fn read(&self, request: Request, what: &str) -> Result<Value, ProviderError> {
        let page = self.answer(&request).await?;
        self.success(page, what)
    }

    async fn answer(&self, request: &Request) -> Result<Page, ProviderError> {
        let answer = self.client.read(request).await;
        answer.map_err(|e| e.into_provider(self.client.origin()))
    }

    /// The JSON of a success, or the error that the answer stands for. The bodies of errors are
    /// not published, so that only the status is believed.
    fn success(&self, page: Page, what: &str) -> Result<Value, ProviderError> {
        let at = self.at();
        match (page.status, page.payload) {
            (200, Payload::Json(body)) => Ok(body),
            (401, _) => Err(ProviderError::Credentials { at }),
            (402, _) => Err(ProviderError::Tenant {
                at,
                what: "unpaid (402)".to_owned(),
            }),
            (403, _) => Err(ProviderError::Rights {
                at,
                what: what.to_owned(),
            }),
            (status, Payload::Other(kind)) => {
                Err(self.unreadable(format!("{what}: {kind} with HTTP {status}")))
            }
            (status, _) => Err(self.unreadable(format!("{what}: HTTP {status}"))),
        }
    }
}

fn same_people(one: &[Row], other: &[Row]) -> bool {
    let ids = |rows: &[Row]| rows.iter().map(|row| row.id.clone()).collect::<Vec<_>>();
    ids(one) == ids(other)
}
