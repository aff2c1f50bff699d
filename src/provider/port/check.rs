//! What `exeunt check` finds out about an organisation, in an administrator's words.

use std::collections::BTreeSet;

use crate::domain::account::AccountKind;
use crate::domain::account::AccountRecord;
use crate::domain::account::AccountState;
use crate::domain::account::Protection;
use crate::domain::account::Signal;
use crate::provider::AccountsRead;
use crate::provider::Probe;
use crate::provider::ProbeState;
use crate::provider::Provider as _;
use crate::provider::ProviderError;
use crate::provider::json;
use crate::provider::port::Port;
use crate::provider::port::audit;
use crate::provider::port::list;
use crate::provider::port::wire;

const CREDENTIAL_HINT: &str = "In Port, open the menu of your user, Credentials, and take the \
                               organisation's client id and secret; or invite a service account \
                               that is an administrator under Settings > Users and use its own. \
                               If they are right, look whether this machine is on the IP \
                               allow-list of the organisation.";

const AUDIT_HINT: &str = "Give the credential the role Admin: others see only parts of the log. \
                          Logins alone are enough to call somebody inactive.";

fn failed(what: &str, e: &ProviderError) -> Probe {
    let hint = match e {
        ProviderError::Credentials { .. } | ProviderError::Token { .. } => CREDENTIAL_HINT,
        ProviderError::Rights { what, .. } if what.contains("allow-list") => {
            "Add this machine's address under Settings > Organization settings > IP allow-list."
        }
        ProviderError::Rights { .. } => {
            "Give the credential the role Admin under Settings > Users."
        }
        ProviderError::Unreachable { .. } => {
            "Look at `url`: https://api.port.io for Europe, https://api.us.port.io for the USA; \
             then at name resolution, firewall and certificate."
        }
        ProviderError::Limited { .. } => "Try again after that time.",
        ProviderError::Configuration { .. } => {
            "Correct `workspace`, or use the credentials of that organisation."
        }
        _ => "Look whether `url` is https://api.port.io or https://api.us.port.io.",
    };
    Probe::new(what, ProbeState::Bad, format!("{e}."), Some(hint))
}

impl Port {
    pub(super) async fn probe_all(&self) -> Vec<Probe> {
        let organization = match self.read_organization().await {
            Ok(organization) => organization,
            // without a credential that works, nothing else can be said
            Err(e) => return vec![failed("credential", &e)],
        };
        let mut probes = vec![self.credential(&organization)];
        match self.accounts(&|_| {}).await {
            Ok(read) => {
                probes.push(listed(&read));
                probes.push(logins(&read));
                probes.extend(unclear(&read));
                probes.extend(without_entity(&read));
                probes.extend(self.elsewhere(&organization).await);
            }
            Err(e) => probes.push(failed("accounts", &e)),
        }
        probes.push(self.audit_log().await);
        probes
    }

    fn credential(&self, organization: &str) -> Probe {
        if self.own.is_personal() {
            return Probe::new(
                "credential",
                ProbeState::Limited,
                format!(
                    "The client id is an address: these are personal credentials for the \
                     organisation {organization}. They end with that person's account, and \
                     cannot change its status."
                ),
                Some(CREDENTIAL_HINT),
            );
        }
        let (says, hint) = match &self.organization {
            Some(_) => ("which is the one that is configured", None),
            None => (
                "and none is pinned",
                Some("Set `workspace` to that id: other credentials are then refused."),
            ),
        };
        Probe::new(
            "credential",
            ProbeState::Good,
            format!("The credentials belong to the organisation {organization}, {says}."),
            hint,
        )
    }

