//! Reads what mail systems report about mails (RFC 3464), from a mailbox file, a maildir or a single
//! message.
//!
//! What cannot be read is said to be unreadable, and never taken as delivered. A report can be
//! forged by whoever can write to the mailbox; what it can do is hold an account back, not more.

use std::path::Path;

use mail_parser::Message;
use mail_parser::MessageParser;
use mail_parser::MimeHeaders as _;
use mail_parser::PartType;

use crate::notify::Reason;

/// The largest mailbox that is read, in bytes.
const MOST: u64 = 256 * 1024 * 1024;

/// One message of a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Which message: its file, or its number in the mailbox.
    pub message: String,
    /// What it says; nothing if it is no report that can be read.
    pub report: Option<Report>,
}

/// What a mail system reports about one mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The left part of the Message-ID of the mail that it is about.
    pub mail: Option<String>,
    /// What became of it, by recipient.
    pub outcomes: Vec<Outcome>,
}

/// What became of a mail to one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The recipient, as the mail was addressed.
    pub recipient: Option<String>,
    /// What happened.
    pub end: End,
}

/// What became of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It will not arrive.
    Failed(Reason),
    /// It is in the mailbox.
    Delivered,
    /// Something else that says neither: still being tried, handed on to a system that reports
    /// nothing.
    Open,
}

/// Reads every message of a mailbox file (mbox), a maildir or a single message.
pub fn read(path: &Path) -> Result<Vec<Found>, std::io::Error> {
    if path.is_dir() {
        return maildir(path);
    }
    let bytes = bounded(path)?;
    if bytes.starts_with(b"From ") {
        let messages = mbox(&bytes);
        let numbered = messages.into_iter().zip(1..);
        return Ok(numbered
            .map(|(message, number)| found(format!("message {number}"), &message))
            .collect());
    }
    Ok(vec![found("message 1".to_owned(), &bytes)])
}

fn bounded(path: &Path) -> Result<Vec<u8>, std::io::Error> {
    if std::fs::metadata(path)?.len() > MOST {
        let says = "it is larger than a mailbox of reports should be; move old messages away";
        return Err(std::io::Error::new(std::io::ErrorKind::FileTooLarge, says));
    }
    std::fs::read(path)
}

fn maildir(path: &Path) -> Result<Vec<Found>, std::io::Error> {
    let folders = ["new", "cur"].map(|name| path.join(name));
    let present: Vec<_> = folders.iter().filter(|folder| folder.is_dir()).collect();
    if present.is_empty() {
        let says = "it is neither a file nor a maildir with `new` and `cur`";
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, says));
    }
    let mut files = Vec::new();
    for folder in present {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_file() {
                files.push(path);
            }
        }
    }
    files.sort();
    let mut all = Vec::new();
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        all.push(found(name.into_owned(), &bounded(&file)?));
    }
    Ok(all)
}

/// The messages of an mbox file: each begins with a line `From ` after an empty one; such lines in
/// a message have a `>` before them.
fn mbox(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut messages: Vec<Vec<u8>> = Vec::new();
    let mut after_empty = true;
    for line in bytes.split_inclusive(|c| *c == b'\n') {
        if after_empty && line.starts_with(b"From ") {
            messages.push(Vec::new());
        } else if let Some(message) = messages.last_mut() {
            let quoted = line.iter().position(|c| *c != b'>').unwrap_or(0);
            let is_quoted = quoted > 0
                && line
                    .get(quoted..)
                    .is_some_and(|rest| rest.starts_with(b"From "));
            let kept = if is_quoted { line.get(1..) } else { Some(line) };
            message.extend_from_slice(kept.unwrap_or_default());
        }
        after_empty = line.iter().all(|c| matches!(c, b'\r' | b'\n'));
    }
    messages
}

fn found(message: String, bytes: &[u8]) -> Found {
    let parsed = MessageParser::default().parse(bytes);
    Found {
        message,
        report: parsed.and_then(|parsed| report(&parsed)),
    }
}

fn report(message: &Message<'_>) -> Option<Report> {
    let mut statuses = None;
    let mut mail = None;
    for part in &message.parts {
        let Some(kind) = part.content_type() else {
            continue;
        };
        let subtype = kind.subtype().unwrap_or_default().to_ascii_lowercase();
        match (kind.ctype().to_ascii_lowercase().as_str(), subtype.as_str()) {
            ("message", "delivery-status" | "global-delivery-status") => {
                statuses = statuses.or(Some(text_of(&part.body)?));
            }
            ("message", "rfc822" | "global") => {
                if let PartType::Message(original) = &part.body {
                    mail = mail.or_else(|| original.message_id().map(left_part));
                }
            }
            ("text" | "message", "rfc822-headers" | "global-headers") => {
                let headers = text_of(&part.body)?;
                let original = MessageParser::default().parse_headers(headers.as_bytes());
                let id = original.and_then(|o| o.message_id().map(left_part));
                mail = mail.or(id);
            }
            _ => {}
        }
    }
    let outcomes = outcomes(&statuses?);
    (!outcomes.is_empty()).then_some(Report { mail, outcomes })
}

fn text_of(body: &PartType<'_>) -> Option<String> {
    match body {
        PartType::Text(text) | PartType::Html(text) => Some(text.to_string()),
        PartType::Binary(bytes) | PartType::InlineBinary(bytes) => {
            Some(String::from_utf8_lossy(bytes).into_owned())
        }
        PartType::Message(message) => {
            Some(String::from_utf8_lossy(message.raw_message()).into_owned())
        }
        PartType::Multipart(_) => None,
    }
}

/// `abc` of `<abc@house.example>`.
fn left_part(id: &str) -> String {
    let id = id.trim().trim_start_matches('<');
    id.split('@').next().unwrap_or_default().to_owned()
}

/// The groups of fields that are about one recipient each; the first group is about the mail.
fn outcomes(text: &str) -> Vec<Outcome> {
    let text = text
        .replace("\r\n", "\n")
        .replace("\n ", " ")
        .replace("\n\t", " ");
    let groups = text.split("\n\n").map(fields);
    groups.filter_map(|group| outcome(&group)).collect()
}

fn fields(group: &str) -> Vec<(String, String)> {
    group
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        .collect()
}

fn outcome(group: &[(String, String)]) -> Option<Outcome> {
    let field = |name: &str| {
        let found = group.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str())
    };
    let action = field("action")?.split_whitespace().next()?;
    let recipient = field("original-recipient").or(field("final-recipient"));
    // `rfc822; ada@house.example`
    let recipient = recipient
        .and_then(|r| r.split_once(';'))
        .map(|(_, r)| r.trim());
    let status = field("status").and_then(|s| s.split_whitespace().next());
    let end = match action.to_ascii_lowercase().as_str() {
        "failed" => End::Failed(reason(status)),
        "delivered" => End::Delivered,
        _ => End::Open,
    };
    Some(Outcome {
        recipient: recipient.map(|r| r.trim_matches(['<', '>']).to_owned()),
        end,
    })
}

/// A mail that failed for good although the status is one of those that pass was tried for too long.
fn reason(status: Option<&str>) -> Reason {
    match status {
        Some(status) if status.starts_with("4.") => Reason::Expired,
        Some(status) => Reason::of_status(Some(status)),
        None => Reason::Other,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests;
