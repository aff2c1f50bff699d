//! Why a mail was not sent, by what the caller can do about it.

use lettre::transport::smtp::Error;

/// Why a mail was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// The relay will never take mail for this recipient: another try is pointless, another address
    /// is needed.
    #[error("{relay} refuses the recipient: {says}")]
    Recipient {
        /// The relay.
        relay: String,
        /// What it said; it may repeat the address, so it is for people only.
        says: String,
        /// The enhanced status, such as `5.1.1`, or the plain one, such as `550`.
        status: Option<String>,
    },
    /// Not now (4xx): the same mail can be tried again later.
    #[error("{relay} does not take the mail now: {says}")]
    Later {
        /// The relay.
        relay: String,
        /// What it said.
        says: String,
    },
    /// The relay does not take mails like this from us, whoever it is for.
    #[error("{relay} refuses the mail: {says}")]
    Refused {
        /// The relay.
        relay: String,
        /// What it said.
        says: String,
    },
    /// The relay cannot be reached, or broke off.
    #[error("{relay} cannot be reached: {says}")]
    Unreachable {
        /// The relay.
        relay: String,
        /// What happened.
        says: String,
    },
    /// The relay does not offer TLS, or somebody on the way has taken the offer out.
    #[error("{relay} does not offer STARTTLS, so that nothing was said to it")]
    NoTls {
        /// The relay.
        relay: String,
    },
    /// TLS failed: nobody knows whom we would talk to.
    #[error("no safe connection to {relay}: {says}")]
    Tls {
        /// The relay.
        relay: String,
        /// What the library said.
        says: String,
    },
    /// The relay does not let us sign in with a password.
    #[error("{relay} offers no way to sign in with a password (PLAIN or LOGIN)")]
    NoLogin {
        /// The relay.
        relay: String,
    },
    /// The relay does not accept user and password. What it said is left out: some repeat what they
    /// were sent.
    #[error("{relay} does not accept the user or the password{}", shown(.status))]
    Credentials {
        /// The relay.
        relay: String,
        /// The status, such as `535`.
        status: Option<String>,
    },
    /// The mail itself cannot be sent to anybody.
    #[error("the mail cannot be made: {says}")]
    Mail {
        /// What is wrong with it.
        says: String,
    },
    /// A setting is wrong.
    #[error("{says}")]
    Settings {
        /// Which.
        key: &'static str,
        /// What is wrong with it.
        says: String,
    },
}

fn shown(status: &Option<String>) -> String {
    status.as_ref().map_or(String::new(), |s| format!(" ({s})"))
}

/// How far the exchange had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Connect,
    Tls,
    Login,
    Sender,
    Recipient,
    Text,
}

impl MailError {
    pub(super) fn settings(key: &'static str, says: &str) -> Self {
        Self::Settings {
            key,
            says: says.to_owned(),
        }
    }

    /// Whether the same mail may go through later without anybody changing anything.
    pub const fn may_pass(&self) -> bool {
        matches!(self, Self::Later { .. } | Self::Unreachable { .. })
    }

    /// Whether it is about the relay, so that no other mail would go through either.
    pub const fn is_of_relay(&self) -> bool {
        !matches!(
            self,
            Self::Recipient { .. } | Self::Later { .. } | Self::Mail { .. }
        )
    }

    /// What can be done.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Recipient { .. } => "see which address the person has now",
            Self::Later { .. } | Self::Unreachable { .. } => {
                "nothing is lost: the next run tries again; `exeunt check` says whether the relay answers"
            }
            Self::Refused { .. } => "see whether the relay lets `from` in [smtp] send to others",
            Self::NoTls { .. } => {
                "see whether `host` and `port` in [smtp] are the relay's submission port, and whether \
                 somebody on the way takes STARTTLS out; security = \"tls\" is for port 465"
            }
            Self::Tls { .. } => {
                "the certificate must name `host` in [smtp]; `ca_file` there names an authority of \
                 your own"
            }
            Self::NoLogin { .. } => "see whether `port` in [smtp] is the relay's submission port",
            Self::Credentials { .. } => {
                "put the right `user` and `password` of [smtp] where they are read from"
            }
            Self::Mail { .. } => "see the address and the texts",
            Self::Settings { .. } => "see [smtp] in exeunt.toml",
        }
    }

    /// Sorts what the library says by how far the exchange had come.
    pub(super) fn of(phase: Phase, relay: String, error: &Error) -> Self {
        let says = one_line(&error.to_string());
        if error.is_tls() || phase == Phase::Tls && error.status().is_none() {
            return Self::Tls { relay, says };
        }
        let Some(code) = error.status() else {
            return Self::Unreachable { relay, says };
        };
        let code = code.to_string();
        let status = Some(enhanced(&says).unwrap_or(code));
        match (phase, error.is_permanent()) {
            (Phase::Login, true) => Self::Credentials { relay, status },
            (Phase::Recipient, true) if !is_policy(status.as_deref()) => Self::Recipient {
                relay,
                says,
                status,
            },
            (_, true) => Self::Refused { relay, says },
            (_, false) => Self::Later { relay, says },
        }
    }
}

/// Whether a status says that it is not the address that is wrong, but that we may not send
/// (X.7: policy; X.5.1 and X.5.2: the conversation).
fn is_policy(status: Option<&str>) -> bool {
    status.is_some_and(|s| s.starts_with("5.7.") || s.starts_with("5.5."))
}

/// The enhanced status (RFC 3463) in what a relay said: `5.1.1`.
fn enhanced(says: &str) -> Option<String> {
    let is_status = |word: &&str| {
        let parts: Vec<&str> = word.split('.').collect();
        let number =
            |part: &&str| (1..=3).contains(&part.len()) && part.bytes().all(|c| c.is_ascii_digit());
        parts.len() == 3 && parts.iter().all(number) && matches!(parts.first(), Some(&("4" | "5")))
    };
    let words = says.split(|c: char| c.is_whitespace() || c == ':' || c == '#');
    words
        .filter(|w| !w.is_empty())
        .find(is_status)
        .map(str::to_owned)
}

/// What came from outside, on one line and not endless.
fn one_line(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(300)
        .collect();
    line.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_found_in_what_a_relay_says() {
        assert_eq!(
            enhanced("permanent error (550): 5.1.1 no such user").as_deref(),
            Some("5.1.1")
        );
        assert_eq!(enhanced("permanent error (550): 10.0.0.1 says no"), None);
        assert_eq!(enhanced("version 5.1 of 5.1.x"), None);
        assert!(is_policy(Some("5.7.1")));
        assert!(!is_policy(Some("5.1.1")));
        assert!(!is_policy(Some("550")));
    }
}
