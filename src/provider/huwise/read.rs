//! The reads of Huwise: lists page by page, one user, and who must be left alone.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::domain::account::AccountRecord;
use crate::provider::AccountsRead;
use crate::provider::ProviderError;
use crate::provider::http::Page;
use crate::provider::http::segment;
use crate::provider::huwise::Huwise;
use crate::provider::huwise::answer;
use crate::provider::huwise::keys;
use crate::provider::huwise::keys::Keys;
use crate::provider::huwise::people;
use crate::provider::huwise::people::Guards;
use crate::provider::huwise::walk::Next;
use crate::provider::huwise::walk::Walk;
use crate::provider::listing::Fault;
use crate::provider::listing::Listing;
use crate::provider::reusable;

/// Where everything stands, below the domain.
const BASE: &str = "api/automation/v1.0";

/// How many users a page holds: the most that can be asked for.
const USERS: u64 = 1000;

/// How many groups or keys a page holds: their most is not documented.
const OTHERS: u64 = 100;

/// For how long who is protected need not be read again where a request that follows reads it
/// afresh anyway.
const GUARDS_FRESH: Duration = Duration::from_secs(60);

/// One list that is asked for.
pub(super) struct Asked {
    path: &'static str,
    query: &'static [(&'static str, &'static str)],
    page: u64,
    what: &'static str,
}

pub(super) const ALL_USERS: Asked = Asked {
    path: "users",
    query: &[("sort", "username")],
    page: USERS,
    what: "listing users",
};

/// The beginning of the same list, for a look at it.
pub(super) const SAMPLE: Asked = Asked {
    page: 50,
    ..ALL_USERS
};

/// Hardly anything of it, for the time of the answer.
pub(super) const ONE: Asked = Asked {
    page: 1,
    ..ALL_USERS
};

pub(super) const ADMINS: Asked = Asked {
    path: "users",
    query: &[
        ("all_permissions", people::ADMINISTERS),
        ("sort", "username"),
    ],
    page: USERS,
    what: "listing administrators",
};

pub(super) const GROUPS: Asked = Asked {
    path: "groups",
    query: &[],
    page: OTHERS,
    what: "listing groups",
};

pub(super) const KEYS: Asked = Asked {
    path: "apikeys",
    query: &[],
    page: OTHERS,
    what: "listing API keys",
};

/// The path of a user, below the domain.
pub(super) fn user_path(username: &str) -> String {
    format!("/{BASE}/users/{}/", segment(username))
}

/// The same with `{id}` in place of the user.
pub(super) fn user_template() -> String {
    format!("/{BASE}/users/{{id}}/")
}

