//! Reading the workspace, the people in it, and who administers it.

use std::sync::PoisonError;

use serde_json::Value;

use crate::domain::account::AccountRecord;
use crate::provider::ProviderError;
use crate::provider::alteryx::Alteryx;
use crate::provider::alteryx::answer;
use crate::provider::alteryx::people;
use crate::provider::alteryx::people::Admins;
use crate::provider::alteryx::people::Next;
use crate::provider::alteryx::people::PAGES;
use crate::provider::alteryx::people::Standing;
use crate::provider::alteryx::people::USUAL_PAGE;
use crate::provider::alteryx::people::Walk;
use crate::provider::http::Page;
use crate::provider::json;
use crate::provider::listing::Fault;
use crate::provider::listing::Listing;

/// The header that names the workspace to the gateway.
pub(super) const GID: &str = "x-alteryx-workspace-gid";

/// An account as just read, with what the tenant said.
pub(super) struct Seen {
    /// What it says, protections included.
    pub(super) record: AccountRecord,
    /// The person, and the row of the list, whole.
    pub(super) raw: Value,
}

/// What the tenant says to the question about one person.
enum Person {
    /// This.
    Here(Value),
    /// There is none.
    Absent,
    /// There is none any more, or there is no such question any more (410 is both).
    Gone,
}

