//! People from an LDAP server, keyed by `entryUUID` (RFC 4530), on Active Directory by `objectGUID`.
//!
//! A read is believed only if every page came to its regular end with result 0 and the paging
//! control of each answer says so, the last one that there is no more. Referrals are counted and
//! not followed. Entries without key are counted, which the caller judges.

mod active_directory;
mod connection;
mod failure;
mod groups;
mod logins;
mod look_up;
mod name;
mod open;
mod person;
mod probes;
mod search;
mod servers;
mod settings;
mod tombstones;
mod walk;

use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use ldap3::Scope;
use uuid::Uuid;

pub use crate::directory::ldap::settings::BindPassword;
pub use crate::directory::ldap::settings::Flavor;
pub use crate::directory::ldap::settings::LdapLimits;
pub use crate::directory::ldap::settings::LdapSettings;
pub use crate::directory::ldap::settings::LdapSignals;

use crate::directory::Directory;
use crate::directory::DirectoryError;
use crate::directory::PeopleRead;
use crate::directory::Probe;
use crate::directory::ldap::connection::Connection;
use crate::directory::ldap::connection::Search;
use crate::directory::ldap::search::Answer;
use crate::directory::with_causes;
use crate::domain::person::PersonRecord;
use crate::domain::time::Time;

/// Any entry at all.
const ANYTHING: &str = "(objectClass=*)";

/// A directory on an LDAP server.
#[derive(Debug, Clone)]
pub struct LdapDirectory {
    settings: LdapSettings,
    tls: Option<Arc<rustls::ClientConfig>>,
    /// What is asked of a person's entry.
    attributes: Vec<String>,
}

impl LdapDirectory {
    /// Takes the settings and reads the CA file; errors if they cannot work or would send the
    /// password in the clear. Nothing is sent.
    pub fn new(settings: LdapSettings) -> Result<Self, DirectoryError> {
        settings::check(&settings)?;
        let encrypted = settings.starttls || settings.urls.iter().any(|u| u.scheme() == "ldaps");
        let tls = if encrypted {
            let config = crate::tls::client_config(settings.ca_file.as_deref()).map_err(|e| {
                DirectoryError::Configuration {
                    what: format!("directory {}: {}", settings.name, with_causes(&e)),
                }
            })?;
            Some(Arc::new(config))
        } else {
            None
        };
        let attributes = attributes(&settings);
        Ok(Self {
            settings,
            tls,
            attributes,
        })
    }

    /// The attributes that are asked of a person's entry.
    pub fn asked(&self) -> &[String] {
        &self.attributes
    }

    fn wanted(&self) -> Vec<&str> {
        self.attributes.iter().map(String::as_str).collect()
    }

    fn wanted_of_deleted(&self) -> Vec<&str> {
        let mut wanted = self.wanted();
        wanted.push(active_directory::CHANGES);
        wanted
    }

    /// Runs work under the deadline for a whole read.
    async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, DirectoryError>> + Send,
    ) -> Result<T, DirectoryError> {
        let limit = self.settings.limits.whole;
        match tokio::time::timeout(limit, work).await {
            Ok(result) => result,
            Err(_) => Err(failure::overdue(&self.servers(), limit)),
        }
    }

    /// Searches without pages, and takes only an answer that ended with success.
    async fn ask(
        &self,
        connection: &mut Connection,
        base: &str,
        scope: Scope,
        filter: &str,
        attributes: &[&str],
    ) -> Result<Answer, DirectoryError> {
        let wanted = Search {
            base,
            scope,
            filter,
            attributes,
            controls: &[],
            page: None,
            at_most: 0,
            when: "while asking for one entry".to_owned(),
        };
        let answer = connection.search(&wanted).await?;
        if answer.code == 0 {
            return Ok(answer);
        }
        Err(failure::searching(
            &connection.at,
            base,
            &wanted.when,
            answer.code,
        ))
    }
}

#[async_trait]
impl Directory for LdapDirectory {
    async fn read(
        &self,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<PeopleRead, DirectoryError> {
        self.in_time(self.first_that_answers(|url| self.read_from(url, progress)))
            .await
    }

    async fn look_up(&self, key: &str) -> Result<Option<PersonRecord>, DirectoryError> {
        let key = Uuid::parse_str(key).map_err(|_| DirectoryError::Configuration {
            what: format!(
                "directory {} knows people by {}, and the key to look up is none; was it another \
                 kind before?",
                self.settings.name,
                self.key_name()
            ),
        })?;
        self.in_time(self.first_that_answers(|url| self.look_up_at(url, &key)))
            .await
    }

    async fn clock(&self) -> Result<Option<Time>, DirectoryError> {
        let asked = self.first_that_answers(async |url| {
            let mut connection = self.bound(url).await?;
            let root = self.root_entry(&mut connection).await?;
            connection.close().await;
            Ok(root.time)
        });
        self.in_time(asked).await
    }

    async fn check(&self) -> Vec<Probe> {
        match self.in_time(async { Ok(self.probe().await) }).await {
            Ok(probes) => probes,
            Err(error) => vec![Probe::bad("people", &error)],
        }
    }

    fn lists_everybody(&self) -> bool {
        true
    }

    fn is_loopback(&self) -> bool {
        self.settings.urls.iter().all(settings::is_loopback)
    }
}

/// What is asked of a person's entry: what the product has, and what the configuration names.
fn attributes(settings: &LdapSettings) -> Vec<String> {
    let own = match settings.flavor {
        Flavor::ActiveDirectory => active_directory::ATTRIBUTES,
        Flavor::OpenLdap => open::OPENLDAP,
        Flavor::Ds389 => open::DS389,
        Flavor::Generic => open::GENERIC,
    };
    let mut attributes: Vec<String> = own.iter().map(|name| (*name).to_owned()).collect();
    let signals = &settings.signals;
    let exact = signals.exact_last_login.then_some("lastLogon");
    let rules = signals.left_when.iter().map(|rule| rule.attribute.as_str());
    for name in rules.chain(signals.leave_date.as_deref()).chain(exact) {
        if !attributes
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name))
        {
            attributes.push(name.to_owned());
        }
    }
    attributes
}

fn no_right(at: &str, what: &str) -> DirectoryError {
    DirectoryError::Rights {
        at: at.to_owned(),
        what: what.to_owned(),
    }
}
