//! One tenant of the estate with its adapter, made from the same exeunt.toml as the program's.

use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use chrono::Utc;
use exeunt::clock::Clock;
use exeunt::clock::SystemClock;
use exeunt::config::Config;
use exeunt::config::build;
use exeunt::domain::account::AccountKind;
use exeunt::domain::account::AccountRecord;
use exeunt::domain::account::AccountState;
use exeunt::domain::account::Protection;
use exeunt::domain::source::Verdict;
use exeunt::domain::time::Time;
use exeunt::domain::trust;
use exeunt::domain::trust::DropLimit;
use exeunt::domain::trust::Expectation;
use exeunt::provider::AccountsRead;
use exeunt::provider::KINDS;
use exeunt::provider::Provider;
use exeunt::provider::ProviderError;
use exeunt::provider::Successor;
use exeunt::provider::Target;
use exeunt::sandbox::estate::Rehearsal;
use exeunt::sandbox::estate::Setting;
use exeunt::sandbox::estate::Start;
use exeunt::sandbox::estate::TENANTS;
use exeunt::sandbox::population::Population;
use tempfile::TempDir;

use crate::provider::conformance::proxy::Proxy;

/// The tenants that have an adapter; `EXEUNT_ONLY=port` leaves out the others.
pub(crate) fn cases() -> Vec<(&'static str, Start)> {
    let only = std::env::var("EXEUNT_ONLY").ok();
    let has_adapter = |name: &str| KINDS.iter().any(|kind| kind.name == name);
    let mut cases = TENANTS.to_vec();
    cases.retain(|(name, _)| has_adapter(name) && only.as_deref().is_none_or(|o| o == *name));
    assert!(!cases.is_empty(), "no tenant has an adapter: {only:?}");
    cases
}

/// Each of them has to be here: one that is left out anywhere would be tried by no test.
#[test]
fn every_adapter_has_a_tenant_and_every_tenant_an_adapter() {
    let six = [
        "alteryx",
        "docspace",
        "huwise",
        "port",
        "projectplace",
        "scim",
    ];
    let mut tenants: Vec<_> = TENANTS.iter().map(|(name, _)| *name).collect();
    let mut kinds: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
    tenants.sort_unstable();
    kinds.sort_unstable();
    assert_eq!(tenants, six);
    assert_eq!(kinds, six);
    if std::env::var_os("EXEUNT_ONLY").is_none() {
        let mut cases: Vec<_> = cases().iter().map(|(name, _)| *name).collect();
        cases.sort_unstable();
        assert_eq!(cases, six);
    }
}

/// Which tenant, with whom, since when, and whether answers pass through a [`Proxy`].
pub(crate) struct Plan {
    pub(crate) start: Start,
    pub(crate) population: Population,
    pub(crate) now: Option<DateTime<Utc>>,
    pub(crate) proxied: bool,
    /// Further lines of `[[tenant]]`.
    pub(crate) extra: &'static str,
}

impl Plan {
    pub(crate) fn new(start: Start, population: Population) -> Self {
        Self {
            start,
            population,
            now: None,
            proxied: false,
            extra: "",
        }
    }

    pub(crate) fn proxied(self) -> Self {
        Self {
            proxied: true,
            ..self
        }
    }

    /// Reads are sent once: what fails, fails at once.
    pub(crate) fn hasty(self) -> Self {
        Self {
            extra: "attempts = 1\nrequest_limit_s = 5\n",
            ..self
        }
    }

    pub(crate) fn open(self) -> One {
        One::open(self)
    }
}

/// A running tenant and its adapter.
pub(crate) struct One {
    pub(crate) adapter: Box<dyn Provider>,
    pub(crate) proxy: Option<Proxy>,
    pub(crate) rehearsal: Rehearsal,
    pub(crate) population: Population,
    text: String,
    home: TempDir,
}

