//! One read of a directory, from the adapter to the entries.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::directory::PeopleRead;
use crate::domain::code::Code;
use crate::domain::event::AccountObserved;
use crate::domain::event::Draft;
use crate::domain::event::Payload;
use crate::domain::event::PersonAbsent;
use crate::domain::event::PersonMissed;
use crate::domain::event::PersonObserved;
use crate::domain::id::EntryId;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::person::PersonRecord;
use crate::domain::rows::Kind;
use crate::domain::rows::PersonRow;
use crate::domain::source::SourceKind;
use crate::domain::source::Verdict;
use crate::domain::trust;
use crate::domain::trust::DropLimit;
use crate::domain::trust::Expectation;
use crate::engine::DirectorySource;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::Run;
use crate::engine::observe::Reading;
use crate::engine::observe::Synced;
use crate::engine::observe::committed;
use crate::engine::observe::voided;
use crate::ledger::LedgerError;
use crate::ledger::vault::Profile;
use crate::ledger::vault::SubjectKind;
use crate::ledger::vault::VaultBatch;

/// The personal fields that an entry commits to when they change.
const FIELDS: &[&str] = &[
    Profile::KEY,
    Profile::MAIL,
    Profile::NAME,
    Profile::LOGIN,
    Profile::EMPLOYEE_NUMBER,
];

impl Engine {
    /// Reads one directory and records what it showed.
    pub(super) async fn sync_directory(
        &self,
        run: &Run,
        source: &DirectorySource,
    ) -> Result<Synced, EngineError> {
        let report = self.report.clone();
        let name = source.name.to_string();
        let progress = move |count: u64| report.progress(&name, "people", count);
        match source.adapter.read(&progress).await {
            Ok(read) => self.record_people(run, source, read).await,
            Err(error) => {
                let fault = error.fault();
                let reading = reading(source, voided(fault), vec![Code::new(fault)]);
                let mut synced = self.voided(run, reading)?;
                synced.error = Some(error.into());
                Ok(synced)
            }
        }
    }

    /// Records a read that shows nothing.
    pub(super) fn voided(&self, run: &Run, reading: Reading) -> Result<Synced, EngineError> {
        self.recorded(run, self.ledger.entry_id()?, reading)
    }

    /// Records a read under an id that was made before.
    pub(super) fn recorded(
        &self,
        run: &Run,
        id: EntryId,
        reading: Reading,
    ) -> Result<Synced, EngineError> {
        let mut synced = Synced {
            source: reading.source.clone(),
            kind: reading.kind,
            verdict: reading.verdict,
            because: reading.because.clone(),
            count: reading.proof.as_ref().map_or(0, |p| p.count),
            missing: reading.missing.unwrap_or(0),
            changes: 0,
            seq: 0,
            digest: reading.proof.as_ref().map(|p| p.digest.clone()),
            activity: reading.activity.clone(),
            unmatched: Vec::new(),
            error: None,
        };
        synced.seq = self.record_read(run, id, reading)?;
        Ok(synced)
    }

    async fn record_people(
        &self,
        run: &Run,
        source: &DirectorySource,
        read: PeopleRead,
    ) -> Result<Synced, EngineError> {
        let known = self.known_people(&source.name)?;
        let missing = self.missing_people(source, &read, &known)?;
        let before = self.source_row(SourceKind::Directory, &source.name)?;
        let there = known.values().filter(|p| p.absent.is_none()).count();
        let limits = self.limits()?;
        let expected = Expectation {
            before: before.as_ref(),
            known: there as u64,
            // a list of leavers gets shorter by corrections: that is no drop
            missing: if source.adapter.lists_everybody() {
                missing.len() as u64
            } else {
                0
            },
            canaries_missing: canaries_missing(source, &read),
            limit: DropLimit {
                percent: limits.max_drop_percent,
                floor: limits.max_drop_floor,
            },
        };
        let (verdict, because) = trust::judge(&read.proof, &expected);
        let mut reading = reading(source, verdict, because);
        reading.proof = Some(read.proof.clone());
        reading.missing = source
            .adapter
            .lists_everybody()
            .then_some(missing.len() as u64);
        if verdict != Verdict::Complete {
            return self.voided(run, reading);
        }
        // Look-ups come before the read's entry, so that the entry stands for all of it.
        let gone = self.look_up_missing(source, &missing).await;
        let drafts = self.people_drafts(run, source, &read.people, &known, &missing, &gone)?;
        let id = self.ledger.entry_id()?;
        let mut synced = self.recorded(run, id.clone(), reading)?;
        synced.changes = self.append_people(run, drafts, &id)?;
        Ok(synced)
    }

