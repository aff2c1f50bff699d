//! Where people are known: one trait, one file per kind of directory.
//!
//! A directory gives either everything it has, with the proof of it, or an error. What was seen
//! before an error is thrown away: half a list looks like a whole one in which people are missing.

pub mod csv;
pub mod ldap;
pub mod ldif;
pub mod scim;

mod attributes;
mod file;
mod moment;
mod proof;

use async_trait::async_trait;
use serde::Deserialize;

pub use crate::directory::file::Contains;
pub use crate::directory::file::Encoding;
pub use crate::directory::file::FilePlace;
pub use crate::directory::moment::DateFormat;
use crate::domain::person::PersonRecord;
use crate::domain::source::ReadProof;
use crate::domain::time::Time;

/// Reads people.
///
/// Guarantees: [`Directory::read`] returns every entry that the source would give for the
/// configured base and filter, or an error; nothing is ever changed in a directory; no call waits
/// longer than its configured deadline.
#[async_trait]
pub trait Directory: Send + Sync + std::fmt::Debug {
    /// Reads everybody, from the first page to the last.
    async fn read(
        &self,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<PeopleRead, DirectoryError>;

    /// Looks one person up by the immutable key over a connection of its own.
    ///
    /// `Ok(None)` is the source's own word that there is no such entry; everything else that is
    /// not an entry is an error. File directories look into the file again.
    async fn look_up(&self, key: &str) -> Result<Option<PersonRecord>, DirectoryError>;

    /// Asks the source for its time; `None` where it has no clock: files, and LDAP servers whose
    /// root entry has no `currentTime` (OpenLDAP has none, Active Directory has one).
    async fn clock(&self) -> Result<Option<Time>, DirectoryError>;

    /// Tries connection, credentials and rights, or the file's shape; changes nothing. The first
    /// probe that is [`ProbeState::Bad`] ends the list where the later ones would rest on it.
    async fn check(&self) -> Vec<Probe>;

    /// Whether everybody stands in this source. In a list of leavers only, whoever is missing has
    /// not left, and whoever stands there has (see [`crate::domain::person::PersonFacts::leave_at`]).
    fn lists_everybody(&self) -> bool;

    /// When the source was written, where it is a file; `None` for what answers as it is now.
    async fn written_at(&self) -> Result<Option<Time>, DirectoryError> {
        Ok(None)
    }

    /// Whether the source is reached on a loopback address only, which the sandbox demands; files
    /// are.
    fn is_loopback(&self) -> bool;
}

/// A rule of the configuration: who has one of these values there has left.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftWhen {
    /// The attribute, or the column of a CSV file.
    pub attribute: String,
    /// The values that say so; compared without regard to case and to spaces around them.
    pub values: Vec<String>,
}

impl LeftWhen {
    /// Whether a value says so.
    fn holds(&self, value: &str) -> bool {
        let value = value.trim().to_lowercase();
        self.values.iter().any(|v| v.trim().to_lowercase() == value)
    }

    /// What is wrong with the rule, if it cannot mean anything.
    fn mistake(&self) -> Option<&'static str> {
        let empty = |text: &String| text.trim().is_empty();
        let wrong =
            empty(&self.attribute) || self.values.is_empty() || self.values.iter().any(empty);
        wrong.then_some(
            "has a `left_when` without an attribute or a value; \
             left_when = [{ attribute = \"status\", values = [\"terminated\"] }]",
        )
    }
}

/// Everybody whom one whole read has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeopleRead {
    /// The people, each key once, in the order of their keys.
    pub people: Vec<PersonRecord>,
    /// What the read rests on.
    pub proof: ReadProof,
}

/// One line of `exeunt check`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// What was looked at: `connection`, `credentials`, `people`.
    pub what: String,
    /// Whether it is as it should be.
    pub state: ProbeState,
    /// What was found, as a sentence.
    pub says: String,
    /// What to do, if something is to be done.
    pub hint: Option<String>,
}

impl Probe {
    /// A probe that came out well.
    fn good(what: &str, says: String) -> Self {
        Self {
            what: what.to_owned(),
            state: ProbeState::Good,
            says,
            hint: None,
        }
    }

    /// A probe that ended with an error, with what the error knows about the way out.
    fn bad(what: &str, error: &DirectoryError) -> Self {
        let hint = match error {
            DirectoryError::Credentials { advice, .. } => Some(advice.clone()),
            DirectoryError::NotWhole { detail, .. } => Some(detail.clone()),
            _ => None,
        };
        Self {
            what: what.to_owned(),
            state: ProbeState::Bad,
            says: with_causes(error),
            hint,
        }
    }
}

/// An error with what it rests on.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// How a probe came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeState {
    /// As it should be.
    Good,
    /// Works, with a limit that the administrator should know.
    Limited,
    /// Does not work.
    Bad,
}

/// Why a directory gave nothing, by what the caller can do.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// No connection, or it was lost on the way: try again later (69).
    #[error("{at} cannot be reached or hung up {when}")]
    Unreachable {
        /// Scheme, host and port.
        at: String,
        /// At which point: `while connecting`, `on page 2`.
        when: String,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The credentials are refused (4).
    #[error("{at} refuses the credentials of {bind}")]
    Credentials {
        /// Scheme, host and port.
        at: String,
        /// The bind name as configured.
        bind: String,
        /// Result code and the advice that follows from it.
        advice: String,
    },
    /// The account may not read what is needed (4).
    #[error("{at} does not allow {what}")]
    Rights {
        /// Scheme, host and port.
        at: String,
        /// What was refused.
        what: String,
    },
    /// The answer began and did not come to its end, or has limits in it: nothing of it counts.
    #[error("the answer of {at} is not whole: {detail}")]
    NotWhole {
        /// Scheme, host and port, or the file.
        at: String,
        /// A code of schema/codes.json: `read.cut`, `read.timeout`, `read.size-limit`, ….
        fault: &'static str,
        /// What happened, for a person; no personal values.
        detail: String,
    },
    /// The file or the answer cannot be understood.
    #[error("{at}: {what}")]
    Unreadable {
        /// The file with line (and column), or the server.
        at: String,
        /// What is wrong there and what would be right.
        what: String,
    },
    /// The configuration cannot work (78).
    #[error("{what}")]
    Configuration {
        /// What is wrong and what would be right.
        what: String,
    },
}

impl DirectoryError {
    /// The code under which a read entry records this error.
    pub fn fault(&self) -> &'static str {
        match self {
            DirectoryError::Unreachable { .. } => "read.unreachable",
            DirectoryError::Credentials { .. } => "read.credentials",
            DirectoryError::Rights { .. } => "read.rights",
            DirectoryError::NotWhole { fault, .. } => fault,
            DirectoryError::Unreadable { .. } => "read.unreadable",
            DirectoryError::Configuration { .. } => "read.configuration",
        }
    }
}
