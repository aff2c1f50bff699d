//! `exeunt check` for a SCIM server; changes nothing.

use serde_json::Value;

use crate::domain::account::AccountFacts;
use crate::domain::account::Protection;
use crate::provider::Probe;
use crate::provider::ProbeState;
use crate::provider::Provider as _;
use crate::provider::ProviderError;
use crate::provider::http::Request;
use crate::provider::scim::Scim;
use crate::provider::scim::people;
use crate::provider::scim::read::success;
use crate::scim::wire;

impl Scim {
    pub(super) async fn probe_all(&self) -> Vec<Probe> {
        let mut probes = Vec::new();
        let page = match self.get(&Request::get("Users").query("count", "5")).await {
            Ok(page) => success(page, self.client.origin(), "listing users"),
            Err(error) => Err(error),
        };
        let body = match page {
            Ok(body) => body,
            Err(error) => {
                probes.push(failed(&error));
                return probes;
            }
        };
        let good = ProbeState::Good;
        probes.push(Probe::new(
            "credential",
            good,
            "accepted, and users can be listed",
            None,
        ));
        let users = wire::page(&body).map(|p| p.users).unwrap_or_default();
        probes.push(self.probe_users(users).await);
        probes.push(self.probe_changes(users).await);
        probes.push(self.probe_activity(users));
        probes
    }

    /// Reads everybody, since only that shows whether the list can be believed.
    async fn probe_users(&self, first: &[Value]) -> Probe {
        let what = "users";
        let read = match self.accounts(&|_| ()).await {
            Ok(read) => read,
            Err(error) => {
                let hint = "no policy can act as long as the list is not whole";
                return Probe::new(what, ProbeState::Bad, error.to_string(), Some(hint));
            }
        };
        let count = read.accounts.len();
        let admins = read.accounts.iter().filter(|a| is_admin(&a.facts)).count();
        let unknown = read
            .accounts
            .iter()
            .filter(|a| is_unknown(&a.facts))
            .count();
        let says = format!(
            "the list is whole: {count} users, of whom {admins} administer and {unknown} have \
             roles that are not known"
        );
        match (admins, first.is_empty()) {
            (0, false) => {
                let hint = "nothing tells administrators: name their roles in admin_values, or \
                            their addresses in protect";
                Probe::new(what, ProbeState::Limited, says, Some(hint))
            }
            _ => Probe::new(what, ProbeState::Good, says, None),
        }
    }

    async fn probe_changes(&self, users: &[Value]) -> Probe {
        let what = "changes";
        let limited = ProbeState::Limited;
        let shows = |user: &Value| matches!(people::active(user), Ok(Some(_)));
        match self.features().await {
            Err(error) => failed(&error),
            Ok(_) if !users.is_empty() && !users.iter().any(shows) => Probe::new(
                what,
                limited,
                "the server does not show who is active, so no deactivation can be confirmed",
                Some("take `remove` as the step, or make the server show `active`"),
            ),
            Ok(features) => match features.patch {
                Some(true) => Probe::new(
                    what,
                    ProbeState::Good,
                    "single attributes can be changed",
                    None,
                ),
                Some(false) => Probe::new(
                    what,
                    limited,
                    "the server takes whole users only, so each change writes one back as just read",
                    Some("what the server does not show of a user may be lost then"),
                ),
                None => Probe::new(
                    what,
                    limited,
                    "the server does not say whether single attributes can be changed; it is tried",
                    None,
                ),
            },
        }
    }

    fn probe_activity(&self, users: &[Value]) -> Probe {
        let what = "activity";
        if self.reading.last_login.is_none() {
            return Probe::new(
                what,
                ProbeState::Limited,
                "SCIM has no standard last login, so nobody can be found inactive here",
                Some(
                    "if the server has such an attribute, name it: last_login = \
                     \"urn:…:User:lastLogin\"",
                ),
            );
        }
        let records = users.iter().map(|u| people::record(u, &self.reading, None));
        let shown = records.flatten().any(|r| !r.seen.is_empty());
        if shown {
            Probe::new(
                what,
                ProbeState::Good,
                "the configured attribute is there",
                None,
            )
        } else {
            Probe::new(
                what,
                ProbeState::Limited,
                "none of the first users has the configured attribute",
                Some("see in Schemas of the server what it is called; last_login must name it"),
            )
        }
    }
}

fn is_admin(facts: &AccountFacts) -> bool {
    facts.protected.contains(&Protection::Admin)
}

fn is_unknown(facts: &AccountFacts) -> bool {
    facts.protected.contains(&Protection::UnknownRole)
}

fn failed(error: &ProviderError) -> Probe {
    let hint = match error {
        ProviderError::Credentials { .. } | ProviderError::Token { .. } => {
            "make a new token for provisioning in the system"
        }
        ProviderError::Rights { .. } => "give the token the right to read all users",
        _ => "the url must end where `Users` begins, as in https://example.com/scim/v2",
    };
    Probe::new("credential", ProbeState::Bad, error.to_string(), Some(hint))
}
