//! How people are warned: one trait, one file per channel.

pub mod file;

use async_trait::async_trait;

use crate::domain::account::Do;
use crate::domain::time::Time;

/// One warning to one person about one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What makes this warning the same one when it is tried again: the account's pseudonym, the
    /// policy and the days, as one word fit for a file name.
    pub key: String,
    /// To whom.
    pub to: String,
    /// The person's name, if it is known.
    pub name: Option<String>,
    /// The tenant's name in the configuration.
    pub tenant: String,
    /// What the tenant is, as a person knows it: `ONLYOFFICE DocSpace`.
    pub product: String,
    /// What will be done.
    pub does: Do,
    /// What that means there, as a sentence.
    pub effect: String,
    /// When it will be done at the earliest.
    pub acts_at: Time,
    /// Since when nothing was seen.
    pub since: Time,
}

/// Whether a warning counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Written to a file that somebody else sends; it counts where the policy chose this channel.
    Written,
    /// A mail relay took it.
    Accepted,
}

/// Why a warning did not leave; it does not count.
#[derive(Debug, thiserror::Error)]
#[error("the notice cannot be written to {at}")]
pub struct NotifyError {
    /// Where it should have gone.
    pub at: String,
    /// What the system said.
    #[source]
    pub source: std::io::Error,
}

/// Gives warnings.
///
/// Guarantees: what is returned as written or accepted is durable; giving the same warning twice
/// leaves one.
#[async_trait]
pub trait Notifier: Send + Sync + std::fmt::Debug {
    /// The channel's name in entries: `file`.
    fn channel(&self) -> &'static str;

    /// Gives one warning.
    async fn send(&self, notice: &Notice) -> Result<Delivery, NotifyError>;
}

/// The text of a warning, as a person reads it.
pub fn text(notice: &Notice) -> String {
    let greeting = match &notice.name {
        Some(name) => format!("Hello {},", one_line(name)),
        None => "Hello,".to_owned(),
    };
    let date = notice.acts_at.chrono().format("%A, %-d %B %Y, %H:%M UTC");
    let since = notice.since.chrono().format("%-d %B %Y");
    let what = match notice.does {
        Do::Disable => "disabled",
        Do::Remove | Do::Transfer | Do::Revoke => "removed",
        Do::Restore => "restored",
    };
    let (product, tenant) = (&notice.product, &notice.tenant);
    let effect = &notice.effect;
    format!(
        "{greeting}\n\n\
         your account in {product} ({tenant}) has not been used since {since}.\n\
         If that stays so, it will be {what} on {date} at the earliest.\n\n\
         What this means: {effect}\n\n\
         To keep the account, sign in once before that date. Nothing else is needed.\n\
         If you have questions, answer this message.\n"
    )
}

/// The subject line of a warning.
pub fn subject(notice: &Notice) -> String {
    let day = notice.acts_at.chrono().format("%-d %B %Y");
    format!(
        "Your account in {} will be {}d on {day}",
        notice.product,
        notice.does.as_str()
    )
}

/// A value from outside on one line: no line break of it can start a header.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
