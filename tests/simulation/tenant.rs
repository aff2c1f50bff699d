//! A tenant as the engine sees it, with every fault.

use std::collections::BTreeMap;

use async_trait::async_trait;
use exeunt::domain::account::AccountFacts;
use exeunt::domain::account::AccountKind;
use exeunt::domain::account::AccountRecord;
use exeunt::domain::account::AccountState;
use exeunt::domain::account::Do;
use exeunt::domain::account::Sightings;
use exeunt::domain::account::Signal;
use exeunt::domain::source::ReadProof;
use exeunt::domain::source::SignalProof;
use exeunt::domain::time::Time;
use exeunt::provider;
use exeunt::provider::AccountsRead;
use exeunt::provider::ActivityRead;
use exeunt::provider::Answer;
use exeunt::provider::AnswerVerdict;
use exeunt::provider::Next;
use exeunt::provider::Order;
use exeunt::provider::Provider;
use exeunt::provider::ProviderError;
use exeunt::provider::Target;

use crate::invariants;
use crate::script::CallFault;
use crate::script::TenantFault;
use crate::shared::Shared;
use crate::shared::digest;
use crate::world::Account;
use crate::world::Call;

#[derive(Debug)]
pub(crate) struct SimTenant {
    pub(crate) shared: Shared,
    pub(crate) which: usize,
}

impl SimTenant {
    fn fault(&self) -> Option<TenantFault> {
        self.shared.world().tenant_fault[self.which].map(|(fault, _)| fault)
    }

    fn unreachable(&self) -> ProviderError {
        ProviderError::Unreachable {
            at: "https://tenant".to_owned(),
            what: "nobody answers".to_owned(),
        }
    }
}

fn facts(account: &Account) -> AccountFacts {
    AccountFacts {
        live_keys: 0,
        no_heir: false,
        state: account.state,
        kind: AccountKind::Human,
        protected: account.protected.clone(),
        managed_by: None,
        created_at: Some(account.created),
        address_verified: account.state != AccountState::Invited,
        hidden: Default::default(),
        future: Default::default(),
    }
}

fn account_record(account: &Account) -> AccountRecord {
    AccountRecord {
        live_keys: None,
        id: account.id.clone(),
        email: Some(account.mail.clone()),
        name: Some(account.id.clone()),
        external_id: None,
        employee_number: None,
        seen: BTreeMap::new(),
        facts: facts(account),
    }
}

