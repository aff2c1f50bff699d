//! People from an LDAP server, keyed by `entryUUID` (RFC 4530).
//!
//! A read is believed only if every page came to its regular end with result 0 and the paging
//! control of each answer says so, the last one that there is no more. Referrals are counted and
//! not followed. Servers without `entryUUID` give entries without key, which the caller judges.

mod connection;
mod failure;
mod search;
mod settings;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Place;
use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use ldap3::Scope;
use uuid::Uuid;

pub use crate::directory::ldap::settings::BindPassword;
pub use crate::directory::ldap::settings::Flavor;
pub use crate::directory::ldap::settings::LdapLimits;
pub use crate::directory::ldap::settings::LdapSettings;

use crate::directory::Directory;
use crate::directory::DirectoryError;
use crate::directory::PeopleRead;
use crate::directory::Probe;
use crate::directory::ProbeState;
use crate::directory::ldap::connection::Connection;
use crate::directory::ldap::connection::Search;
use crate::directory::ldap::search::Answer;
use crate::directory::ldap::search::Entry;
use crate::directory::ldap::search::Paging;
use crate::directory::moment;
use crate::directory::proof;
use crate::directory::with_causes;
use crate::domain::person::PersonRecord;
use crate::domain::source::ReadProof;
use crate::domain::time::Time;

/// Any entry at all.
const ANYTHING: &str = "(objectClass=*)";

/// Operational attributes come only if they are asked for by name (RFC 4511, 4.5.1.8).
const OPENLDAP: &[&str] = &[
    "entryUUID",
    "uid",
    "cn",
    "displayName",
    "mail",
    "employeeNumber",
    "pwdAccountLockedTime",
    "pwdStartTime",
    "pwdEndTime",
];

/// As [`OPENLDAP`], with the lock of 389 Directory Server and FreeIPA.
const GENERIC: &[&str] = &[
    "entryUUID",
    "uid",
    "cn",
    "displayName",
    "mail",
    "employeeNumber",
    "pwdAccountLockedTime",
    "pwdStartTime",
    "pwdEndTime",
    "nsAccountLock",
];

/// Attributes of password policies, one of which a person usually has.
const POLICY: &[&str] = &[
    "pwdChangedTime",
    "pwdAccountLockedTime",
    "pwdStartTime",
    "pwdEndTime",
    "pwdLastSuccess",
    "nsAccountLock",
];

/// A directory on an LDAP server.
#[derive(Debug, Clone)]
pub struct LdapDirectory {
    settings: LdapSettings,
    tls: Option<Arc<rustls::ClientConfig>>,
}

