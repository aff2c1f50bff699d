//! Protected addresses that belong to nobody.

use std::collections::BTreeMap;

use crate::domain::id::Email;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::rows::AccountRow;
use crate::domain::rows::Kind;
use crate::domain::rows::When;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::TenantSource;
use crate::ledger::vault::Profile;

impl Engine {
    /// The protected addresses that no account of their tenant has now, for a policy that clears
    /// out everyone; none for any other policy.
    pub fn unmatched_for(&self, policy: &str) -> Result<Vec<(SourceName, String)>, EngineError> {
        let adopted = self.adopted_policy()?;
        let Some((_, set)) = adopted else {
            return Ok(Vec::new());
        };
        let Some(policy) = set.policy(policy).filter(|p| p.when == When::Everyone) else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        for tenant in &self.tenants {
            if policy.among.covers_tenant(&tenant.name) {
                let own = self.unmatched(tenant)?;
                found.extend(own.into_iter().map(|a| (tenant.name.clone(), a)));
            }
        }
        Ok(found)
    }

    /// Whether a tenant has protected addresses that belong to nobody; asked once for each.
    pub(super) fn has_unmatched(
        &self,
        tenant: &SourceName,
        known: &mut BTreeMap<SourceName, bool>,
    ) -> Result<bool, EngineError> {
        if let Some(known) = known.get(tenant) {
            return Ok(*known);
        }
        let has = match self.tenant(tenant) {
            Some(source) => !self.unmatched(source)?.is_empty(),
            None => false,
        };
        known.insert(tenant.clone(), has);
        Ok(has)
    }

    /// The protected addresses that no account of a tenant has now.
    fn unmatched(&self, tenant: &TenantSource) -> Result<Vec<String>, EngineError> {
        let mut unmatched = Vec::new();
        for address in &tenant.protect {
            if self.accounts_with(&tenant.name, address)?.is_empty() {
                unmatched.push(address.as_str().to_owned());
            }
        }
        Ok(unmatched)
    }

    /// The accounts of a tenant that have an address now, each once.
    pub(super) fn accounts_with(
        &self,
        tenant: &SourceName,
        address: &Email,
    ) -> Result<Vec<Subject>, EngineError> {
        let view = self.ledger.view()?;
        let mut found = Vec::new();
        for sub in self.ledger.vault()?.find_address(address)? {
            let row: Option<AccountRow> = view.row(Kind::Account, sub.as_str())?;
            let own = row.is_some_and(|r| r.tenant == *tenant && r.gone.is_none());
            let profile = self.profile(&sub)?;
            let now = profile.first(Profile::MAIL).and_then(Email::parse);
            if own && now.as_ref() == Some(address) {
                found.push(sub);
            }
        }
        found.sort();
        found.dedup();
        Ok(found)
    }
}
