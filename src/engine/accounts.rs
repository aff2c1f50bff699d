//! One read of a tenant, from the adapter to the entries.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::domain::account::AHEAD_S;
use crate::domain::account::AccountKind;
use crate::domain::account::AccountRecord;
use crate::domain::account::AccountState;
use crate::domain::account::Do;
use crate::domain::account::Protection;
use crate::domain::account::Sightings;
use crate::domain::account::Signal;
use crate::domain::code::Code;
use crate::domain::event::AccountGone;
use crate::domain::event::AccountObserved;
use crate::domain::event::CommandConfirmed;
use crate::domain::event::Draft;
use crate::domain::event::LoginObserved;
use crate::domain::id::Email;
use crate::domain::id::EntryId;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::rows::AccountRow;
use crate::domain::rows::ActivityRow;
use crate::domain::rows::CommandRow;
use crate::domain::rows::Kind;
use crate::domain::source::Rehearsal;
use crate::domain::source::SignalProof;
use crate::domain::source::SourceKind;
use crate::domain::source::Verdict;
use crate::domain::time::Time;
use crate::domain::trust;
use crate::domain::trust::DropLimit;
use crate::domain::trust::Expectation;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::Run;
use crate::engine::TenantSource;
use crate::engine::look_up;
use crate::engine::observe::Reading;
use crate::engine::observe::Synced;
use crate::engine::observe::committed;
use crate::engine::observe::voided;
use crate::ledger::LedgerError;
use crate::ledger::View;
use crate::ledger::vault::Profile;
use crate::ledger::vault::SubjectKind;
use crate::ledger::vault::VaultBatch;
use crate::provider::AccountsRead;
use crate::provider::ActivityRead;

/// The personal fields that an entry commits to when they change.
const FIELDS: &[&str] = &[
    Profile::KEY,
    Profile::MAIL,
    Profile::NAME,
    Profile::EXTERNAL_ID,
    Profile::EMPLOYEE_NUMBER,
];

impl Engine {
    /// Reads one tenant and records what it showed.
    pub(super) async fn sync_tenant(
        &self,
        run: &Run,
        source: &TenantSource,
    ) -> Result<Synced, EngineError> {
        let (report, name) = (self.report.clone(), source.name.to_string());
        let progress = move |count: u64| report.progress(&name, "accounts", count);
        let mut read = match source.adapter.accounts(&progress).await {
            Ok(read) => read,
            Err(error) => {
                let fault = error.fault();
                let reading = reading(source, voided(fault), vec![Code::new(fault)]);
                let mut synced = self.voided(run, reading)?;
                synced.error = Some(error.into());
                return Ok(synced);
            }
        };
        for account in &mut read.accounts {
            account.distrust_future(run.now);
        }
        let unmatched = protect(source, &mut read.accounts);
        self.protect_still(source, &mut read.accounts)?;
        let mut synced = self.record_tenant(run, source, read).await?;
        synced.unmatched = unmatched;
        Ok(synced)
    }

    /// Protects also whom the policy that rules protects and exeunt.toml does not any more.
    pub(super) fn protect_still(
        &self,
        source: &TenantSource,
        accounts: &mut [AccountRecord],
    ) -> Result<(), EngineError> {
        let Some(guard) = self.tenant_guard(&source.name)? else {
            return Ok(());
        };
        // the adapter goes by exeunt.toml; until that is adopted, a key may be anybody's
        if source.machines_named && !guard.machines_named {
            for account in accounts.iter_mut() {
                if account.facts.state != AccountState::Invited {
                    account.facts.protected.insert(Protection::KeysUnseen);
                }
            }
        }
        if guard.protect.is_empty() {
            return Ok(());
        }
        for account in accounts {
            let Some(email) = account.email.as_deref().and_then(Email::parse) else {
                continue;
            };
            let listed =
                source.protect.contains(&email) || source.service_accounts.contains(&email);
            if !listed && guard.protect.contains(&self.fingerprint(email.as_str())?) {
                account.facts.protected.insert(Protection::Listed);
            }
        }
        Ok(())
    }

