//! How things stand before anything may act: who of those who left is still in, what nobody uses,
//! what is unknown, tenant by tenant, and what would follow if the rules were at work.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::account::AccountState;
use crate::domain::account::Do;
use crate::domain::activity::ActivityState;
use crate::domain::breaker::limits_of;
use crate::domain::code::Code;
use crate::domain::decide::Facts;
use crate::domain::decide::decide;
use crate::domain::decide::silence;
use crate::domain::explain::Ahead;
use crate::domain::explain::look_ahead;
use crate::domain::id::Seq;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::identity::is_orphan;
use crate::domain::leaver_clock::LeaverClock;
use crate::domain::policy::Among;
use crate::domain::policy::Approvals;
use crate::domain::policy::Policy;
use crate::domain::policy::PolicySet;
use crate::domain::policy::Ring;
use crate::domain::policy::StepRule;
use crate::domain::ramp::Ramp;
use crate::domain::ramp::lay_out;
use crate::domain::rows::ContactRow;
use crate::domain::rows::Decision;
use crate::domain::rows::Kind;
use crate::domain::rows::Ruling;
use crate::domain::rows::SourceRow;
use crate::domain::rows::When;
use crate::domain::source::SourceKind;
use crate::domain::source::Verdict;
use crate::domain::time::Time;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::decide::adopted;
use crate::engine::facts::Rows as _;
use crate::engine::leavers::Clocks;
use crate::engine::replay::HeadShown;
use crate::engine::replay::Moment;
use crate::engine::replay::USUAL_DAYS;
use crate::ledger::vault::Profile;

/// How things stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Survey {
    /// The ledger that it was made of.
    pub head: HeadShown,
    /// The moment that it is about.
    pub as_of: Time,
    /// The name of the ledger.
    pub origin: String,
    /// How many people have left, as the authoritative directories say.
    pub people_left: u64,
    /// The rules that are looked through.
    pub rules: Vec<RuleShown>,
    /// Every source that is configured or was ever read.
    pub sources: Vec<SourceShown>,
    /// Each tenant that was ever read.
    pub tenants: Vec<TenantSurvey>,
}

/// One policy in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleShown {
    /// Its name.
    pub policy: String,
    /// What triggers it.
    pub when: When,
    /// After how many days.
    pub after_days: u64,
    /// How many days before the first step warnings are given.
    pub notice_days: Vec<u64>,
    /// What it does.
    pub steps: Vec<Do>,
    /// How far it may go now; absent for a rule that is only supposed.
    pub ring: Option<Ring>,
}

/// One source and what its newest read is worth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceShown {
    /// Its name.
    pub source: SourceName,
    /// Directory or tenant.
    pub kind: SourceKind,
    /// What the newest read is worth; absent if there was none.
    pub verdict: Option<Verdict>,
    /// When that was.
    pub read_at: Option<Time>,
    /// How many people or accounts the newest complete read had.
    pub count: Option<u64>,
    /// Why it is not complete.
    pub because: Vec<Code>,
    /// Whether what is said of it can be relied on: complete, and not too old.
    pub relied_on: bool,
}

/// One tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TenantSurvey {
    /// Its name.
    pub tenant: SourceName,
    /// The product; absent where it is not configured any more.
    pub product: Option<&'static str>,
    /// How many accounts of which sort: each counts once.
    pub counts: Counts,
    /// Accounts that still work of people who have left.
    pub leavers: Vec<AccountShown>,
    /// Accounts that are proved unused.
    pub idle: Vec<AccountShown>,
    /// Accounts of which nothing can be said.
    pub unknown: Vec<AccountShown>,
    /// What would follow.
    pub ramp: Ramp,
    /// How many would be warned first.
    pub warnings: u64,
    /// How many are found and withheld: nothing would be done about them.
    pub withheld: u64,
}

