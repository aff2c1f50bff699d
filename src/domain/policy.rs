//! The policy: whom the rules are about, what they do, and how much at once.
//!
//! A [`PolicySet`] is what a `policy.adopted` entry holds. It has no addresses: lists of addresses
//! and the like stand in it as keyed fingerprints.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::account::AccountKind;
use crate::domain::account::Do;
use crate::domain::correlation::Rule;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
pub use crate::domain::loosen::loosens;
use crate::domain::rows::Class;
use crate::domain::rows::When;
use crate::domain::succession::Via;
use crate::domain::time::DAY_SECONDS;
use crate::domain::time::Time;

/// All policies with their limits: the whole text that is proposed and adopted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicySet {
    /// The policies, in the order in which they are tried.
    #[serde(default)]
    pub policies: Vec<Policy>,
    /// The numbers that hold for all of them.
    #[serde(default)]
    pub limits: Limits,
    /// How many approvers there are; below 2, two-person rules are not in force.
    #[serde(default)]
    pub approvers: u64,
    /// Keyed fingerprints of who may sign what, one for each approver's key and class.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub signers: BTreeSet<String>,
    /// What guards each source, by `tenant/portal` and `directory/corp`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<String, SourceGuard>,
    /// How soon leavers must be out.
    #[serde(default, skip_serializing_if = "LeaverTargets::is_usual")]
    pub leavers: LeaverTargets,
}

/// What of a source's configuration is a safeguard: a change of it can be a loosening.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceGuard {
    /// Keyed fingerprints of the entries of the protection list; never the entries themselves.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub protect: BTreeSet<String>,
    /// Keyed fingerprint of who takes over what accounts own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<String>,
    /// For a tenant where something is handed over: in which order a successor is looked for; empty
    /// in a policy from before there was an order to adopt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub succession: Vec<Via>,
    /// Keyed fingerprint of where the source is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// For a tenant: the days added to silence because a login may last, where somebody has set
    /// them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_days: Option<u64>,
    /// For a tenant that does not show whose keys programs use: whether somebody has named the
    /// accounts that they use, so that keys which are not seen protect nobody.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub machines_named: bool,
    /// For a directory: whether its word on who is employed counts.
    #[serde(default)]
    pub authoritative: bool,
    /// For a directory: whether it lists leavers only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub leavers: bool,
    /// For a tenant: what can be done there.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub can: BTreeSet<Do>,
    /// For a tenant: by which rules its accounts are given to people, in order, where they are
    /// not the usual ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub correlate: Vec<Rule>,
}

impl SourceGuard {
    /// By which rules a tenant's accounts are given to people, in order.
    pub fn rules(&self) -> &[Rule] {
        if self.correlate.is_empty() {
            Rule::USUAL
        } else {
            &self.correlate
        }
    }

    /// In which order a successor is looked for.
    pub fn succession(&self) -> &[Via] {
        if self.succession.is_empty() {
            Via::BEFORE
        } else {
            &self.succession
        }
    }
}

/// One policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Its name, unique in the set.
    pub name: String,
    /// What triggers it.
    pub when: When,
    /// How far it may go.
    #[serde(default)]
    pub ring: Ring,
    /// The share of accounts that the ring `pilot` acts on, in percent.
    #[serde(default = "default_pilot_percent")]
    pub pilot_percent: u64,
    /// Whom it is about.
    #[serde(default)]
    pub among: Among,
    /// How many days the trigger must have held before the first step.
    #[serde(default)]
    pub after_days: u64,
    /// How many days before the first step warnings are given, the earliest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notice_days: Vec<u64>,
    /// The steps, in order.
    pub steps: Vec<StepRule>,
    /// How many approvals each action needs.
    #[serde(default)]
    pub approvals: Approvals,
    /// For `everyone`: the moment from which it is due without being called by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<Time>,
}

/// One step of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepRule {
    /// What is to be done.
    #[serde(rename = "do")]
    pub does: Do,
    /// How many days after the step before; for the first one, on top of the policy's days.
    #[serde(default)]
    pub after_days: u64,
    /// What is done where a tenant cannot do it; without one, such a tenant is a mistake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub substitute: Option<Do>,
}

/// How far a policy may go.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Ring {
    /// Findings only.
    #[default]
    Observe,
    /// Findings, shown as what would be done.
    Report,
    /// Acts on a stable share of the accounts.
    Pilot,
    /// Acts.
    Enforce,
}