    async fn record_tenant(
        &self,
        run: &Run,
        source: &TenantSource,
        read: AccountsRead,
    ) -> Result<Synced, EngineError> {
        let known = self.known_accounts(&source.name)?;
        let missing = self.missing_accounts(source, &read, &known)?;
        let before = self.source_row(SourceKind::Tenant, &source.name)?;
        let there = known.values().filter(|a| a.gone.is_none()).count();
        let limits = self.limits()?;
        let expected = Expectation {
            before: before.as_ref(),
            known: there as u64,
            missing: missing.len() as u64,
            limit: DropLimit::from(&limits),
            ..Expectation::default()
        };
        let (verdict, because) = trust::judge(&read.proof, &expected);
        let mut reading = reading(source, verdict, because);
        reading.proof = Some(read.proof.clone());
        reading.missing = Some(missing.len() as u64);
        if verdict != Verdict::Complete {
            return self.disbelieved_list(run, source, &read, reading);
        }
        let answers = self.ask_for_missing(source, &missing).await?;
        let found = answers.values().flatten().count() as u64;
        if let Some((verdict, code)) =
            trust::contradiction(before.as_ref(), answers.len() as u64, found)
        {
            reading.because.push(code);
            reading.verdict = verdict;
            if verdict != Verdict::Complete {
                self.report.note(&format!(
                    "{}: of {} accounts that the list lacks, the tenant shows {found} when asked",
                    source.name,
                    answers.len()
                ));
                return self.disbelieved_list(run, source, &read, reading);
            }
        }
        // Only the tenant's own word that there is none makes an account gone.
        let gone = answers.into_iter().filter(|(_, answer)| answer.is_none());
        let gone: Vec<Subject> = gone.map(|(subject, _)| subject).collect();
        let walked = before.map(|b| b.activity).unwrap_or_default();
        let (report, name) = (self.report.clone(), source.name.to_string());
        let progress = move |count: u64| report.progress(&name, "events", count);
        let mut activity = source.adapter.activity(&walked, run.now, &progress).await;
        distrust_future(&mut activity, &walked, run.now);
        add_seen(&mut activity, &read);
        reading.activity.clone_from(&activity.signals);
        let drafts = self.account_drafts(run, source, &read.accounts, &known, &gone)?;
        // The read's entry moves the watermark, behind which nobody looks again: it comes after
        // what was seen before the watermark. Whoever is interrupted between walks there again.
        let id = self.ledger.entry_id()?;
        let mut changes = self.append_accounts(run, drafts, &id)?;
        crate::crash::point("accounts-appended");
        changes += self.append_logins(run, source, &activity, &id)?;
        let mut synced = self.recorded(run, id.clone(), reading)?;
        synced.changes = changes + self.confirm_commands(run, source, &id)?;
        Ok(synced)
    }

    fn known_accounts(
        &self,
        tenant: &SourceName,
    ) -> Result<BTreeMap<Subject, AccountRow>, EngineError> {
        let rows = self.ledger.view()?.rows::<AccountRow>(Kind::Account)?;
        let own = rows
            .into_iter()
            .map(|(_, row)| row)
            .filter(|row| row.tenant == *tenant);
        Ok(own.map(|row| (row.subject.clone(), row)).collect())
    }

    fn missing_accounts(
        &self,
        source: &TenantSource,
        read: &AccountsRead,
        known: &BTreeMap<Subject, AccountRow>,
    ) -> Result<Vec<AccountRow>, EngineError> {
        let vault = self.ledger.vault()?;
        let mut seen = BTreeSet::new();
        for account in &read.accounts {
            seen.extend(vault.subject_of(SubjectKind::Account, &source.name, &account.id)?);
        }
        let there = known.values().filter(|a| a.gone.is_none());
        Ok(there
            .filter(|a| !seen.contains(&a.subject))
            .cloned()
            .collect())
    }

