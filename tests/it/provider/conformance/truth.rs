//! What is so in a tenant, seen past the adapters, and what each provider is excused from.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::net::SocketAddr;

use chrono::DateTime;
use chrono::Utc;
use exeunt::domain::account::Signal;
use exeunt::sandbox::docspace::DocSpace;
use exeunt::sandbox::docspace::DocSpaceHandle;
use exeunt::sandbox::docspace::DocSpaceOptions;
use exeunt::sandbox::population::Population;
use exeunt::sandbox::port::PortHandle;
use serde_json::Value;
use serde_json::json;

use crate::provider::conformance::house::One;

/// How somebody stands in a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Usable,
    Disabled,
    Gone,
}

/// Looks somebody up in the sandbox itself.
pub(crate) fn standing(one: &One, email: &str) -> Standing {
    let control = &one.rehearsal.control;
    let by_address = json!({ "email": email });
    let found = match one.name() {
        "port" => control.call("user", by_address).unwrap(),
        "scim" => {
            let all = control.call("users", json!({})).unwrap();
            let mut all = all.as_array().unwrap().iter();
            let has = |user: &&Value| user["email"] == email;
            all.find(has).cloned().unwrap_or_default()
        }
        _ => control.call("find", by_address).unwrap(),
    };
    let is = |field: &str, word: &str| {
        found[field]
            .as_str()
            .is_some_and(|text| text.eq_ignore_ascii_case(word))
    };
    let gone = found.is_null()
        || found["removed"] == true
        || found["removed"].is_string()
        || is("standing", "deleted")
        || is("standing", "removed");
    let disabled = is("status", "terminated")
        || is("status", "disabled")
        || found["suspended"] == true
        || found["active"] == false;
    match (gone, disabled) {
        (true, _) => Standing::Gone,
        (false, true) => Standing::Disabled,
        (false, false) => Standing::Usable,
    }
}

/// Everybody's address.
pub(crate) fn addresses(population: &Population) -> BTreeSet<String> {
    let numbers = 0..population.accounts;
    numbers.map(|n| population.identity(n).mail).collect()
}

/// Accounts that a provider lists beside the people: robots of the credential.
pub(crate) fn is_robot(provider: &str, address: &str) -> bool {
    match provider {
        "projectplace" => address == "robot@sandbox.invalid",
        "port" => address.ends_with("@serviceaccounts.getport.io"),
        _ => false,
    }
}

/// Everybody's newest successful login, by address: from the one tenant that keeps every event.
pub(crate) fn logins(
    population: &Population,
    now: DateTime<Utc>,
) -> BTreeMap<String, DateTime<Utc>> {
    let options = DocSpaceOptions {
        bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        population: population.clone(),
        now: Some(now),
        ..DocSpaceOptions::default()
    };
    let tenant = DocSpace::start(options).unwrap();
    let control = tenant.control();
    let address: BTreeMap<_, _> = control
        .users()
        .into_iter()
        .map(|user| (user.id, user.email))
        .collect();
    const NO_LOGIN: [u16; 3] = [1002, 1005, 1006];
    let mut newest = BTreeMap::new();
    for login in control.logins() {
        if !NO_LOGIN.contains(&login.action) {
            // oldest first: the last one stays
            newest.insert(address[&login.user].clone(), login.at);
        }
    }
    newest
}

/// What a provider's kind names and its adapter does not walk here.
pub(crate) fn is_unwalked(name: &str, signal: Signal) -> bool {
    // DocSpace's audit trail stands in only where nobody knows how long one login lasts.
    name == "docspace" && signal == Signal::Audit
}

/// Everybody's newest success of each signal but logins, by address: what the tenant itself keeps.
pub(crate) fn other_signs(one: &One) -> BTreeMap<(Signal, String), DateTime<Utc>> {
    let events: Vec<(Signal, String, DateTime<Utc>)> = match one.name() {
        "docspace" => {
            let handle: &DocSpaceHandle = one.rehearsal.server().unwrap();
            let control = handle.control();
            let users = control.users().into_iter();
            let address: BTreeMap<_, _> = users.map(|user| (user.id, user.email)).collect();
            let audits = control.audits().into_iter();
            let known = audits.filter_map(|e| Some((address.get(&e.user)?.clone(), e.at)));
            known.map(|(who, at)| (Signal::Audit, who, at)).collect()
        }
        "port" => {
            let handle: &PortHandle = one.rehearsal.server().unwrap();
            let control = handle.control();
            let users = control.users().into_iter();
            let address: BTreeMap<_, _> = users.map(|user| (user.id, user.email)).collect();
            let audits = control.audits().into_iter();
            let known = audits.filter_map(|e| Some((address.get(&e.user_id)?.clone(), e.at)));
            known.map(|(who, at)| (Signal::Audit, who, at)).collect()
        }
        "huwise" => {
            let users = one.rehearsal.control.call("users", json!({})).unwrap();
            let seen = |user: &Value| {
                let at = serde_json::from_value(user["last_seen"].clone()).ok()?;
                Some((Signal::Seen, user["email"].as_str()?.to_owned(), at))
            };
            users.as_array().unwrap().iter().filter_map(seen).collect()
        }
        _ => Vec::new(),
    };
    let mut newest = BTreeMap::new();
    for (signal, who, at) in events {
        let known = newest.entry((signal, who)).or_insert(at);
        *known = at.max(*known);
    }
    newest
}

/// Every secret of the configuration that must be seen nowhere.
pub(crate) fn secrets(one: &One) -> BTreeSet<String> {
    let named = |(key, secret): &(&'static str, String)| {
        // Port names the service account's user after the client: `CLIENT@clients`.
        let shown = one.name() == "port" && *key == "client_id";
        (!shown).then(|| secret.clone())
    };
    let own = one.rehearsal.secrets.iter().filter_map(named);
    own.filter(|secret| secret.len() >= 8).collect()
}
