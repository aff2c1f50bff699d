//! What `exeunt check` finds out about a workspace, in an administrator's words.

use serde_json::Value;

use crate::domain::account::Signal;
use crate::provider::Probe;
use crate::provider::ProbeState;
use crate::provider::ProviderError;
use crate::provider::alteryx::Alteryx;
use crate::provider::alteryx::people::Standing;
use crate::provider::http::Payload;
use crate::provider::listing::Listing;

const TOKEN_HINT: &str = "As an administrator of the workspace, make a new OAuth 2.0 API token \
                          under User Preferences > OAuth2.0 API Tokens, and put its refresh token \
                          where `refresh_token` points.";

/// Where the tenant describes its own calls.
const DESCRIPTION: &str = "v4/open-api-spec";

fn failed(what: &str, e: &ProviderError) -> Probe {
    let hint = match e {
        ProviderError::Credentials { .. } | ProviderError::Token { .. } => Some(TOKEN_HINT),
        ProviderError::Rights { .. } => Some(
            "The token must belong to an administrator of the workspace: Workspace Admin > Users \
             shows the roles.",
        ),
        ProviderError::Unreachable { .. } => Some(
            "Look at the addresses in `url` and `token_url`, at name resolution, firewall and \
             certificate.",
        ),
        ProviderError::Limited { .. } => Some("Try again after that time."),
        ProviderError::Tenant { .. } => Some("Open the workspace in a browser: it says why."),
        ProviderError::Configuration { .. } => None,
        _ => Some("Look whether `url` is the address of the workspace's region."),
    };
    Probe::new(what, ProbeState::Bad, format!("{e}."), hint)
}

impl Alteryx {
    pub(super) async fn probe_all(&self) -> Vec<Probe> {
        let mut probes = Vec::new();
        match self.workspace().await {
            Ok(()) => probes.push(Probe::new(
                "workspace",
                ProbeState::Good,
                format!(
                    "The token works, and is bound to the workspace {}, which is active.",
                    self.workspace
                ),
                None,
            )),
            Err(e) => {
                // without the right workspace, nothing else is worth knowing
                probes.push(failed("workspace", &e));
                return probes;
            }
        }
        match self.standing().await {
            Ok(standing) => probes.push(administrators(&standing)),
            Err(e) => probes.push(failed("rights", &e)),
        }
        match self.list(&|_| ()).await {
            Ok(listing) => {
                probes.push(people(&listing));
                probes.push(logins(&listing));
            }
            Err(e) => probes.push(failed("people", &e)),
        }
        probes.push(self.probe_calls().await);
        probes
    }

    /// Holds the calls that change something against the tenant's own description, since they
    /// cannot be tried.
    async fn probe_calls(&self) -> Probe {
        let what = "calls";
        let unproved = |says: String| {
            let hint = "The first suspension in the ring `pilot` will show whether it works.";
            Probe::new(what, ProbeState::Limited, says, Some(hint))
        };
        let page = match self.get(DESCRIPTION, &[]).await {
            Ok(page) => page,
            Err(e) => {
                return unproved(format!("The description of the calls cannot be read: {e}."));
            }
        };
        let described = match &page.payload {
            Payload::Json(body) if page.status == 200 => body.get("paths"),
            _ => None,
        };
        let Some(described) = described.and_then(Value::as_object) else {
            return unproved(
                "The tenant does not describe its calls, so that nothing proves before the first \
                 one that people can be suspended and removed."
                    .to_owned(),
            );
        };
        let known: Vec<_> = described.keys().map(|path| shape(path)).collect();
        let missing: Vec<_> = ["suspend", "unsuspend", "transfer", "remove"]
            .into_iter()
            .filter(|name| !known.contains(&shape(&self.paths.template(name))))
            .collect();
        match missing.is_empty() {
            true => Probe::new(
                what,
                ProbeState::Good,
                "The tenant's own description has the calls that suspend, transfer and remove.",
                None,
            ),
            false => unproved(format!(
                "The tenant's own description does not have: {}. See `paths`.",
                missing.join(", ")
            )),
        }
    }
}

/// A path in which only the number and place of its parts count: names in braces differ.
fn shape(path: &str) -> String {
    let path = path.trim_matches('/');
    let path = path.strip_prefix("v4/").unwrap_or(path);
    let part = |p: &str| match p.starts_with('{') {
        true => "{}".to_owned(),
        false => p.to_owned(),
    };
    let parts: Vec<_> = path.split('/').map(part).collect();
    parts.join("/")
}

fn administrators(standing: &Standing) -> Probe {
    let count = standing.admins.len();
    match count {
        1 => Probe::new(
            "rights",
            ProbeState::Limited,
            "The token's user is the only administrator of the workspace.",
            Some("Name a second one: if the only one leaves, nobody can act there."),
        ),
        _ => Probe::new(
            "rights",
            ProbeState::Good,
            format!("The token's user is one of {count} administrators, all of them protected."),
            None,
        ),
    }
}

fn people(listing: &Listing) -> Probe {
    let count = listing.distinct();
    let proved = match listing.total() {
        Some(_) => "as many as the workspace names",
        None => "up to an empty page, since the workspace names no number",
    };
    Probe::new(
        "people",
        ProbeState::Good,
        format!("The token may list everybody: {count} came, {proved}."),
        None,
    )
}

fn logins(listing: &Listing) -> Probe {
    let hidden =
        |r: &&crate::domain::account::AccountRecord| r.facts.hidden.contains(&Signal::Login);
    let without = listing.accounts.values().filter(hidden).count();
    let all = listing.accounts.len();
    let (state, says) = match without {
        0 => (
            ProbeState::Good,
            "Everybody's last login is shown.".to_owned(),
        ),
        n if n == all => (
            ProbeState::Limited,
            "Nobody's last login is shown: nobody will be called inactive; leavers and clear-outs \
             need none."
                .to_owned(),
        ),
        n => (
            ProbeState::Limited,
            format!(
                "For {n} of {all} people no last login is shown, which may mean never: they will \
                 not be called inactive."
            ),
        ),
    };
    let hint = (state != ProbeState::Good)
        .then_some("Look under Workspace Admin > Users, column Last Active.");
    Probe::new("last logins", state, says, hint)
}
