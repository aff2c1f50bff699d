//! Closes calls whose outcome nobody knows: after their deadline, by reading the account back.
//!
//! Until then nothing is sent for that account again. A reading back that fails leaves the call in
//! doubt, and the program says so.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::domain::account::AccountRecord;
use crate::domain::code::Code;
use crate::domain::event::CommandSettled;
use crate::domain::event::Draft;
use crate::domain::rows::AccountRow;
use crate::domain::rows::CommandRow;
use crate::domain::rows::Kind;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::Run;
use crate::engine::TenantSource;
use crate::engine::accounts::login_is_news;
use crate::engine::accounts::protect;
use crate::engine::accounts::seen_drafts;
use crate::ledger::LedgerError;
use crate::provider;
use crate::provider::Target;

/// The longest that a command waits for one deadline. Deadlines rest on request limits of minutes,
/// so a longer wait means that a clock was moved.
const LONGEST_WAIT_S: i64 = 900;

/// What came of settling.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settled {
    /// Found done.
    pub done: u64,
    /// Found not done: they may be tried again.
    pub not_done: u64,
    /// Still in doubt.
    pub in_doubt: u64,
}

impl Engine {
    /// The calls without a known outcome.
    pub fn open_commands(&self) -> Result<Vec<CommandRow>, EngineError> {
        let rows = self.ledger.view()?.rows::<CommandRow>(Kind::Command)?;
        Ok(rows
            .into_iter()
            .map(|(_, row)| row)
            .filter(CommandRow::is_open)
            .collect())
    }

    /// Settles every call without a known outcome, waiting for the deadline of each.
    pub async fn settle(&self, run: &Run) -> Result<Settled, EngineError> {
        let mut settled = Settled::default();
        for command in self.open_commands()? {
            match self.settle_one(run, &command).await? {
                Some(true) => settled.done += 1,
                Some(false) => settled.not_done += 1,
                None => settled.in_doubt += 1,
            }
        }
        self.ledger.sync()?;
        Ok(settled)
    }

    async fn settle_one(
        &self,
        run: &Run,
        command: &CommandRow,
    ) -> Result<Option<bool>, EngineError> {
        let Some(tenant) = self.tenant(&command.tenant) else {
            return Ok(None);
        };
        if !self.is_where_it_was(tenant)? {
            return Ok(None);
        }
        let Some(id) = self.account_id(&command.account)? else {
            return Ok(None);
        };
        let left = command.deadline.seconds_since(self.clock.now()) + 1;
        if left > LONGEST_WAIT_S {
            return Ok(None);
        }
        if left > 0 {
            let name = self.called(&command.account)?;
            self.report.note(&format!(
                "{name}: a call has no known outcome; its answer may still come for {left} s, \
                 then the account is read back"
            ));
            // The deadline is in our clock, which runs at the machine's speed.
            let seconds = u64::try_from(left).unwrap_or_default();
            tokio::time::sleep(Duration::from_secs(seconds)).await;
        }
        let Ok(record) = tenant.adapter.account(&id).await else {
            return Ok(None);
        };
        let target = Target {
            id,
            facts: None,
            successor: None,
            done: Vec::new(),
            released: BTreeSet::new(),
        };
        let (done, because) = match tenant.adapter.settle(&target, command.does).await {
            Ok(provider::Settled::TookEffect) => (true, "settled.found-done"),
            Ok(provider::Settled::DidNot) => (false, "settled.not-done"),
            Ok(provider::Settled::Repeatable) => (false, "settled.repeatable"),
            Ok(provider::Settled::Unclear) | Err(_) => return Ok(None),
        };
        let payload = CommandSettled {
            done,
            because: Code::new(because),
        };
        let draft = Draft::new(self.ledger.entry_id()?, &payload)
            .about(&command.account)
            .because_of(&command.intent);
        crate::crash::point("settling");
        self.ledger.commit::<LedgerError>(&run.by, |view| {
            let row = view.row::<CommandRow>(Kind::Command, command.intent.as_str())?;
            let open = row.is_some_and(|row| row.is_open());
            Ok(if open {
                vec![draft.clone()]
            } else {
                Vec::new()
            })
        })?;
        crate::crash::point("settled");
        if let Some(record) = record {
            self.observe_account(run, tenant, record)?;
        }
        Ok(Some(done))
    }

    /// Records one account that was read by itself, if anything about it is new.
    pub(super) fn observe_account(
        &self,
        run: &Run,
        tenant: &TenantSource,
        record: AccountRecord,
    ) -> Result<(), EngineError> {
        let mut records = [record];
        for record in &mut records {
            record.distrust_future(run.now);
        }
        protect(tenant, &mut records);
        self.protect_still(tenant, &mut records)?;
        let view = self.ledger.view()?;
        let vault = self.ledger.vault()?;
        let mut known = std::collections::BTreeMap::new();
        for record in &records {
            let kind = crate::ledger::vault::SubjectKind::Account;
            let Some(sub) = vault.subject_of(kind, &tenant.name, &record.id)? else {
                continue;
            };
            if let Some(row) = view.row::<AccountRow>(Kind::Account, sub.as_str())? {
                known.insert(sub, row);
            }
        }
        let mut batch = vault.batch()?;
        let mut drafts = Vec::new();
        for record in &records {
            drafts.extend(self.account_draft(&mut batch, run, &tenant.name, record, &known)?);
        }
        batch.commit()?;
        self.ledger.append_all(&run.by, drafts)?;
        for record in &records {
            self.observe_seen(run, tenant, record)?;
        }
        Ok(())
    }

    /// Records the successes that a record itself shows, if they are new.
    fn observe_seen(
        &self,
        run: &Run,
        tenant: &TenantSource,
        record: &AccountRecord,
    ) -> Result<(), EngineError> {
        let kind = crate::ledger::vault::SubjectKind::Account;
        let vault = self.ledger.vault()?;
        let Some(sub) = vault.subject_of(kind, &tenant.name, &record.id)? else {
            return Ok(());
        };
        let drafts = seen_drafts(|| self.ledger.entry_id(), &tenant.name, record, &sub)?;
        self.ledger.commit::<LedgerError>(&run.by, |view| {
            let mut fresh = Vec::new();
            for draft in &drafts {
                if login_is_news(view, draft)? {
                    fresh.push(draft.clone());
                }
            }
            Ok(fresh)
        })?;
        Ok(())
    }
}
