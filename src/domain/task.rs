//! Leavers whom no step may touch: what has to be done by hand, why, and when that is over.
//!
//! A task arises from facts: somebody has left, their account can be used, and something stands in
//! the way of every step that no time takes away. It ends by what a complete read shows, and by
//! nobody's word.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::account::AccountKind;
use crate::domain::account::Do;
use crate::domain::account::Protection;
use crate::domain::attempts::SET_ASIDE;
use crate::domain::code::Code;
use crate::domain::decide::Case;
use crate::domain::decide::Facts;
use crate::domain::decide::Leaver;
use crate::domain::id::Seq;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::person::Strength;
use crate::domain::policy::PolicySet;
use crate::domain::rows::Decision;
use crate::domain::rows::TaskRelease;
use crate::domain::time::Time;
use crate::domain::trigger;

/// By how many approvers a protected leaver is released.
pub const APPROVERS: usize = 2;

/// It is not certain whose the account is: nothing else is asked for before that.
const DOUBTS: &[&str] = &[
    "block.ambiguous-identity",
    "block.conflicting-identity",
    "block.shared-person",
    "block.recycled-address",
    "block.recycled-identifier",
    "block.address-not-verified",
    "block.rule-not-used",
    "block.unclear-identity",
];

/// Why a step may not touch a leaver's account, the gravest first, after the doubts.
const ORDER: &[&str] = &[
    "block.protected-own-credential",
    "block.protected-owner",
    "block.protected-last-admin",
    "block.protected-admin",
    "block.provider-managed",
    "block.protected-key-owner",
    "block.protected-keys-unseen",
    "block.hold-break-glass",
    "block.hold-service",
    "block.protected-service",
    "block.protected-unknown-role",
    "block.protected-staff",
    "block.unclear-status",
    "block.protected-listed",
    "block.step-impossible",
    SET_ASIDE,
];

/// What the tenant itself shows: it is over when a complete read does not show it any more.
const SHOWN_BY_TENANT: &[&str] = &[
    "block.protected-own-credential",
    "block.protected-owner",
    "block.protected-last-admin",
    "block.protected-admin",
    "block.provider-managed",
    "block.protected-key-owner",
    "block.protected-keys-unseen",
    "block.protected-service",
    "block.protected-unknown-role",
    "block.protected-staff",
    "block.unclear-status",
    "block.unclear-identity",
];

/// What two approvers can release. Not whose account is doubtful, not the one with which the program
/// itself signs in, and not who must hand something over first: an owner, the last administrator.
const RELEASABLE: &[Protection] = &[
    Protection::Admin,
    Protection::Service,
    Protection::UnknownRole,
    Protection::Listed,
    Protection::KeyOwner,
    Protection::Staff,
    Protection::KeysUnseen,
];

/// What a release is bound to: the account (its entry is about it), what protects it, whose it is
/// and how they have left, and the one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bound {
    /// Its tenant.
    pub tenant: SourceName,
    /// The policy that rules: who may approve stands in it, so that what was signed under another
    /// roster does not add up.
    pub policy: Seq,
    /// The step that it makes possible.
    #[serde(rename = "do")]
    pub does: Do,
    /// Who uses the account.
    pub kind: AccountKind,
    /// What protects it.
    pub protected: BTreeSet<Protection>,
    /// The persons who have left.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub persons: BTreeSet<Subject>,
    /// How strong what says so is.
    pub strength: Strength,
    /// Since when they have left.
    pub since: Time,
    /// The entry by which somebody said that whoever uses the account leaves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stated: Option<Seq>,
}

/// How a task ends, as codes of the family `task`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The account is not there any more.
    Gone,
    /// It cannot be used any more.
    Disabled,
    /// It is there, and nothing in the tenant stands in the way of a step any more.
    Demoted,
    /// The person has not left after all, or the account is not theirs.
    NotALeaver,
    /// What else stood in the way does not any more: a hold, a doubt, the policy.
    Settled,
}

