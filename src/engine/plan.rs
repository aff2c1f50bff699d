//! Makes plans, and finds the open ones.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use aws_lc_rs::digest;

use crate::domain::account::Do;
use crate::domain::breaker::Assessment;
use crate::domain::breaker::Bases;
use crate::domain::breaker::Wanted;
use crate::domain::breaker::assess;
use crate::domain::code::Code;
use crate::domain::event::BreakerTripped;
use crate::domain::event::Draft;
use crate::domain::event::PlanCreated;
use crate::domain::event::PlanListed;
use crate::domain::id::EntryId;
use crate::domain::id::Subject;
use crate::domain::plan as rules;
use crate::domain::policy::PolicySet;
use crate::domain::rows::AccountRow;
use crate::domain::rows::BreakerState;
use crate::domain::rows::Class;
use crate::domain::rows::CommandRow;
use crate::domain::rows::ContactRow;
use crate::domain::rows::DecisionRow;
use crate::domain::rows::Kind;
use crate::domain::rows::PersonRow;
use crate::domain::rows::PlanRow;
use crate::domain::rows::ReleaseRow;
use crate::domain::rows::Ruling;
use crate::domain::rows::Step;
use crate::domain::rows::StepRow;
use crate::domain::time::Time;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::Run;
use crate::engine::decide::Judged;
use crate::engine::restore::WITHDRAWN;
use crate::engine::successor::Heirs;
use crate::engine::why_not::stopped_by;
use crate::evidence::merkle;

/// How many steps one `plan.listed` entry holds; keeps it below the limit of an entry.
const STEPS_PER_ENTRY: usize = 100;

/// What planning came to.
#[derive(Debug)]
pub struct Planned {
    /// The plan: a new one, or the newest open one if there is nothing new.
    pub plan: Option<PlanRow>,
    /// Whether it was made now.
    pub is_new: bool,
    /// Every account with what the rules say.
    pub judged: Vec<Judged>,
    /// Other plans that are still open.
    pub open: Vec<PlanRow>,
}

impl Engine {
    /// Makes a plan of every account that is due and stands in no open plan; the open ones stay as
    /// they are, with their digests and approvals, but for steps that something more has overtaken.
    /// `only` narrows it to one policy.
    pub fn plan(
        &self,
        run: &Run,
        judged: Vec<Judged>,
        only: Option<&str>,
    ) -> Result<Planned, EngineError> {
        let mut open = Vec::new();
        let mut taken = BTreeSet::new();
        for (plan, left) in self.open_steps(run.now)? {
            let left = match only {
                None => self.without_overtaken(run, left, &judged)?,
                Some(_) => left,
            };
            if !left.is_empty() {
                taken.extend(left.into_iter().map(|s| s.step.account));
                open.push(plan);
            }
        }
        let steps = self.new_steps(&judged, &taken, only)?;
        let created = match (steps.is_empty(), self.adopted_policy()?) {
            (false, Some((version, set))) => Some(self.create(run, version, &set, steps)?),
            _ => None,
        };
        let is_new = created.is_some();
        let plan = created.or_else(|| open.pop());
        Ok(Planned {
            plan,
            is_new,
            judged,
            open,
        })
    }

    /// Plans that can still be carried out: neither rejected nor replaced nor expired, and with
    /// steps left; the oldest first. One that somebody asked for to give accounts back ends with its
    /// command: what could not be given back then is tried again only when somebody asks again.
    pub fn open_plans(&self, now: Time) -> Result<Vec<PlanRow>, EngineError> {
        let open = self.open_steps(now)?.into_iter();
        Ok(open.map(|(plan, _)| plan).collect())
    }

    /// The plans that can still be carried out, each with the steps that are left of it.
    pub fn open_steps(&self, now: Time) -> Result<Vec<(PlanRow, Vec<StepRow>)>, EngineError> {
        let rows = self.ledger.view()?.rows::<PlanRow>(Kind::Plan)?;
        let ruling = self.adopted_policy()?.map(|(version, _)| version);
        let mut open = Vec::new();
        for (_, plan) in rows {
            let alive = plan.ended().is_none()
                && !rules::is_expired(&plan, now)
                && ruling == Some(plan.policy);
            if !alive {
                continue;
            }
            let left = self.steps_left(&plan)?;
            let own = |row: &StepRow| {
                row.step.does != Do::Restore || row.step.because.as_str() == WITHDRAWN
            };
            if left.iter().any(own) {
                open.push((plan, left));
            }
        }
        open.sort_by_key(|(plan, _)| plan.seq);
        Ok(open)
    }

    /// Whether the policy under which a plan was made is the one that rules.
    pub fn rules_still(&self, plan: &PlanRow) -> Result<bool, EngineError> {
        Ok(self
            .adopted_policy()?
            .is_some_and(|(version, _)| version == plan.policy))
    }

