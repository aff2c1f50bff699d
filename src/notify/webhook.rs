//! Signed webhooks, as standardwebhooks.com writes them down: a POST with JSON, an id that stays
//! the same when it is sent again, a time, and an HMAC over all three.

use std::fmt;
use std::path::Path;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::CONTENT_TYPE;
use zeroize::Zeroizing;

use crate::domain::time::Time;
use crate::notify::outbound::Outbound;
use crate::notify::outbound::OutboundError;

/// What a secret begins with that is written as base64.
const ENCODED: &str = "whsec_";

/// The fewest bytes that a secret may have.
const SHORTEST: usize = 16;

/// One receiver of signed messages.
pub struct Webhook {
    out: Outbound,
    key: hmac::Key,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Webhook({:?})", self.out)
    }
}

impl Webhook {
    /// Makes a receiver from its address and the secret that is shared with it: `whsec_` and
    /// base64, or any text of 16 bytes or more.
    pub fn new(address: &str, secret: &str, ca_file: Option<&Path>) -> Result<Self, OutboundError> {
        let bytes = match secret.strip_prefix(ENCODED) {
            None => Zeroizing::new(secret.as_bytes().to_vec()),
            Some(text) => Zeroizing::new(STANDARD.decode(text).map_err(|_| {
                OutboundError::settings("what follows `whsec_` in the secret is not base64")
            })?),
        };
        if bytes.len() < SHORTEST {
            return Err(OutboundError::settings(format!(
                "the secret is shorter than {SHORTEST} bytes; `openssl rand -base64 32` makes one"
            )));
        }
        Ok(Self {
            out: Outbound::new(address, ca_file)?,
            key: hmac::Key::new(hmac::HMAC_SHA256, &bytes),
        })
    }

    /// Whether nothing leaves this machine.
    pub const fn is_loopback(&self) -> bool {
        self.out.is_loopback()
    }

    /// Sends one JSON text, again under the same id where the receiver cannot be reached or says
    /// that it cannot now.
    ///
    /// A receiver may see it more than once; by the id it knows that it is the same.
    pub async fn send(&self, id: &str, at: Time, body: &str) -> Result<(), OutboundError> {
        let seconds = at.micros().div_euclid(1_000_000).to_string();
        let signature = self.signature(id, &seconds, body);
        self.out
            .deliver(|client, url| {
                client
                    .post(url)
                    .header(CONTENT_TYPE, "application/json")
                    .header("webhook-id", id)
                    .header("webhook-timestamp", &seconds)
                    .header("webhook-signature", &signature)
                    .body(body.to_owned())
            })
            .await
    }

    fn signature(&self, id: &str, seconds: &str, body: &str) -> String {
        let mut context = hmac::Context::with_key(&self.key);
        for part in [id, ".", seconds, ".", body] {
            context.update(part.as_bytes());
        }
        format!("v1,{}", STANDARD.encode(context.sign().as_ref()))
    }
}

/// An address that is asked for after each run, so that somebody else notices when none comes.
#[derive(Debug, Clone)]
pub struct Heartbeat(Outbound);

impl Heartbeat {
    /// Makes one from its address.
    pub fn new(address: &str) -> Result<Self, OutboundError> {
        Outbound::new(address, None).map(Self)
    }

    /// Whether nothing leaves this machine.
    pub const fn is_loopback(&self) -> bool {
        self.0.is_loopback()
    }

    /// Says that a run came to its end.
    pub async fn beat(&self) -> Result<(), OutboundError> {
        self.0.deliver(|client, url| client.get(url)).await
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// The example of the specification's reference implementations.
    #[test]
    fn signs_as_the_specification_does() {
        crate::tls::install_provider();
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let hook = Webhook::new("http://127.0.0.1:9/", secret, None).unwrap();
        let signature = hook.signature(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            "{\"test\": 2432232314}",
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_that_is_too_short_or_no_base64_is_refused_without_being_repeated() {
        for secret in ["short-secret", "whsec_%%%", "whsec_c2hvcnQ="] {
            let refused = Webhook::new("https://hooks.example.com/", secret, None).unwrap_err();
            assert!(!refused.to_string().contains(secret), "{refused}");
        }
    }
}
