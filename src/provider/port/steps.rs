//! What is read before a change, and the change itself.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use crate::domain::account::Do;
use crate::domain::account::Protection;
use crate::provider::Next;
use crate::provider::Order;
use crate::provider::ProviderError;
use crate::provider::Target;
use crate::provider::http::Request;
use crate::provider::port::Port;
use crate::provider::port::behind::Behind;
use crate::provider::port::one::Found;
use crate::provider::port::wire;

const TEMPLATE: &str = "/v1/blueprints/_user/entities/{id}";

/// Fields of entities and users that hold secrets, in lower case without punctuation.
const SECRETS: [&str; 6] = [
    "clientsecret",
    "secret",
    "password",
    "token",
    "accesstoken",
    "apikey",
];

impl Port {
    /// Reads the account and what it leaves behind, and makes the request.
    pub(super) async fn next_step(
        &self,
        target: &Target,
        wanted: Do,
    ) -> Result<Next, ProviderError> {
        if !wanted.changes_account() {
            return Ok(Next::Withhold("block.step-impossible"));
        }
        // the organisation is asked again: another credential may stand in the file by now
        self.read_organization().await?;
        let Some(found) = self.find(&target.id).await? else {
            return Ok(Next::Withhold("block.identity-changed"));
        };
        if let Some(code) = forbids(target, &found, wanted) {
            return Ok(Next::Withhold(code));
        }
        let mut order = Order::new(wanted, call(wanted), TEMPLATE, request(&found.name, wanted));
        order.checked.push("checked.workspace");
        let mut behind = None;
        if wanted == Do::Remove {
            let left = self.left_behind(&found).await?;
            order.owned = left.counts();
            order.checked.push("checked.ownerships");
            behind = Some(left);
        }
        order.image = Some(image(&found, behind.as_ref()));
        Ok(Next::Send(Box::new(order)))
    }
}

/// Why a fresh record forbids a change. Giving an account back harms nobody who is protected, unless
/// it is not certain that it is the account, or that it was ever in.
fn forbids(target: &Target, found: &Found, wanted: Do) -> Option<&'static str> {
    let facts = &found.record.facts;
    if facts.managed_by.is_some() {
        return Some("block.provider-managed");
    }
    let unclear = [Protection::UnclearIdentity, Protection::UnclearStatus];
    let mut protected = facts.protected.clone();
    if wanted == Do::Restore {
        protected.retain(|p| unclear.contains(p));
    }
    let forbidden = target.forbidden_by(&protected, wanted);
    forbidden.map(|p| p.code())
}

const fn call(wanted: Do) -> &'static str {
    match wanted {
        Do::Restore => "enable",
        Do::Remove => "delete-user",
        Do::Disable | Do::Transfer | Do::Revoke => "disable",
    }
}

/// The status that a change sets; none for a removal.
pub(super) const fn status(wanted: Do) -> Option<&'static str> {
    match wanted {
        Do::Disable => Some("Disabled"),
        Do::Restore => Some("Active"),
        Do::Remove | Do::Transfer | Do::Revoke => None,
    }
}

/// The one request of a step. Nothing that depends on a user is ever deleted with it.
pub(super) fn request(name: &str, wanted: Do) -> Request {
    let path = wire::entity(name);
    match status(wanted) {
        Some(status) => {
            Request::new(Method::PATCH, path).json(&json!({ "properties": { "status": status } }))
        }
        None => Request::new(Method::DELETE, path).query("delete_dependents", "false"),
    }
}

/// The account as Port has it, and what it leaves behind.
fn image(found: &Found, behind: Option<&Behind>) -> String {
    let mut image = BTreeMap::from([
        ("entity", found.entity.clone().unwrap_or(Value::Null)),
        ("user", found.user.clone().unwrap_or(Value::Null)),
    ]);
    if let Some(behind) = behind {
        image.insert("left_behind", behind.image());
        image.insert("shows_what_it_made", Value::from(behind.shows_made));
    }
    let mut image = json!(image);
    strip(&mut image);
    image.to_string()
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !is_secret(name));
            fields.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

fn is_secret(name: &str) -> bool {
    let letters: String = name.chars().filter(|c| c.is_alphanumeric()).collect();
    SECRETS.contains(&letters.to_lowercase().as_str())
}