    /// Who signs in by something else than Port: there is nothing wrong with it, but they can come
    /// back.
    async fn elsewhere(&self, organization: &str) -> Option<Probe> {
        let body = self.read(&wire::users(), "listing users").await.ok()?;
        let users = list::users(&body, organization).ok()?;
        let named: Vec<_> = users.iter().filter(|u| !u.providers.is_empty()).collect();
        let providers: BTreeSet<_> = named.iter().flat_map(|u| &u.providers).collect();
        let foreign = providers.iter().any(|p| p.as_str() != "auth0");
        foreign.then(|| {
            let list: Vec<_> = providers.into_iter().map(String::as_str).collect();
            Probe::new(
                "sign-in",
                ProbeState::Limited,
                format!(
                    "Users sign in by: {}. Port takes changes only for users that it manages \
                     itself, and whoever is still in the identity provider can come back.",
                    list.join(", ")
                ),
                Some("Take leavers out of the identity provider first."),
            )
        })
    }

    async fn audit_log(&self) -> Probe {
        let now = self.clock.now();
        let page = self.audit_page(now.plus_days(-audit::RETENTION_DAYS), now, 1);
        let body = match page.await {
            Ok(body) => body,
            Err(e) => {
                let says = format!("{e}. Activity in the portal does not count.");
                return Probe::new("audit log", ProbeState::Limited, says, Some(AUDIT_HINT));
            }
        };
        match json::list(&body, "audits") {
            Ok(_) => Probe::new(
                "audit log",
                ProbeState::Good,
                "The credential may read the audit log; Port keeps it for a year.",
                None,
            ),
            Err(_) => Probe::new(
                "audit log",
                ProbeState::Limited,
                "The audit log cannot be understood: activity in the portal does not count.",
                None,
            ),
        }
    }
}

fn listed(read: &AccountsRead) -> Probe {
    let machines = read
        .accounts
        .iter()
        .filter(|a| a.facts.kind == AccountKind::Service);
    Probe::new(
        "accounts",
        ProbeState::Good,
        format!(
            "The credential lists {} accounts, {} of them machines, and their number is the one \
             that Port counts.",
            read.accounts.len(),
            machines.count()
        ),
        None,
    )
}

fn logins(read: &AccountsRead) -> Probe {
    let usable: Vec<_> = read
        .accounts
        .iter()
        .filter(|a| a.facts.state == AccountState::Active)
        .collect();
    let shown = usable
        .iter()
        .filter(|a| a.seen.contains_key(&Signal::Login))
        .count();
    let all = usable.len();
    let says = format!(
        "Port shows the last login of {shown} of {all} active accounts; the others are never \
         called inactive."
    );
    match shown {
        0 if all > 0 => Probe::new(
            "last login",
            ProbeState::Bad,
            says,
            Some("Give the credential the role Admin, which sees the logins of others."),
        ),
        _ if shown < all => Probe::new("last login", ProbeState::Limited, says, None),
        _ => Probe::new("last login", ProbeState::Good, says, None),
    }
}

/// The disabled of whom nothing shows that anybody disabled them.
fn unclear(read: &AccountsRead) -> Option<Probe> {
    let shut = read
        .accounts
        .iter()
        .filter(|a| a.facts.protected.contains(&Protection::UnclearStatus))
        .count();
    (shut > 0).then(|| {
        Probe::new(
            "disabled",
            ProbeState::Limited,
            format!(
                "{shut} accounts are Disabled and show no login: until September 2025 that was \
                 also the status of people whom nobody had invited. Which they are cannot be \
                 seen, and nothing touches them."
            ),
            None,
        )
    })
}

fn without_entity(read: &AccountsRead) -> Option<Probe> {
    let managed = |a: &&AccountRecord| a.facts.managed_by.as_deref() == Some("user");
    let users = read.accounts.iter().filter(managed).count();
    (users > 0).then(|| {
        Probe::new(
            "users without entity",
            ProbeState::Limited,
            format!(
                "{users} users have no entity in the blueprint _user that the credential sees: \
                 they are listed, and cannot be changed from here."
            ),
            Some("Look at the permissions of the blueprint _user, or change them under Settings > Users."),
        )
    })
}
