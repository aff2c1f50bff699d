//! Which server answers, what it says about itself, and what identifies the source.

use std::collections::BTreeMap;
use std::future::Future;

use ldap3::Scope;
use url::Url;

use crate::directory::DirectoryError;
use crate::directory::ldap::ANYTHING;
use crate::directory::ldap::LdapDirectory;
use crate::directory::ldap::connection::Connection;
use crate::directory::ldap::connection::Search;
use crate::directory::ldap::failure;
use crate::directory::ldap::name::Name;
use crate::directory::ldap::settings;
use crate::directory::ldap::settings::Flavor;
use crate::directory::moment;
use crate::directory::proof;
use crate::domain::source::ServerMark;
use crate::domain::time::Time;

/// What the server says about itself.
#[derive(Debug, Default)]
pub(super) struct RootEntry {
    vendor: String,
    version: String,
    contexts: Vec<String>,
    /// Its time, where it has a clock.
    pub(super) time: Option<Time>,
    /// Its name (`dnsHostName`), where it says so.
    pub(super) host: Option<String>,
    /// The entry of a domain controller's service.
    service: Option<String>,
    /// The number of its newest change.
    change: Option<u64>,
}

impl RootEntry {
    /// The part of the tree that holds an entry: the longest of the server's contexts above it;
    /// the entry itself where the server names none.
    pub(super) fn context_of<'a>(&'a self, entry: &'a str) -> &'a str {
        let Some(name) = Name::parse(entry) else {
            return entry;
        };
        let above = self.contexts.iter().filter_map(|context| {
            let parsed = Name::parse(context)?;
            name.is_within(&parsed).then_some((parsed.depth(), context))
        });
        above
            .max_by_key(|(depth, _)| *depth)
            .map_or(entry, |(_, context)| context)
    }
}

impl LdapDirectory {
    /// Asks the servers in their order until one answers.
    pub(super) async fn first_that_answers<'a, T, F>(
        &'a self,
        ask: impl Fn(&'a Url) -> F + Send,
    ) -> Result<T, DirectoryError>
    where
        F: Future<Output = Result<T, DirectoryError>> + Send,
    {
        let mut last = None;
        for url in &self.settings.urls {
            match ask(url).await {
                Err(error) if failure::next_may_help(&error) => last = Some(error),
                other => return other,
            }
        }
        Err(last.unwrap_or_else(|| DirectoryError::Configuration {
            what: format!("directory {} names no url", self.settings.name),
        }))
    }

    /// A connection to one server on which we have proved who we are.
    pub(super) async fn bound(&self, url: &Url) -> Result<Connection, DirectoryError> {
        let mut connection = self.open(url).await?;
        connection.bind(&self.settings).await?;
        Ok(connection)
    }

    /// A connection to one server.
    pub(super) async fn open(&self, url: &Url) -> Result<Connection, DirectoryError> {
        Connection::open(&self.settings, self.tls.as_ref(), url).await
    }

    /// The configured servers as one text.
    pub(super) fn servers(&self) -> String {
        let servers: Vec<String> = self.settings.urls.iter().map(settings::shown).collect();
        servers.join(" ")
    }