    fn known_people(
        &self,
        directory: &SourceName,
    ) -> Result<BTreeMap<Subject, PersonRow>, EngineError> {
        let rows = self.ledger.view()?.rows::<PersonRow>(Kind::Person)?;
        let own = rows
            .into_iter()
            .map(|(_, row)| row)
            .filter(|row| row.directory == *directory);
        Ok(own.map(|row| (row.subject.clone(), row)).collect())
    }

    /// Who was there before and is not now. In a list of leavers that is a correction, said once:
    /// whoever was taken off it has not left.
    fn missing_people(
        &self,
        source: &DirectorySource,
        read: &PeopleRead,
        known: &BTreeMap<Subject, PersonRow>,
    ) -> Result<Vec<PersonRow>, EngineError> {
        let everybody = source.adapter.lists_everybody();
        let vault = self.ledger.vault()?;
        let mut seen = BTreeSet::new();
        for person in &read.people {
            seen.extend(vault.subject_of(SubjectKind::Person, &source.name, &person.key)?);
        }
        let there = known
            .values()
            .filter(|p| p.absent.is_none() && (everybody || p.missed.is_none()));
        Ok(there
            .filter(|p| !seen.contains(&p.subject))
            .cloned()
            .collect())
    }

    /// Looks up everybody who has been missing for long enough, each over a connection of its own.
    /// Whoever is not in the answer could not be asked about, and nothing follows.
    async fn look_up_missing(
        &self,
        source: &DirectorySource,
        missing: &[PersonRow],
    ) -> BTreeMap<Subject, Option<PersonRecord>> {
        let Ok(limits) = self.limits().map(|l| l.absent) else {
            return BTreeMap::new();
        };
        let now = self.clock.now();
        let mut answers = BTreeMap::new();
        let mut unanswered = Vec::new();
        if !source.adapter.lists_everybody() {
            return answers;
        }
        for person in missing {
            let Some(missed) = &person.missed else {
                continue;
            };
            let minutes = now.seconds_since(missed.since) / 60;
            let long_enough = u64::try_from(minutes).is_ok_and(|m| m >= limits.over_minutes);
            if missed.reads.saturating_add(1) < limits.reads || !long_enough {
                continue;
            }
            let key = self.ledger.vault().and_then(|v| v.profile(&person.subject));
            let Ok(Some(profile)) = key else { continue };
            let Some(key) = profile.first(Profile::KEY) else {
                continue;
            };
            match source.adapter.look_up(key).await {
                Ok(answer) => {
                    answers.insert(person.subject.clone(), answer);
                }
                Err(error) => unanswered.push(error),
            }
        }
        if let Some(first) = unanswered.first() {
            self.report.note(&format!(
                "{}: {} missing there could not be looked up, so that they do not count as gone: \
                 {first}",
                source.name,
                unanswered.len()
            ));
        }
        answers
    }

