//! Reads directories and tenants, and appends what they showed.
//!
//! A read is taken to its end before anything of it is recorded. What was voided or is not believed
//! leaves one entry, which says so, and nothing else.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::domain::code::Code;
use crate::domain::event::Draft;
use crate::domain::event::SourceRead;
use crate::domain::event::Src;
use crate::domain::fold::source_key;
use crate::domain::id::EntryId;
use crate::domain::id::Seq;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::rows::Kind;
use crate::domain::rows::SourceRow;
use crate::domain::source::ReadProof;
use crate::domain::source::Rehearsal;
use crate::domain::source::SignalProof;
use crate::domain::source::SourceKind;
use crate::domain::source::Verdict;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::Run;
use crate::engine::tell;
use crate::ledger::vault::Profile;
use crate::provider::http::patience;
use crate::provider::http::patience::Reason;

/// What one read came to.
#[derive(Debug)]
pub struct Synced {
    /// Which source.
    pub source: SourceName,
    /// Directory or tenant.
    pub kind: SourceKind,
    /// What the read is worth.
    pub verdict: Verdict,
    /// Why it is not complete.
    pub because: Vec<Code>,
    /// How many people or accounts it showed.
    pub count: u64,
    /// How many of those known were not there.
    pub missing: u64,
    /// What it would mean to believe the read, where it came to its end and is not believed.
    pub rehearsal: Option<Rehearsal>,
    /// How many entries it led to, its own left out.
    pub changes: u64,
    /// The position of its own entry.
    pub seq: Seq,
    /// Its digest, by which a suspect one is released.
    pub digest: Option<String>,
    /// How far each signal of activity can be believed.
    pub activity: Vec<SignalProof>,
    /// Protected addresses that stand for nobody in the tenant.
    pub unmatched: Vec<String>,
    /// The error, where there was one.
    pub error: Option<EngineError>,
}

/// A read that is about to be recorded.
pub(super) struct Reading {
    pub(super) source: SourceName,
    pub(super) kind: SourceKind,
    pub(super) adapter: String,
    pub(super) verdict: Verdict,
    pub(super) because: Vec<Code>,
    pub(super) proof: Option<ReadProof>,
    pub(super) missing: Option<u64>,
    pub(super) canaries: Vec<Subject>,
    pub(super) canaries_missing: Option<u64>,
    pub(super) forbidden_present: Option<u64>,
    pub(super) rehearsal: Option<Rehearsal>,
    pub(super) activity: Vec<SignalProof>,
}

impl Reading {
    /// A read of which nothing is known yet but what it is worth.
    pub(super) fn new(
        kind: SourceKind,
        source: &SourceName,
        adapter: &str,
        verdict: Verdict,
        because: Vec<Code>,
    ) -> Self {
        Self {
            source: source.clone(),
            kind,
            adapter: adapter.to_owned(),
            verdict,
            because,
            proof: None,
            missing: None,
            canaries: Vec::new(),
            canaries_missing: None,
            forbidden_present: None,
            rehearsal: None,
            activity: Vec::new(),
        }
    }
}

impl Engine {
    /// Reads the named sources, or all: tenants after directories, so that accounts find their
    /// people. One that fails does not keep the others from being read.
    pub async fn sync(&self, run: &Run, only: &[String]) -> Result<Vec<Synced>, EngineError> {
        let wanted = |name: &SourceName| only.is_empty() || only.iter().any(|o| o == name.as_str());
        self.know_sources(only)?;
        let mut all = Vec::new();
        for directory in self.directories.iter().filter(|d| wanted(&d.name)) {
            let read = self.sync_directory(run, directory);
            let synced = self.aloud(&directory.name, read).await?;
            self.tell(&synced);
            all.push(synced);
        }
        for tenant in self.tenants.iter().filter(|t| wanted(&t.name)) {
            let read = self.sync_tenant(run, tenant);
            let synced = self.aloud(&tenant.name, read).await?;
            self.tell(&synced);
            all.push(synced);
        }
        self.link_accounts(run)?;
        self.ledger.sync()?;
        Ok(all)
    }

