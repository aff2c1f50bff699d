//! People from a SCIM 2.0 service, as Entra ID, Okta and others offer or feed them.
//!
//! The paging, its proofs and the connection are those of the tenants that speak SCIM. A service
//! that leaves somebody out of its list does not make them gone: the look-up by id decides, over a
//! connection of its own, and only where that connection can read somebody else.

mod people;

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use crate::directory::Directory;
use crate::directory::DirectoryError;
use crate::directory::LeftWhen;
use crate::directory::PeopleRead;
use crate::directory::Probe;
use crate::directory::ProbeState;
use crate::domain::person::PersonRecord;
use crate::domain::time::Time;
use crate::http::Client;
use crate::http::HttpError;
use crate::http::Limits;
use crate::http::Page;
use crate::http::Payload;
use crate::http::Request;
use crate::http::listing::Fault;
use crate::http::listing::Listing;
use crate::http::segment;
use crate::scim::MEDIA;
use crate::scim::access;
use crate::scim::access::Access;
use crate::scim::features::Features;
use crate::scim::list::Step;
use crate::scim::list::Walk;
use crate::scim::wire;

/// A SCIM service as configured.
#[derive(Debug, Clone)]
pub struct ScimSettings {
    /// The directory's name in the configuration.
    pub name: String,
    /// The address below which `Users` is found.
    pub url: String,
    /// The credential.
    pub access: Access,
    /// Certificates to trust besides those of the system, in PEM.
    pub ca_file: Option<PathBuf>,
    /// Bounds of the single exchange.
    pub http: Limits,
    /// How long a whole read may take.
    pub whole: Duration,
    /// How many pages one list may have.
    pub max_pages: u64,
    /// Which users are people (RFC 7644, 3.4.2.2); everybody if it is not given.
    pub filter: Option<String>,
    /// Values of attributes that say that somebody has left.
    pub left_when: Vec<LeftWhen>,
}

/// A directory that speaks SCIM.
#[derive(Debug)]
pub struct ScimDirectory {
    settings: ScimSettings,
    client: Client,
}

impl ScimDirectory {
    /// Takes the settings; errors if they cannot work. Contacts nobody.
    pub fn new(settings: ScimSettings) -> Result<Self, DirectoryError> {
        if let Some(wrong) = settings.left_when.iter().find_map(LeftWhen::mistake) {
            return Err(configuration(format!(
                "directory {} {wrong}",
                settings.name
            )));
        }
        let empty = |filter: &String| filter.trim().is_empty();
        if settings.filter.as_ref().is_some_and(empty) {
            let what =
                "the filter is empty; leave it out, or filter = \"userType eq \\\"Employee\\\"\"";
            return Err(configuration(what.to_owned()));
        }
        let client = connect(&settings)?;
        Ok(Self { settings, client })
    }

    fn service<'a>(&'a self, client: &'a Client) -> Service<'a> {
        Service {
            settings: &self.settings,
            client,
        }
    }
}

fn connect(settings: &ScimSettings) -> Result<Client, DirectoryError> {
    let (url, ca_file) = (settings.url.as_str(), settings.ca_file.as_deref());
    access::connect(url, settings.access.clone(), ca_file, &settings.http)
        .map_err(|e| configuration(e.what))
}

fn configuration(what: String) -> DirectoryError {
    DirectoryError::Configuration { what }
}

/// The service behind one connection.
struct Service<'a> {
    settings: &'a ScimSettings,
    client: &'a Client,
}

