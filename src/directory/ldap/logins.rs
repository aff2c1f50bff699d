//! What controllers of Active Directory know of logins.
//!
//! `lastLogonTimestamp` is on every controller, and written only when it is older than some days.
//! `lastLogon` is exact, and each controller knows its own alone: only all of them together say
//! when somebody logged in last.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use ldap3::Scope;
use url::Url;
use uuid::Uuid;

use crate::directory::DirectoryError;
use crate::directory::ldap::LdapDirectory;
use crate::directory::ldap::active_directory;
use crate::directory::ldap::connection::Connection;
use crate::directory::ldap::servers::RootEntry;
use crate::directory::ldap::settings;
use crate::directory::ldap::walk::Part;
use crate::domain::person::PersonRecord;
use crate::domain::time::Time;

const DAY_S: u64 = 86_400;

/// How late `lastLogonTimestamp` is written if the domain does not say so
/// (msDS-LogonTimeSyncInterval).
const USUAL_DAYS: u64 = 14;

/// Controllers of a domain, writable and read-only ones.
const CONTROLLERS: &str = "(&(objectClass=computer)\
                           (|(userAccountControl:1.2.840.113556.1.4.803:=8192)\
                           (userAccountControl:1.2.840.113556.1.4.803:=67108864)))";

/// Logins as all controllers together know them.
#[derive(Debug, Default)]
pub(super) struct Logins {
    /// The newest login of each key that another controller than the one that is read knows.
    newest: BTreeMap<String, Time>,
    precision_s: u64,
    /// For the proof: `exact`, `replicated`, or why it is not exact; none where nobody knows.
    pub(super) says: Option<String>,
}

impl Logins {
    /// Puts the newest login into a person.
    pub(super) fn apply(&self, key: &str, person: &mut PersonRecord) {
        person.last_login = person.last_login.max(self.newest.get(key).copied());
        person.login_precision_s = person.last_login.map_or(0, |_| self.precision_s);
    }
}

impl LdapDirectory {
    /// Asks for logins as precisely as it is configured: of everybody, or of one.
    pub(super) async fn logins(
        &self,
        connection: &mut Connection,
        root: &RootEntry,
        one: Option<&Uuid>,
    ) -> Result<Logins, DirectoryError> {
        let context = root.context_of(&self.settings.base);
        let interval = self
            .peek(connection, context, "msDS-LogonTimeSyncInterval")
            .await?
            .and_then(|e| e.text(&["msDS-LogonTimeSyncInterval"]))
            .and_then(|text| text.parse::<u64>().ok());
        let replicated_s = interval.unwrap_or(USUAL_DAYS).saturating_mul(DAY_S);
        let mut logins = Logins {
            newest: BTreeMap::new(),
            precision_s: replicated_s,
            says: Some("replicated".to_owned()),
        };
        if !self.settings.signals.exact_last_login {
            return Ok(logins);
        }
        let controllers = self.controllers(connection, context).await?;
        let mut answered = BTreeSet::new();
        answered.extend(root.host.as_ref().map(|host| host.to_ascii_lowercase()));
        let mut silent = 0;
        for url in &self.settings.urls {
            if settings::shown(url) == connection.at {
                continue;
            }
            match self.logins_of(url, one).await {
                Ok((host, known)) => {
                    answered.extend(host.map(|host| host.to_ascii_lowercase()));
                    for (key, time) in known {
                        let newest = logins.newest.entry(key).or_insert(time);
                        *newest = time.max(*newest);
                    }
                }
                // Wrong passwords lock accounts: nobody else is asked.
                Err(DirectoryError::Credentials { .. }) => {
                    silent += 1;
                    break;
                }
                Err(_) => silent += 1,
            }
        }
        let all = silent == 0 && !controllers.is_empty() && controllers.is_subset(&answered);
        if all {
            // Whoever is logged in stays so for about a day without asking a controller again.
            logins.precision_s = DAY_S;
            logins.says = Some("exact".to_owned());
        } else {
            logins.says = Some(format!(
                "replicated: {} of {} controllers said what they know",
                answered.len(),
                controllers.len().max(answered.len() + silent)
            ));
        }
        Ok(logins)
    }

    /// The names of the domain's controllers, as far as they may be seen.
    async fn controllers(
        &self,
        connection: &mut Connection,
        context: &str,
    ) -> Result<BTreeSet<String>, DirectoryError> {
        let answer = self
            .ask(
                connection,
                context,
                Scope::Subtree,
                CONTROLLERS,
                &["dNSHostName"],
            )
            .await?;
        // One without a name is one that cannot be known to have answered.
        let names = answer.entries.iter().map(|entry| {
            let name = entry.attributes.text(&["dNSHostName"]);
            name.unwrap_or_else(|| entry.dn.clone())
                .to_ascii_lowercase()
        });
        Ok(names.collect())
    }

    /// What one controller knows itself, with its name.
    async fn logins_of(
        &self,
        url: &Url,
        one: Option<&Uuid>,
    ) -> Result<(Option<String>, BTreeMap<String, Time>), DirectoryError> {
        let mut connection = self.bound(url).await?;
        let root = self.root_entry(&mut connection).await?;
        let mut known = BTreeMap::new();
        for part in self.live_parts() {
            let filter = match one {
                Some(key) => active_directory::with_guid(key),
                None => part.filter.clone(),
            };
            let part = Part { filter, ..part };
            let at = connection.at.clone();
            self.walk(
                &mut connection,
                &part,
                &["objectGUID", "lastLogon"],
                &mut |entries| {
                    for entry in entries {
                        let time = active_directory::moment(&entry.attributes, "lastLogon")
                            .map_err(|bad| DirectoryError::Unreadable {
                                at: at.clone(),
                                what: format!("{} {}", bad.name, bad.what),
                            })?;
                        let key = active_directory::guid(&entry.attributes);
                        known.extend(key.zip(time));
                    }
                    Ok(())
                },
            )
            .await?;
        }
        connection.close().await;
        Ok((root.host, known))
    }
}
