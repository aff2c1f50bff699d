//! Randomness, and the identifiers made from it.

use std::fmt;

use aws_lc_rs::rand::SecureRandom;
use aws_lc_rs::rand::SystemRandom;
use uuid::Builder;
use uuid::Uuid;

use crate::domain::id::EntryId;
use crate::domain::id::RunId;
use crate::domain::id::Subject;
use crate::domain::time::Time;
use crate::ledger::error::LedgerError;

/// Gives random bytes.
pub trait Entropy: Send + Sync + fmt::Debug {
    /// Fills `out` with random bytes, or fails without having given any.
    fn fill(&self, out: &mut [u8]) -> Result<(), LedgerError>;
}

/// The machine's cryptographic randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, out: &mut [u8]) -> Result<(), LedgerError> {
        SystemRandom::new()
            .fill(out)
            .map_err(|_| LedgerError::Randomness)
    }
}

/// `N` random bytes.
pub(crate) fn bytes<const N: usize>(entropy: &dyn Entropy) -> Result<[u8; N], LedgerError> {
    let mut out = [0; N];
    entropy.fill(&mut out)?;
    Ok(out)
}

/// A UUIDv7 of a moment.
fn uuid_v7(now: Time, entropy: &dyn Entropy) -> Result<Uuid, LedgerError> {
    let millis = u64::try_from(now.micros().div_euclid(1000)).unwrap_or(0);
    let random = bytes::<10>(entropy)?;
    Ok(Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
}

/// A fresh id for an entry.
pub fn entry_id(now: Time, entropy: &dyn Entropy) -> Result<EntryId, LedgerError> {
    Ok(EntryId::new(uuid_v7(now, entropy)?.to_string()))
}

/// A fresh id for a run.
pub fn run_id(now: Time, entropy: &dyn Entropy) -> Result<RunId, LedgerError> {
    Ok(RunId::new(uuid_v7(now, entropy)?.to_string()))
}

/// A fresh pseudonym; nothing about the person goes into it.
pub fn subject(entropy: &dyn Entropy) -> Result<Subject, LedgerError> {
    let random = bytes::<16>(entropy)?;
    Ok(Subject::new(format!("s_{}", hex::encode(random))))
}

/// A fresh UUIDv4, for the vault's id.
pub(crate) fn uuid_v4(entropy: &dyn Entropy) -> Result<String, LedgerError> {
    let random = bytes::<16>(entropy)?;
    Ok(Builder::from_random_bytes(random).into_uuid().to_string())
}

/// The smallest UUIDv7 of a moment: every older id sorts before it.
pub(crate) fn oldest_id_of(moment: Time) -> String {
    let millis = u64::try_from(moment.micros().div_euclid(1000)).unwrap_or(0);
    Builder::from_unix_timestamp_millis(millis, &[0; 10])
        .into_uuid()
        .to_string()
}
