//! Where adapters and the ledger meet: observe, decide, actuate, replay.

pub mod actuate;
pub mod alerts;
pub mod approve;
pub mod before;
mod checkpoint;
pub mod clock;
pub mod command;
pub mod cut;
pub mod decide;
pub mod error;
pub mod facts;
pub mod findings;
pub mod hold;
pub mod leave;
pub mod leavers;
pub mod notice;
pub mod observe;
mod overtaken;
pub mod owned;
pub mod plan;
pub mod reopen;
pub mod replay;
pub mod report;
pub mod restore;
pub mod said;
pub mod settle;
pub mod succession;
pub mod survey;
pub mod tasks;
pub mod tell;
pub mod undelivered;
pub mod what_if;
pub mod who;
pub mod why;
pub mod why_not;
pub mod withdrawn;

mod accounts;
mod keys;
mod links;
mod look_up;
mod managers;
mod people;
mod protected;
mod run;
mod successor;

use std::sync::Arc;

use crate::clock::Clock;
use crate::config::Config;
use crate::config::Role;
use crate::config::build;
use crate::config::mistake::Mistake;
use crate::directory::Directory;
use crate::domain::id::Email;
use crate::domain::id::SourceName;
use crate::domain::policy::Capabilities;
use crate::domain::time::Time;
use crate::engine::report::Report;
use crate::ledger::Ledger;
use crate::notify::Notifier;
use crate::provider::Provider;

pub use error::EngineError;
pub use run::Run;

/// One configured directory with its adapter.
#[derive(Debug)]
pub struct DirectorySource {
    /// Its name.
    pub name: SourceName,
    /// The kind of adapter, as entries record it.
    pub adapter_name: &'static str,
    /// Reads it.
    pub adapter: Box<dyn Directory>,
    /// Whether its word on who has left counts.
    pub authoritative: bool,
    /// What must be seen in every read: an address, a key, or a part of a distinguished name.
    pub canaries: Vec<String>,
    /// What must not be seen in any read, named likewise.
    pub forbidden: Vec<String>,
    /// After how many days a file that nobody has written anew is not believed any more.
    pub max_age_days: Option<u64>,
}

impl DirectorySource {
    /// Whether what was written at `written` is older than it may be at `now`.
    pub fn is_stale(&self, written: Option<Time>, now: Time) -> bool {
        match (written, self.max_age_days) {
            (Some(written), Some(days)) => {
                let limit = i64::try_from(days).unwrap_or(i64::MAX);
                now > written.plus_days(limit)
            }
            _ => false,
        }
    }
}

/// One configured tenant with its adapter.
#[derive(Debug)]
pub struct TenantSource {
    /// Its name.
    pub name: SourceName,
    /// Where it is, as configured.
    pub address: String,
    /// Reads and changes it.
    pub adapter: Box<dyn Provider>,
    /// Addresses that are never touched; if they leave, they are shown as still in.
    pub protect: Vec<Email>,
    /// Addresses of accounts that machines use.
    pub service_accounts: Vec<Email>,
    /// Whether naming those has lifted a protection there.
    pub machines_named: bool,
    /// The address of who takes over what removed accounts own.
    pub successor: Option<Email>,
}

impl TenantSource {
    /// What it can do, as the rules need it.
    pub fn capabilities(&self) -> Capabilities {
        Capabilities {
            can: self.adapter.kind().steps.iter().map(|s| s.does).collect(),
        }
    }
}

/// Everything that a command works with.
#[derive(Debug)]
pub struct Engine {
    /// The configuration.
    pub config: Config,
    /// The ledger with its vault.
    pub ledger: Ledger,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The directories, in the order of the configuration.
    pub directories: Vec<DirectorySource>,
    /// The tenants, in the order of the configuration.
    pub tenants: Vec<TenantSource>,
    /// How people are warned.
    pub notifier: Box<dyn Notifier>,
    /// Who is told how it goes.
    pub report: Arc<dyn Report>,
}

impl Engine {
    /// Makes the adapters of a configuration around an open ledger.
    pub fn new(
        config: Config,
        ledger: Ledger,
        clock: Arc<dyn Clock>,
        report: Arc<dyn Report>,
    ) -> Result<Self, Mistake> {
        let (directories, tenants) = sources(&config, &clock)?;
        let notifier = crate::config::notices::notifier(&config)?;
        Ok(Self {
            config,
            ledger,
            clock,
            directories,
            tenants,
            notifier,
            report,
        })
    }

    /// The directory with this name.
    pub fn directory(&self, name: &SourceName) -> Option<&DirectorySource> {
        self.directories.iter().find(|d| d.name == *name)
    }

    /// The tenant with this name.
    pub fn tenant(&self, name: &SourceName) -> Option<&TenantSource> {
        self.tenants.iter().find(|t| t.name == *name)
    }
}

/// Makes the adapters of a configuration; contacts nobody.
pub fn sources(
    config: &Config,
    clock: &Arc<dyn Clock>,
) -> Result<(Vec<DirectorySource>, Vec<TenantSource>), Mistake> {
    let mut directories = Vec::new();
    for of in &config.directory {
        directories.push(DirectorySource {
            name: SourceName::new(&of.name),
            adapter_name: build::directory_adapter(of.kind),
            adapter: build::directory(config, of)?,
            authoritative: of.role == Role::Authoritative,
            canaries: of.canaries.clone(),
            forbidden: of.forbidden.clone(),
            max_age_days: of.max_age_days,
        });
    }
    let mut tenants = Vec::new();
    for of in &config.tenant {
        tenants.push(TenantSource {
            name: SourceName::new(&of.name),
            address: of.url.clone(),
            adapter: build::tenant(config, of, clock)?,
            protect: build::protected(config, of)?,
            service_accounts: build::service_accounts(config, of)?,
            machines_named: crate::config::policy::machines_named(of),
            successor: build::successor(config, of)?,
        });
    }
    Ok((directories, tenants))
}
