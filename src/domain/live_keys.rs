//! Keys that are left of somebody who should be out.

use crate::domain::account::AccountState;
use crate::domain::code::Code;
use crate::domain::decide::Facts;
use crate::domain::decide::leaver;
use crate::domain::finding::Finding;
use crate::domain::time::Time;

/// Keys of an account with which programs go on, although it is disabled or its person has left.
pub fn finding(facts: &Facts, now: Time) -> Option<Finding> {
    let account = &facts.account;
    if account.gone.is_some() || account.facts.live_keys == 0 {
        return None;
    }
    let disabled = account.facts.state == AccountState::Disabled;
    let since = account.disabled.as_ref().filter(|_| disabled);
    let since = since.map(|mark| mark.since);
    let left = leaver(facts, now).map(|leaver| leaver.departure.since);
    if !disabled && left.is_none() {
        return None;
    }
    Some(Finding {
        kind: Code::new("finding.live-keys"),
        since: since.into_iter().chain(left).min().unwrap_or(now),
        subject: account.subject.clone(),
        tenant: Some(account.tenant.clone()),
        directory: None,
        others: Vec::new(),
        evidence: vec![account.seq],
    })
}
