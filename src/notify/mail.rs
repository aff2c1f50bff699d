//! Warnings as mails over a relay.

use async_trait::async_trait;

use crate::notify::Delivery;
use crate::notify::Notice;
use crate::notify::Notifier;
use crate::notify::NotifyError;
use crate::notify::smtp::Mail;
use crate::notify::smtp::Mailer;
use crate::notify::text::Library;

/// Sends each warning as a mail of its own.
#[derive(Debug, Clone)]
pub struct MailNotifier {
    /// The relay.
    pub mailer: Mailer,
    /// The texts.
    pub texts: Library,
    /// Where answers go.
    pub reply_to: Option<String>,
}

impl MailNotifier {
    /// The mail that a warning becomes.
    fn mail(&self, notice: &Notice) -> Mail {
        let written = self.texts.write(notice, self.reply_to.as_deref());
        Mail {
            id: notice.id(),
            to: notice.to.clone(),
            subject: written.subject,
            text: written.text,
            language: Some(notice.language.code()),
            reply_to: self.reply_to.clone(),
            date: notice.at,
        }
    }
}

#[async_trait]
impl Notifier for MailNotifier {
    fn channel(&self) -> &'static str {
        "smtp"
    }

    async fn send(&self, notice: &Notice) -> Result<Delivery, NotifyError> {
        self.mailer.send(&self.mail(notice)).await?;
        Ok(Delivery::Accepted)
    }

    fn is_loopback(&self) -> bool {
        self.mailer.is_loopback()
    }
}