/// The accounts of a tenant, each counted once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// All that are there.
    pub accounts: u64,
    /// They work, and their people have left.
    pub leavers: u64,
    /// They work, and nobody uses them.
    pub idle: u64,
    /// They work, and whether somebody uses them is unknown.
    pub unknown: u64,
    /// They work and are used, or are too new to say.
    pub in_use: u64,
    /// Invited, and nobody has accepted.
    pub invited: u64,
    /// Disabled.
    pub disabled: u64,
    /// Beside these: how many belong to nobody in any directory.
    pub orphans: u64,
    /// Beside these: how many are protected.
    pub protected: u64,
}

/// One account with what is found about it and what would follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountShown {
    /// The tenant's own id.
    pub account: Option<String>,
    /// The pseudonym.
    pub subject: Subject,
    /// The address.
    pub email: Option<String>,
    /// The entry that erased the values.
    pub erased_by: Option<Seq>,
    /// The name.
    pub name: Option<String>,
    /// Since when the finding holds: left, last used.
    pub since: Option<Time>,
    /// The finding, or why it is unknown.
    pub because: Code,
    /// From when on it could be proved that an unknown account is not used.
    pub provable_from: Option<Time>,
    /// The clock of a leaver.
    pub clock: Option<LeaverClock>,
    /// What would follow.
    pub follows: Follows,
}

/// What would follow for one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Follows {
    /// What the rules would say.
    pub verdict: Ruling,
    /// The policy.
    pub policy: Option<String>,
    /// The step.
    #[serde(rename = "do")]
    pub does: Option<Do>,
    /// What they rest on, as a code.
    pub because: Code,
    /// What would block it.
    pub blocked: Vec<Code>,
    /// When a warning would come.
    pub warned_from: Option<Time>,
    /// When the step would come, brakes and ramp apart.
    pub step_from: Option<Time>,
}

/// Everything that one account is looked at with.
struct Looked<'l> {
    facts: &'l Facts,
    decision: Decision,
    ahead: Ahead,
}

impl Engine {
    /// How things stand at a moment, and what would follow under the rules that were adopted, each
    /// at work. Where no policy is about leavers, or none about idle accounts, a usual one is
    /// supposed.
    pub fn survey(&self, moment: &Moment<'_>) -> Result<Survey, EngineError> {
        let own = match adopted(&moment.rows)? {
            Some((_, set)) => set,
            None => self.configured_policy()?,
        };
        let set = at_work(&own);
        let mut by_tenant: BTreeMap<SourceName, Vec<Facts>> = BTreeMap::new();
        for facts in self.gather_all(&moment.rows, None)? {
            let tenant = facts.account.tenant.clone();
            by_tenant.entry(tenant).or_default().push(facts);
        }
        let clocks = self.clocks(moment)?;
        let mut tenants = Vec::new();
        for (tenant, accounts) in &by_tenant {
            tenants.push(self.tenant_survey(moment, &set, tenant, accounts, &clocks)?);
        }
        Ok(Survey {
            head: HeadShown {
                seq: moment.seq,
                link: moment.link.clone(),
            },
            as_of: moment.now,
            origin: self.ledger.opened().origin.clone(),
            people_left: self.departed(moment)?.len() as u64,
            rules: rules(&own, &set),
            sources: self.sources_shown(moment, &own)?,
            tenants,
        })
    }

