//! Keys with which programs act in an account's name: they go before the account does.

use std::collections::BTreeSet;

use crate::domain::account::Do;
use crate::domain::code;
use crate::domain::rows::Step;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::TenantSource;
use crate::engine::actuate::StepEnd;
use crate::provider::Order;
use crate::provider::Target;

/// How many keys one step takes away at most; those that are left are shown by the next read.
pub(super) const MOST_KEYS: usize = 20;

/// Which keys of an account a step has asked to be taken away.
#[derive(Debug, Default)]
pub(super) struct Keys(BTreeSet<String>);

impl Keys {
    /// The next key that goes before the account itself; each is asked for once. A list that cannot
    /// be read holds nothing up.
    pub(super) async fn first(
        &mut self,
        tenant: &TenantSource,
        target: &Target,
        does: Do,
    ) -> Option<Box<Order>> {
        if !does.is_step() || self.0.len() >= MOST_KEYS {
            return None;
        }
        let orders = tenant.adapter.revocations(target).await.ok()?;
        let mut orders = orders.into_iter();
        orders
            .find(|order| self.0.insert(order.request.path.clone()))
            .map(Box::new)
    }
}

impl Engine {
    /// Whether a step goes on after a key was asked to be taken away: also where that was refused,
    /// since the account itself matters more. Not while it is in doubt.
    pub(super) fn goes_on_without(&self, step: &Step, end: &StepEnd) -> Result<bool, EngineError> {
        let why = match end {
            StepEnd::Done | StepEnd::Already => return Ok(true),
            StepEnd::Refused(why) | StepEnd::Failed(why) => why,
            StepEnd::Unknown(_) | StepEnd::Withheld(_) | StepEnd::Stopped(_) => return Ok(false),
        };
        let name = self.called(&step.account)?;
        self.report.note(&format!(
            "{name}: an API key could not be taken away ({why}): {}",
            code::says(why.as_str())
        ));
        Ok(true)
    }
}