/// Whom a policy is about; an empty list does not narrow it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Among {
    /// Only accounts of these tenants.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tenants: BTreeSet<SourceName>,
    /// Only accounts of people who stand in this directory now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<SourceName>,
    /// Only accounts of these kinds.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub types: BTreeSet<AccountKind>,
    /// Only members of these groups; must be empty, since no adapter reads groups.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub groups: BTreeSet<String>,
}

/// How many approvals each action needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approvals {
    /// For disabling.
    #[serde(default = "default_disable_approvals")]
    pub disable: u64,
    /// For removing.
    #[serde(default = "default_remove_approvals")]
    pub remove: u64,
}

impl Approvals {
    /// How many an action needs.
    pub const fn of(&self, does: Do) -> u64 {
        match does {
            Do::Disable => self.disable,
            Do::Remove | Do::Transfer | Do::Revoke => self.remove,
            // whoever asks for it has said so already, and it can be undone
            Do::Restore => 0,
        }
    }
}

impl Default for Approvals {
    fn default() -> Self {
        Self {
            disable: default_disable_approvals(),
            remove: default_remove_approvals(),
        }
    }
}

/// The numbers that hold for all policies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// When the brakes trip.
    pub breakers: BreakerLimits,
    /// How many of the accounts that a first-contact release names may be changed a day.
    pub ramp_per_day: u64,
    /// A read that misses more than this share of what was known is suspect, in percent.
    pub max_drop_percent: u64,
    /// … but never for fewer than this many.
    pub max_drop_floor: u64,
    /// How old a source's newest read may be for anything to rest on it, in hours.
    pub read_max_age_hours: u64,
    /// When absence counts.
    pub absent: AbsentLimits,
    /// How long a plan may be carried out, in hours.
    pub plan_expires_hours: u64,
    /// How long an account stays that a reviewer left out of a plan, in days.
    pub kept_days: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            breakers: BreakerLimits::default(),
            ramp_per_day: 10,
            max_drop_percent: 10,
            max_drop_floor: 3,
            read_max_age_hours: 24,
            absent: AbsentLimits::default(),
            plan_expires_hours: 72,
            kept_days: 90,
        }
    }
}

/// When the brakes trip: more than `max(floor, min(percent of the base, cap))`.
///
/// The cap is `max(cap, base × cap_per_mille / 1000)`, and three times that over seven days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BreakerLimits {
    /// The number that is always allowed in 24 hours.
    pub floor_24h: u64,
    /// The number that is always allowed in seven days.
    pub floor_7d: u64,
    /// The share of the base, in percent, rounded down.
    pub percent: u64,
    /// The cap in 24 hours.
    pub cap: u64,
    /// The cap as a share of the base, in thousandths, rounded down; the larger cap holds.
    pub cap_per_mille: u64,
}

impl Default for BreakerLimits {
    fn default() -> Self {
        Self {
            floor_24h: 3,
            floor_7d: 6,
            percent: 5,
            cap: 50,
            cap_per_mille: 1,
        }
    }
}

/// When absence counts: so many complete reads in a row, spread over so much time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AbsentLimits {
    /// How many complete reads in a row.
    pub reads: u64,
    /// How many minutes lie between the first and the last of them at least.
    pub over_minutes: u64,
}

impl Default for AbsentLimits {
    fn default() -> Self {
        Self {
            reads: 2,
            over_minutes: 60,
        }
    }
}

/// How soon the accounts of people who have left must be out, in hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LeaverTargets {
    /// After a departure that a directory shows.
    pub target_hours: u64,
    /// After one that a named person stated (`exeunt leave`).
    pub named_target_hours: u64,
    /// For accounts that own or administer their tenant, or own a key with which programs work.
    pub high_risk_target_hours: u64,
}

impl Default for LeaverTargets {
    fn default() -> Self {
        Self {
            target_hours: 24,
            named_target_hours: 1,
            high_risk_target_hours: 1,
        }
    }
}

impl LeaverTargets {
    /// The target for a class of departures, in seconds; of several that hold, the shortest.
    pub fn target_s(&self, class: Class, high_risk: bool) -> i64 {
        let of_class = match class {
            Class::Named => self.named_target_hours,
            _ => self.target_hours,
        };
        let hours = match high_risk {
            true => of_class.min(self.high_risk_target_hours),
            false => of_class,
        };
        seconds(hours, 3600)
    }

    fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    fn find_mistakes(&self, mistakes: &mut Mistakes) {
        let targets = [
            ("leavers.target_hours", self.target_hours),
            ("leavers.named_target_hours", self.named_target_hours),
            (
                "leavers.high_risk_target_hours",
                self.high_risk_target_hours,
            ),
        ];
        for (path, hours) in targets {
            if hours == 0 || hours > MOST_TARGET_HOURS {
                mistakes.add(
                    path,
                    format!("{hours} hours are no target"),
                    "1 to 8760; 24 is usual, 1 for what must happen at once",
                );
            }
        }
    }
}

/// What a tenant can do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Which steps are possible.
    pub can: BTreeSet<Do>,
}

/// A mistake in a policy, for the one who wrote it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PolicyMistake {
    /// Where: `policies.contractors.steps`.
    pub path: String,
    /// What is wrong.
    pub says: String,
    /// What would be right.
    pub right: String,
}

/// The longest target for leavers, in hours: a year.
const MOST_TARGET_HOURS: u64 = 8760;

const fn default_pilot_percent() -> u64 {
    10
}

const fn default_disable_approvals() -> u64 {
    0
}

const fn default_remove_approvals() -> u64 {
    2
}

impl PolicySet {
    /// The policy with this name.
    pub fn policy(&self, name: &str) -> Option<&Policy> {
        self.policies.iter().find(|p| p.name == name)
    }

    /// How old a read may be, in seconds.
    pub fn read_max_age_s(&self) -> i64 {
        seconds(self.limits.read_max_age_hours, 3600)
    }

    /// Whether two-person rules are in force.
    pub const fn two_person_rules(&self) -> bool {
        self.approvers >= 2
    }

    /// Finds every mistake that can be seen without looking at sources.
    pub fn validate(&self) -> Vec<PolicyMistake> {
        let mut mistakes = Mistakes::default();
        let mut names = BTreeSet::new();
        for policy in &self.policies {
            if !names.insert(policy.name.as_str()) {
                mistakes.add(
                    &policy.path("name"),
                    format!("two policies are called {}", policy.name),
                    "a name of its own for each policy",
                );
            }
            policy.find_mistakes(self.approvers, &mut mistakes);
        }
        self.limits.find_mistakes(&mut mistakes);
        self.leavers.find_mistakes(&mut mistakes);
        mistakes.found
    }

    /// Finds the steps that a tenant cannot do and for which no policy names a substitute.
    pub fn check_capabilities(
        &self,
        tenants: &BTreeMap<SourceName, Capabilities>,
    ) -> Vec<PolicyMistake> {
        let mut mistakes = Mistakes::default();
        for policy in &self.policies {
            for (tenant, can) in tenants {
                if !policy.among.covers_tenant(tenant) {
                    continue;
                }
                for step in policy.steps.iter().filter(|s| s.possible(can).is_none()) {
                    mistakes.add(
                        &policy.path("steps"),
                        format!("{tenant} cannot {} an account", step.does.as_str()),
                        "a substitute for the step, another step, or a policy without this tenant",
                    );
                }
            }
        }
        mistakes.found
    }
}

impl Policy {
    /// The longest notice in days; an inactive person gets a warning in any case.
    pub fn longest_notice(&self) -> Option<u64> {
        let longest = self.notice_days.iter().copied().max();
        match self.when {
            When::Inactive => Some(longest.unwrap_or(0)),
            // leavers are not warned, and a clear-out is announced by those who approve it
            When::Departed | When::Everyone => None,
            When::NeverActivated | When::Disabled | When::Orphaned => longest,
        }
    }

    /// How many days before the first step a warning is that is given at `now`.
    pub fn warning_days(&self, acts_at: Time, now: Time) -> u64 {
        let left = acts_at.seconds_since(now);
        self.notice_days
            .iter()
            .copied()
            .filter(|days| left <= seconds(*days, DAY_SECONDS))
            .min()
            .or(self.longest_notice())
            .unwrap_or(0)
    }

    /// Days from the trigger to the first step.
    pub fn first_step_days(&self) -> u64 {
        let first = self.steps.first().map_or(0, |s| s.after_days);
        self.after_days.saturating_add(first)
    }

