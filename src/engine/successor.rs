//! Who takes over what a removed account owns.

use std::collections::BTreeMap;

use crate::domain::account::AccountKind;
use crate::domain::account::AccountRecord;
use crate::domain::account::AccountState;
use crate::domain::account::Do;
use crate::domain::code::Code;
use crate::domain::decide::leaver;
use crate::domain::event::CommandIntended;
use crate::domain::event::Payload as _;
use crate::domain::event::StepWithheld;
use crate::domain::id::Email;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::rows::Ruling;
use crate::domain::rows::Step;
use crate::domain::rows::StepRow;
use crate::domain::time::Time;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::Run;
use crate::engine::TenantSource;
use crate::engine::decide::Judged;
use crate::provider::Successor;

impl TenantSource {
    /// Whether a removal here hands something over.
    pub fn hands_over(&self) -> bool {
        self.adapter.kind().steps.iter().any(|s| s.hands_over)
    }
}

impl Engine {
    /// By tenant, the account that takes over: the one that has the configured address now.
    pub(super) fn successors(&self) -> Result<BTreeMap<SourceName, Subject>, EngineError> {
        let mut found = BTreeMap::new();
        for tenant in self.tenants.iter().filter(|t| t.hands_over()) {
            if let Some(address) = &tenant.successor
                && let [account] = self.accounts_with(&tenant.name, address)?.as_slice()
            {
                found.insert(tenant.name.clone(), account.clone());
            }
        }
        Ok(found)
    }

    /// Reads the successor again just before a request; why it cannot take over, if it cannot.
    ///
    /// Whether one is needed at all only the provider can tell, by what the account owns.
    pub(super) async fn successor_now(
        &self,
        run: &Run,
        tenant: &TenantSource,
        step: &Step,
    ) -> Result<Result<Option<Successor>, Code>, EngineError> {
        if step.does != Do::Remove || !tenant.hands_over() {
            return Ok(Ok(None));
        }
        let Some(address) = &tenant.successor else {
            return Ok(Ok(None));
        };
        if !self.is_successor_adopted(tenant, address)? {
            return Ok(Err(Code::new("block.other-successor")));
        }
        let Some(account) = &step.successor else {
            return Ok(Err(Code::new("block.successor-unknown")));
        };
        if *account == step.account {
            return Ok(Err(Code::new("block.successor-leaving")));
        }
        let Some(id) = self.account_id(account)? else {
            return Ok(Err(Code::new("block.erased")));
        };
        let record = match tenant.adapter.account(&id).await {
            Ok(Some(record)) => record,
            Ok(None) => return Ok(Err(Code::new("block.successor-unknown"))),
            Err(error) => return Ok(Err(Code::new(error.fault()))),
        };
        if !can_take_over(&record) {
            return Ok(Err(Code::new("block.successor-unfit")));
        }
        let email = record.email.clone();
        self.observe_account(run, tenant, record)?;
        if self.is_leaving(run.now, account)? {
            return Ok(Err(Code::new("block.successor-leaving")));
        }
        Ok(Ok(Some(Successor { id, email })))
    }

    fn is_successor_adopted(
        &self,
        tenant: &TenantSource,
        address: &Email,
    ) -> Result<bool, EngineError> {
        let guard = self.tenant_guard(&tenant.name)?;
        let Some(adopted) = guard.and_then(|g| g.successor) else {
            return Ok(false);
        };
        Ok(adopted == self.fingerprint(address.as_str())?)
    }

    /// The successors of some steps who leave themselves, with their tenants: as long as they do,
    /// those steps are withheld.
    pub fn leaving_successors(
        &self,
        steps: &[StepRow],
    ) -> Result<BTreeMap<SourceName, Subject>, EngineError> {
        let now = self.clock.now();
        let mut leaving = BTreeMap::new();
        for step in steps.iter().map(|row| &row.step) {
            if let Some(successor) = &step.successor
                && !leaving.contains_key(&step.tenant)
                && self.is_leaving(now, successor)?
            {
                leaving.insert(step.tenant.clone(), successor.clone());
            }
        }
        Ok(leaving)
    }

    /// The steps that are withheld as long as their successor leaves, with the successor.
    pub fn without_successor(
        &self,
        steps: &[StepRow],
    ) -> Result<Vec<(StepRow, Subject)>, EngineError> {
        let leaving = self.leaving_successors(steps)?;
        let held_up = steps.iter().filter_map(|row| {
            let successor = row.step.successor.as_ref()?;
            let theirs = leaving.get(&row.step.tenant) == Some(successor);
            theirs.then(|| (row.clone(), successor.clone()))
        });
        Ok(held_up.collect())
    }

    /// Why a step that is due was not taken, where the rules let it: its successor leaves as well, or
    /// it was withheld when it was to be carried out, as the newest entry about that says.
    pub fn due_and_not_taken(&self, one: &Judged) -> Result<Option<Code>, EngineError> {
        let (decision, account) = (&one.decision, &one.facts.account);
        if decision.verdict != Ruling::Act {
            return Ok(None);
        }
        if decision.does == Some(Do::Remove)
            && let Some(successor) = self.successors()?.get(&account.tenant)
            && self.is_leaving(self.clock.now(), successor)?
        {
            return Ok(Some(Code::new("block.successor-leaving")));
        }
        let entries = self.ledger.view()?.about(&account.subject)?;
        let acted = |kind: &str| [CommandIntended::TYPE, StepWithheld::TYPE].contains(&kind);
        let newest = entries.iter().rev().find(|e| acted(&e.kind));
        let withheld = newest.and_then(|entry| entry.payload::<StepWithheld>());
        Ok(withheld.map(|withheld| withheld.because))
    }

    /// Whether somebody has left, or stands in a plan to be disabled or removed.
    fn is_leaving(&self, now: Time, account: &Subject) -> Result<bool, EngineError> {
        if self
            .facts(account)?
            .is_some_and(|facts| leaver(&facts, now).is_some())
        {
            return Ok(true);
        }
        let open = self.open_steps(now)?;
        let mut steps = open.iter().flat_map(|(_, left)| left);
        Ok(steps.any(|s| s.step.account == *account && s.step.does.is_step()))
    }
}

fn can_take_over(record: &AccountRecord) -> bool {
    record.facts.state == AccountState::Active && record.facts.kind == AccountKind::Human
}