    /// Makes the drafts of one read, and puts everything personal into the vault in one commit.
    fn people_drafts(
        &self,
        run: &Run,
        source: &DirectorySource,
        people: &[PersonRecord],
        known: &BTreeMap<Subject, PersonRow>,
        missing: &[PersonRow],
        gone: &BTreeMap<Subject, Option<PersonRecord>>,
    ) -> Result<Vec<Draft>, EngineError> {
        let mut batch = self.ledger.vault()?.batch()?;
        let mut drafts = Vec::new();
        for record in people {
            drafts.extend(self.person_draft(&mut batch, run, &source.name, record, known)?);
        }
        for person in missing {
            let missed = PersonMissed {
                directory: source.name.clone(),
            };
            match gone.get(&person.subject) {
                // It is there and only fell out of the filter: that is no absence.
                Some(Some(record)) => {
                    drafts.extend(self.person_draft(
                        &mut batch,
                        run,
                        &source.name,
                        record,
                        known,
                    )?);
                }
                Some(None) => {
                    let id = self.ledger.entry_id()?;
                    drafts.push(Draft::new(id, &missed).about(&person.subject));
                    let first = person.missed.as_ref();
                    let absent = PersonAbsent {
                        directory: source.name.clone(),
                        first_missed: first.map_or(person.seq, |m| m.seq),
                        reads: first.map_or(1, |m| m.reads + 1),
                    };
                    let id = self.ledger.entry_id()?;
                    drafts.push(Draft::new(id, &absent).about(&person.subject));
                }
                None => {
                    let id = self.ledger.entry_id()?;
                    drafts.push(Draft::new(id, &missed).about(&person.subject));
                }
            }
        }
        batch.commit()?;
        crate::crash::point("people-in-vault");
        Ok(drafts)
    }

    /// The draft for one person, if anything is new.
    pub(super) fn person_draft(
        &self,
        batch: &mut VaultBatch<'_>,
        run: &Run,
        directory: &SourceName,
        record: &PersonRecord,
        known: &BTreeMap<Subject, PersonRow>,
    ) -> Result<Option<Draft>, EngineError> {
        let sub = batch.subject_for(SubjectKind::Person, directory, &record.key, run.now)?;
        let row = known.get(&sub);
        let profile = profile(record);
        let id = self.ledger.entry_id()?;
        let changed = self.changed_values(batch, &sub, &profile, row.is_none(), &id)?;
        let same = row.is_some_and(|row| {
            row.facts == record.facts && row.missed.is_none() && row.absent.is_none()
        });
        if same && changed.is_empty() {
            return Ok(None);
        }
        let observed = PersonObserved {
            directory: directory.clone(),
            facts: record.facts.clone(),
            changed: changed.clone(),
        };
        let mut draft = Draft::new(id, &observed).about(&sub);
        for field in FIELDS.iter().filter(|f| changed.contains(**f)) {
            batch.conceal(&mut draft, field, &sub, &committed(&profile, field))?;
        }
        Ok(Some(draft))
    }

    /// Which personal values are new; they are put into the vault, with the entry that is to
    /// record them.
    ///
    /// New is what the ledger does not have. The vault may be ahead of it, where the program ended
    /// between their two commits: then what was recorded last is what counts.
    pub(super) fn changed_values(
        &self,
        batch: &mut VaultBatch<'_>,
        sub: &Subject,
        profile: &Profile,
        is_new: bool,
        entry: &EntryId,
    ) -> Result<BTreeSet<String>, EngineError> {
        let same = batch.fingerprint(sub)? == Some(self.ledger.vault()?.fingerprint_of(profile));
        let recorded = match batch.recorded_by(sub)? {
            Some(id) => self.ledger.has_entry(&id)?,
            None => false,
        };
        if same && recorded {
            return Ok(BTreeSet::new());
        }
        let before = match (is_new, recorded) {
            (true, _) => Profile::new(),
            (false, true) => batch.profile(sub)?.unwrap_or_default(),
            (false, false) => self.recorded_values(sub)?,
        };
        let changed = profile.changed_since(&before);
        if !same || !changed.is_empty() {
            batch.put_profile(sub, profile, entry)?;
        }
        Ok(changed)
    }

