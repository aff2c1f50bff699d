//! What `exeunt check` finds out about a portal, in an administrator's words.

use crate::domain::account::Signal;
use crate::provider::Probe;
use crate::provider::ProbeState;
use crate::provider::ProviderError;
use crate::provider::docspace::DocSpace;
use crate::provider::docspace::FILTER;
use crate::provider::docspace::events;
use crate::provider::docspace::people;

const KEY_HINT: &str = "Make a new API key under Developer Tools > API keys, as the owner or a \
                        DocSpace administrator, with all permissions.";

fn failed(what: &str, e: &ProviderError) -> Probe {
    let hint = match e {
        ProviderError::Credentials { .. } | ProviderError::Rights { .. } => KEY_HINT,
        ProviderError::Unreachable { .. } => {
            "Look at the address in `url`, at name resolution, firewall and certificate."
        }
        ProviderError::Limited { .. } => "Try again after that time.",
        ProviderError::Tenant { .. } => {
            "Sign in to the portal in a browser: it says what it lacks."
        }
        _ => "Look whether `url` is the address of the portal itself.",
    };
    Probe::new(what, ProbeState::Bad, format!("{e}."), Some(hint))
}

impl DocSpace {
    pub(super) async fn probe_all(&self) -> Vec<Probe> {
        let mut probes = Vec::new();
        match self.read_own().await {
            Ok(own) => probes.push(credential(&own)),
            Err(e) => {
                // without a credential that works, nothing else can be said
                probes.push(failed("credential", &e));
                return probes;
            }
        }
        probes.push(self.probe_listing().await);
        probes.push(self.probe_history().await);
        probes.push(self.probe_retention().await);
        probes.push(self.probe_session().await);
        probes.push(self.probe_keys().await);
        probes
    }

    async fn probe_keys(&self) -> Probe {
        match self.read_keys().await {
            Ok(keys) => Probe::new(
                "API keys",
                ProbeState::Good,
                format!(
                    "The portal shows {} API keys; those of whoever is disabled are deactivated.",
                    keys.count()
                ),
                None,
            ),
            Err(e) => Probe::new(
                "API keys",
                ProbeState::Limited,
                format!("The API keys of others cannot be seen: {e}."),
                Some("Look under Developer Tools > API keys whether those who left have any."),
            ),
        }
    }

    async fn probe_listing(&self) -> Probe {
        let query = [
            ("employeeStatus", "7"),
            ("sortBy", "email"),
            ("sortOrder", "ascending"),
            ("count", "1"),
            ("startIndex", "0"),
        ];
        match self.read(FILTER, &query, "listing people").await {
            Ok(body) => match (people::items(&body), people::unsigned(&body, "total")) {
                (Ok(_), Some(total)) => Probe::new(
                    "rights",
                    ProbeState::Good,
                    format!("The key may list people; the portal names {total} accounts."),
                    None,
                ),
                _ => Probe::new(
                    "rights",
                    ProbeState::Bad,
                    "The list of people names no total, so it can never be proven whole.",
                    Some("Look whether `url` is the address of the portal itself."),
                ),
            },
            Err(e) => failed("rights", &e),
        }
    }

    async fn probe_history(&self) -> Probe {
        let what = "login history";
        let page = match self.log_page(Signal::Login, 1, 0).await {
            Ok(page) => page,
            Err(e) => return failed(what, &e),
        };
        match (events::probe(&page), people::items(&page).map(Vec::len)) {
            (Ok(()), Ok(1..)) => Probe::new(
                what,
                ProbeState::Good,
                "The key may read the login history, and the portal pages through it as asked.",
                None,
            ),
            (Ok(()), _) => Probe::new(
                what,
                ProbeState::Limited,
                "The login history is empty: nobody can be called inactive yet.",
                Some("It fills with the next logins; logins with an API key leave no trace."),
            ),
            (Err("activity.downgraded"), _) => Probe::new(
                what,
                ProbeState::Bad,
                "The portal gives only its last 20 logins, whatever it is asked: its plan has no \
                 audit. Nobody will be called inactive.",
                Some("A plan or licence with audit is needed; leavers can be disabled without it."),
            ),
            (Err(_), _) => Probe::new(
                what,
                ProbeState::Bad,
                "The login history cannot be understood.",
                None,
            ),
        }
    }

    async fn probe_retention(&self) -> Probe {
        let what = "login retention";
        match self.retention(Signal::Login).await {
            Ok(Some(retention)) => {
                let days = retention.days;
                let full = days >= 180;
                Probe::new(
                    what,
                    if full {
                        ProbeState::Good
                    } else {
                        ProbeState::Limited
                    },
                    format!(
                        "The portal keeps logins for {days} days: at first, no longer silence \
                         can be proven. Regular reads prove more with time."
                    ),
                    (!full).then_some(
                        "Up to 180 days can be set under Settings > Security > Login History.",
                    ),
                )
            }
            Ok(None) => Probe::new(
                what,
                ProbeState::Bad,
                "How long the portal keeps logins cannot be read: nobody will be called inactive.",
                Some("Set it under Settings > Security > Login History."),
            ),
            Err(e) => failed(what, &e),
        }
    }

    async fn probe_session(&self) -> Probe {
        let what = "session lifetime";
        let hint = "Under Settings > Security > Access Settings, switch the session lifetime on \
                    and set its minutes.";
        let limited = |says: String| Probe::new(what, ProbeState::Limited, says, Some(hint));
        match self.session_seconds().await {
            Ok(Some(seconds)) => Probe::new(
                what,
                ProbeState::Good,
                format!("A login lasts at most {} minutes.", seconds / 60),
                None,
            ),
            Ok(None) => limited(
                "Sessions are not limited, so one login may last for months: silence counts only \
                 where the audit trail is silent too."
                    .to_owned(),
            ),
            Err(e) => limited(format!(
                "{e}. Without the session lifetime, silence counts only where the audit trail is \
                 silent too."
            )),
        }
    }
}

fn credential(own: &people::Own) -> Probe {
    let what = "credential";
    if own.owner {
        Probe::new(
            what,
            ProbeState::Good,
            "The key works and belongs to the owner.",
            None,
        )
    } else if own.admin {
        Probe::new(
            what,
            ProbeState::Limited,
            "The key works and belongs to a DocSpace administrator, who cannot disable other \
             administrators.",
            None,
        )
    } else {
        Probe::new(
            what,
            ProbeState::Bad,
            "The key works, but its user is neither owner nor administrator: disabled people and \
             most guests would be missing from every list.",
            Some(KEY_HINT),
        )
    }
}
