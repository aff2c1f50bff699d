//! Where each call goes. Routes of this vendor come and go, so that each can be configured.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use crate::provider::ProviderError;
use crate::provider::http::Request;
use crate::provider::http::segment;

/// What a path says about one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    /// It must name one.
    One,
    /// It may name one; if not, the body does.
    Maybe,
    /// It names none.
    None,
}

/// The names of the paths in the configuration, with the usual path of each.
const USUAL: &[(&str, &str, Names)] = &[
    ("workspace", "v4/workspaces/current", Names::None),
    ("people", "v4/people", Names::None),
    ("person", "v4/people/{id}", Names::One),
    ("current", "v4/people/current", Names::None),
    ("admins", "v4/workspaces/{workspace}/admins", Names::None),
    (
        "suspend",
        "v4/workspaces/{workspace}/people/{id}/suspended",
        Names::Maybe,
    ),
    (
        "unsuspend",
        "v4/workspaces/{workspace}/people/unsuspend",
        Names::Maybe,
    ),
    (
        "transfer",
        "v4/workspaces/{workspace}/transfer",
        Names::None,
    ),
    (
        "remove",
        "v4/workspaces/{workspace}/people/{id}",
        Names::One,
    ),
];

/// The paths of one tenant.
#[derive(Debug, Clone)]
pub(super) struct Paths {
    by_name: BTreeMap<&'static str, String>,
    workspace: String,
}

impl Paths {
    /// Takes the usual paths and puts the configured ones in place of theirs; an unknown name, or a
    /// path that lacks what it must say, is a mistake.
    pub(super) fn new(
        workspace: &str,
        configured: &BTreeMap<String, String>,
    ) -> Result<Self, ProviderError> {
        let mistake = |what: String| ProviderError::Configuration { what };
        let mut by_name: BTreeMap<_, _> = USUAL
            .iter()
            .map(|(name, path, _)| (*name, (*path).to_owned()))
            .collect();
        for (name, path) in configured {
            let Some((name, usual, names)) = USUAL.iter().find(|(n, ..)| n == name) else {
                let known: Vec<_> = USUAL.iter().map(|(n, ..)| *n).collect();
                let known = known.join(", ");
                return Err(mistake(format!("`paths` has no `{name}`; it has {known}")));
            };
            let path = path.trim().trim_start_matches('/');
            if let Some(wrong) = wrong(path, *names) {
                return Err(mistake(format!(
                    "the path `{name}` under `paths` {wrong}; as in \"{usual}\""
                )));
            }
            by_name.insert(name, path.to_owned());
        }
        Ok(Self {
            by_name,
            workspace: workspace.to_owned(),
        })
    }

    /// A path as it is, with `{id}` where the account's id stands: for an intent.
    pub(super) fn shown(&self, name: &str) -> String {
        let path = self.by_name.get(name).map_or("", String::as_str);
        let path = path.replace("{workspace}", &segment(&self.workspace));
        format!("/{path}")
    }

    /// A path as it is configured.
    pub(super) fn template(&self, name: &str) -> String {
        self.by_name.get(name).cloned().unwrap_or_default()
    }

    /// The path of a call that names no account.
    pub(super) fn plain(&self, name: &str) -> String {
        self.shown(name)
    }

    /// The path of a call about one account.
    pub(super) fn about(&self, name: &str, id: &str) -> String {
        self.shown(name).replace("{id}", &segment(id))
    }

    /// The request that suspends or unsuspends one account: by a path that names it, or by a list
    /// of one in the body.
    pub(super) fn switch(&self, name: &str, id: &str) -> Request {
        let path = self.about(name, id);
        match self.shown(name).contains("{id}") {
            true => Request::new(Method::PUT, path).json(&json!({})),
            false => Request::new(Method::POST, path).json(&json!({ "personIds": [number(id)] })),
        }
    }
}

fn wrong(path: &str, names: Names) -> Option<&'static str> {
    let filled = path.replace("{workspace}", "1").replace("{id}", "1");
    if filled.contains(['{', '}']) {
        return Some("may hold {workspace} and {id} only");
    }
    let parts = filled.split('/');
    if filled.contains(['?', '#', '\\', ':', '%']) || parts.into_iter().any(|p| p.trim().is_empty())
    {
        return Some("is not a path below the tenant's url");
    }
    match (names, path.contains("{id}")) {
        (Names::One, false) => Some("must hold {id}"),
        (Names::None, true) => Some("may not hold {id}"),
        _ => None,
    }
}

/// An id as it stands in a body: a number where it is one.
pub(super) fn number(id: &str) -> Value {
    match id.parse::<u64>() {
        Ok(number) if number.to_string() == id => number.into(),
        _ => id.into(),
    }
}