    fn new_steps(
        &self,
        judged: &[Judged],
        taken: &BTreeSet<Subject>,
        only: Option<&str>,
    ) -> Result<Vec<Step>, EngineError> {
        let view = self.ledger.view()?;
        let mut decided = Vec::new();
        let mut unmatched = BTreeMap::new();
        for one in judged {
            let account = &one.facts.account.subject;
            if only.is_some_and(|name| one.decision.policy.as_deref() != Some(name)) {
                continue;
            }
            let cleared = one.decision.class == Some(Class::Everyone);
            if cleared && self.has_unmatched(&one.facts.account.tenant, &mut unmatched)? {
                continue;
            }
            // The decision's own entry, written before: what the step carries out.
            let row = view.row::<DecisionRow>(Kind::Decision, account.as_str())?;
            decided.extend(row.map(|row| rules::Decided {
                account: account.clone(),
                tenant: one.facts.account.tenant.clone(),
                seq: row.seq,
                decision: &one.decision,
            }));
        }
        let going = decided.iter().filter(|d| d.decision.verdict == Ruling::Act);
        let going = going.map(|d| d.account.clone()).collect();
        let heirs = Heirs::new(self, self.clock.now(), going)?;
        let mut successors = BTreeMap::new();
        for one in decided
            .iter()
            .filter(|d| d.decision.does == Some(Do::Remove))
        {
            let chosen = heirs.of(&one.account, &one.tenant)?;
            successors.extend(chosen.map(|chosen| (one.account.clone(), chosen)));
        }
        Ok(rules::steps(&decided, taken, &successors))
    }

    pub(super) fn create(
        &self,
        run: &Run,
        version: u64,
        set: &PolicySet,
        steps: Vec<Step>,
    ) -> Result<PlanRow, EngineError> {
        let breakers = self.assess(&steps, None, set, run.now)?.states;
        let (id, drafts) = self.plan_drafts(run, version, set, &steps, breakers, None)?;
        self.ledger.append_all(&run.by, drafts)?;
        self.made(&id)
    }

    /// The entries of a new plan, the last of which closes it. One that is cut from another is good
    /// no longer than that one.
    pub(super) fn plan_drafts(
        &self,
        run: &Run,
        version: u64,
        set: &PolicySet,
        steps: &[Step],
        breakers: Vec<BreakerState>,
        parent: Option<&PlanRow>,
    ) -> Result<(EntryId, Vec<Draft>), EngineError> {
        let id = self.ledger.entry_id()?;
        let expires_at = rules::expires_at(set, run.now);
        let mut created = PlanCreated {
            plan: id.clone(),
            parent: parent.map(|p| p.plan.clone()),
            root: root(steps)?,
            count: steps.len() as u64,
            head: self.ledger.view()?.head().size,
            now: run.now,
            expires_at: parent.map_or(expires_at, |p| p.expires_at.min(expires_at)),
            policy: version,
            digest: String::new(),
            breakers,
        };
        created.digest = digest_of(&created)?;
        let mut drafts = Vec::new();
        for (n, chunk) in steps.chunks(STEPS_PER_ENTRY).enumerate() {
            let listed = PlanListed {
                plan: id.clone(),
                from: (n * STEPS_PER_ENTRY) as u64,
                steps: chunk.to_vec(),
            };
            drafts.push(Draft::new(self.ledger.entry_id()?, &listed));
        }
        drafts.push(Draft::new(id.clone(), &created));
        for breaker in created.breakers.iter().filter(|b| b.tripped) {
            let tripped = BreakerTripped {
                breaker: breaker.clone(),
                plan: id.clone(),
            };
            drafts.push(Draft::new(self.ledger.entry_id()?, &tripped));
        }
        Ok((id, drafts))
    }

    /// A plan whose entries have just been appended, once they are durable.
    pub(super) fn made(&self, id: &EntryId) -> Result<PlanRow, EngineError> {
        self.ledger.sync()?;
        let row = self
            .ledger
            .view()?
            .row::<PlanRow>(Kind::Plan, id.as_str())?;
        row.ok_or_else(|| EngineError::File {
            what: "the plan did not come to be".to_owned(),
        })
    }

    /// The steps that are left of the open plans but one and those that were released.
    fn beside(
        &self,
        digest: Option<&str>,
        releases: &[ReleaseRow],
        now: Time,
    ) -> Result<Vec<Step>, EngineError> {
        let mut open = self.open_steps(now)?;
        open.retain(|(plan, _)| {
            digest != Some(&plan.digest) && !releases.iter().any(|r| r.digest == plan.digest)
        });
        let left = open.into_iter().flat_map(|(_, left)| left);
        Ok(left.map(|row| row.step).collect())
    }

