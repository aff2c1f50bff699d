//! Which changes of a policy loosen a safeguard.
//!
//! Whoever reads the list decides whether a second approver is needed; when in doubt, a change is
//! on it.

use crate::domain::account::Do;
use crate::domain::activity::USUAL_SESSION_DAYS;
use crate::domain::id::SourceName;
use crate::domain::policy::Among;
use crate::domain::policy::LeaverTargets;
use crate::domain::policy::Limits;
use crate::domain::policy::Policy;
use crate::domain::policy::PolicySet;
use crate::domain::policy::Ring;
use crate::domain::policy::SourceGuard;
use crate::domain::succession::Via;

/// Lists every safeguard that `new` loosens, as path, old and new value; empty for the first
/// policy of a ledger, which there is nothing to loosen.
///
/// A policy that is new counts unless it can act on nothing yet (`observe`, `report`). Taking a
/// policy away counts only where it stood before one that goes further.
pub fn loosens(old: Option<&PolicySet>, new: &PolicySet) -> Vec<String> {
    let Some(old) = old else {
        return Vec::new();
    };
    let mut list = List::default();
    for policy in &new.policies {
        match old.policy(&policy.name) {
            Some(before) => compare_policies(before, policy, &mut list),
            None if policy.ring >= Ring::Pilot => {
                list.push(format!("policies.{}: new, and it acts", policy.name));
            }
            None => {}
        }
    }
    compare_order(old, new, &mut list);
    compare_limits(&old.limits, &new.limits, &mut list);
    compare_targets(&old.leavers, &new.leavers, &mut list);
    list.fewer("approvers", old.approvers, new.approvers);
    let strangers = new.signers.difference(&old.signers).count();
    // where nobody had to sign, whoever may sign now is a tightening
    if old.two_person_rules() && strangers > 0 {
        list.push(format!("signers: {strangers} new"));
    }
    compare_sources(old, new, &mut list);
    list.lines
}

#[derive(Default)]
struct List {
    lines: Vec<String>,
}

impl List {
    fn push(&mut self, line: String) {
        self.lines.push(line);
    }

    fn fewer(&mut self, path: &str, old: u64, new: u64) {
        if new < old {
            self.push(format!("{path}: {old} -> {new}"));
        }
    }

    fn more(&mut self, path: &str, old: u64, new: u64) {
        if new > old {
            self.push(format!("{path}: {old} -> {new}"));
        }
    }
}

fn compare_policies(old: &Policy, new: &Policy, list: &mut List) {
    let path = |field: &str| format!("policies.{}.{field}", new.name);
    if old.when != new.when {
        list.push(format!("{}: another trigger", path("when")));
    }
    if new.ring > old.ring {
        list.push(format!(
            "{}: {} -> {}",
            path("ring"),
            ring(old.ring),
            ring(new.ring)
        ));
    }
    list.more(&path("pilot_percent"), old.pilot_percent, new.pilot_percent);
    compare_scope(&old.among, &new.among, &path("among"), list);
    list.fewer(&path("after_days"), old.after_days, new.after_days);
    list.fewer(
        &path("notice_days"),
        old.longest_notice().unwrap_or(0),
        new.longest_notice().unwrap_or(0),
    );
    list.fewer(
        &path("notice_days (how many)"),
        old.notice_days.len() as u64,
        new.notice_days.len() as u64,
    );
    for does in [Do::Disable, Do::Remove] {
        compare_step(old, new, does, list);
        list.fewer(
            &path(&format!("approvals.{}", does.as_str())),
            old.approvals.of(does),
            new.approvals.of(does),
        );
    }
    let disables = |p: &Policy| p.steps.iter().any(|s| s.does == Do::Disable);
    if disables(old) && !disables(new) && new.days_until(Do::Remove).is_some() {
        list.push(format!("{}: no disable before remove", path("steps")));
    }
    let sooner = match (old.on, new.on) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(old), Some(new)) => new < old,
    };
    if sooner {
        list.push(format!("{}: an earlier date", path("on")));
    }
}