    fn tenant_survey(
        &self,
        moment: &Moment<'_>,
        set: &PolicySet,
        tenant: &SourceName,
        accounts: &[Facts],
        clocks: &Clocks<'_>,
    ) -> Result<TenantSurvey, EngineError> {
        let mut survey = TenantSurvey {
            tenant: tenant.clone(),
            product: self.tenant(tenant).map(|t| t.adapter.kind().title),
            counts: Counts::default(),
            leavers: Vec::new(),
            idle: Vec::new(),
            unknown: Vec::new(),
            ramp: Ramp::default(),
            warnings: 0,
            withheld: 0,
        };
        let mut due = Vec::new();
        for facts in accounts.iter().filter(|f| f.account.gone.is_none()) {
            let looked = look(facts, set, moment.now);
            due.extend(looked.ahead.step);
            let waits = matches!(looked.decision.verdict, Ruling::Warn | Ruling::Wait);
            let warned = waits && looked.ahead.warned.is_some();
            survey.warnings += u64::from(warned);
            let withheld = looked.decision.verdict == Ruling::Withhold;
            let unknown = looked.decision.because.family() == "unknown";
            survey.withheld += u64::from(withheld && !unknown);
            self.sort_in(&mut survey, set, &looked, moment.now, clocks)?;
        }
        let contact = moment
            .rows
            .one::<ContactRow>(Kind::Contact, &format!("tenant:{tenant}"))?;
        let (believable, _) = limits_of(&set.limits.breakers, survey.counts.accounts);
        let per_day = set.limits.ramp_per_day;
        survey.ramp = lay_out(&due, moment.now, contact.is_none(), per_day, believable);
        for list in [&mut survey.leavers, &mut survey.idle, &mut survey.unknown] {
            list.sort_by(|a, b| (a.since, &a.email).cmp(&(b.since, &b.email)));
        }
        Ok(survey)
    }

    /// Counts an account once, and puts it on the list where it belongs.
    fn sort_in(
        &self,
        survey: &mut TenantSurvey,
        set: &PolicySet,
        looked: &Looked<'_>,
        now: Time,
        clocks: &Clocks<'_>,
    ) -> Result<(), EngineError> {
        let facts = looked.facts;
        let counts = &mut survey.counts;
        counts.accounts += 1;
        counts.orphans += u64::from(is_orphan(facts));
        counts.protected += u64::from(!facts.account.facts.protected.is_empty());
        if looked.decision.leaver_still_in {
            counts.leavers += 1;
            let clock = clocks.of(facts, Some(&looked.decision))?;
            let mut shown = self.shown(looked)?;
            shown.clock = clock.map(|clocked| clocked.clock);
            let effective = shown.clock.as_ref().map(|clock| clock.effective);
            shown.since = shown.since.or(effective);
            survey.leavers.push(shown);
            return Ok(());
        }
        match facts.account.facts.state {
            AccountState::Disabled => counts.disabled += 1,
            AccountState::Invited => counts.invited += 1,
            AccountState::Active => match silence(facts, set, idle_days(set), now) {
                ActivityState::NoneSince { last, because, .. } => {
                    counts.idle += 1;
                    let mut shown = self.shown(looked)?;
                    (shown.since, shown.because) = (last, because);
                    survey.idle.push(shown);
                }
                ActivityState::Unknown {
                    because,
                    provable_from,
                } => {
                    counts.unknown += 1;
                    let mut shown = self.shown(looked)?;
                    (shown.because, shown.provable_from) = (because, provable_from);
                    shown.since = None;
                    survey.unknown.push(shown);
                }
                _ => counts.in_use += 1,
            },
        }
        Ok(())
    }

    fn shown(&self, looked: &Looked<'_>) -> Result<AccountShown, EngineError> {
        let decision = &looked.decision;
        let subject = looked.facts.account.subject.clone();
        let profile = self.profile(&subject)?;
        let first = |field: &str| profile.first(field).map(str::to_owned);
        Ok(AccountShown {
            account: first(Profile::KEY),
            email: first(Profile::MAIL),
            erased_by: None,
            name: first(Profile::NAME),
            subject,
            since: decision.since,
            because: decision.because.clone(),
            provable_from: None,
            clock: None,
            follows: Follows {
                verdict: decision.verdict,
                policy: decision.policy.clone(),
                does: decision.does,
                because: decision.because.clone(),
                blocked: decision.blocked.clone(),
                warned_from: looked.ahead.warned,
                step_from: looked.ahead.step,
            },
        })
    }

