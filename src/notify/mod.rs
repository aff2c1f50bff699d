//! How people are warned: one trait, one file per channel.

pub mod file;
pub mod mail;
mod outbound;
pub mod report;
pub mod smtp;
pub mod text;
pub mod webhook;

use async_trait::async_trait;

use crate::domain::account::Do;
use crate::domain::rows::When;
use crate::domain::time::Time;
use crate::notify::smtp::error::MailError;
use crate::notify::text::Language;

pub use crate::notify::outbound::OutboundError;

/// One warning to one person, about one account or several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// To whom.
    pub to: String,
    /// The person's name, if it is known.
    pub name: Option<String>,
    /// In which language.
    pub language: Language,
    /// When it is written.
    pub at: Time,
    /// What it is about; never empty.
    pub accounts: Vec<NoticeAccount>,
}

/// What a warning says about one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeAccount {
    /// What makes this warning the same one when it is tried again: the account's pseudonym, the
    /// policy, the days and the day of the step, as one word fit for a file name.
    pub key: String,
    /// The tenant's name in the configuration.
    pub tenant: String,
    /// The kind of provider: `docspace`.
    pub provider: &'static str,
    /// What the tenant is, as a person knows it: `ONLYOFFICE DocSpace`.
    pub product: String,
    /// What has triggered it.
    pub when: When,
    /// What will be done.
    pub does: Do,
    /// What that means there, as a sentence, for languages that have none of their own.
    pub effect: String,
    /// When it will be done at the earliest.
    pub acts_at: Time,
    /// Since when nothing was seen.
    pub since: Time,
}

impl Notice {
    /// What makes this the same mail when it is tried again, as 32 hexadecimal digits. It shows no
    /// account and no person.
    pub fn id(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for account in &self.accounts {
            hasher.update(account.key.as_bytes());
            hasher.update(b"\n");
        }
        hasher.finalize().to_hex().chars().take(32).collect()
    }
}

/// Whether a warning counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Written to a file that somebody else sends; it counts where the policy chose this channel.
    Written,
    /// A mail relay took it.
    Accepted,
}

impl Delivery {
    /// The word in entries.
    pub const fn as_str(self) -> &'static str {
        match self {
            Delivery::Written => "written",
            Delivery::Accepted => "accepted",
        }
    }
}

/// Why a warning did not leave; it does not count.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// The file cannot be written.
    #[error("the notice cannot be written to {at}")]
    File {
        /// Where it should have gone.
        at: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The mail was not sent.
    #[error(transparent)]
    Mail(#[from] MailError),
}

impl NotifyError {
    /// Why this one recipient will never get it, as a class; `None` if it is about something else.
    pub fn bounce(&self) -> Option<Reason> {
        match self {
            Self::Mail(MailError::Recipient { status, .. }) => {
                Some(Reason::of_status(status.as_deref()))
            }
            _ => None,
        }
    }

    /// Whether no other warning would leave either.
    pub const fn is_of_channel(&self) -> bool {
        match self {
            Self::File { .. } => false,
            Self::Mail(error) => error.is_of_relay(),
        }
    }
}

/// Why a warning did not reach somebody, as a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// There is nobody at this address, or there is no such address.
    NoSuchRecipient,
    /// The mailbox takes nothing more.
    MailboxFull,
    /// It was tried for too long.
    Expired,
    /// A rule of the other side keeps it out.
    Blocked,
    /// Something else.
    Other,
}

impl Reason {
    /// The word in entries.
    pub const fn as_str(self) -> &'static str {
        match self {
            Reason::NoSuchRecipient => "no-such-recipient",
            Reason::MailboxFull => "mailbox-full",
            Reason::Expired => "expired",
            Reason::Blocked => "blocked",
            Reason::Other => "other",
        }
    }

    /// The class of a status (RFC 3463) such as `5.1.1`, or of a plain reply such as `550`.
    pub fn of_status(status: Option<&str>) -> Self {
        match status {
            None | Some("550" | "551" | "553") => Reason::NoSuchRecipient,
            Some("552" | "452") => Reason::MailboxFull,
            Some(status) => {
                let mut parts = status.split('.').skip(1);
                match (parts.next(), parts.next()) {
                    (Some("1"), _) => Reason::NoSuchRecipient,
                    (Some("2"), Some("2")) => Reason::MailboxFull,
                    (Some("2"), Some("0" | "1")) => Reason::NoSuchRecipient,
                    (Some("4"), _) => Reason::Expired,
                    (Some("7"), _) => Reason::Blocked,
                    _ => Reason::Other,
                }
            }
        }
    }
}

/// Gives warnings.
///
/// Guarantees: what is returned as written is durable, what is returned as accepted was taken by a
/// relay; giving the same warning twice leaves one file, or two mails with one Message-ID.
#[async_trait]
pub trait Notifier: Send + Sync + std::fmt::Debug {
    /// The channel's name in entries: `file`, `smtp`.
    fn channel(&self) -> &'static str;

    /// Gives one warning.
    async fn send(&self, notice: &Notice) -> Result<Delivery, NotifyError>;

    /// Whether nothing leaves this machine.
    fn is_loopback(&self) -> bool;
}

/// A value from outside on one line: no line break of it can start a header.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
