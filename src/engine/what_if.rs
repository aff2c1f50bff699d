//! Goes through the recorded history under other rules; reads entries and nothing else.

use std::path::Path;

use crate::config::Config;
use crate::domain::policy::PolicySet;
use crate::domain::rows::When;
use crate::domain::what_if::Supposed;
use crate::domain::what_if::WhatIf;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::replay::HeadShown;
use crate::ledger::LedgerError;

/// Which rules are supposed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Question<'q> {
    /// Other days.
    pub after_days: Option<u64>,
    /// Only this policy.
    pub policy: Option<&'q str>,
    /// The policies of another configuration, in place of those that rule.
    pub rules: Option<&'q Path>,
}

/// What would have been, and under which rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WouldBe {
    /// The ledger as it was gone through.
    pub head: HeadShown,
    /// The rules, and of each policy the days that it has by itself.
    pub set: PolicySet,
    /// The days of each policy before they were changed for the question.
    pub own_days: Vec<u64>,
    /// What would have been.
    pub supposed: Supposed,
}

impl Engine {
    /// Says what would have been under other rules.
    pub fn what_if(&self, question: &Question<'_>) -> Result<WouldBe, EngineError> {
        let mut set = self.asked_about(question)?;
        let own_days = set.policies.iter().map(|p| p.after_days).collect();
        if let Some(days) = question.after_days {
            for policy in &mut set.policies {
                if policy.when == When::Inactive || question.policy.is_some() {
                    policy.after_days = days;
                }
            }
            if let Some(mistake) = set.validate().into_iter().next() {
                return Err(EngineError::unknown(
                    format!("{days} days do not fit {}: {}", mistake.path, mistake.says),
                    format!("what is right: {}", mistake.right),
                ));
            }
        }
        let view = self.ledger.view()?;
        let mut what_if = WhatIf::new(set.clone());
        view.each_entry(0, view.head().size, |entry| {
            what_if.take(&entry);
            Ok::<(), LedgerError>(())
        })?;
        let head = view.head();
        Ok(WouldBe {
            head: HeadShown {
                seq: head.size.saturating_sub(1),
                link: hex::encode(head.link),
            },
            set,
            own_days,
            supposed: what_if.end(),
        })
    }

    /// The rules in question, with their own days.
    fn asked_about(&self, question: &Question<'_>) -> Result<PolicySet, EngineError> {
        let mut set = match question.rules {
            Some(file) => self.policy_of(&Config::load(file)?)?,
            None => match self.adopted_policy()? {
                Some((_, set)) => set,
                None => self.configured_policy()?,
            },
        };
        if let Some(name) = question.policy {
            set.policies.retain(|policy| policy.name == name);
        }
        let idle = |set: &PolicySet| set.policies.iter().any(|p| p.when == When::Inactive);
        if let (Some(name), true) = (question.policy, set.policies.is_empty()) {
            return Err(EngineError::unknown(
                format!("no policy of these rules is called `{name}`"),
                "`exeunt policy diff` shows the policy that rules",
            ));
        }
        if question.after_days.is_some() && question.policy.is_none() && !idle(&set) {
            return Err(EngineError::unknown(
                "no policy of these rules is for inactivity, so that there are no days to change",
                "name a policy with --policy, or rules that have one with --rules FILE",
            ));
        }
        Ok(set)
    }
}
