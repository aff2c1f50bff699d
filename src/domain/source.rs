//! Reads of directories and tenants, and what they prove.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::account::Signal;
use crate::domain::id::Seq;
use crate::domain::time::Time;

/// What kind of source was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceKind {
    /// Where people are known.
    Directory,
    /// Where accounts are.
    Tenant,
}

/// What a read is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Everything was seen; only this can show that somebody is absent.
    Complete,
    /// Something was seen, the end was not.
    Partial,
    /// Nothing usable was seen.
    Failed,
    /// The answer was formally whole and is not believed.
    Suspect,
}

/// What one read rests on; goes into its entry as it is, free of personal values.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadProof {
    /// Digest over what identifies the source: server identity, base, filter, bind identity
    /// (`sha256:` and base64). A change makes the next read suspect.
    pub identity: String,
    /// The parts of that identity, each as text that names no person (`base`, `filter`, `server`).
    pub about: BTreeMap<String, String>,
    /// Pages received.
    pub pages: u64,
    /// Items received (people or accounts).
    pub count: u64,
    /// The total that the source itself named, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stated_total: Option<u64>,
    /// Entries that had no usable key.
    pub without_key: u64,
    /// Referrals that were seen and not followed.
    pub referrals: u64,
    /// Digest over the sorted keys of everything seen (`sha256:` and base64): equal reads are equal.
    pub digest: String,
    /// Digest over everything in the source, where that is one file (`sha256:` and base64): equal
    /// files are equal, whatever their dates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Which server answered, and how far its record had come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerMark>,
    /// How often each result code came, by its number (LDAP: RFC 4511, 4.1.9).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub results: BTreeMap<String, u64>,
    /// When the source was written, where it is a file or says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written_at: Option<Time>,
    /// Why the read is not complete, as codes (`read.timeout`, `read.empty`, …); empty if it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
}

/// Which server gave an answer, and how far its record of changes had come.
///
/// A server that is put back to an older state (a snapshot of a domain controller) shows it here:
/// the same database with a smaller number, or the same server with another database.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerMark {
    /// The server's own name for itself (`dnsHostName`, `dsServiceName`; else scheme, host, port).
    pub name: String,
    /// The identity of its database (`invocationId`; a serverID), where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// The number of its newest change (`highestCommittedUSN`), where it counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<u64>,
}

/// What the earlier reads of a source leave behind for the judgement of the next one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ReadMemory {
    /// The first of the complete reads that follow each other up to now; none after any other read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unbroken: Option<Seq>,
    /// The servers that complete reads have shown, by their names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub servers: BTreeMap<String, SeenServer>,
    /// The servers whose changed mark a second whole read has still to confirm, by their names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub doubted: BTreeMap<String, SeenServer>,
    /// The newest read that look-ups by key contradicted, until they agree with a later one or nobody
    /// is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contradicted: Option<Seq>,
}

impl ReadMemory {
    /// Whether there is nothing to remember.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A server as one read showed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenServer {
    /// The read.
    pub seq: Seq,
    /// What identified the source in that read.
    pub identity: String,
    /// The identity of the server's database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// The number of its newest change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<u64>,
}

/// What it would mean to believe a read that is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rehearsal {
    /// How many of those who were known to be there it does not have.
    pub missing: u64,
    /// How many it has who were never seen before.
    pub new: u64,
    /// How many it shows as having left who had not left so far, by what it says of them.
    pub departing: u64,
}

/// How far one signal of activity can be believed after a read; cumulative over reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignalProof {
    /// Which signal.
    pub signal: Signal,
    /// Whether the walk was whole in this read; if not, the older horizon goes on to hold only for
    /// the time before the last whole walk, and silence proves nothing now.
    pub complete: bool,
    /// Why it was not, as a code (`activity.downgraded`, `read.http-500`, …).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// Everything since here is known, up to `until`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub horizon: Option<Time>,
    /// When the last whole walk began: what came later is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
    /// How long a person may go on being active after the event that was seen, in seconds
    /// (session lifetime); absent where it cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision_s: Option<u64>,
    /// Where the next walk may stop: the highest event id of the last whole walk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watermark: Option<u64>,
    /// Pages fetched in this walk.
    pub pages: u64,
    /// Events seen in this walk, of all kinds.
    pub events: u64,
}