    /// Reads a source, and says whenever that waits: otherwise it would look like a program that hangs.
    async fn aloud<F: Future>(&self, source: &SourceName, read: F) -> F::Output {
        let (report, name) = (self.report.clone(), source.to_string());
        let hear = move |wait: Duration, why: &Reason| {
            let length = tell::length(i64::try_from(wait.as_secs()).unwrap_or(i64::MAX));
            report.note(&match why {
                Reason::Asked => {
                    format!("{name} asks for a pause, so that its read goes on in {length}")
                }
                Reason::Failed(what) => format!("{name}: {what}; tried again in {length}"),
            });
        };
        patience::heard(hear, read).await
    }

    fn know_sources(&self, only: &[String]) -> Result<(), EngineError> {
        let directories = self.directories.iter().map(|d| d.name.as_str());
        let known: BTreeSet<_> = directories
            .chain(self.tenants.iter().map(|t| t.name.as_str()))
            .collect();
        match only.iter().find(|name| !known.contains(name.as_str())) {
            None => Ok(()),
            Some(name) => Err(EngineError::unknown(
                format!("there is no directory or tenant `{name}`"),
                format!(
                    "configured: {}",
                    known.into_iter().collect::<Vec<_>>().join(", ")
                ),
            )),
        }
    }

    fn tell(&self, synced: &Synced) {
        let noun = match synced.kind {
            SourceKind::Directory => "people",
            SourceKind::Tenant => "accounts",
        };
        let line = match synced.verdict {
            Verdict::Complete => {
                let (count, changes) = (synced.count, synced.changes);
                let word = if changes == 1 { "change" } else { "changes" };
                let why = tell::read_reasons(&synced.because);
                let why = if why.is_empty() {
                    why
                } else {
                    format!(". {why}")
                };
                format!("complete: {count} {noun}, {changes} {word}{why}")
            }
            verdict => {
                let why = tell::read_reasons(&synced.because);
                let word = match verdict {
                    Verdict::Suspect => "suspect",
                    Verdict::Partial => "cut short",
                    _ => "failed",
                };
                format!("{word}, so that nothing rests on this read. {why}")
            }
        };
        self.report.finished(synced.source.as_str(), &line);
    }

    /// The rows of a source before this read.
    pub(super) fn source_row(
        &self,
        kind: SourceKind,
        name: &SourceName,
    ) -> Result<Option<SourceRow>, EngineError> {
        let key = source_key(kind, name.as_str());
        Ok(self.ledger.view()?.row(Kind::Source, &key)?)
    }

    /// Appends the entry of a read under the id that what follows from it names; its position.
    pub(super) fn record_read(
        &self,
        run: &Run,
        id: EntryId,
        reading: Reading,
    ) -> Result<Seq, EngineError> {
        let digest = reading.proof.as_ref().map(|p| p.digest.clone());
        let src = Src {
            digest,
            kind: reading.adapter.clone(),
        };
        let payload = SourceRead {
            source: reading.source,
            kind: reading.kind,
            adapter: reading.adapter,
            verdict: reading.verdict,
            because: reading.because,
            proof: reading.proof,
            missing: reading.missing,
            canaries: reading.canaries,
            canaries_missing: reading.canaries_missing,
            forbidden_present: reading.forbidden_present,
            rehearsal: reading.rehearsal,
            activity: reading.activity,
            vault: self.ledger.vault()?.mark()?,
        };
        let mut draft = Draft::new(id, &payload);
        draft.src = Some(src);
        let appended = self.ledger.append_all(&run.by, vec![draft])?;
        Ok(appended.first)
    }
}

/// The fields of a profile as they are committed to: each as a JSON list of its values.
pub(super) fn committed(profile: &Profile, field: &str) -> Vec<u8> {
    serde_json::to_vec(profile.all(field)).unwrap_or_default()
}

/// What a voided read is worth: something was seen and the end was not, or nothing.
pub(super) fn voided(fault: &str) -> Verdict {
    match fault {
        "read.cut" | "read.timeout" | "read.size-limit" | "read.time-limit"
        | "read.admin-limit" | "read.busy" | "read.short" | "read.moved" | "read.too-many" => {
            Verdict::Partial
        }
        _ => Verdict::Failed,
    }
}