    /// Records a list that came to its end and is not believed, with what it would mean.
    fn disbelieved_list(
        &self,
        run: &Run,
        source: &TenantSource,
        read: &AccountsRead,
        mut reading: Reading,
    ) -> Result<Synced, EngineError> {
        let mut rehearsal = Rehearsal {
            missing: reading.missing.unwrap_or(0),
            ..Rehearsal::default()
        };
        let vault = self.ledger.vault()?;
        for account in &read.accounts {
            let sub = vault.subject_of(SubjectKind::Account, &source.name, &account.id)?;
            rehearsal.new += u64::from(sub.is_none());
        }
        reading.rehearsal = Some(rehearsal);
        self.voided(run, reading)
    }

    /// Asks the tenant for each account that its list did not have; one that could not be asked
    /// about stays as it was.
    async fn ask_for_missing(
        &self,
        source: &TenantSource,
        missing: &[AccountRow],
    ) -> Result<BTreeMap<Subject, Option<AccountRecord>>, EngineError> {
        let mut wanted = Vec::new();
        for account in missing {
            let profile = self.ledger.vault()?.profile(&account.subject)?;
            let id = profile.as_ref().and_then(|p| p.first(Profile::KEY));
            wanted.extend(id.map(|id| (account.subject.clone(), id.to_owned())));
        }
        let look_up = async |id: &str| source.adapter.account(id).await;
        let answers = look_up::ask(wanted, self.clock.now(), look_up).await;
        if let Some(note) = answers.note(source.name.as_str()) {
            self.report.note(&note);
        }
        Ok(answers.given)
    }

    fn account_drafts(
        &self,
        run: &Run,
        source: &TenantSource,
        accounts: &[AccountRecord],
        known: &BTreeMap<Subject, AccountRow>,
        gone: &[Subject],
    ) -> Result<Vec<Draft>, EngineError> {
        let mut batch = self.ledger.vault()?.batch()?;
        let mut drafts = Vec::new();
        for record in accounts {
            drafts.extend(self.account_draft(&mut batch, run, &source.name, record, known)?);
        }
        for sub in gone {
            let payload = AccountGone {
                tenant: source.name.clone(),
            };
            drafts.push(Draft::new(self.ledger.entry_id()?, &payload).about(sub));
        }
        batch.commit()?;
        crate::crash::point("accounts-in-vault");
        Ok(drafts)
    }

    /// The draft for one account, if anything is new.
    pub(super) fn account_draft(
        &self,
        batch: &mut VaultBatch<'_>,
        run: &Run,
        tenant: &SourceName,
        record: &AccountRecord,
        known: &BTreeMap<Subject, AccountRow>,
    ) -> Result<Option<Draft>, EngineError> {
        let sub = batch.subject_for(SubjectKind::Account, tenant, &record.id, run.now)?;
        let row = known.get(&sub);
        let profile = profile(record);
        let id = self.ledger.entry_id()?;
        let changed = self.changed_values(batch, &sub, &profile, row.is_none(), &id)?;
        let mut facts = record.facts.clone();
        // keys that are not shown any more are not gone
        let before = row.map_or(0, |row| row.facts.live_keys);
        facts.live_keys = record.live_keys.unwrap_or(before);
        let same = row.is_some_and(|row| row.facts == facts && row.gone.is_none());
        if same && changed.is_empty() {
            return Ok(None);
        }
        let observed = AccountObserved {
            tenant: tenant.clone(),
            facts,
            changed: changed.clone(),
        };
        let mut draft = Draft::new(id, &observed).about(&sub);
        for field in FIELDS.iter().filter(|f| changed.contains(**f)) {
            batch.conceal(&mut draft, field, &sub, &committed(&profile, field))?;
        }
        Ok(Some(draft))
    }