impl End {
    /// The code.
    pub const fn code(self) -> &'static str {
        match self {
            End::Gone => "task.gone",
            End::Disabled => "task.disabled",
            End::Demoted => "task.demoted",
            End::NotALeaver => "task.not-a-leaver",
            End::Settled => "task.settled",
        }
    }

    /// Whether only a complete read of the tenant can show it.
    pub const fn needs_read(self) -> bool {
        matches!(self, End::Gone | End::Disabled | End::Demoted)
    }
}

/// Why somebody has to see to a leaver's account by hand, the gravest reason first; empty where
/// nobody has to.
pub fn wanted(facts: &Facts, set: &PolicySet, decision: &Decision, now: Time) -> Vec<Code> {
    let case = Case::new(facts, set, now);
    match &case.leaver {
        Some(leaver) if case.usable() => reasons(facts, leaver, decision),
        _ => Vec::new(),
    }
}

/// Whether a reason is that it is not certain whose the account is.
pub fn is_doubt(code: &Code) -> bool {
    DOUBTS.contains(&code.as_str())
}

/// What stands in the way of every step for a leaver, whatever was released.
fn reasons(facts: &Facts, leaver: &Leaver, decision: &Decision) -> Vec<Code> {
    if is_disputed(leaver) {
        return Vec::new();
    }
    let account = &facts.account.facts;
    let mut found: BTreeSet<&str> = decision.blocked.iter().map(Code::as_str).collect();
    found.extend(account.protected.iter().map(|p| p.code()));
    if account.kind == AccountKind::Service {
        found.insert(Protection::Service.code());
    }
    if account.managed_by.is_some() {
        found.insert("block.provider-managed");
    }
    let among = |list: &[&'static str]| -> Vec<Code> {
        let holds = list.iter().filter(|code| found.contains(*code));
        holds.map(|code| Code::new(code)).collect()
    };
    let mut all = among(DOUBTS);
    if leaver.certain {
        all.extend(among(ORDER));
    }
    all
}

/// Whether another directory has them enabled: that is for the directories to settle.
fn is_disputed(leaver: &Leaver) -> bool {
    let elsewhere = leaver.elsewhere.as_ref();
    elsewhere.is_some_and(|code| code.as_str() == "block.enabled-elsewhere")
}

/// How a task that was opened for some reasons has ended, as the account stands; `None` while it has
/// not. Whether a complete read shows the account so is the caller's to ask ([`End::needs_read`]).
pub fn ended(
    facts: &Facts,
    set: &PolicySet,
    decision: &Decision,
    because: &[Code],
    now: Time,
) -> Option<End> {
    let case = Case::new(facts, set, now);
    if facts.account.gone.is_some() {
        return Some(End::Gone);
    }
    if !case.usable() {
        return Some(End::Disabled);
    }
    let Some(leaver) = case.leaver.as_ref().filter(|l| !is_disputed(l)) else {
        return Some(End::NotALeaver);
    };
    if !reasons(facts, leaver, decision).is_empty() {
        return None;
    }
    let shown = |code: &Code| SHOWN_BY_TENANT.contains(&code.as_str());
    Some(match because.iter().any(shown) {
        true => End::Demoted,
        false => End::Settled,
    })
}

/// What a release of an account would be bound to now, under a policy with its entry; `None` where
/// nobody behind it has left for certain.
pub fn bound(facts: &Facts, set: &PolicySet, policy: Seq, now: Time) -> Option<Bound> {
    let case = Case::new(facts, set, now);
    case.leaver.as_ref().filter(|l| l.certain).map(|leaver| {
        let account = &facts.account;
        Bound {
            tenant: account.tenant.clone(),
            policy,
            does: Do::Disable,
            kind: account.facts.kind,
            protected: protections(&case),
            persons: leaver.persons.iter().cloned().collect(),
            strength: leaver.departure.strength,
            since: leaver.departure.since,
            stated: account.named.as_ref().map(|stated| stated.seq),
        }
    })
}