fn compare_step(old: &Policy, new: &Policy, does: Do, list: &mut List) {
    let path = format!("policies.{}.steps.{}", new.name, does.as_str());
    match (old.days_until(does), new.days_until(does)) {
        (None, Some(days)) => list.push(format!("{path}: never -> after {days} days")),
        (Some(before), Some(days)) => list.fewer(&path, before, days),
        (_, None) => {}
    }
    let substitute = |p: &Policy| {
        p.steps
            .iter()
            .find(|s| s.does == does)
            .and_then(|s| s.substitute)
    };
    if let Some(named) = substitute(new).filter(|s| substitute(old) != Some(*s)) {
        list.push(format!("{path}.substitute: {}", named.as_str()));
    }
}

fn compare_scope(old: &Among, new: &Among, path: &str, list: &mut List) {
    let wider = |old_empty: bool, new_empty: bool, within: bool| {
        // an empty list narrows nothing: it is the widest
        !old_empty && (new_empty || !within)
    };
    let lists = [
        (
            "tenants",
            wider(
                old.tenants.is_empty(),
                new.tenants.is_empty(),
                new.tenants.is_subset(&old.tenants),
            ),
        ),
        (
            "types",
            wider(
                old.types.is_empty(),
                new.types.is_empty(),
                new.types.is_subset(&old.types),
            ),
        ),
        (
            "groups",
            wider(
                old.groups.is_empty(),
                new.groups.is_empty(),
                new.groups.is_subset(&old.groups),
            ),
        ),
        (
            "directory",
            old.directory.is_some() && old.directory != new.directory,
        ),
    ];
    for (field, is_wider) in lists {
        if is_wider {
            list.push(format!("{path}.{field}: wider"));
        }
    }
}

fn compare_order(old: &PolicySet, new: &PolicySet, list: &mut List) {
    let kept_old = old
        .policies
        .iter()
        .filter(|p| new.policy(&p.name).is_some());
    let kept_new = new
        .policies
        .iter()
        .filter(|p| old.policy(&p.name).is_some());
    if !kept_old.map(|p| &p.name).eq(kept_new.map(|p| &p.name)) {
        list.push("policies: another order".to_owned());
    }
    for (i, gone) in old.policies.iter().enumerate() {
        if new.policy(&gone.name).is_some() {
            continue;
        }
        // the first policy that matches rules: without it, those behind it reach its accounts
        let behind = old
            .policies
            .iter()
            .skip(i.saturating_add(1))
            .find(|p| p.ring > gone.ring && new.policy(&p.name).is_some());
        if let Some(behind) = behind {
            list.push(format!(
                "policies.{}: taken away from before {}",
                gone.name, behind.name
            ));
        }
    }
}

fn compare_limits(old: &Limits, new: &Limits, list: &mut List) {
    let (b, n) = (&old.breakers, &new.breakers);
    list.more("limits.breakers.floor_24h", b.floor_24h, n.floor_24h);
    list.more("limits.breakers.floor_7d", b.floor_7d, n.floor_7d);
    list.more("limits.breakers.percent", b.percent, n.percent);
    list.more("limits.breakers.cap", b.cap, n.cap);
    list.more(
        "limits.breakers.cap_per_mille",
        b.cap_per_mille,
        n.cap_per_mille,
    );
    list.more("limits.ramp_per_day", old.ramp_per_day, new.ramp_per_day);
    list.more(
        "limits.max_drop_percent",
        old.max_drop_percent,
        new.max_drop_percent,
    );
    list.more(
        "limits.max_drop_floor",
        old.max_drop_floor,
        new.max_drop_floor,
    );
    list.more(
        "limits.read_max_age_hours",
        old.read_max_age_hours,
        new.read_max_age_hours,
    );
    list.fewer("limits.absent.reads", old.absent.reads, new.absent.reads);
    list.fewer(
        "limits.absent.over_minutes",
        old.absent.over_minutes,
        new.absent.over_minutes,
    );
    list.more(
        "limits.plan_expires_hours",
        old.plan_expires_hours,
        new.plan_expires_hours,
    );
    list.fewer("limits.kept_days", old.kept_days, new.kept_days);
}

