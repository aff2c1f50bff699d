//! Mail over one relay by SMTP: notices to people, and plain mails to whoever runs the program.
//!
//! One recipient per mail, so that a refusal is about one person and nobody reads whom else it went
//! to. Nothing is said over a connection that is not encrypted, except on loopback. A mail counts
//! as sent only when the relay has taken its whole text (250 after the final dot).

pub mod error;
mod message;

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::authentication::Mechanism;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::client::Certificate;
use lettre::transport::smtp::client::TlsParameters;
use lettre::transport::smtp::commands::Data;
use lettre::transport::smtp::commands::Mail as MailFrom;
use lettre::transport::smtp::commands::Rcpt;
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::extension::Extension;
use lettre::transport::smtp::extension::MailParameter;
use zeroize::Zeroizing;

use crate::domain::time::Time;
use crate::notify::smtp::error::MailError;
use crate::notify::smtp::error::Phase;
use crate::notify::smtp::message::Ready;

/// How the connection to the relay is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// It begins in the clear and must become TLS before anything else is said (port 587).
    Starttls,
    /// TLS from the first byte on (port 465).
    Tls,
    /// None; only on loopback.
    Plain,
}

impl Security {
    /// The port that is usual for it.
    pub const fn usual_port(self) -> u16 {
        match self {
            Security::Starttls => 587,
            Security::Tls => 465,
            Security::Plain => 25,
        }
    }
}

/// As whom we sign in at the relay.
#[derive(Clone)]
pub struct Login {
    /// The name.
    pub user: Zeroizing<String>,
    /// The password.
    pub password: Zeroizing<String>,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(…)")
    }
}

/// Which relay, and how mails from us look.
#[derive(Debug, Clone)]
pub struct MailerSettings {
    /// The relay's name or address; its certificate must have it.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
    /// As whom we sign in, if the relay wants that.
    pub login: Option<Login>,
    /// A PEM file whose certificates are trusted beside the system's.
    pub ca_file: Option<PathBuf>,
    /// From whom mails come, as their readers see it: an address, or `Name <address>`.
    pub from: String,
    /// Where answers go; to `from` if nothing is said.
    pub reply_to: Option<String>,
    /// Where the relay sends reports of mails that it could not deliver; to `from` if nothing is
    /// said.
    pub bounces_to: Option<String>,
    /// How long the connection may take to be made.
    pub connect_limit: Duration,
    /// How long one mail may take, from the connection to the relay's last word.
    pub limit: Duration,
}

/// One mail to one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// What makes this mail the same one when it is tried again, as letters, digits, `-` and `.`:
    /// it becomes the left part of the Message-ID.
    pub id: String,
    /// To whom: an address.
    pub to: String,
    /// The subject, on one line.
    pub subject: String,
    /// The text, in lines that end with `\n`.
    pub text: String,
    /// The language of the text: `en`.
    pub language: Option<&'static str>,
    /// Where answers go, if elsewhere than the mailer's settings say.
    pub reply_to: Option<String>,
    /// When it was written.
    pub date: Time,
}

/// Sends mails over one relay.
#[derive(Debug, Clone)]
pub struct Mailer {
    settings: MailerSettings,
    from: Mailbox,
    reply_to: Option<Mailbox>,
    bounces_to: Mailbox,
}

/// How long a farewell may take; what is said there changes nothing.
const FAREWELL: Duration = Duration::from_secs(2);