    fn append_accounts(
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

    /// Appends one entry for each account and signal that has something new.
    fn append_logins(
        &self,
        run: &Run,
        source: &TenantSource,
        activity: &ActivityRead,
        read: &EntryId,
    ) -> Result<u64, EngineError> {
        let vault = self.ledger.vault()?;
        let mut count = 0;
        for (signal, seen) in &activity.seen {
            let mut drafts = Vec::new();
            for (id, sightings) in seen {
                // Events of accounts that are not in the list (removed ones) are about nobody.
                let sub = vault.subject_of(SubjectKind::Account, &source.name, id)?;
                let Some(sub) = sub else { continue };
                let id = self.ledger.entry_id()?;
                drafts.extend(login_draft(id, &source.name, *signal, &sub, sightings));
            }
            for chunk in drafts.chunks(crate::ledger::BATCH) {
                let appended = self.ledger.commit::<LedgerError>(&run.by, |view| {
                    let mut fresh = Vec::new();
                    for draft in chunk {
                        if login_is_news(view, draft)? {
                            fresh.push(draft.clone().because_of(read));
                        }
                    }
                    Ok(fresh)
                })?;
                count += appended.count;
            }
        }
        Ok(count)
    }

    /// Confirms every command that took effect and whose account this read shows so.
    fn confirm_commands(
        &self,
        run: &Run,
        source: &TenantSource,
        read: &EntryId,
    ) -> Result<u64, EngineError> {
        let appended = self.ledger.commit::<EngineError>(&run.by, |view| {
            let mut drafts = Vec::new();
            for (_, command) in view.rows::<CommandRow>(Kind::Command)? {
                let waits = command.tenant == source.name
                    && command.took_effect()
                    && command.confirmed.is_none();
                // what was handed over does not show in the account that gave it
                if !waits || command.does == Do::Transfer {
                    continue;
                }
                let account = view.row::<AccountRow>(Kind::Account, command.account.as_str())?;
                let facts = account
                    .as_ref()
                    .filter(|a| a.gone.is_none())
                    .map(|a| &a.facts);
                if source.adapter.shows(facts, command.does) {
                    let payload = CommandConfirmed { read: read.clone() };
                    let draft = Draft::new(self.ledger.entry_id()?, &payload);
                    drafts.push(draft.about(&command.account).because_of(&command.intent));
                }
            }
            drafts.truncate(crate::ledger::BATCH);
            Ok(drafts)
        })?;
        Ok(appended.count)
    }
}

/// Takes out of a walk what lies in the future. A log that holds such an event says nothing for
/// certain: the walk counts as one that was not whole, and the next one begins where it did.
fn distrust_future(activity: &mut ActivityRead, before: &[SignalProof], now: Time) {
    let believed = now.plus_seconds(AHEAD_S);
    for (signal, seen) in &mut activity.seen {
        let all = seen.len();
        seen.retain(|_, sightings| sightings.newest.is_none_or(|at| at <= believed));
        if seen.len() == all {
            continue;
        }
        // the next walk counts these again
        for sightings in seen.values_mut() {
            sightings.days.clear();
        }
        let proofs = activity.signals.iter_mut();
        for proof in proofs.filter(|proof| proof.signal == *signal) {
            let before = before.iter().find(|b| b.signal == *signal);
            proof.complete = false;
            proof.fault = Some("activity.future-date".to_owned());
            proof.horizon = before.and_then(|b| b.horizon);
            proof.until = before.and_then(|b| b.until);
            proof.watermark = before.and_then(|b| b.watermark);
        }
    }
}

/// Adds what stands in the accounts themselves to what the logs say.
fn add_seen(activity: &mut ActivityRead, read: &AccountsRead) {
    activity.signals.extend(read.signals.iter().cloned());
    for account in &read.accounts {
        for (signal, at) in &account.seen {
            let of_signal = activity.seen.entry(*signal).or_default();
            let sightings = of_signal.entry(account.id.clone()).or_default();
            sightings.newest = sightings.newest.max(Some(*at));
        }
    }
}

/// The drafts for the successes that a record itself shows, without a walk through a log.
pub(super) fn seen_drafts(
    ids: impl Fn() -> Result<EntryId, LedgerError>,
    tenant: &SourceName,
    record: &AccountRecord,
    sub: &Subject,
) -> Result<Vec<Draft>, LedgerError> {
    let mut drafts = Vec::new();
    for (signal, at) in &record.seen {
        let sightings = Sightings {
            newest: Some(*at),
            ..Sightings::default()
        };
        drafts.extend(login_draft(ids()?, tenant, *signal, sub, &sightings));
    }
    Ok(drafts)
}

fn login_draft(
    id: EntryId,
    tenant: &SourceName,
    signal: Signal,
    sub: &Subject,
    seen: &Sightings,
) -> Option<Draft> {
    let observed = LoginObserved {
        tenant: tenant.clone(),
        signal,
        newest: seen.newest?,
        days: seen.days.clone(),
    };
    let mut draft = Draft::new(id, &observed).about(sub);
    draft.at = seen.newest;
    Some(draft)
}

pub(super) fn login_is_news(view: &View<'_>, draft: &Draft) -> Result<bool, LedgerError> {
    let observed = serde_json::from_value::<LoginObserved>(draft.data.clone());
    let (Ok(observed), Some(sub)) = (observed, &draft.sub) else {
        return Ok(true);
    };
    // Successes of accounts that the ledger does not know yet wait for the account.
    if view
        .row::<AccountRow>(Kind::Account, sub.as_str())?
        .is_none()
    {
        return Ok(false);
    }
    let row = view.row::<ActivityRow>(Kind::Activity, sub.as_str())?;
    let Some(known) = row.and_then(|row| row.newest.get(&observed.signal).cloned()) else {
        return Ok(true);
    };
    if known.since != observed.newest {
        return Ok(known.since < observed.newest || !observed.days.is_empty());
    }
    // A read that was cut before its own entry has recorded this already.
    let said = view.entry(known.seq)?.map(|entry| entry.data);
    Ok(said.as_ref() != Some(&draft.data) && !observed.days.is_empty())
}

/// Whether an account's draft still says something new.
fn is_news(view: &View<'_>, draft: &Draft) -> Result<bool, LedgerError> {
    let observed = serde_json::from_value::<AccountObserved>(draft.data.clone());
    let (Ok(observed), Some(sub)) = (observed, &draft.sub) else {
        return Ok(true);
    };
    let row = view.row::<AccountRow>(Kind::Account, sub.as_str())?;
    let same = row.is_some_and(|row| row.facts == observed.facts && row.gone.is_none());
    Ok(!same || !observed.changed.is_empty())
}

/// Marks the accounts on the tenant's lists; returns the protected addresses that nobody has.
pub(super) fn protect(source: &TenantSource, accounts: &mut [AccountRecord]) -> Vec<String> {
    let mut unmatched: BTreeSet<&Email> = source.protect.iter().collect();
    for account in accounts {
        let Some(email) = account.email.as_deref().and_then(Email::parse) else {
            continue;
        };
        if source.protect.contains(&email) {
            account.facts.protected.insert(Protection::Listed);
            unmatched.remove(&email);
        }
        if source.service_accounts.contains(&email) {
            account.facts.kind = AccountKind::Service;
            account.facts.protected.insert(Protection::Service);
        }
    }
    unmatched
        .into_iter()
        .map(|email| email.as_str().to_owned())
        .collect()
}

fn reading(source: &TenantSource, verdict: Verdict, because: Vec<Code>) -> Reading {
    let adapter = source.adapter.kind().name;
    Reading::new(SourceKind::Tenant, &source.name, adapter, verdict, because)
}

/// The personal values of an account as the tenant has them.
pub(super) fn profile(record: &AccountRecord) -> Profile {
    Profile::new()
        .with(Profile::KEY, [record.id.as_str()])
        .with(Profile::MAIL, record.email.as_deref())
        .with(Profile::NAME, record.name.as_deref())
        .with(Profile::EXTERNAL_ID, record.external_id.as_deref())
        .with(Profile::EMPLOYEE_NUMBER, record.employee_number.as_deref())
}
