//! The trust gate: whether a read that came to its end is believed.
//!
//! Each rule is one function; `RULES` lists them. What a rule finds is a code, and the code says
//! what can settle it:
//!
//! | found | code | settled by |
//! |---|---|---|
//! | the adapter itself names a fault | its own | nobody |
//! | nobody is there | `read.empty` | nobody |
//! | entries without a key | `read.without-keys` | nobody |
//! | a canary is not there | `read.canary-missing` | nobody |
//! | somebody is there who must not be seen | `read.forbidden-present` | nobody |
//! | another base, filter, bind name, server list or setting than at the last complete read | `read.base-changed`, `read.filter-changed`, `read.bind-changed`, `read.server-changed`, `read.signals-changed`, `read.identity-changed` | a release |
//! | more are missing than may be | `read.drop` | a release |
//! | a server that no complete read has shown | `read.other-server` | a second read |
//! | a known server with another database | `read.database-changed` | a second read |
//! | a known server whose changes have stepped back | `read.change-stepped-back` | a second read |
//! | look-ups by key find those whom the read does not have | `read.contradicted-by-look-up` | a second read |
//!
//! A release is an approver's word on the digest of a read, after seeing what it would mean. A
//! second read is a whole one of the same server with the same mark, or one that has gone on from
//! there. Both the doubt and what settled it stand in the entries of the reads.

use crate::domain::code::Code;
use crate::domain::policy::Limits;
use crate::domain::rows::ReadRow;
use crate::domain::rows::SourceRow;
use crate::domain::source::ReadMemory;
use crate::domain::source::ReadProof;
use crate::domain::source::SeenServer;
use crate::domain::source::ServerMark;
use crate::domain::source::Verdict;

/// The read was made before the ledger was reopened from an older copy: nothing rests on it.
pub const BEFORE_REOPENING: &str = "read.before-reopening";

/// Why a read is complete although something spoke against it: an approver has released it.
pub const BY_RELEASE: &str = "read.believed-by-release";

/// Why a read is complete although something spoke against it: it is the second to show so.
pub const CONFIRMED: &str = "read.confirmed";

/// The code of a read that look-ups by key contradict.
pub const CONTRADICTED: &str = "read.contradicted-by-look-up";

/// The code of a complete read that look-ups by key agree with, after one that they contradicted.
pub const AGREED: &str = "read.agreed-by-look-up";

/// So many look-ups by key must find somebody before they contradict a read.
const CONTRADICTIONS: u64 = 3;

/// So many servers of one source are remembered.
const MAX_SERVERS: usize = 32;

/// How much may be missing before a read is suspect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DropLimit {
    /// In per cent of what was known, rounded down.
    pub percent: u64,
    /// In any case.
    pub floor: u64,
}

impl From<&Limits> for DropLimit {
    fn from(limits: &Limits) -> Self {
        Self {
            percent: limits.max_drop_percent,
            floor: limits.max_drop_floor,
        }
    }
}

impl DropLimit {
    /// The most of `known` that may be missing.
    pub fn of(self, known: u64) -> u64 {
        self.floor.max(known.saturating_mul(self.percent) / 100)
    }
}

/// What a read is compared with.
#[derive(Debug, Clone, Copy, Default)]
pub struct Expectation<'a> {
    /// The source's earlier reads; `None` at the first.
    pub before: Option<&'a SourceRow>,
    /// How many were known to be there before this read; whoever was deleted there is not.
    pub known: u64,
    /// How many of them this read did not have; a tombstone is no gap.
    pub missing: u64,
    /// How many of those in this read are tombstones.
    pub tombstones: u64,
    /// How many canaries were not seen.
    pub canaries_missing: u64,
    /// How many were seen who must not be.
    pub forbidden_present: u64,
    /// How much may be missing.
    pub limit: DropLimit,
}

impl<'a> Expectation<'a> {
    fn memory(&self) -> Option<&'a ReadMemory> {
        self.before.map(|before| &before.memory)
    }

    /// What the newest complete read rests on.
    fn complete(&self) -> Option<&'a ReadProof> {
        self.before?.complete.as_ref()?.proof.as_ref()
    }
}

/// What makes a read with some fault believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Nothing: the cause must be mended.
    Nothing,
    /// An approver's word on its digest.
    Release,
    /// A second whole read that shows the same.
    SecondRead,
}

/// What settles a fault; what is not known is settled by nothing.
pub fn remedy(code: &Code) -> Remedy {
    match code.as_str() {
        "read.base-changed"
        | "read.filter-changed"
        | "read.bind-changed"
        | "read.server-changed"
        | "read.signals-changed"
        | "read.identity-changed"
        | "read.older-than-last"
        | "read.drop" => Remedy::Release,
        "read.other-server"
        | "read.database-changed"
        | "read.change-stepped-back"
        | CONTRADICTED => Remedy::SecondRead,
        _ => Remedy::Nothing,
    }
}