impl Mailer {
    /// Takes the settings; contacts nobody.
    pub fn new(settings: MailerSettings) -> Result<Self, MailError> {
        let host = settings.host.as_str();
        let sound = |c: char| c.is_ascii_alphanumeric() || "-.:_".contains(c);
        if host.is_empty() || !host.chars().all(sound) {
            return Err(MailError::settings("host", "this is no name of a relay"));
        }
        if settings.security == Security::Plain && !is_loopback(host) {
            return Err(MailError::settings(
                "security",
                "a relay that is not on this machine is reached only by TLS",
            ));
        }
        let from = message::mailbox(&settings.from).ok_or_else(|| {
            MailError::settings("from", "this is no address that mails can come from")
        })?;
        let other = |key: &'static str, text: &Option<String>| match text {
            Some(text) => message::mailbox(text)
                .map(Some)
                .ok_or_else(|| MailError::settings(key, "this is no address")),
            None => Ok(None),
        };
        let reply_to = other("reply_to", &settings.reply_to)?;
        let bounces_to = other("bounces_to", &settings.bounces_to)?;
        Ok(Self {
            bounces_to: bounces_to.unwrap_or_else(|| from.clone()),
            settings,
            from,
            reply_to,
        })
    }

    /// The relay, as messages name it: `relay.example.com:587`.
    pub fn relay(&self) -> String {
        format!("{}:{}", self.settings.host, self.settings.port)
    }

    /// Whether the relay is on this machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.settings.host)
    }

    /// The Message-ID that a mail with this id has.
    pub fn message_id(&self, id: &str) -> String {
        format!("<{id}@{}>", self.from.email.domain())
    }

    /// Sends one mail. It is sent when this says so, and at no other time known to be: a mail that
    /// the relay did not confirm may have gone out all the same, and is the same mail (by its
    /// Message-ID) when it is tried again.
    pub async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let ready = message::ready(self, mail)?;
        let exchange = async {
            let mut relay = self.connect().await?;
            let taken = self.hand_over(&mut relay, &ready).await;
            Ok((relay, taken))
        };
        let (mut relay, taken) = self.in_time(exchange).await?;
        drop(tokio::time::timeout(FAREWELL, relay.quit()).await);
        taken
    }

    /// Connects and signs in, and sends nothing.
    pub async fn check(&self) -> Result<(), MailError> {
        let mut relay = self.in_time(self.connect()).await?;
        drop(tokio::time::timeout(FAREWELL, relay.quit()).await);
        Ok(())
    }

    async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, MailError>>,
    ) -> Result<T, MailError> {
        match tokio::time::timeout(self.settings.limit, work).await {
            Ok(result) => result,
            Err(_) => Err(MailError::Unreachable {
                relay: self.relay(),
                says: format!(
                    "it did not finish within {} seconds",
                    self.settings.limit.as_secs()
                ),
            }),
        }
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, MailError> {
        let settings = &self.settings;
        let failed = |phase, error| MailError::of(phase, self.relay(), &error);
        let hello = ClientId::default();
        let wrapped = match settings.security {
            Security::Tls => Some(self.tls()?),
            Security::Starttls | Security::Plain => None,
        };
        let mut relay = AsyncSmtpConnection::connect_tokio1(
            (settings.host.as_str(), settings.port),
            Some(settings.connect_limit),
            &hello,
            wrapped,
            None,
        )
        .await
        .map_err(|error| failed(Phase::Connect, error))?;
        if settings.security == Security::Starttls {
            // whoever takes the offer out on the way must not get to see a password
            if !relay.can_starttls() {
                relay.abort().await;
                return Err(MailError::NoTls {
                    relay: self.relay(),
                });
            }
            relay
                .starttls(self.tls()?, &hello)
                .await
                .map_err(|error| failed(Phase::Tls, error))?;
        }
        if let Some(login) = &settings.login {
            self.sign_in(&mut relay, login).await?;
        }
        Ok(relay)
    }

    async fn sign_in(
        &self,
        relay: &mut AsyncSmtpConnection,
        login: &Login,
    ) -> Result<(), MailError> {
        let mechanisms = [Mechanism::Plain, Mechanism::Login];
        let offers =
            |mechanism: &Mechanism| relay.server_info().supports_auth_mechanism(*mechanism);
        if !mechanisms.iter().any(offers) {
            relay.abort().await;
            return Err(MailError::NoLogin {
                relay: self.relay(),
            });
        }
        let credentials = Credentials::new(login.user.to_string(), login.password.to_string());
        let signed_in = relay.auth(&mechanisms, &credentials).await;
        signed_in
            .map(drop)
            .map_err(|error| MailError::of(Phase::Login, self.relay(), &error))
    }

    async fn hand_over(
        &self,
        relay: &mut AsyncSmtpConnection,
        ready: &Ready,
    ) -> Result<(), MailError> {
        let failed = |phase, error| MailError::of(phase, self.relay(), &error);
        let wide = relay
            .server_info()
            .supports_feature(Extension::SmtpUtfEight);
        if ready.needs_utf8 && !wide {
            return Err(MailError::Recipient {
                relay: self.relay(),
                says: "the relay takes no addresses with letters beyond ASCII".to_owned(),
                status: None,
            });
        }
        let parameters = match ready.needs_utf8 {
            true => vec![MailParameter::SmtpUtfEight],
            false => Vec::new(),
        };
        let from = Some(self.bounces_to.email.clone());
        relay
            .command(MailFrom::new(from, parameters))
            .await
            .map_err(|error| failed(Phase::Sender, error))?;
        relay
            .command(Rcpt::new(ready.to.clone(), Vec::new()))
            .await
            .map_err(|error| failed(Phase::Recipient, error))?;
        relay
            .command(Data)
            .await
            .map_err(|error| failed(Phase::Text, error))?;
        relay
            .message(&ready.bytes)
            .await
            .map(drop)
            .map_err(|error| failed(Phase::Text, error))
    }

    fn tls(&self) -> Result<TlsParameters, MailError> {
        let unfit = |says: String| MailError::Settings {
            key: "ca_file",
            says,
        };
        let mut builder = TlsParameters::builder(self.settings.host.clone());
        if let Some(path) = &self.settings.ca_file {
            let pem = std::fs::read(path)
                .map_err(|error| unfit(format!("{} cannot be read: {error}", path.display())))?;
            let certificates = Certificate::from_pem(&pem)
                .map_err(|_| unfit(format!("{} holds no certificates", path.display())))?;
            builder = builder.add_root_certificate(certificates);
        }
        builder
            .build()
            .map_err(|error| unfit(format!("TLS cannot be set up: {error}")))
    }
}

/// Whether a name or address is this machine.
pub fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
