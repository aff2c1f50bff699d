//! Hiding commitments: what stands in an entry in place of a personal value.

use std::fmt;

use aws_lc_rs::constant_time;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// What every commitment begins with.
pub const PREFIX: &str = "hmac-sha256:";

/// The key and the value behind a commitment; whoever has both can check it.
#[derive(Clone, PartialEq, Eq)]
pub struct Opening {
    /// The 32 random bytes under which the value was committed.
    pub key: Zeroizing<[u8; 32]>,
    /// The value, as bytes.
    pub value: Vec<u8>,
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opening").finish_non_exhaustive()
    }
}

impl Opening {
    /// The commitment: `hmac-sha256:` and the standard base64 of HMAC-SHA-256(key, value).
    pub fn commitment(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(self.tag().as_ref()))
    }

    /// Whether this is what stands behind `commitment`.
    pub fn opens(&self, commitment: &str) -> bool {
        let Some(tag) = commitment
            .strip_prefix(PREFIX)
            .and_then(|text| STANDARD.decode(text).ok())
        else {
            return false;
        };
        constant_time::verify_slices_are_equal(&tag, self.tag().as_ref()).is_ok()
    }

    fn tag(&self) -> hmac::Tag {
        hmac::sign(
            &hmac::Key::new(hmac::HMAC_SHA256, self.key.as_ref()),
            &self.value,
        )
    }
}

/// Whether a text has the shape of a commitment.
pub fn is_commitment(text: &str) -> bool {
    text.strip_prefix(PREFIX)
        .and_then(|rest| STANDARD.decode(rest).ok())
        .is_some_and(|tag| tag.len() == 32)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_vector_of_rfc_4231() {
        // RFC 4231, test case 2, has the key "Jefe"; HMAC pads keys with zeros, so 32 bytes of it
        // give the same tag.
        let mut key = [0; 32];
        key.get_mut(..4).unwrap().copy_from_slice(b"Jefe");
        let opening = Opening {
            key: Zeroizing::new(key),
            value: b"what do ya want for nothing?".to_vec(),
        };
        let tag = hex::decode("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        let wanted = format!("{PREFIX}{}", STANDARD.encode(tag.unwrap()));
        assert_eq!(opening.commitment(), wanted);
        assert!(opening.opens(&wanted));
        assert!(is_commitment(&wanted));
    }

    #[test]
    fn another_value_or_key_does_not_open_it() {
        let opening = Opening {
            key: Zeroizing::new([7; 32]),
            value: b"ada@example.com".to_vec(),
        };
        let commitment = opening.commitment();
        let mut other = opening.clone();
        other.value = b"bob@example.com".to_vec();
        assert!(!other.opens(&commitment));
        let mut other = opening;
        other.key = Zeroizing::new([8; 32]);
        assert!(!other.opens(&commitment));
        assert!(!other.opens("ada@example.com"));
    }
}
