//! One read of a directory, from the adapter to the entries.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::directory::PeopleRead;
use crate::domain::absence;
use crate::domain::absence::Missing;
use crate::domain::code::Code;
use crate::domain::departure::departure;
use crate::domain::departure::since;
use crate::domain::event::AccountObserved;
use crate::domain::event::Draft;
use crate::domain::event::Payload;
use crate::domain::event::PersonAbsent;
use crate::domain::event::PersonMissed;
use crate::domain::event::PersonObserved;
use crate::domain::id::EntryId;
use crate::domain::id::Seq;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::person::PersonFacts;
use crate::domain::person::PersonRecord;
use crate::domain::rows::Kind;
use crate::domain::rows::PersonRow;
use crate::domain::rows::SourceRow;
use crate::domain::source::Rehearsal;
use crate::domain::source::SourceKind;
use crate::domain::source::Verdict;
use crate::domain::time::Time;
use crate::domain::trust;
use crate::domain::trust::DropLimit;
use crate::domain::trust::Expectation;
use crate::engine::DirectorySource;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::Run;
use crate::engine::look_up;
use crate::engine::managers::Managers;
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
            rehearsal: reading.rehearsal,
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
        mut read: PeopleRead,
    ) -> Result<Synced, EngineError> {
        if source.is_stale(read.proof.written_at, run.now) {
            read.proof.faults.push("read.stale-file".to_owned());
        }
        let known = self.known_people(&source.name)?;
        let missing = self.missing_people(source, &read, &known)?;
        let before = self.source_row(SourceKind::Directory, &source.name)?;
        let watched = Watched::of(source, &read);
        let expected = self.expected(source, &read, &known, &missing, before.as_ref(), &watched)?;
        let (verdict, because) = trust::judge(&read.proof, &expected);
        let mut reading = reading(source, verdict, because);
        reading.proof = Some(read.proof.clone());
        let everybody = source.adapter.lists_everybody();
        reading.missing = everybody.then_some(missing.len() as u64);
        reading.canaries_missing = watched.canaries_missing();
        reading.forbidden_present = watched.forbidden_present();
        if verdict != Verdict::Complete {
            reading.missing = Some(missing.len() as u64);
            return self.disbelieved(run, source, &read, &known, &watched, reading);
        }
        let unbroken = before.as_ref().and_then(|b| b.memory.unbroken);
        let missing = self.counted(missing, unbroken)?;
        // Look-ups come before the read's entry, so that the entry stands for all of it.
        let gone = self.look_up_missing(source, &missing).await;
        let found = gone
            .values()
            .flatten()
            .filter(|record| !says_left(record, run.now));
        let found = found.count() as u64;
        if let Some((verdict, code)) =
            trust::contradiction(before.as_ref(), gone.len() as u64, found)
        {
            reading.because.push(code);
            reading.verdict = verdict;
            if verdict != Verdict::Complete {
                self.report.note(&format!(
                    "{}: of {} who are missing in this read, {found} are found by their keys",
                    source.name,
                    gone.len()
                ));
                return self.disbelieved(run, source, &read, &known, &watched, reading);
            }
        }
        let drafts = self.people_drafts(run, source, &read.people, &known, &missing, &gone)?;
        reading.canaries = self.named(source, &watched)?;
        let id = self.ledger.entry_id()?;
        let mut synced = self.recorded(run, id.clone(), reading)?;
        synced.changes = self.append_people(run, drafts, &id)?;
        Ok(synced)
    }

    /// What the read is compared with. Whoever was deleted before is not missed any more, and whoever
    /// came as a tombstone is no gap: a mass of them is a matter for the brakes.
    fn expected<'a>(
        &self,
        source: &DirectorySource,
        read: &PeopleRead,
        known: &BTreeMap<Subject, PersonRow>,
        missing: &[PersonRow],
        before: Option<&'a SourceRow>,
        watched: &Watched<'_>,
    ) -> Result<Expectation<'a>, EngineError> {
        let limits = self.limits()?;
        // Whoever is taken off a list of leavers has not left. That is a correction, but the list may
        // as well be cut, and then they would be let back in.
        let everybody = source.adapter.lists_everybody();
        let was_there = |p: &&PersonRow| p.stands() || (everybody && !p.is_gone());
        let gaps = missing.iter().filter(was_there).count();
        let tombstones = read.people.iter().filter(|p| p.facts.deleted_by.is_some());
        Ok(Expectation {
            before,
            known: known.values().filter(was_there).count() as u64,
            missing: gaps as u64,
            tombstones: tombstones.count() as u64,
            canaries_missing: watched.canaries_missing().unwrap_or(0),
            forbidden_present: watched.forbidden_present().unwrap_or(0),
            limit: DropLimit::from(&limits),
        })
    }

    /// Records a read that came to its end and is not believed, with what it would mean.
    fn disbelieved(
        &self,
        run: &Run,
        source: &DirectorySource,
        read: &PeopleRead,
        known: &BTreeMap<Subject, PersonRow>,
        watched: &Watched<'_>,
        mut reading: Reading,
    ) -> Result<Synced, EngineError> {
        reading.canaries = self.named(source, watched)?;
        let mut rehearsal = Rehearsal {
            missing: reading.missing.unwrap_or(0),
            ..Rehearsal::default()
        };
        let vault = self.ledger.vault()?;
        let everybody = source.adapter.lists_everybody();
        for record in &read.people {
            let sub = vault.subject_of(SubjectKind::Person, &source.name, &record.key)?;
            let row = sub.as_ref().and_then(|sub| known.get(sub));
            let left = |row: &PersonRow| departure(row, everybody, run.now).is_some();
            if row.is_none() {
                rehearsal.new += 1;
            }
            if says_left(record, run.now) && !row.is_some_and(left) {
                rehearsal.departing += 1;
            }
        }
        reading.rehearsal = Some(rehearsal);
        self.voided(run, reading)
    }

    /// The pseudonyms of the canaries that were seen, where they have one already.
    fn named(
        &self,
        source: &DirectorySource,
        watched: &Watched<'_>,
    ) -> Result<Vec<Subject>, EngineError> {
        let vault = self.ledger.vault()?;
        let mut named = BTreeSet::new();
        for key in watched.canaries.iter().flatten() {
            named.extend(vault.subject_of(SubjectKind::Person, &source.name, key)?);
        }
        Ok(named.into_iter().collect())
    }

    /// What one more complete read without them comes to, for each.
    fn counted(
        &self,
        missing: Vec<PersonRow>,
        unbroken: Option<Seq>,
    ) -> Result<Vec<(PersonRow, Missing)>, EngineError> {
        let limits = self.limits()?.absent;
        let now = self.clock.now();
        let count = |person: PersonRow| {
            let missing = absence::count(&person, unbroken, &limits, now);
            (person, missing)
        };
        Ok(missing.into_iter().map(count).collect())
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
        missing: &[(PersonRow, Missing)],
    ) -> BTreeMap<Subject, Option<PersonRecord>> {
        if !source.adapter.lists_everybody() {
            return BTreeMap::new();
        }
        let mut wanted = Vec::new();
        for (person, _) in missing.iter().filter(|(_, missing)| missing.look_up) {
            let profile = self.ledger.vault().and_then(|v| v.profile(&person.subject));
            let Ok(Some(profile)) = profile else { continue };
            let key = profile.first(Profile::KEY);
            wanted.extend(key.map(|key| (person.subject.clone(), key.to_owned())));
        }
        let look_up = async |key: &str| source.adapter.look_up(key).await;
        let answers = look_up::ask(wanted, self.clock.now(), look_up).await;
        if let Some(note) = answers.note(source.name.as_str()) {
            self.report.note(&note);
        }
        answers.given
    }

    /// Makes the drafts of one read, and puts everything personal into the vault in one commit.
    fn people_drafts(
        &self,
        run: &Run,
        source: &DirectorySource,
        people: &[PersonRecord],
        known: &BTreeMap<Subject, PersonRow>,
        missing: &[(PersonRow, Missing)],
        gone: &BTreeMap<Subject, Option<PersonRecord>>,
    ) -> Result<Vec<Draft>, EngineError> {
        let mut batch = self.ledger.vault()?.batch()?;
        let managers = Managers::of(people);
        let managers = Some(&managers);
        let mut drafts = Vec::new();
        let name = &source.name;
        for record in people {
            drafts.extend(self.person_draft(&mut batch, run, name, record, known, managers)?);
        }
        for (person, counted) in missing {
            let missed = PersonMissed {
                directory: source.name.clone(),
                anew: counted.anew,
            };
            match gone.get(&person.subject) {
                // It is there and only fell out of the filter: that is no absence.
                Some(Some(record)) => {
                    drafts
                        .extend(self.person_draft(&mut batch, run, name, record, known, managers)?);
                }
                Some(None) => {
                    let id = self.ledger.entry_id()?;
                    drafts.push(Draft::new(id, &missed).about(&person.subject));
                    let first = person.missed.as_ref();
                    let absent = PersonAbsent {
                        directory: source.name.clone(),
                        first_missed: first.map_or(person.seq, |m| m.seq),
                        reads: counted.reads,
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

    /// The draft for one person, if anything is new; `managers` are the people of the read, where
    /// there was one of all.
    pub(super) fn person_draft(
        &self,
        batch: &mut VaultBatch<'_>,
        run: &Run,
        directory: &SourceName,
        record: &PersonRecord,
        known: &BTreeMap<Subject, PersonRow>,
        managers: Option<&Managers<'_>>,
    ) -> Result<Option<Draft>, EngineError> {
        let sub = batch.subject_for(SubjectKind::Person, directory, &record.key, run.now)?;
        let row = known.get(&sub);
        let mut profile = profile(record);
        if record.facts.deleted_by.is_some() {
            profile = kept(profile, &batch.profile(&sub)?.unwrap_or_default());
        }
        let mut facts = PersonFacts::with_times(record, row, run.now);
        let before = row.and_then(|row| row.facts.manager.clone());
        facts.manager = match managers {
            // one person alone does not say who the manager is
            None => before,
            Some(managers) => {
                let named = managers.subject_of(batch, run, directory, record)?;
                // who leaves is often taken from under a manager first
                named.or(before.filter(|_| says_left(record, run.now)))
            }
        };
        let id = self.ledger.entry_id()?;
        let changed = self.changed_values(batch, &sub, &profile, row.is_none(), &id)?;
        let same = row
            .is_some_and(|row| row.facts == facts && row.missed.is_none() && row.absent.is_none());
        if same && changed.is_empty() {
            return Ok(None);
        }
        let observed = PersonObserved {
            directory: directory.clone(),
            facts,
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
    let (kind, adapter) = (SourceKind::Directory, source.adapter_name);
    Reading::new(kind, &source.name, adapter, verdict, because)
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

/// The values of somebody who was deleted: a tombstone has lost most of them, and what was known
/// before still says whose accounts they are.
fn kept(mut profile: Profile, before: &Profile) -> Profile {
    for field in FIELDS.iter().copied().chain([Profile::PLACE]) {
        if profile.all(field).is_empty() {
            profile = profile.with(field, before.all(field).iter().cloned());
        }
    }
    profile
}

/// Whether what a directory says of somebody is that they have left.
fn says_left(record: &PersonRecord, now: Time) -> bool {
    since(&record.facts, None, now).is_some()
}

/// The keys of those who are watched for in a read: for each entry of the configuration, whom it
/// means. A tombstone is nobody.
struct Watched<'a> {
    canaries: Vec<Vec<&'a str>>,
    forbidden: Vec<Vec<&'a str>>,
}

impl<'a> Watched<'a> {
    fn of(source: &DirectorySource, read: &'a PeopleRead) -> Self {
        let living = |person: &&PersonRecord| person.facts.deleted_by.is_none();
        let meant = |watched: &String| {
            let people = read.people.iter().filter(living);
            let meant = people.filter(|person| is_meant(person, watched.trim()));
            meant.map(|person| person.key.as_str()).collect()
        };
        Self {
            canaries: source.canaries.iter().map(meant).collect(),
            forbidden: source.forbidden.iter().map(meant).collect(),
        }
    }

    /// How many canaries are not there; `None` where there are no canaries.
    fn canaries_missing(&self) -> Option<u64> {
        let missing = self.canaries.iter().filter(|keys| keys.is_empty()).count();
        (!self.canaries.is_empty()).then_some(missing as u64)
    }

    /// How many are there who must not be; `None` where nobody is forbidden.
    fn forbidden_present(&self) -> Option<u64> {
        let present = self
            .forbidden
            .iter()
            .filter(|keys| !keys.is_empty())
            .count();
        (!self.forbidden.is_empty()).then_some(present as u64)
    }
}

/// Whether an entry of the configuration means this person: by the key, an address, a distinguished
/// name, or its first part.
fn is_meant(person: &PersonRecord, watched: &str) -> bool {
    let mail = person.mails.iter().any(|m| m.eq_ignore_ascii_case(watched));
    let place = person.place.as_deref().is_some_and(|place| {
        let head = place.get(..watched.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(watched))
            && matches!(place.as_bytes().get(watched.len()), None | Some(b','))
    });
    person.key.eq_ignore_ascii_case(watched) || mail || place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tombstone_keeps_the_addresses_that_it_lost() {
        let before = Profile::new()
            .with(Profile::KEY, ["7"])
            .with(Profile::MAIL, ["ada@house.test", "a.l@house.test"])
            .with(Profile::NAME, ["Ada"]);
        let tombstone = Profile::new()
            .with(Profile::KEY, ["7"])
            .with(Profile::NAME, ["Ada (deleted)"]);
        let kept = kept(tombstone, &before);
        assert_eq!(kept.all(Profile::MAIL), before.all(Profile::MAIL));
        assert_eq!(kept.all(Profile::KEY), ["7"], "not twice");
        assert_eq!(kept.first(Profile::NAME), Some("Ada (deleted)"));
    }
}