impl One {
    fn open(plan: Plan) -> Self {
        let setting = Setting {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            population: plan.population.clone(),
            now: plan.now,
        };
        let rehearsal = (plan.start)(&setting).unwrap();
        let proxy = plan.proxied.then(|| Proxy::before(&rehearsal.url));
        let mut text = rehearsal.toml("one") + plan.extra;
        if let Some(proxy) = &proxy {
            text = text.replace(&rehearsal.url, &proxy.url);
        }
        let home = tempfile::Builder::new().prefix("exp").tempdir().unwrap();
        for (name, secret) in rehearsal.files("one") {
            std::fs::write(home.path().join(name), secret).unwrap();
        }
        let adapter = adapter(home.path(), &text);
        Self {
            adapter,
            proxy,
            rehearsal,
            population: plan.population,
            text,
            home,
        }
    }

    /// Makes the adapter anew, as the next run of the program does.
    pub(crate) fn renew(&mut self) {
        self.adapter = adapter(self.home.path(), &self.text);
    }

    pub(crate) fn name(&self) -> &'static str {
        self.rehearsal.provider
    }

    pub(crate) fn now(&self) -> Time {
        Time::from_micros(self.rehearsal.control.now().timestamp_micros())
    }

    pub(crate) async fn read(&self) -> Result<AccountsRead, ProviderError> {
        self.adapter.accounts(&|_| {}).await
    }

    pub(crate) async fn listed(&self) -> Vec<AccountRecord> {
        match self.read().await {
            Ok(read) => read.accounts,
            Err(error) => panic!("{}: {error}", self.name()),
        }
    }

    /// Whom something can be done to, in the order of the list, and who takes over.
    pub(crate) async fn staff(&self) -> (Vec<AccountRecord>, Successor) {
        let listed = self.listed().await;
        let heir = heir(&listed);
        let plain = |a: &AccountRecord| {
            is_plain(a)
                && a.facts.managed_by.is_none()
                && a.facts.kind == AccountKind::Human
                && a.facts.state == AccountState::Active
                && a.id != heir.id
                && a.email.is_some()
        };
        (listed.into_iter().filter(plain).collect(), heir)
    }

    /// What is wanted of somebody, as the engine says it.
    pub(crate) fn target(&self, account: &AccountRecord, heir: &Successor) -> Target {
        Target {
            id: account.id.clone(),
            facts: Some(account.facts.clone()),
            successor: Some(heir.clone()),
            done: Vec::new(),
            released: std::collections::BTreeSet::new(),
        }
    }
}

/// Whether nothing but what the credential cannot see forbids to touch an account.
pub(crate) fn is_plain(account: &AccountRecord) -> bool {
    let mut protected = account.facts.protected.iter();
    protected.all(|p| *p == Protection::KeysUnseen)
}

/// An administrator who is not the credential's own user; else anybody who can be one.
fn heir(listed: &[AccountRecord]) -> Successor {
    let fits = |a: &&AccountRecord| {
        let protected = &a.facts.protected;
        a.facts.state == AccountState::Active
            && a.facts.kind == AccountKind::Human
            && a.email.is_some()
            && !protected.contains(&Protection::OwnCredential)
    };
    let admin = |a: &&AccountRecord| {
        a.facts.protected.contains(&Protection::Admin)
            || a.facts.protected.contains(&Protection::Owner)
    };
    let found = listed.iter().filter(fits).find(admin);
    let found = found.or_else(|| listed.iter().rfind(fits)).unwrap();
    Successor {
        id: found.id.clone(),
        email: found.email.clone(),
    }
}

fn adapter(home: &Path, text: &str) -> Box<dyn Provider> {
    let path = home.join("exeunt.toml");
    let head = "[ledger]\norigin = \"house.example/exeunt\"\nsandbox = true\n\n";
    std::fs::write(&path, format!("{head}{text}")).unwrap();
    let config = Config::load(&path).unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    build::tenant(&config, &config.tenant[0], &clock).unwrap()
}

/// How a list is judged of which so many were known and so many are missing.
pub(crate) fn judged(read: &AccountsRead, known: u64, missing: u64) -> Verdict {
    let limit = DropLimit {
        percent: 10,
        floor: 3,
    };
    let expected = Expectation {
        known,
        missing,
        limit,
        ..Expectation::default()
    };
    trust::judge(&read.proof, &expected).0
}

/// So many people, plain ones and of every sort, with a past.
pub(crate) fn people(accounts: usize) -> Population {
    Population::mixed(accounts, accounts)
}

pub(crate) fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}
