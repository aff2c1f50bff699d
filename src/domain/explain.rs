//! Why an account is not removed: for one policy, what would have to be true, what blocks it, and
//! from when on it could be otherwise. Nothing is judged here: all of it is asked of `decide`.

use serde::Serialize;

use crate::domain::account::AccountState;
use crate::domain::blocks;
use crate::domain::code::Code;
use crate::domain::decide::Case;
use crate::domain::decide::Facts;
use crate::domain::decide::under;
use crate::domain::id::EntryId;
use crate::domain::policy::Policy;
use crate::domain::policy::PolicySet;
use crate::domain::policy::Ring;
use crate::domain::rows::Decision;
use crate::domain::rows::DecisionRow;
use crate::domain::rows::NoticeMark;
use crate::domain::rows::NoticeRow;
use crate::domain::rows::Ruling;
use crate::domain::rows::When;
use crate::domain::time::Time;
use crate::domain::trigger;
use crate::domain::turning::next_turn;
use crate::domain::turning::read_until;

/// How many moments are looked at when looking ahead; a bound, since each look has its price.
const MOST_LOOKS: usize = 200;

/// What one policy comes to for one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// A step is due.
    Due,
    /// Its trigger holds, and only time or a warning is missing.
    NotYet,
    /// Its trigger holds, and something blocks the step.
    Blocked,
    /// Whether its trigger holds cannot be told.
    Unknown,
    /// It is about the account, and its trigger does not hold.
    NotMet,
    /// It is not about the account.
    NotAbout,
    /// Nothing is left to be done: the account is gone, or every step was taken.
    Over,
}

/// One thing that is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// What would have to be true (`need.silence`), or what blocks it (`block.protected-admin`).
    pub because: Code,
    /// When it ends by itself, where that is known.
    pub until: Option<Time>,
}

impl Missing {
    /// Something that no date ends.
    pub fn new(because: &str) -> Self {
        Self {
            because: Code::new(because),
            until: None,
        }
    }
}

/// Why one policy does not remove an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WhyNot {
    /// The policy.
    pub policy: String,
    /// What triggers it.
    pub when: When,
    /// What it comes to.
    pub answer: Answer,
    /// What it says by itself; absent if it is not about the account or its trigger does not hold.
    pub decision: Option<Decision>,
    /// What is missing, the gravest first.
    pub missing: Vec<Missing>,
    /// From when on it can be proved that the account is not used; where that is unknown now.
    pub provable_from: Option<Time>,
    /// When a warning comes, if nothing else happens and the ring lets it.
    pub warned_from: Option<Time>,
    /// When the step comes, if nothing else happens and the ring lets it.
    pub step_from: Option<Time>,
}

/// Says why one policy does not remove an account at `now`.
pub fn why_not(facts: &Facts, set: &PolicySet, policy: &Policy, now: Time) -> WhyNot {
    let decision = under(facts, set, policy, now);
    let answer = answer(facts, set, policy, decision.as_ref(), now);
    let ahead = match answer {
        Answer::NotAbout | Answer::Over => Ahead::default(),
        _ => look_ahead(facts, set, policy, now),
    };
    let unknown = answer == Answer::Unknown;
    WhyNot {
        policy: policy.name.clone(),
        when: policy.when,
        answer,
        missing: missing(facts, set, policy, decision.as_ref(), now),
        provable_from: decision.as_ref().and_then(|d| d.due.filter(|_| unknown)),
        warned_from: ahead.warned,
        step_from: ahead.step,
        decision,
    }
}

/// When something would be done under a policy if nothing else happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ahead {
    /// When a warning would be given.
    pub warned: Option<Time>,
    /// When a step would be due.
    pub step: Option<Time>,
}

/// Looks ahead: what one policy would come to if every source went on being read as it was, nothing
/// new were seen, each warning were given when it is due, and the ring were `enforce`.
pub fn look_ahead(facts: &Facts, set: &PolicySet, policy: &Policy, now: Time) -> Ahead {
    let mut facts = facts.clone();
    let mut policy = policy.clone();
    policy.ring = Ring::Enforce;
    let mut ahead = Ahead::default();
    let mut at = now;
    for _ in 0..MOST_LOOKS {
        read_until(&mut facts, at);
        let decision = under(&facts, set, &policy, at);
        match decision.as_ref().map(|d| d.verdict) {
            Some(Ruling::Act) => {
                ahead.step = Some(at);
                break;
            }
            Some(Ruling::Warn) => {
                ahead.warned = ahead.warned.or(Some(at));
                warned(&mut facts, &policy, decision.as_ref(), at);
            }
            _ => {}
        }
        // since when somebody is an orphan is known from the decision before
        facts.previous = decision
            .map(|decision| before(&facts, decision))
            .or(facts.previous);
        let Some(next) = next_turn(&facts, std::iter::once(&policy), at) else {
            break;
        };
        at = next;
    }
    ahead
}

/// Notes a warning as given.
pub(crate) fn warned(facts: &mut Facts, policy: &Policy, decision: Option<&Decision>, at: Time) {
    let acts_at = decision.and_then(|d| d.due).unwrap_or(at);
    let mark = NoticeMark {
        seq: facts.account.seq,
        at,
        days: policy.warning_days(acts_at, at),
        acts_at,
        state: "written".to_owned(),
        mail: None,
        bounced: None,
        reason: None,
    };
    let row = facts.notices.iter_mut().find(|n| n.policy == policy.name);
    match row {
        Some(row) => row.sent.push(mark),
        None => facts.notices.push(NoticeRow {
            account: facts.account.subject.clone(),
            policy: policy.name.clone(),
            sent: vec![mark],
            proceeded: None,
        }),
    }
}

