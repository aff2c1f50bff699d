//! Single reads: what the server can do, who we are, one user.

use serde_json::Value;

use crate::domain::time::Time;
use crate::provider::ProviderError;
use crate::provider::http::Page;
use crate::provider::http::Payload;
use crate::provider::http::Request;
use crate::provider::http::segment;
use crate::provider::listing::Fault;
use crate::provider::scim::Scim;
use crate::provider::scim::change::MEDIA;
use crate::provider::scim::people;
use crate::scim::features::Features;

/// One user as the server has it.
pub(super) type User = (Value, Option<String>);

impl Scim {
    fn at(&self) -> String {
        self.client.origin().to_owned()
    }

    pub(super) async fn get(&self, request: &Request) -> Result<Page, ProviderError> {
        let request = request.clone().header("accept", MEDIA);
        let answer = self.client.read(&request).await;
        answer.map_err(|e| e.into_provider(self.client.origin()))
    }

    /// The server's time.
    pub(super) async fn server_time(&self) -> Result<Option<Time>, ProviderError> {
        Ok(self.get(&Request::get("ServiceProviderConfig")).await?.date)
    }

    /// What the server can do; one that does not say is taken to be as usual.
    pub(super) async fn features(&self) -> Result<Features, ProviderError> {
        if let Some(known) = self.known().features {
            return Ok(known);
        }
        let page = self.get(&Request::get("ServiceProviderConfig")).await?;
        let features = match (page.status, &page.payload) {
            (200, Payload::Json(body)) if !people::is_error(body) => Features::read(body),
            (401, _) => return Err(ProviderError::Credentials { at: self.at() }),
            _ => Features::default(),
        };
        self.known().features = Some(features);
        Ok(features)
    }

    /// The user behind our credential, where there is one and the server says (RFC 7644, 3.11).
    pub(super) async fn own(&self) -> Result<Option<String>, ProviderError> {
        if let Some(known) = &self.known().own {
            return Ok(known.clone());
        }
        let page = self.get(&Request::get("Me")).await?;
        let own = match (page.status, &page.payload) {
            (200, Payload::Json(body)) if !people::is_error(body) => people::id(body),
            (401, _) => return Err(ProviderError::Credentials { at: self.at() }),
            _ => None,
        };
        self.known().own = Some(own.clone());
        Ok(own)
    }

    /// The path of a user.
    pub(super) fn path(id: &str) -> String {
        format!("Users/{}", segment(id))
    }

    /// One user with its version; `None` is the server's own word that there is none.
    pub(super) async fn user(&self, id: &str) -> Result<Option<User>, ProviderError> {
        let page = self.get(&Request::get(Self::path(id))).await?;
        if let (404, Payload::Json(body)) = (page.status, &page.payload)
            && people::is_error(body)
        {
            return Ok(None);
        }
        let etag = page.etag.clone();
        let body = success(page, self.client.origin(), "reading a user")?;
        if people::id(&body).as_deref() != Some(id) {
            let what = "another user than the one asked for".to_owned();
            return Err(self.fault(Fault::Unreadable(what)));
        }
        let version = people::member(&body, "meta")
            .and_then(|meta| people::member(meta, "version")?.as_str())
            .map(str::to_owned);
        Ok(Some((body, etag.or(version))))
    }
}

/// The body of a success, or the error that the answer stands for.
pub(super) fn success(page: Page, at: &str, what: &str) -> Result<Value, ProviderError> {
    let at = at.to_owned();
    match (page.status, page.payload) {
        (200, Payload::Json(body)) if !people::is_error(&body) => Ok(body),
        (401, _) => Err(ProviderError::Credentials { at }),
        (403, _) => Err(ProviderError::Rights {
            at,
            what: what.to_owned(),
        }),
        (status, _) => Err(ProviderError::Unreadable {
            at,
            what: format!("{what}: HTTP {status}, or no SCIM answer"),
        }),
    }
}