/// What the server says about itself.
#[derive(Debug, Default)]
struct RootEntry {
    vendor: String,
    version: String,
    contexts: Vec<String>,
    time: Option<Time>,
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
        Ok(Self { settings, tls })
    }

    fn attributes(&self) -> &'static [&'static str] {
        match self.settings.flavor {
            Flavor::OpenLdap => OPENLDAP,
            Flavor::Generic | Flavor::ActiveDirectory | Flavor::Ds389 => GENERIC,
        }
    }

    /// The configured servers as one text.
    fn servers(&self) -> String {
        let servers: Vec<String> = self.settings.urls.iter().map(settings::shown).collect();
        servers.join(" ")
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

    async fn bound(&self) -> Result<Connection, DirectoryError> {
        let mut connection = Connection::open(&self.settings, self.tls.as_ref()).await?;
        connection.bind(&self.settings).await?;
        Ok(connection)
    }

    /// Searches without pages, and takes only an answer that ended with success.
    async fn ask(
        &self,
        connection: &mut Connection,
        base: &str,
        scope: Scope,
        filter: &str,
        attributes: &[&'static str],
    ) -> Result<Answer, DirectoryError> {
        let wanted = Search {
            base,
            scope,
            filter,
            attributes,
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

    async fn root_entry(&self, connection: &mut Connection) -> Result<RootEntry, DirectoryError> {
        let wanted = Search {
            base: "",
            scope: Scope::Base,
            filter: ANYTHING,
            attributes: &[
                "vendorName",
                "vendorVersion",
                "namingContexts",
                "currentTime",
            ],
            page: None,
            at_most: 0,
            when: "while asking for the root entry".to_owned(),
        };
        let answer = connection.search(&wanted).await?;
        let entry = match (answer.code, answer.entries.into_iter().next()) {
            (0, Some(entry)) => entry,
            // A server may hide its root entry; then it has no identity beyond its address.
            (0 | 32 | 50, _) => return Ok(RootEntry::default()),
            (code, _) => {
                let when = &wanted.when;
                return Err(failure::searching(
                    &connection.at,
                    "the root entry",
                    when,
                    code,
                ));
            }
        };
        let mut contexts = entry.attributes.texts("namingContexts");
        contexts.sort();
        let time =
            match entry.attributes.text(&["currentTime"]) {
                None => None,
                Some(text) => Some(moment::generalized_time(&text).ok_or_else(|| {
                    DirectoryError::Unreadable {
                        at: connection.at.clone(),
                        what: "currentTime of the root entry is no generalizedTime".to_owned(),
                    }
                })?),
            };
        Ok(RootEntry {
            vendor: entry.attributes.text(&["vendorName"]).unwrap_or_default(),
            version: entry
                .attributes
                .text(&["vendorVersion"])
                .unwrap_or_default(),
            contexts,
            time,
        })
    }

    /// What identifies the source, as a digest and as text.
    fn identity(&self, root: &RootEntry) -> (String, BTreeMap<String, String>) {
        let servers = self.servers();
        let base = self.settings.base.as_str();
        let filter = self.settings.effective_filter();
        let contexts = root.contexts.join("\n");
        let attributes = self.attributes().join(",");
        let identity = proof::digest_of([
            "ldap",
            servers.as_str(),
            root.vendor.as_str(),
            root.version.as_str(),
            contexts.as_str(),
            base,
            filter,
            attributes.as_str(),
            self.settings.bind_dn.as_str(),
        ]);
        // Filter and bind name may name a person: only their digests are kept.
        let about = BTreeMap::from([
            ("server".to_owned(), servers),
            ("base".to_owned(), base.to_owned()),
            ("filter".to_owned(), proof::digest_of([filter])),
            (
                "bind".to_owned(),
                proof::digest_of([self.settings.bind_dn.as_str()]),
            ),
        ]);
        (identity, about)
    }

    /// Walks all pages. There is no way out of this loop with people but the end that the server's
    /// paging control names.
    async fn walk(
        &self,
        connection: &mut Connection,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<PeopleRead, DirectoryError> {
        let root = self.root_entry(connection).await?;
        let (identity, about) = self.identity(&root);
        let mut proof = ReadProof {
            identity,
            about,
            ..ReadProof::default()
        };
        let mut people = BTreeMap::new();
        let mut cookie = Vec::new();
        loop {
            let answer = self.page(connection, proof.pages + 1, cookie).await?;
            proof.pages += 1;
            proof.referrals += answer.referrals;
            for entry in answer.entries {
                self.take(&connection.at, entry, &mut people, &mut proof)?;
            }
            proof.count = u64::try_from(people.len()).unwrap_or(u64::MAX);
            if proof.count.saturating_add(proof.without_key) > self.settings.limits.entries {
                return Err(failure::too_many(
                    &connection.at,
                    self.settings.limits.entries,
                ));
            }
            progress(proof.count);
            cookie = match answer.paging {
                Paging::Last => break,
                Paging::More(cookie) => cookie,
                Paging::Malformed => return Err(failure::not_ldap(&connection.at)),
                Paging::Absent => {
                    let detail = "the server did not page its answer, so that its end cannot be \
                                  told from a cut";
                    let at = &connection.at;
                    return Err(failure::not_whole(
                        at,
                        "read.paging-ignored",
                        detail.to_owned(),
                    ));
                }
            };
        }
        proof.digest = proof::digest_of_keys(&people);
        Ok(PeopleRead {
            people: people.into_values().collect(),
            proof,
        })
    }

    async fn page(
        &self,
        connection: &mut Connection,
        number: u64,
        cookie: Vec<u8>,
    ) -> Result<Answer, DirectoryError> {
        let wanted = Search {
            base: &self.settings.base,
            scope: Scope::Subtree,
            filter: self.settings.effective_filter(),
            attributes: self.attributes(),
            page: Some((self.settings.page_size, cookie)),
            at_most: 0,
            when: format!("on page {number}"),
        };
        let answer = connection.search(&wanted).await?;
        if answer.code == 0 {
            return Ok(answer);
        }
        let base = &self.settings.base;
        Err(failure::searching(
            &connection.at,
            base,
            &wanted.when,
            answer.code,
        ))
    }

    fn take(
        &self,
        at: &str,
        entry: Entry,
        people: &mut BTreeMap<String, PersonRecord>,
        proof: &mut ReadProof,
    ) -> Result<(), DirectoryError> {
        let Some(key) = entry.attributes.entry_uuid() else {
            proof.without_key += 1;
            return Ok(());
        };
        match people.entry(key) {
            Place::Occupied(_) => {
                let detail = "an entryUUID came twice; the directory changed in between, or its \
                              pages overlap";
                Err(failure::not_whole(
                    at,
                    "read.duplicate-key",
                    detail.to_owned(),
                ))
            }
            Place::Vacant(place) => {
                let person = person(at, place.key().clone(), &entry)?;
                place.insert(person);
                Ok(())
            }
        }
    }

    async fn look_up_with(
        &self,
        connection: &mut Connection,
        key: &str,
    ) -> Result<Option<PersonRecord>, DirectoryError> {
        let base = self.settings.base.as_str();
        // Without the configured filter: who merely fell out of it is not gone.
        let filter = format!("(entryUUID={key})");
        let found = self
            .ask(connection, base, Scope::Subtree, &filter, self.attributes())
            .await?;
        let referrals = found.referrals;
        let mut entries = found.entries.into_iter();
        match (entries.next(), entries.next()) {
            (Some(entry), None) if entry.attributes.entry_uuid().as_deref() == Some(key) => {
                person(&connection.at, key.to_owned(), &entry).map(Some)
            }
            (Some(_), None) => Err(no_right(&connection.at, "reading entryUUID")),
            (Some(_), Some(_)) => {
                let detail = "two entries have the same entryUUID".to_owned();
                Err(failure::not_whole(
                    &connection.at,
                    "read.duplicate-key",
                    detail,
                ))
            }
            (None, _) if referrals > 0 => {
                let detail = "the server refers to another one for a part of the tree, where the \
                              entry may be";
                Err(failure::not_whole(
                    &connection.at,
                    "read.referral",
                    detail.to_owned(),
                ))
            }
            (None, _) => {
                self.prove_rights(connection).await?;
                Ok(None)
            }
        }
    }

    /// Proves that nothing found means nothing there: the base and at least one other person can
    /// be read over this same connection. A lost read right looks just like an empty directory.
    async fn prove_rights(&self, connection: &mut Connection) -> Result<(), DirectoryError> {
        let base = self.settings.base.as_str();
        let key = &["entryUUID"];
        let own = self
            .ask(connection, base, Scope::Base, ANYTHING, key)
            .await?;
        if !own
            .entries
            .iter()
            .any(|entry| entry.attributes.entry_uuid().is_some())
        {
            return Err(no_right(&connection.at, &format!("reading {base} itself")));
        }
        let wanted = Search {
            base,
            scope: Scope::Subtree,
            filter: self.settings.effective_filter(),
            attributes: key,
            page: None,
            at_most: 1,
            when: "while asking for anybody".to_owned(),
        };
        let anybody = connection.search(&wanted).await?;
        // 4: there are more than the one that was asked for.
        if !matches!(anybody.code, 0 | 4) {
            let at = &connection.at;
            return Err(failure::searching(at, base, &wanted.when, anybody.code));
        }
        if !anybody
            .entries
            .iter()
            .any(|entry| entry.attributes.entry_uuid().is_some())
        {
            return Err(no_right(&connection.at, "seeing anybody at all"));
        }
        Ok(())
    }

    async fn probe(&self) -> Vec<Probe> {
        let mut probes = Vec::new();
        let mut connection = match Connection::open(&self.settings, self.tls.as_ref()).await {
            Ok(connection) => connection,
            Err(error) => return vec![Probe::bad("connection", &error)],
        };
        let how = match (self.settings.starttls, &self.tls) {
            (true, _) => "over StartTLS, with a certificate that fits",
            (false, Some(_)) if connection.at.starts_with("ldaps") => {
                "over TLS, with a certificate that fits"
            }
            _ => "without TLS, on this machine only",
        };
        probes.push(Probe::good(
            "connection",
            format!("{} answers {how}", connection.at),
        ));
        if let Err(error) = connection.bind(&self.settings).await {
            probes.push(Probe::bad("credentials", &error));
            return probes;
        }
        probes.push(Probe::good(
            "credentials",
            "the bind name and its password are accepted".to_owned(),
        ));
        match self.probe_base(&mut connection).await {
            Ok(probe) => probes.push(probe),
            Err(error) => probes.push(Probe::bad("base", &error)),
        }
        match self.walk(&mut connection, &|_| ()).await {
            Ok(read) => {
                let found = read.proof.count > 0;
                probes.extend(people_probes(&read.proof));
                if found {
                    probes.push(self.probe_policy(&mut connection).await);
                }
            }
            Err(error) => probes.push(Probe::bad("people", &error)),
        }
        connection.close().await;
        probes
    }

    async fn probe_base(&self, connection: &mut Connection) -> Result<Probe, DirectoryError> {
        let base = self.settings.base.as_str();
        let answer = self
            .ask(connection, base, Scope::Base, ANYTHING, &["entryUUID"])
            .await?;
        let Some(entry) = answer.entries.first() else {
            return Err(no_right(&connection.at, &format!("reading {base} itself")));
        };
        Ok(if entry.attributes.entry_uuid().is_some() {
            Probe::good("base", format!("{base} can be read, with its entryUUID"))
        } else {
            Probe {
                what: "base".to_owned(),
                state: ProbeState::Bad,
                says: format!("{base} can be read, but not its entryUUID"),
                hint: Some("let the account read entryUUID; people are known by it".to_owned()),
            }
        })
    }

    async fn probe_policy(&self, connection: &mut Connection) -> Probe {
        let any: String = POLICY.iter().map(|name| format!("({name}=*)")).collect();
        let filter = format!("(&{}(|{any}))", self.settings.effective_filter());
        let wanted = Search {
            base: &self.settings.base,
            scope: Scope::Subtree,
            filter: &filter,
            attributes: POLICY,
            page: None,
            at_most: 1,
            when: "while asking for password policy attributes".to_owned(),
        };
        let what = "password policy";
        match connection.search(&wanted).await {
            Err(error) => Probe::bad(what, &error),
            Ok(answer) => {
                let visible = answer.entries.iter().any(|entry| {
                    POLICY
                        .iter()
                        .any(|name| entry.attributes.values(name).next().is_some())
                });
                if visible {
                    return Probe::good(what, "locks and ends of accounts can be seen".to_owned());
                }
                Probe {
                    what: what.to_owned(),
                    state: ProbeState::Limited,
                    says: "no attribute of a password policy can be seen on anybody".to_owned(),
                    hint: Some(
                        "if the server has a password policy, let the account read \
                         pwdAccountLockedTime, pwdStartTime and pwdEndTime; without them, who is \
                         locked for ever is not seen as departed"
                            .to_owned(),
                    ),
                }
            }
        }
    }
}

#[async_trait]
impl Directory for LdapDirectory {
    async fn read(
        &self,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<PeopleRead, DirectoryError> {
        self.in_time(async {
            let mut connection = self.bound().await?;
            let read = self.walk(&mut connection, progress).await?;
            connection.close().await;
            Ok(read)
        })
        .await
    }

    async fn look_up(&self, key: &str) -> Result<Option<PersonRecord>, DirectoryError> {
        let key = Uuid::parse_str(key).map_err(|_| DirectoryError::Configuration {
            what: format!(
                "directory {} knows people by entryUUID, and the key to look up is none; was it \
                 another kind before?",
                self.settings.name
            ),
        })?;
        let key = key.hyphenated().to_string();
        self.in_time(async {
            let mut connection = self.bound().await?;
            let found = self.look_up_with(&mut connection, &key).await?;
            connection.close().await;
            Ok(found)
        })
        .await
    }

    async fn clock(&self) -> Result<Option<Time>, DirectoryError> {
        self.in_time(async {
            let mut connection = self.bound().await?;
            let root = self.root_entry(&mut connection).await?;
            connection.close().await;
            Ok(root.time)
        })
        .await
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

fn person(at: &str, key: String, entry: &Entry) -> Result<PersonRecord, DirectoryError> {
    let attributes = &entry.attributes;
    let facts = attributes
        .facts()
        .map_err(|bad| DirectoryError::Unreadable {
            at: at.to_owned(),
            what: format!(
                "{} of the entry with entryUUID {key} {}",
                bad.name, bad.what
            ),
        })?;
    Ok(PersonRecord {
        mails: attributes.texts("mail"),
        name: attributes.text(&["displayName", "cn"]),
        login: attributes.text(&["uid"]),
        employee_number: attributes.text(&["employeeNumber"]),
        place: Some(entry.dn.clone()),
        key,
        facts,
        ..PersonRecord::default()
    })
}

fn no_right(at: &str, what: &str) -> DirectoryError {
    DirectoryError::Rights {
        at: at.to_owned(),
        what: what.to_owned(),
    }
}

fn people_probes(proof: &ReadProof) -> Vec<Probe> {
    let mut probes = Vec::new();
    let (state, hint) = match (proof.count, proof.without_key) {
        (0, 0) => (
            ProbeState::Bad,
            Some("look at base and filter, and whether the account has the right to read"),
        ),
        (0, _) => (ProbeState::Bad, Some("let the account read entryUUID")),
        (_, 0) => (ProbeState::Good, None),
        _ => (
            ProbeState::Limited,
            Some("let the account read entryUUID of all people; reads count as suspect until then"),
        ),
    };
    probes.push(Probe {
        what: "people".to_owned(),
        state,
        says: format!(
            "{} people in {} pages, {} entries without entryUUID; no limit of the server was hit",
            proof.count, proof.pages, proof.without_key
        ),
        hint: hint.map(str::to_owned),
    });
    if proof.referrals > 0 {
        probes.push(Probe {
            what: "referrals".to_owned(),
            state: ProbeState::Limited,
            says: format!(
                "{} referrals to other servers are not followed",
                proof.referrals
            ),
            hint: Some("configure those servers as directories of their own".to_owned()),
        });
    }
    probes
}
