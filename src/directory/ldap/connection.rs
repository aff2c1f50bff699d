//! One connection: opened, secured, bound, used for searches, and thrown away.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ldap3::Ldap;
use ldap3::LdapConnAsync;
use ldap3::LdapConnSettings;
use ldap3::LdapError;
use ldap3::Scope;
use ldap3::SearchOptions;
use ldap3::SearchStream;
use ldap3::controls::MakeCritical as _;
use ldap3::controls::PagedResults;
use ldap3::controls::RawControl;
use tokio::task::JoinHandle;
use url::Url;

use crate::directory::DirectoryError;
use crate::directory::ldap::failure;
use crate::directory::ldap::search;
use crate::directory::ldap::search::Answer;
use crate::directory::ldap::search::BadEntry;
use crate::directory::ldap::settings;
use crate::directory::ldap::settings::Flavor;
use crate::directory::ldap::settings::LdapSettings;

/// A bound connection. The library's driver runs as a task of its own, since it panics on what it
/// cannot decode; it is ended with the connection.
pub(super) struct Connection {
    ldap: Ldap,
    driver: Task<Result<(), LdapError>>,
    /// Scheme, host and port.
    pub(super) at: String,
    /// How often each result code came.
    pub(super) results: BTreeMap<String, u64>,
    entry_limit: Duration,
    most: u64,
    flavor: Flavor,
}

/// A task that ends with its owner.
struct Task<T>(JoinHandle<T>);

/// The answer to a search as the library gives it.
type Stream = SearchStream<'static, String, Vec<String>>;

/// Why there is no whole answer.
enum Ended {
    /// The stream broke.
    Stream(LdapError),
    /// An entry was not taken.
    Entry(BadEntry),
    /// There were more entries than the limit allows.
    TooMany,
}

/// One search as it is asked for.
pub(super) struct Search<'a> {
    pub(super) base: &'a str,
    pub(super) scope: Scope,
    pub(super) filter: &'a str,
    pub(super) attributes: &'a [&'a str],
    /// Controls without a value that the server must understand, by their identifiers.
    pub(super) controls: &'a [&'a str],
    /// Page size and cookie (empty for the first page); none for a search without pages.
    pub(super) page: Option<(u16, Vec<u8>)>,
    /// The most entries that are wanted; 0 for all.
    pub(super) at_most: i32,
    /// For errors: `on page 2`.
    pub(super) when: String,
}

impl Connection {
    /// Opens a connection to one server.
    pub(super) async fn open(
        settings: &LdapSettings,
        tls: Option<&Arc<rustls::ClientConfig>>,
        url: &Url,
    ) -> Result<Self, DirectoryError> {
        let mut options = LdapConnSettings::new()
            .set_conn_timeout(settings.limits.connect)
            .set_starttls(settings.starttls);
        if let Some(tls) = tls {
            options = options.set_config(Arc::clone(tls));
        }
        let at = settings::shown(url);
        let opened = LdapConnAsync::from_url_with_settings(options, url).await;
        let (connection, ldap) =
            opened.map_err(|error| failure::connecting(&at, settings.ca_file.as_deref(), error))?;
        Ok(Self {
            ldap,
            driver: Task(tokio::spawn(connection.drive())),
            at,
            results: BTreeMap::new(),
            entry_limit: settings.limits.entry,
            most: settings.limits.entries,
            flavor: settings.flavor,
        })
    }

    /// Proves who we are.
    pub(super) async fn bind(&mut self, settings: &LdapSettings) -> Result<(), DirectoryError> {
        let password = settings.bind_password.reveal();
        let limited = self.ldap.with_timeout(self.entry_limit);
        match limited.simple_bind(&settings.bind_dn, password).await {
            Ok(result) if result.rc == 0 => Ok(()),
            Ok(result) => Err(failure::binding(
                &self.at,
                &settings.bind_dn,
                result.rc,
                &result.text,
            )),
            Err(error) => Err(failure::lost(&self.at, "while binding", error)),
        }
    }