    /// The personal values of a subject that the ledger's entries commit to, the newest of each.
    /// One that does not open any more counts as another one.
    fn recorded_values(&self, sub: &Subject) -> Result<Profile, EngineError> {
        let vault = self.ledger.vault()?;
        let mut newest = BTreeMap::new();
        let observed = [PersonObserved::TYPE, AccountObserved::TYPE];
        for entry in self.ledger.view()?.about(sub)? {
            if !observed.contains(&entry.kind.as_str()) {
                continue;
            }
            for field in entry.commit.into_keys() {
                newest.insert(field, entry.id.clone());
            }
        }
        let mut recorded = Profile::new();
        for (field, entry) in newest {
            let opening = vault.opening(&entry, &field)?;
            let values = opening.and_then(|o| serde_json::from_slice::<Vec<String>>(&o.value).ok());
            recorded = recorded.with(&field, values.unwrap_or_default());
        }
        Ok(recorded)
    }

    /// Appends the drafts of one read in batches; what another process has appended meanwhile is
    /// left out.
    fn append_people(
        &self,
        run: &Run,
        drafts: Vec<Draft>,
        read: &EntryId,
    ) -> Result<u64, EngineError> {
        let mut count = 0;
        for chunk in drafts.chunks(crate::ledger::BATCH) {
            let appended = self.ledger.commit::<LedgerError>(&run.by, |view| {
                let mut fresh = Vec::new();
                for draft in chunk {
                    if is_news(view, draft)? {
                        fresh.push(draft.clone().because_of(read));
                    }
                }
                Ok(fresh)
            })?;
            count += appended.count;
        }
        Ok(count)
    }
}

/// Whether a person's draft still says something new.
fn is_news(view: &crate::ledger::View<'_>, draft: &Draft) -> Result<bool, LedgerError> {
    let observed = serde_json::from_value::<PersonObserved>(draft.data.clone());
    let (Ok(observed), Some(sub)) = (observed, &draft.sub) else {
        return Ok(true);
    };
    let row = view.row::<PersonRow>(Kind::Person, sub.as_str())?;
    let same = row.is_some_and(|row| {
        row.facts == observed.facts && row.missed.is_none() && row.absent.is_none()
    });
    Ok(!same || !observed.changed.is_empty())
}

fn reading(source: &DirectorySource, verdict: Verdict, because: Vec<Code>) -> Reading {
    Reading {
        source: source.name.clone(),
        kind: SourceKind::Directory,
        adapter: source.adapter_name.to_owned(),
        verdict,
        because,
        proof: None,
        missing: None,
        activity: Vec::new(),
    }
}

/// The personal values of a person as the directory has them.
fn profile(record: &PersonRecord) -> Profile {
    Profile::new()
        .with(Profile::KEY, [record.key.as_str()])
        .with(Profile::MAIL, record.mails.iter().map(String::as_str))
        .with(Profile::NAME, record.name.as_deref())
        .with(Profile::LOGIN, record.login.as_deref())
        .with(Profile::EMPLOYEE_NUMBER, record.employee_number.as_deref())
        .with(Profile::PLACE, record.place.as_deref())
}

/// How many canaries a read did not show.
fn canaries_missing(source: &DirectorySource, read: &PeopleRead) -> u64 {
    let is = |person: &PersonRecord, canary: &str| {
        let canary = canary.trim();
        let mail = person.mails.iter().any(|m| m.eq_ignore_ascii_case(canary));
        // A canary may be given by the first part of a distinguished name, or by all of it.
        let place = person.place.as_deref().is_some_and(|place| {
            place.eq_ignore_ascii_case(canary)
                || place
                    .get(..canary.len())
                    .is_some_and(|head| head.eq_ignore_ascii_case(canary))
                    && place.as_bytes().get(canary.len()) == Some(&b',')
        });
        person.key == canary || mail || place
    };
    let missing = source
        .canaries
        .iter()
        .filter(|c| !read.people.iter().any(|person| is(person, c)));
    missing.count() as u64
}