    fn sources_shown(
        &self,
        moment: &Moment<'_>,
        set: &PolicySet,
    ) -> Result<Vec<SourceShown>, EngineError> {
        let mut sources = BTreeMap::new();
        let directories = self
            .directories
            .iter()
            .map(|d| (SourceKind::Directory, &d.name));
        let tenants = self.tenants.iter().map(|t| (SourceKind::Tenant, &t.name));
        for (kind, name) in directories.chain(tenants) {
            let unread = SourceShown {
                source: name.clone(),
                kind,
                verdict: None,
                read_at: None,
                count: None,
                because: Vec::new(),
                relied_on: false,
            };
            sources.insert((kind, name.clone()), unread);
        }
        for row in moment.rows.under::<SourceRow>(Kind::Source, "")? {
            let age_s = moment.now.seconds_since(row.last.rec);
            let complete = row.last.verdict == Verdict::Complete;
            let proof = row.complete.as_ref().and_then(|read| read.proof.as_ref());
            let shown = SourceShown {
                source: row.source.clone(),
                kind: row.kind,
                verdict: Some(row.last.verdict),
                read_at: Some(row.last.rec),
                count: proof.map(|proof| proof.count),
                because: row.last.because.clone(),
                relied_on: complete && age_s <= set.read_max_age_s(),
            };
            sources.insert((row.kind, row.source), shown);
        }
        Ok(sources.into_values().collect())
    }
}

fn look<'l>(facts: &'l Facts, set: &PolicySet, now: Time) -> Looked<'l> {
    let decision = decide(facts, set, now);
    let found = matches!(decision.verdict, Ruling::Act | Ruling::Warn | Ruling::Wait);
    let policy = decision.policy.as_deref().and_then(|name| set.policy(name));
    let ahead = policy
        .filter(|_| found)
        .map(|policy| look_ahead(facts, set, policy, now));
    Looked {
        facts,
        decision,
        ahead: ahead.unwrap_or_default(),
    }
}

/// The shortest silence that a policy asks for.
fn idle_days(set: &PolicySet) -> u64 {
    let idle = set.policies.iter().filter(|p| p.when == When::Inactive);
    idle.map(Policy::first_step_days)
        .min()
        .unwrap_or(USUAL_DAYS)
}

/// The rules with each policy at work, and usual ones where there are none.
fn at_work(own: &PolicySet) -> PolicySet {
    let mut set = own.clone();
    for policy in &mut set.policies {
        policy.ring = Ring::Enforce;
    }
    let has = |when: When| own.policies.iter().any(|policy| policy.when == when);
    if !has(When::Departed) {
        set.policies
            .push(usual("usual for leavers", When::Departed));
    }
    if !has(When::Inactive) {
        set.policies
            .push(usual("usual for idle accounts", When::Inactive));
    }
    set
}

fn usual(name: &str, when: When) -> Policy {
    let idle = when == When::Inactive;
    Policy {
        name: name.to_owned(),
        when,
        ring: Ring::Enforce,
        pilot_percent: 100,
        among: Among::default(),
        after_days: if idle { USUAL_DAYS } else { 0 },
        notice_days: if idle { vec![30, 7] } else { Vec::new() },
        steps: vec![StepRule {
            does: Do::Disable,
            after_days: 0,
            substitute: None,
        }],
        approvals: Approvals::default(),
        on: None,
    }
}

fn rules(own: &PolicySet, set: &PolicySet) -> Vec<RuleShown> {
    let shown = set.policies.iter().map(|policy| RuleShown {
        policy: policy.name.clone(),
        when: policy.when,
        after_days: policy.after_days,
        notice_days: policy.notice_days.clone(),
        steps: policy.steps.iter().map(|step| step.does).collect(),
        ring: own.policy(&policy.name).map(|policy| policy.ring),
    });
    shown.collect()
}
