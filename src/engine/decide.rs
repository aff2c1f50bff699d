//! Adopts the policy, decides about every account, and records what is different from before.

use crate::config::Config;
use crate::config::policy::policy_set;
use crate::domain::decide::Facts;
use crate::domain::decide::decide;
use crate::domain::decide::differs;
use crate::domain::event::DecisionMade;
use crate::domain::event::Draft;
use crate::domain::event::PolicyAdopted;
use crate::domain::event::PolicyProposed;
use crate::domain::id::Seq;
use crate::domain::id::SourceName;
use crate::domain::loosen::loosens;
use crate::domain::policy::Limits;
use crate::domain::policy::PolicySet;
use crate::domain::policy::SourceGuard;
use crate::domain::rows::AccountRow;
use crate::domain::rows::Class;
use crate::domain::rows::Decision;
use crate::domain::rows::Kind;
use crate::domain::rows::PolicyRow;
use crate::domain::rows::Step;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::Run;
use crate::engine::TenantSource;
use crate::engine::facts::Rows;
use crate::ledger::LedgerError;
use crate::ledger::vault::Profile;

/// What became of the configured policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Adoption {
    /// It is the one that rules.
    Rules,
    /// It has been adopted now, since it loosens nothing (or is the first).
    Adopted,
    /// It loosens these safeguards and waits for an approver; the old one rules.
    Waits(Vec<String>),
}

/// One account with its facts and what the rules say.
#[derive(Debug, Clone)]
pub struct Judged {
    /// What it rests on.
    pub facts: Facts,
    /// What the rules say now.
    pub decision: Decision,
}

impl Engine {
    /// The keyed fingerprint under which a text stands in a policy.
    pub(super) fn fingerprint(&self, text: &str) -> Result<String, EngineError> {
        let profile = Profile::new().with(Profile::MAIL, [text]);
        Ok(hex::encode(self.ledger.vault()?.fingerprint_of(&profile)))
    }

    /// What guards a tenant under the policy that rules; `None` before it was adopted.
    pub(super) fn tenant_guard(
        &self,
        tenant: &SourceName,
    ) -> Result<Option<SourceGuard>, EngineError> {
        let adopted = self.adopted_policy()?;
        Ok(adopted.and_then(|(_, mut set)| set.sources.remove(&format!("tenant/{tenant}"))))
    }

    /// Whether a tenant is still where the policy that rules says: another one under the same name
    /// knows none of the accounts, and that says nothing about them.
    pub(super) fn is_where_it_was(&self, tenant: &TenantSource) -> Result<bool, EngineError> {
        let guard = self.tenant_guard(&tenant.name)?;
        let Some(address) = guard.and_then(|g| g.address) else {
            return Ok(true);
        };
        Ok(self.fingerprint(&tenant.address)? == address)
    }

    /// The policy of a configuration, as it would be adopted in this ledger.
    pub(super) fn policy_of(&self, config: &Config) -> Result<PolicySet, EngineError> {
        let vault = self.ledger.vault()?;
        let fingerprint = |address: &str| {
            let profile = Profile::new().with(Profile::MAIL, [address]);
            hex::encode(vault.fingerprint_of(&profile))
        };
        Ok(policy_set(config, &fingerprint)?)
    }

    /// The policy of the configuration.
    pub fn configured_policy(&self) -> Result<PolicySet, EngineError> {
        let set = self.policy_of(&self.config)?;
        let mistakes = set.check_capabilities(&self.capabilities());
        match mistakes.into_iter().next() {
            None => Ok(set),
            Some(mistake) => Err(EngineError::Configuration(
                crate::config::mistake::Mistake {
                    at: format!("exeunt.toml, {}", mistake.path),
                    says: mistake.says,
                    right: Some(mistake.right),
                },
            )),
        }
    }

    /// The policy that rules, with its version; `None` before the first was adopted.
    pub fn adopted_policy(&self) -> Result<Option<(Seq, PolicySet)>, EngineError> {
        let view = self.ledger.view()?;
        adopted(&view)
    }

    /// The numbers that rule: those of the adopted policy, before the first those configured.
    pub fn limits(&self) -> Result<Limits, EngineError> {
        let adopted = self.adopted_policy()?;
        Ok(adopted.map_or_else(|| self.config.limits.clone(), |(_, set)| set.limits))
    }

