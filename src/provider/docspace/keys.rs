//! API keys of a portal: whose they are, whether they work, and how they are taken away.
//!
//! The vendor's API reference says: an administrator gets every key, without the secrets; expired
//! and deactivated ones stay in the list; `PUT keys/{id}` with `isActive: false` stops one, and
//! answers `false` where it has changed nothing, as for an expired one. Deactivating is taken
//! before deleting, since it can be undone.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use crate::domain::account::Do;
use crate::domain::time::Time;
use crate::provider::Order;
use crate::provider::ProviderError;
use crate::provider::docspace::DocSpace;
use crate::provider::docspace::envelope::success;
use crate::provider::docspace::people;
use crate::provider::http::Request;
use crate::provider::http::segment;
use crate::provider::listing::Fault;

const KEYS: &str = "api/2.0/keys";

/// What of a key may be kept: everything but the secret, which no list should show anyway.
const KEPT: &[&str] = &[
    "id",
    "name",
    "permissions",
    "createOn",
    "lastUsed",
    "expiresAt",
    "isActive",
];

/// One API key.
#[derive(Debug, Clone, PartialEq)]
struct ApiKey {
    id: String,
    /// Who made it, and in whose name it acts.
    owner: Option<String>,
    /// Whether programs can still use it, as far as is shown.
    live: bool,
    kept: Value,
}

impl ApiKey {
    fn is_live_of(&self, id: &str) -> bool {
        let owner = self.owner.as_deref().filter(|_| self.live);
        owner.is_some_and(|owner| owner.eq_ignore_ascii_case(id))
    }
}

/// The API keys of a portal.
pub(super) struct Keys {
    all: Vec<ApiKey>,
    /// How many keys of each user work.
    live: BTreeMap<String, u64>,
}

impl Keys {
    fn new(all: Vec<ApiKey>) -> Self {
        let mut live: BTreeMap<_, u64> = BTreeMap::new();
        for owner in all.iter().filter(|key| key.live).flat_map(|key| &key.owner) {
            let count = live.entry(owner.clone()).or_default();
            *count = count.saturating_add(1);
        }
        Self { all, live }
    }

    /// How many keys there are, ended ones too.
    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    /// How many keys of one user work; `id` as [`people::id`] makes them.
    pub(super) fn of(&self, id: &str) -> u64 {
        self.live.get(id).copied().unwrap_or(0)
    }
}

/// Reads the list; `now` is the portal's time. A key of which it cannot be said that it has ended
/// works.
fn read(body: &Value, now: Option<Time>) -> Result<Vec<ApiKey>, Fault> {
    let one = |item: &Value| {
        let id = people::id(item, "id");
        let id = id.ok_or_else(|| Fault::Unreadable("id of an API key".to_owned()))?;
        let ends = item.get("expiresAt").and_then(Value::as_str);
        let ended = ends.and_then(Time::parse).zip(now);
        let ended = ended.is_some_and(|(ends, now)| ends <= now);
        let stopped = item.get("isActive").and_then(Value::as_bool) == Some(false);
        let kept = KEPT.iter().filter_map(|field| {
            let value = item.get(*field)?.clone();
            Some(((*field).to_owned(), value))
        });
        Ok(ApiKey {
            id,
            owner: item.get("createBy").and_then(|by| people::id(by, "id")),
            live: !stopped && !ended,
            kept: Value::Object(kept.collect()),
        })
    };
    people::items(body)?.iter().map(one).collect()
}

impl DocSpace {
    /// Every API key, or why they cannot be seen.
    pub(super) async fn read_keys(&self) -> Result<Keys, ProviderError> {
        let page = self.get(KEYS, &[]).await?;
        let now = page.date;
        let body = success(page, self.client.origin(), "listing API keys")?;
        let all = read(&body, now).map_err(|f| self.fault(f))?;
        Ok(Keys::new(all))
    }

    /// Every API key; `None` where they cannot be seen, which says nothing about them and is no
    /// reason not to read the people.
    pub(super) async fn keys(&self) -> Option<Keys> {
        self.read_keys().await.ok()
    }

    /// One request for each key of a user that works.
    pub(super) async fn deactivations(&self, id: &str) -> Vec<Order> {
        let keys = self.keys().await.map(|keys| keys.all).unwrap_or_default();
        let own = keys.into_iter().filter(|key| key.is_live_of(id));
        own.map(deactivation).collect()
    }
}

fn deactivation(key: ApiKey) -> Order {
    let path = format!("/{KEYS}/{}", segment(&key.id));
    let request = Request::new(Method::PUT, path).json(&json!({ "isActive": false }));
    let template = "/api/2.0/keys/{key}";
    let mut order = Order::new(Do::Revoke, "deactivate-key", template, request);
    order.image = Some(json!({ "apiKey": key.kept }).to_string());
    order
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    const OWNER: &str = "11111111-1111-1111-1111-111111111111";

    fn key(more: &[(&str, Value)]) -> Value {
        let mut key = json!({
            "id": "22222222-2222-2222-2222-222222222222", "name": "sync", "keyPostfix": "cdef",
            "key": "sk-never", "permissions": [], "isActive": true,
            "createBy": {"id": OWNER.to_uppercase(), "displayName": "Ada"},
        });
        for (field, value) in more {
            key[*field] = value.clone();
        }
        key
    }

    fn one(more: &[(&str, Value)]) -> Result<ApiKey, Fault> {
        let now = Time::parse("2026-11-22T10:00:00Z");
        Ok(read(&json!({ "response": [key(more)] }), now)?.remove(0))
    }

    #[test]
    fn a_key_works_until_it_is_stopped_or_ends() {
        let plain = one(&[]).unwrap();
        assert!(plain.is_live_of(OWNER));
        let past = json!("2026-11-21T10:00:00.0000000Z");
        assert!(!one(&[("expiresAt", past)]).unwrap().live);
        assert!(!one(&[("isActive", json!(false))]).unwrap().live);
        for odd in [json!("soon"), json!(null), json!(7)] {
            assert!(one(&[("expiresAt", odd.clone())]).unwrap().live, "{odd}");
            assert!(one(&[("isActive", odd)]).unwrap().live);
        }
    }

    #[test]
    fn no_secret_is_kept_and_nobody_is_guessed() {
        let kept = one(&[]).unwrap().kept.to_string();
        assert!(!kept.contains("sk-") && !kept.contains("Ada"), "{kept}");
        let nobody = one(&[("createBy", json!(null))]).unwrap();
        assert!(!nobody.is_live_of(OWNER) && !nobody.is_live_of(""));
        assert!(one(&[("id", json!("../people"))]).is_err());
        assert!(read(&json!({ "response": {} }), None).is_err());
    }
}