#[async_trait]
impl Provider for SimTenant {
    fn kind(&self) -> &'static provider::Kind {
        &provider::docspace::KIND
    }

    async fn clock(&self) -> Result<Option<Time>, ProviderError> {
        match self.fault() {
            Some(TenantFault::Unreachable) => Err(self.unreachable()),
            _ => Ok(Some(self.shared.now())),
        }
    }

    async fn accounts(
        &self,
        _: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<AccountsRead, ProviderError> {
        let fault = self.fault();
        if let Some(fault) = fault {
            self.shared.world().meet_fault("tenant", fault);
        }
        match fault {
            Some(TenantFault::Unreachable) => return Err(self.unreachable()),
            Some(TenantFault::Refused) => {
                return Err(ProviderError::Credentials {
                    at: "https://tenant".to_owned(),
                });
            }
            Some(TenantFault::Short) => {
                return Err(ProviderError::NotWhole {
                    at: "https://tenant".to_owned(),
                    fault: "read.short",
                    detail: "fewer than it says".to_owned(),
                });
            }
            _ => {}
        }
        let world = self.shared.world();
        let own = world
            .accounts
            .iter()
            .filter(|a| a.tenant == self.which && !a.gone);
        let mut accounts: Vec<_> = own.map(account_record).collect();
        accounts.sort_by(|a, b| a.id.cmp(&b.id));
        match fault {
            Some(TenantFault::Empty) => accounts.clear(),
            Some(TenantFault::Hidden) => accounts.truncate(accounts.len().saturating_sub(4)),
            _ => {}
        }
        let proof = ReadProof {
            identity: digest(["tenant"].into_iter()),
            pages: 1,
            count: accounts.len() as u64,
            digest: digest(accounts.iter().map(|a| a.id.as_str())),
            ..ReadProof::default()
        };
        Ok(AccountsRead {
            accounts,
            proof,
            signals: Vec::new(),
        })
    }

    async fn activity(
        &self,
        known: &[SignalProof],
        now: Time,
        _: &(dyn Fn(u64) + Send + Sync),
    ) -> ActivityRead {
        let known = known.iter().find(|k| k.signal == Signal::Login);
        let mut proof = SignalProof {
            signal: Signal::Login,
            complete: true,
            fault: None,
            horizon: known.and_then(|k| k.horizon).or(Some(now.plus_days(-180))),
            until: Some(now),
            precision_s: Some(86_400),
            watermark: None,
            pages: 1,
            events: 1,
        };
        let fault = self.fault();
        let world = self.shared.world();
        if let Some(TenantFault::LogFailed | TenantFault::LogDowngraded) = fault {
            proof.complete = false;
            let downgraded = fault == Some(TenantFault::LogDowngraded);
            let code = if downgraded {
                "activity.downgraded"
            } else {
                "read.unreachable"
            };
            proof.fault = Some(code.to_owned());
            proof.horizon = known.and_then(|k| k.horizon);
            proof.until = known.and_then(|k| k.until);
            proof.watermark = known.and_then(|k| k.watermark);
            return ActivityRead {
                signals: vec![proof],
                seen: BTreeMap::new(),
            };
        }
        let from = known.and_then(|k| k.watermark).unwrap_or(0);
        proof.watermark = Some(world.events[self.which]);
        let mut seen = BTreeMap::new();
        for account in world
            .accounts
            .iter()
            .filter(|a| a.tenant == self.which && a.event > from)
        {
            let newest = account.newest;
            let day = newest.map(|at| (at.day(), 1));
            let sightings = Sightings {
                newest,
                days: day.into_iter().collect(),
            };
            seen.insert(account.id.clone(), sightings);
        }
        ActivityRead {
            signals: vec![proof],
            seen: BTreeMap::from([(Signal::Login, seen)]),
        }
    }

    async fn account(&self, id: &str) -> Result<Option<AccountRecord>, ProviderError> {
        self.shared.midway();
        if matches!(
            self.fault(),
            Some(TenantFault::Unreachable | TenantFault::Single)
        ) {
            return Err(self.unreachable());
        }
        let world = self.shared.world();
        let found = world.by_id(self.which, id).map(|a| &world.accounts[a]);
        Ok(found.filter(|a| !a.gone).map(account_record))
    }

    async fn prepare(&self, target: &Target, wanted: Do) -> Result<Next, ProviderError> {
        let active = target
            .facts
            .as_ref()
            .is_some_and(|f| f.state != AccountState::Disabled);
        let does = match wanted {
            Do::Remove if active => Do::Disable,
            other => other,
        };
        let request =
            exeunt::http::Request::new(reqwest::Method::PUT, format!("people/{}", target.id));
        Ok(Next::Send(Box::new(Order::new(
            does,
            "change",
            "people/{id}",
            request,
        ))))
    }

    async fn execute(&self, target: &Target, order: &Order) -> Answer {
        self.judge(&target.id, order.does);
        if std::mem::take(&mut self.shared.world().yields) {
            tokio::task::yield_now().await;
        }
        let fault = self.shared.world().call_fault.take();
        if let Some(fault) = fault {
            self.shared.world().meet_fault("request", fault);
        }
        if fault == Some(CallFault::KilledBefore) {
            self.shared.world().killed = true;
            std::future::pending::<()>().await;
        }
        let arrives = !matches!(fault, Some(CallFault::Failed | CallFault::LostBefore));
        if arrives {
            self.arrive(&target.id, order.does, fault != Some(CallFault::Refused));
        }
        if fault == Some(CallFault::KilledAfter) {
            self.shared.world().killed = true;
            std::future::pending::<()>().await;
        }
        let (verdict, status, code) = match fault {
            Some(CallFault::Refused) => (AnswerVerdict::Refused, Some(403), "call.refused"),
            Some(CallFault::Failed) => (AnswerVerdict::Failed, Some(429), "call.rate-limited"),
            Some(_) => (AnswerVerdict::Unknown, None, "call.lost"),
            None => (AnswerVerdict::Done, Some(200), "call.done"),
        };
        Answer {
            verdict,
            status,
            code,
            body: String::new(),
            request_id: None,
        }
    }

    fn shows(&self, facts: Option<&AccountFacts>, wanted: Do) -> bool {
        match (facts, wanted) {
            (None, wanted) => wanted == Do::Remove,
            (Some(facts), Do::Disable) => facts.state == AccountState::Disabled,
            (Some(facts), Do::Restore) => facts.state != AccountState::Disabled,
            (Some(_), _) => false,
        }
    }

    fn request_limit_s(&self) -> u64 {
        60
    }

    async fn check(&self) -> Vec<provider::Probe> {
        Vec::new()
    }

    fn is_loopback(&self) -> bool {
        true
    }
}

impl SimTenant {
    /// A request is about to be sent: it is held against the truth. What somebody says while it is
    /// under way comes too late for it.
    fn judge(&self, id: &str, does: Do) {
        let now = self.shared.now();
        let mut world = self.shared.world();
        let Some(account) = world.by_id(self.which, id) else {
            world
                .broken
                .push(format!("{does:?} of an account that was never there: {id}"));
            return;
        };
        let held = invariants::held(&world, account, does, now);
        let right = held.and_then(|()| invariants::judge(&world, account, does, now));
        world.broken.extend(right.err());
    }

    /// A request arrives, and does what it says.
    fn arrive(&self, id: &str, does: Do, effect: bool) {
        let now = self.shared.now();
        let mut world = self.shared.world();
        let Some(account) = world.by_id(self.which, id) else {
            return;
        };
        world.calls.push(Call {
            account,
            does,
            took_effect: effect,
        });
        if !effect {
            return;
        }
        let account = &mut world.accounts[account];
        match does {
            Do::Disable => {
                account.state = AccountState::Disabled;
                account.disabled_at = account.disabled_at.or(Some(now));
            }
            Do::Restore => {
                account.state = AccountState::Active;
                account.disabled_at = None;
            }
            _ => account.gone = true,
        }
    }
}