    /// Adopts the configured policy if it loosens nothing, else proposes it.
    pub fn adopt_policy(&self, run: &Run) -> Result<Adoption, EngineError> {
        let new = self.configured_policy()?;
        let text = serde_json::to_value(&new).unwrap_or_default();
        let id = self.ledger.entry_id()?;
        // compared with what rules at the moment of the append: another process may adopt as well
        let mut adoption = Adoption::Rules;
        self.ledger.commit::<EngineError>(&run.by, |view| {
            let old = adopted(view)?.map(|(_, set)| set);
            if old.as_ref() == Some(&new) {
                adoption = Adoption::Rules;
                return Ok(Vec::new());
            }
            let loosened = loosens(old.as_ref(), &new);
            if !loosened.is_empty() {
                adoption = Adoption::Waits(loosened);
                return Ok(Vec::new());
            }
            adoption = Adoption::Adopted;
            let adopted = PolicyAdopted {
                policy: text.clone(),
                unattended: true,
            };
            Ok(vec![Draft::new(id.clone(), &adopted)])
        })?;
        let Adoption::Waits(loosened) = adoption else {
            return Ok(adoption);
        };
        let id = self.ledger.entry_id()?;
        let proposed = PolicyProposed {
            policy: text,
            loosens: loosened.clone(),
        };
        self.ledger.commit::<LedgerError>(&run.by, |view| {
            let waiting = view.row::<PolicyRow>(Kind::Policy, "proposed")?;
            let same = waiting.is_some_and(|w| w.policy == proposed.policy);
            Ok(if same {
                Vec::new()
            } else {
                vec![Draft::new(id.clone(), &proposed)]
            })
        })?;
        Ok(Adoption::Waits(loosened))
    }

    /// Decides about every account that is known, at the run's moment; records nothing.
    pub fn judge_all<R: Rows>(
        &self,
        rows: &R,
        called: Option<String>,
        now: crate::domain::time::Time,
    ) -> Result<Vec<Judged>, EngineError> {
        let Some(ruling) = adopted(rows)? else {
            return Ok(Vec::new());
        };
        Ok(judged(self.gather_all(rows, called)?, &ruling, now))
    }

    /// The facts about every account whose tenant was ever read.
    pub(super) fn gather_all<R: Rows>(
        &self,
        rows: &R,
        called: Option<String>,
    ) -> Result<Vec<Facts>, EngineError> {
        let gatherer = self.gatherer(rows, called)?;
        let mut all = Vec::new();
        for account in rows.under::<AccountRow>(Kind::Account, "")? {
            all.extend(gatherer.facts(account)?);
        }
        Ok(all)
    }

    /// Decides about every account and records each decision that says something new.
    pub fn decide_all(
        &self,
        run: &Run,
        called: Option<String>,
    ) -> Result<Vec<Judged>, EngineError> {
        let judged = self.judge_all(&self.ledger.view()?, called, run.now)?;
        let mut drafts = Vec::new();
        for one in &judged {
            let last = one.facts.previous.as_ref().map(|p| &p.decision);
            if differs(last, &one.decision) {
                drafts.push(self.decision_draft(run, &one.facts, &one.decision)?);
            }
        }
        self.ledger.append_all(&run.by, drafts)?;
        Ok(judged)
    }

    /// Decides about a step's account again, from the rows as they stand, and records it if it
    /// differs. A clear-out goes on under the name by which it was planned, whatever other runs
    /// have decided since without that name.
    pub(super) fn decide_one(&self, run: &Run, step: &Step) -> Result<Decision, EngineError> {
        let account = &step.account;
        let view = self.ledger.view()?;
        let row = view.row::<AccountRow>(Kind::Account, account.as_str())?;
        let called = (step.class == Class::Everyone).then(|| step.policy.clone());
        let facts = match row {
            Some(row) => self.facts_of(&view, row, called)?,
            None => None,
        };
        let (Some(facts), Some((version, set))) = (facts, adopted(&view)?) else {
            return Err(EngineError::refused(
                "block.unknown-account",
                format!("nothing is known about {account} that could be decided again"),
                "run `exeunt sync` and make a new plan",
            ));
        };
        let mut decision = decide(&facts, &set, run.now);
        decision.evidence.push(version);
        let last = facts.previous.as_ref().map(|p| &p.decision);
        if differs(last, &decision) {
            let draft = self.decision_draft(run, &facts, &decision)?;
            self.ledger.append_all(&run.by, vec![draft])?;
        }
        Ok(decision)
    }

    pub(super) fn decision_draft(
        &self,
        run: &Run,
        facts: &Facts,
        decision: &Decision,
    ) -> Result<Draft, EngineError> {
        let made = DecisionMade {
            tenant: facts.account.tenant.clone(),
            run: run.seq,
            decision: decision.clone(),
        };
        Ok(Draft::new(self.ledger.entry_id()?, &made).about(&facts.account.subject))
    }
}

/// What a policy, with its entry, says about some accounts.
pub(super) fn judged(
    every: Vec<Facts>,
    (version, set): &(Seq, PolicySet),
    now: crate::domain::time::Time,
) -> Vec<Judged> {
    let judge = |facts: Facts| {
        let mut decision = decide(&facts, set, now);
        decision.evidence.push(*version);
        Judged { facts, decision }
    };
    every.into_iter().map(judge).collect()
}

/// The policy that rules in some rows.
pub fn adopted<R: Rows>(rows: &R) -> Result<Option<(Seq, PolicySet)>, EngineError> {
    let Some(row) = rows.one::<PolicyRow>(Kind::Policy, "adopted")? else {
        return Ok(None);
    };
    let set = serde_json::from_value(row.policy).map_err(|e| {
        EngineError::Ledger(LedgerError::cannot_judge(
            format!("the policy of entry {} cannot be read: {e}", row.seq),
            "use the version of the program that adopted it",
        ))
    })?;
    Ok(Some((row.seq, set)))
}