    /// Whether the pilot's share has this account.
    pub fn in_pilot(&self, account: &Subject) -> bool {
        share_of(account) < self.pilot_percent
    }

    fn path(&self, field: &str) -> String {
        format!("policies.{}.{field}", self.name)
    }

    /// Days from the trigger until an action comes for the first time, if it comes at all.
    pub fn days_until(&self, does: Do) -> Option<u64> {
        let mut days = self.after_days;
        for step in &self.steps {
            days = days.saturating_add(step.after_days);
            if step.does == does || step.substitute == Some(does) {
                return Some(days);
            }
        }
        None
    }

    fn find_mistakes(&self, approvers: u64, mistakes: &mut Mistakes) {
        if self.name.is_empty() {
            mistakes.add(&self.path("name"), "it is empty".into(), "a name");
        }
        if self.pilot_percent > 100 {
            mistakes.add(
                &self.path("pilot_percent"),
                format!("{} is no share", self.pilot_percent),
                "0 to 100",
            );
        }
        if !self.among.groups.is_empty() {
            mistakes.add(
                &self.path("among.groups"),
                "no source reads groups, so this would match nobody".into(),
                "groups = [] and a scope directory that lists the people",
            );
        }
        self.find_step_mistakes(mistakes);
        self.find_time_mistakes(mistakes);
        self.find_approval_mistakes(approvers, mistakes);
    }

    fn find_step_mistakes(&self, mistakes: &mut Mistakes) {
        if self.steps.is_empty() {
            mistakes.add(
                &self.path("steps"),
                "there are no steps".into(),
                "steps = [{ do = \"disable\" }, { do = \"remove\", after_days = 30 }]",
            );
        }
        let rising = self
            .steps
            .iter()
            .zip(self.steps.iter().skip(1))
            .all(|(a, b)| a.does < b.does);
        if !rising {
            mistakes.add(
                &self.path("steps"),
                "a step does not go further than the one before".into(),
                "disable before remove, each once",
            );
        }
        for step in &self.steps {
            let named = [Some(step.does), step.substitute];
            if let Some(does) = named.into_iter().flatten().find(|does| !does.is_step()) {
                mistakes.add(
                    &self.path("steps"),
                    format!("{} is not a step of a policy", does.as_str()),
                    "disable or remove; a removal hands over what there is by itself",
                );
            }
            if step.substitute == Some(step.does) {
                mistakes.add(
                    &self.path("steps"),
                    format!("{} is its own substitute", step.does.as_str()),
                    "the other action",
                );
            }
        }
    }

    fn find_time_mistakes(&self, mistakes: &mut Mistakes) {
        let too_long = [self.after_days]
            .iter()
            .chain(&self.notice_days)
            .chain(self.steps.iter().map(|s| &s.after_days))
            .any(|days| *days > 36_500);
        if too_long {
            mistakes.add(
                &self.path("after_days"),
                "a number of days is longer than a hundred years".into(),
                "at most 36500",
            );
        }
        let longest = self.notice_days.iter().copied().max().unwrap_or(0);
        match self.when {
            When::Inactive => {
                if self.after_days == 0 {
                    mistakes.add(
                        &self.path("after_days"),
                        "after 0 days everybody is inactive".into(),
                        "at least 1; 90 is usual",
                    );
                }
                if longest == 0 {
                    mistakes.add(
                        &self.path("notice_days"),
                        "a person who is only inactive must be warned first".into(),
                        "notice_days = [30, 7]",
                    );
                }
                if longest >= self.first_step_days() && self.after_days > 0 {
                    mistakes.add(
                        &self.path("notice_days"),
                        format!("a notice of {longest} days begins before anybody is silent"),
                        "fewer days than after_days",
                    );
                }
            }
            When::Departed | When::Everyone => {
                if !self.notice_days.is_empty() {
                    mistakes.add(
                        &self.path("notice_days"),
                        "nobody is warned under this trigger".into(),
                        "no notice_days",
                    );
                }
            }
            When::NeverActivated | When::Disabled | When::Orphaned => {}
        }
        if self.on.is_some() && self.when != When::Everyone {
            mistakes.add(
                &self.path("on"),
                "only a policy for everyone has a date".into(),
                "no date, or when = \"everyone\"",
            );
        }
    }

