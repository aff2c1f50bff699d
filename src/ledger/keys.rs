//! The key files that `init` makes: the key-encryption key and the log's signing key.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::path::PathBuf;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::encoding::Pkcs8V1Der;
use aws_lc_rs::signature::Ed25519KeyPair;
use aws_lc_rs::signature::KeyPair;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::evidence::note::Algorithm;
use crate::evidence::note::VerifierKey;
use crate::ledger::error::LedgerError;

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

/// The key-encryption key's file in the key directory: 64 hexadecimal digits.
pub fn kek_path(keys: &Path) -> PathBuf {
    keys.join("kek")
}

/// The signing key's file in the key directory: an Ed25519 key, PKCS#8 in PEM.
pub fn log_key_path(keys: &Path) -> PathBuf {
    keys.join("log.key")
}

/// Reads a key file as text; at most 64 KiB.
pub(crate) fn read(path: &Path) -> Result<String, LedgerError> {
    let missing = |what: &str| {
        LedgerError::cannot_judge(
            format!("the key file {} {what}", path.display()),
            "put it back from where it is kept",
        )
    };
    match fs::metadata(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Err(missing("is missing")),
        Ok(about) if about.len() > 65_536 => return Err(missing("is no key file")),
        _ => {}
    }
    match fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(e) if e.kind() == ErrorKind::InvalidData => Err(missing("is no key file")),
        Err(e) => {
            let what = format!("the key file {} cannot be read", path.display());
            Err(LedgerError::unavailable(what, e))
        }
    }
}

/// Reads the log's signing key.
pub fn read_log_key(path: &Path) -> Result<Ed25519KeyPair, LedgerError> {
    let text = Zeroizing::new(read(path)?);
    let body: Zeroizing<String> = Zeroizing::new(
        text.trim()
            .strip_prefix(BEGIN)
            .and_then(|rest| rest.strip_suffix(END))
            .unwrap_or_default()
            .split_whitespace()
            .collect(),
    );
    STANDARD
        .decode(body.as_bytes())
        .ok()
        .map(Zeroizing::new)
        .and_then(|der| Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).ok())
        .ok_or_else(|| {
            LedgerError::cannot_judge(
                format!("{} is not an Ed25519 key in PEM", path.display()),
                "put it back from where it is kept",
            )
        })
}

/// A signing key from its 32 secret bytes, and its file's text.
pub(crate) fn log_key_from(seed: &[u8; 32]) -> Option<(Ed25519KeyPair, Zeroizing<String>)> {
    let pair = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
    let der: Pkcs8V1Der<'_> = pair.as_der().ok()?;
    let body = Zeroizing::new(STANDARD.encode(der.as_ref()));
    let mut text = Zeroizing::new(format!("{BEGIN}\n"));
    for (at, c) in body.chars().enumerate() {
        if at > 0 && at % 64 == 0 {
            text.push('\n');
        }
        text.push(c);
    }
    text.push('\n');
    text.push_str(END);
    text.push('\n');
    Some((pair, text))
}

/// The verifier key as C2SP signed-note writes it: name, key id, algorithm 1 and public key.
pub fn verifier_key(name: &str, pair: &Ed25519KeyPair) -> String {
    VerifierKey::new(name, Algorithm::Ed25519, pair.public_key().as_ref()).to_string()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_written_key_is_read_back() {
        let place = tempfile::tempdir().unwrap();
        let path = log_key_path(place.path());
        let (pair, text) = log_key_from(&[9; 32]).unwrap();
        fs::write(&path, text.as_bytes()).unwrap();
        let read = read_log_key(&path).unwrap();
        assert_eq!(read.public_key().as_ref(), pair.public_key().as_ref());
        fs::write(&path, "something else").unwrap();
        assert!(matches!(
            read_log_key(&path),
            Err(LedgerError::CannotJudge { .. })
        ));
    }
}
