//! Paths, and what an answer to a read is worth.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use crate::provider::ProviderError;
use crate::provider::http::Page;
use crate::provider::http::Payload;
use crate::provider::http::Request;
use crate::provider::http::segment;
use crate::provider::port::Port;
use crate::provider::port::is_ok;
use crate::provider::port::is_refusal;

pub(super) const TOKEN: &str = "v1/auth/access_token";
pub(super) const ORGANIZATION: &str = "v1/organization";
pub(super) const USERS: &str = "v1/users";
pub(super) const ENTITIES: &str = "v1/blueprints/_user/entities";
const COUNT: &str = "v1/blueprints/_user/entities-count";
const PAGES: &str = "v1/blueprints/_user/entities/search";
const SEARCH: &str = "v1/entities/search";
const AUDIT: &str = "v1/audit-log";

/// How many entities one page holds; the documented maximum.
const PAGE: u64 = 1000;

/// What is asked of every user; the login comes only when it is asked for.
const FIELDS: [&str; 15] = [
    "id",
    "email",
    "firstName",
    "lastName",
    "status",
    "type",
    "providers",
    "isInvisible",
    "createdAt",
    "roles.name",
    "roles.isAdmin",
    "teams.name",
    "orgMembers.orgId",
    "orgMembers.status",
    "orgMembers.lastLoginAt",
];

/// All users of the organisation: there are no pages.
pub(super) fn users() -> Request {
    FIELDS.iter().fold(Request::get(USERS), |request, field| {
        request.query("fields", *field)
    })
}

/// All users with what comes unasked, SCIM's mark among it, which cannot be asked for.
pub(super) fn plain_users() -> Request {
    Request::get(USERS)
}

/// How many entities of `_user` there are.
pub(super) fn count() -> Request {
    Request::get(COUNT)
}

/// One page of the entities of `_user`. Partial results are never allowed: in one, people look
/// absent.
pub(super) fn page(from: Option<&str>) -> Request {
    let mut body = json!({
        "query": { "combinator": "and", "rules": [] },
        "limit": PAGE,
    });
    if let (Some(from), Some(fields)) = (from, body.as_object_mut()) {
        fields.insert("from".to_owned(), Value::from(from));
    }
    Request::new(Method::POST, PAGES).json(&body)
}

/// What is related to a user, in either direction: which of it points at the user is seen in its
/// own relations.
pub(super) fn related(name: &str) -> Request {
    let rule = |direction: &str| {
        json!({
            "operator": "relatedTo", "blueprint": "_user", "value": name, "direction": direction,
        })
    };
    let rules = [rule("downstream"), rule("upstream")];
    Request::new(Method::POST, SEARCH).json(&json!({ "combinator": "or", "rules": rules }))
}

/// What a user made, by the id that is not the address.
pub(super) fn created_by(user_id: &str) -> Request {
    let rule = json!({ "property": "$createdBy", "operator": "=", "value": user_id });
    Request::new(Method::POST, SEARCH).json(&json!({ "combinator": "and", "rules": [rule] }))
}

/// Events of the audit log between two moments (RFC 3339), the newest first.
pub(super) fn audit(from: &str, to: &str, limit: usize) -> Request {
    Request::get(AUDIT)
        .query("from", from)
        .query("to", to)
        .query("limit", limit.to_string())
}

/// The path of one entity of `_user`.
pub(super) fn entity(name: &str) -> String {
    format!("{ENTITIES}/{}", segment(name))
}

/// The path of one user.
pub(super) fn user(name: &str) -> String {
    format!("{USERS}/{}", segment(name))
}

impl Port {
    /// Reads and demands success; `what` is the right in words: "listing users".
    pub(super) async fn read(&self, request: &Request, what: &str) -> Result<Value, ProviderError> {
        let page = self.ask(request).await?;
        success(page, self.client.origin(), what)
    }

    /// Reads one thing; `None` is Port's own word that it is not there.
    pub(super) async fn read_one(
        &self,
        path: String,
        what: &str,
    ) -> Result<Option<Value>, ProviderError> {
        let page = self.ask(&Request::get(path)).await?;
        if let (404, Payload::Json(body)) = (page.status, &page.payload)
            && is_absent(body)
        {
            return Ok(None);
        }
        success(page, self.client.origin(), what).map(Some)
    }

    pub(super) async fn get(&self, path: &str) -> Result<Page, ProviderError> {
        self.ask(&Request::get(path)).await
    }

    pub(super) async fn ask(&self, request: &Request) -> Result<Page, ProviderError> {
        let answer = self.client.read(request).await;
        answer.map_err(|e| e.into_provider(self.client.origin()))
    }
}

/// Whether an answer with 404 says that the thing asked for is not there, and not the blueprint it
/// belongs to or the path itself.
pub(super) fn is_absent(body: &Value) -> bool {
    let resource = body.get("resource").and_then(Value::as_str);
    let ours = resource.is_none_or(|r| {
        ["entity", "user"]
            .iter()
            .any(|own| r.eq_ignore_ascii_case(own))
    });
    is_refusal(body) && body.get("error").and_then(Value::as_str) == Some("not_found") && ours
}

/// The body of a success, or the error that the answer stands for.
pub(super) fn success(page: Page, at: &str, what: &str) -> Result<Value, ProviderError> {
    let at = at.to_owned();
    let unreadable = |says: String| ProviderError::Unreadable {
        at: at.clone(),
        what: format!("{what}: {says}"),
    };
    match (page.status, page.payload) {
        (200, Payload::Json(body)) if is_ok(&body) => Ok(body),
        (200, Payload::Json(_)) => Err(unreadable("no ok in HTTP 200".to_owned())),
        (401, _) => Err(ProviderError::Credentials { at }),
        (402, _) => Err(ProviderError::Tenant {
            at,
            what: "unpaid, or its plan does not have this (402)".to_owned(),
        }),
        (403, payload) if names_address(&payload) => Err(ProviderError::Rights {
            at,
            what: format!("{what} from this address: its IP allow-list does not have it"),
        }),
        (403, Payload::Json(body)) if is_refusal(&body) => Err(ProviderError::Rights {
            at,
            what: what.to_owned(),
        }),
        (status, Payload::Other(kind)) => Err(unreadable(format!("{kind} with HTTP {status}"))),
        (status, _) => Err(unreadable(format!("HTTP {status}"))),
    }
}

/// Port turns away addresses that are not on the organisation's list, in these words.
fn names_address(payload: &Payload) -> bool {
    let Payload::Json(body) = payload else {
        return false;
    };
    ["message", "error"].iter().any(|field| {
        let text = body.get(field).and_then(Value::as_str);
        text.is_some_and(|t| t.contains("IP not whitelisted"))
    })
}
