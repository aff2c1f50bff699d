//! How values are sealed in the vault, and how its keys follow from each other.

use std::fmt;
use std::path::Path;

use aws_lc_rs::aead;
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use crate::ledger::error::LedgerError;
use crate::ledger::keys;

/// 32 bytes that leave no trace in memory.
pub(crate) type Secret = Zeroizing<[u8; 32]>;

/// The key-encryption key: it opens the vault key and nothing else.
#[derive(Clone)]
pub struct Kek(Secret);

impl fmt::Debug for Kek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kek")
    }
}

impl Kek {
    /// Takes 32 bytes as they are.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Reads 64 hexadecimal digits; `None` for anything else.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut key = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.trim(), key.as_mut_slice()).ok()?;
        Some(Self(key))
    }

    /// Reads a file with 64 hexadecimal digits.
    ///
    /// A missing file is [`LedgerError::CannotJudge`], one with anything else in it
    /// [`LedgerError::WrongKey`].
    pub fn read(path: &Path) -> Result<Self, LedgerError> {
        let text = Zeroizing::new(keys::read(path)?);
        Self::from_hex(&text).ok_or(LedgerError::WrongKey)
    }

    /// The 64 digits, for the key file.
    pub(crate) fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(self.0.as_ref()))
    }

    pub(crate) fn secret(&self) -> &Secret {
        &self.0
    }
}

/// What a sealed value is bound to: its parts, each behind its length, so that no two different
/// lists give the same bytes.
pub(crate) fn bound(parts: &[&str]) -> Vec<u8> {
    let mut out = b"exeunt vault v1".to_vec();
    for part in parts {
        let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(part.as_bytes());
    }
    out
}

/// Seals with AES-256-GCM-SIV: 12 bytes nonce, then the ciphertext with its tag.
pub(crate) fn seal(key: &Secret, bound: &[u8], value: &[u8]) -> Result<Vec<u8>, LedgerError> {
    let key = aead::RandomizedNonceKey::new(&aead::AES_256_GCM_SIV, key.as_ref())
        .map_err(|_| LedgerError::Randomness)?;
    let mut sealed = value.to_vec();
    let nonce = key
        .seal_in_place_append_tag(aead::Aad::from(bound), &mut sealed)
        .map_err(|_| LedgerError::Randomness)?;
    let mut out = nonce.as_ref().to_vec();
    out.append(&mut sealed);
    Ok(out)
}

/// Opens what [`seal`] gave; `None` if key, binding or bytes are others.
pub(crate) fn open(key: &Secret, bound: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, rest) = sealed.split_at_checked(aead::NONCE_LEN)?;
    let key = aead::RandomizedNonceKey::new(&aead::AES_256_GCM_SIV, key.as_ref()).ok()?;
    let nonce = aead::Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut value = Zeroizing::new(rest.to_vec());
    let length = key
        .open_in_place(nonce, aead::Aad::from(bound), value.as_mut_slice())
        .ok()?
        .len();
    value.truncate(length);
    Some(value)
}

/// The keys that follow from the vault key, one for each use.
pub(crate) struct VaultKeys {
    /// Wraps the subjects' keys.
    pub(crate) wrap: Secret,
    /// Keys the look-up by immutable key and by address.
    index: hmac::Key,
    /// Keys the fingerprints of profiles.
    fingerprint: hmac::Key,
}

impl VaultKeys {
    pub(crate) fn of(vault_key: &Secret) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, vault_key.as_ref());
        let derive = |label: &str| {
            let mut out = Zeroizing::new([0; 32]);
            let tag = hmac::sign(&root, label.as_bytes());
            out.copy_from_slice(tag.as_ref());
            out
        };
        let mac = |label: &str| hmac::Key::new(hmac::HMAC_SHA256, derive(label).as_ref());
        Self {
            wrap: derive("exeunt vault v1 wrap"),
            index: mac("exeunt vault v1 index"),
            fingerprint: mac("exeunt vault v1 fingerprint"),
        }
    }

    /// The keyed form of a value to look up.
    pub(crate) fn lookup(&self, purpose: &str, kind: &str, source: &str, value: &str) -> Vec<u8> {
        let text = bound(&[purpose, kind, source, value]);
        hmac::sign(&self.index, &text).as_ref().to_vec()
    }

    /// The keyed form of a whole profile.
    pub(crate) fn fingerprint(&self, profile: &[u8]) -> Vec<u8> {
        hmac::sign(&self.fingerprint, profile).as_ref().to_vec()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn opens_only_with_the_same_key_and_binding() {
        let key = Zeroizing::new([1; 32]);
        let here = bound(&["origin", "entry", "reason", "s_1"]);
        let sealed = seal(&key, &here, b"went to a rival").unwrap();
        assert_eq!(
            open(&key, &here, &sealed).unwrap().as_slice(),
            b"went to a rival"
        );
        let there = bound(&["origin", "entry", "reason", "s_2"]);
        assert!(open(&key, &there, &sealed).is_none());
        assert!(open(&Zeroizing::new([2; 32]), &here, &sealed).is_none());
        for at in 0..sealed.len() {
            let mut bent = sealed.clone();
            *bent.get_mut(at).unwrap() ^= 1;
            assert!(open(&key, &here, &bent).is_none());
        }
        assert!(open(&key, &here, b"short").is_none());
    }

    #[test]
    fn parts_cannot_be_shifted_into_each_other() {
        assert_ne!(bound(&["ab", "c"]), bound(&["a", "bc"]));
        assert_ne!(bound(&["a"]), bound(&["a", ""]));
    }
}
