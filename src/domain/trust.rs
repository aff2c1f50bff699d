//! Whether a read that came to its end is believed.

use crate::domain::code::Code;
use crate::domain::rows::SourceRow;
use crate::domain::source::ReadProof;
use crate::domain::source::Verdict;

/// How much may be missing before a read is suspect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DropLimit {
    /// In per cent of what was known, rounded down.
    pub percent: u64,
    /// In any case.
    pub floor: u64,
}

impl DropLimit {
    /// The most of `known` that may be missing.
    pub fn of(self, known: u64) -> u64 {
        self.floor.max(known.saturating_mul(self.percent) / 100)
    }
}

/// What a read is compared with.
#[derive(Debug, Clone, Copy)]
pub struct Expectation<'a> {
    /// The source's earlier reads; `None` at the first.
    pub before: Option<&'a SourceRow>,
    /// How many were known to be there before this read.
    pub known: u64,
    /// How many of them this read did not have.
    pub missing: u64,
    /// How many canaries were not seen.
    pub canaries_missing: u64,
    /// How much may be missing.
    pub limit: DropLimit,
}

/// Judges a read that came to its formal end: complete, or suspect with the reasons.
///
/// A digest that an approver has released is believed in spite of a drop or a changed identity;
/// nothing is believed that is empty, has entries without a key, or lacks a canary.
pub fn judge(proof: &ReadProof, expected: &Expectation<'_>) -> (Verdict, Vec<Code>) {
    let mut faults: Vec<Code> = proof.faults.iter().map(|fault| Code::new(fault)).collect();
    if proof.count == 0 {
        faults.push(Code::new("read.empty"));
    }
    if proof.without_key > 0 {
        faults.push(Code::new("read.without-keys"));
    }
    if expected.canaries_missing > 0 {
        faults.push(Code::new("read.canary-missing"));
    }
    let released = expected
        .before
        .is_some_and(|b| b.released.contains(&proof.digest));
    if !released {
        let earlier = expected.before.and_then(|b| b.complete.as_ref());
        let identity = earlier
            .and_then(|read| read.proof.as_ref())
            .map(|p| &p.identity);
        if identity.is_some_and(|identity| *identity != proof.identity) {
            faults.push(Code::new("read.identity-changed"));
        }
        if expected.missing > expected.limit.of(expected.known) {
            faults.push(Code::new("read.drop"));
        }
    }
    let verdict = if faults.is_empty() {
        Verdict::Complete
    } else {
        Verdict::Suspect
    };
    (verdict, faults)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof(count: u64) -> ReadProof {
        ReadProof {
            count,
            digest: "sha256:a".to_owned(),
            ..ReadProof::default()
        }
    }

    fn expectation(known: u64, missing: u64) -> Expectation<'static> {
        let limit = DropLimit {
            percent: 10,
            floor: 3,
        };
        Expectation {
            before: None,
            known,
            missing,
            canaries_missing: 0,
            limit,
        }
    }

    #[test]
    fn an_empty_read_is_suspect_also_the_first() {
        let (verdict, because) = judge(&proof(0), &expectation(0, 0));
        assert_eq!(verdict, Verdict::Suspect);
        assert_eq!(because, vec![Code::new("read.empty")]);
    }

    #[test]
    fn a_drop_beyond_the_share_is_suspect_and_one_within_it_is_not() {
        assert_eq!(
            judge(&proof(90), &expectation(100, 10)).0,
            Verdict::Complete
        );
        let (verdict, because) = judge(&proof(89), &expectation(100, 11));
        assert_eq!(verdict, Verdict::Suspect);
        assert_eq!(because, vec![Code::new("read.drop")]);
    }

    #[test]
    fn in_a_small_directory_the_floor_counts() {
        assert_eq!(judge(&proof(9), &expectation(12, 3)).0, Verdict::Complete);
        assert_eq!(judge(&proof(8), &expectation(12, 4)).0, Verdict::Suspect);
    }
}
