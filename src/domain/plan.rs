//! Plans: immutable steps with reasons, their bytes, and whether they still hold.
//!
//! A plan's root is over [`leaf`] of each step in order, and its digest over [`digest_input`]; the
//! hashing is the caller's.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use crate::domain::account::Do;
use crate::domain::canonical;
use crate::domain::canonical::CanonicalError;
use crate::domain::code::Code;
use crate::domain::event::PlanCreated;
use crate::domain::id::Seq;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::policy::Approvals;
use crate::domain::policy::PolicySet;
use crate::domain::policy::seconds;
use crate::domain::rows::Class;
use crate::domain::rows::Decision;
use crate::domain::rows::PlanRow;
use crate::domain::rows::Ruling;
use crate::domain::rows::Step;
use crate::domain::rows::When;
use crate::domain::succession::Chosen;
use crate::domain::succession::Succession;
use crate::domain::time::Time;

/// A decision with where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided<'a> {
    /// The account.
    pub account: Subject,
    /// Its tenant.
    pub tenant: SourceName,
    /// The entry of the decision.
    pub seq: Seq,
    /// What it says.
    pub decision: &'a Decision,
}

/// Makes the steps of a plan: every `act` whose account is in no open plan, leavers first.
///
/// `successors` says of each account that is to be removed who takes over what it owns, and why.
pub fn steps(
    decided: &[Decided<'_>],
    in_open_plans: &BTreeSet<Subject>,
    successors: &BTreeMap<Subject, Chosen>,
) -> Vec<Step> {
    let mut steps: Vec<Step> = decided
        .iter()
        .filter(|d| !in_open_plans.contains(&d.account))
        .filter_map(|d| step(d, successors))
        .collect();
    let order = |s: &Step| (s.class, s.tenant.clone(), s.account.clone());
    steps.sort_by_cached_key(order);
    // one account is in a plan once
    let mut seen = BTreeSet::new();
    steps.retain(|s| seen.insert(s.account.clone()));
    steps
}

/// The bytes of a step as a leaf of the plan's tree.
pub fn leaf(step: &Step) -> Result<Vec<u8>, CanonicalError> {
    Ok(canonical::to_string(&value(step)?)?.into_bytes())
}

/// The bytes whose SHA-256 is a plan's digest: its entry's facts without the digest.
pub fn digest_input(plan: &PlanCreated) -> Result<String, CanonicalError> {
    let mut facts = value(plan)?;
    if let Value::Object(fields) = &mut facts {
        fields.remove("digest");
    }
    canonical::to_string(&facts)
}

/// Whether two plans want the same, whichever entries say so.
pub fn same_steps(open: &[Step], new: &[Step]) -> bool {
    let wants = |steps: &[Step]| {
        let mut wants = steps.to_vec();
        for step in &mut wants {
            step.decision = 0;
        }
        wants.sort_by(|a, b| a.account.cmp(&b.account).then(a.does.cmp(&b.does)));
        wants
    };
    wants(open) == wants(new)
}

/// When a plan that is made at `now` expires.
pub fn expires_at(set: &PolicySet, now: Time) -> Time {
    now.plus_seconds(seconds(set.limits.plan_expires_hours, 3600))
}

/// Whether a plan may not begin any step any more.
pub fn is_expired(plan: &PlanRow, now: Time) -> bool {
    now >= plan.expires_at
}

/// How many approvals a plan needs: those of its strictest step.
///
/// A clear-out of everyone needs one at least, and so does giving back what nobody asked for. With fewer than two approvers, one person may
/// approve alone, so that no more than one is asked for.
pub fn approvals_needed(steps: &[Step], set: &PolicySet) -> u64 {
    let strictest = steps.iter().map(|step| {
        let approvals = set
            .policy(&step.policy)
            .map_or_else(Approvals::default, |policy| policy.approvals);
        // nobody is there to say that an orphan is needed
        let orphan = set
            .policy(&step.policy)
            .is_some_and(|policy| policy.when == When::Orphaned);
        let asked = step.class == Class::Everyone || step.does == Do::Restore;
        let floor = u64::from(orphan || asked);
        approvals.of(step.does).max(floor)
    });
    let needed = strictest.max().unwrap_or(0);
    if set.two_person_rules() {
        needed
    } else {
        needed.min(1)
    }
}

/// Whether a plan has the approvals that it needs, each by somebody else.
///
/// Where two or more are needed, only signatures count: a name at the command line is a claim.
pub fn is_approved(plan: &PlanRow, needed: u64) -> bool {
    if plan.rejected.is_some() {
        return false;
    }
    let by: BTreeSet<_> = plan
        .approvals
        .iter()
        .filter(|a| needed < 2 || (a.proof == "signature" && !a.self_approved))
        .filter_map(|a| a.by.as_ref())
        .collect();
    by.len() as u64 >= needed
}

/// Decides whether a planned step still holds, from a fresh decision about its account.
///
/// `None` is yes. Else the code why not: what blocks it now, `step.fell-away` if nothing is to be
/// done any more, or `step.changed` if something else would be, or somebody else took over.
pub fn recheck(step: &Step, fresh: &Decision, successor: Option<&Subject>) -> Option<Code> {
    if fresh.verdict != Ruling::Act {
        let blocked = fresh.blocked.first().cloned();
        return Some(blocked.unwrap_or_else(|| Code::new("step.fell-away")));
    }
    let same = fresh.does == Some(step.does)
        && fresh.policy.as_ref() == Some(&step.policy)
        && fresh.because == step.because
        // the brakes were asked about these directories, and about no others
        && step.directories.iter().all(|d| fresh.directories.contains(d))
        && successor == step.successor.as_ref();
    (!same).then(|| Code::new("step.changed"))
}

fn step(decided: &Decided<'_>, successors: &BTreeMap<Subject, Chosen>) -> Option<Step> {
    let decision = decided.decision;
    if decision.verdict != Ruling::Act {
        return None;
    }
    // what a disabled account owns stays with it
    let removed = decision.does == Some(Do::Remove);
    let chosen = successors.get(&decided.account).filter(|_| removed);
    Some(Step {
        account: decided.account.clone(),
        tenant: decided.tenant.clone(),
        policy: decision.policy.clone()?,
        does: decision.does?,
        class: decision.class?,
        because: decision.because.clone(),
        directories: decision.directories.clone(),
        successor: chosen.and_then(|chosen| chosen.account.clone()),
        succession: chosen
            .map(|chosen| chosen.how.clone())
            .filter(|how| *how != Succession::default()),
        decision: decided.seq,
    })
}

fn value<T: Serialize>(facts: &T) -> Result<Value, CanonicalError> {
    // our own types have string keys and integers only: anything else is not canonical
    serde_json::to_value(facts).map_err(|_| CanonicalError::Number)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests;