impl Alteryx {
    pub(super) async fn get(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Page, ProviderError> {
        let answer = self.client.get(path, query).await;
        answer.map_err(|e| e.into_provider(self.client.origin()))
    }

    /// Reads the path of that name and demands success; `what` is the right in words.
    async fn read(
        &self,
        name: &str,
        query: &[(&str, &str)],
        what: &str,
    ) -> Result<Value, ProviderError> {
        let page = self.get(&self.paths.plain(name), query).await?;
        answer::success(page, self.client.origin(), name, what)
    }

    pub(super) fn fault(&self, fault: Fault) -> ProviderError {
        match fault {
            Fault::NotWhole("read.rights", what) => ProviderError::Rights {
                at: self.at(),
                what: format!("reading everything about people ({what})"),
            },
            other => other.at(self.client.origin()),
        }
    }

    fn not_whole(&self, fault: &'static str, detail: impl Into<String>) -> ProviderError {
        Fault::NotWhole(fault, detail.into()).at(self.client.origin())
    }

    /// Makes sure that the token is bound to the workspace that is configured, and that this one is
    /// active.
    pub(super) async fn workspace(&self) -> Result<(), ProviderError> {
        let what = "reading the workspace";
        let body = self.read("workspace", &[], what).await?;
        let found = json::id(&body, "id").filter(|id| people::valid_id(id));
        let found =
            found.ok_or_else(|| self.fault(Fault::Unreadable("id of the workspace".to_owned())))?;
        if found != self.workspace {
            return Err(ProviderError::Configuration {
                what: format!(
                    "the token at {} is bound to the workspace {found}, and `workspace` is {}; \
                     nothing is read or changed there",
                    self.at(),
                    self.workspace
                ),
            });
        }
        let gid = body.get("gid").and_then(Value::as_str);
        if let (Some(gid), Some(sent)) = (gid, &self.gid)
            && gid != sent
        {
            return Err(ProviderError::Configuration {
                what: format!("the header {GID} names another workspace than `workspace` does"),
            });
        }
        match body.get("state").and_then(Value::as_str) {
            Some("active") => Ok(()),
            Some("hidden" | "pending_purge") => Err(ProviderError::Tenant {
                at: self.at(),
                what: "the workspace is hidden, or about to be purged".to_owned(),
            }),
            _ => Err(self.fault(Fault::Unreadable("state of the workspace".to_owned()))),
        }
    }

    /// The id of the token's own user; a token never changes its user.
    pub(super) async fn own(&self) -> Result<String, ProviderError> {
        let known = {
            let own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
            own.clone()
        };
        if let Some(own) = known {
            return Ok(own);
        }
        let what = "reading its own profile";
        let body = self.read("current", &[], what).await?;
        let item = people::alone(&body).map_err(|f| self.fault(f))?;
        let id = people::person_id(item).map_err(|f| self.fault(f))?;
        *self.own.lock().unwrap_or_else(PoisonError::into_inner) = Some(id.clone());
        Ok(id)
    }

    /// The administrators, those who are invited or suspended among them.
    pub(super) async fn admins(&self) -> Result<Admins, ProviderError> {
        let what = "listing the administrators";
        let more = [("includeStatus", "new"), ("includeStatus", "suspended")];
        let path = self.paths.plain("admins");
        let (plain, more) = tokio::join!(self.read("admins", &[], what), self.get(&path, &more));
        let mut admins = Admins::read(&plain?).map_err(|f| self.fault(f))?;
        let more = more?;
        // nothing says which values it takes: whoever does not take ours has said all it can
        if more.status != 400 {
            let body = answer::success(more, self.client.origin(), "admins", what)?;
            admins.join(Admins::read(&body).map_err(|f| self.fault(f))?);
        }
        if admins.len() == 0 {
            return Err(self.not_whole("read.empty", "the workspace names no administrator"));
        }
        Ok(admins)
    }

    /// The workspace is the right one; who administers it, and who we are. Only an administrator
    /// sees everybody, and is told the truth about who is not there.
    pub(super) async fn standing(&self) -> Result<Standing, ProviderError> {
        // all of them to their end: the workspace is the first thing that must be right
        let (workspace, own, admins) = tokio::join!(self.workspace(), self.own(), self.admins());
        workspace?;
        let standing = Standing {
            own: own?,
            admins: admins?,
        };
        if !standing.admins.has(&standing.own) {
            return Err(ProviderError::Rights {
                at: self.at(),
                what: "listing everybody (the token's user does not administer the workspace)"
                    .to_owned(),
            });
        }
        Ok(standing)
    }

    /// Lists everybody, once more from the start if the list moved meanwhile.
    pub(super) async fn list(
        &self,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Listing, ProviderError> {
        match self.list_once(progress).await {
            Err(ProviderError::NotWhole {
                fault: "read.moved" | "read.short",
                ..
            }) => self.list_once(progress).await,
            other => other,
        }
    }

    async fn list_once(
        &self,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Listing, ProviderError> {
        let mut walk = Walk::default();
        let mut offset = 0;
        let mut sizes = PAGES.into_iter();
        let mut limit = sizes.next().unwrap_or(USUAL_PAGE);
        loop {
            if walk.listing.pages >= self.max_pages {
                let detail = format!("there are more than {} pages", self.max_pages);
                return Err(self.not_whole("read.too-long", detail));
            }
            let page = self.page(limit, offset).await?;
            if page.status == 400
                && walk.listing.pages == 0
                && let Some(smaller) = sizes.next()
            {
                limit = smaller;
                continue;
            }
            let at = self.client.origin();
            let body = answer::success(page, at, "people", "listing people")?;
            let next = walk.take(&body).map_err(|f| self.fault(f))?;
            progress(walk.listing.distinct());
            match next {
                Next::More(at) => offset = at,
                Next::Done => return Ok(walk.listing),
            }
        }
    }

    async fn page(&self, limit: u64, offset: u64) -> Result<Page, ProviderError> {
        let (limit, offset) = (limit.to_string(), offset.to_string());
        let query = [
            ("limit", limit.as_str()),
            ("offset", &offset),
            ("includeCount", "true"),
            ("includeStatus", "true"),
            ("sort", "id"),
        ];
        self.get(&self.paths.plain("people"), &query).await
    }

    /// Reads one person as the workspace has it; `None` is the tenant's own word that it is not a
    /// member (any more).
    ///
    /// Removal ends a membership and not the person, so that the person may still answer after it:
    /// whoever answers, and is not found by id in the list, is looked for in the whole list.
    pub(super) async fn seen(&self, id: &str) -> Result<Option<Seen>, ProviderError> {
        let (standing, person, row) =
            tokio::join!(self.standing(), self.person(id), self.row_of(id));
        let standing = standing?;
        let person = match person? {
            Person::Absent => return Ok(None),
            Person::Gone => Value::Null,
            Person::Here(person) => person,
        };
        let mut record = match row? {
            Some(row) => return self.both(person, row, &standing).map(Some),
            None => match self.list(&|_| ()).await?.accounts.remove(id) {
                Some(record) => record,
                None => return Ok(None),
            },
        };
        standing.protect(&mut record);
        Ok(Some(Seen {
            record,
            raw: serde_json::json!({ "person": person }),
        }))
    }

    fn both(&self, person: Value, row: Value, standing: &Standing) -> Result<Seen, ProviderError> {
        let mut record = people::record(&row).map_err(|f| self.fault(f))?;
        standing.protect(&mut record);
        Ok(Seen {
            record,
            raw: serde_json::json!({ "person": person, "listed": row }),
        })
    }

    async fn person(&self, id: &str) -> Result<Person, ProviderError> {
        let page = self.get(&self.paths.about("person", id), &[]).await?;
        if answer::is_absent(page.status, &page.payload) {
            return Ok(Person::Absent);
        }
        if page.status == 410 {
            return Ok(Person::Gone);
        }
        let at = self.client.origin();
        let body = answer::success(page, at, "person", "reading a person")?;
        let item = people::alone(&body).map_err(|f| self.fault(f))?;
        if people::person_id(item).map_err(|f| self.fault(f))? != id {
            let what = "another person than the one asked for".to_owned();
            return Err(self.fault(Fault::Unreadable(what)));
        }
        Ok(Person::Here(item.clone()))
    }

    /// The row of one person, where the list can be asked for a single one; `None` says nothing.
    async fn row_of(&self, id: &str) -> Result<Option<Value>, ProviderError> {
        let query = [("includeStatus", "true"), ("peopleIds", id)];
        let page = self.get(&self.paths.plain("people"), &query).await?;
        if page.status == 400 {
            return Ok(None);
        }
        let at = self.client.origin();
        let body = answer::success(page, at, "people", "listing people")?;
        let rows = json::list(&body, "data").map_err(|f| self.fault(f))?;
        let own = |row: &&Value| people::person_id(row).is_ok_and(|found| found == id);
        Ok(rows.iter().find(own).cloned())
    }
}