/// A decision as the one before the next.
pub(crate) fn before(facts: &Facts, decision: Decision) -> DecisionRow {
    DecisionRow {
        account: facts.account.subject.clone(),
        tenant: facts.account.tenant.clone(),
        seq: facts.account.seq,
        id: EntryId::new(""),
        run: facts.account.seq,
        decision,
    }
}

fn answer(
    facts: &Facts,
    set: &PolicySet,
    policy: &Policy,
    decision: Option<&Decision>,
    now: Time,
) -> Answer {
    let Some(decision) = decision else {
        return match not_about(&Case::new(facts, set, now), policy) {
            Some(_) => Answer::NotAbout,
            None => Answer::NotMet,
        };
    };
    match decision.verdict {
        Ruling::Act => Answer::Due,
        Ruling::Wait | Ruling::Warn => Answer::NotYet,
        Ruling::Withhold if decision.because.family() == "unknown" => Answer::Unknown,
        Ruling::Withhold => Answer::Blocked,
        Ruling::Keep => match decision.because.as_str() {
            "keep.gone" | "keep.removed" | "keep.steps-done" => Answer::Over,
            _ => Answer::NotMet,
        },
    }
}

fn missing(
    facts: &Facts,
    set: &PolicySet,
    policy: &Policy,
    decision: Option<&Decision>,
    now: Time,
) -> Vec<Missing> {
    let case = Case::new(facts, set, now);
    let Some(decision) = decision else {
        let not_about = not_about(&case, policy);
        let mut missing = Missing::new(not_about.unwrap_or_else(|| not_met(&case, policy)));
        missing.until = policy.on.filter(|on| *on > now);
        let mut missing = vec![missing];
        if not_about.is_none() {
            missing.extend(standing(&case, policy));
        }
        return missing;
    };
    match decision.verdict {
        Ruling::Act => Vec::new(),
        Ruling::Wait => vec![ending("need.time", decision.due, now)],
        Ruling::Warn => vec![ending("need.notice", decision.due, now)],
        Ruling::Withhold if decision.because.family() == "unknown" => {
            let mut missing = vec![ending(decision.because.as_str(), decision.due, now)];
            missing.extend(standing(&case, policy));
            missing
        }
        Ruling::Withhold => blocked(facts, decision, now),
        Ruling::Keep => {
            let (need, over) = match decision.because.as_str() {
                "keep.active" | "keep.enabled-again" => ("need.silence", false),
                "keep.too-new" => ("need.age", false),
                "keep.returned" => ("need.departure", false),
                "keep.gone" | "keep.removed" | "keep.steps-done" => {
                    (decision.because.as_str(), true)
                }
                because => (because, false),
            };
            let mut missing = vec![ending(need, decision.due, now)];
            if !over {
                missing.extend(standing(&case, policy));
            }
            missing
        }
    }
}

fn ending(because: &str, until: Option<Time>, now: Time) -> Missing {
    Missing {
        until: until.filter(|until| *until > now),
        ..Missing::new(because)
    }
}

/// What would block a step even if the trigger held.
fn standing(case: &Case<'_>, policy: &Policy) -> Vec<Missing> {
    let codes = blocks::standing(case, policy).into_iter();
    let missing = codes.map(|because| Missing {
        because,
        until: None,
    });
    missing.collect()
}

fn blocked(facts: &Facts, decision: &Decision, now: Time) -> Vec<Missing> {
    let until = |code: &Code| match code.as_str() {
        "block.kept-by-reviewer" => facts.kept.iter().map(|mark| mark.until).max(),
        "block.evidence-too-weak" => decision.due,
        _ => None,
    };
    let codes = decision.blocked.iter();
    let mut missing: Vec<_> = codes
        .map(|code| ending(code.as_str(), until(code), now))
        .collect();
    if decision.due.is_some_and(|due| due > now) {
        missing.push(ending("need.time", decision.due, now));
    }
    missing
}

/// Why a policy is not about an account at all.
fn not_about(case: &Case<'_>, policy: &Policy) -> Option<&'static str> {
    let account = &case.facts.account;
    let among = &policy.among;
    if !among.covers_tenant(&account.tenant) {
        return Some("need.tenant");
    }
    if !among.covers_kind(account.facts.kind) {
        return Some("need.type");
    }
    if !among.groups.is_empty() {
        return Some("need.group");
    }
    let outside = among.directory.is_some() && trigger::scope_of(case, policy).is_none();
    outside.then_some("need.scope")
}

/// What the trigger of a policy asks for that is not so.
fn not_met(case: &Case<'_>, policy: &Policy) -> &'static str {
    let facts = case.facts;
    let known = facts.links.iter().filter(|link| link.authoritative);
    match policy.when {
        When::Departed if known.clone().any(|link| link.linked_person().is_some()) => {
            "need.departure"
        }
        When::Departed => "need.person",
        When::Inactive => "need.activated",
        When::NeverActivated if facts.account.facts.state == AccountState::Invited => {
            "need.never-used"
        }
        When::NeverActivated => "need.invited",
        When::Disabled => "need.disabled",
        When::Orphaned if trigger::anybody(facts) => "need.nobody",
        When::Orphaned => "need.directories",
        When::Everyone => "need.called",
    }
}
