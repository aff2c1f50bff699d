//! The world as the engine sees it: its clock, directories, tenants and notices, with every fault.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use exeunt::clock::Clock;
use exeunt::directory;
use exeunt::directory::Directory;
use exeunt::directory::DirectoryError;
use exeunt::directory::PeopleRead;
use exeunt::domain::account::AccountFacts;
use exeunt::domain::account::AccountKind;
use exeunt::domain::account::AccountRecord;
use exeunt::domain::account::AccountState;
use exeunt::domain::account::Do;
use exeunt::domain::account::Sightings;
use exeunt::domain::account::Signal;
use exeunt::domain::person::PersonFacts;
use exeunt::domain::person::PersonRecord;
use exeunt::domain::source::ReadProof;
use exeunt::domain::source::ServerMark;
use exeunt::domain::source::SignalProof;
use exeunt::domain::time::Time;
use exeunt::ledger::LedgerError;
use exeunt::ledger::entropy::Entropy;
use exeunt::notify::Delivery;
use exeunt::notify::Notice;
use exeunt::notify::Notifier;
use exeunt::notify::NotifyError;
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
use crate::script::DirectoryFault;
use crate::script::Random;
use crate::script::TenantFault;
use crate::world::Account;
use crate::world::Call;
use crate::world::Entry;
use crate::world::TENANTS;
use crate::world::Warned;
use crate::world::World;

/// The world, shared by everything that looks at it.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    world: Arc<Mutex<World>>,
    /// The true time in microseconds; each look at a clock takes a millisecond.
    time: Arc<AtomicI64>,
    /// By how much our own clock is wrong.
    pub(crate) skew: Arc<AtomicI64>,
}

impl Shared {
    pub(crate) fn new(world: World, now: Time) -> Self {
        Self {
            world: Arc::new(Mutex::new(world)),
            time: Arc::new(AtomicI64::new(now.micros())),
            skew: Arc::new(AtomicI64::new(0)),
        }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    pub(crate) fn now(&self) -> Time {
        Time::from_micros(self.time.load(Ordering::SeqCst))
    }

    pub(crate) fn set(&self, now: Time) {
        self.time.store(now.micros(), Ordering::SeqCst);
    }

    /// Lets happen what comes between the reads and the calls of a run.
    fn midway(&self) {
        let now = self.now();
        let mut world = self.world();
        for event in std::mem::take(&mut world.midway) {
            world.happen(&event, now);
        }
    }
}

/// Our own clock.
impl Clock for Shared {
    fn now(&self) -> Time {
        let now = self.time.fetch_add(1000, Ordering::SeqCst);
        Time::from_micros(now + self.skew.load(Ordering::SeqCst))
    }

    fn is_moved(&self) -> bool {
        false
    }
}

/// Randomness that comes from the seed.
#[derive(Debug)]
pub(crate) struct Seeded(pub Mutex<Random>);

impl Entropy for Seeded {
    fn fill(&self, out: &mut [u8]) -> Result<(), LedgerError> {
        let mut random = self.0.lock().unwrap();
        for byte in out {
            *byte = random.next() as u8;
        }
        Ok(())
    }
}

fn digest<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    let all: Vec<&str> = parts.collect();
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, all.join("\n").as_bytes());
    use base64::Engine as _;
    format!("sha256:{}", base64::prelude::BASE64_STANDARD.encode(hash))
}

#[derive(Debug)]
pub(crate) struct SimDirectory {
    pub(crate) shared: Shared,
    pub(crate) which: usize,
}

impl SimDirectory {
    fn fault(&self) -> Option<DirectoryFault> {
        self.shared.world().directory_fault[self.which].map(|(fault, _)| fault)
    }

    fn unreachable(&self) -> DirectoryError {
        DirectoryError::Unreachable {
            at: "ldap://directory".to_owned(),
            when: "while connecting".to_owned(),
            source: "nobody answers".into(),
        }
    }

    /// What the directory holds now, as it shows it: entries, counter, when it was written.
    fn shown(&self, listed: bool) -> (Vec<Entry>, u64, Time) {
        let (now, fault) = (self.shared.now(), self.fault());
        let world = self.shared.world();
        let (mut written, mut change, mut entries) = match self.which {
            0 => (now, world.changes, world.entries(0, now)),
            _ => world.file.clone(),
        };
        let past = &world.past[self.which];
        let old = past.len().checked_sub(4).and_then(|i| past.get(i));
        if fault == Some(DirectoryFault::Stale)
            && listed
            && let Some(old) = old
        {
            (written, change, entries) = old.clone();
        }
        match fault {
            Some(DirectoryFault::Hidden) if entries.len() > 8 => {
                entries.truncate(entries.len() - 6)
            }
            Some(DirectoryFault::Gaps) if listed => {
                entries.truncate(entries.len().saturating_sub(2))
            }
            _ => {}
        }
        (entries, change, written)
    }
}

