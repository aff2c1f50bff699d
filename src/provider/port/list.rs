//! All accounts: the users and the entities of `_user`, read side by side and joined by address.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value;

use crate::domain::account::AccountRecord;
use crate::domain::account::AccountState;
use crate::domain::account::Protection;
use crate::provider::ProviderError;
use crate::provider::json;
use crate::provider::listing::Fault;
use crate::provider::listing::Listing;
use crate::provider::port::Known;
use crate::provider::port::Port;
use crate::provider::port::people;
use crate::provider::port::people::Ids;
use crate::provider::port::people::Own;
use crate::provider::port::people::User;
use crate::provider::port::wire;

/// A whole list.
pub(super) struct Whole {
    pub(super) listing: Listing,
    pub(super) organization: String,
    /// How many logins are shown.
    pub(super) logins: u64,
    pub(super) ids: Ids,
    scim: BTreeSet<String>,
    pub(super) last_admin: Option<String>,
}

/// What the answers to one read hold.
struct Answers {
    users: Value,
    /// The users as they come where nothing is asked for: only so they say that SCIM manages them.
    plain: Value,
    total: u64,
    pages: Vec<Value>,
    organization: String,
}

impl Port {
    /// Reads everything once and remembers what single reads need.
    pub(super) async fn read_whole(
        &self,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Whole, ProviderError> {
        let (users, plain) = (wire::users(), wire::plain_users());
        let (organization, users, plain, total, pages) = tokio::try_join!(
            self.read_organization(),
            self.read(&users, "listing users"),
            self.read(&plain, "listing users"),
            self.read_count(),
            self.read_pages(progress),
        )?;
        let answers = Answers {
            users,
            plain,
            total,
            pages,
            organization,
        };
        let whole = join(&answers, &self.own).map_err(|f| self.fault(f))?;
        if self.own.is_personal() && !has_own(&whole) {
            return Err(self.not_whole("read.own-missing", "the credential's user is not listed"));
        }
        *self.known() = Known {
            organization: Some(whole.organization.clone()),
            ids: Some(whole.ids.clone()),
            scim: whole.scim.clone(),
            last_admin: whole.last_admin.clone(),
        };
        Ok(whole)
    }

    /// The organisation, which must be the one that is configured if one is.
    pub(super) async fn read_organization(&self) -> Result<String, ProviderError> {
        let page = self.get(wire::ORGANIZATION).await?;
        let body = wire::success(page, self.client.origin(), "reading the organisation")?;
        let found = people::organization(&body).map_err(|f| self.fault(f))?;
        if let Some(pinned) = self.organization.as_ref().filter(|p| **p != found) {
            return Err(ProviderError::Configuration {
                what: format!(
                    "these credentials belong to the organisation {found}, and `workspace` says \
                     {pinned}"
                ),
            });
        }
        self.known().organization = Some(found.clone());
        Ok(found)
    }

    pub(super) async fn read_count(&self) -> Result<u64, ProviderError> {
        let body = self.read(&wire::count(), "counting entities").await?;
        json::unsigned(&body, "count")
            .ok_or_else(|| self.not_whole("read.no-total", "no number of entities is named"))
    }

    async fn read_pages(
        &self,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Vec<Value>, ProviderError> {
        let mut pages: Vec<Value> = Vec::new();
        let mut received = 0_usize;
        let mut from: Option<String> = None;
        loop {
            if u64::try_from(pages.len()).unwrap_or(u64::MAX) >= self.max_pages {
                let detail = format!("there are more than {} pages", self.max_pages);
                return Err(self.not_whole("read.too-long", detail));
            }
            let page = wire::page(from.as_deref());
            let body = self.read(&page, "listing entities").await?;
            let next = next(&body).map_err(|f| self.fault(f))?;
            received += json::list(&body, "entities")
                .map_err(|f| self.fault(f))?
                .len();
            progress(u64::try_from(received).unwrap_or(u64::MAX));
            pages.push(body);
            match next {
                None => return Ok(pages),
                Some(next) if from.as_deref() == Some(&next) => {
                    let detail = "the page after this one is this one";
                    return Err(self.not_whole("read.paging-ignored", detail));
                }
                Some(next) => from = Some(next),
            }
        }
    }
}

/// Where the next page begins: opaque, sent back as it is and never followed as an address.
fn next(body: &Value) -> Result<Option<String>, Fault> {
    Ok(json::text(body, "next")?.map(str::to_owned))
}

/// Puts users and entities together, and holds the entities against their number.
fn join(answers: &Answers, own: &Own) -> Result<Whole, Fault> {
    let mut users = by_address(&answers.users, &answers.organization)?;
    let scim = people::managed_by_scim(&answers.plain)?;
    for (_, same) in users
        .iter_mut()
        .filter(|(address, _)| scim.contains(*address))
    {
        same.iter_mut().for_each(|user| user.scim = true);
    }
    let logins = users.values().flatten().filter(|u| u.login.is_some());
    let logins = u64::try_from(logins.count()).unwrap_or(u64::MAX);
    let mut listing = Listing::default();
    let mut ids = Ids::new();
    let mut met = Vec::new();
    listing.state_total(answers.total)?;
    for page in &answers.pages {
        let mut records = Vec::new();
        for item in json::list(page, "entities")? {
            let entity = people::entity(item)?;
            let address = people::lower(&entity.name);
            let same = users.get(&address).map_or(&[][..], Vec::as_slice);
            let record = people::record(Some(&entity), same, own)?;
            people::note(&mut ids, &record.id, &entity.name, same);
            met.push(address);
            records.push(record);
        }
        listing.take(records)?;
    }
    // users without an entity are not part of what was counted
    listing.whole()?;
    for address in met {
        users.remove(&address);
    }
    let mut records = Vec::new();
    for (address, same) in &users {
        let record = people::record(None, same, own)?;
        people::note(&mut ids, &record.id, address, same);
        records.push(record);
    }
    listing.take(records)?;
    let last_admin = mark_last_admin(&mut listing.accounts);
    Ok(Whole {
        listing,
        organization: answers.organization.clone(),
        logins,
        ids,
        scim,
        last_admin,
    })
}

/// The users by address in lower case; an organisation without any is not believed.
fn by_address(body: &Value, organization: &str) -> Result<BTreeMap<String, Vec<User>>, Fault> {
    let mut users: BTreeMap<String, Vec<User>> = BTreeMap::new();
    for item in json::list(body, "users")? {
        let user = people::user(item, organization)?;
        users
            .entry(people::lower(&user.email))
            .or_default()
            .push(user);
    }
    if users.is_empty() {
        let detail = "not even an administrator is listed".to_owned();
        return Err(Fault::NotWhole("read.empty", detail));
    }
    Ok(users)
}

/// Marks the account that alone administers the organisation, among those that can sign in.
fn mark_last_admin(accounts: &mut BTreeMap<String, AccountRecord>) -> Option<String> {
    let mut admins = accounts.values_mut().filter(|a| {
        a.facts.state == AccountState::Active && a.facts.protected.contains(&Protection::Admin)
    });
    let (only, another) = (admins.next()?, admins.next());
    if another.is_some() {
        return None;
    }
    only.facts.protected.insert(Protection::LastAdmin);
    Some(only.id.clone())
}

fn has_own(whole: &Whole) -> bool {
    let mut accounts = whole.listing.accounts.values();
    accounts.any(|a| a.facts.protected.contains(&Protection::OwnCredential))
}

/// The users in an answer, for a probe.
pub(super) fn users(body: &Value, organization: &str) -> Result<Vec<User>, Fault> {
    Ok(by_address(body, organization)?
        .into_values()
        .flatten()
        .collect())
}
