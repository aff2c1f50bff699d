//! Says why accounts are not removed, policy by policy, now or as of an earlier moment.

use serde::Serialize;

use crate::domain::decide::Facts;
use crate::domain::decide::decide;
use crate::domain::explain;
use crate::domain::explain::Answer;
use crate::domain::explain::Missing;
use crate::domain::explain::WhyNot;
use crate::domain::id::Subject;
use crate::domain::policy::PolicySet;
use crate::domain::rows::AccountRow;
use crate::domain::rows::Decision;
use crate::domain::rows::HaltRow;
use crate::domain::rows::Kind;
use crate::domain::rows::Step;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::decide::adopted;
use crate::engine::facts::Rows as _;
use crate::engine::replay::Moment;
use crate::engine::replay::State;
use crate::engine::replay::state_word;
use crate::ledger::vault::Profile;

/// Why one account is not removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountWhyNot {
    /// Its tenant.
    pub tenant: String,
    /// The tenant's own id.
    pub account: Option<String>,
    /// The pseudonym.
    pub subject: Subject,
    /// The address.
    pub email: Option<String>,
    /// Its state at that moment.
    pub state: String,
    /// What the rules say with all policies together, which is what counts.
    pub decision: Decision,
    /// Each policy by itself, in the order in which they are tried.
    pub policies: Vec<WhyNot>,
}

/// Why the accounts of somebody are not removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotRemoved {
    /// The accounts; none where nobody had one.
    pub accounts: Vec<AccountWhyNot>,
    /// Whether a policy ruled at that moment.
    pub ruled: bool,
}

impl Engine {
    /// Says why the accounts that somebody means are not removed at a moment; `policy` narrows it
    /// to one.
    pub fn why_not(
        &self,
        moment: &Moment<'_>,
        who: &str,
        policy: Option<&str>,
    ) -> Result<NotRemoved, EngineError> {
        let found = self.find(who)?;
        let ruling = adopted(&moment.rows)?;
        let ruled = ruling.is_some();
        let set = ruling.map(|(_, set)| set).unwrap_or_default();
        if let Some(name) = policy.filter(|name| set.policy(name).is_none()) {
            return Err(EngineError::unknown(
                format!("no policy that ruled then is called `{name}`"),
                "`exeunt policy diff` shows the policy that rules",
            ));
        }
        let gatherer = self.gatherer(&moment.rows, None)?;
        let mut accounts = Vec::new();
        for account in &found.accounts {
            let row = moment
                .rows
                .one::<AccountRow>(Kind::Account, account.as_str())?;
            let facts = match row {
                Some(row) => gatherer.facts(row)?,
                None => None,
            };
            if let Some(facts) = facts {
                accounts.push(self.account_why_not(moment, &set, &facts, policy)?);
            }
        }
        Ok(NotRemoved { accounts, ruled })
    }

    fn account_why_not(
        &self,
        moment: &Moment<'_>,
        set: &PolicySet,
        facts: &Facts,
        only: Option<&str>,
    ) -> Result<AccountWhyNot, EngineError> {
        let account = &facts.account;
        let decision = decide(facts, set, moment.now);
        let mut policies = Vec::new();
        for policy in &set.policies {
            if only.is_some_and(|name| name != policy.name) {
                continue;
            }
            let mut one = explain::why_not(facts, set, policy, moment.now);
            let decides = decision.policy.as_ref() == Some(&policy.name);
            if one.answer == Answer::Due && decides {
                one.missing = self.on_the_way(moment, set, &account.subject)?;
            } else if one.answer == Answer::Due {
                one.missing.push(Missing::new("need.first-policy"));
            }
            policies.push(one);
        }
        let profile = self.profile(&account.subject)?;
        Ok(AccountWhyNot {
            tenant: account.tenant.to_string(),
            account: profile.first(Profile::KEY).map(str::to_owned),
            subject: account.subject.clone(),
            email: profile.first(Profile::MAIL).map(str::to_owned),
            state: state_word(account).to_owned(),
            decision,
            policies,
        })
    }

    /// What a step that is due and planned waits for now.
    pub fn waits_for(&self, account: &Subject) -> Result<Vec<Missing>, EngineError> {
        let Some((_, set)) = self.adopted_policy()? else {
            return Ok(Vec::new());
        };
        let mut missing = self.on_the_way(&self.at(None)?, &set, account)?;
        missing.retain(|one| one.because.as_str() != "need.plan");
        Ok(missing)
    }

    /// What a step that is due still waits for: a plan, approvals, a brake, a halt. Of an earlier
    /// moment only the halts are told.
    fn on_the_way(
        &self,
        moment: &Moment<'_>,
        set: &PolicySet,
        account: &Subject,
    ) -> Result<Vec<Missing>, EngineError> {
        let mut missing = Vec::new();
        let tenant = moment
            .rows
            .one::<AccountRow>(Kind::Account, account.as_str())?
            .map(|row| format!("tenant:{}", row.tenant));
        for key in ["all".to_owned()].into_iter().chain(tenant) {
            let halt = moment.rows.one::<HaltRow>(Kind::Halt, &key)?;
            let halt = halt.filter(|halt| halt.until.is_none_or(|until| moment.now < until));
            missing.extend(halt.map(|halt| Missing {
                until: halt.until,
                ..Missing::new("block.halted")
            }));
        }
        if matches!(moment.rows, State::Then(_)) {
            return Ok(missing);
        }
        for (plan, steps) in self.open_steps(moment.now)? {
            let own = |step: &Step| step.account == *account;
            if !steps.iter().any(|row| own(&row.step)) {
                continue;
            }
            if !self.approvals(&plan)?.1 {
                missing.push(Missing::new("need.approval"));
            }
            let steps: Vec<_> = steps.into_iter().map(|row| row.step).collect();
            let brakes = self.assess(&steps, Some(&plan.digest), set, moment.now)?;
            for (position, states) in &brakes.stopped {
                let states = states.iter().filter_map(|n| brakes.states.get(*n));
                if let Some(brake) = steps
                    .get(*position)
                    .filter(|step| own(step))
                    .and(states.into_iter().next())
                {
                    missing.push(Missing::new(stopped_by(&brake.window)));
                }
            }
            return Ok(missing);
        }
        missing.push(Missing::new("need.plan"));
        Ok(missing)
    }
}

/// The code for a brake by its window.
pub(super) fn stopped_by(window: &str) -> &'static str {
    match window {
        "first-contact" => "block.first-contact",
        "ramp" => "block.ramp",
        _ => "block.breaker",
    }
}
