//! The API keys of a domain: who holds one, and whether that can be seen at all.
//!
//! The list shows each key itself. It is compared with our own and dropped at once.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use serde_json::Map;
use serde_json::Value;

use crate::provider::http::Secret;
use crate::provider::json;
use crate::provider::listing::Fault;

/// What of a key may be kept: everything that is known, but the key.
const KEPT: &[&str] = &[
    "uid",
    "label",
    "permissions",
    "created_at",
    "is_revoked",
    "revocation_status",
];

/// One API key, without the key.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ApiKey {
    /// The username of whose it is.
    pub(super) owner: Option<String>,
    /// Whether it is revoked for certain.
    pub(super) revoked: bool,
    /// What may be kept of it.
    pub(super) kept: Value,
    ours: bool,
}

/// Reads one API key as `uid` and the rest.
pub(super) fn read(item: &Value, own: &Secret) -> Result<(String, ApiKey), Fault> {
    let uid = json::id(item, "uid")
        .ok_or_else(|| Fault::NotWhole("read.without-key", "an API key has no uid".to_owned()))?;
    let shown = item.get("key").and_then(Value::as_str).unwrap_or_default();
    let own = own.expose().trim();
    let ours = verify_slices_are_equal(shown.as_bytes(), own.as_bytes()).is_ok();
    let owner = item.get("user").and_then(|u| u.get("username"));
    let owner = owner
        .and_then(Value::as_str)
        .filter(|name| !name.is_empty())
        .map(str::to_owned);
    let kept: Map<String, Value> = KEPT
        .iter()
        .filter_map(|field| Some(((*field).to_owned(), item.get(*field)?.clone())))
        .collect();
    let key = ApiKey {
        owner,
        revoked: item.get("is_revoked").and_then(Value::as_bool) == Some(true),
        kept: Value::Object(kept),
        ours,
    };
    Ok((uid, key))
}

/// What is known of the API keys of a domain.
#[derive(Debug, Clone, Default)]
pub(super) struct Keys {
    /// The status with which the list was refused, if it was.
    pub(super) refused: Option<u16>,
    /// The username of the user of our own key, where the list shows it.
    pub(super) own: Option<String>,
    /// Who holds a key that is not revoked.
    pub(super) holders: BTreeSet<String>,
    keys: Vec<ApiKey>,
}

impl Keys {
    /// The list cannot be had.
    pub(super) fn refused(status: u16) -> Self {
        Self {
            refused: Some(status),
            ..Self::default()
        }
    }

    /// The keys of a whole list.
    pub(super) fn of(items: BTreeMap<String, ApiKey>) -> Self {
        let keys: Vec<ApiKey> = items.into_values().collect();
        let holders = keys.iter().filter(|k| !k.revoked);
        Self {
            refused: None,
            own: keys.iter().find(|k| k.ours).and_then(|k| k.owner.clone()),
            holders: holders.filter_map(|k| k.owner.clone()).collect(),
            keys,
        }
    }

    /// How many keys the list has.
    pub(super) fn count(&self) -> usize {
        self.keys.len()
    }

    /// Whether the list is known to show everybody's keys: it has keys of two users at least, and
    /// each that works says whose it is.
    ///
    /// Nothing says whether an administrator sees the keys of others, and a list of one's own keys
    /// looks like that of a domain in which nobody else has any.
    pub(super) fn show_everybody(&self) -> bool {
        let owners: BTreeSet<&str> = self
            .keys
            .iter()
            .filter_map(|k| k.owner.as_deref())
            .collect();
        owners.len() >= 2 && self.keys.iter().all(|k| k.revoked || k.owner.is_some())
    }

    /// The keys of one user.
    pub(super) fn held_by<'a>(&'a self, username: &'a str) -> impl Iterator<Item = &'a ApiKey> {
        let own = move |k: &&ApiKey| k.owner.as_deref() == Some(username);
        self.keys.iter().filter(own)
    }
}