    fn find_approval_mistakes(&self, approvers: u64, mistakes: &mut Mistakes) {
        let most = self.approvals.disable.max(self.approvals.remove);
        // with fewer than two approvers the operator may approve alone, so nothing is out of reach
        if approvers >= 2 && most > approvers {
            mistakes.add(
                &self.path("approvals"),
                format!("{most} approvals are asked for and there are {approvers} approvers"),
                "at most as many approvals as there are approvers",
            );
        }
        let acts = |does: Do| self.days_until(does).is_some();
        if acts(Do::Remove) && self.approvals.remove == 0 && self.when != When::Departed {
            mistakes.add(
                &self.path("approvals.remove"),
                "accounts would be removed without anybody having approved it".into(),
                "at least 1; 2 is the default",
            );
        }
        if acts(Do::Disable) && self.approvals.disable == 0 && self.when == When::Orphaned {
            mistakes.add(
                &self.path("approvals.disable"),
                "an account without a person is never touched unattended".into(),
                "at least 1, which is the default for this trigger",
            );
        }
        if acts(Do::Disable) && self.approvals.disable == 0 && self.when == When::Everyone {
            mistakes.add(
                &self.path("approvals.disable"),
                "a clear-out of everyone is always approved".into(),
                "at least 1",
            );
        }
    }
}

impl StepRule {
    /// What this step comes to at a tenant; `None` if it can do neither it nor its substitute.
    pub fn possible(&self, tenant: &Capabilities) -> Option<Do> {
        if tenant.can.contains(&self.does) {
            return Some(self.does);
        }
        self.substitute.filter(|does| tenant.can.contains(does))
    }
}

impl Among {
    /// Whether a tenant's accounts are meant.
    pub fn covers_tenant(&self, tenant: &SourceName) -> bool {
        self.tenants.is_empty() || self.tenants.contains(tenant)
    }

    /// Whether accounts of a kind are meant.
    pub fn covers_kind(&self, kind: AccountKind) -> bool {
        self.types.is_empty() || self.types.contains(&kind)
    }
}

impl Limits {
    fn find_mistakes(&self, mistakes: &mut Mistakes) {
        if self.breakers.percent > 100 {
            mistakes.add(
                "limits.breakers.percent",
                format!("{} is no share", self.breakers.percent),
                "0 to 100",
            );
        }
        if self.max_drop_percent > 100 {
            mistakes.add(
                "limits.max_drop_percent",
                format!("{} is no share", self.max_drop_percent),
                "0 to 100",
            );
        }
        if self.absent.reads < 2 {
            mistakes.add(
                "limits.absent.reads",
                "one read alone never shows that somebody is gone".into(),
                "at least 2",
            );
        }
        if self.read_max_age_hours == 0 {
            mistakes.add(
                "limits.read_max_age_hours",
                "every read would be too old".into(),
                "at least 1; 24 is the default",
            );
        }
        if self.plan_expires_hours == 0 {
            mistakes.add(
                "limits.plan_expires_hours",
                "every plan would have expired".into(),
                "at least 1; 72 is the default",
            );
        }
        if self.kept_days == 0 {
            mistakes.add(
                "limits.kept_days",
                "whom a reviewer leaves out would be planned again at once".into(),
                "at least 1; 90 is the default",
            );
        }
        if self.ramp_per_day == 0 {
            mistakes.add(
                "limits.ramp_per_day",
                "what a first-contact release names could never be done".into(),
                "at least 1; 10 is the default",
            );
        }
    }
}

/// So many of a unit in seconds, without overflow.
pub(crate) fn seconds(count: u64, unit_s: i64) -> i64 {
    i64::try_from(count)
        .unwrap_or(i64::MAX)
        .saturating_mul(unit_s)
}

/// A stable number from 0 to 99 for a subject (FNV-1a, stirred by xorshift).
fn share_of(subject: &Subject) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in subject.as_str().bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash ^= hash >> 33;
    hash ^= hash << 13;
    hash ^= hash >> 7;
    hash % 100
}

#[derive(Default)]
struct Mistakes {
    found: Vec<PolicyMistake>,
}

impl Mistakes {
    fn add(&mut self, path: &str, says: String, right: &str) {
        self.found.push(PolicyMistake {
            path: path.to_owned(),
            says,
            right: right.to_owned(),
        });
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests;