impl Service<'_> {
    fn at(&self) -> String {
        self.client.origin().to_owned()
    }

    async fn get(&self, request: Request, when: &str) -> Result<Page, DirectoryError> {
        let request = request.header("accept", MEDIA);
        let answer = self.client.read(&request).await;
        answer.map_err(|error| self.failed(error, when))
    }

    fn failed(&self, error: HttpError, when: &str) -> DirectoryError {
        let at = self.at();
        match error {
            HttpError::Address { what } => configuration(what),
            HttpError::Token { what } => self.refused(what),
            HttpError::TooLarge { .. } => DirectoryError::NotWhole {
                at,
                fault: "read.too-large",
                detail: error.to_string(),
            },
            HttpError::Connect { .. }
            | HttpError::Timeout
            | HttpError::Lost { .. }
            | HttpError::Server { .. }
            | HttpError::Limited { .. } => DirectoryError::Unreachable {
                at,
                when: when.to_owned(),
                source: Box::new(error),
            },
        }
    }

    fn refused(&self, advice: String) -> DirectoryError {
        let bind = match self.settings.access {
            Access::Token(_) => "the token",
            Access::Client { .. } => "the OAuth 2 client",
        };
        DirectoryError::Credentials {
            at: self.at(),
            bind: bind.to_owned(),
            advice,
        }
    }

    fn fault(&self, fault: Fault) -> DirectoryError {
        let at = self.at();
        match fault {
            Fault::NotWhole(fault, detail) => DirectoryError::NotWhole { at, fault, detail },
            Fault::Unreadable(what) => DirectoryError::Unreadable { at, what },
        }
    }

    /// The body of a success, or the error that the answer stands for.
    fn success(&self, page: Page, what: &str) -> Result<Value, DirectoryError> {
        match (page.status, page.payload) {
            (200, Payload::Json(body)) if !wire::is_error(&body) => Ok(body),
            (401, _) => Err(self.refused(format!(
                "{what} is answered with 401; make a new token, or correct the secret"
            ))),
            (403, _) => Err(DirectoryError::Rights {
                at: self.at(),
                what: what.to_owned(),
            }),
            (status, _) => Err(DirectoryError::Unreadable {
                at: self.at(),
                what: format!(
                    "{what} is answered with HTTP {status}, or with no SCIM; the url is the \
                     address below which /Users is found"
                ),
            }),
        }
    }

    /// What the service can do, and its time; one that does not say is taken to be as usual.
    async fn features(&self) -> Result<(Features, Option<Time>), DirectoryError> {
        let request = Request::get("ServiceProviderConfig");
        let page = self.get(request, "while asking what it can do").await?;
        let features = match (page.status, &page.payload) {
            (200, Payload::Json(body)) if !wire::is_error(body) => Features::read(body),
            (401, _) => {
                self.success(page, "asking what it can do")?;
                return Ok((Features::default(), None));
            }
            _ => Features::default(),
        };
        Ok((features, page.date))
    }

    /// The user behind our credential, where there is one and the service says (RFC 7644, 3.11).
    async fn own(&self) -> Result<String, DirectoryError> {
        let page = self.get(Request::get("Me"), "while asking who we are");
        Ok(match page.await? {
            Page {
                status: 200,
                payload: Payload::Json(body),
                ..
            } if !wire::is_error(&body) => wire::id(&body).unwrap_or_default(),
            _ => String::new(),
        })
    }

    async fn everybody(
        &self,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<PeopleRead, DirectoryError> {
        let (features, _) = self.features().await?;
        let own = self.own().await?;
        let mut last = None;
        // people came or went meanwhile, or positions are counted from 0: again, from the start
        for overlap in [false, true, false] {
            match self.list(Walk::new(features, overlap), progress).await {
                Ok(listing) => return Ok(self.whole(listing, &own)),
                Err(DirectoryError::NotWhole {
                    at,
                    fault: fault @ ("read.moved" | "read.short"),
                    detail,
                }) => last = Some(DirectoryError::NotWhole { at, fault, detail }),
                Err(other) => return Err(other),
            }
        }
        let never = || self.fault(Fault::Unreadable("no list of users".to_owned()));
        Err(last.unwrap_or_else(never))
    }

    async fn list(
        &self,
        mut walk: Walk<PersonRecord>,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Listing<PersonRecord>, DirectoryError> {
        let record = |user: &Value| people::record(user, &self.settings.left_when);
        for number in 1..=self.settings.max_pages {
            let mut request = walk.request();
            if let Some(filter) = &self.settings.filter {
                request = request.query("filter", filter.as_str());
            }
            let page = self.get(request, &format!("on page {number}")).await?;
            match walk.take(&page, &record).map_err(|f| self.fault(f))? {
                Step::Done => return Ok(walk.listing),
                Step::On => progress(walk.listing.distinct()),
                Step::Failed => {
                    self.success(page, "listing users")?;
                }
            }
        }
        let detail = format!("there are more than {} pages", self.settings.max_pages);
        Err(self.fault(Fault::NotWhole("read.too-many", detail)))
    }

    fn whole(&self, listing: Listing<PersonRecord>, own: &str) -> PeopleRead {
        let filter = self.settings.filter.as_deref().unwrap_or_default();
        let mut parts = vec!["scim", self.settings.url.as_str(), filter, own];
        for rule in &self.settings.left_when {
            parts.push(rule.attribute.as_str());
            parts.extend(rule.values.iter().map(String::as_str));
        }
        let mut proof = listing.proof(self.client.origin(), &parts.join("\n"));
        if !filter.is_empty() {
            proof.about.insert("filter".to_owned(), filter.to_owned());
        }
        PeopleRead {
            people: listing.accounts.into_values().collect(),
            proof,
        }
    }

    /// One user; `None` is the service's own word that there is none.
    async fn user(&self, id: &str) -> Result<Option<Value>, DirectoryError> {
        let request = Request::get(format!("Users/{}", segment(id)));
        let page = self.get(request, "while looking somebody up").await?;
        if let (404, Payload::Json(body)) = (page.status, &page.payload)
            && wire::is_error(body)
        {
            return Ok(None);
        }
        let body = self.success(page, "reading a user")?;
        if wire::id(&body).as_deref() == Some(id) {
            return Ok(Some(body));
        }
        let what = "another user came than the one asked for".to_owned();
        Err(self.fault(Fault::Unreadable(what)))
    }

    /// Demands that somebody else can be read here, by list and by id: who cannot see anybody
    /// would be told that nobody is there.
    async fn prove_rights(&self, without: &str) -> Result<(), DirectoryError> {
        let others = self.some_ids().await?;
        if others.iter().any(|id| id == without) {
            let detail = "somebody stands in the list who is not found by id".to_owned();
            return Err(self.fault(Fault::NotWhole("read.moved", detail)));
        }
        if let Some(other) = others.first()
            && self.user(other).await?.is_some()
        {
            return Ok(());
        }
        Err(DirectoryError::Rights {
            at: self.at(),
            what: "reading somebody else by id, so that nobody counts as gone".to_owned(),
        })
    }

    /// The ids of a few users, whatever the filter.
    async fn some_ids(&self) -> Result<Vec<String>, DirectoryError> {
        let users = self.some_users().await?;
        Ok(users.iter().filter_map(wire::id).collect())
    }

    async fn some_users(&self) -> Result<Vec<Value>, DirectoryError> {
        let request = Request::get("Users").query("count", "5");
        let page = self.get(request, "while listing users").await?;
        let body = self.success(page, "listing users")?;
        let page = wire::page(&body).map_err(|f| self.fault(f))?;
        Ok(page.users.to_vec())
    }

    async fn probe(&self, probes: &mut Vec<Probe>) -> Result<(), (&'static str, DirectoryError)> {
        let (_, date) = self.features().await.map_err(|e| ("connection", e))?;
        let says = match date {
            Some(time) => format!(
                "{} answers; its time is {}",
                self.at(),
                time.to_seconds_text()
            ),
            None => format!("{} answers, without a time", self.at()),
        };
        probes.push(Probe::good("connection", says));
        let users = self.some_users().await.map_err(|e| ("people", e))?;
        let silent = users
            .iter()
            .all(|user| !matches!(wire::active(user), Ok(Some(_))));
        let (state, says, hint) = match (users.is_empty(), silent) {
            (true, _) => (
                ProbeState::Bad,
                "the service lists nobody",
                Some("look at the rights of the credential, and at who is assigned"),
            ),
            (false, true) => (
                ProbeState::Limited,
                "users can be listed, and none says whether it is active",
                Some("deactivations cannot be seen; only who is deleted counts as gone"),
            ),
            (false, false) => (ProbeState::Good, "users can be listed", None),
        };
        probes.push(Probe {
            what: "people".to_owned(),
            state,
            says: says.to_owned(),
            hint: hint.map(str::to_owned),
        });
        if let Some(id) = users.iter().find_map(wire::id) {
            let found = self.user(&id).await.map_err(|e| ("look-up", e))?;
            let probe = match found {
                Some(_) => Probe::good("look-up", "users can be read by id".to_owned()),
                None => Probe {
                    what: "look-up".to_owned(),
                    state: ProbeState::Bad,
                    says: "a listed user is not found by id".to_owned(),
                    hint: Some("nobody who is missing will count as gone".to_owned()),
                },
            };
            probes.push(probe);
        }
        Ok(())
    }
}

#[async_trait]
impl Directory for ScimDirectory {
    async fn read(
        &self,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<PeopleRead, DirectoryError> {
        let service = self.service(&self.client);
        let whole = self.settings.whole;
        let read = tokio::time::timeout(whole, service.everybody(progress)).await;
        let read = read.unwrap_or_else(|_| {
            Err(DirectoryError::NotWhole {
                at: service.at(),
                fault: "read.timeout",
                detail: format!(
                    "the list did not end within {} seconds; raise `read_limit_s`",
                    whole.as_secs()
                ),
            })
        })?;
        progress(read.proof.count);
        Ok(read)
    }

    async fn look_up(&self, key: &str) -> Result<Option<PersonRecord>, DirectoryError> {
        let fresh = connect(&self.settings)?;
        let service = self.service(&fresh);
        let Some(user) = service.user(key).await? else {
            service.prove_rights(key).await?;
            return Ok(None);
        };
        let record = people::record(&user, &self.settings.left_when);
        record.map(Some).map_err(|f| service.fault(f))
    }

    async fn clock(&self) -> Result<Option<Time>, DirectoryError> {
        let service = self.service(&self.client);
        Ok(service.features().await?.1)
    }

    async fn check(&self) -> Vec<Probe> {
        let mut probes = Vec::new();
        let service = self.service(&self.client);
        if let Err((what, error)) = service.probe(&mut probes).await {
            probes.push(Probe::bad(what, &error));
        }
        probes
    }

    fn lists_everybody(&self) -> bool {
        true
    }

    fn is_loopback(&self) -> bool {
        self.client.is_loopback()
    }
}