/// Whether an approver's word is what a suspect read waits for.
pub fn is_releasable(because: &[Code]) -> bool {
    let settled_by = |wanted: Remedy| move |code: &Code| remedy(code) == wanted;
    because.iter().any(settled_by(Remedy::Release))
        && !because.iter().any(settled_by(Remedy::Nothing))
}

/// Finds what speaks against a read.
type Rule = fn(&ReadProof, &Expectation<'_>) -> Vec<Code>;

/// Every rule, in the order in which what they find is said.
const RULES: &[Rule] = &[
    stated,
    nobody,
    without_keys,
    canaries,
    forbidden,
    identity,
    server,
    older,
    shrunk,
];

/// Judges a read that came to its formal end: complete, or suspect with the reasons. A complete
/// one has reasons where something spoke against it and is settled.
pub fn judge(proof: &ReadProof, expected: &Expectation<'_>) -> (Verdict, Vec<Code>) {
    let mut faults = Vec::new();
    let mut settled = Vec::new();
    for code in RULES.iter().flat_map(|rule| rule(proof, expected)) {
        match remedy(&code) {
            Remedy::Release if is_released(proof, expected) => settled.push(BY_RELEASE),
            Remedy::SecondRead if is_second(proof, expected) => settled.push(CONFIRMED),
            _ if faults.contains(&code) => {}
            _ => faults.push(code),
        }
    }
    if !faults.is_empty() {
        return (Verdict::Suspect, faults);
    }
    settled.sort_unstable();
    settled.dedup();
    (
        Verdict::Complete,
        settled.into_iter().map(Code::new).collect(),
    )
}

/// Judges a complete read again after those whom it did not have were looked up by key: `asked`
/// got an answer, and `found` of them are there.
///
/// Somebody who fell out of the filter is found as well, so that a few prove nothing, and many
/// only until it has happened again in the next round: then it is how the source is set up. That ends
/// with a read of whose missing most are not found by key either: what comes later is a new matter.
pub fn contradiction(
    before: Option<&SourceRow>,
    asked: u64,
    found: u64,
) -> Option<(Verdict, Code)> {
    let earlier = before.and_then(|before| before.memory.contradicted);
    if asked > 0 && found.saturating_mul(2) <= asked {
        return earlier.map(|_| (Verdict::Complete, Code::new(AGREED)));
    }
    if found < CONTRADICTIONS {
        return None;
    }
    Some(match earlier {
        Some(_) => (Verdict::Complete, Code::new(CONFIRMED)),
        None => (Verdict::Suspect, Code::new(CONTRADICTED)),
    })
}

/// Takes one more read into what is remembered.
pub fn remember(memory: &mut ReadMemory, read: &ReadRow) {
    let proof = read.proof.as_ref();
    let mark = proof.and_then(|proof| proof.server.as_ref());
    let seen = proof.zip(mark).map(|(proof, mark)| {
        let seen = SeenServer {
            seq: read.seq,
            identity: proof.identity.clone(),
            database: mark.database.clone(),
            change: mark.change,
        };
        (mark.name.clone(), seen)
    });
    if read.verdict == Verdict::Complete {
        memory.unbroken = memory.unbroken.or(Some(read.seq));
        if let Some((name, seen)) = seen {
            memory.doubted.remove(&name);
            memory.servers.insert(name, seen);
            forget_oldest(memory);
        }
        let agreed = read.because.iter().any(|code| code.as_str() == AGREED);
        if agreed || read.missing == Some(0) {
            memory.contradicted = None;
        }
        return;
    }
    memory.unbroken = None;
    let mendable = |code: &Code| remedy(code) != Remedy::Nothing;
    if read.verdict != Verdict::Suspect || !read.because.iter().all(mendable) {
        memory.doubted.clear();
        return;
    }
    let is = |code: &str| read.because.iter().any(|c| c.as_str() == code);
    if is(CONTRADICTED) {
        memory.contradicted = Some(read.seq);
    }
    let is_doubted =
        |code: &Code| remedy(code) == Remedy::SecondRead && code.as_str() != CONTRADICTED;
    if let Some((name, seen)) = seen.filter(|_| read.because.iter().any(is_doubted)) {
        memory.doubted.insert(name, seen);
        forget_oldest(memory);
    }
}

fn forget_oldest(memory: &mut ReadMemory) {
    for servers in [&mut memory.servers, &mut memory.doubted] {
        while servers.len() > MAX_SERVERS {
            let oldest = servers.iter().min_by_key(|(_, seen)| seen.seq);
            let Some(name) = oldest.map(|(name, _)| name.clone()) else {
                return;
            };
            servers.remove(&name);
        }
    }
}

fn is_released(proof: &ReadProof, expected: &Expectation<'_>) -> bool {
    expected
        .before
        .is_some_and(|before| before.released.contains(&proof.digest))
}

/// Whether the read is the second one that shows a server as it was doubted: the same database, no
/// step back since, and nothing else about the source has changed in between.
fn is_second(proof: &ReadProof, expected: &Expectation<'_>) -> bool {
    let (Some(mark), Some(memory)) = (&proof.server, expected.memory()) else {
        return false;
    };
    memory.doubted.get(&mark.name).is_some_and(|first| {
        first.identity == proof.identity
            && first.database == mark.database
            && first.change <= mark.change
    })
}

fn stated(proof: &ReadProof, _: &Expectation<'_>) -> Vec<Code> {
    proof.faults.iter().map(|fault| Code::new(fault)).collect()
}

/// Tombstones alone are nobody.
fn nobody(proof: &ReadProof, expected: &Expectation<'_>) -> Vec<Code> {
    found(proof.count <= expected.tombstones, "read.empty")
}

fn without_keys(proof: &ReadProof, _: &Expectation<'_>) -> Vec<Code> {
    found(proof.without_key > 0, "read.without-keys")
}

fn canaries(_: &ReadProof, expected: &Expectation<'_>) -> Vec<Code> {
    found(expected.canaries_missing > 0, "read.canary-missing")
}

fn forbidden(_: &ReadProof, expected: &Expectation<'_>) -> Vec<Code> {
    found(expected.forbidden_present > 0, "read.forbidden-present")
}

/// What is asked for, where and as whom, beside the last complete read: each part that is another.
fn identity(proof: &ReadProof, expected: &Expectation<'_>) -> Vec<Code> {
    let Some(earlier) = expected.complete() else {
        return Vec::new();
    };
    if earlier.identity == proof.identity {
        return Vec::new();
    }
    let parts = [
        ("base", "read.base-changed"),
        ("bind", "read.bind-changed"),
        ("filter", "read.filter-changed"),
        ("server", "read.server-changed"),
        ("signals", "read.signals-changed"),
    ];
    let changed = parts
        .iter()
        .filter(|(part, _)| earlier.about.get(*part) != proof.about.get(*part));
    let mut codes: Vec<Code> = changed.map(|(_, code)| Code::new(code)).collect();
    // a server of another make, other columns of a file, further attributes
    if codes.is_empty() {
        codes.push(Code::new("read.identity-changed"));
    }
    codes
}

/// Which server answered, beside what complete reads have shown of it.
fn server(proof: &ReadProof, expected: &Expectation<'_>) -> Vec<Code> {
    let (Some(mark), Some(memory)) = (&proof.server, expected.memory()) else {
        return Vec::new();
    };
    if memory.servers.is_empty() {
        return Vec::new();
    }
    let code = match memory.servers.get(&mark.name) {
        None => "read.other-server",
        Some(seen) => match stepped(seen, mark) {
            None => return Vec::new(),
            Some(code) => code,
        },
    };
    vec![Code::new(code)]
}

/// How a known server is not the one that it was. A number that it does not show any more is a step
/// back as well.
fn stepped(seen: &SeenServer, mark: &ServerMark) -> Option<&'static str> {
    if seen.database != mark.database {
        return Some("read.database-changed");
    }
    (mark.change < seen.change).then_some("read.change-stepped-back")
}

fn shrunk(_: &ReadProof, expected: &Expectation<'_>) -> Vec<Code> {
    let most = expected.limit.of(expected.known);
    found(expected.missing > most, "read.drop")
}

fn older(proof: &ReadProof, expected: &Expectation<'_>) -> Vec<Code> {
    found(is_older(proof, expected.complete()), "read.older-than-last")
}

fn found(is: bool, code: &str) -> Vec<Code> {
    is.then(|| Code::new(code)).into_iter().collect()
}

/// Whether a file was written before the one of the last complete read, and is not the same one:
/// a copy of the same file under an older date says nothing old.
fn is_older(proof: &ReadProof, last: Option<&ReadProof>) -> bool {
    let Some(last) = last else { return false };
    let same = proof.content.is_some() && proof.content == last.content;
    match (proof.written_at, last.written_at) {
        (Some(now), Some(then)) => now < then && !same,
        _ => false,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests;