fn person(entry: &Entry) -> PersonRecord {
    PersonRecord {
        key: entry.key.clone(),
        mails: entry.mails.clone(),
        name: Some(entry.key.clone()),
        facts: PersonFacts::default(),
        ..PersonRecord::default()
    }
}

fn record(entry: &Entry, now: Time) -> PersonRecord {
    let mut record = person(entry);
    if entry.disabled_from.is_some_and(|from| from <= now) {
        record.facts.disabled_by = Some("userAccountControl".to_owned());
    }
    record.facts.leave_at = entry.leave_at;
    record
}

#[async_trait]
impl Directory for SimDirectory {
    async fn read(&self, _: &(dyn Fn(u64) + Send + Sync)) -> Result<PeopleRead, DirectoryError> {
        let now = self.shared.now();
        let (mut entries, change, written) = self.shown(true);
        let mut proof = ReadProof::default();
        match self.fault() {
            Some(DirectoryFault::Unreachable) => return Err(self.unreachable()),
            Some(DirectoryFault::Cut) => {
                return Err(DirectoryError::NotWhole {
                    at: "ldap://directory".to_owned(),
                    fault: "read.cut",
                    detail: "the connection was lost".to_owned(),
                });
            }
            Some(DirectoryFault::Empty) => entries.clear(),
            Some(DirectoryFault::WithoutKeys) => proof.without_key = 2,
            _ => {}
        }
        let other = self.fault() == Some(DirectoryFault::OtherServer);
        if self.which == 0 {
            proof.server = Some(ServerMark {
                name: if other { "dc2" } else { "dc1" }.to_owned(),
                database: Some(if other { "b" } else { "a" }.to_owned()),
                change: Some(change),
            });
        } else {
            proof.written_at = Some(written);
        }
        proof.identity = digest(["directory"].into_iter());
        proof.about = BTreeMap::from([("base".to_owned(), "dc=example".to_owned())]);
        proof.pages = 1;
        proof.count = entries.len() as u64;
        proof.digest = digest(entries.iter().map(|e| e.key.as_str()));
        let people = entries.iter().map(|e| record(e, now)).collect();
        Ok(PeopleRead { people, proof })
    }

    async fn look_up(&self, key: &str) -> Result<Option<PersonRecord>, DirectoryError> {
        let fault = self.fault();
        if matches!(
            fault,
            Some(DirectoryFault::Unreachable | DirectoryFault::LookUps)
        ) {
            return Err(self.unreachable());
        }
        let (entries, _, _) = self.shown(false);
        let now = self.shared.now();
        Ok(entries
            .iter()
            .find(|e| e.key == key)
            .map(|e| record(e, now)))
    }

    async fn clock(&self) -> Result<Option<Time>, DirectoryError> {
        Ok(None)
    }

    async fn check(&self) -> Vec<directory::Probe> {
        Vec::new()
    }

    fn lists_everybody(&self) -> bool {
        true
    }

    async fn written_at(&self) -> Result<Option<Time>, DirectoryError> {
        // a file is as old as its last read until somebody writes it anew
        Ok((self.which == 1).then(|| self.shown(false).2))
    }

    fn is_loopback(&self) -> bool {
        true
    }
}

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
        if std::mem::take(&mut self.shared.world().yields) {
            tokio::task::yield_now().await;
        }
        let fault = self.shared.world().call_fault.take();
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
    /// A request arrives: it is held against the truth, and does what it says.
    fn arrive(&self, id: &str, does: Do, effect: bool) {
        let now = self.shared.now();
        let mut world = self.shared.world();
        let Some(account) = world.by_id(self.which, id) else {
            world
                .broken
                .push(format!("{does:?} of an account that was never there: {id}"));
            return;
        };
        if let Err(why) = invariants::judge(&world, account, does, now) {
            world.broken.push(why);
        }
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

#[derive(Debug)]
pub(crate) struct SimNotifier(pub Shared);

#[async_trait]
impl Notifier for SimNotifier {
    fn channel(&self) -> &'static str {
        "file"
    }

    async fn send(&self, notice: &Notice) -> Result<Delivery, NotifyError> {
        let at = self.0.now();
        let mut world = self.0.world();
        if world.notices_fail > world.tick {
            return Err(NotifyError::File {
                at: "notices".to_owned(),
                source: std::io::Error::other("no room"),
            });
        }
        for account in &notice.accounts {
            debug_assert!(TENANTS.contains(&account.tenant.as_str()));
            world.warned.push(Warned {
                tenant: account.tenant.clone(),
                to: notice.to.clone(),
                at,
            });
        }
        Ok(Delivery::Written)
    }

    fn is_loopback(&self) -> bool {
        true
    }
}