/// The protections of an account that no approvers can release.
pub fn never_released(bound: &Bound) -> Vec<Protection> {
    let fixed = bound.protected.iter().filter(|p| !RELEASABLE.contains(p));
    fixed.copied().collect()
}

/// What protects an account, the machine's own protection with it.
fn protections(case: &Case<'_>) -> BTreeSet<Protection> {
    let mut protected = case.facts.account.facts.protected.clone();
    if trigger::is_machine(case) {
        protected.insert(Protection::Service);
    }
    protected
}

/// The releases that count for an account as it stands: none unless two approvers have signed the
/// same, and what they signed still holds, and no step has used them up.
pub(crate) fn released<'c>(case: &Case<'c>) -> Vec<&'c TaskRelease> {
    let open = case.facts.task.as_ref().filter(|t| t.closed.is_none());
    let Some((task, leaver)) = open.zip(case.leaver.as_ref()) else {
        return Vec::new();
    };
    let holds = |release: &&TaskRelease| still_holds(case, leaver, release);
    let valid: Vec<_> = task.releases.iter().filter(holds).collect();
    let mut counted: Vec<&TaskRelease> = Vec::new();
    for newest in valid.iter().rev() {
        let same: Vec<_> = valid.iter().filter(|r| r.digest == newest.digest).collect();
        let by: BTreeSet<_> = same.iter().map(|r| &r.by).collect();
        if by.len() >= APPROVERS {
            counted = same.into_iter().copied().collect();
            break;
        }
    }
    counted
}

/// The protections that two approvers have released for the step that comes next.
pub(crate) fn permitted(case: &Case<'_>, does: Option<Do>) -> BTreeSet<Protection> {
    let released = released(case);
    let bound = released.first().map(|release| &release.bound);
    let bound = bound.filter(|bound| Some(bound.does) == does);
    let permitted = bound.map(|bound| bound.protected.iter());
    let permitted = permitted.into_iter().flatten();
    permitted
        .filter(|p| RELEASABLE.contains(p))
        .copied()
        .collect()
}

/// Whether what an approver signed is still so: the same rights, the same persons who have left
/// without a break, and no disabling since.
fn still_holds(case: &Case<'_>, leaver: &Leaver, release: &TaskRelease) -> bool {
    let (bound, account) = (&release.bound, &case.facts.account);
    let persons: BTreeSet<_> = leaver.persons.iter().cloned().collect();
    let same = leaver.certain
        && bound.kind == account.facts.kind
        && bound.protected == protections(case)
        && bound.persons == persons
        && bound.stated == account.named.as_ref().map(|stated| stated.seq);
    let links = case.facts.links.iter();
    let mut people = links.flat_map(|l| l.person.iter().chain(&l.candidates));
    let broken = people.any(|person| {
        let later = person.withdrawn.as_ref();
        let later = later.is_some_and(|mark| mark.seq > release.seq);
        bound.persons.contains(&person.subject) && (later || person.fell_away.is_some())
    });
    let again = account.reappeared.as_ref();
    let again = again.is_some_and(|mark| mark.seq > release.seq);
    let mut used = case.facts.commands.iter().filter(|c| c.does == bound.does);
    let used = used.any(|c| c.seq > release.seq && c.took_effect());
    same && !broken && !again && !used
}

/// What two approvers have released for the disabling of an account, as it stands.
pub fn released_for(facts: &Facts, set: &PolicySet, now: Time) -> BTreeSet<Protection> {
    permitted(&Case::new(facts, set, now), Some(Do::Disable))
}

/// The releases of an account that would count with another approver's: those of whoever signed what
/// holds now.
pub fn standing<'f>(facts: &'f Facts, set: &PolicySet, now: Time) -> Vec<&'f TaskRelease> {
    let case = Case::new(facts, set, now);
    let Some(leaver) = &case.leaver else {
        return Vec::new();
    };
    let task = facts.task.iter().filter(|t| t.closed.is_none());
    task.flat_map(|t| &t.releases)
        .filter(|release| still_holds(&case, leaver, release))
        .collect()
}
