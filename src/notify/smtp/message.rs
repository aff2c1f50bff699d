//! Makes the bytes of a mail; nothing from outside can add a header or a recipient.

use std::time::SystemTime;

use lettre::Address;
use lettre::Message;
use lettre::address::Envelope;
use lettre::message::Mailbox;
use lettre::message::SinglePart;
use lettre::message::header::ContentType;
use lettre::message::header::HeaderName;
use lettre::message::header::HeaderValue;

use crate::domain::time::Time;
use crate::notify::smtp::Mail;
use crate::notify::smtp::Mailer;
use crate::notify::smtp::error::MailError;

/// A mail as it goes over the wire.
pub(super) struct Ready {
    /// The recipient.
    pub(super) to: Address,
    /// Headers and text.
    pub(super) bytes: Vec<u8>,
    /// Whether its addresses have letters beyond ASCII.
    pub(super) needs_utf8: bool,
}

/// The longest subject, in characters.
const SUBJECT: usize = 200;
/// The longest text, in bytes.
const TEXT: usize = 256 * 1024;

/// Reads `address` or `Name <address>`.
pub(super) fn mailbox(text: &str) -> Option<Mailbox> {
    if text.chars().any(char::is_control) {
        return None;
    }
    text.parse().ok()
}

/// Makes a mail, or says why it cannot be one.
pub(super) fn ready(mailer: &Mailer, mail: &Mail) -> Result<Ready, MailError> {
    let unfit = |says: &str| MailError::Mail {
        says: says.to_owned(),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    if mail.id.is_empty() || mail.id.len() > 100 || !mail.id.chars().all(plain) {
        return Err(unfit("its id is not made of letters, digits, `-` and `.`"));
    }
    if mail.subject.chars().any(char::is_control) {
        return Err(unfit("its subject has a line break in it"));
    }
    if mail.subject.chars().count() > SUBJECT || mail.text.len() > TEXT {
        return Err(unfit("its subject or text is too long"));
    }
    let no_recipient = || MailError::Recipient {
        relay: mailer.relay(),
        says: "this is no address that mail can go to; nothing was sent".to_owned(),
        status: None,
    };
    let to = mailbox(&mail.to).filter(|to| to.name.is_none());
    let to = to.ok_or_else(no_recipient)?.email;
    let reply_to = match &mail.reply_to {
        Some(text) => Some(mailbox(text).ok_or_else(|| unfit("Reply-To is no address"))?),
        None => mailer.reply_to.clone(),
    };
    let message = build(mailer, mail, &to, reply_to)
        .map_err(|error| unfit(&format!("the library refuses it: {error}")))?;
    let wide = |address: &Address| !AsRef::<str>::as_ref(address).is_ascii();
    Ok(Ready {
        needs_utf8: wide(&to) || wide(&mailer.bounces_to.email),
        to,
        bytes: message.formatted(),
    })
}

fn build(
    mailer: &Mailer,
    mail: &Mail,
    to: &Address,
    reply_to: Option<Mailbox>,
) -> Result<Message, lettre::error::Error> {
    let envelope = Envelope::new(Some(mailer.bounces_to.email.clone()), vec![to.clone()])?;
    let mut builder = Message::builder()
        .envelope(envelope)
        .from(mailer.from.clone())
        .to(Mailbox::new(None, to.clone()))
        .subject(mail.subject.clone())
        .message_id(Some(mailer.message_id(&mail.id)))
        .date(system_time(mail.date))
        // so that no absence notes come back as answers
        .raw_header(header("Auto-Submitted", "auto-generated"));
    if let Some(language) = mail.language {
        builder = builder.raw_header(header("Content-Language", language));
    }
    if let Some(reply_to) = reply_to {
        builder = builder.reply_to(reply_to);
    }
    let part = SinglePart::builder()
        .header(ContentType::TEXT_PLAIN)
        .body(mail.text.replace('\n', "\r\n"));
    builder.singlepart(part)
}

fn header(name: &'static str, value: &'static str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

fn system_time(time: Time) -> SystemTime {
    time.chrono().into()
}
