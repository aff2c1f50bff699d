//! Turns the configuration into the policy whose whole text is adopted in the ledger.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::config::ApproverConfig;
use crate::config::Config;
use crate::config::ContainsConfig;
use crate::config::PolicyConfig;
use crate::config::Role;
use crate::config::TenantConfig;
use crate::config::build;
use crate::config::check;
use crate::config::mistake::Mistake;
use crate::config::place::Place;
use crate::domain::correlation::Rule;
use crate::domain::policy::Approvals;
use crate::domain::policy::Policy;
use crate::domain::policy::PolicySet;
use crate::domain::policy::SourceGuard;
use crate::domain::rows::When;
use crate::domain::time::Time;
use crate::provider::KINDS;
use crate::provider::huwise;

/// The share that the ring `pilot` acts on where `pilot_percent` says nothing, in per cent.
const USUAL_PILOT_PERCENT: u64 = 10;

/// Makes the policy of a configuration. Addresses go in as what `fingerprint` makes of them, under
/// a key that stays in the vault, so that a change shows and an address does not.
pub fn policy_set(
    config: &Config,
    fingerprint: &dyn Fn(&str) -> String,
) -> Result<PolicySet, Mistake> {
    let mut sources = BTreeMap::new();
    for directory in &config.directory {
        let guard = SourceGuard {
            authoritative: directory.role == Role::Authoritative,
            leavers: directory.contains == Some(ContainsConfig::Leavers),
            ..SourceGuard::default()
        };
        sources.insert(format!("directory/{}", directory.name), guard);
    }
    for tenant in &config.tenant {
        let mut listed = build::protected(config, tenant)?;
        // a machine's account is protected as well, and so is the list of them
        listed.extend(check::addresses(
            config,
            &tenant.name,
            "service_accounts",
            &tenant.service_accounts,
        )?);
        let kind = KINDS.iter().find(|k| k.name == tenant.provider);
        let guard = SourceGuard {
            protect: listed
                .iter()
                .map(|address| fingerprint(address.as_str()))
                .collect(),
            address: Some(fingerprint(&tenant.url)),
            successor: build::successor(config, tenant)?.map(|a| fingerprint(a.as_str())),
            succession: match kind.is_some_and(|k| k.steps.iter().any(|s| s.hands_over)) {
                true => tenant.order().to_vec(),
                false => Vec::new(),
            },
            session_days: tenant.session_days,
            machines_named: machines_named(tenant),
            can: kind
                .into_iter()
                .flat_map(|k| k.steps)
                .map(|s| s.does)
                .collect(),
            // the usual rules leave nothing in the text, so that they change nothing there
            correlate: Some(tenant.rules())
                .filter(|rules| rules != Rule::USUAL)
                .unwrap_or_default(),
            ..SourceGuard::default()
        };
        sources.insert(format!("tenant/{}", tenant.name), guard);
    }
    let named: BTreeSet<_> = config.approver.iter().map(|a| &a.name).collect();
    let set = PolicySet {
        policies: policies(config)?,
        limits: config.limits.clone(),
        signers: config
            .approver
            .iter()
            .flat_map(|a| signs(a, fingerprint))
            .collect(),
        approvers: u64::try_from(named.len()).unwrap_or(u64::MAX),
        sources,
        leavers: config.leavers,
    };
    match set.validate().into_iter().next() {
        None => Ok(set),
        Some(mistake) => Err(check::placed(config, &mistake)),
    }
}

/// Whether somebody has named whom programs work as, in a tenant where that lifts a protection.
pub fn machines_named(tenant: &TenantConfig) -> bool {
    tenant.provider == huwise::KIND.name && !tenant.service_accounts.is_empty()
}

/// The policies as the rules take them.
pub(super) fn policies(config: &Config) -> Result<Vec<Policy>, Mistake> {
    config.policy.iter().map(|of| policy(config, of)).collect()
}

/// What an approver may sign, as keyed fingerprints: everything if nothing is said.
fn signs(of: &ApproverConfig, fingerprint: &dyn Fn(&str) -> String) -> Vec<String> {
    let Some(key) = &of.key else {
        return Vec::new();
    };
    let classes = SIGNED.iter().filter(|c| of.may(c));
    classes
        .map(|class| fingerprint(&signed(&of.name, key, class)))
        .collect()
}

/// The classes that an approver can be limited to.
pub const SIGNED: &[&str] = &["disable", "remove", "release", "policy"];

/// The text behind the fingerprint of one approver's right to sign one class.
pub fn signed(name: &str, key: &str, class: &str) -> String {
    format!("{name}\n{key}\n{class}")
}

fn policy(config: &Config, of: &PolicyConfig) -> Result<Policy, Mistake> {
    let mut usual = Approvals::default();
    if of.when == When::Orphaned {
        // nobody is there to say that the account is needed
        usual.disable = 1;
    }
    let day = |day: &String| {
        Time::parse(&format!("{day}T00:00:00Z")).ok_or_else(|| {
            let place = Place::of("policy", &of.name, &["on"]);
            config.mistake(
                &place,
                format!("`{day}` is no day"),
                "a day in UTC, as \"2027-01-20\"",
            )
        })
    };
    let on = of.on.as_ref().map(day).transpose()?;
    Ok(Policy {
        name: of.name.clone(),
        when: of.when,
        ring: of.ring,
        pilot_percent: of.pilot_percent.unwrap_or(USUAL_PILOT_PERCENT),
        among: of.among.clone(),
        after_days: of.after_days,
        notice_days: of.notice_days.clone(),
        steps: of.steps.clone(),
        approvals: Approvals {
            disable: of.approvals.disable.unwrap_or(usual.disable),
            remove: of.approvals.remove.unwrap_or(usual.remove),
        },
        on,
    })
}
