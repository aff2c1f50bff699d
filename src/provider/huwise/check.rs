//! What `exeunt check` finds out about a domain, in an administrator's words.

use serde_json::Value;

use crate::provider::Probe;
use crate::provider::ProbeState;
use crate::provider::ProviderError;
use crate::provider::huwise::Huwise;
use crate::provider::huwise::answer;
use crate::provider::huwise::keys::Keys;
use crate::provider::huwise::people::Guards;
use crate::provider::huwise::read::SAMPLE;
use crate::provider::json;

const KEY_HINT: &str = "Sign in as a user with the permission Edit domain; in the account menu, under \
                        API keys, make a key with that permission.";

const URL_HINT: &str = "Look whether `url` is the domain of the portal itself, without a path, and does \
                        not lead on to another one.";

const NAME_THEM: &str = "Name the accounts that programs use in `service_accounts` of the tenant (the \
                         key's own user is one). Or let another user, one without permissions, make an \
                         API key in its account menu and keep it: if the list then shows that key, it \
                         is proved to show those of others.";

fn good(what: &str, says: impl Into<String>) -> Probe {
    Probe::new(what, ProbeState::Good, says, None)
}

fn failed(what: &str, e: &ProviderError) -> Probe {
    let hint = match e {
        ProviderError::Credentials { .. } | ProviderError::Rights { .. } => KEY_HINT,
        ProviderError::Unreachable { .. } => {
            "Look at the address in `url`, at name resolution, firewall and certificate."
        }
        ProviderError::Limited { .. } => {
            "Try again after that time; daily quotas begin anew at 00:00 UTC."
        }
        ProviderError::NotWhole { .. } => "Try again; somebody may have been at work there.",
        _ => URL_HINT,
    };
    Probe::new(what, ProbeState::Bad, format!("{e}."), Some(hint))
}

impl Huwise {
    pub(super) async fn probe_all(&self) -> Vec<Probe> {
        let page = match self.page(&SAMPLE, None, 0).await {
            Ok(page) if page.status == 401 => {
                let at = self.at();
                return vec![failed("credential", &ProviderError::Credentials { at })];
            }
            Ok(page) => page,
            Err(e) => return vec![failed("credential", &e)],
        };
        let body = match answer::success(page, self.client.origin(), "listing users") {
            Ok(body) => body,
            Err(e) => return vec![failed("rights", &e)],
        };
        let mut probes = vec![good("credential", "The API key works.")];
        let total = json::unsigned(&body, "total_count");
        probes.push(users(total));
        match self.all_guards().await {
            Ok(guards) => {
                probes.push(administrators(&guards, total.unwrap_or_default()));
                probes.push(keys(&guards));
                probes.push(own(&guards.keys));
            }
            Err(e) => probes.push(failed("protection", &e)),
        }
        probes.push(activity(&body));
        probes
    }
}

fn users(total: Option<u64>) -> Probe {
    match total {
        Some(total) => good(
            "rights",
            format!("The key may list users; the domain names {total} accounts."),
        ),
        None => Probe::new(
            "rights",
            ProbeState::Bad,
            "The list of users names no total, so it can never be proven whole.",
            Some(URL_HINT),
        ),
    }
}

fn administrators(guards: &Guards, total: u64) -> Probe {
    let what = "administrators";
    let count = guards.admins.len();
    if u64::try_from(count).unwrap_or(u64::MAX) >= total {
        return Probe::new(
            what,
            ProbeState::Limited,
            "Asked who administers the domain, it names everybody: either that is so, or it does \
             not understand the question. Nobody will be removed.",
            Some("Look in the back office, under Users, who has the permission Edit domain."),
        );
    }
    let able = guards.admins.values().filter(|admin| admin.counts).count();
    if able < 2 {
        return Probe::new(
            what,
            ProbeState::Limited,
            "Only one administrator of your own can sign in to the domain.",
            Some("Give a second user the permission Edit domain."),
        );
    }
    good(
        what,
        format!("{count} accounts administer the domain, directly or by a group; none is removed."),
    )
}

fn keys(guards: &Guards) -> Probe {
    let (what, keys) = ("API keys", &guards.keys);
    if keys.show_everybody() {
        return good(
            what,
            format!(
                "The list has {} API keys, also of others; {} accounts hold one that works, and \
                 none of them is removed.",
                keys.count(),
                keys.holders.len()
            ),
        );
    }
    let found = match keys.refused {
        Some(status) => format!("The list of API keys cannot be had (HTTP {status})."),
        None => "The list has API keys of one user at most: nothing shows whether it has those of \
                 others."
            .to_owned(),
    };
    let (so, hint) = match guards.machines_named {
        true => (
            "Whom programs work as is taken from `service_accounts` alone.",
            None,
        ),
        false => (
            "Only accounts that were never used can be removed, since any other may be one that a \
             program uses.",
            Some(NAME_THEM),
        ),
    };
    Probe::new(what, ProbeState::Limited, format!("{found} {so}"), hint)
}

fn own(keys: &Keys) -> Probe {
    match &keys.own {
        Some(own) => good("own user", format!("The key belongs to {own}.")),
        None => Probe::new(
            "own user",
            ProbeState::Limited,
            "Whose key this is does not show. It administers the domain, so that it is protected \
             as an administrator.",
            None,
        ),
    }
}

fn activity(body: &Value) -> Probe {
    let what = "last login";
    let shown = |user: &Value| ["last_login_at", "last_seen_at"].map(|f| user.get(f).is_some());
    let users = body.get("results").and_then(Value::as_array);
    if users.is_some_and(|all| !all.is_empty() && all.iter().all(|u| shown(u) == [true, true])) {
        return good(
            what,
            "The domain shows when each account signed in and was used for the last time.",
        );
    }
    Probe::new(
        what,
        ProbeState::Limited,
        "The domain does not show for every account when it signed in and was used for the last \
         time. Such accounts are never called inactive.",
        None,
    )
}