impl Huwise {
    pub(super) async fn get(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Page, ProviderError> {
        let answer = self.client.get(path, query).await;
        answer.map_err(|e| e.into_provider(self.client.origin()))
    }

    /// One page of a list from an offset on.
    pub(super) async fn page(
        &self,
        asked: &Asked,
        search: Option<&str>,
        offset: u64,
    ) -> Result<Page, ProviderError> {
        let (limit, offset) = (asked.page.to_string(), offset.to_string());
        let mut query = vec![("limit", limit.as_str()), ("offset", offset.as_str())];
        query.extend(asked.query);
        query.extend(search.map(|text| ("search", text)));
        self.get(&format!("{BASE}/{}/", asked.path), &query).await
    }

    /// Reads a whole list; `first` is its first page, where that was read already.
    async fn walk<T: PartialEq>(
        &self,
        asked: &Asked,
        search: Option<&str>,
        first: Option<Page>,
        read: impl Fn(&Value) -> Result<(String, T), Fault>,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Walk<T>, ProviderError> {
        let mut walk = Walk::default();
        let (mut offset, mut first) = (0, first);
        loop {
            if walk.pages >= self.max_pages {
                let detail = format!("there are more than {} pages", self.max_pages);
                return Err(self.not_whole("read.too-long", detail));
            }
            let page = match first.take() {
                Some(page) => page,
                None => self.page(asked, search, offset).await?,
            };
            let body = answer::success(page, self.client.origin(), asked.what)?;
            let next = walk.take(&body, &read).map_err(|f| self.fault(f))?;
            progress(u64::try_from(walk.items.len()).unwrap_or(u64::MAX));
            match next {
                Next::More(at) => offset = at,
                Next::Done => return Ok(walk),
            }
        }
    }

    /// Reads who administers the domain and who holds keys, and keeps it for a moment.
    pub(super) async fn guards(&self) -> Result<Guards, ProviderError> {
        let admins = self
            .walk(&ADMINS, None, None, people::admin, &quiet)
            .await?;
        if admins.items.is_empty() {
            let detail = "nobody administers the domain, not even the key's own user";
            return Err(self.not_whole("read.own-missing", detail));
        }
        let guards = Guards {
            groups: BTreeMap::new(),
            admins: admins.items,
            keys: self.keys().await?,
            machines_named: self.machines_named,
        };
        *self.lock_guards() = Some((Instant::now(), guards.clone()));
        Ok(guards)
    }

    /// The same, unless it was read just now: a change reads it afresh in any case.
    pub(super) async fn recent_guards(&self) -> Result<Guards, ProviderError> {
        let known = self.lock_guards().clone();
        match known {
            Some((at, guards)) if at.elapsed() < GUARDS_FRESH => Ok(guards),
            _ => self.guards().await,
        }
    }

    async fn keys(&self) -> Result<Keys, ProviderError> {
        let first = self.page(&KEYS, None, 0).await?;
        if matches!(first.status, 403 | 404) {
            return Ok(Keys::refused(first.status));
        }
        let read = |item: &Value| keys::read(item, &self.secret);
        let walk = self.walk(&KEYS, None, Some(first), read, &quiet).await?;
        Ok(Keys::of(walk.items))
    }

    /// The groups and everything else that says who must be left alone.
    pub(super) async fn all_guards(&self) -> Result<Guards, ProviderError> {
        let groups = self
            .walk(&GROUPS, None, None, people::group, &quiet)
            .await?;
        Ok(Guards {
            groups: groups.items,
            ..self.guards().await?
        })
    }

    /// Reads everybody once.
    pub(super) async fn everybody(
        &self,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<AccountsRead, ProviderError> {
        let guards = self.all_guards().await?;
        let read = |item: &Value| Ok((people::username(item)?, people::record(item, &guards)?));
        let users = self.walk(&ALL_USERS, None, None, read, progress).await?;
        if users.items.is_empty() {
            return Err(self.not_whole("read.empty", "not even the key's own user is listed"));
        }
        let own = guards.keys.own.as_deref();
        if own.is_some_and(|own| !users.items.contains_key(own)) {
            return Err(self.not_whole("read.own-missing", "the key's own user is not listed"));
        }
        let mut listing = Listing::default();
        listing
            .state_total(users.total.unwrap_or_default())
            .and_then(|()| listing.take(users.items.into_values().collect()))
            .and_then(|()| listing.whole())
            .map_err(|f| self.fault(f))?;
        listing.pages = users.pages;
        Ok(AccountsRead {
            proof: listing.proof(self.client.origin(), own.unwrap_or_default()),
            accounts: listing.accounts.into_values().collect(),
            signals: Vec::new(),
        })
    }

    /// One user with its groups; `None` is the tenant's own word that there is none.
    ///
    /// That word must stand in the list too: a name whose address is written otherwise than the
    /// service reads it would look gone.
    pub(super) async fn user(&self, username: &str) -> Result<Option<Value>, ProviderError> {
        let page = self
            .get(&user_path(username), &[("expand", "groups")])
            .await?;
        if answer::is_not_found(page.status, &page.payload) {
            let read = |item: &Value| Ok((people::username(item)?, ()));
            let found = self
                .walk(&ALL_USERS, Some(username), None, read, &quiet)
                .await?;
            if found.items.contains_key(username) {
                return Err(self.unreadable("a user is in the list and not at its own address"));
            }
            return Ok(None);
        }
        let user = answer::success(page, self.client.origin(), "reading a user")?;
        if people::username(&user).map_err(|f| self.fault(f))? != username {
            return Err(self.unreadable("another user than the one asked for"));
        }
        Ok(Some(user))
    }

    /// The user that an id means; `None` also if somebody else has the name now.
    pub(super) async fn meant(&self, id: &str) -> Result<Option<Value>, ProviderError> {
        let name = self.name(id)?;
        let Some(user) = self.user(name).await? else {
            return Ok(None);
        };
        let now = people::id(&user).map_err(|f| self.fault(f))?;
        if now != id && now == reusable::join(name, None) {
            // without its date it may be the one that is meant
            return Err(self.unreadable("a user without the date of joining"));
        }
        Ok((now == id).then_some(user))
    }

    /// The account of a user that was read alone, so that it brings its groups.
    pub(super) fn record(
        &self,
        user: &Value,
        guards: &Guards,
    ) -> Result<AccountRecord, ProviderError> {
        people::record(user, guards).map_err(|f| self.fault(f))
    }
}

fn quiet(_: u64) {}
