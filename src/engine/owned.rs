//! What the accounts of a plan own, for those who look at it.

use std::collections::BTreeMap;

use crate::domain::account::Do;
use crate::domain::id::Subject;
use crate::domain::rows::StepRow;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::provider::Owned;

/// How many accounts are asked about for one plan; each is a request or two.
const MOST: usize = 200;

/// What accounts own, and about whom nothing could be learnt.
#[derive(Debug, Default)]
pub struct Belongings {
    /// By account; those that own nothing are there with an empty list.
    pub of: BTreeMap<Subject, Vec<Owned>>,
    /// Accounts about which the tenant could not be asked, with the reason.
    pub unread: Vec<(Subject, String)>,
}

impl Belongings {
    /// What one account owns by kind and number: `2 teams, 1 workspace`.
    pub fn counted(&self, account: &Subject) -> String {
        let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
        for one in self.of.get(account).into_iter().flatten() {
            *kinds.entry(&one.kind).or_default() += 1;
        }
        let plural = |n: u64| if n == 1 { "" } else { "s" };
        let counts: Vec<_> = kinds
            .iter()
            .map(|(kind, n)| format!("{n} {kind}{}", plural(*n)))
            .collect();
        counts.join(", ")
    }
}

impl Engine {
    /// Asks the tenants what the accounts own that are to be removed.
    pub async fn belongings(&self, steps: &[StepRow]) -> Result<Belongings, EngineError> {
        let mut found = Belongings::default();
        let removed = steps.iter().filter(|s| s.step.does == Do::Remove);
        for (number, step) in removed.enumerate() {
            let account = &step.step.account;
            if number >= MOST {
                let why = format!("only the first {MOST} accounts of a plan are asked about");
                found.unread.push((account.clone(), why));
                continue;
            }
            let (Some(tenant), Some(id)) =
                (self.tenant(&step.step.tenant), self.account_id(account)?)
            else {
                continue;
            };
            match tenant.adapter.owned(&id).await {
                Ok(owned) => {
                    found.of.insert(account.clone(), owned);
                }
                Err(error) => found.unread.push((account.clone(), error.to_string())),
            }
        }
        Ok(found)
    }
}