    /// The brakes for some steps as they stand at `now`; `digest` names the plan that they are of, or
    /// that they are about to be cut from.
    pub fn assess(
        &self,
        steps: &[Step],
        digest: Option<&str>,
        set: &PolicySet,
        now: Time,
    ) -> Result<Assessment, EngineError> {
        let view = self.ledger.view()?;
        let second = |(_, row)| row;
        let commands: Vec<_> = view
            .rows::<CommandRow>(Kind::Command)?
            .into_iter()
            .map(second)
            .collect();
        let releases: Vec<_> = view
            .rows::<ReleaseRow>(Kind::Release)?
            .into_iter()
            .map(|(_, r)| r)
            .collect();
        let contacts: Vec<_> = view
            .rows::<ContactRow>(Kind::Contact)?
            .into_iter()
            .map(|(_, r)| r)
            .collect();
        let bases = self.bases()?;
        let beside = self.beside(digest, &releases, now)?;
        let wanted = Wanted {
            steps,
            beside: &beside,
            digest,
            bases: &bases,
            commands: &commands,
            releases: &releases,
            contacts: &contacts,
            limits: &set.limits,
        };
        Ok(assess(&wanted, now))
    }

    /// The brakes that stop steps of a plan as it stands now.
    pub fn tripped(&self, plan: &PlanRow) -> Result<Vec<BreakerState>, EngineError> {
        let steps = self.steps_left(plan)?;
        let steps: Vec<_> = steps.into_iter().map(|s| s.step).collect();
        let set = self.adopted_policy()?.map(|(_, set)| set);
        let now = self.clock.now();
        let assessed = self.assess(&steps, Some(&plan.digest), &set.unwrap_or_default(), now)?;
        let mut states = assessed.states;
        states.retain(|brake| brake.tripped);
        Ok(states)
    }

    /// What the brakes' shares are of.
    pub fn bases(&self) -> Result<Bases, EngineError> {
        let view = self.ledger.view()?;
        let mut bases = Bases::default();
        for (_, account) in view.rows::<AccountRow>(Kind::Account)? {
            if account.gone.is_none() {
                *bases.tenants.entry(account.tenant).or_default() += 1;
                bases.accounts += 1;
            }
        }
        for (_, person) in view.rows::<PersonRow>(Kind::Person)? {
            if !person.is_gone() {
                *bases.directories.entry(person.directory).or_default() += 1;
            }
        }
        Ok(bases)
    }

    /// Which of the steps that are left a brake stops, by number.
    pub(super) fn stopped_by_brakes(
        &self,
        run: &Run,
        plan: &PlanRow,
        steps: &[StepRow],
    ) -> Result<BTreeMap<u64, Code>, EngineError> {
        let Some((_, set)) = self.adopted_policy()? else {
            return Ok(BTreeMap::new());
        };
        let left: Vec<Step> = steps.iter().map(|s| s.step.clone()).collect();
        let assessment = self.assess(&left, Some(&plan.digest), &set, run.now)?;
        let mut stopped = BTreeMap::new();
        for (position, brakes) in assessment.stopped {
            let Some(step) = steps.get(position) else {
                continue;
            };
            let first = brakes.first().and_then(|b| assessment.states.get(*b));
            let code = stopped_by(first.map_or("", |b| b.window.as_str()));
            stopped.insert(step.number, Code::new(code));
        }
        Ok(stopped)
    }

    /// Finds a plan by its id, its digest, or at least the first 8 digits of that.
    pub fn plan_named(&self, name: &str) -> Result<PlanRow, EngineError> {
        let rows = self.ledger.view()?.rows::<PlanRow>(Kind::Plan)?;
        let name = name.trim().to_lowercase();
        let matches = |plan: &PlanRow| {
            plan.plan.as_str() == name || (name.len() >= 8 && plan.digest.starts_with(&name))
        };
        let mut found = rows.into_iter().map(|(_, row)| row).filter(matches);
        match (found.next(), found.next()) {
            (Some(plan), None) => Ok(plan),
            (Some(_), Some(_)) => Err(EngineError::unknown(
                format!("`{name}` is the beginning of more than one plan's digest"),
                "give more digits",
            )),
            _ => Err(EngineError::unknown(
                format!("there is no plan `{name}` in this ledger"),
                "`exeunt plan` makes one; `exeunt status` lists those that are open",
            )),
        }
    }
}

/// The RFC 6962 root over the bytes of the steps, in hexadecimal.
pub fn root(steps: &[Step]) -> Result<String, EngineError> {
    let mut leaves = Vec::new();
    for step in steps {
        let bytes = rules::leaf(step).map_err(|e| EngineError::File {
            what: format!("a step cannot be written: {e}"),
        })?;
        leaves.push(bytes);
    }
    Ok(hex::encode(merkle::root(&leaves)))
}

/// The digest of a plan: SHA-256 over its canonical JSON without `digest`, in hexadecimal.
pub fn digest_of(created: &PlanCreated) -> Result<String, EngineError> {
    let bytes = rules::digest_input(created).map_err(|e| EngineError::File {
        what: format!("a plan cannot be written: {e}"),
    })?;
    Ok(hex::encode(digest::digest(
        &digest::SHA256,
        bytes.as_bytes(),
    )))
}