    /// Asks the server about itself.
    pub(super) async fn root_entry(
        &self,
        connection: &mut Connection,
    ) -> Result<RootEntry, DirectoryError> {
        let wanted = Search {
            base: "",
            scope: Scope::Base,
            filter: ANYTHING,
            attributes: &[
                "vendorName",
                "vendorVersion",
                "namingContexts",
                "currentTime",
                "dnsHostName",
                "dsServiceName",
                "highestCommittedUSN",
                "isSynchronized",
            ],
            controls: &[],
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
        let attributes = &entry.attributes;
        let unreadable = |what: &str| DirectoryError::Unreadable {
            at: connection.at.clone(),
            what: format!("{what} of the root entry cannot be understood"),
        };
        if attributes.text(&["isSynchronized"]).as_deref() == Some("FALSE") {
            let detail = "the controller has not finished its first synchronisation";
            return Err(failure::not_whole(
                &connection.at,
                "read.busy",
                detail.to_owned(),
            ));
        }
        let mut contexts = attributes.texts("namingContexts");
        contexts.sort();
        let time = match attributes.text(&["currentTime"]) {
            None => None,
            Some(text) => {
                Some(moment::generalized_time(&text).ok_or_else(|| unreadable("currentTime"))?)
            }
        };
        let change = match attributes.text(&["highestCommittedUSN"]) {
            None => None,
            Some(text) => Some(
                text.parse()
                    .map_err(|_| unreadable("highestCommittedUSN"))?,
            ),
        };
        Ok(RootEntry {
            vendor: attributes.text(&["vendorName"]).unwrap_or_default(),
            version: attributes.text(&["vendorVersion"]).unwrap_or_default(),
            contexts,
            time,
            host: attributes.text(&["dnsHostName"]),
            service: attributes.text(&["dsServiceName"]),
            change,
        })
    }

    /// Which server answers, and how far its record of changes had come when it said so.
    pub(super) async fn mark(
        &self,
        connection: &mut Connection,
        root: &RootEntry,
    ) -> Result<ServerMark, DirectoryError> {
        let mut mark = ServerMark {
            name: root
                .host
                .clone()
                .or_else(|| root.service.clone())
                .unwrap_or_else(|| connection.at.clone()),
            database: None,
            change: root.change,
        };
        match self.settings.flavor {
            Flavor::ActiveDirectory => {
                if let Some(service) = &root.service {
                    mark.database = self.invocation(connection, service).await?;
                }
            }
            Flavor::OpenLdap => {
                let context = root.context_of(&self.settings.base);
                mark.change = self.newest_csn(connection, context).await?;
            }
            Flavor::Ds389 | Flavor::Generic => {}
        }
        Ok(mark)
    }

    /// The identity of a domain controller's database; it gets a new one when it is restored in
    /// the proper way. Not everybody may read it.
    async fn invocation(
        &self,
        connection: &mut Connection,
        service: &str,
    ) -> Result<Option<String>, DirectoryError> {
        let entry = self.peek(connection, service, "invocationId").await?;
        let value = entry.and_then(|e| e.values("invocationId").next().map(<[u8]>::to_vec));
        let bytes = value.and_then(|value| <[u8; 16]>::try_from(value).ok());
        Ok(bytes.map(|bytes| uuid::Uuid::from_bytes_le(bytes).hyphenated().to_string()))
    }

    /// The moment of the newest change that OpenLDAP knows of, in microseconds since 1970. With
    /// several providers there is one for each.
    async fn newest_csn(
        &self,
        connection: &mut Connection,
        context: &str,
    ) -> Result<Option<u64>, DirectoryError> {
        let entry = self.peek(connection, context, "contextCSN").await?;
        let numbers = entry.map(|e| e.texts("contextCSN")).unwrap_or_default();
        let moments = numbers.iter().filter_map(|csn| {
            let (time, _) = csn.split_once('#')?;
            u64::try_from(moment::generalized_time(time)?.micros()).ok()
        });
        Ok(moments.max())
    }

    /// One attribute of one entry, if it may be read.
    pub(super) async fn peek(
        &self,
        connection: &mut Connection,
        entry: &str,
        attribute: &str,
    ) -> Result<Option<crate::directory::attributes::Attributes>, DirectoryError> {
        let wanted = Search {
            base: entry,
            scope: Scope::Base,
            filter: ANYTHING,
            attributes: &[attribute],
            controls: &[],
            page: None,
            at_most: 0,
            when: format!("while asking for {attribute}"),
        };
        let answer = connection.search(&wanted).await?;
        let entry = answer.entries.into_iter().next();
        Ok(entry.filter(|_| answer.code == 0).map(|e| e.attributes))
    }

    /// What identifies the source, as a digest and as text.
    ///
    /// It is the same whichever server of the list answers: which one did stands in the mark.
    pub(super) fn identity(&self, root: &RootEntry) -> (String, BTreeMap<String, String>) {
        let settings = &self.settings;
        let servers = self.servers();
        let base = settings.base.as_str();
        let filter = settings.effective_filter();
        let attributes = self.attributes.join(",");
        let signals = self.signals();
        // Servers of one list may be of several versions; a single one is the source itself.
        let single = settings.urls.len() == 1;
        let own = |text: &str| {
            if single {
                text.to_owned()
            } else {
                String::new()
            }
        };
        let (vendor, version) = (own(&root.vendor), own(&root.version));
        let contexts = match settings.flavor {
            // A controller may hold further partitions; the domain is the same on all.
            Flavor::ActiveDirectory => root.context_of(base).to_owned(),
            _ => root.contexts.join("\n"),
        };
        let identity = proof::digest_of([
            "ldap",
            servers.as_str(),
            vendor.as_str(),
            version.as_str(),
            contexts.as_str(),
            base,
            filter,
            attributes.as_str(),
            signals.as_str(),
            settings.bind_dn.as_str(),
        ]);
        // Filter, signals and bind name may name a person: only their digests are kept.
        let mut about = BTreeMap::from([
            ("server".to_owned(), servers),
            ("base".to_owned(), base.to_owned()),
            ("filter".to_owned(), proof::digest_of([filter])),
            (
                "bind".to_owned(),
                proof::digest_of([settings.bind_dn.as_str()]),
            ),
        ]);
        if settings.signals != settings::LdapSignals::default() {
            about.insert("signals".to_owned(), proof::digest_of([signals.as_str()]));
        }
        (identity, about)
    }

    /// What else says that somebody has left, as one text; each part is written with its length.
    fn signals(&self) -> String {
        let signals = &self.settings.signals;
        let mut parts: Vec<&str> = vec!["units"];
        parts.extend(signals.leavers_units.iter().map(String::as_str));
        parts.extend(["group", signals.group.as_deref().unwrap_or_default()]);
        for rule in &signals.left_when {
            parts.extend(["left-when", rule.attribute.as_str()]);
            parts.extend(rule.values.iter().map(String::as_str));
        }
        parts.extend(["date", signals.leave_date.as_deref().unwrap_or_default()]);
        let preserved = signals.preserved_base.as_deref();
        parts.extend(["preserved", preserved.unwrap_or_default()]);
        if signals.exact_last_login {
            parts.push("exact");
        }
        parts
            .iter()
            .map(|part| format!("{}:{part}", part.len()))
            .collect()
    }
}