fn compare_targets(old: &LeaverTargets, new: &LeaverTargets, list: &mut List) {
    list.more("leavers.target_hours", old.target_hours, new.target_hours);
    list.more(
        "leavers.named_target_hours",
        old.named_target_hours,
        new.named_target_hours,
    );
    list.more(
        "leavers.high_risk_target_hours",
        old.high_risk_target_hours,
        new.high_risk_target_hours,
    );
}

fn compare_sources(old: &PolicySet, new: &PolicySet, list: &mut List) {
    let none = SourceGuard::default();
    for (source, before) in &old.sources {
        let after = new.sources.get(source).unwrap_or(&none);
        let gone = before.protect.difference(&after.protect).count();
        // a tenant that is not configured any more is not touched any more
        let configured = new.sources.contains_key(source);
        if configured && gone > 0 {
            list.push(format!("sources.{source}.protect: {gone} fewer"));
        }
        if configured && before.successor != after.successor {
            list.push(format!("sources.{source}.successor: another one"));
        }
        // whatever the order, somebody else may take over than before
        if configured && before.succession() != after.succession() {
            list.push(format!(
                "sources.{source}.succession: {} -> {}",
                in_order(before.succession()),
                in_order(after.succession())
            ));
        }
        let usual = u64::from(USUAL_SESSION_DAYS);
        let days = |guard: &SourceGuard| guard.session_days.unwrap_or(usual);
        if configured && days(after) < days(before) {
            list.fewer(
                &format!("sources.{source}.session_days"),
                days(before),
                days(after),
            );
        }
        if configured && !before.machines_named && after.machines_named {
            list.push(format!(
                "sources.{source}.service_accounts: named, so that unseen keys protect nobody"
            ));
        }
        if configured && before.address != after.address {
            list.push(format!("sources.{source}.address: another one"));
        }
        // whatever changes can make an account another person's, who may have left
        if configured && before.rules() != after.rules() {
            list.push(format!("sources.{source}.correlate: other rules"));
        }
        // one read as the other makes leavers of those who stay, either way
        if configured && before.leavers != after.leavers {
            let lists = |guard: &SourceGuard| match guard.leavers {
                true => "leavers",
                false => "everybody",
            };
            let (before, after) = (lists(before), lists(after));
            list.push(format!("sources.{source}.contains: {before} -> {after}"));
        }
        if before.authoritative && !after.authoritative {
            list.push(format!("sources.{source}: its word counts no more"));
        }
    }
    for (source, after) in &new.sources {
        let before = old.sources.get(source);
        if before.is_none() && after.authoritative {
            list.push(format!("sources.{source}: new, and its word counts"));
        }
        // also one that was taken away and comes back without its guards
        let acts = |name: &str| {
            let name = SourceName::new(name);
            let mut acting = old.policies.iter().filter(|p| p.ring >= Ring::Pilot);
            acting.any(|p| p.among.covers_tenant(&name))
        };
        if before.is_none() && source.strip_prefix("tenant/").is_some_and(acts) {
            list.push(format!(
                "sources.{source}: new, and policies that act cover it"
            ));
        }
    }
}

fn in_order(succession: &[Via]) -> String {
    let words: Vec<_> = succession.iter().map(|via| via.as_str()).collect();
    words.join(", ")
}

const fn ring(ring: Ring) -> &'static str {
    match ring {
        Ring::Observe => "observe",
        Ring::Report => "report",
        Ring::Pilot => "pilot",
        Ring::Enforce => "enforce",
    }
}