    /// Sends one search and takes its whole answer, or nothing of it.
    ///
    /// An error from the stream is final: asked again, the library's stream says that it has ended
    /// and its result is that of an earlier page. So each page is a search of its own, the stream
    /// is left at its first error, and the result is taken only after its regular end.
    pub(super) async fn search(&mut self, wanted: &Search<'_>) -> Result<Answer, DirectoryError> {
        let mut controls: Vec<RawControl> = wanted
            .controls
            .iter()
            .map(|kind| RawControl {
                ctype: (*kind).to_owned(),
                crit: true,
                val: None,
            })
            .collect();
        if let Some((size, cookie)) = &wanted.page {
            let control = PagedResults {
                size: i32::from(*size),
                cookie: cookie.clone(),
            };
            // Critical: a server that cannot page must say so instead of giving what it likes.
            controls.push(RawControl::from(control.critical()));
        }
        if !controls.is_empty() {
            self.ldap.with_controls(controls);
        }
        self.ldap
            .with_search_options(SearchOptions::new().sizelimit(wanted.at_most))
            .with_timeout(self.entry_limit);
        let attributes: Vec<String> = wanted.attributes.iter().map(|&a| a.to_owned()).collect();
        let stream =
            self.ldap
                .streaming_search(wanted.base, wanted.scope, wanted.filter, attributes);
        let stream = match stream.await {
            Ok(stream) => stream,
            Err(error) => return Err(self.broken(&wanted.when, error).await),
        };
        // As a task, which the runtime runs on the thread of the driver that wakes it: to wake
        // another thread for each entry takes longer than to work on it.
        let mut gathering = Task(tokio::spawn(gather(stream, self.flavor, self.most)));
        match (&mut gathering.0).await {
            Ok(Ok(answer)) => {
                *self.results.entry(answer.code.to_string()).or_default() += 1;
                Ok(answer)
            }
            Ok(Err(Ended::Stream(error))) => Err(self.broken(&wanted.when, error).await),
            Ok(Err(Ended::Entry(bad))) => Err(self.refuse(&bad)),
            Ok(Err(Ended::TooMany)) => Err(failure::too_many(&self.at, self.most)),
            Err(_) => {
                let error = LdapError::EndOfStream;
                Err(failure::interrupted(&self.at, &wanted.when, &error))
            }
        }
    }

    fn refuse(&self, bad: &BadEntry) -> DirectoryError {
        match bad {
            BadEntry::Malformed => failure::not_ldap(&self.at),
            BadEntry::TooLarge => DirectoryError::NotWhole {
                at: self.at.clone(),
                fault: "read.too-large",
                detail: format!(
                    "an entry holds more than {} bytes in the attributes asked for",
                    search::MAX_ENTRY_BYTES
                ),
            },
        }
    }

    /// Why the stream broke: the driver knows whether it was a hang-up or something undecodable.
    async fn broken(&mut self, when: &str, error: LdapError) -> DirectoryError {
        if matches!(error, LdapError::Timeout { .. }) {
            return failure::interrupted(&self.at, when, &error);
        }
        let ended = tokio::time::timeout(Duration::from_secs(1), &mut self.driver.0).await;
        match ended {
            Ok(Err(join)) if join.is_panic() => failure::not_ldap(&self.at),
            Ok(Ok(Err(LdapError::Io { source }))) if failure::is_undecodable(&source) => {
                failure::not_ldap(&self.at)
            }
            _ => failure::interrupted(&self.at, when, &error),
        }
    }

    /// Says good-bye; whether that arrives is of no importance.
    pub(super) async fn close(mut self) {
        let good_bye = tokio::time::timeout(Duration::from_secs(1), self.ldap.unbind());
        drop(good_bye.await);
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Takes the whole answer to one search.
async fn gather(mut stream: Stream, flavor: Flavor, most: u64) -> Result<Answer, Ended> {
    let mut entries = Vec::new();
    let mut referrals = 0;
    let mut elsewhere = 0;
    while let Some(item) = stream.next().await.map_err(Ended::Stream)? {
        if item.is_ref() {
            let counts = flavor != Flavor::ActiveDirectory || search::leads_to_people(item.0);
            referrals += 1;
            elsewhere += u64::from(counts);
        } else if !item.is_intermediate() {
            entries.push(search::entry(item.0).map_err(Ended::Entry)?);
            if u64::try_from(entries.len()).unwrap_or(u64::MAX) > most {
                return Err(Ended::TooMany);
            }
        }
    }
    let result = stream.finish().await;
    Ok(Answer {
        entries,
        referrals,
        elsewhere,
        code: result.rc,
        paging: search::paging(&result),
    })
}
